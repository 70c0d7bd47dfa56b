//! Writing down commitments, by form and by program.

use axum::extract::State;
use crm_jobs::{
    grid::{ChangeBy, table::Table},
    raise::{self, Recorded, Transfer, Wanted},
};
use serde::Deserialize;

use super::{audit, path};
use crate::{
    error::AppError,
    extract::{Form, Path},
    flash::Done,
    routes::{grid::undo, page::FlashKind},
    session::{SignedIn, safe_next},
    show,
    state::App,
};

/// Names told when several fit.
const MOST_NAMES: usize = 5;

pub async fn write(app: &App, who: &SignedIn, wanted: &Wanted) -> Result<Recorded, AppError> {
    let actor = who.actor().to_string();
    let summary = format!("Commitment: {}", wanted.stage);
    let mut tx = app.db.write().await?;
    let recorded = raise::record(&mut tx, wanted, &by(&actor, &summary)).await?;
    audit(
        &mut tx,
        who,
        "commitment.recorded",
        format!("row:{}", wanted.row),
    )
    .await?;
    tx.commit().await?;
    Ok(recorded)
}

pub async fn write_transfer(
    app: &App,
    who: &SignedIn,
    wanted: &Transfer,
) -> Result<Recorded, AppError> {
    let actor = who.actor().to_string();
    let mut tx = app.db.write().await?;
    let recorded =
        raise::transfer(&mut tx, wanted, &by(&actor, "Transfer of a commitment")).await?;
    audit(
        &mut tx,
        who,
        "commitment.transferred",
        format!("row:{}", wanted.from),
    )
    .await?;
    tx.commit().await?;
    Ok(recorded)
}

fn by<'a>(actor: &'a str, summary: &'a str) -> ChangeBy<'a> {
    ChangeBy {
        actor,
        origin: "edit",
        summary,
        job: None,
    }
}

/// The investor as typed: a row's id, or a name that exactly one has.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Commitment {
    row: String,
    investor: String,
    stage: String,
    amount: String,
    on: String,
    note: String,
    next: String,
}

pub async fn record(
    State(app): State<App>,
    who: SignedIn,
    Path(fund): Path<String>,
    Form(form): Form<Commitment>,
) -> Result<Done, AppError> {
    let back = back(&form.next, &fund);
    let row = match investor(&app, &form.row, &form.investor).await? {
        Ok(row) => row,
        Err(why) => return Ok(back.saying(FlashKind::Bad, why)),
    };
    let wanted = Wanted {
        row,
        fund,
        stage: form.stage,
        amount: Some(form.amount),
        on: Some(form.on),
        note: form.note,
    };
    answer(back, write(&app, &who, &wanted).await, |done| {
        format!(
            "Written down: {} {}.",
            show::amount(&done.amount),
            done.stage
        )
    })
}

#[derive(Deserialize)]
pub struct Passing {
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    amount: String,
    #[serde(default)]
    on: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    next: String,
}

pub async fn transfer(
    State(app): State<App>,
    who: SignedIn,
    Path(fund): Path<String>,
    Form(form): Form<Passing>,
) -> Result<Done, AppError> {
    let back = back(&form.next, &fund);
    let mut sides = Vec::new();
    for name in [&form.from, &form.to] {
        match investor(&app, "", name).await? {
            Ok(row) => sides.push(row),
            Err(why) => return Ok(back.saying(FlashKind::Bad, why)),
        }
    }
    let (to, from) = (
        sides.pop().unwrap_or_default(),
        sides.pop().unwrap_or_default(),
    );
    let wanted = Transfer {
        fund,
        from,
        to,
        amount: Some(form.amount),
        on: Some(form.on),
        note: form.note,
    };
    answer(back, write_transfer(&app, &who, &wanted).await, |done| {
        format!("{} transferred.", show::amount(&done.amount))
    })
}

fn back(next: &str, fund: &str) -> Done {
    if next.is_empty() {
        Done::to(path(fund))
    } else {
        Done::to(safe_next(next))
    }
}

/// What was written with its undo, or what is wrong with the form.
fn answer(
    back: Done,
    done: Result<Recorded, AppError>,
    says: impl Fn(&Recorded) -> String,
) -> Result<Done, AppError> {
    match done {
        Ok(done) if done.applied.changes == 0 => Ok(back.saying(
            FlashKind::Info,
            "It says so already, so nothing was changed.",
        )),
        Ok(done) => Ok(back
            .saying(FlashKind::Ok, says(&done))
            .offering("Undo", &undo::href(done.applied.version))),
        Err(refused) if refused.status().as_u16() == 422 => {
            Ok(back.saying(FlashKind::Bad, refused.detail()))
        }
        Err(other) => Err(other),
    }
}

/// The row that is meant; the inner error is for people.
pub async fn investor(
    app: &App,
    row: &str,
    name: &str,
) -> Result<Result<String, String>, AppError> {
    if !row.is_empty() {
        return Ok(Ok(row.to_owned()));
    }
    let wanted = name.trim().to_lowercase();
    if wanted.is_empty() {
        return Ok(Err("Say which investor: type its name.".to_owned()));
    }
    let table = app.grid.read().await?;
    let named = by_name(&table, &wanted);
    Ok(match named.as_slice() {
        [(row, _)] => Ok(row.clone()),
        [] => Err(format!(
            "There is no investor “{}”: check the name, or add it in the grid.",
            name.trim()
        )),
        several => {
            let fitting: Vec<&str> = several.iter().map(|(_, n)| n.as_str()).collect();
            Err(format!(
                "Several fit “{}”: {}. Type more of the name.",
                name.trim(),
                fitting.join(", ")
            ))
        }
    })
}

/// Rows of exactly this name; else rows whose name begins so.
fn by_name(table: &Table, wanted: &str) -> Vec<(String, String)> {
    let Some(first) = table.columns().first() else {
        return Vec::new();
    };
    let mut begins = Vec::new();
    let mut exact = Vec::new();
    for slot in table.order() {
        let Some(head) = table.head(*slot) else {
            continue;
        };
        let name = first.text(*slot, &table.moment);
        let lower = name.to_lowercase();
        if lower == wanted {
            exact.push((head.id.to_string(), name));
        } else if begins.len() < MOST_NAMES && lower.starts_with(wanted) {
            begins.push((head.id.to_string(), name));
        }
    }
    if exact.is_empty() { begins } else { exact }
}
