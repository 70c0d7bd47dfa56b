//! Building the grid page.

use crm_jobs::grid::{self, Column, LISTS, ListCounts, PageQuery, Row, Sort};

use super::{
    fields,
    page::{Cell, ColumnHead, Conflict, Editor, GridPage, GridRow, ListTab},
    query::GridQuery,
    values::{Names, list_label},
};
use crate::{
    error::AppError, frame::frame, routes::page::Paging, session::SignedIn, show, state::App,
};

const PER_PAGE: i64 = 50;

/// What a form that came back adds to the page.
#[derive(Default)]
pub struct Returned {
    /// A value that was refused: what was posted, the version it was based on,
    /// and why not.
    pub refused: Option<(Vec<String>, i64, String)>,
    /// A change that met a newer one.
    pub conflict: Option<Conflict>,
    /// The name of a row that was not added, and why not.
    pub unnamed: Option<(String, String)>,
}

/// The page at this place.
pub async fn build(
    app: &App,
    who: &SignedIn,
    query: &GridQuery,
    mut returned: Returned,
) -> Result<GridPage, AppError> {
    let names = Names::load(app).await?;
    let mut conn = app.db.read().acquire().await?;
    let columns = grid::columns(&mut conn).await?;
    let shown: Vec<&Column> = columns.iter().filter(|c| !c.hidden).collect();
    let counts = grid::list_counts(&mut conn).await?;
    let found = grid::page(&mut conn, &page_query(query, &columns, &names)).await?;
    drop(conn);
    let mut rows: Vec<GridRow> = found
        .rows
        .iter()
        .map(|row| grid_row(row, &shown, query, &names))
        .collect();
    if let Some(row) = found.rows.iter().find(|row| row.id == query.edit) {
        open_editor(&mut rows, row, &shown, query, &names, &mut returned);
    }
    let (add_name, add_error) = returned.unnamed.unzip();
    let mut frame = frame(app, who, "Investors").await;
    // After a form came back, the address in the frame is the form's.
    frame.path = query.closed().href();
    Ok(GridPage {
        frame,
        tabs: tabs(&counts, query),
        list: query.list.clone(),
        list_label: list_label(&query.list).to_owned(),
        search: query.q.clone(),
        sort: query.sort.clone(),
        columns: shown.iter().map(|column| head(column, query)).collect(),
        rows,
        paging: paging(query, found.total),
        add_error,
        add_name: add_name.unwrap_or_default(),
        conflict: returned.conflict,
        is_new: counts.all() + counts.archived == 0,
        is_archive: query.is_archive(),
    })
}

fn page_query(query: &GridQuery, columns: &[Column], names: &Names) -> PageQuery {
    let search = query.q.trim();
    PageQuery {
        list: LISTS
            .contains(&query.list.as_str())
            .then(|| query.list.clone()),
        search: (!search.is_empty()).then(|| search.to_owned()),
        search_ids: ids_named(search, columns, names),
        sort: sort(query, columns, names),
        archived: query.is_archive(),
        page: query.page(),
        per_page: PER_PAGE,
    }
}

/// Ids of options, funds and members whose names contain the text: cells hold
/// ids, people search for names.
fn ids_named(text: &str, columns: &[Column], names: &Names) -> Vec<String> {
    let lower = text.to_lowercase();
    if lower.is_empty() {
        return Vec::new();
    }
    let choices = columns.iter().flat_map(|c| &c.options.choices);
    choices
        .map(|c| (&c.id, &c.name))
        .chain(names.funds.iter().map(|f| (&f.id, &f.name)))
        .chain(names.users.iter())
        .filter(|(_, name)| name.to_lowercase().contains(&lower))
        .map(|(id, _)| id.clone())
        .collect()
}

fn sort(query: &GridQuery, columns: &[Column], names: &Names) -> Option<Sort> {
    let (id, descending) = query
        .sort
        .strip_prefix('-')
        .map_or((query.sort.as_str(), false), |id| (id, true));
    let column = columns.iter().find(|c| c.id == id)?.clone();
    let ranks = match column.kind {
        grid::ColumnType::User => {
            let mut users: Vec<_> = names.users.iter().collect();
            users.sort_by_key(|(_, name)| name.to_lowercase());
            users.into_iter().map(|(id, _)| id.clone()).collect()
        }
        grid::ColumnType::Funds => names.funds.iter().map(|f| f.id.clone()).collect(),
        _ => Vec::new(),
    };
    Some(Sort {
        column,
        ranks,
        descending,
    })
}

