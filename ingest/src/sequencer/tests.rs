//! Claims about the sequencer, on a real archive.

use std::path::Path;
use std::sync::Arc;

use archive::{Archive, Creation, Ports, Settings as ArchiveSettings};
use chat::testing::{FixedClock, SeededRng};
use chat::{Act, EventKind, Recorded, Seq, Timestamp};
use parking_lot::Mutex;

use crate::draft::{Draft, DraftKey, DraftPerson, DraftPlace, DraftTarget, RoomKind};
use crate::ingest::{Ingest, Officer};
use crate::receipt::{Outcome, Verdict};
use crate::settings::Settings;

mod returning;

fn ports(clock: &Arc<FixedClock>, seed: u64) -> Ports {
    let clock: Arc<dyn chat::Clock> = Arc::<FixedClock>::clone(clock);
    Ports { clock, rng: Arc::new(SeededRng::new(seed)), disk: Ports::production().disk }
}

struct Bench {
    folder: tempfile::TempDir,
    clock: Arc<FixedClock>,
    archive: Arc<Archive>,
    ingest: Arc<Ingest>,
}

fn still() -> ArchiveSettings {
    ArchiveSettings { runs_upkeep: false, reserve_bytes: 0, ..ArchiveSettings::default() }
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::at(Timestamp::from_micros(1_000)));
        let path = folder.path().join("archive");
        let archive =
            Archive::create(&path, &Creation::default(), still(), ports(&clock, 1)).unwrap();
        let ingest = Ingest::open(Arc::clone(&archive), &Settings::default()).unwrap();
        Self { folder, clock, archive, ingest }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("archive")
    }

    fn restart(self) -> Self {
        let path = self.path();
        let Self { folder, clock, archive, ingest } = self;
        ingest.close().unwrap();
        archive.close().unwrap();
        drop((ingest, archive));
        let archive = Archive::open(Path::new(&path), still(), ports(&clock, 2)).unwrap();
        let ingest = Ingest::open(Arc::clone(&archive), &Settings::default()).unwrap();
        Self { folder, clock, archive, ingest }
    }

    fn log(&self) -> Vec<Recorded> {
        let mut tail = self.archive.tail(Seq::FIRST);
        let mut all = Vec::new();
        loop {
            let more = tail.next_batch(1_000).unwrap();
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    }

    fn accept(&self, drafts: Vec<Draft>) -> Vec<Outcome> {
        self.ingest.accept(drafts).unwrap()
    }

    fn one(&self, draft: Draft) -> Outcome {
        self.accept(vec![draft]).remove(0)
    }

    fn read(&self, outcome: &Outcome) -> Recorded {
        self.archive.read(outcome.receipt.seq).unwrap().unwrap()
    }
}

fn draft(text: &str) -> Draft {
    let mut draft = Draft::new("s", EventKind::Message, Timestamp::from_micros(77));
    draft.text = Some(text.into());
    draft.actor = Some(DraftPerson { name: "Ada".into(), foreign_id: None, email: None });
    draft.place = Some(DraftPlace {
        name: "r".into(),
        foreign_id: None,
        kind: RoomKind::Room,
        category: None,
        members: None,
    });
    draft
}

fn keyed(key: &str, text: &str) -> Draft {
    Draft { key: DraftKey::Given(key.into()), ..draft(text) }
}

fn verdicts(outcomes: &[Outcome]) -> Vec<&'static str> {
    let word = |outcome: &Outcome| match outcome.verdict {
        Verdict::Accepted => "accepted",
        Verdict::Revised => "revised",
        Verdict::Duplicate => "duplicate",
        Verdict::Quarantined { .. } => "quarantined",
    };
    outcomes.iter().map(word).collect()
}

#[test]
fn what_is_accepted_is_in_the_archive_with_its_leaf_and_its_place_in_the_room() {
    let bench = Bench::new();
    let outcomes = bench.accept(vec![keyed("a", "one"), keyed("b", "two")]);
    assert_eq!(verdicts(&outcomes), ["accepted", "accepted"]);
    let log = bench.log();
    let verbs: Vec<_> =
        log.iter().filter_map(|r| Some(r.event.content.act.as_ref()?.verb.as_str())).collect();
    assert_eq!(verbs, ["source-declared", "room-declared", "person-declared"]);
    let second = bench.read(&outcomes[1]);
    assert_eq!(second.event.content.text.as_deref(), Some("two"));
    assert_eq!(second.place_prev, Some(outcomes[0].receipt.seq));
    assert_eq!(second.place_seq.unwrap().get(), 3, "the declaration is the first of the room");
    for outcome in &outcomes {
        let leaf = bench.archive.leaf(outcome.receipt.seq).unwrap();
        assert_eq!((outcome.receipt.leaf, leaf.is_some()), (leaf, true));
    }
}

