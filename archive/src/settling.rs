//! What is done to sealed events when nothing else is to be done: small neighbours become one segment, compressed once at a high
//! level with a dictionary of its own (house.md §6.3), and keys that no file needs go.
//!
//! The new generation is written under new keys, read back and proven against the log's leaves before it gets its name;
//! then it takes over, the old keys are destroyed, and the old files are removed. A crash leaves the old files, or both, or the new ones;
//! the next start decides (`seal::found`).

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use chat::{Family, Lane, Seq};
use rayon::prelude::*;

use crate::archive::Archive;
use crate::durable;
use crate::error::{Error, Result};
use crate::fuse::whole_message;
use crate::keys::KeyId;
use crate::proof::Digest;
use crate::seal::{Harvest, LaneHarvest, PROVEN_EVERY, Stamp, seal};
use crate::segment::footer::BlockEntry;
use crate::segment::{LEVEL_SETTLED, SealedRange, SegmentReader, Slot};
use crate::tiles::{Tiles, subtree_root};

/// Leaves under one hash of the lowest stored tiles.
const BLOCK_LEAVES: usize = 256;
/// The level of that hash.
const BLOCK_LEVEL: u32 = 8;

/// What one piece of idle work has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SettleReport {
    /// Ranges that became one; 0 if nothing was left to be done.
    pub ranges: u64,
    /// Events in them.
    pub events: u64,
    /// Bytes that their files had.
    pub bytes_before: u64,
    /// Bytes of the two files that took over.
    pub bytes_after: u64,
}

impl Archive {
    /// Does one bounded piece of idle work: neighbouring small segments of at most `seal_bytes` become one, or one that was sealed in
    /// haste is written again at a higher level. Returns what was done; `ranges` is 0 once nothing is left to do.
    ///
    /// Needs as much free space as the ranges have, and is refused where that would touch the reserve. Does nothing while
    /// [`Archive::verify`] reads, or another call is at work.
    pub fn settle(&self) -> Result<SettleReport> {
        self.shared.fuse.check()?;
        let Some(_settling) = self.settling.try_lock() else { return Ok(SettleReport::default()) };
        let ranges = self.sealed.ranges();
        let Some(group) = next_group(&ranges, self.settings.seal_bytes) else {
            self.drop_unused_keys()?;
            return Ok(SettleReport::default());
        };
        let done = self.settle_group(ranges.get(group).unwrap_or_default());
        if let Err(error) = &done
            && (error.is_in_doubt() || error.family() == Family::Corrupt)
        {
            // The old files are whole and stay; nothing may be built on names that may not be durable.
            self.shared.fuse.blow(format!("seal anew: {}", whole_message(error)));
        }
        done
    }

    fn settle_group(&self, group: &[Arc<SealedRange>]) -> Result<SettleReport> {
        let old: Vec<&SegmentReader> = group.iter().flat_map(|range| range.readers()).collect();
        let bytes_before = old.iter().fold(0_u64, |sum, old| sum.saturating_add(old.file_bytes()));
        self.check_reserve(bytes_before)?;
        let harvest = harvest(group)?;
        check_tree(&self.tiles, &harvest)?;
        let newest = old.iter().map(|old| old.footer().header.generation).max().unwrap_or(0);
        let stamp = Stamp {
            sealed_at: self.shared.ports.clock.now(),
            level: LEVEL_SETTLED,
            generation: newest.saturating_add(1),
            proven_every: PROVEN_EVERY,
        };
        let place = self.sealing.place();
        let range = seal(place, &harvest, stamp)?;
        let written = range.readers().fold(0_u64, |sum, new| sum.saturating_add(new.file_bytes()));
        let report = SettleReport {
            ranges: u64::try_from(group.len()).unwrap_or(u64::MAX),
            events: u64::try_from(harvest.leaves.len()).unwrap_or(u64::MAX),
            bytes_before,
            bytes_after: written,
        };
        self.sealed.replace(range);
        self.let_go(&old)?;
        Ok(report)
    }

