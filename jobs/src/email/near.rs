//! Addresses that look like somebody's: proposed to a person, never attached by
//! themselves.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use super::{Parsed, Team, address, jobs};
use crate::{
    db::{DbError, WriteTx},
    grid::GridError,
};

/// An address that looks like somebody's.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct NearMatch {
    /// Its id.
    pub id: String,
    /// The address.
    pub address: String,
    /// The name with it.
    pub name: String,
    /// The investor.
    pub row_id: String,
    /// Its name.
    pub investor: String,
    /// Why it looks so.
    pub reason: String,
    /// `open`, `accepted` or `dismissed`.
    pub state: String,
    /// How many messages it would bring.
    pub emails: i64,
    /// Since when.
    pub created_at: i64,
}

/// Those nobody has decided yet, at most `limit`.
pub async fn list(conn: &mut SqliteConnection, limit: i64) -> Result<Vec<NearMatch>, DbError> {
    sqlx::query_as(
        "select n.id, n.address, n.name, n.row_id, coalesce(f.name, '') as investor, n.reason, n.state, n.created_at,
                (select count(distinct p.email_id) from email_people p where p.address = n.address) as emails
         from email_near_matches n join grid_rows r on r.id = n.row_id and r.deleted_at is null
         left join fundraising_investors f on f.id = n.row_id
         where n.state = 'open' order by n.created_at desc, n.id desc limit ?1",
    )
    .bind(limit.clamp(1, 500))
    .fetch_all(conn)
    .await
}

/// Looks at the people of a message that concerns nobody.
pub(super) async fn look(tx: &mut WriteTx, team: &Team, parsed: &Parsed) -> Result<(), DbError> {
    for person in parsed.people.iter().take(20) {
        let host = address::domain(&person.address);
        if person.role == "reply_to" || team.is_ours(&person.address) {
            continue;
        }
        let mut found: Vec<(String, String)> = Vec::new();
        if person.name.split_whitespace().count() >= 2 {
            found = sqlx::query_as(
                "select l.investor_id, 'has the name of your contact ' || c.name
                 from contacts c join fundraising_investor_contacts l on l.contact_id = c.id
                 where c.name_key = ?1 limit 3",
            )
            .bind(crate::funds::name_key(&person.name))
            .fetch_all(&mut **tx)
            .await?;
        }
        if found.is_empty() && !address::is_public(host) {
            found = sqlx::query_as(
                "select min(b.row_id), 'has the same domain as a contact, ' || host from (
                   select row_id, substr(key, instr(key, '@') + 1) as host from email_book
                   where rule = 'contact' and key like '%@' || ?1) b
                 where host = ?1 group by row_id limit 3",
            )
            .bind(host)
            .fetch_all(&mut **tx)
            .await?;
            if let Some(label) = address::owner_label(host).filter(|_| found.is_empty()) {
                found = sqlx::query_as(
                    "select row_id, 'looks like ' || key from email_book
                     where rule = 'domain' and key > ?1 || '.' and key < ?1 || '/' limit 3",
                )
                .bind(label)
                .fetch_all(&mut **tx)
                .await?;
            }
        }
        for (row, reason) in found {
            let (id, now) = (tx.new_id(), tx.now());
            sqlx::query(
                "insert into email_near_matches (id, address, name, row_id, reason, created_at)
                 values (?1, ?2, ?3, ?4, ?5, ?6) on conflict do nothing",
            )
            .bind(id)
            .bind(&person.address)
            .bind(&person.name)
            .bind(row)
            .bind(reason)
            .bind(now)
            .execute(&mut **tx)
            .await?;
        }
    }
    Ok(())
}

/// Says whether an address is an investor's, or takes that back (`open`). Mail
/// follows at once.
pub async fn decide(
    tx: &mut WriteTx,
    id: &str,
    state: &str,
    by: &str,
) -> Result<NearMatch, GridError> {
    let before: Option<NearMatch> = sqlx::query_as(
        "select n.id, n.address, n.name, n.row_id, coalesce(f.name, '') as investor, n.reason, n.state, n.created_at, 0 as emails
         from email_near_matches n left join fundraising_investors f on f.id = n.row_id where n.id = ?1",
    )
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?;
    let before = before.ok_or_else(|| GridError::Missing {
        what: "near match",
        id: id.to_owned(),
    })?;
    if !matches!(state, "accepted" | "dismissed" | "open") {
        return Err(GridError::invalid(
            "invalid_state",
            "state",
            "use accepted, dismissed or open",
        ));
    }
    if before.state != "open" && state != "open" {
        return Err(GridError::invalid(
            "decided",
            "state",
            format!("this was {} already: take that back first", before.state),
        ));
    }
    let now = tx.now();
    sqlx::query(
        "update email_near_matches set state = ?2, decided_at = iif(?2 = 'open', null, ?3), decided_by = iif(?2 = 'open', null, ?4) where id = ?1",
    )
    .bind(id)
    .bind(state)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    if state == "open" && before.state == "accepted" {
        sqlx::query(
            "delete from email_links where row_id = ?1 and rule = 'address'
               and email_id in (select email_id from email_people where address = ?2)",
        )
        .bind(&before.row_id)
        .bind(&before.address)
        .execute(&mut **tx)
        .await?;
        sqlx::query("delete from email_book where key = ?1 and row_id = ?2 and rule = 'address'")
            .bind(&before.address)
            .bind(&before.row_id)
            .execute(&mut **tx)
            .await?;
        super::links::hide_unlinked(tx, &before.address).await?;
        // The last contact may be another one now.
        sqlx::query("insert into grid_touches (row_id) values (?1)")
            .bind(&before.row_id)
            .execute(&mut **tx)
            .await?;
    }
    jobs::ask_to_match(tx).await?;
    Ok(NearMatch {
        state: state.to_owned(),
        ..before
    })
}
