//! Signing in, out, and behind links.

use axum::http::{Method, StatusCode};
use crm_jobs::{
    accounts::{Role, links, tokens::Scope},
    audit::Actor,
    clock::{HOUR, MINUTE},
};
use serde_json::json;

use crate::harness::{ADMIN, Caller, MEMBER, PASSWORD, TestApp};

#[tokio::test]
async fn a_visitor_signs_in_and_lands_where_they_wanted_to_go() {
    let app = TestApp::new().await;
    app.user(MEMBER, Role::Member).await;
    let nobody = Caller::default();
    let reply = nobody.get(&app, "/settings/account?x=1").await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER);
    assert_eq!(
        reply.header("location"),
        "/login?next=/settings/account%3Fx%3D1"
    );
    let form = nobody.get(&app, reply.header("location")).await;
    assert!(
        form.text.contains(r#"value="/settings/account?x=1""#),
        "{}",
        form.text
    );

    let fields = [
        ("email", MEMBER),
        ("password", PASSWORD),
        ("next", "/settings/account?x=1"),
    ];
    let reply = nobody.post(&app, "/login", &fields).await;
    assert_eq!(reply.header("location"), "/settings/account?x=1");
    let cookie = reply.header("set-cookie");
    for part in ["crm_session=", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let member = Caller::with_cookie(&reply.cookie().unwrap());
    let page = member.get(&app, "/settings/account").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains(MEMBER));

    let evil = [
        ("email", MEMBER),
        ("password", PASSWORD),
        ("next", "//evil.example"),
    ];
    assert_eq!(
        nobody.post(&app, "/login", &evil).await.header("location"),
        "/"
    );
}

#[tokio::test]
async fn over_https_the_cookie_is_locked_to_the_host() {
    let app = TestApp::with(&[("CRM_BASE_URL", "https://crm.example.org")]).await;
    app.user(MEMBER, Role::Member).await;
    let fields = [("email", MEMBER), ("password", PASSWORD)];
    let reply = Caller::default().post(&app, "/login", &fields).await;
    let cookie = reply.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-crm_session=") && cookie.ends_with("; Secure"),
        "{cookie}"
    );
}

