//! SHA-256 over parts. Every hash of the proof starts with a byte that says what it is (proof.md §1).
//!
//! Nearly all of them are over a few short parts, so these are put together on the stack, padded there, and handed to the
//! compression function at once: no buffer between the parts, no allocation.

use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};

/// The 32 bytes of a SHA-256.
pub type Digest = [u8; 32];

/// Bytes of a block of SHA-256.
const BLOCK_BYTES: usize = 64;
/// What the padding needs: a byte and the length in bits.
const PADDING_BYTES_MIN: usize = 9;
/// The first eight words of SHA-256 (FIPS 180-4 §5.3.3).
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// Takes parts one after the other, and hashes them in the end.
///
/// `BLOCKS` is how many blocks it puts together on the stack; more is hashed as well, only slower. Where the parts are known to fit
/// when this is compiled, nothing is left of it but a few moves and the compression.
#[derive(Debug, Clone)]
pub(crate) struct Hasher<const BLOCKS: usize> {
    short: [[u8; BLOCK_BYTES]; BLOCKS],
    filled: usize,
    /// Takes over once there is more than fits.
    long: Option<Sha256>,
}

impl<const BLOCKS: usize> Hasher<BLOCKS> {
    /// What is hashed on the stack has at most so many bytes.
    const SHORT_BYTES_MAX: usize = BLOCKS * BLOCK_BYTES - PADDING_BYTES_MIN;

    /// Returns a hasher that has taken nothing.
    #[inline]
    pub(crate) const fn new() -> Self {
        Self { short: [[0; BLOCK_BYTES]; BLOCKS], filled: 0, long: None }
    }

    /// Takes a part whose length is known when this is compiled: no more than a few moves, and none of the checks are left where
    /// the lengths before it are known too.
    #[inline]
    pub(crate) fn put<const BYTES: usize>(&mut self, part: &[u8; BYTES]) {
        let end = self.filled.saturating_add(BYTES);
        let rest = self.short.as_flattened_mut().get_mut(self.filled..).unwrap_or_default();
        if self.long.is_none()
            && end <= Self::SHORT_BYTES_MAX
            && let Some(room) = rest.first_chunk_mut::<BYTES>()
        {
            *room = *part;
            self.filled = end;
            return;
        }
        self.put_long(part);
    }

    /// Takes a part.
    #[inline]
    pub(crate) fn update(&mut self, part: &[u8]) {
        let end = self.filled.saturating_add(part.len());
        if self.long.is_none()
            && end <= Self::SHORT_BYTES_MAX
            && let Some(room) = self.short.as_flattened_mut().get_mut(self.filled..end)
        {
            room.copy_from_slice(part);
            self.filled = end;
            return;
        }
        self.put_long(part);
    }

    #[cold]
    fn put_long(&mut self, part: &[u8]) {
        let taken = self.short.as_flattened().get(..self.filled).unwrap_or_default();
        self.long.get_or_insert_with(|| Sha256::new().chain_update(taken)).update(part);
    }

    /// Returns the hash of all that it has taken.
    #[inline]
    pub(crate) fn finish(mut self) -> Digest {
        if let Some(long) = self.long.take() {
            return finish_long(long);
        }
        if let Some(behind) = self.short.as_flattened_mut().get_mut(self.filled) {
            *behind = 0x80;
        }
        let blocks = self.filled.saturating_add(PADDING_BYTES_MIN).div_ceil(BLOCK_BYTES);
        let used = self.short.get_mut(..blocks).unwrap_or_default();
        let bits = u64::try_from(self.filled).unwrap_or(0).saturating_mul(8);
        if let Some(length) = used.last_mut().and_then(|last| last.last_chunk_mut()) {
            *length = bits.to_be_bytes();
        }
        let mut state = INITIAL;
        compress256(&mut state, used);
        let mut digest = [0; 32];
        let (words, _) = digest.as_chunks_mut();
        for (bytes, word) in words.iter_mut().zip(state) {
            *bytes = word.to_be_bytes();
        }
        digest
    }
}

#[cold]
fn finish_long(long: Sha256) -> Digest {
    long.finalize().into()
}

/// Returns the hash of the parts, one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> Digest {
    let mut hasher = Hasher::<4>::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finish()
}

/// Returns the first 16 bytes of a hash.
pub(crate) fn first_half(digest: &Digest) -> [u8; 16] {
    let [first, _] = halves(digest);
    first
}

/// Returns both halves of a hash.
pub(crate) fn halves(digest: &Digest) -> [[u8; 16]; 2] {
    let (first, second) = digest.split_first_chunk().expect("32 bytes are more than 16");
    [*first, *second.first_chunk().expect("32 bytes less 16 are 16")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_behind<const BLOCKS: usize>(before: &[u8], last: &[u8; 34]) -> Digest {
        let mut hasher = Hasher::<BLOCKS>::new();
        hasher.update(before);
        hasher.put(last);
        hasher.finish()
    }

    #[test]
    fn parts_of_known_length_hash_as_the_whole_does() {
        let bytes: Vec<u8> = (0..=255).cycle().take(700).collect();
        for length in 0..bytes.len() - 34 {
            let whole: Digest = Sha256::digest(&bytes[..length + 34]).into();
            let (before, last) = (&bytes[..length], bytes[length..][..34].try_into().unwrap());
            assert_eq!(put_behind::<1>(before, last), whole, "34 bytes behind {length}, 1 block");
            assert_eq!(put_behind::<2>(before, last), whole, "34 bytes behind {length}, 2 blocks");
            assert_eq!(put_behind::<4>(before, last), whole, "34 bytes behind {length}, 4 blocks");
        }
    }

    #[test]
    fn every_length_and_every_cut_into_parts_hash_as_the_whole_does() {
        let bytes: Vec<u8> = (0..=255).cycle().take(700).collect();
        for length in 0..bytes.len() {
            let whole: Digest = Sha256::digest(&bytes[..length]).into();
            for cut in [0, 1, 33, 63, 64, 65, 246, 247, 248, 256] {
                let (first, second) = bytes[..length].split_at(cut.min(length));
                assert_eq!(sha256(&[first, &[], second]), whole, "{length} bytes cut at {cut}");
            }
        }
    }
}
