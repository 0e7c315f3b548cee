//! What goes in and what comes out, for the description of the API: the bodies of POSTs, and the shapes of answers.

use serde_json::{Map, Value, json};

use super::shapes::{self, list, number, object, required, text};

/// Returns the body that a POST takes, by path; nothing where the path is not known here.
pub(super) fn request(path: &str) -> Option<Value> {
    let schema = match path {
        "/api/v1/events" => return Some(content(&[("application/x-ndjson", line())])),
        "/api/v1/imports" => {
            let binary = json!({ "type": "string", "format": "binary" });
            return Some(content(&[
                ("application/octet-stream", binary.clone()),
                (crate::cli::BUNDLE_MEDIA_TYPE, binary),
            ]));
        }
        "/api/v1/exports" => export(),
        "/api/v1/verifications" => object(&[
            ("since", text("the note of a checkpoint that was kept elsewhere")),
            ("public_key", text("the public key that the one who asks keeps")),
            (
                "authorities",
                text("certificates in PEM that the one who asks trusts to stamp the time"),
            ),
        ]),
        "/api/v1/timestamps" => required(
            object(&[
                ("response", text("the authority's response, DER in base64")),
                (
                    "authorities",
                    text("certificates in PEM; a stamp that leads to none of them is not kept"),
                ),
            ]),
            &["response"],
        ),
        "/api/v1/quarantine/replay" => {
            object(&[("seqs", list(number("the records; all where none is named")))])
        }
        "/api/v1/tokens" => required(
            object(&[
                ("name", text("what it is for")),
                ("scopes", list(text("append, read, export, admin or metrics"))),
            ]),
            &["name", "scopes"],
        ),
        "/api/v1/reindexings" | "/api/v1/sign-in-links" | "/api/v1/backups" => object(&[]),
        _ => return None,
    };
    Some(content(&[("application/json", schema)]))
}

fn export() -> Value {
    object(&[
        (
            "query",
            text("the events that match; exactly one of query, seqs, range and set is given"),
        ),
        ("seqs", list(number("the events by number"))),
        ("range", text("every event from one number to another, such as 100..250")),
        ("room", text("with range: only those of this room, by name or id")),
        ("set", text("the events of an earlier set")),
        (
            "snapshot",
            text("the state in which the query was asked before: snapshot.id of a search"),
        ),
        ("formats", list(text("csv, bundle"))),
        ("context", text("none, thread, day or a number")),
        ("for", text("internal or production")),
        ("withhold", list(text("a field to keep out of every event, such as raw"))),
        ("reason", text("why")),
        ("matter", text("the matter")),
        ("zone", text("zone of dates in the query")),
    ])
}

/// Returns one line of the line format.
fn line() -> Value {
    let people = || list(text("a name"));
    let line = object(&[
        ("source", text("where it comes from")),
        ("room", text("the room")),
        ("sender", text("who")),
        ("time", text("RFC 3339")),
        ("id", text("the source's id; needed by this route")),
        ("text", text("the words")),
        (
            "event",
            text("join, leave, kick, rename, topic, upload, download, history, search or other"),
        ),
        ("sender_id", text("the source's id of the sender")),
        ("sender_email", text("an address of the sender")),
        ("kind", text("message, action, story or alert")),
        ("title", text("the title")),
        ("thread", text("the source's id of the thread")),
        ("reply_to", text("the id that it answers")),
        ("edited_of", text("the id that it is a new version of")),
        ("deleted", json!({ "type": "boolean" })),
        ("category", text("the room's category")),
        ("room_kind", text("room, direct or group")),
        ("members", people()),
        ("attachments", list(json!({ "type": ["object", "string"] }))),
        ("reactions", list(object(&[("value", text("the reaction")), ("senders", people())]))),
    ]);
    let mut line = required(line, &["source", "room", "sender", "time", "id"]);
    line["description"] = "one such object a line".into();
    line
}

