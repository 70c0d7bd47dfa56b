//! A snapshot back into an empty database.

use std::{fs::File, io::BufReader, path::Path};

use serde_json::json;
use sqlx::{AssertSqlSafe, Row};
use tokio::sync::mpsc;

use super::{
    read::{self, Part},
    tables::{SnapshotTable, TABLES},
};
use crate::{
    audit::{self, Actor},
    db::{Db, DbError, SCHEMA_VERSION, WriteTx},
    investors,
};

/// Parts read ahead of the database.
const AHEAD: usize = 8;

/// Why a snapshot was not loaded. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be opened.
    #[error("cannot read {0}: {1}")]
    File(String, std::io::Error),
    /// Something is in the database already.
    #[error(
        "the database is not empty ({0} has rows): load a snapshot into a fresh CRM_DATA_DIR, before `crm-api serve` has used it"
    )]
    NotEmpty(&'static str),
    /// The document is not what it should be.
    #[error("{0}")]
    Document(String),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Tables that had rows.
    pub tables: usize,
    /// Rows of all tables.
    pub rows: usize,
    /// The schema the snapshot was taken at.
    pub schema: i64,
}

/// Loads the snapshot in `file`: all of it or nothing. People come back without
/// passwords, tokens and sessions, so nobody can sign in until a shell has reset
/// one password. The projection is rebuilt.
pub async fn load(db: &Db, file: &Path) -> Result<Loaded, LoadError> {
    let named = || file.display().to_string();
    let opened = File::open(file).map_err(|e| LoadError::File(named(), e))?;
    let (parts, mut inbox) = mpsc::channel::<Part>(AHEAD);
    let reading = tokio::task::spawn_blocking(move || {
        let mut take = |part| {
            let sent = parts.blocking_send(part);
            sent.map_err(|_| "reading ended early".to_owned())
        };
        read::read(BufReader::with_capacity(1 << 16, opened), &mut take)
    });
    let mut tx = db.write().await?;
    assert_empty(&mut tx).await?;
    // Rows refer to later ones: a change set to the one that took it back.
    sqlx::query("pragma defer_foreign_keys = on")
        .execute(&mut *tx)
        .await?;
    sqlx::query("delete from grid_state")
        .execute(&mut *tx)
        .await?;
    let mut loading = Loading::default();
    while let Some(part) = inbox.recv().await {
        loading.take(&mut tx, part).await?;
    }
    reading
        .await
        .map_err(|e| LoadError::Document(e.to_string()))?
        .map_err(LoadError::Document)?;
    let loaded = loading.finish(&mut tx).await?;
    let detail = json!({"rows": loaded.rows, "schema": loaded.schema});
    audit::record(&mut tx, &Actor::Shell, "snapshot.loaded", "", detail, "").await?;
    tx.commit().await?;
    investors::sync(db, true, |_, _| {}).await?;
    Ok(loaded)
}

/// A database that was migrated and never used.
async fn assert_empty(tx: &mut WriteTx) -> Result<(), LoadError> {
    for table in TABLES {
        // Names come from the list of tables.
        let mut sql = format!("select 1 from {}", table.name);
        if table.name == "grid_state" {
            sql.push_str(" where version > 0");
        }
        sql.push_str(" limit 1");
        let found = sqlx::query(AssertSqlSafe(sql))
            .fetch_optional(&mut **tx)
            .await?;
        if found.is_some() {
            return Err(LoadError::NotEmpty(table.name));
        }
    }
    Ok(())
}

