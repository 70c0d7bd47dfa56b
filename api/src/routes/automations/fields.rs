//! The builder's form: which fields a rule has, filled with what was typed, each
//! with what is wrong with it.

use crm_jobs::{
    automations::{Definition, sentence_of_action},
    grid::{
        ColumnType, LISTS,
        table::{Table, TableColumn},
        view::View,
    },
};

use super::{
    form::{self, BLANK, Typed},
    lists::label,
    page::ActionFields,
};
use crate::{
    error::AppError,
    routes::{
        grid::page::{Control, Field},
        page::Choice,
    },
};

const TRIGGERS: [(&str, &str); 10] = [
    ("cell_changed", "A field changes"),
    ("row_created", "An investor is added"),
    ("entered_list", "An investor comes to a list"),
    ("left_list", "An investor leaves a list"),
    ("entered_view", "An investor comes into a view"),
    ("left_view", "An investor leaves a view"),
    ("date_reached", "A date is reached"),
    ("no_contact", "Nobody was in touch for long"),
    ("schedule", "At certain times"),
    ("manual", "Only when somebody says so"),
];

const ACTIONS: [(&str, &str); 6] = [
    ("move", "Move it to a list"),
    ("set", "Set a field"),
    ("create_task", "Add a task"),
    ("append_note", "Add a note"),
    ("propose_email", "Propose an email"),
    ("notify_digest", "Tell it in the digest"),
];

/// The fields of the form, filled with what was typed.
pub(super) struct Fields<'a> {
    pub(super) table: &'a Table,
    pub(super) views: &'a [View],
    pub(super) members: Vec<(String, String)>,
    pub(super) typed: &'a Typed,
    pub(super) error: Option<&'a AppError>,
}

