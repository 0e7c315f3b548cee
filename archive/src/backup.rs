//! What a backup copies: the files that together hold the log up to a checkpoint, and the keys that each of them needs.
//!
//! Everything is read off names and plain headers (docs/format.md §2, 3, 5, 6), so no key is needed, and a running server
//! need not be held up: what is sealed or written anew while the list is made shows as a gap or a missing file, and then
//! the list is made again. What is derived (catalog, index, origins, tree) is not copied: it is made again.

use std::collections::BTreeSet;
use std::path::Path;

use chat::{Disk, Seq};

use crate::durable;
use crate::error::{Error, Result};
use crate::journal::file::number_of;
use crate::journal::frame::{
    FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FileHeader, FrameHeader, SEALED_BYTES_MAX,
};
use crate::keys::{self, KeyId};
use crate::segment::SegmentName;

/// Where the id of its key stands in a segment and in a blob.
const KEY_OFFSET: u64 = 28;
/// Bytes of a name of a blob.
const BLOB_NAME_BYTES: usize = 64;

/// One file that a backup copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its path within the archive's folder, with `/` between the parts.
    pub path: String,
    /// How many of its bytes are copied: all, but for a journal file that is being written.
    pub bytes: u64,
    /// The key that it is sealed with, if it is.
    pub key: Option<KeyId>,
}

/// Returns the files that hold the log up to a checkpoint of this size; nothing if they moved while they were listed, and the
/// list has to be made again.
pub fn contents(disk: &dyn Disk, folder: &Path, size: u64) -> Result<Option<Vec<Item>>> {
    let mut list = List { disk, folder, size, items: Vec::new(), ranges: Vec::new() };
    // The journal first: what is sealed meanwhile is then found among the segments too.
    let found = list.journal()? && list.segments()? && list.blobs()? && list.notes()?;
    if !found || !covers(&mut list.ranges, size) {
        return Ok(None);
    }
    let plain = "archive.json";
    let Some(bytes) = list.measure(plain)? else { return Ok(None) };
    list.items.push(Item { path: plain.to_owned(), bytes, key: None });
    Ok(Some(list.items))
}

/// Returns the ids of the keys in a copy of the ring, the bytes of `keys/ring`.
pub fn ring_ids(bytes: &[u8]) -> BTreeSet<KeyId> {
    keys::ring_ids(bytes)
}

struct List<'a> {
    disk: &'a dyn Disk,
    folder: &'a Path,
    size: u64,
    items: Vec<Item>,
    /// Ranges of events that the listed files hold.
    ranges: Vec<(u64, u64)>,
}

