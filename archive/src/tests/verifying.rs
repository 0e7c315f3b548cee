//! Claims about verification: a sound archive has no findings, and whatever is changed on disk is found and named.

use std::path::Path;
use std::sync::Arc;

use chat::{Lane, Seq, Timestamp};

use super::{Numbers, files, ports, still};
use crate::kept::Kept;
use crate::proof::commitment::commit;
use crate::proof::{Checkpoint, Seed, SigningKey};
use crate::record;
use crate::seal::{Harvest, RunSeeds, SealPlace, Stamp, seal};
use crate::segment::{RunEntry, RunSalts, Slot};
use crate::{Archive, Creation, Error, FindingKind, VerifyReport};

/// Makes an archive of 700 sealed events in two segments and 50 unsealed ones.
fn sound(folder: &Path) -> Arc<Archive> {
    let archive = Archive::create(folder, &Creation::default(), still(), ports(3)).unwrap();
    let mut numbers = Numbers::of(&archive);
    for count in [300, 400] {
        archive.append(numbers.events(count)).unwrap().wait().unwrap();
        archive.seal().unwrap();
    }
    for count in [20, 30] {
        archive.append(numbers.events(count)).unwrap().wait().unwrap();
    }
    archive.checkpoint().unwrap();
    archive
}

fn verify(archive: &Archive) -> VerifyReport {
    archive.verify(None, &|_| {}).unwrap()
}

/// Flips one bit of a file at so many thousandths of its length.
fn flip(path: &Path, thousandths: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    let place = bytes.len() * thousandths / 1_000;
    bytes[place] ^= 0x10;
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).unwrap();
}

#[test]
fn a_sound_archive_has_no_findings_and_continues_its_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sound(&folder.path().join("a"));
    let told = std::cell::Cell::new(0);
    let note = archive.checkpoint_at(300).unwrap().unwrap().note;
    let report = archive.verify(Some(&note), &|done| told.set(done)).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!((report.events, report.segments, told.get()), (750, 2, 750));
    assert_eq!((report.size, report.root), archive.head());
    archive.close().unwrap();
    drop(archive);
    let archive = Archive::open(&folder.path().join("a"), still(), ports(4)).unwrap();
    assert_eq!(verify(&archive).findings, []);
    assert_eq!(
        archive.root(300).unwrap(),
        archive.checkpoint_at(300).unwrap().unwrap().checkpoint.root
    );
}

#[test]
fn one_flipped_bit_in_each_file_of_the_log_is_found_with_its_events() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("a");
    let archive = sound(&home);
    let mut kinds = std::collections::BTreeSet::new();
    for part in ["segments", "journal", "tree", "checkpoints"] {
        for path in files(&home.join(part)) {
            for thousandths in [10, 500, 990] {
                // The journal file in use ends in zeros that hold nothing.
                let thousandths =
                    if part == "journal" { 1 + thousandths / 10 } else { thousandths };
                let sound_bytes = std::fs::read(&path).unwrap();
                flip(&path, thousandths);
                let report = verify(&archive);
                let place = format!("{} at {thousandths}/1000", path.display());
                assert!(!report.findings.is_empty(), "{place}");
                for finding in &report.findings {
                    kinds.insert(finding.kind);
                    if part == "segments" {
                        let (first, last) = finding.seqs.expect(&place);
                        let name = path.file_name().unwrap().to_str().unwrap();
                        let range: Vec<u64> =
                            name.split(['-', '.']).take(2).map(|n| n.parse().unwrap()).collect();
                        assert!(
                            first.get() >= range[0] && last.get() <= range[1],
                            "{place} {finding:?}"
                        );
                    }
                }
                let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
                std::os::unix::fs::FileExt::write_all_at(&file, &sound_bytes, 0).unwrap();
            }
        }
    }
    assert_eq!(verify(&archive).findings, []);
    let expected = [FindingKind::File, FindingKind::Tree, FindingKind::Checkpoint];
    assert!(expected.iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
}

#[test]
fn a_damaged_edge_of_the_tree_is_made_again_at_the_next_start_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("a");
    let head = sound(&home).head();
    for path in files(&home.join("tree")) {
        flip(&path, 990);
        let archive = Archive::open(&home, still(), ports(4)).unwrap();
        let found = verify(&archive).findings;
        assert_eq!((archive.head(), found.len()), (head, 1), "{path:?}: {found:?}");
        assert_eq!(found[0].kind, FindingKind::Tree, "{path:?}: {found:?}");
        drop(archive);
        let again = Archive::open(&home, still(), ports(4)).unwrap();
        assert_eq!((again.head(), verify(&again).findings), (head, Vec::new()), "{path:?}");
    }
}

#[test]
fn a_file_that_is_gone_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("a");
    let archive = sound(&home);
    for path in files(&home.join("segments")) {
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let report = verify(&archive);
        assert!(report.findings.iter().any(|finding| finding.kind == FindingKind::File));
        crate::durable::write(&crate::disk::LocalDisk, &path, &bytes).unwrap();
    }
    assert_eq!(verify(&archive).findings, []);
}

#[test]
fn a_checkpoint_that_someone_kept_of_another_history_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sound(&folder.path().join("a"));
    let seed = archive.keys().signing_seed();
    let key = SigningKey::of_archive(seed, archive.id());
    let origin = key.verifier_key().name().to_owned();
    for size in [1, 256, 311, 750, 751] {
        let other = Checkpoint { origin: origin.clone(), size, root: [7; 32] };
        let report = archive.verify(Some(&key.sign(&other).unwrap()), &|_| {}).unwrap();
        let kinds: Vec<_> = report.findings.iter().map(|finding| finding.kind).collect();
        assert_eq!(kinds, [FindingKind::History], "{size}");
    }
}

