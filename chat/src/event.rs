//! A chat event, before and after it has its place in the log.

use crate::act::Act;
use crate::attachment::Attachment;
use crate::id::{PlaceSeq, RoomId, Seq, SourceId};
use crate::kind::{EventKind, Lane};
use crate::person::Person;
use crate::time::Timestamp;

/// Something that happened, as one source told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatEvent {
    /// Where it came from; absent for what the archive itself records (officers' acts).
    pub origin: Option<Origin>,
    /// When it happened, on the source's clock.
    pub at: Timestamp,
    /// What kind of thing it was.
    pub kind: EventKind,
    /// Who did it.
    pub actor: Option<Person>,
    /// In which room.
    pub place: Option<Place>,
    /// The event that this one edits, retracts or answers.
    pub target: Option<Seq>,
    /// Header ids of roles that a later version wrote, ascending by role; kept as they are (proof.md §3).
    pub other_ids: Vec<(u8, [u8; 16])>,
    /// Everything else. Each field of it can be withheld apart.
    pub content: Content,
}

/// Where an event came from: the key of idempotency (house.md §6.6).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The system it came from.
    pub source: SourceId,
    /// Its name there.
    pub key: OriginKey,
    /// 0 for the first content seen under this key, and one more for each change of it.
    pub revision: u32,
}

/// The name of an event at its source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum OriginKey {
    /// The source gave this id.
    Given(String),
    /// The source gave none: the event is its room, time, sender, kind and text, and the number of equals before it in its input (contract.md §2).
    Derived {
        /// How many equal lines came before it in the same input.
        ordinal: u32,
    },
}

/// A room in one event: the opaque id that is hashed in the header, and the name as given, which is content.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The id that every event of this room bears.
    pub room: RoomId,
    /// The name as the source gave it then.
    pub name: String,
}

/// What an event says. An absent field and an empty one are different things (proof.md §4).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// The words, as given: UTF-8, not normalised.
    pub text: Option<String>,
    /// The same words with their formatting, as given.
    pub rich_text: Option<String>,
    /// The title of a story or of a file.
    pub title: Option<String>,
    /// The source's id of the thread this belongs to.
    pub thread: Option<String>,
    /// When the source says it was edited, where it does not keep the former words.
    pub edited_at: Option<Timestamp>,
    /// A remark of the archive: why it was quarantined, how its bytes were read.
    pub remark: Option<String>,
    /// Where in its input it stood, such as a file and a line.
    pub locator: Option<String>,
    /// The foreign record byte for byte, where it says more than the fields above.
    pub raw: Option<Vec<u8>>,
    /// What a ledger event says.
    pub act: Option<Act>,
    /// Files, in order; at most [`crate::limits::ATTACHMENTS_MAX`].
    pub attachments: Vec<Attachment>,
    /// Fields of tags that a later version wrote, ascending by tag; kept verbatim.
    pub other_fields: Vec<(u16, Vec<u8>)>,
}

/// An event with its place in the log. Nothing of it ever changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the archive.
    pub seq: Seq,
    /// Its place in its room; present exactly when the event has a room.
    pub place_seq: Option<PlaceSeq>,
    /// The event before it in its room; present exactly when `place_seq` is 2 or more.
    pub place_prev: Option<Seq>,
    /// When it was recorded, on the archive's clock.
    pub recorded_at: Timestamp,
    /// What happened.
    pub event: ChatEvent,
}

impl Recorded {
    /// Returns the lane that the event is kept in.
    pub const fn lane(&self) -> Lane {
        self.event.kind.lane()
    }
}
