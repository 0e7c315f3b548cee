//! Which language a text is in, and which one an event is read in.
//!
//! How many letters a text needs depends on its script. Where one language has the script to itself, one letter tells
//! (Hangul, kana, Thai, Greek, …). Han letters without kana are Chinese, unless the room is Japanese; Hebrew letters are Hebrew, unless
//! the room or a longer text is Yiddish. Scripts that several languages share (Latin, Cyrillic, Arabic, Devanagari) need 20 letters.
//!
//! What a text leaves open, its room decides. What is in Latin letters and open even then is **read as English**, so that a word is
//! found in its other forms in an archive of a few lines too. The event is then in English for everyone: for its stems, for
//! `lang:` and in explanations. This happens in [`event_language`] (and [`Detector::read_as`], which it is made of) alone;
//! [`detect`] never guesses, since the language of a room is voted on with it.

use std::sync::LazyLock;

use chat::Recorded;

use super::function_words::Votes;
use super::language::Language;
use super::letters::Letters;
use super::parts::Part;
use super::token::for_each_token;

/// Letters below which a text in a script of several languages says too little about its own.
const LETTERS_MIN: usize = 20;
/// Letters below which a text in Latin letters is judged by its function words alone.
const TRIGRAM_LETTERS_MIN: usize = 120;
/// Bytes of a text that are looked at; more of them do not change the answer, only its cost.
const DETECTED_BYTES_MAX: usize = 512;

/// What a text in Latin letters is read as where neither it nor its room tells.
static FALLBACK: LazyLock<Option<Language>> = LazyLock::new(|| Language::named("eng"));

/// Returns the language of a text where its letters leave little doubt; otherwise the room's.
///
/// A script of one language tells by itself. A text of 20 Latin letters or more is known by its function words; where they do
/// not decide and it is long, and in scripts that several languages share, by its letters and trigrams. Only the first
/// 512 bytes are looked at.
pub fn detect(text: &str, room: Option<Language>) -> Option<Language> {
    Detector::having_read(text).language(room)
}

/// Finds the language of a text whose words come from elsewhere, since they have been cut already.
#[derive(Debug)]
pub(super) struct Detector<'a> {
    /// The beginning of the text.
    sample: &'a str,
    letters: Letters,
    votes: Votes,
}

impl<'a> Detector<'a> {
    /// Looks at the letters of a text.
    pub(super) fn of(text: &'a str) -> Self {
        let sample = &text[..text.floor_char_boundary(DETECTED_BYTES_MAX)];
        Self { sample, letters: Letters::of(sample), votes: Votes::default() }
    }

    /// Looks at the letters of a text and, where they matter, at its words.
    fn having_read(text: &'a str) -> Self {
        let mut detector = Self::of(text);
        if detector.wants_words() {
            // A little beyond the sample, so that a word which is cut off by its end is seen not to end within it.
            let seen = &text[..text.floor_char_boundary(DETECTED_BYTES_MAX + 8)];
            for_each_token(seen, |token| detector.word(token.term, token.end));
        }
        detector
    }

    /// Returns whether the language depends on the words.
    pub(super) fn wants_words(&self) -> bool {
        self.letters.is_mostly_latin() && self.letters.count_all() >= LETTERS_MIN
    }

    /// Takes in a word of the text that ends at this byte of it. Words that do not end within the sample say nothing.
    pub(super) fn word(&mut self, term: &str, end: usize) {
        if end <= self.sample.len() {
            self.votes.count(term);
        }
    }

    /// Returns the language that an event with this text is read in: its own, else the room's, else English where the letters
    /// are Latin.
    pub(super) fn read_as(&self, room: Option<Language>) -> Option<Language> {
        let found = self.language(room);
        if found.is_none() && self.letters.is_mostly_latin() { *FALLBACK } else { found }
    }

