//! The newest events' fingerprints, in memory until their run is complete and durable.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use chat::Seq;

use super::{Fingerprint, RUN_SEQS};

/// Passes a fingerprint on as its own hash: it is one already.
#[derive(Debug, Default)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        // The map takes its buckets from the low bits and its tags from the high ones: both must vary.
        self.0 = number ^ (number << 24);
    }
}

/// The fingerprints of one run in the making.
#[derive(Debug)]
pub(super) struct Window {
    number: u64,
    newest: HashMap<u64, u32, BuildHasherDefault<AsIs>>,
    /// Earlier places of a fingerprint that has several, with the fingerprint.
    earlier: Vec<(u64, u32)>,
}

impl Window {
    pub(super) fn new(number: u64) -> Self {
        Self { number, newest: HashMap::default(), earlier: Vec::new() }
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
        if let Some(before) = self.newest.insert(kept, place) {
            self.earlier.push((kept, before));
        }
    }

    pub(super) fn find(&self, print: Fingerprint, found: &mut Vec<Seq>) {
        let kept = print.kept();
        let Some(newest) = self.newest.get(&kept) else { return };
        let earlier = self.earlier.iter().filter(|(other, _)| *other == kept);
        let places = earlier.map(|(_, place)| place).chain([newest]);
        found.extend(places.filter_map(|place| seq_at(self.number, *place)));
    }

    pub(super) fn forget_from(&mut self, place: u32) {
        self.newest.retain(|_, known| *known < place);
        let earlier = std::mem::take(&mut self.earlier);
        for (kept, known) in earlier.into_iter().filter(|(_, known)| *known < place) {
            self.insert_kept(kept, known);
        }
    }

    /// Returns all entries, sorted by fingerprint and place.
    pub(super) fn sorted(&self) -> Vec<(u64, u32)> {
        let newest = self.newest.iter().map(|(kept, place)| (*kept, *place));
        let mut all: Vec<_> = newest.chain(self.earlier.iter().copied()).collect();
        all.sort_unstable();
        all
    }
}

/// Returns the sequence number at a place of a run.
pub(super) fn seq_at(number: u64, place: u32) -> Option<Seq> {
    Seq::new(number.checked_mul(RUN_SEQS)?.checked_add(u64::from(place) + 1)?)
}
