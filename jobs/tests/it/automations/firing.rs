use std::collections::BTreeSet;

use crm_jobs::{
    automations,
    clock::DAY,
    grid::view::{self, Mode, NewView},
    work::{NewInteraction, add_interaction},
};
use proptest::prelude::*;

use super::*;

/// Rows that fired so far, by cause.
async fn fired(t: &TestDb) -> Vec<String> {
    let each = runs(t).await;
    each.iter()
        .map(|r| format!("{} {}", r.row_id, r.cause))
        .collect()
}

#[tokio::test]
async fn a_cell_fires_by_what_it_was_and_what_it_is() {
    let t = TestDb::new().await;
    grid_of(&t, 3).await;
    rule(
        &t,
        "any",
        note(json!({"on": "cell_changed", "column": "stage"})),
    )
    .await;
    rule(
        &t,
        "to",
        note(json!({"on": "cell_changed", "column": "stage", "to": "Lost"})),
    )
    .await;
    rule(
        &t,
        "from blank",
        note(json!({"on": "cell_changed", "column": "amount", "from": null})),
    )
    .await;
    rule(
        &t,
        "from to",
        note(json!({"on": "cell_changed", "column": "stage", "from": "lost", "to": "lead"})),
    )
    .await;
    edit(&t, vec![set("r0", "stage", "lost"), set("r1", "amount", 5)]).await;
    edit(&t, vec![set("r0", "stage", "lead"), set("r1", "amount", 6)]).await;
    edit(&t, vec![set("r2", "echo", "nothing to anybody")]).await;
    assert_eq!(look(&t).await.fired, 5);
    assert_eq!(
        look(&t).await.fired,
        0,
        "a look that finds nothing new fires nothing"
    );
    let each = runs(&t).await;
    let named: Vec<&str> = each.iter().map(Run::rule_name).collect();
    assert_eq!(named, ["any", "to", "from blank", "any", "from to"]);
    let facts = &each[1].facts;
    assert_eq!(
        (&facts["before"], &facts["after"]),
        (&json!("lead"), &json!("lost"))
    );
}

#[tokio::test]
async fn rows_lists_and_new_rows_in_lists_fire() {
    let t = TestDb::new().await;
    grid_of(&t, 2).await;
    rule(&t, "new", note(json!({"on": "row_created"}))).await;
    rule(
        &t,
        "in",
        note(json!({"on": "entered_list", "list": "longshot"})),
    )
    .await;
    rule(&t, "out", note(json!({"on": "left_list", "list": "main"}))).await;
    edit(
        &t,
        vec![json!({"op": "add_row", "id": "n1", "cells": {"name": "New"}, "list": "longshot"})],
    )
    .await;
    edit(
        &t,
        vec![json!({"op": "move", "row": "n1", "list": "main", "reason": "x"})],
    )
    .await;
    edit(
        &t,
        vec![json!({"op": "move", "row": "r0", "list": "longshot", "reason": "x"})],
    )
    .await;
    look(&t).await;
    let named: Vec<String> = runs(&t)
        .await
        .iter()
        .map(|r| format!("{} {}", r.rule_name(), r.row_id))
        .collect();
    assert_eq!(named, ["new n1", "in n1", "in r0", "out r0"]);
}

