//! What a rule says, and whether it can be kept.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::render;
use crate::{
    grid::{
        self, ColumnType, GridError, LISTS,
        table::{Table, TableColumn},
        view::{Filter, View, Viewer, compile},
    },
    queue::schedules::next_slot,
};

/// Actions of one rule at most.
const MAX_ACTIONS: usize = 10;
/// Days of a rule at most.
const MAX_DAYS: i64 = 3_650;

/// What a rule says: when, whether, what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Of this form; 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1))]
    pub version: u8,
    /// When.
    pub trigger: Trigger,
    /// For which rows; all if absent. As in views.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Filter>,
    /// What is done, in this order.
    #[schemars(length(min = 1, max = 10))]
    pub actions: Vec<Action>,
    /// A person says yes or no to each run first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ask_first: bool,
}

fn one() -> u8 {
    1
}

/// When a rule fires.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "on", rename_all = "snake_case", deny_unknown_fields)]
pub enum Trigger {
    /// A cell of a row that is there already changed.
    CellChanged {
        /// Column id.
        #[schemars(length(min = 1, max = 100))]
        column: String,
        /// Only from this value; null is blank, absent is any.
        #[serde(
            default,
            deserialize_with = "given",
            skip_serializing_if = "Option::is_none"
        )]
        from: Option<Value>,
        /// Only to this value; null is blank, absent is any.
        #[serde(
            default,
            deserialize_with = "given",
            skip_serializing_if = "Option::is_none"
        )]
        to: Option<Value>,
    },
    /// A row was added.
    RowCreated {},
    /// A row came into a view.
    EnteredView {
        /// View id; a shared or locked one.
        #[schemars(length(min = 1, max = 64))]
        view: String,
    },
    /// A row left a view.
    LeftView {
        /// View id; a shared or locked one.
        #[schemars(length(min = 1, max = 64))]
        view: String,
    },
    /// A row came into a list.
    EnteredList {
        /// `main`, `follow_up`, `longshot` or `graveyard`.
        #[schemars(regex(pattern = "^(main|follow_up|longshot|graveyard)$"))]
        list: String,
    },
    /// A row left a list.
    LeftList {
        /// `main`, `follow_up`, `longshot` or `graveyard`.
        #[schemars(regex(pattern = "^(main|follow_up|longshot|graveyard)$"))]
        list: String,
    },
    /// The day in a column has come, or comes in so many days.
    DateReached {
        /// Id of a date column.
        #[schemars(length(min = 1, max = 100))]
        column: String,
        /// Days after the date; before it if negative.
        #[serde(default)]
        #[schemars(range(min = -3_650, max = 3_650))]
        offset_days: i64,
    },
    /// Nobody was in touch for so many days.
    NoContact {
        /// Days since the last contact, or since the row was added.
        #[schemars(range(min = 1, max = 3_650))]
        days: i64,
    },
    /// At certain times, for all rows that satisfy the conditions.
    Schedule {
        /// Five cron fields.
        #[schemars(length(min = 9, max = 100))]
        cron: String,
        /// IANA zone; the fund's own if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(max = 64))]
        zone: Option<String>,
    },
    /// When a person says so.
    Manual {},
}

