//! What recovery promises of the journal's bytes: torn tails are cut whole, damage in the middle stops, nothing is lost.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chat::{Family, Seq};

use super::simulated::{Fault, SimulatedDisk};
use super::{Numbers, ports, read_all, still};
use crate::{Archive, Creation, Error, Ports, Result};

/// An archive of three frames with 10, 5 and 3 events, closed as a crash would leave it: with no checkpoint.
struct Crashed {
    home: tempfile::TempDir,
    events: Vec<chat::Recorded>,
    bytes: Vec<u8>,
    /// Where the three frames begin, and where the last ends.
    frames: Vec<usize>,
}

const FILE_HEADER: usize = 64;
const FRAME_HEADER: usize = 32;

impl Crashed {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("archive");
        let made = Archive::create(&folder, &Creation::default(), still(), ports(1)).unwrap();
        let mut numbers = Numbers::default();
        let mut events = Vec::new();
        for count in [10, 5, 3] {
            let batch = numbers.events(count);
            made.append(batch.clone()).unwrap().wait().unwrap();
            events.extend(batch);
        }
        drop(made);
        let bytes = std::fs::read(journal(&folder)).unwrap();
        let mut frames = vec![FILE_HEADER];
        for _ in 0..3 {
            let start = *frames.last().unwrap();
            let length = u32::from_be_bytes(bytes[start + 24..start + 28].try_into().unwrap());
            frames.push(start + FRAME_HEADER + usize::try_from(length).unwrap());
        }
        Self { home, events, bytes, frames }
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("archive")
    }

    /// Puts other bytes in place of the journal and opens the archive.
    fn open_with(&self, bytes: &[u8]) -> Result<Arc<Archive>> {
        let folder = self.folder();
        for name in std::fs::read_dir(folder.join("journal")).unwrap() {
            std::fs::remove_file(name.unwrap().path()).unwrap();
        }
        let mut file = std::fs::File::create(journal(&folder)).unwrap();
        file.write_all(bytes).unwrap();
        Archive::open(&folder, still(), ports(2))
    }
}

fn journal(folder: &Path) -> PathBuf {
    folder.join("journal/00000001.journal")
}

#[test]
fn a_tail_torn_at_any_byte_of_the_last_frame_is_cut_whole() {
    let crashed = Crashed::new();
    let (start, end) = (crashed.frames[2], crashed.frames[3]);
    for torn in start..end {
        let mut bytes = crashed.bytes.clone();
        bytes[torn..].fill(0);
        let archive = crashed.open_with(&bytes).unwrap();
        assert_eq!(read_all(&archive).unwrap(), crashed.events[..15], "torn at {torn}");
        drop(archive);
        let archive = crashed.open_with(&crashed.bytes[..torn]).unwrap();
        assert_eq!(read_all(&archive).unwrap(), crashed.events[..15], "ends at {torn}");
    }
}

#[test]
fn a_hole_anywhere_in_the_last_frame_is_a_torn_tail_too() {
    let crashed = Crashed::new();
    for place in crashed.frames[2]..crashed.frames[3] {
        let mut bytes = crashed.bytes.clone();
        bytes[place] ^= 0x40;
        let archive = crashed.open_with(&bytes).unwrap();
        assert_eq!(read_all(&archive).unwrap(), crashed.events[..15], "byte {place}");
    }
}

#[test]
fn what_was_cut_off_is_appended_again_and_the_archive_opens_again() {
    let crashed = Crashed::new();
    let archive = crashed.open_with(&crashed.bytes[..crashed.frames[3] - 1]).unwrap();
    archive.append(crashed.events[15..].to_vec()).unwrap().wait().unwrap();
    drop(archive);
    let archive = Archive::open(&crashed.folder(), still(), ports(3)).unwrap();
    assert_eq!(read_all(&archive).unwrap(), crashed.events);
}

#[test]
fn a_byte_flipped_before_the_last_frame_stops_and_names_file_offset_and_events() {
    let crashed = Crashed::new();
    for place in FILE_HEADER..crashed.frames[2] {
        let mut bytes = crashed.bytes.clone();
        bytes[place] ^= 1;
        let error = crashed.open_with(&bytes).unwrap_err();
        assert_eq!(error.family(), Family::Corrupt, "byte {place}: {error}");
        let Error::FileCorrupt { path, offset, seqs, .. } = error else { panic!("byte {place}") };
        let (start, first, last) = if place < crashed.frames[1] {
            (FILE_HEADER, 1, 10)
        } else {
            (crashed.frames[1], 11, 15)
        };
        assert_eq!(usize::try_from(offset), Ok(start), "byte {place}");
        assert_eq!(seqs, Seq::new(first).zip(Seq::new(last)), "byte {place}");
        assert_eq!(path, journal(&crashed.folder()));
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "recovery changed what it refused");
    }
}

