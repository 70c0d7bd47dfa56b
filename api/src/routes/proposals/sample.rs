//! The page as tests and the style guide draw it.

use super::page::{Card, ProposalsPage, SourceItem};
use crate::routes::page::{Badge, Choice, Frame, LinkTo, When};

impl ProposalsPage {
    /// One with everything, one refused.
    #[must_use]
    pub fn sample() -> Self {
        let source = SourceItem {
            href: "/emails/threads/sample#email-1".to_owned(),
            from: "Ada Sample".to_owned(),
            address: "ada@example.org".to_owned(),
            is_sent: false,
            subject: "Side letter".to_owned(),
            said: "We are happy with the draft.\n\nCall us next week?".to_owned(),
            at: When::new("2026-03-03T08:12:00Z", "2 h ago"),
        };
        let card = Card {
            id: "p1".to_owned(),
            investor: LinkTo::new("Sample Capital", "/investors/sample"),
            day: "Tue 3 March".to_owned(),
            drafted: Badge::new("Local model", "info"),
            note: "2026-03-03: Ada is happy with the side letter.".to_owned(),
            contact: Some(("Ada Sample <ada@example.org>".to_owned(), true)),
            follow_up: "2026-03-09".to_owned(),
            hint: Some("Diligence".to_owned()),
            stages: vec![
                Choice::new("", "Leave as it is", true),
                Choice::new("dd", "Diligence", false),
            ],
            sources: vec![source.clone()],
            thread: "/emails/threads/sample".to_owned(),
            decided: None,
            refused: None,
        };
        Self {
            frame: Frame::sample("Proposals", "/proposals"),
            tabs: vec![
                Choice::new("pending", "Waiting 2", true),
                Choice::new("approved", "Approved", false),
            ],
            cards: vec![
                card.clone(),
                Card {
                    id: "p2".to_owned(),
                    drafted: Badge::new("By rule", "muted"),
                    contact: None,
                    hint: None,
                    sources: vec![SourceItem {
                        said: String::new(),
                        subject: String::new(),
                        is_sent: true,
                        ..source
                    }],
                    refused: Some((
                        "follow_up_on".to_owned(),
                        "\"soonish\" is no day.".to_owned(),
                    )),
                    ..card
                },
            ],
            is_open: true,
            has_mailboxes: true,
            is_admin: true,
            older: Some("/proposals?before=p2".to_owned()),
        }
    }

    /// What was decided.
    #[must_use]
    pub fn sample_decided() -> Self {
        let open = Self::sample();
        let decided = |card: Card| Card {
            decided: Some((
                Badge::new("Approved", "ok"),
                "Robin Sample".to_owned(),
                When::new("2026-03-03T09:00:00Z", "1 h ago"),
            )),
            refused: None,
            ..card
        };
        Self {
            cards: open.cards.into_iter().map(decided).collect(),
            is_open: false,
            ..Self::sample()
        }
    }

    /// Nothing yet, and no mailbox.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            cards: Vec::new(),
            has_mailboxes: false,
            older: None,
            ..Self::sample()
        }
    }
}
