//! A field value that nobody has finds nothing, and says so with the nearest one (contract.md §3).

use index::Scope;
use query::{Clause, Field, Query};

use super::nearest::nearest;
use crate::problem::Result;
use crate::wiring::{Appliance, Named, Names};

/// Names that are compared with an unknown one.
const COMPARED_MAX: usize = 50_000;

/// Hexadecimal digits of an id.
const ID_DIGITS: usize = 32;

/// Returns a warning for every field value of a query that nothing has. A caller whose scope is not everything is told
/// nothing: the nearest name may be one of a room or a person that is not theirs to see.
pub(super) fn of(query: &Query, shared: &Appliance, scope: &Scope) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    if !scope.is_everything() {
        return Ok(warnings);
    }
    let mut waiting = vec![query.root()];
    while let Some(clause) = waiting.pop() {
        match clause {
            Clause::All(clauses) | Clause::Any(clauses) => waiting.extend(clauses.iter().rev()),
            Clause::Not(clause) => waiting.push(clause),
            Clause::Field(field) => warnings.extend(warning(field, shared, scope)?),
            Clause::Everything
            | Clause::Word(_)
            | Clause::Phrase { .. }
            | Clause::Prefix(_)
            | Clause::Verbatim(_) => {}
        }
    }
    Ok(warnings)
}

fn warning(field: &Field, shared: &Appliance, scope: &Scope) -> Result<Option<String>> {
    let names = shared.names();
    Ok(match field {
        Field::From(value) => unnamed("from", value, Named::Person, names),
        Field::Room(value) => unnamed("room", value, Named::Room, names),
        Field::Category(value) => unnamed("category", value, Named::Category, names),
        Field::Source(value) => unnamed("source", value, Named::Source, names),
        Field::To(value) => {
            // Whom somebody mentions need not be known otherwise.
            let others = shared.index.other_values(field, scope, 0)?;
            others.and_then(|_| unnamed("to", value, Named::Person, names))
        }
        Field::Participant(value) => {
            // Whom a list of members names need not be known otherwise.
            let others = shared.index.other_values(field, scope, 0)?;
            others.and_then(|_| unnamed("participant", value, Named::Person, names))
        }
        Field::File(value) => unused("file", value, field, shared, scope)?,
        Field::Extension(value) => unused("ext", value, field, shared, scope)?,
        Field::Thread(value) => unused("thread", value, field, shared, scope)?,
        Field::Kind(_)
        | Field::Has(_)
        | Field::Language(_)
        | Field::Is(_)
        | Field::Time { .. }
        | Field::Seqs { .. } => None,
    })
}

/// Warns of a name that the ledger does not know.
fn unnamed(word: &str, value: &str, sort: Named, names: &Names) -> Option<String> {
    let is_id = value.len() == ID_DIGITS && value.bytes().all(|digit| digit.is_ascii_hexdigit());
    let known = names.known(sort);
    if is_id || known.contains_key(value) {
        return None;
    }
    let nearest = nearest(value, known.into_iter().take(COMPARED_MAX));
    Some(told(format!("nobody and nothing is called {word}:{value}"), nearest))
}

/// Warns of a value that no event has.
fn unused(
    word: &str,
    value: &str,
    field: &Field,
    shared: &Appliance,
    scope: &Scope,
) -> Result<Option<String>> {
    let others = shared.index.other_values(field, scope, COMPARED_MAX)?;
    Ok(others.map(|others| {
        let nearest = nearest(value, others.into_iter().map(|other| (other.clone(), other)));
        told(format!("no event has {word}:{value}"), nearest)
    }))
}

fn told(what: String, nearest: Option<String>) -> String {
    match nearest {
        Some(nearest) => format!("{what}; the nearest is {nearest}"),
        None => what,
    }
}
