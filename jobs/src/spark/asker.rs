//! Asking one thing after the other, for as long as the model answers.

use super::{Answer, Ask, Client, Model, SparkError, remember};
use crate::db::Db;

/// The model as long as it answers. Once it is away it is not waited for again.
pub struct Asker {
    model: Option<(Client, Model)>,
    reason: String,
}

impl Asker {
    /// One that asks nobody, and why, as part of a sentence.
    pub fn away(reason: &str) -> Self {
        Self {
            model: None,
            reason: reason.to_owned(),
        }
    }

    /// With the model, if it is there.
    pub async fn new(db: &Db) -> Self {
        let found = async {
            let client = Client::of(db).await?;
            let model = client.model().await?;
            Ok::<_, SparkError>((client, model))
        };
        match found.await {
            Ok(model) => Self {
                model: Some(model),
                reason: String::new(),
            },
            Err(error) => {
                note(db, Err(&error)).await;
                Self::away(&error.to_string())
            }
        }
    }

    /// Whether it answered until now.
    pub fn is_there(&self) -> bool {
        self.model.is_some()
    }

    /// See [`Client::ask`]; how it went is remembered for the status page. What went
    /// wrong comes back as part of a sentence.
    pub async fn ask(
        &mut self,
        db: &Db,
        max_tokens: usize,
        build: impl Fn(usize) -> Ask,
    ) -> Result<Answer, String> {
        let Some((client, model)) = &self.model else {
            return Err(self.reason.clone());
        };
        let began = tokio::time::Instant::now();
        let answered = client.ask(model, max_tokens, build).await;
        let took = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        note(db, answered.as_ref().map(|a| (a.model.as_str(), took))).await;
        answered.map_err(|error| {
            let reason = error.to_string();
            if error.is_away() {
                self.model = None;
                self.reason.clone_from(&reason);
            }
            reason
        })
    }
}

/// How the model is doing is a courtesy: nothing fails because it cannot be kept.
async fn note(db: &Db, asked: Result<(&str, i64), &SparkError>) {
    let kept = async {
        let mut tx = db.write().await?;
        remember(&mut tx, asked).await?;
        tx.commit().await
    };
    if let Err(error) = kept.await {
        tracing::warn!(%error, "the model's status was not kept");
    }
}
