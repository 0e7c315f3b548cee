//! Which of the names that there are is most like one that nobody has.

/// Letters of two names that are compared at most: beyond them, names are as near as these are.
const COMPARED_LETTERS_MAX: usize = 64;

/// Returns the nearest of some names, which are given folded and as they are written; nothing where there are none.
///
/// The fewer letters must be put in, left out or replaced, the nearer. A name that begins with the other one, and one of
/// whose words is the other one or nearly so, is near as well: people ask for `bob` and mean `Bob Smith`.
pub(super) fn nearest(
    value: &str,
    names: impl Iterator<Item = (String, String)>,
) -> Option<String> {
    let begins = value.ends_with('*');
    let value: Vec<char> = letters(value.trim_end_matches('*'));
    let rank = |(folded, written): (String, String)| {
        let name = letters(&folded);
        (steps(&value, &name, begins), name.len().abs_diff(value.len()), written)
    };
    names.map(rank).min().map(|(_, _, written)| written)
}

fn letters(name: &str) -> Vec<char> {
    name.chars().take(COMPARED_LETTERS_MAX).collect()
}

/// Returns how far two names are from one another, in half letters; `begins` says that the first is only to begin the second.
fn steps(value: &[char], name: &[char], begins: bool) -> usize {
    let is_start = name.starts_with(value) || (name.len() > 2 && value.starts_with(name));
    let by_start = is_start.then_some(usize::from(!begins));
    let words =
        name.split(|letter| !letter.is_alphanumeric()).filter(|word| word.len() < name.len());
    let by_word = words.map(|word| 2 * distance(value, word) + 1).min();
    let whole = Some(2 * distance(value, name));
    [by_start, by_word, whole].into_iter().flatten().min().unwrap_or(usize::MAX)
}

/// Returns by how many letters two names differ (Levenshtein).
fn distance(one: &[char], other: &[char]) -> usize {
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
    use super::*;

    #[test]
    fn names_differ_by_letters_put_in_left_out_or_replaced() {
        for (one, other, expected) in
            [("#rom1", "#room1", 1), ("ada", "ada", 0), ("ab", "ba", 2), ("", "ab", 2)]
        {
            assert_eq!(distance(&letters(one), &letters(other)), expected, "{one} {other}");
        }
    }

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        for (value, names, expected) in [
            ("bob", vec!["U2", "Bob Smith", "Bob@Example.com"], "Bob Smith"),
            ("smyth", vec!["Bob Smith", "Smuts", "U2"], "Bob Smith"),
            ("#rom1", vec!["#room1", "#room22", "rum"], "#room1"),
            ("gen*", vec!["ben", "general"], "general"),
            ("general-renamed", vec!["random", "general"], "general"),
            ("budget.xlsx", vec!["budget.xls", "plan.pdf"], "budget.xls"),
            ("fx", vec!["Legal"], "Legal"),
        ] {
            let names =
                names.into_iter().map(|name| (query::analysis::fold(name), name.to_owned()));
            assert_eq!(nearest(value, names).as_deref(), Some(expected), "{value}");
        }
        assert_eq!(nearest("bob", std::iter::empty()), None);
    }
}
