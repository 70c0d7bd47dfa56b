//! One query for each kind of event, each by its index.

use serde_json::Value;
use sqlx::{FromRow, SqliteConnection};

use super::{Cursor, Event, Kind, Wanted, What};
use crate::{
    db::DbError,
    files::File,
    grid::{self, ColumnType},
    notes::{self, Note},
    work::Task,
};

/// Change sets.
pub(super) const CHANGES: u8 = 0;
/// Moves from list to list.
pub(super) const LISTS: u8 = 1;
const STAGES: u8 = 2;
const COMMITMENTS: u8 = 3;
const NOTES: u8 = 4;
const CONTACTS: u8 = 5;
const TASKS_DONE: u8 = 6;
const TASKS_ADDED: u8 = 7;
const FILES: u8 = 8;
const EMAILS: u8 = 9;

/// Every stream with its kind, in the order of events at one moment.
pub(super) const STREAMS: [(u8, Kind); 10] = [
    (CHANGES, Kind::Changes),
    (LISTS, Kind::Lists),
    (STAGES, Kind::Stages),
    (COMMITMENTS, Kind::Commitments),
    (NOTES, Kind::Notes),
    (CONTACTS, Kind::Contacts),
    (TASKS_DONE, Kind::Tasks),
    (TASKS_ADDED, Kind::Tasks),
    (FILES, Kind::Files),
    (EMAILS, Kind::Emails),
];

/// What is read, and from where on.
pub(super) struct Streams<'a> {
    pub(super) row: &'a str,
    after: Option<&'a Cursor>,
    limit: i64,
    today: String,
    pub(super) lists: bool,
    /// The column whose changes are told as steps; none if they are not.
    pub(super) stage_column: Option<String>,
    pub(super) commitments: bool,
    contacts: bool,
}

impl<'a> Streams<'a> {
    pub(super) async fn new(
        conn: &mut SqliteConnection,
        row: &'a str,
        wanted: &Wanted<'a>,
        limit: usize,
    ) -> Result<Self, DbError> {
        let shown = wanted.kinds;
        let columns = grid::columns(conn).await?;
        let selects = || columns.iter().filter(|c| c.kind == ColumnType::Select);
        let stage = selects()
            .find(|c| c.options.pipeline)
            .or_else(|| selects().find(|c| c.name.eq_ignore_ascii_case("stage")));
        Ok(Self {
            row,
            after: wanted.after,
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
            today: wanted.today.to_string(),
            lists: shown.contains(&Kind::Lists),
            stage_column: stage
                .filter(|_| shown.contains(&Kind::Stages))
                .map(|c| c.id.clone()),
            commitments: shown.contains(&Kind::Commitments),
            contacts: shown.contains(&Kind::Contacts),
        })
    }

    pub(super) async fn read(
        &self,
        conn: &mut SqliteConnection,
        stream: u8,
    ) -> Result<Vec<Event>, DbError> {
        match stream {
            CHANGES => self.changes(conn).await,
            LISTS => self.lists(conn).await,
            STAGES => self.stages(conn).await,
            COMMITMENTS => self.commitments(conn).await,
            NOTES => self.notes(conn).await,
            CONTACTS => self.contacts(conn).await,
            TASKS_DONE => self.tasks_done(conn).await,
            TASKS_ADDED => self.tasks_added(conn).await,
            EMAILS => self.emails(conn).await,
            _ => self.files(conn).await,
        }
    }

    fn bound(&self, stream: u8) -> (i64, &str) {
        Cursor::bound(self.after, stream)
    }

    /// Ids that are numbers compare as such.
    fn numbered(&self, stream: u8) -> (i64, i64) {
        let (at, id) = self.bound(stream);
        (at, id.parse().unwrap_or(i64::MIN))
    }

