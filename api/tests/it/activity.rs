//! The audit log, read.

use crate::harness::{Caller, MEMBER, TestApp};

#[tokio::test]
async fn what_people_did_is_told_without_secrets() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let member = app.member().await;
    let wrong = [("email", MEMBER), ("password", "hunter2 hunter2")];
    Caller::default().post(&app, "/login", &wrong).await;
    member
        .post(&app, "/settings/account", &[("name", "Jo Testcase")])
        .await;

    let page = admin.get(&app, "/activity").await;
    for words in [
        "signed in",
        "changed the name of",
        "unbroken chain",
        "Jo Testcase",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let log = admin.get(&app, "/api/activity?limit=3").await;
    assert!(!log.text.contains("hunter2"));
    let body = log.json();
    assert_eq!(body["entries"].as_array().unwrap().len(), 3);
    let before = body["before"].as_i64().unwrap();
    let older = admin
        .get(&app, &format!("/api/activity?before={before}"))
        .await
        .json();
    assert!(older["entries"][0]["id"].as_i64().unwrap() < before);
    assert!(older["before"].is_null(), "that is all");

    let filtered = admin
        .get(&app, "/api/activity?action=session.refused")
        .await
        .json();
    assert_eq!(filtered["entries"].as_array().unwrap().len(), 1);
    assert_eq!(filtered["entries"][0]["ip"], "127.0.0.1");
}
