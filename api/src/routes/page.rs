//! What every page shares: the frame around it and the small values that
//! templates know how to draw. Everything here is already formatted; a
//! template decides where a value stands, never how it reads.

use std::collections::BTreeMap;

pub use super::chart::{Chart, ChartBar, ChartLine, ChartRow, Series};

/// A piece of a sentence.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The words.
    pub text: String,
    /// Whether they are to be typed as they are.
    pub is_code: bool,
}

impl Piece {
    /// A sentence in which commands stand between backticks.
    pub fn all(text: &str) -> Vec<Self> {
        let parts = text.split('`').enumerate();
        parts
            .filter(|(_, text)| !text.is_empty())
            .map(|(n, text)| Self {
                text: text.to_owned(),
                is_code: n % 2 == 1,
            })
            .collect()
    }
}

/// The frame around a page: navigation, messages, theme and assets.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Title of the page, without the product's name.
    pub title: String,
    /// The person signed in, if any.
    pub user: Option<FrameUser>,
    /// Sections everybody sees.
    pub nav: Vec<NavItem>,
    /// Sections only admins see; empty for members.
    pub admin_nav: Vec<NavItem>,
    /// A message left by the request before this one.
    pub flash: Option<Flash>,
    /// `"light"`, `"dark"`, or empty to follow the system.
    pub theme: String,
    /// Whether this installation shows the synthetic demo fund.
    pub demo: bool,
    /// Whether the disk is nearly full and changes are refused.
    pub low_space: bool,
    /// Hashed names of the static files.
    pub assets: Assets,
    /// Path and query of this page, for `next` fields.
    pub path: String,
    /// Id of this request, as the log has it.
    pub request_id: String,
}

/// The person signed in, as the frame shows them.
#[derive(Debug, Clone, Default)]
pub struct FrameUser {
    /// Full name.
    pub name: String,
    /// Address they sign in with.
    pub email: String,
    /// One or two letters for the avatar.
    pub initials: String,
    /// Whether they may see the admin sections.
    pub is_admin: bool,
}

/// One entry of the navigation.
#[derive(Debug, Clone, Default)]
pub struct NavItem {
    /// Words shown.
    pub label: String,
    /// Where it leads.
    pub href: String,
    /// Name of a symbol in `static/img/sprite.svg`.
    pub icon: &'static str,
    /// Whether the page belongs to this section.
    pub current: bool,
    /// A number worth showing beside the label.
    pub count: Option<i64>,
}

impl NavItem {
    /// An entry that is not current and has no count.
    #[must_use]
    pub fn new(label: &str, href: &str, icon: &'static str) -> Self {
        Self {
            label: label.to_owned(),
            href: href.to_owned(),
            icon,
            current: false,
            count: None,
        }
    }
}

/// How a message should be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FlashKind {
    /// It worked.
    Ok,
    /// Something to know.
    #[default]
    Info,
    /// Something to look at.
    Warn,
    /// It did not work.
    Bad,
}

impl FlashKind {
    /// Class suffix, as in `tone-ok`.
    #[must_use]
    pub fn tone(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// Name of the symbol shown with the message.
    #[must_use]
    pub fn icon(&self) -> &'static str {
        match self {
            Self::Ok => "check",
            Self::Info => "info",
            Self::Warn | Self::Bad => "warning",
        }
    }
}

/// A message shown once.
#[derive(Debug, Clone, Default)]
pub struct Flash {
    /// How it should be taken.
    pub kind: FlashKind,
    /// One sentence.
    pub text: String,
    /// What the reader may want to do about it, such as undo.
    pub action: Option<FlashAction>,
}

/// The one thing to do about a message.
#[derive(Debug, Clone, Default)]
pub struct FlashAction {
    /// Words on the link or button.
    pub label: String,
    /// Where it leads.
    pub href: String,
    /// Whether it changes something and must be posted.
    pub post: bool,
}

/// Hashed names of the static files, read from `dist/manifest.json`.
#[derive(Debug, Clone, Default)]
pub struct Assets {
    /// Plain name to hashed name.
    pub names: BTreeMap<String, String>,
}

impl Assets {
    /// Address of a static file; a name that is unknown is used as it is.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        let file = self.names.get(name).map_or(name, String::as_str);
        format!("/static/{file}")
    }
}

/// A moment, for machines and for people.
#[derive(Debug, Clone, Default)]
pub struct When {
    /// RFC 3339, for the `datetime` attribute.
    pub iso: String,
    /// What a person reads.
    pub text: String,
}

impl When {
    /// A moment from both of its spellings.
    #[must_use]
    pub fn new(iso: &str, text: &str) -> Self {
        Self {
            iso: iso.to_owned(),
            text: text.to_owned(),
        }
    }
}

