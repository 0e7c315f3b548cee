//! Proving many events: what neighbours share is read, hashed and checked once for all of them.

use chat::{Recorded, Seq};
use rayon::prelude::*;

use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::kept::Kept;
use crate::log_tree::{BLOCK_LEAVES, Block};
use crate::proof::tree::{KnownPath, inclusion_path_above, verify_inclusion};
use crate::proof::{Digest, Inclusion, Opening};

/// Events that a pass over many proves ahead of its reader: four blocks of the tree.
const PROVEN_AT_ONCE: usize = 1_024;
/// Events of one block from which on the tree over it is grown from their own leaves: below, its leaves are read instead.
const DENSE_EVENTS: usize = 128;

/// An event and all that it can show, before it is known where it stands.
type Opened = Result<(Recorded, Opening)>;

impl Archive {
    /// Proves events that are whole, and returns each with its proof, in the order asked for. What neighbours share is
    /// computed once, so ask in ascending order; some hundred are proven ahead, on all cores. A destroyed event is an error.
    pub fn prove_many<'a>(
        &'a self,
        seqs: &'a [Seq],
        size: u64,
    ) -> impl Iterator<Item = Result<(Recorded, Inclusion)>> + 'a {
        let mut rest = seqs;
        let batches = std::iter::from_fn(move || {
            let (batch, after) = rest.split_at_checked(batch_of(rest))?;
            rest = after;
            (!batch.is_empty()).then_some(batch)
        });
        batches.flat_map(move |seqs| match self.root(size) {
            Ok(root) => {
                let blocks = seqs.par_chunk_by(|one, other| block_of(*one) == block_of(*other));
                blocks
                    .flat_map_iter(|seqs| self.prove_block(seqs, (size, root)))
                    .collect::<Vec<_>>()
            }
            Err(error) => vec![Err(error)],
        })
    }

    /// Proves events of one block of the tree.
    fn prove_block(
        &self,
        seqs: &[Seq],
        (size, root): (u64, Digest),
    ) -> Vec<Result<(Recorded, Inclusion)>> {
        let kept = self.kept_run(seqs).into_iter();
        let opened: Vec<_> =
            seqs.iter().zip(kept).map(|(seq, kept)| self.opened(*seq, size, kept)).collect();
        let paths = self.paths(seqs, &opened, (size, &root));
        let mut known = KnownPath::default();
        let proven = seqs.iter().zip(opened).map(|(seq, opened)| {
            let (recorded, opening) = opened?;
            let inclusion = match &paths {
                Some(paths) => Inclusion { seq: seq.get(), opening, path: paths.of(*seq) },
                None => self.include(*seq, opening, (size, &root), &mut known)?,
            };
            Ok((recorded, inclusion))
        });
        proven.collect()
    }

    fn opened(&self, seq: Seq, size: u64, kept: Result<Kept>) -> Opened {
        self.check_size("prove an event", seq.get(), size)?;
        let Kept::Live { recorded, salts } = kept? else {
            return Err(Error::EventDestroyed { seq });
        };
        let opening = Opening::of(&recorded, &salts, &|_| false);
        Ok((*recorded, opening))
    }

    /// Grows the tree over the block that these events fill, or nearly, from the leaves of their own openings. Nothing where
    /// they do not fill it, or where it does not lead to the root: then each has to be looked at by itself.
    fn paths(
        &self,
        seqs: &[Seq],
        opened: &[Opened],
        (size, root): (u64, &Digest),
    ) -> Option<Paths> {
        let first = block_of(*seqs.first()?).checked_mul(BLOCK_LEAVES)?;
        if seqs.len() < DENSE_EVENTS || first.checked_add(BLOCK_LEAVES)? > size {
            return None;
        }
        let mut given = seqs.iter().zip(opened).peekable();
        let mut leaves = Vec::with_capacity(usize::try_from(BLOCK_LEAVES).unwrap_or(0));
        for index in first..first.saturating_add(BLOCK_LEAVES) {
            let here = given.next_if(|(seq, _)| seq.leaf_index() == index);
            leaves.push(match here {
                Some((seq, Ok((_, opening)))) => opening.check(seq.get()).ok()?.0,
                // Not asked for, or not whole: what is left of it has the leaf that it had.
                Some((_, Err(_))) | None => {
                    *self.with_tree(|tree| tree.leaves(index, 1)).ok()?.first()?
                }
            });
        }
        if given.next().is_some() {
            return None;
        }
        let leaf = *leaves.first()?;
        let above = self.with_tree(|tree| inclusion_path_above(first, size, tree)).ok()?;
        let paths = Paths { block: Block::of(leaves), above };
        // The path of one leaf covers all others of its block: they are hashed into what stands beside it.
        verify_inclusion(&leaf, first, &paths.at(first), (size, root)).ok()?;
        Some(paths)
    }
}

/// The paths of the leaves of one block, found to lead to the root.
struct Paths {
    block: Block,
    above: Vec<Digest>,
}

impl Paths {
    fn of(&self, seq: Seq) -> Vec<Digest> {
        self.at(seq.leaf_index())
    }

    fn at(&self, index: u64) -> Vec<Digest> {
        let below = self.block.path(index % BLOCK_LEAVES);
        let mut path = Vec::with_capacity(self.above.len().saturating_add(8));
        path.extend(below);
        path.extend_from_slice(&self.above);
        path
    }
}

/// Returns the number of the block of the tree that an event lies in.
const fn block_of(seq: Seq) -> u64 {
    seq.leaf_index() / BLOCK_LEAVES
}

/// Returns how many of these events are proven at once: whole blocks, as far as they lie in order.
fn batch_of(seqs: &[Seq]) -> usize {
    if seqs.len() <= PROVEN_AT_ONCE {
        return seqs.len();
    }
    let ends = (1..=PROVEN_AT_ONCE).rev();
    let mut ends = ends.filter(|end| {
        let (before, after) = seqs.split_at_checked(*end).unwrap_or_default();
        before.last().map(|seq| block_of(*seq)) != after.first().map(|seq| block_of(*seq))
    });
    ends.next().unwrap_or(PROVEN_AT_ONCE)
}
