//! Pages of mail.

use askama::Template;
use crm_jobs::email::credentials::Shown;

use crate::routes::page::{Badge, Choice, Frame, LinkTo, Progress, When};

/// Mailboxes, the key, and how to set both up.
#[derive(Debug, Template)]
#[template(path = "pages/mailboxes.html")]
pub struct MailboxesPage {
    /// The frame.
    pub frame: Frame,
    /// What may be shown of the key.
    pub key: Shown,
    /// By address.
    pub mailboxes: Vec<MailboxCard>,
    /// Near matches that wait.
    pub near: usize,
    /// As typed.
    pub address: String,
    /// As typed.
    pub consent: String,
    /// As typed, or a year ago.
    pub starts_on: String,
    /// The last day to choose.
    pub today: String,
    /// Whose it may be.
    pub users: Vec<Choice>,
    /// What may be kept.
    pub privacies: Vec<Choice>,
    /// What is wrong with the new one.
    pub error: Option<String>,
    /// And with which field.
    pub error_at: String,
    /// What is wrong with the key.
    pub key_error: Option<String>,
}

impl MailboxesPage {
    /// What is wrong with a field.
    fn wrong(&self, field: &str) -> Option<String> {
        self.error.clone().filter(|_| self.error_at == field)
    }
}

/// One mailbox.
#[derive(Debug, Clone, Default)]
pub struct MailboxCard {
    /// Its id.
    pub id: String,
    /// Its address.
    pub address: String,
    /// Whose it is; may be empty.
    pub owner: String,
    /// How it goes.
    pub status: Badge,
    /// Whether it is paused.
    pub is_paused: bool,
    /// How far the past is read.
    pub progress: Option<Progress>,
    /// How many messages of the past were read.
    pub read: String,
    /// When it was last up to date.
    pub synced: Option<When>,
    /// The first day that is read.
    pub starts: String,
    /// The last failure with its fix.
    pub error: Option<String>,
    /// When that was.
    pub failed: Option<When>,
    /// Who agreed.
    pub consent: String,
    /// Whose it may be.
    pub users: Vec<Choice>,
    /// What may be kept.
    pub privacies: Vec<Choice>,
    /// Whether it may have reply drafts.
    pub may_draft: bool,
}

/// Emails that concern investors.
#[derive(Debug, Template)]
#[template(path = "pages/emails.html")]
pub struct EmailsPage {
    /// The frame.
    pub frame: Frame,
    /// The newest first.
    pub emails: Vec<EmailItem>,
    /// Whether there is none at all.
    pub is_empty: bool,
    /// Whether any mailbox is read.
    pub has_mailboxes: bool,
    /// Whether whoever looks can set them up.
    pub is_admin: bool,
    /// Near matches that wait.
    pub near: usize,
    /// Words looked for.
    pub q: String,
    /// `in`, `out` or empty.
    pub direction: String,
    /// Only of this investor.
    pub investor: String,
    /// Only with this contact.
    pub contact: String,
    /// Its name.
    pub narrowed_to: Option<String>,
    /// By direction; values are addresses.
    pub tabs: Vec<Choice>,
    /// What is older.
    pub older: Option<String>,
}

/// An email in a list.
#[derive(Debug, Clone, Default)]
pub struct EmailItem {
    /// Its place in its thread.
    pub href: String,
    /// Who wrote it.
    pub from: String,
    /// Letters for the avatar.
    pub initials: String,
    /// We wrote it.
    pub is_sent: bool,
    /// Its subject, or why there is none.
    pub subject: String,
    /// How it begins.
    pub said: String,
    /// Whom it concerns.
    pub investor: LinkTo,
    /// When.
    pub at: When,
    /// Files.
    pub attachments: i64,
}

/// A conversation.
#[derive(Debug, Template)]
#[template(path = "pages/email_thread.html")]
pub struct ThreadPage {
    /// The frame.
    pub frame: Frame,
    /// Its subject.
    pub title: String,
    /// The oldest first.
    pub letters: Vec<Letter>,
    /// Whom it concerns.
    pub investors: Vec<LinkTo>,
    /// Drafts that were written, the newest first.
    pub drafts: Vec<DraftLine>,
    /// Where another may be written.
    pub reply: Option<ReplyForm>,
}

/// A reply to be written.
#[derive(Debug, Clone, Default)]
pub struct ReplyForm {
    /// Where it is posted.
    pub action: String,
    /// To whom.
    pub to: String,
    /// Who gets a copy; may be empty.
    pub cc: String,
    /// The mailbox it will lie in.
    pub address: String,
}

/// A draft and what became of it.
#[derive(Debug, Clone, Default)]
pub struct DraftLine {
    /// Its id.
    pub id: String,
    /// Where it is.
    pub status: Badge,
    /// The mailbox it is for.
    pub address: String,
    /// What it says.
    pub body: String,
    /// Why it is not in Gmail, with the fix.
    pub error: Option<String>,
    /// Since when.
    pub at: When,
}

/// One email of a conversation.
#[derive(Debug, Clone, Default)]
pub struct Letter {
    /// Its id.
    pub id: String,
    /// Unfolded at first.
    pub open: bool,
    /// Who wrote it.
    pub from: String,
    /// From where.
    pub address: String,
    /// Letters for the avatar.
    pub initials: String,
    /// To whom.
    pub to: String,
    /// Sent or received.
    pub badge: Badge,
    /// When.
    pub at: When,
    /// What its writer said.
    pub said: String,
    /// All of it, if that is more.
    pub whole: String,
    /// Why there is no text.
    pub withheld: String,
    /// Row, name and why it is there.
    pub investors: Vec<(String, String, String)>,
    /// Address, name and size.
    pub files: Vec<(String, String, String)>,
}

/// Addresses that look like somebody's.
#[derive(Debug, Template)]
#[template(path = "pages/near_matches.html")]
pub struct NearPage {
    /// The frame.
    pub frame: Frame,
    /// The newest first.
    pub lines: Vec<NearLine>,
}

/// One of them.
#[derive(Debug, Clone, Default)]
pub struct NearLine {
    /// Its id.
    pub id: String,
    /// The address.
    pub address: String,
    /// The name with it.
    pub name: String,
    /// Whose it may be.
    pub investor: LinkTo,
    /// Why.
    pub reason: String,
    /// What it would bring.
    pub emails: String,
}

#[cfg(any(test, debug_assertions))]
mod samples {
    use super::{
        Badge, Choice, DraftLine, EmailItem, EmailsPage, Frame, Letter, LinkTo, MailboxCard,
        MailboxesPage, NearLine, NearPage, Progress, ReplyForm, Shown, ThreadPage, When,
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
}
