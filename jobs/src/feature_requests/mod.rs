//! What the team wishes the program would do: requests, votes, and what an admin
//! answered.

mod store;

pub use store::{FeatureRequest, find, list, totals};

use crate::{
    db::WriteTx,
    grid::GridError,
    work::{checked_line, checked_text},
};

/// Statuses with their names for people.
pub const STATUSES: [(&str, &str); 4] = [
    ("open", "Open"),
    ("planned", "Planned"),
    ("done", "Done"),
    ("declined", "Declined"),
];
/// Characters of a title at most.
pub const MAX_TITLE: usize = 120;
/// Characters of a description at most.
pub const MAX_BODY: usize = 4_000;
/// Characters of an answer at most.
pub const MAX_ANSWER: usize = 300;

/// Adds a request; whoever makes it votes for it. Returns its id.
pub async fn add(
    tx: &mut WriteTx,
    title: &str,
    body: &str,
    user: &str,
) -> Result<String, GridError> {
    let title = checked_title(title)?;
    let body = checked_text("body", body, MAX_BODY)?;
    let (id, now) = (tx.new_id(), tx.now());
    sqlx::query(
        "insert into feature_requests (id, title, body, created_by, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?5)",
    )
    .bind(&id)
    .bind(title)
    .bind(body)
    .bind(user)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    vote(tx, &id, user).await?;
    Ok(id)
}

/// Changes what a request says; what is none stays. Whether somebody may is for
/// the caller to know.
pub async fn reword(
    tx: &mut WriteTx,
    id: &str,
    title: Option<&str>,
    body: Option<&str>,
) -> Result<(), GridError> {
    needed(tx, id).await?;
    let title = title.map(checked_title).transpose()?;
    let body = body
        .map(|body| checked_text("body", body, MAX_BODY))
        .transpose()?;
    let now = tx.now();
    sqlx::query(
        "update feature_requests set title = coalesce(?2, title), body = coalesce(?3, body), updated_at = ?4
         where id = ?1 and deleted_at is null",
    )
    .bind(id)
    .bind(title)
    .bind(body)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Says what becomes of a request. Without a word, the one there was goes.
pub async fn answer(
    tx: &mut WriteTx,
    id: &str,
    status: &str,
    word: &str,
    user: &str,
) -> Result<(), GridError> {
    needed(tx, id).await?;
    if !STATUSES.iter().any(|(known, _)| *known == status) {
        return Err(GridError::invalid(
            "invalid_status",
            "status",
            format!("{status:?} is no status: use open, planned, done or declined"),
        ));
    }
    let word = checked_line("answer", word, MAX_ANSWER)?;
    let now = tx.now();
    sqlx::query(
        "update feature_requests
         set status = ?2, answer = ?3, answered_by = ?4, answered_at = ?5, updated_at = ?5
         where id = ?1 and deleted_at is null",
    )
    .bind(id)
    .bind(status)
    .bind(word)
    .bind(user)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Votes for a request; once each.
pub async fn vote(tx: &mut WriteTx, id: &str, user: &str) -> Result<(), GridError> {
    needed(tx, id).await?;
    let now = tx.now();
    sqlx::query(
        "insert into feature_votes (request_id, user_id, at) values (?1, ?2, ?3) on conflict do nothing",
    )
        .bind(id)
        .bind(user)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Takes a vote back.
pub async fn unvote(tx: &mut WriteTx, id: &str, user: &str) -> Result<(), GridError> {
    needed(tx, id).await?;
    sqlx::query("delete from feature_votes where request_id = ?1 and user_id = ?2")
        .bind(id)
        .bind(user)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Deletes a request (softly); its votes wait for it.
pub async fn remove(tx: &mut WriteTx, id: &str) -> Result<(), GridError> {
    needed(tx, id).await?;
    let now = tx.now();
    sqlx::query("update feature_requests set deleted_at = ?2 where id = ?1 and deleted_at is null")
        .bind(id)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Brings a request back that its author deleted.
pub async fn restore(tx: &mut WriteTx, id: &str, author: &str) -> Result<(), GridError> {
    sqlx::query(
        "update feature_requests set deleted_at = null
         where id = ?1 and created_by = ?2 and deleted_at is not null",
    )
    .bind(id)
    .bind(author)
    .execute(&mut **tx)
    .await?;
    needed(tx, id).await
}

async fn needed(tx: &mut WriteTx, id: &str) -> Result<(), GridError> {
    let found: Option<i64> =
        sqlx::query_scalar("select 1 from feature_requests where id = ?1 and deleted_at is null")
            .bind(id)
            .fetch_optional(&mut **tx)
            .await?;
    found.map(|_| ()).ok_or_else(|| GridError::Missing {
        what: "request",
        id: id.to_owned(),
    })
}

fn checked_title(title: &str) -> Result<String, GridError> {
    let title = checked_line("title", title, MAX_TITLE)?;
    if title.is_empty() {
        return Err(GridError::invalid(
            "no_title",
            "title",
            "say in a few words what you wish for",
        ));
    }
    Ok(title)
}
