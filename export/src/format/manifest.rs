//! `manifest.json`: what the package is, what it was made from, and the hash of every other file.
//!
//! Members stand in the order of these structs. What `production` leaves out has no member at all.

use std::collections::BTreeMap;

use chat::{ArchiveId, RoomId, Seq, SourceId};
use serde::{Deserialize, Serialize};

use crate::complete::{self, AbsentCounts};
use crate::format::hex;
use crate::ranges::SeqRanges;
use crate::withhold::{Withheld, WithheldCounts};

/// What the manifest says it is.
pub(crate) const FORMAT: &str = "muniment export package v1";
/// The name of the manifest in a package.
pub(crate) const MANIFEST: &str = "manifest.json";
/// The note that signs it.
pub(crate) const SIGNATURE: &str = "manifest.sig";
/// The list of hashes in the form that `sha256sum -c` reads.
pub(crate) const SUMS: &str = "SHA256SUMS";
/// The first line of the signed note (proof.md §6).
pub(crate) const NOTE_TITLE: &str = "muniment manifest v1";

/// The manifest as it stands in the package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) format: String,
    pub(crate) archive_id: String,
    pub(crate) public_key: String,
    pub(crate) demo: bool,
    pub(crate) purpose: String,
    pub(crate) who: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) matter: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<Query>,
    pub(crate) tool_version: String,
    pub(crate) set: Set,
    pub(crate) snapshot: Tree,
    pub(crate) checkpoint: Tree,
    pub(crate) counts: Counts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_searched: Option<NotSearched>,
    pub(crate) source_names: BTreeMap<String, String>,
    pub(crate) room_categories: BTreeMap<String, String>,
    pub(crate) formats: Vec<FormatPart>,
    pub(crate) files: Vec<FilePart>,
}

/// The query as typed and as understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    pub(crate) text: String,
    pub(crate) interpreted: String,
}

/// The frozen set: lists of sequence numbers as `1-5,9`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Set {
    pub(crate) id: String,
    pub(crate) frozen_at: String,
    pub(crate) context: String,
    pub(crate) seqs: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hits: Option<String>,
    pub(crate) related: String,
    /// Events of the set that the archive could no longer give, such as destroyed ones; each is an exception.
    pub(crate) unavailable: String,
    /// Words of the fields that are kept out of every event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) withheld: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) complete: Option<Complete>,
}

/// The range that the rows are all of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Complete {
    /// `log` or `room`.
    pub(crate) of: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) room: Option<String>,
    pub(crate) first: u64,
    pub(crate) last: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<u64>,
    /// Events of the range that are no rows, and the room's neighbours.
    pub(crate) absent: String,
}

/// A size of the log and the root of the tree over it, in hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tree {
    pub(crate) size: u64,
    pub(crate) root: String,
}

/// How much of everything the package holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counts {
    pub(crate) events: u64,
    pub(crate) related: u64,
    pub(crate) attachments: u64,
    pub(crate) exceptions: u64,
    pub(crate) by_kind: BTreeMap<String, u64>,
    pub(crate) by_source: BTreeMap<String, u64>,
    /// Values that are kept out, by field.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) withheld: WithheldCounts,
    /// Events of the range that are no rows, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) absent: AbsentCounts,
}

/// What the search could not look into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotSearched {
    pub(crate) attachments_without_text: u64,
    pub(crate) quarantined: u64,
}

/// One format of the package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FormatPart {
    pub(crate) format: String,
    pub(crate) rows: u64,
    pub(crate) files: Vec<String>,
}

/// One file of the package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilePart {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

impl Complete {
    /// Returns a range as it stands in a manifest or a set.
    pub(crate) fn of(complete: &complete::Complete, absent: &SeqRanges) -> Self {
        let word = if complete.room.is_some() { "room" } else { "log" };
        Self {
            of: word.to_owned(),
            room: complete.room.map(|room| room.to_string()),
            first: complete.first.get(),
            last: complete.last.get(),
            before: complete.before.map(Seq::get),
            after: complete.after.map(Seq::get),
            absent: absent.to_string(),
        }
    }

    /// Reads the range back, without the events that are no rows; nothing if it is none.
    pub(crate) fn thaw(&self) -> Option<complete::Complete> {
        let beside = |seq: Option<u64>| seq.map_or(Some(None), |seq| Seq::new(seq).map(Some));
        let room = self.room.as_deref().map(str::parse).transpose().ok()?;
        let is_whole = match self.of.as_str() {
            "room" => room.is_some(),
            "log" => room.is_none() && self.before.is_none() && self.after.is_none(),
            _ => false,
        };
        is_whole.then_some(complete::Complete {
            room,
            first: Seq::new(self.first)?,
            last: Seq::new(self.last)?,
            before: beside(self.before)?,
            after: beside(self.after)?,
            absent: Vec::new(),
        })
    }
}

