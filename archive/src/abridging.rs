//! When the abridged ledger is written and when it is believed: a start then reads what the ledger says of rooms, persons and
//! credentials, however many searches, exports and messages lie between.
//!
//! It is derived. Deleted, damaged, of another log or ahead of this one, it is passed over, and the ledger itself is read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chat::{ArchiveId, Lane, Seq};
use parking_lot::Mutex;

use crate::abridged::{self, Abridged, FILE_BYTES_MAX};
use crate::durable;
use crate::error::{Error, Result};
use crate::journal::writer::Shared;
use crate::keys::KeyId;
use crate::log_tree::{LogTree, TreeCache};
use crate::proof::Digest;
use crate::proof::tree;
use crate::segment::Sealed;
use crate::settings::Settings;
use crate::tail::read_on;
use crate::tiles::Tiles;

/// Events of the ledger that are read at once.
const BATCH_EVENTS: usize = 8_192;
/// New events after which it is written while the archive is open: a crash costs the next start no more than these.
const DUE_EVENTS: u64 = 1 << 18;
/// New events after which it is written when the archive closes; fewer are read in no time.
const DUE_AT_CLOSE_EVENTS: u64 = 1 << 12;

/// Writes the abridged ledger of one archive, and reads it back.
#[derive(Debug)]
pub(crate) struct Abridging {
    shared: Shared,
    sealed: Arc<Sealed>,
    tiles: Arc<Tiles>,
    archive: ArchiveId,
    /// The archive's folder.
    home: PathBuf,
    /// Bytes of the volume that it leaves alone.
    reserve_bytes: u64,
    /// The file that is there. Held while it is replaced.
    written: Mutex<Written>,
}

/// The file that is there.
#[derive(Debug, Clone, Copy, Default)]
struct Written {
    /// The id of its key.
    key: Option<KeyId>,
    /// Events that it is known to cover, once it was read or written.
    covered: Option<u64>,
}

impl Abridging {
    /// Looks whose key the file needs, if there is one; it is read when a fold asks for it.
    pub(crate) fn open(
        shared: &Shared,
        (sealed, tiles): (&Arc<Sealed>, &Arc<Tiles>),
        home: &Path,
        (archive, settings): (ArchiveId, &Settings),
    ) -> Self {
        let mut head = [0; abridged::HEADER_BYTES];
        let file = shared.ports.disk.open_read(&abridged::path(home));
        let read = file.and_then(|file| file.read_exact_at(0, &mut head));
        let key = read.ok().and_then(|()| abridged::key_of(&head, archive));
        Self {
            shared: shared.clone(),
            sealed: Arc::clone(sealed),
            tiles: Arc::clone(tiles),
            archive,
            home: home.to_owned(),
            reserve_bytes: settings.reserve_bytes,
            written: Mutex::new(Written { key, covered: None }),
        }
    }

    /// Returns the key that the file needs, if there is one.
    pub(crate) fn key(&self) -> Option<KeyId> {
        self.written.lock().key
    }

    /// Reads the file; nothing if there is none, or it does not speak of the first events of this very log.
    pub(crate) fn read(&self) -> Option<Abridged> {
        self.read_into(&mut self.written.lock())
    }

    fn read_into(&self, written: &mut Written) -> Option<Abridged> {
        let disk = self.shared.ports.disk.as_ref();
        let path = abridged::path(&self.home);
        let bytes = durable::read(disk, &path, FILE_BYTES_MAX).ok().flatten()?;
        let opener = abridged::key_of(&bytes, self.archive)
            .and_then(|key| self.shared.keys.opener(key).ok().flatten());
        let found = opener.and_then(|opener| Abridged::decode(&bytes, &opener));
        let found = found.filter(|found| {
            found.size <= self.shared.memory.size()
                && self.root(found.size).is_ok_and(|root| root == found.root)
        });
        if found.is_none() {
            tracing::warn!(path = %path.display(), "it is not this ledger's: the ledger is read");
        }
        written.covered = Some(found.as_ref().map_or(0, |found| found.size));
        found
    }

    /// Writes it if enough is new while the archive is open. A failure is told: the file is derived.
    pub(crate) fn renew_due(&self) {
        self.renew_after(DUE_EVENTS);
    }

    /// Writes it if enough is new for the archive to close.
    pub(crate) fn renew_at_close(&self) {
        self.renew_after(DUE_AT_CLOSE_EVENTS);
    }

    fn renew_after(&self, events: u64) {
        let size = self.shared.memory.size();
        let is_due = |covered: u64| size.saturating_sub(covered) >= events;
        let covered = self.written.lock().covered;
        if is_due(covered.unwrap_or(0))
            && let Err(error) = self.renew()
        {
            tracing::warn!(%error, "the abridged ledger could not be written; it is derived");
        }
    }

