//! Making the daily digest and delivering it.

use crate::{
    db::Db,
    digest::{self, Facts, Narrative, Narrator, SendDigest},
    mail::{self, MailError, Outcome},
    queue::{Context, Job, JobError, OrFail, Payload, Step, reached},
};

/// Safe to repeat: the digest is one row from its first step, each summary and
/// each delivery is a row of its own, and a delivery that a crash left in the
/// middle is unknown and not sent again by itself.
impl Job for SendDigest {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        let db = cx.db();
        if let Some(id) = &self.digest {
            return deliver(cx, id).await;
        }
        let policy = digest::policy(db).await.or_retry()?;
        if !self.asked && !policy.enabled {
            cx.log("the daily digest is switched off");
            return Ok(());
        }
        let (id, from, to): (String, i64, i64) = match cx.begin_step("begin").await? {
            Step::Done(begun) => begun,
            Step::Open(mut step) => {
                let begun = digest::begin(&mut step, cx.id(), cx.created_by())
                    .await
                    .or_retry()?;
                step.finish(&begun).await?;
                begun
            }
        };
        cx.output(&serde_json::json!({ "digest": id }));
        // Without a way out nothing is asked of the model.
        let sender = match mail::ready(db).await {
            Ok(server) => server.from,
            Err(error @ MailError::Held) => return end(cx, &id, "held", &error.to_string()).await,
            Err(MailError::Db(error)) => return Err(JobError::retry(error)),
            Err(error) => {
                end(cx, &id, "failed", &error.to_string()).await?;
                return Err(JobError::give_up(error));
            }
        };
        let facts = match cx.begin_step::<Facts>("collect").await? {
            Step::Done(facts) => facts,
            Step::Open(mut step) => {
                let facts = digest::collect(db, from, to).await.or_retry()?;
                digest::save_facts(&mut step, &id, &facts)
                    .await
                    .or_retry()?;
                step.finish(&facts).await?;
                facts
            }
        };
        if facts.quiet && policy.skip_quiet && !self.asked {
            return end(cx, &id, "quiet", "").await;
        }
        let told = narrate(cx, &id, &facts).await?;
        reached("after_narratives");
        let base = digest::base_url(db);
        let letter = digest::render(&facts, &told, &base).or_give_up()?;
        if let Step::Open(mut step) = cx.begin_step::<usize>("render").await? {
            let queued = digest::save_rendered(&mut step, db, &id, &letter, &sender)
                .await
                .or_retry()?;
            step.finish(&queued).await?;
        }
        deliver(cx, &id).await
    }
}

async fn end(cx: &Context, id: &str, state: &str, why: &str) -> Result<(), JobError> {
    let mut tx = cx.write().await?;
    digest::end_untold(&mut tx, id, state, why)
        .await
        .or_retry()?;
    tx.commit().await.or_retry()?;
    cx.log(match state {
        "quiet" => "a quiet day: nothing was sent".to_owned(),
        _ => why.to_owned(),
    });
    Ok(())
}

async fn narrate(cx: &Context, id: &str, facts: &Facts) -> Result<Vec<Narrative>, JobError> {
    let db = cx.db();
    let mut conn = db.read().acquire().await.or_retry()?;
    let mut told = digest::narratives(&mut conn, id).await.or_retry()?;
    drop(conn);
    let all = facts.to_narrate();
    let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let mut narrator = None;
    for (done, (user, mail)) in all.iter().enumerate() {
        if told
            .iter()
            .any(|n| n.user_id == *user && n.row_id == mail.row_id)
        {
            continue;
        }
        cx.check_cancelled()?;
        cx.progress(i64::try_from(done).unwrap_or(0), total, "summarizing mail");
        let narrator = match &mut narrator {
            Some(narrator) => narrator,
            none => none.insert(Narrator::new(db).await),
        };
        let it = digest::ask_about(db, narrator, user, mail)
            .await
            .or_retry()?;
        let mut tx = cx.write().await?;
        digest::save_narrative(&mut tx, id, &it).await.or_retry()?;
        tx.commit().await.or_retry()?;
        reached("after_narrative");
        told.push(it);
    }
    Ok(told)
}

async fn deliver(cx: &Context, id: &str) -> Result<(), JobError> {
    let db = cx.db();
    let mut tx = cx.write().await?;
    let due = digest::due_deliveries(&mut tx, id).await.or_retry()?;
    tx.commit().await.or_retry()?;
    let (_, html, text) = digest::by_id(db, id)
        .await
        .or_retry()?
        .ok_or_else(|| JobError::give_up("the digest is gone"))?;
    let subject = subject(db, id).await?;
    let is_last = cx.attempt() >= SendDigest::RETRY.max_attempts;
    let total = i64::try_from(due.len()).unwrap_or(i64::MAX);
    let mut later = Vec::new();
    for (done, one) in due.iter().enumerate() {
        cx.check_cancelled()?;
        cx.progress(i64::try_from(done).unwrap_or(0), total, "sending");
        // As they are in this moment: an account may have been disabled since.
        let Some(to) = mail::recipient(db, &one.user_id).await.or_retry()? else {
            mark(cx, id, &one.user_id, "skipped", "the account is disabled").await?;
            continue;
        };
        if digest::is_opted_out(db, &one.user_id).await.or_retry()? {
            mark(cx, id, &one.user_id, "skipped", "they want no digest").await?;
            continue;
        }
        match mail::ready(db).await {
            Ok(_) => {}
            Err(MailError::Db(error)) => return Err(JobError::retry(error)),
            Err(error) => {
                mark(cx, id, &one.user_id, "failed", &error.to_string()).await?;
                continue;
            }
        }
        let mut tx = cx.write().await?;
        let mine = digest::mark_sending(&mut tx, id, &one.user_id, to.email())
            .await
            .or_retry()?;
        tx.commit().await.or_retry()?;
        if !mine {
            continue;
        }
        reached("before_letter_leaves");
        let letter = mail::Letter {
            subject: subject.clone(),
            text: text.clone(),
            html: html.clone(),
            message_id: one.message_id.clone(),
        };
        let (state, why) = match mail::send(db, &letter, to, mail::PATIENCE).await {
            Ok(Outcome::Delivered) => ("sent", String::new()),
            Ok(Outcome::Permanent(why)) => ("failed", why),
            Ok(Outcome::Unknown(why)) => ("unknown", why),
            Ok(Outcome::Transient(why)) if is_last => ("failed", why),
            Ok(Outcome::Transient(why)) => {
                later.push(why.clone());
                ("queued", why)
            }
            Err(error) => ("failed", error.to_string()),
        };
        reached("after_letter_left");
        mark(cx, id, &one.user_id, state, &why).await?;
        reached("after_delivery");
    }
    if let Some(why) = later.first() {
        return Err(JobError::retry(format!(
            "{} of {total} wait to be tried again: {why}",
            later.len()
        )));
    }
    let mut tx = cx.write().await?;
    let state = digest::finish(&mut tx, id).await.or_retry()?;
    cx.log(format!("the digest is {state}"));
    cx.complete_tx(tx).await
}

async fn subject(db: &Db, id: &str) -> Result<String, JobError> {
    let found = digest::by_id(db, id).await.or_retry()?;
    Ok(found.map(|(digest, ..)| digest.subject).unwrap_or_default())
}

async fn mark(cx: &Context, id: &str, user: &str, state: &str, why: &str) -> Result<(), JobError> {
    let mut tx = cx.write().await?;
    digest::mark(&mut tx, id, user, state, why)
        .await
        .or_retry()?;
    tx.commit().await.or_retry()
}
