//! What is kept of a record that cannot be taken as what it claims to be.

use chat::{Attachment, ChatEvent, Content, OriginKey, limits};
use serde_json::{Map, Value};

use crate::source::Unreadable;

/// The source of pieces whose own cannot be told.
pub(super) const SOURCE_UNKNOWN: &str = "unknown";

/// Cuts words at a character so that they keep the limit of a remark.
fn within_limit(mut words: String) -> String {
    if words.len() > limits::TITLE_BYTES_MAX {
        let end = words.floor_char_boundary(limits::TITLE_BYTES_MAX);
        words.truncate(end);
    }
    words
}

/// Adds words to the archive's remark on an event.
pub(super) fn add_remark(content: &mut Content, words: &str) {
    let remark = match content.remark.take() {
        Some(before) => format!("{before}; {words}"),
        None => words.to_owned(),
    };
    content.remark = Some(within_limit(remark));
}

/// Returns what is kept of an unreadable piece.
pub(super) fn of_piece(piece: Unreadable, file: Option<Box<Attachment>>) -> Content {
    let mut raw = piece.raw;
    let mut remark = piece.reason;
    if raw.len() > limits::RAW_BYTES_MAX {
        raw.truncate(limits::RAW_BYTES_MAX);
        remark.push_str("; the record holds its beginning, the attached file all of it");
    }
    Content {
        remark: Some(within_limit(remark)),
        locator: Some(within_limit(piece.locator)),
        raw: Some(raw),
        attachments: file.map(|file| *file).into_iter().collect(),
        ..Content::default()
    }
}

/// Returns what is kept of a record that contradicts one before it in the same input: its own bytes where they are to be had.
pub(super) fn of_contradiction(
    event: &ChatEvent,
    source: &str,
    own: Option<Vec<u8>>,
    locator: Option<String>,
) -> Content {
    let key = match event.origin.as_ref().map(|origin| &origin.key) {
        Some(OriginKey::Given(key)) => key.as_str(),
        Some(OriginKey::Derived { .. }) | None => "",
    };
    let remark = format!("the id {key:?} stands for other content earlier in the same input");
    let raw =
        own.or_else(|| event.content.raw.clone()).unwrap_or_else(|| line_of(event, source, key));
    Content {
        remark: Some(within_limit(remark)),
        raw: Some(raw),
        locator: locator.map(within_limit),
        ..Content::default()
    }
}

/// Writes an event as a line of the line format (contract.md §2), where there are no bytes of its own.
fn line_of(event: &ChatEvent, source: &str, key: &str) -> Vec<u8> {
    let mut line = Map::new();
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            line.insert(name.to_owned(), Value::String(value.to_owned()));
        }
    };
    put("source", Some(source));
    put("room", event.place.as_ref().map(|place| place.name.as_str()));
    let actor = event.actor.as_ref();
    put("sender", actor.map(|actor| actor.name.as_str()));
    put("sender_id", actor.and_then(|actor| actor.foreign_id.as_deref()));
    put("sender_email", actor.and_then(|actor| actor.email.as_deref()));
    put("time", Some(&event.at.to_string()));
    put("kind", Some(event.kind.word()));
    put("text", event.content.text.as_deref());
    put("rich_text", event.content.rich_text.as_deref());
    put("title", event.content.title.as_deref());
    put("thread", event.content.thread.as_deref());
    put("id", Some(key));
    let mut bytes = Value::Object(line).to_string().into_bytes();
    bytes.truncate(limits::RAW_BYTES_MAX);
    bytes
}
