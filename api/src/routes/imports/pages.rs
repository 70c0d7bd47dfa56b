//! The list of imports, and one import from its mapping to its result.

use axum::{extract::State, response::Response};
use crm_jobs::{
    accounts::users,
    grid,
    import::{self, Delimiter, Encoding, Import, ImportState, ImportSummary, Kept, Report},
    queue::inspect,
};
use serde::Deserialize;

use super::{
    checked, draft, find,
    page::{
        self, CellChange, Fact, ImportPage, ImportRow, ImportsPage, KeptThing, ProfileRow, Reading,
        RejectedRow,
    },
    revert,
};
use crate::{
    error::AppError,
    extract::{Path, Query},
    frame::{frame, html},
    routes::{
        jobs::progress,
        page::{Badge, Choice, LinkTo, Paging, Tile},
    },
    session::SignedIn,
    show,
    state::App,
};

const PER_PAGE: i64 = 25;
const SHOWN_CHANGES: usize = 50;
const SHOWN_REJECTS: usize = 25;

#[derive(Deserialize)]
pub struct ListQuery {
    page: Option<i64>,
}

pub async fn list(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<ListQuery>,
) -> Result<Response, AppError> {
    let page = query.page.unwrap_or(1).clamp(1, 1_000_000);
    Ok(html(&list_page(&app, &who, page, None).await?))
}

/// The list, perhaps with the reason why an upload was refused.
pub async fn list_page(
    app: &App,
    who: &SignedIn,
    page: i64,
    upload_error: Option<String>,
) -> Result<ImportsPage, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let found = import::list(&mut conn, page, PER_PAGE).await?;
    let profiles = import::profiles(&mut conn).await?;
    drop(conn);
    let names = users::names(&app.db).await?;
    let pages = (found.total + PER_PAGE - 1).div_euclid(PER_PAGE).max(1);
    let href = |to: i64| {
        (1..=pages)
            .contains(&to)
            .then(|| format!("/imports?page={to}"))
    };
    let now = app.db.now();
    Ok(ImportsPage {
        imports: found
            .imports
            .iter()
            .map(|i| row(now, i, show::actor(&i.created_by, &names)))
            .collect(),
        paging: Paging {
            page: page.unsigned_abs(),
            pages: pages.unsigned_abs(),
            total: show::count(found.total, "import", "imports"),
            prev: href(page - 1),
            next: href(page + 1),
        },
        upload_error,
        max_size: "50 MB".to_owned(),
        profiles: profiles
            .iter()
            .map(|p| ProfileRow {
                id: p.id.clone(),
                name: p.name.clone(),
                detail: format!("{} columns", p.headers.len()),
                at: show::ago(now, p.used_at.unwrap_or(p.created_at)),
            })
            .collect(),
        frame: frame(app, who, "Imports").await,
    })
}

fn row(now: i64, i: &ImportSummary, by: String) -> ImportRow {
    ImportRow {
        href: format!("/imports/{}", i.id),
        file: i.file_name.clone(),
        detail: format!(
            "{} rows · {} columns",
            show::number(i.row_count),
            i.column_count
        ),
        state: match i.state {
            ImportState::Draft => Badge::new("Draft", "muted"),
            ImportState::Applying => Badge::new("Applying", "info"),
            ImportState::Applied => Badge::new("Applied", "ok"),
            ImportState::Failed => Badge::new("Failed", "bad"),
            ImportState::Reverting => Badge::new("Taking back", "info"),
            ImportState::Reverted => Badge::new("Reverted", "warn"),
        },
        by,
        at: show::ago(now, i.created_at),
        result: i.error.clone().unwrap_or_else(|| i.result.clone()),
    }
}

pub async fn one(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let page = one_page(&app, &who, &id, None).await?;
    Ok(html(&page))
}

