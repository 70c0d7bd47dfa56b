//! The states of an import, and jobs that run twice or not to the end.

use crm_jobs::{
    import::{self, ImportError, ImportState, Target},
    queue::{control, inspect},
    testing::TestDb,
};

use super::{ACTOR, apply, drain, load, map, rows, start, upload};

const FILE: &[u8] = b"Name,X\nA,1\nB,2\n";

#[tokio::test]
async fn starting_twice_answers_the_same_job() {
    let t = TestDb::new().await;
    let import = upload(&t, FILE).await;
    let first = start(&t, &import.id).await;
    assert_eq!(start(&t, &import.id).await, first);
    assert_eq!(load(&t, &import.id).await.state, ImportState::Applying);
    drain(&t).await;
    let mut tx = t.db.write().await.unwrap();
    let refused = import::start(&mut tx, &import.id, ACTOR).await.unwrap_err();
    assert!(matches!(refused, ImportError::State { .. }), "{refused}");
    let refused = import::set_mapping(&mut tx, &import.id, &import.mapping).await;
    assert!(matches!(refused, Err(ImportError::State { .. })));
}

#[tokio::test]
async fn a_job_that_runs_twice_writes_once() {
    let t = TestDb::new().await;
    let import = upload(&t, FILE).await;
    let job = start(&t, &import.id).await;
    drain(&t).await;
    let first = load(&t, &import.id).await;
    // As if the worker had died right after its commit: the queue runs it again.
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("update jobs set state = 'available', finished_at = null where id = ?1")
        .bind(job)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    drain(&t).await;
    let story = inspect::story(t.db.read(), job).await.unwrap().unwrap();
    assert_eq!(story.job.state, "done");
    let second = load(&t, &import.id).await;
    assert_eq!(second.change_set_id, first.change_set_id);
    assert_eq!(second.outcome, first.outcome);
    assert_eq!(rows(&t).await.len(), 2);
}

#[tokio::test]
async fn a_cancelled_job_leaves_a_failed_import_that_can_be_reopened() {
    let t = TestDb::new().await;
    let import = upload(&t, FILE).await;
    let job = start(&t, &import.id).await;
    let mut tx = t.db.write().await.unwrap();
    control::cancel(&mut tx, job).await.unwrap();
    tx.commit().await.unwrap();
    let failed = load(&t, &import.id).await;
    assert_eq!(failed.state, ImportState::Failed);
    assert!(failed.error.unwrap().contains("cancelled"));
    let mut tx = t.db.write().await.unwrap();
    let reopened = import::reopen(&mut tx, &import.id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        (reopened.state, reopened.job_id),
        (ImportState::Draft, None)
    );
    apply(&t, &import.id).await;
    assert_eq!(rows(&t).await.len(), 2);
}

#[tokio::test]
async fn a_grid_that_moved_on_fails_the_import_and_changes_nothing() {
    let t = TestDb::new().await;
    let import = upload(&t, FILE).await;
    let mut mapping = import.mapping.clone();
    mapping.columns[1].target = Target::Existing {
        column: "gone".to_owned(),
    };
    map(&t, &import.id, &mapping).await;
    let job = start(&t, &import.id).await;
    drain(&t).await;
    let failed = load(&t, &import.id).await;
    assert_eq!(failed.state, ImportState::Failed);
    assert!(failed.error.unwrap().contains("does not exist any more"));
    let story = inspect::story(t.db.read(), job).await.unwrap().unwrap();
    assert_eq!(story.job.state, "discarded");
    assert_eq!(rows(&t).await.len(), 0);
}

#[tokio::test]
async fn mappings_that_do_not_fit_are_refused() {
    let t = TestDb::new().await;
    let import = upload(&t, FILE).await;
    let mut short = import.mapping.clone();
    short.columns.pop();
    let mut none = import.mapping.clone();
    for column in &mut none.columns {
        column.target = Target::Skip;
    }
    let mut key = import.mapping.clone();
    key.columns[0].target = Target::Skip;
    let mut tx = t.db.write().await.unwrap();
    for (mapping, code) in [
        (short, "mapping_mismatch"),
        (none, "nothing_taken"),
        (key, "invalid_key"),
    ] {
        match import::set_mapping(&mut tx, &import.id, &mapping).await {
            Err(ImportError::Invalid { code: found, .. }) => assert_eq!(found, code),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn imports_are_listed_newest_first() {
    let t = TestDb::new().await;
    let first = upload(&t, FILE).await;
    apply(&t, &first.id).await;
    t.advance(1_000);
    let second = upload(&t, FILE).await;
    let mut conn = t.db.read().acquire().await.unwrap();
    let page = import::list(&mut conn, 1, 10).await.unwrap();
    assert_eq!(page.total, 2);
    assert_eq!(page.imports[0].id, second.id);
    assert_eq!(page.imports[1].result, "2 new");
    assert_eq!(page.imports[1].column_count, 2);
    let mut tx = t.db.write().await.unwrap();
    import::remove(&mut tx, &second.id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(import::list(&mut conn, 1, 10).await.unwrap().total, 1);
}
