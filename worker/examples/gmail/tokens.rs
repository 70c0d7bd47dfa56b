//! The token endpoint: verifies what a service account signed, as Google does.

use std::{path::Path, process::Command};

use axum::{
    Form, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::json;

use crate::Shared;

pub const CLIENT_EMAIL: &str = "crm-reader@sample-project.iam.gserviceaccount.com";
const AUDIENCE: &str = "https://oauth2.googleapis.com/token";

/// A key of its own for each run; the file a person would download.
pub fn make_key(dir: &Path) -> Vec<u8> {
    let openssl = |arguments: &[&str]| {
        let made = Command::new("openssl")
            .args(arguments)
            .current_dir(dir)
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "openssl: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        made.stdout
    };
    openssl(&[
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
        "-out",
        "key.pem",
    ]);
    let public = openssl(&["pkey", "-in", "key.pem", "-pubout"]);
    let private = std::fs::read_to_string(dir.join("key.pem")).unwrap();
    let credentials = json!({
        "type": "service_account",
        "project_id": "sample-project",
        "private_key_id": "0123456789abcdef",
        "private_key": private,
        "client_email": CLIENT_EMAIL,
        "client_id": "112233445566778899000",
        "token_uri": AUDIENCE,
    });
    std::fs::write(dir.join("credentials.json"), credentials.to_string()).unwrap();
    public
}

#[derive(Deserialize)]
pub struct Grant {
    #[serde(default)]
    grant_type: String,
    #[serde(default)]
    assertion: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    scope: String,
    iat: i64,
    exp: i64,
}

fn refuse(status: StatusCode, error: &str, says: &str) -> Response {
    (
        status,
        Json(json!({ "error": error, "error_description": says })),
    )
        .into_response()
}

pub async fn grant(State(world): State<Shared>, Form(grant): Form<Grant>) -> Response {
    if let Some(failed) = crate::api::injected(&world, "/token").await {
        return failed;
    }
    let mut world = world.lock().unwrap();
    if grant.grant_type != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        return refuse(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "Invalid grant_type",
        );
    }
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&[AUDIENCE]);
    rules.leeway = 0;
    let key = DecodingKey::from_rsa_pem(&world.public_key).unwrap();
    let claims = match jsonwebtoken::decode::<Claims>(&grant.assertion, &key, &rules) {
        Ok(found) if found.header.kid.as_deref() == Some("0123456789abcdef") => found.claims,
        Ok(_) => {
            return refuse(
                StatusCode::BAD_REQUEST,
                "invalid_grant",
                "Invalid JWT Signature.",
            );
        }
        Err(error) => {
            return refuse(
                StatusCode::BAD_REQUEST,
                "invalid_grant",
                &format!("Invalid JWT: {error}"),
            );
        }
    };
    let now = jiff_now();
    if claims.iat > now || claims.exp - claims.iat > 3_600 || claims.iss != world.client_email {
        return refuse(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token",
        );
    }
    if !claims
        .scope
        .split(' ')
        .all(|s| world.scopes.iter().any(|known| known == s))
    {
        return refuse(
            StatusCode::UNAUTHORIZED,
            "unauthorized_client",
            "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.",
        );
    }
    if !world.mailboxes.contains_key(&claims.sub) {
        return refuse(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            "Invalid email or User ID",
        );
    }
    world.next_id += 1;
    let token = format!("ya29.{}", world.next_id);
    world
        .tokens
        .insert(token.clone(), (claims.sub, claims.scope));
    *world.calls.entry("token".to_owned()).or_default() += 1;
    Json(json!({ "access_token": token, "expires_in": 3599, "token_type": "Bearer" }))
        .into_response()
}

#[allow(
    clippy::disallowed_methods,
    reason = "a stand-in runs by the machine's clock"
)]
pub fn jiff_now() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
