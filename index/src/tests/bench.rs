//! An archive in a temporary folder with an index beside it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use archive::{Archive, Creation, Ports, Recordkeeping};
use chat::{ChatEvent, PlaceSeq, Recorded, RoomId, Seq, Timestamp};
use query::{Query, Zone};
use tempfile::TempDir;

use crate::{Answer, Index, Order, Page, Scope, Settings, SnapshotChoice};

/// Settings under which nothing is committed unless it is asked for.
pub(super) fn never_commits() -> Settings {
    Settings {
        commit_events_max: u64::MAX,
        commit_wait: Duration::from_hours(24),
        arena_bytes: 16 << 20,
        ..Settings::default()
    }
}

/// Gives events their places, as the sequencer does.
#[derive(Debug, Default)]
pub(super) struct Places {
    size: u64,
    rooms: HashMap<RoomId, (PlaceSeq, Seq)>,
}

impl Places {
    /// Returns the event as it is recorded next.
    pub(super) fn place(&mut self, event: ChatEvent) -> Recorded {
        self.size += 1;
        let seq = Seq::new(self.size).unwrap();
        let (mut place_seq, mut place_prev) = (None, None);
        if let Some(place) = &event.place {
            let before = self.rooms.get(&place.room).copied();
            let number = before.map_or(PlaceSeq::FIRST, |(number, _)| number.next());
            (place_seq, place_prev) = (Some(number), before.map(|(_, seq)| seq));
            self.rooms.insert(place.room, (number, seq));
        }
        let recorded_at = Timestamp::from_micros(1_800_000_000_000_000);
        Recorded { seq, place_seq, place_prev, recorded_at, event }
    }
}

/// An archive and its index.
pub(super) struct Bench {
    folder: TempDir,
    pub(super) archive: Arc<Archive>,
    pub(super) index: Arc<Index>,
    places: Places,
}

impl Bench {
    /// Returns an empty archive with an index that commits when it is asked to.
    pub(super) fn new() -> Self {
        Self::over(Ports::production())
    }

    /// Returns an empty archive over these ports, with such an index.
    pub(super) fn over(ports: Ports) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let creation = Creation { recordkeeping: Recordkeeping::Worm, demo: false };
        let settings = archive::Settings::default();
        let archive =
            Archive::create(&folder.path().join("archive"), &creation, settings, ports).unwrap();
        let index =
            Index::open(&folder.path().join("index"), Arc::clone(&archive), never_commits());
        Self { folder, archive, index: index.unwrap(), places: Places::default() }
    }

    /// Appends events that have their places already, and waits until they are durable.
    pub(super) fn append_recorded(&self, events: &[Recorded]) {
        for batch in events.chunks(1_000) {
            self.archive.append(batch.to_vec()).unwrap().wait().unwrap();
        }
    }

    /// Appends events and waits until they are durable.
    pub(super) fn append(&mut self, events: Vec<ChatEvent>) {
        let recorded: Vec<_> = events.into_iter().map(|event| self.places.place(event)).collect();
        self.append_recorded(&recorded);
    }

    /// Closes the index and opens it again.
    pub(super) fn reopen(&mut self) {
        self.index.close().unwrap();
        self.index =
            Index::open(&self.index_folder(), Arc::clone(&self.archive), never_commits()).unwrap();
    }

    /// Returns the folder of the index.
    pub(super) fn index_folder(&self) -> std::path::PathBuf {
        self.folder.path().join("index")
    }

    /// Searches everything, newest first.
    pub(super) fn search(&self, text: &str) -> Answer {
        self.index
            .search(&parse(text), &Scope::of_officer(), &SnapshotChoice::Newest, &Page::newest(100))
            .unwrap()
    }

    /// Returns all pages of a search, one after the other.
    pub(super) fn all_pages(
        &self,
        query: &Query,
        scope: &Scope,
        choice: &SnapshotChoice,
        (order, limit): (Order, usize),
    ) -> (u64, Vec<Seq>) {
        let mut page = Page { limit, order, cursor: None };
        let (mut count, mut seqs) = (None, Vec::new());
        loop {
            let answer = self.index.search(query, scope, choice, &page).unwrap();
            assert_eq!(*count.get_or_insert(answer.count), answer.count, "the count stays");
            seqs.extend(answer.hits.iter().map(|hit| hit.seq));
            match answer.next {
                Some(next) => page.cursor = Some(next),
                None => return (answer.count, seqs),
            }
        }
    }
}

/// Returns a query in UTC.
pub(super) fn parse(text: &str) -> Query {
    Query::parse(text, &Zone::Utc).unwrap_or_else(|fault| panic!("{text:?}: {fault}"))
}

/// Returns the sequence numbers of an answer.
pub(super) fn seqs(answer: &Answer) -> Vec<u64> {
    answer.hits.iter().map(|hit| hit.seq.get()).collect()
}
