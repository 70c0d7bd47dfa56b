//! The log as a file to take away: with the hashes, so that it can be verified
//! without this program.

use std::str::FromStr;

use super::{Sealing, sealings};
use crate::{
    clock::utc_text,
    db::{Db, DbError},
    export::guarded,
};

/// Rows in one piece.
const ROWS: i64 = 1_000;

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Ndjson,
    /// A table for spreadsheets; what they would take for a formula is guarded.
    Csv,
}

impl FromStr for Format {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "ndjson" => Ok(Self::Ndjson),
            "csv" => Ok(Self::Csv),
            _ => Err("the format is ndjson or csv".to_owned()),
        }
    }
}

impl Format {
    /// The end of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }
}

/// Writes the log piece by piece, oldest first.
#[derive(Clone, Debug)]
pub struct Exporter {
    db: Db,
    format: Format,
    after: i64,
    begun: bool,
}

impl Exporter {
    /// Stands in front of the first row.
    pub fn new(db: &Db, format: Format) -> Self {
        Self {
            db: db.clone(),
            format,
            after: 0,
            begun: false,
        }
    }

    /// The next piece; none at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, DbError> {
        let rows = sealings(&self.db, self.after, ROWS).await?;
        let heading = self.format == Format::Csv && !self.begun;
        self.begun = true;
        let Some(last) = rows.last() else {
            return Ok(heading.then(|| write_csv(true, &[])));
        };
        self.after = last.id;
        Ok(Some(match self.format {
            Format::Ndjson => write_ndjson(&rows),
            Format::Csv => write_csv(heading, &rows),
        }))
    }
}

fn write_ndjson(rows: &[Sealing]) -> Vec<u8> {
    rows.iter().fold(Vec::new(), |mut out, row| {
        out.extend(serde_json::to_vec(row).unwrap_or_default());
        out.push(b'\n');
        out
    })
}

fn write_csv(heading: bool, rows: &[Sealing]) -> Vec<u8> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let mut write = |record: [String; 9]| {
        // Writing to memory cannot fail.
        let _ = out.write_record(record);
    };
    if heading {
        write(
            [
                "id",
                "at",
                "actor",
                "action",
                "target",
                "detail",
                "ip",
                "prev_hash",
                "hash",
            ]
            .map(ToOwned::to_owned),
        );
    }
    for row in rows {
        write([
            row.id.to_string(),
            utc_text(row.at),
            guarded(row.actor.clone()),
            guarded(row.action.clone()),
            guarded(row.target.clone()),
            guarded(row.detail.clone()),
            row.ip.clone(),
            row.prev_hash.clone(),
            row.hash.clone(),
        ]);
    }
    out.into_inner().unwrap_or_default()
}
