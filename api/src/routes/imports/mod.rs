//! Imports: upload a file, map it, see a dry run, apply it.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use crm_jobs::{
    audit,
    import::{
        self, Delimiter, Drift, Encoding, Import, ImportError, ImportPage, ImportProfile,
        MAX_FILE_BYTES, Mapping, Overrides, Report, Reverted,
    },
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    access::Access,
    error::{AppError, sentence},
    extract::{Json, Multipart, Path, Query},
    route::{Route, delete, get, post, put},
    routes::jobs::Accepted,
    session::SignedIn,
    state::App,
};

mod checked;
mod draft;
mod drift;
pub mod drift_page;
mod forms;
pub mod page;
mod pages;
mod profiles;
mod revert;
#[cfg(any(test, debug_assertions))]
mod sample;

pub use checked::Applicable;

/// The file and the form around it.
const UPLOAD_LIMIT: usize = MAX_FILE_BYTES + 64 * 1024;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/imports", Access::Member, pages::list),
        post("/imports", Access::Member, forms::upload).body_limit(UPLOAD_LIMIT),
        get("/imports/{id}", Access::Member, pages::one),
        get("/imports/{id}/rejected.csv", Access::Member, rejected),
        get("/imports/{id}/changes.csv", Access::Member, changes),
        get("/imports/{id}/drift", Access::Member, drift::page),
        get("/imports/{id}/drift.csv", Access::Member, drift::csv),
        post("/imports/{id}/reading", Access::Member, forms::read_again),
        post("/imports/{id}/mapping", Access::Member, forms::map),
        post("/imports/{id}/apply", Access::Member, forms::apply),
        post("/imports/{id}/reopen", Access::Member, forms::reopen),
        post("/imports/{id}/revert", Access::Member, revert::form),
        post("/imports/{id}/profile", Access::Member, profiles::save_form),
        post(
            "/import-profiles/{id}/remove",
            Access::Member,
            profiles::remove_form,
        ),
        get("/api/imports", Access::Member, list)
            .json("imports", "Imports, newest first")
            .query::<ListQuery>()
            .answers::<ImportPage>(200),
        post("/api/imports", Access::Member, upload)
            .json(
                "imports",
                "Upload a CSV, TSV or XLSX file; nothing changes yet",
            )
            .body_as::<UploadForm>("multipart/form-data")
            .answers::<Import>(201)
            .problems(&[413])
            .body_limit(UPLOAD_LIMIT),
        get("/api/imports/{id}", Access::Member, one)
            .json("imports", "One import with its mapping and its outcome")
            .answers::<Import>(200)
            .problems(&[404]),
        put("/api/imports/{id}/reading", Access::Member, reading)
            .json(
                "imports",
                "Read the file again: another encoding, delimiter, sheet or profile",
            )
            .body::<Overrides>()
            .answers::<Import>(200)
            .problems(&[404, 409]),
        put("/api/imports/{id}/mapping", Access::Member, map)
            .json("imports", "Say how each column is taken")
            .body::<Mapping>()
            .answers::<Import>(200)
            .problems(&[404, 409]),
        get("/api/imports/{id}/dry-run", Access::Member, dry_run)
            .json("imports", "What applying it would change, cell by cell")
            .answers::<Report>(200)
            .problems(&[404]),
        post("/api/imports/{id}/apply", Access::Member, apply)
            .json("imports", "Apply it: one job, one change set")
            .answers::<Accepted>(202)
            .problems(&[404, 409]),
        post("/api/imports/{id}/reopen", Access::Member, reopen)
            .json("imports", "Make a failed import a draft again")
            .answers::<Import>(200)
            .problems(&[404, 409]),
        get("/api/imports/{id}/drift", Access::Member, drift::json)
            .json("imports", "Where the file and the grid differ now")
            .query::<drift::DriftQuery>()
            .answers::<Drift>(200)
            .problems(&[404]),
        post("/api/imports/{id}/revert", Access::Member, revert::json)
            .json("imports", "Take it back; a large one by a job")
            .answers::<Reverted>(200)
            .answers::<Accepted>(202)
            .problems(&[404, 409]),
        get("/api/import-profiles", Access::Member, profiles::list)
            .json("imports", "Saved profiles, the one used last first")
            .answers::<Vec<ImportProfile>>(200),
        post("/api/import-profiles", Access::Member, profiles::save)
            .json(
                "imports",
                "Save how an import's file is taken; the same name replaces",
            )
            .body::<profiles::NewProfile>()
            .answers::<ImportProfile>(201)
            .problems(&[404]),
        delete(
            "/api/import-profiles/{id}",
            Access::Member,
            profiles::remove,
        )
        .json("imports", "Remove a profile; its imports stay")
        .answers_nothing(204)
        .problems(&[404]),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct ListQuery {
    /// Counts from 1.
    #[schemars(range(min = 1, max = 1_000_000))]
    page: Option<i64>,
}

