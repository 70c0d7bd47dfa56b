//! What a column of the file holds, judged from all its rows.

use std::collections::{BTreeMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    DateOrder,
    amounts::{is_currency, read_amount, tells_decimal_comma},
    dates::read_date,
    headers::{self, words},
    table::{Table, cell_list},
};
use crate::{funds::name_key, grid::ColumnType};

/// Cells shown as samples.
const SAMPLES: usize = 3;
/// Most different values a select column gets by itself.
const MAX_CHOICES: usize = 60;

/// What is known of one column of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "facts that have nothing to do with each other"
)]
pub struct Profile {
    /// Its header, cleaned.
    pub header: String,
    /// Cells that are not blank.
    pub filled: usize,
    /// Whether no value stands twice and none is missing.
    pub unique: bool,
    /// A few of its values.
    pub samples: Vec<String>,
    /// What they look like.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// ISO code of amounts.
    #[serde(default)]
    pub currency: Option<String>,
    /// Day or month first, if its dates tell.
    #[serde(default)]
    pub date_order: Option<DateOrder>,
    /// Its dates leave open whether day or month comes first: ask.
    #[serde(default)]
    pub ambiguous_dates: bool,
    /// Amounts are written `1.234,50`.
    #[serde(default)]
    pub decimal_comma: bool,
    /// Whether its amounts leave no doubt about that.
    #[serde(default)]
    pub decimal_told: bool,
    /// Things to know, for people.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Judges one column. `primary` names rows and stays text; `funds` are the keys
/// of the names of known funds.
pub(super) fn profile(
    table: &Table,
    index: usize,
    primary: bool,
    funds: &HashSet<String>,
) -> Profile {
    let header = &table.headers[index];
    let values: Vec<&str> = table
        .records
        .iter()
        .filter(|r| r.problem.is_none())
        .map(|r| r.cell(index).trim())
        .filter(|c| !c.is_empty())
        .collect();
    let mut seen = HashSet::new();
    let unique = values.len() == table.records.len() && values.iter().all(|v| seen.insert(*v));
    let mut profile = Profile {
        header: header.clone(),
        filled: values.len(),
        unique,
        samples: samples(&values),
        kind: ColumnType::Text,
        currency: None,
        date_order: None,
        ambiguous_dates: false,
        decimal_comma: false,
        decimal_told: false,
        notes: Vec::new(),
    };
    if !primary && !values.is_empty() {
        let told = tells_decimal_comma(&values);
        profile.decimal_comma = told == Some(true);
        profile.decimal_told = told.is_some();
        profile.kind = kind(header, &values, funds, &mut profile);
        note_misfits(&values, &mut profile);
    }
    profile
}

fn samples(values: &[&str]) -> Vec<String> {
    let mut samples: Vec<String> = Vec::new();
    for value in values {
        let line: String = value
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(60)
            .collect();
        if !samples.contains(&line) {
            samples.push(line);
        }
        if samples.len() == SAMPLES {
            break;
        }
    }
    samples
}

/// Nineteen of twenty: a few bad cells do not make a column text.
fn mostly(values: &[&str], fits: impl Fn(&str) -> bool) -> bool {
    let allowed = values.len() / 20;
    let mut bad = 0;
    values.iter().all(|v| {
        bad += usize::from(!fits(v));
        bad <= allowed
    })
}

fn kind(
    header: &str,
    values: &[&str],
    funds: &HashSet<String>,
    profile: &mut Profile,
) -> ColumnType {
    let words = words(header);
    if headers::phone(&words) && mostly(values, looks_like_phone) {
        return ColumnType::Phone;
    }
    if values.iter().any(|v| is_code(v) && read_date(v).is_none()) {
        return ColumnType::Text;
    }
    if values.iter().all(|v| v.eq_ignore_ascii_case("checked")) {
        return ColumnType::Checkbox;
    }
    if mostly(values, is_email) {
        return if headers::contacts(&words) {
            ColumnType::Contacts
        } else {
            ColumnType::Email
        };
    }
    let web = headers::web(&words);
    if mostly(values, |v| is_url(v, web)) {
        return ColumnType::Url;
    }
    if mostly(values, |v| read_date(v).is_some()) {
        return dates(values, profile);
    }
    if let Some(kind) = amounts(&words, values, profile) {
        return kind;
    }
    if headers::contacts(&words) && mostly(values, |v| cell_list(v).iter().all(|n| is_person(n))) {
        return ColumnType::Contacts;
    }
    if headers::funds(&words) && mostly(values, |v| v.chars().count() <= 200 && !v.contains('\n')) {
        let known = values.iter().any(|v| {
            cell_list(v)
                .iter()
                .any(|name| funds.contains(&name_key(name)))
        });
        if known || headers::only_funds(&words) {
            return ColumnType::Funds;
        }
    }
    if values
        .iter()
        .any(|v| v.contains(['\n', '\r']) || v.len() > 200 && v.chars().count() > 200)
    {
        return ColumnType::LongText;
    }
    choices(values).unwrap_or(ColumnType::Text)
}

/// Digits that are a name, not an amount: leading zeros, or more than fit.
fn is_code(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let only = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b' ' | b'+'));
    let zero = text.len() > 1 && text.starts_with('0') || text.starts_with('+');
    only && digits > 0 && (digits > 15 || zero)
}

fn looks_like_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (3..=25).contains(&digits) && text.len() < 60
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !domain.contains(['@', ',', ';', '>'])
    }) && !text.contains(char::is_whitespace)
        && !text.contains('<')
}

