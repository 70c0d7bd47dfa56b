//! `cargo test --release -p crm-jobs --lib formula -- --ignored --nocapture speed`

use std::io::Write;
use std::time::Instant;

use super::{cells, formula, moment, row};
use crate::formula::{Formula, Value};

const TYPICAL: [&str; 20] = [
    "{Committed} - {Paid in}",
    "{Paid in} / {Committed}",
    "ROUND({Committed} * {Share}, 2)",
    "IF({Committed} > 1000000, 'large', 'small')",
    "IF(AND({Done}, {Committed} > 0), {Paid in}, 0)",
    "{Name} & ' (' & {N} & ')'",
    "DATETIME_DIFF(TODAY(), {Due}, 'days')",
    "DATETIME_DIFF({Met}, {Due}, 'months')",
    "IS_BEFORE({Due}, TODAY())",
    "SWITCH({N}, 1, 'one', 7, 'seven', 'other')",
    "SUM({Committed}, {Paid in}, {Empty})",
    "MAX({Committed}, {Paid in})",
    "({Committed} + {Paid in}) * (1 - {Share}) / 2",
    "YEAR({Due}) & '-' & MONTH({Due})",
    "IF({Empty} = BLANK(), 'missing', {Empty})",
    "DATEADD({Due}, 30, 'days')",
    "UPPER(LEFT({Name}, 1)) & LOWER(MID({Name}, 2, 50))",
    "OR({Done}, {Open}, {N} = 7)",
    "IF(ISERROR({N} / {Zero}), 0, {N} / {Zero})",
    "POWER({Committed} / {Paid in}, 2) - 1",
];

#[test]
#[ignore = "a figure for the manual, of use in a release build only"]
fn twenty_formulas_over_fifty_thousand_rows() {
    const ROWS: u32 = 50_000;
    let cells = cells();
    let moment = moment();
    let compiled: Vec<(Formula, Vec<&Value>)> = TYPICAL
        .iter()
        .map(|source| {
            let formula = formula(source);
            let slots = formula
                .inputs()
                .iter()
                .map(|id| &cells.iter().find(|(f, _)| f.id == *id).unwrap().1)
                .collect();
            (formula, slots)
        })
        .collect();
    let mut out = std::io::stderr();
    let start = Instant::now();
    for (source, (formula, slots)) in TYPICAL.iter().zip(&compiled) {
        let one = Instant::now();
        for _ in 0..ROWS {
            std::hint::black_box(formula.evaluate(&row(), &|slot| slots[slot], &moment));
        }
        let _ = writeln!(
            out,
            "{:>5} ns  {source}",
            one.elapsed().as_nanos() / u128::from(ROWS)
        );
    }
    let total = start.elapsed();
    let _ = writeln!(out, "20 formulas, {ROWS} rows: {total:?}");
    assert!(
        total.as_secs_f64() < 1.0 || cfg!(debug_assertions),
        "{total:?}"
    );
}
