//! The ledger of one fund read from its beginning: what everybody has in it, and
//! the totals of that, after any of its events. Pure.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::funds::STAGES;

/// Stages of which the furthest counts, the furthest last: whoever comes back
/// after declining counts as what they say now.
const RANK: [&str; 6] = ["target", "declined", "soft", "hard", "signed", "wired"];
/// Stages at which an amount is committed.
pub const COMMITTED: [&str; 3] = ["hard", "signed", "wired"];

/// What one investor has in the fund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Position {
    /// The investor's row.
    pub row_id: String,
    /// The furthest stage with an amount.
    pub stage: String,
    /// Decimal text, in the fund's currency.
    pub amount: String,
    /// The day of the event that made it so.
    pub since: String,
}

/// Sum of one stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StageTotal {
    /// `target` … `wired`, or `declined`.
    pub stage: String,
    /// Sum, decimal text.
    pub amount: String,
    /// Investors who stand there.
    pub investors: usize,
    /// Percent that counts in the weighted total.
    pub weight: u32,
}

/// Where a fund stands at the end of a day. Everybody counts once, at their
/// furthest stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// The day.
    pub as_of: String,
    /// ISO 4217 code.
    pub currency: String,
    /// Per stage, in order; all of them.
    pub stages: Vec<StageTotal>,
    /// Hard, signed and wired together.
    pub committed: String,
    /// Investors among those.
    pub committed_investors: usize,
    /// Every stage's sum times its weight.
    pub weighted: String,
    /// Committed in percent of the target, if there is one.
    pub percent_of_target: Option<String>,
    /// What the hard cap leaves room for, if there is one; negative beyond it.
    pub room_under_cap: Option<String>,
}

/// The sums at the end of a day on which something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// The day.
    pub on: String,
    /// Hard, signed and wired.
    pub committed: Decimal,
    /// Soft.
    pub soft: Decimal,
    /// Wired.
    pub wired: Decimal,
}

/// One event, as far as the book needs it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Entry {
    /// The investor.
    pub row_id: String,
    /// The stage of the column.
    pub stage: String,
    /// The column.
    pub column_id: String,
    /// What it holds after the event, decimal text.
    pub after: Option<String>,
    /// The day it counts from.
    pub happened_on: String,
}

#[derive(Default)]
struct Holding {
    /// Column → stage and amount.
    columns: BTreeMap<String, (usize, Decimal)>,
    since: String,
}

impl Holding {
    /// Rank and sum of the furthest stage with an amount.
    fn furthest(&self) -> Option<(usize, Decimal)> {
        let rank = self.columns.values().map(|(rank, _)| *rank).max()?;
        let at = self.columns.values().filter(|(r, _)| *r == rank);
        Some((rank, at.map(|(_, amount)| *amount).sum()))
    }
}

/// What everybody has in a fund, event by event.
#[derive(Default)]
pub struct Book {
    holdings: HashMap<String, Holding>,
    sums: [Decimal; RANK.len()],
    counts: [usize; RANK.len()],
    days: Vec<Day>,
}

impl Book {
    /// Takes in the next event; they come by day, then in the order of writing.
    pub fn enter(&mut self, entry: &Entry) {
        let Some(rank) = RANK.iter().position(|s| *s == entry.stage) else {
            return;
        };
        let holding = self.holdings.entry(entry.row_id.clone()).or_default();
        let before = holding.furthest();
        let amount = entry
            .after
            .as_deref()
            .and_then(|a| Decimal::from_str_exact(a).ok())
            .filter(|a| !a.is_zero());
        match amount {
            Some(amount) => holding
                .columns
                .insert(entry.column_id.clone(), (rank, amount)),
            None => holding.columns.remove(&entry.column_id),
        };
        let after = holding.furthest();
        if before == after {
            return;
        }
        entry.happened_on.clone_into(&mut holding.since);
        if let Some((rank, amount)) = before {
            self.sums[rank] -= amount;
            self.counts[rank] -= 1;
        }
        if let Some((rank, amount)) = after {
            self.sums[rank] += amount;
            self.counts[rank] += 1;
        }
        let day = Day {
            on: entry.happened_on.clone(),
            committed: COMMITTED.iter().map(|s| self.sum(s)).sum(),
            soft: self.sum("soft"),
            wired: self.sum("wired"),
        };
        match self.days.last_mut().filter(|last| last.on == day.on) {
            Some(last) => *last = day,
            None => self.days.push(day),
        }
    }

    fn sum(&self, stage: &str) -> Decimal {
        RANK.iter()
            .position(|s| *s == stage)
            .map_or(Decimal::ZERO, |rank| self.sums[rank])
    }

    fn count(&self, stage: &str) -> usize {
        RANK.iter()
            .position(|s| *s == stage)
            .map_or(0, |rank| self.counts[rank])
    }

