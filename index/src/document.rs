//! From an event to the terms under which it is found. Pure: the same event gives the same document, whoever builds it.
//!
//! Every value comes from `query::analysis`, so a clause finds in the index what the matcher finds in the event.

use chat::{Custody, EventKind, Recorded, Seq};
use query::analysis::{Language, Reader, extension, file_names, fold, has_link, mentions_of};
use query::{Has, RoomThen};
use tantivy::schema::Field;

use crate::engine_document::EachText;
use crate::known_names::KnownNames;
use crate::presence;
use crate::schema::{FIELDS, Fields};
use crate::spelling::Spelling;

/// Bytes of a whole value at most: what a query of [`chat::limits::QUERY_BYTES_MAX`] bytes can grow to when it is folded is
/// shorter, and the engine takes no more than 65,535.
const VALUE_BYTES_MAX: usize = 60_000;

/// Bytes of an event's texts beside its stems, more often than not at most: three ids, two names and a language.
const USUAL_BYTES: usize = 96;
/// Texts of an event beside its stems.
const USUAL_TEXTS: usize = 8;

/// An event as the index keeps it: three numbers, its words, and other texts by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) seq: u64,
    pub(crate) at: i64,
    pub(crate) target: Option<u64>,
    /// The field that the words are looked up in.
    pub(crate) exact: Field,
    pub(crate) words: String,
    pub(crate) texts: Texts,
}

/// Texts of fields, end to end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    /// The field of each text and where it ends.
    ends: Vec<(Field, usize)>,
}

/// Makes documents of events, one after the other. It remembers stems and names that it has met.
#[derive(Debug)]
pub(crate) struct Scribe {
    fields: &'static Fields,
    reader: Reader,
    names: KnownNames,
    words: Spelling,
    stems: Texts,
}

impl Texts {
    /// Adds a text.
    pub(crate) fn push(&mut self, field: Field, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push((field, self.bytes.len()));
    }

    /// Adds a whole value, unless it is longer than any query can ask for.
    fn value(&mut self, field: Field, value: impl AsRef<[u8]>) {
        if value.as_ref().len() <= VALUE_BYTES_MAX {
            self.push(field, value.as_ref());
        }
    }

    /// Returns a list that begins with these and has room for what most events have.
    fn behind(first: &Self) -> Self {
        let mut texts = Self {
            bytes: Vec::with_capacity(first.bytes.len() + USUAL_BYTES),
            ends: Vec::with_capacity(first.ends.len() + USUAL_TEXTS),
        };
        texts.bytes.extend_from_slice(&first.bytes);
        texts.ends.extend_from_slice(&first.ends);
        texts
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Returns the texts with their fields, in the order they were added.
    pub(crate) fn iter(&self) -> EachText<'_> {
        EachText::new(&self.bytes, &self.ends)
    }
}

impl Default for Scribe {
    fn default() -> Self {
        Self {
            fields: &FIELDS,
            reader: Reader::remembering(),
            names: KnownNames::default(),
            words: Spelling::default(),
            stems: Texts::default(),
        }
    }
}

impl Scribe {
    /// Returns the document of an event, or nothing for one that no search finds: an officer's act, or a kind that a later
    /// version wrote. `room` is what was known of its room when it was recorded.
    pub(crate) fn document(&mut self, recorded: &Recorded, room: RoomThen) -> Option<Document> {
        let event = &recorded.event;
        if !is_ever_found(event.kind) {
            return None;
        }
        let fields = self.fields;
        let (exact, stem) = if event.kind.is_searched_by_default() {
            (fields.body, fields.stem)
        } else {
            (fields.aside, fields.aside_stem)
        };
        let language = self.read(recorded, room.language, stem);
        let mut texts = Texts::behind(&self.stems);
        if let Some(language) = language {
            texts.value(fields.lang, language.code());
        }
        if event.kind != EventKind::Message {
            texts.value(fields.kind, event.kind.word());
        }
        self.names(recorded, &mut texts);
        if room.is_direct
            && let Some(author) = query::known::author(recorded)
        {
            texts.value(fields.direct, author);
        }
        if let Some(step) = presence::record(recorded) {
            texts.value(fields.presence, step);
        }
        content(recorded, fields, &mut texts);
        let (seq, at, target) = (recorded.seq.get(), event.at.micros(), event.target.map(Seq::get));
        Some(Document { seq, at, target, exact, words: self.words.text().to_owned(), texts })
    }

