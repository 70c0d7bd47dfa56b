//! What a timeline is made of.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::{files::File, grid::Change, notes::Note, work::Task};

/// Kinds of events, as filters name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Notes.
    Notes,
    /// Calls, meetings, messages.
    Contacts,
    /// Captured mail.
    Emails,
    /// Tasks added and done.
    Tasks,
    /// Steps from stage to stage.
    Stages,
    /// Amounts in funds.
    Commitments,
    /// Moves from list to list.
    Lists,
    /// Files attached.
    Files,
    /// Changes of fields.
    Changes,
}

impl Kind {
    /// All of them, in the order filters show them.
    pub const ALL: [Self; 9] = [
        Self::Notes,
        Self::Contacts,
        Self::Emails,
        Self::Tasks,
        Self::Stages,
        Self::Commitments,
        Self::Lists,
        Self::Files,
        Self::Changes,
    ];

    /// As filters and addresses have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Notes => "notes",
            Self::Contacts => "contacts",
            Self::Emails => "emails",
            Self::Tasks => "tasks",
            Self::Stages => "stages",
            Self::Commitments => "commitments",
            Self::Lists => "lists",
            Self::Files => "files",
            Self::Changes => "changes",
        }
    }

    /// `notes,tasks`; all for a blank.
    pub fn read_all(text: &str) -> Result<Vec<Self>, String> {
        let words = text
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty());
        let kinds: Vec<Self> = words.map(str::parse).collect::<Result<_, _>>()?;
        Ok(if kinds.is_empty() {
            Self::ALL.to_vec()
        } else {
            kinds
        })
    }
}

impl FromStr for Kind {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.word() == word);
        found.ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.iter().map(|kind| kind.word()).collect();
            format!("there is no such kind of event: use {}", all.join(", "))
        })
    }
}

/// Something that happened.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Event {
    /// Its kind.
    pub kind: Kind,
    /// Unique within its kind.
    pub id: String,
    /// UTC milliseconds.
    pub at: i64,
    /// Who: `user:ID`, `job:ID` or `system`.
    pub by: String,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum What {
    /// Fields changed together.
    Changes {
        /// How: `edit`, `import`, `undo` …
        origin: String,
        /// In words.
        summary: String,
        /// The job that did it.
        job_id: Option<i64>,
        /// Each of them.
        changes: Vec<Change>,
    },
    /// Moved to another list.
    List {
        /// The list before.
        from: Option<String>,
        /// The list after.
        to: Option<String>,
        /// Why.
        reason: String,
    },
    /// A step in the raise. Choices are those of the pipeline column; a null is
    /// no stage.
    Stage {
        /// The choice before.
        from: Option<String>,
        /// The choice after.
        to: Option<String>,
        /// The standard stage before.
        from_stage: Option<String>,
        /// The standard stage after.
        to_stage: Option<String>,
    },
    /// An amount in a fund.
    Commitment {
        /// Fund id.
        fund: String,
        /// Its name.
        fund_name: Option<String>,
        /// `target`, `soft`, `hard`, `signed`, `wired` or `declined`.
        stage: String,
        /// Amount before, decimal text.
        before: Option<String>,
        /// Amount after.
        after: Option<String>,
        /// ISO code.
        currency: String,
        /// The day it counts from.
        happened_on: String,
        /// More about it.
        note: String,
    },
    /// A note.
    Note {
        /// The note.
        note: Note,
    },
    /// Somebody was in touch.
    Contact {
        /// `call`, `meeting`, `email` or `message`.
        channel: String,
        /// With whom.
        contact_id: Option<String>,
        /// Their name.
        contact_name: Option<String>,
        /// A word about it.
        text: String,
        /// The note that tells more.
        note: Option<Note>,
    },
    /// An email was sent or received.
    Email {
        /// Its thread.
        thread_id: String,
        /// `in`, `out` or `internal`.
        direction: String,
        /// Who wrote it: a name, or an address.
        from: String,
        /// Empty where it may not be kept.
        subject: String,
        /// How it begins; empty where it may not be kept.
        said: String,
    },
    /// A task was added.
    TaskAdded {
        /// The task as it is now.
        task: Task,
    },
    /// A task was done.
    TaskDone {
        /// The task.
        task: Task,
    },
    /// A file was attached.
    File {
        /// The file.
        file: File,
    },
}
