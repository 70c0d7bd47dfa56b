//! What a rule would do, without doing it: for the rows as they are today, and
//! for the changes of the last days.

use std::collections::{BTreeSet, HashMap};

use jiff::{ToSpan, civil::Date};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::{Duration, Instant};

use super::{
    Definition, Rule, Trigger, check,
    history::Matter,
    look::{Ready, due_day, members},
};
use crate::{
    clock::DAY,
    db::Db,
    grid::{
        GridError,
        table::{AsOf, SharedTable, Table, as_of},
        view::{self, View},
    },
    queue::schedules::next_slot,
};

/// Days looked back unless told.
pub const DRY_DAYS: i64 = 90;
/// Rows and firings named at most.
const NAMED: usize = 100;
/// A dry run takes no longer.
const TIME: Duration = Duration::from_secs(20);
/// Lines of the change log read at a time.
const LINES: i64 = 5_000;
/// Firings counted at most.
const MOST: usize = 100_000;

/// What a rule would do.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Dry {
    /// Rows that it would go for today, if its trigger happened.
    pub today: usize,
    /// The first 100 of them.
    pub today_rows: Vec<DryRow>,
    /// Days looked back.
    pub days: i64,
    /// How often it would have fired in these days.
    pub fired: usize,
    /// The newest 100 of these firings.
    pub firings: Vec<DryRow>,
    /// How many different rows that were.
    pub rows: usize,
    /// The whole time was not looked at: there was not enough time.
    pub is_capped: bool,
    /// What is not as exact as it sounds.
    pub notes: Vec<String>,
}

/// A row that a rule goes for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DryRow {
    /// The row.
    pub row: String,
    /// Its name.
    pub title: String,
    /// When it would have fired, UTC milliseconds; null for today's rows.
    pub at: Option<i64>,
}

/// A rule that is not stored, as the engine takes rules.
fn unstored(definition: Definition, now: i64) -> Rule {
    Rule {
        id: "dry".to_owned(),
        name: String::new(),
        enabled: true,
        definition,
        position: 0,
        shipped: false,
        switched_off_at: None,
        switched_off_why: None,
        next_at: None,
        created_at: now,
        created_by: String::new(),
        updated_at: now,
        updated_by: String::new(),
        from_version: 0,
        seen_day: String::new(),
        is_watching: true,
    }
}

/// Tries a definition. Nothing is written.
pub async fn dry_run(
    db: &Db,
    shared: &SharedTable,
    definition: &Definition,
    days: i64,
) -> Result<Dry, GridError> {
    let days = days.clamp(1, 366);
    let started = Instant::now();
    let now = db.now();
    let mut conn = db.read().acquire().await?;
    let views = view::list(&mut conn, "").await?;
    let mut dry = Dry {
        days,
        ..Dry::default()
    };
    let past = Past {
        since: now - days * DAY,
        now,
        days,
        end: started + TIME,
    };
    let mut found: Vec<DryRow> = Vec::new();
    let rule;
    {
        // A copy: who edits meanwhile must not wait for this.
        let table = shared.read().await?.clone();
        rule = unstored(check(&table, &views, definition)?, now);
        let Some(ready) = Ready::new(&table, &views, &rule) else {
            return Ok(dry);
        };
        let today = todays(&table, &views, &ready)?;
        dry.today = today.len();
        dry.today_rows = today
            .iter()
            .take(NAMED)
            .map(|s| named(&table, *s, None))
            .collect();
        if definition.conditions.is_some() {
            dry.notes
                .push("Conditions are held against the rows as they are today.".to_owned());
        }
        match &rule.definition.trigger {
            Trigger::CellChanged { .. }
            | Trigger::RowCreated {}
            | Trigger::EnteredList { .. }
            | Trigger::LeftList { .. } => {
                past.changes(&mut conn, &table, &ready, &mut found, &mut dry)
                    .await?;
            }
            Trigger::DateReached { .. } => {
                dry.notes
                    .push("Dates are those that stand in the grid today.".to_owned());
                past.dates(&table, &ready, &mut found);
            }
            Trigger::NoContact { days } => {
                past.silences(&mut conn, &table, &ready, *days, &mut found)
                    .await?;
            }
            Trigger::Schedule { cron, zone } => {
                dry.notes
                    .push("Every slot is counted with today's rows.".to_owned());
                let home = table.moment.zone.iana_name().unwrap_or("UTC");
                past.slots(
                    &table,
                    &today,
                    cron,
                    zone.as_deref().unwrap_or(home),
                    &mut found,
                    &mut dry,
                );
            }
            Trigger::Manual {} => dry
                .notes
                .push("It fires only when somebody says so.".to_owned()),
            Trigger::EnteredView { .. } | Trigger::LeftView { .. } => {}
        }
    }
    if let Trigger::EnteredView { view: id } | Trigger::LeftView { view: id } =
        &rule.definition.trigger
        && let Some(view) = views.iter().find(|v| v.id == *id)
    {
        drop(conn);
        let walk = Walk {
            db,
            shared,
            rule: &rule,
            views: &views,
            view,
        };
        past.views(&walk, &mut found, &mut dry).await?;
    }
    found.sort_by_key(|f| std::cmp::Reverse(f.at));
    dry.fired = found.len();
    dry.rows = found
        .iter()
        .map(|f| f.row.as_str())
        .collect::<BTreeSet<_>>()
        .len();
    found.truncate(NAMED);
    dry.firings = found;
    Ok(dry)
}

