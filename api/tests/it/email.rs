//! Mail through HTTP: who may do what, and what is refused.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Caller, Reply, TestApp};

async fn call(app: &TestApp, who: &Caller, method: Method, path: &str, body: Value) -> Reply {
    who.json(app, method, &format!("/api/email{path}"), &body)
        .await
}

#[tokio::test]
#[allow(
    clippy::too_many_lines,
    reason = "one mailbox from its enrolment to its removal"
)]
async fn admins_enrol_mailboxes_of_the_team_only_with_consent() {
    let app = TestApp::new().await;
    let (admin, member) = (app.admin().await, app.member().await);
    let me = call(&app, &admin, Method::GET, "/mailboxes", Value::Null).await;
    assert_eq!(me.json()["mailboxes"], json!([]));
    assert_eq!(
        call(&app, &member, Method::GET, "/mailboxes", Value::Null)
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    let new = |address: &str| json!({"address": address, "consent": "Yes, on Monday", "starts_on": "2023-01-31", "privacy": "body"});
    let ours = "reader@example.org";
    for (change, field) in [
        (new("not an address"), "address"),
        (new("ada@norwind.example"), "address"),
        (
            json!({"address": ours, "consent": " ", "starts_on": "2023-01-31", "privacy": "body"}),
            "consent",
        ),
        (
            json!({"address": ours, "consent": "x", "starts_on": "31.1.2026", "privacy": "body"}),
            "starts_on",
        ),
        (
            json!({"address": ours, "consent": "x", "starts_on": "2027-01-31", "privacy": "body"}),
            "starts_on",
        ),
        (
            json!({"address": ours, "consent": "x", "starts_on": "2023-01-31", "privacy": "all"}),
            "privacy",
        ),
    ] {
        let refused = call(&app, &admin, Method::POST, "/mailboxes", change.clone()).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{change}: {}",
            refused.text
        );
        assert!(refused.text.contains(field), "{change}: {}", refused.text);
    }
    let made = call(
        &app,
        &admin,
        Method::POST,
        "/mailboxes",
        new("Reader@Example.org "),
    )
    .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(made.json()["address"], ours);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        call(&app, &admin, Method::POST, "/mailboxes", new(ours))
            .await
            .status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert!(
        call(
            &app,
            &admin,
            Method::POST,
            &format!("/mailboxes/{id}/pause"),
            Value::Null
        )
        .await
        .json()["state"]
            == "paused"
    );
    assert_eq!(
        call(
            &app,
            &admin,
            Method::POST,
            &format!("/mailboxes/{id}/sync"),
            Value::Null
        )
        .await
        .status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    call(
        &app,
        &admin,
        Method::POST,
        &format!("/mailboxes/{id}/resume"),
        Value::Null,
    )
    .await;
    assert_eq!(
        call(
            &app,
            &admin,
            Method::POST,
            &format!("/mailboxes/{id}/sync"),
            Value::Null
        )
        .await
        .status,
        StatusCode::ACCEPTED
    );
    assert_eq!(
        call(
            &app,
            &admin,
            Method::DELETE,
            &format!("/mailboxes/{id}"),
            Value::Null
        )
        .await
        .status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        call(
            &app,
            &admin,
            Method::POST,
            &format!("/mailboxes/{id}/sync"),
            Value::Null
        )
        .await
        .status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        call(
            &app,
            &admin,
            Method::POST,
            &format!("/mailboxes/{id}/restore"),
            Value::Null
        )
        .await
        .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_and_never_repeated() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    for bad in [
        "hello",
        "{}",
        r#"{"type":"authorized_user","client_email":"a@b.example","private_key":"SECRET-KEY"}"#,
        r#"{"type":"service_account","client_email":"a@b.example","private_key":"SECRET-KEY"}"#,
    ] {
        let refused = call(
            &app,
            &admin,
            Method::PUT,
            "/credentials",
            json!({"credentials": bad}),
        )
        .await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert!(!refused.text.contains("SECRET-KEY"));
    }
    let shown = call(&app, &admin, Method::GET, "/credentials", Value::Null)
        .await
        .json();
    assert_eq!(shown["from"], "none");
    assert_eq!(
        shown["scope"],
        "https://www.googleapis.com/auth/gmail.readonly"
    );
}

/// Ada's mail concerns Norwind; the letter to nobody in particular does not.
async fn with_mail(app: &TestApp) {
    let mut tx = app.db.write().await.unwrap();
    for sql in [
        "insert into grid_rows (id, position, version, cells, list, list_since_at, list_by, created_at, created_by, updated_at, updated_by) values ('n', 1, 1, '{}', 'main', 1, 'x', 1, 'x', 1, 'x')",
        "insert into fundraising_investors (id, name, list, archived, row_version, created_at, updated_at) values ('n', 'Norwind', 'main', 0, 1, 1, 1)",
        "insert into mailboxes (id, address, consent, privacy, starts_at, enrolled_at, created_at, created_by, updated_at, updated_by) values ('m', 'jo@example.org', 'yes', 'body', 0, 0, 0, 'x', 0, 'x')",
        "insert into email_threads (id, first_at, last_at) values ('t', 1, 2), ('u', 1, 2)",
        "insert into emails (id, message_key, thread_id, sent_at, from_address, direction, privacy, created_at) values ('e', 'k1', 't', 1000, 'ada@norwind.example', 'in', 'body', 1), ('f', 'k2', 'u', 2000, 'zoe@elsewhere.example', 'in', 'body', 1)",
        "insert into email_sightings (mailbox_id, gmail_id, gmail_thread_id, email_id, seen_at) values ('m', '1', '1', 'e', 1), ('m', '2', '2', 'f', 1)",
        "insert into email_links (email_id, row_id, rule, sent_at, created_at, created_by) values ('e', 'n', 'domain', 1000, 1, 'system')",
        "update emails set is_matched = 1, subject = 'Side letter', body = 'Fine <script>alert(1)</script>', said = 'Fine <script>alert(1)</script>' where id = 'e'",
    ] {
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn members_read_what_concerns_an_investor_and_nothing_else() {
    let app = TestApp::new().await;
    let member = app.member().await;
    with_mail(&app).await;
    let get = async |path: &str| call(&app, &member, Method::GET, path, Value::Null).await;
    let listed = get("/messages").await.json();
    assert_eq!(listed["messages"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["messages"][0]["subject"], "Side letter");
    for (path, found) in [
        ("/messages?q=side+letter", 1),
        ("/messages?q=elsewhere", 0),
        ("/messages?investor=n", 1),
        ("/messages?investor=n&direction=out", 0),
        ("/messages?investor=other", 0),
        ("/messages?contact=nobody", 0),
    ] {
        let reply = get(path).await;
        assert_eq!(
            reply.json()["messages"].as_array().map(Vec::len),
            Some(found),
            "{path}: {}",
            reply.text
        );
    }
    assert_eq!(get("/messages/f").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get("/threads/u").await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        get("/messages?cursor=x").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(get("/investors/n/facts").await.json()["first_at"], 1000);
    let page = member.get(&app, "/emails/threads/t").await;
    assert!(
        page.text.contains("Fine &#60;script") && !page.text.contains("<script>alert"),
        "it is text"
    );
    let found = member.get(&app, "/api/search?q=side+letter").await;
    assert!(found.text.contains("/emails/e"), "{}", found.text);
    // Detached, it is gone from every page, text and all; attached, it is back.
    assert_eq!(
        call(
            &app,
            &member,
            Method::PUT,
            "/messages/f/investors/n",
            Value::Null
        )
        .await
        .status,
        StatusCode::NOT_FOUND,
        "nobody sees it"
    );
    assert_eq!(
        call(
            &app,
            &member,
            Method::DELETE,
            "/messages/e/investors/n",
            Value::Null
        )
        .await
        .status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(get("/messages/e").await.status, StatusCode::NOT_FOUND);
    let left: i64 =
        sqlx::query_scalar("select count(*) from emails where body <> '' or subject <> ''")
            .fetch_one(app.db.read())
            .await
            .unwrap();
    assert_eq!(left, 0);
    assert_eq!(
        call(
            &app,
            &member,
            Method::PUT,
            "/messages/e/investors/n",
            Value::Null
        )
        .await
        .status,
        StatusCode::OK
    );
    assert_eq!(get("/messages/e").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_reply_is_drafted_only_where_an_admin_lets_a_mailbox_have_drafts() {
    let app = TestApp::new().await;
    let (admin, member) = (app.admin().await, app.member().await);
    with_mail(&app).await;
    let mut tx = app.db.write().await.unwrap();
    sqlx::query("insert into email_people (email_id, role, address, name) values ('e', 'from', 'ada@norwind.example', 'Ada'), ('e', 'to', 'jo@example.org', ''), ('e', 'bcc', 'hidden@norwind.example', '')")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let write = async |path: &str, body: Value| {
        call(
            &app,
            &member,
            Method::POST,
            &format!("/threads/{path}/drafts"),
            body,
        )
        .await
    };
    let text = json!({"body": "Yes, on Friday."});
    let off = write("t", text.clone()).await;
    assert_eq!(off.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(off.text.contains("no_drafts"), "{}", off.text);
    let on = json!({"may_draft": true});
    let refused = call(&app, &member, Method::PATCH, "/mailboxes/m", on.clone()).await;
    assert_eq!(
        refused.status,
        StatusCode::FORBIDDEN,
        "only an admin says so"
    );
    let allowed = call(&app, &admin, Method::PATCH, "/mailboxes/m", on).await;
    assert_eq!(allowed.json()["may_draft"], true);
    let would = call(&app, &member, Method::GET, "/threads/t/drafts", Value::Null).await;
    let reply = &would.json()["reply"];
    assert_eq!(reply["subject"], "Re: Side letter");
    assert_eq!(
        reply["recipients"],
        json!([{"role": "to", "address": "ada@norwind.example", "name": "Ada"}])
    );
    for (path, body, status) in [
        (
            "t",
            json!({"body": " \n "}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            "t",
            json!({"body": "x".repeat(20_001)}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        ("u", text.clone(), StatusCode::NOT_FOUND),
        ("none", text.clone(), StatusCode::NOT_FOUND),
    ] {
        let reply = write(path, body).await;
        assert_eq!(reply.status, status, "{path}: {}", reply.text);
    }
    let saved = write("t", text).await;
    assert_eq!(saved.status, StatusCode::ACCEPTED, "{}", saved.text);
    assert_eq!(saved.json()["drafts"][0]["state"], "pending");
    let page = member.get(&app, "/emails/threads/t").await;
    assert!(page.text.contains("On its way") && page.text.contains("Yes, on Friday."));
    let jobs: i64 = sqlx::query_scalar("select count(*) from jobs where kind = 'save_draft'")
        .fetch_one(app.db.read())
        .await
        .unwrap();
    assert_eq!(jobs, 1);
}
