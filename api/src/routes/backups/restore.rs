//! Restoring: pick or upload, look, type the name, and off it goes.

use std::path::{Path as FilePath, PathBuf};

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    accounts,
    backup::{self, Manifest},
    queue::inspect,
    restore::{self, Asked, MAX_DATABASE, Preview, RestoreError, Restored, Source},
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::io::AsyncWriteExt;

use super::{known, progress::Progress, restore_page::RestorePage};
use crate::{
    error::{AppError, sentence},
    extract::{Form, Json, Multipart},
    flash::Done,
    frame::{frame, html_with},
    session::{Proof, SignedIn},
    state::App,
};

/// Restores shown.
const MOST: i64 = 50;
/// A manifest is small.
const MANIFEST_LIMIT: usize = 16 * 1024 * 1024;

/// Which backup.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct OfBackup {
    /// Its id.
    #[schemars(length(max = 100))]
    backup_id: String,
}

/// The parts of an upload.
#[derive(JsonSchema)]
#[allow(
    dead_code,
    reason = "describes the form; the parts are read one by one"
)]
pub struct UploadForm {
    /// The backup file, at most 2 GiB.
    file: String,
    /// The manifest that stood beside it.
    manifest: Option<String>,
}

/// What is to be restored, said twice.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct Ask {
    /// From the preview.
    #[schemars(length(max = 200))]
    token: String,
    /// The name the preview asked for.
    #[schemars(length(max = 300))]
    confirm: String,
    /// The password of whoever is signed in; API tokens need none.
    #[serde(default)]
    #[schemars(length(max = 256))]
    password: String,
}

pub(super) async fn list(State(app): State<App>) -> Result<Json<Vec<Restored>>, AppError> {
    Ok(Json(restore::list(app.db.read(), MOST).await?))
}

pub(super) async fn preview(
    State(app): State<App>,
    who: SignedIn,
    Json(asked): Json<OfBackup>,
) -> Result<Json<Preview>, AppError> {
    Ok(Json(look_at_backup(&app, &who, &asked.backup_id).await?))
}

async fn look_at_backup(app: &App, who: &SignedIn, id: &str) -> Result<Preview, AppError> {
    let found = known(app, id).await?;
    let manifest: Manifest = serde_json::from_str(&found.manifest).map_err(AppError::internal)?;
    let source = Source {
        file: app.db.dir().backups().join(&found.file_name),
        manifest: Some(manifest),
    };
    look(app, who, source, Some(found.id), None).await
}

async fn look(
    app: &App,
    who: &SignedIn,
    source: Source,
    backup_id: Option<String>,
    scratch: Option<String>,
) -> Result<Preview, AppError> {
    let user = who.actor().to_string();
    let asked = Asked {
        source,
        backup_id,
        user: &user,
        scratch,
        identity: None,
        most: MAX_DATABASE,
    };
    Ok(restore::preview(&app.db, asked).await?)
}

pub(super) async fn preview_upload(
    State(app): State<App>,
    who: SignedIn,
    form: Multipart,
) -> Result<Json<Preview>, AppError> {
    match take_form(&app, form).await? {
        Taken::Upload(upload) => Ok(Json(upload.look(&app, &who).await?)),
        Taken::Backup(_) | Taken::Nothing => Err(AppError::invalid(
            "file",
            "Send the backup as the part “file”.",
        )),
    }
}

enum Taken {
    Upload(Box<Upload>),
    Backup(String),
    Nothing,
}

/// A file in a scratch folder. Dropping it without a look removes it.
struct Upload {
    id: String,
    folder: PathBuf,
    file: PathBuf,
    manifest: Option<Manifest>,
    is_taken: bool,
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.is_taken {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

impl Upload {
    async fn look(mut self, app: &App, who: &SignedIn) -> Result<Preview, AppError> {
        // From here on the preview clears up.
        self.is_taken = true;
        let mut source = Source {
            file: self.file.clone(),
            manifest: self.manifest.take(),
        };
        let name = source.name();
        if let Some(manifest) = &mut source.manifest {
            manifest.file = name;
        }
        look(app, who, source, None, Some(self.id.clone())).await
    }
}

/// Reads the posted parts; the file streams to the disk.
async fn take_form(app: &App, Multipart(mut form): Multipart) -> Result<Taken, AppError> {
    let refused = |e: axum::extract::multipart::MultipartError| {
        let code = if e.status() == StatusCode::PAYLOAD_TOO_LARGE {
            "too_large"
        } else {
            "bad_upload"
        };
        AppError::new(e.status(), code, sentence(&e.body_text())).at("file")
    };
    let (mut upload, mut manifest, mut id) = (None, None, None);
    while let Some(mut part) = form.next_field().await.map_err(refused)? {
        match part.name().unwrap_or_default() {
            "file" => {
                let name = clean(part.file_name().unwrap_or_default());
                if part.file_name().is_none_or(str::is_empty) {
                    continue;
                }
                let (id, folder) = restore::scratch_for_upload(&app.db)?;
                let file = folder.join("upload").join(name);
                let started = Upload {
                    id,
                    folder: folder.clone(),
                    file: file.clone(),
                    manifest: None,
                    is_taken: false,
                };
                let mut out = create(&file).await?;
                while let Some(piece) = part.chunk().await.map_err(refused)? {
                    out.write_all(&piece).await.map_err(written)?;
                }
                out.sync_all().await.map_err(written)?;
                upload = Some(started);
            }
            "manifest" => {
                let bytes = part.bytes().await.map_err(refused)?;
                if !bytes.is_empty() && bytes.len() <= MANIFEST_LIMIT {
                    manifest = Some(serde_json::from_slice(&bytes).map_err(|e| {
                        AppError::invalid("manifest", format!("This is no manifest: {e}."))
                    })?);
                }
            }
            "backup_id" => {
                id = Some(part.text().await.map_err(refused)?)
                    .map(|t| t.trim().to_owned())
                    .filter(|t| !t.is_empty());
            }
            _ => {}
        }
    }
    Ok(match (upload, id) {
        (Some(mut upload), _) => {
            upload.manifest = manifest;
            Taken::Upload(Box::new(upload))
        }
        (None, Some(id)) => Taken::Backup(id),
        (None, None) => Taken::Nothing,
    })
}

fn written(error: std::io::Error) -> AppError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        let words = "There is no room for the uploaded file; nothing was changed.";
        return AppError::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", words).because(error);
    }
    AppError::internal(error)
}

