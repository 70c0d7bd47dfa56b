//! The table as it was at some time, put back: what changed since is folded to
//! what each part was then, and written as one change set.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::StreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, SqliteConnection};

use super::{
    Applied, Change, ChangeBy, Column, ColumnType, GridError, LISTS, Operation, Row, apply,
    display, read,
    revert::{definition, json, text, undo_column},
    table::{AsOf, version_at},
};
use crate::{
    db::{DbError, WriteTx},
    queue::{Payload, Unique},
};

/// Changes that are folded at most: beyond that a backup is the better way.
const MOST: usize = 2_000_000;
/// Rows and cells a preview names.
const SHOWN: usize = 20;

/// Puts the table back to how it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PutBackTable {
    /// To after this change set.
    pub version: i64,
    /// Takes back what happened up to this one; later changes stay.
    pub until: i64,
    /// Who asked.
    pub actor: String,
}

impl Payload for PutBackTable {
    const KIND: &'static str = "put_back_table";

    fn unique(&self) -> Option<Unique> {
        Some(Unique::while_unfinished("table"))
    }
}

/// What putting the table back would do.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct PutBackPreview {
    /// The version it goes back to.
    pub version: i64,
    /// When that was made, UTC milliseconds.
    pub at: i64,
    /// The version this was compared with: send it along.
    pub until: i64,
    /// Change sets that are taken back.
    pub change_sets: i64,
    /// Cells that get another value.
    pub cells: usize,
    /// Investors that come back from the trash.
    pub rows_back: usize,
    /// Investors that were added since and go to the trash.
    pub rows_away: usize,
    /// Investors that change list, or are archived or not.
    pub rows_moved: usize,
    /// Columns that are added, removed or changed.
    pub columns: Vec<String>,
    /// Names of the first rows that come back.
    pub back: Vec<String>,
    /// Names of the first rows that go.
    pub away: Vec<String>,
    /// The first cells.
    pub examples: Vec<PutBackCell>,
    /// Investors that were purged since: they stay gone.
    pub purged: usize,
}

impl PutBackPreview {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.cells + self.rows_back + self.rows_away + self.rows_moved + self.columns.len() == 0
    }
}

/// A cell as it is and as it was.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PutBackCell {
    /// The row's first cell.
    pub row: String,
    /// The column's name.
    pub column: String,
    /// As it reads now.
    pub now: String,
    /// As it read then.
    pub then: String,
}

/// What would change. `Missing` for a version there never was.
pub async fn put_back_preview(
    conn: &mut SqliteConnection,
    when: AsOf,
) -> Result<PutBackPreview, GridError> {
    let (version, at, _) = version_at(conn, when).await?;
    let until = read::state(conn).await?.version;
    let mut preview = Plan::make(conn, version, until).await?.preview;
    preview.at = at;
    Ok(preview)
}

/// Puts the table back to `version`, in one change set. What was changed after
/// `until` stays: its cells come back as conflicts. Only the table goes back, not
/// contacts, tasks, notes, files, nor the terms of funds.
pub async fn put_back(
    tx: &mut WriteTx,
    version: i64,
    until: i64,
    by: &ChangeBy<'_>,
) -> Result<Applied, GridError> {
    let plan = Plan::make(tx, version, until).await?;
    apply(tx, &plan.operations, by).await
}

#[derive(FromRow)]
struct Past {
    what: String,
    row_id: Option<String>,
    column_id: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

/// A column's definition before its first change since, before its last, and after.
struct Span {
    before: Option<String>,
    last: Option<String>,
    after: Option<String>,
}

/// What a row was, as far as it changed since.
#[derive(Default)]
struct RowThen {
    cells: BTreeMap<String, Option<String>>,
    live: Option<bool>,
    /// The reason, or null if it was not archived.
    archived: Option<Value>,
    list: Option<Value>,
    purged: bool,
}

#[derive(Default)]
struct Then {
    rows: BTreeMap<String, RowThen>,
    columns: BTreeMap<String, Span>,
}

impl Then {
    /// Changes come oldest first: the first `before` of each part counts.
    async fn read(
        conn: &mut SqliteConnection,
        version: i64,
        until: i64,
    ) -> Result<Self, GridError> {
        let mut then = Self::default();
        let mut seen = 0;
        let mut changes = sqlx::query_as::<_, Past>(
            "select what, row_id, column_id, before, after from grid_changes
             where change_set_id > ?1 and change_set_id <= ?2 order by change_set_id, id",
        )
        .bind(version)
        .bind(until)
        .fetch(conn);
        while let Some(change) = changes.next().await {
            seen += 1;
            if seen > MOST {
                return Err(GridError::invalid(
                    "too_many_changes",
                    "as_of",
                    "more than two million changes happened since: restore a backup instead",
                ));
            }
            then.take(change?)?;
        }
        Ok(then)
    }

