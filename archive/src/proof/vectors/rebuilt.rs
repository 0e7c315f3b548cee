//! Salts, contents, entries, roots and checkpoints: each positive value of the vectors, made anew.

use chat::{ArchiveId, Lane, Seq};
use serde_json::Value;

use super::sample_log::{Leaves, sample_log, seed};
use super::{bytes, digest, list, number, salt, vectors};
use crate::proof::checkpoint::{Checkpoint, SigningKey, VerifierKey, origin};
use crate::proof::commitment::{
    ContentHasher, commit, field_commitment, field_salt, header_commitment, list_salt,
};
use crate::proof::cover::{Cover, RunState, Survival};
use crate::proof::hash::sha256;
use crate::proof::header::Header;
use crate::proof::hex;
use crate::proof::salt::{SaltNode, SaltPlace, SaltRun, SaltTree, Salts, Seed, run_first, slot};
use crate::proof::tree::{self, Subtrees as _};

fn seq(value: &Value) -> Seq {
    Seq::new(number(value)).expect("a sequence number")
}

fn run(value: &Value) -> SaltRun {
    let lane = u8::try_from(number(&value["lane"])).ok().and_then(Lane::from_code);
    SaltRun { lane: lane.expect("a lane"), first: seq(&value["first"]) }
}

fn place(depth: &Value, index: &Value) -> SaltPlace {
    SaltPlace { depth: number(depth).try_into().unwrap(), index: number(index).try_into().unwrap() }
}

#[test]
fn salts_are_rebuilt_from_their_seeds() {
    let Some(file) = vectors("salts", "salts.json") else { return };
    let files: Vec<_> = list(&file["journal_files_start_at"]).iter().map(seq).collect();
    for item in list(&file["runs"]) {
        let run = run(item);
        let start = *files.iter().rfind(|start| **start <= run.first).unwrap();
        assert_eq!(run_first(start, seq(&item["last"])), run.first);
        assert_eq!(*seed(run.lane, run.first.get()).as_bytes(), salt(&item["seed"]));
    }
    for item in list(&file["nodes"]) {
        let parent = place(&item["depth"], &item["index"]);
        let node = SaltNode { place: parent, node: salt(&item["node"]) };
        for (side, index) in [("left", 2 * parent.index), ("right", 2 * parent.index + 1)] {
            let child = SaltPlace { depth: parent.depth + 1, index };
            assert_eq!(node.below(run(item), child).unwrap().node, salt(&item[side]));
        }
    }
    for item in list(&file["salts"]) {
        let run = run(item);
        let mut tree = SaltTree::new(&seed(run.lane, run.first.get()), run.lane, run.first);
        assert_eq!(u64::from(slot(seq(&item["seq"]))), number(&item["slot"]));
        let salts = tree.salts(seq(&item["seq"]));
        assert_eq!((salts.hs, salts.cs), (salt(&item["hs"]), salt(&item["cs"])));
    }
}

#[test]
fn covers_are_rebuilt_from_the_state_of_their_runs() {
    let Some(file) = vectors("covers", "salts.json") else { return };
    for item in list(&file["covers"]) {
        let mut state = RunState::new();
        let of = |name: &str| -> Vec<u64> { list(&item[name]).iter().map(number).collect() };
        let (stubs, blanks, others) = (of("stubs"), of("blanks"), of("other_lane"));
        for n in number(&item["first"])..=number(&item["last"]) {
            let survival = match n {
                n if others.contains(&n) => continue,
                n if stubs.contains(&n) => Survival::Stub,
                n if blanks.contains(&n) => Survival::Blank,
                _ => Survival::Live,
            };
            state.set(Seq::new(n).unwrap(), survival);
        }
        let expected: Vec<_> = list(&item["places"]).iter().map(|p| place(&p[0], &p[1])).collect();
        assert_eq!(state.places(), expected);
        let nodes: Vec<_> = list(&item["nodes"]).iter().map(salt).collect();
        let whole = Cover::of_seed(run(item), &Seed::from_bytes(salt(&item["seed"])));
        assert_eq!(*whole.narrow(&state).unwrap(), nodes);
        assert!(Cover::open(run(item), &state, &nodes).is_ok());
    }
}

