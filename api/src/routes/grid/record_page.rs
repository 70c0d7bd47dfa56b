//! Building an investor's record page.

use std::collections::BTreeMap;

use crm_jobs::{
    funds::STAGES,
    grid::{
        self, Column, ColumnType, LISTS, Row,
        table::{TableColumn, is_derived},
    },
};

use super::{
    fields, history, list,
    page::{Cell, CommitmentRow, Conflict, ContactCard, InvestorPage, Value},
    values::{Names, list_label, list_pill},
};
use crate::{
    error::AppError,
    frame::frame,
    routes::page::{Badge, Choice, Paging},
    session::SignedIn,
    show,
    state::App,
};

/// Change sets on one page of the history.
const PER_PAGE: usize = 20;

/// What a form that came back adds to the page.
#[derive(Default)]
pub struct Returned {
    /// Column → what was posted, what the field held before, what is wrong.
    pub posted: BTreeMap<String, (Vec<String>, String, Option<String>)>,
    /// The version the form was based on.
    pub version: Option<i64>,
    /// Changes that met newer ones.
    pub conflicts: Vec<Conflict>,
}

/// The page of a row; its history from before a change set, or the newest.
pub async fn build(
    app: &App,
    who: &SignedIn,
    row: &Row,
    before: Option<i64>,
    returned: Returned,
) -> Result<InvestorPage, AppError> {
    let names = Names::load(app).await?;
    let mut conn = app.db.read().acquire().await?;
    let columns = grid::columns(&mut conn).await?;
    let all_columns = grid::all_columns(&mut conn).await?;
    let most = i64::try_from(PER_PAGE).unwrap_or(20) + 1;
    let mut sets = grid::history_of_row(&mut conn, &row.id, before, most).await?;
    drop(conn);
    let has_older = sets.len() > PER_PAGE;
    sets.truncate(PER_PAGE);
    let title = list::title(row, columns.iter().find(|c| !c.hidden), &names);
    let mut frame = frame(app, who, &title).await;
    frame.path = path(&row.id);
    let older = sets.last().filter(|_| has_older).map(|set| set.id);
    Ok(InvestorPage {
        frame,
        id: row.id.clone(),
        title,
        version: returned.version.unwrap_or(row.version),
        list: list_pill(&row.list),
        list_story: list_story(row, &names),
        lists: LISTS
            .into_iter()
            .filter(|list| *list != row.list)
            .map(|list| Choice::new(list, list_label(list), false))
            .collect(),
        archived: archived(row, &names),
        has_errors: returned
            .posted
            .values()
            .any(|(_, _, error)| error.is_some()),
        fields: columns
            .iter()
            .filter(|column| column.kind != ColumnType::Formula)
            .map(|column| field(row, column, &names, &returned))
            .collect(),
        derived: derived(app, row, &names).await?,
        contacts: contacts(row, &columns),
        commitments: commitments(row, &columns, &names),
        history: sets
            .iter()
            .map(|set| history::change_set(&names, &all_columns, set))
            .collect(),
        history_paging: paging(&row.id, before, older),
        contact_kinds: super::touch::kinds(),
        today: show::today(&names.zone, names.now),
        conflicts: returned.conflicts,
    })
}

/// Address of a record.
pub fn path(id: &str) -> String {
    format!("/investors/{id}")
}

fn field(row: &Row, column: &Column, names: &Names, returned: &Returned) -> super::page::Field {
    if let Some((posted, was, error)) = returned.posted.get(&column.id) {
        let mut field = fields::field(names, column, posted);
        field.was.clone_from(was);
        field.error.clone_from(error);
        return field;
    }
    let posted = fields::as_posted(names, column, row.cells.get(&column.id));
    fields::field(names, column, &posted)
}

fn list_story(row: &Row, names: &Names) -> String {
    let since = show::day(&names.zone, row.list_since_at);
    let by = show::actor(&row.list_by, &names.users);
    if row.list_reason.is_empty() {
        format!("since {since}, by {by}")
    } else {
        format!("since {since}, by {by}: “{}”", row.list_reason)
    }
}

