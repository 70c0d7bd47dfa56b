//! Who did something.

use std::fmt;

/// Who did something. Its text is stored: in the audit log, in change sets, on jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody signed in.
    User(String),
    /// A script of somebody's; it counts as that person, and the audit log
    /// also names the token.
    Token {
        /// Whose it is.
        user: String,
        /// Which one.
        token: String,
    },
    /// A job of the worker.
    Job(i64),
    /// Somebody with a shell on the machine.
    Shell,
    /// The program itself.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) | Self::Token { user: id, .. } => write!(f, "user:{id}"),
            Self::Job(id) => write!(f, "job:{id}"),
            Self::Shell => f.write_str("shell"),
            Self::System => f.write_str("system"),
        }
    }
}

impl Actor {
    /// The user's id in a stored actor, if it was a user.
    pub fn user_id(stored: &str) -> Option<&str> {
        stored.strip_prefix("user:")
    }
}
