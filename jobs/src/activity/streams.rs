//! One query for each source, each by its index. A person's entries and
//! everybody's are different queries, because they are different indices.

use sqlx::{FromRow, SqliteConnection};

use super::{Cursor, Entry, Source, Wanted};
use crate::{db::DbError, import::Report};

/// The audit log without what is told better elsewhere. The condition is that of
/// the partial indices, letter by letter.
const TOLD: &str = "select id, at, actor, action, target, ip from audit_log
     where action not in ('row.added', 'row.moved', 'row.archived', 'row.restored', 'row.deleted', 'row.purged', 'grid.changed', 'grid.columns_changed', 'grid.undone', 'grid.redone', 'grid.reverted', 'grid.replaced', 'contact.changed', 'contact.merged', 'commitment.recorded', 'commitment.transferred', 'import.started', 'backup.asked')
       and not (action in ('import.created', 'import.read_again')
                and exists (select 1 from imports i where i.id = substr(target, 8) and i.applied_at is not null))
       and (at, id) < (?1, ?2) and at >= ?3
     order by at desc, id desc limit ?4";
const TOLD_BY: &str = "select id, at, actor, action, target, ip from audit_log
     where action not in ('row.added', 'row.moved', 'row.archived', 'row.restored', 'row.deleted', 'row.purged', 'grid.changed', 'grid.columns_changed', 'grid.undone', 'grid.redone', 'grid.reverted', 'grid.replaced', 'contact.changed', 'contact.merged', 'commitment.recorded', 'commitment.transferred', 'import.started', 'backup.asked')
       and not (action in ('import.created', 'import.read_again')
                and exists (select 1 from imports i where i.id = substr(target, 8) and i.applied_at is not null))
       and actor = ?5 and (at, id) < (?1, ?2) and at >= ?3
     order by at desc, id desc limit ?4";
/// The whole log.
const LOG: &str = "select id, at, actor, action, target, ip from audit_log
     where (at, id) < (?1, ?2) and at >= ?3
     order by at desc, id desc limit ?4";
const LOG_BY: &str = "select id, at, actor, action, target, ip from audit_log
     where actor = ?5 and (at, id) < (?1, ?2) and at >= ?3
     order by at desc, id desc limit ?4";
const LOG_OF: &str = "select id, at, actor, action, target, ip from audit_log
     where action = ?6 and (?5 is null or actor = ?5) and (at, id) < (?1, ?2) and at >= ?3
     order by at desc, id desc limit ?4";
/// Change sets but those of imports, which tell of themselves, and of the quick
/// log, of which the audit log tells.
const CHANGES: &str = "select id, at, actor, origin, summary from change_sets s
     where origin <> 'log'
       and not (job_id is not null and (exists (select 1 from imports i where i.job_id = s.job_id)
                or exists (select 1 from imports i where i.revert_job_id = s.job_id)))
       and (at, id) < (?1, ?2) and at >= ?3
     order by at desc, id desc limit ?4";
const CHANGES_BY: &str = "select id, at, actor, origin, summary from change_sets s
     where origin <> 'log'
       and not (job_id is not null and (exists (select 1 from imports i where i.job_id = s.job_id)
                or exists (select 1 from imports i where i.revert_job_id = s.job_id)))
       and actor = ?5 and (at, id) < (?1, ?2) and at >= ?3
     order by at desc, id desc limit ?4";
const IMPORTS: &str = "select id, applied_at as at, created_by, file_name, outcome from imports
     where applied_at is not null and deleted_at is null and (?5 is null or created_by = ?5)
       and (applied_at, id) < (?1, ?2) and applied_at >= ?3
     order by applied_at desc, id desc limit ?4";
const BACKUPS: &str =
    "select b.id, b.created_at as at, coalesce(j.created_by, 'system') as by, b.file_name, b.error
     from backups b left join jobs j on j.id = b.job_id
     where (?5 is null or coalesce(j.created_by, 'system') = ?5)
       and (b.created_at, b.id) < (?1, ?2) and b.created_at >= ?3
     order by b.created_at desc, b.id desc limit ?4";
