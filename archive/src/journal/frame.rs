//! The bytes of a journal file: its header, its batch frames, and the records in them (docs/format.md, "Journal"). Pure.
//!
//! All numbers are big-endian. A frame is `"mjf1" ‖ u64 number ‖ u64 first Seq ‖ u32 count ‖ u32 length ‖ CRC32C ‖
//! sealed part`. Opened, the part is `32 bytes of seeds for each salt run that starts in it ‖ records`; a record is
//! `u32 length ‖ u16 header length ‖ header ‖ fields`, a field `u16 tag ‖ u32 length ‖ value`.

use chat::limits::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, EVENT_BYTES_MAX};
use chat::{ArchiveId, Lane, Recorded, Seq, Timestamp};

use crate::keys::{KeyId, SEAL_BYTES};
use crate::proof::salt::{RUN_EVENTS_MAX, Seed};
use crate::proof::{Digest, Header};
use crate::record::{self, Field};

/// Bytes of a file's header.
pub(crate) const FILE_HEADER_BYTES: usize = 64;
/// Bytes of a frame before its sealed part.
pub(crate) const FRAME_HEADER_BYTES: usize = 32;
/// What a frame starts with.
pub(crate) const FRAME_MAGIC: &[u8; 4] = b"mjf1";
/// Bytes of the sealed part of one frame: a batch, the seeds of its runs, the tag.
pub(crate) const SEALED_BYTES_MAX: usize = BATCH_BYTES_MAX + 64 * 1024;

const FILE_MAGIC: &[u8; 8] = b"mun-jrnl";
const FILE_VERSION: u16 = 1;
const SEEDS_BYTES: usize = 32;
/// Bytes that every record has before its header.
const RECORD_HEAD_BYTES: usize = 6;
/// The lane bit of a header's kind lies in its second byte.
const LANE_BYTE: usize = 1;
const LANE_BIT: u8 = 0x80;

/// The header of a journal file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileHeader {
    /// The archive it belongs to.
    pub(crate) archive: ArchiveId,
    /// Its id in the ring.
    pub(crate) key: KeyId,
    /// Its first event.
    pub(crate) first: Seq,
    /// When it was begun.
    pub(crate) created_at: Timestamp,
}

impl FileHeader {
    /// Returns the bytes of the header.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = FILE_MAGIC.to_vec();
        bytes.extend_from_slice(&FILE_VERSION.to_be_bytes());
        bytes.extend_from_slice(self.archive.as_bytes());
        bytes.extend_from_slice(self.key.as_bytes());
        bytes.extend_from_slice(&self.first.get().to_be_bytes());
        bytes.extend_from_slice(&self.created_at.micros().to_be_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        bytes
    }

    /// Returns the header of these bytes, or nothing if they are none.
    pub(crate) fn decode(bytes: &[u8; FILE_HEADER_BYTES]) -> Option<Self> {
        let mut rest = Reader(bytes.get(8..)?);
        let header = {
            let version = rest.u16()?;
            (version == FILE_VERSION).then_some(())?;
            Self {
                archive: ArchiveId::from_bytes(rest.array()?),
                key: KeyId::from_bytes(rest.array()?),
                first: Seq::new(rest.u64()?)?,
                created_at: Timestamp::from_micros(i64::from_be_bytes(rest.array()?)),
            }
        };
        (header.encode() == bytes).then_some(header)
    }
}

/// What a frame says of itself before its sealed part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// Its number in its file, from 0; also the number of its sealed part.
    pub(crate) number: u64,
    /// Its first event.
    pub(crate) first: Seq,
    /// How many events it holds.
    pub(crate) count: u32,
    /// Bytes of the sealed part.
    pub(crate) length: u32,
    crc: u32,
}

impl FrameHeader {
    /// Returns a whole frame around a sealed part.
    pub(crate) fn frame(number: u64, first: Seq, count: u32, sealed: &[u8]) -> Vec<u8> {
        let length = u32::try_from(sealed.len()).expect("a batch has at most 32 MiB");
        let mut header = Self { number, first, count, length, crc: 0 };
        header.crc = header.checksum(sealed);
        let mut frame = Vec::with_capacity(sealed.len().saturating_add(FRAME_HEADER_BYTES));
        frame.extend_from_slice(&header.head());
        frame.extend_from_slice(&header.crc.to_be_bytes());
        frame.extend_from_slice(sealed);
        frame
    }

