//! What a start finds among the segment files, and what it clears away of what a crash has left over.
//!
//! A file gets its name after it has been proven, so files that stand for the same events are there only after a crash while
//! one was replacing the other. Then the newer is proven once more before the older goes.

use std::path::PathBuf;

use chat::{Lane, Seq};

use super::SealPlace;
use crate::durable;
use crate::error::{Error, Result};
use crate::segment::name::SegmentName;
use crate::segment::reader::SegmentReader;
use crate::segment::sealed::{LaneFileState, SealedRange};

/// The files of one range, the newest of each lane, talk before ledger.
#[derive(Debug)]
struct Group {
    first: Seq,
    last: Seq,
    names: Vec<SegmentName>,
}

impl Group {
    fn holds(&self, other: &Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }
}

/// Finds the sealed ranges of an archive, and removes what a crash has left over. `journal_first` is the first event that
/// the journal still holds, if it holds any; `known` is how many events are known to be sealed.
///
/// Damage does not keep an archive from opening: a damaged file is an error when it is read. A range that the journal
/// still holds counts as sealed only if it proves whole; else its files are removed, to be written again.
pub(crate) fn find_sealed(
    place: SealPlace<'_>,
    journal_first: Option<Seq>,
    known: u64,
) -> Result<Vec<SealedRange>> {
    let mut ranges: Vec<SealedRange> = Vec::new();
    for group in settle_groups(place, survey(place)?)? {
        let covered = ranges.last().map_or(0, |range| range.last.get());
        if group.first.get() <= covered {
            let path =
                group.names.first().map_or_else(PathBuf::new, |name| name.path(place.folder));
            return Err(Error::corrupt(&path, 0, "its range overlaps with another segment's")
                .with_seqs(Some(group.first), Some(group.last)));
        }
        ranges.extend(missing(place, covered, group.first.leaf_index()));
        let range = open_range(place, &group)?;
        let is_twice = journal_first.is_some_and(|journal| journal <= group.first);
        if is_twice && !proves_whole(&range) {
            remove(place, &group.names)?;
            break;
        }
        ranges.push(range);
    }
    let covered = ranges.last().map_or(0, |range| range.last.get());
    ranges.extend(missing(place, covered, journal_first.map_or(known, Seq::leaf_index)));
    Ok(ranges)
}

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
    let by_range =
        |name: &SegmentName| (name.first, std::cmp::Reverse(name.last), name.lane, name.generation);
    names.sort_by_key(by_range);
    let mut groups: Vec<Group> = Vec::new();
    for name in names {
        let (first, last) = (name.first, name.last);
        let same = |group: &&mut Group| (group.first, group.last) == (first, last);
        let Some(group) = groups.last_mut().filter(same) else {
            groups.push(Group { first, last, names: vec![name] });
            continue;
        };
        let Some(older) = group.names.pop_if(|older| older.lane == name.lane) else {
            group.names.push(name);
            continue;
        };
        let (kept, gone) = newer_or_older(place, name, older)?;
        remove(place, &[gone])?;
        group.names.push(kept);
    }
    Ok(groups)
}

/// Returns which of two generations of a lane counts, and the other: the newer, unless it is damaged and the older opens.
fn newer_or_older(
    place: SealPlace<'_>,
    newer: SegmentName,
    older: SegmentName,
) -> Result<(SegmentName, SegmentName)> {
    let is_whole = match open_lane(place, &newer)? {
        LaneFileState::Whole(reader) => every_leaf_comes_back(&reader),
        LaneFileState::Damaged { .. } => false,
    };
    let older_opens =
        || open_lane(place, &older).map(|lane| matches!(lane, LaneFileState::Whole(_)));
    if is_whole || !older_opens()? { Ok((newer, older)) } else { Ok((older, newer)) }
}

/// Decides between a range and those within it, which it was made of: it counts once it proves whole.
fn settle_groups(place: SealPlace<'_>, groups: Vec<Group>) -> Result<Vec<Group>> {
    let mut settled = Vec::new();
    let mut rest = groups.into_iter().peekable();
    while let Some(group) = rest.next() {
        let mut within = Vec::new();
        while let Some(other) = rest.next_if(|other| group.holds(other)) {
            within.push(other);
        }
        if within.is_empty() {
            settled.push(group);
        } else if proves_whole(&open_range(place, &group)?) {
            for other in within {
                remove(place, &other.names)?;
            }
            settled.push(group);
        } else if stand_for(place, &within, &group)? {
            remove(place, &group.names)?;
            settled.extend(settle_groups(place, within)?);
        } else {
            settled.push(group);
        }
    }
    Ok(settled)
}

/// Returns whether these ranges are all of another's events, and every file of them opens.
fn stand_for(place: SealPlace<'_>, within: &[Group], group: &Group) -> Result<bool> {
    let mut due = group.first;
    for other in within {
        let is_whole = open_range(place, other)?.readers().count() == Lane::ALL.len();
        if other.first != due || !is_whole {
            return Ok(false);
        }
        due = other.last.next();
    }
    Ok(due == group.last.next())
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

/// Returns the range between two sizes, of which no file is there at all.
fn missing(place: SealPlace<'_>, from: u64, until: u64) -> Option<SealedRange> {
    let (first, last) = Seq::new(from.saturating_add(1)).zip(Seq::new(until))?;
    let gone = |lane| {
        let path = SegmentName { first, last, generation: 0, lane }.path(place.folder);
        tracing::error!(path = %path.display(), "a segment file is gone");
        LaneFileState::Damaged { path, fault: None }
    };
    (first <= last).then(|| SealedRange { first, last, lanes: Lane::ALL.map(gone) })
}

fn open_range(place: SealPlace<'_>, group: &Group) -> Result<SealedRange> {
    let Group { first, last, names } = group;
    let (first, last) = (*first, *last);
    let mut lanes = Vec::with_capacity(Lane::ALL.len());
    for lane in Lane::ALL {
        let name = names.iter().find(|name| name.lane == lane).copied();
        lanes.push(open_lane(
            place,
            &name.unwrap_or(SegmentName { first, last, generation: 0, lane }),
        )?);
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
        if !every_leaf_comes_back(reader) {
            return false;
        }
        events = events.saturating_add(reader.footer().rows());
    }
    range.last.get().checked_sub(range.first.get()).and_then(|span| span.checked_add(1))
        == Some(events)
}

fn every_leaf_comes_back(reader: &SegmentReader) -> bool {
    reader.footer().blocks.iter().all(|entry| reader.leaves(entry).is_ok())
}
