//! The shapes of answers, as JSON Schema, for the description of the API.

use serde_json::{Map, Value, json};

/// Returns the shape of a checkpoint.
pub(super) fn checkpoint() -> Value {
    object(&[
        ("size", number("events")),
        ("root", hex()),
        ("note", text("the signed note")),
        (
            "timestamp_request",
            text("a request for a time stamp of the note (RFC 3161), DER in base64"),
        ),
    ])
}

/// Returns the shape of a time stamp.
pub(super) fn timestamp() -> Value {
    object(&[
        ("size", number("events of the checkpoint that is stamped")),
        ("response", text("the authority's response, DER in base64")),
        ("at", text("when, RFC 3339")),
        ("accuracy_micros", number("how far off that may be")),
        ("authority", text("the name in its certificate")),
        ("certificate_sha256", hex()),
        ("serial", text("its number of the stamp, in hex")),
        ("trusted", flag()),
        ("fault", text("why it does not hold any more")),
    ])
}

/// Returns the shape of an explanation.
pub(super) fn explanation() -> Value {
    let clause = object(&[
        ("clause", text("the clause")),
        ("matched", flag()),
        ("why", text("why, or why not")),
    ]);
    object(&[
        ("seq", number("the event")),
        ("query", text("as typed")),
        ("interpreted", text("as understood")),
        ("matched", flag()),
        ("clauses", list(clause)),
    ])
}

/// Returns the shape of a proof of one event.
pub(super) fn proof() -> Value {
    object(&[
        ("seq", number("the event")),
        ("leaf", hex()),
        ("public_key", text("the archive's key")),
        ("proof", whatever("size, inclusion and the signed checkpoint")),
    ])
}

/// Returns the shape of a page of officers' acts.
pub(super) fn acts() -> Value {
    object(&[("acts", list(act())), ("next", optional("where the next page begins"))])
}

/// Returns the shape of a list of records in quarantine.
pub(super) fn quarantine() -> Value {
    object(&[("count", number("all of them")), ("records", list(quarantined(&[])))])
}

/// Returns the shape of one record in quarantine.
pub(super) fn quarantined_raw() -> Value {
    quarantined(&[("raw_text", text("the record, as text")), ("raw_hex", hex())])
}

/// Returns the shape of what a second try brought.
pub(super) fn replayed() -> Value {
    object(&[
        ("tried", number("records")),
        ("understood", number("records that are events now")),
        ("quarantined", number("records that are not")),
    ])
}

/// Returns the shape of a link that signs in.
pub(super) fn link() -> Value {
    object(&[
        ("id", text("its name")),
        ("officer", text("whom it signs in")),
        ("link", text("the address; it works once")),
        ("minutes", number("for so long")),
    ])
}

/// Returns the shape of what a backup is to reach.
pub(super) fn backup_goal() -> Value {
    object(&[
        ("archive_id", text("of which archive")),
        ("public_key", text("the key that signs its checkpoints")),
        ("taken_at", text("when")),
        ("checkpoint", text("the signed note")),
        ("size", number("events under it")),
        ("root", text("the root of their tree, in hexadecimal digits")),
        (
            "counted",
            object(&[
                ("events", number("events that the counts cover")),
                ("rooms", whatever("events of each room, by its id")),
            ]),
        ),
    ])
}

/// Returns the shape of a token that was issued just now.
pub(super) fn token_issued() -> Value {
    token(&[("token", text("the secret, shown this once"))])
}

/// Returns the shape of the list of tokens.
pub(super) fn tokens() -> Value {
    let token = token(&[
        ("issued_at", text("RFC 3339")),
        ("revoked_at", optional("RFC 3339; null while it counts")),
    ]);
    object(&[("tokens", list(token))])
}

/// Returns the shape of a revocation.
pub(super) fn revoked() -> Value {
    object(&[("id", text("its id")), ("name", text("its name")), ("revoked", flag())])
}

/// Returns the shape of a job.
pub(super) fn job() -> Value {
    object(&[
        ("id", text("its id")),
        ("address", text("where it is shown")),
        ("started_at", text("RFC 3339")),
        ("done", number("how much is done")),
        ("total", number("of how much; 0 is unknown")),
        ("state", text("running, done or failed")),
        ("result", whatever("once it is done")),
        ("problem", json!({ "$ref": "#/components/schemas/Problem" })),
    ])
}

/// Returns the shape of an object whose members are not listed here.
pub(super) fn whatever(what: &str) -> Value {
    json!({ "type": "object", "description": what })
}

/// Returns the shape of what became of posted events.
pub(super) fn receipts() -> Value {
    let receipt = object(&[
        ("seq", number("its place in the log")),
        ("leaf", optional("its leaf in the tree")),
        ("recorded_at", text("RFC 3339")),
        ("verdict", text("accepted, revised, duplicate or quarantined")),
    ]);
    object(&[
        ("accepted", number("events")),
        ("revised", number("events with a new text at a known id")),
        ("duplicates", number("events that were there")),
        ("quarantined", number("lines that could not be understood")),
        ("receipts", list(receipt)),
    ])
}

fn room() -> Value {
    nullable(object(&[
        ("id", text("its id")),
        ("name", text("its name then")),
        ("place_seq", number("place in the room")),
    ]))
}

fn actor() -> Value {
    nullable(object(&[
        ("id", text("the id")),
        ("name", text("the name then")),
        ("foreign_id", optional("the source's id")),
        ("email", optional("the address then")),
    ]))
}

