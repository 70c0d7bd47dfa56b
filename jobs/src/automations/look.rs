//! Looking for what fires: reads only, so that nobody waits. What is found is
//! taken in by [`super::take_in`], unless another look was quicker.

use std::collections::{BTreeSet, HashSet};

use jiff::{ToSpan, civil::Date, tz::TimeZone};
use serde_json::{Value as Json, json};
use sqlx::SqliteConnection;

use super::{
    Definition, Rule, Trigger, check,
    history::{Line, Matter},
    marks::{Cursor, Origin, Origins},
    remembered::table_of,
    store,
};
use crate::{
    db::Db,
    formula::Value,
    grid::{
        GridError,
        table::Table,
        view::{self, Compiled, View, Viewer, compile},
    },
    queue::schedules::next_slot,
};

/// Lines of the change log that one look reads.
const LINES: i64 = 5_000;

/// What a look has found.
#[derive(Debug)]
pub struct Plan {
    pub(super) seen: Cursor,
    pub(super) next: Cursor,
    pub(super) firings: Vec<Firing>,
    pub(super) rules: Vec<Mark>,
    /// There is more to look at right away.
    pub more: bool,
}

/// A rule, a row, a cause.
#[derive(Clone, Debug)]
pub(super) struct Firing {
    pub(super) rule: String,
    pub(super) row: String,
    pub(super) title: String,
    pub(super) cause: String,
    pub(super) set: Option<i64>,
    pub(super) facts: Json,
    pub(super) origin: Origin,
}

/// What a look learned of a rule, valid while the rule is as it was.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) rule: String,
    pub(super) name: String,
    pub(super) updated_at: i64,
    /// Its dates were looked at.
    pub(super) seen_day: Option<String>,
    pub(super) next_at: Option<i64>,
    /// Who came into its view and who left.
    pub(super) watch: Option<(Vec<String>, Vec<String>)>,
}

/// A rule ready to be asked.
pub(super) struct Ready<'t> {
    pub(super) rule: &'t Rule,
    pub(super) definition: Definition,
    conditions: Option<Compiled<'t>>,
}

impl<'t> Ready<'t> {
    /// None for a rule that does not fit the grid as it is: its page says why.
    pub(super) fn new(table: &'t Table, views: &[View], rule: &'t Rule) -> Option<Self> {
        let definition = check(table, views, &rule.definition).ok()?;
        let conditions = match &definition.conditions {
            Some(filter) => Some(compile(table, filter, Viewer::default()).ok()?),
            None => None,
        };
        Some(Self {
            rule,
            definition,
            conditions,
        })
    }

    /// Whether the row is there, in the views, and satisfies the conditions.
    pub(super) fn admits(&self, table: &Table, slot: u32) -> bool {
        table.head(slot).is_some_and(|h| h.live && !h.archived)
            && self.conditions.as_ref().is_none_or(|c| c.holds(slot))
    }

    fn firing(&self, table: &Table, slot: u32, cause: String, origin: Origin) -> Firing {
        let row = table.head(slot).map(|h| h.id.to_string());
        Firing {
            rule: self.rule.id.clone(),
            row: row.unwrap_or_default(),
            title: table.title(slot),
            cause,
            set: None,
            facts: Json::Null,
            origin,
        }
    }
}

