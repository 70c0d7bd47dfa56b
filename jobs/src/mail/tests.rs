//! The failure matrix, against a server of our own on loopback. The real servers
//! (STARTTLS, AUTH, implicit TLS) are in the worker's tests.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::Mutex,
};

use super::*;
use crate::{
    accounts::{Role, users},
    audit::Actor,
    outside::{Outside, Security},
    testing::TestDb,
};

/// What the server does at which command.
pub(crate) type Script = fn(&str) -> Option<&'static str>;

/// A mail server that answers as told; `None` hangs up, an empty answer is silence.
pub(crate) async fn server(script: Script) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = heard.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let log = log.clone();
            tokio::spawn(async move {
                let (read, mut write) = stream.into_split();
                let mut lines = BufReader::new(read).lines();
                let mut said = "hello".to_owned();
                let mut in_message = false;
                loop {
                    if !in_message || said == "." {
                        let verb = if said == "." { "dot" } else { said.as_str() };
                        match script(verb) {
                            None => return,
                            Some("") => std::future::pending().await,
                            Some(answer) => {
                                write.write_all(answer.as_bytes()).await.unwrap();
                                write.write_all(b"\r\n").await.unwrap();
                                in_message = answer.starts_with("354");
                            }
                        }
                    }
                    match lines.next_line().await {
                        Ok(Some(line)) => {
                            log.lock().await.push(line.clone());
                            said = line;
                        }
                        _ => return,
                    }
                }
            });
        }
    });
    (port, heard)
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "it is a script, and others hang up"
)]
pub(crate) fn kind(said: &str) -> Option<&'static str> {
    Some(match said.split([' ', ':']).next().unwrap_or_default() {
        "hello" => "220 double ready",
        "EHLO" => "250-double\r\n250 AUTH PLAIN LOGIN",
        "DATA" => "354 go on",
        "QUIT" => "221 bye",
        "AUTH" => "235 welcome",
        _ => "250 fine",
    })
}

async fn set_up(port: u16, login: Option<(&str, &str)>) -> (TestDb, String) {
    let mut t = TestDb::new().await;
    let login = login.map(|(user, password)| (user.to_owned(), password.to_owned()));
    t.db = t.db.clone().reaching(Outside {
        smtp: Some(SmtpServer {
            host: "127.0.0.1".to_owned(),
            port,
            login,
            from: "Venture CRM <crm@example.org>".to_owned(),
            security: Security::None,
        }),
        ..Outside::default()
    });
    let mut tx = t.db.write().await.unwrap();
    let new = users::NewUser {
        email: "ada@example.org".to_owned(),
        name: "Ada Sample".to_owned(),
        role: Role::Admin,
        password_hash: None,
    };
    let user = users::create(&mut tx, new, &Actor::System, "")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    (t, user.id)
}

fn letter() -> Letter {
    Letter {
        subject: "Daily digest\r\nBcc: everybody@elsewhere.example".to_owned(),
        text: "Plain\n.\nA line that begins with a dot".to_owned(),
        html: "<p>Rich</p>".to_owned(),
        message_id: "digest.1.2@example.org".to_owned(),
    }
}

