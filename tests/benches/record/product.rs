//! The product in the same process: imported, indexed, sealed and searched as the server would.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use archive::{Archive, ArchiveState, Creation, Ports, Recordkeeping};
use chat::{EventKind, Timestamp};
use index::{Answer, Index, Order, Page, Scope, SnapshotChoice};
use ingest::{Draft, DraftKey, DraftPerson, DraftPlace, Import, ImportInput, Ingest, RoomKind};
use query::{Query, Zone};

use crate::Fault;
use crate::clock::timed;
use crate::corpus::Line;

/// An archive with the way in, open, and nothing that follows it.
pub(crate) struct Log {
    archive: Arc<Archive>,
    ingest: Arc<Ingest>,
}

impl Log {
    /// Makes an empty archive.
    pub(crate) fn create(folder: &Path) -> Result<Self, Fault> {
        Self::create_with(folder, archive::Settings::default())
    }

    /// Makes an empty archive that is kept in another way.
    pub(crate) fn create_with(folder: &Path, settings: archive::Settings) -> Result<Self, Fault> {
        let creation = Creation { recordkeeping: Recordkeeping::AuditTrail, demo: false };
        let archive = Archive::create(folder, &creation, settings, Ports::production())?;
        let ingest = Ingest::open(Arc::clone(&archive), &ingest::Settings::default())?;
        Ok(Self { archive, ingest })
    }

    /// Returns the archive.
    pub(crate) const fn archive(&self) -> &Arc<Archive> {
        &self.archive
    }

    /// Opens an archive that was closed.
    pub(crate) fn open(folder: &Path) -> Result<Self, Fault> {
        let archive = Archive::open(folder, archive::Settings::default(), Ports::production())?;
        let ingest = Ingest::open(Arc::clone(&archive), &ingest::Settings::default())?;
        Ok(Self { archive, ingest })
    }

    /// Posts one message as a feed does and waits until it is synced.
    pub(crate) fn post(&self, number: u64, line: &Line) -> ingest::Result<()> {
        self.ingest.accept(vec![draft(number, line)]).map(drop)
    }

    /// Posts messages as one batch and waits until they are synced.
    pub(crate) fn post_all(&self, first: u64, lines: &[Line]) -> ingest::Result<()> {
        let drafts = (first..).zip(lines).map(|(number, line)| draft(number, line));
        self.ingest.accept(drafts.collect()).map(drop)
    }

    /// Ends everything in order.
    pub(crate) fn close(self) -> Result<(), Fault> {
        self.ingest.close()?;
        Ok(self.archive.close()?)
    }
}

fn draft(number: u64, line: &Line) -> Draft {
    let at = Timestamp::from_micros(line.micros());
    let mut draft = Draft::new("bench", EventKind::Message, at);
    draft.key = DraftKey::Given(format!("m{number}"));
    draft.actor = Some(DraftPerson { name: line.sender.clone(), foreign_id: None, email: None });
    draft.place = Some(DraftPlace {
        name: line.room.clone(),
        foreign_id: None,
        kind: RoomKind::Room,
        category: None,
        members: None,
    });
    draft.text = Some(line.text.clone());
    draft
}

/// A log with its index, open.
pub(crate) struct Product {
    folder: PathBuf,
    log: Log,
    index: Arc<Index>,
    is_at_rest: AtomicBool,
}

impl Product {
    /// Makes an empty archive.
    pub(crate) fn create(folder: &Path) -> Result<Self, Fault> {
        Self::over(folder, Log::create(folder)?, index::Settings::default())
    }

    /// Opens an archive and its index that were closed.
    pub(crate) fn open(folder: &Path) -> Result<Self, Fault> {
        Self::over(folder, Log::open(folder)?, index::Settings::default())
    }

    /// Lets an index follow a log that lies in this folder.
    pub(crate) fn over(folder: &Path, log: Log, settings: index::Settings) -> Result<Self, Fault> {
        let index = Index::open(&folder.join("index"), Arc::clone(&log.archive), settings)?;
        Ok(Self { folder: folder.to_owned(), log, index, is_at_rest: AtomicBool::new(false) })
    }

    /// Imports files: on return every event of them is synced and committed to the index. Returns how many were new.
    pub(crate) fn import(&self, paths: &[PathBuf]) -> Result<u64, Fault> {
        self.is_at_rest.store(false, Ordering::Relaxed);
        let mut accepted = 0;
        for path in paths {
            accepted +=
                Import::run(&self.log.ingest, &ImportInput::new(path), &mut |_| {})?.accepted;
        }
        self.catch_up()?;
        Ok(accepted)
    }

    /// Commits to the index what is durable.
    pub(crate) fn catch_up(&self) -> Result<(), Fault> {
        Ok(self.index.catch_up()?)
    }

    /// Waits until the index has done what it does at rest, as it would have hours after an import.
    pub(crate) fn rest(&self) {
        let pause = index::Settings::default().join_wait + Duration::from_secs(2);
        while !self.is_at_rest.load(Ordering::Relaxed) {
            let before = self.index.segments();
            let ((), cost) = timed(|| std::thread::sleep(pause));
            let is_quiet = cost.processor() < cost.wall() / 50.0;
            let is_same = self.index.segments() == before;
            self.is_at_rest.store(is_quiet && is_same, Ordering::Relaxed);
        }
    }

    /// Returns how many segments the index consists of.
    pub(crate) fn segments(&self) -> usize {
        self.index.segments()
    }

    /// Returns the log without its index.
    pub(crate) const fn log(&self) -> &Log {
        &self.log
    }

    /// Returns the archive.
    pub(crate) const fn archive(&self) -> &Arc<Archive> {
        self.log.archive()
    }

    /// Seals what is not sealed yet and returns the archive's figures.
    pub(crate) fn seal(&self) -> Result<ArchiveState, Fault> {
        self.archive().seal()?;
        Ok(self.archive().state())
    }

    /// Does all idle work and returns the archive's figures.
    pub(crate) fn settle(&self) -> Result<ArchiveState, Fault> {
        while self.archive().settle()?.ranges > 0 {}
        Ok(self.archive().state())
    }

    /// Returns the bytes of the index.
    pub(crate) fn index_bytes(&self) -> u64 {
        crate::corpus::folder_bytes(&self.folder.join("index"))
    }

    /// Returns how many of the newest twenty there are; they are counted exactly on the way, as the product always does.
    pub(crate) fn newest(&self, word: &str) -> Result<usize, Fault> {
        Ok(self.search(&format!("\"{word}\""), Order::Newest)?.hits.len())
    }

    /// Returns the first twenty hits in an order, and how many there are.
    pub(crate) fn search(&self, text: &str, order: Order) -> Result<Answer, Fault> {
        let query = Query::parse(text, &Zone::default())?;
        let page = Page { order, ..Page::newest(20) };
        Ok(self.index.search(&query, &Scope::of_officer(), &SnapshotChoice::Newest, &page)?)
    }

    /// Ends everything in order.
    pub(crate) fn close(self) -> Result<(), Fault> {
        self.log.ingest.close()?;
        self.index.close()?;
        Ok(self.log.archive.close()?)
    }
}
