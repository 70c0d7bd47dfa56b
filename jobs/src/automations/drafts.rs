//! Mail that rules propose. A person copies it, or lets it go; the program has
//! no way to send it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqliteConnection};

use crate::{
    db::{DbError, WriteTx},
    grid::GridError,
};

/// A proposed mail.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Draft {
    /// Time-ordered id.
    pub id: String,
    /// The investor.
    pub row_id: String,
    /// Their name.
    pub row_title: String,
    /// The person, if it is known who.
    pub contact_id: Option<String>,
    /// Their name; may be empty.
    pub to_name: String,
    /// Their address; may be empty.
    pub to_address: String,
    /// Subject.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// `proposed`, `used` or `dismissed`.
    pub state: String,
    /// The run that proposed it.
    pub run_id: Option<i64>,
    /// UTC milliseconds.
    pub created_at: i64,
    /// Who: `rule:ID`.
    pub created_by: String,
}

/// What becomes of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DraftState {
    /// It waits for somebody.
    Proposed,
    /// Somebody used it.
    Used,
    /// Nobody wants it.
    Dismissed,
}

impl DraftState {
    fn word(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Used => "used",
            Self::Dismissed => "dismissed",
        }
    }
}

/// Drafts of live rows in a state, the newest first; of one row if told.
pub async fn list(
    conn: &mut SqliteConnection,
    state: DraftState,
    row: Option<&str>,
    limit: i64,
) -> Result<Vec<Draft>, DbError> {
    sqlx::query_as(
        "select d.id, d.row_id, coalesce(f.name, 'An investor') as row_title, d.contact_id, d.to_name, d.to_address, d.subject,
                d.body, d.state, d.run_id, d.created_at, d.created_by
         from email_drafts d join grid_rows r on r.id = d.row_id left join fundraising_investors f on f.id = d.row_id
         where d.state = ?1 and d.deleted_at is null and r.deleted_at is null and (?2 is null or d.row_id = ?2)
         order by d.created_at desc, d.id desc limit ?3",
    )
    .bind(state.word())
    .bind(row)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// One draft.
pub async fn find(conn: &mut SqliteConnection, id: &str) -> Result<Option<Draft>, DbError> {
    sqlx::query_as(
        "select d.id, d.row_id, coalesce(f.name, 'An investor') as row_title, d.contact_id, d.to_name, d.to_address, d.subject,
                d.body, d.state, d.run_id, d.created_at, d.created_by
         from email_drafts d join grid_rows r on r.id = d.row_id left join fundraising_investors f on f.id = d.row_id
         where d.id = ?1 and d.deleted_at is null and r.deleted_at is null",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// Says what becomes of a draft; it may be said again. Returns it as it was.
pub async fn decide(
    tx: &mut WriteTx,
    id: &str,
    state: DraftState,
    by: &str,
) -> Result<Draft, GridError> {
    let draft = find(tx, id).await?.ok_or_else(|| GridError::Missing {
        what: "draft",
        id: id.to_owned(),
    })?;
    let now = tx.now();
    sqlx::query(
        "update email_drafts set state = ?2, decided_at = iif(?2 = 'proposed', null, ?3), decided_by = iif(?2 = 'proposed', null, ?4)
         where id = ?1",
    )
    .bind(id)
    .bind(state.word())
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok(draft)
}