impl Fields<'_> {
    fn field(&self, name: &str, label: &str, control: Control) -> Field {
        Field {
            id: name.replace('_', "-"),
            name: name.to_owned(),
            label: label.to_owned(),
            control,
            value: self.typed.get(name).to_owned(),
            error: self.error_at(name),
            ..Field::default()
        }
    }

    pub(super) fn text(&self, name: &str, label: &str, hint: &str) -> Field {
        Field {
            hint: hint.to_owned(),
            ..self.field(name, label, Control::Text)
        }
    }

    pub(super) fn select(&self, name: &str, label: &str, of: &[(&str, &str)]) -> Field {
        let chosen = self.typed.get(name);
        Field {
            options: of
                .iter()
                .map(|(value, label)| Choice::new(value, label, *value == chosen))
                .collect(),
            ..self.field(name, label, Control::Select)
        }
    }

    fn columns(
        &self,
        name: &str,
        label: &str,
        with: impl Fn(&TableColumn) -> bool,
        all: bool,
    ) -> Field {
        let found = form::columns(self.table, all).filter(|c| with(c));
        let mut of: Vec<(&str, &str)> = found
            .map(|c| (c.column.id.as_str(), c.column.name.as_str()))
            .collect();
        let chosen = self.typed.get(name);
        if !chosen.is_empty() && !of.iter().any(|(id, _)| *id == chosen) {
            of.insert(0, (chosen, chosen));
        } else if chosen.is_empty() {
            of.insert(0, ("", "Choose one"));
        }
        self.select(name, label, &of)
    }

    /// A value of a column: its options to choose from, or a text.
    fn value(&self, name: &str, label: &str, column: &str, blank: Option<&str>) -> Field {
        let found = self.table.column(column);
        let mut of: Vec<(String, String)> = Vec::new();
        if let Some(blank) = blank {
            of.push((String::new(), blank.to_owned()));
        }
        match found.map(|c| c.kind) {
            Some(ColumnType::Select) => {
                let choices = found.into_iter().flat_map(|c| &c.column.options.choices);
                of.extend(choices.map(|c| (c.id.clone(), c.name.clone())));
            }
            Some(ColumnType::User) => of.extend(self.members.clone()),
            Some(ColumnType::Checkbox) => of.push(("true".to_owned(), "Ticked".to_owned())),
            _ => {
                let hint = match found.map(|c| c.kind) {
                    Some(ColumnType::Date | ColumnType::DateTime) => {
                        "Such as today, 30 days ago, past 30 days, 2026-03-31"
                    }
                    Some(ColumnType::MultiSelect | ColumnType::Funds) => {
                        "Several with commas between"
                    }
                    _ if blank.is_some() => "Leave it blank for any value",
                    _ => "",
                };
                return self.text(name, label, hint);
            }
        }
        if blank.is_some() {
            let empty = if found.is_some_and(|c| c.kind == ColumnType::Checkbox) {
                "Not ticked"
            } else {
                "Empty"
            };
            of.push((BLANK.to_owned(), empty.to_owned()));
        }
        let of: Vec<(&str, &str)> = of.iter().map(|(v, l)| (v.as_str(), l.as_str())).collect();
        self.select(name, label, &of)
    }

    fn lists(&self, name: &str, label_text: &str) -> Field {
        let of: Vec<(&str, &str)> = LISTS.iter().map(|list| (*list, label(list))).collect();
        self.select(name, label_text, &of)
    }

    pub(super) fn trigger(&self) -> Vec<Field> {
        let on = self.select("on", "When", &TRIGGERS);
        let column = self.typed.get("t_column");
        let is_date = |c: &TableColumn| matches!(c.kind, ColumnType::Date | ColumnType::DateTime);
        let mut all = vec![on];
        match self.typed.get("on") {
            "row_created" | "manual" => {}
            "entered_list" | "left_list" => all.push(self.lists("t_list", "Which list")),
            "entered_view" | "left_view" => {
                let mut of: Vec<(&str, &str)> = vec![("", "Choose one")];
                of.extend(self.views.iter().map(|v| (v.id.as_str(), v.name.as_str())));
                all.push(self.select("t_view", "Which view", &of));
            }
            "date_reached" => {
                all.push(self.columns("t_column", "Which date", is_date, true));
                all.push(self.text(
                    "t_offset",
                    "Days after it",
                    "0 is the day itself; −7 is a week before",
                ));
            }
            "no_contact" => all.push(self.text(
                "t_days",
                "Days",
                "Since the last contact, or since it was added",
            )),
            "schedule" => all.push(self.text(
                "t_cron",
                "Times",
                "Minute, hour, day, month, weekday: 0 9 * * 1 is Monday at nine",
            )),
            _ => {
                all.push(self.columns("t_column", "Which field", |_| true, false));
                all.push(self.value("t_from", "From", column, Some("Anything")));
                all.push(self.value("t_to", "To", column, Some("Anything")));
            }
        }
        all
    }

    pub(super) fn condition(&self, at: usize) -> Vec<Field> {
        let name = |part: &str| format!("c{at}_{part}");
        let column = self.typed.get(&name("column"));
        let kind = self
            .table
            .column(column)
            .map_or(ColumnType::Text, |c| c.kind);
        let mut all = vec![
            self.columns(&name("column"), "Field", |_| true, true),
            self.select(&name("op"), "Is", form::operators(kind)),
        ];
        if !form::is_bare(self.typed.get(&name("op"))) && kind != ColumnType::Checkbox {
            all.push(self.value(&name("value"), "Value", column, None));
        }
        all
    }

    pub(super) fn actions(&self, definition: Option<&Definition>) -> Vec<ActionFields> {
        (0..self.typed.actions())
            .map(|at| {
                let action = definition.and_then(|d| d.actions.get(at));
                let title = action.map(|a| sentence_of_action(self.table, a).replace("**", ""));
                ActionFields {
                    title: crate::error::sentence(&title.unwrap_or_default()),
                    fields: self.action(at),
                }
            })
            .collect()
    }

    fn action(&self, at: usize) -> Vec<Field> {
        let name = |part: &str| format!("a{at}_{part}");
        let long = |field: Field| Field {
            control: Control::LongText,
            wide: true,
            ..field
        };
        let wide = |field: Field| Field {
            wide: true,
            ..field
        };
        let names = "A column’s name between braces stands for its value: {Name}";
        let mut all = vec![self.select(&name("do"), "Do", &ACTIONS)];
        match self.typed.get(&name("do")) {
            "set" => {
                let column = self.typed.get(&name("column"));
                all.push(self.columns(&name("column"), "Which field", |_| true, false));
                all.push(self.value(&name("value"), "To", column, Some("Nothing yet")));
                all.push(wide(self.text(
                    &name("formula"),
                    "Or to a formula",
                    "Such as {Amount} + 1",
                )));
            }
            "create_task" => {
                all.push(self.text(&name("title"), "What is to be done", names));
                all.push(self.text(&name("due"), "When", "Such as in two weeks; may be blank"));
                let mut of = vec![("", "The team"), ("owner", "Whose investor it is")];
                of.extend(
                    self.members
                        .iter()
                        .map(|(id, name)| (id.as_str(), name.as_str())),
                );
                all.push(self.select(&name("assignee"), "Who", &of));
            }
            "append_note" => all.push(long(self.text(&name("text"), "Note", names))),
            "propose_email" => {
                all.push(wide(self.text(&name("subject"), "Subject", names)));
                all.push(long(self.text(
                    &name("body"),
                    "Text",
                    "It is only proposed. Nothing is sent by itself",
                )));
            }
            "notify_digest" => all.push(wide(self.text(&name("line"), "What to tell", names))),
            _ => {
                all.push(self.lists(&name("list"), "To"));
                all.push(self.text(&name("reason"), "Why", names));
            }
        }
        all
    }

    /// The form's name for the place that a refusal names.
    fn place(field: &str) -> Option<String> {
        if let Some(part) = field.strip_prefix("trigger.") {
            return Some(match part {
                "offset_days" => "t_offset".to_owned(),
                other => format!("t_{other}"),
            });
        }
        let (at, part) = field.strip_prefix("actions[")?.split_once("].")?;
        Some(format!("a{at}_{part}"))
    }

    pub(super) fn error_at(&self, name: &str) -> Option<String> {
        let error = self.error?;
        let field = error.field()?;
        let place = Self::place(field).unwrap_or_else(|| field.to_owned());
        let is_here =
            place == name || (place.ends_with("_text") && place.replace("_text", "_line") == name);
        is_here.then(|| error.detail().to_owned())
    }

    /// What no field shows.
    pub(super) fn rest_of_error(&self) -> String {
        self.error
            .map(|e| e.detail().to_owned())
            .unwrap_or_default()
    }
}
