//! The data directory and the disk under it.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crm_jobs::{
    clock::Clock,
    db::{self, DataDir},
    health::{Part, size},
    restore,
};

const NAME: &str = "Data directory";

pub(super) fn check(path: &Path) -> Vec<Part> {
    let shown = path.display();
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return vec![Part::act(
                NAME,
                format!("{shown} does not exist."),
                "Set CRM_DATA_DIR to where the data is, or, for a new CRM, start crm-api: it makes the directory.",
            )];
        }
        Err(error) => {
            return vec![Part::act(
                NAME,
                format!("{shown} cannot be looked at: {error}."),
                "Run this as the user that runs crm-api, or give that user the directory.",
            )];
        }
    };
    if !meta.is_dir() {
        return vec![Part::act(
            NAME,
            format!("{shown} is not a directory."),
            "Set CRM_DATA_DIR to a directory.",
        )];
    }
    if let Err(why) = try_to_write(path) {
        return vec![Part::act(
            NAME,
            format!("Nothing can be written in {shown}: {why}."),
            format!(
                "Give it to the user that runs both programs: `chown -R USER {shown}`; or mount it writable."
            ),
        )];
    }
    let is_open = meta.permissions().mode() & 0o077 != 0;
    let mut parts = vec![if is_open {
        Part::act(
            NAME,
            format!("Other users of this machine can read {shown}."),
            format!("Run `chmod 700 {shown}`."),
        )
    } else {
        Part::well(NAME, format!("{shown} is there, writable, and private."))
    }];
    if let Ok(dir) = DataDir::existing(path) {
        parts.extend(disk(&dir));
        parts.extend(leftover_restore(&dir));
    }
    parts
}

fn try_to_write(path: &Path) -> std::io::Result<()> {
    let probe = path.join(format!(".doctor-{}", Clock::System.new_id()));
    let written = fs::write(&probe, b"a doctor was here\n");
    let removed = fs::remove_file(&probe);
    written.and(removed)
}

fn disk(dir: &DataDir) -> Option<Part> {
    let room = db::room(dir).ok()?;
    Some(if room.is_low() {
        Part::act(
            "Disk",
            format!(
                "Only {} are free; a backup needs up to {}.",
                size(room.free_bytes),
                size(room.floor_bytes)
            ),
            "Free some room, or move the data directory to a larger disk.",
        )
    } else {
        Part::well("Disk", format!("{} are free.", size(room.free_bytes)))
    })
}

fn leftover_restore(dir: &DataDir) -> Option<Part> {
    const RESTORE: &str = "Restore";
    match restore::status(dir) {
        Ok(Some(status)) if !status.phase.is_final() => {
            let under_way = matches!(restore::Mover::try_take(dir), Ok(None));
            Some(if under_way {
                Part::look(RESTORE, "A restore is under way.", "Wait for it.")
            } else {
                Part::act(
                    RESTORE,
                    format!("A restore of {} was cut off.", status.file),
                    "Start crm-worker or crm-api: whichever comes first gives it up or carries it to its end.",
                )
            })
        }
        Err(error) => Some(Part::act(
            RESTORE,
            format!("run/restore.json cannot be read: {error}."),
            "Nothing starts until it is clear whether a restore is under way. If none is, move the file away.",
        )),
        _ => None,
    }
}

/// A second directory that is not there is only noticed with the next backup.
pub(super) fn second_directory(path: &str) -> Option<Part> {
    let why = match fs::metadata(path) {
        Ok(meta) if !meta.is_dir() => "it is not a directory".to_owned(),
        Ok(_) => {
            return try_to_write(Path::new(path))
                .err()
                .map(|e| second(path, &e.to_string()));
        }
        Err(error) => error.to_string(),
    };
    Some(second(path, &why))
}

fn second(path: &str, why: &str) -> Part {
    Part::act(
        "Second copy",
        format!("Backups should be copied to {path}, and that cannot be: {why}."),
        "Mount the disk, or name another directory under Backups, Change.",
    )
}
