use crm_jobs::{
    clock::SECOND,
    queue::{
        EnqueueOptions, Prepared, control, enqueue, enqueue_many, enqueue_with,
        inspect::{self, JobFilter},
    },
    testing::TestDb,
};

use super::*;

#[tokio::test]
async fn a_job_exists_if_and_only_if_its_transaction_committed() {
    let t = TestDb::new().await;
    let mut tx = t.db.write().await.unwrap();
    enqueue(&mut tx, &Act::named("rolled back")).await.unwrap();
    tx.rollback().await.unwrap();
    put(&t, &Act::named("committed")).await;
    assert_eq!(drain(&t).await, 1);
    assert_eq!((runs("rolled back"), runs("committed")), (0, 1));
}

#[tokio::test]
async fn a_job_for_later_waits_for_its_time() {
    let t = TestDb::new().await;
    let mut tx = t.db.write().await.unwrap();
    let options = EnqueueOptions {
        run_at: Some(t.db.now() + 5 * SECOND),
        ..EnqueueOptions::default()
    };
    let job = Prepared::new(&Act::named("later")).unwrap();
    let id = enqueue_with(&mut tx, &job, &options).await.unwrap().id;
    tx.commit().await.unwrap();
    assert_eq!(drain(&t).await, 0);
    assert_eq!(state(&t, id).await, "scheduled");
    t.advance(5 * SECOND);
    assert_eq!(drain(&t).await, 1);
}

#[tokio::test]
async fn a_key_held_while_queued_meets_the_equal_job() {
    let t = TestDb::new().await;
    let act = Act {
        unique: Some("queued:k".into()),
        ..Act::named("unique queued")
    };
    let first = put(&t, &act).await;
    let second = put(&t, &act).await;
    assert!(first.is_new && !second.is_new && first.id == second.id);
    drain(&t).await;
    assert!(put(&t, &act).await.is_new);
}

#[tokio::test]
async fn a_key_held_for_a_period_outlives_the_job() {
    let t = TestDb::new().await;
    let act = Act {
        unique: Some("period:k".into()),
        ..Act::named("unique period")
    };
    put(&t, &act).await;
    drain(&t).await;
    assert!(!put(&t, &act).await.is_new);
    t.advance(60_001);
    assert!(put(&t, &act).await.is_new);
}

#[tokio::test]
async fn a_thousand_at_once_all_run() {
    let t = TestDb::new().await;
    let many: Vec<Act> = (0..1_000).map(|_| Act::named("many")).collect();
    let mut tx = t.db.write().await.unwrap();
    enqueue_many(&mut tx, &many).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(drain(&t).await, 1_000);
    assert_eq!(runs("many"), 1_000);
    assert_counts_are_true(&t).await;
}

#[tokio::test]
async fn lower_priority_numbers_run_first_and_ids_break_ties() {
    let t = TestDb::new().await;
    let mut ids = Vec::new();
    for (name, priority) in [("p0 a", 0), ("p-10", -10), ("p0 b", 0)] {
        let mut tx = t.db.write().await.unwrap();
        let options = EnqueueOptions {
            priority: Some(priority),
            ..EnqueueOptions::default()
        };
        let act = Act {
            group: Some("one at a time".into()),
            ..Act::named(name)
        };
        ids.push(
            enqueue_with(&mut tx, &Prepared::new(&act).unwrap(), &options)
                .await
                .unwrap()
                .id,
        );
        tx.commit().await.unwrap();
    }
    drain(&t).await;
    let order: Vec<i64> = sqlx::query_scalar("select job_id from job_log order by id")
        .fetch_all(t.db.read())
        .await
        .unwrap();
    assert_eq!(order, [ids[1], ids[0], ids[2]]);
}

#[tokio::test]
async fn a_paused_kind_is_not_claimed_and_holds_up_nothing() {
    let t = TestDb::new().await;
    put(&t, &Act::named("paused")).await;
    let mut tx = t.db.write().await.unwrap();
    control::set_paused(&mut tx, "act", true).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(drain(&t).await, 0);
    let mut tx = t.db.write().await.unwrap();
    control::set_paused(&mut tx, "act", false).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(drain(&t).await, 1);
}

#[tokio::test]
async fn a_kind_nobody_knows_is_kept_and_runs_once_somebody_does() {
    let t = TestDb::new().await;
    let id = put(&t, &Act::named("unknown")).await.id;
    let nobody = crm_jobs::queue::Registry::default();
    crm_jobs::queue::drain(&t.db, &nobody).await.unwrap();
    let kept = story(&t, id).await;
    assert_eq!(
        (kept.job.state.as_str(), kept.job.attempt),
        ("scheduled", 0)
    );
    assert!(kept.attempts[0].error.contains("no such kind"));
    t.advance(60_000);
    drain(&t).await;
    assert_eq!(state(&t, id).await, "done");
}

/// As the release before the rename had it.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct FormerAct(Act);

impl Payload for FormerAct {
    const KIND: &'static str = "former_act";
}

#[tokio::test]
async fn a_renamed_kind_drains_under_its_former_name() {
    let t = TestDb::new().await;
    let id = put(&t, &FormerAct(Act::named("renamed"))).await.id;
    let registry = registry().with_former::<Act>("former_act");
    crm_jobs::queue::drain(&t.db, &registry).await.unwrap();
    assert_eq!(state(&t, id).await, "done");
    assert_counts_are_true(&t).await;
}

#[tokio::test]
async fn lists_page_by_id_and_filter() {
    let t = TestDb::new().await;
    for _ in 0..5 {
        put(&t, &Act::named("listed")).await;
    }
    let filter = JobFilter {
        limit: Some(2),
        ..JobFilter::default()
    };
    let first = inspect::list(t.db.read(), &filter).await.unwrap();
    let next = JobFilter {
        before: Some(first[1].id),
        ..filter
    };
    let second = inspect::list(t.db.read(), &next).await.unwrap();
    assert_eq!(
        first
            .iter()
            .chain(&second)
            .map(|j| j.id)
            .collect::<Vec<_>>(),
        [5, 4, 3, 2]
    );
    let none = JobFilter {
        state: Some("done".into()),
        ..JobFilter::default()
    };
    assert!(inspect::list(t.db.read(), &none).await.unwrap().is_empty());
}