    fn take(&mut self, change: Past) -> Result<(), DbError> {
        let Some(row) = change.row_id else {
            let id = change.column_id.unwrap_or_default();
            let span = self.columns.entry(id).or_insert_with(|| Span {
                before: change.before.clone(),
                last: None,
                after: None,
            });
            span.last = change.before;
            span.after = change.after;
            return Ok(());
        };
        let row = self.rows.entry(row).or_default();
        match (change.what.as_str(), change.column_id) {
            ("cell", Some(column)) => {
                row.cells.entry(column).or_insert(change.before);
            }
            ("row_added", _) => row.live = row.live.or(Some(false)),
            ("deleted", _) => {
                let was_live = json(change.before.as_deref())?.is_null();
                row.live = row.live.or(Some(was_live));
            }
            ("archived", _) if row.archived.is_none() => {
                row.archived = Some(json(change.before.as_deref())?);
            }
            ("list", _) if row.list.is_none() => {
                row.list = Some(json(change.before.as_deref())?);
            }
            ("purged", _) => row.purged = true,
            _ => {}
        }
        Ok(())
    }
}

struct Plan {
    operations: Vec<Operation>,
    preview: PutBackPreview,
}

/// The table's columns as they will be, for names and types.
struct Work {
    columns: BTreeMap<String, Column>,
    title: Option<Column>,
    /// Columns that go: their cells need no care.
    going: BTreeSet<String>,
    until: i64,
    plan: Plan,
}

impl Plan {
    async fn make(
        conn: &mut SqliteConnection,
        version: i64,
        until: i64,
    ) -> Result<Self, GridError> {
        let then = Then::read(conn, version, until).await?;
        let mut work = Work {
            columns: read::all_columns(conn).await?,
            title: read::columns(conn).await?.into_iter().next(),
            going: BTreeSet::new(),
            until,
            plan: Self {
                operations: Vec::new(),
                preview: PutBackPreview {
                    version,
                    until,
                    change_sets: sets_between(conn, version, until).await?,
                    ..PutBackPreview::default()
                },
            },
        };
        if changed_columns_after(conn, until).await? {
            return Err(GridError::invalid(
                "changed_since",
                "until",
                "columns were changed meanwhile: look at what would change again",
            ));
        }
        let mut last = Vec::new();
        for (id, span) in then.columns {
            work.column(&id, span, &mut last)?;
        }
        let rows: Vec<(String, RowThen)> = then.rows.into_iter().collect();
        for chunk in rows.chunks(2_000) {
            let now = rows_now(conn, chunk).await?;
            for (id, then) in chunk {
                work.row(now.get(id), then)?;
            }
        }
        let mut plan = work.plan;
        plan.operations.append(&mut last);
        Ok(plan)
    }
}

impl Work {
    /// Columns go first, so that cells fit the types they had; those that were
    /// added since go last.
    fn column(&mut self, id: &str, span: Span, last: &mut Vec<Operation>) -> Result<(), GridError> {
        let is_there = span.after.is_some();
        let name = self
            .columns
            .get(id)
            .map_or_else(|| id.to_owned(), |c| c.name.clone());
        let Some(before) = span.before else {
            if is_there {
                last.push(Operation::DeleteColumn {
                    column: id.to_owned(),
                });
                self.plan.preview.columns.push(name);
            }
            self.going.insert(id.to_owned());
            return Ok(());
        };
        let now = if is_there { span.after } else { span.last };
        if is_there && now.as_ref() == Some(&before) {
            return Ok(());
        }
        if !is_there {
            self.plan.operations.push(Operation::RestoreColumn {
                column: id.to_owned(),
            });
        }
        if now.as_ref() != Some(&before) {
            let change = Change::of_column(id, Some(before.clone()), now);
            undo_column(&change, &mut self.plan.operations)?;
        }
        if let Some(column) = definition(id, Some(before.as_str()))? {
            self.columns.insert(id.to_owned(), column);
        }
        self.plan.preview.columns.push(name);
        Ok(())
    }

