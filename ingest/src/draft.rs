//! An event as a source tells it, before the archive has given it ids and a place.
//!
//! [`Draft::bounded`] is the only way to the sequencer: it turns a draft into a [`Bounded`] one, every field of which
//! keeps the limits of `chat::limits`, or into a [`Refusal`] that names the field and its limit.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use chat::{Act, EventKind, FileId, Seq, Timestamp, limits};

/// An event as a source tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The system it came from, by name.
    pub source: String,
    /// Its name there, if it has one.
    pub key: DraftKey,
    /// When it happened, on the source's clock.
    pub at: Timestamp,
    /// What kind of thing it was.
    pub kind: EventKind,
    /// Who did it.
    pub actor: Option<DraftPerson>,
    /// In which room.
    pub place: Option<DraftPlace>,
    /// What it edits, retracts or answers.
    pub target: Option<DraftTarget>,
    /// The words, as given.
    pub text: Option<String>,
    /// The same words with their formatting, as given.
    pub rich_text: Option<String>,
    /// The title of a story or file, or a room's topic.
    pub title: Option<String>,
    /// The source's id of the thread.
    pub thread: Option<String>,
    /// When the source says it was edited.
    pub edited_at: Option<Timestamp>,
    /// A remark of ours: how its bytes were read, what was odd.
    pub remark: Option<String>,
    /// Where in its input it stood.
    pub locator: Option<Locator>,
    /// The foreign record byte for byte, where it says more than the fields above.
    pub raw: Option<Vec<u8>>,
    /// The foreign record byte for byte, where only a contradiction would make it worth keeping.
    pub record: Option<Vec<u8>>,
    /// What a ledger event says.
    pub act: Option<Act>,
    /// Files, in order.
    pub attachments: Vec<DraftFile>,
    /// Whether it was unfolded from the record before it (a reaction, a deletion mark) and is no record of its own.
    pub unfolded: bool,
}

/// Where in its input a record stood. It is put into words only where someone asks, since most records need none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locator {
    input: Arc<str>,
    spot: Spot,
}

/// A spot of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot {
    Whole,
    Line(u64),
    Record(usize),
    Byte(u64),
}

impl Locator {
    /// Bytes that a spot takes in words, at most.
    const SPOT_BYTES_MAX: usize = 32;

    /// The input itself, or words that say where.
    pub fn whole(input: impl Into<Arc<str>>) -> Self {
        Self { input: input.into(), spot: Spot::Whole }
    }

    /// A line of the input, from 1.
    pub fn line(input: &Arc<str>, number: u64) -> Self {
        Self { input: Arc::clone(input), spot: Spot::Line(number) }
    }

    /// A record of the input, from 1.
    pub fn record(input: &Arc<str>, number: usize) -> Self {
        Self { input: Arc::clone(input), spot: Spot::Record(number) }
    }

    /// A byte of the input, from 0.
    pub fn byte(input: &Arc<str>, offset: u64) -> Self {
        Self { input: Arc::clone(input), spot: Spot::Byte(offset) }
    }

    /// Returns how many bytes it takes in words, at most.
    fn bytes_max(&self) -> usize {
        match self.spot {
            Spot::Whole => self.input.len(),
            Spot::Line(_) | Spot::Record(_) | Spot::Byte(_) => {
                self.input.len().saturating_add(Self::SPOT_BYTES_MAX)
            }
        }
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.input)?;
        match self.spot {
            Spot::Whole => Ok(()),
            Spot::Line(number) => write!(out, ":{number}"),
            Spot::Record(number) => write!(out, "#{number}"),
            Spot::Byte(offset) => write!(out, " at byte {offset}"),
        }
    }
}

/// The name of an event at its source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DraftKey {
    /// The source gave this id.
    Given(String),
    /// The source gave none: it is known by its content and by how many equals came before it in its input.
    Derived,
}