#[test]
fn the_same_again_yields_the_first_receipt_and_adds_nothing() {
    let bench = Bench::new();
    let first = bench.accept(vec![keyed("a", "one"), draft("x"), draft("x")]);
    assert_eq!(verdicts(&first), ["accepted"; 3], "true repeats are kept");
    let size = bench.archive.size();
    let again = bench.accept(vec![keyed("a", "one"), draft("x"), draft("x")]);
    assert_eq!(verdicts(&again), ["duplicate"; 3]);
    assert_eq!(bench.archive.size(), size);
    let receipts = |all: &[Outcome]| all.iter().map(|one| one.receipt).collect::<Vec<_>>();
    assert_eq!(receipts(&again), receipts(&first));

    let bench = bench.restart();
    let again = bench.accept(vec![draft("x"), draft("x"), draft("x"), keyed("a", "one")]);
    assert_eq!(verdicts(&again), ["duplicate", "duplicate", "accepted", "duplicate"]);
    assert_eq!(again[3].receipt.seq, first[0].receipt.seq);
}

#[test]
fn a_known_key_with_other_words_is_an_edit_and_both_stay() {
    let bench = Bench::new();
    let first = bench.one(keyed("a", "one"));
    let second = bench.one(keyed("a", "two"));
    assert_eq!(verdicts(std::slice::from_ref(&second)), ["revised"]);
    let edit = bench.read(&second);
    assert_eq!((edit.event.kind, edit.event.target), (EventKind::Edit, Some(first.receipt.seq)));
    assert_eq!(edit.event.origin.as_ref().unwrap().revision, 1);
    assert_eq!(bench.read(&first).event.content.text.as_deref(), Some("one"));
    assert_eq!(bench.one(keyed("a", "two")).verdict, Verdict::Duplicate);
    let third = bench.one(keyed("a", "three"));
    let edit = bench.read(&third);
    assert_eq!(edit.event.target, Some(second.receipt.seq), "it edits the newest version");
    assert_eq!(edit.event.origin.unwrap().revision, 2);
}

#[test]
fn a_revision_of_a_record_without_an_id_is_found_again() {
    let bench = Bench::new();
    bench.one(draft("x"));
    let titled = || Draft { title: Some("t".into()), ..draft("x") };
    assert_eq!(bench.one(titled()).verdict, Verdict::Revised);
    let bench = bench.restart();
    assert_eq!(bench.one(titled()).verdict, Verdict::Duplicate);
    assert_eq!(bench.one(draft("x")).verdict, Verdict::Duplicate);
}

