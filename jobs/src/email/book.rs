//! Whom mail concerns. The book says whose an address or a domain is: contacts of
//! the grid first, then domains of investors, then addresses a person assigned.
//! What changed in the book since mail was last matched is all that is looked for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::{Team, address};
use crate::{
    db::{Db, DbError, WriteTx},
    grid::{self, ColumnType},
    proposals::DraftProposals,
    queue::enqueue,
};

/// A domain that more investors than this have says nothing of any of them.
const MOST_ROWS: usize = 5;

/// key, row → contact, rule.
type Book = BTreeMap<(String, String), (Option<String>, String)>;

/// Brings the book up to the grid and matches what that concerns. Returns the
/// emails that concern an investor now and did not before.
pub async fn catch_up(db: &Db) -> Result<Vec<String>, DbError> {
    let mut conn = db.read().acquire().await?;
    let team = Team::load(&mut conn).await?;
    let book = current(&mut conn, &team).await?;
    let is_same = stored(&mut conn).await? == book;
    drop(conn);
    if is_same {
        return Ok(Vec::new());
    }
    let mut tx = db.write().await?;
    // Another job may have written it meanwhile: compare again under the lock.
    let before = stored(&mut tx).await?;
    let added: Vec<Value> = book
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(*value))
        .map(|((key, row), (contact, rule))| json!([key, row, contact, rule]))
        .collect();
    let removed: Vec<Value> = before
        .keys()
        .filter(|key| !book.contains_key(*key))
        .map(|(key, row)| json!([key, row]))
        .collect();
    sqlx::query(
        "delete from email_book where (key, row_id) in (select value ->> 0, value ->> 1 from json_each(?1))",
    )
    .bind(Value::from(removed).to_string())
    .execute(&mut *tx)
    .await?;
    let mut matching = added.clone();
    matching.extend(below(&mut tx, &book, &added).await?);
    let added = Value::from(added).to_string();
    let matching = Value::from(matching).to_string();
    sqlx::query(
        "insert into email_book (key, row_id, contact_id, rule)
         select value ->> 0, value ->> 1, value ->> 2, value ->> 3 from json_each(?1) where true
         on conflict (key, row_id) do update set contact_id = excluded.contact_id, rule = excluded.rule",
    )
    .bind(&added)
    .execute(&mut *tx)
    .await?;
    let now = tx.now();
    for sql in [
        "insert into email_links (email_id, row_id, contact_id, rule, sent_at, created_at, created_by)
         select e.id, b.value ->> 1, b.value ->> 2, b.value ->> 3, e.sent_at, ?2, 'system'
         from json_each(?1) b join email_people p on p.address = b.value ->> 0 join emails e on e.id = p.email_id
         where b.value ->> 3 <> 'domain' and p.role <> 'reply_to'
         on conflict (email_id, row_id) do update set contact_id = excluded.contact_id, rule = excluded.rule
         where email_links.rule = 'domain' and excluded.rule = 'contact' and email_links.deleted_at is null",
        "insert into email_links (email_id, row_id, contact_id, rule, sent_at, created_at, created_by)
         select e.id, b.value ->> 1, null, 'domain', e.sent_at, ?2, 'system'
         from json_each(?1) b join email_people p on p.domain = b.value ->> 0 join emails e on e.id = p.email_id
         where b.value ->> 3 = 'domain' and p.role <> 'reply_to'
           and not exists (select 1 from email_book c where c.key = p.address)
         on conflict do nothing",
    ] {
        sqlx::query(sql).bind(&matching).bind(now).execute(&mut *tx).await?;
    }
    let matched: Vec<String> = sqlx::query_scalar(
        "update emails set is_matched = 1, needs_text = privacy <> 'metadata'
         where is_matched = 0 and parse_error is null
           and id in (select p.email_id from json_each(?1) b join email_people p on p.address = b.value ->> 0 or p.domain = b.value ->> 0)
           and exists (select 1 from email_links l join grid_rows r on r.id = l.row_id and r.deleted_at is null
                       where l.email_id = emails.id and l.deleted_at is null)
         returning id",
    )
    .bind(&matching)
    .fetch_all(&mut *tx)
    .await?;
    newly_matched(&mut tx, &matched).await?;
    tx.commit().await?;
    Ok(matched)
}

/// Domains of known mail that lie below a domain that was added and below no closer
/// one of the book: as entries of their own, for matching only.
async fn below(tx: &mut WriteTx, book: &Book, added: &[Value]) -> Result<Vec<Value>, DbError> {
    let of_domains: BTreeMap<&str, Vec<&Value>> = added
        .iter()
        .filter(|entry| entry[3] == "domain")
        .fold(BTreeMap::new(), |mut found, entry| {
            let key = entry[0].as_str().unwrap_or_default();
            found.entry(key).or_insert_with(Vec::new).push(&entry[1]);
            found
        });
    if of_domains.is_empty() {
        return Ok(Vec::new());
    }
    let keys: BTreeSet<&str> = book
        .iter()
        .filter(|(_, (_, rule))| rule == "domain")
        .map(|((key, _), _)| key.as_str())
        .collect();
    let seen: Vec<String> = sqlx::query_scalar("select distinct domain from email_people")
        .fetch_all(&mut **tx)
        .await?;
    let mut found = Vec::new();
    for domain in seen.iter().filter(|d| !keys.contains(d.as_str())) {
        let closest = address::parents(domain)
            .into_iter()
            .find(|p| keys.contains(p));
        for row in closest
            .and_then(|key| of_domains.get(key))
            .into_iter()
            .flatten()
        {
            found.push(json!([domain, row, null, "domain"]));
        }
    }
    Ok(found)
}

