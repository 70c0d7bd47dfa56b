//! Where a file and the grid differ, while both are in use. Nothing is written.

use std::{collections::HashSet, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::{
    ImportError, Mapping, Record, Table,
    apply::{csv_bytes, csv_writer, read_grid, stored_table},
    merge::{merge_pills, same},
    on_a_thread,
    plan::{Listeners, Planner},
    snapshot::{Snapshot, StoredRow, title},
};
use crate::{
    accounts::users,
    db::{Db, DbError},
    grid::ColumnType,
    turn,
};

/// Differences on one page.
pub const PER_PAGE: usize = 100;
/// Differences in a downloaded file.
const MOST_IN_FILE: usize = 200_000;

/// What is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// A row that only the file has.
    OnlyInFile,
    /// A row that only the grid has; archived ones do not count.
    OnlyInGrid,
    /// A cell that reads otherwise.
    Differs,
    /// A row of the file that cannot be read, or that several rows answer to.
    Unreadable,
}

impl DriftKind {
    /// All of them, in the order pages show them.
    pub const ALL: [Self; 4] = [
        Self::Differs,
        Self::OnlyInFile,
        Self::OnlyInGrid,
        Self::Unreadable,
    ];

    /// As in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnlyInFile => "only_in_file",
            Self::OnlyInGrid => "only_in_grid",
            Self::Differs => "differs",
            Self::Unreadable => "unreadable",
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// What is different.
    pub kind: DriftKind,
    /// The row's line in the file, if it has one.
    pub line: Option<u64>,
    /// The row's id in the grid, if it has one.
    pub row_id: Option<String>,
    /// What the row is called.
    pub row: String,
    /// The column's name in the grid; empty for whole rows.
    pub column: String,
    /// What the file says.
    pub file: String,
    /// What the grid says; for an unreadable cell, why.
    pub grid: String,
    /// Who changed ours last.
    pub changed: Option<LastChange>,
    #[serde(skip)]
    column_id: Option<String>,
}

impl Difference {
    fn empty(kind: DriftKind) -> Self {
        Self {
            kind,
            line: None,
            row_id: None,
            row: String::new(),
            column: String::new(),
            file: String::new(),
            grid: String::new(),
            changed: None,
            column_id: None,
        }
    }

    fn of_line(kind: DriftKind, record: &Record, called: &str, grid: String) -> Self {
        Self {
            line: Some(record.line),
            row: called.to_owned(),
            grid,
            ..Self::empty(kind)
        }
    }
}

/// The last change of a cell, or of a row.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LastChange {
    /// The actor, such as `user:ID`.
    pub by: String,
    /// `edit`, `import` …
    pub origin: String,
    /// UTC milliseconds.
    pub at: i64,
}

/// How much differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DriftCounts {
    /// Rows of the file.
    pub file_rows: usize,
    /// Live rows of the grid, archived ones apart.
    pub grid_rows: usize,
    /// Rows that both have and that read the same.
    pub same_rows: usize,
    /// Rows that both have and that differ.
    pub differing_rows: usize,
    /// Their cells that differ.
    pub differing_cells: usize,
    /// Rows that only the file has.
    pub only_in_file: usize,
    /// Rows that only the grid has.
    pub only_in_grid: usize,
    /// Cells and rows of the file that cannot be compared.
    pub unreadable: usize,
}

impl DriftCounts {
    /// Differences of a kind, or of all.
    pub fn of(&self, kind: Option<DriftKind>) -> usize {
        let one = |kind| match kind {
            DriftKind::OnlyInFile => self.only_in_file,
            DriftKind::OnlyInGrid => self.only_in_grid,
            DriftKind::Differs => self.differing_cells,
            DriftKind::Unreadable => self.unreadable,
        };
        kind.map_or_else(|| DriftKind::ALL.into_iter().map(one).sum(), one)
    }
}

/// One page of where file and grid differ.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Drift {
    /// How much differs in all.
    pub counts: DriftCounts,
    /// This page, from 1.
    pub page: usize,
    /// How many pages there are.
    pub pages: usize,
    /// The differences on it, in the file's order, then the grid's.
    pub differences: Vec<Difference>,
    /// Columns of the file that the grid does not have.
    pub columns_only_in_file: Vec<String>,
    /// Why they cannot be compared; empty if they can.
    pub errors: Vec<String>,
}