fn archived(row: &Row, names: &Names) -> Option<String> {
    let at = row.archived_at?;
    let reason = row.archive_reason.as_deref().unwrap_or_default();
    Some(format!(
        "Archived on {}: “{reason}”",
        show::day(&names.zone, at)
    ))
}

/// What follows from the row: formulas, derived columns that say something, and
/// who made and changed it.
async fn derived(app: &App, row: &Row, names: &Names) -> Result<Vec<Cell>, AppError> {
    let table = app.grid.read().await?;
    let mut cells: Vec<Cell> = Vec::new();
    let told = [
        "@list",
        "@created_at",
        "@created_by",
        "@modified_at",
        "@modified_by",
    ];
    let follows = |c: &&TableColumn| {
        let id = c.column.id.as_str();
        (is_derived(id) || c.column.kind == ColumnType::Formula) && !told.contains(&id)
    };
    if let Some(slot) = table.slot(&row.id) {
        for column in table
            .columns()
            .iter()
            .filter(follows)
            .filter(|c| c.code(slot) != 0)
        {
            let reads = Column {
                kind: column.kind,
                ..column.column.clone()
            };
            cells.push(Cell {
                label: column.column.name.clone(),
                numeric: false,
                value: names.value(&reads, Some(&column.json(column.code(slot)))),
                ..Cell::default()
            });
        }
    }
    cells.extend(made_and_changed(row, names));
    Ok(cells)
}

fn made_and_changed(row: &Row, names: &Names) -> Vec<Cell> {
    let line = |label: &str, at: i64, by: &str| Cell {
        label: label.to_owned(),
        value: Value::Text(format!(
            "{} by {}",
            show::moment(&names.zone, at).text,
            show::actor(by, &names.users)
        )),
        ..Cell::default()
    };
    vec![
        line("Created", row.created_at, &row.created_by),
        line("Changed", row.updated_at, &row.updated_by),
    ]
}

fn contacts(row: &Row, columns: &[Column]) -> Vec<ContactCard> {
    let people = columns
        .iter()
        .filter(|c| c.kind == ColumnType::Contacts)
        .filter_map(|c| row.cells.get(&c.id)?.as_array())
        .flatten()
        .map(fields::pill);
    let mut seen = std::collections::HashSet::new();
    people
        .filter(|p| p.id.is_none() || seen.insert(p.id.clone()))
        .map(|person| ContactCard {
            initials: show::initials(&person.name),
            name: person.name,
            role: person.role.unwrap_or_default(),
            emails: person.email.into_iter().collect(),
            phone: person.phone.unwrap_or_default(),
        })
        .collect()
}

fn commitments(row: &Row, columns: &[Column], names: &Names) -> Vec<CommitmentRow> {
    columns
        .iter()
        .filter_map(|column| {
            let commitment = column.options.commitment.as_ref()?;
            let value = row.cells.get(&column.id)?;
            Some(CommitmentRow {
                fund: names.fund(&commitment.fund),
                stage: stage(&commitment.stage),
                amount: names.text(column, value),
            })
        })
        .collect()
}

fn stage(stage: &str) -> Badge {
    let tone = match STAGES.iter().position(|known| *known == stage) {
        Some(0) | None => "muted",
        Some(1 | 2) => "info",
        Some(3 | 4) => "ok",
        Some(_) => "bad",
    };
    let mut letters = stage.chars();
    let head = letters.next().map(|c| c.to_ascii_uppercase());
    Badge::new(&head.into_iter().chain(letters).collect::<String>(), tone)
}

fn paging(id: &str, before: Option<i64>, older: Option<i64>) -> Paging {
    let back = u64::from(before.is_some());
    Paging {
        page: 1 + back,
        pages: 1 + back + u64::from(older.is_some()),
        total: "Newest first".to_owned(),
        prev: before.map(|_| format!("{}#history", path(id))),
        next: older.map(|set| format!("{}?before={set}#history", path(id))),
    }
}
