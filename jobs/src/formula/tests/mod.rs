//! One file for each thing that can be wrong.

mod array_regex_record;
mod dates;
mod explanations;
mod graphs;
mod limits;
mod logic;
mod manual;
mod numbers;
mod problems;
mod properties;
mod semantics;
mod speed;
mod text;

use jiff::civil::date;
use jiff::tz::TimeZone;

use super::{Field, Formula, Moment, Options, RowFacts, Type, Value, compile_with};

fn field(id: &str, name: &str, kind: Type) -> Field {
    Field {
        id: id.to_owned(),
        name: name.to_owned(),
        kind,
        computed: false,
    }
}

/// A row of a fund's table, with its values.
fn cells() -> Vec<(Field, Value)> {
    let number = |text: &str| Value::Number(text.parse().unwrap());
    let instant = |text: &str| Value::DateTime(text.parse().unwrap());
    let list = |items: &[&str]| Value::List(items.iter().map(|i| Value::from(*i)).collect());
    let mut computed = field("f-calc", "Calculated", Type::Number);
    computed.computed = true;
    vec![
        (field("f-name", "Name", Type::Text), "Ada".into()),
        (
            field("f-comm", "Committed", Type::Currency),
            number("1500000.50"),
        ),
        (
            field("f-paid", "Paid in", Type::Currency),
            number("1000000.25"),
        ),
        (field("f-share", "Share", Type::Percent), number("0.25")),
        (field("f-n", "N", Type::Number), number("7")),
        (field("f-zero", "Zero", Type::Number), number("0")),
        (field("f-none", "Empty", Type::Number), Value::Blank),
        (field("f-notext", "No text", Type::Text), Value::Blank),
        (field("f-nodate", "No date", Type::Date), Value::Blank),
        (field("f-due", "Due", Type::Date), date(2026, 1, 31).into()),
        (
            field("f-met", "Met", Type::DateTime),
            instant("2026-03-31T22:05:30Z"),
        ),
        (field("f-done", "Done", Type::Boolean), true.into()),
        (field("f-open", "Open", Type::Boolean), false.into()),
        (
            field("f-tags", "Tags", Type::List),
            list(&["b", "a", "", "b", " "]),
        ),
        (
            field("f-nums", "Numbers", Type::List),
            vec![number("1"), Value::Blank, number("2.5"), number("4")].into(),
        ),
        (field("f-one", "One", Type::List), vec![number("5")].into()),
        (field("f-nil", "Nil", Type::List), Vec::new().into()),
        (
            field("f-mixed", "Mixed", Type::List),
            vec![false.into(), Value::Blank, " ".into(), number("1")].into(),
        ),
        (field("f-odd", "odd {name}\\", Type::Number), number("3")),
        (computed, number("9")),
    ]
}

fn fields() -> Vec<Field> {
    cells().into_iter().map(|(field, _)| field).collect()
}

fn moment() -> Moment {
    Moment {
        now: "2026-03-31T23:30:00Z".parse().unwrap(),
        today: date(2026, 4, 1),
        zone: TimeZone::get("Europe/Zurich").unwrap(),
    }
}

fn row() -> RowFacts<'static> {
    RowFacts {
        id: "rec1",
        created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        modified_at: "2026-02-01T12:00:00Z".parse().unwrap(),
    }
}

fn run(formula: &Formula) -> Value {
    let cells = cells();
    let slots: Vec<&Value> = formula
        .inputs()
        .iter()
        .map(|id| &cells.iter().find(|(f, _)| f.id == *id).unwrap().1)
        .collect();
    formula.evaluate(&row(), &|slot| slots[slot], &moment())
}

fn formula(source: &str) -> Formula {
    formula_with(source, false)
}

fn formula_with(source: &str, airtable_compatible: bool) -> Formula {
    let options = Options {
        airtable_compatible,
    };
    compile_with(source, &fields(), options).unwrap_or_else(|p| panic!("{source}: {p}"))
}

/// The value as text; blank is `∅` to tell it from empty text.
fn shown(value: &Value) -> String {
    match value {
        Value::Blank => "∅".to_owned(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join("|"))
        }
        other => other.text(&moment().zone),
    }
}

fn value(source: &str) -> String {
    shown(&run(&formula(source)))
}

/// Checks each formula's value and tells of all that differ.
fn check(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(source, wanted)| (source, wanted, value(source)))
        .filter(|(_, wanted, got)| *wanted != got)
        .map(|(source, wanted, got)| format!("{source}: {got} instead of {wanted}"))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Whether the source calls this very function, not one whose name ends alike.
fn calls(source: &str, name: &str) -> bool {
    let call = format!("{name}(");
    source
        .match_indices(&call)
        .any(|(at, _)| !source[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}
