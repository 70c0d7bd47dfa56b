use super::fields;
use crate::formula::{Problem, compile, compile_stored};

fn problem(source: &str) -> Problem {
    compile(source, &fields()).expect_err(source)
}

/// Source, code, the characters marked, suggestion.
const CASES: &[(&str, &str, &str, Option<&str>)] = &[
    (
        "{Commited} + 1",
        "unknown_column",
        "{Commited}",
        Some("{Committed}"),
    ),
    (
        "1 + committed",
        "unknown_column",
        "committed",
        Some("{Committed}"),
    ),
    (
        "'Zürich👍' & {Nme}",
        "unknown_column",
        "{Nme}",
        Some("{Name}"),
    ),
    (
        "{Wholly other thing}",
        "unknown_column",
        "{Wholly other thing}",
        None,
    ),
    ("{Paid in", "unclosed_column", "{Paid in", None),
    ("TODAY", "unknown_column", "TODAY", Some("TODAY()")),
    ("1 + SUMM(1, 2)", "unknown_function", "SUMM", Some("SUM")),
    (
        "DATETIMEDIFF(1, 2)",
        "unknown_function",
        "DATETIMEDIFF",
        Some("DATETIME_DIFF"),
    ),
    ("FROBNICATE(1)", "unknown_function", "FROBNICATE", None),
    ("1 + LEFT('a')", "argument_count", "LEFT('a')", None),
    ("TODAY(1)", "argument_count", "TODAY(1)", None),
    ("IF(1)", "argument_count", "IF(1)", None),
    ("1 +", "unexpected", "", None),
    ("1 2", "unexpected", "2", None),
    ("= 1", "unexpected", "=", None),
    ("SUM(1,,2)", "unexpected", ",", None),
    ("1)", "unexpected", ")", None),
    ("  ", "empty", "", None),
    ("SUM(1, (2", "unclosed_parenthesis", "(", None),
    ("'abc", "unclosed_text", "'abc", None),
    ("1.2.3", "bad_number", "1.2.3", None),
    ("1 <> 2", "bad_character", "<>", Some("!=")),
    ("1 == 2", "bad_character", "==", Some("=")),
    ("2 ^ 3", "bad_character", "^", None),
    ("5%", "bad_character", "%", None),
    ("\u{201c}a\u{201d}", "bad_character", "\u{201c}", Some("\"")),
    ("IF(1; 2; 3)", "bad_character", ";", Some(",")),
    ("1 # 2", "bad_character", "#", None),
    (
        "DATEADD({Due}, 1, 'fortnights')",
        "bad_unit",
        "'fortnights'",
        None,
    ),
    (
        "SET_TIMEZONE({Met}, 'Mars/Olympus')",
        "bad_zone",
        "'Mars/Olympus'",
        None,
    ),
    ("REGEX_MATCH({Name}, '(a')", "bad_pattern", "'(a'", None),
    (
        "REGEX_MATCH({Name}, '(\\\\w{200}){200}')",
        "bad_pattern",
        "'(\\\\w{200}){200}'",
        None,
    ),
    (
        "LAST_MODIFIED_TIME({Calculated})",
        "computed_column",
        "{Calculated}",
        None,
    ),
    ("LAST_MODIFIED_TIME(N + 1)", "not_a_column", "N + 1", None),
    (
        "LAST_MODIFIED_TIME(N) & LAST_MODIFIED_TIME()",
        "mixed_watch",
        "LAST_MODIFIED_TIME()",
        None,
    ),
];

#[test]
fn problems_say_where_and_what_instead() {
    for (source, code, marked, suggestion) in CASES {
        let problem = problem(source);
        assert_eq!(problem.code, *code, "{source}: {}", problem.message);
        let chars: Vec<char> = source.chars().collect();
        let span: String = chars[problem.start..problem.end].iter().collect();
        assert_eq!(span, *marked, "{source}");
        assert_eq!(problem.suggestion.as_deref(), *suggestion, "{source}");
    }
}

#[test]
fn messages_are_for_people() {
    assert_eq!(
        problem("{Commited}").message,
        "no column `{Commited}`: did you mean `{Committed}`?"
    );
    assert_eq!(
        problem("LEFT('a')").message,
        "LEFT takes 2 arguments, not 1: LEFT(text, count)"
    );
    assert_eq!(
        problem("CONCATENATE()").message,
        "CONCATENATE takes at least 1 argument, not 0: CONCATENATE(text, …)"
    );
}

#[test]
fn a_stored_formula_survives_renaming() {
    let mut fields = fields();
    let source = "{Committed} - Paid_in + {odd \\{name\\}\\\\}";
    fields[2].name = "Paid_in".to_owned();
    let stored = compile(source, &fields).unwrap().stored();
    assert_eq!(stored, "{#f-comm} - {#f-paid} + {#f-odd}");
    fields[1].name = "Zugesagt {CHF}".to_owned();
    let shown = crate::formula::display(&stored, &fields);
    assert_eq!(
        shown,
        "{Zugesagt \\{CHF\\}} - {Paid_in} + {odd \\{name\\}\\\\}"
    );
    let again = compile_stored(&stored, &fields).unwrap();
    assert_eq!(again.source(), shown);
    assert_eq!(again.inputs(), ["f-comm", "f-paid", "f-odd"]);
    assert_eq!(compile(&shown, &fields).unwrap().stored(), stored);
}

#[test]
fn a_column_that_is_gone_is_named_by_id() {
    let stored = "{#f-n} + {#f-gone}";
    assert_eq!(
        crate::formula::display(stored, &fields()),
        "{N} + {#f-gone}"
    );
    let problem = compile_stored(stored, &fields()).unwrap_err();
    assert_eq!(problem.code, "unknown_column");
    // In what people see, not in what is stored.
    assert_eq!((problem.start, problem.end), (6, 15));
}

#[test]
fn a_text_that_looks_like_a_reference_stays_text() {
    assert_eq!(
        compile("'{N}' & N", &fields()).unwrap().stored(),
        "'{N}' & {#f-n}"
    );
}
