//! Rules: all SQL about them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use super::{Definition, Trigger};
use crate::{
    clock::DAY,
    db::{Db, DbError, WriteTx},
    grid::GridError,
    queue::schedules::next_slot,
    settings, work,
};

/// Rules at most.
const MAX_RULES: i64 = 200;
/// Characters of a name at most.
const MAX_NAME: usize = 100;

/// A rule.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Rule {
    /// Time-ordered id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether it fires.
    pub enabled: bool,
    /// What it says.
    pub definition: Definition,
    /// Place among the others.
    pub position: i64,
    /// It comes with the program.
    pub shipped: bool,
    /// When it was switched off by the guard against loops, UTC milliseconds.
    pub switched_off_at: Option<i64>,
    /// Why.
    pub switched_off_why: Option<String>,
    /// Next slot, if it goes by a schedule.
    pub next_at: Option<i64>,
    /// UTC milliseconds.
    pub created_at: i64,
    /// Who.
    pub created_by: String,
    /// Last change; UTC milliseconds.
    pub updated_at: i64,
    /// Who.
    pub updated_by: String,
    #[serde(skip)]
    pub(super) from_version: i64,
    #[serde(skip)]
    pub(super) seen_day: String,
    #[serde(skip)]
    pub(super) is_watching: bool,
}

#[derive(FromRow)]
struct Record {
    id: String,
    name: String,
    enabled: bool,
    definition: String,
    position: i64,
    shipped: bool,
    switched_off_at: Option<i64>,
    switched_off_why: Option<String>,
    next_at: Option<i64>,
    created_at: i64,
    created_by: String,
    updated_at: i64,
    updated_by: String,
    from_version: i64,
    seen_day: String,
    is_watching: bool,
}

impl Record {
    fn into_rule(self) -> Result<Rule, DbError> {
        let definition =
            serde_json::from_str(&self.definition).map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
        Ok(Rule {
            id: self.id,
            name: self.name,
            enabled: self.enabled,
            definition,
            position: self.position,
            shipped: self.shipped,
            switched_off_at: self.switched_off_at,
            switched_off_why: self.switched_off_why,
            next_at: self.next_at,
            created_at: self.created_at,
            created_by: self.created_by,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
            from_version: self.from_version,
            seen_day: self.seen_day,
            is_watching: self.is_watching,
        })
    }
}

/// All rules, in their order.
pub async fn list(conn: &mut SqliteConnection) -> Result<Vec<Rule>, DbError> {
    let records: Vec<Record> = sqlx::query_as(
        "select id, name, enabled, definition, position, shipped_key is not null as shipped, switched_off_at,
                switched_off_why, next_at, created_at, created_by, updated_at, updated_by, from_version, seen_day, is_watching
         from automation_rules where deleted_at is null order by position, id limit 500",
    )
    .fetch_all(conn)
    .await?;
    records.into_iter().map(Record::into_rule).collect()
}

/// One rule that is not deleted.
pub async fn find(conn: &mut SqliteConnection, id: &str) -> Result<Option<Rule>, DbError> {
    let record: Option<Record> = sqlx::query_as(
        "select id, name, enabled, definition, position, shipped_key is not null as shipped, switched_off_at,
                switched_off_why, next_at, created_at, created_by, updated_at, updated_by, from_version, seen_day, is_watching
         from automation_rules where id = ?1 and deleted_at is null",
    )
    .bind(id)
    .fetch_optional(conn)
    .await?;
    record.map(Record::into_rule).transpose()
}

/// The names of all rules there ever were, by the actor they write under.
pub async fn titles(db: &Db) -> Result<BTreeMap<String, String>, DbError> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("select 'rule:' || id, name from automation_rules")
            .fetch_all(db.read())
            .await?;
    Ok(rows.into_iter().collect())
}

