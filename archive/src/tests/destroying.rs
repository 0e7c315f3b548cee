//! Execution of orders, as claims: what is named goes from every file, and nothing else does, whatever the disk does meanwhile.

mod failing;
mod programme;
mod proving;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chat::testing::message;
use chat::{Act, ChatEvent, EventKind, Family, Lane, Recorded, Seq, Timestamp};
use policy::testing::{Officer, Wish};
use policy::{RecordedOrder, Remains};

use super::simulated::SimulatedDisk;
use super::{Numbers, ports, still};
use crate::keys::KeyId;
use crate::segment::{SegmentReader, Slot};
use crate::{Archive, Creation, DestroyReport, Error, Ports};

const HOME: &str = "/archive";

/// An archive on a simulated disk, an officer who follows it, and what was recorded.
struct World {
    disk: SimulatedDisk,
    archive: Arc<Archive>,
    numbers: Numbers,
    officer: Officer,
    log: Vec<Recorded>,
}

fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

fn seqs(numbers: impl IntoIterator<Item = u64>) -> Vec<Seq> {
    numbers.into_iter().map(seq).collect()
}

fn on(disk: &SimulatedDisk, seed: u64) -> Ports {
    Ports { disk: Arc::new(disk.clone()), ..ports(seed) }
}

/// Words that nobody else says.
fn word(number: u64) -> String {
    format!("secret-{number}-end")
}

/// The n-th event: every fifth is an act, the others are said in one of three rooms.
fn event(number: u64) -> ChatEvent {
    let mut event = message(number, u8::try_from(number % 3).unwrap(), 1, &word(number));
    if number.is_multiple_of(5) {
        event.kind = EventKind::Officer;
        event.place = None;
        event.content.act = Some(Act::new("noted").with("what", word(number)));
        event.content.text = None;
    }
    event
}

impl World {
    /// Returns a world of sealed ranges of so many events each.
    fn of(seed: u64, ranges: &[u64]) -> Self {
        let disk = SimulatedDisk::new(seed);
        let home = Path::new(HOME);
        let archive = Archive::create(home, &Creation::default(), still(), on(&disk, seed));
        let (numbers, officer, log) = (Numbers::default(), Officer::default(), Vec::new());
        let mut world = Self { disk, archive: archive.unwrap(), numbers, officer, log };
        for count in ranges {
            world.append(*count);
            world.archive.seal().unwrap();
        }
        world
    }

    fn append(&mut self, count: u64) {
        let events: Vec<_> =
            (0..count).map(|_| self.numbers.record(event(self.numbers.last + 1))).collect();
        self.archive.append(events.clone()).unwrap().wait().unwrap();
        for recorded in &events {
            self.officer.follow(recorded);
        }
        self.log.extend(events);
    }

    fn order(&mut self, wishes: &[Wish]) -> RecordedOrder {
        let Self { archive, numbers, officer, log, .. } = self;
        officer.order(wishes, &mut |event, at| {
            let recorded = Recorded { recorded_at: at, ..numbers.record(event) };
            archive.append(vec![recorded.clone()]).unwrap().wait().unwrap();
            log.push(recorded.clone());
            recorded
        })
    }

    /// Opens the archive anew, as after the end of the process or of the power.
    fn reopen(&mut self, seed: u64) {
        self.archive = Archive::open(Path::new(HOME), still(), on(&self.disk, seed)).unwrap();
    }

    /// What an order leaves of each event that it names.
    fn named(&self, order: &RecordedOrder) -> BTreeMap<u64, Remains> {
        let takes = |recorded: &Recorded| {
            Some((recorded.seq.get(), order.takes(recorded.seq, recorded.lane())?))
        };
        self.log.iter().filter_map(takes).collect()
    }

    /// Every event reads as it was recorded, or as nothing where it is gone; and what is left of that is what was ordered.
    fn check(&self, gone: &BTreeMap<u64, Remains>) {
        for recorded in &self.log {
            let number = recorded.seq.get();
            let read = self.archive.read(recorded.seq).unwrap();
            match gone.get(&number) {
                None => assert_eq!(read.as_ref(), Some(recorded), "{number}"),
                Some(remains) => {
                    assert_eq!(read, None, "{number}");
                    let slot = self.archive.sealed.slot(recorded.seq).unwrap();
                    let is_right = match slot {
                        Some(Slot::Stub { header, .. }) => {
                            *remains == Remains::Stub && header == crate::record::header(recorded)
                        }
                        Some(Slot::Blank { .. }) => *remains == Remains::Blank,
                        Some(Slot::Live { .. }) | None => false,
                    };
                    assert!(is_right, "{number}");
                }
            }
        }
        let report = self.archive.verify(None, &|_| {}).unwrap();
        assert_eq!(report.findings, []);
        let count = |sought| gone.values().filter(|remains| **remains == sought).count();
        assert_eq!(report.stubs, u64::try_from(count(Remains::Stub)).unwrap());
        assert_eq!(report.blanks, u64::try_from(count(Remains::Blank)).unwrap());
    }

