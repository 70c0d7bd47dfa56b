//! Pages of the raise: funds, one fund, its ledger, the pipeline.

use askama::Template;

use crate::routes::page::{Badge, Chart, Choice, Frame, LinkTo, Paging, Tile, When};

/// All funds.
#[derive(Debug, Template)]
#[template(path = "pages/funds.html")]
pub struct FundsPage {
    /// The frame.
    pub frame: Frame,
    /// Those being raised first.
    pub funds: Vec<FundCard>,
    /// The investor a commitment is to be written down of; empty if none.
    pub investor: String,
}

/// A fund and how far it is.
#[derive(Debug, Clone, Default)]
pub struct FundCard {
    /// Its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: Badge,
    /// Sum committed, formatted.
    pub committed: String,
    /// Target, formatted.
    pub target: String,
    /// Whole percent of the target; may pass 100.
    pub percent: u64,
    /// Such as `38 commitments · soft EUR 12,000,000`.
    pub detail: String,
}

/// One fund.
#[derive(Debug, Template)]
#[template(path = "pages/fund.html")]
pub struct FundPage {
    /// The frame.
    pub frame: Frame,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: Badge,
    /// Vehicle and closes, one line.
    pub lead: String,
    /// ISO 4217 code.
    pub currency: String,
    /// The day everything is told for.
    pub as_of: String,
    /// Today: the last day there is.
    pub today: String,
    /// The same page for today, when that is another day.
    pub today_href: Option<String>,
    /// Committed, of target, weighted, room.
    pub tiles: Vec<Tile>,
    /// Every stage.
    pub stages: Vec<StageLine>,
    /// Raise over time, commitments by month.
    pub charts: Vec<Chart>,
    /// Who has what.
    pub positions: Vec<PositionLine>,
    /// Stages to show, as links.
    pub filters: Vec<LinkTo>,
    /// The stage shown; empty for all.
    pub stage: String,
    /// Where the list stands.
    pub paging: Paging,
    /// Stages to choose in the form.
    pub stage_choices: Vec<Choice>,
    /// Names to complete in the form; none if there are too many.
    pub names: Vec<String>,
    /// The investor the form begins with.
    pub investor: String,
    /// Whether this person may delete it.
    pub is_admin: bool,
}

/// The sum of one stage.
#[derive(Debug, Clone, Default)]
pub struct StageLine {
    /// The stage.
    pub stage: Badge,
    /// Who is in it: their positions.
    pub href: String,
    /// Investors.
    pub investors: String,
    /// Sum, formatted.
    pub amount: String,
    /// Such as `40 %`.
    pub weight: String,
    /// Sum times weight, formatted.
    pub weighted: String,
    /// The events it rests on.
    pub ledger_href: String,
}

/// What one investor has in a fund.
#[derive(Debug, Clone, Default)]
pub struct PositionLine {
    /// The investor's name.
    pub name: String,
    /// Their page.
    pub href: String,
    /// Where they stand.
    pub stage: Badge,
    /// Formatted.
    pub amount: String,
    /// The day it has been so since.
    pub since: String,
    /// Their events in this fund.
    pub ledger_href: String,
    /// The form, with them in it.
    pub change_href: String,
}

/// A fund's terms, new or changed.
#[derive(Debug, Template)]
#[template(path = "pages/fund_terms.html")]
pub struct TermsPage {
    /// The frame.
    pub frame: Frame,
    /// Heading.
    pub heading: String,
    /// Where the form is posted.
    pub action: String,
    /// Where one goes without saving.
    pub back: String,
    /// What the change is based on; none for a new fund.
    pub updated_at: Option<i64>,
    /// Name, vehicle, currency, amounts and days, as typed.
    pub fields: Vec<TermField>,
    /// Where it stands.
    pub statuses: Vec<Choice>,
    /// Percent by stage.
    pub weights: Vec<TermField>,
    /// What is wrong with the whole.
    pub error: Option<String>,
    /// Where to delete it, for admins, of an existing fund.
    pub delete_action: Option<String>,
}

/// One field of the terms.
#[derive(Debug, Clone, Default)]
pub struct TermField {
    /// As posted.
    pub name: &'static str,
    /// For people.
    pub label: String,
    /// `text`, `date` or `number`.
    pub kind: &'static str,
    /// As typed.
    pub value: String,
    /// A line beneath; may be empty.
    pub hint: String,
    /// What is wrong with it.
    pub error: Option<String>,
    /// Whether it must be filled.
    pub required: bool,
}

/// The ledger of a fund.
#[derive(Debug, Template)]
#[template(path = "pages/ledger.html")]
pub struct LedgerPage {
    /// The frame.
    pub frame: Frame,
    /// The fund.
    pub fund: LinkTo,
    /// What is shown of it, in words.
    pub lead: String,
    /// Everything, when something is left out.
    pub all_href: Option<String>,
    /// Newest written first.
    pub events: Vec<EventLine>,
    /// Older ones.
    pub older: Option<String>,
}

/// One event.
#[derive(Debug, Clone, Default)]
pub struct EventLine {
    /// The day it counts from.
    pub on: String,
    /// The investor.
    pub investor: LinkTo,
    /// The stage.
    pub stage: Badge,
    /// Amount before, formatted; empty for none.
    pub before: String,
    /// Amount after.
    pub after: String,
    /// In words; may be empty.
    pub note: String,
    /// The other side of a transfer.
    pub other: Option<LinkTo>,
    /// Who wrote it down.
    pub by: String,
    /// When.
    pub when: When,
}

/// The pipeline.
#[derive(Debug, Template)]
#[template(path = "pages/pipeline.html")]
pub struct PipelinePage {
    /// The frame.
    pub frame: Frame,
    /// Whether a column says where investors stand.
    pub has_column: bool,
    /// Stretches to look back over.
    pub stretches: Vec<(LinkTo, bool)>,
    /// Days looked back.
    pub days: i64,
    /// In order.
    pub stages: Vec<StageRow>,
    /// How many stand where.
    pub funnel: Option<Chart>,
    /// Why investors were lost.
    pub reasons: Vec<(String, i64)>,
    /// Lost ones, newest first, to say why.
    pub lost: Vec<LostLine>,
}

/// One stage in figures.
#[derive(Debug, Clone, Default)]
pub struct StageRow {
    /// The option.
    pub name: String,
    /// Its colour.
    pub colour: String,
    /// Its cards on the board.
    pub href: String,
    /// Investors there now.
    pub now: String,
    /// Days of the middle one; empty for none.
    pub median_now: String,
    /// Steps into it.
    pub entered: String,
    /// Such as `12 of 30 · 40 %`.
    pub went_on: String,
    /// Lost out of it.
    pub lost: String,
    /// Days of the middle one that left.
    pub stayed: String,
}

/// A lost investor.
#[derive(Debug, Clone, Default)]
pub struct LostLine {
    /// The opportunity.
    pub id: String,
    /// The investor.
    pub investor: LinkTo,
    /// When.
    pub when: When,
    /// Why; empty until somebody says.
    pub reason: String,
}
