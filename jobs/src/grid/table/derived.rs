//! Columns that nobody writes: joined in on read, stripped on write.

use jiff::{civil::Date, tz::TimeZone};
use rust_decimal::Decimal;

use super::super::{Choice, Column, ColumnOptions, ColumnType, Names};
use crate::formula::Value;

/// Days without contact after which an investor is ageing, and stale.
pub const AGEING_DAYS: i32 = 30;
/// See [`AGEING_DAYS`].
pub const STALE_DAYS: i32 = 60;
/// A task due within so many days is due soon.
const DUE_SOON_DAYS: i32 = 7;
/// Stages at which an amount is committed, the furthest last.
const COMMITTED: [&str; 3] = ["hard", "signed", "wired"];
/// Where an investor can stand in the raise.
pub const PIPELINE: [(&str, &str, &str); 5] = [
    ("lead", "Lead", "gray"),
    ("engaged", "Engaged", "blue"),
    ("diligence", "Diligence", "purple"),
    ("commitment", "Commitment", "green"),
    ("lost", "Lost", "red"),
];

/// Whether a column id belongs to a derived column.
pub fn is_derived(column: &str) -> bool {
    column.starts_with('@')
}

const LIST_CHOICES: [(&str, &str, &str); 4] = [
    ("main", "Main", "blue"),
    ("follow_up", "Follow-up", "yellow"),
    ("longshot", "Longshot", "purple"),
    ("graveyard", "Graveyard", "gray"),
];
const REMINDERS: [(&str, &str, &str); 3] = [
    ("overdue", "Overdue", "red"),
    ("due_soon", "Due soon", "yellow"),
    ("open", "Open", "gray"),
];
const STALENESS: [(&str, &str, &str); 3] = [
    ("fresh", "Fresh", "green"),
    ("ageing", "Ageing", "yellow"),
    ("stale", "Stale", "red"),
];

/// The derived columns, for these funds.
pub fn derived_columns(names: &Names) -> Vec<Column> {
    let plain = |id: &str, name: &str, kind| column(id, name, kind, ColumnOptions::default());
    let select = |id, name, of: &[_]| column(id, name, ColumnType::Select, choices(of));
    let money = |id: &str, name: &str, currency: Option<&String>| {
        let options = ColumnOptions {
            currency: currency.cloned(),
            ..ColumnOptions::default()
        };
        column(id, name, ColumnType::Currency, options)
    };
    let main_currency = names.funds.first().map(|f| &f.currency);
    let by_fund = names.funds.iter().map(|fund| {
        let id = format!("@committed:{}", fund.id);
        money(
            &id,
            &format!("Committed to {}", fund.name),
            Some(&fund.currency),
        )
    });
    let mut all = vec![
        select("@list", "List", &LIST_CHOICES),
        select("@stage", "Pipeline stage", &PIPELINE),
        money("@committed", "Total committed", main_currency),
    ];
    all.extend(by_fund);
    all.extend([
        plain("@tasks", "Open tasks", ColumnType::Number),
        select("@reminder", "Reminder", &REMINDERS),
        plain("@last_contact", "Last contacted", ColumnType::DateTime),
        select("@staleness", "Staleness", &STALENESS),
        plain("@owner", "Relationship owner", ColumnType::User),
        plain("@existing", "Existing investor", ColumnType::Checkbox),
        plain("@created_at", "Created at", ColumnType::DateTime),
        plain("@created_by", "Created by", ColumnType::User),
        plain("@modified_at", "Last modified", ColumnType::DateTime),
        plain("@modified_by", "Last modified by", ColumnType::User),
    ]);
    // Behind all that people made, in this order.
    for (position, column) in (10_000..).zip(&mut all) {
        column.position = position;
    }
    all
}

fn column(id: &str, name: &str, kind: ColumnType, options: ColumnOptions) -> Column {
    Column {
        id: id.to_owned(),
        name: name.to_owned(),
        kind,
        options,
        position: 0,
        hidden: true,
    }
}

fn choices(of: &[(&str, &str, &str)]) -> ColumnOptions {
    let choice = |(id, name, color): &(&str, &str, &str)| Choice {
        id: (*id).to_owned(),
        name: (*name).to_owned(),
        color: (*color).to_owned(),
    };
    ColumnOptions {
        choices: of.iter().map(choice).collect(),
        ..ColumnOptions::default()
    }
}

