use super::{calls, check};

const CASES: &[(&str, &str)] = &[
    ("ARRAYJOIN({Tags}, '|')", "b|a||b| "),
    ("ARRAYJOIN({Numbers})", "1, , 2.5, 4"),
    ("ARRAYJOIN({Nil}, '|')", ""),
    ("ARRAYJOIN('x', '|')", "x"),
    ("ARRAYJOIN({Tags}, 1/0)", "#DIV/0!"),
    ("ARRAYUNIQUE({Tags})", "[b|a|| ]"),
    ("ARRAYUNIQUE({Nil})", "[]"),
    ("ARRAYUNIQUE(5)", "[5]"),
    ("ARRAYCOMPACT({Tags})", "[b|a|b| ]"),
    ("ARRAYCOMPACT({Mixed})", "[0| |1]"),
    ("ARRAYCOMPACT({Empty})", "[]"),
    ("ARRAYCOMPACT(ERROR())", "#ERROR!"),
    ("ARRAYSLICE({Numbers}, 3)", "[2.5|4]"),
    ("ARRAYSLICE({Numbers}, 1, 2)", "[1|∅]"),
    ("ARRAYSLICE({Numbers}, -1)", "[4]"),
    ("ARRAYSLICE({Numbers}, -2, -1)", "[2.5|4]"),
    ("ARRAYSLICE({Numbers}, 1, -2)", "[1|∅|2.5]"),
    ("ARRAYSLICE({Numbers}, 0, 99)", "[1|∅|2.5|4]"),
    ("ARRAYSLICE({Numbers}, 9)", "[]"),
    ("ARRAYSLICE({Numbers}, 3, 1)", "[]"),
    ("ARRAYSLICE({Numbers}, -99, 1)", "[1]"),
    ("ARRAYSLICE({Numbers}, 'x')", "#NUM!"),
    ("REGEX_MATCH('fund 3', '\\d+')", "1"),
    ("REGEX_MATCH('fund 3', '\\\\d+')", "1"),
    ("REGEX_MATCH('fund', '^\\d')", "0"),
    ("REGEX_MATCH({Empty}, 'x')", "0"),
    ("REGEX_MATCH('x', '(' & '[')", "#PATTERN!"),
    ("REGEX_EXTRACT('a@b.ch, c@d.ch', '[^ @]+@[^ ,]+')", "a@b.ch"),
    ("REGEX_EXTRACT('abc', '[0-9]+')", "#NOMATCH!"),
    ("REGEX_EXTRACT('Zürich', '\\w+')", "Zürich"),
    ("REGEX_REPLACE('a1b22', '[0-9]+', '#')", "a#b#"),
    (
        "REGEX_REPLACE('Ada Lovelace', '(\\w+) (\\w+)', '$2, $1')",
        "Lovelace, Ada",
    ),
    ("REGEX_REPLACE('ab', '(a)', '$1$1x')", "aaxb"),
    ("REGEX_REPLACE('ab', 'a', '$$ $& $0 $7 $')", "$ a a $7 $b"),
    ("REGEX_REPLACE('abc', '', '-')", "-a-b-c-"),
    ("REGEX_REPLACE('abc', 'x', '-')", "abc"),
    ("REGEX_REPLACE('abc', '(' & '', '-')", "#PATTERN!"),
    ("RECORD_ID()", "rec1"),
    ("LEN(RECORD_ID())", "4"),
    ("CREATED_TIME()", "2026-01-01T01:00:00+01:00"),
    ("YEAR(CREATED_TIME())", "2026"),
    ("LAST_MODIFIED_TIME()", "2026-02-01T13:00:00+01:00"),
    (
        "DATETIME_DIFF(LAST_MODIFIED_TIME({Name}, N), CREATED_TIME(), 'd')",
        "31",
    ),
];

#[test]
fn array_regex_and_record_functions() {
    check(CASES);
}

#[test]
fn watching_is_not_reading() {
    let one = super::formula("LAST_MODIFIED_TIME({Name}, N, {Name}) & {Due}");
    assert_eq!(one.watched(), ["f-n", "f-name"]);
    assert_eq!(one.inputs(), ["f-due"]);
    assert!(!one.watches_all());
    let all = super::formula("LAST_MODIFIED_TIME()");
    assert!(all.watched().is_empty() && all.watches_all());
}

#[test]
fn there_are_72_functions_and_each_has_cases() {
    let every = [
        CASES,
        super::text::CASES,
        super::numbers::CASES,
        super::dates::CASES,
        super::logic::CASES,
    ]
    .concat();
    let names: Vec<&str> = crate::formula::functions().map(|f| f.name).collect();
    assert_eq!(names.len(), 72);
    for name in names {
        let count = every
            .iter()
            .filter(|(source, _)| calls(source, name))
            .count();
        assert!(count >= 2, "{name} has {count} cases");
    }
}
