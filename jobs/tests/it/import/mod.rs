//! Files into the grid: what arrives, what is refused, and that nothing is half-done.

mod drift;
mod export;
mod exports;
mod pace;
mod profiles;
mod reading;
mod revert;
mod states;
mod workbooks;

use crm_jobs::{
    grid::{self, ColumnType, Row},
    import::{
        self, ApplyImport, Blank, Import, ImportState, Mapping, Overrides, Report, RevertImport,
        Target,
    },
    queue::{self, JobId, Registry},
    testing::TestDb,
};

pub const ACTOR: &str = "user:test";

pub async fn upload(t: &TestDb, bytes: &[u8]) -> Import {
    let upload = import::read_upload(&t.db, "export.csv", bytes.to_vec(), Overrides::default())
        .await
        .unwrap();
    let mut tx = t.db.write().await.unwrap();
    let import = import::create(&mut tx, &upload, ACTOR).await.unwrap();
    tx.commit().await.unwrap();
    import
}

pub async fn map(t: &TestDb, id: &str, mapping: &Mapping) {
    let mut tx = t.db.write().await.unwrap();
    import::set_mapping(&mut tx, id, mapping).await.unwrap();
    tx.commit().await.unwrap();
}

pub async fn start(t: &TestDb, id: &str) -> JobId {
    let mut tx = t.db.write().await.unwrap();
    let job = import::start(&mut tx, id, ACTOR).await.unwrap();
    tx.commit().await.unwrap();
    job
}

pub async fn load(t: &TestDb, id: &str) -> Import {
    import::load(&t.db, id).await.unwrap().unwrap()
}

pub async fn drain(t: &TestDb) {
    let registry = Registry::default()
        .with::<ApplyImport>()
        .with::<RevertImport>();
    queue::drain(&t.db, &registry).await.unwrap();
}

/// Uploads, compares and applies, and holds the one against the other.
pub async fn bring_in(t: &TestDb, bytes: &[u8]) -> Report {
    let import = upload(t, bytes).await;
    apply(t, &import.id).await
}

pub async fn apply(t: &TestDb, id: &str) -> Report {
    let dry = import::dry_run(&t.db, id).await.unwrap();
    assert_eq!(dry.errors, Vec::<String>::new());
    start(t, id).await;
    drain(t).await;
    let after = load(t, id).await;
    assert_eq!((after.state, after.error), (ImportState::Applied, None));
    let outcome = after.outcome.unwrap();
    assert_eq!(outcome, dry, "the dry run told what happened");
    let changes: i64 =
        sqlx::query_scalar("select count(*) from grid_changes where change_set_id = ?1")
            .bind(after.change_set_id)
            .fetch_one(t.db.read())
            .await
            .unwrap();
    let expected = dry.new + dry.changed_cells + dry.new_columns.len() + dry.new_choices.len();
    assert_eq!(usize::try_from(changes).unwrap(), expected);
    outcome
}

pub async fn rows(t: &TestDb) -> Vec<Row> {
    let mut conn = t.db.read().acquire().await.unwrap();
    grid::all_rows(&mut conn).await.unwrap()
}

/// A row's cells as people read them, `column=value`, in the grid's order.
pub async fn shown(t: &TestDb, row: usize) -> Vec<String> {
    let mut conn = t.db.read().acquire().await.unwrap();
    let columns = grid::columns(&mut conn).await.unwrap();
    let rows = grid::all_rows(&mut conn).await.unwrap();
    columns
        .iter()
        .filter_map(|c| {
            let value = rows[row].cells.get(&c.id)?;
            Some(format!("{}={}", c.name, grid::display(c, value)))
        })
        .collect()
}

pub async fn kinds(t: &TestDb) -> Vec<(String, ColumnType)> {
    let mut conn = t.db.read().acquire().await.unwrap();
    let columns = grid::columns(&mut conn).await.unwrap();
    columns.into_iter().map(|c| (c.name, c.kind)).collect()
}

