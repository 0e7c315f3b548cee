//! Claims of our own over the sample log: they hold, and with any single digit changed they do not.

use chat::{RoomId, Seq};
use proptest::prelude::*;
use serde_json::Value;

use super::sample_log::{Leaves, Sample, salts_of, sample_log};
use crate::proof::claim::{Consistency, Inclusion, RangeProof, Room};
use crate::proof::commitment::{field_commitment, field_salt, list_salt};
use crate::proof::hash::Digest;
use crate::proof::header::ROLE_PLACE;
use crate::proof::opening::{Disclosure, OpenField, Opening};
use crate::proof::refusal::Refusal;
use crate::proof::tree::{consistency_path, inclusion_path, range_hashes, root};

const SIZE: u64 = 900;

struct Log {
    samples: Vec<Sample>,
    leaves: Leaves,
}

impl Log {
    fn new() -> Self {
        let samples = sample_log();
        let leaves = Leaves(samples.iter().map(|sample| sample.commitments.leaf()).collect());
        Self { samples, leaves }
    }

    fn root(&self, size: u64) -> Digest {
        let Ok(root) = root(size, &self.leaves);
        root
    }

    /// Opens an event in one of the four forms; `open` withholds every other field.
    fn opening(&self, n: u64, form: u64) -> Opening {
        let sample = &self.samples[usize::try_from(n - 1).unwrap()];
        let seq = Seq::new(n).unwrap();
        let (salts, header) = (salts_of(&sample.header), sample.header.encode());
        match form % 4 {
            0 => Opening::Leaf { leaf: sample.commitments.leaf() },
            1 => Opening::Entry { entry: sample.commitments.entry() },
            2 => Opening::Stub { header, hs: salts.hs, content: sample.commitments.content },
            _ => {
                let field = |(place, (tag, value)): (usize, &(u16, Vec<u8>))| {
                    let salt = field_salt(seq, *tag, &salts.cs);
                    let disclosure = if place % 2 == 1 {
                        let commitment = field_commitment(seq, *tag, &salt, value);
                        Disclosure::Withheld { commitment }
                    } else {
                        Disclosure::Shown { salt, value: value.clone() }
                    };
                    OpenField { tag: *tag, disclosure }
                };
                let fields = sample.fields.iter().enumerate().map(field).collect();
                Opening::Open { header, hs: salts.hs, ls: list_salt(seq, &salts.cs), fields }
            }
        }
    }

    fn inclusion(&self, n: u64, form: u64) -> Inclusion {
        let Ok(path) = inclusion_path(n - 1, SIZE, &self.leaves);
        Inclusion { seq: n, opening: self.opening(n, form), path }
    }

    /// Returns the claims made from four numbers.
    fn claims(&self, n: u64, count: u64, form: u64, from: u64) -> Vec<Value> {
        let Ok(hashes) = range_hashes(n - 1, count, SIZE, &self.leaves);
        let openings = (n..n + count).map(|n| self.opening(n, form + n)).collect();
        let range = RangeProof { first: n, openings, hashes };
        let Ok(path) = consistency_path(from, SIZE, &self.leaves);
        let consistency = Consistency { from, to: SIZE, path };
        let (inclusion, room) = (self.inclusion(n, form), self.room(n, count));
        vec![inclusion.to_json(), range.to_json(), room.to_json(), consistency.to_json()]
    }

    /// Returns the claim of `count` events of the room of event `n` or of the next one that has a room.
    fn room(&self, n: u64, count: u64) -> Room {
        let place = |n: u64| {
            let sample = &self.samples[usize::try_from(n - 1).unwrap()];
            sample.header.id(ROLE_PLACE).copied()
        };
        let room = (n..).find_map(place).unwrap();
        let seqs = (n..=SIZE).filter(|n| place(*n) == Some(room));
        let seqs: Vec<_> = seqs.take(usize::try_from(count).unwrap()).collect();
        let ends = [seqs.first().copied(), seqs.last().copied()];
        let form = |n| {
            if ends.contains(&Some(n)) {
                2 + n % 2
            } else {
                [0, 2, 3][usize::try_from(n % 3).unwrap()]
            }
        };
        let items = seqs.iter().map(|n| self.inclusion(*n, form(*n))).collect();
        Room { place: RoomId::from_bytes(room), items }
    }

    /// Judges a claim on what two checkpoints say: the log at `SIZE`, and at the size of `older`.
    fn judge(claim: &Value, root: Digest, older: (u64, Digest)) -> Result<(), Refusal> {
        match claim["kind"].as_str() {
            Some("inclusion") => Inclusion::from_json(claim)?.verify(SIZE, &root).map(drop),
            Some("range") => RangeProof::from_json(claim)?.verify(SIZE, &root).map(drop),
            Some("room") => Room::from_json(claim)?.verify(SIZE, &root).map(drop),
            Some("consistency") => {
                Consistency::from_json(claim)?.verify((older.0, &older.1), (SIZE, &root))
            }
            _ => Err(Refusal::Form),
        }
    }
}

/// Changes the letter at a place of a JSON text to another of its kind, or returns nothing where there is none.
fn change(text: &str, place: usize) -> Option<Value> {
    let mut bytes = text.as_bytes().to_vec();
    let letter = bytes.get_mut(place)?;
    *letter = match *letter {
        b'9' => b'8',
        b'f' => b'e',
        letter if letter.is_ascii_hexdigit() => letter + 1,
        _ => return None,
    };
    serde_json::from_slice(&bytes).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn claims_hold_and_with_one_digit_changed_do_not(
        n in 1_u64..800, count in 1_u64..40, form in 0_u64..4, from in 1_u64..=SIZE,
        places in proptest::collection::vec(any::<proptest::sample::Index>(), 24),
    ) {
        let log = Log::new();
        let (root, older) = (log.root(SIZE), (from, log.root(from)));
        for claim in log.claims(n, count, form, from) {
            prop_assert_eq!(Log::judge(&claim, root, older), Ok(()), "{}", claim);
            let text = claim.to_string();
            for place in &places {
                if let Some(changed) = change(&text, place.index(text.len())) {
                    prop_assert!(Log::judge(&changed, root, older).is_err(), "{}", changed);
                }
            }
        }
    }
}
