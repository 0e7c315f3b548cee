//! Claims about sealing and about reading what is sealed, on a real disk.

use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use chat::testing::{SeededRng, message};
use chat::{EventKind, PlaceSeq, Recorded, Timestamp};

use super::*;
use crate::disk::Ports;
use crate::kept::Kept;
use crate::keys::KeyPlace;
use crate::proof::commitment::commit;
use crate::proof::salt::{SaltTree, run_first};
use crate::record;
use crate::segment::Sealed;

/// An archive's folder with keys and nothing else.
struct Ground {
    _folder: tempfile::TempDir,
    segments: PathBuf,
    ports: Ports,
    keys: Keys,
    archive: ArchiveId,
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = ArchiveId::from_bytes([1; 16]);
        let place = KeyPlace { folder: folder.path().join("keys"), kek_file: None, archive };
        let ports = Ports { rng: Arc::new(SeededRng::new(5)), ..Ports::production() };
        Keys::create(&place, &ports).unwrap();
        let keys = Keys::open(&place, ports.clone(), Arc::default()).unwrap();
        let segments = folder.path().join("segments");
        Self { _folder: folder, segments, ports, keys, archive }
    }

    fn place(&self) -> SealPlace<'_> {
        SealPlace {
            disk: self.ports.disk.as_ref(),
            folder: &self.segments,
            keys: &self.keys,
            archive: self.archive,
        }
    }

    fn seal(&self, harvest: &Harvest) -> Result<SealedRange> {
        let stamp = Stamp {
            sealed_at: Timestamp::EPOCH,
            level: 3,
            generation: 0,
            proven_every: PROVEN_EVERY,
        };
        seal(self.place(), harvest, stamp)
    }

    fn find(&self, journal_first: Option<u64>) -> Vec<SealedRange> {
        find_sealed(self.place(), journal_first.and_then(Seq::new), 0).unwrap()
    }

    fn open(&self) -> Sealed {
        Sealed::new(self.find(None).into_iter().map(Arc::new).collect())
    }

    fn names(&self) -> Vec<String> {
        durable::list(self.ports.disk.as_ref(), &self.segments).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.segments.join(name)
    }
}

/// Events 1 to `count`, every seventh in the ledger.
fn events(count: u64) -> Vec<Recorded> {
    let mut heads = [(0, 0); 3];
    let event = |seq: u64| {
        let room = u8::try_from(seq % 3).unwrap();
        let head = &mut heads[usize::from(room)];
        let mut event = message(seq, room, u8::try_from(seq % 11).unwrap(), &format!("text {seq}"));
        if seq.is_multiple_of(7) {
            event.kind = EventKind::Topic;
        }
        let recorded = Recorded {
            seq: Seq::new(seq).unwrap(),
            place_seq: PlaceSeq::new(head.0 + 1),
            place_prev: Seq::new(head.1),
            recorded_at: Timestamp::from_micros(1_700_000_000_000_000),
            event,
        };
        *head = (head.0 + 1, seq);
        recorded
    };
    (1..=count).map(event).collect()
}

/// The events as a journal file that starts with the first of them holds them.
fn harvest(events: &[Recorded]) -> Harvest {
    let first = events[0].seq;
    let mut runs: Vec<RunSeeds> = Vec::new();
    let mut leaves = Vec::new();
    for event in events {
        let run = run_first(first, event.seq);
        if runs.last().is_none_or(|last| last.first != run) {
            let byte = u8::try_from(runs.len()).unwrap();
            let seeds = [Seed::from_bytes([byte; 16]), Seed::from_bytes([byte ^ 0xff; 16])];
            runs.push(RunSeeds { first: run, seeds });
        }
        let seed = &runs.last().unwrap().seeds[usize::from(event.lane().code())];
        let salts = SaltTree::new(seed, event.lane(), run).salts(event.seq);
        let fields = record::fields(&event.event);
        let fields = fields.iter().map(|field| (field.tag, field.value.as_slice()));
        leaves.push(commit(&record::header(event).encode(), event.seq, fields, &salts).leaf());
    }
    let slots = events.iter().map(|event| Slot::Live {
        header: record::header(event),
        fields: record::fields(&event.event),
    });
    Harvest::collect((first, 0), slots.zip(leaves), &runs).unwrap()
}

