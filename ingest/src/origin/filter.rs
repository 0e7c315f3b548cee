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

/// An entry as every filter is asked for it: where its bits lie, computed once for all of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe {
    block: usize,
    bits: [u32; 8],
}

impl Probe {
    pub(super) fn of(kept: u64) -> Self {
        let block = usize::try_from(kept >> (KEPT_BITS - BLOCKS_LOG2)).unwrap_or_default();
        let below = kept & ((1 << (KEPT_BITS - BLOCKS_LOG2)) - 1);
        let below = u32::try_from(below).unwrap_or_default();
        let bits = FACTORS.map(|factor| 1 << (below.wrapping_add(1).wrapping_mul(factor) >> 27));
        Self { block, bits }
    }
}

/// A set that may say yes wrongly (once in some hundred times), never no.
#[derive(Debug)]
pub(super) struct Filter {
    blocks: Vec<Block>,
}

impl Filter {
    pub(super) fn new() -> Self {
        Self { blocks: vec![Block::default(); 1 << BLOCKS_LOG2] }
    }

    pub(super) fn insert(&mut self, kept: u64) {
        let Probe { block, bits } = Probe::of(kept);
        if let Some(Block(words)) = self.blocks.get_mut(block) {
            for (word, bit) in words.iter_mut().zip(bits) {
                *word |= bit;
            }
        }
    }

    pub(super) fn may_hold(&self, probe: &Probe) -> bool {
        let Some(Block(words)) = self.blocks.get(probe.block) else { return true };
        words.iter().zip(&probe.bits).fold(0, |missing, (word, bit)| missing | (bit & !word)) == 0
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
        assert!(known.iter().all(|kept| filter.may_hold(&Probe::of(*kept))));
        let strangers = (0..100_000)
            .filter(|_| filter.may_hold(&Probe::of(rng.next() >> (64 - KEPT_BITS))))
            .count();
        assert!(strangers < 500, "{strangers} of 100,000 strangers pass");
    }
}
