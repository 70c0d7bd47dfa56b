//! A write that is sent twice is done once: its answer is kept beside it, in
//! the same transaction, and given again to whoever sends the same key.

use sha2::{Digest, Sha256};

use crate::db::{DbError, WriteTx};

/// Characters a key has at most.
pub const MAX_KEY_CHARS: usize = 100;

/// What a key says about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nobody used the key yet: do it, then [`keep`] the answer.
    New,
    /// The same request was done; this was the answer.
    Done(String),
    /// The key stands for another request.
    OtherRequest,
}

/// What is compared to tell one request from another.
pub fn request_hash(request: &[u8]) -> String {
    crate::hex(&Sha256::digest(request))
}

/// Looks the key up. Keys are each actor's own, and forgotten after a week.
pub async fn look(
    tx: &mut WriteTx,
    actor: &str,
    key: &str,
    request_hash: &str,
) -> Result<Seen, DbError> {
    let found: Option<(String, String)> = sqlx::query_as(
        "select request_hash, answer from idempotency_keys where actor = ?1 and key = ?2",
    )
    .bind(actor)
    .bind(key)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(match found {
        None => Seen::New,
        Some((hash, answer)) if hash == request_hash => Seen::Done(answer),
        Some(_) => Seen::OtherRequest,
    })
}

/// Keeps the answer to a request.
pub async fn keep(
    tx: &mut WriteTx,
    actor: &str,
    key: &str,
    request_hash: &str,
    answer: &str,
) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query(
        "insert into idempotency_keys (actor, key, request_hash, answer, created_at) values (?1, ?2, ?3, ?4, ?5)",
    )
    .bind(actor)
    .bind(key)
    .bind(request_hash)
    .bind(answer)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDb;

    #[tokio::test]
    async fn an_answer_is_given_again_to_the_same_request_of_the_same_actor() {
        let t = TestDb::new().await;
        let mut tx = t.db.write().await.unwrap();
        let (one, two) = (request_hash(b"one"), request_hash(b"two"));
        assert_eq!(look(&mut tx, "user:a", "k", &one).await.unwrap(), Seen::New);
        keep(&mut tx, "user:a", "k", &one, "{}").await.unwrap();
        let again = look(&mut tx, "user:a", "k", &one).await.unwrap();
        assert_eq!(again, Seen::Done("{}".to_owned()));
        assert_eq!(
            look(&mut tx, "user:a", "k", &two).await.unwrap(),
            Seen::OtherRequest
        );
        assert_eq!(look(&mut tx, "user:b", "k", &two).await.unwrap(), Seen::New);
    }
}
