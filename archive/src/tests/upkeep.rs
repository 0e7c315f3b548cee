//! What runs by itself: sealing that keeps memory bounded, and checkpoints that keep what is signed near what is durable.

use std::sync::Arc;

use chat::testing::FixedClock;
use chat::{Seq, Timestamp};

use super::{Numbers, ports, read_all, still};
use crate::{Archive, Creation, Ports, Settings};

const SEAL_BYTES: u64 = 128 << 10;

#[test]
fn a_long_import_is_sealed_as_it_comes_and_read_while_it_is() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("archive");
    let settings = Settings { seal_bytes: SEAL_BYTES, runs_upkeep: true, ..still() };
    let archive =
        Archive::create(&folder, &Creation::default(), settings.clone(), ports(1)).unwrap();
    let mut numbers = Numbers::default();
    let mut all = Vec::new();
    let mut tail = archive.tail(Seq::FIRST);
    let mut followed = Vec::new();
    for _ in 0..40 {
        let events = numbers.events(200);
        archive.append(events.clone()).unwrap().wait().unwrap();
        all.extend(events);
        let journal_bytes = archive.state().journal_bytes;
        assert!(journal_bytes <= 5 * SEAL_BYTES, "{journal_bytes} bytes wait to be sealed");
        followed.extend(tail.next_batch(1000).unwrap());
    }
    loop {
        let batch = tail.next_batch(1000).unwrap();
        if batch.is_empty() {
            break;
        }
        followed.extend(batch);
    }
    assert_eq!(followed, all);
    assert!(archive.state().segments > 0);
    archive.close().unwrap();
    assert_eq!(archive.newest_checkpoint().unwrap().checkpoint.size, 8_000);
    drop(archive);
    let archive = Archive::open(&folder, settings, ports(2)).unwrap();
    assert_eq!(read_all(&archive).unwrap(), all);
}

#[test]
fn many_short_runs_leave_few_files() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("archive");
    let settings = Settings { runs_upkeep: true, ..still() };
    let mut archive =
        Archive::create(&folder, &Creation::default(), settings.clone(), ports(1)).unwrap();
    let mut numbers = Numbers::default();
    let mut all = Vec::new();
    for run in 0..50 {
        let events = numbers.events(1);
        archive.append(events.clone()).unwrap().wait().unwrap();
        all.extend(events);
        archive.close().unwrap();
        drop(archive);
        archive = Archive::open(&folder, settings.clone(), ports(2 + run)).unwrap();
    }
    let files = std::fs::read_dir(folder.join("journal")).unwrap().count();
    assert!(files <= 16, "{files} journal files");
    assert!(archive.state().segments >= 3);
    assert_eq!(read_all(&archive).unwrap(), all);
    assert!(archive.verify(None, &|_| ()).unwrap().is_ok());
}

const HOUR_MICROS: i64 = 3_600 * 1_000_000;

/// An archive in which nothing happens by itself, and the clock that it goes by.
fn clocked(folder: &std::path::Path) -> (Arc<Archive>, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::at(Timestamp::from_micros(1_700_000_000_000_000)));
    let ports = Ports { clock: Arc::<FixedClock>::clone(&clock), ..ports(1) };
    let archive = Archive::create(folder, &Creation::default(), still(), ports).unwrap();
    (archive, clock)
}

#[test]
fn a_journal_is_sealed_after_a_day_however_small_and_when_the_clock_was_set_back() {
    let home = tempfile::tempdir().unwrap();
    let (archive, clock) = clocked(&home.path().join("a"));
    archive.append(Numbers::default().events(3)).unwrap().wait().unwrap();
    assert_eq!(archive.upkeep().unwrap().events, 0);
    clock.advance_micros(23 * HOUR_MICROS);
    assert_eq!(archive.upkeep().unwrap().events, 0);
    clock.advance_micros(HOUR_MICROS);
    assert_eq!(archive.upkeep().unwrap().events, 3);
    assert_eq!(archive.upkeep().unwrap().events, 0);
    archive.append(Numbers::of(&archive).events(4)).unwrap().wait().unwrap();
    assert_eq!(archive.upkeep().unwrap().events, 0);
    clock.advance_micros(-365 * 24 * HOUR_MICROS);
    assert_eq!(archive.upkeep().unwrap().events, 4);
    assert_eq!(archive.state().segments, 2);
}

#[test]
fn a_checkpoint_is_signed_after_a_minute_or_ten_thousand_events_and_only_for_something_new() {
    let home = tempfile::tempdir().unwrap();
    let (archive, clock) = clocked(&home.path().join("a"));
    let signed = || archive.newest_checkpoint().map_or(0, |newest| newest.checkpoint.size);
    let upkeep = || archive.upkeep().unwrap();
    clock.advance_micros(HOUR_MICROS);
    upkeep();
    assert_eq!(signed(), 0, "nothing is new");
    archive.append(Numbers::default().events(5)).unwrap().wait().unwrap();
    upkeep();
    assert_eq!(signed(), 5, "more than a minute has passed");
    archive.append(Numbers::of(&archive).events(5)).unwrap().wait().unwrap();
    clock.advance_micros(30 * 1_000_000);
    upkeep();
    assert_eq!(signed(), 5, "half a minute has passed");
    clock.advance_micros(30 * 1_000_000);
    upkeep();
    assert_eq!(signed(), 10);
    archive.append(Numbers::of(&archive).events(9_999)).unwrap().wait().unwrap();
    upkeep();
    assert_eq!(signed(), 10);
    archive.append(Numbers::of(&archive).events(1)).unwrap().wait().unwrap();
    upkeep();
    assert_eq!(signed(), 10_010);
    archive.append(Numbers::of(&archive).events(1)).unwrap().wait().unwrap();
    clock.advance_micros(-HOUR_MICROS);
    upkeep();
    assert_eq!(signed(), 10_011, "the clock was set back");
}
