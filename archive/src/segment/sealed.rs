//! Everything that is sealed: the ranges in order, each with its two files, and how events are read from them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chat::{Lane, Recorded, Seq, Timestamp};
use parking_lot::RwLock;

use super::block::Block;
use super::cache::BlockCache;
use super::footer::{BlockEntry, RunEntry};
use super::lately::Lately;
use super::leaves::Salting;
use super::reader::SegmentReader;
use super::slot::Slot;
use crate::error::{Error, Result};
use crate::kept::Kept;
use crate::proof::Digest;
use crate::record;

/// Events of what is taken for a page, whose events are kept for a while. Whoever reads more at once reads them once.
const PAGE_EVENTS_MAX: usize = 256;

/// One lane of a range: a file that can be read, or what became of it.
#[derive(Debug)]
pub enum LaneFileState {
    /// The file is open.
    Whole(Box<SegmentReader>),
    /// The file is damaged or gone; the rest of the archive is still read.
    Damaged {
        /// Where the file is or should be.
        path: PathBuf,
        /// What is wrong with it; nothing if it is gone.
        fault: Option<String>,
    },
}

/// One sealed range with a file for each lane.
#[derive(Debug)]
pub struct SealedRange {
    /// Its first event.
    pub first: Seq,
    /// Its last event.
    pub last: Seq,
    /// The talk file and the ledger file.
    pub lanes: [LaneFileState; 2],
}

impl SealedRange {
    /// Returns the reader of a lane, or the error that says what became of its file.
    pub fn reader(&self, lane: Lane) -> Result<&SegmentReader> {
        let [talk, ledger] = &self.lanes;
        let state = match lane {
            Lane::Talk => talk,
            Lane::Ledger => ledger,
        };
        match state {
            LaneFileState::Whole(reader) => Ok(reader),
            LaneFileState::Damaged { path, fault } => Err(self.damage(path, fault.as_deref())),
        }
    }

    /// Returns the readers that are whole.
    pub fn readers(&self) -> impl Iterator<Item = &SegmentReader> {
        Lane::ALL.into_iter().filter_map(|lane| self.reader(lane).ok())
    }

    /// Returns the last of its events of which nothing but the leaf is left, as far as its files can be read.
    pub(crate) fn last_blank(&self) -> Option<Seq> {
        let runs = self.readers().flat_map(|reader| reader.footer().runs.iter().rev());
        runs.filter_map(RunEntry::last_blank).max()
    }

    pub(crate) fn damage(&self, path: &Path, fault: Option<&str>) -> Error {
        let error = match fault {
            Some(fault) => Error::corrupt(path, 0, fault),
            None => Error::FileGone { path: path.to_owned(), seqs: None },
        };
        error.with_seqs(Some(self.first), Some(self.last))
    }
}

/// What the sealed files come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SealedTotals {
    /// Ranges, each of two files.
    pub segments: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Bytes of headers and values before columns and compression.
    pub raw_bytes: u64,
    /// When the newest was written.
    pub last_seal: Option<Timestamp>,
}

/// All sealed events. May be used from any thread.
#[derive(Debug, Default)]
pub struct Sealed {
    ranges: RwLock<Vec<Arc<SealedRange>>>,
    /// How often the ranges have changed.
    changes: AtomicU64,
    cache: BlockCache,
    lately: Lately,
}

impl Sealed {
    /// Takes the ranges of an archive, ascending and without gaps.
    pub(crate) fn new(ranges: Vec<Arc<SealedRange>>) -> Self {
        Self { ranges: RwLock::new(ranges), ..Self::default() }
    }

