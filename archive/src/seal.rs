//! From journal to segments: encode both lanes, write them durably, read them back and compare every leaf with the one that
//! was computed when the event was appended. Only then may the journal's copy go (house.md §6.1, §7 step 6).
//!
//! A file gets its final name after it has been proven. So whatever a crash leaves is either unfinished, and removed, or
//! whole. A range of which one lane alone got its name is sealed again while the journal still holds it.

use std::path::{Path, PathBuf};

use chat::{ArchiveId, Disk, Lane, Seq, Timestamp};
use zeroize::Zeroizing;

use crate::durable;
use crate::error::{Error, Result};
use crate::keys::{Keys, Sealer};
use crate::proof::{Digest, Seed};
use crate::segment::name::SegmentName;
use crate::segment::reader::SegmentReader;
use crate::segment::sealed::{LaneFileState, SealedRange};
use crate::segment::{Encoded, LaneFile, RunEntry, RunSalts, SegmentHeader, Slot, encode};

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

/// What whole journal files hold: a range of events without a gap.
#[derive(Debug)]
pub(crate) struct Harvest {
    /// The first event.
    pub(crate) first: Seq,
    /// The last event.
    pub(crate) last: Seq,
    /// Every event of the range in order, by lane.
    pub(crate) lanes: [Vec<Slot>; 2],
    /// The leaves that were computed at append, one for each event of the range.
    pub(crate) leaves: Vec<Digest>,
    /// The salt runs of the range in order.
    pub(crate) runs: Vec<RunSeeds>,
}

impl Harvest {
    /// Collects the events of whole journal files with their leaves, in order. Refuses a gap and an empty range.
    pub(crate) fn collect(
        first: Seq,
        events: impl Iterator<Item = (Slot, Digest)>,
        runs: Vec<RunSeeds>,
    ) -> Result<Self> {
        let mut lanes = [Vec::new(), Vec::new()];
        let mut leaves = Vec::new();
        let mut next = first;
        for (slot, leaf) in events {
            if slot.seq() != next.get() {
                return Err(Error::BatchOrder { expected: next.get(), found: slot.seq() });
            }
            let [talk, ledger] = &mut lanes;
            match slot.header().map_or(Lane::Talk, crate::proof::Header::lane) {
                Lane::Talk => talk.push(slot),
                Lane::Ledger => ledger.push(slot),
            }
            leaves.push(leaf);
            next = next.next();
        }
        let last = Seq::new(next.leaf_index()).filter(|last| *last >= first);
        let last = last.ok_or(Error::BatchOrder { expected: first.get(), found: 0 })?;
        Ok(Self { first, last, lanes, leaves, runs })
    }

    fn lane(&self, lane: Lane) -> &[Slot] {
        let [talk, ledger] = &self.lanes;
        match lane {
            Lane::Talk => talk,
            Lane::Ledger => ledger,
        }
    }

    /// Returns the runs that have events of a lane, with that lane's seeds alone.
    fn runs_of(&self, lane: Lane) -> Vec<RunEntry> {
        let slots = self.lane(lane);
        let ends = self.runs.iter().skip(1).map(|run| run.first.get());
        let ends = ends.chain(std::iter::once(u64::MAX));
        let with_events = self.runs.iter().zip(ends).filter(|(run, end)| {
            let at = slots.partition_point(|slot| slot.seq() < run.first.get());
            slots.get(at).is_some_and(|slot| slot.seq() < *end)
        });
        with_events
            .map(|(run, _)| {
                let [talk, ledger] = &run.seeds;
                let seed = match lane {
                    Lane::Talk => talk,
                    Lane::Ledger => ledger,
                };
                let seed = Zeroizing::new(*seed.as_bytes());
                RunEntry { first: run.first, salts: RunSalts::Seed(seed) }
            })
            .collect()
    }
}

/// Seals a range. On return both files are durable under their names and have been read back and proven against the leaves.
///
/// Whatever fails before leaves the journal as the only copy; the next attempt starts over.
pub(crate) fn seal(
    place: SealPlace<'_>,
    harvest: &Harvest,
    sealed_at: Timestamp,
    level: u8,
) -> Result<SealedRange> {
    durable::create_folder(place.disk, place.folder)?;
    let written = [
        write_lane(place, harvest, Lane::Talk, sealed_at, level)?,
        write_lane(place, harvest, Lane::Ledger, sealed_at, level)?,
    ];
    check_leaves(harvest, &written)?;
    let mut lanes = Vec::with_capacity(written.len());
    for (name, reader) in written {
        let path = name.path(place.folder);
        durable::publish(place.disk, reader.path(), &path)?;
        lanes.push(LaneFileState::Whole(Box::new(reader.renamed(path))));
    }
    let lanes = <[LaneFileState; 2]>::try_from(lanes).expect("one file was written for each lane");
    Ok(SealedRange { first: harvest.first, last: harvest.last, lanes })
}

