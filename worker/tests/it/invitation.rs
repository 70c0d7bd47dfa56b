//! Invitations by mail: the real worker, a real mail server.

use crm_jobs::{
    accounts::{
        AccountError, Role, invite_mail,
        links::{self, NewLink},
        passwords, users,
    },
    audit::Actor,
};

use super::{
    peers::{Peer, worker},
    *,
};

/// Somebody who signs in, and may invite.
async fn admin(t: &TestDb) -> Actor {
    let hash = passwords::hash("four quiet herons").await.unwrap();
    let mut tx = t.db.write().await.unwrap();
    let new = users::NewUser {
        email: "Ada@Example.ORG".to_owned(),
        name: "Ada Sämple".to_owned(),
        role: Role::Admin,
        password_hash: Some(hash),
    };
    let user = users::create(&mut tx, new, &Actor::System, "").await;
    tx.commit().await.unwrap();
    Actor::User(user.unwrap().id)
}

async fn invite(t: &TestDb, by: &Actor, email: &str) -> Result<NewLink, AccountError> {
    let mut tx = t.db.write().await.unwrap();
    let made = links::invite(&mut tx, email, Role::Member, by, "").await?;
    invite_mail::ask(&mut tx, &t.db, &made).await?;
    tx.commit().await.unwrap();
    Ok(made)
}

async fn letter(t: &TestDb) -> (String, String, String) {
    sqlx::query_as("select state, error, sealed from invite_letters")
        .fetch_one(t.db.read())
        .await
        .unwrap()
}

async fn settled(t: &TestDb) -> (String, String) {
    let begun = Instant::now();
    loop {
        let (state, error, sealed) = letter(t).await;
        if state != "queued" {
            assert_eq!(sealed, "", "what would open the link is gone");
            return (state, error);
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "never settled");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_colleague_gets_the_link_over_tls() {
    for security in ["starttls", "tls"] {
        let t = TestDb::on_system_clock().await;
        let Some(peer) = Peer::start(&t) else { return };
        let by = admin(&t).await;
        // The domain is ours, however it is written.
        let made = invite(&t, &by, "Bo.New@EXAMPLE.org").await.unwrap();
        let _worker = worker(&t, &peer.environment(security));
        assert_eq!(settled(&t).await, ("sent".to_owned(), String::new()));
        let told = peer.told();
        assert_eq!(told.len(), 1, "{security}");
        assert_eq!(told[0]["to"], serde_json::json!(["bo.new@example.org"]));
        assert_eq!(
            (&told[0]["tls"], &told[0]["signed_in"]),
            (&true.into(), &true.into())
        );
        assert_eq!(told[0]["defects"], serde_json::json!([]));
        let link = format!("https://crm.example.org/setup/{}", made.secret);
        for part in told[0]["parts"].as_array().unwrap() {
            let text = part["text"].as_str().unwrap();
            assert!(
                text.contains(&link) && text.contains("Ada Sämple"),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn nobody_outside_is_mailed_and_a_refusal_is_told() {
    let t = TestDb::on_system_clock().await;
    let Some(peer) = Peer::start(&t) else { return };
    let by = admin(&t).await;
    for outside in ["bo@example.com", "bo@sub.example.org", "bo@notexample.org"] {
        let refused = invite(&t, &by, outside).await.unwrap_err().to_string();
        assert!(refused.contains("(example.org)"), "{refused}");
    }
    // Whoever may be asked answers "no such user".
    invite(&t, &by, "nouser@example.org").await.unwrap();
    let _worker = worker(&t, &peer.environment("starttls"));
    let (state, error) = settled(&t).await;
    assert!(
        state == "failed" && error.contains("550"),
        "{state}: {error}"
    );
    assert_eq!(peer.told(), Vec::<serde_json::Value>::new());
}
