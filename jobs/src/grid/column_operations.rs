//! The part of a write that changes columns.

use serde_json::{Value, json};

use super::{
    Column, ColumnOptions, ColumnType, GridError, MAX_COLUMNS,
    apply::{ColumnWrite, Work, change, missing},
    formulas, slug,
};

impl Work {
    pub(super) fn add_column(
        &mut self,
        index: usize,
        id: Option<&str>,
        name: &str,
        kind: ColumnType,
        options: &ColumnOptions,
    ) -> Result<(), GridError> {
        let field = |part: &str| format!("operations[{index}].{part}");
        if self.columns.len() >= MAX_COLUMNS {
            return Err(GridError::invalid(
                "too_many_columns",
                field("op"),
                "the grid has 200 columns, which is the most it takes: delete one first",
            ));
        }
        self.check_name(name, None, &field("name"))?;
        let options = self.prepared(options, kind, &field("options"))?;
        let taken = self
            .columns
            .keys()
            .chain(self.deleted_columns.keys())
            .map(String::as_str);
        let id = match id {
            None => slug(name, "column", taken),
            Some(id) if slug(id, "column", taken) == id => id.to_owned(),
            Some(_) => {
                return Err(GridError::invalid(
                    "column_id_taken",
                    field("id"),
                    "a column id is a free slug like `target_close`: leave it out to get one",
                ));
            }
        };
        let column = Column {
            id: id.clone(),
            name: name.trim().to_owned(),
            kind,
            options,
            position: self.columns.values().map(|c| c.position).max().unwrap_or(0) + 1,
            hidden: false,
        };
        self.changes.push(change(
            "column",
            None,
            Some(&id),
            None,
            Some(&definition(&column)),
        ));
        self.columns.insert(id.clone(), column);
        self.changed_columns
            .insert(id, ColumnWrite { deleted: false });
        Ok(())
    }

    pub(super) fn update_column(
        &mut self,
        index: usize,
        id: &str,
        name: Option<&str>,
        options: Option<&ColumnOptions>,
        hidden: Option<bool>,
    ) -> Result<(), GridError> {
        if let Some(name) = name {
            self.check_name(name, Some(id), &format!("operations[{index}].name"))?;
        }
        let kind = self.kind_of(id)?;
        let options = match options {
            Some(given) => {
                Some(self.prepared(given, kind, &format!("operations[{index}].options"))?)
            }
            None => None,
        };
        let column = self
            .columns
            .get_mut(id)
            .ok_or_else(|| missing("column", id))?;
        let before = definition(column);
        if let Some(name) = name {
            name.trim().clone_into(&mut column.name);
        }
        column.options = options.unwrap_or_else(|| column.options.clone());
        column.hidden = hidden.unwrap_or(column.hidden);
        let after = definition(column);
        self.column_changed(id, &before, &after);
        Ok(())
    }

    /// Moves a column; all get fresh places, so one change tells of each that moved.
    pub(super) fn move_column(&mut self, id: &str, before: Option<&str>) -> Result<(), GridError> {
        self.kind_of(id)?;
        let mut order: Vec<(i64, String)> = self
            .columns
            .values()
            .filter(|c| c.id != id)
            .map(|c| (c.position, c.id.clone()))
            .collect();
        order.sort();
        let at = match before {
            None => order.len(),
            Some(other) => order
                .iter()
                .position(|(_, c)| c == other)
                .ok_or_else(|| missing("column", other))?,
        };
        order.insert(at, (0, id.to_owned()));
        for (place, (_, id)) in (1..).zip(&order) {
            if let Some(column) = self.columns.get_mut(id) {
                let before = definition(column);
                column.position = place;
                let after = definition(column);
                self.column_changed(id, &before, &after);
            }
        }
        Ok(())
    }

