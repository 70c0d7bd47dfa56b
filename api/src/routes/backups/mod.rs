//! Backups: take, verify, drill, keep, restore; and which are proven.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use crm_jobs::{
    audit,
    backup::{
        self, Backup, BackupError, Challenge, Drill, DrillBackup, Policy, PolicyError, RemoveError,
        TakeBackup, VerifyBackup,
    },
    db::WriteTx,
    queue::{self, EnqueueOptions, Enqueued, Prepared},
    restore::{Preview, RestoreError, Restored},
    settings,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::{
    access::Access::{Admin, Public},
    error::{AppError, sentence},
    extract::{Json, Path, Query},
    flash::Done,
    route::{Route, delete, get, patch, post},
    routes::{
        files::disposition,
        jobs::{Accepted, record},
        page::FlashKind,
    },
    session::SignedIn,
    state::App,
};

mod list;
pub mod page;
mod policy;
pub mod policy_page;
pub mod progress;
mod restore;
pub mod restore_page;

const PER_PAGE: i64 = 50;
/// Of a file to be restored.
const UPLOAD_LIMIT: usize = 2 * 1024 * 1024 * 1024;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    let mut all = pages();
    all.extend(of_backups());
    all.extend(of_restores());
    all
}

fn pages() -> Vec<Route> {
    vec![
        get("/backups", Admin, list::show),
        post("/backups", Admin, take_form),
        post("/backups/drill", Admin, drill_form),
        get("/backups/policy", Admin, policy::show),
        post("/backups/policy", Admin, policy::save_form),
        post("/backups/policy/key", Admin, policy::key_form),
        post("/backups/release-mail", Admin, release_mail),
        get("/backups/restore", Admin, restore::show),
        post("/backups/restore/preview", Admin, restore::preview_form).body_limit(UPLOAD_LIMIT),
        post("/backups/restore", Admin, restore::ask_form),
        post("/backups/{id}/verify", Admin, verify_form),
        post("/backups/{id}/delete", Admin, delete_form),
        get("/restore", Public, progress::show),
        get("/restore/progress", Public, progress::json)
            .json(
                "backups",
                "How far a restore is; also answered while the database is closed",
            )
            .answers::<progress::Progress>(200),
    ]
}

fn of_backups() -> Vec<Route> {
    vec![
        get("/api/fundraising/backups", Admin, list_json)
            .json("backups", "Backups that exist, newest first")
            .query::<BackupsQuery>()
            .answers::<Vec<Backup>>(200),
        post("/api/fundraising/backup", Admin, take)
            .json("backups", "Take a verified backup")
            .answers::<Accepted>(202),
        post("/api/fundraising/backups/{id}/verify", Admin, verify)
            .json("backups", "Read a backup back from its stored bytes")
            .answers::<Accepted>(202)
            .problems(&[404]),
        get("/api/fundraising/backups/{id}/file", Admin, download)
            .json("backups", "A backup's stored bytes")
            .answers_nothing(200)
            .problems(&[404]),
        delete("/api/fundraising/backups/{id}", Admin, remove)
            .json(
                "backups",
                "Remove a backup; the newest verified one always stays",
            )
            .answers_nothing(204)
            .problems(&[404, 409]),
        get("/api/fundraising/backup-policy", Admin, policy::read)
            .json("backups", "When, where to, for how long, for whom")
            .answers::<Policy>(200),
        patch("/api/fundraising/backup-policy", Admin, policy::change)
            .json(
                "backups",
                "Change the policy; what is not said stays as it is",
            )
            .body::<policy::PolicyChange>()
            .answers::<Policy>(200),
        post(
            "/api/fundraising/backup-policy/challenge",
            Admin,
            policy::challenge,
        )
        .json(
            "backups",
            "A text that only the owner of an age key can read: its phrase lets the policy take the key",
        )
        .body::<policy::Recipient>()
        .answers::<Challenge>(200),
        post("/api/fundraising/backups/drill", Admin, drill)
            .json("backups", "Prove that the newest verified backup restores")
            .answers::<Accepted>(202),
        get("/api/fundraising/drills", Admin, drills)
            .json("backups", "Drills, newest first")
            .answers::<Vec<Drill>>(200),
    ]
}

