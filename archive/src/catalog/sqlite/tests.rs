//! Claims about the catalog: it says what the log says, and comes back equal when it is deleted.

use chat::{Act, EventKind, Recorded};

use super::*;
use crate::tests::Numbers;

fn events() -> Vec<Recorded> {
    let mut events = Numbers::default().events(500);
    for (place, verb) in [(4, "import-begun"), (494, "import-ended")] {
        let event = &mut events[place].event;
        event.kind = EventKind::Officer;
        event.origin = None;
        let act = Act::new(verb).with("import_id", "i1").with("format", "jsonl");
        event.content.act = Some(act.with("accepted", u64::try_from(place).unwrap()));
    }
    events
}

fn open(path: &Path) -> SqliteCatalog {
    SqliteCatalog::open(path, ArchiveId::from_bytes([1; 16])).unwrap()
}

fn follow(catalog: &SqliteCatalog, batch: &[Recorded]) -> Result<()> {
    let (first, last) = (batch[0].seq, batch[batch.len() - 1].seq);
    catalog.follow(changes(first.leaf_index(), batch), last.get())
}

fn changes(from: u64, batch: &[Recorded]) -> Changes {
    let mut changes = Changes::after(from);
    for recorded in batch {
        changes.take_event(recorded);
    }
    changes
}

type Rows = (
    u64,
    Vec<SourceRow>,
    Vec<RoomRow>,
    Vec<PersonRow>,
    Vec<(EventKind, u64)>,
    Vec<ImportRow>,
    Vec<FileRow>,
);

fn all(catalog: &SqliteCatalog) -> Rows {
    (
        catalog.watermark().unwrap(),
        catalog.sources().unwrap(),
        catalog.rooms().unwrap(),
        catalog.persons().unwrap(),
        catalog.kinds().unwrap(),
        catalog.imports().unwrap(),
        catalog.files().unwrap(),
    )
}

#[test]
fn the_rows_do_not_depend_on_the_batches_and_come_back_when_the_file_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let events = events();
    let mut first = None;
    for size in [1, 37, 500] {
        let path = folder.path().join(format!("{size}.sqlite"));
        let catalog = open(&path);
        events.chunks(size).for_each(|batch| follow(&catalog, batch).unwrap());
        let rows = all(&catalog);
        drop(catalog);
        assert_eq!(all(&open(&path)), rows, "after a restart");
        assert_eq!(*first.get_or_insert_with(|| all(&open(&path))), rows);
    }
}

#[test]
fn the_lists_count_what_the_log_holds() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = open(&folder.path().join("c.sqlite"));
    let events = events();
    follow(&catalog, &events).unwrap();
    let (watermark, _, rooms, persons, kinds, imports, _) = all(&catalog);
    assert_eq!(watermark, 500);
    assert_eq!(kinds.iter().map(|(_, events)| events).sum::<u64>(), 500);
    for room in &rooms {
        let mine =
            events.iter().filter(|e| e.event.place.as_ref().is_some_and(|p| p.room == room.id));
        let seqs: Vec<_> = mine.map(|event| event.seq).collect();
        let events = u64::try_from(seqs.len()).unwrap();
        assert_eq!(room.span, Span { first: seqs[0], last: seqs[seqs.len() - 1], events });
    }
    assert_eq!((rooms.len(), persons.len()), (3, 1));
    let [import] = imports.try_into().unwrap();
    assert_eq!((import.begun.map(Seq::get), import.ended.map(Seq::get)), (Some(5), Some(495)));
    assert_eq!((import.format.as_deref(), import.accepted), (Some("jsonl"), Some(494)));
}

#[test]
fn a_batch_that_does_not_follow_the_watermark_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = open(&folder.path().join("c.sqlite"));
    let events = events();
    follow(&catalog, &events[..100]).unwrap();
    let before = all(&catalog);
    assert!(follow(&catalog, &events[..100]).is_err());
    assert!(follow(&catalog, &events[101..]).is_err());
    assert_eq!(all(&catalog), before);
}

#[test]
fn destroyed_events_move_the_watermark_and_count_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = open(&folder.path().join("c.sqlite"));
    let mut events = events();
    events.drain(100..200);
    catalog.follow(changes(0, &events), 500).unwrap();
    let counts = catalog.counts().unwrap();
    assert_eq!((counts.watermark, counts.events), (500, 400));
    catalog.follow(changes(500, &[]), 510).unwrap();
    assert_eq!(catalog.watermark().unwrap(), 510);
}

#[test]
fn the_catalog_of_another_archive_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.sqlite");
    drop(open(&path));
    let refused = SqliteCatalog::open(&path, ArchiveId::from_bytes([2; 16])).unwrap_err();
    assert!(refused.to_string().contains("another archive"), "{refused}");
}