fn is_url(text: &str, header_says_so: bool) -> bool {
    let marked = ["http://", "https://", "www."]
        .iter()
        .any(|p| text.starts_with(p));
    (marked || header_says_so) && text.contains('.') && !text.contains(char::is_whitespace)
}

fn is_person(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() <= 120
        && text.split_whitespace().count() <= 7
        && !text.contains('\n')
        && (digits <= 3 || text.contains('@'))
        && (!text.contains('@') || is_email(text) || text.ends_with('>'))
}

fn dates(values: &[&str], profile: &mut Profile) -> ColumnType {
    let (mut day, mut month, mut open, mut time) = (0, 0, 0, false);
    for written in values.iter().filter_map(|v| read_date(v)) {
        time |= written.has_time();
        match written.order() {
            Ok(None) => {}
            Ok(Some(DateOrder::DayFirst)) => day += 1,
            Ok(Some(DateOrder::MonthFirst)) => month += 1,
            Err(()) => open += 1,
        }
    }
    profile.date_order = match (day, month) {
        (0, 0) => None,
        (d, m) if d >= 20 * m => Some(DateOrder::DayFirst),
        (d, m) if m >= 20 * d => Some(DateOrder::MonthFirst),
        _ => None,
    };
    profile.ambiguous_dates = open > 0 && profile.date_order.is_none();
    if profile.ambiguous_dates {
        profile.notes.push(format!(
            "{open} dates can be read in two ways: say whether the day or the month comes first"
        ));
    }
    if time {
        ColumnType::DateTime
    } else {
        ColumnType::Date
    }
}

fn amounts(words: &[String], values: &[&str], profile: &mut Profile) -> Option<ColumnType> {
    let comma = profile.decimal_comma;
    if !mostly(values, |v| read_amount(v, comma).is_some()) {
        return None;
    }
    if mostly(values, |v| v.ends_with('%')) {
        return Some(ColumnType::Percent);
    }
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    let mut abbreviated = 0;
    for amount in values.iter().filter_map(|v| read_amount(v, comma)) {
        abbreviated += usize::from(amount.abbreviated);
        if let Some(code) = amount.currency {
            *codes.entry(code).or_default() += 1;
        }
    }
    if abbreviated > 0 {
        profile.notes.push(format!(
            "{abbreviated} amounts are abbreviated, such as $2M: the digits behind are lost"
        ));
    }
    let named = words
        .iter()
        .map(|w| w.to_uppercase())
        .find(|w| is_currency(w) && w != "ALL");
    let most = codes.iter().max_by_key(|(_, n)| **n);
    match most {
        Some((_, n)) if codes.len() > 1 && *n < values.len() - values.len() / 20 => {
            let all: Vec<String> = codes.into_keys().collect();
            profile.notes.push(format!(
                "mixes {}: kept as text, since a column has one currency",
                all.join(" and ")
            ));
            Some(ColumnType::Text)
        }
        Some((code, n)) if *n * 2 >= values.len() => {
            profile.currency = Some(code.clone());
            Some(ColumnType::Currency)
        }
        _ if named.is_some() => {
            profile.currency = named;
            Some(ColumnType::Currency)
        }
        _ => Some(ColumnType::Number),
    }
}

/// A few values that repeat make a select column; lists of such, a multi-select.
fn choices(values: &[&str]) -> Option<ColumnType> {
    let repeated = |total: usize, distinct: usize| total >= 6 && total >= 3 * distinct;
    let mut whole: HashSet<&str> = HashSet::new();
    let mut parts: HashSet<String> = HashSet::new();
    let (mut total, mut lists, mut prose) = (0, 0, false);
    for value in values {
        if whole.len() <= MAX_CHOICES {
            whole.insert(value);
        }
        if parts.len() <= MAX_CHOICES && !prose {
            // Airtable writes no space behind these commas; prose does.
            prose = value.contains(", ") && !value.contains('"');
            let list = cell_list(value);
            lists += usize::from(list.len() > 1);
            total += list.len();
            parts.extend(list);
        }
    }
    let short = |n: &str| n.chars().count() <= 60;
    let is_list = !prose
        && lists > 0
        && parts.len() <= MAX_CHOICES
        && repeated(total, parts.len())
        && parts.iter().all(|n| short(n));
    if is_list {
        return Some(ColumnType::MultiSelect);
    }
    let is_select = whole.len() <= MAX_CHOICES
        && repeated(values.len(), whole.len())
        && whole.iter().all(|n| short(n));
    is_select.then_some(ColumnType::Select)
}

fn note_misfits(values: &[&str], profile: &mut Profile) {
    let comma = profile.decimal_comma;
    let fits = |v: &str| match profile.kind {
        ColumnType::Number | ColumnType::Currency | ColumnType::Percent => {
            read_amount(v, comma).is_some()
        }
        ColumnType::Date | ColumnType::DateTime => read_date(v).is_some(),
        ColumnType::Email => is_email(v),
        _ => true,
    };
    let misfits: Vec<&str> = values.iter().copied().filter(|v| !fits(v)).collect();
    if let Some(first) = misfits.first() {
        let shown: String = first.chars().take(40).collect();
        profile.notes.push(format!(
            "{} of {} values do not fit {}, such as “{shown}”: their rows are rejected unless the column is kept as text",
            misfits.len(), values.len(), profile.kind.label().to_lowercase()
        ));
    }
}