fn of_restores() -> Vec<Route> {
    vec![
        post("/api/fundraising/restore-preview", Admin, restore::preview)
            .json(
                "backups",
                "Check a backup and say what restoring it would change",
            )
            .body::<restore::OfBackup>()
            .answers::<Preview>(200)
            .problems(&[404, 409]),
        post(
            "/api/fundraising/restore-preview/upload",
            Admin,
            restore::preview_upload,
        )
        .json(
            "backups",
            "The same for a file: a backup, or a plain SQLite database of ours",
        )
        .body_as::<restore::UploadForm>("multipart/form-data")
        .body_limit(UPLOAD_LIMIT)
        .answers::<Preview>(200)
        .problems(&[409]),
        post("/api/fundraising/restore", Admin, restore::ask)
            .json("backups", "Restore what a preview showed")
            .body::<restore::Ask>()
            .answers::<progress::Progress>(202)
            .problems(&[409]),
        get("/api/fundraising/restores", Admin, restore::list)
            .json("backups", "Restores, newest first")
            .answers::<Vec<Restored>>(200),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct BackupsQuery {
    /// Older than this time (UTC milliseconds): the next page.
    before: Option<i64>,
}

async fn list_json(
    State(app): State<App>,
    Query(query): Query<BackupsQuery>,
) -> Result<Json<Vec<Backup>>, AppError> {
    Ok(Json(
        backup::list(app.db.read(), query.before, PER_PAGE).await?,
    ))
}

async fn take(State(app): State<App>, who: SignedIn) -> Result<Accepted, AppError> {
    let job = Prepared::new(&TakeBackup::default())?;
    Ok(Accepted::of(
        enqueue(&app, &who, &job, "backup.asked").await?,
    ))
}

async fn take_form(State(app): State<App>, who: SignedIn) -> Result<Done, AppError> {
    let job = Prepared::new(&TakeBackup::default())?;
    enqueue(&app, &who, &job, "backup.asked").await?;
    Ok(Done::to("/backups").saying(FlashKind::Ok, "A backup is being taken."))
}

async fn drill(State(app): State<App>, who: SignedIn) -> Result<Accepted, AppError> {
    let job = Prepared::new(&DrillBackup {})?;
    Ok(Accepted::of(
        enqueue(&app, &who, &job, "backup.drill_asked").await?,
    ))
}

async fn drill_form(State(app): State<App>, who: SignedIn) -> Result<Done, AppError> {
    let job = Prepared::new(&DrillBackup {})?;
    enqueue(&app, &who, &job, "backup.drill_asked").await?;
    Ok(Done::to("/backups").saying(
        FlashKind::Ok,
        "The newest backup is being restored into a scratch folder.",
    ))
}

async fn drills(State(app): State<App>) -> Result<Json<Vec<Drill>>, AppError> {
    Ok(Json(backup::drill::list(app.db.read(), PER_PAGE).await?))
}

async fn verify(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Accepted, AppError> {
    Ok(Accepted::of(ask_verify(&app, &who, &id).await?))
}

async fn verify_form(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    ask_verify(&app, &who, &id).await?;
    Ok(Done::to("/backups").saying(FlashKind::Ok, "The backup is being read back."))
}

async fn ask_verify(app: &App, who: &SignedIn, id: &str) -> Result<Enqueued, AppError> {
    let found = known(app, id).await?;
    let job = Prepared::new(&VerifyBackup {
        backup_id: found.id,
    })?;
    enqueue(app, who, &job, "backup.verification_asked").await
}

async fn known(app: &App, id: &str) -> Result<Backup, AppError> {
    let found = backup::find(app.db.read(), id).await?;
    found.ok_or_else(|| AppError::not_found("There is no such backup."))
}

async fn remove(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<axum::http::StatusCode, AppError> {
    remove_one(&app, &who, &id).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

async fn delete_form(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    let file = remove_one(&app, &who, &id).await?;
    Ok(Done::to("/backups").saying(FlashKind::Ok, format!("{file} is deleted.")))
}

/// The record first: a crash leaves a file too many, never a record without its
/// file.
async fn remove_one(app: &App, who: &SignedIn, id: &str) -> Result<String, AppError> {
    let mut tx = app.db.write().await?;
    let file = backup::remove(&mut tx, id).await?;
    told(&mut tx, who, "backup.deleted", id, &file).await?;
    tx.commit().await?;
    backup::remove_files(app.db.dir(), &file)?;
    Ok(file)
}

async fn told(
    tx: &mut WriteTx,
    who: &SignedIn,
    action: &str,
    id: &str,
    file: &str,
) -> Result<(), AppError> {
    let target = format!("backup:{id}");
    let detail = json!({ "file": file });
    audit::record(tx, &who.actor(), action, &target, detail, &who.ip()).await?;
    Ok(())
}

/// Streams: a backup may be larger than memory.
async fn download(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let found = known(&app, &id).await?;
    let path = app.db.dir().backups().join(&found.file_name);
    let file = tokio::fs::File::open(path).await.map_err(|e| {
        AppError::not_found("The backup is on record, but its file is gone.").because(e)
    })?;
    let mut tx = app.db.write().await?;
    told(&mut tx, &who, "backup.downloaded", &id, &found.file_name).await?;
    tx.commit().await?;
    let mut response = super::export::file_body(file).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(found.size_bytes));
    if let Ok(how) = HeaderValue::from_str(&disposition(false, &found.file_name)) {
        headers.insert(header::CONTENT_DISPOSITION, how);
    }
    // Packed already: packing it again would also hide its length.
    headers.insert(
        header::CONTENT_ENCODING,
        HeaderValue::from_static("identity"),
    );
    Ok(response)
}

/// After a restore no mail leaves until somebody has looked.
async fn release_mail(State(app): State<App>, who: SignedIn) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    let by = who.actor().to_string();
    settings::set(&mut tx, backup::MAIL_HELD, &false, &by).await?;
    told(&mut tx, &who, "restore.mail_released", "", "").await?;
    tx.commit().await?;
    Ok(Done::to("/backups").saying(FlashKind::Ok, "Outbound mail may leave again."))
}

async fn enqueue(
    app: &App,
    who: &SignedIn,
    job: &Prepared,
    action: &str,
) -> Result<Enqueued, AppError> {
    let mut tx = app.db.write().await?;
    let options = EnqueueOptions {
        priority: Some(-10),
        ..EnqueueOptions::by(who.actor().to_string())
    };
    let enqueued = queue::enqueue_with(&mut tx, job, &options).await?;
    record(&mut tx, who, action, enqueued.id).await?;
    tx.commit().await?;
    Ok(enqueued)
}

impl From<RemoveError> for AppError {
    fn from(error: RemoveError) -> Self {
        let says = sentence(&error.to_string());
        match error {
            RemoveError::Missing => Self::not_found(says),
            RemoveError::NewestVerified => Self::conflict("newest_verified", says),
            RemoveError::Db(error) => error.into(),
        }
    }
}

impl From<PolicyError> for AppError {
    fn from(error: PolicyError) -> Self {
        match error {
            PolicyError::Field { field, message } => Self::invalid(field, sentence(&message)),
            PolicyError::Db(error) => error.into(),
        }
    }
}

impl From<BackupError> for AppError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Damaged(says) => Self::conflict("damaged", sentence(&says)),
            BackupError::Db(error) => error.into(),
            error @ BackupError::File { .. } => Self::internal(error),
        }
    }
}

impl From<RestoreError> for AppError {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Refused { code, message } => {
                let error = Self::conflict(code, sentence(&message));
                match code {
                    "confirm" | "token" => error.at(code),
                    "not_a_backup" => error.at("file"),
                    _ => error,
                }
            }
            RestoreError::Backup(error) => error.into(),
            RestoreError::Db(error) => error.into(),
            error @ (RestoreError::File { .. } | RestoreError::Open(_)) => Self::internal(error),
        }
    }
}
