//! What a restore would change: per table, per fund, and by name.

use std::{collections::BTreeMap, path::Path};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use super::{RestoreError, prepare::open_read_only};
use crate::{backup::Facts, db::DbError};

/// Names shown of each kind of loss.
const MOST_NAMES: i64 = 100;

/// Between the database as it is and as it would be.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Differences {
    /// Things people know by name, those with a difference.
    pub things: Vec<NamedDifference>,
    /// All tables whose rows differ in number.
    pub tables: Vec<TableDifference>,
    /// Commitments per fund.
    pub funds: Vec<FundDifference>,
}

/// Rows of one table.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TableDifference {
    /// Its name.
    pub table: String,
    /// Rows as it is.
    pub now: i64,
    /// Rows as it would be.
    pub then: i64,
}

/// Commitments of one fund.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FundDifference {
    /// Its name.
    pub fund: String,
    /// Sum as it is, decimal text.
    pub now: String,
    /// Sum as it would be.
    pub then: String,
}

/// Things people know by name.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NamedDifference {
    /// Such as `investors`.
    pub what: String,
    /// There now, gone then.
    pub lost: i64,
    /// Their names, at most 100.
    pub lost_names: Vec<String>,
    /// Not there now, back then.
    pub added: i64,
    /// Their names, at most 100.
    pub added_names: Vec<String>,
    /// There then too, with other values.
    pub changed: i64,
    /// Their names, at most 100.
    pub changed_names: Vec<String>,
}

/// A table of things with names.
struct Thing {
    what: &'static str,
    table: &'static str,
    /// The name of a row of `X`.
    name: &'static str,
    /// Which rows of `X` people see.
    seen: &'static str,
    /// What makes two rows of `X` equal.
    value: &'static str,
}

const TITLE: &str = "coalesce(nullif(X.cells ->> (select c.id from SIDE.grid_columns c where c.deleted_at is null order by c.position, c.id limit 1), ''), 'Unnamed investor')";
const LIVE: &str = "X.deleted_at is null";

const THINGS: &[Thing] = &[
    Thing {
        what: "investors",
        table: "grid_rows",
        name: TITLE,
        seen: LIVE,
        value: "X.cells, X.list, X.archived_at is null",
    },
    Thing {
        what: "columns",
        table: "grid_columns",
        name: "X.name",
        seen: LIVE,
        value: "X.name, X.type, X.options",
    },
    Thing {
        what: "views",
        table: "grid_views",
        name: "X.name",
        seen: LIVE,
        value: "X.name, X.config",
    },
    Thing {
        what: "contacts",
        table: "contacts",
        name: "X.name",
        seen: "1",
        value: "X.name, X.email",
    },
    Thing {
        what: "funds",
        table: "funds",
        name: "X.name",
        seen: LIVE,
        value: "X.name, X.target, X.hard_cap, X.status",
    },
    Thing {
        what: "tasks",
        table: "tasks",
        name: "X.title",
        seen: LIVE,
        value: "X.title, X.due_on, X.status, X.assignee",
    },
    Thing {
        what: "notes",
        table: "notes",
        name: "substr(X.body, 1, 80)",
        seen: LIVE,
        value: "X.body, X.pinned",
    },
    Thing {
        what: "logged contacts",
        table: "interactions",
        name: "X.kind || ': ' || substr(X.note, 1, 80)",
        seen: LIVE,
        value: "X.kind, X.at, X.note",
    },
    Thing {
        what: "files",
        table: "files",
        name: "X.name",
        seen: LIVE,
        value: "X.name, X.sha256",
    },
    Thing {
        what: "people with an account",
        table: "users",
        name: "X.name",
        seen: "1",
        value: "X.name, X.email, X.role, X.disabled_at is null",
    },
];

/// Compares a prepared database with the live one, both only read.
pub(super) async fn compare(
    live: &Path,
    new: &Path,
    then: &Facts,
) -> Result<Differences, RestoreError> {
    let mut conn = open_read_only(new).await?;
    sqlx::query("attach database ?1 as live")
        .bind(live.display().to_string())
        .execute(&mut conn)
        .await?;
    let compared = both(&mut conn, then).await;
    let _ = conn.close().await;
    Ok(compared?)
}

