//! Every component on one page, for development.

use askama::Template;

use crate::routes::page::{Badge, Chart, Choice, Frame, Paging, Progress, Tile};

/// Every component on one page.
#[derive(Debug, Template)]
#[template(path = "pages/style.html")]
pub struct StylePage {
    /// The frame.
    pub frame: Frame,
    /// Names of the surfaces and tones.
    pub swatches: Vec<&'static str>,
    /// The ten colours of options.
    pub colours: Vec<&'static str>,
    /// Names of the symbols.
    pub icons: Vec<&'static str>,
    /// A badge of each tone.
    pub badges: Vec<Badge>,
    /// A tile of each tone.
    pub tiles: Vec<Tile>,
    /// Progress, known and unknown.
    pub progress: Vec<Progress>,
    /// Options of a select.
    pub options: Vec<Choice>,
    /// An error of a field.
    pub error: Option<String>,
    /// Paging.
    pub paging: Paging,
    /// A line and a bar chart.
    pub charts: Vec<Chart>,
}

impl StylePage {
    /// The page with one of everything.
    #[must_use]
    pub fn new(frame: Frame, charts: Vec<Chart>) -> Self {
        Self {
            frame,
            swatches: vec![
                "canvas", "surface", "sunken", "hover", "line", "text", "muted", "accent", "ok",
                "warn", "bad", "info",
            ],
            colours: vec![
                "blue", "cyan", "teal", "green", "yellow", "orange", "red", "pink", "purple",
                "gray",
            ],
            icons: vec![
                "home", "grid", "import", "jobs", "clock", "shield", "activity", "team",
                "settings", "search", "check", "warning", "info", "x", "chevron", "back", "plus",
                "upload", "download", "play", "pause", "retry", "external", "user", "logout",
                "sun", "moon", "menu", "copy", "edit", "archive", "dot",
            ],
            badges: vec![
                Badge::new("Done", "ok"),
                Badge::new("Running", "info"),
                Badge::new("Retrying", "warn"),
                Badge::new("Discarded", "bad"),
                Badge::new("Scheduled", "muted"),
            ],
            tiles: vec![
                Tile::new("Plain", "412", "a hint", ""),
                Tile::new("Good", "12", "", "ok"),
                Tile::new("Look", "3", "", "warn"),
                Tile::new("Problem", "1", "leads on", "bad").to("#tiles"),
            ],
            progress: vec![
                Progress {
                    done: 3,
                    total: Some(5),
                    text: "3 of 5".to_owned(),
                },
                Progress {
                    done: 0,
                    total: None,
                    text: "no end known yet".to_owned(),
                },
            ],
            options: vec![
                Choice::new("a", "First", false),
                Choice::new("b", "Second", true),
            ],
            error: Some("Use at least 12 characters.".to_owned()),
            paging: Paging {
                page: 2,
                pages: 9,
                total: "412 investors".to_owned(),
                prev: Some("?page=1".to_owned()),
                next: Some("?page=3".to_owned()),
            },
            charts,
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl StylePage {
    /// The page with a toast on it.
    #[must_use]
    pub fn sample() -> Self {
        use crate::routes::page::{Flash, FlashAction, FlashKind};
        let labels: Vec<String> = (0..24).map(|h| format!("{h:02}:00")).collect();
        let series = |name: &str, tone, k: u64| crate::routes::page::Series {
            name: name.to_owned(),
            tone,
            values: (0..24).map(|h| (h * k) % 17).collect(),
        };
        let mut frame = Frame::sample("Style", "/style");
        frame.flash = Some(Flash {
            kind: FlashKind::Ok,
            text: "Sample Family Office 12 was archived.".to_owned(),
            action: Some(FlashAction {
                label: "Undo".to_owned(),
                href: "/investors/sample/restore".to_owned(),
                post: true,
            }),
        });
        let charts = vec![
            Chart::curves(
                "curve",
                "Curves",
                &|ms| format!("{ms} ms"),
                &labels,
                &[series("median", "info", 5), series("worst", "muted", 7)],
            ),
            Chart::stacked(
                "stack",
                "Stacks",
                &|n| n.to_string(),
                &labels,
                &[series("done", "ok", 5), series("failed", "bad", 3)],
            ),
        ];
        Self::new(frame, charts)
    }
}
