//! Replies as drafts.

use super::*;

/// A reply becomes a draft in its conversation, once, through a missing delegation
/// and a crash, and nothing is ever sent.
#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one story, told in order")]
async fn a_reply_becomes_one_draft_and_nothing_is_sent() {
    const READ: &str = "https://www.googleapis.com/auth/gmail.readonly";
    const COMPOSE: &str = "https://www.googleapis.com/auth/gmail.compose";
    let t = fund().await;
    let google = Google::start(&t).await;
    let raw = mail(1, ADA, &format!("{JO}, {BO}"), "Will you sign?").replace(
        "Message-ID",
        "Cc: Eve <eve@norwind.example>\r\nReferences: <m0@sample.example>\r\nMessage-ID",
    );
    google.deliver(JO, &raw).await;
    let id = enrol(&t, JO, "body").await;
    let worker = google.worker(&t, None);
    becomes(&t, "select count(*) from emails where said <> ''", 1).await;
    quiet(&t).await;
    drop(worker);
    let thread: String = sqlx::query_scalar("select id from email_threads")
        .fetch_one(t.db.read())
        .await
        .unwrap();
    let mut tx = t.db.write().await.unwrap();
    let refused = email::save_reply(&mut tx, &thread, "Yes.", "jo", "user:jo").await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("an admin switches them on"),
        "off at first"
    );
    let change = email::Change {
        may_draft: Some(true),
        user_id: Some("jo".to_owned()),
        ..email::Change::default()
    };
    email::change(&mut tx, &id, &change, "user:jo")
        .await
        .unwrap();
    let another = email::save_reply(&mut tx, &thread, "Yes.", "bo", "user:bo").await;
    assert!(another.is_err(), "into another's mailbox nobody writes");
    assert!(
        email::save_reply(&mut tx, &thread, " \n", "jo", "user:jo")
            .await
            .is_err()
    );
    email::save_reply(&mut tx, &thread, "Yes, on Friday.\n\nJo", "jo", "user:jo")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let worker = google.worker(&t, None);
    becomes(&t, "select count(*) from email_reply_drafts where state = 'pending' and error like '%scope for drafts%'", 1).await;
    assert_eq!(
        number(&t, "select count(*) from mailboxes where error is null").await,
        1,
        "reading goes on"
    );
    drop(worker);
    google.control(json!({ "scopes": [READ, COMPOSE] })).await;
    let again = async || {
        let mut tx = t.db.write().await.unwrap();
        sqlx::query("update jobs set run_at = 0, state = 'available' where kind = 'save_draft' and state = 'scheduled'").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    };
    again().await;
    // It dies after Gmail has it and before that is kept.
    let mut worker = google.worker(&t, Some("before_draft_saved"));
    assert!(!worker.wait().success());
    let _worker = google.worker(&t, None);
    let start = Instant::now();
    while number(
        &t,
        "select count(*) from email_reply_drafts where state = 'saved' and error is null",
    )
    .await
        == 0
    {
        assert!(
            start.elapsed() < Duration::from_mins(2),
            "it was never saved"
        );
        again().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let state = google.state().await;
    let drafts = state["drafts"].as_array().unwrap();
    assert_eq!(drafts.len(), 1, "{state}");
    let draft = drafts[0]["raw"].as_str().unwrap();
    for line in [
        "In-Reply-To: <m1@sample.example>",
        "References: <m0@sample.example> <m1@sample.example>",
        "Subject: Re: About 1",
        "From: jo@ours.example",
        "Yes, on Friday.",
    ] {
        assert!(draft.contains(line), "{line} is not in {draft}");
    }
    let head = draft.split("\r\n\r\n").next().unwrap();
    assert!(
        head.contains("ada@norwind.example")
            && head.contains("eve@norwind.example")
            && head.contains(BO)
    );
    let gmail_thread: String = sqlx::query_scalar("select gmail_thread_id from email_sightings")
        .fetch_one(t.db.read())
        .await
        .unwrap();
    assert_eq!(drafts[0]["thread"], gmail_thread);
    // Everything that was ever asked of Google, and nothing of it sends.
    let known = [
        "token",
        "profile",
        "messages?list",
        "messages",
        "history",
        "drafts",
    ];
    let calls = state["calls"].as_object().unwrap();
    assert!(
        calls.keys().all(|kind| known.contains(&kind.as_str())),
        "{calls:?}"
    );
    assert_eq!(calls["drafts"], 1);
    // The draft is not mail: it is not captured.
    sync(&t, &id).await;
    quiet(&t).await;
    assert_eq!(number(&t, "select count(*) from emails").await, 1);
}