#[tokio::test]
async fn views_fire_once_for_each_entry_and_never_for_who_was_in_them() {
    let t = TestDb::new().await;
    grid_of(&t, 3).await;
    edit(&t, vec![set("r2", "stage", "engaged")]).await;
    let config = json!({"filter": {"all": [{"column": "stage", "op": "is", "value": "engaged"}]}});
    let mut tx = t.db.write().await.unwrap();
    let new = NewView {
        name: "Engaged",
        mode: Mode::Shared,
        owner: "ana",
        config: &serde_json::from_value(config).unwrap(),
    };
    let view = view::add(&mut tx, &new).await.unwrap().id;
    tx.commit().await.unwrap();
    rule(&t, "in", note(json!({"on": "entered_view", "view": view}))).await;
    rule(&t, "out", note(json!({"on": "left_view", "view": view}))).await;
    assert_eq!(fired(&t).await.len(), 0, "r2 was in it before");
    edit(&t, vec![set("r0", "stage", "engaged")]).await;
    look(&t).await;
    look(&t).await;
    edit(
        &t,
        vec![set("r0", "stage", "lead"), set("r2", "stage", "lost")],
    )
    .await;
    look(&t).await;
    edit(&t, vec![set("r0", "stage", "engaged")]).await;
    look(&t).await;
    let named: Vec<String> = runs(&t)
        .await
        .iter()
        .map(|r| format!("{} {}", r.rule_name(), r.row_id))
        .collect();
    assert_eq!(named, ["in r0", "out r0", "out r2", "in r0"]);
}

#[tokio::test]
async fn days_fire_once_each_also_after_a_week_of_sleep() {
    let t = TestDb::new().await;
    grid_of(&t, 3).await;
    edit(
        &t,
        vec![
            set("r0", "close", "2026-03-12"),
            set("r1", "close", "2026-01-01"),
        ],
    )
    .await;
    rule(
        &t,
        "week before",
        note(json!({"on": "date_reached", "column": "close", "offset_days": -7})),
    )
    .await;
    rule(&t, "silent", note(json!({"on": "no_contact", "days": 5}))).await;
    let mut tx = t.db.write().await.unwrap();
    t.advance(2 * DAY);
    let call = NewInteraction {
        row: "r2",
        kind: "call",
        at: tx.now(),
        note: "",
        by: "user:ana",
    };
    add_interaction(&mut tx, &call).await.unwrap();
    tx.commit().await.unwrap();
    look(&t).await;
    assert_eq!(
        fired(&t).await,
        ["r0 day:2026-03-12-7"],
        "5 March is a week before"
    );
    // Nobody looked for a week.
    t.advance(7 * DAY);
    look(&t).await;
    look(&t).await;
    let all = fired(&t).await;
    assert_eq!(
        all[1..],
        [
            "r0 quiet:2026-03-03+5",
            "r1 quiet:2026-03-03+5",
            "r2 quiet:2026-03-05+5"
        ]
    );
}

