//! What the documents claim and code could contradict.

use crm_api::config::all_settings;

#[test]
fn the_configuration_table_is_the_codes() {
    let text = include_str!("../../../docs/configuration.md");
    let section = text
        .split("## crm-api")
        .nth(1)
        .expect("a section for crm-api");
    let section = section.split("\n## ").next().unwrap();
    let rows: Vec<&str> = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let expected: Vec<String> = all_settings()
        .map(|(name, default, meaning)| {
            let default = match default {
                "" => String::new(),
                default => format!("`{default}`"),
            };
            format!("| `{name}` | {default} | {meaning} |")
        })
        .collect();
    assert_eq!(
        rows,
        expected,
        "docs/configuration.md should read:\n{}",
        expected.join("\n")
    );
}
