//! The bytes of the abridged ledger (docs/format.md §11): what the ledger says of who and what there is, without the looks
//! that officers took. Derived: whoever folds the ledger reads this instead of every look since the archive began.

use std::path::{Path, PathBuf};

use chat::{ArchiveId, EventKind, Lane, Recorded, Seq};

use crate::blob::layout::{FRAME_BYTES, frame};
use crate::journal::frame::{RawRecord, Records};
use crate::keys::{KeyId, Opener, Sealer};
use crate::proof::{Digest, Header};

const NAME: &str = "ledger.abridged";
const MAGIC: &[u8; 8] = b"mun-abrg";
const VERSION: u16 = 1;
/// Bytes of the plaintext header.
pub(crate) const HEADER_BYTES: usize = 48;
/// Events, root and number of further parts.
const SUMMARY_BYTES: usize = 44;
/// About a million persons; past that the ledger itself is read.
pub(crate) const FILE_BYTES_MAX: u64 = 512 << 20;
/// Sealed bytes of a part at most: a frame's records, and the seal.
const SEALED_BYTES_MAX: usize = 64 << 20;

/// Verbs of officers' acts that look, take along or ask, and leave everything as it was.
const LOOKS: [&str; 14] = [
    "audit",
    "backup",
    "checkpoint",
    "explain",
    "export",
    "fetch-export",
    "list-quarantine",
    "open-file",
    "prove",
    "reindex",
    "search",
    "show",
    "show-quarantined",
    "verify",
];

/// Returns whether a fold may read something off an event of the ledger: what the abridged ledger keeps. A verb that is not known
/// to be a look may tell something.
pub fn may_tell(recorded: &Recorded) -> bool {
    let is_look = |verb: &str| recorded.event.kind == EventKind::Officer && LOOKS.contains(&verb);
    recorded.event.content.act.as_ref().is_some_and(|act| !is_look(&act.verb))
}

/// What the first events of a log come to, abridged.
#[derive(Debug, Clone, Default)]
pub(crate) struct Abridged {
    /// Events of the log that it covers.
    pub(crate) size: u64,
    /// Their root.
    pub(crate) root: Digest,
    parts: Vec<Records>,
}

impl Abridged {
    /// Adds events that lie behind all that are here. Those that tell nothing are left out, and so is one larger than an event
    /// may be: no log holds it.
    pub(crate) fn extend(&mut self, events: &[Recorded]) {
        let telling: Vec<_> = events.iter().filter(|event| may_tell(event)).cloned().collect();
        for piece in Records::encode(&telling).unwrap_or_default() {
            match self.parts.last_mut().filter(|last| last.fits_with(&piece)) {
                Some(last) => last.join(&piece),
                None => self.parts.push(piece),
            }
        }
    }

