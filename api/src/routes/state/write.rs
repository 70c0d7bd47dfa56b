//! Writing the grid on behalf of somebody: the verb, and the audit entry that
//! belongs to it.

use crm_jobs::{
    audit,
    db::WriteTx,
    grid::{self, Applied, ChangeBy, ColumnType, Operation, table::is_derived},
    idempotency::{self, Seen},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{error::AppError, session::SignedIn, state::App};

/// A request that must not be done twice.
pub struct Once<'a> {
    /// The sender's name for it.
    pub key: &'a str,
    /// What it is about.
    pub summary: &'a str,
}

/// Applies operations. Cells have their history in change sets; what happens to
/// whole rows and columns is audited too.
pub async fn apply(
    tx: &mut WriteTx,
    who: &SignedIn,
    operations: &[Operation],
    origin: &str,
    summary: &str,
) -> Result<Applied, AppError> {
    let actor = who.actor();
    let by = ChangeBy {
        actor: &actor.to_string(),
        origin,
        summary,
        job: None,
    };
    let applied = grid::apply(tx, operations, &by).await?;
    if applied.changes > 0
        && let Some((action, target, detail)) = audited(operations, &applied)
    {
        audit::record(tx, &actor, action, &target, detail, &who.ip()).await?;
    }
    Ok(applied)
}

/// Applies operations unless the same request was done before.
pub async fn apply_once(
    tx: &mut WriteTx,
    who: &SignedIn,
    operations: &[Operation],
    once: &Once<'_>,
) -> Result<Applied, AppError> {
    let actor = who.actor().to_string();
    let request = serde_json::to_vec(&(operations, once.summary)).map_err(AppError::internal)?;
    let hash = idempotency::request_hash(&request);
    match idempotency::look(tx, &actor, once.key, &hash).await? {
        Seen::Done(answer) => serde_json::from_str(&answer).map_err(AppError::internal),
        Seen::OtherRequest => Err(AppError::conflict(
            "idempotency_key_reused",
            "This key stands for another request: take a new one.",
        )
        .at("idempotency_key")),
        Seen::New => {
            let applied = apply(tx, who, operations, "edit", once.summary).await?;
            let answer = serde_json::to_string(&applied).map_err(AppError::internal)?;
            idempotency::keep(tx, &actor, once.key, &hash, &answer).await?;
            Ok(applied)
        }
    }
}

/// Action, target and detail of what is more than a change of cells.
fn audited(operations: &[Operation], applied: &Applied) -> Option<(&'static str, String, Value)> {
    let mut found = operations.iter().filter_map(|operation| {
        Some(match operation {
            Operation::Set { .. } => return None,
            Operation::AddRow { .. } => ("row.added", applied.rows.first()?.id.clone()),
            Operation::Move { row, .. } => ("row.moved", row.clone()),
            Operation::Archive { row, .. } => ("row.archived", row.clone()),
            Operation::Restore { row } => ("row.restored", row.clone()),
            Operation::Delete { row } => ("row.deleted", row.clone()),
            Operation::AddColumn { .. }
            | Operation::UpdateColumn { .. }
            | Operation::RetypeColumn { .. }
            | Operation::MoveColumn { .. }
            | Operation::PlaceColumn { .. }
            | Operation::DeleteColumn { .. }
            | Operation::RestoreColumn { .. } => ("grid.columns_changed", String::new()),
        })
    });
    let (action, row) = found.next()?;
    let more = found.count();
    let detail = json!({ "version": applied.version, "changes": applied.changes });
    Some(if more > 0 {
        ("grid.changed", String::new(), detail)
    } else if row.is_empty() {
        (action, String::new(), detail)
    } else {
        (action, format!("row:{row}"), detail)
    })
}

/// What a write did, with the cells that follow from it.
#[derive(Serialize, JsonSchema)]
pub struct Patched {
    /// What was written.
    #[serde(flatten)]
    applied: Applied,
    /// Derived and computed cells of the rows that changed.
    computed: Vec<Computed>,
}

/// Cells of one row that nobody writes.
#[derive(Serialize, JsonSchema)]
struct Computed {
    /// Row id.
    row: String,
    /// Where the state has it.
    slot: u32,
    /// Column id → value; null is blank.
    cells: Map<String, Value>,
}

/// Rows whose computed cells are told at once; those of more come as events.
const TOLD: usize = 2_000;

/// Takes a committed write into the table in memory, so that whoever wrote it,
/// and everybody who follows, sees what follows from it.
pub async fn patched(app: &App, applied: Applied) -> Result<Patched, AppError> {
    if applied.changes == 0 {
        return Ok(Patched {
            applied,
            computed: Vec::new(),
        });
    }
    let table = app.grid.read().await?;
    let unwritten: Vec<_> = table
        .columns()
        .iter()
        .filter(|c| is_derived(&c.column.id) || c.column.kind == ColumnType::Formula)
        .collect();
    let rows = applied.rows.iter().take(TOLD);
    let computed = rows
        .filter_map(|row| {
            let slot = table.slot(&row.id)?;
            let cells = unwritten
                .iter()
                .map(|c| (c.column.id.clone(), c.json(c.code(slot))));
            Some(Computed {
                row: row.id.clone(),
                slot,
                cells: cells.collect(),
            })
        })
        .collect();
    Ok(Patched { applied, computed })
}
