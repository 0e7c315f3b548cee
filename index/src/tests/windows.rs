//! A scope is part of the question: whatever its windows, a search finds, counts and pages what the scan sees through them.

use std::collections::BTreeMap;

use chat::testing::SeededRng;
use chat::{EventKind, Recorded, RoomId, Timestamp};
use query::Query;

use super::bench::{Bench, parse};
use super::corpus::{draw, id_of, log};
use super::oracle::{Ask, Scan, is_seen};
use super::questions::{ask, text};
use crate::{Error, NotSearched, Order, Page, Scope, SnapshotChoice, Window};

const SEED: u64 = 20_260_401;
const SCOPES: usize = 40;
const QUESTIONS: usize = 8;

/// Returns up to four windows, each with axes taken from what some events are, so that most see something.
fn windows(rng: &SeededRng, log: &[Recorded]) -> Vec<Window> {
    (0..rng.below(5)).map(|_| window(rng, log)).collect()
}

fn window(rng: &SeededRng, log: &[Recorded]) -> Window {
    let some = |count: usize| (0..count).map(|_| &log[draw(rng, log.len())].event);
    let mut window = Window::default();
    // One axis at least: a window without any is the whole scope, which every other test asks in.
    match rng.below(3) {
        0 => {
            let rooms = some(6).filter_map(|event| event.place.as_ref().map(|place| place.room));
            window.rooms = Some(rooms.collect());
        }
        1 => {
            let persons = some(12).filter_map(|event| event.actor.as_ref().map(|person| person.id));
            window.persons = Some(persons.collect());
        }
        _ => {
            let sources =
                some(2).filter_map(|event| event.origin.as_ref().map(|origin| origin.source));
            window.sources = Some(sources.collect());
        }
    }
    if rng.below(2) == 0 {
        window.from = some(1).next().map(|event| event.at);
    }
    if rng.below(2) == 0 {
        window.until = some(1).next().map(|event| event.at);
    }
    if rng.below(4) == 0 && window.rooms.is_none() {
        let rooms = some(8).filter_map(|event| event.place.as_ref().map(|place| place.room));
        window.rooms = Some(rooms.collect());
    }
    window
}

/// Returns the score of every hit within a scope, page by page.
fn scores(bench: &Bench, query: &Query, scope: &Scope) -> BTreeMap<u64, f32> {
    let mut page = Page { limit: 70, order: Order::Score, cursor: None };
    let mut scores = BTreeMap::new();
    loop {
        let answer = bench.index.search(query, scope, &SnapshotChoice::Newest, &page).unwrap();
        let hits = answer.hits.iter();
        scores.extend(hits.map(|hit| (hit.seq.get(), hit.score.unwrap())));
        let Some(next) = answer.next else {
            assert_eq!(answer.count, u64::try_from(scores.len()).unwrap());
            return scores;
        };
        page.cursor = Some(next);
    }
}

struct Asked {
    ask: Ask,
    query: Query,
}

/// Asks each question through each scope, in both orders by time.
fn compare(bench: &Bench, scan: &Scan, asked: &[(Vec<Window>, Vec<Asked>)], size: usize) -> usize {
    let mut finding = 0;
    let count_of = |found: &[u64]| u64::try_from(found.len()).unwrap();
    for (number, (windows, questions)) in asked.iter().enumerate() {
        let scope = Scope::of_windows(windows.clone());
        for Asked { ask, query } in questions {
            let told = format!("seed {SEED}, scope {number}: {} in {windows:?}", query.text());
            let found = scan.find(ask, size, Some(windows));
            finding += usize::from(!found.is_empty());
            for order in [Order::Newest, Order::Oldest] {
                let newest = SnapshotChoice::Newest;
                let (count, seqs) = bench.all_pages(query, &scope, &newest, (order, 90));
                let mut seqs: Vec<_> = seqs.iter().map(|seq| seq.get()).collect();
                if order == Order::Oldest {
                    seqs.reverse();
                }
                assert_eq!(seqs, found, "{order:?}, {told}");
                assert_eq!(count, count_of(&found), "{order:?}, {told}");
            }
            let all = bench.index.seqs(query, &scope, &bench.index.newest()).unwrap();
            assert_eq!(all.len(), found.len(), "{told}");
        }
        let unread = |ask: &Ask| count_of(&scan.find(ask, size, Some(windows)));
        let expected = NotSearched {
            attachments_without_text: unread(&Ask::Has("file")),
            quarantined: unread(&Ask::Kind(EventKind::Quarantined)),
        };
        let told = bench.index.not_searched(&scope, &bench.index.newest()).unwrap();
        assert_eq!(told, expected, "seed {SEED}, scope {number}: {windows:?}");
    }
    finding
}

