//! The raise: funds, commitments and their ledger, the pipeline.

use crm_jobs::{
    db::WriteTx,
    funds::{FundTerms, Terms},
    raise::{Opportunity, Pipeline, Position, Recorded, Totals, Transfer, Wanted},
};
use serde_json::json;

use crate::{
    access::Access,
    error::AppError,
    route::{Route, delete, get, patch, post},
    session::SignedIn,
};

mod commit;
mod fund;
mod funds;
mod json;
mod ledger;
pub mod page;
mod pipeline;
#[cfg(any(test, debug_assertions))]
mod sample;
mod terms;

pub use fund::{charts, title};
pub use funds::cards;
pub use json::today;
pub use pipeline::funnel;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    pages().into_iter().chain(api()).collect()
}

fn pages() -> Vec<Route> {
    vec![
        get("/funds", Access::Member, funds::show),
        get("/funds/new", Access::Member, terms::fresh),
        post("/funds", Access::Member, terms::create),
        get("/funds/{id}", Access::Member, fund::show),
        get("/funds/{id}/terms", Access::Member, terms::edit),
        post("/funds/{id}/terms", Access::Member, terms::save),
        post("/funds/{id}/delete", Access::Admin, terms::delete),
        post("/funds/{id}/restore", Access::Admin, terms::restore),
        post("/funds/{id}/commitments", Access::Member, commit::record),
        post("/funds/{id}/transfers", Access::Member, commit::transfer),
        get("/funds/{id}/ledger", Access::Member, ledger::show),
        get("/pipeline", Access::Member, pipeline::show),
        post(
            "/pipeline/opportunities/{id}",
            Access::Member,
            pipeline::explain,
        ),
    ]
}

fn api() -> Vec<Route> {
    vec![
        get("/api/fundraising/funds", Access::Member, json::funds)
            .json("raise", "Funds with their terms")
            .answers::<Vec<FundTerms>>(200),
        post("/api/fundraising/funds", Access::Member, json::create)
            .json("raise", "Add a fund")
            .body::<Terms>()
            .answers::<FundTerms>(201),
        get("/api/fundraising/funds/{id}", Access::Member, json::fund)
            .json("raise", "One fund with its terms")
            .answers::<FundTerms>(200)
            .problems(&[404]),
        patch("/api/fundraising/funds/{id}", Access::Member, json::update)
            .json("raise", "Change a fund's terms")
            .body::<Terms>()
            .answers::<FundTerms>(200)
            .problems(&[404]),
        delete("/api/fundraising/funds/{id}", Access::Admin, json::remove)
            .json("raise", "Delete a fund that nothing points to")
            .answers_nothing(204)
            .problems(&[404]),
        get(
            "/api/fundraising/funds/{id}/totals",
            Access::Member,
            json::totals,
        )
        .json("raise", "Totals by stage at the end of a day")
        .query::<json::AsOfQuery>()
        .answers::<Totals>(200)
        .problems(&[404]),
        get(
            "/api/fundraising/funds/{id}/positions",
            Access::Member,
            json::positions,
        )
        .json("raise", "Who has what at the end of a day")
        .query::<json::PositionsQuery>()
        .answers::<Vec<Position>>(200)
        .problems(&[404]),
        get(
            "/api/fundraising/funds/{id}/progress",
            Access::Member,
            json::progress,
        )
        .json("raise", "The days on which the sums changed")
        .answers::<Vec<json::DaySums>>(200)
        .problems(&[404]),
        get("/api/fundraising/commitments", Access::Member, json::events)
            .json("raise", "The ledger of commitments, newest first")
            .query::<json::EventsQuery>()
            .answers::<json::Events>(200),
        post("/api/fundraising/commitments", Access::Member, json::record)
            .json("raise", "Write down what an investor commits")
            .body::<Wanted>()
            .answers::<Recorded>(200),
        post(
            "/api/fundraising/commitments/transfer",
            Access::Member,
            json::transfer,
        )
        .json("raise", "Move an amount from one investor to another")
        .body::<Transfer>()
        .answers::<Recorded>(200),
        get("/api/fundraising/pipeline", Access::Member, json::pipeline)
            .json("raise", "Who stands where, how long, and who goes on")
            .query::<json::PipelineQuery>()
            .answers::<Pipeline>(200),
        get(
            "/api/fundraising/opportunities",
            Access::Member,
            json::opportunities,
        )
        .json("raise", "Pursuits of investors, live and ended")
        .query::<json::OpportunitiesQuery>()
        .answers::<Vec<Opportunity>>(200),
        patch(
            "/api/fundraising/opportunities/{id}",
            Access::Member,
            json::explain,
        )
        .json("raise", "Say why an opportunity was lost")
        .body::<json::Explanation>()
        .answers::<Opportunity>(200)
        .problems(&[404]),
    ]
}

/// Where a fund's page is.
pub fn path(fund: &str) -> String {
    format!("/funds/{fund}")
}

fn no_fund() -> AppError {
    AppError::not_found("There is no such fund.")
}

async fn audit(
    tx: &mut WriteTx,
    who: &SignedIn,
    action: &str,
    target: String,
) -> Result<(), AppError> {
    crm_jobs::audit::record(tx, &who.actor(), action, &target, json!({}), &who.ip()).await?;
    Ok(())
}