    pub(super) fn place_column(&mut self, id: &str, position: i64) -> Result<(), GridError> {
        let column = self
            .columns
            .get_mut(id)
            .ok_or_else(|| missing("column", id))?;
        let before = definition(column);
        column.position = position;
        let after = definition(column);
        self.column_changed(id, &before, &after);
        Ok(())
    }

    pub(super) fn column_changed(&mut self, id: &str, before: &Value, after: &Value) {
        if before != after {
            self.changes
                .push(change("column", None, Some(id), Some(before), Some(after)));
            self.changed_columns
                .insert(id.to_owned(), ColumnWrite { deleted: false });
        }
    }

    /// Stored columns as they will be, and the derived ones.
    pub(super) fn all_columns(&self) -> Vec<Column> {
        formulas::with_derived(self.columns.values().cloned().collect(), &self.names)
    }

    pub(super) fn kind_of(&self, id: &str) -> Result<ColumnType, GridError> {
        let column = self.columns.get(id).ok_or_else(|| missing("column", id))?;
        Ok(column.kind)
    }

    /// Options checked, with a formula in the form that survives renaming.
    pub(super) fn prepared(
        &self,
        options: &ColumnOptions,
        kind: ColumnType,
        field: &str,
    ) -> Result<ColumnOptions, GridError> {
        options
            .check(kind)
            .map_err(|why| GridError::invalid("invalid_options", field, why))?;
        let mut options = options.clone();
        if let Some(source) = options.formula.take() {
            let columns = self.all_columns();
            options.formula = Some(formulas::stored(
                &source,
                &columns,
                options.airtable_blanks,
                &format!("{field}.formula"),
            )?);
        }
        Ok(options)
    }

    pub(super) fn delete_column(&mut self, index: usize, id: &str) -> Result<(), GridError> {
        let readers = formulas::readers(id, &self.all_columns());
        if !readers.is_empty() {
            return Err(GridError::invalid(
                "column_in_use",
                format!("operations[{index}].column"),
                format!(
                    "the formula of {} reads it: change that first",
                    readers.join(", ")
                ),
            ));
        }
        let column = self
            .columns
            .remove(id)
            .ok_or_else(|| missing("column", id))?;
        self.changes.push(change(
            "column",
            None,
            Some(id),
            Some(&definition(&column)),
            None,
        ));
        self.deleted_columns.insert(id.to_owned(), column);
        self.changed_columns
            .insert(id.to_owned(), ColumnWrite { deleted: true });
        Ok(())
    }

    pub(super) fn restore_column(&mut self, index: usize, id: &str) -> Result<(), GridError> {
        let Some(column) = self.deleted_columns.get(id) else {
            return self
                .columns
                .get(id)
                .map(|_| ())
                .ok_or_else(|| missing("column", id));
        };
        self.check_name(&column.name, None, &format!("operations[{index}].column"))?;
        if let Some(column) = self.deleted_columns.remove(id) {
            self.changes.push(change(
                "column",
                None,
                Some(id),
                None,
                Some(&definition(&column)),
            ));
            self.columns.insert(id.to_owned(), column);
            self.changed_columns
                .insert(id.to_owned(), ColumnWrite { deleted: false });
        }
        Ok(())
    }

    fn check_name(&self, name: &str, own: Option<&str>, field: &str) -> Result<(), GridError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 100 {
            return Err(GridError::invalid(
                "invalid_name",
                field,
                "a column name has 1 to 100 characters",
            ));
        }
        let lower = name.to_lowercase();
        let taken = self
            .columns
            .values()
            .any(|c| Some(c.id.as_str()) != own && c.name.to_lowercase() == lower);
        if taken {
            return Err(GridError::invalid(
                "name_taken",
                field,
                format!("there is a column {name:?} already: choose another name"),
            ));
        }
        Ok(())
    }
}

/// A column as history keeps it.
pub(super) fn definition(column: &Column) -> Value {
    json!({"name": column.name, "type": column.kind, "options": column.options, "hidden": column.hidden, "position": column.position})
}
