//! The ring: one wrapped data key for each encrypted file, appended and synced before the file holds a byte
//! (docs/format.md, "Keys").
//!
//! `magic (8) ‖ u32 epoch ‖ archive id ‖ CRC32C`, then entries of 80 bytes: `file id ‖ nonce ‖ sealed key ‖ CRC32C`.
//! An entry leaves the ring only when the whole ring is written anew under the next epoch's key.

use std::collections::HashMap;
use std::path::PathBuf;

use chat::{ArchiveId, Disk, DiskFile};

use super::part::KeyId;
use super::wrapped::{self, WRAPPED_BYTES};
use super::{KeyPlace, Secret, draw};
use crate::disk::Ports;
use crate::durable;
use crate::error::{Error, Result};
use crate::fuse::Fuse;

const NAME: &str = "ring";
const MAGIC: &[u8; 8] = b"mun-ring";
const HEADER_BYTES: usize = 32;
const ENTRY_BYTES: usize = 16 + WRAPPED_BYTES + 4;
const ENTRY_BYTES_ON_DISK: u64 = 80;
/// 12 million files; past that a ring is not one of ours.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// The open ring.
pub(super) struct Ring {
    place: KeyPlace,
    file: Box<dyn DiskFile>,
    end: u64,
    epoch: u32,
    epoch_key: Secret,
    entries: HashMap<KeyId, [u8; WRAPPED_BYTES]>,
    /// Entries that were damaged when the ring was opened: the files they belong to cannot be read.
    damaged: usize,
    /// Whether a change of epoch was begun and has not ended: the key of an epoch before may be on the disk still.
    is_changing: bool,
}

impl Ring {
    /// Writes the empty ring of a new archive.
    pub(super) fn create(disk: &dyn Disk, place: &KeyPlace, epoch: u32) -> Result<()> {
        durable::write_secret(disk, &path(place), &header(place.archive, epoch), 0o600)
    }

    /// Opens the ring, cuts a torn tail, passes over damaged entries, and finishes a change of epoch that a crash interrupted.
    pub(super) fn open(
        ports: &Ports,
        place: &KeyPlace,
        kek: &Secret,
        mut epochs: Vec<(u32, Secret)>,
    ) -> Result<Self> {
        let disk = ports.disk.as_ref();
        let path = path(place);
        let bytes = durable::read(disk, &path, FILE_BYTES_MAX)?
            .ok_or_else(|| Error::FileGone { path: path.clone(), seqs: None })?;
        let (epoch, body) = split_header(place.archive, &bytes)
            .ok_or_else(|| Error::corrupt(&path, 0, "the header or its checksum is wrong"))?;
        let (entries, torn) = read_entries(body);
        let file = disk.open(&path).map_err(Error::io("open", &path))?;
        let end = offset(entries.len());
        if torn {
            file.set_len(end).map_err(Error::io("cut", &path))?;
        }
        if let Some(Some((id, wrapped))) = entries.last() {
            // A process that ended at a failed sync leaves its last entry in the cache, and perhaps not on the disk.
            let at = offset(entries.len().saturating_sub(1));
            file.write_all_at(at, &entry(*id, wrapped)).map_err(Error::io("write", &path))?;
        }
        file.sync().map_err(Error::io("sync", &path))?;
        disk.sync_folder(&place.folder).map_err(Error::io("sync folder", &place.folder))?;
        let interrupted = epochs.len() > 1;
        let at = epochs.iter().position(|(number, _)| *number == epoch);
        let Some((epoch, epoch_key)) = at.map(|at| epochs.swap_remove(at)) else {
            return Err(Error::corrupt(&path, 8, format!("its epoch {epoch} has no key")));
        };
        if interrupted {
            let kept = (epoch, epoch_key.clone());
            wrapped::write(ports, place, kek, wrapped::EPOCH, &[kept])?;
        }
        let damaged = entries.iter().filter(|entry| entry.is_none()).count();
        if damaged > 0 {
            tracing::error!(path = %path.display(), damaged, "keys in the ring are damaged");
        }
        let entries = entries.into_iter().flatten().collect();
        Ok(Self {
            place: place.clone(),
            file,
            end,
            epoch,
            epoch_key,
            entries,
            damaged,
            is_changing: false,
        })
    }

