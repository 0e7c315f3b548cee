//! The frame of a segment file: header, sealed parts, trailer (`docs/format.md` §5.1–5.3).

use chat::{ArchiveId, Lane, Seq};

use super::bytes::Bytes;
use super::fault::Fault;

/// The version of the format, of all that a segment file holds.
pub const VERSION: u16 = 1;
/// Bytes of the plaintext header.
pub const HEADER_BYTES: usize = 72;
/// Bytes of the trailer.
pub const TRAILER_BYTES: usize = 32;
/// Bytes before the sealed bytes of a part: length and checksum.
pub const PART_FRAME_BYTES: usize = 8;
/// Bytes that AES-256-GCM adds to what it seals.
pub const SEAL_BYTES: usize = 16;
/// The most that one part may hold, sealed or not.
pub const PART_BYTES_MAX: usize = 64 << 20;

const HEADER_MAGIC: &[u8; 8] = b"MUNI-SEG";
const TRAILER_MAGIC: &[u8; 8] = b"MUNI-END";

/// Seals the next part of the file in place and returns its number: 0, 1, 2 …
pub type SealPart<'a> = &'a mut dyn FnMut(&mut Vec<u8>) -> u64;
/// Opens the numbered part in place; `false` if it is not what was sealed.
pub type OpenPart<'a> = &'a dyn Fn(u64, &mut Vec<u8>) -> bool;

/// What a segment file says of itself in plaintext; its footer repeats it under the seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The archive it belongs to.
    pub archive: ArchiveId,
    /// The id of the file, under which its key is kept; drawn anew for every file ever written.
    pub file: [u8; 16],
    /// The lane of its events.
    pub lane: Lane,
    /// The first event of the range. The lane may begin later.
    pub first: Seq,
    /// The last event of the range. The lane may end earlier.
    pub last: Seq,
    /// 0 when sealed, and one more for each time it was written anew.
    pub generation: u32,
}

impl SegmentHeader {
    /// Returns the bytes at the start of the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(HEADER_MAGIC);
        out.extend_from_slice(&VERSION.to_be_bytes());
        out.push(self.lane.code());
        out.push(0);
        out.extend_from_slice(self.archive.as_bytes());
        out.extend_from_slice(&self.file);
        out.extend_from_slice(&self.first.get().to_be_bytes());
        out.extend_from_slice(&self.last.get().to_be_bytes());
        out.extend_from_slice(&self.generation.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        let sum = crc32c::crc32c(&out);
        out.extend_from_slice(&sum.to_be_bytes());
        debug_assert_eq!(out.len(), HEADER_BYTES, "the header has a fixed length");
        out
    }

    /// Reads the bytes at the start of a file.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let what = "the header";
        let mut fields = Bytes::of(bytes, what);
        if &fields.array::<8>()? != HEADER_MAGIC {
            return Err(Fault::Magic { what });
        }
        let version = fields.u16()?;
        if version != VERSION {
            return Err(Fault::Version { what, found: version, expected: VERSION });
        }
        let body = bytes.get(..HEADER_BYTES.saturating_sub(4)).ok_or(Fault::Short { what })?;
        let lane = fields.u8()?;
        let zero = fields.u8()?;
        let archive = ArchiveId::from_bytes(fields.array()?);
        let file = fields.array()?;
        let first = fields.u64()?;
        let last = fields.u64()?;
        let generation = fields.u32()?;
        let zeros = fields.u32()?;
        if fields.u32()? != crc32c::crc32c(body) {
            return Err(Fault::Checksum { what });
        }
        fields.finish()?;
        let form = Fault::Form { what };
        if zero != 0 || zeros != 0 || first > last {
            return Err(form);
        }
        Ok(Self {
            archive,
            file,
            lane: Lane::from_code(lane).ok_or(form.clone())?,
            first: Seq::new(first).ok_or(form.clone())?,
            last: Seq::new(last).ok_or(form)?,
            generation,
        })
    }
}

/// Where a part lies in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartPlace {
    /// The number under which it is sealed, from 0 in the order of the file.
    pub part: u64,
    /// Offset of its length in the file.
    pub offset: u64,
    /// Sealed bytes, without length and checksum.
    pub sealed_bytes: u32,
}

