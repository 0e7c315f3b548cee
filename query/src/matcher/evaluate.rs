//! Evaluates clauses over one event, and remembers what to highlight.

use super::analysed::{Analysed, Word};
use super::highlight::highlights;
use super::phrase::{exact, near};
use super::written::written_runs;
use super::{Marks, Match};
use crate::analysis::Part;
use crate::ast::{AskedWord, Clause, Field};

/// One event under one set of marks, to be asked about clauses.
#[derive(Clone, Copy)]
pub(crate) struct Evaluation<'a> {
    event: &'a Analysed,
    marks: &'a dyn Marks,
}

impl<'a> Evaluation<'a> {
    pub(crate) const fn new(event: &'a Analysed, marks: &'a dyn Marks) -> Self {
        Self { event, marks }
    }

    /// Returns whether the clause holds.
    pub(crate) fn holds(self, clause: &Clause) -> bool {
        match clause {
            Clause::Everything => true,
            Clause::All(clauses) => clauses.iter().all(|clause| self.holds(clause)),
            Clause::Any(clauses) => clauses.iter().any(|clause| self.holds(clause)),
            Clause::Not(inner) => !self.holds(inner),
            Clause::Field(field) => self.field_holds(field),
            Clause::Word(term) => {
                let test = WordTest::new(term, self.event);
                self.event.words().any(|word| test.accepts(word))
            }
            Clause::Prefix(start) => {
                self.event.words().any(|word| word.term().starts_with(start.as_str()))
            }
            Clause::Phrase { .. } | Clause::Verbatim(_) => {
                !found_words(clause, self.event).is_empty()
            }
        }
    }

    /// Returns what to highlight for a clause that holds.
    pub(crate) fn highlights(self, clause: &Clause) -> Match {
        let mut found = vec![false; self.event.words().len()];
        self.collect(clause, &mut found);
        let mut bytes: Vec<Vec<(usize, usize)>> = self.event.parts().map(|_| Vec::new()).collect();
        for (word, _) in self.event.words().zip(found).filter(|&(_, found)| found) {
            bytes[word.part_index()].push(word.bytes());
        }
        let mut matched = Match::default();
        for ((part, text), bytes) in self.event.parts().zip(bytes) {
            let ranges = highlights(text, bytes);
            if part == Part::Text {
                matched.highlights = ranges;
            } else if !ranges.is_empty() {
                matched.elsewhere.push((part, ranges));
            }
        }
        matched
    }

    /// Notes the words that a clause which holds has found. A negation finds nothing.
    fn collect(self, clause: &Clause, found: &mut [bool]) {
        match clause {
            Clause::All(clauses) => {
                for clause in clauses {
                    self.collect(clause, found);
                }
            }
            Clause::Any(clauses) => {
                for clause in clauses.iter().filter(|clause| self.holds(clause)) {
                    self.collect(clause, found);
                }
            }
            Clause::Everything | Clause::Not(_) | Clause::Field(_) => {}
            Clause::Word(_) | Clause::Phrase { .. } | Clause::Prefix(_) | Clause::Verbatim(_) => {
                for index in found_words(clause, self.event) {
                    if let Some(word) = found.get_mut(index) {
                        *word = true;
                    }
                }
            }
        }
    }

    /// Returns whether the author bears the name, in the event itself or elsewhere.
    fn is_from(self, name: &String) -> bool {
        let is_called = |person| self.marks.person_is(person, name);
        self.event.names().author.contains(name) || self.event.person().is_some_and(is_called)
    }

    /// Returns whether the event mentions someone of the name, by this name or by another.
    fn mentions(self, name: &String) -> bool {
        let mentioned = &self.event.names().mentioned;
        let means = |source| {
            mentioned.iter().any(|mentioned| self.marks.mention_means(source, mentioned, name))
        };
        mentioned.contains(name) || self.event.source().is_some_and(means)
    }

