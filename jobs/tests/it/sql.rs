//! Every SQL literal in the crate is prepared against the migrated schema, so a
//! misspelled column fails here and not in front of a person.

use std::path::Path;

use crm_jobs::testing::TestDb;
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

#[tokio::test]
async fn every_sql_literal_fits_the_schema() {
    let t = TestDb::new().await;
    let mut conn = t.db.read().acquire().await.unwrap();
    let literals = sql_literals(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
    assert!(literals.len() > 40, "found only {}", literals.len());
    let mut wrong = Vec::new();
    for (place, sql) in literals {
        if let Err(error) = (&mut *conn)
            .prepare(AssertSqlSafe(sql.clone()).into_sql_str())
            .await
        {
            wrong.push(format!("{place}: {error}\n{sql}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn sql_literals(dir: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sql_literals(&path));
        } else if path.extension().is_some_and(|x| x == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            found.extend(
                string_literals(&source)
                    .into_iter()
                    .filter(|s| is_sql(s))
                    .map(|s| (path.display().to_string(), s)),
            );
        }
    }
    found
}

/// What stands between double quotes (and between literals: that never looks like SQL).
fn string_literals(source: &str) -> Vec<String> {
    source.split('"').skip(1).map(str::to_owned).collect()
}

fn is_sql(text: &str) -> bool {
    let starts = |verbs: &[&str]| verbs.iter().any(|verb| text.starts_with(verb));
    // The one statement with a place for a table name is tried by the backup tests.
    !text.ends_with("{}")
        && starts(&[
            "select ",
            "insert into ",
            "update ",
            "delete from ",
            "with ",
        ])
        && (starts(&["select "])
            || [" from ", " set ", " values"]
                .iter()
                .any(|w| text.contains(w)))
}

#[test]
fn the_scan_sees_sql_and_leaves_prose() {
    assert!(is_sql("select 1"));
    assert!(is_sql("update jobs set x = 1"));
    assert!(!is_sql("with a word of prose"));
}
