//! What is forgotten is found nowhere any more, and everything else as before: in answers, dictionaries and files, whatever
//! was cut short on the way.

use std::path::Path;
use std::sync::Arc;

use chat::testing::{SeededRng, message};
use chat::{Attachment, ChatEvent, Custody, EventKind, Lane, Recorded};
use roaring::RoaringTreemap;
use tantivy::schema::FieldType;

use super::bench::{Bench, never_commits, parse, seqs};
use super::corpus::log;
use super::oracle::{Ask, Scan};
use super::questions::{ask, text};
use crate::store::Store;
use crate::{Error, Order, Page, Scope, SnapshotChoice};

const SEED: u64 = 20_260_501;

/// Dooms about one event in ten of what people said and did.
fn some(rng: &SeededRng, log: &[Recorded]) -> Arc<RoaringTreemap> {
    let talk = log.iter().filter(|recorded| recorded.event.kind.lane() == Lane::Talk);
    let doomed = talk.filter(|_| rng.below(10) == 0);
    Arc::new(doomed.map(|recorded| recorded.seq.get()).collect())
}

fn compare(bench: &Bench, scan: &Scan, asks: &[Ask], state: &str) {
    for ask in asks {
        let query = parse(&text(ask));
        let found = scan.find(ask, usize::try_from(bench.archive.size()).unwrap(), None);
        let newest = SnapshotChoice::Newest;
        let (count, seqs) =
            bench.all_pages(&query, &Scope::of_officer(), &newest, (Order::Newest, 300));
        let seqs: Vec<_> = seqs.iter().map(|seq| seq.get()).collect();
        assert_eq!(seqs, found, "seed {SEED}, {state}: {} {ask:?}", query.text());
        assert_eq!(count, u64::try_from(found.len()).unwrap(), "seed {SEED}, {state}");
    }
}

fn is_without_deletions(folder: &Path) -> bool {
    let index = tantivy::Index::open_in_dir(folder.join("lists")).unwrap();
    index.searchable_segment_metas().unwrap().iter().all(|segment| !segment.has_deletes())
}

/// Returns a log in many segments, two thirds of it committed, with what is asked of it and what is doomed.
fn in_segments(test: &str, rng: &SeededRng) -> (Bench, Vec<Recorded>, Vec<Ask>) {
    let log = log(test, rng, 120);
    let bench = Bench::new();
    let cut = log.len() * 2 / 3;
    for batch in log[..cut].chunks(90) {
        bench.append_recorded(batch);
        bench.index.catch_up().unwrap();
    }
    bench.append_recorded(&log[cut..]);
    let asks = (0..80).map(|_| ask(rng, &log, 3)).collect();
    (bench, log, asks)
}

#[test]
fn what_is_forgotten_is_found_no_more_and_everything_else_as_before() {
    let rng = SeededRng::new(SEED);
    let test = "what_is_forgotten_is_found_no_more_and_everything_else_as_before";
    let (mut bench, log, asks) = in_segments(test, &rng);
    let mut scan = Scan::of(&log);
    compare(&bench, &scan, &asks, "before");
    for round in 0..2 {
        let doomed = some(&rng, &log);
        scan.forget(&doomed);
        let forgotten = bench.index.forget(&doomed).unwrap();
        assert!(forgotten.documents > 0 && forgotten.segments > 0, "{forgotten:?}");
        assert!(forgotten.bytes_after < forgotten.bytes_before, "{forgotten:?}");
        assert!(is_without_deletions(&bench.index_folder()));
        compare(&bench, &scan, &asks, &format!("forgotten, round {round}"));
        // Whatever is forgotten already has nothing left to be written anew.
        let again = bench.index.forget(&doomed).unwrap();
        assert_eq!((again.documents, again.segments), (0, 0));
    }
    bench.reopen();
    compare(&bench, &scan, &asks, "reopened");
}

