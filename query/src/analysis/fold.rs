//! Folding: the one spelling under which two spellings of a word are the same.
//!
//! In this order: NFKC (full-width forms, ligatures, superscripts become plain) → ignorable characters go → lower case by
//! the plain rules of Unicode, with the full foldings that lower case leaves open (ß → ss, ς → σ, İ → i) → NFD → nonspacing
//! marks go by the script of their letter, letters with strokes become plain → NFC.
//!
//! Marks go where the writing treats them as ornament and people leave them out when they type: the accents of Latin, Greek
//! and Cyrillic (but not the breve of й, a letter of its own on which every Russian ending hangs) and the points of Arabic,
//! Hebrew and Syriac (but not hamza and madda, which tell letters apart). They stay where they are spelling: the vowels of
//! Indic scripts, the tones of Thai and Lao, the voicing of kana. Letters with a stroke and joined letters (ł, ø, æ), which Unicode
//! does not take apart, become the plain letters that people type for them ([`plain_letters`]).
//!
//! Folding works on *clusters*: a character and what may combine with it. Normalisation never looks across the bounds of a
//! cluster, so each piece of the outcome can name the bytes it came from.

use unicode_normalization::char::{canonical_combining_class, decompose_compatible};
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfkc_quick};
use unicode_script::UnicodeScript as _;

use super::character::{
    MarkRule, is_ignorable, is_mark, is_nonspacing_mark, is_term_character, parts_words,
};

/// Folds a whole value, such as a name or an address, for comparison as a whole: white space is reduced to single
/// spaces between words and everything else is kept.
///
/// ```
/// assert_eq!(query::analysis::fold("  Jörg\tWEISS "), "jorg weiss");
/// ```
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut clusters = Folder::default();
    let mut at = 0;
    while at < text.len() {
        let end = cluster_end(text, at);
        for character in clusters.fold_cluster(&text[at..end]).chars() {
            match character.is_whitespace() {
                true if folded.is_empty() || folded.ends_with(' ') => {}
                true => folded.push(' '),
                false => folded.push(character),
            }
        }
        at = end;
    }
    folded.truncate(folded.trim_end_matches(' ').len());
    folded
}

/// Returns a word in lower case with its accents, composed, and without what cannot be seen.
///
/// ```
/// assert_eq!(query::analysis::lower("RE\u{301}UNION"), "réunion");
/// ```
pub fn lower(word: &str) -> String {
    let visible = word.nfkc().filter(|&character| !is_ignorable(character));
    visible.flat_map(char::to_lowercase).nfc().collect()
}

/// Returns where the cluster that starts at `start` ends. There must be a character at `start`.
fn cluster_end(text: &str, start: usize) -> usize {
    cluster_until(text, start, |_, _| false).end
}

/// A cluster within a text: where it ends, and where what can be seen of it does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cluster {
    pub(super) end: usize,
    pub(super) visible_end: usize,
}

/// Returns the cluster of a word that starts at `start`, where there must be a character: none that parts words is in it.
pub(super) fn word_cluster(text: &str, start: usize) -> Cluster {
    cluster_until(text, start, parts_words)
}

/// Returns the cluster that starts at `start` and ends before the first character of which `parts` says so, given the last visible
/// one before it.
fn cluster_until(text: &str, start: usize, parts: impl Fn(char, char) -> bool) -> Cluster {
    let mut visible = '\0';
    let mut visible_end = start;
    for (offset, character) in text[start..].char_indices() {
        if offset > 0 && (begins_cluster(character, visible) || parts(character, visible)) {
            return Cluster { end: start + offset, visible_end };
        }
        if !is_ignorable(character) {
            visible = character;
        }
        if !is_ignorable(character) || is_term_character(character) {
            visible_end = start + offset + character.len_utf8();
        }
    }
    Cluster { end: text.len(), visible_end }
}

/// Returns whether no normalisation joins the character with `before`, the last visible one of the cluster.
fn begins_cluster(character: char, before: char) -> bool {
    // Everything in these ranges is a starter that composes with nothing before it. They hold most of what people write.
    if matches!(character, '\0'..='\u{ac}' | '\u{ae}'..='\u{2ff}' | '\u{370}'..='\u{482}'
        | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fb}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
    {
        return true;
    }
    if is_ignorable(character) || canonical_combining_class(character) != 0 {
        return false;
    }
    match is_nfkc_quick(std::iter::once(character)) {
        IsNormalized::Yes => true,
        IsNormalized::Maybe => !may_compose(character, before),
        IsNormalized::No => {
            let mut first = None;
            decompose_compatible(character, |part| first = first.or(Some(part)));
            first.is_some_and(|part| {
                part == character
                    || (canonical_combining_class(part) == 0
                        && (is_nfkc_quick(std::iter::once(part)) != IsNormalized::Maybe
                            || !may_compose(part, before)))
            })
        }
    }
}

/// Returns whether a character that composes with some may compose with this one: a Korean vowel or final consonant only
/// with Korean, and a mark always goes with what it marks.
fn may_compose(character: char, before: char) -> bool {
    is_mark(character) || character.script() == before.script()
}

/// Folds one cluster after the other and remembers whose marks come next.
#[derive(Debug)]
pub(super) struct Folder {
    marks: MarkRule,
    apart: String,
    folded: String,
}

impl Default for Folder {
    fn default() -> Self {
        Self { marks: MarkRule::Drop, apart: String::new(), folded: String::new() }
    }
}

impl Folder {
    /// Forgets the last letter: marks that follow belong to nothing.
    pub(super) fn reset(&mut self) {
        self.marks = MarkRule::Drop;
    }

    /// Notes that the last letter was of ASCII, folded elsewhere.
    pub(super) fn after_ascii(&mut self) {
        self.marks = MarkRule::Drop;
    }

