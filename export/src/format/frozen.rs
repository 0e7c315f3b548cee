//! The file of a frozen set: one JSON object on one line, version 1. Its members stand in the order of these structs, so
//! that one set has one file, and the id is a hash of it.

use std::collections::BTreeMap;

use chat::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::complete::Complete;
use crate::error::{Error, Result};
use crate::format::hex;
use crate::format::manifest::{self, Query, Tree};
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
    snapshot: Tree,
    checkpoint: String,
    query: Option<Query>,
    who: String,
    why: Option<String>,
    matter: Option<String>,
    purpose: String,
    at_micros: i64,
    tool_version: String,
    not_searched: manifest::NotSearched,
    source_names: BTreeMap<String, String>,
    room_categories: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    withheld: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    complete: Option<manifest::Complete>,
}

/// Returns the id of a selection.
pub(crate) fn id_of(selection: &Selection) -> SetId {
    id_of_frozen(&freeze(selection))
}

fn id_of_frozen(set: &Frozen) -> SetId {
    let digest = Sha256::digest(bytes_of(set));
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
///
/// The id is judged before any list of numbers is unfolded: a few damaged digits may stand for thousands of millions.
pub(crate) fn decode(bytes: &[u8]) -> Result<(String, Selection)> {
    let refuse = |fault: String| Error::SetMalformed { fault };
    let file: File = serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))?;
    if file.format != FORMAT {
        return Err(refuse(format!("format {:?}, {FORMAT:?} expected", file.format)));
    }
    let expected = id_of_frozen(&file.set).to_string();
    if file.id != expected {
        return Err(Error::SetAltered { expected, found: file.id });
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
        snapshot: Tree::of(selection.snapshot.size, &selection.snapshot.root),
        checkpoint: selection.checkpoint.clone(),
        query: selection.query.as_ref().map(|query| Query {
            text: query.text.clone(),
            interpreted: query.interpreted.clone(),
        }),
        who: selection.who.clone(),
        why: selection.why.clone(),
        matter: selection.matter.clone(),
        purpose: selection.purpose.word().to_owned(),
        at_micros: selection.frozen_at.micros(),
        tool_version: selection.tool_version.clone(),
        not_searched: manifest::NotSearched {
            attachments_without_text: selection.not_searched.attachments_without_text,
            quarantined: selection.not_searched.quarantined,
        },
        source_names: manifest::texts(&selection.source_names),
        room_categories: manifest::texts(&selection.room_categories),
        withheld: manifest::words(&selection.withheld),
        complete: selection
            .complete
            .as_ref()
            .map(|complete| manifest::Complete::of(complete, &SeqRanges::of(&complete.absent))),
    }
}

fn thaw(set: Frozen) -> Result<Selection, String> {
    let digits = |name: &str| format!("{name} is not lower-case hex of its length");
    let unfold = |text: &str| unfold(text, set.snapshot.size);
    Ok(Selection {
        archive: set.archive_id.parse().map_err(words)?,
        public_key: set.public_key,
        demo: set.demo,
        nonce: hex::read_array(set.nonce.as_bytes()).ok_or_else(|| digits("nonce"))?,
        seqs: unfold(&set.seqs)?,
        hits: set.hits.as_deref().map(&unfold).transpose()?,
        context: set.context,
        related: unfold(&set.related)?,
        snapshot: Size {
            size: set.snapshot.size,
            root: hex::read_array(set.snapshot.root.as_bytes()).ok_or_else(|| digits("root"))?,
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
        source_names: manifest::ids(&set.source_names).ok_or("source_names holds no source id")?,
        room_categories: manifest::ids(&set.room_categories)
            .ok_or("room_categories holds no room id")?,
        withheld: manifest::fields(&set.withheld).ok_or("withheld names no field")?,
        complete: match set.complete {
            Some(complete) => Some(Complete {
                absent: unfold(&complete.absent)?,
                ..complete.thaw().ok_or("complete is no range")?
            }),
            None => None,
        },
    })
}

/// How many numbers a set may hold: more than any archive of one machine has.
const SEQS_MAX: u64 = 1 << 32;

/// Returns the numbers of a list, each of which has its event in a log of so many.
fn unfold(text: &str, events: u64) -> Result<Vec<chat::Seq>, String> {
    let ranges: SeqRanges = text.parse().map_err(words)?;
    if let Some((_, last)) = ranges.ends().filter(|(_, last)| last.get() > events) {
        return Err(format!("event {last} of a log of {events} events"));
    }
    match ranges.count() {
        count if count > SEQS_MAX => Err(format!("{count} events, at most {SEQS_MAX} expected")),
        _ => Ok(ranges.iter().collect()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands where map_err hands a value over")]
fn words(error: impl ToString) -> String {
    error.to_string()
}
