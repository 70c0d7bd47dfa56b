//! A fund's terms: the form for a new one and for a change.

use std::collections::BTreeMap;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::funds::{self, FundTerms, STAGES, Terms};

use super::{
    audit,
    funds::stage,
    json::found,
    no_fund,
    page::{TermField, TermsPage},
    path,
};
use crate::{
    error::AppError,
    extract::{Form, Path},
    flash::Done,
    frame::{frame, html, html_with},
    routes::page::{Choice, FlashKind},
    session::SignedIn,
    state::App,
};

/// What the form posts: field → text.
type Posted = BTreeMap<String, String>;

pub async fn fresh(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    let posted = Posted::from([
        ("currency".to_owned(), "EUR".to_owned()),
        ("status".to_owned(), "raising".to_owned()),
    ]);
    Ok(html(&page(&app, &who, None, &posted, None).await))
}

pub async fn edit(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let fund = found(&app, &id).await?;
    let posted = as_posted(&fund);
    Ok(html(&page(&app, &who, Some(&fund), &posted, None).await))
}

fn as_posted(fund: &FundTerms) -> Posted {
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    let mut posted = Posted::from([
        ("name".to_owned(), fund.name.clone()),
        ("vehicle".to_owned(), fund.vehicle.clone()),
        ("currency".to_owned(), fund.currency.clone()),
        ("target".to_owned(), text(&fund.target)),
        ("hard_cap".to_owned(), text(&fund.hard_cap)),
        ("first_close_on".to_owned(), text(&fund.first_close_on)),
        ("final_close_on".to_owned(), text(&fund.final_close_on)),
        ("status".to_owned(), fund.status.clone()),
    ]);
    for (stage, weight) in &fund.weights {
        posted.insert(format!("weight_{stage}"), weight.to_string());
    }
    posted
}

pub async fn create(
    State(app): State<App>,
    who: SignedIn,
    Form(posted): Form<Posted>,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    let created = match terms(&posted) {
        Ok(terms) => funds::create(&mut tx, &terms).await.map_err(AppError::from),
        Err(refused) => Err(refused),
    };
    match created {
        Ok(id) => {
            audit(&mut tx, &who, "fund.created", format!("fund:{id}")).await?;
            tx.commit().await?;
            let says = "The fund is there. Write down its first commitment, or import them.";
            Ok(Done::to(path(&id))
                .saying(FlashKind::Ok, says)
                .into_response())
        }
        Err(refused) => {
            drop(tx);
            returned(&app, &who, None, &posted, refused).await
        }
    }
}

pub async fn save(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(posted): Form<Posted>,
) -> Result<Response, AppError> {
    let fund = found(&app, &id).await?;
    let mut tx = app.db.write().await?;
    let saved = match terms(&posted) {
        Ok(terms) => funds::update(&mut tx, &id, &terms)
            .await
            .map_err(AppError::from),
        Err(refused) => Err(refused),
    };
    match saved {
        Ok(changed) => {
            changed.ok_or_else(no_fund)?;
            audit(&mut tx, &who, "fund.changed", format!("fund:{id}")).await?;
            tx.commit().await?;
            Ok(Done::to(path(&id))
                .saying(FlashKind::Ok, "The terms are saved.")
                .into_response())
        }
        Err(refused) => {
            drop(tx);
            returned(&app, &who, Some(&fund), &posted, refused).await
        }
    }
}

pub async fn delete(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    match funds::delete(&mut tx, &id).await.map_err(AppError::from) {
        Ok(true) => {
            audit(&mut tx, &who, "fund.deleted", format!("fund:{id}")).await?;
            tx.commit().await?;
            Ok(Done::to("/funds")
                .saying(FlashKind::Ok, "The fund is deleted.")
                .offering("Undo", &format!("/funds/{id}/restore")))
        }
        Ok(false) => Err(no_fund()),
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            Ok(Done::to(path(&id)).saying(FlashKind::Bad, refused.detail()))
        }
        Err(other) => Err(other),
    }
}

pub async fn restore(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    if !funds::restore(&mut tx, &id).await? {
        return Err(no_fund());
    }
    audit(&mut tx, &who, "fund.restored", format!("fund:{id}")).await?;
    tx.commit().await?;
    Ok(Done::to(path(&id)).saying(FlashKind::Ok, "The fund is back."))
}

