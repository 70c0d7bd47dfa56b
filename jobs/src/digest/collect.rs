//! Reading what happened in a window.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{Timestamp, tz::TimeZone};
use sqlx::{FromRow, SqliteConnection};

use super::{Facts, InvestorMail, Mail, PersonMail, Section, facts::Line, policy};
use crate::{
    audit, backup,
    clock::DAY,
    db::{Db, DbError},
    settings,
};

/// Messages in one digest at most.
const MOST_MAIL: i64 = 2_000;
/// Lines of one section at most.
const MOST_LINES: usize = 40;
/// Mail captured late is told if it is not older than this.
const LATE: i64 = 2 * DAY;

/// Everything a digest over `from..to` tells.
pub async fn collect(db: &Db, from: i64, to: i64) -> Result<Facts, DbError> {
    let zone_name = match policy(db).await?.zone {
        Some(zone) => zone,
        None => settings::fund_zone(db).await?,
    };
    let zone = TimeZone::get(&zone_name).unwrap_or(TimeZone::UTC);
    let backups = backup::health(db).await?;
    let head = audit::head(db).await?;
    let mut conn = db.read().acquire().await?;
    let mut facts = Facts {
        from,
        to,
        day: at(&zone, to, "%A %-d %B %Y"),
        since: at(&zone, from, "%A %-d %B, %H:%M"),
        zone: zone_name,
        ..Facts::default()
    };
    mail(&mut conn, &mut facts, &zone).await?;
    let window = Window { from, to };
    let today = at(&zone, to, "%Y-%m-%d");
    let mut sections = vec![
        window.notices(&mut conn).await?,
        window.moves(&mut conn).await?,
        window.commitments(&mut conn).await?,
        window.new_rows(&mut conn).await?,
        tasks(&mut conn, &today).await?,
        waiting(&mut conn).await?,
        window.runs(&mut conn).await?,
        window.failed_jobs(&mut conn).await?,
    ];
    sections.retain(|section| !section.lines.is_empty());
    facts.quiet = facts.team.is_empty()
        && sections
            .iter()
            .all(|s| s.key == "waiting" || s.key == "automations")
        && backups.alarms.is_empty();
    sections.push(backup_section(&backups, &head, &zone));
    facts.sections = sections;
    Ok(facts)
}

struct Window {
    from: i64,
    to: i64,
}

fn at(zone: &TimeZone, ms: i64, format: &str) -> String {
    Timestamp::from_millisecond(ms)
        .map(|t| t.to_zoned(zone.clone()).strftime(format).to_string())
        .unwrap_or_default()
}

fn line(text: String, path: String) -> Line {
    Line {
        text,
        path,
        alarm: false,
    }
}

fn section(key: &str, title: &str, mut lines: Vec<Line>) -> Section {
    let more = lines.len().saturating_sub(MOST_LINES);
    if more > 0 {
        lines.truncate(MOST_LINES);
        lines.push(line(format!("and {more} more"), String::new()));
    }
    Section {
        key: key.to_owned(),
        title: title.to_owned(),
        lines,
    }
}

#[derive(FromRow)]
struct MailRow {
    id: String,
    thread_id: String,
    direction: String,
    subject: String,
    from_name: String,
    from_address: String,
    sent_at: i64,
    row_id: String,
    investor: String,
}

