//! The description of the API, made from the table of routes itself: a route that is not described cannot exist.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use super::route::{Need, Route};
use super::schemas;
use crate::wiring::Shared;

/// Parameters of the query part, by path.
const PARAMETERS: &[(&str, &[(&str, &str)])] = &[
    (
        "/api/v1/search",
        &[
            ("q", "the query (see the manual)"),
            ("order", "newest, oldest or score"),
            ("limit", "hits of a page, up to 1000; 0 only counts"),
            ("cursor", "`next` of the page before"),
            ("context", "events of the room on either side of each hit, up to 10"),
            ("snapshot", "the state of the archive that an earlier search saw"),
            ("zone", "zone of dates in the query"),
        ],
    ),
    ("/api/v1/events/{seq}", &[("context", "neighbours in the room on either side, up to 100")]),
    ("/api/v1/events/{seq}/explain", &[("q", "the query"), ("zone", "zone of dates in the query")]),
    (
        "/api/v1/events/{seq}/proof",
        &[("size", "size of the checkpoint to prove to; the newest if absent")],
    ),
    ("/api/v1/checkpoint", &[("form", "json for an object instead of the note")]),
    (
        "/api/v1/imports",
        &[
            ("name", "file name of a streamed input"),
            ("format", "auto, jsonl, slack or lync-xml"),
            ("source", "name of the source"),
            ("zone", "zone of times that have none"),
            ("check", "true: record nothing"),
            ("coverage", "true: counts by room and day"),
        ],
    ),
    (
        "/api/v1/audit",
        &[
            ("since", "the first date that counts"),
            ("actor", "the officer's or the token's name"),
            ("limit", "acts of a page, up to 1000"),
            ("cursor", "`next` of the page before, or the `seq` of an act"),
            ("zone", "zone of the date"),
        ],
    ),
    ("/api/v1/quarantine", &[("limit", "records at most")]),
];

/// `GET /openapi.json`
pub(super) async fn document(State(shared): State<Shared>) -> Json<Value> {
    let (cookie, _) = crate::auth::guard::cookie(&shared.config.tls);
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in super::table().iter().filter(|route| route.is_api()) {
        let operations = paths.entry(route.path).or_default();
        operations.insert(route.method.as_str().to_lowercase(), operation(route));
    }
    let mut shapes = schemas::components();
    shapes.insert("Problem".to_owned(), problem());
    Json(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Muniment",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Errors are problem documents (RFC 9457) with a stable `type`. POSTs take an Idempotency-Key. Times are RFC 3339 UTC with microseconds.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": cookie },
            },
            "schemas": shapes,
        },
    }))
}

fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "exit"],
        "properties": {
            "type": { "type": "string", "format": "uri" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "exit": { "type": "integer", "description": "the exit code of the command line" },
            "request_id": { "type": "string", "description": "as in the header x-request-id and in the logs" },
        },
    })
}

fn operation(route: &Route) -> Value {
    let needed = match route.need {
        Need::Permission(permission) => format!("the permission `{}`", permission.word()),
        Need::Socket => "to come by the control socket".to_owned(),
        Need::Machine => "to be asked on the machine of the archive".to_owned(),
        Need::Nothing => "nothing".to_owned(),
    };
    let status = match (route.method.as_str(), route.path) {
        (
            "POST",
            "/api/v1/exports" | "/api/v1/imports" | "/api/v1/verifications" | "/api/v1/reindexings",
        ) => "202",
        _ => "200",
    };
    let mut operation = json!({
        "summary": route.summary,
        "description": format!("Needs {needed}."),
        "security": [{ "token": [] }, { "session": [] }],
        "responses": {
            status: { "description": "done, or begun", "content": schemas::answer(route.method.as_str(), route.path) },
            "default": {
                "description": "a problem",
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            },
        },
    });
    if route.method == axum::http::Method::POST
        && let Some(body) = schemas::request(route.path)
    {
        operation["requestBody"] = body;
    }
    let parameters = parameters(route);
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    operation
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path =
        route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<_> = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    let described = PARAMETERS.iter().find(|(path, _)| *path == route.path);
    let takes_query = route.method == axum::http::Method::GET || route.path == "/api/v1/imports";
    for (name, what) in described.filter(|_| takes_query).into_iter().flat_map(|(_, list)| *list) {
        parameters.push(json!({
            "name": name, "in": "query", "description": what, "schema": { "type": "string" },
        }));
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_described_parameter_belongs_to_a_route() {
        for (path, _) in PARAMETERS {
            assert!(super::super::table().iter().any(|route| route.path == *path), "{path}");
        }
    }
}
