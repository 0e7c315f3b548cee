//! Which language a text is in.

use chat::Recorded;

use super::function_words::by_function_words;
use super::language::Language;

/// Letters below which a text says too little about its language.
const LETTERS_MIN: usize = 20;
/// Letters below which a text in Latin letters is judged by its function words alone.
const TRIGRAM_LETTERS_MIN: usize = 120;
/// Bytes of a text that are looked at; more of them do not change the answer, only its cost.
const DETECTED_BYTES_MAX: usize = 512;

/// Returns the language of a text where it has at least 20 letters and they leave little doubt; otherwise the room's.
///
/// A text in Latin letters is known by its function words; where they do not decide and it is long, and in every other
/// script, by its letters and trigrams.
pub fn detect(text: &str, room: Option<Language>) -> Option<Language> {
    let sample = &text[..text.floor_char_boundary(DETECTED_BYTES_MAX)];
    let (mut letters, mut latin) = (0_usize, 0_usize);
    for character in sample.chars() {
        let is_latin = is_latin_letter(character);
        latin += usize::from(is_latin);
        letters += usize::from(is_latin || (!character.is_ascii() && character.is_alphabetic()));
    }
    if letters < LETTERS_MIN {
        return room;
    }
    let mostly_latin = latin * 2 > letters;
    let by_words = if mostly_latin { by_function_words(sample) } else { None };
    if by_words.is_some() || (mostly_latin && letters < TRIGRAM_LETTERS_MIN) {
        return by_words.or(room);
    }
    whatlang::detect(sample)
        .filter(whatlang::Info::is_reliable)
        .and_then(|found| Language::named(found.lang().code()))
        .or(room)
}

fn is_latin_letter(character: char) -> bool {
    character.is_ascii_alphabetic()
        || (matches!(character, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
            && character.is_alphabetic())
}

/// Returns the language of an event: that of its text, else of its title, else the room's.
pub fn event_language(recorded: &Recorded, room: Option<Language>) -> Option<Language> {
    let content = &recorded.event.content;
    let words = content.text.as_deref().or(content.title.as_deref());
    words.map_or(room, |text| detect(text, room))
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