async fn mail(
    conn: &mut SqliteConnection,
    facts: &mut Facts,
    zone: &TimeZone,
) -> Result<(), DbError> {
    let mut rows: Vec<MailRow> = sqlx::query_as(
        "select e.id, e.thread_id, e.direction, e.subject, e.from_name, e.from_address, e.sent_at, l.row_id,
                coalesce(f.name, 'an investor') as investor
         from emails e
         join email_links l on l.email_id = e.id and l.deleted_at is null
         join grid_rows r on r.id = l.row_id and r.deleted_at is null
         left join fundraising_investors f on f.id = l.row_id
         where e.is_matched = 1 and e.deleted_at is null and e.sent_at >= ?1 and e.created_at >= ?2 and e.created_at < ?3
         order by e.sent_at, e.id limit ?4",
    )
    .bind(facts.from - LATE)
    .bind(facts.from)
    .bind(facts.to)
    .bind(MOST_MAIL + 1)
    .fetch_all(&mut *conn)
    .await?;
    let most = usize::try_from(MOST_MAIL).unwrap_or(usize::MAX);
    if rows.len() > most {
        facts.left_out = 1;
        rows.truncate(most);
    }
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let ids = serde_json::json!(ids).to_string();
    let to = recipients(conn, &ids).await?;
    let mut whose: HashMap<String, Vec<(String, String)>> = HashMap::new();
    let seen: Vec<(String, String, String)> = sqlx::query_as(
        "select distinct s.email_id, u.id, u.name from email_sightings s
         join mailboxes m on m.id = s.mailbox_id and m.deleted_at is null
         join users u on u.id = m.user_id
         where s.email_id in (select value from json_each(?1)) and s.deleted_at is null order by u.name, u.id",
    )
    .bind(&ids)
    .fetch_all(&mut *conn)
    .await?;
    for (email, user, name) in seen {
        whose.entry(email).or_default().push((user, name));
    }
    let mut team: BTreeMap<(String, String), InvestorMail> = BTreeMap::new();
    let mut people: BTreeMap<(String, String), BTreeMap<(String, String), InvestorMail>> =
        BTreeMap::new();
    for row in rows {
        let key = (row.investor.to_lowercase(), row.row_id.clone());
        let from = if row.from_name.is_empty() {
            row.from_address
        } else {
            row.from_name
        };
        let mail = Mail {
            when: at(zone, row.sent_at, "%a %-d %b, %H:%M"),
            to: to.get(&row.id).cloned().unwrap_or_default(),
            from,
            thread_id: row.thread_id,
            direction: row.direction,
            subject: row.subject,
            sent_at: row.sent_at,
            id: row.id,
        };
        let empty = InvestorMail {
            row_id: row.row_id,
            name: row.investor,
            emails: Vec::new(),
        };
        for (user, name) in whose.get(&mail.id).into_iter().flatten() {
            people
                .entry((name.clone(), user.clone()))
                .or_default()
                .entry(key.clone())
                .or_insert_with(|| empty.clone())
                .emails
                .push(mail.clone());
        }
        team.entry(key).or_insert(empty).emails.push(mail);
    }
    facts.team = team.into_values().collect();
    facts.people = people
        .into_iter()
        .map(|((name, user_id), investors)| PersonMail {
            user_id,
            name,
            investors: investors.into_values().collect(),
        })
        .collect();
    Ok(())
}

/// Names of those a message went to: three, and how many more.
async fn recipients(
    conn: &mut SqliteConnection,
    ids: &str,
) -> Result<HashMap<String, String>, DbError> {
    let all: Vec<(String, String)> = sqlx::query_as(
        "select email_id, iif(name = '', address, name) from email_people
         where role in ('to', 'cc') and email_id in (select value from json_each(?1)) order by email_id, role desc, address",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    for (email, name) in all {
        found.entry(email).or_default().push(name);
    }
    Ok(found
        .into_iter()
        .map(|(email, names)| {
            let shown = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
            let more = names.len().saturating_sub(3);
            let text = if more > 0 {
                format!("{shown} and {more} more")
            } else {
                shown
            };
            (email, text)
        })
        .collect())
}

impl Window {
    async fn notices(&self, conn: &mut SqliteConnection) -> Result<Section, DbError> {
        let all: Vec<(String, Option<String>)> = sqlx::query_as(
            "select text, row_id from digest_notices where told_at is null and deleted_at is null and at < ?1 order by at, id limit 200",
        )
        .bind(self.to)
        .fetch_all(conn)
        .await?;
        let lines = all
            .into_iter()
            .map(|(text, row)| line(text, row.as_deref().map(investor).unwrap_or_default()))
            .collect();
        Ok(section("notices", "From your automations", lines))
    }

    async fn moves(&self, conn: &mut SqliteConnection) -> Result<Section, DbError> {
        let stages: Vec<(String, String, String, String)> = sqlx::query_as(
            "select e.row_id, coalesce(f.name, 'an investor'),
                    coalesce((select j.value ->> 'name' from grid_columns k, json_each(k.options, '$.choices') j where j.value ->> 'id' = e.from_choice limit 1), e.from_stage, 'no stage'),
                    coalesce((select j.value ->> 'name' from grid_columns k, json_each(k.options, '$.choices') j where j.value ->> 'id' = e.to_choice limit 1), e.to_stage, 'no stage')
             from stage_events e join grid_rows r on r.id = e.row_id and r.deleted_at is null
             left join fundraising_investors f on f.id = e.row_id
             where e.at >= ?1 and e.at < ?2 order by e.at, e.id limit 200",
        )
        .bind(self.from)
        .bind(self.to)
        .fetch_all(&mut *conn)
        .await?;
        let lists: Vec<(String, String, String, String)> = sqlx::query_as(
            "select c.row_id, coalesce(f.name, 'an investor'), coalesce(c.before ->> '$.list', ''), coalesce(c.after ->> '$.list', '')
             from change_sets s join grid_changes c on c.change_set_id = s.id and c.what = 'list'
             join grid_rows r on r.id = c.row_id and r.deleted_at is null
             left join fundraising_investors f on f.id = c.row_id
             where s.at >= ?1 and s.at < ?2 order by s.at, s.id, c.id limit 200",
        )
        .bind(self.from)
        .bind(self.to)
        .fetch_all(conn)
        .await?;
        let lists = lists.into_iter().map(|(row, name, from, to)| {
            line(
                format!("{name}: list {} → {}", list(&from), list(&to)),
                investor(&row),
            )
        });
        let stages = stages.into_iter().map(|(row, name, from, to)| {
            line(format!("{name}: stage {from} → {to}"), investor(&row))
        });
        Ok(section("moves", "Moves", stages.chain(lists).collect()))
    }