/// Encodes one lane, writes it under an unfinished name, syncs it and opens it again from the disk.
fn write_lane(
    place: SealPlace<'_>,
    harvest: &Harvest,
    lane: Lane,
    sealed_at: Timestamp,
    level: u8,
) -> Result<(SegmentName, SegmentReader)> {
    let name = SegmentName { first: harvest.first, last: harvest.last, generation: 0, lane };
    let path = unfinished(&name.path(place.folder));
    let mut sealer = place.keys.new_file()?;
    let encoded = encode_lane(place.archive, harvest, &name, (sealed_at, level), &mut sealer)
        .map_err(|fault| Error::corrupt(&path, 0, fault.to_string()))?;
    durable::remove_if_there(place.disk, &path)?;
    let file = place.disk.create(&path).map_err(Error::io("create", &path))?;
    file.write_all_at(0, &encoded.bytes).map_err(Error::io("write", &path))?;
    file.sync().map_err(Error::io("sync", &path))?;
    drop(file);
    let reader = SegmentReader::open(place.disk, &path, place.keys, place.archive)?;
    if *reader.footer() != encoded.footer {
        return Err(Error::corrupt(&path, 0, "the footer read back is not the one written"));
    }
    Ok((name, reader))
}

fn encode_lane(
    archive: ArchiveId,
    harvest: &Harvest,
    name: &SegmentName,
    (sealed_at, level): (Timestamp, u8),
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
    let slots = harvest.lane(name.lane);
    let runs = harvest.runs_of(name.lane);
    encode(LaneFile { header, slots, runs, sealed_at, level }, &mut |part| sealer.seal(part))
}

/// Recomputes every leaf of the range from the written files, and refuses them if one is missing or differs.
fn check_leaves(harvest: &Harvest, written: &[(SegmentName, SegmentReader)]) -> Result<()> {
    let mut proven = 0_usize;
    for (_, reader) in written {
        for entry in &reader.footer().blocks {
            for (seq, leaf) in reader.leaves(entry)? {
                let at = seq.get().checked_sub(harvest.first.get());
                let at = at.and_then(|at| usize::try_from(at).ok());
                if at.and_then(|at| harvest.leaves.get(at)) != Some(&leaf) {
                    return Err(Error::corrupt(
                        reader.path(),
                        entry.metadata.offset,
                        "a leaf recomputed from the written file is not the one of the log",
                    )
                    .with_seqs(Some(seq), Some(seq)));
                }
                proven = proven.saturating_add(1);
            }
        }
    }
    if proven == harvest.leaves.len() {
        return Ok(());
    }
    let path = written.first().map_or_else(PathBuf::new, |(_, reader)| reader.path().to_owned());
    Err(Error::corrupt(&path, 0, "events are missing in the written files")
        .with_seqs(Some(harvest.first), Some(harvest.last)))
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(durable::UNFINISHED);
    PathBuf::from(name)
}

/// Finds the sealed ranges of an archive, and removes what a crash has left over. `journal_first` is the first event that
/// the journal still holds, if it holds any.
///
/// Damage does not keep an archive from opening: a damaged file is an error when it is read. A range that the journal
/// still holds counts as sealed only if it proves whole; else its files are removed, to be written again.
pub(crate) fn find_sealed(
    place: SealPlace<'_>,
    journal_first: Option<Seq>,
) -> Result<Vec<SealedRange>> {
    let mut ranges: Vec<SealedRange> = Vec::new();
    for (first, last, names) in survey(place)? {
        let covered = ranges.last().map_or(0, |range| range.last.get());
        if last.get() <= covered {
            // A larger file over the same events is there, and was proven before it got its name.
            remove(place, &names)?;
            continue;
        }
        if first.get() <= covered {
            let path = names.first().map_or_else(PathBuf::new, |name| name.path(place.folder));
            return Err(Error::corrupt(&path, 0, "its range overlaps with another segment's")
                .with_seqs(Some(first), Some(last)));
        }
        if let (Some(gap_first), Some(gap_last)) =
            (Seq::new(covered.saturating_add(1)), Seq::new(first.leaf_index()))
            && gap_first <= gap_last
        {
            ranges.push(missing(place, gap_first, gap_last));
        }
        let range = open_range(place, first, last)?;
        let is_twice = journal_first.is_some_and(|journal| journal <= first);
        if is_twice && !proves_whole(&range) {
            remove(place, &names)?;
            break;
        }
        ranges.push(range);
    }
    Ok(ranges)
}

