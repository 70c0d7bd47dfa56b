//! A task as lists draw it.

use std::collections::BTreeMap;

use crm_jobs::{
    grid,
    work::{Repeat, Task},
};
use jiff::civil::Date;

use crate::{
    error::AppError,
    routes::{
        grid::{first, list, values::Names},
        page::{Badge, Choice, LinkTo},
    },
    session::SignedIn,
    show,
    state::App,
};

/// A task in a list.
#[derive(Debug, Clone, Default)]
pub struct TaskItem {
    /// Its id.
    pub id: String,
    /// What is to be done.
    pub title: String,
    /// More about it, on one line; may be empty.
    pub note: String,
    /// The investor, if it is about one and the page is not theirs.
    pub investor: Option<LinkTo>,
    /// The person, if it is about one.
    pub contact: Option<LinkTo>,
    /// When, in words and with a tone; none without a day.
    pub due: Option<Badge>,
    /// The day itself, as a tooltip.
    pub day: String,
    /// Whose; `Team` if nobody's.
    pub assignee: String,
    /// Letters for the avatar; empty for the team.
    pub initials: String,
    /// How it comes back; may be empty.
    pub repeats: String,
    /// Whether it is hidden until its day.
    pub snoozed: bool,
}

/// Names that lists of tasks show.
pub struct Known {
    /// Users, members, zone, now.
    pub names: Names,
    /// Title by row id.
    pub titles: BTreeMap<String, String>,
    /// The day it is.
    pub today: Date,
}

impl Known {
    /// Reads the names that these rows need.
    pub async fn load<'a>(
        app: &App,
        rows: impl Iterator<Item = &'a str>,
    ) -> Result<Self, AppError> {
        let names = Names::load(app).await?;
        let mut rows: Vec<String> = rows.map(str::to_owned).collect();
        rows.sort_unstable();
        rows.dedup();
        let mut conn = app.db.read().acquire().await?;
        let columns = grid::columns(&mut conn).await?;
        let rows = grid::rows_by_id(&mut conn, &rows).await?;
        let titles = rows
            .iter()
            .map(|row| (row.id.clone(), list::title(row, first(&columns), &names)))
            .collect();
        let today = crm_jobs::work::day_of(&names.zone, names.now);
        Ok(Self {
            names,
            titles,
            today,
        })
    }

    /// A link to an investor.
    pub fn investor(&self, row: &str) -> Option<LinkTo> {
        let title = self.titles.get(row)?;
        Some(LinkTo::new(title, &format!("/investors/{row}")))
    }

    /// The task, drawn. `here` is the investor whose page it is on.
    pub fn item(&self, task: &Task, here: Option<&str>) -> TaskItem {
        let day: Option<Date> = task.day.as_deref().and_then(|day| day.parse().ok());
        let who = task.assignee.as_deref().map(|id| {
            let name = self.names.users.get(id).cloned();
            name.unwrap_or_else(|| "Somebody".to_owned())
        });
        let rule = Repeat::parse(task.repeat.as_deref().unwrap_or_default());
        let row = task.row_id.as_deref().filter(|row| Some(*row) != here);
        TaskItem {
            id: task.id.clone(),
            title: task.title.clone(),
            note: crm_jobs::notes::plain(&task.note, 160),
            investor: row.and_then(|row| self.investor(row)),
            contact: contact(task.contact_id.as_deref(), task.contact_name.as_deref()),
            due: day.map(|day| due(day, self.today)),
            day: day.map_or_else(String::new, |day| day.strftime("%A, %-d %B %Y").to_string()),
            initials: who.as_deref().map(show::initials).unwrap_or_default(),
            assignee: who.unwrap_or_else(|| "Team".to_owned()),
            repeats: rule
                .ok()
                .flatten()
                .map_or_else(String::new, |rule| rule.words()),
            snoozed: task.status == "snoozed",
        }
    }
}

/// A link to a person's page.
pub fn contact(id: Option<&str>, name: Option<&str>) -> Option<LinkTo> {
    Some(LinkTo::new(name?, &format!("/contacts/{}", id?)))
}

/// A day as seen from today.
pub fn due(day: Date, today: Date) -> Badge {
    let days = today.until(day).map_or(0, |span| span.get_days());
    match days {
        -1 => Badge::new("Yesterday", "bad"),
        ..0 => Badge::new(&format!("{} days late", -days), "bad"),
        0 => Badge::new("Today", "warn"),
        1 => Badge::new("Tomorrow", "info"),
        2..7 => Badge::new(&day.strftime("%A").to_string(), "info"),
        _ if day.year() == today.year() => Badge::new(&day.strftime("%-d %b").to_string(), "muted"),
        _ => Badge::new(&day.strftime("%-d %b %Y").to_string(), "muted"),
    }
}

/// Members a task may be given to, oneself first; `chosen` is an id, or empty
/// for the team.
pub fn assignees(names: &Names, who: &SignedIn, chosen: &str) -> Vec<Choice> {
    let me = &who.user.id;
    let mut all = vec![
        Choice::new(me, "Me", chosen == me || chosen == "me"),
        Choice::new("team", "The team", chosen.is_empty() || chosen == "team"),
    ];
    let others = names.members.iter().filter(|user| user.id != *me);
    all.extend(others.map(|user| Choice::new(&user.id, &user.name, chosen == user.id)));
    all
}

/// Rules that forms offer; one that is not among them is shown in its words.
pub fn repeats(chosen: &str) -> Vec<Choice> {
    let mut all: Vec<Choice> = crm_jobs::work::REPEATS
        .iter()
        .map(|(rule, label)| Choice::new(rule, label, *rule == chosen))
        .collect();
    if let Ok(Some(rule)) = Repeat::parse(chosen)
        && !all.iter().any(|choice| choice.selected)
    {
        all.push(Choice::new(chosen, &rule.words(), true));
    }
    all
}

#[cfg(any(test, debug_assertions))]
impl TaskItem {
    /// A task due today.
    #[must_use]
    pub fn sample(title: &str, due: Option<Badge>) -> Self {
        Self {
            id: "sample".to_owned(),
            title: title.to_owned(),
            note: "They asked for the track record by vintage.".to_owned(),
            investor: Some(LinkTo::new("Sample Family Office 12", "/investors/sample")),
            contact: Some(LinkTo::new("Alex Placeholder", "/contacts/sample")),
            due,
            day: "Tuesday, 3 March 2026".to_owned(),
            assignee: "Robin Sample".to_owned(),
            initials: "RS".to_owned(),
            repeats: "Every 2 weeks".to_owned(),
            snoozed: false,
        }
    }
}
