//! The local model: where it is, how it does.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    audit,
    spark::{self, SparkSettings, SparkStatus},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::page::ModelPage;
use crate::{
    access::Access::Admin,
    error::AppError,
    extract::{Form, Json},
    flash::Done,
    frame::{frame, html_with},
    route::{Route, get, patch, post},
    routes::page::FlashKind,
    session::SignedIn,
    state::App,
};

pub mod page;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/digest/model", Admin, show),
        post("/digest/model", Admin, save_form),
        post("/digest/model/test", Admin, test_form),
        get("/api/admin/spark", Admin, read)
            .json("digest", "The local model: settings and how it does")
            .answers::<Spark>(200),
        patch("/api/admin/spark", Admin, change)
            .json(
                "digest",
                "Change where the local model is; what is not said stays as it is",
            )
            .body::<SparkChange>()
            .answers::<Spark>(200),
        post("/api/admin/spark/test", Admin, test)
            .json(
                "digest",
                "Ask the local model for a word, and say how that went",
            )
            .answers::<SparkStatus>(200),
    ]
}

/// The local model.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Spark {
    /// What an admin set.
    settings: SparkSettings,
    /// The address in force: the environment's goes first.
    url: String,
    /// How it was when it was last asked.
    status: SparkStatus,
}

/// What is to be changed; the rest stays.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct SparkChange {
    /// Address of the model server; empty: Spark on this box.
    #[schemars(length(max = 300))]
    url: Option<String>,
    /// Which model; empty: the first that is there.
    #[schemars(length(max = 200))]
    model: Option<String>,
    /// Longest wait for an answer, seconds.
    #[schemars(range(min = 5, max = 900))]
    timeout_s: Option<u16>,
    /// Host names that may be in 100.64.0.0/10 (Tailscale); never a public address.
    #[schemars(length(max = 20), inner(length(max = 253)))]
    allow: Option<Vec<String>>,
}

async fn load(app: &App) -> Result<Spark, AppError> {
    let url = spark::effective(&app.db).await?.url;
    Ok(Spark {
        settings: spark::stored(&app.db).await?,
        url: url.unwrap_or_else(|| spark::DEFAULT_URL.to_owned()),
        status: spark::status(&app.db).await?,
    })
}

async fn read(State(app): State<App>) -> Result<Json<Spark>, AppError> {
    Ok(Json(load(&app).await?))
}

async fn change(
    State(app): State<App>,
    who: SignedIn,
    Json(change): Json<SparkChange>,
) -> Result<Json<Spark>, AppError> {
    let now = spark::stored(&app.db).await?;
    let new = SparkSettings {
        url: change.url.or(now.url),
        model: change.model.or(now.model),
        timeout_s: change.timeout_s.unwrap_or(now.timeout_s),
        allow: change.allow.unwrap_or(now.allow),
    };
    save(&app, &who, new).await?;
    Ok(Json(load(&app).await?))
}

async fn save(app: &App, who: &SignedIn, new: SparkSettings) -> Result<(), AppError> {
    let mut tx = app.db.write().await?;
    let new = spark::set(&mut tx, new, &who.actor().to_string()).await?;
    let told = json!({ "url": new.url, "model": new.model });
    audit::record(&mut tx, &who.actor(), "spark.changed", "", told, &who.ip()).await?;
    tx.commit().await?;
    Ok(())
}

async fn test(State(app): State<App>) -> Result<Json<SparkStatus>, AppError> {
    Ok(Json(spark::try_out(&app.db).await?))
}

async fn test_form(State(app): State<App>) -> Result<Done, AppError> {
    let status = spark::try_out(&app.db).await?;
    let here = Done::to("/digest/model");
    Ok(if status.is_up() {
        let says = format!("{} answered in {} ms.", status.model, status.latency_ms);
        here.saying(FlashKind::Ok, says)
    } else {
        here.saying(FlashKind::Warn, crate::error::sentence(&status.error))
    })
}

async fn show(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    let settings = spark::stored(&app.db).await?;
    page(&app, &who, &settings, None).await
}

async fn page(
    app: &App,
    who: &SignedIn,
    settings: &SparkSettings,
    error: Option<AppError>,
) -> Result<Response, AppError> {
    let code = error.as_ref().map_or(StatusCode::OK, AppError::status);
    let wrong = error.map(|e| {
        let field = e.field().unwrap_or_default().to_owned();
        (field, e.detail().to_owned())
    });
    let status = spark::status(&app.db).await?;
    let fixed = app.db.outside().spark_url.clone();
    let frame = frame(app, who, "Local model").await;
    let page = ModelPage::new(
        frame,
        settings,
        fixed,
        &status,
        app.db.now(),
        wrong.as_ref(),
    );
    Ok(html_with(code, &page))
}

/// The form sends texts only.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SparkForm {
    url: String,
    model: String,
    timeout_s: String,
    allow: String,
}

async fn save_form(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<SparkForm>,
) -> Result<Response, AppError> {
    let new = SparkSettings {
        url: Some(form.url),
        model: Some(form.model),
        timeout_s: form.timeout_s.trim().parse().unwrap_or(0),
        allow: form.allow.lines().map(str::to_owned).collect(),
    };
    match save(&app, &who, new.clone()).await {
        Ok(()) => Ok(Done::to("/digest/model")
            .saying(FlashKind::Ok, "Saved.")
            .into_response()),
        Err(error) if error.field().is_some() => page(&app, &who, &new, Some(error)).await,
        Err(error) => Err(error),
    }
}
