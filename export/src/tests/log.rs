//! A small log in memory that stands in for the archive: events, salts, tree, files and a signing key.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io::{self, Cursor, Read};

use crate::{
    Error, Evidence, ExportSet, NotSearched, Purpose, QueryWords, Result, Selection, Size,
};
use archive::proof::checkpoint::origin;
use archive::proof::salt::{SaltTree, Seed, run_first};
use archive::proof::tree::{Subtrees, inclusion_path, node_hash, root};
use archive::proof::{Checkpoint, Digest, Inclusion, Opening, Salts, SigningKey, VerifierKey};
use chat::{ArchiveId, ChatEvent, FileId, PlaceSeq, Recorded, RoomId, Seq, SourceId, Timestamp};

/// The log.
pub(crate) struct Log {
    events: Vec<Recorded>,
    leaves: Vec<Digest>,
    files: BTreeMap<FileId, Vec<u8>>,
    /// Events that the log no longer gives.
    pub(crate) destroyed: BTreeSet<Seq>,
    /// Those of them of which the leaf alone is left.
    pub(crate) blanked: BTreeSet<Seq>,
    /// Files whose bytes break while they are read.
    pub(crate) broken: BTreeSet<FileId>,
    key: SigningKey,
}

/// The id of the log.
pub(crate) const ARCHIVE: ArchiveId = ArchiveId::from_bytes([0xa7; 16]);

impl Log {
    /// Records events in their order, one every second.
    pub(crate) fn of(events: Vec<ChatEvent>) -> Self {
        let mut heads: BTreeMap<RoomId, (PlaceSeq, Seq)> = BTreeMap::new();
        let mut log = Self {
            events: Vec::new(),
            leaves: Vec::new(),
            files: BTreeMap::new(),
            destroyed: BTreeSet::new(),
            blanked: BTreeSet::new(),
            broken: BTreeSet::new(),
            key: SigningKey::of_archive(&[5; 32], ARCHIVE),
        };
        for (at, event) in (1_u64..).zip(events) {
            let seq = Seq::new(at).unwrap();
            let head = event.place.as_ref().and_then(|place| heads.get(&place.room).copied());
            let place_seq = event.place.as_ref().map(|place| {
                let next = head.map_or(PlaceSeq::FIRST, |(before, _)| before.next());
                heads.insert(place.room, (next, seq));
                next
            });
            let recorded_at =
                Timestamp::from_micros(1_750_000_000_000_000 + i64::try_from(at).unwrap());
            let place_prev = head.map(|(_, seq)| seq);
            log.push(Recorded { seq, place_seq, place_prev, recorded_at, event });
        }
        log
    }

    fn push(&mut self, recorded: Recorded) {
        let opening = Opening::of(&recorded, &salts(&recorded), &|_| false);
        self.leaves.push(opening.check(recorded.seq.get()).unwrap().0);
        self.events.push(recorded);
    }

    /// Keeps a file and returns its id.
    pub(crate) fn keep(&mut self, bytes: &[u8]) -> FileId {
        use sha2::Digest as _;
        let id = FileId::from_bytes(sha2::Sha256::digest(bytes).into());
        self.files.insert(id, bytes.to_vec());
        id
    }

    /// Returns the key that checks what this log signs.
    pub(crate) fn verifier_key(&self) -> VerifierKey {
        self.key.verifier_key().clone()
    }

    /// Returns the size and root, and the note that signs them.
    pub(crate) fn checkpoint(&self) -> (Size, String) {
        let size = u64::try_from(self.leaves.len()).unwrap();
        let Ok(root) = root(size, self);
        let checkpoint = Checkpoint { origin: origin(ARCHIVE), size, root };
        (Size { size, root }, self.key.sign(&checkpoint).unwrap())
    }

