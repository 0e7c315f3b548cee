//! From an event to the terms under which it is found. Pure: the same event gives the same document, whoever builds it.
//!
//! Every value comes from `query::analysis`, so a clause finds in the index what the matcher finds in the event.

use chat::{Custody, EventKind, Recorded, Seq};
use query::Has;
use query::analysis::{
    Language, Part, event_language, extension, fold, for_each_part_token, has_link, mentions,
    searchable, stem,
};
use tantivy::TantivyDocument;
use tantivy::schema::Field;

use crate::schema::Fields;
use crate::spelling::Spelling;

/// The one term of events that content search covers.
pub(crate) const SPOKEN: &str = "1";

/// An event as the index keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    seq: u64,
    at: i64,
    target: Option<u64>,
    kind: EventKind,
    language: Option<Language>,
    words: Spelling,
    stems: Vec<String>,
    keywords: Vec<(Keyword, String)>,
}

/// What a keyword is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keyword {
    From,
    To,
    Room,
    RoomId,
    Source,
    Thread,
    File,
    Extension,
    Has,
}

impl Document {
    /// Returns the document of an event, or nothing for one that no search finds: an officer's act, or a kind that a later
    /// version wrote. `room` is the language of the room when the event was recorded.
    pub(crate) fn of(recorded: &Recorded, room: Option<Language>) -> Option<Self> {
        let event = &recorded.event;
        if matches!(event.kind, EventKind::Officer | EventKind::Unknown(_)) {
            return None;
        }
        let language = event_language(recorded, room);
        let (words, stems) = words(&searchable(recorded), language);
        Some(Self {
            seq: recorded.seq.get(),
            at: event.at.micros(),
            target: event.target.map(Seq::get),
            kind: event.kind,
            language,
            words,
            stems,
            keywords: keywords(recorded),
        })
    }

    /// Returns the document in the engine's form.
    pub(crate) fn into_engine(self, fields: &Fields) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_i64(fields.at, self.at);
        document.add_u64(fields.seq, self.seq);
        if let Some(target) = self.target {
            document.add_u64(fields.target, target);
        }
        document.add_text(fields.kind, self.kind.word());
        if let Some(language) = self.language {
            document.add_text(fields.lang, language.code());
        }
        let (exact, stem) = if self.kind.is_searched_by_default() {
            document.add_text(fields.spoken, SPOKEN);
            (fields.body, fields.stem)
        } else {
            (fields.aside, fields.aside_stem)
        };
        document.add_text(exact, self.words.into_text());
        for term in self.stems {
            document.add_text(stem, term);
        }
        for (keyword, value) in self.keywords {
            document.add_text(keyword.field(fields), value);
        }
        document
    }
}

impl Keyword {
    const fn field(self, fields: &Fields) -> Field {
        match self {
            Self::From => fields.from,
            Self::To => fields.to,
            Self::Room => fields.room,
            Self::RoomId => fields.room_id,
            Self::Source => fields.source,
            Self::Thread => fields.thread,
            Self::File => fields.file,
            Self::Extension => fields.ext,
            Self::Has => fields.has,
        }
    }
}

/// Returns the term of a stem. A colon is in no token, so no other pair gives the same term.
pub(crate) fn stem_term(language: Language, stem: &str) -> String {
    format!("{}:{stem}", language.code())
}

fn words(parts: &[(Part, &str)], language: Option<Language>) -> (Spelling, Vec<String>) {
    let stemmed = language.filter(|language| language.has_stemmer());
    let (mut words, mut stems) = (Spelling::default(), Vec::new());
    for_each_part_token(parts, |_, token| {
        words.push(token.term, token.position);
        if let Some(language) = stemmed {
            let stem = stem(token.term, language);
            if stem != token.term {
                stems.push(stem_term(language, &stem));
            }
        }
    });
    (words, stems)
}

