//! Live pages: `GET /events` says that something changed, and the page fetches
//! itself again. What changed is not sent, so the stream needs no access rule
//! beyond being signed in.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::sse::{Event, Sse},
};
use crm_jobs::{
    accounts::sessions,
    changes::Watch,
    db::{Db, DbError},
    grid::table::SharedTable,
};
use futures_util::{Stream, stream};
use serde::Deserialize;
use tokio::{sync::broadcast, task::AbortHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    error::AppError,
    extract::Query,
    request::cookie,
    session::{self, SignedIn},
    state::App,
};

/// How often the one shared task looks.
const POLL: Duration = Duration::from_millis(250);
/// Formulas with `NOW()` read otherwise after so long though nothing changed.
const MINUTE: Duration = Duration::from_mins(1);
/// A comment this often keeps proxies from closing the stream; the session is
/// looked up as often, so a stream outlives it by no more than this.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

type Topics = Arc<Vec<&'static str>>;

/// The shared task and its listeners. Cheap to clone; the task ends with the
/// last clone.
#[derive(Clone)]
pub struct Live(Arc<Shared>);

struct Shared {
    changes: broadcast::Sender<Topics>,
    closing: CancellationToken,
    task: AbortHandle,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Live {
    /// Starts to watch the database.
    pub async fn start(db: &Db, grid: &SharedTable) -> Result<Self, DbError> {
        let watch = Watch::open(db).await?;
        let (changes, _) = broadcast::channel(16);
        let task = tokio::spawn(poll(watch, grid.clone(), changes.clone())).abort_handle();
        Ok(Self(Arc::new(Shared {
            changes,
            closing: CancellationToken::new(),
            task,
        })))
    }

    /// Cancelled when streams are to end.
    pub fn closing(&self) -> CancellationToken {
        self.0.closing.clone()
    }

    /// Ends all streams: without this a shutdown would wait for them.
    pub fn close(&self) {
        self.0.closing.cancel();
    }
}

async fn poll(mut watch: Watch, grid: SharedTable, changes: broadcast::Sender<Topics>) {
    let mut minute = Instant::now() + MINUTE;
    let mut ticks = tokio::time::interval(POLL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match watch.poll().await {
            Ok(topics) if topics.is_empty() && Instant::now() < minute => {}
            // Nobody listening is no error.
            Ok(topics) => {
                minute = Instant::now() + MINUTE;
                if let Err(error) = grid.follow_if_read().await {
                    tracing::warn!(%error, "cannot follow the grid; open grids stand still");
                }
                if !topics.is_empty() {
                    drop(changes.send(Arc::new(topics)));
                }
            }
            Err(error) => tracing::warn!(%error, "cannot see changes; live pages stand still"),
        }
    }
}

/// Which changes a page wants to hear of.
#[derive(Debug, Deserialize)]
pub struct EventsQuery {
    /// Topics separated by commas; all if absent.
    topics: Option<String>,
}

/// `GET /events?topics=jobs`: one message per change. Unnamed events, because
/// `EventSource.onmessage` hears no others.
pub async fn events(
    State(app): State<App>,
    who: SignedIn,
    headers: axum::http::HeaderMap,
    Query(query): Query<EventsQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, AppError> {
    tracing::debug!(user.id = who.user.id, "live stream opened");
    let secret = cookie(&headers, session::cookie_name(&app.config)).unwrap_or_default();
    let listener = Listener {
        changes: app.live.0.changes.subscribe(),
        closing: app.live.0.closing.clone(),
        db: app.db.clone(),
        secret: secret.to_owned(),
        wanted: query
            .topics
            .map(|list| list.split(',').map(ToOwned::to_owned).collect()),
        beat_at: Instant::now() + KEEP_ALIVE,
    };
    Ok(Sse::new(stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    })))
}

struct Listener {
    changes: broadcast::Receiver<Topics>,
    closing: CancellationToken,
    db: Db,
    secret: String,
    wanted: Option<Vec<String>>,
    beat_at: Instant,
}