#[derive(Default)]
struct Loading {
    schema: i64,
    insert: Option<(&'static SnapshotTable, String)>,
    seen: Vec<&'static str>,
    filled: usize,
    has_rows: bool,
    rows: usize,
}

impl Loading {
    async fn take(&mut self, tx: &mut WriteTx, part: Part) -> Result<(), LoadError> {
        match part {
            Part::Head { schema } => {
                if schema > SCHEMA_VERSION {
                    return Err(LoadError::Document(format!(
                        "the snapshot has schema {schema}, this program knows {SCHEMA_VERSION}: install the newer release"
                    )));
                }
                self.schema = schema;
            }
            Part::Table { name, columns } => self.begin(&name, &columns)?,
            Part::Rows { json, count } => {
                let Some((table, sql)) = &self.insert else {
                    return Err(LoadError::Document("rows without a table".to_owned()));
                };
                sqlx::query(AssertSqlSafe(sql.clone()))
                    .bind(json)
                    .execute(&mut **tx)
                    .await
                    .map_err(|e| refused(table.name, e))?;
                self.rows += count;
                self.filled += usize::from(!self.has_rows);
                self.has_rows = true;
            }
        }
        Ok(())
    }

    /// A snapshot of an older schema may lack columns and tables, never have more.
    fn begin(&mut self, name: &str, columns: &[String]) -> Result<(), LoadError> {
        let table = TABLES.iter().find(|t| t.name == name).ok_or_else(|| {
            LoadError::Document(format!("there is no table {name:?} in a snapshot"))
        })?;
        if self.seen.contains(&table.name) {
            return Err(LoadError::Document(format!("{name} is there twice")));
        }
        let known: Vec<&str> = table.column_names().collect();
        let mut named: Vec<&str> = Vec::with_capacity(columns.len());
        for column in columns {
            let found = known.iter().find(|k| *k == column);
            match found {
                Some(found) if !named.contains(found) => named.push(found),
                _ => {
                    return Err(LoadError::Document(format!(
                        "{name} has no column {column:?} that a snapshot could fill"
                    )));
                }
            }
        }
        if named.is_empty() || (self.schema == SCHEMA_VERSION && named.len() < known.len()) {
            return Err(LoadError::Document(format!("{name} lacks columns")));
        }
        let values: Vec<String> = (0..named.len()).map(|n| format!("value ->> {n}")).collect();
        // Names come from the list of tables.
        let mut sql = "insert into ".to_owned();
        for part in [
            name,
            " (",
            &named.join(", "),
            ") select ",
            &values.join(", "),
        ] {
            sql.push_str(part);
        }
        sql.push_str(" from json_each(?1)");
        self.seen.push(table.name);
        self.has_rows = false;
        self.insert = Some((table, sql));
        Ok(())
    }

    async fn finish(self, tx: &mut WriteTx) -> Result<Loaded, LoadError> {
        if self.schema == SCHEMA_VERSION
            && let Some(missing) = TABLES.iter().find(|t| !self.seen.contains(&t.name))
        {
            let why = format!("the snapshot is not whole: it lacks {}", missing.name);
            return Err(LoadError::Document(why));
        }
        let has_state: bool = sqlx::query_scalar("select exists (select 1 from grid_state)")
            .fetch_one(&mut **tx)
            .await?;
        if !has_state {
            let why = "the snapshot is not whole: grid_state has no row";
            return Err(LoadError::Document(why.to_owned()));
        }
        let orphan = sqlx::query("pragma foreign_key_check")
            .fetch_optional(&mut **tx)
            .await?;
        if let Some(orphan) = orphan {
            let table: String = orphan.try_get(0)?;
            let parent: String = orphan.try_get(2)?;
            let why = format!("a row of {table} refers to one of {parent} that is not there");
            return Err(LoadError::Document(why));
        }
        Ok(Loaded {
            tables: self.filled,
            rows: self.rows,
            schema: self.schema,
        })
    }
}

/// What a constraint says is about the document; all else is the database's.
fn refused(table: &str, error: DbError) -> LoadError {
    match error.as_database_error() {
        Some(said)
            if said
                .code()
                .is_some_and(|c| c.parse::<i64>().is_ok_and(|c| c & 0xff == 19)) =>
        {
            LoadError::Document(format!("{table}: {}", said.message()))
        }
        _ => LoadError::Db(error),
    }
}
