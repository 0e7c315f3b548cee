//! The salts of a run, from one seed through a binary tree (proof.md §2).
//!
//! A seed, an inner node and a content salt are secrets of the archive: no proof, export, log or error carries them, so
//! nothing here prints them, and all of them are wiped when dropped.

use std::fmt;

use chat::{Lane, Seq};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::hash::{Hasher, halves};

/// One node of a salt tree, a salt among them.
pub type Salt = [u8; 16];

/// How deep the leaves of a salt tree lie.
pub(crate) const DEPTH: u8 = 9;
/// The first leaf of the content half.
const CONTENT_HALF: u16 = 256;
/// Events of a full salt run.
pub const RUN_EVENTS_MAX: u64 = 256;

/// What the salts of one run and lane grow from: 16 bytes from the operating system, never used twice.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; 16]);

impl Seed {
    /// Takes the bytes as they are.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, to be stored encrypted and nowhere else.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Seed(..)")
    }
}

/// The two salts of one event.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Salts {
    /// Salt of the header; shown together with it.
    pub hs: Salt,
    /// Salt of the content: the salts of the fields come from it. Never shown.
    pub cs: Salt,
}

impl fmt::Debug for Salts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Salts(..)")
    }
}

/// Which salt tree: every node hashes its lane and its run, so that no guess serves two trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SaltRun {
    /// The lane whose events it salts.
    pub lane: Lane,
    /// The first `Seq` of the run.
    pub first: Seq,
}

impl SaltRun {
    /// Returns the run of an event in a journal file that starts at `file_first`.
    pub fn of(lane: Lane, file_first: Seq, seq: Seq) -> Self {
        Self { lane, first: run_first(file_first, seq) }
    }
}

/// Returns the first `Seq` of the salt run that an event belongs to, in a journal file that starts at `file_first`.
pub fn run_first(file_first: Seq, seq: Seq) -> Seq {
    let aligned = seq.get().saturating_sub(u64::from(slot(seq)));
    Seq::new(aligned).map_or(file_first, |aligned| aligned.max(file_first))
}

/// Returns the slot of an event in its run: (seq − 1) mod 256, whether or not the run starts at slot 0.
pub const fn slot(seq: Seq) -> u8 {
    seq.leaf_index().to_be_bytes()[7]
}

/// Returns the leaf of the salt tree that holds an event's header salt.
pub(crate) fn header_leaf(seq: Seq) -> u16 {
    u16::from(slot(seq))
}

/// Returns the leaf of the salt tree that holds an event's content salt.
pub(crate) fn content_leaf(seq: Seq) -> u16 {
    u16::from(slot(seq)) | CONTENT_HALF
}

/// The salt tree of a run whose seed is known. Asked in order of `Seq` it costs about two hashes an event.
#[derive(Debug)]
pub struct SaltTree {
    run: SaltRun,
    seed: Seed,
    header_path: SaltPath,
    content_path: SaltPath,
}

impl SaltTree {
    /// Returns the tree that grows from a seed.
    pub fn new(seed: &Seed, lane: Lane, first: Seq) -> Self {
        Self {
            run: SaltRun { lane, first },
            seed: seed.clone(),
            header_path: SaltPath::default(),
            content_path: SaltPath::default(),
        }
    }

    /// Returns which tree it is.
    pub const fn run(&self) -> SaltRun {
        self.run
    }

    /// Returns the salts of an event. The caller asks for events of this run and lane alone.
    pub fn salts(&mut self, seq: Seq) -> Salts {
        let root = SaltNode { place: SaltPlace::ROOT, node: self.seed.0 };
        Salts {
            hs: self.header_path.open(self.run, &root, header_leaf(seq)),
            cs: self.content_path.open(self.run, &root, content_leaf(seq)),
        }
    }
}

/// Where a node stands in a salt tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SaltPlace {
    /// 0 for the root, 9 for a salt.
    pub depth: u8,
    /// Its number among the nodes of that depth, from the left.
    pub index: u16,
}

impl SaltPlace {
    /// The place of the seed.
    pub const ROOT: Self = Self { depth: 0, index: 0 };

    /// Returns the place at a depth that lies on the way to a leaf.
    pub(crate) fn above(leaf: u16, depth: u8) -> Self {
        let steps = u32::from(DEPTH.saturating_sub(depth));
        Self { depth, index: leaf.checked_shr(steps).unwrap_or(0) }
    }

    /// Returns whether it is a right child.
    const fn is_right(self) -> bool {
        self.index & 1 == 1
    }
}

/// A node with its place.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct SaltNode {
    #[zeroize(skip)]
    pub(crate) place: SaltPlace,
    pub(crate) node: Salt,
}

impl fmt::Debug for SaltNode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SaltNode({:?}, ..)", self.place)
    }
}

