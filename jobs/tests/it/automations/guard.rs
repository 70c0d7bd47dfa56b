use super::*;
use crm_jobs::automations::alerts;

async fn depths(t: &TestDb) -> Vec<i64> {
    runs(t).await.iter().map(|r| r.depth).collect()
}

#[tokio::test]
async fn a_rule_that_feeds_itself_is_switched_off_and_says_so() {
    let t = TestDb::new().await;
    grid_of(&t, 2).await;
    rule(
        &t,
        "Counter",
        json!({
            "trigger": {"on": "cell_changed", "column": "amount"},
            "actions": [{"do": "set", "column": "amount", "formula": "{Amount} + 1"}],
        }),
    )
    .await;
    edit(&t, vec![set("r0", "amount", 1)]).await;
    drain(&t).await;
    assert_eq!(depths(&t).await, [0, 1, 2, 3, 4, 5]);
    let mut conn = t.db.read().acquire().await.unwrap();
    let told = alerts(&mut conn).await.unwrap();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].2.contains("feeding itself") && told[0].2.contains("Sample 0"),
        "{}",
        told[0].2
    );
    assert_eq!(
        count(
            &t,
            "select count(*) from audit_log where action = 'automation.switched_off'"
        )
        .await,
        1
    );
    edit(&t, vec![set("r1", "amount", 1)]).await;
    drain(&t).await;
    assert_eq!(depths(&t).await.len(), 6, "it is off");
}

#[tokio::test]
async fn two_rules_that_feed_each_other_end() {
    let t = TestDb::new().await;
    grid_of(&t, 1).await;
    for (name, to, then) in [("Ping", "lost", "engaged"), ("Pong", "engaged", "lost")] {
        rule(
            &t,
            name,
            json!({
                "trigger": {"on": "cell_changed", "column": "stage", "to": to},
                "actions": [{"do": "set", "column": "stage", "value": then}],
            }),
        )
        .await;
    }
    edit(&t, vec![set("r0", "stage", "lost")]).await;
    drain(&t).await;
    assert_eq!(depths(&t).await, [0, 1, 2, 3, 4, 5]);
    let mut conn = t.db.read().acquire().await.unwrap();
    assert_eq!(alerts(&mut conn).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_chain_that_ends_is_no_loop_however_many_rows_go_through_it() {
    let t = TestDb::new().await;
    grid_of(&t, 300).await;
    rule(
        &t,
        "First",
        json!({
            "trigger": {"on": "cell_changed", "column": "stage", "to": "lost"},
            "actions": [{"do": "set", "column": "flag", "value": true}],
        }),
    )
    .await;
    rule(
        &t,
        "Second",
        json!({
            "trigger": {"on": "cell_changed", "column": "flag", "to": true},
            "actions": [{"do": "set", "column": "echo", "value": "seen"}],
        }),
    )
    .await;
    edit(
        &t,
        (0..300)
            .map(|n| set(&format!("r{n}"), "stage", "lost"))
            .collect(),
    )
    .await;
    drain(&t).await;
    assert_eq!(
        count(
            &t,
            "select count(*) from automation_runs where state = 'done'"
        )
        .await,
        600
    );
    assert_eq!(
        count(
            &t,
            "select count(*) from grid_rows where cells ->> 'echo' = 'seen'"
        )
        .await,
        300
    );
    let mut conn = t.db.read().acquire().await.unwrap();
    assert!(alerts(&mut conn).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_runaway_that_stays_shallow_is_stopped_by_its_rate() {
    let t = TestDb::new().await;
    grid_of(&t, 400).await;
    rule(
        &t,
        "Counter",
        json!({
            "trigger": {"on": "cell_changed", "column": "amount"},
            "actions": [{"do": "set", "column": "amount", "formula": "{Amount} + 1"}],
        }),
    )
    .await;
    edit(
        &t,
        (0..400)
            .map(|n| set(&format!("r{n}"), "amount", 1))
            .collect(),
    )
    .await;
    drain(&t).await;
    let all = count(&t, "select count(*) from automation_runs").await;
    assert!(
        all < 400 * 6,
        "{all} runs: the rate stopped it before the depth did"
    );
    let mut conn = t.db.read().acquire().await.unwrap();
    assert_eq!(alerts(&mut conn).await.unwrap().len(), 1);
}