    /// Destroys the keys of files that have been replaced, and removes them. Readers that hold them open read on.
    fn let_go(&self, old: &[&SegmentReader]) -> Result<()> {
        let keys: Vec<KeyId> = old.iter().map(|old| old.key()).collect();
        if let Err(error) = self.shared.keys.destroy(&keys) {
            tracing::warn!(%error, "the keys of replaced segments are still there");
            self.shared.fuse.check()?;
        }
        let place = self.sealing.place();
        for old in old {
            durable::remove_if_there(place.disk, old.path())?;
        }
        place.disk.sync_folder(place.folder).map_err(Error::io("sync folder", place.folder))
    }

    /// Destroys keys that a crash has left over. Where that cannot be known nothing is dropped.
    fn drop_unused_keys(&self) -> Result<()> {
        let left_over = self.left_over()?;
        self.shared.keys.retire(&left_over.unwrap_or_default());
        self.shared.keys.destroy_retired()
    }

    /// Returns the keys that a crash has left over: those that were in the ring at the start and belong to no file. Nothing where a file
    /// is damaged or gone and there are more keys than files: it may come back from a backup.
    pub(crate) fn left_over(&self) -> Result<Option<Vec<KeyId>>> {
        let keys = &self.shared.keys;
        let (blobs, _) = self.blobs.totals();
        let ranges = self.sealed.ranges();
        let readers: Vec<_> = ranges.iter().flat_map(|range| range.readers()).collect();
        let journal = self.shared.memory.keys();
        let abridged = self.abridging.key();
        let files = journal.len().saturating_add(readers.len());
        let files = files.saturating_add(abridged.iter().len());
        let files = u64::try_from(files).unwrap_or(u64::MAX).saturating_add(blobs);
        let is_whole = readers.len() == ranges.len().saturating_mul(Lane::ALL.len());
        if u64::try_from(keys.count()).unwrap_or(0) <= files {
            return Ok(Some(Vec::new()));
        }
        if !is_whole || keys.fault().is_some() || !self.are_named_files_there(blobs) {
            return Ok(None);
        }
        let mut used: HashSet<KeyId> = readers.iter().map(|reader| reader.key()).collect();
        used.extend(journal);
        used.extend(abridged);
        used.extend(self.blobs.keys()?);
        Ok(Some(keys.inherited_but(&used)))
    }

    /// Returns whether there are as many kept files as events name, as far as the catalog knows.
    fn are_named_files_there(&self, blobs: u64) -> bool {
        if blobs == 0 && !self.catalog.is_kept() {
            return true;
        }
        let is_level = self.catalog.events() == self.size();
        let named = self.catalog().and_then(crate::catalog::Catalog::files);
        is_level && named.is_ok_and(|named| named.len() <= usize::try_from(blobs).unwrap_or(0))
    }
}

/// Returns the next ranges that are worth being written again as one: neighbours, whole, of at most so many bytes before
/// compression, or one alone.
///
/// What is settled already is written again only with at least as much that is not: each event is then written a few times
/// at most, however slowly the log grows.
fn next_group(ranges: &[Arc<SealedRange>], bytes_max: u64) -> Option<Range<usize>> {
    (0..ranges.len()).find_map(|start| {
        let (mut end, mut settled, mut unsettled) = (start, 0_u64, 0_u64);
        for range in ranges.get(start..)? {
            let bytes = raw_bytes(range)?;
            let all = settled.saturating_add(unsettled);
            if all.saturating_add(bytes) > bytes_max && all > 0 {
                break;
            }
            let sum = if is_settled(range) { &mut settled } else { &mut unsettled };
            *sum = sum.saturating_add(bytes);
            end = end.saturating_add(1);
        }
        (unsettled > 0 && unsettled >= settled).then_some(start..end)
    })
}

