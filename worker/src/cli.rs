//! The command line.

use clap::{Parser, Subcommand};

/// Venture CRM's worker: runs the durable jobs, and commands them from a shell.
#[derive(Debug, Parser)]
#[command(name = "crm-worker", version, about)]
pub struct Cli {
    /// What to do; `run` unless told.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the worker can be told.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Work until told to stop (SIGINT, SIGTERM)
    Run {
        /// Jobs at a time
        #[arg(long, default_value_t = 10)]
        slots: usize,
    },
    /// Say how the queue, the workers, the sync and the backups are
    Status,
    /// List jobs, newest first
    Jobs {
        /// Only in this state: scheduled, available, running, done, discarded, cancelled
        #[arg(long)]
        state: Option<String>,
        /// Only of this kind
        #[arg(long)]
        kind: Option<String>,
        /// At most this many
        #[arg(long, default_value_t = 20)]
        limit: i64,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell one job's whole story, as JSON
    Job {
        /// Its number
        id: i64,
    },
    /// Enqueue a job
    Enqueue {
        /// Its kind
        kind: String,
        /// Its payload
        #[arg(long, default_value = "{}")]
        json: String,
        /// Wait until it has finished; without a living worker, run it here
        #[arg(long)]
        wait: bool,
    },
    /// Run a discarded, cancelled or waiting job again
    Retry {
        /// Its number
        id: i64,
    },
    /// Cancel a job
    Cancel {
        /// Its number
        id: i64,
    },
    /// List the schedules
    Schedules,
    /// Take a verified backup and wait for it; works while everything is down
    Backup,
    /// Verify a backup from its stored bytes: by id, by file, or the newest
    Verify {
        /// A backup's id, or the path of a file with its manifest beside it
        which: Option<String>,
    },
    /// Prove that the newest verified backup restores: into a scratch folder, and compare
    Drill,
    /// Put a backup in the place of the database; works while everything is down
    Restore {
        /// A backup's id, or the path of a file
        which: String,
        /// Say what would change, and change nothing
        #[arg(long)]
        preview: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// A key file of age that opens an encrypted backup
        #[arg(long, value_name = "KEY.txt")]
        identity: Option<std::path::PathBuf>,
        /// The present database cannot be read: move it aside as it is, without a backup of it
        #[arg(long, requires = "yes")]
        damaged: bool,
    },
    /// Read what is new in every mailbox, or in one, and wait until it is read
    Capture {
        /// Its address
        address: Option<String>,
    },
    /// The daily digest: look at it, or send it
    #[command(subcommand)]
    Digest(Digest),
    /// Exit 0 if a worker has a fresh heartbeat
    Healthcheck,
}

/// What can be done with the daily digest.
#[derive(Debug, Subcommand)]
pub enum Digest {
    /// Write it as it would be now, as HTML and text; sends nothing, moves nothing
    Preview {
        /// Where to
        #[arg(long, default_value = "digest-preview.html")]
        out: std::path::PathBuf,
        /// Summarize mail by rule, without the local model
        #[arg(long)]
        by_rule: bool,
    },
    /// Make it and send it now
    SendNow,
}