    /// Returns the language, or the room's where the text leaves doubt.
    fn language(&self, room: Option<Language>) -> Option<Language> {
        let count = self.letters.count_all();
        if self.letters.is_mostly_latin() {
            let by_words = if count < LETTERS_MIN { None } else { self.votes.language() };
            let by_trigrams = || if count < TRIGRAM_LETTERS_MIN { None } else { self.trigrams() };
            return by_words.or_else(by_trigrams).or(room);
        }
        let by_letters = || if count < LETTERS_MIN { None } else { self.trigrams() };
        match self.letters.told() {
            [] => by_letters().or(room),
            [only] => Language::named(only),
            [likeliest, ..] => {
                let told = self.letters.told();
                let is_told = |language: &Language| told.contains(&language.code());
                by_letters()
                    .filter(is_told)
                    .or_else(|| room.filter(is_told))
                    .or_else(|| Language::named(likeliest))
            }
        }
    }

    fn trigrams(&self) -> Option<Language> {
        let found = whatlang::detect(self.sample).filter(whatlang::Info::is_reliable)?;
        Language::named(found.lang().code())
    }
}

/// Returns the part of an event that tells its language: its text, else its title, else the name of its first file.
pub(super) fn telling_part(recorded: &Recorded) -> Option<(Part, &str)> {
    let content = &recorded.event.content;
    let says = |text: &&str| !text.trim().is_empty();
    let text = content.text.as_deref().filter(says).map(|text| (Part::Text, text));
    let title = || Some((Part::Title, content.title.as_deref().filter(says)?));
    let file = || Some((Part::FileName(0), content.attachments.first()?.name.as_str()));
    text.or_else(title).or_else(file)
}

/// Returns the language that an event is read in: that of its text, else of its title, else of the name of its first file; where
/// that leaves doubt, the room's; and English where there is none and its letters are Latin.
///
/// ```
/// use query::analysis::{Language, event_language};
/// # let event = chat::testing::message(1, 1, 1, "cancelled meetings");
/// # let recorded = chat::Recorded { seq: chat::Seq::FIRST, place_seq: None, place_prev: None, recorded_at: event.at, event };
/// // The text is "cancelled meetings"
/// assert_eq!(event_language(&recorded, None), Language::named("en"));
/// assert_eq!(event_language(&recorded, Language::named("nl")), Language::named("nl"));
/// ```
pub fn event_language(recorded: &Recorded, room: Option<Language>) -> Option<Language> {
    telling_part(recorded).map_or(room, |(_, text)| Detector::having_read(text).read_as(room))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, room: Option<&str>, expected: Option<&str>) {
        let named = |code: Option<&str>| code.and_then(Language::named);
        assert_eq!(detect(text, named(room)), named(expected), "{text:?}");
    }

    #[test]
    fn a_long_text_speaks_for_itself() {
        let german =
            "Der Vertrag wird morgen unterschrieben und danach an alle Beteiligten verschickt.";
        check(german, Some("en"), Some("de"));
        check("Завтра мы подпишем договор и отправим его всем участникам.", None, Some("ru"));
    }

    #[test]
    fn a_short_text_is_in_the_rooms_language() {
        check("ok", Some("en"), Some("en"));
        check("", None, None);
    }

    #[test]
    fn a_script_of_one_language_tells_by_one_letter() {
        check("日本語のテキスト検索です", None, Some("ja"));
        check("ประเทศไทยสวยงาม", None, Some("th"));
        check("שלום", Some("en"), Some("he"));
        check("회의", Some("en"), Some("ko"));
        check("καλημέρα", None, Some("el"));
        check("ครับ https://example.com/a", None, None);
        check("今日は会議があります https://example.com/a/b", None, Some("ja"));
        check("会議", None, Some("zh"));
        check("会議", Some("ja"), Some("ja"));
        check("会議", Some("de"), Some("zh"));
        check("שלום", Some("yi"), Some("yi"));
        check("да", None, None);
        check("да", Some("bg"), Some("bg"));
    }

    #[test]
    fn a_guess_is_no_detection() {
        let detector = Detector::having_read("cancelled meetings");
        assert_eq!(detector.language(None), None);
        assert_eq!(detector.read_as(None), Language::named("en"));
        assert_eq!(detector.read_as(Language::named("da")), Language::named("da"));
        for text in ["", "42 👍", "да", "سلام"] {
            assert_eq!(Detector::having_read(text).read_as(None), None, "{text}");
        }
    }

    #[test]
    fn every_detected_language_is_known() {
        for &found in whatlang::Lang::all() {
            assert!(Language::named(found.code()).is_some(), "{}", found.code());
        }
    }
}
