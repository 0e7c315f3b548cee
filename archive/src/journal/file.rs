//! One journal file being written: it grows by zero-written steps, so that a sync need not update its length each time
//! (performance.md §2.4), and every batch is one write and one sync. Behind a large batch no zeros are written: beside its own
//! bytes the length costs little, and zeros would be a second writing of what an import brings.

use std::path::{Path, PathBuf};

use chat::{Disk, DiskFile, Seq};

use super::frame::{FILE_HEADER_BYTES, FileHeader, FrameHeader};
use crate::durable;
use crate::error::{Error, Result};
use crate::keys::Sealer;

/// The first step by which a file grows.
const STEP_BYTES_MIN: usize = 64 << 10;
/// The last: steps double up to it.
const STEP_BYTES_MAX: usize = 8 << 20;
/// A frame of so many bytes grows the file by itself alone.
const LARGE_FRAME_BYTES: usize = 128 << 10;
/// What the name of a journal file ends with.
const SUFFIX: &str = ".journal";

/// An open journal file. After a failed write or sync it must not be used again: nobody knows what it holds.
#[derive(Debug)]
pub(crate) struct JournalFile {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    sealer: Sealer,
    header: FileHeader,
    /// Where the next frame goes.
    end: u64,
    /// How far the file is written with zeros or frames.
    grown: u64,
    step: usize,
}

impl JournalFile {
    /// Makes a new file with its header and first step of zeros, durably.
    pub(crate) fn create(
        disk: &dyn Disk,
        path: PathBuf,
        sealer: Sealer,
        header: FileHeader,
    ) -> Result<Self> {
        let file = disk.create(&path).map_err(Error::io("create", &path))?;
        let mut bytes = header.encode();
        bytes.resize(STEP_BYTES_MIN, 0);
        file.write_all_at(0, &bytes).map_err(Error::io("write", &path))?;
        file.sync().map_err(Error::io("sync", &path))?;
        durable::sync_folder_of(disk, &path)?;
        let (end, grown) = (bytes_of(FILE_HEADER_BYTES), bytes_of(STEP_BYTES_MIN));
        Ok(Self { path, file, sealer, header, end, grown, step: STEP_BYTES_MIN })
    }

    /// Returns its header.
    pub(crate) const fn header(&self) -> &FileHeader {
        &self.header
    }

    /// Returns where its last frame ends.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// Seals a batch, writes its frame and syncs. On return the batch is durable.
    pub(crate) fn append(&mut self, first: Seq, count: u32, mut plaintext: Vec<u8>) -> Result<()> {
        let number = self.sealer.seal(&mut plaintext);
        let mut bytes = FrameHeader::frame(number, first, count, &plaintext);
        let end = self.end.saturating_add(bytes_of(bytes.len()));
        if end > self.grown {
            if bytes.len() < LARGE_FRAME_BYTES {
                self.step = self.step.saturating_mul(2).min(STEP_BYTES_MAX);
                bytes.resize(bytes.len().saturating_add(self.step), 0);
            }
            self.grown = self.end.saturating_add(bytes_of(bytes.len()));
        }
        self.file.write_all_at(self.end, &bytes).map_err(Error::io("write", &self.path))?;
        self.file.sync().map_err(Error::io("sync", &self.path))?;
        self.end = end;
        Ok(())
    }
}

/// Returns the path of the n-th journal file.
pub(crate) fn path_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}{SUFFIX}"))
}

/// Returns the number in the name of a journal file, or nothing for another name.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let plain = digits.len() >= 8 && digits.bytes().all(|digit| digit.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

pub(crate) fn bytes_of(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("a usize fits in 64 bits")
}
