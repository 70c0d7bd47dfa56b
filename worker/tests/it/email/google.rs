//! The double of Gmail as a process of its own.

use super::*;

/// The double, ended when dropped.
pub struct Google {
    process: Child,
    dir: PathBuf,
    /// Where it answers.
    pub address: String,
    http: reqwest::Client,
}

impl Google {
    pub async fn start(t: &TestDb) -> Self {
        let bin = Path::new(env!("CARGO_BIN_EXE_crm-worker"));
        let double = bin.parent().unwrap().join("examples/gmail");
        Self::launch(t, Command::new(double)).await
    }

    /// Another's emulator behind our front; it ends when its standard input does.
    #[allow(clippy::disallowed_methods, reason = "the script says what to start")]
    pub async fn foreign(t: &TestDb) -> Self {
        let words = std::env::var("CRM_FOREIGN_GMAIL").unwrap();
        let mut words = words.split(' ');
        let mut command = Command::new(words.next().unwrap());
        command.args(words).stdin(Stdio::piped());
        Self::launch(t, command).await
    }

    pub async fn launch(t: &TestDb, mut command: Command) -> Self {
        let dir = t.dir().join("google");
        let process = command
            .arg("--dir")
            .arg(&dir)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut google = Self {
            process,
            address: String::new(),
            http: {
                crm_jobs::outside::prepare_tls();
                reqwest::Client::new()
            },
            dir,
        };
        let start = Instant::now();
        while google.address.is_empty() {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "the double never came up"
            );
            google.address =
                std::fs::read_to_string(google.dir.join("address")).unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for address in [JO, BO] {
            google.control(json!({ "mailbox": address })).await;
        }
        google
    }

    pub async fn control(&self, order: Value) -> Value {
        let sent = self
            .http
            .post(format!("{}/control", self.address))
            .json(&order)
            .send();
        let answer = sent.await.unwrap();
        assert!(answer.status().is_success(), "{order}");
        answer.json().await.unwrap()
    }

    pub async fn state(&self) -> Value {
        let sent = self.http.get(format!("{}/state", self.address)).send();
        sent.await.unwrap().json().await.unwrap()
    }

    pub async fn calls(&self, kind: &str) -> u64 {
        self.state().await["calls"][kind].as_u64().unwrap_or(0)
    }

    pub async fn deliver(&self, to: &str, raw: &str) -> String {
        let told = self
            .control(json!({ "deliver": { "to": to, "raw": raw } }))
            .await;
        told["id"].as_str().unwrap().to_owned()
    }

    pub fn worker(&self, t: &TestDb, crash_at: Option<&str>) -> Worker {
        self.worker_by(t, &self.address, crash_at)
    }

    /// A worker that reaches the API another way.
    pub fn worker_by(&self, t: &TestDb, api: &str, crash_at: Option<&str>) -> Worker {
        let mut command = self.command(t, &["run", "--slots", "4"]);
        command.env("CRM_GMAIL_API_BASE", api).stdin(Stdio::null());
        if let Some(point) = crash_at {
            command.env("CRM_CRASH_AT", point);
        }
        Worker(command.spawn().unwrap())
    }

    /// The worker's command line, told where mail is.
    pub fn command(&self, t: &TestDb, arguments: &[&str]) -> Command {
        let mut command = command(t.dir(), arguments);
        command
            .env("CRM_GMAIL_CREDENTIALS", self.dir.join("credentials.json"))
            .env("CRM_GMAIL_API_BASE", &self.address)
            .env("CRM_GMAIL_TOKEN_URL", format!("{}/token", self.address));
        command
    }
}

impl Drop for Google {
    fn drop(&mut self) {
        if self.process.stdin.take().is_none() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}
