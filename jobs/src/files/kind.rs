//! What a file is, by its content: its name may say anything.

/// Kinds that are kept, for hints and refusals.
pub const ALLOWED: &str =
    "PDF, Word, Excel, PowerPoint, OpenDocument, images, text, CSV, mail (.eml) and ZIP files";

/// Media types by content that are kept.
const KEPT: [&str; 20] = [
    "application/pdf",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.presentation",
    "application/rtf",
    "application/zip",
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/heif",
    "image/tiff",
    "image/bmp",
    "image/avif",
];
/// Those a browser shows without running anything in them.
const INLINE: [&str; 5] = [
    "application/pdf",
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
];
/// Endings that a computer runs or a browser opens as a page.
const RUN: [&str; 28] = [
    "exe", "dll", "msi", "com", "scr", "bat", "cmd", "ps1", "vbs", "vbe", "js", "mjs", "jse",
    "wsf", "hta", "jar", "apk", "app", "dmg", "deb", "rpm", "sh", "lnk", "reg", "iso", "html",
    "htm", "svg",
];
/// Texts by their ending; any other text is plain.
const TEXTS: [(&str, &str); 6] = [
    ("csv", "text/csv"),
    ("eml", "message/rfc822"),
    ("md", "text/markdown"),
    ("ics", "text/calendar"),
    ("vcf", "text/vcard"),
    ("json", "application/json"),
];

/// Whether a browser may show it rather than save it.
pub fn is_shown_inline(media_type: &str) -> bool {
    INLINE.contains(&media_type)
}

/// The media type of a file, or why it is not kept.
pub fn media_type(name: &str, content: &[u8]) -> Result<&'static str, String> {
    if content.is_empty() {
        return Err("the file is empty: choose another".to_owned());
    }
    let ending = name.rsplit_once('.').map_or("", |(_, e)| e).to_lowercase();
    if RUN.contains(&ending.as_str()) {
        return Err(format!(
            "a .{ending} file can run as a program or a page: put it into a ZIP file if you must keep it"
        ));
    }
    if let Some(found) = infer::get(content) {
        let known = KEPT.iter().find(|kept| **kept == found.mime_type());
        if let Some(kept) = known {
            return Ok(kept);
        }
        return Err(match found.mime_type() {
            "text/html" | "text/xml" | "image/svg+xml" => no_page(),
            "text/x-shellscript" => "this is a script that can run: it is not kept".to_owned(),
            kind if kind.contains("executable") || kind.contains("mach-binary") => {
                "this is a program that can run: it is not kept".to_owned()
            }
            kind => format!("{kind} is not kept here: {ALLOWED} are"),
        });
    }
    text(&ending, content)
}

fn no_page() -> String {
    "HTML, SVG and XML files can run scripts: save it as PDF and attach that".to_owned()
}

fn text(ending: &str, content: &[u8]) -> Result<&'static str, String> {
    // Windows-1252 is text too; what no text has is control characters.
    let is_text = content
        .iter()
        .all(|b| *b >= 0x20 || matches!(b, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b))
        && !content.contains(&0x7f);
    let is_utf16 = content.starts_with(&[0xff, 0xfe]) || content.starts_with(&[0xfe, 0xff]);
    if !is_text && !is_utf16 {
        return Err(format!("this file is of no known kind: {ALLOWED} are kept"));
    }
    let head: Vec<u8> = content
        .iter()
        .take(64 * 1024)
        .filter(|b| **b != 0)
        .map(u8::to_ascii_lowercase)
        .collect();
    let head = String::from_utf8_lossy(&head).into_owned();
    let start = head
        .trim_start_matches(['\u{feff}', '\u{fffd}'])
        .trim_start();
    if start.starts_with("#!") {
        return Err("this is a script that can run: it is not kept".to_owned());
    }
    let is_mail = ending == "eml";
    let is_page = [
        "<!doctype",
        "<html",
        "<svg",
        "<?xml",
        "<script",
        "<head",
        "<body",
        "<?php",
    ]
    .iter()
    .any(|tag| start.starts_with(tag) || (!is_mail && head.contains(&format!("\n{tag}"))));
    if is_page || start.starts_with('<') {
        return Err(no_page());
    }
    let known = TEXTS.iter().find(|(known, _)| *known == ending);
    Ok(known.map_or("text/plain", |(_, kind)| *kind))
}
