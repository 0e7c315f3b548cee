//! Claims about the catalog through the facade: it is derived, the log does without it, and a difference is found.

use std::path::Path;
use std::sync::Arc;

use sqlx::{Connection as _, SqliteConnection};

use super::{Numbers, ports, still};
use crate::catalog::{Catalog, SegmentRow};
use crate::{Archive, Creation, Error, FindingKind, Settings};

const FILES: [&str; 3] = ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"];

/// Makes an archive of 700 sealed events in two segments and 50 unsealed ones.
fn make(folder: &Path) -> Arc<Archive> {
    let archive = Archive::create(folder, &Creation::default(), still(), ports(3)).unwrap();
    let mut numbers = Numbers::of(&archive);
    for count in [300, 400] {
        archive.append(numbers.events(count)).unwrap().wait().unwrap();
        archive.catch_up_catalog().unwrap();
        archive.seal().unwrap();
    }
    archive.append(numbers.events(50)).unwrap().wait().unwrap();
    archive.checkpoint().unwrap();
    archive.catch_up_catalog().unwrap();
    archive
}

fn open(folder: &Path) -> Arc<Archive> {
    Archive::open(folder, still(), ports(4)).unwrap()
}

/// Returns every row as text, and the segments.
fn rows(archive: &Archive) -> (String, Vec<SegmentRow>) {
    let catalog: &dyn Catalog = archive.catalog().unwrap();
    let lists = format!(
        "{} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        catalog.watermark().unwrap(),
        catalog.checkpoints().unwrap(),
        catalog.sources().unwrap(),
        catalog.rooms().unwrap(),
        catalog.persons().unwrap(),
        catalog.kinds().unwrap(),
        catalog.imports().unwrap(),
        catalog.files().unwrap(),
    );
    (lists, catalog.segments().unwrap())
}

fn kinds(archive: &Archive) -> Vec<FindingKind> {
    let report = archive.verify(None, &|_| {}).unwrap();
    report.findings.into_iter().map(|finding| finding.kind).collect()
}

fn delete(folder: &Path) {
    for name in FILES {
        std::fs::remove_file(folder.join(name)).ok();
    }
}

#[test]
fn deleted_while_the_archive_is_closed_it_comes_back_with_equal_rows() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("a");
    let archive = make(&folder);
    let before = rows(&archive);
    let sealed: u64 = before.1.iter().map(|row| row.events).sum();
    assert_eq!((before.1.len(), sealed, archive.state().catalog_events), (4, 700, 750));
    archive.close().unwrap();
    assert!(matches!(archive.catalog().unwrap().rooms(), Err(Error::Closed)));

    let archive = open(&folder);
    assert_eq!(rows(&archive), before, "after a restart, without a pull");
    archive.close().unwrap();
    delete(&folder);
    let archive = open(&folder);
    assert_eq!(archive.catalog().unwrap().watermark().unwrap(), 0);
    archive.catch_up_catalog().unwrap();
    assert_eq!(rows(&archive), before);
    assert_eq!((archive.state().catalog_fault, kinds(&archive)), (None, Vec::new()));
}

#[test]
fn it_follows_by_itself() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("a");
    make(&folder).close().unwrap();
    delete(&folder);
    let settings = Settings { runs_upkeep: true, ..still() };
    let archive = Archive::open(&folder, settings, ports(4)).unwrap();
    let is_level = (0..1_000).any(|_| {
        // Nothing is appended, so this waits as long as it is told.
        archive.wait_beyond(u64::MAX, std::time::Duration::from_millis(20));
        archive.state().catalog_events == 750
    });
    assert!(is_level, "{:?}", archive.state());
}

#[test]
fn a_count_that_differs_is_found_and_goes_with_the_file() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("a");
    make(&folder).close().unwrap();
    let url = format!("sqlite://{}", folder.join("catalog.sqlite").display());
    for change in [
        "UPDATE room SET events = events + 1 WHERE id = (SELECT min(id) FROM room)",
        "DELETE FROM kind WHERE code = (SELECT min(code) FROM kind)",
        "UPDATE watermark SET events = 751",
    ] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            sqlx::query(change).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        });
        let archive = open(&folder);
        let report = archive.verify(None, &|_| {}).unwrap();
        let [finding] = report.findings.as_slice() else { panic!("{change}: {report:?}") };
        assert_eq!(finding.kind, FindingKind::Catalog, "{change}");
        assert!(finding.what.contains("delete catalog.sqlite"), "{}", finding.what);
        archive.close().unwrap();
        delete(&folder);
        let archive = open(&folder);
        assert_eq!(kinds(&archive), [], "{change}");
        archive.close().unwrap();
    }
}

#[test]
fn the_log_goes_on_without_a_catalog_that_cannot_be_opened() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("a");
    make(&folder).close().unwrap();
    delete(&folder);
    std::fs::create_dir(folder.join("catalog.sqlite")).unwrap();
    let settings = Settings { runs_upkeep: true, ..still() };
    let archive = Archive::open(&folder, settings, ports(4)).unwrap();
    let events = Numbers::of(&archive).events(5);
    archive.append(events.clone()).unwrap().wait().unwrap();
    assert_eq!(archive.read(events[4].seq).unwrap(), Some(events[4].clone()));
    assert!(archive.state().catalog_fault.is_some());
    assert!(matches!(archive.catalog(), Err(Error::Catalog { .. })));
    assert_eq!(kinds(&archive), [FindingKind::Catalog]);
    archive.close().unwrap();
    std::fs::remove_dir(folder.join("catalog.sqlite")).unwrap();
    assert_eq!(kinds(&open(&folder)), []);
}

#[test]
fn checkpoints_are_listed_with_their_time_and_one_that_goes_is_found() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("a");
    let archive = make(&folder);
    let signed = archive.checkpoint().unwrap();
    archive.catch_up_catalog().unwrap();
    let listed = archive.catalog().unwrap().checkpoints().unwrap();
    let sizes: Vec<u64> = listed.iter().map(|row| row.size).collect();
    assert_eq!(sizes, [300, 700, 750]);
    assert_eq!((listed[2].root, listed[2].at), (signed.checkpoint.root, signed.at));
    assert_eq!(
        signed.at,
        archive.read(chat::Seq::new(750).unwrap()).unwrap().map(|e| e.recorded_at)
    );
    assert_eq!(archive.checkpoint_at(700).unwrap().unwrap().at, listed[1].at);
    std::fs::remove_file(folder.join("checkpoints/00000000000000000700.note")).unwrap();
    let found = archive.verify(None, &|_| {}).unwrap().findings;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].kind, FindingKind::Checkpoint);
    assert!(found[0].what.contains("checkpoint of 700 events is gone"), "{found:?}");
}
