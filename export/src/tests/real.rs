//! A package out of a real archive on disk: from the journal, from sealed files, with a kept file.

use std::sync::Arc;

use archive::{Archive, Creation, Ports, Settings};
use chat::testing::message;
use chat::{EventKind, PlaceSeq, Recorded, Seq, Timestamp};

use crate::tests::log::Log;
use crate::tests::sample::{files, held};
use crate::{ExportSet, Format, Package, Size, verify};

/// Appends plain messages of one room, the last of them with a file.
fn fill(archive: &Archive, from: u64, count: u64) {
    let kept = archive.keep_file(&mut &b"kept bytes"[..]).unwrap();
    let batch = (from..from + count).map(|n| {
        let mut event = message(n, 1, 2, &format!("line {n}"));
        if n + 1 == from + count {
            event.kind = EventKind::Upload;
            event.content.attachments = vec![held("kept.txt", kept.file, kept.bytes)];
        }
        Recorded {
            seq: Seq::new(n).unwrap(),
            place_seq: PlaceSeq::new(n),
            place_prev: Seq::new(n - 1),
            recorded_at: Timestamp::from_micros(1_750_000_000_000_000),
            event,
        }
    });
    archive.append(batch.collect()).unwrap().wait().unwrap();
}

fn whole(archive: &Archive) -> ExportSet {
    let signed = archive.checkpoint().unwrap();
    let mut selection = Log::of(Vec::new()).selection([]);
    selection.archive = archive.id();
    selection.public_key = archive.public_key().to_string();
    selection.seqs = (1..=signed.checkpoint.size).map(|n| Seq::new(n).unwrap()).collect();
    selection.snapshot = Size { size: signed.checkpoint.size, root: signed.checkpoint.root };
    selection.checkpoint = signed.note;
    ExportSet::freeze(selection).unwrap()
}

#[test]
fn a_real_archive_exports_the_same_from_the_journal_and_from_sealed_files() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("archive");
    let ports = Ports::production();
    let disk = Arc::clone(&ports.disk);
    let archive = Archive::create(&at, &Creation::default(), Settings::default(), ports).unwrap();
    fill(&archive, 1, 300);
    let set = whole(&archive);
    let [before, after] = ["before", "after"].map(|name| folder.path().join(name));
    let formats = Format::ALL;
    let report = Package::write(&set, archive.as_ref(), &formats, &before, disk.as_ref()).unwrap();
    assert_eq!((report.events, report.exceptions), (300, 0));
    archive.seal().unwrap();
    fill(&archive, 301, 20);
    Package::write(&set, archive.as_ref(), &formats, &after, disk.as_ref()).unwrap();
    assert_eq!(files(&before), files(&after));
    assert!(files(&after).contains_key("attachments/000001.txt"));
    let checked = verify(&after, archive.public_key()).unwrap();
    assert_eq!((checked.findings.as_slice(), checked.events), (&[][..], 300));
}
