//! The `OpenAPI` 3.1 document, from the route table: it cannot name a route that
//! is not served, and a test refuses a JSON route it does not name.

use std::sync::LazyLock;

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{
    access::Access,
    error::ProblemShape,
    request::is_safe,
    route::{Doc, Route},
    router,
};

/// Problems any JSON route may answer with.
const PROBLEMS: &[u16] = &[400, 422, 500, 503];

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| build(&router::routes()));

/// The document.
pub fn document() -> &'static Value {
    &DOCUMENT
}

fn build(routes: &[Route]) -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let problem = generator.subschema_for::<ProblemShape>();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes {
        let Some(doc) = &route.doc else { continue };
        let operation = operation(route, doc, &problem, &mut generator);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_lowercase()] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Venture CRM",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Errors are problem JSON (RFC 9457) with a stable `code`. Times are UTC milliseconds.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": "crm_session" },
            },
        },
    })
}

fn operation(route: &Route, doc: &Doc, problem: &Schema, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    for (status, schema) in &doc.answers {
        let mut response = json!({ "description": "Done." });
        if let Some(schema) = schema {
            response["content"] = json!({ "application/json": { "schema": schema(generator) } });
            for media_type in doc.files {
                response["content"][*media_type] = json!({ "schema": { "type": "string" } });
            }
        }
        responses.insert(status.to_string(), response);
    }
    let needs_role: &[u16] = if route.access == Access::Public {
        &[]
    } else {
        &[401, 403]
    };
    let takes_body: &[u16] = if doc.body.is_some() { &[413, 415] } else { &[] };
    let is_write = !is_safe(&route.method) && route.access != Access::Public;
    let changes: &[u16] = if is_write { &[429, 507] } else { &[] };
    let common = PROBLEMS
        .iter()
        .chain(needs_role)
        .chain(takes_body)
        .chain(changes);
    for status in common.chain(doc.problems) {
        let problem = json!({
            "description": "It was refused.",
            "content": { "application/problem+json": { "schema": problem } },
        });
        responses.entry(status.to_string()).or_insert(problem);
    }
    let mut operation = json!({
        "operationId": operation_id(route),
        "tags": [doc.tag],
        "summary": doc.summary,
        "description": match route.access {
            Access::Public => "For everybody.",
            Access::Member => "For members and admins.",
            Access::Admin => "For admins.",
        },
        "parameters": parameters(route, doc, generator),
        "responses": responses,
        "security": if needs_role.is_empty() { json!([]) } else { json!([{ "token": [] }, { "session": [] }]) },
    });
    if let Some((media_type, schema)) = &doc.body {
        let mut content = Map::new();
        content.insert(
            (*media_type).to_owned(),
            json!({ "schema": schema(generator) }),
        );
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    operation
}

fn parameters(route: &Route, doc: &Doc, generator: &mut SchemaGenerator) -> Vec<Value> {
    let in_path = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
        });
    let mut parameters: Vec<Value> = in_path.collect();
    let Some(query) = doc.query else {
        return parameters;
    };
    let schema = query(generator).to_value();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        parameters.push(json!({
            "name": name,
            "in": "query",
            "required": required.contains(&json!(name)),
            "schema": schema,
        }));
    }
    parameters
}

/// Such as `get_api_jobs_id`.
fn operation_id(route: &Route) -> String {
    let path: Vec<&str> = route
        .path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
        .collect();
    format!(
        "{}_{}",
        route.method.as_str().to_lowercase(),
        path.join("_")
    )
}
