//! Files at investors: attached, listed, handed out, deleted, brought back.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use crm_jobs::{
    audit,
    files::{self, File, FileError},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{
    grid::values::Names,
    investor,
    page::{FlashKind, When},
    state::live_row,
};
use crate::{
    access::Access,
    error::{AppError, sentence},
    extract::{Form, Json, Multipart, Path, Query},
    flash::Done,
    headers::FILE_CSP,
    route::{Route, delete, get, post},
    session::{SignedIn, safe_next},
    show,
    state::App,
};

/// A file and the parts around it.
const UPLOAD_LIMIT: usize = files::MAX_BYTES + 64 * 1024;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    use Access::Member;
    vec![
        get("/api/fundraising/investors/{id}/files", Member, list)
            .json("files", "Files of an investor, the newest first")
            .answers::<Vec<File>>(200)
            .problems(&[404]),
        post("/api/fundraising/investors/{id}/files", Member, upload)
            .json(
                "files",
                "Attach a file of up to 25 MB; its kind is told by its content",
            )
            .body_as::<UploadForm>("multipart/form-data")
            .body_limit(UPLOAD_LIMIT)
            .answers::<File>(201)
            .problems(&[404]),
        get("/api/fundraising/files/{id}", Member, one)
            .json("files", "What is known of a file")
            .answers::<File>(200)
            .problems(&[404]),
        delete("/api/fundraising/files/{id}", Member, remove)
            .json("files", "Delete a file; for 30 days it can be brought back")
            .answers_nothing(204)
            .problems(&[404]),
        post("/api/fundraising/files/{id}/restore", Member, restore)
            .json("files", "Bring a deleted file back")
            .answers::<File>(200)
            .problems(&[404]),
        get("/files/{id}", Member, download),
        post("/investors/{id}/files", Member, attach).body_limit(UPLOAD_LIMIT),
        post("/files/{id}/delete", Member, remove_form),
        post("/files/{id}/restore", Member, restore_form),
    ]
}

/// A file to be attached.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "the shape of a form, for the document")]
struct UploadForm {
    /// The file, with its name.
    #[schemars(extend("format" = "binary"))]
    file: String,
}

/// A file in a list.
#[derive(Debug, Clone, Default)]
pub struct FileItem {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is, in a word.
    pub kind: &'static str,
    /// Its size.
    pub size: String,
    /// Who attached it.
    pub by: String,
    /// When.
    pub at: When,
    /// Whether a browser shows it.
    pub inline: bool,
}

/// The file, drawn.
pub fn item(file: &File, names: &Names) -> FileItem {
    FileItem {
        id: file.id.clone(),
        name: file.name.clone(),
        kind: kind(&file.media_type),
        size: show::bytes(file.size_bytes),
        by: show::actor(&file.created_by, &names.users),
        at: show::ago(names.now, file.created_at),
        inline: files::is_shown_inline(&file.media_type),
    }
}

fn kind(media_type: &str) -> &'static str {
    let has = |part: &str| media_type.contains(part);
    if has("pdf") {
        "PDF"
    } else if media_type.starts_with("image/") {
        "Image"
    } else if has("word") || has("opendocument.text") || has("rtf") {
        "Document"
    } else if has("excel") || has("sheet") || has("csv") {
        "Table"
    } else if has("powerpoint") || has("presentation") {
        "Slides"
    } else if has("zip") {
        "ZIP"
    } else if has("rfc822") {
        "Mail"
    } else {
        "Text"
    }
}

impl From<FileError> for AppError {
    fn from(error: FileError) -> Self {
        let says = sentence(&error.to_string());
        match error {
            FileError::TooLarge => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", says).at("file")
            }
            FileError::Refused(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused_file", says).at("file")
            }
            FileError::Grid(error) => error.into(),
            FileError::Db(error) => error.into(),
            FileError::Disk { ref error, .. }
                if error.kind() == std::io::ErrorKind::StorageFull =>
            {
                let words = "There is no room left to save files; reading still works.";
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", words)
            }
            FileError::Disk { .. } => Self::internal(error),
        }
    }
}

async fn list(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Vec<File>>, AppError> {
    let row = live_row(&app, &id).await?;
    let mut conn = app.db.read().acquire().await?;
    Ok(Json(files::of_row(&mut conn, &row.id).await?))
}

async fn find(app: &App, id: &str) -> Result<File, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let found = files::find(&mut conn, id).await?;
    found.ok_or_else(|| AppError::not_found("There is no such file."))
}

async fn one(State(app): State<App>, Path(id): Path<String>) -> Result<Json<File>, AppError> {
    Ok(Json(find(&app, &id).await?))
}

async fn upload(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Multipart,
) -> Result<Response, AppError> {
    let file = take(&app, &who, &id, form).await?;
    Ok((StatusCode::CREATED, Json(file)).into_response())
}

/// Reads the posted file, keeps its bytes and records it.
async fn take(
    app: &App,
    who: &SignedIn,
    row: &str,
    Multipart(mut form): Multipart,
) -> Result<File, AppError> {
    let row = live_row(app, row).await?;
    let refused = |e: axum::extract::multipart::MultipartError| {
        if e.status() == StatusCode::PAYLOAD_TOO_LARGE {
            FileError::TooLarge.into()
        } else {
            AppError::new(e.status(), "bad_upload", sentence(&e.body_text())).at("file")
        }
    };
    let mut file = None;
    while let Some(part) = form.next_field().await.map_err(refused)? {
        if part.name() == Some("file") && file.is_none() {
            let name = part.file_name().unwrap_or_default().to_owned();
            file = Some((name, part.bytes().await.map_err(refused)?.to_vec()));
        }
    }
    let (name, content) = file
        .filter(|(name, content)| !name.is_empty() || !content.is_empty())
        .ok_or_else(|| AppError::invalid("file", "Choose a file to attach."))?;
    let stored = files::store(&app.db, &name, content).await?;
    let actor = who.actor();
    let mut tx = app.db.write().await?;
    let file = files::attach(&mut tx, &app.db, &stored, &row.id, None, &actor.to_string()).await?;
    record(&mut tx, who, "file.attached", &file).await?;
    tx.commit().await?;
    Ok(file)
}

