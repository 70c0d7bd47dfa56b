//! What a rule does, worked out for one row and then done.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::{Action, render, runs::RunStep};
use crate::{
    db::{DbError, WriteTx},
    formula,
    grid::{
        Applied, ColumnType, ContactPill, GridError, LISTS, Operation,
        table::{Table, TableColumn},
    },
    notes::{self, NewNote},
    work::{self, TaskDraft, due},
};

/// All that is to be done, with every text filled in and every formula computed.
pub(super) struct Doing {
    pub(super) operations: Vec<Operation>,
    rest: Vec<Rest>,
    /// What the operations do, in words, by the place of their action.
    told: Vec<(usize, RunStep)>,
}

/// What goes beside the grid.
enum Rest {
    Task(usize, Box<TaskDraft>),
    Note(usize, String),
    Draft(usize, Box<Mail>),
    Notice(usize, String),
}

struct Mail {
    to: Option<ContactPill>,
    subject: String,
    body: String,
}

fn list_name(list: &str) -> &str {
    match list {
        "main" => "Main",
        "follow_up" => "Follow-up",
        "longshot" => "Longshot",
        "graveyard" => "Graveyard",
        other => other,
    }
}

fn step(says: impl Into<String>, href: impl Into<String>) -> RunStep {
    RunStep {
        says: says.into(),
        href: href.into(),
    }
}

impl Doing {
    pub(super) fn work_out(
        table: &Table,
        slot: u32,
        actions: &[Action],
    ) -> Result<Self, GridError> {
        let row = table
            .head(slot)
            .map(|head| head.id.to_string())
            .unwrap_or_default();
        let mut doing = Self {
            operations: Vec::new(),
            rest: Vec::new(),
            told: Vec::new(),
        };
        for (at, action) in actions.iter().enumerate() {
            doing.add(table, slot, &row, at, action)?;
        }
        Ok(doing)
    }

    fn add(
        &mut self,
        table: &Table,
        slot: u32,
        row: &str,
        at: usize,
        action: &Action,
    ) -> Result<(), GridError> {
        let wrong =
            |why: String| GridError::invalid("action_failed", format!("actions[{at}]"), why);
        let fill = |text: &str| render::fill(table, slot, text);
        match action {
            Action::Move { list, reason } => {
                let is_there = table
                    .column("@list")
                    .is_some_and(|c| c.json(c.code(slot)) == **list);
                let says = if is_there {
                    format!("was on {} already", list_name(list))
                } else {
                    format!("moved to {}", list_name(list))
                };
                self.told.push((at, step(says, format!("/lists/{list}"))));
                self.operations.push(Operation::Move {
                    row: row.to_owned(),
                    list: LISTS
                        .iter()
                        .find(|known| *known == list)
                        .map_or_else(|| list.clone(), |known| (*known).to_owned()),
                    reason: clipped(&fill(reason), 1_000),
                });
            }
            Action::Set {
                column,
                value,
                formula,
            } => {
                let found = table
                    .column(column)
                    .ok_or_else(|| wrong(format!("there is no column {column:?} any more")))?;
                let value = match formula {
                    Some(source) => render::formula(table, slot, source)
                        .map_err(|why| wrong(format!("{}: {why}", found.column.name)))?,
                    None => value.clone(),
                };
                self.told.push((at, step(said(found, &value), "")));
                self.operations.push(Operation::Set {
                    row: row.to_owned(),
                    column: column.clone(),
                    value,
                    base: i64::MAX,
                });
            }
            Action::CreateTask {
                title,
                due,
                assignee,
            } => {
                let due_on = due::understand(&fill(due), table.moment.today)?;
                self.rest.push(Rest::Task(
                    at,
                    Box::new(TaskDraft {
                        row: Some(row.to_owned()),
                        title: clipped(&one_line(&fill(title)), 300),
                        due_on,
                        assignee: assigned(table, slot, assignee.as_deref()),
                        ..TaskDraft::default()
                    }),
                ));
            }
            Action::AppendNote { text } => self.rest.push(Rest::Note(at, fill(text))),
            Action::ProposeEmail { subject, body } => self.rest.push(Rest::Draft(
                at,
                Box::new(Mail {
                    to: addressee(table, slot),
                    subject: clipped(&one_line(&fill(subject)), 300),
                    body: fill(body),
                }),
            )),
            Action::NotifyDigest { text } => {
                self.rest.push(Rest::Notice(at, one_line(&fill(text))));
            }
        }
        Ok(())
    }

