//! Following the grid: changes as they happen, and who is where.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::sse::{Event, Sse},
};
use crm_jobs::{
    accounts::sessions,
    db::DbError,
    grid::table::{Changes, Table},
};
use futures_util::{Stream, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{sync::watch, time::Instant};

use crate::{
    error::AppError,
    extract::{Json, Query},
    request::cookie,
    session::{self, SignedIn},
    state::App,
};

/// A comment this often keeps proxies from closing the stream; the session is
/// looked up as often.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Somebody who has not been heard of for so long is not there any more.
const GONE_AFTER: i64 = 45_000;
/// Places remembered at most, whoever asks.
const MOST_CLIENTS: usize = 500;

/// Where everybody is. Cheap to clone; never stored.
#[derive(Clone)]
pub struct Presence {
    places: Arc<Mutex<HashMap<String, Place>>>,
    changed: watch::Sender<u64>,
}

#[derive(Clone, Serialize)]
struct Place {
    client: String,
    user: String,
    name: String,
    row: Option<String>,
    column: Option<String>,
    #[serde(skip)]
    at: i64,
}

impl Default for Presence {
    fn default() -> Self {
        Self {
            places: Arc::default(),
            changed: watch::channel(0).0,
        }
    }
}

impl Presence {
    fn put(&self, place: Place) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let now = place.at;
        places.retain(|_, p| now - p.at < GONE_AFTER);
        if places.len() < MOST_CLIENTS || places.contains_key(&place.client) {
            places.insert(place.client.clone(), place);
        }
        drop(places);
        self.changed.send_modify(|n| *n += 1);
    }

    fn leave(&self, client: &str) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let was_there = places.remove(client).is_some();
        drop(places);
        if was_there {
            self.changed.send_modify(|n| *n += 1);
        }
    }

    fn others(&self, client: &str, now: i64) -> Vec<Place> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let there = |p: &&Place| p.client != client && now - p.at < GONE_AFTER;
        let mut others: Vec<Place> = places.values().filter(there).cloned().collect();
        others.sort_by(|a, b| a.client.cmp(&b.client));
        others
    }
}

/// Where somebody is now.
#[derive(Deserialize, JsonSchema)]
pub struct Here {
    /// A name of the page's own, the same as in its event stream.
    #[schemars(length(min = 1, max = 64))]
    client: String,
    /// Row id; null is nowhere in particular.
    #[serde(default)]
    #[schemars(length(max = 64))]
    row: Option<String>,
    /// Column id.
    #[serde(default)]
    #[schemars(length(max = 100))]
    column: Option<String>,
}

pub async fn presence(
    State(app): State<App>,
    who: SignedIn,
    Json(here): Json<Here>,
) -> Result<StatusCode, AppError> {
    let is_short = |text: &Option<String>| text.as_ref().is_none_or(|t| t.len() <= 400);
    if here.client.is_empty()
        || here.client.len() > 256
        || !is_short(&here.row)
        || !is_short(&here.column)
    {
        return Err(AppError::invalid(
            "client",
            "A client's name has 1 to 64 characters.",
        ));
    }
    app.presence.put(Place {
        client: here.client,
        user: who.user.id.clone(),
        name: who.user.name.clone(),
        row: here.row,
        column: here.column,
        at: app.db.now(),
    });
    Ok(StatusCode::NO_CONTENT)
}

/// Where a follower stands.
#[derive(Deserialize, JsonSchema)]
pub struct Since {
    /// The grid version it has.
    #[serde(default)]
    since: Option<i64>,
    /// The epoch its slots are of.
    #[serde(default)]
    epoch: String,
    /// The stamp it has, which tells more than the version.
    #[serde(default)]
    stamp: Option<u64>,
    /// Its name, to tell it from others.
    #[serde(default)]
    client: String,
}

impl Since {
    fn changes(&self, table: &Table) -> Changes {
        match (self.stamp, self.since) {
            (Some(stamp), _) => table.changes_since(&self.epoch, stamp),
            (None, Some(version)) => table.changes_since_version(&self.epoch, version),
            (None, None) => table.changes_since(&self.epoch, table.stamp),
        }
    }
}

/// For those whose proxies do not let streams through.
pub async fn changes(
    State(app): State<App>,
    Query(since): Query<Since>,
) -> Result<Json<Value>, AppError> {
    let table = app.grid.read().await?;
    Ok(Json(json!(since.changes(&table))))
}

/// A stream of changes and of who is where, from where the follower stands.
pub async fn events(
    State(app): State<App>,
    _who: SignedIn,
    headers: HeaderMap,
    Query(mut since): Query<Since>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, AppError> {
    // A browser that reconnects by itself says where it stood.
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok());
    if let Some(stamp) = last.and_then(|id| id.parse().ok()) {
        since.stamp = Some(stamp);
    }
    let secret = cookie(&headers, session::cookie_name(&app.config)).unwrap_or_default();
    let follower = Follower {
        grid: app.grid.changes(),
        presence: app.presence.changed.subscribe(),
        secret: secret.to_owned(),
        beat_at: Instant::now() + KEEP_ALIVE,
        first: true,
        left: Left {
            presence: app.presence.clone(),
            client: since.client.clone(),
        },
        app,
        since,
    };
    Ok(Sse::new(stream::unfold(follower, |mut follower| async {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    })))
}

/// Takes a client off the map when its stream ends.
struct Left {
    presence: Presence,
    client: String,
}

impl Drop for Left {
    fn drop(&mut self) {
        self.presence.leave(&self.client);
    }
}

struct Follower {
    app: App,
    grid: watch::Receiver<u64>,
    presence: watch::Receiver<u64>,
    secret: String,
    beat_at: Instant,
    first: bool,
    since: Since,
    left: Left,
}

impl Follower {
    /// The next event; none when the stream ends.
    async fn next(&mut self) -> Option<Event> {
        if std::mem::take(&mut self.first) {
            self.app.grid.follow().await.ok()?;
            self.presence.mark_changed();
            return self
                .changes()
                .await
                .or_else(|| Some(Event::default().comment("here")));
        }
        let closing = self.app.live.closing();
        loop {
            tokio::select! {
                () = closing.cancelled() => return None,
                () = tokio::time::sleep_until(self.beat_at) => {
                    self.beat_at += KEEP_ALIVE;
                    let alive = sessions::peek(&self.app.db, &self.secret).await;
                    return matches!(alive, Ok(Some(_))).then(|| Event::default().comment("alive"));
                }
                changed = self.grid.changed() => {
                    changed.ok()?;
                    if let Some(event) = self.changes().await {
                        return Some(event);
                    }
                }
                changed = self.presence.changed() => {
                    changed.ok()?;
                    let people = self.app.presence.others(&self.left.client, self.app.db.now());
                    let message = json!({ "type": "presence", "people": people });
                    return Some(Event::default().data(message.to_string()));
                }
            }
        }
    }

    /// What changed since the last time, if anything did.
    async fn changes(&mut self) -> Option<Event> {
        let (changes, stamp, epoch) = self.look().await.ok()?;
        if self.since.stamp == Some(stamp) && self.since.epoch == epoch {
            return None;
        }
        self.since.stamp = Some(stamp);
        self.since.epoch = epoch;
        if changes.is_nothing() {
            return None;
        }
        let event = Event::default().id(stamp.to_string());
        Some(event.data(json!(changes).to_string()))
    }

    async fn look(&self) -> Result<(Changes, u64, String), DbError> {
        let table = self.app.grid.last().await?;
        Ok((self.since.changes(&table), table.stamp, table.epoch.clone()))
    }
}