const JOBS: &str = "select id, finished_at as at, created_by, kind, last_error from jobs
     where state = 'discarded' and finished_at is not null and (?5 is null or created_by = ?5)
       and (finished_at, id) < (?1, ?2) and finished_at >= ?3
     order by finished_at desc, id desc limit ?4";

/// What is read, and from where on.
pub(super) struct Streams<'a> {
    wanted: &'a Wanted,
    limit: i64,
}

#[derive(FromRow)]
struct Audited {
    id: i64,
    at: i64,
    actor: String,
    action: String,
    target: String,
    ip: String,
}

impl<'a> Streams<'a> {
    pub(super) fn new(wanted: &'a Wanted, limit: usize) -> Self {
        Self {
            wanted,
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
        }
    }

    /// Everything below this, as (time, id).
    fn below(&self, source: Source) -> (i64, &str) {
        let (at, id) = Cursor::bound(self.wanted.after.as_ref(), source);
        match self.wanted.to {
            Some(to) if to <= at => (to, ""),
            _ => (at, id),
        }
    }

    fn from(&self) -> i64 {
        self.wanted.from.unwrap_or(i64::MIN)
    }

    pub(super) async fn read(
        &self,
        conn: &mut SqliteConnection,
        source: Source,
    ) -> Result<Vec<Entry>, DbError> {
        match source {
            Source::Audit => self.audit(conn).await,
            Source::Changes => self.changes(conn).await,
            Source::Imports => self.imports(conn).await,
            Source::Backups => self.backups(conn).await,
            Source::Jobs => self.jobs(conn).await,
        }
    }

    async fn audit(&self, conn: &mut SqliteConnection) -> Result<Vec<Entry>, DbError> {
        let (at, id) = self.below(Source::Audit);
        let is_whole = self.wanted.source == Some(Source::Audit);
        let sql = match (&self.wanted.action, &self.wanted.actor) {
            (Some(_), _) => LOG_OF,
            (None, Some(_)) if is_whole => LOG_BY,
            (None, None) if is_whole => LOG,
            (None, Some(_)) => TOLD_BY,
            (None, None) => TOLD,
        };
        let found: Vec<Audited> = sqlx::query_as(sql)
            .bind(at)
            .bind(counted(id))
            .bind(self.from())
            .bind(self.limit)
            .bind(&self.wanted.actor)
            .bind(&self.wanted.action)
            .fetch_all(conn)
            .await?;
        let entry = |it: Audited| Entry {
            target: it.target,
            ip: it.ip,
            ..entry(
                it.id.to_string(),
                Source::Audit,
                it.at,
                it.actor,
                &it.action,
            )
        };
        Ok(found.into_iter().map(entry).collect())
    }

    async fn changes(&self, conn: &mut SqliteConnection) -> Result<Vec<Entry>, DbError> {
        let (at, id) = self.below(Source::Changes);
        let sql = if self.wanted.actor.is_some() {
            CHANGES_BY
        } else {
            CHANGES
        };
        let found: Vec<(i64, i64, String, String, String)> = sqlx::query_as(sql)
            .bind(at)
            .bind(counted(id))
            .bind(self.from())
            .bind(self.limit)
            .bind(&self.wanted.actor)
            .fetch_all(conn)
            .await?;
        let entry = |(id, at, actor, origin, summary): (i64, _, _, String, String)| Entry {
            note: summary,
            ..entry(
                id.to_string(),
                Source::Changes,
                at,
                actor,
                &format!("grid.{origin}"),
            )
        };
        Ok(found.into_iter().map(entry).collect())
    }