    /// Does what goes beside the grid, and tells all of it in the rule's order.
    pub(super) async fn finish(
        self,
        tx: &mut WriteTx,
        run: i64,
        row: &str,
        actor: &str,
        applied: &Applied,
    ) -> Result<Vec<RunStep>, GridError> {
        let mut told = self.told;
        if applied.changes > 0 {
            for (_, step) in told.iter_mut().filter(|(_, step)| step.href.is_empty()) {
                step.href = format!("/activity?source=changes#change-{}", applied.version);
            }
        }
        for rest in self.rest {
            told.push(rest.carry_out(tx, run, row, actor).await?);
        }
        told.sort_by_key(|(at, _)| *at);
        Ok(told.into_iter().map(|(_, step)| step).collect())
    }
}

impl Rest {
    async fn carry_out(
        self,
        tx: &mut WriteTx,
        run: i64,
        row: &str,
        actor: &str,
    ) -> Result<(usize, RunStep), GridError> {
        match self {
            Self::Task(at, mut draft) => {
                // Who left the team gets no tasks: they are the team's then.
                if let Some(who) = &draft.assignee
                    && !is_active(tx, who).await?
                {
                    draft.assignee = None;
                }
                let task = work::add(tx, &draft, actor).await?;
                made(tx, run, "task", &task.id).await?;
                let due = task.due_on.as_deref().map(|day| format!(", due {day}"));
                let says = format!("added the task “{}”{}", task.title, due.unwrap_or_default());
                Ok((at, step(says, format!("/tasks/{}", task.id))))
            }
            Self::Note(at, body) => {
                let new = NewNote {
                    row,
                    body: &body,
                    by: actor,
                    ..NewNote::default()
                };
                let note = notes::add(tx, &new).await?;
                made(tx, run, "note", &note.id).await?;
                Ok((
                    at,
                    step("added a note", format!("/investors/{row}#note-{}", note.id)),
                ))
            }
            Self::Draft(at, mail) => {
                let id = mail.propose(tx, run, row, actor).await?;
                made(tx, run, "draft", &id).await?;
                let says = format!("proposed the email “{}”", mail.subject);
                Ok((at, step(says, format!("/drafts#draft-{id}"))))
            }
            Self::Notice(at, text) => {
                let (id, now) = (tx.new_id(), tx.now());
                sqlx::query(
                    "insert into digest_notices (id, run_id, row_id, text, at) values (?1, ?2, ?3, ?4, ?5)",
                )
                .bind(&id)
                .bind(run)
                .bind(row)
                .bind(&text)
                .bind(now)
                .execute(&mut **tx)
                .await?;
                made(tx, run, "notice", &id).await?;
                Ok((at, step(format!("will be in the digest: “{text}”"), "")))
            }
        }
    }
}