    async fn commitments(&self, conn: &mut SqliteConnection) -> Result<Section, DbError> {
        #[derive(FromRow)]
        struct Event {
            row_id: String,
            name: String,
            fund: String,
            stage: String,
            before: Option<String>,
            after: Option<String>,
            currency: String,
        }
        let all: Vec<Event> = sqlx::query_as(
            "select e.row_id, coalesce(f.name, 'an investor') as name, coalesce(u.name, 'a fund') as fund, e.stage, e.before, e.after, e.currency
             from commitment_events e join grid_rows r on r.id = e.row_id and r.deleted_at is null
             left join fundraising_investors f on f.id = e.row_id left join funds u on u.id = e.fund_id
             where e.at >= ?1 and e.at < ?2 order by e.at, e.id limit 200",
        )
        .bind(self.from)
        .bind(self.to)
        .fetch_all(conn)
        .await?;
        let amount = |value: &Option<String>, currency: &str| match value {
            Some(value) => format!("{currency} {}", grouped(value)).trim().to_owned(),
            None => "nothing".to_owned(),
        };
        let lines = all.into_iter().map(|e| {
            let (before, after) = (
                amount(&e.before, &e.currency),
                amount(&e.after, &e.currency),
            );
            let text = if e.before.is_some() {
                format!("{}: {} in {}, {before} → {after}", e.name, e.stage, e.fund)
            } else {
                format!("{}: {} in {}, {after}", e.name, e.stage, e.fund)
            };
            line(text, investor(&e.row_id))
        });
        Ok(section("commitments", "Commitments", lines.collect()))
    }

    async fn new_rows(&self, conn: &mut SqliteConnection) -> Result<Section, DbError> {
        let all: Vec<(String, String)> = sqlx::query_as(
            "select c.row_id, coalesce(f.name, 'an investor')
             from change_sets s join grid_changes c on c.change_set_id = s.id and c.what = 'row_added'
             join grid_rows r on r.id = c.row_id and r.deleted_at is null
             left join fundraising_investors f on f.id = c.row_id
             where s.at >= ?1 and s.at < ?2 order by s.at, s.id, c.id limit 500",
        )
        .bind(self.from)
        .bind(self.to)
        .fetch_all(conn)
        .await?;
        let mut once = HashSet::new();
        let lines = all
            .into_iter()
            .filter(|(row, _)| once.insert(row.clone()))
            .map(|(row, name)| line(name, investor(&row)));
        Ok(section("new", "New investors", lines.collect()))
    }

    async fn runs(&self, conn: &mut SqliteConnection) -> Result<Section, DbError> {
        let all: Vec<(String, i64, i64)> = sqlx::query_as(
            "select coalesce(max(rule ->> '$.name'), 'a rule'), sum(state = 'done'), sum(state = 'failed') from automation_runs
             where created_at >= ?1 and created_at < ?2 group by rule_id order by 1",
        )
        .bind(self.from)
        .bind(self.to)
        .fetch_all(conn)
        .await?;
        let lines = all
            .into_iter()
            .filter(|(_, done, failed)| done + failed > 0)
            .map(|(rule, done, failed)| {
                let mut text = format!("{rule}: ran {}", count(done + failed, "time", "times"));
                if failed > 0 {
                    text = format!("{text}, {failed} failed");
                }
                Line {
                    alarm: failed > 0,
                    ..line(text, "/automations".to_owned())
                }
            });
        Ok(section("automations", "Automations", lines.collect()))
    }