    /// Returns how many events it holds.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.parts.iter().map(Records::count).sum()
    }

    /// Returns the places of its events in the log.
    pub(crate) fn seqs(&self) -> impl Iterator<Item = Seq> {
        let headers = self.parts.iter().flat_map(Records::iter);
        headers.filter_map(|record| Seq::new(Header::decode(record.header).ok()?.seq))
    }

    /// Returns about how many bytes its file has.
    pub(crate) fn bytes(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| {
            sum.saturating_add(u64::try_from(part.bytes()).unwrap_or(u64::MAX))
        })
    }

    /// Returns whether both say the same of the same log.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        let records = |of: &'_ Self| -> Vec<u8> {
            of.parts.iter().flat_map(|part| part.as_bytes().iter().copied()).collect()
        };
        (self.size, self.root) == (other.size, other.root) && records(self) == records(other)
    }

    /// Returns up to `max` of its events from the n-th on.
    pub(crate) fn events(&self, from: usize, max: usize) -> Vec<Recorded> {
        let (mut skipped, mut events) = (from, Vec::new());
        for part in &self.parts {
            let wanted = max.saturating_sub(events.len());
            let end = part.count().min(skipped.saturating_add(wanted));
            let records = (skipped..end).filter_map(|place| part.at(place));
            events.extend(records.filter_map(RawRecord::decode));
            skipped = skipped.saturating_sub(part.count());
        }
        events
    }

    /// Returns the bytes of its file.
    pub(crate) fn encode(&self, archive: ArchiveId, sealer: &mut Sealer) -> Vec<u8> {
        let mut bytes = header(archive, sealer.id());
        let further = u32::try_from(self.parts.len()).unwrap_or(u32::MAX);
        let mut summary = self.size.to_be_bytes().to_vec();
        summary.extend_from_slice(&self.root);
        summary.extend_from_slice(&further.to_be_bytes());
        put(&mut bytes, summary, sealer);
        for part in &self.parts {
            put(&mut bytes, part.as_bytes().to_vec(), sealer);
        }
        bytes
    }

    /// Reads a file; nothing if it is not, byte for byte, what was sealed under this key.
    pub(crate) fn decode(bytes: &[u8], opener: &Opener) -> Option<Self> {
        let mut rest = Parts { rest: bytes.get(HEADER_BYTES..)?, number: 0, opener };
        let summary = rest.next()?;
        let (size, root_and_count) = summary.split_first_chunk::<8>()?;
        let (root, count) = root_and_count.split_first_chunk::<32>()?;
        let further = u32::from_be_bytes(count.try_into().ok()?);
        (summary.len() == SUMMARY_BYTES).then_some(())?;
        let mut found = Self { size: u64::from_be_bytes(*size), root: *root, parts: Vec::new() };
        for _ in 0..further {
            found.parts.push(Records::of_bytes(rest.next()?)?);
        }
        (rest.rest.is_empty() && found.is_in_order()).then_some(found)
    }

    /// Returns whether all are events of the ledger in their order, and within the size.
    fn is_in_order(&self) -> bool {
        let mut last = 0;
        self.parts.iter().flat_map(Records::iter).all(|record| {
            let seq = Header::decode(record.header).map_or(0, |header| header.seq);
            let follows = last < seq && seq <= self.size && record.lane() == Lane::Ledger;
            last = seq;
            follows
        })
    }

    /// Returns the first event that it does not cover.
    pub(crate) fn end(&self) -> Seq {
        Seq::new(self.size.saturating_add(1)).unwrap_or(Seq::FIRST)
    }
}

/// Returns the plaintext header of a file.
fn header(archive: ArchiveId, key: KeyId) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_be_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(archive.as_bytes());
    bytes.extend_from_slice(key.as_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
    bytes
}

/// Returns the id of the key that opens a file of this archive, read off its header.
pub(crate) fn key_of(bytes: &[u8], archive: ArchiveId) -> Option<KeyId> {
    let head = bytes.get(..HEADER_BYTES)?;
    let key = KeyId::from_bytes(head.get(28..44)?.try_into().ok()?);
    (header(archive, key) == head).then_some(key)
}

/// Returns where the file lies.
pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

fn put(bytes: &mut Vec<u8>, mut part: Vec<u8>, sealer: &mut Sealer) {
    sealer.seal(&mut part);
    bytes.extend_from_slice(&frame(&part));
    bytes.extend_from_slice(&part);
}

/// The parts of a file, opened one after the other.
struct Parts<'a> {
    rest: &'a [u8],
    number: u64,
    opener: &'a Opener,
}

impl Parts<'_> {
    fn next(&mut self) -> Option<Vec<u8>> {
        let (head, rest) = self.rest.split_first_chunk::<FRAME_BYTES>()?;
        let [a, b, c, d, ..] = *head;
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
        (length <= SEALED_BYTES_MAX).then_some(())?;
        let (sealed, rest) = rest.split_at_checked(length)?;
        (frame(sealed) == *head).then_some(())?;
        let mut part = sealed.to_vec();
        let is_open = self.opener.open(self.number, &mut part);
        (self.rest, self.number) = (rest, self.number.saturating_add(1));
        is_open.then_some(part)
    }
}
