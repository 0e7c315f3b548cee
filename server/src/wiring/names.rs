//! The names that the ledger gives to sources and to rooms' categories: a fold, caught up when a name is missing.

use std::collections::BTreeMap;
use std::sync::Arc;

use archive::{Archive, Tail};
use chat::{EventKind, Recorded, RoomId, Seq, SourceId};
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

    /// Reads on to the end of the ledger. Names are for people: where the ledger cannot be read they stay away, and the
    /// request that needs the events themselves says why.
    pub(crate) fn follow(&self) {
        let mut fold = self.fold.lock();
        let mut tail = fold.tail.take().unwrap_or_else(|| self.archive.ledger(Seq::FIRST));
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
        if recorded.event.kind != EventKind::Room {
            return;
        }
        let Some(act) = &recorded.event.content.act else { return };
        if act.verb == "source-declared" {
            let id = act.text("source").and_then(|id| id.parse().ok());
            if let (Some(id), Some(name)) = (id, act.text("name")) {
                self.sources.insert(id, name.to_owned());
            }
        }
        if let (Some(place), Some(category)) = (&recorded.event.place, act.text("category")) {
            self.categories.insert(place.room, category.to_owned());
        }
    }
}
