//! The content of a blob as it is read: part by part, never more than one in memory, and verified against its hash.

use std::io;
use std::path::{Path, PathBuf};

use chat::{DiskFile, FileId};
use sha2::{Digest as _, Sha256};

use super::layout::{FRAME_BYTES, HEADER_BYTES, LAST, MORE, SEALED_BYTES_MAX, frame};
use crate::error::{Error, Result};
use crate::keys::Opener;

/// Reads the parts of one blob in order.
#[derive(Debug)]
pub(crate) struct Parts {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    file_bytes: u64,
    opener: Opener,
    offset: u64,
    number: u64,
    is_done: bool,
}

impl Parts {
    /// Begins behind the header.
    pub(crate) fn new(
        path: PathBuf,
        file: Box<dyn DiskFile>,
        file_bytes: u64,
        opener: Opener,
    ) -> Self {
        let offset = HEADER_BYTES.try_into().unwrap_or(0);
        Self { path, file, file_bytes, opener, offset, number: 0, is_done: false }
    }

    /// Returns the content of the next part; nothing after the last.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if self.is_done {
            return Ok(None);
        }
        let start = self.offset;
        let corrupt = |fault: &str| Error::corrupt(&self.path, start, fault);
        let head: [u8; FRAME_BYTES] = self.read(start, FRAME_BYTES)?.try_into().unwrap_or_default();
        let [a, b, c, d, ..] = head;
        let length = u32::from_be_bytes([a, b, c, d]);
        let length = usize::try_from(length).ok().filter(|length| *length <= SEALED_BYTES_MAX);
        let length = length.ok_or_else(|| corrupt("a part is longer than any can be"))?;
        let at = start.saturating_add(FRAME_BYTES.try_into().unwrap_or(0));
        let mut part = self.read(at, length)?;
        if frame(&part) != head {
            return Err(corrupt("the checksum of a part differs"));
        }
        if !self.opener.open(self.number, &mut part) {
            return Err(corrupt("a part does not open under the file's key"));
        }
        self.offset = at.saturating_add(length.try_into().unwrap_or(0));
        self.number = self.number.saturating_add(1);
        self.is_done = match part.first() {
            Some(&MORE) => false,
            Some(&LAST) if self.offset == self.file_bytes => true,
            Some(_) | None => return Err(corrupt("a part is out of its form")),
        };
        part.remove(0);
        Ok(Some(part))
    }

    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let end = offset.saturating_add(length.try_into().unwrap_or(u64::MAX));
        if end > self.file_bytes {
            return Err(Error::corrupt(&self.path, offset, "the file is cut short"));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(offset, &mut bytes).map_err(Error::io("read", &self.path))?;
        Ok(bytes)
    }

    /// Returns where the blob is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// The content of a kept file. The last read fails if the whole is not what was kept.
#[derive(Debug)]
pub(crate) struct Content {
    parts: Parts,
    file: FileId,
    hasher: Sha256,
    part: Vec<u8>,
    at: usize,
    is_verified: bool,
}

impl Content {
    /// Returns the content that must have this hash.
    pub(crate) fn new(parts: Parts, file: FileId) -> Self {
        let hasher = Sha256::new();
        Self { parts, file, hasher, part: Vec::new(), at: 0, is_verified: false }
    }

    /// Takes the next part; returns whether there was one. After the last, the hash has been compared.
    fn advance(&mut self) -> Result<bool> {
        let Some(part) = self.parts.next()? else { return self.compare().map(|()| false) };
        self.hasher.update(&part);
        self.part = part;
        self.at = 0;
        Ok(true)
    }

    fn compare(&mut self) -> Result<()> {
        let hash: [u8; 32] = std::mem::take(&mut self.hasher).finalize().into();
        if !self.is_verified && hash != *self.file.as_bytes() {
            return Err(Error::corrupt(self.parts.path(), 0, "its content has another hash"));
        }
        self.is_verified = true;
        Ok(())
    }
}

impl io::Read for Content {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.part.len() <= self.at {
            if out.is_empty() || !self.advance().map_err(io::Error::other)? {
                return Ok(0);
            }
        }
        let rest = self.part.get(self.at..).unwrap_or(&[]);
        let count = rest.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at = self.at.saturating_add(count);
        Ok(count)
    }
}
