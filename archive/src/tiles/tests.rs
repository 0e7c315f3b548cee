//! Tiles on a real folder: what is written is what C2SP says, and every damage is seen.

use proptest::prelude::*;

use super::*;
use crate::disk::LocalDisk;
use crate::proof::tree::leaf_hash;

fn leaves(size: u64) -> Vec<Digest> {
    (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

/// Gives leaves as a store of sealed events would.
fn stored(all: &[Digest]) -> impl Fn(Seq, u64) -> Result<Vec<Digest>> {
    move |first, count| {
        let start = usize::try_from(first.leaf_index()).unwrap();
        Ok(all.iter().skip(start).take(usize::try_from(count).unwrap()).copied().collect())
    }
}

fn frontier(leaves: &[Digest]) -> Frontier {
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier.append(leaf);
    }
    frontier
}

fn disk() -> Arc<dyn Disk> {
    Arc::new(LocalDisk)
}

fn append(tiles: &Tiles, all: &[Digest], to: u64) {
    let first = Seq::new(tiles.size() + 1).unwrap();
    let from = usize::try_from(tiles.size()).unwrap();
    tiles.append(first, &all[from..usize::try_from(to).unwrap()]).unwrap();
}

/// Checks every stored level of the tiles against the leaves.
fn check(tiles: &Tiles, all: &[Digest]) {
    let size = usize::try_from(tiles.size()).unwrap();
    assert_eq!(tiles.frontier(), frontier(&all[..size]));
    for level in 8..=20_u32 {
        let width = 1_usize << level;
        for (index, leaves) in (0..).zip(all[..size].chunks_exact(width)) {
            assert_eq!(tiles.hash(level, index).unwrap(), subtree_root(leaves), "{level} {index}");
        }
        let beyond = u64::try_from(size / width).unwrap();
        assert!(matches!(tiles.hash(level, beyond), Err(Error::BeyondEnd { .. })));
    }
}

fn names(folder: &Path) -> Vec<String> {
    durable::list(&LocalDisk, folder).unwrap()
}

#[test]
fn full_tiles_stay_and_of_the_partial_ones_the_widest() {
    let folder = tempfile::tempdir().unwrap();
    let all = leaves(66_500);
    let tiles = Tiles::recover(disk(), folder.path().join("tree"), (0, 0), &stored(&[])).unwrap();
    for to in [100, 255, 256, 300, 1_000, 65_535, 65_536, 66_500] {
        append(&tiles, &all, to);
    }
    check(&tiles, &all);
    let level = |level: &str| names(&folder.path().join("tree/tile").join(level));
    assert_eq!(names(&folder.path().join("tree/tile")), ["1", "2"]);
    assert_eq!(level("1"), ["000", "000.p", "001.p"]);
    assert_eq!(level("1/000.p"), Vec::<String>::new());
    assert_eq!(level("1/001.p"), ["3"]);
    assert_eq!(level("2/000.p"), ["1"]);
    assert_eq!(names(&folder.path().join("tree")), ["edge", "tile"]);
    let full = std::fs::read(folder.path().join("tree/tile/1/000")).unwrap();
    assert_eq!(full.len(), 8 << 10);
    assert_eq!(full[..32], subtree_root(&all[..256]));
}

#[test]
fn a_flipped_bit_in_a_full_tile_is_seen_when_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    let all = leaves(131_072 + 300);
    let tiles = Tiles::recover(disk(), tree.clone(), (0, 0), &stored(&[])).unwrap();
    append(&tiles, &all, 131_072 + 300);
    let path = tree.join("tile/1/001");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4_000] ^= 1;
    LocalDisk.open(&path).unwrap().write_all_at(0, &bytes).unwrap();
    let tiles = Tiles::recover(disk(), tree.clone(), (131_372, 131_372), &stored(&all)).unwrap();
    assert!(tiles.hash(8, 0).is_ok());
    assert!(matches!(tiles.hash(8, 256), Err(Error::FileCorrupt { .. })));
    LocalDisk.remove(&path).unwrap();
    assert!(matches!(tiles.hash(8, 256), Err(Error::FileGone { .. })));
    Tiles::rebuild(disk(), tree.clone(), 131_372, &stored(&all)).unwrap();
    check(&tiles, &all);
}

#[test]
fn an_edge_that_no_checkpoint_covers_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    let all = leaves(1_000);
    let tiles = Tiles::recover(disk(), tree.clone(), (0, 0), &stored(&[])).unwrap();
    append(&tiles, &all, 1_000);
    let path = tree.join("tile/1/000.p/3");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[40] ^= 1;
    LocalDisk.open(&path).unwrap().write_all_at(0, &bytes).unwrap();
    check(&Tiles::recover(disk(), tree.clone(), (1_000, 999), &stored(&all)).unwrap(), &all);
    LocalDisk.remove(&path).unwrap();
    check(&Tiles::recover(disk(), tree, (1_000, 1_000), &stored(&all)).unwrap(), &all);
}

#[test]
fn a_start_needs_no_leaves_where_the_edge_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    let all = leaves(1_000);
    let tiles = Tiles::recover(disk(), tree.clone(), (0, 0), &stored(&[])).unwrap();
    append(&tiles, &all, 1_000);
    check(&Tiles::recover(disk(), tree.clone(), (1_000, 1_000), &stored(&[])).unwrap(), &all);
    tiles.reopen().unwrap();
    LocalDisk.remove(&tree.join("edge")).unwrap();
    assert!(matches!(tiles.reopen(), Err(Error::FileCorrupt { .. })));
    check(&Tiles::recover(disk(), tree, (1_000, 1_000), &stored(&all)).unwrap(), &all);
    tiles.reopen().expect("a start writes an edge that a crash has left out");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn tiles_open_at_every_size_up_to_what_was_written(
        steps in proptest::collection::vec(1_u64..700, 1..8), back in 0_u64..400,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let all = leaves(steps.iter().sum());
        let written = Tiles::recover(disk(), folder.path().to_owned(), (0, 0), &stored(&[])).unwrap();
        let mut size = 0;
        for step in steps {
            size += step;
            append(&written, &all, size);
            check(&written, &all);
        }
        // A crash after the tiles and before the segment leaves them ahead of what is sealed.
        let sealed = size.saturating_sub(back);
        let tiles =
            Tiles::recover(disk(), folder.path().to_owned(), (sealed, sealed), &stored(&all)).unwrap();
        check(&tiles, &all);
        tiles.append(Seq::FIRST, &all).unwrap();
        check(&tiles, &all);
    }
}
