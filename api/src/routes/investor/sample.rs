//! Sample values of the investor's page, for tests and the style gallery.

use super::{
    Change, CommitmentRow, ContactCard, Control, Entry, Fact, Field, FilterLink, InvestorPage,
    Lost, NoteText, Value,
};
use crate::routes::{
    files::FileItem,
    grid::page::sample::{cell, conflict, field, pill, stages},
    page::{Badge, Choice, Frame, LinkTo, When},
    reminders::item::TaskItem,
};

fn fact(label: &'static str, text: &str, tone: &'static str) -> Fact {
    Fact {
        label,
        text: text.to_owned(),
        title: String::new(),
        tone,
    }
}

fn entries() -> Vec<Entry> {
    let entry = |kind, icon, says: &str| Entry {
        kind,
        icon,
        by: "Robin Sample".to_owned(),
        says: says.to_owned(),
        at: When::new("2025-03-04T08:12:00Z", "12 min ago"),
        moment: "4 Mar 2025, 09:12".to_owned(),
        ..Entry::default()
    };
    let change = |f: &str, before: &str, after: &str| Change {
        field: f.to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
    };
    let note = NoteText {
        id: "n1".to_owned(),
        html: "<p>Wants the <strong>data room</strong>; <span class=\"mention\">@Jo Testcase</span> will send it.</p>"
            .to_owned(),
        edited: Some("5 Mar 2025".to_owned()),
        pinned: false,
        mine: true,
    };
    vec![
        Entry {
            note: Some(note.clone()),
            ..entry("notes", "copy", "wrote a note")
        },
        Entry {
            link: Some(LinkTo::new("Alex Placeholder", "/contacts/sample")),
            note: Some(NoteText {
                id: "n2".to_owned(),
                edited: None,
                mine: false,
                ..note
            }),
            remove: "i1".to_owned(),
            ..entry("contacts", "user", "logged a call with")
        },
        Entry {
            link: Some(LinkTo::new("Send the data room", "/tasks/sample")),
            ..entry("tasks", "check", "finished a task")
        },
        Entry {
            file: Some(FileItem::sample()),
            ..entry("files", "download", "attached a file")
        },
        Entry {
            changes: vec![
                change("Ticket size", "EUR 2,000,000", "EUR 3,000,000"),
                change("Phone", "", "+49 30 111111"),
            ],
            ..entry("changes", "edit", "changed 2 fields")
        },
    ]
}