/// A person as the source names them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DraftPerson {
    /// The name as given.
    pub name: String,
    /// The source's own id of the person.
    pub foreign_id: Option<String>,
    /// The e-mail address as given.
    pub email: Option<String>,
}

/// A room as the source names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DraftPlace {
    /// The name as given.
    pub name: String,
    /// The source's own id of the room.
    pub foreign_id: Option<String>,
    /// What sort of room.
    pub kind: RoomKind,
    /// The category it belongs to.
    pub category: Option<String>,
    /// Its members by name, where the source lists them.
    pub members: Option<Arc<[String]>>,
}

/// What sort of room a room is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RoomKind {
    /// A named room that people enter and leave.
    #[default]
    Room,
    /// Two people, or one with themselves.
    Direct,
    /// Several people without a named room.
    Group,
}

impl RoomKind {
    /// Returns the word of the line format (contract.md §2).
    pub const fn word(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Direct => "direct",
            Self::Group => "group",
        }
    }

    /// Returns the kind that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "room" => Some(Self::Room),
            "direct" => Some(Self::Direct),
            "group" => Some(Self::Group),
            _ => None,
        }
    }
}

/// What a draft edits, retracts or answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DraftTarget {
    /// The event with this key at the same source.
    Key(String),
    /// The event at this place of the log.
    Seq(Seq),
    /// The record that this draft was unfolded from: the last one before it that was not unfolded.
    Record,
}

/// A file that belongs to a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftFile {
    /// The name as given.
    pub name: String,
    /// The media type as given.
    pub media_type: Option<String>,
    /// Where the source says the file is.
    pub address: Option<String>,
    /// Where its bytes are to be had, if at all.
    pub content: FileContent,
}

impl DraftFile {
    fn bytes(&self) -> usize {
        let content = match &self.content {
            FileContent::Bytes(bytes) => bytes.len(),
            FileContent::Path(_)
            | FileContent::Member(_)
            | FileContent::Kept { .. }
            | FileContent::Missing { .. } => 0,
        };
        size_of::<Self>() + self.name.len() + content
    }
}

/// Where the bytes of a file are to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// In this file of the local disk.
    Path(PathBuf),
    /// Here.
    Bytes(Vec<u8>),
    /// In this member of the input that the draft came from.
    Member(String),
    /// In the archive's blob store already.
    Kept {
        /// SHA-256 of the bytes.
        file: FileId,
        /// Their number.
        bytes: u64,
    },
    /// Nowhere.
    Missing {
        /// Why, in words an officer can act on.
        reason: String,
        /// The size that the source claims.
        claimed_bytes: Option<u64>,
    },
}

/// Why a draft is not accepted as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} has {found} {unit}, the limit is {allowed}")]
pub struct Refusal {
    /// The field that is too large.
    pub field: &'static str,
    /// Its size.
    pub found: usize,
    /// What is counted.
    pub unit: &'static str,
    /// The most that is allowed.
    pub allowed: usize,
}

/// A draft that keeps every limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounded(Box<Draft>);

impl Bounded {
    /// Returns the draft.
    pub fn into_draft(self) -> Box<Draft> {
        self.0
    }

    /// Returns about how many bytes it holds in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

impl Draft {
    /// Returns an event of a source at a time, without anything else yet.
    pub fn new(source: impl Into<String>, kind: EventKind, at: Timestamp) -> Self {
        Self {
            source: source.into(),
            key: DraftKey::Derived,
            at,
            kind,
            actor: None,
            place: None,
            target: None,
            text: None,
            rich_text: None,
            title: None,
            thread: None,
            edited_at: None,
            remark: None,
            locator: None,
            raw: None,
            record: None,
            act: None,
            attachments: Vec::new(),
            unfolded: false,
        }
    }

    /// Adds a remark of ours to those that are there.
    pub fn add_remark(&mut self, words: &str) {
        match &mut self.remark {
            Some(remark) => {
                remark.push_str("; ");
                remark.push_str(words);
            }
            None => self.remark = Some(words.to_owned()),
        }
    }

