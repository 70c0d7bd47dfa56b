//! `crm-api audit`: the log, verified or taken away from a shell.

use std::{io::Write, path::Path};

use clap::Subcommand;
use crm_jobs::{
    audit::{
        self, Chain,
        export::{Exporter, Format},
    },
    clock::Clock,
    db::Db,
};

use crate::{
    cli::{Problems, one, print},
    config::Config,
};

/// Neither changes anything, nor migrates: both work on a copy from a backup too.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Compute every hash again; fails and names the first row that does not fit
    Verify {
        /// A hash that must be in the log, such as `audit_head` of an old backup's
        /// manifest: finds a log that was cut short or written anew
        #[arg(long)]
        contains: Option<String>,
    },
    /// Write the whole log to standard output, oldest first, with its hashes
    Export {
        /// `ndjson` or `csv`
        #[arg(long, default_value = "ndjson")]
        format: Format,
    },
}

impl Audit {
    /// Runs the command.
    pub async fn run(self, config: &Config) -> Result<(), Problems> {
        if !config.data_dir.join("crm.db").exists() {
            let dir = config.data_dir.display();
            return Err(vec![format!(
                "there is no database in {dir}: set CRM_DATA_DIR"
            )]);
        }
        let db = Db::open(Path::new(&config.data_dir), Clock::System)
            .await
            .map_err(|e| one(&e))?;
        let done = match self {
            Self::Verify { contains } => verify(&db, contains.as_deref()).await,
            Self::Export { format } => export(&db, format).await,
        };
        db.close().await;
        done
    }
}

async fn verify(db: &Db, contains: Option<&str>) -> Result<(), Problems> {
    let (rows, head) = match audit::verify(db).await.map_err(|e| one(&e))? {
        Chain::Unbroken { rows, head } => (rows, head),
        Chain::Broken { id } => {
            return Err(vec![format!(
                "the audit log is broken: row {id} does not fit the one before it"
            )]);
        }
    };
    print(&format!(
        "{rows} rows fit together; the newest is {} with {}",
        head.id, head.hash
    ))?;
    let Some(hash) = contains else {
        return Ok(());
    };
    match audit::with_hash(db, hash).await.map_err(|e| one(&e))? {
        Some(id) => print(&format!("Row {id} has the hash {hash}.")),
        None => Err(vec![format!(
            "no row has the hash {hash}: the log was cut short or written anew since"
        )]),
    }
}

async fn export(db: &Db, format: Format) -> Result<(), Problems> {
    let mut exporter = Exporter::new(db, format);
    let mut out = std::io::stdout().lock();
    while let Some(piece) = exporter.next().await.map_err(|e| one(&e))? {
        out.write_all(&piece).map_err(|e| one(&e))?;
    }
    out.flush().map_err(|e| one(&e))
}
