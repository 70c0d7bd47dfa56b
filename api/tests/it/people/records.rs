//! Files, the timeline, the calendar feed, and tokens that only read.

use super::*;

fn upload(who: &Caller, path: &str, name: &str, content: &[u8]) -> Request<Body> {
    let mut body = format!(
        "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--b--\r\n");
    let mut request = who.request(
        Method::POST,
        path,
        Some("multipart/form-data; boundary=b"),
        String::new(),
    );
    *request.body_mut() = Body::from(body);
    request
}

#[tokio::test]
async fn files_are_attached_handed_out_and_taken_back() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let here = "/api/fundraising/investors/r1/files";
    let made = app.send(upload(&member, here, "../logo.png", png)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let file = made.json();
    assert_eq!(
        (&file["name"], &file["media_type"]),
        (&json!("logo.png"), &json!("image/png"))
    );
    let path = format!("/files/{}", file["id"].as_str().unwrap());
    let saved = member.get(&app, &path).await;
    assert!(
        saved
            .header("content-disposition")
            .starts_with("attachment;")
    );
    assert_eq!(saved.header("x-content-type-options"), "nosniff");
    assert!(saved.header("content-security-policy").contains("sandbox"));
    let shown = member.get(&app, &format!("{path}?inline=1")).await;
    assert!(shown.header("content-disposition").starts_with("inline;"));
    assert!(shown.header("content-security-policy").contains("sandbox"));
    assert_eq!(
        Caller::default().get(&app, &path).await.status,
        StatusCode::SEE_OTHER
    );

    for (name, content) in [
        ("a.html", &b"<p>"[..]),
        ("a.png", b"MZ\x90\0\x03\0\0\0"),
        ("a.txt", b"<svg onload=x>"),
        ("a.txt", b""),
    ] {
        let refused = app.send(upload(&member, here, name, content)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert_eq!(refused.json()["field"], "file");
    }
    let large = app
        .send(upload(
            &member,
            here,
            "a.txt",
            &vec![b'a'; 25 * 1024 * 1024 + 1],
        ))
        .await;
    assert_eq!(
        large.status,
        StatusCode::PAYLOAD_TOO_LARGE,
        "{}",
        large.text
    );
    let page = app
        .send(upload(&member, "/investors/r1/files", "a.svg", b"x"))
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains("The file was not attached"));
    app.clock.advance(1);
    let text = app
        .send(upload(&member, "/investors/r1/files", "a.txt", b"hello"))
        .await;
    assert_eq!(text.header("location"), "/investors/r1#files");
    let listed = read(&app, &member, "/fundraising/investors/r1/files").await;
    let id = listed[0]["id"].as_str().unwrap();
    let inline = member.get(&app, &format!("/files/{id}?inline=1")).await;
    assert!(
        inline
            .header("content-disposition")
            .starts_with("attachment;"),
        "texts are only saved"
    );

    let gone = member.post(&app, &format!("{path}/delete"), &[]).await;
    assert_eq!(member.get(&app, &path).await.status, StatusCode::NOT_FOUND);
    undo(&app, &member, &gone).await;
    assert_eq!(member.get(&app, &path).await.status, StatusCode::OK);
    member.post(&app, "/investors/r1/delete", &[]).await;
    assert_eq!(
        member.get(&app, &path).await.status,
        StatusCode::NOT_FOUND,
        "its investor is deleted"
    );
}

