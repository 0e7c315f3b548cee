//! The newest events' fingerprints, in memory until their run is complete and durable.

use chat::Seq;

use super::{Fingerprint, PLACE_BITS, RUN_SEQS};

/// Marks a slot that is taken.
const TAKEN: u64 = 1 << 63;
/// Slots of a window that has just begun.
const SLOTS_MIN: usize = 1 << 10;

/// The fingerprints of one run in the making: a table of single words, each a fingerprint above its place in the run.
///
/// A fingerprint is a random number already, so its low bits say where its search begins; at most half of the slots are taken.
#[derive(Debug)]
pub(super) struct Window {
    number: u64,
    slots: Vec<u64>,
    taken: usize,
}

fn kept_of(entry: u64) -> u64 {
    (entry & !TAKEN) >> PLACE_BITS
}

fn place_of(entry: u64) -> u32 {
    u32::try_from(entry & ((1 << PLACE_BITS) - 1)).unwrap_or_default()
}

impl Window {
    pub(super) fn new(number: u64) -> Self {
        Self { number, slots: vec![0; SLOTS_MIN], taken: 0 }
    }

    /// Begins a window that takes so many entries without growing.
    pub(super) fn with_room_for(number: u64, entries: usize) -> Self {
        let slots = ((entries + 1) * 2).next_power_of_two().max(SLOTS_MIN);
        Self { number, slots: vec![0; slots], taken: 0 }
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Returns the last sequence number that it may hold.
    pub(super) const fn end(&self) -> u64 {
        (self.number + 1) * RUN_SEQS
    }

    pub(super) fn insert(&mut self, print: Fingerprint, place: u32) {
        self.insert_kept(print.kept(), place);
    }

    pub(super) fn insert_kept(&mut self, kept: u64, place: u32) {
        if (self.taken + 1) * 2 > self.slots.len() {
            self.grow();
        }
        self.put(TAKEN | (kept << PLACE_BITS) | u64::from(place));
    }

    /// Returns the slots that a fingerprint may stand in, in the order of the search.
    fn way(&self, kept: u64) -> impl Iterator<Item = usize> + use<> {
        let mask = self.slots.len() - 1;
        let start = usize::try_from(kept).unwrap_or_default();
        (0..=mask).map(move |step| start.wrapping_add(step) & mask)
    }

    fn put(&mut self, entry: u64) {
        for at in self.way(kept_of(entry)) {
            if let Some(slot) = self.slots.get_mut(at).filter(|slot| **slot == 0) {
                *slot = entry;
                self.taken += 1;
                return;
            }
        }
    }

    fn grow(&mut self) {
        let slots = vec![0; self.slots.len() * 2];
        let before = std::mem::replace(&mut self.slots, slots);
        self.taken = 0;
        before.into_iter().filter(|entry| *entry != 0).for_each(|entry| self.put(entry));
    }

    pub(super) fn find(&self, print: Fingerprint, found: &mut Vec<Seq>) {
        let kept = print.kept();
        for at in self.way(kept) {
            let entry = self.slots.get(at).copied().unwrap_or_default();
            if entry == 0 {
                return;
            }
            if kept_of(entry) == kept {
                found.extend(seq_at(self.number, place_of(entry)));
            }
        }
    }

    pub(super) fn forget_from(&mut self, place: u32) {
        let slots = vec![0; self.slots.len()];
        let before = std::mem::replace(&mut self.slots, slots);
        self.taken = 0;
        let stays = |entry: &u64| *entry != 0 && place_of(*entry) < place;
        before.into_iter().filter(stays).for_each(|entry| self.put(entry));
    }

    /// Returns all entries, sorted by fingerprint and place.
    pub(super) fn sorted(&self) -> Vec<(u64, u32)> {
        let mut all: Vec<_> = self.slots.iter().copied().filter(|entry| *entry != 0).collect();
        all.sort_unstable();
        all.into_iter().map(|entry| (kept_of(entry), place_of(entry))).collect()
    }
}

/// Returns the sequence number at a place of a run.
pub(super) fn seq_at(number: u64, place: u32) -> Option<Seq> {
    Seq::new(number.checked_mul(RUN_SEQS)?.checked_add(u64::from(place) + 1)?)
}