/// What derived columns are made from, beyond the row itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// Open tasks.
    pub tasks: i64,
    /// The earliest due date among them.
    pub due_on: Option<Date>,
    /// Last contact, UTC milliseconds.
    pub last_contact_at: Option<i64>,
}

/// `overdue`, `due_soon` or `open`; none without open tasks.
pub(super) fn reminder(around: &Around, today: Date) -> Option<&'static str> {
    if around.tasks == 0 {
        return None;
    }
    let days = around.due_on.map(|due| days_between(today, due));
    Some(match days {
        Some(days) if days < 0 => "overdue",
        Some(days) if days <= DUE_SOON_DAYS => "due_soon",
        _ => "open",
    })
}

/// By days since the last contact, or since the row was made if there was none.
pub(super) fn staleness(
    around: &Around,
    created_at: i64,
    today: Date,
    zone: &TimeZone,
) -> &'static str {
    let since = around.last_contact_at.unwrap_or(created_at);
    let day = jiff::Timestamp::from_millisecond(since)
        .unwrap_or_default()
        .to_zoned(zone.clone())
        .date();
    match days_between(day, today) {
        STALE_DAYS.. => "stale",
        AGEING_DAYS.. => "ageing",
        _ => "fresh",
    }
}

fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}

/// What an investor has committed.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Committed {
    /// Over all funds; none if currencies differ, which cannot be added.
    pub(super) total: Option<Decimal>,
    /// Fund id → amount.
    pub(super) funds: Vec<(String, Decimal)>,
    /// Money has arrived.
    pub(super) existing: bool,
}

/// The same money moves from column to column as it hardens, so of each fund
/// only the furthest of hard, signed and wired counts.
pub(super) fn committed<'a>(columns: impl Iterator<Item = (&'a Column, &'a Value)>) -> Committed {
    let mut found: Vec<(&str, usize, Decimal, Option<&str>)> = Vec::new();
    for (column, value) in columns {
        let (Some(commitment), Value::Number(amount)) = (&column.options.commitment, value) else {
            continue;
        };
        let Some(stage) = COMMITTED.iter().position(|s| *s == commitment.stage) else {
            continue;
        };
        if amount.is_zero() {
            continue;
        }
        let currency = column.options.currency.as_deref();
        match found.iter_mut().find(|f| f.0 == commitment.fund) {
            Some(known) if known.1 < stage => *known = (known.0, stage, *amount, currency),
            Some(known) if known.1 == stage => known.2 += *amount,
            Some(_) => {}
            None => found.push((&commitment.fund, stage, *amount, currency)),
        }
    }
    let is_one_currency = found.windows(2).all(|pair| pair[0].3 == pair[1].3);
    Committed {
        total: (is_one_currency && !found.is_empty()).then(|| found.iter().map(|f| f.2).sum()),
        existing: found
            .iter()
            .any(|f| COMMITTED[f.1] == "wired" && f.2 > Decimal::ZERO),
        funds: found.iter().map(|f| (f.0.to_owned(), f.2)).collect(),
    }
}

/// What teams call the standard stages besides their own names.
const STAGE_WORDS: [(&str, &[&str]); 5] = [
    ("lead", &["new", "prospect", "target", "identified"]),
    (
        "engaged",
        &[
            "contacted",
            "in conversation",
            "intro",
            "meeting",
            "interested",
        ],
    ),
    ("diligence", &["due diligence", "dd", "data room"]),
    ("commitment", &["committed", "closed", "won", "signed"]),
    (
        "lost",
        &["passed", "declined", "closed lost", "not interested"],
    ),
];

/// The standard stage a choice of this name stands for.
pub fn pipeline_stage(name: &str) -> Option<&'static str> {
    let name = name.trim().to_lowercase();
    STAGE_WORDS
        .iter()
        .find(|(stage, words)| *stage == name || words.contains(&name.as_str()))
        .map(|(stage, _)| *stage)
}

/// What one column contributes to derived ones.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    /// Amounts in a fund.
    Commitment(String, Option<crate::grid::Commitment>, Option<String>),
    /// Where investors stand.
    Pipeline(String, Vec<Choice>),
    /// Who looks after them.
    Owner(String),
    /// A derived column itself: there is one more for each fund.
    Derived(String),
}

