//! Claims about the matcher, and a naive judge of it that is written otherwise.

use chat::{
    Attachment, ChatEvent, Content, Custody, EventKind, FileId, PersonId, Recorded, RoomId, Seq,
    SourceId, Timestamp,
};
use proptest::prelude::*;

use super::*;
use crate::analysis::{Language, stem};
use crate::{AskedWord, Clause, Zone};

fn recorded(event: ChatEvent) -> Recorded {
    let recorded_at = event.at;
    Recorded { seq: Seq::new(7).unwrap(), place_seq: None, place_prev: None, recorded_at, event }
}

fn message(text: &str) -> Recorded {
    recorded(chat::testing::message(1, 2, 3, text))
}

fn find(query: &str, event: &Recorded, language: Option<&str>) -> Option<Vec<(usize, usize)>> {
    let query = Query::parse(query, &Zone::Utc).unwrap();
    let analysed = Analysed::of(event, language.and_then(Language::named));
    matches(&query, &analysed, &Unmarked).map(|found| found.highlights)
}

/// Checks what of a text is highlighted, or that nothing matches.
fn check(query: &str, text: &str, expected: Option<&[&str]>) {
    let found = find(query, &message(text), Some("en"));
    let characters: Vec<char> = text.chars().collect();
    let shown = found.map(|ranges| -> Vec<String> {
        ranges.into_iter().map(|(start, end)| characters[start..end].iter().collect()).collect()
    });
    let expected = expected.map(|words| words.iter().map(|&word| word.to_owned()).collect());
    assert_eq!(shown, expected, "{query} in {text:?}");
}

#[test]
fn a_word_matches_itself_and_its_stem() {
    check("meeting", "Meetings met, we meet.", Some(&["Meetings", "meet"]));
    check("running", "runner", None);
    check("strasse", "Hauptstraße STRASSE straße", Some(&["STRASSE", "straße"]));
    let event = message("runs");
    assert_eq!(find("running", &event, Some("en")), Some(vec![(0, 4)]));
    assert_eq!(find("running", &event, Some("de")), None);
}

#[test]
fn a_word_is_found_in_its_forms_where_nothing_tells_the_language() {
    // The lines of a small archive: no room of it has a language yet.
    let lines = [
        "please pay the invoices today",
        "I have paid them, all invoices are gone",
        "invoiced",
        "日本語のテキスト検索です",
        "今日は会議があります",
        "les factures ont été payées hier et la réunion est annulée",
        "cancelled meetings",
    ];
    let found = |query: &str| -> Vec<usize> {
        (1..)
            .zip(lines)
            .filter(|(_, line)| find(query, &message(line), None).is_some())
            .map(|(number, _)| number)
            .collect()
    };
    assert_eq!(found("invoice"), [1, 2, 3]);
    assert_eq!(found("meeting"), [7]);
    assert_eq!(found("lang:en"), [1, 2, 3, 7]);
    assert_eq!(found("lang:ja"), [4, 5]);
    assert_eq!(found("facture"), [6]);
    let mut upload = message("");
    upload.event.content.title = Some("invoices".to_owned());
    assert!(find("invoice", &upload, None).is_some());
}

#[test]
fn accents_decide_the_stem_whoever_leaves_them_out() {
    let meets = |query: &str, text: &str, language: &str| {
        find(query, &message(text), Some(language)).is_some()
    };
    for (one, other, language) in [
        ("aimée", "aimer", "fr"),
        ("aimees", "aimée", "fr"),
        ("organización", "organizaciones", "es"),
        ("organizacion", "organización", "es"),
        ("Häuser", "haus", "de"),
    ] {
        assert!(meets(one, other, language), "{one} {other}");
        assert!(meets(other, one, language), "{other} {one}");
    }
    assert!(!meets("aimée", "amis", "fr"));
}

