//! The one engine of filters, sorts and groups, held against a plain reading of
//! the rows; saved views.

use crm_jobs::{
    grid::{
        self,
        table::{SharedTable, Table},
        view::{
            self, Condition, Filter, Mode, NewView, OrderQuery, SortBy, Summary, ViewChange,
            ViewConfig, Viewer,
        },
    },
    testing::TestDb,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::grid::{ANA, write};

const COLUMNS: [(&str, &str); 5] = [
    ("name", "text"),
    ("amount", "number"),
    ("met_on", "date"),
    ("stage", "select"),
    ("tags", "multi_select"),
];

async fn begin(t: &TestDb, rows: &[Map<String, Value>]) {
    let choices = json!({"choices": [
        {"id": "lead", "name": "Lead", "color": "blue"},
        {"id": "won", "name": "Won", "color": "green"},
        {"id": "lost", "name": "Lost", "color": "red"}]});
    let mut operations: Vec<Value> = COLUMNS
        .iter()
        .map(|(id, kind)| {
            let options = if kind.ends_with("select") {
                choices.clone()
            } else {
                json!({})
            };
            json!({"op": "add_column", "id": id, "name": id, "type": kind, "options": options})
        })
        .collect();
    operations.push(json!({"op": "add_column", "id": "done", "name": "done", "type": "checkbox"}));
    for (n, cells) in rows.iter().enumerate() {
        operations.push(json!({"op": "add_row", "id": format!("r{n}"), "cells": cells}));
    }
    write(t, Value::from(operations), &ANA).await.unwrap();
}

fn condition(column: &str, op: &str, value: Value) -> Filter {
    Filter::Condition(Condition {
        column: column.to_owned(),
        op: op.to_owned(),
        value,
    })
}

fn found(table: &Table, query: &OrderQuery) -> Vec<String> {
    let order = view::order(table, query, Viewer::default()).unwrap();
    let ids = order
        .slots
        .iter()
        .map(|slot| table.head(*slot).unwrap().id.to_string());
    ids.collect()
}

/// What a person would say who reads the cells.
fn naive(filter: &Filter, row: &Map<String, Value>) -> bool {
    match filter {
        Filter::All { all } => all.iter().all(|f| naive(f, row)),
        Filter::Any { any } => any.is_empty() || any.iter().any(|f| naive(f, row)),
        Filter::Condition(c) => naive_condition(c, row),
    }
}

fn naive_condition(c: &Condition, row: &Map<String, Value>) -> bool {
    let cell = row.get(&c.column).unwrap_or(&Value::Null);
    let text = |v: &Value| v.as_str().unwrap_or_default().to_lowercase();
    let ids = |v: &Value| -> Vec<String> {
        v.as_array()
            .into_iter()
            .flatten()
            .filter_map(|i| i.as_str().map(str::to_owned))
            .collect()
    };
    let number = |v: &Value| v.as_str().and_then(|t| t.parse::<i64>().ok());
    let wanted = ids(&c.value);
    let has = |id: &String| ids(cell).contains(id);
    match c.op.as_str() {
        "empty" => cell.is_null(),
        "not_empty" => !cell.is_null(),
        "checked" => *cell == json!(true),
        "unchecked" => *cell != json!(true),
        "contains" => text(cell).contains(&text(&c.value)),
        "not_contains" => !text(cell).contains(&text(&c.value)),
        "is" => !cell.is_null() && text(cell) == text(&c.value),
        "is_not" => cell.is_null() || text(cell) != text(&c.value),
        "any_of" => wanted.contains(&text(cell)),
        "none_of" => !wanted.contains(&text(cell)),
        "eq" => number(cell) == number(&c.value),
        "ne" => number(cell) != number(&c.value),
        "lt" => number(cell).is_some_and(|n| Some(n) < number(&c.value)),
        "gt" => number(cell).is_some_and(|n| Some(n) > number(&c.value)),
        "le" => number(cell).is_some_and(|n| Some(n) <= number(&c.value)),
        "ge" => number(cell).is_some_and(|n| Some(n) >= number(&c.value)),
        "has_any" => wanted.iter().any(has),
        "has_all" => wanted.iter().all(has),
        "has_none" => !wanted.iter().any(has),
        "exactly" => ids(cell).len() == wanted.len() && wanted.iter().all(has),
        // Dates as ISO text compare as they stand.
        "before" => !cell.is_null() && text(cell) < text(&c.value["date"]),
        "after" => text(cell) > text(&c.value["date"]),
        "on_or_before" => !cell.is_null() && text(cell) <= text(&c.value["date"]),
        "on_or_after" => text(cell) >= text(&c.value["date"]),
        other => panic!("no such operator: {other}"),
    }
}

fn words() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "Alpha",
        "alpha fund",
        "Beta",
        "BETA ß",
        "γάμμα",
        "a.b*c",
        " x ",
    ])
}

