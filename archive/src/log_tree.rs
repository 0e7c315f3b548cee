//! The whole tree, put together from what there is: tiles, the leaves of unsealed events in memory, and leaves
//! recomputed from sealed events where the tree is finer than the tiles.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use chat::Seq;
use parking_lot::Mutex;

use crate::error::{Error, Result};
use crate::journal::memory::Memory;
use crate::proof::Digest;
use crate::proof::tree::{Subtrees, node_hash};
use crate::tiles::{LeavesOf, Tiles};

/// Levels of the tree below the tiles.
const BLOCK_LEVEL: u32 = 8;
/// Leaves of one block.
pub(crate) const BLOCK_LEAVES: u64 = 1 << BLOCK_LEVEL;
/// Blocks of leaves kept in memory, 16 KiB each.
const CACHED_BLOCKS_MAX: usize = 128;
/// Hashes of higher subtrees kept in memory, about 50 bytes each.
const CACHED_HASHES_MAX: usize = 1 << 16;

/// Hashes of complete subtrees: they never change, so whatever is here stays right.
#[derive(Debug, Default)]
pub(crate) struct TreeCache {
    blocks: Mutex<VecDeque<(u64, Arc<Block>)>>,
    hashes: Mutex<HashMap<(u32, u64), Digest>>,
}

/// The tree over all durable events.
pub(crate) struct LogTree<'a> {
    pub(crate) tiles: &'a Tiles,
    pub(crate) memory: &'a Memory,
    /// Recomputes the leaves of sealed events.
    pub(crate) sealed: LeavesOf<'a>,
    pub(crate) cache: &'a TreeCache,
}

/// All hashes over 256 leaves, from the leaves up to their root.
#[derive(Debug)]
pub(crate) struct Block(Vec<Vec<Digest>>);

impl Block {
    /// Grows the tree over 256 leaves.
    pub(crate) fn of(leaves: Vec<Digest>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|below| below.len() > 1) {
            let pairs = below.as_chunks::<2>().0.iter();
            levels.push(pairs.map(|[left, right]| node_hash(left, right)).collect());
        }
        Self(levels)
    }

    /// Returns what stands beside the way from a leaf up to the hash over all of them.
    pub(crate) fn path(&self, place: u64) -> impl Iterator<Item = Digest> {
        let siblings = (0..BLOCK_LEVEL).map(move |level| (level, place >> level ^ 1));
        siblings.filter_map(|(level, place)| self.hash(level, place))
    }

    fn hash(&self, level: u32, place: u64) -> Option<Digest> {
        let hashes = self.0.get(usize::try_from(level).ok()?)?;
        hashes.get(usize::try_from(place).ok()?).copied()
    }
}

impl Subtrees for LogTree<'_> {
    type Error = Error;

    fn hash(&self, level: u32, index: u64) -> Result<Digest> {
        if let Some((block, place)) = self.place_in_block(level, index) {
            let hash = self.block(block)?.hash(level, place);
            return hash.ok_or_else(|| self.beyond(index));
        }
        if let Some(hash) = self.cache.hashes.lock().get(&(level, index)) {
            return Ok(*hash);
        }
        let hash = self.compute(level, index)?;
        let mut hashes = self.cache.hashes.lock();
        if hashes.len() >= CACHED_HASHES_MAX {
            hashes.clear();
        }
        hashes.insert((level, index), hash);
        Ok(hash)
    }
}

impl LogTree<'_> {
    /// Returns the block that a low subtree lies in and its place there, if all leaves of that block are there: the last one
    /// of the log seldom is.
    fn place_in_block(&self, level: u32, index: u64) -> Option<(u64, u64)> {
        let height = BLOCK_LEVEL.checked_sub(level).filter(|height| *height > 0)?;
        let block = index.checked_shr(height)?;
        let first = block.checked_shl(height)?;
        let end = block.saturating_add(1).saturating_mul(BLOCK_LEAVES);
        (end <= self.memory.size()).then_some((block, index.saturating_sub(first)))
    }

    fn compute(&self, level: u32, index: u64) -> Result<Digest> {
        let first = index.checked_shl(level).ok_or_else(|| self.beyond(index))?;
        let count = 1_u64.checked_shl(level).ok_or_else(|| self.beyond(index))?;
        if level >= BLOCK_LEVEL && first.saturating_add(count) <= self.tiles.size() {
            return self.tiles.hash(level, index);
        }
        if level <= BLOCK_LEVEL {
            return Ok(crate::tiles::subtree_root(&self.leaves(first, count)?));
        }
        let (below, left) = (level.saturating_sub(1), index.saturating_mul(2));
        let left_hash = self.hash(below, left)?;
        Ok(node_hash(&left_hash, &self.hash(below, left.saturating_add(1))?))
    }

    /// Returns a whole block of leaves and the hashes over them.
    fn block(&self, number: u64) -> Result<Arc<Block>> {
        if let Some((_, block)) = self.cache.blocks.lock().iter().find(|(at, _)| *at == number) {
            return Ok(Arc::clone(block));
        }
        let leaves = self.leaves(number.saturating_mul(BLOCK_LEAVES), BLOCK_LEAVES)?;
        let block = Arc::new(Block::of(leaves));
        let mut blocks = self.cache.blocks.lock();
        blocks.truncate(CACHED_BLOCKS_MAX.saturating_sub(1));
        blocks.push_front((number, Arc::clone(&block)));
        Ok(block)
    }

    /// Returns `count` leaves from an index on. An event that is no longer in memory is sealed: it is shown there first.
    pub(crate) fn leaves(&self, first: u64, count: u64) -> Result<Vec<Digest>> {
        let end = first.saturating_add(count);
        let mut leaves = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
        let mut next = first;
        while next < end {
            let seq = Seq::new(next.saturating_add(1)).ok_or_else(|| self.beyond(end))?;
            if let Some(leaf) = self.memory.leaf(seq) {
                leaves.push(leaf);
                next = next.saturating_add(1);
                continue;
            }
            let held = self.memory.first().leaf_index().min(end);
            let wanted = held.checked_sub(next).filter(|wanted| *wanted > 0);
            let found = (self.sealed)(seq, wanted.ok_or_else(|| self.beyond(end))?)?;
            if found.is_empty() {
                return Err(self.beyond(end));
            }
            next = next.saturating_add(u64::try_from(found.len()).unwrap_or(u64::MAX));
            leaves.extend(found);
        }
        Ok(leaves)
    }

    fn beyond(&self, asked: u64) -> Error {
        Error::BeyondEnd { action: "read the leaves", asked, held: self.memory.size() }
    }
}
