//! What can be found of rows, written with the projection: a rebuild gives the
//! same. Entries that stay as they are are not written again, because every
//! write costs the index a segment.

use serde_json::{Value, json};

use crate::{
    db::{DbError, WriteTx},
    grid::{self, Column, ColumnType, ContactPill, Row},
};

/// Characters of one long text that are searched.
const LONG_CHARS: usize = 300;
/// Characters of an investor's texts in all.
const MOST_CHARS: usize = 2_000;

/// The entries of these rows; `ids` names them all, the deleted ones too.
pub(crate) async fn write_investors(
    tx: &mut WriteTx,
    ids: &str,
    rows: &[Row],
    columns: &[Column],
) -> Result<(), DbError> {
    let entries: Value = rows
        .iter()
        .map(|row| {
            json!({
                "id": row.id,
                "title": row.title(columns),
                "body": body(row, columns),
                "archived": row.archived_at.is_some(),
            })
        })
        .collect();
    let live: Value = rows
        .iter()
        .map(|row| Value::from(row.id.as_str()))
        .collect();
    sqlx::query(
        "delete from search_entries
         where kind = 'investor' and thing_id in (select value from json_each(?1))
           and thing_id not in (select value from json_each(?2))",
    )
    .bind(ids)
    .bind(live.to_string())
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "insert into search_entries (kind, thing_id, row_id, title, body, archived)
         select 'investor', value ->> 'id', value ->> 'id', value ->> 'title', value ->> 'body', value ->> 'archived'
         from json_each(?1) where true
         on conflict (kind, thing_id) do update
         set row_id = excluded.row_id, title = excluded.title, body = excluded.body, archived = excluded.archived
         where title <> excluded.title or body <> excluded.body or archived <> excluded.archived",
    )
    .bind(entries.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What is worth finding of an investor, apart from its name.
fn body(row: &Row, columns: &[Column]) -> String {
    use ColumnType as T;
    let mut faces: Vec<String> = Vec::new();
    for column in columns.iter().skip(1) {
        let Some(value) = row.cells.get(&column.id) else {
            continue;
        };
        match column.kind {
            T::Text | T::Email | T::Phone | T::Url | T::Select | T::MultiSelect => {
                faces.push(grid::display(column, value));
            }
            T::LongText => faces.push(
                grid::display(column, value)
                    .chars()
                    .take(LONG_CHARS)
                    .collect(),
            ),
            T::Contacts => faces.extend(pills(value)),
            _ => {}
        }
    }
    faces.retain(|face| !face.trim().is_empty());
    faces.join(" · ").chars().take(MOST_CHARS).collect()
}

fn pills(value: &Value) -> Vec<String> {
    let pills: Vec<ContactPill> = serde_json::from_value(value.clone()).unwrap_or_default();
    pills
        .into_iter()
        .map(|p| {
            let parts = [Some(p.name), p.role, p.email, p.phone];
            parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// The entries of these people, as the projection has them.
pub(crate) async fn write_contacts(tx: &mut WriteTx, people: &str) -> Result<(), DbError> {
    sqlx::query(
        "delete from search_entries
         where kind = 'contact' and thing_id in (select value from json_each(?1))
           and thing_id not in (select id from fundraising_contacts)",
    )
    .bind(people)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "insert into search_entries (kind, thing_id, row_id, title, body, archived)
         select 'contact', c.id, (select min(l.investor_id) from fundraising_investor_contacts l where l.contact_id = c.id),
                c.name,
                coalesce((select group_concat(face, ' · ') from (
                   select role as face from fundraising_investor_contacts where contact_id = c.id and role is not null
                   union select email from fundraising_investor_contacts where contact_id = c.id and email is not null
                   union select phone from fundraising_investor_contacts where contact_id = c.id and phone is not null
                   order by face)), ''),
                not exists (select 1 from fundraising_investor_contacts l join fundraising_investors f on f.id = l.investor_id
                            where l.contact_id = c.id and not f.archived)
         from (select id, name from fundraising_contacts where id in (select value from json_each(?1))) c where true
         on conflict (kind, thing_id) do update
         set row_id = excluded.row_id, title = excluded.title, body = excluded.body, archived = excluded.archived
         where row_id is not excluded.row_id or title <> excluded.title or body <> excluded.body or archived <> excluded.archived",
    )
    .bind(people)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Notes, tasks and contacts noted of these rows: gone with them, archived with
/// them, back with them. What else happens to them is up to triggers.
pub(crate) async fn write_things(tx: &mut WriteTx, ids: &str) -> Result<(), DbError> {
    for sql in [
        "delete from search_entries
         where row_id in (select value from json_each(?1)) and kind in ('note', 'task', 'interaction', 'email')
           and row_id not in (select id from grid_rows where deleted_at is null and id in (select value from json_each(?1)))",
        "insert into search_entries (kind, thing_id, row_id, title, body, archived)
         select 'note', n.id, n.row_id, '', substr(n.body, 1, 4000), r.archived_at is not null
         from notes n join grid_rows r on r.id = n.row_id
         where n.row_id in (select value from json_each(?1)) and n.deleted_at is null and r.deleted_at is null
         on conflict (kind, thing_id) do update set archived = excluded.archived where archived <> excluded.archived",
        "insert into search_entries (kind, thing_id, row_id, title, body, archived)
         select 'task', t.id, t.row_id, t.title, substr(t.note, 1, 4000), r.archived_at is not null
         from tasks t join grid_rows r on r.id = t.row_id
         where t.row_id in (select value from json_each(?1)) and t.deleted_at is null and r.deleted_at is null
         on conflict (kind, thing_id) do update set archived = excluded.archived where archived <> excluded.archived",
        "insert into search_entries (kind, thing_id, row_id, title, body, archived)
         select 'email', e.id, l.row_id, e.subject, substr(e.said, 1, 4000), r.archived_at is not null
         from email_links l join emails e on e.id = l.email_id join grid_rows r on r.id = l.row_id
         where l.row_id in (select value from json_each(?1)) and l.deleted_at is null and e.is_matched = 1
           and e.deleted_at is null and e.subject || e.said <> '' and r.deleted_at is null
         on conflict (kind, thing_id) do update set archived = excluded.archived where archived <> excluded.archived",
        "insert into search_entries (kind, thing_id, row_id, title, body, archived)
         select 'interaction', i.id, i.row_id, '', i.note, r.archived_at is not null
         from interactions i join grid_rows r on r.id = i.row_id
         where i.row_id in (select value from json_each(?1)) and i.deleted_at is null and i.note <> '' and r.deleted_at is null
         on conflict (kind, thing_id) do update set archived = excluded.archived where archived <> excluded.archived",
    ] {
        sqlx::query(sql).bind(ids).execute(&mut **tx).await?;
    }
    Ok(())
}
