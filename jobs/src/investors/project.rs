//! What one grid row becomes in the projection: pure.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::FromRow;

use crate::grid::{Column, ColumnType, ContactPill, Row};

/// `fundraising_investors`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, FromRow, Serialize, Deserialize)]
pub struct Investor {
    /// The row's id.
    pub id: String,
    /// Text of its first column.
    pub name: String,
    /// Its list.
    pub list: String,
    /// Out of the views.
    pub archived: bool,
    /// User id of the first user column.
    pub owner: Option<String>,
    /// Of the first email column.
    pub email: Option<String>,
    /// The row's version.
    pub row_version: i64,
    /// UTC milliseconds.
    pub created_at: i64,
    /// UTC milliseconds.
    pub updated_at: i64,
}

/// `fundraising_investor_contacts`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, FromRow, Serialize, Deserialize)]
pub struct ContactLink {
    /// The row's id.
    pub investor_id: String,
    /// The person's id.
    pub contact_id: String,
    /// Place among the row's contacts, from 0.
    pub position: i64,
    /// As the cell has it.
    pub name: String,
    /// As the cell has it.
    pub email: Option<String>,
    /// As the cell has it.
    pub phone: Option<String>,
    /// As the cell has it.
    pub role: Option<String>,
}

/// `fundraising_contacts`: one person, as their first investor has them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, FromRow, Serialize, Deserialize)]
pub struct Contact {
    /// The person's id.
    pub id: String,
    /// Full name.
    pub name: String,
    /// Address.
    pub email: Option<String>,
    /// As written.
    pub phone: Option<String>,
    /// What they do there.
    pub role: Option<String>,
    /// At how many investors they stand.
    pub investor_count: i64,
}

/// `fundraising_commitments`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, FromRow, Serialize, Deserialize)]
pub struct Commitment {
    /// The row's id.
    pub investor_id: String,
    /// The fund's id.
    pub fund_id: String,
    /// `target` … `wired`, or `declined`.
    pub stage: String,
    /// Decimal text.
    pub amount: String,
    /// ISO 4217 code.
    pub currency: String,
}

/// All that one row projects to.
#[derive(Clone, Debug)]
pub struct Projected {
    /// The row itself.
    pub investor: Investor,
    /// Its people, each once.
    pub contacts: Vec<ContactLink>,
    /// Its commitments, one per fund and stage.
    pub commitments: Vec<Commitment>,
}

/// What a row projects to.
pub fn project(row: &Row, columns: &[Column]) -> Projected {
    let first_text = |kind| {
        columns
            .iter()
            .filter(|c| c.kind == kind)
            .find_map(|c| row.cells.get(&c.id)?.as_str().map(str::to_owned))
    };
    Projected {
        investor: Investor {
            id: row.id.clone(),
            name: row.title(columns),
            list: row.list.clone(),
            archived: row.archived_at.is_some(),
            owner: first_text(ColumnType::User),
            email: first_text(ColumnType::Email),
            row_version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        },
        contacts: contacts(row, columns),
        commitments: commitments(row, columns),
    }
}

fn contacts(row: &Row, columns: &[Column]) -> Vec<ContactLink> {
    let cells = columns
        .iter()
        .filter(|c| c.kind == ColumnType::Contacts)
        .filter_map(|c| row.cells.get(&c.id));
    let mut links: Vec<ContactLink> = Vec::new();
    for pill in cells.filter_map(Value::as_array).flatten() {
        let Ok(pill) = serde_json::from_value::<ContactPill>(pill.clone()) else {
            continue;
        };
        let Some(id) = pill
            .id
            .filter(|id| links.iter().all(|l| l.contact_id != *id))
        else {
            continue;
        };
        links.push(ContactLink {
            investor_id: row.id.clone(),
            contact_id: id,
            position: i64::try_from(links.len()).unwrap_or(i64::MAX),
            name: pill.name,
            email: pill.email,
            phone: pill.phone,
            role: pill.role,
        });
    }
    links
}

fn commitments(row: &Row, columns: &[Column]) -> Vec<Commitment> {
    let mut sums: BTreeMap<(String, String), (Decimal, String)> = BTreeMap::new();
    for column in columns {
        let Some(commitment) = &column.options.commitment else {
            continue;
        };
        let amount = row.cells.get(&column.id).and_then(Value::as_str);
        let Some(amount) = amount.and_then(|a| Decimal::from_str_exact(a).ok()) else {
            continue;
        };
        let currency = column.options.currency.clone().unwrap_or_default();
        let sum = sums
            .entry((commitment.fund.clone(), commitment.stage.clone()))
            .or_insert((Decimal::ZERO, currency));
        sum.0 = sum.0.saturating_add(amount);
    }
    sums.into_iter()
        .map(|((fund_id, stage), (amount, currency))| Commitment {
            investor_id: row.id.clone(),
            fund_id,
            stage,
            amount: amount.normalize().to_string(),
            currency,
        })
        .collect()
}