/// One import, perhaps with the reason why its file cannot be read as asked.
pub async fn one_page(
    app: &App,
    who: &SignedIn,
    id: &str,
    reading_error: Option<String>,
) -> Result<ImportPage, AppError> {
    let import = find(app, id).await?;
    let report = match import.state {
        ImportState::Draft => checked::dry_run(app, id).await?,
        _ => import.outcome.clone().unwrap_or_default(),
    };
    let is_reverting = import.state == ImportState::Reverting;
    let its_job = if is_reverting {
        import.revert_job_id
    } else {
        import.job_id
    };
    let job = match its_job {
        Some(job) => inspect::row(app.db.read(), job).await?,
        None => None,
    };
    let mut conn = app.db.read().acquire().await?;
    let columns = grid::columns(&mut conn).await?;
    drop(conn);
    let names = users::names(&app.db).await?;
    let applying = import.state == ImportState::Applying || is_reverting;
    let is_draft = import.state == ImportState::Draft;
    let is_done = import.state == ImportState::Applied;
    Ok(ImportPage {
        id: import.id.clone(),
        file: import.file_name.clone(),
        state: match import.state {
            ImportState::Draft => page::ImportState::Draft,
            ImportState::Applying => page::ImportState::Applying,
            ImportState::Applied => page::ImportState::Applied,
            ImportState::Failed => page::ImportState::Failed,
            ImportState::Reverting => page::ImportState::Reverting,
            ImportState::Reverted => page::ImportState::Reverted,
        },
        facts: facts(&import, show::actor(&import.created_by, &names)),
        columns: draft::columns(&import, &columns),
        merge_keys: draft::keys(&import),
        tiles: tiles(&report),
        new_rows: new_rows(&report),
        changes: report
            .changes
            .iter()
            .take(SHOWN_CHANGES)
            .map(change)
            .collect(),
        changes_note: if report.changed_cells > SHOWN_CHANGES {
            format!(
                "The first {SHOWN_CHANGES} of {} changed cells.",
                report.changed_cells
            )
        } else {
            String::new()
        },
        rejected: rejected(&report),
        rejected_href: ((is_draft || is_done) && report.rejected + report.conflicting > 0)
            .then(|| format!("/imports/{id}/rejected.csv")),
        warnings: warnings(&report),
        blocked: blocked(&report),
        progress: applying.then(|| job.as_ref().map(progress)).flatten(),
        result: result(&import, &report),
        links: links(&import),
        live_href: if applying {
            format!("/imports/{id}")
        } else {
            String::new()
        },
        events_href: if applying {
            "/events?topics=imports".to_owned()
        } else {
            String::new()
        },
        reading: reading(&import, reading_error),
        by_profile: import
            .saved_profile
            .as_ref()
            .map(|p| p.name.clone())
            .unwrap_or_default(),
        can_keep: is_draft || is_done,
        can_revert: is_done && import.change_set_id.is_some(),
        drift_href: (!applying).then(|| format!("/imports/{id}/drift")),
        changes_href: (is_draft && report.changed_cells > SHOWN_CHANGES)
            .then(|| format!("/imports/{id}/changes.csv")),
        kept: import
            .revert
            .iter()
            .flat_map(|r| &r.kept)
            .take(SHOWN_REJECTS)
            .map(|k| kept(k, k.by.as_deref().map(|by| show::actor(by, &names))))
            .collect(),
        frame: frame(app, who, &import.file_name).await,
    })
}

fn kept(k: &Kept, by: Option<String>) -> KeptThing {
    KeptThing {
        name: k.name.clone(),
        href: k.row_id.as_ref().map(|id| format!("/investors/{id}")),
        column: k.column.clone().unwrap_or_default(),
        reason: match by {
            Some(by) => format!("{} by {by}", k.reason),
            None => k.reason.clone(),
        },
    }
}

/// How the bytes are read, and how else they could be.
fn reading(import: &Import, error: Option<String>) -> Reading {
    let is_text = import.encoding != Encoding::Xlsx;
    let encoding = |e: Encoding| Choice::new(e.as_str(), e.label(), e == import.encoding);
    let delimiter = |d: Delimiter| Choice::new(d.as_str(), d.label(), d == import.delimiter);
    let sheet = |s: &String| Choice::new(s, s, Some(s) == import.sheet.as_ref());
    Reading {
        lines: import.first_lines.clone(),
        encodings: if is_text {
            Encoding::ALL.map(encoding).to_vec()
        } else {
            Vec::new()
        },
        delimiters: if is_text {
            Delimiter::ALL.map(delimiter).to_vec()
        } else {
            Vec::new()
        },
        sheets: import.sheets.iter().map(sheet).collect(),
        error,
    }
}

fn facts(import: &Import, by: String) -> Vec<Fact> {
    let fact = |label: &str, value: String| Fact {
        label: label.to_owned(),
        value,
    };
    let mut facts = vec![
        fact("Rows", show::number(import.row_count)),
        fact("Columns", import.mapping.columns.len().to_string()),
        fact("Size", show::bytes(import.size_bytes)),
        fact("Encoding", import.encoding.label().to_owned()),
    ];
    facts.push(match &import.sheet {
        Some(sheet) => fact("Sheet", sheet.clone()),
        None => fact("Delimiter", import.delimiter.label().to_owned()),
    });
    facts.push(fact("Uploaded by", by));
    facts
}

