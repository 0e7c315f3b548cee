//! The sample log of 1,000 events that the vectors are drawn from, and what it must hash to.

use chat::{Lane, Seq};

use crate::proof::commitment::{Commitments, commit};
use crate::proof::hash::{Digest, first_half, sha256};
use crate::proof::header::{Header, Ids};
use crate::proof::hex;
use crate::proof::salt::{SaltTree, Salts, Seed, run_first};
use crate::proof::tree::{Frontier, Subtrees, node_hash};

/// First `Seq` of each journal file.
const FILES: [u64; 3] = [1, 300, 700];

/// An event of the sample log as it is hashed.
pub(super) struct Sample {
    pub(super) header: Header,
    pub(super) fields: Vec<(u16, Vec<u8>)>,
    pub(super) commitments: Commitments,
}

/// Returns the seed of a run and lane.
pub(super) fn seed(lane: Lane, first: u64) -> Seed {
    let digest = sha256(&[b"seed", &[lane.code()], &first.to_be_bytes()]);
    Seed::from_bytes(first_half(&digest))
}

fn id(role: u8, number: u64) -> [u8; 16] {
    first_half(&sha256(&[b"id", &[role], &number.to_be_bytes()]))
}

fn header(n: u64, places: &mut [(u64, u64); 3]) -> Header {
    let recorded_at = 1_700_000_000_000_000 + 1_000_000 * i64::try_from(n).unwrap();
    let mut header = Header {
        kind: if n.is_multiple_of(10) { 0x8001 } else { 1 },
        seq: n,
        place_seq: 0,
        place_prev: 0,
        recorded_at,
        at: recorded_at - 500_000 - i64::try_from(n).unwrap(),
        ids: Ids::default(),
    };
    if !n.is_multiple_of(10) {
        let (count, before) = &mut places[usize::try_from(n % 3).unwrap()];
        (header.place_seq, header.place_prev) = (*count + 1, *before);
        (*count, *before) = (*count + 1, n);
        header.ids.push((2, id(2, n % 3)));
    }
    header.ids.push((3, id(3, n % 7)));
    if n % 25 == 5 {
        header.ids.push((4, u128::from(n - 1).to_be_bytes()));
    }
    header
}

fn fields(n: u64) -> Vec<(u16, Vec<u8>)> {
    let author = (1, format!("Person {}", n % 7).into_bytes());
    if n.is_multiple_of(10) {
        return vec![author, (16, format!("act {n}").into_bytes())];
    }
    if n % 50 == 3 {
        return Vec::new();
    }
    let text = match n {
        11 => "Grüße, 世界 🙂".to_owned(),
        _ if n % 50 == 7 => String::new(),
        _ => format!("Line {n}"),
    };
    let place = (3, format!("Room {}", n % 3).into_bytes());
    let mut fields = vec![author, place, (4, text.into_bytes())];
    if n.is_multiple_of(4) {
        fields.push((8, format!("{{\"n\":{n}}}").into_bytes()));
    }
    fields
}

/// Returns the salts of an event.
pub(super) fn salts_of(header: &Header) -> Salts {
    let file = FILES.into_iter().rfind(|first| *first <= header.seq).unwrap();
    let (seq, file) = (Seq::new(header.seq).unwrap(), Seq::new(file).unwrap());
    let (lane, first) = (header.lane(), run_first(file, seq));
    SaltTree::new(&seed(lane, first.get()), lane, first).salts(seq)
}

/// Returns all 1,000 events, each hashed in order as the archive would.
pub(super) fn sample_log() -> Vec<Sample> {
    let mut places = [(0, 0); 3];
    let mut trees: [Option<SaltTree>; 2] = [None, None];
    let mut log = Vec::new();
    for n in 1..=1_000 {
        let header = header(n, &mut places);
        let fields = fields(n);
        let file = FILES.into_iter().rfind(|first| *first <= n).unwrap();
        let (seq, file) = (Seq::new(n).unwrap(), Seq::new(file).unwrap());
        let (lane, first) = (header.lane(), run_first(file, seq));
        let tree = &mut trees[usize::from(lane.code())];
        if tree.as_ref().is_none_or(|tree| tree.run().first != first) {
            *tree = Some(SaltTree::new(&seed(lane, first.get()), lane, first));
        }
        let salts = tree.as_mut().unwrap().salts(seq);
        let values = fields.iter().map(|(tag, value)| (*tag, value.as_slice()));
        let commitments = commit(&header.encode(), seq, values, &salts);
        log.push(Sample { header, fields, commitments });
    }
    log
}

/// Leaves held in memory, subtrees computed when asked for.
pub(in crate::proof) struct Leaves(pub(in crate::proof) Vec<Digest>);

impl Subtrees for Leaves {
    type Error = std::convert::Infallible;

    fn hash(&self, level: u32, index: u64) -> Result<Digest, Self::Error> {
        if level == 0 {
            return Ok(self.0[usize::try_from(index).unwrap()]);
        }
        let child = |index| self.hash(level - 1, index);
        Ok(node_hash(&child(2 * index)?, &child(2 * index + 1)?))
    }
}

#[test]
fn the_sample_log_has_the_published_roots() {
    let expected = [
        (1, "86af6b990025e90ee8e838308f0cc163fbabec33f742fedb1537928df6e5cf46"),
        (2, "62fa1278e67f95ae014a426df752bee2f193f75923b1e275200d556226e6c0ce"),
        (256, "6ef240dbebec338ba398634b16e78cfc6fbcd35e04075ac86987221144f70f55"),
        (1_000, "b9f992ec45bf78d0e2fb9b3c1beeb35b0a1a950631822b0c11a952a780c2782e"),
    ];
    let mut frontier = Frontier::new();
    for sample in sample_log() {
        frontier.append(&sample.commitments.leaf());
        if let Some((_, root)) = expected.iter().find(|(size, _)| *size == frontier.size()) {
            assert_eq!(hex::encode(&frontier.root()), *root, "at {}", frontier.size());
        }
    }
}
