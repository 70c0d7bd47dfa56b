//! The page of mailboxes and what it posts.

use std::collections::BTreeMap;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    accounts::users,
    email::{self, Mailbox, Privacy, credentials},
};
use serde::Deserialize;

use super::{
    page::{MailboxCard, MailboxesPage},
    record,
};
use crate::{
    error::{AppError, sentence},
    extract::{Form, Path},
    flash::Done,
    frame::{frame, html, html_with},
    routes::page::{Badge, Choice, FlashKind, Progress},
    session::SignedIn,
    show,
    state::App,
};

const HERE: &str = "/mailboxes";

/// A mailbox as a form has it.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct MailboxForm {
    address: String,
    user_id: String,
    consent: String,
    starts_on: String,
    privacy: String,
    may_draft: String,
}

/// A pasted key.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct KeyForm {
    credentials: String,
}

pub async fn list(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    Ok(html(&page(&app, &who, &MailboxForm::default()).await?))
}

async fn page(app: &App, who: &SignedIn, form: &MailboxForm) -> Result<MailboxesPage, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let found = email::list_mailboxes(&mut conn).await?;
    let near = email::near_matches(&mut conn, 200).await?.len();
    let zone = crm_jobs::settings::fund_zone_in(&mut conn).await?;
    drop(conn);
    let names = users::names(&app.db).await?;
    let now = app.db.now();
    let zone = show::zone(&zone);
    let start = now - 365 * crm_jobs::clock::DAY;
    let starts_on = if form.starts_on.is_empty() {
        show::today(&zone, start)
    } else {
        form.starts_on.clone()
    };
    Ok(MailboxesPage {
        key: credentials::shown(&app.db).await?,
        mailboxes: found.iter().map(|m| card(m, &names, now)).collect(),
        near,
        address: form.address.clone(),
        consent: form.consent.clone(),
        starts_on,
        today: show::today(&zone, now),
        users: people(&names, &form.user_id),
        privacies: privacies(Privacy::parse(&form.privacy).unwrap_or(Privacy::Body)),
        error: None,
        error_at: String::new(),
        key_error: None,
        frame: frame(app, who, "Mailboxes").await,
    })
}

fn people(names: &BTreeMap<String, String>, chosen: &str) -> Vec<Choice> {
    let nobody = Choice::new("", "Shared, nobody’s own", chosen.is_empty());
    let users = names.iter().filter(|(id, _)| !id.starts_with("rule:"));
    std::iter::once(nobody)
        .chain(users.map(|(id, name)| Choice::new(id, name, id == chosen)))
        .collect()
}

fn privacies(chosen: Privacy) -> Vec<Choice> {
    let all = Privacy::ALL.iter();
    all.map(|(level, word, label)| Choice::new(word, label, *level == chosen))
        .collect()
}

fn card(mailbox: &Mailbox, names: &BTreeMap<String, String>, now: i64) -> MailboxCard {
    let status = if mailbox.state == "paused" {
        Badge::new("Paused", "muted")
    } else if mailbox.error.is_some() {
        Badge::new("Needs attention", "bad")
    } else if mailbox.backfilled_at.is_none() {
        Badge::new("Reading the past", "info")
    } else {
        Badge::new("Up to date", "ok")
    };
    let done = u64::try_from(mailbox.backfill_done).unwrap_or(0);
    let total = mailbox.backfill_total.and_then(|t| u64::try_from(t).ok());
    let text = match total {
        Some(total) => format!(
            "{} of about {} messages",
            show::number(mailbox.backfill_done),
            show::number(i64::try_from(total).unwrap_or(0))
        ),
        None => "not begun yet".to_owned(),
    };
    MailboxCard {
        id: mailbox.id.clone(),
        address: mailbox.address.clone(),
        owner: mailbox
            .user_id
            .as_ref()
            .and_then(|id| names.get(id))
            .cloned()
            .unwrap_or_default(),
        status,
        is_paused: mailbox.state == "paused",
        progress: (mailbox.backfilled_at.is_none() && (total.is_some() || mailbox.error.is_none()))
            .then_some(Progress { done, total, text }),
        read: show::count(mailbox.backfill_done, "message", "messages"),
        synced: mailbox.synced_at.map(|at| show::ago(now, at)),
        starts: show::day(&show::zone("UTC"), mailbox.starts_at),
        error: mailbox.error.as_deref().map(sentence),
        failed: mailbox.failed_at.map(|at| show::ago(now, at)),
        consent: mailbox.consent.clone(),
        users: people(names, mailbox.user_id.as_deref().unwrap_or_default()),
        privacies: privacies(mailbox.privacy),
        may_draft: mailbox.may_draft,
    }
}