#[tokio::test]
async fn a_real_shaped_export_arrives_and_the_second_time_changes_nothing() {
    use ColumnType as T;
    let t = TestDb::new().await;
    let import = upload(&t, &export::export()).await;
    assert_eq!(import.row_count, 400);
    assert_eq!(import.encoding, import::Encoding::Utf8Bom);
    assert_eq!(import.mapping.key, Some(0));
    let report = apply(&t, &import.id).await;
    assert_eq!(
        (report.new, report.rejected, report.changed),
        (export::ROWS - export::BAD.len(), export::BAD.len(), 0)
    );
    assert_eq!(
        kinds(&t).await,
        [
            ("Name", T::Text),
            ("Url", T::Url),
            ("Contacts", T::Contacts),
            ("Email", T::Email),
            ("Linked funds", T::Funds),
            ("Type", T::Select),
            ("Sectors", T::MultiSelect),
            ("NDA signed", T::Checkbox),
            ("Ticket", T::Currency),
            ("Fund III commitment", T::Currency),
            ("Fund III soft", T::Currency),
            ("Fund II wired", T::Currency),
            ("AUM", T::Currency),
            ("Probability", T::Percent),
            ("First met", T::Date),
            ("Last call", T::DateTime),
            ("Next step on", T::Date),
            ("Phone", T::Phone),
            ("Custodian ref", T::Text),
            ("Postal code", T::Text),
            ("Staff", T::Number),
            ("Wait", T::Text),
            ("Notes", T::LongText),
            ("Notes (2)", T::Text),
        ]
        .map(|(name, kind)| (name.to_owned(), kind))
    );
    assert_eq!(
        report.new_funds,
        ["Fund III", "Fund II", "Sample Opportunity, SPV"]
    );
    assert!(report.warnings.iter().any(|w| w.contains("$2M")));
    let changes = rows(&t).await.len();
    assert_eq!(changes, report.new);

    t.advance(60_000);
    let again = upload(&t, &export::export()).await;
    assert!(
        again
            .mapping
            .columns
            .iter()
            .all(|c| matches!(c.target, Target::Existing { .. }))
    );
    let version = report.grid_version + 1;
    let second = apply(&t, &again.id).await;
    assert_eq!(
        (
            second.new,
            second.changed,
            second.unchanged,
            second.rejected
        ),
        (0, 0, report.new, report.rejected)
    );
    assert_eq!(second.grid_version, version, "no change set was made");
    assert_eq!(load(&t, &again.id).await.change_set_id, None);
}

#[tokio::test]
async fn values_arrive_as_they_were_meant() {
    let t = TestDb::new().await;
    bring_in(&t, &export::export()).await;
    let rows = rows(&t).await;
    let named = |name: &str| {
        rows.iter()
            .position(|r| r.cells["name"] == name)
            .unwrap_or_else(|| panic!("{name}"))
    };
    assert_eq!(
        shown(&t, named("Sample, Roe & Partners 60")).await,
        [
            "Name=Sample, Roe & Partners 60",
            "Url=https://lp60.example.org/about?ref=a,b",
            "Email=office60@example.org",
            "Type=Family office",
            "Sectors=AI",
            "NDA signed=checked",
            "Ticket=EUR 7,420.6",
            "Fund III commitment=USD 250,000",
            "Probability=60.8 %",
            "First met=2022-01-05",
            "Last call=2025-01-05T01:00:00Z",
            "Next step on=2026-01-05",
            "Phone=+49 30 1000060",
            "Custodian ref=90000123456789012405",
            "Postal code=00780",
            "Staff=121",
            "Wait=6:00:00",
            "Notes (2)=second notes column 60",
        ]
    );
    let cells = &rows[named("Sample Family Office 121")].cells;
    let people: Vec<&str> = cells["contacts"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|p| p["name"].as_str())
        .collect();
    assert_eq!(people.len(), 2);
    assert!(people[1].ends_with(", Jr."), "{people:?}");
    let notes = &rows[named("Sample Foundation 8")].cells["notes"];
    assert!(notes.as_str().unwrap().contains("spring.\n\n\"Send"));
}

#[tokio::test]
async fn commitments_belong_to_their_fund_and_stage() {
    let t = TestDb::new().await;
    bring_in(&t, &export::export()).await;
    let mut conn = t.db.read().acquire().await.unwrap();
    let funds = crm_jobs::funds::list(&mut conn).await.unwrap();
    let names: Vec<&str> = funds.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["Fund II", "Fund III", "Sample Opportunity, SPV"]);
    let columns = grid::columns(&mut conn).await.unwrap();
    let stages: Vec<(String, String, String)> = columns
        .iter()
        .filter_map(|c| {
            let commitment = c.options.commitment.clone()?;
            let fund = funds.iter().find(|f| f.id == commitment.fund)?;
            Some((c.name.clone(), fund.name.clone(), commitment.stage))
        })
        .collect();
    assert_eq!(
        stages,
        [
            ("Fund III commitment", "Fund III", "hard"),
            ("Fund III soft", "Fund III", "soft"),
            ("Fund II wired", "Fund II", "wired"),
        ]
        .map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()))
    );
}

