//! Many inclusion paths, one beside another: what their neighbours' paths have shown is not hashed again.

use crate::proof::hash::Digest;
use crate::proof::refusal::Refusal;

use super::node_hash;
use super::path::{LOWER_STEPS, inclusion_steps, join, verify_inclusion};

/// Leaves below the hash to which that many steps lead.
const BLOCK_LEAVES: usize = 1 << LOWER_STEPS;

/// What was found to lead to the root of the 256 leaves around the one checked last: leaves beside one another share nearly
/// all of it, so that each costs about one hash.
#[derive(Debug, Clone, Default)]
pub struct KnownPath(Option<Known>);

/// Nodes below one hash over 256 leaves, of which each was found on a path that leads to the root, or beside one. With a node
/// all those above it are known, and all that stand beside these.
#[derive(Debug, Clone)]
struct Known {
    tree: (u64, Digest),
    block: u64,
    above: Vec<Digest>,
    /// The node over all of them at 1, those below the node at `n` at `2 n` and `2 n + 1`.
    nodes: Vec<Option<Digest>>,
}

impl Known {
    /// Returns whether it is about this block, tree and upper part of a path.
    fn fits(&self, tree: (u64, &Digest), block: u64, above: &[Digest]) -> bool {
        (self.tree.0, &self.tree.1, self.block) == (tree.0, tree.1, block) && self.above == above
    }

    /// Returns whether a leaf leads to a known node, by a path that goes on beside known ones. What is new of it is known then.
    fn admits(&mut self, leaf: &Digest, place: usize, below: &[Digest]) -> bool {
        let mut hashes = [Digest::default(); LOWER_STEPS];
        let (mut node, mut hash, mut steps) = (BLOCK_LEAVES | place, *leaf, 0);
        let known = loop {
            if let Some(known) = self.nodes.get(node).copied().flatten() {
                break known;
            }
            let (Some(sibling), Some(kept)) = (below.get(steps), hashes.get_mut(steps)) else {
                return false;
            };
            *kept = hash;
            hash =
                if node & 1 == 1 { node_hash(sibling, &hash) } else { node_hash(&hash, sibling) };
            (node, steps) = (node >> 1, steps.saturating_add(1));
        };
        let rest = below.get(steps..).unwrap_or_default();
        let upwards = std::iter::successors(Some(node), |node| Some(node >> 1));
        let goes_on = rest
            .iter()
            .zip(upwards)
            .all(|(sibling, node)| self.nodes.get(node ^ 1).copied().flatten() == Some(*sibling));
        if known != hash || !goes_on {
            return false;
        }
        self.learn(place, below.get(..steps).unwrap_or_default(), &hashes);
        true
    }

    fn learn(&mut self, place: usize, siblings: &[Digest], hashes: &[Digest]) {
        let mut node = BLOCK_LEAVES | place;
        for (sibling, hash) in siblings.iter().zip(hashes) {
            for (at, found) in [(node, hash), (node ^ 1, sibling)] {
                if let Some(known) = self.nodes.get_mut(at) {
                    *known = Some(*found);
                }
            }
            node >>= 1;
        }
    }
}

/// Refuses what [`verify_inclusion`] refuses. What is, hash by hash, as it was on the path of a neighbour that led to this root
/// is not hashed again.
pub fn verify_inclusion_beside(
    leaf: &Digest,
    index: u64,
    path: &[Digest],
    (size, root): (u64, &Digest),
    known: &mut KnownPath,
) -> Result<(), Refusal> {
    let is_whole = (index | 0xff) < size;
    let Some((below, above)) = path.split_at_checked(LOWER_STEPS).filter(|_| is_whole) else {
        return verify_inclusion(leaf, index, path, (size, root));
    };
    let (block, place) = (index >> LOWER_STEPS, usize::from(index.to_le_bytes()[0]));
    let beside = known.0.as_mut().filter(|known| known.fits((size, root), block, above));
    if beside.is_some_and(|known| known.admits(leaf, place, below)) {
        return Ok(());
    }
    let steps = inclusion_steps(index, size);
    if steps.len() != path.len() {
        return Err(Refusal::PathLength);
    }
    let mut upwards = steps.iter().rev();
    let mut hashes = [Digest::default(); LOWER_STEPS];
    let mut hash = *leaf;
    for ((kept, sibling), step) in hashes.iter_mut().zip(below).zip(upwards.by_ref()) {
        *kept = hash;
        hash = join(step, &hash, sibling);
    }
    if upwards.zip(above).fold(hash, |hash, (step, sibling)| join(step, &hash, sibling)) != *root {
        return Err(Refusal::Root);
    }
    let fresh = known.0.get_or_insert_with(|| Known {
        tree: (size, *root),
        block,
        above: Vec::new(),
        nodes: Vec::new(),
    });
    (fresh.tree, fresh.block, fresh.above) = ((size, *root), block, above.to_vec());
    fresh.nodes.clear();
    fresh.nodes.resize(2 * BLOCK_LEAVES, None);
    fresh.learn(place, below, &hashes);
    if let Some(top) = fresh.nodes.get_mut(1) {
        *top = Some(hash);
    }
    Ok(())
}
