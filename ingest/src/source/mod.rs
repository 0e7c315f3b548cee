//! Foreign formats, one pure parser each: bytes in, drafts or unreadable pieces out.
//!
//! No parser panics, whatever it is fed, and none holds more than one record (or one document of
//! [`chat::limits::DOCUMENT_BYTES_MAX`]) in memory.

use std::io::Read;
use std::path::PathBuf;

use chat::limits;

use crate::draft::{Draft, DraftFile, DraftPerson, FileContent};
use crate::error::Result;

pub mod jsonl;
pub mod lines;
pub mod lync;
pub mod slack;

mod fault;
mod moment;
mod word;

pub use self::moment::Zone;

/// How the remark on a version begins that was kept from the record that replaced it.
pub(crate) const FORMER_REMARK: &str = "kept from the record that replaced it";

/// Something that yields drafts until its bytes end.
///
/// After an `Err` nothing more follows: what came before it stands, and the run can be repeated. A piece that cannot be
/// understood is no error but [`Sourced::Unreadable`]; the rest goes on. Not to be called from several threads at once.
pub trait EventSource {
    /// Returns the name of the format, as `--format` takes it.
    fn format(&self) -> &'static str;

    /// Returns the next draft or unreadable piece, in the order of the input.
    fn next(&mut self) -> Option<Result<Sourced>>;

    /// Returns the persons that the input lists, whether they wrote or not. They are handed over once.
    fn take_identities(&mut self) -> Identities {
        Identities::default()
    }

    /// Opens a file of the input that a draft names as [`FileContent::Member`]; nothing if there is none.
    fn open_member(&mut self, _name: &str) -> Result<Option<Box<dyn Read + '_>>> {
        Ok(None)
    }
}

/// The persons that an input lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identities {
    /// The source that they belong to.
    pub source: String,
    /// The persons, in the order of the input.
    pub persons: Vec<Identity>,
}

/// One person and every other name that the source has for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The person as events name them.
    pub person: DraftPerson,
    /// Further names.
    pub also: Vec<String>,
}

/// One piece of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sourced {
    /// An event.
    Draft(Box<Draft>),
    /// Bytes that are no event.
    Unreadable(Unreadable),
}

/// A piece of an input that could not be understood; it is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The source that the input was given as or says it is, where that is known.
    pub source: Option<String>,
    /// The bytes, at most [`limits::LINE_BYTES_MAX`] of them.
    pub raw: Vec<u8>,
    /// Where they stood: a file and a line.
    pub locator: String,
    /// What was wrong first.
    pub reason: String,
}

/// What a parser is told from outside.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// The source's name, where it is not to be taken from the input.
    pub source: Option<String>,
    /// The folder that local copies of files may be taken from. Nothing outside of it is ever read.
    pub attachments: Option<PathBuf>,
    /// The zone of times that have no offset.
    pub zone: Option<Zone>,
}

/// Holds a draft against the limits; one that breaks them becomes an unreadable piece with the record's own bytes.
pub(crate) fn admit(draft: Box<Draft>, raw: &[u8]) -> Sourced {
    match draft.check() {
        Ok(()) => Sourced::Draft(draft),
        Err(refusal) => Sourced::Unreadable(Unreadable {
            source: Some(draft.source).filter(|name| name.len() <= limits::NAME_BYTES_MAX),
            raw: raw.get(..limits::LINE_BYTES_MAX).unwrap_or(raw).to_vec(),
            locator: draft.locator.map(|at| at.to_string()).unwrap_or_default(),
            reason: refusal.to_string(),
        }),
    }
}

/// Returns where a file is that the input names by a relative path, never outside of the folder; or why it is not taken.
pub(crate) fn within(folder: &std::path::Path, name: &str) -> Result<PathBuf, String> {
    use std::path::Component;
    let shown = || name.chars().take(200).collect::<String>();
    let leaves = || {
        format!(
            "the path {:?} leaves the folder of attachments (it is absolute, has \"..\", or is a link to elsewhere): refused",
            shown()
        )
    };
    let absent = || format!("the folder of attachments has no file {:?}", shown());
    let relative = std::path::Path::new(name);
    let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || name.contains(['\\', '\0']) {
        return Err(leaves());
    }
    let folder = folder.canonicalize().map_err(|_| absent())?;
    let path = folder.join(relative).canonicalize().map_err(|_| absent())?;
    if !path.starts_with(&folder) {
        return Err(leaves());
    }
    if path.is_file() { Ok(path) } else { Err(absent()) }
}

/// Returns what is said of the reactions whose senders the source does not name; nothing where it names them all.
///
/// They become one event without a person, since nothing tells them apart.
pub(crate) fn unnamed(named: usize, count: Option<u64>) -> Option<String> {
    let named = u64::try_from(named).unwrap_or(u64::MAX);
    match count.map(|count| count.saturating_sub(named)) {
        Some(0) => None,
        Some(more) => {
            Some(format!("the source counts {more} of these without naming who gave them"))
        }
        None if named == 0 => Some("the source does not name who gave it".to_owned()),
        None => None,
    }
}

/// Returns a file whose bytes are nowhere to be had.
pub(crate) fn missing_file(name: String, reason: &str) -> DraftFile {
    let content = FileContent::Missing { reason: reason.to_owned(), claimed_bytes: None };
    DraftFile { name, media_type: None, address: None, content }
}

/// Reads bytes that should be UTF-8 and are taken as windows-1252 if they are not; says which.
pub(crate) fn decode(bytes: &[u8]) -> (std::borrow::Cow<'_, str>, bool) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (text.into(), false);
    }
    (encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0, true)
}

/// The remark on an event whose bytes were no UTF-8.
pub(crate) const WINDOWS_1252_REMARK: &str =
    "its bytes are not UTF-8 and were read as windows-1252";

#[cfg(test)]
mod tests;
