//! What the page of an investor shows below its fields, for many at once.

use std::collections::HashMap;

use serde_json::{Value as Json, json};
use sqlx::{FromRow, SqliteConnection};

use super::{
    ArchiveError,
    make::{KeptFile, Packing},
};
use crate::{
    db::DbError,
    grid::{ColumnType, ContactPill, table::Table},
};

/// A line of a list: whose, and its texts.
#[derive(FromRow)]
struct Line {
    row_id: String,
    line: String,
}

/// One object for each slot, in their order. Keys are short: there are many.
pub(super) async fn of(
    packing: &Packing,
    slots: &[u32],
    files: &HashMap<&str, &KeptFile>,
) -> Result<Vec<Json>, ArchiveError> {
    let table = &packing.table;
    let ids: Vec<String> = slots
        .iter()
        .map(|slot| {
            table
                .head(*slot)
                .map(|h| h.id.to_string())
                .unwrap_or_default()
        })
        .collect();
    let wanted = serde_json::to_string(&ids).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    let mut conn = packing.copy.read().acquire().await?;
    let mut lists: Vec<(&str, HashMap<String, Vec<Json>>)> = Vec::new();
    for (key, sql) in LISTS {
        lists.push((key, lines(&mut conn, sql, &wanted).await?));
    }
    let mut attached: HashMap<&str, Vec<Json>> = HashMap::new();
    for file in files.values() {
        attached
            .entry(&file.row_id)
            .or_default()
            .push(json!([file.name, file.state]));
    }
    Ok(slots
        .iter()
        .zip(&ids)
        .map(|(slot, id)| {
            let mut all = serde_json::Map::new();
            let mut put = |key: &str, items: Vec<Json>| {
                if !items.is_empty() {
                    all.insert(key.to_owned(), items.into());
                }
            };
            put("people", people(table, *slot));
            for (key, lines) in &mut lists {
                put(key, lines.remove(id).unwrap_or_default());
            }
            let mut files = attached.remove(id.as_str()).unwrap_or_default();
            files.sort_by_key(|file| file[0].as_str().unwrap_or_default().to_lowercase());
            put("files", files);
            all.into()
        })
        .collect())
}

/// Key in the object, and what fills it: JSON arrays of texts.
const LISTS: [(&str, &str); 4] = [
    (
        "money",
        "select e.row_id, json_array(e.happened_on, coalesce(f.name, e.fund_id), e.stage, e.before, e.after, e.currency, e.note,
           coalesce((select u.name from users u where u.id = substr(e.by, 6)), e.by)) as line
         from commitment_events e left join funds f on f.id = e.fund_id
         where e.row_id in (select value from json_each(?1)) order by e.row_id, e.happened_on desc, e.id desc",
    ),
    (
        "tasks",
        "select t.row_id, json_array(t.title, t.due_on, t.status, a.name, t.note) as line
         from tasks t left join users a on a.id = t.assignee
         where t.row_id in (select value from json_each(?1)) and t.deleted_at is null
         order by t.row_id, t.status = 'done', t.due_on is null, t.due_on, t.created_at, t.id",
    ),
    (
        "notes",
        "select n.row_id, json_array(strftime('%Y-%m-%d', n.created_at / 1000, 'unixepoch'),
           coalesce((select u.name from users u where u.id = substr(n.created_by, 6)), n.created_by), n.body, n.pinned) as line
         from notes n where n.row_id in (select value from json_each(?1)) and n.deleted_at is null
         order by n.row_id, n.pinned desc, n.created_at desc, n.id desc",
    ),
    (
        "talks",
        "select t.row_id, json_array(strftime('%Y-%m-%d', t.at / 1000, 'unixepoch'), t.kind, c.name, t.note,
           coalesce((select u.name from users u where u.id = substr(t.created_by, 6)), t.created_by)) as line
         from interactions t left join contacts c on c.id = t.contact_id
         where t.row_id in (select value from json_each(?1)) and t.deleted_at is null
         order by t.row_id, t.at desc, t.id desc",
    ),
];

async fn lines(
    conn: &mut SqliteConnection,
    sql: &'static str,
    ids: &str,
) -> Result<HashMap<String, Vec<Json>>, DbError> {
    let found: Vec<Line> = sqlx::query_as(sql).bind(ids).fetch_all(conn).await?;
    let mut lines: HashMap<String, Vec<Json>> = HashMap::new();
    for Line { row_id, line } in found {
        let line = serde_json::from_str(&line).map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
        lines.entry(row_id).or_default().push(line);
    }
    Ok(lines)
}

/// Column, name, address, phone and role of everybody in the row's cells.
fn people(table: &Table, slot: u32) -> Vec<Json> {
    let mut people = Vec::new();
    for column in table.columns() {
        if column.kind != ColumnType::Contacts || column.code(slot) == 0 {
            continue;
        }
        let pills: Vec<ContactPill> =
            serde_json::from_value(column.json(column.code(slot))).unwrap_or_default();
        for pill in pills {
            people.push(json!([
                column.column.name,
                pill.name,
                pill.email,
                pill.phone,
                pill.role
            ]));
        }
    }
    people
}