    /// The days on which a sum changed, oldest first.
    pub fn days(self) -> Vec<Day> {
        self.days
    }

    /// What everybody has, the most first; only at this stage, if one is named.
    pub fn positions(&self, stage: Option<&str>) -> Vec<Position> {
        let mut found: Vec<(Decimal, usize, Position)> = self
            .holdings
            .iter()
            .filter_map(|(row, holding)| {
                let (rank, amount) = holding.furthest()?;
                let position = Position {
                    row_id: row.clone(),
                    stage: RANK[rank].to_owned(),
                    amount: amount.normalize().to_string(),
                    since: holding.since.clone(),
                };
                stage
                    .is_none_or(|s| s == RANK[rank])
                    .then_some((amount, rank, position))
            })
            .collect();
        found.sort_by(|a, b| (b.1, b.0, &a.2.row_id).cmp(&(a.1, a.0, &b.2.row_id)));
        found.into_iter().map(|(_, _, position)| position).collect()
    }

    /// The sums now, against what the fund aims at.
    pub fn totals(&self, fund: &crate::funds::FundTerms, as_of: &str) -> Totals {
        let text = |d: Decimal| d.normalize().to_string();
        let amount =
            |t: &Option<String>| t.as_deref().and_then(|t| Decimal::from_str_exact(t).ok());
        let weight = |stage: &str| fund.weights.get(stage).copied().unwrap_or(0);
        let committed: Decimal = COMMITTED.iter().map(|s| self.sum(s)).sum();
        let weighted: Decimal = STAGES
            .iter()
            .map(|s| self.sum(s) * Decimal::from(weight(s)) / Decimal::ONE_HUNDRED)
            .sum();
        Totals {
            as_of: as_of.to_owned(),
            currency: fund.currency.clone(),
            stages: STAGES
                .iter()
                .map(|stage| StageTotal {
                    stage: (*stage).to_owned(),
                    amount: text(self.sum(stage)),
                    investors: self.count(stage),
                    weight: weight(stage),
                })
                .collect(),
            committed: text(committed),
            committed_investors: COMMITTED.iter().map(|s| self.count(s)).sum(),
            weighted: text(weighted.round_dp(2)),
            percent_of_target: amount(&fund.target)
                .filter(|t| !t.is_zero())
                .map(|t| text((committed * Decimal::ONE_HUNDRED / t).round_dp(1))),
            room_under_cap: amount(&fund.hard_cap).map(|cap| text(cap - committed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(row: &str, stage: &str, after: Option<&str>, on: &str) -> Entry {
        Entry {
            row_id: row.to_owned(),
            stage: stage.to_owned(),
            column_id: stage.to_owned(),
            after: after.map(str::to_owned),
            happened_on: on.to_owned(),
        }
    }

    fn book(entries: &[Entry]) -> Book {
        let mut book = Book::default();
        for entry in entries {
            book.enter(entry);
        }
        book
    }

    #[test]
    fn everybody_counts_once_at_the_furthest_stage() {
        let book = book(&[
            entry("a", "target", Some("10"), "2026-01-01"),
            entry("a", "soft", Some("8"), "2026-01-02"),
            entry("a", "hard", Some("7.5"), "2026-01-03"),
            entry("b", "soft", Some("1"), "2026-01-03"),
        ]);
        let of = |stage: &str| (book.sum(stage).to_string(), book.count(stage));
        assert_eq!(of("target"), ("0".to_owned(), 0));
        assert_eq!(of("soft"), ("1".to_owned(), 1));
        assert_eq!(of("hard"), ("7.5".to_owned(), 1));
        let positions = book.positions(None);
        assert_eq!(positions[0].row_id, "a");
        assert_eq!(
            (positions[0].since.as_str(), positions[0].amount.as_str()),
            ("2026-01-03", "7.5")
        );
    }

    #[test]
    fn who_declined_and_comes_back_counts_again() {
        let mut events = vec![
            entry("a", "target", Some("10"), "2026-01-01"),
            entry("a", "declined", Some("10"), "2026-01-02"),
        ];
        assert_eq!(book(&events).count("declined"), 1);
        events.push(entry("a", "soft", Some("4"), "2026-01-05"));
        let later = book(&events);
        assert_eq!((later.count("declined"), later.count("soft")), (0, 1));
    }

    #[test]
    fn a_day_holds_its_last_sums_and_a_cleared_amount_is_gone() {
        let days = book(&[
            entry("a", "hard", Some("5"), "2026-01-01"),
            entry("a", "hard", Some("6"), "2026-01-01"),
            entry("a", "hard", None, "2026-02-01"),
        ])
        .days();
        let told: Vec<_> = days
            .iter()
            .map(|d| (d.on.as_str(), d.committed.to_string()))
            .collect();
        assert_eq!(
            told,
            [
                ("2026-01-01", "6".to_owned()),
                ("2026-02-01", "0".to_owned())
            ]
        );
    }
}
