//! Which language a text is in.

use chat::Recorded;

use super::function_words::Votes;
use super::language::Language;
use super::token::for_each_token;

/// Letters below which a text says too little about its language.
const LETTERS_MIN: usize = 20;
/// Letters below which a text in Latin letters is judged by its function words alone.
const TRIGRAM_LETTERS_MIN: usize = 120;
/// Bytes of a text that are looked at; more of them do not change the answer, only its cost.
const DETECTED_BYTES_MAX: usize = 512;

/// Returns the language of a text where it has at least 20 letters and they leave little doubt; otherwise the room's.
///
/// A text in Latin letters is known by its function words; where they do not decide and it is long, and in every other
/// script, by its letters and trigrams. Only the first 512 bytes are looked at.
pub fn detect(text: &str, room: Option<Language>) -> Option<Language> {
    let mut detector = Detector::of(text);
    if detector.wants_words() {
        // A little beyond the sample, so that a word which is cut off by its end is seen not to end within it.
        let seen = &text[..text.floor_char_boundary(DETECTED_BYTES_MAX + 8)];
        for_each_token(seen, |token| detector.word(token.term, token.end));
    }
    detector.language(room)
}

/// Finds the language of a text whose words come from elsewhere, since they have been cut already.
#[derive(Debug)]
pub(super) struct Detector<'a> {
    /// The beginning of the text.
    sample: &'a str,
    letters: usize,
    latin: usize,
    votes: Votes,
}

impl<'a> Detector<'a> {
    /// Looks at the letters of a text.
    pub(super) fn of(text: &'a str) -> Self {
        let sample = &text[..text.floor_char_boundary(DETECTED_BYTES_MAX)];
        let (mut letters, mut latin) = (0_usize, 0_usize);
        if sample.is_ascii() {
            latin = sample.bytes().map(|byte| usize::from(byte.is_ascii_alphabetic())).sum();
            letters = latin;
        } else {
            for character in sample.chars() {
                let is_latin = is_latin_letter(character);
                latin += usize::from(is_latin);
                letters +=
                    usize::from(is_latin || (!character.is_ascii() && character.is_alphabetic()));
            }
        }
        Self { sample, letters, latin, votes: Votes::default() }
    }

    /// Returns whether the language depends on the words.
    pub(super) const fn wants_words(&self) -> bool {
        self.letters >= LETTERS_MIN && self.is_mostly_latin()
    }

    /// Takes in a word of the text that ends at this byte of it. Words that do not end within the sample say nothing.
    pub(super) fn word(&mut self, term: &str, end: usize) {
        if end <= self.sample.len() {
            self.votes.count(term);
        }
    }

    /// Returns the language, or the room's where the text leaves doubt.
    pub(super) fn language(&self, room: Option<Language>) -> Option<Language> {
        if self.letters < LETTERS_MIN {
            return room;
        }
        let by_words = if self.is_mostly_latin() { self.votes.language() } else { None };
        if by_words.is_some() || (self.is_mostly_latin() && self.letters < TRIGRAM_LETTERS_MIN) {
            return by_words.or(room);
        }
        whatlang::detect(self.sample)
            .filter(whatlang::Info::is_reliable)
            .and_then(|found| Language::named(found.lang().code()))
            .or(room)
    }

    const fn is_mostly_latin(&self) -> bool {
        self.latin * 2 > self.letters
    }
}

fn is_latin_letter(character: char) -> bool {
    character.is_ascii_alphabetic()
        || (matches!(character, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
            && character.is_alphabetic())
}

/// Returns the part of an event that tells its language: its text, else its title.
pub(super) fn telling_text(recorded: &Recorded) -> Option<&str> {
    let content = &recorded.event.content;
    content.text.as_deref().or(content.title.as_deref())
}

/// Returns the language of an event: that of its text, else of its title, else the room's.
pub fn event_language(recorded: &Recorded, room: Option<Language>) -> Option<Language> {
    telling_text(recorded).map_or(room, |text| detect(text, room))
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
    fn every_detected_language_is_known() {
        for &found in whatlang::Lang::all() {
            assert!(Language::named(found.code()).is_some(), "{}", found.code());
        }
    }
}
