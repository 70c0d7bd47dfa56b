use super::{check, formula, formula_with, run, shown};
use crate::formula::Type;

#[test]
fn operators_bind_as_in_spreadsheets() {
    check(&[
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 4 - 3", "3"),
        ("8 / 4 / 2", "1"),
        ("-2 * -3", "6"),
        ("2 - -3", "5"),
        ("--5", "5"),
        ("1 & 2 + 3", "15"),
        ("1 & 2 = '12'", "1"),
        ("1 + 1 = 2", "1"),
        ("3 > 2 > 1", "0"),
        ("1 = 1 = 1", "1"),
        ("5 != 5", "0"),
        ("2 <= 2", "1"),
        ("2 >= 3", "0"),
    ]);
}

#[test]
fn money_is_exact() {
    check(&[
        ("0.1 + 0.2", "0.3"),
        ("0.1 + 0.2 = 0.3", "1"),
        ("{Committed} - {Paid in}", "500000.25"),
        ("{Committed} - {Paid in} = 500000.25", "1"),
        ("1.10", "1.1"),
        ("1/0", "#DIV/0!"),
        ("79228162514264337593543950335 * 2", "#OVERFLOW!"),
        ("100 / 3 * 0", "0"),
    ]);
}

#[test]
fn blank_counts_as_zero_in_sums_but_does_not_equal_it() {
    check(&[
        ("{Empty} + 1", "1"),
        ("5 * {Empty}", "0"),
        ("1 / {Empty}", "#DIV/0!"),
        ("-{Empty}", "0"),
        ("{Empty} = 0", "0"),
        ("{Empty} != 0", "1"),
        ("{Empty} = ''", "1"),
        ("{Empty} = BLANK()", "1"),
        ("{No text} = ''", "1"),
        ("{Zero} = BLANK()", "0"),
        ("{Open} = BLANK()", "1"),
        ("{Done} = BLANK()", "0"),
        ("{Empty} < 5", "0"),
        ("{Empty} > -5", "0"),
        ("{No text} < 'a'", "1"),
        ("{No date} < {Due}", "0"),
        ("IF({Empty}, 1, 2)", "2"),
        ("'' + 1", "1"),
        ("{Nil} = BLANK()", "1"),
    ]);
}

#[test]
fn blank_is_zero_where_a_formula_follows_airtable() {
    for (source, wanted) in [
        ("{Empty} = 0", "1"),
        ("{Zero} = BLANK()", "1"),
        ("{Empty} = ''", "1"),
        ("{Zero} = ''", "0"),
        ("{Empty} < 5", "1"),
        ("{Empty} > -5", "1"),
        ("{No date} < {Due}", "0"),
        ("SWITCH({Empty}, 0, 'a', 'b')", "a"),
        ("YEAR({No date})", "#DATE!"),
        ("{Empty} + 1", "1"),
        ("MIN({Empty}, 3)", "3"),
    ] {
        assert_eq!(shown(&run(&formula_with(source, true))), wanted, "{source}");
    }
}

#[test]
fn kinds_are_told_apart() {
    check(&[
        ("'5' = 5", "0"),
        ("'5' + 1", "#NUM!"),
        ("'a' = 'A'", "0"),
        ("'a' < 'b'", "1"),
        ("'10' < '9'", "1"),
        ("'a' < 5", "#NUM!"),
        ("TRUE() = 1", "1"),
        ("{Done} + 1", "2"),
        ("{Due} + 1", "#NUM!"),
        ("{Due} = '2026-01-31'", "1"),
        ("{Due} = 'soon'", "0"),
        ("{Due} < '2026-02-01'", "1"),
        ("{Due} < 'soon'", "#DATE!"),
        ("{Due} < {Met}", "1"),
        ("{Due} & ''", "2026-01-31"),
        ("{Met} & ''", "2026-04-01T00:05:30+02:00"),
        ("{Committed} & ''", "1500000.5"),
        ("{Done} & {Open}", "10"),
        ("{Tags} = 'b, a, , b,  '", "1"),
        ("{One} + 1", "6"),
        ("{One} = 5", "1"),
        ("{Numbers} + 1", "#NUM!"),
        ("ERROR() = ERROR()", "#ERROR!"),
        ("'a\\n\\t\\'\\\"\\\\d' & \"'\"", "a\n\t'\"\\d'"),
    ]);
}

#[test]
fn names_may_be_bare_braced_or_escaped() {
    check(&[
        ("N", "7"),
        ("{N}", "7"),
        ("N*2", "14"),
        ("{odd \\{name\\}\\\\} + 1", "4"),
        ("iF(N = 1, 1, 2)", "2"),
    ]);
}

#[test]
fn the_result_has_a_type() {
    for (source, wanted) in [
        ("{Committed} - {Paid in}", Type::Currency),
        ("{Committed} * {Share}", Type::Currency),
        ("{Committed} * 2 + 1", Type::Currency),
        ("{Committed} / {Paid in}", Type::Number),
        ("{Committed} / 2", Type::Currency),
        ("1 - {Share}", Type::Percent),
        ("{Committed} + {Share}", Type::Number),
        ("ROUND({Committed}, 2)", Type::Currency),
        ("MAX({Committed}, 0)", Type::Currency),
        ("-{Share}", Type::Percent),
        ("N > 1", Type::Boolean),
        ("N & ''", Type::Text),
        ("{Tags}", Type::List),
        ("IF({Done}, 1, 2)", Type::Number),
        ("IF({Done}, {Committed})", Type::Currency),
        ("IF({Done}, 1, '')", Type::Text),
        ("IF({Done}, 1, ERROR())", Type::Number),
        ("IF({Done}, {Due}, {Met})", Type::DateTime),
        ("IF({Done}, {Due}, 'later')", Type::Text),
        ("SWITCH(N, 1, 'a', 2, 'b')", Type::Text),
        ("SWITCH(N, 1, {Due}, 2, {Due}, BLANK())", Type::Date),
        ("SWITCH(N, 1, {Due}, 'x')", Type::Text),
        ("BLANK()", Type::Blank),
        ("ERROR()", Type::Error),
    ] {
        assert_eq!(formula(source).result_type(), wanted, "{source}");
    }
}

/// A column of text holds text, so that it sorts and filters as text.
#[test]
fn a_value_is_of_the_column_s_type() {
    use crate::formula::Value;
    assert_eq!(run(&formula("IF({Done}, 5.50, 'x')")), Value::from("5.5"));
    assert_eq!(run(&formula("IF({Done}, TRUE(), 2)")), Value::from(1));
    let mixed = run(&formula("IF({Done}, {Due}, {Met})"));
    assert!(matches!(mixed, Value::DateTime(_)), "{mixed:?}");
}