async fn record(
    tx: &mut crm_jobs::db::WriteTx,
    who: &SignedIn,
    action: &str,
    file: &File,
) -> Result<(), AppError> {
    let target = format!("row:{}", file.row_id);
    let detail =
        json!({ "file": file.id, "size_bytes": file.size_bytes, "media_type": file.media_type });
    audit::record(tx, &who.actor(), action, &target, detail, &who.ip()).await?;
    Ok(())
}

async fn delete_file(app: &App, who: &SignedIn, id: &str) -> Result<File, AppError> {
    let mut tx = app.db.write().await?;
    let file = files::remove(&mut tx, id, &who.actor().to_string()).await?;
    record(&mut tx, who, "file.deleted", &file).await?;
    tx.commit().await?;
    Ok(file)
}

async fn restore_file(app: &App, who: &SignedIn, id: &str) -> Result<File, AppError> {
    let mut tx = app.db.write().await?;
    let file = files::restore(&mut tx, id).await?;
    record(&mut tx, who, "file.restored", &file).await?;
    tx.commit().await?;
    Ok(file)
}

async fn remove(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<StatusCode, AppError> {
    delete_file(&app, &who, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn restore(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<File>, AppError> {
    Ok(Json(restore_file(&app, &who, &id).await?))
}

async fn attach(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Multipart,
) -> Result<Response, AppError> {
    match take(&app, &who, &id, form).await {
        Ok(file) => Ok(Done::to(format!("/investors/{id}#files"))
            .saying(FlashKind::Ok, format!("{} is attached.", file.name))
            .offering("Undo", &format!("/files/{}/delete", file.id))
            .into_response()),
        Err(error) if error.field() == Some("file") => {
            investor::with_file_error(&app, &who, &id, &error).await
        }
        Err(other) => Err(other),
    }
}

#[derive(Debug, Default, Deserialize)]
struct Then {
    #[serde(default)]
    next: String,
}

fn back(file: &File, then: &Then) -> String {
    match safe_next(&then.next) {
        "/" => format!("/investors/{}#files", file.row_id),
        next => next.to_owned(),
    }
}

async fn remove_form(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(then): Form<Then>,
) -> Result<Done, AppError> {
    let file = delete_file(&app, &who, &id).await?;
    Ok(Done::to(back(&file, &then))
        .saying(FlashKind::Ok, format!("{} is deleted.", file.name))
        .offering("Undo", &format!("/files/{id}/restore")))
}

async fn restore_form(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(then): Form<Then>,
) -> Result<Done, AppError> {
    let file = restore_file(&app, &who, &id).await?;
    Ok(Done::to(back(&file, &then)).saying(FlashKind::Ok, format!("{} is back.", file.name)))
}

#[derive(Debug, Default, Deserialize)]
struct DownloadQuery {
    #[serde(default)]
    inline: String,
}

/// Hands a file out: to be saved, or shown if nothing in it can run. It gets a
/// policy of its own that allows nothing.
async fn download(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<DownloadQuery>,
) -> Result<Response, AppError> {
    let file = find(&app, &id).await?;
    let content = files::read(app.db.dir(), &file).await?;
    let is_inline = query.inline == "1" && files::is_shown_inline(&file.media_type);
    let text = file.media_type.starts_with("text/") && !file.media_type.contains("charset");
    // A text is only ever saved: what it is called on the way matters to nobody.
    let media_type = if text {
        "application/octet-stream"
    } else {
        &file.media_type
    };
    let mut response = content.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, value(media_type));
    headers.insert(
        header::CONTENT_DISPOSITION,
        value(&disposition(is_inline, &file.name)),
    );
    headers.insert(header::CACHE_CONTROL, value("private, no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, value(FILE_CSP));
    Ok(response)
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

/// RFC 6266: the name in ASCII, and as it is.
pub fn disposition(is_inline: bool, name: &str) -> String {
    let way = if is_inline { "inline" } else { "attachment" };
    let ascii: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || " .-_()".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let exact: String = name
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b".-_".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    format!("{way}; filename=\"{ascii}\"; filename*=UTF-8''{exact}")
}

#[cfg(any(test, debug_assertions))]
impl FileItem {
    /// A deck.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            id: "sample".to_owned(),
            name: "Side letter, second draft.pdf".to_owned(),
            kind: "PDF",
            size: "1.2 MB".to_owned(),
            by: "Robin Sample".to_owned(),
            at: When::new("2025-03-04T08:12:00Z", "12 min ago"),
            inline: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_its_header() {
        let told = disposition(false, "Über \"uns\"\r\nX: y.pdf");
        assert!(
            !told.contains(['\r', '\n']) && told.matches('"').count() == 2,
            "{told}"
        );
        assert!(HeaderValue::from_str(&told).is_ok());
        assert!(told.ends_with("filename*=UTF-8''%C3%9Cber%20%22uns%22%0D%0AX%3A%20y.pdf"));
    }
}