fn day() -> impl Strategy<Value = String> {
    (1_u8..13, 1_u8..29).prop_map(|(m, d)| format!("2026-{m:02}-{d:02}"))
}

fn choice() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["lead", "won", "lost"])
}

fn a_row() -> impl Strategy<Value = Map<String, Value>> {
    (
        prop::option::of(words()),
        prop::option::of(-20_i64..20),
        prop::option::of(day()),
        prop::option::of(choice()),
        prop::collection::btree_set(choice(), 0..3),
        any::<bool>(),
    )
        .prop_map(|(name, amount, met, stage, tags, done)| {
            let mut cells = Map::new();
            let mut put = |id: &str, value: Option<Value>| {
                if let Some(value) = value {
                    cells.insert(id.to_owned(), value);
                }
            };
            put("name", name.map(|n| n.trim().into()));
            put("amount", amount.map(|n| n.to_string().into()));
            put("met_on", met.map(Into::into));
            put("stage", stage.map(Into::into));
            let tags: Vec<&str> = tags.into_iter().collect();
            put("tags", (!tags.is_empty()).then(|| json!(tags)));
            put("done", done.then_some(json!(true)));
            cells
        })
}

fn a_condition() -> impl Strategy<Value = Filter> {
    let op = |ops: &'static [&'static str]| prop::sample::select(ops);
    let ids = || {
        let some = prop::collection::btree_set(choice(), 1..3);
        some.prop_map(|ids| json!(ids.into_iter().collect::<Vec<_>>()))
    };
    prop_oneof![
        (op(&["contains", "not_contains", "is", "is_not"]), words()).prop_map(|(op, w)| condition(
            "name",
            op,
            w.trim().into()
        )),
        (op(&["eq", "ne", "lt", "gt", "le", "ge"]), -20_i64..20).prop_map(|(op, n)| condition(
            "amount",
            op,
            n.to_string().into()
        )),
        (
            op(&["before", "after", "on_or_before", "on_or_after"]),
            day()
        )
            .prop_map(|(op, d)| condition("met_on", op, json!({ "date": d }))),
        (op(&["is", "is_not"]), choice()).prop_map(|(op, c)| condition("stage", op, c.into())),
        (op(&["any_of", "none_of"]), ids()).prop_map(|(op, c)| condition("stage", op, c)),
        (op(&["has_any", "has_all", "has_none", "exactly"]), ids())
            .prop_map(|(op, c)| condition("tags", op, c)),
        op(&["checked", "unchecked"]).prop_map(|op| condition("done", op, Value::Null)),
        (
            op(&["empty", "not_empty"]),
            prop::sample::select(vec!["name", "amount", "met_on", "stage", "tags"])
        )
            .prop_map(|(op, c)| condition(c, op, Value::Null)),
    ]
}

fn a_filter() -> impl Strategy<Value = Filter> {
    a_condition().prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|all| Filter::All { all }),
            prop::collection::vec(inner, 0..4).prop_map(|any| Filter::Any { any }),
        ]
    })
}

fn sorts() -> impl Strategy<Value = Vec<SortBy>> {
    let by = (
        prop::sample::select(vec!["name", "amount", "met_on", "stage"]),
        any::<bool>(),
    )
        .prop_map(|(column, descending)| SortBy {
            column: column.to_owned(),
            descending,
        });
    prop::collection::vec(by, 0..3)
}

