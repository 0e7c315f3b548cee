//! An event taken apart for matching: its tokens with their stems, and its names folded.

use std::ops::Range;

use chat::{Custody, EventKind, PersonId, Recorded, RoomId, Seq, SourceId, Timestamp};

use crate::analysis::{
    Language, Part, Reader, extension, file_names, fold, for_each_part_token, has_link,
    mentions_of, searchable,
};
use crate::ast::{Field, Has};

/// An event ready to be matched. It is made once and serves any number of queries; it owns what it needs.
#[derive(Debug, Clone)]
pub struct Analysed {
    seq: Seq,
    kind: EventKind,
    at: Timestamp,
    source: Option<SourceId>,
    room: Option<RoomId>,
    person: Option<PersonId>,
    language: Option<Language>,
    parts: Vec<(Part, String)>,
    words: Vec<WordAt>,
    /// Terms and stems, end to end.
    terms: String,
    names: Names,
    has: [bool; Has::ALL.len()],
}

/// The folded names by which fields find an event.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    pub(crate) author: Vec<String>,
    pub(crate) mentioned: Vec<String>,
    pub(crate) room: Vec<String>,
    pub(crate) files: Vec<String>,
    pub(crate) extensions: Vec<String>,
    pub(crate) thread: Option<String>,
}

#[derive(Debug, Clone)]
struct WordAt {
    position: u32,
    part: usize,
    start: usize,
    end: usize,
    term: Range<usize>,
    stem: Range<usize>,
    /// The stem again where there is no other.
    accented_stem: Range<usize>,
}

/// One token of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word<'a> {
    event: &'a Analysed,
    at: &'a WordAt,
}

impl<'a> Word<'a> {
    pub(crate) const fn position(self) -> u32 {
        self.at.position
    }

    pub(crate) fn part(self) -> Part {
        self.event.parts[self.at.part].0
    }

    /// Returns the place of its part among the event's.
    pub(crate) const fn part_index(self) -> usize {
        self.at.part
    }

    /// Returns its place in its part, in bytes.
    pub(crate) const fn bytes(self) -> (usize, usize) {
        (self.at.start, self.at.end)
    }

    pub(crate) fn term(self) -> &'a str {
        &self.event.terms[self.at.term.clone()]
    }

    /// Returns the stem of the term in the event's language; the term where it has none.
    pub(crate) fn stem(self) -> &'a str {
        &self.event.terms[self.at.stem.clone()]
    }

    /// Returns the other stem that its accents make; the stem where they make none.
    pub(crate) fn accented_stem(self) -> &'a str {
        &self.event.terms[self.at.accented_stem.clone()]
    }

    /// Returns the text of its part.
    pub(crate) fn part_text(self) -> &'a str {
        &self.event.parts[self.at.part].1
    }

    /// Returns the token as written.
    pub(crate) fn written(self) -> &'a str {
        &self.event.parts[self.at.part].1[self.at.start..self.at.end]
    }
}

impl Analysed {
    /// Takes an event apart. `room` is the language of its room, which counts where the text does not tell
    /// (see [`crate::analysis::RoomLanguages`]).
    pub fn of(recorded: &Recorded, room: Option<Language>) -> Self {
        Self::read(recorded, room, &mut Reader::default())
    }

    /// The same for whoever takes many events apart: the reader serves them all.
    pub fn read(recorded: &Recorded, room: Option<Language>, reader: &mut Reader) -> Self {
        let event = &recorded.event;
        let parts = searchable(recorded);
        let (words, terms, language) = words(recorded, &parts, room, reader);
        let text = event.content.text.as_deref().unwrap_or_default();
        Self {
            seq: recorded.seq,
            kind: event.kind,
            at: event.at,
            source: event.origin.as_ref().map(|origin| origin.source),
            room: event.place.as_ref().map(|place| place.room),
            person: event.actor.as_ref().map(|person| person.id),
            language,
            parts: parts.into_iter().map(|(part, text)| (part, text.to_owned())).collect(),
            words,
            terms,
            names: Names::of(recorded),
            has: [
                file_names(event).next().is_some(),
                has_link(text),
                event.kind == EventKind::Edit || event.content.edited_at.is_some(),
            ],
        }
    }

    /// Takes apart the words of an event and nothing else: what a clause on words as they are written asks for. There is no
    /// language, no stem and no name in it.
    pub fn words_alone(recorded: &Recorded) -> Self {
        let (mut words, mut terms) = (Vec::new(), String::new());
        let parts = searchable(recorded);
        let mut part_index = 0;
        for_each_part_token(&parts, |part, token| {
            while parts.get(part_index).is_some_and(|&(at, _)| at != part) {
                part_index += 1;
            }
            let term = terms.len()..terms.len() + token.term.len();
            terms.push_str(token.term);
            let (position, start, end) = (token.position, token.start, token.end);
            let (stem, accented_stem) = (term.clone(), term.clone());
            words.push(WordAt {
                position,
                part: part_index,
                start,
                end,
                term,
                stem,
                accented_stem,
            });
        });
        Self {
            seq: recorded.seq,
            kind: recorded.event.kind,
            at: recorded.event.at,
            source: None,
            room: None,
            person: None,
            language: None,
            parts: parts.into_iter().map(|(part, text)| (part, text.to_owned())).collect(),
            words,
            terms,
            names: Names::default(),
            has: [false; Has::ALL.len()],
        }
    }

