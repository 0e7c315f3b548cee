//! Why the rules refuse something. Every refusal names the object, the fault and, where there is one, the nearest right form.

use chat::Family;

use crate::role::Role;

/// The result of what this crate does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something is refused. Nothing here fails for another reason: this crate touches nothing that can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A word that names none of a list.
    #[error("{found:?} is no {what}; the nearest is {nearest:?}")]
    WordUnknown {
        /// What was asked for.
        what: &'static str,
        /// What was found, cut to 80 characters.
        found: String,
        /// The word of the list that is the fewest changes away.
        nearest: &'static str,
    },
    /// Two roles that one person may not hold.
    #[error("{one} and {other} may not be one person's; grant one of them to somebody else")]
    RolesConflict {
        /// The one.
        one: Role,
        /// The other.
        other: Role,
    },
}

impl Error {
    /// Returns the family of the error: a refusal, always.
    pub const fn family(&self) -> Family {
        Family::Refused
    }

    /// Refuses a word, with the nearest of those that would do.
    pub(crate) fn unknown_word(what: &'static str, found: &str, known: &[&'static str]) -> Self {
        let found: String = found.chars().take(80).collect();
        let nearest = known.iter().copied().min_by_key(|word| changes(&found, word)).unwrap_or("");
        Self::WordUnknown { what, found, nearest }
    }
}

/// Returns how many letters have to be put in, taken out or replaced to make one word the other.
fn changes(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut corner = index;
        let mut left = index + 1;
        for (cell, sought) in row.iter_mut().skip(1).zip(&other) {
            let replaced = corner + usize::from(letter != *sought);
            corner = *cell;
            left = replaced.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
