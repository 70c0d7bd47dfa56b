//! Markdown as HTML that a page may carry, and as plain text for one line.
//!
//! Safe by construction: the parser's renderer escapes all text, raw HTML is
//! turned into text before it, images become links, and the only tags beyond
//! those of Markdown are the two written here, from escaped parts. The page's
//! policy would refuse scripts and foreign images anyway.

use std::fmt::Write;

use pulldown_cmark::{
    CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, TextMergeStream, html::push_html,
};

use super::Mention;

/// The note as HTML; the words that called members are marked.
pub fn html(body: &str, mentions: &[Mention]) -> String {
    let mut out = String::with_capacity(body.len() * 2);
    push_html(&mut out, safe(body, mentions).into_iter());
    out
}

fn parser(body: &str) -> impl Iterator<Item = Event<'_>> {
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    TextMergeStream::new(Parser::new_ext(body, options).map(|event| match event {
        // A line break as typed is a line break as read: these are notes, not books.
        Event::SoftBreak => Event::HardBreak,
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        other => other,
    }))
}

fn safe<'a>(body: &'a str, mentions: &[Mention]) -> Vec<Event<'a>> {
    let (mut events, mut in_code, mut links) = (Vec::new(), false, Vec::new());
    for event in parser(body) {
        match event {
            Event::Start(Tag::HtmlBlock) => events.push(Event::Start(Tag::Paragraph)),
            Event::End(TagEnd::HtmlBlock) => events.push(Event::End(TagEnd::Paragraph)),
            Event::Start(Tag::CodeBlock(kind)) => {
                in_code = true;
                events.push(Event::Start(Tag::CodeBlock(kind)));
            }
            Event::End(TagEnd::CodeBlock) => {
                in_code = false;
                events.push(Event::End(TagEnd::CodeBlock));
            }
            Event::Start(Tag::Heading { level, .. }) => events.push(Event::Start(Tag::Heading {
                level: lower(level),
                id: None,
                classes: Vec::new(),
                attrs: Vec::new(),
            })),
            Event::End(TagEnd::Heading(level)) => {
                events.push(Event::End(TagEnd::Heading(lower(level))));
            }
            // No image from elsewhere: a link to it, if it may be one.
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                let is_inner = links.iter().any(|opened| *opened);
                let opened = may_open(&dest_url) && !is_inner;
                links.push(opened);
                if opened {
                    events.push(Event::InlineHtml(open_link(&dest_url).into()));
                }
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                if links.pop() == Some(true) {
                    events.push(Event::InlineHtml("</a>".into()));
                }
            }
            Event::Text(text) if !in_code && !links.iter().any(|opened| *opened) => {
                spoken(&text, mentions, &mut events);
            }
            Event::Start(Tag::FootnoteDefinition(_) | Tag::MetadataBlock(_))
            | Event::End(TagEnd::FootnoteDefinition | TagEnd::MetadataBlock(_)) => {}
            other => events.push(other),
        }
    }
    events
}

/// Headings stand below those of the page.
fn lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 | HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

/// Web and mail, and pages of our own. `javascript:` and its kin stay text.
fn may_open(href: &str) -> bool {
    let lower = href.to_ascii_lowercase();
    let is_ours = lower.starts_with('/') && !lower.starts_with("//") && !lower.contains('\\');
    is_ours
        || ["https://", "http://", "mailto:"]
            .iter()
            .any(|scheme| lower.starts_with(scheme))
}

fn open_link(href: &str) -> String {
    let mut tag = String::from("<a href=\"");
    escape(&mut tag, href);
    tag.push_str("\" rel=\"noopener noreferrer nofollow\"");
    if !href.starts_with('/') {
        tag.push_str(" target=\"_blank\"");
    }
    tag.push('>');
    tag
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => {
                // As a browser would write it itself.
                let mut utf8 = [0; 4];
                for byte in c.encode_utf8(&mut utf8).bytes() {
                    let _ = write!(out, "%{byte:02X}");
                }
            }
            c => out.push(c),
        }
    }
}

/// Text with its mentions as chips and its bare web addresses as links.
fn spoken(text: &str, mentions: &[Mention], events: &mut Vec<Event<'_>>) {
    let mut rest = text;
    let mut plain = String::new();
    while let Some(c) = rest.chars().next() {
        let found = mentions
            .iter()
            .filter(|m| rest.starts_with(m.written.as_str()))
            .max_by_key(|m| m.written.len());
        if let Some(mention) = found {
            flush(&mut plain, events);
            let mut chip = String::from("<span class=\"mention\">@");
            escape(&mut chip, &mention.name);
            chip.push_str("</span>");
            events.push(Event::InlineHtml(chip.into()));
            rest = &rest[mention.written.len()..];
            continue;
        }
        let is_start = plain.chars().last().is_none_or(|c| !c.is_alphanumeric());
        if let Some(length) = is_start.then(|| address(rest)).flatten() {
            let (href, after) = rest.split_at(length);
            flush(&mut plain, events);
            let link = open_link(href);
            events.push(Event::InlineHtml(link.into()));
            events.push(Event::Text(CowStr::from(href.to_owned())));
            events.push(Event::InlineHtml("</a>".into()));
            rest = after;
            continue;
        }
        plain.push(c);
        rest = &rest[c.len_utf8()..];
    }
    flush(&mut plain, events);
}

fn flush(plain: &mut String, events: &mut Vec<Event<'_>>) {
    if !plain.is_empty() {
        events.push(Event::Text(CowStr::from(std::mem::take(plain))));
    }
}

/// Length of the web address a text begins with.
fn address(text: &str) -> Option<usize> {
    if !(text.starts_with("https://") || text.starts_with("http://")) {
        return None;
    }
    let end = text
        .find(|c: char| c.is_whitespace() || "<>\"'`|".contains(c))
        .unwrap_or(text.len());
    let clean = text[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '*', '_']);
    (clean.len() > "https://".len()).then_some(clean.len())
}

/// The note as one line of plain text, at most `most` characters.
pub fn plain(body: &str, most: usize) -> String {
    let mut text = String::new();
    for event in parser(body) {
        match event {
            Event::Text(part) | Event::Code(part) => text.push_str(&part),
            Event::HardBreak
            | Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::Heading(_)) => {
                text.push(' ');
            }
            _ => {}
        }
        if text.len() > most * 8 {
            break;
        }
    }
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= most {
        return words;
    }
    let head: String = words.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", head.trim_end())
}
