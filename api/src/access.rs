//! The check in front of every route. It is put there by the router, from the
//! route's entry in the table, so that no handler can forget it.

use axum::{
    extract::{Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use crm_jobs::{accounts::tokens::Scope, db::Room};

use crate::{
    csrf,
    error::AppError,
    limits::Cost,
    request::{RequestInfo, is_safe},
    session::{self, Proof, SignedIn},
    state::App,
};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Whoever is signed in.
    Member,
    /// Admins.
    Admin,
}

/// What the check needs to know of its route.
#[derive(Clone)]
pub struct Guard {
    /// The state.
    pub app: App,
    /// Who may use it.
    pub access: Access,
    /// Whether it is for programs, and so takes API tokens.
    pub takes_tokens: bool,
    /// What it takes of what a person may change.
    pub cost: Cost,
    /// Whether it goes on when the disk is nearly full.
    pub makes_room: bool,
}

/// What goes on when the disk is nearly full: leaving, and making room. A test
/// holds each to the route table.
const MAKES_ROOM: &[(Method, &str)] = &[
    // Kept in memory only.
    (Method::POST, "/api/fundraising/presence"),
    (Method::POST, "/settings/sessions/end-all"),
    (Method::POST, "/settings/sessions/{id}/end"),
    (Method::POST, "/settings/tokens/{id}/revoke"),
    (Method::DELETE, "/api/tokens/{id}"),
    (Method::POST, "/settings/team/{id}/disable"),
    (Method::POST, "/backups/{id}/delete"),
    (Method::DELETE, "/api/fundraising/backups/{id}"),
    (Method::POST, "/backups/policy"),
    (Method::PATCH, "/api/fundraising/backup-policy"),
    (Method::POST, "/export/archives/{id}/remove"),
    (Method::DELETE, "/api/fundraising/archives/{id}"),
    (Method::POST, "/files/{id}/delete"),
    (Method::DELETE, "/api/fundraising/files/{id}"),
    (Method::POST, "/investors/{id}/archive"),
    (Method::POST, "/investors/{id}/delete"),
    (Method::POST, "/grid/trash/rows/{id}/purge"),
    (Method::POST, "/api/fundraising/rows/{id}/purge"),
    (Method::POST, "/jobs/{id}/cancel"),
    (Method::POST, "/api/jobs/{id}/cancel"),
];

/// Whether a route does.
pub fn makes_room(method: &Method, path: &str) -> bool {
    MAKES_ROOM.iter().any(|(m, p)| m == method && *p == path)
}

/// Lets a request through to its handler, or not.
pub async fn guard(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    match admit(&guard, &mut request).await {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}

async fn admit(guard: &Guard, request: &mut Request) -> Result<(), AppError> {
    let changes = !is_safe(request.method());
    if guard.access == Access::Public {
        // Signing in is worth forging too: it could sign a victim in as the attacker.
        return if changes {
            csrf::check(&guard.app.config, request.headers())
        } else {
            Ok(())
        };
    }
    let Some(info) = request.extensions().get::<RequestInfo>().cloned() else {
        return Err(AppError::internal(std::io::Error::other("no request info")));
    };
    let who = session::authenticate(&guard.app, request.headers(), &info)
        .await?
        .ok_or_else(AppError::sign_in)?;
    check_proof(guard, request, &who, changes)?;
    if guard.access == Access::Admin && !who.user.is_admin() {
        return Err(AppError::forbidden("forbidden", "Only admins may do this."));
    }
    if changes {
        admit_write(guard, &who)?;
    }
    request.extensions_mut().insert(who);
    Ok(())
}

/// There is room for it, and they have not changed too much lately.
fn admit_write(guard: &Guard, who: &SignedIn) -> Result<(), AppError> {
    let app = &guard.app;
    if app.config.write_limits {
        app.limits.take(&who.user.id, guard.cost, app.db.now())?;
    }
    if guard.makes_room {
        return Ok(());
    }
    match app.gauge.room() {
        Some(room) if room.is_low() => Err(no_room(room)),
        _ => Ok(()),
    }
}

fn no_room(room: Room) -> AppError {
    let mib = |bytes: u64| bytes / (1024 * 1024);
    let words = format!(
        "Only {} MiB of the disk are free, and changes stop below {} MiB, so that nothing is lost. Reading goes on, and so does deleting backups, archives and files.",
        mib(room.free_bytes),
        mib(room.floor_bytes)
    );
    AppError::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", words)
}

fn check_proof(
    guard: &Guard,
    request: &Request,
    who: &SignedIn,
    changes: bool,
) -> Result<(), AppError> {
    match who.proof {
        Proof::Token(..) if !guard.takes_tokens => Err(AppError::forbidden(
            "token_not_here",
            "API tokens work under /api only.",
        )),
        Proof::Token(_, Scope::Read) if changes => Err(AppError::forbidden(
            "token_scope",
            "This token may only read.",
        )),
        Proof::Session(_) if changes => csrf::check(&guard.app.config, request.headers()),
        Proof::Token(..) | Proof::Session(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::MAKES_ROOM;

    #[test]
    fn every_route_that_makes_room_is_in_the_table() {
        let routes = crate::route_table();
        for (method, path) in MAKES_ROOM {
            assert!(
                routes.iter().any(|r| r.method == method && r.path == *path),
                "{method} {path}"
            );
        }
    }
}