    async fn imports(&self, conn: &mut SqliteConnection) -> Result<Vec<Entry>, DbError> {
        let found = self.texts(conn, IMPORTS, Source::Imports).await?;
        let entry = |(id, at, by, file, outcome): Texts| {
            let report: Option<Report> = outcome.and_then(|text| serde_json::from_str(&text).ok());
            Entry {
                target: format!("import:{id}"),
                name: Some(file),
                note: report.map_or_else(String::new, |report| report.summary()),
                ..entry(id, Source::Imports, at, by, "import.applied")
            }
        };
        Ok(found.into_iter().map(entry).collect())
    }

    async fn backups(&self, conn: &mut SqliteConnection) -> Result<Vec<Entry>, DbError> {
        let found = self.texts(conn, BACKUPS, Source::Backups).await?;
        let entry = |(id, at, by, file, error): Texts| Entry {
            target: format!("backup:{id}"),
            name: Some(file),
            note: error.unwrap_or_default(),
            ..entry(id, Source::Backups, at, by, "backup.taken")
        };
        Ok(found.into_iter().map(entry).collect())
    }

    async fn texts(
        &self,
        conn: &mut SqliteConnection,
        sql: &'static str,
        source: Source,
    ) -> Result<Vec<Texts>, DbError> {
        let (at, id) = self.below(source);
        sqlx::query_as(sql)
            .bind(at)
            .bind(id)
            .bind(self.from())
            .bind(self.limit)
            .bind(&self.wanted.actor)
            .fetch_all(conn)
            .await
    }

    async fn jobs(&self, conn: &mut SqliteConnection) -> Result<Vec<Entry>, DbError> {
        let (at, id) = self.below(Source::Jobs);
        let found: Vec<(i64, i64, String, String, Option<String>)> = sqlx::query_as(JOBS)
            .bind(at)
            .bind(counted(id))
            .bind(self.from())
            .bind(self.limit)
            .bind(&self.wanted.actor)
            .fetch_all(conn)
            .await?;
        let entry = |(id, at, by, kind, error): (i64, _, _, String, Option<String>)| Entry {
            target: format!("job:{id}"),
            name: Some(kind),
            note: error.unwrap_or_default().chars().take(300).collect(),
            ..entry(id.to_string(), Source::Jobs, at, by, "job.failed")
        };
        Ok(found.into_iter().map(entry).collect())
    }
}

/// Id, time, who, name, and what else there is to say.
type Texts = (String, i64, String, String, Option<String>);

fn entry(id: String, source: Source, at: i64, by: String, action: &str) -> Entry {
    Entry {
        id,
        source,
        at,
        by,
        action: action.to_owned(),
        target: String::new(),
        name: None,
        changes: None,
        rows: None,
        has_more_changes: false,
        note: String::new(),
        ip: String::new(),
    }
}

/// An id that counts; below all of them for none.
fn counted(id: &str) -> i64 {
    id.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, SqlSafeStr};

    use super::*;
    use crate::testing::TestDb;

    /// However long the log is: each query walks one index and sorts nothing.
    #[tokio::test]
    async fn every_source_is_read_in_order_of_an_index() {
        let t = TestDb::new().await;
        let mut conn = t.db.read().acquire().await.unwrap();
        for (sql, index) in [
            (TOLD, "audit_log_told ("),
            (TOLD_BY, "audit_log_told_by_actor ("),
            (LOG, "audit_log_by_time ("),
            (LOG_BY, "audit_log_by_actor_and_time ("),
            (LOG_OF, "audit_log_by_action_and_time ("),
            (CHANGES, "change_sets_by_time ("),
            (CHANGES_BY, "change_sets_by_actor_and_time ("),
            (IMPORTS, "imports_applied ("),
            (JOBS, "jobs_finished ("),
        ] {
            let plan: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(AssertSqlSafe(format!("explain query plan {sql}")).into_sql_str())
                    .fetch_all(&mut *conn)
                    .await
                    .unwrap();
            let plan: Vec<String> = plan.into_iter().map(|step| step.3).collect();
            let plan = plan.join("; ");
            assert!(plan.contains(index), "{sql}\n{plan}");
            assert!(!plan.contains("USE TEMP B-TREE"), "{sql}\n{plan}");
        }
    }
}