/// By which domain of the book each address is matched: its own, else the closest
/// above it.
async fn by_domain(tx: &mut WriteTx, people: &[String]) -> Result<Vec<Value>, DbError> {
    let mut pairs = Vec::new();
    for person in people {
        let host = address::domain(person);
        let mut keys = vec![host];
        keys.extend(address::parents(host));
        let known: Vec<String> = sqlx::query_scalar(
            "select distinct key from email_book where rule = 'domain' and key in (select value from json_each(?1))",
        )
        .bind(Value::from(keys.clone()).to_string())
        .fetch_all(&mut **tx)
        .await?;
        let closest = keys.into_iter().find(|key| known.iter().any(|k| k == key));
        pairs.push(json!([person, closest]));
    }
    Ok(pairs)
}

/// Matches a message that has just been kept, within its transaction.
pub(super) async fn match_new(tx: &mut WriteTx, team: &Team, id: &str) -> Result<bool, DbError> {
    let people: Vec<String> = sqlx::query_scalar(
        "select distinct address from email_people where email_id = ?1 and role <> 'reply_to'",
    )
    .bind(id)
    .fetch_all(&mut **tx)
    .await?;
    let people: Vec<String> = people.into_iter().filter(|a| !team.is_ours(a)).collect();
    let people = by_domain(tx, &people).await?;
    let now = tx.now();
    // By address first: whoever is known by it is not also their domain's.
    let done = sqlx::query(
        "insert into email_links (email_id, row_id, contact_id, rule, sent_at, created_at, created_by)
         select e.id, b.row_id, b.contact_id, b.rule, e.sent_at, ?3, 'system'
         from json_each(?2) a
         join email_book b on b.key = a.value ->> 0
           or (b.rule = 'domain' and b.key = a.value ->> 1
               and not exists (select 1 from email_book c where c.key = a.value ->> 0))
         join grid_rows r on r.id = b.row_id and r.deleted_at is null
         join emails e on e.id = ?1
         where true
         on conflict (email_id, row_id) do update set contact_id = excluded.contact_id, rule = excluded.rule
         where email_links.rule = 'domain' and excluded.rule = 'contact' and email_links.deleted_at is null",
    )
    .bind(id)
    .bind(Value::from(people).to_string())
    .bind(now)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("update emails set is_matched = 1 where id = ?1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    newly_matched(tx, &[id.to_owned()]).await?;
    Ok(true)
}

/// Called with newly matched mail in the transaction that matched it: it is weighed
/// for proposals, though not before its text is there (`emails.needs_text`).
pub(super) async fn newly_matched(tx: &mut WriteTx, emails: &[String]) -> Result<(), DbError> {
    if !emails.is_empty() {
        enqueue(tx, &DraftProposals {}).await?;
    }
    Ok(())
}

async fn stored(conn: &mut SqliteConnection) -> Result<Book, DbError> {
    let rows: Vec<(String, String, Option<String>, String)> =
        sqlx::query_as("select key, row_id, contact_id, rule from email_book")
            .fetch_all(conn)
            .await?;
    Ok(rows
        .into_iter()
        .map(|(key, row, contact, rule)| ((key, row), (contact, rule)))
        .collect())
}

/// What the grid says now.
async fn current(conn: &mut SqliteConnection, team: &Team) -> Result<Book, DbError> {
    let mut book = Book::new();
    let assigned: Vec<(String, String)> = sqlx::query_as(
        "select n.address, n.row_id from email_near_matches n join grid_rows r on r.id = n.row_id and r.deleted_at is null
         where n.state = 'accepted'",
    )
    .fetch_all(&mut *conn)
    .await?;
    for (address, row) in assigned {
        book.insert((address, row), (None, "address".to_owned()));
    }
    for (domain, rows) in domains(conn, team).await? {
        if rows.len() <= MOST_ROWS {
            for row in rows {
                book.insert((domain.clone(), row), (None, "domain".to_owned()));
            }
        }
    }
    let contacts: Vec<(String, String, String)> = sqlx::query_as(
        "select l.email, l.investor_id, l.contact_id from fundraising_investor_contacts l
         join grid_rows r on r.id = l.investor_id and r.deleted_at is null where l.email is not null
         union
         select a.email, l.investor_id, l.contact_id from contact_addresses a
         join fundraising_investor_contacts l on l.contact_id = a.contact_id
         join grid_rows r on r.id = l.investor_id and r.deleted_at is null",
    )
    .fetch_all(conn)
    .await?;
    for (email, row, contact) in contacts {
        if let Some(address) = address::normal(&email).filter(|a| !team.is_ours(a)) {
            book.insert((address, row), (Some(contact), "contact".to_owned()));
        }
    }
    Ok(book)
}

/// Domains that investors' websites and addresses name.
async fn domains(
    conn: &mut SqliteConnection,
    team: &Team,
) -> Result<BTreeMap<String, BTreeSet<String>>, DbError> {
    let columns: Vec<String> = grid::columns(conn)
        .await?
        .into_iter()
        .filter(|c| match c.kind {
            ColumnType::Url | ColumnType::Email => true,
            ColumnType::Text => {
                let name = c.name.to_lowercase();
                ["website", "domain", "homepage", "web"]
                    .iter()
                    .any(|w| name.contains(w))
            }
            _ => false,
        })
        .map(|c| c.id)
        .collect();
    let cells: Vec<(String, String)> = sqlx::query_as(
        "select r.id, r.cells ->> c.value from grid_rows r, json_each(?1) c
         where r.deleted_at is null and r.cells ->> c.value is not null",
    )
    .bind(Value::from(columns).to_string())
    .fetch_all(conn)
    .await?;
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (row, text) in cells {
        if let Some(domain) = address::host(&text).filter(|d| !team.owns(d)) {
            found.entry(domain).or_default().insert(row);
        }
    }
    Ok(found)
}
