//! Tasks over JSON and by their forms.

use super::*;

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one story, told in order")]
async fn a_task_lives_its_life_over_json() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    // Tuesday 14 November 2023, in UTC.
    let task = add(
        &app,
        &member,
        &json!({"title": " Send the deck ", "row": "r1", "due": "next friday", "assignee": "me",
                "repeat": "FREQ=WEEKLY;INTERVAL=2"}),
    )
    .await;
    assert_eq!(
        (&task["title"], &task["due_on"]),
        (&json!("Send the deck"), &json!("2023-11-24"))
    );
    assert_eq!(
        (&task["repeats"], &task["status"]),
        (&json!("Every 2 weeks"), &json!("open"))
    );
    let path = format!("/reminders/{}", task["id"].as_str().unwrap());

    let seen = json!({"updated_at": task["updated_at"], "title": "Send the new deck"});
    let saved = send(&app, &member, Method::PATCH, &path, &seen).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
    let late = send(&app, &member, Method::PATCH, &path, &seen).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert_eq!(late.json()["current"]["title"], "Send the new deck");
    let team = send(
        &app,
        &member,
        Method::PATCH,
        &path,
        &json!({"assignee": null}),
    )
    .await
    .json();
    assert_eq!(
        (&team["assignee"], &team["due_on"]),
        (&Value::Null, &json!("2023-11-24"))
    );

    let snoozed = send(
        &app,
        &member,
        Method::POST,
        &format!("{path}/snooze"),
        &json!({"until": "4 december"}),
    )
    .await;
    assert_eq!(snoozed.json()["status"], "snoozed", "{}", snoozed.text);
    assert_eq!(snoozed.json()["day"], "2023-12-04");
    assert!(titles(&app, &member, "").await.is_empty(), "hidden");
    assert_eq!(
        titles(&app, &member, "row=r1").await.len(),
        1,
        "but not from its investor"
    );
    assert_eq!(titles(&app, &member, "status=snoozed").await.len(), 1);
    app.clock.advance(20 * DAY);
    let member = app.sign_in(MEMBER, PASSWORD).await;
    assert_eq!(
        titles(&app, &member, "due=today").await.len(),
        1,
        "awake by itself"
    );
    assert!(
        titles(&app, &member, "due=overdue").await.is_empty(),
        "and not late on that day"
    );

    let done = send(
        &app,
        &member,
        Method::POST,
        &format!("{path}/done"),
        &json!({}),
    )
    .await
    .json();
    assert_eq!(done["task"]["status"], "done");
    assert_eq!(
        done["next"]["due_on"], "2023-12-08",
        "from the day it was due"
    );
    assert_eq!(done["next"]["series_id"], task["id"]);
    let again = send(
        &app,
        &member,
        Method::POST,
        &format!("{path}/done"),
        &json!({}),
    )
    .await
    .json();
    assert_eq!(again["next"], Value::Null, "done once");
    send(
        &app,
        &member,
        Method::POST,
        &format!("{path}/reopen"),
        &json!({}),
    )
    .await;
    assert_eq!(
        titles(&app, &member, "").await.len(),
        1,
        "the one that followed is gone"
    );

    assert_eq!(
        send(&app, &member, Method::DELETE, &path, &json!({}))
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        member.get(&app, &format!("/api{path}")).await.status,
        StatusCode::NOT_FOUND
    );
    let back = send(
        &app,
        &member,
        Method::POST,
        &format!("{path}/restore"),
        &json!({}),
    )
    .await;
    assert_eq!(back.status, StatusCode::OK);
    let log = read(&app, &member, "/activity").await.to_string();
    for action in [
        "added", "changed", "snoozed", "done", "reopened", "deleted", "restored",
    ] {
        assert!(log.contains(&format!("task.{action}")), "{action}");
    }
}

