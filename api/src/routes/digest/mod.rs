//! The daily digest: its policy, what it would say, what was sent and to whom.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use crm_jobs::{
    audit,
    digest::{self, Delivery, Digest, DigestError, Policy, PolicyError, SendDigest},
    mail::{self, Letter, MailError, Outcome},
    queue::{self, EnqueueOptions, Enqueued, Prepared},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    access::Access::{Admin, Member},
    error::{AppError, sentence},
    extract::{Form, Json, Path, Query},
    flash::Done,
    headers::MAIL_CSP,
    route::{Route, get, patch, post},
    routes::{
        jobs::{Accepted, record},
        page::FlashKind,
    },
    session::SignedIn,
    state::App,
};

pub mod page;
mod policy;
mod show;

const PER_PAGE: i64 = 30;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    let mut all = pages();
    all.extend(json());
    all
}

fn pages() -> Vec<Route> {
    vec![
        get("/digest", Admin, show::show),
        post("/digest/policy", Admin, policy::save_form),
        get("/digest/preview", Admin, show::preview),
        get("/digest/preview/html", Admin, preview_html),
        post("/digest/send", Admin, send_form),
        post("/digest/test", Admin, test_form),
        get("/digest/sent/{id}", Admin, show::one),
        get("/digest/sent/{id}/html", Admin, one_html),
        post("/digest/sent/{id}/resend", Admin, resend_form),
        post("/settings/digest", Member, opt_out_form),
    ]
}

fn json() -> Vec<Route> {
    vec![
        get("/api/admin/digest/policy", Admin, policy::read)
            .json("digest", "When the daily digest goes out, and to whom")
            .answers::<Policy>(200),
        patch("/api/admin/digest/policy", Admin, policy::change)
            .json("digest", "Change that; what is not said stays as it is")
            .body::<policy::PolicyChange>()
            .answers::<Policy>(200),
        post("/api/admin/digest/preview", Admin, preview)
            .json(
                "digest",
                "The digest as it would be now, summarized by rule; moves nothing",
            )
            .answers::<Preview>(200),
        post("/api/admin/digest/send-now", Admin, send)
            .json("digest", "Make a digest and send it now")
            .answers::<Accepted>(202)
            .problems(&[409]),
        post("/api/admin/digest/test-email", Admin, test)
            .json(
                "digest",
                "Send a short test mail to yourself, and say how that went",
            )
            .answers::<Tested>(200)
            .problems(&[409]),
        get("/api/admin/digest/history", Admin, history)
            .json("digest", "Digests, newest first")
            .query::<HistoryQuery>()
            .answers::<Vec<Digest>>(200),
        get("/api/admin/digest/history/{id}", Admin, one)
            .json("digest", "One digest, its text, and who got it")
            .answers::<One>(200)
            .problems(&[404]),
        post("/api/admin/digest/history/{id}/resend", Admin, resend)
            .json("digest", "Try again the deliveries that failed")
            .body::<Resend>()
            .answers::<Accepted>(202)
            .problems(&[404, 409]),
    ]
}

/// A digest as it would be.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Preview {
    /// Its subject.
    subject: String,
    /// A whole page.
    html: String,
    /// The same in words.
    text: String,
}

async fn preview(State(app): State<App>) -> Result<Json<Preview>, AppError> {
    let shown = digest::preview(&app.db, false).await?;
    Ok(Json(Preview {
        subject: shown.subject,
        html: shown.html,
        text: shown.text,
    }))
}

/// HTML as mail programs get it, under a policy of its own: nothing in it may run
/// or load, and its styles are inline as mail needs them.
fn mail_page(html: String) -> Response {
    let mut response = Html(html).into_response();
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(MAIL_CSP),
    );
    response
}

async fn preview_html(State(app): State<App>) -> Result<Response, AppError> {
    Ok(mail_page(digest::preview(&app.db, false).await?.html))
}

async fn one_html(State(app): State<App>, Path(id): Path<String>) -> Result<Response, AppError> {
    let (_, html, _) = found(&app, &id).await?;
    Ok(mail_page(html))
}

async fn found(app: &App, id: &str) -> Result<(Digest, String, String), AppError> {
    let found = digest::by_id(&app.db, id).await?;
    found.ok_or_else(|| AppError::not_found("There is no such digest."))
}

