//! What mail says of a relationship.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use crate::{clock::DAY, db::DbError};

/// How often, how lately, and which way.
#[derive(Clone, Debug, Default, FromRow, Serialize, JsonSchema)]
pub struct Counted {
    /// The first email, UTC milliseconds.
    pub first_at: Option<i64>,
    /// The last one.
    pub last_at: Option<i64>,
    /// Which way the last one went: `in` or `out`.
    pub last_direction: Option<String>,
    /// From them in the last 90 days.
    pub received: i64,
    /// From us in the last 90 days.
    pub sent: i64,
}

/// Somebody of ours who writes with them.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct OnTeam {
    /// A user's id, if the mailbox is somebody's.
    pub user_id: Option<String>,
    /// The mailbox.
    pub address: String,
    /// Emails of the last 90 days.
    pub emails: i64,
}

/// What mail says of an investor.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Facts {
    /// How often, how lately, and which way.
    #[serde(flatten)]
    pub counted: Counted,
    /// Who on our team, the busiest first.
    pub team: Vec<OnTeam>,
}

/// What mail says of an investor. The next contact is the next task, and that is
/// with [`crate::work`].
pub async fn of_row(conn: &mut SqliteConnection, row: &str, now: i64) -> Result<Facts, DbError> {
    let since = now - 90 * DAY;
    let counted: Counted = sqlx::query_as(
        "select min(e.sent_at) as first_at, max(e.sent_at) as last_at,
                (select o.direction from email_links k join emails o on o.id = k.email_id
                 where k.row_id = ?1 and k.deleted_at is null and o.deleted_at is null and o.is_matched = 1
                 order by k.sent_at desc, k.email_id desc limit 1) as last_direction,
                count(*) filter (where e.direction = 'in' and e.sent_at >= ?2) as received,
                count(*) filter (where e.direction <> 'in' and e.sent_at >= ?2) as sent
         from email_links l join emails e on e.id = l.email_id
         where l.row_id = ?1 and l.deleted_at is null and e.deleted_at is null and e.is_matched = 1",
    )
    .bind(row)
    .bind(since)
    .fetch_one(&mut *conn)
    .await?;
    let team = sqlx::query_as(
        "select m.user_id, m.address, count(distinct e.id) as emails
         from email_links l join emails e on e.id = l.email_id
         join email_sightings s on s.email_id = e.id and s.deleted_at is null
         join mailboxes m on m.id = s.mailbox_id and m.deleted_at is null
         where l.row_id = ?1 and l.deleted_at is null and l.sent_at >= ?2 and e.deleted_at is null and e.is_matched = 1
         group by m.id order by emails desc, m.address limit 20",
    )
    .bind(row)
    .bind(since)
    .fetch_all(conn)
    .await?;
    Ok(Facts { counted, team })
}
