//! Writing down what an investor commits: cells of the grid, so that the fund's
//! page and the grid cannot disagree.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    db::WriteTx,
    funds::{self, FundTerms, STAGES},
    grid::{
        self, Applied, ChangeBy, Column, ColumnOptions, ColumnType, Commitment, GridError,
        Operation, Row,
    },
    settings,
};

/// Characters of a note at most.
const MAX_NOTE_CHARS: usize = 1_000;

/// What an investor commits now.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Wanted {
    /// The investor's row.
    #[schemars(length(min = 1, max = 64))]
    pub row: String,
    /// The fund.
    #[schemars(length(min = 1, max = 64))]
    pub fund: String,
    /// `target`, `soft`, `hard`, `signed`, `wired` or `declined`.
    #[schemars(regex(pattern = "^(target|soft|hard|signed|wired|declined)$"))]
    pub stage: String,
    /// In the fund's currency; absent keeps the amount of the stage before.
    #[serde(default)]
    #[schemars(length(max = 40))]
    pub amount: Option<String>,
    /// The day it counts from, `2026-03-31`; today if absent, never later.
    #[serde(default)]
    #[schemars(length(max = 10))]
    pub on: Option<String>,
    /// For the ledger.
    #[serde(default)]
    #[schemars(length(max = 1_000))]
    pub note: String,
}

/// An amount that goes from one investor to another.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Transfer {
    /// The fund.
    #[schemars(length(min = 1, max = 64))]
    pub fund: String,
    /// Who gives: a row.
    #[schemars(length(min = 1, max = 64))]
    pub from: String,
    /// Who takes: another row.
    #[schemars(length(min = 1, max = 64))]
    pub to: String,
    /// At most what the giver has; all of it if absent.
    #[serde(default)]
    #[schemars(length(max = 40))]
    pub amount: Option<String>,
    /// The day it counts from, `2026-03-31`; today if absent, never later.
    #[serde(default)]
    #[schemars(length(max = 10))]
    pub on: Option<String>,
    /// For the ledger.
    #[serde(default)]
    #[schemars(length(max = 1_000))]
    pub note: String,
}

/// What was written.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Recorded {
    /// The write to the grid.
    #[serde(flatten)]
    pub applied: Applied,
    /// The stage written.
    pub stage: String,
    /// The amount written, decimal text.
    pub amount: String,
}

/// Writes down a commitment: its amount stands at `stage`, and no longer at any
/// stage beyond it. What was before stays where it is; the furthest counts.
pub async fn record(
    tx: &mut WriteTx,
    wanted: &Wanted,
    by: &ChangeBy<'_>,
) -> Result<Recorded, GridError> {
    let mut desk = Desk::open(tx, &wanted.fund, wanted.on.as_deref(), &wanted.note).await?;
    if !STAGES.contains(&wanted.stage.as_str()) {
        return Err(GridError::invalid(
            "invalid_stage",
            "stage",
            format!(
                "{:?} is no stage: use one of {}",
                wanted.stage,
                STAGES.join(", ")
            ),
        ));
    }
    let row = row(tx, &wanted.row, "row").await?;
    let standing = desk.standing(&row);
    let amount = match wanted.amount.as_deref().filter(|a| !a.trim().is_empty()) {
        Some(text) => desk.amount(text)?,
        None => standing.as_ref().map(|(_, a)| *a).ok_or_else(|| {
            GridError::invalid(
                "amount_missing",
                "amount",
                "say how much: there is no amount yet",
            )
        })?,
    };
    if wanted.stage == "declined" && standing.is_some_and(|(stage, _)| stage == "wired") {
        return Err(GridError::invalid(
            "already_wired",
            "stage",
            "the money has arrived: transfer it, or write down what is left",
        ));
    }
    desk.put(&row, &wanted.stage, Some(amount));
    for other in beyond(&wanted.stage) {
        desk.put(&row, other, None);
    }
    let applied = grid::apply(tx, &desk.operations, by).await?;
    desk.annotate(tx, &applied, None).await?;
    Ok(Recorded {
        applied,
        stage: wanted.stage.clone(),
        amount: amount.normalize().to_string(),
    })
}

/// Stages that cannot hold an amount while one stands at `stage`.
fn beyond(stage: &str) -> Vec<&'static str> {
    let order = ["target", "soft", "hard", "signed", "wired"];
    match order.iter().position(|s| *s == stage) {
        // Declined: nothing that was promised stands any more; the aim does.
        None => order[1..4].to_vec(),
        Some(at) => order[at + 1..]
            .iter()
            .copied()
            .chain(["declined"])
            .collect(),
    }
}

