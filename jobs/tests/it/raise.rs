//! The raise: the ledger says what the grid says, one live opportunity each,
//! and figures that open what they rest on.

use crm_jobs::{
    clock::DAY,
    funds::{self, FundTerms, Terms},
    grid::{self, ChangeBy, GridError},
    raise::{
        self, EventFilter, Opportunity, OpportunityFilter, Recorded, Transfer, Wanted, events,
        opportunities, positions, progress, totals,
    },
    testing::TestDb,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::grid::{ANA, row, write};

/// Two funds; three investors; soft and hard of the first fund have columns.
struct Raise {
    t: TestDb,
    one: String,
    two: String,
}

impl Raise {
    async fn new() -> Self {
        let t = TestDb::new().await;
        let mut tx = t.db.write().await.unwrap();
        let fund = |name: &str| Terms {
            name: Some(name.to_owned()),
            target: Some("100,000,000".to_owned()),
            hard_cap: Some("120m".to_owned()),
            ..Terms::default()
        };
        let one = funds::create(&mut tx, &fund("Fund One")).await.unwrap();
        let two = funds::create(&mut tx, &fund("Fund Two")).await.unwrap();
        tx.commit().await.unwrap();
        let commitment =
            |stage: &str| json!({"currency": "EUR", "commitment": {"fund": one, "stage": stage}});
        let choices: Vec<Value> = ["Lead", "Engaged", "Diligence", "Committed", "Passed"]
            .iter()
            .map(|n| json!({"id": n.to_lowercase(), "name": n, "color": "blue"}))
            .collect();
        let operations = json!([
            {"op": "add_column", "name": "Name", "type": "text"},
            {"op": "add_column", "name": "Soft", "type": "currency", "options": commitment("soft")},
            {"op": "add_column", "name": "Hard", "type": "currency", "options": commitment("hard")},
            {"op": "add_column", "name": "Status", "type": "select", "options": {"choices": choices, "pipeline": true}},
            {"op": "add_row", "id": "r1", "cells": {"name": "Alpha", "soft": "1000000"}},
            {"op": "add_row", "id": "r2", "cells": {"name": "Beta"}},
            {"op": "add_row", "id": "r3", "cells": {"name": "Gamma"}},
        ]);
        write(&t, operations, &ANA).await.unwrap();
        Self { t, one, two }
    }

    async fn record(&self, wanted: Value) -> Result<Recorded, GridError> {
        let wanted: Wanted = serde_json::from_value(wanted).unwrap();
        let mut tx = self.t.db.write().await.unwrap();
        let recorded = raise::record(&mut tx, &wanted, &ANA).await?;
        tx.commit().await.unwrap();
        Ok(recorded)
    }

    async fn transfer(&self, wanted: Value) -> Result<Recorded, GridError> {
        let wanted: Transfer = serde_json::from_value(wanted).unwrap();
        let mut tx = self.t.db.write().await.unwrap();
        let recorded = raise::transfer(&mut tx, &wanted, &ANA).await?;
        tx.commit().await.unwrap();
        Ok(recorded)
    }

    async fn fund(&self) -> FundTerms {
        let mut conn = self.t.db.read().acquire().await.unwrap();
        funds::get(&mut conn, &self.one).await.unwrap().unwrap()
    }

    /// Stage → sum, where there is one, at the end of a day.
    async fn sums(&self, as_of: &str) -> Value {
        let fund = self.fund().await;
        let mut conn = self.t.db.read().acquire().await.unwrap();
        let totals = totals(&mut conn, &fund, as_of).await.unwrap();
        let sums = totals.stages.iter().filter(|s| s.investors > 0);
        sums.map(|s| (s.stage.clone(), Value::from(s.amount.clone())))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    async fn stage(&self, row: &str, choice: Value) {
        let set =
            json!([{"op": "set", "row": row, "column": "status", "value": choice, "base": 9_999}]);
        write(&self.t, set, &ANA).await.unwrap();
    }

    async fn pursuits(&self, row: &str) -> Vec<Opportunity> {
        let mut conn = self.t.db.read().acquire().await.unwrap();
        let filter = OpportunityFilter {
            row: Some(row),
            ..OpportunityFilter::default()
        };
        let mut all = opportunities(&mut conn, &filter, 100).await.unwrap();
        all.sort_by_key(|o| o.opened_at);
        all
    }
}

const TODAY: &str = "2026-03-03";

fn code(error: &GridError) -> &'static str {
    match error {
        GridError::Invalid { code, .. } => code,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_edit_in_the_grid_and_on_the_fund_page_are_the_same_write() {
    let r = Raise::new().await;
    assert_eq!(r.sums(TODAY).await, json!({"soft": "1000000"}));
    let set = json!([{"op": "set", "row": "r1", "column": "hard", "value": "900000", "base": 1}]);
    write(&r.t, set, &ANA).await.unwrap();
    assert_eq!(r.sums(TODAY).await, json!({"hard": "900000"}));
    let done = r
        .record(json!({"row": "r1", "fund": r.one, "stage": "hard", "amount": "€950,000", "note": "By phone"}))
        .await
        .unwrap();
    assert_eq!(row(&r.t, "r1").await.unwrap().cells["hard"], "950000");
    let mut conn = r.t.db.read().acquire().await.unwrap();
    let filter = EventFilter {
        fund: Some(&r.one),
        stage: Some("hard"),
        ..EventFilter::default()
    };
    let lines = events(&mut conn, &filter, 10).await.unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0].change_set_id, done.applied.version);
    assert_eq!(
        (lines[0].before.as_deref(), lines[0].after.as_deref()),
        (Some("900000"), Some("950000"))
    );
    assert_eq!(
        (lines[0].note.as_str(), lines[1].note.as_str()),
        ("By phone", "")
    );
}

#[tokio::test]
async fn a_stage_without_a_column_gets_one_in_the_same_change_set() {
    let r = Raise::new().await;
    let done = r
        .record(json!({"row": "r2", "fund": r.one, "stage": "signed", "amount": "2.5m"}))
        .await
        .unwrap();
    assert_eq!(done.applied.columns, ["fund_one_signed"]);
    assert_eq!(
        row(&r.t, "r2").await.unwrap().cells["fund_one_signed"],
        "2500000"
    );
    assert_eq!(
        r.sums(TODAY).await,
        json!({"soft": "1000000", "signed": "2500000"})
    );
}

#[tokio::test]
async fn going_back_declining_and_coming_again_leave_one_amount_each() {
    let r = Raise::new().await;
    let on = |stage: &str| json!({"row": "r1", "fund": r.one, "stage": stage});
    r.record(on("hard")).await.unwrap();
    assert_eq!(
        r.sums(TODAY).await,
        json!({"hard": "1000000"}),
        "the amount comes along"
    );
    r.record(on("soft")).await.unwrap();
    assert_eq!(r.sums(TODAY).await, json!({"soft": "1000000"}));
    r.record(on("declined")).await.unwrap();
    assert_eq!(r.sums(TODAY).await, json!({"declined": "1000000"}));
    assert!(!row(&r.t, "r1").await.unwrap().cells.contains_key("soft"));
    r.record(on("soft")).await.unwrap();
    assert_eq!(r.sums(TODAY).await, json!({"soft": "1000000"}));
    r.record(on("wired")).await.unwrap();
    assert_eq!(
        code(&r.record(on("declined")).await.unwrap_err()),
        "already_wired"
    );
}

#[tokio::test]
async fn a_day_before_counts_from_then_and_an_undo_reaches_back_as_far() {
    let r = Raise::new().await;
    let back = json!({"row": "r2", "fund": r.one, "stage": "hard", "amount": "5000000", "on": "2026-01-15"});
    let done = r.record(back).await.unwrap();
    assert_eq!(r.sums("2026-01-14").await, json!({}));
    assert_eq!(r.sums("2026-01-15").await, json!({"hard": "5000000"}));
    let mut tx = r.t.db.write().await.unwrap();
    let undone = grid::undo(&mut tx, ANA.actor).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(undone.change_set, done.applied.version);
    assert_eq!(r.sums("2026-01-15").await, json!({}), "it never happened");
    let late = r.record(
        json!({"row": "r2", "fund": r.one, "stage": "hard", "amount": "1", "on": "2026-03-04"}),
    );
    assert_eq!(code(&late.await.unwrap_err()), "in_the_future");
}

#[tokio::test]
async fn a_transfer_takes_no_more_than_there_is_and_names_both_sides() {
    let r = Raise::new().await;
    r.record(json!({"row": "r1", "fund": r.one, "stage": "hard"}))
        .await
        .unwrap();
    let to = |amount: &str| json!({"fund": r.one, "from": "r1", "to": "r2", "amount": amount});
    assert_eq!(
        code(&r.transfer(to("1000001")).await.unwrap_err()),
        "more_than_there_is"
    );
    assert_eq!(
        code(
            &r.transfer(json!({"fund": r.one, "from": "r1", "to": "r1"}))
                .await
                .unwrap_err()
        ),
        "same_investor"
    );
    assert_eq!(
        code(
            &r.transfer(json!({"fund": r.one, "from": "r3", "to": "r1"}))
                .await
                .unwrap_err()
        ),
        "nothing_to_transfer"
    );
    let done = r.transfer(to("400000")).await.unwrap();
    assert_eq!(r.sums(TODAY).await, json!({"hard": "1000000"}));
    let mut conn = r.t.db.read().acquire().await.unwrap();
    let who = positions(&mut conn, &r.one, TODAY, Some("hard"))
        .await
        .unwrap();
    let who: Vec<_> = who
        .iter()
        .map(|p| (p.row_id.as_str(), p.amount.as_str()))
        .collect();
    assert_eq!(who, [("r1", "600000"), ("r2", "400000")]);
    let lines = events(&mut conn, &EventFilter::default(), 2).await.unwrap();
    assert!(
        lines
            .iter()
            .all(|l| l.change_set_id == done.applied.version)
    );
    let mut sides: Vec<_> = lines
        .iter()
        .map(|l| (l.row_id.as_str(), l.other_row_id.as_deref()))
        .collect();
    sides.sort_unstable();
    assert_eq!(sides, [("r1", Some("r2")), ("r2", Some("r1"))]);
}

#[tokio::test]
async fn totals_stand_against_target_cap_and_weights() {
    let r = Raise::new().await;
    r.record(json!({"row": "r2", "fund": r.one, "stage": "signed", "amount": "30m"}))
        .await
        .unwrap();
    let mut tx = r.t.db.write().await.unwrap();
    let weights = Terms {
        weights: Some([("soft".to_owned(), 50)].into()),
        ..Terms::default()
    };
    funds::update(&mut tx, &r.one, &weights)
        .await
        .unwrap()
        .unwrap();
    tx.commit().await.unwrap();
    let fund = r.fund().await;
    let mut conn = r.t.db.read().acquire().await.unwrap();
    let now = totals(&mut conn, &fund, TODAY).await.unwrap();
    assert_eq!(
        (now.committed.as_str(), now.committed_investors),
        ("30000000", 1)
    );
    assert_eq!(now.percent_of_target.as_deref(), Some("30"));
    assert_eq!(now.room_under_cap.as_deref(), Some("90000000"));
    assert_eq!(now.weighted, "29000000", "0.95 × 30 m + 0.5 × 1 m");
    let days = progress(&mut conn, &r.one).await.unwrap();
    assert_eq!(days.last().unwrap().committed.to_string(), "30000000");
}

#[tokio::test]
async fn a_deleted_investor_counts_nowhere_and_a_restored_one_again() {
    let r = Raise::new().await;
    write(&r.t, json!([{"op": "delete", "row": "r1"}]), &ANA)
        .await
        .unwrap();
    assert_eq!(r.sums(TODAY).await, json!({}));
    write(&r.t, json!([{"op": "restore", "row": "r1"}]), &ANA)
        .await
        .unwrap();
    assert_eq!(r.sums(TODAY).await, json!({"soft": "1000000"}));
}

#[tokio::test]
async fn a_fund_in_use_is_not_deleted_and_its_terms_are_checked() {
    let r = Raise::new().await;
    let mut tx = r.t.db.write().await.unwrap();
    assert_eq!(
        code(&funds::delete(&mut tx, &r.one).await.unwrap_err()),
        "fund_in_use"
    );
    assert!(funds::delete(&mut tx, &r.two).await.unwrap());
    assert!(funds::restore(&mut tx, &r.two).await.unwrap());
    let refused = [
        (json!({"hard_cap": "1"}), "cap_below_target"),
        (json!({"name": " fund TWO "}), "name_taken"),
        (json!({"target": "many"}), "invalid_amount"),
        (
            json!({"first_close_on": "2026-05-01", "final_close_on": "2026-04-01"}),
            "final_before_first",
        ),
        (json!({"currency": "USD"}), "currency_in_use"),
        (json!({"status": "open"}), "invalid_status"),
        (json!({"weights": {"soft": 101}}), "invalid_weight"),
        (json!({"expected_updated_at": 1}), "fund_changed"),
    ];
    for (terms, wanted) in refused {
        let terms: Terms = serde_json::from_value(terms).unwrap();
        assert_eq!(
            code(&funds::update(&mut tx, &r.one, &terms).await.unwrap_err()),
            wanted
        );
    }
}

#[tokio::test]
async fn an_investor_has_one_live_opportunity_and_losing_it_ends_it() {
    let r = Raise::new().await;
    r.stage("r1", json!("lead")).await;
    r.stage("r1", json!("lead")).await;
    r.stage("r1", json!("engaged")).await;
    let live = r.pursuits("r1").await;
    assert_eq!(live.len(), 1);
    assert_eq!(
        (live[0].stage.as_deref(), live[0].closed_at),
        (Some("engaged"), None)
    );
    r.t.advance(DAY);
    r.stage("r1", json!("passed")).await;
    let lost = r.pursuits("r1").await;
    assert_eq!((lost.len(), lost[0].outcome.as_deref()), (1, Some("lost")));
    let mut tx = r.t.db.write().await.unwrap();
    let said = raise::set_exit_reason(&mut tx, &lost[0].id, " Too early ")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(said.unwrap().exit_reason, "Too early");
    r.t.advance(DAY);
    r.stage("r1", json!("lead")).await;
    let again = r.pursuits("r1").await;
    assert_eq!(again.len(), 2);
    assert!(again[1].closed_at.is_none() && again[0].closed_at.is_some());
}

#[tokio::test]
async fn undoing_a_loss_brings_the_same_opportunity_back() {
    let r = Raise::new().await;
    r.stage("r1", json!("lead")).await;
    r.stage("r1", json!("passed")).await;
    let mut tx = r.t.db.write().await.unwrap();
    grid::undo(&mut tx, ANA.actor).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let all = r.pursuits("r1").await;
    assert_eq!(
        (all.len(), all[0].closed_at, all[0].stage.as_deref()),
        (1, None, Some("lead"))
    );
}

#[tokio::test]
async fn a_renamed_option_stands_for_another_stage_without_a_step() {
    let r = Raise::new().await;
    r.stage("r1", json!("lead")).await;
    let before = r.pursuits("r1").await[0].clone();
    r.t.advance(DAY);
    let options =
        json!({"pipeline": true, "choices": [{"id": "lead", "name": "Engaged", "color": "blue"}]});
    write(
        &r.t,
        json!([{"op": "update_column", "column": "status", "options": options}]),
        &ANA,
    )
    .await
    .unwrap();
    let after = &r.pursuits("r1").await[0];
    assert_eq!(after.stage.as_deref(), Some("engaged"));
    assert_eq!(after.stage_since_at, before.stage_since_at);
    let mut conn = r.t.db.read().acquire().await.unwrap();
    assert_eq!(
        raise::stage_history(&mut conn, "r1").await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn the_pipeline_tells_who_went_on_and_how_long_they_stayed() {
    let r = Raise::new().await;
    for row in ["r1", "r2", "r3"] {
        r.stage(row, json!("lead")).await;
    }
    r.t.advance(10 * DAY);
    r.stage("r1", json!("engaged")).await;
    r.stage("r2", json!("passed")).await;
    r.t.advance(2 * DAY);
    let mut conn = r.t.db.read().acquire().await.unwrap();
    let figures = raise::pipeline(&mut conn, r.t.db.now(), 90).await.unwrap();
    let lead = figures.stages.iter().find(|s| s.choice == "lead").unwrap();
    assert_eq!(
        (lead.now, lead.entered, lead.went_on, lead.lost),
        (1, 3, 1, 1)
    );
    assert_eq!(
        (lead.median_days_now, lead.median_days_stayed),
        (Some(12), Some(10))
    );
    assert_eq!(figures.lost, 1);
    assert_eq!(figures.exit_reasons[0].reason, "");
    let short = raise::pipeline(&mut conn, r.t.db.now(), 5).await.unwrap();
    let lead = short.stages.iter().find(|s| s.choice == "lead").unwrap();
    assert_eq!(lead.entered, 0, "they entered before that");
}

/// What every commitment cell of live rows holds: fund, stage, row, column, amount.
pub async fn in_the_grid(t: &TestDb) -> Vec<(String, String, String, String, String)> {
    let mut conn = t.db.read().acquire().await.unwrap();
    let columns = grid::columns(&mut conn).await.unwrap();
    let mut found = Vec::new();
    for row in grid::all_rows(&mut conn).await.unwrap() {
        for column in &columns {
            let Some(bound) = &column.options.commitment else {
                continue;
            };
            if let Some(amount) = row.cells.get(&column.id).and_then(Value::as_str) {
                let id = row.id.clone();
                found.push((
                    bound.fund.clone(),
                    bound.stage.clone(),
                    id,
                    column.id.clone(),
                    amount.to_owned(),
                ));
            }
        }
    }
    found.sort();
    found
}

/// The same, as the last events say it.
pub async fn in_the_ledger(t: &TestDb) -> Vec<(String, String, String, String, String)> {
    let mut found: Vec<_> = sqlx::query_as(
        "select e.fund_id, e.stage, e.row_id, e.column_id, e.after from commitment_events e
         join grid_rows r on r.id = e.row_id and r.deleted_at is null
         where e.after is not null and e.id = (select max(l.id) from commitment_events l
           where l.row_id = e.row_id and l.column_id = e.column_id and l.fund_id = e.fund_id and l.stage = e.stage)",
    )
    .fetch_all(t.db.read())
    .await
    .unwrap();
    found.sort();
    found
}

/// Something a team may do that touches commitments.
fn deed() -> impl Strategy<Value = Value> {
    let row = prop::sample::select(vec!["r1", "r2", "r3"]);
    let column = prop::sample::select(vec!["soft", "hard"]);
    let amount = prop_oneof![
        Just(Value::Null),
        (0_u32..50).prop_map(|n| json!(n.to_string()))
    ];
    let stage = prop::sample::select(vec!["soft", "hard", "wired"]);
    let choice = prop::sample::select(vec![
        json!("lead"),
        json!("engaged"),
        json!("passed"),
        Value::Null,
    ]);
    prop_oneof![
        6 => (row.clone(), column.clone(), amount).prop_map(|(row, column, value)| json!({"op": "set", "row": row, "column": column, "value": value, "base": 99_999})),
        2 => (row.clone(), choice).prop_map(|(row, value)| json!({"op": "set", "row": row, "column": "status", "value": value, "base": 99_999})),
        1 => row.clone().prop_map(|row| json!({"op": "delete", "row": row})),
        1 => row.prop_map(|row| json!({"op": "restore", "row": row})),
        1 => column.clone().prop_map(|column| json!({"op": "delete_column", "column": column})),
        1 => column.clone().prop_map(|column| json!({"op": "restore_column", "column": column})),
        1 => (column.clone(), stage).prop_map(|(column, stage)| json!({"op": "update_column", "column": column, "stage": stage})),
        1 => column.clone().prop_map(|column| json!({"op": "retype_column", "column": column, "type": "text"})),
        1 => column.prop_map(|column| json!({"op": "retype_column", "column": column, "type": "currency", "options": {"currency": "EUR"}})),
        2 => Just(json!("undo")),
        1 => Just(json!("redo")),
    ]
}

async fn live_through(deeds: Vec<Value>) {
    let r = Raise::new().await;
    for mut deed in deeds {
        let mut tx = r.t.db.write().await.unwrap();
        let done = if deed == "undo" {
            grid::undo(&mut tx, ANA.actor).await.map(|_| ())
        } else if deed == "redo" {
            grid::redo(&mut tx, ANA.actor).await.map(|_| ())
        } else {
            if let Some(stage) = deed.get("stage").cloned() {
                deed["options"] =
                    json!({"currency": "EUR", "commitment": {"fund": r.two, "stage": stage}});
            }
            let operations = [serde_json::from_value(deed.clone()).unwrap()];
            let by: &ChangeBy<'_> = &ANA;
            grid::apply(&mut tx, &operations, by).await.map(|_| ())
        };
        match done {
            Ok(()) => tx.commit().await.unwrap(),
            // What the grid refuses must leave no trace either.
            Err(_) => drop(tx),
        }
        assert_eq!(
            in_the_ledger(&r.t).await,
            in_the_grid(&r.t).await,
            "after {deed}"
        );
    }
    let live: Vec<(String, String)> = sqlx::query_as(
        "select o.row_id, o.choice from opportunities o join grid_rows r on r.id = o.row_id and r.deleted_at is null
         where o.closed_at is null order by o.row_id",
    )
    .fetch_all(r.t.db.read())
    .await
    .unwrap();
    let mut conn = r.t.db.read().acquire().await.unwrap();
    let mut standing: Vec<(String, String)> = Vec::new();
    for row in grid::all_rows(&mut conn).await.unwrap() {
        let choice = row.cells.get("status").and_then(Value::as_str);
        if let Some(choice) = choice.filter(|c| *c != "passed") {
            standing.push((row.id.clone(), choice.to_owned()));
        }
    }
    standing.sort();
    assert_eq!(
        live, standing,
        "one live opportunity for everybody who stands at a stage"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_always_says_what_the_grid_says(deeds in prop::collection::vec(deed(), 1..25)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(live_through(deeds));
    }
}
