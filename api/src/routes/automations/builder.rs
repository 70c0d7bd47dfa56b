//! The builder: a rule in plain words, line by line, with what it would do. Each
//! button posts the whole form, so it works without scripts.

use std::collections::BTreeMap;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    accounts::users,
    automations::{
        self as rules, DRY_DAYS, Definition, Dry, Rule, RuleChange, sentence, sentence_of_action,
    },
    grid::{
        ColumnType, LISTS,
        table::{Table, TableColumn},
        view::View,
    },
    settings,
};

use super::{
    form::{self, BLANK, Typed},
    lists::label,
    page::{ActionFields, DryLine, DryShown, RulePage, bold},
};
use crate::{
    error::AppError,
    extract::{Form, Path},
    flash::Done,
    frame::{frame, html_with},
    routes::{
        grid::page::{Control, Field},
        page::{Choice, FlashKind},
    },
    session::SignedIn,
    show,
    state::App,
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

/// What the page shows.
struct Shown {
    rule: Option<Rule>,
    typed: Typed,
    error: Option<AppError>,
    dry: Option<Dry>,
    json: Option<String>,
}

impl Shown {
    fn of(rule: Option<Rule>, typed: Typed) -> Self {
        Self {
            rule,
            typed,
            error: None,
            dry: None,
            json: None,
        }
    }
}

/// The rule that a new one begins as.
fn beginning(table: &Table) -> Typed {
    let mut typed = Typed::default();
    let columns: Vec<_> = form::columns(table, false)
        .map(|c| c.column.clone())
        .collect();
    let column = crm_jobs::grid::pipeline_column(&columns).or(columns.first());
    typed.set("on", "cell_changed");
    typed.set("t_column", column.map_or("", |c| c.id.as_str()));
    typed.set("actions", "1");
    typed.set("a0_do", "move");
    typed.set("a0_list", "follow_up");
    typed
}

pub async fn new(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    let typed = {
        let table = app.grid.read().await?;
        beginning(&table)
    };
    page(&app, &who, Shown::of(None, typed)).await
}

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let rule = super::found(&app, &id).await?;
    let mut typed = {
        let table = app.grid.read().await?;
        form::write(&rule.definition, &table)
    };
    typed.set("name", &rule.name);
    let mut shown = Shown::of(Some(rule), typed);
    if let Some(rule) = &shown.rule {
        shown.error = super::checked(&app, &rule.definition).await.err();
        if shown.error.is_none() {
            shown.dry = rules::dry_run(&app.db, &app.grid, &rule.definition, DRY_DAYS)
                .await
                .ok();
        }
    }
    page(&app, &who, shown).await
}