#[test]
fn a_match_outside_the_text_says_in_which_part_it_lies() {
    let mut event = message("see net here");
    event.event.content.title = Some("Net loss".to_owned());
    let custody = Custody::Missing { reason: String::new(), claimed_bytes: None };
    let file =
        Attachment { name: "äß net.xlsx".to_owned(), media_type: None, address: None, custody };
    event.event.content.attachments = vec![file];
    let query = Query::parse("net OR loss", &Zone::Utc).unwrap();
    let found = matches(&query, &Analysed::of(&event, None), &Unmarked).unwrap();
    assert_eq!(found.highlights, [(4, 7)]);
    assert_eq!(
        found.elsewhere,
        [(Part::Title, vec![(0, 3), (4, 8)]), (Part::FileName(0), vec![(3, 6)])]
    );
}

#[test]
fn phrases_prefixes_and_words_as_written_never_stem() {
    check("\"net losses\"", "net loss", None);
    check("\"net loss\"", "The Net-Loss: net; loss", Some(&["Net", "Loss", "net", "loss"]));
    check("budg*", "Budgets budge bud", Some(&["Budgets", "budge"]));
    check("meetings*", "meeting", None);
    check("=Apple", "apple Apple's APPLE", Some(&["Apple"]));
    check("=\"Café Noir\"", "cafe noir Cafe\u{301} Noir", Some(&["Cafe\u{301}", "Noir"]));
    check("=apples", "apple", None);
}

#[test]
fn a_phrase_with_room_counts_all_words_between() {
    check("\"net loss\"~2", "net of all loss", Some(&["net", "loss"]));
    check("\"net loss\"~1", "net of all loss", None);
    check("\"loss net\"~9", "net of all loss", None);
    check("\"a b c\"~1", "a x b c", Some(&["a", "b", "c"]));
    check("\"a b c\"~1", "a x b x c", None);
}

#[test]
fn scripts_without_spaces_are_found_anywhere() {
    check("机密", "这是机密文件", Some(&["机密"]));
    check("密机", "这是机密文件", None);
    check("ข้อมูล", "ลบข้อมูลทั้งหมด", Some(&["ข้อมูล"]));
    check("שלום", "אמר שָׁלוֹם לכולם", Some(&["שָׁלוֹם"]));
}

#[test]
fn a_colour_of_skin_makes_no_difference_but_as_written() {
    check("👍", "ok 👍🏽 👍 no", Some(&["👍🏽", "👍"]));
    check("👍🏿", "ok 👍🏽", Some(&["👍🏽"]));
    check("=👍🏽", "ok 👍 👍🏽", Some(&["👍🏽"]));
    check("👩‍💻", "👩🏽‍💻", Some(&["👩🏽‍💻"]));
    check("ok", "🏽 ok🏽", Some(&["ok"]));
}

#[test]
fn a_word_as_written_is_written_so_around_its_letters_too() {
    check("=C++", "C:\\dir C# c++ C", None);
    check("=C++", "C and C++.", Some(&["C"]));
    assert_eq!(find("=C++", &message("C and C++."), None), Some(vec![(6, 7)]));
    check("=foo-bar", "foo_bar foo bar", None);
    check("=foo-bar", "foo_bar foo-bar", Some(&["foo", "bar"]));
    check("=.NET", "NET", None);
    check("=.NET", "the NET, .NET", Some(&["NET"]));
    check("=a-a-b", "a-a-a-b", Some(&["a", "a", "b"]));
    check("=\"a-a b\"", "a-a a-b", None);
    check("=\"net loss\"", "net \n loss", Some(&["net", "loss"]));
    check("=\"net, loss\"", "net loss", None);
    check("=½-x", "½-x", Some(&["½", "x"]));
    let mut event = message("foo-");
    event.event.content.title = Some("bar".to_owned());
    assert_eq!(find("=foo-bar", &event, None), None);
}