    async fn changes(&self, conn: &mut SqliteConnection) -> Result<Vec<Event>, DbError> {
        #[derive(FromRow)]
        struct Set {
            id: i64,
            actor: String,
            origin: String,
            summary: String,
            job_id: Option<i64>,
            at: i64,
        }
        let sets: Vec<Set> = sqlx::query_as(
            "select id, actor, origin, summary, job_id, at from change_sets
             where id in (
               select distinct c.change_set_id from grid_changes c
               where c.row_id = ?1 and c.change_set_id < ?2
                 and not (?4 and c.what = 'list')
                 and not (?5 is not null and c.what = 'cell' and c.column_id = ?5 and exists
                   (select 1 from stage_events e where e.change_set_id = c.change_set_id and e.row_id = c.row_id))
                 and not (?6 and c.what = 'cell' and exists
                   (select 1 from commitment_events e
                    where e.change_set_id = c.change_set_id and e.row_id = c.row_id and e.column_id = c.column_id))
               order by c.change_set_id desc limit ?3)
             order by id desc",
        )
        .bind(self.row)
        .bind(self.after.map_or(i64::MAX, |c| c.changes_below))
        .bind(self.limit)
        .bind(self.lists)
        .bind(&self.stage_column)
        .bind(self.commitments)
        .fetch_all(conn)
        .await?;
        let mut at = i64::MAX;
        Ok(sets
            .into_iter()
            .map(|set| {
                at = at.min(set.at);
                Event {
                    kind: Kind::Changes,
                    id: set.id.to_string(),
                    at,
                    by: set.actor,
                    what: What::Changes {
                        origin: set.origin,
                        summary: set.summary,
                        job_id: set.job_id,
                        changes: Vec::new(),
                    },
                }
            })
            .collect())
    }

    async fn lists(&self, conn: &mut SqliteConnection) -> Result<Vec<Event>, DbError> {
        #[derive(FromRow)]
        struct Move {
            id: i64,
            before: Option<String>,
            after: Option<String>,
            actor: String,
            at: i64,
        }
        let moves: Vec<Move> = sqlx::query_as(
            "select c.change_set_id as id, c.before, c.after, s.actor, s.at
             from grid_changes c join change_sets s on s.id = c.change_set_id
             where c.row_id = ?1 and c.what = 'list' and c.change_set_id < ?2
             order by c.change_set_id desc limit ?3",
        )
        .bind(self.row)
        .bind(self.after.map_or(i64::MAX, |c| c.lists_below))
        .bind(self.limit)
        .fetch_all(conn)
        .await?;
        let mut at = i64::MAX;
        let part = |json: &Option<String>, name: &str| {
            let value: Value = serde_json::from_str(json.as_deref()?).ok()?;
            value[name].as_str().map(str::to_owned)
        };
        Ok(moves
            .into_iter()
            .map(|m| {
                at = at.min(m.at);
                Event {
                    kind: Kind::Lists,
                    id: m.id.to_string(),
                    at,
                    by: m.actor,
                    what: What::List {
                        from: part(&m.before, "list"),
                        to: part(&m.after, "list"),
                        reason: part(&m.after, "reason").unwrap_or_default(),
                    },
                }
            })
            .collect())
    }

    async fn stages(&self, conn: &mut SqliteConnection) -> Result<Vec<Event>, DbError> {
        #[derive(FromRow)]
        struct Step {
            id: i64,
            at: i64,
            by: String,
            from_choice: Option<String>,
            to_choice: Option<String>,
            from_stage: Option<String>,
            to_stage: Option<String>,
        }
        let (at, id) = self.numbered(STAGES);
        let steps: Vec<Step> = sqlx::query_as(
            "select id, at, by, from_choice, to_choice, from_stage, to_stage from stage_events
             where row_id = ?1 and (at, id) < (?2, ?3) order by at desc, id desc limit ?4",
        )
        .bind(self.row)
        .bind(at)
        .bind(id)
        .bind(self.limit)
        .fetch_all(conn)
        .await?;
        Ok(steps
            .into_iter()
            .map(|step| Event {
                kind: Kind::Stages,
                id: step.id.to_string(),
                at: step.at,
                by: step.by,
                what: What::Stage {
                    from: step.from_choice,
                    to: step.to_choice,
                    from_stage: step.from_stage,
                    to_stage: step.to_stage,
                },
            })
            .collect())
    }

