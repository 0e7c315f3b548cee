//! The tree on disk: C2SP tiles from level 1 up, for all that is sealed (proof.md §5, docs/format.md "Tree").
//!
//! A tile holds hashes and nothing else, so it can be copied and served as it is. What it holds is checked against the
//! tile above it whenever it is read, up to the right edge of the tree, which is in memory. All of it can be made again
//! from the sealed events.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chat::{Disk, Seq};
use parking_lot::{Mutex, RwLock};

use crate::durable;
use crate::error::{Error, Result};
use crate::proof::Digest;
use crate::proof::tree::{Frontier, TILE_HASHES_MAX, TILE_HEIGHT, Tile, complete_at};

/// The leaves that no tile covers: so that a start need not read the newest segment.
const EDGE: &str = "edge";
/// Bytes of one hash.
const HASH_BYTES: usize = 32;
/// Hashes of a full tile.
const WIDTH: usize = 256;
/// Bytes of a full tile.
const TILE_BYTES_MAX: u64 = 8 << 10;
/// Full tiles kept in memory: 8 MiB of them.
const CACHED_TILES_MAX: usize = 1 << 10;

/// Leaves whose complete subtrees of level 8 are the lowest stored.
const RUN: u64 = 256;

/// Gives the leaves of sealed events: the first one's `Seq`, and how many.
pub(crate) type LeavesOf<'a> = &'a dyn Fn(Seq, u64) -> Result<Vec<Digest>>;

/// The stored part of the tree. Any number of threads may read it; one at a time appends.
#[derive(Debug)]
pub(crate) struct Tiles {
    disk: Arc<dyn Disk>,
    /// The folder `tree`.
    folder: PathBuf,
    edge: RwLock<Edge>,
    /// Held while appending; the folders known to be there.
    appending: Mutex<HashSet<PathBuf>>,
    full: Mutex<FullTiles>,
    /// What was damaged when it was opened.
    mended: Option<PathBuf>,
}

/// Full tiles read lately, by level and number.
type FullTiles = HashMap<(u8, u64), Arc<[Digest]>>;

/// The right edge of the tree: at each level, the hashes that do not fill a tile yet. Level 0 is leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Edge {
    size: u64,
    levels: Vec<Vec<Digest>>,
}

impl Edge {
    /// Appends a leaf; returns the tiles from level 1 up that it has filled.
    fn append(&mut self, leaf: Digest) -> Vec<(Tile, Vec<Digest>)> {
        self.size = self.size.saturating_add(1);
        let mut filled = Vec::new();
        let mut hash = leaf;
        for level in 0_u8..=u8::MAX {
            let place = usize::from(level);
            if self.levels.len() <= place {
                self.levels.push(Vec::with_capacity(WIDTH));
            }
            let Some(hashes) = self.levels.get_mut(place) else { break };
            hashes.push(hash);
            if hashes.len() < WIDTH {
                break;
            }
            let full = std::mem::take(hashes);
            hash = subtree_root(&full);
            if level > 0 {
                let index = complete_at(level.saturating_add(1), self.size).saturating_sub(1);
                filled.push((Tile { level, index, width: TILE_HASHES_MAX }, full));
            }
        }
        filled
    }

    /// Returns the partial tile at a level, if it has any hash.
    fn partial(&self, level: u8) -> Option<(Tile, &[Digest])> {
        let hashes = self.levels.get(usize::from(level)).filter(|hashes| !hashes.is_empty())?;
        let width = u16::try_from(hashes.len()).ok()?;
        let index = complete_at(level, self.size) >> TILE_HEIGHT;
        Some((Tile { level, index, width }, hashes))
    }

    /// Returns the levels above the leaves.
    fn stored_levels(&self) -> impl Iterator<Item = u8> + use<> {
        1..u8::try_from(self.levels.len()).unwrap_or(u8::MAX)
    }

