//! Backups of older releases.

use super::*;

#[tokio::test]
async fn an_older_schema_is_migrated_in_the_scratch_folder() {
    let mut t = TestDb::new().await;
    grid_of_one(&t).await;
    let before = rows(&t.db).await;
    // As the release before this migration left it.
    let older = as_before(
        &t,
        12,
        &[
            "drop index commitment_events_by_time",
            "drop index backups_verified",
            "alter table backups drop column kind",
            "alter table backups drop column recipient",
            "alter table backups drop column second_state",
            "alter table backups drop column second_error",
        ],
    )
    .await;
    add_row(&t, "Later").await;
    let shown = look(&t, older).await.unwrap();
    assert!(shown.schema_version < shown.migrated_to);
    assert!(
        shown.warnings.iter().any(|w| w.contains("older release")),
        "{:?}",
        shown.warnings
    );
    ask(&t, &shown).await.unwrap();
    assert_eq!(carry_out(&mut t).await.phase, Phase::Finished);
    assert_eq!(rows(&t.db).await, before);
    crm_jobs::db::check_schema(&t.db).await.unwrap();
}

/// A copy with the tables of migration `last` and none of later ones; `undone`
/// takes back what those did to tables that were there before.
async fn as_before(t: &TestDb, last: i64, undone: &[&'static str]) -> Source {
    use sqlx::ConnectOptions;
    let source = edited(t, t.dir(), "older.db", "select 1").await;
    let mut conn = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&source.file)
        .foreign_keys(false)
        .connect()
        .await
        .unwrap();
    let there: Vec<String> =
        sqlx::query_scalar("select name from sqlite_schema where type = 'table'")
            .fetch_all(&mut conn)
            .await
            .unwrap();
    for table in there.iter().filter(|table| begins_after(table, last)) {
        let sql = sqlx::AssertSqlSafe(format!("drop table {table}"));
        sqlx::query(sql).execute(&mut conn).await.unwrap();
    }
    for sql in undone {
        sqlx::query(*sql).execute(&mut conn).await.unwrap();
    }
    sqlx::query("delete from _sqlx_migrations where version > ?1")
        .bind(last)
        .execute(&mut conn)
        .await
        .unwrap();
    sqlx::Connection::close(conn).await.unwrap();
    source
}

/// Whether a migration after `last` makes this table.
fn begins_after(table: &str, last: i64) -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    std::fs::read_dir(folder).unwrap().any(|file| {
        let path = file.unwrap().path();
        let number: Option<i64> = path
            .file_name()
            .and_then(|name| name.to_str()?.split('_').next()?.parse().ok());
        number.is_some_and(|number| number > last)
            && std::fs::read_to_string(&path)
                .unwrap()
                .contains(&format!("create table {table} ("))
    })
}