impl Mail {
    async fn propose(
        &self,
        tx: &mut WriteTx,
        run: i64,
        row: &str,
        actor: &str,
    ) -> Result<String, DbError> {
        let (id, now) = (tx.new_id(), tx.now());
        let to = self.to.clone().unwrap_or_default();
        sqlx::query(
            "insert into email_drafts (id, row_id, contact_id, to_name, to_address, subject, body, run_id, created_at, created_by)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )
        .bind(&id)
        .bind(row)
        .bind(to.id)
        .bind(to.name)
        .bind(to.email.unwrap_or_default())
        .bind(&self.subject)
        .bind(&self.body)
        .bind(run)
        .bind(now)
        .bind(actor)
        .execute(&mut **tx)
        .await?;
        Ok(id)
    }
}

async fn made(tx: &mut WriteTx, run: i64, what: &str, thing: &str) -> Result<(), DbError> {
    sqlx::query("insert into automation_made (run_id, what, thing_id) values (?1, ?2, ?3)")
        .bind(run)
        .bind(what)
        .bind(thing)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn is_active(tx: &mut WriteTx, user: &str) -> Result<bool, DbError> {
    sqlx::query_scalar("select exists (select 1 from users where id = ?1 and disabled_at is null)")
        .bind(user)
        .fetch_one(&mut **tx)
        .await
}

fn assigned(table: &Table, slot: u32, who: Option<&str>) -> Option<String> {
    match who? {
        "" => None,
        "owner" => {
            let owner = table.column("@owner")?.key(slot);
            match owner {
                formula::Value::Text(user) => Some(user.to_string()),
                _ => None,
            }
        }
        user => Some(user.to_owned()),
    }
}

/// The first person of the row with an address; else the row's own address.
fn addressee(table: &Table, slot: u32) -> Option<ContactPill> {
    let of_kind = |kind: ColumnType| table.columns().iter().filter(move |c| c.kind == kind);
    let pills = of_kind(ColumnType::Contacts).flat_map(|column| {
        let json: Value = column.json(column.code(slot));
        serde_json::from_value::<Vec<ContactPill>>(json).unwrap_or_default()
    });
    let person = pills.into_iter().find(|pill| pill.email.is_some());
    person.or_else(|| {
        let mut emails = of_kind(ColumnType::Email).map(|c| c.json(c.code(slot)));
        let address = emails.find_map(|json| json.as_str().map(str::to_owned))?;
        Some(ContactPill {
            name: table.title(slot),
            email: Some(address),
            ..ContactPill::default()
        })
    })
}

fn said(column: &TableColumn, value: &Value) -> String {
    let name = &column.column.name;
    match crate::grid::normalize(&column.column, value) {
        Ok(None) => format!("cleared {name}"),
        Ok(Some(kept)) => {
            let text = crate::grid::display(&column.column, &kept);
            format!("set {name} to “{}”", clipped(&text, 100))
        }
        Err(_) => format!("set {name}"),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn clipped(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// What the actions would do for a row, in words.
pub(super) fn in_words(table: &Table, slot: u32, actions: &[Action]) -> Vec<String> {
    let fill = |text: &str| render::fill(table, slot, text);
    let day = |day: Date| day.strftime("%-d %b %Y").to_string();
    actions
        .iter()
        .map(|action| match action {
            Action::Move { list, reason } => {
                let reason = fill(reason);
                let why = if reason.is_empty() {
                    String::new()
                } else {
                    format!(": “{reason}”")
                };
                format!("Move it to {}{why}", list_name(list))
            }
            Action::Set {
                column,
                value,
                formula,
            } => {
                let value = match formula {
                    Some(source) => render::formula(table, slot, source).unwrap_or(json!("?")),
                    None => value.clone(),
                };
                table.column(column).map_or_else(
                    || format!("Set {column}, which is no column any more"),
                    |found| {
                        let text = said(found, &value);
                        let mut chars = text.chars();
                        let first = chars.next().map(char::to_uppercase);
                        first.into_iter().flatten().chain(chars).collect()
                    },
                )
            }
            Action::CreateTask { title, due, .. } => {
                let when = due::understand(&fill(due), table.moment.today);
                let when = when.ok().flatten().map(|d| format!(", due {}", day(d)));
                format!(
                    "Add the task “{}”{}",
                    one_line(&fill(title)),
                    when.unwrap_or_default()
                )
            }
            Action::AppendNote { text } => {
                format!("Add the note “{}”", clipped(&one_line(&fill(text)), 100))
            }
            Action::ProposeEmail { subject, .. } => {
                format!("Propose the email “{}”", one_line(&fill(subject)))
            }
            Action::NotifyDigest { text } => {
                format!("Tell it in the digest: “{}”", one_line(&fill(text)))
            }
        })
        .collect()
}
