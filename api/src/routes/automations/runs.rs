//! Runs: what fired, what came of it, and what can be done about it.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    accounts::users,
    audit,
    automations::{self as rules, Answer, Reverted, Run, RunFilter, RunPage},
    grid::{self, ChangeSet},
    queue::inspect::JobStory,
    settings,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::page::{AttemptLine, RunLine, RunShown, RunsPage};
use crate::{
    error::AppError,
    extract::{Form, Json, Path, Query},
    flash::Done,
    frame::{frame, html},
    routes::{
        investor::lines_of,
        page::{Badge, Choice, FlashKind, LinkTo},
    },
    session::SignedIn,
    show,
    state::App,
};

/// Which runs.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct RunsQuery {
    /// Of this rule.
    #[schemars(length(max = 64))]
    rule: Option<String>,
    /// Of this row.
    #[schemars(length(max = 64))]
    row: Option<String>,
    /// `queued`, `running`, `asked`, `declined`, `done`, `failed`, `cancelled`,
    /// `skipped` or `reverted`.
    #[schemars(regex(
        pattern = "^(queued|running|asked|declined|done|failed|cancelled|skipped|reverted)?$"
    ))]
    state: Option<String>,
    /// Where the page before ended.
    #[schemars(regex(pattern = "^[0-9]{1,18}$"))]
    cursor: Option<String>,
    /// At most so many, 200 at the most; 50 if absent.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<i64>,
}

/// A run and all that belongs to it.
#[derive(Serialize, JsonSchema)]
pub struct RunStory {
    /// The run.
    run: Run,
    /// Its job with attempts and log, while the queue keeps it.
    job: Option<JobStory>,
    /// What it changed in the grid.
    change_set: Option<ChangeSet>,
}

/// A run was started again.
#[derive(Serialize, JsonSchema)]
pub struct Replayed {
    /// The new run.
    run: i64,
}

/// What a person says.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Decision {
    /// `yes` or `no`.
    answer: Answer,
}

/// The same for several runs, from a form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BulkForm {
    answer: String,
}

impl RunsQuery {
    fn filter(&self) -> Result<RunFilter, AppError> {
        let given = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
        let before = match given(&self.cursor) {
            None => None,
            Some(cursor) => Some(cursor.parse().map_err(|_| {
                AppError::invalid("cursor", "Send back the cursor of the last answer.")
            })?),
        };
        Ok(RunFilter {
            rule: given(&self.rule),
            row: given(&self.row),
            state: given(&self.state),
            before,
            limit: self.limit.unwrap_or(50),
        })
    }
}

pub async fn list_json(
    State(app): State<App>,
    Query(query): Query<RunsQuery>,
) -> Result<Json<RunPage>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    Ok(Json(rules::runs(&mut conn, &query.filter()?).await?))
}

async fn story(app: &App, id: i64) -> Result<RunStory, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let run = rules::find_run(&mut conn, id)
        .await?
        .ok_or_else(super::no_run)?;
    let change_set = match run.change_set_id {
        Some(set) => {
            let sets = grid::history_of_row(&mut conn, &run.row_id, Some(set + 1), 1).await?;
            sets.into_iter().find(|found| found.id == set)
        }
        None => None,
    };
    drop(conn);
    let job = run.story(app.db.read()).await?;
    Ok(RunStory {
        run,
        job,
        change_set,
    })
}

pub async fn one_json(
    State(app): State<App>,
    Path(id): Path<i64>,
) -> Result<Json<RunStory>, AppError> {
    Ok(Json(story(&app, id).await?))
}

async fn record(
    tx: &mut crm_jobs::db::WriteTx,
    who: &SignedIn,
    action: &str,
    run: &Run,
) -> Result<(), AppError> {
    let detail = json!({"run": run.id, "rule": run.rule_id});
    let target = format!("row:{}", run.row_id);
    audit::record(tx, &who.actor(), action, &target, detail, &who.ip()).await?;
    Ok(())
}

async fn known(tx: &mut crm_jobs::db::WriteTx, id: i64) -> Result<Run, AppError> {
    rules::find_run(tx, id).await?.ok_or_else(super::no_run)
}

async fn replay_one(app: &App, who: &SignedIn, id: i64) -> Result<i64, AppError> {
    let mut tx = app.db.write().await?;
    let run = known(&mut tx, id).await?;
    let new = rules::replay(&mut tx, id, &who.actor().to_string()).await?;
    record(&mut tx, who, "automation.replayed", &run).await?;
    tx.commit().await?;
    Ok(new)
}

