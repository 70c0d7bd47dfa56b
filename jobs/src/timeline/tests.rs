//! The timeline: merged, paged, filtered, quick however much there is.

use super::*;
use crate::{
    grid::{self, ChangeBy, Operation},
    notes::{self, NewNote},
    testing::TestDb,
    work::{self, NewInteraction, TaskDraft},
};

const DAY: &str = "2026-03-03";

async fn all(conn: &mut SqliteConnection, kinds: &[Kind], limit: usize) -> Vec<String> {
    let (mut after, mut seen): (Option<Cursor>, Vec<String>) = (None, Vec::new());
    loop {
        let wanted = Wanted {
            kinds,
            after: after.as_ref(),
            limit,
            today: DAY.parse().unwrap(),
        };
        let found = page(conn, "r1", &wanted).await.unwrap();
        assert!(found.events.len() <= limit);
        seen.extend(found.events.iter().map(|event| {
            let what = serde_json::to_value(&event.what).unwrap();
            format!(
                "{}:{}:{}",
                event.kind.word(),
                what["is"].as_str().unwrap(),
                event.id
            )
        }));
        match found.next_cursor {
            Some(next) => after = Some(next.parse().unwrap()),
            None => return seen,
        }
    }
}

/// An investor with something of every kind that can be written here.
async fn lively() -> TestDb {
    let t = TestDb::new().await;
    let mut tx = t.db.write().await.unwrap();
    grid::begin(&mut tx, "system").await.unwrap();
    let by = ChangeBy {
        actor: "user:a",
        origin: "edit",
        summary: "",
        job: None,
    };
    let add = Operation::AddRow {
        id: Some("r1".to_owned()),
        after: None,
        cells: [("name".to_owned(), "Sample".into())].into_iter().collect(),
        list: None,
    };
    grid::apply(&mut tx, &[add], &by).await.unwrap();
    for n in 0..12 {
        t.advance(if n % 3 == 0 { 0 } else { 1_000 });
        let set = Operation::Set {
            row: "r1".to_owned(),
            column: "next_step".to_owned(),
            value: format!("step {n}").into(),
            base: i64::MAX,
        };
        grid::apply(&mut tx, &[set], &by).await.unwrap();
        let body = format!("note {n}");
        let new = NewNote {
            row: "r1",
            body: &body,
            by: "user:a",
            ..NewNote::default()
        };
        notes::add(&mut tx, &new).await.unwrap();
        let at = tx.now();
        let call = NewInteraction {
            row: "r1",
            kind: "call",
            at,
            note: "",
            by: "user:a",
        };
        work::add_interaction(&mut tx, &call).await.unwrap();
        let draft = TaskDraft {
            row: Some("r1".to_owned()),
            title: format!("task {n}"),
            ..TaskDraft::default()
        };
        let added = work::add(&mut tx, &draft, "user:a").await.unwrap();
        if n % 2 == 0 {
            work::finish(&mut tx, &added.id, "user:a").await.unwrap();
        }
    }
    let list = Operation::Move {
        row: "r1".to_owned(),
        list: "longshot".to_owned(),
        reason: "why not".to_owned(),
    };
    grid::apply(&mut tx, &[list], &by).await.unwrap();
    for n in 0..3_i64 {
        sqlx::query(
            "insert into commitment_events (row_id, fund_id, stage, column_id, before, after, currency, happened_on, at, by, change_set_id)
             values ('r1', 'f', 'soft', 'c', null, '1', 'EUR', '2026-03-03', ?1, 'user:a', 1)",
        )
        .bind(t.db.now() - n)
        .execute(&mut *tx)
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    t
}

#[tokio::test]
async fn pages_of_any_size_show_everything_once_and_in_order() {
    let t = lively().await;
    let mut conn = t.db.read().acquire().await.unwrap();
    let whole = all(&mut conn, &Kind::ALL, 100).await;
    // Changes: the row and 12 edits; a move; notes, calls and tasks; 6 of them done.
    assert_eq!(whole.len(), 13 + 1 + 12 + 12 + 12 + 6 + 3, "{whole:#?}");
    for limit in [1, 2, 3, 7, 20] {
        assert_eq!(
            all(&mut conn, &Kind::ALL, limit).await,
            whole,
            "{limit} a page"
        );
    }
    let some = [Kind::Notes, Kind::Lists];
    let few: Vec<String> = whole
        .iter()
        .filter(|e| e.starts_with("notes") || e.starts_with("lists"))
        .cloned()
        .collect();
    assert_eq!(all(&mut conn, &some, 5).await, few);
    // Alone, the changes tell of the move as well.
    assert_eq!(all(&mut conn, &[Kind::Changes], 5).await.len(), 14);
}

#[tokio::test]
async fn what_came_meanwhile_moves_no_page() {
    let t = lively().await;
    let mut conn = t.db.read().acquire().await.unwrap();
    let whole = all(&mut conn, &Kind::ALL, 100).await;
    let wanted = Wanted {
        kinds: &Kind::ALL,
        after: None,
        limit: 5,
        today: DAY.parse().unwrap(),
    };
    let first = page(&mut conn, "r1", &wanted).await.unwrap();
    drop(conn);
    t.advance(5_000);
    let mut tx = t.db.write().await.unwrap();
    let new = NewNote {
        row: "r1",
        body: "new",
        by: "user:a",
        ..NewNote::default()
    };
    notes::add(&mut tx, &new).await.unwrap();
    let by = ChangeBy {
        actor: "user:a",
        origin: "edit",
        summary: "",
        job: None,
    };
    let list = Operation::Move {
        row: "r1".to_owned(),
        list: "main".to_owned(),
        reason: String::new(),
    };
    grid::apply(&mut tx, &[list], &by).await.unwrap();
    tx.commit().await.unwrap();
    let mut conn = t.db.read().acquire().await.unwrap();
    let after: Cursor = first.next_cursor.unwrap().parse().unwrap();
    let second = page(
        &mut conn,
        "r1",
        &Wanted {
            after: Some(&after),
            ..wanted
        },
    )
    .await
    .unwrap();
    let ids: Vec<&str> = second.events.iter().map(|e| e.id.as_str()).collect();
    let expected: Vec<&str> = whole[5..10]
        .iter()
        .map(|e| e.rsplit(':').next().unwrap())
        .collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn twenty_thousand_events_are_read_by_index() {
    let t = lively().await;
    let mut tx = t.db.write().await.unwrap();
    for sql in [
        "insert into change_sets (id, actor, origin, at)
         with recursive n(n) as (select 1 union all select n + 1 from n where n < 10000)
         select 1000 + n, 'user:a', 'edit', 1772532100000 + n from n",
        "insert into grid_changes (change_set_id, what, row_id, column_id, before, after)
         select id, 'cell', 'r1', 'next_step', '\"a\"', '\"b\"' from change_sets where id > 1000",
        "insert into notes (id, row_id, body, created_at, created_by, updated_at, updated_by)
         select 'n' || id, 'r1', 'x', at, 'user:a', at, 'user:a' from change_sets where id > 1000",
    ] {
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut conn = t.db.read().acquire().await.unwrap();
    let wanted = Wanted {
        kinds: &Kind::ALL,
        after: None,
        limit: 50,
        today: DAY.parse().unwrap(),
    };
    let mut after: Option<Cursor> = None;
    for _ in 0..20 {
        let found = page(
            &mut conn,
            "r1",
            &Wanted {
                after: after.as_ref(),
                ..wanted
            },
        )
        .await
        .unwrap();
        assert_eq!(found.events.len(), 50);
        after = Some(found.next_cursor.unwrap().parse().unwrap());
    }
    // No plan of these sorts what it read, or reads all of a table.
    for (sql, index) in [
        (
            "select id from notes n where n.row_id = 'r1' and n.deleted_at is null and (n.created_at, n.id) < (1, 'x') order by n.created_at desc, n.id desc limit 9",
            "notes_in_order",
        ),
        (
            "select id from interactions i where i.row_id = 'r1' and i.deleted_at is null and (i.at, i.id) < (1, 'x') order by i.at desc, i.id desc limit 9",
            "interactions_in_order",
        ),
        (
            "select id from tasks t where t.row_id = 'r1' and t.deleted_at is null and (t.created_at, t.id) < (1, 'x') order by t.created_at desc, t.id desc limit 9",
            "tasks_added_in_order",
        ),
        (
            "select id from tasks t where t.row_id = 'r1' and t.done_at is not null and t.deleted_at is null and (t.done_at, t.id) < (1, 'x') order by t.done_at desc, t.id desc limit 9",
            "tasks_done_in_order",
        ),
        (
            "select id from files where row_id = 'r1' and deleted_at is null and (created_at, id) < (1, 'x') order by created_at desc, id desc limit 9",
            "files_in_order",
        ),
        (
            "select id from stage_events where row_id = 'r1' and (at, id) < (1, 1) order by at desc, id desc limit 9",
            "stage_events_in_order",
        ),
        (
            "select e.id from commitment_events e where e.row_id = 'r1' and (e.at, e.id) < (1, 1) order by e.at desc, e.id desc limit 9",
            "commitment_events_in_order",
        ),
        (
            "select distinct c.change_set_id from grid_changes c where c.row_id = 'r1' and c.change_set_id < 9 order by c.change_set_id desc limit 9",
            "grid_changes_by_row",
        ),
        (
            "select c.change_set_id from grid_changes c where c.row_id = 'r1' and c.what = 'list' and c.change_set_id < 9 order by c.change_set_id desc limit 9",
            "grid_changes_of_lists",
        ),
    ] {
        let sql = sqlx::AssertSqlSafe(format!("explain query plan {sql}"));
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sql).fetch_all(&mut *conn).await.unwrap();
        let plan: Vec<String> = plan.into_iter().map(|p| p.3).collect();
        assert!(
            plan.iter().all(|step| !step.contains("TEMP B-TREE")),
            "{index}: {plan:?}"
        );
        assert!(plan[0].contains(index), "{index}: {plan:?}");
    }
}

#[test]
fn a_cursor_is_what_was_sent_or_nothing() {
    for text in [
        "",
        "1",
        "1.2.3.4",
        "1.2.3.4.",
        "x.2.3.4.id",
        "1.999.3.4.id",
        "1.2.3.x.id",
    ] {
        assert!(text.parse::<Cursor>().is_err(), "{text}");
    }
    let text = "-5.3.9.0.0190f2a4-7d1c";
    assert_eq!(text.parse::<Cursor>().unwrap().to_string(), text);
}
