//! A document of ours as HTML: links between documents lead to their pages here,
//! headings can be pointed at, wide things scroll by themselves. The text is ours,
//! so unlike notes it may have tables and pictures.

use std::collections::HashMap;

use pulldown_cmark::{
    CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, TextMergeStream, html::push_html,
};

use super::{book, page::Heading};

/// A page and its outline.
#[derive(Debug, Default)]
pub struct Rendered {
    /// The whole text.
    pub html: String,
    /// Its second-level headings.
    pub outline: Vec<Heading>,
}

/// Renders Markdown.
pub fn html(text: &str) -> Rendered {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut events: Vec<Event<'_>> = TextMergeStream::new(Parser::new_ext(text, options)).collect();
    let outline = name_headings(&mut events);
    let mut dead = Vec::new();
    let events = events.into_iter().map(|event| adapted(event, &mut dead));
    let mut html = String::with_capacity(text.len() * 2);
    push_html(&mut html, events);
    Rendered { html, outline }
}

/// Gives each heading the id that its text makes, as code hosts do, so that the
/// same links work there and here.
fn name_headings(events: &mut [Event<'_>]) -> Vec<Heading> {
    let mut outline = Vec::new();
    let mut taken: HashMap<String, usize> = HashMap::new();
    for at in 0..events.len() {
        let Event::Start(Tag::Heading { level, .. }) = events[at] else {
            continue;
        };
        let words = words(&events[at + 1..]);
        let mut slug = slug(&words);
        let seen = taken.entry(slug.clone()).or_default();
        if *seen > 0 {
            slug = format!("{slug}-{seen}");
        }
        *seen += 1;
        if level == HeadingLevel::H2 {
            outline.push(Heading {
                slug: slug.clone(),
                text: words,
            });
        }
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[at] {
            *id = Some(slug.into());
        }
    }
    outline
}

fn words(events: &[Event<'_>]) -> String {
    let mut words = String::new();
    for event in events {
        match event {
            Event::End(TagEnd::Heading(_)) => break,
            Event::Text(text) | Event::Code(text) => words.push_str(text),
            _ => {}
        }
    }
    words
}

fn slug(words: &str) -> String {
    words
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' | '-' => Some('-'),
            c if c.is_alphanumeric() || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

/// `dead` holds, for each link that is open, whether it leads nowhere here.
fn adapted<'a>(event: Event<'a>, dead: &mut Vec<bool>) -> Event<'a> {
    let open = |tag: &'static str| Event::InlineHtml(CowStr::Borrowed(tag));
    match event {
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => {
            let here = place(&dest_url);
            dead.push(here.is_none());
            match here {
                Some(dest_url) => Event::Start(Tag::Link {
                    link_type,
                    dest_url,
                    title,
                    id,
                }),
                None => open("<span>"),
            }
        }
        Event::End(TagEnd::Link) if dead.pop() == Some(true) => open("</span>"),
        Event::Start(Tag::Image {
            link_type,
            dest_url,
            title,
            id,
        }) => Event::Start(Tag::Image {
            link_type,
            dest_url: format!("/help/{dest_url}").into(),
            title,
            id,
        }),
        // What scrolls sideways must be reachable by keyboard.
        Event::Start(Tag::Table(_)) => Event::Html(
            "<div class=\"table-box\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table class=\"table\">"
                .into(),
        ),
        Event::End(TagEnd::Table) => Event::Html("</tbody></table></div>".into()),
        Event::Start(Tag::CodeBlock(_)) => Event::Html("<pre tabindex=\"0\"><code>".into()),
        Event::End(TagEnd::CodeBlock) => Event::Html("</code></pre>".into()),
        other => other,
    }
}

/// Where a link of the documents leads in the app; nothing for what is only in
/// the repository.
fn place<'a>(target: &CowStr<'a>) -> Option<CowStr<'a>> {
    if target.starts_with('#') || target.starts_with('/') || target.contains("://") {
        return Some(target.clone());
    }
    if target.starts_with("img/") {
        return Some(format!("/help/{target}").into());
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let slug = file.strip_suffix(".md")?;
    book::find(slug)?;
    let anchor = if anchor.is_empty() {
        String::new()
    } else {
        format!("#{anchor}")
    };
    Some(format!("/help/{slug}{anchor}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_pages_here_or_stay_text() {
        let made = html(
            "# A\n\n[b](grid.md#keys) [c](../README.md) [d](architecture.md) [e](https://example.org) [f](#x)\n\n![p](img/grid.png)",
        );
        for part in [
            "<h1 id=\"a\">A</h1>",
            "<a href=\"/help/grid#keys\">b</a>",
            "<span>c</span>",
            "<span>d</span>",
            "<a href=\"https://example.org\">e</a>",
            "<a href=\"#x\">f</a>",
            "<img src=\"/help/img/grid.png\" alt=\"p\"",
        ] {
            assert!(made.html.contains(part), "{part} in {}", made.html);
        }
    }

    #[test]
    fn headings_are_named_as_code_hosts_name_them() {
        let made = html("# T\n\n## What “verified” means\n\n## `a_b` & c\n\n## Keys\n\n## Keys");
        let slugs: Vec<&str> = made.outline.iter().map(|h| h.slug.as_str()).collect();
        assert_eq!(slugs, ["what-verified-means", "a_b--c", "keys", "keys-1"]);
        assert_eq!(made.outline[1].text, "a_b & c");
    }

    #[test]
    fn wide_things_scroll_and_tables_are_whole() {
        let made = html("# T\n\n| a | b |\n|---|---|\n| 1 | `<2>` |\n\n```\nx < y\n```");
        assert!(
            made.html
                .contains("<table class=\"table\"><thead><tr><th>a</th>")
        );
        assert!(
            made.html
                .contains("<code>&lt;2&gt;</code></td></tr>\n</tbody></table></div>")
        );
        assert!(
            made.html
                .contains("<pre tabindex=\"0\"><code>x &lt; y\n</code></pre>")
        );
    }
}