fn named(table: &Table, slot: u32, at: Option<i64>) -> DryRow {
    DryRow {
        row: table
            .head(slot)
            .map(|h| h.id.to_string())
            .unwrap_or_default(),
        title: table.title(slot),
        at,
    }
}

/// Rows that the rule would go for now, if its trigger happened.
fn todays(table: &Table, views: &[View], ready: &Ready<'_>) -> Result<Vec<u32>, GridError> {
    let today = table.moment.today;
    let trigger = &ready.definition.trigger;
    let in_view = match trigger {
        Trigger::EnteredView { view } | Trigger::LeftView { view } => {
            let found = views.iter().find(|v| v.id == *view);
            found.map(|view| members(table, view)).transpose()?
        }
        _ => None,
    };
    let on_list = |slot: u32, list: &str| {
        let column = table.column("@list");
        column.is_some_and(|c| c.json(c.code(slot)) == *list)
    };
    let is_meant = |slot: u32| match trigger {
        Trigger::EnteredView { .. } | Trigger::LeftView { .. } => in_view
            .as_ref()
            .is_some_and(|rows| table.head(slot).is_some_and(|h| rows.contains(&*h.id))),
        Trigger::EnteredList { list } | Trigger::LeftList { list } => on_list(slot, list),
        Trigger::DateReached { .. } => {
            due_day(table, slot, trigger).is_some_and(|(due, ..)| due == today)
        }
        Trigger::NoContact { .. } => {
            due_day(table, slot, trigger).is_some_and(|(due, ..)| due <= today)
        }
        Trigger::CellChanged {
            column,
            to: Some(to),
            ..
        } => table
            .column(column)
            .is_some_and(|c| c.json(c.code(slot)) == *to),
        _ => true,
    };
    let rows = table.order().iter().copied();
    Ok(rows
        .filter(|slot| ready.admits(table, *slot) && is_meant(*slot))
        .collect())
}

/// The time looked back over.
struct Past {
    since: i64,
    now: i64,
    days: i64,
    end: Instant,
}

struct Walk<'a> {
    db: &'a Db,
    shared: &'a SharedTable,
    rule: &'a Rule,
    views: &'a [View],
    view: &'a View,
}

impl Past {
    fn is_over(&self, found: &[DryRow]) -> bool {
        Instant::now() >= self.end || found.len() >= MOST
    }

    /// The change log, line by line.
    async fn changes(
        &self,
        conn: &mut sqlx::SqliteConnection,
        table: &Table,
        ready: &Ready<'_>,
        found: &mut Vec<DryRow>,
        dry: &mut Dry,
    ) -> Result<(), GridError> {
        let first: Option<i64> = sqlx::query_scalar(
            "select id from change_sets where at < ?1 order by at desc, id desc limit 1",
        )
        .bind(self.since)
        .fetch_optional(&mut *conn)
        .await?;
        let trigger = &ready.definition.trigger;
        let matter = Matter::of(std::iter::once(trigger));
        let mut after = (first.unwrap_or(0), i64::MAX);
        let mut seen: BTreeSet<(i64, String)> = BTreeSet::new();
        loop {
            let lines = matter.read(conn, after, table.version, LINES).await?;
            let Some(last) = lines.last() else {
                return Ok(());
            };
            after = (last.change_set_id, last.id);
            let is_end = lines.len() < usize::try_from(LINES).unwrap_or(usize::MAX);
            for line in lines {
                let slot = table.slot(&line.row_id).filter(|s| ready.admits(table, *s));
                if let (Some(slot), Some(_)) = (slot, line.fires(trigger))
                    && line.at >= self.since
                    && seen.insert((line.change_set_id, line.row_id.clone()))
                {
                    found.push(named(table, slot, Some(line.at)));
                }
            }
            if is_end {
                return Ok(());
            }
            if self.is_over(found) {
                dry.is_capped = true;
                return Ok(());
            }
        }
    }

    fn dates(&self, table: &Table, ready: &Ready<'_>, found: &mut Vec<DryRow>) {
        let today = table.moment.today;
        let Ok(first) = today.checked_add((-self.days).days()) else {
            return;
        };
        for slot in table.order() {
            if let Some((due, ..)) = due_day(table, *slot, &ready.definition.trigger)
                && first < due
                && due <= today
                && ready.admits(table, *slot)
            {
                found.push(named(table, *slot, Some(self.start_of(table, due))));
            }
        }
    }

