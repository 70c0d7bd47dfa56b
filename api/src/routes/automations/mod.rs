//! Rules, their runs, what they propose, and why an investor is on its list: as
//! JSON and as pages.

use crm_jobs::{
    audit,
    automations::{self as rules, Definition, Rule, RuleChange, check, sentence},
    db::WriteTx,
    grid::{
        GridError,
        table::Table,
        view::{self, View},
    },
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::{
    access::Access,
    error::AppError,
    route::{Route, delete, get, patch, post},
    session::SignedIn,
    state::App,
};

mod builder;
mod drafts;
mod fields;
mod form;
mod json;
mod lists;
pub mod page;
mod pages;
mod runs;
#[cfg(any(test, debug_assertions))]
mod sample;

pub use drafts::of_row as drafts_of;

const TAG: &str = "automations";

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    pages_table()
        .into_iter()
        .chain(rules_table())
        .chain(runs_table())
        .collect()
}

fn pages_table() -> Vec<Route> {
    use Access::{Admin, Member};
    vec![
        get("/automations", Member, pages::list),
        post("/automations/decide", Member, runs::decide_many),
        get("/automations/new", Admin, builder::new),
        post("/automations/new", Admin, builder::create),
        get("/automations/runs", Member, runs::list),
        get("/automations/runs/{id}", Member, runs::show),
        post("/automations/runs/{id}/decide", Member, runs::decide),
        post("/automations/runs/{id}/replay", Member, runs::replay),
        post("/automations/runs/{id}/revert", Member, runs::revert),
        get("/automations/changes/{set}", Member, runs::of_change),
        get("/automations/{id}", Member, builder::show),
        post("/automations/{id}", Admin, builder::save),
        post("/automations/{id}/toggle", Admin, pages::toggle),
        post("/automations/{id}/delete", Admin, pages::delete),
        post("/automations/{id}/restore", Admin, pages::restore),
        post("/automations/{id}/run", Member, pages::run),
        get("/drafts", Member, drafts::list),
        post("/drafts/{id}", Member, drafts::decide),
        post("/drafts/{id}/undo", Member, drafts::undo),
        get("/lists/{name}", Member, lists::show),
    ]
}

fn rules_table() -> Vec<Route> {
    use Access::{Admin, Member};
    vec![
        get("/api/automations/rules", Member, json::list)
            .json(TAG, "All rules, in their order")
            .answers::<json::Rules>(200),
        post("/api/automations/rules", Admin, json::add)
            .json(TAG, "Add a rule; it begins with what happens from now on")
            .body::<json::NewRule>()
            .answers::<RuleView>(201),
        get("/api/automations/rules/{id}", Member, json::one)
            .json(TAG, "One rule, with its sentence")
            .answers::<RuleView>(200)
            .problems(&[404]),
        patch("/api/automations/rules/{id}", Admin, json::change)
            .json(TAG, "Change a rule, or switch it on or off")
            .body::<json::Change>()
            .answers::<RuleView>(200)
            .problems(&[404]),
        delete("/api/automations/rules/{id}", Admin, json::remove)
            .json(
                TAG,
                "Delete a rule; its runs stay, and you can bring it back",
            )
            .answers_nothing(204)
            .problems(&[404]),
        post("/api/automations/rules/{id}/restore", Admin, json::restore)
            .json(TAG, "Bring a deleted rule back")
            .answers::<RuleView>(200)
            .problems(&[404]),
        post("/api/automations/rules/{id}/dry-run", Member, json::dry_run)
            .json(
                TAG,
                "What a rule would do today and would have done; nothing is written",
            )
            .body::<json::DryRun>()
            .answers::<rules::Dry>(200)
            .problems(&[404]),
        post("/api/automations/rules/{id}/run", Member, json::run)
            .json(
                TAG,
                "Run a rule now, for some rows or for all that satisfy its conditions",
            )
            .body::<json::RunNow>()
            .answers::<json::Started>(202)
            .problems(&[404]),
    ]
}

