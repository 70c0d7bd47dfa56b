//! Imports over HTTP: upload with its parts, reading again, profiles, drift, revert.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use crm_jobs::{
    import::{ApplyImport, RevertImport},
    queue::{self, Registry},
};
use serde_json::{Value, json};

use crate::harness::{Caller, Reply, TestApp};

/// Posts a file and parts beside it.
async fn upload(
    app: &TestApp,
    caller: &Caller,
    path: &str,
    file: &[u8],
    parts: &[(&str, &str)],
) -> Reply {
    let mut body = Vec::new();
    for (name, value) in parts {
        body.extend_from_slice(
            format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                .as_bytes(),
        );
    }
    body.extend_from_slice(
        b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"week.csv\"\r\n\r\n",
    );
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--b--\r\n");
    let mut request = caller.request(Method::POST, path, None, String::new());
    *request.body_mut() = Body::from(body);
    let kind = "multipart/form-data; boundary=b".parse().unwrap();
    request.headers_mut().insert(header::CONTENT_TYPE, kind);
    let request: Request<Body> = request;
    app.send(request).await
}

async fn drain(app: &TestApp) {
    let registry = Registry::default()
        .with::<ApplyImport>()
        .with::<RevertImport>();
    queue::drain(&app.db, &registry).await.unwrap();
}

async fn call(app: &TestApp, who: &Caller, method: Method, path: &str, body: &Value) -> Reply {
    who.json(app, method, path, body).await
}

async fn apply(app: &TestApp, who: &Caller, id: &str) {
    let path = format!("/api/imports/{id}/apply");
    let reply = call(app, who, Method::POST, &path, &json!({})).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.text);
    drain(app).await;
}

const WEEK: &[u8] = b"Name,Note,Fund\nA,one,Fund I\nB,two,\n";

#[tokio::test]
async fn next_weeks_file_is_mapped_by_its_profile_and_taken_back() {
    let app = TestApp::new().await;
    let who = app.member().await;
    let first = upload(&app, &who, "/api/imports", WEEK, &[]).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    let first = first.json()["id"].as_str().unwrap().to_owned();
    apply(&app, &who, &first).await;
    let new = json!({"name": "Weekly", "import_id": first});
    let saved = call(&app, &who, Method::POST, "/api/import-profiles", &new).await;
    assert_eq!(saved.status, StatusCode::CREATED, "{}", saved.text);
    let profile = saved.json()["id"].as_str().unwrap().to_owned();
    let listed = who.get(&app, "/api/import-profiles").await.json();
    assert_eq!(listed[0]["headers"], json!(["fund", "name", "note"]));

    let next = b"Name,Note,Fund\nA,changed,Fund I\nB,two,\nC,new,Fund II\n";
    let second = upload(&app, &who, "/api/imports", next, &[]).await.json();
    assert_eq!(
        second["saved_profile"],
        json!({"id": profile, "name": "Weekly"})
    );
    let id = second["id"].as_str().unwrap();
    let drift = who
        .get(&app, &format!("/api/imports/{id}/drift?kind=differs"))
        .await;
    assert_eq!(
        drift.json()["counts"]["differing_cells"],
        1,
        "{}",
        drift.text
    );
    assert_eq!(
        drift.json()["differences"][0]["changed"]["origin"],
        "import"
    );
    let csv = who.get(&app, &format!("/imports/{id}/drift.csv")).await;
    assert!(csv.text.contains("only_in_file,4,C"), "{}", csv.text);
    assert!(csv.header("content-type").starts_with("text/csv"));
    let csv = who.get(&app, &format!("/imports/{id}/changes.csv")).await;
    assert!(csv.text.contains("2,A,Note,one,changed"), "{}", csv.text);
    apply(&app, &who, id).await;
    let done = call(
        &app,
        &who,
        Method::POST,
        &format!("/api/imports/{id}/revert"),
        &json!({}),
    )
    .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let told = done.json();
    assert_eq!((&told["rows"], &told["cells"]), (&json!(1), &json!(1)));
    assert_eq!(told["funds"], json!(["Fund II"]));
    let twice = call(
        &app,
        &who,
        Method::POST,
        &format!("/api/imports/{id}/revert"),
        &json!({}),
    )
    .await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    let page = who.get(&app, &format!("/imports/{id}")).await;
    assert!(page.text.contains("Reverted."), "{}", page.text);
    assert!(who.get(&app, "/imports").await.text.contains("Reverted"));
    let feed = who
        .get(&app, "/api/activity?action=import.reverted")
        .await
        .json();
    assert_eq!(feed["entries"][0]["target"], format!("import:{id}"));

    let path = format!("/api/import-profiles/{profile}");
    let gone = call(&app, &who, Method::DELETE, &path, &json!({})).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let gone = call(&app, &who, Method::DELETE, &path, &json!({})).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_file_is_read_again_as_told_and_refusals_change_nothing() {
    let app = TestApp::new().await;
    let who = app.member().await;
    let file = "Name;Ort\nMüller;Köln\n".as_bytes();
    let parts = [
        ("encoding", "cp1252"),
        ("delimiter", "comma"),
        ("profile", "none"),
    ];
    let wrong = upload(&app, &who, "/api/imports", file, &parts)
        .await
        .json();
    assert_eq!(wrong["first_lines"][1], "MÃ¼ller;KÃ¶ln");
    assert_eq!(wrong["mapping"]["columns"].as_array().unwrap().len(), 1);
    let id = wrong["id"].as_str().unwrap();
    let path = format!("/api/imports/{id}/reading");
    for (body, code) in [
        (json!({"encoding": "utf16_le"}), "bad_encoding"),
        (json!({"encoding": "xlsx"}), "not_a_workbook"),
        (json!({"profile": "unknown"}), "no_such_profile"),
    ] {
        let refused = call(&app, &who, Method::PUT, &path, &body).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            refused.text
        );
        assert_eq!(refused.json()["code"], code);
    }
    let kept = who.get(&app, &format!("/api/imports/{id}")).await.json();
    assert_eq!(kept["first_lines"], wrong["first_lines"]);
    let right = call(&app, &who, Method::PUT, &path, &json!({}))
        .await
        .json();
    assert_eq!(right["first_lines"][1], "Müller;Köln");
    assert_eq!(
        (&right["encoding"], &right["delimiter"]),
        (&json!("utf8"), &json!("semicolon"))
    );
    let form = [("encoding", "utf16_be"), ("delimiter", "")];
    let page = who
        .post(&app, &format!("/imports/{id}/reading"), &form)
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains("not valid UTF-16"), "{}", page.text);
    let bad = call(
        &app,
        &who,
        Method::POST,
        "/api/import-profiles",
        &json!({"name": " ", "import_id": id}),
    )
    .await;
    assert_eq!(
        (bad.status, bad.json()["field"].clone()),
        (StatusCode::UNPROCESSABLE_ENTITY, json!("name"))
    );
    let draft = call(
        &app,
        &who,
        Method::POST,
        &format!("/api/imports/{id}/revert"),
        &json!({}),
    )
    .await;
    assert_eq!(draft.status, StatusCode::CONFLICT, "{}", draft.text);
    let no_file = upload(&app, &who, "/imports", b"PK\x03\x04", &[]).await;
    assert_eq!(no_file.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        no_file.text.contains("no Excel workbook"),
        "{}",
        no_file.text
    );
}
