//! Claims about the analysis as a whole: over any text, over Unicode's own tables and over real and hostile texts.

use std::path::PathBuf;

use proptest::prelude::*;

use query::analysis::{TERM_BYTES_MAX, fold, tokens};

fn terms(text: &str) -> Vec<String> {
    tokens(text).into_iter().map(|token| token.term).collect()
}

/// Checks the terms, each with the piece of the text that it stands for.
fn check(text: &str, expected: &[(&str, &str)]) {
    let tokens = tokens(text);
    let found: Vec<_> =
        tokens.iter().map(|token| (token.term.as_str(), &text[token.start..token.end])).collect();
    assert_eq!(found, expected, "{text:?}");
}

/// Checks what must hold of the tokens of every text.
fn check_invariants(text: &str) {
    let tokens = tokens(text);
    let mut last = (0, 0);
    for (number, token) in tokens.iter().enumerate() {
        assert_eq!(usize::try_from(token.position).unwrap(), number, "{text:?}");
        assert!(!token.term.is_empty() && token.term.len() <= TERM_BYTES_MAX, "{text:?}");
        // A sign such as ½ stands for several tokens, which share its range; otherwise ranges do not meet.
        assert!(
            token.start < token.end && token.start >= last.0 && token.end >= last.1,
            "{text:?}"
        );
        last = (token.start, token.end);
        let again = terms(&text[token.start..token.end]);
        let cut = token.term.len() > TERM_BYTES_MAX - 32;
        assert!(cut || again.contains(&token.term), "{text:?}: {again:?} has no {:?}", token.term);
        assert_eq!(
            terms(&token.term),
            [token.term.as_str()],
            "a term is its own only term: {text:?}"
        );
    }
    let joined: Vec<String> = tokens.into_iter().map(|token| token.term).collect();
    assert_eq!(terms(&joined.join(" ")), joined, "terms apart stay what they are: {text:?}");
}

#[test]
fn words_are_letters_digits_and_marks() {
    check(
        "Don't use foo_bar, e.g. v1.2",
        &[
            ("don", "Don"),
            ("t", "t"),
            ("use", "use"),
            ("foo", "foo"),
            ("bar", "bar"),
            ("e", "e"),
            ("g", "g"),
            ("v1", "v1"),
            ("2", "2"),
        ],
    );
    check("", &[]);
    check(" -- !? \u{301}\u{200d}", &[]);
}

#[test]
fn tokens_name_their_bytes_in_the_text_as_given() {
    check("ﬁne ＡＢ", &[("fine", "ﬁne"), ("ab", "ＡＢ")]);
    check("Cafe\u{301}s", &[("cafes", "Cafe\u{301}s")]);
    check("Straße İz", &[("strasse", "Straße"), ("iz", "İz")]);
    check(
        "\u{1112}\u{1161}\u{11ab}국 한국어",
        &[("한국", "\u{1112}\u{1161}\u{11ab}국"), ("한국어", "한국어")],
    );
    check("½ x", &[("1", "½"), ("2", "½"), ("x", "x")]);
    check("xé y", &[("xe", "xé"), ("y", "y")]);
    check("(e\u{301})", &[("e", "e\u{301}")]);
    check("ｶﾞｷ", &[("ガ", "ｶﾞ"), ("キ", "ｷ")]);
}

#[test]
fn what_cannot_be_seen_parts_words_unless_it_belongs_to_their_letters() {
    check("zero\u{200b}width", &[("zero", "zero"), ("width", "width")]);
    check("foo\u{feff}bar", &[("foo", "foo"), ("bar", "bar")]);
    check("a\u{2060}b c\u{200d}d", &[("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")]);
    check("\u{202e}reversed\u{202c}", &[("reversed", "reversed")]);
    check("école\u{200f} é\u{ad}", &[("ecole", "école"), ("e", "é")]);
    check("co\u{ad}operate", &[("cooperate", "co\u{ad}operate")]);
    check("می\u{200c}خواهم\u{200c}", &[("میخواهم", "می\u{200c}خواهم")]);
    check("क्\u{200d}ष", &[("क्ष", "क्\u{200d}ष")]);
    check("👩\u{200d}💻", &[("👩\u{200d}💻", "👩\u{200d}💻")]);
}

#[test]
fn scripts_without_spaces_give_a_token_for_each_character() {
    assert_eq!(terms("iPhone手机2024年"), ["iphone", "手", "机", "2024", "年"]);
    assert_eq!(terms("コーヒーです"), ["コ", "ー", "ヒ", "ー", "で", "す"]);
    assert_eq!(terms("ที่นี่"), ["ที่", "นี่"]);
    assert_eq!(terms("ພາສາ"), ["ພ", "າ", "ສ", "າ"]);
    assert_eq!(terms("மொழி हिन्दी"), ["மொழி", "हिन्दी"]);
}