fn tiles(report: &Report) -> Vec<Tile> {
    let tile = |label: &str, count: usize, hint: &str, tone: &'static str| {
        Tile::new(
            label,
            &show::number(i64::try_from(count).unwrap_or(i64::MAX)),
            hint,
            if count == 0 { "" } else { tone },
        )
    };
    let cells = format!("rows, {} cells", report.changed_cells);
    let mut tiles = vec![
        tile("New", report.new, "rows added", "ok"),
        tile("Changed", report.changed, &cells, "info"),
        tile("Unchanged", report.unchanged, "rows", "muted"),
        tile("Rejected", report.rejected, "rows left out", "bad"),
    ];
    if report.conflicting > 0 {
        tiles.push(tile(
            "Conflicting",
            report.conflicting,
            "several investors have their key",
            "warn",
        ));
    }
    tiles
}

/// The first of them by name, and how many more there are.
fn new_rows(report: &Report) -> Vec<String> {
    let first = report.new_rows.iter().take(SHOWN_REJECTS);
    let mut names: Vec<String> = first
        .map(|r| match r.row.as_str() {
            "" => format!("line {}", r.line),
            name => name.to_owned(),
        })
        .collect();
    if report.new > names.len() {
        let more = i64::try_from(report.new - names.len()).unwrap_or(i64::MAX);
        names.push(format!("and {} more", show::number(more)));
    }
    names
}

fn change(c: &import::CellChange) -> CellChange {
    CellChange {
        row: c.row.clone(),
        column: c.column.clone(),
        before: c.before.clone(),
        after: c.after.clone(),
    }
}

fn rejected(report: &Report) -> Vec<RejectedRow> {
    let unreadable = report.rejects.iter().map(|r| RejectedRow {
        line: r.line,
        row: r.row.clone(),
        reason: if r.column.is_empty() {
            r.reason.clone()
        } else {
            format!("{}: {}", r.column, r.reason)
        },
    });
    let conflicting = report.conflicts.iter().map(|c| RejectedRow {
        line: c.line,
        row: c.key.clone(),
        reason: format!(
            "{} investors in the grid have this key: merge them, or choose another key",
            c.row_ids.len()
        ),
    });
    unreadable.chain(conflicting).take(SHOWN_REJECTS).collect()
}

fn warnings(report: &Report) -> Vec<String> {
    let mut warnings = report.warnings.clone();
    if !report.new_columns.is_empty() {
        warnings.push(format!("New columns: {}.", report.new_columns.join(", ")));
    }
    if !report.new_funds.is_empty() {
        warnings.push(format!("New funds: {}.", report.new_funds.join(", ")));
    }
    if report.new_contacts > 0 {
        let n = i64::try_from(report.new_contacts).unwrap_or(i64::MAX);
        let people = show::count(n, "person becomes a contact", "people become contacts");
        warnings.push(format!("{people}; all others are known."));
    }
    warnings.extend(
        report
            .new_choices
            .iter()
            .map(|c| format!("New options of {}: {}.", c.column, c.names.join(", "))),
    );
    warnings
}

fn blocked(report: &Report) -> Option<String> {
    if !report.errors.is_empty() {
        return Some(report.errors.join(" "));
    }
    (report.new + report.changed == 0)
        .then(|| "Nothing would change: the grid has all of it already.".to_owned())
}

fn result(import: &Import, report: &Report) -> String {
    match import.state {
        ImportState::Failed => import.error.clone().unwrap_or_default(),
        ImportState::Applied if import.change_set_id.is_none() => {
            "Nothing had to change.".to_owned()
        }
        ImportState::Applied => {
            let summary = format!("{}, in one change set.", report.summary());
            match (&import.revert_error, &import.revert) {
                (Some(error), _) => format!("{summary} It could not be taken back: {error}."),
                (None, Some(tried)) => format!("{summary} {}", revert::words(tried)),
                (None, None) => summary,
            }
        }
        ImportState::Reverted => import
            .revert
            .as_ref()
            .map_or_else(|| "All of it was undone.".to_owned(), revert::words),
        _ => String::new(),
    }
}

fn links(import: &Import) -> Vec<LinkTo> {
    let is_done = matches!(import.state, ImportState::Applied | ImportState::Reverted);
    let grid = is_done.then(|| LinkTo::new("Open the grid", "/grid"));
    let job = match import.state {
        ImportState::Reverting => import.revert_job_id,
        _ => import.job_id,
    };
    let job = job.map(|job| LinkTo::new("The job", &format!("/jobs/{job}")));
    grid.into_iter().chain(job).collect()
}
