//! Claims about proofs that an archive makes: a stranger with the public key and a checkpoint can check each of them.

use chat::Seq;

use super::{Numbers, ports, still};
use crate::proof::claim::Inclusion;
use crate::proof::{Opening, VerifierKey};
use crate::record::tag;
use crate::{Archive, Creation, Error};

fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

/// Checks a proof the way a stranger does: from its JSON, the note and the key's text.
fn holds(proof: &Inclusion, note: &str, key: &str) -> Opening {
    let key: VerifierKey = key.parse().unwrap();
    let checkpoint = key.open(note).unwrap();
    let proof = Inclusion::from_json(&proof.to_json()).unwrap();
    proof.verify(checkpoint.size, &checkpoint.root).unwrap();
    proof.opening
}

/// Makes an archive of these batches, a checkpoint after each; all but the last are sealed.
fn grown(folder: &std::path::Path, batches: &[u64]) -> std::sync::Arc<Archive> {
    let archive = Archive::create(folder, &Creation::default(), still(), ports(1)).unwrap();
    let mut numbers = Numbers::of(&archive);
    for (place, count) in (1..).zip(batches) {
        archive.append(numbers.events(*count)).unwrap().wait().unwrap();
        archive.checkpoint().unwrap();
        if place < batches.len() {
            archive.seal().unwrap();
        }
    }
    archive
}

#[test]
fn every_event_is_proven_against_every_checkpoint_that_covers_it() {
    let folder = tempfile::tempdir().unwrap();
    let archive = grown(&folder.path().join("a"), &[3, 300, 257]);
    let key = archive.public_key().to_string();
    for size in [3, 303, 560] {
        let signed = archive.checkpoint_at(size).unwrap().unwrap();
        assert_eq!(archive.root(size).unwrap(), signed.checkpoint.root);
        for number in (1..=size).step_by(7).chain([size]) {
            let proof = archive.prove(seq(number), size, &|_| false).unwrap();
            let opening = holds(&proof, &signed.note, &key);
            let event = archive.read(seq(number)).unwrap().unwrap();
            let text = event.event.content.text.map(String::into_bytes);
            assert_eq!(opening.value(tag::TEXT).map(<[u8]>::to_vec), text);
        }
    }
}

#[test]
fn proofs_are_the_same_before_a_seal_after_it_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("a");
    let archive = grown(&home, &[700]);
    let prove = |archive: &Archive| {
        let seqs: Vec<_> = (1..=700).step_by(9).map(seq).collect();
        let proven = archive.prove_many(&seqs, 700);
        proven.map(|proof| proof.unwrap().1.to_json()).collect::<Vec<_>>()
    };
    let before = prove(&archive);
    archive.seal().unwrap();
    assert_eq!(prove(&archive), before);
    drop(archive);
    let archive = Archive::open(&home, still(), ports(2)).unwrap();
    assert_eq!(prove(&archive), before);
    assert_eq!(archive.head().1, archive.newest_checkpoint().unwrap().checkpoint.root);
}

#[test]
fn many_are_proven_as_each_is_by_itself_whatever_is_left_out_between_them() {
    let folder = tempfile::tempdir().unwrap();
    let archive = grown(&folder.path().join("a"), &[3, 1_500, 300]);
    for size in [1_803, 1_503, 3] {
        // All of them, most of every block, few of every block, and the last ones of a block alone.
        let choices: [fn(u64) -> bool; 4] = [
            |_| true,
            |number| number % 3 != 0,
            |number| number % 97 == 0,
            |number| number % 256 > 99,
        ];
        for (at, choice) in choices.iter().enumerate() {
            let seqs: Vec<_> = (1..=size).filter(|number| choice(*number)).map(seq).collect();
            let proven: Vec<_> = archive.prove_many(&seqs, size).map(Result::unwrap).collect();
            assert_eq!(proven.len(), seqs.len(), "choice {at} of {size}");
            for (seq, (recorded, inclusion)) in seqs.iter().zip(proven) {
                assert_eq!(recorded.seq, *seq);
                assert_eq!(inclusion, archive.prove(*seq, size, &|_| false).unwrap(), "{seq}");
            }
        }
    }
    let backwards: Vec<_> = (1..=600).rev().map(seq).collect();
    let proven = archive.prove_many(&backwards, 1_803).map(|proof| proof.unwrap().1.seq);
    assert!(proven.eq((1..=600).rev()), "in the order asked for");
}

