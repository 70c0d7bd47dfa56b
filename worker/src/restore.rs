//! `crm-worker restore`: look, ask, do. It is the one who carries it out; a
//! living api and worker close the database meanwhile and open it again.

use std::{
    io::{BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use crm_jobs::{
    audit::Actor,
    backup::{self, Manifest},
    clock::Clock,
    db::{self, DataDir, Db},
    restore::{self, Mover, NamedDifference, Phase, Preview, Source, Status},
};

use crate::{
    Failure,
    commands::{print, when},
};

/// What was asked for.
pub struct Order {
    pub which: String,
    pub preview: bool,
    pub yes: bool,
    pub identity: Option<PathBuf>,
    pub damaged: bool,
}

/// Carries it out.
pub async fn restore(dir: &Path, order: Order) -> Result<ExitCode, Failure> {
    let data_dir = DataDir::create(dir)?;
    if order.damaged {
        let mover = take_the_right(&data_dir)?;
        let source = Source::of_file(Path::new(&order.which))?;
        let status = restore::over_damaged(
            &data_dir,
            &Clock::System,
            source,
            order.identity,
            &Actor::Shell,
            &mover,
        )
        .await?;
        return finish(&data_dir, &mover, status).await;
    }
    let db = Db::open(dir, Clock::System).await?;
    // On a new box there is nothing yet: an empty database is what is replaced.
    if db::schema_version(&db).await? == 0 {
        db::migrate(&db).await?;
    }
    let asked = ask(&db, &data_dir, &order).await;
    db.close().await;
    match asked? {
        None => Ok(ExitCode::SUCCESS),
        Some((mover, status)) => finish(&data_dir, &mover, status).await,
    }
}

async fn ask(db: &Db, dir: &DataDir, order: &Order) -> Result<Option<(Mover, Status)>, Failure> {
    // A newer database may be replaced by an older release, which is how one goes back
    // from an upgrade: releases only add, so this one still finds what it looks for.
    if db::schema_version(db).await? < db::SCHEMA_VERSION {
        db::check_schema(db).await?;
    }
    let (source, backup_id) = find(db, &order.which).await?;
    let shown = restore::preview(
        db,
        restore::Asked {
            source,
            backup_id,
            user: "shell",
            scratch: None,
            identity: order.identity.clone(),
            most: restore::MAX_DATABASE,
        },
    )
    .await?;
    tell(&shown);
    if order.preview {
        return Ok(None);
    }
    let confirm = if order.yes {
        shown.confirm.clone()
    } else {
        typed(&shown.confirm)?
    };
    let mover = take_the_right(dir)?;
    let status = restore::ask(db, &shown.token, &confirm, &Actor::Shell, "", Some(&mover)).await?;
    Ok(Some((mover, status)))
}

fn take_the_right(dir: &DataDir) -> Result<Mover, Failure> {
    Mover::try_take(dir)?.ok_or_else(|| "another restore is under way".into())
}

async fn find(db: &Db, which: &str) -> Result<(Source, Option<String>), Failure> {
    let path = Path::new(which);
    if path.is_file() {
        return Ok((Source::of_file(&path.canonicalize()?)?, None));
    }
    let found = backup::find(db.read(), which)
        .await?
        .ok_or_else(|| format!("{which} is neither a file nor the id of a backup"))?;
    let manifest: Manifest = serde_json::from_str(&found.manifest)?;
    let source = Source {
        file: db.dir().backups().join(&found.file_name),
        manifest: Some(manifest),
    };
    Ok((source, Some(found.id)))
}

async fn finish(dir: &DataDir, mover: &Mover, status: Status) -> Result<ExitCode, Failure> {
    let ended = restore::perform(dir, &Clock::System, mover, status).await?;
    if ended.phase == Phase::Finished {
        print(&format!(
            "restored {}; nobody could work for {} ms; the database before it is in replaced/{}",
            ended.file,
            ended.downtime_ms().unwrap_or(0),
            ended.id
        ));
        if let Some(safety) = ended.safety_backup {
            print(&format!("to go back: crm-worker restore {safety}"));
        }
        print("everybody signs in again; outbound mail is held until an admin releases it");
        return Ok(ExitCode::SUCCESS);
    }
    Err(format!(
        "nothing was restored, the database is as it was: {}",
        ended.error.unwrap_or_default()
    )
    .into())
}

fn tell(shown: &Preview) {
    print(&format!(
        "{}: {} rows, schema {}{}{}",
        shown.file,
        shown.rows,
        shown.schema_version,
        shown
            .taken_at
            .map(|at| format!(", taken {}", when(at)))
            .unwrap_or_default(),
        if shown.was_encrypted {
            ", encrypted"
        } else {
            ""
        },
    ));
    for warning in &shown.warnings {
        print(&format!("  note: {warning}"));
    }
    for fund in &shown.differences.funds {
        print(&format!("  {}: {} → {}", fund.fund, fund.now, fund.then));
    }
    if shown.differences.things.is_empty() {
        print("  nothing that people see would change");
    }
    for thing in &shown.differences.things {
        tell_thing(thing);
    }
}

fn tell_thing(thing: &NamedDifference) {
    print(&format!(
        "  {}: {} lost, {} back, {} changed",
        thing.what, thing.lost, thing.added, thing.changed
    ));
    for (sign, names) in [
        ("-", &thing.lost_names),
        ("+", &thing.added_names),
        ("~", &thing.changed_names),
    ] {
        for name in names.iter().take(20) {
            print(&format!("    {sign} {name}"));
        }
    }
}

fn typed(confirm: &str) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err("say --yes to restore without being asked".into());
    }
    eprint!("Type {confirm} to restore: ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
