//! Claims about the segment as a whole: what goes in comes out, and no bytes make the reader panic.

use chat::testing::{SeededRng, any_text, message};
use chat::{ArchiveId, EventKind, Lane, PlaceSeq, Recorded, Seq, Timestamp};
use proptest::prelude::*;
use zeroize::Zeroizing;

use super::layout::{TRAILER_BYTES, decode_trailer};
use super::*;
use crate::proof::Header;
use crate::record::{self, Field};

/// A seal that keeps the bytes readable and still notices another number or a changed byte.
fn seal(next: &mut u64) -> impl FnMut(&mut Vec<u8>) -> u64 + '_ {
    move |part| {
        let number = *next;
        *next += 1;
        part.extend_from_slice(&tag(number, part));
        number
    }
}

fn tag(number: u64, part: &[u8]) -> [u8; 16] {
    let sum = crc32c::crc32c_append(crc32c::crc32c(&number.to_be_bytes()), part);
    (u128::from(sum) << 64 | u128::from(number)).to_be_bytes()
}

fn opens(number: u64, part: &mut Vec<u8>) -> bool {
    let Some(end) = part.len().checked_sub(16) else { return false };
    let found: [u8; 16] = part[end..].try_into().unwrap();
    part.truncate(end);
    found == tag(number, part)
}

fn header(lane: Lane, first: u64, last: u64) -> SegmentHeader {
    SegmentHeader {
        archive: ArchiveId::from_bytes([7; 16]),
        file: [9; 16],
        lane,
        first: Seq::new(first).unwrap(),
        last: Seq::new(last).unwrap(),
        generation: 0,
    }
}

fn encode_slots(lane: Lane, first: u64, last: u64, slots: &[Slot]) -> Result<Encoded, Fault> {
    let runs = vec![RunEntry {
        first: Seq::new(first).unwrap(),
        salts: RunSalts::Seed(Zeroizing::new([5; 16])),
    }];
    let file = LaneFile {
        header: header(lane, first, last),
        slots,
        runs,
        sealed_at: Timestamp::from_micros(1),
        level: LEVEL_SEAL,
    };
    encode(file, &mut seal(&mut 0))
}

fn slice<'a>(file: &'a [u8], place: &PartPlace) -> Result<&'a [u8], Fault> {
    let short = Fault::Short { what: "the file" };
    let start = usize::try_from(place.offset).map_err(|_| short.clone())?;
    let bytes = usize::try_from(place.framed_bytes()).map_err(|_| short.clone())?;
    file.get(start..).and_then(|rest| rest.get(..bytes)).ok_or(short)
}

/// Reads every row of a file, as a reader would, from its bytes alone.
fn read_all(file: &[u8]) -> Result<Vec<Slot>, Fault> {
    let short = Fault::Short { what: "the file" };
    let header = SegmentHeader::decode(file.get(..HEADER_BYTES).ok_or(short.clone())?)?;
    let trailer = file.len().checked_sub(TRAILER_BYTES).and_then(|at| file.get(at..));
    let place = decode_trailer(trailer.ok_or(short)?, u64::try_from(file.len()).unwrap())?;
    let mut read = |place: &PartPlace| slice(file, place).map(<[u8]>::to_vec);
    let segment = Segment::open(&header, &place, &mut read, &opens)?;
    let mut slots = Vec::new();
    for entry in &segment.footer().blocks {
        let content = slice(file, &entry.content)?;
        let block = segment.block(entry, slice(file, &entry.metadata)?, Some(content), &opens)?;
        slots.extend((0..block.rows()).filter_map(|row| block.slot(row)));
    }
    Ok(slots)
}

/// Events of several rooms with gaps as another lane leaves them.
fn events(count: u64, seed: u64) -> Vec<Recorded> {
    let rng = SeededRng::new(seed);
    let mut heads = [(0_u64, 0_u64); 5];
    let mut seq = 1;
    let mut out = Vec::new();
    for number in 0..count {
        seq += u64::from(rng.below(10) == 0);
        let room = u8::try_from(rng.below(5)).unwrap();
        let (place_seq, prev) = heads[usize::from(room)];
        let person = u8::try_from(rng.below(40)).unwrap();
        let mut event =
            message(number, room, person, &format!("message {} of {person}", rng.below(9_999)));
        if number % 97 == 3 {
            event.actor.as_mut().unwrap().name = format!("renamed {person}");
        }
        if number % 50 == 7 {
            event.kind = EventKind::Edit;
            event.target = Seq::new(seq - 1);
        }
        out.push(Recorded {
            seq: Seq::new(seq).unwrap(),
            place_seq: PlaceSeq::new(place_seq + 1),
            place_prev: Seq::new(prev),
            recorded_at: Timestamp::from_micros(
                1_700_000_000_000_000 + i64::try_from(number / 100).unwrap(),
            ),
            event,
        });
        heads[usize::from(room)] = (place_seq + 1, seq);
        seq += 1;
    }
    out
}

