//! The tree against two crates that others wrote, and against the sample of RFC 6962.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;
use tlog_tiles::{Error as TlogError, Hash, HashReader};

use super::*;
use crate::proof::hex;
use crate::proof::refusal::Refusal;
use crate::proof::vectors::Leaves;

/// Leaves 0..n of the test tree: the numbers themselves.
fn entries(size: u64) -> Vec<Vec<u8>> {
    (0..size).map(|n| n.to_be_bytes().to_vec()).collect()
}

fn leaves(size: u64) -> Leaves {
    Leaves(entries(size).iter().map(|entry| leaf_hash(entry)).collect())
}

impl HashReader for Leaves {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, TlogError> {
        let hash = |&index| {
            let (level, n) = tlog_tiles::split_stored_hash_index(index);
            let Ok(hash) = self.hash(u32::from(level), n);
            Hash(hash)
        };
        Ok(indexes.iter().map(hash).collect())
    }
}

fn bare(hashes: Vec<Hash>) -> Vec<Digest> {
    hashes.into_iter().map(|hash| hash.0).collect()
}

fn root_of(leaves: &Leaves, size: u64) -> Digest {
    let Ok(root) = root(size, leaves);
    root
}

#[test]
fn the_sample_leaves_of_rfc_6962_have_their_known_roots() {
    let leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"];
    let last = "606162636465666768696a6b6c6d6e6f";
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root(), empty_root());
    for (leaf, root) in leaves.into_iter().chain([last]).zip(roots) {
        frontier.append(&leaf_hash(&hex::decode(leaf).unwrap()));
        assert_eq!(hex::encode(&frontier.root()), root);
    }
}

