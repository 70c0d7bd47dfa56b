//! A write of very many rows: worked out batch by batch without the lock, then
//! stored under it in one go. A person's edit waits ten seconds at most for the
//! lock; half a million cells take longer than that to check.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::{
    Applied, ChangeBy, GridError, Operation,
    apply::{POSITION_STEP, Touched, Work, load_rows, refusal, size},
    people::People,
    persist::CHANGES_AT_ONCE,
    touch::Touch,
};
use crate::{
    db::{Db, DbError, WriteTx},
    funds::Fund,
};

/// Rows stored by one statement.
const ROWS_AT_ONCE: usize = 500;

/// A large write that is being worked out.
pub struct Bulk {
    tx: WriteTx,
    work: Work,
    basis: Basis,
    taken: usize,
}

/// A large write that only waits for the lock.
pub struct Prepared {
    work: Work,
    basis: Basis,
}

/// What the preparation rests on. If any of it moved, it is done again.
#[derive(Debug, PartialEq, Eq, sqlx::FromRow)]
struct Basis {
    version: i64,
    people: i64,
    last_person: i64,
    funds: String,
}

impl Basis {
    async fn read(conn: &mut SqliteConnection) -> Result<Self, DbError> {
        sqlx::query_as(
            "select (select version from grid_state where id = 1) as version,
                    (select count(*) from contacts) as people,
                    (select coalesce(max(rowid), 0) from contacts) as last_person,
                    (select coalesce(group_concat(id || name_key || coalesce(deleted_at, '')), '') from funds) as funds",
        )
        .fetch_one(conn)
        .await
    }
}

impl Bulk {
    /// Begins with the grid as it is now.
    pub async fn begin(db: &Db) -> Result<Self, GridError> {
        let mut tx = db.rehearse().await?;
        let basis = Basis::read(&mut tx).await?;
        let work = Work::load(&mut tx, &[]).await?;
        Ok(Self {
            tx,
            work,
            basis,
            taken: 0,
        })
    }

    /// What else must be read of the same moment.
    pub fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.tx
    }

    /// Reads what the write needs. `columns` is what will happen to columns; `funds`
    /// will be there by the time of the write; `people` is everybody.
    pub async fn expect(
        &mut self,
        columns: &[Operation],
        funds: &[Fund],
        people: People,
    ) -> Result<(), GridError> {
        self.work = Work::load(&mut self.tx, columns).await?;
        self.work.links.expect_funds(&mut self.tx, funds).await?;
        self.work.links.expect_people(people);
        let (live, last) = size(&mut self.tx).await?;
        self.work.live_rows = usize::try_from(live).unwrap_or(usize::MAX);
        self.work.next_position = last + POSITION_STEP;
        Ok(())
    }

    /// Works out one thing that happens to a column.
    pub async fn take_column(
        &mut self,
        operation: &Operation,
        by: &ChangeBy<'_>,
    ) -> Result<(), GridError> {
        self.one(operation, by).await
    }

    /// Works some operations out. All that are about one row come in one batch.
    pub async fn take(
        &mut self,
        operations: &[Operation],
        by: &ChangeBy<'_>,
    ) -> Result<(), GridError> {
        let ids: HashSet<&str> = operations.iter().filter_map(Operation::row).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        self.work.rows = load_rows(&mut self.tx, &ids).await?;
        for operation in operations {
            self.one(operation, by).await?;
        }
        if let Some(refused) = refusal(std::mem::take(&mut self.work.refused)) {
            return Err(refused);
        }
        self.work.drain()?;
        Ok(())
    }

    async fn one(&mut self, operation: &Operation, by: &ChangeBy<'_>) -> Result<(), GridError> {
        let index = self.taken;
        self.taken += 1;
        self.work.take(&mut self.tx, index, operation, by).await
    }

    /// Checks what only the whole can break.
    pub async fn prepared(mut self) -> Result<Prepared, GridError> {
        self.work.check_rules(&mut self.tx).await?;
        Ok(Prepared {
            work: self.work,
            basis: self.basis,
        })
    }
}

impl Prepared {
    /// Whether nothing it rests on has changed since.
    pub async fn still_holds(&self, tx: &mut WriteTx) -> Result<bool, DbError> {
        Ok(Basis::read(tx).await? == self.basis)
    }

    /// Ids of the people it adds.
    pub fn new_contacts(&self) -> Vec<String> {
        self.work.links.added().map(str::to_owned).collect()
    }

