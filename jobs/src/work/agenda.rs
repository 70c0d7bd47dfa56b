//! Tasks found: by whose they are, when they are due, whom they are about.

use std::str::FromStr;

use jiff::civil::{Date, Weekday};
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::SqliteConnection;

use super::Task;
use crate::db::DbError;

/// Tasks of one answer at most.
pub const MOST: i64 = 200;

/// Whose tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Whose {
    /// Anybody's.
    #[default]
    All,
    /// Nobody's in particular.
    Team,
    /// This member's.
    User(String),
}

impl Whose {
    /// `me`, `team` or a member's id; blank is anybody.
    pub fn read(text: &str, me: &str) -> Self {
        match text.trim() {
            "" | "all" => Self::All,
            "team" => Self::Team,
            "me" => Self::User(me.to_owned()),
            id => Self::User(id.to_owned()),
        }
    }

    /// As bound in the queries: none, the empty text, an id.
    fn bound(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::Team => Some(""),
            Self::User(id) => Some(id),
        }
    }
}

/// Which tasks.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// Whose.
    pub whose: Whose,
    /// Closed ones instead: `done` or `cancelled`. `snoozed` for hidden ones
    /// only; else open ones, hidden ones too if a row or contact is named.
    pub status: Option<String>,
    /// About this investor.
    pub row: Option<String>,
    /// About this person.
    pub contact: Option<String>,
    /// When.
    pub due: Option<Due>,
    /// So many before this page.
    pub offset: i64,
    /// At most so many.
    pub limit: i64,
}

/// When, as seen from a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Before today.
    Overdue,
    /// Today or before.
    Today,
    /// Until the coming Sunday, what is overdue included.
    Week,
    /// No day at all.
    Never,
}

impl FromStr for Due {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "overdue" => Self::Overdue,
            "today" => Self::Today,
            "week" => Self::Week,
            "none" => Self::Never,
            _ => return Err("write overdue, today, week or none".to_owned()),
        })
    }
}

/// The Sunday that ends a day's week.
pub fn end_of_week(day: Date) -> Date {
    if day.weekday() == Weekday::Sunday {
        return day;
    }
    day.nth_weekday(1, Weekday::Sunday).unwrap_or(day)
}

/// Some tasks, and whether there are more.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskPage {
    /// In order: the soonest first, those without a day last; closed ones the
    /// newest first.
    pub tasks: Vec<Task>,
    /// Send it back as `cursor` for the next page; null at the end.
    pub next_cursor: Option<String>,
}

/// The tasks a filter asks for.
pub async fn list(
    conn: &mut SqliteConnection,
    filter: &TaskFilter,
    today: Date,
) -> Result<TaskPage, DbError> {
    let limit = filter.limit.clamp(1, MOST);
    let mut tasks = match filter.status.as_deref() {
        Some(status @ ("done" | "cancelled")) => closed(conn, filter, status, limit + 1).await?,
        _ => open(conn, filter, today, limit + 1).await?,
    };
    let has_more = i64::try_from(tasks.len()).unwrap_or(0) > limit;
    tasks.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(TaskPage {
        tasks,
        next_cursor: has_more.then(|| (filter.offset + limit).to_string()),
    })
}

async fn open(
    conn: &mut SqliteConnection,
    filter: &TaskFilter,
    today: Date,
    limit: i64,
) -> Result<Vec<Task>, DbError> {
    let (from, to) = match filter.due {
        None => (None, None),
        Some(Due::Overdue) => (None, today.yesterday().ok()),
        Some(Due::Today) => (None, Some(today)),
        Some(Due::Week) => (None, Some(end_of_week(today))),
        // No day lies between these.
        Some(Due::Never) => (Some(Date::MAX), None),
    };
    let hidden = match filter.status.as_deref() {
        Some("snoozed") => "only",
        Some("all") => "too",
        _ if filter.row.is_some() || filter.contact.is_some() => "too",
        _ => "no",
    };
    sqlx::query_as(
        "select t.id, t.row_id, t.contact_id, c.name as contact_name, t.title, t.note, t.due_on, t.day, t.assignee,
                iif(t.status = 'snoozed' and t.snoozed_until <= ?1, 'open', t.status) as status,
                t.snoozed_until, t.repeat, t.series_id, t.created_at, t.created_by, t.updated_at, t.updated_by,
                t.done_at, t.done_by
         from tasks t left join contacts c on c.id = t.contact_id left join grid_rows r on r.id = t.row_id
         where t.deleted_at is null and t.status in ('open', 'snoozed') and (t.row_id is null or r.deleted_at is null)
           and (?2 is null or coalesce(t.assignee, '') = ?2)
           and (?3 is null or t.row_id = ?3) and (?4 is null or t.contact_id = ?4)
           and (?5 is null or t.day is null) and (?6 is null or t.day <= ?6)
           and (?7 = 'too' or (?7 = 'only') = (t.status = 'snoozed' and t.snoozed_until > ?1))
         order by t.day is null, t.day, t.id limit ?8 offset ?9",
    )
    .bind(today.to_string())
    .bind(filter.whose.bound())
    .bind(&filter.row)
    .bind(&filter.contact)
    .bind(from.map(|day| day.to_string()))
    .bind(to.map(|day| day.to_string()))
    .bind(hidden)
    .bind(limit)
    .bind(filter.offset)
    .fetch_all(conn)
    .await
}

