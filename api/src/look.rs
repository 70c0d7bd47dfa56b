//! `crm-api look`: the whole program on a database, without a socket, asked for all
//! it can tell. A drill runs it on the restored copy; nothing is changed but the
//! token it asks with.

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header},
    response::Response,
};
use crm_jobs::{
    accounts::{
        tokens::{self, Scope},
        users,
    },
    audit::Actor,
    clock::MINUTE,
    db::{self, Db},
    tasks,
};
use futures_util::StreamExt;
use tower::ServiceExt;

use crate::{
    App, app,
    cli::{Problems, one},
    config::Config,
    route_table,
};

/// What a look came to.
pub struct Looked {
    /// Addresses that answered with success.
    pub answered: usize,
    /// Those that want to be asked for something particular.
    pub asked_for_more: usize,
}

/// Starts everything on `db` and reads every list there is. An address that fails,
/// or an answer that breaks off, is a problem.
pub async fn look(db: &Db, config: Config) -> Result<Looked, Problems> {
    db::check_schema(db).await.map_err(|e| one(&e))?;
    let token = token(db).await?;
    let state = App::new(db.clone(), config, tasks::registry())
        .await
        .map_err(|e| one(&e))?;
    let live = state.live.clone();
    let router = app(state);
    let mut looked = Looked {
        answered: 0,
        asked_for_more: 0,
    };
    let mut problems = Vec::new();
    for path in ["/healthz", "/login"].into_iter().chain(lists()) {
        match ask(&router, path, token.as_deref()).await {
            Ok(status) if status.is_success() => looked.answered += 1,
            Ok(status) if status.is_client_error() && token.is_some() => {
                looked.asked_for_more += 1;
            }
            Ok(StatusCode::UNAUTHORIZED) => {}
            Ok(status) => problems.push(format!("GET {path} answered {status}")),
            Err(error) => problems.push(format!("GET {path} broke off: {error}")),
        }
    }
    live.close();
    if problems.is_empty() {
        Ok(looked)
    } else {
        Err(problems)
    }
}

/// Every address that programs read without naming anything.
fn lists() -> impl Iterator<Item = &'static str> {
    route_table()
        .into_iter()
        .filter(|route| route.method == Method::GET && route.path.starts_with("/api/"))
        .map(|route| route.path)
        .filter(|path| !path.contains('{') && !path.ends_with("/events"))
}

/// For an admin, to read only; none if there is no admin.
async fn token(db: &Db) -> Result<Option<String>, Problems> {
    let users = users::list(db).await.map_err(|e| one(&e))?;
    let Some(admin) = users
        .iter()
        .find(|user| user.is_admin() && user.disabled_at.is_none())
    else {
        return Ok(None);
    };
    let mut tx = db.write().await.map_err(|e| one(&e))?;
    let until = Some(tx.now() + 10 * MINUTE);
    let made = tokens::create(
        &mut tx,
        &admin.id,
        "a look",
        Scope::Read,
        until,
        &Actor::Shell,
        "",
    );
    let (_, secret) = made.await.map_err(|e| one(&e))?;
    tx.commit().await.map_err(|e| one(&e))?;
    Ok(Some(secret))
}

/// Asks and reads the answer to its end.
async fn ask(router: &Router, path: &str, token: Option<&str>) -> Result<StatusCode, axum::Error> {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Body::empty()).map_err(axum::Error::new)?;
    let answer: Response = match router.clone().oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    let status = answer.status();
    let mut body = answer.into_body().into_data_stream();
    while let Some(part) = body.next().await {
        part?;
    }
    Ok(status)
}
