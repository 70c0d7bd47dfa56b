//! The tables of an archive: CSV files that any spreadsheet opens.

use std::{collections::HashMap, io::Write};

use futures_util::TryStreamExt;
use serde_json::Value;
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{
    ArchiveError,
    entries::{Entries, Table},
    make::{KeptFile, Packing},
};
use crate::{
    export::{Sheet, Wanted, cells},
    grid::{self, Column, table::Head, view::OrderQuery},
};

/// A table that one query fills: as many texts as it has headers. A header that
/// ends in `#` is of numbers.
struct Plain {
    name: &'static str,
    headers: &'static [&'static str],
    sql: &'static str,
}

const PLAIN: &[Plain] = &[
    Plain {
        name: "contacts",
        headers: &[
            "Contact ID", "Name", "Email", "Other addresses", "Phone", "Role", "Investors", "Added at",
        ],
        sql: "select c.id, c.name, c.email,
            (select group_concat(a.email, '; ') from contact_addresses a where a.contact_id = c.id),
            f.phone, f.role,
            (select group_concat(i.name, '; ') from fundraising_investor_contacts ic
             join fundraising_investors i on i.id = ic.investor_id where ic.contact_id = c.id),
            strftime('%Y-%m-%dT%H:%M:%SZ', c.created_at / 1000, 'unixepoch')
          from contacts c left join fundraising_contacts f on f.id = c.id
          where not exists (select 1 from contact_merges m where m.merged_id = c.id and m.undone_at is null)
          order by c.name_key, c.id",
    },
    Plain {
        name: "funds",
        headers: &[
            "Fund ID", "Name", "Vehicle", "Currency", "Target#", "Hard cap#", "First close", "Final close", "Status",
        ],
        sql: "select id, name, vehicle, currency, target, hard_cap, first_close_on, final_close_on, status
          from funds where deleted_at is null order by name_key, id",
    },
    Plain {
        name: "commitments",
        headers: &[
            "Day", "Investor ID", "Investor", "Fund", "Stage", "Before#", "After#", "Currency", "Note", "Written at", "By",
        ],
        sql: "select e.happened_on, e.row_id, i.name, coalesce(f.name, e.fund_id), e.stage, e.before, e.after, e.currency, e.note,
            strftime('%Y-%m-%dT%H:%M:%SZ', e.at / 1000, 'unixepoch'),
            coalesce((select u.name from users u where u.id = substr(e.by, 6)), e.by)
          from commitment_events e
          left join fundraising_investors i on i.id = e.row_id left join funds f on f.id = e.fund_id
          order by e.id",
    },
    Plain {
        name: "stages",
        headers: &["At", "Investor ID", "Investor", "From", "To", "By"],
        sql: "select strftime('%Y-%m-%dT%H:%M:%SZ', e.at / 1000, 'unixepoch'), e.row_id, i.name,
            coalesce(e.from_stage, e.from_choice), coalesce(e.to_stage, e.to_choice),
            coalesce((select u.name from users u where u.id = substr(e.by, 6)), e.by)
          from stage_events e left join fundraising_investors i on i.id = e.row_id order by e.id",
    },
    Plain {
        name: "tasks",
        headers: &[
            "Task ID", "Investor ID", "Investor", "Title", "Due", "Snoozed until", "Status", "Assignee", "Repeats", "Note",
            "Added at", "Added by", "Done at", "Done by",
        ],
        sql: "select t.id, t.row_id, i.name, t.title, t.due_on, t.snoozed_until, t.status, a.name, t.repeat, t.note,
            strftime('%Y-%m-%dT%H:%M:%SZ', t.created_at / 1000, 'unixepoch'),
            coalesce((select u.name from users u where u.id = substr(t.created_by, 6)), t.created_by),
            strftime('%Y-%m-%dT%H:%M:%SZ', t.done_at / 1000, 'unixepoch'),
            coalesce((select u.name from users u where u.id = substr(t.done_by, 6)), t.done_by)
          from tasks t left join fundraising_investors i on i.id = t.row_id left join users a on a.id = t.assignee
          where t.deleted_at is null order by t.created_at, t.id",
    },
    Plain {
        name: "notes",
        headers: &[
            "Note ID", "Investor ID", "Investor", "Contact", "Pinned", "Text", "Written at", "By", "Edited at",
        ],
        sql: "select n.id, n.row_id, i.name, c.name, iif(n.pinned, 'yes', ''), n.body,
            strftime('%Y-%m-%dT%H:%M:%SZ', n.created_at / 1000, 'unixepoch'),
            coalesce((select u.name from users u where u.id = substr(n.created_by, 6)), n.created_by),
            iif(n.updated_at > n.created_at, strftime('%Y-%m-%dT%H:%M:%SZ', n.updated_at / 1000, 'unixepoch'), null)
          from notes n left join fundraising_investors i on i.id = n.row_id left join contacts c on c.id = n.contact_id
          where n.deleted_at is null order by n.created_at, n.id",
    },
    Plain {
        name: "interactions",
        headers: &["At", "Investor ID", "Investor", "Kind", "Contact", "Note", "By"],
        sql: "select strftime('%Y-%m-%dT%H:%M:%SZ', t.at / 1000, 'unixepoch'), t.row_id, i.name, t.kind, c.name, t.note,
            coalesce((select u.name from users u where u.id = substr(t.created_by, 6)), t.created_by)
          from interactions t left join fundraising_investors i on i.id = t.row_id left join contacts c on c.id = t.contact_id
          where t.deleted_at is null order by t.at, t.id",
    },
];