async fn enqueue(
    app: &App,
    who: &SignedIn,
    job: &SendDigest,
    action: &str,
) -> Result<Enqueued, AppError> {
    let mut tx = app.db.write().await?;
    let options = EnqueueOptions {
        priority: Some(-10),
        ..EnqueueOptions::by(who.actor().to_string())
    };
    let enqueued = queue::enqueue_with(&mut tx, &Prepared::new(job)?, &options).await?;
    record(&mut tx, who, action, enqueued.id).await?;
    tx.commit().await?;
    Ok(enqueued)
}

async fn send_now(app: &App, who: &SignedIn) -> Result<Enqueued, AppError> {
    // Said here, where somebody waits for it, and not only by the job.
    mail::ready(&app.db).await?;
    let job = SendDigest {
        digest: None,
        asked: true,
    };
    enqueue(app, who, &job, "digest.asked").await
}

async fn send(State(app): State<App>, who: SignedIn) -> Result<Accepted, AppError> {
    Ok(Accepted::of(send_now(&app, &who).await?))
}

async fn send_form(State(app): State<App>, who: SignedIn) -> Result<Done, AppError> {
    match send_now(&app, &who).await {
        Ok(_) => Ok(Done::to("/digest").saying(FlashKind::Ok, "The digest is being made.")),
        Err(error) if error.status().is_client_error() => {
            Ok(Done::to("/digest").saying(FlashKind::Warn, error.detail()))
        }
        Err(error) => Err(error),
    }
}

/// How a test mail went.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Tested {
    /// `delivered`, `transient`, `permanent` or `unknown`.
    outcome: &'static str,
    /// What the server said.
    detail: String,
    /// Where it went: always your own address.
    address: String,
}

/// To the one who asks and to nobody else: this is no way to send mail to others.
async fn send_test(app: &App, who: &SignedIn) -> Result<Tested, AppError> {
    let server = mail::ready(&app.db).await?;
    let to = mail::recipient(&app.db, &who.user.id).await?;
    let to = to.ok_or_else(|| AppError::not_found("Your account is not active."))?;
    let address = to.email().to_owned();
    let id = app.db.clock().new_id();
    let letter = Letter {
        subject: "A test mail from Venture CRM".to_owned(),
        text: "The mail server works: the daily digest can come this way.\n".to_owned(),
        html: "<!doctype html><html lang=\"en\"><body><p>The mail server works: the daily digest can come this way.</p></body></html>".to_owned(),
        message_id: mail::message_id(&server.from, &format!("test-{id}"), &who.user.id),
    };
    // Somebody waits for the answer.
    let patience = std::time::Duration::from_secs(20);
    let (outcome, detail) = match mail::send(&app.db, &letter, to, patience).await? {
        Outcome::Delivered => ("delivered", String::new()),
        Outcome::Transient(why) => ("transient", why),
        Outcome::Permanent(why) => ("permanent", why),
        Outcome::Unknown(why) => ("unknown", why),
    };
    let mut tx = app.db.write().await?;
    let told = json!({ "outcome": outcome });
    audit::record(
        &mut tx,
        &who.actor(),
        "digest.test_sent",
        "",
        told,
        &who.ip(),
    )
    .await?;
    tx.commit().await?;
    Ok(Tested {
        outcome,
        detail,
        address,
    })
}

async fn test(State(app): State<App>, who: SignedIn) -> Result<Json<Tested>, AppError> {
    Ok(Json(send_test(&app, &who).await?))
}

async fn test_form(State(app): State<App>, who: SignedIn) -> Result<Done, AppError> {
    let here = Done::to("/digest/mail");
    match send_test(&app, &who).await {
        Ok(Tested {
            outcome: "delivered",
            address,
            ..
        }) => Ok(here.saying(
            FlashKind::Ok,
            format!("The mail server took a test mail to {address}."),
        )),
        Ok(it) => Ok(here.saying(
            FlashKind::Bad,
            format!("The test mail did not go out: {}.", it.detail),
        )),
        Err(error) if error.status().is_client_error() => {
            Ok(here.saying(FlashKind::Warn, error.detail()))
        }
        Err(error) => Err(error),
    }
}

/// Which page of the history.
#[derive(Deserialize, JsonSchema)]
pub struct HistoryQuery {
    /// Older than this time (UTC milliseconds): the next page.
    before: Option<i64>,
}

