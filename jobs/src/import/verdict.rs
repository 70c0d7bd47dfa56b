//! What stands in the way of an import, and what a person should know first.

use super::{
    plan::{MAX_NEW_FUNDS, Planner},
    table::Table,
};
use crate::grid::MAX_ROWS;

impl Planner<'_> {
    pub(super) fn judge(&mut self) {
        for (at, (count, sample)) in &self.ambiguous {
            self.report.errors.push(format!(
                "{}: {count} dates such as {sample} can be read in two ways: say whether the day or the month comes first",
                self.filled[*at].header
            ));
        }
        for filled in self.filled.iter().filter(|f| f.choices.too_many) {
            self.report.errors.push(format!(
                "{} has more than 1,000 different values: keep it as text",
                filled.header
            ));
        }
        if self.funds.len() > MAX_NEW_FUNDS {
            self.report.errors.push(
                "the file names more than 100 funds that do not exist: keep that column as text"
                    .to_owned(),
            );
        }
        let rows = self.grid.rows.len() + self.report.new;
        if rows > MAX_ROWS {
            self.report.errors.push(format!(
                "the grid would have {rows} rows, and takes 100,000: import fewer"
            ));
        }
    }

    pub(super) fn warn(&mut self, table: &Table) {
        for (at, count) in &self.abbreviated {
            self.report.warnings.push(format!(
                "{}: {count} amounts are abbreviated, such as $2M: the digits behind are lost",
                self.filled[*at].header
            ));
        }
        if self.key.is_none() {
            self.report
                .warnings
                .push("no key is chosen: every row becomes a new one".to_owned());
        }
        if table.blank_rows > 0 {
            self.report
                .warnings
                .push(format!("{} blank rows are left out", table.blank_rows));
        }
    }
}