#[test]
fn sealed_events_read_back_in_any_order_and_lane() {
    let ground = Ground::new();
    let events = events(9_000);
    let (early, late) = events.split_at(5_000);
    ground.seal(&harvest(early)).unwrap();
    ground.seal(&harvest(late)).unwrap();
    assert_eq!(
        ground.names(),
        ["1-5000-0.ledger", "1-5000-0.talk", "5001-9000-0.ledger", "5001-9000-0.talk"]
    );
    let sealed = ground.open();
    assert_eq!(sealed.size(), 9_000);

    let rng = SeededRng::new(3);
    let asked: Vec<_> = (0..500).map(|_| Seq::new(1 + rng.below(9_100)).unwrap()).collect();
    let found = sealed.read_many(&asked).unwrap();
    for (seq, event) in asked.iter().zip(found) {
        assert_eq!(event.as_ref(), events.get(usize::try_from(seq.leaf_index()).unwrap()), "{seq}");
    }
    for max in [1, 77, 4_096, 20_000] {
        assert_eq!(walk(&sealed, max, None), events, "{max} at a time");
        let ledger: Vec<_> = events.iter().filter(|e| e.lane() == Lane::Ledger).cloned().collect();
        assert_eq!(walk(&sealed, max, Some(Lane::Ledger)), ledger, "{max} at a time");
    }
}

fn walk(sealed: &Sealed, max: usize, lane: Option<Lane>) -> Vec<Recorded> {
    let mut events = Vec::new();
    let mut next = Seq::FIRST;
    while next.get() <= sealed.size() {
        let (found, after) = sealed.events_from(next, max, lane).unwrap();
        assert!(after > next && found.len() <= max);
        events.extend(found);
        next = after;
    }
    events
}

#[test]
fn leaves_and_salts_come_back_from_the_files() {
    let ground = Ground::new();
    let events = events(1_500);
    let early = harvest(&events[..700]);
    let late = harvest(&events[700..]);
    ground.seal(&early).unwrap();
    ground.seal(&late).unwrap();
    let leaves = [early.leaves, late.leaves].concat();
    let sealed = ground.open();
    assert_eq!(sealed.leaves(Seq::FIRST, 1_500).unwrap(), leaves);
    assert_eq!(sealed.leaves(Seq::new(513).unwrap(), 256).unwrap(), leaves[512..768]);
    assert!(sealed.leaves(Seq::new(1_400).unwrap(), 102).is_err());
    for seq in [1, 7, 256, 257, 700, 701, 768, 769, 1_500] {
        let Some(Kept::Live { recorded: event, salts }) =
            sealed.kept(Seq::new(seq).unwrap()).unwrap()
        else {
            panic!("event {seq} is live");
        };
        let fields = record::fields(&event.event);
        let fields = fields.iter().map(|field| (field.tag, field.value.as_slice()));
        let leaf = commit(&record::header(&event).encode(), event.seq, fields, &salts).leaf();
        assert_eq!(leaf, leaves[usize::try_from(seq - 1).unwrap()], "{seq}");
    }
}

#[test]
fn a_lane_holds_the_seeds_of_its_own_lane_alone() {
    let ground = Ground::new();
    let harvest = harvest(&events(600));
    let range = ground.seal(&harvest).unwrap();
    for (lane, flip) in Lane::ALL.into_iter().zip([0, 0xff]) {
        let runs = &range.reader(lane).unwrap().footer().runs;
        assert_eq!(runs.len(), 3);
        for (run, number) in runs.iter().zip(0_u8..) {
            let RunSalts::Seed(seed) = &run.salts else { panic!("nothing is destroyed") };
            assert_eq!(**seed, [number ^ flip; 16]);
        }
    }
}

#[test]
fn a_leaf_that_differs_keeps_the_segment_from_getting_its_name() {
    let ground = Ground::new();
    let mut harvest = harvest(&events(300));
    harvest.leaves[127][0] ^= 1;
    let error = ground.seal(&harvest).unwrap_err();
    assert!(error.to_string().contains("events 128 to 128"), "{error}");
    assert!(ground.names().iter().all(|name| name.ends_with(durable::UNFINISHED)));
    assert!(ground.find(Some(1)).is_empty());
    assert_eq!(ground.names(), Vec::<String>::new());
}

