//! Opportunities: one live pursuit of each investor, and those that ended.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use crate::{
    db::{DbError, WriteTx},
    grid::GridError,
};

/// Characters of an exit reason at most.
const MAX_REASON_CHARS: usize = 500;

/// The pursuit of one investor.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Opportunity {
    /// Its id.
    pub id: String,
    /// The investor's row.
    pub row_id: String,
    /// The option of the pipeline column.
    pub choice: String,
    /// The standard stage that stands for; null if none.
    pub stage: Option<String>,
    /// Since when, UTC milliseconds.
    pub stage_since_at: i64,
    /// UTC milliseconds.
    pub opened_at: i64,
    /// Who gave the investor a stage.
    pub opened_by: String,
    /// When it ended; null while it is live.
    pub closed_at: Option<i64>,
    /// Who ended it.
    pub closed_by: Option<String>,
    /// `lost`, or `withdrawn` when the stage was taken out.
    pub outcome: Option<String>,
    /// Why it was lost, in words; empty until somebody says.
    pub exit_reason: String,
}

/// Which opportunities to read.
#[derive(Clone, Debug, Default)]
pub struct OpportunityFilter<'a> {
    /// Of this investor.
    pub row: Option<&'a str>,
    /// `live`, `lost` or `withdrawn`.
    pub state: Option<&'a str>,
    /// At this option of the pipeline column.
    pub choice: Option<&'a str>,
    /// After the one of this id, in the order of the list.
    pub after: Option<&'a str>,
}

/// Opportunities of live investors by id, at most `limit`.
pub async fn opportunities(
    conn: &mut SqliteConnection,
    filter: &OpportunityFilter<'_>,
    limit: i64,
) -> Result<Vec<Opportunity>, DbError> {
    sqlx::query_as(
        "select o.id, o.row_id, o.choice, o.stage, o.stage_since_at, o.opened_at, o.opened_by, o.closed_at, o.closed_by,
                o.outcome, o.exit_reason
         from opportunities o join grid_rows r on r.id = o.row_id and r.deleted_at is null
         where (?1 is null or o.row_id = ?1) and (?2 is null or coalesce(o.outcome, 'live') = ?2)
           and (?3 is null or o.choice = ?3) and (?4 is null or o.id > ?4)
         order by o.id limit ?5",
    )
    .bind(filter.row)
    .bind(filter.state)
    .bind(filter.choice)
    .bind(filter.after)
    .bind(limit.clamp(1, 500))
    .fetch_all(conn)
    .await
}

/// One opportunity of a live investor.
pub async fn opportunity(
    conn: &mut SqliteConnection,
    id: &str,
) -> Result<Option<Opportunity>, DbError> {
    sqlx::query_as(
        "select o.id, o.row_id, o.choice, o.stage, o.stage_since_at, o.opened_at, o.opened_by, o.closed_at, o.closed_by,
                o.outcome, o.exit_reason
         from opportunities o join grid_rows r on r.id = o.row_id and r.deleted_at is null
         where o.id = ?1",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// An investor's newest opportunity: the live one, else the last that ended.
pub async fn newest(
    conn: &mut SqliteConnection,
    row: &str,
) -> Result<Option<Opportunity>, DbError> {
    sqlx::query_as(
        "select id, row_id, choice, stage, stage_since_at, opened_at, opened_by, closed_at, closed_by, outcome, exit_reason
         from opportunities where row_id = ?1 order by closed_at is null desc, opened_at desc, id desc limit 1",
    )
    .bind(row)
    .fetch_optional(conn)
    .await
}

/// Lost opportunities of live investors, the newest first, at most `limit`.
pub async fn lost(conn: &mut SqliteConnection, limit: i64) -> Result<Vec<Opportunity>, DbError> {
    sqlx::query_as(
        "select o.id, o.row_id, o.choice, o.stage, o.stage_since_at, o.opened_at, o.opened_by, o.closed_at, o.closed_by,
                o.outcome, o.exit_reason
         from opportunities o join grid_rows r on r.id = o.row_id and r.deleted_at is null
         where o.closed_at is not null and o.outcome = 'lost' order by o.closed_at desc, o.id limit ?1",
    )
    .bind(limit.clamp(1, 500))
    .fetch_all(conn)
    .await
}

/// Says why an opportunity was lost. `None` if there is no such opportunity.
pub async fn set_exit_reason(
    tx: &mut WriteTx,
    id: &str,
    reason: &str,
) -> Result<Option<Opportunity>, GridError> {
    let Some(found) = opportunity(tx, id).await? else {
        return Ok(None);
    };
    if found.closed_at.is_none() {
        return Err(GridError::invalid(
            "still_live",
            "id",
            "this investor is still in the pipeline: a reason belongs to a lost one",
        ));
    }
    if reason.chars().count() > MAX_REASON_CHARS {
        return Err(GridError::invalid(
            "reason_too_long",
            "exit_reason",
            "a reason has at most 500 characters",
        ));
    }
    sqlx::query("update opportunities set exit_reason = ?2 where id = ?1")
        .bind(id)
        .bind(reason.trim())
        .execute(&mut **tx)
        .await?;
    Ok(opportunity(tx, id).await?)
}

/// One step from stage to stage.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct StageEvent {
    /// Counts up.
    pub id: i64,
    /// The opportunity it belongs to.
    pub opportunity_id: String,
    /// Option left; null is none.
    pub from_choice: Option<String>,
    /// Option taken; null is none.
    pub to_choice: Option<String>,
    /// UTC milliseconds.
    pub at: i64,
    /// Who moved it.
    pub by: String,
    /// The grid version that it is part of.
    pub change_set_id: i64,
}

/// An investor's steps, newest first, at most 200.
pub async fn stage_history(
    conn: &mut SqliteConnection,
    row: &str,
) -> Result<Vec<StageEvent>, DbError> {
    sqlx::query_as(
        "select id, opportunity_id, from_choice, to_choice, at, by, change_set_id
         from stage_events where row_id = ?1 order by id desc limit 200",
    )
    .bind(row)
    .fetch_all(conn)
    .await
}
