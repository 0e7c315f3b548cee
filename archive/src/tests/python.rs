//! The reader in Python, which knows `docs/format.md` and none of our code, reads the same events and comes to the same leaves.
//!
//! Skipped by name where `python3` (or what `MUNIMENT_PYTHON` names) lacks the modules `zstandard` and `cryptography`.

use std::collections::HashSet;
use std::path::Path;
use std::process::{Command, Output};

use chat::{EventKind, Lane, Seq};
use serde_json::Value;

use super::{Numbers, ports, still};
use crate::proof::Digest;
use crate::proof::cover::{Cover, RunState, Survival};
use crate::proof::salt::{SaltRun, Seed};
use crate::segment::encoder::{LaneFile, encode};
use crate::segment::{RunEntry, RunSalts, SegmentHeader, SegmentName, Slot};
use crate::{Archive, Creation, record};

pub(super) fn python(test: &str, arguments: &[&str], folder: &Path) -> Option<Output> {
    let python = std::env::var("MUNIMENT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let modules = Command::new(&python).args(["-c", "import zstandard, cryptography"]).output();
    if !modules.is_ok_and(|output| output.status.success()) {
        println!("skipped: {test}: python3 with zstandard and cryptography is not there");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/read_segment.py");
    Some(Command::new(python).arg(script).arg(folder).args(arguments).output().unwrap())
}

pub(super) fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[test]
fn python_reads_the_same_events_and_comes_to_the_same_root() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("a");
    let archive = Archive::create(&folder, &Creation::default(), still(), ports(1)).unwrap();
    let mut numbers = Numbers::default();
    let mut all = Vec::new();
    for _ in 0..2 {
        let mut events = numbers.events(1_700);
        for (place, event) in events.iter_mut().enumerate() {
            if let (Some(actor), true) = (&mut event.event.actor, place % 37 == 5) {
                actor.name = format!("Renamed {place}");
                event.event.content.raw = Some(vec![0xff, 0, u8::try_from(place % 251).unwrap()]);
                event.event.content.other_fields = vec![(0x0777, vec![9])];
                event.event.target = Seq::new(event.seq.get() - 1);
                event.event.kind = if event.event.kind.lane() == Lane::Talk {
                    EventKind::Edit
                } else {
                    event.event.kind
                };
            }
        }
        all.extend(events.clone());
        archive.append(events).unwrap().wait().unwrap();
        archive.seal().unwrap();
    }
    let signed = archive.checkpoint().unwrap();
    let name = "python_reads_the_same_events_and_comes_to_the_same_root";
    let Some(output) = python(name, &[], &folder) else { return };
    let found = lines(&output);
    assert_eq!(found.len(), all.len());
    for line in &found {
        let seq = Seq::new(line["seq"].as_u64().unwrap()).unwrap();
        let event = &all[usize::try_from(seq.leaf_index()).unwrap()];
        let text = event.event.content.text.as_deref();
        assert_eq!(line["fields"]["4"].as_str(), text, "{seq}");
        assert_eq!(line["at"].as_i64(), Some(event.event.at.micros()), "{seq}");
        let name = event.event.actor.as_ref().map(|actor| actor.name.as_str());
        assert_eq!(line["fields"]["1"].as_str(), name, "{seq}");
        let leaf = archive.leaf(seq).unwrap().unwrap();
        assert_eq!(line["leaf"].as_str(), Some(hex(&leaf).as_str()), "{seq}");
    }
    let output = python(name, &["--check-tree"], &folder).unwrap();
    let [checked] = lines(&output).try_into().unwrap();
    assert_eq!(checked["root"].as_str(), Some(hex(&signed.checkpoint.root).as_str()));
    while archive.settle().unwrap().ranges > 0 {}
    let output = python(name, &["--check-tree"], &folder).unwrap();
    let [checked] = lines(&output).try_into().unwrap();
    assert_eq!(checked["root"].as_str(), Some(hex(&signed.checkpoint.root).as_str()));
    archive.close().unwrap();

    let path = folder.join("segments/1-3400-1.talk");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), &bytes).unwrap();
    assert!(!python(name, &["--check-tree"], &folder).unwrap().status.success());
}