#[test]
fn a_gap_in_the_journal_is_refused() {
    let events = events(10);
    let slots = events.iter().filter(|event| event.seq.get() != 5).map(|event| {
        (Slot::Live { header: record::header(event), fields: Vec::<record::Field>::new() }, [0; 32])
    });
    assert!(Harvest::collect((Seq::FIRST, 0), slots, &[]).is_err());
    assert!(Harvest::<Vec<u8>>::collect((Seq::FIRST, 0), std::iter::empty(), &[]).is_err());
}

#[test]
fn a_range_with_one_lane_is_sealed_again_while_the_journal_holds_it() {
    let ground = Ground::new();
    let events = events(400);
    ground.seal(&harvest(&events)).unwrap();
    std::fs::remove_file(ground.path("1-400-0.ledger")).unwrap();
    assert!(ground.find(Some(1)).is_empty());
    assert_eq!(ground.names(), Vec::<String>::new());
    ground.seal(&harvest(&events)).unwrap();
    assert_eq!(ground.find(Some(1)).len(), 1);
    assert_eq!(walk(&ground.open(), 100, None), events);
}

#[test]
fn a_file_that_is_gone_is_reported_and_the_rest_is_read() {
    let ground = Ground::new();
    let events = events(900);
    for part in events.chunks(300) {
        ground.seal(&harvest(part)).unwrap();
    }
    std::fs::remove_file(ground.path("301-600-0.talk")).unwrap();
    let sealed = ground.open();
    assert_eq!(sealed.size(), 900);
    let read = |seq: u64| sealed.read(Seq::new(seq).unwrap());
    assert_eq!(read(300).unwrap().as_ref(), Some(&events[299]));
    assert_eq!(read(601).unwrap().as_ref(), Some(&events[600]));
    assert_eq!(read(308).unwrap().as_ref(), Some(&events[307]), "its ledger file is whole");
    let error = read(309).unwrap_err();
    assert_eq!(error.family(), chat::Family::Corrupt);
    assert!(error.to_string().contains("events 301 to 600"), "{error}");
    std::fs::remove_file(ground.path("301-600-0.ledger")).unwrap();
    let sealed = ground.open();
    assert!(sealed.read(Seq::new(308).unwrap()).is_err());
    assert_eq!(sealed.read(Seq::new(601).unwrap()).unwrap().as_ref(), Some(&events[600]));
}

#[test]
fn any_flipped_byte_is_reported_with_the_events_concerned() {
    let ground = Ground::new();
    let events = events(6_000);
    ground.seal(&harvest(&events)).unwrap();
    let path = ground.path("1-6000-0.talk");
    let whole = std::fs::read(&path).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    for step in 0..150 {
        let at = whole.len() * step / 150;
        file.write_all_at(&[whole[at] ^ 0x40], u64::try_from(at).unwrap()).unwrap();
        let sealed = ground.open();
        let talk = (1..=6_000).filter(|seq| seq % 7 != 0).map(|seq| Seq::new(seq).unwrap());
        let errors: Vec<_> = talk.step_by(50).filter_map(|seq| sealed.read(seq).err()).collect();
        // A block has about 1,500 rows, so that some row read above lies in every one.
        assert!(!errors.is_empty(), "byte {at}");
        for error in errors {
            assert!(error.to_string().contains("; events "), "{error}");
        }
        file.write_all_at(&[whole[at]], u64::try_from(at).unwrap()).unwrap();
    }
    assert!(ground.open().leaves(Seq::FIRST, 6_000).is_ok());
}

#[test]
fn a_segment_of_another_archive_is_refused() {
    let ground = Ground::new();
    ground.seal(&harvest(&events(30))).unwrap();
    let foreign = SealPlace { archive: ArchiveId::from_bytes([2; 16]), ..ground.place() };
    let sealed = find_sealed(foreign, None, 0).unwrap();
    assert!(sealed[0].reader(Lane::Talk).unwrap_err().to_string().contains("another archive"));
}
