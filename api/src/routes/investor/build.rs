//! Building an investor's page.

use std::collections::BTreeMap;

use crm_jobs::{
    automations as rules,
    clock::DAY,
    files,
    funds::STAGES,
    grid::{
        self, Column, ColumnType, LISTS, Row,
        table::{AGEING_DAYS, STALE_DAYS, TableColumn, is_derived},
    },
    notes,
    raise::{self, Opportunity},
    timeline::{self, Cursor, Event, Kind, Wanted, What},
    work::{self, Contacts},
};
use jiff::civil::Date;

use super::{
    page::{CommitmentRow, ContactCard, Fact, FilterLink, InvestorPage, Lost},
    timeline::{Drawing, label},
};
use crate::{
    error::AppError,
    frame::frame,
    routes::{
        automations, email,
        files::item as file_item,
        grid::{
            fields, list,
            page::{Cell, Conflict, Field, Value},
            values::{Names, list_label, list_pill},
        },
        page::{Badge, Choice, LinkTo},
        reminders::item::{Known, assignees, repeats},
    },
    session::SignedIn,
    show,
    state::App,
};

/// Events on one page of the timeline.
const PER_PAGE: usize = 15;
/// Emails shown before one asks for all.
const LATEST_EMAILS: i64 = 5;

/// What a form that came back adds to the page.
#[derive(Default)]
pub struct Returned {
    /// Column → what was posted, what the field held before, what is wrong.
    pub posted: BTreeMap<String, (Vec<String>, String, Option<String>)>,
    /// The version the form was based on.
    pub version: Option<i64>,
    /// Changes that met newer ones.
    pub conflicts: Vec<Conflict>,
    /// Why a file was not attached.
    pub file_error: Option<String>,
}

/// Which part of the timeline.
pub struct Shown {
    /// Kinds of events.
    pub kinds: Vec<Kind>,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            kinds: Kind::ALL.to_vec(),
            cursor: None,
        }
    }
}

/// The page of a row, with this part of its timeline.
pub async fn build(
    app: &App,
    who: &SignedIn,
    row: &Row,
    shown: Shown,
    returned: Returned,
) -> Result<InvestorPage, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let columns = grid::columns(&mut conn).await?;
    let all_columns = grid::all_columns(&mut conn).await?;
    let today = work::today(&mut conn, app.db.now()).await?;
    let wanted = Wanted {
        kinds: &shown.kinds,
        after: shown.cursor.as_ref(),
        limit: PER_PAGE,
        today,
    };
    let page = timeline::page(&mut conn, &row.id, &wanted).await?;
    let tasks = work::open_of_row(&mut conn, &row.id, today).await?;
    let contacted = work::contacts_of_row(&mut conn, &row.id).await?;
    let mail = crm_jobs::email::facts_of_row(&mut conn, &row.id, app.db.now()).await?;
    let latest = crm_jobs::email::Filter {
        row: Some(&row.id),
        ..crm_jobs::email::Filter::default()
    };
    let latest = crm_jobs::email::list(&mut conn, &latest, LATEST_EMAILS).await?;
    let attached = files::of_row(&mut conn, &row.id).await?;
    let pinned = notes::pinned(&mut conn, &row.id).await?;
    let pursuit = raise::newest(&mut conn, &row.id).await?;
    drop(conn);
    let known = Known::load(app, std::iter::empty()).await?;
    let names = &known.names;
    let title = list::title(row, columns.iter().find(|c| !c.hidden), names);
    let mut frame = frame(app, who, &title).await;
    frame.path = path(&row.id);
    let drawing = Drawing {
        names,
        columns: &all_columns,
        who,
    };
    let (mut facts, staleness) = facts(app, row, names, &contacted, today).await?;
    facts.extend(written(&mail));
    facts.extend(in_stage(app.db.now(), pursuit.as_ref()));
    let has_errors = returned
        .posted
        .values()
        .any(|(_, _, error)| error.is_some());
    Ok(InvestorPage {
        frame,
        id: row.id.clone(),
        title,
        version: returned.version.unwrap_or(row.version),
        list: list_pill(&row.list),
        list_story: list_story(row, names),
        list_links: list_links(app, row).await?,
        drafts: automations::drafts_of(app, &row.id).await?,
        emails: latest
            .iter()
            .map(|line| email::item(line, app.db.now()))
            .collect(),
        lists: LISTS
            .into_iter()
            .filter(|list| *list != row.list)
            .map(|list| Choice::new(list, list_label(list), false))
            .collect(),
        archived: archived(row, names),
        has_errors,
        fields: columns
            .iter()
            .filter(|column| column.kind != ColumnType::Formula)
            .map(|column| field(row, column, names, &returned))
            .collect(),
        derived: derived(app, row, names).await?,
        contacts: contacts(row, &columns),
        commitments: commitments(row, &columns, names),
        lost: pursuit.as_ref().and_then(lost),
        facts,
        staleness,
        tasks: tasks
            .iter()
            .map(|task| known.item(task, Some(&row.id)))
            .collect(),
        pinned: pinned
            .into_iter()
            .map(|note| drawing.entry(&pinned_event(note)))
            .collect(),
        timeline: page
            .events
            .iter()
            .map(|event| drawing.entry(event))
            .collect(),
        filters: filters(&row.id, &shown.kinds),
        is_narrowed: shown.cursor.is_some() || shown.kinds.len() < Kind::ALL.len(),
        older: page
            .next_cursor
            .map(|cursor| older(&row.id, &shown.kinds, &cursor)),
        files: attached.iter().map(|file| file_item(file, names)).collect(),
        files_allowed: files::ALLOWED,
        file_error: returned.file_error,
        contact_kinds: super::touch::kinds(),
        assignees: assignees(names, who, "me"),
        repeats: repeats(""),
        today: today.to_string(),
        conflicts: returned.conflicts,
    })
}

