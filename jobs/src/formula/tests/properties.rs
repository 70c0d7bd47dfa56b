use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{cells, fields, moment, row};
use crate::formula::{
    Formula, Options, Type, Value, compile, compile_stored, compile_with, display, functions,
};

fn leaf() -> impl Strategy<Value = String> {
    let names: Vec<String> = fields()
        .iter()
        .map(|f| super::super::lexer::braced(&f.name))
        .collect();
    let constants = [
        "0",
        "1",
        "-1",
        "2.5",
        "28",
        "99999999999999999999",
        "0.0000000000000000000000000001",
        "''",
        "'a'",
        "'days'",
        "'M'",
        "'ms'",
        "'2026-02-30'",
        "'2026-03-29 02:30'",
        "'1,234.5'",
        "'YYYY-MM-DD LLLL X'",
        "'Monday'",
        "'[a-z]+'",
        "'(.)(.*)'",
        "'$2$1'",
        "'Asia/Tokyo'",
        "'9999-12-31'",
        "'0001-01-01'",
        "'👍ß'",
    ];
    prop_oneof![
        prop::sample::select(names),
        prop::sample::select(constants.to_vec()).prop_map(str::to_owned),
    ]
}

/// Sources that mostly compile: every operator, and every function with as many
/// arguments as it takes.
fn source() -> impl Strategy<Value = String> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        let operators = vec!["+", "-", "*", "/", "&", "=", "!=", "<", ">", "<=", ">="];
        let table: Vec<_> = functions().collect();
        prop_oneof![
            (
                inner.clone(),
                prop::sample::select(operators),
                inner.clone()
            )
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            inner.clone().prop_map(|a| format!("-{a}")),
            (
                prop::sample::select(table),
                prop::collection::vec(inner, 5),
                any::<prop::sample::Index>(),
            )
                .prop_map(|(function, arguments, extra)| {
                    let most = function.max.unwrap_or(5);
                    let count = function.min + extra.index(most - function.min + 1);
                    format!("{}({})", function.name, arguments[..count].join(", "))
                }),
        ]
    })
}

fn value_of(formula: &Formula) -> Value {
    let cells = cells();
    let slots: Vec<&Value> = formula
        .inputs()
        .iter()
        .map(|id| &cells.iter().find(|(f, _)| f.id == *id).unwrap().1)
        .collect();
    let value = formula.evaluate(&row(), &|slot| slots[slot], &moment());
    let steps = formula.explain(&row(), &|slot| slots[slot], &moment());
    assert_eq!(steps.last().unwrap().value, value);
    value
}

fn money() -> impl Strategy<Value = Decimal> {
    (any::<i64>(), 0..=4_u32).prop_map(|(digits, scale)| Decimal::new(digits / 1_000, scale))
}

fn number(source: &str) -> Decimal {
    match super::run(&super::formula(source)) {
        Value::Number(number) => number,
        other => panic!("{source}: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_compiles_or_has_a_problem_in_it(text in "\\PC{0,60}") {
        if let Err(problem) = compile(&text, &fields()) {
            let length = text.chars().count();
            prop_assert!(problem.start <= problem.end && problem.end <= length);
        }
        let _ = compile_stored(&text, &fields());
        let _ = display(&text, &fields());
    }

    #[test]
    fn any_tokens_compile_or_have_a_problem(
        tokens in prop::collection::vec(
            prop::sample::select(vec![
                "(", ")", ",", "+", "-", "&", "=", "<", "IF(", "SUM(", "{N}", "N", "{", "}", "'",
                "\"", "\\", "1", ".", "TODAY()", " ", "#", "{#f-n}",
            ]),
            0..30,
        )
    ) {
        let text = tokens.concat();
        if let Err(problem) = compile(&text, &fields()) {
            prop_assert!(problem.start <= problem.end);
            prop_assert!(problem.end <= text.chars().count());
        }
        let _ = compile_stored(&text, &fields());
    }

    #[test]
    fn evaluation_gives_a_value_of_the_declared_type(source in source(), airtable in any::<bool>()) {
        let options = Options { airtable_compatible: airtable };
        let Ok(formula) = compile_with(&source, &fields(), options) else { return Ok(()) };
        let value = value_of(&formula);
        let fits = match formula.result_type() {
            Type::Text => matches!(value, Value::Text(_)),
            Type::Number => matches!(value, Value::Number(_)),
            Type::Currency | Type::Percent => matches!(value, Value::Number(_) | Value::Boolean(_)),
            Type::Date => matches!(value, Value::Date(_)),
            Type::DateTime => matches!(value, Value::DateTime(_)),
            Type::Boolean => matches!(value, Value::Boolean(_)),
            Type::List => matches!(value, Value::List(_)),
            Type::Blank | Type::Error => false,
        };
        prop_assert!(fits || matches!(value, Value::Blank | Value::Error(_)), "{source}: {value:?}");
    }

    #[test]
    fn renaming_changes_no_value(source in source(), suffix in "[a-z{}\\\\ ]{1,5}") {
        let Ok(formula) = compile(&source, &fields()) else { return Ok(()) };
        let stored = formula.stored();
        let mut renamed = fields();
        for field in &mut renamed {
            field.name.push_str(&suffix);
        }
        let again = compile_stored(&stored, &renamed).unwrap();
        prop_assert_eq!(value_of(&again), value_of(&formula));
        prop_assert_eq!(again.source(), display(&stored, &renamed));
        let typed = compile(&display(&stored, &renamed), &renamed).unwrap();
        prop_assert_eq!(typed.stored(), stored);
        prop_assert_eq!(typed.inputs(), formula.inputs());
    }

    #[test]
    fn sums_of_money_are_exact(a in money(), b in money()) {
        prop_assert_eq!(number(&format!("({a}) + ({b}) - ({b})")), a);
        prop_assert_eq!(number(&format!("({a}) - ({b})")), -number(&format!("({b}) - ({a})")));
    }

    #[test]
    fn rounding_keeps_its_laws(n in money(), places in -6..=6_i32) {
        let call = |name: &str| number(&format!("{name}({n}, {places})"));
        let (round, up, down) = (call("ROUND"), call("ROUNDUP"), call("ROUNDDOWN"));
        let step = (0..places.abs()).fold(Decimal::ONE, |s, _| if places > 0 { s / Decimal::TEN } else { s * Decimal::TEN });
        for rounded in [round, up, down] {
            prop_assert!((rounded % step).is_zero());
        }
        prop_assert!((round - n).abs() * Decimal::TWO <= step);
        // Exactly between two, the one above.
        if (round - n).abs() * Decimal::TWO == step { prop_assert!(round > n); }
        prop_assert!(down.abs() <= n.abs() && n.abs() <= up.abs());
        prop_assert!(round == up || round == down);
        prop_assert_eq!(number(&format!("ROUND({round}, {places})")), round);
        let (int, floor, ceiling) = (number(&format!("INT({n})")), number(&format!("FLOOR({n})")), number(&format!("CEILING({n})")));
        prop_assert_eq!(int, floor);
        prop_assert!(floor <= n && n <= ceiling && ceiling - floor <= Decimal::ONE);
    }

    #[test]
    fn remainders_have_the_divisor_s_sign(n in money(), d in money().prop_filter("zero", |d| !d.is_zero())) {
        let rest = number(&format!("MOD({n}, {d})"));
        prop_assert!(rest.abs() < d.abs());
        prop_assert!(rest.is_zero() || rest.is_sign_negative() == d.is_sign_negative());
    }
}
