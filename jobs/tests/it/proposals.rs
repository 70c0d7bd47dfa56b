//! Proposals: drafted once for each thread and day, decided once, taken back whole.

use crm_jobs::{
    clock::DAY,
    grid::{self, GridError},
    proposals::{self, Approval, ProposalState, by_rule},
    testing::{TEST_START, TestDb},
};
use jiff::tz::TimeZone;
use serde_json::json;

use crate::grid::{ANA, write};

const BY: &str = "user:ana";

async fn begin() -> TestDb {
    let t = TestDb::new().await;
    write(
        &t,
        json!([
            {"op": "add_column", "name": "Name", "type": "text"},
            {"op": "add_column", "name": "Contacts", "type": "contacts"},
            {"op": "add_column", "name": "Stage", "type": "select", "options": {"choices": [
                {"id": "lead", "name": "Lead", "color": "blue"}, {"id": "dd", "name": "Diligence", "color": "red"}]}},
            {"op": "add_row", "id": "r1", "cells": {"name": "Alpha", "stage": "lead"}},
        ]),
        &ANA,
    )
    .await
    .unwrap();
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("insert into mailboxes (id, address, consent, privacy, starts_at, enrolled_at, created_at, created_by, updated_at, updated_by)
                 values ('m1', 'ana@fund.example', 'agreed', 'body', 0, ?1, 0, 'x', 0, 'x')")
        .bind(TEST_START)
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query("insert into email_threads (id, first_at, last_at) values ('t1', 0, 0)")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    t
}

async fn receive(t: &TestDb, id: &str, at: i64, said: &str) {
    let mut tx = t.db.write().await.unwrap();
    sqlx::query(
        "insert into emails (id, message_key, thread_id, sent_at, from_name, from_address, direction, subject, said, is_matched, privacy, created_at)
         values (?1, ?1, 't1', ?2, 'Synthetic Sam', 'sam@example.org', 'in', 'Re: Fund', ?3, 1, 'body', 0)",
    )
    .bind(id)
    .bind(at)
    .bind(said)
    .execute(&mut *tx)
    .await
    .unwrap();
    for sql in [
        "insert into email_sightings (mailbox_id, gmail_id, gmail_thread_id, email_id, seen_at) values ('m1', ?1, 'g', ?1, 0)",
        "insert into email_links (email_id, row_id, rule, sent_at, created_at, created_by) select id, 'r1', 'domain', sent_at, 0, 'x' from emails where id = ?1",
    ] {
        sqlx::query(sql).bind(id).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// As the job does it.
async fn draft(t: &TestDb) -> usize {
    let mut conn = t.db.read().acquire().await.unwrap();
    let (gathered, _) = proposals::gather(&mut conn, &TimeZone::UTC).await.unwrap();
    drop(conn);
    for from in &gathered {
        let mut tx = t.db.write().await.unwrap();
        proposals::keep(&mut tx, from, &by_rule(from))
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    gathered.len()
}

async fn listed(t: &TestDb, state: ProposalState) -> Vec<proposals::Proposal> {
    let mut conn = t.db.read().acquire().await.unwrap();
    proposals::list(&mut conn, state, None, None, 50)
        .await
        .unwrap()
}

async fn count(t: &TestDb, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(t.db.read())
        .await
        .unwrap()
}

#[tokio::test]
async fn mail_of_one_day_in_a_thread_is_one_proposal_and_older_mail_is_none() {
    let t = begin().await;
    receive(&t, "old", TEST_START - DAY, "Long before").await;
    receive(
        &t,
        "e1",
        TEST_START + 1_000,
        "The first thing I wanted to say is this.",
    )
    .await;
    assert_eq!(draft(&t).await, 1);
    assert_eq!(draft(&t).await, 0, "weighed once");
    receive(
        &t,
        "e2",
        TEST_START + 2_000,
        "The second thing I wanted to say is that.",
    )
    .await;
    receive(&t, "e3", TEST_START + DAY, "Another day has come by now.").await;
    assert_eq!(draft(&t).await, 2);
    let open = listed(&t, ProposalState::Pending).await;
    assert_eq!(open.len(), 2);
    assert!(
        open[1]
            .note
            .contains("(2 mails that day): The second thing"),
        "{}",
        open[1].note
    );
    let mut conn = t.db.read().acquire().await.unwrap();
    let sources = proposals::sources(&mut conn, &open[1].id).await.unwrap();
    assert_eq!(
        sources.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(),
        ["e1", "e2"]
    );
    assert_eq!(proposals::pending(&mut conn).await.unwrap(), 2);
}

#[tokio::test]
async fn an_approval_writes_all_of_it_at_once_and_undo_takes_it_back() {
    let t = begin().await;
    receive(
        &t,
        "e1",
        TEST_START + 1_000,
        "Please send the data room. Call me next week.",
    )
    .await;
    draft(&t).await;
    let proposal = listed(&t, ProposalState::Pending).await.remove(0);
    let version = count(&t, "select version from grid_state").await;
    let mut approval = Approval::of(&proposal);
    approval.stage = proposal.stage_hint.clone();
    approval.note = "Wants the data room".to_owned();
    let mut tx = t.db.write().await.unwrap();
    let made = proposals::approve(&mut tx, &proposal.id, &approval, BY)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(made.note.is_some() && made.task.is_some());
    assert_eq!(made.change_set, Some(version + 1), "one change set");
    assert_eq!(count(&t, "select count(*) from grid_rows where cells ->> 'stage' = 'dd' and cells like '%sam@example.org%'").await, 1);
    assert_eq!(count(&t, "select count(*) from notes where body = 'Wants the data room' and created_by = 'user:ana' and deleted_at is null").await, 1);
    let mut tx = t.db.write().await.unwrap();
    let error = proposals::dismiss(&mut tx, &proposal.id, BY)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            GridError::Invalid {
                code: "already_decided",
                ..
            }
        ),
        "{error}"
    );
    drop(tx);

    let mut tx = t.db.write().await.unwrap();
    let undone = proposals::undo(&mut tx, &proposal.id, BY).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(undone.stays, Vec::<&str>::new());
    assert_eq!(listed(&t, ProposalState::Pending).await.len(), 1);
    assert_eq!(count(&t, "select count(*) from grid_rows where cells ->> 'stage' = 'lead' and cells not like '%sam@%'").await, 1);
    assert_eq!(count(&t, "select (select count(*) from notes where deleted_at is null) + (select count(*) from tasks where deleted_at is null)").await, 0);
}

#[tokio::test]
async fn what_somebody_went_on_with_stays() {
    let t = begin().await;
    receive(
        &t,
        "e1",
        TEST_START + 1_000,
        "A word to be noted by somebody.",
    )
    .await;
    draft(&t).await;
    let proposal = listed(&t, ProposalState::Pending).await.remove(0);
    let mut tx = t.db.write().await.unwrap();
    let made = proposals::approve(&mut tx, &proposal.id, &Approval::of(&proposal), BY)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    t.advance(1_000);
    let mut tx = t.db.write().await.unwrap();
    let change = crm_jobs::notes::NoteChange {
        body: Some("Mine now".to_owned()),
        pinned: None,
    };
    let note = made.note.unwrap();
    let known = crm_jobs::notes::find(&mut tx, &note)
        .await
        .unwrap()
        .unwrap()
        .updated_at;
    crm_jobs::notes::edit(&mut tx, &note, &change, Some(known), "user:bo")
        .await
        .unwrap();
    let undone = proposals::undo(&mut tx, &proposal.id, BY).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(undone.stays, ["the note"]);
}

#[tokio::test]
async fn bad_input_names_its_field_and_writes_nothing() {
    let t = begin().await;
    receive(
        &t,
        "e1",
        TEST_START + 1_000,
        "A word to be noted by somebody.",
    )
    .await;
    draft(&t).await;
    let proposal = listed(&t, ProposalState::Pending).await.remove(0);
    let sane = Approval::of(&proposal);
    for (approval, code) in [
        (
            Approval {
                note: "  ".to_owned(),
                ..sane.clone()
            },
            "invalid_note",
        ),
        (
            Approval {
                note: "x".repeat(2_001),
                ..sane.clone()
            },
            "invalid_note",
        ),
        (
            Approval {
                stage: Some("nirvana".to_owned()),
                ..sane.clone()
            },
            "no_such_stage",
        ),
    ] {
        let mut tx = t.db.write().await.unwrap();
        match proposals::approve(&mut tx, &proposal.id, &approval, BY)
            .await
            .unwrap_err()
        {
            GridError::Invalid { code: found, .. } => assert_eq!(found, code),
            other => panic!("{other}"),
        }
    }
    let mut tx = t.db.write().await.unwrap();
    assert!(matches!(
        proposals::undo(&mut tx, &proposal.id, BY).await,
        Err(GridError::Invalid {
            code: "not_decided",
            ..
        })
    ));
    assert!(matches!(
        proposals::approve(&mut tx, "nobody", &sane, BY).await,
        Err(GridError::Missing { .. })
    ));
    drop(tx);
    assert_eq!(listed(&t, ProposalState::Pending).await.len(), 1);
}

#[tokio::test]
async fn purging_an_investor_leaves_nothing_of_them_in_proposals_and_digests() {
    let t = begin().await;
    receive(
        &t,
        "e1",
        TEST_START + 1_000,
        "The first thing I wanted to say is this.",
    )
    .await;
    draft(&t).await;
    let mut tx = t.db.write().await.unwrap();
    for sql in [
        "insert into users (id, email, name, role, created_at) values ('ana', 'ana@fund.example', 'Ana', 'admin', 0)",
        "insert into digests (id, window_from, window_to, state, facts, subject, html, text, created_at, created_by)
         values ('d1', 0, 1, 'delivered', '{\"team\":[{\"row_id\":\"r1\",\"name\":\"Alpha\"}]}', 'Alpha wrote', '<p>Alpha', 'Alpha', 1, 'x'),
                ('d2', 1, 2, 'delivered', '{\"team\":[{\"row_id\":\"other\"}]}', 'Another', '<p>Beta', 'Beta', 2, 'x')",
        "insert into digest_narratives (digest_id, user_id, row_id, sentences, told_by, at) values ('d1', '', 'r1', '[]', 'rule', 1)",
        "insert into digest_deliveries (digest_id, user_id, address, message_id, state, at) values ('d1', 'ana', 'ana@fund.example', 'm', 'failed', 1)",
    ] {
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    write(&t, json!([{"op": "delete", "row": "r1"}]), &ANA)
        .await
        .unwrap();
    let mut tx = t.db.write().await.unwrap();
    grid::purge(&mut tx, "r1", "Alpha", &ANA).await.unwrap();
    tx.commit().await.unwrap();
    for sql in [
        "select count(*) from email_proposals",
        "select count(*) from email_proposal_sources",
        "select count(*) from digest_narratives",
        "select count(*) from digests where facts || subject || html || text like '%Alpha%' or (id = 'd1' and text <> '')",
        "select count(*) from digest_deliveries where state = 'failed'",
    ] {
        assert_eq!(count(&t, sql).await, 0, "{sql}");
    }
    assert_eq!(
        count(&t, "select count(*) from digests where text = 'Beta'").await,
        1
    );
}
