//! A note in the local model's words, where they hold.
//!
//! Only the sentence is the model's: the contact, the follow-up and the stage are
//! found by rule, so that no mail can talk a model into them.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::json;

use super::{Drafted, Gathered, by_rule};
use crate::{
    db::Db,
    spark::{
        Ask, Asker, plain_line,
        prompt::{Fence, NOTE},
        tokens, within,
    },
};

/// Tokens of an answer.
const ANSWER: usize = 120;
/// Characters of the sentence at most.
const LONGEST: usize = 280;
/// Mail shown at most, the newest.
const MOST_MAIL: usize = 8;
/// Tokens of one mail at most.
const MOST_OF_ONE: usize = 500;

/// Drafts with the model's sentence if it answers and what it says holds, otherwise
/// by rule.
pub async fn draft(db: &Db, asker: &mut Asker, from: &Gathered) -> Drafted {
    let ruled = by_rule(from);
    // Without text there is nothing to say but who wrote.
    if from.mail.iter().all(|mail| mail.said.trim().is_empty()) {
        return ruled;
    }
    let answered = asker.ask(db, ANSWER, |room| question(from, room)).await;
    let sentence = match &answered {
        Ok(answer) if !answer.was_cut => check(&answer.text, from),
        Ok(_) => None,
        Err(reason) => {
            tracing::debug!(reason, "a proposal is drafted by rule");
            None
        }
    };
    match (sentence, answered) {
        (Some(sentence), Ok(answer)) => Drafted {
            note: format!("{}: {sentence}", from.day),
            model: answer.model,
            prompt: NOTE.version.to_owned(),
            ..ruled
        },
        _ => ruled,
    }
}

fn question(from: &Gathered, room: usize) -> Ask {
    let fence = Fence::new();
    let system = NOTE.instructions(&fence);
    let shown = &from.mail[from.mail.len().saturating_sub(MOST_MAIL)..];
    let each = room.saturating_sub(tokens(&system) + 60) / shown.len().max(1);
    let blocks: Vec<String> = shown
        .iter()
        .map(|mail| {
            let subject: String = mail.subject.chars().take(150).collect();
            let name: String = mail.from_name.chars().take(80).collect();
            let head = format!(
                "From: {name} <{}> ({})\nSubject: {subject}\n",
                mail.from_address,
                if mail.direction == "out" {
                    "our team"
                } else {
                    "the investor"
                },
            );
            let left = each.saturating_sub(tokens(&head) + 40).min(MOST_OF_ONE);
            fence.around("email", &format!("{head}\n{}", within(&mail.said, left)))
        })
        .collect();
    let investor: String = from.row_title.chars().take(100).collect();
    Ask {
        system,
        user: format!(
            "{}\n\nWrite the line about the investor named in this line of data: {}",
            blocks.join("\n\n"),
            json!(investor)
        ),
        schema: Some(json!({
            "type": "object",
            "properties": { "note": { "type": "string", "minLength": 10, "maxLength": LONGEST } },
            "required": ["note"],
            "additionalProperties": false,
        })),
        max_tokens: ANSWER,
    }
}

#[derive(Deserialize)]
struct Said {
    note: String,
}

/// The sentence, if it is one of plain text, not too long, and every number in it
/// stands in the mail.
pub(super) fn check(answer: &str, from: &Gathered) -> Option<String> {
    let (start, end) = answer.find('{').zip(answer.rfind('}'))?;
    let said: Said = serde_json::from_str(answer.get(start..=end)?).ok()?;
    let line = plain_line(&said.note)?;
    if line.chars().count() > LONGEST {
        return None;
    }
    let known: HashSet<String> = from
        .mail
        .iter()
        .flat_map(|mail| numbers(&mail.said).chain(numbers(&mail.subject)))
        .chain(numbers(&from.row_title))
        .chain(numbers(&from.day))
        .collect();
    let holds = numbers(&line).all(|n| known.contains(&n));
    holds.then_some(line)
}

/// Runs of digits, however they are grouped: `1,500,000` and `1500000` are one.
fn numbers(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !(c.is_ascii_digit() || matches!(c, ',' | '.' | '\'')))
        .map(|run| run.chars().filter(char::is_ascii_digit).collect::<String>())
        .filter(|digits| !digits.is_empty())
}
