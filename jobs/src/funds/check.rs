//! What terms a fund can have.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{FundTerms, STAGES, Terms, name_key};
use crate::{db::WriteTx, grid::GridError};

/// Where a fund can stand.
const STATUSES: [&str; 3] = ["planned", "raising", "closed"];

/// The fund with these terms, or what is wrong with them.
pub(super) async fn checked(
    tx: &mut WriteTx,
    mut fund: FundTerms,
    terms: &Terms,
) -> Result<FundTerms, GridError> {
    if let Some(name) = &terms.name {
        name.trim().clone_into(&mut fund.name);
    }
    if fund.name.is_empty() || fund.name.chars().count() > 100 {
        return Err(GridError::invalid(
            "invalid_name",
            "name",
            "a fund's name has 1 to 100 characters",
        ));
    }
    let taken: i64 = sqlx::query_scalar(
        "select exists (select 1 from funds where name_key = ?1 and id <> ?2 and deleted_at is null)",
    )
    .bind(name_key(&fund.name))
    .bind(&fund.id)
    .fetch_one(&mut **tx)
    .await?;
    if taken == 1 {
        return Err(GridError::invalid(
            "name_taken",
            "name",
            format!(
                "there is a fund {:?} already: choose another name",
                fund.name
            ),
        ));
    }
    if let Some(vehicle) = &terms.vehicle {
        vehicle.trim().clone_into(&mut fund.vehicle);
    }
    if let Some(code) = terms.currency.as_deref().filter(|c| !c.trim().is_empty()) {
        fund.currency = currency(code)?;
    }
    set_amount(&mut fund.target, terms.target.as_deref(), "target")?;
    set_amount(&mut fund.hard_cap, terms.hard_cap.as_deref(), "hard_cap")?;
    set_day(
        &mut fund.first_close_on,
        terms.first_close_on.as_deref(),
        "first_close_on",
    )?;
    set_day(
        &mut fund.final_close_on,
        terms.final_close_on.as_deref(),
        "final_close_on",
    )?;
    if let Some(status) = terms.status.as_deref().filter(|s| !s.is_empty()) {
        if !STATUSES.contains(&status) {
            return Err(GridError::invalid(
                "invalid_status",
                "status",
                "a fund is planned, raising or closed",
            ));
        }
        status.clone_into(&mut fund.status);
    }
    for (stage, percent) in terms.weights.iter().flatten() {
        if !STAGES.contains(&stage.as_str()) || *percent > 100 {
            return Err(GridError::invalid(
                "invalid_weight",
                "weights",
                format!(
                    "{stage:?} at {percent} %: weigh target, soft, hard, signed, wired or declined with 0 to 100"
                ),
            ));
        }
        fund.weights.insert(stage.clone(), *percent);
    }
    check_order(&fund)?;
    Ok(fund)
}

fn check_order(fund: &FundTerms) -> Result<(), GridError> {
    let decimal = |text: &Option<String>| {
        text.as_deref()
            .and_then(|t| Decimal::from_str_exact(t).ok())
    };
    if let (Some(target), Some(cap)) = (decimal(&fund.target), decimal(&fund.hard_cap))
        && cap < target
    {
        return Err(GridError::invalid(
            "cap_below_target",
            "hard_cap",
            "the hard cap is below the target: raise it, or leave it empty",
        ));
    }
    if let (Some(first), Some(last)) = (&fund.first_close_on, &fund.final_close_on)
        && last < first
    {
        return Err(GridError::invalid(
            "final_before_first",
            "final_close_on",
            "the final close is before the first: correct one of them",
        ));
    }
    Ok(())
}

fn currency(code: &str) -> Result<String, GridError> {
    let code = code.trim().to_uppercase();
    if code.len() == 3 && code.chars().all(|c| c.is_ascii_uppercase()) {
        return Ok(code);
    }
    Err(GridError::invalid(
        "invalid_currency",
        "currency",
        "a currency is three letters, such as EUR",
    ))
}

fn set_amount(
    slot: &mut Option<String>,
    given: Option<&str>,
    field: &'static str,
) -> Result<(), GridError> {
    let Some(text) = given else { return Ok(()) };
    *slot = if text.trim().is_empty() {
        None
    } else {
        Some(amount(text, field)?)
    };
    Ok(())
}

/// A positive amount as people write it, as decimal text.
pub(crate) fn amount(text: &str, field: &'static str) -> Result<String, GridError> {
    let parsed = crate::grid::parse_amount(text).ok_or_else(|| {
        GridError::invalid(
            "invalid_amount",
            field,
            format!("{text:?} is no amount: write it like 2500000 or 2,500,000"),
        )
    })?;
    if parsed.value <= Decimal::ZERO {
        return Err(GridError::invalid(
            "invalid_amount",
            field,
            "an amount is more than nothing",
        ));
    }
    Ok(parsed.value.to_string())
}

fn set_day(
    slot: &mut Option<String>,
    given: Option<&str>,
    field: &'static str,
) -> Result<(), GridError> {
    let Some(text) = given else { return Ok(()) };
    *slot = if text.trim().is_empty() {
        None
    } else {
        let day: Date = text.trim().parse().map_err(|_| {
            GridError::invalid(
                "invalid_date",
                field,
                format!("{text:?} is no day: write it like 2026-03-31"),
            )
        })?;
        Some(day.to_string())
    };
    Ok(())
}