fn pinned_event(note: notes::Note) -> Event {
    Event {
        kind: Kind::Notes,
        id: note.id.clone(),
        at: note.created_at,
        by: note.created_by.clone(),
        what: What::Note { note },
    }
}

fn shown_words(kinds: &[Kind]) -> String {
    let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
    words.join(",")
}

fn older(id: &str, kinds: &[Kind], cursor: &str) -> String {
    let show = if kinds.len() == Kind::ALL.len() {
        String::new()
    } else {
        format!("show={}&", shown_words(kinds))
    };
    format!("{}?{show}cursor={cursor}#timeline", path(id))
}

/// Everything, or one kind; a kind that is shown adds no other.
fn filters(id: &str, shown: &[Kind]) -> Vec<FilterLink> {
    let is_all = shown.len() == Kind::ALL.len();
    let all = FilterLink {
        label: "Everything",
        href: format!("{}#timeline", path(id)),
        current: is_all,
    };
    let each = Kind::ALL.into_iter().map(|kind| FilterLink {
        label: label(kind),
        href: format!("{}?show={}#timeline", path(id), kind.word()),
        current: !is_all && shown.contains(&kind),
    });
    std::iter::once(all).chain(each).collect()
}

/// Who looks after it, where it stands and when we were in touch; and how fresh
/// that is.
async fn facts(
    app: &App,
    row: &Row,
    names: &Names,
    contacted: &Contacts,
    today: Date,
) -> Result<(Vec<Fact>, Option<Badge>), AppError> {
    let table = app.grid.read().await?;
    let text = |id: &str| {
        let value = table.slot(&row.id).and_then(|slot| {
            let column = table.column(id)?;
            let code = column.code(slot);
            (code != 0).then(|| names.text(&column.column, &column.json(code)))
        });
        value.unwrap_or_default()
    };
    let day = |at: Option<i64>| at.map(|at| show::day(&names.zone, at)).unwrap_or_default();
    let last = contacted.last_at.map(|at| work::day_of(&names.zone, at));
    let silent = last
        .and_then(|last| last.until(today).ok())
        .map(|span| span.get_days());
    let next: Option<Date> = contacted
        .next_on
        .as_deref()
        .and_then(|day| day.parse().ok());
    let due = next.map(|next| crate::routes::reminders::item::due(next, today));
    let plain = |label, text| Fact {
        label,
        text,
        ..Fact::default()
    };
    let facts = vec![
        plain("Owner", text("@owner")),
        plain("Stage", text("@stage")),
        plain("Committed", text("@committed")),
        plain("First contact", day(contacted.first_at)),
        Fact {
            title: day(contacted.last_at),
            ..plain(
                "Last contact",
                match silent {
                    None => String::new(),
                    Some(..=0) => "Today".to_owned(),
                    Some(1) => "Yesterday".to_owned(),
                    Some(days) => format!("{days} days ago"),
                },
            )
        },
        Fact {
            label: "Next",
            text: due.as_ref().map(|due| due.text.clone()).unwrap_or_default(),
            title: contacted.next.clone().unwrap_or_default(),
            tone: due.map_or("", |due| due.tone),
        },
    ];
    let staleness = match silent {
        None => Some(Badge::new("Never contacted", "warn")),
        Some(days) if days >= STALE_DAYS => {
            Some(Badge::new(&format!("No contact in {days} days"), "bad"))
        }
        Some(days) if days >= AGEING_DAYS => {
            Some(Badge::new(&format!("No contact in {days} days"), "warn"))
        }
        Some(_) => None,
    };
    Ok((facts, staleness))
}

