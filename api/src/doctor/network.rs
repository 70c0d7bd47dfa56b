//! What answers: the port, the address people type, the mail server, the model.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
    path::Path,
    time::Duration,
};

use crm_jobs::{
    clock::Clock,
    db::{self, DataDir, Db, SCHEMA_VERSION},
    health::Part,
    mail, spark,
};

use crate::config::Config;

/// Long enough for a slow proxy, short enough for somebody who waits.
const PATIENCE: Duration = Duration::from_secs(8);

pub(super) async fn check(config: &Config) -> Vec<Part> {
    let (port, is_up) = port(config.bind).await;
    let mut parts = vec![port];
    if is_up {
        parts.push(address(&config.base_url).await);
    }
    parts.extend(services(config).await);
    parts
}

/// `crm-api healthcheck`: whether the api answers where it should listen.
pub async fn answers(bind: SocketAddr) -> Result<(), String> {
    match ask(&here(bind)).await {
        Answer::Ours => Ok(()),
        Answer::Other(why) | Answer::Nobody(why) => {
            Err(format!("crm-api does not answer on {bind}: {why}"))
        }
    }
}

fn here(bind: SocketAddr) -> String {
    let mut local = bind;
    if bind.ip().is_unspecified() {
        local.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    format!("http://{local}")
}

/// Whether the port is ours, free, or another's.
async fn port(bind: SocketAddr) -> (Part, bool) {
    const NAME: &str = "Port";
    match ask(&here(bind)).await {
        Answer::Ours => (
            Part::well(NAME, format!("crm-api answers on {bind}.")),
            true,
        ),
        Answer::Nobody(_) => match TcpListener::bind(bind) {
            Ok(_) => (
                Part::act(
                    NAME,
                    format!("crm-api is not running: nothing listens on {bind}."),
                    "Start it: `crm-api serve`; under systemd `systemctl start crm-api`. If it ends at once, its last line says why.",
                ),
                false,
            ),
            Err(error) if error.kind() == ErrorKind::AddrInUse => (taken(bind), false),
            Err(error) => (
                Part::act(
                    NAME,
                    format!("Nobody can listen on {bind}: {error}."),
                    "Set CRM_BIND to an address of this machine and a port above 1023.",
                ),
                false,
            ),
        },
        Answer::Other(_) => (taken(bind), false),
    }
}

fn taken(bind: SocketAddr) -> Part {
    Part::act(
        "Port",
        format!("Another program has {bind}."),
        format!(
            "`ss -ltnp sport = :{}` says which. Stop it, or set CRM_BIND to another port.",
            bind.port()
        ),
    )
}

async fn address(base: &str) -> Part {
    const NAME: &str = "Address";
    match ask(base).await {
        Answer::Ours => Part::well(NAME, format!("{base} leads here.")),
        Answer::Nobody(why) => Part::act(
            NAME,
            format!("{base} does not answer: {why}."),
            "Check the name, the proxy in front, its certificate, and CRM_BASE_URL.",
        ),
        Answer::Other(what) => Part::act(
            NAME,
            format!("{base} leads somewhere else: {what}."),
            "Point the proxy at CRM_BIND, or set CRM_BASE_URL to the address people type.",
        ),
    }
}

enum Answer {
    Ours,
    Other(String),
    Nobody(String),
}

async fn ask(base: &str) -> Answer {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build();
    let asked = match client {
        Ok(client) => client.get(format!("{base}/healthz")).send().await,
        Err(error) => return Answer::Nobody(error.to_string()),
    };
    match asked {
        Err(error) if error.is_connect() || error.is_timeout() => Answer::Nobody(innermost(&error)),
        Err(error) => Answer::Other(innermost(&error)),
        Ok(reply) => {
            let status = reply.status();
            let body = reply.text().await.unwrap_or_default();
            if status.is_success() && body.trim() == r#"{"status":"ok"}"# {
                Answer::Ours
            } else {
                Answer::Other(format!("it answered {status}"))
            }
        }
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// Tried now, with the settings in force.
async fn services(config: &Config) -> Vec<Part> {
    let Ok(dir) = DataDir::existing(Path::new(&config.data_dir)) else {
        return Vec::new();
    };
    let is_current = match db::examine(&dir).await {
        Ok(found) => found.damage.is_empty() && found.schema == Some(SCHEMA_VERSION),
        Err(_) => false,
    };
    if !is_current {
        return Vec::new();
    }
    let Ok(db) = Db::open(dir.path(), Clock::System).await else {
        return Vec::new();
    };
    let db = db.reaching(config.outside.clone());
    let mut parts: Vec<Part> = mail_server(&db).await.into_iter().collect();
    parts.extend(model(&db).await);
    db.close().await;
    parts
}

async fn mail_server(db: &Db) -> Option<Part> {
    const NAME: &str = "Mail server now";
    // A password that does not open was told of already.
    let tried = mail::try_server(db, PATIENCE).await.ok()??;
    Some(match tried {
        Ok(()) => Part::well(NAME, "It answers, and takes our name and password."),
        Err(why) => Part::act(
            NAME,
            format!("{}.", why.trim_end_matches('.')),
            "Check server, port, security and password under Digest, Mail server, or SMTP_… in the environment.",
        ),
    })
}

async fn model(db: &Db) -> Option<Part> {
    const NAME: &str = "Local model now";
    let settings = spark::effective(db).await.ok()?;
    let url = settings.url.clone()?;
    let asked = async {
        let client = spark::Client::of(db).await?;
        client.model().await
    };
    Some(match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(model)) => Part::well(NAME, format!("{} is ready.", model.id)),
        Ok(Err(error)) => Part::act(
            NAME,
            format!("{url}: {error}."),
            "Set SPARK_URL, or Digest, Local model, to a model server in your own network; without any, leave both empty: summaries are made by rule.",
        ),
        Err(_) => Part::act(
            NAME,
            format!("{url} does not answer."),
            "Start the model server, or leave its address empty: summaries are made by rule.",
        ),
    })
}