async fn try_one(script: Script) -> Outcome {
    let (port, _) = server(script).await;
    let (t, user) = set_up(port, None).await;
    let to = recipient(&t.db, &user).await.unwrap().unwrap();
    send(&t.db, &letter(), to, Duration::from_millis(700))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_letter_arrives_whole_with_one_recipient_and_no_header_of_its_own() {
    let (port, heard) = server(kind).await;
    let (t, user) = set_up(port, None).await;
    let to = recipient(&t.db, &user).await.unwrap().unwrap();
    assert_eq!(
        send(&t.db, &letter(), to, PATIENCE).await.unwrap(),
        Outcome::Delivered
    );
    let lines = heard.lock().await.clone();
    let to: Vec<_> = lines
        .iter()
        .filter(|l| l.to_uppercase().starts_with("RCPT"))
        .collect();
    assert_eq!(to, ["RCPT TO:<ada@example.org>"]);
    assert!(!lines.iter().any(|l| l.starts_with("Bcc:")), "{lines:#?}");
    assert!(
        lines
            .iter()
            .any(|l| l == "Message-ID: <digest.1.2@example.org>")
    );
    assert!(
        lines.iter().any(|l| l == ".."),
        "a dot alone is escaped: {lines:#?}"
    );
}

#[tokio::test]
async fn four_is_later_and_five_is_never() {
    let later = try_one(|said| match said {
        s if s.starts_with("RCPT") => Some("451 come back later"),
        s => kind(s),
    });
    assert!(matches!(later.await, Outcome::Transient(why) if why.contains("come back later")));
    let never = try_one(|said| match said {
        s if s.starts_with("RCPT") => Some("550 nobody of that name"),
        s => kind(s),
    });
    assert!(matches!(never.await, Outcome::Permanent(_)));
    let too_big = try_one(|said| {
        if said == "dot" {
            Some("552 too big")
        } else {
            kind(said)
        }
    });
    assert!(matches!(too_big.await, Outcome::Permanent(_)));
}

#[tokio::test]
async fn silence_before_the_message_is_later_and_after_it_unknown() {
    assert!(matches!(try_one(|_| Some("")).await, Outcome::Transient(_)));
    let mute = try_one(|said| {
        if said.starts_with("RCPT") {
            Some("")
        } else {
            kind(said)
        }
    });
    assert!(matches!(mute.await, Outcome::Transient(_)));
    let after = try_one(|said| if said == "dot" { Some("") } else { kind(said) });
    assert!(matches!(after.await, Outcome::Unknown(_)));
    let gone = try_one(|said| if said == "dot" { None } else { kind(said) });
    assert!(matches!(gone.await, Outcome::Unknown(_)));
    let hung_up = try_one(|said| if said == "DATA" { None } else { kind(said) });
    assert!(matches!(hung_up.await, Outcome::Transient(_)));
}

#[tokio::test]
async fn nobody_there_is_later() {
    let (t, user) = set_up(1, None).await;
    let to = recipient(&t.db, &user).await.unwrap().unwrap();
    let outcome = send(&t.db, &letter(), to, PATIENCE).await.unwrap();
    assert!(matches!(outcome, Outcome::Transient(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_server_that_repeats_the_password_does_not_make_us_repeat_it() {
    let (port, _) = server(|said| {
        if said.starts_with("AUTH") {
            // The line is base64 of "\0crm-user\0hunter2-hunter2".
            Some("535 5.7.8 crm-user with hunter2-hunter2 and AGNybS11c2VyAGh1bnRlcjItaHVudGVyMg== is wrong")
        } else {
            kind(said)
        }
    })
    .await;
    let (t, user) = set_up(port, Some(("crm-user", "hunter2-hunter2"))).await;
    let to = recipient(&t.db, &user).await.unwrap().unwrap();
    let Outcome::Permanent(why) = send(&t.db, &letter(), to, PATIENCE).await.unwrap() else {
        panic!("a wrong password does not become right");
    };
    assert!(!why.contains("hunter2") && !why.contains("AGNybS"), "{why}");
    assert!(why.contains("is wrong"), "{why}");
}

#[tokio::test]
async fn without_starttls_nothing_is_said() {
    let (port, heard) = server(kind).await;
    let (mut t, user) = set_up(port, Some(("crm-user", "hunter2"))).await;
    let mut outside = t.db.outside().clone();
    if let Some(smtp) = &mut outside.smtp {
        smtp.security = Security::Starttls;
    }
    t.db = t.db.clone().reaching(outside);
    let to = recipient(&t.db, &user).await.unwrap().unwrap();
    let outcome = send(&t.db, &letter(), to, PATIENCE).await.unwrap();
    assert!(matches!(outcome, Outcome::Permanent(why) if why.contains("STARTTLS")));
    assert!(
        !heard
            .lock()
            .await
            .iter()
            .any(|l| l.starts_with("AUTH") || l.starts_with("MAIL"))
    );
}

#[tokio::test]
async fn only_active_users_are_recipients_and_held_mail_stays() {
    let (port, heard) = server(kind).await;
    let (t, user) = set_up(port, None).await;
    let to = recipient(&t.db, &user).await.unwrap().unwrap();
    let mut tx = t.db.write().await.unwrap();
    crate::settings::set(&mut tx, MAIL_HELD, &true, "system")
        .await
        .unwrap();
    sqlx::query("update users set disabled_at = 1")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(
        send(&t.db, &letter(), to, PATIENCE).await,
        Err(MailError::Held)
    ));
    assert!(recipient(&t.db, &user).await.unwrap().is_none());
    assert!(recipient(&t.db, "nobody").await.unwrap().is_none());
    assert!(heard.lock().await.is_empty());
}

#[tokio::test]
async fn a_password_is_sealed_and_does_not_travel_to_another_server() {
    let t = TestDb::new().await;
    let new = |host: &str| SmtpSettings {
        host: host.to_owned(),
        user: "crm".to_owned(),
        from: "crm@example.org".to_owned(),
        ..SmtpSettings::default()
    };
    let mut tx = t.db.write().await.unwrap();
    set(
        &mut tx,
        &t.db,
        new("smtp.example.org"),
        Some("hunter2-hunter2"),
        "user:1",
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let raw: String = sqlx::query_scalar("select value from settings where key = 'smtp'")
        .fetch_one(t.db.read())
        .await
        .unwrap();
    assert!(!raw.contains("hunter2"), "{raw}");
    let found = server_of(&t).await;
    assert_eq!(
        found.login,
        Some(("crm".to_owned(), "hunter2-hunter2".to_owned()))
    );
    let mut tx = t.db.write().await.unwrap();
    set(&mut tx, &t.db, new("smtp.example.org"), None, "user:1")
        .await
        .unwrap();
    let moved = set(&mut tx, &t.db, new("evil.example.org"), None, "user:1").await;
    assert!(
        moved
            .unwrap_err()
            .to_string()
            .contains("enter the password")
    );
    let clear = SmtpSettings {
        security: Security::None,
        ..new("smtp.example.org")
    };
    assert!(
        set(&mut tx, &t.db, clear, Some("x"), "user:1")
            .await
            .is_err()
    );
    tx.rollback().await.unwrap();
    let shown = serde_json::to_string(&shown(&t.db).await.unwrap()).unwrap();
    assert!(shown.contains("\"has_password\":true") && !shown.contains("hunter2"));
}

async fn server_of(t: &TestDb) -> SmtpServer {
    super::server(&t.db).await.unwrap().unwrap()
}

/// Whoever else the database knows, by whatever address and however it is written:
/// the server only ever hears the addresses of people who sign in.
#[tokio::test]
async fn every_recipient_the_server_hears_is_one_of_us() {
    let (port, heard) = server(kind).await;
    let (t, _) = set_up(port, None).await;
    let mut tx = t.db.write().await.unwrap();
    for sql in [
        "insert into users (id, email, name, role, created_at, disabled_at) values ('gone', 'gone@example.org', 'Gone', 'admin', 1, 1)",
        "insert into users (id, email, name, role, created_at) values ('two', 'bo@example.org, out@side.example', 'Bo', 'admin', 1)",
        "insert into users (id, email, name, role, created_at) values ('line', 'bo@example.org>' || char(13, 10) || 'rcpt to:<out@side.example', 'Bo', 'admin', 1)",
        "insert into users (id, email, name, role, created_at) values ('name', 'eve@example.org', 'Eve <out@side.example>,' || char(13, 10) || 'Bcc: out@side.example', 'member', 1)",
        "insert into contacts (id, name, name_key, created_at) values ('ada', 'Ada', 'ada', 1)",
        "insert into contact_addresses (contact_id, email) values ('ada', 'out@side.example')",
    ] {
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let everybody: Vec<String> = sqlx::query_scalar("select id from users union select email from users union select id from contacts union select email from contact_addresses")
        .fetch_all(t.db.read())
        .await
        .unwrap();
    let mut sent = 0;
    for id in &everybody {
        let Some(to) = recipient(&t.db, id).await.unwrap() else {
            continue;
        };
        if send(&t.db, &letter(), to, PATIENCE).await.unwrap() == Outcome::Delivered {
            sent += 1;
        }
    }
    let heard = heard.lock().await;
    let mut told: Vec<&String> = heard.iter().filter(|l| l.starts_with("RCPT")).collect();
    told.sort();
    assert_eq!(
        told,
        ["RCPT TO:<ada@example.org>", "RCPT TO:<eve@example.org>"]
    );
    assert_eq!(sent, 2);
    // Nor is anybody else named in a head.
    let heads = heard
        .iter()
        .filter(|l| l.starts_with("Bcc") || l.starts_with("Cc"));
    assert_eq!(heads.count(), 0);
}

/// The promise of this module's head: nothing else in the workspace speaks SMTP.
#[test]
fn nobody_else_uses_the_mail_library() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut users = Vec::new();
    let mut folders = vec![
        root.join("jobs/src"),
        root.join("api/src"),
        root.join("worker/src"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|x| x == "rs") {
                let source = std::fs::read_to_string(&path).unwrap();
                let uses_transport =
                    source.contains("lettre::transport") || source.contains("transport::smtp");
                if uses_transport && !path.ends_with("mail/tests.rs") {
                    users.push(path.file_name().unwrap().to_owned());
                }
            }
        }
    }
    assert_eq!(users, ["smtp.rs"]);
}

/// Everybody whom the program could be made to mail, and whom it mails: those invited
/// into a domain of ours by an admin's tick, and nobody else.
#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one story, told from its beginning")]
async fn an_invitation_is_mailed_within_our_domains_and_nobody_else_ever_is() {
    use crate::{
        accounts::{AccountError, invite_mail, links, passwords},
        queue, tasks,
    };
    let (port, heard) = server(kind).await;
    let (t, admin) = set_up(port, None).await;
    let hash = passwords::hash("four quiet herons").await.unwrap();
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("update users set password_hash = ?1")
        .bind(&hash)
        .execute(&mut *tx)
        .await
        .unwrap();
    // One who left, and one at a public provider: neither makes a domain ours.
    for (email, disabled) in [("old@former.example", Some(1)), ("me@gmail.com", None)] {
        sqlx::query("insert into users (id, email, name, role, password_hash, created_at, disabled_at) values (?1, ?1, ?1, 'member', 'x', 1, ?2)")
            .bind(email)
            .bind(disabled)
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let by = Actor::User(admin);
    let mut asked = Vec::new();
    for (email, is_ours) in [
        ("ticked@example.org", true),
        ("withdrawn@example.org", true),
        ("used@example.org", true),
        ("unticked@example.org", true),
        ("investor@alder.example", false),
        ("back@former.example", false),
        ("anybody@gmail.com", false),
        ("sub@mail.example.org", false),
    ] {
        let mut tx = t.db.write().await.unwrap();
        let made = links::invite(&mut tx, email, Role::Member, &by, "")
            .await
            .unwrap();
        if email.starts_with("unticked") {
            tx.commit().await.unwrap();
            continue;
        }
        let ticked = invite_mail::ask(&mut tx, &t.db, &made).await;
        if is_ours {
            ticked.unwrap();
            tx.commit().await.unwrap();
        } else {
            assert!(
                matches!(ticked, Err(AccountError::Field { field: "mail", .. })),
                "{email}"
            );
            // Even if somebody wrote the row past that check.
            sqlx::query("insert into invite_letters (link_hash, sealed, updated_at) select token_hash, 'x', 1 from links where email = ?1")
                .bind(email)
                .execute(&mut *tx)
                .await
                .unwrap();
            let job = invite_mail::SendInvite {
                link: made.link.id(),
            };
            queue::enqueue(&mut tx, &job).await.unwrap();
            tx.commit().await.unwrap();
        }
        asked.push((email, made));
    }
    let mut tx = t.db.write().await.unwrap();
    assert!(
        links::withdraw(&mut tx, &asked[1].1.link.id(), &by, "")
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    let form = links::Accept {
        name: "Used".to_owned(),
        password: "nine patient otters".to_owned(),
        ..links::Accept::default()
    };
    links::accept(
        &t.db,
        &asked[2].1.secret,
        &form,
        &crate::accounts::Origin::default(),
    )
    .await
    .unwrap();
    queue::drain(&t.db, &tasks::registry()).await.unwrap();

    let lines = heard.lock().await.clone();
    let recipients: Vec<&String> = lines
        .iter()
        .filter(|l| l.to_uppercase().starts_with("RCPT"))
        .collect();
    assert_eq!(recipients, ["RCPT TO:<ticked@example.org>"]);
    let letters = invite_mail::letters(&t.db).await.unwrap();
    assert_eq!(letters[&asked[0].1.link.id()].state, "sent");
    let kept: Vec<String> =
        sqlx::query_scalar("select sealed from invite_letters where sealed <> ''")
            .fetch_all(t.db.read())
            .await
            .unwrap();
    assert!(kept.is_empty(), "nothing that opens a link stays: {kept:?}");
    let whole = lines.join("").replace("=\r\n", "").replace('=', "");
    assert!(
        whole.contains(&asked[0].1.secret[..20]) || whole.contains("/setup/"),
        "{whole}"
    );
}
