//! Idle work: small segments become one at a high level, and keys that no file needs go.

use std::path::Path;
use std::sync::Arc;

use chat::{Recorded, Seq};

use super::simulated::{Fault, SimulatedDisk};
use super::{Numbers, ports, read_all, still};
use crate::segment::LEVEL_SETTLED;
use crate::{Archive, Creation, Ports, SettleReport};

const HOME: &str = "/archive";

fn on(disk: &SimulatedDisk, seed: u64) -> Ports {
    Ports { disk: Arc::new(disk.clone()), ..ports(seed) }
}

/// Makes an archive of so many small segments on a simulated disk.
fn small_segments(disk: &SimulatedDisk, count: usize) -> (Arc<Archive>, Vec<Recorded>) {
    let home = Path::new(HOME);
    let archive = Archive::create(home, &Creation::default(), still(), on(disk, 1)).unwrap();
    let mut numbers = Numbers::default();
    let mut all = Vec::new();
    for _ in 0..count {
        let events = numbers.events(150);
        archive.append(events.clone()).unwrap().wait().unwrap();
        all.extend(events);
        archive.seal().unwrap();
    }
    (archive, all)
}

fn verified(archive: &Archive) {
    assert_eq!(archive.verify(None, &|_| {}).unwrap().findings, []);
}

#[test]
fn small_neighbours_become_one_at_a_high_level_and_read_as_before() {
    let disk = SimulatedDisk::new(1);
    let (archive, all) = small_segments(&disk, 5);
    let proof = |seq| archive.prove(Seq::new(seq).unwrap(), 750, &|_| false).unwrap();
    let before = [1, 150, 151, 400, 750].map(proof);
    let bytes = archive.state().sealed_bytes;
    let report = archive.settle().unwrap();
    assert_eq!((report.ranges, report.events, report.bytes_before), (5, 750, bytes));
    assert_eq!(report.bytes_after, archive.state().sealed_bytes);
    assert!(report.bytes_after < bytes);
    assert_eq!(archive.state().segments, 1);
    let ranges = archive.sealed().ranges();
    assert!(ranges[0].readers().all(|reader| reader.footer().level == LEVEL_SETTLED));
    assert_eq!([1, 150, 151, 400, 750].map(proof), before);
    assert_eq!(read_all(&archive).unwrap(), all);
    assert_eq!(archive.settle().unwrap(), SettleReport::default());
    verified(&archive);
    assert_eq!(archive.keys().count(), 2, "one for each file that is left");
    archive.close().unwrap();
    drop(archive);
    let archive = Archive::open(Path::new(HOME), still(), on(&disk, 2)).unwrap();
    assert_eq!(read_all(&archive).unwrap(), all);
    verified(&archive);
}

#[test]
fn what_is_settled_is_written_again_only_with_as_much_that_is_not() {
    let disk = SimulatedDisk::new(1);
    let (archive, _) = small_segments(&disk, 6);
    assert_eq!(archive.settle().unwrap().ranges, 6);
    let mut numbers = Numbers::of(&archive);
    let mut written = 0;
    for _ in 0..6 {
        archive.append(numbers.events(150)).unwrap().wait().unwrap();
        archive.seal().unwrap();
        loop {
            let report = archive.settle().unwrap();
            if report.ranges == 0 {
                break;
            }
            written += report.events;
        }
    }
    assert!(written <= 150 * 6 * 4, "{written} events were written again for {}", 150 * 6);
    verified(&archive);
}

#[test]
fn a_power_cut_at_any_call_of_settling_leaves_the_old_files_or_the_new() {
    for call in 1.. {
        let disk = SimulatedDisk::new(call);
        let (archive, all) = small_segments(&disk, 3);
        disk.fail_at(call, Fault::PowerCut);
        let settled = archive.settle();
        drop(archive);
        disk.cut_power();
        let archive = Archive::open(Path::new(HOME), still(), on(&disk, call)).unwrap();
        assert_eq!(read_all(&archive).unwrap(), all, "call {call}");
        verified(&archive);
        while archive.settle().unwrap().ranges > 0 {}
        assert_eq!(archive.state().segments, 1, "call {call}");
        assert_eq!(read_all(&archive).unwrap(), all, "call {call}");
        verified(&archive);
        assert_eq!(archive.keys().count(), 2, "call {call}");
        if settled.is_ok() {
            assert!(call > 40, "settling has more durable steps than {call}");
            return;
        }
    }
}

#[test]
fn a_sealed_journal_file_leaves_no_key() {
    let disk = SimulatedDisk::new(1);
    let (archive, _) = small_segments(&disk, 2);
    assert_eq!(archive.keys().count(), 4, "two files for each range");
    archive.append(Numbers::of(&archive).events(10)).unwrap().wait().unwrap();
    assert_eq!(archive.keys().count(), 5);
}

#[test]
fn a_power_cut_at_any_call_of_a_seal_leaves_every_event_and_in_the_end_no_journal_key() {
    for call in 1.. {
        let disk = SimulatedDisk::new(call);
        let (archive, mut all) = small_segments(&disk, 1);
        let events = Numbers::of(&archive).events(300);
        archive.append(events.clone()).unwrap().wait().unwrap();
        all.extend(events);
        disk.fail_at(call, Fault::PowerCut);
        let sealed = archive.seal();
        drop(archive);
        disk.cut_power();
        let archive = Archive::open(Path::new(HOME), still(), on(&disk, call)).unwrap();
        assert_eq!(read_all(&archive).unwrap(), all, "call {call}");
        archive.seal().unwrap();
        while archive.settle().unwrap().ranges > 0 {}
        verified(&archive);
        assert_eq!(archive.keys().count(), 2, "call {call}");
        if sealed.is_ok() {
            assert!(call > 60, "a seal has more durable steps than {call}");
            return;
        }
    }
}
