//! One mailbox of Gmail as the service account. It reads, and where an admin allows
//! it [`Gmail::create_draft`] writes a draft for a person to send. There is no call
//! here that sends, and a test looks for one.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use base64::Engine;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::Instant;

use super::{
    credentials::{Credentials, DRAFT_SCOPE, SCOPE, load},
    trouble::{Again, Trouble},
};
use crate::{
    clock::{Clock, random_fraction},
    db::Db,
};

const API: &str = "https://gmail.googleapis.com";
const TOKENS: &str = "https://oauth2.googleapis.com/token";
/// What the assertion is for, wherever the tests put the endpoint.
const AUDIENCE: &str = "https://oauth2.googleapis.com/token";
/// Gmail gives 6,000 units a minute and a message costs 20.
const GAP: Duration = Duration::from_millis(200);
const CONNECT: Duration = Duration::from_secs(10);
const TOTAL: Duration = Duration::from_secs(90);
/// The same for a server that the environment names: a test has to see it pass.
const TOTAL_ELSEWHERE: Duration = Duration::from_secs(3);
/// Bytes of an answer; Gmail's largest messages have 50 MB, a third more as base64.
const MAX_ANSWER: usize = 75_000_000;
/// Times a call is tried before the job waits.
const TRIES: u32 = 5;

type TokenKey = (String, String, String, &'static str);
/// One token for each mailbox and scope, as long as it lasts.
static TOKENS_HELD: LazyLock<Mutex<HashMap<TokenKey, (String, i64)>>> =
    LazyLock::new(Mutex::default);

/// A way into one mailbox.
pub struct Gmail {
    http: reqwest::Client,
    api: String,
    token_url: String,
    credentials: Credentials,
    mailbox: String,
    gap: Duration,
    next: Instant,
}

/// `users.getProfile`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Where its history stands.
    pub history_id: String,
    /// Messages in all.
    #[serde(default)]
    pub messages_total: i64,
}

/// A page of `messages.list`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Listed {
    /// Ids.
    pub messages: Vec<Id>,
    /// None at the end.
    pub next_page_token: Option<String>,
    /// About how many there are.
    pub result_size_estimate: i64,
}

/// Names a message.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Id {
    /// In this mailbox.
    pub id: String,
    /// In this mailbox.
    #[serde(default)]
    pub thread_id: String,
    /// Where it lies, if it is said.
    #[serde(default)]
    pub label_ids: Vec<String>,
}

/// `messages.get` with `format=raw`.
#[derive(Debug)]
pub struct Got {
    /// Names it.
    pub id: Id,
    /// When Gmail took it, UTC milliseconds.
    pub internal_date: Option<i64>,
    /// As it was sent.
    pub raw: Vec<u8>,
}

/// A page of `history.list`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct History {
    /// What happened, oldest first.
    pub history: Vec<Step>,
    /// None at the end.
    pub next_page_token: Option<String>,
    /// Where the mailbox stands.
    pub history_id: String,
}

/// One entry of the history.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Step {
    /// New ones.
    pub messages_added: Vec<About>,
    /// Deleted for good.
    pub messages_deleted: Vec<About>,
    /// Put somewhere: the bin is a label.
    pub labels_added: Vec<About>,
    /// Taken from somewhere.
    pub labels_removed: Vec<About>,
}

/// A message of the history.
#[derive(Debug, Deserialize)]
pub struct About {
    /// Which.
    pub message: Id,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    #[serde(default)]
    expires_in: i64,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(flatten)]
    id: Id,
    #[serde(rename = "internalDate", default)]
    internal_date: Option<String>,
    #[serde(rename = "raw", default)]
    text: String,
}

impl Gmail {
    /// Opens no connection yet.
    pub async fn of(db: &Db, mailbox: &str) -> Result<Self, Trouble> {
        let credentials = load(db)
            .await
            .map_err(|e| Trouble::new("database", Again::Soon(None), e.to_string()))?
            .map_err(|problem| Trouble::later("no_credentials", problem))?;
        crate::outside::prepare_tls();
        let outside = db.outside();
        let total = if outside.gmail_api_base.is_some() {
            TOTAL_ELSEWHERE
        } else {
            TOTAL
        };
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(total)
            .build()
            .map_err(|e| Trouble::later("no_client", e.to_string()))?;
        Ok(Self {
            http,
            // Politeness is owed to Google, not to a test's own server.
            gap: if outside.gmail_api_base.is_some() {
                Duration::ZERO
            } else {
                GAP
            },
            api: outside
                .gmail_api_base
                .clone()
                .unwrap_or_else(|| API.to_owned()),
            token_url: outside
                .gmail_token_url
                .clone()
                .unwrap_or_else(|| TOKENS.to_owned()),
            credentials,
            mailbox: mailbox.to_owned(),
            next: Instant::now(),
        })
    }