    /// Reads the words and their stems and returns their language.
    fn read(
        &mut self,
        recorded: &Recorded,
        room: Option<Language>,
        stem_field: Field,
    ) -> Option<Language> {
        let Self { reader, words, stems, .. } = self;
        words.clear();
        stems.clear();
        let mut found = Stems { texts: stems, field: stem_field };
        let language = reader.read(recorded, room, |word| {
            words.push(word.token.term, word.token.position);
            for stem in [word.stem, word.accented_stem].into_iter().flatten() {
                found.push(stem);
            }
        });
        // The language is known only now; every stem begins with room for its code.
        if let Some(language) = language {
            found.sign(language);
        }
        language
    }

    /// Who, where and from which source.
    fn names(&mut self, recorded: &Recorded, texts: &mut Texts) {
        let (event, fields) = (&recorded.event, self.fields);
        if let Some(place) = &event.place {
            texts.value(fields.room, self.names.room(place));
            texts.value(fields.room_id, place.room.as_bytes());
        }
        if let Some(person) = &event.actor {
            for name in self.names.person(person) {
                texts.value(fields.from, name);
            }
            texts.value(fields.from_id, person.id.as_bytes());
        }
        if let Some(origin) = &event.origin {
            texts.value(fields.source_id, origin.source.as_bytes());
        }
    }
}

/// Returns whether any search finds events of a kind: not those of an officer's act, nor of one that a later version wrote.
pub(crate) const fn is_ever_found(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Officer | EventKind::Unknown(_))
}

/// Returns the bytes of the term of a stem. A colon is in no token, so no other pair gives the same term.
pub(crate) fn stem_term(language: Language, stem: &str) -> Vec<u8> {
    format!("{}:{stem}", language.code()).into_bytes()
}

/// Bytes of a stem's term before the stem: the three letters of the language and a colon.
const SIGN_BYTES: usize = 4;

/// Terms of stems in the making.
struct Stems<'a> {
    texts: &'a mut Texts,
    field: Field,
}

impl Stems<'_> {
    fn push(&mut self, stem: &str) {
        self.texts.bytes.extend_from_slice(&[b':'; SIGN_BYTES]);
        self.texts.push(self.field, stem.as_bytes());
    }

    /// Writes the language's code before each.
    fn sign(&mut self, language: Language) {
        let mut start = 0;
        for (_, end) in &self.texts.ends {
            let code = self.texts.bytes[start..].iter_mut().zip(language.code().bytes());
            for (place, letter) in code.take(SIGN_BYTES - 1) {
                *place = letter;
            }
            start = *end;
        }
    }
}

/// What the content is found by beside its words.
fn content(recorded: &Recorded, fields: &Fields, texts: &mut Texts) {
    let content = &recorded.event.content;
    for name in mentions_of(content) {
        texts.value(fields.to, name);
    }
    if content.text.as_deref().is_some_and(has_link) {
        texts.value(fields.has, Has::Link.word());
    }
    if recorded.event.kind == EventKind::Edit || content.edited_at.is_some() {
        texts.value(fields.has, Has::Edit.word());
    }
    if let Some(thread) = &content.thread {
        texts.value(fields.thread, fold(thread));
    }
    files(recorded, fields, texts);
}

