//! From journal to segments: encode both lanes, write them durably, read them back and compare every event and salt with those
//! that the log's leaves were computed from. Only then may the journal's copy go (house.md §6.1, §7 step 6).
//!
//! A file gets its final name after it has been proven. So whatever a crash leaves is either unfinished, and removed, or
//! whole. A range of which one lane alone got its name is sealed again while the journal still holds it.

mod found;

use std::path::{Path, PathBuf};

use chat::{ArchiveId, Disk, Lane, Seq, Timestamp};
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::durable;
use crate::error::{Error, Result};
use crate::keys::{Keys, Sealer};
use crate::proof::{Digest, Seed};
use crate::segment::footer::BlockEntry;
use crate::segment::name::SegmentName;
use crate::segment::reader::SegmentReader;
use crate::segment::sealed::{LaneFileState, SealedRange};
use crate::segment::{Encoded, LaneFile, RunEntry, RunSalts, SegmentHeader, Slot, encode};

pub(crate) use found::find_sealed;

/// Of one event in so many the leaf is recomputed from the written file; all are compared with what the leaves were computed from.
pub(crate) const PROVEN_EVERY: u64 = 16;

/// Where segments are written, and with what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SealPlace<'a> {
    /// The disk.
    pub(crate) disk: &'a dyn Disk,
    /// The folder `segments`.
    pub(crate) folder: &'a Path,
    /// The archive's keys: each file gets a data key of its own.
    pub(crate) keys: &'a Keys,
    /// The archive.
    pub(crate) archive: ArchiveId,
}

/// The seeds of one salt run of the journal, of the talk lane and of the ledger.
#[derive(Debug)]
pub(crate) struct RunSeeds {
    /// The first event of the run.
    pub(crate) first: Seq,
    /// One seed for each lane.
    pub(crate) seeds: [Seed; 2],
}

/// A range of events without a gap, to be written into segment files. Their values may lie elsewhere.
#[derive(Debug)]
pub(crate) struct Harvest<V = Vec<u8>> {
    /// The first event.
    pub(crate) first: Seq,
    /// The last event.
    pub(crate) last: Seq,
    /// Every event of the range in order, by lane.
    pub(crate) lanes: [LaneHarvest<V>; 2],
    /// The leaves that the log has, one for each event of the range.
    pub(crate) leaves: Vec<Digest>,
}

/// One lane of a range.
#[derive(Debug)]
pub(crate) struct LaneHarvest<V = Vec<u8>> {
    /// What is held of its events, in order.
    pub(crate) slots: Vec<Slot<V>>,
    /// The salt runs that have events of this lane, with this lane's salts alone.
    pub(crate) runs: Vec<RunEntry>,
}

/// How and when a range is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    /// When.
    pub(crate) sealed_at: Timestamp,
    /// The level of zstd.
    pub(crate) level: u8,
    /// 0 when sealed from the journal, and one more than the files that it replaces.
    pub(crate) generation: u32,
    /// Of one event in so many the leaf is recomputed from the written file.
    pub(crate) proven_every: u64,
}

impl<V> Default for LaneHarvest<V> {
    fn default() -> Self {
        Self { slots: Vec::new(), runs: Vec::new() }
    }
}

impl<V: AsRef<[u8]>> Harvest<V> {
    /// Collects the events of whole journal files with their leaves, in order, about `count` of them, nearly all of them talk.
    /// Refuses a gap and an empty range.
    pub(crate) fn collect(
        (first, count): (Seq, usize),
        events: impl Iterator<Item = (Slot<V>, Digest)>,
        runs: &[RunSeeds],
    ) -> Result<Self> {
        let talk = LaneHarvest { slots: Vec::with_capacity(count), runs: Vec::new() };
        let mut lanes = [talk, LaneHarvest::default()];
        let mut leaves = Vec::with_capacity(count);
        let mut next = first;
        for (slot, leaf) in events {
            if slot.seq() != next.get() {
                return Err(Error::BatchOrder { expected: next.get(), found: slot.seq() });
            }
            let [talk, ledger] = &mut lanes;
            match slot.header().map_or(Lane::Talk, crate::proof::Header::lane) {
                Lane::Talk => talk.slots.push(slot),
                Lane::Ledger => ledger.slots.push(slot),
            }
            leaves.push(leaf);
            next = next.next();
        }
        let last = Seq::new(next.leaf_index()).filter(|last| *last >= first);
        let last = last.ok_or(Error::BatchOrder { expected: first.get(), found: 0 })?;
        for (lane, harvest) in Lane::ALL.into_iter().zip(&mut lanes) {
            harvest.runs = runs_of(runs, lane, &harvest.slots);
        }
        Ok(Self { first, last, lanes, leaves })
    }

