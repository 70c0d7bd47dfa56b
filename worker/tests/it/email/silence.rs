//! A Google that falls silent.

use super::*;

/// Hands everything on to `to`, but lets the first `stalls` answers end in silence
/// after their first bytes, the line staying open.
async fn stalling(to: &str, stalls: usize) -> String {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let to = to.trim_start_matches("http://").to_owned();
    let left = Arc::new(AtomicUsize::new(stalls));
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(&to).await.unwrap();
            let left = left.clone();
            let (mut near_in, mut near_out) = near.into_split();
            let (mut far_in, mut far_out) = far.into_split();
            tokio::spawn(async move {
                let _ = tokio::io::copy(&mut near_in, &mut far_out).await;
            });
            tokio::spawn(async move {
                let mut bytes = vec![0; 65_536];
                while let Ok(n @ 1..) = far_in.read(&mut bytes).await {
                    let take =
                        left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |l| l.checked_sub(1));
                    if take.is_ok() {
                        let _ = near_out.write_all(&bytes[..n - 10]).await;
                        std::future::pending::<()>().await;
                    }
                    if near_out.write_all(&bytes[..n]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// A server that falls silent in the middle of an answer costs one try, and one that
/// stays silent is said in plain words; neither loses anything.
#[tokio::test]
async fn silence_in_the_middle_of_an_answer_is_sat_out_and_said() {
    let t = fund().await;
    let google = Google::start(&t).await;
    for n in 0..3 {
        google.deliver(JO, &mail(n, ADA, JO, "Hello")).await;
    }
    // One more than the tries of one call.
    let through = stalling(&google.address, 6).await;
    enrol(&t, JO, "body").await;
    let _worker = google.worker_by(&t, &through, None);
    becomes(&t, "select count(*) from mailboxes where error_code = 'unreachable' and error like '%did not answer in time%'", 1).await;
    assert_eq!(number(&t, "select count(*) from emails").await, 0);
    // It tries again by itself.
    becomes(
        &t,
        "select count(*) from jobs where kind = 'backfill_mailbox' and state = 'scheduled'",
        1,
    )
    .await;
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("update jobs set run_at = 0, state = 'available' where kind = 'backfill_mailbox' and state = 'scheduled'").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    becomes(
        &t,
        "select count(*) from mailboxes where error is null and backfilled_at is not null",
        1,
    )
    .await;
    assert_eq!(number(&t, "select count(*) from emails").await, 3);
}
