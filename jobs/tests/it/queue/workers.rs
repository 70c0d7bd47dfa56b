use crm_jobs::{
    queue::{Engine, EngineConfig, inspect},
    testing::TestDb,
};
use tokio_util::sync::CancellationToken;

use super::{ending::until, *};

fn config(lease_ms: u64) -> EngineConfig {
    EngineConfig {
        slots: 4,
        lease: Duration::from_millis(lease_ms),
        drain: Duration::from_millis(100),
        cancel_deadline: Duration::from_millis(20),
    }
}

async fn engine(
    t: &TestDb,
    lease_ms: u64,
    stop: &CancellationToken,
) -> tokio::task::JoinHandle<()> {
    let engine = Engine::start(t.db.clone(), registry(), config(lease_ms))
        .await
        .unwrap();
    let stop = stop.clone();
    tokio::spawn(async move { engine.run(stop).await.unwrap() })
}

#[tokio::test]
async fn jobs_under_one_key_never_overlap_and_hold_up_no_others() {
    let t = TestDb::on_system_clock().await;
    let grouped = |name: &str, how| Act {
        group: Some("mailbox 1".into()),
        ..Act::how(name, how)
    };
    let blocker = put(&t, &grouped("blocker", How::WaitForCancel)).await.id;
    for _ in 0..40 {
        put(&t, &grouped("behind the blocker", How::Succeed)).await;
    }
    let other = put(&t, &Act::named("other key")).await.id;
    let stop = CancellationToken::new();
    let running = engine(&t, 15_000, &stop).await;
    until(|| async { state(&t, other).await == "done" }).await;
    assert_eq!(runs("behind the blocker"), 0);
    assert_eq!(state(&t, blocker).await, "running");
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_shutdown_gives_unfinished_jobs_back_without_costing_an_attempt() {
    let t = TestDb::on_system_clock().await;
    let id = put(&t, &Act::how("given back", How::WaitForCancel))
        .await
        .id;
    let stop = CancellationToken::new();
    let running = engine(&t, 15_000, &stop).await;
    until(|| async { state(&t, id).await == "running" }).await;
    stop.cancel();
    running.await.unwrap();
    let story = story(&t, id).await;
    assert_eq!(
        (story.job.state.as_str(), story.job.attempt),
        ("available", 0)
    );
    assert_eq!(story.attempts[0].outcome, "released");
    assert!(inspect::workers(t.db.read()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_worker_taken_for_dead_cannot_finish_what_others_took_over() {
    let t = TestDb::on_system_clock().await;
    let id = put(&t, &Act::how("taken over", How::WaitForCancel))
        .await
        .id;
    let stop = CancellationToken::new();
    let first = engine(&t, 60_000, &stop).await;
    until(|| async { state(&t, id).await == "running" }).await;
    let fence: i64 = sqlx::query_scalar("select fence from jobs")
        .fetch_one(t.db.read())
        .await
        .unwrap();
    // The lease runs out while the process lives: as after SIGSTOP.
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("update workers set lease_until = 1")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let second_stop = CancellationToken::new();
    let second = engine(&t, 60_000, &second_stop).await;
    until(|| async {
        let (now, state): (i64, String) = sqlx::query_as("select fence, state from jobs")
            .fetch_one(t.db.read())
            .await
            .unwrap();
        now > fence && state == "running"
    })
    .await;
    stop.cancel();
    first.await.unwrap();
    assert_eq!(
        state(&t, id).await,
        "running",
        "the stale worker's shutdown touched nothing"
    );
    assert_eq!(story(&t, id).await.attempts[0].outcome, "worker_died");
    second_stop.cancel();
    second.await.unwrap();
}

#[tokio::test]
async fn a_job_that_does_not_obey_a_cancel_is_aborted_at_the_deadline() {
    let t = TestDb::on_system_clock().await;
    let id = put(&t, &Act::how("deaf", How::Hang)).await.id;
    let stop = CancellationToken::new();
    let running = engine(&t, 15_000, &stop).await;
    until(|| async { state(&t, id).await == "running" }).await;
    let mut tx = t.db.write().await.unwrap();
    crm_jobs::queue::control::cancel(&mut tx, id).await.unwrap();
    tx.commit().await.unwrap();
    until(|| async { state(&t, id).await != "running" }).await;
    let story = story(&t, id).await;
    assert_eq!(
        (story.job.state.as_str(), story.attempts[0].outcome.as_str()),
        ("cancelled", "cancelled")
    );
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_running_worker_picks_up_what_another_connection_enqueues() {
    let t = TestDb::on_system_clock().await;
    let stop = CancellationToken::new();
    let running = engine(&t, 15_000, &stop).await;
    for n in 0..20 {
        let id = put(&t, &Act::named("picked up")).await.id;
        until(|| async { state(&t, id).await == "done" }).await;
        assert_eq!(runs("picked up"), n + 1);
    }
    stop.cancel();
    running.await.unwrap();
}