    /// Returns whether any file that opens holds a word, in whatever part.
    fn says(&self, sought: &str) -> bool {
        let holds = |bytes: &[u8]| bytes.windows(sought.len()).any(|at| at == sought.as_bytes());
        let keys = self.archive.keys();
        let in_segments = self.disk.files().into_keys().any(|path| {
            let Ok(reader) = SegmentReader::open(&self.disk, &path, keys, self.archive.id()) else {
                return false;
            };
            let blocks = reader.footer().blocks.iter();
            let blocks = blocks.map(|entry| reader.block(entry, true).unwrap());
            blocks.into_iter().any(|block| {
                (0..block.rows()).filter_map(|row| block.slot(row)).any(|slot| match slot {
                    Slot::Live { fields, .. } => fields.iter().any(|field| holds(&field.value)),
                    Slot::Stub { .. } | Slot::Blank { .. } => false,
                })
            })
        });
        let memory = &self.archive.shared.memory;
        let in_journal = self.log.iter().filter_map(|recorded| memory.read(recorded.seq));
        let in_ledger = self.archive.abridging.read().map(|abridged| abridged.events(0, 1_000_000));
        in_segments
            || in_journal
                .chain(in_ledger.unwrap_or_default())
                .any(|recorded| holds(format!("{recorded:?}").as_bytes()))
    }

    fn old_files(&self) -> Vec<(PathBuf, KeyId)> {
        let ranges = self.archive.sealed.ranges();
        let readers = ranges.iter().flat_map(|range| range.readers());
        readers.map(|reader| (reader.path().to_owned(), reader.key())).collect()
    }

    /// Nothing is left over: each key has its file, and each segment its range.
    fn check_nothing_left_over(&self) {
        let files: Vec<_> = self.disk.files().into_keys().collect();
        let count =
            |ends: &str| files.iter().filter(|path| path.to_string_lossy().ends_with(ends)).count();
        let segments = count(".talk") + count(".ledger");
        assert_eq!(segments, self.archive.sealed.ranges().len() * 2, "{files:?}");
        // A journal file that could not be removed after its key had gone opens for nobody, and goes at the next start.
        let journals = self.disk.files().into_iter().filter(|(path, bytes)| {
            let id = bytes.get(26..42).and_then(|id| id.try_into().ok()).map(KeyId::from_bytes);
            let is_held = id.is_some_and(|id| self.archive.keys().holds(id));
            path.to_string_lossy().ends_with(".journal") && is_held
        });
        let others = journals.count() + count("ledger.abridged");
        assert_eq!(self.archive.keys().count(), segments + others, "{files:?}");
        assert_eq!(count(".unfinished"), 0, "{files:?}");
    }
}

/// Stubs and blanks, of the talk and of the ledger, one by one and as a stretch.
fn wishes() -> Vec<Wish> {
    vec![
        Wish::Talk(seqs([3, 151, 299, 302]), Remains::Stub),
        Wish::Talk(seqs([4, 152, 256, 257]), Remains::Blank),
        Wish::Ledger(seqs([5, 300]), Remains::Stub),
        Wish::Ledger(seqs([155]), Remains::Blank),
        Wish::Within(seq(200), seq(240), 32, Remains::Stub),
    ]
}

#[test]
fn what_is_named_goes_and_everything_else_reads_and_proves_as_before() {
    let mut world = World::of(1, &[150, 160, 170]);
    world.archive.abridging.renew().unwrap();
    let signed = world.archive.checkpoint().unwrap();
    let order = world.order(&wishes());
    let named = world.named(&order);
    assert_eq!(named.len(), 43, "{named:?}");
    let (size, root) = world.archive.head();
    let whole =
        |world: &World, number| world.archive.prove(seq(number), size, &|_| false).unwrap().opening;
    let living: Vec<u64> = (1..=480).filter(|number| !named.contains_key(number)).collect();
    let before: Vec<_> = living.iter().map(|number| whole(&world, *number)).collect();
    let old = world.old_files();
    assert!(
        world.says(&word(3))
            && world.says(&word(300))
            && !world.archive.is_executed(&order).unwrap()
    );
    let report = world.archive.destroy(&order).unwrap();
    assert_eq!((report.ranges, report.events), (2, 43));
    // Where few events are named here and there, what opens the survivors takes more than the named ones gave back.
    assert!(report.bytes_before > 0 && report.bytes_after > 0, "{report:?}");
    assert!(report.keys >= 4 && report.epoch > 1, "{report:?}");
    world.check(&named);
    for number in 1..=480 {
        assert_eq!(world.says(&word(number)), !named.contains_key(&number), "{number}");
    }
    let spared = old.iter().filter(|(path, _)| world.disk.files().contains_key(path));
    assert_eq!(spared.count(), 2, "nothing is named in the last range");
    for (path, key) in old {
        assert_eq!(world.archive.keys().holds(key), world.disk.files().contains_key(&path));
    }
    world.check_nothing_left_over();
    assert_eq!(world.archive.head(), (size, root));
    let after: Vec<_> = living.iter().map(|number| whole(&world, *number)).collect();
    assert!(before == after, "an opening of a survivor has changed");
    for number in named.keys() {
        world.archive.prove(seq(*number), size, &|_| false).unwrap();
    }
    world.archive.prove_range(seq(1), 480, size).unwrap();
    world.archive.prove_consistency(signed.checkpoint.size, size).unwrap();
    assert_eq!(world.archive.checkpoint_at(signed.checkpoint.size).unwrap(), Some(signed));
    assert!(world.archive.is_executed(&order).unwrap());
    assert_eq!(world.archive.destroy(&order).unwrap(), DestroyReport::default());
    while world.archive.settle().unwrap().ranges > 0 {}
    world.check(&named);
    assert_eq!(world.archive.destroy(&order).unwrap(), DestroyReport::default());
    world.archive.close().unwrap();
    world.reopen(2);
    world.check(&named);
    assert!(world.archive.is_executed(&order).unwrap());
}