#[test]
fn a_byte_flipped_in_the_header_of_the_file_stops() {
    let crashed = Crashed::new();
    for place in 0..FILE_HEADER {
        let mut bytes = crashed.bytes.clone();
        bytes[place] ^= 1;
        let error = crashed.open_with(&bytes).unwrap_err();
        assert_eq!(error.family(), Family::Corrupt, "byte {place}: {error}");
    }
}

#[test]
fn frames_in_another_order_stop() {
    let crashed = Crashed::new();
    let [first, second, third, end] = crashed.frames[..] else { panic!("four places") };
    let frame = |from: usize, to: usize| &crashed.bytes[from..to];
    let header = frame(0, FILE_HEADER);
    let swapped = [header, frame(first, second), frame(third, end), frame(second, third)].concat();
    let twice = [header, frame(first, second), frame(first, second)].concat();
    for bytes in [swapped, twice] {
        assert_eq!(crashed.open_with(&bytes).unwrap_err().family(), Family::Corrupt);
    }
}

#[test]
fn a_log_never_ends_before_its_newest_checkpoint() {
    let crashed = Crashed::new();
    let archive = crashed.open_with(&crashed.bytes).unwrap();
    archive.checkpoint().unwrap();
    drop(archive);
    let torn = &crashed.bytes[..crashed.frames[3] - 1];
    let error = crashed.open_with(torn).unwrap_err();
    assert!(matches!(error, Error::LogShort { found: 15, signed: 18 }), "{error}");
    assert_eq!(std::fs::read(journal(&crashed.folder())).unwrap(), torn);
    assert!(crashed.open_with(&crashed.bytes).is_ok());
}

#[test]
fn a_file_without_an_event_is_removed_whatever_is_left_of_it() {
    let crashed = Crashed::new();
    for length in [0, 1, FILE_HEADER, 4096] {
        let archive = crashed.open_with(&crashed.bytes).unwrap();
        drop(archive);
        let second = crashed.folder().join("journal/00000002.journal");
        let mut file = std::fs::File::create(&second).unwrap();
        file.write_all(&crashed.bytes[..length.min(FILE_HEADER)]).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.write_all(&[0; 8][..length.min(8)]).unwrap();
        file.set_len(length.try_into().unwrap()).unwrap();
        let archive = Archive::open(&crashed.folder(), still(), ports(3)).unwrap();
        assert_eq!(archive.size(), 18);
        assert!(!second.try_exists().unwrap(), "{length}");
    }
}

#[test]
fn the_first_failed_sync_stops_the_writer_until_a_restart() {
    let disk = SimulatedDisk::new(1);
    let ports = || Ports { disk: Arc::new(disk.clone()), ..ports(1) };
    let folder = Path::new("/archive");
    let archive = Archive::create(folder, &Creation::default(), still(), ports()).unwrap();
    let mut numbers = Numbers::default();
    archive.append(numbers.events(5)).unwrap().wait().unwrap();
    // The calls of an append are: write, sync. The volume was asked for its free bytes at the one before.
    disk.fail_at(2, Fault::Io);
    let refused = archive.append(numbers.events(5)).unwrap().wait().unwrap_err();
    assert!(matches!(refused, Error::Stopped { .. }), "{refused}");
    assert_eq!(archive.size(), 5);
    let stopped = [
        archive.append(numbers.events(1)).err(),
        archive.read(Seq::FIRST).err(),
        archive.checkpoint().err(),
        archive.tail(Seq::FIRST).next_batch(1).err(),
    ];
    for error in stopped {
        let Some(Error::Stopped { reason }) = error else { panic!("{error:?}") };
        assert!(reason.contains("sync /archive/journal/00000001.journal"), "{reason}");
    }
    assert!(archive.state().failed.is_some());
    assert!(matches!(archive.close(), Err(Error::Stopped { .. })));
    drop(archive);
    disk.end_process();
    let archive = Archive::open(folder, still(), ports()).unwrap();
    assert!([5, 10].contains(&archive.size()));
}

#[test]
fn behind_a_large_frame_the_file_ends_and_behind_a_small_one_there_are_zeros() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("archive");
    let made = Archive::create(&folder, &Creation::default(), still(), ports(1)).unwrap();
    let mut numbers = Numbers::default();
    let mut events = Vec::new();
    let bytes = || std::fs::metadata(journal(&folder)).unwrap().len();
    for (count, has_zeros) in [(2_000, false), (3, true), (3_000, false), (2_000, false)] {
        let batch = numbers.events(count);
        made.append(batch.clone()).unwrap().wait().unwrap();
        events.extend(batch);
        let end = made.state().journal_bytes;
        assert_eq!(bytes() > end, has_zeros, "{} bytes, {end} written, {count} events", bytes());
    }
    drop(made);
    let opened = Archive::open(&folder, still(), ports(2)).unwrap();
    assert_eq!(read_all(&opened).unwrap(), events);
    assert_eq!(opened.state().findings, []);
}
