//! Claims about texts that return to earlier ones under a known key.

use super::*;

fn dated(text: &str, second: i64) -> Draft {
    Draft { edited_at: Some(Timestamp::from_micros(second * 1_000_000)), ..keyed("a", text) }
}

fn verdict(bench: &Bench, draft: Draft) -> &'static str {
    verdicts(&bench.accept(vec![draft])).remove(0)
}

#[test]
fn an_older_text_offered_again_is_a_revision_once_and_then_a_duplicate() {
    let bench = Bench::new();
    bench.one(keyed("a", "one"));
    let second = bench.one(keyed("a", "two"));
    let back = bench.one(keyed("a", "one"));
    assert_eq!(back.verdict, Verdict::Revised);
    let edit = bench.read(&back).event;
    assert_eq!((edit.kind, edit.target), (EventKind::Edit, Some(second.receipt.seq)));
    assert_eq!((edit.origin.unwrap().revision, edit.content.text.as_deref()), (2, Some("one")));
    let bench = bench.restart();
    let again = bench.one(keyed("a", "one"));
    assert_eq!((again.verdict, again.receipt), (Verdict::Duplicate, back.receipt));
}

#[test]
fn a_version_that_its_source_dates_before_the_newest_is_told_again_and_adds_nothing() {
    let bench = Bench::new();
    let history = || vec![keyed("a", "one"), dated("two", 1), dated("three", 2)];
    assert_eq!(verdicts(&bench.accept(history())), ["accepted", "revised", "revised"]);
    let size = bench.archive.size();
    assert_eq!(verdicts(&bench.accept(history())), ["duplicate"; 3]);
    assert_eq!(verdict(&bench, dated("two", 1)), "duplicate");
    assert_eq!(bench.archive.size(), size);
    assert_eq!(verdict(&bench, dated("two", 3)), "revised", "a later edit to an earlier text");
    assert_eq!(verdict(&bench, dated("two", 3)), "duplicate");
}

#[test]
fn words_kept_from_a_record_that_replaced_them_are_never_the_newest() {
    let bench = Bench::new();
    let former = |text: &str| Draft {
        unfolded: true,
        remark: Some(crate::source::FORMER_REMARK.into()),
        ..keyed("a", text)
    };
    // A message, and two changes of it that each say what stood before.
    let input = || vec![keyed("a", "one"), former("one"), former("two")];
    assert_eq!(verdicts(&bench.accept(input())), ["accepted", "duplicate", "revised"]);
    for _ in 0..2 {
        assert_eq!(verdicts(&bench.accept(input())), ["duplicate"; 3]);
    }
}