impl InvestorPage {
    /// A family office with a history.
    #[must_use]
    #[allow(clippy::too_many_lines, reason = "a plain list of sample values")]
    pub fn sample() -> Self {
        let multi = vec![
            Choice::new("climate", "Climate", true),
            Choice::new("robotics", "Robotics", false),
            Choice::new("health", "Health", true),
        ];
        let stars = (0..=5)
            .map(|n| Choice::new(&n.to_string(), &n.to_string(), n == 4))
            .collect();
        Self {
            frame: Frame::sample("Sample Family Office 12", "/grid"),
            id: "sample".to_owned(),
            title: "Sample Family Office 12".to_owned(),
            version: 1284,
            list: pill("Follow-up", "yellow"),
            list_links: vec![LinkTo::new("Who else is on it", "/lists/follow_up")],
            drafts: Vec::new(),
            emails: Vec::new(),
            list_story: "since 21 February, by Robin Sample: “asked for the data room in March”"
                .to_owned(),
            lists: vec![
                Choice::new("main", "Main", false),
                Choice::new("longshot", "Longshot", false),
                Choice::new("graveyard", "Graveyard", false),
            ],
            archived: None,
            fields: vec![
                field("name", "Investor", Control::Text, "Sample Family Office 12"),
                Field {
                    options: stages(),
                    ..field("stage", "Stage", Control::Select, "engaged")
                },
                Field {
                    error: Some("Write an amount such as 2500000 or 2,500,000.00.".to_owned()),
                    hint: "Euro".to_owned(),
                    ..field("ticket", "Ticket size", Control::Number, "2.5 millions")
                },
                field("next", "Next step", Control::Date, "2025-04-01"),
                field("call", "Next call", Control::DateTime, "2025-04-01T10:30"),
                field("follow", "Follow up", Control::Checkbox, "true"),
                field("web", "Web", Control::Url, "https://example.org/"),
                field("mail", "Office mail", Control::Email, "office@example.org"),
                field("phone", "Phone", Control::Phone, "+49 30 000000"),
                Field {
                    options: stars,
                    ..field("interest", "Interest", Control::Rating, "4")
                },
                Field {
                    options: multi,
                    ..field("topics", "Topics", Control::MultiSelect, "")
                },
                Field {
                    hint: "One a line: Name <email>".to_owned(),
                    ..field(
                        "contacts",
                        "Contacts",
                        Control::Contacts,
                        "Alex Placeholder <alex@example.org>\nSam Placeholder <sam@example.org>",
                    )
                },
                field(
                    "notes",
                    "Notes",
                    Control::LongText,
                    "Met at the sample conference.\nWants the data room after the quarter closes.",
                ),
            ],
            derived: vec![
                cell("Total committed", Value::Number("EUR 2,000,000".to_owned())),
                cell("Reminder", Value::Badge(Badge::new("Due soon", "warn"))),
                cell(
                    "Last contact",
                    Value::When(When::new("2025-02-27T10:00:00Z", "5 days ago")),
                ),
                cell("Created", Value::Text("12 Jan 2025 by import".to_owned())),
            ],
            contacts: vec![
                ContactCard {
                    name: "Alex Placeholder".to_owned(),
                    href: "/contacts/sample".to_owned(),
                    initials: "AP".to_owned(),
                    role: "Principal".to_owned(),
                    emails: vec!["alex@example.org".to_owned()],
                    phone: "+49 30 000000".to_owned(),
                },
                ContactCard {
                    name: "Sam Placeholder".to_owned(),
                    href: String::new(),
                    initials: "SP".to_owned(),
                    role: String::new(),
                    emails: vec!["sam@example.org".to_owned(), "sam.p@example.org".to_owned()],
                    phone: String::new(),
                },
            ],
            commitments: vec![
                CommitmentRow {
                    fund: "Sample Ventures III".to_owned(),
                    href: "/funds/sample?row=sample#record".to_owned(),
                    stage: Badge::new("Soft", "info"),
                    amount: "EUR 2,000,000".to_owned(),
                },
                CommitmentRow {
                    fund: "Sample Ventures II".to_owned(),
                    href: "/funds/sample?row=sample#record".to_owned(),
                    stage: Badge::new("Wired", "ok"),
                    amount: "EUR 1,000,000".to_owned(),
                },
            ],
            lost: Some(Lost {
                id: "sample".to_owned(),
                reason: String::new(),
            }),
            facts: vec![
                fact("Owner", "Robin Sample", ""),
                fact("Stage", "Engaged", ""),
                fact("Committed", "EUR 2,000,000", ""),
                fact("First contact", "12 Jan 2025", ""),
                fact("Last contact", "44 days ago", ""),
                fact("Next", "Tomorrow", "info"),
            ],
            staleness: Some(Badge::new("No contact in 44 days", "warn")),
            tasks: vec![TaskItem {
                investor: None,
                ..TaskItem::sample("Send the data room", Some(Badge::new("Tomorrow", "info")))
            }],
            pinned: Vec::new(),
            timeline: entries(),
            filters: vec![
                FilterLink {
                    label: "Everything",
                    href: "/investors/sample#timeline".to_owned(),
                    current: true,
                },
                FilterLink {
                    label: "Notes",
                    href: "/investors/sample?show=notes#timeline".to_owned(),
                    current: false,
                },
            ],
            is_narrowed: false,
            older: Some("/investors/sample?cursor=1.2.3.4.5#timeline".to_owned()),
            files: vec![FileItem::sample()],
            files_allowed: "PDF and Word files",
            file_error: Some(
                "HTML, SVG and XML files can run scripts: save it as PDF and attach that."
                    .to_owned(),
            ),
            assignees: vec![
                Choice::new("r", "Me", true),
                Choice::new("team", "The team", false),
            ],
            repeats: crate::routes::reminders::item::repeats(""),
            conflicts: Vec::new(),
            contact_kinds: crate::routes::investor::kinds(),
            today: "2026-03-03".to_owned(),
            has_errors: true,
        }
    }

    /// The same investor, archived.
    #[must_use]
    pub fn sample_archived() -> Self {
        let mut page = Self::sample();
        page.archived = Some(
            "Archived yesterday by Robin Sample: “duplicate of Sample Family Office 3”".to_owned(),
        );
        page.conflicts = vec![conflict()];
        page.timeline.clear();
        page.tasks.clear();
        page.files.clear();
        page.file_error = None;
        page.older = None;
        page.commitments.clear();
        page.contacts.clear();
        page.has_errors = false;
        page
    }
}
