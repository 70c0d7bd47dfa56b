//! One's own account and the team.

use axum::http::StatusCode;
use crm_jobs::accounts::Role;

use crate::harness::{Caller, MEMBER, PASSWORD, TestApp};

#[tokio::test]
async fn a_name_is_saved_and_the_next_page_says_so_once() {
    let app = TestApp::new().await;
    let member = app.member().await;
    let reply = member
        .post(&app, "/settings/account", &[("name", "Jo Testcase")])
        .await;
    assert_eq!(reply.header("location"), "/settings/account");
    let flash = reply
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let page = member
        .clone()
        .and("cookie", &flash)
        .get(&app, "/settings/account")
        .await;
    assert!(page.text.contains("Your name was saved.") && page.text.contains("Jo Testcase"));
    assert!(
        page.header("set-cookie")
            .starts_with("crm_flash=; Path=/; Max-Age=0")
    );

    let reply = member
        .post(&app, "/settings/account", &[("name", "  ")])
        .await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(reply.text.contains("Write the name"));
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_ends_other_sessions() {
    let app = TestApp::new().await;
    let here = app.member().await;
    let there = app.sign_in(MEMBER, PASSWORD).await;
    let wrong = [("current", "not it at all"), ("new", "nine patient otters")];
    let reply = here.post(&app, "/settings/password", &wrong).await;
    assert!(reply.text.contains("not your present password"));
    let weak = [("current", PASSWORD), ("new", "short")];
    assert!(
        here.post(&app, "/settings/password", &weak)
            .await
            .text
            .contains("at least 8")
    );
    let good = [("current", PASSWORD), ("new", "nine patient otters")];
    assert_eq!(
        here.post(&app, "/settings/password", &good).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(here.get(&app, "/api/me").await.status, StatusCode::OK);
    assert_eq!(
        there.get(&app, "/api/me").await.status,
        StatusCode::UNAUTHORIZED
    );
    app.sign_in(MEMBER, "nine patient otters").await;
}

#[tokio::test]
async fn sessions_are_listed_ended_one_by_one_and_all_at_once() {
    let app = TestApp::new().await;
    let here = app.member().await;
    let there = app.sign_in(MEMBER, PASSWORD).await;
    let page = here.get(&app, "/settings/account").await;
    let id = page
        .between("/settings/sessions/", "/end\"")
        .replace("end-all\">", "");
    let id = id.rsplit("/settings/sessions/").next().unwrap();
    here.post(&app, &format!("/settings/sessions/{id}/end"), &[])
        .await;
    assert_eq!(
        there.get(&app, "/api/me").await.status,
        StatusCode::UNAUTHORIZED
    );
    let reply = here.post(&app, "/settings/sessions/end-all", &[]).await;
    assert_eq!(reply.header("location"), "/signed-out?everywhere=1");
    assert_eq!(
        here.get(&app, "/api/me").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn the_theme_is_kept() {
    let app = TestApp::new().await;
    let member = app.member().await;
    let form = [("theme", "dark"), ("next", "/activity")];
    let reply = member.post(&app, "/theme", &form).await;
    assert_eq!(reply.header("location"), "/activity");
    assert!(
        member
            .get(&app, "/activity")
            .await
            .text
            .contains(r#"data-theme="dark""#)
    );
}

#[tokio::test]
async fn a_changed_role_signs_out_and_the_last_admin_stays() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let jo = app.user(MEMBER, Role::Member).await;
    let member = app.sign_in(MEMBER, PASSWORD).await;
    let me = admin.get(&app, "/api/me").await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let reply = admin
        .post(
            &app,
            &format!("/settings/team/{me}/role"),
            &[("role", "member")],
        )
        .await;
    let flash = reply
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let page = admin
        .clone()
        .and("cookie", &flash)
        .get(&app, "/settings/team")
        .await;
    assert!(page.text.contains("last admin"), "{}", page.text);
    admin
        .post(
            &app,
            &format!("/settings/team/{}/role", jo.id),
            &[("role", "admin")],
        )
        .await;
    assert_eq!(
        member.get(&app, "/api/me").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn an_admin_hands_over_a_link_for_a_new_password() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let jo = app.user(MEMBER, Role::Member).await;
    let page = admin
        .post(&app, &format!("/settings/team/{}/reset", jo.id), &[])
        .await;
    let path = format!("/setup/{}", page.between("/setup/", "\""));
    let nobody = Caller::default();
    assert!(
        nobody
            .get(&app, &path)
            .await
            .text
            .contains("Choose a new password")
    );
    let form = [("email", MEMBER), ("password", "nine patient otters")];
    assert!(nobody.post(&app, &path, &form).await.cookie().is_some());
    app.sign_in(MEMBER, "nine patient otters").await;
}
