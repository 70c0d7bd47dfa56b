//! Making an archive: copy, blank, check, write, read back.

use std::{
    fs,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::runtime::Handle;

use super::{
    Archive, ArchiveError, KEPT_MS, blank,
    entries::{self, Entries, Pressed},
    pages, shelf, tables, words,
};
use crate::{
    backup::facts,
    db::{self, Db},
    files,
    grid::table::{SharedTable, Table},
    investors,
};

/// Hears how far it is; false ends it.
pub(super) type Step = Arc<dyn Fn(i64, &str) -> bool + Send + Sync>;

/// An archive that is whole and not yet to be seen.
pub struct Made {
    archive: Archive,
    packed: PathBuf,
    dir: PathBuf,
    _scratch: Scratch,
}

impl Made {
    /// Makes it visible. Under the job's lock, so that only its owner does.
    pub fn publish(self) -> Result<Archive, ArchiveError> {
        shelf::publish(&self.dir, &self.packed, &self.archive)
            .map_err(ArchiveError::file("put the archive in its place"))?;
        Ok(self.archive.clone())
    }
}

/// A folder that goes when this does.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Who asked for an archive, when, and under which id it is kept.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) id: String,
    pub(super) at: i64,
    pub(super) by: String,
    pub(super) version: String,
}

/// Writes an archive to a scratch folder of its own. `step` hears what is done,
/// and ends it by saying false. Memory: the grid once, whatever else there is.
pub async fn make(
    db: &Db,
    id: &str,
    made_at: i64,
    by: &str,
    step: impl Fn(i64, &str) -> bool + Send + Sync + 'static,
) -> Result<Made, ArchiveError> {
    let step: Step = Arc::new(step);
    let dir = db.dir().exports();
    let scratch = Scratch(dir.join(format!("archive-{}.tmp", db.clock().new_id())));
    fs::create_dir_all(&scratch.0).map_err(ArchiveError::file("make a scratch folder"))?;
    go_on(&step, 1, "copying the database")?;
    vacuum(db, &scratch.0.join("crm.db")).await?;
    go_on(&step, 2, "taking secrets out of the copy")?;
    let copy = Db::open(&scratch.0, db.clock().clone()).await?;
    let packed = from_copy(db, &copy, &scratch.0, &step, (id, made_at, by)).await;
    copy.close().await;
    let (archive, packed) = packed?;
    Ok(Made {
        archive,
        packed,
        dir,
        _scratch: scratch,
    })
}

