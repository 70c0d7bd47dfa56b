//! Pages of rules, runs, drafts and lists.

use askama::Template;

use crate::routes::{
    grid::page::{Control, Field},
    investor::page::Change,
    page::{Badge, Choice, Frame, LinkTo, When},
};

/// A piece of a sentence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Piece {
    /// The words.
    pub text: String,
    /// Whether they are a name or a value.
    pub bold: bool,
}

/// A sentence with its names between `**`, in pieces.
#[must_use]
pub fn bold(sentence: &str) -> Vec<Piece> {
    let pieces = sentence.split("**").enumerate();
    pieces
        .map(|(at, text)| Piece {
            text: text.to_owned(),
            bold: at % 2 == 1,
        })
        .filter(|piece| !piece.text.is_empty())
        .collect()
}

/// All rules, and the questions that wait.
#[derive(Debug, Template)]
#[template(path = "pages/automations.html")]
pub struct AutomationsPage {
    /// The frame.
    pub frame: Frame,
    /// Runs that ask first.
    pub questions: Vec<Question>,
    /// In their order.
    pub rules: Vec<RuleLine>,
    /// Whether the reader may change rules.
    pub is_admin: bool,
}

/// A run that asks first.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// The run.
    pub id: String,
    /// Its page.
    pub href: String,
    /// The rule.
    pub rule: String,
    /// The investor.
    pub investor: String,
    /// Their page.
    pub investor_href: String,
    /// What it would do.
    pub would_do: Vec<String>,
    /// Since when it waits.
    pub at: When,
}

/// One rule.
#[derive(Debug, Clone, Default)]
pub struct RuleLine {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it says.
    pub sentence: Vec<Piece>,
    /// Whether it is on.
    pub enabled: bool,
    /// How it is.
    pub state: Badge,
    /// Why it cannot fire; may be empty.
    pub problem: String,
    /// Why it was switched off; may be empty.
    pub alert: String,
    /// When it fired last.
    pub last: Option<When>,
    /// How often in 30 days.
    pub lately: String,
}

/// The builder of one rule.
#[derive(Debug, Template)]
#[template(path = "pages/automation.html")]
pub struct RulePage {
    /// The frame.
    pub frame: Frame,
    /// Where the form posts to.
    pub action: String,
    /// The rule's id; empty for a new one.
    pub id: String,
    /// Its name.
    pub name: Field,
    /// What it says now.
    pub sentence: Vec<Piece>,
    /// What is wrong with it; may be empty.
    pub error: String,
    /// When, and what goes with that.
    pub trigger: Vec<Field>,
    /// How conditions are joined.
    pub join: Field,
    /// One for each condition.
    pub conditions: Vec<Vec<Field>>,
    /// Conditions in groups, kept as they are; empty if there are none such.
    pub kept_conditions: String,
    /// One for each action.
    pub actions: Vec<ActionFields>,
    /// Whether it asks first.
    pub ask_first: bool,
    /// Whether it is on.
    pub enabled: bool,
    /// The same as JSON.
    pub json: String,
    /// What it would do.
    pub dry: Option<DryShown>,
    /// Whether the reader may change it.
    pub is_admin: bool,
}