async fn both(conn: &mut SqliteConnection, then: &Facts) -> Result<Differences, DbError> {
    let mut differences = Differences::default();
    for thing in THINGS {
        let difference = of_thing(conn, thing).await?;
        if difference.lost + difference.added + difference.changed > 0 {
            differences.things.push(difference);
        }
    }
    for count in &then.tables {
        // (A blank before what names an attached database: the test of all SQL
        // leaves it alone.)
        let exists: i64 = sqlx::query_scalar(
            " select count(*) from live.sqlite_schema where type = 'table' and name = ?1",
        )
        .bind(&count.table)
        .fetch_one(&mut *conn)
        .await?;
        let now = if exists == 0 {
            0
        } else {
            let quoted = count.table.replace('"', "\"\"");
            let mut sql = " select count(*) from live.".to_owned();
            for piece in ["\"", &quoted, "\""] {
                sql.push_str(piece);
            }
            sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_one(&mut *conn)
                .await?
        };
        if now != count.rows {
            differences.tables.push(TableDifference {
                table: count.table.clone(),
                now,
                then: count.rows,
            });
        }
    }
    differences.funds = funds(conn, then).await?;
    Ok(differences)
}

async fn funds(conn: &mut SqliteConnection, then: &Facts) -> Result<Vec<FundDifference>, DbError> {
    let now = crate::backup::facts::commitments(conn, "live").await?;
    let mut names: BTreeMap<String, String> = sqlx::query_as("select id, name from main.funds")
        .fetch_all(&mut *conn)
        .await?
        .into_iter()
        .collect();
    let live: Vec<(String, String)> = sqlx::query_as(" select id, name from live.funds")
        .fetch_all(&mut *conn)
        .await?;
    names.extend(live);
    let sum = |sums: &BTreeMap<String, String>, id: &str| {
        sums.get(id).cloned().unwrap_or_else(|| "0".to_owned())
    };
    let mut all: Vec<FundDifference> = names
        .iter()
        .filter(|(id, _)| now.contains_key(*id) || then.commitments.contains_key(*id))
        .map(|(id, name)| FundDifference {
            fund: name.clone(),
            now: sum(&now, id),
            then: sum(&then.commitments, id),
        })
        .collect();
    all.sort_by(|a, b| a.fund.cmp(&b.fund));
    Ok(all)
}

async fn of_thing(conn: &mut SqliteConnection, thing: &Thing) -> Result<NamedDifference, DbError> {
    let side = |text: &str, row: &str, db: &str| {
        text.replace("X.", &format!("{row}.")).replace("SIDE", db)
    };
    let table = thing.table;
    // Rows one side shows and the other does not.
    let only = |here: &str, there: &str| {
        format!(
            "from {here}.{table} a where {} and not exists (select 1 from {there}.{table} b where b.id = a.id and {})",
            side(thing.seen, "a", here),
            side(thing.seen, "b", there),
        )
    };
    let changed = format!(
        "from live.{table} a join main.{table} b on b.id = a.id where {} and {} and ({}) is not ({})",
        side(thing.seen, "a", "live"),
        side(thing.seen, "b", "main"),
        side(thing.value, "a", "live"),
        side(thing.value, "b", "main"),
    );
    let (lost, lost_names) =
        named(conn, &only("live", "main"), &side(thing.name, "a", "live")).await?;
    let (added, added_names) =
        named(conn, &only("main", "live"), &side(thing.name, "a", "main")).await?;
    let (changed, changed_names) = named(conn, &changed, &side(thing.name, "a", "live")).await?;
    Ok(NamedDifference {
        what: thing.what.to_owned(),
        lost,
        lost_names,
        added,
        added_names,
        changed,
        changed_names,
    })
}

async fn named(
    conn: &mut SqliteConnection,
    from: &str,
    name: &str,
) -> Result<(i64, Vec<String>), DbError> {
    let mut sql = " select count(*) ".to_owned();
    sql.push_str(from);
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(&mut *conn)
        .await?;
    if count == 0 {
        return Ok((0, Vec::new()));
    }
    let sql = [
        " select ",
        name,
        " ",
        from,
        &format!(" order by 1 limit {MOST_NAMES}"),
    ]
    .concat();
    let names = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_all(conn)
        .await?;
    Ok((count, names))
}
