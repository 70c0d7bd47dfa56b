//! Samples of the pages, for tests and the eye.

use super::page::{
    ActionFields, AttemptLine, AutomationsPage, DraftLine, DraftsPage, DryLine, DryShown,
    ListsPage, MemberLine, Question, RuleLine, RulePage, RunLine, RunShown, RunsPage, bold,
};
use crate::routes::{
    grid::page::{Control, Field},
    investor::page::Change,
    page::{Badge, Choice, Frame, LinkTo, When},
};

fn when() -> When {
    When::new("2025-03-04T08:12:00Z", "3 days ago")
}

fn field(name: &str, label: &str, value: &str) -> Field {
    Field {
        id: name.to_owned(),
        name: name.to_owned(),
        label: label.to_owned(),
        value: value.to_owned(),
        ..Field::default()
    }
}

impl AutomationsPage {
    /// A question, a rule that is on, one that was switched off.
    #[must_use]
    pub fn sample() -> Self {
        let rule = |name: &str, sentence: &str, state: Badge, alert: &str| RuleLine {
            id: "sample".to_owned(),
            name: name.to_owned(),
            sentence: bold(sentence),
            enabled: alert.is_empty(),
            state,
            problem: String::new(),
            alert: alert.to_owned(),
            last: Some(when()),
            lately: "14 runs".to_owned(),
        };
        Self {
            frame: Frame::sample("Automations", "/automations"),
            questions: vec![Question {
                id: "7".to_owned(),
                href: "/automations/runs/7".to_owned(),
                rule: "Lost investors to Graveyard".to_owned(),
                investor: "Sample Family Office".to_owned(),
                investor_href: "/investors/sample".to_owned(),
                would_do: vec!["Move it to Graveyard: “They declined”".to_owned()],
                at: when(),
            }],
            rules: vec![
                rule(
                    "Lost investors to Graveyard",
                    "When **Stage** becomes **Lost**, ask first, then move it to **Graveyard** and say why.",
                    Badge::new("On", "ok"),
                    "",
                ),
                rule(
                    "Counter",
                    "When **Amount** changes, set **Amount** to the formula {Amount} + 1.",
                    Badge::new("Switched off", "bad"),
                    "It kept feeding itself: a chain of runs went more than 5 deep.",
                ),
            ],
            is_admin: true,
        }
    }

    /// No rule yet.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            questions: Vec::new(),
            rules: Vec::new(),
            ..Self::sample()
        }
    }
}

impl RulePage {
    /// A rule with a condition and what it would do.
    #[must_use]
    pub fn sample() -> Self {
        let row = |at: &str| DryLine {
            title: "Sample Family Office".to_owned(),
            href: "/investors/sample".to_owned(),
            at: at.to_owned(),
        };
        let select = |name: &str, label: &str| Field {
            control: Control::Select,
            options: vec![Choice::new("a", "Stage", true)],
            ..field(name, label, "a")
        };
        Self {
            frame: Frame::sample("Lost investors", "/automations/sample"),
            action: "/automations/sample".to_owned(),
            id: "sample".to_owned(),
            name: field("name", "Name", "Lost investors"),
            sentence: bold("When **Stage** becomes **Lost**, move it to **Graveyard**."),
            error: String::new(),
            trigger: vec![select("on", "When")],
            join: select("join", "Which conditions"),
            conditions: vec![vec![select("c0", "Field"), field("v0", "Value", "x")]],
            kept_conditions: String::new(),
            actions: vec![ActionFields {
                title: "Move it to Graveyard.".to_owned(),
                fields: vec![field("a0", "Why", "They declined")],
            }],
            ask_first: true,
            enabled: true,
            json: "{}".to_owned(),
            dry: Some(DryShown {
                past: "It would have fired 14 times in the last 90 days.".to_owned(),
                firings: vec![row("4 Mar 2025")],
                today: "Of today’s investors it would go for 3.".to_owned(),
                rows: vec![row("")],
                notes: vec!["Dates are those that stand in the grid today.".to_owned()],
            }),
            is_admin: true,
        }
    }
}

