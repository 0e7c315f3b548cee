//! The bytes of a package do not depend on who writes them: a faster writer gives what the one before it gave.

use chat::{Seq, SourceId, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::ExportSet;
use crate::format::hex;
use crate::tests::log::Log;
use crate::tests::sample::{files, log, post, write};

/// Texts that a table has to quote, show, guard or cut, and some that it must leave alone.
const TEXTS: [&str; 12] = [
    "",
    "plain words, 1 = 1",
    "\"quoted\" in the \"middle",
    "\"",
    "=1+1",
    "  \u{200b}-2",
    "tab\there\r\nand \u{7f} \u{202e}there",
    "Grüße, 世界 🙂",
    "'already guarded",
    "\\ back \u{1}\u{1f}",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"",
    "ends in a letter é",
];

/// Returns a log of 600 events: more than two blocks of the tree, every text in every member.
fn odd_log() -> Log {
    let mut events = Vec::new();
    for number in 1..=600_u64 {
        let text = |step: u64| TEXTS[usize::try_from((number + step) % 12).unwrap()].to_owned();
        let mut event = post(number, &text(0));
        if let Some(actor) = &mut event.actor {
            actor.name = text(number / 12);
            actor.email = (number % 3 == 0).then(|| text(1));
            actor.foreign_id = (number % 4 == 0).then(|| text(2));
        }
        if let Some(place) = &mut event.place {
            place.name = text(number / 7);
        }
        event.content.thread = (number % 5 == 0).then(|| text(3));
        event.content.title = (number % 6 == 0).then(|| text(4));
        event.content.text = event.content.text.filter(|_| number % 50 != 0);
        match number % 100 {
            1 => event.at = Timestamp::from_micros(i64::MIN),
            2 => event.at = Timestamp::from_micros(i64::MAX),
            3 => event.at = Timestamp::MIN,
            4 => event.at = Timestamp::from_micros(-1),
            5 => event.place = None,
            6 => event.actor = None,
            7 => event.origin = None,
            8 => event.content.text = Some("🙂\"=".repeat(12_000)),
            9 => event.content.text = Some("=x".repeat(20_000)),
            10 => event.content.edited_at = Some(Timestamp::from_micros(-7)),
            _ => {}
        }
        if let Some(origin) = event.origin.as_mut().filter(|_| number % 9 == 0) {
            origin.source = SourceId::from_bytes([0xee; 16]);
        }
        events.push(event);
    }
    Log::of(events)
}

/// Returns the hash of a package's tables and of its lines: of these themselves, since how they are compressed may change.
fn hash_of(log: &Log, set: &ExportSet) -> String {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("package");
    write(set, log, &out).unwrap();
    assert!(crate::verify(&out, &log.verifier_key()).unwrap().ok);
    let mut hasher = Sha256::new();
    for (name, bytes) in files(&out) {
        match name.rsplit_once('.') {
            Some((_, "csv")) => hasher.update(bytes),
            Some((_, "zst")) => hasher.update(zstd::decode_all(bytes.as_slice()).unwrap()),
            _ => {}
        }
    }
    hex::write(&hasher.finalize())
}

#[test]
fn every_writer_gives_the_bytes_that_the_first_one_gave() {
    let small = log();
    assert_eq!(
        hash_of(&small, &small.whole()),
        "ef2ea8d767d727e03801e78d066fab2186cb37a003b9bcd072bb0d94b4fb8598"
    );
    let odd = odd_log();
    let mut selection = odd.selection((1..=600).filter(|seq| seq % 7 != 0 || *seq > 300));
    selection.hits = Some((2..=600).step_by(2).filter_map(Seq::new).collect());
    selection.hits.as_mut().unwrap().retain(|seq| seq.get() % 7 != 0 || seq.get() > 300);
    let set = ExportSet::freeze(selection).unwrap();
    assert_eq!(
        hash_of(&odd, &set),
        "22d8527a0099b2357215c84bd935343fb1532c1d390514d1f0db4e61cc98805d"
    );
}
