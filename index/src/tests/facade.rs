//! What the facade promises beside finding the right events.

use std::fs;

use chat::testing::message;
use chat::{ChatEvent, EventKind};

use super::bench::{Bench, parse, seqs};
use super::corpus::seq;
use crate::{Cursor, Error, Order, Page, Scope, SnapshotChoice};

fn messages(count: u64) -> Vec<ChatEvent> {
    (1..=count).map(|number| message(number, 1, 1, &format!("budget {number}"))).collect()
}

#[test]
fn a_message_is_found_as_soon_as_it_is_acknowledged() {
    let mut bench = Bench::new();
    bench.append(messages(3));
    assert_eq!(seqs(&bench.search("budget")), [3, 2, 1]);
    assert_eq!(bench.index.watermark(), 0);
    bench.index.catch_up().unwrap();
    assert_eq!(bench.index.watermark(), 3);
    assert_eq!(bench.index.lag().events, 0);
    bench.append(vec![message(4, 1, 1, "budget four")]);
    assert_eq!(seqs(&bench.search("budget")), [4, 3, 2, 1]);
}

#[test]
fn a_word_is_found_in_its_forms_in_a_small_archive_that_tells_no_language() {
    let lines = [
        "invoices",
        "invoiced twice",
        "réunion",
        "please pay the invoice",
        "契約",
        "ok",
        "meetings",
    ];
    let mut bench = Bench::new();
    bench.append((1..).zip(lines).map(|(number, line)| message(number, 1, 1, line)).collect());
    for settled in [false, true] {
        if settled {
            bench.index.catch_up().unwrap();
        }
        assert_eq!(seqs(&bench.search("invoice")), [4, 2, 1], "settled: {settled}");
        assert_eq!(seqs(&bench.search("meet")), [7], "settled: {settled}");
        assert_eq!(seqs(&bench.search("lang:en")), [7, 6, 4, 3, 2, 1], "settled: {settled}");
        assert_eq!(seqs(&bench.search("lang:zh")), [5], "settled: {settled}");
    }
}

#[test]
fn equal_times_are_told_apart_by_sequence_across_pages() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        bench.append(vec![message(7, 1, 1, "same moment"); 40]);
        bench.index.catch_up().unwrap();
    }
    bench.append(vec![message(7, 1, 1, "same moment"); 5]);
    let (query, scope) = (parse("moment"), Scope::of_officer());
    for order in [Order::Newest, Order::Oldest] {
        let (count, found) = bench.all_pages(&query, &scope, &SnapshotChoice::Newest, (order, 9));
        let mut expected: Vec<_> = (1..=125).map(seq).collect();
        if order == Order::Newest {
            expected.reverse();
        }
        assert_eq!((count, found), (125, expected));
    }
}