    /// Where the mailbox stands.
    pub async fn profile(&mut self) -> Result<Profile, Trouble> {
        self.get("profile", &[]).await
    }

    /// Messages after a time (UTC milliseconds), the newest first.
    pub async fn list(&mut self, after: i64, page: Option<&str>) -> Result<Listed, Trouble> {
        let query = format!("after:{}", after.div_euclid(1_000));
        let mut asked = vec![("q", query.as_str()), ("maxResults", "100")];
        asked.extend(page.map(|token| ("pageToken", token)));
        self.get("messages", &asked).await
    }

    /// What happened since.
    pub async fn history(&mut self, since: &str, page: Option<&str>) -> Result<History, Trouble> {
        let mut asked = vec![("startHistoryId", since), ("maxResults", "500")];
        asked.extend(page.map(|token| ("pageToken", token)));
        self.get("history", &asked).await
    }

    /// A message as it was sent; `None` if it is gone by now.
    pub async fn message(&mut self, id: &str) -> Result<Option<Got>, Trouble> {
        tokio::time::sleep_until(self.next).await;
        self.next = Instant::now() + self.gap;
        let found: Result<Raw, Trouble> = self
            .get(&format!("messages/{}", segment(id)?), &[("format", "raw")])
            .await;
        let raw = match found {
            Err(trouble) if trouble.again == Again::Gone => return Ok(None),
            other => other?,
        };
        let bytes = base64::engine::general_purpose::GeneralPurpose::new(
            &base64::alphabet::URL_SAFE,
            base64::engine::GeneralPurposeConfig::new()
                .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)
                .with_decode_allow_trailing_bits(true),
        )
        .decode(raw.text.as_bytes())
        .map_err(|_| Trouble::later("bad_answer", "Gmail's answer cannot be read"))?;
        Ok(Some(Got {
            internal_date: raw
                .internal_date
                .and_then(|d| d.parse().ok())
                .filter(|d| *d > 0),
            id: raw.id,
            raw: bytes,
        }))
    }

    /// Where a message with this Message-ID lies, drafts too.
    pub async fn find(&mut self, message_id: &str) -> Result<Option<String>, Trouble> {
        let query = format!("rfc822msgid:{message_id}");
        let found: Listed = self
            .get("messages", &[("q", &query), ("maxResults", "1")])
            .await?;
        Ok(found.messages.into_iter().next().map(|m| m.id))
    }

    /// Puts a draft into a conversation of the mailbox. Answers Gmail's name of it.
    /// Tried once: whether an answer that was lost made one is for the caller to see.
    pub async fn create_draft(&mut self, thread: &str, raw: &[u8]) -> Result<String, Trouble> {
        #[derive(Deserialize)]
        struct Made {
            id: String,
        }
        let url = format!("{}/gmail/v1/users/me/drafts", self.api);
        let raw = base64::engine::general_purpose::URL_SAFE.encode(raw);
        let body = serde_json::json!({ "message": { "raw": raw, "threadId": thread } });
        for fresh in [false, true] {
            let token = self
                .token(DRAFT_SCOPE, fresh)
                .await
                .map_err(Trouble::of_drafts)?;
            let sent = self.http.post(&url).bearer_auth(token).json(&body).send();
            let answer = sent.await.map_err(|e| Trouble::unreachable(&e))?;
            let status = answer.status().as_u16();
            let body = capped(answer).await?;
            if status == 200 {
                let made: Made = serde_json::from_slice(&body).map_err(|_| {
                    Trouble::new("bad_answer", Again::Later, "Gmail's answer cannot be read")
                })?;
                return Ok(made.id);
            }
            let trouble = Trouble::of_api(status, &String::from_utf8_lossy(&body), None);
            if trouble.again != Again::NewToken {
                return Err(trouble.of_drafts());
            }
        }
        Err(Trouble::later("unauthorized", "Google takes no token for this mailbox").of_drafts())
    }

    async fn get<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Trouble> {
        let url = format!("{}/gmail/v1/users/me/{path}", self.api);
        let mut fresh = false;
        let mut tried = 0;
        loop {
            let failed = match self.once(&url, query, fresh).await {
                Ok(body) => {
                    return serde_json::from_slice(&body).map_err(|_| {
                        Trouble::new("bad_answer", Again::Later, "Gmail's answer cannot be read")
                    });
                }
                Err(trouble) => trouble,
            };
            tried += 1;
            match failed.again {
                Again::NewToken if !fresh => fresh = true,
                Again::NewToken => {
                    return Err(Trouble::later(
                        "unauthorized",
                        "Google takes no token for this mailbox: check the delegation on the Mailboxes page",
                    ));
                }
                Again::Soon(after) if tried < TRIES => self.pause(tried, after).await,
                _ => return Err(failed),
            }
        }
    }

    /// Longer each time, and never together with the others.
    async fn pause(&self, tried: u32, after: Option<u64>) {
        let unit: f64 = if self.gap.is_zero() { 20.0 } else { 1_000.0 };
        let wait = unit * 2_f64.powi(i32::try_from(tried).unwrap_or(6)) * (0.5 + random_fraction());
        let asked = after.map_or(Duration::ZERO, Duration::from_millis);
        let wait = Duration::from_secs_f64(wait / 1_000.0).max(asked);
        tokio::time::sleep(wait.min(Duration::from_mins(1))).await;
    }

    async fn once(
        &self,
        url: &str,
        query: &[(&str, &str)],
        fresh: bool,
    ) -> Result<Vec<u8>, Trouble> {
        let token = self.token(SCOPE, fresh).await?;
        let answer = self
            .http
            .get(url)
            .query(query)
            .bearer_auth(token)
            .send()
            .await
            .map_err(|e| Trouble::unreachable(&e))?;
        let status = answer.status().as_u16();
        let after_ms = answer
            .headers()
            .get("retry-after")
            .and_then(|v| v.to_str().ok()?.parse::<u64>().ok())
            .map(|seconds| seconds.saturating_mul(1_000));
        let body = capped(answer).await?;
        if status == 200 {
            return Ok(body);
        }
        Err(Trouble::of_api(
            status,
            &String::from_utf8_lossy(&body),
            after_ms,
        ))
    }

    async fn token(&self, scope: &'static str, fresh: bool) -> Result<String, Trouble> {
        let key = (
            self.token_url.clone(),
            self.credentials.client_email.clone(),
            self.mailbox.clone(),
            scope,
        );
        let now = Clock::System.now();
        if !fresh {
            let held = TOKENS_HELD.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((token, until)) = held.get(&key)
                && *until > now
            {
                return Ok(token.clone());
            }
        }
        let assertion = self.assertion(scope, now)?;
        let answer = self
            .http
            .post(&self.token_url)
            .form(&[
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                ("assertion", &assertion),
            ])
            .send()
            .await
            .map_err(|e| Trouble::unreachable(&e))?;
        let status = answer.status().as_u16();
        let body = capped(answer).await?;
        if status != 200 {
            return Err(Trouble::of_token(
                status,
                &String::from_utf8_lossy(&body),
                &self.mailbox,
            ));
        }
        let token: Token = serde_json::from_slice(&body)
            .map_err(|_| Trouble::later("bad_answer", "Google's token cannot be read"))?;
        let until = now + (token.expires_in - 120).max(0) * 1_000;
        let mut held = TOKENS_HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(key, (token.access_token.clone(), until));
        Ok(token.access_token)
    }

    fn assertion(&self, scope: &str, now: i64) -> Result<String, Trouble> {
        let bad = |_| {
            Trouble::later(
                "no_credentials",
                "the service account's key cannot be read: paste it again",
            )
        };
        let key = jsonwebtoken::EncodingKey::from_rsa_pem(self.credentials.private_key.as_bytes())
            .map_err(bad)?;
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
        let kid = &self.credentials.private_key_id;
        header.kid = (!kid.is_empty()).then(|| kid.clone());
        // A little in the past: Google refuses what is ahead of its clock.
        let issued = now / 1_000 - 30;
        let claims = serde_json::json!({
            "iss": self.credentials.client_email,
            "sub": self.mailbox,
            "scope": scope,
            "aud": AUDIENCE,
            "iat": issued,
            "exp": issued + 3_600,
        });
        jsonwebtoken::encode(&header, &claims, &key).map_err(bad)
    }
}

async fn capped(mut answer: reqwest::Response) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| Trouble::unreachable(&e))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(Trouble::later(
                "too_large",
                "the message is too large to be read",
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Ids come from Gmail; one that is not like its own goes into no address.
fn segment(id: &str) -> Result<&str, Trouble> {
    let fits = !id.is_empty()
        && id.len() <= 64
        && id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if fits {
        return Ok(id);
    }
    Err(Trouble::new(
        "not_found",
        Again::Gone,
        "that is no id of Gmail's",
    ))
}