#[tokio::test]
async fn bad_tasks_are_refused_with_the_field() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    for (body, field) in [
        (json!({"title": "  "}), "title"),
        (json!({"title": "a\u{7}b"}), "title"),
        (json!({"title": "x".repeat(301)}), "title"),
        (json!({"title": "x", "due": "soon"}), "due"),
        (json!({"title": "x", "due": "2023-02-30"}), "due"),
        (json!({"title": "x", "row": "nowhere"}), "row"),
        (json!({"title": "x", "contact": "nobody"}), "contact"),
        (json!({"title": "x", "assignee": "nobody"}), "assignee"),
        (
            json!({"title": "x", "repeat": "FREQ=HOURLY", "due": "today"}),
            "repeat",
        ),
        (json!({"title": "x", "repeat": "FREQ=DAILY"}), "due"),
    ] {
        let reply = send(&app, &member, Method::POST, "/reminders", &body).await;
        assert_eq!(
            reply.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}: {}",
            reply.text
        );
        assert_eq!(reply.json()["field"], field, "{body}");
    }
    let task = add(&app, &member, &json!({"title": "x"})).await;
    let path = format!("/reminders/{}/snooze", task["id"].as_str().unwrap());
    for until in ["today", "2020-01-01", "soon", ""] {
        let reply = send(&app, &member, Method::POST, &path, &json!({"until": until})).await;
        assert_eq!(reply.json()["field"], "until", "{until}: {}", reply.text);
    }
    for query in ["due=later", "status=x", "cursor=-1", "cursor=x"] {
        let reply = member.get(&app, &format!("/api/reminders?{query}")).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
    // A member who left gets no tasks, and their repeating ones go to the team.
    let other = app.user("gone@example.org", Role::Member).await;
    let task = add(
        &app,
        &member,
        &json!({"title": "x", "assignee": other.id, "due": "today", "repeat": "FREQ=DAILY"}),
    )
    .await;
    let admin = app.admin().await;
    let off = json!({"disabled": true});
    let left = send(
        &app,
        &admin,
        Method::PATCH,
        &format!("/admin/users/{}", other.id),
        &off,
    )
    .await;
    assert_eq!(left.status, StatusCode::OK, "{}", left.text);
    let refused = send(
        &app,
        &member,
        Method::POST,
        "/reminders",
        &json!({"title": "x", "assignee": other.id}),
    )
    .await;
    assert_eq!(refused.json()["field"], "assignee");
    let done = format!("/reminders/{}/done", task["id"].as_str().unwrap());
    let next = send(&app, &member, Method::POST, &done, &json!({}))
        .await
        .json();
    assert_eq!(next["next"]["assignee"], Value::Null, "{next}");
}

#[tokio::test]
async fn tasks_are_found_by_whose_and_when() {
    let app = TestApp::new().await;
    let member = app.member().await;
    let admin = app.admin().await;
    for (title, due, assignee) in [
        ("late", "2023-11-01", "me"),
        ("now", "today", "me"),
        ("week", "sunday", "me"),
        ("far", "in a month", "me"),
        ("never", "", "me"),
        ("ours", "tomorrow", "team"),
    ] {
        let body = json!({"title": title, "due": due, "assignee": assignee});
        add(&app, &member, &body).await;
        app.clock.advance(1);
    }
    add(&app, &admin, &json!({"title": "theirs", "assignee": "me"})).await;
    for (query, found) in [
        ("assignee=me", "late now week far never"),
        ("assignee=team", "ours"),
        ("due=overdue", "late"),
        ("due=today", "late now"),
        ("due=week", "late now ours week"),
        ("due=none", "never theirs"),
        ("", "late now ours week far never theirs"),
    ] {
        assert_eq!(
            titles(&app, &member, query).await.join(" "),
            found,
            "{query}"
        );
    }
    let first = read(&app, &member, "/reminders?limit=2").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = read(
        &app,
        &member,
        &format!("/reminders?limit=200&cursor={cursor}"),
    )
    .await;
    assert_eq!(rest["tasks"].as_array().unwrap().len(), 5);
    assert_eq!(rest["next_cursor"], Value::Null);
    let day = member.get(&app, "/day").await.text;
    for group in ["Overdue", "Today", "This week", "Later", "Without a date"] {
        assert!(day.contains(group), "{group}");
    }
    assert!(day.contains("ours") && !day.contains("theirs"));
    let mine = member.get(&app, "/day?whose=mine").await.text;
    assert!(mine.contains(">now<") && !mine.contains(">ours<"));
    let read_it = read(&app, &member, "/reminders/understand?text=in%20two%20weeks").await;
    assert_eq!(
        read_it,
        json!({"day": "2023-11-28", "words": "Tuesday, 28 November 2023"})
    );
}