#[test]
fn a_room_is_proven_without_showing_another() {
    let folder = tempfile::tempdir().unwrap();
    let archive = grown(&folder.path().join("a"), &[300, 40]);
    let all = super::read_all(&archive).unwrap();
    let room = all.iter().find_map(|event| event.event.place.clone()).unwrap().room;
    let is_there = |event: &&chat::Recorded| {
        event.event.place.as_ref().is_some_and(|place| place.room == room)
    };
    let seqs: Vec<_> = all.iter().filter(is_there).map(|event| event.seq).collect();
    let expected = archive.root(340).unwrap();
    let proof = archive.prove_room(room, &seqs, 340, &|tag| tag == tag::TEXT).unwrap();
    let shown = proof.verify(340, &expected).unwrap();
    assert_eq!((shown.first.place_seq, shown.not_shown), (1, 0));
    assert_eq!(Ok(shown.last.place_seq), u64::try_from(seqs.len()));
    let gap = [&seqs[..5], &seqs[6..]].concat();
    let refused = archive.prove_room(room, &gap, 340, &|_| false);
    assert!(matches!(refused, Err(Error::Refused { .. })));
}

#[test]
fn a_withheld_text_is_proven_without_being_shown() {
    let folder = tempfile::tempdir().unwrap();
    let archive = grown(&folder.path().join("a"), &[20]);
    let signed = archive.newest_checkpoint().unwrap();
    let proof = archive.prove(seq(7), 20, &|tag| tag == tag::TEXT).unwrap();
    let opening = holds(&proof, &signed.note, &archive.public_key().to_string());
    assert_eq!(opening.value(tag::TEXT), None);
    assert!(opening.value(tag::AUTHOR).is_some());
}

#[test]
fn many_events_are_proven_in_one_pass() {
    let folder = tempfile::tempdir().unwrap();
    let archive = grown(&folder.path().join("a"), &[900]);
    let signed = archive.newest_checkpoint().unwrap();
    let seqs: Vec<_> = (1..=900).step_by(3).map(seq).collect();
    let proven = archive.prove_many(&seqs, 900).collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(proven.len(), seqs.len());
    for (event, proof) in proven {
        assert_eq!(Some(&event), archive.read(event.seq).unwrap().as_ref());
        holds(&proof, &signed.note, &archive.public_key().to_string());
    }
}

#[test]
fn ranges_and_consistency_hold_between_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let archive = grown(&folder.path().join("a"), &[100, 411, 2]);
    let (root_of, size) = (|size| archive.root(size).unwrap(), 513);
    for (first, count) in [(1, 1), (1, 513), (255, 3), (513, 1), (200, 300)] {
        let proof = archive.prove_range(seq(first), count, size).unwrap();
        let headers = proof.verify(size, &root_of(size)).unwrap();
        assert!(headers.iter().all(Option::is_some));
        assert_eq!(u64::try_from(headers.len()), Ok(count));
    }
    for from in [100, 511, 513] {
        let proof = archive.prove_consistency(from, size).unwrap();
        proof.verify((from, &root_of(from)), (size, &root_of(size))).unwrap();
    }
}

#[test]
fn what_is_not_in_the_log_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let archive = grown(&folder.path().join("a"), &[10]);
    let beyond = |result: Result<(), Error>| matches!(result, Err(Error::BeyondEnd { .. }));
    assert!(beyond(archive.prove(seq(11), 11, &|_| false).map(drop)));
    assert!(beyond(archive.prove(seq(6), 5, &|_| false).map(drop)));
    assert!(beyond(archive.root(11).map(drop)));
    assert!(beyond(archive.prove_range(seq(6), 6, 10).map(drop)));
    assert!(beyond(archive.prove_consistency(5, 11).map(drop)));
    for refused in
        [archive.prove_consistency(0, 10).map(drop), archive.prove_range(seq(1), 0, 10).map(drop)]
    {
        assert!(matches!(refused, Err(Error::Refused { .. })));
    }
    assert_eq!(archive.leaf(seq(11)).unwrap(), None);
}

#[test]
fn many_proofs_made_together_are_those_of_each_alone() {
    let folder = tempfile::tempdir().unwrap();
    let archive = grown(&folder.path().join("a"), &[700, 500, 90]);
    let size = archive.size();
    // Out of two sealed ranges and the journal, with gaps, and some backwards.
    let mut seqs: Vec<_> = (1..=size).filter(|number| number % 7 != 3).map(seq).collect();
    seqs.extend([seq(5), seq(1_250), seq(4)]);
    let together: Vec<_> = archive.prove_many(&seqs, size).map(Result::unwrap).collect();
    assert_eq!(together.len(), seqs.len());
    for (seq, (recorded, proof)) in seqs.iter().zip(together) {
        assert_eq!(Some(recorded), archive.read(*seq).unwrap());
        assert_eq!(proof, archive.prove(*seq, size, &|_| false).unwrap());
    }
}
