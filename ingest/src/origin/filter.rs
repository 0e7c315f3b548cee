//! A Bloom filter over one run: most new events are told from known ones without touching the disk.
//!
//! All bits of an entry lie in one block of 32 bytes, so a probe costs one line of the cache; and blocks follow the order of
//! fingerprints, so a sorted batch walks through the filter from its beginning to its end.

use super::KEPT_BITS;

/// Blocks of the filter, as a power of two: 16 bits for each event of a full run.
const BLOCKS_LOG2: u32 = super::RUN_SEQS_LOG2 - 4;
/// Odd factors, one for each word of a block, that spread an entry over the word's 32 bits.
const FACTORS: [u32; 8] = [
    0x9e37_79b1,
    0x85eb_ca77,
    0xc2b2_ae3d,
    0x27d4_eb2f,
    0x1656_67b1,
    0xd35a_2d97,
    0xfd70_46c5,
    0xb55a_4f09,
];

/// Eight words; an entry sets one bit in each.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(32))]
struct Block([u32; 8]);

/// A set that may say yes wrongly (once in some hundred times), never no.
#[derive(Debug)]
pub(super) struct Filter {
    blocks: Vec<Block>,
}

impl Filter {
    pub(super) fn new() -> Self {
        Self { blocks: vec![Block::default(); 1 << BLOCKS_LOG2] }
    }

    fn block_of(kept: u64) -> usize {
        usize::try_from(kept >> (KEPT_BITS - BLOCKS_LOG2)).unwrap_or_default()
    }

    /// Returns the bits of an entry in each word of its block.
    fn mask(kept: u64) -> [u32; 8] {
        let below = kept & ((1 << (KEPT_BITS - BLOCKS_LOG2)) - 1);
        let below = u32::try_from(below).unwrap_or_default();
        FACTORS.map(|factor| 1 << (below.wrapping_add(1).wrapping_mul(factor) >> 27))
    }

    pub(super) fn insert(&mut self, kept: u64) {
        if let Some(Block(words)) = self.blocks.get_mut(Self::block_of(kept)) {
            for (word, bit) in words.iter_mut().zip(Self::mask(kept)) {
                *word |= bit;
            }
        }
    }

    pub(super) fn may_hold(&self, kept: u64) -> bool {
        let Some(Block(words)) = self.blocks.get(Self::block_of(kept)) else { return true };
        let missing =
            words.iter().zip(Self::mask(kept)).fold(0, |all, (word, bit)| all | (bit & !word));
        missing == 0
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
        let known: Vec<_> = (0..count).map(|_| rng.next() >> (64 - KEPT_BITS)).collect();
        for kept in &known {
            filter.insert(*kept);
        }
        assert!(known.iter().all(|kept| filter.may_hold(*kept)));
        let strangers =
            (0..100_000).filter(|_| filter.may_hold(rng.next() >> (64 - KEPT_BITS))).count();
        assert!(strangers < 500, "{strangers} of 100,000 strangers pass");
    }
}
