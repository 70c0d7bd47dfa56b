//! The timeline: as JSON, and as the page draws it.

use std::collections::BTreeMap;

use axum::extract::State;
use crm_jobs::{
    grid::{Column, ColumnType},
    notes::{self, Note},
    timeline::{self, Cursor, Event, Kind, Page, Wanted, What},
    work::{self, CONTACT_KINDS, Task},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    changes,
    page::{Entry, NoteText},
};
use crate::{
    error::{AppError, sentence},
    extract::{Json, Path, Query},
    routes::{
        files::item as file_item,
        grid::values::{Names, list_label},
        page::LinkTo,
        reminders::item::contact,
        state::live_row,
    },
    session::SignedIn,
    show,
    state::App,
};

/// Events of one answer unless told otherwise.
const USUAL: usize = 50;

/// Which events.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct TimelineQuery {
    /// Kinds, separated by commas: notes, contacts, emails, tasks, stages, commitments,
    /// lists, files, changes. All if absent.
    #[schemars(length(max = 100))]
    show: Option<String>,
    /// Where the last answer ended.
    #[schemars(length(max = 200))]
    cursor: Option<String>,
    /// Events at most, up to 100.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<usize>,
}

pub async fn json(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<TimelineQuery>,
) -> Result<Json<Page>, AppError> {
    let row = live_row(&app, &id).await?;
    let kinds = Kind::read_all(query.show.as_deref().unwrap_or_default())
        .map_err(|why| AppError::invalid("show", sentence(&why)))?;
    let after: Option<Cursor> = query
        .cursor
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|why: String| AppError::invalid("cursor", sentence(&why)))?;
    let mut conn = app.db.read().acquire().await?;
    let wanted = Wanted {
        kinds: &kinds,
        after: after.as_ref(),
        limit: query.limit.unwrap_or(USUAL),
        today: work::today(&mut conn, app.db.now()).await?,
    };
    Ok(Json(timeline::page(&mut conn, &row.id, &wanted).await?))
}

/// What events of a page are drawn with.
pub struct Drawing<'a> {
    pub names: &'a Names,
    /// All columns there ever were.
    pub columns: &'a BTreeMap<String, Column>,
    pub who: &'a SignedIn,
}