fn files(recorded: &Recorded, fields: &Fields, texts: &mut Texts) {
    if file_names(&recorded.event).next().is_some() {
        texts.value(fields.has, Has::File.word());
    }
    for name in file_names(&recorded.event) {
        texts.value(fields.file, fold(name));
        if let Some(ending) = extension(name) {
            texts.value(fields.ext, ending);
        }
    }
    for file in &recorded.event.content.attachments {
        if let Custody::Held { file, .. } = &file.custody {
            texts.value(fields.file, file.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use chat::{Attachment, ChatEvent, Timestamp};
    use query::analysis::stem;

    use super::*;

    fn recorded(event: ChatEvent) -> Recorded {
        let seq = Seq::new(5).unwrap();
        let recorded_at = Timestamp::EPOCH;
        Recorded { seq, place_seq: None, place_prev: None, recorded_at, event }
    }

    fn document(event: ChatEvent, room: Option<Language>) -> Option<Document> {
        let room = RoomThen { language: room, is_direct: false };
        Scribe::default().document(&recorded(event), room)
    }

    fn values(document: &Document, wanted: Field) -> Vec<Vec<u8>> {
        let texts = document.texts.iter().filter(|(field, _)| *field == wanted);
        texts.map(|(_, text)| text.to_vec()).collect()
    }

    fn words(document: &Document, wanted: Field) -> Vec<String> {
        let values = values(document, wanted).into_iter();
        values.map(|value| String::from_utf8(value).unwrap()).collect()
    }

    #[test]
    fn a_stem_is_kept_only_where_it_differs_from_the_word() {
        let english = Language::named("en").unwrap();
        let event = chat::testing::message(1, 1, 1, "Running a run");
        let document = document(event, Some(english)).unwrap();
        assert_eq!((document.exact, document.words.as_str()), (FIELDS.body, "running a run"));
        let expected: Vec<_> = ["running", "a", "run"]
            .into_iter()
            .filter(|term| stem(term, english) != *term)
            .map(|term| stem_term(english, &stem(term, english)))
            .collect();
        assert_eq!(values(&document, FIELDS.stem), expected);
        assert_eq!(words(&document, FIELDS.lang), ["eng"]);
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
        let document = document(event, None).unwrap();
        let fields = &*FIELDS;
        assert_eq!(words(&document, fields.from), ["person 9", "nine@example.com"]);
        assert_eq!(values(&document, fields.from_id), [vec![9; 16]]);
        assert_eq!(words(&document, fields.room), ["room 7"]);
        assert_eq!(values(&document, fields.room_id), [vec![7; 16]]);
        assert_eq!(words(&document, fields.to), ["jorg"]);
        assert_eq!(words(&document, fields.file), ["plan.pdf"]);
        assert_eq!(words(&document, fields.ext), ["pdf"]);
        assert_eq!(words(&document, fields.has), ["link", "file"]);
    }

    #[test]
    fn an_upload_is_found_by_the_file_that_it_names() {
        for (kind, is_file) in
            [(EventKind::Upload, true), (EventKind::Download, true), (EventKind::Message, false)]
        {
            let event = ChatEvent { kind, ..chat::testing::message(1, 7, 9, "Budget.XLSX") };
            let document = document(event, None).unwrap();
            let expected = |word: &str| if is_file { vec![word.to_owned()] } else { Vec::new() };
            assert_eq!(words(&document, FIELDS.file), expected("budget.xlsx"));
            assert_eq!(words(&document, FIELDS.ext), expected("xlsx"));
            assert_eq!(words(&document, FIELDS.has), expected("file"));
        }
    }

    #[test]
    fn a_scribe_that_has_met_much_writes_what_a_new_one_writes() {
        let mut old = Scribe::default();
        let english = Language::named("en");
        for number in 0..5_000_u32 {
            let byte = u8::try_from(number % 251).unwrap();
            let text = format!("meetings {number} were held by committees");
            let mut event = chat::testing::message(1, byte, byte / 2, &text);
            let person = event.actor.as_mut().unwrap();
            person.name = format!("{} {}", person.name, number % 3);
            let language = english.filter(|_| number % 2 == 0);
            let room = RoomThen { language, is_direct: number % 3 == 0 };
            let event = recorded(event);
            let written = old.document(&event, room);
            if number % 499 == 0 {
                assert_eq!(written, Scribe::default().document(&event, room));
            }
        }
    }

    #[test]
    fn an_officers_act_is_never_in_the_index() {
        for kind in [EventKind::Officer, EventKind::Unknown(0x8fff)] {
            let event = ChatEvent { kind, ..chat::testing::message(1, 1, 1, "budget") };
            assert_eq!(document(event, None), None);
        }
    }
}