/// The fields of an action.
#[derive(Debug, Clone, Default)]
pub struct ActionFields {
    /// What it does, such as `Move it to Graveyard`.
    pub title: String,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// What a dry run found.
#[derive(Debug, Clone, Default)]
pub struct DryShown {
    /// Such as `It would have fired 14 times in the last 90 days.`
    pub past: String,
    /// These firings.
    pub firings: Vec<DryLine>,
    /// Such as `Today it would go for 3 investors.`
    pub today: String,
    /// These.
    pub rows: Vec<DryLine>,
    /// What is not as exact as it sounds.
    pub notes: Vec<String>,
}

/// A row of a dry run.
#[derive(Debug, Clone, Default)]
pub struct DryLine {
    /// The investor.
    pub title: String,
    /// Their page.
    pub href: String,
    /// When; empty for today's.
    pub at: String,
}

/// Runs.
#[derive(Debug, Template)]
#[template(path = "pages/automation_runs.html")]
pub struct RunsPage {
    /// The frame.
    pub frame: Frame,
    /// To choose one.
    pub rules: Vec<Choice>,
    /// By state, and which is shown.
    pub tabs: Vec<(LinkTo, bool)>,
    /// The state that is shown; may be empty.
    pub state: String,
    /// The row that is shown; may be empty.
    pub row: String,
    /// Whether some are left out.
    pub is_narrowed: bool,
    /// The newest first.
    pub runs: Vec<RunLine>,
    /// The page after.
    pub next: Option<String>,
}

/// One run.
#[derive(Debug, Clone, Default)]
pub struct RunLine {
    /// Its page.
    pub href: String,
    /// Its number.
    pub id: String,
    /// The rule.
    pub rule: String,
    /// The investor.
    pub investor: String,
    /// Their page.
    pub investor_href: String,
    /// How it is.
    pub state: Badge,
    /// What came of it.
    pub outcome: String,
    /// When it fired.
    pub at: When,
}

/// One run in full.
#[allow(
    clippy::struct_excessive_bools,
    reason = "what may be done with a run is four questions"
)]
#[derive(Debug, Template)]
#[template(path = "pages/automation_run.html")]
pub struct RunShown {
    /// The frame.
    pub frame: Frame,
    /// Its number.
    pub id: String,
    /// Rule and investor.
    pub title: String,
    /// The rule's name as it was.
    pub rule: String,
    /// The rule's page; empty if it was deleted.
    pub rule_href: String,
    /// The investor.
    pub investor: LinkTo,
    /// How it is.
    pub state: Badge,
    /// What came of it.
    pub outcome: String,
    /// What it would do, if it asks.
    pub would_do: Vec<String>,
    /// What it did.
    pub steps: Vec<LinkTo>,
    /// What it changed.
    pub changes: Vec<Change>,
    /// Labels and facts.
    pub facts: Vec<(String, String)>,
    /// Attempts that did not succeed.
    pub attempts: Vec<AttemptLine>,
    /// The job's page; may be empty.
    pub job: String,
    /// The rule as it was, as JSON.
    pub definition: String,
    /// The run it replays; may be empty.
    pub replay_of: String,
    /// Whether it waits for an answer.
    pub is_asked: bool,
    /// Whether it can be run again.
    pub can_replay: bool,
    /// Whether it can be taken back.
    pub can_revert: bool,
    /// Whether it is still to be done.
    pub is_waiting: bool,
}

/// An attempt that did not succeed.
#[derive(Debug, Clone, Default)]
pub struct AttemptLine {
    /// Counts from 1.
    pub number: String,
    /// How it ended.
    pub outcome: String,
    /// What went wrong.
    pub error: String,
    /// When.
    pub at: When,
}

/// Proposed mail.
#[derive(Debug, Template)]
#[template(path = "pages/drafts.html")]
pub struct DraftsPage {
    /// The frame.
    pub frame: Frame,
    /// By state.
    pub tabs: Vec<Choice>,
    /// The newest first.
    pub drafts: Vec<DraftLine>,
}

/// One draft.
#[derive(Debug, Clone, Default)]
pub struct DraftLine {
    /// Its id.
    pub id: String,
    /// The investor.
    pub investor: String,
    /// Their page.
    pub href: String,
    /// To whom.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Text.
    pub body: String,
    /// Opens a mail program.
    pub mailto: String,
    /// The rule.
    pub by: String,
    /// The run's page; may be empty.
    pub run: String,
    /// Since when.
    pub at: When,
    /// Whether it waits for somebody.
    pub is_open: bool,
}

/// A list with why each is on it.
#[derive(Debug, Template)]
#[template(path = "pages/list.html")]
pub struct ListsPage {
    /// The frame.
    pub frame: Frame,
    /// Its name.
    pub title: String,
    /// The lists.
    pub tabs: Vec<Choice>,
    /// Who is on it.
    pub rows: Vec<MemberLine>,
    /// The list in the grid.
    pub grid: String,
    /// The page after.
    pub next: Option<String>,
    /// Whether this is the first page.
    pub is_first: bool,
    /// The first page.
    pub here: String,
}

/// An investor on a list.
#[derive(Debug, Clone, Default)]
pub struct MemberLine {
    /// Their page.
    pub href: String,
    /// Their name.
    pub title: String,
    /// Since when.
    pub since: String,
    /// Who put them there.
    pub by: String,
    /// The person behind a rule; may be empty.
    pub person: String,
    /// Why; may be empty.
    pub why: String,
    /// The run that did it.
    pub run: Option<LinkTo>,
}
