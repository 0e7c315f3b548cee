//! Foreign words on a page: cut where the query matched, with marks that would hide or reorder text made visible.

/// A stretch of text that either matched or did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    /// The words.
    pub(super) text: String,
    /// Whether the query matched here.
    pub(super) is_match: bool,
}

/// Cuts a text at half-open ranges of code points, ascending or not, overlapping or not.
pub(super) fn cut(text: &str, ranges: &[[usize; 2]]) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for (index, character) in text.chars().enumerate() {
        let is_match = ranges.iter().any(|[start, end]| (*start..*end).contains(&index));
        match stretches.last_mut() {
            Some(last) if last.is_match == is_match => push(&mut last.text, character),
            _ => {
                let mut text = String::new();
                push(&mut text, character);
                stretches.push(Stretch { text, is_match });
            }
        }
    }
    stretches
}

/// Returns a text with hidden marks made visible.
pub(super) fn shown(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, character| {
        push(&mut shown, character);
        shown
    })
}

/// Adds a character, or its number where it is a control character or reorders what stands around it. Joiners stay:
/// emoji and some scripts need them.
fn push(text: &mut String, character: char) {
    use std::fmt::Write as _;
    let is_hidden = matches!(
        character,
        '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    ) || (character.is_control() && !matches!(character, '\n' | '\t'));
    if is_hidden {
        write!(text, "[U+{:04X}]", u32::from(character)).expect("a String takes every write");
    } else {
        text.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_it_matched() {
        let stretch = |text: &str, is_match| Stretch { text: text.to_owned(), is_match };
        assert_eq!(
            cut("für Ihre Akten", &[[4, 8]]),
            [stretch("für ", false), stretch("Ihre", true), stretch(" Akten", false)]
        );
        assert_eq!(cut("ab", &[[0, 1], [1, 2]]), [stretch("ab", true)]);
        assert!(cut("", &[[0, 9]]).is_empty());
    }

    #[test]
    fn marks_that_reorder_text_are_seen() {
        assert_eq!(shown("a\u{202e}b\u{0}"), "a[U+202E]b[U+0000]");
    }
}
