//! What the environment says of services outside this box: the local model, the
//! mail server, Gmail. Each binary's configuration reads it once and hands it to
//! the database handle ([`crate::db::Db::reaching`]), so that jobs and handlers
//! both have it without globals. What is absent here an admin may set on a page.

use std::{fmt, path::PathBuf};

use sha2::{Digest, Sha256};

/// Names and meanings of the variables; both binaries read them.
/// `docs/configuration.md` repeats them.
pub const VARIABLES: &[(&str, &str, &str)] = &[
    (
        "SPARK_URL",
        "",
        "Address of the local model (Spark); otherwise an admin's setting, otherwise `http://spark-control.startos:9999`. Only private addresses are ever reached.",
    ),
    (
        "SMTP_HOST",
        "",
        "Mail server that takes the daily digest; with it, all of SMTP comes from the environment.",
    ),
    (
        "SMTP_PORT",
        "",
        "Its port; 587 for `starttls`, 465 for `tls`, 25 for `none` unless it is set.",
    ),
    (
        "SMTP_USER",
        "",
        "Name to sign in with; nothing: no sign-in.",
    ),
    ("SMTP_PASS", "", "Password to sign in with."),
    (
        "SMTP_FROM",
        "",
        "Sender of the digest, such as `Venture CRM <crm@example.org>`.",
    ),
    (
        "SMTP_SECURITY",
        "",
        "`starttls` (if it is not set), `tls`, or `none`, which is refused for any server but this machine.",
    ),
    (
        "SMTP_CA",
        "",
        "File with a certificate authority of your own (PEM) that the mail server's certificate may come from.",
    ),
    (
        "CRM_GMAIL_CREDENTIALS",
        "",
        "File with the key of the Google service account that reads enrolled mailboxes.",
    ),
    (
        "CRM_GMAIL_API_BASE",
        "",
        "Where Gmail is, for tests; otherwise Google's own address.",
    ),
    (
        "CRM_GMAIL_TOKEN_URL",
        "",
        "Where Google hands out tokens, for tests; otherwise Google's own address.",
    ),
];

/// What the environment says; nothing by default.
#[derive(Clone, Default)]
pub struct Outside {
    /// `SPARK_URL`, without a slash at its end.
    pub spark_url: Option<String>,
    /// `SMTP_…`, if `SMTP_HOST` is set.
    pub smtp: Option<SmtpServer>,
    /// `SMTP_CA`.
    pub smtp_ca: Option<PathBuf>,
    /// `CRM_GMAIL_CREDENTIALS`.
    pub gmail_credentials: Option<PathBuf>,
    /// `CRM_GMAIL_API_BASE`, without a slash at its end.
    pub gmail_api_base: Option<String>,
    /// `CRM_GMAIL_TOKEN_URL`.
    pub gmail_token_url: Option<String>,
    /// `CRM_BASE_URL`, without a slash at its end: how mail links to pages.
    pub base_url: Option<String>,
    /// From `CRM_SECRET_KEY`; see [`crate::secrets`].
    pub(crate) secret_key: Option<[u8; 32]>,
}

/// A mail server and how to speak to it.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpServer {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Name and password.
    pub login: Option<(String, String)>,
    /// Sender, as `Name <address>` or an address.
    pub from: String,
    /// How the line is protected.
    pub security: Security,
}

/// How a line to a mail server is protected.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// Begins in clear and must turn to TLS before anything is said.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// Nothing, to this machine itself only.
    None,
}

impl Security {
    /// All of them, with what people read.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Starttls, "starttls", "STARTTLS (port 587)"),
        (Self::Tls, "tls", "TLS from the start (port 465)"),
        (Self::None, "none", "None, on this machine only"),
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starttls => "starttls",
            Self::Tls => "tls",
            Self::None => "none",
        }
    }

    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, name, _)| *name == word)
            .map(|(security, ..)| *security)
    }

    /// The port people expect.
    pub fn usual_port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

