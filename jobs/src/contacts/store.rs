//! Reading people, from the projection.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use super::duplicates::{Duplicate, Person, likely};
use crate::db::DbError;

/// One person, however many investors they stand at.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Contact {
    /// Their id.
    pub id: String,
    /// Full name.
    pub name: String,
    /// Address.
    pub email: Option<String>,
    /// As written.
    pub phone: Option<String>,
    /// What they do, at their first investor.
    pub role: Option<String>,
    /// At how many investors they stand.
    pub investor_count: i64,
    /// Names of the first three of those, joined by commas.
    pub investors: String,
}

/// Where a person stands.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Place {
    /// The investor's row.
    pub row_id: String,
    /// Its name.
    pub investor: String,
    /// Whether it is archived.
    pub archived: bool,
    /// What the person does there.
    pub role: Option<String>,
    /// Address used there.
    pub email: Option<String>,
    /// Number used there.
    pub phone: Option<String>,
}

/// Which people to read.
#[derive(Clone, Debug, Default)]
pub struct ContactFilter<'a> {
    /// Part of a name, an address or an investor's name.
    pub search: Option<&'a str>,
    /// Behind this name and id, in the order of names.
    pub after: Option<(&'a str, &'a str)>,
}

/// Matching people by name, at most `limit`.
pub async fn contacts(
    conn: &mut SqliteConnection,
    filter: &ContactFilter<'_>,
    limit: i64,
) -> Result<Vec<Contact>, DbError> {
    let (name, id) = filter.after.unzip();
    sqlx::query_as(
        "select c.id, c.name, c.email, c.phone, c.role, c.investor_count,
                coalesce((select group_concat(i.name, ', ') from (
                   select f.name from fundraising_investor_contacts l join fundraising_investors f on f.id = l.investor_id
                   where l.contact_id = c.id order by f.name limit 3) i), '') as investors
         from fundraising_contacts c
         where (?2 is null or (c.name, c.id) > (?2, ?3))
           and (?1 is null or instr(lower(c.name), ?1) > 0 or instr(coalesce(c.email, ''), ?1) > 0
                or exists (select 1 from fundraising_investor_contacts l join fundraising_investors f on f.id = l.investor_id
                           where l.contact_id = c.id and instr(lower(f.name), ?1) > 0))
         order by c.name, c.id limit ?4",
    )
    .bind(filter.search.map(str::to_lowercase))
    .bind(name)
    .bind(id)
    .bind(limit.clamp(1, 500))
    .fetch_all(conn)
    .await
}

/// Who stands at an investor, by name: ids and names, at most 200.
pub async fn of_investor(
    conn: &mut SqliteConnection,
    row: &str,
) -> Result<Vec<(String, String)>, DbError> {
    sqlx::query_as(
        "select c.id, c.name from fundraising_investor_contacts l join fundraising_contacts c on c.id = l.contact_id
         where l.investor_id = ?1 order by c.name, c.id limit 200",
    )
    .bind(row)
    .fetch_all(conn)
    .await
}

/// How many people there are.
pub async fn count(conn: &mut SqliteConnection) -> Result<i64, DbError> {
    sqlx::query_scalar("select count(*) from fundraising_contacts")
        .fetch_one(conn)
        .await
}

/// One person who stands at an investor.
pub async fn contact(conn: &mut SqliteConnection, id: &str) -> Result<Option<Contact>, DbError> {
    sqlx::query_as(
        "select c.id, c.name, c.email, c.phone, c.role, c.investor_count,
                coalesce((select group_concat(f.name, ', ') from fundraising_investor_contacts l
                          join fundraising_investors f on f.id = l.investor_id where l.contact_id = c.id), '') as investors
         from fundraising_contacts c where c.id = ?1",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// Where a person stands, by the investor's name.
pub async fn places(conn: &mut SqliteConnection, id: &str) -> Result<Vec<Place>, DbError> {
    sqlx::query_as(
        "select l.investor_id as row_id, f.name as investor, f.archived, l.role, l.email, l.phone
         from fundraising_investor_contacts l join fundraising_investors f on f.id = l.investor_id
         where l.contact_id = ?1 order by f.name, f.id limit 500",
    )
    .bind(id)
    .fetch_all(conn)
    .await
}

/// A person and all that were merged into them.
pub async fn family(conn: &mut SqliteConnection, id: &str) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar(
        "with recursive family (id) as (
           select ?1 union
           select m.merged_id from contact_merges m join family f on f.id = m.kept_id where m.undone_at is null)
         select id from family",
    )
    .bind(id)
    .fetch_all(conn)
    .await
}

/// Whom a merged person is now; none if they were not merged.
pub async fn find_kept(conn: &mut SqliteConnection, id: &str) -> Result<Option<String>, DbError> {
    sqlx::query_scalar(
        "with recursive line (id, steps) as (
           select ?1, 0 union all
           select m.kept_id, l.steps + 1 from contact_merges m join line l on l.id = m.merged_id
           where m.undone_at is null and l.steps < 20)
         select id from line where steps > 0 order by steps desc limit 1",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// Pairs that are likely one person, the surest first, at most `limit`.
pub async fn duplicates(
    conn: &mut SqliteConnection,
    limit: usize,
) -> Result<Vec<Duplicate>, DbError> {
    let people: Vec<Person> = sqlx::query_as(
        "select c.id, c.name, c.email, c.phone,
                (select group_concat(l.investor_id, ' ') from fundraising_investor_contacts l where l.contact_id = c.id) as investors
         from fundraising_contacts c order by c.id",
    )
    .fetch_all(&mut *conn)
    .await?;
    let apart: Vec<(String, String)> =
        sqlx::query_as("select one_id, other_id from contacts_distinct")
            .fetch_all(conn)
            .await?;
    let apart = apart.into_iter().collect();
    // Comparing takes a while on a large grid: not on a thread that answers.
    tokio::task::spawn_blocking(move || likely(&people, &apart, limit))
        .await
        .map_err(|_| sqlx::Error::WorkerCrashed)
}
