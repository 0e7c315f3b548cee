//! How followers read the log: they pull, from where they stopped, what has become durable since.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chat::{Lane, Recorded, Seq, Timestamp};

use crate::abridged::Abridged;
use crate::archive::Archive;
use crate::error::Result;
use crate::journal::writer::Shared;
use crate::segment::Sealed;

/// Events that one pull reads at most, whatever is asked for.
const BATCH_EVENTS_MAX: usize = 16_384;

/// Someone who follows the log: the index, the room view, a fold.
///
/// The archive never calls a follower: whoever owns one pulls with a [`Tail`] from its watermark and hands it what came.
pub trait Follower: Send {
    /// Returns its name, for logs and metrics.
    fn name(&self) -> &str;
    /// Returns how many events it has followed durably: it goes on with the event after that.
    fn watermark(&self) -> u64;
    /// Follows these events, which come right after those before. A failure stops the follower, never the log.
    fn follow(
        &mut self,
        batch: &[Recorded],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// A position in the log that moves forward. Any number of them may read at once.
pub struct Tail {
    archive: Arc<Archive>,
    next: Seq,
    lane: Option<Lane>,
    /// What stands in for the ledger up to where it reaches, and how many of its events were read.
    abridged: Option<(Abridged, usize)>,
}

impl Tail {
    pub(crate) const fn new(archive: Arc<Archive>, from: Seq, lane: Option<Lane>) -> Self {
        Self { archive, next: from, lane, abridged: None }
    }

    /// Returns a reader of the abridged ledger, if there is one, and of the ledger behind it.
    pub(crate) fn behind(ledger: Self, abridged: Option<Abridged>) -> Self {
        Self { abridged: abridged.map(|abridged| (abridged, 0)), ..ledger }
    }

    /// Returns the next durable events, at most `max` of them, in order; none if there is nothing new.
    ///
    /// Destroyed events are passed over. Fails if the writer has stopped or what is stored is damaged; a later call
    /// starts at the same position.
    pub fn next_batch(&mut self, max: usize) -> Result<Vec<Recorded>> {
        let max = max.clamp(1, BATCH_EVENTS_MAX);
        if let Some((abridged, done)) = &mut self.abridged {
            let events = abridged.events(*done, max);
            if let Some(last) = events.last() {
                *done = done.saturating_add(events.len());
                self.next = last.seq.next();
                return Ok(events);
            }
            self.next = abridged.end();
            self.abridged = None;
        }
        loop {
            let (events, next) = self.archive.read_on(self.next, max, self.lane)?;
            if next == self.next {
                return Ok(events);
            }
            self.next = next;
            if !events.is_empty() {
                return Ok(events);
            }
        }
    }

    /// Waits until more than the position is durable, or for so long. Returns whether it is.
    pub fn wait(&self, timeout: Duration) -> bool {
        self.archive.wait_beyond(self.next.leaf_index(), timeout)
    }

    /// Returns the event that is read next.
    pub const fn position(&self) -> Seq {
        self.next
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tail")
            .field("next", &self.next)
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}

/// Returns up to `max` events of a lane, or of both, from this one on, and the event to go on with: from memory what is there,
/// else what is sealed.
pub(crate) fn read_on(
    shared: &Shared,
    sealed: &Sealed,
    from: Seq,
    max: usize,
    lane: Option<Lane>,
) -> Result<(Vec<Recorded>, Seq)> {
    let there = shared.memory.size().saturating_sub(from.leaf_index());
    let mut events = Vec::with_capacity(usize::try_from(there).unwrap_or(max).min(max));
    let mut next = from;
    while events.len() < max {
        let Some(frame) = shared.memory.frame(next) else {
            let wanted = max.saturating_sub(events.len());
            let (found, after) = sealed.events_from(next, wanted, lane)?;
            if after == next {
                break;
            }
            events.extend(found);
            next = after;
            continue;
        };
        while let Some(record) = frame.record(next).filter(|_| events.len() < max) {
            if lane.is_none_or(|lane| lane == record.lane()) {
                events.extend(record.decode());
            }
            next = next.next();
        }
    }
    Ok((events, next))
}

/// Returns when the last of so many events was recorded; nothing if it is blanked or cannot be read.
pub(crate) fn recorded_at(shared: &Shared, sealed: &Sealed, size: u64) -> Option<Timestamp> {
    let seq = Seq::new(size)?;
    if let Some(event) = shared.memory.read(seq) {
        return Some(event.recorded_at);
    }
    let slot = sealed.slot(seq).ok().flatten()?;
    Some(Timestamp::from_micros(slot.header()?.recorded_at))
}
