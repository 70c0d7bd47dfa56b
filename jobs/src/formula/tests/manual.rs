use crate::formula::{ALIASES, ErrorValue, Parameter, functions};

const MANUAL: &str = include_str!("../../../../docs/formulas.md");

#[test]
fn the_manual_lists_every_function_as_it_is() {
    let missing: Vec<String> = functions()
        .map(|f| format!("| `{}` | {} |", f.signature, f.help))
        .filter(|line| !MANUAL.lines().any(|l| l == line))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/formulas.md lacks:\n{}",
        missing.join("\n")
    );
    let listed = MANUAL
        .lines()
        .filter(|line| {
            let name = line.strip_prefix("| `").and_then(|l| l.split_once('('));
            name.is_some_and(|(name, _)| {
                !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
            })
        })
        .count();
    assert_eq!(
        listed,
        functions().count(),
        "the manual lists a function that is gone"
    );
    for (alias, name) in ALIASES {
        assert!(MANUAL.contains(&format!("`{alias}` is another name for `{name}`")));
    }
}

#[test]
fn the_manual_lists_every_error() {
    use ErrorValue as E;
    for error in [
        E::Error,
        E::DivisionByZero,
        E::NotANumber,
        E::NotADate,
        E::Overflow,
        E::TooLong,
        E::NoMatch,
        E::BadPattern,
        E::Cycle,
        E::Argument,
    ] {
        assert!(MANUAL.contains(&format!("| `{error}` |")), "{error}");
    }
}

#[test]
fn the_table_agrees_with_itself() {
    for function in functions() {
        let name = function.name;
        assert!(
            function.signature.starts_with(&format!("{name}(")),
            "{name}"
        );
        assert!(function.max.is_none_or(|max| function.min <= max), "{name}");
        let none = function.max == Some(0);
        assert_eq!(none, function.parameters.is_empty(), "{name}");
        assert_eq!(
            function.max.is_none(),
            function.signature.contains('…'),
            "{name}"
        );
        if function.parameters.contains(&Parameter::Column) {
            assert_eq!(function.parameters.len(), 1, "{name}");
        }
        assert!(function.help.ends_with('.'), "{name}");
    }
}
