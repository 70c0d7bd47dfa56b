//! Samples of the pages of mail, for tests.

use crate::routes::page::{Badge, Choice, Frame, LinkTo, Progress, When};
use crm_jobs::email::credentials::Shown;

use super::page::{
    DraftLine, EmailItem, EmailsPage, Letter, MailboxCard, MailboxesPage, NearLine, NearPage,
    ReplyForm, ThreadPage,
};

impl MailboxesPage {
    /// One that failed, one that reads the past.
    #[must_use]
    pub fn sample() -> Self {
        let card = |address: &str, status: Badge| MailboxCard {
            id: address.to_owned(),
            address: address.to_owned(),
            owner: "Robin Sample".to_owned(),
            status,
            read: "1,204 messages".to_owned(),
            starts: "2025-01-01".to_owned(),
            consent: "Agreed at the Monday meeting".to_owned(),
            ..MailboxCard::default()
        };
        Self {
            frame: Frame::sample("Mailboxes", "/mailboxes"),
            key: Shown {
                client_email: Some("crm@sample.iam.gserviceaccount.com".to_owned()),
                client_id: Some("1122334455".to_owned()),
                from: "pasted".to_owned(),
                problem: None,
                scope: "https://www.googleapis.com/auth/gmail.readonly".to_owned(),
                draft_scope: "https://www.googleapis.com/auth/gmail.compose".to_owned(),
            },
            mailboxes: vec![
                MailboxCard {
                    may_draft: true,
                    error: Some("Delegation for the scope is missing.".to_owned()),
                    failed: Some(When::new("2025-03-04T08:12:00Z", "3 min ago")),
                    ..card("jo@example.org", Badge::new("Needs attention", "bad"))
                },
                MailboxCard {
                    progress: Some(Progress {
                        done: 40,
                        total: Some(100),
                        text: "40 of about 100 messages".to_owned(),
                    }),
                    ..card("bo@example.org", Badge::new("Reading the past", "info"))
                },
            ],
            near: 2,
            address: "x".to_owned(),
            consent: String::new(),
            starts_on: "2025-01-01".to_owned(),
            today: "2026-03-03".to_owned(),
            users: vec![Choice::new("", "Shared, nobody’s own", true)],
            privacies: vec![Choice::new("body", "Everything", true)],
            error: Some("Write one address.".to_owned()),
            error_at: "address".to_owned(),
            key_error: None,
        }
    }

    /// Nothing is set up yet.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            key: Shown {
                from: "none".to_owned(),
                scope: "https://www.googleapis.com/auth/gmail.readonly".to_owned(),
                ..Shown::default()
            },
            mailboxes: Vec::new(),
            near: 0,
            error: None,
            key_error: Some("Paste the whole file.".to_owned()),
            ..Self::sample()
        }
    }
}

impl EmailsPage {
    /// One received, one sent.
    #[must_use]
    pub fn sample() -> Self {
        let item = |from: &str, is_sent| EmailItem {
            href: "/emails/threads/sample".to_owned(),
            from: from.to_owned(),
            initials: "AL".to_owned(),
            is_sent,
            subject: "Side letter".to_owned(),
            said: "We are happy with the draft.".to_owned(),
            investor: LinkTo::new("Sample Capital", "/investors/sample"),
            at: When::new("2025-03-04T08:12:00Z", "3 days ago"),
            attachments: 1,
        };
        Self {
            frame: Frame::sample("Emails", "/emails"),
            emails: vec![item("Ada Sample", false), item("Robin Sample", true)],
            is_empty: false,
            has_mailboxes: true,
            is_admin: true,
            near: 1,
            q: "letter".to_owned(),
            direction: String::new(),
            investor: String::new(),
            contact: String::new(),
            narrowed_to: Some("Sample Capital".to_owned()),
            tabs: vec![Choice::new("/emails?direction=", "All", true)],
            older: Some("/emails?cursor=1.x".to_owned()),
        }
    }

    /// No mailbox is read yet.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            emails: Vec::new(),
            is_empty: true,
            has_mailboxes: false,
            older: None,
            ..Self::sample()
        }
    }
}

impl ThreadPage {
    /// One with all parts, one withheld.
    #[must_use]
    pub fn sample() -> Self {
        let letter = Letter {
            id: "sample".to_owned(),
            open: true,
            from: "Ada Sample".to_owned(),
            address: "ada@example.org".to_owned(),
            initials: "AS".to_owned(),
            to: "Robin Sample".to_owned(),
            badge: Badge::new("Received", "muted"),
            at: When::new("2025-03-04T08:12:00Z", "4 Mar 2025, 08:12"),
            said: "Happy with the draft.\n<b>Really</b>".to_owned(),
            whole: "Happy with the draft.\n> quoted".to_owned(),
            withheld: String::new(),
            investors: vec![(
                "sample".to_owned(),
                "Sample Capital".to_owned(),
                "a contact".to_owned(),
            )],
            files: vec![(
                "/emails/attachments/sample".to_owned(),
                "letter.pdf".to_owned(),
                "12 kB".to_owned(),
            )],
        };
        Self {
            frame: Frame::sample("Side letter", "/emails/threads/sample"),
            title: "Side letter".to_owned(),
            letters: vec![
                Letter {
                    said: String::new(),
                    whole: String::new(),
                    withheld: "This mailbox’s privacy keeps no text.".to_owned(),
                    ..letter.clone()
                },
                letter,
            ],
            investors: vec![LinkTo::new("Sample Capital", "/investors/sample")],
            drafts: vec![
                DraftLine {
                    id: "one".to_owned(),
                    status: Badge::new("Waiting", "warn"),
                    address: "jo@example.org".to_owned(),
                    body: "Yes, on Friday.".to_owned(),
                    error: Some("The scope for drafts is missing.".to_owned()),
                    at: When::new("2025-03-04T08:12:00Z", "3 min ago"),
                },
                DraftLine {
                    id: "two".to_owned(),
                    status: Badge::new("In Gmail", "ok"),
                    ..DraftLine::default()
                },
            ],
            reply: Some(ReplyForm {
                action: "/emails/threads/sample/draft".to_owned(),
                to: "Ada Sample <ada@example.org>".to_owned(),
                cc: "bo@example.org".to_owned(),
                address: "jo@example.org".to_owned(),
            }),
        }
    }
}

impl NearPage {
    /// One.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Near matches", "/emails/near-matches"),
            lines: vec![NearLine {
                id: "sample".to_owned(),
                address: "ada@home.example".to_owned(),
                name: "Ada Sample".to_owned(),
                investor: LinkTo::new("Sample Capital", "/investors/sample"),
                reason: "has the name of your contact Ada Sample".to_owned(),
                emails: "3 emails".to_owned(),
            }],
        }
    }

    /// None.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            lines: Vec::new(),
            ..Self::sample()
        }
    }
}
