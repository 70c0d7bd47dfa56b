//! One summary: asked of the model, checked, and by rule where the model is away
//! or says something that does not hold.

use std::collections::HashMap;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{InvestorMail, rollup::rollup};
use crate::{
    db::{Db, DbError},
    spark::{
        Ask, Asker, plain_line,
        prompt::{DIGEST, Fence},
        tokens, within,
    },
};

/// Tokens of an answer.
const ANSWER: usize = 400;
/// Sentences, and characters of all of them, at most.
const MOST_SENTENCES: usize = 5;
const MOST_CHARS: usize = 900;
/// Messages the model is shown at once; the newest ones.
const MOST_EMAILS: usize = 30;
/// Questions in one digest at most; the rest is told by rule.
const MOST_QUESTIONS: usize = 80;

/// A sentence, and which messages it rests on, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentence {
    /// Plain text.
    pub text: String,
    /// Never empty.
    pub emails: Vec<usize>,
}

/// A summary of somebody's mail with an investor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrative {
    /// Whose mail; empty for the team's.
    pub user_id: String,
    /// With whom.
    pub row_id: String,
    /// What it says.
    pub sentences: Vec<Sentence>,
    /// In the model's words.
    pub by_model: bool,
    /// Why not; empty if so.
    pub reason: String,
    /// Which model.
    pub model: String,
}

/// Whoever summarizes: the model as long as it answers.
pub struct Narrator {
    asker: Asker,
    asked: usize,
}

impl Narrator {
    /// By rule, and why.
    pub fn by_rule(reason: &str) -> Self {
        Self {
            asker: Asker::away(reason),
            asked: 0,
        }
    }

    /// With the model, if it is there.
    pub async fn new(db: &Db) -> Self {
        Self {
            asker: Asker::new(db).await,
            asked: 0,
        }
    }
}

/// Summarizes somebody's mail with an investor.
pub async fn ask_about(
    db: &Db,
    narrator: &mut Narrator,
    user: &str,
    mail: &InvestorMail,
) -> Result<Narrative, DbError> {
    let by_rule = |reason: String| Narrative {
        user_id: user.to_owned(),
        row_id: mail.row_id.clone(),
        sentences: rollup(mail),
        by_model: false,
        reason: format!("Summarized by rule: {reason}."),
        model: String::new(),
    };
    if narrator.asked >= MOST_QUESTIONS {
        return Ok(by_rule(
            "there was too much mail for the local model".to_owned(),
        ));
    }
    let said = if narrator.asker.is_there() {
        narrator.asked += 1;
        said(db, mail).await?
    } else {
        HashMap::new()
    };
    let answered = narrator
        .asker
        .ask(db, ANSWER, |room| question(mail, &said, room))
        .await;
    let answer = match answered {
        Ok(answer) => answer,
        Err(reason) => return Ok(by_rule(reason)),
    };
    let sentences = check(&answer.text, mail.emails.len());
    if sentences.is_empty() {
        return Ok(by_rule(if answer.was_cut {
            "the model's answer was too long".to_owned()
        } else {
            "the model's answer did not hold".to_owned()
        }));
    }
    Ok(Narrative {
        sentences,
        by_model: true,
        model: answer.model,
        reason: String::new(),
        ..by_rule(String::new())
    })
}

/// What the messages say, without what they quote.
async fn said(db: &Db, mail: &InvestorMail) -> Result<HashMap<String, String>, DbError> {
    let ids: Vec<&str> = mail.emails.iter().map(|m| m.id.as_str()).collect();
    let rows: Vec<(String, String)> = sqlx::query_as(
        "select id, said from emails where deleted_at is null and id in (select value from json_each(?1))",
    )
    .bind(json!(ids).to_string())
    .fetch_all(db.read())
    .await?;
    Ok(rows.into_iter().collect())
}