    async fn commitments(&self, conn: &mut SqliteConnection) -> Result<Vec<Event>, DbError> {
        #[derive(FromRow)]
        struct Line {
            id: i64,
            at: i64,
            by: String,
            fund_id: String,
            fund_name: Option<String>,
            stage: String,
            before: Option<String>,
            after: Option<String>,
            currency: String,
            happened_on: String,
            note: String,
        }
        let (at, id) = self.numbered(COMMITMENTS);
        let lines: Vec<Line> = sqlx::query_as(
            "select e.id, e.at, e.by, e.fund_id, f.name as fund_name, e.stage, e.before, e.after, e.currency,
                    e.happened_on, e.note
             from commitment_events e left join funds f on f.id = e.fund_id
             where e.row_id = ?1 and (e.at, e.id) < (?2, ?3) order by e.at desc, e.id desc limit ?4",
        )
        .bind(self.row)
        .bind(at)
        .bind(id)
        .bind(self.limit)
        .fetch_all(conn)
        .await?;
        Ok(lines
            .into_iter()
            .map(|line| Event {
                kind: Kind::Commitments,
                id: line.id.to_string(),
                at: line.at,
                by: line.by,
                what: What::Commitment {
                    fund: line.fund_id,
                    fund_name: line.fund_name,
                    stage: line.stage,
                    before: line.before,
                    after: line.after,
                    currency: line.currency,
                    happened_on: line.happened_on,
                    note: line.note,
                },
            })
            .collect())
    }

    async fn notes(&self, conn: &mut SqliteConnection) -> Result<Vec<Event>, DbError> {
        let (at, id) = self.bound(NOTES);
        // A note of a call is told with the call, if calls are told.
        let notes: Vec<Note> = sqlx::query_as(
            "select n.id, n.row_id, n.contact_id, c.name as contact_name, n.interaction_id, n.body, n.pinned,
                    n.created_at, n.created_by, n.updated_at, n.updated_by,
                    (select count(*) from note_versions v where v.note_id = n.id) as edits
             from notes n left join contacts c on c.id = n.contact_id
             where n.row_id = ?1 and n.deleted_at is null and (n.created_at, n.id) < (?2, ?3)
               and not (?5 and n.interaction_id is not null)
             order by n.created_at desc, n.id desc limit ?4",
        )
        .bind(self.row)
        .bind(at)
        .bind(id)
        .bind(self.limit)
        .bind(self.contacts)
        .fetch_all(&mut *conn)
        .await?;
        let notes = notes::with_mentions(conn, notes).await?;
        Ok(notes
            .into_iter()
            .map(|note| Event {
                kind: Kind::Notes,
                id: note.id.clone(),
                at: note.created_at,
                by: note.created_by.clone(),
                what: What::Note { note },
            })
            .collect())
    }

    async fn contacts(&self, conn: &mut SqliteConnection) -> Result<Vec<Event>, DbError> {
        #[derive(FromRow)]
        struct Talk {
            id: String,
            kind: String,
            at: i64,
            note: String,
            created_by: String,
            contact_id: Option<String>,
            contact_name: Option<String>,
        }
        let (at, id) = self.bound(CONTACTS);
        let talks: Vec<Talk> = sqlx::query_as(
            "select i.id, i.kind, i.at, i.note, i.created_by, i.contact_id, c.name as contact_name
             from interactions i left join contacts c on c.id = i.contact_id
             where i.row_id = ?1 and i.deleted_at is null and (i.at, i.id) < (?2, ?3)
             order by i.at desc, i.id desc limit ?4",
        )
        .bind(self.row)
        .bind(at)
        .bind(id)
        .bind(self.limit)
        .fetch_all(conn)
        .await?;
        Ok(talks
            .into_iter()
            .map(|talk| Event {
                kind: Kind::Contacts,
                id: talk.id,
                at: talk.at,
                by: talk.created_by,
                what: What::Contact {
                    channel: talk.kind,
                    contact_id: talk.contact_id,
                    contact_name: talk.contact_name,
                    text: talk.note,
                    note: None,
                },
            })
            .collect())
    }

