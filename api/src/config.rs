//! The only place of this program that reads the environment.

use std::{net::SocketAddr, path::PathBuf};

use crm_jobs::outside::{Outside, VARIABLES};

use crate::proxy::Network;

/// One environment variable. `docs/configuration.md` repeats this table; a
/// test compares the two.
#[derive(Debug)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What holds when it is not set; empty for nothing.
    pub default: &'static str,
    /// What it does, in one sentence.
    pub meaning: &'static str,
}

/// Everything that can be configured from outside.
pub const TABLE: &[Setting] = &[
    Setting {
        name: "CRM_DATA_DIR",
        default: "./data",
        meaning: "Directory of the database, backups and keys; created readable by its owner only.",
    },
    Setting {
        name: "CRM_BIND",
        default: "127.0.0.1:8080",
        meaning: "Address and port to listen on.",
    },
    Setting {
        name: "CRM_BASE_URL",
        default: "http://CRM_BIND",
        meaning: "Address people type, without a path; decides on secure cookies and starts every link handed out.",
    },
    Setting {
        name: "CRM_ENV",
        default: "development",
        meaning: "`production` refuses to start with weak settings; `development` also serves `/style`.",
    },
    Setting {
        name: "CRM_SECRET_KEY",
        default: "",
        meaning: "At least 32 bytes of randomness, required in production; protects stored credentials of other services.",
    },
    Setting {
        name: "CRM_CORS_ORIGIN",
        default: "",
        meaning: "The one other origin whose pages may call the JSON API, with bearer tokens only.",
    },
    Setting {
        name: "CRM_TRUSTED_PROXIES",
        default: "",
        meaning: "Addresses or networks, separated by commas, whose `X-Forwarded-For` is believed.",
    },
    Setting {
        name: "CRM_WRITE_LIMITS",
        default: "on",
        meaning: "`off` lifts the limit on writes per person, for load tests; production refuses it.",
    },
    Setting {
        name: "CRM_LOG",
        default: "info",
        meaning: "What to log, such as `info` or `crm_api=debug,warn`.",
    },
    Setting {
        name: "CRM_LOG_FORMAT",
        default: "text",
        meaning: "`text` for people, `json` for machines.",
    },
];

/// All rows of the table of `docs/configuration.md`: [`TABLE`], then the
/// services outside this box, which the worker reads too.
pub fn all_settings() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TABLE
        .iter()
        .map(|setting| (setting.name, setting.default, setting.meaning))
        .chain(VARIABLES.iter().copied())
}

/// The configuration of one process.
#[derive(Clone)]
pub struct Config {
    /// `CRM_DATA_DIR`
    pub data_dir: PathBuf,
    /// `CRM_BIND`
    pub bind: SocketAddr,
    /// `CRM_BASE_URL`, without a slash at its end.
    pub base_url: String,
    /// `CRM_ENV` is `production`.
    pub production: bool,
    /// `CRM_SECRET_KEY`
    pub secret_key: Option<Secret>,
    /// `CRM_CORS_ORIGIN`
    pub cors_origin: Option<String>,
    /// `CRM_TRUSTED_PROXIES`
    pub trusted_proxies: Vec<Network>,
    /// `CRM_WRITE_LIMITS` is `on`.
    pub write_limits: bool,
    /// Services outside this box; [`VARIABLES`] names their variables.
    pub outside: Outside,
    /// `CRM_LOG`
    pub log: String,
    /// `CRM_LOG_FORMAT` is `json`.
    pub log_json: bool,
}

