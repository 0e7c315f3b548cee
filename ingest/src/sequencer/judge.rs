//! Whether an event says the same as one that is recorded.

use chat::{Attachment, ChatEvent, Custody, FileId, OriginKey, Recorded, Seq, Timestamp};

/// A recorded event, held against one that is offered under the same key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) seq: Seq,
    pub(super) recorded_at: Timestamp,
    pub(super) revision: u32,
    /// Whether author, time and words are the same, and the names of the files.
    pub(super) has_same_words: bool,
    /// Whether the bytes of the files are the same too: the same ones held, the same ones missing.
    pub(super) has_same_files: bool,
}

impl Known {
    /// Holds a recorded event against one that is offered.
    pub(super) fn of(recorded: &Recorded, offered: &ChatEvent) -> Self {
        let event = &recorded.event;
        Self {
            seq: recorded.seq,
            recorded_at: recorded.recorded_at,
            revision: event.origin.as_ref().map_or(0, |origin| origin.revision),
            has_same_words: has_same_words(event, offered),
            has_same_files: files(event).eq(files(offered)),
        }
    }

    /// Returns whether it says what is offered, files included.
    pub(super) const fn says_the_same(&self) -> bool {
        self.has_same_words && self.has_same_files
    }
}

fn has_same_words(one: &ChatEvent, other: &ChatEvent) -> bool {
    let actor = |event: &ChatEvent| event.actor.as_ref().map(|actor| actor.id);
    let names = |event: &ChatEvent| {
        event.content.attachments.iter().map(|file| file.name.clone()).collect::<Vec<_>>()
    };
    let (left, right) = (&one.content, &other.content);
    one.at == other.at
        && actor(one) == actor(other)
        && left.text == right.text
        && left.rich_text == right.rich_text
        && left.title == right.title
        && left.edited_at == right.edited_at
        && left.attachments.len() == right.attachments.len()
        && (left.attachments.is_empty() || names(one) == names(other))
}

/// Returns the files of an event: which of them are held, and as what.
fn files(event: &ChatEvent) -> impl Iterator<Item = Option<FileId>> {
    event.content.attachments.iter().map(|Attachment { custody, .. }| match custody {
        Custody::Held { file, .. } => Some(*file),
        Custody::Missing { .. } => None,
    })
}

/// Returns whether a recorded event bears the origin that an event would have.
pub(super) fn is_of_origin(recorded: &Recorded, event: &ChatEvent) -> bool {
    let (Some(known), Some(offered)) = (&recorded.event.origin, &event.origin) else {
        return false;
    };
    if known.source != offered.source || known.key != offered.key {
        return false;
    }
    match &offered.key {
        OriginKey::Given(_) => true,
        OriginKey::Derived { .. } => {
            let room = |event: &ChatEvent| event.place.as_ref().map(|place| place.room);
            let actor = |event: &ChatEvent| event.actor.as_ref().map(|actor| actor.id);
            recorded.event.at == event.at
                && recorded.event.content.text == event.content.text
                && room(&recorded.event) == room(event)
                && actor(&recorded.event) == actor(event)
                && (recorded.event.kind == event.kind || known.revision > 0)
        }
    }
}