type Group = (Seq, Seq, Vec<SegmentName>);

/// Lists the segment files by range, longer ranges first, each lane in its newest generation; removes unfinished and older ones.
fn survey(place: SealPlace<'_>) -> Result<Vec<Group>> {
    let mut names = Vec::new();
    for found in durable::list(place.disk, place.folder)? {
        if found.ends_with(durable::UNFINISHED) {
            let path = place.folder.join(&found);
            tracing::info!(path = %path.display(), "an unfinished segment is removed");
            durable::remove_if_there(place.disk, &path)?;
        } else if let Some(name) = SegmentName::parse(&found) {
            names.push(name);
        } else {
            tracing::warn!(name = found, "a foreign file lies among the segments");
        }
    }
    let by_range = |name: &SegmentName| {
        (name.first, std::cmp::Reverse(name.last), name.lane, std::cmp::Reverse(name.generation))
    };
    names.sort_by_key(by_range);
    let mut groups: Vec<Group> = Vec::new();
    for name in names {
        let group =
            groups.last_mut().filter(|(first, last, _)| (*first, *last) == (name.first, name.last));
        match group {
            None => groups.push((name.first, name.last, vec![name])),
            Some((.., names)) if names.last().is_some_and(|newer| newer.lane == name.lane) => {
                remove(place, &[name])?;
            }
            Some((.., names)) => names.push(name),
        }
    }
    Ok(groups)
}

fn remove(place: SealPlace<'_>, names: &[SegmentName]) -> Result<()> {
    for name in names {
        let path = name.path(place.folder);
        tracing::info!(path = %path.display(), "a superseded segment is removed");
        durable::remove_if_there(place.disk, &path)?;
        durable::sync_folder_of(place.disk, &path)?;
    }
    Ok(())
}

/// A range of which no file is there at all.
fn missing(place: SealPlace<'_>, first: Seq, last: Seq) -> SealedRange {
    let gone = |lane| {
        let path = SegmentName { first, last, generation: 0, lane }.path(place.folder);
        LaneFileState::Damaged { path, fault: None }
    };
    SealedRange { first, last, lanes: Lane::ALL.map(gone) }
}

fn open_range(place: SealPlace<'_>, first: Seq, last: Seq) -> Result<SealedRange> {
    let found = durable::list(place.disk, place.folder)?;
    let mut lanes = Vec::with_capacity(Lane::ALL.len());
    for lane in Lane::ALL {
        let of_lane =
            |name: &SegmentName| (name.first, name.last, name.lane) == (first, last, lane);
        let name = found
            .iter()
            .filter_map(|name| SegmentName::parse(name))
            .filter(of_lane)
            .max_by_key(|name| name.generation)
            .unwrap_or(SegmentName { first, last, generation: 0, lane });
        lanes.push(open_lane(place, &name)?);
    }
    let lanes = <[LaneFileState; 2]>::try_from(lanes).expect("one file was opened for each lane");
    Ok(SealedRange { first, last, lanes })
}

fn open_lane(place: SealPlace<'_>, name: &SegmentName) -> Result<LaneFileState> {
    let path = name.path(place.folder);
    let opened = SegmentReader::open(place.disk, &path, place.keys, place.archive);
    let fault = match opened {
        Ok(reader) => {
            let header = reader.footer().header;
            let named = (header.first, header.last, header.generation, header.lane);
            if named == (name.first, name.last, name.generation, name.lane) {
                return Ok(LaneFileState::Whole(Box::new(reader)));
            }
            Some("its name is not what its header says".to_owned())
        }
        Err(Error::FileGone { .. }) => None,
        Err(Error::FileCorrupt { fault, .. }) => Some(fault),
        Err(other) => return Err(other),
    };
    tracing::error!(path = %path.display(), fault, "a segment file is damaged or gone");
    Ok(LaneFileState::Damaged { path, fault })
}

/// Returns whether every block of both lanes opens, every leaf can be recomputed, and all events of the range are there.
fn proves_whole(range: &SealedRange) -> bool {
    let mut events = 0_u64;
    for lane in Lane::ALL {
        let Ok(reader) = range.reader(lane) else { return false };
        if reader.footer().blocks.iter().any(|entry| reader.leaves(entry).is_err()) {
            return false;
        }
        events = events.saturating_add(reader.footer().rows());
    }
    range.last.get().checked_sub(range.first.get()).and_then(|span| span.checked_add(1))
        == Some(events)
}

#[cfg(test)]
mod tests;
