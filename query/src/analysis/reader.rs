//! Reads an event once: its words, its language, and the stem of each word.
//!
//! The index, the matcher and everyone else who needs all three use this, so that a text is cut only once.

use chat::Recorded;

use super::detect::{Detector, telling_part};
use super::language::Language;
use super::parts::{Part, for_each_part_token, searchable};
use super::stems::{StemMemory, accented_stem_of};
use super::token::TokenView;

/// Reads events one after the other and keeps its buffers. What it says of an event depends on that event alone.
///
/// ```
/// use query::analysis::{Language, Reader};
/// # let event = chat::testing::message(1, 1, 1, "We were meeting them and so are you");
/// # let recorded = chat::Recorded { seq: chat::Seq::FIRST, place_seq: None, place_prev: None, recorded_at: event.at, event };
/// // The text is "We were meeting them and so are you"
/// let mut reader = Reader::default();
/// let mut stems = Vec::new();
/// let language = reader.read(&recorded, None, |word| {
///     if let Some(stem) = word.stem {
///         stems.push(format!("{} → {stem}", word.token.term));
///     }
/// });
/// assert_eq!(language, Language::named("en"));
/// assert_eq!(stems, ["meeting → meet"]);
/// ```
#[derive(Debug, Default)]
pub struct Reader {
    stems: StemMemory,
    terms: String,
    cuts: Vec<Cut>,
}

/// One word of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'a> {
    /// The part that it stands in.
    pub part: Part,
    /// The word, with its position over all parts and its place in its part.
    pub token: TokenView<'a>,
    /// Its stem in the event's language, where the language has stems and this one differs from the term.
    pub stem: Option<&'a str>,
    /// Its other stem, where it is written with accents that make one.
    pub accented_stem: Option<&'a str>,
}

#[derive(Debug, Clone, Copy)]
struct Cut {
    part: Part,
    position: u32,
    start: usize,
    end: usize,
    /// Where its term ends in the terms, which lie end to end.
    term_end: usize,
}

impl Reader {
    /// Returns a reader that remembers the stems of the words it met last, which takes some megabytes: for whoever reads
    /// many events. It says what any other reader says, at a fraction of the cost.
    pub fn remembering() -> Self {
        Self { stems: StemMemory::of_many(), ..Self::default() }
    }

    /// Calls `sink` with every word of an event's content, in order, and returns the event's language. `room` is the
    /// language of its room, which counts where the text does not tell (see [`super::RoomLanguages`]).
    pub fn read(
        &mut self,
        recorded: &Recorded,
        room: Option<Language>,
        mut sink: impl FnMut(Word<'_>),
    ) -> Option<Language> {
        let parts = searchable(recorded);
        let language = self.cut(&parts, recorded, room);
        let stemmed = language.filter(|language| language.has_stemmer());
        let mut start = 0;
        for cut in &self.cuts {
            let term = &self.terms[start..cut.term_end];
            start = cut.term_end;
            let token = TokenView { term, position: cut.position, start: cut.start, end: cut.end };
            let accented = stemmed.and_then(|language| {
                let text = parts.iter().find(|(part, _)| *part == cut.part)?.1;
                accented_stem_of(&text[cut.start..cut.end], term, language)
            });
            let stem = stemmed.and_then(|language| self.stems.stem(term, language));
            sink(Word { part: cut.part, token, stem, accented_stem: accented.as_deref() });
        }
        language
    }

    /// Cuts the words and returns the language.
    fn cut(
        &mut self,
        parts: &[(Part, &str)],
        recorded: &Recorded,
        room: Option<Language>,
    ) -> Option<Language> {
        let Self { terms, cuts, .. } = self;
        terms.clear();
        cuts.clear();
        let telling = telling_part(recorded);
        let mut detector = telling.map(|(_, text)| Detector::of(text));
        let telling = telling.map(|(part, _)| part);
        let wants_words = detector.as_ref().is_some_and(Detector::wants_words);
        for_each_part_token(parts, |part, token| {
            if let Some(detector) =
                detector.as_mut().filter(|_| wants_words && Some(part) == telling)
            {
                detector.word(token.term, token.end);
            }
            terms.push_str(token.term);
            let TokenView { position, start, end, .. } = token;
            cuts.push(Cut { part, position, start, end, term_end: terms.len() });
        });
        detector.map_or(room, |detector| detector.read_as(room))
    }
}

#[cfg(test)]
mod tests {
    use chat::{ChatEvent, Content, EventKind, Seq, Timestamp};

    use super::super::{event_language, stem};
    use super::*;

    fn recorded(kind: EventKind, content: Content) -> Recorded {
        let event = ChatEvent { kind, content, ..chat::testing::message(1, 1, 1, "") };
        let recorded_at = Timestamp::EPOCH;
        Recorded { seq: Seq::FIRST, place_seq: None, place_prev: None, recorded_at, event }
    }

    #[test]
    fn reading_says_what_the_single_steps_say() {
        for room in [Language::named("de"), None] {
            check_reading(room);
        }
    }

    fn check_reading(room: Option<Language>) {
        let mut reader = Reader::remembering();
        let long = "the meetings were held and the minutes are here ".repeat(20);
        let texts = [
            None,
            Some("שלום"),
            Some(""),
            Some("ok"),
            Some("I think the meetings were cancelled and it is not my fault"),
            Some("Wir haben die Häuser nicht verkauft, und das ist auch gut"),
            Some("Завтра мы подпишем договор и отправим его всем участникам."),
            Some("会議は明日の午前十時です。資料を確認してください。お願いします。"),
            Some(&long),
        ];
        for (text, title) in texts.iter().flat_map(|text| texts.map(|title| (*text, title))) {
            for kind in [EventKind::Message, EventKind::Officer] {
                let content = Content {
                    text: text.map(str::to_owned),
                    title: title.map(str::to_owned),
                    ..Content::default()
                };
                let event = recorded(kind, content);
                let expected = event_language(&event, room);
                let mut words = Vec::new();
                for_each_part_token(&searchable(&event), |part, token| {
                    let stem = expected.map(|language| stem(token.term, language).into_owned());
                    let stem = stem.filter(|stem| stem != token.term);
                    words.push((part, token.term.to_owned(), token.position, token.end, stem));
                });
                let mut read = Vec::new();
                let language = reader.read(&event, room, |word| {
                    let Word { part, token, stem, .. } = word;
                    let (term, stem) = (token.term.to_owned(), stem.map(str::to_owned));
                    read.push((part, term, token.position, token.end, stem));
                });
                if kind == EventKind::Message {
                    assert_eq!(language, expected, "{text:?} {title:?}");
                }
                assert_eq!(read, words, "{text:?} {title:?}");
            }
        }
    }
}
