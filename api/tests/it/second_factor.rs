//! The second factor over HTTP: switching it on, signing in, getting around it.

use axum::http::{Method, StatusCode, header};
use crm_jobs::{
    accounts::{Role, links, tokens::Scope},
    audit::Actor,
    clock::SECOND,
};
use serde_json::json;
use totp_rs::{Builder, Secret, Totp};

use crate::harness::{ADMIN, Caller, MEMBER, PASSWORD, Reply, TestApp};

const PAGE: &str = "/settings/second-factor";

fn code(app: &TestApp, totp: &Totp) -> String {
    let now = u64::try_from(app.clock.now() / 1_000).unwrap();
    totp.generate(now).to_string()
}

/// Switches it on; the clock then stands in the next step.
async fn enrol(app: &TestApp, caller: &Caller) -> (Totp, Vec<String>) {
    let shown = caller.post(app, PAGE, &[("password", PASSWORD)]).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    assert!(shown.text.contains("otpauth://totp/") && shown.text.contains("<svg class=\"qr\""));
    let secret = shown.between("<p class=\"secret-text\"><code>", "</code>");
    let secret = Secret::try_from_base32(secret.replace(' ', "")).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    let confirm = format!("{PAGE}/confirm");
    let wrong = caller.post(app, &confirm, &[("code", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.text.contains("<svg class=\"qr\""),
        "the picture comes back"
    );
    let done = caller
        .post(app, &confirm, &[("code", &code(app, &totp))])
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let list = done.between("aria-label=\"Recovery codes\">", "</ol>");
    let codes = list
        .split("<code>")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap().to_owned())
        .collect();
    app.clock.advance(30 * SECOND);
    (totp, codes)
}

async fn password_step(app: &TestApp, email: &str) -> Reply {
    let form = [
        ("email", email),
        ("password", PASSWORD),
        ("next", "/grid?a=1"),
    ];
    Caller::default().post(app, "/login", &form).await
}

/// The cookie between password and code.
fn half(reply: &Reply) -> Caller {
    let pair = reply
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().unwrap().split(';').next())
        .find(|pair| pair.starts_with("crm_half="))
        .unwrap();
    Caller::with_cookie(pair)
}

#[tokio::test]
async fn signing_in_takes_two_pages() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let account = admin.get(&app, "/settings/account").await;
    assert!(
        account.text.contains("You are an admin"),
        "admins are urged"
    );
    let (totp, codes) = enrol(&app, &admin).await;
    assert_eq!(codes.len(), 10);
    let account = admin.get(&app, "/settings/account").await;
    assert!(!account.text.contains("You are an admin"));
    let page = admin.get(&app, PAGE).await;
    assert!(!page.text.contains(&codes[0]) && page.text.contains("10 recovery codes are left"));

    let reply = password_step(&app, ADMIN).await;
    assert_eq!(reply.header("location"), "/login/code?next=%2Fgrid%3Fa%3D1");
    assert!(reply.cookie().is_none(), "no session yet");
    let between = half(&reply);
    for path in ["/", "/grid", "/settings/account"] {
        let reply = between.get(&app, path).await;
        assert!(reply.header("location").starts_with("/login"), "{path}");
    }
    assert_eq!(
        between.get(&app, "/api/me").await.status,
        StatusCode::UNAUTHORIZED
    );
    let form = between.get(&app, reply.header("location")).await;
    assert!(form.text.contains(ADMIN) && form.text.contains("value=\"/grid?a=1\""));

    let wrong = between
        .post(&app, "/login/code", &[("code", "123456")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.cookie().is_none() && wrong.text.contains("wrong or was used"));
    let fields = [("code", &*code(&app, &totp)), ("next", "//evil.example")];
    let done = between.post(&app, "/login/code", &fields).await;
    assert_eq!(done.header("location"), "/");
    let inside = Caller::with_cookie(&done.cookie().unwrap());
    assert_eq!(inside.get(&app, "/api/me").await.json()["email"], ADMIN);
    // Used up, and another browser never had it.
    for caller in [between, Caller::default()] {
        let reply = caller.get(&app, "/login/code").await;
        assert_eq!(reply.header("location"), "/login");
        let reply = caller.post(&app, "/login/code", &fields).await;
        assert!(reply.header("location") == "/login" && reply.cookie().is_none());
    }

    let between = half(&password_step(&app, ADMIN).await);
    let done = between
        .post(&app, "/login/code", &[("code", &codes[7])])
        .await;
    assert!(done.cookie().is_some());
}

#[tokio::test]
async fn over_https_the_half_cookie_is_locked_to_the_host() {
    let app = TestApp::with(&[("CRM_BASE_URL", "https://crm.example.org")]).await;
    let admin = app.admin().await;
    enrol(&app, &admin).await;
    let reply = password_step(&app, ADMIN).await;
    let cookies: Vec<&str> = reply
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect();
    let half = cookies.iter().find(|c| c.starts_with("__Host-crm_half="));
    let half = half.unwrap();
    for part in [
        "; Secure",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Max-Age=600",
        "; Path=/;",
    ] {
        assert!(half.contains(part), "{half}");
    }
}

#[tokio::test]
async fn a_reset_link_asks_for_the_code_and_a_token_does_not() {
    let app = TestApp::new().await;
    let jo = app.user(MEMBER, Role::Member).await;
    let member = app.sign_in(MEMBER, PASSWORD).await;
    enrol(&app, &member).await;
    let script = app.token(&jo, Scope::Read).await;
    assert_eq!(script.get(&app, "/api/me").await.status, StatusCode::OK);
    let mut tx = app.db.write().await.unwrap();
    let reset = links::reset(&mut tx, &jo.id, &Actor::Shell, "")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let form = [("password", "nine patient otters")];
    let path = format!("/setup/{}", reset.secret);
    let reply = Caller::default().post(&app, &path, &form).await;
    assert_eq!(reply.header("location"), "/login/code");
    assert!(reply.cookie().is_none());
}

#[tokio::test]
async fn an_admin_takes_it_away_on_the_page_and_over_the_api() {
    let app = TestApp::new().await;
    let (admin, jo) = (app.admin().await, app.user(MEMBER, Role::Member).await);
    let remove = format!("/settings/team/{}/second-factor/remove", jo.id);
    let api = format!("/api/admin/users/{}/second-factor", jo.id);
    for by_page in [true, false] {
        let member = app.sign_in(MEMBER, PASSWORD).await;
        enrol(&app, &member).await;
        let team = admin.get(&app, "/settings/team").await;
        assert!(team.text.contains(&remove));
        let forbidden = member.post(&app, &remove, &[]).await;
        assert_eq!(forbidden.status, StatusCode::FORBIDDEN);
        if by_page {
            admin.post(&app, &remove, &[]).await;
        } else {
            let gone = admin.json(&app, Method::DELETE, &api, &json!({})).await;
            assert_eq!(gone.status, StatusCode::NO_CONTENT);
            let gone = admin.json(&app, Method::DELETE, &api, &json!({})).await;
            assert_eq!(gone.status, StatusCode::NOT_FOUND);
        }
    }
    app.sign_in(MEMBER, PASSWORD).await;
}