    /// Stores all of it. Only right while it [`still_holds`](Self::still_holds),
    /// in the same transaction.
    pub async fn write(self, tx: &mut WriteTx, by: &ChangeBy<'_>) -> Result<Applied, GridError> {
        self.work.write(tx, by).await
    }
}

/// JSON text that waits, compressed: it says much the same in every row.
pub(super) struct Packed(Vec<u8>);

impl Packed {
    fn of(json: &Value) -> Result<Self, DbError> {
        let packed = zstd::encode_all(json.to_string().as_bytes(), 1);
        packed.map(Self).map_err(sqlx::Error::Io)
    }

    /// The text again.
    pub(super) fn text(&self) -> Result<String, DbError> {
        let bytes = zstd::decode_all(self.0.as_slice())?;
        String::from_utf8(bytes).map_err(|e| sqlx::Error::Decode(Box::new(e)))
    }
}

/// Rows that are ready to be stored, as packed JSON text: a fiftieth of what they
/// take as maps of values.
#[derive(Default)]
pub(super) struct Drained {
    /// Arrays of records.
    pub(super) added: Vec<Packed>,
    pub(super) changed: Vec<Packed>,
    pub(super) added_ids: Vec<String>,
    pub(super) changed_ids: Vec<String>,
    /// Changes as arrays of JSON text, in their order, and how many they are.
    pub(super) history: Vec<Packed>,
    pub(super) count: usize,
    /// Those that are about columns.
    pub(super) columns: Vec<Value>,
    /// What they did to columns that the raise goes by.
    pub(super) touches: Vec<Touch>,
    /// Column → row → its value, where values must be unique.
    pub(super) unique: HashMap<String, HashMap<String, Option<String>>>,
}

impl Work {
    fn drain_changes(&mut self) -> Result<(), DbError> {
        let touches = self.touches();
        let changes = std::mem::take(&mut self.changes);
        let drained = &mut self.drained;
        drained.touches.extend(touches);
        drained.count += changes.len();
        let of_columns = changes.iter().filter(|c| c[0] == "column");
        drained.columns.extend(of_columns.cloned());
        for chunk in changes.chunks(CHANGES_AT_ONCE) {
            drained.history.push(Packed::of(&Value::from(chunk))?);
        }
        Ok(())
    }

    /// Puts the touched rows aside, ready to be stored.
    fn drain(&mut self) -> Result<(), DbError> {
        self.drain_changes()?;
        let is_new: HashSet<String> = self.added.drain(..).collect();
        let rows = std::mem::take(&mut self.rows);
        for column in self.columns.values().filter(|c| c.options.unique) {
            let values = self.drained.unique.entry(column.id.clone()).or_default();
            for (id, touched) in &rows {
                let value = touched
                    .row
                    .cells
                    .get(&column.id)
                    .filter(|_| !touched.deleted);
                values.insert(id.clone(), value.map(super::rules::as_text));
            }
        }
        let mut touched: Vec<(String, Touched)> = rows
            .into_iter()
            .filter(|(id, t)| t.dirty || is_new.contains(id))
            .collect();
        touched.sort_by(|a, b| a.0.cmp(&b.0));
        let (added, changed): (Vec<_>, Vec<_>) =
            touched.into_iter().partition(|(id, _)| is_new.contains(id));
        let now = self.now;
        let pack =
            |rows: Vec<(String, Touched)>, texts: &mut Vec<Packed>, ids: &mut Vec<String>| {
                for chunk in rows.chunks(ROWS_AT_ONCE) {
                    let records = chunk.iter().filter_map(|(_, t)| record(t, now)).collect();
                    texts.push(Packed::of(&Value::Array(records))?);
                }
                ids.extend(rows.into_iter().map(|(id, _)| id));
                Ok::<(), DbError>(())
            };
        let drained = &mut self.drained;
        pack(added, &mut drained.added, &mut drained.added_ids)?;
        pack(changed, &mut drained.changed, &mut drained.changed_ids)
    }
}

/// A touched row as the statements that store it unpack it.
pub(super) fn record(touched: &Touched, now: i64) -> Option<Value> {
    let row = &touched.row;
    Some(json!([
        row.id,
        row.position,
        serde_json::to_string(&row.cells).ok()?,
        row.list,
        row.list_since_at,
        row.list_by,
        row.list_reason,
        row.archived_at,
        row.archive_reason,
        touched.deleted.then_some(now),
    ]))
}