pub async fn enrol(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<MailboxForm>,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    let new = email::New {
        address: form.address.clone(),
        user_id: Some(form.user_id.clone()),
        consent: form.consent.clone(),
        starts_on: form.starts_on.clone(),
        privacy: form.privacy.clone(),
    };
    match email::enrol(&mut tx, &new, &who.actor().to_string())
        .await
        .map_err(AppError::from)
    {
        Ok(id) => {
            record(&mut tx, &who, "mailbox.enrolled", &format!("mailbox:{id}")).await?;
            tx.commit().await?;
            Ok(Done::to(HERE)
                .saying(
                    FlashKind::Ok,
                    "The mailbox is enrolled. Its past is read in the background.",
                )
                .offering("Undo", &format!("{HERE}/{id}/remove"))
                .into_response())
        }
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            tx.rollback().await?;
            let mut page = page(&app, &who, &form).await?;
            page.error = Some(refused.detail().to_owned());
            refused
                .field()
                .unwrap_or_default()
                .clone_into(&mut page.error_at);
            Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(other) => Err(other),
    }
}

pub async fn keep_credentials(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<KeyForm>,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    let kept = credentials::store(
        &app.db,
        &mut tx,
        &form.credentials,
        &who.actor().to_string(),
    )
    .await;
    match kept.map_err(AppError::from) {
        Ok(_) => {
            record(&mut tx, &who, "gmail.credentials_changed", "settings").await?;
            tx.commit().await?;
            Ok(Done::to(HERE)
                .saying(
                    FlashKind::Ok,
                    "The key is stored, sealed. It is never shown again.",
                )
                .into_response())
        }
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            tx.rollback().await?;
            let mut page = page(&app, &who, &MailboxForm::default()).await?;
            // What was pasted is not sent back: it may hold a key.
            page.key_error = Some(refused.detail().to_owned());
            Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(other) => Err(other),
    }
}

pub async fn forget_credentials(State(app): State<App>, who: SignedIn) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    credentials::forget(&mut tx).await?;
    record(&mut tx, &who, "gmail.credentials_forgotten", "settings").await?;
    tx.commit().await?;
    Ok(Done::to(HERE).saying(
        FlashKind::Ok,
        "The key is forgotten. No mailbox is read until there is another one.",
    ))
}

pub async fn change(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<MailboxForm>,
) -> Result<Done, AppError> {
    let change = email::Change {
        user_id: Some(form.user_id),
        consent: Some(form.consent),
        privacy: Some(form.privacy),
        may_draft: Some(!form.may_draft.is_empty()),
    };
    let mut tx = app.db.write().await?;
    if let Err(refused) = email::change(&mut tx, &id, &change, &who.actor().to_string()).await {
        let refused = AppError::from(refused);
        if refused.status() == StatusCode::UNPROCESSABLE_ENTITY {
            return Ok(Done::to(HERE).saying(FlashKind::Bad, refused.detail()));
        }
        return Err(refused);
    }
    record(&mut tx, &who, "mailbox.changed", &format!("mailbox:{id}")).await?;
    tx.commit().await?;
    Ok(Done::to(HERE).saying(FlashKind::Ok, "The mailbox is saved."))
}

pub async fn sync(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    match email::sync_now(&mut tx, &id, &who.actor().to_string())
        .await
        .map_err(AppError::from)
    {
        Ok(_) => {
            record(&mut tx, &who, "mailbox.synced", &format!("mailbox:{id}")).await?;
            tx.commit().await?;
            Ok(Done::to(HERE).saying(
                FlashKind::Ok,
                "Gmail is asked for news: what is new is here in a moment.",
            ))
        }
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            Ok(Done::to(HERE).saying(FlashKind::Bad, refused.detail()))
        }
        Err(other) => Err(other),
    }
}

pub async fn pause(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    email::pause(&mut tx, &id, &who.actor().to_string()).await?;
    record(&mut tx, &who, "mailbox.paused", &format!("mailbox:{id}")).await?;
    tx.commit().await?;
    Ok(Done::to(HERE)
        .saying(
            FlashKind::Ok,
            "The mailbox is paused. What is known of it stays.",
        )
        .offering("Undo", &format!("{HERE}/{id}/resume")))
}

pub async fn resume(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    email::resume(&mut tx, &id, &who.actor().to_string()).await?;
    record(&mut tx, &who, "mailbox.resumed", &format!("mailbox:{id}")).await?;
    tx.commit().await?;
    Ok(Done::to(HERE).saying(
        FlashKind::Ok,
        "The mailbox is read again, also what came meanwhile.",
    ))
}

pub async fn remove(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    let gone = email::remove(&mut tx, &id, &who.actor().to_string()).await?;
    record(&mut tx, &who, "mailbox.removed", &format!("mailbox:{id}")).await?;
    tx.commit().await?;
    Ok(Done::to(HERE)
        .saying(
            FlashKind::Ok,
            format!("{} is removed, with what it alone saw.", gone.address),
        )
        .offering("Undo", &format!("{HERE}/{id}/restore")))
}

pub async fn restore(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    email::restore(&mut tx, &id, &who.actor().to_string()).await?;
    record(&mut tx, &who, "mailbox.restored", &format!("mailbox:{id}")).await?;
    tx.commit().await?;
    Ok(Done::to(HERE).saying(FlashKind::Ok, "The mailbox is back."))
}
