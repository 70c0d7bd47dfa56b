use crm_jobs::{
    automations::{
        Answer, DraftState, decide, drafts, dry_run, replay, revert, table_of, why_of_row,
    },
    grid::GridError,
};

use super::*;
use crate::grid::row;

const EVERYTHING: &str = r#"{
  "trigger": {"on": "cell_changed", "column": "stage", "to": "lost"},
  "conditions": {"all": [{"column": "@list", "op": "is_not", "value": "graveyard"}]},
  "actions": [
    {"do": "move", "list": "graveyard", "reason": "{Name} said no"},
    {"do": "set", "column": "echo", "formula": "{Name} & \"!\""},
    {"do": "set", "column": "amount", "value": 7},
    {"do": "create_task", "title": "Thank {Name}", "due": "in two weeks", "assignee": "owner"},
    {"do": "append_note", "text": "They were at {Stage}."},
    {"do": "propose_email", "subject": "Thank you, {Name}", "body": "Dear {Name}"},
    {"do": "notify_digest", "text": "{Name} is lost"}
  ]
}"#;

async fn everything(t: &TestDb) -> String {
    grid_of(t, 2).await;
    edit(
        t,
        vec![set(
            "r0",
            "people",
            json!([{"name": "Ada", "email": "ada@example.org"}]),
        )],
    )
    .await;
    rule(t, "Lost", serde_json::from_str(EVERYTHING).unwrap()).await
}

#[tokio::test]
async fn a_run_does_all_of_it_in_one_change_set() {
    let t = TestDb::new().await;
    let id = everything(&t).await;
    let cause = edit(&t, vec![set("r0", "stage", "lost")]).await;
    drain(&t).await;
    let each = runs(&t).await;
    assert_eq!(each.len(), 1);
    let run = &each[0];
    assert_eq!(
        (run.state.as_str(), run.steps.len()),
        ("done", 7),
        "{}",
        run.outcome
    );
    assert_eq!(run.change_set_id, Some(cause + 1));
    let found = row(&t, "r0").await.unwrap();
    assert_eq!(found.list, "graveyard");
    assert_eq!(found.list_reason, "Sample 0 said no");
    assert_eq!(found.list_by, format!("rule:{id}"));
    assert_eq!(
        (&found.cells["echo"], &found.cells["amount"]),
        (&json!("Sample 0!"), &json!("7"))
    );
    let mut conn = t.db.read().acquire().await.unwrap();
    let draft = &drafts(&mut conn, DraftState::Proposed, Some("r0"), 9)
        .await
        .unwrap()[0];
    assert_eq!(
        (draft.to_address.as_str(), draft.subject.as_str()),
        ("ada@example.org", "Thank you, Sample 0")
    );
    assert_eq!(count(&t, "select count(*) from tasks where title = 'Thank Sample 0' and due_on = '2026-03-17' and deleted_at is null").await, 1);
    assert_eq!(
        count(
            &t,
            "select count(*) from notes where body = 'They were at Lost.'"
        )
        .await,
        1
    );
    assert_eq!(
        count(
            &t,
            "select count(*) from change_sets where origin = 'automation'"
        )
        .await,
        1
    );
    let why = why_of_row(&mut conn, "r0").await.unwrap().unwrap();
    assert_eq!((why.rule_id, why.run_id), (Some(id.clone()), Some(run.id)));
    assert_eq!(
        (why.cause_change_set_id, why.person.as_deref()),
        (Some(cause), Some("user:ana"))
    );
    assert_eq!(why.by_name.as_deref(), Some("Rule “Lost”"));
}

#[tokio::test]
async fn taking_a_run_back_takes_back_all_of_it_once() {
    let t = TestDb::new().await;
    everything(&t).await;
    edit(&t, vec![set("r0", "stage", "lost")]).await;
    drain(&t).await;
    let run = runs(&t).await[0].id;
    let mut tx = t.db.write().await.unwrap();
    let reverted = revert(&mut tx, run, "user:ana").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((reverted.removed, reverted.conflicts.len()), (4, 0));
    let found = row(&t, "r0").await.unwrap();
    assert_eq!(found.list, "main");
    assert!(!found.cells.contains_key("echo") && !found.cells.contains_key("amount"));
    for sql in [
        "select count(*) from tasks where deleted_at is null",
        "select count(*) from notes where deleted_at is null",
        "select count(*) from email_drafts where deleted_at is null",
        "select count(*) from digest_notices where deleted_at is null",
    ] {
        assert_eq!(count(&t, sql).await, 0, "{sql}");
    }
    let mut tx = t.db.write().await.unwrap();
    let again = revert(&mut tx, run, "user:ana").await;
    assert!(matches!(
        again,
        Err(GridError::Invalid {
            code: "not_done",
            ..
        })
    ));
}

