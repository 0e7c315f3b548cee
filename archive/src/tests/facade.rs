//! What the facade promises, on a real folder.

use std::path::Path;
use std::time::Duration;

use chat::{Family, Lane, Seq};

use super::{Numbers, ports, read_all, still};
use crate::{Archive, Creation, Error, Settings};

fn make(folder: &Path) -> std::sync::Arc<Archive> {
    Archive::create(folder, &Creation::default(), still(), ports(1)).unwrap()
}

#[test]
fn what_was_acknowledged_is_read_again_after_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("archive");
    let mut numbers = Numbers::default();
    let mut kept = Vec::new();
    let archive = make(&folder);
    for count in [1, 300, 1, 2_000, 40] {
        let events = numbers.events(count);
        let leaves = archive.append(events.clone()).unwrap().wait().unwrap();
        assert_eq!(leaves.len(), events.len());
        kept.extend(events);
    }
    assert_eq!(read_all(&archive).unwrap(), kept);
    let signed = archive.checkpoint().unwrap();
    archive.close().unwrap();
    drop(archive);

    let archive = Archive::open(&folder, still(), ports(2)).unwrap();
    assert_eq!(archive.size(), 2_342);
    assert_eq!(read_all(&archive).unwrap(), kept);
    assert_eq!(archive.places(), numbers.places);
    assert_eq!(archive.checkpoint().unwrap(), signed);
    let events = numbers.events(3);
    archive.append(events.clone()).unwrap().wait().unwrap();
    assert_eq!(archive.read(events[2].seq).unwrap(), Some(events[2].clone()));
    assert_eq!(archive.read(Seq::new(9_999).unwrap()).unwrap(), None);
}

#[test]
fn an_archive_that_is_wholly_sealed_opens_where_a_copy_left_its_empty_journal_folder_out() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("archive");
    let mut numbers = Numbers::default();
    let archive = make(&folder);
    let mut kept = numbers.events(500);
    archive.append(kept.clone()).unwrap().wait().unwrap();
    archive.seal().unwrap();
    archive.close().unwrap();
    drop(archive);
    std::fs::remove_dir(folder.join("journal")).expect("nothing lies in it");
    let archive = Archive::open(&folder, still(), ports(2)).unwrap();
    assert_eq!(read_all(&archive).unwrap(), kept);
    let more = numbers.events(3);
    archive.append(more.clone()).unwrap().wait().unwrap();
    kept.extend(more);
    archive.close().unwrap();
    drop(archive);
    let archive = Archive::open(&folder, still(), ports(3)).unwrap();
    assert_eq!(read_all(&archive).unwrap(), kept);
    assert!(archive.verify(None, &|_| {}).unwrap().is_ok());
}

#[test]
fn a_second_opener_is_told_that_the_archive_is_locked() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("archive");
    let archive = make(&folder);
    let refused = Archive::open(&folder, still(), ports(2)).unwrap_err();
    assert!(matches!(refused, Error::Locked { .. }), "{refused}");
    assert_eq!(refused.family(), Family::Unavailable);
    archive.close().unwrap();
    assert!(Archive::open(&folder, still(), ports(2)).is_ok());
}

#[test]
fn an_archive_is_made_in_an_empty_folder_alone() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("archive");
    let missing = Archive::open(&folder, still(), ports(1)).unwrap_err();
    assert!(matches!(missing, Error::ArchiveMissing { .. }), "{missing}");
    make(&folder).close().unwrap();
    let again = Archive::create(&folder, &Creation::default(), still(), ports(1)).unwrap_err();
    assert!(matches!(again, Error::ArchiveExists { .. }), "{again}");
    let foreign = Archive::create(home.path(), &Creation::default(), still(), ports(1));
    assert!(matches!(foreign.unwrap_err(), Error::FolderNotEmpty { .. }));
}

#[test]
fn a_batch_that_does_not_follow_the_log_is_refused_whole() {
    let home = tempfile::tempdir().unwrap();
    let archive = make(&home.path().join("archive"));
    let good = Numbers::default().events(4);
    let mut gap = good.clone();
    gap.remove(1);
    let refused = archive.append(gap).unwrap_err();
    assert!(matches!(refused, Error::BatchOrder { expected: 2, found: 3 }), "{refused}");
    let mut unchained = good.clone();
    unchained[3].place_prev = Seq::new(2);
    let refused = archive.append(unchained).unwrap_err();
    assert!(refused.to_string().contains("due was 2 after event 1"), "{refused}");
    assert_eq!(refused.family(), Family::Refused);
    archive.append(good).unwrap().wait().unwrap();
    assert_eq!(archive.size(), 4);
}