    /// Writes it anew, up to the present size.
    pub(crate) fn renew(&self) -> Result<()> {
        self.shared.fuse.check()?;
        let mut written = self.written.lock();
        let mut now = self.read_into(&mut written).unwrap_or_default();
        self.follow(&mut now)?;
        let bytes = now.bytes();
        self.check_space(bytes)?;
        if bytes >= FILE_BYTES_MAX / 2 {
            // It would be passed over by the next start.
            return Ok(());
        }
        let mut sealer = self.shared.keys.new_file()?;
        let file = now.encode(self.archive, &mut sealer);
        durable::write(self.shared.ports.disk.as_ref(), &abridged::path(&self.home), &file)?;
        let before = std::mem::replace(
            &mut *written,
            Written { key: Some(sealer.id()), covered: Some(now.size) },
        );
        self.shared.keys.retire(before.key.as_slice());
        Ok(())
    }

    /// Returns whether the file has, or may have, one of some events.
    pub(crate) fn holds(&self, is_named: &dyn Fn(Seq) -> bool) -> Result<bool> {
        let _written = self.written.lock();
        Ok(self.key_if_it_holds(is_named)?.is_some())
    }

    /// Removes the file if it has, or may have, one of some events that are destroyed; its key goes with the next destruction. Whoever
    /// writes it next finds them in the ledger no more.
    pub(crate) fn forget(&self, is_named: &dyn Fn(Seq) -> bool) -> Result<()> {
        let mut written = self.written.lock();
        let Some(key) = self.key_if_it_holds(is_named)? else { return Ok(()) };
        let (disk, path) = (self.shared.ports.disk.as_ref(), abridged::path(&self.home));
        durable::remove_if_there(disk, &path)?;
        self.shared.fuse.guard(durable::sync_folder_of(disk, &path))?;
        self.shared.keys.retire(key.or(written.key).as_slice());
        *written = Written::default();
        Ok(())
    }

    /// Returns the key of the file, where its header tells it, if the file has one of some events or cannot say that it has none. One
    /// whose key is gone has nothing any more.
    #[expect(clippy::option_option, reason = "whether it has one, and whose key it is")]
    fn key_if_it_holds(&self, is_named: &dyn Fn(Seq) -> bool) -> Result<Option<Option<KeyId>>> {
        let path = abridged::path(&self.home);
        let disk = self.shared.ports.disk.as_ref();
        let Some(bytes) = durable::read(disk, &path, FILE_BYTES_MAX)? else { return Ok(None) };
        let Some(key) = abridged::key_of(&bytes, self.archive) else { return Ok(Some(None)) };
        let Some(opener) = self.shared.keys.opener(key)? else { return Ok(None) };
        let found = Abridged::decode(&bytes, &opener);
        let has_one = found.is_none_or(|found| found.seqs().any(is_named));
        Ok(has_one.then_some(Some(key)))
    }

    /// Returns what it would be if it were written from nothing, up to a size.
    pub(crate) fn remake(&self, size: u64) -> Result<Abridged> {
        let mut anew = Abridged::default();
        self.follow_to(&mut anew, size)?;
        anew.root = self.root(size)?;
        Ok(anew)
    }

    /// Adds what the ledger says beyond it, and takes the present size and root.
    fn follow(&self, abridged: &mut Abridged) -> Result<()> {
        let tree = self.shared.memory.frontier();
        self.follow_to(abridged, tree.size())?;
        abridged.root = tree.root();
        Ok(())
    }

    fn follow_to(&self, abridged: &mut Abridged, size: u64) -> Result<()> {
        let mut next = abridged.end();
        while next.get() <= size {
            let (mut events, after) =
                read_on(&self.shared, &self.sealed, next, BATCH_EVENTS, Some(Lane::Ledger))?;
            if after == next {
                break;
            }
            events.retain(|event| event.seq.get() <= size);
            abridged.extend(&events);
            next = after;
        }
        abridged.size = size;
        Ok(())
    }

    /// Returns the root over the first `size` events.
    fn root(&self, size: u64) -> Result<Digest> {
        let now = self.shared.memory.frontier();
        if now.size() == size {
            return Ok(now.root());
        }
        let sealed = |first: Seq, count: u64| self.sealed.leaves(first, count);
        let (tiles, memory) = (self.tiles.as_ref(), self.shared.memory.as_ref());
        let cache = TreeCache::default();
        tree::root(size, &LogTree { tiles, memory, sealed: &sealed, cache: &cache })
    }

    fn check_space(&self, bytes: u64) -> Result<()> {
        let free_bytes = self
            .shared
            .ports
            .disk
            .free_bytes(&self.home)
            .map_err(Error::io("measure the volume of", &self.home))?;
        if free_bytes < self.reserve_bytes.saturating_add(bytes) {
            return Err(Error::DiskFull { free_bytes, reserve_bytes: self.reserve_bytes });
        }
        Ok(())
    }
}
