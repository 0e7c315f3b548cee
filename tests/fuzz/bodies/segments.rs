//! A sealed segment. Checksums are made to fit first, or nothing behind them would ever be reached: who writes a hostile
//! file can compute them as well.

use archive::segment::layout::decode_trailer;
use archive::segment::{
    Fault, HEADER_BYTES, LEVEL_SEAL, LaneFile, PartPlace, RunEntry, RunSalts, Segment,
    SegmentHeader, Slot, TRAILER_BYTES, encode,
};
use chat::Timestamp;

/// Bytes before a part: its length and its checksum.
const FRAME_BYTES: usize = 8;
/// Bytes of the seal that the body takes for opened.
const SEAL_BYTES: usize = 16;

/// Header, footer, every block and every row; and the rows sealed again.
pub(super) fn segment(bytes: &[u8]) {
    let mut file = bytes.to_vec();
    mend(&mut file);
    let Ok((header, slots)) = rows(&file) else { return };
    assert!(slots.len() <= 1 << 24, "{} rows of {} bytes", slots.len(), file.len());
    let Some(first) = slots.first() else { return };
    let Some(first) = chat::Seq::new(first.seq()) else { return };
    let salts = RunSalts::Seed([5; 16].into());
    let lane = LaneFile {
        header,
        slots: &slots,
        runs: vec![RunEntry { first, salts }],
        sealed_at: Timestamp::from_micros(1),
        level: LEVEL_SEAL,
    };
    let mut number = 0..;
    let sealed = encode(lane, &mut |part| {
        part.extend_from_slice(&[0; SEAL_BYTES]);
        number.next().expect("the parts of one file")
    });
    let sealed = sealed.expect("what was read from a segment can be sealed again");
    let (_, again) = rows(&sealed.bytes).expect("what was sealed can be read");
    assert!(again == slots, "rows read back");
}

fn opens(_: u64, part: &mut Vec<u8>) -> bool {
    let Some(left) = part.len().checked_sub(SEAL_BYTES) else { return false };
    part.truncate(left);
    true
}

fn slice<'a>(file: &'a [u8], place: &PartPlace) -> Result<&'a [u8], Fault> {
    let short = || Fault::Short { what: "the file" };
    let start = usize::try_from(place.offset).map_err(|_| short())?;
    let length = usize::try_from(place.framed_bytes()).map_err(|_| short())?;
    file.get(start..).and_then(|rest| rest.get(..length)).ok_or_else(short)
}

fn rows(file: &[u8]) -> Result<(SegmentHeader, Vec<Slot>), Fault> {
    let short = || Fault::Short { what: "the file" };
    let header = SegmentHeader::decode(file.get(..HEADER_BYTES).ok_or_else(short)?)?;
    let trailer = file.len().checked_sub(TRAILER_BYTES).and_then(|at| file.get(at..));
    let length = u64::try_from(file.len()).map_err(|_| short())?;
    let place = decode_trailer(trailer.ok_or_else(short)?, length)?;
    let mut read = |place: &PartPlace| slice(file, place).map(<[u8]>::to_vec);
    let segment = Segment::open(&header, &place, &mut read, &opens)?;
    let mut slots = Vec::new();
    for entry in &segment.footer().blocks {
        let content = slice(file, &entry.content)?;
        let block = segment.block(entry, slice(file, &entry.metadata)?, Some(content), &opens)?;
        assert_eq!(
            u32::try_from(block.rows()),
            Ok(entry.rows),
            "a block has the rows of its entry"
        );
        slots.extend((0..block.rows()).filter_map(|row| block.slot(row)));
    }
    Ok((header, slots))
}

/// Writes the checksums that fit header, parts and trailer as they stand there.
fn mend(file: &mut [u8]) {
    let Some(parts_end) = file.len().checked_sub(TRAILER_BYTES) else { return };
    if parts_end < HEADER_BYTES {
        return;
    }
    put_sum(&mut file[..HEADER_BYTES], HEADER_BYTES - 4);
    put_sum(&mut file[parts_end..][..24], 20);
    let mut at = HEADER_BYTES;
    while let Some(head) = file.get(at..parts_end).and_then(<[u8]>::first_chunk::<FRAME_BYTES>) {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let Some(end) = usize::try_from(length).ok().and_then(|bytes| {
            (at + FRAME_BYTES).checked_add(bytes).filter(|end| *end <= parts_end)
        }) else {
            return;
        };
        let sum = crc32c::crc32c_append(crc32c::crc32c(&file[at..at + 4]), &file[at + 8..end]);
        file[at + 4..at + 8].copy_from_slice(&sum.to_be_bytes());
        at = end;
    }
}

fn put_sum(bytes: &mut [u8], at: usize) {
    let sum = crc32c::crc32c(&bytes[..at]).to_be_bytes();
    bytes[at..].copy_from_slice(&sum);
}