/// Sorted the slow way: blanks last, options in their order, ties as they stood.
fn sorted(rows: &[Map<String, Value>], mut ids: Vec<String>, sorts: &[SortBy]) -> Vec<String> {
    let row = |id: &String| &rows[id[1..].parse::<usize>().unwrap()];
    ids.sort_by(|a, b| {
        for by in sorts {
            let (a, b) = (row(a).get(&by.column), row(b).get(&by.column));
            let order = match (a, b) {
                (None, None) => continue,
                (None, _) => return std::cmp::Ordering::Greater,
                (_, None) => return std::cmp::Ordering::Less,
                (Some(a), Some(b)) => {
                    let (a, b) = (a.as_str().unwrap(), b.as_str().unwrap());
                    match by.column.as_str() {
                        "amount" => a.parse::<i64>().unwrap().cmp(&b.parse::<i64>().unwrap()),
                        "stage" => {
                            let place = |id| ["lead", "won", "lost"].iter().position(|c| *c == id);
                            place(a).cmp(&place(b))
                        }
                        _ => a.to_lowercase().cmp(&b.to_lowercase()).then(a.cmp(b)),
                    }
                }
            };
            let order = if by.descending {
                order.reverse()
            } else {
                order
            };
            if order.is_ne() {
                return order;
            }
        }
        std::cmp::Ordering::Equal
    });
    ids
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, ..ProptestConfig::default() })]

    /// The engine finds and orders what a plain reading of the rows does.
    #[test]
    fn the_engine_agrees_with_a_plain_reading(
        rows in prop::collection::vec(a_row(), 0..30),
        asked in prop::collection::vec((a_filter(), sorts()), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let t = TestDb::new().await;
            begin(&t, &rows).await;
            let shared = SharedTable::new(&t.db);
            for (filter, sorts) in asked {
                let query = OrderQuery { filter: Some(filter.clone()), sorts: sorts.clone(), ..OrderQuery::default() };
                let table = shared.read_ranked(&query.ranked()).await.unwrap();
                let plain: Vec<String> = (0..rows.len()).filter(|n| naive(&filter, &rows[*n])).map(|n| format!("r{n}")).collect();
                assert_eq!(found(&table, &query), sorted(&rows, plain, &sorts), "{filter:?} {sorts:?}");
            }
        });
    }
}