async fn closed(
    conn: &mut SqliteConnection,
    filter: &TaskFilter,
    status: &str,
    limit: i64,
) -> Result<Vec<Task>, DbError> {
    sqlx::query_as(
        "select t.id, t.row_id, t.contact_id, c.name as contact_name, t.title, t.note, t.due_on, t.day, t.assignee,
                t.status, t.snoozed_until, t.repeat, t.series_id, t.created_at, t.created_by, t.updated_at, t.updated_by,
                t.done_at, t.done_by
         from tasks t left join contacts c on c.id = t.contact_id left join grid_rows r on r.id = t.row_id
         where t.deleted_at is null and t.status = ?1 and (t.row_id is null or r.deleted_at is null)
           and (?2 is null or coalesce(t.assignee, '') = ?2)
           and (?3 is null or t.row_id = ?3) and (?4 is null or t.contact_id = ?4)
         order by t.done_at desc, t.id desc limit ?5 offset ?6",
    )
    .bind(status)
    .bind(filter.whose.bound())
    .bind(&filter.row)
    .bind(&filter.contact)
    .bind(limit)
    .bind(filter.offset)
    .fetch_all(conn)
    .await
}

/// What a member has before them, hidden tasks included: their own and the
/// team's, the soonest first.
pub async fn open_for(
    conn: &mut SqliteConnection,
    user: &str,
    today: Date,
    limit: i64,
) -> Result<Vec<Task>, DbError> {
    sqlx::query_as(
        "select t.id, t.row_id, t.contact_id, c.name as contact_name, t.title, t.note, t.due_on, t.day, t.assignee,
                iif(t.status = 'snoozed' and t.snoozed_until <= ?1, 'open', t.status) as status,
                t.snoozed_until, t.repeat, t.series_id, t.created_at, t.created_by, t.updated_at, t.updated_by,
                t.done_at, t.done_by
         from tasks t left join contacts c on c.id = t.contact_id left join grid_rows r on r.id = t.row_id
         where t.deleted_at is null and t.status in ('open', 'snoozed') and (t.row_id is null or r.deleted_at is null)
           and (t.assignee is null or t.assignee = ?2)
         order by t.day is null, t.day, t.id limit ?3",
    )
    .bind(today.to_string())
    .bind(user)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// The open tasks of an investor, hidden ones included, the soonest first.
pub async fn open_of_row(
    conn: &mut SqliteConnection,
    row: &str,
    today: Date,
) -> Result<Vec<Task>, DbError> {
    sqlx::query_as(
        "select t.id, t.row_id, t.contact_id, c.name as contact_name, t.title, t.note, t.due_on, t.day, t.assignee,
                iif(t.status = 'snoozed' and t.snoozed_until <= ?1, 'open', t.status) as status,
                t.snoozed_until, t.repeat, t.series_id, t.created_at, t.created_by, t.updated_at, t.updated_by,
                t.done_at, t.done_by
         from tasks t left join contacts c on c.id = t.contact_id
         where t.row_id = ?2 and t.status in ('open', 'snoozed') and t.deleted_at is null
         order by t.day is null, t.day, t.id limit 100",
    )
    .bind(today.to_string())
    .bind(row)
    .fetch_all(conn)
    .await
}