fn terms(posted: &Posted) -> Result<Terms, AppError> {
    let given = |name: &str| posted.get(name).cloned();
    let mut weights = BTreeMap::new();
    for stage in STAGES {
        let Some(text) = posted
            .get(&format!("weight_{stage}"))
            .filter(|t| !t.trim().is_empty())
        else {
            continue;
        };
        let percent = text
            .trim()
            .trim_end_matches('%')
            .trim()
            .parse()
            .map_err(|_| {
                AppError::invalid(
                    format!("weight_{stage}"),
                    "Write a whole number from 0 to 100.",
                )
            })?;
        weights.insert(stage.to_owned(), percent);
    }
    Ok(Terms {
        name: given("name"),
        vehicle: given("vehicle"),
        currency: given("currency"),
        target: given("target"),
        hard_cap: given("hard_cap"),
        first_close_on: given("first_close_on"),
        final_close_on: given("final_close_on"),
        status: given("status"),
        weights: Some(weights),
        expected_updated_at: posted.get("updated_at").and_then(|t| t.parse().ok()),
    })
}

/// The form as it came, with what is wrong at its field.
async fn returned(
    app: &App,
    who: &SignedIn,
    fund: Option<&FundTerms>,
    posted: &Posted,
    refused: AppError,
) -> Result<Response, AppError> {
    if refused.status() != StatusCode::UNPROCESSABLE_ENTITY {
        return Err(refused);
    }
    let page = page(app, who, fund, posted, Some(&refused)).await;
    Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

const FIELDS: [(&str, &str, &str, &str); 7] = [
    ("name", "Name", "text", ""),
    (
        "vehicle",
        "Vehicle",
        "text",
        "The legal entity, if it has one yet",
    ),
    ("currency", "Currency", "text", "Three letters, such as EUR"),
    ("target", "Target", "text", "Such as 80,000,000 or 80m"),
    ("hard_cap", "Hard cap", "text", "At most so much"),
    ("first_close_on", "First close", "date", ""),
    ("final_close_on", "Final close", "date", ""),
];

async fn page(
    app: &App,
    who: &SignedIn,
    fund: Option<&FundTerms>,
    posted: &Posted,
    refused: Option<&AppError>,
) -> TermsPage {
    let value = |name: &str| posted.get(name).cloned().unwrap_or_default();
    let wrong = |name: &str| {
        let refused = refused.filter(|r| r.field() == Some(name))?;
        Some(refused.detail().to_owned())
    };
    let fields: Vec<TermField> = FIELDS
        .iter()
        .map(|(name, label, kind, hint)| TermField {
            name,
            label: (*label).to_owned(),
            kind,
            value: value(name),
            hint: (*hint).to_owned(),
            error: wrong(name),
            required: matches!(*name, "name" | "currency"),
        })
        .collect();
    let weights: Vec<TermField> = WEIGHTS
        .iter()
        .map(|(name, default)| TermField {
            name,
            label: stage(name.trim_start_matches("weight_")).text,
            kind: "number",
            value: posted
                .get(*name)
                .cloned()
                .unwrap_or_else(|| (*default).to_owned()),
            error: wrong(name),
            ..TermField::default()
        })
        .collect();
    let is_told = fields.iter().chain(&weights).any(|f| f.error.is_some());
    let heading = fund.map_or_else(|| "New fund".to_owned(), |f| format!("Terms of {}", f.name));
    TermsPage {
        frame: frame(app, who, &heading).await,
        heading,
        action: fund.map_or_else(|| "/funds".to_owned(), |f| format!("{}/terms", path(&f.id))),
        back: fund.map_or_else(|| "/funds".to_owned(), |f| path(&f.id)),
        updated_at: fund.map(|f| {
            let based = posted.get("updated_at").and_then(|t| t.parse().ok());
            based.unwrap_or(f.updated_at)
        }),
        error: refused.filter(|_| !is_told).map(|r| r.detail().to_owned()),
        statuses: ["planned", "raising", "closed"]
            .map(|s| Choice::new(s, &super::funds::status(s).text, value("status") == s))
            .to_vec(),
        delete_action: fund
            .filter(|_| who.user.is_admin())
            .map(|f| format!("{}/delete", path(&f.id))),
        fields,
        weights,
    }
}

const WEIGHTS: [(&str, &str); 5] = [
    ("weight_target", "10"),
    ("weight_soft", "40"),
    ("weight_hard", "80"),
    ("weight_signed", "95"),
    ("weight_wired", "100"),
];