#[tokio::test]
async fn rejected_rows_are_named_by_line_column_and_reason() {
    let t = TestDb::new().await;
    let bytes = export::export();
    let import = upload(&t, &bytes).await;
    let report = import::dry_run(&t.db, &import.id).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let lines: Vec<&str> = text.split('\n').collect();
    let columns: Vec<&str> = report.rejects.iter().map(|r| r.column.as_str()).collect();
    assert_eq!(columns, export::BAD.map(|(_, column)| column));
    for reject in &report.rejects {
        let line = lines[usize::try_from(reject.line).unwrap() - 1];
        let wrong = if reject.column.is_empty() {
            "stray"
        } else {
            "about two"
        };
        assert!(line.contains(wrong), "line {}: {line}", reject.line);
        assert!(line.replace("\"\"", "\"").contains(&reject.row));
    }
    assert!(report.rejects[0].reason.contains("not a number"));
    assert!(report.rejects[4].reason.contains("26 cells"));
    let csv = import::rejected_csv(&t.db, &import.id).await.unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert!(
        csv.contains("Ticket: \"\"about two\"\" is not a number"),
        "{csv}"
    );
}

#[tokio::test]
async fn changes_show_before_and_after_and_blanks_skip_or_clear() {
    let t = TestDb::new().await;
    bring_in(
        &t,
        b"Name,Stage,Ticket,Met\nA,Lead,$1.00,2025-01-01\nB,Lead,$2.00,\n",
    )
    .await;
    let import = upload(
        &t,
        b"Name,Stage,Ticket,Met\n a ,Hot,,2025-01-02\nB,Lead,$2.00,\nC,,,\n",
    )
    .await;
    let report = import::dry_run(&t.db, &import.id).await.unwrap();
    assert_eq!((report.new, report.changed, report.unchanged), (1, 1, 1));
    let cells: Vec<(&str, &str, &str)> = report
        .changes
        .iter()
        .map(|c| (c.column.as_str(), c.before.as_str(), c.after.as_str()))
        .collect();
    assert_eq!(
        cells,
        [
            ("Name", "A", "a"),
            ("Stage", "Lead", "Hot"),
            ("Met", "2025-01-01", "2025-01-02")
        ]
    );
    let mut mapping = import.mapping.clone();
    mapping.columns[2].blank = Blank::Clear;
    map(&t, &import.id, &mapping).await;
    let report = import::dry_run(&t.db, &import.id).await.unwrap();
    assert_eq!(report.changed_cells, 4);
    assert!(
        report
            .changes
            .iter()
            .any(|c| c.column == "Ticket" && c.before == "USD 1" && c.after.is_empty())
    );
    apply(&t, &import.id).await;
    assert_eq!(rows(&t).await.len(), 3);
}

#[tokio::test]
async fn an_unticked_box_is_unticked() {
    let t = TestDb::new().await;
    bring_in(&t, b"Name,NDA\nA,checked\nB,checked\n").await;
    let report = bring_in(&t, b"Name,NDA\nA,\nB,checked\n").await;
    assert_eq!((report.changed, report.unchanged), (1, 1));
}

#[tokio::test]
async fn new_options_are_added_to_a_select_column_and_named() {
    let t = TestDb::new().await;
    let six = "Name,Type\nA,X\nB,X\nC,X\nD,Y\nE,Y\nF,Y\n";
    bring_in(&t, six.as_bytes()).await;
    let report = bring_in(&t, b"Name,Type\nA,y\nG,Z\n").await;
    assert_eq!(report.new_choices[0].names, ["Z"]);
    assert_eq!((report.new, report.changed), (1, 1));
    assert_eq!(shown(&t, 0).await, ["Name=A", "Type=Y"]);
}

#[tokio::test]
async fn a_known_contact_keeps_what_the_grid_knows() {
    let t = TestDb::new().await;
    bring_in(
        &t,
        b"Name,Contacts\nA,Ada Sample <ada@example.org>\nB,Ada Sample\nC,\"Bo, Ada Sample\"\n",
    )
    .await;
    let people: i64 = sqlx::query_scalar("select count(*) from contacts")
        .fetch_one(t.db.read())
        .await
        .unwrap();
    assert_eq!(people, 2, "one Ada, one Bo");
    let report = bring_in(
        &t,
        b"Name,Contacts\nA,ada sample\nB,Ada Sample\nC,\"Bo,Ada Sample\"\n",
    )
    .await;
    assert_eq!((report.changed, report.unchanged), (0, 3));
}

