//! Time zones by IANA name.

use jiff::tz::TimeZone;

/// The zone with this name; Airtable writes `GMT` and `utc` too.
pub fn find(name: &str) -> Option<TimeZone> {
    let name = name.trim();
    // Longer than every IANA name: not worth a look-up.
    if name.is_empty() || name.len() > 64 {
        return None;
    }
    if name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("gmt") {
        return Some(TimeZone::UTC);
    }
    TimeZone::get(name).ok()
}
