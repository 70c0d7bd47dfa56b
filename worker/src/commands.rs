//! Every command but `run`: short conversations with the database.

use std::{path::Path, process::ExitCode, time::Duration};

use crm_jobs::{
    backup,
    clock::Clock,
    db::{self, Db},
    digest, investors,
    queue::{
        self, EnqueueOptions, JobId, control,
        inspect::{self, JobFilter, JobRow},
        schedules,
    },
    restore::{self, Who},
    tasks,
};
use serde::Serialize;

use crate::{
    Failure,
    cli::{Command, Digest},
    config::Config,
    run,
};

/// Who enqueues from a shell.
pub const SHELL: &str = "shell";

/// Carries out one command; the exit code says whether what it did or found is well.
pub async fn dispatch(config: &Config, command: Option<Command>) -> Result<ExitCode, Failure> {
    if let None | Some(Command::Run { .. }) = command {
        let slots = match command {
            Some(Command::Run { slots }) => slots.max(1),
            _ => 10,
        };
        run::run(config, slots).await?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(Command::Verify { which: Some(path) }) = &command
        && Path::new(path).is_file()
    {
        return verify_file(Path::new(path)).await;
    }
    run::crash_where_told(config);
    restore::settle(&config.data_dir, &Clock::System, Who::Other).await?;
    if let Some(Command::Restore {
        which,
        preview,
        yes,
        identity,
        damaged,
    }) = command
    {
        let order = crate::restore::Order {
            which,
            preview,
            yes,
            identity,
            damaged,
        };
        return crate::restore::restore(&config.data_dir, order).await;
    }
    let db = Db::open(&config.data_dir, Clock::System)
        .await?
        .reaching(config.outside.clone());
    // Whether a worker lives is asked before an upgrade too.
    if !matches!(command, Some(Command::Healthcheck)) {
        db::check_schema(&db).await?;
    }
    let code = with_db(&db, command).await?;
    db.close().await;
    Ok(code)
}

async fn with_db(db: &Db, command: Option<Command>) -> Result<ExitCode, Failure> {
    match command {
        Some(Command::Status) => status(db).await,
        Some(Command::Jobs {
            state,
            kind,
            limit,
            json,
        }) => {
            let filter = JobFilter {
                state,
                kind,
                before: None,
                limit: Some(limit),
            };
            let jobs = inspect::list(db.read(), &filter).await?;
            if json {
                return print_json(&jobs);
            }
            jobs.iter().for_each(print_job);
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Job { id }) => {
            let story = inspect::story(db.read(), id)
                .await?
                .ok_or_else(|| format!("no job {id}"))?;
            print_json(&story)
        }
        Some(Command::Enqueue { kind, json, wait }) => enqueue(db, &kind, &json, wait).await,
        Some(Command::Retry { id }) => {
            let mut tx = db.write().await?;
            control::retry(&mut tx, id).await?;
            tx.commit().await?;
            print(&format!("job {id} will run again"));
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Cancel { id }) => {
            let mut tx = db.write().await?;
            let state = control::cancel(&mut tx, id).await?;
            tx.commit().await?;
            print(&format!(
                "job {id}: {}",
                if state == "running" {
                    "asked to stop"
                } else {
                    state
                }
            ));
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Schedules) => {
            for s in schedules::list(db.read()).await? {
                let next = if s.enabled {
                    when(s.next_at)
                } else {
                    "off".to_owned()
                };
                print(&format!(
                    "{:<18} {:<16} {:<14} next {next}",
                    s.name, s.kind, s.expression
                ));
            }
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Backup) => enqueue(db, "take_backup", "{}", true).await,
        Some(Command::Verify { which }) => verify(db, which).await,
        Some(Command::Capture { address }) => crate::capture::capture(db, address.as_deref()).await,
        Some(Command::Drill) => enqueue(db, "drill_backup", "{}", true).await,
        Some(Command::Digest(Digest::Preview { out, by_rule })) => {
            let letter = digest::preview(db, !by_rule).await?;
            std::fs::write(&out, &letter.html)?;
            print(&letter.text);
            print(&format!("{} is in {}", letter.subject, out.display()));
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Digest(Digest::SendNow)) => {
            enqueue(db, "send_digest", r#"{"asked":true}"#, true).await
        }
        Some(Command::Healthcheck) => healthcheck(db).await,
        None | Some(Command::Run { .. } | Command::Restore { .. }) => Ok(ExitCode::SUCCESS),
    }
}

async fn enqueue(db: &Db, kind: &str, json: &str, wait: bool) -> Result<ExitCode, Failure> {
    let job = tasks::registry().prepare(kind, json)?;
    let mut tx = db.write().await?;
    let enqueued = queue::enqueue_with(&mut tx, &job, &EnqueueOptions::by(SHELL)).await?;
    tx.commit().await?;
    let id = enqueued.id;
    let known = if enqueued.is_new {
        ""
    } else {
        " (an equal one was waiting already)"
    };
    print(&format!("job {id} {kind}{known}"));
    if wait {
        wait_for(db, id).await
    } else {
        Ok(ExitCode::SUCCESS)
    }
}

/// Waits for a job's end, showing its progress. Where no worker lives, runs it here.
async fn wait_for(db: &Db, id: JobId) -> Result<ExitCode, Failure> {
    let mut shown = String::new();
    loop {
        let job = inspect::row(db.read(), id)
            .await?
            .ok_or_else(|| format!("job {id} was pruned"))?;
        let progress = format!(
            "  {} {}/{} {}",
            job.state,
            job.progress_done.unwrap_or(0),
            job.progress_total.unwrap_or(0),
            job.progress_message.as_deref().unwrap_or_default()
        );
        if progress != shown {
            eprintln!("{progress}");
            shown = progress;
        }
        if inspect::is_final(&job.state) {
            print_job(&job);
            return Ok(if job.state == "done" {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        if inspect::workers(db.read())
            .await?
            .iter()
            .all(|w| w.lease_until < db.now())
        {
            eprintln!("  no worker lives: running it here");
            queue::drain(db, &tasks::registry()).await?;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn verify(db: &Db, which: Option<String>) -> Result<ExitCode, Failure> {
    let id = if let Some(id) = which {
        id
    } else {
        let newest = backup::list(db.read(), None, 1).await?.into_iter().next();
        newest
            .ok_or("there is no backup yet: run `crm-worker backup`")?
            .id
    };
    let payload = serde_json::json!({ "backup_id": id }).to_string();
    enqueue(db, "verify_backup", &payload, true).await
}

async fn verify_file(path: &Path) -> Result<ExitCode, Failure> {
    let manifest = backup::verify_file(path).await?;
    print(&format!(
        "{}: read back well; {} rows in {} tables, grid version {}",
        manifest.file,
        manifest.facts.rows(),
        manifest.facts.tables.len(),
        manifest.facts.state_version
    ));
    Ok(ExitCode::SUCCESS)
}

async fn healthcheck(db: &Db) -> Result<ExitCode, Failure> {
    let now = db.now();
    let workers = inspect::workers(db.read()).await?;
    if workers.iter().any(|w| w.lease_until >= now) {
        print("a worker is alive");
        return Ok(ExitCode::SUCCESS);
    }
    print("no worker has a fresh heartbeat: start one with `crm-worker run`");
    Ok(ExitCode::FAILURE)
}

async fn status(db: &Db) -> Result<ExitCode, Failure> {
    let counts = inspect::counts(db.read()).await?;
    let line: Vec<String> = counts
        .iter()
        .map(|(state, n)| format!("{state} {n}"))
        .collect();
    print(&format!("jobs      {}", line.join(", ")));
    let workers = inspect::workers(db.read()).await?;
    for w in &workers {
        print(&format!(
            "worker    {} pid {} runs {} of {} slots, seen {}",
            w.id,
            w.pid,
            w.running,
            w.slots,
            when(w.heartbeat_at)
        ));
    }
    let summary = investors::summary(db).await?;
    print(&format!(
        "sync      version {} of {}; {}",
        summary.synced_version,
        summary.grid_version,
        if summary.matches {
            "tables equal a rebuild"
        } else {
            "tables differ from a rebuild"
        }
    ));
    let newest = backup::newest_verified(db.read()).await?;
    match &newest {
        Some(b) => print(&format!(
            "backup    {} verified {}",
            b.file_name,
            when(b.verified_at.unwrap_or(b.created_at))
        )),
        None => print("backup    none yet"),
    }
    for alarm in backup::health(db).await?.alarms {
        print(&format!("alarm     {alarm}"));
    }
    let failing = counts.get("discarded").copied().unwrap_or(0);
    let well = failing == 0 && !workers.is_empty();
    print(if well {
        "all is well"
    } else {
        "look at: jobs --state discarded, or start a worker"
    });
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print_job(job: &JobRow) {
    let error = job
        .last_error
        .as_deref()
        .filter(|_| job.state != "done")
        .unwrap_or_default();
    print(&format!(
        "{:>7} {:<16} {:<10} attempt {}/{} {} {error}",
        job.id,
        job.kind,
        job.state,
        job.attempt,
        job.max_attempts,
        when(job.finished_at.or(job.started_at).unwrap_or(job.run_at)),
    ));
}

fn print_json<T: Serialize>(value: &T) -> Result<ExitCode, Failure> {
    print(&serde_json::to_string_pretty(value)?);
    Ok(ExitCode::SUCCESS)
}

pub fn when(ms: i64) -> String {
    crm_jobs::clock::utc_text(ms)
}

/// Answers go to standard output; everything else goes to standard error.
#[allow(clippy::print_stdout, reason = "this is the shell's answer")]
pub fn print(line: &str) {
    println!("{line}");
}
