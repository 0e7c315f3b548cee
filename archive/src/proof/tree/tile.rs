//! Tiles: how C2SP tlog-tiles cuts the tree into files of up to 256 hashes. Level 0 is never stored: it is recomputed.

use std::fmt::Write as _;

/// Levels of the tree in one tile.
pub const TILE_HEIGHT: u32 = 8;
/// Hashes of a full tile.
pub const TILE_HASHES_MAX: u16 = 256;

/// One tile: `width` hashes at level `8 · level` of the tree, the first of which is number `256 · index` there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// Its level; the hashes cover 256^level leaves each.
    pub level: u8,
    /// Its number at that level.
    pub index: u64,
    /// How many hashes it holds, 1 to 256; fewer than 256 is a partial tile.
    pub width: u16,
}

impl Tile {
    /// Returns the tile with the hash of a complete subtree of 256^level leaves, as wide as a tree of `size` leaves
    /// makes it, and the place of that hash in it; nothing where the tree has no such subtree.
    pub fn holding(level: u8, subtree: u64, size: u64) -> Option<(Self, u8)> {
        let [.., slot] = subtree.to_be_bytes();
        let index = subtree >> TILE_HEIGHT;
        let complete = complete_at(level, size);
        if subtree >= complete {
            return None;
        }
        let before = index.checked_mul(u64::from(TILE_HASHES_MAX))?;
        let there = complete.checked_sub(before)?.min(u64::from(TILE_HASHES_MAX));
        Some((Self { level, index, width: u16::try_from(there).ok()? }, slot))
    }

    /// Returns whether it holds all 256 hashes and so never changes again.
    pub const fn is_full(self) -> bool {
        self.width == TILE_HASHES_MAX
    }

    /// Returns the path below the folder of the log, such as `tile/1/x001/234` or `tile/1/000.p/17`.
    pub fn path(self) -> String {
        let mut path = format!("tile/{}/", self.level);
        path.push_str(&index_path(self.index));
        if !self.is_full() {
            write!(path, ".p/{}", self.width).expect("writing to a string never fails");
        }
        path
    }
}

/// Returns how many complete subtrees of 256^level leaves a tree of `size` leaves has.
pub fn complete_at(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level).saturating_mul(TILE_HEIGHT)).unwrap_or(0)
}

/// Returns a number in groups of three digits, all but the last group marked with an `x`.
fn index_path(index: u64) -> String {
    let mut path = format!("{:03}", index % 1_000);
    let mut rest = index / 1_000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1_000);
        rest /= 1_000;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_counts_in_thousands() {
        let path = |index, width| Tile { level: 1, index, width }.path();
        assert_eq!(path(0, 256), "tile/1/000");
        assert_eq!(path(999, 17), "tile/1/999.p/17");
        assert_eq!(path(1_000, 256), "tile/1/x001/000");
        assert_eq!(path(1_234_067, 1), "tile/1/x001/x234/067.p/1");
    }

    #[test]
    fn a_subtree_lies_in_one_tile_as_wide_as_the_tree_makes_it() {
        let tile = |index, width| Tile { level: 1, index, width };
        assert_eq!(Tile::holding(1, 0, 255), None);
        assert_eq!(Tile::holding(1, 0, 256), Some((tile(0, 1), 0)));
        assert_eq!(Tile::holding(1, 257, 300 * 256), Some((tile(1, 44), 1)));
        assert_eq!(Tile::holding(1, 255, 300 * 256), Some((tile(0, 256), 255)));
        assert_eq!(Tile::holding(9, 0, u64::MAX), None);
    }
}