    async fn failed_jobs(&self, conn: &mut SqliteConnection) -> Result<Section, DbError> {
        let all: Vec<(i64, String, Option<String>)> = sqlx::query_as(
            "select id, kind, last_error from jobs where state = 'discarded' and finished_at >= ?1 and finished_at < ?2 order by finished_at limit 100",
        )
        .bind(self.from)
        .bind(self.to)
        .fetch_all(conn)
        .await?;
        let lines = all.into_iter().map(|(id, kind, error)| {
            let why: String = error.unwrap_or_default().chars().take(160).collect();
            Line {
                alarm: true,
                ..line(format!("{kind} (job {id}): {why}"), format!("/jobs/{id}"))
            }
        });
        Ok(section("jobs", "Jobs that failed", lines.collect()))
    }
}

/// Title, day, whose, which investor, its row.
type DueTask = (
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// Open tasks whose day has come.
async fn tasks(conn: &mut SqliteConnection, today: &str) -> Result<Section, DbError> {
    let all: Vec<DueTask> = sqlx::query_as(
        "select t.title, t.day, u.name, f.name, t.row_id from tasks t
         left join users u on u.id = t.assignee left join fundraising_investors f on f.id = t.row_id
         where t.deleted_at is null and t.status in ('open', 'snoozed') and t.day <= ?1 order by t.day, t.id limit 200",
    )
    .bind(today)
    .fetch_all(conn)
    .await?;
    let lines = all
        .into_iter()
        .map(|(title, day, who, investor_name, row)| {
            let mut text = title;
            if let Some(name) = investor_name {
                text = format!("{text} ({name})");
            }
            if let Some(who) = who {
                text = format!("{text}, {who}");
            }
            let is_late = *day < *today;
            if is_late {
                text = format!("{text}, due {day}");
            }
            Line {
                alarm: is_late,
                ..line(
                    text,
                    row.as_deref().map_or_else(|| "/day".to_owned(), investor),
                )
            }
        });
    Ok(section("tasks", "Tasks due", lines.collect()))
}

/// What waits for somebody's word.
async fn waiting(conn: &mut SqliteConnection) -> Result<Section, DbError> {
    let (proposals, drafts, asked): (i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from email_proposals where state = 'pending'),
                (select count(*) from email_drafts where state = 'proposed' and deleted_at is null),
                (select count(*) from automation_runs where state = 'asked')",
    )
    .fetch_one(conn)
    .await?;
    let lines = [
        (
            proposals,
            count(
                proposals,
                "proposal from mail waits",
                "proposals from mail wait",
            ),
            "/proposals",
        ),
        (
            drafts,
            count(drafts, "email draft waits", "email drafts wait"),
            "/",
        ),
        (
            asked,
            count(
                asked,
                "rule waits for an answer",
                "rules wait for an answer",
            ),
            "/automations",
        ),
    ];
    let lines = lines
        .into_iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(_, text, path)| line(text, path.to_owned()));
    Ok(section("waiting", "Waiting for you", lines.collect()))
}

fn backup_section(health: &backup::Health, head: &audit::Head, zone: &TimeZone) -> Section {
    let when = |ms: Option<i64>, never: &str| {
        ms.map_or_else(|| never.to_owned(), |ms| at(zone, ms, "%a %-d %b, %H:%M"))
    };
    let mut lines: Vec<Line> = health
        .alarms
        .iter()
        .map(|alarm| Line {
            alarm: true,
            ..line(alarm.clone(), "/backups".to_owned())
        })
        .collect();
    let verified = when(health.last_verified_at, "never");
    let proven = when(health.last_proven_at, "never");
    lines.push(line(
        format!("Newest verified backup: {verified}; last proven restore: {proven}"),
        "/backups".to_owned(),
    ));
    let hash: String = head.hash.chars().take(16).collect();
    lines.push(line(
        format!("Audit log: entry {}, head {hash}", head.id),
        "/activity?source=audit".to_owned(),
    ));
    section("backups", "Backups and records", lines)
}

fn investor(row: &str) -> String {
    format!("/investors/{row}")
}

fn list(name: &str) -> &str {
    match name {
        "main" => "Main",
        "follow_up" => "Follow-up",
        "longshot" => "Longshot",
        "graveyard" => "Graveyard",
        other => other,
    }
}

pub(super) fn count(n: i64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// `1250000.5` as `1'250'000.5`.
fn grouped(amount: &str) -> String {
    let (whole, rest) = amount
        .split_once('.')
        .map_or((amount, None), |(w, r)| (w, Some(r)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |d| ("-", d));
    let mut text = String::from(sign);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\'');
        }
        text.push(c);
    }
    match rest {
        Some(rest) => format!("{text}.{rest}"),
        None => text,
    }
}