#[test]
fn letters_with_strokes_are_found_by_plain_ones() {
    check("lodz", "w Łodzi, Łódź", Some(&["Łódź"]));
    check("aether", "Æther ÆTHER", Some(&["Æther", "ÆTHER"]));
    check("Øre", "ore øre", Some(&["ore", "øre"]));
    check("=øre", "ore øre", Some(&["øre"]));
    check("회*", "내일 회의가 있다", Some(&["회의가"]));
}

#[test]
fn a_highlight_ends_where_the_word_is_seen_to_end() {
    check("foo", "foo\u{feff}bar", Some(&["foo"]));
    check("reversed", "\u{202e}reversed\u{202c}", Some(&["reversed"]));
    check("\"zero width\"", "zero\u{200b}width", Some(&["zero", "width"]));
}

#[test]
fn booleans_highlight_what_holds() {
    check("a OR b", "a b", Some(&["a", "b"]));
    check("a b", "a", None);
    check("(a b) OR c", "a c", Some(&["c"]));
    check("a -b", "a c", Some(&["a"]));
    check("a -b", "a b", None);
    check("NOT NOT a", "a", Some(&[]));
    check("", "a", Some(&[]));
}

#[test]
fn a_phrase_does_not_reach_from_one_part_into_the_next() {
    let mut event = message("net");
    event.event.content.title = Some("loss".to_owned());
    assert_eq!(find("net loss", &event, None), Some(vec![(0, 3)]));
    assert_eq!(find("\"net loss\"", &event, None), None);
    assert_eq!(find("\"net loss\"~99", &event, None), None);
    assert_eq!(find("loss", &event, None), Some(vec![]));
}

#[test]
fn kinds_are_searched_as_the_query_asks() {
    let of_kind = |kind| {
        let mut event = message("budget");
        event.event.kind = kind;
        event
    };
    assert!(find("budget", &of_kind(EventKind::Edit), None).is_some());
    assert!(find("budget", &of_kind(EventKind::Join), None).is_none());
    assert!(find("budget kind:join", &of_kind(EventKind::Join), None).is_some());
    assert!(find("budget -kind:message", &of_kind(EventKind::Join), None).is_none());
    for query in ["", "budget", "NOT x", "seq:1..", "kind:other OR budget"] {
        assert!(find(query, &of_kind(EventKind::Officer), None).is_none(), "{query}");
    }
}

fn letter() -> Recorded {
    let person = chat::Person {
        name: "Jörg Weiß".to_owned(),
        foreign_id: Some("U42".to_owned()),
        email: Some("j.weiss@example.com".to_owned()),
        ..chat::testing::message(1, 2, 3, "").actor.unwrap()
    };
    let custody = Custody::Held { file: FileId::from_bytes([9; 32]), bytes: 1 };
    let file =
        Attachment { name: "Plan B.PDF".to_owned(), media_type: None, address: None, custody };
    let content = Content {
        text: Some("@Ann see https://example.com".to_owned()),
        thread: Some("T.1".to_owned()),
        attachments: vec![file],
        ..Content::default()
    };
    let at = Timestamp::parse_rfc3339("2024-03-04T12:00:00Z").unwrap();
    recorded(ChatEvent { actor: Some(person), content, at, ..chat::testing::message(1, 2, 3, "") })
}

#[test]
fn fields_compare_whole_values() {
    let event = letter();
    for query in [
        "from:\"jorg WEISS\"",
        "from:u42",
        "from:j.weiss@example.com",
        "to:ann",
        "room:\"room 2\"",
        "file:\"plan b.pdf\"",
        "ext:pdf",
        "thread:t.1",
        "has:file",
        "has:link",
        "kind:message",
        "is:current",
        "on:2024-03-04",
        "after:2024-03-04T12:00:00Z",
        "before:2024-03-04T12:00:00.000001Z",
        "seq:7",
        "from:03030303030303030303030303030303",
        "room:02020202020202020202020202020202",
        "source:01010101010101010101010101010101",
        "plan pdf",
        "file:0909090909090909090909090909090909090909090909090909090909090909",
    ] {
        assert!(find(query, &event, None).is_some(), "{query}");
        assert!(find(&format!("NOT ({query})"), &event, None).is_none(), "NOT {query}");
    }
    for query in [
        "from:jorg",
        "from:weiss",
        "to:an",
        "to:example.com",
        "room:room",
        "file:plan",
        "ext:df",
        "thread:t",
        "has:edit",
        "is:edited",
        "kind:story",
        "before:2024-03-04T12:00:00Z",
        "after:2024-03-05",
        "seq:8..",
        "category:x",
        "source:x",
        "lang:fr",
    ] {
        assert!(find(query, &event, None).is_none(), "{query}");
    }
}

