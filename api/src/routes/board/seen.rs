//! What both layouts begin with: the view, the column, the rows in order.

use crm_jobs::grid::{
    ColumnType,
    table::{Table, TableColumn, is_derived},
    view::{self, Layout, Mode, Order, OrderQuery, View, ViewConfig, Viewer},
};

use super::{
    page::{LayoutLink, Switcher},
    place::Place,
};
use crate::{
    error::AppError,
    routes::{
        page::Choice,
        state::rows::{RowsQuery, order_query},
    },
    session::SignedIn,
    state::App,
};

/// The view somebody looks at, and what to tell them about their address.
pub struct Seen {
    /// All they could look at.
    pub views: Vec<View>,
    /// Its configuration; empty without any view.
    pub config: ViewConfig,
    /// Where they are, with the view named.
    pub place: Place,
    /// Sentences about what could not be taken as asked.
    pub notes: Vec<String>,
}

/// The view asked for, else the first of this layout, else the first.
pub async fn look(
    app: &App,
    who: &SignedIn,
    mut place: Place,
    layout: Layout,
) -> Result<Seen, AppError> {
    let views = view::list(&mut *app.db.read().acquire().await?, &who.user.id).await?;
    let mut notes = Vec::new();
    let mut found = views.iter().find(|v| v.id == place.view);
    if found.is_none() {
        let of_layout = |v: &&View| v.config.layout == Some(layout);
        found = views.iter().find(of_layout).or(views.first());
        if !place.view.is_empty() {
            let instead = found.map_or("all investors", |v| &v.name);
            notes.push(format!(
                "The view in this address is not there any more, or not yours to see. This is {instead}."
            ));
        }
    }
    place.view = found.map_or_else(String::new, |v| v.id.clone());
    let config = found.map_or_else(ViewConfig::default, |v| v.config.clone());
    Ok(Seen {
        views,
        config,
        place,
        notes,
    })
}

impl Seen {
    /// The column asked for if it is of these types, else the usual one.
    pub fn column<'t>(
        &mut self,
        table: &'t Table,
        kinds: &[ColumnType],
        usual: Option<&'t TableColumn>,
    ) -> Option<&'t TableColumn> {
        let asked = table.column(&self.place.by);
        if let Some(column) = asked.filter(|c| kinds.contains(&c.kind)) {
            return Some(column);
        }
        if !self.place.by.is_empty() {
            let what = match asked {
                None => "The column in this address is not there any more".to_owned(),
                Some(other) => format!(
                    "{} cannot be laid out like this, being of the type {}",
                    other.column.name,
                    other.column.kind.label()
                ),
            };
            self.notes.push(usual.map_or_else(
                || format!("{what}."),
                |c| format!("{what}. This is by {}.", c.column.name),
            ));
            self.place.by.clear();
        }
        usual
    }

    /// The rows of the view, as the rest of the query has them.
    pub async fn query(&self, app: &App, who: &SignedIn) -> Result<OrderQuery, AppError> {
        let view = (!self.place.view.is_empty()).then(|| self.place.view.clone());
        let asked = RowsQuery {
            view,
            search: Some(self.place.q.clone()),
            ..RowsQuery::default()
        };
        order_query(app, who, &asked).await
    }

    /// The view, if it does not open like this yet and may be changed.
    fn saves(&self, by: Option<&str>, layout: Layout) -> String {
        let view = self.views.iter().find(|v| v.id == self.place.view);
        let differs = |v: &&View| {
            let column = match layout {
                Layout::Calendar => &v.config.date_column,
                _ => &v.config.board_column,
            };
            v.mode != Mode::Locked
                && by.is_some()
                && (v.config.layout != Some(layout) || column.as_deref() != by)
        };
        view.filter(differs)
            .map(|v| v.id.clone())
            .unwrap_or_default()
    }

    /// What the bar above the layout offers.
    pub fn switcher(
        &self,
        table: &Table,
        kinds: &[ColumnType],
        by: Option<&str>,
        layout: Layout,
    ) -> Switcher {
        let views = self.views.iter();
        let columns = table.columns().iter().filter(|c| kinds.contains(&c.kind));
        let link = |label: &str, to: Layout| LayoutLink {
            label: label.to_owned(),
            href: if to == layout {
                self.place.href(to)
            } else {
                self.place.elsewhere(to)
            },
            current: to == layout,
        };
        Switcher {
            action: super::place::path(layout),
            layouts: vec![
                link("Grid", Layout::Grid),
                link("Board", Layout::Board),
                link("Calendar", Layout::Calendar),
            ],
            views: views
                .map(|v| Choice::new(&v.id, &v.name, v.id == self.place.view))
                .collect(),
            columns: columns
                .map(|c| {
                    let id = &c.column.id;
                    let is_fixed = is_derived(id) && !view::is_movable(c);
                    let fixed = if is_fixed { " (to look at)" } else { "" };
                    let label = format!("{}{fixed}", c.column.name);
                    Choice::new(id, &label, by == Some(id))
                })
                .collect(),
            saves: self.saves(by, layout),
            by: by.unwrap_or_default().to_owned(),
            layout: super::place::path(layout).trim_start_matches("/grid/"),
            month: self.place.month.clone(),
            search: self.place.q.clone(),
            clear_href: Place {
                q: String::new(),
                ..self.place.clone()
            }
            .href(layout),
        }
    }
}

/// Orders the rows and makes a page's part of them, off the async threads.
pub async fn ordered<T: Send + 'static>(
    app: &App,
    who: &SignedIn,
    query: OrderQuery,
    make: impl FnOnce(&Table, Order) -> T + Send + 'static,
) -> Result<T, AppError> {
    let table = app.grid.read_ranked(&query.ranked()).await?;
    let user = who.user.id.clone();
    let run = move || {
        let viewer = Viewer { user: Some(&user) };
        view::order(&table, &query, viewer).map(|order| make(&table, order))
    };
    let done = tokio::task::spawn_blocking(run).await;
    Ok(done.map_err(AppError::internal)??)
}
