//! Accounts as JSON: oneself, tokens, and the team for admins.

use axum::{extract::State, http::StatusCode};
use crm_jobs::accounts::{
    Role, User, invite_mail, links, second_factor,
    tokens::{self, Scope, Token},
    users,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    access::Access,
    error::AppError,
    extract::{Json, Path},
    route::{Route, delete, get, patch, post},
    session::{Proof, SignedIn},
    state::App,
};

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/api/me", Access::Member, me)
            .json("accounts", "Who you are")
            .answers::<Me>(200),
        get("/api/admin/users", Access::Admin, list_users)
            .json("accounts", "Everybody who has an account")
            .answers::<Vec<Person>>(200),
        post("/api/admin/users", Access::Admin, create_user)
            .json(
                "accounts",
                "Create an account; its owner chooses a password behind the link",
            )
            .body::<CreateUser>()
            .answers::<CreatedUser>(201)
            .problems(&[409]),
        patch("/api/admin/users/{id}", Access::Admin, change_user)
            .json("accounts", "Change name, role or access")
            .body::<ChangeUser>()
            .answers::<Person>(200)
            .problems(&[404, 409]),
        delete(
            "/api/admin/users/{id}/second-factor",
            Access::Admin,
            remove_second_factor,
        )
        .json("accounts", "Remove somebody's second factor")
        .answers_nothing(204)
        .problems(&[404]),
        get("/api/admin/invites", Access::Admin, list_invites)
            .json("accounts", "Invitations nobody has accepted yet")
            .answers::<Vec<Invite>>(200),
        post("/api/admin/invites", Access::Admin, create_invite)
            .json(
                "accounts",
                "Invite somebody; the link is in this answer only",
            )
            .body::<CreateInvite>()
            .answers::<CreatedInvite>(201)
            .problems(&[409]),
        get("/api/tokens", Access::Member, list_tokens)
            .json("accounts", "Your API tokens")
            .answers::<Vec<Token>>(200),
        post("/api/tokens", Access::Member, create_token)
            .json("accounts", "Make an API token; it is in this answer only")
            .body::<CreateToken>()
            .answers::<CreatedToken>(201),
        delete("/api/tokens/{id}", Access::Member, revoke_token)
            .json("accounts", "Revoke one of your API tokens")
            .answers_nothing(204)
            .problems(&[404]),
    ]
}

/// A name: no control characters, and not blank.
const PLAIN: &str = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";

/// An address: something on either side of one `@`.
const MAIL: &str = r"^[^@\s\u0000-\u001f\u007f-\u009f]+@[^@\s\u0000-\u001f\u007f-\u009f]+$";

/// An account.
#[derive(Serialize, JsonSchema)]
struct Person {
    id: String,
    email: String,
    name: String,
    role: Role,
    /// UTC milliseconds.
    created_at: i64,
    /// When access was taken away; absent while there is access.
    disabled_at: Option<i64>,
}

impl From<User> for Person {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            name: user.name,
            role: user.role,
            created_at: user.created_at,
            disabled_at: user.disabled_at,
        }
    }
}

/// Yourself.
#[derive(Serialize, JsonSchema)]
struct Me {
    #[serde(flatten)]
    person: Person,
    /// What the token may do; absent for a session.
    token_scope: Option<Scope>,
}

async fn me(who: SignedIn) -> Json<Me> {
    Json(Me {
        token_scope: match who.proof {
            Proof::Token(_, scope) => Some(scope),
            Proof::Session(_) => None,
        },
        person: who.user.into(),
    })
}

async fn list_users(State(app): State<App>) -> Result<Json<Vec<Person>>, AppError> {
    let people = users::list(&app.db).await?;
    Ok(Json(people.into_iter().map(Person::from).collect()))
}

/// An account to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CreateUser {
    #[schemars(length(max = 254), extend("pattern" = MAIL))]
    email: String,
    #[schemars(length(min = 1, max = 120), extend("pattern" = PLAIN))]
    name: String,
    role: Role,
}

/// A new account, and how its owner gets in.
#[derive(Serialize, JsonSchema)]
struct CreatedUser {
    user: Person,
    /// Where they choose a password: works once, for an hour.
    password_link: String,
}

async fn create_user(
    State(app): State<App>,
    who: SignedIn,
    Json(body): Json<CreateUser>,
) -> Result<(StatusCode, Json<CreatedUser>), AppError> {
    let new = users::NewUser {
        email: body.email,
        name: body.name,
        role: body.role,
        password_hash: None,
    };
    let mut tx = app.db.write().await?;
    let user = users::create(&mut tx, new, &who.actor(), &who.ip()).await?;
    let made = links::reset(&mut tx, &user.id, &who.actor(), &who.ip()).await?;
    tx.commit().await?;
    let created = CreatedUser {
        user: user.into(),
        password_link: app.url(&format!("/setup/{}", made.secret)),
    };
    Ok((StatusCode::CREATED, Json(created)))
}

