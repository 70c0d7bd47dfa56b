//! One investor: its fields saved together, its list, archive and deletion.

use std::collections::BTreeMap;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    grid::{self, Applied, Column, Operation, Row},
    timeline::Kind,
};
use serde::Deserialize;

use super::build::{self, Returned, Shown, path};
use crate::{
    error::{AppError, sentence},
    extract::{Form, Path, Query},
    flash::Done,
    frame::{html, html_with},
    routes::{
        grid::{
            clipped,
            conflict::{Typed, conflict},
            fields, first, gone, list,
            page::Conflict,
            undo,
            values::{Names, list_label},
        },
        page::FlashKind,
        state::{live_row, write::apply},
    },
    session::SignedIn,
    state::App,
};

#[derive(Deserialize)]
pub struct TimelineQuery {
    #[serde(default)]
    show: String,
    #[serde(default)]
    cursor: String,
}

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(query): Query<TimelineQuery>,
) -> Result<Response, AppError> {
    let row = live_row(&app, &id).await?;
    // A place that is no more is the beginning, as with pages that are no numbers.
    let shown = Shown {
        kinds: Kind::read_all(&query.show).unwrap_or_else(|_| Kind::ALL.to_vec()),
        cursor: query.cursor.parse().ok(),
    };
    Ok(html(
        &build::build(&app, &who, &row, shown, Returned::default()).await?,
    ))
}

/// The page with changes that met newer ones.
pub async fn with_conflicts(
    app: &App,
    who: &SignedIn,
    id: &str,
    conflicts: Vec<Conflict>,
) -> Result<Response, AppError> {
    let row = live_row(app, id).await?;
    let returned = Returned {
        conflicts,
        ..Returned::default()
    };
    let page = build::build(app, who, &row, Shown::default(), returned).await?;
    Ok(html_with(StatusCode::CONFLICT, &page))
}

/// The page with the reason why a file was not attached.
pub async fn with_file_error(
    app: &App,
    who: &SignedIn,
    id: &str,
    error: &AppError,
) -> Result<Response, AppError> {
    let row = live_row(app, id).await?;
    let returned = Returned {
        file_error: Some(error.detail().to_owned()),
        ..Returned::default()
    };
    let page = build::build(app, who, &row, Shown::default(), returned).await?;
    Ok(html_with(error.status(), &page))
}

/// What the form of all fields posts: each field's name, what it held when the
/// form was loaded, and what it holds now.
struct Posted {
    version: i64,
    was: BTreeMap<String, String>,
    values: BTreeMap<String, Vec<String>>,
}

impl Posted {
    fn of(pairs: Vec<(String, String)>) -> Result<Self, AppError> {
        let (mut version, mut field) = (None, String::new());
        let (mut was, mut values) = (BTreeMap::new(), BTreeMap::<String, Vec<String>>::new());
        for (name, value) in pairs {
            let column = |name: &str| name.strip_prefix("f.").unwrap_or(name).to_owned();
            match name.as_str() {
                "version" => version = value.parse().ok().filter(|v| *v >= 0),
                "field" => field = column(&value),
                "was" => {
                    was.insert(field.clone(), value.replace("\r\n", "\n"));
                }
                name if name.starts_with("f.") => {
                    values.entry(column(name)).or_default().push(value);
                }
                _ => {}
            }
        }
        let version = version.ok_or_else(|| {
            AppError::invalid(
                "version",
                "The form lacks its version: load the page again.",
            )
        })?;
        Ok(Self {
            version,
            was,
            values,
        })
    }

    fn values(&self, column: &str) -> &[String] {
        self.values.get(column).map_or(&[], Vec::as_slice)
    }

    /// Columns whose field holds something else than it did.
    fn changed<'a>(&self, columns: &'a [Column]) -> Vec<&'a Column> {
        columns
            .iter()
            .filter(|c| {
                let was = self.was.get(&c.id);
                was.is_some_and(|was| *was != fields::joined(self.values(&c.id)))
            })
            .collect()
    }

    /// The form as it came, with errors at their columns.
    fn returned(&self, columns: &[Column], errors: &BTreeMap<String, String>) -> Returned {
        let posted = columns.iter().filter_map(|column| {
            let was = self.was.get(&column.id)?.clone();
            let error = errors.get(&column.id).cloned();
            Some((
                column.id.clone(),
                (self.values(&column.id).to_vec(), was, error),
            ))
        });
        Returned {
            posted: posted.collect(),
            version: Some(self.version),
            ..Returned::default()
        }
    }
}