    /// Returns the header of these bytes if its numbers are within the limits; whether it is whole only [`Self::fits`] can tell.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = Reader(bytes.strip_prefix(FRAME_MAGIC)?);
        let header = Self {
            number: rest.u64()?,
            first: Seq::new(rest.u64()?)?,
            count: rest.u32()?,
            length: rest.u32()?,
            crc: rest.u32()?,
        };
        let count = usize::try_from(header.count).ok()?;
        let length = usize::try_from(header.length).ok()?;
        let within = (1..=BATCH_EVENTS_MAX).contains(&count)
            && (SEAL_BYTES..=SEALED_BYTES_MAX).contains(&length);
        within.then_some(header)
    }

    /// Returns whether the checksum fits the header and this sealed part.
    pub(crate) fn fits(&self, sealed: &[u8]) -> bool {
        self.checksum(sealed) == self.crc
    }

    /// Returns its last event.
    pub(crate) fn last(&self) -> Seq {
        self.first.plus(u64::from(self.count).saturating_sub(1))
    }

    fn head(&self) -> Vec<u8> {
        let mut head = FRAME_MAGIC.to_vec();
        head.extend_from_slice(&self.number.to_be_bytes());
        head.extend_from_slice(&self.first.get().to_be_bytes());
        head.extend_from_slice(&self.count.to_be_bytes());
        head.extend_from_slice(&self.length.to_be_bytes());
        head
    }

    fn checksum(&self, sealed: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c(&self.head()), sealed)
    }
}

/// The seeds of one salt run (proof.md §2).
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// Its first event.
    pub(crate) first: Seq,
    talk: Seed,
    ledger: Seed,
}

impl Run {
    /// Takes 32 fresh random bytes as the seeds of a run.
    pub(crate) fn new(first: Seq, seeds: &[u8; SEEDS_BYTES]) -> Self {
        let (talk, ledger) = seeds.split_at(16);
        let seed = |half: &[u8]| Seed::from_bytes(half.try_into().expect("half of 32 bytes"));
        Self { first, talk: seed(talk), ledger: seed(ledger) }
    }

    /// Returns the seed of a lane.
    pub(crate) const fn seed(&self, lane: Lane) -> &Seed {
        match lane {
            Lane::Talk => &self.talk,
            Lane::Ledger => &self.ledger,
        }
    }
}

/// Returns the first events of the runs that start in `first..=last` of a file.
pub(crate) fn run_starts(file_first: Seq, first: Seq, last: Seq) -> Vec<Seq> {
    let starts = |seq: &Seq| *seq == file_first || seq.leaf_index().is_multiple_of(RUN_EVENTS_MAX);
    (first.get()..=last.get()).filter_map(Seq::new).filter(starts).collect()
}

/// Records as they stand in a frame, and where each begins.
#[derive(Debug, Clone, Default)]
pub(crate) struct Records {
    bytes: Vec<u8>,
    starts: Vec<u32>,
}

/// The event of a batch that is larger than one may be, and its bytes.
#[derive(Debug)]
pub(crate) struct TooLarge {
    pub(crate) seq: Seq,
    pub(crate) bytes: usize,
}

impl Records {
    /// Encodes events, split into runs of records that each fit one frame.
    pub(crate) fn encode(events: &[Recorded]) -> Result<Vec<Self>, TooLarge> {
        let mut pieces = Vec::new();
        let mut piece = Self { bytes: Vec::new(), starts: Vec::with_capacity(events.len()) };
        for (place, event) in events.iter().enumerate() {
            let before = piece.bytes.len();
            if place.is_power_of_two() {
                // What is left is probably as long as what came so far.
                let left = events.len().saturating_sub(place).saturating_mul(before);
                let left = left.checked_div(place).unwrap_or(0);
                piece.bytes.reserve_exact(left.min(BATCH_BYTES_MAX));
            }
            piece.push(event);
            let bytes = piece.bytes.len().saturating_sub(before);
            if bytes > EVENT_BYTES_MAX {
                return Err(TooLarge { seq: event.seq, bytes });
            }
            if piece.starts.len() > BATCH_EVENTS_MAX || piece.bytes.len() > BATCH_BYTES_MAX {
                let last = piece.bytes.split_off(before);
                piece.starts.pop();
                pieces.push(std::mem::replace(&mut piece, Self { bytes: last, starts: vec![0] }));
            }
        }
        if !piece.starts.is_empty() {
            pieces.push(piece);
        }
        Ok(pieces)
    }