/// K7: the process dies after the deletion is committed, before the first segment is written anew, and after some are.
#[test]
fn an_index_with_deletions_is_never_shown() {
    for written in [0, 1, 3] {
        let rng = SeededRng::new(SEED + 1);
        let (mut bench, log, asks) = in_segments("an_index_with_deletions_is_never_shown", &rng);
        bench.index.catch_up().unwrap();
        let doomed = some(&rng, &log);
        let mut scan = Scan::of(&log);
        bench.index.close().unwrap();
        let (id, size) = (bench.archive.id().to_string(), bench.archive.size());
        let lists = bench.index_folder().join("lists");
        let arena_bytes = never_commits().arena_bytes;
        let (mut store, watermark) =
            Store::open(&lists, arena_bytes, &id, size).unwrap().expect("the index is whole");
        let never = Box::new(tantivy::merge_policy::NoMergePolicy);
        store.writer.set_merge_policy(never);
        store.delete(&doomed, &watermark).unwrap();
        let cut = |metas: Vec<tantivy::SegmentMeta>| {
            metas
                .iter()
                .filter(|one| one.has_deletes())
                .map(tantivy::SegmentMeta::id)
                .collect::<Vec<_>>()
        };
        let segments = cut(store.writer.index().searchable_segment_metas().unwrap());
        assert!(segments.len() > 3, "{segments:?}");
        for segment in &segments[..written] {
            store.writer.merge(&[*segment]).wait().unwrap();
        }
        drop(store);
        assert!(!is_without_deletions(&bench.index_folder()), "cut short after {written}");
        bench.reopen();
        assert!(is_without_deletions(&bench.index_folder()), "cut short after {written}");
        scan.forget(&doomed);
        compare(&bench, &scan, &asks, &format!("cut short after {written}"));
        assert_eq!(bench.index.forget(&doomed).unwrap().documents, 0);
    }
}

/// An event whose every text says its number: words, author, room, thread, file, mention.
fn telling(number: u64, word: &str) -> ChatEvent {
    let mut event = message(number, 1, 1, &format!("said {word}text and @{word}friend"));
    event.content.thread = Some(format!("{word}thread"));
    event.actor.as_mut().unwrap().name = format!("{word}author");
    event.place.as_mut().unwrap().name = format!("{word}room");
    event.content.attachments.push(Attachment {
        name: format!("{word}file.{word}ending"),
        media_type: None,
        address: None,
        custody: Custody::Missing { reason: "gone".to_owned(), claimed_bytes: None },
    });
    event
}

