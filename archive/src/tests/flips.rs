//! Every change of a stored byte is found, or provably changes nothing (reliability.md T6): one bit of each byte, cut files, swapped
//! blocks and files, and old files put back, over every kind of file that an archive has.
//!
//! 2,000 flips are drawn unless `MUNIMENT_FLIPS` says how many; `all` takes every byte, and `MUNIMENT_SHARE` a part of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chat::testing::{SeededRng, share_of};
use chat::{Attachment, Custody, FileId, Recorded};

use super::simulated::{SimulatedDisk, below};
use super::{Numbers, ports, read_all, still};
use crate::proof::Digest;
use crate::{Archive, Creation, Ports};

const FLIPS: usize = 2_000;
/// Of each file at least so many bytes are taken.
const FLIPS_OF_A_FILE: usize = 12;
const HOME: &str = "/archive";
const BLOCK_BYTES: usize = 4096;

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// An archive of every kind of file, closed, and what it holds.
struct Sound {
    files: Files,
    /// The same files at an earlier time.
    earlier: Files,
    events: Vec<Recorded>,
    blobs: Vec<(FileId, Vec<u8>)>,
    head: (u64, Digest),
    /// A checkpoint that someone else has kept.
    kept: String,
}

fn on(disk: &SimulatedDisk) -> Ports {
    Ports { disk: Arc::new(disk.clone()), ..ports(8) }
}

fn sound() -> Sound {
    let disk = SimulatedDisk::new(1);
    let archive =
        Archive::create(Path::new(HOME), &Creation::default(), still(), on(&disk)).unwrap();
    let rng = SeededRng::new(5);
    let contents = [900_usize, 40_000, 900_000]
        .map(|bytes| (0..bytes).map(|_| rng.next().to_be_bytes()[0]).collect::<Vec<u8>>());
    let blobs =
        contents.map(|bytes| (archive.keep_file(&mut bytes.as_slice()).unwrap().file, bytes));
    let mut numbers = Numbers::default();
    let mut append = |count: u64, file: Option<&(FileId, Vec<u8>)>| {
        let mut events = numbers.events(count);
        if let Some((file, bytes)) = file {
            events[0].event.content.attachments.push(Attachment {
                name: "a file".to_owned(),
                media_type: None,
                address: None,
                custody: Custody::Held { file: *file, bytes: bytes.len().try_into().unwrap() },
            });
        }
        archive.append(events).unwrap().wait().unwrap();
    };
    for file in &blobs {
        append(200, Some(file));
        archive.seal().unwrap();
    }
    archive.settle().unwrap();
    append(300, None);
    archive.seal().unwrap();
    append(20, None);
    archive.checkpoint().unwrap();
    let earlier = disk.files();
    append(150, None);
    archive.seal().unwrap();
    append(30, None);
    append(40, None);
    let kept = archive.checkpoint().unwrap().note;
    archive.close().unwrap();
    let (events, head) = (read_all(&archive).unwrap(), archive.head());
    drop(archive);
    Sound { files: disk.files(), earlier, events, blobs: blobs.into(), head, kept }
}

/// What became of a change.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Found,
    /// Nothing was found, and everything that the archive holds is as it was.
    Unchanged,
    /// Nothing was found, and something is not as it was.
    Missed,
}

impl Sound {
    fn outcome(&self, files: Files) -> Outcome {
        let disk = SimulatedDisk::holding(files);
        let Ok(archive) = Archive::open(Path::new(HOME), still(), on(&disk)) else {
            return Outcome::Found;
        };
        let Ok(report) = archive.verify(Some(&self.kept), &|_| {}) else { return Outcome::Found };
        if !report.is_ok() || !archive.state().findings.is_empty() {
            return Outcome::Found;
        }
        let is_blob_same = |(file, bytes): &(FileId, Vec<u8>)| {
            let mut found = Vec::new();
            let content = archive.file(file).unwrap();
            content.is_some_and(|mut content| {
                content.read_to_end(&mut found).is_ok() && found == *bytes
            })
        };
        let is_same = archive.head() == self.head
            && read_all(&archive).unwrap() == self.events
            && self.blobs.iter().all(is_blob_same);
        if is_same { Outcome::Unchanged } else { Outcome::Missed }
    }

    /// Judges a change of one file. What is not found must be one of the places that hold nothing.
    fn judge(&self, path: &Path, bytes: Vec<u8>, change: &str) {
        let mut files = self.files.clone();
        files.insert(path.to_owned(), bytes);
        let outcome = self.outcome(files);
        let is_harmless = outcome == Outcome::Unchanged && self.holds_nothing(path, change);
        let place = format!("{} {change}: {outcome:?}", path.display());
        assert!(outcome == Outcome::Found || is_harmless, "{place}");
    }

