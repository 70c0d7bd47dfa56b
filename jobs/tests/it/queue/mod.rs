//! What the queue promises, held against a real database file.

mod clock_back;
mod ending;
mod enqueueing;
mod schedules;
mod steps;
mod workers;

use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock},
    time::Duration,
};

use crm_jobs::{
    queue::{
        Context, Enqueued, Job, JobError, JobId, Payload, Registry, RetryPolicy, Unique, enqueue,
        inspect::{self, JobStory},
    },
    testing::TestDb,
};
use serde::{Deserialize, Serialize};

/// A job that does what its payload says, and counts its runs by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Act {
    pub name: String,
    #[serde(default)]
    pub how: How,
    #[serde(default)]
    pub group: Option<String>,
    #[serde(default)]
    pub unique: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub enum How {
    #[default]
    Succeed,
    Fail,
    FailTimes(i64),
    RetryAfter(i64),
    GiveUp,
    SnoozeOnce(i64),
    Panic,
    Hang,
    WaitForCancel,
}

impl Act {
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    pub fn how(name: &str, how: How) -> Self {
        Self {
            how,
            ..Self::named(name)
        }
    }
}

impl Payload for Act {
    const KIND: &'static str = "act";
    const RETRY: RetryPolicy = RetryPolicy {
        max_attempts: 3,
        initial_ms: 1_000,
        factor: 2.0,
        max_ms: 60_000,
    };
    const TIMEOUT: Duration = Duration::from_millis(200);

    fn group(&self) -> Option<String> {
        self.group.clone()
    }

    fn unique(&self) -> Option<Unique> {
        let (how, key) = self.unique.as_deref()?.split_once(':')?;
        Some(match how {
            "queued" => Unique::while_queued(key),
            "unfinished" => Unique::while_unfinished(key),
            _ => Unique::for_period(key, 60_000),
        })
    }
}

impl Job for Act {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        let run = count(&self.name);
        cx.log(format!("run {run} of {}", self.name));
        cx.progress(1, 2, "half-way");
        match self.how {
            How::Succeed => cx.output(&serde_json::json!({"runs": run})),
            How::Fail => return Err(JobError::retry("boom")),
            How::FailTimes(n) if run <= n => return Err(JobError::retry("not yet")),
            How::RetryAfter(ms) if run == 1 => return Err(JobError::retry_after(ms, "busy")),
            How::GiveUp => return Err(JobError::give_up("hopeless")),
            How::SnoozeOnce(ms) if run == 1 => return Err(JobError::Snooze(cx.db().now() + ms)),
            How::Panic => panic!("ouch"),
            How::Hang => std::future::pending().await,
            How::WaitForCancel => {
                cx.cancelled().await;
                cx.check_cancelled()?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn counter() -> &'static Mutex<HashMap<String, i64>> {
    static COUNTS: OnceLock<Mutex<HashMap<String, i64>>> = OnceLock::new();
    COUNTS.get_or_init(Mutex::default)
}

pub fn count(name: &str) -> i64 {
    let mut counts = counter().lock().unwrap();
    let n = counts.entry(name.to_owned()).or_insert(0);
    *n += 1;
    *n
}

pub fn runs(name: &str) -> i64 {
    counter().lock().unwrap().get(name).copied().unwrap_or(0)
}

pub fn registry() -> Registry {
    Registry::default().with::<Act>()
}

pub async fn put<P: Payload>(t: &TestDb, payload: &P) -> Enqueued {
    let mut tx = t.db.write().await.unwrap();
    let enqueued = enqueue(&mut tx, payload).await.unwrap();
    tx.commit().await.unwrap();
    enqueued
}

pub async fn drain(t: &TestDb) -> usize {
    crm_jobs::queue::drain(&t.db, &registry()).await.unwrap()
}

pub async fn story(t: &TestDb, id: JobId) -> JobStory {
    inspect::story(t.db.read(), id).await.unwrap().unwrap()
}

pub async fn state(t: &TestDb, id: JobId) -> String {
    story(t, id).await.job.state
}

/// The kept counters must equal a count of the rows.
pub async fn assert_counts_are_true(t: &TestDb) {
    let wrong: Vec<(String, String, i64)> = sqlx::query_as(
        "select coalesce(a.kind, c.kind), coalesce(a.state, c.state), coalesce(a.n, 0)
         from (select kind, state, count(*) as n from jobs group by 1, 2) a
         full join (select * from job_counts where count <> 0) c on c.kind = a.kind and c.state = a.state
         where coalesce(a.n, 0) <> coalesce(c.count, 0)",
    )
    .fetch_all(t.db.read())
    .await
    .unwrap();
    assert!(wrong.is_empty(), "{wrong:?}");
}
