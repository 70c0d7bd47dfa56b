//! My day: what is to be done, whom to write to, who called on one.

use axum::{extract::State, response::Response};
use crm_jobs::{
    clock::DAY,
    grid::table::{Table, TableColumn},
    notes,
    work::{self, Task, end_of_week},
};
use jiff::civil::Date;
use serde::Deserialize;

use self::page::{DayPage, Group, MentionRow, QuietRow};
use super::{
    page::{Badge, Choice, LinkTo},
    reminders::item::{Known, assignees, repeats},
};
use crate::{
    access::Access,
    error::AppError,
    extract::Query,
    frame::{frame, html},
    route::{Route, get},
    session::SignedIn,
    show,
    state::App,
};

pub mod page;

/// Days of silence to choose from.
const DAYS: [i64; 4] = [14, 30, 60, 90];
/// Tasks, quiet investors and mentions shown at most.
const MOST_TASKS: i64 = 500;
const MOST_QUIET: usize = 25;
const MOST_MENTIONS: i64 = 20;
/// More tasks than these for later are folded away.
const MOST_LATER: usize = 10;
/// How long a mention stays.
const MENTIONED_FOR: i64 = 14 * DAY;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![get("/day", Access::Member, show)]
}

#[derive(Debug, Default, Deserialize)]
struct DayQuery {
    #[serde(default)]
    whose: String,
    #[serde(default)]
    quiet: String,
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<DayQuery>,
) -> Result<Response, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let now = app.db.now();
    let today = work::today(&mut conn, now).await?;
    let tasks = work::open_for(&mut conn, &who.user.id, today, MOST_TASKS).await?;
    let mentions =
        notes::mentioning(&mut conn, &who.user.id, now - MENTIONED_FOR, MOST_MENTIONS).await?;
    drop(conn);
    let rows = tasks.iter().filter_map(|t| t.row_id.as_deref());
    let known = Known::load(&app, rows.chain(mentions.iter().map(|m| m.row_id.as_str()))).await?;
    let asked: i64 = query.quiet.parse().unwrap_or(30);
    let days = if DAYS.contains(&asked) { asked } else { 30 };
    let (quiet, quiet_more) = quiet(&app, &who, days).await?;
    let whose = match query.whose.as_str() {
        whose @ ("mine" | "team") => whose,
        _ => "",
    };
    let is_shown = |task: &&Task| match whose {
        "mine" => task.assignee.is_some(),
        "team" => task.assignee.is_none(),
        _ => true,
    };
    let shown: Vec<&Task> = tasks.iter().filter(is_shown).collect();
    let count = |of_team: bool| {
        let those = tasks
            .iter()
            .filter(|t| t.assignee.is_none() == of_team && t.status == "open");
        i64::try_from(those.count()).unwrap_or(0)
    };
    let first_name = who.user.name.split_whitespace().next().unwrap_or_default();
    let tab = |value: &str, label: &str, n: i64| {
        Choice::new(value, &format!("{label} {n}"), value == whose)
    };
    Ok(html(&DayPage {
        heading: today.strftime("%A, %-d %B").to_string(),
        lead: lead(first_name, &shown, today),
        tabs: vec![
            tab("", "All", count(false) + count(true)),
            tab("mine", "Mine", count(false)),
            tab("team", "Team", count(true)),
        ],
        groups: groups(&shown, &known, today),
        assignees: assignees(&known.names, &who, "me"),
        repeats: repeats(""),
        mentions: mentions.iter().map(|note| mention(note, &known)).collect(),
        quiet,
        quiet_more,
        quiet_days: days,
        quiet_choices: DAYS
            .iter()
            .map(|n| Choice::new(&n.to_string(), &format!("{n} days"), *n == days))
            .collect(),
        whose: whose.to_owned(),
        kinds: super::investor::kinds(),
        today: today.to_string(),
        frame: frame(&app, &who, "My day").await,
    }))
}

fn lead(name: &str, tasks: &[&Task], today: Date) -> String {
    let today = today.to_string();
    let due = |task: &&&Task| {
        task.status == "open" && task.day.as_deref().is_some_and(|day| *day <= *today)
    };
    match tasks.iter().filter(due).count() {
        0 => format!("Hello {name}, nothing is due today."),
        1 => format!("Hello {name}, one task is due."),
        n => format!("Hello {name}, {n} tasks are due."),
    }
}

/// The group after today: the rest of the week, and on a Sunday tomorrow, which
/// nobody looks for under "Later".
fn soon(today: Date) -> (Date, &'static str) {
    match end_of_week(today) {
        sunday if sunday > today => (sunday, "This week"),
        _ => (today.tomorrow().unwrap_or(today), "Tomorrow"),
    }
}