/// Marks as a table, to see that they are asked with what the event has.
struct Table;

impl Marks for Table {
    fn is(&self, seq: Seq, mark: Mark) -> bool {
        seq.get() == 7 && mark == Mark::Edited
    }

    fn room_is_in(&self, room: &RoomId, category: &str) -> bool {
        *room == RoomId::from_bytes([2; 16]) && category == "desk"
    }

    fn source_is(&self, source: &SourceId, name: &str) -> bool {
        *source == SourceId::from_bytes([1; 16]) && name == "pool one"
    }

    fn person_is(&self, person: &PersonId, name: &str) -> bool {
        *person == PersonId::from_bytes([3; 16]) && name == "jojo"
    }

    fn room_is(&self, room: &RoomId, name: &str) -> bool {
        *room == RoomId::from_bytes([2; 16]) && name == "c1"
    }

    fn mention_means(&self, source: &SourceId, mentioned: &str, name: &str) -> bool {
        *source == SourceId::from_bytes([1; 16]) && (mentioned, name) == ("ann", "u9")
    }

    fn is_direct_with(&self, room: &RoomId, name: &str) -> bool {
        *room == RoomId::from_bytes([2; 16]) && ["bob", "jorg weiss"].contains(&name)
    }

    fn stay(&self, room: &RoomId, at: Timestamp, name: &str) -> Option<Stay> {
        let noon = Timestamp::parse_rfc3339("2024-03-04T12:00:00Z").unwrap();
        let stay = Stay { from: Some(noon), until: None };
        let is_known = *room == RoomId::from_bytes([2; 16]) && name == "dora";
        Some(stay).filter(|stay| is_known && stay.holds(at))
    }
}

#[test]
fn marks_categories_and_sources_are_asked_for() {
    let analysed = Analysed::of(&letter(), None);
    for (text, expected) in [
        ("is:edited", true),
        ("is:current", false),
        ("category:Desk", true),
        ("category:x", false),
        ("source:\"Pool  One\"", true),
        ("source:two", false),
        ("to:bob", true),
        ("to:\"Jörg Weiß\"", false),
        ("to:carl", false),
        ("from:JoJo", true),
        ("from:jo", false),
        ("participant:JoJo", true),
        ("participant:\"Jörg Weiß\"", true),
        ("participant:BOB", true),
        ("participant:Dora", true),
        ("participant:carl", false),
        ("room:C1", true),
        ("room:c2", false),
        ("to:U9", true),
    ] {
        let query = Query::parse(text, &Zone::Utc).unwrap();
        assert_eq!(matches(&query, &analysed, &Table).is_some(), expected, "{text}");
    }
}

