//! Working out the derived columns of a row.

use jiff::Timestamp;

use super::{Table, TableColumn, derived, follow::Touched};
use crate::{formula::Value, grid::ColumnType};

impl Table {
    /// Columns derived from the row's own cells.
    pub(super) fn derive_cells(&mut self, slot: u32, touched: &mut Touched) {
        let mut changed = Vec::new();
        let amounts = self
            .columns
            .iter()
            .filter(|c| c.column.options.commitment.is_some());
        let committed = derived::committed(amounts.map(|c| (&c.column, c.key(slot))));
        let stage = self.pipeline().and_then(|column| match column.face(slot) {
            Value::Text(name) => derived::pipeline_stage(name),
            _ => None,
        });
        let owner = self
            .owner()
            .map_or(Value::Blank, |column| column.key(slot).clone());
        self.set_derived(slot, "@owner", owner, &mut changed);
        let total = committed.total.map_or(Value::Blank, Value::Number);
        self.set_derived(slot, "@committed", total, &mut changed);
        let existing = if committed.existing {
            Value::Boolean(true)
        } else {
            Value::Blank
        };
        self.set_derived(slot, "@existing", existing, &mut changed);
        self.set_derived(
            slot,
            "@stage",
            stage.map_or(Value::Blank, Value::from),
            &mut changed,
        );
        let funds: Vec<String> = self.names.funds.iter().map(|f| f.id.clone()).collect();
        for fund in funds {
            let amount = committed.funds.iter().find(|(id, _)| *id == fund);
            let amount = amount.map_or(Value::Blank, |(_, n)| Value::Number(*n));
            self.set_derived(slot, &format!("@committed:{fund}"), amount, &mut changed);
        }
        self.note(slot, changed, touched);
    }

    /// Columns derived from tasks, contacts and the day.
    pub(super) fn derive_around(&mut self, slot: u32, touched: &mut Touched) {
        let around = self.around.get(&slot).copied().unwrap_or_default();
        let today = self.moment.today;
        let created_at = self.rows[slot as usize].created_at;
        let staleness = derived::staleness(&around, created_at, today, &self.moment.zone);
        let tasks = match around.tasks {
            0 => Value::Blank,
            n => Value::from(n),
        };
        let contact = around.last_contact_at.map_or(Value::Blank, |ms| {
            Value::DateTime(Timestamp::from_millisecond(ms).unwrap_or_default())
        });
        let reminder = derived::reminder(&around, today).map_or(Value::Blank, Value::from);
        let mut changed = Vec::new();
        for (id, value) in [
            ("@tasks", tasks),
            ("@reminder", reminder),
            ("@last_contact", contact),
            ("@staleness", Value::from(staleness)),
        ] {
            self.set_derived(slot, id, value, &mut changed);
        }
        self.note(slot, changed, touched);
    }

    pub(super) fn note(&mut self, slot: u32, changed: Vec<usize>, touched: &mut Touched) {
        if changed.is_empty() || touched.is_whole {
            return;
        }
        self.rows[slot as usize].stamp = self.stamp;
        match touched.cells.last_mut() {
            Some((last, columns)) if *last == slot => columns.extend(changed),
            _ => touched.cells.push((slot, changed)),
        }
    }

    pub(super) fn set_derived(
        &mut self,
        slot: u32,
        id: &str,
        value: Value,
        changed: &mut Vec<usize>,
    ) {
        if let Some(at) = self.by_id.get(id).copied()
            && self.columns[at].set(slot, value, &self.names)
        {
            changed.push(at);
        }
    }

    /// The first column of people: who looks after the investor.
    fn owner(&self) -> Option<&TableColumn> {
        let mut users = self.columns.iter().filter(|c| c.kind == ColumnType::User);
        users.find(|c| !derived::is_derived(&c.column.id))
    }

    fn pipeline(&self) -> Option<&TableColumn> {
        derived::pipeline_column(self.columns.iter().map(|c| &c.column))
            .and_then(|column| self.column(&column.id))
    }
}