#[tokio::test]
async fn groups_nest_and_add_up() {
    let t = TestDb::new().await;
    let rows: Vec<Map<String, Value>> = [
        ("lead", true, 1),
        ("lead", false, 2),
        ("won", true, 4),
        ("lead", true, 8),
    ]
    .iter()
    .map(|(stage, done, n)| {
        let cells = json!({"stage": stage, "done": done, "amount": n.to_string()});
        cells.as_object().unwrap().clone()
    })
    .collect();
    begin(&t, &rows).await;
    let by = |column: &str| SortBy {
        column: column.to_owned(),
        descending: false,
    };
    let query = OrderQuery {
        groups: vec![by("stage"), by("done")],
        summaries: [("amount".to_owned(), Summary::Sum)].into(),
        ..OrderQuery::default()
    };
    let shared = SharedTable::new(&t.db);
    let table = shared.read_ranked(&query.ranked()).await.unwrap();
    let order = view::order(&table, &query, Viewer::default()).unwrap();
    let told: Vec<(usize, &str, usize, usize, &str)> = order
        .groups
        .iter()
        .map(|g| {
            (
                g.depth,
                g.label.as_str(),
                g.start,
                g.count,
                g.subtotals["amount"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (0, "Lead", 0, 3, "11"),
            (1, "checked", 0, 2, "9"),
            (1, "", 2, 1, "2"),
            (0, "Won", 3, 1, "4"),
            (1, "checked", 3, 1, "4"),
        ]
    );
    assert_eq!(order.summary["amount"].text, "15");
    let four = OrderQuery {
        groups: vec![by("stage"); 4],
        ..OrderQuery::default()
    };
    assert!(view::order(&table, &four, Viewer::default()).is_err());
}

#[tokio::test]
async fn summaries_of_every_kind() {
    let t = TestDb::new().await;
    let cells = |n: &str, day: &str| {
        json!({"amount": n, "met_on": day})
            .as_object()
            .unwrap()
            .clone()
    };
    begin(
        &t,
        &[
            cells("0.1", "2026-03-01"),
            cells("0.2", "2026-01-31"),
            Map::new(),
        ],
    )
    .await;
    let shared = SharedTable::new(&t.db);
    let table = shared.read().await.unwrap();
    for (column, kind, wanted) in [
        ("amount", Summary::Sum, "0.3"),
        ("amount", Summary::Average, "0.15"),
        ("amount", Summary::Min, "0.1"),
        ("amount", Summary::Max, "0.2"),
        ("amount", Summary::Filled, "2"),
        ("amount", Summary::Empty, "1"),
        ("met_on", Summary::Min, "2026-01-31"),
        ("met_on", Summary::Unique, "2"),
        ("name", Summary::Sum, ""),
    ] {
        let query = OrderQuery {
            summaries: [(column.to_owned(), kind)].into(),
            ..OrderQuery::default()
        };
        let order = view::order(&table, &query, Viewer::default()).unwrap();
        assert_eq!(order.summary[column].text, wanted, "{column} {kind:?}");
    }
}

#[tokio::test]
async fn bad_filters_name_their_part() {
    let t = TestDb::new().await;
    begin(&t, &[]).await;
    let shared = SharedTable::new(&t.db);
    let table = shared.read().await.unwrap();
    for (filter, says) in [
        (condition("nothing", "is", "x".into()), "no column"),
        (condition("amount", "contains", "x".into()), "not a number"),
        (condition("amount", "contains", "1".into()), "operator"),
        (condition("stage", "is", "Bank".into()), "Bank"),
        (condition("met_on", "before", "soon".into()), "date"),
        (
            condition("met_on", "within", json!({"relative": "yesterday"})),
            "span",
        ),
        (
            condition("met_on", "is", json!({"relative": "days_ago"})),
            "how many",
        ),
        (condition("done", "is", json!(true)), "checked"),
        (condition("name", "contains", json!(["a"])), "text"),
    ] {
        let filter = Filter::All {
            all: vec![Filter::Any {
                any: vec![filter.clone()],
            }],
        };
        let query = OrderQuery {
            filter: Some(filter),
            ..OrderQuery::default()
        };
        let refused = view::order(&table, &query, Viewer::default()).unwrap_err();
        let grid::GridError::Invalid { field, detail, .. } = refused else {
            panic!("{refused}");
        };
        assert_eq!(field, "filter.all[0].any[0]");
        assert!(detail.contains(says), "{detail}");
    }
}

#[tokio::test]
async fn views_are_shared_personal_or_locked() {
    let t = TestDb::new().await;
    begin(&t, &[]).await;
    let config = ViewConfig::default();
    let mut tx = t.db.write().await.unwrap();
    let mut add = async |name: &str, mode| {
        let new = NewView {
            name,
            mode,
            owner: "ana",
            config: &config,
        };
        view::add(&mut tx, &new).await.unwrap()
    };
    let shared = add("Shared", Mode::Shared).await;
    let mine = add("Mine", Mode::Personal).await;
    let names = async |tx: &mut crm_jobs::db::WriteTx, user: &str| -> Vec<String> {
        let views = view::list(tx, user).await.unwrap();
        views.into_iter().map(|v| v.name).collect()
    };
    assert_eq!(names(&mut tx, "ana").await, ["Shared", "Mine"]);
    assert_eq!(names(&mut tx, "ben").await, ["Shared"]);
    assert!(
        view::find(&mut tx, &mine.id, "ben")
            .await
            .unwrap()
            .is_none()
    );
    let lock = ViewChange {
        mode: Some(Mode::Locked),
        ..ViewChange::default()
    };
    let locked = view::change(&mut tx, &shared, &lock).await.unwrap();
    let rename = ViewChange {
        name: Some("Other"),
        ..ViewChange::default()
    };
    assert!(
        view::change(&mut tx, &locked, &rename).await.is_err(),
        "locked"
    );
    let unlock = ViewChange {
        mode: Some(Mode::Shared),
        name: Some("Other"),
        ..ViewChange::default()
    };
    let open = view::change(&mut tx, &locked, &unlock).await.unwrap();
    assert_eq!(open.name, "Other");
    assert!(
        view::delete(&mut tx, &open).await.is_err(),
        "the last one everybody sees"
    );
    view::delete(&mut tx, &mine).await.unwrap();
    assert_eq!(names(&mut tx, "ana").await, ["Other"]);
    assert!(!view::restore(&mut tx, &mine.id, "ben").await.unwrap());
    assert!(view::restore(&mut tx, &mine.id, "ana").await.unwrap());
}

#[tokio::test]
async fn the_reasons_why_a_row_is_in_a_view() {
    let t = TestDb::new().await;
    let cells = json!({"stage": "lead", "amount": "5"})
        .as_object()
        .unwrap()
        .clone();
    begin(&t, &[cells]).await;
    let shared = SharedTable::new(&t.db);
    let table = shared.read().await.unwrap();
    let filter = Filter::All {
        all: vec![
            condition("stage", "is", "lead".into()),
            condition("amount", "gt", "9".into()),
            condition(
                "met_on",
                "within",
                json!({"relative": "past_days", "n": 30}),
            ),
        ],
    };
    let slot = table.slot("r0").unwrap();
    let (holds, reasons) = view::why(&table, &filter, slot, Viewer::default()).unwrap();
    assert!(!holds);
    let told: Vec<(&str, &str, bool)> = reasons
        .iter()
        .map(|r| (r.text.as_str(), r.actual.as_str(), r.holds))
        .collect();
    assert_eq!(
        told,
        [
            ("All of these", "", false),
            ("stage is Lead", "Lead", true),
            ("amount > 9", "5", false),
            ("met_on is within the past 30 days", "", false),
        ]
    );
}
