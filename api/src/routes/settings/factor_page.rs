//! One's own second factor.

use askama::Template;

use crate::{
    qr::Qr,
    routes::page::{Frame, When},
};

/// One's own second factor.
#[derive(Debug, Template)]
#[template(path = "pages/second_factor.html")]
pub struct FactorPage {
    /// The frame.
    pub frame: Frame,
    /// Whose, for password managers.
    pub email: String,
    /// How they sign in.
    pub state: FactorState,
    /// A secret that waits for its first code.
    pub enrol: Option<Shown>,
    /// Recovery codes just made, shown this once.
    pub new_codes: Vec<String>,
    /// The form that came back.
    pub at: &'static str,
    /// What is wrong with its password.
    pub password_error: Option<String>,
    /// What is wrong with its code.
    pub code_error: Option<String>,
}

/// How somebody signs in.
#[derive(Debug, Clone)]
pub enum FactorState {
    /// With a password.
    Off,
    /// And a code.
    On {
        /// Since when.
        since: When,
        /// How many recovery codes are left, in words.
        codes: String,
        /// They are few.
        few: bool,
        /// False: the secret was sealed with another key.
        opens: bool,
    },
}

/// What goes into an app.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// As a picture.
    pub qr: Qr,
    /// As a link.
    pub url: String,
    /// To type.
    pub secret: String,
}

#[cfg(any(test, debug_assertions))]
impl FactorPage {
    /// Codes just made.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Second factor", "/settings/second-factor"),
            email: "robin@example.org".to_owned(),
            state: FactorState::On {
                since: When::new("2025-03-04T08:12:00Z", "12 min ago"),
                codes: "10 recovery codes are left.".to_owned(),
                few: false,
                opens: true,
            },
            enrol: None,
            new_codes: vec!["0000-sample-code".to_owned(); 10],
            at: "off",
            password_error: None,
            code_error: Some("This code is wrong or was used already.".to_owned()),
        }
    }
}
