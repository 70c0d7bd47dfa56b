//! What the model's server answers: two shapes of errors, thoughts that are not
//! the answer, answers cut short.

use serde_json::Value;

use super::SparkError;

/// What a model said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its words, without what it thought aloud.
    pub text: String,
    /// It ran into the limit of its length: the end is missing.
    pub was_cut: bool,
    /// Which model.
    pub model: String,
}

/// A model and how much it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its name, as requests have it.
    pub id: String,
    /// Tokens of prompt and answer together.
    pub context: usize,
}

/// Assumed of a server that does not say.
pub const USUAL_CONTEXT: usize = 4_096;

/// Reads the answer to a chat.
pub fn chat(status: u16, body: &str) -> Result<Answer, SparkError> {
    let json: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    if status != 200 || !error_of(&json).is_empty() {
        return Err(failure(status, &json, body));
    }
    let choice = &json["choices"][0];
    // `content` may be null, when all of it was thought or nothing was said.
    let text = without_thoughts(choice["message"]["content"].as_str().unwrap_or_default());
    if text.is_empty() {
        return Err(SparkError::Empty);
    }
    Ok(Answer {
        text,
        was_cut: choice["finish_reason"] == "length",
        model: json["model"].as_str().unwrap_or_default().to_owned(),
    })
}

/// What a failed answer means: whether asking again can help.
pub fn failure(status: u16, json: &Value, body: &str) -> SparkError {
    let said = error_of(json);
    let said = if said.is_empty() { body } else { &said };
    let said: String = said.chars().filter(|c| !c.is_control()).take(200).collect();
    let lower = said.to_lowercase();
    let is_long = [
        "context length",
        "context size",
        "too long",
        "maximum context",
        "exceed",
    ]
    .iter()
    .any(|words| lower.contains(words));
    match status {
        400 | 413 | 422 if is_long => SparkError::TooLong,
        404 if lower.contains("model") => SparkError::NoModel(said),
        423 => SparkError::Busy("a model is being changed".to_owned()),
        500 | 502 | 503 | 429 => SparkError::Busy(format!("{status} {said}")),
        _ => SparkError::Refuses(format!("{status} {said}")),
    }
}

/// `{"error": {"message": …}}`, `{"error": "…"}` and `{"object": "error", "message": …}`.
fn error_of(json: &Value) -> String {
    let error = &json["error"];
    let said = error["message"].as_str().or_else(|| error.as_str());
    let flat = (json["object"] == "error").then(|| json["message"].as_str().unwrap_or("error"));
    said.or(flat).unwrap_or_default().to_owned()
}

/// Without `<think>…</think>`, also where only its end or only its beginning came.
pub fn without_thoughts(text: &str) -> String {
    let said = match text.rfind("</think>") {
        Some(end) => &text[end + "</think>".len()..],
        None => text.split("<think>").next().unwrap_or_default(),
    };
    said.trim().to_owned()
}

/// Reads the list of models: the usual shape, or Spark Control's endpoints, of
/// which only those that run count.
pub fn models(body: &str) -> Vec<Model> {
    let json: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    let list = [&json["data"], &json["models"], &json["endpoints"], &json]
        .into_iter()
        .find_map(Value::as_array);
    let context = |one: &Value| {
        ["max_model_len", "context_length", "n_ctx"]
            .iter()
            .find_map(|key| one[*key].as_u64().or_else(|| one["meta"][*key].as_u64()))
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(USUAL_CONTEXT)
    };
    let read = |one: &Value| {
        let is_down = ["stopped", "failed", "loading"]
            .iter()
            .any(|state| one["status"] == *state || one["state"] == *state);
        let id = one
            .as_str()
            .or_else(|| one["id"].as_str().filter(|_| one["model"].is_null()))
            .or_else(|| one["model"].as_str())
            .or_else(|| one["name"].as_str())?;
        (!is_down).then(|| Model {
            id: id.to_owned(),
            context: context(one),
        })
    };
    list.map(|all| all.iter().filter_map(read).collect())
        .unwrap_or_default()
}

/// One line of plain text; nothing if there is a link, an address or markup in it.
pub fn plain_line(text: &str) -> Option<String> {
    let line = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .filter(|c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .collect::<String>();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lower = line.to_lowercase();
    let has_link = ["://", "www.", "mailto:", "javascript:", "href", "]("]
        .iter()
        .any(|mark| lower.contains(mark))
        || lower.split(' ').any(|word| {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            let has_path = word
                .split_once('/')
                .is_some_and(|(host, _)| host.contains('.'));
            has_path
                || [".com", ".net", ".org", ".io", ".ru", ".cn", ".xyz"]
                    .iter()
                    .any(|end| word.ends_with(end))
        });
    let has_markup = line.contains(['<', '>', '`', '{', '}', '|', '@'])
        || line.contains("**")
        || line.contains("MAIL-");
    let length = line.chars().count();
    let is_words = line.chars().filter(|c| c.is_alphabetic()).count() >= 5;
    (!has_link && !has_markup && is_words && length <= 400)
        .then(|| line.trim_start_matches(['#', '-', '*', ' ']).to_owned())
}