/// Tasks by when they ask for somebody; groups without any are left out.
fn groups(tasks: &[&Task], known: &Known, today: Date) -> Vec<Group> {
    let (until, soon) = soon(today);
    let (now, until) = (today.to_string(), until.to_string());
    let place = |task: &Task| match task.day.as_deref() {
        _ if task.status == "snoozed" => 5,
        None => 4,
        Some(day) if *day < *now => 0,
        Some(day) if *day == *now => 1,
        Some(day) if *day <= *until => 2,
        Some(_) => 3,
    };
    [
        ("overdue", "Overdue", "bad"),
        ("today", "Today", "warn"),
        ("week", soon, "info"),
        ("later", "Later", "muted"),
        ("undated", "Without a date", "muted"),
        ("snoozed", "Snoozed", "muted"),
    ]
    .into_iter()
    .enumerate()
    .map(|(at, (id, label, tone))| {
        let tasks: Vec<_> = tasks
            .iter()
            .filter(|task| place(task) == at)
            .map(|task| known.item(task, None))
            .collect();
        Group {
            id,
            label,
            tone,
            is_folded: id == "snoozed" || (id == "later" && tasks.len() > MOST_LATER),
            tasks,
        }
    })
    .filter(|group| !group.tasks.is_empty())
    .collect()
}

fn mention(note: &notes::Mentioned, known: &Known) -> MentionRow {
    let by = show::actor(&note.by, &known.names.users);
    MentionRow {
        initials: show::initials(&by),
        by,
        investor: known
            .investor(&note.row_id)
            .map(|link| LinkTo::new(&link.label, &format!("{}#note-{}", link.href, note.id)))
            .unwrap_or_default(),
        text: notes::plain(&note.body, 140),
        at: show::ago(known.names.now, note.at),
    }
}

/// Investors one looks after whom nobody was in touch with for so many days,
/// the longest first, and how many more there are.
async fn quiet(app: &App, who: &SignedIn, days: i64) -> Result<(Vec<QuietRow>, usize), AppError> {
    let table = app.grid.read().await?;
    let before = app.db.now() - days * DAY;
    let mut found: Vec<(Option<i64>, u32)> = Vec::new();
    let Some((owner, last)) = table.column("@owner").zip(table.column("@last_contact")) else {
        return Ok((Vec::new(), 0));
    };
    for slot in table.order() {
        let is_in = table.head(*slot).is_some_and(|head| !head.archived);
        let is_mine = || owner.json(owner.code(*slot)).as_str() == Some(&who.user.id);
        if !is_in || owner.code(*slot) == 0 || !is_mine() {
            continue;
        }
        let at = moment(last, *slot);
        if at.is_none_or(|at| at < before) && !is_out(&table, *slot) {
            found.push((at, *slot));
        }
    }
    found.sort_unstable();
    let more = found.len().saturating_sub(MOST_QUIET);
    let now = app.db.now();
    let rows = found.into_iter().take(MOST_QUIET).filter_map(|(at, slot)| {
        let id = table.head(slot)?.id.to_string();
        Some(QuietRow {
            investor: LinkTo::new(&table.title(slot), &format!("/investors/{id}")),
            row: id,
            since: match at {
                None => Badge::new("Never", "bad"),
                Some(at) => {
                    let days = (now - at) / DAY;
                    let tone = if days >= 60 { "bad" } else { "warn" };
                    Badge::new(&format!("{days} days"), tone)
                }
            },
        })
    });
    Ok((rows.collect(), more))
}

/// Who is lost or in the graveyard may be left alone.
fn is_out(table: &Table, slot: u32) -> bool {
    [("@list", "graveyard"), ("@stage", "lost")]
        .into_iter()
        .any(|(id, out)| {
            let column = table.column(id);
            column.is_some_and(|c| c.json(c.code(slot)).as_str() == Some(out))
        })
}

fn moment(column: &TableColumn, slot: u32) -> Option<i64> {
    let code = column.code(slot);
    if code == 0 {
        return None;
    }
    let value = column.json(code);
    let at: jiff::Timestamp = value.as_str()?.parse().ok()?;
    Some(at.as_millisecond())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn on_a_sunday_tomorrow_has_a_group_of_its_own() {
        assert_eq!(soon(date(2026, 11, 28)), (date(2026, 11, 29), "This week"));
        assert_eq!(soon(date(2026, 11, 29)), (date(2026, 11, 30), "Tomorrow"));
        assert_eq!(soon(date(2026, 11, 30)), (date(2026, 12, 6), "This week"));
    }
}
