//! Claims about sealing through the facade: nobody can tell whether an event is sealed, but by the bytes it takes.

use chat::{Lane, Seq};

use super::{Numbers, ports, read_all, still};
use crate::{Archive, Creation};

#[test]
fn sealed_and_unsealed_events_are_read_alike() {
    let folder = tempfile::tempdir().unwrap();
    let archive =
        Archive::create(&folder.path().join("a"), &Creation::default(), still(), ports(1)).unwrap();
    let mut numbers = Numbers::default();
    let mut all = Vec::new();
    for _ in 0..3 {
        let events = numbers.events(700);
        all.extend(events.clone());
        archive.append(events).unwrap().wait().unwrap();
        let report = archive.seal().unwrap();
        assert_eq!((report.segments, report.events), (1, 700));
        assert_eq!(archive.state().journal_bytes, 0);
    }
    let events = numbers.events(50);
    all.extend(events.clone());
    archive.append(events).unwrap().wait().unwrap();

    assert_eq!(read_all(&archive).unwrap(), all);
    let seqs: Vec<_> =
        [2_150, 1, 2_101, 2_100, 700, 701, 2_151, 5].map(|n| Seq::new(n).unwrap()).into();
    let expected: Vec<_> =
        seqs.iter().map(|seq| all.iter().find(|event| event.seq == *seq).cloned()).collect();
    assert_eq!(archive.read_many(&seqs).unwrap(), expected);
    for (seq, event) in seqs.iter().zip(expected) {
        assert_eq!(archive.read(*seq).unwrap(), event);
    }
    let mut ledger = archive.ledger(Seq::FIRST);
    let mut acts = Vec::new();
    loop {
        let batch = ledger.next_batch(333).unwrap();
        if batch.is_empty() {
            break;
        }
        acts.extend(batch);
    }
    let expected: Vec<_> = all.into_iter().filter(|event| event.lane() == Lane::Ledger).collect();
    assert_eq!(acts, expected);
    let state = archive.state();
    assert_eq!((state.events, state.segments), (2_150, 3));
    assert!(state.sealed_bytes > 0 && state.raw_bytes > state.sealed_bytes);
    archive.close().unwrap();
}

#[test]
fn an_archive_goes_on_from_its_segments() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let mut archive = Archive::create(&path, &Creation::default(), still(), ports(2)).unwrap();
    let mut all = Vec::new();
    for round in 0..6_u64 {
        let mut numbers = Numbers::of(&archive);
        let events = numbers.events(300);
        all.extend(events.clone());
        archive.append(events).unwrap().wait().unwrap();
        if round % 2 == 0 {
            archive.seal().unwrap();
        }
        let checkpoint = archive.checkpoint().unwrap();
        archive.close().unwrap();
        drop(archive);
        archive = Archive::open(&path, still(), ports(100 + round)).unwrap();
        assert_eq!(archive.newest_checkpoint().unwrap().checkpoint, checkpoint.checkpoint);
        assert_eq!(archive.checkpoint().unwrap().checkpoint.root, checkpoint.checkpoint.root);
        assert_eq!(read_all(&archive).unwrap(), all);
    }
    // Files that a restart has completed early are sealed together.
    let report = archive.seal().unwrap();
    assert_eq!((report.segments, report.events), (1, 300));
    assert_eq!(archive.state().segments, 4);
    archive.close().unwrap();
}

#[test]
fn sealing_nothing_does_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let archive =
        Archive::create(&folder.path().join("a"), &Creation::default(), still(), ports(3)).unwrap();
    assert_eq!(archive.seal().unwrap(), crate::SealReport::default());
    archive.close().unwrap();
}

#[test]
fn proofs_are_the_same_before_and_after_sealing() {
    let folder = tempfile::tempdir().unwrap();
    let archive =
        Archive::create(&folder.path().join("a"), &Creation::default(), still(), ports(6)).unwrap();
    archive.append(Numbers::default().events(900)).unwrap().wait().unwrap();
    let prove = |seq| archive.prove(Seq::new(seq).unwrap(), 900, &|_| false).unwrap();
    let seqs = [1, 5, 256, 257, 899, 900];
    let before: Vec<_> = seqs.map(prove).into();
    archive.seal().unwrap();
    assert_eq!(Vec::from(seqs.map(prove)), before);
    archive.close().unwrap();
}
