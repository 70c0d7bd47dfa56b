//! The list of people, and the pairs that are likely one.

use axum::{extract::State, response::Response};
use crm_jobs::contacts::{self, Contact, ContactFilter, Duplicate};
use serde::Deserialize;

use super::page::{ContactLine, ContactsPage, DuplicatesPage, PairLine};
use crate::{
    error::AppError,
    extract::Query,
    frame::{frame, html},
    routes::page::Badge,
    session::SignedIn,
    show,
    state::App,
};

/// People on one page.
const PER_PAGE: i64 = 100;

/// Pairs on the page: whoever settles these sees the next ones.
const SHOWN_PAIRS: usize = 20;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ListQuery {
    q: String,
    after_name: String,
    after_id: String,
}

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<ListQuery>,
) -> Result<Response, AppError> {
    let search = query.q.trim();
    let filter = ContactFilter {
        search: (!search.is_empty()).then_some(search),
        after: (!query.after_id.is_empty()).then_some((&query.after_name, &query.after_id)),
    };
    let mut conn = app.db.read().acquire().await?;
    let found = contacts::contacts(&mut conn, &filter, PER_PAGE).await?;
    let total = contacts::count(&mut conn).await?;
    let is_full = i64::try_from(found.len()).is_ok_and(|n| n == PER_PAGE);
    let next = found.last().filter(|_| is_full).map(|last| {
        let (q, name) = (show::encoded(search), show::encoded(&last.name));
        format!("/contacts?q={q}&after_name={name}&after_id={}", last.id)
    });
    Ok(html(&ContactsPage {
        contacts: found.iter().map(line).collect(),
        total: show::count(total, "person", "people"),
        is_empty: total == 0,
        is_first: query.after_id.is_empty(),
        search: search.to_owned(),
        next,
        frame: frame(&app, &who, "Contacts").await,
    }))
}

fn line(contact: &Contact) -> ContactLine {
    let more = contact.investor_count - 3;
    ContactLine {
        href: format!("/contacts/{}", contact.id),
        initials: show::initials(&contact.name),
        name: contact.name.clone(),
        role: contact.role.clone().unwrap_or_default(),
        email: contact.email.clone().unwrap_or_default(),
        phone: contact.phone.clone().unwrap_or_default(),
        investors: if more > 0 {
            format!("{} and {more} more", contact.investors)
        } else {
            contact.investors.clone()
        },
    }
}

pub async fn duplicates(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let found = contacts::duplicates(&mut conn, SHOWN_PAIRS).await?;
    let mut pairs = Vec::new();
    for pair in &found {
        let one = contacts::contact(&mut conn, &pair.one).await?;
        let other = contacts::contact(&mut conn, &pair.other).await?;
        if let Some((one, other)) = one.zip(other) {
            pairs.push(pair_line(pair, &one, &other));
        }
    }
    Ok(html(&DuplicatesPage {
        pairs,
        frame: frame(&app, &who, "Likely duplicates").await,
    }))
}

/// What tells a person from somebody who looks just like them.
fn label(one: &Contact, other: &Contact, place: &str) -> String {
    if one.name != other.name {
        return one.name.clone();
    }
    let email = one.email.clone().filter(|_| one.email != other.email);
    email.unwrap_or_else(|| place.to_owned())
}

/// Whoever tells more of themselves is offered first as the one who stays.
fn pair_line(pair: &Duplicate, one: &Contact, other: &Contact) -> PairLine {
    let told = |c: &Contact| {
        let parts = [&c.email, &c.phone, &c.role];
        (
            parts.iter().filter(|p| p.is_some()).count(),
            c.investor_count,
        )
    };
    let (keep, merge) = if told(one) >= told(other) {
        (one, other)
    } else {
        (other, one)
    };
    PairLine {
        keep_id: keep.id.clone(),
        merge_id: merge.id.clone(),
        keep: line(keep),
        merge: line(merge),
        keep_label: label(keep, merge, "the first"),
        merge_label: label(merge, keep, "the second"),
        reason: show::capitalized(&pair.reason),
        certainty: match pair.certainty {
            3 => Badge::new("Almost certain", "ok"),
            2 => Badge::new("Likely", "info"),
            _ => Badge::new("Worth a look", "muted"),
        },
    }
}
