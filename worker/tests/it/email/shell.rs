//! `crm-worker capture`, which `ops/capture` calls.

use super::*;

fn capture(google: &Google, t: &TestDb, arguments: &[&str]) -> (bool, String) {
    let arguments = [&["capture"], arguments].concat();
    let output = google.command(t, &arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

#[tokio::test]
async fn a_shell_reads_mail_with_and_without_a_worker() {
    let t = fund().await;
    let google = Google::start(&t).await;
    let (fine, says) = capture(&google, &t, &[]);
    assert!(fine && says.contains("no mailbox is read"), "{says}");
    google.deliver(JO, &mail(1, ADA, JO, "Hello")).await;
    google.deliver(BO, &mail(2, ADA, BO, "Hello")).await;
    enrol(&t, JO, "body").await;
    enrol(&t, BO, "body").await;
    // Everything is down: it reads by itself, one mailbox and no other.
    let (fine, says) = capture(&google, &t, &["Jo@Ours.example"]);
    assert!(fine && says.contains("running it here"), "{says}");
    assert!(
        says.contains("jo@ours.example: everything new is read"),
        "{says}"
    );
    let count = "select count(*) from emails where is_matched = 1 and message_key like '%m1@%'";
    assert_eq!(number(&t, count).await, 1);
    let _worker = google.worker(&t, None);
    google.deliver(JO, &mail(3, ADA, JO, "Again")).await;
    let (fine, says) = capture(&google, &t, &[]);
    assert!(
        fine && says.contains("bo@ours.example: everything"),
        "{says}"
    );
    assert_eq!(number(&t, "select count(*) from emails").await, 3);
}

#[tokio::test]
async fn a_shell_is_told_why_mail_cannot_be_read() {
    let t = fund().await;
    let google = Google::start(&t).await;
    google.control(json!({ "scopes": [] })).await;
    enrol(&t, JO, "body").await;
    let (fine, says) = capture(&google, &t, &[]);
    assert!(!fine && says.contains("24 hours"), "{says}");
    let (fine, says) = capture(&google, &t, &["nobody@ours.example"]);
    assert!(
        !fine && says.contains("no mailbox nobody@ours.example is enrolled"),
        "{says}"
    );
}
