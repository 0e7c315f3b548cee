//! Where each room stands after the sealed events, kept in one small derived file (docs/format.md §7): a segment whose
//! footer is damaged then keeps nobody from appending to its rooms.
//!
//! The truth is the footers. The file is written after each seal, before the journal's copy goes, and is read only where
//! a footer cannot be.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use chat::{ArchiveId, Disk, PlaceSeq, RoomId, Seq};

use crate::durable;
use crate::error::{Error, Result};
use crate::journal::queue::PlaceHead;
use crate::segment::SealedRange;

/// The file's name in the archive's folder.
const NAME: &str = "places";
const MAGIC: &[u8; 8] = b"mun-plac";
const VERSION: u16 = 1;
/// Magic, version, archive id, sealed events, rooms.
const HEAD_BYTES: usize = 38;
/// Room, place, event.
const ENTRY_BYTES: usize = 32;
/// 8 million rooms; past that it is not one of ours.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// The newest sealed event of each room.
pub(crate) type Heads = HashMap<RoomId, PlaceHead>;

/// Where rooms stand after so many sealed events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Places {
    /// How many events are sealed.
    pub(crate) size: u64,
    /// The newest of them in each room.
    pub(crate) heads: Heads,
}

impl Places {
    /// Reads the file; nothing if there is none. Fails with an error of the family *corrupt* if it is damaged.
    pub(crate) fn read(disk: &dyn Disk, folder: &Path, archive: ArchiveId) -> Result<Option<Self>> {
        let path = path(folder);
        let Some(bytes) = durable::read(disk, &path, FILE_BYTES_MAX)? else { return Ok(None) };
        let places = Self::decode(&bytes, archive);
        places
            .map(Some)
            .ok_or_else(|| Error::corrupt(&path, 0, "its form or its checksum is wrong"))
    }

    /// Writes the file whole, durably.
    pub(crate) fn write(&self, disk: &dyn Disk, folder: &Path, archive: ArchiveId) -> Result<()> {
        durable::write(disk, &path(folder), &self.encode(archive))
    }

    /// Takes the rooms of the next range. Returns whether all of them are known: a damaged file hides its own.
    pub(crate) fn follow(&mut self, range: &SealedRange) -> bool {
        self.size = range.last.get();
        let mut files = 0_usize;
        for reader in range.readers() {
            files = files.saturating_add(1);
            for entry in &reader.footer().rooms {
                let Some(place_seq) = PlaceSeq::new(entry.last_place_seq) else { continue };
                let head = PlaceHead { place_seq, seq: entry.last };
                let known = self.heads.entry(entry.room).or_insert(head);
                if known.seq < head.seq {
                    *known = head;
                }
            }
        }
        files == range.lanes.len()
    }

    fn encode(&self, archive: ArchiveId) -> Vec<u8> {
        let mut entries: Vec<_> = self.heads.iter().collect();
        entries.sort_unstable_by_key(|(room, _)| *room.as_bytes());
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(archive.as_bytes());
        bytes.extend_from_slice(&self.size.to_be_bytes());
        bytes.extend_from_slice(&u32::try_from(entries.len()).unwrap_or(u32::MAX).to_be_bytes());
        for (room, head) in entries {
            bytes.extend_from_slice(room.as_bytes());
            bytes.extend_from_slice(&head.place_seq.get().to_be_bytes());
            bytes.extend_from_slice(&head.seq.get().to_be_bytes());
        }
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8], archive: ArchiveId) -> Option<Self> {
        let (body, _) = bytes.split_last_chunk::<4>()?;
        let (head, entries) = body.split_at_checked(HEAD_BYTES)?;
        let size = u64::from_be_bytes(head.get(26..34)?.try_into().ok()?);
        let (entries, _) = entries.as_chunks::<ENTRY_BYTES>();
        let heads = entries.iter().map(read_entry).collect::<Option<Heads>>()?;
        let places = Self { size, heads };
        // Whatever differs from what would have been written, the checksum among it, is damage.
        (places.encode(archive) == bytes).then_some(places)
    }
}

fn read_entry(bytes: &[u8; ENTRY_BYTES]) -> Option<(RoomId, PlaceHead)> {
    let (room, numbers) = bytes.split_first_chunk::<16>()?;
    let (place_seq, seq) = numbers.split_first_chunk::<8>()?;
    let place_seq = PlaceSeq::new(u64::from_be_bytes(*place_seq))?;
    let seq = Seq::new(u64::from_be_bytes(seq.try_into().ok()?))?;
    Some((RoomId::from_bytes(*room), PlaceHead { place_seq, seq }))
}

/// Returns where the file lies.
pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        let head = |number| PlaceHead {
            place_seq: PlaceSeq::new(number).unwrap(),
            seq: Seq::new(number * 10).unwrap(),
        };
        let heads = (1_u8..20).map(|room| (RoomId::from_bytes([room; 16]), head(room.into())));
        Places { size: 200, heads: heads.collect() }
    }

    #[test]
    fn places_read_back_and_any_flipped_bit_is_damage() {
        let archive = ArchiveId::from_bytes([7; 16]);
        let bytes = places().encode(archive);
        assert_eq!(Places::decode(&bytes, archive), Some(places()));
        assert_eq!(Places::decode(&bytes, ArchiveId::from_bytes([8; 16])), None);
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            assert_eq!(Places::decode(&damaged, archive), None, "byte {place}");
            assert_eq!(Places::decode(&bytes[..place], archive), None, "cut at {place}");
        }
    }
}
