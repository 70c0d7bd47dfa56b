//! A rule as a form has it: flat names and texts, in both directions.

use std::collections::BTreeMap;

use crm_jobs::{
    automations::{Action, Definition, Trigger},
    grid::{
        self, ColumnType,
        table::{Table, TableColumn},
        view::{Condition, Filter},
    },
};
use serde_json::{Value, json};

/// Conditions and actions that a form takes at most.
const MOST: usize = 20;

/// What was typed: name → text.
#[derive(Clone, Debug, Default)]
pub struct Typed(pub BTreeMap<String, String>);

impl Typed {
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub fn set(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.0.insert(name.into(), text.into());
    }

    fn count(&self, name: &str) -> usize {
        self.get(name).parse().unwrap_or(0).min(MOST)
    }

    pub fn conditions(&self) -> usize {
        self.count("conditions")
    }

    pub fn actions(&self) -> usize {
        self.count("actions")
    }

    /// Adds or takes away a line: `c` of conditions, `a` of actions.
    pub fn add_line(&mut self, kind: char) {
        let name = if kind == 'c' { "conditions" } else { "actions" };
        let count = (self.count(name) + 1).min(MOST);
        self.set(name, count.to_string());
    }

    pub fn remove_line(&mut self, kind: char, at: usize) {
        let name = if kind == 'c' { "conditions" } else { "actions" };
        let count = self.count(name);
        if at >= count {
            return;
        }
        let mut moved = BTreeMap::new();
        for (key, text) in std::mem::take(&mut self.0) {
            match place(&key, kind) {
                Some((n, _)) if n == at => {}
                Some((n, rest)) if n > at => {
                    moved.insert(format!("{kind}{}_{rest}", n - 1), text);
                }
                _ => {
                    moved.insert(key, text);
                }
            }
        }
        self.0 = moved;
        self.set(name, (count - 1).to_string());
    }
}

/// `c3_column` → (3, `column`).
fn place(key: &str, kind: char) -> Option<(usize, &str)> {
    let (number, rest) = key.strip_prefix(kind)?.split_once('_')?;
    Some((number.parse().ok()?, rest))
}

/// What to compare a column with, by its kind; for people.
pub fn operators(kind: ColumnType) -> &'static [(&'static str, &'static str)] {
    use ColumnType as T;
    match kind {
        T::Checkbox => &[("checked", "is ticked"), ("unchecked", "is not ticked")],
        T::Number | T::Currency | T::Percent | T::Rating => &[
            ("eq", "="),
            ("ne", "≠"),
            ("lt", "<"),
            ("gt", ">"),
            ("le", "≤"),
            ("ge", "≥"),
            ("empty", "is empty"),
            ("not_empty", "is not empty"),
        ],
        T::Date | T::DateTime => &[
            ("is", "is"),
            ("before", "is before"),
            ("after", "is after"),
            ("on_or_before", "is on or before"),
            ("on_or_after", "is on or after"),
            ("within", "is within"),
            ("empty", "is empty"),
            ("not_empty", "is not empty"),
        ],
        T::Select | T::User => &[
            ("is", "is"),
            ("is_not", "is not"),
            ("empty", "is empty"),
            ("not_empty", "is not empty"),
        ],
        T::MultiSelect | T::Funds => &[
            ("has_any", "has"),
            ("has_none", "has not"),
            ("empty", "is empty"),
            ("not_empty", "is not empty"),
        ],
        _ => &[
            ("contains", "contains"),
            ("not_contains", "does not contain"),
            ("is", "is"),
            ("is_not", "is not"),
            ("empty", "is empty"),
            ("not_empty", "is not empty"),
        ],
    }
}

/// Whether an operator compares with nothing.
pub fn is_bare(op: &str) -> bool {
    matches!(op, "empty" | "not_empty" | "checked" | "unchecked")
}

/// `today`, `30 days ago`, `past 30 days`, `2026-03-31`.
fn date(text: &str) -> Value {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [n, "days", "ago"] => json!({"relative": "days_ago", "n": n.parse::<i64>().ok()}),
        [n, "days", "from", "now"] | ["in", n, "days"] => {
            json!({"relative": "days_from_now", "n": n.parse::<i64>().ok()})
        }
        ["past" | "last", n, "days"] => {
            json!({"relative": "past_days", "n": n.parse::<i64>().ok()})
        }
        ["next", n, "days"] => json!({"relative": "next_days", "n": n.parse::<i64>().ok()}),
        [day] if day.parse::<jiff::civil::Date>().is_ok() => json!({ "date": day }),
        _ => json!({"relative": words.join("_").to_lowercase()}),
    }
}

fn date_text(value: &Value) -> String {
    if let Some(day) = value["date"].as_str().or(value.as_str()) {
        return day.to_owned();
    }
    let n = value["n"].as_i64().unwrap_or_default();
    match value["relative"].as_str().unwrap_or_default() {
        "days_ago" => format!("{n} days ago"),
        "days_from_now" => format!("{n} days from now"),
        "past_days" => format!("past {n} days"),
        "next_days" => format!("next {n} days"),
        other => other.replace('_', " "),
    }
}

