//! A generated table of 50,000 × 40: every column type, values as a fund has them.

use crm_jobs::{
    grid::{self, ChangeBy, Operation},
    testing::TestDb,
};
use serde_json::{Map, Value, json};

use crate::measure;

const ROWS: usize = 50_000;
const CHUNK: usize = 5_000;

const BY: ChangeBy<'static> = ChangeBy {
    actor: "bench",
    origin: "bench",
    summary: "",
    job: None,
};

/// A small deterministic generator: the same table in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Fills the grid; returns the rows' ids.
pub async fn fill(t: &TestDb) -> Vec<String> {
    let mut tx = t.db.write().await.unwrap();
    grid::add_default_views(&mut tx).await.unwrap();
    grid::apply(&mut tx, &columns(), &BY).await.unwrap();
    tx.commit().await.unwrap();
    let mut dice = Dice(0x00C0_FFEE_1234_5678);
    let mut ids = Vec::new();
    for chunk in 0..measure::rows(ROWS) / CHUNK {
        let rows: Vec<Operation> = (0..CHUNK)
            .map(|n| Operation::AddRow {
                id: None,
                cells: cells(&mut dice, chunk * CHUNK + n),
                list: None,
                after: None,
            })
            .collect();
        let mut tx = t.db.write().await.unwrap();
        let added = grid::apply(&mut tx, &rows, &BY).await.unwrap();
        tx.commit().await.unwrap();
        ids.extend(added.rows.into_iter().map(|r| r.id));
    }
    ids
}

fn columns() -> Vec<Operation> {
    let choices = |n: usize| {
        let colors = grid::COLORS;
        let each = (0..n).map(|i| json!({"id": format!("o{i}"), "name": format!("Option {i}"), "color": colors[i % 10]}));
        json!({ "choices": each.collect::<Vec<_>>() })
    };
    let mut columns = vec![("Name".to_owned(), "text", json!({}))];
    let mut add = |name: &str, n: usize, kind: &'static str, options: &Value| {
        columns.extend((1..=n).map(|i| (format!("{name} {i}"), kind, options.clone())));
    };
    add("Text", 6, "text", &json!({}));
    add("Select", 4, "select", &choices(8));
    add("Tags", 2, "multi_select", &choices(6));
    add("Amount", 6, "currency", &json!({"currency": "EUR"}));
    add("Number", 4, "number", &json!({}));
    add("Share", 2, "percent", &json!({}));
    add("Date", 4, "date", &json!({}));
    add("Moment", 1, "date_time", &json!({}));
    add("Flag", 3, "checkbox", &json!({}));
    add("Rating", 1, "rating", &json!({}));
    add("Email", 2, "email", &json!({}));
    add("Phone", 1, "phone", &json!({}));
    add("Web", 1, "url", &json!({}));
    add("Notes", 2, "long_text", &json!({}));
    assert_eq!(columns.len(), 40);
    columns
        .into_iter()
        .map(|(name, kind, options)| column(&name, kind, &options))
        .collect()
}

fn column(name: &str, kind: &str, options: &Value) -> Operation {
    let column = json!({"op": "add_column", "name": name, "type": kind, "options": options});
    serde_json::from_value(column).unwrap()
}

fn cells(dice: &mut Dice, row: usize) -> Map<String, Value> {
    let mut cells = Map::new();
    cells.insert("name".to_owned(), format!("Sample investor {row}").into());
    let day = |d: u64| format!("202{}-{:02}-{:02}", d % 7, 1 + d % 12, 1 + d % 28);
    for i in 1..=6 {
        let words = format!(
            "sample {} {}",
            dice.below(4_000),
            ["north", "south", "east", "west"][i % 4]
        );
        cells.insert(format!("text_{i}"), words.into());
        if dice.below(10) < 7 {
            cells.insert(
                format!("amount_{i}"),
                (dice.below(400) * 25_000).to_string().into(),
            );
        }
    }
    for i in 1..=4 {
        cells.insert(format!("select_{i}"), format!("o{}", dice.below(8)).into());
        cells.insert(
            format!("number_{i}"),
            format!("{}.{:02}", dice.below(90_000), dice.below(100)).into(),
        );
        if dice.below(10) < 8 {
            cells.insert(format!("date_{i}"), day(dice.below(2_400)).into());
        }
    }
    for i in 1..=2 {
        cells.insert(
            format!("tags_{i}"),
            json!([
                format!("o{}", dice.below(3)),
                format!("o{}", 3 + dice.below(3))
            ]),
        );
        cells.insert(format!("share_{i}"), dice.below(101).to_string().into());
        cells.insert(
            format!("email_{i}"),
            format!("person{row}.{i}@example.org").into(),
        );
        cells.insert(
            format!("notes_{i}"),
            format!(
                "Sample note {}: {}",
                dice.below(900),
                "met twice, sends the papers. ".repeat(2)
            )
            .into(),
        );
    }
    for i in 1..=3 {
        cells.insert(format!("flag_{i}"), (dice.below(2) == 0).into());
    }
    cells.insert(
        "moment_1".to_owned(),
        format!("{}T10:{:02}:00Z", day(dice.below(2_400)), dice.below(60)).into(),
    );
    cells.insert("rating_1".to_owned(), (1 + dice.below(5)).into());
    cells.insert("phone_1".to_owned(), format!("+41 00 {row:07}").into());
    cells.insert(
        "web_1".to_owned(),
        format!("https://sample{}.example.org", dice.below(20_000)).into(),
    );
    cells
}

/// Twenty formulas as a fund writes them, some reading others.
pub fn formulas() -> Vec<Operation> {
    [
        "{Amount 1} * {Share 1}",
        "{Amount 1} + {Amount 2} + {Amount 3}",
        "IF({Amount 1} > 5000000, 'large', IF({Amount 1} > 1000000, 'middle', 'small'))",
        "{Name} & ' (' & {Select 1} & ')'",
        "DATETIME_DIFF({Date 1}, {Date 2}, 'days')",
        "IF({Flag 1}, {Amount 4}, 0)",
        "ROUND({Number 1} / ({Number 2} + 1), 2)",
        "MAX({Amount 1}, {Amount 2}, {Amount 3})",
        "UPPER({Text 1})",
        "LEN({Notes 1})",
        "IF(IS_BEFORE({Date 1}, '2024-01-01'), 'old', 'new')",
        "SWITCH({Select 2}, 'Option 1', 1, 'Option 2', 2, 3)",
        "ARRAYJOIN({Tags 1}, ' / ')",
        "{F 1} + {F 2}",
        "IF(AND({Flag 2}, {Rating 1} > 3), 'call', '')",
        "YEAR({Date 3})",
        "DATEADD({Date 4}, 30, 'days')",
        "SUBSTITUTE({Text 2}, 'north', 'N')",
        "{F 14} * 2 - {Number 3}",
        "CONCATENATE({F 3}, '-', {F 11})",
    ]
    .iter()
    .enumerate()
    .map(|(i, formula)| {
        column(
            &format!("F {}", i + 1),
            "formula",
            &json!({ "formula": formula }),
        )
    })
    .collect()
}

/// Applies operations in one transaction.
pub async fn apply(t: &TestDb, operations: &[Operation]) -> grid::Applied {
    let mut tx = t.db.write().await.unwrap();
    let applied = grid::apply(&mut tx, operations, &BY).await.unwrap();
    tx.commit().await.unwrap();
    applied
}