/// Reads what happened since the last look that was taken in, up to now.
pub async fn plan(db: &Db) -> Result<Plan, GridError> {
    let shared = table_of(db);
    // The table first, the rules then: a rule that was switched on before a change
    // that the table has must be among them, or that change is lost to it.
    let table = shared.read().await?;
    let mut conn = db.read().acquire().await?;
    let seen = Cursor::read(&mut conn).await?;
    let rules: Vec<Rule> = store::list(&mut conn)
        .await?
        .into_iter()
        .filter(|rule| rule.enabled)
        .collect();
    let views = view::list(&mut conn, "").await?;
    let ready: Vec<Ready<'_>> = rules
        .iter()
        .filter_map(|rule| Ready::new(&table, &views, rule))
        .collect();
    let mut plan = Plan {
        seen,
        next: Cursor {
            change_set_id: table.version,
            change_id: i64::MAX,
            looks: seen.looks + 1,
        },
        firings: Vec::new(),
        rules: ready.iter().map(mark).collect(),
        more: false,
    };
    let matter = Matter::of(ready.iter().map(|r| &r.definition.trigger));
    // Before its beginning nothing is anything to a rule.
    let begin = ready.iter().map(|r| r.rule.from_version).min().unwrap_or(0);
    let after = if seen.change_set_id >= begin {
        (seen.change_set_id, seen.change_id)
    } else {
        (begin, i64::MAX)
    };
    let lines = matter.read(&mut conn, after, table.version, LINES).await?;
    if lines.len() >= usize::try_from(LINES).unwrap_or(usize::MAX)
        && let Some(last) = lines.last()
    {
        plan.more = true;
        plan.next.change_set_id = last.change_set_id;
        plan.next.change_id = last.id;
    }
    let sets: BTreeSet<i64> = lines.iter().map(|line| line.change_set_id).collect();
    let origins = Origins::load(&mut conn, sets.into_iter()).await?;
    for line in &lines {
        plan.firings.extend(of_line(&table, &ready, line, &origins));
    }
    if !plan.more {
        for (at, rule) in ready.iter().enumerate() {
            let mark = &mut plan.rules[at];
            match &rule.definition.trigger {
                Trigger::DateReached { .. } | Trigger::NoContact { .. } => {
                    plan.firings.extend(of_days(&table, rule));
                    mark.seen_day = Some(table.moment.today.to_string());
                }
                Trigger::Schedule { .. } => {
                    plan.firings.extend(of_slot(&table, rule, mark));
                }
                Trigger::EnteredView { view } | Trigger::LeftView { view } => {
                    let view = views.iter().find(|v| v.id == *view);
                    let watching = Watching {
                        table: &table,
                        rule,
                        seen,
                    };
                    plan.firings
                        .extend(watching.look(&mut conn, view, mark).await?);
                }
                _ => {}
            }
        }
    }
    Ok(plan)
}

fn mark(ready: &Ready<'_>) -> Mark {
    Mark {
        rule: ready.rule.id.clone(),
        name: ready.rule.name.clone(),
        updated_at: ready.rule.updated_at,
        seen_day: None,
        next_at: None,
        watch: None,
    }
}

/// What a line of the change log fires.
fn of_line<'a>(
    table: &'a Table,
    ready: &'a [Ready<'_>],
    line: &'a Line,
    origins: &'a Origins,
) -> impl Iterator<Item = Firing> + 'a {
    ready
        .iter()
        .filter(|rule| line.change_set_id > rule.rule.from_version)
        .filter_map(move |rule| {
            let facts = line.fires(&rule.definition.trigger)?;
            let slot = table
                .slot(&line.row_id)
                .filter(|s| rule.admits(table, *s))?;
            let set = line.change_set_id;
            let firing = rule.firing(table, slot, format!("c{set}"), origins.of(set));
            Some(Firing {
                set: Some(set),
                facts,
                ..firing
            })
        })
}

/// The day a row's date, or its last contact, falls due for a rule.
pub(super) fn due_day(table: &Table, slot: u32, trigger: &Trigger) -> Option<(Date, String, Json)> {
    match trigger {
        Trigger::DateReached {
            column,
            offset_days,
        } => {
            let found = table.column(column)?;
            let day = day_of(found.key(slot), &table.moment.zone)?;
            let due = day.checked_add(offset_days.days()).ok()?;
            let facts = json!({"what": "date", "column": column, "date": day.to_string(), "offset_days": offset_days});
            Some((due, format!("day:{day}{offset_days:+}"), facts))
        }
        Trigger::NoContact { days } => {
            let last = table.column("@last_contact")?.key(slot);
            let made = table.column("@created_at")?.key(slot);
            let zone = &table.moment.zone;
            let day = day_of(last, zone).or_else(|| day_of(made, zone))?;
            let due = day.checked_add(days.days()).ok()?;
            let facts = json!({"what": "no_contact", "since": day.to_string(), "days": days, "was_contacted": !matches!(last, Value::Blank)});
            Some((due, format!("quiet:{day}+{days}"), facts))
        }
        _ => None,
    }
}

fn day_of(value: &Value, zone: &TimeZone) -> Option<Date> {
    match value {
        Value::Date(day) => Some(*day),
        Value::DateTime(at) => Some(at.to_zoned(zone.clone()).date()),
        _ => None,
    }
}

fn of_days(table: &Table, rule: &Ready<'_>) -> Vec<Firing> {
    let today = table.moment.today;
    let seen: Date = rule.rule.seen_day.parse().unwrap_or(today);
    let due = |slot: &u32| {
        let (due, cause, facts) = due_day(table, *slot, &rule.definition.trigger)?;
        // The days since the last look: a worker may have slept for a week. The
        // last one again, for dates that were entered on it.
        let is_due = seen <= due && due <= today && rule.admits(table, *slot);
        is_due.then(|| {
            let origin = Origin {
                depth: 0,
                root: cause.clone(),
            };
            Firing {
                facts,
                ..rule.firing(table, *slot, cause, origin)
            }
        })
    };
    table.order().iter().filter_map(due).collect()
}

