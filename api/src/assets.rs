//! The built front end: inside the binary in release builds, from the disk in
//! debug builds. Without it (nobody ran Node yet) the pages work as plain HTML.

use std::{collections::BTreeMap, sync::OnceLock};

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::Embed;

use crate::{error::AppError, extract::Path, request::text, routes::page::Assets};

#[derive(Embed)]
#[folder = "../static/dist"]
#[allow_missing = true]
struct Files;

/// Names of the built files, for templates.
pub fn names() -> Assets {
    static KNOWN: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    let names = if cfg!(debug_assertions) {
        manifest()
    } else {
        KNOWN.get_or_init(manifest).clone()
    };
    Assets { names }
}

fn manifest() -> BTreeMap<String, String> {
    Files::get("manifest.json")
        .and_then(|file| serde_json::from_slice(&file.data).ok())
        .unwrap_or_default()
}

/// `GET /static/{file}`
pub async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, AppError> {
    let missing = || AppError::not_found("There is no such file.");
    // The folder is flat. A name that could climb out of it is not looked up.
    let plain = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !plain || name.starts_with('.') || name == "manifest.json" {
        return Err(missing());
    }
    let file = Files::get(&name).ok_or_else(missing)?;
    let etag = etag(&file.metadata.sha256_hash());
    let is_hashed = names().names.values().any(|known| *known == name);
    let caching = if is_hashed {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let shared = [
        (header::ETAG, etag.as_str()),
        (header::CACHE_CONTROL, caching),
    ];
    if text(&headers, &header::IF_NONE_MATCH).is_some_and(|known| known.contains(&etag)) {
        return Ok((StatusCode::NOT_MODIFIED, shared).into_response());
    }
    let kind = [(header::CONTENT_TYPE, content_type(&name))];
    Ok((shared, kind, file.data.into_owned()).into_response())
}

fn etag(hash: &[u8]) -> String {
    let hex: Vec<String> = hash
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{}\"", hex.concat())
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}
