//! A summary without a model: how many, who last, about what. The same facts
//! always give the same words.

use super::{InvestorMail, Sentence, collect::count};

/// Threads named at most.
const MOST_SUBJECTS: usize = 3;

/// What can be said of these messages by rule alone.
pub(super) fn rollup(mail: &InvestorMail) -> Vec<Sentence> {
    let (incoming, outgoing) = mail.directions();
    let part = |n: usize, what: &str| {
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        (n > 0).then(|| count(n, &format!("email {what}"), &format!("emails {what}")))
    };
    let internal = mail.emails.len() - incoming - outgoing;
    let parts: Vec<String> = [
        part(incoming, "in"),
        part(outgoing, "out"),
        part(internal, "among us"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let numbers = |of: &[usize]| of.iter().map(|i| i + 1).collect::<Vec<_>>();
    let all: Vec<usize> = (0..mail.emails.len()).collect();
    let mut told = vec![Sentence {
        text: format!("{}.", parts.join(", ")),
        emails: numbers(&all),
    }];
    // The newest message of each thread, the newest thread first.
    let mut threads: Vec<(&str, Vec<usize>)> = Vec::new();
    for (i, one) in mail.emails.iter().enumerate().rev() {
        match threads.iter_mut().find(|(id, _)| *id == one.thread_id) {
            Some((_, known)) => known.push(i),
            None => threads.push((&one.thread_id, vec![i])),
        }
    }
    for (_, of) in threads.iter().take(MOST_SUBJECTS) {
        let newest = &mail.emails[of[0]];
        let about = if newest.subject.trim().is_empty() {
            "without a subject we may show".to_owned()
        } else {
            format!("“{}”", newest.subject.trim())
        };
        told.push(Sentence {
            text: format!("Last from {} {about}, {}.", newest.from, newest.when),
            emails: numbers(&of[..1]),
        });
    }
    let more = threads.len().saturating_sub(MOST_SUBJECTS);
    if more > 0 {
        let rest: Vec<usize> = threads[MOST_SUBJECTS..]
            .iter()
            .map(|(_, of)| of[0])
            .collect();
        let more = i64::try_from(more).unwrap_or(i64::MAX);
        told.push(Sentence {
            text: format!("{} besides.", count(more, "thread", "threads")),
            emails: numbers(&rest),
        });
    }
    told
}
