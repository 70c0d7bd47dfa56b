//! Step 5: the new database is made fit to be worked with. One transaction, once.

use serde_json::json;

use super::{RestoreError, Status, carry::Carried, swap};
use crate::{
    audit::{self, Actor},
    backup::{self, MAIL_HELD, Manifest},
    clock::Clock,
    db::{DataDir, Db, WriteTx},
    queue::reached,
    settings,
};

/// Ends what belonged to the old world. Nobody else can have the database open.
pub(super) async fn settle_in(
    dir: &DataDir,
    clock: &Clock,
    status: &Status,
) -> Result<(), RestoreError> {
    let carried = Carried::load(&swap::scratch(dir, &status.id))?;
    let on_disk = backup::manifests(&dir.backups());
    let db = Db::open_alone(dir.path(), clock.clone()).await?;
    let settled = write(&db, status, &carried, &on_disk).await;
    db.close().await;
    settled
}

async fn write(
    db: &Db,
    status: &Status,
    carried: &Carried,
    on_disk: &[Manifest],
) -> Result<(), RestoreError> {
    let mut tx = db.write().await?;
    let done: i64 = sqlx::query_scalar("select exists (select 1 from restores where id = ?1)")
        .bind(&status.id)
        .fetch_one(&mut *tx)
        .await?;
    if done == 1 {
        return Ok(());
    }
    carried.put(&mut tx, on_disk).await?;
    let now = tx.now();
    for sql in [
        "delete from sessions",
        "delete from half_sign_ins",
        "delete from invite_letters",
        "delete from links",
        "delete from workers",
        "delete from login_failures",
    ] {
        sqlx::query(sql).execute(&mut *tx).await?;
    }
    let cancelled = sqlx::query(
        "update jobs set state = 'cancelled', finished_at = ?1, last_error = 'a restore brought back the database it waited in'
         where state in ('scheduled', 'available', 'running')",
    )
    .bind(now)
    .execute(&mut *tx)
    .await?
    .rows_affected();
    settings::set(&mut tx, MAIL_HELD, &true, "system").await?;
    sqlx::query(
        "insert into restores (id, backup_id, file, taken_at, by, safety_backup, replaced, downtime_ms, at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?1, ?7, ?8)",
    )
    .bind(&status.id)
    .bind(&status.backup_id)
    .bind(&status.file)
    .bind(status.taken_at)
    .bind(&status.by)
    .bind(&status.safety_backup)
    .bind(status.closed_at.map_or(0, |at| now - at))
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let actor = match Actor::user_id(&status.by) {
        Some(id) => Actor::User(id.to_owned()),
        None => Actor::Shell,
    };
    audit::record(
        &mut tx,
        &actor,
        "restore.finished",
        &format!("restore:{}", status.id),
        json!({"file": status.file, "safety_backup": status.safety_backup, "jobs_cancelled": cancelled}),
        &status.ip,
    )
    .await?;
    WriteTx::commit(tx).await?;
    reached("restore_settled");
    Ok(())
}
