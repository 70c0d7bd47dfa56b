//! From a stored file to its report or into the grid.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    CellChange, Import, ImportError, Mapping, Report, Table, decode, on_a_thread,
    plan::{Listeners, Plan, plan},
    read_table,
    snapshot::{self, Snapshot},
    store, upload, xlsx,
};
use crate::{
    db::{Db, DbError, WriteTx},
    funds::{self, Fund, name_key},
    grid::{Applied, Bulk, ChangeBy, ColumnOptions, Operation, Prepared},
    queue::JobId,
    settings, turn,
};

/// What applying this import would do now. Names every rejected row.
pub async fn dry_run(db: &Db, id: &str) -> Result<Report, ImportError> {
    let _turn = turn::turn().await;
    let (import, table) = stored_table(db, id).await?;
    let grid = read_grid(db, &import.mapping).await?;
    Ok(compare(&import.mapping, &table, grid).await?.0.report)
}

/// The rejected rows as CSV: line, reasons, then the row as it was.
pub async fn rejected_csv(db: &Db, id: &str) -> Result<Vec<u8>, ImportError> {
    let report = dry_run(db, id).await?;
    let _turn = turn::turn().await;
    let (_, table) = stored_table(db, id).await?;
    on_a_thread(move || write_rejected(&table, &report))
        .await?
        .map_err(|e| sqlx::Error::Encode(Box::new(e)).into())
}

/// All changed cells as CSV: line, investor, column, before, after.
pub async fn changes_csv(db: &Db, id: &str) -> Result<Vec<u8>, ImportError> {
    let _turn = turn::turn().await;
    let (import, table) = stored_table(db, id).await?;
    let grid = read_grid(db, &import.mapping).await?;
    on_a_thread(move || write_changes(&import.mapping, &table, &grid))
        .await?
        .map_err(|e| sqlx::Error::Encode(Box::new(e)).into())
}

pub(super) async fn stored_table(db: &Db, id: &str) -> Result<(Import, Arc<Table>), ImportError> {
    let import = store::load(db, id)
        .await?
        .ok_or_else(|| ImportError::Missing(id.to_owned()))?;
    let table = file_table(db, &import).await?;
    Ok((import, table))
}

pub(super) async fn read_grid(db: &Db, mapping: &Mapping) -> Result<Snapshot, ImportError> {
    let zone = settings::fund_zone(db).await?;
    let mut tx = db.read().begin().await?;
    Ok(snapshot::read(&mut tx, mapping, &zone).await?)
}

/// A CSV file that Excel opens as UTF-8.
pub(super) fn csv_writer() -> csv::Writer<Vec<u8>> {
    csv::Writer::from_writer(b"\xef\xbb\xbf".to_vec())
}

pub(super) fn csv_bytes(out: csv::Writer<Vec<u8>>) -> Result<Vec<u8>, csv::Error> {
    out.into_inner()
        .map_err(|e| csv::Error::from(std::io::Error::other(e.to_string())))
}

fn write_rejected(table: &Table, report: &Report) -> Result<Vec<u8>, csv::Error> {
    let mut reasons: HashMap<u64, Vec<String>> = HashMap::new();
    for reject in &report.rejects {
        let reason = if reject.column.is_empty() {
            reject.reason.clone()
        } else {
            format!("{}: {}", reject.column, reject.reason)
        };
        reasons.entry(reject.line).or_default().push(reason);
    }
    for conflict in &report.conflicts {
        let reason = format!("{} investors have this key", conflict.row_ids.len());
        reasons.entry(conflict.line).or_default().push(reason);
    }
    let mut out = csv_writer();
    let head = ["Line", "Reason"].into_iter();
    out.write_record(head.chain(table.headers.iter().map(String::as_str)))?;
    for record in &table.records {
        if let Some(reasons) = reasons.get(&record.line) {
            let (line, reason) = (record.line.to_string(), reasons.join("; "));
            let head = [line.as_str(), reason.as_str()].into_iter();
            let cells = (0..table.headers.len()).map(|i| record.cell(i));
            out.write_record(head.chain(cells))?;
        }
    }
    csv_bytes(out)
}

fn write_changes(mapping: &Mapping, table: &Table, grid: &Snapshot) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv_writer();
    out.write_record(["Line", "Investor", "Column", "Before", "After"])?;
    let mut failed = None;
    let mut write = |change: CellChange| {
        let line = change.line.to_string();
        let cells = [
            &line,
            &change.row,
            &change.column,
            &change.before,
            &change.after,
        ];
        if let Err(error) = out.write_record(cells) {
            failed = Some(error);
        }
    };
    let listeners = Listeners {
        cells: Some(&mut write),
        rows: None,
    };
    plan(table, mapping, grid, listeners);
    match failed {
        Some(error) => Err(error),
        None => csv_bytes(out),
    }
}

