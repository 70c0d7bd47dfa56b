//! People at investors: who they are, where they stand, and who is likely one.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    contacts::{
        self, Contact, ContactFilter, Details, Duplicate, InTouch, MergeWanted, Place, Told,
    },
    db::WriteTx,
    grid::{Applied, ChangeBy},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    access::Access,
    error::AppError,
    extract::{Json, Path, Query},
    route::{Route, get, patch, post},
    session::SignedIn,
    state::App,
};

mod forms;
mod list;
mod one;
pub mod page;

/// Pairs told at most.
const MOST_PAIRS: usize = 100;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/contacts", Access::Member, list::show),
        get("/contacts/duplicates", Access::Member, list::duplicates),
        post("/contacts/merge", Access::Member, forms::merge),
        post("/contacts/apart", Access::Member, forms::apart),
        get("/contacts/{id}", Access::Member, one::show),
        post("/contacts/{id}", Access::Member, forms::save),
        get("/api/contacts", Access::Member, all)
            .json("contacts", "People, each once, by name")
            .query::<ContactsQuery>()
            .answers::<Contacts>(200),
        get("/api/contacts/duplicates", Access::Member, likely)
            .json(
                "contacts",
                "Pairs that are likely one person, with the reason",
            )
            .answers::<Vec<Duplicate>>(200),
        post("/api/contacts/merge", Access::Member, merge)
            .json("contacts", "Make two entries one person")
            .body::<MergeWanted>()
            .answers::<Applied>(200),
        post("/api/contacts/apart", Access::Member, apart)
            .json("contacts", "Say that two entries are two people")
            .body::<Pair>()
            .answers_nothing(204),
        get("/api/contacts/{id}", Access::Member, found)
            .json("contacts", "One person and where they stand")
            .answers::<Person>(200)
            .problems(&[404]),
        patch("/api/contacts/{id}", Access::Member, change)
            .json("contacts", "Change a person wherever they stand")
            .body::<Details>()
            .answers::<Applied>(200)
            .problems(&[404]),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct ContactsQuery {
    /// Part of a name, an address or an investor's name.
    #[schemars(length(max = 200))]
    q: Option<String>,
    /// Name of the last one of the page before; with `after_id`.
    #[schemars(length(max = 400))]
    after_name: Option<String>,
    /// Id of the last one of the page before.
    #[schemars(length(max = 64))]
    after_id: Option<String>,
    /// At most so many, 500 at the most; 100 if absent.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<i64>,
}

/// A page of people.
#[derive(Serialize, JsonSchema)]
struct Contacts {
    /// By name.
    contacts: Vec<Contact>,
    /// People in all, whatever was searched for.
    total: i64,
}

async fn all(
    State(app): State<App>,
    Query(query): Query<ContactsQuery>,
) -> Result<Json<Contacts>, AppError> {
    let filter = ContactFilter {
        search: query.q.as_deref().map(str::trim).filter(|q| !q.is_empty()),
        after: query.after_name.as_deref().zip(query.after_id.as_deref()),
    };
    let mut conn = app.db.read().acquire().await?;
    Ok(Json(Contacts {
        contacts: contacts::contacts(&mut conn, &filter, query.limit.unwrap_or(100)).await?,
        total: contacts::count(&mut conn).await?,
    }))
}

async fn likely(State(app): State<App>) -> Result<Json<Vec<Duplicate>>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    Ok(Json(contacts::duplicates(&mut conn, MOST_PAIRS).await?))
}

/// One person.
#[derive(Serialize, JsonSchema)]
struct Person {
    /// Who.
    #[serde(flatten)]
    contact: Contact,
    /// Where they stand.
    places: Vec<Place>,
    /// When somebody was in touch with them.
    #[serde(flatten)]
    in_touch: InTouch,
    /// What names them, the newest first, at most 100.
    told: Vec<Told>,
}

/// Things told of one person at most.
const MOST_TOLD: i64 = 100;

async fn found(State(app): State<App>, Path(id): Path<String>) -> Result<Response, AppError> {
    let mut conn = app.db.read().acquire().await?;
    if let Some(contact) = contacts::contact(&mut conn, &id).await? {
        let places = contacts::places(&mut conn, &id).await?;
        let family = contacts::family(&mut conn, &id).await?;
        let person = Person {
            contact,
            places,
            in_touch: contacts::in_touch(&mut conn, &family).await?,
            told: contacts::told(&mut conn, &family, MOST_TOLD).await?,
        };
        return Ok(Json(person).into_response());
    }
    Err(match contacts::find_kept(&mut conn, &id).await? {
        Some(kept) => {
            AppError::not_found(format!("This person was merged into /api/contacts/{kept}."))
        }
        None => no_contact(),
    })
}

fn no_contact() -> AppError {
    AppError::not_found("There is no such person.")
}

async fn change(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(details): Json<Details>,
) -> Result<Json<Applied>, AppError> {
    Ok(Json(edit(&app, &who, &id, &details).await?))
}

async fn edit(app: &App, who: &SignedIn, id: &str, details: &Details) -> Result<Applied, AppError> {
    let actor = who.actor().to_string();
    let mut tx = app.db.write().await?;
    let applied = contacts::edit(&mut tx, id, details, &by(&actor, "Contact changed")).await?;
    let applied = applied.ok_or_else(no_contact)?;
    record(&mut tx, who, "contact.changed", id).await?;
    tx.commit().await?;
    Ok(applied)
}

async fn merge(
    State(app): State<App>,
    who: SignedIn,
    Json(wanted): Json<MergeWanted>,
) -> Result<Json<Applied>, AppError> {
    Ok(Json(make_one(&app, &who, &wanted).await?))
}

async fn make_one(app: &App, who: &SignedIn, wanted: &MergeWanted) -> Result<Applied, AppError> {
    let actor = who.actor().to_string();
    let mut tx = app.db.write().await?;
    let applied = contacts::merge(&mut tx, wanted, &by(&actor, "Contacts merged")).await?;
    record(&mut tx, who, "contact.merged", &wanted.keep).await?;
    tx.commit().await?;
    Ok(applied)
}

fn by<'a>(actor: &'a str, summary: &'a str) -> ChangeBy<'a> {
    ChangeBy {
        actor,
        origin: "edit",
        summary,
        job: None,
    }
}

/// Two people.
#[derive(Deserialize, JsonSchema)]
struct Pair {
    /// One of them.
    #[schemars(length(min = 1, max = 64))]
    one: String,
    /// The other.
    #[schemars(length(min = 1, max = 64))]
    other: String,
}

async fn apart(
    State(app): State<App>,
    who: SignedIn,
    Json(pair): Json<Pair>,
) -> Result<axum::http::StatusCode, AppError> {
    keep_apart(&app, &who, &pair).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

async fn keep_apart(app: &App, who: &SignedIn, pair: &Pair) -> Result<(), AppError> {
    let mut tx = app.db.write().await?;
    let actor = who.actor().to_string();
    contacts::keep_apart(&mut tx, &pair.one, &pair.other, &actor).await?;
    record(&mut tx, who, "contact.kept_apart", &pair.one).await?;
    tx.commit().await?;
    Ok(())
}

async fn record(tx: &mut WriteTx, who: &SignedIn, action: &str, id: &str) -> Result<(), AppError> {
    let target = format!("contact:{id}");
    crm_jobs::audit::record(tx, &who.actor(), action, &target, json!({}), &who.ip()).await?;
    Ok(())
}
