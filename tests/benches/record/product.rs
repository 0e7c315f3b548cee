//! The product in the same process: imported, indexed, sealed and searched as the server would.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use archive::{Archive, ArchiveState, Creation, Ports, Recordkeeping};
use index::{Index, Page, Scope, SnapshotChoice};
use ingest::{Import, ImportInput, Ingest};
use query::{Query, Zone};

type Fault = Box<dyn std::error::Error>;

/// An archive with its index, open.
pub(crate) struct Product {
    folder: PathBuf,
    archive: Arc<Archive>,
    ingest: Arc<Ingest>,
    index: Arc<Index>,
}

impl Product {
    /// Makes an empty archive.
    pub(crate) fn create(folder: &Path) -> Result<Self, Fault> {
        let creation = Creation { recordkeeping: Recordkeeping::AuditTrail, demo: false };
        let archive =
            Archive::create(folder, &creation, archive::Settings::default(), Ports::production())?;
        let ingest = Ingest::open(Arc::clone(&archive), &ingest::Settings::default())?;
        let place = folder.join("index");
        let index = Index::open(&place, Arc::clone(&archive), index::Settings::default())?;
        Ok(Self { folder: folder.to_owned(), archive, ingest, index })
    }

    /// Imports a file: on return every event of it is synced and committed to the index.
    pub(crate) fn import(&self, path: &Path) -> Result<u64, Fault> {
        let report = Import::run(&self.ingest, &ImportInput::new(path), &mut |_| {})?;
        self.index.catch_up()?;
        Ok(report.accepted)
    }

    /// Returns the archive.
    pub(crate) const fn archive(&self) -> &Arc<Archive> {
        &self.archive
    }

    /// Seals what is not sealed yet and returns the archive's figures.
    pub(crate) fn seal(&self) -> Result<ArchiveState, Fault> {
        self.archive.seal()?;
        Ok(self.archive.state())
    }

    /// Does all idle work and returns the archive's figures.
    pub(crate) fn settle(&self) -> Result<ArchiveState, Fault> {
        while self.archive.settle()?.ranges > 0 {}
        Ok(self.archive.state())
    }

    /// Returns how many events there are.
    pub(crate) fn events(&self) -> u64 {
        self.archive.size()
    }

    /// Reads one event.
    pub(crate) fn read(&self, number: u64) -> Result<bool, Fault> {
        let seq = chat::Seq::new(number).ok_or("events are numbered from 1")?;
        Ok(self.archive.read(seq)?.is_some())
    }

    /// Returns the bytes of the index.
    pub(crate) fn index_bytes(&self) -> u64 {
        crate::corpus::folder_bytes(&self.folder.join("index"))
    }

    /// Returns how many of the newest twenty there are; they are counted exactly on the way, as the product always does.
    pub(crate) fn newest(&self, word: &str) -> Result<usize, Fault> {
        let query = Query::parse(&format!("\"{word}\""), &Zone::default())?;
        let answer = self.index.search(
            &query,
            &Scope::of_officer(),
            &SnapshotChoice::Newest,
            &Page::newest(20),
        )?;
        Ok(answer.hits.len())
    }

    /// Ends everything in order.
    pub(crate) fn close(self) -> Result<(), Fault> {
        self.ingest.close()?;
        self.index.close()?;
        Ok(self.archive.close()?)
    }
}
