//! XLSX: sheets, dates, numbers, and archives that mean harm.

use std::io::{Cursor, Write};

use crm_jobs::{
    import::{self, Delimiter, Encoding, ImportError, Overrides},
    testing::TestDb,
};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::{apply, shown, upload};

const STYLES: &str = r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd\ hh:mm"/></numFmts><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/></cellXfs></styleSheet>"#;

/// A workbook of these sheets; a row is its cells as XML.
pub fn workbook(sheets: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut part = |name: &str, text: &str| {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    };
    let each = |f: &dyn Fn(usize, &str) -> String| -> String {
        sheets
            .iter()
            .enumerate()
            .map(|(n, (name, _))| f(n + 1, name))
            .collect()
    };
    let types = each(&|n, _| {
        format!(
            r#"<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>"#
        )
    });
    part(
        "[Content_Types].xml",
        &format!(
            r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>{types}</Types>"#
        ),
    );
    part(
        "_rels/.rels",
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
    );
    let names = each(&|n, name| format!(r#"<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>"#));
    part(
        "xl/workbook.xml",
        &format!(
            r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>{names}</sheets></workbook>"#
        ),
    );
    let rels = each(&|n, _| {
        format!(
            r#"<Relationship Id="rId{n}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet{n}.xml"/>"#
        )
    });
    part(
        "xl/_rels/workbook.xml.rels",
        &format!(
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/>{rels}</Relationships>"#
        ),
    );
    part("xl/styles.xml", STYLES);
    for (n, (_, rows)) in sheets.iter().enumerate() {
        part(
            &format!("xl/worksheets/sheet{}.xml", n + 1),
            &format!(
                r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
            ),
        );
    }
    zip.finish().unwrap().into_inner()
}

fn text(at: &str, value: &str) -> String {
    format!(r#"<c r="{at}" t="inlineStr"><is><t>{value}</t></is></c>"#)
}

pub fn sample() -> Vec<u8> {
    let head = format!(
        r#"<row r="3">{}{}{}{}{}</row>"#,
        text("A3", "Name"),
        text("B3", "Met"),
        text("C3", "Staff"),
        text("D3", "NDA"),
        text("E3", "Call at")
    );
    let one = format!(
        r#"<row r="4">{}<c r="B4" s="1"><v>45680</v></c><c r="C4"><v>0.30000000000000004</v></c><c r="D4" t="b"><v>1</v></c><c r="E4" s="2"><v>45680.75</v></c></row>"#,
        text("A4", "Ä &amp; Co")
    );
    let two = format!(
        r#"<row r="9">{}<c r="B9" s="1"><v>45681</v></c><c r="C9"><v>1234567</v></c><c r="D9" t="b"><v>0</v></c></row>"#,
        text("A9", "B")
    );
    let other = format!(
        r#"<row r="1">{}</row><row r="2">{}</row>"#,
        text("A1", "Name"),
        text("A2", "Other")
    );
    workbook(&[
        ("Empty", ""),
        ("Investors", &format!("{head}{one}{two}")),
        ("Other", &other),
    ])
}

#[tokio::test]
async fn the_first_sheet_with_rows_is_read_dates_as_days_and_numbers_without_noise() {
    let t = TestDb::new().await;
    let import = upload(&t, &sample()).await;
    assert_eq!(
        (import.encoding, import.delimiter),
        (Encoding::Xlsx, Delimiter::None)
    );
    assert_eq!(import.sheet.as_deref(), Some("Investors"));
    assert_eq!(import.sheets, ["Empty", "Investors", "Other"]);
    assert_eq!(
        import.first_lines[1],
        "Ä & Co · 2025-01-23 · 0.3 · checked · 2025-01-23 18:00:00"
    );
    let report = apply(&t, &import.id).await;
    assert_eq!(report.new_rows[1].line, 9, "lines are the sheet's own");
    assert_eq!(
        shown(&t, 0).await,
        [
            "Name=Ä & Co",
            "Met=2025-01-23",
            "Staff=0.3",
            "NDA=checked",
            "Call at=2025-01-23T18:00:00Z"
        ]
    );
    assert_eq!(
        shown(&t, 1).await,
        ["Name=B", "Met=2025-01-24", "Staff=1,234,567"]
    );
    assert_eq!(
        apply(&t, &upload(&t, &sample()).await.id).await.unchanged,
        2
    );
}

#[tokio::test]
async fn another_sheet_is_read_when_told_and_encodings_do_not_apply() {
    let t = TestDb::new().await;
    let import = upload(&t, &sample()).await;
    let sheet = |name: &str| Overrides {
        sheet: Some(name.to_owned()),
        ..Overrides::default()
    };
    let again = import::read_again(&t.db, &import.id, sheet("Other"))
        .await
        .unwrap();
    let mut tx = t.db.write().await.unwrap();
    let import = import::set_upload(&mut tx, &import.id, &again)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        (import.sheet.as_deref(), import.row_count),
        (Some("Other"), 1)
    );
    apply(&t, &import.id).await;
    let refused = import::read_again(&t.db, &import.id, sheet("None such")).await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("Investors, Other")
    );
    let encoding = Overrides {
        encoding: Some(Encoding::Cp1252),
        ..Overrides::default()
    };
    let refused = import::read_again(&t.db, &import.id, encoding)
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("neither encoding"),
        "{refused}"
    );
}

async fn code(t: &TestDb, bytes: Vec<u8>) -> &'static str {
    let read = import::read_upload(&t.db, "x.xlsx", bytes, Overrides::default()).await;
    match read.unwrap_err() {
        ImportError::Invalid { code, .. } => code,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn archives_that_are_no_workbook_or_far_too_large_are_refused() {
    let t = TestDb::new().await;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("readme.txt", SimpleFileOptions::default())
        .unwrap();
    zip.write_all(b"hello").unwrap();
    assert_eq!(
        code(&t, zip.finish().unwrap().into_inner()).await,
        "not_csv"
    );
    let mut cut = sample();
    cut.truncate(cut.len() / 2);
    assert_eq!(code(&t, cut).await, "not_csv");
    assert_eq!(code(&t, workbook(&[("Empty", "")])).await, "no_rows");
    let far = format!(
        r#"<row r="1">{}</row><row r="2">{}{}</row>"#,
        text("A1", "Name"),
        text("A2", "x"),
        text("XFD2", "y")
    );
    assert_eq!(
        code(&t, workbook(&[("Far", &far)])).await,
        "too_many_columns"
    );
    // 300 MB of nothing in a file of 300 kB.
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("xl/workbook.xml", SimpleFileOptions::default())
        .unwrap();
    let nothing = vec![b' '; 1024 * 1024];
    for _ in 0..300 {
        zip.write_all(&nothing).unwrap();
    }
    let bomb = zip.finish().unwrap().into_inner();
    assert!(bomb.len() < 1024 * 1024);
    assert_eq!(code(&t, bomb).await, "file_too_large");
}
