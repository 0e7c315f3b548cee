//! One proof as one line of canonical JSON: the opening of an event without the values that its own line holds, and the
//! path to the signed root (proof.md §7, 8).

use archive::proof::Digest;
use archive::proof::claim::Inclusion;
use archive::proof::opening::{Disclosure, Opening};
use archive::record;
use chat::Recorded;
use serde_json::{Value, json};

use crate::format::hex;
use crate::withhold::{self, Withheld, WithheldCounts};

/// Returns the line of a proof, without its line feed.
pub fn write(inclusion: &Inclusion) -> String {
    let path: Vec<_> = inclusion.path.iter().map(|hash| hex::write(hash)).collect();
    let opening = inclusion.opening.to_json_without(&|_| true);
    json!({ "kind": "inclusion", "seq": inclusion.seq, "opening": opening, "path": path })
        .to_string()
}

/// Checks that a line proves this event whole: that it is in the log of this size and root, and that every field that
/// the event's line shows is the one that was recorded. Returns in words why not.
///
/// Fields that are withheld must be among those named; they are counted.
pub(crate) fn check(
    line: &[u8],
    recorded: &Recorded,
    (size, root): (u64, &Digest),
    (named, counts): (&[Withheld], &mut WithheldCounts),
) -> Result<(), String> {
    let value: Value = serde_json::from_slice(line).map_err(|error| format!("no JSON: {error}"))?;
    let fields = record::fields(&recorded.event);
    let elsewhere = |tag| {
        let field = fields.iter().find(|field| field.tag == tag);
        field.map(|field| field.value.clone())
    };
    let inclusion =
        Inclusion::from_json_with(&value, &elsewhere).map_err(|refusal| refusal.to_string())?;
    if write(&inclusion).as_bytes() != line {
        return Err("not in the canonical form of any proof".to_owned());
    }
    let Opening::Open { header, fields: shown, .. } = &inclusion.opening else {
        return Err("it does not show the content of the event".to_owned());
    };
    if inclusion.seq != recorded.seq.get() {
        return Err(format!("it is of event {}", inclusion.seq));
    }
    if *header != record::header(recorded).encode() {
        return Err("the event's header differs from the one that is proven".to_owned());
    }
    let is_shown = |tag| {
        shown
            .iter()
            .any(|field| field.tag == tag && matches!(field.disclosure, Disclosure::Shown { .. }))
    };
    if let Some(field) = fields.iter().find(|field| !is_shown(field.tag)) {
        return Err(format!("field {} of the event is not proven", field.tag));
    }
    inclusion.verify(size, root).map_err(|refusal| refusal.to_string())?;
    withhold::count(&inclusion, named, counts)
}
