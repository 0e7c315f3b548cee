//! Why an event matches a query, or why not, clause by clause, in words an officer can act on.

mod field;
mod words;

use crate::ast::Clause;
use crate::matcher::{Analysed, Evaluation, Marks};
use crate::query::Query;

/// A query held against one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Whether the event matches: the same answer as [`crate::matches`] gives.
    pub matched: bool,
    /// Each clause in the order of the interpreted query, one that has parts before its parts.
    pub clauses: Vec<ClauseVerdict>,
}

/// What came of one clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClauseVerdict {
    /// The clause as interpreted.
    pub clause: String,
    /// How many clauses it is a part of.
    pub depth: usize,
    /// Whether the clause by itself holds. Under a `NOT` the event needs it not to.
    pub matched: bool,
    /// The reason, as a sentence without its full stop.
    pub why: String,
}

/// Returns why an event matches a query, or why it does not.
///
/// ```
/// use query::{Analysed, Query, Unmarked, Zone, explain};
/// # let event = chat::testing::message(1, 1, 1, "net of all taxes, loss");
/// # let recorded = chat::Recorded { seq: chat::Seq::FIRST, place_seq: None, place_prev: None, recorded_at: event.at, event };
/// // The text is "net of all taxes, loss"
/// let analysed = Analysed::of(&recorded, None);
/// let explanation = explain(&Query::parse("\"net loss\"~2", &Zone::Utc)?, &analysed, &Unmarked);
/// assert!(!explanation.matched);
/// assert_eq!(
///     explanation.clauses[0].why,
///     "the words stand in this order with 3 others between them at least, at most 2 are allowed"
/// );
/// # Ok::<(), query::QueryError>(())
/// ```
pub fn explain(query: &Query, event: &Analysed, marks: &dyn Marks) -> Explanation {
    let mut explainer = Explainer { event, marks, verdicts: Vec::new() };
    let covered = query.covers(event.kind());
    if !covered {
        explainer.verdicts.push(not_covered(event));
    }
    let holds = explainer.judge(query.root(), 0);
    Explanation { matched: covered && holds, clauses: explainer.verdicts }
}

fn not_covered(event: &Analysed) -> ClauseVerdict {
    let word = event.kind().word();
    let why = if crate::analysis::is_searchable_kind(event.kind()) {
        format!(
            "the event is of kind {word}, which is searched only where the query says kind:{word}"
        )
    } else {
        "officers' acts are found by the audit alone".to_owned()
    };
    ClauseVerdict {
        clause: "the kinds that the query covers".to_owned(),
        depth: 0,
        matched: false,
        why,
    }
}

struct Explainer<'a> {
    event: &'a Analysed,
    marks: &'a dyn Marks,
    verdicts: Vec<ClauseVerdict>,
}

impl Explainer<'_> {
    /// Judges a clause and its parts and returns whether it holds.
    fn judge(&mut self, clause: &Clause, depth: usize) -> bool {
        let place = self.verdicts.len();
        let text = clause.to_string();
        self.verdicts.push(ClauseVerdict {
            clause: text,
            depth,
            matched: false,
            why: String::new(),
        });
        let (matched, why) = self.reason(clause, depth);
        if let Some(verdict) = self.verdicts.get_mut(place) {
            verdict.matched = matched;
            verdict.why = why;
        }
        matched
    }

    fn reason(&mut self, clause: &Clause, depth: usize) -> (bool, String) {
        match clause {
            Clause::Everything => (true, "an empty query asks for everything".to_owned()),
            Clause::All(clauses) => {
                let holding = self.holding(clauses, depth);
                let why = format!("{holding} of {} hold, all are needed", clauses.len());
                (holding == clauses.len(), why)
            }
            Clause::Any(clauses) => {
                let holding = self.holding(clauses, depth);
                (holding > 0, format!("{holding} of {} hold, one is enough", clauses.len()))
            }
            Clause::Not(inner) => {
                let holds = self.judge(inner, depth + 1);
                let why =
                    if holds { "what must not hold does" } else { "what must not hold does not" };
                (!holds, why.to_owned())
            }
            Clause::Field(field) => {
                let matched = Evaluation::new(self.event, self.marks).field_holds(field);
                (matched, field::reason(field, matched, self.event, self.marks))
            }
            Clause::Word(_) | Clause::Phrase { .. } | Clause::Prefix(_) | Clause::Verbatim(_) => {
                words::reason(clause, self.event)
            }
        }
    }

    fn holding(&mut self, clauses: &[Clause], depth: usize) -> usize {
        clauses.iter().filter(|clause| self.judge(clause, depth + 1)).count()
    }
}

#[cfg(test)]
mod tests;
