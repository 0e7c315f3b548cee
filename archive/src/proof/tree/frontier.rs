//! The right edge of the tree: what appending a leaf and asking for the root need, and no more.

use crate::proof::hash::Digest;

use super::{empty_root, node_hash};

/// The complete subtrees of a growing tree, at most one a level.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// By falling level: one for each bit of `size` that is set.
    complete: Vec<Digest>,
}

impl Frontier {
    /// Returns the frontier of the empty tree.
    pub const fn new() -> Self {
        Self { size: 0, complete: Vec::new() }
    }

    /// Returns the frontier of a tree of `size` leaves, given the hashes of its complete subtrees from the left, or
    /// nothing if they are too few or too many.
    pub fn from_complete(size: u64, complete: Vec<Digest>) -> Option<Self> {
        let demanded = usize::try_from(size.count_ones()).ok()?;
        (complete.len() == demanded).then_some(Self { size, complete })
    }

    /// Returns how many leaves there are.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf.
    pub fn append(&mut self, leaf: &Digest) {
        let mut hash = *leaf;
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.complete.pop() else { break };
            hash = node_hash(&left, &hash);
        }
        self.complete.push(hash);
        self.size = self.size.saturating_add(1);
    }

    /// Appends the hash of a complete subtree of 2^level leaves; returns whether it fits: the size is a multiple of 2^level.
    pub fn append_complete(&mut self, level: u32, subtree: &Digest) -> bool {
        if self.size != 0 && self.size.trailing_zeros() < level {
            return false;
        }
        let mut hash = *subtree;
        for _ in 0..self.size.checked_shr(level).unwrap_or(0).trailing_ones() {
            let Some(left) = self.complete.pop() else { break };
            hash = node_hash(&left, &hash);
        }
        self.complete.push(hash);
        self.size = self.size.saturating_add(1_u64.checked_shl(level).unwrap_or(0));
        true
    }

    /// Returns the root over all leaves so far.
    pub fn root(&self) -> Digest {
        let mut from_right = self.complete.iter().rev();
        let Some(last) = from_right.next() else { return empty_root() };
        from_right.fold(*last, |right, left| node_hash(left, &right))
    }
}
