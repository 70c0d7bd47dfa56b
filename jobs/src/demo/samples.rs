//! The words the demo is made of, and the dice.

use serde_json::{Value, json};

/// A small deterministic generator (xorshift64*): the demo needs sameness, not
/// secrecy.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// `0..n`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap_or(0) % n.max(1)
    }

    /// True in `percent` of a hundred.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

pub(super) const KINDS: [&str; 7] = [
    "Family office",
    "Fund of funds",
    "Pension fund",
    "Endowment",
    "Foundation",
    "Corporate",
    "Individual",
];
pub(super) const STAGES: [&str; 5] = ["Lead", "Engaged", "Diligence", "Commitment", "Lost"];
pub(super) const TAGS: [&str; 6] = [
    "Returning LP",
    "ESG",
    "Deep tech",
    "Anchor",
    "Referral",
    "Co-invest",
];
pub(super) const CITIES: [&str; 10] = [
    "Zurich",
    "Paris",
    "London",
    "Oslo",
    "Madrid",
    "Singapore",
    "New York",
    "Berlin",
    "Geneva",
    "Milan",
];
pub(super) const FIRST: [&str; 12] = [
    "Ada", "Bruno", "Clara", "Diego", "Elin", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kira",
    "Leo",
];
pub(super) const LAST: [&str; 10] = [
    "Sample",
    "Example",
    "Muster",
    "Placeholder",
    "Specimen",
    "Demo",
    "Fixture",
    "Testa",
    "Modello",
    "Prueba",
];
pub(super) const NOTES: [&str; 8] = [
    "Sample note: asked for the latest quarterly report.",
    "Sample note: wants to see two portfolio companies before the next call.",
    "Sample note: board meets in spring; come back then.",
    "Sample note: prefers a smaller first ticket.",
    "Sample note: sent the data room link.",
    "Sample note: references went well.",
    "Sample note: compares us with two other managers.",
    "Sample note: legal review under way.",
];
pub(super) const STEPS: [&str; 6] = [
    "Send deck",
    "Schedule call",
    "Share data room",
    "Reference calls",
    "Draft side letter",
    "Check in after board",
];
pub(super) const REASONS: [&str; 4] = [
    "Too early",
    "Outside their mandate",
    "Ticket too small",
    "No answer",
];
pub(super) const FUNDS: [(&str, &str, &str, &str); 3] = [
    ("Sample Fund I", "60000000", "75000000", "closed"),
    ("Sample Fund II", "120000000", "150000000", "closed"),
    ("Sample Fund III", "200000000", "250000000", "raising"),
];

/// The columns of the demo, as operations; `funds` are the ids of [`FUNDS`].
pub(super) fn columns(funds: &[String]) -> Value {
    let choices = |names: &[&str]| {
        let mut options = crate::grid::ColumnOptions::default();
        for name in names {
            options.ensure_choice(name);
        }
        json!({"choices": options.choices})
    };
    let commitment = |fund: &str, stage: &str| json!({"currency": "EUR", "commitment": {"fund": fund, "stage": stage}});
    let mut pipeline = choices(&STAGES);
    pipeline["pipeline"] = true.into();
    let formula = |source: &str| json!({ "formula": source });
    let mut expected =
        formula("IF({Fund III signed}, {Fund III signed}, {Fund III target} * {Probability})");
    expected["number_format"] = "currency".into();
    expected["currency"] = "EUR".into();
    let add = |name: &str, kind: &str, options: Value| json!({"op": "add_column", "name": name, "type": kind, "options": options});
    json!([
        add(
            "Name",
            "text",
            json!({"description": "The investor: a person, family office, fund of funds …"})
        ),
        add("Stage", "select", pipeline),
        add("Type", "select", choices(&KINDS)),
        add("Contacts", "contacts", json!({})),
        add(
            "Fund III target",
            "currency",
            commitment(&funds[2], "target")
        ),
        add("Fund III soft", "currency", commitment(&funds[2], "soft")),
        add(
            "Fund III signed",
            "currency",
            commitment(&funds[2], "signed")
        ),
        add("Fund I wired", "currency", commitment(&funds[0], "wired")),
        add("Fund II wired", "currency", commitment(&funds[1], "wired")),
        add("Funds", "funds", json!({})),
        add("Priority", "rating", json!({})),
        add("Tags", "multi_select", choices(&TAGS)),
        add("Follow up", "checkbox", json!({})),
        add("Next step", "text", json!({})),
        add("Next step on", "date", json!({})),
        add("City", "text", json!({})),
        add("Email", "email", json!({})),
        add("Website", "url", json!({})),
        add("Phone", "phone", json!({})),
        add("Probability", "percent", json!({})),
        add("Expected", "formula", expected),
        add(
            "Days to next step",
            "formula",
            formula("IF({Next step on}, DATETIME_DIFF({Next step on}, TODAY(), 'days'))")
        ),
        add("Notes", "long_text", json!({})),
    ])
}

/// Views of the demo beside the usual ones: name and configuration.
pub(super) fn views() -> [(&'static str, Value); 3] {
    [
        (
            "Raise board",
            json!({"layout": "board", "board_column": "stage", "filter": {"all": [{"column": "@list", "op": "is_not", "value": "graveyard"}]},
                   "summaries": {"expected": "sum"}}),
        ),
        (
            "Next steps",
            json!({"layout": "calendar", "date_column": "next_step_on"}),
        ),
        (
            "Fund III by stage",
            json!({
                "groups": [{"column": "stage"}],
                "sorts": [{"column": "expected", "descending": true}],
                "filter": {"all": [
                    {"column": "stage", "op": "is_not", "value": "lost"},
                    {"column": "expected", "op": "gt", "value": "250000"},
                ]},
                "summaries": {"fund_iii_target": "sum", "expected": "sum", "fund_iii_signed": "sum", "name": "filled"},
                "colors": [
                    {"color": "green", "filter": {"all": [{"column": "fund_iii_signed", "op": "not_empty"}]}},
                    {"color": "red", "filter": {"all": [{"column": "days_to_next_step", "op": "lt", "value": "0"}]}},
                ],
                "columns": [
                    {"id": "name"}, {"id": "type"}, {"id": "contacts"}, {"id": "fund_iii_target"}, {"id": "probability"},
                    {"id": "expected"}, {"id": "fund_iii_signed"}, {"id": "next_step"}, {"id": "next_step_on"},
                    {"id": "@staleness", "hidden": false}, {"id": "@reminder", "hidden": false}, {"id": "tags"},
                ],
            }),
        ),
    ]
}