impl PartPlace {
    /// Returns the bytes of the part in the file, with length and checksum.
    pub fn framed_bytes(&self) -> u64 {
        u64::from(self.sealed_bytes).saturating_add(PART_FRAME_BYTES.try_into().unwrap_or(0))
    }

    /// Returns the offset behind the part.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.framed_bytes())
    }
}

/// Returns length, checksum and sealed bytes as they go to disk. The checksum covers the length and the sealed bytes.
pub(crate) fn frame_part(sealed: &[u8]) -> Result<Vec<u8>, Fault> {
    let length = u32::try_from(sealed.len()).ok().filter(|_| sealed.len() <= PART_BYTES_MAX);
    let length = length.ok_or(Fault::Limit {
        what: "the length of a part",
        found: u64::try_from(sealed.len()).unwrap_or(u64::MAX),
        limit: PART_BYTES_MAX.try_into().unwrap_or(u64::MAX),
    })?;
    let length = length.to_be_bytes();
    let sum = crc32c::crc32c_append(crc32c::crc32c(&length), sealed);
    Ok([&length, sum.to_be_bytes().as_slice(), sealed].concat())
}

/// Opens a part as it was read from disk: length, then checksum, then seal.
pub fn open_part(place: &PartPlace, framed: &[u8], open: OpenPart<'_>) -> Result<Vec<u8>, Fault> {
    let what = "a part";
    let mut fields = Bytes::of(framed, what);
    let length = fields.array::<4>()?;
    let sum = fields.u32()?;
    if u32::from_be_bytes(length) != place.sealed_bytes {
        return Err(Fault::Form { what: "the length of a part" });
    }
    let sealed = fields.take(fields.left())?;
    if u32::try_from(sealed.len()) != Ok(place.sealed_bytes) {
        return Err(Fault::Short { what });
    }
    if crc32c::crc32c_append(crc32c::crc32c(&length), sealed) != sum {
        return Err(Fault::Checksum { what });
    }
    let mut plain = sealed.to_vec();
    if open(place.part, &mut plain) { Ok(plain) } else { Err(Fault::Unsealed { part: place.part }) }
}

/// Returns the bytes at the end of the file, which say where the footer is.
pub(crate) fn encode_trailer(footer: &PartPlace) -> Vec<u8> {
    let mut out = Vec::with_capacity(TRAILER_BYTES);
    out.extend_from_slice(&footer.offset.to_be_bytes());
    out.extend_from_slice(&footer.sealed_bytes.to_be_bytes());
    out.extend_from_slice(&footer.part.to_be_bytes());
    let sum = crc32c::crc32c(&out);
    out.extend_from_slice(&sum.to_be_bytes());
    out.extend_from_slice(TRAILER_MAGIC);
    debug_assert_eq!(out.len(), TRAILER_BYTES, "the trailer has a fixed length");
    out
}

/// Reads the trailer of a file of this length and returns the place of its footer, which must end where the trailer begins.
pub fn decode_trailer(trailer: &[u8], file_bytes: u64) -> Result<PartPlace, Fault> {
    let what = "the trailer";
    let mut fields = Bytes::of(trailer, what);
    let body = trailer.get(..20).ok_or(Fault::Short { what })?;
    let offset = fields.u64()?;
    let sealed_bytes = fields.u32()?;
    let part = fields.u64()?;
    let sum = fields.u32()?;
    if &fields.array::<8>()? != TRAILER_MAGIC {
        return Err(Fault::Magic { what });
    }
    fields.finish()?;
    if sum != crc32c::crc32c(body) {
        return Err(Fault::Checksum { what });
    }
    let place = PartPlace { part, offset, sealed_bytes };
    check_place(&place)?;
    let trailer_at = file_bytes.checked_sub(TRAILER_BYTES.try_into().unwrap_or(u64::MAX));
    if Some(place.end()) != trailer_at {
        return Err(Fault::Form { what });
    }
    Ok(place)
}

/// Refuses a part that cannot be one, before anything is allocated for it.
pub(crate) fn check_place(place: &PartPlace) -> Result<(), Fault> {
    let limit = u32::try_from(PART_BYTES_MAX).unwrap_or(u32::MAX);
    if place.sealed_bytes > limit {
        return Err(Fault::Limit {
            what: "the length of a part",
            found: place.sealed_bytes.into(),
            limit: limit.into(),
        });
    }
    Ok(())
}