fn live(recorded: &Recorded) -> Slot {
    Slot::Live { header: record::header(recorded), fields: record::fields(&recorded.event) }
}

#[test]
fn every_event_comes_back_byte_for_byte() {
    let events = events(6_000, 11);
    let slots: Vec<_> = events.iter().map(live).collect();
    let last = events.last().unwrap().seq.get();
    let encoded = encode_slots(Lane::Talk, 1, last + 5, &slots).unwrap();
    assert!(encoded.footer.blocks.len() > 2, "several blocks are needed for this claim");
    let back = read_all(&encoded.bytes).unwrap();
    assert_eq!(back, slots);
    for (slot, event) in back.into_iter().zip(&events) {
        let Slot::Live { header, fields } = slot else { panic!("all live") };
        assert_eq!(record::decode(&header, fields).as_ref(), Some(event));
    }
}

#[test]
fn the_footer_counts_what_the_file_holds() {
    let events = events(5_000, 12);
    let slots: Vec<_> = events.iter().map(live).collect();
    let encoded = encode_slots(Lane::Talk, 1, events.last().unwrap().seq.get(), &slots).unwrap();
    let footer = &encoded.footer;
    assert_eq!(footer.events, [5_000, 0, 0]);
    assert_eq!(footer.kinds.values().sum::<u64>(), 5_000);
    for entry in &footer.rooms {
        let of_room: Vec<_> =
            events.iter().filter(|e| e.event.place.as_ref().unwrap().room == entry.room).collect();
        assert_eq!(entry.events, u64::try_from(of_room.len()).unwrap());
        assert_eq!(entry.first, of_room[0].seq);
        assert_eq!(entry.last, of_room.last().unwrap().seq);
        assert_eq!(
            Some(entry.last_place_seq),
            of_room.last().unwrap().place_seq.map(PlaceSeq::get)
        );
    }
    let times: Vec<_> = events.iter().map(|event| event.event.at).collect();
    assert_eq!(footer.times, Some((*times.iter().min().unwrap(), *times.iter().max().unwrap())));
}

#[test]
fn an_empty_lane_is_a_file_too() {
    let encoded = encode_slots(Lane::Ledger, 5, 9, &[]).unwrap();
    assert_eq!(read_all(&encoded.bytes), Ok(Vec::new()));
}

#[test]
fn a_metadata_read_gives_headers_without_texts() {
    let slots: Vec<_> = events(3_000, 13).iter().map(live).collect();
    let encoded = encode_slots(Lane::Talk, 1, 9_000, &slots).unwrap();
    let file = &encoded.bytes;
    let trailer = &file[file.len() - TRAILER_BYTES..];
    let place = decode_trailer(trailer, u64::try_from(file.len()).unwrap()).unwrap();
    let mut read = |place: &PartPlace| slice(file, place).map(<[u8]>::to_vec);
    let segment = Segment::open(&header(Lane::Talk, 1, 9_000), &place, &mut read, &opens).unwrap();
    let entry = &segment.footer().blocks[0];
    let block = segment.block(entry, slice(file, &entry.metadata).unwrap(), None, &opens).unwrap();
    for (row, slot) in slots.iter().enumerate().take(block.rows()) {
        assert_eq!(block.header(row).as_ref(), slot.header());
        let Some(Slot::Live { fields, .. }) = block.slot(row) else { panic!("all live") };
        assert!(fields.iter().any(|field| field.tag == record::tag::AUTHOR));
        assert!(fields.iter().all(|field| field.tag != record::tag::TEXT));
    }
}

#[test]
fn rows_of_the_wrong_lane_or_order_are_refused_before_anything_is_written() {
    let mut slots: Vec<_> = events(3, 14).iter().map(live).collect();
    assert!(encode_slots(Lane::Ledger, 1, 99, &slots).is_err());
    assert!(encode_slots(Lane::Talk, 2, 99, &slots).is_err());
    slots.reverse();
    assert!(encode_slots(Lane::Talk, 1, 99, &slots).is_err());
}