/// Returns the bytes of a range before compression; nothing if a file of it is damaged.
fn raw_bytes(range: &SealedRange) -> Option<u64> {
    let bytes = |lane| range.reader(lane).ok().map(|reader| reader.footer().raw_bytes());
    Lane::ALL.into_iter().try_fold(0_u64, |sum, lane| Some(sum.saturating_add(bytes(lane)?)))
}

fn is_settled(range: &SealedRange) -> bool {
    range.readers().all(|reader| reader.footer().level >= LEVEL_SETTLED)
}

/// Reads all events of neighbouring ranges with their leaves, recomputed.
pub(crate) fn harvest(group: &[Arc<SealedRange>]) -> Result<Harvest> {
    let (Some(head), Some(tail)) = (group.first(), group.last()) else {
        return Err(Error::BatchOrder { expected: 1, found: 0 });
    };
    let (first, last) = (head.first, tail.last);
    let count = last.get().saturating_sub(first.leaf_index());
    let mut found: Vec<Option<Digest>> = vec![None; usize::try_from(count).unwrap_or(0)];
    let mut lanes = [LaneHarvest::default(), LaneHarvest::default()];
    for (lane, harvest) in Lane::ALL.into_iter().zip(&mut lanes) {
        for range in group {
            let reader = range.reader(lane)?;
            harvest.runs.extend(reader.footer().runs.iter().cloned());
            for block in read_blocks(reader)? {
                for (slot, leaf) in block {
                    let place = usize::try_from(slot.seq().saturating_sub(first.get()));
                    if let Some(place) = place.ok().and_then(|place| found.get_mut(place)) {
                        *place = Some(leaf);
                    }
                    harvest.slots.push(slot);
                }
            }
        }
    }
    let leaves: Option<Vec<Digest>> = found.into_iter().collect();
    let leaves = leaves.ok_or_else(|| missing(head, (first, last)))?;
    Ok(Harvest { first, last, lanes, leaves })
}

fn missing(range: &SealedRange, (first, last): (Seq, Seq)) -> Error {
    match range.reader(Lane::Talk) {
        Ok(reader) => Error::corrupt(reader.path(), 0, "events are in neither lane")
            .with_seqs(Some(first), Some(last)),
        Err(error) => error,
    }
}

type Rows = Vec<(Slot, Digest)>;

fn read_blocks(reader: &SegmentReader) -> Result<Vec<Rows>> {
    let rows = |entry: &BlockEntry| -> Result<Rows> {
        let block = reader.block(entry, true)?;
        let mut salting = reader.salting();
        let slots = (0..block.rows()).filter_map(|row| block.slot(row));
        slots
            .map(|slot| {
                let leaf = salting.leaf(&slot).map_err(|refusal| {
                    Error::corrupt(reader.path(), entry.metadata.offset, refusal.to_string())
                        .with_seqs(Some(entry.first), Some(entry.last))
                })?;
                Ok((slot, leaf))
            })
            .collect()
    };
    reader.footer().blocks.par_iter().map(rows).collect()
}

/// Holds the leaves against the stored tree: nothing replaces a file whose events are not those that were signed.
fn check_tree(tiles: &Tiles, harvest: &Harvest) -> Result<()> {
    let first = usize::try_from(harvest.first.leaf_index()).unwrap_or(usize::MAX);
    let skipped = first.next_multiple_of(BLOCK_LEAVES).saturating_sub(first);
    let blocks = harvest.leaves.get(skipped..).unwrap_or_default().chunks_exact(BLOCK_LEAVES);
    let number = first.saturating_add(skipped) / BLOCK_LEAVES;
    for (number, leaves) in (number..).zip(blocks) {
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        if subtree_root(leaves) != tiles.hash(BLOCK_LEVEL, number)? {
            let from = number.saturating_mul(256);
            let seqs = (Seq::new(from.saturating_add(1)), Seq::new(from.saturating_add(256)));
            let fault = "sealed events are not those that the stored tree holds";
            return Err(Error::corrupt(tiles.folder(), 0, fault).with_seqs(seqs.0, seqs.1));
        }
    }
    Ok(())
}