fn keywords(recorded: &Recorded) -> Vec<(Keyword, String)> {
    let event = &recorded.event;
    let mut keywords = Vec::new();
    if let Some(person) = &event.actor {
        let given = [Some(&person.name), person.foreign_id.as_ref(), person.email.as_ref()];
        keywords.extend(given.into_iter().flatten().map(|name| (Keyword::From, fold(name))));
        keywords.push((Keyword::From, person.id.to_string()));
    }
    if let Some(place) = &event.place {
        keywords.push((Keyword::Room, fold(&place.name)));
        keywords.push((Keyword::Room, place.room.to_string()));
        keywords.push((Keyword::RoomId, place.room.to_string()));
    }
    if let Some(origin) = &event.origin {
        keywords.push((Keyword::Source, origin.source.to_string()));
    }
    let content = &event.content;
    if let Some(text) = &content.text {
        keywords.extend(mentions(text).into_iter().map(|name| (Keyword::To, name)));
        if has_link(text) {
            keywords.push(has(Has::Link));
        }
    }
    if event.kind == EventKind::Edit || content.edited_at.is_some() {
        keywords.push(has(Has::Edit));
    }
    if let Some(thread) = &content.thread {
        keywords.push((Keyword::Thread, fold(thread)));
    }
    if !content.attachments.is_empty() {
        keywords.push(has(Has::File));
    }
    for file in &content.attachments {
        keywords.push((Keyword::File, fold(&file.name)));
        if let Custody::Held { file, .. } = &file.custody {
            keywords.push((Keyword::File, file.to_string()));
        }
        keywords.extend(extension(&file.name).map(|ending| (Keyword::Extension, ending)));
    }
    keywords
}

fn has(has: Has) -> (Keyword, String) {
    (Keyword::Has, has.word().to_owned())
}

#[cfg(test)]
mod tests {
    use chat::{Attachment, ChatEvent, Timestamp};

    use super::*;

    fn recorded(event: ChatEvent) -> Recorded {
        let seq = Seq::new(5).unwrap();
        let recorded_at = Timestamp::EPOCH;
        Recorded { seq, place_seq: None, place_prev: None, recorded_at, event }
    }

    fn values(document: &Document, wanted: Keyword) -> Vec<&str> {
        let keywords = document.keywords.iter().filter(|(keyword, _)| *keyword == wanted);
        keywords.map(|(_, value)| value.as_str()).collect()
    }

    #[test]
    fn a_stem_is_kept_only_where_it_differs_from_the_word() {
        let english = Language::named("en");
        let event = recorded(chat::testing::message(1, 1, 1, "Running a run"));
        let document = Document::of(&event, english).unwrap();
        let language = document.language.unwrap();
        assert_eq!(document.words.into_text(), "running a run");
        let expected: Vec<_> = ["running", "a", "run"]
            .into_iter()
            .filter(|term| stem(term, language) != *term)
            .map(|term| stem_term(language, &stem(term, language)))
            .collect();
        assert_eq!(document.stems, expected);
    }

    #[test]
    fn people_rooms_and_files_are_found_by_every_name_they_bear() {
        let mut event = chat::testing::message(1, 7, 9, "see https://example.com @Jörg");
        let person = event.actor.as_mut().unwrap();
        person.email = Some("Nine@Example.com".to_owned());
        let custody = Custody::Missing { reason: "gone".to_owned(), claimed_bytes: None };
        event.content.attachments.push(Attachment {
            name: "Plan.PDF".to_owned(),
            media_type: None,
            address: None,
            custody,
        });
        let document = Document::of(&recorded(event), None).unwrap();
        let nine = "09".repeat(16);
        assert_eq!(values(&document, Keyword::From), ["person 9", "nine@example.com", &nine]);
        assert_eq!(values(&document, Keyword::Room), ["room 7", &"07".repeat(16)]);
        assert_eq!(values(&document, Keyword::RoomId), ["07".repeat(16)]);
        assert_eq!(values(&document, Keyword::To), ["jorg"]);
        assert_eq!(values(&document, Keyword::File), ["plan.pdf"]);
        assert_eq!(values(&document, Keyword::Extension), ["pdf"]);
        assert_eq!(values(&document, Keyword::Has), ["link", "file"]);
    }

    #[test]
    fn an_officers_act_is_never_in_the_index() {
        for kind in [EventKind::Officer, EventKind::Unknown(0x8fff)] {
            let event = ChatEvent { kind, ..chat::testing::message(1, 1, 1, "budget") };
            assert_eq!(Document::of(&recorded(event), None), None);
        }
    }
}
