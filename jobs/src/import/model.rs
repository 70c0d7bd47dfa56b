//! What is kept of an import.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Delimiter, Encoding, Mapping, Profile, Report, Reverted};
use crate::queue::JobId;

/// Where an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// Being mapped; nothing has changed.
    Draft,
    /// Its job is at work or about to be.
    Applying,
    /// Done.
    Applied,
    /// Its job gave up or was cancelled; nothing has changed.
    Failed,
    /// A job is at work that takes it back.
    Reverting,
    /// Taken back.
    Reverted,
}

impl ImportState {
    /// As stored and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Applying => "applying",
            Self::Applied => "applied",
            Self::Failed => "failed",
            Self::Reverting => "reverting",
            Self::Reverted => "reverted",
        }
    }

    /// As stored: whether it was taken back is read from the history.
    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Draft, Self::Applying, Self::Applied, Self::Failed]
            .into_iter()
            .find(|s| s.as_str() == name)
    }
}

/// One import.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Import {
    /// Time-ordered id.
    pub id: String,
    /// As uploaded, without a path.
    pub file_name: String,
    /// Of the file.
    pub size_bytes: i64,
    /// Of the file, hex.
    pub sha256: String,
    /// What its bytes mean.
    pub encoding: Encoding,
    /// What parts its cells.
    pub delimiter: Delimiter,
    /// The sheet that is read, of a workbook.
    pub sheet: Option<String>,
    /// All sheets of a workbook.
    pub sheets: Vec<String>,
    /// How the file begins, decoded: a wrong encoding shows here.
    pub first_lines: Vec<String>,
    /// The saved profile its mapping began with.
    pub saved_profile: Option<UsedProfile>,
    /// Rows below the header.
    pub row_count: i64,
    /// How each column is taken.
    pub mapping: Mapping,
    /// What each column looks like.
    pub profile: Vec<Profile>,
    /// Where it stands.
    pub state: ImportState,
    /// What came of it, once applied. Rejected rows are shortened to 500.
    pub outcome: Option<Report>,
    /// Why it failed.
    pub error: Option<String>,
    /// Its job.
    pub job_id: Option<JobId>,
    /// The grid version it made; none if nothing changed.
    pub change_set_id: Option<i64>,
    /// Who uploaded it.
    pub created_by: String,
    /// When, UTC milliseconds.
    pub created_at: i64,
    /// When it was applied.
    pub applied_at: Option<i64>,
    /// The job that takes it back.
    pub revert_job_id: Option<JobId>,
    /// What taking it back did.
    pub revert: Option<Reverted>,
    /// Why taking it back failed.
    pub revert_error: Option<String>,
    /// When it was taken back.
    pub reverted_at: Option<i64>,
    /// By whom.
    pub reverted_by: Option<String>,
}

/// The saved profile a file was taken by.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct UsedProfile {
    /// Its id.
    pub id: String,
    /// Its name, as of now.
    pub name: String,
}

/// An import in a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ImportSummary {
    /// Time-ordered id.
    pub id: String,
    /// As uploaded.
    pub file_name: String,
    /// Of the file.
    pub size_bytes: i64,
    /// Rows below the header.
    pub row_count: i64,
    /// Columns of the file.
    pub column_count: i64,
    /// Where it stands.
    pub state: ImportState,
    /// Such as `312 new, 88 changed`; empty until it is applied.
    pub result: String,
    /// Why it failed.
    pub error: Option<String>,
    /// Its job.
    pub job_id: Option<JobId>,
    /// Who uploaded it.
    pub created_by: String,
    /// When, UTC milliseconds.
    pub created_at: i64,
    /// When it was applied.
    pub applied_at: Option<i64>,
}

/// One page of imports, newest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ImportPage {
    /// On this page.
    pub imports: Vec<ImportSummary>,
    /// Over all pages.
    pub total: i64,
}
