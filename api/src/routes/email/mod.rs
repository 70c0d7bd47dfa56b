//! Captured mail: mailboxes for admins, and for everybody what concerns an
//! investor. As JSON under `/api/email`, as pages under `/mailboxes` and `/emails`.

use axum::http::StatusCode;
use crm_jobs::{
    audit,
    db::WriteTx,
    email::{self, EmailFull, Facts, Mailbox, NearMatch, Trouble, credentials},
};
use serde_json::json;

use crate::{
    access::Access,
    error::{AppError, sentence},
    route::{Route, delete, get, patch, post, put},
    session::SignedIn,
};

mod drafts;
mod forms;
mod json;
mod mailboxes;
pub mod page;
#[cfg(any(test, debug_assertions))]
mod sample;
mod thread;

pub(super) use thread::item;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    let mut all = pages();
    all.extend(of_mailboxes());
    all.extend(of_messages());
    all.extend(drafts::routes());
    all
}

fn pages() -> Vec<Route> {
    use Access::{Admin, Member};
    vec![
        get("/emails", Member, thread::list),
        get("/emails/near-matches", Member, thread::near),
        post("/emails/near-matches/{id}", Member, forms::decide),
        get("/emails/threads/{id}", Member, thread::show),
        get("/emails/{id}", Member, thread::find),
        get("/emails/attachments/{id}", Member, forms::download),
        post("/emails/{id}/attach", Member, forms::attach),
        post("/emails/{id}/detach/{row}", Member, forms::detach),
        post("/emails/{id}/attach/{row}", Member, forms::attach_again),
        get("/mailboxes", Admin, mailboxes::list),
        post("/mailboxes", Admin, mailboxes::enrol),
        post("/mailboxes/credentials", Admin, mailboxes::keep_credentials),
        post(
            "/mailboxes/credentials/forget",
            Admin,
            mailboxes::forget_credentials,
        ),
        post("/mailboxes/{id}", Admin, mailboxes::change),
        post("/mailboxes/{id}/sync", Admin, mailboxes::sync),
        post("/mailboxes/{id}/pause", Admin, mailboxes::pause),
        post("/mailboxes/{id}/resume", Admin, mailboxes::resume),
        post("/mailboxes/{id}/remove", Admin, mailboxes::remove),
        post("/mailboxes/{id}/restore", Admin, mailboxes::restore),
    ]
}

fn of_mailboxes() -> Vec<Route> {
    use Access::Admin;
    vec![
        get("/api/email/mailboxes", Admin, json::mailboxes)
            .json("email", "Mailboxes that are read, and where that stands")
            .answers::<json::Mailboxes>(200),
        post("/api/email/mailboxes", Admin, json::enrol)
            .json(
                "email",
                "Enrol a mailbox of the team, with its owner's consent",
            )
            .body::<email::New>()
            .answers::<Mailbox>(201),
        patch("/api/email/mailboxes/{id}", Admin, json::change)
            .json(
                "email",
                "Change whose a mailbox is, its consent or its privacy",
            )
            .body::<email::Change>()
            .answers::<Mailbox>(200)
            .problems(&[404]),
        delete("/api/email/mailboxes/{id}", Admin, json::remove)
            .json(
                "email",
                "Read a mailbox no more; what it alone saw is gone until it is restored",
            )
            .answers_nothing(204)
            .problems(&[404]),
        post("/api/email/mailboxes/{id}/restore", Admin, json::restore)
            .json("email", "Take a removed mailbox back in, with what it saw")
            .answers::<Mailbox>(200)
            .problems(&[404]),
        post("/api/email/mailboxes/{id}/pause", Admin, json::pause)
            .json("email", "Read a mailbox no more for now")
            .answers::<Mailbox>(200)
            .problems(&[404]),
        post("/api/email/mailboxes/{id}/resume", Admin, json::resume)
            .json("email", "Read a paused mailbox again")
            .answers::<Mailbox>(200)
            .problems(&[404]),
        post("/api/email/mailboxes/{id}/sync", Admin, json::sync)
            .json("email", "Read a mailbox now")
            .answers::<json::Started>(202)
            .problems(&[404]),
        get("/api/email/credentials", Admin, json::credentials)
            .json(
                "email",
                "Which service account reads the mailboxes; never its key",
            )
            .answers::<credentials::Shown>(200),
        put("/api/email/credentials", Admin, json::keep_credentials)
            .json("email", "Store the key file of the service account, sealed")
            .body::<json::NewCredentials>()
            .answers::<credentials::Shown>(200),
        delete("/api/email/credentials", Admin, json::forget_credentials)
            .json("email", "Forget the stored key")
            .answers_nothing(204),
    ]
}

fn of_messages() -> Vec<Route> {
    use Access::Member;
    vec![
        get("/api/email/messages", Member, json::messages)
            .json("email", "Emails that concern an investor, the newest first")
            .query::<json::MessagesQuery>()
            .answers::<json::Messages>(200),
        get("/api/email/messages/{id}", Member, json::message)
            .json("email", "One email, as far as its privacy allows")
            .answers::<EmailFull>(200)
            .problems(&[404]),
        put(
            "/api/email/messages/{id}/investors/{row}",
            Member,
            json::attach,
        )
        .json("email", "Say that an email concerns an investor")
        .answers::<EmailFull>(200)
        .problems(&[404]),
        delete(
            "/api/email/messages/{id}/investors/{row}",
            Member,
            json::detach,
        )
        .json(
            "email",
            "Say that an email does not concern an investor; no rule attaches it again",
        )
        .answers_nothing(204)
        .problems(&[404]),
        get("/api/email/threads/{id}", Member, json::thread)
            .json("email", "The emails of a conversation, the oldest first")
            .answers::<json::Thread>(200)
            .problems(&[404]),
        get("/api/email/investors/{id}/facts", Member, json::facts)
            .json(
                "email",
                "How often, how lately and which way, and who on the team",
            )
            .answers::<Facts>(200)
            .problems(&[404]),
        get("/api/email/near-matches", Member, json::near_matches)
            .json(
                "email",
                "Addresses that look like somebody's, for a person to say",
            )
            .answers::<json::NearMatches>(200),
        post("/api/email/near-matches/{id}", Member, json::decide)
            .json(
                "email",
                "Say whether an address is the investor's; `open` takes that back",
            )
            .body::<json::Decision>()
            .answers::<NearMatch>(200)
            .problems(&[404]),
    ]
}

fn nothing() -> AppError {
    AppError::not_found("There is no such email, or it concerns no investor.")
}

/// What Gmail refused, as an answer.
fn troubled(trouble: &Trouble) -> AppError {
    AppError::new(
        StatusCode::BAD_GATEWAY,
        trouble.code,
        sentence(&trouble.message),
    )
}

async fn record(
    tx: &mut WriteTx,
    who: &SignedIn,
    action: &str,
    target: &str,
) -> Result<(), AppError> {
    audit::record(tx, &who.actor(), action, target, json!({}), &who.ip()).await?;
    Ok(())
}

async fn mailbox(tx: &mut WriteTx, id: &str) -> Result<Mailbox, AppError> {
    let found = email::find_mailbox(tx, id).await?;
    found.ok_or_else(|| AppError::not_found("There is no such mailbox."))
}