#[test]
fn contents_are_rebuilt_from_their_fields() {
    let Some(file) = vectors("contents", "fields.json") else { return };
    for item in list(&file) {
        let (seq, cs) = (seq(&item["seq"]), salt(&item["cs"]));
        assert_eq!(list_salt(seq, &cs), salt(&item["ls"]));
        let mut content = ContentHasher::new(seq, &salt(&item["ls"]));
        let mut joined = Vec::new();
        for field in list(&item["fields"]) {
            let tag = u16::try_from(number(&field["tag"])).unwrap();
            let salt = salt(&field["salt"]);
            assert_eq!(field_salt(seq, tag, &cs), salt);
            let commitment = field_commitment(seq, tag, &salt, &bytes(&field["value"]));
            assert_eq!(commitment, digest(&field["commitment"]));
            content.add(tag, &commitment);
            joined.extend_from_slice(&[tag.to_be_bytes().as_slice(), &commitment].concat());
        }
        assert_eq!(joined, bytes(&item["list"]));
        assert_eq!(content.finish(), digest(&item["content_commitment"]), "{}", item["name"]);
    }
}

#[test]
fn entries_are_rebuilt_from_their_headers_and_fields() {
    let Some(file) = vectors("entries", "entries.json") else { return };
    let log = sample_log();
    for item in list(&file) {
        let seq = seq(&item["seq"]);
        let header = bytes(&item["header"]);
        let sample = &log[usize::try_from(seq.leaf_index()).unwrap()];
        assert_eq!(sample.header.encode(), header);
        assert_eq!(Header::decode(&header).as_ref(), Ok(&sample.header));
        let salts = Salts { hs: salt(&item["hs"]), cs: salt(&item["cs"]) };
        assert_eq!(header_commitment(&salts.hs, &header), digest(&item["header_commitment"]));
        let fields = sample.fields.iter().map(|(tag, value)| (*tag, value.as_slice()));
        let commitments = commit(&header, seq, fields, &salts);
        assert_eq!(commitments, sample.commitments);
        assert_eq!(commitments.content, digest(&item["content_commitment"]));
        assert_eq!(commitments.entry().to_vec(), bytes(&item["entry"]));
        assert_eq!(commitments.leaf(), digest(&item["leaf"]));
    }
}

#[test]
fn roots_are_rebuilt_from_the_leaves_of_the_sample_log() {
    let Some(file) = vectors("roots", "roots.json") else { return };
    let leaves: Vec<_> = sample_log().iter().map(|sample| sample.commitments.leaf()).collect();
    assert_eq!(leaves, list(&file["leaves"]).iter().map(digest).collect::<Vec<_>>());
    let leaves = Leaves(leaves);
    for item in list(&file["roots"]) {
        let root = tree::root(number(&item["size"]), &leaves);
        assert_eq!(root, Ok(digest(&item["root"])), "{}", item["size"]);
    }
    for (index, item) in (0..).zip(list(&file["tile_level_1"])) {
        assert_eq!(leaves.hash(8, index), Ok(digest(item)));
    }
}

#[test]
fn checkpoints_are_rebuilt_from_the_key() {
    let Some(file) = vectors("checkpoints", "checkpoints.json") else { return };
    let archive: ArchiveId = file["archive_id"].as_str().unwrap().parse().unwrap();
    let key = SigningKey::of_archive(&digest(&file["private_seed"]), archive);
    let verifier = key.verifier_key();
    assert_eq!(verifier.public_key(), &digest(&file["public_key"]));
    assert_eq!(verifier.to_string(), file["verifier_key"]);
    assert_eq!(hex::encode(&verifier.id()), file["key_id"]);
    assert_eq!(origin(archive), file["origin"]);
    for item in list(&file["notes"]) {
        let (size, root) = (number(&item["size"]), digest(&item["root"]));
        let checkpoint = Checkpoint { origin: origin(archive), size, root };
        let note = item["checkpoint"].as_str().unwrap();
        // A note may bear a witness's line after ours.
        assert!(note.starts_with(&key.sign(&checkpoint).unwrap()));
        let pinned: VerifierKey = item["public_key"].as_str().unwrap().parse().unwrap();
        assert_eq!(pinned.open(note), Ok(checkpoint));
    }
}

#[test]
fn a_published_checkpoint_is_signed_byte_for_byte() {
    let archive = ArchiveId::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    let seed =
        hex::decode_array("9fa1a5071b01facb2ce763cf6bed74b734d5c4a2b2e23ee1cb105a145967ba47");
    let key = SigningKey::of_archive(&seed.unwrap(), archive);
    let checkpoint = Checkpoint { origin: origin(archive), size: 0, root: sha256(&[]) };
    let expected = "muniment/000102030405060708090a0b0c0d0e0f\n0\n\
        47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\
        \u{2014} muniment/000102030405060708090a0b0c0d0e0f lcA58grasw+BBgPYKGv5mKab6h9ba0xNYhCuGxdagUtXFi1PoLGqRuEQvz2yTGbdXdCo09gjmyHYlQjA76+QQR4SRgw=\n";
    assert_eq!(key.sign(&checkpoint).unwrap(), expected);
}
