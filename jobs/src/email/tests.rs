//! Whom mail concerns, what it says of a relationship, and what follows from it.

use serde_json::json;

use super::{
    Mailbox, Message, NearMatch, New, Stored, Taken, Team, catch_up, decide_near_match, enrol,
    facts_of_row, find_mailbox, near_matches, parse, store,
};
use crate::{
    clock::DAY,
    grid::{ChangeBy, apply},
    investors,
    testing::TestDb,
};

const BY: ChangeBy<'static> = ChangeBy {
    actor: "user:jo",
    origin: "edit",
    summary: "",
    job: None,
};

struct Fund {
    t: TestDb,
    mailbox: Mailbox,
    team: Team,
}

/// Norwind with Ada, Alpha with two domains of its own, and Jo's mailbox.
async fn fund() -> Fund {
    let t = TestDb::new().await;
    write(&t, json!([
        {"op": "add_column", "name": "Name", "type": "text"},
        {"op": "add_column", "name": "Website", "type": "url"},
        {"op": "add_column", "name": "People", "type": "contacts"},
        {"op": "add_row", "id": "norwind", "cells": {"name": "Norwind", "website": "norwind.example", "people": [{"name": "Ada Lovelace", "email": "ada@norwind.example"}]}},
        {"op": "add_row", "id": "alpha", "cells": {"name": "Alpha", "website": "https://www.alpha.example/about"}},
        {"op": "add_row", "id": "asia", "cells": {"name": "Alpha Asia", "website": "asia.alpha.example"}},
        {"op": "add_row", "id": "ending", "cells": {"name": "Careless", "website": "co.uk"}},
        {"op": "add_row", "id": "quiet", "cells": {"name": "Quiet"}},
    ]))
    .await;
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("insert into users (id, email, name, role, password_hash, created_at) values ('jo', 'jo@ours.example', 'Jo', 'admin', '', 1)")
        .execute(&mut *tx)
        .await
        .unwrap();
    let new = New {
        address: "jo@ours.example".to_owned(),
        user_id: Some("jo".to_owned()),
        consent: "Said yes".to_owned(),
        starts_on: "2020-01-01".to_owned(),
        privacy: "body".to_owned(),
    };
    let id = enrol(&mut tx, &new, "user:jo").await.unwrap();
    let mailbox = find_mailbox(&mut tx, &id).await.unwrap().unwrap();
    let team = Team::load(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    catch_up(&t.db).await.unwrap();
    Fund { t, mailbox, team }
}

async fn write(t: &TestDb, operations: serde_json::Value) {
    let operations: Vec<_> = serde_json::from_value(operations).unwrap();
    let mut tx = t.db.write().await.unwrap();
    let applied = apply(&mut tx, &operations, &BY).await.unwrap();
    assert!(applied.conflicts.is_empty());
    tx.commit().await.unwrap();
    investors::sync(&t.db, false, |_, _| {}).await.unwrap();
}

impl Fund {
    /// One message of so many days ago.
    async fn mail(&self, name: &str, from: &str, to: &str, days: i64) -> Stored {
        let at = jiff::Timestamp::from_millisecond(self.t.db.now() - days * DAY).unwrap();
        let date = at.strftime("%a, %d %b %Y %H:%M:%S +0000");
        let raw = format!(
            "From: {from}\r\nTo: {to}\r\nSubject: {name}\r\nDate: {date}\r\nMessage-ID: <{name}@sample.example>\r\n\r\nHello\r\n"
        );
        let message = Message {
            gmail_id: name.to_owned(),
            gmail_thread_id: name.to_owned(),
            labels: Vec::new(),
            internal_date: None,
            taken: Taken::Parsed(Box::new(parse(raw.into_bytes()).await.unwrap())),
        };
        let mut tx = self.t.db.write().await.unwrap();
        let stored = store(&mut tx, &self.mailbox, &self.team, &message)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        stored
    }

    async fn links(&self, name: &str) -> Vec<String> {
        sqlx::query_scalar(
            "select l.row_id || ' ' || l.rule from email_links l join email_sightings s on s.email_id = l.email_id
             where s.gmail_id = ?1 and l.deleted_at is null order by 1",
        )
        .bind(name)
        .fetch_all(self.t.db.read())
        .await
        .unwrap()
    }

    async fn near(&self) -> Vec<NearMatch> {
        let mut conn = self.t.db.read().acquire().await.unwrap();
        let mut found = near_matches(&mut conn, 50).await.unwrap();
        // All of one moment of the test's clock.
        found.sort_by(|a, b| b.address.cmp(&a.address));
        found
    }
}

const JO: &str = "jo@ours.example";

#[tokio::test]
async fn a_domain_has_the_mail_below_it_unless_a_closer_one_does() {
    let f = fund().await;
    for (name, from, wanted) in [
        ("own", "sam@alpha.example", vec!["alpha domain"]),
        ("below", "sam@uk.alpha.example", vec!["alpha domain"]),
        (
            "far below",
            "sam@mail.uk.alpha.example",
            vec!["alpha domain"],
        ),
        ("closer", "sam@asia.alpha.example", vec!["asia domain"]),
        (
            "below the closer",
            "sam@hk.asia.alpha.example",
            vec!["asia domain"],
        ),
        ("beside", "sam@notalpha.example", vec![]),
        ("of everybody", "sam@shop.co.uk", vec![]),
        ("a contact", "ada@norwind.example", vec!["norwind contact"]),
    ] {
        let name = name.replace(' ', "-");
        f.mail(&name, from, JO, 1).await;
        assert_eq!(f.links(&name).await, wanted, "{name}");
    }
    // The same for mail that was there first.
    f.mail("early", "eve@fr.beta.example", JO, 3).await;
    f.mail("earlier", "eve@beta.example", JO, 4).await;
    f.mail("other", "eve@gamma.example", JO, 4).await;
    assert!(f.links("early").await.is_empty());
    write(&f.t, json!([{"op": "add_row", "id": "beta", "cells": {"name": "Beta", "website": "beta.example"}}])).await;
    assert_eq!(catch_up(&f.t.db).await.unwrap().len(), 2);
    for name in ["early", "earlier"] {
        assert_eq!(f.links(name).await, ["beta domain"], "{name}");
    }
    assert!(f.links("other").await.is_empty());
    let shown: i64 =
        sqlx::query_scalar("select count(*) from emails where is_matched = 1 and needs_text = 1")
            .fetch_one(f.t.db.read())
            .await
            .unwrap();
    assert_eq!(shown, 2, "their text is fetched again");
}

#[tokio::test]
async fn near_matches_are_proposed_and_only_a_yes_brings_their_mail() {
    let f = fund().await;
    f.mail("home", "Ada Lovelace <ada@home.example>", JO, 2)
        .await;
    f.mail("ending", "Someone Else <x@norwind.test>", JO, 2)
        .await;
    f.mail("first", "Ada <ada@elsewhere.example>", JO, 2).await;
    f.mail("public", "Someone Else <norwind@gmail.com>", JO, 2)
        .await;
    f.mail("ours", "Ada Lovelace <ada@ours.example>", JO, 2)
        .await;
    let found = f.near().await;
    let shown: Vec<(&str, &str, i64)> = found
        .iter()
        .map(|n| (n.address.as_str(), n.row_id.as_str(), n.emails))
        .collect();
    assert_eq!(
        shown,
        [
            ("x@norwind.test", "norwind", 1),
            ("ada@home.example", "norwind", 1)
        ]
    );
    assert!(
        found[0].reason.contains("looks like norwind.example"),
        "{}",
        found[0].reason
    );
    assert!(
        found[1].reason.contains("Ada Lovelace"),
        "{}",
        found[1].reason
    );
    // The same address again proposes nothing twice.
    f.mail("again", "Ada Lovelace <ada@home.example>", JO, 1)
        .await;
    assert_eq!(f.near().await.len(), 2);
    assert!(f.links("home").await.is_empty(), "proposed, never attached");
    let decide = async |id: &str, state: &str| {
        let mut tx = f.t.db.write().await.unwrap();
        let decided = decide_near_match(&mut tx, id, state, "user:jo").await;
        tx.commit().await.unwrap();
        catch_up(&f.t.db).await.unwrap();
        decided
    };
    decide(&found[1].id, "accepted").await.unwrap();
    for name in ["home", "again"] {
        assert_eq!(f.links(name).await, ["norwind address"]);
    }
    let twice = decide(&found[1].id, "dismissed")
        .await
        .unwrap_err()
        .to_string();
    assert!(twice.contains("accepted already"), "{twice}");
    decide(&found[1].id, "open").await.unwrap();
    assert!(f.links("home").await.is_empty(), "taken back");
    decide(&found[0].id, "dismissed").await.unwrap();
    f.mail("later", "Someone Else <x@norwind.test>", JO, 1)
        .await;
    let left = f.near().await;
    assert_eq!(left.len(), 1, "what was dismissed stays dismissed");
    assert!(f.links("later").await.is_empty());
}

#[tokio::test]
async fn facts_count_what_is_there() {
    let f = fund().await;
    let ada = "ada@norwind.example";
    f.mail("old", ada, JO, 200).await;
    f.mail("in", ada, JO, 20).await;
    f.mail("out", JO, ada, 10).await;
    f.mail("elsewhere", "x@letters.example", JO, 1).await;
    let now = f.t.db.now();
    let facts = async |row: &str| {
        let mut conn = f.t.db.read().acquire().await.unwrap();
        facts_of_row(&mut conn, row, now).await.unwrap()
    };
    let found = facts("norwind").await;
    // Mail tells seconds.
    let close =
        |at: Option<i64>, days: i64| at.is_some_and(|at| (now - days * DAY - at).abs() < 1_000);
    assert!(close(found.counted.first_at, 200) && close(found.counted.last_at, 10));
    assert_eq!(found.counted.last_direction.as_deref(), Some("out"));
    assert_eq!((found.counted.received, found.counted.sent), (1, 1));
    let team: Vec<_> = found
        .team
        .iter()
        .map(|m| (m.user_id.as_deref(), m.emails))
        .collect();
    assert_eq!(team, [(Some("jo"), 2)]);
    let none = facts("quiet").await;
    assert_eq!(
        (
            none.counted.first_at,
            none.counted.received,
            none.team.len()
        ),
        (None, 0, 0)
    );
    // Deleted in the only mailbox that had it, it counts no more.
    let mut tx = f.t.db.write().await.unwrap();
    super::store::forget(&mut tx, &f.mailbox.id, &["out".to_owned()])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let found = facts("norwind").await;
    assert!(close(found.counted.last_at, 20));
    assert_eq!(found.counted.last_direction.as_deref(), Some("in"));
}
