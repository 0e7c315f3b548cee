//! A search has an end.

use std::sync::Arc;
use std::thread::ThreadId;

use archive::Ports;
use chat::testing::{FixedClock, message};
use chat::{Clock, Timestamp};

use super::bench::{Bench, parse};
use crate::{Error, Page, Scope, SnapshotChoice};

/// A clock on which twenty seconds pass whenever the thread that made it asks for the time.
#[derive(Debug)]
struct Hasty {
    clock: FixedClock,
    whose: ThreadId,
}

impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        if std::thread::current().id() == self.whose {
            self.clock.advance_micros(20_000_000);
        }
        self.clock.now()
    }
}

#[test]
fn a_search_over_its_time_has_no_answer_and_one_within_it_a_whole_one() {
    let clock = FixedClock::at(Timestamp::from_micros(1_800_000_000_000_000));
    let clock = Arc::new(Hasty { clock, whose: std::thread::current().id() });
    let mut bench = Bench::over(Ports { clock, ..Ports::production() });
    bench.append((1..=3).map(|number| message(number, 1, 1, "Budget")).collect());
    bench.index.catch_up().unwrap();
    let search = |text: &str| {
        let page = Page::newest(20);
        let found =
            bench.index.search(&parse(text), &Scope::of_officer(), &SnapshotChoice::Newest, &page);
        found.map(|answer| answer.count)
    };
    // The lists of the one segment take one look at the clock; texts that are read back take a second one.
    assert_eq!(search("budget").unwrap(), 3);
    let late = search("=Budget").unwrap_err();
    assert!(matches!(late, Error::TimeSpent { limit_seconds: 30 }), "{late:?}");
    assert!(late.to_string().contains("after 30 s"), "{late}");
    let newest = bench.index.newest();
    let every = bench.index.seqs(&parse("=Budget"), &Scope::of_officer(), &newest).unwrap();
    assert_eq!(every.len(), 3, "what runs as a job takes the time it needs");
}
