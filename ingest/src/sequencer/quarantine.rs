//! What is kept of a record that cannot be taken as what it claims to be.

use chat::{Attachment, Content, limits};
use serde_json::{Map, Value};

use crate::draft::{Draft, DraftKey, DraftTarget};
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

/// Returns what is kept of a record that contradicts one before it in the same input.
pub(super) fn of_contradiction(draft: Draft) -> Content {
    let key = match &draft.key {
        DraftKey::Given(key) => key.as_str(),
        DraftKey::Derived => "",
    };
    let remark = format!("the id {key:?} stands for other content earlier in the same input");
    let raw = draft.raw.clone().unwrap_or_else(|| line_of(&draft));
    Content {
        remark: Some(within_limit(remark)),
        raw: Some(raw),
        locator: draft.locator,
        ..Content::default()
    }
}

/// Writes a draft as a line of the line format (contract.md §2), where its own bytes say no more than that.
fn line_of(draft: &Draft) -> Vec<u8> {
    let mut line = Map::new();
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            line.insert(name.to_owned(), Value::String(value.to_owned()));
        }
    };
    put("source", Some(&draft.source));
    let place = draft.place.as_ref();
    put("room", place.map(|place| place.name.as_str()));
    put("room_id", place.and_then(|place| place.foreign_id.as_deref()));
    let actor = draft.actor.as_ref();
    put("sender", actor.map(|actor| actor.name.as_str()));
    put("sender_id", actor.and_then(|actor| actor.foreign_id.as_deref()));
    put("sender_email", actor.and_then(|actor| actor.email.as_deref()));
    put("time", Some(&draft.at.to_string()));
    put("kind", Some(draft.kind.word()));
    put("text", draft.text.as_deref());
    put("rich_text", draft.rich_text.as_deref());
    put("title", draft.title.as_deref());
    put("thread", draft.thread.as_deref());
    if let DraftKey::Given(key) = &draft.key {
        put("id", Some(key));
    }
    if let Some(DraftTarget::Key(key)) = &draft.target {
        put("refers_to", Some(key));
    }
    let mut bytes = Value::Object(line).to_string().into_bytes();
    bytes.truncate(limits::RAW_BYTES_MAX);
    bytes
}
