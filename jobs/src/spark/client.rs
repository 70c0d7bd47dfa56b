//! One conversation at a time with the local model.

use std::{sync::Arc, time::Duration};

use reqwest::{Client as Http, Url, redirect};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{
    Answer, Model, SparkError, SparkSettings,
    answer::{self, failure},
    reach::{self, NearOnly},
};
use crate::{clock::random_fraction, db::Db, outside};

/// Answers longer than this are not read.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// What to ask.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What is wanted, in our words.
    pub system: String,
    /// What it is about: data.
    pub user: String,
    /// JSON Schema of the answer, for servers that keep to one.
    pub schema: Option<Value>,
    /// Tokens of the answer at most.
    pub max_tokens: usize,
}

/// A client of one model server.
#[derive(Clone)]
pub struct Client {
    http: Http,
    base: Url,
    wanted: Option<String>,
    turn: Arc<Semaphore>,
    first_wait: Duration,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Spark at {}", self.base)
    }
}

impl Client {
    /// A client as the settings say.
    pub async fn of(db: &Db) -> Result<Self, SparkError> {
        Self::with(db, &super::effective(db).await?)
    }

    pub(crate) fn with(db: &Db, settings: &SparkSettings) -> Result<Self, SparkError> {
        // One question at a time for the whole process: the box has one model.
        let turn = db.kept(|| OneAtATime(Arc::new(Semaphore::new(1)))).0;
        let near = NearOnly {
            allow: settings.allow.clone().into(),
            answers: None,
        };
        Self::new(settings, near, turn)
    }

    pub(super) fn new(
        settings: &SparkSettings,
        near: NearOnly,
        turn: Arc<Semaphore>,
    ) -> Result<Self, SparkError> {
        outside::prepare_tls();
        let url = settings.url.as_deref().unwrap_or(super::DEFAULT_URL);
        let mut base = reach::check(url, &settings.allow)?;
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let http = Http::builder()
            .dns_resolver(Arc::new(near))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(u64::from(settings.timeout_s)))
            .build()
            .map_err(|e| SparkError::Away(e.to_string()))?;
        Ok(Self {
            http,
            base,
            wanted: settings.model.clone(),
            turn,
            first_wait: Duration::from_millis(500),
        })
    }

    #[cfg(test)]
    pub(super) fn hasty(mut self) -> Self {
        self.first_wait = Duration::from_millis(5);
        self
    }

    /// The model to ask: the one an admin named, or the first that is there.
    pub async fn model(&self) -> Result<Model, SparkError> {
        let (status, body) = self.patiently("v1/models", None).await?;
        let mut models = match status {
            200 => answer::models(&body),
            _ => Vec::new(),
        };
        if models.is_empty() {
            let (status, body) = self.patiently("api/endpoints", None).await?;
            if status == 200 {
                models = answer::models(&body);
            }
        }
        let at = match &self.wanted {
            Some(name) => models.iter().position(|model| model.id == *name),
            None => Some(0).filter(|_| !models.is_empty()),
        };
        match (at, &self.wanted) {
            (Some(at), _) => Ok(models.swap_remove(at)),
            (None, Some(name)) => Err(SparkError::NoModel(format!("{name} is not there"))),
            (None, None) => Err(SparkError::NoModel("no model is loaded".to_owned())),
        }
    }

    /// Asks what `build` makes for a number of tokens that fits. Should the server
    /// still find it too long, it is built once more for half of that.
    pub async fn ask(
        &self,
        model: &Model,
        max_tokens: usize,
        build: impl Fn(usize) -> Ask,
    ) -> Result<Answer, SparkError> {
        // What the template of the model adds around the messages.
        let room = model.context.saturating_sub(max_tokens + 128);
        match self.chat(model, &build(room)).await {
            Err(SparkError::TooLong) => self.chat(model, &build(room / 2)).await,
            answered => answered,
        }
    }

    async fn chat(&self, model: &Model, ask: &Ask) -> Result<Answer, SparkError> {
        let mut body = json!({
            "model": model.id,
            "messages": [
                { "role": "system", "content": ask.system },
                { "role": "user", "content": ask.user },
            ],
            "max_tokens": ask.max_tokens,
            "temperature": 0,
            "cache_prompt": false,
        });
        if let Some(schema) = &ask.schema {
            body["response_format"] = json!({
                "type": "json_schema",
                "json_schema": { "name": "answer", "strict": true, "schema": schema },
            });
        }
        let (status, text) = self.patiently("v1/chat/completions", Some(&body)).await?;
        let mut answer = answer::chat(status, &text)?;
        if answer.model.is_empty() {
            answer.model.clone_from(&model.id);
        }
        Ok(answer)
    }

    /// Asks again where that can help: three times at most, twice after a timeout.
    async fn patiently(
        &self,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, String), SparkError> {
        let turn = self.turn.acquire().await;
        let _turn = turn.map_err(|e| SparkError::Away(e.to_string()))?;
        let mut wait = self.first_wait;
        for attempt in 1.. {
            let answered = self.once(path, body).await;
            let problem = match answered {
                Ok((status, text)) if matches!(status, 423 | 429 | 500 | 502 | 503) => {
                    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
                    failure(status, &json, &text)
                }
                Ok(answered) => return Ok(answered),
                Err(error) => error,
            };
            let most = match &problem {
                SparkError::Slow => 2,
                SparkError::Busy(_) | SparkError::Away(_) => 3,
                _ => 1,
            };
            if attempt >= most {
                return Err(problem);
            }
            tokio::time::sleep(wait.mul_f64(0.8 + 0.4 * random_fraction())).await;
            wait *= 3;
        }
        Err(SparkError::Slow)
    }

    async fn once(&self, path: &str, body: Option<&Value>) -> Result<(u16, String), SparkError> {
        let url = self
            .base
            .join(path)
            .map_err(|e| SparkError::Away(e.to_string()))?;
        let request = match body {
            Some(body) => self.http.post(url).json(body),
            None => self.http.get(url),
        };
        let mut response = request.send().await.map_err(|e| failed(&e))?;
        let status = response.status().as_u16();
        if response.status().is_redirection() {
            return Err(SparkError::Refuses(format!(
                "{status}: it leads elsewhere, and no redirect is followed"
            )));
        }
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|e| failed(&e))? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > MOST_BYTES {
                return Err(SparkError::Refuses("the answer does not end".to_owned()));
            }
        }
        Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
    }
}

#[derive(Clone)]
struct OneAtATime(Arc<Semaphore>);

fn failed(error: &reqwest::Error) -> SparkError {
    if let Some(refused) = reach::refusal(error) {
        return SparkError::Refused(refused);
    }
    if error.is_timeout() && !error.is_connect() {
        return SparkError::Slow;
    }
    if error.is_connect() {
        return SparkError::Away("nobody answers at its address".to_owned());
    }
    SparkError::Away("the connection broke".to_owned())
}

/// A careful guess at the tokens of a text: too many rather than too few.
pub fn tokens(text: &str) -> usize {
    let plain = text.bytes().filter(u8::is_ascii).count();
    let other = text.chars().filter(|c| !c.is_ascii()).count();
    plain.div_ceil(3) + other * 2 + 1
}

/// The beginning of a text that is this many tokens at most.
pub fn within(text: &str, most: usize) -> &str {
    // Three units a token: a plain character is one, another six.
    let mut units = 0;
    for (at, c) in text.char_indices() {
        units += if c.is_ascii() { 1 } else { 6 };
        if units > most.saturating_sub(1) * 3 {
            return &text[..at];
        }
    }
    text
}