#[tokio::test]
async fn a_run_that_has_lost_its_cause_is_skipped_with_the_reason() {
    let t = TestDb::new().await;
    everything(&t).await;
    edit(
        &t,
        vec![set("r0", "stage", "lost"), set("r1", "stage", "lost")],
    )
    .await;
    look(&t).await;
    edit(
        &t,
        vec![
            json!({"op": "move", "row": "r0", "list": "graveyard", "reason": "by hand"}),
            json!({"op": "delete", "row": "r1"}),
        ],
    )
    .await;
    drain(&t).await;
    let each = runs(&t).await;
    let ends: Vec<(&str, &str)> = each
        .iter()
        .map(|r| (r.state.as_str(), r.outcome.as_str()))
        .collect();
    assert_eq!(ends[0].0, "skipped");
    assert!(ends[0].1.contains("List is not Graveyard"), "{}", ends[0].1);
    assert_eq!(ends[1], ("skipped", "the investor was deleted"));
    assert_eq!(
        count(
            &t,
            "select count(*) from change_sets where origin = 'automation'"
        )
        .await,
        0
    );
}

#[tokio::test]
async fn a_run_that_cannot_succeed_leaves_nothing_but_its_reason_and_can_be_replayed() {
    let t = TestDb::new().await;
    grid_of(&t, 1).await;
    rule(
        &t,
        "bad day",
        json!({
            "trigger": {"on": "cell_changed", "column": "flag", "to": true},
            "actions": [
                {"do": "set", "column": "echo", "value": "half-way"},
                {"do": "create_task", "title": "x", "due": "{Stage}"},
            ],
        }),
    )
    .await;
    edit(&t, vec![set("r0", "flag", true)]).await;
    drain(&t).await;
    let run = runs(&t).await.remove(0);
    assert_eq!(run.state, "failed");
    assert!(run.outcome.contains("is no day"), "{}", run.outcome);
    assert!(!row(&t, "r0").await.unwrap().cells.contains_key("echo"));
    let story = run.story(t.db.read()).await.unwrap().unwrap();
    assert_eq!(
        (story.job.state.as_str(), story.attempts.len()),
        ("discarded", 1)
    );
    for n in 1..=2 {
        let mut tx = t.db.write().await.unwrap();
        let new = replay(&mut tx, run.id, "user:ana").await.unwrap();
        tx.commit().await.unwrap();
        drain(&t).await;
        let found = runs(&t).await.into_iter().find(|r| r.id == new).unwrap();
        assert_eq!(
            (found.replay_of, found.cause),
            (Some(run.id), format!("{}#{n}", run.cause))
        );
    }
}

#[tokio::test]
async fn a_question_waits_for_its_answer_and_takes_one() {
    let t = TestDb::new().await;
    grid_of(&t, 2).await;
    rule(
        &t,
        "ask",
        json!({
            "trigger": {"on": "cell_changed", "column": "stage", "to": "lost"},
            "actions": [{"do": "move", "list": "graveyard", "reason": "lost"}],
            "ask_first": true,
        }),
    )
    .await;
    edit(
        &t,
        vec![set("r0", "stage", "lost"), set("r1", "stage", "lost")],
    )
    .await;
    drain(&t).await;
    let each = runs(&t).await;
    assert!(
        each.iter()
            .all(|r| r.state == "asked" && r.job_id.is_none())
    );
    assert_eq!(row(&t, "r0").await.unwrap().list, "main");
    {
        let table = table_of(&t.db).read().await.unwrap();
        assert_eq!(each[0].would_do(&table), ["Move it to Graveyard: “lost”"]);
    }
    let mut tx = t.db.write().await.unwrap();
    decide(&mut tx, each[0].id, Answer::Yes, "user:ana")
        .await
        .unwrap();
    decide(&mut tx, each[1].id, Answer::No, "user:ana")
        .await
        .unwrap();
    let twice = decide(&mut tx, each[1].id, Answer::Yes, "user:ana").await;
    assert!(matches!(
        twice,
        Err(GridError::Invalid {
            code: "already_decided",
            ..
        })
    ));
    tx.commit().await.unwrap();
    drain(&t).await;
    let states: Vec<String> = runs(&t).await.into_iter().map(|r| r.state).collect();
    assert_eq!(states, ["done", "declined"]);
    assert_eq!(row(&t, "r0").await.unwrap().list, "graveyard");
}

#[tokio::test]
async fn a_run_keeps_the_rule_as_it_was() {
    let t = TestDb::new().await;
    let id = everything(&t).await;
    edit(&t, vec![set("r0", "stage", "lost")]).await;
    look(&t).await;
    let mut tx = t.db.write().await.unwrap();
    let found = automations::find(&mut tx, &id).await.unwrap().unwrap();
    let other: Definition = serde_json::from_value(note(json!({"on": "manual"}))).unwrap();
    let wanted = automations::RuleChange {
        name: Some("Other".to_owned()),
        definition: Some(other),
        ..Default::default()
    };
    automations::change(&mut tx, &found, &wanted, "user:ana")
        .await
        .unwrap();
    automations::remove(&mut tx, &id, "user:ana").await.unwrap();
    tx.commit().await.unwrap();
    drain(&t).await;
    let run = runs(&t).await.remove(0);
    assert_eq!(
        (run.rule_name(), run.state.as_str(), run.steps.len()),
        ("Lost", "done", 7)
    );
}