#[test]
fn pages_by_score_never_skip_or_repeat_and_end_with_their_reader() {
    let mut bench = Bench::new();
    let text =
        |number: u64| format!("budget {}", "other ".repeat(usize::try_from(number % 5).unwrap()));
    bench.append((1..=60).map(|number| message(number, 1, 1, &text(number))).collect());
    let (query, scope) = (parse("budget"), Scope::of_officer());
    let (count, mut found) =
        bench.all_pages(&query, &scope, &SnapshotChoice::Newest, (Order::Score, 7));
    found.sort_unstable();
    assert_eq!((count, found), (60, (1..=60).map(seq).collect()));
    let page = Page { limit: 7, order: Order::Score, cursor: None };
    let answer = bench.index.search(&query, &scope, &SnapshotChoice::Newest, &page).unwrap();
    assert!(answer.hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
    bench.reopen();
    bench.index.search(&query, &scope, &SnapshotChoice::Newest, &page).unwrap();
    let page = Page { cursor: answer.next, ..page };
    let gone = bench.index.search(&query, &scope, &SnapshotChoice::Newest, &page);
    assert!(matches!(gone, Err(Error::CursorExpired)), "{gone:?}");
}

#[test]
fn a_cursor_keeps_its_snapshot_while_the_log_grows() {
    let mut bench = Bench::new();
    bench.append(messages(10));
    let (query, scope) = (parse("budget"), Scope::of_officer());
    let mut page = Page::newest(4);
    let first = bench.index.search(&query, &scope, &SnapshotChoice::Newest, &page).unwrap();
    bench.append(messages(10));
    bench.index.catch_up().unwrap();
    page.cursor = first.next;
    let second = bench.index.search(&query, &scope, &SnapshotChoice::Newest, &page).unwrap();
    assert_eq!((second.count, seqs(&second)), (10, vec![6, 5, 4, 3]));
    assert_eq!(second.snapshot, first.snapshot);
}

#[test]
fn a_cursor_of_another_search_is_refused() {
    let mut bench = Bench::new();
    bench.append(messages(10));
    let scope = Scope::of_officer();
    let newest = SnapshotChoice::Newest;
    let page = Page::newest(4);
    let cursor = bench.index.search(&parse("budget"), &scope, &newest, &page).unwrap().next;
    let page = Page { cursor, ..page };
    let refused = |text: &str, scope: &Scope, choice: &SnapshotChoice, page: &Page| {
        let outcome = bench.index.search(&parse(text), scope, choice, page);
        assert!(matches!(outcome, Err(Error::CursorForeign)), "{outcome:?}");
    };
    refused("other", &scope, &newest, &page);
    refused("budget", &Scope::of_rooms(Vec::new()), &newest, &page);
    refused("budget", &scope, &newest, &Page { order: Order::Oldest, ..page.clone() });
    let mut snapshot = bench.index.newest();
    snapshot.size -= 1;
    refused("budget", &scope, &SnapshotChoice::At(snapshot), &page);
    refused("budget", &scope, &newest, &Page { cursor: Some(Cursor::from_text("AAAA")), ..page });
}

#[test]
fn a_snapshot_that_this_log_never_had_is_refused() {
    let mut bench = Bench::new();
    bench.append(messages(3));
    let newest = bench.index.newest();
    let search = |snapshot| {
        let choice = SnapshotChoice::At(snapshot);
        bench.index.search(&parse("budget"), &Scope::of_officer(), &choice, &Page::newest(1))
    };
    let ahead = crate::Snapshot { size: 4, ..newest };
    assert!(matches!(search(ahead), Err(Error::SnapshotAhead { found: 4, expected: 3 })));
    let other = crate::Snapshot { analysis: newest.analysis + 1, ..newest };
    assert!(matches!(search(other), Err(Error::SnapshotOfOtherAnalysis { .. })));
    for size in [3, 2] {
        let other = crate::Snapshot { size, root: [0; 32], ..newest };
        assert!(matches!(search(other), Err(Error::SnapshotOfOtherLog { .. })));
    }
}

#[test]
fn an_officers_act_is_found_by_no_search() {
    let mut bench = Bench::new();
    let act = ChatEvent { kind: EventKind::Officer, ..message(2, 1, 1, "budget") };
    bench.append(vec![message(1, 1, 1, "budget"), act]);
    for text in ["budget", "", "-nothing", "seq:2..2", "kind:message OR kind:identity"] {
        assert!(!seqs(&bench.search(text)).contains(&2), "{text} in the tail");
    }
    bench.index.catch_up().unwrap();
    for text in ["budget", "", "-nothing", "seq:2..2", "kind:message OR kind:identity"] {
        assert!(!seqs(&bench.search(text)).contains(&2), "{text} in the index");
    }
}

#[test]
fn a_damaged_file_of_the_index_means_that_it_is_built_again() {
    let mut bench = Bench::new();
    bench.append(messages(50));
    bench.index.catch_up().unwrap();
    bench.index.close().unwrap();
    let folder = bench.index_folder().join("lists");
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let lists =
        files.filter(|path| path.extension().is_some_and(|end| end == "idx" || end == "fast"));
    for path in lists {
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 3;
        bytes[middle] ^= 1;
        fs::remove_file(&path).unwrap();
        std::io::Write::write_all(&mut fs::File::create(&path).unwrap(), &bytes).unwrap();
    }
    bench.reopen();
    assert_eq!(bench.search("budget").count, 50);
    bench.index.catch_up().unwrap();
    assert_eq!(bench.search("budget").count, 50);
}

#[test]
fn an_index_of_another_log_is_built_again() {
    let mut one = Bench::new();
    one.append(messages(5));
    one.index.catch_up().unwrap();
    one.index.close().unwrap();
    let mut other = Bench::new();
    other.append(vec![message(1, 1, 1, "other log")]);
    let archive = std::sync::Arc::clone(&other.archive);
    let settings = super::bench::never_commits();
    let index = crate::Index::open(&one.index_folder(), archive, settings).unwrap();
    let search = |text: &str| {
        let page = Page::newest(5);
        index.search(&parse(text), &Scope::of_officer(), &SnapshotChoice::Newest, &page).unwrap()
    };
    assert_eq!((search("budget").count, search("other").count), (0, 1));
}

#[test]
fn what_was_committed_is_not_followed_again() {
    let mut bench = Bench::new();
    bench.append(messages(20));
    bench.index.catch_up().unwrap();
    bench.reopen();
    assert_eq!(bench.index.watermark(), 20);
    bench.append(messages(5));
    bench.index.catch_up().unwrap();
    assert_eq!((bench.index.watermark(), bench.search("budget").count), (25, 25));
}

#[test]
fn a_rebuild_tells_its_progress_and_ends_with_the_same_answers() {
    let mut bench = Bench::new();
    bench.append(messages(300));
    bench.index.catch_up().unwrap();
    let before = bench.search("budget");
    let told = std::cell::Cell::new((0, 0));
    assert_eq!(bench.index.reindex(&|done, all| told.set((done, all))).unwrap(), 300);
    assert_eq!(told.get(), (300, 300));
    assert_eq!(bench.search("budget"), before);
}

#[test]
fn a_closed_index_answers_no_more() {
    let mut bench = Bench::new();
    bench.append(messages(2));
    bench.index.close().unwrap();
    let page = Page::newest(1);
    let search =
        bench.index.search(&parse(""), &Scope::of_officer(), &SnapshotChoice::Newest, &page);
    assert!(matches!(search, Err(Error::Closed)));
}

#[test]
fn a_page_over_the_limit_is_refused() {
    let bench = Bench::new();
    let page = Page::newest(chat::limits::PAGE_HITS_MAX + 1);
    let search =
        bench.index.search(&parse(""), &Scope::of_officer(), &SnapshotChoice::Newest, &page);
    assert!(matches!(search, Err(Error::PageTooLarge { .. })));
}