impl RunsPage {
    /// One run that is done.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Runs", "/automations/runs"),
            rules: vec![Choice::new("", "Every rule", true)],
            tabs: vec![(LinkTo::new("All", "/automations/runs"), true)],
            state: String::new(),
            row: String::new(),
            is_narrowed: false,
            runs: vec![RunLine {
                href: "/automations/runs/7".to_owned(),
                id: "7".to_owned(),
                rule: "Lost investors".to_owned(),
                investor: "Sample Family Office".to_owned(),
                investor_href: "/investors/sample".to_owned(),
                state: Badge::new("Done", "ok"),
                outcome: "Moved to Graveyard.".to_owned(),
                at: when(),
            }],
            next: Some("/automations/runs?cursor=7".to_owned()),
        }
    }

    /// Nothing fired yet.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            runs: Vec::new(),
            next: None,
            ..Self::sample()
        }
    }
}

impl RunShown {
    /// A run that is done, after an attempt that was not.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Run", "/automations/runs/7"),
            id: "7".to_owned(),
            title: "Lost investors for Sample Family Office".to_owned(),
            rule: "Lost investors".to_owned(),
            rule_href: "/automations/sample".to_owned(),
            investor: LinkTo::new("Sample Family Office", "/investors/sample"),
            state: Badge::new("Done", "ok"),
            outcome: "Moved to Graveyard.".to_owned(),
            would_do: Vec::new(),
            steps: vec![LinkTo::new("Moved to Graveyard.", "/lists/graveyard")],
            changes: vec![Change {
                field: "List".to_owned(),
                before: "Main".to_owned(),
                after: "Graveyard".to_owned(),
            }],
            facts: vec![(
                "Because".to_owned(),
                "Stage went from “Lead” to “Lost”".to_owned(),
            )],
            attempts: vec![AttemptLine {
                number: "1".to_owned(),
                outcome: "worker died".to_owned(),
                error: "the worker was killed".to_owned(),
                at: when(),
            }],
            job: "/jobs/9".to_owned(),
            definition: "{}".to_owned(),
            replay_of: String::new(),
            is_asked: false,
            can_replay: true,
            can_revert: true,
            is_waiting: false,
        }
    }
}

impl DraftsPage {
    /// One draft.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Email drafts", "/drafts"),
            tabs: vec![Choice::new("proposed", "Proposed", true)],
            drafts: vec![DraftLine {
                id: "sample".to_owned(),
                investor: "Sample Family Office".to_owned(),
                href: "/investors/sample".to_owned(),
                to: "Ada Sample <ada@example.org>".to_owned(),
                subject: "Thank you".to_owned(),
                body: "Dear Ada,\nthank you.".to_owned(),
                mailto: "mailto:ada@example.org".to_owned(),
                by: "Rule “Lost investors”".to_owned(),
                run: "/automations/runs/7".to_owned(),
                at: when(),
                is_open: true,
            }],
        }
    }

    /// Nothing is proposed.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            drafts: Vec::new(),
            ..Self::sample()
        }
    }
}

impl ListsPage {
    /// One investor, by a rule.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Graveyard", "/lists/graveyard"),
            title: "Graveyard".to_owned(),
            tabs: vec![Choice::new("graveyard", "Graveyard 1", true)],
            rows: vec![MemberLine {
                href: "/investors/sample".to_owned(),
                title: "Sample Family Office".to_owned(),
                since: "4 Mar 2025".to_owned(),
                by: "Rule “Lost investors”".to_owned(),
                person: "Robin Sample".to_owned(),
                why: "They declined".to_owned(),
                run: Some(LinkTo::new("Run", "/automations/runs/7")),
            }],
            grid: "/grid?list=graveyard".to_owned(),
            next: None,
            is_first: true,
            here: "/lists/graveyard".to_owned(),
        }
    }
}