impl List<'_> {
    fn names(&self, folder: &str) -> Result<Vec<String>> {
        durable::list(self.disk, &self.folder.join(folder))
    }

    /// Returns the length of a file; nothing if it is gone.
    fn measure(&self, path: &str) -> Result<Option<u64>> {
        let path = self.folder.join(path);
        match self.disk.open_read(&path).and_then(|file| file.len()) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("measure", &path)(error)),
        }
    }

    /// Adds a sealed file with the key in its header; returns whether it is there.
    fn add_sealed(&mut self, path: String) -> Result<bool> {
        let Some(bytes) = self.measure(&path)? else { return Ok(false) };
        let full = self.folder.join(&path);
        let mut key = [0; 16];
        let read =
            self.disk.open_read(&full).and_then(|file| file.read_exact_at(KEY_OFFSET, &mut key));
        match read {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Error::io("read", &full)(error)),
        }
        self.items.push(Item { path, bytes, key: Some(KeyId::from_bytes(key)) });
        Ok(true)
    }

    fn journal(&mut self) -> Result<bool> {
        for name in self.names("journal")? {
            if number_of(&name).is_none() {
                continue;
            }
            let path = format!("journal/{name}");
            let full = self.folder.join(&path);
            let frames = match self.disk.open_read(&full) {
                Ok(file) => {
                    Frames::walk(file.as_ref(), self.size).map_err(Error::io("read", &full))?
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(Error::io("open", &full)(error)),
            };
            if let Some(Frames { key, first, last, bytes }) = frames {
                self.ranges.push((first, last));
                self.items.push(Item { path, bytes, key: Some(key) });
            }
        }
        Ok(true)
    }

    fn segments(&mut self) -> Result<bool> {
        let names = self.names("segments")?;
        let names: Vec<_> = names.iter().filter_map(|name| SegmentName::parse(name)).collect();
        let size = self.size;
        for name in names.iter().filter(|name| name.first.get() <= size) {
            if !self.add_sealed(format!("segments/{name}"))? {
                return Ok(false);
            }
            let is_whole = names.iter().any(|other| {
                (other.first, other.last) == (name.first, name.last) && other.lane != name.lane
            });
            if is_whole {
                self.ranges.push((name.first.get(), name.last.get()));
            }
        }
        Ok(true)
    }

    fn blobs(&mut self) -> Result<bool> {
        for part in self.names("blobs")? {
            let folder = format!("blobs/{part}");
            for name in self.names(&folder)? {
                let is_blob = name.len() == BLOB_NAME_BYTES
                    && name.bytes().all(|digit| digit.is_ascii_hexdigit());
                if is_blob && !self.add_sealed(format!("{folder}/{name}"))? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Adds the checkpoints up to the size, with what witnesses said of them.
    fn notes(&mut self) -> Result<bool> {
        for name in self.names("checkpoints")? {
            let digits = name.split_once('.').map_or("", |(digits, _)| digits);
            let size = digits.parse::<u64>().ok().filter(|size| *size <= self.size);
            if size.is_none() || name.ends_with(durable::UNFINISHED) {
                continue;
            }
            let path = format!("checkpoints/{name}");
            let Some(bytes) = self.measure(&path)? else { return Ok(false) };
            self.items.push(Item { path, bytes, key: None });
        }
        Ok(true)
    }
}

/// What a journal file holds of the log up to a size.
struct Frames {
    key: KeyId,
    first: u64,
    last: u64,
    bytes: u64,
}

impl Frames {
    /// Walks from frame to frame by their plain headers, as far as the size reaches. All of that is durable: a checkpoint
    /// covers it. Returns nothing for a file that holds none of it.
    fn walk(file: &dyn chat::DiskFile, size: u64) -> std::io::Result<Option<Self>> {
        let length = file.len()?;
        let mut header = [0; FILE_HEADER_BYTES];
        let Some(header) =
            read_at(file, 0, &mut header, length)?.then(|| FileHeader::decode(&header))
        else {
            return Ok(None);
        };
        let Some(header) = header else { return Ok(None) };
        let mut frames = Self {
            key: header.key,
            first: header.first.get(),
            last: 0,
            bytes: u64::try_from(FILE_HEADER_BYTES).unwrap_or(u64::MAX),
        };
        let mut number = 0_u64;
        loop {
            let mut head = [0; FRAME_HEADER_BYTES];
            if !read_at(file, frames.bytes, &mut head, length)? {
                break;
            }
            let Some(frame) = FrameHeader::decode(&head) else { break };
            let fits = usize::try_from(frame.length).is_ok_and(|bytes| bytes <= SEALED_BYTES_MAX);
            let head_bytes = u64::try_from(FRAME_HEADER_BYTES).unwrap_or(u64::MAX);
            let end = frames.bytes.saturating_add(head_bytes).saturating_add(frame.length.into());
            if frame.number != number || frame.first.get() > size || !fits || end > length {
                break;
            }
            (frames.bytes, frames.last) = (end, frame.last().get());
            number = number.saturating_add(1);
        }
        Ok((frames.last > 0).then_some(frames))
    }
}

/// Fills the slice if the file is as long as that.
fn read_at(
    file: &dyn chat::DiskFile,
    offset: u64,
    bytes: &mut [u8],
    length: u64,
) -> std::io::Result<bool> {
    let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let is_there = offset.saturating_add(count) <= length;
    if is_there {
        file.read_exact_at(offset, bytes)?;
    }
    Ok(is_there)
}

/// Returns whether ranges hold every event from the first up to the size.
fn covers(ranges: &mut [(u64, u64)], size: u64) -> bool {
    ranges.sort_unstable();
    let mut next = Seq::FIRST.get();
    for (first, last) in ranges.iter() {
        if *first > next {
            break;
        }
        next = next.max(last.saturating_add(1));
    }
    next > size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_anywhere_before_the_size_is_seen() {
        assert!(covers(&mut [(5, 9), (1, 4)], 9));
        assert!(covers(&mut [(1, 4), (3, 9), (1, 2)], 9));
        assert!(!covers(&mut [(1, 4), (6, 9)], 9));
        assert!(covers(&mut [(1, 4), (6, 9)], 4));
        assert!(!covers(&mut [], 1));
    }
}