    /// Appends a data key and syncs.
    pub(super) fn add(&mut self, ports: &Ports, id: KeyId, key: &Secret) -> Result<()> {
        let wrapped = self.wrap(ports, (self.epoch, &self.epoch_key), id, key)?;
        let path = path(&self.place);
        let entry = entry(id, &wrapped);
        self.file.write_all_at(self.end, &entry).map_err(Error::io("write", &path))?;
        self.file.sync().map_err(Error::io("sync", &path))?;
        self.end = self.end.saturating_add(ENTRY_BYTES_ON_DISK);
        self.entries.insert(id, wrapped);
        Ok(())
    }

    /// Returns the ids of all files whose keys it holds.
    pub(super) fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.entries.keys().copied()
    }

    /// Returns whether a change of epoch has not come to its end, so that the key of an epoch before may be on the disk.
    pub(super) const fn is_changing(&self) -> bool {
        self.is_changing
    }

    /// Returns the number of its epoch.
    pub(super) const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Returns whether it holds the key of a file.
    pub(super) fn holds(&self, id: KeyId) -> bool {
        self.entries.contains_key(&id)
    }

    /// Returns what is wrong with it, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        let Self { damaged, .. } = self;
        (*damaged > 0).then(|| {
            let path = path(&self.place);
            format!("{}: {damaged} keys are damaged; their files cannot be read", path.display())
        })
    }

    /// Returns a data key, or nothing if it has been destroyed.
    pub(super) fn key(&self, id: KeyId) -> Result<Option<Secret>> {
        let Some(wrapped) = self.entries.get(&id) else { return Ok(None) };
        let associated = associated(self.place.archive, self.epoch, id);
        match wrapped::unwrap(&self.epoch_key, wrapped, &associated) {
            Some(key) => Ok(Some(key)),
            None => {
                Err(Error::corrupt(&path(&self.place), 0, format!("entry {id:?} does not open")))
            }
        }
    }

    /// Writes the ring anew under the next epoch, without these files, and erases the old epoch's key.
    ///
    /// Three durable steps: both epochs' keys, the new ring, the new epoch's key alone. [`Ring::open`] finishes or undoes what a
    /// crash left. A failure leaves the ring as it was, or without these files while the old epoch's key is not erased yet: then the next
    /// call erases it. Only where nobody knows which ring is durable does the fuse blow.
    pub(super) fn rewrap_without(
        &mut self,
        (ports, fuse): (&Ports, &Fuse),
        kek: &Secret,
        ids: &[KeyId],
    ) -> Result<()> {
        let disk = ports.disk.as_ref();
        let epoch = self.epoch.checked_add(1).expect("nobody destroys 2³² times");
        let epoch_key = draw(ports, "an epoch key")?;
        let (bytes, entries) = self.rewrapped(ports, (epoch, &epoch_key), ids)?;
        let both = [(self.epoch, self.epoch_key.clone()), (epoch, epoch_key.clone())];
        self.is_changing = true;
        wrapped::write(ports, &self.place, kek, wrapped::EPOCH, &both)?;
        let path = path(&self.place);
        let unfinished = durable::write_unfinished(disk, &path, &bytes, Some(0o600))?;
        fuse.guard(durable::publish(disk, &unfinished, &path))?;
        self.file = fuse.guard(disk.open(&path).map_err(Error::io("open", &path)))?;
        self.end = offset(entries.len());
        (self.epoch, self.epoch_key, self.entries) = (epoch, epoch_key.clone(), entries);
        wrapped::write(ports, &self.place, kek, wrapped::EPOCH, &[(epoch, epoch_key)])?;
        self.is_changing = false;
        Ok(())
    }

    /// Returns the bytes and the entries of a ring under another epoch, without these files.
    #[expect(clippy::type_complexity, reason = "a pair, used once")]
    fn rewrapped(
        &self,
        ports: &Ports,
        (epoch, epoch_key): (u32, &Secret),
        ids: &[KeyId],
    ) -> Result<(Vec<u8>, HashMap<KeyId, [u8; WRAPPED_BYTES]>)> {
        let mut entries = HashMap::new();
        let mut bytes = header(self.place.archive, epoch);
        let mut kept: Vec<KeyId> = self.ids().filter(|id| !ids.contains(id)).collect();
        kept.sort_unstable();
        for id in kept {
            let Some(key) = self.key(id)? else { continue };
            let wrapped = self.wrap(ports, (epoch, epoch_key), id, &key)?;
            bytes.extend_from_slice(&entry(id, &wrapped));
            entries.insert(id, wrapped);
        }
        Ok((bytes, entries))
    }

    fn wrap(
        &self,
        ports: &Ports,
        (epoch, epoch_key): (u32, &Secret),
        id: KeyId,
        key: &Secret,
    ) -> Result<[u8; WRAPPED_BYTES]> {
        let associated = associated(self.place.archive, epoch, id);
        let wrapped = wrapped::wrap(ports, epoch_key, key, &associated)?;
        Ok(wrapped.try_into().expect("a wrapped key has 12 + 32 + 16 bytes"))
    }
}

