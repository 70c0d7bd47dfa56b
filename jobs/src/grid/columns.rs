//! Column types and their options.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a column's cells hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// One line.
    Text,
    /// Many lines.
    LongText,
    /// Decimal text.
    Number,
    /// Decimal text; `options.currency` names the currency.
    Currency,
    /// Decimal text; `12.5` is 12.5 %.
    Percent,
    /// `2026-03-31`.
    Date,
    /// `2026-03-31T14:05:00Z`.
    DateTime,
    /// True; unchecked is blank.
    Checkbox,
    /// A choice's id.
    Select,
    /// Choice ids.
    MultiSelect,
    /// A user's id.
    User,
    /// Contact pills.
    Contacts,
    /// An address.
    Email,
    /// As written.
    Phone,
    /// `https://…`.
    Url,
    /// 1 to 10.
    Rating,
    /// Fund ids.
    Funds,
    /// Computed from other columns; never written.
    Formula,
}

impl ColumnType {
    /// All of them, in the order menus show.
    pub const ALL: [Self; 18] = [
        Self::Text,
        Self::LongText,
        Self::Number,
        Self::Currency,
        Self::Percent,
        Self::Date,
        Self::DateTime,
        Self::Checkbox,
        Self::Select,
        Self::MultiSelect,
        Self::User,
        Self::Contacts,
        Self::Email,
        Self::Phone,
        Self::Url,
        Self::Rating,
        Self::Funds,
        Self::Formula,
    ];

    /// As stored and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::LongText => "long_text",
            Self::Number => "number",
            Self::Currency => "currency",
            Self::Percent => "percent",
            Self::Date => "date",
            Self::DateTime => "date_time",
            Self::Checkbox => "checkbox",
            Self::Select => "select",
            Self::MultiSelect => "multi_select",
            Self::User => "user",
            Self::Contacts => "contacts",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Rating => "rating",
            Self::Funds => "funds",
            Self::Formula => "formula",
        }
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::LongText => "Long text",
            Self::Number => "Number",
            Self::Currency => "Currency",
            Self::Percent => "Percent",
            Self::Date => "Date",
            Self::DateTime => "Date and time",
            Self::Checkbox => "Checkbox",
            Self::Select => "Single select",
            Self::MultiSelect => "Multiple select",
            Self::User => "User",
            Self::Contacts => "Contacts",
            Self::Email => "Email",
            Self::Phone => "Phone",
            Self::Url => "URL",
            Self::Rating => "Rating",
            Self::Funds => "Funds",
            Self::Formula => "Formula",
        }
    }

    /// The type of this stored name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.as_str() == name)
    }

    /// Whether two rows can be told apart by a value of this type.
    pub fn can_be_unique(self) -> bool {
        matches!(
            self,
            Self::Text | Self::Number | Self::Date | Self::Email | Self::Phone | Self::Url
        )
    }

    /// Whether values are decimal text.
    pub fn is_decimal(self) -> bool {
        matches!(self, Self::Number | Self::Currency | Self::Percent)
    }
}

/// How a column's cells hold their values; what does not apply is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnOptions {
    /// For people, beside the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Of select columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// ISO 4217 code of a currency column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The cells are what investors put into a fund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commitment: Option<Commitment>,
    /// Digits after the point that pages show, 0 to 8. Cells keep all of theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 8))]
    pub precision: Option<u8>,
    /// How pages write dates: `iso`, `european`, `us` or `long`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_format: Option<DateFormat>,
    /// Cells that have a value cannot be emptied, and new rows need one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// No two live rows have the same value (case and outer spaces aside).
    #[serde(default, skip_serializing_if = "is_false")]
    pub unique: bool,
    /// What a new row has here unless told otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<serde_json::Value>,
    /// Of a formula column: with `{Column name}` on the wire, `{#column_id}` in
    /// the database, so that renaming a column breaks nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10_000))]
    pub formula: Option<String>,
    /// Blank equals 0 and the empty text in this formula, as it does in Airtable.
    #[serde(default, skip_serializing_if = "is_false")]
    pub airtable_blanks: bool,
    /// How a formula's number reads: `number`, `currency` or `percent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_format: Option<NumberFormat>,
    /// This select column says where investors stand in the raise: the derived
    /// stage and the board go by it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pipeline: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(value: &bool) -> bool {
    !value
}

/// How pages write a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DateFormat {
    /// 2026-03-31
    Iso,
    /// 31/3/2026
    European,
    /// 3/31/2026
    Us,
    /// 31 March 2026
    Long,
}

/// How a formula's number reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NumberFormat {
    /// 1,234.5
    Number,
    /// EUR 1,234.50
    Currency,
    /// 12.5 %
    Percent,
}

/// One option of a select column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// A short slug, unique in the column.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// One of ten colour names: blue, cyan, teal, green, yellow, orange, red,
    /// pink, purple, gray.
    pub color: String,
}

/// Which fund and stage a currency column's amounts belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Commitment {
    /// The fund's id.
    pub fund: String,
    /// `target`, `soft`, `hard`, `signed`, `wired` or `declined`.
    pub stage: String,
}

/// The colours of choices, given in turn: the ten that the style sheet has.
pub const COLORS: [&str; 10] = [
    "blue", "cyan", "teal", "green", "yellow", "orange", "red", "pink", "purple", "gray",
];
/// Choices of one column at most.
const MAX_CHOICES: usize = 1_000;

