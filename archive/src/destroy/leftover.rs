//! What a destruction must not leave behind beside the ranges: the abridged ledger with named events, files that a failure kept from
//! being removed, and keys of files that are gone.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use chat::{ArchiveId, Disk, Lane, Seq};
use policy::RecordedOrder;

use super::Progress;
use crate::archive::Archive;
use crate::durable;
use crate::error::{Error, Result};
use crate::keys::KeyId;
use crate::segment::{HEADER_BYTES, SegmentHeader, SegmentName};

impl Archive {
    /// Lets the abridged ledger go if it has an event that the order names: it is derived, and made again without.
    pub(super) fn forget_abridged(&self, order: &RecordedOrder, _: &mut Progress) -> Result<()> {
        if order.names_of(Lane::Ledger) {
            self.abridging.forget(&is_named(order))?;
        }
        Ok(())
    }

    /// Returns whether the abridged ledger has an event that the order names.
    pub(super) fn does_abridged_hold(&self, order: &RecordedOrder) -> Result<bool> {
        Ok(order.names_of(Lane::Ledger) && self.abridging.holds(&is_named(order))?)
    }

    /// Removes files that were replaced and are still there, and destroys the keys of all that are gone.
    pub(super) fn clear_leftover(
        &self,
        order: &RecordedOrder,
        progress: &mut Progress,
    ) -> Result<()> {
        if self.catalog.is_kept()
            && let Err(error) = self.catch_up_catalog()
        {
            tracing::warn!(%error, "the catalog cannot say which files are named");
        }
        let _settling = self.settling.lock();
        self.remove_strays()?;
        let left_over = self.left_over()?;
        let ids = left_over.as_deref().unwrap_or_default();
        if !ids.is_empty() || self.shared.keys.has_retired() {
            progress.add_keys(self.shared.keys.destroy_counted(ids)?);
        }
        match left_over {
            Some(_) => Ok(()),
            None => Err(Error::KeysUncertain { place: order.place() }),
        }
    }

    /// Returns whether the ring has no key of a file that is gone, as far as that can be known.
    pub(super) fn is_nothing_left_over(&self) -> Result<bool> {
        if self.shared.keys.has_retired() {
            return Ok(false);
        }
        Ok(self.left_over()?.is_some_and(|left_over| left_over.is_empty()))
    }

    /// Removes segment files that belong to no range, which a failure has left there since the start. None where a file of a range is
    /// damaged: then any other may be of use.
    fn remove_strays(&self) -> Result<()> {
        let _no_seal_meanwhile = self.sealing.round.lock();
        let ranges = self.sealed.ranges();
        let readers: Vec<_> = ranges.iter().flat_map(|range| range.readers()).collect();
        if readers.len() != ranges.len().saturating_mul(Lane::ALL.len()) {
            return Ok(());
        }
        let used: HashSet<&Path> = readers.iter().map(|reader| reader.path()).collect();
        let keys: HashSet<KeyId> = readers.iter().map(|reader| reader.key()).collect();
        let place = self.sealing.place();
        let strays: Vec<PathBuf> = durable::list(place.disk, place.folder)?
            .into_iter()
            .filter(|name| {
                let name = name.strip_suffix(durable::UNFINISHED).unwrap_or(name);
                SegmentName::parse(name).is_some()
            })
            .map(|name| place.folder.join(name))
            .filter(|path| !used.contains(path.as_path()))
            .collect();
        for path in &strays {
            let key = key_of(place.disk, path, place.archive);
            place.keys.retire(key.filter(|key| !keys.contains(key)).as_slice());
            tracing::info!(path = %path.display(), "a replaced segment is removed");
            durable::remove_if_there(place.disk, path)?;
        }
        if strays.is_empty() {
            return Ok(());
        }
        let synced = place.disk.sync_folder(place.folder);
        self.shared.fuse.guard(synced.map_err(Error::io("sync folder", place.folder)))
    }
}

fn is_named(order: &RecordedOrder) -> impl Fn(Seq) -> bool {
    |seq| order.takes(seq, Lane::Ledger).is_some()
}

/// Returns the id of the key of a segment file, if its plaintext header can be read and is this archive's.
fn key_of(disk: &dyn Disk, path: &Path, archive: ArchiveId) -> Option<KeyId> {
    let mut plain = [0; HEADER_BYTES];
    disk.open_read(path).and_then(|file| file.read_exact_at(0, &mut plain)).ok()?;
    let header = SegmentHeader::decode(&plain).ok()?;
    (header.archive == archive).then(|| KeyId::from_bytes(header.file))
}