/// What a rule does. Texts may name columns: `{Name}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Moves the row to a list.
    Move {
        /// `main`, `follow_up`, `longshot` or `graveyard`.
        #[schemars(regex(pattern = "^(main|follow_up|longshot|graveyard)$"))]
        list: String,
        /// Why.
        #[serde(default)]
        #[schemars(length(max = 500))]
        reason: String,
    },
    /// Sets a cell.
    Set {
        /// Column id.
        #[schemars(length(min = 1, max = 100))]
        column: String,
        /// The value; null clears the cell.
        #[serde(default)]
        value: Value,
        /// Instead: a formula over the row as it was before the run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(max = 2_000))]
        formula: Option<String>,
    },
    /// Adds a task.
    CreateTask {
        /// What is to be done.
        #[schemars(length(min = 1, max = 200))]
        title: String,
        /// When, as people say it: `in two weeks`.
        #[serde(default)]
        #[schemars(length(max = 100))]
        due: String,
        /// Whose: a user id, `owner` for the row's relationship owner, or the team's
        /// if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(max = 64))]
        assignee: Option<String>,
    },
    /// Adds a note.
    AppendNote {
        /// Markdown.
        #[schemars(length(min = 1, max = 4_000))]
        text: String,
    },
    /// Proposes a mail to the investor's first contact. Nothing is sent.
    ProposeEmail {
        /// Subject.
        #[schemars(length(min = 1, max = 300))]
        subject: String,
        /// Plain text.
        #[schemars(length(min = 1, max = 8_000))]
        body: String,
    },
    /// Tells the team in the daily digest.
    NotifyDigest {
        /// One line.
        #[schemars(length(min = 1, max = 500))]
        text: String,
    },
}

/// Tells a null that is there from a value that is not.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// Whether a rule can be kept as things are: columns and views are there, texts
/// and formulas make sense. The error names the part. Values are brought into the
/// form cells have.
pub fn check(
    table: &Table,
    views: &[View],
    definition: &Definition,
) -> Result<Definition, GridError> {
    let mut checked = definition.clone();
    if checked.version != 1 {
        return Err(wrong("version", "this program knows rules of version 1"));
    }
    check_trigger(table, views, &mut checked.trigger)?;
    if let Some(filter) = &checked.conditions {
        compile(table, filter, Viewer::default()).map_err(|error| match error {
            GridError::Invalid {
                code,
                field,
                detail,
            } => GridError::invalid(code, field.replacen("filter", "conditions", 1), detail),
            other => other,
        })?;
    }
    if checked.actions.is_empty() {
        return Err(wrong(
            "actions",
            "say what the rule does: it needs one action at least",
        ));
    }
    if checked.actions.len() > MAX_ACTIONS {
        return Err(wrong("actions", "a rule has at most 10 actions"));
    }
    for (index, action) in checked.actions.iter_mut().enumerate() {
        check_action(table, action, &format!("actions[{index}]"))?;
    }
    Ok(checked)
}

fn wrong(field: impl Into<String>, detail: impl Into<String>) -> GridError {
    GridError::invalid("invalid_rule", field, detail)
}

fn column<'t>(table: &'t Table, id: &str, field: &str) -> Result<&'t TableColumn, GridError> {
    table.column(id).ok_or_else(|| {
        wrong(
            field,
            format!("the rule needs a column {id:?}: add it, or choose another"),
        )
    })
}

fn check_list(list: &str, field: String) -> Result<(), GridError> {
    if LISTS.contains(&list) {
        return Ok(());
    }
    Err(wrong(
        field,
        format!("{list:?} is no list: use main, follow_up, longshot or graveyard"),
    ))
}