    fn lane(&self, lane: Lane) -> &LaneHarvest<V> {
        let [talk, ledger] = &self.lanes;
        match lane {
            Lane::Talk => talk,
            Lane::Ledger => ledger,
        }
    }
}

/// Returns the runs that have events of a lane, with that lane's seeds alone.
fn runs_of<V: AsRef<[u8]>>(runs: &[RunSeeds], lane: Lane, slots: &[Slot<V>]) -> Vec<RunEntry> {
    let ends = runs.iter().skip(1).map(|run| run.first.get());
    let ends = ends.chain(std::iter::once(u64::MAX));
    let with_events = runs.iter().zip(ends).filter(|(run, end)| {
        let at = slots.partition_point(|slot| slot.seq() < run.first.get());
        slots.get(at).is_some_and(|slot| slot.seq() < *end)
    });
    let entry = |(run, _): (&RunSeeds, u64)| {
        let [talk, ledger] = &run.seeds;
        let seed = match lane {
            Lane::Talk => talk,
            Lane::Ledger => ledger,
        };
        let seed = Zeroizing::new(*seed.as_bytes());
        RunEntry { first: run.first, salts: RunSalts::Seed(seed) }
    };
    with_events.map(entry).collect()
}

/// Seals a range. On return both files are durable under their names and have been read back and proven against the leaves.
///
/// Whatever fails before leaves the journal as the only copy; the next attempt starts over.
pub(crate) fn seal<V: AsRef<[u8]> + Sync>(
    place: SealPlace<'_>,
    harvest: &Harvest<V>,
    stamp: Stamp,
) -> Result<SealedRange> {
    durable::create_folder(place.disk, place.folder)?;
    let mut written = Vec::with_capacity(Lane::ALL.len());
    let sealed = write_lanes(place, harvest, stamp, &mut written);
    let sealed = sealed.and_then(|()| publish_lanes(place, harvest, &written));
    if let Err(error) = sealed {
        clear_away(place, &written);
        return Err(error);
    }
    let lanes = written.into_iter().map(|(name, reader)| {
        LaneFileState::Whole(Box::new(reader.renamed(name.path(place.folder))))
    });
    let lanes: Vec<_> = lanes.collect();
    let lanes = <[LaneFileState; 2]>::try_from(lanes).expect("one file was written for each lane");
    Ok(SealedRange { first: harvest.first, last: harvest.last, lanes })
}

type Written = Vec<(SegmentName, SegmentReader)>;

fn write_lanes<V: AsRef<[u8]> + Sync>(
    place: SealPlace<'_>,
    harvest: &Harvest<V>,
    stamp: Stamp,
    written: &mut Written,
) -> Result<()> {
    for lane in Lane::ALL {
        written.push(write_lane(place, harvest, lane, stamp)?);
    }
    check_events(harvest, stamp.proven_every, written)
}

/// Gives both files their names: the talk first, so that a range of which the ledger is there is whole.
fn publish_lanes<V>(place: SealPlace<'_>, harvest: &Harvest<V>, written: &Written) -> Result<()> {
    for (name, reader) in written {
        durable::publish(place.disk, reader.path(), &name.path(place.folder))
            .map_err(|error| error.with_seqs(Some(harvest.first), Some(harvest.last)))?;
    }
    Ok(())
}

/// Gives the space of the files back after a failure, also of one that had got its name already, and lets their keys go. What cannot
/// be removed goes at the next start: where its key is gone by then, what it was to replace counts.
fn clear_away(place: SealPlace<'_>, written: &Written) {
    for (name, reader) in written {
        for path in [reader.path(), &name.path(place.folder)] {
            place.disk.remove(path).ok();
        }
        place.keys.retire(&[reader.key()]);
    }
}

/// Encodes one lane, writes it under an unfinished name, syncs it and opens it again from the disk.
fn write_lane<V: AsRef<[u8]> + Sync>(
    place: SealPlace<'_>,
    harvest: &Harvest<V>,
    lane: Lane,
    stamp: Stamp,
) -> Result<(SegmentName, SegmentReader)> {
    let (first, last, generation) = (harvest.first, harvest.last, stamp.generation);
    let name = SegmentName { first, last, generation, lane };
    let mut sealer = place.keys.new_file()?;
    let reader = write_file(place, harvest, (&name, stamp), &mut sealer);
    reader.map(|reader| (name, reader)).inspect_err(|_| {
        // The failure is reported; an unfinished file that stays is removed at the next start.
        place.disk.remove(&durable::unfinished(&name.path(place.folder))).ok();
        place.keys.retire(&[sealer.id()]);
    })
}