    /// Returns the tree's complete subtrees as a frontier.
    fn frontier(&self) -> Frontier {
        let mut complete = Vec::new();
        for hashes in self.levels.iter().rev() {
            let mut rest = hashes.as_slice();
            for height in (0..TILE_HEIGHT).rev() {
                let count = 1_usize.checked_shl(height).unwrap_or(usize::MAX);
                if hashes.len() & count != 0
                    && let Some((subtree, after)) = rest.split_at_checked(count)
                {
                    complete.push(subtree_root(subtree));
                    rest = after;
                }
            }
        }
        Frontier::from_complete(self.size, complete)
            .expect("the widths of the edge are the digits of the size")
    }
}

impl Tiles {
    /// Opens the tiles of a tree of `size` sealed leaves, of which `leaves` gives any 256 or fewer.
    ///
    /// Nothing but a signed root vouches for the right edge, and the next one is signed over it: where no checkpoint
    /// covers all of it (`signed` is the newest one's size), or a tile of it is gone or too short, all tiles are made again.
    pub(crate) fn recover(
        disk: Arc<dyn Disk>,
        folder: PathBuf,
        (size, signed): (u64, u64),
        leaves: LeavesOf<'_>,
    ) -> Result<Self> {
        if signed >= size {
            match Self::open(Arc::clone(&disk), folder.clone(), size, leaves) {
                Err(Error::FileGone { path, .. } | Error::FileCorrupt { path, .. }) => {
                    return Self::mend(disk, folder, size, (leaves, &path));
                }
                Err(error) => return Err(error),
                // A crash after a seal, and before this was written, left that of a smaller tree.
                Ok(tiles) if tiles.read_rest(size)?.is_none() => {
                    let edge = tiles.edge.read().clone();
                    tiles.write_edge(&Edge::default(), &edge, &mut HashSet::new())?;
                    return Ok(tiles);
                }
                Ok(tiles) => return Ok(tiles),
            }
        }
        Self::rebuild(disk, folder, size, leaves)
    }

