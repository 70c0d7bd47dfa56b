//! Whether a view can be shown: its columns exist, its filters make sense.

use super::{ViewConfig, Viewer, compile};
use crate::grid::{COLORS, ColumnType, GridError, table::Table};

/// Refuses a configuration that could not be shown; the error names the part.
pub fn check(table: &Table, config: &ViewConfig, viewer: Viewer<'_>) -> Result<(), GridError> {
    let invalid = |field: &str, why: String| GridError::invalid("invalid_view", field, why);
    if let Some(filter) = &config.filter {
        compile(table, filter, viewer)?;
    }
    if config.groups.len() > 3 {
        return Err(invalid(
            "config.groups",
            "rows group by at most three columns".to_owned(),
        ));
    }
    if config.sorts.len() > 10 || config.colors.len() > 20 || config.columns.len() > 400 {
        return Err(invalid(
            "config",
            "a view has at most 10 sorts, 20 colours and 400 columns".to_owned(),
        ));
    }
    let named = config
        .sorts
        .iter()
        .chain(&config.groups)
        .map(|by| ("config.sorts", by.column.as_str()))
        .chain(
            config
                .board_column
                .iter()
                .map(|c| ("config.board_column", c.as_str())),
        )
        .chain(
            config
                .date_column
                .iter()
                .map(|c| ("config.date_column", c.as_str())),
        )
        .chain(
            config
                .summaries
                .keys()
                .map(|c| ("config.summaries", c.as_str())),
        );
    for (field, column) in named {
        if table.column(column).is_none() {
            return Err(invalid(field, format!("there is no column {column:?}")));
        }
    }
    for color in &config.colors {
        compile(table, &color.filter, viewer)?;
        if !COLORS.contains(&color.color.as_str()) {
            return Err(invalid(
                "config.colors",
                format!(
                    "{:?} is no colour: use one of {}",
                    color.color,
                    COLORS.join(", ")
                ),
            ));
        }
    }
    let kind = |id: &Option<String>| id.as_ref().and_then(|id| Some(table.column(id)?.kind));
    if kind(&config.board_column).is_some_and(|k| k != ColumnType::Select) {
        return Err(invalid(
            "config.board_column",
            "a board goes by a single select column".to_owned(),
        ));
    }
    if kind(&config.date_column)
        .is_some_and(|k| !matches!(k, ColumnType::Date | ColumnType::DateTime))
    {
        return Err(invalid(
            "config.date_column",
            "a calendar goes by a date column".to_owned(),
        ));
    }
    let is_odd = |width: &u16| !(40..=2_000).contains(width);
    if config
        .columns
        .iter()
        .any(|c| c.width.as_ref().is_some_and(is_odd))
    {
        return Err(invalid(
            "config.columns",
            "a column is 40 to 2,000 pixels wide".to_owned(),
        ));
    }
    if config.frozen.is_some_and(|n| n > 20) {
        return Err(invalid(
            "config.frozen",
            "at most 20 columns can stand still".to_owned(),
        ));
    }
    Ok(())
}
