//! A drill: the newest verified backup becomes a running database in a scratch
//! folder, is looked at as the app looks at it, and compared. Then it is removed.

use std::{
    fs,
    io::Read,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqlitePool};

use super::{Backup, Facts, Keys, Manifest, facts, newest_verified};
use crate::{
    audit::{self, Chain},
    db::{Db, DbError, WriteTx},
    grid::table::SharedTable,
    investors,
    queue::{JobId, Payload, Unique},
    restore::{self, RestoreError, Source},
};

/// How long the app may take to start on a copy and to read all of it.
const STARTING: Duration = Duration::from_mins(5);
/// Bytes kept of what it says when it does not.
const MOST_SAID: u64 = 2_000;

/// Proves that the newest verified backup restores.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DrillBackup {}

impl Payload for DrillBackup {
    const KIND: &'static str = "drill_backup";
    const TIMEOUT: Duration = Duration::from_hours(1);

    fn group(&self) -> Option<String> {
        Some("backup".to_owned())
    }

    fn unique(&self) -> Option<Unique> {
        Some(Unique::while_unfinished("drill"))
    }
}

/// A drill on record.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Drill {
    /// Time-ordered id.
    pub id: String,
    /// Of which backup.
    pub backup_id: String,
    /// `passed` or `failed`.
    pub state: String,
    /// What was compared: a JSON list of `what`, `expected`, `found`, `ok`.
    pub compared: String,
    /// Why it failed.
    pub error: Option<String>,
    /// The job that did it.
    pub job_id: Option<i64>,
    /// UTC milliseconds.
    pub started_at: i64,
    /// UTC milliseconds.
    pub finished_at: i64,
}

/// One thing that was compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// What.
    pub what: String,
    /// As the manifest or the live database has it.
    pub expected: String,
    /// As the drill found it.
    pub found: String,
    /// Whether they are equal.
    pub ok: bool,
}

/// How a drill went.
#[derive(Debug)]
pub struct Outcome {
    /// Of which backup.
    pub backup: Backup,
    /// Line by line.
    pub compared: Vec<Compared>,
    /// Why it failed.
    pub error: Option<String>,
    /// UTC milliseconds.
    pub started_at: i64,
}

/// Drills, newest first.
pub async fn list(db: &SqlitePool, limit: i64) -> Result<Vec<Drill>, DbError> {
    sqlx::query_as(
        "select id, backup_id, state, compared, error, job_id, started_at, finished_at
         from drills order by started_at desc limit ?1",
    )
    .bind(limit)
    .fetch_all(db)
    .await
}

/// When a restore was last proven.
pub async fn last_passed(db: &SqlitePool) -> Result<Option<i64>, DbError> {
    sqlx::query_scalar("select max(finished_at) from drills where state = 'passed'")
        .fetch_one(db)
        .await
}

/// Does it. None: there is no verified backup. The live database is only read.
pub async fn run(db: &Db, progress: impl Fn(i64, &str)) -> Result<Option<Outcome>, RestoreError> {
    let Some(backup) = newest_verified(db.read()).await? else {
        return Ok(None);
    };
    let started_at = db.now();
    let manifest: Manifest =
        serde_json::from_str(&backup.manifest).map_err(std::io::Error::from)?;
    let (_, scratch) = restore::scratch_for_upload(db)?;
    let mut compared = Vec::new();
    let tried = on_copy(db, &manifest, &scratch, &mut compared, &progress).await;
    let _ = fs::remove_dir_all(&scratch);
    let error = match tried {
        Ok(()) => compared
            .iter()
            .find(|c| !c.ok)
            .map(|c| format!("{}: {} was expected, {} found", c.what, c.expected, c.found)),
        Err(error) => Some(error.to_string()),
    };
    Ok(Some(Outcome {
        backup,
        compared,
        error,
        started_at,
    }))
}

async fn on_copy(
    live: &Db,
    manifest: &Manifest,
    scratch: &std::path::Path,
    compared: &mut Vec<Compared>,
    progress: &impl Fn(i64, &str),
) -> Result<(), RestoreError> {
    progress(1, "unpacking and checking it");
    let keys = Keys::of_box(live.dir().path())?;
    let source = Source {
        file: live.dir().backups().join(&manifest.file),
        manifest: Some(manifest.clone()),
    };
    let most = restore::MAX_DATABASE;
    restore::prepare(&source, scratch, &keys, live.clock(), most).await?;
    progress(2, "starting on the copy");
    let copy = Db::open(&scratch.join("data"), live.clock().clone()).await?;
    let looked = look(live, &copy, manifest, compared, progress).await;
    copy.close().await;
    looked?;
    start_the_app(&scratch.join("data"), compared).await?;
    progress(4, "reading attached files back");
    super::attached::verify(&live.dir().backups(), manifest, &keys).await?;
    push(
        compared,
        "attached files read back",
        &manifest.files.len(),
        &manifest.files.len(),
    );
    Ok(())
}

/// The api itself, started on the copy and asked for every list it has. Its program
/// lies beside the worker's wherever the two are installed together.
async fn start_the_app(data: &Path, compared: &mut Vec<Compared>) -> Result<(), RestoreError> {
    let api = std::env::current_exe()?.with_file_name("crm-api");
    if !api.exists() {
        let absent = "not here: crm-api is not beside crm-worker";
        push(compared, "the app started on it", &absent, &absent);
        return Ok(());
    }
    let started = ask_the_app(&api, data).await?;
    push(
        compared,
        "the app started on it and read every list",
        &"yes",
        &started,
    );
    Ok(())
}