    /// Returns the folded values by which a `file:`, `ext:`, `thread:` or `to:` finds the event; none for another field.
    pub fn values(&self, field: &Field) -> &[String] {
        match field {
            Field::File(_) => &self.names.files,
            Field::Extension(_) => &self.names.extensions,
            Field::Thread(_) => self.names.thread.as_slice(),
            Field::To(_) => &self.names.mentioned,
            Field::From(_)
            | Field::Participant(_)
            | Field::Room(_)
            | Field::Category(_)
            | Field::Source(_)
            | Field::Kind(_)
            | Field::Has(_)
            | Field::Language(_)
            | Field::Is(_)
            | Field::Time { .. }
            | Field::Seqs { .. } => &[],
        }
    }

    /// Returns the event's place in the log.
    pub const fn seq(&self) -> Seq {
        self.seq
    }

    /// Returns the event's kind.
    pub const fn kind(&self) -> EventKind {
        self.kind
    }

    /// Returns when the event happened.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Returns the language that its words are stemmed in.
    pub const fn language(&self) -> Option<Language> {
        self.language
    }

    pub(crate) const fn source(&self) -> Option<&SourceId> {
        self.source.as_ref()
    }

    pub(crate) const fn room(&self) -> Option<&RoomId> {
        self.room.as_ref()
    }

    pub(crate) const fn person(&self) -> Option<&PersonId> {
        self.person.as_ref()
    }

    pub(crate) const fn names(&self) -> &Names {
        &self.names
    }

    pub(crate) fn has(&self, has: Has) -> bool {
        Has::ALL.into_iter().zip(self.has).any(|(one, had)| one == has && had)
    }

    /// Returns the parts that highlights are positions in.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Part, &str)> {
        self.parts.iter().map(|(part, text)| (*part, text.as_str()))
    }

    pub(crate) fn words(&self) -> impl ExactSizeIterator<Item = Word<'_>> {
        self.words.iter().map(|at| Word { event: self, at })
    }

    /// Returns the word of an index, which must be below the number of words.
    pub(crate) fn word(&self, index: usize) -> Word<'_> {
        Word { event: self, at: &self.words[index] }
    }
}

/// Returns the tokens of the parts, the terms and stems that they point to, and the language.
fn words(
    recorded: &Recorded,
    parts: &[(Part, &str)],
    room: Option<Language>,
    reader: &mut Reader,
) -> (Vec<WordAt>, String, Option<Language>) {
    let (mut words, mut terms) = (Vec::new(), String::new());
    let mut part_index = 0;
    let language = reader.read(recorded, room, |word| {
        while parts.get(part_index).is_some_and(|&(at, _)| at != word.part) {
            part_index += 1;
        }
        let token = word.token;
        let term = terms.len()..terms.len() + token.term.len();
        terms.push_str(token.term);
        let mut kept = |text: Option<&str>, otherwise: &Range<usize>| match text {
            Some(text) => {
                terms.push_str(text);
                terms.len() - text.len()..terms.len()
            }
            None => otherwise.clone(),
        };
        let stem = kept(word.stem, &term);
        let accented_stem = kept(word.accented_stem, &stem);
        let (position, start, end) = (token.position, token.start, token.end);
        words.push(WordAt { position, part: part_index, start, end, term, stem, accented_stem });
    });
    (words, terms, language)
}

impl Names {
    fn of(recorded: &Recorded) -> Self {
        let event = &recorded.event;
        let mut names = Self::default();
        if let Some(person) = &event.actor {
            let given = [Some(&person.name), person.foreign_id.as_ref(), person.email.as_ref()];
            names.author = given.into_iter().flatten().map(|name| fold(name)).collect();
            names.author.push(person.id.to_string());
        }
        if let Some(place) = &event.place {
            names.room = vec![fold(&place.name), place.room.to_string()];
        }
        names.mentioned = mentions_of(&event.content);
        for name in file_names(event) {
            names.files.push(fold(name));
            names.extensions.extend(extension(name));
        }
        for file in &event.content.attachments {
            if let Custody::Held { file, .. } = &file.custody {
                names.files.push(file.to_string());
            }
        }
        names.thread = event.content.thread.as_deref().map(fold);
        names
    }
}
