//! Events as verification sees them, read from the files themselves and from nothing that is in memory.

use std::collections::VecDeque;
use std::iter::Peekable;

use chat::{Attachment, Custody, FileId, Lane, Seq};
use rayon::prelude::*;

use super::ATTEMPTS_MAX;
use super::report::{FindingKind, Findings};
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::journal::memory::FileMemory;
use crate::journal::recovery::{Ground, inspect};
use crate::json;
use crate::proof::header::ROLE_PLACE;
use crate::proof::{Digest, Header};
use crate::record::tag;
use crate::segment::footer::BlockEntry;
use crate::segment::reader::SegmentReader;
use crate::segment::sealed::SealedRange;
use crate::segment::{Block, Held};

/// One event as far as its files give it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) seq: Seq,
    /// Its leaf, recomputed; the stored one of a blank event.
    pub(super) leaf: Digest,
    /// Its header's own place; nothing if the header is not kept.
    pub(super) place: Option<Place>,
    /// Whether the event is whole, not destroyed.
    pub(super) is_whole: bool,
    /// Files that it names as held.
    pub(super) files: Vec<FileId>,
}

/// What a header says of its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It has none.
    None,
    /// The room, the event's number there, and the event before it.
    In { room: [u8; 16], place_seq: u64, place_prev: u64 },
}

impl Row {
    fn new<'a>(
        seq: Seq,
        leaf: Digest,
        header: Option<&Header>,
        fields: impl Iterator<Item = (u16, &'a [u8])>,
    ) -> Self {
        let place = header.map(|header| match header.id(ROLE_PLACE) {
            None => Place::None,
            Some(&room) => {
                let Header { place_seq, place_prev, .. } = *header;
                Place::In { room, place_seq, place_prev }
            }
        });
        Self { seq, leaf, place, is_whole: true, files: fields.filter_map(held_file).collect() }
    }
}

fn held_file((tag, value): (u16, &[u8])) -> Option<FileId> {
    if !(tag::ATTACHMENT_FIRST..=tag::ATTACHMENT_LAST).contains(&tag) {
        return None;
    }
    let Attachment { custody, .. } = json::decode_attachment(value)?;
    match custody {
        Custody::Held { file, .. } => Some(file),
        Custody::Missing { .. } => None,
    }
}

/// The unsealed events, read from the disk.
#[derive(Debug)]
pub(super) struct Journal {
    /// The first of them: those before are sealed.
    pub(super) first: Seq,
    pub(super) rows: Vec<Row>,
}

impl Archive {
    /// Reads the journal's files again. A seal may remove one meanwhile: then what is sealed is looked at again.
    pub(super) fn read_journal(&self, size: u64, findings: &mut Findings) -> Result<Journal> {
        let mut attempts = 0_usize;
        loop {
            attempts = attempts.saturating_add(1);
            let sealed = self.sealed.size();
            let ground = Ground {
                disk: self.shared.ports.disk.as_ref(),
                keys: &self.shared.keys,
                archive: self.id(),
                folder: &self.folder.join("journal"),
                sealed,
                signed: 0,
            };
            let files = inspect(&ground);
            if sealed != self.sealed.size() && attempts < ATTEMPTS_MAX {
                continue;
            }
            let first = Seq::new(sealed.saturating_add(1)).unwrap_or(Seq::FIRST);
            let rows = match files {
                Ok(files) => journal_rows(&files, first, size),
                Err(error @ Error::Stopped { .. }) => return Err(error),
                Err(error) => {
                    findings.add_error(FindingKind::File, &error);
                    Vec::new()
                }
            };
            return Ok(Journal { first, rows });
        }
    }
}