/// The file as the import's mapping reads it.
pub(crate) async fn file_table(db: &Db, import: &Import) -> Result<Arc<Table>, ImportError> {
    let zstd = store::load_file(db, &import.id).await?;
    let (encoding, delimiter, sheet) = (import.encoding, import.delimiter, import.sheet.clone());
    on_a_thread(move || {
        let bytes = upload::unpack(&zstd)?;
        drop(zstd);
        if encoding == super::Encoding::Xlsx {
            return xlsx::read(&bytes, sheet.as_deref()).map(|book| Arc::new(book.table));
        }
        let (text, _) = decode(&bytes, Some(encoding))?;
        read_table(&text, delimiter).map(Arc::new)
    })
    .await?
}

async fn compare(
    mapping: &Mapping,
    table: &Arc<Table>,
    grid: Snapshot,
) -> Result<(Plan, Snapshot), ImportError> {
    let (table, mapping) = (Arc::clone(table), mapping.clone());
    on_a_thread(move || {
        mapping.check(&table.headers)?;
        let plan = plan(&table, &mapping, &grid, Listeners::default());
        Ok((plan, grid))
    })
    .await?
}

/// An import that only waits for the lock.
pub(crate) struct Ready {
    prepared: Prepared,
    funds: Vec<Fund>,
    pub(crate) report: Report,
}

/// Works out all that an import writes, without keeping anybody waiting. `Invalid`
/// if it cannot be applied. `progress` is told of rows.
pub(crate) async fn prepare(
    db: &Db,
    import: &Import,
    table: &Arc<Table>,
    actor: &str,
    progress: &(dyn Fn(usize) + Send + Sync),
) -> Result<Ready, ImportError> {
    let zone = settings::fund_zone(db).await?;
    let mut bulk = Bulk::begin(db).await?;
    let grid = snapshot::read(bulk.connection(), &import.mapping, &zone).await?;
    let (mut plan, mut grid) = compare(&import.mapping, table, grid).await?;
    if !plan.report.errors.is_empty() {
        return Err(ImportError::invalid(
            "not_applicable",
            "mapping",
            plan.report.errors.join("; "),
        ));
    }
    let funds = name_funds(db, &mut plan);
    grid.funds.extend_from_slice(&funds);
    let summary = summary_of(import, &plan.report);
    let by = ChangeBy {
        actor,
        origin: "import",
        summary: &summary,
        job: None,
    };
    bulk.expect(&plan.columns, &funds, grid.people.clone())
        .await?;
    for operation in &plan.columns {
        bulk.take_column(operation, &by).await?;
    }
    let (send, mut batches) = mpsc::channel(2);
    let (table, mapping) = (Arc::clone(table), import.mapping.clone());
    let second = tokio::task::spawn_blocking(move || {
        let mut hand_on = |batch: Vec<Operation>| send.blocking_send(batch).is_ok();
        let listeners = Listeners {
            rows: Some(&mut hand_on),
            cells: None,
        };
        self::plan(&table, &mapping, &grid, listeners);
    });
    let mut done = 0;
    while let Some(batch) = batches.recv().await {
        bulk.take(&batch, &by).await?;
        done += batch.len();
        progress(done);
    }
    second.await.map_err(|_| sqlx::Error::WorkerCrashed)?;
    Ok(Ready {
        prepared: bulk.prepared().await?,
        funds,
        report: plan.report,
    })
}

fn summary_of(import: &Import, report: &Report) -> String {
    format!("{}: {}", import.file_name, report.summary())
}

impl Ready {
    /// Whether the grid is still as it was compared with.
    pub(crate) async fn still_holds(&self, tx: &mut WriteTx) -> Result<bool, DbError> {
        self.prepared.still_holds(tx).await
    }

    /// Writes all of it, and notes what exists because of it.
    pub(crate) async fn write(
        self,
        tx: &mut WriteTx,
        import: &Import,
        job: JobId,
        actor: &str,
    ) -> Result<(Applied, Report), ImportError> {
        for fund in &self.funds {
            funds::add(tx, fund).await?;
        }
        let made = self.funds.iter().map(|f| json!(["fund", f.id]));
        let contacts = self.prepared.new_contacts();
        let met = contacts.iter().map(|id| json!(["contact", id]));
        let created: Vec<Value> = made.chain(met).collect();
        let summary = summary_of(import, &self.report);
        let by = ChangeBy {
            actor,
            origin: "import",
            summary: &summary,
            job: Some(job),
        };
        let applied = self.prepared.write(tx, &by).await?;
        if applied.changes > 0 {
            store::note_created(tx, &import.id, created).await?;
        }
        Ok((applied, self.report))
    }
}

/// Gives the funds the file introduces their ids, and puts these where columns
/// name them.
fn name_funds(db: &Db, plan: &mut Plan) -> Vec<Fund> {
    let funds: Vec<Fund> = plan
        .funds
        .iter()
        .map(|f| Fund::raising(db.clock().new_id(), &f.name, &f.currency))
        .collect();
    let settle = |options: &mut ColumnOptions| {
        if let Some(commitment) = &mut options.commitment {
            let key = name_key(&commitment.fund);
            if let Some(fund) = funds.iter().find(|f| name_key(&f.name) == key) {
                commitment.fund.clone_from(&fund.id);
            }
        }
    };
    for operation in &mut plan.columns {
        if let Operation::AddColumn { options, .. }
        | Operation::UpdateColumn {
            options: Some(options),
            ..
        } = operation
        {
            settle(options);
        }
    }
    funds
}