/// Returns the ids of the whole entries of a ring, whatever epoch it is of.
pub(crate) fn ids(bytes: &[u8]) -> std::collections::BTreeSet<KeyId> {
    let body = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let (chunks, _) = body.as_chunks::<ENTRY_BYTES>();
    chunks.iter().filter_map(read_entry).map(|(id, _)| id).collect()
}

fn path(place: &KeyPlace) -> PathBuf {
    place.folder.join(NAME)
}

fn header(archive: ArchiveId, epoch: u32) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&epoch.to_be_bytes());
    bytes.extend_from_slice(archive.as_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
    bytes
}

fn split_header(archive: ArchiveId, bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (head, body) = bytes.split_at_checked(HEADER_BYTES)?;
    let epoch = u32::from_be_bytes(head.get(8..12)?.try_into().ok()?);
    (head == header(archive, epoch).as_slice()).then_some((epoch, body))
}

fn entry(id: KeyId, wrapped: &[u8; WRAPPED_BYTES]) -> Vec<u8> {
    let mut bytes = id.as_bytes().to_vec();
    bytes.extend_from_slice(wrapped);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
    bytes
}

/// One entry, or nothing where it is damaged.
type Entry = Option<(KeyId, [u8; WRAPPED_BYTES])>;

/// Returns the entries up to the last good one, and whether a torn tail follows them. A damaged entry costs one file its key; the
/// others stand where they stood.
fn read_entries(body: &[u8]) -> (Vec<Entry>, bool) {
    let (chunks, left) = body.as_chunks::<ENTRY_BYTES>();
    let mut entries: Vec<Entry> = chunks.iter().map(read_entry).collect();
    while entries.pop_if(|last| last.is_none()).is_some() {}
    let torn = entries.len() < chunks.len() || !left.is_empty();
    (entries, torn)
}

fn read_entry(bytes: &[u8; ENTRY_BYTES]) -> Entry {
    let (body, checksum) = bytes.split_last_chunk::<4>()?;
    if crc32c::crc32c(body) != u32::from_be_bytes(*checksum) {
        return None;
    }
    let (id, wrapped) = body.split_first_chunk::<16>()?;
    Some((KeyId::from_bytes(*id), wrapped.try_into().ok()?))
}

/// Returns the offset of the n-th entry.
fn offset(entries: usize) -> u64 {
    let bytes = entries.saturating_mul(ENTRY_BYTES).saturating_add(HEADER_BYTES);
    u64::try_from(bytes).expect("a usize fits in 64 bits")
}

fn associated(archive: ArchiveId, epoch: u32, id: KeyId) -> Vec<u8> {
    [MAGIC.as_slice(), archive.as_bytes(), &epoch.to_be_bytes(), id.as_bytes()].concat()
}
