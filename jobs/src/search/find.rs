//! Answering a query.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

use sqlx::{FromRow, SqliteConnection};

use super::{
    Dictionary, FEW, Found, Group, Hit, KINDS, MOST, Wanted,
    words::{self, beginning, expression},
};
use crate::{
    db::{Db, DbError},
    notes,
};

/// Things of all kinds that are weighed for one keystroke.
const AT_ONCE: usize = 400;
/// Things of a kind that are looked at when more than that match: enough for
/// a first page, few enough for every keystroke.
const GLANCE: usize = 200;

/// What matches, by kind, the best first.
pub async fn find(db: &Db, dictionary: &Dictionary, wanted: &Wanted<'_>) -> Result<Found, DbError> {
    let typed = words::of(wanted.query);
    if typed.is_empty() {
        return Ok(Found::default());
    }
    dictionary.prepare(db).await;
    let mut conn = db.read().acquire().await?;
    let groups: Vec<Vec<String>> = typed.iter().map(|word| vec![word.clone()]).collect();
    let mut search = Search {
        typed: &typed,
        kind: wanted.kind,
        marked: typed.clone(),
        places: Vec::new(),
        counts: HashMap::new(),
    };
    search.add(&mut conn, &groups, 0).await?;
    let mut near = Vec::new();
    if search.places.len() < FEW {
        let terms = dictionary.terms(db, &mut conn).await?;
        if let Some(wider) = terms.widen(&typed) {
            let before = search.places.len();
            search.add(&mut conn, &wider, 1).await?;
            if search.places.len() > before {
                near = wider
                    .into_iter()
                    .flat_map(|any| any.into_iter().skip(1))
                    .collect();
                search.marked.extend(near.iter().cloned());
            }
        }
    }
    search.places.sort_by(Place::compare);
    Ok(Found {
        groups: search.groups(&mut conn, wanted).await?,
        near,
    })
}

/// A search under way.
struct Search<'a> {
    typed: &'a [String],
    kind: Option<&'a str>,
    /// Words that are marked in what is shown.
    marked: Vec<String>,
    places: Vec<Place>,
    /// How many there are of kinds of which only some were taken.
    counts: HashMap<String, usize>,
}

/// Where a thing stands among the others.
#[derive(FromRow)]
struct Place {
    id: i64,
    kind: String,
    title: String,
    archived: bool,
    score: f64,
    /// 0 as it was typed, 1 nearly.
    #[sqlx(skip)]
    slip: u8,
    /// 0 the very name, 1 begins like it, 2 is like it somewhere.
    #[sqlx(skip)]
    likeness: u8,
}

impl Place {
    fn compare(&self, other: &Self) -> Ordering {
        (self.archived, self.slip, self.likeness)
            .cmp(&(other.archived, other.slip, other.likeness))
            .then(self.score.total_cmp(&other.score))
            .then(self.title.len().cmp(&other.title.len()))
            .then(self.id.cmp(&other.id))
    }
}

impl Search<'_> {
    /// Adds what matches. Beyond some hundred matches nobody reads on, and weighing
    /// all of them would take too long for a keystroke: of each kind some are
    /// taken that have the words in their names, then some that have them at all.
    async fn add(
        &mut self,
        conn: &mut SqliteConnection,
        groups: &[Vec<String>],
        slip: u8,
    ) -> Result<(), DbError> {
        let all = expression(groups);
        let everywhere = format!("({{title body}} : ({all}))");
        if let Some(kind) = self.kind {
            return self.add_kind(conn, groups, kind, MOST, slip).await;
        }
        if count(conn, &everywhere).await? > AT_ONCE {
            for (kind, _) in KINDS {
                self.add_kind(conn, groups, kind, GLANCE, slip).await?;
            }
            return Ok(());
        }
        let found = weighed(conn, &everywhere).await?;
        self.take(found, slip);
        Ok(())
    }

    /// Adds what matches of one kind: all of it up to `most`, else some.
    async fn add_kind(
        &mut self,
        conn: &mut SqliteConnection,
        groups: &[Vec<String>],
        kind: &str,
        most: usize,
        slip: u8,
    ) -> Result<(), DbError> {
        let (all, mark) = (expression(groups), mark(kind));
        let of_kind = format!("({{title body}} : ({all})) AND {mark}");
        let counted = count(conn, &of_kind).await?;
        if counted <= most {
            let found = weighed(conn, &of_kind).await?;
            self.take(found, slip);
            return Ok(());
        }
        let first = groups.first().and_then(|any| any.first());
        let first = first.map_or_else(String::new, |word| beginning(word));
        let mut found = Vec::new();
        for expression in [
            // A name that begins with the first word, in use; any name; anything.
            format!("({{title}} : (^ {first} AND ({all}))) AND {mark} AND marks : \"islive\""),
            format!("({{title}} : ({all})) AND {mark}"),
            of_kind,
        ] {
            if found.len() < most {
                found.extend(unweighed(conn, &expression, most).await?);
            }
        }
        self.counts.insert(kind.to_owned(), counted);
        self.take(found, slip);
        Ok(())
    }

    /// Takes up what is not known yet.
    fn take(&mut self, found: Vec<Place>, slip: u8) {
        let query = self.typed.join(" ");
        let mut known: HashSet<i64> = self.places.iter().map(|place| place.id).collect();
        for mut place in found {
            if !known.insert(place.id) {
                continue;
            }
            place.slip = slip;
            let title = words::of(&place.title).join(" ");
            place.likeness = match title.strip_prefix(&query) {
                Some("") => 0,
                Some(_) => 1,
                None => 2,
            };
            self.places.push(place);
        }
    }

    async fn groups(
        &self,
        conn: &mut SqliteConnection,
        wanted: &Wanted<'_>,
    ) -> Result<Vec<Group>, DbError> {
        let mut kinds: Vec<(&str, &str)> = KINDS.to_vec();
        for place in &self.places {
            if kinds.iter().all(|(kind, _)| *kind != place.kind) {
                kinds.push((&place.kind, &place.kind));
            }
        }
        let mut groups = Vec::new();
        for (kind, label) in kinds {
            let of_kind: Vec<&Place> = self.places.iter().filter(|p| p.kind == kind).collect();
            if of_kind.is_empty() {
                continue;
            }
            let shown = of_kind.iter().skip(wanted.offset).take(wanted.limit);
            let ids: Vec<i64> = shown.map(|place| place.id).collect();
            let counted = self.counts.get(kind).copied().unwrap_or(0);
            groups.push(Group {
                hits: read(conn, &ids, &self.marked).await?,
                total: of_kind.len().max(counted.min(MOST)),
                is_capped: counted > MOST,
                kind: kind.to_owned(),
                label: label.to_owned(),
            });
        }
        Ok(groups)
    }
}

