//! Links that a person makes or takes away; what they said stays said.

use super::{book, jobs};
use crate::{
    db::{DbError, WriteTx},
    grid::GridError,
};

fn missing(id: &str) -> GridError {
    GridError::Missing {
        what: "email",
        id: id.to_owned(),
    }
}

/// Says that an email concerns an investor.
pub async fn attach(tx: &mut WriteTx, email: &str, row: &str, by: &str) -> Result<(), GridError> {
    let live: Option<i64> =
        sqlx::query_scalar("select 1 from grid_rows where id = ?1 and deleted_at is null")
            .bind(row)
            .fetch_optional(&mut **tx)
            .await?;
    if live.is_none() {
        return Err(GridError::invalid(
            "no_such_investor",
            "row_id",
            "there is no such investor",
        ));
    }
    let now = tx.now();
    // Mail that never concerned anybody cannot be attached: nobody sees it.
    let done = sqlx::query(
        "insert into email_links (email_id, row_id, rule, sent_at, created_at, created_by)
         select id, ?2, 'person', sent_at, ?3, ?4 from emails
         where id = ?1 and deleted_at is null
           and (is_matched = 1 or exists (select 1 from email_links l where l.email_id = ?1))
         on conflict (email_id, row_id) do update set deleted_at = null, created_at = excluded.created_at, created_by = excluded.created_by,
           rule = iif(email_links.deleted_at is null, email_links.rule, 'person')",
    )
    .bind(email)
    .bind(row)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 {
        return Err(missing(email));
    }
    let shown = sqlx::query(
        "update emails set is_matched = 1, needs_text = privacy <> 'metadata' where id = ?1 and is_matched = 0",
    )
    .bind(email)
    .execute(&mut **tx)
    .await?;
    if shown.rows_affected() == 1 {
        jobs::ask_to_match(tx).await?;
    }
    book::newly_matched(tx, &[email.to_owned()]).await?;
    Ok(())
}

/// Says that an email does not concern an investor: no rule attaches it again.
/// Without any other investor it is hidden, and its text forgotten.
pub async fn detach(tx: &mut WriteTx, email: &str, row: &str, by: &str) -> Result<(), GridError> {
    let now = tx.now();
    let done = sqlx::query(
        "update email_links set deleted_at = ?3, created_by = ?4 where email_id = ?1 and row_id = ?2 and deleted_at is null",
    )
    .bind(email)
    .bind(row)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 {
        return Err(missing(email));
    }
    forget_text(tx, &[email.to_owned()]).await?;
    Ok(())
}

/// After links of an address went: what concerns nobody now is hidden.
pub(super) async fn hide_unlinked(tx: &mut WriteTx, address: &str) -> Result<(), DbError> {
    let emails: Vec<String> =
        sqlx::query_scalar("select distinct email_id from email_people where address = ?1")
            .bind(address)
            .fetch_all(&mut **tx)
            .await?;
    forget_text(tx, &emails).await
}

async fn forget_text(tx: &mut WriteTx, emails: &[String]) -> Result<(), DbError> {
    let emails = serde_json::Value::from(emails.to_vec()).to_string();
    for sql in [
        "delete from email_attachments where email_id in (
           select e.id from emails e where e.id in (select value from json_each(?1))
             and not exists (select 1 from email_links l where l.email_id = e.id and l.deleted_at is null))",
        "update emails set is_matched = 0, needs_text = 0, subject = '', body = '', said = ''
         where id in (select value from json_each(?1)) and is_matched = 1
           and not exists (select 1 from email_links l where l.email_id = emails.id and l.deleted_at is null)",
        "update email_threads set subject = ''
         where id in (select thread_id from emails where id in (select value from json_each(?1)))
           and not exists (select 1 from emails e where e.thread_id = email_threads.id and e.is_matched = 1)",
    ] {
        sqlx::query(sql).bind(&emails).execute(&mut **tx).await?;
    }
    Ok(())
}