impl Drawing<'_> {
    /// The event, drawn.
    pub fn entry(&self, event: &Event) -> Entry {
        let by = show::actor(&event.by, &self.names.users);
        let mut entry = Entry {
            kind: event.kind.word(),
            icon: icon(event),
            by,
            at: show::ago(self.names.now, event.at),
            moment: show::moment(&self.names.zone, event.at).text,
            ..Entry::default()
        };
        self.fill(&mut entry, event);
        entry
    }

    fn fill(&self, entry: &mut Entry, event: &Event) {
        match &event.what {
            What::Changes {
                origin,
                summary,
                job_id,
                changes: list,
            } => {
                entry.changes = list
                    .iter()
                    .flat_map(|change| changes::lines(self.names, self.columns, change))
                    .collect();
                entry.says = match (origin.as_str(), entry.changes.len()) {
                    ("edit" | "log" | "demo" | "automation", 1) => "changed a field".to_owned(),
                    ("edit" | "log" | "demo" | "automation", n) => format!("changed {n} fields"),
                    ("import", _) => "imported".to_owned(),
                    ("undo", _) => "undid".to_owned(),
                    ("redo", _) => "redid".to_owned(),
                    (other, _) => {
                        format!("changed ({})", changes::origin(other).text.to_lowercase())
                    }
                };
                entry.folded = entry.changes.len() > 8;
                entry.detail.clone_from(summary);
                entry.link = job_id.map(|job| LinkTo::new("Job", &format!("/jobs/{job}")));
                if origin == "automation" {
                    entry.detail.clear();
                    entry.link = Some(run_of(&event.id));
                }
            }
            What::List { from, to, reason } => {
                let label = |list: &Option<String>| list.as_deref().map_or("no list", list_label);
                entry.says = format!("moved it from {} to {}", label(from), label(to));
                if event.by.starts_with("rule:") {
                    entry.link = Some(run_of(&event.id));
                }
                entry.detail.clone_from(reason);
            }
            What::Stage { from, to, .. } => {
                entry.says = match (from, to) {
                    (_, None) => "took it out of the pipeline".to_owned(),
                    (None, Some(to)) => format!("put it at {}", self.choice(to)),
                    (Some(from), Some(to)) => {
                        format!("moved it from {} to {}", self.choice(from), self.choice(to))
                    }
                };
            }
            What::Commitment { .. } => self.commitment(entry, &event.what),
            What::Note { note } => {
                "wrote a note".clone_into(&mut entry.says);
                entry.note = Some(self.note(note));
            }
            What::Email { .. } => email(entry, &event.what),
            What::Contact {
                channel,
                contact_id,
                contact_name,
                text,
                note,
            } => {
                let known = CONTACT_KINDS.iter().find(|(kind, _)| kind == channel);
                let with = if contact_name.is_some() { " with" } else { "" };
                entry.says = format!(
                    "logged a {}{with}",
                    known.map_or("contact", |(_, name)| name).to_lowercase()
                );
                if entry.says.starts_with("logged a email") {
                    entry.says = format!("logged an email{with}");
                }
                entry.link = contact(contact_id.as_deref(), contact_name.as_deref());
                entry.detail.clone_from(text);
                entry.note = note.as_ref().map(|note| self.note(note));
                entry.remove.clone_from(&event.id);
            }
            What::TaskAdded { task } => Self::task(entry, task, "added a task"),
            What::TaskDone { task } => Self::task(entry, task, "finished a task"),
            What::File { file } => {
                "attached a file".clone_into(&mut entry.says);
                entry.file = Some(file_item(file, self.names));
            }
        }
    }

    fn commitment(&self, entry: &mut Entry, what: &What) {
        let What::Commitment {
            fund,
            fund_name,
            stage,
            before,
            after,
            currency,
            happened_on,
            note,
        } = what
        else {
            return;
        };
        let fund = fund_name.clone().unwrap_or_else(|| self.names.fund(fund));
        let amount = |text: &str| {
            format!("{currency} {}", show::amount(text))
                .trim()
                .to_owned()
        };
        entry.says = match (before, after) {
            (Some(before), Some(after)) => {
                format!(
                    "changed {stage} in {fund} from {} to {}",
                    amount(before),
                    amount(after)
                )
            }
            (None, Some(after)) => format!("entered {} {stage} in {fund}", amount(after)),
            (Some(before), None) => format!("took out {} {stage} in {fund}", amount(before)),
            (None, None) => format!("touched {stage} in {fund}"),
        };
        let day = happened_on.parse::<jiff::civil::Date>();
        let day = day.map_or_else(
            |_| happened_on.clone(),
            |day| day.strftime("%-d %b %Y").to_string(),
        );
        entry.detail = if note.is_empty() {
            format!("As of {day}")
        } else {
            format!("As of {day}: {note}")
        };
    }

    fn task(entry: &mut Entry, task: &Task, says: &str) {
        says.clone_into(&mut entry.says);
        entry.link = Some(LinkTo::new(&task.title, &format!("/tasks/{}", task.id)));
        entry.detail = notes::plain(&task.note, 200);
    }

    fn note(&self, note: &Note) -> NoteText {
        NoteText {
            id: note.id.clone(),
            html: notes::html(&note.body, &note.mentions),
            edited: (note.edits > 0).then(|| show::day(&self.names.zone, note.updated_at)),
            pinned: note.pinned,
            // Only a hint for the eye: anybody of the team may edit.
            mine: note.created_by == self.who.actor().to_string(),
        }
    }

    /// The name of a choice of the pipeline column, or of any single select: a
    /// column may have been replaced since.
    fn choice(&self, id: &str) -> String {
        let selects = self
            .columns
            .values()
            .filter(|c| c.kind == ColumnType::Select);
        let mut pipelines: Vec<&Column> = selects.collect();
        pipelines.sort_by_key(|c| (!c.options.pipeline, !c.name.eq_ignore_ascii_case("stage")));
        pipelines
            .iter()
            .find_map(|c| c.options.choices.iter().find(|choice| choice.id == id))
            .map_or_else(|| id.to_owned(), |choice| choice.name.clone())
    }
}

/// The run behind a rule's change.
fn run_of(change_set: &str) -> LinkTo {
    LinkTo::new("Why", &format!("/automations/changes/{change_set}"))
}

fn icon(event: &Event) -> &'static str {
    match &event.what {
        What::Changes { .. } => "edit",
        What::List { .. } => "rows",
        What::Stage { .. } => "board",
        What::Commitment { .. } => "activity",
        What::Note { .. } => "copy",
        What::Contact { .. } => "user",
        What::Email { .. } => "mail",
        What::TaskAdded { .. } => "plus",
        What::TaskDone { .. } => "check",
        What::File { .. } => "download",
    }
}

/// A kind as filters name it.
pub fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::Notes => "Notes",
        Kind::Contacts => "Calls and meetings",
        Kind::Emails => "Emails",
        Kind::Tasks => "Tasks",
        Kind::Stages => "Stages",
        Kind::Commitments => "Commitments",
        Kind::Lists => "Lists",
        Kind::Files => "Files",
        Kind::Changes => "Changes",
    }
}

fn email(entry: &mut Entry, what: &What) {
    let What::Email {
        thread_id,
        direction,
        from,
        subject,
        said,
    } = what
    else {
        return;
    };
    entry.by.clone_from(from);
    let wrote = if direction == "in" {
        "wrote to us"
    } else {
        "wrote to them"
    };
    entry.says = if subject.is_empty() {
        wrote.to_owned()
    } else {
        format!("{wrote}: {subject}")
    };
    entry.detail = said.replace('\n', " ");
    entry.link = Some(LinkTo::new(
        "Conversation",
        &format!("/emails/threads/{thread_id}"),
    ));
}
