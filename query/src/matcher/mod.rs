//! The one matcher: whether an event matches a query, and where. It judges one event at a time and knows no index, so it
//! serves what is not indexed yet, highlights, explanations, holds and alerts alike.
//!
//! The cost is linear in the event's words times the query's clauses (once more for each level that its parentheses nest), whatever
//! either of them says.

mod analysed;
mod evaluate;
mod highlight;
mod phrase;
mod written;

pub use analysed::Analysed;
pub(crate) use analysed::Word;
pub(crate) use evaluate::{Evaluation, WordTest, found_words, terms};
pub(crate) use phrase::fewest_between;

use chat::{PersonId, RoomId, Seq, SourceId, Timestamp};

use crate::analysis::Part;
use crate::ast::{Clause, Mark};
use crate::presence::Stay;
use crate::query::Query;

/// What is known about events, rooms, persons and sources beside the events themselves, as of one snapshot.
pub trait Marks {
    /// Returns whether the event bears the mark.
    fn is(&self, seq: Seq, mark: Mark) -> bool;
    /// Returns whether the room is in the category of this folded name.
    fn room_is_in(&self, room: &RoomId, category: &str) -> bool;
    /// Returns whether the source bears this folded name.
    fn source_is(&self, source: &SourceId, name: &str) -> bool;
    /// Returns whether the person bears this folded name, address or id of a source, whatever an event of theirs says.
    fn person_is(&self, person: &PersonId, name: &str) -> bool;
    /// Returns whether the room bears this folded name or id of a source, whatever an event in it says.
    fn room_is(&self, room: &RoomId, name: &str) -> bool;
    /// Returns whether a folded name that an event of the source mentions is another one of whoever bears this name there.
    fn mention_means(&self, source: &SourceId, mentioned: &str, name: &str) -> bool;
    /// Returns whether the room is one of direct messages in which someone of this folded name, address or id takes part.
    fn is_direct_with(&self, room: &RoomId, name: &str) -> bool;
    /// Returns the stay of someone of this folded name, address or id in the room that holds the moment, if there is one
    /// (see [`crate::Presence`]).
    fn stay(&self, room: &RoomId, at: Timestamp, name: &str) -> Option<Stay>;
}

/// The marks of an archive in which nothing was ever edited, categorised or named.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unmarked;

impl Marks for Unmarked {
    fn is(&self, _seq: Seq, mark: Mark) -> bool {
        mark == Mark::Current
    }

    fn room_is_in(&self, _room: &RoomId, _category: &str) -> bool {
        false
    }

    fn source_is(&self, _source: &SourceId, _name: &str) -> bool {
        false
    }

    fn person_is(&self, _person: &PersonId, _name: &str) -> bool {
        false
    }

    fn room_is(&self, _room: &RoomId, _name: &str) -> bool {
        false
    }

    fn mention_means(&self, _source: &SourceId, _mentioned: &str, _name: &str) -> bool {
        false
    }

    fn is_direct_with(&self, _room: &RoomId, _name: &str) -> bool {
        false
    }

    fn stay(&self, _room: &RoomId, _at: Timestamp, _name: &str) -> Option<Stay> {
        None
    }
}

/// How an event matches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Match {
    /// What to highlight in the event's text: half-open ranges of Unicode code points, ascending, never touching. Empty where
    /// the match lies in a title, a file's name or a field.
    pub highlights: Vec<(usize, usize)>,
    /// The same for the other parts that the match lies in: a title, a topic, the names of files. None is empty.
    pub elsewhere: Vec<(Part, Vec<(usize, usize)>)>,
}

/// Returns how an event matches a query, or nothing where it does not.
///
/// ```
/// use query::{Analysed, Query, Unmarked, Zone, matches};
/// # let event = chat::testing::message(1, 1, 1, "We were meeting the Meeting-Room committee.");
/// # let recorded = chat::Recorded { seq: chat::Seq::FIRST, place_seq: None, place_prev: None, recorded_at: event.at, event };
/// // The text is "We were meeting the Meeting-Room committee."
/// let analysed = Analysed::of(&recorded, query::analysis::Language::named("en"));
/// let query = Query::parse("\"meeting room\" OR meet", &Zone::Utc)?;
/// let found = matches(&query, &analysed, &Unmarked).unwrap();
/// assert_eq!(found.highlights, [(8, 15), (20, 27), (28, 32)]);
/// # Ok::<(), query::QueryError>(())
/// ```
pub fn matches(query: &Query, event: &Analysed, marks: &dyn Marks) -> Option<Match> {
    if !query.covers(event.kind()) {
        return None;
    }
    let evaluation = Evaluation::new(event, marks);
    let matched = evaluation.holds(query.root());
    matched.then(|| evaluation.highlights(query.root()))
}

/// Returns whether one clause holds for an event, whatever kinds a query with it would cover. The index asks this of the
/// candidates of a clause that its lists alone cannot decide.
pub fn holds(clause: &Clause, event: &Analysed, marks: &dyn Marks) -> bool {
    Evaluation::new(event, marks).holds(clause)
}

#[cfg(test)]
mod tests;