#[test]
fn what_is_not_sealed_yet_is_sealed_first_and_a_whole_segment_may_go() {
    let mut world = World::of(1, &[100]);
    world.append(60);
    let order = world.order(&[Wish::Within(seq(1), seq(160), 128, Remains::Blank)]);
    let named = world.named(&order);
    assert_eq!(named.len(), 128);
    assert!(!world.archive.is_executed(&order).unwrap());
    let report = world.archive.destroy(&order).unwrap();
    assert_eq!((report.ranges, report.events), (2, 128));
    world.check(&named);
    assert!(world.says(&word(5)) && !world.says(&word(1)) && !world.says(&word(159)));
    world.check_nothing_left_over();
    assert!(world.archive.is_executed(&order).unwrap());
    // A second order takes of the ledger what the first has left there.
    let second = world.order(&[Wish::Ledger(seqs([5, 10, 100]), Remains::Stub)]);
    let mut gone = named;
    gone.extend(world.named(&second));
    assert_eq!(world.archive.destroy(&second).unwrap().events, 3);
    world.check(&gone);
    assert!(world.archive.is_executed(&order).unwrap());
}

#[test]
fn an_order_of_another_log_is_refused_and_changes_nothing() {
    let mut world = World::of(1, &[150]);
    let mut other = World::of(2, &[150, 20]);
    let order = other.order(&[Wish::Talk(seqs([3, 4]), Remains::Blank)]);
    let before = world.disk.files();
    let refused = world.archive.destroy(&order).unwrap_err();
    assert!(matches!(refused, Error::OrderForeign { .. }), "{refused}");
    assert!(refused.to_string().contains("150 events and none there"), "{refused}");
    world.append(100);
    let after = world.disk.files();
    for refused in
        [world.archive.destroy(&order).map(drop), world.archive.is_executed(&order).map(drop)]
    {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, Error::OrderForeign { .. }), "{refused}");
        assert_eq!(refused.family(), Family::Refused);
    }
    assert!(before != after && after == world.disk.files());
    // An order of the same place that says something else.
    let own = World::of(1, &[150]).order(&[Wish::Talk(seqs([3, 4]), Remains::Blank)]);
    let mut twin = World::of(1, &[150]);
    let other = twin.order(&[Wish::Talk(seqs([3, 6]), Remains::Blank)]);
    assert_eq!(own.place(), other.place());
    let refused = twin.archive.destroy(&own).unwrap_err();
    assert!(refused.to_string().contains("another order"), "{refused}");
    twin.check(&BTreeMap::new());
}

#[test]
fn the_newest_event_of_a_room_may_be_blanked_and_the_room_goes_on_where_it_stood() {
    let mut world = World::of(1, &[150]);
    let order = world.order(&[Wish::Talk(
        seqs(140..=149).into_iter().filter(|seq| !seq.get().is_multiple_of(5)).collect(),
        Remains::Blank,
    )]);
    world.archive.destroy(&order).unwrap();
    let places = world.archive.places();
    world.archive.seal().unwrap();
    world.archive.close().unwrap();
    world.reopen(2);
    assert_eq!(world.archive.places(), places);
    world.append(30);
    world.archive.seal().unwrap();
    world.check(&world.named(&order));
    world.archive.close().unwrap();
    let path = Path::new(HOME).join("places");
    chat::Disk::remove(&world.disk, &path).unwrap();
    world.reopen(3);
    let next = world.numbers.record(event(world.numbers.last + 1));
    let refused = world.archive.append(vec![next]).unwrap_err();
    assert!(matches!(refused, Error::PlacesUnknown { .. }), "{refused}");
}

#[test]
fn when_a_checkpoint_was_made_is_known_from_a_stub() {
    let mut world = World::of(1, &[150]);
    let order = world.order(&[Wish::Talk(seqs([149]), Remains::Stub)]);
    world.archive.destroy(&order).unwrap();
    let at = crate::tail::recorded_at(&world.archive.shared, &world.archive.sealed, 149);
    assert_eq!(at, Some(Timestamp::from_micros(7)));
    assert_eq!(world.log[148].lane(), Lane::Talk);
}