async fn history(
    State(app): State<App>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<Vec<Digest>>, AppError> {
    Ok(Json(
        digest::history(&app.db, query.before, PER_PAGE).await?,
    ))
}

/// A digest with all that is known of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct One {
    /// The digest.
    digest: Digest,
    /// What it said, as text.
    text: String,
    /// Who got it.
    deliveries: Vec<Delivery>,
}

async fn one(State(app): State<App>, Path(id): Path<String>) -> Result<Json<One>, AppError> {
    let (digest, _, text) = found(&app, &id).await?;
    let deliveries = digest::deliveries(&app.db, &id).await?;
    Ok(Json(One {
        digest,
        text,
        deliveries,
    }))
}

/// What to send again.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct Resend {
    /// Those too of whom nobody knows whether they have it: they may get it twice.
    #[serde(default)]
    unknown_too: bool,
}

async fn send_again(
    app: &App,
    who: &SignedIn,
    id: &str,
    what: &Resend,
) -> Result<Enqueued, AppError> {
    mail::ready(&app.db).await?;
    let mut tx = app.db.write().await?;
    let queued = digest::resend(&mut tx, id, what.unknown_too).await?;
    let job = SendDigest {
        digest: Some(id.to_owned()),
        asked: true,
    };
    let options = EnqueueOptions::by(who.actor().to_string());
    let enqueued = queue::enqueue_with(&mut tx, &Prepared::new(&job)?, &options).await?;
    let told = json!({ "deliveries": queued, "job": enqueued.id });
    let target = format!("digest:{id}");
    audit::record(
        &mut tx,
        &who.actor(),
        "digest.resent",
        &target,
        told,
        &who.ip(),
    )
    .await?;
    tx.commit().await?;
    Ok(enqueued)
}

async fn resend(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(what): Json<Resend>,
) -> Result<Accepted, AppError> {
    Ok(Accepted::of(send_again(&app, &who, &id, &what).await?))
}

#[derive(Deserialize)]
struct ResendForm {
    #[serde(default)]
    unknown_too: String,
}

async fn resend_form(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<ResendForm>,
) -> Result<Done, AppError> {
    let what = Resend {
        unknown_too: form.unknown_too == "1",
    };
    let here = Done::to(format!("/digest/sent/{id}"));
    match send_again(&app, &who, &id, &what).await {
        Ok(_) => Ok(here.saying(FlashKind::Ok, "It is being sent again.")),
        Err(error) if error.status() == axum::http::StatusCode::CONFLICT => {
            Ok(here.saying(FlashKind::Warn, error.detail()))
        }
        Err(error) => Err(error),
    }
}

#[derive(Deserialize)]
struct OptOutForm {
    #[serde(default)]
    out: String,
}

/// Everybody says for themselves whether they want it.
async fn opt_out_form(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<OptOutForm>,
) -> Result<Done, AppError> {
    let out = form.out == "1";
    let mut tx = app.db.write().await?;
    digest::opt_out(&mut tx, &who.user.id, out, &who.actor().to_string()).await?;
    let told = json!({ "out": out });
    audit::record(&mut tx, &who.actor(), "digest.opted", "", told, &who.ip()).await?;
    tx.commit().await?;
    Ok(Done::to("/settings/account").saying(
        FlashKind::Ok,
        if out {
            "You get no digest any more."
        } else {
            "You get the digest whenever it is sent to you."
        },
    ))
}

impl From<PolicyError> for AppError {
    fn from(error: PolicyError) -> Self {
        match error {
            PolicyError::Field { field, message } => Self::invalid(field, sentence(&message)),
            PolicyError::Db(error) => error.into(),
        }
    }
}

impl From<MailError> for AppError {
    fn from(error: MailError) -> Self {
        let says = sentence(&error.to_string());
        match error {
            MailError::Held => Self::conflict("mail_held", says),
            MailError::NotSet => Self::conflict("mail_not_set", says),
            MailError::Secret(_) => Self::conflict("secret", says),
            MailError::Db(error) => error.into(),
        }
    }
}

impl From<DigestError> for AppError {
    fn from(error: DigestError) -> Self {
        let says = sentence(&error.to_string());
        match error {
            DigestError::Missing => Self::not_found(says),
            DigestError::NothingFailed => Self::conflict("nothing_failed", says),
            DigestError::Mail(error) => error.into(),
            DigestError::Db(error) => error.into(),
            error @ (DigestError::Render(_) | DigestError::Spark(_)) => Self::internal(error),
        }
    }
}
