//! The facade: one open archive, and what may be asked of it.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use chat::{ArchiveId, DiskLock, FileId, Lane, Recorded, RoomId, Seq, Timestamp};
use parking_lot::Mutex;

use crate::abridging::Abridging;
use crate::blob::{KeptFile, LocalBlobs};
use crate::catalog::{Catalog, CatalogFollower};
use crate::description::Description;
use crate::disk::Ports;
use crate::error::{Error, Result};
use crate::journal::frame::{Records, TooLarge};
use crate::journal::promise::{self, Pending, Promise};
use crate::journal::queue::PlaceHead;
use crate::journal::writer::Shared;
use crate::keys::Keys;
use crate::log_tree::TreeCache;
use crate::proof::VerifierKey;
use crate::reserve::Reserve;
use crate::sealing::{SealReport, Sealing};
use crate::segment::Sealed;
use crate::settings::Settings;
use crate::signer::{SignedCheckpoint, Signer};
use crate::tail::{Tail, read_on, recorded_at};
use crate::tiles::Tiles;
use crate::upkeep::Checkpoints;
use crate::verify::Finding;

/// Journal files' worth of bytes that may wait while sealing fails.
const UNSEALED_FILES_MAX: u64 = 4;
/// Journal files at which a closing archive seals them, however small they are.
const JOURNAL_FILES_MAX: usize = 16;

/// One open archive. Only one process has it open at a time; within it, any number of threads may use it.
#[derive(Debug)]
pub struct Archive {
    pub(crate) folder: PathBuf,
    pub(crate) description: Description,
    pub(crate) settings: Settings,
    pub(crate) shared: Shared,
    pub(crate) reserve: Reserve,
    pub(crate) signer: Arc<Signer>,
    pub(crate) sealed: Arc<Sealed>,
    pub(crate) tiles: Arc<Tiles>,
    pub(crate) tree_cache: TreeCache,
    pub(crate) sealing: Arc<Sealing>,
    pub(crate) blobs: LocalBlobs,
    pub(crate) catalog: Arc<CatalogFollower>,
    pub(crate) checkpoints: Arc<Checkpoints>,
    pub(crate) abridging: Arc<Abridging>,
    /// Held while sealed files are replaced, and while they are all read.
    pub(crate) settling: Mutex<()>,
    /// What was wrong with the stored places at the start.
    pub(crate) places_fault: Option<String>,
    /// The writer first, then those behind it.
    pub(crate) threads: Mutex<Vec<JoinHandle<()>>>,
    /// Held as long as the archive is open.
    pub(crate) lock: Mutex<Option<Box<dyn DiskLock>>>,
}

/// How an archive is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveState {
    /// Events acknowledged.
    pub events: u64,
    /// Size of the newest checkpoint, 0 if none was signed.
    pub checkpoint_size: u64,
    /// Bytes of the journal that hold unsealed events.
    pub journal_bytes: u64,
    /// Bytes of the sealed files.
    pub sealed_bytes: u64,
    /// Bytes of the headers and values in them, before columns and compression.
    pub raw_bytes: u64,
    /// Bytes of memory that decoded blocks take, which are kept for those who read their neighbours; at most 48 MiB.
    pub cached_bytes: u64,
    /// Sealed ranges.
    pub segments: u64,
    /// When the last of them was sealed.
    pub last_seal: Option<Timestamp>,
    /// Files kept.
    pub blobs: u64,
    /// Bytes that they have on disk.
    pub blob_bytes: u64,
    /// Events that the catalog has followed.
    pub catalog_events: u64,
    /// Why the catalog is missing or stays behind, if it does. The log does not need it.
    pub catalog_fault: Option<String>,
    /// Bytes free on the volume, if that is known.
    pub free_bytes: Option<u64>,
    /// Why the writer has stopped, if it has.
    pub failed: Option<String>,
    /// Why the journal could not be sealed the last time it was tried, if so. The journal keeps the events; it is tried again.
    pub sealing_fault: Option<String>,
    /// Damage known since the start, with the events concerned where that is known. [`Archive::verify`] looks for more.
    pub findings: Vec<Finding>,
}

impl Archive {
    /// Returns the archive's id.
    pub const fn id(&self) -> ArchiveId {
        self.description.archive
    }

    /// Returns the key that the archive's checkpoints and notes are verified with.
    pub const fn public_key(&self) -> &VerifierKey {
        &self.description.public_key
    }

