//! Real servers that the tests talk to; `ops/test` installs them.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use serde_json::Value;

use super::*;

/// What `ops/test` installed for Python.
pub fn venv(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../.venv")
        .join(name);
    let is_there = path.exists();
    // Where everything is installed by ops/test a missing peer is a failure.
    assert!(
        is_there || std::env::var_os("CI").is_none(),
        "{} is missing: run ops/test",
        path.display()
    );
    if !is_there {
        eprintln!(
            "skipped: {} is not installed; ops/test installs it",
            path.display()
        );
    }
    is_there.then_some(path)
}

/// A package of the environment's Python, whichever version that is.
pub fn package(name: &str) -> Option<PathBuf> {
    let lib = venv("lib")?;
    let versions = std::fs::read_dir(lib).unwrap().flatten();
    let mut found = versions.map(|v| v.path().join("site-packages").join(name));
    let found = found.find(|path| path.exists());
    assert!(
        found.is_some() || std::env::var_os("CI").is_none(),
        "{name} is missing: run ops/test"
    );
    found
}

/// A real mail server, and what reached it.
pub struct Peer {
    child: Child,
    heard: Arc<Mutex<Vec<Value>>>,
    starttls: u64,
    tls: u64,
    ca: PathBuf,
    _folder: PathBuf,
}

impl Peer {
    pub fn start(t: &TestDb) -> Option<Self> {
        let python = venv("bin/python")?;
        package("aiosmtpd")?;
        let folder = t.dir().join("peer");
        std::fs::create_dir_all(&folder).unwrap();
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/smtp.py"))
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ports: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let box_ = heard.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                box_.lock()
                    .unwrap()
                    .push(serde_json::from_str(&line).unwrap());
            }
        });
        Some(Self {
            child,
            heard,
            starttls: ports["starttls"].as_u64().unwrap(),
            tls: ports["tls"].as_u64().unwrap(),
            ca: folder.join("ca.pem"),
            _folder: folder,
        })
    }

    pub fn told(&self) -> Vec<Value> {
        self.heard.lock().unwrap().clone()
    }

    /// The environment of a worker that sends here.
    pub fn environment(&self, security: &str) -> Vec<(String, String)> {
        let port = if security == "tls" {
            self.tls
        } else {
            self.starttls
        };
        [
            ("SMTP_HOST", "localhost".to_owned()),
            ("SMTP_PORT", port.to_string()),
            ("SMTP_USER", "digest".to_owned()),
            ("SMTP_PASS", "correct-horse-9".to_owned()),
            ("SMTP_FROM", "Venture CRM <crm@example.org>".to_owned()),
            ("SMTP_SECURITY", security.to_owned()),
            ("SMTP_CA", self.ca.display().to_string()),
            ("CRM_BASE_URL", "https://crm.example.org".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A worker with these settings.
pub fn worker(t: &TestDb, environment: &[(String, String)]) -> Worker {
    let mut command = command(t.dir(), &["run", "--slots", "4"]);
    command
        .envs(environment.iter().cloned())
        .stdin(Stdio::null());
    Worker(command.spawn().unwrap())
}
