//! API tokens, and accounts as JSON.

use axum::http::{Method, StatusCode};
use crm_jobs::accounts::{Role, tokens::Scope};
use serde_json::json;

use crate::harness::{ADMIN, MEMBER, TestApp};

#[tokio::test]
async fn a_token_is_made_used_and_revoked() {
    let app = TestApp::new().await;
    let member = app.member().await;
    let body = json!({ "name": "nightly export", "scope": "read" });
    let made = member.json(&app, Method::POST, "/api/tokens", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    let script = crate::harness::Caller::default()
        .and("authorization", &format!("Bearer {secret}"))
        .and("no-browser", "1");
    let me = script.get(&app, "/api/me").await.json();
    assert_eq!(
        (&me["email"], &me["token_scope"]),
        (&json!(MEMBER), &json!("read"))
    );
    let listed = script.get(&app, "/api/tokens").await;
    assert!(!listed.text.contains(&secret) && listed.text.contains("nightly export"));

    let write = script.json(&app, Method::POST, "/api/tokens", &body).await;
    assert_eq!(write.json()["code"], "token_scope");

    let id = made.json()["token"]["id"].as_str().unwrap().to_owned();
    let gone = member
        .json(
            &app,
            Method::DELETE,
            &format!("/api/tokens/{id}"),
            &json!({}),
        )
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(
        script.get(&app, "/api/me").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_token_works_on_json_only_and_makes_cookies_void() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let jo = app.user(MEMBER, Role::Member).await;
    let script = app.token(&jo, Scope::All).await.and("no-browser", "1");
    let page = script.get(&app, "/settings/account").await;
    assert_eq!(page.json()["code"], "token_not_here");
    let team = script.get(&app, "/api/admin/users").await;
    assert_eq!(team.json()["code"], "forbidden");
    // A bad token beside an admin's cookie is nobody.
    let both = admin.clone().and("authorization", "Bearer crm_nonsense");
    assert_eq!(
        both.get(&app, "/api/admin/users").await.status,
        StatusCode::UNAUTHORIZED
    );
    let basic = admin.and("authorization", "Basic eDp5");
    assert_eq!(
        basic.get(&app, "/api/me").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_script_of_an_admin_runs_the_team() {
    let app = TestApp::new().await;
    let admin = app.user(ADMIN, Role::Admin).await;
    let script = app.token(&admin, Scope::All).await.and("no-browser", "1");
    let body = json!({ "email": "new@example.org", "name": "New Person", "role": "member" });
    let made = script
        .json(&app, Method::POST, "/api/admin/users", &body)
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert!(
        made.json()["password_link"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:8080/setup/")
    );
    let id = made.json()["user"]["id"].as_str().unwrap().to_owned();
    let again = script
        .json(&app, Method::POST, "/api/admin/users", &body)
        .await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["field"]),
        (409, &json!("email"))
    );

    let path = format!("/api/admin/users/{id}");
    let changed = script
        .json(
            &app,
            Method::PATCH,
            &path,
            &json!({ "role": "admin", "disabled": true }),
        )
        .await;
    assert_eq!(changed.json()["role"], "admin");
    assert!(changed.json()["disabled_at"].is_i64());
    let own = format!("/api/admin/users/{}", admin.id);
    let refused = script
        .json(&app, Method::PATCH, &own, &json!({ "role": "member" }))
        .await;
    assert_eq!(refused.json()["code"], "last_admin");
    let missing = script
        .json(&app, Method::PATCH, "/api/admin/users/0", &json!({}))
        .await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);

    let body = json!({ "email": "other@example.org", "role": "member" });
    let invite = script
        .json(&app, Method::POST, "/api/admin/invites", &body)
        .await;
    assert_eq!(invite.status, StatusCode::CREATED);
    let open = script.get(&app, "/api/admin/invites").await.json();
    assert_eq!(open[0]["email"], "other@example.org");
}
