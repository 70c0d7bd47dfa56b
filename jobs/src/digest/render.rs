//! The letter: HTML that mail programs understand, and the same as text.

use askama::Template;

use super::{Facts, InvestorMail, Narrative, Section, Sentence, collect::count};

/// A digest as it is sent.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// A whole page.
    pub html: String,
    /// The same in words.
    pub text: String,
    /// `model`, `rule`, `both`, or nothing.
    pub narrated_by: &'static str,
    /// Which model.
    pub model: String,
    /// Why a rule had to do.
    pub note: String,
}

#[derive(Template)]
#[template(path = "mail/digest.html")]
struct Html<'a> {
    page: &'a Page<'a>,
}

#[derive(Template)]
#[template(path = "mail/digest.txt")]
struct Text<'a> {
    page: &'a Page<'a>,
}

struct Page<'a> {
    subject: &'a str,
    facts: &'a Facts,
    people: Vec<PersonBlock<'a>>,
    team: Vec<Block<'a>>,
    sections: &'a [Section],
    note: &'a str,
    by: String,
    base: &'a str,
}

struct PersonBlock<'a> {
    name: &'a str,
    blocks: Vec<Block<'a>>,
}

/// One investor's summary and the messages it cites.
struct Block<'a> {
    mail: &'a InvestorMail,
    counts: String,
    sentences: Vec<Sentence>,
    /// Told above under this name already.
    above: Option<&'a str>,
}

impl Block<'_> {
    fn cited(&self) -> Vec<(usize, &super::Mail)> {
        let cited = |n: &usize| self.sentences.iter().any(|s| s.emails.contains(n));
        (1..=self.mail.emails.len())
            .filter(cited)
            .map(|n| (n, &self.mail.emails[n - 1]))
            .collect()
    }
}

/// `[1] [3] [4]`, or from where to where if there are many.
fn marks(numbers: &[usize]) -> String {
    match (numbers.first(), numbers.last()) {
        (Some(first), Some(last)) if numbers.len() > 4 && last - first + 1 == numbers.len() => {
            format!("[{first}–{last}]")
        }
        _ => numbers
            .iter()
            .map(|n| format!("[{n}]"))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// Writes the letter.
pub fn render(facts: &Facts, told: &[Narrative], base: &str) -> Result<Rendered, askama::Error> {
    let block = |user: &str, mail: &'_ InvestorMail| {
        told.iter()
            .find(|n| n.user_id == user && n.row_id == mail.row_id)
            .map(|n| n.sentences.clone())
            .unwrap_or_default()
    };
    let counts = |mail: &InvestorMail| {
        let (incoming, outgoing) = mail.directions();
        format!("{incoming} in, {outgoing} out")
    };
    let people = facts
        .people
        .iter()
        .map(|person| PersonBlock {
            name: &person.name,
            blocks: person
                .investors
                .iter()
                .map(|mail| Block {
                    mail,
                    counts: counts(mail),
                    sentences: block(&person.user_id, mail),
                    above: None,
                })
                .collect(),
        })
        .collect();
    let team = facts
        .team
        .iter()
        .map(|mail| {
            let above = facts.same_as(mail).and_then(|user| {
                let person = facts.people.iter().find(|p| p.user_id == user);
                person.map(|p| p.name.as_str())
            });
            Block {
                mail,
                counts: counts(mail),
                sentences: block("", mail),
                above,
            }
        })
        .collect();
    let by_model = told.iter().any(|n| n.by_model);
    let by_rule = told.iter().find(|n| !n.by_model);
    let narrated_by = match (by_model, by_rule.is_some()) {
        (true, true) => "both",
        (true, false) => "model",
        (false, true) => "rule",
        (false, false) => "",
    };
    let model = told
        .iter()
        .find(|n| n.by_model)
        .map(|n| n.model.clone())
        .unwrap_or_default();
    let note = by_rule.map(|n| n.reason.clone()).unwrap_or_default();
    let emails: usize = facts.team.iter().map(|t| t.emails.len()).sum();
    let investors = i64::try_from(facts.team.len()).unwrap_or(i64::MAX);
    let subject = if emails == 0 {
        format!("Digest for {}", facts.day)
    } else {
        format!(
            "Digest for {}: {} with {}",
            facts.day,
            count(i64::try_from(emails).unwrap_or(i64::MAX), "email", "emails"),
            count(investors, "investor", "investors"),
        )
    };
    let page = Page {
        subject: &subject,
        facts,
        people,
        team,
        sections: &facts.sections,
        note: &note,
        by: match narrated_by {
            "model" => format!("Summaries by {model} on your own box. Check the emails they cite."),
            "both" => format!("Most summaries by {model} on your own box, some by rule."),
            "rule" => "Summaries by rule.".to_owned(),
            _ => String::new(),
        },
        base,
    };
    let html = Html { page: &page }.render()?;
    let text = tidy(&Text { page: &page }.render()?);
    Ok(Rendered {
        subject,
        html,
        text,
        narrated_by,
        model,
        note,
    })
}

/// Never more than one empty line in a row, no blanks at the ends of lines.
fn tidy(text: &str) -> String {
    let mut out = String::new();
    let mut empty = true;
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && empty) {
            out.push_str(line);
            out.push('\n');
        }
        empty = line.is_empty();
    }
    out.trim_end().to_owned() + "\n"
}