/// A text that never appears in logs.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Config {
    /// Reads the environment. All mistakes at once, a sentence each.
    #[allow(clippy::disallowed_methods, reason = "this is the one file that may")]
    pub fn from_env() -> Result<Self, Vec<String>> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// All variables as they are, for `crm-api doctor`.
    #[allow(clippy::disallowed_methods, reason = "this is the one file that may")]
    pub fn environment() -> std::collections::BTreeMap<String, String> {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Reads settings from anything that knows them by name.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let get = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let or = |name: &str| get(name).unwrap_or_else(|| default_of(name).to_owned());
        let bind = or("CRM_BIND").parse().unwrap_or_else(|_| {
            problems.push("CRM_BIND must be an address and a port, such as 127.0.0.1:8080".into());
            SocketAddr::from(([127, 0, 0, 1], 8080))
        });
        let base_url = get("CRM_BASE_URL").unwrap_or_else(|| format!("http://{bind}"));
        let base_url = base_url.trim_end_matches('/').to_owned();
        if authority(&base_url).is_none() {
            problems.push("CRM_BASE_URL must be http(s)://host[:port] without a path".into());
        }
        let production = one_of(
            "CRM_ENV",
            &or("CRM_ENV"),
            "production",
            "development",
            &mut problems,
        );
        let log_json = one_of(
            "CRM_LOG_FORMAT",
            &or("CRM_LOG_FORMAT"),
            "json",
            "text",
            &mut problems,
        );
        let write_limits = one_of(
            "CRM_WRITE_LIMITS",
            &or("CRM_WRITE_LIMITS"),
            "on",
            "off",
            &mut problems,
        );
        // Without the one for links, which has its own default and sentence here.
        let outside = Outside::from_lookup(|name| match name {
            "CRM_BASE_URL" => Some(base_url.clone()),
            name => lookup(name),
        });
        let outside = outside.unwrap_or_else(|found| {
            problems.extend(found);
            Outside::default()
        });
        let cors_origin = get("CRM_CORS_ORIGIN");
        if cors_origin
            .as_deref()
            .is_some_and(|o| authority(o).is_none())
        {
            problems
                .push("CRM_CORS_ORIGIN must be one origin, such as https://app.example.org".into());
        }
        let config = Self {
            data_dir: or("CRM_DATA_DIR").into(),
            bind,
            base_url,
            production,
            secret_key: get("CRM_SECRET_KEY").map(Secret),
            cors_origin,
            trusted_proxies: networks(&or("CRM_TRUSTED_PROXIES"), &mut problems),
            write_limits,
            outside,
            log: or("CRM_LOG"),
            log_json,
        };
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(problems)
        }
    }

    /// Whether people reach this over https.
    pub fn is_https(&self) -> bool {
        self.base_url.starts_with("https://")
    }

    /// Host and port that people type.
    pub fn host(&self) -> &str {
        authority(&self.base_url).unwrap_or_default()
    }

    /// Why this may not run in production; nothing in development.
    pub fn weaknesses(&self) -> Vec<String> {
        if !self.production {
            return Vec::new();
        }
        let mut found = Vec::new();
        if self
            .secret_key
            .as_ref()
            .is_none_or(|key| key.expose().len() < 32)
        {
            found.push(
                "CRM_SECRET_KEY must hold at least 32 bytes: try `openssl rand -hex 32`".to_owned(),
            );
        }
        if !self.is_https() && !is_loopback(self.host()) {
            found
                .push("CRM_BASE_URL must start with https:// unless it is this machine".to_owned());
        }
        if !self.write_limits {
            found.push("CRM_WRITE_LIMITS must be on: off is for load tests".to_owned());
        }
        if is_open_to_others(&self.data_dir) {
            let dir = self.data_dir.display();
            found.push(format!(
                "{dir} can be read by other users of this machine: run `chmod 700 {dir}`"
            ));
        }
        found
    }
}

fn default_of(name: &str) -> &'static str {
    TABLE
        .iter()
        .find(|setting| setting.name == name)
        .map_or("", |setting| setting.default)
}

fn one_of(name: &str, value: &str, yes: &str, no: &str, problems: &mut Vec<String>) -> bool {
    if value != yes && value != no {
        problems.push(format!("{name} must be {yes} or {no}"));
    }
    value == yes
}

fn networks(list: &str, problems: &mut Vec<String>) -> Vec<Network> {
    let parts = list
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let mut networks = Vec::new();
    for part in parts {
        match part.parse() {
            Ok(network) => networks.push(network),
            Err(()) => problems.push(format!(
                "CRM_TRUSTED_PROXIES: {part:?} is neither an address nor a network such as 10.0.0.0/8"
            )),
        }
    }
    networks
}

/// Host and port of an origin; none if it has a path or is no http(s) origin.
fn authority(origin: &str) -> Option<&str> {
    let rest = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"))?;
    let plain = !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ']);
    plain.then_some(rest)
}

/// Whether a host, with or without a port, is this machine itself.
pub(crate) fn is_loopback(host: &str) -> bool {
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost"
        || name
            .parse()
            .is_ok_and(|ip: std::net::Ipv4Addr| ip.is_loopback())
}

/// Whether other users of this machine can look into a directory.
pub(crate) fn is_open_to_others(dir: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(dir).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let pairs: std::collections::BTreeMap<String, String> = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Config::from_lookup(|name| pairs.get(name).cloned())
    }

    #[test]
    fn nothing_set_is_a_working_development_set_up() {
        let config = config(&[]).unwrap();
        assert_eq!(config.base_url, "http://127.0.0.1:8080");
        assert!(!config.production && config.weaknesses().is_empty());
    }

    #[test]
    fn all_mistakes_come_at_once() {
        let found = config(&[
            ("CRM_BIND", "here"),
            ("CRM_ENV", "prod"),
            ("CRM_BASE_URL", "crm.example.org/x"),
            ("CRM_TRUSTED_PROXIES", "10.0.0.0/8, somewhere"),
        ]);
        assert_eq!(found.err().unwrap().len(), 4);
    }

    #[test]
    fn production_names_every_weakness() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = dir.path().to_str().unwrap();
        let weak = config(&[
            ("CRM_ENV", "production"),
            ("CRM_DATA_DIR", path),
            ("CRM_SECRET_KEY", "short"),
            ("CRM_BASE_URL", "http://crm.example.org"),
        ]);
        assert_eq!(weak.unwrap().weaknesses().len(), 3);
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let strong = config(&[
            ("CRM_ENV", "production"),
            ("CRM_DATA_DIR", path),
            ("CRM_SECRET_KEY", "0123456789abcdef0123456789abcdef"),
            ("CRM_BASE_URL", "https://crm.example.org/"),
        ]);
        let strong = strong.unwrap();
        assert!(strong.weaknesses().is_empty() && strong.is_https());
        assert!(
            is_loopback("localhost:8080") && is_loopback("[::1]:80") && !is_loopback("crm.lan")
        );
    }
}
