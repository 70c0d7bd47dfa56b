//! The mail server that takes the digest.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    audit,
    backup::MAIL_HELD,
    mail::{self, SmtpSettings, SmtpShown},
    outside::Security,
    settings,
    spark::SettingsError,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use self::page::MailPage;
use crate::{
    access::Access::Admin,
    error::{AppError, sentence},
    extract::{Form, Json},
    flash::Done,
    frame::{frame, html_with},
    route::{Route, get, patch, post},
    routes::page::FlashKind,
    session::SignedIn,
    state::App,
};

pub mod page;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/digest/mail", Admin, show),
        post("/digest/mail", Admin, save_form),
        post("/digest/mail/release", Admin, release_form),
        get("/api/admin/mail", Admin, read)
            .json("digest", "The mail server; its password is never shown")
            .answers::<SmtpShown>(200),
        patch("/api/admin/mail", Admin, change)
            .json(
                "digest",
                "Change the mail server; what is not said stays as it is",
            )
            .body::<MailChange>()
            .answers::<SmtpShown>(200),
    ]
}

/// What is to be changed; the rest stays.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct MailChange {
    /// Name of the server; empty: no server.
    #[schemars(length(max = 253))]
    host: Option<String>,
    /// Its port.
    #[schemars(range(min = 1, max = 65535))]
    port: Option<u16>,
    /// Name to sign in with; empty: no sign-in.
    #[schemars(length(max = 200))]
    user: Option<String>,
    /// Password to sign in with: written, never read. It is asked for again when the server or the name changes.
    #[schemars(length(max = 500))]
    password: Option<String>,
    /// Sender.
    #[schemars(length(max = 300))]
    from: Option<String>,
    /// How the line is protected.
    security: Option<Security>,
}

async fn read(State(app): State<App>) -> Result<Json<SmtpShown>, AppError> {
    Ok(Json(mail::shown(&app.db).await?))
}

async fn change(
    State(app): State<App>,
    who: SignedIn,
    Json(change): Json<MailChange>,
) -> Result<Json<SmtpShown>, AppError> {
    let now = mail::stored(&app.db).await?;
    let security = change.security.unwrap_or(now.security);
    let new = SmtpSettings {
        host: change.host.unwrap_or(now.host),
        port: change.port.unwrap_or(if security == now.security {
            now.port
        } else {
            0
        }),
        user: change.user.unwrap_or(now.user),
        from: change.from.unwrap_or(now.from),
        security,
        sealed: None,
    };
    save(&app, &who, new, change.password.as_deref()).await?;
    Ok(Json(mail::shown(&app.db).await?))
}

async fn save(
    app: &App,
    who: &SignedIn,
    new: SmtpSettings,
    password: Option<&str>,
) -> Result<(), AppError> {
    let mut tx = app.db.write().await?;
    let told = json!({
        "host": new.host, "port": new.port, "security": new.security,
        "new_password": password.is_some_and(|p| !p.is_empty()),
    });
    mail::set(&mut tx, &app.db, new, password, &who.actor().to_string()).await?;
    audit::record(
        &mut tx,
        &who.actor(),
        "mail.server_changed",
        "",
        told,
        &who.ip(),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

async fn show(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    let shown = mail::shown(&app.db).await?;
    page(&app, &who, shown, None).await
}

async fn page(
    app: &App,
    who: &SignedIn,
    shown: SmtpShown,
    error: Option<AppError>,
) -> Result<Response, AppError> {
    let status = error.as_ref().map_or(StatusCode::OK, AppError::status);
    let wrong = error.map(|e| {
        let field = e.field().unwrap_or_default().to_owned();
        (field, e.detail().to_owned())
    });
    let frame = frame(app, who, "Mail server").await;
    Ok(html_with(
        status,
        &MailPage::new(frame, &shown, wrong.as_ref()),
    ))
}

/// The form sends texts only.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MailForm {
    host: String,
    port: String,
    user: String,
    password: String,
    from: String,
    security: String,
}

async fn save_form(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<MailForm>,
) -> Result<Response, AppError> {
    let security = Security::parse(&form.security).unwrap_or_default();
    let new = SmtpSettings {
        host: form.host,
        port: form.port.trim().parse().unwrap_or(0),
        user: form.user,
        from: form.from,
        security,
        sealed: None,
    };
    let mut tried = mail::shown(&app.db).await?;
    tried.host.clone_from(&new.host);
    tried.user.clone_from(&new.user);
    tried.from.clone_from(&new.from);
    (tried.port, tried.security) = (new.port, security);
    let has_bad_port = new.port == 0 && !form.port.trim().is_empty();
    let saved = if has_bad_port {
        Err(AppError::invalid(
            "port",
            "Write a number between 1 and 65535.",
        ))
    } else {
        save(&app, &who, new, Some(&form.password)).await
    };
    match saved {
        Ok(()) => Ok(Done::to("/digest/mail")
            .saying(FlashKind::Ok, "Saved. Send yourself a test mail.")
            .into_response()),
        Err(error) if error.field().is_some() => page(&app, &who, tried, Some(error)).await,
        Err(error) => Err(error),
    }
}

async fn release_form(State(app): State<App>, who: SignedIn) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    settings::set(&mut tx, MAIL_HELD, &false, &who.actor().to_string()).await?;
    audit::record(
        &mut tx,
        &who.actor(),
        "restore.mail_released",
        "",
        json!({}),
        &who.ip(),
    )
    .await?;
    tx.commit().await?;
    Ok(Done::to("/digest").saying(FlashKind::Ok, "Outbound mail may leave again."))
}

impl From<SettingsError> for AppError {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Field { field, message } => Self::invalid(field, sentence(&message)),
            SettingsError::Db(error) => error.into(),
        }
    }
}
