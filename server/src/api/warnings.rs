//! A field value that nobody has finds nothing, and says so with the nearest name (contract.md §3).

use query::{Clause, Field, Query};

use crate::wiring::{Named, Names};

/// Names that are compared with an unknown one.
const COMPARED_MAX: usize = 50_000;
/// Letters that a near name may differ by.
const DISTANCE_MAX: usize = 3;

/// Returns a warning for every field value of a query that nobody has.
pub(super) fn of(query: &Query, names: &Names) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut waiting = vec![query.root()];
    while let Some(clause) = waiting.pop() {
        match clause {
            Clause::All(clauses) | Clause::Any(clauses) => waiting.extend(clauses.iter().rev()),
            Clause::Not(clause) => waiting.push(clause),
            Clause::Field(field) => {
                if let Some((word, value, named)) = asked(field) {
                    warnings.extend(warning(word, value, named, names));
                }
            }
            Clause::Everything
            | Clause::Word(_)
            | Clause::Phrase { .. }
            | Clause::Prefix(_)
            | Clause::Verbatim(_) => {}
        }
    }
    warnings
}

fn asked(field: &Field) -> Option<(&'static str, &str, Named)> {
    match field {
        Field::From(value) => Some(("from", value, Named::Person)),
        Field::Room(value) => Some(("room", value, Named::Room)),
        Field::Category(value) => Some(("category", value, Named::Category)),
        Field::Source(value) => Some(("source", value, Named::Source)),
        Field::To(_)
        | Field::Kind(_)
        | Field::Has(_)
        | Field::File(_)
        | Field::Extension(_)
        | Field::Language(_)
        | Field::Thread(_)
        | Field::Is(_)
        | Field::Time { .. }
        | Field::Seqs { .. } => None,
    }
}

fn warning(word: &str, value: &str, sort: Named, names: &Names) -> Option<String> {
    let is_id = value.len() == 32 && value.bytes().all(|digit| digit.is_ascii_hexdigit());
    let known = names.known(sort);
    if is_id || known.contains_key(value) {
        return None;
    }
    let nearest = known
        .iter()
        .take(COMPARED_MAX)
        .map(|(folded, written)| (distance(value, folded), written))
        .filter(|(distance, _)| *distance <= DISTANCE_MAX.min(value.chars().count()))
        .min();
    Some(match nearest {
        Some((_, written)) => {
            format!("nobody and nothing is called {word}:{value}; the nearest is {written}")
        }
        None => format!("nobody and nothing is called {word}:{value}"),
    })
}

/// Returns by how many letters two words differ (Levenshtein), or one more than is of interest.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > DISTANCE_MAX {
        return DISTANCE_MAX + 1;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, against) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != against);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or(one.len())
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn words_differ_by_letters_put_in_left_out_or_replaced() {
        for (one, other, expected) in
            [("#rom1", "#room1", 1), ("ada", "ada", 0), ("ab", "ba", 2), ("", "ab", 2)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }
}