/// What to change; the rest stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangeUser {
    #[schemars(length(min = 1, max = 120), extend("pattern" = PLAIN))]
    name: Option<String>,
    role: Option<Role>,
    disabled: Option<bool>,
}

async fn change_user(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(body): Json<ChangeUser>,
) -> Result<Json<Person>, AppError> {
    let missing = || AppError::not_found("There is no such user.");
    users::get(&app.db, &id).await?.ok_or_else(missing)?;
    let (actor, ip) = (who.actor(), who.ip());
    let mut tx = app.db.write().await?;
    if let Some(name) = body.name {
        users::rename(&mut tx, &id, &name, &actor, &ip).await?;
    }
    if let Some(role) = body.role {
        users::set_role(&mut tx, &id, role, &actor, &ip).await?;
    }
    if let Some(disabled) = body.disabled {
        users::set_disabled(&mut tx, &id, disabled, &actor, &ip).await?;
    }
    tx.commit().await?;
    let user = users::get(&app.db, &id).await?.ok_or_else(missing)?;
    Ok(Json(user.into()))
}

async fn remove_second_factor(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<StatusCode, AppError> {
    let mut tx = app.db.write().await?;
    if !second_factor::remove(&mut tx, &id, &who.actor(), &who.ip()).await? {
        return Err(AppError::not_found("They have no second factor."));
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An invitation, without its link.
#[derive(Serialize, JsonSchema)]
struct Invite {
    id: String,
    email: Option<String>,
    role: Role,
    /// UTC milliseconds.
    created_at: i64,
    /// Until when it works.
    expires_at: i64,
}

impl From<links::Link> for Invite {
    fn from(link: links::Link) -> Self {
        Self {
            id: link.id(),
            email: link.email,
            role: link.role,
            created_at: link.created_at,
            expires_at: link.expires_at,
        }
    }
}

async fn list_invites(State(app): State<App>) -> Result<Json<Vec<Invite>>, AppError> {
    let invites = links::open_invites(&app.db).await?;
    Ok(Json(invites.into_iter().map(Invite::from).collect()))
}

/// Whom to invite.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CreateInvite {
    #[schemars(length(max = 254), extend("pattern" = MAIL))]
    email: String,
    role: Role,
    /// Mail the link as well: only to addresses in a domain that your team signs in with.
    #[serde(default)]
    mail: bool,
}

/// A new invitation with its link.
#[derive(Serialize, JsonSchema)]
struct CreatedInvite {
    invite: Invite,
    /// Works once.
    link: String,
}

async fn create_invite(
    State(app): State<App>,
    who: SignedIn,
    Json(body): Json<CreateInvite>,
) -> Result<(StatusCode, Json<CreatedInvite>), AppError> {
    let mut tx = app.db.write().await?;
    let made = links::invite(&mut tx, &body.email, body.role, &who.actor(), &who.ip()).await?;
    if body.mail {
        invite_mail::ask(&mut tx, &app.db, &made).await?;
    }
    tx.commit().await?;
    let created = CreatedInvite {
        link: app.url(&format!("/setup/{}", made.secret)),
        invite: made.link.into(),
    };
    Ok((StatusCode::CREATED, Json(created)))
}

async fn list_tokens(State(app): State<App>, who: SignedIn) -> Result<Json<Vec<Token>>, AppError> {
    Ok(Json(tokens::list(&app.db, &who.user.id).await?))
}

/// A token to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CreateToken {
    /// What it is for.
    #[schemars(length(min = 1, max = 80), extend("pattern" = r"\S"))]
    name: String,
    scope: Scope,
    /// UTC milliseconds; never if absent.
    expires_at: Option<i64>,
}

/// A new token.
#[derive(Serialize, JsonSchema)]
struct CreatedToken {
    token: Token,
    /// What goes after `Authorization: Bearer`.
    secret: String,
}

async fn create_token(
    State(app): State<App>,
    who: SignedIn,
    Json(body): Json<CreateToken>,
) -> Result<(StatusCode, Json<CreatedToken>), AppError> {
    let mut tx = app.db.write().await?;
    let (token, secret) = tokens::create(
        &mut tx,
        &who.user.id,
        &body.name,
        body.scope,
        body.expires_at,
        &who.actor(),
        &who.ip(),
    )
    .await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(CreatedToken { token, secret })))
}

async fn revoke_token(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<StatusCode, AppError> {
    let mut tx = app.db.write().await?;
    if !tokens::revoke(&mut tx, &who.user.id, &id, &who.actor(), &who.ip()).await? {
        return Err(AppError::not_found("You have no such token."));
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
