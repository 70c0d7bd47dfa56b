//! Taking data out: a view, a snapshot, everything.

use std::{convert::Infallible, io};

use axum::{
    BoxError,
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use crm_jobs::{audit, db::WriteTx};
use futures_util::{StreamExt, stream};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tokio::{io::AsyncReadExt, sync::mpsc::Receiver};

use crate::{
    access::Access,
    error::AppError,
    extract::Query,
    route::{Route, delete, get, post},
    routes::{files::disposition, jobs::Accepted},
    session::SignedIn,
    state::App,
};

mod archives;
pub mod page;
mod show_page;
mod snapshot;
mod view;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    use Access::{Admin, Member};
    vec![
        get("/export", Member, show_page::show),
        post("/export/archive", Admin, archives::make_form),
        post("/export/archives/{id}/remove", Admin, archives::remove_form),
        get("/api/fundraising/export", Member, export)
            .json(
                "export",
                "A snapshot of all data (JSON, admins), or a view as CSV or XLSX",
            )
            .query::<ExportQuery>()
            .answers::<SnapshotShape>(200)
            .or_files(&["text/csv", view::XLSX])
            .problems(&[403, 404]),
        post("/api/fundraising/archive", Admin, archives::make)
            .json(
                "export",
                "Make an archive with everything; it is kept for a day",
            )
            .answers::<Accepted>(202),
        get("/api/fundraising/archives", Admin, archives::list)
            .json("export", "Archives that can be had, the newest first")
            .answers::<Vec<crm_jobs::export::archive::Archive>>(200),
        get(
            "/api/fundraising/archives/{id}/file",
            Admin,
            archives::download,
        )
        .json("export", "An archive's bytes (ZIP)")
        .answers_nothing(200)
        .problems(&[404]),
        delete("/api/fundraising/archives/{id}", Admin, archives::remove)
            .json("export", "Remove an archive before its day is over")
            .answers_nothing(204)
            .problems(&[404]),
    ]
}

/// What is wanted, and as what.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct ExportQuery {
    /// `json` (the snapshot of everything, for admins), `csv` or `xlsx`.
    #[serde(default)]
    format: Format,
    /// Of a view: its id; all rows without one.
    view: Option<String>,
    /// `main`, `follow_up`, `longshot` or `graveyard`, instead of the view's filter.
    list: Option<String>,
    /// Only rows with this text in a cell.
    #[schemars(length(max = 200))]
    q: Option<String>,
    /// A filter as JSON, instead of the view's.
    filter: Option<String>,
    /// Sorts as JSON, instead of the view's.
    sort: Option<String>,
    /// Groups as JSON, instead of the view's.
    group: Option<String>,
    /// `all` for hidden columns too.
    columns: Option<String>,
    /// `1` for archived rows instead of the others.
    archived: Option<String>,
}

/// As what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// The snapshot.
    #[default]
    Json,
    /// Text with commas.
    Csv,
    /// An Excel workbook.
    Xlsx,
}

/// A snapshot. `crm-api load` takes it.
#[derive(serde::Serialize, JsonSchema)]
struct SnapshotShape {
    /// `venture-crm-snapshot`.
    format: String,
    /// Of the database it was taken from.
    schema: i64,
    /// When, RFC 3339.
    at: String,
    /// Name → columns and rows.
    tables: std::collections::BTreeMap<String, SnapshotTableShape>,
}

/// A table of a snapshot.
#[derive(serde::Serialize, JsonSchema)]
struct SnapshotTableShape {
    /// Their names.
    columns: Vec<String>,
    /// Texts, whole numbers and nulls in the columns' order.
    rows: Vec<Vec<Value>>,
}

async fn export(
    state: axum::extract::State<App>,
    who: SignedIn,
    Query(query): Query<ExportQuery>,
) -> Result<Response, AppError> {
    let app = &state.0;
    match query.format {
        Format::Json if !who.user.is_admin() => Err(AppError::forbidden(
            "admins_only",
            "A snapshot has the team's accounts and everybody's own views in it, so only admins take one. Ask for ?format=csv or xlsx.",
        )),
        Format::Json => snapshot::send(app, &who).await,
        Format::Csv => view::csv(app, &who, &query).await,
        Format::Xlsx => view::xlsx(app, &who, &query).await,
    }
}

/// Everything that leaves is written down: who, what, how many rows.
async fn record(
    tx: &mut WriteTx,
    who: &SignedIn,
    action: &str,
    target: &str,
    detail: Value,
) -> Result<(), AppError> {
    audit::record(tx, &who.actor(), action, target, detail, &who.ip()).await?;
    Ok(())
}

async fn recorded(
    app: &App,
    who: &SignedIn,
    action: &str,
    target: &str,
    detail: Value,
) -> Result<(), AppError> {
    let mut tx = app.db.write().await?;
    record(&mut tx, who, action, target, detail).await?;
    tx.commit().await?;
    Ok(())
}

/// An answer to be saved under a name.
fn saved(body: Body, media_type: &'static str, name: &str) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(how) = HeaderValue::from_str(&disposition(false, name)) {
        headers.insert(header::CONTENT_DISPOSITION, how);
    }
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-store"),
    );
    response
}

/// A body that may be asked again after its end, as the compression does.
fn body<E: Into<BoxError> + 'static>(
    pieces: impl stream::Stream<Item = Result<Vec<u8>, E>> + Send + 'static,
) -> Body {
    Body::from_stream(pieces.fuse())
}

/// A file from its beginning. It may be unlinked already.
pub(super) fn file_body(file: tokio::fs::File) -> Body {
    body(stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; 64 * 1024];
        let n = file.read(&mut piece).await?;
        piece.truncate(n);
        Ok::<_, io::Error>((n > 0).then_some((piece, file)))
    }))
}

/// What a task sends, as it comes; an error breaks the answer off, so that nobody
/// takes half of it for the whole.
fn channel_body(inbox: Receiver<io::Result<Vec<u8>>>) -> Body {
    body(stream::unfold(inbox, |mut inbox| async move {
        inbox.recv().await.map(|piece| (piece, inbox))
    }))
}

/// Pieces that are made when they are asked for: a slow reader holds up nobody,
/// and nothing is made that is not read.
fn pulled<S: Send + 'static>(
    mut state: S,
    mut next: impl FnMut(&mut S) -> Option<Vec<u8>> + Send + 'static,
) -> Body {
    let pieces = std::iter::from_fn(move || next(&mut state).map(Ok::<_, Infallible>));
    body(stream::iter(pieces))
}

/// Pieces sent ahead of a slow reader.
const AHEAD: usize = 4;
