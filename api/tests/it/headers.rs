//! Headers, cross-site requests, static files.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::harness::{Caller, MEMBER, PASSWORD, TestApp};

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let app = TestApp::with(&[("CRM_BASE_URL", "https://crm.example.org")]).await;
    for path in [
        "/login",
        "/nothing/here",
        "/api/me",
        "/healthz",
        "/static/nothing.js",
    ] {
        let reply = Caller::default().get(&app, path).await;
        assert_eq!(reply.header("content-security-policy"), CSP, "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(
            reply.header("cross-origin-opener-policy"),
            "same-origin",
            "{path}"
        );
        assert_eq!(reply.header("cache-control"), "no-store", "{path}");
        assert!(
            reply
                .header("strict-transport-security")
                .starts_with("max-age=31536000")
        );
        assert_eq!(reply.header("x-request-id").len(), 36, "{path}");
    }
    let plain = TestApp::new().await;
    let reply = Caller::default().get(&plain, "/login").await;
    assert_eq!(reply.header("strict-transport-security"), "");
}

#[tokio::test]
async fn pages_have_nothing_inline() {
    let app = TestApp::new().await;
    let page = app.admin().await.get(&app, "/settings/team").await;
    for inline in ["<script>", " style=\"", " onclick=", "<style"] {
        assert!(!page.text.contains(inline), "{inline}");
    }
}

#[tokio::test]
async fn other_sites_cannot_act_with_the_cookie() {
    let app = TestApp::new().await;
    let member = app.member().await;
    let refused = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("referer", "https://evil.example/x"),
        ("no-browser", "1"),
    ];
    for (name, value) in refused {
        let reply = member
            .clone()
            .and(name, value)
            .post(&app, "/settings/account", &[("name", "X")])
            .await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{name}: {value}");
        let login = [("email", MEMBER), ("password", PASSWORD)];
        let reply = Caller::default()
            .and(name, value)
            .post(&app, "/login", &login)
            .await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "login {name}: {value}");
    }
    for (name, value) in [
        ("sec-fetch-site", "none"),
        ("origin", "http://127.0.0.1:8080"),
        ("referer", "http://127.0.0.1:8080/settings/account"),
    ] {
        let reply = member
            .clone()
            .and(name, value)
            .post(&app, "/settings/account", &[("name", "X")])
            .await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{name}: {value}");
    }
    let problem = member
        .clone()
        .and("sec-fetch-site", "cross-site")
        .json(&app, Method::POST, "/api/tokens", &json!({}))
        .await;
    assert_eq!(problem.json()["code"], "cross_site");
}

#[tokio::test]
async fn cors_is_for_one_origin_and_without_cookies() {
    let origin = "https://app.example.org";
    let app = TestApp::with(&[("CRM_CORS_ORIGIN", origin)]).await;
    let theirs = Caller::default().and("origin", origin);
    let reply = theirs.get(&app, "/api/me").await;
    assert_eq!(reply.header("access-control-allow-origin"), origin);
    assert_eq!(reply.header("access-control-allow-credentials"), "");
    let asks = theirs.clone().and("access-control-request-method", "PATCH");
    let reply = app
        .send(asks.request(Method::OPTIONS, "/api/me", None, String::new()))
        .await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    assert!(
        reply
            .header("access-control-allow-methods")
            .contains("PATCH")
    );
    let reply = Caller::default()
        .and("origin", "https://evil.example")
        .get(&app, "/api/me")
        .await;
    assert_eq!(reply.header("access-control-allow-origin"), "");
    let none = TestApp::new().await;
    assert_eq!(
        theirs
            .get(&none, "/api/me")
            .await
            .header("access-control-allow-origin"),
        ""
    );
}

#[tokio::test]
async fn static_files_cannot_be_climbed_out_of() {
    let app = TestApp::new().await;
    for path in [
        "/static/../Cargo.toml",
        "/static/..%2fCargo.toml",
        "/static/%2e%2e%2f%2e%2e%2fCargo.toml",
        "/static/..%5cCargo.toml",
        "/static/%2fetc%2fpasswd",
        "/static/..",
        "/static/.gitignore",
        "/static/a%00b",
        "/static/manifest.json",
    ] {
        let reply = Caller::default().get(&app, path).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!reply.text.contains("[workspace]"), "{path}");
    }
}

#[tokio::test]
async fn pages_are_compressed_for_those_who_ask() {
    let app = TestApp::new().await;
    let reply = Caller::default()
        .and("accept-encoding", "br")
        .get(&app, "/login")
        .await;
    assert_eq!(reply.header("content-encoding"), "br");
}
