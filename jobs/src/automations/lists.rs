//! Who is on which list: since when, by whom, and why.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use crate::{
    db::DbError,
    grid::{self, LISTS},
};

/// A list and how many are on it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ListCount {
    /// `main`, `follow_up`, `longshot` or `graveyard`.
    pub name: String,
    /// Rows that are not archived.
    pub rows: i64,
}

/// All lists.
pub async fn lists(conn: &mut SqliteConnection) -> Result<Vec<ListCount>, DbError> {
    let counts = grid::list_counts(conn).await?;
    let count = |list: &str| counts.lists.get(list).copied().unwrap_or(0);
    Ok(LISTS
        .iter()
        .map(|list| ListCount {
            name: (*list).to_owned(),
            rows: count(list),
        })
        .collect())
}

/// A row on a list, and how it came there.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct ListMember {
    /// The row.
    pub row_id: String,
    /// Its name.
    pub title: String,
    /// The list.
    pub list: String,
    /// On it since, UTC milliseconds.
    pub since_at: i64,
    /// Who put it there: `user:ID`, `rule:ID` …
    pub by: String,
    /// Their name.
    pub by_name: Option<String>,
    /// Why.
    pub why: String,
    /// The change set that moved it; null if it was there from the beginning.
    pub change_set_id: Option<i64>,
    /// The rule, if one did it.
    pub rule_id: Option<String>,
    /// The run, if one did it.
    pub run_id: Option<i64>,
    /// The change set that made the rule fire.
    pub cause_change_set_id: Option<i64>,
    /// The person whose change made the rule fire, or who said yes or started it.
    pub person: Option<String>,
    /// Their name.
    pub person_name: Option<String>,
    #[serde(skip)]
    position: i64,
}

/// A page of a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ListPage {
    /// By position in the grid.
    pub rows: Vec<ListMember>,
    /// Send it back as `cursor` for the next page; null at the end.
    pub next_cursor: Option<String>,
}

/// The rows of a list, by position.
pub async fn members_of(
    conn: &mut SqliteConnection,
    list: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<ListPage, DbError> {
    let (at, id) = after
        .and_then(|cursor| cursor.split_once('.'))
        .and_then(|(at, id)| Some((at.parse().ok()?, id)))
        .unwrap_or((i64::MIN, ""));
    let limit = limit.clamp(1, 500);
    let mut rows: Vec<ListMember> = sqlx::query_as(
        "with members as (
           select r.id, r.position, r.list, r.list_since_at, r.list_by, r.list_reason,
                  (select max(c.change_set_id) from grid_changes c where c.row_id = r.id and c.what = 'list') as set_id
           from grid_rows r
           where r.list = ?1 and r.deleted_at is null and r.archived_at is null and (r.position, r.id) > (?2, ?3)
           order by r.position, r.id limit ?4)
         select m.id as row_id, coalesce(f.name, 'Unnamed investor') as title, m.list, m.list_since_at as since_at, m.list_by as by,
                case when m.list_by like 'user:%' then (select name from users where id = substr(m.list_by, 6))
                     when m.list_by like 'rule:%' then (select 'Rule “' || name || '”' from automation_rules where id = substr(m.list_by, 6)) end as by_name,
                m.list_reason as why, m.set_id as change_set_id, u.rule_id, u.id as run_id, u.cause_change_set_id,
                coalesce(u.decided_by, nullif(u.started_by, 'system'), s.actor) as person,
                (select name from users where 'user:' || id = coalesce(u.decided_by, nullif(u.started_by, 'system'), s.actor)) as person_name,
                m.position
         from members m left join fundraising_investors f on f.id = m.id
         left join automation_runs u on u.change_set_id = m.set_id
         left join change_sets s on s.id = u.cause_change_set_id
         order by m.position, m.id",
    )
    .bind(list)
    .bind(at)
    .bind(id)
    .bind(limit + 1)
    .fetch_all(conn)
    .await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > most;
    rows.truncate(most);
    let next_cursor = rows
        .last()
        .filter(|_| has_more)
        .map(|last| format!("{}.{}", last.position, last.row_id));
    Ok(ListPage { rows, next_cursor })
}

/// Why one row is on its list.
pub async fn why_of_row(
    conn: &mut SqliteConnection,
    row: &str,
) -> Result<Option<ListMember>, DbError> {
    sqlx::query_as(
        "select r.id as row_id, coalesce(f.name, 'Unnamed investor') as title, r.list, r.list_since_at as since_at, r.list_by as by,
                case when r.list_by like 'user:%' then (select name from users where id = substr(r.list_by, 6))
                     when r.list_by like 'rule:%' then (select 'Rule “' || name || '”' from automation_rules where id = substr(r.list_by, 6)) end as by_name,
                r.list_reason as why, c.change_set_id, u.rule_id, u.id as run_id, u.cause_change_set_id,
                coalesce(u.decided_by, nullif(u.started_by, 'system'), s.actor) as person,
                (select name from users where 'user:' || id = coalesce(u.decided_by, nullif(u.started_by, 'system'), s.actor)) as person_name,
                r.position
         from grid_rows r left join fundraising_investors f on f.id = r.id
         left join (select row_id, max(change_set_id) as change_set_id from grid_changes where row_id = ?1 and what = 'list') c on c.row_id = r.id
         left join automation_runs u on u.change_set_id = c.change_set_id
         left join change_sets s on s.id = u.cause_change_set_id
         where r.id = ?1 and r.deleted_at is null",
    )
    .bind(row)
    .fetch_optional(conn)
    .await
}
