//! A Bloom filter over one run: most new events are told from known ones without touching the disk.

/// Bits of the filter, as a power of two: 16 for each event of a full run.
const BITS_LOG2: u32 = super::RUN_SEQS_LOG2 + 4;
/// Bits that each entry sets; with 16 bits an entry, 1 in 400 strangers passes.
const PROBES: u32 = 4;

/// A set that may say yes wrongly, never no.
#[derive(Debug)]
pub(super) struct Filter {
    words: Vec<u64>,
}

impl Filter {
    pub(super) fn new() -> Self {
        Self { words: vec![0; 1 << (BITS_LOG2 - 6)] }
    }

    /// Returns the word and bit of each probe; the 40 bits are spread by an odd factor, then stepped through.
    fn probes(kept: u64) -> impl Iterator<Item = (usize, u64)> {
        let spread = kept.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (start, step) = (spread >> 32, (spread & 0xffff_ffff) | 1);
        (0..u64::from(PROBES)).map(move |probe| {
            let bit = start.wrapping_add(step.wrapping_mul(probe)) & ((1 << BITS_LOG2) - 1);
            (usize::try_from(bit >> 6).unwrap_or_default(), 1 << (bit & 63))
        })
    }

    pub(super) fn insert(&mut self, kept: u64) {
        for (word, bit) in Self::probes(kept) {
            if let Some(word) = self.words.get_mut(word) {
                *word |= bit;
            }
        }
    }

    pub(super) fn may_hold(&self, kept: u64) -> bool {
        Self::probes(kept)
            .all(|(word, bit)| self.words.get(word).is_some_and(|word| word & bit != 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_there_and_few_strangers_are() {
        let rng = chat::testing::SeededRng::new(7);
        let mut filter = Filter::new();
        let count = 1 << super::super::RUN_SEQS_LOG2;
        let known: Vec<_> = (0..count).map(|_| rng.next() >> 24).collect();
        for kept in &known {
            filter.insert(*kept);
        }
        assert!(known.iter().all(|kept| filter.may_hold(*kept)));
        let strangers = (0..100_000).filter(|_| filter.may_hold(rng.next() >> 24)).count();
        assert!(strangers < 500, "{strangers} of 100,000 strangers pass");
    }
}