#[tokio::test]
async fn duplicate_keys_in_the_file_are_named_with_their_lines() {
    let t = TestDb::new().await;
    let import = upload(&t, b"Name,X\nA,1\nB,2\n a,3\nA ,4\n").await;
    let report = import::dry_run(&t.db, &import.id).await.unwrap();
    assert!(
        report.errors[0].contains("lines 2, 4, 5"),
        "{:?}",
        report.errors
    );
    start(&t, &import.id).await;
    drain(&t).await;
    let import = load(&t, &import.id).await;
    assert_eq!(import.state, ImportState::Failed);
    assert!(import.error.unwrap().contains("lines 2, 4, 5"));
    assert_eq!(rows(&t).await.len(), 0);
    assert!(kinds(&t).await.is_empty());
}

#[tokio::test]
async fn two_rows_of_one_key_in_the_grid_are_a_conflict() {
    let t = TestDb::new().await;
    let import = upload(&t, b"Name,X\nA,1\nA,2\nB,3\n").await;
    let mut mapping = import.mapping.clone();
    mapping.key = None;
    map(&t, &import.id, &mapping).await;
    apply(&t, &import.id).await;
    let report = bring_in(&t, b"Name,X\nA,9\nB,4\n,5\n").await;
    assert_eq!(
        (report.conflicting, report.changed, report.rejected),
        (1, 1, 1)
    );
    assert_eq!(
        (report.conflicts[0].line, report.conflicts[0].row_ids.len()),
        (2, 2)
    );
    assert_eq!(report.rejects[0].line, 4);
}

#[tokio::test]
async fn ambiguous_dates_wait_for_an_answer() {
    let t = TestDb::new().await;
    let import = upload(&t, b"Name,Met\nA,3/4/2025\nB,5/6/2025\n").await;
    assert!(import.profile[1].ambiguous_dates);
    let report = import::dry_run(&t.db, &import.id).await.unwrap();
    assert!(
        report.errors[0].starts_with("Met: 2 dates"),
        "{:?}",
        report.errors
    );
    let mut mapping = import.mapping.clone();
    mapping.columns[1].date_order = Some(import::DateOrder::DayFirst);
    map(&t, &import.id, &mapping).await;
    apply(&t, &import.id).await;
    assert_eq!(shown(&t, 0).await, ["Name=A", "Met=2025-04-03"]);
}

#[tokio::test]
async fn an_email_or_record_id_column_is_the_better_key() {
    let t = TestDb::new().await;
    bring_in(
        &t,
        b"Record ID,Name,Email\nrecA,A,a@example.org\nreca,B,b@example.org\n",
    )
    .await;
    let import = upload(
        &t,
        b"Name,Email\nA renamed,a@example.org\nNew,n@example.org\n",
    )
    .await;
    assert_eq!(import.mapping.key, Some(1));
    let report = apply(&t, &import.id).await;
    assert_eq!((report.new, report.changed), (1, 1));
    let by_id = upload(&t, b"Record ID,Name,Email\nreca,B2,b2@example.org\n").await;
    assert_eq!(by_id.mapping.key, Some(0));
    assert_eq!(apply(&t, &by_id.id).await.changed, 1);
}

#[tokio::test]
async fn what_arrived_is_projected_for_reports() {
    let t = TestDb::new().await;
    let import = upload(&t, &export::export()).await;
    start(&t, &import.id).await;
    queue::drain(&t.db, &crm_jobs::tasks::registry())
        .await
        .unwrap();
    let mut conn = t.db.read().acquire().await.unwrap();
    let columns = grid::columns(&mut conn).await.unwrap();
    let expected: usize = rows(&t)
        .await
        .iter()
        .map(|row| {
            let amounts = columns.iter().filter(|c| c.options.commitment.is_some());
            amounts.filter(|c| row.cells.contains_key(&c.id)).count()
        })
        .sum();
    let found: i64 = sqlx::query_scalar("select count(*) from fundraising_commitments")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    assert_eq!(usize::try_from(found).unwrap(), expected);
    assert!(expected > 100);
}