impl Outside {
    /// Reads the variables from anything that knows them by name. All mistakes at
    /// once, a sentence each; none of them repeats a password.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let get = |name: &str| {
            lookup(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        let mut address = |name: &str| {
            let value = get(name)?.trim_end_matches('/').to_owned();
            match reqwest::Url::parse(&value) {
                Ok(url)
                    if matches!(url.scheme(), "http" | "https")
                        && url.has_host()
                        && url.username().is_empty()
                        && url.password().is_none() =>
                {
                    Some(value)
                }
                _ => {
                    problems.push(format!(
                        "{name} must be an address such as http://host:port, without a name or password in it"
                    ));
                    None
                }
            }
        };
        let spark_url = address("SPARK_URL");
        let gmail_api_base = address("CRM_GMAIL_API_BASE");
        let gmail_token_url = address("CRM_GMAIL_TOKEN_URL");
        let base_url = get("CRM_BASE_URL").map(|url| url.trim_end_matches('/').to_owned());
        let smtp = smtp(&get, &mut problems);
        if problems.is_empty() {
            Ok(Self {
                spark_url,
                smtp,
                smtp_ca: get("SMTP_CA").map(PathBuf::from),
                gmail_credentials: get("CRM_GMAIL_CREDENTIALS").map(PathBuf::from),
                gmail_api_base,
                gmail_token_url,
                base_url,
                secret_key: get("CRM_SECRET_KEY").map(|key| secret_key(&key)),
            })
        } else {
            Err(problems)
        }
    }

    /// The key that sealed settings open with, if the environment has one.
    pub(crate) fn secret_key(&self) -> Option<&[u8; 32]> {
        self.secret_key.as_ref()
    }
}

fn secret_key(text: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"venture-crm/sealed-settings/1\0");
    hash.update(text.as_bytes());
    hash.finalize().into()
}

fn smtp(get: &impl Fn(&str) -> Option<String>, problems: &mut Vec<String>) -> Option<SmtpServer> {
    let Some(host) = get("SMTP_HOST") else {
        let alone: Vec<&str> = [
            "SMTP_PORT",
            "SMTP_USER",
            "SMTP_PASS",
            "SMTP_FROM",
            "SMTP_SECURITY",
        ]
        .into_iter()
        .filter(|name| get(name).is_some())
        .collect();
        if !alone.is_empty() {
            problems.push(format!(
                "{} without SMTP_HOST: name the mail server too",
                alone.join(", ")
            ));
        }
        return None;
    };
    let security = get("SMTP_SECURITY").map_or(Some(Security::default()), |w| Security::parse(&w));
    let Some(security) = security else {
        problems.push("SMTP_SECURITY must be starttls, tls or none".to_owned());
        return None;
    };
    let port = match get("SMTP_PORT").map(|port| port.parse::<u16>()) {
        None => security.usual_port(),
        Some(Ok(port)) if port > 0 => port,
        Some(_) => {
            problems.push("SMTP_PORT must be a number between 1 and 65535".to_owned());
            return None;
        }
    };
    let login = match (get("SMTP_USER"), get("SMTP_PASS")) {
        (Some(user), Some(password)) => Some((user, password)),
        (None, None) => None,
        (Some(_), None) => {
            problems.push("SMTP_USER without SMTP_PASS: set both or neither".to_owned());
            None
        }
        (None, Some(_)) => {
            problems.push("SMTP_PASS without SMTP_USER: set both or neither".to_owned());
            None
        }
    };
    let Some(from) = get("SMTP_FROM") else {
        problems.push("SMTP_FROM must name the sender, such as crm@example.org".to_owned());
        return None;
    };
    let server = SmtpServer {
        host,
        port,
        login,
        from,
        security,
    };
    match check(&server) {
        Ok(()) => Some(server),
        Err((field, message)) => {
            problems.push(format!("SMTP_{}: {message}", field.to_uppercase()));
            None
        }
    }
}

