//! Any bytes as a CSV or TSV file: decoded and read as a table or refused, every cell
//! reachable, whatever delimiter is told.
#![no_main]
#![allow(dead_code, missing_docs, unused_imports, reason = "the modules are included, not linked")]

use libfuzzer_sys::fuzz_target;

/// What the modules want of their crate.
#[path = "../../src/export/guard.rs"]
mod guard;

pub mod export {
    pub use crate::guard::{guarded, unguarded};
}

pub mod grid {
    pub const MAX_COLUMNS: usize = 200;
    pub const MAX_ROWS: usize = 100_000;
}

#[path = "../../src/import"]
pub mod import {
    pub mod decode;
    pub mod table;

    #[derive(Debug)]
    pub struct ImportError(pub String);

    impl ImportError {
        pub fn invalid(code: &'static str, field: &str, detail: impl Into<String>) -> Self {
            Self(format!("{code} {field} {}", detail.into()))
        }
    }

    pub mod values {
        pub fn name_list<'a>(parts: impl Iterator<Item = &'a str>) -> Vec<String> {
            parts.map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned).collect()
        }
    }
}

use import::{
    decode::{Encoding, decode},
    table::{Delimiter, detect_delimiter, read_table},
};

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else {
        return;
    };
    let wanted = Encoding::ALL.get(usize::from(choice % 8)).copied();
    let Ok((text, _)) = decode(bytes, wanted) else {
        return;
    };
    let delimiter = match choice / 8 % 4 {
        0 => Delimiter::Comma,
        1 => Delimiter::Semicolon,
        2 => Delimiter::Tab,
        _ => detect_delimiter(&text),
    };
    if let Ok(table) = read_table(&text, delimiter) {
        for row in &table.records {
            for at in 0..=table.headers.len() {
                let cell = row.cell(at);
                assert_eq!(export::unguarded(&export::guarded(cell.to_owned())), cell);
            }
        }
    }
});
