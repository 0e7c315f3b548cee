//! One segment file on disk: opened once, its blocks read as they are asked for.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use chat::{ArchiveId, Disk, DiskFile, Lane, Seq};

use super::block::Block;
use super::decoder::Segment;
use super::fault::Fault;
use super::footer::{BlockEntry, Footer};
use super::layout::{HEADER_BYTES, PartPlace, SegmentHeader, TRAILER_BYTES, decode_trailer};
use super::leaves::Salting;
use crate::error::{Error, Result};
use crate::keys::{KeyId, Keys, Opener};
use crate::proof::{Digest, Refusal};

/// Numbers readers, so that a cache of blocks can tell two generations of a file apart.
static NEXT_READER: AtomicU64 = AtomicU64::new(0);

/// A segment file that is open for reading. May be used from any thread.
#[derive(Debug)]
pub struct SegmentReader {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    file_bytes: u64,
    opener: Opener,
    segment: Segment,
    number: u64,
}

impl SegmentReader {
    /// Opens a file and reads its footer, its ids and its dictionary. Fails with an error of the family *corrupt* if it is
    /// not a whole segment of this archive whose key is held.
    pub fn open(disk: &dyn Disk, path: &Path, keys: &Keys, archive: ArchiveId) -> Result<Self> {
        let file = match disk.open_read(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::FileGone { path: path.to_owned(), seqs: None });
            }
            Err(error) => return Err(Error::io("open", path)(error)),
        };
        let file_bytes = file.len().map_err(Error::io("measure", path))?;
        let mut plain = [0; HEADER_BYTES];
        let mut trailer = [0; TRAILER_BYTES];
        let least = HEADER_BYTES.saturating_add(TRAILER_BYTES).try_into().unwrap_or(u64::MAX);
        if file_bytes < least {
            return Err(Error::corrupt(path, 0, format!("{file_bytes} bytes are too few")));
        }
        let trailer_at = file_bytes.saturating_sub(TRAILER_BYTES.try_into().unwrap_or(0));
        file.read_exact_at(0, &mut plain).map_err(Error::io("read", path))?;
        file.read_exact_at(trailer_at, &mut trailer).map_err(Error::io("read", path))?;
        let at = |offset: u64| move |fault: Fault| corrupt(path, offset, &fault);
        let header = SegmentHeader::decode(&plain).map_err(at(0))?;
        if header.archive != archive {
            return Err(Error::corrupt(path, 0, "it belongs to another archive"));
        }
        let opener = keys
            .opener(KeyId::from_bytes(header.file))?
            .ok_or_else(|| Error::corrupt(path, 0, "its key is not among the keys"))?;
        let place = decode_trailer(&trailer, file_bytes).map_err(at(trailer_at))?;
        let mut read = |place: &PartPlace| {
            read_part(file.as_ref(), path, file_bytes, place).map_err(Opening::Failed)
        };
        let segment =
            Segment::open(&header, &place, &mut read, &|number, part| opener.open(number, part))
                .map_err(|fault| match fault {
                    Opening::Failed(error) => error,
                    Opening::Fault(fault) => corrupt(path, place.offset, &fault),
                })?;
        let number = NEXT_READER.fetch_add(1, Ordering::Relaxed);
        Ok(Self { path: path.to_owned(), file, file_bytes, opener, segment, number })
    }

    /// Returns where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the bytes of the file.
    pub const fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// Returns what the footer says.
    pub const fn footer(&self) -> &Footer {
        self.segment.footer()
    }

    /// Returns the lane of its events.
    pub const fn lane(&self) -> Lane {
        self.footer().header.lane
    }

    /// Returns the id of its key in the ring.
    pub(crate) const fn key(&self) -> KeyId {
        KeyId::from_bytes(self.footer().header.file)
    }

    /// Returns the number of this reader, unlike that of any other in this process.
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// Returns the same file under the name it has been given since.
    pub(crate) fn renamed(mut self, path: PathBuf) -> Self {
        self.path = path;
        self
    }

    /// Decodes a block of the footer; without its content, headers and short fields alone.
    pub fn block(&self, entry: &BlockEntry, with_content: bool) -> Result<Block> {
        let metadata = self.part(entry, &entry.metadata)?;
        let content = if with_content { Some(self.part(entry, &entry.content)?) } else { None };
        self.segment
            .block(entry, &metadata, content.as_deref(), &|number, part| {
                self.opener.open(number, part)
            })
            .map_err(|fault| {
                corrupt(&self.path, entry.metadata.offset, &fault)
                    .with_seqs(Some(entry.first), Some(entry.last))
            })
    }

    fn part(&self, entry: &BlockEntry, place: &PartPlace) -> Result<Vec<u8>> {
        read_part(self.file.as_ref(), &self.path, self.file_bytes, place)
            .map_err(|error| error.with_seqs(Some(entry.first), Some(entry.last)))
    }

    /// Returns what opens the salts of this file's events.
    pub(crate) fn salting(&self) -> Salting<'_> {
        Salting::new(self.lane(), &self.footer().runs)
    }

    /// Recomputes the leaves of a block from what is on disk, with their sequence numbers.
    pub fn leaves(&self, entry: &BlockEntry) -> Result<Vec<(Seq, Digest)>> {
        let block = self.block(entry, true)?;
        self.leaves_of(&block, 0..block.rows())
    }

    /// Recomputes the leaves of some rows of a decoded block, with their sequence numbers.
    pub(crate) fn leaves_of(
        &self,
        block: &Block,
        rows: Range<usize>,
    ) -> Result<Vec<(Seq, Digest)>> {
        let mut salting = self.salting();
        let mut header = Vec::new();
        let leaf = |row: usize| {
            let seq = block.seq(row).and_then(Seq::new);
            let refused = |refusal: Refusal| corrupt(&self.path, 0, &refusal).with_seqs(seq, seq);
            let seq = seq.ok_or_else(|| refused(Refusal::Index))?;
            let held = block.held(row, &mut header).ok_or_else(|| refused(Refusal::Leaf))?;
            Ok((seq, salting.leaf_of_held(seq.get(), &held).map_err(refused)?))
        };
        rows.map(leaf).collect()
    }
}

/// Why a segment did not open: reading failed, or what was read is no segment.
enum Opening {
    Failed(Error),
    Fault(Fault),
}

impl From<Fault> for Opening {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

fn corrupt(path: &Path, offset: u64, fault: &dyn std::fmt::Display) -> Error {
    Error::corrupt(path, offset, fault.to_string())
}

/// Reads a part as it is on disk. Its length has been checked against the format's limit, and is checked against the file here.
fn read_part(
    file: &dyn DiskFile,
    path: &Path,
    file_bytes: u64,
    place: &PartPlace,
) -> Result<Vec<u8>> {
    let length = usize::try_from(place.framed_bytes()).ok().filter(|_| place.end() <= file_bytes);
    let Some(length) = length else {
        return Err(Error::corrupt(
            path,
            place.offset,
            "a part reaches beyond the end of the file",
        ));
    };
    let mut bytes = vec![0; length];
    file.read_exact_at(place.offset, &mut bytes).map_err(Error::io("read", path))?;
    Ok(bytes)
}