fn file() -> Value {
    object(&[
        ("number", number("from 0")),
        ("name", text("as given")),
        ("media_type", optional("as given")),
        ("custody", text("held, or missing and why")),
        ("sha256", optional("of the bytes held")),
        ("bytes", json!({ "type": ["integer", "null"] })),
    ])
}

fn act_facts() -> Value {
    json!({ "type": "object", "required": ["verb"], "properties": { "verb": text("what was done") }, "additionalProperties": true })
}

/// Returns what an event and a hit have in common.
fn common_members() -> Vec<(&'static str, Value)> {
    vec![
        ("seq", number("its place in the log")),
        ("event_id", text("how it is cited")),
        ("kind", text("the word for its kind")),
        ("at", text("when it happened, RFC 3339")),
        ("source", optional("the name of its source")),
        ("room", room()),
        ("actor", actor()),
        ("text", optional("the words")),
        ("title", optional("the title")),
        ("attachments", list(file())),
        ("act", act_facts()),
    ]
}

/// Returns the shape of an event with what surrounds it.
pub(super) fn event() -> Value {
    let events = || list(json!({ "$ref": "#/components/schemas/Event" }));
    let mut members = common_members();
    members.extend([
        ("recorded_at", text("RFC 3339")),
        ("thread", optional("the source's id of its thread")),
        ("edited_at", optional("RFC 3339")),
        ("remark", optional("the archive's remark")),
        ("locator", optional("where in its input it stood")),
        ("target", json!({ "type": ["integer", "null"], "description": "the event that it edits, retracts or answers" })),
        ("former", json!({ "type": "object", "description": "facts of its act as they were before" })),
        ("versions", events()),
        ("before", events()),
        ("after", events()),
        ("raw_text", optional("the foreign record")),
        ("leaf", hex()),
        ("proof", json!({ "type": "object" })),
    ]);
    object(&members)
}

/// Returns the shape of one match.
pub(super) fn hit() -> Value {
    let ranges = || json!({ "type": "array", "items": { "type": "array", "items": { "type": "integer" }, "minItems": 2, "maxItems": 2 } });
    let events = || list(json!({ "$ref": "#/components/schemas/Event" }));
    let mut members = common_members();
    members.extend([
        ("files", list(text("the name of a file"))),
        ("highlights", ranges()),
        (
            "highlights_in",
            list(object(&[
                ("part", text("title, topic or file")),
                ("number", number("of the file")),
                ("ranges", ranges()),
            ])),
        ),
        ("before", events()),
        ("after", events()),
    ]);
    object(&members)
}

/// Returns the shape of what a search found.
pub(super) fn found() -> Value {
    object(&[
        ("query", text("as typed")),
        ("interpreted", text("as understood, dates as ranges")),
        (
            "snapshot",
            object(&[
                ("id", text("to search it again")),
                ("size", number("events")),
                ("root", hex()),
            ]),
        ),
        ("count", number("all matches")),
        ("hits", list(json!({ "$ref": "#/components/schemas/Hit" }))),
        ("next", optional("where the next page begins")),
        (
            "not_searched",
            object(&[
                ("attachments_without_text", number("events")),
                ("quarantined", number("records")),
            ]),
        ),
        ("destroyed_since", number("hits of this page")),
        ("warnings", list(text("a warning"))),
        ("took_ms", json!({ "type": "number" })),
    ])
}

fn act() -> Value {
    object(&[
        ("seq", number("its place in the log")),
        ("event_id", text("how it is cited")),
        ("at", text("RFC 3339")),
        ("actor", actor()),
        ("act", act_facts()),
    ])
}

fn quarantined(more: &[(&str, Value)]) -> Value {
    let members = [
        ("seq", number("its place in the log")),
        ("recorded_at", text("RFC 3339")),
        ("locator", optional("where in its input it stood")),
        ("reason", optional("why it could not be understood")),
        ("bytes", json!({ "type": ["integer", "null"] })),
    ];
    object(&[&members[..], more].concat())
}

fn token(more: &[(&str, Value)]) -> Value {
    let members = [
        ("id", text("its id")),
        ("name", text("what it is for")),
        ("scopes", list(text("append, read, export, admin or metrics"))),
    ];
    object(&[&members[..], more].concat())
}

/// Returns the shape of an object with these members.
pub(super) fn object(members: &[(&str, Value)]) -> Value {
    let properties: Map<String, Value> =
        members.iter().map(|(name, shape)| ((*name).to_owned(), shape.clone())).collect();
    json!({ "type": "object", "properties": properties })
}

/// Returns an object that must have these members.
pub(super) fn required(mut object: Value, names: &[&str]) -> Value {
    object["required"] = names.iter().copied().collect();
    object
}

fn nullable(mut object: Value) -> Value {
    object["type"] = json!(["object", "null"]);
    object
}

/// Returns the shape of a list.
pub(super) fn list(items: impl Into<Value>) -> Value {
    json!({ "type": "array", "items": items.into() })
}

/// Returns the shape of words.
pub(super) fn text(what: &str) -> Value {
    json!({ "type": "string", "description": what })
}

fn optional(what: &str) -> Value {
    json!({ "type": ["string", "null"], "description": what })
}

/// Returns the shape of a count.
pub(super) fn number(what: &str) -> Value {
    json!({ "type": "integer", "minimum": 0, "description": what })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

fn hex() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]*$" })
}
