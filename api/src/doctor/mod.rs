//! `crm-api doctor`: everything a confused owner could have wrong, in plain words
//! with what to do. It changes nothing, and works however much is broken.

mod database;
mod files;
mod network;
mod programs;
mod settings;

use std::{collections::BTreeMap, io::Write};

use crm_jobs::{
    db::DataDir,
    health::{Part, Tone, line},
};

use crate::config::Config;

pub use network::answers;

/// What the environment came to: a configuration, or what is wrong with it.
pub type Read = Result<Config, Vec<String>>;

/// Checks everything. The environment's variables are looked at as they are.
pub async fn examine(read: Read, environment: &BTreeMap<String, String>) -> Vec<Part> {
    let mut parts = settings::check(&read, environment);
    // With settings that make no sense, the defaults of all others still tell
    // something; where the data is, is known anyway.
    let dir = environment
        .get("CRM_DATA_DIR")
        .filter(|dir| !dir.trim().is_empty())
        .map_or("./data", String::as_str);
    let found = files::check(std::path::Path::new(dir));
    let usable = found
        .iter()
        .all(|part| part.tone != Tone::Act || part.name == "Disk");
    parts.extend(found);
    if let (true, Ok(place)) = (usable, DataDir::existing(std::path::Path::new(dir))) {
        parts.extend(database::check(&place, read.as_ref().ok()).await);
        parts.extend(programs::check(&place, read.as_ref().ok(), environment).await);
    }
    if let Ok(config) = &read {
        parts.extend(network::check(config).await);
    }
    parts
}

/// Prints the findings; true if nothing is broken.
pub fn report(parts: &[Part]) -> std::io::Result<bool> {
    let mut out = std::io::stdout().lock();
    for part in parts {
        let mark = match part.tone {
            Tone::Well => "ok  ",
            Tone::Off => "-   ",
            Tone::Look => "look",
            Tone::Act => "ACT ",
        };
        writeln!(out, "{mark}  {:<16} {}", part.name, part.says)?;
        if matches!(part.tone, Tone::Look | Tone::Act) && !part.fix.is_empty() {
            writeln!(out, "      {:<16} {}", "", part.fix)?;
        }
    }
    let (tone, says) = line(parts);
    writeln!(out, "\n{says}")?;
    Ok(tone != Tone::Act)
}
