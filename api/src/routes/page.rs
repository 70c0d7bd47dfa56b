//! What every page shares: the frame around it and the small values that
//! templates know how to draw. Everything here is already formatted; a
//! template decides where a value stands, never how it reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;

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

/// A line or bar chart, drawn in a box of 960 × 100 units that stretches to
/// the room it has. Words stay outside the drawing so that they keep their
/// size, and the same figures stand in a table behind it.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// Id of the figure, unique on its page.
    pub id: &'static str,
    /// What the chart shows.
    pub title: String,
    /// The chart in one sentence, for those who do not see it.
    pub summary: String,
    /// Lines, drawn in this order.
    pub lines: Vec<ChartLine>,
    /// Bars, drawn in this order.
    pub bars: Vec<ChartBar>,
    /// Names and tones of the series.
    pub legend: Vec<Badge>,
    /// Labels of the upright axis from top to bottom, evenly spaced.
    pub y_labels: Vec<String>,
    /// Labels of the level axis from left to right, evenly spaced.
    pub x_labels: Vec<String>,
    /// Whether each bar has a label of its own, below its middle.
    pub is_by_bar: bool,
    /// Column heads of the table behind the chart.
    pub table_head: Vec<String>,
    /// Rows of that table: the label and its figures.
    pub table_rows: Vec<ChartRow>,
}

/// One line of a chart.
#[derive(Debug, Clone, Default)]
pub struct ChartLine {
    /// Tone of the series.
    pub tone: &'static str,
    /// Path data of the line.
    pub line: String,
    /// Path data of the area under it; empty for none.
    pub area: String,
}

/// One bar of a chart.
#[derive(Debug, Clone, Default)]
pub struct ChartBar {
    /// Tone of the series.
    pub tone: &'static str,
    /// Left edge, 0 to 960.
    pub x: u64,
    /// Upper edge, 0 to 100.
    pub y: u64,
    /// Width.
    pub width: u64,
    /// Height.
    pub height: u64,
    /// What a pointer resting on it reads.
    pub title: String,
}

/// One row of the table behind a chart.
#[derive(Debug, Clone, Default)]
pub struct ChartRow {
    /// Such as the hour.
    pub label: String,
    /// One figure for each series.
    pub values: Vec<String>,
}

/// One series of figures to draw.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its tone.
    pub tone: &'static str,
    /// Its figures, one for each label.
    pub values: Vec<u64>,
}

const CHART_WIDTH: u64 = 960;
const CHART_HEIGHT: u64 = 100;

impl Chart {
    /// Bars stacked on each other, one stack for each label; `words` writes a
    /// figure for people.
    #[must_use]
    pub fn stacked(
        id: &'static str,
        title: &str,
        words: &dyn Fn(u64) -> String,
        labels: &[String],
        series: &[Series],
    ) -> Self {
        let sums = labels.iter().enumerate().map(|(i, _)| {
            series
                .iter()
                .map(|s| s.values.get(i).copied().unwrap_or(0))
                .sum::<u64>()
        });
        let top = round_up(sums.max().unwrap_or(0));
        let step = CHART_WIDTH / u64::try_from(labels.len().max(1)).unwrap_or(1);
        let gap = (step / 5).max(1);
        let mut bars = Vec::new();
        let mut x = 0;
        for (i, label) in labels.iter().enumerate() {
            let mut floor = CHART_HEIGHT;
            for s in series {
                let value = s.values.get(i).copied().unwrap_or(0);
                if value == 0 {
                    continue;
                }
                let height = (value * CHART_HEIGHT / top).max(1).min(floor);
                floor -= height;
                bars.push(ChartBar {
                    tone: s.tone,
                    x: x + gap / 2,
                    y: floor,
                    width: step.saturating_sub(gap).max(1),
                    height,
                    title: format!("{label}: {} {}", words(value), s.name),
                });
            }
            x += step;
        }
        Self {
            bars,
            ..Self::with_axes(id, title, words, labels, series, top)
        }
    }

    /// Lines over the labels; the first series gets an area under it.
    #[must_use]
    pub fn curves(
        id: &'static str,
        title: &str,
        words: &dyn Fn(u64) -> String,
        labels: &[String],
        series: &[Series],
    ) -> Self {
        let most = series.iter().flat_map(|s| s.values.iter().copied()).max();
        let top = round_up(most.unwrap_or(0));
        let last = u64::try_from(labels.len().saturating_sub(1).max(1)).unwrap_or(1);
        let mut lines = Vec::new();
        for (n, s) in series.iter().enumerate() {
            let mut line = String::new();
            for (i, value) in (0_u64..).zip(&s.values) {
                let command = if i == 0 { "M" } else { "L" };
                let x = i * CHART_WIDTH / last;
                let y = CHART_HEIGHT - (*value * CHART_HEIGHT / top).min(CHART_HEIGHT);
                // Writing to a string cannot fail.
                let _ = write!(line, "{command}{x} {y}");
            }
            let area = if n == 0 && !line.is_empty() {
                format!("{line}L{CHART_WIDTH} {CHART_HEIGHT}L0 {CHART_HEIGHT}Z")
            } else {
                String::new()
            };
            lines.push(ChartLine {
                tone: s.tone,
                line,
                area,
            });
        }
        Self {
            lines,
            ..Self::with_axes(id, title, words, labels, series, top)
        }
    }

    fn with_axes(
        id: &'static str,
        title: &str,
        words: &dyn Fn(u64) -> String,
        labels: &[String],
        series: &[Series],
        top: u64,
    ) -> Self {
        let quarter = (labels.len() / 4).max(1);
        let mut table_head = vec!["Time".to_owned()];
        table_head.extend(series.iter().map(|s| s.name.clone()));
        Self {
            id,
            title: title.to_owned(),
            summary: format!("{title}, highest mark {}", words(top)),
            legend: series.iter().map(|s| Badge::new(&s.name, s.tone)).collect(),
            y_labels: vec![words(top), words(top / 2), "0".to_owned()],
            x_labels: marks(labels, quarter),
            table_head,
            table_rows: labels
                .iter()
                .enumerate()
                .map(|(i, label)| ChartRow {
                    label: label.clone(),
                    values: series
                        .iter()
                        .map(|s| words(s.values.get(i).copied().unwrap_or(0)))
                        .collect(),
                })
                .collect(),
            ..Self::default()
        }
    }
}

/// Every so-manieth label, and the last one.
fn marks(labels: &[String], step: usize) -> Vec<String> {
    let mut marks: Vec<String> = labels.iter().step_by(step).cloned().collect();
    if let Some(last) = labels.last().filter(|last| marks.last() != Some(last)) {
        marks.push(last.clone());
    }
    marks
}

/// The next even, round number: axes read better when they end on one.
fn round_up(value: u64) -> u64 {
    let mut scale = 1;
    loop {
        for step in [2, 4, 6, 10] {
            if value <= step * scale {
                return step * scale;
            }
        }
        scale *= 10;
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
            NavItem::new("Funds", "/funds", "fund"),
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