async fn from_copy(
    db: &Db,
    copy: &Db,
    scratch: &Path,
    step: &Step,
    (id, made_at, by): (&str, i64, &str),
) -> Result<(Archive, PathBuf), ArchiveError> {
    let mut tx = copy.write().await?;
    blank::blank(&mut tx).await?;
    tx.commit().await?;
    // Tables below are read from the projection: it must have caught up.
    investors::sync(copy, false, |_, _| {}).await?;
    // Written anew, nothing that was deleted is left in it.
    let clean = scratch.join("clean.db");
    vacuum(copy, &clean).await?;
    go_on(step, 3, "checking the copy")?;
    facts::check(&clean).await?;
    go_on(step, 4, "reading the grid")?;
    let shared = SharedTable::new(copy);
    let table = shared.read().await?.clone();
    drop(shared);
    let packing = Packing {
        copy: copy.clone(),
        files: db.dir().clone(),
        table,
        clean,
        out: scratch.join("packed.zip"),
        handle: Handle::current(),
        step: step.clone(),
        asked: Asked {
            id: id.to_owned(),
            at: made_at,
            by: by.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
    };
    tokio::task::spawn_blocking(move || packing.run())
        .await
        .map_err(|e| ArchiveError::file("write the archive")(std::io::Error::other(e)))?
}

/// `vacuum into` gives a consistent, compact copy while writers go on.
async fn vacuum(db: &Db, to: &Path) -> Result<(), ArchiveError> {
    use sqlx::Connection;
    let mut conn = db::connect_writer(db).await?;
    let copied = sqlx::query("vacuum into ?1")
        .bind(to.display().to_string())
        .execute(&mut conn)
        .await;
    conn.close().await?;
    copied?;
    Ok(())
}

pub(super) fn go_on(step: &Step, done: i64, what: &str) -> Result<(), ArchiveError> {
    if step(done, what) {
        Ok(())
    } else {
        Err(ArchiveError::Stopped)
    }
}

/// All that the ZIP is made from. It runs on a thread of its own and asks the copy
/// in between: the ZIP is written from front to back.
pub(super) struct Packing {
    pub(super) copy: Db,
    /// Where attached files lie.
    files: db::DataDir,
    pub(super) table: Table,
    clean: PathBuf,
    out: PathBuf,
    pub(super) handle: Handle,
    step: Step,
    pub(super) asked: Asked,
}

impl Packing {
    fn run(self) -> Result<(Archive, PathBuf), ArchiveError> {
        let mut entries = Entries::create(&self.out, self.asked.at)?;
        self.go_on(4, "adding the database")?;
        entries.add_file("crm.db", Pressed::Yes, &self.clean)?;
        fs::remove_file(&self.clean).map_err(ArchiveError::file("remove the copy"))?;
        self.go_on(5, "adding attached files")?;
        let kept = self.add_files(&mut entries)?;
        self.go_on(6, "writing tables")?;
        let counts = tables::add(&self, &mut entries, &kept)?;
        self.go_on(6, "writing pages")?;
        pages::add(&self, &mut entries, &kept)?;
        let readme = words::readme(&self, &counts, &kept);
        entries.add_bytes("README.txt", readme.as_bytes())?;
        entries.finish()?;
        self.go_on(7, "reading it back")?;
        let (sha256, size_bytes) = entries::verify(&self.out)?;
        let archive = Archive {
            file: file_name(&self.asked),
            size_bytes,
            sha256,
            created_at: self.asked.at,
            expires_at: self.copy.now() + KEPT_MS,
            investors: self.table.order().len(),
            files: kept.iter().filter(|k| k.state == "in the archive").count(),
            missing_files: kept
                .iter()
                .filter(|k| k.state != "in the archive")
                .map(|k| format!("{}: {}", k.name, k.state))
                .collect(),
            app_version: self.asked.version.clone(),
            id: self.asked.id,
            created_by: self.asked.by,
        };
        Ok((archive, self.out))
    }

    pub(super) fn go_on(&self, done: i64, what: &str) -> Result<(), ArchiveError> {
        go_on(&self.step, done, what)
    }

    /// Adds every attached file under its name. One whose bytes are lost is told
    /// of, and keeps nothing else from being taken.
    fn add_files(&self, entries: &mut Entries) -> Result<Vec<KeptFile>, ArchiveError> {
        let known: Vec<Attached> = self.handle.block_on(
            sqlx::query_as(
                "select f.id, f.row_id, f.name, f.sha256 from files f
                 join grid_rows r on r.id = f.row_id and r.deleted_at is null
                 where f.deleted_at is null order by f.created_at, f.id",
            )
            .fetch_all(self.copy.read()),
        )?;
        let mut names = super::names::Names::default();
        let mut kept = Vec::with_capacity(known.len());
        for (n, file) in known.into_iter().enumerate() {
            if n % 100 == 0 {
                self.go_on(5, &format!("adding attached files: {n}"))?;
            }
            let name = names.take(&file.name);
            let path = files::path_of(&self.files, &file.sha256);
            let state = if path.exists() {
                // Most are compressed by themselves.
                let entry = format!("files/{name}");
                let (sha256, _) = entries.add_file(&entry, Pressed::No, &path)?;
                if sha256 == file.sha256 {
                    "in the archive"
                } else {
                    "its bytes are damaged"
                }
            } else {
                "its bytes are lost"
            };
            kept.push(KeptFile {
                id: file.id,
                row_id: file.row_id,
                name,
                state,
            });
        }
        Ok(kept)
    }

    /// Writes an entry by way of a buffer.
    pub(super) fn buffered<T>(
        entries: &mut Entries,
        name: &str,
        write: impl FnOnce(&mut BufWriter<&mut entries::Entry<'_>>) -> Result<T, ArchiveError>,
    ) -> Result<T, ArchiveError> {
        entries.add(name, Pressed::Yes, |entry| {
            let mut out = BufWriter::with_capacity(1 << 16, entry);
            let made = write(&mut out)?;
            out.flush()
                .map_err(ArchiveError::file("write the archive"))?;
            Ok(made)
        })
    }
}

#[derive(sqlx::FromRow)]
struct Attached {
    id: String,
    row_id: String,
    name: String,
    sha256: String,
}

/// An attached file and its name in the archive.
pub(super) struct KeptFile {
    pub(super) id: String,
    pub(super) row_id: String,
    pub(super) name: String,
    pub(super) state: &'static str,
}

/// `venture-crm-20260303-100000-1a2b3c4d.zip`: sorts by time.
fn file_name(asked: &Asked) -> String {
    let at = jiff::Timestamp::from_millisecond(asked.at).unwrap_or_default();
    let end = asked.id.len().saturating_sub(8);
    let short = asked.id.get(end..).unwrap_or(&asked.id);
    format!("venture-crm-{}-{short}.zip", at.strftime("%Y%m%d-%H%M%S"))
}
