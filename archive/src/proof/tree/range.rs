//! Ranges of the log: the hashes of what lies outside, so that nothing within can be left out (proof.md §8).

use crate::proof::hash::Digest;
use crate::proof::refusal::Refusal;

use super::{Subtrees, node_hash, span_root, split_at};

/// What is proven: `count` leaves from `first`, in a tree of `size` leaves.
#[derive(Debug, Clone, Copy)]
struct Window {
    first: u64,
    end: u64,
}

impl Window {
    /// Returns whether leaves `first ..` `end` have none in the window.
    const fn misses(self, first: u64, end: u64) -> bool {
        end <= self.first || first >= self.end
    }

    /// Returns whether leaves `first ..` `end` all lie in the window.
    const fn holds(self, first: u64, end: u64) -> bool {
        first >= self.first && end <= self.end
    }
}

/// Refuses a range that is empty or reaches beyond the tree.
fn window(first: u64, count: u64, size: u64) -> Result<Window, Refusal> {
    match first.checked_add(count) {
        Some(end) if count > 0 && end <= size => Ok(Window { first, end }),
        Some(_) | None => Err(Refusal::Range),
    }
}

/// Calls `visit` with every maximal subtree (first, count) wholly outside of the window, from the left.
fn outside<E>(
    window: Window,
    (first, count): (u64, u64),
    visit: &mut dyn FnMut(u64, u64) -> Result<(), E>,
) -> Result<(), E> {
    let end = first.saturating_add(count);
    if window.misses(first, end) {
        return visit(first, count);
    }
    if window.holds(first, end) {
        return Ok(());
    }
    let split = split_at(count);
    outside(window, (first, split), visit)?;
    outside(window, (first.saturating_add(split), count.saturating_sub(split)), visit)
}

/// Returns how many hashes prove `count` leaves from `first` in a tree of `size` leaves; refused unless it has them.
pub fn range_hashes_count(first: u64, count: u64, size: u64) -> Result<usize, Refusal> {
    let mut hashes = 0_usize;
    outside(window(first, count, size)?, (0, size), &mut |_, _| {
        hashes = hashes.saturating_add(1);
        Ok::<(), Refusal>(())
    })?;
    Ok(hashes)
}

/// Returns the hashes of all that lies outside of `count` leaves from `first`, left to right. The caller asks for a
/// range of at least one leaf inside of the tree; for any other there is nothing.
pub fn range_hashes<S: Subtrees + ?Sized>(
    first: u64,
    count: u64,
    size: u64,
    subtrees: &S,
) -> Result<Vec<Digest>, S::Error> {
    let mut hashes = Vec::with_capacity(128);
    if let Ok(window) = window(first, count, size) {
        outside(window, (0, size), &mut |first, count| {
            hashes.push(span_root(first, count, subtrees)?);
            Ok(())
        })?;
    }
    Ok(hashes)
}

/// Refuses leaves that are not exactly those from `first` in the tree of this size and root.
pub fn verify_range(
    first: u64,
    leaves: &[Digest],
    hashes: &[Digest],
    (size, root): (u64, &Digest),
) -> Result<(), Refusal> {
    let count = u64::try_from(leaves.len()).map_err(|_| Refusal::Range)?;
    if range_hashes_count(first, count, size)? != hashes.len() {
        return Err(Refusal::Hashes);
    }
    let mut parts = Parts { window: window(first, count, size)?, leaves, hashes };
    if parts.root(0, size)? == *root { Ok(()) } else { Err(Refusal::Root) }
}

/// What is left to be put together, from the left.
struct Parts<'a> {
    window: Window,
    leaves: &'a [Digest],
    hashes: &'a [Digest],
}

impl Parts<'_> {
    /// Returns the hash of `count` leaves from `first`, taking what it needs.
    fn root(&mut self, first: u64, count: u64) -> Result<Digest, Refusal> {
        if self.window.misses(first, first.saturating_add(count)) {
            return take(&mut self.hashes);
        }
        if count == 1 {
            return take(&mut self.leaves);
        }
        let split = split_at(count);
        let left = self.root(first, split)?;
        let right = self.root(first.saturating_add(split), count.saturating_sub(split))?;
        Ok(node_hash(&left, &right))
    }
}

fn take(from: &mut &[Digest]) -> Result<Digest, Refusal> {
    from.split_off_first().copied().ok_or(Refusal::Hashes)
}
