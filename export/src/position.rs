//! Where a reader or writer is within a file: one place for seeking, and one bounded reader over a [`DiskFile`] that all
//! of the crate reads through.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use chat::DiskFile;
use sha2::{Digest as _, Sha256};

use crate::format::hex;

/// Bytes that are read at a time to be hashed.
const HASHED_AT_ONCE: usize = 128 << 10;

/// A position in something of a known length.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Position {
    pub(crate) at: u64,
    pub(crate) end: u64,
}

impl Position {
    /// Moves as a [`Seek`] does. Beyond the end is allowed, before the start is not.
    pub(crate) fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, by) = match to {
            SeekFrom::Start(offset) => (offset, 0),
            SeekFrom::Current(by) => (self.at, by),
            SeekFrom::End(by) => (self.end, by),
        };
        let at = base.checked_add_signed(by);
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }

    /// Moves on, and the end with it where that is behind.
    pub(crate) fn advance(&mut self, count: usize) {
        self.at = self.at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        self.end = self.end.max(self.at);
    }

    /// Returns how many of so many bytes are left before the end.
    fn left(&self, wanted: usize) -> usize {
        usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX).min(wanted)
    }
}

/// Reads a file from a position of its own. Clones share the file, never the position.
#[derive(Debug, Clone)]
pub(crate) struct FileReader {
    file: Arc<dyn DiskFile>,
    position: Position,
}

impl FileReader {
    /// Starts at the beginning. The end is where it is now: what is appended later is not read.
    pub(crate) fn new(file: Box<dyn DiskFile>) -> io::Result<Self> {
        let position = Position { at: 0, end: file.len()? };
        Ok(Self { file: Arc::from(file), position })
    }

    /// Returns another reader that starts elsewhere.
    pub(crate) fn from(&self, at: u64) -> Self {
        let position = Position { at, ..self.position };
        Self { file: Arc::clone(&self.file), position }
    }

    /// Returns the length of the file.
    pub(crate) const fn len(&self) -> u64 {
        self.position.end
    }
}

impl Read for FileReader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.position.left(bytes.len());
        let (now, _) = bytes.split_at_mut(count);
        self.file.read_exact_at(self.position.at, now)?;
        self.position.advance(count);
        Ok(count)
    }
}

impl Seek for FileReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position.seek(to)
    }
}

/// What the bytes of a stream come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hashed {
    pub(crate) bytes: u64,
    /// SHA-256 in hex.
    pub(crate) sha256: String,
    pub(crate) crc: u32,
}

/// Reads a stream to its end, a piece at a time.
pub(crate) fn hash(mut reader: impl Read) -> io::Result<Hashed> {
    let (mut hasher, mut crc) = (Sha256::new(), flate2::Crc::new());
    let mut buffer = vec![0; HASHED_AT_ONCE];
    let mut bytes = 0_u64;
    loop {
        let count = reader.read(&mut buffer)?;
        let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else {
            let sha256 = hex::write(&hasher.finalize());
            return Ok(Hashed { bytes, sha256, crc: crc.sum() });
        };
        bytes = bytes.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        hasher.update(read);
        crc.update(read);
    }
}
