//! A QR code as the path of an SVG: one square per dark module, no script and no
//! style, so that it stands in a page under the strictest policy.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around a code, which readers need.
const QUIET: i32 = 4;

/// A QR code, ready to be drawn.
#[derive(Debug, Clone, Default)]
pub struct Qr {
    /// Width and height in modules, the quiet zone included.
    pub size: i32,
    /// The `d` of a path.
    pub path: String,
}

/// Draws a text; none if it is too long for any code.
pub fn draw(text: &str) -> Option<Qr> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in 0..code.size() {
            if code.get_module(x, y) {
                // Writing to a string cannot fail.
                let _ = write!(path, "M{} {}h1v1h-1z", x + QUIET, y + QUIET);
            }
        }
    }
    Some(Qr {
        size: code.size() + 2 * QUIET,
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_corners_are_where_readers_look_for_them() {
        let qr = draw("otpauth://totp/Venture%20CRM:jo%40example.org?secret=ABC").unwrap();
        let far = qr.size - QUIET - 7;
        for (x, y) in [(QUIET, QUIET), (far, QUIET), (QUIET, far)] {
            for at in 0..7 {
                assert!(qr.path.contains(&format!("M{} {y}h1", x + at)), "{x} {y}");
            }
        }
        assert!(draw(&"x".repeat(5_000)).is_none());
    }
}
