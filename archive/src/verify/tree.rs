//! The tree grown once more from recomputed leaves, and held against tiles, checkpoints and the root in memory.

use chat::Seq;

use super::report::{FindingKind, Findings};
use crate::archive::Archive;
use crate::error::Result;
use crate::proof::tree::Frontier;
use crate::proof::{Checkpoint, Digest};
use crate::tiles::{Tiles, subtree_root};

/// Leaves under one hash of the lowest stored tiles.
const BLOCK_LEAVES: u64 = 256;
/// The level of that hash.
const BLOCK_LEVEL: u32 = 8;

/// A root that the log must have at a size, and who says so.
#[derive(Debug)]
struct Signed {
    size: u64,
    root: Digest,
    kind: FindingKind,
}

/// The tree as far as it has been grown.
pub(super) struct Regrown {
    /// Nothing once leaves are missing that no stored hash stands in for.
    frontier: Option<Frontier>,
    /// Leaves of the block that is not complete yet; nothing in place of one that could not be read.
    block: Vec<Option<Digest>>,
    block_first: u64,
    tiles: Option<Tiles>,
    /// By falling size: the next one is the last.
    signed: Vec<Signed>,
}

impl Regrown {
    /// Reads all checkpoints and opens the tiles anew.
    pub(super) fn new(
        archive: &Archive,
        since: Option<Checkpoint>,
        findings: &mut Findings,
    ) -> Result<Self> {
        let disk = archive.shared.ports.disk.as_ref();
        let mut signed = Vec::new();
        for size in archive.signer.sizes(disk)? {
            match archive.signer.at(disk, size) {
                Ok(Some(note)) => {
                    let root = note.checkpoint.root;
                    signed.push(Signed { size, root, kind: FindingKind::Checkpoint });
                }
                Ok(None) => {}
                Err(error) => findings.add_error(FindingKind::Checkpoint, &error),
            }
        }
        let kind = FindingKind::History;
        signed.extend(since.map(|Checkpoint { size, root, .. }| Signed { size, root, kind }));
        signed.sort_by_key(|signed| std::cmp::Reverse(signed.size));
        let tiles = archive.tiles.reopen();
        let tiles = tiles.inspect_err(|error| findings.add_error(FindingKind::Tree, error)).ok();
        let frontier = Some(Frontier::new());
        let mut tree = Self { frontier, block: Vec::new(), block_first: 0, tiles, signed };
        tree.check_signed(findings);
        Ok(tree)
    }

    /// Takes the next leaf.
    pub(super) fn take(&mut self, leaf: Digest, findings: &mut Findings) {
        self.push(Some(leaf), findings);
    }

    /// Passes over the next leaf, which could not be recomputed.
    pub(super) fn skip(&mut self, findings: &mut Findings) {
        self.push(None, findings);
    }

    fn push(&mut self, leaf: Option<Digest>, findings: &mut Findings) {
        self.block.push(leaf);
        if u64::try_from(self.block.len()) == Ok(BLOCK_LEAVES) {
            self.end_block(findings);
        }
    }

    /// Joins a whole block, or the rest at the end of the log, to the tree.
    fn end_block(&mut self, findings: &mut Findings) {
        let block = std::mem::take(&mut self.block);
        let count = u64::try_from(block.len()).unwrap_or(u64::MAX);
        let first = self.block_first;
        self.block_first = first.saturating_add(count);
        let is_whole = count == BLOCK_LEAVES;
        let leaves: Option<Vec<Digest>> = block.into_iter().collect();
        let stored = if is_whole { self.stored(first, findings) } else { None };
        let computed = leaves.as_deref().filter(|_| is_whole).map(subtree_root);
        let differs = stored.is_some() && computed.is_some() && stored != computed;
        if differs {
            let seqs = (Seq::new(first.saturating_add(1)), Seq::new(self.block_first));
            let what = format!(
                "events {} to {} are not those that the tree holds",
                first.saturating_add(1),
                self.block_first
            );
            findings.add(FindingKind::Event, what, seqs.0.zip(seqs.1));
        }
        match (leaves, stored) {
            (Some(leaves), stored) if stored.is_none() || !differs => {
                // Only a size that was signed inside of the block asks for its leaves one by one.
                if let Some(computed) = computed.filter(|_| !self.is_signed_below(self.block_first))
                {
                    self.grow(|tree| {
                        tree.append_complete(BLOCK_LEVEL, &computed);
                    });
                    return self.check_signed(findings);
                }
                for leaf in leaves {
                    self.grow(|tree| tree.append(&leaf));
                    self.check_signed(findings);
                }
            }
            (_, Some(stored)) => {
                self.grow(|tree| {
                    tree.append_complete(BLOCK_LEVEL, &stored);
                });
                self.check_signed(findings);
            }
            (_, None) => self.frontier = None,
        }
    }

    fn is_signed_below(&self, size: u64) -> bool {
        self.signed.last().is_some_and(|signed| signed.size < size)
    }

    fn grow(&mut self, grow: impl FnOnce(&mut Frontier)) {
        if let Some(frontier) = &mut self.frontier {
            grow(frontier);
        }
    }

    /// Returns the hash that the tiles hold over the 256 leaves from an index on, if they cover them.
    fn stored(&self, first: u64, findings: &mut Findings) -> Option<Digest> {
        let tiles = self.tiles.as_ref()?;
        if first.saturating_add(BLOCK_LEAVES) > tiles.size() {
            return None;
        }
        let hash = tiles.hash(BLOCK_LEVEL, first / BLOCK_LEAVES);
        hash.inspect_err(|error| findings.add_error(FindingKind::Tree, error)).ok()
    }

    /// Compares the root with all that was signed at this size. Sizes inside of a block that could not be read are passed over.
    fn check_signed(&mut self, findings: &mut Findings) {
        let Some(frontier) = &self.frontier else { return };
        while let Some(signed) = self.signed.pop_if(|signed| signed.size <= frontier.size()) {
            if signed.size == frontier.size() && signed.root != frontier.root() {
                let first = Seq::FIRST;
                let what =
                    format!("the first {} events have not the root that was signed", signed.size);
                findings.add(signed.kind, what, Some(first).zip(Seq::new(signed.size)));
            }
        }
    }

    /// Ends the tree: its root must be the one in memory, and no checkpoint may say more than the log has.
    pub(super) fn finish(mut self, (size, root): (u64, &Digest), findings: &mut Findings) {
        if !self.block.is_empty() {
            self.end_block(findings);
        }
        let whole = self.frontier.filter(|frontier| frontier.size() == size);
        if whole.is_some_and(|frontier| frontier.root() != *root) {
            let what = "the events on disk have not the root that the log grew to".to_owned();
            findings.add(FindingKind::Event, what, Some(Seq::FIRST).zip(Seq::new(size)));
        }
        for signed in self.signed.iter().filter(|signed| signed.size > size) {
            let is_foreign = signed.kind == FindingKind::History;
            if is_foreign {
                let what =
                    format!("a checkpoint of {} events is signed; the log has {size}", signed.size);
                findings.add(signed.kind, what, None);
            }
        }
    }
}
