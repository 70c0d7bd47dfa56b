//! The team: who may sign in, and links for those who cannot yet.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    accounts::{
        AccountError, Role, User,
        links::{self, Link, NewLink as MadeLink},
        users,
    },
    audit::Actor,
    settings,
};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::page::{InviteRow, MemberRow, NewLink, TeamPage};
use crate::{
    error::{AppError, sentence},
    extract::{Form, Path},
    flash::Done,
    frame::{frame, html, html_with},
    routes::page::{Badge, Choice, FlashKind, When},
    session::SignedIn,
    show,
    state::App,
};

pub async fn show(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    Ok(html(&page(&app, &who, None).await?))
}

#[derive(Deserialize)]
pub struct InviteForm {
    email: String,
    role: Role,
}

/// Like a new token, a new link is shown in the answer itself.
pub async fn invite(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<InviteForm>,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    match links::invite(&mut tx, &form.email, form.role, &who.actor(), &who.ip()).await {
        Ok(made) => {
            tx.commit().await?;
            Ok(html(&page(&app, &who, Some(("Invitation", made))).await?))
        }
        Err(error) => {
            tx.rollback().await?;
            let Some((_, message)) = error.at_field() else {
                return Err(error.into());
            };
            let mut page = page(&app, &who, None).await?;
            page.invite_email = form.email;
            page.invite_error = Some(message);
            Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

pub async fn withdraw(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    links::withdraw(&mut tx, &id, &who.actor(), &who.ip()).await?;
    tx.commit().await?;
    Ok(back(FlashKind::Ok, "The invitation no longer works."))
}

pub async fn reset(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    let made = links::reset(&mut tx, &id, &who.actor(), &who.ip()).await?;
    tx.commit().await?;
    Ok(html(
        &page(&app, &who, Some(("New password link", made))).await?,
    ))
}

#[derive(Deserialize)]
pub struct RoleForm {
    role: Role,
}

pub async fn set_role(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<RoleForm>,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    let done = users::set_role(&mut tx, &id, form.role, &who.actor(), &who.ip()).await;
    if let Err(error) = done {
        return refused(error);
    }
    tx.commit().await?;
    Ok(back(
        FlashKind::Ok,
        "The role was changed; they sign in again.",
    ))
}

pub async fn disable(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    set_disabled(&app, &who, &id, true).await
}

pub async fn enable(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    set_disabled(&app, &who, &id, false).await
}

async fn set_disabled(
    app: &App,
    who: &SignedIn,
    id: &str,
    disabled: bool,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    let done = users::set_disabled(&mut tx, id, disabled, &who.actor(), &who.ip()).await;
    if let Err(error) = done {
        return refused(error);
    }
    tx.commit().await?;
    let says = if disabled {
        "The account is disabled and signed out everywhere."
    } else {
        "The account may sign in again."
    };
    Ok(back(FlashKind::Ok, says))
}

fn refused(error: AccountError) -> Result<Response, AppError> {
    match error {
        AccountError::LastAdmin => Ok(back(FlashKind::Bad, &sentence(&error.to_string()))),
        error => Err(error.into()),
    }
}

fn back(kind: FlashKind, says: &str) -> Response {
    Done::to("/settings/team")
        .saying(kind, says)
        .into_response()
}

async fn page(
    app: &App,
    who: &SignedIn,
    made: Option<(&str, MadeLink)>,
) -> Result<TeamPage, AppError> {
    let zone = show::zone(&settings::fund_zone(&app.db).await?);
    let people = users::list(&app.db).await?;
    let seen = users::last_seen(&app.db).await?;
    let now = app.db.now();
    let member =
        |user: &User| member_row(user, who, seen.get(&user.id).map(|at| show::ago(now, *at)));
    let invites = links::open_invites(&app.db).await?;
    Ok(TeamPage {
        members: people.iter().map(member).collect(),
        invites: invites
            .iter()
            .map(|link| invite_row(link, &people, &zone))
            .collect(),
        roles: role_choices(Role::Member),
        invite_email: String::new(),
        invite_error: None,
        new_link: made.map(|(what, made)| NewLink {
            label: format!(
                "{what} for {}",
                made.link.email.as_deref().unwrap_or_default()
            ),
            url: app.url(&format!("/setup/{}", made.secret)),
            expires: format!(
                "works once, until {}",
                show::moment(&zone, made.link.expires_at).text
            ),
        }),
        frame: frame(app, who, "Team").await,
    })
}

fn member_row(user: &User, who: &SignedIn, seen: Option<When>) -> MemberRow {
    let active = user.disabled_at.is_none();
    MemberRow {
        id: user.id.clone(),
        name: user.name.clone(),
        initials: show::initials(&user.name),
        email: user.email.clone(),
        roles: role_choices(user.role),
        state: if active {
            Badge::new("Active", "ok")
        } else {
            Badge::new("Disabled", "muted")
        },
        seen,
        is_you: user.id == who.user.id,
        active,
    }
}

fn invite_row(link: &Link, people: &[User], zone: &TimeZone) -> InviteRow {
    let by = Actor::user_id(&link.created_by)
        .and_then(|id| people.iter().find(|user| user.id == id))
        .map_or("an admin with a shell", |user| &user.name);
    InviteRow {
        id: link.id(),
        email: link.email.clone().unwrap_or_default(),
        role: role_name(link.role).to_owned(),
        by: by.to_owned(),
        expires: show::moment(zone, link.expires_at),
    }
}

fn role_choices(chosen: Role) -> Vec<Choice> {
    [Role::Member, Role::Admin]
        .map(|role| Choice::new(role.as_str(), role_name(role), role == chosen))
        .into()
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Admin => "Admin",
        Role::Member => "Member",
    }
}
