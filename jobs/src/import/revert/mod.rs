//! Taking an import back. `grid::revert` refuses a whole set if a row of it was
//! changed since; an import has thousands, and the team works on meanwhile. So this
//! takes back what is still as the import left it, and tells what it keeps.

mod definitions;
mod leftovers;
mod since;

use std::collections::{HashMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::{
    definitions::{Definition, definitions},
    leftovers::{remove_contacts, remove_funds},
    since::{RowChange, Since, changes_after, whole_rows},
};
use super::{Import, ImportError, ImportState, store};
use crate::{
    db::{Db, DbError, WriteTx},
    grid::{
        self, Applied, Bulk, ChangeBy, Column, Operation, Prepared, REVERTED_AT_ONCE, Row,
        people::People,
    },
    queue::{EnqueueOptions, JobId, Payload, Prepared as PreparedJob, Unique, enqueue_with},
};

/// Things told of that are kept.
const SHOWN_KEPT: usize = 200;

/// Takes a large import back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RevertImport {
    /// Which import.
    pub import_id: String,
    /// Who asked.
    pub actor: String,
}

impl Payload for RevertImport {
    const KIND: &'static str = "revert_import";
    const PRIORITY: i64 = -10;

    fn group(&self) -> Option<String> {
        Some("import".to_owned())
    }

    fn unique(&self) -> Option<Unique> {
        Some(Unique::while_unfinished(self.import_id.clone()))
    }
}

/// What taking an import back did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reverted {
    /// Rows that went (into the trash).
    pub rows: usize,
    /// Cells that have their former value again.
    pub cells: usize,
    /// Columns that went.
    pub columns: Vec<String>,
    /// Funds that went: nothing refers to them any more.
    pub funds: Vec<String>,
    /// Contacts that went, for the same reason.
    pub contacts: usize,
    /// How much stays because somebody built on it since.
    pub kept_count: usize,
    /// What stays, shortened to 200.
    pub kept: Vec<Kept>,
}

/// Something that stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Kept {
    /// `row`, `cell`, `column` or `option`.
    pub what: String,
    /// What the row is called, or the column.
    pub name: String,
    /// The row's id, if it is about a row.
    pub row_id: Option<String>,
    /// The column's name, if it is about a cell or option.
    pub column: Option<String>,
    /// Why, in words.
    pub reason: String,
    /// Who changed it since.
    pub by: Option<String>,
    /// When, UTC milliseconds.
    pub at: Option<i64>,
}

/// How an import is taken back.
#[derive(Debug)]
pub enum Taken {
    /// At once.
    Back(Reverted),
    /// By a job: it is large.
    ByJob(JobId),
}

/// Takes an import back: at once, or by a job where it is large.
pub async fn revert(db: &Db, id: &str, actor: &str) -> Result<(Taken, WriteTx), ImportError> {
    let import = store::load(db, id)
        .await?
        .ok_or_else(|| ImportError::Missing(id.to_owned()))?;
    let set = change_set(&import)?;
    let mut conn = db.read().acquire().await?;
    let size = grid::size_of_set(&mut conn, set).await?;
    drop(conn);
    if usize::try_from(size).unwrap_or(usize::MAX) > REVERTED_AT_ONCE {
        let mut tx = db.write().await?;
        let job = PreparedJob::new(&RevertImport {
            import_id: id.to_owned(),
            actor: actor.to_owned(),
        })?;
        let job = enqueue_with(&mut tx, &job, &EnqueueOptions::by(actor))
            .await?
            .id;
        sqlx::query("update imports set revert_job_id = ?2 where id = ?1")
            .bind(id)
            .bind(job)
            .execute(&mut *tx)
            .await?;
        return Ok((Taken::ByJob(job), tx));
    }
    let ready = prepare(db, &import, actor).await?;
    let mut tx = db.write().await?;
    if !ready.still_holds(&mut tx).await? {
        // Nobody else writes now, so what is worked out holds.
        let ready = prepare(db, &import, actor).await?;
        let done = finish(&mut tx, ready, &import, actor, None).await?;
        return Ok((Taken::Back(done), tx));
    }
    let done = finish(&mut tx, ready, &import, actor, None).await?;
    Ok((Taken::Back(done), tx))
}

/// The change set of an import that can be taken back.
fn change_set(import: &Import) -> Result<i64, ImportError> {
    match (import.state, import.change_set_id) {
        (ImportState::Applied | ImportState::Reverting, Some(set)) => Ok(set),
        (now, _) => Err(ImportError::State {
            now,
            needs: "only an applied import that changed something can be taken back",
        }),
    }
}

/// All that taking it back writes, worked out without the lock.
pub(crate) struct Ready {
    prepared: Prepared,
    done: Reverted,
}

impl Ready {
    pub(crate) async fn still_holds(&self, tx: &mut WriteTx) -> Result<bool, DbError> {
        self.prepared.still_holds(tx).await
    }
}

fn by(actor: &str, job: Option<JobId>) -> ChangeBy<'_> {
    ChangeBy {
        actor,
        origin: "undo",
        summary: "An import was taken back",
        job,
    }
}