/// Returns every term of every dictionary of the index.
fn every_term(folder: &Path) -> Vec<Vec<u8>> {
    let index = tantivy::Index::open_in_dir(folder.join("lists")).unwrap();
    let searcher = index.reader().unwrap().searcher();
    let mut terms = Vec::new();
    for segment in searcher.segment_readers() {
        for (field, entry) in index.schema().fields() {
            if !entry.is_indexed()
                || !matches!(entry.field_type(), FieldType::Str(_) | FieldType::Bytes(_))
            {
                continue;
            }
            let lists = segment.inverted_index(field).unwrap();
            let mut stream = lists.terms().stream().unwrap();
            while stream.advance() {
                terms.push(stream.key().to_vec());
            }
        }
    }
    terms
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

#[test]
fn no_dictionary_and_no_file_of_the_index_speaks_of_what_is_forgotten() {
    let mut bench = Bench::new();
    // Every fifth stays, some segments are doomed whole, and the last events are not committed yet.
    let word = |number: u64| {
        let sort = if number.is_multiple_of(5) { "living" } else { "doomed" };
        format!("{sort}{number:05}")
    };
    for first in (1..=400).step_by(50) {
        bench.append((first..first + 50).map(|number| telling(number, &word(number))).collect());
        if first < 300 {
            bench.index.catch_up().unwrap();
        }
    }
    assert_eq!(bench.search("doomed00007text").count, 1);
    let doomed: RoaringTreemap =
        (1..=400).filter(|number| number % 5 > 0 || *number <= 50).collect();
    let forgotten = bench.index.forget(&Arc::new(doomed.clone())).unwrap();
    assert_eq!(forgotten.documents, doomed.len());
    let terms = every_term(&bench.index_folder());
    let parts = ["text", "friend", "thread", "author", "room", "file", "ending"];
    for part in parts {
        let control = format!("{}{part}", word(200));
        assert!(terms.iter().any(|term| holds(term, &control)), "{control} is a living control");
    }
    for number in &doomed {
        let told = word(number);
        assert!(!terms.iter().any(|term| holds(term, &told)), "{told} is in a dictionary");
    }
    let index = tantivy::Index::open_in_dir(bench.index_folder().join("lists")).unwrap();
    let mut named: Vec<String> = [".managed.json", "meta.json"].map(str::to_owned).into();
    for segment in index.searchable_segment_metas().unwrap() {
        named.push(segment.id().uuid_string());
    }
    for entry in std::fs::read_dir(bench.index_folder().join("lists")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let is_named = named.iter().any(|known| name.starts_with(known.as_str()));
        assert!(is_named || name.contains("lock"), "{name} belongs to no segment");
        let bytes = std::fs::read(&path).unwrap();
        assert!(!holds(&bytes, "doomed"), "{name}");
    }
    assert_eq!(bench.search("doomed*").count, 0);
    assert_eq!(bench.search("living*").count, 70);
    assert_eq!(bench.search("").count, 70);
}

#[test]
fn searches_meanwhile_see_the_state_before_or_the_one_after() {
    let mut bench = Bench::new();
    for first in (1..=600).step_by(100) {
        bench.append((first..first + 100).map(|number| message(number, 1, 1, "budget")).collect());
        bench.index.catch_up().unwrap();
    }
    let doomed: Arc<RoaringTreemap> =
        Arc::new((1..=600).filter(|number| number % 3 == 0).collect());
    std::thread::scope(|threads| {
        let forgetting = threads.spawn(|| bench.index.forget(&doomed));
        let mut last = 600;
        while last == 600 {
            let is_over = forgetting.is_finished();
            let page = Page::newest(1_000);
            let answer = bench
                .index
                .search(&parse("budget"), &Scope::of_officer(), &SnapshotChoice::Newest, &page)
                .unwrap();
            assert_eq!(answer.count, u64::try_from(answer.hits.len()).unwrap());
            assert!([600, 400].contains(&answer.count), "{} of 600 or 400", answer.count);
            last = answer.count;
            assert!(last == 400 || !is_over, "what is forgotten is still found");
        }
        assert_eq!(forgetting.join().unwrap().unwrap().documents, 200);
    });
}

#[test]
fn pages_by_time_go_on_without_what_is_forgotten_and_pages_by_score_expire() {
    let mut bench = Bench::new();
    bench.append((1..=9).map(|number| message(number, 1, 1, "budget")).collect());
    bench.index.catch_up().unwrap();
    let search = |order, cursor| {
        let page = Page { limit: 3, order, cursor };
        let scope = Scope::of_officer();
        bench.index.search(&parse("budget"), &scope, &SnapshotChoice::Newest, &page)
    };
    let by_time = search(Order::Newest, None).unwrap();
    let by_score = search(Order::Score, None).unwrap();
    assert_eq!(seqs(&by_time), [9, 8, 7]);
    bench.index.forget(&Arc::new([5, 8].into_iter().collect())).unwrap();
    assert_eq!(seqs(&search(Order::Newest, by_time.next).unwrap()), [6, 4, 3]);
    assert!(matches!(search(Order::Score, by_score.next), Err(Error::CursorExpired)));
    assert_eq!(search(Order::Score, None).unwrap().count, 7);
}

#[test]
fn events_without_a_document_are_passed_over_and_a_closed_index_forgets_nothing() {
    let mut bench = Bench::new();
    let act = ChatEvent { kind: EventKind::Officer, ..message(2, 1, 1, "budget") };
    bench.append(vec![message(1, 1, 1, "budget"), act]);
    let none = bench.index.forget(&Arc::default()).unwrap();
    assert_eq!((none.documents, none.segments), (0, 0));
    let far = Arc::new([2, 70_000].into_iter().collect());
    let nothing = bench.index.forget(&far).unwrap();
    assert_eq!((nothing.documents, nothing.segments), (0, 0));
    assert_eq!(bench.search("budget").count, 1);
    bench.append(vec![message(3, 1, 1, "budget")]);
    assert_eq!(bench.search("budget").count, 2);
    bench.index.close().unwrap();
    assert!(matches!(bench.index.forget(&far), Err(Error::Closed)));
}
