//! The bytes of a blob file: a plaintext header, then parts as segments have them (`docs/format.md` §6).

use chat::ArchiveId;

use crate::keys::KeyId;

/// Bytes of the header.
pub(crate) const HEADER_BYTES: usize = 48;
/// Bytes of content in one part.
pub(crate) const CONTENT_BYTES_MAX: usize = 1 << 20;
/// Bytes before the sealed bytes of a part: length and checksum.
pub(crate) const FRAME_BYTES: usize = 8;
/// The most sealed bytes of one part: the flag, the content, the seal.
pub(crate) const SEALED_BYTES_MAX: usize = 1 + CONTENT_BYTES_MAX + crate::keys::SEAL_BYTES;
/// First byte of a part that others follow.
pub(crate) const MORE: u8 = 0;
/// First byte of the last part.
pub(crate) const LAST: u8 = 1;

const MAGIC: &[u8; 8] = b"MUNI-BLB";
const VERSION: u16 = 1;

/// Returns the bytes at the start of a blob.
pub(crate) fn encode_header(archive: ArchiveId, file: KeyId) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_BYTES);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_be_bytes());
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(archive.as_bytes());
    out.extend_from_slice(file.as_bytes());
    let sum = crc32c::crc32c(&out);
    out.extend_from_slice(&sum.to_be_bytes());
    debug_assert_eq!(out.len(), HEADER_BYTES, "the header has a fixed length");
    out
}

/// Returns the file id of a header, or nothing if it is not exactly what this archive would have written.
pub(crate) fn decode_header(bytes: &[u8; HEADER_BYTES], archive: ArchiveId) -> Option<KeyId> {
    let file = KeyId::from_bytes(bytes.get(28..44)?.try_into().ok()?);
    (encode_header(archive, file) == bytes).then_some(file)
}

/// Returns length and checksum of a sealed part; the checksum covers the length and the sealed bytes.
pub(crate) fn frame(sealed: &[u8]) -> [u8; FRAME_BYTES] {
    let length = u32::try_from(sealed.len()).expect("a part is at most 1 MiB and a few bytes");
    let length = length.to_be_bytes();
    let sum = crc32c::crc32c_append(crc32c::crc32c(&length), sealed).to_be_bytes();
    let mut out = [0; FRAME_BYTES];
    for (to, from) in out.iter_mut().zip(length.into_iter().chain(sum)) {
        *to = from;
    }
    out
}
