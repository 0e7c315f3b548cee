//! Search equals the scan: on the tail, half committed, in many segments, joined, rebuilt and reopened.

use chat::Recorded;
use chat::testing::{SeededRng, share_of};
use query::Query;

use super::bench::{Bench, parse};
use super::corpus::log;
use super::oracle::{Ask, Scan};
use super::questions::{ask, text};
use crate::{Order, Scope, SnapshotChoice};

const SEED: u64 = 20_240_304;
const QUESTIONS: usize = 500;

struct Question {
    ask: Ask,
    query: Query,
    found: Vec<u64>,
}

fn questions(rng: &SeededRng, log: &[Recorded], scan: &Scan) -> Vec<Question> {
    (0..QUESTIONS)
        .map(|_| {
            let ask = ask(rng, log, 3);
            let query = parse(&text(&ask));
            let found = scan.find(&ask, log.len(), None);
            Question { ask, query, found }
        })
        .collect()
}

fn compare(bench: &Bench, questions: &[Question], state: &str) {
    for (number, Question { ask, query, found }) in questions.iter().enumerate() {
        let limit = [1_000, 50, 7][number % 3];
        let order = if number % 4 == 3 { Order::Oldest } else { Order::Newest };
        let newest = SnapshotChoice::Newest;
        let limit = if found.len() > limit * 12 { 1_000 } else { limit };
        let (count, seqs) = bench.all_pages(query, &Scope::of_officer(), &newest, (order, limit));
        let mut seqs: Vec<_> = seqs.iter().map(|seq| seq.get()).collect();
        if order == Order::Oldest {
            seqs.reverse();
        }
        let told = format!("{state}, question {number}: {} {ask:?}", query.text());
        assert_eq!(seqs, *found, "{told}");
        assert_eq!(count, u64::try_from(found.len()).unwrap(), "{told}");
    }
}

/// `MUNIMENT_QUESTIONS` asks for more than one log's worth of questions, each further log by a seed of its own.
#[test]
fn search_equals_an_independent_scan_in_every_state_of_the_index() {
    let asked = std::env::var("MUNIMENT_QUESTIONS").map_or(Ok(QUESTIONS), |text| text.parse());
    let logs = asked.expect("MUNIMENT_QUESTIONS is a number").div_ceil(QUESTIONS);
    let seeds = share_of(
        (SEED..).step_by(1_000).take(logs).collect(),
        std::env::var("MUNIMENT_SHARE").ok(),
    );
    for &seed in &seeds {
        ask_in_every_state(seed);
    }
    println!("{} questions in each of two states, seeds {seeds:?}", seeds.len() * QUESTIONS);
}

fn ask_in_every_state(seed: u64) {
    let rng = SeededRng::new(seed);
    let log = log("search_equals_an_independent_scan_in_every_state_of_the_index", &rng, 600);
    let scan = Scan::of(&log);
    let questions = questions(&rng, &log, &scan);
    let finding = questions.iter().filter(|question| !question.found.is_empty()).count();
    assert!(finding * 3 > questions.len() * 2, "most questions find something: {finding}");

    let mut bench = Bench::new();
    let half = log.len() / 2;
    bench.append_recorded(&log[..half]);
    bench.index.catch_up().unwrap();
    bench.append_recorded(&log[half..]);
    compare(&bench, &questions[..150], &format!("half committed, half tail, seed {seed}"));
    bench.index.catch_up().unwrap();
    compare(&bench, &questions, &format!("committed, seed {seed}"));
    bench.index.reindex(&|_, _| {}).unwrap();
    compare(&bench, &questions, &format!("rebuilt, seed {seed}"));
    bench.reopen();
    compare(&bench, &questions[..100], &format!("reopened, seed {seed}"));
}

#[test]
fn search_equals_the_scan_over_many_segments_and_after_they_are_joined() {
    let rng = SeededRng::new(SEED + 1);
    let log = log("search_equals_the_scan_over_many_segments", &rng, 250);
    let scan = Scan::of(&log);
    let questions = questions(&rng, &log, &scan);
    let mut bench = Bench::new();
    let cut = log.len() * 2 / 3;
    for batch in log[..cut].chunks(30) {
        bench.append_recorded(batch);
        bench.index.catch_up().unwrap();
    }
    bench.append_recorded(&log[cut..]);
    compare(&bench, &questions[..60], &format!("many segments and a tail, seed {}", SEED + 1));
    bench.index.catch_up().unwrap();
    compare(&bench, &questions, &format!("many segments, seed {}", SEED + 1));
    // Closing waits for the joins under way.
    bench.reopen();
    assert!(bench.index.segments() < 20, "{} segments", bench.index.segments());
    compare(&bench, &questions, &format!("joined, seed {}", SEED + 1));
}

#[test]
fn a_snapshot_finds_the_same_events_however_the_log_has_grown() {
    let rng = SeededRng::new(SEED + 3);
    let log = log("a_snapshot_finds_the_same_events_however_the_log_has_grown", &rng, 150);
    let scan = Scan::of(&log);
    let bench = Bench::new();
    let mut snapshots = Vec::new();
    for batch in log.chunks(log.len() / 5) {
        bench.append_recorded(batch);
        snapshots.push(bench.index.newest());
        if snapshots.len() % 2 == 0 {
            bench.index.catch_up().unwrap();
        }
    }
    let asks: Vec<_> = (0..60).map(|_| ask(&rng, &log, 3)).collect();
    let check = |state: &str| {
        for snapshot in &snapshots {
            for ask in &asks {
                let query = parse(&text(ask));
                let size = usize::try_from(snapshot.size).unwrap();
                let mut found = scan.find(ask, size, None);
                let choice = SnapshotChoice::At(*snapshot);
                let scope = Scope::of_officer();
                let (_, seqs) = bench.all_pages(&query, &scope, &choice, (Order::Newest, 400));
                let seqs: Vec<_> = seqs.iter().map(|seq| seq.get()).collect();
                assert_eq!(seqs, found, "{state}, {size} events: {}", query.text());
                found.sort_unstable();
                let all = bench.index.seqs(&query, &scope, snapshot).unwrap();
                assert_eq!(all.iter().map(|seq| seq.get()).collect::<Vec<_>>(), found);
            }
        }
    };
    check("as it grew");
    bench.index.catch_up().unwrap();
    bench.index.reindex(&|_, _| {}).unwrap();
    check("rebuilt as one");
}