/// `yes`, or what it says instead.
async fn ask_the_app(api: &Path, data: &Path) -> std::io::Result<String> {
    let mut child = Command::new(api)
        .arg("look")
        .env("CRM_DATA_DIR", data)
        .env("CRM_LOG", "error")
        .env("CRM_ENV", "development")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let since = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if since.elapsed() > STARTING {
            child.kill()?;
            child.wait()?;
            return Ok(format!("no answer within {} s", STARTING.as_secs()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    if status.success() {
        return Ok("yes".to_owned());
    }
    let mut says = String::new();
    if let Some(stderr) = child.stderr.take() {
        stderr.take(MOST_SAID).read_to_string(&mut says)?;
    }
    Ok(format!("{status}: {}", says.trim()))
}

async fn look(
    live: &Db,
    copy: &Db,
    manifest: &Manifest,
    compared: &mut Vec<Compared>,
    progress: &impl Fn(i64, &str),
) -> Result<(), RestoreError> {
    // As the api starts: the grid in memory, and what pages are made from.
    let shared = SharedTable::new(copy);
    let table = shared.read().await?;
    push(
        compared,
        "grid version",
        &manifest.facts.state_version,
        &table.version,
    );
    let rows: i64 = sqlx::query_scalar("select count(*) from grid_rows where deleted_at is null")
        .fetch_one(copy.read())
        .await?;
    push(
        compared,
        "investors in the grid",
        &rows,
        &table.order().len(),
    );
    drop(table);
    drop(shared);
    let summary = investors::summary(copy).await?;
    let caught_up = summary.synced_version == summary.grid_version;
    push(
        compared,
        "relational tables equal a rebuild",
        &true,
        &(summary.matches || !caught_up),
    );
    let head = match audit::verify(copy).await? {
        Chain::Unbroken { head, .. } if head.id == 0 => String::new(),
        Chain::Unbroken { head, .. } => head.hash,
        Chain::Broken { id } => format!("broken at {id}"),
    };
    push(compared, "audit chain", &manifest.facts.audit_head, &head);
    progress(3, "comparing counts, sums and records");
    counts(copy, &manifest.facts, compared).await?;
    sample(live, copy, compared).await
}

async fn counts(
    copy: &Db,
    expected: &Facts,
    compared: &mut Vec<Compared>,
) -> Result<(), RestoreError> {
    let mut conn = copy.read().acquire().await?;
    let found = facts::read(&mut conn).await?;
    let (mut equal, mut rows) = (0, 0);
    for count in &expected.tables {
        // The migration's own table grows with an older backup.
        if count.table == "_sqlx_migrations" {
            continue;
        }
        let now = found.tables.iter().find(|t| t.table == count.table);
        if now.map(|t| t.rows) == Some(count.rows) {
            equal += 1;
            rows += count.rows;
        } else if expected.schema_version == found.schema_version {
            push(
                compared,
                &format!("rows of {}", count.table),
                &count.rows,
                &now.map_or(0, |t| t.rows),
            );
        }
    }
    push(
        compared,
        &format!("tables with the rows they should have ({rows} rows)"),
        &equal,
        &equal,
    );
    for (fund, sum) in &expected.commitments {
        let name: Option<String> = sqlx::query_scalar("select name from funds where id = ?1")
            .bind(fund)
            .fetch_optional(&mut *conn)
            .await?;
        let found = found.commitments.get(fund).map_or("0", String::as_str);
        push(
            compared,
            &format!("committed to {}", name.unwrap_or_else(|| fund.clone())),
            sum,
            &found,
        );
    }
    Ok(())
}

/// Records of the copy, against the live ones that have not changed since.
async fn sample(live: &Db, copy: &Db, compared: &mut Vec<Compared>) -> Result<(), RestoreError> {
    let picked: Vec<(String, i64, String)> = sqlx::query_as(
        "select id, version, cells from grid_rows where deleted_at is null order by random() limit 50",
    )
    .fetch_all(copy.read())
    .await?;
    let (mut same, mut equal) = (0, 0);
    for (id, version, cells) in picked {
        let now: Option<String> =
            sqlx::query_scalar("select cells from grid_rows where id = ?1 and version = ?2")
                .bind(&id)
                .bind(version)
                .fetch_optional(live.read())
                .await?;
        if let Some(now) = now {
            same += 1;
            equal += usize::from(now == cells);
        }
    }
    push(
        compared,
        "sampled investors equal to the live ones",
        &same,
        &equal,
    );
    Ok(())
}

fn push(compared: &mut Vec<Compared>, what: &str, expected: &impl ToString, found: &impl ToString) {
    let (expected, found) = (expected.to_string(), found.to_string());
    compared.push(Compared {
        what: what.to_owned(),
        ok: expected == found,
        expected,
        found,
    });
}

/// Writes down how it went.
pub async fn record(tx: &mut WriteTx, outcome: &Outcome, job: JobId) -> Result<String, DbError> {
    let (id, now) = (tx.new_id(), tx.now());
    let compared =
        serde_json::to_string(&outcome.compared).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    sqlx::query(
        "insert into drills (id, backup_id, state, compared, error, job_id, started_at, finished_at)
         values (?1, ?2, case when ?5 is null then 'passed' else 'failed' end, ?3, ?5, ?4, ?6, ?7)",
    )
    .bind(&id)
    .bind(&outcome.backup.id)
    .bind(compared)
    .bind(job)
    .bind(&outcome.error)
    .bind(outcome.started_at)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(id)
}
