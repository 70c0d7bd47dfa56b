//! The table of all routes, and the router made from it.
//!
//! Each area lists its routes beside its handlers (`routes/AREA/mod.rs`), one
//! line or a short block each, so that a path, its role and its shapes are read
//! together; [`routes`] joins them, and nothing is served that is not in it.

use axum::{
    Router,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
};
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};

use crate::{
    error::AppError,
    request,
    route::Route,
    routes::{accounts, activity, home, members, operations, settings, style},
    state::App,
};

/// Every route there is.
pub fn routes() -> Vec<Route> {
    [
        home::routes(),
        accounts::routes(),
        settings::routes(),
        members::routes(),
        activity::routes(),
        operations::routes(),
        style::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The whole program as a service: tests start here.
pub fn app(state: App) -> Router {
    let mut router = Router::new();
    for route in routes() {
        router = router.route(route.path, route.into_handler(&state));
    }
    router
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            request::observe,
        ))
        .layer(CompressionLayer::new())
        .with_state(state)
}

async fn nothing_here() -> AppError {
    AppError::not_found("There is nothing at this address.")
}

async fn wrong_method() -> AppError {
    AppError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not take this method.",
    )
}

/// The panic itself is logged by the hook that every thread has.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    AppError::internal(std::io::Error::other("a handler panicked")).into_response()
}
