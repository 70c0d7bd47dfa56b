//! A quirky export as Airtable writes it, synthetic and always the same:
//! `tests/fixtures/airtable-export.csv`. To write it anew after a change here:
//! `cargo test -p crm-jobs --test it -- --ignored write_the_export`.

use std::path::PathBuf;

/// Rows of the export, the bad ones included.
pub const ROWS: usize = 400;

/// Data lines (from 1) with a bad cell or shape, and the header it is under.
pub const BAD: [(usize, &str); 5] = [
    (41, "Ticket"),
    (97, "First met"),
    (187, "Email"),
    (260, "Probability"),
    (333, ""),
];

const HEADERS: [&str; 24] = [
    "Name",
    "Url ",
    "Contacts",
    "Email",
    "Linked funds",
    "Type",
    "Sectors",
    "NDA signed",
    "Ticket",
    "Fund III commitment",
    "Fund III soft",
    "Fund II wired",
    "AUM",
    "Probability",
    "First met",
    "Last call",
    "Next step on",
    "Phone",
    "Custodian ref",
    "Postal code",
    "Staff",
    "Wait",
    "Notes",
    "Notes",
];

/// The file's bytes.
pub fn export() -> Vec<u8> {
    let mut out = csv::WriterBuilder::new()
        .flexible(true)
        .from_writer(b"\xef\xbb\xbf".to_vec());
    out.write_record(HEADERS).unwrap();
    for n in 1..=ROWS {
        let mut cells = row(n);
        match BAD.iter().find(|(bad, _)| *bad == n) {
            Some((_, "")) => cells.extend(["stray".to_owned(), "cells".to_owned()]),
            Some((_, header)) => {
                let at = HEADERS.iter().position(|h| h == header).unwrap();
                "about two".clone_into(&mut cells[at]);
            }
            None => {}
        }
        out.write_record(&cells).unwrap();
    }
    out.into_inner().unwrap()
}

fn row(n: usize) -> Vec<String> {
    let mut cells = who(n);
    cells.extend(amounts(n));
    cells.extend(rest(n));
    cells
}

fn person(n: usize, k: usize) -> String {
    let first = ["Ada", "Bo", "Cleo", "Dario", "Edda", "Femi", "Greta"][(n + k) % 7];
    let last = ["Sample", "Example", "Muster", "Placeholder"][(n / 7 + k) % 4];
    format!("{first} {last}")
}

fn every(n: usize, k: usize, text: String) -> String {
    if n.is_multiple_of(k) {
        text
    } else {
        String::new()
    }
}

fn who(n: usize) -> Vec<String> {
    let pick = |of: &[&str], step: usize| of[n * step % of.len()].to_owned();
    let every = |k, text| every(n, k, text);
    let person = |k| person(n, k);
    vec![
        match n % 5 {
            0 => format!("Sample, Roe & Partners {n}"),
            1 => format!("Sample Family Office {n}"),
            2 => format!("Müsterbank \"Nord\" {n}"),
            3 => format!("Sample Foundation {n}"),
            _ => format!("Example Pension Fund {n}"),
        },
        every(2, format!("https://lp{n}.example.org/about?ref=a,b")),
        match n % 6 {
            0 => String::new(),
            1 => format!("{},\"{}, Jr.\"", person(1), person(2)),
            2 => format!("{} <lp{n}@example.org>", person(1)),
            3 => format!("{},{},{}", person(1), person(2), person(3)),
            _ => person(n),
        },
        every(3, format!("Office{n}@Example.org")),
        pick(
            &[
                "",
                "Fund II",
                "Fund III",
                "Fund II,Fund III",
                "Fund III,\"Sample Opportunity, SPV\"",
            ],
            1,
        ),
        pick(
            &[
                "Family office",
                "Pension fund",
                "Foundation",
                "Fund of funds",
                "",
            ],
            3,
        ),
        pick(
            &[
                "AI",
                "AI,Climate",
                "Bio,\"Health, devices\"",
                "Climate",
                "",
                "Bio,AI,Climate",
            ],
            5,
        ),
        every(4, "checked".to_owned()),
    ]
}

fn amounts(n: usize) -> Vec<String> {
    let every = |k, text| every(n, k, text);
    vec![
        every(
            2,
            format!("€{}.{:03},{:02}", n % 9 + 1, n * 7 % 1_000, n % 100),
        ),
        every(5, format!("${}.0", 250_000 * (n % 20 + 1))),
        every(7, format!("${},{:03},000.00", n % 9 + 1, n * 5 % 1_000)),
        every(11, format!("${}.50", 10_000 * n)),
        match n % 9 {
            0 => format!("${}M", n % 80 + 1),
            1..4 => format!("${}.75", 1_000_000 + n),
            _ => String::new(),
        },
        every(3, format!("{}.{:02}%", n % 100, n * 3 % 100)),
    ]
}

fn rest(n: usize) -> Vec<String> {
    let (day, month) = (n % 28 + 1, n % 12 + 1);
    let every = |k, text| every(n, k, text);
    let person = |k| person(n, k);
    vec![
        every(2, format!("{}-{month:02}-{day:02}", 2022 + n % 4)),
        every(
            3,
            format!(
                "{month}/{day}/2025 {}:{:02}{}",
                n % 12 + 1,
                n % 60,
                if n.is_multiple_of(2) { "am" } else { "pm" }
            ),
        ),
        every(4, format!("{} {day}, 2026", MONTHS[month - 1])),
        match n % 4 {
            0 => format!("+49 30 {:07}", 1_000_000 + n),
            1 => format!("030 {:06}", 100_000 + n),
            2 => format!("(0)1 555-{n:04}"),
            _ => String::new(),
        },
        every(2, format!("9{:019}", 123_456_789_012_345_u64 + n as u64)),
        format!("{:05}", n * 13 % 30_000),
        every(3, format!("{}", n * 17 % 900 + 1)),
        every(6, format!("{}:{:02}:{:02}", n % 9, n % 60, n * 7 % 60)),
        match n % 8 {
            0 => format!(
                "Met {} in spring.\n\n\"Send the deck\", they said.",
                person(1)
            ),
            1 => "Prefers calls, not mail".to_owned(),
            _ => String::new(),
        },
        every(10, format!("second notes column {n}")),
    ]
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn path() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/airtable-export.csv"
    ))
}

#[test]
fn the_export_on_disk_is_the_one_described_here() {
    let found = std::fs::read(path()).expect("the fixture is committed");
    assert!(found == export(), "write it anew: see export.rs");
    assert!(found.len() < 200 * 1024);
}

#[test]
#[ignore = "writes the fixture"]
fn write_the_export() {
    std::fs::write(path(), export()).unwrap();
}