    /// Returns the draft if every field keeps its limit, or both the draft and the first limit that it breaks.
    pub fn bounded(self: Box<Self>) -> Result<Bounded, (Box<Self>, Refusal)> {
        match self.check() {
            Ok(()) => Ok(Bounded(self)),
            Err(refusal) => Err((self, refusal)),
        }
    }

    /// Returns about how many bytes it holds in memory.
    pub(crate) fn bytes(&self) -> usize {
        let texts = [&self.text, &self.rich_text, &self.title, &self.thread, &self.remark];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let records: usize = [&self.raw, &self.record].into_iter().flatten().map(Vec::len).sum();
        let files: usize = self.attachments.iter().map(DraftFile::bytes).sum();
        let act = self.act.as_ref().map_or(0, act_bytes);
        size_of::<Self>() + self.source.len() + texts + records + files + act
    }

    /// Returns the first limit that a field breaks, if one does.
    pub fn check(&self) -> Result<(), Refusal> {
        let mut bounds = Bounds { event_bytes: 0 };
        bounds.name("source", Some(&self.source))?;
        if let DraftKey::Given(key) = &self.key {
            bounds.key("id", key)?;
        }
        if let Some(DraftTarget::Key(key)) = &self.target {
            bounds.key("the id it refers to", key)?;
        }
        if let Some(actor) = &self.actor {
            bounds.name("sender", Some(&actor.name))?;
            bounds.name("sender id", actor.foreign_id.as_ref())?;
            bounds.name("sender e-mail", actor.email.as_ref())?;
        }
        if let Some(place) = &self.place {
            bounds.place(place)?;
        }
        bounds.text("text", self.text.as_ref(), limits::TEXT_BYTES_MAX)?;
        bounds.text("rich text", self.rich_text.as_ref(), limits::RICH_TEXT_BYTES_MAX)?;
        bounds.text("title", self.title.as_ref(), limits::TITLE_BYTES_MAX)?;
        bounds.text("remark", self.remark.as_ref(), limits::TITLE_BYTES_MAX)?;
        let locator = self.locator.as_ref().map_or(0, Locator::bytes_max);
        bounds.bytes("locator", locator, limits::TITLE_BYTES_MAX)?;
        bounds.name("thread", self.thread.as_ref())?;
        let raw = self.raw.as_ref().map_or(0, Vec::len);
        bounds.bytes("raw record", raw, limits::RAW_BYTES_MAX)?;
        let act = self.act.as_ref().map_or(0, act_bytes);
        bounds.bytes("act", act, limits::ACT_BYTES_MAX)?;
        bounds.files(&self.attachments)?;
        Bounds { event_bytes: 0 }.bytes("event", bounds.event_bytes, limits::EVENT_BYTES_MAX)
    }
}

/// Adds up the sizes of the fields while each is held against its own limit.
struct Bounds {
    event_bytes: usize,
}

impl Bounds {
    fn bytes(&mut self, field: &'static str, found: usize, allowed: usize) -> Result<(), Refusal> {
        self.event_bytes = self.event_bytes.saturating_add(found);
        if found > allowed {
            return Err(Refusal { field, found, unit: "bytes", allowed });
        }
        Ok(())
    }

    fn text(
        &mut self,
        field: &'static str,
        text: Option<&String>,
        allowed: usize,
    ) -> Result<(), Refusal> {
        self.bytes(field, text.map_or(0, String::len), allowed)
    }

    fn name(&mut self, field: &'static str, name: Option<&String>) -> Result<(), Refusal> {
        self.text(field, name, limits::NAME_BYTES_MAX)
    }

    fn key(&mut self, field: &'static str, key: &str) -> Result<(), Refusal> {
        self.bytes(field, key.len(), limits::KEY_BYTES_MAX)
    }

