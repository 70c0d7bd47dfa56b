//! Sample values of the grid's pages, for tests and the style gallery.

use super::{
    Cell, ColumnHead, Conflict, Control, Editor, Field, GridPage, GridRow, ListTab, Pill, Value,
};
use crate::routes::page::{Badge, Choice, Frame, LinkTo, Paging, When};

pub(crate) fn pill(text: &str, colour: &'static str) -> Pill {
    Pill {
        text: text.to_owned(),
        colour,
    }
}

pub(crate) fn stages() -> Vec<Choice> {
    vec![
        Choice::new("", "(empty)", false),
        Choice::new("lead", "Lead", false),
        Choice::new("engaged", "Engaged", true),
        Choice::new("diligence", "Diligence", false),
        Choice::new("commitment", "Commitment", false),
    ]
}

pub(crate) fn field(name: &str, label: &str, control: Control, value: &str) -> Field {
    Field {
        id: format!("field-{name}"),
        name: format!("f.{name}"),
        label: label.to_owned(),
        control,
        value: value.to_owned(),
        wide: matches!(control, Control::LongText | Control::Contacts),
        ..Field::default()
    }
}

pub(crate) fn conflict() -> Conflict {
    Conflict {
        row_title: "Sample Family Office 12".to_owned(),
        label: "Ticket size".to_owned(),
        yours: "EUR 2,500,000".to_owned(),
        theirs: "EUR 3,000,000".to_owned(),
        by: "Jo Testcase".to_owned(),
        at: When::new("2025-03-04T08:12:00Z", "2 min ago"),
        action: "/grid/cells".to_owned(),
        row: "r12".to_owned(),
        column: "ticket".to_owned(),
        version: 1284,
        values: vec!["2500000".to_owned()],
        keep_theirs_href: "/grid?page=2".to_owned(),
    }
}

pub(crate) fn cell(label: &str, value: Value) -> Cell {
    Cell {
        label: label.to_owned(),
        numeric: matches!(value, Value::Number(_)),
        value,
        edit_href: Some("?page=2&edit=r1&column=c".to_owned()),
        editor: None,
    }
}

#[allow(clippy::too_many_lines, reason = "a plain list of sample values")]
fn row(n: u32) -> GridRow {
    let kinds = [
        ("Family office", "blue"),
        ("Fund of funds", "purple"),
        ("Foundation", "green"),
        ("Private", "gray"),
        ("Corporate", "orange"),
    ];
    let pick = usize::try_from(n).unwrap_or(0);
    let (kind, colour) = kinds
        .get(pick % kinds.len())
        .copied()
        .unwrap_or(("Private", "gray"));
    let stage = [
        ("Lead", "gray"),
        ("Engaged", "cyan"),
        ("Diligence", "yellow"),
        ("Commitment", "teal"),
    ];
    let (stage, stage_colour) = stage
        .get(pick % stage.len())
        .copied()
        .unwrap_or(("Lead", "gray"));
    let stars = u8::try_from(n % 5 + 1).unwrap_or(1);
    let optional = |value: Value| if n % 4 == 3 { Value::Empty } else { value };
    let mut cells = vec![
        cell("Kind", Value::Pills(vec![pill(kind, colour)])),
        cell("Stage", Value::Pills(vec![pill(stage, stage_colour)])),
        cell(
            "Ticket size",
            optional(Value::Number(format!(
                "EUR {},{:03},000",
                n % 7 + 1,
                (n * 250) % 1000
            ))),
        ),
        cell(
            "Contacts",
            Value::Contacts(vec![
                LinkTo::new(
                    &format!("Alex Placeholder {n}"),
                    &format!("mailto:alex{n}@example.org"),
                ),
                LinkTo::new(
                    &format!("Sam Placeholder {n}"),
                    &format!("mailto:sam{n}@example.org"),
                ),
            ]),
        ),
        cell("Interest", Value::Rating(stars, 5)),
        cell(
            "Follow up",
            if n.is_multiple_of(3) {
                Value::Checked
            } else {
                Value::Empty
            },
        ),
        cell(
            "Topics",
            optional(Value::Pills(vec![
                pill("Climate", "green"),
                pill("Robotics", "red"),
                pill("Health", "pink"),
            ])),
        ),
        cell(
            "Next step",
            Value::When(When::new("2025-04-01", "1 Apr 2025")),
        ),
        cell(
            "Web",
            Value::Link(LinkTo::new("example.org", "https://example.org/")),
        ),
        cell(
            "Phone",
            Value::Link(LinkTo::new("+49 30 000000", "tel:+4930000000")),
        ),
        cell("Probability", Value::Number(format!("{} %", n * 5 % 100))),
        cell(
            "Notes",
            optional(Value::Text(
                "Met at the sample conference; wants the data room after the quarter closes."
                    .to_owned(),
            )),
        ),
    ];
    cells.push(Cell {
        edit_href: None,
        ..cell(
            "Reminder",
            Value::Badge(if n % 3 == 1 {
                Badge::new("Overdue", "bad")
            } else {
                Badge::new("Open", "info")
            }),
        )
    });
    cells.push(Cell {
        edit_href: None,
        ..cell(
            "Total committed",
            Value::Number(format!("EUR {},000,000", n % 9)),
        )
    });
    GridRow {
        id: format!("r{n}"),
        href: "/investors/sample".to_owned(),
        title: format!("Sample {kind} {n}"),
        edit_href: format!("?page=2&edit=r{n}&column=name"),
        editor: None,
        archived: false,
        cells,
    }
}

