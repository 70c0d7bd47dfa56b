//! Building the grid page.

use crm_jobs::grid::{
    self, Column, GridError, Row,
    table::{Table, TableColumn, is_derived},
    view::{self, Condition, Filter, OrderQuery, SortBy, View, Viewer},
};

use super::{
    fields,
    page::{Cell, ColumnHead, Conflict, Editor, GridPage, GridRow, ListTab},
    query::GridQuery,
    values::{Names, list_label},
};
use crate::{
    error::{AppError, sentence},
    frame::frame,
    routes::page::Paging,
    session::SignedIn,
    show,
    state::App,
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

/// One page of rows, taken out of the table.
struct Found {
    tabs: Vec<ListTab>,
    columns: Vec<Shown>,
    rows: Vec<FoundRow>,
    total: i64,
    /// Why the view's own filter was left out.
    notice: Option<String>,
    is_new: bool,
}

/// A column on the page: as it reads, and whether its cells can be edited.
struct Shown {
    column: Column,
    is_edited: bool,
}

struct FoundRow {
    id: String,
    archived: bool,
    values: Vec<Option<serde_json::Value>>,
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
    let views = view::list(&mut conn, &who.user.id).await?;
    let edited = grid::row(&mut conn, &query.edit).await?;
    drop(conn);
    let current = views
        .iter()
        .find(|v| v.id == query.view)
        .or_else(|| views.first())
        .cloned();
    let found = find(app, who, query, views, current.as_ref()).await?;
    let mut rows: Vec<GridRow> = found
        .rows
        .iter()
        .map(|row| grid_row(row, &found.columns, query, &names))
        .collect();
    if let Some(row) = edited {
        open_editor(
            &mut rows,
            &row,
            &found.columns,
            query,
            &names,
            &mut returned,
        );
    }
    let (add_name, add_error) = returned.unnamed.unzip();
    let mut frame = frame(app, who, "Investors").await;
    // After a form came back, the address in the frame is the form's.
    frame.path = query.closed().href();
    Ok(GridPage {
        frame,
        tabs: found.tabs,
        view: current.as_ref().map(|v| v.id.clone()).unwrap_or_default(),
        list: query.list.clone(),
        list_label: match (&current, query.list.as_str()) {
            (Some(view), "") => view.name.clone(),
            (_, list) => list_label(list).to_owned(),
        },
        search: query.q.clone(),
        sort: query.sort.clone(),
        columns: found.columns.iter().map(|c| head(c, query)).collect(),
        rows,
        paging: paging(query, found.total),
        add_error,
        add_name: add_name.unwrap_or_default(),
        conflict: returned.conflict,
        notice: found.notice,
        is_new: found.is_new,
        is_archive: query.is_archive(),
    })
}

/// Asks the one engine for the rows of this page.
async fn find(
    app: &App,
    who: &SignedIn,
    query: &GridQuery,
    views: Vec<View>,
    current: Option<&View>,
) -> Result<Found, AppError> {
    let config = current.map(|v| v.config.clone()).unwrap_or_default();
    let wanted = OrderQuery {
        filter: filter(query, config.filter.as_ref()),
        sorts: sorts(query, &config.sorts),
        groups: config.groups.clone(),
        search: query.q.trim().to_owned(),
        archived: query.is_archive(),
        ..OrderQuery::default()
    };
    let table = app.grid.read_ranked(&wanted.ranked()).await?;
    let (query, user) = (query.clone(), who.user.id.clone());
    let current = current.map(|v| v.id.clone());
    let found = tokio::task::spawn_blocking(move || {
        let viewer = Viewer { user: Some(&user) };
        let (slots, notice) = slots(&table, &wanted, viewer)?;
        let shown = columns(&table, &config.columns);
        let start = usize::try_from((query.page() - 1) * PER_PAGE).unwrap_or(usize::MAX);
        let most = usize::try_from(PER_PAGE).unwrap_or(50);
        let page = slots.iter().skip(start).take(most);
        Ok::<_, GridError>(Found {
            rows: page
                .filter_map(|slot| found_row(&table, &shown, *slot))
                .collect(),
            columns: shown.into_iter().map(|c| as_shown(&table, c)).collect(),
            total: i64::try_from(slots.len()).unwrap_or(i64::MAX),
            tabs: tabs(&table, &views, &query, current.as_deref(), viewer),
            is_new: table.order().is_empty(),
            notice,
        })
    });
    Ok(found.await.map_err(AppError::internal)??)
}

/// The rows in order. A view whose filter or sorts name what is gone shows all
/// rows and says so: a page that cannot be opened could not be mended either.
fn slots(
    table: &Table,
    wanted: &OrderQuery,
    viewer: Viewer<'_>,
) -> Result<(Vec<u32>, Option<String>), GridError> {
    match view::order(table, wanted, viewer) {
        Ok(order) => Ok((order.slots, None)),
        Err(GridError::Invalid { detail, .. }) => {
            let plain = OrderQuery {
                search: wanted.search.chars().take(200).collect(),
                archived: wanted.archived,
                ..OrderQuery::default()
            };
            let order = view::order(table, &plain, viewer)?;
            let notice = format!(
                "This view cannot be shown as it was saved. {}",
                sentence(&detail)
            );
            Ok((order.slots, Some(notice)))
        }
        Err(other) => Err(other),
    }
}

/// A list in the address stands instead of the view's own filter.
fn filter(query: &GridQuery, own: Option<&Filter>) -> Option<Filter> {
    if grid::LISTS.contains(&query.list.as_str()) {
        return Some(Filter::Condition(Condition {
            column: "@list".to_owned(),
            op: "is".to_owned(),
            value: query.list.as_str().into(),
        }));
    }
    own.filter(|_| !query.is_archive()).cloned()
}

fn sorts(query: &GridQuery, own: &[SortBy]) -> Vec<SortBy> {
    if query.sort.is_empty() {
        return own.to_vec();
    }
    let (id, descending) = query
        .sort
        .strip_prefix('-')
        .map_or((query.sort.as_str(), false), |id| (id, true));
    vec![SortBy {
        column: id.to_owned(),
        descending,
    }]
}

/// The view's columns in its order, then the others that are not hidden.
fn columns<'t>(table: &'t Table, wanted: &[view::ViewColumn]) -> Vec<&'t TableColumn> {
    let named = wanted
        .iter()
        .filter_map(|w| Some((w, table.column(&w.id)?)));
    let is_seen = |w: &view::ViewColumn, c: &TableColumn| !w.hidden.unwrap_or(c.column.hidden);
    let mut shown: Vec<&TableColumn> = named
        .filter(|(w, c)| is_seen(w, c))
        .map(|(_, c)| c)
        .collect();
    let rest = table
        .columns()
        .iter()
        .filter(|c| !c.column.hidden && !wanted.iter().any(|w| w.id == c.column.id));
    shown.extend(rest);
    shown
}