/// Rows of each table, in the order they stand in the archive.
pub(super) type Counts = Vec<(&'static str, usize)>;

/// Adds all of them.
pub(super) fn add(
    packing: &Packing,
    entries: &mut Entries,
    kept: &[KeptFile],
) -> Result<Counts, ArchiveError> {
    let mut counts = vec![("investors", investors(packing, entries)?)];
    for plain in PLAIN {
        packing.go_on(6, &format!("writing {}", plain.name))?;
        counts.push((plain.name, one(packing, entries, plain)?));
    }
    counts.push(("files", files(packing, entries, kept)?));
    packing.go_on(6, "writing the history")?;
    counts.push(("changes", changes(packing, entries)?));
    Ok(counts)
}

fn csv_entry<T>(
    entries: &mut Entries,
    name: &str,
    headers: &[&str],
    fill: impl FnOnce(&mut Table<&mut dyn Write>) -> Result<T, ArchiveError>,
) -> Result<usize, ArchiveError> {
    Packing::buffered(entries, &format!("csv/{name}.csv"), |out| {
        let mut table = Table::new(out as &mut dyn Write, headers)?;
        fill(&mut table)?;
        table.end()
    })
}

fn text(row: &SqliteRow, at: usize) -> Option<String> {
    row.try_get(at).ok().flatten()
}

fn one(packing: &Packing, entries: &mut Entries, plain: &Plain) -> Result<usize, ArchiveError> {
    csv_entry(entries, plain.name, plain.headers, |table| {
        packing.handle.block_on(async {
            let mut rows = sqlx::query(plain.sql).fetch(packing.copy.read());
            while let Some(row) = rows.try_next().await? {
                table.row((0..plain.headers.len()).map(|at| text(&row, at)))?;
            }
            Ok(())
        })
    })
}

/// Every investor with every column, hidden, derived and computed ones too; the
/// archived ones at the end.
fn investors(packing: &Packing, entries: &mut Entries) -> Result<usize, ArchiveError> {
    let sheet = |archived| {
        let wanted = Wanted {
            order: OrderQuery {
                archived,
                ..OrderQuery::default()
            },
            all_columns: true,
            ..Wanted::default()
        };
        // Neither filter nor sort: there is nothing to be refused.
        Sheet::take(&packing.table, &wanted, grid::view::Viewer { user: None })
    };
    let sheets = [sheet(false), sheet(true)];
    let mut headers = vec!["Investor ID", "Archived"];
    if let Ok(first) = &sheets[0] {
        headers.extend(first.headers());
    }
    csv_entry(entries, "investors", &headers, |table| {
        for sheet in sheets.iter().flatten() {
            for (n, slot) in sheet.slots.iter().enumerate() {
                if n % 2_000 == 0 {
                    packing.go_on(6, &format!("writing investors: {n}"))?;
                }
                let Some(head) = sheet.table.head(*slot) else {
                    continue;
                };
                let first = [head.id.to_string(), archived(head)];
                table.raw(first.into_iter().chain(sheet.row(*slot)))?;
            }
        }
        Ok(())
    })
}

fn archived(head: &Head) -> String {
    if head.archived { "yes" } else { "" }.to_owned()
}

/// What is in `files/`, and at whom.
fn files(
    packing: &Packing,
    entries: &mut Entries,
    kept: &[KeptFile],
) -> Result<usize, ArchiveError> {
    let names: HashMap<&str, &KeptFile> = kept.iter().map(|k| (k.id.as_str(), k)).collect();
    let headers = [
        "File ID",
        "Investor ID",
        "Investor",
        "Contact",
        "Name",
        "Type",
        "Bytes#",
        "SHA-256",
        "Attached at",
        "By",
        "In files/ as",
        "State",
    ];
    csv_entry(entries, "files", &headers, |table| {
        packing.handle.block_on(async {
            let mut rows = sqlx::query(
                "select f.id, f.row_id, i.name, c.name, f.name, f.media_type, cast(f.size_bytes as text), f.sha256,
                   strftime('%Y-%m-%dT%H:%M:%SZ', f.created_at / 1000, 'unixepoch'),
                   coalesce((select u.name from users u where u.id = substr(f.created_by, 6)), f.created_by)
                 from files f left join fundraising_investors i on i.id = f.row_id left join contacts c on c.id = f.contact_id
                 where f.deleted_at is null order by f.created_at, f.id",
            )
            .fetch(packing.copy.read());
            while let Some(row) = rows.try_next().await? {
                let id = text(&row, 0).unwrap_or_default();
                let Some(known) = names.get(id.as_str()) else {
                    continue;
                };
                let known = [known.name.clone(), known.state.to_owned()];
                table.row((0..10).map(|at| text(&row, at)).chain(known.map(Some)))?;
            }
            Ok(())
        })
    })
}

/// Everything that ever changed, oldest first.
fn changes(packing: &Packing, entries: &mut Entries) -> Result<usize, ArchiveError> {
    let headers = [
        "At",
        "Change",
        "By",
        "How",
        "Summary",
        "Investor ID",
        "Investor",
        "What",
        "Column",
        "Before",
        "After",
    ];
    let columns = packing.handle.block_on(async {
        let mut conn = packing.copy.read().acquire().await?;
        grid::all_columns(&mut conn).await
    })?;
    csv_entry(entries, "changes", &headers, |table| {
        packing.handle.block_on(async {
            let mut rows = sqlx::query(
                "select strftime('%Y-%m-%dT%H:%M:%SZ', s.at / 1000, 'unixepoch'), cast(s.id as text),
                   coalesce((select u.name from users u where u.id = substr(s.actor, 6)), s.actor), s.origin, s.summary,
                   c.row_id, i.name, c.what, c.column_id, c.before, c.after
                 from grid_changes c join change_sets s on s.id = c.change_set_id
                 left join fundraising_investors i on i.id = c.row_id
                 order by c.id",
            )
            .fetch(packing.copy.read());
            while let Some(row) = rows.try_next().await? {
                if table.rows % 20_000 == 0 {
                    packing.go_on(6, &format!("writing the history: {}", table.rows))?;
                }
                let column = text(&row, 8).and_then(|id| columns.get(&id));
                let what = text(&row, 7).unwrap_or_default();
                let side = |at| told(packing, column, &what, text(&row, at));
                let name = column.map(|c| c.name.clone()).or_else(|| text(&row, 8));
                let first = (0..8).map(|at| text(&row, at));
                table.row(first.chain([name, side(9), side(10)]))?;
            }
            Ok(())
        })
    })
}

/// One side of a change, as people read it; what is no cell stays JSON.
fn told(
    packing: &Packing,
    column: Option<&Column>,
    what: &str,
    stored: Option<String>,
) -> Option<String> {
    let stored = stored?;
    match (what, column) {
        ("cell", Some(column)) => {
            let value: Value = serde_json::from_str(&stored).ok()?;
            Some(cells::shown(column, &packing.table.names, &value))
        }
        _ => Some(stored),
    }
}
