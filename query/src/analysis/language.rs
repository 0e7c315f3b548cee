//! Languages, their codes, and the language of each room.

use std::collections::HashMap;
use std::fmt;

use chat::{EventKind, Recorded, RoomId};
use frostem::Algorithm;

/// A language that a text or a room may be in, known by its ISO 639-3 code. Those without a stemmer take part too:
/// `lang:` finds them, and their words match exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Language(usize);

struct Entry {
    code: &'static str,
    other_codes: &'static [&'static str],
    name: &'static str,
    algorithm: Option<Algorithm>,
}

const fn plain(code: &'static str, other: &'static [&'static str], name: &'static str) -> Entry {
    Entry { code, other_codes: other, name, algorithm: None }
}

const fn stemmed(
    code: &'static str,
    other_codes: &'static [&'static str],
    name: &'static str,
    algorithm: Algorithm,
) -> Entry {
    Entry { code, other_codes, name, algorithm: Some(algorithm) }
}

const TABLE: &[Entry] = &[
    plain("afr", &["af"], "Afrikaans"),
    plain("aka", &["ak"], "Akan"),
    plain("amh", &["am"], "Amharic"),
    stemmed("ara", &["ar"], "Arabic", Algorithm::Arabic),
    plain("aze", &["az"], "Azerbaijani"),
    plain("bel", &["be"], "Belarusian"),
    plain("ben", &["bn"], "Bengali"),
    plain("bul", &["bg"], "Bulgarian"),
    stemmed("cat", &["ca"], "Catalan", Algorithm::Catalan),
    stemmed("ces", &["cs", "cze"], "Czech", Algorithm::Czech),
    plain("cmn", &["zh", "zho", "chi"], "Chinese"),
    plain("cym", &["cy", "wel"], "Welsh"),
    stemmed("dan", &["da"], "Danish", Algorithm::Danish),
    stemmed("deu", &["de", "ger"], "German", Algorithm::German),
    stemmed("ell", &["el", "gre"], "Greek", Algorithm::Greek),
    stemmed("eng", &["en"], "English", Algorithm::English),
    stemmed("epo", &["eo"], "Esperanto", Algorithm::Esperanto),
    stemmed("est", &["et"], "Estonian", Algorithm::Estonian),
    stemmed("eus", &["eu", "baq"], "Basque", Algorithm::Basque),
    stemmed("fin", &["fi"], "Finnish", Algorithm::Finnish),
    stemmed("fra", &["fr", "fre"], "French", Algorithm::French),
    stemmed("gle", &["ga"], "Irish", Algorithm::Irish),
    plain("guj", &["gu"], "Gujarati"),
    plain("heb", &["he", "iw"], "Hebrew"),
    stemmed("hin", &["hi"], "Hindi", Algorithm::Hindi),
    plain("hrv", &["hr"], "Croatian"),
    stemmed("hun", &["hu"], "Hungarian", Algorithm::Hungarian),
    stemmed("hye", &["hy", "arm"], "Armenian", Algorithm::Armenian),
    stemmed("ind", &["id", "in"], "Indonesian", Algorithm::Indonesian),
    stemmed("ita", &["it"], "Italian", Algorithm::Italian),
    plain("jav", &["jv"], "Javanese"),
    plain("jpn", &["ja"], "Japanese"),
    plain("kan", &["kn"], "Kannada"),
    plain("kat", &["ka", "geo"], "Georgian"),
    plain("khm", &["km"], "Khmer"),
    plain("kor", &["ko"], "Korean"),
    plain("lao", &["lo"], "Lao"),
    plain("lat", &["la"], "Latin"),
    plain("lav", &["lv"], "Latvian"),
    stemmed("lit", &["lt"], "Lithuanian", Algorithm::Lithuanian),
    plain("mal", &["ml"], "Malayalam"),
    plain("mar", &["mr"], "Marathi"),
    plain("mkd", &["mk", "mac"], "Macedonian"),
    plain("mya", &["my", "bur"], "Burmese"),
    stemmed("nep", &["ne"], "Nepali", Algorithm::Nepali),
    stemmed("nld", &["nl", "dut"], "Dutch", Algorithm::Dutch),
    stemmed("nob", &["no", "nb", "nn", "nor", "nno"], "Norwegian", Algorithm::Norwegian),
    plain("ori", &["or"], "Odia"),
    plain("pan", &["pa"], "Punjabi"),
    stemmed("pes", &["fa", "fas", "per"], "Persian", Algorithm::Persian),
    stemmed("pol", &["pl"], "Polish", Algorithm::Polish),
    stemmed("por", &["pt"], "Portuguese", Algorithm::Portuguese),
    stemmed("ron", &["ro", "rum"], "Romanian", Algorithm::Romanian),
    stemmed("rus", &["ru"], "Russian", Algorithm::Russian),
    plain("sin", &["si"], "Sinhala"),
    plain("slk", &["sk", "slo"], "Slovak"),
    plain("slv", &["sl"], "Slovene"),
    plain("sna", &["sn"], "Shona"),
    stemmed("sot", &["st"], "Sesotho", Algorithm::Sesotho),
    stemmed("spa", &["es"], "Spanish", Algorithm::Spanish),
    stemmed("srp", &["sr"], "Serbian", Algorithm::Serbian),
    stemmed("swe", &["sv"], "Swedish", Algorithm::Swedish),
    stemmed("tam", &["ta"], "Tamil", Algorithm::Tamil),
    plain("tel", &["te"], "Telugu"),
    plain("tgl", &["tl", "fil"], "Tagalog"),
    plain("tha", &["th"], "Thai"),
    plain("tuk", &["tk"], "Turkmen"),
    stemmed("tur", &["tr"], "Turkish", Algorithm::Turkish),
    stemmed("ukr", &["uk"], "Ukrainian", Algorithm::Ukrainian),
    plain("urd", &["ur"], "Urdu"),
    plain("uzb", &["uz"], "Uzbek"),
    plain("vie", &["vi"], "Vietnamese"),
    stemmed("yid", &["yi", "ji"], "Yiddish", Algorithm::Yiddish),
    plain("zul", &["zu"], "Zulu"),
];

