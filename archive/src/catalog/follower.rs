//! What keeps the catalog level with the log: a follower that pulls, and that nobody waits for.
//!
//! The log does without it: a catalog that cannot be opened or written is told in the log of the program and in the state.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chat::{ArchiveId, Disk, Seq};
use parking_lot::Mutex;

use super::batch::Changes;
use super::sqlite::SqliteCatalog;
use super::{Catalog as _, CheckpointRow, SegmentRow};
use crate::bell::Bell;
use crate::error::{Error, Result};
use crate::fuse::whole_message;
use crate::journal::writer::Shared;
use crate::segment::Sealed;
use crate::signer::Signer;
use crate::tail::recorded_at;

const FILE: &str = "catalog.sqlite";
/// The names in it are not encrypted: nobody but the archive's owner reads it.
const FILE_MODE: u32 = 0o600;
/// How long it waits before it looks for new events again: one transaction takes all that came meanwhile.
const PAUSE: Duration = Duration::from_secs(1);
/// How long it waits after a failure.
const PAUSE_AFTER_FAULT: Duration = Duration::from_mins(1);
/// Events that one transaction takes at most: rooms and persons are written once for all of them.
const BATCH_EVENTS: u64 = 65_536;
/// Of those, how many are read out of segments at once.
const SEALED_EVENTS: u64 = 4_096;

/// Keeps the catalog of one archive. One round at a time.
#[derive(Debug)]
pub(crate) struct CatalogFollower {
    shared: Shared,
    sealed: Arc<Sealed>,
    signer: Arc<Signer>,
    /// Nothing where it could not be opened, or the disk is not the system's own.
    catalog: Option<SqliteCatalog>,
    /// Events followed.
    events: AtomicU64,
    /// Why the catalog is missing or stays behind.
    fault: Mutex<Option<String>>,
    /// Held during a round.
    listed: Mutex<Listed>,
    bell: Bell,
}

/// What was listed last.
#[derive(Debug, Default)]
struct Listed {
    /// How often the sealed ranges had changed.
    changes: Option<u64>,
    /// The size of the newest checkpoint.
    signed: Option<u64>,
}

impl CatalogFollower {
    /// Opens the catalog where the disk is the system's own, since a database opens its file itself. A failure is told, and kept
    /// as the fault.
    pub(crate) fn open(
        shared: &Shared,
        (sealed, signer): (&Arc<Sealed>, &Arc<Signer>),
        folder: &Path,
        archive: ArchiveId,
    ) -> Self {
        let disk = shared.ports.disk.as_ref();
        let opened =
            disk.is_native().then(|| open_file(disk, folder, archive, shared.memory.size()));
        let (catalog, events, fault) = match opened {
            None => (None, 0, None),
            Some(Ok((catalog, events))) => (Some(catalog), events, None),
            Some(Err(error)) => {
                tracing::warn!(%error, "the archive is open without its catalog");
                let reason = if let Error::Catalog { reason, .. } = &error {
                    reason.clone()
                } else {
                    whole_message(&error)
                };
                (None, 0, Some(reason))
            }
        };
        Self {
            shared: shared.clone(),
            sealed: Arc::clone(sealed),
            signer: Arc::clone(signer),
            catalog,
            events: AtomicU64::new(events),
            fault: Mutex::new(fault),
            listed: Mutex::default(),
            bell: Bell::default(),
        }
    }

    /// Returns whether this archive has a catalog, be it out of order.
    pub(crate) fn is_kept(&self) -> bool {
        self.shared.ports.disk.is_native()
    }

    /// Returns whether the catalog is open.
    pub(crate) const fn is_open(&self) -> bool {
        self.catalog.is_some()
    }

    /// Returns how many events it has followed.
    pub(crate) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Returns why the catalog is missing or stays behind, if it does.
    pub(crate) fn fault(&self) -> Option<String> {
        self.fault.lock().clone()
    }

    /// Returns the catalog. Fails where there is none.
    pub(crate) fn catalog(&self) -> Result<&SqliteCatalog> {
        self.catalog.as_ref().ok_or_else(|| {
            let none = || "this archive's disk is not the system's own and holds none".to_owned();
            Error::Catalog { action: "open", reason: self.fault().unwrap_or_else(none) }
        })
    }

    /// Follows the log until the archive closes or the log stops.
    pub(crate) fn run(&self) {
        let mut pause = Duration::ZERO;
        while self.bell.wait(u64::MAX, pause) {
            pause = match self.catch_up() {
                Ok(()) => PAUSE,
                Err(_) if self.shared.fuse.check().is_err() => return,
                Err(_) => PAUSE_AFTER_FAULT,
            };
        }
    }