/// Where a page stands among its siblings.
#[derive(Debug, Clone, Default)]
pub struct Paging {
    /// This page, from 1.
    pub page: u64,
    /// How many pages there are.
    pub pages: u64,
    /// What is being paged through, such as `"412 investors"`.
    pub total: String,
    /// Address of the page before.
    pub prev: Option<String>,
    /// Address of the page after.
    pub next: Option<String>,
}

/// A link with its words.
#[derive(Debug, Clone, Default)]
pub struct LinkTo {
    /// Words shown.
    pub label: String,
    /// Where it leads.
    pub href: String,
}

impl LinkTo {
    /// A link from its words and its address.
    #[must_use]
    pub fn new(label: &str, href: &str) -> Self {
        Self {
            label: label.to_owned(),
            href: href.to_owned(),
        }
    }
}

/// A short state with a colour.
#[derive(Debug, Clone, Default)]
pub struct Badge {
    /// One or two words.
    pub text: String,
    /// `ok`, `warn`, `bad`, `info` or `muted`.
    pub tone: &'static str,
}

impl Badge {
    /// A badge from its words and its tone.
    #[must_use]
    pub fn new(text: &str, tone: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            tone,
        }
    }
}

/// A figure with a label, alone or as a link.
#[derive(Debug, Clone, Default)]
pub struct Tile {
    /// What is counted.
    pub label: String,
    /// The figure.
    pub value: String,
    /// A line beneath; may be empty.
    pub hint: String,
    /// `ok`, `warn`, `bad`, `info` or `muted`.
    pub tone: &'static str,
    /// Where the figure leads.
    pub href: Option<String>,
}

impl Tile {
    /// A plain figure.
    #[must_use]
    pub fn new(label: &str, value: &str, hint: &str, tone: &'static str) -> Self {
        Self {
            label: label.to_owned(),
            value: value.to_owned(),
            hint: hint.to_owned(),
            tone,
            href: None,
        }
    }

    /// The same figure, leading somewhere.
    #[must_use]
    pub fn to(mut self, href: &str) -> Self {
        self.href = Some(href.to_owned());
        self
    }
}

/// How far something has come.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Units done.
    pub done: u64,
    /// Units in all; nothing when that is not known yet.
    pub total: Option<u64>,
    /// Such as `"240 of 400 rows"`.
    pub text: String,
}

/// One option of a select, a filter or a set of tabs.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// What is posted.
    pub value: String,
    /// What is shown.
    pub label: String,
    /// Whether it is chosen now.
    pub selected: bool,
}

impl Choice {
    /// An option.
    #[must_use]
    pub fn new(value: &str, label: &str, selected: bool) -> Self {
        Self {
            value: value.to_owned(),
            label: label.to_owned(),
            selected,
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl Frame {
    /// An admin's frame with the section at `href` current.
    #[must_use]
    pub fn sample(title: &str, href: &str) -> Self {
        let mut nav = vec![
            NavItem::new("Home", "/", "home"),
            NavItem::new("My day", "/day", "check"),
            NavItem::new("Investors", "/grid", "grid"),
            NavItem::new("Pipeline", "/pipeline", "funnel"),
            NavItem::new("Contacts", "/contacts", "team"),
            NavItem::new("Emails", "/emails", "mail"),
            NavItem::new("Funds", "/funds", "fund"),
            NavItem::new("Automations", "/automations", "retry"),
            NavItem::new("Imports", "/imports", "import"),
            NavItem::new("Activity", "/activity", "activity"),
        ];
        let mut admin_nav = vec![
            NavItem::new("Worker", "/jobs", "jobs"),
            NavItem::new("Backups", "/backups", "shield"),
            NavItem::new("Team", "/settings/team", "team"),
        ];
        for item in nav.iter_mut().chain(admin_nav.iter_mut()) {
            item.current = item.href == href;
        }
        if let Some(item) = nav.get_mut(2) {
            item.count = Some(412);
        }
        Self {
            title: title.to_owned(),
            user: Some(FrameUser {
                name: "Robin Sample".to_owned(),
                email: "robin@example.org".to_owned(),
                initials: "RS".to_owned(),
                is_admin: true,
            }),
            nav,
            admin_nav,
            flash: None,
            theme: String::new(),
            low_space: false,
            demo: false,
            assets: Assets::default(),
            path: href.to_owned(),
            request_id: "0190f2a4-7d1c-7b3e-9a55-2f6c1e8d4b70".to_owned(),
        }
    }

    /// The frame of a page for someone who is not signed in.
    #[must_use]
    pub fn sample_signed_out(title: &str, path: &str) -> Self {
        Self {
            user: None,
            nav: Vec::new(),
            admin_nav: Vec::new(),
            ..Self::sample(title, path)
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl Paging {
    /// The second of nine pages.
    #[must_use]
    pub fn sample(total: &str) -> Self {
        Self {
            page: 2,
            pages: 9,
            total: total.to_owned(),
            prev: Some("?page=1".to_owned()),
            next: Some("?page=3".to_owned()),
        }
    }
}
