//! Claims about the grammar, through `Query::parse`: what is understood, and what is refused and where.

use chat::{EventKind, Seq, Timestamp};
use proptest::prelude::*;

use crate::{Clause, Field, Has, Mark, Query, QueryError, Zone};

fn parse(text: &str) -> Query {
    Query::parse(text, &Zone::Utc).unwrap_or_else(|refusal| panic!("{text:?}: {refusal}"))
}

fn refuse(text: &str) -> QueryError {
    match Query::parse(text, &Zone::Utc) {
        Ok(query) => panic!("{text:?} was understood as {}", query.interpreted()),
        Err(refusal) => refusal,
    }
}

/// Checks the canonical form, and that it is its own canonical form in any zone.
fn check(text: &str, expected: &str) {
    let query = parse(text);
    assert_eq!(query.interpreted(), expected, "{text:?}");
    let zone = Zone::named("Asia/Tokyo").unwrap();
    let again = Query::parse(expected, &zone).unwrap();
    assert_eq!(again.root(), query.root(), "{text:?}");
}

fn check_refused(text: &str, column: usize, found: &str) {
    let refusal = refuse(text);
    assert_eq!(refusal.column, column, "{text:?}: {refusal}");
    assert!(refusal.found.contains(found), "{text:?}: {refusal}");
    // The example of a refusal is a query that is understood.
    parse(&refusal.example);
}

#[test]
fn terms_side_by_side_are_joined_by_and() {
    check("a b", "a AND b");
    check("a AND b c", "a AND b AND c");
    check("a\u{3000}b\n\tc", "a AND b AND c");
    check("", "");
    check("  ", "");
}

#[test]
fn not_binds_before_and_before_or() {
    check("a OR b c", "a OR b AND c");
    check("(a OR b) c", "(a OR b) AND c");
    check("NOT a b", "NOT a AND b");
    check("NOT (a b)", "NOT (a AND b)");
    check("-a OR -(b OR c)", "NOT a OR NOT (b OR c)");
    check("--a NOT NOT b", "NOT NOT a AND NOT NOT b");
}

#[test]
fn nesting_of_the_same_operator_says_nothing() {
    check("((a (b (c))))", "a AND b AND c");
    check("a OR (b OR (c OR d))", "a OR b OR c OR d");
    assert_eq!(parse("(a b) c").root(), parse("a (b c)").root());
}

#[test]
fn operators_are_upper_case() {
    check("this and that or not", "this AND and AND that AND or AND not");
    check("\"AND\" OR \"OR\"", "\"and\" OR \"or\"");
}

#[test]
fn words_are_in_lower_case_and_separators_make_phrases() {
    check("STRASSE", "strasse");
    check("Straße", "straße");
    check("foo-bar", "\"foo bar\"");
    check("https://Example.com/a", "\"https example com a\"");
    check("IO::Path", "\"io path\"");
    check("12:30", "\"12 30\"");
    check("C++", "c");
    check("手机", "\"手 机\"");
    check("👍🏽 #️⃣ *️⃣", "👍 AND #⃣ AND *⃣");
}

#[test]
fn a_phrase_keeps_its_order_and_may_have_room() {
    check("\"Net  loss\"", "\"net loss\"");
    check("\"net loss\"~5", "\"net loss\"~5");
    check("\"net loss\"~0", "\"net loss\"");
    check("“net loss”~5 „so“", "\"net loss\"~5 AND \"so\"");
    check("\"he said \"\"no\"\"\"", "\"he said no\"");
    check("a\"b c\"d", "a AND \"b c\" AND d");
}

#[test]
fn prefixes_and_words_as_written() {
    check("Budg*", "budg*");
    check("회* 会*", "회* AND 会*");
    check("budg\u{200e}*", "budg*");
    check("=Apple", "=\"Apple\"");
    check("=\"Apple Inc.\"", "=\"Apple Inc.\"");
    check("=\"a \"\"b\"\"\"", "=\"a \"\"b\"\"\"");
}

#[test]
fn fields_take_whole_values() {
    check("from:Alice", "from:alice");
    check("Participant:\"Jörg  Weiß\"", "participant:\"jorg weiss\"");
    check("FROM:\"Jörg  Weiß\"", "from:\"jorg weiss\"");
    check("to:@ann", "to:ann");
    check(
        "room:#general category:Desk source:team.slack",
        "room:\"#general\" AND category:desk AND source:team.slack",
    );
    check("file:Plan.PDF ext:.PDF thread:1503.02", "file:plan.pdf AND ext:pdf AND thread:1503.02");
    check("lang:de lang:German lang:deu", "lang:deu AND lang:deu AND lang:deu");
    check("type:Story", "kind:story");
    assert_eq!(*parse("kind:join").root(), Clause::Field(Field::Kind(EventKind::Join)));
    assert_eq!(*parse("has:file").root(), Clause::Field(Field::Has(Has::File)));
    assert_eq!(*parse("is:current").root(), Clause::Field(Field::Is(Mark::Current)));
}

