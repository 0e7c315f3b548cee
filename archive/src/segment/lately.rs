//! Events of pages that were read lately. The hits of a search lie in as many blocks as there are hits, so the same page read
//! again would decode most of them anew: an event takes a thousandth of the room of its block. Bounded in bytes.

use std::collections::HashMap;
use std::mem;

use chat::Seq;
use parking_lot::Mutex;

use super::slot::Slot;

/// Bytes of the newer half, and of the older.
const HALF_BYTES_MAX: usize = 8 << 20;
/// Bytes that an event takes beside its header and values, roughly.
const EVENT_BYTES: usize = 512;

/// What was read lately, as it lies in the files of one state of the archive.
#[derive(Debug, Default)]
pub(crate) struct Lately(Mutex<Halves>);

/// When the newer half is full it becomes the older one, and what nobody has asked for since goes.
#[derive(Debug, Default)]
struct Halves {
    /// How often the files had changed when all of this was read.
    changes: u64,
    newer: HashMap<u64, Slot>,
    newer_bytes: usize,
    older: HashMap<u64, Slot>,
    older_bytes: usize,
}

impl Lately {
    /// Returns an event that was read in the state after so many changes.
    pub(crate) fn find(&self, changes: u64, seq: Seq) -> Option<Slot> {
        let mut halves = self.0.lock();
        if halves.changes != changes {
            return None;
        }
        if let Some(slot) = halves.newer.get(&seq.get()) {
            return Some(slot.clone());
        }
        let slot = halves.older.remove(&seq.get())?;
        halves.older_bytes = halves.older_bytes.saturating_sub(bytes(&slot));
        halves.keep(slot.clone());
        Some(slot)
    }

    /// Keeps an event for the next who asks. `changes` was known before it was read: if the files have changed since, what is
    /// kept may be more than what the files now hold, and it is let go.
    pub(crate) fn keep(&self, changes: u64, slot: &Slot) {
        let mut halves = self.0.lock();
        if halves.changes < changes {
            *halves = Halves { changes, ..Halves::default() };
        }
        if halves.changes == changes && matches!(slot, Slot::Live { .. }) {
            halves.keep(slot.clone());
        }
    }

    /// Lets all go that was read before so many changes.
    pub(crate) fn forget(&self, changes: u64) {
        let mut halves = self.0.lock();
        if halves.changes < changes {
            *halves = Halves { changes, ..Halves::default() };
        }
    }

    /// Returns the bytes that they take in memory, roughly.
    pub(crate) fn bytes(&self) -> usize {
        let halves = self.0.lock();
        halves.newer_bytes.saturating_add(halves.older_bytes)
    }
}

impl Halves {
    fn keep(&mut self, slot: Slot) {
        let more = bytes(&slot);
        if self.newer_bytes.saturating_add(more) > HALF_BYTES_MAX {
            self.older = mem::take(&mut self.newer);
            self.older_bytes = mem::take(&mut self.newer_bytes);
        }
        if more <= HALF_BYTES_MAX && self.newer.insert(slot.seq(), slot).is_none() {
            self.newer_bytes = self.newer_bytes.saturating_add(more);
        }
    }
}

fn bytes(slot: &Slot) -> usize {
    slot.raw_bytes().saturating_add(EVENT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Field;

    fn slot(seq: u64, bytes: usize) -> Slot {
        let event = chat::testing::message(1, 1, 1, "");
        let recorded = chat::Recorded {
            seq: Seq::new(seq).unwrap(),
            place_seq: None,
            place_prev: None,
            recorded_at: event.at,
            event,
        };
        let header = crate::record::header(&recorded);
        Slot::Live { header, fields: vec![Field { tag: 3, value: vec![7; bytes] }] }
    }

    #[test]
    fn what_was_read_is_kept_within_bounds_and_what_is_asked_for_stays_longest() {
        let lately = Lately::default();
        lately.keep(0, &slot(1, 10));
        for seq in 2..5_000 {
            lately.keep(0, &slot(seq, 10_000));
            assert!(lately.find(0, Seq::FIRST).is_some(), "{seq}");
            assert!(lately.bytes() <= 2 * HALF_BYTES_MAX);
        }
        assert_eq!(lately.find(0, Seq::new(2).unwrap()), None);
        assert_eq!(lately.find(0, Seq::new(4_999).unwrap()), Some(slot(4_999, 10_000)));
        lately.keep(0, &slot(9_000, HALF_BYTES_MAX));
        assert_eq!(lately.find(0, Seq::new(9_000).unwrap()), None);
    }

    #[test]
    fn nothing_read_before_a_change_is_found_after_it() {
        let lately = Lately::default();
        lately.keep(0, &slot(1, 10));
        assert_eq!(lately.find(1, Seq::FIRST), None, "the files have changed");
        lately.keep(1, &slot(2, 10));
        lately.keep(0, &slot(1, 10));
        assert_eq!(lately.find(1, Seq::FIRST), None, "it was read before they changed");
        assert!(lately.find(1, Seq::new(2).unwrap()).is_some());
        let gone = Slot::Blank { seq: 3, leaf: [0; 32] };
        lately.keep(1, &gone);
        assert_eq!(lately.find(1, Seq::new(3).unwrap()), None, "what is destroyed is not kept");
    }
}
