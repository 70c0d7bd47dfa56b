//! The environment.

use std::collections::BTreeMap;

use crm_jobs::health::Part;

use super::Read;
use crate::config::{Config, all_settings};

const NAME: &str = "Settings";

pub(super) fn check(read: &Read, environment: &BTreeMap<String, String>) -> Vec<Part> {
    let mut parts = Vec::new();
    match read {
        Err(problems) => parts.extend(problems.iter().map(|problem| {
            Part::act(
                NAME,
                sentence(problem),
                "docs/configuration.md has all settings; neither program starts until this is right.",
            )
        })),
        Ok(config) => parts.extend(strength(config)),
    }
    parts.extend(unknown(environment));
    if parts.is_empty() {
        parts.push(Part::well(NAME, "They make sense."));
    }
    parts
}

fn sentence(problem: &str) -> String {
    format!("{}.", problem.trim_end_matches('.'))
}

fn strength(config: &Config) -> Vec<Part> {
    let mut parts: Vec<Part> = config
        .weaknesses()
        .iter()
        .map(|weak| {
            Part::act(
                NAME,
                sentence(weak),
                "With CRM_ENV=production the api does not start until this is right.",
            )
        })
        .collect();
    if !config.production && !config.bind.ip().is_loopback() {
        parts.push(Part::look(
            NAME,
            format!(
                "Other machines can reach {}, and CRM_ENV is not production.",
                config.bind
            ),
            "Set CRM_ENV=production, which refuses weak settings, before people use it.",
        ));
    }
    if !config.production && config.is_https() {
        parts.push(Part::look(
            NAME,
            "CRM_BASE_URL is https, and CRM_ENV is not production.",
            "Set CRM_ENV=production, which refuses weak settings.",
        ));
    }
    if config.is_https() && config.trusted_proxies.is_empty() {
        parts.push(Part::look(
            NAME,
            "Something in front of this ends https, and CRM_TRUSTED_PROXIES is not set: every visitor seems to come from it.",
            "Set CRM_TRUSTED_PROXIES to its address, such as 127.0.0.1.",
        ));
    }
    parts
}

/// A name with a slip of the pen is silently nothing.
fn unknown(environment: &BTreeMap<String, String>) -> Option<Part> {
    // Read by scripts and tests, not by the programs.
    const OTHERS: [&str; 8] = [
        "CRM_CHAOS_DEBUG",
        "CRM_CRASH_AT",
        "CRM_DOMAIN",
        "CRM_E2E_PROFILE",
        "CRM_IMAGE",
        "CRM_REPLICA_URL",
        "CRM_TLS",
        "CRM_UPSTREAM",
    ];
    let known: Vec<&str> = all_settings().map(|(name, ..)| name).collect();
    let odd: Vec<&str> = environment
        .keys()
        .map(String::as_str)
        .filter(|name| name.starts_with("CRM_") || name.starts_with("SMTP_"))
        .filter(|name| !known.contains(name) && !OTHERS.contains(name))
        .collect();
    (!odd.is_empty()).then(|| {
        Part::look(
            NAME,
            format!("{} is set, and nothing reads it.", odd.join(", ")),
            "Compare the name with docs/configuration.md.",
        )
    })
}
