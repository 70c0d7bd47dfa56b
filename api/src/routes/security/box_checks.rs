//! What the environment and the disk say.

use axum::http::HeaderMap;
use crm_jobs::db::DataDir;

use super::Check;
use crate::config::{Config, is_loopback, is_open_to_others};

pub fn all(config: &Config, dir: &DataDir, headers: &HeaderMap) -> Vec<Check> {
    vec![
        environment(config),
        base_url(config),
        secret_key(config),
        data_directory(dir),
        proxy(config, headers),
        write_limits(config),
    ]
}

fn environment(config: &Config) -> Check {
    const ID: &str = "environment";
    if config.production {
        Check::ok(ID, "Production: weak settings are refused at the start.")
    } else if is_loopback(config.host()) {
        Check::warn(
            ID,
            "Development: nothing weak is refused. On this machine alone that is fine.",
            "Set CRM_ENV=production before others can reach it.",
        )
    } else {
        Check::fail(
            ID,
            "Development, though others can reach it: nothing weak is refused.",
            "Set CRM_ENV=production and start again; it names every reason not to.",
        )
    }
}

fn base_url(config: &Config) -> Check {
    const ID: &str = "base_url";
    if config.is_https() {
        Check::ok(
            ID,
            "People come over https, and cookies are locked to the host.",
        )
    } else if is_loopback(config.host()) {
        Check::warn(
            ID,
            "People come over plain http, on this machine only.",
            "Put a proxy with TLS in front and set CRM_BASE_URL=https://… before others can reach it.",
        )
    } else {
        Check::fail(
            ID,
            "People come over plain http: anybody on the way reads passwords and everything else.",
            "Put a proxy with TLS in front and set CRM_BASE_URL=https://…",
        )
    }
}

fn secret_key(config: &Config) -> Check {
    const ID: &str = "secret_key";
    match &config.secret_key {
        Some(key) if key.expose().len() >= 32 => {
            Check::ok(ID, "Stored credentials are sealed with CRM_SECRET_KEY.")
        }
        Some(_) => Check::fail(
            ID,
            "CRM_SECRET_KEY is shorter than 32 bytes.",
            "Make one with `openssl rand -hex 32`. What was sealed with the old one must be entered again.",
        ),
        None => Check::warn(
            ID,
            "Stored credentials are sealed with a key that lies beside the data.",
            "Set CRM_SECRET_KEY (`openssl rand -hex 32`) for both programs, and keep it apart from the backups.",
        ),
    }
}

fn data_directory(dir: &DataDir) -> Check {
    const ID: &str = "data_directory";
    if is_open_to_others(dir.path()) {
        let path = dir.path().display();
        return Check::fail(
            ID,
            "Other users of the machine can look into the data directory.",
            format!("Run `chmod 700 {path}`."),
        );
    }
    Check::ok(
        ID,
        "Only the program's own user can look into the data directory.",
    )
}

/// TLS ends in front of us, so https means that there is a proxy.
fn proxy(config: &Config, headers: &HeaderMap) -> Check {
    const ID: &str = "trusted_proxies";
    let is_behind = config.is_https() || headers.contains_key("x-forwarded-for");
    match (is_behind, config.trusted_proxies.is_empty()) {
        (true, true) => Check::fail(
            ID,
            "A proxy stands in front and is not named: everybody seems to come from its address, and one who guesses passwords slows down all.",
            "Set CRM_TRUSTED_PROXIES to the proxy's address, such as 127.0.0.1.",
        ),
        (true, false) => Check::ok(
            ID,
            "The proxy in front is named, so addresses are those of people.",
        ),
        (false, true) => Check::ok(ID, "No proxy stands in front, and none is believed."),
        (false, false) => Check::warn(
            ID,
            "Proxies are believed, though this request came through none.",
            "If there is none, take CRM_TRUSTED_PROXIES out: whoever reaches the port from there can claim any address.",
        ),
    }
}

fn write_limits(config: &Config) -> Check {
    const ID: &str = "write_limits";
    if config.write_limits {
        Check::ok(ID, "Each person's writes are limited.")
    } else {
        Check::fail(
            ID,
            "The limit on writes is off, as for load tests.",
            "Take CRM_WRITE_LIMITS out of the environment.",
        )
    }
}
