//! The grid as one document: streamed out, and taken back by diffing.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{Stream, StreamExt, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sqlx::SqliteConnection;
use tokio::sync::mpsc;

use super::{
    Applied, ChangeBy, Column, ColumnType, GridError, Operation, Row, apply, normalize,
    read::{self, all_rows},
    table::{SharedTable, is_derived},
};
use crate::db::{Db, DbError, WriteTx};

/// Bytes gathered before they are sent on.
const CHUNK: usize = 64 * 1024;
/// Differing cells named in a refusal.
const SHOWN_DIFFERENCES: usize = 200;

/// A whole grid, given back. What the server derives is ignored.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Document {
    /// The version this document was loaded at.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    pub expected_version: i64,
    /// All columns; absent leaves them as they are.
    #[serde(default)]
    pub columns: Option<Vec<Column>>,
    /// All rows: those that are missing are deleted (softly).
    pub rows: Vec<DocumentRow>,
}

/// One row of a [`Document`].
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct DocumentRow {
    /// Row id; unknown ids are added.
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{1,64}$"))]
    pub id: String,
    /// Column id → value.
    #[serde(default)]
    pub cells: Map<String, Value>,
    /// Its list; absent leaves it.
    #[serde(default)]
    #[schemars(regex(pattern = "^(main|follow_up|longshot|graveyard)$"))]
    pub list: Option<String>,
}

/// Where the grid stands when a document came too late.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Mismatch {
    /// The grid's version.
    pub version: i64,
    /// Its last change, UTC milliseconds.
    pub updated_at: i64,
    /// By whom.
    pub updated_by: String,
    /// Cells that differ, at most 200.
    pub cells: Vec<DifferingCell>,
    /// How many differ in all.
    pub differing: usize,
}

/// A cell that reads otherwise in the document.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DifferingCell {
    /// Row id.
    pub row: String,
    /// Column id.
    pub column: String,
    /// In the document.
    pub yours: Value,
    /// In the grid.
    pub theirs: Value,
}

/// The whole grid as JSON text in chunks, read in one snapshot and never held in
/// memory as a whole: `{version, updated_at, updated_by, columns, views, rows}`.
pub fn stream(
    db: &Db,
    table: &SharedTable,
) -> impl Stream<Item = Result<Vec<u8>, DbError>> + Send + 'static {
    let (sender, receiver) = mpsc::channel(4);
    let (db, table) = (db.clone(), table.clone());
    tokio::spawn(async move {
        if let Err(error) = send_document(&db, &table, &sender).await {
            let _ = sender.send(Err(error)).await;
        }
    });
    stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    })
    // A compressed body asks once more after the end; `unfold` panics then.
    .fuse()
}

async fn send_document(
    db: &Db,
    table: &SharedTable,
    out: &mpsc::Sender<Result<Vec<u8>, DbError>>,
) -> Result<(), DbError> {
    let table = table.read().await?;
    let mut tx = db.read().begin().await?;
    let state = read::state(&mut tx).await?;
    let head = json!({
        "version": state.version, "updated_at": state.updated_at, "updated_by": state.updated_by,
        "columns": table.facts(), "views": super::view::list(&mut tx, "").await?,
    });
    let mut buffer = head.to_string().into_bytes();
    buffer.pop();
    buffer.extend_from_slice(b",\"rows\":[");
    let mut rows = sqlx::query_as::<_, (String, String)>(
        "select id, json_object('id', id, 'version', version, 'position', position, 'list', list,
                  'list_since_at', list_since_at, 'list_by', list_by, 'list_reason', list_reason,
                  'created_at', created_at, 'created_by', created_by, 'updated_at', updated_at, 'updated_by', updated_by,
                  'archived_at', archived_at, 'archive_reason', archive_reason, 'cells', json(cells))
         from grid_rows where deleted_at is null order by position, id",
    )
    .fetch(&mut *tx);
    let mut first = true;
    while let Some(row) = rows.next().await {
        if !std::mem::take(&mut first) {
            buffer.push(b',');
        }
        let (id, row) = row?;
        // Derived and computed cells stand apart: a document given back never
        // writes them.
        let derived = table
            .slot(&id)
            .map(|slot| table.unwritten(slot))
            .unwrap_or_default();
        buffer.extend_from_slice(row.strip_suffix('}').unwrap_or(&row).as_bytes());
        buffer.extend_from_slice(b",\"derived\":");
        buffer.extend_from_slice(Value::Object(derived).to_string().as_bytes());
        buffer.push(b'}');
        if buffer.len() >= CHUNK && out.send(Ok(std::mem::take(&mut buffer))).await.is_err() {
            return Ok(()); // the reader has gone
        }
    }
    buffer.extend_from_slice(b"]}");
    let _ = out.send(Ok(buffer)).await;
    Ok(())
}

