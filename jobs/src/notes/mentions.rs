//! Whom a note calls on: `@Name` or `@address` of an active member.

use std::collections::{BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, SqliteConnection};

use crate::db::{DbError, WriteTx};

/// Members one note calls on at most.
const MOST: usize = 20;

/// A member that a note calls on.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, Deserialize, JsonSchema)]
pub struct Mention {
    /// Who.
    pub user_id: String,
    /// Their name today.
    pub name: String,
    /// The word in the note, `@` included.
    pub written: String,
}

/// A member as they may be called.
#[derive(Clone, Debug, FromRow)]
struct Member {
    id: String,
    name: String,
    email: String,
}

/// Finds whom a text mentions and writes it down. Who was mentioned before
/// keeps the time of it: an edit is no second call.
pub(super) async fn remember(tx: &mut WriteTx, note: &str, body: &str) -> Result<(), DbError> {
    let members: Vec<Member> =
        sqlx::query_as("select id, name, email from users where disabled_at is null order by id")
            .fetch_all(&mut **tx)
            .await?;
    let found = found_in(body, &members);
    let now = tx.now();
    let kept = found
        .iter()
        .map(|(id, written)| format!("{id} {written}"))
        .collect::<Value>();
    sqlx::query(
        "delete from note_mentions where note_id = ?1
           and user_id || ' ' || written not in (select value from json_each(?2))",
    )
    .bind(note)
    .bind(kept.to_string())
    .execute(&mut **tx)
    .await?;
    for (user, written) in found {
        sqlx::query(
            "insert into note_mentions (note_id, user_id, written, at)
             values (?1, ?2, ?3, coalesce((select min(at) from note_mentions where note_id = ?1 and user_id = ?2), ?4))
             on conflict do nothing",
        )
        .bind(note)
        .bind(user)
        .bind(written)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Ids of members with the words that call them.
fn found_in(body: &str, members: &[Member]) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let mut before = ' ';
    for (at, c) in body.char_indices() {
        let is_start = c == '@' && !(before.is_alphanumeric() || "._%+-@/".contains(before));
        before = c;
        if !is_start || found.len() >= MOST {
            continue;
        }
        let rest = &body[at + 1..];
        if let Some((member, length)) = called(rest, members) {
            found.insert((member.id.clone(), format!("@{}", &rest[..length])));
        }
    }
    found
}

/// Whom the text begins with, the longest match first, and how long it is. A
/// first name counts while only one member bears it.
fn called<'m>(rest: &str, members: &'m [Member]) -> Option<(&'m Member, usize)> {
    let mut best: Option<(&Member, usize)> = None;
    for member in members {
        let first = member.name.split_whitespace().next().unwrap_or_default();
        let is_only = members
            .iter()
            .filter(|m| {
                let theirs = m.name.split_whitespace().next().unwrap_or_default();
                theirs.to_lowercase() == first.to_lowercase()
            })
            .count()
            == 1;
        let mut ways = vec![member.email.as_str(), member.name.as_str()];
        if is_only {
            ways.push(first);
        }
        for way in ways {
            let Some(length) = starts_with(rest, way) else {
                continue;
            };
            if best.is_none_or(|(_, known)| known < length) {
                best = Some((member, length));
            }
        }
    }
    best
}

/// Bytes of `text` that spell `word`, whatever the case, if it ends there.
fn starts_with(text: &str, word: &str) -> Option<usize> {
    if word.is_empty() {
        return None;
    }
    let mut wanted = word.chars().flat_map(char::to_lowercase);
    let mut length = 0;
    let mut next = wanted.next();
    for c in text.chars() {
        if next.is_none() {
            break;
        }
        for lower in c.to_lowercase() {
            if next != Some(lower) {
                return None;
            }
            next = wanted.next();
        }
        length += c.len_utf8();
    }
    let ends = text[length..]
        .chars()
        .next()
        .is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '@');
    (next.is_none() && ends).then_some(length)
}

/// Whom these notes mention.
pub(super) async fn of_notes(
    conn: &mut SqliteConnection,
    ids: &[&str],
) -> Result<HashMap<String, Vec<Mention>>, DbError> {
    #[derive(FromRow)]
    struct Record {
        note_id: String,
        #[sqlx(flatten)]
        mention: Mention,
    }
    let records: Vec<Record> = sqlx::query_as(
        "select m.note_id, m.user_id, u.name, m.written from note_mentions m join users u on u.id = m.user_id
         where m.note_id in (select value from json_each(?1)) order by m.note_id, m.written, m.user_id",
    )
    .bind(Value::from(ids).to_string())
    .fetch_all(conn)
    .await?;
    let mut found: HashMap<String, Vec<Mention>> = HashMap::new();
    for record in records {
        found
            .entry(record.note_id)
            .or_default()
            .push(record.mention);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: &str, name: &str, email: &str) -> Member {
        Member {
            id: id.to_owned(),
            name: name.to_owned(),
            email: email.to_owned(),
        }
    }

    #[test]
    fn members_are_called_by_name_first_name_or_address() {
        let team = [
            member("r", "Robin Sample", "robin@example.org"),
            member("rs", "Robin Samples", "rs@example.org"),
            member("j", "Jo Testcase", "jo@example.org"),
            member("i", "İpek Ünal", "ipek@example.org"),
        ];
        let who = |text: &str| -> Vec<String> {
            found_in(text, &team)
                .into_iter()
                .map(|(id, word)| format!("{id}{word}"))
                .collect()
        };
        assert_eq!(who("Ask @robin sample, please"), ["r@robin sample"]);
        assert_eq!(who("@Robin Samples"), ["rs@Robin Samples"]);
        assert_eq!(who("(@jo@example.org)"), ["j@jo@example.org"]);
        assert_eq!(who("@Jo: call? @jo!"), ["j@Jo", "j@jo"]);
        assert_eq!(who("@İpek Ünal."), ["i@İpek Ünal"]);
        for nobody in [
            "@robin",
            "mail@jo.example",
            "x@Jo",
            "@Jon",
            "@",
            "@@jo",
            "@nobody",
            "a/@jo",
        ] {
            assert!(who(nobody).is_empty(), "{nobody}: {:?}", who(nobody));
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_breaks_it(text in "[@ İéJojs.\\PC]{0,40}") {
            let team = [member("j", "Jo Testcase", "jo@example.org"), member("i", "İpek", "i@x")];
            let _ = found_in(&text, &team);
        }
    }
}
