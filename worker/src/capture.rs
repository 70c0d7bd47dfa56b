//! `crm-worker capture`: reads mailboxes now and waits.

use std::{process::ExitCode, time::Duration};

use crm_jobs::{
    db::Db,
    email::{self, Mailbox},
    queue::{self, JobId, inspect},
    tasks,
};

use crate::{
    Failure,
    commands::{SHELL, print},
};

/// Reads this mailbox, or all that are not paused.
pub async fn capture(db: &Db, address: Option<&str>) -> Result<ExitCode, Failure> {
    let mut conn = db.read().acquire().await?;
    let all = email::list_mailboxes(&mut conn).await?;
    drop(conn);
    let wanted: Vec<Mailbox> = match address.map(str::to_lowercase) {
        Some(address) => all.into_iter().filter(|m| m.address == address).collect(),
        None => all.into_iter().filter(|m| m.state == "active").collect(),
    };
    match (wanted.is_empty(), address) {
        (true, Some(address)) => return Err(format!("no mailbox {address} is enrolled").into()),
        (true, None) => {
            print("no mailbox is read: enrol one under Mailboxes");
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    let mut failed = false;
    for mailbox in wanted {
        let mut tx = db.write().await?;
        let job = email::sync_now(&mut tx, &mailbox.id, SHELL).await?;
        tx.commit().await?;
        eprintln!("  {}: job {}", mailbox.address, job.id);
        match until_read(db, job.id).await? {
            None => print(&format!("{}: everything new is read", mailbox.address)),
            Some(why) => {
                failed = true;
                print(&format!("{}: {why}", mailbox.address));
            }
        }
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Nothing once it is read; else why it was not. Such a job is tried for ever:
/// the first failure is what somebody in a shell wants to know.
async fn until_read(db: &Db, id: JobId) -> Result<Option<String>, Failure> {
    let mut shown = String::new();
    loop {
        let job = inspect::row(db.read(), id)
            .await?
            .ok_or_else(|| format!("job {id} was pruned"))?;
        let progress = job.progress_message.clone().unwrap_or_default();
        if progress != shown {
            eprintln!("    {progress}");
            shown = progress;
        }
        let waits_after_failure = job.state == "scheduled" && job.last_error.is_some();
        if job.state == "done" {
            return Ok(None);
        }
        if waits_after_failure || inspect::is_final(&job.state) {
            return Ok(Some(job.last_error.unwrap_or(job.state)));
        }
        let workers = inspect::workers(db.read()).await?;
        if workers.iter().all(|w| w.lease_until < db.now()) {
            eprintln!("  no worker lives: running it here");
            queue::drain(db, &tasks::registry()).await?;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
