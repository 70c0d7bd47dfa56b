//! Changing what a column holds, and seeing beforehand what would not fit.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use sqlx::SqliteConnection;

use super::{
    Column, ColumnOptions, ColumnType, GridError, Names, Row,
    apply::{Touched, Work, change, checked},
    column_operations::definition,
    display, normalize,
    read::{columns, deleted_rows_by_id, rows_by_id},
};
use crate::db::{DbError, WriteTx};

/// Failing values named in a preview.
const SHOWN: usize = 20;
/// Choices made from values at most; beyond, a column is no select column.
const MAX_MADE_CHOICES: usize = 200;

/// What a change of type would do.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct RetypePreview {
    /// Rows with a value.
    pub total: usize,
    /// Values that convert.
    pub converts: usize,
    /// Values that would become blank; history keeps them.
    pub fails: usize,
    /// The first of them.
    pub examples: Vec<RetypeFailure>,
    /// The options the column would have.
    pub options: ColumnOptions,
}

/// A value that does not convert.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RetypeFailure {
    /// Row id.
    pub row: String,
    /// The row's first cell.
    pub title: String,
    /// As it reads now.
    pub value: String,
    /// Why it does not fit.
    pub why: String,
}

/// Tries a change of type on every row and writes nothing.
pub async fn retype_preview(
    conn: &mut SqliteConnection,
    column: &str,
    kind: ColumnType,
    options: Option<&ColumnOptions>,
) -> Result<RetypePreview, GridError> {
    let all = columns(conn).await?;
    let old = all
        .iter()
        .find(|c| c.id == column)
        .ok_or_else(|| super::apply::missing("column", column))?;
    let rows = rows_with(conn, column).await?;
    let names = Names::load(conn).await?;
    let new = retyped(old, kind, options, &rows, &names);
    new.options
        .check(kind)
        .map_err(|why| GridError::invalid("invalid_options", "options", why))?;
    let mut preview = RetypePreview {
        options: new.options.clone(),
        ..RetypePreview::default()
    };
    for row in &rows {
        let Some(value) = row.cells.get(column) else {
            continue;
        };
        preview.total += 1;
        match convert(old, &new, value, &names) {
            Ok(_) => preview.converts += 1,
            Err(why) => {
                preview.fails += 1;
                if preview.examples.len() < SHOWN {
                    preview.examples.push(RetypeFailure {
                        row: row.id.clone(),
                        title: row.title(&all),
                        value: read(old, value, &names),
                        why,
                    });
                }
            }
        }
    }
    Ok(preview)
}

impl Work {
    pub(super) async fn retype_column(
        &mut self,
        tx: &mut WriteTx,
        index: usize,
        id: &str,
        kind: ColumnType,
        options: Option<&ColumnOptions>,
    ) -> Result<(), GridError> {
        self.kind_of(id)?;
        self.load_rows_with(tx, id).await?;
        let old = self.columns[id].clone();
        let rows: Vec<Row> = self.rows.values().map(|t| t.row.clone()).collect();
        let mut new = retyped(&old, kind, options, &rows, &self.names);
        new.options = self.prepared(&new.options, kind, &format!("operations[{index}].options"))?;
        let (before, after) = (definition(&old), definition(&new));
        self.columns.insert(id.to_owned(), new.clone());
        self.column_changed(id, &before, &after);
        let mut ids: Vec<String> = self.rows.keys().cloned().collect();
        ids.sort_unstable();
        for row in ids {
            let Some(value) = self.rows[&row].row.cells.get(id).cloned() else {
                continue;
            };
            let converted = match convert(&old, &new, &value, &self.names) {
                Ok(Some(text)) => checked(tx, &mut self.links, &new, &text)
                    .await?
                    .unwrap_or_default(),
                Ok(None) | Err(_) => None,
            };
            if converted.as_ref() == Some(&value) {
                continue;
            }
            let cell = change(
                "cell",
                Some(&row),
                Some(id),
                Some(&value),
                converted.as_ref(),
            );
            self.changes.push(cell);
            if let Some(touched) = self.rows.get_mut(&row) {
                match converted {
                    Some(value) => touched.row.cells.insert(id.to_owned(), value),
                    None => touched.row.cells.remove(id),
                };
                touched.dirty = true;
            }
        }
        Ok(())
    }

    /// All rows with a value in the column, deleted ones too: restored, they
    /// must fit the new type.
    async fn load_rows_with(&mut self, tx: &mut WriteTx, column: &str) -> Result<(), DbError> {
        for row in rows_with(tx, column).await? {
            self.rows.entry(row.id.clone()).or_insert(Touched {
                row,
                deleted: false,
                dirty: false,
            });
        }
        for row in deleted_rows_with(tx, column).await? {
            self.rows.entry(row.id.clone()).or_insert(Touched {
                row,
                deleted: true,
                dirty: false,
            });
        }
        Ok(())
    }
}

