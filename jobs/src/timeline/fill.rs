//! What only the events of a page need: read once it is known which these are.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{FromRow, SqliteConnection};

use super::{Event, Kind, What, streams::Streams};
use crate::{
    db::DbError,
    grid::Change,
    notes::{self, Note},
};

impl Streams<'_> {
    /// Reads what only the events of the page need: the lines of change sets,
    /// the notes of calls.
    pub(super) async fn fill(
        &self,
        conn: &mut SqliteConnection,
        events: &mut [Event],
    ) -> Result<(), DbError> {
        let mut lines = self.lines(conn, events).await?;
        let mut notes = self.notes_of_talks(conn, events).await?;
        for event in events {
            match &mut event.what {
                What::Changes { changes, .. } => {
                    *changes = lines.remove(&event.id).unwrap_or_default();
                }
                What::Contact { note, .. } => *note = notes.remove(&event.id),
                _ => {}
            }
        }
        Ok(())
    }

    async fn lines(
        &self,
        conn: &mut SqliteConnection,
        events: &[Event],
    ) -> Result<HashMap<String, Vec<Change>>, DbError> {
        #[derive(FromRow)]
        struct Line {
            set_id: i64,
            #[sqlx(flatten)]
            change: Change,
        }
        let sets = ids(events, Kind::Changes);
        let lines: Vec<Line> = sqlx::query_as(
            "select c.change_set_id as set_id, c.change_set_id, c.what, c.row_id, c.column_id, c.before, c.after
             from grid_changes c
             where c.row_id = ?1 and c.change_set_id in (select value + 0 from json_each(?2))
               and not (?3 and c.what = 'list')
               and not (?4 is not null and c.what = 'cell' and c.column_id = ?4 and exists
                 (select 1 from stage_events e where e.change_set_id = c.change_set_id and e.row_id = c.row_id))
               and not (?5 and c.what = 'cell' and exists
                 (select 1 from commitment_events e
                  where e.change_set_id = c.change_set_id and e.row_id = c.row_id and e.column_id = c.column_id))
             order by c.id",
        )
        .bind(self.row)
        .bind(sets)
        .bind(self.lists)
        .bind(&self.stage_column)
        .bind(self.commitments)
        .fetch_all(conn)
        .await?;
        let mut found: HashMap<String, Vec<Change>> = HashMap::new();
        for line in lines {
            found
                .entry(line.set_id.to_string())
                .or_default()
                .push(line.change);
        }
        Ok(found)
    }

    async fn notes_of_talks(
        &self,
        conn: &mut SqliteConnection,
        events: &[Event],
    ) -> Result<HashMap<String, Note>, DbError> {
        let notes: Vec<Note> = sqlx::query_as(
            "select n.id, n.row_id, n.contact_id, c.name as contact_name, n.interaction_id, n.body, n.pinned,
                    n.created_at, n.created_by, n.updated_at, n.updated_by,
                    (select count(*) from note_versions v where v.note_id = n.id) as edits
             from notes n left join contacts c on c.id = n.contact_id
             where n.interaction_id in (select value from json_each(?1)) and n.deleted_at is null",
        )
        .bind(ids(events, Kind::Contacts))
        .fetch_all(&mut *conn)
        .await?;
        let notes = notes::with_mentions(conn, notes).await?;
        Ok(notes
            .into_iter()
            .filter_map(|note| Some((note.interaction_id.clone()?, note)))
            .collect())
    }
}

/// Ids of the events of a kind, as JSON.
fn ids(events: &[Event], kind: Kind) -> String {
    let ids = events.iter().filter(|event| event.kind == kind);
    ids.map(|event| event.id.clone())
        .collect::<Value>()
        .to_string()
}