    /// Adds the range behind the last one.
    pub(crate) fn add(&self, range: SealedRange) {
        self.ranges.write().push(Arc::new(range));
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// Puts a range in place of those that it holds the events of.
    pub(crate) fn replace(&self, range: SealedRange) {
        let mut ranges = self.ranges.write();
        let start = ranges.partition_point(|old| old.first < range.first);
        let end = ranges.partition_point(|old| old.last <= range.last);
        ranges.splice(start..end, [Arc::new(range)]);
        drop(ranges);
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// Lets go of what is kept of files that were replaced because something in them is destroyed.
    pub(crate) fn forget(&self, readers: &[u64]) {
        self.cache.forget(readers);
        self.lately.forget(self.changes());
    }

    /// Returns how often the ranges have changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Returns how many events are sealed: those from 1 to this number.
    pub fn size(&self) -> u64 {
        self.ranges.read().last().map_or(0, |range| range.last.get())
    }

    /// Returns all ranges as they are now.
    pub fn ranges(&self) -> Vec<Arc<SealedRange>> {
        self.ranges.read().clone()
    }

    /// Returns what all files come to.
    pub fn totals(&self) -> SealedTotals {
        let mut totals = SealedTotals::default();
        for range in self.ranges() {
            totals.segments = totals.segments.saturating_add(1);
            for reader in range.readers() {
                totals.bytes = totals.bytes.saturating_add(reader.file_bytes());
                totals.raw_bytes = totals.raw_bytes.saturating_add(reader.footer().raw_bytes());
                totals.last_seal = totals.last_seal.max(Some(reader.footer().sealed_at));
            }
        }
        totals
    }

    /// Returns the bytes that decoded blocks take in memory, which are kept for those who read their neighbours, and events for
    /// those who read them again.
    pub fn cached_bytes(&self) -> u64 {
        let bytes = self.cache.bytes().saturating_add(self.lately.bytes());
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// Returns the range that holds an event.
    pub fn range(&self, seq: Seq) -> Option<Arc<SealedRange>> {
        let ranges = self.ranges.read();
        let after = ranges.partition_point(|range| range.first <= seq);
        let range = ranges.get(after.checked_sub(1)?)?;
        (seq <= range.last).then(|| Arc::clone(range))
    }

    /// Returns what is held of an event; nothing if it is not sealed. Fails if its file is damaged.
    pub fn slot(&self, seq: Seq) -> Result<Option<Slot>> {
        let Some(range) = self.range(seq) else { return Ok(None) };
        let found = self.locate(&range, seq)?;
        Ok(found.and_then(|(_, block, row)| block.slot(row)))
    }

    /// Returns an event; nothing if it is not sealed, or destroyed.
    pub fn read(&self, seq: Seq) -> Result<Option<Recorded>> {
        Ok(self.slot(seq)?.and_then(recorded))
    }

    /// Returns events in the order asked for. Each block is decoded once, whatever that order is. The events of a page are kept
    /// for a while.
    pub fn read_many(&self, seqs: &[Seq]) -> Result<Vec<Option<Recorded>>> {
        let mut order: Vec<_> = seqs.iter().copied().zip(0_usize..).collect();
        order.sort_unstable();
        let mut events = Vec::new();
        events.resize_with(seqs.len(), || None);
        let (changes, is_page) = (self.changes(), seqs.len() <= PAGE_EVENTS_MAX);
        for (seq, place) in order {
            if let Some(event) = events.get_mut(place) {
                let slot = if is_page { self.slot_lately(seq, changes)? } else { self.slot(seq)? };
                *event = slot.and_then(recorded);
            }
        }
        Ok(events)
    }

    /// Returns what is held of an event, as it was read lately if the files have not changed since.
    fn slot_lately(&self, seq: Seq, changes: u64) -> Result<Option<Slot>> {
        if let Some(slot) = self.lately.find(changes, seq) {
            return Ok(Some(slot));
        }
        let slot = self.slot(seq)?;
        if let Some(slot) = &slot {
            self.lately.keep(changes, slot);
        }
        Ok(slot)
    }

    /// Returns up to `max` rows of a lane, or of both in one order, from an event on, and the event to go on with. The last
    /// of them is beyond what is sealed once everything has been returned.
    pub fn slots_from(
        &self,
        from: Seq,
        max: usize,
        lane: Option<Lane>,
    ) -> Result<(Vec<Slot>, Seq)> {
        let mut slots = Vec::new();
        let mut next = from;
        while let Some(range) = self.range(next) {
            let wanted = max.saturating_sub(slots.len());
            if wanted == 0 {
                break;
            }
            let found = self.merged(&range, next, wanted, lane)?;
            next = match found.get(wanted.saturating_sub(1)).map(Slot::seq).and_then(Seq::new) {
                Some(last) => last.next(),
                None => range.last.next(),
            };
            slots.extend(found);
        }
        Ok((slots, next))
    }

    /// Returns the events that [`Sealed::slots_from`] finds, without those that are destroyed.
    pub fn events_from(
        &self,
        from: Seq,
        max: usize,
        lane: Option<Lane>,
    ) -> Result<(Vec<Recorded>, Seq)> {
        let (slots, next) = self.slots_from(from, max, lane)?;
        Ok((slots.into_iter().filter_map(recorded).collect(), next))
    }

    fn merged(
        &self,
        range: &SealedRange,
        from: Seq,
        wanted: usize,
        lane: Option<Lane>,
    ) -> Result<Vec<Slot>> {
        if let Some(lane) = lane {
            return self.lane_slots(range.reader(lane)?, from, range.last, wanted);
        }
        let mut slots = self.lane_slots(range.reader(Lane::Talk)?, from, range.last, wanted)?;
        let full = slots.get(wanted.saturating_sub(1)).map(Slot::seq).and_then(Seq::new);
        let until = full.unwrap_or(range.last);
        slots.extend(self.lane_slots(range.reader(Lane::Ledger)?, from, until, wanted)?);
        slots.sort_by_key(Slot::seq);
        slots.truncate(wanted);
        Ok(slots)
    }

    /// Returns up to `wanted` rows of one file between two events, both included.
    fn lane_slots(
        &self,
        reader: &SegmentReader,
        from: Seq,
        until: Seq,
        wanted: usize,
    ) -> Result<Vec<Slot>> {
        let blocks = &reader.footer().blocks;
        let start = blocks.partition_point(|block| block.last < from);
        let mut slots = Vec::new();
        for entry in blocks.iter().skip(start).take_while(|block| block.first <= until) {
            if slots.len() >= wanted {
                break;
            }
            let block = self.cache.block(reader, entry, true)?;
            let first_row = block.row_from(from.get());
            let rows = (first_row..block.rows())
                .take_while(|row| block.seq(*row).is_some_and(|seq| seq <= until.get()))
                .filter_map(|row| block.slot(row));
            slots.extend(rows.take(wanted.saturating_sub(slots.len())));
        }
        Ok(slots)
    }

    /// Returns the lane, the block and the row of an event. A damaged lane is an error only if the other has not the event.
    fn locate(&self, range: &SealedRange, seq: Seq) -> Result<Option<(Lane, Arc<Block>, usize)>> {
        let mut damage = None;
        for lane in Lane::ALL {
            match range.reader(lane).and_then(|reader| self.row(reader, seq)) {
                Ok(Some((block, row))) => return Ok(Some((lane, block, row))),
                Ok(None) => {}
                Err(error) => damage = Some(error),
            }
        }
        damage.map_or(Ok(None), Err)
    }

    fn row(&self, reader: &SegmentReader, seq: Seq) -> Result<Option<(Arc<Block>, usize)>> {
        let footer = reader.footer();
        let Some(entry) = footer.block_of(seq.get()).and_then(|at| footer.blocks.get(at)) else {
            return Ok(None);
        };
        let block = self.cache.block(reader, entry, true)?;
        Ok(block.row_of(seq.get()).map(|row| (block, row)))
    }

    /// Returns a block for readers of headers alone.
    pub(crate) fn headers_of(
        &self,
        reader: &SegmentReader,
        entry: &BlockEntry,
    ) -> Result<Arc<Block>> {
        self.cache.block(reader, entry, false)
    }

    /// Returns what is held of an event with the salts that still open it; nothing if it is not sealed.
    pub(crate) fn kept(&self, seq: Seq) -> Result<Option<Kept>> {
        self.kept_run(&[seq]).pop().unwrap_or(Ok(None))
    }

    /// Returns the same of several events, in the order asked for. Neighbours share a block and the salts of their run, so
    /// ask in ascending order.
    pub(crate) fn kept_run(&self, seqs: &[Seq]) -> Vec<Result<Option<Kept>>> {
        let mut all = Vec::with_capacity(seqs.len());
        let mut rest = seqs;
        while let Some(first) = rest.first() {
            let Some(range) = self.range(*first) else {
                all.push(Ok(None));
                rest = rest.get(1..).unwrap_or_default();
                continue;
            };
            let within = |seq: &&Seq| (range.first..=range.last).contains(*seq);
            let count = rest.iter().take_while(within).count().max(1);
            let (together, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            self.kept_in(&range, together, &mut all);
            rest = after;
        }
        all
    }

    fn kept_in(&self, range: &SealedRange, seqs: &[Seq], all: &mut Vec<Result<Option<Kept>>>) {
        let mut saltings =
            Lane::ALL.map(|lane| range.reader(lane).ok().map(|reader| (reader, reader.salting())));
        let mut found: Option<(Lane, Arc<Block>)> = None;
        for seq in seqs {
            let here = found.as_ref().and_then(|(_, block)| block.row_of(seq.get()));
            let row = match here {
                Some(row) => Ok(Some(row)),
                None => self.locate(range, *seq).map(|located| {
                    let (lane, block, row) = located?;
                    found = Some((lane, block));
                    Some(row)
                }),
            };
            let kept = row.map(|row| {
                let ((lane, block), row) = found.as_ref().zip(row)?;
                let salting = saltings.iter_mut().flatten();
                let (reader, salting) = salting
                    .map(|(reader, salting)| (*reader, salting))
                    .find(|(reader, _)| reader.lane() == *lane)?;
                Some(kept_of(reader, salting, block.slot(row)?))
            });
            all.push(kept.and_then(Option::transpose));
        }
    }

    /// Recomputes the leaves of `count` events from the files, in order. Fails if one of them is not sealed.
    pub fn leaves(&self, first: Seq, count: u64) -> Result<Vec<Digest>> {
        let end = first.get().saturating_add(count);
        let mut leaves = Vec::new();
        let mut next = first;
        while next.get() < end {
            let range = self.range(next).ok_or(Error::BeyondEnd {
                action: "recompute leaves",
                asked: next.get(),
                held: self.size(),
            })?;
            let until = Seq::new(end.saturating_sub(1)).unwrap_or(next).min(range.last);
            for (seq, leaf) in self.range_leaves(&range, next, until)? {
                if seq != next {
                    break;
                }
                leaves.push(leaf);
                next = next.next();
            }
            if next <= until {
                let path = range.reader(Lane::Talk)?.path();
                return Err(Error::corrupt(path, 0, "events are in neither lane")
                    .with_seqs(Some(next), Some(range.last)));
            }
        }
        Ok(leaves)
    }

    /// Recomputes the leaves of both files of a range between two events, both included.
    fn range_leaves(
        &self,
        range: &SealedRange,
        from: Seq,
        until: Seq,
    ) -> Result<Vec<(Seq, Digest)>> {
        let mut leaves = Vec::new();
        for lane in Lane::ALL {
            let reader = range.reader(lane)?;
            let blocks = &reader.footer().blocks;
            let start = blocks.partition_point(|block| block.last < from);
            for entry in blocks.iter().skip(start).take_while(|block| block.first <= until) {
                let block = self.cache.block(reader, entry, true)?;
                let rows = block.row_from(from.get())..block.row_from(until.next().get());
                leaves.extend(reader.leaves_of(&block, rows)?);
            }
        }
        leaves.sort_unstable_by_key(|(seq, _)| *seq);
        Ok(leaves)
    }
}

/// Returns what is held of an event with its salts; an error where the file has none for it.
fn kept_of(reader: &SegmentReader, salting: &mut Salting<'_>, slot: Slot) -> Result<Kept> {
    let seq = Seq::new(slot.seq());
    let unsalted = || {
        Error::corrupt(reader.path(), 0, "an event's salts are not in its file").with_seqs(seq, seq)
    };
    let number = seq.ok_or_else(unsalted)?;
    Ok(match slot {
        Slot::Live { .. } => {
            let salts = salting.cover(number).ok().and_then(|cover| cover.salts(number));
            let event = recorded(slot).ok_or_else(unsalted)?;
            Kept::Live { recorded: Box::new(event), salts: salts.ok_or_else(unsalted)? }
        }
        Slot::Stub { header, content } => {
            let hs = salting.cover(number).ok().and_then(|cover| cover.header_salt(number));
            Kept::Stub { header: header.encode(), hs: hs.ok_or_else(unsalted)?, content }
        }
        Slot::Blank { leaf, .. } => Kept::Blank { leaf },
    })
}

/// Returns the event of a slot, unless it is destroyed.
pub(crate) fn recorded(slot: Slot) -> Option<Recorded> {
    match slot {
        Slot::Live { header, fields } => record::decode(&header, fields),
        Slot::Stub { .. } | Slot::Blank { .. } => None,
    }
}