/// Moves an amount from one investor to another, at the stage it stands at.
pub async fn transfer(
    tx: &mut WriteTx,
    wanted: &Transfer,
    by: &ChangeBy<'_>,
) -> Result<Recorded, GridError> {
    let mut desk = Desk::open(tx, &wanted.fund, wanted.on.as_deref(), &wanted.note).await?;
    if wanted.from == wanted.to {
        return Err(GridError::invalid(
            "same_investor",
            "to",
            "choose another investor to transfer to",
        ));
    }
    let from = row(tx, &wanted.from, "from").await?;
    let to = row(tx, &wanted.to, "to").await?;
    let Some((stage, has)) = desk
        .standing(&from)
        .filter(|(stage, _)| *stage != "declined")
    else {
        return Err(GridError::invalid(
            "nothing_to_transfer",
            "from",
            format!("there is no amount in {} to transfer", desk.fund.name),
        ));
    };
    let amount = match wanted.amount.as_deref().filter(|a| !a.trim().is_empty()) {
        Some(text) => desk.amount(text)?,
        None => has,
    };
    if amount > has {
        return Err(GridError::invalid(
            "more_than_there_is",
            "amount",
            format!(
                "there are {} {} to transfer, not more",
                desk.fund.currency,
                has.normalize()
            ),
        ));
    }
    let left = has - amount;
    desk.put(&from, stage, (!left.is_zero()).then_some(left));
    let known = desk.sum(&to, stage);
    desk.put(&to, stage, Some(known + amount));
    let applied = grid::apply(tx, &desk.operations, by).await?;
    desk.annotate(tx, &applied, Some((&from.id, &to.id)))
        .await?;
    Ok(Recorded {
        applied,
        stage: stage.to_owned(),
        amount: amount.normalize().to_string(),
    })
}

async fn row(tx: &mut WriteTx, id: &str, field: &'static str) -> Result<Row, GridError> {
    grid::row(tx, id).await?.ok_or_else(|| {
        GridError::invalid(
            "no_such_investor",
            field,
            "there is no such investor: choose one from the grid",
        )
    })
}

/// The columns of a fund, and what is to be written into them.
struct Desk {
    fund: FundTerms,
    columns: Vec<Column>,
    /// Ids and names that a new column cannot have.
    taken: Vec<String>,
    names: Vec<String>,
    on: String,
    note: String,
    operations: Vec<Operation>,
}

impl Desk {
    async fn open(
        tx: &mut WriteTx,
        fund: &str,
        on: Option<&str>,
        note: &str,
    ) -> Result<Self, GridError> {
        let fund = funds::get(tx, fund).await?.ok_or_else(|| {
            GridError::invalid(
                "no_such_fund",
                "fund",
                "there is no such fund: choose one of the funds page",
            )
        })?;
        if note.chars().count() > MAX_NOTE_CHARS {
            return Err(GridError::invalid(
                "note_too_long",
                "note",
                "a note has at most 1,000 characters",
            ));
        }
        let bound = |c: &Column| {
            c.options
                .commitment
                .as_ref()
                .is_some_and(|c| c.fund == fund.id)
        };
        let all = grid::all_columns(tx).await?;
        let (taken, names) = all
            .into_iter()
            .map(|(id, c)| (id, c.name.to_lowercase()))
            .unzip();
        let columns = grid::columns(tx).await?.into_iter().filter(bound).collect();
        Ok(Self {
            taken,
            names,
            on: day(tx, on).await?,
            note: note.trim().to_owned(),
            columns,
            fund,
            operations: Vec::new(),
        })
    }

    fn sum(&self, row: &Row, stage: &str) -> Decimal {
        let at = |c: &&Column| {
            c.options
                .commitment
                .as_ref()
                .is_some_and(|c| c.stage == stage)
        };
        let amounts = self.columns.iter().filter(at).filter_map(|c| {
            let text = row.cells.get(&c.id)?.as_str()?;
            Decimal::from_str_exact(text).ok()
        });
        amounts.sum()
    }

    /// The furthest stage with an amount.
    fn standing(&self, row: &Row) -> Option<(&'static str, Decimal)> {
        let rank = ["wired", "signed", "hard", "soft", "declined", "target"];
        rank.into_iter()
            .map(|stage| (stage, self.sum(row, stage)))
            .find(|(_, amount)| !amount.is_zero())
    }

