//! What the import pages post.

use std::collections::HashMap;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    grid::ColumnType,
    import::{self, Blank, ColumnMapping, DateOrder, Mapping, Overrides, Target},
};
use serde::Deserialize;

use super::{filled, find, pages, said, set_mapping, start, take_upload};
use crate::{
    error::AppError,
    extract::{Form, Multipart, Path},
    flash::Done,
    frame::html_with,
    routes::page::FlashKind,
    session::SignedIn,
    state::App,
};

/// A refused file shows the list again, with the reason at the field.
pub async fn upload(
    State(app): State<App>,
    who: SignedIn,
    form: Multipart,
) -> Result<Response, AppError> {
    match take_upload(&app, &who, form).await {
        Ok(import) => Ok(Done::to(format!("/imports/{}", import.id)).into_response()),
        Err(refused) if refused.field().is_some() => {
            let page = pages::list_page(&app, &who, 1, Some(refused.detail().to_owned())).await?;
            Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(other) => Err(other),
    }
}

#[derive(Deserialize)]
pub struct ReadingForm {
    #[serde(default)]
    encoding: String,
    #[serde(default)]
    delimiter: String,
    #[serde(default)]
    sheet: String,
    #[serde(default)]
    profile: String,
}

/// A file that cannot be read as asked stays as it was, with the reason.
pub async fn read_again(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<ReadingForm>,
) -> Result<Response, AppError> {
    let overrides = Overrides {
        encoding: said("encoding", &form.encoding)?,
        delimiter: said("delimiter", &form.delimiter)?,
        sheet: filled(&form.sheet),
        profile: filled(&form.profile),
    };
    match super::read_again(&app, &who, &id, overrides).await {
        Ok(_) => Ok(Done::to(format!("/imports/{id}")).into_response()),
        Err(refused) if refused.field().is_some() => {
            let why = Some(refused.detail().to_owned());
            let page = pages::one_page(&app, &who, &id, why).await?;
            Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(other) => Err(other),
    }
}

pub async fn map(
    State(app): State<App>,
    Path(id): Path<String>,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Done, AppError> {
    let import = find(&app, &id).await?;
    let mapping = read_mapping(&import.mapping, &form);
    set_mapping(&app, &id, &mapping).await?;
    Ok(Done::to(format!("/imports/{id}#dry-run")))
}

/// The stored mapping with what the form says instead. What a form cannot say
/// (options, delimiter) stays.
fn read_mapping(stored: &Mapping, form: &HashMap<String, String>) -> Mapping {
    let columns = stored.columns.iter().enumerate().map(|(index, column)| {
        let said = |field: &str| form.get(&format!("{field}.{index}")).map(String::as_str);
        let kind = said("kind")
            .and_then(ColumnType::parse)
            .unwrap_or(column.kind);
        ColumnMapping {
            target: said("target").map_or_else(|| column.target.clone(), |t| target(t, column)),
            // Currency, choices and the like belong to the type they were found for.
            options: if kind == column.kind {
                column.options.clone()
            } else {
                crm_jobs::grid::ColumnOptions::default()
            },
            kind,
            blank: match said("blank") {
                Some("clear") => Blank::Clear,
                Some(_) => Blank::Skip,
                None => column.blank,
            },
            date_order: match said("order") {
                Some("dmy") => Some(DateOrder::DayFirst),
                Some("mdy") => Some(DateOrder::MonthFirst),
                _ => column.date_order,
            },
            keep_as_text: if said("target").is_some() {
                said("text").is_some()
            } else {
                column.keep_as_text
            },
            ..column.clone()
        }
    });
    Mapping {
        columns: columns.collect(),
        key: match form.get("key").map(String::as_str) {
            Some(key) => key.parse().ok(),
            None => stored.key,
        },
        ..stored.clone()
    }
}

fn target(posted: &str, column: &ColumnMapping) -> Target {
    match posted.split_once(':') {
        Some(("column", id)) => Target::Existing {
            column: id.to_owned(),
        },
        _ if posted == "new" => match &column.target {
            Target::New { name } => Target::New { name: name.clone() },
            _ => Target::New {
                name: column.header.clone(),
            },
        },
        _ => Target::Skip,
    }
}

pub async fn apply(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    start(&app, &who, &id).await?;
    Ok(Done::to(format!("/imports/{id}")))
}

pub async fn reopen(State(app): State<App>, Path(id): Path<String>) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    import::reopen(&mut tx, &id).await?;
    tx.commit().await?;
    Ok(Done::to(format!("/imports/{id}")).saying(
        FlashKind::Info,
        "Back to the mapping; nothing has changed yet.",
    ))
}