impl Listener {
    /// The next event; none when the stream ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                () = self.closing.cancelled() => return None,
                () = tokio::time::sleep_until(self.beat_at) => {
                    self.beat_at += KEEP_ALIVE;
                    let alive = sessions::peek(&self.db, &self.secret).await;
                    return matches!(alive, Ok(Some(_))).then(|| Event::default().comment("alive"));
                }
                change = self.changes.recv() => {
                    let topics = match change {
                        Ok(topics) => self.filter(&topics),
                        // Too slow to hear all: one event stands for those missed.
                        Err(broadcast::error::RecvError::Lagged(_)) => {
                            self.wanted.clone().unwrap_or_default()
                        }
                        Err(broadcast::error::RecvError::Closed) => return None,
                    };
                    if let Some(topics) = topics_json(&topics) {
                        return Some(Event::default().data(topics));
                    }
                }
            }
        }
    }

    fn filter(&self, topics: &[&str]) -> Vec<String> {
        let wanted = |topic: &&&str| {
            self.wanted
                .as_ref()
                .is_none_or(|wanted| wanted.iter().any(|w| w == **topic))
        };
        topics
            .iter()
            .filter(wanted)
            .map(|t| (*t).to_owned())
            .collect()
    }
}

fn topics_json(topics: &[String]) -> Option<String> {
    (!topics.is_empty()).then(|| serde_json::json!({ "topics": topics }).to_string())
}

#[cfg(test)]
mod tests {
    use crm_jobs::{
        accounts::{
            self, Origin, Role, SignIn, passwords,
            users::{self, NewUser},
        },
        audit::Actor,
        testing::TestDb,
    };

    use super::*;

    /// A browser with a session, whose next beat is due now.
    async fn listening(t: &TestDb) -> (Listener, String) {
        let new = NewUser {
            email: "jo@example.org".to_owned(),
            name: "Jo".to_owned(),
            role: Role::Member,
            password_hash: Some(passwords::hash("four quiet herons").await.unwrap()),
        };
        let mut tx = t.db.write().await.unwrap();
        let user = users::create(&mut tx, new, &Actor::System, "")
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let origin = Origin::default();
        let signed_in = accounts::sign_in(&t.db, "jo@example.org", "four quiet herons", &origin);
        let SignIn::Done(secret, _) = signed_in.await.unwrap() else {
            panic!("no second factor here");
        };
        let (changes, listens) = broadcast::channel(1);
        // Held open: a stream also ends when nobody can send any more.
        std::mem::forget(changes);
        let listener = Listener {
            changes: listens,
            closing: CancellationToken::new(),
            db: t.db.clone(),
            secret,
            wanted: None,
            beat_at: Instant::now(),
        };
        (listener, user.id)
    }

    #[tokio::test]
    async fn a_stream_ends_at_the_first_beat_after_its_session() {
        let t = TestDb::new().await;
        let (mut listener, user) = listening(&t).await;
        assert!(listener.next().await.is_some(), "signed in: it goes on");
        assert_eq!(KEEP_ALIVE, Duration::from_secs(15));
        let mut tx = t.db.write().await.unwrap();
        sessions::sign_out_everywhere(&mut tx, &user, "")
            .await
            .unwrap();
        tx.commit().await.unwrap();
        listener.beat_at = Instant::now();
        assert!(listener.next().await.is_none(), "signed out: it ends");
    }

    #[tokio::test]
    async fn listening_does_not_keep_a_session_alive() {
        let t = TestDb::new().await;
        let (mut listener, _) = listening(&t).await;
        for _ in 0..3 {
            t.advance(3 * crm_jobs::clock::HOUR);
            listener.beat_at = Instant::now();
            let goes_on = listener.next().await.is_some();
            if !goes_on {
                return;
            }
        }
        panic!("nine hours of listening kept the session alive");
    }
}