fn any_slot() -> impl Strategy<Value = Slot> {
    let values = proptest::collection::btree_map(
        prop_oneof![8 => 1_u16..=20, 1 => 0x1000_u16..=0x1003, 1 => 1_u16..],
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..20),
            any_text().prop_map(String::into_bytes),
        ],
        0..8,
    );
    let roles = proptest::collection::btree_map(
        2_u8..=8,
        prop_oneof![
            (0_u8..4).prop_map(|n| [n; 16]),
            any::<[u8; 16]>(),
            (0_u128..9).prop_map(u128::to_be_bytes)
        ],
        0..5,
    );
    (values, roles, 0_u16..0x8000, any::<(i64, i64)>(), 0_u8..10, any::<[u8; 32]>(), any::<u64>())
        .prop_map(|(values, roles, kind, times, state, hash, place_seq)| {
            let ids: crate::proof::header::Ids = roles.into_iter().collect();
            let placed = ids.iter().any(|(role, _)| *role == 2);
            let header = Header {
                kind,
                seq: 0,
                place_seq: if placed { place_seq.max(1) } else { 0 },
                place_prev: 0,
                recorded_at: times.0,
                at: times.1,
                ids,
            };
            let fields = values.into_iter().map(|(tag, value)| Field { tag, value }).collect();
            match state {
                0 => Slot::Blank { seq: 0, leaf: hash },
                1 => Slot::Stub { header, content: hash },
                _ => Slot::Live { header, fields },
            }
        })
}

/// Gives slots ascending numbers, and places that their headers may have.
fn number(slots: Vec<Slot>, gaps: &[u8]) -> Vec<Slot> {
    let mut seq = 1;
    let mut out = Vec::new();
    for (mut slot, gap) in slots.into_iter().zip(gaps.iter().cycle()) {
        seq += u64::from(*gap) + 1;
        match &mut slot {
            Slot::Live { header, .. } | Slot::Stub { header, .. } => {
                header.seq = seq;
                header.place_prev = if header.place_seq >= 2 { 1 + seq % (seq - 1) } else { 0 };
            }
            Slot::Blank { seq: number, .. } => *number = seq,
        }
        out.push(slot);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_slots_come_back(
        slots in proptest::collection::vec(any_slot(), 0..40),
        gaps in proptest::collection::vec(0_u8..3, 1..8),
    ) {
        let slots = number(slots, &gaps);
        let encoded = encode_slots(Lane::Talk, 1, 999, &slots).unwrap();
        prop_assert_eq!(read_all(&encoded.bytes).unwrap(), slots);
    }

    #[test]
    fn a_flipped_bit_or_a_cut_is_reported_and_never_panics(
        slots in proptest::collection::vec(any_slot(), 1..12),
        places in proptest::collection::vec(any::<prop::sample::Index>(), 24),
    ) {
        let slots = number(slots, &[0]);
        let bytes = encode_slots(Lane::Talk, 1, 999, &slots).unwrap().bytes;
        for place in places {
            let mut damaged = bytes.clone();
            let bit = place.index(bytes.len() * 8);
            damaged[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(read_all(&damaged).is_err(), "bit {}", bit);
            prop_assert!(read_all(&bytes[..place.index(bytes.len())]).is_err());
        }
    }

    /// Behind checksum and seal: what a writer with the key could have written by mistake.
    #[test]
    fn damaged_contents_under_a_good_seal_never_panic(
        slots in proptest::collection::vec(any_slot(), 1..12),
        places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u64..4), 24),
    ) {
        let slots = number(slots, &[0, 1]);
        for (place, byte, part) in places {
            let mut next = 0;
            let mut damage = |plain: &mut Vec<u8>| {
                if next == part && !plain.is_empty() {
                    let at = place.index(plain.len());
                    plain[at] = byte;
                }
                seal(&mut next)(plain)
            };
            let file = LaneFile {
                header: header(Lane::Talk, 1, 999), slots: &slots, runs: Vec::new(),
                sealed_at: Timestamp::EPOCH, level: 1,
            };
            let bytes = encode(file, &mut damage).unwrap().bytes;
            let _outcome = read_all(&bytes);
        }
    }
}