/// Compares a stored file with the grid, under its mapping.
pub async fn drift(
    db: &Db,
    id: &str,
    kind: Option<DriftKind>,
    page: usize,
) -> Result<Drift, ImportError> {
    let page = page.max(1);
    let skip = (page - 1).saturating_mul(PER_PAGE);
    let mut found = find(db, id, kind, skip, PER_PAGE).await?;
    let mut conn = db.read().acquire().await?;
    add_changes(&mut conn, &mut found.differences).await?;
    Ok(Drift {
        pages: found.counts.of(kind).div_ceil(PER_PAGE).max(1),
        page,
        ..found
    })
}

/// The same as CSV, at most 200,000 lines.
pub async fn drift_csv(db: &Db, id: &str, kind: Option<DriftKind>) -> Result<Vec<u8>, ImportError> {
    let mut found = find(db, id, kind, 0, MOST_IN_FILE).await?;
    let mut conn = db.read().acquire().await?;
    add_changes(&mut conn, &mut found.differences).await?;
    drop(conn);
    let names = users::names(db).await?;
    let name = move |actor: &str| {
        let id = actor.strip_prefix("user:").unwrap_or_default();
        names.get(id).cloned().unwrap_or_else(|| actor.to_owned())
    };
    let write = move || -> Result<Vec<u8>, csv::Error> {
        let mut out = csv_writer();
        out.write_record([
            "Kind",
            "Line",
            "Investor",
            "Column",
            "File",
            "Grid",
            "Changed by",
            "Changed at",
        ])?;
        for d in &found.differences {
            let line = d.line.map(|l| l.to_string()).unwrap_or_default();
            let by = d.changed.as_ref().map(|c| name(&c.by)).unwrap_or_default();
            let at = d
                .changed
                .as_ref()
                .and_then(|c| jiff::Timestamp::from_millisecond(c.at).ok());
            let at = at.map(|at| at.to_string()).unwrap_or_default();
            out.write_record([
                d.kind.as_str(),
                &line,
                &d.row,
                &d.column,
                &d.file,
                &d.grid,
                &by,
                &at,
            ])?;
        }
        csv_bytes(out)
    };
    on_a_thread(write)
        .await?
        .map_err(|e| sqlx::Error::Encode(Box::new(e)).into())
}

async fn find(
    db: &Db,
    id: &str,
    kind: Option<DriftKind>,
    skip: usize,
    most: usize,
) -> Result<Drift, ImportError> {
    let _turn = turn::turn().await;
    let (import, table) = stored_table(db, id).await?;
    let grid = read_grid(db, &import.mapping).await?;
    let window = Window {
        kind,
        skip,
        most,
        seen: 0,
        found: Vec::new(),
    };
    let table: Arc<Table> = table;
    on_a_thread(move || compare(&table, &import.mapping, &grid, window))
        .await
        .map_err(ImportError::from)
}

/// The part of all differences that is asked for.
struct Window {
    kind: Option<DriftKind>,
    skip: usize,
    most: usize,
    seen: usize,
    found: Vec<Difference>,
}

impl Window {
    /// Calls for the difference only if it is in sight.
    fn add(&mut self, kind: DriftKind, difference: impl FnOnce() -> Difference) {
        if self.kind.is_some_and(|wanted| wanted != kind) {
            return;
        }
        if self.seen >= self.skip && self.found.len() < self.most {
            self.found.push(difference());
        }
        self.seen += 1;
    }
}