pub async fn save(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, AppError> {
    let posted = Posted::of(pairs)?;
    let names = Names::load(&app).await?;
    let mut tx = app.db.write().await?;
    let columns = grid::columns(&mut tx).await?;
    let row = grid::row(&mut tx, &id).await?.ok_or_else(gone)?;
    let changed = posted.changed(&columns);
    let (operations, mut errors) = operations(&row, &changed, &posted, &names);
    if errors.is_empty() {
        match apply(&mut tx, &who, &operations, "edit", "").await {
            Ok(applied) => {
                tx.commit().await?;
                return saved(
                    &app,
                    &who,
                    &Saved {
                        row,
                        columns,
                        posted,
                        names,
                        applied,
                    },
                )
                .await;
            }
            Err(error) => {
                let (column, why) = blame(error, &changed)?;
                errors.insert(column, why);
            }
        }
    }
    drop(tx);
    let returned = posted.returned(&columns, &errors);
    let page = build::build(&app, &who, &row, Shown::default(), returned).await?;
    Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// One operation for each changed column, or what is wrong with its value.
fn operations(
    row: &Row,
    changed: &[&Column],
    posted: &Posted,
    names: &Names,
) -> (Vec<Operation>, BTreeMap<String, String>) {
    let (mut operations, mut errors) = (Vec::new(), BTreeMap::new());
    for column in changed {
        let now = row.cells.get(&column.id);
        let value = fields::meant(column, posted.values(&column.id), now, &names.zone);
        if let Err(why) = grid::normalize(column, &value) {
            errors.insert(column.id.clone(), sentence(&why));
        }
        operations.push(Operation::Set {
            row: row.id.clone(),
            column: column.id.clone(),
            value,
            base: posted.version,
        });
    }
    (operations, errors)
}

/// The column that `operations[3].value` was about; other errors go on.
fn blame(error: AppError, changed: &[&Column]) -> Result<(String, String), AppError> {
    let index = error.field().and_then(|field| {
        let (index, _) = field.strip_prefix("operations[")?.split_once(']')?;
        index.parse::<usize>().ok()
    });
    match index.and_then(|index| changed.get(index)) {
        Some(column) => Ok((column.id.clone(), error.detail().to_owned())),
        None => Err(error),
    }
}

struct Saved {
    row: Row,
    columns: Vec<Column>,
    posted: Posted,
    names: Names,
    applied: Applied,
}

async fn saved(app: &App, who: &SignedIn, saved: &Saved) -> Result<Response, AppError> {
    let Saved { row, applied, .. } = saved;
    if applied.conflicts.is_empty() {
        let done = Done::to(path(&row.id));
        return Ok(match applied.changes {
            0 => done.saying(
                FlashKind::Info,
                "Nothing was changed, so nothing was saved.",
            ),
            n => done
                .saying(FlashKind::Ok, fields_saved(n))
                .offering("Undo", &undo::href(applied.version)),
        }
        .into_response());
    }
    let title = list::title(row, first(&saved.columns), &saved.names);
    let conflicts = applied.conflicts.iter().filter_map(|met| {
        let column = saved
            .columns
            .iter()
            .find(|c| Some(&c.id) == met.column.as_ref())?;
        let typed = Typed {
            title: title.clone(),
            version: applied.version,
            values: saved.posted.values(&column.id).to_vec(),
            next: path(&row.id),
        };
        Some(conflict(&saved.names, column, met, typed))
    });
    with_conflicts(app, who, &row.id, conflicts.collect()).await
}

fn fields_saved(n: usize) -> String {
    if n == 1 {
        "One field is saved.".to_owned()
    } else {
        format!("{n} fields are saved.")
    }
}

#[derive(Deserialize)]
pub struct Move {
    list: String,
    #[serde(default)]
    reason: String,
}

pub async fn move_to(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<Move>,
) -> Result<Done, AppError> {
    let says = format!("Moved to {}.", list_label(&form.list));
    let operation = Operation::Move {
        row: id.clone(),
        list: form.list,
        reason: form.reason,
    };
    act(&app, &who, operation, path(&id), &says).await
}

#[derive(Deserialize)]
pub struct Archive {
    #[serde(default)]
    reason: String,
}

pub async fn archive(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<Archive>,
) -> Result<Done, AppError> {
    let operation = Operation::Archive {
        row: id.clone(),
        reason: form.reason,
    };
    act(
        &app,
        &who,
        operation,
        path(&id),
        "Archived: it is in no list any more.",
    )
    .await
}

pub async fn restore(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    let operation = Operation::Restore { row: id.clone() };
    act(&app, &who, operation, path(&id), "Restored.").await
}

pub async fn delete(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    let row = live_row(&app, &id).await?;
    let columns = grid::columns(&mut *app.db.read().acquire().await?).await?;
    let title = list::title(&row, first(&columns), &Names::load(&app).await?);
    let operation = Operation::Delete { row: id };
    let says = format!("{} is deleted.", clipped(&title));
    act(&app, &who, operation, "/grid".to_owned(), &says).await
}

/// Does one thing to a row and offers to undo it. What the grid refuses is said
/// on the page the form is on.
async fn act(
    app: &App,
    who: &SignedIn,
    operation: Operation,
    next: String,
    says: &str,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    match apply(&mut tx, who, &[operation], "edit", "").await {
        Ok(applied) if applied.changes == 0 => {
            Ok(Done::to(next).saying(FlashKind::Info, "Nothing was changed."))
        }
        Ok(applied) => {
            tx.commit().await?;
            Ok(Done::to(next)
                .saying(FlashKind::Ok, says)
                .offering("Undo", &undo::href(applied.version)))
        }
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            Ok(Done::to(next).saying(FlashKind::Bad, refused.detail()))
        }
        Err(other) => Err(other),
    }
}