#[tokio::test]
async fn the_forms_of_tasks_work_and_lose_nothing() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    let form = [
        ("title", "Call <them>"),
        ("due", "soonish"),
        ("note", "kept"),
        ("row", "r1"),
        ("next", "/investors/r1"),
    ];
    let refused = member.post(&app, "/tasks", &form).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("Call &#60;them&#62;") && refused.text.contains("kept"));
    assert!(refused.text.contains("in two weeks") && refused.text.contains("due-error"));
    let form = [
        ("title", "Call them"),
        ("due", "tomorrow"),
        ("row", "r1"),
        ("next", "/investors/r1"),
    ];
    let added = member.post(&app, "/tasks", &form).await;
    assert_eq!(added.header("location"), "/investors/r1", "{}", added.text);
    let page = member.get(&app, "/investors/r1").await.text;
    assert!(page.contains("Call them") && page.contains("Tomorrow"));
    let id = read(&app, &member, "/reminders").await["tasks"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let away = [("next", "https://evil.example/")];
    let done = member.post(&app, &format!("/tasks/{id}/done"), &away).await;
    assert_eq!(done.header("location"), "/day", "only to pages of ours");
    undo(&app, &member, &done).await;
    assert_eq!(titles(&app, &member, "").await, ["Call them"]);
    let task = member.get(&app, &format!("/tasks/{id}")).await;
    assert!(task.text.contains("value=\"2023-11-15\""));
    let stamp = task.between("name=\"updated_at\" value=\"", "\"");
    let edit = |title: &'static str| {
        vec![
            ("title", title.to_owned()),
            ("due", "friday".to_owned()),
            ("updated_at", stamp.clone()),
        ]
    };
    let post = async |form: Vec<(&str, String)>| {
        let form: Vec<(&str, &str)> = form.iter().map(|(k, v)| (*k, v.as_str())).collect();
        member.post(&app, &format!("/tasks/{id}"), &form).await
    };
    assert_eq!(post(edit("First")).await.status, StatusCode::SEE_OTHER);
    let second = post(edit("Second")).await;
    assert_eq!(second.status, StatusCode::CONFLICT);
    assert!(
        second.text.contains("value=\"Second\"") && second.text.contains("while you were editing")
    );
    let gone = member.post(&app, &format!("/tasks/{id}/delete"), &[]).await;
    undo(&app, &member, &gone).await;
    assert_eq!(titles(&app, &member, "").await, ["First"]);
}

#[tokio::test]
async fn a_task_is_about_a_person_too() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    crm_jobs::queue::drain(&app.db, &crm_jobs::tasks::registry())
        .await
        .unwrap();
    let people = read(&app, &member, "/contacts?q=ada").await;
    let ada = people["contacts"][0]["id"].as_str().unwrap();
    let contact = member.get(&app, &format!("/contacts/{ada}")).await.text;
    let link = format!("/tasks/new?contact={ada}&amp;row=r1&amp;next=/contacts/{ada}");
    assert!(contact.contains(&link), "{contact}");
    let form = member.get(&app, &link.replace("&amp;", "&")).await.text;
    let chosen = format!("<option value=\"{ada}\" selected>Ada Sample</option>");
    assert!(form.contains(&chosen), "{form}");
    let filled = [("title", "Thank her"), ("row", "r1"), ("contact", ada)];
    let added = member.post(&app, "/tasks", &filled).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.text);
    let task = &read(&app, &member, "/reminders").await["tasks"][0];
    assert_eq!(task["contact_id"], ada, "{task}");
    let id = task["id"].as_str().unwrap();
    let stamp = task["updated_at"].to_string();
    let nobody = [
        ("title", "Thank them"),
        ("contact", ""),
        ("updated_at", &stamp),
    ];
    let saved = member.post(&app, &format!("/tasks/{id}"), &nobody).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    let task = &read(&app, &member, "/reminders").await["tasks"][0];
    assert_eq!(
        (&task["title"], &task["contact_id"]),
        (&json!("Thank them"), &Value::Null)
    );
}
