//! A package that says it is complete is: whatever is left out of a range is found, by both checkers.

use chat::testing::message;
use chat::{EventKind, RoomId, Seq};

use crate::tests::damage::Package;
use crate::tests::log::Log;
use crate::tests::python::{accepts, python};
use crate::tests::sample::{event, post};
use crate::{Complete, Error, ExportSet, FindingKind};

type Choose = fn(&Log) -> ExportSet;

fn seqs(numbers: impl IntoIterator<Item = u64>) -> Vec<Seq> {
    numbers.into_iter().map(|number| Seq::new(number).unwrap()).collect()
}

fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

/// Twelve events: 4 and 9 are officers' acts, 3 and 8 of another room, the others of room 1.
fn mixed() -> Log {
    let events = (1..=12_u64).map(|n| match n {
        4 | 9 => {
            let mut act = event(n, EventKind::Officer, None, "searched");
            act.place = None;
            act
        }
        3 | 8 => message(n, 2, 4, "elsewhere"),
        _ => post(n, &format!("line {n}")),
    });
    Log::of(events.collect())
}

/// Returns the set of events 2 to 10 of the log, the acts accounted for.
fn of_log(log: &Log) -> ExportSet {
    let mut selection = log.selection([2, 3, 5, 6, 7, 8, 10]);
    let (first, last, absent) = (seq(2), seq(10), seqs([4, 9]));
    selection.complete =
        Some(Complete { room: None, first, last, before: None, after: None, absent });
    ExportSet::freeze(selection).unwrap()
}

/// Returns the set of room 1 between events 3 and 9, with its neighbours 2 and 10.
fn of_room(log: &Log) -> ExportSet {
    let mut selection = log.selection([5, 6, 7]);
    selection.complete = Some(Complete {
        room: Some(RoomId::from_bytes([1; 16])),
        first: seq(3),
        last: seq(9),
        before: Some(seq(2)),
        after: Some(seq(10)),
        absent: seqs([2, 10]),
    });
    ExportSet::freeze(selection).unwrap()
}

fn says(package: &Package, words: &str) -> bool {
    let report = package.check();
    report.proven.iter().chain(&report.not_proven).any(|statement| statement.contains(words))
}

#[test]
fn a_range_of_the_log_is_complete_and_says_so() {
    let package = Package::of_set(mixed(), of_log);
    assert_eq!(package.check().findings, []);
    assert!(says(&package, "every event of the log from 2 to 10 is here, 7 as rows"));
    assert!(says(&package, "officer 2"));
    let Some(python) = python("a_range_of_the_log_is_complete_and_says_so") else { return };
    assert!(accepts(&python, &package));
}

#[test]
fn a_range_of_a_room_is_complete_and_says_so() {
    let package = Package::of_set(mixed(), of_room);
    assert_eq!(package.check().findings, []);
    assert!(says(&package, "from 3 to 9 is here, 3 as rows"));
    assert!(!says(&package, "no later event"));
    let to_the_end = |log: &Log| {
        let mut selection = log.selection([1, 2, 5, 6, 7, 10, 11, 12]);
        let (room, absent) = (Some(RoomId::from_bytes([1; 16])), Vec::new());
        selection.complete = Some(Complete {
            room,
            first: seq(1),
            last: seq(12),
            before: None,
            after: None,
            absent,
        });
        ExportSet::freeze(selection).unwrap()
    };
    let whole = Package::of_set(mixed(), to_the_end);
    assert_eq!(whole.check().findings, []);
    assert!(says(&whole, "that the room has no later event: it is on the archive's word"));
    let Some(python) = python("a_range_of_a_room_is_complete_and_says_so") else { return };
    assert!(accepts(&python, &package) && accepts(&python, &whole));
}

#[test]
fn what_was_destroyed_within_a_range_is_accounted_for_by_what_is_left() {
    let sets: [Choose; 2] = [of_log, of_room];
    for set in sets {
        let mut log = mixed();
        log.destroyed.extend([seq(6), seq(7)]);
        log.blanked.insert(seq(6));
        let package = Package::of_set(log, set);
        assert_eq!(package.check().findings, []);
        assert!(says(&package, "destroyed 2"));
        if let Some(python) = python("what_was_destroyed_within_a_range_is_accounted_for") {
            assert!(accepts(&python, &package));
        }
    }
}

