//! Events as the rules see them, and which of them share one fate.

use chat::{EventKind, Lane, Person, PersonId, Recorded, RoomId, Seq, SourceId, Timestamp};
use query::Analysed;
use query::analysis::fold;

/// One event as rules and holds see it.
#[derive(Debug, Clone)]
pub struct Item<'a> {
    /// Its place in the log.
    pub seq: Seq,
    /// Its kind.
    pub kind: EventKind,
    /// When it happened, on the source's clock.
    pub at: Timestamp,
    /// Its room.
    pub room: Option<RoomId>,
    /// Who did it.
    pub author: Option<PersonId>,
    /// What its author is called in it: name, address and id of the source, folded.
    pub names: Vec<String>,
    /// Where it came from.
    pub source: Option<SourceId>,
    /// The event that it edits, retracts or answers.
    pub target: Option<Seq>,
    /// What it says.
    pub words: Words<'a>,
}

/// What an event says, as far as it has been read.
#[derive(Debug, Clone, Copy)]
pub enum Words<'a> {
    /// It was taken apart for the one matcher.
    Read(&'a Analysed),
    /// It was not read, could not be understood, or has an attachment whose text nobody extracted. A hold by query takes it for
    /// found.
    Unread,
}

impl<'a> Item<'a> {
    /// Returns an event as the rules see it.
    pub fn of(recorded: &Recorded, words: Words<'a>) -> Self {
        let event = &recorded.event;
        let unread = is_never_read(recorded);
        Self {
            seq: recorded.seq,
            kind: event.kind,
            at: event.at,
            room: event.place.as_ref().map(|place| place.room),
            author: event.actor.as_ref().map(|person| person.id),
            names: event.actor.as_ref().map(folded_names).unwrap_or_default(),
            source: event.origin.as_ref().map(|origin| origin.source),
            target: event.target,
            words: if unread { Words::Unread } else { words },
        }
    }

    /// Returns whether the event is a part of the one it points to, and not an answer to it: it was made to change, mark or
    /// complete it, and says little without it.
    pub const fn belongs_to_target(&self) -> bool {
        self.target.is_some()
            && matches!(
                self.kind,
                EventKind::Edit
                    | EventKind::Retract
                    | EventKind::Reaction
                    | EventKind::Upload
                    | EventKind::Replace
            )
    }

    /// Returns the lane that the event is kept in.
    pub const fn lane(&self) -> Lane {
        self.kind.lane()
    }
}

/// Returns whether nobody can say what an event holds: it was not understood, or has files whose text nobody extracted.
pub(crate) fn is_never_read(recorded: &Recorded) -> bool {
    let event = &recorded.event;
    event.kind == EventKind::Quarantined || !event.content.attachments.is_empty()
}

/// Returns what a person is called in one event, folded.
pub(crate) fn folded_names(person: &Person) -> Vec<String> {
    let others = [person.foreign_id.as_deref(), person.email.as_deref()];
    let given = std::iter::once(person.name.as_str()).chain(others.into_iter().flatten());
    given.map(fold).filter(|name| !name.is_empty()).collect()
}

/// An event with its versions, reactions and late attachments: what lives and dies together (ediscovery.md §4). The rules go by
/// the first; a hold on any of them holds all.
#[derive(Debug, Clone)]
pub struct Lineage<'a> {
    /// The first event: what the others belong to. Where that one is gone, the earliest that is left.
    pub root: Item<'a>,
    /// The others, in any order.
    pub others: Vec<Item<'a>>,
    /// Whether something living that is not judged beside it refers to it: an answer elsewhere; for an event of the ledger, an
    /// event of the room, person or source that it declares, or a record whose audit it is.
    pub is_referred_to: bool,
}

impl<'a> Lineage<'a> {
    /// Returns the lineage of an event that has no versions and that nothing elsewhere refers to.
    pub const fn of(root: Item<'a>) -> Self {
        Self { root, others: Vec::new(), is_referred_to: false }
    }

    /// Returns all events of it, the root first.
    pub fn items(&self) -> impl Iterator<Item = &Item<'a>> {
        std::iter::once(&self.root).chain(&self.others)
    }

    /// Gathers events into lineages, in the order of their roots. An event whose target is not among those given stands for
    /// itself.
    pub fn gather(items: Vec<Item<'a>>) -> Vec<Self> {
        let mut items = items;
        items.sort_by_key(|item| item.seq);
        let mut lineages: Vec<Self> = Vec::new();
        let mut owner: std::collections::HashMap<Seq, usize> = std::collections::HashMap::new();
        for item in items {
            let found = item.target.filter(|_| item.belongs_to_target());
            let found = found.and_then(|target| owner.get(&target).copied());
            let index = found.unwrap_or(lineages.len());
            owner.insert(item.seq, index);
            match lineages.get_mut(index) {
                Some(lineage) => lineage.others.push(item),
                None => lineages.push(Self::of(item)),
            }
        }
        lineages
    }
}
