//! A typed code is checked, once, and slowed down for guessers.

use serde_json::json;

use super::{codes, recovery, seconds, stored};
use crate::{
    accounts::{AccountError, Origin, User, throttle, users},
    audit::{self, Actor},
    db::{Db, DbError, WriteTx},
};

/// How a code was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::accounts) enum Proof {
    /// From the app.
    App,
    /// From the paper.
    RecoveryCode,
}

impl Proof {
    /// As the audit log has it.
    pub(in crate::accounts) fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::RecoveryCode => "recovery_code",
        }
    }
}

enum Typed<'a> {
    /// Six digits that fit this time step, or none.
    App(Option<u64>),
    Recovery(&'a str),
}

/// Checks a code and uses it up. The answer is the transaction in which that
/// happened: what the code was for belongs into it.
pub(in crate::accounts) async fn prove(
    db: &Db,
    user: &User,
    code: &str,
    origin: &Origin,
) -> Result<(WriteTx, Proof), AccountError> {
    let mut tx = db.write().await?;
    throttle::begin_attempt(&mut tx, throttle::Guess::Code, &user.email, &origin.ip).await?;
    tx.commit().await?;
    let typed = read(db, user, code).await?;
    let mut tx = db.write().await?;
    let proof = match typed {
        Typed::App(Some(step)) => use_step(&mut tx, &user.id, step)
            .await?
            .then_some(Proof::App),
        Typed::App(None) => None,
        Typed::Recovery(code) => recovery::use_up(&mut tx, &user.id, code)
            .await?
            .then_some(Proof::RecoveryCode),
    };
    let target = users::target(&user.id);
    let Some(proof) = proof else {
        let actor = Actor::System;
        audit::record(
            &mut tx,
            &actor,
            "second_factor.refused",
            &target,
            json!({}),
            &origin.ip,
        )
        .await?;
        tx.commit().await?;
        return Err(AccountError::WrongCode);
    };
    throttle::forgive(&mut tx, throttle::Guess::Code, &user.email, &origin.ip).await?;
    if proof == Proof::RecoveryCode {
        let actor = Actor::User(user.id.clone());
        let action = "second_factor.recovery_code_used";
        audit::record(&mut tx, &actor, action, &target, json!({}), &origin.ip).await?;
    }
    Ok((tx, proof))
}

async fn read<'a>(db: &Db, user: &User, code: &'a str) -> Result<Typed<'a>, AccountError> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(Typed::Recovery(code));
    }
    let stored = stored(&mut *db.read().acquire().await?, &user.id).await?;
    let Some(stored) = stored.filter(|it| it.confirmed_at.is_some()) else {
        return Ok(Typed::App(None));
    };
    let codes = codes(db, &user.id, &user.email, &stored.sealed)?;
    Ok(Typed::App(codes.check(&digits, seconds(db.now()))))
}

/// Of two who send the same code, the condition lets one through; and whoever
/// looked over a shoulder comes too late.
async fn use_step(tx: &mut WriteTx, user_id: &str, step: u64) -> Result<bool, DbError> {
    let done = sqlx::query(
        "update second_factors set last_step = ?2
         where user_id = ?1 and confirmed_at is not null and last_step < ?2",
    )
    .bind(user_id)
    .bind(i64::try_from(step).unwrap_or(i64::MAX))
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}
