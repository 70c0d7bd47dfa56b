//! Three exports with the quirks of real ones, synthetic and always the same. Each
//! comes in two weeks: the second has rows more, other values and new options.

use std::fmt::Write;

/// Name and bytes of an export in week 1 or 2.
pub type Export = (&'static str, fn(usize) -> Vec<u8>);

pub const ALL: [Export; 3] = [
    ("Investors-All.csv", investors),
    ("Interessenten.csv", prospects),
    ("Pipeline-Board.csv", pipeline),
];

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', ';', '\n', '\t']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

fn line(cells: &[String], delimiter: &str) -> String {
    let cells: Vec<String> = cells.iter().map(|c| quoted(c)).collect();
    cells.join(delimiter)
}

fn every(n: usize, k: usize, text: String) -> String {
    if n.is_multiple_of(k) {
        text
    } else {
        String::new()
    }
}

/// UTF-8 with BOM, LF: linked names quoted inside cells, two columns of one name, a
/// header with a stray space, dates day first in one column and month first in the
/// other, abbreviated amounts, notes over several lines.
fn investors(week: usize) -> Vec<u8> {
    let mut text = String::from(
        "\u{feff}Investor,Url ,Key contacts,Linked funds,Type,NDA,First met,Last call,AUM,Fund IV commitment,Probability,Notes,Notes\n",
    );
    for n in 1..=60 + 12 * week {
        let cells = [
            format!("Sample, Roe & Co {n}"),
            every(n, 2, format!("https://lp{n}.example.org/?a=b,c")),
            match n % 4 {
                0 => String::new(),
                1 => format!("Ada Sample {n},\"Bo Roe {n}, Jr.\""),
                2 => format!("Cleo Muster {n} <cleo{n}@example.org>"),
                _ => format!("Ada Sample {}", n - 2),
            },
            match n % 3 {
                0 => "Fund IV,\"Opportunity, SPV\"".to_owned(),
                1 => "Fund IV".to_owned(),
                _ => String::new(),
            },
            ["Family office", "Foundation", "Pension fund"][n % (week + 1)].to_owned(),
            every(n + week, 3, "checked".to_owned()),
            format!("{}/{}/2024", n % 28 + 1, n % 12 + 1),
            every(
                n,
                2,
                format!(
                    "{}/{}/2025 {}:0{}pm",
                    n % 12 + 1,
                    n % 28 + 1,
                    n % 11 + 1,
                    n % 10
                ),
            ),
            match n % 5 {
                0 => format!("${n}M"),
                1 => format!("$166.{:02}K", n % 100),
                _ => format!("${},{:03},000.00", n % 9 + 1, n % 1_000),
            },
            every(n, 4, format!("${}.0", 250_000 * (n % 7 + week))),
            every(n, 3, format!("{}.00%", n % 100)),
            match n % 6 {
                0 => format!("Met in spring.\n\n\"Send the deck\", week {week}."),
                1 => "Prefers calls, not mail".to_owned(),
                _ => String::new(),
            },
            every(n, 9, format!("second notes {n}")),
        ];
        let _ = writeln!(text, "{}", line(&cells, ","));
    }
    text.into_bytes()
}

/// Windows-1252, semicolons, CRLF, as a German Excel writes it.
fn prospects(week: usize) -> Vec<u8> {
    let mut text =
        String::from("Firma;Betrag (EUR);Erstkontakt;Kürzel;Postleitzahl;Telefon;Bemerkung\r\n");
    for n in 1..=40 + 5 * week {
        let cells = [
            format!("Müster–Bank „Süd“ {n}"),
            every(
                n,
                2,
                format!("{}.{:03},{:02}", n % 9 + week, n * 7 % 1_000, n % 100),
            ),
            format!("{}.{}.2025", n % 28 + 1, n % 12 + 1),
            format!("00{n}"),
            format!("{:05}", 1_067 + n * 13),
            every(n, 3, format!("+49 30 {:07}", 1_000_000 + n)),
            every(n, 5, format!("Größe: {n} €;\r\nzweite Zeile, Woche {week}")),
        ];
        let _ = write!(text, "{}\r\n", line(&cells, ";"));
    }
    encoding_rs::WINDOWS_1252.encode(&text).0.into_owned()
}

/// Tabs, a record id, addresses, a rating, durations, attachments, multi-selects,
/// emails, percents; months in words.
fn pipeline(week: usize) -> Vec<u8> {
    let mut text = String::from(
        "Record ID\tOrganisation\tEmail\tTags\tNext step on\tWait\tDeck\tStaff\tFund V soft\tPeople\n",
    );
    for n in 1..=50 + 7 * week {
        let cells = [
            format!("rec{:014}", n * 7_919),
            format!(
                "Example Pension Fund {n}{}",
                if week == 2 && n == 3 {
                    " (renamed)"
                } else {
                    ""
                }
            ),
            every(n, 2, format!("Office{n}@Example.org")),
            [
                "AI",
                "AI,Climate",
                "Bio,\"Health, devices\"",
                "Climate,AI",
                "",
            ][n % 5]
                .to_owned(),
            every(n, 3, format!("January {}, 202{}", n % 28 + 1, 5 + week)),
            every(n, 4, format!("{}:{:02}:{:02}", n % 9, n % 60, n * 7 % 60)),
            every(
                n,
                6,
                format!("deck (v{n}).pdf (https://files.example.org/{n}?x=(1))"),
            ),
            every(n, 2, format!("{}", n * 17 % 900 + week)),
            every(n, 5, format!("€{}.{:03},00", n % 9 + 1, n * 3 % 1_000)),
            every(n, 3, format!("pers{n}@example.org,Ada Sample 1")),
        ];
        let _ = writeln!(text, "{}", line(&cells, "\t"));
    }
    text.into_bytes()
}