#[test]
fn a_frontier_takes_complete_subtrees_where_they_fit() {
    let tree = leaves(41);
    for level in 0..=3_u32 {
        for size in (0..33_u64).step_by(1 << level) {
            let mut frontier = Frontier::new();
            for leaf in &tree.0[..usize::try_from(size).unwrap()] {
                frontier.append(leaf);
            }
            let Ok(subtree) = tree.hash(level, size >> level);
            let mut whole = frontier.clone();
            assert!(whole.append_complete(level, &subtree));
            assert_eq!(
                (whole.size(), whole.root()),
                (size + (1 << level), root_of(&tree, size + (1 << level)))
            );
            frontier.append(&tree.0[usize::try_from(size).unwrap()]);
            assert!(!frontier.append_complete(6, &subtree));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn roots_and_paths_are_those_of_two_other_implementations(
        size in 1_u64..700, place in any::<u64>(), older in any::<u64>(),
    ) {
        let (index, from) = (place % size, older % size + 1);
        let tree = leaves(size);
        let (root, from_root) = (root_of(&tree, size), root_of(&tree, from));
        let mut frontier = Frontier::new();
        for leaf in &tree.0 {
            frontier.append(leaf);
        }
        prop_assert_eq!(frontier.root(), root);
        prop_assert_eq!(tlog_tiles::tree_hash(size, &tree).unwrap().0, root);

        let mut other = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        for entry in entries(size) {
            other.push(entry);
        }
        let theirs = other.root();
        prop_assert_eq!(theirs.as_bytes().as_slice(), &root);

        let Ok(path) = inclusion_path(index, size, &tree);
        prop_assert_eq!(&path, &bare(tlog_tiles::prove_record(size, index, &tree).unwrap()));
        let theirs = other.prove_inclusion(usize::try_from(index).unwrap());
        prop_assert_eq!(path.concat(), theirs.as_bytes());
        let leaf = &tree.0[usize::try_from(index).unwrap()];
        prop_assert_eq!(path.len(), inclusion_length(index, size));
        prop_assert_eq!(verify_inclusion(leaf, index, &path, (size, &root)), Ok(()));

        let Ok(path) = consistency_path(from, size, &tree);
        prop_assert_eq!(&path, &bare(tlog_tiles::prove_tree(size, from, &tree).unwrap()));
        if from < size {
            let theirs = other.prove_consistency(usize::try_from(size - from).unwrap());
            prop_assert_eq!(path.concat(), theirs.as_bytes());
        }
        prop_assert_eq!(path.len(), consistency_length(from, size));
        prop_assert_eq!(verify_consistency((from, &from_root), (size, &root), &path), Ok(()));
    }

    #[test]
    fn a_range_proves_itself_and_nothing_else(
        size in 1_u64..400, one in any::<u64>(), other in any::<u64>(), flip in any::<usize>(),
    ) {
        let (first, last) = ((one % size).min(other % size), (one % size).max(other % size));
        let count = last - first + 1;
        let tree = leaves(size);
        let root = root_of(&tree, size);
        let Ok(mut hashes) = range_hashes(first, count, size, &tree);
        prop_assert_eq!(Ok(hashes.len()), range_hashes_count(first, count, size));
        let place = |n: u64| usize::try_from(n).unwrap();
        let mut shown = tree.0[place(first)..=place(last)].to_vec();
        let verify = |shown: &[Digest], hashes: &[Digest]| {
            verify_range(first, shown, hashes, (size, &root))
        };
        prop_assert_eq!(verify(&shown, &hashes), Ok(()));
        hashes.push([0; 32]);
        prop_assert_eq!(verify(&shown, &hashes), Err(Refusal::Hashes));
        hashes.pop();
        let changed = flip % shown.len();
        shown[changed][0] ^= 1;
        prop_assert_eq!(verify(&shown, &hashes), Err(Refusal::Root));
        prop_assert_eq!(verify(&[], &hashes), Err(Refusal::Range));
    }

    #[test]
    fn sizes_no_tree_can_have_are_refused_without_panic(
        index in any::<u64>(), size in any::<u64>(), from in any::<u64>(), hashes in 0_usize..70,
    ) {
        let path = vec![[0; 32]; hashes];
        prop_assert!(verify_inclusion(&[1; 32], index, &path, (size, &[2; 32])).is_err());
        prop_assert!(verify_consistency((from, &[1; 32]), (size, &[2; 32]), &path).is_err());
        prop_assert!(verify_range(index, &path, &path, (size, &[2; 32])).is_err());
    }
}

#[test]
fn beside_a_known_path_every_other_leaf_hash_size_and_root_is_still_refused() {
    let size = 1_300;
    let leaves = leaves(size);
    let root = root_of(&leaves, size);
    let mut known = KnownPath::default();
    for index in [0, 1, 255, 256, 700, 701, 1_023, 1_024, 1_279, 1_280, 1_299] {
        let Ok(path) = inclusion_path(index, size, &leaves);
        let leaf = leaves.0[usize::try_from(index).unwrap()];
        let mut check = |leaf: &Digest, index, path: &[Digest], tree: (u64, &Digest)| {
            verify_inclusion_beside(leaf, index, path, tree, &mut known)
        };
        assert_eq!(check(&leaf, index, &path, (size, &root)), Ok(()));
        for at in 0..path.len() {
            let mut changed = path.clone();
            changed[at][31] ^= 1;
            assert_eq!(check(&leaf, index, &changed, (size, &root)), Err(Refusal::Root));
        }
        assert_eq!(check(&[1; 32], index, &path, (size, &root)), Err(Refusal::Root));
        assert_eq!(check(&leaf, index, &path, (size, &[2; 32])), Err(Refusal::Root));
        assert!(check(&leaf, index ^ 1, &path, (size, &root)).is_err());
        assert!(check(&leaf, index, &path[1..], (size, &root)).is_err());
        assert!(check(&leaf, index, &path, (index, &root)).is_err());
        assert_eq!(check(&leaf, index, &path, (size, &root)), Ok(()));
    }
}

#[test]
fn beside_all_its_neighbours_a_leaf_is_refused_with_every_hash_but_its_own() {
    let size = 600;
    let leaves = leaves(size);
    let root = root_of(&leaves, size);
    let mut known = KnownPath::default();
    for index in (0..size).chain([7, 511, 300, 0]) {
        let Ok(path) = inclusion_path(index, size, &leaves);
        let leaf = leaves.0[usize::try_from(index).unwrap()];
        let mut check = |leaf: &Digest, index, path: &[Digest]| {
            verify_inclusion_beside(leaf, index, path, (size, &root), &mut known)
        };
        for at in 0..path.len() {
            let mut changed = path.clone();
            changed[at][usize::try_from(index % 32).unwrap()] ^= 0x10;
            assert_eq!(check(&leaf, index, &changed), Err(Refusal::Root), "{index} at {at}");
        }
        assert!(check(&root, index, &path).is_err() && check(&leaf, index ^ 1, &path).is_err());
        assert_eq!(check(&leaf, index, &path), Ok(()), "{index}");
        assert_eq!(verify_inclusion(&leaf, index, &path, (size, &root)), Ok(()), "{index}");
    }
}