    /// Returns what the archive says of itself.
    pub const fn description(&self) -> &Description {
        &self.description
    }

    /// Returns the folder that it lies in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the archive's keys.
    pub fn keys(&self) -> &Keys {
        &self.shared.keys
    }

    /// Returns the clock, the randomness and the disk that the archive was opened with.
    pub const fn ports(&self) -> &Ports {
        &self.shared.ports
    }

    /// Returns how many events are acknowledged: written and synced.
    pub fn size(&self) -> u64 {
        self.shared.memory.size()
    }

    /// Puts a batch behind the log and returns the promise of its leaves.
    ///
    /// The events must follow the log densely, and each its room; [`Error::BatchOrder`] and [`Error::BatchPlace`] say where
    /// they do not, and then nothing of the batch is taken. Blocks while the queue is full. A near-full disk refuses a batch
    /// that holds talk ([`Error::DiskFull`]), and so does a log that cannot be sealed ([`Error::SealingFails`]); ledger events are taken.
    pub fn append(&self, batch: Vec<Recorded>) -> Result<Pending> {
        let (promise, pending) = self.promise();
        self.append_as(batch, promise)?;
        Ok(pending)
    }

    /// Returns a promise for [`Archive::append_as`], and its other side. Who hands events to somebody who appends them can so wait for
    /// the disk alone, and not for that somebody before.
    pub fn promise(&self) -> (Promise, Pending) {
        promise::promise(Arc::clone(&self.shared.fuse))
    }

