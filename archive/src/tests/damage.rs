//! Damage never keeps an archive shut: it is told, what it hides answers corrupt, everything else works and the log goes on.

use std::path::Path;
use std::sync::Arc;

use chat::{Family, Lane, Recorded, Seq};

use super::simulated::{Fault, SimulatedDisk};
use super::{Numbers, files, ports, read_all, still};
use crate::segment::SegmentName;
use crate::{Archive, Creation, Error, FindingKind, Ports, Settings};

/// Makes an archive of three segments, 300 events each, and 50 unsealed events; returns all events.
fn closed(home: &Path) -> Vec<Recorded> {
    let archive = Archive::create(home, &Creation::default(), still(), ports(3)).unwrap();
    let mut numbers = Numbers::default();
    let mut all = Vec::new();
    for count in [300, 300, 300, 50] {
        let events = numbers.events(count);
        archive.append(events.clone()).unwrap().wait().unwrap();
        all.extend(events);
        if count == 300 {
            archive.seal().unwrap();
        }
    }
    archive.catch_up_catalog().unwrap();
    archive.close().unwrap();
    all
}

/// Changes one byte, so far from the end, in a new file of the same name.
fn flip(path: &Path, from_end: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    let place = bytes.len() - from_end;
    bytes[place] ^= 0x10;
    std::fs::remove_file(path).unwrap();
    crate::durable::write(&crate::disk::LocalDisk, path, &bytes).unwrap();
}

/// Appends to every room and seals; returns what was appended.
fn go_on(archive: &Arc<Archive>) -> Vec<Recorded> {
    let more = Numbers::of(archive).events(40);
    archive.append(more.clone()).unwrap().wait().unwrap();
    archive.seal().unwrap();
    for event in &more {
        assert_eq!(archive.read(event.seq).unwrap().as_ref(), Some(event));
    }
    more
}

#[test]
fn a_damaged_or_lost_segment_is_told_with_its_events_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("sound");
    let all = closed(&sound);
    for path in files(&sound.join("segments")) {
        for is_lost in [false, true] {
            let home = folder.path().join("damaged");
            copy(&sound, &home);
            let name = path.file_name().unwrap().to_str().unwrap();
            let damaged = home.join("segments").join(name);
            if is_lost {
                std::fs::remove_file(&damaged).unwrap();
            } else {
                flip(&damaged, 60);
            }
            let name = SegmentName::parse(name).unwrap();
            let archive = Archive::open(&home, still(), ports(4)).unwrap();
            let known = archive.state().findings;
            assert_eq!(known.len(), 1, "{name}: {known:?}");
            assert_eq!(
                (known[0].kind, known[0].seqs),
                (FindingKind::File, Some((name.first, name.last)))
            );
            let found = archive.verify(None, &|_| {}).unwrap().findings;
            assert!(found.contains(&known[0]), "{name}: {found:?}");
            let mut errors = 0;
            for event in &all {
                match archive.read(event.seq) {
                    Ok(read) => assert_eq!(read.as_ref(), Some(event), "{name}"),
                    Err(error) => {
                        errors += 1;
                        assert_eq!(error.family(), Family::Corrupt, "{name}: {error}");
                        assert!((name.first..=name.last).contains(&event.seq));
                        assert_eq!(event.lane(), name.lane);
                    }
                }
            }
            assert_eq!(errors, if name.lane == Lane::Talk { 240 } else { 60 }, "{name}");
            let more = go_on(&archive);
            archive.close().unwrap();
            drop(archive);
            // Nothing that was appended meanwhile stands in a wrong place: with the file back, all is well.
            std::fs::copy(&path, &damaged).unwrap();
            let archive = Archive::open(&home, still(), ports(5)).unwrap();
            assert_eq!(archive.verify(None, &|_| {}).unwrap().findings, [], "{name}");
            assert_eq!(archive.state().findings, []);
            assert_eq!(read_all(&archive).unwrap(), [all.clone(), more].concat());
            drop(archive);
            std::fs::remove_dir_all(&home).unwrap();
        }
    }
}

#[test]
fn the_last_segment_may_be_lost_whole() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("a");
    let all = closed(&home);
    for lane in ["talk", "ledger"] {
        std::fs::remove_file(home.join(format!("segments/601-900-0.{lane}"))).unwrap();
    }
    let archive = Archive::open(&home, still(), ports(4)).unwrap();
    let lost = (Seq::new(601).unwrap(), Seq::new(900).unwrap());
    assert!(archive.state().findings.iter().all(|finding| finding.seqs == Some(lost)));
    assert_eq!(archive.read(Seq::new(600).unwrap()).unwrap().as_ref(), Some(&all[599]));
    assert_eq!(archive.read(Seq::new(901).unwrap()).unwrap().as_ref(), Some(&all[900]));
    assert!(archive.read(lost.0).is_err());
    go_on(&archive);
}