#[test]
fn a_checkpoint_of_another_archive_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sound(&folder.path().join("a"));
    let other =
        Archive::create(&folder.path().join("b"), &Creation::default(), still(), ports(9)).unwrap();
    let note = other.checkpoint().unwrap().note;
    assert!(matches!(archive.verify(Some(&note), &|_| {}), Err(Error::Refused { .. })));
    assert_eq!(archive.leaf(Seq::FIRST).unwrap().map(|leaf| leaf.len()), Some(32));
}

/// Rewrites the sealed events 1 to 300 with another text in event 77, as someone could who has the disk and the keys.
fn rewrite_history(archive: &Archive) {
    let segments = archive.folder().join("segments");
    let range = archive.sealed().range(Seq::FIRST).unwrap();
    let [talk, ledger] = Lane::ALL.map(|lane| range.reader(lane).unwrap().footer().runs.clone());
    let seed = |run: &RunEntry| match &run.salts {
        RunSalts::Seed(seed) => Seed::from_bytes(**seed),
        RunSalts::Cover { .. } => panic!("nothing is destroyed"),
    };
    let runs = talk.iter().zip(&ledger);
    let runs: Vec<_> = runs
        .map(|(talk, ledger)| RunSeeds { first: talk.first, seeds: [seed(talk), seed(ledger)] })
        .collect();
    let mut events = Vec::new();
    for number in range.first.get()..=range.last.get() {
        let seq = Seq::new(number).unwrap();
        let Kept::Live { mut recorded, salts } = archive.kept(seq).unwrap() else {
            panic!("nothing is destroyed")
        };
        if number == 77 {
            recorded.event.content.text = Some("other words".to_owned());
        }
        let (header, fields) = (record::header(&recorded), record::fields(&recorded.event));
        let values = fields.iter().map(|field| (field.tag, field.value.as_slice()));
        let leaf = commit(&header.encode(), seq, values, &salts).leaf();
        events.push((Slot::Live { header, fields }, leaf));
    }
    for path in files(&segments) {
        if path.file_name().unwrap().to_str().unwrap().starts_with("1-") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let disk = archive.ports().disk.as_ref();
    let place = SealPlace { disk, folder: &segments, keys: archive.keys(), archive: archive.id() };
    let harvest = Harvest::collect((Seq::FIRST, 0), events.into_iter(), &runs).unwrap();
    let stamp = Stamp { sealed_at: Timestamp::EPOCH, level: 3, generation: 0, proven_every: 16 };
    seal(place, &harvest, stamp).unwrap();
}

#[test]
fn someone_with_the_disk_and_the_keys_cannot_rewrite_an_event_unseen() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sound(&folder.path().join("a"));
    let kept = archive.checkpoint_at(300).unwrap().unwrap().note;
    rewrite_history(&archive);
    let report = verify(&archive);
    let range = (Seq::FIRST, Seq::new(256).unwrap());
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    assert_eq!(
        (report.findings[0].kind, report.findings[0].seqs),
        (FindingKind::Event, Some(range))
    );
    drop(archive);
    // With the tree made to fit as well, the signed roots still tell.
    let home = folder.path().join("a");
    std::fs::remove_dir_all(home.join("tree")).unwrap();
    let opened = Archive::open(&home, still(), ports(4));
    assert!(matches!(opened, Err(Error::RootDiffers { .. })), "{opened:?}");
    // With the archive's own checkpoints gone too, the one that someone else kept tells.
    std::fs::remove_dir_all(home.join("checkpoints")).unwrap();
    std::fs::create_dir(home.join("checkpoints")).unwrap();
    // The catalog knew of them, and would tell.
    for name in ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"] {
        std::fs::remove_file(home.join(name)).ok();
    }
    let archive = Archive::open(&home, still(), ports(4)).unwrap();
    assert_eq!(verify(&archive).findings, []);
    let report = archive.verify(Some(&kept), &|_| {}).unwrap();
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    assert_eq!(report.findings[0].kind, FindingKind::History);
}

#[test]
fn a_kept_file_that_changes_or_goes_is_found_with_the_event_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("a");
    let archive = Archive::create(&home, &Creation::default(), still(), ports(3)).unwrap();
    let kept = archive.keep_file(&mut &b"the minutes"[..]).unwrap();
    let mut numbers = Numbers::of(&archive);
    let mut events = numbers.events(12);
    events[6].event.content.attachments.push(chat::Attachment {
        name: "minutes.txt".to_owned(),
        media_type: None,
        address: None,
        custody: chat::Custody::Held { file: kept.file, bytes: kept.bytes },
    });
    archive.append(events).unwrap().wait().unwrap();
    archive.keep_file(&mut &b"named by no event"[..]).unwrap();
    let report = verify(&archive);
    assert_eq!((report.findings, report.blobs), (Vec::new(), 2));
    let seventh = Seq::new(7);
    let mut damaged = 0;
    for path in files(&home.join("blobs")) {
        let bytes = std::fs::read(&path).unwrap();
        flip(&path, 900);
        let report = verify(&archive);
        assert_eq!((report.findings.len(), report.blobs), (1, 1));
        assert_eq!(report.findings[0].kind, FindingKind::Blob);
        damaged += usize::from(report.findings[0].seqs == seventh.zip(seventh));
        std::fs::remove_file(&path).unwrap();
        let gone = verify(&archive).findings;
        assert!(gone.iter().all(|finding| finding.seqs == seventh.zip(seventh)), "{gone:?}");
        crate::durable::write(&crate::disk::LocalDisk, &path, &bytes).unwrap();
    }
    assert_eq!(damaged, 1);
    archive.seal().unwrap();
    assert_eq!(verify(&archive).findings, []);
}
