//! The team: who may sign in, and links for those who cannot yet.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    accounts::{
        AccountError, Role, User, invite_mail,
        links::{self, Link, NewLink as MadeLink},
        second_factor, users,
    },
    audit::Actor,
    mail::{self, Source},
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
    /// Ticked: the link goes out by mail as well.
    mail: Option<String>,
}

/// Like a new token, a new link is shown in the answer itself.
pub async fn invite(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<InviteForm>,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    let made = async {
        let made = links::invite(&mut tx, &form.email, form.role, &who.actor(), &who.ip()).await?;
        if form.mail.is_some() {
            invite_mail::ask(&mut tx, &app.db, &made).await?;
        }
        Ok::<_, AccountError>(made)
    };
    match made.await {
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
            page.invite_mailed = form.mail.is_some();
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

/// For somebody who lost phone and recovery codes, or whose secret does not open
/// on this box.
pub async fn remove_second_factor(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    let removed = second_factor::remove(&mut tx, &id, &who.actor(), &who.ip()).await?;
    tx.commit().await?;
    let says = if removed {
        "The second factor was removed; their password alone signs them in."
    } else {
        "There was no second factor."
    };
    Ok(back(FlashKind::Ok, says))
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
    let factors = second_factor::users(&app.db).await?;
    let now = app.db.now();
    let member = |user: &User| MemberRow {
        second_factor: factors.contains(&user.id),
        ..member_row(user, who, seen.get(&user.id).map(|at| show::ago(now, *at)))
    };
    let invites = links::open_invites(&app.db).await?;
    let letters = invite_mail::letters(&app.db).await?;
    let domains = mailed_domains(app).await?;
    Ok(TeamPage {
        members: people.iter().map(member).collect(),
        invites: invites
            .iter()
            .map(|link| InviteRow {
                letter: letters.get(&link.id()).map(letter_badge),
                ..invite_row(link, &people, &zone)
            })
            .collect(),
        roles: role_choices(Role::Member),
        invite_email: String::new(),
        invite_domains: domains.join(", "),
        invite_mailed: false,
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

/// Domains that invitations can be mailed to now; none without a mail server.
async fn mailed_domains(app: &App) -> Result<Vec<String>, AppError> {
    let mail = mail::shown(&app.db).await?;
    if mail.source == Source::Nowhere || mail.held {
        return Ok(Vec::new());
    }
    let mut conn = app.db.read().acquire().await?;
    let domains = invite_mail::team_domains(&mut conn).await?;
    Ok(domains.into_iter().collect())
}

fn letter_badge(letter: &invite_mail::Letter) -> Badge {
    match letter.state.as_str() {
        "sent" => Badge::new("Mailed", "ok"),
        "failed" => Badge::new(&format!("Not mailed: {}", letter.error), "bad"),
        _ => Badge::new("Being mailed", "info"),
    }
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
        second_factor: false,
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
        letter: None,
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