    fn place(&mut self, place: &DraftPlace) -> Result<(), Refusal> {
        self.name("room", Some(&place.name))?;
        self.name("room id", place.foreign_id.as_ref())?;
        self.name("category", place.category.as_ref())?;
        let members = place.members.as_deref().unwrap_or_default();
        let bytes = members.iter().map(String::len).sum();
        self.bytes("list of members", bytes, limits::ACT_BYTES_MAX / 2)
    }

    fn files(&mut self, files: &[DraftFile]) -> Result<(), Refusal> {
        let (found, allowed) = (files.len(), limits::ATTACHMENTS_MAX);
        if found > allowed {
            return Err(Refusal { field: "list of attachments", found, unit: "files", allowed });
        }
        for file in files {
            self.name("attachment name", Some(&file.name))?;
            self.name("attachment type", file.media_type.as_ref())?;
            self.text("attachment address", file.address.as_ref(), limits::TITLE_BYTES_MAX)?;
        }
        Ok(())
    }
}

/// Returns about how many bytes an act takes: its words and a little for each fact.
fn act_bytes(act: &Act) -> usize {
    fn fact_bytes(fact: &chat::Fact) -> usize {
        match fact {
            chat::Fact::Text(text) => text.len().saturating_add(3),
            chat::Fact::Number(_) | chat::Fact::Flag(_) => 20,
            chat::Fact::List(list) => list.iter().map(fact_bytes).sum(),
            chat::Fact::Map(map) => {
                map.iter().map(|(name, fact)| name.len() + fact_bytes(fact)).sum()
            }
        }
    }
    let facts: usize = act.facts.iter().map(|(name, fact)| name.len() + 4 + fact_bytes(fact)).sum();
    act.verb.len() + facts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: usize) -> Draft {
        let mut draft = Draft::new("s", EventKind::Message, Timestamp::EPOCH);
        draft.text = Some("x".repeat(text));
        draft
    }

    #[test]
    fn a_field_at_its_limit_passes_and_one_beyond_names_the_limit() {
        assert!(Box::new(message(limits::TEXT_BYTES_MAX)).bounded().is_ok());
        let refused = Box::new(message(limits::TEXT_BYTES_MAX + 1)).bounded().unwrap_err();
        assert_eq!(refused.1.to_string(), "text has 1048577 bytes, the limit is 1048576");
    }

    #[test]
    fn every_named_field_is_bounded() {
        let long = "n".repeat(limits::RICH_TEXT_BYTES_MAX + 1);
        let changes: [fn(&mut Draft, String); 8] = [
            |draft, long| draft.source = long,
            |draft, long| draft.key = DraftKey::Given(long),
            |draft, long| draft.target = Some(DraftTarget::Key(long)),
            |draft, long| draft.title = Some(long),
            |draft, long| draft.rich_text = Some(long),
            |draft, long| draft.thread = Some(long),
            |draft, long| {
                draft.actor = Some(DraftPerson { name: long, foreign_id: None, email: None });
            },
            |draft, long| draft.act = Some(Act::new(long)),
        ];
        for change in changes {
            let mut draft = message(1);
            change(&mut draft, long.clone());
            assert!(Box::new(draft).bounded().is_err());
        }
    }

    #[test]
    fn an_event_is_bounded_as_a_whole() {
        let mut draft = message(limits::TEXT_BYTES_MAX);
        draft.raw = Some(vec![0; limits::RAW_BYTES_MAX]);
        draft.rich_text = Some("r".repeat(limits::RICH_TEXT_BYTES_MAX));
        assert!(draft.check().is_ok());
        let file = DraftFile {
            name: "f".repeat(limits::NAME_BYTES_MAX),
            media_type: None,
            address: Some("a".repeat(limits::TITLE_BYTES_MAX)),
            content: FileContent::Bytes(Vec::new()),
        };
        draft.attachments = vec![file; limits::ATTACHMENTS_MAX];
        assert_eq!(draft.check().unwrap_err().field, "event");
    }
}
