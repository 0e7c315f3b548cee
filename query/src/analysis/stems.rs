//! Stems, and a memory of them: working out a stem takes longer than everything else that is done to a word, and most
//! words of a text have been seen before.

use std::borrow::Cow;
use std::fmt;

use frostem::Stemmer;

use super::fold::{fold, lower};
use super::language::Language;

/// Returns the stem of a folded term in a language: by Snowball's algorithm for it, or the term itself where there is none.
///
/// A word of language L matches another when their terms are equal or they have a stem in L in common: this one, or
/// their [`accented_stem`].
///
/// ```
/// use query::analysis::{Language, stem};
/// let english = Language::named("en").unwrap();
/// assert_eq!(stem("meetings", english), "meet");
/// ```
pub fn stem(term: &str, language: Language) -> Cow<'_, str> {
    match language.algorithm() {
        Some(algorithm) => Stemmer::new(algorithm).stem(term),
        None => Cow::Borrowed(term),
    }
}

/// Returns the second stem of a word that is written with accents, folded, where it differs from the first, which is that of
/// its folded term: the rules of many languages know endings by their accents.
///
/// ```
/// use query::analysis::{Language, accented_stem, fold, stem};
/// let french = Language::named("fr").unwrap();
/// assert_eq!(stem(&fold("aimée"), french), "aime");
/// assert_eq!(accented_stem("Aimée", french).as_deref(), Some("aim"));
/// assert_eq!(accented_stem("aimer", french), None);
/// ```
pub fn accented_stem(written: &str, language: Language) -> Option<String> {
    accented_stem_of(written, &fold(written), language)
}

/// The same where the folded term is known.
pub(super) fn accented_stem_of(written: &str, term: &str, language: Language) -> Option<String> {
    if written.is_ascii() || !language.has_stemmer() {
        return None;
    }
    let word = lower(written);
    if word == term {
        return None;
    }
    let second = fold(&stem(&word, language));
    (!second.is_empty() && second != stem(term, language)).then_some(second)
}

/// Places of a memory; a power of two. A few thousand words make up nearly all of what people write.
const PLACES: usize = 1 << 14;
/// Bytes of the longest term that is remembered, so that a memory cannot grow beyond a few megabytes.
const REMEMBERED_BYTES_MAX: usize = 64;

/// Remembers the stems of the words it was asked for last. What it answers never depends on what it was asked before, and
/// neither its size nor the time it takes does, whatever words it meets: a word that falls on a taken place takes it over.
#[derive(Default)]
pub(super) struct StemMemory {
    /// None at all for a memory that remembers nothing.
    places: Vec<Option<Known>>,
    /// The last stem that was not remembered.
    passing: String,
}

#[derive(Debug, Default)]
struct Known {
    language: Option<Language>,
    term: String,
    /// The stem, where it differs from the term.
    stem: Option<String>,
}

impl fmt::Debug for StemMemory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "StemMemory({} places)", self.places.len())
    }
}

impl StemMemory {
    /// Returns a memory of some megabytes.
    pub(super) fn of_many() -> Self {
        let mut places = Vec::new();
        places.resize_with(PLACES, || None);
        Self { places, passing: String::new() }
    }

    /// Returns the stem of a folded term, or nothing where it is the term itself: what [`stem`] says.
    pub(super) fn stem(&mut self, term: &str, language: Language) -> Option<&str> {
        if term.len() > REMEMBERED_BYTES_MAX || self.places.is_empty() {
            let Cow::Owned(found) = stem(term, language) else { return None };
            self.passing = found;
            return (self.passing != term).then_some(&self.passing);
        }
        let place = place_of(term, language);
        // The place beside takes what is turned out, so that two frequent words of one place do not drive each other away.
        let beside = place ^ 1;
        if self.places[place].as_ref().is_none_or(|known| !known.is(term, language)) {
            self.places.swap(place, beside);
            let known = self.places[place].get_or_insert_default();
            if !known.is(term, language) {
                known.learn(term, language);
            }
        }
        self.places[place].as_ref()?.stem.as_deref()
    }
}

impl Known {
    fn is(&self, term: &str, language: Language) -> bool {
        self.term == term && self.language == Some(language)
    }

    fn learn(&mut self, term: &str, language: Language) {
        self.language = Some(language);
        self.term.clear();
        self.term.push_str(term);
        self.stem = match stem(term, language) {
            Cow::Owned(found) if found != term => Some(found),
            Cow::Owned(_) | Cow::Borrowed(_) => None,
        };
    }
}

/// Returns the place of a term (FNV-1a).
fn place_of(term: &str, language: Language) -> usize {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let start = language.code().bytes().fold(0xcbf2_9ce4_8422_2325, mix);
    let hash = term.bytes().fold(start, mix);
    usize::try_from((hash ^ (hash >> 32)) & 0xffff_ffff).unwrap_or(0) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_says_what_the_stemmer_says_however_full_it_is() {
        let mut memory = StemMemory::of_many();
        let mut none = StemMemory::default();
        let languages = ["en", "de", "fr", "ja"].map(|code| Language::named(code).unwrap());
        let long = "meetings".repeat(12);
        for round in 0..2 {
            for number in 0..40_000_u32 {
                let ending = ["ings", "en", "ement", "s", ""][usize::try_from(number % 5).unwrap()];
                let term =
                    if number % 997 == 0 { long.clone() } else { format!("w{number}{ending}") };
                let language = languages[usize::try_from(number % 4).unwrap()];
                let expected = stem(&term, language);
                let found = memory.stem(&term, language);
                assert_eq!(found.unwrap_or(&term), expected, "{round} {term} {language}");
                assert_ne!(found, Some(term.as_str()), "only a stem that differs is said");
                assert_eq!(none.stem(&term, language), found);
            }
        }
    }
}
