//! Looking before leaping: what a restore would change, and the token with which
//! it may be asked for.

use std::{
    fs,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Differences, Mover, Phase, Prepared, RestoreError, Source, Status,
    compare::compare,
    prepare::{self, prepare},
    refused, status, swap,
};
use crate::{
    audit::{self, Actor},
    backup::{Keys, Manifest},
    clock::{HOUR, random_bytes},
    db::{DataDir, Db, DbError, SCHEMA_VERSION, WriteTx},
};

/// How long a preview can be acted on.
const LIFETIME: i64 = HOUR;

/// What an admin sees before anything is done.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Preview {
    /// Sent back to restore; good once, for an hour, for whoever asked.
    pub token: String,
    /// What to type to confirm.
    pub confirm: String,
    /// The backup, if it is one of ours.
    pub backup_id: Option<String>,
    /// Its file.
    pub file: String,
    /// When it was taken, if its manifest tells, UTC milliseconds.
    pub taken_at: Option<i64>,
    /// The release that took it, if its manifest tells.
    pub app_version: Option<String>,
    /// Its schema.
    pub schema_version: i64,
    /// The schema it was migrated to in the scratch folder.
    pub migrated_to: i64,
    /// Whether its bytes were compared with a manifest.
    pub has_manifest: bool,
    /// Whether it was encrypted.
    pub was_encrypted: bool,
    /// Rows in it.
    pub rows: i64,
    /// What an admin should know.
    pub warnings: Vec<String>,
    /// What would change.
    pub differences: Differences,
    /// Until when the token counts, UTC milliseconds.
    pub expires_at: i64,
}

/// What the scratch folder knows of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Meta {
    token_sha256: String,
    user: String,
    live_version: i64,
    sha256: String,
    /// Of the backup, where its attached files are.
    pub(super) folder: PathBuf,
    pub(super) manifest: Option<Manifest>,
    identity: Option<PathBuf>,
    preview: Preview,
}

const FILE: &str = "preview.json";
const USED: &str = "used.json";

impl Meta {
    /// Of a restore that was asked for.
    pub(super) fn load(scratch: &Path) -> Result<Self, RestoreError> {
        let text =
            fs::read(scratch.join(USED)).map_err(RestoreError::file("read what was prepared"))?;
        Ok(serde_json::from_slice(&text).map_err(std::io::Error::from)?)
    }

    pub(super) fn keys(&self) -> Result<Keys, RestoreError> {
        match &self.identity {
            Some(path) => Keys::from_file(path).map_err(RestoreError::file("read the key file")),
            None => Ok(Keys::default()),
        }
    }
}

/// A scratch folder for a file that is being uploaded; the preview goes on in it.
pub fn scratch_for_upload(db: &Db) -> Result<(String, PathBuf), RestoreError> {
    let id = db.clock().new_id();
    let folder = swap::scratch(db.dir(), &id);
    fs::create_dir_all(&folder).map_err(RestoreError::file("make a scratch folder"))?;
    Ok((id, folder))
}

/// What is asked of a preview.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The file.
    pub source: Source,
    /// The backup, if it is one of ours.
    pub backup_id: Option<String>,
    /// Who, as histories have it.
    pub user: &'a str,
    /// The scratch folder of an upload.
    pub scratch: Option<String>,
    /// A key file beyond the box's own key.
    pub identity: Option<PathBuf>,
    /// Bytes it may unpack to: [`super::MAX_DATABASE`].
    pub most: u64,
}

/// Checks, unpacks, migrates a copy and compares it with the live database, which
/// is only read. What is refused leaves nothing behind.
pub async fn preview(db: &Db, asked: Asked<'_>) -> Result<Preview, RestoreError> {
    sweep(db.dir(), db.now());
    let id = match &asked.scratch {
        Some(id) => id.clone(),
        None => scratch_for_upload(db)?.0,
    };
    let scratch = swap::scratch(db.dir(), &id);
    let made = make(db, &id, &scratch, asked).await;
    if made.is_err() {
        let _ = fs::remove_dir_all(&scratch);
    }
    made
}