#[test]
fn dates_are_intervals_in_their_zone() {
    check("after:2024", "after:2024-01-01T00:00:00.000000Z");
    check("before:2024-03", "before:2024-03-01T00:00:00.000000Z");
    check("on:2024-03-04", "during:2024-03-04T00:00:00.000000Z..2024-03-04T23:59:59.999999Z");
    check(
        "during:2024..2024-03",
        "during:2024-01-01T00:00:00.000000Z..2024-03-31T23:59:59.999999Z",
    );
    check(
        "on:2024-03-04T09:15:00Z",
        "during:2024-03-04T09:15:00.000000Z..2024-03-04T09:15:00.999999Z",
    );
    check("on:9999", "after:9999-01-01T00:00:00.000000Z");
    let berlin = Zone::named("Europe/Berlin").unwrap();
    let query = Query::parse("on:2024-03-31", &berlin).unwrap();
    let moment = |text| Some(Timestamp::parse_rfc3339(text).unwrap());
    let (from, until) = (moment("2024-03-30T23:00:00Z"), moment("2024-03-31T22:00:00Z"));
    assert_eq!(*query.root(), Clause::Field(Field::Time { from, until }));
}

#[test]
fn sequence_numbers_are_inclusive() {
    let seq = |number| Seq::new(number).unwrap();
    let seqs = |first, last| Clause::Field(Field::Seqs { first: seq(first), last: seq(last) });
    assert_eq!(*parse("seq:100..200").root(), seqs(100, 200));
    assert_eq!(*parse("seq:7").root(), seqs(7, 7));
    check("seq:7..", "seq:7..");
    check("seq:..7", "seq:1..7");
}

#[test]
fn mistakes_are_refused_at_their_column() {
    check_refused("a AND", 6, "the end");
    check_refused("ä OR OR b", 6, "`OR`");
    check_refused("OR a", 1, "`OR`");
    check_refused("(a b", 1, "never closed");
    check_refused("a b)", 4, "`)`");
    check_refused("()", 2, "`)`");
    check_refused("NOT", 4, "the end");
    check_refused("a - b", 3, "`-` alone");
    check_refused("= a", 1, "`=` alone");
    check_refused("ä \"b c", 3, "never closed");
    check_refused("\"\"", 1, "nothing to search for");
    check_refused("a ... b", 3, "nothing to search for");
    check_refused("\"a b\"~", 6, "`~`");
    check_refused("\"a b\"~100", 1, "`~100`");
    check_refused("\"a b\"~99999999999", 1, "`~99999999999`");
    check_refused("a b*", 3, "`b*`");
    check_refused("の*", 1, "`の*`");
    check_refused("foo-ba*", 1, "several words");
    check_refused("手机*", 1, "several words");
    check_refused("foo-*", 1, "several words");
}

#[test]
fn fields_that_say_nothing_are_refused() {
    check_refused("form:alice", 1, "`form:`");
    assert!(refuse("form:alice").expected.contains("perhaps from:"));
    check_refused("x from:", 3, "without a value");
    check_refused("from: alice", 1, "without a value");
    check_refused("from:(a OR b)", 1, "without a value");
    check_refused("from:\" \"", 1, "in from:");
    check_refused("kind:unknown", 1, "`unknown`");
    check_refused("kind:officer", 1, "`officer`");
    check_refused("has:cheese", 1, "`cheese`");
    check_refused("is:good", 1, "`good`");
    check_refused("lang:klingon", 1, "`klingon`");
    check_refused("ext:a.b", 1, "`a.b`");
    for date in ["2024-13", "2024-02-30", "tomorrow", "2024-3-4", "24-03-04"] {
        check_refused(&format!("a after:{date}"), 3, date);
    }
    check_refused("during:2024", 1, "`2024`");
    check_refused("during:2025..2024", 1, "`2025..2024`");
    for seqs in ["0", "9..7", "x", "..", "-1", "+1", "1...2"] {
        check_refused(&format!("seq:{seqs}"), 1, seqs);
    }
    let apia = Zone::named("Pacific/Apia").unwrap();
    let refusal = Query::parse("on:2011-12-30", &apia).unwrap_err();
    assert!(refusal.expected.contains("Pacific/Apia"), "{refusal}");
}

