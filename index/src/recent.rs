//! The events that are acknowledged but not committed to the index yet: they are taken apart once, kept, and searched by
//! the matcher, so that a message is found as soon as it is acknowledged.

use std::collections::VecDeque;
use std::sync::Arc;

use archive::Archive;
use chat::{PersonId, RoomId, Seq};
use parking_lot::RwLock;
use query::{Analysed, Known, Step};

use crate::document::is_ever_found;
use crate::error::{Error, Result};
use crate::marks::Marks;
use crate::scope::Bearings;

/// Events that the tail may hold. A search that would need more waits for the index instead.
pub(crate) const TAIL_EVENTS_MAX: u64 = 65_536;

/// Events read from the log at once.
const BATCH_EVENTS: u64 = 1_024;

/// One event of the tail.
#[derive(Debug)]
pub(crate) struct RecentEvent {
    /// The event, taken apart.
    pub(crate) analysed: Analysed,
    /// Where it lies for a scope.
    pub(crate) bearings: Bearings,
    /// Whose presence in which room it changes.
    pub(crate) step: Option<(PersonId, RoomId, Step)>,
}

/// The events after the last commit that some search can find. Every search adds an officer's act to the log: those are
/// passed over, or a search would be the slower the more were made before it.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    events: VecDeque<Arc<RecentEvent>>,
    /// Everything up to this place has been taken in, or is in the index.
    covered: u64,
}

/// What the tail reads, and what it tells on the way.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    /// The log.
    pub(crate) archive: Arc<Archive>,
    /// The fold of the ledger.
    pub(crate) known: Arc<RwLock<Known>>,
    /// The marks.
    pub(crate) marks: Arc<RwLock<Marks>>,
}

impl Recent {
    /// Drops what the index now holds.
    pub(crate) fn trim(&mut self, watermark: u64) {
        while self.events.front().is_some_and(|event| event.analysed.seq().get() <= watermark) {
            self.events.pop_front();
        }
        self.covered = self.covered.max(watermark);
    }

    /// Forgets everything: the index begins again.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes in everything up to `size`.
    pub(crate) fn cover(&mut self, size: u64, sources: &Sources) -> Result<()> {
        while self.covered < size {
            let last = size.min(self.covered.saturating_add(BATCH_EVENTS));
            let seqs: Vec<_> =
                (self.covered.saturating_add(1)..=last).filter_map(Seq::new).collect();
            let events = sources
                .archive
                .read_many(&seqs)
                .map_err(|source| Error::LogUnreadable { source })?;
            for recorded in events.iter().flatten() {
                sources.known.write().apply(recorded);
                sources.marks.write().apply(recorded);
                if !is_ever_found(recorded.event.kind) {
                    continue;
                }
                let language = sources.known.read().room_then(recorded).language;
                let analysed = Analysed::of(recorded, language);
                let (bearings, step) = (Bearings::of(recorded), Step::of(recorded));
                self.events.push_back(Arc::new(RecentEvent { analysed, bearings, step }));
            }
            self.covered = last;
        }
        Ok(())
    }

    /// Returns the events after `watermark`, up to `size`.
    pub(crate) fn between(&self, watermark: u64, size: u64) -> Vec<Arc<RecentEvent>> {
        let seq = |event: &&Arc<RecentEvent>| event.analysed.seq().get();
        let events = self.events.iter();
        events.filter(|event| (watermark + 1..=size).contains(&seq(event))).cloned().collect()
    }
}
