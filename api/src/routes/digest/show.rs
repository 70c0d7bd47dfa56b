//! The pages.

use axum::{extract::State, http::StatusCode, response::Response};
use crm_jobs::{
    accounts::users,
    digest::{self, Delivery, Digest, Policy},
    mail::{self, Source},
    settings, spark,
};

use super::{
    HistoryQuery, PER_PAGE, found,
    page::{DeliveryRow, DigestPage, DigestRow, LetterPage, Person},
};
use crate::{
    error::AppError,
    extract::{Path, Query},
    frame::{frame, html, html_with},
    routes::page::{Badge, Paging},
    session::SignedIn,
    show,
    state::App,
};

pub(super) async fn show(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<HistoryQuery>,
) -> Result<Response, AppError> {
    let policy = digest::policy(&app.db).await?;
    with_policy(&app, &who, policy, None, query.before).await
}

pub(super) async fn with_policy(
    app: &App,
    who: &SignedIn,
    policy: Policy,
    error: Option<AppError>,
    before: Option<i64>,
) -> Result<Response, AppError> {
    let status = error.as_ref().map_or(StatusCode::OK, AppError::status);
    let wrong = |field: &str| {
        let error = error.as_ref().filter(|e| e.field() == Some(field));
        error.map(|e| e.detail().to_owned())
    };
    let zone_name = settings::fund_zone(&app.db).await?;
    let past = digest::history(&app.db, before, PER_PAGE).await?;
    let server = mail::shown(&app.db).await?;
    let model = spark::status(&app.db).await?;
    let now = app.db.now();
    let people = users::list(&app.db).await?;
    let chosen = policy.recipients.as_deref();
    let page = DigestPage {
        time_error: wrong("time"),
        zone_error: wrong("zone"),
        people_error: wrong("recipients"),
        time: policy.time.clone(),
        zone: policy.zone.clone().unwrap_or_default(),
        fund_zone: zone_name,
        enabled: policy.enabled,
        weekdays_only: policy.weekdays_only,
        skip_quiet: policy.skip_quiet,
        all_admins: chosen.is_none(),
        people: people
            .into_iter()
            .filter(|user| user.disabled_at.is_none())
            .map(|user| Person {
                chosen: chosen.is_some_and(|ids| ids.contains(&user.id)),
                id: user.id,
                name: user.name,
                email: user.email,
            })
            .collect(),
        mail_held: server.held,
        mail: match server.source {
            Source::Nowhere => Badge::new("Not set", "warn"),
            _ if server.password_error.is_some() => Badge::new("Password missing", "bad"),
            _ => Badge::new("Set", "ok"),
        },
        mail_host: server.host,
        model: if model.is_up() {
            Badge::new("Answers", "ok")
        } else if model.error.is_empty() {
            Badge::new("Not asked yet", "muted")
        } else {
            Badge::new("Away", "warn")
        },
        model_name: if model.is_up() {
            model.model
        } else {
            model.error
        },
        paging: paging(&past, before),
        digests: past.iter().map(|d| row(now, d)).collect(),
        frame: frame(app, who, "Daily digest").await,
    };
    Ok(html_with(status, &page))
}

fn paging(past: &[Digest], before: Option<i64>) -> Paging {
    let more = i64::try_from(past.len()).unwrap_or(0) == PER_PAGE;
    Paging {
        page: 1 + u64::from(before.is_some()),
        pages: 1 + u64::from(before.is_some()) + u64::from(more),
        total: "newest first".to_owned(),
        prev: before.map(|_| "/digest".to_owned()),
        next: past
            .last()
            .filter(|_| more)
            .map(|d| format!("/digest?before={}", d.created_at)),
    }
}

fn state(digest: &Digest) -> Badge {
    match digest.state.as_str() {
        "delivered" => Badge::new("Delivered", "ok"),
        "quiet" => Badge::new("Quiet day", "muted"),
        "held" => Badge::new("Held", "warn"),
        "failed" => Badge::new("Failed", "bad"),
        "delivering" => Badge::new("Being sent", "info"),
        _ => Badge::new("Being made", "info"),
    }
}

fn row(now: i64, digest: &Digest) -> DigestRow {
    DigestRow {
        id: digest.id.clone(),
        subject: if digest.subject.is_empty() {
            "No letter".to_owned()
        } else {
            digest.subject.clone()
        },
        has_letter: !digest.subject.is_empty(),
        when: show::ago(now, digest.created_at),
        state: state(digest),
        error: digest.error.clone(),
        words: match digest.narrated_by.as_str() {
            "model" => digest.model.clone(),
            "both" => format!("{} and rules", digest.model),
            "rule" => "rules".to_owned(),
            _ => "nothing to summarize".to_owned(),
        },
    }
}

pub(super) async fn preview(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    let shown = digest::preview(&app.db, false).await?;
    Ok(html(&LetterPage {
        title: "Preview".to_owned(),
        subject: shown.subject,
        lead: "As it would be now. Nothing is sent, and the next digest tells all of it. Mail is summarized by rule here; the digest itself asks the local model.".to_owned(),
        html_href: "/digest/preview/html".to_owned(),
        text: shown.text,
        state: None,
        deliveries: Vec::new(),
        failed: false,
        unknown: false,
        id: String::new(),
        job: None,
        frame: frame(&app, &who, "Preview of the digest").await,
    }))
}

pub(super) async fn one(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let (digest, _, text) = found(&app, &id).await?;
    let all = digest::deliveries(&app.db, &id).await?;
    let now = app.db.now();
    let has = |state: &str| all.iter().any(|d| d.state == state);
    let zone = show::zone(&settings::fund_zone(&app.db).await?);
    Ok(html(&LetterPage {
        title: "Digest".to_owned(),
        subject: digest.subject.clone(),
        lead: format!(
            "What happened from {} to {}. {}",
            show::moment(&zone, digest.window_from).text,
            show::moment(&zone, digest.window_to).text,
            digest.note
        ),
        html_href: format!("/digest/sent/{id}/html"),
        text,
        state: Some(state(&digest)),
        failed: has("failed"),
        unknown: has("unknown"),
        deliveries: all.iter().map(|d| delivery(now, d)).collect(),
        job: digest.job_id,
        id,
        frame: frame(&app, &who, "Digest").await,
    }))
}

fn delivery(now: i64, d: &Delivery) -> DeliveryRow {
    DeliveryRow {
        name: d.name.clone(),
        address: d.address.clone(),
        state: match d.state.as_str() {
            "sent" => Badge::new("Sent", "ok"),
            "failed" => Badge::new("Failed", "bad"),
            "unknown" => Badge::new("Unknown", "warn"),
            "skipped" => Badge::new("Skipped", "muted"),
            "sending" => Badge::new("Being sent", "info"),
            _ => Badge::new("Waits", "info"),
        },
        attempts: d.attempts,
        error: d.error.clone(),
        when: show::ago(now, d.at),
    }
}