async fn create(file: &FilePath) -> Result<tokio::fs::File, AppError> {
    if let Some(folder) = file.parent() {
        tokio::fs::create_dir_all(folder).await.map_err(written)?;
    }
    tokio::fs::File::create(file).await.map_err(written)
}

/// A name that stays in its folder.
fn clean(name: &str) -> String {
    let name = crm_jobs::files::clean_name(name);
    if name.is_empty() || name.starts_with('.') {
        "backup.db.zst".to_owned()
    } else {
        name
    }
}

pub(super) async fn ask(
    State(app): State<App>,
    who: SignedIn,
    Json(ask): Json<Ask>,
) -> Result<Response, AppError> {
    begin(&app, &who, &ask).await?;
    let progress = Progress::now(app.db.dir());
    Ok((StatusCode::ACCEPTED, Json(progress)).into_response())
}

async fn begin(app: &App, who: &SignedIn, ask: &Ask) -> Result<(), AppError> {
    let by = who.actor();
    // Whoever finds a browser open must not be able to turn back the clock.
    restore::request(&app.db, &ask.token, &by.to_string())?;
    if matches!(who.proof, Proof::Session(_)) {
        accounts::confirm_password(&app.db, &who.user, &ask.password, &who.origin()).await?;
    }
    let now = app.db.now();
    let workers = inspect::workers(app.db.read()).await?;
    if workers.iter().all(|w| w.lease_until < now) {
        return Err(AppError::conflict(
            "no_worker",
            "No worker is running, and it is the worker that restores: start it and try again.",
        ));
    }
    restore::ask(&app.db, &ask.token, &ask.confirm, &by, &who.ip(), None).await?;
    Ok(())
}

pub(super) async fn show(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    page(&app, &who, None, None).await
}

async fn page(
    app: &App,
    who: &SignedIn,
    preview: Option<Preview>,
    error: Option<AppError>,
) -> Result<Response, AppError> {
    let status = error.as_ref().map_or(StatusCode::OK, AppError::status);
    let backups = backup::list(app.db.read(), None, 100).await?;
    let page = RestorePage::new(
        frame(app, who, "Restore a backup").await,
        app.db.now(),
        &backups,
        preview,
        error.map(|e| {
            (
                e.field().unwrap_or_default().to_owned(),
                e.detail().to_owned(),
            )
        }),
    );
    Ok(html_with(status, &page))
}

pub(super) async fn preview_form(
    State(app): State<App>,
    who: SignedIn,
    form: Multipart,
) -> Result<Response, AppError> {
    let looked = match take_form(&app, form).await {
        Ok(Taken::Upload(upload)) => upload.look(&app, &who).await,
        Ok(Taken::Backup(id)) => look_at_backup(&app, &who, &id).await,
        Ok(Taken::Nothing) => Err(AppError::invalid("file", "Choose a backup, or a file.")),
        Err(error) => Err(error),
    };
    match looked {
        Ok(preview) => page(&app, &who, Some(preview), None).await,
        Err(error) if error.status().is_client_error() => page(&app, &who, None, Some(error)).await,
        Err(error) => Err(error),
    }
}

pub(super) async fn ask_form(
    State(app): State<App>,
    who: SignedIn,
    Form(ask): Form<Ask>,
) -> Result<Response, AppError> {
    match begin(&app, &who, &ask).await {
        Ok(()) => Ok(Done::to("/restore").into_response()),
        Err(error) if error.status().is_client_error() => {
            let by = who.actor().to_string();
            let shown: Result<Preview, RestoreError> = restore::request(&app.db, &ask.token, &by);
            page(&app, &who, shown.ok(), Some(error)).await
        }
        Err(error) => Err(error),
    }
}
