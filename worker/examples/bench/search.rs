//! Searching 50,000 investors and their contacts: every kind of question, through
//! HTTP, as somebody types.

use std::time::Instant;

use crm_jobs::{
    grid::{self, ChangeBy, Operation},
    investors,
    testing::TestDb,
};
use serde_json::{Value, json};

use crate::measure::{self, Process, Times, admin_token, ms, row, until};

const ADDRESS: &str = "127.0.0.1:18097";
const CHUNK: usize = 1_000;
/// Questions of each kind.
const ASKED: usize = 200;

const BY: ChangeBy<'static> = ChangeBy {
    actor: "bench",
    origin: "bench",
    summary: "",
    job: None,
};

/// Made of syllables, so that words are many, unlike, and begin alike, as names do.
const SYLLABLES: [&str; 24] = [
    "al", "ber", "cor", "dan", "el", "fen", "gar", "hol", "in", "jor", "kal", "lan", "mor", "nor",
    "os", "per", "quin", "ros", "sam", "tan", "ul", "ver", "wes", "zan",
];
const KINDS: [&str; 6] = [
    "Capital",
    "Family Office",
    "Foundation",
    "Partners",
    "Pension",
    "Holding",
];
const CITIES: [&str; 6] = [
    "Vienna",
    "Zürich",
    "London",
    "New York",
    "Copenhagen",
    "Singapore",
];

/// A small deterministic generator: the same investors in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap()
    }

    fn name(&mut self, syllables: usize) -> String {
        let word: String = (0..syllables).map(|_| SYLLABLES[self.below(24)]).collect();
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    }
}

/// What is asked, made from a name that is there.
type Asked = fn(&mut Dice, &str) -> String;

pub async fn run() {
    let investors = measure::rows(50_000);
    println!("\nsearch: {investors} generated investors, each with two contacts");
    let t = TestDb::on_system_clock().await;
    let start = Instant::now();
    let names = fill(&t, investors).await;
    row("(filling the grid)", &ms(start.elapsed()), "");
    let start = Instant::now();
    investors::sync(&t.db, true, |_, _| ()).await.unwrap();
    row(
        "project and index all of it, first time",
        &ms(start.elapsed()),
        "the sync job",
    );
    let start = Instant::now();
    investors::sync(&t.db, true, |_, _| ()).await.unwrap();
    row(
        "rebuild, nothing changed",
        &ms(start.elapsed()),
        "the index stays as it is",
    );
    sizes(&t).await;
    let mut tx = t.db.write().await.unwrap();
    let start = Instant::now();
    sqlx::query("insert into search_index (search_index) values ('rebuild')")
        .execute(&mut *tx)
        .await
        .unwrap();
    row("rebuild the index alone", &ms(start.elapsed()), "");
    tx.commit().await.unwrap();
    over_http(&t, &names).await;
}

/// Fills the grid; returns the investors' names.
pub async fn fill(t: &TestDb, investors: usize) -> Vec<String> {
    let column = |name: &str, kind: &str| -> Operation {
        serde_json::from_value(json!({"op": "add_column", "name": name, "type": kind})).unwrap()
    };
    let columns = [
        column("Name", "text"),
        column("City", "text"),
        column("Email", "email"),
        column("Web", "url"),
        column("Notes", "long_text"),
        column("People", "contacts"),
    ];
    let mut tx = t.db.write().await.unwrap();
    grid::apply(&mut tx, &columns, &BY).await.unwrap();
    tx.commit().await.unwrap();
    let mut dice = Dice(0x00C0_FFEE_1234_5678);
    let mut names = Vec::new();
    while names.len() < investors {
        let count = CHUNK.min(investors - names.len());
        let rows: Vec<Operation> = (0..count)
            .map(|_| {
                let cells = cells(&mut dice, names.len());
                names.push(cells["name"].as_str().unwrap().to_owned());
                serde_json::from_value(json!({"op": "add_row", "cells": cells})).unwrap()
            })
            .collect();
        let mut tx = t.db.write().await.unwrap();
        grid::apply(&mut tx, &rows, &BY).await.unwrap();
        tx.commit().await.unwrap();
    }
    names
}