impl Language {
    /// Returns every language known here, in the order of their codes.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..TABLE.len()).map(Self)
    }

    /// Returns every language that has a stemmer, in the order of their codes.
    pub fn with_stemmer() -> impl Iterator<Item = Self> {
        Self::all().filter(|language| language.has_stemmer())
    }

    /// Returns the language that a code of two or three letters or an English name means; a region after a hyphen or an
    /// underscore (`en-GB`) is ignored.
    pub fn named(text: &str) -> Option<Self> {
        let word = text.split(['-', '_']).next().unwrap_or_default();
        Self::all().find(|language| {
            let entry = language.entry();
            entry.code.eq_ignore_ascii_case(word)
                || entry.name.eq_ignore_ascii_case(word)
                || entry.other_codes.iter().any(|code| code.eq_ignore_ascii_case(word))
        })
    }

    /// Returns the three letters of ISO 639-3.
    pub fn code(self) -> &'static str {
        self.entry().code
    }

    /// Returns the English name.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// Returns whether words of this language match by their stem.
    pub fn has_stemmer(self) -> bool {
        self.entry().algorithm.is_some()
    }

    /// Returns the stemmer's algorithm, if there is one.
    pub(super) fn algorithm(self) -> Option<Algorithm> {
        self.entry().algorithm
    }

    fn entry(self) -> &'static Entry {
        &TABLE[self.0]
    }
}

impl fmt::Display for Language {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

/// The language of each room: the fold of the ledger's `room` events over their verbs `room-declared` and
/// `room-language` and their fact `language`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomLanguages {
    languages: HashMap<RoomId, Language>,
}

impl RoomLanguages {
    /// Takes in one event. Events that say nothing of a room's language change nothing; a `room-language` without a
    /// language that is known here takes the room's language away.
    pub fn apply(&mut self, recorded: &Recorded) {
        let event = &recorded.event;
        if event.kind != EventKind::Room {
            return;
        }
        let (Some(act), Some(place)) = (&event.content.act, &event.place) else { return };
        let language = act.text("language").and_then(Language::named);
        match (act.verb.as_str(), language) {
            ("room-declared" | "room-language", Some(language)) => {
                self.languages.insert(place.room, language);
            }
            ("room-language", None) => {
                self.languages.remove(&place.room);
            }
            _ => {}
        }
    }

    /// Returns the language of a room, if one was named.
    pub fn of(&self, room: &RoomId) -> Option<Language> {
        self.languages.get(room).copied()
    }
}

#[cfg(test)]
mod tests {
    use chat::{Act, ChatEvent, Seq, Timestamp};

    use super::super::stem;
    use super::*;

    #[test]
    fn every_code_and_name_is_read_back_and_none_is_given_twice() {
        for language in Language::all() {
            assert_eq!(Language::named(language.code()), Some(language));
            assert_eq!(Language::named(language.name()), Some(language));
            for code in language.entry().other_codes {
                assert_eq!(Language::named(code), Some(language), "{code}");
            }
        }
        assert!(Language::all().is_sorted_by_key(Language::code));
    }

    #[test]
    fn a_region_or_capitals_make_no_difference() {
        assert_eq!(Language::named("EN-gb"), Language::named("english"));
        assert_eq!(Language::named("tlh"), None);
        assert_eq!(Language::named(""), None);
    }

    #[test]
    fn words_of_one_stem_meet() {
        let meets = |code: &str, one: &str, other: &str| {
            let language = Language::named(code).unwrap();
            assert_eq!(
                stem(&super::super::fold(one), language),
                stem(&super::super::fold(other), language),
                "{code}"
            );
        };
        meets("en", "Running", "runs");
        meets("de", "Häuser", "Haus");
        meets("ru", "новый", "новая");
        meets("fr", "continuellement", "continuelle");
    }

    fn room_event(act: Act) -> Recorded {
        let event = ChatEvent {
            kind: EventKind::Room,
            content: chat::Content { act: Some(act), ..chat::Content::default() },
            ..chat::testing::message(1, 7, 1, "")
        };
        Recorded {
            seq: Seq::FIRST,
            place_seq: None,
            place_prev: None,
            recorded_at: Timestamp::EPOCH,
            event,
        }
    }

    #[test]
    fn the_last_word_on_a_rooms_language_holds() {
        let room = RoomId::from_bytes([7; 16]);
        let mut languages = RoomLanguages::default();
        languages.apply(&room_event(Act::new("room-declared").with("language", "de")));
        assert_eq!(languages.of(&room), Language::named("deu"));
        languages.apply(&room_event(Act::new("room-declared")));
        assert_eq!(languages.of(&room), Language::named("deu"));
        languages.apply(&room_event(Act::new("room-language").with("language", "fr")));
        assert_eq!(languages.of(&room), Language::named("fra"));
        languages.apply(&room_event(Act::new("room-language")));
        assert_eq!(languages.of(&room), None);
    }
}
