//! Claims about explanations: the reasons in words, and the same answer as the matcher's.

use chat::{Recorded, Seq, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::analysis::Language;
use crate::matcher::{Unmarked, matches};
use crate::{QueryError, Zone};

fn analysed(text: &str, language: Option<&str>) -> Analysed {
    let event = chat::ChatEvent {
        at: Timestamp::parse_rfc3339("2024-03-04T12:00:00Z").unwrap(),
        ..chat::testing::message(1, 2, 3, text)
    };
    let recorded = Recorded {
        seq: Seq::new(7).unwrap(),
        place_seq: None,
        place_prev: None,
        recorded_at: event.at,
        event,
    };
    Analysed::of(&recorded, language.and_then(Language::named))
}

fn explained(query: &str, event: &Analysed) -> Explanation {
    explain(&Query::parse(query, &Zone::Utc).unwrap(), event, &Unmarked)
}

fn check(query: &str, text: &str, matched: bool, why: &str) {
    let explanation = explained(query, &analysed(text, Some("en")));
    assert_eq!(explanation.clauses[0].why, why, "{query} {text}");
    assert_eq!(explanation.matched, matched, "{query} {text}");
}

#[test]
fn words_are_explained_with_their_stems() {
    check(
        "runs",
        "She was running",
        true,
        "found `running` in the text, which has the stem `run` in English",
    );
    check("runs", "runs and runs", true, "found `runs` in the text, and 1 more");
    check("runs", "walk", false, "no word is `runs` or stems to `run` in English");
    check("runs", "", false, "the event has no words");
    check("budg*", "walk", false, "no word begins with `budg`");
    let unknown = explained("runs", &analysed("пешком", None));
    assert!(unknown.clauses[0].why.contains("the language is not known"));
}

#[test]
fn phrases_are_explained_with_their_distance() {
    check(
        "\"net loss\"~5",
        "net 1 2 3 4 5 6 7 loss",
        false,
        "the words stand in this order with 7 others between them at least, at most 5 are allowed",
    );
    check(
        "\"net loss\"",
        "net x loss",
        false,
        "the words stand in this order with 1 other between them at least, none is allowed",
    );
    check(
        "\"net loss\"",
        "loss net",
        false,
        "the words are there, but never all of them in this order",
    );
    check(
        "\"net loss\"",
        "net gains",
        false,
        "not among the words: `loss` (a phrase compares no stems)",
    );
    check("\"net loss\"", "the Net-Loss", true, "found `Net Loss` in the text");
    check(
        "=Apple",
        "apple pie",
        false,
        "the words are there, but not as written: found `apple` in the text",
    );
}

#[test]
fn times_are_explained_with_what_is_missing() {
    check(
        "after:2024-03-04T12:04:30Z",
        "x",
        false,
        "outside the range by 4 minutes: it happened at 2024-03-04T12:00:00.000000Z, before 2024-03-04T12:04:30.000000Z",
    );
    check(
        "before:2024-03-02",
        "x",
        false,
        "outside the range by 2 days: it happened at 2024-03-04T12:00:00.000000Z, and the range ends before 2024-03-02T00:00:00.000000Z",
    );
    check(
        "before:2024-03-04T12:00:00Z",
        "x",
        false,
        "outside the range by nothing: it happened at 2024-03-04T12:00:00.000000Z, and the range ends before 2024-03-04T12:00:00.000000Z",
    );
    check("seq:10..12", "x", false, "it is event 7, 3 before 10");
    check("seq:1..6", "x", false, "it is event 7, 1 after 6");
}

#[test]
fn fields_are_explained_with_what_is_there() {
    check(
        "from:alice",
        "x",
        false,
        "the author is known as `person 3`, `03030303030303030303030303030303`; whole values are compared",
    );
    check("to:ann", "@bob and @carl", false, "the text mentions `bob`, `bob and`, `carl`");
    check("has:link", "x", false, "its text holds no link");
    check("ext:pdf", "x", false, "no file's name has an extension");
    check("lang:fr", "x", false, "the language is English");
    check("is:edited", "x", false, "as of this snapshot it is not edited");
    check("kind:story", "x", false, "the event is of kind message");
}

#[test]
fn each_clause_has_its_verdict_and_depth() {
    let explanation = explained("a (b OR NOT c)", &analysed("a c", None));
    let table: Vec<_> = explanation
        .clauses
        .iter()
        .map(|verdict| (verdict.depth, verdict.clause.as_str(), verdict.matched))
        .collect();
    assert_eq!(
        table,
        [
            (0, "a AND (b OR NOT c)", false),
            (1, "a", true),
            (1, "b OR NOT c", false),
            (2, "b", false),
            (2, "NOT c", false),
            (3, "c", true),
        ]
    );
    assert!(!explanation.matched);
}

#[test]
fn a_kind_that_is_not_searched_is_said_first() {
    let mut event = chat::testing::message(1, 2, 3, "x");
    event.kind = chat::EventKind::Join;
    let recorded = Recorded {
        seq: Seq::FIRST,
        place_seq: None,
        place_prev: None,
        recorded_at: event.at,
        event,
    };
    let explanation = explained("x", &Analysed::of(&recorded, None));
    assert!(!explanation.matched);
    assert!(explanation.clauses[0].why.contains("kind:join"), "{explanation:?}");
    assert!(explanation.clauses[1].matched);
}

proptest! {
    #[test]
    fn an_explanation_gives_the_matchers_answer(
        text in "([ab]{1,2}[ -]?){0,6}",
        pieces in prop::collection::vec(prop::sample::select(vec![
            "a", "b", "ab", "\"a b\"", "\"a b\"~2", "ab*", "=A", "OR", "-", "NOT", "(", ")", "from:x", "seq:7", "on:2024",
            "kind:join", "is:current",
        ]), 0..12),
    ) {
        let query: Result<Query, QueryError> = Query::parse(&pieces.join(" ").replace("- ", "-"), &Zone::Utc);
        if let Ok(query) = query {
            let event = analysed(&text, Some("en"));
            let explanation = explain(&query, &event, &Unmarked);
            prop_assert_eq!(explanation.matched, matches(&query, &event, &Unmarked).is_some());
            prop_assert!(explanation.clauses.iter().all(|verdict| !verdict.why.is_empty()));
        }
    }
}

/// Somebody who takes part in direct messages in the room, one whose stay is told, and one of whom only the leaving is.
struct Attended;

impl Marks for Attended {
    fn is(&self, _: Seq, _: crate::Mark) -> bool {
        false
    }

    fn room_is_in(&self, _: &chat::RoomId, _: &str) -> bool {
        false
    }

    fn source_is(&self, _: &chat::SourceId, _: &str) -> bool {
        false
    }

    fn person_is(&self, _: &chat::PersonId, name: &str) -> bool {
        name == "trey"
    }

    fn room_is(&self, _: &chat::RoomId, _: &str) -> bool {
        false
    }

    fn mention_means(&self, _: &chat::SourceId, _: &str, _: &str) -> bool {
        false
    }

    fn is_direct_with(&self, _: &chat::RoomId, name: &str) -> bool {
        name == "bob"
    }

    fn stay(&self, _: &chat::RoomId, at: Timestamp, name: &str) -> Option<crate::Stay> {
        let hour = Some(at.plus_micros(3_600_000_000));
        match name {
            "dora" => Some(crate::Stay { from: Some(at), until: None }),
            "emil" => Some(crate::Stay { from: None, until: hour }),
            _ => None,
        }
    }
}

#[test]
fn a_participant_is_explained_by_the_reason_that_held() {
    let event = analysed("x", None);
    for (name, matched, why) in [
        ("\"person 3\"", true, "the author is known as `person 3`"),
        ("trey", true, "and as `trey` too"),
        ("bob", true, "`bob` takes part in this room of direct messages"),
        (
            "dora",
            true,
            "`dora` was in the room from 2024-03-04T12:00:00.000000Z and no leaving is recorded",
        ),
        (
            "emil",
            true,
            "`emil` was in the room since a time that is not known until 2024-03-04T13:00:00.000000Z",
        ),
        ("carl", false, "nothing recorded says that they were in the room at 2024-03-04T12"),
    ] {
        let query = Query::parse(&format!("participant:{name}"), &Zone::Utc).unwrap();
        let explanation = explain(&query, &event, &Attended);
        let found = &explanation.clauses[0].why;
        assert!(found.contains(why), "{name}: {found}");
        assert_eq!(
            (explanation.matched, matches(&query, &event, &Attended).is_some()),
            (matched, matched)
        );
    }
}