fn compared(column: Option<&TableColumn>, op: &str, text: &str) -> Value {
    let kind = column.map_or(ColumnType::Text, |c| c.kind);
    match kind {
        _ if is_bare(op) => Value::Null,
        ColumnType::Date | ColumnType::DateTime => date(text.trim()),
        ColumnType::MultiSelect | ColumnType::Funds => text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .collect(),
        _ => text.trim().into(),
    }
}

/// A value as a field shows it.
fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(as_text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// What stands for "only to nothing" and the like in selects.
pub const BLANK: &str = "(empty)";

fn wanted(text: &str) -> Option<Value> {
    match text.trim() {
        "" => None,
        BLANK => Some(Value::Null),
        other => Some(other.into()),
    }
}

/// The rule that was typed. What is missing is left to the check, which names it.
pub fn read(typed: &Typed, table: &Table) -> Result<Definition, serde_json::Error> {
    let number = |name: &str| typed.get(name).trim().parse::<i64>().unwrap_or(0);
    let trigger = match typed.get("on") {
        "row_created" => Trigger::RowCreated {},
        "entered_view" => Trigger::EnteredView {
            view: typed.get("t_view").to_owned(),
        },
        "left_view" => Trigger::LeftView {
            view: typed.get("t_view").to_owned(),
        },
        "entered_list" => Trigger::EnteredList {
            list: typed.get("t_list").to_owned(),
        },
        "left_list" => Trigger::LeftList {
            list: typed.get("t_list").to_owned(),
        },
        "date_reached" => Trigger::DateReached {
            column: typed.get("t_column").to_owned(),
            offset_days: number("t_offset"),
        },
        "no_contact" => Trigger::NoContact {
            days: number("t_days"),
        },
        "schedule" => Trigger::Schedule {
            cron: typed.get("t_cron").trim().to_owned(),
            zone: Some(typed.get("t_zone").to_owned()).filter(|zone| !zone.is_empty()),
        },
        "manual" => Trigger::Manual {},
        _ => Trigger::CellChanged {
            column: typed.get("t_column").to_owned(),
            from: wanted(typed.get("t_from")),
            to: wanted(typed.get("t_to")),
        },
    };
    Ok(Definition {
        version: 1,
        trigger,
        conditions: conditions(typed, table)?,
        actions: (0..typed.actions()).map(|at| action(typed, at)).collect(),
        ask_first: typed.get("ask_first") == "true",
    })
}

fn conditions(typed: &Typed, table: &Table) -> Result<Option<Filter>, serde_json::Error> {
    let kept = typed.get("kept_conditions");
    if !kept.is_empty() {
        return serde_json::from_str(kept).map(Some);
    }
    let each = (0..typed.conditions()).filter_map(|at| {
        let part = |name: &str| typed.get(&format!("c{at}_{name}"));
        let column = part("column");
        if column.is_empty() {
            return None;
        }
        let found = table.column(column);
        let known = operators(found.map_or(ColumnType::Text, |c| c.kind));
        let op = known
            .iter()
            .map(|(op, _)| *op)
            .find(|op| *op == part("op"))
            .unwrap_or(known[0].0);
        Some(Filter::Condition(Condition {
            column: column.to_owned(),
            op: op.to_owned(),
            value: compared(found, op, part("value")),
        }))
    });
    let parts: Vec<Filter> = each.collect();
    Ok(if parts.is_empty() {
        None
    } else if typed.get("join") == "any" {
        Some(Filter::Any { any: parts })
    } else {
        Some(Filter::All { all: parts })
    })
}

fn action(typed: &Typed, at: usize) -> Action {
    let part = |name: &str| typed.get(&format!("a{at}_{name}")).to_owned();
    match part("do").as_str() {
        "set" => {
            let formula = Some(part("formula")).filter(|f| !f.trim().is_empty());
            Action::Set {
                column: part("column"),
                value: if formula.is_some() {
                    Value::Null
                } else {
                    wanted(&part("value")).unwrap_or_default()
                },
                formula,
            }
        }
        "create_task" => Action::CreateTask {
            title: part("title"),
            due: part("due"),
            assignee: Some(part("assignee")).filter(|who| !who.is_empty()),
        },
        "append_note" => Action::AppendNote { text: part("text") },
        "propose_email" => Action::ProposeEmail {
            subject: part("subject"),
            body: part("body").replace("\r\n", "\n"),
        },
        "notify_digest" => Action::NotifyDigest { text: part("line") },
        _ => Action::Move {
            list: Some(part("list"))
                .filter(|list| !list.is_empty())
                .unwrap_or_else(|| "follow_up".to_owned()),
            reason: part("reason"),
        },
    }
}

/// A stored value as the field of its column wants it.
fn wanted_text(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::Null) => BLANK.to_owned(),
        Some(value) => as_text(value),
    }
}