#[tokio::test]
async fn the_timeline_has_it_all_and_pages() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    for n in 0..20 {
        app.clock.advance(1_000);
        member
            .post(
                &app,
                "/notes",
                &[("row", "r1"), ("body", &format!("note number {n}"))],
            )
            .await;
    }
    member
        .post(
            &app,
            "/log",
            &[("investor", "r1"), ("kind", "email"), ("note", "wrote")],
        )
        .await;
    member
        .post(
            &app,
            "/investors/r1/list",
            &[("list", "graveyard"), ("reason", "quiet")],
        )
        .await;
    let all = read(
        &app,
        &member,
        "/fundraising/investors/r1/timeline?limit=100",
    )
    .await;
    let kinds: Vec<&str> = all["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.iter().filter(|k| **k == "notes").count(), 20);
    for kind in ["contacts", "lists", "changes"] {
        assert_eq!(
            kinds.iter().filter(|k| **k == kind).count(),
            1,
            "{kind}: {kinds:?}"
        );
    }
    let page = member.get(&app, "/investors/r1").await;
    assert!(
        page.text.contains("moved it from Main to Graveyard")
            && page.text.contains("logged an email")
    );
    assert!(page.text.contains("note number 19") && !page.text.contains("note number 0<"));
    let older = page
        .between("rel=\"next\" href=\"", "#timeline")
        .replace("&amp;", "&")
        .replace("&#38;", "&");
    let second = member.get(&app, &older).await.text;
    assert!(second.contains("note number 0<"), "{older}");
    let notes = member.get(&app, "/investors/r1?show=lists").await.text;
    assert!(notes.contains("moved it from Main") && !notes.contains("note number"));
    for query in ["show=mail", "cursor=x"] {
        let reply = member
            .get(
                &app,
                &format!("/api/fundraising/investors/r1/timeline?{query}"),
            )
            .await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_eq!(
            member
                .get(&app, &format!("/investors/r1?{query}"))
                .await
                .status,
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn the_calendar_is_read_by_its_secret_only() {
    let app = TestApp::new().await;
    let member = app.member().await;
    let admin = app.admin().await;
    grid_of_one(&app, &member).await;
    let (me, team, theirs) = (
        json!({"title": "Mine, truly; yes", "row": "r1", "due": "tomorrow", "assignee": "me", "repeat": "FREQ=WEEKLY"}),
        json!({"title": "Ours", "due": "today"}),
        json!({"title": "Theirs", "due": "today", "assignee": "me"}),
    );
    let mine = add(&app, &member, &me).await;
    add(&app, &member, &team).await;
    add(&app, &admin, &theirs).await;
    let made = member.post(&app, "/settings/calendar", &[]).await;
    let url = made.between("id=\"new-calendar\" readonly value=\"", "\"");
    let path = url
        .trim_start_matches("http://127.0.0.1:8080")
        .replace("&#47;", "/");
    let feed = Caller::default().get(&app, &path).await;
    assert_eq!(feed.status, StatusCode::OK, "{path}: {}", feed.text);
    assert_eq!(feed.header("content-type"), "text/calendar; charset=utf-8");
    assert!(feed.header("cache-control").contains("private"));
    assert!(
        feed.text.lines().all(|line| line.len() <= 75)
            && !feed.text.replace("\r\n", "").contains('\n')
    );
    let whole = feed.text.replace("\r\n ", "");
    let uid = format!("UID:{}@", mine["id"].as_str().unwrap());
    for part in [
        uid.as_str(),
        "SUMMARY:Mine\\, truly\\; yes · Sample Office",
        "DTSTART;VALUE=DATE:20231115",
        "RRULE:FREQ=WEEKLY",
        "SUMMARY:Ours",
    ] {
        assert!(whole.contains(part), "{part} in {whole}");
    }
    assert!(!whole.contains("Theirs"));
    assert!(
        !member
            .get(&app, "/settings/account")
            .await
            .text
            .contains(&path),
        "shown once"
    );

    let wrong = path.trim_end_matches(".ics").to_owned();
    for path in [
        "/calendar/0.ics",
        "/calendar/x",
        &format!("/calendar/{}.ics", "0".repeat(64)),
        &wrong,
    ] {
        assert_eq!(
            Caller::default().get(&app, path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let again = member.post(&app, "/settings/calendar", &[]).await;
    assert_eq!(
        Caller::default().get(&app, &path).await.status,
        StatusCode::NOT_FOUND,
        "replaced"
    );
    let url = again.between("id=\"new-calendar\" readonly value=\"", "\"");
    let path = url
        .trim_start_matches("http://127.0.0.1:8080")
        .replace("&#47;", "/");
    assert_eq!(
        Caller::default().get(&app, &path).await.status,
        StatusCode::OK
    );
    let id = read(&app, &member, "/me").await["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let off = send(
        &app,
        &admin,
        Method::PATCH,
        &format!("/admin/users/{id}"),
        &json!({"disabled": true}),
    )
    .await;
    assert_eq!(off.status, StatusCode::OK, "{}", off.text);
    assert_eq!(
        Caller::default().get(&app, &path).await.status,
        StatusCode::NOT_FOUND,
        "disabled"
    );
}

#[tokio::test]
async fn a_token_that_reads_changes_nothing() {
    let app = TestApp::new().await;
    let user = app.user("reader@example.org", Role::Member).await;
    let reader = app.token(&user, Scope::Read).await;
    assert_eq!(
        reader.get(&app, "/api/reminders").await.status,
        StatusCode::OK
    );
    let add = send(
        &app,
        &reader,
        Method::POST,
        "/reminders",
        &json!({"title": "x"}),
    )
    .await;
    assert_eq!(add.status, StatusCode::FORBIDDEN);
}
