//! The programs: whether they run, of one release, with one set of settings.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use crm_jobs::{
    db::DataDir,
    health::Part,
    programs::{self, PROGRAMS},
};

use crate::config::Config;

pub(super) async fn check(
    dir: &DataDir,
    config: Option<&Config>,
    environment: &BTreeMap<String, String>,
) -> Vec<Part> {
    let mut parts = versions(environment.get("PATH").map_or("", String::as_str)).await;
    if let Some(config) = config {
        parts.extend(differences(dir, config));
    }
    parts
}

/// Copies beside this program and on the path: an old one is easily forgotten.
async fn versions(path: &str) -> Vec<Part> {
    const NAME: &str = "Programs";
    let own = env!("CARGO_PKG_VERSION");
    let beside = std::env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(PathBuf::from));
    let folders = beside.into_iter().chain(std::env::split_paths(path));
    let mut seen: Vec<PathBuf> = Vec::new();
    let mut odd = Vec::new();
    let mut worker_beside = None;
    for (n, folder) in folders.enumerate() {
        for program in PROGRAMS {
            let Ok(file) = folder.join(program).canonicalize() else {
                continue;
            };
            if n == 0 && program == "crm-worker" {
                worker_beside = Some(());
            }
            if seen.contains(&file) {
                continue;
            }
            match version(&file).await {
                Some(version) if version == own => {}
                Some(version) => odd.push(format!("{} is {version}", file.display())),
                None => odd.push(format!("{} does not say its version", file.display())),
            }
            seen.push(file);
        }
    }
    let mut parts = Vec::new();
    if odd.is_empty() {
        parts.push(Part::well(NAME, format!("All of release {own}.")));
    } else {
        parts.push(Part::act(
            NAME,
            format!("This is release {own}, but {}.", odd.join(", and ")),
            "Install both programs of one release, and remove the other copies.",
        ));
    }
    if worker_beside.is_none() {
        parts.push(Part::look(
            NAME,
            "crm-worker is not beside crm-api.",
            "Keep both in one folder: a drill starts the one beside the other.",
        ));
    }
    parts
}

async fn version(program: &Path) -> Option<String> {
    let program = program.to_owned();
    let ask = tokio::task::spawn_blocking(move || {
        Command::new(program)
            .arg("--version")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
    });
    let asked = tokio::time::timeout(Duration::from_secs(5), ask).await;
    let said = String::from_utf8(asked.ok()?.ok()?.ok()?.stdout).ok()?;
    said.split_whitespace().nth(1).map(str::to_owned)
}

/// Both say at their start what they were given.
fn differences(dir: &DataDir, config: &Config) -> Vec<Part> {
    const NAME: &str = "Same settings";
    let (api, worker) = (
        programs::said(dir, PROGRAMS[0]),
        programs::said(dir, PROGRAMS[1]),
    );
    let is_default = config.base_url == format!("http://{}", config.bind);
    // Without CRM_BASE_URL only the api knows its default.
    let counts = |name: &String| !(is_default && name == "CRM_BASE_URL");
    if let (Some(api), Some(worker)) = (&api, &worker) {
        let differing: Vec<String> = api
            .settings
            .iter()
            .filter(|(name, value)| counts(name) && worker.settings.get(*name) != Some(value))
            .map(|(name, _)| name.clone())
            .collect();
        if !differing.is_empty() {
            return vec![Part::act(
                NAME,
                format!(
                    "crm-api and crm-worker were started with different values of {}.",
                    differing.join(", ")
                ),
                "Give both the same environment, then restart both.",
            )];
        }
    }
    let here: Vec<String> = api
        .iter()
        .flat_map(|said| programs::differences(said, &config.outside))
        .filter(counts)
        .collect();
    if !here.is_empty() {
        return vec![Part::look(
            NAME,
            format!(
                "This shell has other values than crm-api was started with: {}.",
                here.join(", ")
            ),
            "Run this with the environment of the service, or what it says of services outside may not hold.",
        )];
    }
    match (api, worker) {
        (Some(_), Some(_)) => vec![Part::well(NAME, "Both were started with the same values.")],
        _ => Vec::new(),
    }
}
