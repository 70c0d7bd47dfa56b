//! A Gmail that others wrote.

use super::*;

/// Everything capture does, against a Gmail that we did not write.
#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one story, told in order")]
#[ignore = "needs another's emulator: ops/checks/gmail-foreign starts it"]
async fn a_foreign_gmail_is_read_to_the_last_message() {
    let t = fund().await;
    let google = Google::foreign(&t).await;
    // Three pages of the past, a third of it an investor's.
    for n in 0..250 {
        let from = if n % 3 == 0 {
            ADA
        } else {
            "news@letters.example"
        };
        google.deliver(JO, &mail(n, from, JO, "Hello")).await;
    }
    let both = mail(900, ADA, &format!("{JO}, {BO}"), "To both");
    let copies = (
        google.deliver(JO, &both).await,
        google.deliver(BO, &both).await,
    );
    assert_ne!(copies.0, copies.1, "ids differ from mailbox to mailbox");
    let (jo, bo) = (enrol(&t, JO, "body").await, enrol(&t, BO, "metadata").await);
    for point in ["before_emails_commit", "after_backfill_page"] {
        let mut worker = google.worker(&t, Some(point));
        assert!(!worker.wait().success(), "{point} was never passed");
    }
    let _worker = google.worker(&t, None);
    becomes(
        &t,
        "select count(*) from mailboxes where backfilled_at is not null and error is null",
        2,
    )
    .await;
    quiet(&t).await;
    assert_eq!(number(&t, "select count(*) from emails").await, 251);
    assert_eq!(
        number(
            &t,
            "select count(*) from emails where is_matched = 1 and said in ('Hello', 'To both')"
        )
        .await,
        85
    );
    assert_eq!(
        number(&t, "select count(*) from email_sightings s join emails e on e.id = s.email_id where e.said = 'To both'").await,
        2,
        "one email, seen twice"
    );
    // What is new, what is deleted and what is binned, by history.
    let lists = google.calls("messages?list").await;
    google.deliver(JO, &mail(901, ADA, JO, "New")).await;
    sync(&t, &jo).await;
    becomes(&t, "select count(*) from emails where said = 'New'", 1).await;
    google
        .control(json!({ "delete": { "from": JO, "id": copies.0 } }))
        .await;
    sync(&t, &jo).await;
    becomes(
        &t,
        "select count(*) from email_sightings where deleted_at is not null",
        1,
    )
    .await;
    assert_eq!(
        number(
            &t,
            "select count(*) from emails where deleted_at is not null"
        )
        .await,
        0,
        "Bo still has it"
    );
    google
        .control(json!({ "delete": { "from": BO, "id": copies.1, "bin": true } }))
        .await;
    sync(&t, &bo).await;
    becomes(
        &t,
        "select count(*) from emails where deleted_at is not null",
        1,
    )
    .await;
    assert_eq!(
        google.calls("messages?list").await,
        lists,
        "by history only"
    );
    // A history that is forgotten, and then works again.
    quiet(&t).await;
    google.control(json!({ "expire_history": JO })).await;
    let late =
        |n: usize| mail(n, ADA, JO, "Late").replace("Date: Mon, 2 Mar 2026 10:00:00 +0000\r\n", "");
    google.deliver(JO, &late(902)).await;
    sync(&t, &jo).await;
    becomes(&t, "select count(*) from emails where said = 'Late'", 1).await;
    quiet(&t).await;
    let resyncs = google.calls("profile").await;
    google.deliver(JO, &late(903)).await;
    sync(&t, &jo).await;
    becomes(&t, "select count(*) from emails where said = 'Late'", 2).await;
    assert_eq!(
        google.calls("profile").await,
        resyncs,
        "history works again"
    );
}
