//! What else a fund could use. The two servers were measured once, on two cores with
//! 10,000 × 40 rows, and are not here: their figures are of another day. The formula
//! engine runs here, beside ours.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use crate::measure::{ms, row};

/// A server and what it took, milliseconds.
struct Server {
    name: &'static str,
    edit: f64,
    edits_a_second: f64,
}

const SERVERS: [Server; 2] = [
    Server {
        name: "NocoDB",
        edit: 15.0,
        edits_a_second: 63.0,
    },
    Server {
        name: "Directus",
        edit: 10.0,
        edits_a_second: 107.0,
    },
];

/// `NocoDB`: 100 rows of a filter, milliseconds.
const FILTERED: f64 = 30.0;
/// `NocoDB`: all of 50,000 rows, milliseconds.
const ALL: f64 = 8_400.0;

/// Theirs beside ours: one cell changed.
pub fn edits(ours: Duration, ours_a_second: f64) {
    for server in SERVERS {
        row(
            &format!("  {}, another day", server.name),
            &format!("{:.0} ms", server.edit),
            &format!(
                "{:.1} × ours; {:.0} /s, {:.1} × fewer",
                server.edit / in_ms(ours),
                server.edits_a_second,
                ours_a_second / server.edits_a_second
            ),
        );
    }
}

/// Theirs beside ours: 100 filtered rows.
pub fn filtered(ours: Duration) {
    nocodb(FILTERED, "10,000 rows", ours);
}

/// Theirs beside ours: every row there is.
pub fn all_rows(rows: usize, ours: Duration) {
    if rows == 50_000 {
        nocodb(ALL, "50,000 rows", ours);
    }
}

fn nocodb(theirs: f64, size: &str, ours: Duration) {
    row(
        "  NocoDB, another day",
        &format!("{theirs:.0} ms"),
        &format!("{size}; {:.1} × ours", theirs / in_ms(ours)),
    );
}

/// The same twenty formulas for as many rows in `HyperFormula`.
pub fn formulas(rows: usize, ours: Duration) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/peers/formulas");
    let asked = Command::new("node")
        .args(["--max-old-space-size=8192", "build.mjs", &rows.to_string()])
        .current_dir(folder)
        .stderr(Stdio::null())
        .output();
    let took = asked.ok().filter(|done| done.status.success());
    let took = took.and_then(|done| String::from_utf8(done.stdout).ok()?.trim().parse().ok());
    match took.map(Duration::from_millis) {
        Some(theirs) => row(
            "  HyperFormula builds as many, here",
            &ms(theirs),
            &format!("{:.0} × ours", in_ms(theirs) / in_ms(ours)),
        ),
        None => row(
            "  (HyperFormula is not here)",
            "",
            "npm ci in ops/peers/formulas",
        ),
    }
}

fn in_ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