/// The parts of an upload.
#[derive(JsonSchema)]
#[allow(
    dead_code,
    reason = "describes the form; the parts are read one by one"
)]
struct UploadForm {
    /// The file, at most 50 MB.
    file: String,
    /// Instead of what the file looks like: `comma`, `semicolon` or `tab`.
    delimiter: Option<Delimiter>,
    /// Instead of what its bytes look like.
    encoding: Option<Encoding>,
    /// The sheet of a workbook, instead of the first with rows.
    #[schemars(length(max = 100))]
    sheet: Option<String>,
    /// The profile to take it by, its id or name, instead of the one whose columns
    /// fit; `none` takes none.
    #[schemars(length(max = 100))]
    profile: Option<String>,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ImportPage>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let page = query.page.unwrap_or(1).clamp(1, 1_000_000);
    Ok(Json(import::list(&mut conn, page, 50).await?))
}

async fn upload(
    State(app): State<App>,
    who: SignedIn,
    form: Multipart,
) -> Result<Response, AppError> {
    let import = take_upload(&app, &who, form).await?;
    Ok((StatusCode::CREATED, Json(import)).into_response())
}

/// Reads the posted parts and keeps the file as a draft.
async fn take_upload(
    app: &App,
    who: &SignedIn,
    Multipart(mut form): Multipart,
) -> Result<Import, AppError> {
    let refused = |e: axum::extract::multipart::MultipartError| {
        let code = if e.status() == StatusCode::PAYLOAD_TOO_LARGE {
            "too_large"
        } else {
            "bad_upload"
        };
        AppError::new(e.status(), code, sentence(&e.body_text())).at("file")
    };
    let (mut file, mut overrides) = (None, Overrides::default());
    while let Some(part) = form.next_field().await.map_err(refused)? {
        match part.name().unwrap_or_default() {
            "file" => {
                let name = part.file_name().unwrap_or("upload.csv").to_owned();
                file = Some((name, Vec::from(part.bytes().await.map_err(refused)?)));
            }
            "delimiter" => {
                overrides.delimiter = said("delimiter", &part.text().await.map_err(refused)?)?;
            }
            "encoding" => {
                overrides.encoding = said("encoding", &part.text().await.map_err(refused)?)?;
            }
            "sheet" => {
                overrides.sheet = filled(&part.text().await.map_err(refused)?);
            }
            "profile" => {
                overrides.profile = filled(&part.text().await.map_err(refused)?);
            }
            _ => {}
        }
    }
    let (name, bytes) =
        file.ok_or_else(|| AppError::invalid("file", "Choose a CSV, TSV or XLSX file to upload."))?;
    let read = import::read_upload(&app.db, &name, bytes, overrides).await?;
    let mut tx = app.db.write().await?;
    let import = import::create(&mut tx, &read, &who.actor().to_string()).await?;
    record(&mut tx, who, "import.created", &import.id).await?;
    tx.commit().await?;
    Ok(import)
}

/// Text that says something.
fn filled(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|t| !t.is_empty())
}

/// A choice by its name; blank is none.
fn said<T: serde::de::DeserializeOwned>(field: &str, text: &str) -> Result<Option<T>, AppError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    serde_json::from_value(text.trim().into())
        .map(Some)
        .map_err(|e| AppError::invalid(field, sentence(&e.to_string())))
}