    /// Returns how many records there are.
    pub(crate) fn count(&self) -> usize {
        self.starts.len()
    }

    /// Takes records that stand one behind another, as [`Self::as_bytes`] has them; nothing if they are out of form.
    pub(crate) fn of_bytes(bytes: Vec<u8>) -> Option<Self> {
        let mut starts = Vec::new();
        let mut rest = Reader(&bytes);
        while !rest.0.is_empty() {
            starts.push(u32::try_from(bytes.len().checked_sub(rest.0.len())?).ok()?);
            let length = usize::try_from(rest.u32()?).ok()?;
            RawRecord::parse(rest.take(length)?)?;
        }
        Some(Self { bytes, starts })
    }

    /// Returns the records one behind another.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns how many bytes they have.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Returns whether these and others fit one frame together.
    pub(crate) fn fits_with(&self, other: &Self) -> bool {
        self.count().saturating_add(other.count()) <= BATCH_EVENTS_MAX
            && self.bytes().saturating_add(other.bytes()) <= BATCH_BYTES_MAX
    }

    /// Puts other records behind these. The caller has asked [`Self::fits_with`].
    pub(crate) fn join(&mut self, other: &Self) {
        let shift = offset(self.bytes.len());
        self.starts.extend(other.starts.iter().map(|start| start.saturating_add(shift)));
        self.bytes.extend_from_slice(&other.bytes);
    }

    fn push(&mut self, event: &Recorded) {
        self.starts.push(offset(self.bytes.len()));
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; RECORD_HEAD_BYTES]);
        let header_start = self.bytes.len();
        record::header(event).encode_into(&mut self.bytes);
        let header_length = self.bytes.len().saturating_sub(header_start);
        record::each_field(&event.event, |tag, value| {
            self.bytes.extend_from_slice(&tag.to_be_bytes());
            let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
            self.bytes.extend_from_slice(&length.to_be_bytes());
            self.bytes.extend_from_slice(value);
        });
        let length = offset(self.bytes.len().saturating_sub(start).saturating_sub(4));
        let header_length = u16::try_from(header_length).expect("a header has at most 4379 bytes");
        let head = length.to_be_bytes().into_iter().chain(header_length.to_be_bytes());
        for (at, byte) in self.bytes.iter_mut().skip(start).zip(head) {
            *at = byte;
        }
    }
}

/// Joins seeds and records to what is sealed.
pub(crate) fn plaintext(runs: &[Run], records: &Records) -> Vec<u8> {
    let seeds = runs.len().saturating_mul(SEEDS_BYTES);
    let room = records.bytes.len().saturating_add(seeds).saturating_add(SEAL_BYTES);
    let mut bytes = Vec::with_capacity(room);
    for run in runs {
        bytes.extend_from_slice(run.talk.as_bytes());
        bytes.extend_from_slice(run.ledger.as_bytes());
    }
    bytes.extend_from_slice(&records.bytes);
    bytes
}

/// Takes an opened part apart again, or returns nothing if it is not what its header says.
pub(crate) fn split(
    header: &FrameHeader,
    file_first: Seq,
    plaintext: &[u8],
) -> Option<(Vec<Run>, Records)> {
    let mut rest = Reader(plaintext);
    let mut runs = Vec::new();
    for first in run_starts(file_first, header.first, header.last()) {
        runs.push(Run::new(first, &rest.array()?));
    }
    let bytes = rest.0.to_vec();
    let mut starts = Vec::new();
    for index in 0..u64::from(header.count) {
        starts.push(offset(bytes.len().checked_sub(rest.0.len())?));
        let length = usize::try_from(rest.u32()?).ok()?;
        let record = RawRecord::parse(rest.take(length)?)?;
        let seq = Header::decode(record.header).ok()?.seq;
        (seq == header.first.plus(index).get()).then_some(())?;
    }
    rest.0.is_empty().then_some((runs, Records { bytes, starts }))
}