fn grid_row(row: &Row, shown: &[&Column], query: &GridQuery, names: &Names) -> GridRow {
    let first = shown.first().map_or("", |c| c.id.as_str());
    let edit = |column: &str| {
        format!(
            "{}#{}",
            query.closed().editing(&row.id, column).href(),
            row.id
        )
    };
    GridRow {
        id: row.id.clone(),
        href: format!("/investors/{}", row.id),
        title: title(row, shown.first().copied(), names),
        edit_href: edit(first),
        editor: None,
        archived: row.archived_at.is_some(),
        cells: shown
            .iter()
            .skip(1)
            .map(|column| Cell {
                label: column.name.clone(),
                numeric: column.kind.is_decimal(),
                value: names.value(column, row.cells.get(&column.id)),
                edit_href: Some(edit(&column.id)),
                editor: None,
            })
            .collect(),
    }
}

/// What a row is called: its first column, as people read it.
pub fn title(row: &Row, first: Option<&Column>, names: &Names) -> String {
    first
        .and_then(|c| Some(names.text(c, row.cells.get(&c.id)?)))
        .filter(|text| !text.trim().is_empty())
        .unwrap_or_else(|| "Unnamed investor".to_owned())
}

fn open_editor(
    rows: &mut [GridRow],
    row: &Row,
    shown: &[&Column],
    query: &GridQuery,
    names: &Names,
    returned: &mut Returned,
) {
    let Some(at) = shown.iter().position(|c| c.id == query.column) else {
        return;
    };
    let Some((column, drawn)) = shown
        .get(at)
        .zip(rows.iter_mut().find(|drawn| drawn.id == row.id))
    else {
        return;
    };
    let (posted, version, error) = if let Some((posted, version, why)) = returned.refused.take() {
        (posted, version, Some(why))
    } else {
        let now = row.cells.get(&column.id);
        (fields::as_posted(names, column, now), row.version, None)
    };
    let mut field = fields::field(names, column, &posted);
    "cell-editor".clone_into(&mut field.id);
    "value".clone_into(&mut field.name);
    field.error = error;
    let editor = Editor {
        action: "/grid/cells".to_owned(),
        row: row.id.clone(),
        column: column.id.clone(),
        version,
        field,
        cancel_href: format!("{}#{}", query.closed().href(), row.id),
    };
    match at.checked_sub(1) {
        None => drawn.editor = Some(editor),
        Some(cell) => {
            if let Some(cell) = drawn.cells.get_mut(cell) {
                cell.editor = Some(editor);
            }
        }
    }
}

fn head(column: &Column, query: &GridQuery) -> ColumnHead {
    let descending = format!("-{}", column.id);
    // Up, down, then back to the order of the grid.
    let (sorted, next) = if query.sort == column.id {
        ("ascending", descending)
    } else if query.sort == descending {
        ("descending", String::new())
    } else {
        ("", column.id.clone())
    };
    let sorting = GridQuery {
        sort: next,
        ..query.first_page()
    };
    ColumnHead {
        name: column.name.clone(),
        sort_href: sorting.href(),
        sorted,
        numeric: column.kind.is_decimal(),
        kind: column
            .options
            .description
            .clone()
            .unwrap_or_else(|| column.kind.label().to_owned()),
    }
}

fn tabs(counts: &ListCounts, query: &GridQuery) -> Vec<ListTab> {
    std::iter::once(("", counts.all()))
        .chain(LISTS.map(|list| (list, counts.lists.get(list).copied().unwrap_or(0))))
        .chain([("archived", counts.archived)])
        .map(|(list, count)| ListTab {
            label: list_label(list).to_owned(),
            href: GridQuery {
                list: list.to_owned(),
                ..query.first_page()
            }
            .href(),
            count: show::number(count),
            current: query.list == list,
        })
        .collect()
}

fn paging(query: &GridQuery, total: i64) -> Paging {
    let pages = (total + PER_PAGE - 1).div_euclid(PER_PAGE).max(1);
    let page = query.page();
    let href = |to: i64| (1..=pages).contains(&to).then(|| query.at_page(to).href());
    Paging {
        page: page.unsigned_abs(),
        pages: pages.unsigned_abs(),
        total: if total == 1 {
            "1 investor".to_owned()
        } else {
            format!("{} investors", show::number(total))
        },
        prev: href((page - 1).min(pages)),
        next: href(page + 1),
    }
}
