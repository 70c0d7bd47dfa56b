//! The quick log: who talked with an investor, in one request or one form.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    audit,
    db::WriteTx,
    grid::LISTS,
    idempotency::{self, Seen},
    work::{self, Ambiguous, CONTACT_KINDS, Communication, LogContact, Logged},
};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json as value;

use super::{
    page::{LogFields, LogPage},
    unlog,
};
use crate::{
    error::AppError,
    extract::{Form, Json, Query},
    flash::Done,
    frame::{frame, html, html_with},
    routes::{
        grid::values::list_label,
        page::{Choice, FlashKind},
        reminders::{item::Known, write::day},
    },
    session::{SignedIn, safe_next},
    state::App,
};

/// A communication to be logged.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub struct Wanted {
    /// Id or name of the investor; a name nobody bears makes a new one.
    #[schemars(length(min = 1, max = 200))]
    investor: String,
    /// With whom; found by address or name, else added.
    #[serde(default)]
    contact: Option<Person>,
    /// `call`, `meeting`, `email` or `message`.
    #[schemars(regex(pattern = "^(call|meeting|email|message)$"))]
    kind: String,
    /// When: `2026-03-31` or `2026-03-31T14:05:00Z`; now if absent.
    #[serde(default)]
    #[schemars(length(max = 40))]
    at: Option<String>,
    /// Markdown.
    #[serde(default)]
    #[schemars(length(max = 20_000))]
    note: String,
    /// The list a new investor goes to, or a known one moves to.
    #[serde(default)]
    #[schemars(regex(pattern = "^(main|follow_up|longshot|graveyard)$"))]
    list: Option<String>,
    /// When to follow up, as people write days: makes a task of yours.
    #[serde(default)]
    #[schemars(length(max = 100))]
    follow_up: Option<String>,
    /// A name of yours for this request: sent again, the same answer is given
    /// and nothing is done twice. Kept for a week.
    #[serde(default)]
    #[schemars(length(min = 1, max = 100))]
    idempotency_key: Option<String>,
}

/// A person.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Person {
    /// Full name; may be left out if there is an address.
    #[serde(default)]
    #[schemars(length(max = 200))]
    name: String,
    /// Mail address.
    #[serde(default)]
    #[schemars(length(max = 254))]
    email: Option<String>,
    /// What they do there.
    #[serde(default)]
    #[schemars(length(max = 200))]
    role: Option<String>,
}

