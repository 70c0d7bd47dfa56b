//! Every route of the table × everybody who may come, and the document that
//! is made from the same table.

use axum::http::{Method, StatusCode};
use crm_api::{Access, route_table};

use crate::harness::{Caller, TestApp};

/// A request that fits the route's shape but names nothing there is: the
/// access check must answer before anybody looks.
fn filled(path: &str) -> String {
    let parts: Vec<&str> = path
        .split('/')
        .map(|part| if part.starts_with('{') { "0" } else { part })
        .collect();
    parts.join("/")
}

async fn knock(app: &TestApp, caller: &Caller, method: &Method, path: &str) -> StatusCode {
    let kind = if path.starts_with("/api/") {
        "application/json"
    } else {
        "application/x-www-form-urlencoded"
    };
    let request = caller.request(method.clone(), &filled(path), Some(kind), String::new());
    app.send(request).await.status
}

#[tokio::test]
async fn each_route_opens_to_its_roles_only() {
    let app = TestApp::new().await;
    let (admin, member) = (app.admin().await, app.member().await);
    let mut routes = route_table();
    // Signing out everywhere ends the caller we still need.
    routes.sort_by_key(|route| route.path.ends_with("/end-all") || route.path == "/logout");
    assert!(routes.len() > 30);
    for route in &routes {
        let (method, path) = (&route.method, route.path);
        let name = format!("{method} {path}");
        let for_programs = route.doc.is_some() || path == "/events";

        let status = knock(&app, &Caller::default(), method, path).await;
        match (route.access, for_programs) {
            (Access::Public, _) => assert!(
                !matches!(status.as_u16(), 401 | 403 | 405 | 500),
                "{name}: {status}"
            ),
            (_, true) => assert_eq!(status, StatusCode::UNAUTHORIZED, "{name} for nobody"),
            (_, false) => assert_eq!(status, StatusCode::SEE_OTHER, "{name} for nobody"),
        }
        if path.ends_with("/end-all") || path == "/logout" {
            continue;
        }
        let status = knock(&app, &member, method, path).await;
        // Of this one members may have views, and admins everything: which it is, the
        // query says. `export.rs` tries both.
        let asks_for_all = path == "/api/fundraising/export";
        if route.access == Access::Admin || asks_for_all {
            assert_eq!(status, StatusCode::FORBIDDEN, "{name} for a member");
        } else {
            assert!(
                !matches!(status.as_u16(), 401 | 403 | 405 | 500),
                "{name} for a member: {status}"
            );
        }
        let status = knock(&app, &admin, method, path).await;
        assert!(
            !matches!(status.as_u16(), 401 | 403 | 405 | 500),
            "{name} for an admin: {status}"
        );
    }
}

#[tokio::test]
async fn every_changing_route_refuses_other_sites() {
    let app = TestApp::new().await;
    let admin = app.admin().await.and("sec-fetch-site", "cross-site");
    for route in route_table() {
        if route.method != Method::GET {
            let status = knock(&app, &admin, &route.method, route.path).await;
            assert_eq!(
                status,
                StatusCode::FORBIDDEN,
                "{} {}",
                route.method,
                route.path
            );
        }
    }
}

/// Rows changed by anybody since the start: the api has one connection that writes.
async fn changes(app: &TestApp) -> i64 {
    let mut tx = app.db.write().await.unwrap();
    sqlx::query_scalar("select total_changes()")
        .fetch_one(&mut *tx)
        .await
        .unwrap()
}

#[tokio::test]
async fn reading_changes_nothing_but_the_record_of_who_took_data_away() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    // What is made on first sight is made before.
    admin.get(&app, "/grid").await;
    let mut changed = Vec::new();
    for route in route_table() {
        if route.method != Method::GET {
            continue;
        }
        let before = changes(&app).await;
        knock(&app, &admin, &route.method, route.path).await;
        if changes(&app).await != before {
            changed.push(route.path);
        }
    }
    changed.sort_unstable();
    assert_eq!(
        changed,
        [
            "/api/admin/audit/export",
            "/api/fundraising/export",
            "/settings/audit/export",
        ]
    );
}

#[test]
fn the_document_names_every_json_route() {
    let document = crm_api::openapi::document();
    for route in route_table() {
        let method = route.method.as_str().to_lowercase();
        let operation = &document["paths"][route.path][&method];
        let is_api = route.path.starts_with("/api/");
        assert!(
            !is_api || route.doc.is_some(),
            "{} has no .json(…)",
            route.path
        );
        assert_eq!(
            operation.is_object(),
            route.doc.is_some(),
            "{method} {}",
            route.path
        );
        if route.doc.is_some() {
            let answers = operation["responses"].as_object().unwrap();
            assert!(
                answers.keys().any(|status| status.starts_with('2')),
                "{} answers nothing",
                route.path
            );
            let takes_body = ["post", "put", "patch"].contains(&method.as_str());
            assert!(!operation["summary"].as_str().unwrap().is_empty());
            assert!(
                takes_body || operation["requestBody"].is_null(),
                "{}",
                route.path
            );
        }
    }
    // No reference may lead nowhere.
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
}
