use crm_jobs::{
    clock::{DAY, HOUR, MINUTE},
    queue::schedules::{self, CatchUp, DefaultSchedule, ScheduleEdit, next_slot},
    settings,
    testing::TestDb,
};
use jiff::Timestamp;

use super::*;

fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

pub async fn install(t: &TestDb, expression: &'static str, catch_up: CatchUp) {
    let mut tx = t.db.write().await.unwrap();
    let nightly = DefaultSchedule {
        name: "nightly",
        kind: "act",
        payload: r#"{"name":"tick"}"#,
        expression,
        catch_up,
    };
    schedules::install(&mut tx, &[nightly], "UTC")
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[test]
fn slots_follow_the_zone_through_both_dst_changes() {
    // Zurich skips 02:00–03:00 on 2026-03-29 and repeats it on 2026-10-25.
    let zone = "Europe/Zurich";
    let spring = next_slot("30 2 * * *", zone, at("2026-03-28T12:00:00Z")).unwrap();
    assert_eq!(
        spring,
        at("2026-03-29T01:00:00Z"),
        "a skipped time fires at the change"
    );
    let after = next_slot("30 2 * * *", zone, spring).unwrap();
    assert_eq!(after, at("2026-03-30T00:30:00Z"));
    let autumn = next_slot("30 2 * * *", zone, at("2026-10-24T12:00:00Z")).unwrap();
    let next = next_slot("30 2 * * *", zone, autumn).unwrap();
    assert!(next - autumn > 20 * HOUR, "a repeated time fires once");
}

#[test]
fn bad_expressions_and_zones_say_how_to_mend_them() {
    assert!(
        next_slot("every day", "UTC", 0)
            .unwrap_err()
            .to_string()
            .contains("30 2 * * *")
    );
    assert!(
        next_slot("0 0 * * *", "Mars/Olympus", 0)
            .unwrap_err()
            .to_string()
            .contains("Europe/Zurich")
    );
    assert!(next_slot("0 0 30 2 *", "UTC", 0).is_err());
}

#[tokio::test]
async fn a_missed_week_is_made_up_by_policy() {
    for (policy, jobs) in [(CatchUp::Skip, 0), (CatchUp::Once, 1), (CatchUp::All, 7)] {
        let t = TestDb::new().await;
        install(&t, "0 9 * * *", policy).await;
        t.advance(7 * DAY + HOUR);
        drain(&t).await;
        let fired: i64 = sqlx::query_scalar("select count(*) from jobs")
            .fetch_one(t.db.read())
            .await
            .unwrap();
        assert_eq!(fired, jobs, "{policy:?}");
        let next = schedules::list(t.db.read()).await.unwrap()[0].next_at;
        assert!(next > t.db.now());
        drain(&t).await;
        assert_eq!(schedules::list(t.db.read()).await.unwrap()[0].next_at, next);
    }
}

#[tokio::test]
async fn many_workers_fire_one_slot_once() {
    let t = TestDb::new().await;
    install(&t, "0 * * * *", CatchUp::Once).await;
    t.advance(HOUR);
    let drains = (0..4).map(|_| {
        let db = t.db.clone();
        tokio::spawn(async move { crm_jobs::queue::drain(&db, &registry()).await.unwrap() })
    });
    for drain in drains.collect::<Vec<_>>() {
        drain.await.unwrap();
    }
    let fired: i64 = sqlx::query_scalar("select count(*) from jobs")
        .fetch_one(t.db.read())
        .await
        .unwrap();
    assert_eq!(fired, 1);
}

#[tokio::test]
async fn an_edited_schedule_survives_the_next_release() {
    let t = TestDb::new().await;
    install(&t, "0 9 * * *", CatchUp::Once).await;
    let edit = ScheduleEdit {
        expression: "15 4 * * 1".into(),
        zone: Some("Europe/Zurich".into()),
        catch_up: CatchUp::Skip,
        enabled: true,
    };
    let mut tx = t.db.write().await.unwrap();
    schedules::edit(&mut tx, "nightly", &edit, "UTC")
        .await
        .unwrap();
    assert!(
        schedules::edit(&mut tx, "missing", &edit, "UTC")
            .await
            .is_err()
    );
    tx.commit().await.unwrap();
    install(&t, "0 10 * * *", CatchUp::Once).await;
    let kept = &schedules::list(t.db.read()).await.unwrap()[0];
    assert_eq!(
        (kept.expression.as_str(), kept.catch_up.as_str()),
        ("15 4 * * 1", "skip")
    );
    assert_eq!(kept.next_at, at("2026-03-09T03:15:00Z"));
}

#[tokio::test]
async fn a_schedule_follows_the_funds_own_zone() {
    let t = TestDb::new().await;
    let mut tx = t.db.write().await.unwrap();
    settings::set(&mut tx, settings::FUND_ZONE, &"America/New_York", "test")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    install(&t, "0 12 * * *", CatchUp::Once).await;
    t.advance(2 * HOUR + MINUTE);
    drain(&t).await;
    // Fired at 12:00 UTC, where it was installed; the next slot is 12:00 in New York.
    assert_eq!(
        schedules::list(t.db.read()).await.unwrap()[0].next_at,
        at("2026-03-03T17:00:00Z")
    );
}