    /// Does as [`Archive::append`] and keeps a promise that was given before. Where it fails, the promise is broken.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the log takes the events over; where they are encoded is its own business"
    )]
    pub fn append_as(&self, batch: Vec<Recorded>, promise: Promise) -> Result<()> {
        self.shared.fuse.check()?;
        let limit = chat::limits::EVENT_BYTES_MAX;
        let pieces = Records::encode(&batch)
            .map_err(|TooLarge { seq, bytes }| Error::EventTooLarge { seq, found: bytes, limit })?;
        let bytes: usize = pieces.iter().map(Records::bytes).sum();
        if batch.iter().any(|event| event.lane() == Lane::Talk) {
            self.check_room(u64::try_from(bytes).unwrap_or(u64::MAX))?;
            self.check_sealing()?;
        }
        self.shared.queue.push(&batch, pieces, promise)
    }

    /// Refuses content that would touch the reserve.
    fn check_room(&self, bytes: u64) -> Result<()> {
        if self.sealing.fault.lock().is_some() {
            // What failed there may have been a full disk.
            return self.check_reserve(bytes);
        }
        let now = self.shared.ports.clock.now();
        self.reserve.check_append(bytes, now, || self.free_bytes())
    }

    fn free_bytes(&self) -> Result<u64> {
        let disk = self.shared.ports.disk.as_ref();
        disk.free_bytes(&self.folder).map_err(Error::io("measure the volume of", &self.folder))
    }

    /// Refuses content while sealing fails and much waits for it: what waits is in memory.
    fn check_sealing(&self) -> Result<()> {
        let waiting_bytes = self.shared.memory.unsealed_bytes();
        if waiting_bytes <= self.settings.seal_bytes.saturating_mul(UNSEALED_FILES_MAX) {
            return Ok(());
        }
        let reason = self.sealing.fault.lock().clone();
        reason.map_or(Ok(()), |reason| Err(Error::SealingFails { waiting_bytes, reason }))
    }

    pub(crate) fn check_reserve(&self, bytes: u64) -> Result<()> {
        self.reserve.check(bytes, || self.free_bytes())
    }

    /// Returns an event, or nothing if it is beyond the size or destroyed.
    pub fn read(&self, seq: Seq) -> Result<Option<Recorded>> {
        self.shared.fuse.check()?;
        if seq.get() > self.size() {
            return Ok(None);
        }
        // What is sealed is shown there before the journal's copy is forgotten, so one of the two has it.
        match self.shared.memory.read(seq) {
            Some(event) => Ok(Some(event)),
            None => self.sealed.read(seq),
        }
    }

    /// Returns events in the order asked for, nothing in place of one that is beyond the size or destroyed. Each block is
    /// decoded once.
    pub fn read_many(&self, seqs: &[Seq]) -> Result<Vec<Option<Recorded>>> {
        self.shared.fuse.check()?;
        let size = self.size();
        let mut events: Vec<_> = seqs.iter().map(|seq| self.shared.memory.read(*seq)).collect();
        let absent =
            |(seq, event): &(&Seq, &mut Option<Recorded>)| event.is_none() && seq.get() <= size;
        let (sealed, slots): (Vec<Seq>, Vec<_>) =
            seqs.iter().zip(&mut events).filter(absent).unzip();
        for (slot, event) in slots.into_iter().zip(self.sealed.read_many(&sealed)?) {
            *slot = event;
        }
        Ok(events)
    }

    /// Returns a reader of the whole log from this event on.
    pub fn tail(self: &Arc<Self>, from: Seq) -> Tail {
        Tail::new(Arc::clone(self), from, None)
    }

    /// Returns a reader of the ledger lane alone from this event on.
    pub fn ledger(self: &Arc<Self>, from: Seq) -> Tail {
        Tail::new(Arc::clone(self), from, Some(Lane::Ledger))
    }

    /// Returns a reader of the ledger from its first event on for whoever folds what it says of rooms, persons, sources, imports and
    /// credentials. Officers' looks, and ledger events that say nothing of themselves, may be passed over.
    ///
    /// It reads the abridged ledger as far as that reaches (docs/format.md §11), and then the ledger.
    pub fn ledger_abridged(self: &Arc<Self>) -> Tail {
        Tail::behind(self.ledger(Seq::FIRST), self.abridging.read())
    }

    /// Returns up to `max` events of a lane, or of both, from this one on, and the event to go on with.
    pub(crate) fn read_on(
        &self,
        from: Seq,
        max: usize,
        lane: Option<Lane>,
    ) -> Result<(Vec<Recorded>, Seq)> {
        self.shared.fuse.check()?;
        read_on(&self.shared, &self.sealed, from, max, lane)
    }

    /// Waits until more than `size` events are durable, or for so long. Returns whether they are.
    pub(crate) fn wait_beyond(&self, size: u64, timeout: Duration) -> bool {
        self.shared.memory.wait(size, timeout)
    }

    /// Returns the newest event of each room, those not yet acknowledged included: where a sequencer goes on.
    pub fn places(&self) -> HashMap<RoomId, PlaceHead> {
        self.shared.queue.places()
    }

    /// Seals all events that are durable now, and returns what was done. It also runs by itself (house.md §6.3).
    ///
    /// On return the files are proven and durable, and the journal's copy is gone.
    pub fn seal(&self) -> Result<SealReport> {
        self.shared.queue.finish_file()?;
        self.sealing.seal_complete()
    }

    /// Does what is due on the archive's clock: seals a journal that is large or a day old, and signs a checkpoint. It also happens by itself,
    /// unless the settings say otherwise.
    pub fn upkeep(&self) -> Result<SealReport> {
        self.shared.fuse.check()?;
        if self.sealing.is_file_old() {
            self.shared.queue.finish_file()?;
        }
        let report = self.sealing.seal_due()?;
        self.checkpoints.sign_due()?;
        Ok(report)
    }

    /// Keeps the bytes of a file, the same content once. On return they are durable.
    ///
    /// A near-full disk refuses them ([`Error::DiskFull`]), as it refuses talk.
    pub fn keep_file(&self, content: &mut dyn Read) -> Result<KeptFile> {
        self.shared.fuse.check()?;
        self.check_reserve(0)?;
        self.blobs.keep(content).inspect_err(|_| self.reserve.forget())
    }

    /// Returns the bytes of a kept file, or nothing if it is not kept. They are verified while they are read: where the
    /// whole is not what was kept, the last read is an error.
    pub fn file(&self, file: &FileId) -> Result<Option<Box<dyn Read + Send>>> {
        let Some(content) = self.blobs.content(file)? else { return Ok(None) };
        Ok(Some(Box::new(content)))
    }

    /// Returns the lists of segments, sources, rooms, persons, kinds, imports and files.
    ///
    /// They follow the log by a second or so; [`Archive::catch_up_catalog`] makes them level. Fails with [`Error::Catalog`] where
    /// the catalog could not be opened, or the archive's disk is not the system's own: the log goes on without it.
    pub fn catalog(&self) -> Result<&dyn Catalog> {
        Ok(self.catalog.catalog()?)
    }

    /// Makes the catalog level with what is durable now. It also happens by itself, unless the settings say otherwise.
    pub fn catch_up_catalog(&self) -> Result<()> {
        self.catalog.catch_up()
    }

    /// Returns everything that is sealed.
    pub fn sealed(&self) -> &Sealed {
        &self.sealed
    }

    /// Signs the present size and root, stores the checkpoint durably and returns it; the newest one if nothing is new.
    pub fn checkpoint(&self) -> Result<SignedCheckpoint> {
        self.shared.fuse.check()?;
        let tree = self.shared.memory.frontier();
        let signed = self.signer.sign(self.shared.ports.disk.as_ref(), &tree)?;
        Ok(self.with_time(signed))
    }

    fn with_time(&self, signed: SignedCheckpoint) -> SignedCheckpoint {
        let at = recorded_at(&self.shared, &self.sealed, signed.checkpoint.size);
        SignedCheckpoint { at, ..signed }
    }

    /// Returns the newest checkpoint, if one was ever signed.
    pub fn newest_checkpoint(&self) -> Option<SignedCheckpoint> {
        self.signer.newest().map(|signed| self.with_time(signed))
    }

    /// Returns the checkpoint of exactly this size, if one was signed.
    pub fn checkpoint_at(&self, size: u64) -> Result<Option<SignedCheckpoint>> {
        let signed = self.signer.at(self.shared.ports.disk.as_ref(), size)?;
        Ok(signed.map(|signed| self.with_time(signed)))
    }

    /// Signs a text that is no checkpoint, such as a manifest, and returns the note. Its first line must not be an origin.
    pub fn sign_note(&self, text: &str) -> Result<String> {
        self.signer.sign_text(text)
    }

    /// Returns how the archive is doing.
    pub fn state(&self) -> ArchiveState {
        let sealed = self.sealed.totals();
        let (blobs, blob_bytes) = self.blobs.totals();
        ArchiveState {
            events: self.size(),
            checkpoint_size: self.signer.newest().map_or(0, |newest| newest.checkpoint.size),
            journal_bytes: self.shared.memory.bytes(),
            sealed_bytes: sealed.bytes,
            raw_bytes: sealed.raw_bytes,
            cached_bytes: self.sealed.cached_bytes(),
            segments: sealed.segments,
            last_seal: sealed.last_seal,
            blobs,
            blob_bytes,
            catalog_events: self.catalog.events(),
            catalog_fault: self.catalog.fault(),
            free_bytes: self.shared.ports.disk.free_bytes(&self.folder).ok(),
            failed: self.shared.fuse.reason().map(str::to_owned),
            sealing_fault: self.sealing.fault.lock().clone(),
            findings: self.known_findings(),
        }
    }

    /// Writes what waits, signs a last checkpoint and gives the lock back. Afterwards nothing can be appended.
    ///
    /// Every start begins a journal file of its own: where many short runs have left many small ones, they are sealed as one.
    pub fn close(&self) -> Result<()> {
        if self.settings.runs_upkeep && self.shared.memory.file_count() >= JOURNAL_FILES_MAX {
            // What could not be sealed stays in the journal, whole; the next to close tries again.
            if let Err(error) = self.seal() {
                tracing::warn!(%error, "the journal files of many short runs were not sealed");
            }
        }
        let was_open = self.stop();
        let is_new = was_open && self.size() > self.signer.size();
        let signed = if is_new { self.checkpoint().map(drop) } else { Ok(()) };
        if was_open && self.settings.runs_upkeep {
            self.abridging.renew_at_close();
        }
        drop(self.lock.lock().take());
        signed
    }

    /// Lets the writer finish what waits, then ends the others; returns whether they were still at work.
    ///
    /// In that order, since the writer may wait for the sealer.
    fn stop(&self) -> bool {
        self.shared.queue.close();
        let mut threads = std::mem::take(&mut *self.threads.lock()).into_iter();
        let Some(writer) = threads.next() else { return false };
        self.join(writer);
        self.shared.sealing.close();
        self.shared.checkpoints.close();
        self.catalog.stop();
        threads.for_each(|thread| self.join(thread));
        self.catalog.close();
        true
    }

    fn join(&self, thread: JoinHandle<()>) {
        if thread.join().is_err() {
            self.shared.fuse.blow("go on after a fault of the program in a thread");
        }
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        self.stop();
    }
}
