//! The quick log: one verb notes who talked with an investor, and does all that
//! goes with it in one transaction.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::SqliteConnection;

use super::{NewInteraction, Task, TaskDraft, add_interaction_with, check, tasks};
use crate::{
    db::{DbError, WriteTx},
    funds::name_key,
    grid::{self, ChangeBy, Column, ColumnType, ContactPill, GridError, Operation, Row},
    notes::{self, NewNote},
};

/// Characters of an investor's or a person's name at most.
const MAX_NAME_CHARS: usize = 200;
/// Candidates named at most when a name fits several investors.
const MOST_NAMED: usize = 10;

/// What was talked about, with whom.
#[derive(Clone, Debug, Default)]
pub struct Communication {
    /// Id or name of the investor; a new name makes a new investor.
    pub investor: String,
    /// With whom.
    pub contact: Option<LogContact>,
    /// One of [`super::CONTACT_KINDS`].
    pub kind: String,
    /// UTC milliseconds; now if none.
    pub at: Option<i64>,
    /// Markdown; may be empty.
    pub note: String,
    /// The list a new investor goes to, or a known one moves to.
    pub list: Option<String>,
    /// When to follow up.
    pub follow_up: Option<Date>,
    /// Whose that task is; the team's if nobody's.
    pub assignee: Option<String>,
}

/// A person as a log names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogContact {
    /// Full name; may be empty if there is an address.
    pub name: String,
    /// Mail address.
    pub email: Option<String>,
    /// What they do there.
    pub role: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Logged {
    /// The investor's id.
    pub investor: String,
    /// Its name.
    pub title: String,
    /// Whether it is new.
    pub investor_created: bool,
    /// The person, if one was named.
    pub contact: Option<String>,
    /// Whether they are new at this investor.
    pub contact_created: bool,
    /// The contact noted.
    pub interaction: String,
    /// The note, if there was one.
    pub note: Option<String>,
    /// The task to follow up, if one was wanted.
    pub task: Option<Task>,
    /// The grid's version, if this changed the grid.
    pub version: Option<i64>,
}

/// An investor that a name may mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ambiguous {
    /// Row id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// Its list.
    pub list: String,
}

/// What a look before the transaction found: names are compared outside of it,
/// because that reads all rows.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    version: i64,
    rows: Vec<String>,
}

/// Looks for the investor of this id or name.
pub async fn look_for(conn: &mut SqliteConnection, investor: &str) -> Result<Seen, DbError> {
    let version = grid::state(conn).await?.version;
    Ok(Seen {
        rows: named(conn, investor, -1).await?,
        version,
    })
}

/// Ids of live rows with this name that changed after a version.
async fn named(
    conn: &mut SqliteConnection,
    investor: &str,
    after: i64,
) -> Result<Vec<String>, DbError> {
    let columns = grid::columns(conn).await?;
    let (Some(first), key) = (first(&columns), name_key(investor)) else {
        return Ok(Vec::new());
    };
    let names: Vec<(String, Option<String>)> = sqlx::query_as(
        "select id, cells ->> ?1 from grid_rows where version > ?2 and deleted_at is null",
    )
    .bind(&first.id)
    .bind(after)
    .fetch_all(conn)
    .await?;
    let is_meant = |name: &Option<String>| name.as_deref().is_some_and(|n| name_key(n) == key);
    Ok(names
        .into_iter()
        .filter(|(_, name)| is_meant(name))
        .map(|(id, _)| id)
        .collect())
}

/// The column that names a row.
fn first(columns: &[Column]) -> Option<&Column> {
    columns.iter().find(|c| !c.hidden)
}

