//! The check in front of every route. It is put there by the router, from the
//! route's entry in the table, so that no handler can forget it.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use crm_jobs::accounts::tokens::Scope;

use crate::{
    csrf,
    error::AppError,
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
    request.extensions_mut().insert(who);
    Ok(())
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
