//! The letters of a text by script, and what the script alone tells of the language.

use unicode_script::{Script, UnicodeScript as _};

/// Latin letters that one letter of Chinese, Japanese or Korean counts for: each is a syllable or a word, so an address
/// in a sentence does not outweigh the sentence.
const SYLLABLE_WEIGHT: usize = 3;
/// A text in Han letters is Japanese where at least one letter in so many is kana.
const LETTERS_PER_KANA_MAX: usize = 10;

/// Scripts that tell the language by themselves, with the code of the language that a letter of it stands for. Where others
/// share it, they follow: they need the word of the room, or a text that is long enough to tell.
const TELLING: [(Script, &[&str]); 23] = [
    (Script::Han, &["cmn", "jpn"]),
    (Script::Hiragana, &["jpn"]),
    (Script::Katakana, &["jpn"]),
    (Script::Hangul, &["kor"]),
    (Script::Bopomofo, &["cmn"]),
    (Script::Hebrew, &["heb", "yid"]),
    (Script::Greek, &["ell"]),
    (Script::Armenian, &["hye"]),
    (Script::Georgian, &["kat"]),
    (Script::Ethiopic, &["amh"]),
    (Script::Thai, &["tha"]),
    (Script::Lao, &["lao"]),
    (Script::Khmer, &["khm"]),
    (Script::Myanmar, &["mya"]),
    (Script::Sinhala, &["sin"]),
    (Script::Bengali, &["ben"]),
    (Script::Gurmukhi, &["pan"]),
    (Script::Gujarati, &["guj"]),
    (Script::Oriya, &["ori"]),
    (Script::Tamil, &["tam"]),
    (Script::Telugu, &["tel"]),
    (Script::Kannada, &["kan"]),
    (Script::Malayalam, &["mal"]),
];
/// The places of these in [`TELLING`].
const HAN: usize = 0;
const HIRAGANA: usize = 1;
const KATAKANA: usize = 2;
const BOPOMOFO: usize = 4;

/// How many letters of which script a text has.
#[derive(Debug, Clone, Default)]
pub(super) struct Letters {
    latin: usize,
    telling: [usize; TELLING.len()],
    /// Letters of scripts that several languages share: Cyrillic, Arabic, Devanagari.
    shared: usize,
}

impl Letters {
    /// Counts the letters of a text.
    pub(super) fn of(text: &str) -> Self {
        let mut letters = Self::default();
        if text.is_ascii() {
            letters.latin = text.bytes().filter(u8::is_ascii_alphabetic).count();
            return letters;
        }
        for character in text.chars() {
            if is_latin_letter(character) {
                letters.latin += 1;
            } else if !character.is_ascii() && character.is_alphabetic() {
                letters.count(character.script());
            }
        }
        letters
    }

    fn count(&mut self, script: Script) {
        match TELLING.iter().position(|(telling, _)| *telling == script) {
            Some(place) => self.telling[place] += 1,
            None if matches!(script, Script::Common | Script::Inherited) => {}
            None => self.shared += 1,
        }
    }

    /// Returns how many there are.
    pub(super) fn count_all(&self) -> usize {
        self.latin + self.shared + self.telling.iter().sum::<usize>()
    }

    /// Returns whether most of the text is in Latin letters.
    pub(super) fn is_mostly_latin(&self) -> bool {
        let (syllables, others) = self.telling.split_at(BOPOMOFO);
        let syllables: usize = syllables.iter().sum();
        self.latin > syllables * SYLLABLE_WEIGHT + others.iter().sum::<usize>() + self.shared
    }

    /// Returns the codes of the languages that the most frequent script beside Latin stands for, the likeliest first; none
    /// where that is a script of many.
    pub(super) fn told(&self) -> &'static [&'static str] {
        let kana = self.telling[HIRAGANA] + self.telling[KATAKANA];
        let han_and_kana = self.telling[HAN] + kana;
        let of_all = (0..).zip(&self.telling).max_by_key(|&(_, &count)| count);
        let Some((place, &most)) = of_all.filter(|&(_, &count)| count > 0) else { return &[] };
        if self.shared > most.max(han_and_kana) {
            return &[];
        }
        if han_and_kana < most || place > KATAKANA {
            return TELLING[place].1;
        }
        let is_japanese = kana * LETTERS_PER_KANA_MAX >= han_and_kana;
        TELLING[if is_japanese { HIRAGANA } else { HAN }].1
    }
}

fn is_latin_letter(character: char) -> bool {
    character.is_ascii_alphabetic()
        || (matches!(character, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
            && character.is_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::super::Language;
    use super::*;

    #[test]
    fn every_script_tells_languages_that_are_known() {
        for (script, codes) in TELLING {
            assert!(!codes.is_empty() && codes.iter().all(|code| Language::named(code).is_some()));
            assert!(!matches!(script, Script::Latin | Script::Cyrillic | Script::Arabic));
        }
    }
}