#[tokio::test]
async fn a_dry_run_names_rows_and_writes_nothing() {
    let t = TestDb::new().await;
    grid_of(&t, 3).await;
    edit(&t, vec![set("r0", "stage", "lost")]).await;
    edit(
        &t,
        vec![set("r0", "stage", "lead"), set("r1", "stage", "lost")],
    )
    .await;
    let before = count(&t, "select version from grid_state").await;
    let definition: Definition = serde_json::from_value(note(
        json!({"on": "cell_changed", "column": "stage", "to": "lost"}),
    ))
    .unwrap();
    let dry = dry_run(&t.db, &table_of(&t.db), &definition, 90)
        .await
        .unwrap();
    assert_eq!(
        (dry.fired, dry.rows, dry.today, dry.is_capped),
        (2, 2, 1, false)
    );
    assert_eq!(dry.today_rows[0].title, "Sample 1");
    let mut titles: Vec<&str> = dry.firings.iter().map(|f| f.title.as_str()).collect();
    titles.sort_unstable();
    assert_eq!(titles, ["Sample 0", "Sample 1"]);
    assert_eq!(count(&t, "select version from grid_state").await, before);
    assert_eq!(runs(&t).await.len(), 0);
}

#[tokio::test]
async fn rules_that_make_no_sense_are_refused_at_their_field() {
    let t = TestDb::new().await;
    grid_of(&t, 1).await;
    let act = json!([{"do": "append_note", "text": "x"}]);
    let on = json!({"on": "manual"});
    for (rule, wanted) in [
        (
            json!({"trigger": {"on": "cell_changed", "column": "none"}, "actions": act}),
            "trigger.column",
        ),
        (
            json!({"trigger": {"on": "cell_changed", "column": "stage", "to": "Nowhere"}, "actions": act}),
            "trigger.to",
        ),
        (
            json!({"trigger": {"on": "entered_view", "view": "none"}, "actions": act}),
            "trigger.view",
        ),
        (
            json!({"trigger": {"on": "date_reached", "column": "name"}, "actions": act}),
            "trigger.column",
        ),
        (
            json!({"trigger": {"on": "no_contact", "days": 0}, "actions": act}),
            "trigger.days",
        ),
        (
            json!({"trigger": {"on": "schedule", "cron": "soon"}, "actions": act}),
            "trigger.cron",
        ),
        (json!({"trigger": on, "actions": []}), "actions"),
        (
            json!({"trigger": on, "conditions": {"column": "none", "op": "is"}, "actions": act}),
            "conditions",
        ),
        (
            json!({"trigger": on, "actions": [{"do": "set", "column": "@list", "value": "x"}]}),
            "actions[0].column",
        ),
        (
            json!({"trigger": on, "actions": [{"do": "set", "column": "amount", "value": "many"}]}),
            "actions[0].value",
        ),
        (
            json!({"trigger": on, "actions": [{"do": "set", "column": "echo", "formula": "{Nothing}"}]}),
            "actions[0].formula",
        ),
        (
            json!({"trigger": on, "actions": [{"do": "append_note", "text": "{Nothing}"}]}),
            "actions[0].text",
        ),
        (
            json!({"trigger": on, "actions": [{"do": "create_task", "title": "x", "due": "whenever"}]}),
            "actions[0].due",
        ),
        (
            json!({"trigger": on, "actions": [{"do": "move", "list": "attic"}]}),
            "actions[0].list",
        ),
    ] {
        let definition: Definition = serde_json::from_value(rule.clone()).unwrap();
        match checked(&t, &definition).await {
            Err(GridError::Invalid { field, .. }) => {
                assert!(field.starts_with(wanted), "{rule}: {field}");
            }
            other => panic!("{rule}: {other:?}"),
        }
    }
    let unknown = serde_json::from_value::<Definition>(
        json!({"trigger": {"on": "manual", "x": 1}, "actions": []}),
    );
    assert!(unknown.is_err());
}

#[tokio::test]
async fn purging_an_investor_leaves_nothing_of_them_in_runs_drafts_and_notices() {
    let t = TestDb::new().await;
    everything(&t).await;
    edit(&t, vec![set("r0", "stage", "lost")]).await;
    drain(&t).await;
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("update tasks set status = 'done', done_at = 1")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    edit(&t, vec![json!({"op": "delete", "row": "r0"})]).await;
    let mut tx = t.db.write().await.unwrap();
    grid::purge(&mut tx, "r0", "Sample 0", &ANA).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(runs(&t).await[0].row_title, "A purged investor");
    for sql in [
        "select count(*) from automation_runs where facts || steps || outcome || row_title like '%Sample 0%'",
        "select count(*) from email_drafts",
        "select count(*) from digest_notices",
    ] {
        assert_eq!(count(&t, sql).await, 0, "{sql}");
    }
}
