//! Claims about the abridged ledger: it says what the ledger says, and whatever becomes of it costs time alone.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use chat::testing::message;
use chat::{Act, EventKind, Recorded, Seq};

use super::{Numbers, ports, still};
use crate::abridged;
use crate::{Archive, Creation};

/// Returns so many events, of ten one a look of an officer and one a declaration of a room.
fn events(numbers: &mut Numbers, count: u64) -> Vec<Recorded> {
    let event = |number: u64| {
        let mut event = message(number, 1, 1, &format!("words of event {number}"));
        event.content.act = match number % 10 {
            3 => Some(Act::new("search").with("query", "words")),
            7 => Some(Act::new("room-declared").with("name", format!("room {number}"))),
            _ => return event,
        };
        event.kind = if number % 10 == 3 { EventKind::Officer } else { EventKind::Room };
        event.place = None;
        event
    };
    (0..count).map(|number| numbers.record(event(number))).collect()
}

fn opened(folder: &Path, seed: u64) -> Arc<Archive> {
    Archive::open(folder, still(), ports(seed)).unwrap()
}

fn told(archive: &Arc<Archive>) -> Vec<Recorded> {
    let mut ledger = archive.ledger_abridged();
    let mut all = Vec::new();
    loop {
        let batch = ledger.next_batch(100).unwrap();
        if batch.is_empty() {
            return all;
        }
        all.extend(batch.into_iter().filter(abridged::may_tell));
    }
}

fn whole(archive: &Arc<Archive>) -> Vec<Recorded> {
    let mut ledger = archive.ledger(Seq::FIRST);
    let all = std::iter::from_fn(|| {
        Some(ledger.next_batch(1_000).unwrap()).filter(|batch| !batch.is_empty())
    });
    all.flatten().filter(abridged::may_tell).collect()
}

fn put(path: &Path, bytes: &[u8]) {
    crate::durable::write(&crate::disk::LocalDisk, path, bytes).unwrap();
}

fn append(archive: &Arc<Archive>, count: u64) {
    let batch = events(&mut Numbers::of(archive), count);
    archive.append(batch).unwrap().wait().unwrap();
}

#[test]
fn it_says_what_the_ledger_says_sealed_or_not_and_leaves_looks_out() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("a");
    let archive = Archive::create(&home, &Creation::default(), still(), ports(1)).unwrap();
    append(&archive, 3_000);
    archive.seal().unwrap();
    append(&archive, 500);
    archive.abridging.renew().unwrap();
    append(&archive, 700);
    let stored = archive.abridging.read().unwrap();
    assert_eq!((stored.size, stored.count()), (3_500, 350));
    assert_eq!(told(&archive), whole(&archive));
    archive.abridging.renew().unwrap();
    assert_eq!(archive.abridging.read().unwrap().count(), 420);
    assert!(archive.verify(None, &|_| {}).unwrap().is_ok());
    archive.close().unwrap();
    let archive = opened(&home, 2);
    assert_eq!(archive.abridging.read().unwrap().size, 4_200);
    assert_eq!(told(&archive), whole(&archive));
    // Idle work that drops unused keys must not drop the one that opens it.
    archive.seal().unwrap();
    while archive.settle().unwrap().ranges > 0 {}
    assert_eq!(archive.abridging.read().unwrap().size, 4_200);
}

#[test]
fn deleted_damaged_cut_or_of_another_log_it_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (home, other) = (folder.path().join("a"), folder.path().join("b"));
    for (home, seed, count) in [(&home, 1, 900), (&other, 5, 800)] {
        let archive = Archive::create(home, &Creation::default(), still(), ports(seed)).unwrap();
        append(&archive, count);
        archive.abridging.renew().unwrap();
        archive.close().unwrap();
    }
    let path = abridged::path(&home);
    let bytes = fs::read(&path).unwrap();
    let foreign = fs::read(abridged::path(&other)).unwrap();
    let mut variants = vec![Vec::new(), foreign, bytes[..bytes.len() - 1].to_vec()];
    for place in (0..bytes.len()).step_by(bytes.len() / 40) {
        let mut flipped = bytes.clone();
        flipped[place] ^= 4;
        variants.push(flipped);
        variants.push(bytes[..place].to_vec());
    }
    for (number, variant) in variants.iter().enumerate() {
        put(&path, variant);
        let archive = opened(&home, 10);
        assert!(archive.abridging.read().is_none(), "variant {number}");
        assert_eq!(told(&archive), whole(&archive), "variant {number}");
        archive.close().unwrap();
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(told(&opened(&home, 10)).len(), 90);
}

#[test]
fn one_that_is_ahead_of_the_log_or_of_another_past_is_passed_over_and_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("a");
    let archive = Archive::create(&home, &Creation::default(), still(), ports(1)).unwrap();
    append(&archive, 300);
    let path = abridged::path(&home);
    let write = |change: &dyn Fn(&mut abridged::Abridged)| {
        let mut abridged = archive.abridging.remake(300).unwrap();
        change(&mut abridged);
        let mut sealer = archive.keys().new_file().unwrap();
        put(&path, &abridged.encode(archive.id(), &mut sealer));
    };
    write(&|_| {});
    assert!(archive.abridging.read().is_some());
    write(&|abridged| abridged.size = 301);
    assert!(archive.abridging.read().is_none());
    write(&|abridged| abridged.root = [7; 32]);
    assert!(archive.abridging.read().is_none());
    archive.abridging.renew().unwrap();
    assert_eq!(archive.abridging.read().unwrap().size, 300);
    assert!(archive.verify(None, &|_| {}).unwrap().is_ok());
    // Whoever has the keys may write one that lies; the ledger tells.
    write(&|abridged| {
        let mut liar = abridged::Abridged::default();
        (liar.size, liar.root) = (abridged.size, abridged.root);
        *abridged = liar;
    });
    let report = archive.verify(None, &|_| {}).unwrap();
    assert_eq!(report.findings.len(), 1);
    assert!(report.findings[0].what.contains("does not say what the ledger says"));
}