#[test]
fn emoji_are_tokens_and_presentation_makes_no_difference() {
    check("ok👍🏽👍", &[("ok", "ok"), ("👍", "👍🏽"), ("👍", "👍")]);
    check("12\u{fe0f}\u{20e3}", &[("1", "1"), ("2\u{20e3}", "2\u{fe0f}\u{20e3}")]);
    check("🇩🇪🇫🇷🇩", &[("🇩🇪", "🇩🇪"), ("🇫🇷", "🇫🇷"), ("🇩", "🇩")]);
    assert_eq!(terms("❤\u{fe0f}"), terms("❤"));
    assert_eq!(terms("Acme™ x\u{ae}"), ["acme", "™", "x", "\u{ae}"]);
}

#[test]
fn a_long_word_is_cut_at_the_same_places_every_time() {
    let long = "aé".repeat(400);
    let found = terms(&long);
    assert_eq!(found.iter().map(String::len).collect::<Vec<_>>(), [255, 255, 255, 35]);
    assert_eq!(found.concat(), "ae".repeat(400));
    assert_eq!(terms(&format!("x {long}, y"))[1..5], found);
    check_invariants(&long);
    check_invariants(&format!("क{}", "\u{93f}".repeat(5_000)));
    check_invariants(&"👩\u{200d}".repeat(500));
    check_invariants(&format!("🏴{}", "\u{e0067}".repeat(500)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn tokens_of_any_text_hold_together(text in chat::testing::any_text()) {
        check_invariants(&text);
    }

    #[test]
    fn tokens_of_tricky_characters_hold_together(
        characters in proptest::collection::vec(prop::sample::select(
            "aZéßİıæŁſﬁＡ1½²①٣\u{301}\u{306}и\u{308}\u{345}\u{34f}\u{200b}\u{200c}\u{200d}\u{feff}\u{202c}\u{ad}\u{fe0f}\u{20e3}#*👍🏽🇩\u{e0067}\u{e007f}手ーｶﾞかที่\u{93f}\u{94d}क\u{1100}\u{1161}\u{11a8}각أ\u{64e}\u{654}ﷺ™ℹ\u{3099}\u{ff9e} -_.".chars().collect::<Vec<_>>()
        ), 0..12),
    ) {
        check_invariants(&characters.into_iter().collect::<String>());
    }
}

/// Returns a file of the shared samples, or says that the test was skipped.
fn sample(test: &str, path: &str) -> Option<String> {
    let root = std::env::var_os("MUNIMENT_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let found = std::fs::read_to_string(root.join("data").join(path)).ok();
    if found.is_none() {
        println!("skipped: {test}: no shared samples");
    }
    found
}

/// Reads the code points of a field of a Unicode table.
fn code_points(field: &str) -> String {
    let code_point = |hex| char::from_u32(u32::from_str_radix(hex, 16).unwrap()).unwrap();
    field.split_whitespace().map(code_point).collect()
}

#[test]
fn every_emoji_of_unicode_is_one_token() {
    let Some(table) =
        sample("every_emoji_of_unicode_is_one_token", "torture/unicode/emoji-test.txt")
    else {
        return;
    };
    let mut count = 0;
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let Some((field, status)) = line.split_once(';') else { continue };
        let emoji = code_points(field);
        let found = tokens(&emoji);
        if matches!(emoji.as_str(), "🏻" | "🏼" | "🏽" | "🏾" | "🏿") {
            assert_eq!(terms(&format!("a{emoji}b")), ["a", &emoji, "b"], "{line}");
            assert_eq!(terms(&format!("👍\u{200d}{emoji}")), ["👍"], "{line}");
        }
        assert_eq!(found.len(), 1, "{line}");
        assert_eq!((found[0].start, found[0].end), (0, emoji.len()), "{line}");
        let doubled = terms(&format!("a{emoji}{emoji}b"));
        // A skin tone by itself joins what stands before it.
        let whole = !status.contains("component");
        assert!(!whole || doubled == ["a", &found[0].term, &found[0].term, "b"], "{line}");
        count += usize::from(status.contains("fully-qualified"));
    }
    assert!(count > 3_000, "{count}");
}

#[test]
fn folding_follows_unicodes_case_folding() {
    let Some(table) =
        sample("folding_follows_unicodes_case_folding", "torture/unicode/CaseFolding.txt")
    else {
        return;
    };
    let mut count = 0;
    for line in table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let fields: Vec<&str> = line.split("; ").collect();
        let (from, to) = (code_points(fields[0]), code_points(fields[2]));
        // The full folding of Greek letters writes the iota below as a letter; here it is a mark and goes.
        let iota_below = to.ends_with('ι') && (to.chars().count() > 1 || from == "\u{345}");
        if matches!(fields[1], "C" | "F") && !iota_below {
            assert_eq!(fold(&from), fold(&to), "{line}");
            count += 1;
        }
    }
    assert!(count > 1_400, "{count}");
}

#[test]
fn naughty_strings_hold_together() {
    let Some(text) = sample("naughty_strings_hold_together", "torture/blns/blns.txt") else {
        return;
    };
    check_invariants(&text);
    text.lines().for_each(check_invariants);
    assert!(text.lines().count() > 500);
}
