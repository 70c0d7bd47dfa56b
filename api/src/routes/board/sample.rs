//! Sample pages, which tests render.

use super::{
    BoardPage, CalendarPage, Card, CardField, Day, Lane, LayoutLink, Owner, Switcher, Total,
    Undated,
};
use crate::routes::{
    grid::page::{Pill, Value},
    page::{Badge, Choice, Frame},
};

fn card(n: usize) -> Card {
    let field = |label: &str, value| CardField {
        label: label.to_owned(),
        value,
    };
    Card {
        id: format!("r{n}"),
        version: 7,
        href: format!("/investors/r{n}"),
        title: format!("Sample Family Office {n}"),
        color: if n == 1 { "red" } else { "" },
        fields: vec![
            field(
                "Type",
                Value::Pills(vec![Pill {
                    text: "Family office".to_owned(),
                    colour: "teal",
                }]),
            ),
            field("Ticket", Value::Number("EUR 2,500,000".to_owned())),
        ],
        owner: Some(Owner {
            name: "Robin Sample".to_owned(),
            initials: "RS".to_owned(),
        }),
        badges: vec![Badge::new("Task overdue", "bad")],
        date: "2026-11-23".to_owned(),
        clock: "14:05:00".to_owned(),
        time: "14:05".to_owned(),
    }
}

fn switcher(action: &'static str) -> Switcher {
    let link = |label: &str, href: &str| LayoutLink {
        label: label.to_owned(),
        href: href.to_owned(),
        current: href == action,
    };
    Switcher {
        action,
        layouts: vec![
            link("Grid", "/grid"),
            link("Board", "/grid/board"),
            link("Calendar", "/grid/calendar"),
        ],
        views: vec![
            Choice::new("v1", "All", true),
            Choice::new("v2", "Main", false),
        ],
        columns: vec![Choice::new("stage", "Stage", true)],
        month: String::new(),
        search: "office".to_owned(),
        clear_href: action.to_owned(),
        saves: "v1".to_owned(),
        by: "stage".to_owned(),
        layout: "board",
    }
}

impl BoardPage {
    /// Two lanes, one with more cards than it draws.
    #[must_use]
    pub fn sample() -> Self {
        let lane = |id: &str, label: &str, colour, cards: Vec<Card>| Lane {
            id: id.to_owned(),
            label: label.to_owned(),
            colour,
            takes_cards: true,
            is_blank: id.is_empty(),
            count: cards.len().to_string(),
            totals: vec![Total {
                label: "Ticket".to_owned(),
                text: "EUR 7,500,000".to_owned(),
            }],
            more: (cards.len() > 2).then(|| "12".to_owned()),
            more_href: "/grid?view=v1&q=Lead".to_owned(),
            cards,
        };
        Self {
            frame: Frame::sample("Board", "/grid"),
            href: "/grid/board?view=v1".to_owned(),
            switcher: switcher("/grid/board"),
            notes: vec!["The view in this address is not there any more. This is All.".to_owned()],
            conflict: None,
            by: "Stage".to_owned(),
            column: "stage".to_owned(),
            movable: true,
            asks_why: false,
            lanes: vec![
                lane("lead", "Lead", "blue", (1..4).map(card).collect()),
                lane("", "No stage", "gray", Vec::new()),
            ],
            targets: vec![
                Choice::new("lead", "Lead", false),
                Choice::new("", "No stage", false),
            ],
            total: 15,
            found: "15 investors".to_owned(),
            is_new: false,
            has_select: true,
        }
    }

    /// A new installation.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            frame: Frame::sample("Board", "/grid"),
            switcher: switcher("/grid/board"),
            is_new: true,
            ..Self::default()
        }
    }
}

impl CalendarPage {
    /// A week with a full day.
    #[must_use]
    pub fn sample() -> Self {
        let day = |n: i8| Day {
            iso: format!("2026-11-{n:02}"),
            number: n,
            weekday: "Mon".to_owned(),
            name: format!("Monday, {n} November 2026"),
            is_today: n == 23,
            is_outside: n > 28,
            cards: if n == 23 {
                (1..5).map(card).collect()
            } else {
                Vec::new()
            },
            folded: if n == 23 { vec![card(5)] } else { Vec::new() },
            folded_count: usize::from(n == 23),
            beyond: 0,
        };
        Self {
            frame: Frame::sample("Calendar", "/grid"),
            href: "/grid/calendar?view=v1".to_owned(),
            switcher: switcher("/grid/calendar"),
            by: "Next step on".to_owned(),
            column: "next_step_on".to_owned(),
            has_times: true,
            movable: true,
            month: "November 2026".to_owned(),
            previous: Some("/grid/calendar?month=2026-10".to_owned()),
            next: Some("/grid/calendar?month=2026-12".to_owned()),
            today: Some("/grid/calendar".to_owned()),
            is_now: true,
            zone: "UTC".to_owned(),
            days: (23..30).map(day).collect(),
            undated: Undated {
                total: 1,
                count: "1".to_owned(),
                cards: vec![card(9)],
            },
            ..Self::default()
        }
    }

    /// A grid without any date.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            frame: Frame::sample("Calendar", "/grid"),
            switcher: switcher("/grid/calendar"),
            month: "November 2026".to_owned(),
            ..Self::default()
        }
    }
}
