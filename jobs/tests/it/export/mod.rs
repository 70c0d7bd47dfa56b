//! Taking data out: views as CSV and workbooks, and that they come back as they
//! were.

mod archive;
mod pace;
pub mod snapshot;

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use crm_jobs::{
    accounts::{
        Role, User,
        users::{self, NewUser},
    },
    audit::Actor,
    export::{Sheet, Wanted},
    grid::{
        table::SharedTable,
        view::{Condition, Filter, OrderQuery, SortBy, ViewColumn, Viewer},
    },
    import,
    testing::TestDb,
};
use serde_json::json;

use crate::{
    grid::{ANA, write},
    import::upload,
};

pub async fn user(t: &TestDb, email: &str, name: &str) -> User {
    let mut tx = t.db.write().await.unwrap();
    let new = NewUser {
        email: email.to_owned(),
        name: name.to_owned(),
        role: Role::Admin,
        password_hash: Some("$argon2id$the-secret-hash".to_owned()),
    };
    let user = users::create(&mut tx, new, &Actor::System, "")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    user
}

async fn sheet(t: &TestDb, wanted: Wanted) -> Sheet {
    let shared = SharedTable::new(&t.db);
    let table = shared.read_ranked(&wanted.order.ranked()).await.unwrap();
    Sheet::take(&table, &wanted, Viewer { user: None }).unwrap()
}

/// The CSV, in pieces of so many rows.
pub fn csv(mut sheet: Sheet, rows: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(piece) = sheet.next_csv(rows) {
        all.extend(piece);
    }
    all
}

fn all() -> Wanted {
    Wanted {
        all_columns: true,
        ..Wanted::default()
    }
}

