//! Approving, dismissing, and taking a decision back.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

use super::{MAX_NOTE, NewPerson, Proposal, ProposalState, store};
use crate::{
    db::{DbError, WriteTx},
    grid::{self, ChangeBy, GridError, Operation, Row, table::pipeline_stage},
    notes::{self, NewNote},
    work::{self, LogContact, TaskDraft},
};

/// What a person makes of a proposal.
#[derive(Clone, Debug, Default)]
pub struct Approval {
    /// The note as it shall be.
    pub note: String,
    /// Who becomes a contact; nobody if none.
    pub new_contact: Option<NewPerson>,
    /// When to follow up; no task if none.
    pub follow_up_on: Option<Date>,
    /// The stage to move to; the investor stays where it is if none.
    pub stage: Option<String>,
}

impl Approval {
    /// The proposal as it is, but for the stage: that is only a hint.
    pub fn of(proposal: &Proposal) -> Self {
        Self {
            note: proposal.note.clone(),
            new_contact: proposal.new_contact.clone(),
            follow_up_on: proposal
                .follow_up_on
                .as_deref()
                .and_then(|d| d.parse().ok()),
            stage: None,
        }
    }
}

/// What approving made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// The note.
    pub note: Option<String>,
    /// The follow-up.
    pub task: Option<String>,
    /// The grid's change: a contact, a stage.
    pub change_set: Option<i64>,
    /// The note as it was drafted, if it was edited.
    #[serde(default)]
    pub drafted: Option<String>,
}

/// How taking back went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// The proposal, open again.
    pub id: String,
    /// What stays because somebody went on with it.
    pub stays: Vec<&'static str>,
}

/// Takes a proposal, as edited: note, contact, follow-up and stage in one
/// transaction. A proposal that was decided is refused (`already_decided`).
pub async fn approve(
    tx: &mut WriteTx,
    id: &str,
    approval: &Approval,
    by: &str,
) -> Result<Approved, GridError> {
    let proposal = undecided(tx, id).await?;
    let note = approval.note.trim();
    if note.is_empty() || note.chars().count() > MAX_NOTE {
        return Err(GridError::invalid(
            "invalid_note",
            "note",
            format!("write a note of 1 to {MAX_NOTE} characters, or dismiss the proposal"),
        ));
    }
    let row = grid::row(tx, &proposal.row_id)
        .await?
        .ok_or_else(|| GridError::Missing {
            what: "row",
            id: proposal.row_id.clone(),
        })?;
    let (change_set, contact) = write_cells(tx, &row, approval, by).await?;
    let contact = contact.or(proposal.contact_id.clone());
    let new = NewNote {
        row: &proposal.row_id,
        contact: contact.as_deref(),
        interaction: None,
        body: note,
        by,
    };
    let id_of_note = notes::add(tx, &new).await?.id;
    let task = match approval.follow_up_on {
        None => None,
        Some(day) => {
            let title = format!("Follow up with {}", proposal.row_title);
            let draft = TaskDraft {
                row: Some(proposal.row_id.clone()),
                contact,
                title: title.chars().take(300).collect(),
                due_on: Some(day),
                ..TaskDraft::default()
            };
            Some(work::add(tx, &draft, by).await?.id)
        }
    };
    let made = Approved {
        note: Some(id_of_note),
        task,
        change_set,
        drafted: Some(proposal.note.clone()).filter(|drafted| drafted != note),
    };
    sqlx::query("update email_proposals set note = ?2 where id = ?1")
        .bind(id)
        .bind(note)
        .execute(&mut **tx)
        .await?;
    decide(tx, id, ProposalState::Approved, &made, by).await?;
    Ok(made)
}

/// Lets a proposal go.
pub async fn dismiss(tx: &mut WriteTx, id: &str, by: &str) -> Result<(), GridError> {
    undecided(tx, id).await?;
    Ok(decide(tx, id, ProposalState::Dismissed, &Approved::default(), by).await?)
}

/// Takes a decision back: what it made goes unless somebody changed it since.
pub async fn undo(tx: &mut WriteTx, id: &str, by: &str) -> Result<Undone, GridError> {
    let proposal = present(tx, id).await?;
    if proposal.state == ProposalState::Pending {
        return Err(GridError::invalid(
            "not_decided",
            "id",
            "nobody has decided this proposal: there is nothing to take back",
        ));
    }
    let made: String = sqlx::query_scalar("select made from email_proposals where id = ?1")
        .bind(id)
        .fetch_one(&mut **tx)
        .await?;
    let made: Approved =
        serde_json::from_str(&made).map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
    // Mail that came since may have made another one for the same day.
    let newer: Option<String> = sqlx::query_scalar(
        "select id from email_proposals where row_id = ?1 and thread_id = ?2 and day = ?3 and state = 'pending'",
    )
    .bind(&proposal.row_id)
    .bind(&proposal.thread_id)
    .bind(&proposal.day)
    .fetch_optional(&mut **tx)
    .await?;
    if newer.is_some() {
        return Err(GridError::invalid(
            "newer_proposal",
            "id",
            "newer mail of that day has made another proposal: decide that one instead",
        ));
    }
    let mut stays = Vec::new();
    if let Some(note) = &made.note {
        if note_as_made(tx, note).await? {
            notes::remove(tx, note, by).await?;
        } else {
            stays.push("the note");
        }
    }
    if let Some(task) = &made.task {
        if task_as_made(tx, task).await? {
            work::remove(tx, task, by).await?;
        } else {
            stays.push("the follow-up");
        }
    }
    if let Some(set) = made.change_set
        && !taken_back(tx, set, by).await?
    {
        stays.push("what it changed in the grid");
    }
    let now = tx.now();
    sqlx::query(
        "update email_proposals set state = 'pending', decided_at = null, decided_by = null, made = '{}', updated_at = ?2,
                note = coalesce(?3, note) where id = ?1",
    )
    .bind(id)
    .bind(now)
    .bind(&made.drafted)
    .execute(&mut **tx)
    .await?;
    Ok(Undone {
        id: id.to_owned(),
        stays,
    })
}

