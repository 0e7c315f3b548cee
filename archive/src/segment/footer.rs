//! What a segment file says of itself under its seal: where its blocks are, which rooms and kinds it holds, and the
//! salts of its own lane (`docs/format.md` §5.9).

use std::collections::BTreeMap;

use chat::{RoomId, Seq, Timestamp};
use roaring::RoaringBitmap;
use zeroize::Zeroizing;

use super::bytes::{Bytes, put_count, put_varint};
use super::fault::Fault;
use super::layout::{HEADER_BYTES, PartPlace, SegmentHeader, check_place};

/// Where one block lies and what it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockEntry {
    /// Its first event.
    pub first: Seq,
    /// Its last event.
    pub last: Seq,
    /// How many rows it has.
    pub rows: u32,
    /// Bytes of its headers and values before columns and compression.
    pub raw_bytes: u64,
    /// The part with headers, names, origins and other short fields.
    pub metadata: PartPlace,
    /// The part with texts, raw records, acts and attachments.
    pub content: PartPlace,
    /// Which rooms occur in it, as places in the footer's table of rooms.
    pub rooms: RoaringBitmap,
}

/// What a segment holds of one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomEntry {
    /// The room.
    pub room: RoomId,
    /// How many of its events are here.
    pub events: u64,
    /// The first of them.
    pub first: Seq,
    /// The last of them.
    pub last: Seq,
    /// Place in the room of the last of them.
    pub last_place_seq: u64,
}

/// The salts of one run of this lane (proof.md §2 and §9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEntry {
    /// The first Seq of the run.
    pub first: Seq,
    /// Its seed, or what a destruction has left of it.
    pub salts: RunSalts,
}

/// What opens the events of a run. Wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub enum RunSalts {
    /// Nothing is destroyed: the seed.
    Seed(Zeroizing<[u8; 16]>),
    /// The cover of what is left.
    Cover {
        /// Slots by what is left of their events: live, stub, blank. Bit 0x80 of byte 0 is slot 0.
        slots: [[u8; 32]; 3],
        /// The nodes by ascending first leaf.
        nodes: Zeroizing<Vec<[u8; 16]>>,
    },
}

impl std::fmt::Debug for RunSalts {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Seed(_) => "Seed(..)",
            Self::Cover { .. } => "Cover(..)",
        })
    }
}

/// The footer of a segment file.
#[derive(Debug, Clone, PartialEq)]
pub struct Footer {
    /// The same as in plaintext at the start of the file.
    pub header: SegmentHeader,
    /// When the file was written, on the archive's clock.
    pub sealed_at: Timestamp,
    /// The level of zstd it was compressed at.
    pub level: u8,
    /// Rows by what is left of their events: live, stubs, blank.
    pub events: [u64; 3],
    /// Earliest and latest time of an event on its source's clock; nothing where no header is left.
    pub times: Option<(Timestamp, Timestamp)>,
    /// The part with the text dictionary, if the segment has one.
    pub dictionary: Option<PartPlace>,
    /// The part with the table of ids.
    pub entities: PartPlace,
    /// The blocks in the order of their events.
    pub blocks: Vec<BlockEntry>,
    /// The rooms in the order they first occur.
    pub rooms: Vec<RoomEntry>,
    /// The salt runs that have events of this lane, ascending.
    pub runs: Vec<RunEntry>,
    /// How many events there are of each kind, by its code.
    pub kinds: BTreeMap<u16, u64>,
}

