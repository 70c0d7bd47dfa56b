//! Wishes through HTTP: who may do what.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Caller, Reply, TestApp};

const API: &str = "/api/feature-requests";

async fn call(app: &TestApp, who: &Caller, method: Method, path: &str, body: Value) -> Reply {
    who.json(app, method, &format!("{API}{path}"), &body).await
}

#[tokio::test]
async fn authors_reword_admins_answer_and_everybody_votes() {
    let app = TestApp::new().await;
    let (admin, member) = (app.admin().await, app.member().await);
    let made = call(
        &app,
        &member,
        Method::POST,
        "",
        json!({"title": "Dark sidebar"}),
    )
    .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&made.json()["votes"], &made.json()["is_voted"]),
        (&json!(1), &json!(true))
    );
    let one = format!("/{id}");

    for (who, change, status, code) in [
        (
            &member,
            json!({"status": "done"}),
            StatusCode::FORBIDDEN,
            "admins_only",
        ),
        (
            &member,
            json!({"title": "Darker", "status": "done"}),
            StatusCode::FORBIDDEN,
            "admins_only",
        ),
        (
            &admin,
            json!({"title": "Mine"}),
            StatusCode::FORBIDDEN,
            "not_yours",
        ),
        (
            &admin,
            json!({"status": "soon"}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_status",
        ),
        (
            &member,
            json!({"title": " "}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "no_title",
        ),
    ] {
        let refused = call(&app, who, Method::PATCH, &one, change.clone()).await;
        assert_eq!(refused.status, status, "{change}");
        assert_eq!(refused.json()["code"], code, "{change}");
    }
    let list = member.get(&app, API).await.json();
    assert_eq!(
        list["requests"][0]["title"], "Dark sidebar",
        "nothing was half-done"
    );

    call(
        &app,
        &member,
        Method::PATCH,
        &one,
        json!({"body": "At night."}),
    )
    .await;
    let answered = json!({"status": "planned", "answer": "Soon"});
    let answered = call(&app, &admin, Method::PATCH, &one, answered)
        .await
        .json();
    assert_eq!(
        (&answered["body"], &answered["status"]),
        (&json!("At night."), &json!("planned"))
    );
    let vote = format!("{one}/vote");
    for _ in 0..2 {
        let voted = call(&app, &admin, Method::POST, &vote, json!({}))
            .await
            .json();
        assert_eq!(voted["votes"], 2);
    }
    let gone = call(&app, &admin, Method::DELETE, &vote, json!({}))
        .await
        .json();
    assert_eq!(
        (&gone["votes"], &gone["is_voted"]),
        (&json!(1), &json!(false))
    );

    let bad = member.get(&app, "/api/feature-requests?status=soon").await;
    assert_eq!(bad.json()["field"], "status");
}

#[tokio::test]
async fn only_its_author_deletes_a_request_and_brings_it_back() {
    let app = TestApp::new().await;
    let (admin, member) = (app.admin().await, app.member().await);
    let made = call(&app, &member, Method::POST, "", json!({"title": "Fine"})).await;
    let one = format!("/{}", made.json()["id"].as_str().unwrap());
    let vote = format!("{one}/vote");
    assert_eq!(
        call(&app, &admin, Method::DELETE, &one, json!({}))
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        call(&app, &member, Method::DELETE, &one, json!({}))
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        call(&app, &member, Method::POST, &vote, json!({}))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    let back = format!("{one}/restore");
    assert_eq!(
        call(&app, &admin, Method::POST, &back, json!({}))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        call(&app, &member, Method::POST, &back, json!({}))
            .await
            .status,
        StatusCode::OK
    );
    let log = admin.get(&app, "/api/activity?source=audit").await.text;
    for action in ["request.added", "request.deleted", "request.restored"] {
        assert!(log.contains(action), "{action}");
    }
}

#[tokio::test]
async fn the_page_takes_a_wish_a_vote_and_an_answer() {
    let app = TestApp::new().await;
    let (admin, member) = (app.admin().await, app.member().await);
    let wish = [("title", "Bigger <buttons>"), ("body", "Please")];
    let made = member.post(&app, "/feature-requests", &wish).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
    let refused = member
        .post(
            &app,
            "/feature-requests",
            &[("title", " "), ("body", "Kept")],
        )
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("Say in a few words") && refused.text.contains("Kept"));

    let page = admin.get(&app, "/feature-requests").await;
    assert!(page.text.contains("Bigger &#60;buttons&#62;"));
    let id = page.between("id=\"request-", "\"");
    let path = |what: &str| format!("/feature-requests/{id}{what}");
    admin.post(&app, &path("/vote"), &[]).await;
    admin
        .post(
            &app,
            &path("/answer"),
            &[("status", "done"), ("answer", "Since today")],
        )
        .await;
    let page = member.get(&app, "/feature-requests?status=done").await;
    assert!(
        page.text.contains("Since today") && page.text.contains("2 so far"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("/answer\""), "members do not answer");

    let theirs = admin.get(&app, &path("")).await;
    assert_eq!(
        theirs.status,
        StatusCode::SEE_OTHER,
        "not the admin's to change"
    );
    let long = "x".repeat(121);
    let refused = member
        .post(&app, &path(""), &[("title", &long), ("body", "")])
        .await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.text.contains(&long));
    let gone = member.post(&app, &path("/delete"), &[]).await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER);
    let nothing = member.get(&app, "/feature-requests").await;
    assert!(nothing.text.contains("No wishes yet"));
    member.post(&app, &path("/restore"), &[]).await;
    assert!(
        member
            .get(&app, "/feature-requests")
            .await
            .text
            .contains("Since today")
    );
}