#[test]
fn the_ledger_is_read_without_the_talk() {
    let home = tempfile::tempdir().unwrap();
    let archive = make(&home.path().join("archive"));
    archive.append(Numbers::default().events(50)).unwrap().wait().unwrap();
    let mut ledger = archive.ledger(Seq::FIRST);
    let events = ledger.next_batch(1000).unwrap();
    assert_eq!(events.len(), 10);
    assert!(events.iter().all(|event| event.lane() == Lane::Ledger));
    assert_eq!(ledger.position().get(), 51);
    assert!(ledger.next_batch(1000).unwrap().is_empty());
}

#[test]
fn a_tail_wakes_when_something_becomes_durable() {
    let home = tempfile::tempdir().unwrap();
    let archive = make(&home.path().join("archive"));
    let tail = archive.tail(Seq::FIRST);
    assert!(!tail.wait(Duration::ZERO));
    let waiter = std::thread::spawn(move || tail.wait(Duration::from_mins(1)));
    archive.append(Numbers::default().events(1)).unwrap().wait().unwrap();
    assert!(waiter.join().unwrap());
}

#[test]
fn content_stops_at_the_reserve_and_the_ledger_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("archive");
    let settings = Settings { reserve_bytes: u64::MAX / 2, ..still() };
    let archive = Archive::create(&folder, &Creation::default(), settings, ports(1)).unwrap();
    let mut events = Numbers::default().events(1);
    let refused = archive.append(events.clone()).unwrap_err();
    assert!(matches!(refused, Error::DiskFull { .. }), "{refused}");
    events[0].event.kind = chat::EventKind::Officer;
    archive.append(events).unwrap().wait().unwrap();
}

#[test]
fn a_key_that_is_gone_or_exposed_is_a_matter_of_configuration() {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("archive");
    make(&folder).close().unwrap();
    let kek = folder.join("keys/kek");
    let open = || Archive::open(&folder, still(), ports(2)).unwrap_err();
    let allow = |mode| std::fs::set_permissions(&kek, Permissions::from_mode(mode)).unwrap();

    allow(0o440);
    let exposed = open();
    assert!(matches!(exposed, Error::KeyExposed { mode: 0o440, .. }), "{exposed}");
    assert!(exposed.is_configuration());
    allow(0o600);
    let key = std::fs::read(&kek).unwrap();
    std::fs::OpenOptions::new().write(true).truncate(true).open(&kek).unwrap();
    assert!(matches!(open(), Error::KeyForeign { .. }));
    std::fs::remove_file(&kek).unwrap();
    assert!(matches!(open(), Error::KeyMissing { .. }));

    let elsewhere = home.path().join("key");
    std::io::Write::write_all(&mut std::fs::File::create(&elsewhere).unwrap(), &[1; 32]).unwrap();
    std::fs::set_permissions(&elsewhere, Permissions::from_mode(0o400)).unwrap();
    let named = Settings { kek_file: Some(elsewhere.clone()), ..still() };
    let foreign = Archive::open(&folder, named.clone(), ports(2)).unwrap_err();
    assert!(foreign.to_string().contains("does not open"), "{foreign}");
    std::fs::remove_file(&elsewhere).unwrap();
    std::io::Write::write_all(&mut std::fs::File::create(&elsewhere).unwrap(), &key).unwrap();
    std::fs::set_permissions(&elsewhere, Permissions::from_mode(0o400)).unwrap();
    assert!(Archive::open(&folder, named, ports(2)).is_ok());
}

#[test]
fn neighbours_of_a_sealed_event_are_read_out_of_one_block_that_the_state_counts() {
    let home = tempfile::tempdir().unwrap();
    let archive = make(&home.path().join("archive"));
    let events = Numbers::default().events(900);
    archive.append(events.clone()).unwrap().wait().unwrap();
    assert_eq!(archive.state().cached_bytes, 0);
    archive.seal().unwrap();
    let read = |at: usize| archive.read(events[at].seq).unwrap();
    assert_eq!(read(20).as_ref(), Some(&events[20]));
    let held = archive.state().cached_bytes;
    assert!(held > 0);
    assert_eq!((read(21).as_ref(), read(19).as_ref()), (Some(&events[21]), Some(&events[19])));
    let of_both_lanes = archive.state().cached_bytes;
    for event in events.iter().take(60) {
        assert_eq!(archive.read(event.seq).unwrap().as_ref(), Some(event));
    }
    assert_eq!(archive.state().cached_bytes, of_both_lanes);
    assert!(held <= of_both_lanes && of_both_lanes < 48 << 20);
}