fn write_file<V: AsRef<[u8]> + Sync>(
    place: SealPlace<'_>,
    harvest: &Harvest<V>,
    (name, stamp): (&SegmentName, Stamp),
    sealer: &mut Sealer,
) -> Result<SegmentReader> {
    let path = name.path(place.folder);
    let encoded = encode_lane(place.archive, harvest, name, stamp, sealer)
        .map_err(|fault| Error::corrupt(&path, 0, fault.to_string()))?;
    let path = durable::write_unfinished(place.disk, &path, &encoded.bytes, None)?;
    drop(encoded.bytes);
    let reader = SegmentReader::open(place.disk, &path, place.keys, place.archive)?;
    if *reader.footer() != encoded.footer {
        return Err(Error::corrupt(&path, 0, "the footer read back is not the one written"));
    }
    Ok(reader)
}

fn encode_lane<V: AsRef<[u8]> + Sync>(
    archive: ArchiveId,
    harvest: &Harvest<V>,
    name: &SegmentName,
    Stamp { sealed_at, level, .. }: Stamp,
    sealer: &mut Sealer,
) -> Result<Encoded, crate::segment::Fault> {
    let header = SegmentHeader {
        archive,
        file: *sealer.id().as_bytes(),
        lane: name.lane,
        first: name.first,
        last: name.last,
        generation: name.generation,
    };
    let LaneHarvest { slots, runs } = harvest.lane(name.lane);
    let runs = runs.clone();
    encode(LaneFile { header, slots, runs, sealed_at, level }, &mut |part| sealer.seal(part))
}

/// Reads the written files back and compares every event, byte for byte, with the one whose leaf the log has; the salts have been
/// compared with the footer. Of one in so many, and of the first of each block, the leaf itself is recomputed.
fn check_events<V: AsRef<[u8]> + Sync>(
    harvest: &Harvest<V>,
    proven_every: u64,
    written: &Written,
) -> Result<()> {
    for (name, reader) in written {
        let LaneHarvest { slots, .. } = harvest.lane(name.lane);
        let mut rest = slots.as_slice();
        let mut blocks = Vec::with_capacity(reader.footer().blocks.len());
        for entry in &reader.footer().blocks {
            let rows = usize::try_from(entry.rows).unwrap_or(usize::MAX);
            let missing = || events_missing(harvest, reader.path());
            let (of_block, behind) = rest.split_at_checked(rows).ok_or_else(missing)?;
            blocks.push((entry, of_block));
            rest = behind;
        }
        if !rest.is_empty() {
            return Err(events_missing(harvest, reader.path()));
        }
        blocks.par_iter().try_for_each(|(entry, slots)| {
            check_block((reader, entry), slots, (harvest.first, &harvest.leaves), proven_every)
        })?;
    }
    let rows = harvest.lanes.iter().map(|lane| lane.slots.len()).sum::<usize>();
    if rows == harvest.leaves.len() {
        return Ok(());
    }
    let path = written.first().map_or_else(PathBuf::new, |(_, reader)| reader.path().to_owned());
    Err(events_missing(harvest, &path))
}

fn events_missing<V>(harvest: &Harvest<V>, path: &Path) -> Error {
    Error::corrupt(path, 0, "events are missing in the written files")
        .with_seqs(Some(harvest.first), Some(harvest.last))
}

fn check_block<V: AsRef<[u8]>>(
    (reader, entry): (&SegmentReader, &BlockEntry),
    slots: &[Slot<V>],
    (first, leaves): (Seq, &[Digest]),
    proven_every: u64,
) -> Result<()> {
    let block = reader.block(entry, true)?;
    let mut salting = reader.salting();
    for (row, slot) in slots.iter().enumerate() {
        let at = slot.seq().checked_sub(first.get()).and_then(|at| usize::try_from(at).ok());
        let leaf = at.and_then(|at| leaves.get(at));
        let is_proven = row > 0 && !slot.seq().is_multiple_of(proven_every)
            || salting.leaf(slot).ok().as_ref() == leaf;
        if !block.is_row(row, slot) || leaf.is_none() || !is_proven {
            let fault = "an event read back from the written file is not the one of the log";
            let seq = Seq::new(slot.seq());
            return Err(
                Error::corrupt(reader.path(), entry.metadata.offset, fault).with_seqs(seq, seq)
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