/// The column as it would be: options that still apply stay, choices come from
/// the values.
fn retyped(
    old: &Column,
    kind: ColumnType,
    options: Option<&ColumnOptions>,
    rows: &[Row],
    names: &Names,
) -> Column {
    use ColumnType as T;
    let kept = || {
        let mut kept = ColumnOptions {
            description: old.options.description.clone(),
            required: old.options.required && !matches!(kind, T::Checkbox | T::Formula),
            unique: old.options.unique && kind.can_be_unique(),
            precision: old.options.precision.filter(|_| kind.is_decimal()),
            currency: old.options.currency.clone().filter(|_| kind == T::Currency),
            ..ColumnOptions::default()
        };
        if matches!(kind, T::Select | T::MultiSelect) {
            kept.choices.clone_from(&old.options.choices);
        }
        kept
    };
    let mut new = Column {
        kind,
        options: options.cloned().unwrap_or_else(kept),
        ..old.clone()
    };
    if matches!(kind, T::Select | T::MultiSelect) && new.options.choices.is_empty() {
        for row in rows {
            let Some(value) = row.cells.get(&old.id) else {
                continue;
            };
            for name in parts(old, &new, value, names) {
                if new.options.choices.len() < MAX_MADE_CHOICES {
                    new.options.ensure_choice(&name);
                }
            }
        }
    }
    new
}

/// The value in the new type's terms; links are found later. `None` is blank.
fn convert(
    old: &Column,
    new: &Column,
    value: &Value,
    names: &Names,
) -> Result<Option<Value>, String> {
    use ColumnType as T;
    let given: Value = match (old.kind, new.kind) {
        (_, T::Formula) => return Ok(None),
        (a, b) if a == b => value.clone(),
        (_, T::MultiSelect | T::Contacts | T::Funds) => parts(old, new, value, names).into(),
        (T::Contacts, T::Email) => value[0]["email"].clone(),
        (T::Contacts, T::Phone) => value[0]["phone"].clone(),
        (T::Number | T::Currency | T::Percent, _) => value.clone(),
        (T::Date, T::DateTime) => format!("{}T00:00", value.as_str().unwrap_or_default()).into(),
        (_, T::Checkbox) => match value {
            Value::Bool(_) => value.clone(),
            other => read(old, other, names).into(),
        },
        (_, T::Rating) => match value.as_str().and_then(|n| n.split('.').next()) {
            Some(whole) => whole.into(),
            None => value.clone(),
        },
        _ => read(old, value, names).into(),
    };
    normalize(new, &given)
}

/// A value as the names it consists of.
fn parts(old: &Column, new: &Column, value: &Value, names: &Names) -> Vec<String> {
    let items: Vec<Value> = match value {
        Value::Array(items) => items.clone(),
        other => vec![other.clone()],
    };
    let names = items.iter().map(|item| match item {
        Value::Object(pill) => pill["name"].as_str().unwrap_or_default().to_owned(),
        item => {
            let one = Column {
                kind: match old.kind {
                    ColumnType::MultiSelect => ColumnType::Select,
                    kind => kind,
                },
                ..old.clone()
            };
            read(&one, item, names)
        }
    });
    let is_text = matches!(old.kind, ColumnType::Text | ColumnType::LongText);
    let names: Vec<String> = if is_text && new.kind != ColumnType::Select {
        let split = |name: String| {
            name.split([',', ';', '\n'])
                .map(|part| part.trim().to_owned())
                .collect::<Vec<_>>()
        };
        names.flat_map(split).collect()
    } else {
        names.collect()
    };
    names.into_iter().filter(|n| !n.is_empty()).collect()
}

/// A value as people read it, with names for ids.
fn read(column: &Column, value: &Value, names: &Names) -> String {
    match (column.kind, value) {
        (ColumnType::User | ColumnType::Funds, Value::String(id)) => names.of(id).to_owned(),
        (ColumnType::Funds, Value::Array(ids)) => {
            let names: Vec<&str> = ids
                .iter()
                .filter_map(Value::as_str)
                .map(|id| names.of(id))
                .collect();
            names.join(", ")
        }
        _ => display(column, value),
    }
}

async fn rows_with(conn: &mut SqliteConnection, column: &str) -> Result<Vec<Row>, DbError> {
    let ids: Vec<String> = sqlx::query_scalar(
        "select id from grid_rows where deleted_at is null and cells ->> ?1 is not null",
    )
    .bind(column)
    .fetch_all(&mut *conn)
    .await?;
    let mut rows = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(2_000) {
        rows.extend(rows_by_id(conn, chunk).await?);
    }
    Ok(rows)
}

async fn deleted_rows_with(conn: &mut SqliteConnection, column: &str) -> Result<Vec<Row>, DbError> {
    let ids: Vec<String> = sqlx::query_scalar(
        "select id from grid_rows where deleted_at is not null and cells ->> ?1 is not null",
    )
    .bind(column)
    .fetch_all(&mut *conn)
    .await?;
    let mut rows = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(2_000) {
        rows.extend(deleted_rows_by_id(conn, chunk).await?);
    }
    Ok(rows)
}