async fn make(
    db: &Db,
    id: &str,
    scratch: &Path,
    asked: Asked<'_>,
) -> Result<Preview, RestoreError> {
    let mut keys =
        Keys::of_box(db.dir().path()).map_err(RestoreError::file("read the box's key"))?;
    if let Some(path) = &asked.identity {
        keys = keys.and(Keys::from_file(path).map_err(RestoreError::file("read the key file"))?);
    }
    let source = &asked.source;
    let Prepared {
        facts,
        sha256,
        bytes: _,
        mut warnings,
    } = prepare(source, scratch, &keys, db.clock(), asked.most).await?;
    let differences = compare(&db.dir().database(), &prepare::database(scratch), &facts).await?;
    if facts.schema_version < SCHEMA_VERSION {
        warnings.push(format!(
            "It is of an older release: it was brought from schema {} to {SCHEMA_VERSION}.",
            facts.schema_version
        ));
    }
    let secret = crate::hex(&random_bytes::<32>());
    let preview = Preview {
        token: format!("{id}.{secret}"),
        confirm: fund_name(db).await?.unwrap_or_else(|| source.name()),
        backup_id: asked.backup_id,
        file: source.name(),
        taken_at: source.manifest.as_ref().map(|m| m.created_at),
        app_version: source.manifest.as_ref().map(|m| m.app_version.clone()),
        schema_version: facts.schema_version,
        migrated_to: SCHEMA_VERSION,
        has_manifest: source.manifest.is_some(),
        was_encrypted: source
            .manifest
            .as_ref()
            .is_some_and(|m| m.encryption.is_some()),
        rows: facts.rows(),
        warnings,
        differences,
        expires_at: db.now() + LIFETIME,
    };
    let meta = Meta {
        token_sha256: digest(&secret),
        user: asked.user.to_owned(),
        live_version: grid_version(db).await?,
        sha256,
        folder: source.folder(),
        manifest: source.manifest.clone(),
        identity: asked.identity,
        preview: Preview {
            token: String::new(),
            ..preview.clone()
        },
    };
    let text = serde_json::to_vec(&meta).map_err(std::io::Error::from)?;
    fs::write(scratch.join(FILE), text)
        .map_err(RestoreError::file("write down what was prepared"))?;
    Ok(preview)
}

fn digest(secret: &str) -> String {
    crate::hex(&Sha256::digest(secret))
}

async fn fund_name(db: &Db) -> Result<Option<String>, DbError> {
    sqlx::query_scalar(
        "select name from funds where deleted_at is null order by created_at, id limit 1",
    )
    .fetch_optional(db.read())
    .await
}

async fn grid_version(db: &Db) -> Result<i64, DbError> {
    sqlx::query_scalar("select version from grid_state where id = 1")
        .fetch_one(db.read())
        .await
}

/// The preview a token stands for.
pub fn request(db: &Db, token: &str, user: &str) -> Result<Preview, RestoreError> {
    let (_, meta) = redeem(db, token, user)?;
    Ok(Preview {
        token: token.to_owned(),
        ..meta.preview
    })
}

fn redeem(db: &Db, token: &str, user: &str) -> Result<(String, Meta), RestoreError> {
    let unknown = || {
        refused(
            "token",
            "this preview is not known any more, or was used: look at what would change once more",
        )
    };
    let (id, secret) = token.split_once('.').ok_or_else(unknown)?;
    if id.len() != 36 || !id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return Err(unknown());
    }
    let text = fs::read(swap::scratch(db.dir(), id).join(FILE)).map_err(|_| unknown())?;
    let meta: Meta = serde_json::from_slice(&text).map_err(|_| unknown())?;
    if meta.token_sha256 != digest(secret)
        || meta.user != user
        || meta.preview.expires_at <= db.now()
    {
        return Err(unknown());
    }
    Ok((id.to_owned(), meta))
}