#[test]
fn one_input_that_contradicts_itself_is_quarantined_and_stays_so() {
    let bench = Bench::new();
    let input = || vec![keyed("a", "one"), keyed("a", "two"), keyed("a", "one")];
    let first = bench.accept(input());
    assert_eq!(verdicts(&first), ["accepted", "quarantined", "duplicate"]);
    let kept = bench.read(&first[1]);
    assert_eq!((kept.event.kind, kept.event.place), (EventKind::Quarantined, None));
    assert_eq!(kept.event.at, kept.recorded_at);
    let raw = String::from_utf8(kept.event.content.raw.unwrap()).unwrap();
    assert!(raw.contains(r#""text":"two""#), "{raw}");
    let size = bench.archive.size();
    let again = bench.accept(input());
    assert_eq!(verdicts(&again), ["duplicate", "quarantined", "duplicate"]);
    assert_eq!(again[1].receipt.seq, first[1].receipt.seq);
    assert_eq!(bench.archive.size(), size);
    let marked = Draft { edited_at: Some(Timestamp::EPOCH), ..keyed("b", "two") };
    assert_eq!(verdicts(&bench.accept(vec![keyed("b", "one"), marked])), ["accepted", "revised"]);
}

#[test]
fn a_draft_beyond_a_limit_is_kept_raw_with_the_limit() {
    let bench = Bench::new();
    let outcome = bench.one(draft(&"x".repeat(chat::limits::TEXT_BYTES_MAX + 1)));
    let Verdict::Quarantined { reason } = &outcome.verdict else { panic!("{outcome:?}") };
    assert!(reason.contains("1048576"), "{reason}");
    let kept = bench.read(&outcome).event.content;
    assert_eq!(kept.raw.unwrap().len(), chat::limits::TEXT_BYTES_MAX + 1);
}

#[test]
fn targets_are_found_in_the_same_batch_and_in_the_archive_or_said_to_be_missing() {
    let bench = Bench::new();
    let answer = |key: &str, to: &str| Draft {
        target: Some(DraftTarget::Key(to.into())),
        ..keyed(key, "answer")
    };
    let first = bench.accept(vec![keyed("a", "one"), answer("b", "a")]);
    assert_eq!(bench.read(&first[1]).event.target, Some(first[0].receipt.seq));
    let bench = bench.restart();
    let unfolded = Draft {
        target: Some(DraftTarget::Record),
        kind: EventKind::Reaction,
        unfolded: true,
        ..keyed("c/reaction", "+1")
    };
    let second =
        bench.accept(vec![answer("d", "a"), answer("e", "nowhere"), keyed("a", "one"), unfolded]);
    assert_eq!(bench.read(&second[0]).event.target, Some(first[0].receipt.seq));
    let lost = bench.read(&second[1]).event;
    assert_eq!(lost.target, None);
    assert!(lost.content.remark.unwrap().contains("nowhere"));
    assert_eq!(
        bench.read(&second[3]).event.target,
        Some(first[0].receipt.seq),
        "its record was a duplicate"
    );
}

#[test]
fn the_clock_may_run_backwards_but_the_order_of_recording_never_does() {
    let bench = Bench::new();
    bench.one(keyed("a", "one"));
    bench.clock.advance_micros(-500);
    bench.one(keyed("b", "two"));
    bench.clock.advance_micros(-500);
    let bench = bench.restart();
    bench.one(keyed("c", "three"));
    let log = bench.log();
    assert!(log.windows(2).all(|pair| pair[0].recorded_at <= pair[1].recorded_at));
}

#[test]
fn an_officers_act_stands_in_the_same_order_and_names_the_officer() {
    let bench = Bench::new();
    let officer = Officer { name: "Olga".into(), foreign_id: Some("o1".into()) };
    let receipt = bench
        .ingest
        .record_act(EventKind::Officer, Some(&officer), Act::new("search").with("query", "q"))
        .unwrap();
    let act = bench.archive.read(receipt.seq).unwrap().unwrap().event;
    assert_eq!(act.actor.unwrap().name, "Olga");
    assert_eq!((act.origin, act.content.act.unwrap().verb.as_str()), (None, "search"));
    assert!(receipt.leaf.is_some());
}

#[test]
fn many_threads_offering_the_same_events_record_each_once() {
    let bench = Bench::new();
    let seqs = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                for batch in 0..20 {
                    let drafts = (0..5).map(|n| keyed(&format!("k{batch}-{n}"), "same")).collect();
                    let outcomes = bench.accept(drafts);
                    seqs.lock().extend(outcomes.iter().map(|outcome| outcome.receipt.seq));
                }
            });
        }
    });
    let mut seqs = seqs.into_inner();
    seqs.sort_unstable();
    seqs.dedup();
    assert_eq!(seqs.len(), 100);
    assert_eq!(bench.archive.size(), 103);
}

#[test]
fn a_closed_service_refuses_and_says_so() {
    let bench = Bench::new();
    bench.ingest.close().unwrap();
    bench.ingest.close().unwrap();
    let refused = bench.ingest.accept(vec![draft("x")]).unwrap_err();
    assert!(refused.to_string().contains("closed"), "{refused}");
}

#[test]
fn the_index_of_origins_is_made_again_where_it_is_lost() {
    let bench = Bench::new();
    bench.accept((0..300).map(|n| keyed(&format!("k{n}"), "x")).collect());
    let origins = bench.path().join("origins");
    let path = bench.path();
    let Bench { folder, clock, archive, ingest } = bench;
    ingest.close().unwrap();
    archive.close().unwrap();
    drop((ingest, archive));
    std::fs::remove_dir_all(&origins).unwrap();
    let archive = Archive::open(&path, still(), ports(&clock, 3)).unwrap();
    let ingest = Ingest::open(Arc::clone(&archive), &Settings::default()).unwrap();
    let bench = Bench { folder, clock, archive, ingest };
    let again = bench.accept((0..300).map(|n| keyed(&format!("k{n}"), "x")).collect());
    assert!(again.iter().all(|outcome| outcome.verdict == Verdict::Duplicate));
}