#[tokio::test]
async fn wrong_and_unknown_read_the_same() {
    let app = TestApp::new().await;
    app.user(MEMBER, Role::Member).await;
    let nobody = Caller::default();
    let mut pages = Vec::new();
    for email in [MEMBER, "nobody@example.org"] {
        let reply = nobody
            .post(
                &app,
                "/login",
                &[("email", email), ("password", "wrong one")],
            )
            .await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(reply.cookie().is_none());
        pages.push(reply.text.replace(email, "X"));
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_says_when_to_come_back() {
    let app = TestApp::new().await;
    app.user(MEMBER, Role::Member).await;
    let nobody = Caller::default();
    let wrong = [("email", MEMBER), ("password", "wrong one")];
    for _ in 0..5 {
        nobody.post(&app, "/login", &wrong).await;
    }
    let reply = nobody.post(&app, "/login", &wrong).await;
    assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(reply.header("retry-after"), "1");
    app.clock.advance(5 * MINUTE);
    app.sign_in(MEMBER, PASSWORD).await;
}

#[tokio::test]
async fn sessions_end_idle_by_signing_out_and_by_disabling() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let member = app.member().await;
    let users = admin.get(&app, "/api/admin/users").await.json();
    let id = users
        .as_array()
        .unwrap()
        .iter()
        .find(|u| u["email"] == MEMBER)
        .unwrap()["id"]
        .clone();
    let id = id.as_str().unwrap();
    assert_eq!(member.get(&app, "/api/me").await.status, StatusCode::OK);

    admin
        .post(&app, &format!("/settings/team/{id}/disable"), &[])
        .await;
    assert_eq!(
        member.get(&app, "/api/me").await.status,
        StatusCode::UNAUTHORIZED
    );
    admin
        .post(&app, &format!("/settings/team/{id}/enable"), &[])
        .await;
    assert_eq!(
        member.get(&app, "/api/me").await.status,
        StatusCode::UNAUTHORIZED
    );

    let again = app.sign_in(MEMBER, PASSWORD).await;
    let reply = again.post(&app, "/logout", &[]).await;
    assert_eq!(reply.header("location"), "/signed-out");
    assert_eq!(
        again.get(&app, "/api/me").await.status,
        StatusCode::UNAUTHORIZED
    );

    app.clock.advance(8 * HOUR);
    assert_eq!(
        admin.get(&app, "/api/me").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    let app = TestApp::new().await;
    let first = app.member().await;
    let reply = first
        .post(&app, "/login", &[("email", MEMBER), ("password", PASSWORD)])
        .await;
    assert!(reply.cookie().is_some());
    assert_eq!(
        first.get(&app, "/api/me").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn the_first_admin_comes_through_the_set_up_link_once() {
    let app = TestApp::new().await;
    let mut tx = app.db.write().await.unwrap();
    let made = links::set_up(&mut tx, &Actor::Shell)
        .await
        .unwrap()
        .unwrap();
    tx.commit().await.unwrap();
    let path = format!("/setup/{}", made.secret);
    let nobody = Caller::default();
    assert!(
        nobody
            .get(&app, &path)
            .await
            .text
            .contains("Set up Venture CRM")
    );
    let weak = [
        ("name", "Robin"),
        ("email", ADMIN),
        ("password", "password1"),
    ];
    let reply = nobody.post(&app, &path, &weak).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(reply.text.contains("everybody tries first") && reply.text.contains("Robin"));
    assert!(!reply.text.contains("password1"));

    let good = [("name", "Robin"), ("email", ADMIN), ("password", PASSWORD)];
    let reply = nobody.post(&app, &path, &good).await;
    let admin = Caller::with_cookie(&reply.cookie().unwrap());
    assert_eq!(
        admin.get(&app, "/settings/team").await.status,
        StatusCode::OK
    );
    assert_eq!(
        nobody.post(&app, &path, &good).await.status,
        StatusCode::NOT_FOUND
    );
    let gone = nobody.get(&app, &path).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(gone.text.contains("used already or has expired"));
}

#[tokio::test]
async fn an_invitation_is_shown_once_and_makes_a_member() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let form = [("email", "New.Person@example.org"), ("role", "member")];
    let page = admin.post(&app, "/settings/team/invites", &form).await;
    let secret = page.between("/setup/", "\"");
    assert!(
        !admin
            .get(&app, "/settings/team")
            .await
            .text
            .contains(&secret)
    );

    let path = format!("/setup/{secret}");
    let nobody = Caller::default();
    assert!(
        nobody.get(&app, &path).await.text.contains("Sample admin"),
        "names the inviter"
    );
    let form = [
        ("name", "New Person"),
        ("email", "other@example.org"),
        ("password", PASSWORD),
    ];
    let reply = nobody.post(&app, &path, &form).await;
    let member = Caller::with_cookie(&reply.cookie().unwrap());
    let me = member.get(&app, "/api/me").await.json();
    assert_eq!(me["email"], "new.person@example.org", "the link decides");
    assert_eq!(me["role"], "member");
}

#[tokio::test]
async fn a_withdrawn_invitation_no_longer_works() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let form = [("email", "new@example.org"), ("role", "admin")];
    let page = admin.post(&app, "/settings/team/invites", &form).await;
    let secret = page.between("/setup/", "\"");
    let id = page.between("/settings/team/invites/", "/revoke");
    let reply = admin
        .post(&app, &format!("/settings/team/invites/{id}/revoke"), &[])
        .await;
    assert_eq!(reply.header("location"), "/settings/team");
    let gone = Caller::default()
        .get(&app, &format!("/setup/{secret}"))
        .await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn programs_have_invitations_mailed_to_colleagues_only() {
    let app = TestApp::new().await;
    let admin = app.user(ADMIN, Role::Admin).await;
    let script = app.token(&admin, Scope::All).await;
    let path = "/api/admin/invites";
    let body = json!({ "email": "bo@elsewhere.example", "role": "member", "mail": true });
    let refused = script.json(&app, Method::POST, path, &body).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["field"], "mail", "{}", refused.text);
    assert!(refused.text.contains("(example.org)"), "{}", refused.text);
    // A refusal leaves no invitation behind.
    assert_eq!(script.get(&app, path).await.json(), json!([]));
    let body = json!({ "email": "Bo@EXAMPLE.org", "role": "member", "mail": true });
    let made = script.json(&app, Method::POST, path, &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let (state, sealed): (String, String) =
        sqlx::query_as("select state, sealed from invite_letters")
            .fetch_one(app.db.read())
            .await
            .unwrap();
    let link = made.json()["link"].as_str().unwrap().to_owned();
    let secret = link.rsplit('/').next().unwrap();
    assert!(state == "queued" && !sealed.is_empty() && !sealed.contains(secret));
    let jobs = script.get(&app, "/api/jobs?kind=send_invite").await;
    assert!(jobs.text.contains("send_invite") && !jobs.text.contains(secret));
}