/// Returns the content of a successful answer.
pub(super) fn answer(method: &str, path: &str) -> Value {
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let name = match (method, path) {
        ("GET", "/api/v1/checkpoint") => {
            return content_of(&[
                ("text/plain", text("a signed note")),
                ("application/json", reference("Checkpoint")),
            ]);
        }
        ("GET", "/api/v1/events/{seq}/attachments/{number}") => {
            let binary = json!({ "type": "string", "format": "binary" });
            return content_of(&[("application/octet-stream", binary)]);
        }
        ("GET", "/api/v1/exports/{id}/package") => {
            let binary = json!({ "type": "string", "format": "binary" });
            return content_of(&[("application/zip", binary)]);
        }
        ("POST", "/api/v1/events") => "Receipts",
        ("GET", "/api/v1/events/{seq}") => "Event",
        ("GET", "/api/v1/events/{seq}/explain") => "Explanation",
        ("GET", "/api/v1/events/{seq}/proof") => "Proof",
        ("GET", "/api/v1/search") => "Found",
        ("GET", "/api/v1/audit") => "Acts",
        ("GET", "/api/v1/status") => "Status",
        ("GET", "/api/v1/quarantine") => "Quarantine",
        ("GET", "/api/v1/quarantine/{seq}") => "Quarantined",
        ("POST", "/api/v1/quarantine/replay") => "Replayed",
        ("POST", "/api/v1/sign-in-links") => "Link",
        ("POST", "/api/v1/backups") => "BackupGoal",
        ("POST", "/api/v1/timestamps") => "Timestamp",
        ("GET", "/api/v1/timestamps") => "Timestamps",
        ("POST", "/api/v1/tokens") => "Token",
        ("GET", "/api/v1/tokens") => "Tokens",
        ("DELETE", "/api/v1/tokens/{id}") => "Revoked",
        ("GET", "/api/v1/openapi.json") => "Description",
        _ => "Job",
    };
    content_of(&[("application/json", reference(name))])
}

/// Returns the named shapes that answers consist of.
pub(super) fn components() -> Map<String, Value> {
    let shapes = [
        ("Checkpoint", shapes::checkpoint()),
        ("Receipts", shapes::receipts()),
        ("Event", shapes::event()),
        ("Hit", shapes::hit()),
        ("Found", shapes::found()),
        ("Explanation", shapes::explanation()),
        ("Proof", shapes::proof()),
        ("Acts", shapes::acts()),
        ("Status", shapes::whatever("the members that `muniment status --json` prints")),
        ("Quarantine", shapes::quarantine()),
        ("Quarantined", shapes::quarantined_raw()),
        ("Replayed", shapes::replayed()),
        ("Link", shapes::link()),
        ("Timestamp", shapes::timestamp()),
        ("Timestamps", object(&[("timestamps", list(shapes::timestamp()))])),
        ("Token", shapes::token_issued()),
        ("Tokens", shapes::tokens()),
        ("Revoked", shapes::revoked()),
        ("Job", shapes::job()),
        ("BackupGoal", shapes::backup_goal()),
        ("Description", shapes::whatever("an OpenAPI document")),
    ];
    shapes.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect()
}

fn content(forms: &[(&str, Value)]) -> Value {
    json!({ "required": true, "content": content_of(forms) })
}

fn content_of(forms: &[(&str, Value)]) -> Value {
    forms.iter().map(|(form, schema)| ((*form).to_owned(), json!({ "schema": schema }))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_post_of_the_api_says_what_it_takes() {
        for route in super::super::table().iter().filter(|route| route.is_api()) {
            if route.method == axum::http::Method::POST {
                assert!(request(route.path).is_some(), "{route:?}: add its body to schemas.rs");
            }
        }
    }

    #[test]
    fn every_answer_refers_to_a_shape_that_is_described() {
        let shapes = components();
        for route in super::super::table().iter().filter(|route| route.is_api()) {
            let said = answer(route.method.as_str(), route.path).to_string();
            let mut rest = said.as_str();
            while let Some((_, after)) = rest.split_once("#/components/schemas/") {
                let name = after.split('"').next().unwrap();
                assert!(shapes.contains_key(name), "{route:?}: {name}");
                rest = after;
            }
        }
    }
}
