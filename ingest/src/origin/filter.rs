//! A Bloom filter over one run: most new events are told from known ones without touching the disk.
//!
//! All bits of an entry lie in one block of 32 bytes, so a probe costs one line of the cache; and blocks follow the order of
//! fingerprints, so a sorted batch walks through the filter from its beginning to its end.
//!
//! An entry belongs to the same block of every run's filter. So filters are joined as their number grows, two of equal width at a
//! time, and the blocks of one number lie side by side: of ten runs an entry is looked for in two places, not in ten.

use std::sync::Arc;

use super::KEPT_BITS;

/// Blocks of the filter, as a power of two: 16 bits for each event of a full run.
const BLOCKS_LOG2: u32 = super::RUN_SEQS_LOG2 - 4;
/// Runs whose filters are joined at most: 32 MB, which is what joining them takes for a moment besides.
const JOINED_MAX: usize = 16;
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

impl Block {
    fn may_hold(&self, probe: &Probe) -> bool {
        let pairs = self.0.iter().zip(&probe.bits);
        pairs.fold(0, |missing, (word, bit)| missing | (bit & !word)) == 0
    }
}

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
}

/// The filters of neighbouring runs: for each number of a block, the blocks of all of them in a row.
#[derive(Debug)]
struct Joined {
    width: usize,
    blocks: Vec<Block>,
}

impl Joined {
    fn with(&self, later: &Self) -> Self {
        let mut blocks = Vec::with_capacity(self.blocks.len() + later.blocks.len());
        let rows = self.blocks.chunks_exact(self.width.max(1));
        for (first, second) in rows.zip(later.blocks.chunks_exact(later.width.max(1))) {
            blocks.extend_from_slice(first);
            blocks.extend_from_slice(second);
        }
        Self { width: self.width + later.width, blocks }
    }

    /// Returns the blocks that an entry belongs to, one of each run.
    fn row(&self, probe: &Probe) -> &[Block] {
        let first = probe.block * self.width;
        self.blocks.get(first..first + self.width).unwrap_or_default()
    }
}

/// The filters of all runs, in the order of the runs. A copy shares what is joined, so that it can grow while this one is asked.
#[derive(Debug, Default, Clone)]
pub(super) struct Filters {
    /// From wide to narrow; none but the widest there can be are of equal width.
    joined: Vec<Arc<Joined>>,
}

impl Filters {
    /// Adds the filter of the next run.
    pub(super) fn push(&mut self, filter: Filter) {
        let mut last = Joined { width: 1, blocks: filter.blocks };
        while last.width < JOINED_MAX
            && let Some(before) = self.joined.pop_if(|before| before.width == last.width)
        {
            last = before.with(&last);
        }
        self.joined.push(Arc::new(last));
    }

    /// Adds the numbers of the runs that may have an entry, ascending.
    pub(super) fn find(&self, probe: &Probe, holders: &mut Vec<usize>) {
        let mut first = 0;
        for joined in &self.joined {
            for (at, block) in joined.row(probe).iter().enumerate() {
                if block.may_hold(probe) {
                    holders.push(first + at);
                }
            }
            first += joined.width;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holders(filters: &Filters, kept: u64) -> Vec<usize> {
        let mut holders = Vec::new();
        filters.find(&Probe::of(kept), &mut holders);
        holders
    }

    #[test]
    fn what_was_put_in_is_there_and_few_strangers_are() {
        let rng = chat::testing::SeededRng::new(7);
        let mut filter = Filter::new();
        let count = 1 << super::super::RUN_SEQS_LOG2;
        let known: Vec<_> = (0..count).map(|_| rng.next() >> (64 - KEPT_BITS)).collect();
        for kept in &known {
            filter.insert(*kept);
        }
        let mut filters = Filters::default();
        filters.push(filter);
        let passes = |kept: u64| !holders(&filters, kept).is_empty();
        assert!(known.iter().all(|kept| passes(*kept)));
        let strangers = (0..100_000).filter(|_| passes(rng.next() >> (64 - KEPT_BITS))).count();
        assert!(strangers < 500, "{strangers} of 100,000 strangers pass");
    }

    #[test]
    fn joined_filters_name_every_run_that_has_an_entry_and_lie_in_few_places() {
        let rng = chat::testing::SeededRng::new(19);
        let mut filters = Filters::default();
        let mut known: Vec<Vec<u64>> = Vec::new();
        for runs in 1..=JOINED_MAX * 2 + 3 {
            let own: Vec<_> = (0..50).map(|_| rng.next() >> (64 - KEPT_BITS)).collect();
            let mut filter = Filter::new();
            for kept in &own {
                filter.insert(*kept);
            }
            // One entry is in every third run.
            if runs % 3 == 0 {
                filter.insert(42);
            }
            filters.push(filter);
            known.push(own);
            let most =
                runs / JOINED_MAX + usize::try_from((runs % JOINED_MAX).count_ones()).unwrap();
            assert_eq!(filters.joined.len(), most, "{runs} runs");
            for (run, own) in known.iter().enumerate() {
                for kept in own {
                    let holders = holders(&filters, *kept);
                    assert!(holders.contains(&run), "{runs} runs, {kept:x} of run {run}");
                    assert!(holders.is_sorted() && holders.len() <= 2, "{holders:?}");
                }
            }
            let thirds: Vec<_> = (0..runs).filter(|run| run % 3 == 2).collect();
            assert_eq!(holders(&filters, 42), thirds);
        }
    }
}
