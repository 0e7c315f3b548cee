//! From a parsed query to one over the engine's lists. Every clause means exactly what `query::matcher` means by it.

use std::sync::Arc;

use archive::Archive;
use chat::{EventKind, PersonId, RoomId, SourceId};
use query::analysis::{Language, tokens};
use query::{AskedWord, Clause, Field, Mark, Presence, Query as Asked, Stay};
use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, ConstScoreQuery, EmptyQuery, Occur, PhraseQuery, Query, TermQuery,
    TermSetQuery,
};
use tantivy::schema::{Field as Handle, IndexRecordOption};

use crate::calm::Calm;
use crate::either::Either;
use crate::phrase::SlopPhrase;
use crate::prefix::PrefixWords;
use crate::presence::WithinStays;
use crate::scope::{Scope, Window};
use crate::settled::Settled;
use crate::sieve::Sieve;
use crate::state::StateAt;
use crate::time_limit::TimeLimit;
use crate::verbatim::{Faults, Verbatim};
use crate::view::View;
use crate::word_list::WordList;

type Boxed = Box<dyn Query>;

/// What a query is read against.
pub(crate) struct Lowering<'a> {
    view: &'a View,
    beside: Beside<'a>,
    /// Whether scores are wanted. Where they are not, nothing need be said of what does not count towards them.
    scoring: bool,
    /// Kinds beyond those of content search that the query asks for.
    further: Vec<EventKind>,
}

/// What a query is read against beside the lists.
#[derive(Clone, Copy)]
pub(crate) struct Beside<'a> {
    /// What the ledger says as of the snapshot.
    pub(crate) state: &'a StateAt,
    /// Where texts are read back from.
    pub(crate) verify: &'a Verify,
}

/// What verbatim clauses need: the log, a place for their faults, and how long they may take.
pub(crate) struct Verify {
    /// The log.
    pub(crate) archive: Arc<Archive>,
    /// What went wrong while reading it.
    pub(crate) faults: Faults,
    /// How long the search may take.
    pub(crate) limit: TimeLimit,
}

impl<'a> Lowering<'a> {
    /// Prepares the reading of a query.
    pub(crate) fn of(asked: &Asked, view: &'a View, beside: Beside<'a>, scoring: bool) -> Self {
        let further = asked.further_kinds().collect();
        Self { view, beside, scoring, further }
    }

    /// Returns the query over lists: the clauses, the kinds that are covered, and the scope.
    pub(crate) fn query(&self, asked: &Asked, scope: &Scope) -> Boxed {
        if let Some(list) = self.single_list(asked, scope) {
            return list;
        }
        let mut all = Vec::new();
        if *asked.root() != Clause::Everything {
            all.push(self.clause(asked.root()));
        }
        if !scope.is_everything() {
            all.push(self.within(scope));
        }
        if self.further.is_empty() && is_bound(asked.root()) {
            return every(all);
        }
        // Nearly every event is of a kind that is covered, so the others are taken away.
        let uncovered = self.view.kinds.iter().filter(|kind| !asked.covers(**kind));
        self.but(uncovered.map(|kind| self.kind(*kind)).collect(), all)
    }

    /// The events of a kind whose word is written.
    fn kind(&self, kind: EventKind) -> Boxed {
        self.value(self.view.fields.kind, kind.word())
    }

    /// Messages are the events of no other kind.
    fn messages(&self) -> Boxed {
        self.but(self.view.kinds.iter().map(|kind| self.kind(*kind)).collect(), Vec::new())
    }

    /// Most searches are for one exact word: one list, whose length is their count.
    fn single_list(&self, asked: &Asked, scope: &Scope) -> Option<Boxed> {
        let word = match asked.root() {
            Clause::Word(word) if self.view.languages.is_empty() => Some(&word.term),
            Clause::Phrase { tokens, .. } if tokens.len() == 1 => tokens.first(),
            Clause::Everything
            | Clause::All(_)
            | Clause::Any(_)
            | Clause::Not(_)
            | Clause::Word(_)
            | Clause::Phrase { .. }
            | Clause::Prefix(_)
            | Clause::Verbatim(_)
            | Clause::Field(_) => None,
        }?;
        let is_whole = !self.scoring && self.further.is_empty() && scope.is_everything();
        let term = Term::from_field_text(self.view.fields.body, word);
        is_whole.then(|| -> Boxed { Box::new(WordList::of(term)) })
    }