/// Logs a communication. The inner error names the investors that the name may
/// mean; nothing is written then.
pub async fn log_communication(
    tx: &mut WriteTx,
    what: &Communication,
    seen: &Seen,
    by: &str,
) -> Result<Result<Logged, Vec<Ambiguous>>, GridError> {
    let found = match investor(tx, &what.investor, seen).await? {
        Ok(found) => found,
        Err(several) => return Ok(Err(several)),
    };
    let columns = ready_columns(tx, by).await?;
    let (row, created, contact_created, version) = save(tx, what, found, &columns, by).await?;
    let contact = match &what.contact {
        Some(wanted) => pill_of(&row, &columns, wanted),
        None => None,
    };
    let contact_id = contact.as_ref().and_then(|pill| pill.id.clone());
    let now = tx.now();
    let interaction = NewInteraction {
        row: &row.id,
        kind: &what.kind,
        at: what.at.unwrap_or(now),
        note: "",
        by,
    };
    let interaction = add_interaction_with(tx, &interaction, contact_id.as_deref()).await?;
    let note = if what.note.trim().is_empty() {
        None
    } else {
        let new = NewNote {
            row: &row.id,
            contact: contact_id.as_deref(),
            interaction: Some(&interaction),
            body: &what.note,
            by,
        };
        Some(notes::add(tx, &new).await?.id)
    };
    let title = titled(&row, &columns);
    let task = match what.follow_up {
        None => None,
        Some(day) => {
            let whom = contact.as_ref().map_or(title.as_str(), |pill| &pill.name);
            let draft = TaskDraft {
                row: Some(row.id.clone()),
                contact: contact_id.clone(),
                title: format!("Follow up with {whom}").chars().take(300).collect(),
                due_on: Some(day),
                assignee: what.assignee.clone(),
                ..TaskDraft::default()
            };
            Some(tasks::add(tx, &draft, by).await?)
        }
    };
    Ok(Ok(Logged {
        investor: row.id,
        title,
        investor_created: created,
        contact: contact_id,
        contact_created,
        interaction,
        note,
        task,
        version,
    }))
}

fn titled(row: &Row, columns: &[Column]) -> String {
    row.title(first(columns).map_or(&[], std::slice::from_ref))
}

/// The investor meant, none for a new one, or all it may be.
async fn investor(
    tx: &mut WriteTx,
    text: &str,
    seen: &Seen,
) -> Result<Result<Option<Row>, Vec<Ambiguous>>, GridError> {
    let text = check::text("investor", text, MAX_NAME_CHARS, false)?;
    if text.is_empty() {
        return Err(GridError::invalid(
            "no_investor",
            "investor",
            "say which investor: its name, or its id",
        ));
    }
    if let Some(row) = grid::row(tx, &text).await? {
        return Ok(Ok(Some(row)));
    }
    // What was found before may have been renamed since, and others named so.
    let mut ids = named(tx, &text, seen.version).await?;
    let columns = grid::columns(tx).await?;
    let key = name_key(&text);
    for row in grid::rows_by_id(tx, &seen.rows).await? {
        if !ids.contains(&row.id) && name_key(&titled(&row, &columns)) == key {
            ids.push(row.id);
        }
    }
    let mut rows = grid::rows_by_id(tx, &ids).await?;
    if rows.len() > 1 {
        let candidates = rows.iter().take(MOST_NAMED).map(|row| Ambiguous {
            id: row.id.clone(),
            title: titled(row, &columns),
            list: row.list.clone(),
        });
        return Ok(Err(candidates.collect()));
    }
    Ok(Ok(rows.pop()))
}

async fn ready_columns(tx: &mut WriteTx, by: &str) -> Result<Vec<Column>, GridError> {
    grid::begin(tx, by).await?;
    Ok(grid::columns(tx).await?)
}

/// Writes what the grid has to know: the row, its person, its list. Returns the
/// row, whether it and the person are new, and the version that made it so.
async fn save(
    tx: &mut WriteTx,
    what: &Communication,
    found: Option<Row>,
    columns: &[Column],
    by: &str,
) -> Result<(Row, bool, bool, Option<i64>), GridError> {
    let (mut operations, mut is_new_person) = (Vec::new(), false);
    let pills = match &what.contact {
        None => None,
        Some(contact) => {
            let column = contacts_column(columns)?;
            let (pills, is_new) = with_contact(found.as_ref(), column, contact)?;
            is_new_person = is_new;
            pills.map(|pills| (column.id.clone(), pills))
        }
    };
    if let Some(row) = &found {
        if let Some((column, value)) = pills {
            operations.push(Operation::Set {
                row: row.id.clone(),
                column,
                value,
                base: row.version,
            });
        }
        if let Some(list) = what.list.as_ref().filter(|list| **list != row.list) {
            operations.push(Operation::Move {
                row: row.id.clone(),
                list: list.clone(),
                reason: "Said when a contact was logged".to_owned(),
            });
        }
    } else {
        let name = first(columns).ok_or_else(|| {
            GridError::invalid("no_columns", "investor", "the grid has no column for names")
        })?;
        let mut cells = Map::new();
        cells.insert(name.id.clone(), what.investor.trim().into());
        cells.extend(pills);
        operations.push(Operation::AddRow {
            id: None,
            after: None,
            cells,
            list: what.list.clone(),
        });
    }
    if operations.is_empty() {
        let row = found.ok_or_else(gone)?;
        return Ok((row, false, is_new_person, None));
    }
    let change = ChangeBy {
        actor: by,
        origin: "log",
        summary: "A contact was logged",
        job: None,
    };
    let applied = grid::apply(tx, &operations, &change).await?;
    let id = match &found {
        Some(row) => row.id.clone(),
        None => applied
            .rows
            .first()
            .map(|r| r.id.clone())
            .ok_or_else(gone)?,
    };
    let row = grid::row(tx, &id).await?.ok_or_else(gone)?;
    let version = (applied.changes > 0).then_some(applied.version);
    Ok((row, found.is_none(), is_new_person, version))
}

