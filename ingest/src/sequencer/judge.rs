//! Whether an event says the same as one that is recorded.

use chat::{Attachment, ChatEvent, Custody, FileId, OriginKey, Recorded, Seq, Timestamp};

use crate::source::FORMER_REMARK;

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
    /// What it refers to.
    pub(super) target: Option<Seq>,
    /// When its source says that it was edited.
    edited_at: Option<Timestamp>,
    /// Whether it is kept from a record that replaced it: then it was never the newest.
    is_former: bool,
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
            target: event.target,
            edited_at: event.content.edited_at,
            is_former: event.content.remark.as_deref().is_some_and(is_former),
        }
    }

    /// Returns whether it says what is offered, files included.
    pub(super) const fn says_the_same(&self) -> bool {
        self.has_same_words && self.has_same_files
    }
}

fn is_former(remark: &str) -> bool {
    remark.starts_with(FORMER_REMARK)
}

/// The versions under one key that an offered event may repeat. An event that says what one of them says is a duplicate; one that
/// says anything else is a revision, though an older version may have said the same: the text has returned to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing<'a> {
    known: &'a [Known],
    /// The newest one: what the source said last, as far as the archive has it.
    newest: Option<&'a Known>,
    /// Whether every version may be repeated.
    is_any: bool,
    /// From here on every version may be repeated: they came with the same input.
    own_since: Option<Seq>,
}

impl<'a> Standing<'a> {
    /// Takes what is known under the key of an event. Everything known of a record counts for one that `is_fixed`: that is known
    /// by its own words, or tells of an earlier moment.
    pub(super) fn of(
        known: &'a [Known],
        offered: &ChatEvent,
        is_fixed: bool,
        own_since: Option<Seq>,
    ) -> Self {
        let said = || known.iter().filter(|one| !one.is_former);
        let newest = said().max_by_key(|one| (one.revision, one.seq)).or_else(|| known.last());
        // A version that the source itself dates before the newest one is history that is told again.
        let is_past = newest.is_some_and(|newest| offered.content.edited_at < newest.edited_at);
        Self { known, newest, is_any: is_fixed || is_past, own_since }
    }

    /// Returns the first version that says what is asked for; the newest one comes before all others.
    pub(super) fn find(self, says: impl Fn(&Known) -> bool) -> Option<&'a Known> {
        let counts = |one: &Known| self.is_any || self.own_since.is_some_and(|own| one.seq >= own);
        let others = self.known.iter().filter(|one| counts(one));
        self.newest.into_iter().chain(others).find(|one| says(one))
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
