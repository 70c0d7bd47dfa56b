//! Which documents are help, in the order people read them. The files are inside
//! the binary in release builds.

use std::{borrow::Cow, collections::HashMap, sync::OnceLock};

use rust_embed::Embed;

use super::render::{self, Rendered};

#[derive(Embed)]
#[folder = "../docs"]
struct Docs;

/// One document.
#[derive(Debug)]
pub struct Page {
    /// Its file without the ending; its place under `/help`.
    pub slug: &'static str,
    /// Its name in the list.
    pub title: &'static str,
    /// What it answers.
    pub about: &'static str,
}

const fn page(slug: &'static str, title: &'static str, about: &'static str) -> Page {
    Page { slug, title, about }
}

/// All of it. A test holds the list against the folder.
pub const SECTIONS: &[(&str, &[Page])] = &[
    (
        "Using it",
        &[
            page(
                "user-guide",
                "User guide",
                "A tour in the order of a day: find, edit, follow up, report.",
            ),
            page(
                "grid",
                "The grid",
                "Columns, editing, views, keys, history, undo, the table as it was.",
            ),
            page(
                "formulas",
                "Formulas",
                "Every function, with examples, and what differs from Airtable.",
            ),
            page(
                "people",
                "People and work",
                "Investor pages, contacts, notes, files, tasks, My day, the calendar.",
            ),
            page(
                "raise",
                "The raise",
                "Funds, commitments as a ledger, the pipeline, its figures.",
            ),
            page(
                "import",
                "Import",
                "CSV and Excel files: what is found out, the dry run, taking it back.",
            ),
            page(
                "export",
                "Export",
                "Views, snapshots, and everything in one archive.",
            ),
            page(
                "search",
                "Search and activity",
                "Finding things, the palette, the feed, feature requests.",
            ),
            page(
                "automations",
                "Automations",
                "Rules that work by themselves, and why they did.",
            ),
            page(
                "email",
                "Captured mail",
                "What is read from Gmail, what is kept, who sees it.",
            ),
            page(
                "proposals",
                "Proposals",
                "What mail suggests, decided by you.",
            ),
            page(
                "digest",
                "Daily digest",
                "The morning's letter to the team.",
            ),
        ],
    ),
    (
        "Running it",
        &[
            page(
                "operator-guide",
                "Operator guide",
                "From the first start to the day something breaks.",
            ),
            page(
                "deployment",
                "Deployment",
                "A server, Docker, StartOS, a laptop: ten lines each.",
            ),
            page(
                "operations",
                "Operations",
                "Logs, figures, alarms, updates and the way back.",
            ),
            page(
                "configuration",
                "Configuration",
                "Every setting, what it does, what holds without it.",
            ),
            page(
                "security",
                "Security",
                "What protects the data, and what does not.",
            ),
            page(
                "backups",
                "Backups and restore",
                "Taking, proving and putting back.",
            ),
            page(
                "jobs",
                "The worker",
                "What runs in the background, and what is guaranteed.",
            ),
            page("startos", "StartOS", "The package for StartOS."),
            page(
                "scaling",
                "Growing",
                "What it costs with more rows and people, and where one file ends.",
            ),
        ],
    ),
];

fn pages() -> impl Iterator<Item = &'static Page> {
    SECTIONS.iter().flat_map(|(_, pages)| pages.iter())
}

/// The page of this name.
pub fn find(slug: &str) -> Option<&'static Page> {
    pages().find(|page| page.slug == slug)
}

/// What comes after it.
pub fn after(slug: &str) -> Option<&'static Page> {
    pages().skip_while(|page| page.slug != slug).nth(1)
}

/// The page as HTML, made once.
pub fn rendered(page: &Page) -> &'static Rendered {
    static MADE: OnceLock<HashMap<&'static str, Rendered>> = OnceLock::new();
    static NOTHING: OnceLock<Rendered> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        pages()
            .map(|page| {
                let file = Docs::get(&format!("{}.md", page.slug));
                let bytes = file.map_or(Cow::Borrowed(&b""[..]), |file| file.data);
                (page.slug, render::html(&String::from_utf8_lossy(&bytes)))
            })
            .collect()
    });
    made.get(page.slug)
        .unwrap_or_else(|| NOTHING.get_or_init(Rendered::default))
}

/// A picture of the documents.
pub fn picture(name: &str) -> Option<Cow<'static, [u8]>> {
    let is_plain = name
        .strip_suffix(".png")
        .is_some_and(|stem| stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    let file = is_plain
        .then(|| Docs::get(&format!("img/{name}")))
        .flatten();
    file.map(|file| file.data)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Documents for those who change the code.
    const FOR_BUILDERS: &[&str] = &["architecture"];

    #[test]
    fn every_document_is_in_the_list_and_has_a_heading() {
        let listed: BTreeSet<String> = pages()
            .map(|page| page.slug.to_owned())
            .chain(FOR_BUILDERS.iter().map(|slug| (*slug).to_owned()))
            .collect();
        let there: BTreeSet<String> = Docs::iter()
            .filter_map(|file| Some(file.strip_suffix(".md")?.to_owned()))
            .filter(|file| !file.contains('/'))
            .collect();
        assert_eq!(listed, there);
        for page in pages() {
            assert!(rendered(page).html.starts_with("<h1"), "{}", page.slug);
        }
    }

    #[test]
    fn pictures_are_found_by_plain_names_only() {
        assert!(picture("grid.png").is_some());
        for name in ["../img/grid.png", "grid", "none.png", "a/b.png", ".png.md"] {
            assert!(picture(name).is_none(), "{name}");
        }
    }
}