fn of_slot(table: &Table, rule: &Ready<'_>, mark: &mut Mark) -> Vec<Firing> {
    let Trigger::Schedule { cron, zone } = &rule.definition.trigger else {
        return Vec::new();
    };
    let now = table.moment.now.as_millisecond();
    let Some(slot) = rule.rule.next_at.filter(|slot| *slot <= now) else {
        return Vec::new();
    };
    let fund = table.moment.zone.iana_name().unwrap_or("UTC");
    // However many slots passed meanwhile, one stands for all of them.
    mark.next_at = next_slot(cron, zone.as_deref().unwrap_or(fund), now).ok();
    let cause = format!("slot:{slot}");
    let rows = table.order().iter().filter(|row| rule.admits(table, **row));
    rows.map(|row| {
        let origin = Origin {
            depth: 0,
            root: cause.clone(),
        };
        Firing {
            facts: json!({"what": "schedule", "slot": slot}),
            ..rule.firing(table, *row, cause.clone(), origin)
        }
    })
    .collect()
}

/// Rows that are in a view now.
pub(super) fn members<'t>(table: &'t Table, view: &View) -> Result<HashSet<&'t str>, GridError> {
    let filter = match &view.config.filter {
        Some(filter) => Some(compile(table, filter, Viewer::default())?),
        None => None,
    };
    let heads = table
        .order()
        .iter()
        .filter_map(|slot| Some((*slot, table.head(*slot)?)));
    Ok(heads
        .filter(|(slot, head)| !head.archived && filter.as_ref().is_none_or(|f| f.holds(*slot)))
        .map(|(_, head)| &*head.id)
        .collect())
}

struct Watching<'a, 't> {
    table: &'t Table,
    rule: &'a Ready<'t>,
    seen: Cursor,
}

impl Watching<'_, '_> {
    async fn look(
        &self,
        conn: &mut SqliteConnection,
        view: Option<&View>,
        mark: &mut Mark,
    ) -> Result<Vec<Firing>, GridError> {
        let Some(now) = view.and_then(|view| members(self.table, view).ok()) else {
            return Ok(Vec::new());
        };
        let known: HashSet<String> = sqlx::query_scalar::<_, String>(
            "select row_id from automation_watch where rule_id = ?1",
        )
        .bind(&self.rule.rule.id)
        .fetch_all(&mut *conn)
        .await?
        .into_iter()
        .collect();
        let mut entered: Vec<String> = now
            .iter()
            .filter(|row| !known.contains(**row))
            .map(|row| (*row).to_owned())
            .collect();
        let mut left: Vec<String> = known
            .into_iter()
            .filter(|row| !now.contains(row.as_str()))
            .collect();
        entered.sort_unstable();
        left.sort_unstable();
        let (told, what) = match &self.rule.definition.trigger {
            Trigger::LeftView { .. } => (&left, "left_view"),
            _ => (&entered, "entered_view"),
        };
        let firings = if self.rule.rule.is_watching {
            self.firings(conn, told, what, view).await?
        } else {
            // Who is in it as the rule begins came in before.
            Vec::new()
        };
        mark.watch = Some((entered, left));
        Ok(firings)
    }

    async fn firings(
        &self,
        conn: &mut SqliteConnection,
        rows: &[String],
        what: &str,
        view: Option<&View>,
    ) -> Result<Vec<Firing>, GridError> {
        let table = self.table;
        let slots: Vec<(u32, i64)> = rows
            .iter()
            .filter_map(|row| table.slot(row))
            .filter(|slot| self.rule.admits(table, *slot))
            .filter_map(|slot| Some((slot, table.head(slot)?.version)))
            .collect();
        let is_new = |version: &i64| *version > self.seen.change_set_id;
        let sets = slots.iter().map(|(_, version)| *version);
        let origins = Origins::load(conn, sets.filter(is_new)).await?;
        let cause = format!("view:{}", self.seen.looks + 1);
        let firing = |(slot, version): (u32, i64)| {
            let set = Some(version).filter(is_new);
            let origin = set.map_or_else(
                || Origin {
                    depth: 0,
                    root: cause.clone(),
                },
                |set| origins.of(set),
            );
            Firing {
                set,
                facts: json!({"what": what, "view": view.map(|v| &v.id), "name": view.map(|v| &v.name)}),
                ..self.rule.firing(table, slot, cause.clone(), origin)
            }
        };
        Ok(slots.into_iter().map(firing).collect())
    }
}
