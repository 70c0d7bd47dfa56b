//! Backups, policy and restores over HTTP: what is refused, and that nothing
//! happens before it is confirmed.

use axum::http::{Method, StatusCode};
use crm_jobs::{
    accounts::{Role, tokens::Scope},
    backup::{self, Kind},
    restore,
};
use serde_json::json;

use crate::harness::{Caller, PASSWORD, TestApp};

async fn take(app: &TestApp) -> backup::Backup {
    let (id, now) = (app.clock.new_id(), app.clock.now());
    let taken = backup::take(&app.db, &id, now, Kind::Manual, |_, _| {})
        .await
        .unwrap();
    let mut tx = app.db.write().await.unwrap();
    backup::record(&mut tx, &taken, None).await.unwrap();
    tx.commit().await.unwrap();
    backup::find(app.db.read(), &id).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_policy_is_read_and_changed_and_refused_by_field() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let path = "/api/fundraising/backup-policy";
    assert_eq!(admin.get(&app, path).await.json()["time"], "02:30");
    let change = json!({"time": "04:10", "daily": 9});
    let changed = admin.json(&app, Method::PATCH, path, &change).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    let now = admin.get(&app, path).await.json();
    assert_eq!(
        (&now["time"], &now["daily"], &now["weekly"]),
        (&json!("04:10"), &json!(9), &json!(4))
    );
    for (change, field) in [
        (json!({"time": "24:00"}), "time"),
        (json!({"daily": 0}), "daily"),
        (json!({"second_directory": "backups"}), "second_directory"),
        (json!({"recipient": "age1x"}), "recipient"),
    ] {
        let refused = admin.json(&app, Method::PATCH, path, &change).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{change}");
        assert_eq!(refused.json()["field"], field);
    }
    let key =
        json!({"recipient": "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"});
    let made = admin
        .json(&app, Method::POST, &format!("{path}/challenge"), &key)
        .await;
    assert!(
        made.json()["armored"]
            .as_str()
            .unwrap()
            .contains("BEGIN AGE")
    );
    let unproven = admin.json(&app, Method::PATCH, path, &key).await;
    assert_eq!(unproven.json()["field"], "phrase");
    // The form comes back with what was typed and what is wrong with it.
    let form = [
        ("time", "05:00"),
        ("daily", "x"),
        ("weekly", "4"),
        ("monthly", "12"),
        ("alarm_hours", "26"),
        ("drill_alarm_days", "8"),
    ];
    let back = admin.post(&app, "/backups/policy", &form).await;
    assert_eq!(back.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(back.text.contains("whole number"), "{}", back.text);
}

#[tokio::test]
async fn a_backup_is_downloaded_and_deleted_but_never_the_newest() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let older = take(&app).await;
    app.clock.advance(60_000);
    let newest = take(&app).await;
    let file = format!("/api/fundraising/backups/{}/file", newest.id);
    let reply = admin.get(&app, &file).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(
        reply.header("content-length"),
        newest.size_bytes.to_string()
    );
    assert!(
        reply
            .header("content-disposition")
            .contains(&newest.file_name)
    );
    let path = |id: &str| format!("/api/fundraising/backups/{id}");
    let nothing = json!({});
    let refused = admin
        .json(&app, Method::DELETE, &path(&newest.id), &nothing)
        .await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.json()["code"], "newest_verified");
    let gone = admin
        .json(&app, Method::DELETE, &path(&older.id), &nothing)
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert!(!app.db.dir().backups().join(&older.file_name).exists());
    let gone = admin
        .json(&app, Method::DELETE, &path(&older.id), &nothing)
        .await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

async fn preview(app: &TestApp, who: &Caller, id: &str) -> serde_json::Value {
    let body = json!({ "backup_id": id });
    let reply = who
        .json(app, Method::POST, "/api/fundraising/restore-preview", &body)
        .await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.json()
}