    /// Makes all tiles again because what is stored of them is damaged, and keeps in mind that it was.
    pub(crate) fn mend(
        disk: Arc<dyn Disk>,
        folder: PathBuf,
        size: u64,
        (leaves, damaged): (LeavesOf<'_>, &Path),
    ) -> Result<Self> {
        tracing::warn!(path = %damaged.display(), "the stored tree is damaged: it is made again");
        let mut tiles = Self::rebuild(disk, folder, size, leaves)?;
        tiles.mended = Some(damaged.to_owned());
        Ok(tiles)
    }

    /// Returns what was damaged when the archive was opened, where the stored tree had to be made again for it.
    pub(crate) fn mended(&self) -> Option<&Path> {
        self.mended.as_deref()
    }

    fn open(disk: Arc<dyn Disk>, folder: PathBuf, size: u64, leaves: LeavesOf<'_>) -> Result<Self> {
        let tiles = Self::empty(disk, folder);
        let rest = match tiles.read_rest(size)? {
            Some(rest) => rest,
            None => chunk(leaves, size.saturating_sub(size % RUN), size % RUN)?,
        };
        let mut levels = vec![rest];
        for level in 1.. {
            let complete = complete_at(level, size);
            if complete == 0 {
                break;
            }
            levels.push(tiles.read_edge(level, complete)?);
        }
        *tiles.edge.write() = Edge { size, levels };
        Ok(tiles)
    }

    /// Opens the same tiles anew from the disk. Fails where the right edge on disk is not the one in memory.
    pub(crate) fn reopen(&self) -> Result<Self> {
        // A seal at work writes the new edge before it shows it: it would be taken for damage.
        let _no_seal_meanwhile = self.appending.lock();
        let edge = self.edge.read().clone();
        let changed = |path: &Path| Error::corrupt(path, 0, "it is not what was written");
        let missing = |_: Seq, _: u64| Err(changed(&self.folder.join(EDGE)));
        let fresh = Self::open(Arc::clone(&self.disk), self.folder.clone(), edge.size, &missing)?;
        if fresh.edge.read().levels.first() != edge.levels.first() && edge.size > 0 {
            return Err(changed(&self.folder.join(EDGE)));
        }
        for level in edge.stored_levels() {
            if fresh.edge.read().partial(level) != edge.partial(level)
                && let Some((tile, _)) = edge.partial(level)
            {
                return Err(changed(&self.path(tile)));
            }
        }
        Ok(fresh)
    }

    /// Makes all tiles again from the leaves of all sealed events.
    pub(crate) fn rebuild(
        disk: Arc<dyn Disk>,
        folder: PathBuf,
        size: u64,
        leaves: LeavesOf<'_>,
    ) -> Result<Self> {
        let tiles = Self::empty(disk, folder);
        let mut edge = Edge::default();
        let mut folders = HashSet::new();
        while edge.size < size {
            let count = size.saturating_sub(edge.size).min(RUN);
            for leaf in chunk(leaves, edge.size, count)? {
                for (tile, hashes) in edge.append(leaf) {
                    tiles.write(tile, &hashes, &mut folders)?;
                }
            }
        }
        tiles.write_edge(&Edge::default(), &edge, &mut folders)?;
        *tiles.edge.write() = edge;
        Ok(tiles)
    }

    fn empty(disk: Arc<dyn Disk>, folder: PathBuf) -> Self {
        let (edge, appending, full) = (RwLock::default(), Mutex::default(), Mutex::default());
        Self { disk, folder, edge, appending, full, mended: None }
    }

    /// Returns the folder that they lie in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns how many leaves are covered.
    pub(crate) fn size(&self) -> u64 {
        self.edge.read().size
    }

    /// Returns how many leaves are covered, and those of them behind the last multiple of 256, over which no hash is stored.
    pub(crate) fn rest(&self) -> (u64, Vec<Digest>) {
        let edge = self.edge.read();
        (edge.size, edge.levels.first().cloned().unwrap_or_default())
    }

    /// Returns the tree over the leaves that are covered.
    pub(crate) fn frontier(&self) -> Frontier {
        self.edge.read().frontier()
    }

    /// Covers these leaves, the first of which is that of event `first`; those covered already are passed over.
    ///
    /// On return all tiles that they fill or lengthen are durable. After a failure or a crash the tiles of before are there,
    /// and perhaps some of the new ones, which then stand unused.
    pub(crate) fn append(&self, first: Seq, leaves: &[Digest]) -> Result<()> {
        let mut folders = self.appending.lock();
        let before = self.edge.read().clone();
        let mut edge = before.clone();
        let Some(covered) = edge.size.checked_sub(first.leaf_index()) else {
            return Err(Error::BatchOrder {
                expected: edge.size.saturating_add(1),
                found: first.get(),
            });
        };
        let covered = usize::try_from(covered).unwrap_or(usize::MAX);
        for leaf in leaves.iter().skip(covered) {
            for (tile, hashes) in edge.append(*leaf) {
                self.write(tile, &hashes, &mut folders)?;
            }
        }
        self.write_edge(&before, &edge, &mut folders)?;
        *self.edge.write() = edge;
        before.stored_levels().try_for_each(|level| self.drop_partial(&before, level))
    }

    /// Writes the partial tiles that have changed, and then the leaves that no tile covers.
    fn write_edge(&self, before: &Edge, edge: &Edge, folders: &mut HashSet<PathBuf>) -> Result<()> {
        for level in edge.stored_levels() {
            if let Some((tile, hashes)) = edge.partial(level)
                && before.partial(level) != Some((tile, hashes))
            {
                self.write(tile, hashes, folders)?;
            }
        }
        if edge.size == before.size {
            return Ok(());
        }
        let path = self.folder.join(EDGE);
        self.make_folders(&path, folders)?;
        let rest = edge.levels.first().map_or(&[][..], Vec::as_slice);
        let bytes = [&edge.size.to_be_bytes(), rest.as_flattened()].concat();
        durable::write(self.disk.as_ref(), &path, &bytes)
    }

    /// Returns the stored leaves behind the last multiple of 256, if they are those of a tree of this size.
    fn read_rest(&self, size: u64) -> Result<Option<Vec<Digest>>> {
        let path = self.folder.join(EDGE);
        let bytes = durable::read(self.disk.as_ref(), &path, TILE_BYTES_MAX)?;
        let rest = bytes.as_deref().and_then(|bytes| {
            let (found, rest) = bytes.split_first_chunk()?;
            let (leaves, left) = rest.as_chunks::<HASH_BYTES>();
            let fits = u64::from_be_bytes(*found) == size
                && u64::try_from(leaves.len()) == Ok(size % RUN)
                && left.is_empty();
            fits.then(|| leaves.to_vec())
        });
        Ok(rest)
    }

    /// Removes a partial tile that a wider one has replaced.
    fn drop_partial(&self, before: &Edge, level: u8) -> Result<()> {
        let Some((tile, _)) = before.partial(level) else { return Ok(()) };
        let is_present = self.edge.read().partial(level).is_some_and(|(now, _)| now == tile);
        if is_present {
            return Ok(());
        }
        durable::remove_if_there(self.disk.as_ref(), &self.path(tile))
    }

    fn path(&self, tile: Tile) -> PathBuf {
        self.folder.join(tile.path())
    }

    fn write(&self, tile: Tile, hashes: &[Digest], folders: &mut HashSet<PathBuf>) -> Result<()> {
        let path = self.path(tile);
        self.make_folders(&path, folders)?;
        durable::write(self.disk.as_ref(), &path, hashes.as_flattened())
    }

    /// Makes the folders above a tile durable, each before the one in it.
    fn make_folders(&self, path: &Path, folders: &mut HashSet<PathBuf>) -> Result<()> {
        let above = path.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.folder));
        let mut above: Vec<_> = above.filter(|folder| !folders.contains(*folder)).collect();
        above.reverse();
        for folder in above {
            durable::create_folder(self.disk.as_ref(), folder)?;
            folders.insert(folder.to_owned());
        }
        Ok(())
    }

    /// Returns the hash of a complete subtree of 2^level leaves, level 8 at least, that lies within the leaves covered.
    pub(crate) fn hash(&self, level: u32, index: u64) -> Result<Digest> {
        let (Ok(stored), height) = (u8::try_from(level / TILE_HEIGHT), level % TILE_HEIGHT) else {
            return Err(self.beyond(level, index));
        };
        let first = index.checked_shl(height).ok_or_else(|| self.beyond(level, index))?;
        let hashes = self.hashes(stored, first >> TILE_HEIGHT)?;
        let [.., slot] = first.to_be_bytes();
        let count = 1_usize.checked_shl(height).unwrap_or(usize::MAX);
        let subtree = hashes.get(usize::from(slot)..).and_then(|rest| rest.get(..count));
        subtree.map(subtree_root).ok_or_else(|| self.beyond(level, index))
    }

    fn beyond(&self, level: u32, index: u64) -> Error {
        let asked = index.saturating_add(1).checked_shl(level).unwrap_or(u64::MAX);
        Error::BeyondEnd { action: "read the tree", asked, held: self.size() }
    }

    /// Returns the hashes of a tile that are there.
    fn hashes(&self, level: u8, index: u64) -> Result<Arc<[Digest]>> {
        if let Some((tile, hashes)) = self.edge.read().partial(level)
            && tile.index == index
        {
            return Ok(hashes.into());
        }
        if let Some(hashes) = self.full.lock().get(&(level, index)) {
            return Ok(Arc::clone(hashes));
        }
        let hashes: Arc<[Digest]> = self.read_full(level, index)?.into();
        let mut full = self.full.lock();
        if full.len() >= CACHED_TILES_MAX {
            full.clear();
        }
        full.insert((level, index), Arc::clone(&hashes));
        Ok(hashes)
    }

    /// Reads a full tile, and compares it with its hash in the tile above.
    fn read_full(&self, level: u8, index: u64) -> Result<Vec<Digest>> {
        let tile = Tile { level, index, width: TILE_HASHES_MAX };
        let above = u32::from(level).saturating_add(1).saturating_mul(TILE_HEIGHT);
        let size = self.size();
        if index >= complete_at(level.saturating_add(1), size) {
            let asked = index.saturating_add(1).checked_shl(above).unwrap_or(u64::MAX);
            return Err(Error::BeyondEnd { action: "read the tree", asked, held: size });
        }
        let hashes = self.read(tile)?.ok_or_else(|| self.gone(tile))?;
        if subtree_root(&hashes) == self.hash(above, index)? {
            Ok(hashes)
        } else {
            let fault = "its hashes are not those that the tile above it covers";
            Err(Error::corrupt(&self.path(tile), 0, fault))
        }
    }

    /// Reads the hashes of the last tile at a level, out of the narrowest file that holds them.
    fn read_edge(&self, level: u8, complete: u64) -> Result<Vec<Digest>> {
        let index = complete >> TILE_HEIGHT;
        let [.., width] = complete.to_be_bytes();
        let width = u16::from(width);
        if width == 0 {
            return Ok(Vec::new());
        }
        let tile = Tile { level, index, width };
        let path = self.path(tile);
        let folder = path.parent().unwrap_or(&self.folder);
        let names = durable::list(self.disk.as_ref(), folder)?;
        let wide = |name: &String| name.parse().ok().filter(|wide| (width..=255).contains(wide));
        let widest = TILE_HASHES_MAX;
        let found = names.iter().filter_map(wide).min().unwrap_or(widest);
        let mut hashes =
            self.read(Tile { level, index, width: found })?.ok_or_else(|| self.gone(tile))?;
        hashes.truncate(usize::from(width));
        Ok(hashes)
    }

    /// Reads a tile whole, or nothing if there is none.
    fn read(&self, tile: Tile) -> Result<Option<Vec<Digest>>> {
        let path = self.path(tile);
        let Some(bytes) = durable::read(self.disk.as_ref(), &path, TILE_BYTES_MAX)? else {
            return Ok(None);
        };
        let (hashes, left) = bytes.as_chunks::<HASH_BYTES>();
        if hashes.len() == usize::from(tile.width) && left.is_empty() {
            return Ok(Some(hashes.to_vec()));
        }
        let fault = format!("{} bytes, {} hashes were expected", bytes.len(), tile.width);
        Err(Error::corrupt(&path, 0, fault))
    }

    fn gone(&self, tile: Tile) -> Error {
        Error::FileGone { path: self.path(tile), seqs: None }
    }
}

/// Returns exactly `count` leaves from an index on.
fn chunk(leaves: LeavesOf<'_>, index: u64, count: u64) -> Result<Vec<Digest>> {
    let Some(first) = Seq::new(index.saturating_add(1)).filter(|_| count > 0) else {
        return Ok(Vec::new());
    };
    let found = leaves(first, count)?;
    if u64::try_from(found.len()) == Ok(count) {
        return Ok(found);
    }
    let held = index.saturating_add(u64::try_from(found.len()).unwrap_or(u64::MAX));
    Err(Error::BeyondEnd { action: "read the leaves", asked: index.saturating_add(count), held })
}

/// Returns the root over a power of two of hashes.
pub(crate) fn subtree_root(hashes: &[Digest]) -> Digest {
    let mut frontier = Frontier::new();
    for hash in hashes {
        frontier.append(hash);
    }
    frontier.root()
}

#[cfg(test)]
mod tests;