/// One batch frame as it is kept in memory until it is sealed: the bytes of its records, not decoded, and their leaves.
#[derive(Debug)]
pub(crate) struct Frame {
    first: Seq,
    records: Records,
    leaves: Vec<Digest>,
    /// Checksum of the records as the leaves were computed from them.
    crc: u32,
}

impl Frame {
    /// Joins records and their leaves, one each.
    pub(crate) fn new(first: Seq, records: Records, leaves: Vec<Digest>) -> Self {
        assert_eq!(records.count(), leaves.len(), "every record of a frame has its leaf");
        let crc = crc32c::crc32c(&records.bytes);
        Self { first, records, leaves, crc }
    }

    /// Returns whether memory still holds what the leaves were computed from: a frame may lie in it for a day.
    pub(crate) fn is_sound(&self) -> bool {
        crc32c::crc32c(&self.records.bytes) == self.crc
    }

    /// Returns its first event.
    pub(crate) const fn first(&self) -> Seq {
        self.first
    }

    /// Returns the event after its last.
    pub(crate) fn end(&self) -> Seq {
        self.first.plus(count_of(self.leaves.len()))
    }

    /// Returns the leaves of its events in order.
    pub(crate) fn leaves(&self) -> &[Digest] {
        &self.leaves
    }

    /// Returns the record of an event, or nothing if it is not in this frame.
    pub(crate) fn record(&self, seq: Seq) -> Option<RawRecord<'_>> {
        let index = usize::try_from(seq.get().checked_sub(self.first.get())?).ok()?;
        self.records.at(index)
    }

    /// Returns the records in order.
    pub(crate) fn records(&self) -> impl Iterator<Item = RawRecord<'_>> {
        self.records.iter()
    }
}

impl Records {
    /// Returns the records in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = RawRecord<'_>> {
        (0..self.count()).filter_map(|index| self.at(index))
    }

    /// Returns the n-th record.
    pub(crate) fn at(&self, index: usize) -> Option<RawRecord<'_>> {
        let start = usize::try_from(*self.starts.get(index)?).ok()?;
        let mut rest = Reader(self.bytes.get(start..)?);
        let length = usize::try_from(rest.u32()?).ok()?;
        RawRecord::parse(rest.take(length)?)
    }
}

/// An event as it stands in a frame: the bytes of its header, and its fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawRecord<'a> {
    /// The bytes that are hashed as the header.
    pub(crate) header: &'a [u8],
    fields: &'a [u8],
}

impl<'a> RawRecord<'a> {
    /// Reads a record without its length; checks that header and fields lie within it.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = Reader(bytes);
        let header_length = usize::from(rest.u16()?);
        let header = rest.take(header_length)?;
        let record = Self { header, fields: rest.0 };
        while !rest.0.is_empty() {
            rest.field()?;
        }
        Some(record)
    }

    /// Returns the fields in order, tags ascending.
    pub(crate) fn fields(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut rest = Reader(self.fields);
        std::iter::from_fn(move || rest.field())
    }

    /// Returns the lane, read off the header.
    pub(crate) fn lane(self) -> Lane {
        match self.header.get(LANE_BYTE) {
            Some(byte) if byte & LANE_BIT != 0 => Lane::Ledger,
            Some(_) | None => Lane::Talk,
        }
    }

    /// Returns the event, or nothing if the header is none.
    pub(crate) fn decode(self) -> Option<Recorded> {
        let header = Header::decode(self.header).ok()?;
        let fields = self.fields().map(|(tag, value)| Field { tag, value: value.to_vec() });
        record::decode(&header, fields)
    }
}

/// Takes numbers and byte strings off the front of a slice.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn field(&mut self) -> Option<(u16, &'a [u8])> {
        let tag = self.u16()?;
        let length = usize::try_from(self.u32()?).ok()?;
        Some((tag, self.take(length)?))
    }
}

fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a batch is bounded by its limits, far below 4 GiB")
}

fn count_of(count: usize) -> u64 {
    u64::try_from(count).expect("a usize fits in 64 bits")
}
