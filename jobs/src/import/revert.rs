//! Taking an import back. `grid::revert` refuses a whole set if a row of it was
//! changed since; an import has thousands, and the team works on meanwhile. So this
//! takes back what is still as the import left it, and tells what it keeps.

use std::collections::{BTreeMap, HashMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::{FromRow, SqliteConnection};

use super::{Import, ImportError, ImportState, store};
use crate::{
    db::{Db, DbError, WriteTx},
    grid::{
        self, Applied, Bulk, ChangeBy, Column, ColumnType, GridError, Operation, Prepared,
        REVERTED_AT_ONCE,
    },
    queue::{EnqueueOptions, JobId, Payload, Prepared as PreparedJob, Unique, enqueue_with},
};

/// Changes read at once.
const AT_ONCE: i64 = 5_000;
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
    let columns: BTreeMap<String, Column> = grid::all_columns(conn).await?;
    let live: Vec<Column> = grid::columns(conn).await?;
    let defined = definitions(conn, set).await?;
    let mut since = Since::read(conn, set).await?;
    let about_columns: Vec<Operation> = defined.iter().map(Definition::deletion).collect();
    bulk.expect(&about_columns, &[]).await?;
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
            let edit = since.rows.get(id);
            let row = now.get(id);
            match (change.what.as_str(), edit) {
                // Deleted since: there is nothing left to take back.
                (_, Some(_)) if row.is_none() => {}
                ("row_added", Some(edit)) if edit.stands => {
                    let name = row.map_or_else(String::new, |r| r.title(&live));
                    keep(
                        &mut done,
                        Kept {
                            what: "row".to_owned(),
                            name,
                            row_id: Some(id.to_owned()),
                            column: None,
                            reason: "was changed since".to_owned(),
                            by: Some(edit.actor.clone()),
                            at: Some(edit.at),
                        },
                    );
                }
                ("row_added", _) => {
                    since.gone.insert(id.to_owned());
                    done.rows += 1;
                    operations.push(Operation::Delete { row: id.to_owned() });
                }
                _ => {
                    let column = change.column_id.clone().unwrap_or_default();
                    let (before, left) = (json(&change.before)?, json(&change.after)?);
                    let current = row.map(|r| r.cells.get(&column).unwrap_or(&Value::Null));
                    if !columns.contains_key(&column) || !live.iter().any(|c| c.id == column) {
                        continue; // the column was deleted since, with all in it
                    }
                    if current.is_some_and(|now| *now != left) {
                        keep(
                            &mut done,
                            Kept {
                                what: "cell".to_owned(),
                                name: row.map_or_else(String::new, |r| r.title(&live)),
                                row_id: Some(id.to_owned()),
                                column: columns.get(&column).map(|c| c.name.clone()),
                                reason: "was changed since".to_owned(),
                                by: edit.map(|e| e.actor.clone()),
                                at: edit.map(|e| e.at),
                            },
                        );
                        continue;
                    }
                    if current.is_some() {
                        since.restored(id, &column, before.clone());
                    }
                    done.cells += 1;
                    operations.push(Operation::Set {
                        row: id.to_owned(),
                        column,
                        value: before,
                        base: i64::MAX,
                    });
                }
            }
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
        sqlx::query("update change_sets set reverts = ?2 where id = ?1")
            .bind(applied.version)
            .bind(set)
            .execute(&mut **tx)
            .await?;
        sqlx::query("update change_sets set undone_by = ?2 where id = ?1")
            .bind(set)
            .bind(applied.version)
            .execute(&mut **tx)
            .await?;
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

/// Ids of all columns of a type, deleted ones too: their cells are still there.
async fn columns_of(tx: &mut WriteTx, kind: ColumnType) -> Result<String, DbError> {
    let all = grid::all_columns(tx).await?;
    let ids: Vec<String> = all
        .into_values()
        .filter(|c| c.kind == kind)
        .map(|c| c.id)
        .collect();
    Ok(Value::from(ids).to_string())
}

/// Funds of the import that stand in no cell and no column, and on which nobody has
/// put terms since. Their names.
async fn remove_funds(tx: &mut WriteTx, import: &str) -> Result<Vec<String>, DbError> {
    let (now, columns) = (tx.now(), columns_of(tx, ColumnType::Funds).await?);
    sqlx::query_scalar(
        "update funds set deleted_at = ?2
         where id in (select thing_id from import_created where import_id = ?1 and what = 'fund')
           and deleted_at is null and target is null and hard_cap is null
           and not exists (select 1 from grid_columns c
                           where c.deleted_at is null and c.options ->> '$.commitment.fund' = funds.id)
           and id not in (select f.value from grid_rows r, json_each(?3) c, json_each(r.cells -> c.value) f
                          where r.deleted_at is null)
         returning name",
    )
    .bind(import)
    .bind(now)
    .bind(columns)
    .fetch_all(&mut **tx)
    .await
}

/// Contacts of the import that stand in no cell. How many.
async fn remove_contacts(tx: &mut WriteTx, import: &str) -> Result<usize, DbError> {
    let columns = columns_of(tx, ColumnType::Contacts).await?;
    let gone = sqlx::query(
        "delete from contacts
         where id in (select thing_id from import_created where import_id = ?1 and what = 'contact')
           and id not in (select p.value ->> 'id' from grid_rows r, json_each(?2) c, json_each(r.cells -> c.value) p
                          where r.deleted_at is null and p.value ->> 'id' is not null)",
    )
    .bind(import)
    .bind(columns)
    .execute(&mut **tx)
    .await?;
    Ok(usize::try_from(gone.rows_affected()).unwrap_or(usize::MAX))
}

#[derive(FromRow)]
struct RowChange {
    id: i64,
    what: String,
    row_id: Option<String>,
    column_id: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

/// Changes of rows, in the order they were made.
async fn changes_after(
    conn: &mut SqliteConnection,
    set: i64,
    after: i64,
) -> Result<Vec<RowChange>, DbError> {
    sqlx::query_as(
        "select id, what, row_id, column_id, iif(what = 'cell', before, null) as before,
                iif(what = 'cell', after, null) as after
         from grid_changes
         where change_set_id = ?1 and id > ?2 and row_id is not null order by id limit ?3",
    )
    .bind(set)
    .bind(after)
    .bind(AT_ONCE)
    .fetch_all(conn)
    .await
}

/// Leaves a row that may go on behind these to the next batch: all changes of a
/// row must come together.
fn whole_rows(changes: &mut Vec<RowChange>) {
    if i64::try_from(changes.len()).unwrap_or(0) < AT_ONCE {
        return;
    }
    let last = changes.last().and_then(|c| c.row_id.clone());
    if let Some(end) = changes.iter().rposition(|c| c.row_id != last) {
        changes.truncate(end + 1);
    }
}

/// What happened to the grid after the import.
struct Since {
    /// Rows that were touched, by whom and when last.
    rows: HashMap<String, Edit>,
    /// Rows that go now.
    gone: HashSet<String>,
    /// Cells of touched rows that get their former value now.
    restored: HashMap<String, Map<String, Value>>,
}

struct Edit {
    actor: String,
    at: i64,
    /// False if all of it was taken back itself.
    stands: bool,
}

impl Since {
    async fn read(conn: &mut SqliteConnection, set: i64) -> Result<Self, DbError> {
        let edits: Vec<(String, String, i64, bool)> = sqlx::query_as(
            "select c.row_id, s.actor, s.at, max(s.undone_by is null and s.reverts is null) as stands
             from grid_changes c join change_sets s on s.id = c.change_set_id
             where c.change_set_id > ?1 and c.row_id is not null group by c.row_id",
        )
        .bind(set)
        .fetch_all(conn)
        .await?;
        let rows = edits.into_iter().map(|(row, actor, at, stands)| {
            let edit = Edit { actor, at, stands };
            (row, edit)
        });
        Ok(Self {
            rows: rows.collect(),
            gone: HashSet::new(),
            restored: HashMap::new(),
        })
    }

    fn restored(&mut self, row: &str, column: &str, before: Value) {
        let cells = self.restored.entry(row.to_owned()).or_default();
        cells.insert(column.to_owned(), before);
    }

    /// What stands in cells of touched rows afterwards, as text, by column. Rows
    /// that nobody touched hold nothing of the import.
    async fn values(&self, conn: &mut SqliteConnection) -> Result<Used, DbError> {
        let mut used: Used = HashMap::new();
        let stay = self.rows.keys().filter(|id| !self.gone.contains(*id));
        let ids: Vec<String> = stay.cloned().collect();
        for chunk in ids.chunks(2_000) {
            for mut row in grid::rows_by_id(conn, chunk).await? {
                if let Some(restored) = self.restored.get(&row.id) {
                    row.cells.extend(restored.clone());
                }
                for (column, value) in row.cells {
                    let values = match value {
                        Value::Null => continue,
                        Value::Array(values) => values,
                        other => vec![other],
                    };
                    let texts = values
                        .into_iter()
                        .map(|v| v.as_str().unwrap_or_default().to_owned());
                    used.entry(column).or_default().extend(texts);
                }
            }
        }
        Ok(used)
    }
}

type Used = HashMap<String, HashSet<String>>;

/// A column the import added, or gave more options.
struct Definition {
    column: String,
    before: Option<Value>,
    after: Value,
}

async fn definitions(
    conn: &mut SqliteConnection,
    set: i64,
) -> Result<Vec<Definition>, ImportError> {
    let changes: Vec<(String, Option<String>, Option<String>)> = sqlx::query_as(
        "select column_id, before, after from grid_changes
         where change_set_id = ?1 and row_id is null and what = 'column' order by id desc",
    )
    .bind(set)
    .fetch_all(conn)
    .await?;
    let read = |(column, before, after): (String, Option<String>, Option<String>)| {
        Ok(Definition {
            column,
            before: before.is_some().then(|| json(&before)).transpose()?,
            after: json(&after)?,
        })
    };
    changes.into_iter().map(read).collect()
}

fn choice_ids(definition: &Value) -> HashSet<&str> {
    let choices = definition["options"]["choices"].as_array();
    let ids = choices
        .into_iter()
        .flatten()
        .filter_map(|c| c["id"].as_str());
    ids.collect()
}

impl Definition {
    fn deletion(&self) -> Operation {
        Operation::DeleteColumn {
            column: self.column.clone(),
        }
    }

    async fn take_back(
        &self,
        bulk: &mut Bulk,
        live: &[Column],
        used: &Used,
        done: &mut Reverted,
        by: &ChangeBy<'_>,
    ) -> Result<(), ImportError> {
        let Some(column) = live.iter().find(|c| c.id == self.column) else {
            return Ok(()); // deleted since
        };
        let kept = |what: &str, name: &str, of: Option<&str>, reason: &str| Kept {
            what: what.to_owned(),
            name: name.to_owned(),
            row_id: None,
            column: of.map(str::to_owned),
            reason: reason.to_owned(),
            by: None,
            at: None,
        };
        let none = HashSet::new();
        let values = used.get(&column.id).unwrap_or(&none);
        let Some(before) = &self.before else {
            if !values.is_empty() {
                keep(
                    done,
                    kept("column", &column.name, None, "holds values that stay"),
                );
                return Ok(());
            }
            match bulk.take_column(&self.deletion(), by).await {
                Ok(()) => done.columns.push(column.name.clone()),
                Err(GridError::Invalid { detail, .. }) => {
                    keep(done, kept("column", &column.name, None, &detail));
                }
                Err(other) => return Err(other.into()),
            }
            return Ok(());
        };
        let (old, new) = (choice_ids(before), choice_ids(&self.after));
        let is_ours = |id: &str| new.contains(id) && !old.contains(id);
        let mut options = column.options.clone();
        options
            .choices
            .retain(|c| !is_ours(&c.id) || values.contains(&c.id));
        for choice in options.choices.iter().filter(|c| is_ours(&c.id)) {
            keep(
                done,
                kept(
                    "option",
                    &choice.name,
                    Some(&column.name),
                    "is chosen by now",
                ),
            );
        }
        let operation = Operation::UpdateColumn {
            column: column.id.clone(),
            name: None,
            options: Some(options),
            hidden: None,
        };
        Ok(bulk.take_column(&operation, by).await?)
    }
}

fn json(text: &Option<String>) -> Result<Value, DbError> {
    text.as_deref().map_or(Ok(Value::Null), |text| {
        serde_json::from_str(text).map_err(|e| sqlx::Error::Decode(Box::new(e)))
    })
}
