//! Cell values as pages draw them.

use std::collections::BTreeMap;

use crm_jobs::{
    accounts::{User, users},
    automations,
    funds::{self, Fund},
    grid::{self, COLORS, Column, ColumnType},
    settings,
};
use jiff::{civil, tz::TimeZone};
use serde_json::Value as Json;

use super::page::{Pill, Value};
use crate::{
    error::AppError,
    routes::page::{LinkTo, When},
    show,
    state::App,
};

/// Whom and what ids in cells stand for.
pub struct Names {
    /// Name by user id, former members included.
    pub users: BTreeMap<String, String>,
    /// Who may be chosen.
    pub members: Vec<User>,
    /// Live funds.
    pub funds: Vec<Fund>,
    /// The fund's time zone.
    pub zone: TimeZone,
    /// Now, UTC milliseconds.
    pub now: i64,
}

impl Names {
    /// Reads them all: they are few.
    pub async fn load(app: &App) -> Result<Self, AppError> {
        let everybody = users::list(&app.db).await?;
        let rules = automations::titles(&app.db).await?;
        let mut conn = app.db.read().acquire().await?;
        Ok(Self {
            users: everybody
                .iter()
                .map(|u| (u.id.clone(), u.name.clone()))
                .chain(rules)
                .collect(),
            members: everybody
                .into_iter()
                .filter(|u| u.disabled_at.is_none())
                .collect(),
            funds: funds::list(&mut conn).await?,
            zone: show::zone(&settings::fund_zone(&app.db).await?),
            now: app.db.now(),
        })
    }

    /// A fund by id.
    pub fn fund(&self, id: &str) -> String {
        let fund = self.funds.iter().find(|f| f.id == id);
        fund.map_or_else(|| "A former fund".to_owned(), |f| f.name.clone())
    }

    fn user(&self, id: &str) -> String {
        let name = self.users.get(id);
        name.cloned().unwrap_or_else(|| "Somebody".to_owned())
    }

    /// The value as people read it, on one line or as many as it has.
    pub fn text(&self, column: &Column, value: &Json) -> String {
        match (column.kind, value) {
            (ColumnType::User, Json::String(id)) => self.user(id),
            (ColumnType::Funds, Json::Array(ids)) => {
                let names: Vec<String> = strings(ids).map(|id| self.fund(id)).collect();
                names.join(", ")
            }
            (ColumnType::Date, Json::String(day)) if column.options.date_format.is_none() => {
                date(day)
            }
            (ColumnType::DateTime, Json::String(at)) => self.moment(at).text,
            _ => grid::display(column, value),
        }
    }

    fn moment(&self, at: &str) -> When {
        at.parse::<jiff::Timestamp>().map_or_else(
            |_| When::new(at, at),
            |moment| show::moment(&self.zone, moment.as_millisecond()),
        )
    }

    /// The value as a cell draws it.
    pub fn value(&self, column: &Column, value: Option<&Json>) -> Value {
        let Some(value) = value else {
            return Value::Empty;
        };
        match (column.kind, value) {
            (_, Json::Null) | (ColumnType::Checkbox, Json::Bool(false)) => Value::Empty,
            (ColumnType::Select, Json::String(id)) => Value::Pills(vec![pill(column, id)]),
            (ColumnType::MultiSelect, Json::Array(ids)) => {
                Value::Pills(strings(ids).map(|id| pill(column, id)).collect())
            }
            (ColumnType::Funds, Json::Array(ids)) => Value::Pills(
                strings(ids)
                    .map(|id| Pill {
                        text: self.fund(id),
                        colour: "gray",
                    })
                    .collect(),
            ),
            (ColumnType::Contacts, Json::Array(people)) => {
                Value::Contacts(people.iter().map(contact).collect())
            }
            (ColumnType::Checkbox, Json::Bool(true)) => Value::Checked,
            (ColumnType::Rating, Json::Number(n)) => {
                let stars = n.as_u64().and_then(|n| u8::try_from(n).ok()).unwrap_or(0);
                Value::Rating(stars.min(10), if stars > 5 { 10 } else { 5 })
            }
            (ColumnType::Date, Json::String(day)) => {
                Value::When(When::new(day, &self.text(column, value)))
            }
            (ColumnType::DateTime, Json::String(at)) => Value::When(self.moment(at)),
            (ColumnType::Email | ColumnType::Url | ColumnType::Phone, Json::String(text)) => {
                link(column.kind, text).map_or_else(|| Value::Text(text.clone()), Value::Link)
            }
            (kind, value) if kind.is_decimal() => Value::Number(grid::display(column, value)),
            (_, value) => Value::Text(self.text(column, value)),
        }
    }
}