    fn amount(&self, text: &str) -> Result<Decimal, GridError> {
        let refused =
            || GridError::invalid("invalid_amount", "amount", format!("{text:?} is no amount"));
        let parsed = grid::parse_amount(text).ok_or_else(refused)?;
        if let Some(code) = parsed.currency.filter(|c| *c != self.fund.currency) {
            return Err(GridError::invalid(
                "wrong_currency",
                "amount",
                format!(
                    "{} is raised in {}, not in {code}",
                    self.fund.name, self.fund.currency
                ),
            ));
        }
        let plain = funds::amount(text, "amount")?;
        Decimal::from_str_exact(&plain).map_err(|_| refused())
    }

    /// The amount at a stage, in the first of its columns; others are emptied. A
    /// stage without a column gets one, unless there is nothing to put there.
    fn put(&mut self, row: &Row, stage: &str, amount: Option<Decimal>) {
        let at = |c: &&Column| {
            c.options
                .commitment
                .as_ref()
                .is_some_and(|c| c.stage == stage)
        };
        let columns: Vec<String> = self
            .columns
            .iter()
            .filter(at)
            .map(|c| c.id.clone())
            .collect();
        if columns.is_empty() {
            if amount.is_none() {
                return;
            }
            let column = self.column(stage);
            self.set(row, &column, amount);
            return;
        }
        for (index, column) in columns.iter().enumerate() {
            let amount = amount.filter(|_| index == 0);
            if amount.is_some() || row.cells.contains_key(column) {
                self.set(row, column, amount);
            }
        }
    }

    fn set(&mut self, row: &Row, column: &str, amount: Option<Decimal>) {
        self.operations.push(Operation::Set {
            row: row.id.clone(),
            column: column.to_owned(),
            value: amount.map_or(Value::Null, |a| a.normalize().to_string().into()),
            base: row.version,
        });
    }

    /// A new column for a stage that has none, as part of the same write.
    fn column(&mut self, stage: &str) -> String {
        let mut name = format!("{} {stage}", self.fund.name);
        if self.names.contains(&name.to_lowercase()) {
            name.push_str(" commitment");
        }
        let id = grid::slug(&name, "commitment", self.taken.iter().map(String::as_str));
        self.taken.push(id.clone());
        let options = ColumnOptions {
            currency: Some(self.fund.currency.clone()),
            commitment: Some(Commitment {
                fund: self.fund.id.clone(),
                stage: stage.to_owned(),
            }),
            ..ColumnOptions::default()
        };
        let column = Column {
            id: id.clone(),
            name: name.clone(),
            kind: ColumnType::Currency,
            options: options.clone(),
            position: i64::MAX,
            hidden: false,
        };
        self.columns.push(column);
        self.operations.push(Operation::AddColumn {
            id: Some(id.clone()),
            name,
            kind: ColumnType::Currency,
            options,
        });
        id
    }

    /// Day and note of the events this write made, and who the other side is.
    async fn annotate(
        &self,
        tx: &mut WriteTx,
        applied: &Applied,
        sides: Option<(&str, &str)>,
    ) -> Result<(), GridError> {
        if applied.changes == 0 {
            return Ok(());
        }
        let (from, to) = sides.unzip();
        sqlx::query(
            "update commitment_events
             set happened_on = ?2, note = ?3, other_row_id = case row_id when ?4 then ?5 when ?5 then ?4 end
             where change_set_id = ?1",
        )
        .bind(applied.version)
        .bind(&self.on)
        .bind(&self.note)
        .bind(from)
        .bind(to)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

/// The day meant; today if none is, and never one to come.
async fn day(tx: &mut WriteTx, on: Option<&str>) -> Result<String, GridError> {
    let zone = TimeZone::get(&settings::fund_zone_in(tx).await?).unwrap_or(TimeZone::UTC);
    let now = Timestamp::from_millisecond(tx.now())
        .map_err(|e| crate::db::DbError::Decode(Box::new(e)))?;
    let today = now.to_zoned(zone).date();
    let Some(text) = on.map(str::trim).filter(|t| !t.is_empty()) else {
        return Ok(today.to_string());
    };
    let day: Date = text.parse().map_err(|_| {
        GridError::invalid(
            "invalid_date",
            "on",
            format!("{text:?} is no day: write it like 2026-03-31"),
        )
    })?;
    if day > today {
        return Err(GridError::invalid(
            "in_the_future",
            "on",
            "a commitment is written down once it was made: choose today or a day before",
        ));
    }
    Ok(day.to_string())
}