    /// What is seen through any window of a scope that is not everything. It decides without counting towards the score.
    fn within(&self, scope: &Scope) -> Boxed {
        let windows = scope.windows().iter().map(|window| self.window(window));
        either_of(windows.collect())
            .map_or_else(|| -> Boxed { Box::new(EmptyQuery) }, |windows| self.silent(windows))
    }

    fn window(&self, window: &Window) -> Boxed {
        let fields = &self.view.fields;
        let Window { rooms, persons, sources, from, until } = window;
        let mut axes = Vec::new();
        if let Some(rooms) = rooms {
            axes.push(self.among(fields.room_id, rooms.iter().map(RoomId::as_bytes)));
        }
        if let Some(persons) = persons {
            axes.push(self.among(fields.from_id, persons.iter().map(PersonId::as_bytes)));
        }
        if let Some(sources) = sources {
            axes.push(self.among(fields.source_id, sources.iter().map(SourceId::as_bytes)));
        }
        if from.is_some() || until.is_some() {
            let micros = |time: &chat::Timestamp| time.micros();
            let (from, until) = (from.as_ref().map(micros), until.as_ref().map(micros));
            axes.push(self.sieve(Sieve::Time(from, until)));
        }
        every(axes)
    }

    /// The depth of clauses is bounded by [`chat::limits::QUERY_DEPTH_MAX`], so this may call itself.
    fn clause(&self, clause: &Clause) -> Boxed {
        match clause {
            Clause::Everything => self.silent(Box::new(AllQuery)),
            Clause::All(clauses) => self.all(clauses),
            Clause::Any(clauses) => any(clauses.iter().map(|one| self.clause(one)).collect()),
            Clause::Not(inner) => self.but(vec![self.clause(inner)], Vec::new()),
            Clause::Word(word) => self.in_words(|words| self.word(word, words)),
            Clause::Phrase { tokens, slop } => {
                self.in_words(|words| self.phrase(tokens, *slop, words))
            }
            Clause::Prefix(prefix) => self.in_words(|words| {
                Box::new(Settled::by(PrefixWords { field: words.exact, prefix: prefix.clone() }))
            }),
            Clause::Verbatim(text) => self.in_words(|words| self.verbatim(clause, text, words)),
            Clause::Field(field) => self.field(field),
        }
    }

    fn all(&self, clauses: &[Clause]) -> Boxed {
        let mut wanted = Vec::new();
        let mut unwanted = Vec::new();
        for clause in clauses {
            if let Clause::Not(inner) = clause {
                unwanted.push(self.clause(inner));
            } else {
                wanted.push(self.clause(clause));
            }
        }
        if unwanted.is_empty() { every(wanted) } else { self.but(unwanted, wanted) }
    }

    /// Reads a clause on words in the lists of content, and in those of other events where the query asks for their kind.
    fn in_words(&self, read: impl Fn(Words) -> Boxed) -> Boxed {
        let fields = &self.view.fields;
        let content = read(Words { exact: fields.body, stem: fields.stem });
        if self.further.is_empty() {
            return content;
        }
        any(vec![content, read(Words { exact: fields.aside, stem: fields.aside_stem })])
    }

    /// A token t of language L matches a word w if their terms are equal or they have a stem in L in common. Where a token is
    /// its own first stem, that stem was not written for it, so this case is the exact token together with the language.
    /// (A stem need not be its own: then every stem was written.)
    fn word(&self, word: &AskedWord, words: Words) -> Boxed {
        let mut ways = vec![scored(Term::from_field_text(words.exact, &word.term))];
        for &language in &*self.view.languages {
            for stem in word.stems(language) {
                let stemmed = crate::document::stem_term(language, &stem);
                ways.push(scored(Term::from_field_bytes(words.stem, &stemmed)));
                let is_its_own = query::analysis::stem(&stem, language) == stem;
                if stem != word.term && is_its_own {
                    let own = scored(Term::from_field_text(words.exact, &stem));
                    ways.push(every(vec![own, self.spoken_in(language)]));
                }
            }
        }
        any(ways)
    }

    fn spoken_in(&self, language: Language) -> Boxed {
        self.value(self.view.fields.lang, language.code())
    }

    fn verbatim(&self, clause: &Clause, text: &str, words: Words) -> Boxed {
        let folded: Vec<_> = tokens(text).into_iter().map(|token| token.term).collect();
        let candidates = self.phrase(&folded, 0, words);
        self.silent(Box::new(Settled::by(Verbatim {
            clause: clause.clone(),
            candidates,
            searcher: self.view.searcher.clone(),
            columns: Arc::clone(&self.view.columns),
            archive: Arc::clone(&self.beside.verify.archive),
            faults: Arc::clone(&self.beside.verify.faults),
            limit: self.beside.verify.limit.clone(),
        })))
    }