/// Asks for the restore that a preview showed. From here on it is the mover's.
/// With `mover` the caller carries it out itself.
pub async fn ask(
    db: &Db,
    token: &str,
    confirm: &str,
    actor: &Actor,
    ip: &str,
    mover: Option<&Mover>,
) -> Result<Status, RestoreError> {
    let user = actor.to_string();
    let (id, meta) = redeem(db, token, &user)?;
    if confirm.trim() != meta.preview.confirm {
        return Err(refused(
            "confirm",
            format!("type {} to confirm", meta.preview.confirm),
        ));
    }
    if grid_version(db).await? != meta.live_version {
        return Err(refused(
            "changed",
            "somebody changed the grid since this preview: look at what would change once more",
        ));
    }
    let busy = || refused("busy", "a restore is under way already");
    let _own;
    if mover.is_none() {
        _own = Mover::try_take(db.dir())?.ok_or_else(busy)?;
    }
    if status(db.dir())?.is_some_and(|s| !s.phase.is_final()) {
        return Err(busy());
    }
    let scratch = swap::scratch(db.dir(), &id);
    // Good once: who renames it has it.
    fs::rename(scratch.join(FILE), scratch.join(USED))
        .map_err(|_| refused("token", "this preview was used already"))?;
    let mut tx = db.write().await?;
    audit::record(
        &mut tx,
        actor,
        "restore.asked",
        &format!("restore:{id}"),
        serde_json::json!({"file": meta.preview.file, "backup": meta.preview.backup_id}),
        ip,
    )
    .await?;
    WriteTx::commit(tx).await?;
    let status = Status {
        id,
        phase: Phase::Asked,
        by: user,
        ip: ip.to_owned(),
        backup_id: meta.preview.backup_id,
        file: meta.preview.file,
        taken_at: meta.preview.taken_at,
        new_sha256: meta.sha256,
        without_safety_backup: false,
        safety_backup: None,
        asked_at: db.now(),
        closed_at: None,
        finished_at: None,
        error: None,
    };
    status
        .save(db.dir())
        .map_err(RestoreError::file("write down the request"))?;
    Ok(status)
}

/// Removes scratch folders that nobody can act on any more.
pub fn sweep(dir: &DataDir, now: i64) {
    let under_way = status(dir).ok().flatten().filter(|s| !s.phase.is_final());
    let Ok(entries) = fs::read_dir(dir.restore()) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let born = uuid::Uuid::parse_str(&name)
            .ok()
            .and_then(|id| id.get_timestamp())
            .map_or(0, |at| {
                let (seconds, nanos) = at.to_unix();
                i64::try_from(seconds).unwrap_or(0) * 1_000 + i64::from(nanos / 1_000_000)
            });
        let is_used = under_way.as_ref().is_some_and(|s| s.id == name);
        if !is_used && now - born > 2 * LIFETIME {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// For a database that cannot be read any more, so that nothing can be compared
/// and no safety backup be taken: it is moved aside as it is. From a shell only.
pub async fn over_damaged(
    dir: &DataDir,
    clock: &crate::clock::Clock,
    source: Source,
    identity: Option<PathBuf>,
    actor: &Actor,
    _mover: &Mover,
) -> Result<Status, RestoreError> {
    let id = clock.new_id();
    let scratch = swap::scratch(dir, &id);
    let mut keys = Keys::of_box(dir.path())?;
    if let Some(path) = &identity {
        keys = keys.and(Keys::from_file(path).map_err(RestoreError::file("read the key file"))?);
    }
    let most = super::MAX_DATABASE;
    let prepared = match prepare(&source, &scratch, &keys, clock, most).await {
        Ok(prepared) => prepared,
        Err(error) => {
            let _ = fs::remove_dir_all(&scratch);
            return Err(error);
        }
    };
    let taken_at = source.manifest.as_ref().map(|m| m.created_at);
    let meta = Meta {
        token_sha256: String::new(),
        user: actor.to_string(),
        live_version: 0,
        sha256: prepared.sha256.clone(),
        folder: source.folder(),
        manifest: source.manifest.clone(),
        identity,
        preview: Preview {
            token: String::new(),
            confirm: String::new(),
            backup_id: None,
            file: source.name(),
            taken_at,
            app_version: None,
            schema_version: prepared.facts.schema_version,
            migrated_to: SCHEMA_VERSION,
            has_manifest: source.manifest.is_some(),
            was_encrypted: false,
            rows: prepared.facts.rows(),
            warnings: prepared.warnings,
            differences: Differences::default(),
            expires_at: clock.now() + LIFETIME,
        },
    };
    let text = serde_json::to_vec(&meta).map_err(std::io::Error::from)?;
    fs::write(scratch.join(USED), text)
        .map_err(RestoreError::file("write down what was prepared"))?;
    let status = Status {
        id,
        phase: Phase::Asked,
        by: actor.to_string(),
        ip: String::new(),
        backup_id: None,
        file: source.name(),
        taken_at,
        new_sha256: prepared.sha256,
        without_safety_backup: true,
        safety_backup: None,
        asked_at: clock.now(),
        closed_at: None,
        finished_at: None,
        error: None,
    };
    status
        .save(dir)
        .map_err(RestoreError::file("write down the request"))?;
    Ok(status)
}
