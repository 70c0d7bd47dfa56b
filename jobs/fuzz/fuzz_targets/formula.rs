//! Any text: compiles or has a problem inside it; what compiles evaluates without a
//! panic, and means the same after it was stored.
#![no_main]
#![allow(dead_code, missing_docs, reason = "the module is included, not linked")]

use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;

#[path = "../../src/formula/mod.rs"]
pub mod formula;

use formula::{Field, Moment, Options, RowFacts, Type, Value};

fn cells() -> Vec<(Field, Value)> {
    let field = |id: &str, kind| Field {
        id: format!("id{id}"),
        name: id.to_owned(),
        kind,
        computed: false,
    };
    let date = jiff::civil::date(2026, 1, 31);
    vec![
        (field("N", Type::Number), Value::Number("12.5".parse().unwrap())),
        (field("T", Type::Text), "Zürich 👍 2026-03-29".into()),
        (field("D", Type::Date), date.into()),
        (field("I", Type::DateTime), Value::DateTime("2026-03-29T01:30:00Z".parse().unwrap())),
        (field("B", Type::Boolean), true.into()),
        (field("E", Type::Number), Value::Blank),
        (field("L", Type::List), vec!["a".into(), Value::Blank, 3.into()].into()),
    ]
}

fuzz_target!(|source: &str| {
    let cells = cells();
    let fields: Vec<Field> = cells.iter().map(|(field, _)| field.clone()).collect();
    let options = Options { airtable_compatible: source.len() % 2 == 1 };
    let _ = formula::compile_stored(source, &fields);
    let _ = formula::display(source, &fields);
    let formula = match formula::compile_with(source, &fields, options) {
        Ok(formula) => formula,
        Err(problem) => {
            assert!(problem.start <= problem.end);
            assert!(problem.end <= source.chars().count());
            return;
        }
    };
    let moment = Moment {
        now: "2026-03-31T23:30:00Z".parse().unwrap(),
        today: jiff::civil::date(2026, 4, 1),
        zone: TimeZone::get("Europe/Zurich").unwrap(),
    };
    let row = RowFacts { id: "r", created_at: moment.now, modified_at: moment.now };
    let value = |formula: &formula::Formula| {
        let slots: Vec<&Value> = formula
            .inputs()
            .iter()
            .map(|id| &cells.iter().find(|(f, _)| f.id == *id).unwrap().1)
            .collect();
        let value = formula.evaluate(&row, &|slot| slots[slot], &moment);
        let steps = formula.explain(&row, &|slot| slots[slot], &moment);
        assert_eq!(steps.last().unwrap().value, value);
        value
    };
    let once = value(&formula);
    let again = formula::compile_stored_with(&formula.stored(), &fields, options).unwrap();
    assert_eq!(value(&again), once);
    assert_eq!(formula::display(&formula.stored(), &fields), again.source());
});