fn compare(table: &Table, mapping: &Mapping, grid: &Snapshot, mut window: Window) -> Drift {
    let mut drift = Drift {
        counts: DriftCounts {
            file_rows: table.records.len(),
            grid_rows: grid.rows.iter().filter(|r| !r.is_archived).count(),
            ..DriftCounts::default()
        },
        page: 1,
        pages: 1,
        differences: Vec::new(),
        columns_only_in_file: Vec::new(),
        errors: Vec::new(),
    };
    let mut planner = match Planner::new(table, mapping, grid, Listeners::default()) {
        Ok(planner) => planner,
        Err(report) => {
            drift.errors = report.errors;
            return drift;
        }
    };
    let Some(key) = planner.key else {
        drift
            .errors
            .push("choose a key first: without one no row can be found again".to_owned());
        return drift;
    };
    let lines = planner.lines_by_key(table);
    planner.name_duplicates(&lines);
    drift.errors = std::mem::take(&mut planner.report.errors);
    let added = planner.filled.iter().filter(|f| f.is_new);
    drift.columns_only_in_file = added.map(|f| f.column.name.clone()).collect();
    let index = planner.rows_by_key();
    let mut met: HashSet<usize> = HashSet::new();
    for record in &table.records {
        let called = planner.called(record);
        let whole = |kind, says| Difference::of_line(kind, record, &called, says);
        let values = match planner.read(record) {
            Ok(values) => values,
            Err(rejects) => {
                // A row with a bad cell is still that row of the grid.
                met.extend(planner.known_by(record, key, &index).into_iter().flatten());
                for reject in rejects {
                    drift.counts.unreadable += 1;
                    let cell = planner.filled.iter().find(|f| f.header == reject.column);
                    window.add(DriftKind::Unreadable, || Difference {
                        column: reject.column.clone(),
                        file: cell.map_or("", |f| record.cell(f.index)).to_owned(),
                        ..whole(DriftKind::Unreadable, reject.reason)
                    });
                }
                continue;
            }
        };
        let rows = values[key]
            .as_ref()
            .and_then(|value| index.get(&planner.key_of(key, value)));
        let row = match rows.map(Vec::as_slice) {
            None | Some([]) => {
                drift.counts.only_in_file += 1;
                window.add(DriftKind::OnlyInFile, || {
                    whole(DriftKind::OnlyInFile, String::new())
                });
                continue;
            }
            Some([one]) => *one,
            Some(several) => {
                met.extend(several);
                drift.counts.unreadable += 1;
                let says = format!("{} investors have this key", several.len());
                window.add(DriftKind::Unreadable, || whole(DriftKind::Unreadable, says));
                continue;
            }
        };
        met.insert(row);
        let differing = compare_cells(&mut planner, &grid.rows[row], record, values, &mut window);
        drift.counts.differing_cells += differing;
        if differing == 0 {
            drift.counts.same_rows += 1;
        } else {
            drift.counts.differing_rows += 1;
        }
    }
    let missed = grid.rows.iter().enumerate();
    for (_, row) in missed.filter(|(at, row)| !row.is_archived && !met.contains(at)) {
        drift.counts.only_in_grid += 1;
        window.add(DriftKind::OnlyInGrid, || Difference {
            line: None,
            row_id: Some(row.id.clone()),
            row: title(&row.cells(), &grid.columns),
            ..Difference::empty(DriftKind::OnlyInGrid)
        });
    }
    drift.differences = window.found;
    drift
}

/// Tells of the cells of one row that read otherwise. How many.
fn compare_cells(
    planner: &mut Planner<'_>,
    row: &StoredRow,
    record: &Record,
    values: Vec<Option<Value>>,
    window: &mut Window,
) -> usize {
    let cells = row.cells();
    let mut differing = 0;
    for (at, value) in values.into_iter().enumerate() {
        if planner.filled[at].is_new {
            continue;
        }
        let column_id = planner.filled[at].column.id.clone();
        let before = cells.get(&column_id);
        let kind = planner.filled[at].column.kind;
        let after = match value {
            Some(value) if kind == ColumnType::Contacts => Some(merge_pills(before, value)),
            Some(value) => Some(planner.settle(at, value)),
            None => None,
        };
        if same(kind, before, after.as_ref()) {
            continue;
        }
        differing += 1;
        let (names, column) = (&planner.names, &planner.filled[at].column);
        let called = || title(&cells, &planner.grid.columns);
        window.add(DriftKind::Differs, || Difference {
            row_id: Some(row.id.clone()),
            column: column.name.clone(),
            file: names.show(column, after.as_ref()),
            column_id: Some(column_id),
            ..Difference::of_line(
                DriftKind::Differs,
                record,
                &called(),
                names.show(column, before),
            )
        });
    }
    differing
}

/// Who changed our cells and rows last.
async fn add_changes(
    conn: &mut SqliteConnection,
    differences: &mut [Difference],
) -> Result<(), DbError> {
    for chunk in differences.chunks_mut(2_000) {
        let asked: Vec<Value> = chunk
            .iter()
            .map(|d| json!([d.row_id, d.column_id]))
            .collect();
        let changes: Vec<(i64, String, String, i64)> = sqlx::query_as(
            "select e.key, s.actor, s.origin, s.at from json_each(?1) e
             join change_sets s on s.id = (
               select max(c.change_set_id) from grid_changes c
               where c.row_id = e.value ->> 0
                 and (e.value ->> 1 is null or c.column_id = e.value ->> 1 or c.what = 'row_added'))",
        )
        .bind(Value::from(asked).to_string())
        .fetch_all(&mut *conn)
        .await?;
        for (at, by, origin, when) in changes {
            if let Some(difference) = usize::try_from(at).ok().and_then(|at| chunk.get_mut(at)) {
                difference.changed = Some(LastChange {
                    by,
                    origin,
                    at: when,
                });
            }
        }
    }
    Ok(())
}
