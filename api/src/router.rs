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
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer, Predicate,
        predicate::{DefaultPredicate, NotForContentType},
    },
};

use crate::{
    error::AppError,
    request,
    route::Route,
    routes::{
        accounts, activity, audit, automations, backups, board, calendar_feed, contacts, digest,
        email, export, feature_requests, files, grid, help, home, imports, investor, jobs, mail,
        members, my_day, notes, operations, proposals, put_back, raise, reminders, search,
        security, settings, spark, state, status, style,
    },
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
        audit::routes(),
        security::routes(),
        search::routes(),
        feature_requests::routes(),
        help::routes(),
        grid::routes(),
        investor::routes(),
        my_day::routes(),
        reminders::routes(),
        notes::routes(),
        files::routes(),
        calendar_feed::routes(),
        board::routes(),
        state::routes(),
        proposals::routes(),
        put_back::routes(),
        raise::routes(),
        contacts::routes(),
        email::routes(),
        imports::routes(),
        automations::routes(),
        export::routes(),
        jobs::routes(),
        backups::routes(),
        digest::routes(),
        mail::routes(),
        spark::routes(),
        operations::routes(),
        status::routes(),
        style::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The whole program as a service: tests start here.
pub fn app(state: App) -> Router {
    serve(routes(), state)
}

fn serve(routes: Vec<Route>, state: App) -> Router {
    let mut table = Router::new();
    for route in routes {
        table = table.route(route.path, route.into_handler(&state));
    }
    table
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            request::observe,
        ))
        .layer(CompressionLayer::new().compress_when(is_worth_it()))
        .with_state(state)
}

/// Archives and workbooks are compressed by themselves.
fn is_worth_it() -> impl Predicate {
    DefaultPredicate::new()
        .and(NotForContentType::const_new("application/zip"))
        .and(NotForContentType::const_new(
            "application/vnd.openxmlformats",
        ))
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

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use crm_jobs::{
        clock::Clock,
        db::{self, Db},
        queue::Registry,
    };
    use tower::ServiceExt;

    use super::*;
    use crate::{access::Access, config::Config, route::get};

    async fn breaks() -> StatusCode {
        panic!("on purpose")
    }

    #[tokio::test]
    async fn a_panic_is_one_failed_request() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(dir.path(), Clock::test(1)).await.unwrap();
        db::migrate(&db).await.unwrap();
        let config = Config::from_lookup(|_| None).ok().unwrap();
        let state = App::new(db, config, Registry::default()).await.unwrap();
        let router = serve(vec![get("/breaks", Access::Public, breaks)], state);
        for _ in 0..2 {
            let request = Request::get("/breaks").body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert!(response.headers().contains_key("x-request-id"));
            let body = axum::body::to_bytes(response.into_body(), usize::MAX)
                .await
                .unwrap();
            let text = String::from_utf8(body.to_vec()).unwrap();
            assert!(text.contains("Something broke") && !text.contains("on purpose"));
        }
    }
}