fn check_trigger(table: &Table, views: &[View], trigger: &mut Trigger) -> Result<(), GridError> {
    match trigger {
        Trigger::CellChanged {
            column: id,
            from,
            to,
        } => {
            let found = column(table, id, "trigger.column")?;
            if grid::table::is_derived(id) || found.column.kind == ColumnType::Formula {
                return Err(wrong(
                    "trigger.column",
                    format!(
                        "nobody writes {}: use a view with a condition on it instead",
                        found.column.name
                    ),
                ));
            }
            for (field, value) in [("trigger.from", from), ("trigger.to", to)] {
                if let Some(value) = value {
                    *value = grid::normalize(&found.column, value)
                        .map_err(|why| wrong(field, format!("{} {why}", found.column.name)))?
                        .unwrap_or_default();
                }
            }
            Ok(())
        }
        Trigger::EnteredView { view } | Trigger::LeftView { view } => {
            if views.iter().any(|v| v.id == *view) {
                return Ok(());
            }
            Err(wrong(
                "trigger.view",
                "there is no such view that everybody sees: choose a shared or locked one",
            ))
        }
        Trigger::EnteredList { list } | Trigger::LeftList { list } => {
            check_list(list, "trigger.list".to_owned())
        }
        Trigger::DateReached {
            column: id,
            offset_days,
        } => {
            let found = column(table, id, "trigger.column")?;
            if !matches!(found.kind, ColumnType::Date | ColumnType::DateTime) {
                return Err(wrong(
                    "trigger.column",
                    format!("{} holds no dates", found.column.name),
                ));
            }
            if offset_days.abs() > MAX_DAYS {
                return Err(wrong(
                    "trigger.offset_days",
                    "use at most 3,650 days before or after",
                ));
            }
            Ok(())
        }
        Trigger::NoContact { days } => {
            if (1..=MAX_DAYS).contains(days) {
                return Ok(());
            }
            Err(wrong("trigger.days", "use 1 to 3,650 days"))
        }
        Trigger::Schedule { cron, zone } => {
            let zone = zone.as_deref().unwrap_or("UTC");
            next_slot(cron, zone, table.moment.now.as_millisecond())
                .map_err(|error| wrong("trigger.cron", error.to_string()))?;
            Ok(())
        }
        Trigger::RowCreated {} | Trigger::Manual {} => Ok(()),
    }
}

/// Characters of an action's formula.
const MAX_FORMULA: usize = 2_000;

fn check_action(table: &Table, action: &mut Action, field: &str) -> Result<(), GridError> {
    let text = |part: &str, text: &str, most: usize, is_needed: bool| {
        let at = format!("{field}.{part}");
        if is_needed && text.trim().is_empty() {
            return Err(wrong(at, format!("the {part} is empty: write something")));
        }
        if text.chars().count() > most {
            return Err(wrong(
                at,
                format!("the {part} has at most {most} characters"),
            ));
        }
        render::check(table, text).map_err(|why| wrong(at, why))
    };
    match action {
        Action::Move { list, reason } => {
            check_list(list, format!("{field}.list"))?;
            text("reason", reason, 500, false)
        }
        Action::Set {
            column: id,
            value,
            formula,
        } => {
            let at = format!("{field}.column");
            let found = column(table, id, &at)?;
            if grid::table::is_derived(id) || found.column.kind == ColumnType::Formula {
                return Err(wrong(at, format!("nobody can write {}", found.column.name)));
            }
            if let Some(source) = formula {
                if source.chars().count() > MAX_FORMULA {
                    let why = format!("a formula has at most {MAX_FORMULA} characters");
                    return Err(wrong(format!("{field}.formula"), why));
                }
                if !value.is_null() {
                    let why = "give a value or a formula, not both";
                    return Err(wrong(format!("{field}.formula"), why));
                }
                let columns = table.definitions();
                grid::compile_formula(source, &columns, false)
                    .map_err(|problem| wrong(format!("{field}.formula"), problem.message))?;
            } else {
                grid::normalize(&found.column, value).map_err(|why| {
                    wrong(
                        format!("{field}.value"),
                        format!("{} {why}", found.column.name),
                    )
                })?;
            }
            Ok(())
        }
        Action::CreateTask {
            title,
            due,
            assignee,
        } => {
            text("title", title, 200, true)?;
            text("due", due, 100, false)?;
            if !due.contains('{') {
                crate::work::due::understand(due, table.moment.today)
                    .map_err(|error| wrong(format!("{field}.due"), error.to_string()))?;
            }
            let is_known = assignee.as_deref().is_none_or(|who| {
                who == "owner" || table.names.users.iter().any(|user| user.id == who)
            });
            if !is_known {
                let why = "there is no such member: use their id, owner, or leave it out";
                return Err(wrong(format!("{field}.assignee"), why));
            }
            Ok(())
        }
        Action::AppendNote { text: body } => text("text", body, 4_000, true),
        Action::ProposeEmail { subject, body } => {
            text("subject", subject, 300, true)?;
            text("body", body, 8_000, true)
        }
        Action::NotifyDigest { text: line } => text("text", line, 500, true),
    }
}
