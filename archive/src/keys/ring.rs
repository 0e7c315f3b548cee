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

const NAME: &str = "ring";
const MAGIC: &[u8; 8] = b"mun-ring";
const HEADER_BYTES: usize = 32;
const ENTRY_BYTES: usize = 16 + WRAPPED_BYTES + 4;
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
}

impl Ring {
    /// Writes the empty ring of a new archive.
    pub(super) fn create(disk: &dyn Disk, place: &KeyPlace, epoch: u32) -> Result<()> {
        durable::write_secret(disk, &path(place), &header(place.archive, epoch), 0o600)
    }

    /// Opens the ring, cuts a torn tail, and finishes a change of epoch that a crash interrupted.
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
        let (entries, torn) = read_entries(body)
            .map_err(|at| Error::corrupt(&path, offset(at), "an entry before a good one is bad"))?;
        let file = disk.open(&path).map_err(Error::io("open", &path))?;
        let end = offset(entries.len());
        if torn {
            file.set_len(end).map_err(Error::io("cut", &path))?;
        }
        if let Some((id, wrapped)) = entries.last() {
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
        let entries = entries.into_iter().collect();
        Ok(Self { place: place.clone(), file, end, epoch, epoch_key, entries })
    }

    /// Appends a data key and syncs.
    pub(super) fn add(&mut self, ports: &Ports, id: KeyId, key: &Secret) -> Result<()> {
        let wrapped = self.wrap(ports, (self.epoch, &self.epoch_key), id, key)?;
        let path = path(&self.place);
        let entry = entry(id, &wrapped);
        self.file.write_all_at(self.end, &entry).map_err(Error::io("write", &path))?;
        self.file.sync().map_err(Error::io("sync", &path))?;
        self.end = offset(self.entries.len().saturating_add(1));
        self.entries.insert(id, wrapped);
        Ok(())
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
    /// Three durable steps: both epochs' keys, the new ring, the new epoch's key alone. [`Ring::open`] finishes or undoes what a crash left.
    pub(super) fn rewrap_without(
        &mut self,
        ports: &Ports,
        kek: &Secret,
        ids: &[KeyId],
    ) -> Result<()> {
        let epoch = self.epoch.checked_add(1).expect("nobody destroys 2³² times");
        let epoch_key = draw(ports, "an epoch key")?;
        let mut entries = HashMap::new();
        let mut bytes = header(self.place.archive, epoch);
        let mut kept: Vec<KeyId> =
            self.entries.keys().filter(|id| !ids.contains(id)).copied().collect();
        kept.sort_unstable();
        for id in kept {
            let Some(key) = self.key(id)? else { continue };
            let wrapped = self.wrap(ports, (epoch, &epoch_key), id, &key)?;
            bytes.extend_from_slice(&entry(id, &wrapped));
            entries.insert(id, wrapped);
        }
        let both = [(self.epoch, self.epoch_key.clone()), (epoch, epoch_key.clone())];
        wrapped::write(ports, &self.place, kek, wrapped::EPOCH, &both)?;
        let path = path(&self.place);
        durable::write_secret(ports.disk.as_ref(), &path, &bytes, 0o600)?;
        let alone = (epoch, epoch_key.clone());
        wrapped::write(ports, &self.place, kek, wrapped::EPOCH, &[alone])?;
        self.file = ports.disk.open(&path).map_err(Error::io("open", &path))?;
        self.end = offset(entries.len());
        (self.epoch, self.epoch_key, self.entries) = (epoch, epoch_key, entries);
        Ok(())
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

/// Returns the entries and whether a torn tail follows them; or the place of a bad entry that a good one follows.
#[expect(clippy::type_complexity, reason = "a list of pairs, used once")]
fn read_entries(body: &[u8]) -> Result<(Vec<(KeyId, [u8; WRAPPED_BYTES])>, bool), usize> {
    let (chunks, left) = body.as_chunks::<ENTRY_BYTES>();
    let parsed: Vec<_> = chunks.iter().map(read_entry).collect();
    let good = parsed.iter().position(Option::is_none).unwrap_or(parsed.len());
    if parsed.iter().skip(good).any(Option::is_some) {
        return Err(good);
    }
    let torn = good < parsed.len() || !left.is_empty();
    Ok((parsed.into_iter().flatten().collect(), torn))
}

fn read_entry(bytes: &[u8; ENTRY_BYTES]) -> Option<(KeyId, [u8; WRAPPED_BYTES])> {
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
