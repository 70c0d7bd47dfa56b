//! What can go wrong with Gmail, in words that name the fix.

/// Whether trying again can help, and how soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// In a moment; after so many milliseconds if Google said so.
    Soon(Option<u64>),
    /// Once somebody mended something: slowly.
    Later,
    /// It is not there.
    Gone,
    /// The token was not taken: once more with a new one.
    NewToken,
}

/// Why Gmail did not do it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Trouble {
    /// Stable, for programs.
    pub code: &'static str,
    /// For people, with the fix.
    pub message: String,
    /// Whether trying again can help.
    pub again: Again,
}

impl Trouble {
    pub(super) fn new(code: &'static str, again: Again, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            again,
        }
    }

    pub(super) fn later(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Again::Later, message)
    }

    /// Google cannot be reached, or hung up.
    pub(super) fn unreachable(error: &reqwest::Error) -> Self {
        let what = if error.is_timeout() {
            "did not answer in time"
        } else {
            "cannot be reached"
        };
        Self::new(
            "unreachable",
            Again::Soon(None),
            format!(
                "Google {what}: the CRM tries again by itself; check the network if this stays"
            ),
        )
    }

    /// What the token endpoint refused.
    pub(super) fn of_token(status: u16, body: &str, mailbox: &str) -> Self {
        let error: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        let word = error["error"].as_str().unwrap_or_default();
        match (status, word) {
            (_, "unauthorized_client" | "access_denied") => Self::later(
                "unauthorized_client",
                "Google does not let the service account read this mailbox: delegation for the scope is missing. A Google Workspace admin adds the client id with the exact scope shown on the Mailboxes page; Google may take up to 24 hours",
            ),
            (_, "invalid_grant") => Self::later(
                "invalid_grant",
                format!(
                    "Google knows no user {mailbox}, or this machine's clock is wrong: check the spelling, that the account is active, and the clock"
                ),
            ),
            (_, "invalid_client" | "invalid_request" | "unsupported_grant_type") => Self::later(
                "invalid_client",
                "Google does not take the service account's key: it was deleted or disabled. Create a new key and paste it on the Mailboxes page",
            ),
            (_, "invalid_scope") => Self::later(
                "invalid_scope",
                "Google does not know the scope: enable the Gmail API in the project of the service account",
            ),
            (429 | 500.., _) => Self::new(
                "unavailable",
                Again::Soon(None),
                "Google hands out no token just now: the CRM tries again by itself",
            ),
            _ => Self::later(
                "token_refused",
                format!("Google refused to sign the service account in (status {status})"),
            ),
        }
    }

    /// The same of a draft: another scope may be missing.
    pub(super) fn of_drafts(self) -> Self {
        match self.code {
            "unauthorized_client" | "forbidden" | "unauthorized" => Self::later(
                self.code,
                "Google does not let the service account write drafts into this mailbox: a Google Workspace admin adds the scope for drafts, shown on the Mailboxes page, to the client id; Google may take up to 24 hours",
            ),
            _ => self,
        }
    }

    /// What the Gmail API refused.
    pub(super) fn of_api(status: u16, body: &str, after_ms: Option<u64>) -> Self {
        let error: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        let error = &error["error"];
        let reason = error["errors"][0]["reason"].as_str().unwrap_or_default();
        let says = error["message"].as_str().unwrap_or_default();
        let says: String = says.chars().filter(|c| !c.is_control()).take(200).collect();
        match (status, reason) {
            (401, _) => Self::new(
                "unauthorized",
                Again::NewToken,
                "Google does not take the token any more",
            ),
            (404, _) => Self::new("not_found", Again::Gone, "Gmail has it no more"),
            (429, _) | (403, "rateLimitExceeded" | "userRateLimitExceeded" | "quotaExceeded") => {
                Self::new(
                    "rate_limited",
                    Again::Soon(after_ms),
                    "Gmail asks for a break, because much was read: the CRM goes on by itself",
                )
            }
            (400, "failedPrecondition") => Self::later(
                "failed_precondition",
                "this account has no Gmail: give it a Google Workspace licence with Gmail, or remove the mailbox",
            ),
            (403, "accessNotConfigured" | "SERVICE_DISABLED") => Self::later(
                "api_disabled",
                "the Gmail API is switched off: enable it in the Google Cloud project of the service account",
            ),
            (403, _) => Self::later(
                "forbidden",
                format!(
                    "Gmail refuses this: {says}. Check the scope on the Mailboxes page, and that the account is not suspended"
                ),
            ),
            (500.., _) => Self::new(
                "unavailable",
                Again::Soon(after_ms),
                "Gmail has a problem of its own: the CRM tries again by itself",
            ),
            _ => Self::later(
                "refused",
                format!("Gmail refused a request (status {status}): {says}"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_code_and_its_fix() {
        let token = |status, body| Trouble::of_token(status, body, "jo@ours.example");
        let missing = token(
            401,
            r#"{"error":"unauthorized_client","error_description":"x"}"#,
        );
        assert_eq!(missing.code, "unauthorized_client");
        assert!(missing.message.contains("24 hours") && missing.again == Again::Later);
        assert!(
            token(400, r#"{"error":"invalid_grant"}"#)
                .message
                .contains("jo@ours.example")
        );
        assert_eq!(token(503, "<html>").again, Again::Soon(None));
        let api = |status, reason: &str| {
            Trouble::of_api(
                status,
                &format!(r#"{{"error":{{"errors":[{{"reason":"{reason}"}}],"message":"m"}}}}"#),
                Some(7),
            )
        };
        assert_eq!(
            api(403, "userRateLimitExceeded").again,
            Again::Soon(Some(7))
        );
        assert_eq!(api(403, "insufficientPermissions").again, Again::Later);
        assert_eq!(api(400, "failedPrecondition").code, "failed_precondition");
        assert_eq!(api(404, "notFound").again, Again::Gone);
        assert_eq!(
            Trouble::of_api(502, "<html>bad gateway</html>", None).code,
            "unavailable"
        );
    }
}
