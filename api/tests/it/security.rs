//! The go-live checklist, and what the program refuses to start with.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt, process::Command};

use crm_jobs::{
    accounts::{
        DEMO_ADMIN, Role, passwords,
        users::{self, NewUser},
    },
    audit::Actor,
    clock::Clock,
    db::{self, Db},
};
use serde_json::{Value, json};

use crate::harness::{Caller, TestApp};

async fn checks(app: &TestApp, caller: &Caller) -> BTreeMap<String, Value> {
    let status = caller.get(app, "/api/security/status").await.json();
    let list = status["checks"].as_array().unwrap();
    for check in list {
        let is_ok = check["state"] == "ok";
        assert_eq!(
            is_ok,
            check["fix"] == "",
            "what is not ok has a fix: {check}"
        );
    }
    list.iter()
        .map(|check| {
            (
                check["id"].as_str().unwrap().to_owned(),
                check["state"].clone(),
            )
        })
        .collect()
}

#[tokio::test]
async fn each_thing_on_the_list_follows_what_is_set() {
    let weak = TestApp::with(&[
        ("CRM_BASE_URL", "http://crm.lan"),
        ("CRM_SECRET_KEY", "short"),
        ("CRM_WRITE_LIMITS", "off"),
    ])
    .await;
    owner_only(&weak, 0o700);
    let admin = weak.admin().await;
    let before = checks(&weak, &admin).await;
    for id in [
        "environment",
        "base_url",
        "secret_key",
        "write_limits",
        "backups",
        "backups_elsewhere",
        "worker",
    ] {
        assert_eq!(before[id], "fail", "{id}");
    }
    for id in ["second_factors", "spare_admin", "mail_server"] {
        assert_eq!(before[id], "warn", "{id}");
    }
    for id in [
        "demo_admin",
        "endless_tokens",
        "held_mail",
        "mailboxes",
        "sqlite",
        "audit_log",
        "disk",
        "data_directory",
        "trusted_proxies",
    ] {
        assert_eq!(before[id], "ok", "{id}");
    }
    let page = admin.get(&weak, "/settings/security").await;
    assert!(page.text.contains("Not fit for the open internet yet"));

    let strong = TestApp::with(&[
        ("CRM_ENV", "production"),
        ("CRM_BASE_URL", "https://crm.example.org"),
        ("CRM_SECRET_KEY", "0123456789abcdef0123456789abcdef"),
        ("CRM_TRUSTED_PROXIES", "127.0.0.1"),
    ])
    .await;
    let admin = strong.admin().await;
    strong.user("second@example.org", Role::Admin).await;
    let now = checks(&strong, &admin).await;
    for id in [
        "environment",
        "base_url",
        "secret_key",
        "write_limits",
        "trusted_proxies",
        "spare_admin",
    ] {
        assert_eq!(now[id], "ok", "{id}");
    }
}

#[tokio::test]
async fn changes_in_the_data_show_on_the_list() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let body = json!({ "name": "for ever", "scope": "read" });
    admin
        .json(&app, axum::http::Method::POST, "/api/tokens", &body)
        .await;
    let proxied = admin.clone().and("x-forwarded-for", "192.0.2.1");
    assert_eq!(checks(&app, &proxied).await["trusted_proxies"], "fail");
    owner_only(&app, 0o755);
    app.free.store(1, std::sync::atomic::Ordering::SeqCst);
    let mut tx = app.db.write().await.unwrap();
    for sql in [
        "drop trigger audit_log_no_update",
        "update audit_log set ip = 'elsewhere' where id = 1",
    ] {
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
    }
    make_demo_admin(&mut tx).await;
    tx.commit().await.unwrap();
    // The log is read again at most once a minute.
    app.clock.advance(60_000);
    let now = checks(&app, &admin).await;
    assert_eq!(now["endless_tokens"], "warn");
    for id in ["data_directory", "disk", "audit_log", "demo_admin"] {
        assert_eq!(now[id], "fail", "{id}");
    }
}

fn owner_only(app: &TestApp, mode: u32) {
    let mode = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(app.db.dir().path(), mode).unwrap();
}

async fn make_demo_admin(tx: &mut db::WriteTx) {
    let new = NewUser {
        email: DEMO_ADMIN.0.to_owned(),
        name: "Demo admin".to_owned(),
        role: Role::Admin,
        password_hash: Some(passwords::hash(DEMO_ADMIN.1).await.unwrap()),
    };
    users::create(tx, new, &Actor::System, "").await.unwrap();
}

#[tokio::test]
async fn every_reason_not_to_start_comes_at_once_and_the_demo_admin_stays_on_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(dir.path(), Clock::System).await.unwrap();
    db::migrate(&db).await.unwrap();
    let mut tx = db.write().await.unwrap();
    make_demo_admin(&mut tx).await;
    tx.commit().await.unwrap();
    db.close().await;
    let serve = |env: &[(&str, &str)]| {
        let done = Command::new(env!("CARGO_BIN_EXE_crm-api"))
            .arg("serve")
            .env("CRM_DATA_DIR", dir.path())
            .envs(env.iter().copied())
            .output()
            .unwrap();
        assert!(!done.status.success());
        String::from_utf8_lossy(&done.stderr).into_owned()
    };
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let says = serve(&[
        ("CRM_ENV", "production"),
        ("CRM_BASE_URL", "http://crm.example.org"),
        ("CRM_WRITE_LIMITS", "off"),
    ]);
    for reason in [
        "CRM_SECRET_KEY",
        "CRM_BASE_URL",
        "CRM_WRITE_LIMITS",
        "chmod 700",
        "demo password",
    ] {
        assert!(says.contains(reason), "{reason} in {says}");
    }
    let says = serve(&[
        ("CRM_BIND", "0.0.0.0:0"),
        ("CRM_BASE_URL", "http://127.0.0.1:8080"),
    ]);
    assert!(says.contains("demo password"), "{says}");
    let says = serve(&[
        ("CRM_BIND", "127.0.0.1:0"),
        ("CRM_BASE_URL", "https://crm.example.org"),
    ]);
    assert!(says.contains("demo password"), "{says}");
}