    fn field(&self, field: &Field) -> Boxed {
        let fields = &self.view.fields;
        match field {
            Field::From(name) => self.written_by(name),
            Field::To(name) => self.said_to(name),
            Field::Participant(name) => self.could_read(name),
            Field::Room(name) => {
                let mut ids = self.beside.state.rooms_called(name);
                ids.extend(name.parse::<RoomId>());
                let by_id = self.among(fields.room_id, ids.iter().map(RoomId::as_bytes));
                self.named((fields.room, name), by_id, ids.len())
            }
            Field::Category(name) => {
                let rooms = self.beside.state.rooms_in(name);
                self.among(fields.room_id, rooms.iter().map(RoomId::as_bytes))
            }
            Field::Source(name) => {
                let mut ids = self.beside.state.sources_named(name);
                ids.extend(name.parse::<SourceId>());
                self.among(fields.source_id, ids.iter().map(SourceId::as_bytes))
            }
            Field::Kind(EventKind::Message) => self.messages(),
            Field::Kind(kind) => self.kind(*kind),
            Field::Has(has) => self.value(fields.has, has.word()),
            Field::File(name) => self.value(fields.file, name),
            Field::Extension(extension) => self.value(fields.ext, extension),
            Field::Language(language) => self.value(fields.lang, language.code()),
            Field::Thread(thread) => self.value(fields.thread, thread),
            Field::Is(mark) => self.sieve(self.mark(*mark)),
            Field::Time { from, until } => {
                let micros = |time: &chat::Timestamp| time.micros();
                self.sieve(Sieve::Time(from.as_ref().map(micros), until.as_ref().map(micros)))
            }
            Field::Seqs { first, last } => self.sieve(Sieve::Seqs(first.get(), last.get())),
        }
    }

    /// What mentions someone, and what others said in rooms of direct messages with them.
    fn said_to(&self, name: &str) -> Boxed {
        let fields = &self.view.fields;
        let mut ways = vec![self.value(fields.to, name)];
        // Another name of the same person means that person at the same source alone.
        for (source, names) in self.beside.state.mentions_of(name) {
            let named = self.among(fields.to, names.iter());
            ways.push(every(vec![named, self.value(fields.source_id, source.as_bytes())]));
        }
        let rooms = self.beside.state.direct_rooms_with(name);
        if !rooms.is_empty() {
            let direct = self.among(fields.room_id, rooms.iter().map(RoomId::as_bytes));
            ways.push(self.but(vec![self.written_by(name)], vec![direct]));
        }
        any(ways)
    }

    /// What someone wrote, what was said in rooms of direct messages with them, and what happened in a room while they
    /// were in it.
    fn could_read(&self, name: &str) -> Boxed {
        let mut always = self.beside.state.direct_rooms_with(name);
        let mut at_times = Vec::new();
        for (room, stays) in
            self.beside.state.presence_of(name).into_iter().flat_map(Presence::rooms)
        {
            if stays.iter().any(Stay::is_always) {
                always.push(*room);
            } else {
                at_times.push((*room, stays.to_vec()));
            }
        }
        let field = self.view.fields.room_id;
        let mut ways = vec![self.written_by(name)];
        if !always.is_empty() {
            ways.push(self.among(field, always.iter().map(RoomId::as_bytes)));
        }
        if !at_times.is_empty() {
            let columns = Arc::clone(&self.view.columns);
            let within = WithinStays { field, rooms: at_times, columns };
            ways.push(self.silent(Box::new(Settled::by(within))));
        }
        any(ways)
    }

    fn written_by(&self, name: &str) -> Boxed {
        let fields = &self.view.fields;
        let ids = self.beside.state.persons_called(name);
        let by_id = self.among(fields.from_id, ids.iter().map(PersonId::as_bytes));
        self.named((fields.from, name), by_id, ids.len())
    }

    fn mark(&self, mark: Mark) -> Sieve {
        match mark {
            Mark::Edited => Sieve::Among(Arc::clone(&self.beside.state.marks.edited)),
            Mark::Retracted => Sieve::Among(Arc::clone(&self.beside.state.marks.retracted)),
            Mark::Current => Sieve::NotAmong(Arc::clone(&self.beside.state.marks.fallen)),
        }
    }

    fn sieve(&self, sieve: Sieve) -> Boxed {
        self.silent(Box::new(sieve.query(&self.view.columns)))
    }