async fn revert_one(app: &App, who: &SignedIn, id: i64) -> Result<Reverted, AppError> {
    let mut tx = app.db.write().await?;
    let run = known(&mut tx, id).await?;
    let reverted = rules::revert(&mut tx, id, &who.actor().to_string()).await?;
    record(&mut tx, who, "automation.reverted", &run).await?;
    tx.commit().await?;
    Ok(reverted)
}

async fn decide_one(app: &App, who: &SignedIn, id: i64, answer: Answer) -> Result<Run, AppError> {
    let mut tx = app.db.write().await?;
    let run = known(&mut tx, id).await?;
    let decided = rules::decide(&mut tx, id, answer, &who.actor().to_string()).await?;
    let action = match answer {
        Answer::Yes => "automation.approved",
        Answer::No => "automation.declined",
    };
    record(&mut tx, who, action, &run).await?;
    tx.commit().await?;
    Ok(decided)
}

pub async fn replay_json(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<i64>,
) -> Result<Response, AppError> {
    let run = replay_one(&app, &who, id).await?;
    Ok((StatusCode::ACCEPTED, Json(Replayed { run })).into_response())
}

pub async fn revert_json(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<i64>,
) -> Result<Json<Reverted>, AppError> {
    Ok(Json(revert_one(&app, &who, id).await?))
}

pub async fn decide_json(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<i64>,
    Json(decision): Json<Decision>,
) -> Result<Json<Run>, AppError> {
    Ok(Json(decide_one(&app, &who, id, decision.answer).await?))
}

fn answer_of(word: &str) -> Option<Answer> {
    match word {
        "yes" => Some(Answer::Yes),
        "no" => Some(Answer::No),
        _ => None,
    }
}

/// A refusal becomes a message, on the page it came from.
fn told(refused: AppError, back: &str) -> Result<Done, AppError> {
    if refused.status() == StatusCode::UNPROCESSABLE_ENTITY {
        return Ok(Done::to(back).saying(FlashKind::Bad, refused.detail()));
    }
    Err(refused)
}

pub async fn decide(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<i64>,
    Form(form): Form<BulkForm>,
) -> Result<Done, AppError> {
    let Some(answer) = answer_of(&form.answer) else {
        return Ok(Done::to("/automations").saying(FlashKind::Bad, "Say yes or no."));
    };
    match decide_one(&app, &who, id, answer).await {
        Ok(run) => Ok(Done::to("/automations").saying(
            FlashKind::Ok,
            match answer {
                Answer::Yes => format!("Yes: {} is under way.", run.row_title),
                Answer::No => format!("No: {} stays as it is.", run.row_title),
            },
        )),
        Err(refused) => told(refused, "/automations"),
    }
}

/// Answers all questions that are marked: `yes` or `no` to each `run`.
pub async fn decide_many(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Done, AppError> {
    let back = "/automations";
    let answer = form.iter().find(|(name, _)| name == "answer");
    let Some(answer) = answer.and_then(|(_, word)| answer_of(word)) else {
        return Ok(Done::to(back).saying(FlashKind::Bad, "Say yes or no."));
    };
    let runs: Vec<i64> = form
        .iter()
        .filter(|(name, _)| name == "run")
        .filter_map(|(_, id)| id.parse().ok())
        .take(500)
        .collect();
    if runs.is_empty() {
        return Ok(Done::to(back).saying(FlashKind::Warn, "Mark the questions to answer first."));
    }
    let mut done = 0;
    for run in &runs {
        match decide_one(&app, &who, *run, answer).await {
            Ok(_) => done += 1,
            // Somebody else was quicker with this one.
            Err(refused) if refused.status().is_client_error() => {}
            Err(other) => return Err(other),
        }
    }
    let word = if answer == Answer::Yes { "Yes" } else { "No" };
    Ok(Done::to(back).saying(
        FlashKind::Ok,
        format!("{word} to {}.", show::count(done, "question", "questions")),
    ))
}

pub async fn replay(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<i64>,
) -> Result<Done, AppError> {
    match replay_one(&app, &who, id).await {
        Ok(new) => Ok(Done::to(format!("/automations/runs/{new}"))
            .saying(FlashKind::Ok, "It runs again, as this new run.")),
        Err(refused) => told(refused, &format!("/automations/runs/{id}")),
    }
}

pub async fn revert(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<i64>,
) -> Result<Done, AppError> {
    let back = format!("/automations/runs/{id}");
    match revert_one(&app, &who, id).await {
        Ok(reverted) if reverted.conflicts.is_empty() => Ok(Done::to(back)
            .saying(FlashKind::Ok, "All that the run did is taken back.")
            .offering("Run it again", &format!("/automations/runs/{id}/replay"))),
        Ok(reverted) => {
            let fields = i64::try_from(reverted.conflicts.len()).unwrap_or(i64::MAX);
            let says = format!(
                "Taken back, but for {} that somebody changed since.",
                show::count(fields, "field", "fields")
            );
            Ok(Done::to(back).saying(FlashKind::Warn, says))
        }
        Err(refused) => told(refused, &back),
    }
}

/// Leads from a change set to the run that made it.
pub async fn of_change(State(app): State<App>, Path(set): Path<i64>) -> Result<Done, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let found = rules::by_change_sets(&mut conn, &[set]).await?;
    let run = found.get(&set).ok_or_else(super::no_run)?;
    Ok(Done::to(format!("/automations/runs/{run}")))
}