#[tokio::test]
async fn a_restore_needs_the_token_the_name_the_password_and_a_worker() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let stored = take(&app).await;
    let shown = preview(&app, &admin, &stored.id).await;
    assert_eq!(shown["confirm"], stored.file_name);
    let ask = |token: &str, confirm: &str, password: &str| json!({"token": token, "confirm": confirm, "password": password});
    let token = shown["token"].as_str().unwrap();
    let send = async |who: &Caller, body| {
        let reply = who
            .json(&app, Method::POST, "/api/fundraising/restore", &body)
            .await;
        (
            reply.status.as_u16(),
            reply.json()["code"].as_str().unwrap_or_default().to_owned(),
        )
    };
    assert_eq!(
        send(&admin, ask("x.y", &stored.file_name, PASSWORD)).await,
        (409, "token".into())
    );
    assert_eq!(
        send(&admin, ask(token, &stored.file_name, "wrong")).await,
        (422, "invalid".into())
    );
    assert_eq!(
        send(&admin, ask(token, &stored.file_name, PASSWORD)).await,
        (409, "no_worker".into())
    );
    let mut tx = app.db.write().await.unwrap();
    sqlx::query("insert into workers (id, pid, version, slots, started_at, heartbeat_at, lease_until) values ('w', 1, 'x', 1, 1, 1, 9999999999999)")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        send(&admin, ask(token, "else", PASSWORD)).await,
        (409, "confirm".into())
    );
    // Another admin's preview is not mine.
    let user = app.user("other@example.org", Role::Admin).await;
    let other = app.token(&user, Scope::All).await;
    assert_eq!(
        send(&other, ask(token, &stored.file_name, "")).await,
        (409, "token".into())
    );
    assert!(
        restore::status(app.db.dir()).unwrap().is_none(),
        "nothing was asked for yet"
    );
    let reply = admin
        .json(
            &app,
            Method::POST,
            "/api/fundraising/restore",
            &ask(token, &stored.file_name, PASSWORD),
        )
        .await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.text);
    assert_eq!(reply.json()["phase"], "asked");
    assert_eq!(
        send(&admin, ask(token, &stored.file_name, PASSWORD)).await,
        (409, "token".into())
    );
    // Everybody may see how far it is, and learns nothing else.
    let progress = Caller::default().get(&app, "/restore/progress").await;
    assert_eq!(progress.json()["phase"], "asked");
    let page = Caller::default().get(&app, "/restore").await;
    assert!(page.text.contains("Restoring a backup") && !page.text.contains(&stored.file_name));
}

#[tokio::test]
async fn uploads_are_looked_at_and_refused_for_a_reason() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let taken = take(&app).await;
    let dir = app.db.dir().backups();
    let whole = std::fs::read(dir.join(&taken.file_name)).unwrap();
    let upload = async |bytes: &[u8], name: &str| {
        let mut body = format!(
            "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(bytes);
        body.extend_from_slice(
            format!("\r\n--b\r\ncontent-disposition: form-data; name=\"manifest\"\r\n\r\n{}\r\n--b--\r\n", taken.manifest).as_bytes(),
        );
        let mut request = admin.request(
            Method::POST,
            "/api/fundraising/restore-preview/upload",
            Some("multipart/form-data; boundary=b"),
            String::new(),
        );
        *request.body_mut() = body.into();
        app.send(request).await
    };
    let good = upload(&whole, "../../taken elsewhere.db.zst").await;
    assert_eq!(good.status, StatusCode::OK, "{}", good.text);
    assert_eq!(good.json()["has_manifest"], true);
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let bad = upload(&flipped, "x.zst").await;
    assert_eq!(bad.status, StatusCode::CONFLICT);
    assert_eq!(bad.json()["code"], "damaged");
    let bad = upload(b"hello", "x.zst").await;
    assert_eq!(bad.status, StatusCode::CONFLICT);
    let left = std::fs::read_dir(app.db.dir().restore()).unwrap().count();
    assert_eq!(left, 1, "only what may still be restored stays");
    let page = admin.get(&app, "/backups/restore").await;
    assert!(page.text.contains(&taken.file_name));
}

#[tokio::test]
async fn writes_are_refused_while_the_old_database_is_backed_up() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    app.db.hold_writes(true);
    let reply = admin
        .json(&app, Method::POST, "/api/fundraising/backup", &json!({}))
        .await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.json()["code"], "restoring");
    assert_eq!(
        admin.get(&app, "/grid").await.status,
        StatusCode::OK,
        "reading goes on"
    );
    app.db.hold_writes(false);
    let reply = admin
        .json(&app, Method::POST, "/api/fundraising/backup", &json!({}))
        .await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
}
