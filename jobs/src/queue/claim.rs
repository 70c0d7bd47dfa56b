//! Choosing which jobs run next.

use std::collections::{HashMap, HashSet};

use sqlx::{FromRow, SqliteConnection};

use super::JobId;
use crate::db::DbError;

/// A job that this worker now holds.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Claimed {
    pub id: JobId,
    pub kind: String,
    pub payload: String,
    pub attempt: i64,
    pub max_attempts: i64,
    pub fence: i64,
    pub run_at: i64,
    pub created_by: String,
}

#[derive(FromRow)]
struct Candidate {
    id: JobId,
    kind: String,
    group_key: Option<String>,
}

/// What may not be claimed in this turn.
struct Limits {
    /// Kinds with a limit → how many more may start (0 when paused).
    room: HashMap<String, i64>,
    /// Concurrency keys that run already.
    busy_groups: HashSet<String>,
}

/// Claims up to `slots` jobs for `worker`: the oldest due first within a
/// priority, ids break ties, so two workers agree on the order.
pub(super) async fn claim(
    conn: &mut SqliteConnection,
    now: i64,
    worker: &str,
    slots: usize,
) -> Result<Vec<Claimed>, DbError> {
    if slots == 0 {
        return Ok(Vec::new());
    }
    let mut limits = Limits::load(conn).await?;
    let mut chosen: Vec<JobId> = Vec::new();
    // A page may be full of jobs that a limit holds back: then look past them.
    while chosen.len() < slots {
        let page = candidates(conn, &limits, &chosen, slots).await?;
        let last_page = page.len() < page_size(slots);
        for candidate in page {
            if chosen.len() < slots && limits.admit(&candidate) {
                chosen.push(candidate.id);
            }
        }
        if last_page {
            break;
        }
    }
    take(conn, now, worker, &chosen).await
}

fn page_size(slots: usize) -> usize {
    slots + 8
}

async fn candidates(
    conn: &mut SqliteConnection,
    limits: &Limits,
    chosen: &[JobId],
    slots: usize,
) -> Result<Vec<Candidate>, DbError> {
    let full: Vec<&String> = limits
        .room
        .iter()
        .filter_map(|(kind, room)| (*room <= 0).then_some(kind))
        .collect();
    sqlx::query_as(
        "select id, kind, group_key from jobs
         where state = 'available'
           and kind not in (select value from json_each(?1))
           and (group_key is null or group_key not in (select value from json_each(?2)))
           and id not in (select value from json_each(?3))
         order by priority, run_at, id limit ?4",
    )
    .bind(json(&full))
    .bind(json(&limits.busy_groups))
    .bind(json(&chosen))
    .bind(i64::try_from(page_size(slots)).unwrap_or(i64::MAX))
    .fetch_all(conn)
    .await
}

async fn take(
    conn: &mut SqliteConnection,
    now: i64,
    worker: &str,
    chosen: &[JobId],
) -> Result<Vec<Claimed>, DbError> {
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let mut claimed: Vec<Claimed> = sqlx::query_as(
        "update jobs
         set state = 'running', attempt = attempt + 1, fence = fence + 1, worker_id = ?1, started_at = ?2,
             progress_done = null, progress_total = null, progress_message = null
         where state = 'available' and id in (select value from json_each(?3))
         returning id, kind, payload, attempt, max_attempts, fence, run_at, created_by",
    )
    .bind(worker)
    .bind(now)
    .bind(json(&chosen))
    .fetch_all(conn)
    .await?;
    // `returning` promises no order.
    let place: HashMap<JobId, usize> = chosen.iter().enumerate().map(|(i, id)| (*id, i)).collect();
    claimed.sort_by_key(|job| place.get(&job.id).copied());
    Ok(claimed)
}

impl Limits {
    async fn load(conn: &mut SqliteConnection) -> Result<Self, DbError> {
        let room: Vec<(String, Option<i64>)> = sqlx::query_as(
            "select k.kind,
                    case when k.paused = 1 then 0
                         else k.max_running - (select count(*) from jobs r where r.state = 'running' and r.kind = k.kind)
                    end
             from job_kinds k",
        )
        .fetch_all(&mut *conn)
        .await?;
        let busy: Vec<String> = sqlx::query_scalar(
            "select group_key from jobs where state = 'running' and group_key is not null",
        )
        .fetch_all(conn)
        .await?;
        Ok(Self {
            room: room
                .into_iter()
                .filter_map(|(kind, room)| Some((kind, room?)))
                .collect(),
            busy_groups: busy.into_iter().collect(),
        })
    }

    /// Takes the candidate's place under its limits, if there is one.
    fn admit(&mut self, candidate: &Candidate) -> bool {
        let room = self.room.get_mut(&candidate.kind);
        if room.as_ref().is_some_and(|r| **r <= 0) {
            return false;
        }
        if let Some(group) = &candidate.group_key
            && !self.busy_groups.insert(group.clone())
        {
            return false;
        }
        if let Some(room) = room {
            *room -= 1;
        }
        true
    }
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "[]".to_owned())
}
