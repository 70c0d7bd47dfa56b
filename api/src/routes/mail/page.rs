//! The form of the mail server.

use askama::Template;
use crm_jobs::{
    mail::{SmtpShown, Source},
    outside::Security,
};

use crate::routes::{
    backups::policy_page::Field,
    page::{Choice, Frame},
};

/// Which server, and how to sign in.
#[derive(Debug, Template)]
#[template(path = "pages/digest_mail.html")]
pub struct MailPage {
    /// The frame.
    pub frame: Frame,
    /// Inputs.
    pub fields: Vec<Field>,
    /// How the line is protected.
    pub securities: Vec<Choice>,
    /// What is wrong with that.
    pub security_error: Option<String>,
    /// It comes from the environment.
    pub fixed: bool,
    /// A server is known.
    pub is_set: bool,
    /// Why the stored password cannot be used.
    pub password_error: Option<String>,
}

impl MailPage {
    /// The form over what is set.
    pub fn new(frame: Frame, shown: &SmtpShown, error: Option<&(String, String)>) -> Self {
        let wrong = |name: &str| {
            let error = error.filter(|(field, _)| field == name);
            error.map(|(_, says)| says.clone())
        };
        let field = |name, label, kind, value: &str, hint: &str| Field {
            name,
            label,
            kind,
            value: value.to_owned(),
            hint: hint.to_owned(),
            error: wrong(name),
            wide: false,
        };
        let kept = if shown.has_password {
            "One is stored. It is kept if this stays empty and server and name stay the same"
        } else {
            "It is stored sealed and never shown again"
        };
        let port = match shown.port {
            0 => String::new(),
            port => port.to_string(),
        };
        Self {
            frame,
            fields: vec![
                field(
                    "host",
                    "Server",
                    "text",
                    &shown.host,
                    "Such as smtp.example.org; empty: none",
                ),
                field("port", "Port", "text", &port, "Empty: the usual one"),
                field("user", "Name to sign in with", "text", &shown.user, ""),
                field("password", "Password", "password", "", kept),
                field(
                    "from",
                    "Sender",
                    "text",
                    &shown.from,
                    "Such as Venture CRM <crm@example.org>",
                ),
            ],
            securities: Security::ALL
                .iter()
                .map(|(security, word, label)| {
                    Choice::new(word, label, *security == shown.security)
                })
                .collect(),
            security_error: wrong("security"),
            fixed: shown.source == Source::Environment,
            is_set: shown.source != Source::Nowhere,
            password_error: shown.password_error.clone(),
        }
    }

    /// With a mistake.
    #[cfg(any(test, debug_assertions))]
    pub fn sample() -> Self {
        let shown = SmtpShown {
            source: Source::Page,
            host: "smtp.example.org".to_owned(),
            port: 587,
            user: "crm".to_owned(),
            from: "crm@example.org".to_owned(),
            security: Security::Starttls,
            has_password: true,
            password_error: Some("stored with another key: enter it again".to_owned()),
            held: false,
        };
        let error = ("from".to_owned(), "Write one address.".to_owned());
        Self::new(
            Frame::sample("Mail server", "/digest/mail"),
            &shown,
            Some(&error),
        )
    }
}