impl Tree {
    /// Returns a size and its root.
    pub(crate) fn of(size: u64, root: &[u8; 32]) -> Self {
        Self { size, root: hex::write(root) }
    }
}

impl Manifest {
    /// Returns the bytes of the file.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self)
            .expect("strings, numbers and maps with text keys always serialise");
        bytes.push(b'\n');
        bytes
    }

    /// Returns the text that is signed, for a manifest of this hash.
    pub(crate) fn note_text(sha256: &str) -> String {
        format!("{NOTE_TITLE}\n{sha256}\n")
    }

    /// Returns the lines of `SHA256SUMS`: every file of the manifest, the manifest and its signature, by name.
    pub(crate) fn sums(&self, manifest_sha256: &str, signature_sha256: &str) -> String {
        let files = self.files.iter().map(|file| (file.path.as_str(), file.sha256.as_str()));
        let mut lines: BTreeMap<&str, &str> = files.collect();
        lines.insert(MANIFEST, manifest_sha256);
        lines.insert(SIGNATURE, signature_sha256);
        let parts = lines.iter().flat_map(|(path, sha256)| [*sha256, "  ", *path, "\n"]);
        parts.collect()
    }

    /// Returns what the tables are made from, or what is wrong with the manifest.
    pub(crate) fn facts(&self) -> Result<Facts, String> {
        let ranges = |name: &str, text: &str| {
            text.parse::<SeqRanges>().map_err(|error| format!("{name}: {error}"))
        };
        Ok(Facts {
            archive: self.archive_id.parse().map_err(|_| "archive_id is no archive id")?,
            seqs: ranges("seqs", &self.set.seqs)?,
            hits: self.set.hits.as_deref().map(|text| ranges("hits", text)).transpose()?,
            related: ranges("related", &self.set.related)?,
            unavailable: ranges("unavailable", &self.set.unavailable)?,
            source_names: ids(&self.source_names).ok_or("source_names holds no source id")?,
            room_categories: ids(&self.room_categories)
                .ok_or("room_categories holds no room id")?,
            withheld: fields(&self.set.withheld).ok_or("withheld names no field")?,
            absent: match &self.set.complete {
                Some(complete) => ranges("absent", &complete.absent)?,
                None => SeqRanges::default(),
            },
            complete: match &self.set.complete {
                Some(complete) => Some(complete.thaw().ok_or("complete is no range")?),
                None => None,
            },
        })
    }
}

/// Returns names with their ids as text, as they stand in a manifest.
pub(crate) fn texts<K: ToString>(names: &BTreeMap<K, String>) -> BTreeMap<String, String> {
    names.iter().map(|(id, name)| (id.to_string(), name.clone())).collect()
}

/// Reads names and their ids back; nothing if one is no id.
pub(crate) fn ids<K: std::str::FromStr + Ord>(
    names: &BTreeMap<String, String>,
) -> Option<BTreeMap<K, String>> {
    names.iter().map(|(id, name)| Some((id.parse().ok()?, name.clone()))).collect()
}

/// Returns fields as words.
pub(crate) fn words(fields: &[Withheld]) -> Vec<String> {
    fields.iter().map(|field| field.word().to_owned()).collect()
}

/// Reads words of fields, each once and in order; nothing if they are not.
pub(crate) fn fields(words: &[String]) -> Option<Vec<Withheld>> {
    let fields = words.iter().map(|word| Withheld::from_word(word));
    let fields: Vec<_> = fields.collect::<Option<_>>()?;
    fields.is_sorted_by(|a, b| a < b).then_some(fields)
}

/// What of the manifest the tables depend on.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) archive: ArchiveId,
    pub(crate) seqs: SeqRanges,
    pub(crate) hits: Option<SeqRanges>,
    pub(crate) related: SeqRanges,
    pub(crate) unavailable: SeqRanges,
    pub(crate) source_names: BTreeMap<SourceId, String>,
    pub(crate) room_categories: BTreeMap<RoomId, String>,
    pub(crate) withheld: Vec<Withheld>,
    pub(crate) absent: SeqRanges,
    /// Its own list of those that are no rows is empty: that is `absent`.
    pub(crate) complete: Option<complete::Complete>,
}