fn gone() -> GridError {
    GridError::Missing {
        what: "row",
        id: String::new(),
    }
}

fn contacts_column(columns: &[Column]) -> Result<&Column, GridError> {
    let mut found = columns.iter().filter(|c| c.kind == ColumnType::Contacts);
    let visible = found.clone().find(|c| !c.hidden);
    visible.or_else(|| found.next()).ok_or_else(|| {
        GridError::invalid(
            "no_contacts_column",
            "contact",
            "the grid has no column of contacts: add one, or leave the contact out",
        )
    })
}

fn pills_of(row: Option<&Row>, column: &Column) -> Vec<ContactPill> {
    let value = row.and_then(|row| row.cells.get(&column.id));
    value
        .and_then(|value| serde_json::from_value(value.clone()).ok())
        .unwrap_or_default()
}

/// Whether a pill is the person a log names.
fn is_meant(pill: &ContactPill, wanted: &LogContact) -> bool {
    match (&wanted.email, &pill.email) {
        (Some(wanted), Some(theirs)) => wanted.trim().eq_ignore_ascii_case(theirs),
        _ => !wanted.name.trim().is_empty() && name_key(&pill.name) == name_key(&wanted.name),
    }
}

/// The cell with the person in it; none if nothing changes. And whether the
/// person is new there.
fn with_contact(
    row: Option<&Row>,
    column: &Column,
    wanted: &LogContact,
) -> Result<(Option<Value>, bool), GridError> {
    let name = check::text("contact.name", &wanted.name, MAX_NAME_CHARS, false)?;
    let email = wanted
        .email
        .as_deref()
        .map(str::trim)
        .filter(|e| !e.is_empty());
    let role = wanted
        .role
        .as_deref()
        .map(str::trim)
        .filter(|r| !r.is_empty());
    if name.is_empty() && email.is_none() {
        return Err(GridError::invalid(
            "no_name",
            "contact.name",
            "write the name or the address of the contact, or leave the contact out",
        ));
    }
    let before = pills_of(row, column);
    let mut pills = before.clone();
    let known = pills.iter().position(|pill| is_meant(pill, wanted));
    let pill = if let Some(pill) = known.and_then(|at| pills.get_mut(at)) {
        pill
    } else {
        pills.push(ContactPill {
            name: email.unwrap_or_default().to_owned(),
            ..ContactPill::default()
        });
        let last = pills.len() - 1;
        &mut pills[last]
    };
    if !name.is_empty() {
        pill.name = name;
    }
    if let Some(email) = email {
        pill.email = Some(email.to_lowercase());
    }
    if let Some(role) = role {
        pill.role = Some(role.to_owned());
    }
    let value = serde_json::to_value(&pills).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    Ok(((pills != before).then_some(value), known.is_none()))
}

/// The person as the saved row has them.
pub(crate) fn pill_of(row: &Row, columns: &[Column], wanted: &LogContact) -> Option<ContactPill> {
    let column = contacts_column(columns).ok()?;
    pills_of(Some(row), column)
        .into_iter()
        .find(|pill| is_meant(pill, wanted))
}

/// The column of contacts and its cell with this person in it; none if the person is
/// there already, just so.
pub(crate) fn pills_with(
    row: &Row,
    columns: &[Column],
    wanted: &LogContact,
) -> Result<Option<(String, Value)>, GridError> {
    let column = contacts_column(columns)?;
    let (pills, _) = with_contact(Some(row), column, wanted)?;
    Ok(pills.map(|pills| (column.id.clone(), pills)))
}
