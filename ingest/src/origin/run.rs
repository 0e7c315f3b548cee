//! One run of the index on disk: entries of 6 bytes, sorted, with fences that stay in memory.
//!
//! File: magic, check of the key (16), first run number (u64), events covered (u64), entries (u32), CRC32C of fences and
//! entries (u32); then 4097 fences (u32: entries before that bucket); then the entries. An entry is the 28 bits of the
//! fingerprint below its bucket and the 20 bits of its place in the run. All numbers are big-endian.

use std::path::{Path, PathBuf};

use archive::durable;
use chat::{Disk, DiskFile, Seq};

use super::filter::Filter;
use super::window::{Window, seq_at};
use super::{Fingerprint, RUN_SEQS};
use crate::error::{Error, Result};

const MAGIC: &[u8; 8] = b"MUNORIG1";
const HEADER_BYTES: u64 = 48;
const BUCKETS_LOG2: u32 = 12;
const BUCKETS: usize = 1 << BUCKETS_LOG2;
const FENCES_BYTES: u64 = 4 * ((1 << BUCKETS_LOG2) + 1);
const ENTRY_BYTES: u64 = 6;
const PLACE_BITS: u32 = 20;
/// Bits of a kept fingerprint below its bucket.
const REST_BITS: u32 = 40 - BUCKETS_LOG2;
/// Bytes that a run file can have at most.
const FILE_BYTES_MAX: u64 = HEADER_BYTES + FENCES_BYTES + ENTRY_BYTES * (1 << PLACE_BITS);

/// One run, its file open.
#[derive(Debug)]
pub(super) struct Run {
    number: u64,
    covered: u64,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    fences: Vec<u32>,
    filter: Filter,
}

fn bucket_of(kept: u64) -> usize {
    usize::try_from(kept >> REST_BITS).unwrap_or(BUCKETS - 1)
}

