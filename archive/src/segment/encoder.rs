//! Events of one lane over one range of Seq to the bytes of a segment file, in memory and without I/O.
//!
//! Blocks are encoded in parallel and sealed in the order of the file. The same slots, salts, key and level give the same
//! bytes. A segment that was sealed in haste can be encoded again at a higher level, as a new generation under a new key.

use std::collections::{BTreeMap, HashMap};

use chat::{RoomId, Seq, Timestamp};
use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::block::BLOCK_ROWS_MAX;
use super::block_encoder::{BlockParts, encode_block};
use super::column::{Packer, TextDictionary};
use super::entity::Entities;
use super::fault::Fault;
use super::footer::{BlockEntry, Footer, RoomEntry, RunEntry};
use super::layout::{HEADER_BYTES, PartPlace, SealPart, SegmentHeader, encode_trailer, frame_part};
use super::slot::Slot;
use crate::proof::header::ROLE_PLACE;
use crate::record::tag;

/// The level of zstd straight after a journal is full.
pub const LEVEL_SEAL: u8 = 3;
/// The level of zstd when nothing else is to be done.
pub const LEVEL_SETTLED: u8 = 19;
/// A block is closed once it holds so many bytes, counted as JSON lines would be (performance.md §5).
const BLOCK_BYTES: usize = 128 << 10;
/// What the names and braces of a message's JSON line come to, less what headers take.
const ROW_BYTES: usize = 16;
/// A segment has a dictionary of its own from so much text.
const DICTIONARY_TEXT_BYTES_MIN: usize = 8 << 20;
/// How much text a dictionary is trained on: less in haste, since the training costs more than all the compressing then.
const SAMPLE_BYTES_MAX: usize = 2 << 20;
const SAMPLE_BYTES_IN_HASTE: usize = 512 << 10;
/// How large a dictionary may be.
const DICTIONARY_BYTES_MAX: usize = 112 << 10;
/// The dictionary itself is compressed hard: it is small, and written once.
const DICTIONARY_LEVEL: i32 = 19;

/// What a lane of a range is made of.
#[derive(Debug)]
pub struct LaneFile<'a, V = Vec<u8>> {
    /// What the file says of itself; the file id is the sealer's.
    pub header: SegmentHeader,
    /// Its slots, ascending by Seq, all within the header's range and of its lane.
    pub slots: &'a [Slot<V>],
    /// The salts of all runs that have slots here, ascending.
    pub runs: Vec<RunEntry>,
    /// When it is written.
    pub sealed_at: Timestamp,
    /// The level of zstd, 1 to 19.
    pub level: u8,
}

/// A segment file in memory.
#[derive(Debug)]
pub struct Encoded {
    /// All bytes of the file.
    pub bytes: Vec<u8>,
    /// What its footer says.
    pub footer: Footer,
}

/// Encodes one lane. The sealer's next part must be number 0, and its file id the one in the header.
pub fn encode<V: AsRef<[u8]> + Sync>(
    lane: LaneFile<'_, V>,
    seal: SealPart<'_>,
) -> Result<Encoded, Fault> {
    check(&lane)?;
    let dictionary = train(lane.slots, lane.level);
    let entities = Entities::of(lane.slots);
    let spans = split(lane.slots);
    let parts = encode_blocks(&spans, &entities, dictionary.as_ref(), lane.level.into())?;
    let mut file = FileBytes { bytes: lane.header.encode(), seal };
    let dictionary = dictionary.map(|dictionary| file.put_dictionary(&dictionary)).transpose()?;
    let mut census = Census::default();
    let mut blocks = Vec::with_capacity(spans.len());
    for (span, parts) in spans.iter().zip(parts) {
        blocks.push(BlockEntry {
            first: seq_of(span.first())?,
            last: seq_of(span.last())?,
            rows: u32::try_from(span.len()).unwrap_or(u32::MAX),
            raw_bytes: raw_bytes(span),
            metadata: file.put(parts.metadata)?,
            content: file.put(parts.content)?,
            rooms: census.count(span),
        });
    }
    let table = entities.encode(&mut Packer::new(DICTIONARY_LEVEL, None)?)?;
    let footer = Footer {
        header: lane.header,
        sealed_at: lane.sealed_at,
        level: lane.level,
        events: census.events,
        times: census.times,
        dictionary,
        entities: file.put(table)?,
        blocks,
        rooms: census.rooms,
        runs: lane.runs,
        kinds: census.kinds,
    };
    let place = file.put(footer.encode()?)?;
    file.bytes.extend_from_slice(&encode_trailer(&place));
    Ok(Encoded { bytes: file.bytes, footer })
}

