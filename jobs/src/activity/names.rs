//! The names of what the entries of a page are about; what is deleted has none.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::SqliteConnection;

use super::Entry;
use crate::db::DbError;

/// Kinds of targets and where their names are.
const NAMES: [(&str, &str); 9] = [
    (
        "row",
        "select r.id, coalesce(f.name, 'an investor') from grid_rows r left join fundraising_investors f on f.id = r.id
         where r.deleted_at is null and r.id in (select value from json_each(?1))",
    ),
    (
        "contact",
        "select id, name from fundraising_contacts where id in (select value from json_each(?1))",
    ),
    (
        "fund",
        "select id, name from funds where deleted_at is null and id in (select value from json_each(?1))",
    ),
    (
        "task",
        "select id, title from tasks where deleted_at is null and id in (select value from json_each(?1))",
    ),
    (
        "import",
        "select id, file_name from imports where deleted_at is null and id in (select value from json_each(?1))",
    ),
    (
        "view",
        "select id, name from grid_views where deleted_at is null and mode <> 'personal' and id in (select value from json_each(?1))",
    ),
    (
        "rule",
        "select id, name from automation_rules where deleted_at is null and id in (select value from json_each(?1))",
    ),
    (
        "mailbox",
        "select id, address from mailboxes where deleted_at is null and id in (select value from json_each(?1))",
    ),
    (
        "request",
        "select id, title from feature_requests where deleted_at is null and id in (select value from json_each(?1))",
    ),
];

pub(super) async fn fill(
    conn: &mut SqliteConnection,
    entries: &mut [Entry],
) -> Result<(), DbError> {
    for (kind, sql) in NAMES {
        let of_kind = |entry: &Entry| -> Option<String> {
            let (found, id) = entry.target.split_once(':')?;
            (found == kind && entry.name.is_none()).then(|| id.to_owned())
        };
        let ids: Value = entries.iter().filter_map(of_kind).collect();
        if ids.as_array().is_none_or(Vec::is_empty) {
            continue;
        }
        let found: Vec<(String, String)> = sqlx::query_as(sql)
            .bind(ids.to_string())
            .fetch_all(&mut *conn)
            .await?;
        let names: HashMap<String, String> = found.into_iter().collect();
        for entry in entries.iter_mut() {
            if let Some(id) = of_kind(entry) {
                entry.name = names.get(&id).cloned();
            }
        }
    }
    Ok(())
}