/// What derived columns are made from: if it is the same, so are they.
pub(super) fn sources<'a>(columns: impl Iterator<Item = &'a Column> + Clone) -> Vec<Source> {
    let pipeline = pipeline_column(columns.clone()).map(|c| &c.id);
    columns
        .filter_map(|c| {
            if is_derived(&c.id) {
                Some(Source::Derived(c.id.clone()))
            } else if Some(&c.id) == pipeline {
                Some(Source::Pipeline(c.id.clone(), c.options.choices.clone()))
            } else if c.kind == ColumnType::User {
                Some(Source::Owner(c.id.clone()))
            } else if c.options.commitment.is_some() {
                let options = &c.options;
                let source = (
                    c.id.clone(),
                    options.commitment.clone(),
                    options.currency.clone(),
                );
                Some(Source::Commitment(source.0, source.1, source.2))
            } else {
                None
            }
        })
        .collect()
}

/// The column that says where investors stand: the one marked so, else a single
/// select named Stage.
pub(in crate::grid) fn pipeline_column<'a>(
    columns: impl Iterator<Item = &'a Column>,
) -> Option<&'a Column> {
    let mut named = None;
    for column in columns.filter(|c| c.kind == ColumnType::Select && !is_derived(&c.id)) {
        if column.options.pipeline {
            return Some(column);
        }
        if named.is_none() && column.name.eq_ignore_ascii_case("stage") {
            named = Some(column);
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(fund: &str, stage: &str, currency: &str) -> Column {
        Column {
            id: format!("{fund}_{stage}"),
            name: stage.to_owned(),
            kind: ColumnType::Currency,
            options: ColumnOptions {
                currency: Some(currency.to_owned()),
                commitment: Some(super::super::super::Commitment {
                    fund: fund.to_owned(),
                    stage: stage.to_owned(),
                }),
                ..ColumnOptions::default()
            },
            position: 0,
            hidden: false,
        }
    }

    #[test]
    fn the_furthest_stage_of_each_fund_counts_once() {
        let columns = [
            column("f1", "soft", "EUR"),
            column("f1", "hard", "EUR"),
            column("f1", "signed", "EUR"),
            column("f2", "wired", "EUR"),
        ];
        let amounts = [100, 200, 250, 40].map(|n| Value::Number(n.into()));
        let sums = committed(columns.iter().zip(&amounts));
        assert_eq!(sums.total, Some(290.into()));
        assert!(sums.existing);
        assert_eq!(
            sums.funds,
            [("f1".to_owned(), 250.into()), ("f2".to_owned(), 40.into())]
        );
    }

    #[test]
    fn amounts_in_two_currencies_have_no_total() {
        let columns = [column("f1", "hard", "EUR"), column("f2", "hard", "USD")];
        let amounts = [Value::Number(1.into()), Value::Number(2.into())];
        let sums = committed(columns.iter().zip(&amounts));
        assert_eq!((sums.total, sums.existing), (None, false));
    }

    #[test]
    fn reminders_and_staleness_turn_on_their_day() {
        let today: Date = "2026-03-31".parse().unwrap();
        let due = |on: &str| Around {
            tasks: 1,
            due_on: Some(on.parse().unwrap()),
            last_contact_at: None,
        };
        assert_eq!(reminder(&due("2026-03-30"), today), Some("overdue"));
        assert_eq!(reminder(&due("2026-04-07"), today), Some("due_soon"));
        assert_eq!(reminder(&due("2026-04-08"), today), Some("open"));
        assert_eq!(reminder(&Around::default(), today), None);
        let contacted = |on: &str| {
            let at = format!("{on}T12:00:00Z")
                .parse::<jiff::Timestamp>()
                .unwrap();
            let around = Around {
                last_contact_at: Some(at.as_millisecond()),
                ..Around::default()
            };
            staleness(&around, 0, today, &TimeZone::UTC)
        };
        assert_eq!(contacted("2026-03-02"), "fresh");
        assert_eq!(contacted("2026-03-01"), "ageing");
        assert_eq!(contacted("2026-01-30"), "stale");
    }
}