async fn present(tx: &mut WriteTx, id: &str) -> Result<Proposal, GridError> {
    store::find(tx, id)
        .await?
        .ok_or_else(|| GridError::Missing {
            what: "proposal",
            id: id.to_owned(),
        })
}

async fn undecided(tx: &mut WriteTx, id: &str) -> Result<Proposal, GridError> {
    let proposal = present(tx, id).await?;
    if proposal.state == ProposalState::Pending {
        return Ok(proposal);
    }
    Err(GridError::invalid(
        "already_decided",
        "id",
        format!(
            "this proposal was {} already: take that back first",
            proposal.state.word()
        ),
    ))
}

async fn decide(
    tx: &mut WriteTx,
    id: &str,
    state: ProposalState,
    made: &Approved,
    by: &str,
) -> Result<(), DbError> {
    let made = serde_json::to_string(made).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    let now = tx.now();
    sqlx::query(
        "update email_proposals set state = ?2, made = ?3, decided_at = ?4, decided_by = ?5, updated_at = ?4
         where id = ?1 and state = 'pending'",
    )
    .bind(id)
    .bind(state.word())
    .bind(made)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Writes what the grid has to know. Returns its change set, and the id of the new
/// contact.
async fn write_cells(
    tx: &mut WriteTx,
    row: &Row,
    approval: &Approval,
    by: &str,
) -> Result<(Option<i64>, Option<String>), GridError> {
    let columns = grid::columns(tx).await?;
    let wanted = approval.new_contact.as_ref().map(|person| LogContact {
        name: person.name.clone(),
        email: Some(person.email.clone()).filter(|e| !e.is_empty()),
        role: None,
    });
    let mut operations = Vec::new();
    if let Some(wanted) = &wanted
        && let Some((column, value)) = work::pills_with(row, &columns, wanted)?
    {
        operations.push(set(row, column, value));
    }
    if let Some(stage) = approval.stage.as_deref().filter(|s| !s.is_empty()) {
        let column = grid::pipeline_column(&columns);
        let choice = column.and_then(|c| {
            let standing = |name: &str| pipeline_stage(name) == Some(stage);
            c.options
                .choices
                .iter()
                .find(|o| o.id == stage || standing(&o.name))
        });
        let (Some(column), Some(choice)) = (column, choice) else {
            return Err(GridError::invalid(
                "no_such_stage",
                "stage",
                format!(
                    "the pipeline has no stage {stage:?}: choose one of its own, or leave it out"
                ),
            ));
        };
        operations.push(set(row, column.id.clone(), choice.id.clone().into()));
    }
    if operations.is_empty() {
        return Ok((None, None));
    }
    let change = ChangeBy {
        actor: by,
        origin: "proposal",
        summary: "A proposal from mail was approved",
        job: None,
    };
    let applied = grid::apply(tx, &operations, &change).await?;
    let saved = grid::row(tx, &row.id).await?;
    let contact = match (&saved, &wanted) {
        (Some(saved), Some(wanted)) => work::pill_of(saved, &columns, wanted).and_then(|p| p.id),
        _ => None,
    };
    Ok(((applied.changes > 0).then_some(applied.version), contact))
}

fn set(row: &Row, column: String, value: serde_json::Value) -> Operation {
    Operation::Set {
        row: row.id.clone(),
        column,
        value,
        base: row.version,
    }
}

async fn note_as_made(conn: &mut SqliteConnection, id: &str) -> Result<bool, DbError> {
    sqlx::query_scalar(
        "select exists (select 1 from notes where id = ?1 and deleted_at is null and updated_at = created_at)",
    )
    .bind(id)
    .fetch_one(conn)
    .await
}

async fn task_as_made(conn: &mut SqliteConnection, id: &str) -> Result<bool, DbError> {
    sqlx::query_scalar(
        "select exists (select 1 from tasks where id = ?1 and deleted_at is null and status = 'open' and updated_at = created_at)",
    )
    .bind(id)
    .fetch_one(conn)
    .await
}

/// Reverts the grid's change; false if other changes stand on it.
async fn taken_back(tx: &mut WriteTx, set: i64, by: &str) -> Result<bool, GridError> {
    let summary = format!("Undo of change {set}");
    let change = ChangeBy {
        actor: by,
        origin: "undo",
        summary: &summary,
        job: None,
    };
    match grid::revert(tx, set, &change, grid::REVERTED_AT_ONCE).await {
        Ok(applied) => Ok(applied.conflicts.is_empty()),
        Err(GridError::Invalid { .. }) => Ok(false),
        Err(other) => Err(other),
    }
}