/// The form of a rule.
pub fn write(definition: &Definition, table: &Table) -> Typed {
    let mut typed = Typed::default();
    match &definition.trigger {
        Trigger::CellChanged { column, from, to } => {
            typed.set("on", "cell_changed");
            typed.set("t_column", column);
            typed.set("t_from", wanted_text(from.as_ref()));
            typed.set("t_to", wanted_text(to.as_ref()));
        }
        Trigger::RowCreated {} => typed.set("on", "row_created"),
        Trigger::EnteredView { view } => {
            typed.set("on", "entered_view");
            typed.set("t_view", view);
        }
        Trigger::LeftView { view } => {
            typed.set("on", "left_view");
            typed.set("t_view", view);
        }
        Trigger::EnteredList { list } => {
            typed.set("on", "entered_list");
            typed.set("t_list", list);
        }
        Trigger::LeftList { list } => {
            typed.set("on", "left_list");
            typed.set("t_list", list);
        }
        Trigger::DateReached {
            column,
            offset_days,
        } => {
            typed.set("on", "date_reached");
            typed.set("t_column", column);
            typed.set("t_offset", offset_days.to_string());
        }
        Trigger::NoContact { days } => {
            typed.set("on", "no_contact");
            typed.set("t_days", days.to_string());
        }
        Trigger::Schedule { cron, zone } => {
            typed.set("on", "schedule");
            typed.set("t_cron", cron);
            typed.set("t_zone", zone.clone().unwrap_or_default());
        }
        Trigger::Manual {} => typed.set("on", "manual"),
    }
    write_conditions(definition.conditions.as_ref(), table, &mut typed);
    typed.set("actions", definition.actions.len().to_string());
    for (at, action) in definition.actions.iter().enumerate() {
        write_action(action, at, &mut typed);
    }
    if definition.ask_first {
        typed.set("ask_first", "true");
    }
    typed
}

fn write_conditions(filter: Option<&Filter>, table: &Table, typed: &mut Typed) {
    let one;
    let (join, parts): (&str, &[Filter]) = match filter {
        None => return typed.set("conditions", "0"),
        Some(Filter::All { all }) => ("all", all),
        Some(Filter::Any { any }) => ("any", any),
        Some(condition) => {
            one = [condition.clone()];
            ("all", &one)
        }
    };
    typed.set("join", join);
    let simple: Option<Vec<&Condition>> = parts
        .iter()
        .map(|part| match part {
            Filter::Condition(condition) => {
                let kind = table
                    .column(&condition.column)
                    .map_or(ColumnType::Text, |c| c.kind);
                let is_known = operators(kind).iter().any(|(op, _)| *op == condition.op);
                is_known.then_some(condition)
            }
            _ => None,
        })
        .collect();
    let Some(simple) = simple else {
        // Groups in groups have no lines here; they stay as they are.
        typed.set("conditions", "0");
        let kept = filter.and_then(|f| serde_json::to_string(f).ok());
        return typed.set("kept_conditions", kept.unwrap_or_default());
    };
    typed.set("conditions", simple.len().to_string());
    for (at, condition) in simple.iter().enumerate() {
        typed.set(format!("c{at}_column"), &condition.column);
        typed.set(format!("c{at}_op"), &condition.op);
        let kind = table.column(&condition.column).map(|c| c.kind);
        let text = match kind {
            Some(ColumnType::Date | ColumnType::DateTime) if !condition.value.is_null() => {
                date_text(&condition.value)
            }
            _ => as_text(&condition.value),
        };
        typed.set(format!("c{at}_value"), text);
    }
}

fn write_action(action: &Action, at: usize, typed: &mut Typed) {
    let mut set = |name: &str, text: &str| typed.set(format!("a{at}_{name}"), text);
    match action {
        Action::Move { list, reason } => {
            set("do", "move");
            set("list", list);
            set("reason", reason);
        }
        Action::Set {
            column,
            value,
            formula,
        } => {
            set("do", "set");
            set("column", column);
            set("formula", formula.as_deref().unwrap_or_default());
            let text = if value.is_null() && formula.is_none() {
                BLANK.to_owned()
            } else {
                as_text(value)
            };
            set("value", &text);
        }
        Action::CreateTask {
            title,
            due,
            assignee,
        } => {
            set("do", "create_task");
            set("title", title);
            set("due", due);
            set("assignee", assignee.as_deref().unwrap_or_default());
        }
        Action::AppendNote { text } => {
            set("do", "append_note");
            set("text", text);
        }
        Action::ProposeEmail { subject, body } => {
            set("do", "propose_email");
            set("subject", subject);
            set("body", body);
        }
        Action::NotifyDigest { text } => {
            set("do", "notify_digest");
            set("line", text);
        }
    }
}

/// Columns that can be chosen, with those that nobody writes or without.
pub fn columns(table: &Table, with_unwritten: bool) -> impl Iterator<Item = &TableColumn> {
    table.columns().iter().filter(move |c| {
        with_unwritten
            || !(grid::table::is_derived(&c.column.id) || c.column.kind == ColumnType::Formula)
    })
}
