//! SHA-256 over parts. Every hash of the proof starts with a byte that says what it is (proof.md §1).

use sha2::{Digest as _, Sha256};

/// The 32 bytes of a SHA-256.
pub type Digest = [u8; 32];

/// Returns the hash of the parts, one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
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