fn tabs() -> Vec<ListTab> {
    [
        ("All", "", "412"),
        ("Main", "main", "148"),
        ("Follow-up", "follow_up", "61"),
        ("Longshot", "longshot", "122"),
        ("Graveyard", "graveyard", "81"),
    ]
    .into_iter()
    .map(|(label, list, count)| ListTab {
        label: label.to_owned(),
        href: format!("/grid?list={list}"),
        count: count.to_owned(),
        current: list == "main",
    })
    .collect()
}

impl GridPage {
    /// A page of the main list with a select being edited.
    #[must_use]
    pub fn sample() -> Self {
        let mut rows: Vec<GridRow> = (1..=24).map(row).collect();
        let columns = std::iter::once(("Investor".to_owned(), false))
            .chain(
                rows.iter()
                    .take(1)
                    .flat_map(|r| r.cells.iter().map(|c| (c.label.clone(), c.numeric))),
            )
            .enumerate()
            .map(|(i, (name, numeric))| ColumnHead {
                name,
                sort_href: "?sort=name".to_owned(),
                sorted: if i == 0 { "ascending" } else { "" },
                numeric,
                kind: "Text".to_owned(),
            })
            .collect();
        if let Some(cell) = rows.get_mut(3).and_then(|r| r.cells.get_mut(1)) {
            cell.editor = Some(Editor {
                action: "/grid/cells".to_owned(),
                row: "r4".to_owned(),
                column: "stage".to_owned(),
                version: 1284,
                field: Field {
                    id: "cell-editor".to_owned(),
                    name: "value".to_owned(),
                    options: stages(),
                    error: Some("“Enganged” is not an option of this column.".to_owned()),
                    ..field("stage", "Stage", Control::Select, "engaged")
                },
                cancel_href: "/grid?page=2#r4".to_owned(),
            });
        }
        Self {
            frame: Frame::sample("Investors", "/grid"),
            tabs: tabs(),
            view: "v1".to_owned(),
            notice: None,
            list: "main".to_owned(),
            list_label: "Main".to_owned(),
            search: String::new(),
            sort: "name".to_owned(),
            columns,
            rows,
            paging: Paging::sample("148 investors"),
            add_error: None,
            add_name: String::new(),
            conflict: None,
            is_new: false,
            is_archive: false,
        }
    }

    /// The same page with a conflict.
    #[must_use]
    pub fn sample_conflict() -> Self {
        let mut page = Self::sample();
        page.conflict = Some(conflict());
        page.rows.truncate(6);
        page
    }

    /// A grid with nothing in it.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            rows: Vec::new(),
            paging: Paging::default(),
            is_new: true,
            ..Self::sample()
        }
    }
}