/// A column of every type, and values that are hard to write down.
async fn odd_grid(t: &TestDb) {
    let ben = user(t, "ben@example.org", "Ben Sample").await;
    let twin = user(t, "ben2@example.org", "ben sample").await;
    let fund = |id: &str, name: &str| crm_jobs::funds::Fund::raising(id.to_owned(), name, "EUR");
    let mut tx = t.db.write().await.unwrap();
    for (id, name) in [("f1", "Fund I"), ("f2", "=Opportunity, \"SPV\"")] {
        crm_jobs::funds::add(&mut tx, &fund(id, name))
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let choices = json!([{"id": "a", "name": "Lead", "color": "blue"}, {"id": "b", "name": "-Odd, yes", "color": "red"},
        {"id": "c", "name": "lead", "color": "red"}]);
    write(
        t,
        json!([
            {"op": "add_column", "name": "Name", "type": "text"},
            {"op": "add_column", "name": "=Formula name", "type": "text"},
            {"op": "add_column", "name": "Story", "type": "long_text"},
            {"op": "add_column", "name": "Count", "type": "number"},
            {"op": "add_column", "name": "Amount", "type": "currency", "options": {"currency": "EUR"}},
            {"op": "add_column", "name": "Share", "type": "percent"},
            {"op": "add_column", "name": "Met", "type": "date", "options": {"date_format": "european"}},
            {"op": "add_column", "name": "Called", "type": "date_time"},
            {"op": "add_column", "name": "NDA", "type": "checkbox"},
            {"op": "add_column", "name": "Kind", "type": "select", "options": {"choices": choices}},
            {"op": "add_column", "name": "Tags", "type": "multi_select", "options": {"choices": choices}},
            {"op": "add_column", "name": "Lead by", "type": "user"},
            {"op": "add_column", "name": "People", "type": "contacts"},
            {"op": "add_column", "name": "Mail", "type": "email"},
            {"op": "add_column", "name": "Phone", "type": "phone"},
            {"op": "add_column", "name": "Site", "type": "url"},
            {"op": "add_column", "name": "Stars", "type": "rating"},
            {"op": "add_column", "name": "In", "type": "funds"},
            {"op": "add_column", "name": "Double", "type": "formula", "options": {"formula": "{Count} * 2"}},
            {"op": "add_column", "name": "Broken", "type": "formula", "options": {"formula": "1 / {Count}"}},
            {"op": "add_row", "id": "r1", "cells": {
                "name": "=HYPERLINK(\"http://evil.example.org\",\"x\")", "formula_name": "+1", "story": "@SUM(1)\nand \"more\", here",
                "count": "-1.125", "amount": "-1234567.89", "share": "-12.5", "met": "2026-03-04", "called": "2026-10-25T00:30:00Z",
                "nda": true, "kind": "b", "tags": ["b", "a"], "lead_by": ben.id,
                "people": [{"name": "Roe, Bo", "email": "bo@example.org", "phone": "+1", "role": "CIO"}, {"name": "-Ada"}],
                "mail": "x@example.org", "phone": "+49 30 123", "site": "https://example.org/?a=1,2", "stars": 4, "in": ["f2", "f1"]}},
            {"op": "add_row", "id": "r2", "cells": {
                "name": "'=already", "formula_name": "  spaces  ", "story": "\t=tab", "count": "1.250", "amount": "1000", "share": "0.125",
                "kind": "c", "tags": ["c"], "lead_by": twin.id, "people": [{"name": "solo@example.org", "email": "solo@example.org"}]}},
            {"op": "add_row", "id": "r3", "cells": {"name": "Plain", "count": "0"}},
        ]),
        &ANA,
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn our_own_import_takes_an_export_back_with_no_change() {
    let t = TestDb::new().await;
    odd_grid(&t).await;
    let bytes = csv(sheet(&t, all()).await, 1);
    let import = upload(&t, &bytes).await;
    assert_eq!(import.encoding, import::Encoding::Utf8Bom);
    let dry = import::dry_run(&t.db, &import.id).await.unwrap();
    assert_eq!(dry.errors, Vec::<String>::new());
    assert_eq!(dry.rejects, []);
    assert_eq!(dry.changes, []);
    assert_eq!(
        (dry.new, dry.changed, dry.unchanged, dry.conflicting),
        (0, 0, 3, 0)
    );
    assert_eq!((dry.new_columns.len(), dry.new_funds.len()), (0, 0));
    assert_eq!((dry.new_contacts, dry.new_choices.len()), (0, 0));
}

#[tokio::test]
async fn a_csv_is_guarded_and_its_numbers_are_numbers() {
    let t = TestDb::new().await;
    odd_grid(&t).await;
    let bytes = csv(sheet(&t, all()).await, 2);
    assert!(bytes.starts_with(b"\xef\xbb\xbfName,'=Formula name,Story,"));
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("-1.1250,-1234567.89,-12.5%,2026-03-04,2026-10-25T00:30:00Z,checked"));
    assert!(text.contains("#ERROR"), "an error of a formula shows");
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let mut cells = 0;
    for record in reader.records() {
        for cell in &record.unwrap() {
            cells += 1;
            let is_number = cell.trim_end_matches('%').parse::<f64>().is_ok();
            assert!(
                is_number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']),
                "{cell:?} would run"
            );
        }
    }
    assert!(cells > 60);
    assert_eq!(text.matches("\r\n").count(), 4, "CRLF ends the lines");
}

#[tokio::test]
async fn a_view_is_exported_as_it_is_seen() {
    let t = TestDb::new().await;
    odd_grid(&t).await;
    let shown = |id: &str, hidden| ViewColumn {
        id: id.to_owned(),
        hidden: Some(hidden),
        width: None,
    };
    let by = |column: &str, descending| SortBy {
        column: column.to_owned(),
        descending,
    };
    let filter = Filter::Condition(Condition {
        column: "name".to_owned(),
        op: "is_not".to_owned(),
        value: "Plain".into(),
    });
    let mut wanted = Wanted {
        order: OrderQuery {
            filter: Some(filter),
            groups: vec![by("kind", true)],
            sorts: vec![by("count", false)],
            ..OrderQuery::default()
        },
        columns: vec![
            shown("count", false),
            shown("name", false),
            shown("@list", false),
        ],
        all_columns: false,
    };
    for id in [
        "formula_name",
        "story",
        "amount",
        "share",
        "met",
        "called",
        "nda",
        "kind",
        "tags",
        "lead_by",
        "people",
        "mail",
        "phone",
        "site",
        "stars",
        "in",
        "broken",
    ] {
        wanted.columns.push(shown(id, true));
    }
    let text = String::from_utf8(csv(sheet(&t, wanted.clone()).await, 500)).unwrap();
    assert_eq!(
        text.trim_start_matches('\u{feff}')
            .lines()
            .collect::<Vec<_>>(),
        [
            "Count,Name,List,Double",
            "1.25,''=already,Main,2.5",
            "-1.1250,\"'=HYPERLINK(\"\"http://evil.example.org\"\",\"\"x\"\")\",Main,-2.25"
        ]
    );
    wanted.all_columns = true;
    let everything = sheet(&t, wanted).await;
    assert!(everything.headers().contains(&"Created at") && everything.headers().len() > 25);
}

#[tokio::test]
async fn an_empty_view_is_a_header_line() {
    let t = TestDb::new().await;
    odd_grid(&t).await;
    let wanted = Wanted {
        order: OrderQuery {
            archived: true,
            ..OrderQuery::default()
        },
        ..Wanted::default()
    };
    let text = String::from_utf8(csv(sheet(&t, wanted).await, 500)).unwrap();
    assert_eq!(text.lines().count(), 1);
}

#[tokio::test]
async fn a_workbook_has_real_numbers_and_dates_and_no_formula() {
    let t = TestDb::new().await;
    odd_grid(&t).await;
    let sheet = sheet(&t, all()).await;
    let path = t.dir().join("view.xlsx");
    sheet
        .write_workbook(&path, t.dir(), "All: of/them")
        .unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
    assert_eq!(book.sheet_names(), ["All  of them"]);
    assert!(book.worksheet_formula("All  of them").unwrap().is_empty());
    let range = book.worksheet_range("All  of them").unwrap();
    let cell = |row: u32, header: &str| {
        let at = sheet.headers().iter().position(|h| *h == header).unwrap();
        range
            .get_value((row, u32::try_from(at).unwrap()))
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(
        cell(0, "=Formula name"),
        Data::String("=Formula name".to_owned())
    );
    assert_eq!(
        cell(1, "Name"),
        Data::String("=HYPERLINK(\"http://evil.example.org\",\"x\")".to_owned())
    );
    assert_eq!(cell(1, "Count"), Data::Float(-1.125));
    assert_eq!(cell(1, "Amount"), Data::Float(-1_234_567.89));
    assert_eq!(cell(1, "Share"), Data::Float(-0.125));
    assert_eq!(cell(1, "NDA"), Data::Bool(true));
    assert_eq!(cell(1, "Stars"), Data::Float(4.0));
    assert_eq!(cell(1, "Double"), Data::Float(-2.25));
    let met = cell(1, "Met");
    assert!(
        matches!(&met, Data::DateTime(d) if d.as_f64().to_string() == "46085"),
        "{met:?}"
    );
    let called = cell(1, "Called");
    assert!(matches!(called, Data::DateTime(_)), "{called:?}");
    assert_eq!(cell(2, "Name"), Data::String("'=already".to_owned()));
    assert_eq!(cell(3, "Kind"), Data::Empty);
    let left = std::fs::read_dir(t.dir()).unwrap().flatten();
    let scratch: Vec<_> = left
        .filter(|e| e.file_name().to_string_lossy().starts_with(".tmp"))
        .collect();
    assert!(scratch.is_empty(), "no scratch file stays");
}