fn runs_table() -> Vec<Route> {
    use Access::Member;
    vec![
        get("/api/automations/runs", Member, runs::list_json)
            .json(TAG, "Runs, the newest first")
            .query::<runs::RunsQuery>()
            .answers::<rules::RunPage>(200),
        get("/api/automations/runs/{id}", Member, runs::one_json)
            .json(TAG, "One run with its attempts and its change set")
            .answers::<runs::RunStory>(200)
            .problems(&[404]),
        post(
            "/api/automations/runs/{id}/replay",
            Member,
            runs::replay_json,
        )
        .json(
            TAG,
            "Run the rule as it was once more, for the row as it is now",
        )
        .answers::<runs::Replayed>(202)
        .problems(&[404]),
        post(
            "/api/automations/runs/{id}/revert",
            Member,
            runs::revert_json,
        )
        .json(TAG, "Take back all that a run did")
        .answers::<rules::Reverted>(200)
        .problems(&[404]),
        post(
            "/api/automations/runs/{id}/decide",
            Member,
            runs::decide_json,
        )
        .json(TAG, "Say yes or no to a run that asks first")
        .body::<runs::Decision>()
        .answers::<rules::Run>(200)
        .problems(&[404]),
        get("/api/automations/drafts", Member, drafts::list_json)
            .json(
                TAG,
                "Mail that rules propose; nothing is ever sent by itself",
            )
            .query::<drafts::DraftsQuery>()
            .answers::<drafts::Drafts>(200),
        patch("/api/automations/drafts/{id}", Member, drafts::decide_json)
            .json(TAG, "Say what became of a draft")
            .body::<drafts::DraftChange>()
            .answers::<rules::Draft>(200)
            .problems(&[404]),
        get("/api/fundraising/lists", Member, lists::all_json)
            .json("lists", "The lists and how many are on each")
            .answers::<lists::Lists>(200),
        get("/api/fundraising/lists/{name}", Member, lists::one_json)
            .json("lists", "Who is on a list: since when, by whom, and why")
            .query::<lists::ListQuery>()
            .answers::<rules::ListPage>(200)
            .problems(&[404]),
    ]
}

/// A rule and what is to know of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RuleView {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// In plain words.
    pub sentence: String,
    /// Why it cannot fire as things are, such as a column it needs; null if it can.
    pub problem: Option<String>,
    /// When it fired last, UTC milliseconds.
    pub last_fired_at: Option<i64>,
    /// How often in the last 30 days.
    pub fired_lately: i64,
}

fn nothing() -> AppError {
    AppError::not_found("There is no such rule.")
}

fn no_run() -> AppError {
    AppError::not_found("There is no such run.")
}

async fn record(
    tx: &mut WriteTx,
    who: &SignedIn,
    action: &str,
    target: &str,
) -> Result<(), AppError> {
    audit::record(tx, &who.actor(), action, target, json!({}), &who.ip()).await?;
    Ok(())
}

/// Views that rules may go by.
async fn views(app: &App) -> Result<Vec<View>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    Ok(view::list(&mut conn, "").await?)
}

/// Whether the rule can be kept; it comes back as it will be stored.
async fn checked(app: &App, definition: &Definition) -> Result<Definition, AppError> {
    let views = views(app).await?;
    let table = app.grid.read().await?;
    Ok(check(&table, &views, definition)?)
}

/// Why a rule cannot fire as things are.
fn problem(table: &Table, views: &[View], definition: &Definition) -> Option<String> {
    match check(table, views, definition) {
        Ok(_) => None,
        Err(GridError::Invalid { detail, .. }) => Some(crate::error::sentence(&detail)),
        Err(other) => Some(crate::error::sentence(&other.to_string())),
    }
}

/// Rules with their sentences.
async fn seen(app: &App, found: Vec<Rule>) -> Result<Vec<RuleView>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let lately = rules::activity(&mut conn, app.db.now()).await?;
    drop(conn);
    let views = views(app).await?;
    let table = app.grid.read().await?;
    Ok(found
        .into_iter()
        .map(|rule| {
            let fired = lately.get(&rule.id);
            RuleView {
                sentence: sentence(&table, &views, &rule.definition),
                problem: problem(&table, &views, &rule.definition),
                last_fired_at: fired.map(|(at, _)| *at),
                fired_lately: fired.map_or(0, |(_, n)| *n),
                rule,
            }
        })
        .collect())
}

