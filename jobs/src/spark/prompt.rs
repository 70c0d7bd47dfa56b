//! Prompts: our words in `templates/prompts`, a version in the first line of each;
//! what people wrote is data between fences that no text can close.

use crate::clock::random_bytes;

/// A prompt as shipped.
#[derive(Clone, Copy, Debug)]
pub struct Prompt {
    /// Stored with what came of it, such as `digest-1`.
    pub version: &'static str,
    text: &'static str,
}

impl Prompt {
    /// A prompt from its file.
    pub const fn new(version: &'static str, text: &'static str) -> Self {
        Self { version, text }
    }

    /// The instructions, naming the fence.
    pub fn instructions(&self, fence: &Fence) -> String {
        let body = self.text.split_once('\n').map_or("", |(_, rest)| rest);
        body.trim().replace("{fence}", &fence.0)
    }

    /// The first line of its file.
    pub fn first_line(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default()
    }
}

/// Narratives of the daily digest.
pub const DIGEST: Prompt = Prompt::new(
    "digest-1",
    include_str!("../../../templates/prompts/digest.md"),
);

/// The note a proposal suggests.
pub const NOTE: Prompt = Prompt::new("note-1", include_str!("../../../templates/prompts/note.md"));

/// A word that nobody who wrote a mail can have known.
#[derive(Clone, Debug)]
pub struct Fence(String);

impl Fence {
    /// A new one, for one question.
    pub fn new() -> Self {
        Self(format!("MAIL-{}", crate::hex(&random_bytes::<12>())))
    }

    /// Data between fences. What would look like a fence, a role or a control
    /// token of a chat template inside the text is taken apart.
    pub fn around(&self, label: &str, text: &str) -> String {
        format!(
            "<<<{fence} {label}\n{}\n{fence}>>>",
            harmless(text).replace(&self.0, "…"),
            fence = self.0
        )
    }
}

impl Default for Fence {
    fn default() -> Self {
        Self::new()
    }
}

/// Control characters go, and so does what chat templates mean by their marks.
fn harmless(text: &str) -> String {
    let plain: String = text
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .filter(|c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .collect();
    plain
        .replace("<<<", "‹")
        .replace(">>>", "›")
        .replace("<|", "‹")
        .replace("|>", "›")
        .replace("[INST]", "(INST)")
        .replace("[/INST]", "(/INST)")
}
