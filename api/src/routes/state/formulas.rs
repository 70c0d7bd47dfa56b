//! Trying formulas and changes of type before they are saved.

use axum::extract::State;
use crm_jobs::{
    formula::{self, Problem, Value},
    grid::{self, ColumnOptions, ColumnType, RetypePreview},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json_};

use crate::{
    error::AppError,
    extract::{Json, Path},
    state::App,
};

/// A formula to try.
#[derive(Deserialize, JsonSchema)]
pub struct Preview {
    /// As people write it, with `{Column name}`.
    #[schemars(length(max = 20_000))]
    expression: String,
    /// Column name → value, instead of a row's.
    #[serde(default)]
    sample: Option<Map<String, Json_>>,
    /// A row to try it on; the first one if neither is given.
    #[serde(default)]
    #[schemars(length(max = 64))]
    row: Option<String>,
    /// Blank equals 0 and the empty text, as in Airtable.
    #[serde(default)]
    airtable_blanks: bool,
}

/// What came of it.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Previewed {
    /// It can be computed.
    Value {
        /// `text`, `number`, `currency`, `percent`, `date`, `date_time`,
        /// `boolean`, `list`, `blank` or `error`.
        #[serde(rename = "type")]
        kind: String,
        /// Numbers as decimal text.
        value: Json_,
        /// As a CSV export would print it.
        text: String,
    },
    /// It cannot.
    Error {
        /// Where and why.
        error: PreviewProblem,
    },
}

/// What is wrong with a formula's text.
#[derive(Serialize, JsonSchema)]
pub struct PreviewProblem {
    /// Stable, for programs.
    code: String,
    /// For people.
    message: String,
    /// First character concerned, from 0.
    start: usize,
    /// The one behind the last.
    end: usize,
    /// What could stand there instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
}

impl From<Problem> for PreviewProblem {
    fn from(problem: Problem) -> Self {
        Self {
            code: problem.code.to_owned(),
            message: problem.message,
            start: problem.start,
            end: problem.end,
            suggestion: problem.suggestion,
        }
    }
}

pub async fn preview(
    State(app): State<App>,
    Json(wanted): Json<Preview>,
) -> Result<Json<Previewed>, AppError> {
    let table = app.grid.read().await?;
    let answered = tokio::task::spawn_blocking(move || {
        grid::try_formula(
            &table,
            &grid::Trial {
                expression: &wanted.expression,
                sample: wanted.sample.as_ref(),
                row: wanted.row.as_deref(),
                airtable_blanks: wanted.airtable_blanks,
            },
        )
    })
    .await
    .map_err(AppError::internal)??;
    Ok(Json(match answered {
        Ok(tried) => Previewed::Value {
            kind: name_of(&tried.value, tried.kind),
            value: grid::value_json(&tried.value),
            text: tried.text,
        },
        Err(problem) => Previewed::Error {
            error: problem.into(),
        },
    }))
}

/// The type of the value there is; of none, what the formula gives in general.
fn name_of(value: &Value, kind: formula::Type) -> String {
    let kind = match value {
        Value::Error(_) => formula::Type::Error,
        Value::Blank => formula::Type::Blank,
        _ => kind,
    };
    word(kind)
}

/// An enum's name as JSON has it.
fn word(of: impl Serialize) -> String {
    let name = serde_json::to_value(of).unwrap_or_default();
    name.as_str().unwrap_or_default().to_owned()
}

/// A function formulas can use.
#[derive(Serialize, JsonSchema)]
pub struct Function {
    /// In capitals.
    name: String,
    /// With its arguments.
    signature: String,
    /// In one line.
    help: String,
    /// `text`, `number`, `date`, `logic`, `array`, `regex` or `record`.
    category: String,
}

pub async fn functions() -> Json<Vec<Function>> {
    let known = formula::functions().map(|f| Function {
        name: f.name.to_owned(),
        signature: f.signature.to_owned(),
        help: f.help.to_owned(),
        category: word(f.category),
    });
    Json(known.collect())
}

/// A change of type to try.
#[derive(Deserialize, JsonSchema)]
pub struct Retype {
    /// What the cells would hold.
    #[serde(rename = "type")]
    kind: ColumnType,
    /// How.
    #[serde(default)]
    options: Option<ColumnOptions>,
}

pub async fn retype_preview(
    State(app): State<App>,
    Path(column): Path<String>,
    Json(wanted): Json<Retype>,
) -> Result<Json<RetypePreview>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let preview =
        grid::retype_preview(&mut conn, &column, wanted.kind, wanted.options.as_ref()).await?;
    Ok(Json(preview))
}
