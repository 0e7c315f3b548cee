//! Inputs that this build makes itself, so that a change of a format reaches the fuzzer without a new corpus.

use archive::record;
use archive::segment::{LEVEL_SEAL, LaneFile, RunEntry, RunSalts, SegmentHeader, Slot, encode};
use chat::testing::message;
use chat::{ArchiveId, Attachment, Custody, FileId, Lane, PlaceSeq, Recorded, Seq, Timestamp};

/// Returns the inputs of a target; none where the corpus has them all.
pub(crate) fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "journal" => vec![frame(&events(3))],
        "record" => events(2).iter().map(plain).collect(),
        "segment" => vec![segment(&live(&events(40))), segment(&remains(&events(6)))],
        "event_line" => {
            let archive = ArchiveId::from_bytes([9; 16]);
            let line = |event| export::format::line::write(event, archive);
            events(2).iter().map(line).collect()
        }
        _ => Vec::new(),
    }
}

fn events(count: u64) -> Vec<Recorded> {
    (1..=count)
        .map(|number| {
            let mut event = message(number, 2, 3, "Grüße, 世界 🙂, once more");
            event.content.rich_text = (number % 3 == 1).then(|| "<b>x</b>".to_owned());
            event.target = (number % 5 == 4).then_some(Seq::FIRST);
            if number % 2 == 0 {
                event.content.attachments.push(Attachment {
                    name: "a.txt".to_owned(),
                    media_type: Some("text/plain".to_owned()),
                    address: None,
                    custody: Custody::Held { file: FileId::from_bytes([8; 32]), bytes: 12 },
                });
            }
            Recorded {
                seq: Seq::new(number).unwrap(),
                place_seq: PlaceSeq::new(number),
                place_prev: Seq::new(number - 1),
                recorded_at: Timestamp::from_micros(1_700_000_000_000_000),
                event,
            }
        })
        .collect()
}

/// A record as the body `record` takes it.
fn plain(event: &Recorded) -> Vec<u8> {
    let header = record::header(event);
    let mut bytes = vec![u8::try_from(header.ids.len()).unwrap()];
    bytes.extend(header.encode());
    for field in record::fields(&event.event) {
        bytes.extend(field.tag.to_be_bytes());
        bytes.push(u8::try_from(field.value.len()).unwrap());
        bytes.extend(field.value);
    }
    bytes
}

/// An opened frame as docs/format.md states it: head, a checksum that nobody has computed, seeds, records.
fn frame(events: &[Recorded]) -> Vec<u8> {
    let mut part = vec![5; 32];
    for event in events {
        let header = record::header(event).encode();
        let mut rest = u16::try_from(header.len()).unwrap().to_be_bytes().to_vec();
        rest.extend(header);
        for field in record::fields(&event.event) {
            rest.extend(field.tag.to_be_bytes());
            rest.extend(u32::try_from(field.value.len()).unwrap().to_be_bytes());
            rest.extend(field.value);
        }
        part.extend(u32::try_from(rest.len()).unwrap().to_be_bytes());
        part.extend(rest);
    }
    let mut bytes = b"mjf1".to_vec();
    bytes.extend(0_u64.to_be_bytes());
    bytes.extend(1_u64.to_be_bytes());
    bytes.extend(u32::try_from(events.len()).unwrap().to_be_bytes());
    bytes.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(part);
    bytes
}

fn live(events: &[Recorded]) -> Vec<Slot> {
    let live = |event: &Recorded| Slot::Live {
        header: record::header(event),
        fields: record::fields(&event.event),
    };
    events.iter().map(live).collect()
}

/// Events some of which a destruction has reduced to a stub or to a leaf.
fn remains(events: &[Recorded]) -> Vec<Slot> {
    let mut slots = live(events);
    for (place, slot) in slots.iter_mut().enumerate() {
        let seq = slot.seq();
        match (place % 3, slot.header().cloned()) {
            (1, Some(header)) => *slot = Slot::Stub { header, content: [6; 32] },
            (2, _) => *slot = Slot::Blank { seq, leaf: [7; 32] },
            _ => {}
        }
    }
    slots
}

fn segment(slots: &[Slot]) -> Vec<u8> {
    let header = SegmentHeader {
        archive: ArchiveId::from_bytes([7; 16]),
        file: [9; 16],
        lane: Lane::Talk,
        first: Seq::FIRST,
        last: Seq::new(slots.last().unwrap().seq() + 2).unwrap(),
        generation: 0,
    };
    let runs = vec![RunEntry { first: Seq::FIRST, salts: RunSalts::Seed([5; 16].into()) }];
    let sealed_at = Timestamp::from_micros(1);
    let lane = LaneFile { header, slots, runs, sealed_at, level: LEVEL_SEAL };
    let mut number = 0..;
    let sealed = encode(lane, &mut |part| {
        part.extend_from_slice(&[0; 16]);
        number.next().unwrap()
    });
    sealed.unwrap().bytes
}
