//! One run of the index on disk: sorted entries in buckets, with fences that stay in memory.
//!
//! File: magic, check of the key (16), run number (u64), events covered (u64), entries (u32), CRC32C of fences and buckets
//! (u32); then 4097 fences (u32: bytes before that bucket); then the buckets. All numbers are big-endian.

use std::path::{Path, PathBuf};

use archive::durable;
use chat::{Disk, DiskFile, Seq};

use super::bucket::{self, BUCKET_BITS, bucket_of};
use super::filter::Filter;
use super::window::{Window, seq_at};
use super::{Fingerprint, RUN_SEQS};
use crate::error::{Error, Result};

const MAGIC: &[u8; 8] = b"MUNORIG2";
const HEADER_BYTES: u64 = 48;
const BUCKETS: usize = 1 << BUCKET_BITS;
const FENCES_BYTES: u64 = 4 * ((1 << BUCKET_BITS) + 1);
/// Bytes that a run file can have at most: five for each entry, and the groups of its buckets.
const FILE_BYTES_MAX: u64 = HEADER_BYTES + FENCES_BYTES + 5 * RUN_SEQS + 64 * (1 << BUCKET_BITS);

/// One run, its file open.
#[derive(Debug)]
pub(super) struct Run {
    number: u64,
    covered: u64,
    entries: u32,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    fences: Vec<u32>,
}

impl Run {
    pub(super) fn path(folder: &Path, number: u64) -> PathBuf {
        folder.join(format!("{number:08}.run"))
    }

    /// Returns the last sequence number that it covers.
    pub(super) const fn end(&self) -> u64 {
        self.covered
    }

    pub(super) const fn is_complete(&self) -> bool {
        self.covered == (self.number + 1) * RUN_SEQS
    }

    /// Writes a window as a run that covers the log up to `covered`, durably, and opens it with its filter.
    pub(super) fn write(
        disk: &dyn Disk,
        folder: &Path,
        window: &Window,
        covered: u64,
        check: &[u8; 16],
    ) -> Result<(Self, Filter)> {
        let entries = window.sorted();
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let (mut fences, mut buckets) = (Vec::new(), Vec::new());
        let mut rest = entries.as_slice();
        for bucket in 0..BUCKETS {
            fences.extend_from_slice(&fence(buckets.len()));
            let here = rest.partition_point(|(kept, _)| bucket_of(*kept) <= bucket);
            let (own, others) = rest.split_at_checked(here).unwrap_or((rest, &[]));
            buckets.extend(bucket::encode(own));
            rest = others;
        }
        fences.extend_from_slice(&fence(buckets.len()));
        let mut body = fences;
        body.append(&mut buckets);
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

    /// Opens a run, and makes the filter over its entries; nothing if it is missing, damaged, of another number or of another key.
    pub(super) fn open(
        disk: &dyn Disk,
        path: &Path,
        number: u64,
        check: &[u8; 16],
    ) -> Result<Option<(Self, Filter)>> {
        // Too large, or not to be read: the log has it all, so the run is made again.
        let Ok(Some(bytes)) = durable::read(disk, path, FILE_BYTES_MAX) else { return Ok(None) };
        let Some(Parsed { covered, entries, fences, filter }) = parse(&bytes, number, check) else {
            return Ok(None);
        };
        let file = disk.open_read(path).map_err(|source| unavailable(path, source))?;
        let path = path.to_owned();
        Ok(Some((Self { number, covered, entries, path, file, fences }, filter)))
    }

    fn bucket(&self, bucket: usize) -> Result<Vec<u8>> {
        let (Some(&first), Some(&end)) = (self.fences.get(bucket), self.fences.get(bucket + 1))
        else {
            return Ok(Vec::new());
        };
        self.buckets(first, end)
    }

    /// Reads the buckets between two fences.
    fn buckets(&self, first: u32, end: u32) -> Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(end.saturating_sub(first)).unwrap_or_default()];
        let offset = HEADER_BYTES + FENCES_BYTES + u64::from(first);
        self.file
            .read_exact_at(offset, &mut bytes)
            .map_err(|source| unavailable(&self.path, source))?;
        Ok(bytes)
    }

    /// Adds where an event with this fingerprint may stand.
    pub(super) fn find(
        &self,
        print: Fingerprint,
        found: &mut Vec<(Fingerprint, Seq)>,
    ) -> Result<()> {
        let bytes = self.bucket(bucket_of(print.kept()))?;
        bucket::find(&bytes, print.kept(), |place| {
            found.extend(seq_at(self.number, place).map(|seq| (print, seq)));
        });
        Ok(())
    }

    /// Takes an incomplete run back into memory, where it goes on growing.
    pub(super) fn into_window(self) -> Result<Window> {
        let room = usize::try_from(self.entries).unwrap_or_default();
        let mut window = Window::with_room_for(self.number, room);
        let all = self.buckets(0, self.fences.last().copied().unwrap_or_default())?;
        for (bucket, pair) in self.fences.windows(2).enumerate() {
            let &[first, end] = pair else { continue };
            let at = |fence: u32| usize::try_from(fence).unwrap_or_default();
            let bytes = all.get(at(first)..at(end)).unwrap_or_default();
            let _read = bucket::read_all(bytes, bucket, |kept, place| {
                window.insert_kept(kept, place);
            });
        }
        Ok(window)
    }
}

fn fence(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}

fn unavailable(path: &Path, source: std::io::Error) -> Error {
    Error::OriginsUnavailable { path: path.to_owned(), source }
}

/// What a run file says.
struct Parsed {
    covered: u64,
    entries: u32,
    fences: Vec<u32>,
    filter: Filter,
}

/// Reads and checks a run file, and makes the filter over its entries.
fn parse(bytes: &[u8], number: u64, check: &[u8; 16]) -> Option<Parsed> {
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
    let within = covered > number * RUN_SEQS && covered <= (number + 1) * RUN_SEQS;
    if !within {
        return None;
    }
    let (fences, buckets) = body.split_at_checked(usize::try_from(FENCES_BYTES).ok()?)?;
    let fences: Vec<u32> =
        fences.as_chunks::<4>().0.iter().map(|fence| u32::from_be_bytes(*fence)).collect();
    if !fences.is_sorted() || fences.last() != Some(&u32::try_from(buckets.len()).ok()?) {
        return None;
    }
    let mut filter = Filter::new();
    let mut entries = 0_u32;
    for (bucket, pair) in fences.windows(2).enumerate() {
        let &[first, end] = pair else { continue };
        let range = usize::try_from(first).ok()?..usize::try_from(end).ok()?;
        let read = bucket::read_all(buckets.get(range)?, bucket, |kept, _| filter.insert(kept))?;
        entries = entries.checked_add(read)?;
    }
    (entries == count).then_some(Parsed { covered, entries, fences, filter })
}