#[tokio::test]
async fn an_email_is_contact_for_rules_on_silence() {
    use crm_jobs::{email, investors};
    let t = TestDb::new().await;
    grid_of(&t, 2).await;
    let people = json!([{"name": "Ada Lovelace", "email": "ada@norwind.example"}]);
    edit(&t, vec![set("r1", "people", people)]).await;
    rule(&t, "silent", note(json!({"on": "no_contact", "days": 5}))).await;
    investors::sync(&t.db, false, |_, _| {}).await.unwrap();
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("insert into users (id, email, name, role, password_hash, created_at) values ('jo', 'jo@ours.example', 'Jo', 'admin', '', 1)")
        .execute(&mut *tx)
        .await
        .unwrap();
    let new = email::New {
        address: "jo@ours.example".to_owned(),
        consent: "yes".to_owned(),
        starts_on: "2020-01-01".to_owned(),
        privacy: "metadata".to_owned(),
        ..email::New::default()
    };
    let id = email::enrol(&mut tx, &new, "user:jo").await.unwrap();
    let mailbox = email::find_mailbox(&mut tx, &id).await.unwrap().unwrap();
    let team = email::Team::load(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    email::catch_up(&t.db).await.unwrap();
    t.advance(4 * DAY);
    let raw = b"From: jo@ours.example\r\nTo: ada@norwind.example\r\nMessage-ID: <1@x.example>\r\n\r\nHi\r\n";
    let message = email::Message {
        gmail_id: "1".to_owned(),
        gmail_thread_id: "1".to_owned(),
        labels: Vec::new(),
        internal_date: Some(t.db.now()),
        taken: email::Taken::Parsed(Box::new(email::parse(raw.to_vec()).await.unwrap())),
    };
    let mut tx = t.db.write().await.unwrap();
    let stored = email::store(&mut tx, &mailbox, &team, &message)
        .await
        .unwrap();
    assert!(stored.is_newly_matched);
    tx.commit().await.unwrap();
    t.advance(2 * DAY);
    look(&t).await;
    assert_eq!(
        fired(&t).await,
        ["r0 quiet:2026-03-03+5"],
        "there was mail with r1 two days ago"
    );
    t.advance(4 * DAY);
    look(&t).await;
    assert_eq!(fired(&t).await[1..], ["r1 quiet:2026-03-07+5"]);
}

#[tokio::test]
async fn a_schedule_fires_for_all_rows_that_satisfy_it_and_once_for_missed_slots() {
    let t = TestDb::new().await;
    grid_of(&t, 4).await;
    edit(&t, vec![set("r1", "flag", true), set("r3", "flag", true)]).await;
    rule(
        &t,
        "weekly",
        json!({
            "trigger": {"on": "schedule", "cron": "0 9 * * *"},
            "conditions": {"all": [{"column": "flag", "op": "checked"}]},
            "actions": [{"do": "notify_digest", "text": "{Name} is flagged"}],
        }),
    )
    .await;
    assert_eq!(look(&t).await.fired, 0);
    t.advance(3 * DAY);
    assert_eq!(
        look(&t).await.fired,
        2,
        "three slots passed: they are made up for once"
    );
    assert_eq!(look(&t).await.fired, 0);
    t.advance(DAY);
    drain(&t).await;
    assert_eq!(runs(&t).await.len(), 4);
    assert_eq!(
        count(
            &t,
            "select count(*) from digest_notices where text = 'Sample 1 is flagged'"
        )
        .await,
        2
    );
}

#[tokio::test]
async fn a_rule_begins_when_it_is_switched_on_or_changed() {
    let t = TestDb::new().await;
    grid_of(&t, 2).await;
    edit(&t, vec![set("r0", "stage", "lost")]).await;
    let id = rule(
        &t,
        "to",
        note(json!({"on": "cell_changed", "column": "stage", "to": "lost"})),
    )
    .await;
    assert_eq!(fired(&t).await.len(), 0, "that was before");
    let switch = async |enabled: bool| {
        let mut tx = t.db.write().await.unwrap();
        let found = automations::find(&mut tx, &id).await.unwrap().unwrap();
        let wanted = automations::RuleChange {
            enabled: Some(enabled),
            ..Default::default()
        };
        automations::change(&mut tx, &found, &wanted, "user:ana")
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    switch(false).await;
    edit(&t, vec![set("r1", "stage", "lost")]).await;
    look(&t).await;
    switch(true).await;
    look(&t).await;
    assert_eq!(fired(&t).await.len(), 0, "it was off");
    let set_id = edit(
        &t,
        vec![set("r1", "stage", "lead"), set("r0", "stage", "lead")],
    )
    .await;
    let second = edit(&t, vec![set("r1", "stage", "lost")]).await;
    look(&t).await;
    assert_eq!(fired(&t).await, [format!("r1 c{second}")]);
    assert!(set_id < second);
}

#[tokio::test]
async fn two_looks_at_one_time_and_a_look_that_dies_fire_once() {
    let t = TestDb::new().await;
    grid_of(&t, 5).await;
    rule(
        &t,
        "to",
        note(json!({"on": "cell_changed", "column": "stage", "to": "lost"})),
    )
    .await;
    edit(
        &t,
        (0..5)
            .map(|n| set(&format!("r{n}"), "stage", "lost"))
            .collect(),
    )
    .await;
    let (one, two) = (
        automations::plan(&t.db).await.unwrap(),
        automations::plan(&t.db).await.unwrap(),
    );
    // The first dies before it commits.
    let mut tx = t.db.write().await.unwrap();
    assert_eq!(automations::take_in(&mut tx, &one).await.unwrap().fired, 5);
    drop(tx);
    assert_eq!(runs(&t).await.len(), 0);
    for (plan, wanted) in [(&two, 5), (&one, 0)] {
        let mut tx = t.db.write().await.unwrap();
        let looked = automations::take_in(&mut tx, plan).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((looked.fired, looked.was_late), (wanted, wanted == 0));
    }
    assert_eq!(
        count(
            &t,
            "select count(*) from jobs where kind = 'run_automation'"
        )
        .await,
        5
    );
    assert_eq!(
        count(
            &t,
            "select count(*) from automation_runs where job_id is null"
        )
        .await,
        0
    );
}

#[tokio::test]
async fn ten_thousand_rows_pasted_fire_ten_thousand_times() {
    let t = TestDb::new().await;
    grid_of(&t, 10_000).await;
    rule(
        &t,
        "to",
        note(json!({"on": "cell_changed", "column": "stage", "to": "lost"})),
    )
    .await;
    edit(
        &t,
        (0..10_000)
            .map(|n| set(&format!("r{n}"), "stage", "lost"))
            .collect(),
    )
    .await;
    let looked = look(&t).await;
    assert_eq!((looked.fired, looked.switched_off.len()), (10_000, 0));
    assert_eq!(
        count(&t, "select count(distinct row_id) from automation_runs").await,
        10_000
    );
    assert_eq!(count(&t, "select count(*) from automation_runs u join jobs j on j.id = u.job_id and j.payload ->> '$.run' = u.id").await, 10_000);
}

/// One step of a random history.
#[derive(Clone, Debug)]
enum Step {
    Edit(usize, &'static str),
    Many(Vec<usize>, &'static str),
    Look,
    LookThatDies,
}

fn step() -> impl Strategy<Value = Step> {
    let stage = || prop_oneof![Just("lead"), Just("engaged"), Just("lost")];
    prop_oneof![
        4 => (0..4_usize, stage()).prop_map(|(row, to)| Step::Edit(row, to)),
        1 => (proptest::collection::vec(0..4_usize, 1..4), stage()).prop_map(|(rows, to)| Step::Many(rows, to)),
        2 => Just(Step::Look),
        1 => Just(Step::LookThatDies),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn whatever_dies_the_firings_are_those_of_the_change_log(steps in proptest::collection::vec(step(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let t = TestDb::new().await;
            grid_of(&t, 4).await;
            rule(&t, "to", note(json!({"on": "cell_changed", "column": "stage", "to": "lost"}))).await;
            let begin = count(&t, "select version from grid_state").await;
            for step in steps {
                match step {
                    Step::Edit(row, to) => { edit(&t, vec![set(&format!("r{row}"), "stage", to)]).await; }
                    Step::Many(rows, to) => {
                        edit(&t, rows.iter().map(|row| set(&format!("r{row}"), "stage", to)).collect()).await;
                    }
                    Step::Look => { look(&t).await; }
                    Step::LookThatDies => {
                        let plan = automations::plan(&t.db).await.unwrap();
                        let mut tx = t.db.write().await.unwrap();
                        automations::take_in(&mut tx, &plan).await.unwrap();
                        drop(tx);
                    }
                }
            }
            look(&t).await;
            let read: Vec<(String, i64)> = sqlx::query_as(
                "select distinct row_id, change_set_id from grid_changes
                 where what = 'cell' and column_id = 'stage' and after = '\"lost\"' and change_set_id > ?1",
            )
            .bind(begin)
            .fetch_all(t.db.read())
            .await
            .unwrap();
            let read: BTreeSet<String> = read.iter().map(|(row, set)| format!("{row} c{set}")).collect();
            let all = fired(&t).await;
            assert_eq!(all.len(), read.len());
            assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), read);
        });
    }
}
