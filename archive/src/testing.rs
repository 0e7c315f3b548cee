//! What hostile bytes are fed to that no other member may call: the journal's frames and the notes of a key. Compiled only
//! with the feature `testing`, for the fuzz bodies of `tests/fuzz`.

use chat::{Recorded, Seq};

use crate::journal::frame::{self, FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FileHeader, FrameHeader};
use crate::proof::{Refusal, SigningKey};

/// The fields of a record as they stand there: tag and value.
pub type RawFields = Vec<(u16, Vec<u8>)>;

/// What an opened frame holds, and the same written again.
#[derive(Debug)]
pub struct OpenedFrame {
    /// Its events; nothing where a header is none.
    pub events: Vec<Option<Recorded>>,
    /// The header and the fields of each record as they stand there.
    pub records: Vec<(Vec<u8>, RawFields)>,
    /// The opened part, encoded from what was understood.
    pub again: Vec<u8>,
}

/// Reads the header of a journal file and returns it encoded again; nothing if the bytes are none.
pub fn journal_file_header(bytes: &[u8]) -> Option<Vec<u8>> {
    let header: &[u8; FILE_HEADER_BYTES] = bytes.first_chunk()?;
    FileHeader::decode(header).map(|header| header.encode())
}

/// Reads a frame's header and returns the whole frame framed again, with the right checksum; nothing if the bytes are none
/// or are cut short. The part is not opened.
pub fn journal_frame(bytes: &[u8]) -> Option<Vec<u8>> {
    let (header, rest) = frame_of(bytes)?;
    let framed = FrameHeader::frame(header.number, header.first, header.count, rest);
    let again = FrameHeader::decode(framed.get(..FRAME_HEADER_BYTES)?)?;
    again.fits(rest).then_some(framed)
}

/// Reads what follows a frame's header as the opened part of that frame, in a file that begins at `file_first`.
pub fn journal_part(bytes: &[u8], file_first: Seq) -> Option<OpenedFrame> {
    let (header, part) = frame_of(bytes)?;
    let (runs, records) = frame::split(&header, file_first, part)?;
    let again = frame::plaintext(&runs, &records);
    let owned = |record: frame::RawRecord<'_>| {
        let fields = record.fields().map(|(tag, value)| (tag, value.to_vec()));
        (record.header.to_vec(), fields.collect())
    };
    let events = records.iter().map(frame::RawRecord::decode).collect();
    Some(OpenedFrame { events, records: records.iter().map(owned).collect(), again })
}

/// Returns the note that a key signs under any text, also one that no archive would sign.
pub fn signed_note(key: &SigningKey, text: &str) -> Result<String, Refusal> {
    key.sign_note(text)
}

fn frame_of(bytes: &[u8]) -> Option<(FrameHeader, &[u8])> {
    let (head, rest) = bytes.split_at_checked(FRAME_HEADER_BYTES)?;
    let header = FrameHeader::decode(head)?;
    let length = usize::try_from(header.length).ok()?;
    Some((header, rest.get(..length)?))
}
