//! One range written again without what an order names: read, held against the tree, buried, written, read back, proven, and only
//! then in place of the old files.

use std::slice;
use std::sync::Arc;

use chat::{Family, Lane, Seq};
use policy::{RecordedOrder, Remains};

use super::Progress;
use crate::archive::Archive;
use crate::durable;
use crate::error::{Error, Result};
use crate::fuse::whole_message;
use crate::keys::KeyId;
use crate::proof::{Digest, Refusal};
use crate::seal::{Harvest, LaneHarvest, Stamp, seal};
use crate::segment::narrowing::narrowed;
use crate::segment::{SealedRange, SegmentReader, Slot};
use crate::settling::harvest;
use crate::tiles::subtree_root;

/// Leaves under one hash of the lowest stored tiles.
const WINDOW_LEAVES: u64 = 256;
/// The level of that hash.
const WINDOW_LEVEL: u32 = 8;

/// How many events of a range were buried, and whether one of them was blanked.
#[derive(Debug, Clone, Copy, Default)]
struct Buried {
    events: u64,
    is_any_blank: bool,
}

impl Archive {
    /// Destroys what an order names of one range. Called while nobody else replaces files.
    pub(super) fn destroy_in(
        &self,
        range: &Arc<SealedRange>,
        order: &RecordedOrder,
        progress: &mut Progress,
    ) -> Result<()> {
        if !self.is_any_alive(range, order)? {
            return Ok(());
        }
        let mut harvest = harvest(slice::from_ref(range))?;
        self.check_every_leaf(&harvest)?;
        let buried = bury(range, order, &mut harvest)?;
        if buried.is_any_blank && !progress.are_places_kept {
            self.sealing.keep_places(order.place())?;
            progress.are_places_kept = true;
        }
        let new = self.write_survivors(range, &harvest)?;
        drop(harvest);
        let report = &mut progress.report;
        report.ranges = report.ranges.saturating_add(1);
        report.events = report.events.saturating_add(buried.events);
        report.bytes_before = report.bytes_before.saturating_add(file_bytes(range));
        report.bytes_after = report.bytes_after.saturating_add(file_bytes(&new));
        self.sealed.replace(new);
        self.let_go_for_good(range, progress)
    }

    /// Writes a range as the next generation, reads it back and proves every leaf of it before it gets its name.
    fn write_survivors(&self, old: &SealedRange, harvest: &Harvest) -> Result<SealedRange> {
        let footers = || old.readers().map(SegmentReader::footer);
        let newest = footers().map(|footer| footer.header.generation).max().unwrap_or(0);
        let stamp = Stamp {
            sealed_at: self.shared.ports.clock.now(),
            level: footers().map(|footer| footer.level).min().unwrap_or(crate::segment::LEVEL_SEAL),
            generation: newest.saturating_add(1),
            proven_every: 1,
        };
        let sealed = seal(self.sealing.place(), harvest, stamp);
        sealed.inspect_err(|error| {
            if error.is_in_doubt() || error.family() == Family::Corrupt {
                // The old files are whole and stay; nothing may be built on names that may not be durable.
                self.shared.fuse.blow(format!("execute an order: {}", whole_message(error)));
            }
        })
    }

    /// Lets what was decoded of a replaced range go, destroys its keys and removes its files.
    fn let_go_for_good(&self, old: &SealedRange, progress: &mut Progress) -> Result<()> {
        let numbers: Vec<u64> = old.readers().map(SegmentReader::number).collect();
        self.sealed.forget(&numbers);
        let keys: Vec<KeyId> = old.readers().map(SegmentReader::key).collect();
        // Where they could not be destroyed they stay retired, and the files go all the same: the next execution begins with the keys.
        let destroyed = self.shared.keys.destroy_counted(&keys);
        let place = self.sealing.place();
        let removed: Vec<Result<()>> = old
            .readers()
            .map(|reader| durable::remove_if_there(place.disk, reader.path()))
            .collect();
        let synced = place.disk.sync_folder(place.folder);
        let synced = synced.map_err(Error::io("sync folder", place.folder));
        let synced = self.shared.fuse.guard(synced);
        progress.add_keys(destroyed?);
        removed.into_iter().collect::<Result<()>>()?;
        synced
    }