    /// Follows all that is durable now, and lists the segments if there are new ones.
    pub(crate) fn catch_up(&self) -> Result<()> {
        let catalog = self.catalog()?;
        let mut listed = self.listed.lock();
        let done = self
            .follow(catalog)
            .and_then(|()| self.list_segments(catalog, &mut listed))
            .and_then(|()| self.list_checkpoints(catalog, &mut listed));
        let fault = done.as_ref().err().map(|error| whole_message(error));
        let mut known = self.fault.lock();
        if let Some(fault) = fault.as_ref().filter(|fault| known.as_ref() != Some(fault)) {
            tracing::warn!(error = %fault, "the catalog stays behind the log");
        }
        *known = fault;
        done
    }

    /// Ends [`CatalogFollower::run`] at the next batch.
    pub(crate) fn stop(&self) {
        self.bell.close();
    }

    /// Closes the file. On return it may be deleted.
    pub(crate) fn close(&self) {
        if let Some(catalog) = &self.catalog {
            catalog.close();
        }
    }

    fn follow(&self, catalog: &SqliteCatalog) -> Result<()> {
        while !self.bell.is_closing() {
            self.shared.fuse.check()?;
            let followed = self.events();
            let from = Seq::new(followed.saturating_add(1)).expect("no log has 2⁶³ events");
            let (changes, next) = self.changes_from(from)?;
            if next == from {
                break;
            }
            catalog.follow(changes, next.leaf_index())?;
            self.events.store(next.leaf_index(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Returns what the next events change, and the event to go on with. What is in memory is looked at where it lies.
    fn changes_from(&self, from: Seq) -> Result<(Changes, Seq)> {
        let mut changes = Changes::after(from.leaf_index());
        let end = from.plus(BATCH_EVENTS);
        let mut next = from;
        while next < end {
            if let Some(frame) = self.shared.memory.frame(next) {
                while let Some(record) = frame.record(next).filter(|_| next < end) {
                    changes.take_record(record);
                    next = next.next();
                }
            } else {
                let wanted = end.get().saturating_sub(next.get()).min(SEALED_EVENTS);
                let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
                let (found, after) = self.sealed.events_from(next, wanted, None)?;
                if after == next {
                    break;
                }
                for recorded in &found {
                    changes.take_event(recorded);
                }
                next = after;
            }
        }
        Ok((changes, next))
    }

    fn list_segments(&self, catalog: &SqliteCatalog, listed: &mut Listed) -> Result<()> {
        let changes = self.sealed.changes();
        if listed.changes != Some(changes) {
            catalog.list_segments(&files(&self.sealed))?;
            listed.changes = Some(changes);
        }
        Ok(())
    }

    /// Lists the checkpoints that are new. One that does not verify is told by `verify`, and is not listed.
    fn list_checkpoints(&self, catalog: &SqliteCatalog, listed: &mut Listed) -> Result<()> {
        let signed = self.signer.size();
        if listed.signed == Some(signed) {
            return Ok(());
        }
        let known: HashSet<u64> = catalog.checkpoints()?.iter().map(|row| row.size).collect();
        let disk = self.shared.ports.disk.as_ref();
        let sizes = self.signer.sizes(disk)?.into_iter();
        let mut rows = Vec::new();
        for size in sizes.filter(|size| *size <= signed && !known.contains(size)) {
            if let Ok(Some(found)) = self.signer.at(disk, size) {
                let at = recorded_at(&self.shared, &self.sealed, size);
                rows.push(CheckpointRow { size, root: found.checkpoint.root, at });
            }
        }
        catalog.list_checkpoints(rows)?;
        listed.signed = Some(signed);
        Ok(())
    }
}

/// Opens the file, and returns how many events it has followed. It may not be ahead of the log.
fn open_file(
    disk: &dyn Disk,
    folder: &Path,
    archive: ArchiveId,
    size: u64,
) -> Result<(SqliteCatalog, u64)> {
    let path = folder.join(FILE);
    match disk.create(&path) {
        Ok(_) => {
            disk.restrict(&path, FILE_MODE).map_err(Error::io("restrict", &path))?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Error::io("create", &path)(error)),
    }
    let catalog = SqliteCatalog::open(&path, archive)?;
    let events = catalog.watermark()?;
    if events > size {
        let reason = format!("it has followed {events} events, the log has {size}");
        return Err(Error::Catalog { action: "open", reason });
    }
    Ok((catalog, events))
}

/// Returns the segment files that can be read.
fn files(sealed: &Sealed) -> Vec<SegmentRow> {
    let ranges = sealed.ranges();
    let readers = ranges.iter().flat_map(|range| range.readers());
    readers
        .map(|reader| {
            let footer = reader.footer();
            SegmentRow {
                first: footer.header.first,
                last: footer.header.last,
                lane: footer.header.lane,
                generation: footer.header.generation,
                events: footer.rows(),
                bytes: reader.file_bytes(),
                raw_bytes: footer.raw_bytes(),
                sealed_at: footer.sealed_at,
            }
        })
        .collect()
}
