//! What the documents claim and code could contradict.

use crm_api::config::TABLE;

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
        .filter(|line| line.starts_with("| `CRM_"))
        .collect();
    let expected: Vec<String> = TABLE
        .iter()
        .map(|setting| {
            let default = match setting.default {
                "" => String::new(),
                default => format!("`{default}`"),
            };
            format!("| `{}` | {default} | {} |", setting.name, setting.meaning)
        })
        .collect();
    assert_eq!(
        rows,
        expected,
        "docs/configuration.md should read:\n{}",
        expected.join("\n")
    );
}
