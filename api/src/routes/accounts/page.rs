//! Pages for people who are not signed in yet, or no longer.

use askama::Template;

use crate::routes::page::Frame;

/// The sign-in form.
#[derive(Debug, Template)]
#[template(path = "pages/login.html")]
pub struct LoginPage {
    /// The frame.
    pub frame: Frame,
    /// Address typed before, if the form comes back.
    pub email: String,
    /// Why signing in failed, in words that give nothing away.
    pub error: Option<String>,
    /// Where to go afterwards.
    pub next: String,
}

/// The code of the second factor.
#[derive(Debug, Template)]
#[template(path = "pages/code.html")]
pub struct CodePage {
    /// The frame.
    pub frame: Frame,
    /// Who is half-way in.
    pub email: String,
    /// False: the secret was sealed with another key.
    pub opens: bool,
    /// Why the code was refused.
    pub error: Option<String>,
    /// Where to go afterwards.
    pub next: String,
}

/// What the set-up form is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupPurpose {
    /// The first admin of a new installation.
    FirstAdmin,
    /// Someone accepts an invitation.
    Invite,
    /// Someone chooses a new password.
    Reset,
}

/// Name, address and password, for a first admin, an invite or a reset.
#[derive(Debug, Template)]
#[template(path = "pages/setup.html")]
pub struct SetupPage {
    /// The frame.
    pub frame: Frame,
    /// What the form is for.
    pub purpose: SetupPurpose,
    /// Where it posts to, with its token.
    pub action: String,
    /// Name, as far as it is known.
    pub name: String,
    /// Address; fixed by the link except for the first admin.
    pub email: String,
    /// Who sent the invitation; may be empty.
    pub invited_by: String,
    /// Fewest characters of a password.
    pub min_password: usize,
    /// What is wrong with the name.
    pub name_error: Option<String>,
    /// What is wrong with the address.
    pub email_error: Option<String>,
    /// What is wrong with the password.
    pub password_error: Option<String>,
    /// What is wrong with the whole, such as a used link.
    pub error: Option<String>,
}

impl SetupPage {
    /// Heading of the page.
    #[must_use]
    pub fn heading(&self) -> &'static str {
        match self.purpose {
            SetupPurpose::FirstAdmin => "Set up Venture CRM",
            SetupPurpose::Invite => "Join your team",
            SetupPurpose::Reset => "Choose a new password",
        }
    }

    /// Words on the button.
    #[must_use]
    pub fn submit(&self) -> &'static str {
        match self.purpose {
            SetupPurpose::FirstAdmin => "Create the first admin",
            SetupPurpose::Invite => "Create my account",
            SetupPurpose::Reset => "Save the new password",
        }
    }

    /// Whether the form asks for a name.
    #[must_use]
    pub fn asks_name(&self) -> bool {
        self.purpose != SetupPurpose::Reset
    }

    /// Whether the address may be typed.
    #[must_use]
    pub fn asks_email(&self) -> bool {
        self.purpose == SetupPurpose::FirstAdmin
    }
}

/// The page after signing out.
#[derive(Debug, Template)]
#[template(path = "pages/signed_out.html")]
pub struct SignedOutPage {
    /// The frame.
    pub frame: Frame,
    /// Whether every session ended, not only this one.
    pub everywhere: bool,
}

#[cfg(any(test, debug_assertions))]
impl LoginPage {
    /// A form that came back with an error.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample_signed_out("Sign in", "/login"),
            email: "robin@example.org".to_owned(),
            error: Some("This address and password do not belong together.".to_owned()),
            next: "/grid".to_owned(),
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl CodePage {
    /// A form that came back.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample_signed_out("Your code", "/login/code"),
            email: "robin@example.org".to_owned(),
            opens: true,
            error: Some(
                "This code is wrong or was used already; wait for the next one.".to_owned(),
            ),
            next: "/grid".to_owned(),
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl SetupPage {
    /// The first admin's form with a password too short.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample_signed_out("Set up", "/setup/sample-token"),
            purpose: SetupPurpose::FirstAdmin,
            action: "/setup/sample-token".to_owned(),
            name: "Robin Sample".to_owned(),
            email: "robin@example.org".to_owned(),
            invited_by: String::new(),
            min_password: 8,
            name_error: None,
            email_error: None,
            password_error: Some("Use at least 8 characters.".to_owned()),
            error: None,
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl SignedOutPage {
    /// Signed out here only.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample_signed_out("Signed out", "/signed-out"),
            everywhere: false,
        }
    }
}
