use std::time::{Duration, Instant};

use super::{fields, formula, moment, row, run, value};
use crate::formula::{ErrorValue, MAX_DEPTH, Value, compile};

/// In half the stack that threads get, in a debug build.
fn in_a_small_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(1024 * 1024)
        .spawn(test)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn deep_nesting_is_a_problem_and_not_a_crash() {
    in_a_small_stack(|| {
        for unit in ["(", "-", "IF(", "{N}+(", "NOT(1=(", "'a'&-("] {
            let source = unit.repeat(9_999 / unit.len());
            let problem = compile(&source, &fields()).unwrap_err();
            assert_eq!(problem.code, "too_deep", "{unit}");
        }
    });
}

#[test]
fn the_deepest_formulas_run() {
    in_a_small_stack(|| {
        for (before, after) in [
            ("(1+", ")"),
            ("-", ""),
            ("IF(TRUE(), ", ")"),
            ("HOUR(IF(1, ", "))"),
            ("DATEADD(", ", 1, 'd')"),
            ("SUBSTITUTE(", ", 'a', 'b')"),
        ] {
            let depth = MAX_DEPTH / before.matches('(').count().max(1) - 1;
            let source = format!("{}{{Due}}{}", before.repeat(depth), after.repeat(depth));
            let formula = formula(&source);
            run(&formula);
            formula.explain(&row(), &|_| &Value::Blank, &moment());
        }
    });
}

#[test]
fn long_chains_are_not_deep() {
    in_a_small_stack(|| {
        assert_eq!(value(&format!("1{}", "+1".repeat(4_999))), "5000");
        assert_eq!(value(&format!("1{}", "&1".repeat(4_999))).len(), 5_000);
        assert_eq!(value(&format!("1{}", "=1".repeat(4_999))), "1");
        let problem = compile(&"1+".repeat(5_001), &fields()).unwrap_err();
        assert_eq!(problem.code, "too_long");
    });
}

#[test]
fn results_are_bounded() {
    for source in [
        "REPT('x', 65537)",
        "REPT('x', 65536) & 'y'",
        "CONCATENATE(REPT('x', 65536), 'y')",
        "SUBSTITUTE(REPT('x', 60000), 'x', 'yy')",
        "REPLACE(REPT('x', 60000), 1, 0, REPT('x', 60000))",
        "REGEX_REPLACE(REPT('x', 60000), 'x', 'yy')",
        "UPPER(REPT('ß', 32768) & 'ŉ')",
        "ENCODE_URL_COMPONENT(REPT('ü', 30000))",
        "ARRAYJOIN({Tags}, REPT('x', 60000))",
        "DATETIME_FORMAT({Due}, REPT('dddd', 16000))",
    ] {
        let value = run(&formula(source));
        let bounded = match &value {
            Value::Error(error) => *error == ErrorValue::TooLong,
            Value::Text(text) => text.len() <= 65_536,
            _ => false,
        };
        assert!(bounded, "{source}");
    }
    assert_eq!(value("LEN(REPT('x', 65536))"), "65536");
}

/// Formulas made to be slow end soon, also in a debug build.
#[test]
fn work_is_bounded() {
    let many = |part: &str, n: usize| vec![part; n].join("+");
    for source in [
        many("LEN(REPT('x',65536))", 470),
        many("FIND('y',REPT('x',65536))", 380),
        "REGEX_REPLACE(REPT('x', 60000), '.*[^A-Z]|[A-Z]', 'y')".to_owned(),
        "REGEX_REPLACE(REPT('a', 60000), 'a.*b|a', 'c')".to_owned(),
        "REGEX_MATCH(REPT('a', 60000), '(a?){500}b')".to_owned(),
        many("REGEX_MATCH(REPT('a', 60000), '(a|b|ab)*c')", 200),
        many("REGEX_MATCH('a', REPT('(a|b)', 100))", 200),
        many("DATETIME_FORMAT(TODAY(), REPT('LLLL', 4000))", 200),
        many(
            "WORKDAY('2026-01-01', 1000000, REPT('2026-01-05,', 5900))",
            100,
        ),
        many("POWER(1.0000001, 9223372036854775807)", 200),
    ] {
        let start = Instant::now();
        run(&formula(&source));
        let took = start.elapsed();
        assert!(took < Duration::from_secs(20), "{source}: {took:?}");
    }
}