/// The question, in at most `room` tokens: the newest messages first get theirs.
fn question(mail: &InvestorMail, said: &HashMap<String, String>, room: usize) -> Ask {
    let fence = Fence::new();
    let system = DIGEST.instructions(&fence);
    let first = mail.emails.len().saturating_sub(MOST_EMAILS);
    let heads: Vec<String> = mail.emails[first..]
        .iter()
        .map(|m| {
            let subject: String = m.subject.chars().take(150).collect();
            let from: String = m.from.chars().take(80).collect();
            format!(
                "{} ({})\nFrom: {from}\nSubject: {subject}\n",
                m.when, m.direction
            )
        })
        .collect();
    let mut left = room.saturating_sub(tokens(&system) + 60);
    let mut blocks = Vec::new();
    let mut numbers = Vec::new();
    let shown = heads.len();
    for (i, head) in heads.iter().enumerate().rev() {
        let frame = tokens(head) + 40;
        if frame >= left {
            break;
        }
        let each = (left / (i + 1)).max(frame) - frame;
        let one = &mail.emails[first + i];
        let words = said.get(&one.id).map_or("", String::as_str);
        let words = within(words, each.min(600));
        let number = first + i + 1;
        let block = fence.around(&format!("email {number}"), &format!("{head}\n{words}"));
        left = left.saturating_sub(tokens(&block));
        blocks.push(block);
        numbers.push(number);
    }
    blocks.reverse();
    numbers.reverse();
    let investor: String = mail.name.chars().take(100).collect();
    Ask {
        system,
        user: format!(
            "{}\n\nSummarize these {shown} emails with the investor named in this line of data: {}",
            blocks.join("\n\n"),
            json!(investor)
        ),
        schema: Some(schema(&numbers)),
        max_tokens: ANSWER,
    }
}

fn schema(numbers: &[usize]) -> Value {
    json!({
        "type": "object",
        "properties": {
            "sentences": {
                "type": "array", "minItems": 1, "maxItems": 4,
                "items": {
                    "type": "object",
                    "properties": {
                        "text": { "type": "string", "maxLength": 240 },
                        "emails": { "type": "array", "minItems": 1, "maxItems": 6, "items": { "type": "integer", "enum": numbers } },
                    },
                    "required": ["text", "emails"],
                    "additionalProperties": false,
                },
            },
        },
        "required": ["sentences"],
        "additionalProperties": false,
    })
}

#[derive(Deserialize)]
struct Said {
    sentences: Vec<SaidSentence>,
}

#[derive(Deserialize)]
struct SaidSentence {
    text: String,
    emails: Vec<i64>,
}

/// What holds of an answer: sentences that cite messages that exist, in plain
/// text, without links, within a length. Nothing, if it is no such thing.
pub(super) fn check(answer: &str, emails: usize) -> Vec<Sentence> {
    let inside = answer
        .find('{')
        .zip(answer.rfind('}'))
        .filter(|(from, to)| from < to)
        .map_or("", |(from, to)| &answer[from..=to]);
    let said = match serde_json::from_str::<Said>(inside) {
        Ok(said) => said.sentences,
        Err(_) => by_brackets(answer),
    };
    let mut left = MOST_CHARS;
    let mut held = Vec::new();
    for one in said.into_iter().take(MOST_SENTENCES) {
        let Some(text) = plain_line(&one.text) else {
            continue;
        };
        let mut cites: Vec<usize> = one
            .emails
            .iter()
            .filter_map(|n| usize::try_from(*n).ok())
            .filter(|n| (1..=emails).contains(n))
            .collect();
        cites.sort_unstable();
        cites.dedup();
        let length = text.chars().count();
        // One citation that does not exist spoils the sentence.
        if cites.is_empty()
            || one
                .emails
                .iter()
                .any(|n| usize::try_from(*n).is_ok_and(|n| n > emails))
            || length > left
        {
            continue;
        }
        left -= length;
        held.push(Sentence {
            text,
            emails: cites,
        });
    }
    held
}

/// Sentences that end in `[1]` or `[1, 2]`, from a server that keeps to no schema.
fn by_brackets(answer: &str) -> Vec<SaidSentence> {
    let Ok(pattern) =
        Regex::new(r"([^\[\]\n{}]{3,400}?)\s*((?:\[\d{1,3}(?:\s*,\s*\d{1,3})*\]\s*)+)[.]?")
    else {
        return Vec::new();
    };
    pattern
        .captures_iter(answer)
        .map(|found| SaidSentence {
            text: found[1]
                .trim()
                .trim_start_matches(['.', ' ', '-', '*'])
                .to_owned(),
            emails: found[2]
                .split(|c: char| !c.is_ascii_digit())
                .filter_map(|n| n.parse().ok())
                .collect(),
        })
        .collect()
}
