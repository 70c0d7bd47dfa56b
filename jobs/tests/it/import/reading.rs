//! Bytes → table, whatever the bytes.

use crm_jobs::{
    grid::ColumnType,
    import::{self, Delimiter, ImportError, Overrides, decode, detect_delimiter, read_table},
    testing::TestDb,
};
use proptest::prelude::*;

use super::{apply, bring_in, rows, shown, upload};

#[tokio::test]
async fn a_german_excel_file_is_read() {
    let t = TestDb::new().await;
    let file =
        b"Name;Betrag (EUR);Datum\r\nM\xfcller;1.234,50;24.1.2025\r\nK\xf6nig;0,125;3.4.2025\r\n";
    bring_in(&t, file).await;
    assert_eq!(
        shown(&t, 0).await,
        [
            "Name=Müller",
            "Betrag (EUR)=EUR 1,234.5",
            "Datum=2025-01-24"
        ]
    );
    assert_eq!(
        shown(&t, 1).await,
        ["Name=König", "Betrag (EUR)=EUR 0.125", "Datum=2025-04-03"]
    );
}

#[tokio::test]
async fn utf16_with_tabs_is_read() {
    let t = TestDb::new().await;
    let bytes: Vec<u8> = "\u{feff}Name\tNote\nÄ\t1, 2; 3\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    bring_in(&t, &bytes).await;
    assert_eq!(shown(&t, 0).await, ["Name=Ä", "Note=1, 2; 3"]);
}

#[tokio::test]
async fn bad_files_are_refused_with_the_fix() {
    let t = TestDb::new().await;
    for (bytes, code) in [
        (&b""[..], "empty_file"),
        (b"PK\x03\x04", "not_csv"),
        (b"a\0\0\0", "not_csv"),
        (b"\xff\xfe\x00", "bad_encoding"),
        (b"Name,Email\n", "no_rows"),
    ] {
        let read = import::read_upload(&t.db, "x.csv", bytes.to_vec(), Overrides::default());
        match read.await.unwrap_err() {
            ImportError::Invalid { code: found, .. } => assert_eq!(found, code),
            other => panic!("{other}"),
        }
    }
    let large = vec![b'a'; import::MAX_FILE_BYTES + 1];
    let read = import::read_upload(&t.db, "x.csv", large, Overrides::default()).await;
    assert!(read.unwrap_err().to_string().contains("50 MB"));
}

#[tokio::test]
async fn another_delimiter_is_taken_when_told() {
    let t = TestDb::new().await;
    let import = upload(&t, b"a;b\n1;2\n").await;
    let overrides = Overrides {
        delimiter: Some(Delimiter::Comma),
        ..Overrides::default()
    };
    let again = import::read_again(&t.db, &import.id, overrides)
        .await
        .unwrap();
    assert_eq!(again.mapping.columns.len(), 1);
    let mut tx = t.db.write().await.unwrap();
    let import = import::set_upload(&mut tx, &import.id, &again)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(import.profile[0].header, "a;b");
    apply(&t, &import.id).await;
    assert_eq!(shown(&t, 0).await, ["a;b=1;2"]);
}

#[tokio::test]
async fn columns_are_judged_from_all_their_rows() {
    use ColumnType as T;
    let t = TestDb::new().await;
    for (header, cells, expected) in [
        ("Zip", &["1", "2", "03"][..], T::Text),
        ("Id", &["1", "12345678901234567890"], T::Text),
        ("Count", &["1", "2,000", "3.5"], T::Number),
        ("Price", &["USD 5", "$1,234.00", "7"], T::Currency),
        ("Ref", &["REC123", "REC124", "REC125"], T::Text),
        ("Mixed", &["$1", "€2", "$3"], T::Text),
        ("City", &["Austin, TX", "Boston, MA", "Austin, TX"], T::Text),
        ("Mobile", &["+1 555 0100", "0100", "5550101"], T::Phone),
        ("Wait", &["1:08:10", "0:30:00", "2:00:00"], T::Text),
        ("Last contact", &["2025-01-01", "2025-02-01", ""], T::Date),
        (
            "Contact person",
            &["Ada Sample", "Bo Sample <bo@example.org>", ""],
            T::Contacts,
        ),
        ("Fund size", &["Large", "Small", "Odd"], T::Text),
        ("Fund", &["Fund I", "Fund II", "Fund I"], T::Funds),
        (
            "Site",
            &["https://a.example.org", "www.example.org", ""],
            T::Url,
        ),
        ("Memo", &["one", "two\nlines", ""], T::LongText),
        ("Empty", &["", "", ""], T::Text),
    ] {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["Name", header]).unwrap();
        for (n, cell) in cells.iter().enumerate() {
            csv.write_record([&format!("Row {n}"), *cell]).unwrap();
        }
        let import = upload(&t, &csv.into_inner().unwrap()).await;
        assert_eq!(import.profile[1].kind, expected, "{header}");
    }
}

#[tokio::test]
async fn text_may_be_kept_in_spite_of_its_looks() {
    let t = TestDb::new().await;
    let import = upload(&t, b"Name,Amount\nA,$5\n").await;
    let mut mapping = import.mapping.clone();
    mapping.columns[1].keep_as_text = true;
    super::map(&t, &import.id, &mapping).await;
    apply(&t, &import.id).await;
    assert_eq!(rows(&t).await[0].cells["amount"], "$5");
}

fn cell() -> impl Strategy<Value = String> {
    "[a-z0-9 ,;\"'\t\n\rä€]{0,12}"
}

proptest! {
    /// What a writer quotes, the reader gives back, cell by cell.
    #[test]
    fn written_tables_read_back(
        cells in proptest::collection::vec(proptest::collection::vec(cell(), 3), 1..12),
        delimiter in 0usize..3,
    ) {
        let delimiter = Delimiter::ALL[delimiter];
        let byte = [b',', b';', b'\t'][Delimiter::ALL.iter().position(|d| *d == delimiter).unwrap()];
        let mut out = csv::WriterBuilder::new().delimiter(byte).from_writer(Vec::new());
        out.write_record(["first", "second", "third", "mark"]).unwrap();
        for row in &cells {
            out.write_record(row.iter().map(String::as_str).chain(["x"])).unwrap();
        }
        let bytes = out.into_inner().unwrap();
        let (text, _) = decode(&bytes, None).unwrap();
        let table = read_table(&text, delimiter).unwrap();
        prop_assert_eq!(table.records.len(), cells.len());
        let starts: Vec<&str> = text.lines().collect();
        for (record, row) in table.records.iter().zip(&cells) {
            prop_assert!(record.problem.is_none());
            for (index, cell) in row.iter().enumerate() {
                // What guards a text from spreadsheets is taken off, and nothing else.
                prop_assert_eq!(record.cell(index), crm_jobs::export::unguarded(cell));
            }
            // Lone carriage returns count as lines too, which `lines` does not do.
            if !text.contains('\r') {
                let line = usize::try_from(record.line).unwrap();
                prop_assert!(line <= starts.len());
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok((text, _)) = decode(&bytes, None) {
            for delimiter in Delimiter::ALL.into_iter().chain([detect_delimiter(&text)]) {
                let _ = read_table(&text, delimiter);
            }
        }
    }
}
