use crm_jobs::{
    clock::{DAY, MINUTE, SECOND},
    queue::{
        Engine, EngineConfig,
        control::{self, Failures},
        inspect,
    },
    testing::TestDb,
};
use tokio_util::sync::CancellationToken;

use super::*;

#[tokio::test]
async fn a_done_job_keeps_its_output_log_and_progress() {
    let t = TestDb::new().await;
    let id = put(&t, &Act::named("story")).await.id;
    drain(&t).await;
    let story = story(&t, id).await;
    assert_eq!(story.job.state, "done");
    assert_eq!(story.output, Some(serde_json::json!({"runs": 1})));
    assert_eq!(story.log[0].line, "run 1 of story");
    assert_eq!(story.job.progress_message.as_deref(), Some("half-way"));
    assert!(story.attempts.is_empty());
}

#[tokio::test]
async fn a_failed_attempt_waits_and_the_last_one_discards() {
    let t = TestDb::new().await;
    let id = put(&t, &Act::how("always fails", How::Fail)).await.id;
    drain(&t).await;
    assert_eq!(state(&t, id).await, "scheduled");
    assert_eq!(drain(&t).await, 0, "the backoff is kept");
    for _ in 0..2 {
        t.advance(MINUTE);
        drain(&t).await;
    }
    let story = story(&t, id).await;
    assert_eq!(
        (story.job.state.as_str(), runs("always fails")),
        ("discarded", 3)
    );
    assert_eq!(story.attempts.len(), 3);
    assert_eq!(story.job.last_error.as_deref(), Some("boom"));
    assert_counts_are_true(&t).await;
}

#[tokio::test]
async fn a_peer_may_say_when_to_come_back() {
    let t = TestDb::new().await;
    let id = put(&t, &Act::how("retry after", How::RetryAfter(42_000)))
        .await
        .id;
    drain(&t).await;
    assert_eq!(story(&t, id).await.job.run_at, t.db.now() + 42_000);
    t.advance(42_000);
    drain(&t).await;
    assert_eq!(state(&t, id).await, "done");
}

#[tokio::test]
async fn giving_up_discards_at_once_and_retry_brings_it_back() {
    let t = TestDb::new().await;
    let id = put(&t, &Act::how("gives up", How::GiveUp)).await.id;
    drain(&t).await;
    assert_eq!(state(&t, id).await, "discarded");
    let groups = inspect::failures(t.db.read()).await.unwrap();
    assert_eq!((groups[0].error.as_str(), groups[0].count), ("hopeless", 1));
    let mut tx = t.db.write().await.unwrap();
    let which = Failures {
        kind: "act".into(),
        error: Some("hopeless".into()),
    };
    assert_eq!(control::retry_all(&mut tx, &which).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(drain(&t).await, 1);
    let mut tx = t.db.write().await.unwrap();
    assert_eq!(control::dismiss_all(&mut tx, &which).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(state(&t, id).await, "cancelled");
}

#[tokio::test]
async fn a_snooze_costs_no_attempt() {
    let t = TestDb::new().await;
    let id = put(&t, &Act::how("snoozes", How::SnoozeOnce(10 * SECOND)))
        .await
        .id;
    drain(&t).await;
    assert_eq!(story(&t, id).await.job.attempt, 0);
    t.advance(10 * SECOND);
    drain(&t).await;
    let job = story(&t, id).await.job;
    assert_eq!((job.state.as_str(), job.attempt), ("done", 1));
}

#[tokio::test]
async fn a_panic_is_a_failed_attempt_and_the_worker_lives() {
    let t = TestDb::new().await;
    let bad = put(&t, &Act::how("panics", How::Panic)).await.id;
    let good = put(&t, &Act::named("beside a panic")).await.id;
    drain(&t).await;
    assert_eq!(state(&t, good).await, "done");
    let story = story(&t, bad).await;
    assert_eq!(story.attempts[0].outcome, "panicked");
    assert_eq!(story.attempts[0].error, "panicked: ouch");
}

#[tokio::test]
async fn an_attempt_that_hangs_is_timed_out() {
    let t = TestDb::new().await;
    let id = put(&t, &Act::how("hangs", How::Hang)).await.id;
    drain(&t).await;
    assert_eq!(story(&t, id).await.attempts[0].outcome, "timed_out");
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once_and_a_running_one_obeys() {
    let t = TestDb::on_system_clock().await;
    let waiting = put(&t, &Act::named("cancelled in the queue")).await.id;
    let mut tx = t.db.write().await.unwrap();
    assert_eq!(
        control::cancel(&mut tx, waiting).await.unwrap(),
        "cancelled"
    );
    tx.commit().await.unwrap();

    let id = put(&t, &Act::how("obeys", How::WaitForCancel)).await.id;
    let stop = CancellationToken::new();
    let engine = Engine::start(t.db.clone(), registry(), EngineConfig::default())
        .await
        .unwrap();
    let running = tokio::spawn(engine.run(stop.clone()));
    until(|| async { state(&t, id).await == "running" }).await;
    let mut tx = t.db.write().await.unwrap();
    assert_eq!(control::cancel(&mut tx, id).await.unwrap(), "running");
    tx.commit().await.unwrap();
    until(|| async { state(&t, id).await == "cancelled" }).await;
    stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(runs("cancelled in the queue"), 0);
    assert!(
        control::cancel(&mut t.db.write().await.unwrap(), id)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn finished_jobs_are_pruned_after_their_time_and_statistics_stay() {
    let t = TestDb::new().await;
    put(&t, &Act::named("pruned")).await;
    put(&t, &Act::how("kept dead letter", How::GiveUp)).await;
    drain(&t).await;
    t.advance(31 * DAY);
    let mut tx = t.db.write().await.unwrap();
    assert_eq!(control::prune(&mut tx, 1_000).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let hours = crm_jobs::queue::stats::by_hour(t.db.read(), 0)
        .await
        .unwrap();
    assert_eq!((hours[0].done, hours[0].discarded), (1, 1));
    assert_counts_are_true(&t).await;
}

/// Waits for something another task does; the test's own time limit is the
/// runner's.
pub async fn until<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    while !holds().await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