/// Makes the grid equal to the document, by the operations that differ. Refused
/// as stale unless the document was loaded at the current version.
pub async fn replace(
    tx: &mut WriteTx,
    document: &Document,
    by: &ChangeBy<'_>,
) -> Result<Applied, GridError> {
    let state = read::state(tx).await?;
    if state.version != document.expected_version {
        let cells = differing(tx, document).await?;
        return Err(GridError::Stale {
            expected: document.expected_version,
            now: Box::new(Mismatch {
                version: state.version,
                updated_at: state.updated_at,
                updated_by: state.updated_by,
                differing: cells.len(),
                cells: cells.into_iter().take(SHOWN_DIFFERENCES).collect(),
            }),
        });
    }
    let mut operations = column_operations(tx, document).await?;
    operations.extend(row_operations(tx, document).await?);
    apply(tx, &operations, by).await
}

async fn column_operations(
    conn: &mut SqliteConnection,
    document: &Document,
) -> Result<Vec<Operation>, GridError> {
    let Some(wanted) = &document.columns else {
        return Ok(Vec::new());
    };
    let current: BTreeMap<String, Column> = read::columns(conn)
        .await?
        .into_iter()
        .map(|c| (c.id.clone(), c))
        .collect();
    let mut operations = Vec::new();
    for column in wanted.iter().filter(|c| !is_derived(&c.id)) {
        match current.get(&column.id) {
            None => operations.push(Operation::AddColumn {
                id: Some(column.id.clone()),
                name: column.name.clone(),
                kind: column.kind,
                options: column.options.clone(),
            }),
            Some(now) if now.kind != column.kind => {
                return Err(GridError::invalid(
                    "type_change",
                    format!("columns.{}", column.id),
                    format!(
                        "{} is {} here: a document cannot change a column's type",
                        now.name,
                        now.kind.label()
                    ),
                ));
            }
            Some(_) => operations.push(Operation::UpdateColumn {
                column: column.id.clone(),
                name: Some(column.name.clone()),
                options: Some(column.options.clone()),
                hidden: Some(column.hidden),
            }),
        }
    }
    let kept: BTreeSet<&String> = wanted.iter().map(|c| &c.id).collect();
    operations.extend(
        current
            .into_keys()
            .filter(|id| !kept.contains(id))
            .map(|column| Operation::DeleteColumn { column }),
    );
    Ok(operations)
}

async fn row_operations(
    conn: &mut SqliteConnection,
    document: &Document,
) -> Result<Vec<Operation>, GridError> {
    let columns = wanted_columns(conn, document).await?;
    let mut current: BTreeMap<String, Row> = all_rows(conn)
        .await?
        .into_iter()
        .map(|r| (r.id.clone(), r))
        .collect();
    let mut operations = Vec::new();
    for wanted in &document.rows {
        let Some(row) = current.remove(&wanted.id) else {
            operations.push(Operation::AddRow {
                id: Some(wanted.id.clone()),
                cells: wanted
                    .cells
                    .iter()
                    .filter(|(id, _)| columns.contains(*id))
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect(),
                list: wanted.list.clone(),
                after: None,
            });
            continue;
        };
        for column in &columns {
            let (yours, theirs) = (wanted.cells.get(column), row.cells.get(column));
            if yours != theirs {
                operations.push(Operation::Set {
                    row: row.id.clone(),
                    column: column.clone(),
                    value: yours.cloned().unwrap_or(Value::Null),
                    base: row.version,
                });
            }
        }
        if let Some(list) = wanted.list.as_ref().filter(|l| **l != row.list) {
            operations.push(Operation::Move {
                row: row.id,
                list: list.clone(),
                reason: "set in a document".to_owned(),
            });
        }
    }
    operations.extend(current.into_keys().map(|row| Operation::Delete { row }));
    Ok(operations)
}

/// Columns whose cells the document speaks about.
async fn wanted_columns(
    conn: &mut SqliteConnection,
    document: &Document,
) -> Result<BTreeSet<String>, DbError> {
    let is_written = |c: &&Column| c.kind != ColumnType::Formula && !is_derived(&c.id);
    let ids = |columns: &[Column]| {
        columns
            .iter()
            .filter(is_written)
            .map(|c| c.id.clone())
            .collect()
    };
    Ok(match &document.columns {
        Some(columns) => ids(columns),
        None => ids(&read::columns(conn).await?),
    })
}

async fn differing(
    conn: &mut SqliteConnection,
    document: &Document,
) -> Result<Vec<DifferingCell>, DbError> {
    let columns = read::columns(conn).await?;
    let rows: BTreeMap<String, Row> = all_rows(conn)
        .await?
        .into_iter()
        .map(|r| (r.id.clone(), r))
        .collect();
    let mut cells = Vec::new();
    for wanted in &document.rows {
        let Some(row) = rows.get(&wanted.id) else {
            continue;
        };
        for column in &columns {
            let given = wanted.cells.get(&column.id).unwrap_or(&Value::Null);
            let yours = normalize(column, given).unwrap_or_else(|_| Some(given.clone()));
            let theirs = row.cells.get(&column.id);
            if yours.as_ref() != theirs {
                cells.push(DifferingCell {
                    row: row.id.clone(),
                    column: column.id.clone(),
                    yours: yours.unwrap_or(Value::Null),
                    theirs: theirs.cloned().unwrap_or(Value::Null),
                });
            }
        }
    }
    Ok(cells)
}
