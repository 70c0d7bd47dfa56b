//! Rules as plain sentences. Names and values stand between `**`, for pages to
//! show in bold.

use serde_json::Value;

use super::{Action, Definition, Trigger};
use crate::{
    grid::{
        self,
        table::Table,
        view::{Filter, View, words},
    },
    queue::schedules,
};

fn column(table: &Table, id: &str) -> String {
    let found = table.column(id);
    found.map_or_else(
        || format!("**{id}** (no such column)"),
        |c| format!("**{}**", c.column.name),
    )
}

fn value(table: &Table, id: &str, value: &Value) -> String {
    let text = table
        .column(id)
        .map(|c| {
            let kept = grid::normalize(&c.column, value).ok().flatten();
            let kept = kept.unwrap_or_default();
            let name = kept.as_str().map(|id| table.names.of(id).to_owned());
            match name {
                Some(name) if Some(name.as_str()) != kept.as_str() => name,
                _ => grid::display(&c.column, &kept),
            }
        })
        .unwrap_or_default();
    if text.is_empty() {
        "**empty**".to_owned()
    } else {
        format!("**{text}**")
    }
}

fn is_tick(table: &Table, id: &str, value: &Value) -> bool {
    let found = table.column(id);
    let kept = found.and_then(|c| grid::normalize(&c.column, value).ok().flatten());
    kept == Some(Value::Bool(true))
}

fn list(name: &str) -> &str {
    match name {
        "main" => "**Main**",
        "follow_up" => "**Follow-up**",
        "longshot" => "**Longshot**",
        "graveyard" => "**Graveyard**",
        other => other,
    }
}

fn days(n: i64) -> String {
    if n == 1 {
        "1 day".to_owned()
    } else {
        format!("{n} days")
    }
}

fn view<'v>(views: &'v [View], id: &'v str) -> &'v str {
    let found = views.iter().find(|view| view.id == id);
    found.map_or("a view that is gone", |view| &view.name)
}

fn when(table: &Table, views: &[View], trigger: &Trigger) -> String {
    match trigger {
        Trigger::CellChanged {
            column: id,
            from,
            to,
        } => {
            let name = column(table, id);
            match (from, to) {
                (None, None) => format!("When {name} changes"),
                (None, Some(to)) if is_tick(table, id, to) => format!("When {name} is ticked"),
                (None, Some(to)) => format!("When {name} becomes {}", value(table, id, to)),
                (Some(from), None) => {
                    format!("When {name} is no longer {}", value(table, id, from))
                }
                (Some(from), Some(to)) => format!(
                    "When {name} goes from {} to {}",
                    value(table, id, from),
                    value(table, id, to)
                ),
            }
        }
        Trigger::RowCreated {} => "When an investor is added".to_owned(),
        Trigger::EnteredView { view: id } => {
            format!(
                "When an investor comes into the view **{}**",
                view(views, id)
            )
        }
        Trigger::LeftView { view: id } => {
            format!("When an investor leaves the view **{}**", view(views, id))
        }
        Trigger::EnteredList { list: name } => format!("When an investor comes to {}", list(name)),
        Trigger::LeftList { list: name } => format!("When an investor leaves {}", list(name)),
        Trigger::DateReached {
            column: id,
            offset_days,
        } => {
            let name = column(table, id);
            match offset_days {
                0 => format!("On the day in {name}"),
                n if *n < 0 => format!("{} before the day in {name}", days(-n)),
                n => format!("{} after the day in {name}", days(*n)),
            }
        }
        Trigger::NoContact { days: n } => {
            format!("When nobody was in touch for **{}**", days(*n))
        }
        Trigger::Schedule { cron, zone } => {
            let zone = zone.as_ref().map(|z| format!(" ({z})"));
            format!("{}{}", schedules::in_words(cron), zone.unwrap_or_default())
        }
        Trigger::Manual {} => "When somebody says so".to_owned(),
    }
}

fn condition(table: &Table, filter: &Filter) -> String {
    let join = |parts: &[Filter], word: &str| {
        let parts: Vec<String> = parts
            .iter()
            .map(|part| match part {
                Filter::Condition(_) => condition(table, part),
                group => format!("({})", condition(table, group)),
            })
            .collect();
        parts.join(word)
    };
    match filter {
        Filter::All { all } => join(all, " and "),
        Filter::Any { any } => join(any, " or "),
        Filter::Condition(one) => {
            let text = match one.op.as_str() {
                // After a name: `List is any of Main, Follow-up`.
                "any_of" => words(table, one).replacen(" any of ", " is any of ", 1),
                "none_of" => words(table, one).replacen(" none of ", " is none of ", 1),
                _ => words(table, one),
            };
            let name = table.column(&one.column).map(|c| c.column.name.clone());
            match name {
                Some(name) if text.starts_with(&name) => {
                    format!("**{name}**{}", &text[name.len()..])
                }
                _ => text,
            }
        }
    }
}

/// The conditions of a rule, one for each, as far as they are one level of *and*.
pub fn condition_sentences(table: &Table, filter: &Filter) -> Vec<String> {
    match filter {
        Filter::All { all } => all.iter().map(|part| condition(table, part)).collect(),
        other => vec![condition(table, other)],
    }
}

/// What an action does, such as `move it to **Graveyard**`.
pub fn sentence_of_action(table: &Table, action: &Action) -> String {
    match action {
        Action::Move { list: name, reason } => {
            let why = if reason.trim().is_empty() {
                String::new()
            } else {
                " and say why".to_owned()
            };
            format!("move it to {}{why}", list(name))
        }
        Action::Set {
            column: id,
            value: wanted,
            formula,
        } => match formula {
            Some(source) => format!("set {} to the formula {source}", column(table, id)),
            None if wanted.is_null() => format!("clear {}", column(table, id)),
            None => format!("set {} to {}", column(table, id), value(table, id, wanted)),
        },
        Action::CreateTask { title, due, .. } => {
            let due = due.trim();
            let when = if due.is_empty() {
                String::new()
            } else {
                format!(", due {due}")
            };
            format!("add the task “{title}”{when}")
        }
        Action::AppendNote { .. } => "add a note".to_owned(),
        Action::ProposeEmail { subject, .. } => format!("propose the email “{subject}”"),
        Action::NotifyDigest { .. } => "tell it in the daily digest".to_owned(),
    }
}

/// The whole rule: `When **Stage** becomes **Lost**, move it to **Graveyard** and
/// say why.`
pub fn sentence(table: &Table, views: &[View], definition: &Definition) -> String {
    let mut text = when(table, views, &definition.trigger);
    if let Some(filter) = &definition.conditions {
        let held = condition(table, filter);
        if !held.is_empty() {
            text.push_str(", if ");
            text.push_str(&held);
        }
    }
    if definition.ask_first {
        text.push_str(", ask first, then ");
    } else {
        text.push_str(", ");
    }
    let actions: Vec<String> = definition
        .actions
        .iter()
        .map(|action| sentence_of_action(table, action))
        .collect();
    match actions.split_last() {
        None => text.push_str("do nothing yet"),
        Some((last, [])) => text.push_str(last),
        Some((last, rest)) => {
            text.push_str(&rest.join(", "));
            text.push_str(", then ");
            text.push_str(last);
        }
    }
    text.push('.');
    text
}
