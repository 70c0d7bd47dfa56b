//! Recovery codes: ten, shown once, each of use once. Eighty random bits each, so
//! a fast hash is enough.

use sqlx::SqliteConnection;

use super::super::digest;
use crate::{
    clock::random_bytes,
    db::{DbError, WriteTx},
};

/// So many are made at a time.
const COUNT: usize = 10;
/// Digits and letters that nobody mistakes for others on paper.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Makes new codes; the old ones stop working. They are known nowhere else.
pub(super) async fn remake(tx: &mut WriteTx, user_id: &str) -> Result<Vec<String>, DbError> {
    drop_all(tx, user_id).await?;
    let codes: Vec<String> = (0..COUNT).map(|_| new_code()).collect();
    for code in &codes {
        sqlx::query("insert into recovery_codes (user_id, code_hash) values (?1, ?2)")
            .bind(user_id)
            .bind(hash(user_id, code))
            .execute(&mut **tx)
            .await?;
    }
    Ok(codes)
}

/// Uses a code up. False: it is none, or was used before.
pub(super) async fn use_up(tx: &mut WriteTx, user_id: &str, code: &str) -> Result<bool, DbError> {
    let now = tx.now();
    let done = sqlx::query(
        "update recovery_codes set used_at = ?3
         where user_id = ?1 and code_hash = ?2 and used_at is null",
    )
    .bind(user_id)
    .bind(hash(user_id, code))
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn drop_all(tx: &mut WriteTx, user_id: &str) -> Result<(), DbError> {
    sqlx::query("delete from recovery_codes where user_id = ?1")
        .bind(user_id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn left(conn: &mut SqliteConnection, user_id: &str) -> Result<i64, DbError> {
    sqlx::query_scalar("select count(*) from recovery_codes where user_id = ?1 and used_at is null")
        .bind(user_id)
        .fetch_one(conn)
        .await
}

/// Sixteen characters in groups of four.
fn new_code() -> String {
    let bytes: [u8; 16] = random_bytes();
    let mut code = String::with_capacity(19);
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            code.push('-');
        }
        // 256 is a multiple of 32, so every letter is as likely as the others.
        code.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    code
}

/// As people copy it: any case, with or without the dashes, an O for a zero.
fn hash(user_id: &str, typed: &str) -> String {
    let plain: String = typed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        })
        .collect();
    digest(&format!("recovery:{user_id}:{plain}"))
}