    /// Returns the folded form of a cluster; it may be empty.
    pub(super) fn fold_cluster(&mut self, cluster: &str) -> &str {
        self.folded.clear();
        // A mark that is kept for the letter it makes does so only within the cluster of that letter.
        if self.marks != MarkRule::Keep {
            self.marks = MarkRule::Drop;
        }
        match only_character(cluster).and_then(plain) {
            Some(character) => {
                self.marks = MarkRule::after(character);
                self.folded.push(character);
            }
            None => self.fold_fully(cluster),
        }
        &self.folded
    }

    fn fold_fully(&mut self, cluster: &str) {
        self.apart.clear();
        let visible = cluster.nfkc().filter(|&character| !is_ignorable(character));
        for character in visible.flat_map(case_folded).nfd() {
            if is_nonspacing_mark(character) {
                if self.marks.keeps(character) {
                    self.apart.push(character);
                }
                continue;
            }
            if !is_mark(character) {
                self.marks = MarkRule::after(character);
            }
            match plain_letters(character) {
                Some(letters) => self.apart.push_str(letters),
                None => self.apart.push(character),
            }
        }
        self.folded.extend(self.apart.nfc());
    }
}

fn only_character(cluster: &str) -> Option<char> {
    let mut characters = cluster.chars();
    characters.next().filter(|_| characters.as_str().is_empty())
}

/// Returns the folded form of the characters that need no tables: ASCII, the Russian alphabet, Han, kana.
fn plain(character: char) -> Option<char> {
    match character {
        '\0'..='\u{7f}' => Some(character.to_ascii_lowercase()),
        'а'..='и' | 'к'..='я' | '\u{3041}'..='\u{3093}' | '\u{4e00}'..='\u{9fff}' => {
            Some(character)
        }
        'А'..='И' | 'К'..='Я' => character.to_lowercase().next(),
        _ => None,
    }
}

/// Returns the plain letters of a small letter that has a stroke or is joined of two, as people write it who do not have it on
/// their keyboard; and an i for the one without a dot, as for the one with a dot and a capital.
const fn plain_letters(letter: char) -> Option<&'static str> {
    Some(match letter {
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'þ' => "th",
        'ð' | 'đ' => "d",
        'ł' => "l",
        'ħ' => "h",
        'ŧ' => "t",
        'ı' => "i",
        _ => return None,
    })
}

/// Yields the case folding of a character: its lower case, and where the full folding of Unicode goes further, that.
fn case_folded(character: char) -> impl Iterator<Item = char> {
    let (first, second) = match character {
        'ß' | 'ẞ' => ('s', Some('s')),
        'ς' => ('σ', None),
        'և' => ('ե', Some('ւ')),
        // Early Cyrillic letterforms of в, д, о, с, т, т, ъ, ѣ, ꙋ.
        '\u{1c80}' => ('в', None),
        '\u{1c81}' => ('д', None),
        '\u{1c82}' => ('о', None),
        '\u{1c83}' => ('с', None),
        '\u{1c84}' | '\u{1c85}' => ('т', None),
        '\u{1c86}' => ('ъ', None),
        '\u{1c87}' => ('ѣ', None),
        '\u{1c88}' => ('ꙋ', None),
        _ => {
            let mut lower = character.to_lowercase();
            (lower.next().unwrap_or(character), lower.next())
        }
    };
    std::iter::once(first).chain(second)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(fold(text), expected, "{text:?}");
    }

    #[test]
    fn case_and_accents_make_no_difference() {
        check("Ünïcödé", "unicode");
        check("STRASSE", &fold("Straße"));
        check("ẞ", "ss");
        check("ΟΔΥΣΣΕΥΣ", &fold("Ὀδυσσεύς"));
        check("Ёлка", "елка");
        check("Việt Nam", "viet nam");
    }

    #[test]
    fn turkish_letters_follow_the_plain_rules() {
        check("İstanbul", "istanbul");
        check("ISPARTA", "isparta");
    }

    #[test]
    fn letters_with_strokes_and_joined_letters_are_plain() {
        check("Łódź", "lodz");
        check("Øre ǿ", "ore o");
        check("Đặng", "dang");
        check("Æther ǽ ŒUVRE", "aether ae oeuvre");
        check("Þórður Ħal ŧ", "thordur hal t");
        check("ısparta", "isparta");
    }

    #[test]
    fn compatibility_forms_are_plain() {
        check("ﬁﬂ", "fifl");
        check("ＡＢＣ１２３", "abc123");
        check("ｶﾞｷﾞ", "ガギ");
        check("x²", "x2");
        check("𝓗𝓮𝓵𝓵𝓸", "hello");
    }

    #[test]
    fn composed_and_decomposed_are_one() {
        check("e\u{301}", "e");
        check("\u{1112}\u{1161}\u{11ab}", "한");
        check("\u{1112}\u{200d}\u{1161}\u{11ab}", "한");
        check("か\u{3099}", "が");
    }

    #[test]
    fn marks_that_are_spelling_stay() {
        check("й", "й");
        check("и\u{306}", "й");
        check("हिन्दी", "हिन्दी");
        check("ที่", "ที่");
        check("أحمد", "أحمد");
    }

    #[test]
    fn marks_that_are_ornament_go() {
        check("مُحَمَّد", "محمد");
        check("שָׁלוֹם", "שלום");
        check("Z\u{351}\u{36b}a\u{343}l\u{350}go", "zalgo");
        check("\u{301}", "");
    }

    #[test]
    fn what_cannot_be_seen_is_not_there() {
        check("se\u{200b}cret", "secret");
        check("co\u{ad}operate", "cooperate");
        check("می\u{200c}خواهم", "میخواهم");
        check("محـــمد", "محمد");
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in chat::testing::any_text()) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