/// Rules that the guard switched off and nobody has looked after since.
pub async fn alerts(conn: &mut SqliteConnection) -> Result<Vec<(String, String, String)>, DbError> {
    sqlx::query_as(
        "select id, name, switched_off_why from automation_rules
         where switched_off_at is not null and enabled = 0 and deleted_at is null order by switched_off_at desc limit 20",
    )
    .fetch_all(conn)
    .await
}

/// When a rule fired last, and how often in the last 30 days.
pub async fn activity(
    conn: &mut SqliteConnection,
    now: i64,
) -> Result<BTreeMap<String, (i64, i64)>, DbError> {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "select id, last_at, lately from (
           select a.id, (select max(u.created_at) from automation_runs u where u.rule_id = a.id) as last_at,
                  (select count(*) from automation_runs u where u.rule_id = a.id and u.created_at >= ?1) as lately
           from automation_rules a where a.deleted_at is null)
         where last_at is not null",
    )
    .bind(now - 30 * DAY)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(id, at, n)| (id, (at, n))).collect())
}

/// A change of a rule; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct RuleChange {
    /// New name.
    pub name: Option<String>,
    /// On or off.
    pub enabled: Option<bool>,
    /// What it says.
    pub definition: Option<Definition>,
    /// Its place.
    pub position: Option<i64>,
}

fn checked_name(name: &str) -> Result<String, GridError> {
    let name = work::checked_line("name", name, MAX_NAME)?;
    if name.is_empty() {
        return Err(GridError::invalid(
            "no_name",
            "name",
            "give the rule a name",
        ));
    }
    Ok(name)
}

/// What a rule that begins now takes for known.
struct Beginning {
    version: i64,
    day: String,
    next_at: Option<i64>,
}

impl Beginning {
    async fn now(tx: &mut WriteTx, definition: &Definition) -> Result<Self, GridError> {
        let now = tx.now();
        let version: i64 = sqlx::query_scalar("select version from grid_state where id = 1")
            .fetch_one(&mut **tx)
            .await?;
        let day = work::today(tx, now).await?.to_string();
        let next_at = match &definition.trigger {
            Trigger::Schedule { cron, zone } => {
                let fund = settings::fund_zone_in(tx).await?;
                let slot = next_slot(cron, zone.as_deref().unwrap_or(&fund), now);
                Some(slot.map_err(|e| {
                    GridError::invalid("invalid_rule", "trigger.cron", e.to_string())
                })?)
            }
            _ => None,
        };
        Ok(Self {
            version,
            day,
            next_at,
        })
    }
}

fn json(definition: &Definition) -> Result<String, DbError> {
    serde_json::to_string(definition).map_err(|e| sqlx::Error::Encode(Box::new(e)))
}

/// Adds a rule at the end. Check its definition first.
pub async fn add(
    tx: &mut WriteTx,
    name: &str,
    definition: &Definition,
    enabled: bool,
    shipped_key: Option<&str>,
    by: &str,
) -> Result<String, GridError> {
    let name = checked_name(name)?;
    let (count, last): (i64, i64) = sqlx::query_as(
        "select count(*), coalesce(max(position), 0) from automation_rules where deleted_at is null",
    )
    .fetch_one(&mut **tx)
    .await?;
    if count >= MAX_RULES {
        return Err(GridError::invalid(
            "too_many_rules",
            "name",
            "there are 200 rules, which is the most: delete some first",
        ));
    }
    let begin = Beginning::now(tx, definition).await?;
    let (id, now) = (tx.new_id(), tx.now());
    sqlx::query(
        "insert into automation_rules (id, name, enabled, definition, position, shipped_key, from_version, seen_day, next_at,
                                       created_at, created_by, updated_at, updated_by)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?10, ?11)",
    )
    .bind(&id)
    .bind(name)
    .bind(enabled)
    .bind(json(definition)?)
    .bind(last + 1)
    .bind(shipped_key)
    .bind(begin.version)
    .bind(begin.day)
    .bind(begin.next_at)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    if enabled {
        super::look_soon(tx).await?;
    }
    Ok(id)
}

