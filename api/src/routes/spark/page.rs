//! The form of the local model.

use askama::Template;
use crm_jobs::spark::{DEFAULT_URL, SparkSettings, SparkStatus};

use crate::{
    routes::{
        backups::policy_page::Field,
        page::{Badge, Frame, When},
    },
    show,
};

/// Where the model is, and how it does.
#[derive(Debug, Template)]
#[template(path = "pages/digest_model.html")]
pub struct ModelPage {
    /// The frame.
    pub frame: Frame,
    /// Inputs.
    pub fields: Vec<Field>,
    /// Hosts, a line each.
    pub allow: String,
    /// What is wrong with them.
    pub allow_error: Option<String>,
    /// The environment's address, which goes first.
    pub fixed: Option<String>,
    /// How it does.
    pub state: Badge,
    /// Which it is.
    pub model: String,
    /// How long its last answer took.
    pub latency: String,
    /// When that was.
    pub ok: Option<When>,
    /// What went wrong the last time.
    pub error: String,
}

impl ModelPage {
    /// The form over what is set.
    pub fn new(
        frame: Frame,
        settings: &SparkSettings,
        fixed: Option<String>,
        status: &SparkStatus,
        now: i64,
        error: Option<&(String, String)>,
    ) -> Self {
        let wrong = |name: &str| {
            let error = error.filter(|(field, _)| field == name);
            error.map(|(_, says)| says.clone())
        };
        let field = |name, label, kind, value: String, hint: &str| Field {
            name,
            label,
            kind,
            value,
            hint: hint.to_owned(),
            error: wrong(name),
            wide: name == "url",
        };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        Self {
            frame,
            fields: vec![
                field(
                    "url",
                    "Address",
                    "text",
                    text(&settings.url),
                    &format!("Empty: {DEFAULT_URL}"),
                ),
                field(
                    "model",
                    "Model",
                    "text",
                    text(&settings.model),
                    "Empty: the first that is there",
                ),
                field(
                    "timeout_s",
                    "Longest wait, seconds",
                    "number",
                    settings.timeout_s.to_string(),
                    "From 5 to 900",
                ),
            ],
            allow: settings.allow.join("\n"),
            allow_error: wrong("allow"),
            fixed,
            state: if status.is_up() {
                Badge::new("Answers", "ok")
            } else if status.error.is_empty() {
                Badge::new("Not asked yet", "muted")
            } else {
                Badge::new("Away", "warn")
            },
            model: status.model.clone(),
            latency: format!("{} ms", show::number(status.latency_ms)),
            ok: status.ok_at.map(|at| show::ago(now, at)),
            error: status.error.clone(),
        }
    }

    /// One that is away.
    #[cfg(any(test, debug_assertions))]
    pub fn sample() -> Self {
        let status = SparkStatus {
            ok_at: Some(1),
            model: "qwen".to_owned(),
            latency_ms: 1_234,
            error: "the local model is away: nobody answers at its address".to_owned(),
            error_at: Some(2),
        };
        let error = ("url".to_owned(), "8.8.8.8 is refused.".to_owned());
        let frame = Frame::sample("Local model", "/digest/model");
        Self::new(
            frame,
            &SparkSettings::default(),
            None,
            &status,
            1_000,
            Some(&error),
        )
    }
}