impl Footer {
    /// Returns how many rows the file has.
    pub fn rows(&self) -> u64 {
        self.events.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Returns the bytes of all headers and values before columns and compression.
    pub fn raw_bytes(&self) -> u64 {
        self.blocks.iter().fold(0, |sum, block| sum.saturating_add(block.raw_bytes))
    }

    /// Returns the block that would hold this event.
    pub fn block_of(&self, seq: u64) -> Option<usize> {
        let after = self.blocks.partition_point(|block| block.first.get() <= seq);
        let place = after.checked_sub(1)?;
        self.blocks.get(place).filter(|block| block.last.get() >= seq).map(|_| place)
    }

    /// Returns the salts of the run that an event is in.
    pub fn run_of(&self, seq: u64) -> Option<&RunEntry> {
        let after = self.runs.partition_point(|run| run.first.get() <= seq);
        self.runs.get(after.checked_sub(1)?)
    }

    /// Returns the plaintext of the part.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Fault> {
        let mut out = self.header.encode();
        out.extend_from_slice(&self.sealed_at.micros().to_be_bytes());
        out.push(self.level);
        self.events.iter().for_each(|count| put_varint(&mut out, *count));
        out.push(u8::from(self.times.is_some()));
        if let Some((from, until)) = self.times {
            out.extend_from_slice(&from.micros().to_be_bytes());
            out.extend_from_slice(&until.micros().to_be_bytes());
        }
        out.push(u8::from(self.dictionary.is_some()));
        self.dictionary.iter().for_each(|place| put_place(&mut out, place));
        put_place(&mut out, &self.entities);
        put_count(&mut out, self.blocks.len());
        self.blocks.iter().try_for_each(|block| put_block(&mut out, block))?;
        put_count(&mut out, self.rooms.len());
        self.rooms.iter().for_each(|room| put_room(&mut out, room));
        put_count(&mut out, self.runs.len());
        self.runs.iter().for_each(|run| put_run(&mut out, run));
        put_count(&mut out, self.kinds.len());
        for (kind, count) in &self.kinds {
            out.extend_from_slice(&kind.to_be_bytes());
            put_varint(&mut out, *count);
        }
        Ok(out)
    }

    /// Reads the plaintext of the part, and refuses one that contradicts itself or the file's header.
    pub(crate) fn decode(part: &[u8], plain_header: &SegmentHeader) -> Result<Self, Fault> {
        let mut bytes = Bytes::of(part, "the footer");
        let header = SegmentHeader::decode(bytes.take(HEADER_BYTES)?)?;
        let sealed_at = Timestamp::from_micros(bytes.i64()?);
        let level = bytes.u8()?;
        let events = [bytes.varint()?, bytes.varint()?, bytes.varint()?];
        let times = match bytes.u8()? {
            0 => None,
            1 => Some((Timestamp::from_micros(bytes.i64()?), Timestamp::from_micros(bytes.i64()?))),
            _ => return Err(bytes.form()),
        };
        let dictionary = match bytes.u8()? {
            0 => None,
            1 => Some(take_place(&mut bytes)?),
            _ => return Err(bytes.form()),
        };
        let entities = take_place(&mut bytes)?;
        let blocks = take_all(&mut bytes, take_block)?;
        let rooms = take_all(&mut bytes, take_room)?;
        let runs = take_all(&mut bytes, take_run)?;
        let kinds = take_all(&mut bytes, |bytes| Ok((bytes.u16()?, bytes.varint()?)))?;
        let form = bytes.form();
        bytes.finish()?;
        let footer = Self {
            header,
            sealed_at,
            level,
            events,
            times,
            dictionary,
            entities,
            blocks,
            rooms,
            runs,
            kinds: kinds.into_iter().collect(),
        };
        if footer.header == *plain_header && footer.is_consistent() {
            Ok(footer)
        } else {
            Err(form)
        }
    }

    fn is_consistent(&self) -> bool {
        let range = self.header.first..=self.header.last;
        let blocks_ascend = self.blocks.is_sorted_by(|a, b| a.last < b.first);
        let blocks_fit = self.blocks.iter().all(|block| {
            let span = block.last.get().checked_sub(block.first.get());
            block.rows >= 1
                && range.contains(&block.first)
                && range.contains(&block.last)
                && span.is_some_and(|span| span >= u64::from(block.rows).saturating_sub(1))
                && block
                    .rooms
                    .max()
                    .is_none_or(|max| usize::try_from(max).is_ok_and(|max| max < self.rooms.len()))
        });
        let rows =
            self.blocks.iter().fold(0, |sum: u64, block| sum.saturating_add(u64::from(block.rows)));
        let runs_ascend = self.runs.is_sorted_by(|a, b| a.first < b.first);
        blocks_ascend && blocks_fit && runs_ascend && rows == self.rows()
    }
}

