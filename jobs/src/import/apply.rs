//! From a stored file to its report or into the grid.

use std::{collections::HashMap, sync::Arc};

use super::{
    Import, ImportError, Report, Table, decode, on_a_thread,
    plan::{Plan, plan},
    read_table, snapshot, store, upload,
};
use crate::{
    db::{Db, DbError, WriteTx},
    funds::{self, name_key},
    grid::{self, Applied, ChangeBy, ColumnOptions, Operation},
    queue::JobId,
    settings,
};

/// What applying this import would do now. Names every rejected row.
pub async fn dry_run(db: &Db, id: &str) -> Result<Report, ImportError> {
    let import = stored(db, id).await?;
    let table = file_table(db, &import).await?;
    Ok(plan_now(db, &import, &table).await?.report)
}

/// The rejected rows as CSV: line, reasons, then the row as it was.
pub async fn rejected_csv(db: &Db, id: &str) -> Result<Vec<u8>, ImportError> {
    let import = stored(db, id).await?;
    let table = file_table(db, &import).await?;
    let report = plan_now(db, &import, &table).await?.report;
    on_a_thread(move || write_rejected(&table, &report))
        .await?
        .map_err(|e| sqlx::Error::Encode(Box::new(e)).into())
}

async fn stored(db: &Db, id: &str) -> Result<Import, ImportError> {
    store::load(db, id)
        .await?
        .ok_or_else(|| ImportError::Missing(id.to_owned()))
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
    let mut out = csv::Writer::from_writer(b"\xef\xbb\xbf".to_vec());
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
    out.into_inner()
        .map_err(|e| csv::Error::from(std::io::Error::other(e.to_string())))
}

/// The file as the import's mapping reads it.
pub(crate) async fn file_table(db: &Db, import: &Import) -> Result<Arc<Table>, ImportError> {
    let zstd = store::load_file(db, &import.id).await?;
    let (encoding, delimiter) = (import.encoding, import.delimiter);
    on_a_thread(move || {
        let bytes = upload::unpack(&zstd)?;
        let (text, _) = decode(&bytes, Some(encoding))?;
        read_table(&text, delimiter).map(Arc::new)
    })
    .await?
}

/// Compares the file with the grid as it is now.
pub(crate) async fn plan_now(
    db: &Db,
    import: &Import,
    table: &Arc<Table>,
) -> Result<Plan, ImportError> {
    let zone = settings::fund_zone(db).await?;
    let mut tx = db.read().begin().await?;
    let grid = snapshot::read(&mut tx, &zone).await?;
    drop(tx);
    compare(import, table, grid).await
}

async fn compare(
    import: &Import,
    table: &Arc<Table>,
    grid: snapshot::Snapshot,
) -> Result<Plan, ImportError> {
    let (table, mapping) = (Arc::clone(table), import.mapping.clone());
    on_a_thread(move || {
        mapping.check(&table.headers)?;
        Ok(plan(&table, &mapping, &grid))
    })
    .await?
}

/// Writes the plan, or a new one if the grid has moved on since it was made.
/// `Err(Invalid)` if it cannot be applied.
pub(crate) async fn write_plan(
    db: &Db,
    tx: &mut WriteTx,
    import: &Import,
    table: &Arc<Table>,
    plan: Plan,
    job: JobId,
    actor: &str,
) -> Result<(Applied, Report), ImportError> {
    let mut plan = plan;
    if grid::state(tx).await?.version != plan.version {
        let zone = settings::fund_zone(db).await?;
        let grid = snapshot::read(tx, &zone).await?;
        plan = compare(import, table, grid).await?;
    }
    if !plan.report.errors.is_empty() {
        return Err(ImportError::invalid(
            "not_applicable",
            "mapping",
            plan.report.errors.join("; "),
        ));
    }
    create_funds(tx, &mut plan).await?;
    let summary = format!("{}: {}", import.file_name, plan.report.summary());
    let by = ChangeBy {
        actor,
        origin: "import",
        summary: &summary,
        job: Some(job),
    };
    let applied = grid::apply(tx, &plan.operations, &by).await?;
    Ok((applied, plan.report))
}

/// Creates the funds the file names, and puts their ids where columns name them.
/// Cells may go on naming them: the grid finds them by name.
async fn create_funds(tx: &mut WriteTx, plan: &mut Plan) -> Result<(), DbError> {
    let mut ids: HashMap<String, String> = HashMap::new();
    for fund in &plan.funds {
        let id = funds::find_or_create(tx, &fund.name, &fund.currency).await?;
        ids.insert(name_key(&fund.name), id);
    }
    let settle = |options: &mut ColumnOptions| {
        if let Some(commitment) = &mut options.commitment
            && let Some(id) = ids.get(&name_key(&commitment.fund))
        {
            commitment.fund.clone_from(id);
        }
    };
    for operation in &mut plan.operations {
        match operation {
            Operation::AddColumn { options, .. }
            | Operation::UpdateColumn {
                options: Some(options),
                ..
            } => settle(options),
            _ => break, // columns come before rows
        }
    }
    Ok(())
}