    fn start_of(&self, table: &Table, day: Date) -> i64 {
        day.to_zoned(table.moment.zone.clone())
            .map_or(self.now, |start| start.timestamp().as_millisecond())
    }

    /// Every silence that reached its length in the time, told by the contacts
    /// that are noted.
    async fn silences(
        &self,
        conn: &mut sqlx::SqliteConnection,
        table: &Table,
        ready: &Ready<'_>,
        days: i64,
        found: &mut Vec<DryRow>,
    ) -> Result<(), GridError> {
        let talks: Vec<(String, i64)> = sqlx::query_as(
            "select row_id, at from interactions where deleted_at is null order by row_id, at",
        )
        .fetch_all(conn)
        .await?;
        let mut by_row: HashMap<String, Vec<i64>> = HashMap::new();
        for (row, at) in talks {
            by_row.entry(row).or_default().push(at);
        }
        for slot in table.order().iter().filter(|s| ready.admits(table, **s)) {
            let Some(head) = table.head(*slot) else {
                continue;
            };
            let made = table.column("@created_at").map(|c| c.key(*slot));
            let made = match made {
                Some(crate::formula::Value::DateTime(at)) => at.as_millisecond(),
                _ => continue,
            };
            let mut moments = vec![made];
            moments.extend(by_row.remove(&*head.id).unwrap_or_default());
            moments.sort_unstable();
            for (at, moment) in moments.iter().enumerate() {
                let due = moment + days * DAY;
                let broken = moments.get(at + 1).is_some_and(|next| *next < due);
                if !broken && due >= self.since && due <= self.now {
                    found.push(named(table, *slot, Some(due)));
                }
            }
        }
        Ok(())
    }

    fn slots(
        &self,
        table: &Table,
        today: &[u32],
        cron: &str,
        zone: &str,
        found: &mut Vec<DryRow>,
        dry: &mut Dry,
    ) {
        let mut at = self.since;
        while let Ok(slot) = next_slot(cron, zone, at) {
            if slot > self.now {
                return;
            }
            found.extend(today.iter().map(|row| named(table, *row, Some(slot))));
            if self.is_over(found) {
                dry.is_capped = true;
                return;
            }
            at = slot;
        }
    }

    /// Who was in the view, day by day: what came and went within one day is not
    /// seen.
    async fn views(
        &self,
        walk: &Walk<'_>,
        found: &mut Vec<DryRow>,
        dry: &mut Dry,
    ) -> Result<(), GridError> {
        dry.notes.push(
            "Views are looked at once for each day back: what came and went between is not counted. Tasks and contacts of the past are not known, so conditions on them do not hold there.".to_owned(),
        );
        let is_left = matches!(walk.rule.definition.trigger, Trigger::LeftView { .. });
        // From today backwards, so that what there is no time for is the oldest.
        let mut later: Option<BTreeSet<String>> = None;
        for back in 0..=self.days {
            let at = self.now - back * DAY;
            let here: BTreeSet<String> = if back == 0 {
                let table = walk.shared.read().await?;
                members(&table, walk.view)?
                    .into_iter()
                    .map(str::to_owned)
                    .collect()
            } else {
                let past = as_of(walk.db, walk.shared, AsOf::Time(at)).await?;
                members(&past, walk.view)
                    .map(|rows| rows.into_iter().map(str::to_owned).collect())
                    .unwrap_or_default()
            };
            if let Some(later) = &later {
                let (from, to) = if is_left {
                    (&here, later)
                } else {
                    (later, &here)
                };
                let table = walk.shared.last().await?;
                let ready = Ready::new(&table, walk.views, walk.rule);
                for row in from.difference(to) {
                    if let (Some(slot), Some(ready)) = (table.slot(row), &ready)
                        && ready.admits(&table, slot)
                    {
                        found.push(named(&table, slot, Some(at + DAY)));
                    }
                }
            }
            later = Some(here);
            if self.is_over(found) {
                dry.is_capped = back < self.days;
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Rows that a rule would go for if it were started by hand, with their names.
pub fn matching(
    table: &Table,
    views: &[View],
    definition: &Definition,
) -> Result<Vec<(String, String)>, GridError> {
    let rule = unstored(check(table, views, definition)?, 0);
    let Some(ready) = Ready::new(table, views, &rule) else {
        return Ok(Vec::new());
    };
    let rows = table
        .order()
        .iter()
        .filter(|slot| ready.admits(table, **slot));
    Ok(rows
        .map(|slot| {
            let row = named(table, *slot, None);
            (row.row, row.title)
        })
        .collect())
}