async fn found(app: &App, id: &str) -> Result<Rule, AppError> {
    let mut conn = app.db.read().acquire().await?;
    rules::find(&mut conn, id).await?.ok_or_else(nothing)
}

async fn seen_one(app: &App, id: &str) -> Result<RuleView, AppError> {
    let rule = found(app, id).await?;
    seen(app, vec![rule]).await?.pop().ok_or_else(nothing)
}

async fn add(
    app: &App,
    who: &SignedIn,
    name: &str,
    definition: &Definition,
    enabled: bool,
) -> Result<String, AppError> {
    let definition = checked(app, definition).await?;
    let mut tx = app.db.write().await?;
    let by = who.actor().to_string();
    let id = rules::add(&mut tx, name, &definition, enabled, None, &by).await?;
    record(&mut tx, who, "automation.added", &rules_target(&id)).await?;
    tx.commit().await?;
    Ok(id)
}

fn rules_target(id: &str) -> String {
    format!("rule:{id}")
}

async fn change(
    app: &App,
    who: &SignedIn,
    id: &str,
    mut wanted: RuleChange,
) -> Result<(), AppError> {
    let before = found(app, id).await?;
    let will_be_on = wanted.enabled.unwrap_or(before.enabled);
    if let Some(definition) = &wanted.definition {
        wanted.definition = Some(checked(app, definition).await?);
    } else if will_be_on && !before.enabled {
        // A rule that could not fire is not switched on: nobody would know why.
        checked(app, &before.definition).await?;
    }
    let mut tx = app.db.write().await?;
    let rule = rules::find(&mut tx, id).await?.ok_or_else(nothing)?;
    rules::change(&mut tx, &rule, &wanted, &who.actor().to_string()).await?;
    let action = match wanted.enabled {
        Some(true) if !rule.enabled => "automation.switched_on",
        Some(false) if rule.enabled => "automation.turned_off",
        _ => "automation.changed",
    };
    record(&mut tx, who, action, &rules_target(id)).await?;
    tx.commit().await?;
    Ok(())
}

async fn remove(app: &App, who: &SignedIn, id: &str) -> Result<Rule, AppError> {
    let mut tx = app.db.write().await?;
    let rule = rules::find(&mut tx, id).await?.ok_or_else(nothing)?;
    rules::remove(&mut tx, id, &who.actor().to_string()).await?;
    record(&mut tx, who, "automation.deleted", &rules_target(id)).await?;
    tx.commit().await?;
    Ok(rule)
}

async fn restore(app: &App, who: &SignedIn, id: &str) -> Result<(), AppError> {
    let mut tx = app.db.write().await?;
    if !rules::restore(&mut tx, id, &who.actor().to_string()).await? {
        return Err(nothing());
    }
    record(&mut tx, who, "automation.restored", &rules_target(id)).await?;
    tx.commit().await?;
    Ok(())
}

/// Starts a rule by hand: for these rows, or for all that satisfy its conditions.
async fn start(
    app: &App,
    who: &SignedIn,
    id: &str,
    rows: Option<&[String]>,
) -> Result<usize, AppError> {
    let rule = found(app, id).await?;
    let views = views(app).await?;
    let wanted = {
        let table = app.grid.read().await?;
        match rows {
            None => rules::matching(&table, &views, &rule.definition)?,
            Some(rows) => {
                check(&table, &views, &rule.definition)?;
                let each = rows.iter().map(|row| {
                    let slot = table.slot(row).ok_or_else(|| {
                        AppError::invalid("rows", format!("There is no investor {row:?}."))
                    })?;
                    Ok((row.clone(), table.title(slot)))
                });
                each.collect::<Result<Vec<_>, AppError>>()?
            }
        }
    };
    let mut tx = app.db.write().await?;
    let rule = rules::find(&mut tx, id).await?.ok_or_else(nothing)?;
    let by = who.actor().to_string();
    let runs = rules::start_by_hand(&mut tx, &rule, &wanted, &by).await?;
    let detail = json!({ "runs": runs });
    let target = rules_target(id);
    audit::record(
        &mut tx,
        &who.actor(),
        "automation.started",
        &target,
        detail,
        &who.ip(),
    )
    .await?;
    tx.commit().await?;
    Ok(runs)
}