/// An address that may be opened. Nothing but web, mail and phone becomes a
/// link: `javascript:` in a cell stays text.
fn link(kind: ColumnType, text: &str) -> Option<LinkTo> {
    match kind {
        ColumnType::Url => {
            let lower = text.to_ascii_lowercase();
            let label = ["https://", "http://"]
                .iter()
                .find(|scheme| lower.starts_with(*scheme))
                .and_then(|scheme| text.get(scheme.len()..))?;
            let label = label.trim_start_matches("www.").trim_end_matches('/');
            Some(LinkTo::new(label, text))
        }
        ColumnType::Email => Some(LinkTo::new(text, &format!("mailto:{text}"))),
        ColumnType::Phone => {
            let number: String = text
                .chars()
                .filter(|c| c.is_ascii_digit() || *c == '+')
                .collect();
            (number.len() > 2).then(|| LinkTo::new(text, &format!("tel:{number}")))
        }
        _ => None,
    }
}

fn contact(person: &Json) -> LinkTo {
    let text = |part: &str| person[part].as_str().unwrap_or_default();
    LinkTo::new(text("name"), text("email"))
}

fn strings(ids: &[Json]) -> impl Iterator<Item = &str> {
    ids.iter().filter_map(Json::as_str)
}

fn pill(column: &Column, id: &str) -> Pill {
    let choice = column.options.choices.iter().find(|c| c.id == id);
    Pill {
        text: choice.map_or(id, |c| &c.name).to_owned(),
        colour: choice.map_or("gray", |c| colour(&c.color)),
    }
}

/// One of the colours the style sheet has.
fn colour(name: &str) -> &'static str {
    COLORS
        .into_iter()
        .find(|known| *known == name)
        .unwrap_or("gray")
}

/// `2026-03-31` as `31 Mar 2026`.
fn date(day: &str) -> String {
    day.parse::<civil::Date>().map_or_else(
        |_| day.to_owned(),
        |day| day.strftime("%-d %b %Y").to_string(),
    )
}

/// A list by its stored name.
pub fn list_label(list: &str) -> &'static str {
    match list {
        "main" => "Main",
        "follow_up" => "Follow-up",
        "longshot" => "Longshot",
        "graveyard" => "Graveyard",
        "archived" => "Archived",
        _ => "All",
    }
}

/// A list as a pill.
pub fn list_pill(list: &str) -> Pill {
    Pill {
        text: list_label(list).to_owned(),
        colour: match list {
            "main" => "blue",
            "follow_up" => "yellow",
            "longshot" => "purple",
            _ => "gray",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_mail_and_phone_become_links() {
        let href = |kind, text| link(kind, text).map(|l| l.href);
        assert!(href(ColumnType::Url, "javascript:alert(1)//https://").is_none());
        assert!(href(ColumnType::Url, "data:text/html,x").is_none());
        assert_eq!(
            href(ColumnType::Url, "HTTPS://x.example").as_deref(),
            Some("HTTPS://x.example")
        );
        assert_eq!(
            href(ColumnType::Phone, "+49 (30) 12-34").as_deref(),
            Some("tel:+49301234")
        );
        assert!(href(ColumnType::Phone, "ask").is_none());
        assert_eq!(
            href(ColumnType::Email, "javascript:x@y.z").as_deref(),
            Some("mailto:javascript:x@y.z")
        );
    }
}
