//! What tasks, notes and contacts may name: rows, people of investors, members.

use sqlx::SqliteConnection;

use crate::grid::GridError;

/// Refuses what is no live investor.
pub(crate) async fn row_is_live(conn: &mut SqliteConnection, row: &str) -> Result<(), GridError> {
    let found: Option<i64> =
        sqlx::query_scalar("select 1 from grid_rows where id = ?1 and deleted_at is null")
            .bind(row)
            .fetch_optional(conn)
            .await?;
    found.map(|_| ()).ok_or_else(|| {
        GridError::invalid(
            "no_such_investor",
            "row",
            "there is no such investor: use the id of one, or leave it out",
        )
    })
}

/// Refuses what is nobody we know.
pub(crate) async fn contact_exists(
    conn: &mut SqliteConnection,
    contact: &str,
) -> Result<(), GridError> {
    let found: Option<i64> = sqlx::query_scalar("select 1 from contacts where id = ?1")
        .bind(contact)
        .fetch_optional(conn)
        .await?;
    found.map(|_| ()).ok_or_else(|| {
        GridError::invalid(
            "no_such_contact",
            "contact",
            "there is no such contact: use the id of one, or leave it out",
        )
    })
}

/// Refuses who may not sign in.
pub(crate) async fn member_is_active(
    conn: &mut SqliteConnection,
    user: &str,
) -> Result<(), GridError> {
    let found: Option<i64> =
        sqlx::query_scalar("select 1 from users where id = ?1 and disabled_at is null")
            .bind(user)
            .fetch_optional(conn)
            .await?;
    found.map(|_| ()).ok_or_else(|| {
        GridError::invalid(
            "no_such_member",
            "assignee",
            "this is no active member of the team: choose one, or leave it to the team",
        )
    })
}

/// A text within its limits, trimmed. Line breaks only where they make sense.
pub(crate) fn text(
    field: &'static str,
    text: &str,
    most: usize,
    is_long: bool,
) -> Result<String, GridError> {
    let clean = text.replace("\r\n", "\n");
    let clean = clean.trim();
    if clean.chars().count() > most {
        return Err(GridError::invalid(
            "too_long",
            field,
            format!("{field} has at most {most} characters"),
        ));
    }
    let is_odd = |c: char| c.is_control() && !(is_long && matches!(c, '\n' | '\t'));
    if clean.chars().any(is_odd) {
        return Err(GridError::invalid(
            "odd_characters",
            field,
            format!("{field} has characters that cannot be shown: type it again"),
        ));
    }
    Ok(clean.to_owned())
}
