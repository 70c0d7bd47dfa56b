//! Sample values of the raise's pages.

use super::{
    funds::{stage, status},
    page::{
        EventLine, FundCard, FundPage, FundsPage, LedgerPage, LostLine, PipelinePage, PositionLine,
        StageLine, StageRow, TermField, TermsPage,
    },
};
use crate::routes::page::{Chart, Choice, Frame, LinkTo, Paging, Series, Tile, When};

impl FundsPage {
    /// Two funds.
    #[must_use]
    pub fn sample() -> Self {
        let card = |name: &str, is: &str, percent| FundCard {
            href: "/funds/sample".to_owned(),
            name: name.to_owned(),
            status: status(is),
            committed: "EUR 46,200,000".to_owned(),
            target: "EUR 80,000,000".to_owned(),
            percent,
            detail: "38 commitments · soft EUR 12,000,000".to_owned(),
        };
        Self {
            frame: Frame::sample("Funds", "/funds"),
            investor: "Sample Foundation".to_owned(),
            funds: vec![
                card("Sample Ventures III", "raising", 58),
                card("Sample Ventures II", "closed", 105),
            ],
        }
    }

    /// No fund yet.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            frame: Frame::sample("Funds", "/funds"),
            investor: String::new(),
            funds: Vec::new(),
        }
    }
}

impl FundPage {
    /// A fund in the middle of its raise, looked back at.
    #[must_use]
    pub fn sample() -> Self {
        let labels: Vec<String> = (1..=9).map(|m| format!("2026-{m:02}")).collect();
        let series = |name: &str, tone, step: u64| Series {
            name: name.to_owned(),
            tone,
            values: (1..=9).map(|m| m * step).collect(),
        };
        let words = |n: u64| super::fund::short("EUR", n);
        Self {
            frame: Frame::sample("Sample Ventures III", "/funds/sample"),
            id: "sample".to_owned(),
            name: "Sample Ventures III".to_owned(),
            status: status("raising"),
            lead: "Sample Ventures III GmbH & Co. KG · first close 2026-09-30".to_owned(),
            currency: "EUR".to_owned(),
            as_of: "2026-09-01".to_owned(),
            today: "2026-10-01".to_owned(),
            today_href: Some("/funds/sample".to_owned()),
            tiles: vec![
                Tile::new("Committed", "EUR 46,200,000", "hard, signed and wired", ""),
                Tile::new(
                    "Over the cap",
                    "EUR 1,000,000",
                    "hard cap EUR 100,000,000",
                    "bad",
                ),
            ],
            stages: vec![StageLine {
                stage: stage("soft"),
                href: "?stage=soft".to_owned(),
                investors: "12".to_owned(),
                amount: "12,000,000".to_owned(),
                weight: "40 %".to_owned(),
                weighted: "4,800,000".to_owned(),
                ledger_href: "/funds/sample/ledger?stage=soft".to_owned(),
            }],
            charts: vec![Chart::curves(
                "progress",
                "The raise over time",
                &words,
                &labels,
                &[
                    series("committed", "ok", 5_000_000),
                    series("soft", "warn", 1_500_000),
                ],
            )],
            positions: vec![PositionLine {
                name: "Sample Family Office".to_owned(),
                href: "/investors/sample".to_owned(),
                stage: stage("hard"),
                amount: "2,500,000".to_owned(),
                since: "2026-08-14".to_owned(),
                ledger_href: "/funds/sample/ledger?row=sample".to_owned(),
                change_href: "/funds/sample?row=sample#record".to_owned(),
            }],
            filters: vec![
                LinkTo::new("Everybody", "?"),
                LinkTo::new("Soft", "?stage=soft"),
            ],
            stage: "soft".to_owned(),
            paging: Paging::sample("62 investors"),
            stage_choices: vec![Choice::new("soft", "Soft", true)],
            names: vec!["Sample Family Office".to_owned()],
            investor: String::new(),
            is_admin: true,
        }
    }
}

impl TermsPage {
    /// A change that was refused.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Terms", "/funds/sample/terms"),
            heading: "Terms of Sample Ventures III".to_owned(),
            action: "/funds/sample/terms".to_owned(),
            back: "/funds/sample".to_owned(),
            updated_at: Some(1),
            fields: vec![TermField {
                name: "hard_cap",
                label: "Hard cap".to_owned(),
                kind: "text",
                value: "1".to_owned(),
                hint: "At most so much".to_owned(),
                error: Some("The hard cap is below the target.".to_owned()),
                required: false,
            }],
            statuses: vec![Choice::new("raising", "Raising", true)],
            weights: vec![TermField {
                name: "weight_soft",
                label: "Soft".to_owned(),
                kind: "number",
                value: "40".to_owned(),
                ..TermField::default()
            }],
            error: None,
            delete_action: Some("/funds/sample/delete".to_owned()),
        }
    }
}

impl LedgerPage {
    /// A transfer.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Ledger", "/funds/sample/ledger"),
            fund: LinkTo::new("Sample Ventures III", "/funds/sample"),
            lead: "Steps at stage hard, up to 2026-09-01".to_owned(),
            all_href: Some("/funds/sample/ledger".to_owned()),
            events: vec![EventLine {
                on: "2026-08-14".to_owned(),
                investor: LinkTo::new("Sample Family Office", "/investors/sample"),
                stage: stage("hard"),
                before: String::new(),
                after: "EUR 2,500,000".to_owned(),
                note: "By phone".to_owned(),
                other: Some(LinkTo::new("Sample Foundation", "/investors/other")),
                by: "Robin Sample".to_owned(),
                when: When::new("2026-08-15T08:00:00Z", "3 weeks ago"),
            }],
            older: Some("?before=1".to_owned()),
        }
    }
}

impl PipelinePage {
    /// A pipeline with somebody lost.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Pipeline", "/pipeline"),
            has_column: true,
            stretches: vec![(LinkTo::new("90 days", "?days=90"), true)],
            days: 90,
            stages: vec![StageRow {
                name: "Engaged".to_owned(),
                colour: "blue".to_owned(),
                href: "/grid/board".to_owned(),
                now: "31".to_owned(),
                median_now: "12 days".to_owned(),
                entered: "40".to_owned(),
                went_on: "12 of 40 · 30 %".to_owned(),
                lost: "4 of 40 · 10 %".to_owned(),
                stayed: String::new(),
            }],
            funnel: None,
            reasons: vec![("Too early".to_owned(), 4)],
            lost: vec![LostLine {
                id: "sample".to_owned(),
                investor: LinkTo::new("Sample Foundation", "/investors/sample"),
                when: When::new("2026-08-15T08:00:00Z", "3 weeks ago"),
                reason: "Too early".to_owned(),
            }],
        }
    }

    /// A grid without stages.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            has_column: false,
            ..Self::sample()
        }
    }
}
