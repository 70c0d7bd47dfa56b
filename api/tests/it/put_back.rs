//! Putting the table back.

use axum::http::{Method, StatusCode};
use crm_jobs::{queue, tasks};
use serde_json::{Value, json};

use crate::{
    harness::TestApp,
    state::{grid_of_one, patch, set},
};

#[tokio::test]
async fn an_admin_puts_the_table_back_and_nothing_happens_behind_anybodys_back() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let member = app.member().await;
    grid_of_one(&app, &admin).await;
    let path = "/api/fundraising/put-back";
    let now = |body: &Value| body["until"].as_i64().unwrap();
    let before = now(&admin.get(&app, &format!("{path}?as_of=0")).await.json());
    assert_eq!(
        member.get(&app, &format!("{path}?as_of=1")).await.status,
        StatusCode::FORBIDDEN
    );
    let wrong = json!({"operations": [set("name", "Wrong", before)]});
    let reply = patch(&app, &admin, wrong).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);

    for (as_of, status) in [("yesterday", 422), ("9999", 404), ("2026-02-30", 422)] {
        let reply = admin.get(&app, &format!("{path}?as_of={as_of}")).await;
        assert_eq!(reply.status.as_u16(), status, "{as_of}: {}", reply.text);
    }
    let seen = admin
        .get(&app, &format!("{path}?as_of={before}"))
        .await
        .json();
    assert_eq!(
        (&seen["cells"], &seen["examples"][0]["now"]),
        (&json!(1), &json!("Wrong"))
    );
    let page = admin
        .get(&app, &format!("/grid/put-back?as_of={before}"))
        .await;
    assert!(
        page.text.contains("1 cell gets its value back"),
        "{}",
        page.text
    );

    let stale = json!({"version": before, "until": before});
    let refused = admin.json(&app, Method::POST, path, &stale).await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (StatusCode::CONFLICT, &json!("changed_since"))
    );
    let wanted = json!({"version": before, "until": now(&seen)});
    let asked = admin.json(&app, Method::POST, path, &wanted).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
    queue::drain(&app.db, &tasks::registry()).await.unwrap();
    let row = admin
        .get(&app, &format!("{path}?as_of={before}"))
        .await
        .json();
    assert_eq!(row["cells"], 0, "it is as it was");
    let job = admin
        .get(&app, asked.json()["href"].as_str().unwrap())
        .await
        .json();
    let made = job["output"]["change_set"].as_i64().unwrap();
    let undone = admin.post(&app, &format!("/grid/undo/{made}"), &[]).await;
    assert_eq!(undone.status, StatusCode::SEE_OTHER);
    let again = admin
        .get(&app, &format!("{path}?as_of={before}"))
        .await
        .json();
    assert_eq!(again["cells"], 1, "and taken back");
}