fn cells(dice: &mut Dice, n: usize) -> Value {
    let family = dice.name(3);
    let host = format!("{}{n}.example.org", family.to_lowercase());
    let person = |dice: &mut Dice| {
        let (first, last) = (dice.name(2), dice.name(3));
        format!(
            "{first} {last} <{}.{}@{host}>",
            first.to_lowercase(),
            last.to_lowercase()
        )
    };
    let notes: Vec<String> = (0..20).map(|_| dice.name(2).to_lowercase()).collect();
    json!({
        "name": format!("{family} {} {}", dice.name(2), KINDS[dice.below(6)]),
        "city": CITIES[dice.below(6)],
        "email": format!("office@{host}"),
        "web": format!("https://{host}"),
        "notes": notes.join(" "),
        "people": [person(dice), person(dice)],
    })
}

async fn sizes(t: &TestDb) {
    let bytes =
        |path: std::path::PathBuf| std::fs::metadata(path).map_or(0, |m| m.len()) as f64 / 1e6;
    let index: i64 =
        sqlx::query_scalar("select coalesce(sum(length(block)), 0) from search_index_data")
            .fetch_one(t.db.read())
            .await
            .unwrap();
    let texts: i64 = sqlx::query_scalar(
        "select coalesce(sum(length(title) + length(body)), 0) from search_entries",
    )
    .fetch_one(t.db.read())
    .await
    .unwrap();
    let entries: i64 = sqlx::query_scalar("select count(*) from search_entries")
        .fetch_one(t.db.read())
        .await
        .unwrap();
    let note = format!("{entries} entries, {:.1} MB of text", texts as f64 / 1e6);
    row(
        "size of the index",
        &format!("{:.1} MB", index as f64 / 1e6),
        &note,
    );
    let database = t.dir().join("crm.db");
    row(
        "size of the database",
        &format!("{:.1} MB", bytes(database)),
        "",
    );
}

async fn over_http(t: &TestDb, names: &[String]) {
    let _api = Process::api(t.dir(), ADDRESS).await;
    let token = admin_token(t.dir());
    let client = reqwest::Client::new();
    let ask = async |query: &str| -> Value {
        let url = format!("http://{ADDRESS}/api/search");
        let url = reqwest::Url::parse_with_params(&url, [("q", query)]).unwrap();
        let asked = client.get(url).bearer_auth(&token);
        asked
            .send()
            .await
            .unwrap()
            .error_for_status()
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    until(async || {
        client
            .get(format!("http://{ADDRESS}/healthz"))
            .send()
            .await
            .is_ok()
    })
    .await;
    let start = Instant::now();
    ask("zzzzyqx").await;
    row(
        "the first question with a typo",
        &ms(start.elapsed()),
        "reads the dictionary",
    );
    let mut dice = Dice(0x0BAD_CAFE_1234_5678);
    let mut all = Times::default();
    let kinds: [(&str, Asked); 8] = [
        ("one letter", |_, name| name.chars().take(1).collect()),
        ("three letters", |_, name| name.chars().take(3).collect()),
        ("the beginning of a name", |_, name| {
            name.chars().take(6).collect()
        }),
        ("two words", |_, name| {
            name.split(' ').take(2).collect::<Vec<_>>().join(" ")
        }),
        ("a word that thousands have", |dice, _| {
            KINDS[dice.below(6)].split(' ').next().unwrap().to_owned()
        }),
        ("one typo", |dice, name| {
            typo(dice, name.split(' ').next().unwrap())
        }),
        ("two words, one typo", |dice, name| {
            let (first, rest) = name.split_once(' ').unwrap();
            format!("{} {}", typo(dice, first), rest.split(' ').next().unwrap())
        }),
        ("nothing found", |dice, _| {
            format!("x{}qq", dice.name(4).to_lowercase())
        }),
    ];
    for (label, make) in kinds {
        let mut times = Times::default();
        let mut found = 0;
        for _ in 0..ASKED {
            let name = &names[dice.below(names.len())];
            let query = make(&mut dice, name);
            let answer = times.time(ask(&query)).await;
            found += usize::from(!answer["groups"].as_array().unwrap().is_empty());
        }
        let note = format!(
            "p95 {}, {found} of {ASKED} found something",
            ms(times.at(95))
        );
        row(&format!("{label}: p50"), &ms(times.at(50)), &note);
        all.join(times);
    }
    row("all of them: p95", &ms(all.at(95)), "target < 50 ms");
}

/// Two neighbours swapped behind the first letter.
fn typo(dice: &mut Dice, word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let at = 1 + dice.below(letters.len() - 2);
    letters.swap(at, at + 1);
    letters.into_iter().collect()
}