fn journal_rows(files: &VecDeque<FileMemory>, first: Seq, size: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for frame in files.iter().flat_map(|file| &file.frames) {
        for (record, leaf) in frame.records().zip(frame.leaves()) {
            let header = Header::decode(record.header).ok();
            let seq = header.as_ref().and_then(|header| Seq::new(header.seq));
            let Some(seq) = seq.filter(|seq| *seq >= first && seq.get() <= size) else { continue };
            rows.push(Row::new(seq, *leaf, header.as_ref(), record.fields()));
        }
    }
    rows
}

/// Reads both files of a range again, and returns its events in order. What cannot be read is reported and left out.
pub(super) fn of_range(
    archive: &Archive,
    range: &SealedRange,
    findings: &mut Findings,
) -> impl Iterator<Item = Row> + use<> {
    let [talk, ledger] = Lane::ALL.map(|lane| match reopen(archive, range, lane) {
        Ok(reader) => of_file(&reader, findings),
        Err(error) => {
            let error = error.with_seqs(Some(range.first), Some(range.last));
            findings.add_error(FindingKind::File, &error);
            Vec::new()
        }
    });
    Merged { lanes: [talk, ledger].map(|blocks| blocks.into_iter().flatten().peekable()) }
}

/// The events of two files, each in order, as one. Rows are handed on block by block: a range has as many as fill a cache, and each
/// copy of them would cost more than reading them.
struct Merged<I: Iterator<Item = Row>> {
    lanes: [Peekable<I>; 2],
}

impl<I: Iterator<Item = Row>> Iterator for Merged<I> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let [talk, ledger] = &mut self.lanes;
        match (talk.peek(), ledger.peek()) {
            (Some(one), Some(other)) if other.seq < one.seq => ledger.next(),
            (Some(_), _) => talk.next(),
            (None, _) => ledger.next(),
        }
    }
}

fn reopen(archive: &Archive, range: &SealedRange, lane: Lane) -> Result<SegmentReader> {
    let path = range.reader(lane)?.path();
    let disk = archive.shared.ports.disk.as_ref();
    SegmentReader::open(disk, path, &archive.shared.keys, archive.id())
}

/// Reads all blocks of a file, several at once. Blocks follow one another: that is held when the file is opened.
fn of_file(reader: &SegmentReader, findings: &mut Findings) -> Vec<Vec<Row>> {
    let blocks = reader.footer().blocks.par_iter();
    let read: Vec<_> = blocks.map(|entry| of_block(reader, entry)).collect();
    let mut rows = Vec::with_capacity(read.len());
    for block in read {
        match block {
            Ok(block) => rows.push(block),
            Err(error) => findings.add_error(FindingKind::File, &error),
        }
    }
    rows
}

fn of_block(reader: &SegmentReader, entry: &BlockEntry) -> Result<Vec<Row>> {
    let block: Block = reader.block(entry, true)?;
    let mut salting = reader.salting();
    let mut header = Vec::new();
    let mut rows = Vec::with_capacity(block.rows());
    for row in 0..block.rows() {
        let damaged = || {
            Error::corrupt(
                reader.path(),
                entry.metadata.offset,
                "an event's leaf cannot be recomputed",
            )
            .with_seqs(Some(entry.first), Some(entry.last))
        };
        let seq = block.seq(row).and_then(Seq::new).ok_or_else(damaged)?;
        let held = block.held(row, &mut header).ok_or_else(damaged)?;
        let leaf = salting.leaf_of_held(seq.get(), &held).map_err(|_| damaged())?;
        let in_room = |(room, place_seq, place_prev)| Place::In { room, place_seq, place_prev };
        let place = match held {
            Held::Blank { .. } => None,
            Held::Live { .. } | Held::Stub { .. } => {
                Some(block.room(row).map_or(Place::None, in_room))
            }
        };
        let files = match held {
            Held::Live { fields, .. } => fields.iter().filter_map(held_file).collect(),
            Held::Stub { .. } | Held::Blank { .. } => Vec::new(),
        };
        let is_whole = matches!(held, Held::Live { .. });
        rows.push(Row { seq, leaf, place, is_whole, files });
    }
    Ok(rows)
}
