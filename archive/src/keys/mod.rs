//! The archive's keys: what lies in `keys/`, and how the bytes of every other file are sealed (house.md §6.4, docs/format.md).
//!
//! One key-encryption key opens three small files: the epoch key, the archive's secret and the signing seed. The epoch
//! key opens the ring, which holds one data key for each encrypted file. Who drops an entry of the ring and the epoch key that
//! wrapped it has destroyed the file, wherever copies of it lie.

mod kek;
mod part;
mod ring;
#[cfg(test)]
mod tests;
mod wrapped;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use chat::ArchiveId;
use hkdf::Hkdf;
use parking_lot::Mutex;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::disk::Ports;
use crate::durable;
use crate::error::{Error, Result};
use crate::fuse::Fuse;
use ring::Ring;

pub use part::{KeyId, Opener, SEAL_BYTES, Sealer};
pub(crate) use ring::ids as ring_ids;

/// A secret of 32 bytes, wiped when it is dropped.
pub type Secret = Zeroizing<[u8; 32]>;

/// What the key of blob names is derived for.
const BLOB_NAMES: &[u8] = b"muniment blob names v1";
/// What the key of origins' fingerprints is derived for.
const ORIGINS: &[u8] = b"muniment origins v1";

/// The keys of one open archive.
pub struct Keys {
    place: KeyPlace,
    ports: Ports,
    fuse: Arc<Fuse>,
    ring: Mutex<Ring>,
    /// Whose keys were in the ring when it was opened.
    inherited: HashSet<KeyId>,
    /// Keys that no file needs: they go with the next destruction.
    retired: Mutex<Vec<KeyId>>,
    secret: Secret,
    signing_seed: Secret,
}

/// Where keys lie and whom they belong to.
#[derive(Debug, Clone)]
pub(crate) struct KeyPlace {
    /// The folder `keys`.
    pub(crate) folder: PathBuf,
    /// Where the key-encryption key lies, if not in that folder.
    pub(crate) kek_file: Option<PathBuf>,
    /// Whose keys these are; bound into every wrapping.
    pub(crate) archive: ArchiveId,
}

impl Keys {
    /// Draws all keys of a new archive and writes them durably. A key file named by the caller must be there already.
    pub(crate) fn create(place: &KeyPlace, ports: &Ports) -> Result<()> {
        let disk = ports.disk.as_ref();
        durable::create_folder(disk, &place.folder)?;
        let kek = match &place.kek_file {
            Some(path) => kek::load(disk, path)?,
            None => kek::create(ports, &place.folder.join(kek::NAME))?,
        };
        for kind in [wrapped::SECRET, wrapped::SIGNING, wrapped::EPOCH] {
            let secret = draw(ports, "a key")?;
            wrapped::write(ports, place, &kek, kind, &[(1, secret)])?;
        }
        Ring::create(disk, place, 1)
    }

    /// Opens the keys of an archive and cuts a torn tail off the ring.
    pub(crate) fn open(place: &KeyPlace, ports: Ports, fuse: Arc<Fuse>) -> Result<Self> {
        let disk = ports.disk.as_ref();
        let kek = kek::load(disk, &kek_path(place))?;
        let secret = wrapped::read_one(disk, place, &kek, wrapped::SECRET)?;
        let signing_seed = wrapped::read_one(disk, place, &kek, wrapped::SIGNING)?;
        let epochs = wrapped::read(disk, place, &kek, wrapped::EPOCH)?;
        let ring = Ring::open(&ports, place, &kek, epochs)?;
        let (place, inherited) = (place.clone(), ring.ids().collect());
        let (ring, retired) = (Mutex::new(ring), Mutex::default());
        Ok(Self { place, ports, fuse, ring, inherited, retired, secret, signing_seed })
    }

    /// Draws the data key of a new file and puts it durably into the ring, before the file can hold a byte.
    pub fn new_file(&self) -> Result<Sealer> {
        self.fuse.check()?;
        let id = KeyId::draw(self.ports.rng.as_ref())?;
        let key = draw(&self.ports, "a data key")?;
        let mut ring = self.ring.lock();
        // Whoever held the ring may have found that nobody knows which one is durable: a key put into it then could be lost.
        self.fuse.check()?;
        self.fuse.guard(ring.add(&self.ports, id, &key))?;
        drop(ring);
        Ok(Sealer::new(id, &key))
    }

