//! Rules that come with the program, each inserted once: one that somebody
//! deleted stays deleted.

use serde_json::{Value, json};

use super::{Definition, remembered::table_of, store};
use crate::{
    db::{Db, DbError},
    grid::{
        self, ColumnType, GridError,
        table::{Table, pipeline_stage},
    },
};

/// Key, name, whether it is on.
const SHIPPED: [(&str, &str, bool); 6] = [
    ("follow_up", "Follow up when promised", true),
    ("graveyard_lost", "Lost investors to Graveyard", false),
    ("graveyard_quiet", "A year of silence to Graveyard", false),
    ("longshot", "No fit this year to Longshot", false),
    ("stale_60", "Sixty days of silence", false),
    ("close_date", "Close date is near", false),
];

/// Inserts what is missing, once there are columns to go by.
pub async fn install(db: &Db) -> Result<(), GridError> {
    let mut conn = db.read().acquire().await?;
    let known: Vec<String> = sqlx::query_scalar(
        "select shipped_key from automation_rules where shipped_key is not null",
    )
    .fetch_all(&mut *conn)
    .await?;
    let has_columns: bool =
        sqlx::query_scalar("select exists (select 1 from grid_columns where deleted_at is null)")
            .fetch_one(&mut *conn)
            .await?;
    drop(conn);
    let missing = SHIPPED
        .iter()
        .filter(|(key, ..)| !known.iter().any(|k| k == key));
    let missing: Vec<_> = missing.collect();
    if missing.is_empty() || !has_columns {
        return Ok(());
    }
    let definitions: Vec<Definition> = {
        let table = table_of(db).read().await?;
        let words = Words::of(&table);
        let each = missing.iter();
        each.map(|(key, ..)| words.definition(key))
            .collect::<Result<_, _>>()
            .map_err(|e: serde_json::Error| DbError::Decode(Box::new(e)))?
    };
    let mut tx = db.write().await?;
    for ((key, name, enabled), definition) in missing.iter().zip(&definitions) {
        let taken: bool = sqlx::query_scalar(
            "select exists (select 1 from automation_rules where shipped_key = ?1)",
        )
        .bind(key)
        .fetch_one(&mut *tx)
        .await?;
        if !taken {
            store::add(&mut tx, name, definition, *enabled, Some(key), "system").await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// What the columns that the rules go by are called here. One that is not there
/// is named as it should be: the rule says then that it needs it.
struct Words {
    name: String,
    follow_up: String,
    stage: String,
    lost: String,
    close: String,
}

impl Words {
    fn of(table: &Table) -> Self {
        let columns = || {
            let all = table.columns().iter().map(|c| &c.column);
            all.filter(|c| !grid::table::is_derived(&c.id))
        };
        let named = |kinds: &[ColumnType], words: &[&str]| {
            let of_kind = || columns().filter(|c| kinds.contains(&c.kind));
            let is_so = |name: &str| {
                words
                    .iter()
                    .any(|w| name.to_lowercase().replace(['_', '-'], " ") == *w)
            };
            of_kind()
                .find(|c| is_so(&c.name) || is_so(&c.id))
                .or_else(|| {
                    of_kind().find(|c| words.iter().any(|w| c.name.to_lowercase().contains(w)))
                })
                .map(|c| c.id.clone())
        };
        let all: Vec<_> = columns().cloned().collect();
        let pipeline = grid::pipeline_column(&all);
        let lost = pipeline.and_then(|c| {
            let mut choices = c.options.choices.iter();
            choices.find(|choice| pipeline_stage(&choice.name) == Some("lost"))
        });
        Self {
            name: all.first().map_or("Name", |c| c.name.as_str()).to_owned(),
            follow_up: named(&[ColumnType::Checkbox], &["follow up", "followup"])
                .unwrap_or_else(|| "follow_up".to_owned()),
            stage: pipeline.map_or("stage", |c| c.id.as_str()).to_owned(),
            lost: lost.map_or("lost", |c| c.id.as_str()).to_owned(),
            close: named(
                &[ColumnType::Date, ColumnType::DateTime],
                &["close date", "expected close", "closing", "close"],
            )
            .unwrap_or_else(|| "close_date".to_owned()),
        }
    }

    fn definition(&self, key: &str) -> Result<Definition, serde_json::Error> {
        let name = format!("{{{}}}", self.name);
        let not_in = |list: &str| json!({"column": "@list", "op": "is_not", "value": list});
        let rule: Value = match key {
            "follow_up" => json!({
                "trigger": {"on": "cell_changed", "column": self.follow_up, "to": true},
                "actions": [
                    {"do": "move", "list": "follow_up", "reason": "Follow-up was ticked"},
                    {"do": "create_task", "title": format!("Follow up with {name}"), "due": "in a week", "assignee": "owner"},
                ],
            }),
            "graveyard_lost" => json!({
                "trigger": {"on": "cell_changed", "column": self.stage, "to": self.lost},
                "conditions": {"all": [not_in("graveyard")]},
                "actions": [{"do": "move", "list": "graveyard", "reason": "They declined"}],
                "ask_first": true,
            }),
            "graveyard_quiet" => json!({
                "trigger": {"on": "no_contact", "days": 365},
                "conditions": {"all": [not_in("graveyard")]},
                "actions": [{"do": "move", "list": "graveyard", "reason": "Nobody was in touch for twelve months"}],
                "ask_first": true,
            }),
            "longshot" => json!({
                "trigger": {"on": "no_contact", "days": 180},
                "conditions": {"all": [{"column": "@list", "op": "is", "value": "main"}]},
                "actions": [{"do": "move", "list": "longshot", "reason": "Nobody was in touch for six months"}],
            }),
            "stale_60" => json!({
                "trigger": {"on": "no_contact", "days": 60},
                "conditions": {"all": [{"column": "@list", "op": "any_of", "value": ["main", "follow_up"]}]},
                "actions": [{"do": "create_task", "title": format!("Get in touch with {name}: 60 days of silence"), "due": "in 3 days", "assignee": "owner"}],
            }),
            _ => json!({
                "trigger": {"on": "date_reached", "column": self.close, "offset_days": -7},
                "actions": [{"do": "create_task", "title": format!("Closing with {name} in a week"), "due": "tomorrow", "assignee": "owner"}],
            }),
        };
        serde_json::from_value(rule)
    }
}