    async fn emails(&self, conn: &mut SqliteConnection) -> Result<Vec<Event>, DbError> {
        #[derive(FromRow)]
        struct Mail {
            id: String,
            thread_id: String,
            at: i64,
            direction: String,
            author: String,
            subject: String,
            said: String,
        }
        let (at, id) = self.bound(EMAILS);
        let mails: Vec<Mail> = sqlx::query_as(
            "select e.id, e.thread_id, l.sent_at as at, e.direction, iif(e.from_name = '', e.from_address, e.from_name) as author,
                    e.subject, substr(e.said, 1, 300) as said
             from email_links l join emails e on e.id = l.email_id
             where l.row_id = ?1 and l.deleted_at is null and (l.sent_at, l.email_id) < (?2, ?3)
               and e.is_matched = 1 and e.deleted_at is null
             order by l.sent_at desc, l.email_id desc limit ?4",
        )
        .bind(self.row)
        .bind(at)
        .bind(id)
        .bind(self.limit)
        .fetch_all(conn)
        .await?;
        Ok(mails
            .into_iter()
            .map(|mail| Event {
                kind: Kind::Emails,
                id: mail.id,
                at: mail.at,
                by: "system".to_owned(),
                what: What::Email {
                    thread_id: mail.thread_id,
                    direction: mail.direction,
                    from: mail.author,
                    subject: mail.subject,
                    said: mail.said,
                },
            })
            .collect())
    }

    async fn tasks_done(&self, conn: &mut SqliteConnection) -> Result<Vec<Event>, DbError> {
        let (at, id) = self.bound(TASKS_DONE);
        let tasks: Vec<Task> = sqlx::query_as(
            "select t.id, t.row_id, t.contact_id, c.name as contact_name, t.title, t.note, t.due_on, t.day, t.assignee,
                    t.status, t.snoozed_until, t.repeat, t.series_id, t.created_at, t.created_by, t.updated_at,
                    t.updated_by, t.done_at, t.done_by
             from tasks t left join contacts c on c.id = t.contact_id
             where t.row_id = ?1 and t.done_at is not null and t.deleted_at is null and (t.done_at, t.id) < (?2, ?3)
             order by t.done_at desc, t.id desc limit ?4",
        )
        .bind(self.row)
        .bind(at)
        .bind(id)
        .bind(self.limit)
        .fetch_all(conn)
        .await?;
        Ok(tasks
            .into_iter()
            .map(|task| Event {
                kind: Kind::Tasks,
                id: task.id.clone(),
                at: task.done_at.unwrap_or_default(),
                by: task.done_by.clone().unwrap_or_default(),
                what: What::TaskDone { task },
            })
            .collect())
    }

    async fn tasks_added(&self, conn: &mut SqliteConnection) -> Result<Vec<Event>, DbError> {
        let (at, id) = self.bound(TASKS_ADDED);
        let tasks: Vec<Task> = sqlx::query_as(
            "select t.id, t.row_id, t.contact_id, c.name as contact_name, t.title, t.note, t.due_on, t.day, t.assignee,
                    iif(t.status = 'snoozed' and t.snoozed_until <= ?5, 'open', t.status) as status,
                    t.snoozed_until, t.repeat, t.series_id, t.created_at, t.created_by, t.updated_at,
                    t.updated_by, t.done_at, t.done_by
             from tasks t left join contacts c on c.id = t.contact_id
             where t.row_id = ?1 and t.deleted_at is null and (t.created_at, t.id) < (?2, ?3)
             order by t.created_at desc, t.id desc limit ?4",
        )
        .bind(self.row)
        .bind(at)
        .bind(id)
        .bind(self.limit)
        .bind(&self.today)
        .fetch_all(conn)
        .await?;
        Ok(tasks
            .into_iter()
            .map(|task| Event {
                kind: Kind::Tasks,
                id: task.id.clone(),
                at: task.created_at,
                by: task.created_by.clone(),
                what: What::TaskAdded { task },
            })
            .collect())
    }

    async fn files(&self, conn: &mut SqliteConnection) -> Result<Vec<Event>, DbError> {
        let (at, id) = self.bound(FILES);
        let files: Vec<File> = sqlx::query_as(
            "select id, row_id, contact_id, name, media_type, size_bytes, sha256, created_at, created_by from files
             where row_id = ?1 and deleted_at is null and (created_at, id) < (?2, ?3)
             order by created_at desc, id desc limit ?4",
        )
        .bind(self.row)
        .bind(at)
        .bind(id)
        .bind(self.limit)
        .fetch_all(conn)
        .await?;
        Ok(files
            .into_iter()
            .map(|file| Event {
                kind: Kind::Files,
                id: file.id.clone(),
                at: file.created_at,
                by: file.created_by.clone(),
                what: What::File { file },
            })
            .collect())
    }
}