    /// Returns what opens the parts of a file, or nothing if its key has been destroyed.
    pub fn opener(&self, id: KeyId) -> Result<Option<Opener>> {
        Ok(self.ring.lock().key(id)?.map(|key| Opener::new(id, &key)))
    }

    /// Returns whether the key of a file is there, be it that it does not open.
    pub(crate) fn holds(&self, id: KeyId) -> bool {
        self.ring.lock().holds(id)
    }

    /// Returns how many keys there are.
    pub(crate) fn count(&self) -> usize {
        self.ring.lock().ids().count()
    }

    /// Returns what is wrong with the ring, if anything: damaged entries cost their files the key.
    pub(crate) fn fault(&self) -> Option<String> {
        self.ring.lock().fault()
    }

    /// Says that a file will not be there, or is there no more: its key goes with the next destruction.
    pub(crate) fn retire(&self, ids: &[KeyId]) {
        self.retired.lock().extend_from_slice(ids);
    }

    /// Returns the keys that lay in the ring at the start, are still there, and belong to none of these files.
    pub(crate) fn inherited_but(&self, used: &HashSet<KeyId>) -> Vec<KeyId> {
        let ring = self.ring.lock();
        self.inherited.difference(used).copied().filter(|id| ring.holds(*id)).collect()
    }

    /// Returns whether something is left to destroy: the ring has a key that is retired, or a change of epoch failed before its end, so
    /// that the old epoch's key may still be there.
    pub(crate) fn has_retired(&self) -> bool {
        let retired = self.retired.lock();
        let ring = self.ring.lock();
        ring.is_changing() || retired.iter().any(|id| ring.holds(*id))
    }

    /// Destroys the keys that are retired, if there are any.
    pub(crate) fn destroy_retired(&self) -> Result<()> {
        if self.retired.lock().is_empty() { Ok(()) } else { self.destroy(&[]) }
    }

    /// Destroys the data keys of these files, and those that are retired: the rest is wrapped again under a new epoch key, and the
    /// old one is erased.
    ///
    /// On return no key file holds them. After a crash the ring is the old one or the new one. After a failure they stay retired.
    pub fn destroy(&self, ids: &[KeyId]) -> Result<()> {
        self.destroy_counted(ids).map(drop)
    }

    /// Does as [`Keys::destroy`], and returns how many keys went and the epoch of those that are left.
    pub(crate) fn destroy_counted(&self, ids: &[KeyId]) -> Result<(u64, u32)> {
        self.fuse.check()?;
        self.retire(ids);
        let ids = std::mem::take(&mut *self.retired.lock());
        let kek = kek::load(self.ports.disk.as_ref(), &kek_path(&self.place));
        let rewrapped = kek.and_then(|kek| {
            let mut ring = self.ring.lock();
            self.fuse.check()?;
            let before = ring.ids().count();
            ring.rewrap_without((&self.ports, &self.fuse), &kek, &ids)?;
            let gone = before.saturating_sub(ring.ids().count());
            Ok((u64::try_from(gone).unwrap_or(u64::MAX), ring.epoch()))
        });
        rewrapped.inspect_err(|_| self.retire(&ids))
    }

    /// Returns the key that names blobs: it stays the same whatever key wraps the others.
    pub fn blob_name_key(&self) -> Secret {
        self.derive(BLOB_NAMES)
    }

    /// Returns the key of origins' fingerprints: it stays the same whatever key wraps the others.
    pub fn origin_key(&self) -> Secret {
        self.derive(ORIGINS)
    }

    /// Returns the seed of the Ed25519 key that signs checkpoints.
    pub(crate) fn signing_seed(&self) -> &Secret {
        &self.signing_seed
    }

    fn derive(&self, purpose: &[u8]) -> Secret {
        let mut key = Secret::default();
        Hkdf::<Sha256>::new(None, self.secret.as_slice())
            .expand(purpose, key.as_mut_slice())
            .expect("HKDF-SHA-256 gives up to 8160 bytes, and 32 are asked for");
        key
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// Returns where the key-encryption key lies.
pub(crate) fn kek_path(place: &KeyPlace) -> PathBuf {
    place.kek_file.clone().unwrap_or_else(|| place.folder.join(kek::NAME))
}

/// Draws a secret.
fn draw(ports: &Ports, purpose: &'static str) -> Result<Secret> {
    let mut secret = Secret::default();
    ports
        .rng
        .fill(secret.as_mut_slice())
        .map_err(|source| Error::Randomness { purpose, source })?;
    Ok(secret)
}
