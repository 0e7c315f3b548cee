//! Decoded blocks that are kept for a while, so that neighbours are read without decoding again: columns and packed rows,
//! no events. Bounded in bytes, which the archive's state tells.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

use super::block::Block;
use super::footer::BlockEntry;
use super::reader::SegmentReader;
use crate::error::Result;

/// Bytes in memory of all blocks that are kept.
const CACHE_BYTES_MAX: usize = 48 << 20;

/// The blocks decoded last.
#[derive(Debug, Default)]
pub(crate) struct BlockCache(Mutex<Blocks>);

#[derive(Debug, Default)]
struct Blocks {
    kept: VecDeque<Kept>,
    /// Readers of files that held what is destroyed by now: nothing of theirs is kept any more, whoever is still reading it.
    gone: HashSet<u64>,
}

#[derive(Debug)]
struct Kept {
    reader: u64,
    first: u64,
    bytes: usize,
    block: Arc<Block>,
}

impl BlockCache {
    /// Returns a block; one that was decoded with its content serves those who read headers alone too, and not the other
    /// way about. Blocks that are not kept are decoded without holding the lock.
    pub(crate) fn block(
        &self,
        reader: &SegmentReader,
        entry: &BlockEntry,
        with_content: bool,
    ) -> Result<Arc<Block>> {
        let (number, first) = (reader.number(), entry.first.get());
        if let Some(block) = self.find(number, first, with_content) {
            return Ok(block);
        }
        let block = Arc::new(reader.block(entry, with_content)?);
        let bytes = block.memory_bytes();
        self.keep(Kept { reader: number, first, bytes, block: Arc::clone(&block) });
        Ok(block)
    }

    /// Returns the bytes that the kept blocks take in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.0.lock().kept.iter().fold(0, |sum, kept| sum.saturating_add(kept.bytes))
    }

    /// Lets all blocks of some readers go, for good.
    pub(crate) fn forget(&self, readers: &[u64]) {
        let mut blocks = self.0.lock();
        blocks.gone.extend(readers);
        blocks.kept.retain(|kept| !readers.contains(&kept.reader));
    }

    fn find(&self, reader: u64, first: u64, with_content: bool) -> Option<Arc<Block>> {
        let mut blocks = self.0.lock();
        let kept = &mut blocks.kept;
        let serves = |kept: &Kept| {
            kept.reader == reader
                && kept.first == first
                && (kept.block.has_content() || !with_content)
        };
        let at = kept.iter().position(serves)?;
        let found = kept.remove(at)?;
        let block = Arc::clone(&found.block);
        kept.push_front(found);
        Some(block)
    }

    fn keep(&self, block: Kept) {
        let mut blocks = self.0.lock();
        if blocks.gone.contains(&block.reader) {
            return;
        }
        let kept = &mut blocks.kept;
        kept.push_front(block);
        let mut total = 0_usize;
        // The block just decoded stays whatever its size: its reader holds it anyway.
        let within = kept.iter().skip(1).take_while(|kept| {
            total = total.saturating_add(kept.bytes);
            total <= CACHE_BYTES_MAX
        });
        let stay = within.count().saturating_add(1);
        kept.truncate(stay);
    }
}