/// What is wrong with a mail server, by field, whoever wrote it down.
pub fn check(server: &SmtpServer) -> Result<(), (&'static str, String)> {
    let host = &server.host;
    let is_name = host.parse::<std::net::IpAddr>().is_ok()
        || (host.len() <= 253
            && host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')));
    if host.is_empty() || !is_name {
        return Err((
            "host",
            "write the name of the mail server alone, such as smtp.example.org".to_owned(),
        ));
    }
    if server.from.parse::<lettre::message::Mailbox>().is_err() {
        return Err((
            "from",
            "write one address, such as crm@example.org or Venture CRM <crm@example.org>"
                .to_owned(),
        ));
    }
    if server.security == Security::None && !is_this_machine(host) {
        return Err((
            "security",
            "without TLS only a server on this machine is used: choose starttls or tls".to_owned(),
        ));
    }
    Ok(())
}

/// `localhost` by name, or a loopback address.
pub fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// One implementation of TLS for the whole program, chosen once. Both programs
/// call it at their start; whoever builds a client calls it too, for tests.
pub fn prepare_tls() {
    // An error says that it was chosen before: then it was this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside")
            .field("spark_url", &self.spark_url)
            .field("smtp", &self.smtp)
            .field("smtp_ca", &self.smtp_ca)
            .field("gmail_credentials", &self.gmail_credentials)
            .field("gmail_api_base", &self.gmail_api_base)
            .field("gmail_token_url", &self.gmail_token_url)
            .field("base_url", &self.base_url)
            .field("secret_key", &self.secret_key.map(|_| "…"))
            .finish()
    }
}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpServer")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("login", &self.login.as_ref().map(|_| "…"))
            .field("from", &self.from)
            .field("security", &self.security)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Outside, Vec<String>> {
        Outside::from_lookup(|name| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_set_is_nothing_reached() {
        let outside = read(&[]).unwrap();
        assert!(outside.smtp.is_none() && outside.spark_url.is_none());
    }

    #[test]
    fn a_mail_server_has_its_usual_port_and_hides_its_password() {
        let outside = read(&[
            ("SMTP_HOST", "smtp.example.org"),
            ("SMTP_USER", "crm"),
            ("SMTP_PASS", "hunter2-hunter2"),
            ("SMTP_FROM", "Venture CRM <crm@example.org>"),
            ("SPARK_URL", "http://10.0.0.7:9999/"),
            ("CRM_SECRET_KEY", "a long and very secret key"),
        ])
        .unwrap();
        let smtp = outside.smtp.as_ref().unwrap();
        assert_eq!((smtp.port, smtp.security), (587, Security::Starttls));
        assert_eq!(outside.spark_url.as_deref(), Some("http://10.0.0.7:9999"));
        let shown = format!("{outside:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("very secret"));
        assert!(!shown.contains("crm\""), "{shown}");
    }

    #[test]
    fn every_mistake_is_named_at_once_without_the_password() {
        let problems = read(&[
            ("SPARK_URL", "http://me:pw-in-url@host/"),
            ("CRM_GMAIL_API_BASE", "gmail"),
            ("SMTP_HOST", "smtp.example.org"),
            ("SMTP_PASS", "hunter2-hunter2"),
            ("SMTP_FROM", "crm@example.org"),
            ("SMTP_SECURITY", "none"),
        ])
        .unwrap_err();
        let text = problems.join("\n");
        assert_eq!(problems.len(), 4, "{text}");
        assert!(text.contains("SMTP_SECURITY: without TLS"), "{text}");
        assert!(!text.contains("hunter2") && !text.contains("pw-in-url"));
        assert!(read(&[("SMTP_PORT", "25")]).is_err());
        let bad_from = [("SMTP_HOST", "h"), ("SMTP_FROM", "a@b.c\r\nBcc: x@y.z")];
        assert!(read(&bad_from).is_err());
    }

    #[test]
    fn in_clear_only_to_this_machine() {
        for (host, fine) in [
            ("127.0.0.1", true),
            ("localhost", true),
            ("::1", true),
            ("10.0.0.1", false),
            ("localhost.example.org", false),
        ] {
            let pairs = [
                ("SMTP_HOST", host),
                ("SMTP_FROM", "crm@example.org"),
                ("SMTP_SECURITY", "none"),
            ];
            assert_eq!(read(&pairs).is_ok(), fine, "{host}");
        }
    }
}
