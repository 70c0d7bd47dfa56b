//! One entry of the route table: from it come the router, the access check,
//! the `OpenAPI` document and the route × role test.

use axum::{
    extract::DefaultBodyLimit,
    handler::Handler,
    http::Method,
    middleware,
    routing::{self, MethodRouter},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::{
    access::{Access, Guard, guard, makes_room},
    drain,
    limits::Cost,
    state::App,
};

/// Bodies larger than this are refused unless the route says otherwise.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// Writes the schema of a type into the document.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// One method of one path.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, as axum and `OpenAPI` both write it.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// What programs may know of it; none for pages.
    pub doc: Option<Doc>,
    handler: MethodRouter<App>,
    body_limit: usize,
}

/// The documentation of a JSON route.
#[derive(Clone, Default)]
pub struct Doc {
    /// The area.
    pub tag: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// The query string.
    pub query: Option<SchemaOf>,
    /// The body, and its media type.
    pub body: Option<(&'static str, SchemaOf)>,
    /// Answers by status; no schema when there is no body.
    pub answers: Vec<(u16, Option<SchemaOf>)>,
    /// Media types that an answer may have instead of JSON: files.
    pub files: &'static [&'static str],
    /// Statuses of possible problems, beyond those every route has.
    pub problems: &'static [u16],
}

/// A route for GET (and HEAD).
pub fn get<H: Handler<T, App>, T: 'static>(
    path: &'static str,
    access: Access,
    handler: H,
) -> Route {
    Route::new(Method::GET, path, access, routing::get(handler))
}

/// A route for POST.
pub fn post<H: Handler<T, App>, T: 'static>(
    path: &'static str,
    access: Access,
    handler: H,
) -> Route {
    Route::new(Method::POST, path, access, routing::post(handler))
}

/// A route for PUT.
pub fn put<H: Handler<T, App>, T: 'static>(
    path: &'static str,
    access: Access,
    handler: H,
) -> Route {
    Route::new(Method::PUT, path, access, routing::put(handler))
}

/// A route for PATCH.
pub fn patch<H: Handler<T, App>, T: 'static>(
    path: &'static str,
    access: Access,
    handler: H,
) -> Route {
    Route::new(Method::PATCH, path, access, routing::patch(handler))
}

/// A route for DELETE.
pub fn delete<H: Handler<T, App>, T: 'static>(
    path: &'static str,
    access: Access,
    handler: H,
) -> Route {
    Route::new(Method::DELETE, path, access, routing::delete(handler))
}

impl Route {
    fn new(method: Method, path: &'static str, access: Access, handler: MethodRouter<App>) -> Self {
        Self {
            method,
            path,
            access,
            doc: None,
            handler,
            body_limit: BODY_LIMIT,
        }
    }

    /// Makes it a JSON route: it takes API tokens and is in the document.
    #[must_use]
    pub fn json(mut self, tag: &'static str, summary: &'static str) -> Self {
        self.doc = Some(Doc {
            tag,
            summary,
            ..Doc::default()
        });
        self
    }

    /// Documents the query string.
    #[must_use]
    pub fn query<T: JsonSchema>(self) -> Self {
        self.documented(|doc| doc.query = Some(T::json_schema))
    }

    /// Documents a JSON body.
    #[must_use]
    pub fn body<T: JsonSchema>(self) -> Self {
        self.documented(|doc| doc.body = Some(("application/json", schema_of::<T>)))
    }

    /// Documents a body of another media type.
    #[must_use]
    pub fn body_as<T: JsonSchema>(self, media_type: &'static str) -> Self {
        self.documented(|doc| doc.body = Some((media_type, T::json_schema)))
    }

    /// Documents an answer.
    #[must_use]
    pub fn answers<T: JsonSchema>(self, status: u16) -> Self {
        self.documented(|doc| doc.answers.push((status, Some(schema_of::<T>))))
    }

    /// Documents that the answer may be a file of one of these media types.
    #[must_use]
    pub fn or_files(self, media_types: &'static [&'static str]) -> Self {
        self.documented(|doc| doc.files = media_types)
    }

    /// Documents an answer without a body.
    #[must_use]
    pub fn answers_nothing(self, status: u16) -> Self {
        self.documented(|doc| doc.answers.push((status, None)))
    }

    /// Documents problems beyond those of every route, which are 400, 422, 500
    /// and 503, those of a role (401, 403) and those of a body (413, 415).
    #[must_use]
    pub fn problems(self, statuses: &'static [u16]) -> Self {
        self.documented(|doc| doc.problems = statuses)
    }

    /// Takes larger bodies.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// # Panics
    /// If the route is no JSON route: a mistake in the table, found by every test.
    fn documented(mut self, add: impl FnOnce(&mut Doc)) -> Self {
        let path = self.path;
        add(self
            .doc
            .as_mut()
            .unwrap_or_else(|| panic!("{path}: call .json(…) first")));
        self
    }

    /// The handler behind its access check and body limit; what they refuse is
    /// read to its end.
    pub fn into_handler(self, app: &App) -> MethodRouter<App> {
        let check = Guard {
            app: app.clone(),
            access: self.access,
            takes_tokens: self.doc.is_some(),
            cost: Cost::of(&self.method, self.path),
            makes_room: makes_room(&self.method, self.path),
        };
        self.handler
            .route_layer(DefaultBodyLimit::max(self.body_limit))
            .route_layer(middleware::from_fn_with_state(check, guard))
            .route_layer(middleware::from_fn(drain::read_what_is_refused))
    }
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}
