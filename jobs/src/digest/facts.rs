//! What a digest tells, without the text of any mail: that is read when it is
//! summarized, and is stored nowhere else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Facts {
    /// Told from here, UTC milliseconds.
    pub from: i64,
    /// Up to here.
    pub to: i64,
    /// IANA zone of the days in it.
    pub zone: String,
    /// The day it is for, such as `Tuesday 3 March 2026`.
    pub day: String,
    /// From when on, as people read it.
    pub since: String,
    /// Mail of each of us, by investor.
    pub people: Vec<PersonMail>,
    /// All mail by investor, each message once.
    pub team: Vec<InvestorMail>,
    /// All else, in order; those without lines are left out.
    pub sections: Vec<Section>,
    /// There is nothing a person would miss.
    pub quiet: bool,
    /// Mail beyond what one digest takes.
    pub left_out: i64,
}

/// Somebody's mail.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PersonMail {
    /// Whose.
    pub user_id: String,
    /// Their name.
    pub name: String,
    /// By investor.
    pub investors: Vec<InvestorMail>,
}

/// Mail with one investor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InvestorMail {
    /// The row.
    pub row_id: String,
    /// Its name.
    pub name: String,
    /// The oldest first.
    pub emails: Vec<Mail>,
}

impl InvestorMail {
    /// How many came in, and how many went out.
    pub fn directions(&self) -> (usize, usize) {
        let count = |direction| {
            self.emails
                .iter()
                .filter(|m| m.direction == direction)
                .count()
        };
        (count("in"), count("out"))
    }
}

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mail {
    /// The message.
    pub id: String,
    /// Its thread.
    pub thread_id: String,
    /// `in`, `out` or `internal`.
    pub direction: String,
    /// Empty where privacy withholds it.
    pub subject: String,
    /// Who wrote it.
    pub from: String,
    /// To whom, a few names.
    pub to: String,
    /// When, as people read it.
    pub when: String,
    /// UTC milliseconds.
    pub sent_at: i64,
}

/// A heading and its lines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Section {
    /// Stable, such as `tasks`.
    pub key: String,
    /// The heading.
    pub title: String,
    /// A line each.
    pub lines: Vec<Line>,
}

/// A line, and where it leads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// What it says.
    pub text: String,
    /// Address of a page of ours, from `/` on; empty: nowhere.
    pub path: String,
    /// It wants somebody's eye.
    #[serde(default)]
    pub alarm: bool,
}

impl Facts {
    /// What is to be summarized: each person's mail with each investor, then the
    /// team's (under no name) where it is not the same as one person's.
    pub fn to_narrate(&self) -> Vec<(String, InvestorMail)> {
        let mut all: Vec<(String, InvestorMail)> = Vec::new();
        for person in &self.people {
            for mail in &person.investors {
                all.push((person.user_id.clone(), mail.clone()));
            }
        }
        for mail in &self.team {
            if self.same_as(mail).is_none() {
                all.push((String::new(), mail.clone()));
            }
        }
        all
    }

    /// The person whose mail with this investor is all there is.
    pub fn same_as(&self, mail: &InvestorMail) -> Option<&str> {
        let is_same =
            |theirs: &InvestorMail| theirs.row_id == mail.row_id && theirs.emails == mail.emails;
        self.people
            .iter()
            .find(|person| person.investors.iter().any(is_same))
            .map(|person| person.user_id.as_str())
    }
}