/// Changes a rule. One that is switched on, or says something else now, begins
/// from now: what happened before is history to it. Check a new definition first.
pub async fn change(
    tx: &mut WriteTx,
    rule: &Rule,
    wanted: &RuleChange,
    by: &str,
) -> Result<(), GridError> {
    let name = match &wanted.name {
        Some(name) => checked_name(name)?,
        None => rule.name.clone(),
    };
    let enabled = wanted.enabled.unwrap_or(rule.enabled);
    let definition = wanted.definition.as_ref().unwrap_or(&rule.definition);
    let begins = (enabled && !rule.enabled) || *definition != rule.definition;
    let begin = Beginning::now(tx, definition).await?;
    let now = tx.now();
    if begins {
        sqlx::query("delete from automation_watch where rule_id = ?1")
            .bind(&rule.id)
            .execute(&mut **tx)
            .await?;
    }
    sqlx::query(
        "update automation_rules
         set name = ?2, enabled = ?3, definition = ?4, position = ?5, updated_at = max(?6, updated_at + 1), updated_by = ?7,
             from_version = iif(?8, ?9, from_version), seen_day = iif(?8, ?10, seen_day),
             next_at = iif(?8, ?11, next_at), is_watching = iif(?8, 0, is_watching),
             switched_off_at = iif(?3, null, switched_off_at), switched_off_why = iif(?3, null, switched_off_why)
         where id = ?1 and deleted_at is null",
    )
    .bind(&rule.id)
    .bind(name)
    .bind(enabled)
    .bind(json(definition)?)
    .bind(wanted.position.unwrap_or(rule.position))
    .bind(now)
    .bind(by)
    .bind(begins)
    .bind(begin.version)
    .bind(begin.day)
    .bind(begin.next_at)
    .execute(&mut **tx)
    .await?;
    if begins && enabled {
        super::look_soon(tx).await?;
    }
    Ok(())
}

/// Deletes a rule (softly). Its runs stay as they were.
pub async fn remove(tx: &mut WriteTx, id: &str, by: &str) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query(
        "update automation_rules set deleted_at = ?2, updated_at = max(?2, updated_at + 1), updated_by = ?3
         where id = ?1 and deleted_at is null",
    )
    .bind(id)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Brings a deleted rule back. It begins from now. False if there is none such.
pub async fn restore(tx: &mut WriteTx, id: &str, by: &str) -> Result<bool, GridError> {
    let back = sqlx::query(
        "update automation_rules set deleted_at = null where id = ?1 and deleted_at is not null",
    )
    .bind(id)
    .execute(&mut **tx)
    .await?;
    let Some(rule) = find(tx, id).await? else {
        return Ok(false);
    };
    if back.rows_affected() == 1 {
        let off = Rule {
            enabled: false,
            ..rule.clone()
        };
        let wanted = RuleChange {
            enabled: Some(rule.enabled),
            ..RuleChange::default()
        };
        change(tx, &off, &wanted, by).await?;
    }
    Ok(true)
}

/// Switches a rule off that would go on for ever, and says so. False if it was
/// off already.
pub(super) async fn switch_off(tx: &mut WriteTx, id: &str, why: &str) -> Result<bool, DbError> {
    let now = tx.now();
    let done = sqlx::query(
        "update automation_rules
         set enabled = 0, switched_off_at = ?2, switched_off_why = ?3, updated_at = max(?2, updated_at + 1), updated_by = 'system'
         where id = ?1 and enabled = 1",
    )
    .bind(id)
    .bind(now)
    .bind(why)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 1 {
        crate::audit::record(
            tx,
            &crate::audit::Actor::System,
            "automation.switched_off",
            &super::actor_of(id),
            serde_json::json!({ "why": why }),
            "",
        )
        .await?;
    }
    Ok(done.rows_affected() == 1)
}
