//! Inclusion paths (RFC 6962 §2.1.1) and consistency paths (§2.1.2): made, and checked.
//!
//! Both walk from the root down to one subtree and note a sibling at each step; the checker walks the same way to learn
//! how many hashes there must be and on which side each stands, so a path of any other length is refused before hashing.

use crate::proof::hash::Digest;
use crate::proof::refusal::Refusal;

use super::{Subtrees, node_hash, span_root, split_at};

/// Steps from a leaf to the hash over its 256 neighbours.
pub(super) const LOWER_STEPS: usize = 8;

/// One step down: the side on which the subtree that was left behind lies, and what it covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    is_left: bool,
    first: u64,
    count: u64,
}

/// A subtree: `count` leaves from `first`.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: u64,
    count: u64,
}

impl Span {
    /// Goes down towards a leaf; returns the subtree that is left behind.
    fn descend(&mut self, index: u64) -> Step {
        let split = split_at(self.count);
        let middle = self.first.saturating_add(split);
        let rest = self.count.saturating_sub(split);
        if index < middle {
            self.count = split;
            Step { is_left: false, first: middle, count: rest }
        } else {
            let step = Step { is_left: true, first: self.first, count: split };
            (self.first, self.count) = (middle, rest);
            step
        }
    }
}

/// Returns the steps from the root down to a leaf.
pub(super) fn inclusion_steps(index: u64, size: u64) -> Vec<Step> {
    let mut span = Span { first: 0, count: size };
    let mut steps = Vec::with_capacity(64);
    while span.count > 1 {
        steps.push(span.descend(index));
    }
    steps
}

/// Returns the steps from the root of the newer tree down to the last complete subtree of the older, and that subtree.
fn consistency_steps(from: u64, to: u64) -> (Vec<Step>, Span) {
    let mut span = Span { first: 0, count: to };
    let mut steps = Vec::with_capacity(64);
    while span.count > 1 && span.first.saturating_add(span.count) != from {
        steps.push(span.descend(from.saturating_sub(1)));
    }
    (steps, span)
}

/// Returns how many hashes the path of leaf `index` has in a tree of `size` leaves.
pub fn inclusion_length(index: u64, size: u64) -> usize {
    inclusion_steps(index, size).len()
}

/// Returns the path of leaf `index` in a tree of `size` leaves, from the leaf up. The caller asks for `index < size`.
pub fn inclusion_path<S: Subtrees + ?Sized>(
    index: u64,
    size: u64,
    subtrees: &S,
) -> Result<Vec<Digest>, S::Error> {
    let steps = inclusion_steps(index, size);
    steps.iter().rev().map(|step| span_root(step.first, step.count, subtrees)).collect()
}

/// Returns the part of that path which all leaves of the 256 around this one share: without its first eight hashes.
pub(crate) fn inclusion_path_above<S: Subtrees + ?Sized>(
    index: u64,
    size: u64,
    subtrees: &S,
) -> Result<Vec<Digest>, S::Error> {
    let steps = inclusion_steps(index, size);
    let upper = steps.iter().rev().skip(LOWER_STEPS);
    upper.map(|step| span_root(step.first, step.count, subtrees)).collect()
}

/// Refuses a leaf that the path does not lead from to the root.
pub fn verify_inclusion(
    leaf: &Digest,
    index: u64,
    path: &[Digest],
    (size, root): (u64, &Digest),
) -> Result<(), Refusal> {
    if index >= size {
        return Err(Refusal::Index);
    }
    let steps = inclusion_steps(index, size);
    if steps.len() != path.len() {
        return Err(Refusal::PathLength);
    }
    let upwards = steps.iter().rev().zip(path);
    let found = upwards.fold(*leaf, |hash, (step, sibling)| join(step, &hash, sibling));
    if found == *root { Ok(()) } else { Err(Refusal::Root) }
}

/// Returns how many hashes the path from a tree of `from` leaves to one of `to` has; both at least 1, `from ≤ to`.
pub fn consistency_length(from: u64, to: u64) -> usize {
    let (steps, span) = consistency_steps(from, to);
    steps.len().saturating_add(usize::from(span.first != 0))
}

/// Returns the path from a tree of `from` leaves to one of `to`. The caller asks for `1 ≤ from ≤ to`.
pub fn consistency_path<S: Subtrees + ?Sized>(
    from: u64,
    to: u64,
    subtrees: &S,
) -> Result<Vec<Digest>, S::Error> {
    let (steps, span) = consistency_steps(from, to);
    // The first subtree of a tree whose size is a power of two is the older root itself, which the checker has.
    let known = span.first == 0;
    let start = (!known).then(|| span_root(span.first, span.count, subtrees));
    let siblings = steps.iter().rev().map(|step| span_root(step.first, step.count, subtrees));
    start.into_iter().chain(siblings).collect()
}

/// Refuses two roots of which the newer does not extend the older.
pub fn verify_consistency(
    (from, from_root): (u64, &Digest),
    (to, to_root): (u64, &Digest),
    path: &[Digest],
) -> Result<(), Refusal> {
    if from == 0 || from > to {
        return Err(Refusal::Sizes);
    }
    let (steps, span) = consistency_steps(from, to);
    let (start, siblings) = match path.split_first() {
        Some((start, siblings)) if span.first != 0 => (start, siblings),
        None if span.first != 0 => return Err(Refusal::PathLength),
        Some(_) | None => (from_root, path),
    };
    if steps.len() != siblings.len() {
        return Err(Refusal::PathLength);
    }
    let (mut older, mut newer) = (*start, *start);
    for (step, sibling) in steps.iter().rev().zip(siblings) {
        newer = join(step, &newer, sibling);
        if step.is_left {
            older = node_hash(sibling, &older);
        }
    }
    if older == *from_root && newer == *to_root { Ok(()) } else { Err(Refusal::Root) }
}

pub(super) fn join(step: &Step, hash: &Digest, sibling: &Digest) -> Digest {
    if step.is_left { node_hash(sibling, hash) } else { node_hash(hash, sibling) }
}