pub async fn create(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response, AppError> {
    posted(&app, &who, None, form).await
}

pub async fn save(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response, AppError> {
    let rule = super::found(&app, &id).await?;
    posted(&app, &who, Some(rule), form).await
}

/// What the button was for.
async fn posted(
    app: &App,
    who: &SignedIn,
    rule: Option<Rule>,
    form: BTreeMap<String, String>,
) -> Result<Response, AppError> {
    let mut typed = Typed(form);
    let button = typed.0.remove("button").unwrap_or_default();
    let json = typed.0.remove("json").unwrap_or_default();
    if let Some(at) = button.strip_prefix("remove_condition_") {
        typed.remove_line('c', at.parse().unwrap_or(usize::MAX));
        return page(app, who, Shown::of(rule, typed)).await;
    }
    if let Some(at) = button.strip_prefix("remove_action_") {
        typed.remove_line('a', at.parse().unwrap_or(usize::MAX));
        return page(app, who, Shown::of(rule, typed)).await;
    }
    match button.as_str() {
        "add_condition" => {
            typed.add_line('c');
            page(app, who, Shown::of(rule, typed)).await
        }
        "add_action" => {
            typed.add_line('a');
            page(app, who, Shown::of(rule, typed)).await
        }
        "json" => from_json(app, who, rule, typed, json).await,
        "try" | "save" => kept(app, who, rule, typed, button == "save").await,
        _ => page(app, who, Shown::of(rule, typed)).await,
    }
}

async fn from_json(
    app: &App,
    who: &SignedIn,
    rule: Option<Rule>,
    typed: Typed,
    json: String,
) -> Result<Response, AppError> {
    let name = typed.get("name").to_owned();
    match serde_json::from_str::<Definition>(&json) {
        Ok(definition) => {
            let mut typed = {
                let table = app.grid.read().await?;
                form::write(&definition, &table)
            };
            typed.set("name", name);
            kept(app, who, rule, typed, false).await
        }
        Err(error) => {
            let mut shown = Shown::of(rule, typed);
            let says = format!("The JSON does not fit: {error}.");
            shown.error = Some(AppError::invalid("json", says));
            shown.json = Some(json);
            page(app, who, shown).await
        }
    }
}

async fn kept(
    app: &App,
    who: &SignedIn,
    rule: Option<Rule>,
    typed: Typed,
    saves: bool,
) -> Result<Response, AppError> {
    let read = {
        let table = app.grid.read().await?;
        form::read(&typed, &table)
    };
    let mut shown = Shown::of(rule, typed);
    let definition = match read {
        Ok(definition) => definition,
        Err(error) => {
            shown.error = Some(AppError::invalid("conditions", format!("{error}.")));
            return page(app, who, shown).await;
        }
    };
    let result = if saves {
        store(app, who, &shown, definition).await.map(Some)
    } else {
        rules::dry_run(&app.db, &app.grid, &definition, DRY_DAYS)
            .await
            .map_err(AppError::from)
            .map(|dry| {
                shown.dry = Some(dry);
                None
            })
    };
    match result {
        Ok(Some(done)) => Ok(done.into_response()),
        Ok(None) => page(app, who, shown).await,
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            shown.error = Some(refused);
            page(app, who, shown).await
        }
        Err(other) => Err(other),
    }
}

async fn store(
    app: &App,
    who: &SignedIn,
    shown: &Shown,
    definition: Definition,
) -> Result<Done, AppError> {
    let name = shown.typed.get("name").to_owned();
    let enabled = shown.typed.get("enabled") == "true";
    let says = if enabled {
        "The rule is saved and on. It goes for what happens from now on."
    } else {
        "The rule is saved. It is off until you switch it on."
    };
    match &shown.rule {
        None => {
            super::add(app, who, &name, &definition, enabled).await?;
        }
        Some(rule) => {
            let wanted = RuleChange {
                name: Some(name),
                enabled: Some(enabled),
                definition: Some(definition),
                position: None,
            };
            super::change(app, who, &rule.id, wanted).await?;
        }
    }
    Ok(Done::to("/automations").saying(FlashKind::Ok, says))
}

async fn page(app: &App, who: &SignedIn, shown: Shown) -> Result<Response, AppError> {
    let views = super::views(app).await?;
    let members = users::list(&app.db).await?;
    let zone = show::zone(&settings::fund_zone(&app.db).await?);
    let table = app.grid.read().await?;
    let typed = &shown.typed;
    let definition = form::read(typed, &table).ok();
    let status = match &shown.error {
        Some(_) if who.request.return_path() == "/" => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::OK,
    };
    let fields = Fields {
        table: &table,
        views: &views,
        members: members
            .iter()
            .filter(|m| m.disabled_at.is_none())
            .map(|m| (m.id.clone(), m.name.clone()))
            .collect(),
        typed,
        error: shown.error.as_ref(),
    };
    let id = shown
        .rule
        .as_ref()
        .map(|r| r.id.clone())
        .unwrap_or_default();
    let json = shown.json.clone().unwrap_or_else(|| {
        let pretty = definition.as_ref().map(serde_json::to_string_pretty);
        pretty.and_then(Result::ok).unwrap_or_default()
    });
    let title = shown
        .rule
        .as_ref()
        .map_or("New rule", |rule| &rule.name)
        .to_owned();
    let page = RulePage {
        action: if id.is_empty() {
            "/automations/new".to_owned()
        } else {
            format!("/automations/{id}")
        },
        name: fields.text("name", "Name", "Such as: Lost investors to Graveyard"),
        sentence: definition
            .as_ref()
            .map(|d| bold(&sentence(&table, &views, d)))
            .unwrap_or_default(),
        error: fields.rest_of_error(),
        trigger: fields.trigger(),
        join: fields.select(
            "join",
            "Which conditions",
            &[("all", "All must hold"), ("any", "One is enough")],
        ),
        conditions: (0..typed.conditions())
            .map(|at| fields.condition(at))
            .collect(),
        kept_conditions: typed.get("kept_conditions").to_owned(),
        actions: fields.actions(definition.as_ref()),
        ask_first: typed.get("ask_first") == "true",
        enabled: match &shown.rule {
            Some(rule) if typed.get("posted").is_empty() => rule.enabled,
            _ => typed.get("enabled") == "true",
        },
        json,
        dry: shown.dry.as_ref().map(|dry| drawn(dry, &zone)),
        is_admin: who.user.is_admin(),
        id,
        frame: frame(app, who, &title).await,
    };
    drop(table);
    Ok(html_with(status, &page))
}

fn drawn(dry: &Dry, zone: &jiff::tz::TimeZone) -> DryShown {
    let n = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let line = |row: &rules::DryRow| DryLine {
        title: row.title.clone(),
        href: format!("/investors/{}", row.row),
        at: row.at.map(|at| show::day(zone, at)).unwrap_or_default(),
    };
    let capped = if dry.is_capped { "at least " } else { "" };
    DryShown {
        past: format!(
            "It would have fired {capped}{} in the last {} days, for {}.",
            show::count(n(dry.fired), "time", "times"),
            dry.days,
            show::count(n(dry.rows), "investor", "investors")
        ),
        firings: dry.firings.iter().take(20).map(line).collect(),
        today: format!(
            "Of today’s investors it would go for {}.",
            show::number(n(dry.today))
        ),
        rows: dry.today_rows.iter().take(20).map(line).collect(),
        notes: dry.notes.clone(),
    }
}

/// The fields of the form, filled with what was typed.
struct Fields<'a> {
    table: &'a Table,
    views: &'a [View],
    members: Vec<(String, String)>,
    typed: &'a Typed,
    error: Option<&'a AppError>,
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

    fn text(&self, name: &str, label: &str, hint: &str) -> Field {
        Field {
            hint: hint.to_owned(),
            ..self.field(name, label, Control::Text)
        }
    }

    fn select(&self, name: &str, label: &str, of: &[(&str, &str)]) -> Field {
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

    fn trigger(&self) -> Vec<Field> {
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

    fn condition(&self, at: usize) -> Vec<Field> {
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

    fn actions(&self, definition: Option<&Definition>) -> Vec<ActionFields> {
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

    fn error_at(&self, name: &str) -> Option<String> {
        let error = self.error?;
        let field = error.field()?;
        let place = Self::place(field).unwrap_or_else(|| field.to_owned());
        let is_here =
            place == name || (place.ends_with("_text") && place.replace("_text", "_line") == name);
        is_here.then(|| error.detail().to_owned())
    }

    /// What no field shows.
    fn rest_of_error(&self) -> String {
        self.error
            .map(|e| e.detail().to_owned())
            .unwrap_or_default()
    }
}
