//! Whether an event says the same as one that is recorded.

use std::hash::{BuildHasher, Hash as _, Hasher as _};

use chat::{Attachment, ChatEvent, Custody, OriginKey, Recorded, Seq, Timestamp};

/// What is known of a recorded event under some key.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) seq: Seq,
    pub(super) recorded_at: Timestamp,
    pub(super) revision: u32,
    /// Author, time, words.
    pub(super) words: u64,
    /// Files by name, and by hash where they are held.
    pub(super) files: u64,
    /// Files by name alone.
    pub(super) file_names: u64,
}

impl Known {
    /// Takes what counts of a recorded event. The hashes hold within one process alone.
    pub(super) fn of(
        seq: Seq,
        recorded_at: Timestamp,
        event: &ChatEvent,
        hasher: &impl BuildHasher,
    ) -> Self {
        let mut words = hasher.build_hasher();
        let content = &event.content;
        event.at.hash(&mut words);
        event.actor.as_ref().map(|actor| actor.id).hash(&mut words);
        content.text.hash(&mut words);
        content.rich_text.hash(&mut words);
        content.title.hash(&mut words);
        content.edited_at.hash(&mut words);
        let mut files = hasher.build_hasher();
        let mut names = hasher.build_hasher();
        for Attachment { name, custody, .. } in &content.attachments {
            name.hash(&mut names);
            name.hash(&mut files);
            match custody {
                Custody::Held { file, .. } => file.hash(&mut files),
                Custody::Missing { .. } => 0_u8.hash(&mut files),
            }
        }
        Self {
            seq,
            recorded_at,
            revision: event.origin.as_ref().map_or(0, |origin| origin.revision),
            words: words.finish(),
            files: files.finish(),
            file_names: names.finish(),
        }
    }

    /// Returns whether both say the same, files included.
    pub(super) const fn says_the_same(&self, other: &Self) -> bool {
        self.words == other.words && self.files == other.files
    }

    /// Returns whether both say the same but for files whose bytes only one of them has.
    pub(super) const fn says_the_same_but_for_bytes(&self, other: &Self) -> bool {
        self.words == other.words && self.file_names == other.file_names
    }
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
