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
    automations::{self as rules, DRY_DAYS, Definition, Dry, Rule, RuleChange, sentence},
    grid::table::Table,
    settings,
};

use super::{
    fields::Fields,
    form::{self, Typed},
    page::{DryLine, DryShown, RulePage, bold},
};
use crate::{
    error::AppError,
    extract::{Form, Path},
    flash::Done,
    frame::{frame, html_with},
    routes::page::FlashKind,
    session::SignedIn,
    show,
    state::App,
};

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
