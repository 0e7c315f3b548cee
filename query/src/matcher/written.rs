//! Finds words as they are written: with their case and accents, and with what stands between and around them.
//!
//! The text that is asked for begins and ends anywhere: `=C++` asks for `++` after the word, `=.NET` for the dot before it. One white
//! space is as good as another, and composed letters are the same as decomposed ones. The words are found in one pass, as in a phrase.

use std::ops::RangeInclusive;

use unicode_normalization::UnicodeNormalization as _;

use super::analysed::{Analysed, Word};
use super::phrase::{for_each_exact, join};
use crate::analysis::{Token, tokens};

/// Returns the words that stand in an event as a text is written, as runs in ascending order.
pub(super) fn written_runs(text: &str, event: &Analysed) -> Vec<RangeInclusive<usize>> {
    let mut runs = Vec::new();
    let Some(asked) = Asked::of(text) else { return runs };
    if asked.words.len() == 1 {
        for word in (0..event.words().len()).filter(|&word| asked.is_whole(word, word, event)) {
            join(&mut runs, word..=word);
        }
        return runs;
    }
    // Every word but the last is compared with what stands after it; that is one equivalence over all of them.
    let count = asked.words.len() - 1;
    let positions = event.words().map(Word::position);
    let same = |one: usize, other: usize| asked.are_same(one, other);
    let is = |of_asked: usize, word: usize| asked.is_followed(of_asked, word, event);
    for_each_exact(count, positions, same, is, |found| {
        let (first, last) = (*found.start(), *found.end() + 1);
        if asked.is_whole(first, last, event) {
            join(&mut runs, first..=last);
        }
    });
    runs
}

/// A text that is asked for as it is written.
struct Asked<'a> {
    text: &'a str,
    words: Vec<Token>,
}

impl<'a> Asked<'a> {
    /// Takes a text apart; nothing where it has no words.
    fn of(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let words = tokens(text);
        (!words.is_empty()).then_some(Self { text, words })
    }

    fn written(&self, index: usize) -> &'a str {
        &self.text[self.words[index].start..self.words[index].end]
    }

    /// Returns what stands between a word, which is not the last, and the next. Both may be of one sign, such as ½.
    fn after(&self, index: usize) -> &'a str {
        self.text.get(self.words[index].end..self.words[index + 1].start).unwrap_or_default()
    }

    fn are_same(&self, one: usize, other: usize) -> bool {
        self.words[one].term == self.words[other].term
            && same_writing(self.written(one), self.written(other))
            && same_between(self.after(one), self.after(other))
    }

    fn is_word(&self, index: usize, word: Word<'_>) -> bool {
        self.words[index].term == word.term() && same_writing(self.written(index), word.written())
    }

    /// Returns whether a word of the event is this one and followed by the same.
    fn is_followed(&self, index: usize, word: usize, event: &Analysed) -> bool {
        if word + 1 >= event.words().len() {
            return false;
        }
        let (word, next) = (event.word(word), event.word(word + 1));
        word.part_index() == next.part_index()
            && self.is_word(index, word)
            && same_between(
                self.after(index),
                word.part_text().get(word.bytes().1..next.bytes().0).unwrap_or_default(),
            )
    }

    /// Returns whether the last word is there and the text around the words is too, where all that is between them is known to be.
    fn is_whole(&self, first: usize, last: usize, event: &Analysed) -> bool {
        let end = self.words.len() - 1;
        let (first, last) = (event.word(first), event.word(last));
        let before = &self.text[..self.words[0].start];
        let behind = &self.text[self.words[end].end..];
        self.is_word(end, last)
            && first.part_text()[..first.bytes().0].ends_with(before)
            && last.part_text()[last.bytes().1..].starts_with(behind)
    }
}

fn same_writing(one: &str, other: &str) -> bool {
    one == other || (!(one.is_ascii() && other.is_ascii()) && one.nfc().eq(other.nfc()))
}

fn same_between(one: &str, other: &str) -> bool {
    one == other || spaced(one).eq(spaced(other))
}

/// Returns the characters of a text with each run of white space as one space.
fn spaced(text: &str) -> impl Iterator<Item = char> {
    let mut before = None;
    text.chars().filter_map(move |character| {
        let space = character.is_whitespace();
        let repeated = space && before == Some(true);
        before = Some(space);
        (!repeated).then_some(if space { ' ' } else { character })
    })
}