#[test]
fn a_full_disk_refuses_talk_takes_it_back_whole_and_lets_audit_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive");
    let clock = Arc::new(FixedClock::at(Timestamp::from_micros(1_000)));
    let full = ArchiveSettings { reserve_bytes: u64::MAX / 2, ..still() };
    let archive = Archive::create(&path, &Creation::default(), full, ports(&clock, 1)).unwrap();
    let ingest = Ingest::open(Arc::clone(&archive), &Settings::default()).unwrap();
    let act = || ingest.record_act(EventKind::Officer, None, Act::new("search")).unwrap();
    assert_eq!(act().seq.get(), 1);
    for _ in 0..2 {
        let refused = ingest.accept(vec![keyed("a", "one")]).unwrap_err();
        let source = std::error::Error::source(&refused).unwrap().to_string();
        assert!(
            matches!(refused, crate::Error::Archive { source: archive::Error::DiskFull { .. } }),
            "{source}"
        );
    }
    assert_eq!(act().seq.get(), 2);
    ingest.close().unwrap();
    archive.close().unwrap();
    drop((ingest, archive));
    let archive = Archive::open(&path, still(), ports(&clock, 2)).unwrap();
    let ingest = Ingest::open(Arc::clone(&archive), &Settings::default()).unwrap();
    let outcomes = ingest.accept(vec![keyed("a", "one")]).unwrap();
    assert_eq!(verdicts(&outcomes), ["accepted"]);
    assert_eq!(archive.size(), 6, "two acts, three declarations, one message");
}

#[test]
fn whatever_is_offered_in_whatever_batches_each_event_is_recorded_once_and_rooms_stay_dense() {
    let bench = Bench::new();
    let rng = SeededRng::new(42);
    let mut expected = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let count = rng.below(40);
        let drafts = (0..count)
            .map(|_| {
                let key = rng.below(300);
                expected.insert(key);
                let mut draft = keyed(&format!("k{key}"), &format!("text {key}"));
                let place = draft.place.as_mut().unwrap();
                place.name = format!("room {}", if key.is_multiple_of(7) { 9 } else { key % 5 });
                draft
            })
            .collect();
        bench.accept(drafts);
    }
    let log = bench.log();
    let messages = log.iter().filter(|r| r.event.kind == EventKind::Message).count();
    assert_eq!(messages, expected.len());
    let mut heads = std::collections::HashMap::new();
    for recorded in &log {
        let Some(place) = &recorded.event.place else { continue };
        let before = heads.insert(place.room, (recorded.seq, recorded.place_seq.unwrap().get()));
        let (prev, number) = before.map_or((None, 0), |(seq, number)| (Some(seq), number));
        assert_eq!((recorded.place_prev, recorded.place_seq.unwrap().get()), (prev, number + 1));
    }
}

#[test]
fn little_work_is_done_at_once_but_never_before_what_was_handed_in_before() {
    let bench = Bench::new();
    let drafts = |from: u32, count: u32| -> Vec<_> {
        let draft = |number: u32| {
            let mut draft = Draft::new("s", EventKind::Message, Timestamp::EPOCH);
            draft.key = DraftKey::Given(format!("k{number}"));
            draft.text = Some(format!("words {number}"));
            crate::ingest::offer(Box::new(draft))
        };
        (from..from + count).map(draft).collect()
    };
    let input = Arc::new(Mutex::new(crate::sequencer::Input::default()));
    for round in 0..20 {
        let from = round * 1_000;
        let much = bench.ingest.offer(drafts(from, 500), &input).unwrap();
        let little = bench.ingest.offer(drafts(from + 500, 1), &input).unwrap();
        let little = little.wait().unwrap();
        let much = much.wait().unwrap();
        let last = much.iter().map(|outcome| outcome.receipt.seq).max().unwrap();
        assert_eq!(little[0].receipt.seq, last.next(), "round {round}");
    }
}

#[test]
fn who_breaks_off_at_the_desk_leaves_nobody_working_there() {
    let bench = Bench::new();
    bench.accept(vec![Draft::new("s", EventKind::Message, Timestamp::EPOCH)]);
    let ingest = Arc::clone(&bench.ingest);
    let broken = std::thread::spawn(move || ingest.ask(|_| panic!("a fault of the program")));
    assert!(broken.join().is_err());
    for count in [1, 100] {
        let drafts = (0..count).map(|_| Draft::new("s", EventKind::Message, Timestamp::EPOCH));
        let refused = bench.ingest.accept(drafts.collect()).unwrap_err();
        assert!(refused.to_string().contains("fault of the program"), "{refused}");
    }
    bench.ingest.close().unwrap();
}