/// A lane of the second generation: event 310 is a stub, events 400 to 420 are blank.
#[test]
fn python_opens_the_survivors_of_a_destruction() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("a");
    let archive = Archive::create(&folder, &Creation::default(), still(), ports(8)).unwrap();
    let events = Numbers::default().events(600);
    archive.append(events.clone()).unwrap().wait().unwrap();
    archive.seal().unwrap();
    let last = Seq::new(600).unwrap();
    let leaves: Vec<Digest> = archive.sealed().leaves(Seq::FIRST, 600).unwrap();
    let range = archive.sealed().range(Seq::FIRST).unwrap();
    let reader = range.reader(Lane::Talk).unwrap();
    let mut slots = Vec::new();
    let mut salting = reader.salting();
    for event in events.iter().filter(|event| event.lane() == Lane::Talk) {
        let live =
            Slot::Live { header: record::header(event), fields: record::fields(&event.event) };
        let seq = event.seq.get();
        slots.push(match seq {
            311 => {
                let content = salting.commitments(&live).unwrap().unwrap().content;
                Slot::Stub { header: record::header(event), content }
            }
            400..=420 => Slot::Blank { seq, leaf: leaves[usize::try_from(seq - 1).unwrap()] },
            _ => live,
        });
    }
    let runs = reader.footer().runs.iter().map(|run| narrowed(run, &slots)).collect();
    let mut sealer = archive.keys().new_file().unwrap();
    let header =
        SegmentHeader { file: *sealer.id().as_bytes(), generation: 1, ..reader.footer().header };
    let file =
        LaneFile { header, slots: &slots, runs, sealed_at: reader.footer().sealed_at, level: 9 };
    let bytes = encode(file, &mut |part| sealer.seal(part)).unwrap().bytes;
    archive.close().unwrap();
    let place = folder.join("segments");
    let name = SegmentName { first: Seq::FIRST, last, generation: 1, lane: Lane::Talk };
    std::io::Write::write_all(&mut std::fs::File::create(name.path(&place)).unwrap(), &bytes)
        .unwrap();
    std::fs::remove_file(place.join("1-600-0.talk")).unwrap();

    let test = "python_opens_the_survivors_of_a_destruction";
    let Some(output) = python(test, &[], &folder) else { return };
    let mut states = HashSet::new();
    for line in lines(&output) {
        let seq = usize::try_from(line["seq"].as_u64().unwrap()).unwrap();
        assert_eq!(line["leaf"].as_str(), Some(hex(&leaves[seq - 1]).as_str()), "{seq}");
        states.insert(line["state"].as_str().unwrap().to_owned());
    }
    assert_eq!(states.len(), 3);
    let opened = Archive::open(&folder, still(), ports(9)).unwrap();
    assert_eq!(opened.sealed().leaves(Seq::FIRST, 600).unwrap(), leaves);
    assert!(opened.read(Seq::new(400).unwrap()).unwrap().is_some(), "it lies in the ledger");
    assert_eq!(opened.read(Seq::new(401).unwrap()).unwrap(), None);
    assert_eq!(opened.read(Seq::new(311).unwrap()).unwrap(), None);
}

/// The run as a destruction leaves it, where it has destroyed events.
fn narrowed(run: &RunEntry, slots: &[Slot]) -> RunEntry {
    let RunSalts::Seed(seed) = &run.salts else { panic!("nothing was destroyed before") };
    let first = run.first.get();
    let end = (first - 1) / 256 * 256 + 257;
    let mut state = RunState::new();
    let mut bits = [[0_u8; 32]; 3];
    for slot in slots.iter().filter(|slot| (first..end).contains(&slot.seq())) {
        let (survival, kept) = match slot {
            Slot::Live { .. } => (Survival::Live, 0),
            Slot::Stub { .. } => (Survival::Stub, 1),
            Slot::Blank { .. } => (Survival::Blank, 2),
        };
        state.set(Seq::new(slot.seq()).unwrap(), survival);
        let place = usize::try_from((slot.seq() - 1) % 256).unwrap();
        bits[kept][place / 8] |= 0x80 >> (place % 8);
    }
    if bits[1..] == [[0; 32]; 2] {
        return run.clone();
    }
    let salt_run = SaltRun { lane: Lane::Talk, first: run.first };
    let nodes = Cover::of_seed(salt_run, &Seed::from_bytes(**seed)).narrow(&state).unwrap();
    RunEntry { first: run.first, salts: RunSalts::Cover { slots: bits, nodes } }
}