/// How much was written lately, and by whom of us.
fn written(mail: &crm_jobs::email::Facts) -> Option<Fact> {
    mail.counted.last_at?;
    let team: Vec<&str> = mail.team.iter().map(|one| one.address.as_str()).collect();
    Some(Fact {
        label: "Emails, 90 days",
        text: format!(
            "{} received, {} sent",
            mail.counted.received, mail.counted.sent
        ),
        title: team.join(", "),
        ..Fact::default()
    })
}

/// How long it has stood where it stands.
fn in_stage(now: i64, pursuit: Option<&Opportunity>) -> Option<Fact> {
    let live = pursuit.filter(|p| p.closed_at.is_none())?;
    Some(Fact {
        label: "In this stage for",
        text: show::count((now - live.stage_since_at) / DAY, "day", "days"),
        ..Fact::default()
    })
}

/// The pursuit that was lost, to say why.
fn lost(pursuit: &Opportunity) -> Option<Lost> {
    (pursuit.outcome.as_deref() == Some("lost")).then(|| Lost {
        id: pursuit.id.clone(),
        reason: pursuit.exit_reason.clone(),
    })
}

/// Address of a record.
pub fn path(id: &str) -> String {
    format!("/investors/{id}")
}

fn field(row: &Row, column: &Column, names: &Names, returned: &Returned) -> Field {
    if let Some((posted, was, error)) = returned.posted.get(&column.id) {
        let mut field = fields::field(names, column, posted);
        field.was.clone_from(was);
        field.error.clone_from(error);
        return field;
    }
    let posted = fields::as_posted(names, column, row.cells.get(&column.id));
    fields::field(names, column, &posted)
}

fn list_story(row: &Row, names: &Names) -> String {
    let since = show::day(&names.zone, row.list_since_at);
    let by = show::actor(&row.list_by, &names.users);
    if row.list_reason.is_empty() {
        format!("since {since}, by {by}")
    } else {
        format!("since {since}, by {by}: “{}”", row.list_reason)
    }
}

/// Where more stands about why it is on its list.
async fn list_links(app: &App, row: &Row) -> Result<Vec<LinkTo>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let why = rules::why_of_row(&mut conn, &row.id).await?;
    drop(conn);
    let mut links = vec![LinkTo::new(
        "Who else is on it",
        &format!("/lists/{}", row.list),
    )];
    if let Some(why) = why {
        if let Some(run) = why.run_id {
            links.insert(
                0,
                LinkTo::new("The run", &format!("/automations/runs/{run}")),
            );
        }
        if why.change_set_id.is_some() {
            let href = format!("/investors/{}?show=lists#timeline", row.id);
            links.insert(0, LinkTo::new("The change", &href));
        }
    }
    Ok(links)
}