/// Judges a clause over plain ASCII words as the contract's sentences say, without tokens, positions or single passes.
fn judge(clause: &Clause, text: &str, language: Option<Language>) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    match clause {
        Clause::Everything => true,
        Clause::All(clauses) => !clauses.iter().any(|clause| !judge(clause, text, language)),
        Clause::Any(clauses) => clauses.iter().any(|clause| judge(clause, text, language)),
        Clause::Not(inner) => !judge(inner, text, language),
        Clause::Word(AskedWord { term, .. }) => words.iter().any(|word| {
            word == term
                || language.is_some_and(|language| stem(word, language) == stem(term, language))
        }),
        Clause::Prefix(start) => {
            words.iter().any(|word| word.get(..start.len()) == Some(start.as_str()))
        }
        Clause::Phrase { tokens, slop } => {
            chosen(tokens, &words).is_some_and(|least| least <= usize::try_from(*slop).unwrap())
        }
        Clause::Verbatim(wanted) => text.match_indices(wanted.as_str()).any(|(at, _)| {
            let parted =
                |beside: Option<char>| beside.is_none_or(|one| !one.is_ascii_alphanumeric());
            parted(text[..at].chars().next_back())
                && parted(text[at + wanted.len()..].chars().next())
        }),
        Clause::Field(_) => panic!("fields are judged by their own table"),
    }
}

/// Returns the fewest words between those of a phrase over every increasing choice of places.
fn chosen(phrase: &[String], words: &[&str]) -> Option<usize> {
    let starts = (0..words.len()).filter(|&start| words[start] == phrase[0]);
    starts
        .filter_map(|start| {
            let mut at = start;
            for term in &phrase[1..] {
                at += 1 + words[at + 1..].iter().position(|word| word == term)?;
            }
            Some(at + 1 - start - phrase.len())
        })
        .min()
}

fn any_leaf() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec!["run", "runs", "running", "ran", "Meet", "meeting", "x"]);
    prop_oneof![
        4 => word.clone().prop_map(str::to_owned),
        2 => (prop::collection::vec(word.clone(), 1..4), 0_u32..4)
            .prop_map(|(words, slop)| format!("\"{}\"~{slop}", words.join(" "))),
        1 => word.clone().prop_filter("long enough", |word| word.len() > 1).prop_map(|word| format!("{word}*")),
        1 => prop::collection::vec(word, 1..3).prop_map(|words| format!("={}", words.join("-"))),
    ]
}

fn any_condition() -> impl Strategy<Value = String> {
    any_leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| format!("NOT ({inner})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one}) ({other})")),
            (inner.clone(), inner).prop_map(|(one, other)| format!("({one}) OR ({other})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_matcher_agrees_with_a_naive_judge(
        condition in any_condition(),
        words in prop::collection::vec(
            prop::sample::select(vec!["run", "Runs", "running,", "ran!", "meet", "Meeting", "-", "x", "X", "x-run", "run-run-x"]), 0..8),
        english in any::<bool>(),
    ) {
        let query = Query::parse(&condition, &Zone::Utc).unwrap();
        let text = words.join(" ");
        // German has other stems; without any room the text would be read as English.
        let analysed = Analysed::of(&message(&text), Language::named(if english { "en" } else { "de" }));
        let found = matches(&query, &analysed, &Unmarked);
        prop_assert_eq!(found.is_some(), judge(query.root(), &text, analysed.language()), "{} in {:?}", condition, text);
        let ranges = found.unwrap_or_default().highlights;
        prop_assert!(ranges.is_sorted_by(|one, other| one.1 < other.0));
        prop_assert!(ranges.iter().all(|&(start, end)| start < end && end <= text.chars().count()));
    }

    #[test]
    fn any_text_is_found_by_its_own_words(text in chat::testing::any_text()) {
        let words = crate::analysis::tokens(&text);
        let phrase: Vec<_> = words.iter().map(|word| word.term.clone()).take(200).collect();
        if !phrase.is_empty() {
            let quoted = format!("\"{}\"", phrase.join(" ").replace('"', "\"\""));
            prop_assert!(find(&quoted, &message(&text), None).is_some());
            let written = &text[words[0].start..words[0].end];
            let verbatim = format!("=\"{}\"", written.replace('"', "\"\""));
            // A sign such as ¼ is two words of which the second may go on in what follows.
            let whole = crate::analysis::tokens(written).len() == 1;
            prop_assert!(!whole || find(&verbatim, &message(&text), None).is_some());
        }
    }
}