    /// Returns what would be frozen for these events.
    pub(crate) fn selection(&self, seqs: impl IntoIterator<Item = u64>) -> Selection {
        let (snapshot, checkpoint) = self.checkpoint();
        Selection {
            archive: ARCHIVE,
            public_key: self.verifier_key().to_string(),
            demo: false,
            nonce: [3; 16],
            seqs: seqs.into_iter().map(|seq| Seq::new(seq).unwrap()).collect(),
            hits: None,
            context: "none".to_owned(),
            related: Vec::new(),
            snapshot,
            checkpoint,
            query: Some(QueryWords {
                text: "secret query".to_owned(),
                interpreted: "word secret AND word query".to_owned(),
            }),
            who: "officer-1".to_owned(),
            why: Some("the reason".to_owned()),
            matter: Some("M-7".to_owned()),
            purpose: Purpose::Internal,
            frozen_at: Timestamp::from_micros(1_760_000_000_000_000),
            tool_version: "0.1.0".to_owned(),
            not_searched: NotSearched::default(),
            source_names: [(SourceId::from_bytes([1; 16]), "house \"chat\"".to_owned())].into(),
            room_categories: [(RoomId::from_bytes([1; 16]), "Trading".to_owned())].into(),
            withheld: Vec::new(),
            complete: None,
        }
    }

    /// Returns the whole log as a frozen set.
    pub(crate) fn whole(&self) -> ExportSet {
        let size = u64::try_from(self.events.len()).unwrap();
        ExportSet::freeze(self.selection(1..=size)).unwrap()
    }
}

/// Returns the salts of an event: seeds that repeat, as no archive would have them.
fn salts(recorded: &Recorded) -> Salts {
    let first = run_first(Seq::FIRST, recorded.seq);
    SaltTree::new(&Seed::from_bytes([9; 16]), recorded.lane(), first).salts(recorded.seq)
}

impl Subtrees for Log {
    type Error = Infallible;

    fn hash(&self, level: u32, index: u64) -> Result<Digest, Infallible> {
        if level == 0 {
            return Ok(self.leaves[usize::try_from(index).unwrap()]);
        }
        let Ok(left) = self.hash(level - 1, 2 * index);
        let Ok(right) = self.hash(level - 1, 2 * index + 1);
        Ok(node_hash(&left, &right))
    }
}

impl Evidence for Log {
    fn events<'a>(
        &'a self,
        seqs: &'a [Seq],
        size: u64,
    ) -> Box<dyn Iterator<Item = Result<(Recorded, Inclusion)>> + 'a> {
        let held = seqs.iter().filter(|seq| !self.destroyed.contains(seq));
        Box::new(held.map(move |seq| {
            let recorded = self.events[usize::try_from(seq.leaf_index()).unwrap()].clone();
            let opening = Opening::of(&recorded, &salts(&recorded), &|_| false);
            let Ok(path) = inclusion_path(seq.leaf_index(), size, self);
            Ok((recorded, Inclusion { seq: seq.get(), opening, path }))
        }))
    }

    fn remains(&self, seq: Seq, size: u64) -> Result<Inclusion> {
        let index = usize::try_from(seq.leaf_index()).unwrap();
        let recorded = &self.events[index];
        let Ok(path) = inclusion_path(seq.leaf_index(), size, self);
        let opening = if self.blanked.contains(&seq) {
            Opening::Leaf { leaf: self.leaves[index] }
        } else {
            Opening::of(recorded, &salts(recorded), &|_| true)
        };
        Ok(Inclusion { seq: seq.get(), opening, path })
    }

    fn file(&self, file: &FileId) -> Result<Option<Box<dyn Read + Send>>> {
        if self.broken.contains(file) {
            return Ok(Some(Box::new(Cursor::new(b"other".to_vec()).chain(Broken))));
        }
        let bytes = self.files.get(file).cloned();
        Ok(bytes.map(|bytes| -> Box<dyn Read + Send> { Box::new(Cursor::new(bytes)) }))
    }

    fn sign(&self, text: &str) -> Result<String> {
        self.key.sign_text(text).map_err(|reason| Error::SetUnsigned { object: "manifest", reason })
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _bytes: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the hash differs"))
    }
}