    /// Words in a row, or in order with others between them.
    fn phrase(&self, phrase: &[String], slop: u32, words: Words) -> Boxed {
        let terms: Vec<_> =
            phrase.iter().map(|token| Term::from_field_text(words.exact, token)).collect();
        match terms.as_slice() {
            [] => Box::new(EmptyQuery),
            [only] => scored(only.clone()),
            _ if slop == 0 => Box::new(PhraseQuery::new(terms)),
            _ => {
                let mut clauses: Vec<Boxed> = terms.iter().cloned().map(scored).collect();
                clauses.push(self.silent(Box::new(Settled::by(SlopPhrase { terms, slop }))));
                every(clauses)
            }
        }
    }

    /// Events with a value. It decides without counting towards the score.
    fn value(&self, field: Handle, value: impl AsRef<[u8]>) -> Boxed {
        self.keyword(Term::from_field_bytes(field, value.as_ref()))
    }

    fn keyword(&self, term: Term) -> Boxed {
        self.silent(Box::new(TermQuery::new(term, IndexRecordOption::Basic)))
    }

    /// Events that bear a name, or one of the ids that it stands for.
    fn named(&self, (field, name): (Handle, &str), by_id: Boxed, ids: usize) -> Boxed {
        let by_name = self.value(field, name);
        if ids == 0 { by_name } else { self.silent(Box::new(Either(by_name, by_id))) }
    }

    /// Events with one of these values.
    fn among(&self, field: Handle, values: impl Iterator<Item = impl AsRef<[u8]>>) -> Boxed {
        let mut terms: Vec<_> =
            values.map(|value| Term::from_field_bytes(field, value.as_ref())).collect();
        terms.sort_unstable();
        terms.dedup();
        match terms.len() {
            0 => Box::new(EmptyQuery),
            1 => self.keyword(terms.remove(0)),
            _ => self.silent(Box::new(TermSetQuery::new(terms))),
        }
    }

    fn silent(&self, query: Boxed) -> Boxed {
        if self.scoring { Box::new(ConstScoreQuery::new(query, 0.0)) } else { query }
    }

    /// What is in all of the second and none of the first.
    fn but(&self, unwanted: Vec<Boxed>, wanted: Vec<Boxed>) -> Boxed {
        if unwanted.is_empty() && !wanted.is_empty() {
            return every(wanted);
        }
        let mut clauses: Vec<(Occur, Boxed)> =
            wanted.into_iter().map(|query| (Occur::Must, query)).collect();
        if clauses.is_empty() {
            clauses.push((Occur::Must, self.silent(Box::new(AllQuery))));
        }
        for query in unwanted {
            clauses.push((Occur::MustNot, Box::new(Calm(query))));
        }
        Box::new(BooleanQuery::new(clauses))
    }
}

/// Which lists words are looked up in.
#[derive(Debug, Clone, Copy)]
struct Words {
    exact: Handle,
    stem: Handle,
}

/// Returns whether every match has one of the clause's own words, and so is content: then nothing need be said of kinds.
fn is_bound(clause: &Clause) -> bool {
    match clause {
        Clause::Word(_) | Clause::Phrase { .. } | Clause::Prefix(_) | Clause::Verbatim(_) => true,
        Clause::All(clauses) => clauses.iter().any(is_bound),
        Clause::Any(clauses) => clauses.iter().all(is_bound),
        Clause::Everything | Clause::Not(_) | Clause::Field(_) => false,
    }
}

/// A word's list, which counts towards the score.
fn scored(term: Term) -> Boxed {
    Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
}

fn every(mut queries: Vec<Boxed>) -> Boxed {
    match queries.len() {
        1 => queries.remove(0),
        _ => Box::new(BooleanQuery::intersection(queries)),
    }
}

/// What is in any of them, sought list by list (see [`Either`]); nothing where there are none. They are paired as in a
/// tournament, so that a hundred windows lie seven deep.
fn either_of(mut queries: Vec<Boxed>) -> Option<Boxed> {
    while queries.len() > 1 {
        let mut pairs = queries.into_iter();
        let mut next = Vec::new();
        while let Some(one) = pairs.next() {
            next.push(match pairs.next() {
                Some(other) => Box::new(Either(one, other)),
                None => one,
            });
        }
        queries = next;
    }
    queries.pop()
}

fn any(mut queries: Vec<Boxed>) -> Boxed {
    match queries.len() {
        1 => queries.remove(0),
        _ => Box::new(BooleanQuery::union(queries)),
    }
}