/// A short id from a name, unlike all that are `taken`.
pub fn slug<'a>(name: &str, fallback: &str, taken: impl IntoIterator<Item = &'a str>) -> String {
    let taken: std::collections::HashSet<&str> = taken.into_iter().collect();
    let mut base = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            base.push(c);
        } else if !base.ends_with('_') && !base.is_empty() {
            base.push('_');
        }
        if base.len() >= 32 {
            break;
        }
    }
    let base = base.trim_matches('_');
    let base = if base.is_empty() { fallback } else { base };
    let mut id = base.to_owned();
    let mut n = 1;
    while taken.contains(id.as_str()) {
        n += 1;
        id = format!("{base}_{n}");
    }
    id
}

impl ColumnOptions {
    /// The choice of this id or name (case does not matter).
    pub fn choice(&self, wanted: &str) -> Option<&Choice> {
        self.choices.iter().find(|c| c.id == wanted).or_else(|| {
            let lower = wanted.trim().to_lowercase();
            self.choices.iter().find(|c| c.name.to_lowercase() == lower)
        })
    }

    /// What is wrong with the options, if anything. A commitment to no stage or
    /// in no currency would stop the relational sync, so it is refused here.
    pub fn check(&self, kind: ColumnType) -> Result<(), String> {
        let long = |text: &str, most: usize| text.chars().count() > most;
        if self.description.as_deref().is_some_and(|d| long(d, 1_000)) {
            return Err("a description has at most 1,000 characters".to_owned());
        }
        if self.choices.len() > MAX_CHOICES {
            return Err("a column has at most 1,000 options".to_owned());
        }
        let mut ids = std::collections::HashSet::new();
        for choice in &self.choices {
            if choice.id.trim().is_empty() || long(&choice.id, 64) || !ids.insert(&choice.id) {
                return Err(format!(
                    "the option {:?} needs an id of its own, of 1 to 64 characters",
                    choice.name
                ));
            }
            if choice.name.trim().is_empty() || long(&choice.name, 200) {
                return Err("an option's name has 1 to 200 characters".to_owned());
            }
            if !COLORS.contains(&choice.color.as_str()) {
                return Err(format!(
                    "{:?} is no colour: use one of {}",
                    choice.color,
                    COLORS.join(", ")
                ));
            }
        }
        let is_code = |c: &String| c.len() == 3 && c.bytes().all(|b| b.is_ascii_uppercase());
        if !self.currency.as_ref().is_none_or(is_code) {
            return Err("a currency is a three-letter code such as EUR".to_owned());
        }
        if self.precision.is_some_and(|digits| digits > 8) {
            return Err("a precision is 0 to 8 digits".to_owned());
        }
        self.check_rules(kind)?;
        if let Some(commitment) = &self.commitment {
            if kind != ColumnType::Currency {
                return Err("only a currency column can hold commitments".to_owned());
            }
            if !crate::funds::STAGES.contains(&commitment.stage.as_str()) {
                return Err(format!(
                    "{:?} is no stage: use one of {}",
                    commitment.stage,
                    crate::funds::STAGES.join(", ")
                ));
            }
        }
        Ok(())
    }

    /// Required, unique, formula and pipeline: each where it means something.
    fn check_rules(&self, kind: ColumnType) -> Result<(), String> {
        use ColumnType as T;
        if kind == T::Formula {
            if self.required || self.unique || self.default.is_some() {
                return Err(
                    "a formula is computed: it is neither required nor unique and has no default"
                        .to_owned(),
                );
            }
            return match self.formula.as_deref().map(str::trim) {
                None | Some("") => Err("a formula column needs a formula".to_owned()),
                Some(_) => Ok(()),
            };
        }
        if self.formula.is_some() {
            return Err("only a formula column has a formula".to_owned());
        }
        if self.unique && !kind.can_be_unique() {
            return Err(format!(
                "a {} column cannot be unique: text, number, date, email, phone and URL columns can",
                kind.label().to_lowercase()
            ));
        }
        if self.required && kind == T::Checkbox {
            return Err("a checkbox is never empty, so it cannot be required".to_owned());
        }
        if self.pipeline && kind != T::Select {
            return Err("only a single select column can be the pipeline".to_owned());
        }
        Ok(())
    }

    /// The choice of this name, added if there is none. True if it was added.
    pub fn ensure_choice(&mut self, name: &str) -> bool {
        if self.choice(name).is_some() {
            return false;
        }
        let id = slug(name, "option", self.choices.iter().map(|c| c.id.as_str()));
        let color = COLORS[self.choices.len() % COLORS.len()].to_owned();
        self.choices.push(Choice {
            id,
            name: name.trim().to_owned(),
            color,
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_short_and_unlike() {
        assert_eq!(slug("Close date (est.)", "x", []), "close_date_est");
        assert_eq!(slug("Näme", "x", ["n_me"]), "n_me_2");
        assert_eq!(slug("***", "column", []), "column");
    }

    #[test]
    fn choices_are_found_by_name_whatever_the_case() {
        let mut options = ColumnOptions::default();
        assert!(options.ensure_choice("Family Office"));
        assert!(!options.ensure_choice("family office "));
        assert_eq!(options.choice("FAMILY OFFICE").unwrap().id, "family_office");
    }
}
