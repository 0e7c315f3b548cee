//! What one input has offered so far: true repeats are kept, contradictions are found.
//!
//! Nothing is remembered of a record but which event stands for it, one bit each: whether a record came before in the same
//! input is asked of the archive, which has it by then. So an input costs the same memory however long it is.

use std::collections::hash_map::{Entry, RandomState};
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher as _;
use std::sync::{Arc, OnceLock};

use chat::{Attachment, Seq};

use crate::draft::Bounded;
use crate::origin::Fingerprint;
use crate::source::Unreadable;

/// Events of one page of claims.
const PAGE_EVENTS: u64 = 1 << 15;
/// Words of one page of claims.
const PAGE_WORDS: usize = 1 << 9;
/// Claims that are kept as they are: a single post needs no page.
const FEW_CLAIMS: usize = 16;

/// One thing that a caller hands in.
#[derive(Debug, Clone)]
pub(crate) enum Offer {
    /// An event.
    Draft(Bounded),
    /// Bytes to be kept raw, and the file that holds them where they are too long for a record.
    Unreadable {
        /// The piece.
        piece: Box<Unreadable>,
        /// The file, already in the archive.
        file: Option<Box<Attachment>>,
    },
}

impl Offer {
    /// Returns about how many bytes it holds in memory.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Draft(draft) => draft.bytes(),
            Self::Unreadable { piece, .. } => piece.raw.len().saturating_add(256),
        }
    }
}

/// What is remembered of one input while it is read.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// Which events of the archive stand for records of this input, as long as they are few.
    few_claims: Vec<Seq>,
    /// The same once they are more, a bit for each, in pages.
    claims: BTreeMap<u64, Box<[u64]>>,
    /// How many equals there were of each record without an id that came more than once.
    equals: HashMap<Fingerprint, u32>,
    hasher: RandomState,
    /// How many equals of an unreadable piece came so far.
    unreadable: HashMap<u64, u32>,
    /// The last record that was not unfolded from another: nothing if it was quarantined.
    pub(super) record: Option<Seq>,
    /// The source that was named last, for pieces that name none.
    pub(super) source: Option<String>,
    /// Why a batch of it was refused; then no later one is taken, or the rest would stand in the log before it.
    pub(super) refused: Arc<OnceLock<String>>,
    /// Every version recorded from here on may have come with this input: saying it again adds nothing.
    pub(super) own_since: Option<Seq>,
}

fn place_of(seq: Seq) -> (u64, usize, u64) {
    let (index, bit) = (seq.leaf_index() % PAGE_EVENTS, seq.leaf_index() % 64);
    (seq.leaf_index() / PAGE_EVENTS, usize::try_from(index / 64).unwrap_or_default(), 1 << bit)
}

impl Input {
    /// Begins an input that shares its fate with others: when a batch of one is refused, none of the others is taken.
    pub(crate) fn beside(refused: &Arc<OnceLock<String>>) -> Self {
        Self { refused: Arc::clone(refused), ..Self::default() }
    }

    /// Says from where on what is recorded may have come with this input, as it was read before; nothing where it is new.
    pub(crate) const fn known_since(mut self, own_since: Option<Seq>) -> Self {
        self.own_since = own_since;
        self
    }

    /// Notes that an event stands for a record of this input.
    pub(super) fn claim(&mut self, seq: Seq) {
        if self.has_claimed(seq) {
            return;
        }
        if self.claims.is_empty() && self.few_claims.len() < FEW_CLAIMS {
            self.few_claims.push(seq);
            return;
        }
        for seq in std::mem::take(&mut self.few_claims) {
            self.mark(seq);
        }
        self.mark(seq);
    }

    fn mark(&mut self, seq: Seq) {
        let (page, word, bit) = place_of(seq);
        let page = self.claims.entry(page).or_insert_with(|| vec![0; PAGE_WORDS].into());
        if let Some(word) = page.get_mut(word) {
            *word |= bit;
        }
    }

    /// Returns whether an event stands for a record of this input.
    pub(super) fn has_claimed(&self, seq: Seq) -> bool {
        let (page, word, bit) = place_of(seq);
        let word = self.claims.get(&page).and_then(|page| page.get(word));
        word.is_some_and(|word| word & bit != 0) || self.few_claims.contains(&seq)
    }

    /// Returns how many equals of a record are known to have come before it, by the fingerprint of the first; 1 if none was counted.
    pub(super) fn equals(&self, first: Fingerprint) -> u32 {
        self.equals.get(&first).copied().unwrap_or(1)
    }

    /// Notes how many equals of a record there are now.
    pub(super) fn count_equals(&mut self, first: Fingerprint, count: u32) {
        self.equals.insert(first, count);
    }

    /// Returns how many equal unreadable pieces came before this one.
    pub(super) fn ordinal_of_raw(&mut self, raw: &[u8]) -> u32 {
        let hash = self.hasher.hash_one(raw);
        count(self.unreadable.entry(hash))
    }
}

fn count(slot: Entry<'_, u64, u32>) -> u32 {
    let count = slot.or_default();
    let before = *count;
    *count = before.saturating_add(1);
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_one_event_and_no_other() {
        let mut input = Input::default();
        let seq = |number| Seq::new(number).unwrap();
        let mut claimed = vec![1, 64, 65, 32_768, 32_769, 10_000_000];
        let asked = [1, 2, 63, 64, 65, 66, 32_767, 32_768, 32_769, 32_770, 9_999_999, 10_000_000];
        // First as many as are kept as they are, then more.
        claimed.extend((0..20).map(|place| 100 + place * 2));
        for (place, number) in claimed.iter().enumerate() {
            input.claim(seq(*number));
            input.claim(seq(*number));
            for other in asked.iter().chain(&claimed) {
                let is_claimed = claimed[..=place].contains(other);
                assert_eq!(input.has_claimed(seq(*other)), is_claimed, "{other} after {number}");
            }
        }
    }
}