/// Only things of a kind. A kind is one of ours or a word that names nothing.
fn mark(kind: &str) -> String {
    let word: String = kind.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("marks : \"is{word}\"")
}

/// How many match, counted a little past [`MOST`].
async fn count(conn: &mut SqliteConnection, expression: &str) -> Result<usize, DbError> {
    let count: i64 = sqlx::query_scalar(
        "select count(*) from (select 1 from search_index where search_index match ?1 limit ?2)",
    )
    .bind(expression)
    .bind(i64::try_from(MOST + 1).unwrap_or(i64::MAX))
    .fetch_one(conn)
    .await?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// What matches, weighed: a word in the name counts ten times one in the text.
async fn weighed(conn: &mut SqliteConnection, expression: &str) -> Result<Vec<Place>, DbError> {
    sqlx::query_as(
        "select e.id, e.kind, e.title, e.archived or e.kind <> 'contact' and r.archived_at is not null as archived,
                bm25(search_index, 10.0, 1.0, 0.0) as score
         from search_index join search_entries e on e.id = search_index.rowid left join grid_rows r on r.id = e.row_id
         where search_index match ?1 and (e.row_id is null or r.id is not null and r.deleted_at is null)",
    )
    .bind(expression)
    .fetch_all(conn)
    .await
}

/// Some of what matches, as it comes.
async fn unweighed(
    conn: &mut SqliteConnection,
    expression: &str,
    most: usize,
) -> Result<Vec<Place>, DbError> {
    sqlx::query_as(
        "select e.id, e.kind, e.title, e.archived or e.kind <> 'contact' and r.archived_at is not null as archived, 0.0 as score
         from search_index join search_entries e on e.id = search_index.rowid left join grid_rows r on r.id = e.row_id
         where search_index match ?1 and (e.row_id is null or r.id is not null and r.deleted_at is null)
         limit ?2",
    )
    .bind(expression)
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(conn)
    .await
}

/// What is shown of a hit.
#[derive(FromRow)]
struct Shown {
    id: i64,
    kind: String,
    thing_id: String,
    row_id: Option<String>,
    title: String,
    body: String,
    archived: bool,
    about: Option<String>,
    status: Option<String>,
    at: Option<i64>,
}

async fn read(
    conn: &mut SqliteConnection,
    ids: &[i64],
    words: &[String],
) -> Result<Vec<Hit>, DbError> {
    let mut shown: Vec<Shown> = sqlx::query_as(
        "select e.id, e.kind, e.thing_id, e.row_id, e.title, e.body,
                e.archived or e.kind <> 'contact' and r.archived_at is not null as archived,
                iif(e.kind = 'investor', null, f.name) as about,
                iif(e.kind = 'task', (select t.status from tasks t where t.id = e.thing_id), null) as status,
                case e.kind when 'note' then (select n.created_at from notes n where n.id = e.thing_id)
                            when 'interaction' then (select i.at from interactions i where i.id = e.thing_id)
                            when 'email' then (select m.sent_at from emails m where m.id = e.thing_id) end as at
         from search_entries e
         left join grid_rows r on r.id = e.row_id
         left join fundraising_investors f on f.id = e.row_id
         where e.id in (select value from json_each(?1))",
    )
    .bind(serde_json::Value::from(ids).to_string())
    .fetch_all(conn)
    .await?;
    shown.sort_by_key(|it| ids.iter().position(|id| *id == it.id));
    Ok(shown.into_iter().map(|it| hit(it, words)).collect())
}

fn hit(it: Shown, words: &[String]) -> Hit {
    let body = if it.kind == "note" {
        notes::plain(&it.body, 4_000)
    } else {
        it.body
    };
    Hit {
        title: words::marked(&it.title, words),
        text: words::snippet(&body, words),
        kind: it.kind,
        id: it.thing_id,
        row_id: it.row_id,
        about: it.about,
        archived: it.archived,
        status: it.status,
        at: it.at,
    }
}