pub async fn json(
    State(app): State<App>,
    who: SignedIn,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Logged>, AppError> {
    let key = wanted.idempotency_key.as_deref();
    let is_fit = |key: &str| (1..=idempotency::MAX_KEY_CHARS).contains(&key.chars().count());
    if key.is_some_and(|key| !is_fit(key)) {
        return Err(AppError::invalid(
            "idempotency_key",
            "A key has 1 to 100 characters.",
        ));
    }
    let seen = look(&app, &wanted.investor).await?;
    let mut tx = app.db.write().await?;
    let actor = who.actor().to_string();
    let request = serde_json::to_vec(&wanted).map_err(AppError::internal)?;
    let hash = idempotency::request_hash(&request);
    if let Some(key) = key {
        match idempotency::look(&mut tx, &actor, key, &hash).await? {
            Seen::Done(answer) => {
                return serde_json::from_str(&answer)
                    .map(Json)
                    .map_err(AppError::internal);
            }
            Seen::OtherRequest => {
                return Err(AppError::conflict(
                    "idempotency_key_reused",
                    "This key stands for another request: take a new one.",
                )
                .at("idempotency_key"));
            }
            Seen::New => {}
        }
    }
    let what = Communication {
        investor: wanted.investor.clone(),
        contact: wanted.contact.map(|person| LogContact {
            name: person.name,
            email: person.email,
            role: person.role,
        }),
        at: moment(&mut tx, wanted.at.as_deref().unwrap_or_default()).await?,
        follow_up: follow_up(&mut tx, wanted.follow_up.as_deref().unwrap_or_default()).await?,
        kind: wanted.kind,
        note: wanted.note,
        list: wanted.list,
        assignee: Some(who.user.id.clone()),
    };
    let logged = log(&mut tx, &who, &what, &seen).await?.map_err(several)?;
    if let Some(key) = key {
        let answer = serde_json::to_string(&logged).map_err(AppError::internal)?;
        idempotency::keep(&mut tx, &actor, key, &hash, &answer).await?;
    }
    tx.commit().await?;
    app.grid.follow_if_read().await?;
    Ok(Json(logged))
}

fn several(candidates: Vec<Ambiguous>) -> AppError {
    let named: Vec<String> = candidates
        .iter()
        .map(|one| format!("{} ({}, {})", one.title, list_label(&one.list), one.id))
        .collect();
    AppError::conflict(
        "several_investors",
        format!(
            "Several investors bear this name: send the id of one. {}",
            named.join("; ")
        ),
    )
    .at("investor")
    .with(
        "candidates",
        serde_json::to_value(candidates).unwrap_or_default(),
    )
}

async fn look(app: &App, investor: &str) -> Result<work::Seen, AppError> {
    let mut conn = app.db.read().acquire().await?;
    Ok(work::look_for(&mut conn, investor).await?)
}

/// Logs it, with its audit entries.
async fn log(
    tx: &mut WriteTx,
    who: &SignedIn,
    what: &Communication,
    seen: &work::Seen,
) -> Result<Result<Logged, Vec<Ambiguous>>, AppError> {
    if !CONTACT_KINDS.iter().any(|(kind, _)| *kind == what.kind) {
        return Err(AppError::invalid(
            "kind",
            "Say what kind of contact it was: call, meeting, email or message.",
        ));
    }
    if what
        .list
        .as_deref()
        .is_some_and(|list| !LISTS.contains(&list))
    {
        return Err(AppError::invalid(
            "list",
            "Choose main, follow_up, longshot or graveyard.",
        ));
    }
    let actor = who.actor();
    let logged = match work::log_communication(tx, what, seen, &actor.to_string()).await? {
        Ok(logged) => logged,
        Err(several) => return Ok(Err(several)),
    };
    let target = format!("row:{}", logged.investor);
    let detail = value!({
        "kind": what.kind,
        "interaction": logged.interaction,
        "note": logged.note,
        "contact": logged.contact,
        "contact_created": logged.contact_created,
        "task": logged.task.as_ref().map(|task| task.id.clone()),
    });
    if logged.investor_created {
        let version = value!({ "version": logged.version });
        audit::record(tx, &actor, "row.added", &target, version, &who.ip()).await?;
    }
    audit::record(
        tx,
        &actor,
        "communication.logged",
        &target,
        detail,
        &who.ip(),
    )
    .await?;
    Ok(Ok(logged))
}

/// A time, or noon of a day in the fund's zone; today is now.
async fn moment(tx: &mut WriteTx, text: &str) -> Result<Option<i64>, AppError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Some(at.as_millisecond()));
    }
    let wrong = || {
        AppError::invalid(
            "at",
            "Write the day like 2026-03-31, or the time like 2026-03-31T14:05:00Z.",
        )
    };
    let day: Date = text.parse().map_err(|_| wrong())?;
    let (zone, now) = (work::zone(tx).await?, tx.now());
    if day == work::day_of(&zone, now) {
        return Ok(None);
    }
    let noon = day.at(12, 0, 0, 0).to_zoned(zone).map_err(|_| wrong())?;
    Ok(Some(noon.timestamp().as_millisecond()))
}

async fn follow_up(tx: &mut WriteTx, text: &str) -> Result<Option<Date>, AppError> {
    day(tx, text).await.map_err(|error| match error.field() {
        Some("due") => error.at("follow_up"),
        _ => error,
    })
}

pub async fn form(
    State(app): State<App>,
    who: SignedIn,
    Query(form): Query<LogFields>,
) -> Result<Response, AppError> {
    Ok(html(&page(&app, &who, form).await?))
}