    /// Holds every leaf of a range against the stored tree. At its ends the leaves of its neighbours are recomputed as well, since the
    /// tree keeps hashes over 256 leaves.
    fn check_every_leaf(&self, harvest: &Harvest) -> Result<()> {
        let (begin, end) = (harvest.first.leaf_index(), harvest.last.get());
        let (size, rest) = self.tiles.rest();
        let mut from = begin;
        while from < end {
            let number = from / WINDOW_LEAVES;
            let first = number.saturating_mul(WINDOW_LEAVES);
            let last = first.saturating_add(WINDOW_LEAVES);
            let until = last.min(end);
            let count = until.saturating_sub(from);
            let mine = part(&harvest.leaves, from.saturating_sub(begin), count);
            let is_right = if last <= size {
                let others = |from: u64, until: u64| {
                    self.with_tree(|tree| tree.leaves(from, until.saturating_sub(from)))
                };
                let (before, after) = (others(first, from)?, others(until, last)?);
                let leaves = [before.as_slice(), mine, &after].concat();
                subtree_root(&leaves) == self.tiles.hash(WINDOW_LEVEL, number)?
            } else {
                part(&rest, from.saturating_sub(first), count) == mine
            };
            if !is_right || mine.is_empty() {
                let fault = "sealed events are not those that the stored tree holds";
                let seqs = (Seq::new(from.saturating_add(1)), Seq::new(until));
                return Err(Error::corrupt(self.tiles.folder(), 0, fault).with_seqs(seqs.0, seqs.1));
            }
            from = until;
        }
        Ok(())
    }
}

fn part(leaves: &[Digest], from: u64, count: u64) -> &[Digest] {
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    leaves.get(from..).and_then(|rest| rest.get(..count)).unwrap_or_default()
}

fn file_bytes(range: &SealedRange) -> u64 {
    range.readers().fold(0, |sum, reader| sum.saturating_add(reader.file_bytes()))
}

/// Puts in place of every living event that an order names what is to be left of it, and narrows the salts to that.
fn bury(range: &SealedRange, order: &RecordedOrder, harvest: &mut Harvest) -> Result<Buried> {
    let mut buried = Buried::default();
    let leaves = (harvest.first, harvest.leaves.as_slice());
    for (lane, of_lane) in Lane::ALL.into_iter().zip(&mut harvest.lanes) {
        let reader = range.reader(lane)?;
        let done = bury_lane(reader, order, leaves, of_lane).map_err(|refusal| {
            Error::corrupt(reader.path(), 0, refusal.to_string())
                .with_seqs(Some(range.first), Some(range.last))
        })?;
        buried.events = buried.events.saturating_add(done.events);
        buried.is_any_blank |= done.is_any_blank;
    }
    Ok(buried)
}

fn bury_lane(
    reader: &SegmentReader,
    order: &RecordedOrder,
    (first, leaves): (Seq, &[Digest]),
    of_lane: &mut LaneHarvest,
) -> Result<Buried, Refusal> {
    let mut buried = Buried::default();
    let mut salting = reader.salting();
    for slot in &mut of_lane.slots {
        let seq = Seq::new(slot.seq()).ok_or(Refusal::Index)?;
        let Slot::Live { header, .. } = &*slot else { continue };
        let Some(remains) = order.takes(seq, reader.lane()) else { continue };
        *slot = match remains {
            Remains::Stub => {
                let header = header.clone();
                let both = salting.commitments(slot)?.ok_or(Refusal::Leaf)?;
                Slot::Stub { header, content: both.content }
            }
            Remains::Blank => {
                let at = seq.leaf_index().saturating_sub(first.leaf_index());
                let [leaf] = part(leaves, at, 1) else { return Err(Refusal::Leaf) };
                buried.is_any_blank = true;
                Slot::Blank { seq: seq.get(), leaf: *leaf }
            }
        };
        buried.events = buried.events.saturating_add(1);
    }
    if buried.events > 0 {
        of_lane.runs = narrowed(reader.lane(), &of_lane.runs, &of_lane.slots)?;
    }
    Ok(buried)
}