#[test]
fn where_no_one_can_tell_a_rooms_place_nothing_is_appended_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("a");
    let all = closed(&home);
    flip(&home.join("segments/301-600-0.talk"), 60);
    flip(&home.join("places"), 9);
    let archive = Archive::open(&home, still(), ports(4)).unwrap();
    assert_eq!(archive.state().findings.len(), 2);
    let mut numbers = Numbers::of(&archive);
    let event = numbers.events(1);
    assert!(matches!(archive.append(event), Err(Error::PlacesUnknown { .. })));
    let mut act = all[4].clone();
    act.seq = Seq::new(951).unwrap();
    archive.append(vec![act]).unwrap().wait().unwrap();
    assert_eq!(archive.read(Seq::new(900).unwrap()).unwrap().as_ref(), Some(&all[899]));
}

#[test]
fn damage_of_what_is_derived_or_can_be_done_without_is_told_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("sound");
    let all = closed(&sound);
    let mut damaged = files(&sound.join("tree"));
    damaged.push(sound.join("places"));
    damaged.push(sound.join("catalog.sqlite"));
    damaged.push(sound.join("checkpoints/00000000000000000950.note"));
    for path in damaged {
        let home = folder.path().join("damaged");
        copy(&sound, &home);
        let path = home.join(path.strip_prefix(&sound).unwrap());
        let length = std::fs::metadata(&path).unwrap().len();
        flip(&path, usize::try_from(length).unwrap() - 9);
        let archive = Archive::open(&home, still(), ports(4)).unwrap();
        let found = archive.verify(None, &|_| {}).unwrap().findings;
        assert!(!found.is_empty(), "{}", path.display());
        let more = go_on(&archive);
        archive.close().unwrap();
        assert_eq!(archive.newest_checkpoint().unwrap().checkpoint.size, 990);
        assert_eq!(read_all(&archive).unwrap(), [all.clone(), more].concat(), "{}", path.display());
        drop(archive);
        std::fs::remove_dir_all(&home).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    for path in files(from) {
        let copy = to.join(path.strip_prefix(from).unwrap());
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::copy(&path, copy).unwrap();
    }
}

#[test]
fn a_seal_that_fails_is_told_and_tried_again_and_nothing_is_lost() {
    for calls in 1.. {
        let disk = SimulatedDisk::new(calls);
        let ports = || Ports { disk: Arc::new(disk.clone()), ..ports(calls) };
        let home = Path::new("/archive");
        let mut archive = Archive::create(home, &Creation::default(), still(), ports()).unwrap();
        let events = Numbers::default().events(400);
        archive.append(events.clone()).unwrap().wait().unwrap();
        let fault = if calls % 2 == 0 { Fault::Full } else { Fault::Io };
        disk.fail_at(calls, fault);
        let sealed = archive.seal();
        disk.heal();
        let state = archive.state();
        if state.failed.is_some() {
            // Nobody knew what was durable: a restart does.
            drop(archive);
            disk.end_process();
            archive = Archive::open(home, still(), ports()).unwrap();
        } else if sealed.is_err() && state.journal_bytes > 0 {
            assert!(state.sealing_fault.is_some(), "call {calls}");
            assert_eq!(read_all(&archive).unwrap(), events, "call {calls}");
        }
        archive.seal().unwrap();
        let state = archive.state();
        assert_eq!((state.sealing_fault, state.segments), (None, 1), "call {calls}");
        assert_eq!(read_all(&archive).unwrap(), events, "call {calls}");
        assert_eq!(archive.verify(None, &|_| {}).unwrap().findings, [], "call {calls}");
        if sealed.is_ok() && calls > 60 {
            return;
        }
    }
}

#[test]
fn while_sealing_fails_content_is_refused_before_memory_grows_without_bound() {
    let folder = tempfile::tempdir().unwrap();
    let seal_bytes = 64 << 10;
    let settings = Settings { seal_bytes, ..still() };
    let home = folder.path().join("a");
    let archive = Archive::create(&home, &Creation::default(), settings, ports(1)).unwrap();
    let mut numbers = Numbers::default();
    *archive.sealing.fault.lock() = Some("the disk is full".to_owned());
    let refused = (0..100)
        .find_map(|_| archive.append(numbers.events(200)).and_then(crate::Pending::wait).err());
    let Some(Error::SealingFails { waiting_bytes, .. }) = refused else { panic!("{refused:?}") };
    assert!(waiting_bytes < 7 * seal_bytes, "{waiting_bytes}");
    archive.seal().unwrap();
    archive.append(Numbers::of(&archive).events(200)).unwrap().wait().unwrap();
}
