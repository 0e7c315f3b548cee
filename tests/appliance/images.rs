//! What a disk may hold after a loss of power: all that it was told up to the last flush, and of what came after that any
//! part, sector by sector.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use chat::testing::SeededRng;

use crate::recorder::Recording;

/// What a disk writes whole or not at all, in bytes.
const SECTOR_BYTES: usize = 512;

/// One thing that the disk was told.
enum Told<'log> {
    Write { offset: usize, bytes: &'log [u8] },
    Flush,
}

/// What becomes of the writes that no flush followed.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// None is kept.
    Dropped,
    /// All are.
    Kept,
    /// Each is kept, or dropped, or torn into sectors of which some are kept.
    Drawn,
}

/// The images of one recording, in the order of their cuts.
pub(crate) struct Images<'log> {
    told: Vec<Told<'log>>,
    /// The disk after the last flush before the cut, and how far the log has gone into it.
    durable: Vec<u8>,
    gone: usize,
}

impl<'log> Images<'log> {
    /// Reads a recording.
    pub(crate) fn of(recording: &'log Recording) -> Self {
        let mut told = Vec::new();
        let mut rest = recording.log.as_slice();
        while let Some((kind, after)) = rest.split_first() {
            rest = after;
            if *kind == b'F' {
                told.push(Told::Flush);
                continue;
            }
            let (head, after) = rest.split_at(12);
            let offset = u64::from_le_bytes(head[..8].try_into().unwrap());
            let bytes = u32::from_le_bytes(head[8..].try_into().unwrap());
            let (bytes, after) = after.split_at(usize::try_from(bytes).unwrap());
            told.push(Told::Write { offset: usize::try_from(offset).unwrap(), bytes });
            rest = after;
        }
        Self { told, durable: recording.base.clone(), gone: 0 }
    }

    /// Returns how many writes and flushes there are.
    pub(crate) fn records(&self) -> usize {
        self.told.len()
    }

    /// Writes an image for a loss of power after so many writes and flushes, and says in words how it was drawn. Cuts come
    /// in ascending order.
    pub(crate) fn draw(&mut self, cut: usize, rng: &SeededRng, image: &Path) -> String {
        let is_flush = |told: &Told<'_>| matches!(told, Told::Flush);
        let flushed = self.told[..cut].iter().rposition(is_flush).unwrap_or(0).max(self.gone);
        for told in &self.told[self.gone..flushed] {
            put(&mut self.durable, told, |_| true);
        }
        self.gone = flushed;
        let mut disk = self.durable.clone();
        let fate = [Fate::Dropped, Fate::Kept, Fate::Drawn, Fate::Drawn][below(rng, 4)];
        for told in &self.told[flushed..cut] {
            match (fate, below(rng, 4)) {
                (Fate::Dropped, _) | (Fate::Drawn, 0) => {}
                (Fate::Kept, _) | (Fate::Drawn, 1) => put(&mut disk, told, |_| true),
                (Fate::Drawn, _) => put(&mut disk, told, |_| below(rng, 2) == 0),
            }
        }
        write_sparse(&disk, image);
        format!("cut {cut} of {}, flushed to {flushed}, {fate:?}", self.told.len())
    }
}

/// Returns a number below the end.
pub(crate) fn below(rng: &SeededRng, end: usize) -> usize {
    let drawn = rng.below(u64::try_from(end).unwrap());
    usize::try_from(drawn).unwrap()
}

/// Writes to the disk those sectors that are kept.
fn put(disk: &mut [u8], told: &Told<'_>, mut is_kept: impl FnMut(usize) -> bool) {
    let Told::Write { offset, bytes } = told else { return };
    for (number, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
        if is_kept(number) {
            let at = offset + number * SECTOR_BYTES;
            disk[at..at + sector.len()].copy_from_slice(sector);
        }
    }
}

/// Writes the disk as a file that takes no space for what is zero.
fn write_sparse(disk: &[u8], image: &Path) {
    const PIECE_BYTES: usize = 64 << 10;
    let mut file = std::fs::File::create(image).unwrap();
    file.set_len(u64::try_from(disk.len()).unwrap()).unwrap();
    for (number, piece) in disk.chunks(PIECE_BYTES).enumerate() {
        if piece.iter().any(|&byte| byte != 0) {
            file.seek(SeekFrom::Start(u64::try_from(number * PIECE_BYTES).unwrap())).unwrap();
            file.write_all(piece).unwrap();
        }
    }
}
