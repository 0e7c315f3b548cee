//! From an event's header and fields to its leaf (proof.md §4–5).

use chat::Seq;

use super::hash::{Digest, Hasher, first_half};
use super::salt::{Salt, Salts};
use super::tree::LEAF;

/// The two hashes that an entry is made of. Neither says anything about what it covers without a salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitments {
    /// Covers the header.
    pub header: Digest,
    /// Covers the content.
    pub content: Digest,
}

impl Commitments {
    /// Returns the 64 bytes of the entry.
    pub fn entry(&self) -> [u8; 64] {
        let mut entry = [0; 64];
        let (header, content) = entry.split_at_mut(32);
        header.copy_from_slice(&self.header);
        content.copy_from_slice(&self.content);
        entry
    }

    /// Returns the leaf.
    pub fn leaf(&self) -> Digest {
        let mut hasher = Hasher::<2>::new();
        hasher.put(&LEAF);
        hasher.put(&self.header);
        hasher.put(&self.content);
        hasher.finish()
    }
}

/// Commits to an event: the bytes of its header and its fields, tags strictly ascending.
pub fn commit<'a>(
    header: &[u8],
    seq: Seq,
    fields: impl Iterator<Item = (u16, &'a [u8])>,
    salts: &Salts,
) -> Commitments {
    let mut content = ContentHasher::new(seq, &list_salt(seq, &salts.cs));
    for (tag, value) in fields {
        let salt = field_salt(seq, tag, &salts.cs);
        content.add(tag, &field_commitment(seq, tag, &salt, value));
    }
    Commitments { header: header_commitment(&salts.hs, header), content: content.finish() }
}

/// Returns the commitment to a header.
pub fn header_commitment(hs: &Salt, header: &[u8]) -> Digest {
    let mut hasher = Hasher::<4>::new();
    hasher.put(b"H");
    hasher.put(hs);
    hasher.update(header);
    hasher.finish()
}

/// Returns the salt of one field.
pub fn field_salt(seq: Seq, tag: u16, cs: &Salt) -> Salt {
    let mut hasher = Hasher::<1>::new();
    hasher.put(b"K");
    hasher.put(&seq.get().to_be_bytes());
    hasher.put(&tag.to_be_bytes());
    hasher.put(cs);
    first_half(&hasher.finish())
}

/// Returns the salt of the list of fields, which opens without `cs`.
pub fn list_salt(seq: Seq, cs: &Salt) -> Salt {
    field_salt(seq, 0, cs)
}

/// Returns the commitment to one field.
pub fn field_commitment(seq: Seq, tag: u16, salt: &Salt, value: &[u8]) -> Digest {
    // Names and keys are mostly of one block, many texts of two: less to clear, and a number of blocks that is known.
    if value.len() <= ONE_BLOCK_VALUE_BYTES_MAX {
        field_hash::<1>(seq, tag, salt, value)
    } else if value.len() <= TWO_BLOCKS_VALUE_BYTES_MAX {
        field_hash::<2>(seq, tag, salt, value)
    } else {
        field_hash::<4>(seq, tag, salt, value)
    }
}

/// The longest value whose commitment is one block of SHA-256: 27 bytes stand before it, 9 behind.
const ONE_BLOCK_VALUE_BYTES_MAX: usize = 64 - 27 - 9;
/// The longest value whose commitment is two.
const TWO_BLOCKS_VALUE_BYTES_MAX: usize = 128 - 27 - 9;

#[inline]
fn field_hash<const BLOCKS: usize>(seq: Seq, tag: u16, salt: &Salt, value: &[u8]) -> Digest {
    let mut hasher = Hasher::<BLOCKS>::new();
    hasher.put(b"F");
    hasher.put(&seq.get().to_be_bytes());
    hasher.put(&tag.to_be_bytes());
    hasher.put(salt);
    hasher.update(value);
    hasher.finish()
}

/// Makes the content commitment item by item, without holding the list.
#[derive(Debug)]
pub struct ContentHasher(Hasher<4>);

impl ContentHasher {
    /// Starts the list of an event under its salt.
    #[inline]
    pub fn new(seq: Seq, ls: &Salt) -> Self {
        let mut hasher = Hasher::new();
        hasher.put(b"C");
        hasher.put(&seq.get().to_be_bytes());
        hasher.put(ls);
        Self(hasher)
    }

    /// Adds an item; the caller keeps the tags ascending.
    #[inline]
    pub fn add(&mut self, tag: u16, commitment: &Digest) {
        self.0.put(&tag.to_be_bytes());
        self.0.put(commitment);
    }

    /// Returns the content commitment.
    #[inline]
    pub fn finish(self) -> Digest {
        self.0.finish()
    }
}
