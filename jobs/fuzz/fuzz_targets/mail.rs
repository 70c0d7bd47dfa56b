//! Any bytes as a message: parsed or refused, with its HTML as text and what was
//! quoted taken off, without a panic and without growing.
#![no_main]
#![allow(dead_code, missing_docs, reason = "the modules are included, not linked")]

use libfuzzer_sys::fuzz_target;

/// What the modules want of their crate.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[path = "../../src/email"]
pub mod email {
    pub mod address;
    pub mod parse;
    pub mod strip;
}

fuzz_target!(|raw: &[u8]| {
    let _ = email::parse::raw_key(raw);
    if let Ok(read) = email::parse::read(raw) {
        assert!(read.body.chars().count() <= email::parse::MAX_BODY + 1);
        for person in &read.people {
            let _ = email::address::owner_label(email::address::domain(&person.address));
        }
    }
    // The text alone finds its way to the strippers more often.
    let text = String::from_utf8_lossy(raw);
    assert!(email::strip::said(&text).len() <= text.len());
});