    /// The list of what is provably harmless: zeros behind the last frame of the journal, which a start cuts off; and files that follow
    /// from others, of which an older or missing one is made again at the start.
    fn holds_nothing(&self, path: &Path, change: &str) -> bool {
        let name = path.strip_prefix(HOME).unwrap().to_str().unwrap();
        let is_whole_file = change.starts_with("replaced") || change.starts_with("cut");
        let place: usize = change.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
        let bytes = &self.files[path];
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        (name.starts_with("journal/") && place >= end)
            || (is_whole_file && (name == "places" || name.starts_with("tree/")))
            || name == "lock"
    }
}

/// Runs a check of each on two threads.
fn each<T: Sync>(items: &[T], check: impl Fn(&T) + Sync) {
    let (first, second) = items.split_at(items.len() / 2);
    std::thread::scope(|threads| {
        threads.spawn(|| first.iter().for_each(&check));
        second.iter().for_each(&check);
    });
}

#[test]
fn a_flipped_bit_of_any_byte_is_found_or_changes_nothing() {
    let sound = sound();
    let total: usize = sound.files.values().map(Vec::len).sum();
    let asked = std::env::var("MUNIMENT_FLIPS").unwrap_or_default();
    let flips = if asked == "all" { total } else { asked.parse().unwrap_or(FLIPS) };
    let rng = SeededRng::new(17);
    let mut places = Vec::new();
    for (path, bytes) in &sound.files {
        let count = (bytes.len() * flips / total).max(FLIPS_OF_A_FILE).min(bytes.len());
        for number in 0..count {
            // Spread over the file, each somewhere within its share of it.
            let (start, end) = (number * bytes.len() / count, (number + 1) * bytes.len() / count);
            places.push((path, start + below(&rng, end - start), below(&rng, 8)));
        }
    }
    each(&share_of(places, std::env::var("MUNIMENT_SHARE").ok()), |(path, place, bit)| {
        let mut bytes = sound.files[*path].clone();
        bytes[*place] ^= 1 << bit;
        sound.judge(path, bytes, &format!("bit {bit} of byte {place}"));
    });
}

#[test]
fn a_cut_file_swapped_blocks_and_swapped_files_are_found() {
    let sound = sound();
    let paths: Vec<&PathBuf> = sound.files.keys().collect();
    each(&paths, |path| {
        let bytes = &sound.files[*path];
        for length in [0, bytes.len() / 3, bytes.len() / 2, bytes.len().saturating_sub(1)] {
            if length < bytes.len() {
                sound.judge(path, bytes[..length].to_vec(), &format!("cut to {length}"));
            }
        }
        for block in 1..(bytes.len() / BLOCK_BYTES).min(4) {
            let mut swapped = bytes.clone();
            let (first, second) = swapped.split_at_mut(block * BLOCK_BYTES);
            first[..BLOCK_BYTES].swap_with_slice(&mut second[..BLOCK_BYTES]);
            if swapped != *bytes {
                sound.judge(path, swapped, &format!("with block {block} in place of 0"));
            }
        }
        for other in paths.iter().filter(|other| other.parent() == path.parent()) {
            if sound.files[*other] != *bytes {
                let change = format!("replaced by {}", other.display());
                sound.judge(path, sound.files[*other].clone(), &change);
            }
        }
    });
}

#[test]
fn an_old_file_put_back_and_a_file_that_is_gone_are_found_or_change_nothing() {
    let sound = sound();
    for (path, old) in &sound.earlier {
        if sound.files.get(path).is_some_and(|now| now != old) {
            sound.judge(path, old.clone(), "replaced by an older one");
        }
    }
    for path in sound.files.keys() {
        let mut files = sound.files.clone();
        files.remove(path);
        let outcome = sound.outcome(files);
        let name = path.strip_prefix(HOME).unwrap().to_str().unwrap();
        let derived = name == "places" || name.starts_with("tree/") || name == "lock";
        // An older checkpoint is not needed; the one that someone else kept tells of the newest.
        let is_spare = derived || name.starts_with("checkpoints/");
        assert!(
            outcome == Outcome::Found || outcome == Outcome::Unchanged && is_spare,
            "{name} is gone: {outcome:?}"
        );
    }
    assert_ne!(sound.outcome(sound.earlier.clone()), Outcome::Unchanged, "the whole rolled back");
}