/// A state in words.
pub fn badge(state: &str) -> Badge {
    match state {
        "queued" => Badge::new("Waiting", "muted"),
        "running" => Badge::new("Running", "info"),
        "asked" => Badge::new("Asks", "warn"),
        "declined" => Badge::new("Declined", "muted"),
        "done" => Badge::new("Done", "ok"),
        "failed" => Badge::new("Failed", "bad"),
        "cancelled" => Badge::new("Cancelled", "muted"),
        "skipped" => Badge::new("Skipped", "muted"),
        "reverted" => Badge::new("Taken back", "muted"),
        _ => Badge::new("Unknown", "muted"),
    }
}

const STATES: [(&str, &str); 7] = [
    ("", "All"),
    ("asked", "Asks"),
    ("queued", "Waiting"),
    ("done", "Done"),
    ("skipped", "Skipped"),
    ("failed", "Failed"),
    ("reverted", "Taken back"),
];

pub fn line(run: &Run, now: i64) -> RunLine {
    RunLine {
        href: format!("/automations/runs/{}", run.id),
        id: run.id.to_string(),
        rule: run.rule_name().to_owned(),
        investor: run.row_title.clone(),
        investor_href: format!("/investors/{}", run.row_id),
        state: badge(&run.state),
        outcome: crate::error::sentence(&run.outcome),
        at: show::ago(now, run.created_at),
    }
}

pub async fn list(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<RunsQuery>,
) -> Result<Response, AppError> {
    // An address that somebody wrote by hand shows the beginning.
    let filter = query.filter().unwrap_or_else(|_| RunFilter {
        limit: 50,
        ..RunFilter::default()
    });
    let mut conn = app.db.read().acquire().await?;
    let page = rules::runs(&mut conn, &filter).await?;
    let known = rules::list(&mut conn).await?;
    drop(conn);
    let chosen = filter.rule.clone().unwrap_or_default();
    let state = filter.state.clone().unwrap_or_default();
    let row = filter.row.clone().unwrap_or_default();
    let mut choices = vec![Choice::new("", "Every rule", chosen.is_empty())];
    choices.extend(
        known
            .iter()
            .map(|r| Choice::new(&r.id, &r.name, r.id == chosen)),
    );
    let to = |state: &str| {
        format!(
            "/automations/runs?rule={}&row={}&state={state}",
            show::encoded(&chosen),
            show::encoded(&row)
        )
    };
    let now = app.db.now();
    Ok(html(&RunsPage {
        rules: choices,
        tabs: STATES
            .iter()
            .map(|(value, label)| (LinkTo::new(label, &to(value)), *value == state))
            .collect(),
        state: state.clone(),
        row: row.clone(),
        is_narrowed: !(chosen.is_empty() && state.is_empty() && row.is_empty()),
        runs: page.runs.iter().map(|run| line(run, now)).collect(),
        next: page
            .next_cursor
            .map(|c| format!("{}&cursor={c}", to(&state))),
        frame: frame(&app, &who, "Runs").await,
    }))
}

/// What made it fire, in words.
fn cause(run: &Run, columns: &std::collections::BTreeMap<String, grid::Column>) -> String {
    let facts = &run.facts;
    let text = |name: &str| facts[name].as_str().unwrap_or_default();
    let name = |id: &str| {
        columns
            .get(id)
            .map_or_else(|| id.to_owned(), |c| c.name.clone())
    };
    let shown = |id: &str, value: &serde_json::Value| {
        let shown = columns.get(id).map(|c| grid::display(c, value));
        let shown = shown.unwrap_or_default();
        if shown.is_empty() {
            "nothing".to_owned()
        } else {
            format!("“{shown}”")
        }
    };
    let list = |name: &str| super::lists::label(text(name));
    match text("what") {
        "cell" => {
            let column = text("column");
            format!(
                "{} went from {} to {}",
                name(column),
                shown(column, &facts["before"]),
                shown(column, &facts["after"])
            )
        }
        "row_created" => "The investor was added".to_owned(),
        "entered_list" => format!("It came to {}", list("list")),
        "left_list" => format!("It left {}", list("list")),
        "entered_view" => format!("It came into the view “{}”", text("name")),
        "left_view" => format!("It left the view “{}”", text("name")),
        "date" => format!("{} is {}", name(text("column")), text("date")),
        "no_contact" => format!("Nobody was in touch since {}", text("since")),
        "schedule" => "Its time came".to_owned(),
        "manual" => "Somebody said so".to_owned(),
        _ => run.cause.clone(),
    }
}

