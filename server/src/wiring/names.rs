//! The names that the ledger gives to sources, rooms, categories and persons: a fold, caught up when one is asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use archive::{Archive, Tail};
use chat::{EventKind, Fact, Recorded, RoomId, SourceId};
use parking_lot::Mutex;

/// Events folded at a time.
const BATCH_EVENTS: usize = 4_096;

/// Names by id.
#[derive(Debug)]
pub(crate) struct Names {
    archive: Arc<Archive>,
    fold: Mutex<Fold>,
}

#[derive(Debug, Default)]
struct Fold {
    tail: Option<Tail>,
    sources: BTreeMap<SourceId, String>,
    categories: BTreeMap<RoomId, String>,
    /// Folded names and addresses of persons, with one way each was written.
    persons: BTreeMap<String, String>,
    /// Folded names of rooms, with one way each was written.
    rooms: BTreeMap<String, String>,
}

/// Of what the names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// Persons, by name, address or foreign id.
    Person,
    /// Rooms.
    Room,
    /// Categories of rooms.
    Category,
    /// Sources.
    Source,
}

impl Names {
    /// Returns the names of an archive; nothing is read yet.
    pub(super) fn new(archive: Arc<Archive>) -> Self {
        Self { archive, fold: Mutex::new(Fold::default()) }
    }

    /// Returns the name of a source.
    pub(crate) fn source(&self, id: SourceId) -> Option<String> {
        if let Some(name) = self.fold.lock().sources.get(&id) {
            return Some(name.clone());
        }
        self.follow();
        self.fold.lock().sources.get(&id).cloned()
    }

    /// Returns all names of sources that were read so far.
    pub(crate) fn sources(&self) -> BTreeMap<SourceId, String> {
        self.fold.lock().sources.clone()
    }

    /// Returns all categories of rooms that were read so far.
    pub(crate) fn categories(&self) -> BTreeMap<RoomId, String> {
        self.fold.lock().categories.clone()
    }

    /// Returns all names of one sort: folded, and one way each was written.
    pub(crate) fn known(&self, named: Named) -> BTreeMap<String, String> {
        self.follow();
        let fold = self.fold.lock();
        let folded = |name: &String| (query::analysis::fold(name), name.clone());
        match named {
            Named::Person => fold.persons.clone(),
            Named::Room => fold.rooms.clone(),
            Named::Category => fold.categories.values().map(folded).collect(),
            Named::Source => fold.sources.values().map(folded).collect(),
        }
    }

    /// Reads on to the end of the ledger. Names are for people: where the ledger cannot be read they stay away, and the
    /// request that needs the events themselves says why.
    pub(crate) fn follow(&self) {
        let mut fold = self.fold.lock();
        let mut tail = fold.tail.take().unwrap_or_else(|| self.archive.ledger_abridged());
        loop {
            match tail.next_batch(BATCH_EVENTS) {
                Ok(batch) if batch.is_empty() => break,
                Ok(batch) => batch.iter().for_each(|recorded| fold.apply(recorded)),
                Err(error) => {
                    tracing::warn!(%error, "the ledger could not be read for names");
                    break;
                }
            }
        }
        fold.tail = Some(tail);
    }
}

impl Fold {
    fn apply(&mut self, recorded: &Recorded) {
        let kind = recorded.event.kind;
        if !matches!(kind, EventKind::Room | EventKind::Rename | EventKind::Identity) {
            return;
        }
        let Some(act) = &recorded.event.content.act else { return };
        match act.verb.as_str() {
            "source-declared" => {
                let id = act.text("source").and_then(|id| id.parse().ok());
                if let (Some(id), Some(name)) = (id, act.text("name")) {
                    self.sources.insert(id, name.to_owned());
                }
            }
            "room-declared" | "room-changed" | "room-renamed" => {
                let words = [act.text("name"), act.text("to"), act.text("foreign_id")];
                put(&mut self.rooms, &words);
                if let (Some(place), Some(category)) = (&recorded.event.place, act.text("category"))
                {
                    self.categories.insert(place.room, category.to_owned());
                }
            }
            "person-declared" | "person-renamed" | "person-changed" => {
                let words =
                    [act.text("name"), act.text("to"), act.text("email"), act.text("foreign_id")];
                put(&mut self.persons, &words);
                if let Some(Fact::List(also)) = act.facts.get("also") {
                    for fact in also {
                        if let Fact::Text(name) = fact {
                            put(&mut self.persons, &[Some(name.as_str())]);
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

fn put(names: &mut BTreeMap<String, String>, words: &[Option<&str>]) {
    for word in words.iter().copied().flatten() {
        names.entry(query::analysis::fold(word)).or_insert_with(|| word.to_owned());
    }
}
