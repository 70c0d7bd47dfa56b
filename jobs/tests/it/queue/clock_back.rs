//! A clock that was ahead, and was set right.

use crm_jobs::{
    clock::{DAY, HOUR, MINUTE},
    queue::{
        EnqueueOptions, enqueue_with,
        schedules::{self, CatchUp},
    },
    testing::TestDb,
};

use super::{schedules::install, *};

async fn next(t: &TestDb) -> i64 {
    schedules::list(t.db.read()).await.unwrap()[0].next_at
}

#[tokio::test]
async fn a_schedule_goes_on_the_next_day_not_when_the_wrong_date_comes() {
    let t = TestDb::new().await;
    install(&t, "0 9 * * *", CatchUp::Once).await;
    let planned = next(&t).await;
    t.advance(10 * DAY);
    drain(&t).await;
    assert_eq!(next(&t).await, planned + 10 * DAY);
    t.advance(-10 * DAY);
    drain(&t).await;
    assert_eq!(next(&t).await, planned, "tonight, as if nothing had been");
    drain(&t).await;
    let jobs = "select count(*) from jobs";
    let fired: i64 = sqlx::query_scalar(jobs)
        .fetch_one(t.db.read())
        .await
        .unwrap();
    assert_eq!(fired, 1, "and nothing a second time");
}

#[tokio::test]
async fn a_small_correction_fires_nothing_twice() {
    let t = TestDb::new().await;
    install(&t, "0 * * * *", CatchUp::Once).await;
    t.advance(HOUR);
    drain(&t).await;
    let planned = next(&t).await;
    t.advance(-MINUTE / 2);
    drain(&t).await;
    assert_eq!(next(&t).await, planned);
}

#[tokio::test]
async fn a_slot_within_the_minute_is_planned_again_too() {
    let t = TestDb::new().await;
    install(&t, "0 9 * * *", CatchUp::Once).await;
    let planned = next(&t).await;
    t.advance(10 * DAY);
    drain(&t).await;
    t.advance(planned - MINUTE / 2 - t.db.now());
    drain(&t).await;
    assert_eq!(next(&t).await, planned);
}

#[tokio::test]
async fn what_waits_for_another_try_or_was_put_off_is_not_forgotten() {
    let t = TestDb::new().await;
    t.advance(10 * DAY);
    let failed = put(&t, &Act::how("tried again", How::FailTimes(1)))
        .await
        .id;
    let snoozed = put(&t, &Act::how("put off", How::SnoozeOnce(HOUR)))
        .await
        .id;
    let mut tx = t.db.write().await.unwrap();
    let later = EnqueueOptions {
        run_at: Some(t.db.now() + 2 * HOUR),
        ..Default::default()
    };
    let job = registry().prepare("act", r#"{"name":"planned"}"#).unwrap();
    let planned = enqueue_with(&mut tx, &job, &later).await.unwrap().id;
    tx.commit().await.unwrap();
    drain(&t).await;
    for id in [failed, snoozed, planned] {
        assert_eq!(state(&t, id).await, "scheduled");
    }
    t.advance(-10 * DAY);
    drain(&t).await;
    drain(&t).await;
    assert_eq!(state(&t, failed).await, "done");
    assert_eq!(state(&t, snoozed).await, "done");
    assert_eq!(state(&t, planned).await, "scheduled");
    t.advance(2 * HOUR);
    drain(&t).await;
    assert_eq!(state(&t, planned).await, "done");
    assert_eq!((runs("tried again"), runs("planned")), (2, 1));
}
