//! Mail as it is found in the world.

use super::*;

/// Raw mail as it is found in the world, through everything: nothing may panic,
/// abort or get lost.
#[tokio::test]
#[ignore = "needs mail that is not ours to commit: ops/checks/mail-corpus fetches it"]
#[allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the script says where the mail lies, and a person reads the summary"
)]
async fn found_mail_goes_through_capture() {
    let t = fund().await;
    let google = Google::start(&t).await;
    // Some of the senders are investors here.
    write(&t, vec![
        json!({"op": "add_row", "id": "one", "cells": {"name": "Sample One", "website": "linux.ie"}}),
        json!({"op": "add_row", "id": "two", "cells": {"name": "Sample Two", "website": "https://www.cnet.com"}}),
        json!({"op": "add_row", "id": "three", "cells": {"name": "Sample Three", "website": "xent.com"}}),
    ])
    .await;
    crm_jobs::investors::sync(&t.db, false, |_, _| {})
        .await
        .unwrap();
    let mut wanted = 0;
    for dir in std::env::var("CRM_MAIL_CORPUS").unwrap().split(':') {
        // In our years: what is too old is not read, whatever it is.
        let order = json!({ "load": { "to": JO, "dir": dir, "at": 1_735_689_600_000_i64 } });
        wanted += google.control(order).await["loaded"].as_i64().unwrap();
    }
    let start = Instant::now();
    enrol(&t, JO, "body").await;
    let worker = google.worker(&t, None);
    loop {
        let done = number(
            &t,
            "select count(*) from mailboxes where backfilled_at is not null",
        )
        .await;
        let failed = number(&t, "select count(*) from mailboxes where error is not null").await;
        assert_eq!(failed, 0);
        if done == 1 {
            break;
        }
        assert!(start.elapsed() < Duration::from_mins(20));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let took = start.elapsed();
    drop(worker);
    let seen = number(
        &t,
        "select count(*) from email_sightings where email_id is not null",
    )
    .await;
    println!(
        "{wanted} messages: {seen} seen, {} emails, {} parsed, {} matched, {} metadata only, {} errors, {} near matches, {} threads; {:.0} messages/s",
        number(&t, "select count(*) from emails").await,
        number(&t, "select count(*) from emails where parse_error is null").await,
        number(&t, "select count(*) from emails where is_matched = 1").await,
        number(
            &t,
            "select count(*) from emails where is_matched = 0 and parse_error is null"
        )
        .await,
        number(
            &t,
            "select count(*) from emails where parse_error is not null"
        )
        .await,
        number(&t, "select count(*) from email_near_matches").await,
        number(&t, "select count(*) from email_threads").await,
        f64::from(u32::try_from(wanted).unwrap()) / took.as_secs_f64(),
    );
    assert_eq!(seen, wanted, "each is on record");
    assert!(number(&t, "select count(*) from emails where is_matched = 1").await > 0);
    assert_eq!(
        number(
            &t,
            "select count(*) from job_attempts where outcome in ('panicked', 'failed')"
        )
        .await,
        0
    );
}
