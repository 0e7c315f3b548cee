//! What one character is to the analysis: part of a word, a token by itself, nothing at all.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory as _};
use unicode_script::{Script, UnicodeScript as _};

/// Returns whether the character belongs into tokens: a letter, a digit or a mark (contract.md §3).
pub(super) fn is_term_character(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric();
    }
    matches!(
        character.general_category_group(),
        GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number | GeneralCategoryGroup::Mark
    )
}

/// Returns whether the character is a mark of any kind: it never begins a character that a reader sees.
pub(super) fn is_mark(character: char) -> bool {
    character >= '\u{300}' && character.general_category_group() == GeneralCategoryGroup::Mark
}

/// Returns whether the character is a mark that takes no room of its own, such as an accent.
pub(super) fn is_nonspacing_mark(character: char) -> bool {
    character >= '\u{300}'
        && matches!(
            character.general_category(),
            GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark
        )
}

/// Returns whether the script is written without spaces between words, so that each character is a token.
pub(super) fn stands_alone(character: char) -> bool {
    if character < '\u{e00}' {
        return false;
    }
    // The mark of long vowels belongs to both kinds of kana and therefore to no script of its own.
    character == '\u{30fc}'
        || matches!(
            character.script(),
            Script::Han
                | Script::Hiragana
                | Script::Katakana
                | Script::Thai
                | Script::Lao
                | Script::Khmer
                | Script::Myanmar
        )
}

/// Returns whether the character is never part of what is compared: the default-ignorable code points of Unicode (joiners,
/// direction marks, variation selectors, soft hyphens, zero-width spaces, tags) and the Arabic tatweel, which only stretches a
/// word. Those that [`parts_words`] part a word in a text; the others are as if they were not there.
pub(crate) fn is_ignorable(character: char) -> bool {
    if character < '\u{ad}' {
        return false;
    }
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{640}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Returns whether an ignorable character that follows `before` parts words, as a space that cannot be seen: zero-width spaces,
/// byte order marks, direction marks and all others that are no letter, digit or mark (contract.md §3).
///
/// A soft hyphen does not, since it only says where a word may break, nor does what shapes the letters of a word: the vowel
/// separator of Mongolian, and the joiners after a letter of a script whose letters join.
pub(super) fn parts_words(character: char, before: char) -> bool {
    match character {
        '\u{ad}' | '\u{180e}' => false,
        '\u{200c}' | '\u{200d}' => !joins(before),
        _ => is_ignorable(character) && !is_term_character(character),
    }
}

/// Returns whether the character is of a script in which joiners are spelling: those with cursive letters or conjuncts.
fn joins(character: char) -> bool {
    if character < '\u{600}' {
        return false;
    }
    matches!(
        character.script(),
        Script::Arabic
            | Script::Syriac
            | Script::Nko
            | Script::Mandaic
            | Script::Mongolian
            | Script::Phags_Pa
            | Script::Adlam
            | Script::Hanifi_Rohingya
            | Script::Devanagari
            | Script::Bengali
            | Script::Gurmukhi
            | Script::Gujarati
            | Script::Oriya
            | Script::Tamil
            | Script::Telugu
            | Script::Kannada
            | Script::Malayalam
            | Script::Sinhala
            | Script::Tibetan
            | Script::Khmer
            | Script::Myanmar
    )
}

/// What becomes of the nonspacing marks that follow a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MarkRule {
    /// They go: accents of Latin, Greek and Cyrillic, and marks on anything that is no letter.
    Drop,
    /// They go but for the breve that makes й of и.
    DropButBreve,
    /// Vowel points and cantillation go, hamza and madda stay: Arabic, Hebrew, Syriac.
    DropPoints,
    /// They stay: the vowels of Indic scripts, the tones of Thai, the voicing of kana are spelling.
    Keep,
}

impl MarkRule {
    /// Returns the rule for marks after this character.
    pub(super) fn after(base: char) -> Self {
        if base < '\u{370}' {
            return Self::Drop;
        }
        if base == 'и' {
            return Self::DropButBreve;
        }
        let script = base.script();
        if matches!(script, Script::Arabic | Script::Hebrew | Script::Syriac) {
            return Self::DropPoints;
        }
        let ornamented = matches!(script, Script::Latin | Script::Greek | Script::Cyrillic)
            || matches!(script, Script::Common | Script::Inherited | Script::Unknown);
        if ornamented || !is_term_character(base) { Self::Drop } else { Self::Keep }
    }

    /// Returns whether a nonspacing mark stays.
    pub(super) fn keeps(self, mark: char) -> bool {
        match self {
            Self::Drop => false,
            Self::DropButBreve => mark == '\u{306}',
            Self::DropPoints => matches!(mark, '\u{653}'..='\u{655}'),
            Self::Keep => true,
        }
    }
}
