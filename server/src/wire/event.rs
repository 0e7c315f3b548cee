//! An event as the API shows it.

use archive::Archive;
use chat::{Attachment, Custody, EventId, Person, Place, Recorded};
use serde::Serialize;

use crate::auth::secret::hex;

/// An event without what surrounds it.
#[derive(Debug, Clone, Serialize)]
#[expect(clippy::struct_field_names, reason = "event_id is the contract's name for a citation")]
pub(crate) struct Event {
    /// Its place in the log.
    pub(crate) seq: u64,
    /// How it is cited: archive and place.
    pub(crate) event_id: String,
    /// The word for its kind.
    pub(crate) kind: &'static str,
    /// When it happened, on the source's clock.
    pub(crate) at: String,
    /// When it was recorded, on the archive's clock.
    pub(crate) recorded_at: String,
    /// The name of its source.
    pub(crate) source: Option<String>,
    /// Its room.
    pub(crate) room: Option<Room>,
    /// Who did it.
    pub(crate) actor: Option<Actor>,
    /// The words.
    pub(crate) text: Option<String>,
    /// The title of a story or file.
    pub(crate) title: Option<String>,
    /// The source's id of its thread.
    pub(crate) thread: Option<String>,
    /// When the source says it was edited.
    pub(crate) edited_at: Option<String>,
    /// The archive's remark.
    pub(crate) remark: Option<String>,
    /// Where in its input it stood.
    pub(crate) locator: Option<String>,
    /// The event that it edits, retracts or answers.
    pub(crate) target: Option<u64>,
    /// Its files.
    pub(crate) attachments: Vec<File>,
}

/// A room in an event.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Room {
    /// Its id.
    pub(crate) id: String,
    /// Its name as given then.
    pub(crate) name: String,
    /// The event's place in the room.
    pub(crate) place_seq: Option<u64>,
}

/// A person in an event.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Actor {
    /// The id.
    pub(crate) id: String,
    /// The name as given then.
    pub(crate) name: String,
    /// The source's id.
    pub(crate) foreign_id: Option<String>,
    /// The e-mail address as given then.
    pub(crate) email: Option<String>,
}

/// A file of an event.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct File {
    /// Its number among the files of the event, from 0.
    pub(crate) number: usize,
    /// The name as given.
    pub(crate) name: String,
    /// The media type as given.
    pub(crate) media_type: Option<String>,
    /// `held`, or `missing: ` and why.
    pub(crate) custody: String,
    /// SHA-256 of the bytes, where they are held.
    pub(crate) sha256: Option<String>,
    /// Their number, or the number that the source claimed.
    pub(crate) bytes: Option<u64>,
}

impl Event {
    /// Returns an event as the API shows it. `source` is the name of its source.
    pub(crate) fn of(archive: &Archive, recorded: &Recorded, source: Option<String>) -> Self {
        let event = &recorded.event;
        let content = &event.content;
        let place_seq = recorded.place_seq.map(chat::PlaceSeq::get);
        Self {
            seq: recorded.seq.get(),
            event_id: EventId { archive: archive.id(), seq: recorded.seq }.to_string(),
            kind: event.kind.word(),
            at: event.at.to_string(),
            recorded_at: recorded.recorded_at.to_string(),
            source,
            room: event.place.as_ref().map(|place| Room::of(place, place_seq)),
            actor: event.actor.as_ref().map(Actor::of),
            text: content.text.clone(),
            title: content.title.clone(),
            thread: content.thread.clone(),
            edited_at: content.edited_at.map(|at| at.to_string()),
            remark: content.remark.clone(),
            locator: content.locator.clone(),
            target: event.target.map(chat::Seq::get),
            attachments: content.attachments.iter().enumerate().map(File::of).collect(),
        }
    }
}

impl Room {
    fn of(place: &Place, place_seq: Option<u64>) -> Self {
        Self { id: place.room.to_string(), name: place.name.clone(), place_seq }
    }
}

impl Actor {
    fn of(person: &Person) -> Self {
        Self {
            id: person.id.to_string(),
            name: person.name.clone(),
            foreign_id: person.foreign_id.clone(),
            email: person.email.clone(),
        }
    }
}

impl File {
    fn of((number, attachment): (usize, &Attachment)) -> Self {
        let (custody, sha256, bytes) = match &attachment.custody {
            Custody::Held { file, bytes } => {
                ("held".to_owned(), Some(hex(file.as_bytes())), Some(*bytes))
            }
            Custody::Missing { reason, claimed_bytes } => {
                (format!("missing: {reason}"), None, *claimed_bytes)
            }
        };
        Self {
            number,
            name: attachment.name.clone(),
            media_type: attachment.media_type.clone(),
            custody,
            sha256,
            bytes,
        }
    }
}