fn check<V: AsRef<[u8]>>(lane: &LaneFile<'_, V>) -> Result<(), Fault> {
    let ascend = lane.slots.is_sorted_by(|a, b| a.seq() < b.seq());
    let inside = |slot: &Slot<V>| {
        (lane.header.first.get()..=lane.header.last.get()).contains(&slot.seq())
            && slot.header().is_none_or(|header| header.lane() == lane.header.lane)
    };
    if ascend && lane.slots.iter().all(inside) {
        Ok(())
    } else {
        Err(Fault::Form { what: "the order of rows" })
    }
}

fn seq_of<V: AsRef<[u8]>>(slot: Option<&Slot<V>>) -> Result<Seq, Fault> {
    slot.and_then(|slot| Seq::new(slot.seq())).ok_or(Fault::Form { what: "a sequence number" })
}

fn raw_bytes<V: AsRef<[u8]>>(slots: &[Slot<V>]) -> u64 {
    let bytes = slots.iter().fold(0_usize, |sum, slot| sum.saturating_add(slot.raw_bytes()));
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Cuts the rows into blocks of about [`BLOCK_BYTES`].
fn split<V: AsRef<[u8]>>(mut slots: &[Slot<V>]) -> Vec<&[Slot<V>]> {
    let mut spans = Vec::new();
    while !slots.is_empty() {
        let mut bytes = 0_usize;
        let full = slots.iter().take(BLOCK_ROWS_MAX).position(|slot| {
            bytes = bytes.saturating_add(slot.raw_bytes()).saturating_add(ROW_BYTES);
            bytes >= BLOCK_BYTES
        });
        let rows = full.map_or(BLOCK_ROWS_MAX, |last| last.saturating_add(1)).min(slots.len());
        let (span, rest) = slots.split_at(rows);
        spans.push(span);
        slots = rest;
    }
    spans
}

fn encode_blocks<V: AsRef<[u8]> + Sync>(
    spans: &[&[Slot<V>]],
    entities: &Entities,
    dictionary: Option<&TextDictionary>,
    level: i32,
) -> Result<Vec<BlockParts>, Fault> {
    let prepared = dictionary.map(|dictionary| dictionary.encoder(level)).transpose()?;
    spans
        .par_iter()
        .map_init(
            || Packer::new(level, prepared.as_ref()),
            |packer, span| match packer {
                Ok(packer) => encode_block(span, entities, packer),
                Err(fault) => Err(fault.clone()),
            },
        )
        .collect()
}

/// Returns the texts of live events.
fn texts<V: AsRef<[u8]>>(slots: &[Slot<V>]) -> impl Iterator<Item = &[u8]> {
    slots.iter().filter_map(|slot| match slot {
        Slot::Live { fields, .. } => {
            fields.iter().find(|field| field.tag == tag::TEXT).map(|field| field.value.as_ref())
        }
        Slot::Stub { .. } | Slot::Blank { .. } => None,
    })
}

/// Trains a dictionary on texts from all over the segment; none where there is too little, or where training fails.
fn train<V: AsRef<[u8]>>(slots: &[Slot<V>], level: u8) -> Option<TextDictionary> {
    let total = texts(slots).fold(0_usize, |sum, text| sum.saturating_add(text.len()));
    if total < DICTIONARY_TEXT_BYTES_MIN {
        return None;
    }
    let sample_bytes_max =
        if level < LEVEL_SETTLED { SAMPLE_BYTES_IN_HASTE } else { SAMPLE_BYTES_MAX };
    let stride = total.div_ceil(sample_bytes_max);
    let (mut samples, mut sizes) = (Vec::new(), Vec::new());
    // Short runs of neighbours, so that a sample shows how one text follows another.
    for run in slots.chunks(64).step_by(stride) {
        for text in texts(run).filter(|text| !text.is_empty()) {
            let room = sample_bytes_max.saturating_sub(samples.len());
            let text = text.get(..room.min(text.len())).unwrap_or(text);
            samples.extend_from_slice(text);
            sizes.push(text.len());
        }
    }
    sizes.retain(|size| *size > 0);
    let bytes = zstd::dict::from_continuous(&samples, &sizes, DICTIONARY_BYTES_MAX).ok()?;
    let dictionary = TextDictionary::new(bytes);
    dictionary.decoder().ok().map(|_| dictionary)
}

/// The bytes of the file so far, and what seals the next part.
struct FileBytes<'a> {
    bytes: Vec<u8>,
    seal: SealPart<'a>,
}