    pub(crate) fn field_holds(self, field: &Field) -> bool {
        let (event, names) = (self.event, self.event.names());
        match field {
            Field::From(value) => self.is_from(value),
            Field::To(value) => {
                // In a room of direct messages the author speaks to whoever else takes part.
                let is_partner = |room| self.marks.is_direct_with(room, value);
                self.mentions(value)
                    || (event.room().is_some_and(is_partner) && !self.is_from(value))
            }
            Field::Participant(value) => {
                let could_read = |room| {
                    self.marks.is_direct_with(room, value)
                        || self.marks.stay(room, event.at(), value).is_some()
                };
                self.is_from(value) || event.room().is_some_and(could_read)
            }
            Field::Room(value) => {
                let is_called = |room| self.marks.room_is(room, value);
                names.room.contains(value) || event.room().is_some_and(is_called)
            }
            Field::Category(value) => {
                event.room().is_some_and(|room| self.marks.room_is_in(room, value))
            }
            Field::Source(value) => event.source().is_some_and(|source| {
                source.to_string() == *value || self.marks.source_is(source, value)
            }),
            Field::Kind(kind) => event.kind() == *kind,
            Field::Has(has) => event.has(*has),
            Field::File(value) => names.files.contains(value),
            Field::Extension(value) => names.extensions.contains(value),
            Field::Language(language) => event.language() == Some(*language),
            Field::Thread(value) => names.thread.as_ref() == Some(value),
            Field::Is(mark) => self.marks.is(event.seq(), *mark),
            Field::Time { from, until } => {
                from.is_none_or(|from| event.at() >= from)
                    && until.is_none_or(|until| event.at() < until)
            }
            Field::Seqs { first, last } => (*first..=*last).contains(&event.seq()),
        }
    }
}

/// Returns the indexes of the words that a clause of words finds.
pub(crate) fn found_words(clause: &Clause, event: &Analysed) -> Vec<usize> {
    match clause {
        Clause::Word(term) => {
            let test = WordTest::new(term, event);
            indexes(event, |word| test.accepts(word))
        }
        Clause::Prefix(term) => indexes(event, |word| word.term().starts_with(term.as_str())),
        Clause::Phrase { tokens, slop: 0 } => exact_phrase(tokens, event),
        Clause::Phrase { tokens, slop } => near(tokens, *slop, &terms(event)),
        Clause::Verbatim(text) => written_runs(text, event).into_iter().flatten().collect(),
        Clause::Everything
        | Clause::All(_)
        | Clause::Any(_)
        | Clause::Not(_)
        | Clause::Field(_) => Vec::new(),
    }
}

fn indexes(event: &Analysed, accepts: impl Fn(Word<'_>) -> bool) -> Vec<usize> {
    event.words().enumerate().filter(|&(_, word)| accepts(word)).map(|(index, _)| index).collect()
}

/// The positions and terms of an event's words.
pub(crate) fn terms(event: &Analysed) -> Vec<(u32, &str)> {
    event.words().map(|word| (word.position(), word.term())).collect()
}

/// What a single word accepts: its own term, and words that have a stem in common with it in the event's language.
pub(crate) struct WordTest<'q> {
    term: &'q str,
    stems: Vec<String>,
}

impl<'q> WordTest<'q> {
    pub(crate) fn new(word: &'q AskedWord, event: &Analysed) -> Self {
        let language = event.language().filter(|language| language.has_stemmer());
        let stems = language.map(|language| word.stems(language)).unwrap_or_default();
        Self { term: &word.term, stems }
    }

    /// Returns the stems that are accepted too, where the event's language has stems.
    pub(crate) fn stems(&self) -> &[String] {
        &self.stems
    }

    /// Returns the stem that a word has in common with this one.
    pub(crate) fn shared<'w>(&self, word: Word<'w>) -> Option<&'w str> {
        let of_word = [word.stem(), word.accented_stem()];
        of_word.into_iter().find(|stem| self.stems.iter().any(|accepted| accepted == stem))
    }

    pub(crate) fn accepts(&self, word: Word<'_>) -> bool {
        word.term() == self.term || self.shared(word).is_some()
    }
}

fn exact_phrase(phrase: &[String], event: &Analysed) -> Vec<usize> {
    let positions = event.words().map(Word::position);
    let same = |one: usize, other: usize| phrase[one] == phrase[other];
    let is = |of_phrase: usize, word: usize| phrase[of_phrase] == event.word(word).term();
    exact(phrase.len(), positions, same, is).into_iter().flatten().collect()
}
