use std::time::Duration;

use super::*;

#[tokio::test]
async fn a_killed_workers_job_runs_again_as_soon_as_a_worker_starts() {
    let t = TestDb::on_system_clock().await;
    let probe = Probe {
        work_ms: 300,
        mark: Some("killed".into()),
    };
    let id = put(&t, &probe).await;
    let mut worker = Worker::start(&t);
    until(&t, id, "running").await;
    worker.kill();
    assert_eq!(state(&t, id).await, "running", "nobody has noticed yet");
    let _second = Worker::start(&t);
    until(&t, id, "done").await;
    assert_eq!(marks(&t).await, [("killed".to_owned(), 1)]);
}

#[tokio::test]
async fn a_live_peer_takes_over_from_a_killed_worker_within_its_heartbeat() {
    let t = TestDb::on_system_clock().await;
    let id = put(
        &t,
        &Probe {
            work_ms: 400,
            mark: Some("peer".into()),
        },
    )
    .await;
    let mut first = Worker::start(&t);
    until(&t, id, "running").await;
    let _peer = Worker::start(&t);
    while workers(&t).await < 2 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    first.kill();
    let took = until(&t, id, "done").await;
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(marks(&t).await, [("peer".to_owned(), 1)]);
}

#[tokio::test]
async fn a_worker_stopped_beyond_its_lease_finds_its_jobs_taken_and_doubles_nothing() {
    let t = TestDb::on_system_clock().await;
    let id = put(
        &t,
        &Probe {
            work_ms: 1_000,
            mark: Some("stopped".into()),
        },
    )
    .await;
    let first = Worker::start(&t);
    until(&t, id, "running").await;
    first.signal("-STOP");
    // Its lease runs out, as if it had slept for 15 s.
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("update workers set lease_until = 1")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let _second = Worker::start(&t);
    until(&t, id, "done").await;
    first.signal("-CONT");
    // The revived worker must go on working, under a new name.
    let next = put(
        &t,
        &Probe {
            work_ms: 0,
            mark: Some("after".into()),
        },
    )
    .await;
    until(&t, next, "done").await;
    assert_eq!(
        marks(&t).await,
        [("after".to_owned(), 1), ("stopped".to_owned(), 1)]
    );
    let fence: i64 = sqlx::query_scalar("select fence from jobs where id = ?1")
        .bind(id)
        .fetch_one(t.db.read())
        .await
        .unwrap();
    assert_eq!(fence, 2);
}

#[tokio::test]
async fn many_workers_race_for_jobs_and_each_runs_once() {
    let t = TestDb::on_system_clock().await;
    let probes: Vec<Probe> = (0..400)
        .map(|n| Probe {
            work_ms: 0,
            mark: Some(format!("{n:03}")),
        })
        .collect();
    let mut tx = t.db.write().await.unwrap();
    crm_jobs::queue::enqueue_many(&mut tx, &probes)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let _workers: Vec<Worker> = (0..3).map(|_| Worker::start(&t)).collect();
    loop {
        let left: i64 = sqlx::query_scalar("select count(*) from jobs where state <> 'done'")
            .fetch_one(t.db.read())
            .await
            .unwrap();
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let marks = marks(&t).await;
    assert_eq!(marks.len(), 400);
    assert!(marks.iter().all(|(_, count)| *count == 1));
    let attempts: i64 = sqlx::query_scalar("select max(attempt) from jobs")
        .fetch_one(t.db.read())
        .await
        .unwrap();
    assert_eq!(attempts, 1);
}

#[tokio::test]
async fn sigterm_lets_running_jobs_finish() {
    let t = TestDb::on_system_clock().await;
    let id = put(
        &t,
        &Probe {
            work_ms: 300,
            mark: None,
        },
    )
    .await;
    let mut worker = Worker::start(&t);
    until(&t, id, "running").await;
    worker.signal("-TERM");
    assert!(worker.wait().success());
    assert_eq!(state(&t, id).await, "done");
}

#[tokio::test]
async fn a_job_that_kills_its_worker_is_discarded_at_its_maximum() {
    let t = TestDb::on_system_clock().await;
    let id = put(
        &t,
        &Probe {
            work_ms: 60_000,
            mark: None,
        },
    )
    .await;
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("update jobs set max_attempts = 2")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for attempt in 1..=2 {
        let mut worker = Worker::start(&t);
        while attempts(&t, id).await < attempt {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        worker.kill();
    }
    let _third = Worker::start(&t);
    until(&t, id, "discarded").await;
}

async fn workers(t: &TestDb) -> i64 {
    sqlx::query_scalar("select count(*) from workers")
        .fetch_one(t.db.read())
        .await
        .unwrap()
}

async fn attempts(t: &TestDb, id: JobId) -> i64 {
    sqlx::query_scalar("select attempt from jobs where id = ?1")
        .bind(id)
        .fetch_one(t.db.read())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_crash_at_any_test_point_leaves_the_effect_once() {
    for point in crm_jobs::queue::TEST_POINTS {
        let t = TestDb::on_system_clock().await;
        let id = put(
            &t,
            &Probe {
                work_ms: 1,
                mark: Some(point.to_owned()),
            },
        )
        .await;
        let died = command(t.dir(), &["run"])
            .env("CRM_CRASH_AT", point)
            .status()
            .unwrap();
        assert!(!died.success(), "the worker dies at {point}");
        assert_ne!(state(&t, id).await, "done", "{point}");
        let _next = Worker::start(&t);
        until(&t, id, "done").await;
        assert_eq!(marks(&t).await, [(point.to_owned(), 1)]);
    }
}