async fn page(app: &App, who: &SignedIn, form: LogFields) -> Result<LogPage, AppError> {
    let known = Known::load(app, std::iter::once(form.investor.as_str())).await?;
    let known = known.titles.get(&form.investor).cloned();
    let mut frame = frame(app, who, "Log a contact").await;
    "/log".clone_into(&mut frame.path);
    let kinds = CONTACT_KINDS.iter();
    Ok(LogPage {
        known: known.unwrap_or_default(),
        frame,
        kinds: kinds
            .map(|(kind, name)| Choice::new(kind, name, *kind == form.kind))
            .collect(),
        candidates: Vec::new(),
        error_field: String::new(),
        error: None,
        form,
    })
}

pub async fn submit(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<LogFields>,
) -> Result<Response, AppError> {
    match try_log(&app, &who, &form).await {
        Ok(Ok(logged)) => {
            app.grid.follow_if_read().await?;
            let next = match safe_next(&form.next) {
                "/" => format!("/investors/{}#timeline", logged.investor),
                next => next.to_owned(),
            };
            let undo = unlog::href(&logged);
            Ok(Done::to(next)
                .saying(FlashKind::Ok, told(&logged))
                .offering("Undo", &undo)
                .into_response())
        }
        Ok(Err(candidates)) => {
            let mut page = page(&app, &who, form).await?;
            "investor".clone_into(&mut page.error_field);
            page.error = Some("Several investors bear this name: choose one.".to_owned());
            page.candidates = candidates
                .iter()
                .map(|one| {
                    let label = format!("{} ({})", one.title, list_label(&one.list));
                    Choice::new(&one.id, &label, false)
                })
                .collect();
            Ok(html_with(StatusCode::CONFLICT, &page))
        }
        Err(error) if error.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            let mut page = page(&app, &who, form).await?;
            page.error_field = match error.field().unwrap_or_default() {
                "at" => "on".to_owned(),
                "body" => "note".to_owned(),
                field if field.starts_with("contact") || field.starts_with("operations") => {
                    "contact".to_owned()
                }
                field => field.to_owned(),
            };
            page.error = Some(error.detail().to_owned());
            Ok(html_with(error.status(), &page))
        }
        Err(other) => Err(other),
    }
}

fn told(logged: &Logged) -> String {
    let new = if logged.investor_created {
        " It is a new investor."
    } else {
        ""
    };
    let task = if logged.task.is_some() {
        " A task to follow up is on your day."
    } else {
        ""
    };
    let title: String = logged.title.chars().take(60).collect();
    format!("The contact with {title} is logged.{new}{task}")
}

async fn try_log(
    app: &App,
    who: &SignedIn,
    form: &LogFields,
) -> Result<Result<Logged, Vec<Ambiguous>>, AppError> {
    let seen = look(app, &form.investor).await?;
    let mut tx = app.db.write().await?;
    let what = Communication {
        investor: form.investor.clone(),
        contact: person(&form.contact),
        kind: form.kind.clone(),
        at: moment(&mut tx, &form.on).await?,
        note: form.note.clone(),
        list: None,
        follow_up: follow_up(&mut tx, &form.follow_up).await?,
        assignee: Some(who.user.id.clone()),
    };
    let logged = log(&mut tx, who, &what, &seen).await?;
    if logged.is_ok() {
        tx.commit().await?;
    }
    Ok(logged)
}

/// `Name <email>`, a name or an address.
fn person(text: &str) -> Option<LogContact> {
    let text = text.trim();
    let (name, email) = match text
        .strip_suffix('>')
        .and_then(|rest| rest.rsplit_once('<'))
    {
        Some((name, email)) => (name.trim().trim_matches('"'), Some(email.trim())),
        None if text.contains('@') => ("", Some(text)),
        None => (text, None),
    };
    (!text.is_empty()).then(|| LogContact {
        name: name.to_owned(),
        email: email.map(str::to_owned),
        role: None,
    })
}