#[test]
fn random_windows_are_part_of_the_question_in_lists_and_tail() {
    let rng = SeededRng::new(SEED);
    let log = log("random_windows_are_part_of_the_question_in_lists_and_tail", &rng, 120);
    let scan = Scan::of(&log);
    let asked: Vec<_> = (0..SCOPES)
        .map(|_| {
            let questions = (0..QUESTIONS).map(|_| {
                let ask = ask(&rng, &log, 2);
                let query = parse(&text(&ask));
                Asked { ask, query }
            });
            let questions = questions.collect();
            (windows(&rng, &log), questions)
        })
        .collect();
    for (windows, _) in &asked {
        let scope = Scope::of_windows(windows.clone());
        for recorded in &log {
            let expected = is_seen(recorded, windows);
            assert_eq!(scope.covers_event(recorded), expected, "{windows:?} {recorded:?}");
        }
    }
    let bench = Bench::new();
    bench.append_recorded(&log[..log.len() / 2]);
    bench.index.catch_up().unwrap();
    bench.append_recorded(&log[log.len() / 2..]);
    let finding = compare(&bench, &scan, &asked, log.len());
    assert!(finding * 4 > SCOPES * QUESTIONS, "many questions find something: {finding}");
    bench.index.catch_up().unwrap();
    assert_eq!(compare(&bench, &scan, &asked, log.len()), finding);
    by_relevance(&bench, &scan, &asked, log.len());
}

/// A hit's score is what it is in the whole scope: windows decide, and count for nothing.
fn by_relevance(bench: &Bench, scan: &Scan, asked: &[(Vec<Window>, Vec<Asked>)], size: usize) {
    for (windows, questions) in asked {
        let scope = Scope::of_windows(windows.clone());
        for Asked { ask, query } in &questions[..2] {
            let told = format!("seed {SEED}: {} in {windows:?}", query.text());
            let mut found = scan.find(ask, size, Some(windows));
            found.sort_unstable();
            let within = scores(bench, query, &scope);
            assert_eq!(within.keys().copied().collect::<Vec<_>>(), found, "{told}");
            let whole = scores(bench, query, &Scope::of_officer());
            for (seq, score) in within {
                assert!((whole[&seq] - score).abs() <= score.abs() * 1e-4, "{seq}, {told}");
            }
        }
    }
}

#[test]
fn a_scope_of_rooms_is_part_of_the_question() {
    let rng = SeededRng::new(SEED + 2);
    let log = log("a_scope_of_rooms_is_part_of_the_question", &rng, 100);
    let scan = Scan::of(&log);
    let bench = Bench::new();
    let half = log.len() / 2;
    bench.append_recorded(&log[..half]);
    bench.index.catch_up().unwrap();
    bench.append_recorded(&log[half..]);
    let rooms: Vec<_> =
        ["Board", "#moarvm"].iter().map(|name| RoomId::from_bytes(id_of(name))).collect();
    for rooms in [&rooms[..], &rooms[..1], &[]] {
        let scope = Scope::of_rooms(rooms.to_vec());
        let window = Window { rooms: Some(rooms.to_vec()), ..Window::default() };
        for _ in 0..60 {
            let ask = ask(&rng, &log, 2);
            let query = parse(&text(&ask));
            let newest = SnapshotChoice::Newest;
            let (count, seqs) = bench.all_pages(&query, &scope, &newest, (Order::Newest, 500));
            let found = scan.find(&ask, log.len(), Some(std::slice::from_ref(&window)));
            let seqs: Vec<_> = seqs.iter().map(|seq| seq.get()).collect();
            assert_eq!(seqs, found, "seed {}: {}", SEED + 2, query.text());
            assert_eq!(count, u64::try_from(found.len()).unwrap());
        }
    }
}

#[test]
fn a_cursor_is_bound_to_every_axis_of_the_scope() {
    let mut bench = Bench::new();
    bench.append((1..=9).map(|minute| chat::testing::message(minute, 1, 1, "budget")).collect());
    let whole = Window {
        rooms: Some(vec![RoomId::from_bytes([1; 16])]),
        from: Some(Timestamp::from_micros(0)),
        ..Window::default()
    };
    let search = |window: &Window, cursor| {
        let scope = Scope::of_windows(vec![window.clone()]);
        let page = Page { limit: 2, order: Order::Newest, cursor };
        bench.index.search(&parse("budget"), &scope, &SnapshotChoice::Newest, &page)
    };
    let first = search(&whole, None).unwrap();
    assert_eq!((first.count, first.hits.len()), (9, 2));
    assert_eq!(search(&whole, first.next.clone()).unwrap().hits.len(), 2);
    let someone = chat::PersonId::from_bytes([1; 16]);
    for other in [
        Window { from: Some(Timestamp::from_micros(1)), ..whole.clone() },
        Window { from: None, until: Some(Timestamp::from_micros(0)), ..whole.clone() },
        Window { persons: Some(vec![someone]), ..whole.clone() },
        Window { rooms: None, ..whole.clone() },
        Window::default(),
    ] {
        let refused = search(&other, first.next.clone());
        assert!(matches!(refused, Err(Error::CursorForeign)), "{other:?}");
    }
}
