//! A parsed query, and what its readers ask of it.

use std::collections::BTreeSet;

use chat::EventKind;

use crate::analysis::is_searchable_kind;
use crate::ast::{Clause, Field};
use crate::error::QueryError;
use crate::parser;
use crate::zone::Zone;

/// A query that was understood. It holds no clock and no zone any more: its times are moments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    text: String,
    root: Clause,
    named_kinds: Vec<EventKind>,
}

impl Query {
    /// Reads a query (contract.md §3). Bare dates are in `zone`. An empty text asks for everything.
    ///
    /// Errors name the column, what stands there, what could, and a query that would do. The cost is linear in the length of
    /// the text, which [`chat::limits::QUERY_BYTES_MAX`] bounds.
    ///
    /// ```
    /// use query::{Query, Zone};
    ///
    /// let query = Query::parse("budget -draft on:2024-03-04", &Zone::named("Europe/Berlin")?)?;
    /// assert_eq!(
    ///     query.interpreted(),
    ///     "budget AND NOT draft AND during:2024-03-03T23:00:00.000000Z..2024-03-04T22:59:59.999999Z"
    /// );
    /// let refused = Query::parse("budget (draft", &Zone::Utc).unwrap_err();
    /// assert_eq!(refused.column, 8);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(text: &str, zone: &Zone) -> Result<Self, QueryError> {
        let root = parser::parse(text, *zone)?;
        let mut named_kinds = Vec::new();
        collect_kinds(&root, true, &mut named_kinds);
        named_kinds.sort_unstable();
        named_kinds.dedup();
        Ok(Self { text: text.to_owned(), root, named_kinds })
    }

    /// Returns the query as it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the whole condition.
    pub const fn root(&self) -> &Clause {
        &self.root
    }

    /// Returns the query as it was understood: words folded, every operator spoken, times as ranges in UTC. Parsing it
    /// gives the same clauses in any zone, unless it is longer than a query may be.
    pub fn interpreted(&self) -> String {
        self.root.to_string()
    }

    /// Returns whether the query can find events of this kind at all: the kinds of content search, and those that a `kind:`
    /// asks for (one under a `NOT` asks for nothing). Whoever searches joins this with the root clause.
    pub fn covers(&self, kind: EventKind) -> bool {
        is_searchable_kind(kind)
            && (kind.is_searched_by_default() || self.named_kinds.binary_search(&kind).is_ok())
    }

    /// Returns every kind that the query covers, in the order of their codes.
    pub fn kinds(&self) -> impl Iterator<Item = EventKind> {
        EventKind::KNOWN.iter().copied().filter(|&kind| self.covers(kind))
    }

    /// Returns the kinds that the query covers beyond those of content search.
    pub fn further_kinds(&self) -> impl Iterator<Item = EventKind> {
        let is_further =
            |kind: &EventKind| is_searchable_kind(*kind) && !kind.is_searched_by_default();
        self.named_kinds.iter().copied().filter(is_further)
    }

    /// Returns the folded names of every `participant:`, each once, in no order that matters: whoever judges the query needs
    /// the [`crate::Presence`] of each.
    pub fn participants(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        collect_participants(&self.root, &mut names);
        names
    }

    /// Returns whether the answer depends on marks, which hold as of a snapshot.
    pub fn uses_marks(&self) -> bool {
        uses_marks(&self.root)
    }
}

/// Collects the kinds that are asked for: those under an even number of negations.
fn collect_kinds(clause: &Clause, asked: bool, kinds: &mut Vec<EventKind>) {
    match clause {
        Clause::All(clauses) | Clause::Any(clauses) => {
            for clause in clauses {
                collect_kinds(clause, asked, kinds);
            }
        }
        Clause::Not(inner) => collect_kinds(inner, !asked, kinds),
        Clause::Field(Field::Kind(kind)) if asked => kinds.push(*kind),
        Clause::Everything
        | Clause::Word(_)
        | Clause::Phrase { .. }
        | Clause::Prefix(_)
        | Clause::Verbatim(_)
        | Clause::Field(_) => {}
    }
}

fn collect_participants<'a>(clause: &'a Clause, names: &mut BTreeSet<&'a str>) {
    match clause {
        Clause::All(clauses) | Clause::Any(clauses) => {
            for clause in clauses {
                collect_participants(clause, names);
            }
        }
        Clause::Not(inner) => collect_participants(inner, names),
        Clause::Field(Field::Participant(name)) => {
            names.insert(name);
        }
        Clause::Everything
        | Clause::Word(_)
        | Clause::Phrase { .. }
        | Clause::Prefix(_)
        | Clause::Verbatim(_)
        | Clause::Field(_) => {}
    }
}

fn uses_marks(clause: &Clause) -> bool {
    match clause {
        Clause::All(clauses) | Clause::Any(clauses) => clauses.iter().any(uses_marks),
        Clause::Not(inner) => uses_marks(inner),
        Clause::Field(field) => matches!(field, Field::Is(_)),
        Clause::Everything
        | Clause::Word(_)
        | Clause::Phrase { .. }
        | Clause::Prefix(_)
        | Clause::Verbatim(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, kind: EventKind, expected: bool) {
        let query = Query::parse(text, &Zone::Utc).unwrap();
        assert_eq!(query.covers(kind), expected, "{text} {}", kind.word());
    }

    #[test]
    fn content_search_covers_what_people_said() {
        for text in ["", "budget", "-kind:join", "NOT (a kind:join)"] {
            check(text, EventKind::Message, true);
            check(text, EventKind::Edit, true);
            check(text, EventKind::Join, false);
        }
    }

    #[test]
    fn a_kind_that_is_asked_for_is_covered() {
        for text in ["kind:join", "budget OR kind:join", "NOT NOT kind:join"] {
            check(text, EventKind::Join, true);
            check(text, EventKind::Leave, false);
            let query = Query::parse(text, &Zone::Utc).unwrap();
            assert!(query.further_kinds().eq([EventKind::Join]), "{text}");
        }
    }

    #[test]
    fn officers_acts_are_never_covered() {
        assert!(Query::parse("kind:officer", &Zone::Utc).is_err());
        check("kind:message", EventKind::Officer, false);
        check("", EventKind::Unknown(0x8fff), false);
    }

    #[test]
    fn participants_are_named_wherever_they_are_asked_for() {
        let text = "a (participant:Bob OR -participant:Ann) participant:bob from:carl";
        let query = Query::parse(text, &Zone::Utc).unwrap();
        assert!(query.participants().into_iter().eq(["ann", "bob"]));
    }

    #[test]
    fn only_marks_are_marks() {
        assert!(Query::parse("a (b OR -is:edited)", &Zone::Utc).unwrap().uses_marks());
        assert!(!Query::parse("edited has:edit", &Zone::Utc).unwrap().uses_marks());
    }
}
