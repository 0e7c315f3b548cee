//! Claims about time: nothing that anyone can write makes reading, analysis or matching take more than its length.
//!
//! The bounds are wide, because tests run without optimisation on busy machines; anything quadratic is far above them.

use std::time::{Duration, Instant};

use chat::limits::QUERY_BYTES_MAX;
use proptest::prelude::*;
use query::analysis::tokens;
use query::{Analysed, Query, Unmarked, Zone, matches};

fn check(what: &str, seconds_max: u64, run: impl FnOnce()) {
    let start = Instant::now();
    run();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(seconds_max), "{what:?} took {took:?}");
}

#[test]
fn hostile_texts_are_analysed_in_linear_time() {
    for piece in [
        "e\u{301}",
        "\u{301}",
        "\u{1112}",
        "👩\u{200d}",
        "ﷺ",
        "a\u{200d}",
        "1\u{fe0f}",
        "🇩",
        "\u{e0067}",
        "ｶﾞ",
        "\u{1100}\u{1161}\u{11a8}",
    ] {
        let text = piece.repeat((1 << 18) / piece.len());
        check(piece, 10, || assert!(tokens(&text).len() <= 2 * text.len()));
    }
}

#[test]
fn hostile_queries_are_read_at_once() {
    for piece in [
        "(",
        ")",
        "-",
        "NOT ",
        "a ",
        "a OR ",
        "\"",
        "\"\" ",
        "“",
        "/a ",
        "/a/ ",
        "a* ",
        "from:",
        "from:x ",
        "a~",
        "手",
        "-(",
        "x:",
        "e\u{301}",
        "\u{301}",
        "=",
        "=a ",
        "after:2024 ",
        "seq:1.. ",
    ] {
        let text = piece.repeat(QUERY_BYTES_MAX / piece.len());
        check(piece, 2, || {
            if let Err(refusal) = Query::parse(&text, &Zone::Utc) {
                assert!(refusal.column <= text.chars().count() + 1, "{refusal}");
            }
        });
    }
}

#[test]
fn hostile_texts_are_matched_in_linear_time() {
    let event = chat::testing::message(1, 2, 3, &"a ".repeat(100_000));
    let recorded = chat::Recorded {
        seq: chat::Seq::FIRST,
        place_seq: None,
        place_prev: None,
        recorded_at: event.at,
        event,
    };
    let analysed = Analysed::of(&recorded, None);
    for text in [
        format!("\"{}b\"", "a ".repeat(2_000)),
        format!("\"{}b\"~99", "a ".repeat(60)),
        format!("=\"{}A\"", "a ".repeat(2_000)),
        "a OR ".repeat(63) + "a",
    ] {
        let query = Query::parse(&text, &Zone::Utc).unwrap();
        check(&text[..20], 30, || drop(matches(&query, &analysed, &Unmarked)));
    }
}

proptest! {
    #[test]
    fn any_text_of_the_greatest_length_is_read_at_once(
        pieces in prop::collection::vec(chat::testing::any_text(), 1..60),
        glue in prop::sample::select(vec![" ", "(", "-", "\"", ":", "*", " OR ", "~1 ", "/"]),
    ) {
        let mut text = pieces.join(glue);
        text.push_str(glue);
        text = text.repeat(1 + QUERY_BYTES_MAX / text.len());
        text.truncate(text.floor_char_boundary(QUERY_BYTES_MAX));
        check(glue, 2, || drop(Query::parse(&text, &Zone::Utc)));
    }
}