/// What the facts of a run are told with.
struct Known<'a> {
    columns: &'a std::collections::BTreeMap<String, grid::Column>,
    names: &'a std::collections::BTreeMap<String, String>,
    zone: &'a jiff::tz::TimeZone,
}

impl Known<'_> {
    fn facts(&self, run: &Run, caused_by: Option<&ChangeSet>) -> Vec<(String, String)> {
        let mut facts = vec![
            (
                "Fired".to_owned(),
                show::moment(self.zone, run.created_at).text,
            ),
            ("Because".to_owned(), cause(run, self.columns)),
        ];
        if let Some(set) = caused_by {
            facts.push((
                "Changed by".to_owned(),
                format!("{}, change {}", show::actor(&set.actor, self.names), set.id),
            ));
        }
        if run.started_by != "system" {
            facts.push((
                "Started by".to_owned(),
                show::actor(&run.started_by, self.names),
            ));
        }
        if let Some(by) = &run.decided_by {
            facts.push(("Answered by".to_owned(), show::actor(by, self.names)));
        }
        if let Some(by) = &run.reverted_by {
            facts.push(("Taken back by".to_owned(), show::actor(by, self.names)));
        }
        if let Some(set) = run.change_set_id {
            facts.push(("Change set".to_owned(), set.to_string()));
        }
        if run.depth > 0 {
            facts.push(("Depth".to_owned(), format!("{} runs led to it", run.depth)));
        }
        if let Some(at) = run.finished_at {
            facts.push(("Ended".to_owned(), show::moment(self.zone, at).text));
        }
        facts
    }
}

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<i64>,
) -> Result<Response, AppError> {
    let story = story(&app, id).await?;
    let run = &story.run;
    let names = users::names(&app.db).await?;
    let zone = show::zone(&settings::fund_zone(&app.db).await?);
    let mut conn = app.db.read().acquire().await?;
    let columns = grid::all_columns(&mut conn).await?;
    let caused_by = match run.cause_change_set_id {
        Some(set) => grid::change_set(&mut conn, set).await?,
        None => None,
    };
    let is_rule_there = rules::find(&mut conn, &run.rule_id).await?.is_some();
    drop(conn);
    let changes = match &story.change_set {
        Some(set) => lines_of(&app, &columns, &set.changes).await?,
        None => Vec::new(),
    };
    let would_do = if run.state == "asked" {
        let table = app.grid.read().await?;
        run.would_do(&table)
    } else {
        Vec::new()
    };
    let is_admin = who.user.is_admin();
    let known = Known {
        columns: &columns,
        names: &names,
        zone: &zone,
    };
    let facts = known.facts(run, caused_by.as_ref());
    let attempts = story.job.iter().flat_map(|job| &job.attempts);
    let attempts = attempts
        .map(|a| AttemptLine {
            number: a.attempt.to_string(),
            outcome: a.outcome.replace('_', " "),
            error: a.error.clone(),
            at: show::moment(&zone, a.finished_at),
        })
        .collect();
    let ended = !["queued", "running", "asked"].contains(&run.state.as_str());
    Ok(html(&RunShown {
        id: run.id.to_string(),
        title: format!("{} for {}", run.rule_name(), run.row_title),
        rule: run.rule_name().to_owned(),
        rule_href: if is_rule_there {
            format!("/automations/{}", run.rule_id)
        } else {
            String::new()
        },
        investor: LinkTo::new(&run.row_title, &format!("/investors/{}", run.row_id)),
        state: badge(&run.state),
        outcome: crate::error::sentence(&run.outcome),
        would_do,
        steps: run
            .steps
            .iter()
            .map(|s| LinkTo::new(&crate::error::sentence(&s.says), &s.href))
            .collect(),
        changes,
        facts,
        attempts,
        job: run
            .job_id
            .filter(|_| story.job.is_some() && is_admin)
            .map(|job| format!("/jobs/{job}"))
            .unwrap_or_default(),
        definition: serde_json::to_string_pretty(&run.rule).unwrap_or_default(),
        replay_of: run
            .replay_of
            .map(|id| format!("/automations/runs/{id}"))
            .unwrap_or_default(),
        is_asked: run.state == "asked",
        can_replay: ended,
        can_revert: run.state == "done",
        is_waiting: matches!(run.state.as_str(), "queued" | "running"),
        frame: frame(&app, &who, "Run").await,
    }))
}