#[test]
fn a_refusal_says_exactly_what_is_wrong() {
    let check = |text: &str, expected: &str| {
        let refusal = refuse(text);
        assert!(refusal.expected.contains(expected), "{text}: {refusal}");
        parse(&refusal.example);
    };
    check("seq:20..10", "the smaller number first");
    check("after:2024-02-30", "2024-02 has the days 01 to 29");
    check("on:2023-02-29", "2023-02 has the days 01 to 28");
    check("before:2024-13", "no month 13");
    check("before:2024-00-01", "no month 00");
    check("during:2024-01-01..2024-04-31", "2024-04 has the days 01 to 30");
    check("after:2024-06-31T10:00:00Z", "2024-06 has the days 01 to 30");
    check("after:0000", "a year from 0001");
    check("after:2024-1", "a date as 2024");
    check("matter:m1", "that the matter is about (matter is not yet offered)");
    check("tag:hot", "what the tagged events have in common");
    check("custodian:bob", "the custodians one by one");
    let refusal = refuse("nothing:x");
    for name in [
        "from",
        "to",
        "participant",
        "room",
        "category",
        "source",
        "kind",
        "type",
        "has",
        "file",
        "ext",
        "lang",
        "thread",
        "is",
        "after",
        "before",
        "on",
        "during",
        "seq",
    ] {
        let listed = refusal.expected.split([' ', '(', ')']).any(|word| word == name);
        assert!(listed, "{name}: {refusal}");
    }
}

#[test]
fn a_pasted_address_is_text_whatever_it_holds() {
    check("https://example.com/a/b?c=d&e=f#frag", "\"https example com a b c d e f frag\"");
    check("http://example.com/*", "\"http example com\"");
    check("-https://example.com/~1?x", "NOT \"https example com 1 x\"");
    check_refused("example.com/a?b", 1, "the wildcard");
}

#[test]
fn what_is_not_yet_offered_says_what_to_use_instead() {
    for text in [
        "a NEAR/5 b",
        "a PRE/5 b",
        "x w?ld",
        "x w*ld",
        "x *end",
        "x why?",
        "x /colou?r/",
        "x /a b/",
        "x fuzzy~1",
        "x fuzzy~",
        "x matter:m1",
        "x tag:hot",
        "x custodian:bob",
        "x is:held",
    ] {
        check_refused(text, 3, "");
        assert!(refuse(text).expected.contains("not yet offered"), "{}", refuse(text));
    }
    // These look alike but are words.
    check("NEAR near a~b /usr/bin ~/home", "near AND near AND \"a b\" AND \"usr bin\" AND home");
}

#[test]
fn limits_are_refused_where_they_are_passed() {
    parse(&format!("{}a{}", "(".repeat(32), ")".repeat(32)));
    check_refused(&format!("{}a{}", "(".repeat(33), ")".repeat(33)), 33, "depth 33");
    check_refused(&"(".repeat(4096), 33, "depth 33");
    check_refused(&"-".repeat(4095), 4095, "`-` alone");
    check_refused(&format!("{}a", "-".repeat(4095)), 33, "depth 33");
    check_refused(&"NOT ".repeat(1024), 129, "depth 33");
    check_refused(&"(".repeat(20_000), 4097, "20000 bytes");
    check_refused(&"ä".repeat(2049), 2049, "4098 bytes");
    parse(&"a ".repeat(256));
    check_refused(&"a ".repeat(257), 513, "clause 257");
    check_refused(&format!("\"{}\"~5", "a ".repeat(65)), 1, "65 words");
}

#[test]
fn a_long_word_is_searched_whole() {
    let long = "x".repeat(600);
    let parts = [&long[..255], &long[..255], &long[..90]].join(" ");
    check(&long, &format!("\"{parts}\""));
}

/// Generates what a query is made of, in any order.
fn any_query() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Zäß手]{1,6}",
        1 => chat::testing::any_text(),
        4 => prop::sample::select(vec![
            "AND", "OR", "NOT", "-", "(", ")", "\"", "\"a b\"~5", "ab*", "=Ab", "from:x", "on:2024", "seq:1..2",
            "kind:join", "~", "*", ":", "/", "“", "👍🏽", "NEAR/5", "is:edited", "during:2024..2025", "-(", "\"\"",
        ]).prop_map(str::to_owned),
    ];
    proptest::collection::vec((piece, prop::sample::select(vec![" ", "", "  "])), 0..24).prop_map(
        |pieces| pieces.into_iter().flat_map(|(piece, gap)| [piece, gap.to_owned()]).collect(),
    )
}

proptest! {
    #[test]
    fn no_text_is_too_much(text in any_query()) {
        match Query::parse(&text, &Zone::Utc) {
            Ok(query) => prop_assert_eq!(query.text(), text),
            Err(refusal) => prop_assert!((1..=text.chars().count() + 1).contains(&refusal.column)),
        }
    }

    #[test]
    fn the_interpreted_query_is_the_same_query(text in any_query()) {
        if let Ok(query) = Query::parse(&text, &Zone::Utc)
            && query.interpreted().len() <= chat::limits::QUERY_BYTES_MAX
        {
            let again = Query::parse(&query.interpreted(), &Zone::Utc).unwrap();
            prop_assert_eq!(again.root(), query.root());
            prop_assert_eq!(again.interpreted(), query.interpreted());
        }
    }
}