impl FileBytes<'_> {
    fn put(&mut self, mut part: Vec<u8>) -> Result<PartPlace, Fault> {
        let number = (self.seal)(&mut part);
        let framed = frame_part(&part)?;
        let place = PartPlace {
            part: number,
            offset: u64::try_from(self.bytes.len()).unwrap_or(u64::MAX),
            sealed_bytes: u32::try_from(part.len()).unwrap_or(u32::MAX),
        };
        debug_assert!(self.bytes.len() >= HEADER_BYTES, "parts follow the header");
        self.bytes.extend_from_slice(&framed);
        Ok(place)
    }

    fn put_dictionary(&mut self, dictionary: &TextDictionary) -> Result<PartPlace, Fault> {
        let columns = [(super::numbers::DICTIONARY, dictionary.bytes().to_vec())];
        let part = Packer::new(DICTIONARY_LEVEL, None)?.pack(&columns, |_| false)?;
        self.put(part)
    }
}

/// What the footer counts.
#[derive(Default)]
struct Census {
    events: [u64; 3],
    times: Option<(Timestamp, Timestamp)>,
    places: HashMap<RoomId, usize>,
    rooms: Vec<RoomEntry>,
    kinds: BTreeMap<u16, u64>,
}

impl Census {
    /// Counts the rows of a block and returns which rooms occur in it.
    fn count<V: AsRef<[u8]>>(&mut self, slots: &[Slot<V>]) -> RoaringBitmap {
        let mut rooms = RoaringBitmap::new();
        for slot in slots {
            let state = match slot {
                Slot::Live { .. } => 0,
                Slot::Stub { .. } => 1,
                Slot::Blank { .. } => 2,
            };
            if let Some(count) = self.events.get_mut::<usize>(state) {
                *count = count.saturating_add(1);
            }
            let Some(header) = slot.header() else { continue };
            let count = self.kinds.entry(header.kind).or_default();
            *count = count.saturating_add(1);
            let at = Timestamp::from_micros(header.at);
            let (from, until) = self.times.unwrap_or((at, at));
            self.times = Some((from.min(at), until.max(at)));
            if let (Some(id), Some(seq)) = (header.id(ROLE_PLACE), Seq::new(header.seq)) {
                let place = self.room(RoomId::from_bytes(*id), seq, header.place_seq);
                rooms.insert(u32::try_from(place).unwrap_or(u32::MAX));
            }
        }
        rooms
    }

    fn room(&mut self, room: RoomId, seq: Seq, place_seq: u64) -> usize {
        let next = self.rooms.len();
        let place = *self.places.entry(room).or_insert(next);
        if place == next {
            let (events, last_place_seq) = (0, place_seq);
            self.rooms.push(RoomEntry { room, events, first: seq, last: seq, last_place_seq });
        }
        if let Some(entry) = self.rooms.get_mut(place) {
            entry.events = entry.events.saturating_add(1);
            entry.last = seq;
            entry.last_place_seq = place_seq;
        }
        place
    }
}