impl SaltNode {
    /// Returns the node below this one at a place, or nothing if the place is not below.
    pub(crate) fn below(&self, run: SaltRun, place: SaltPlace) -> Option<Self> {
        let steps = place.depth.checked_sub(self.place.depth)?;
        if place.index.checked_shr(u32::from(steps)) != Some(self.place.index) {
            return None;
        }
        let mut node = self.node;
        for left in (0..steps).rev() {
            let depth = place.depth.saturating_sub(left);
            let index = place.index.checked_shr(u32::from(left))?;
            let parent = SaltPlace { depth: depth.saturating_sub(1), index: index.checked_shr(1)? };
            let [first, second] = children(run, parent, &node);
            node = if (SaltPlace { depth, index }).is_right() { second } else { first };
        }
        Some(Self { place, node })
    }
}

/// The way to the leaf opened last, kept so that its neighbour costs one hash on average.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(crate) struct SaltPath {
    leaf: Option<u16>,
    /// At `depth`: the two children of the node at that depth on the way to `leaf`.
    pairs: [[Salt; 2]; 9],
}

impl SaltPath {
    /// Returns a leaf below a node. Nodes given to one path must not lie below one another.
    pub(crate) fn open(&mut self, run: SaltRun, from: &SaltNode, leaf: u16) -> Salt {
        let shared = self.leaf.map_or(0, |before| shared_depths(before, leaf)).min(DEPTH);
        // The deepest pair that both leaves lie below: what is above it need not be walked again.
        let kept = shared.checked_sub(1).filter(|kept| *kept >= from.place.depth);
        let kept = kept.and_then(|kept| self.pairs.get(usize::from(kept)));
        let (first, mut node) = match kept {
            Some(pair) => (shared, side(pair, leaf, shared)),
            None => (from.place.depth, from.node),
        };
        let pairs = self.pairs.iter_mut().skip(usize::from(first));
        for (depth, pair) in (first..DEPTH).zip(pairs) {
            *pair = children(run, SaltPlace::above(leaf, depth), &node);
            node = side(pair, leaf, depth.saturating_add(1));
        }
        self.leaf = Some(leaf);
        node
    }
}

impl fmt::Debug for SaltPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SaltPath(..)")
    }
}

/// Returns that of two siblings at a depth that a leaf lies below.
fn side([left, right]: &[Salt; 2], leaf: u16, depth: u8) -> Salt {
    if SaltPlace::above(leaf, depth).is_right() { *right } else { *left }
}

/// Returns at how many depths, from the root, two leaves lie below the same node.
fn shared_depths(one: u16, other: u16) -> u8 {
    let differing_bits = u16::BITS.saturating_sub((one ^ other).leading_zeros());
    let shared = u32::from(DEPTH).saturating_sub(differing_bits).saturating_add(1);
    u8::try_from(shared).unwrap_or(DEPTH)
}

/// Returns the two children of the node at a place.
fn children(run: SaltRun, parent: SaltPlace, node: &Salt) -> [Salt; 2] {
    let mut hasher = Hasher::<1>::new();
    hasher.put(&[b'S', run.lane.code()]);
    hasher.put(&run.first.get().to_be_bytes());
    hasher.put(&[parent.depth]);
    hasher.put(&parent.index.to_be_bytes());
    hasher.put(node);
    halves(&hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> SaltTree {
        SaltTree::new(&Seed::from_bytes([7; 16]), Lane::Ledger, Seq::new(300).unwrap())
    }

    fn seq(number: u64) -> Seq {
        Seq::new(number).unwrap()
    }

    #[test]
    fn a_run_starts_at_its_file_and_at_every_256th_event() {
        let first = |file, number| run_first(seq(file), seq(number)).get();
        assert_eq!([first(1, 1), first(1, 256), first(1, 257)], [1, 1, 257]);
        assert_eq!([first(300, 300), first(300, 512), first(300, 513)], [300, 300, 513]);
    }

    #[test]
    fn the_order_of_asking_does_not_matter() {
        let mut in_order = tree();
        let straight: Vec<_> = (300..=512).map(|n| in_order.salts(seq(n))).collect();
        let mut mixed = tree();
        for step in 0..213_u64 {
            let place = step * 101 % 213;
            let salts = mixed.salts(seq(300 + place));
            let expected = &straight[usize::try_from(place).unwrap()];
            assert_eq!((salts.hs, salts.cs), (expected.hs, expected.cs), "{place}");
        }
    }

    #[test]
    fn a_salt_equals_the_node_at_its_place() {
        let mut tree = tree();
        let root = SaltNode { place: SaltPlace::ROOT, node: [7; 16] };
        for number in [300, 301, 511, 512] {
            let salts = tree.salts(seq(number));
            let node = |leaf| {
                let place = SaltPlace { depth: DEPTH, index: leaf };
                root.below(tree.run, place).unwrap().node
            };
            assert_eq!(salts.hs, node(header_leaf(seq(number))));
            assert_eq!(salts.cs, node(content_leaf(seq(number))));
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        let shown = format!("{:?} {:?}", tree(), tree().salts(seq(300)));
        assert!(!shown.contains("7, 7"), "{shown}");
    }
}
