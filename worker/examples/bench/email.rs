//! Mail: what capture does a second, and how long a digest takes to build.

use std::time::Instant;

use crm_jobs::{
    accounts::{Role, users},
    audit::Actor,
    digest,
    testing::TestDb,
};

use crate::measure::{ms, row};

const USERS: usize = 5;
const EMAILS: usize = 200;
const INVESTORS: usize = 40;
const TIMES: usize = 10;

pub async fn run() {
    crate::capture::run().await;
    crate::mailboxes::run().await;
    build().await;
}

/// Reading the facts, summaries by rule, HTML and text. What the model takes is the
/// model's own affair and is not in it.
async fn build() {
    println!("\nemail: a digest of {USERS} users × {EMAILS} emails with {INVESTORS} investors");
    let t = TestDb::on_system_clock().await;
    fill(&t).await;
    let (mut collected, mut all) = (Vec::new(), Vec::new());
    let (mut bytes, mut told) = (0, 0);
    for _ in 0..TIMES {
        let start = Instant::now();
        let facts = digest::collect(&t.db, 0, t.db.now() + 1).await.unwrap();
        collected.push(start.elapsed());
        let mut narrator = digest::Narrator::by_rule("measured");
        let mut narratives = Vec::new();
        for (user, mail) in facts.to_narrate() {
            narratives.push(
                digest::ask_about(&t.db, &mut narrator, &user, &mail)
                    .await
                    .unwrap(),
            );
        }
        let letter = digest::render(&facts, &narratives, "https://crm.example.org").unwrap();
        all.push(start.elapsed());
        told = narratives.len();
        bytes = letter.html.len();
    }
    collected.sort();
    all.sort();
    let last = TIMES - 1;
    row(
        "reading the facts",
        &ms(collected[TIMES / 2]),
        &format!("longest {}", ms(collected[last])),
    );
    row(
        "facts, summaries by rule, HTML and text",
        &ms(all[TIMES / 2]),
        &format!(
            "longest {}; {told} summaries, {} kB of HTML",
            ms(all[last]),
            bytes / 1_000
        ),
    );
}

async fn fill(t: &TestDb) {
    let mut tx = t.db.write().await.unwrap();
    let now = tx.now();
    for n in 0..INVESTORS {
        for sql in [
            "insert into grid_rows (id, position, version, cells, list_since_at, list_by, created_at, created_by, updated_at, updated_by) values (?1, 1, 1, '{}', 0, 'x', ?2, 'x', ?2, 'x')",
            "insert into fundraising_investors (id, name, list, archived, row_version, created_at, updated_at) values (?1, 'Sample Capital ' || ?1, 'main', 0, 1, ?2, ?2)",
            "insert into email_threads (id, subject, first_at, last_at) values (?1, 'Terms', ?2, ?2)",
        ] {
            sqlx::query(sql)
                .bind(format!("r{n}"))
                .bind(now)
                .execute(&mut *tx)
                .await
                .unwrap();
        }
    }
    for u in 0..USERS {
        let new = users::NewUser {
            email: format!("user{u}@example.org"),
            name: format!("Sample User {u}"),
            role: Role::Admin,
            password_hash: None,
        };
        let user = users::create(&mut tx, new, &Actor::System, "")
            .await
            .unwrap();
        sqlx::query("insert into mailboxes (id, address, user_id, consent, privacy, starts_at, enrolled_at, created_at, created_by, updated_at, updated_by) values (?1, ?2, ?3, 'yes', 'body', 0, 0, 0, 'x', 0, 'x')")
            .bind(format!("m{u}")).bind(&user.email).bind(&user.id).execute(&mut *tx).await.unwrap();
        for e in 0..EMAILS {
            let id = format!("e{u}-{e}");
            let investor = format!("r{}", (u + e) % INVESTORS);
            let sent = now - i64::try_from(e).unwrap() * 60_000;
            for sql in [
                "insert into emails (id, message_key, thread_id, sent_at, from_name, from_address, direction, subject, said, is_matched, privacy, created_at) values (?1, ?1, ?2, ?3, 'Nina Novak', 'nina@alder.example', 'in', 'About the terms of ' || ?2, 'We would like to talk about the fee and the closing date.', 1, 'body', ?4)",
                "insert into email_links (email_id, row_id, rule, sent_at, created_at, created_by) values (?1, ?2, 'domain', ?3, ?4, 'x')",
                "insert into email_people (email_id, role, address, name) values (?1, 'to', 'user' || ?5 || '@example.org', 'Sample User')",
                "insert into email_sightings (mailbox_id, gmail_id, gmail_thread_id, email_id, seen_at) values ('m' || ?5, ?1, ?2, ?1, ?4)",
            ] {
                sqlx::query(sql)
                    .bind(&id)
                    .bind(&investor)
                    .bind(sent)
                    .bind(now)
                    .bind(i64::try_from(u).unwrap())
                    .execute(&mut *tx)
                    .await
                    .unwrap();
            }
        }
    }
    tx.commit().await.unwrap();
}