fn archived(row: &Row, names: &Names) -> Option<String> {
    let at = row.archived_at?;
    let reason = row.archive_reason.as_deref().unwrap_or_default();
    Some(format!(
        "Archived on {}: “{reason}”",
        show::day(&names.zone, at)
    ))
}

/// What follows from the row: formulas, derived columns that say something, and
/// who made and changed it.
async fn derived(app: &App, row: &Row, names: &Names) -> Result<Vec<Cell>, AppError> {
    let table = app.grid.read().await?;
    let mut cells: Vec<Cell> = Vec::new();
    let told = [
        "@list",
        "@owner",
        "@stage",
        "@committed",
        "@created_at",
        "@created_by",
        "@modified_at",
        "@modified_by",
    ];
    let follows = |c: &&TableColumn| {
        let id = c.column.id.as_str();
        (is_derived(id) || c.column.kind == ColumnType::Formula) && !told.contains(&id)
    };
    if let Some(slot) = table.slot(&row.id) {
        for column in table
            .columns()
            .iter()
            .filter(follows)
            .filter(|c| c.code(slot) != 0)
        {
            let reads = Column {
                kind: column.kind,
                ..column.column.clone()
            };
            cells.push(Cell {
                label: column.column.name.clone(),
                numeric: false,
                value: names.value(&reads, Some(&column.json(column.code(slot)))),
                ..Cell::default()
            });
        }
    }
    cells.extend(made_and_changed(row, names));
    Ok(cells)
}

fn made_and_changed(row: &Row, names: &Names) -> Vec<Cell> {
    let line = |label: &str, at: i64, by: &str| Cell {
        label: label.to_owned(),
        value: Value::Text(format!(
            "{} by {}",
            show::moment(&names.zone, at).text,
            show::actor(by, &names.users)
        )),
        ..Cell::default()
    };
    vec![
        line("Created", row.created_at, &row.created_by),
        line("Changed", row.updated_at, &row.updated_by),
    ]
}

fn contacts(row: &Row, columns: &[Column]) -> Vec<ContactCard> {
    let people = columns
        .iter()
        .filter(|c| c.kind == ColumnType::Contacts)
        .filter_map(|c| row.cells.get(&c.id)?.as_array())
        .flatten()
        .map(fields::pill);
    let mut seen = std::collections::HashSet::new();
    people
        .filter(|p| p.id.is_none() || seen.insert(p.id.clone()))
        .map(|person| ContactCard {
            href: person
                .id
                .map_or_else(String::new, |id| format!("/contacts/{id}")),
            initials: show::initials(&person.name),
            name: person.name,
            role: person.role.unwrap_or_default(),
            emails: person.email.into_iter().collect(),
            phone: person.phone.unwrap_or_default(),
        })
        .collect()
}

fn commitments(row: &Row, columns: &[Column], names: &Names) -> Vec<CommitmentRow> {
    columns
        .iter()
        .filter_map(|column| {
            let commitment = column.options.commitment.as_ref()?;
            let value = row.cells.get(&column.id)?;
            Some(CommitmentRow {
                fund: names.fund(&commitment.fund),
                href: format!("/funds/{}?row={}#record", commitment.fund, row.id),
                stage: stage(&commitment.stage),
                amount: names.text(column, value),
            })
        })
        .collect()
}

fn stage(stage: &str) -> Badge {
    let tone = match STAGES.iter().position(|known| *known == stage) {
        Some(0) | None => "muted",
        Some(1 | 2) => "info",
        Some(3 | 4) => "ok",
        Some(_) => "bad",
    };
    let mut letters = stage.chars();
    let head = letters.next().map(|c| c.to_ascii_uppercase());
    Badge::new(&head.into_iter().chain(letters).collect::<String>(), tone)
}