/// Drops one event from everything that names it, and signs anew.
fn drop_event(package: &Package, seqs: &str, number: u64) {
    for stream in ["events.jsonl.zst", "proofs.jsonl.zst"] {
        package.edit_lines(stream, |lines| {
            lines.retain(|line| {
                !line.contains(&format!("\"seq\":{number},\"t"))
                    && !line.ends_with(&format!("\"seq\":{number}}}"))
            });
        });
    }
    for table in ["csv/exact/messages.csv", "csv/reading/messages.csv"] {
        package.edit(table, |bytes| {
            let text = String::from_utf8(std::mem::take(bytes)).unwrap();
            let kept =
                text.split_inclusive("\r\n").filter(|row| !row.contains(&format!("/{number}\",")));
            *bytes = kept.collect::<String>().into_bytes();
        });
    }
    package.reseal(|manifest| {
        manifest.set.seqs = seqs.to_owned();
        manifest.counts.events -= 1;
        *manifest.counts.by_kind.get_mut("message").unwrap() -= 1;
        *manifest.counts.by_source.values_mut().next().unwrap() -= 1;
        for format in &mut manifest.formats {
            format.rows -= 1;
        }
    });
}

#[test]
fn an_event_left_out_of_a_range_is_found_though_everything_is_signed_anew() {
    let python = python("an_event_left_out_of_a_range_is_found_though_everything_is_signed_anew");
    let sets: [(Choose, &str, u64); 4] = [
        (of_log, "2-3,5,7-8,10", 6),
        (of_log, "2-3,5-8", 10),
        (of_room, "5,7", 6),
        (of_room, "5-6", 7),
    ];
    for (set, rest, number) in sets {
        let package = Package::of_set(mixed(), set);
        drop_event(&package, rest, number);
        let report = package.check();
        let kinds: Vec<_> = report.findings.iter().map(|finding| finding.kind).collect();
        assert_eq!(kinds, [FindingKind::Gap], "{number}: {:?}", report.findings);
        if let Some(python) = &python {
            assert!(!accepts(python, &package), "{number}");
        }
    }
}

#[test]
fn a_neighbour_that_is_hidden_and_an_account_that_is_forged_are_found() {
    type Forgery = (&'static str, fn(&Package));
    let forgeries: [Forgery; 5] = [
        ("the event before is hidden", |package| {
            package.edit_lines("absent.jsonl.zst", |lines| drop(lines.remove(0)));
            package.reseal(|manifest| {
                let complete = manifest.set.complete.as_mut().unwrap();
                (complete.before, complete.absent) = (None, "10".to_owned());
                manifest.counts.absent.insert("neighbour".to_owned(), 1);
            });
        }),
        ("the reason is another", |package| {
            package.edit_lines("absent.jsonl.zst", |lines| {
                lines[0] = lines[0].replace("neighbour", "destroyed");
            });
            package.reseal(|_| {});
        }),
        ("the range is wider", |package| {
            package.reseal(|manifest| manifest.set.complete.as_mut().unwrap().last = 12);
        }),
        ("the room is another", |package| {
            package.reseal(|manifest| {
                manifest.set.complete.as_mut().unwrap().room = Some("02".repeat(16));
            });
        }),
        ("a header is another", |package| {
            package.edit_lines("absent.jsonl.zst", |lines| {
                let at = lines[1].find("\"header\":\"").unwrap() + 60;
                let digit = if &lines[1][at..=at] == "0" { "1" } else { "0" };
                lines[1].replace_range(at..=at, digit);
            });
            package.reseal(|_| {});
        }),
    ];
    let python = python("a_neighbour_that_is_hidden_and_an_account_that_is_forged_are_found");
    for (name, forge) in forgeries {
        let package = Package::of_set(mixed(), of_room);
        forge(&package);
        assert!(!package.check().ok, "{name}");
        if let Some(python) = &python {
            assert!(!accepts(python, &package), "{name}");
        }
    }
}

#[test]
fn a_set_that_is_not_all_of_its_range_is_refused() {
    let log = mixed();
    let refused = |change: &dyn Fn(&mut Complete)| {
        let mut selection = of_log(&log).selection().clone();
        change(selection.complete.as_mut().unwrap());
        matches!(ExportSet::freeze(selection), Err(Error::SetIncomplete { .. }))
    };
    assert!(refused(&|complete| complete.last = seq(11)));
    assert!(refused(&|complete| complete.first = seq(3)));
    assert!(refused(&|complete| complete.absent.truncate(1)));
    assert!(refused(&|complete| complete.after = Some(seq(12))));
    assert!(!refused(&|_| {}));
}
