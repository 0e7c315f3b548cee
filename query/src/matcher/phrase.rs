//! Finds words that stand together, in one pass whatever they repeat.
//!
//! Words are numbered 0, 1, … as they come; their positions ascend and leave a gap between two parts of an event.

use std::collections::HashMap;
use std::ops::RangeInclusive;

/// Returns the runs of adjacent words that hold an exact phrase, overlapping finds joined, in ascending order.
///
/// `same(i, j)` says whether the words i and j of the phrase are equal, `is(i, word)` whether a word of the event equals word i of the
/// phrase. Both must be one and the same equivalence: this is the search of Knuth, Morris and Pratt.
pub(crate) fn exact(
    length: usize,
    positions: impl Iterator<Item = u32>,
    same: impl Fn(usize, usize) -> bool,
    is: impl Fn(usize, usize) -> bool,
) -> Vec<RangeInclusive<usize>> {
    let mut runs = Vec::new();
    for_each_exact(length, positions, same, is, |found| join(&mut runs, found));
    runs
}

/// Calls `sink` for each run of adjacent words that holds an exact phrase, in ascending order; they may overlap.
pub(super) fn for_each_exact(
    length: usize,
    positions: impl Iterator<Item = u32>,
    same: impl Fn(usize, usize) -> bool,
    is: impl Fn(usize, usize) -> bool,
    mut sink: impl FnMut(RangeInclusive<usize>),
) {
    let borders = borders(length, same);
    let (mut matched, mut expected) = (0, None);
    for (word, position) in positions.enumerate() {
        if expected != Some(position) {
            matched = 0;
        }
        expected = position.checked_add(1);
        while matched > 0 && !is(matched, word) {
            matched = borders[matched - 1];
        }
        if length > 0 && is(matched, word) {
            matched += 1;
        }
        if length > 0 && matched == length {
            matched = borders[matched - 1];
            sink(word + 1 - length..=word);
        }
    }
}

/// Adds a run that starts no earlier than those before it, and joins it to the last where they overlap.
pub(super) fn join(runs: &mut Vec<RangeInclusive<usize>>, found: RangeInclusive<usize>) {
    match runs.last_mut() {
        Some(last) if found.start() <= last.end() => *last = *last.start()..=*found.end(),
        Some(_) | None => runs.push(found),
    }
}

/// Returns for each beginning of the phrase the length of its longest proper end that is also its beginning.
fn borders(length: usize, same: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let mut borders = vec![0; length];
    let mut matched = 0;
    for at in 1..length {
        while matched > 0 && !same(matched, at) {
            matched = borders[matched - 1];
        }
        if same(matched, at) {
            matched += 1;
        }
        borders[at] = matched;
    }
    borders
}

/// A phrase in order with other words between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    first: usize,
    last: usize,
    /// Words between that are not of the phrase.
    between: u32,
}

/// Returns the words that form a phrase with at most `slop` others between them, ascending and without repeats.
pub(crate) fn near(terms: &[String], slop: u32, words: &[(u32, &str)]) -> Vec<usize> {
    let mut found = vec![false; words.len()];
    for_each_window(terms, words, |window| {
        if window.between > slop {
            return;
        }
        // From its first word on, taking each next word of the phrase as it comes stays within the window.
        let mut wanted = terms.iter().peekable();
        for index in window.first..=window.last {
            if wanted.next_if(|next| *next == words[index].1).is_some() {
                found[index] = true;
            }
        }
    });
    (0..words.len()).filter(|&index| found[index]).collect()
}

/// Returns how few other words stand between those of a phrase where they come in order, or nothing where they never do.
pub(crate) fn fewest_between(terms: &[String], words: &[(u32, &str)]) -> Option<u32> {
    let mut fewest = None;
    for_each_window(terms, words, |window| {
        fewest = Some(fewest.map_or(window.between, |least: u32| least.min(window.between)));
    });
    fewest
}