fn take_all<'a, T>(
    bytes: &mut Bytes<'a>,
    take: impl Fn(&mut Bytes<'a>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let count = bytes.count()?;
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(take(bytes)?);
    }
    Ok(all)
}

fn put_place(out: &mut Vec<u8>, place: &PartPlace) {
    put_varint(out, place.part);
    put_varint(out, place.offset);
    put_varint(out, u64::from(place.sealed_bytes));
}

fn take_place(bytes: &mut Bytes<'_>) -> Result<PartPlace, Fault> {
    let (part, offset) = (bytes.varint()?, bytes.varint()?);
    let sealed_bytes = u32::try_from(bytes.varint()?).map_err(|_| bytes.form())?;
    let place = PartPlace { part, offset, sealed_bytes };
    check_place(&place)?;
    Ok(place)
}

fn take_seq(bytes: &mut Bytes<'_>) -> Result<Seq, Fault> {
    Seq::new(bytes.varint()?).ok_or(bytes.form())
}

fn put_block(out: &mut Vec<u8>, block: &BlockEntry) -> Result<(), Fault> {
    put_varint(out, block.first.get());
    put_varint(out, block.last.get());
    put_varint(out, u64::from(block.rows));
    put_varint(out, block.raw_bytes);
    put_place(out, &block.metadata);
    put_place(out, &block.content);
    put_count(out, block.rooms.serialized_size());
    block.rooms.serialize_into(out).map_err(|_| Fault::Encode { what: "the rooms of a block" })
}

fn take_block(bytes: &mut Bytes<'_>) -> Result<BlockEntry, Fault> {
    let (first, last) = (take_seq(bytes)?, take_seq(bytes)?);
    let rows = u32::try_from(bytes.varint()?).map_err(|_| bytes.form())?;
    let raw_bytes = bytes.varint()?;
    let (metadata, content) = (take_place(bytes)?, take_place(bytes)?);
    let mut serialized = bytes.counted()?;
    let rooms = RoaringBitmap::deserialize_from(&mut serialized).map_err(|_| bytes.form())?;
    if !serialized.is_empty() {
        return Err(bytes.form());
    }
    Ok(BlockEntry { first, last, rows, raw_bytes, metadata, content, rooms })
}

fn put_room(out: &mut Vec<u8>, room: &RoomEntry) {
    out.extend_from_slice(room.room.as_bytes());
    put_varint(out, room.events);
    put_varint(out, room.first.get());
    put_varint(out, room.last.get());
    put_varint(out, room.last_place_seq);
}

fn take_room(bytes: &mut Bytes<'_>) -> Result<RoomEntry, Fault> {
    Ok(RoomEntry {
        room: RoomId::from_bytes(bytes.array()?),
        events: bytes.varint()?,
        first: take_seq(bytes)?,
        last: take_seq(bytes)?,
        last_place_seq: bytes.varint()?,
    })
}

fn put_run(out: &mut Vec<u8>, run: &RunEntry) {
    put_varint(out, run.first.get());
    match &run.salts {
        RunSalts::Seed(seed) => {
            out.push(0);
            out.extend_from_slice(seed.as_slice());
        }
        RunSalts::Cover { slots, nodes } => {
            out.push(1);
            out.extend_from_slice(slots.as_flattened());
            put_count(out, nodes.len());
            out.extend_from_slice(nodes.as_flattened());
        }
    }
}

fn take_run(bytes: &mut Bytes<'_>) -> Result<RunEntry, Fault> {
    let first = take_seq(bytes)?;
    let salts = match bytes.u8()? {
        0 => RunSalts::Seed(Zeroizing::new(bytes.array()?)),
        1 => {
            let slots = [bytes.array()?, bytes.array()?, bytes.array()?];
            let nodes = take_all(bytes, Bytes::array)?;
            RunSalts::Cover { slots, nodes: Zeroizing::new(nodes) }
        }
        _ => return Err(bytes.form()),
    };
    Ok(RunEntry { first, salts })
}