fn as_shown(table: &Table, column: &TableColumn) -> Shown {
    let is_formula = table.result_of(&column.column.id).is_some();
    Shown {
        is_edited: !is_formula && !is_derived(&column.column.id),
        column: Column {
            // A formula reads as what it gives.
            kind: column.kind,
            ..column.column.clone()
        },
    }
}

fn found_row(table: &Table, shown: &[&TableColumn], slot: u32) -> Option<FoundRow> {
    let head = table.head(slot)?;
    let value = |column: &&TableColumn| match column.code(slot) {
        0 => None,
        code => Some(column.json(code)),
    };
    Some(FoundRow {
        id: head.id.to_string(),
        archived: head.archived,
        values: shown.iter().map(value).collect(),
    })
}

fn grid_row(row: &FoundRow, shown: &[Shown], query: &GridQuery, names: &Names) -> GridRow {
    let edit = |column: &str| {
        format!(
            "{}#{}",
            query.closed().editing(&row.id, column).href(),
            row.id
        )
    };
    let cells = shown.iter().zip(&row.values);
    let title = cells.clone().next().and_then(|(first, value)| {
        Some(names.text(&first.column, value.as_ref()?)).filter(|t| !t.trim().is_empty())
    });
    GridRow {
        id: row.id.clone(),
        href: format!("/investors/{}", row.id),
        title: title.unwrap_or_else(|| "Unnamed investor".to_owned()),
        edit_href: edit(shown.first().map_or("", |c| &c.column.id)),
        editor: None,
        archived: row.archived,
        cells: cells
            .skip(1)
            .map(|(shown, value)| Cell {
                label: shown.column.name.clone(),
                numeric: shown.column.kind.is_decimal(),
                value: names.value(&shown.column, value.as_ref()),
                edit_href: shown.is_edited.then(|| edit(&shown.column.id)),
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
    shown: &[Shown],
    query: &GridQuery,
    names: &Names,
    returned: &mut Returned,
) {
    let is_meant = |c: &Shown| c.is_edited && c.column.id == query.column;
    let Some(at) = shown.iter().position(is_meant) else {
        return;
    };
    let Some((Shown { column, .. }, drawn)) = shown
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

fn head(shown: &Shown, query: &GridQuery) -> ColumnHead {
    let column = &shown.column;
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

/// A tab for every view, and one for the archive, each with its count.
fn tabs(
    table: &Table,
    views: &[View],
    query: &GridQuery,
    current: Option<&str>,
    viewer: Viewer<'_>,
) -> Vec<ListTab> {
    let count = |filter: Option<&Filter>, archived| {
        let compiled = filter
            .map(|f| view::compile(table, f, viewer))
            .transpose()
            .ok()?;
        let is_in = |slot: &&u32| {
            table.head(**slot).is_some_and(|h| h.archived == archived)
                && compiled.as_ref().is_none_or(|f| f.holds(**slot))
        };
        let found = table.order().iter().filter(is_in).count();
        Some(show::number(i64::try_from(found).unwrap_or(i64::MAX)))
    };
    let at = |view: &str, list: &str| {
        let place = GridQuery {
            view: view.to_owned(),
            list: list.to_owned(),
            ..query.first_page()
        };
        place.href()
    };
    let view_tabs = views.iter().map(|view| ListTab {
        label: view.name.clone(),
        href: at(&view.id, ""),
        count: count(view.config.filter.as_ref(), false).unwrap_or_default(),
        current: query.list.is_empty() && current == Some(&view.id),
    });
    let archive = ListTab {
        label: list_label("archived").to_owned(),
        href: at("", "archived"),
        count: count(None, true).unwrap_or_default(),
        current: query.is_archive(),
    };
    view_tabs.chain([archive]).collect()
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
