//! Takes the secrets out of a copy of the database.

use crate::{
    db::{DbError, WriteTx},
    export::OPEN_SETTINGS,
};

/// Empties what would let somebody in. The copy is written anew afterwards, so
/// nothing of it stays in pages that are no longer used.
pub(super) async fn blank(tx: &mut WriteTx) -> Result<(), DbError> {
    for sql in [
        "delete from sessions",
        "delete from half_sign_ins",
        "delete from recovery_codes",
        "delete from second_factors",
        "delete from invite_letters",
        "delete from links",
        "delete from api_tokens",
        "delete from calendar_feeds",
        "delete from login_failures",
        "delete from idempotency_keys",
        "delete from workers",
        "update users set password_hash = null where password_hash is not null",
        // Whoever starts the app on the copy does not want our waiting work done.
        "delete from jobs where finished_at is null",
    ] {
        sqlx::query(sql).execute(&mut **tx).await?;
    }
    let open =
        serde_json::to_string(&OPEN_SETTINGS).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    sqlx::query("delete from settings where key not in (select value from json_each(?1))")
        .bind(open)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