/// Calls `sink` for each last word of the phrase with the shortest window that ends at it.
///
/// For every beginning of the phrase the latest word is kept at which it can start; a later start is always as good.
fn for_each_window(terms: &[String], words: &[(u32, &str)], mut sink: impl FnMut(Window)) {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, term) in terms.iter().enumerate() {
        places.entry(term).or_default().push(place);
    }
    let mut starts: Vec<Option<usize>> = vec![None; terms.len()];
    for (index, &(position, term)) in words.iter().enumerate() {
        for &place in places.get(term).into_iter().flatten().rev() {
            let start = if place == 0 { Some(index) } else { starts[place - 1] };
            starts[place] = start;
            let (Some(first), true) = (start, place + 1 == terms.len()) else { continue };
            let spanned = position - words[first].0 + 1;
            let of_phrase = u32::try_from(terms.len()).unwrap_or(u32::MAX);
            sink(Window { first, last: index, between: spanned.saturating_sub(of_phrase) });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn exact_runs(phrase: &str, text: &str) -> Vec<RangeInclusive<usize>> {
        let (phrase, words) = (split(phrase), split(text));
        exact(
            phrase.len(),
            0..u32::try_from(words.len()).unwrap(),
            |i, j| phrase[i] == phrase[j],
            |i, word| phrase[i] == words[word],
        )
    }

    fn with_positions(words: &[String]) -> Vec<(u32, &str)> {
        (0..).zip(words.iter().map(String::as_str)).collect()
    }

    #[test]
    fn an_exact_phrase_is_found_wherever_it_stands() {
        assert_eq!(exact_runs("a b", "a b x a a b"), [0..=1, 4..=5]);
        assert_eq!(exact_runs("a a", "a a a"), [0..=2]);
        assert_eq!(exact_runs("a b a", "a b a b a x"), [0..=4]);
        assert_eq!(exact_runs("a b", "b a"), []);
    }

    #[test]
    fn a_gap_in_positions_parts_a_phrase() {
        let found = exact(2, [0, 100].into_iter(), |i, j| i == j, |i, word| i == word);
        assert_eq!(found, []);
    }

    #[test]
    fn the_budget_counts_all_words_between() {
        let (phrase, words) = (split("a b c"), split("a x b y z c"));
        let words = with_positions(&words);
        assert_eq!(fewest_between(&phrase, &words), Some(3));
        assert_eq!(near(&phrase, 3, &words), [0, 2, 5]);
        assert_eq!(near(&phrase, 2, &words), []);
        assert_eq!(fewest_between(&split("b a"), &words), None);
    }

    #[test]
    fn a_repeated_word_needs_two_places() {
        let words = split("a x a");
        assert_eq!(near(&split("a a"), 1, &with_positions(&words)), [0, 2]);
        assert_eq!(near(&split("a a a"), 9, &with_positions(&words)), []);
    }

    #[test]
    fn repetition_costs_no_more_than_its_length() {
        let words = vec!["a".to_owned(); 100_000];
        let phrase = vec!["a".to_owned(); 64];
        assert_eq!(near(&phrase, 99, &with_positions(&words)).len(), 100_000);
        let mut phrase = vec!["a".to_owned(); 2_000];
        phrase.push("b".to_owned());
        let positions = 0..100_000;
        let found =
            exact(2_001, positions, |i, j| phrase[i] == phrase[j], |i, w| phrase[i] == words[w]);
        assert_eq!(found, []);
    }

    /// Returns the fewest words between over every choice of ascending places, as the definition says.
    fn naive(phrase: &[String], words: &[String]) -> Option<u32> {
        let choices = last_places(phrase, words, 0);
        let between = choices.into_iter().map(|(first, last)| last + 1 - first - phrase.len());
        between.min().map(|between| u32::try_from(between).unwrap())
    }

    /// Returns the first and last place of every choice from a place on.
    fn last_places(phrase: &[String], words: &[String], from: usize) -> Vec<(usize, usize)> {
        let (head, tail) = phrase.split_first().unwrap();
        let firsts = (from..words.len()).filter(|&place| words[place] == *head);
        firsts
            .flat_map(|first| {
                let lasts = match tail {
                    [] => vec![(first, first)],
                    _ => last_places(tail, words, first + 1),
                };
                lasts.into_iter().map(move |(_, last)| (first, last))
            })
            .collect()
    }

    proptest! {
        #[test]
        fn windows_are_those_of_the_definition(phrase in "[abc]( [abc]){0,3}", text in "[abc]( [abcx]){0,9}") {
            let (phrase, words) = (split(&phrase), split(&text));
            let expected = naive(&phrase, &words);
            prop_assert_eq!(fewest_between(&phrase, &with_positions(&words)), expected);
            for slop in 0..6 {
                let found = !near(&phrase, slop, &with_positions(&words)).is_empty();
                prop_assert_eq!(found, expected.is_some_and(|between| between <= slop));
            }
            let contained = words.windows(phrase.len()).any(|window| window == phrase);
            prop_assert_eq!(!exact_runs(&phrase.join(" "), &text).is_empty(), contained);
        }
    }
}
