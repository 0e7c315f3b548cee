//! The file of a frozen set: one JSON object on one line, version 1. Its members stand in the order of these structs, so
//! that one set has one file, and the id is a hash of it.

use std::collections::BTreeMap;

use chat::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::format::hex;
use crate::ranges::SeqRanges;
use crate::set::{NotSearched, Purpose, QueryWords, Selection, SetId, Size};

/// What the file says it is.
const FORMAT: &str = "muniment export set v1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    id: String,
    set: Frozen,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Frozen {
    archive_id: String,
    public_key: String,
    demo: bool,
    nonce: String,
    seqs: String,
    hits: Option<String>,
    context: String,
    related: String,
    snapshot: FrozenSize,
    checkpoint: String,
    query: Option<FrozenQuery>,
    who: String,
    why: Option<String>,
    matter: Option<String>,
    purpose: String,
    at_micros: i64,
    tool_version: String,
    not_searched: FrozenNotSearched,
    source_names: BTreeMap<String, String>,
    room_categories: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FrozenSize {
    size: u64,
    root: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FrozenQuery {
    text: String,
    interpreted: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FrozenNotSearched {
    attachments_without_text: u64,
    quarantined: u64,
}

/// Returns the id of a selection.
pub(crate) fn id_of(selection: &Selection) -> SetId {
    let digest = Sha256::digest(bytes_of(&freeze(selection)));
    let mut id = [0; 12];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    SetId::from_bytes(id)
}

/// Returns the bytes of a set's file.
pub(crate) fn encode(id: SetId, selection: &Selection) -> Vec<u8> {
    let file = File { format: FORMAT.to_owned(), id: id.to_string(), set: freeze(selection) };
    let mut bytes = bytes_of(&file);
    bytes.push(b'\n');
    bytes
}

/// Returns the id that a file bears and the selection it holds.
pub(crate) fn decode(bytes: &[u8]) -> Result<(String, Selection)> {
    let refuse = |fault: String| Error::SetMalformed { fault };
    let file: File = serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))?;
    if file.format != FORMAT {
        return Err(refuse(format!("format {:?}, {FORMAT:?} expected", file.format)));
    }
    let selection = thaw(file.set).map_err(refuse)?;
    Ok((file.id, selection))
}

fn bytes_of(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("strings, numbers and maps with text keys always serialise")
}

fn freeze(selection: &Selection) -> Frozen {
    let list = |seqs: &Vec<_>| SeqRanges::of(seqs).to_string();
    Frozen {
        archive_id: selection.archive.to_string(),
        public_key: selection.public_key.clone(),
        demo: selection.demo,
        nonce: hex::write(&selection.nonce),
        seqs: list(&selection.seqs),
        hits: selection.hits.as_ref().map(list),
        context: selection.context.clone(),
        related: list(&selection.related),
        snapshot: FrozenSize {
            size: selection.snapshot.size,
            root: hex::write(&selection.snapshot.root),
        },
        checkpoint: selection.checkpoint.clone(),
        query: selection.query.as_ref().map(|query| FrozenQuery {
            text: query.text.clone(),
            interpreted: query.interpreted.clone(),
        }),
        who: selection.who.clone(),
        why: selection.why.clone(),
        matter: selection.matter.clone(),
        purpose: selection.purpose.word().to_owned(),
        at_micros: selection.frozen_at.micros(),
        tool_version: selection.tool_version.clone(),
        not_searched: FrozenNotSearched {
            attachments_without_text: selection.not_searched.attachments_without_text,
            quarantined: selection.not_searched.quarantined,
        },
        source_names: texts(&selection.source_names),
        room_categories: texts(&selection.room_categories),
    }
}

fn texts<K: ToString>(names: &BTreeMap<K, String>) -> BTreeMap<String, String> {
    names.iter().map(|(id, name)| (id.to_string(), name.clone())).collect()
}

fn thaw(set: Frozen) -> Result<Selection, String> {
    let digits = |name: &str| format!("{name} is not lower-case hex of its length");
    Ok(Selection {
        archive: set.archive_id.parse().map_err(words)?,
        public_key: set.public_key,
        demo: set.demo,
        nonce: hex::read_array(&set.nonce).ok_or_else(|| digits("nonce"))?,
        seqs: unfold(&set.seqs)?,
        hits: set.hits.as_deref().map(unfold).transpose()?,
        context: set.context,
        related: unfold(&set.related)?,
        snapshot: Size {
            size: set.snapshot.size,
            root: hex::read_array(&set.snapshot.root).ok_or_else(|| digits("root"))?,
        },
        checkpoint: set.checkpoint,
        query: set
            .query
            .map(|query| QueryWords { text: query.text, interpreted: query.interpreted }),
        who: set.who,
        why: set.why,
        matter: set.matter,
        purpose: Purpose::from_word(&set.purpose)
            .ok_or_else(|| format!("purpose {:?}, internal or production expected", set.purpose))?,
        frozen_at: Timestamp::from_micros(set.at_micros),
        tool_version: set.tool_version,
        not_searched: NotSearched {
            attachments_without_text: set.not_searched.attachments_without_text,
            quarantined: set.not_searched.quarantined,
        },
        source_names: ids(set.source_names)?,
        room_categories: ids(set.room_categories)?,
    })
}

/// How many numbers a set may hold: more than any archive of one machine has.
const SEQS_MAX: u64 = 1 << 32;

fn unfold(text: &str) -> Result<Vec<chat::Seq>, String> {
    let ranges: SeqRanges = text.parse().map_err(words)?;
    match ranges.count() {
        count if count > SEQS_MAX => Err(format!("{count} events, at most {SEQS_MAX} expected")),
        _ => Ok(ranges.iter().collect()),
    }
}

fn ids<K: std::str::FromStr<Err = chat::id::IdError> + Ord>(
    names: BTreeMap<String, String>,
) -> Result<BTreeMap<K, String>, String> {
    names.into_iter().map(|(id, name)| Ok((id.parse().map_err(words)?, name))).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "it stands where map_err hands a value over")]
fn words(error: impl ToString) -> String {
    error.to_string()
}