async fn one(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Import>, AppError> {
    Ok(Json(find(&app, &id).await?))
}

async fn find(app: &App, id: &str) -> Result<Import, AppError> {
    let found = import::load(&app.db, id).await?;
    found.ok_or_else(|| AppError::not_found("There is no such import."))
}

async fn map(
    State(app): State<App>,
    Path(id): Path<String>,
    Json(mapping): Json<Mapping>,
) -> Result<Json<Import>, AppError> {
    Ok(Json(set_mapping(&app, &id, &mapping).await?))
}

async fn set_mapping(app: &App, id: &str, mapping: &Mapping) -> Result<Import, AppError> {
    let mut tx = app.db.write().await?;
    let import = import::set_mapping(&mut tx, id, mapping).await?;
    tx.commit().await?;
    Ok(import)
}

async fn reading(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(overrides): Json<Overrides>,
) -> Result<Json<Import>, AppError> {
    Ok(Json(read_again(&app, &who, &id, overrides).await?))
}

/// Reads a draft's file once more, as told.
async fn read_again(
    app: &App,
    who: &SignedIn,
    id: &str,
    overrides: Overrides,
) -> Result<Import, AppError> {
    let read = import::read_again(&app.db, id, overrides).await?;
    let mut tx = app.db.write().await?;
    let import = import::set_upload(&mut tx, id, &read).await?;
    record(&mut tx, who, "import.read_again", id).await?;
    tx.commit().await?;
    Ok(import)
}

async fn dry_run(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Report>, AppError> {
    Ok(Json(checked::dry_run(&app, &id).await?))
}

async fn apply(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Accepted, AppError> {
    let job_id = start(&app, &who, &id).await?;
    Ok(Accepted {
        job_id,
        is_new: true,
        href: format!("/api/jobs/{job_id}"),
    })
}

async fn start(app: &App, who: &SignedIn, id: &str) -> Result<i64, AppError> {
    if !app.applicable.knows(app, id).await?
        && let Some(error) = import::dry_run(&app.db, id).await?.errors.first()
    {
        return Err(AppError::conflict("cannot_apply", sentence(error)));
    }
    let mut tx = app.db.write().await?;
    let job = import::start(&mut tx, id, &who.actor().to_string()).await?;
    record(&mut tx, who, "import.started", id).await?;
    tx.commit().await?;
    Ok(job)
}

async fn reopen(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Import>, AppError> {
    let mut tx = app.db.write().await?;
    let import = import::reopen(&mut tx, &id).await?;
    tx.commit().await?;
    Ok(Json(import))
}

/// The rows that cannot be taken, with the reasons, to be mended and uploaded again.
async fn rejected(State(app): State<App>, Path(id): Path<String>) -> Result<Response, AppError> {
    let csv = import::rejected_csv(&app.db, &id).await?;
    Ok(download(csv, "attachment; filename=\"rejected-rows.csv\""))
}

/// All cells that would change, before and after.
async fn changes(State(app): State<App>, Path(id): Path<String>) -> Result<Response, AppError> {
    let csv = import::changes_csv(&app.db, &id).await?;
    Ok(download(csv, "attachment; filename=\"changed-cells.csv\""))
}

fn download(csv: Vec<u8>, disposition: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, csv).into_response()
}

async fn record(
    tx: &mut crm_jobs::db::WriteTx,
    who: &SignedIn,
    action: &str,
    id: &str,
) -> Result<(), AppError> {
    let target = format!("import:{id}");
    audit::record(
        tx,
        &who.actor(),
        action,
        &target,
        serde_json::json!({}),
        &who.ip(),
    )
    .await?;
    Ok(())
}

impl From<ImportError> for AppError {
    fn from(error: ImportError) -> Self {
        let says = sentence(&error.to_string());
        match error {
            ImportError::Invalid { code, field, .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, says).at(field)
            }
            ImportError::State { .. } => Self::conflict("wrong_state", says),
            ImportError::Missing(_) => Self::not_found("There is no such import."),
            ImportError::Grid(error) => error.into(),
            ImportError::Db(error) => error.into(),
        }
    }
}
