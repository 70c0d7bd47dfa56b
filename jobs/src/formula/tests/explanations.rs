use super::{cells, formula, moment, row, run};
use crate::formula::{Formula, Step, Value};

fn explain(formula: &Formula) -> Vec<Step> {
    let cells = cells();
    let slots: Vec<&Value> = formula
        .inputs()
        .iter()
        .map(|id| &cells.iter().find(|(f, _)| f.id == *id).unwrap().1)
        .collect();
    formula.explain(&row(), &|slot| slots[slot], &moment())
}

fn lines(source: &str) -> Vec<String> {
    explain(&formula(source))
        .iter()
        .map(|step| format!("{} → {}", step.source, step.text))
        .collect()
}

#[test]
fn every_step_is_shown_inner_ones_first() {
    assert_eq!(
        lines("IF({Committed} > 0, ({Committed} - {Paid in}) / N * 2, 1/0)"),
        [
            "{Committed} → 1500000.5",
            "0 → 0",
            "{Committed} > 0 → 1",
            "{Committed} → 1500000.5",
            "{Paid in} → 1000000.25",
            "({Committed} - {Paid in}) → 500000.25",
            "N → 7",
            "2 → 2",
            "({Committed} - {Paid in}) / N → 71428.607142857142857142857143",
            "({Committed} - {Paid in}) / N * 2 → 142857.21428571428571428571429",
            "1 → 1",
            "0 → 0",
            "1/0 → #DIV/0!",
            "IF({Committed} > 0, ({Committed} - {Paid in}) / N * 2, 1/0) → 142857.21428571428571428571429",
        ]
    );
}

#[test]
fn spans_count_characters_of_today_s_names() {
    let stored = formula("'Zürich👍' & {Name}").stored();
    let mut fields = super::fields();
    fields[0].name = "Ein längerer Name".to_owned();
    let formula = crate::formula::compile_stored(&stored, &fields).unwrap();
    let chars: Vec<char> = formula.source().chars().collect();
    for step in explain(&formula) {
        let marked: String = chars[step.start..step.end].iter().collect();
        assert_eq!(marked, step.source);
    }
    assert_eq!(explain(&formula)[1].source, "{Ein längerer Name}");
}

#[test]
fn the_last_step_is_the_value() {
    for source in ["IF({Done}, 5, 'x')", "1", "TODAY()", "{Tags} & 1/0"] {
        let formula = formula(source);
        assert_eq!(
            explain(&formula).last().unwrap().value,
            run(&formula),
            "{source}"
        );
    }
}
