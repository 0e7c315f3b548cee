//! What a stranger is handed to check: claims, openings, signed notes and keys.

use std::sync::LazyLock;

use archive::proof::claim::{AtRest, Consistency, Inclusion, RangeProof, Room};
use archive::proof::cosignature::WitnessKey;
use archive::proof::{Opening, SigningKey, VerifierKey};
use archive::testing::signed_note;
use chat::ArchiveId;
use serde_json::Value;

/// A size and a root that no claim of a stranger is made for.
const SIZE: u64 = 430;
const ROOT: [u8; 32] = [7; 32];

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::of_archive(&[5; 32], ArchiveId::from_bytes([9; 16])));

/// A claim as JSON: what is understood is written to the same JSON, and holds for no root that it was not made for.
pub(super) fn claim(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    if let Ok(opening) = Opening::from_json(&value) {
        assert_eq!(Opening::from_json(&opening.to_json()).as_ref(), Ok(&opening));
        if let Ok((_, Some(header))) = opening.check(1) {
            assert_eq!(header.seq, 1, "an opening of another event was taken");
        }
    }
    if let Ok(inclusion) = Inclusion::from_json(&value) {
        assert_eq!(Inclusion::from_json(&inclusion.to_json()).as_ref(), Ok(&inclusion));
        assert!(inclusion.verify(SIZE, &ROOT).is_err(), "a proof of no root");
    }
    if let Ok(consistency) = Consistency::from_json(&value) {
        assert_eq!(Consistency::from_json(&consistency.to_json()).as_ref(), Ok(&consistency));
        assert!(consistency.verify((SIZE - 1, &ROOT), (SIZE, &[8; 32])).is_err());
    }
    if let Ok(range) = RangeProof::from_json(&value) {
        assert_eq!(RangeProof::from_json(&range.to_json()).as_ref(), Ok(&range));
        assert!(range.verify(SIZE, &ROOT).is_err(), "a proof of no root");
    }
    if let Ok(room) = Room::from_json(&value) {
        assert_eq!(Room::from_json(&room.to_json()).as_ref(), Ok(&room));
        assert!(room.verify(SIZE, &ROOT).is_err(), "a proof of no root");
    }
    if let Ok(rest) = AtRest::from_json(&value) {
        let seqs = rest.live.iter().map(|event| event.seq);
        let leaves: Vec<_> = seqs.map(|seq| (seq, ROOT)).collect();
        assert!(leaves.is_empty() || rest.verify(&leaves).is_err(), "leaves of no tree");
    }
}

/// A note as it comes, the same text signed by the pinned key, and each line as a key.
pub(super) fn note(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let key = KEY.verifier_key();
    if let Ok(checkpoint) = key.open(&text) {
        assert!(text.starts_with(&checkpoint.text()), "another checkpoint than the note's");
    }
    for signed in
        [text.split("\n\n").next().unwrap_or_default().to_owned() + "\n", text.to_string()]
    {
        let Ok(note) = signed_note(&KEY, &signed) else { continue };
        match (key.open(&note), key.open_text(&note)) {
            (Ok(checkpoint), other) => {
                assert_eq!(checkpoint.text(), signed, "a checkpoint has one form");
                assert!(other.is_err(), "a checkpoint passed for another note");
                assert_eq!(
                    KEY.sign(&checkpoint).as_ref(),
                    Ok(&note),
                    "one note for one checkpoint"
                );
            }
            (Err(_), Ok(other)) => assert!(other == signed, "another text than was signed"),
            (Err(_), Err(_)) => {}
        }
    }
    for line in text.lines().take(8) {
        if let Ok(key) = line.parse::<VerifierKey>() {
            assert_eq!(key.to_string(), line, "a key has one form");
            assert!(key.open(&text).is_err() || line.contains('+'));
        }
        if let Ok(witness) = line.parse::<WitnessKey>() {
            assert_eq!(witness.to_string(), line, "a key has one form");
            // Whether it has cosigned is the note's affair; that asking ends is this one's.
            witness.cosigned_at(&text).ok();
        }
    }
}
