//! The Merkle tree of RFC 6962 §2.1 over the leaves in order of `Seq`, exactly as it stands there.

mod frontier;
mod known;
mod path;
mod range;
mod tile;

pub use frontier::Frontier;
pub use known::{KnownPath, verify_inclusion_beside};
pub(crate) use path::inclusion_path_above;
pub use path::{
    consistency_length, consistency_path, inclusion_length, inclusion_path, verify_consistency,
    verify_inclusion,
};
pub use range::{range_hashes, range_hashes_count, verify_range};
pub use tile::{TILE_HASHES_MAX, TILE_HEIGHT, Tile, complete_at};

use super::hash::{Digest, Hasher, sha256};

/// What stands before an entry that is hashed.
pub(super) const LEAF: [u8; 1] = [0];
/// What stands before two nodes that are hashed.
const NODE: [u8; 1] = [1];

/// Returns the hash of an entry.
pub fn leaf_hash(entry: &[u8]) -> Digest {
    sha256(&[&LEAF, entry])
}

/// Returns the hash of an inner node.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = Hasher::<2>::new();
    hasher.put(&NODE);
    hasher.put(left);
    hasher.put(right);
    hasher.finish()
}

/// Returns the root of the tree without leaves.
pub fn empty_root() -> Digest {
    sha256(&[])
}

/// Knows the hashes of complete subtrees: what proofs are put together from.
pub trait Subtrees {
    /// Why a hash could not be had.
    type Error;

    /// Returns the hash of the complete subtree over the leaves `index · 2^level ..` `(index + 1) · 2^level`.
    /// Asked only for subtrees that lie wholly inside of the tree; level 0 is the leaves.
    fn hash(&self, level: u32, index: u64) -> Result<Digest, Self::Error>;
}

/// Returns the root over all leaves before `size`.
pub fn root<S: Subtrees + ?Sized>(size: u64, subtrees: &S) -> Result<Digest, S::Error> {
    span_root(0, size, subtrees)
}

/// Returns the hash of RFC 6962's subtree over `count` leaves from `first`: its complete subtrees, joined from the right.
fn span_root<S: Subtrees + ?Sized>(
    first: u64,
    count: u64,
    subtrees: &S,
) -> Result<Digest, S::Error> {
    let mut joined = None;
    let mut left = count;
    while left != 0 {
        let level = left.trailing_zeros();
        left &= left.wrapping_sub(1);
        let end = first.saturating_add(left);
        let complete = subtrees.hash(level, end.checked_shr(level).unwrap_or(0))?;
        joined = Some(match joined {
            None => complete,
            Some(right) => node_hash(&complete, &right),
        });
    }
    Ok(joined.unwrap_or_else(empty_root))
}

/// Returns where RFC 6962 splits `count` leaves, two at least: at the largest power of two below.
fn split_at(count: u64) -> u64 {
    let below = count.saturating_sub(1);
    1_u64.checked_shl(below.ilog2()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