impl Run {
    pub(super) fn path(folder: &Path, number: u64) -> PathBuf {
        folder.join(format!("{number:08}.run"))
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Returns the last sequence number that it covers.
    pub(super) const fn end(&self) -> u64 {
        self.covered
    }

    pub(super) const fn is_complete(&self) -> bool {
        self.covered == (self.number + 1) * RUN_SEQS
    }

    /// Writes a window as a run that covers the log up to `covered`, durably, and opens it.
    pub(super) fn write(
        disk: &dyn Disk,
        folder: &Path,
        window: &Window,
        covered: u64,
        check: &[u8; 16],
    ) -> Result<Self> {
        let entries = window.sorted();
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let mut body = Vec::with_capacity(entries.len() * 6 + BUCKETS * 4 + 4);
        let mut before = entries.iter().peekable();
        let mut passed = 0_u32;
        for bucket in 0..BUCKETS {
            body.extend_from_slice(&passed.to_be_bytes());
            while before.next_if(|(kept, _)| bucket_of(*kept) == bucket).is_some() {
                passed += 1;
            }
        }
        body.extend_from_slice(&passed.to_be_bytes());
        for (kept, place) in &entries {
            let rest = kept & ((1 << REST_BITS) - 1);
            let entry = (rest << PLACE_BITS) | u64::from(*place);
            body.extend_from_slice(entry.to_be_bytes().get(2..).unwrap_or_default());
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(check);
        bytes.extend_from_slice(&window.number().to_be_bytes());
        bytes.extend_from_slice(&covered.to_be_bytes());
        bytes.extend_from_slice(&count.to_be_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&body).to_be_bytes());
        bytes.append(&mut body);
        let path = Self::path(folder, window.number());
        durable::write(disk, &path, &bytes).map_err(|source| Error::Archive { source })?;
        let run = Self::open(disk, &path, window.number(), check)?;
        run.ok_or_else(|| Error::OriginsUnavailable {
            path,
            source: std::io::Error::other("the file reads back differently from what was written"),
        })
    }

    /// Opens a run; nothing if it is missing, damaged, of another number or of another key.
    pub(super) fn open(
        disk: &dyn Disk,
        path: &Path,
        number: u64,
        check: &[u8; 16],
    ) -> Result<Option<Self>> {
        // Too large, or not to be read: the log has it all, so the run is made again.
        let Ok(Some(bytes)) = durable::read(disk, path, FILE_BYTES_MAX) else { return Ok(None) };
        let Some((covered, fences, filter)) = parse(&bytes, number, check) else { return Ok(None) };
        let file = disk.open_read(path).map_err(|source| unavailable(path, source))?;
        Ok(Some(Self { number, covered, path: path.to_owned(), file, fences, filter }))
    }

    fn entries(&self, first: u32, end: u32) -> Result<Vec<(u64, u32)>> {
        let bytes =
            usize::try_from(u64::from(end.saturating_sub(first)) * ENTRY_BYTES).unwrap_or(0);
        let mut entries = vec![0; bytes];
        let offset = HEADER_BYTES + FENCES_BYTES + u64::from(first) * ENTRY_BYTES;
        self.file
            .read_exact_at(offset, &mut entries)
            .map_err(|source| unavailable(&self.path, source))?;
        Ok(split(&entries).collect())
    }

    /// Adds where an event with this fingerprint may stand.
    pub(super) fn find(&self, print: Fingerprint, found: &mut Vec<Seq>) -> Result<()> {
        let kept = print.kept();
        if !self.filter.may_hold(kept) {
            return Ok(());
        }
        let bucket = bucket_of(kept);
        let (Some(&first), Some(&end)) = (self.fences.get(bucket), self.fences.get(bucket + 1))
        else {
            return Ok(());
        };
        let rest = kept & ((1 << REST_BITS) - 1);
        let entries = self.entries(first, end)?;
        let equal = entries.iter().filter(|(other, _)| *other == rest);
        found.extend(equal.filter_map(|(_, place)| seq_at(self.number, *place)));
        Ok(())
    }

    /// Takes an incomplete run back into memory, where it goes on growing.
    pub(super) fn into_window(self) -> Result<Window> {
        let mut window = Window::new(self.number);
        for (bucket, pair) in self.fences.windows(2).enumerate() {
            let &[first, end] = pair else { continue };
            let high = u64::try_from(bucket).unwrap_or_default() << REST_BITS;
            for (rest, place) in self.entries(first, end)? {
                window.insert_kept(high | rest, place);
            }
        }
        Ok(window)
    }
}

fn unavailable(path: &Path, source: std::io::Error) -> Error {
    Error::OriginsUnavailable { path: path.to_owned(), source }
}

fn split(entries: &[u8]) -> impl Iterator<Item = (u64, u32)> + '_ {
    entries.as_chunks::<6>().0.iter().map(|&[a, b, c, d, e, f]| {
        let entry = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        let place = entry & ((1 << PLACE_BITS) - 1);
        (entry >> PLACE_BITS, u32::try_from(place).unwrap_or_default())
    })
}

/// Reads and checks a run file: what it covers, its fences, and the filter over its entries.
fn parse(bytes: &[u8], number: u64, check: &[u8; 16]) -> Option<(u64, Vec<u32>, Filter)> {
    let rest = bytes.strip_prefix(MAGIC)?.strip_prefix(check)?;
    let (found, rest) = rest.split_first_chunk::<8>()?;
    let (covered, rest) = rest.split_first_chunk::<8>()?;
    let (count, rest) = rest.split_first_chunk::<4>()?;
    let (crc, body) = rest.split_first_chunk::<4>()?;
    let count = u32::from_be_bytes(*count);
    let covered = u64::from_be_bytes(*covered);
    if u64::from_be_bytes(*found) != number || crc32c::crc32c(body) != u32::from_be_bytes(*crc) {
        return None;
    }
    let (fences, entries) = body.split_at_checked(usize::try_from(FENCES_BYTES).ok()?)?;
    let fences: Vec<u32> =
        fences.as_chunks::<4>().0.iter().map(|fence| u32::from_be_bytes(*fence)).collect();
    let whole = u64::try_from(entries.len()).ok()? == u64::from(count) * ENTRY_BYTES;
    if !whole || !fences.is_sorted() || fences.last() != Some(&count) {
        return None;
    }
    let within = covered > number * RUN_SEQS && covered <= (number + 1) * RUN_SEQS;
    if !within {
        return None;
    }
    let mut filter = Filter::new();
    let mut all = split(entries);
    for (bucket, pair) in fences.windows(2).enumerate() {
        let &[first, end] = pair else { continue };
        let high = u64::try_from(bucket).ok()? << REST_BITS;
        for (rest, _) in all.by_ref().take(usize::try_from(end - first).ok()?) {
            filter.insert(high | rest);
        }
    }
    Some((covered, fences, filter))
}
