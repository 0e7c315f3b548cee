//! What one input has offered so far: equal records are counted, contradictions are found.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};

use chat::{Attachment, Seq};

use crate::draft::{Bounded, Draft, DraftKey};
use crate::source::Unreadable;

/// One thing that a caller hands in.
#[derive(Debug, Clone)]
pub(crate) enum Offer {
    /// An event.
    Draft(Box<Bounded>),
    /// Bytes to be kept raw, and the file that holds them where they are too long for a record.
    Unreadable {
        /// The piece.
        piece: Box<Unreadable>,
        /// The file, already in the archive.
        file: Option<Box<Attachment>>,
    },
}

/// What is remembered of one input while it is read: 12 to 16 bytes an event.
#[derive(Debug, Default)]
pub(crate) struct Input {
    hasher: RandomState,
    /// How many equals of a record without an id came so far.
    equals: HashMap<u64, u32>,
    /// What each given id stood for.
    given: HashMap<u64, u64>,
    /// How many equals of an unreadable piece came so far.
    unreadable: HashMap<u64, u32>,
    /// The last record that was not unfolded from another: nothing if it was quarantined.
    pub(super) record: Option<Seq>,
    /// The source that was named last, for pieces that name none.
    pub(super) source: Option<String>,
}

/// What an input says about a key that it has offered before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// It has not.
    First,
    /// It has, with the same content.
    Same,
    /// It has, with other content.
    Contradicts,
}

impl Input {
    /// Returns how many records equal to this one came before it, for a record without an id.
    pub(super) fn ordinal(&mut self, draft: &Draft) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        draft.source.hash(&mut hasher);
        draft.at.hash(&mut hasher);
        draft.kind.hash(&mut hasher);
        draft.text.hash(&mut hasher);
        let place = draft.place.as_ref();
        place.map(|place| place.foreign_id.as_ref().unwrap_or(&place.name)).hash(&mut hasher);
        let actor = draft.actor.as_ref();
        actor.map(|actor| actor.foreign_id.as_ref().unwrap_or(&actor.name)).hash(&mut hasher);
        count(self.equals.entry(hasher.finish()))
    }

    /// Returns how many equal unreadable pieces came before this one.
    pub(super) fn ordinal_of_raw(&mut self, raw: &[u8]) -> u32 {
        let hash = self.hasher.hash_one(raw);
        count(self.unreadable.entry(hash))
    }

    /// Returns whether this key was offered before, and remembers what it stands for now.
    pub(super) fn again(
        &mut self,
        draft_key: &DraftKey,
        source: &str,
        content: u64,
        edits: bool,
    ) -> Again {
        let DraftKey::Given(key) = draft_key else { return Again::First };
        match self.given.entry(self.hasher.hash_one((source, key))) {
            Entry::Vacant(slot) => {
                slot.insert(content);
                Again::First
            }
            Entry::Occupied(slot) if *slot.get() == content => Again::Same,
            Entry::Occupied(mut slot) if edits => {
                slot.insert(content);
                Again::First
            }
            Entry::Occupied(_) => Again::Contradicts,
        }
    }

    /// Returns a hash of what a draft says, to compare within this input.
    pub(super) fn content(&self, draft: &Draft) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        draft.at.hash(&mut hasher);
        draft.text.hash(&mut hasher);
        draft.rich_text.hash(&mut hasher);
        draft.title.hash(&mut hasher);
        draft.edited_at.hash(&mut hasher);
        let actor = draft.actor.as_ref();
        actor.map(|actor| actor.foreign_id.as_ref().unwrap_or(&actor.name)).hash(&mut hasher);
        for file in &draft.attachments {
            file.name.hash(&mut hasher);
        }
        hasher.finish()
    }
}

fn count(slot: Entry<'_, u64, u32>) -> u32 {
    let count = slot.or_default();
    let before = *count;
    *count = before.saturating_add(1);
    before
}
