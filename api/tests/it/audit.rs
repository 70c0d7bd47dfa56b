//! The audit log for admins, and from a shell.

use std::process::{Command, Output};

use axum::http::StatusCode;
use crm_jobs::{
    accounts::Role,
    audit::{self, Actor},
    clock::{Clock, DAY},
    db::{self, Db},
};
use serde_json::json;

use crate::harness::{ADMIN, MEMBER, TestApp};

#[tokio::test]
async fn the_page_filters_by_person_action_and_day() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let jo = app.user(MEMBER, Role::Member).await;
    app.clock.advance(2 * DAY);
    let admin = {
        drop(admin);
        app.sign_in(ADMIN, crate::harness::PASSWORD).await
    };
    admin
        .post(&app, &format!("/settings/team/{}/disable", jo.id), &[])
        .await;
    let rows = |text: &str| text.matches("<tr><th scope=\"row\">").count();
    let all = admin.get(&app, "/settings/audit").await;
    assert_eq!(all.status, StatusCode::OK, "{}", all.text);
    assert!(all.text.contains("carry an unbroken chain") && rows(&all.text) >= 5);
    let one = admin
        .get(&app, "/settings/audit?action=user.disabled")
        .await;
    assert!(rows(&one.text) == 1 && one.text.contains("Sample member"));
    let none = admin
        .get(&app, &format!("/settings/audit?actor=user:{}", jo.id))
        .await;
    assert!(none.text.contains("No such entries"));
    // The test clock starts on 2023-11-14.
    let day = admin.get(&app, "/settings/audit?day=2023-11-16").await;
    assert_eq!(rows(&day.text), 2, "signed in, disabled");
    let wrong = admin.get(&app, "/settings/audit?day=yesterday").await;
    assert!(wrong.text.contains("is no day") && rows(&wrong.text) >= 5);
}

#[tokio::test]
async fn pages_follow_one_another_without_gaps() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut tx = app.db.write().await.unwrap();
    for n in 0..12 {
        let actor = Actor::Shell;
        audit::record(&mut tx, &actor, "thing.done", "", json!({ "n": n }), "")
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/admin/audit?action=thing.done&limit=5&cursor={cursor}");
        let page = admin.get(&app, &path).await.json();
        assert_eq!(page["chain"]["unbroken"], true);
        let entries = page["entries"].as_array().unwrap().clone();
        seen.extend(entries.iter().map(|it| it["detail"]["n"].as_i64().unwrap()));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(seen, (0..12).rev().collect::<Vec<_>>());
    let wrong = admin.get(&app, "/api/admin/audit?cursor=x").await;
    assert_eq!(wrong.json()["field"], "cursor");
}

#[tokio::test]
async fn the_export_is_whole_recorded_and_can_be_verified_elsewhere() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let file = admin.get(&app, "/api/admin/audit/export").await;
    assert_eq!(file.header("content-type"), "application/x-ndjson");
    assert!(file.header("content-disposition").contains(".ndjson\""));
    let lines: Vec<serde_json::Value> = file
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.last().unwrap()["action"], "audit.exported");
    for pair in lines.windows(2) {
        assert_eq!(pair[1]["prev_hash"], pair[0]["hash"]);
    }
    assert_eq!(lines[0]["prev_hash"], audit::GENESIS);
    let csv = admin.get(&app, "/settings/audit/export?format=csv").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(
        csv.text
            .starts_with("id,at,actor,action,target,detail,ip,prev_hash,hash\n")
    );
    assert_eq!(csv.text.lines().count(), lines.len() + 2);
    let wrong = admin.get(&app, "/api/admin/audit/export?format=pdf").await;
    assert_eq!(wrong.json()["field"], "format");
}

fn crm_api(dir: &std::path::Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_crm-api"))
        .args(args)
        .env("CRM_DATA_DIR", dir)
        .output()
        .unwrap()
}

#[tokio::test]
async fn the_shell_verifies_and_a_forged_row_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = crm_api(dir.path(), &["audit", "verify"]);
    assert!(!missing.status.success(), "no database is no unbroken log");
    let db = Db::open(dir.path(), Clock::test(1_700_000_000_000))
        .await
        .unwrap();
    db::migrate(&db).await.unwrap();
    for n in 0..4 {
        let mut tx = db.write().await.unwrap();
        let detail = json!({ "n": n });
        audit::record(&mut tx, &Actor::Shell, "thing.done", "", detail, "")
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let head = audit::head(&db).await.unwrap().hash;
    let done = crm_api(dir.path(), &["audit", "verify", "--contains", &head]);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(String::from_utf8_lossy(&done.stdout).contains("4 rows fit together"));
    let unknown = crm_api(dir.path(), &["audit", "verify", "--contains", "00"]);
    assert!(!unknown.status.success());
    let file = crm_api(dir.path(), &["audit", "export"]);
    assert_eq!(String::from_utf8_lossy(&file.stdout).lines().count(), 4);

    let mut tx = db.write().await.unwrap();
    for sql in [
        "drop trigger audit_log_no_update",
        "update audit_log set detail = '{\"n\":99}' where id = 3",
    ] {
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    db.close().await;
    let forged = crm_api(dir.path(), &["audit", "verify"]);
    assert!(!forged.status.success());
    let says = String::from_utf8_lossy(&forged.stderr).into_owned();
    assert!(says.contains("row 3 does not fit"), "{says}");
}