    fn row(&mut self, now: Option<&(Row, bool)>, then: &RowThen) -> Result<(), GridError> {
        let Some((row, is_deleted)) = now else {
            // Added and purged since, or purged.
            self.plan.preview.purged += usize::from(then.purged && then.live != Some(false));
            return Ok(());
        };
        let was_live = then.live.unwrap_or(!*is_deleted);
        let is_later = row.version > self.until;
        match (was_live, *is_deleted) {
            (false, true) => return Ok(()),
            (false, false) if is_later => return Ok(()),
            (false, false) => {
                self.plan.operations.push(Operation::Delete {
                    row: row.id.clone(),
                });
                self.plan.preview.rows_away += 1;
                let name = self.name(row);
                push(&mut self.plan.preview.away, name);
                return Ok(());
            }
            (true, true) => {
                self.plan.operations.push(Operation::Restore {
                    row: row.id.clone(),
                });
                self.plan.preview.rows_back += 1;
                let name = self.name(row);
                push(&mut self.plan.preview.back, name);
            }
            (true, false) => {}
        }
        for (column, before) in &then.cells {
            self.cell(row, column, before.as_deref())?;
        }
        if !is_later {
            self.marks(row, *is_deleted, then);
        }
        Ok(())
    }

    fn cell(&mut self, row: &Row, column: &str, before: Option<&str>) -> Result<(), GridError> {
        let before = json(before)?;
        let now = row.cells.get(column).unwrap_or(&Value::Null);
        let Some(known) = self.columns.get(column) else {
            return Ok(());
        };
        if self.going.contains(column) || known.kind == ColumnType::Formula || *now == before {
            return Ok(());
        }
        let preview = &self.plan.preview;
        if preview.examples.len() < SHOWN {
            let example = PutBackCell {
                row: self.name(row),
                column: known.name.clone(),
                now: display(known, now),
                then: display(known, &before),
            };
            self.plan.preview.examples.push(example);
        }
        self.plan.preview.cells += 1;
        self.plan.operations.push(Operation::Set {
            row: row.id.clone(),
            column: column.to_owned(),
            value: before,
            base: self.until,
        });
        Ok(())
    }

    /// List and archive mark. Whoever comes back from the trash keeps neither.
    fn marks(&mut self, row: &Row, was_deleted: bool, then: &RowThen) {
        let mut is_moved = false;
        let now = row.archive_reason.clone();
        let wanted = match &then.archived {
            Some(reason) => reason.as_str().map(str::to_owned),
            None => now.clone(),
        };
        let is_archived = now.is_some() && !was_deleted;
        match wanted {
            Some(reason) if !is_archived => {
                self.plan.operations.push(Operation::Archive {
                    row: row.id.clone(),
                    reason: Some(reason)
                        .filter(|r| !r.trim().is_empty())
                        .unwrap_or_else(|| "archived before".to_owned()),
                });
                is_moved = !was_deleted;
            }
            None if is_archived => {
                self.plan.operations.push(Operation::Restore {
                    row: row.id.clone(),
                });
                is_moved = true;
            }
            _ => {}
        }
        if let Some(list) = &then.list {
            let name = text(&list["list"]);
            if name != row.list && LISTS.contains(&name.as_str()) {
                self.plan.operations.push(Operation::Move {
                    row: row.id.clone(),
                    list: name,
                    reason: text(&list["reason"]),
                });
                is_moved = true;
            }
        }
        self.plan.preview.rows_moved += usize::from(is_moved);
    }

    fn name(&self, row: &Row) -> String {
        self.title
            .as_ref()
            .and_then(|c| Some(display(c, row.cells.get(&c.id)?)))
            .filter(|t| !t.is_empty())
            .unwrap_or_else(|| "Unnamed investor".to_owned())
    }
}

fn push(names: &mut Vec<String>, name: String) {
    if names.len() < SHOWN {
        names.push(name);
    }
}

async fn rows_now(
    conn: &mut SqliteConnection,
    rows: &[(String, RowThen)],
) -> Result<HashMap<String, (Row, bool)>, DbError> {
    let ids: Vec<String> = rows.iter().map(|(id, _)| id.clone()).collect();
    let live = read::rows_by_id(conn, &ids).await?;
    let deleted = read::deleted_rows_by_id(conn, &ids).await?;
    let live = live.into_iter().map(|row| (row, false));
    let all = live.chain(deleted.into_iter().map(|row| (row, true)));
    Ok(all
        .map(|(row, dead)| (row.id.clone(), (row, dead)))
        .collect())
}

async fn sets_between(
    conn: &mut SqliteConnection,
    version: i64,
    until: i64,
) -> Result<i64, DbError> {
    sqlx::query_scalar("select count(*) from change_sets where id > ?1 and id <= ?2")
        .bind(version)
        .bind(until)
        .fetch_one(conn)
        .await
}

async fn changed_columns_after(conn: &mut SqliteConnection, until: i64) -> Result<bool, DbError> {
    sqlx::query_scalar(
        "select exists (select 1 from grid_changes where change_set_id > ?1 and row_id is null)",
    )
    .bind(until)
    .fetch_one(conn)
    .await
}