pub(crate) async fn prepare(db: &Db, import: &Import, actor: &str) -> Result<Ready, ImportError> {
    let set = change_set(import)?;
    let by = by(actor, None);
    let mut bulk = Bulk::begin(db).await?;
    let conn = bulk.connection();
    let live: Vec<Column> = grid::columns(conn).await?;
    let defined = definitions(conn, set).await?;
    let mut since = Since::read(conn, set).await?;
    let about_columns: Vec<Operation> = defined.iter().map(Definition::deletion).collect();
    let people = People::everybody(bulk.connection()).await?;
    bulk.expect(&about_columns, &[], people).await?;
    let mut done = Reverted::default();
    let mut after = 0;
    loop {
        let mut changes = changes_after(bulk.connection(), set, after).await?;
        whole_rows(&mut changes);
        let Some(last) = changes.last() else { break };
        after = last.id;
        let ids: HashSet<&String> = changes.iter().filter_map(|c| c.row_id.as_ref()).collect();
        let touched: Vec<String> = ids
            .into_iter()
            .filter(|id| since.rows.contains_key(*id))
            .cloned()
            .collect();
        let rows = grid::rows_by_id(bulk.connection(), &touched).await?;
        let now: HashMap<&str, &grid::Row> = rows.iter().map(|r| (r.id.as_str(), r)).collect();
        let mut operations = Vec::with_capacity(changes.len());
        for change in &changes {
            let id = change.row_id.as_deref().unwrap_or_default();
            let now = now.get(id).copied();
            operations.extend(undo(change, now, &live, &mut since, &mut done)?);
        }
        bulk.take(&operations, &by).await?;
    }
    let used = since.values(bulk.connection()).await?;
    for definition in &defined {
        definition
            .take_back(&mut bulk, &live, &used, &mut done, &by)
            .await?;
    }
    Ok(Ready {
        prepared: bulk.prepared().await?,
        done,
    })
}

/// What takes one change back, if it can be. `row` is the row as it is now, if
/// anybody touched it since.
fn undo(
    change: &RowChange,
    row: Option<&Row>,
    live: &[Column],
    since: &mut Since,
    done: &mut Reverted,
) -> Result<Option<Operation>, DbError> {
    let id = change.row_id.as_deref().unwrap_or_default();
    let edit = since.rows.get(id);
    if edit.is_some() && row.is_none() {
        return Ok(None); // deleted since: there is nothing left to take back
    }
    let kept = |what: &str, column: Option<&Column>| Kept {
        what: what.to_owned(),
        name: row.map_or_else(String::new, |r| r.title(live)),
        row_id: Some(id.to_owned()),
        column: column.map(|c| c.name.clone()),
        reason: "was changed since".to_owned(),
        by: edit.map(|e| e.actor.clone()),
        at: edit.map(|e| e.at),
    };
    if change.what == "row_added" {
        if edit.is_some_and(|edit| edit.stands) {
            keep(done, kept("row", None));
            return Ok(None);
        }
        since.gone.insert(id.to_owned());
        done.rows += 1;
        return Ok(Some(Operation::Delete { row: id.to_owned() }));
    }
    let column = change.column_id.as_deref().unwrap_or_default();
    let Some(column) = live.iter().find(|c| c.id == column) else {
        return Ok(None); // the column was deleted since, with all in it
    };
    let (before, left) = (
        json(change.before.as_deref())?,
        json(change.after.as_deref())?,
    );
    let current = row.map(|r| r.cells.get(&column.id).unwrap_or(&Value::Null));
    if current.is_some_and(|now| *now != left) {
        keep(done, kept("cell", Some(column)));
        return Ok(None);
    }
    if current.is_some() {
        since.restored(id, &column.id, before.clone());
    }
    done.cells += 1;
    Ok(Some(Operation::Set {
        row: id.to_owned(),
        column: column.id.clone(),
        value: before,
        base: i64::MAX,
    }))
}

fn keep(done: &mut Reverted, kept: Kept) {
    done.kept_count += 1;
    if done.kept.len() < SHOWN_KEPT {
        done.kept.push(kept);
    }
}

/// Stores it, removes what nothing refers to any more, and joins the two sets.
pub(crate) async fn finish(
    tx: &mut WriteTx,
    ready: Ready,
    import: &Import,
    actor: &str,
    job: Option<JobId>,
) -> Result<Reverted, ImportError> {
    let Ready { prepared, mut done } = ready;
    let set = change_set(import)?;
    let applied: Applied = prepared.write(tx, &by(actor, job)).await?;
    if applied.changes > 0 {
        grid::took_back(tx, set, &applied).await?;
        done.funds = remove_funds(tx, &import.id).await?;
        done.contacts = remove_contacts(tx, &import.id).await?;
    }
    sqlx::query("update imports set revert_outcome = ?2 where id = ?1")
        .bind(&import.id)
        .bind(store::to_json(&done)?)
        .execute(&mut **tx)
        .await?;
    Ok(done)
}

/// History's JSON text; null is blank.
fn json(text: Option<&str>) -> Result<Value, DbError> {
    text.map_or(Ok(Value::Null), |text| {
        serde_json::from_str(text).map_err(|e| sqlx::Error::Decode(Box::new(e)))
    })
}
