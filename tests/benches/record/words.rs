//! What is searched for: words, phrases and pairs drawn from the corpus itself, the same ones in every run.

use std::collections::{HashMap, HashSet};

use chat::testing::SeededRng;

use crate::corpus::Line;

const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;
/// Lines that are looked at for one drawing, at most.
const TRIES_MAX: usize = 100_000;

/// Words of one class.
#[derive(Debug)]
pub(crate) struct Class {
    pub(crate) name: &'static str,
    pub(crate) words: Vec<String>,
}

/// A word in a room within thirty days.
#[derive(Debug)]
pub(crate) struct Corner {
    pub(crate) word: String,
    pub(crate) room: String,
    /// The first day and the day after the last, as microseconds.
    pub(crate) from: i64,
    pub(crate) until: i64,
}

/// The words of the corpus, and how many messages hold each.
pub(crate) struct Vocabulary<'a> {
    lines: &'a [Line],
    held: HashMap<&'a str, usize>,
    rng: SeededRng,
}

impl<'a> Vocabulary<'a> {
    /// Counts the words.
    pub(crate) fn of(lines: &'a [Line]) -> Self {
        let mut held: HashMap<&str, usize> = HashMap::new();
        for line in lines {
            for word in plain_words(&line.text).collect::<HashSet<_>>() {
                *held.entry(word).or_default() += 1;
            }
        }
        Self { lines, held, rng: SeededRng::new(3) }
    }

    /// Returns so many words of each class of performance.md §2.3: rare (5 to 50 messages), middle (0.05 to 0.5 %),
    /// frequent (2 to 20 %).
    pub(crate) fn classes(&self, count: usize) -> Vec<Class> {
        let total = self.lines.len();
        let class = |name, range: std::ops::RangeInclusive<usize>| {
            let within = self.held.iter().filter(|(_, messages)| range.contains(messages));
            let mut words: Vec<_> = within.map(|(word, _)| *word).collect();
            words.sort_unstable();
            let draw = |_| words.get(self.below(words.len())).map(|word| (*word).to_owned());
            Class { name, words: (0..count).filter_map(draw).collect() }
        };
        vec![
            class("rare", 5..=50),
            class("middle", total / 2_000..=total / 200),
            class("frequent", total / 50..=total / 5),
        ]
    }

    /// Returns phrases of two words that stand side by side in some message.
    pub(crate) fn phrases(&self, count: usize) -> Vec<String> {
        self.draw(count, |line| {
            let words: Vec<_> = line.text.split(' ').collect();
            let place = self.below(words.len().saturating_sub(1));
            let pair = words.get(place..place + 2)?;
            let is_plain = |word: &&str| self.held.contains_key(*word);
            pair.iter().all(is_plain).then(|| format!("\"{}\"", pair.join(" ")))
        })
    }

    /// Returns pairs of different words that some message holds together, neither of them rare, joined by an operator.
    pub(crate) fn pairs(&self, operator: &str, count: usize) -> Vec<String> {
        self.draw(count, |line| {
            let is_usual = |word: &&str| self.held.get(*word).is_some_and(|held| *held > 50);
            let words: Vec<_> = plain_words(&line.text).filter(is_usual).collect();
            let (one, other) =
                (words.get(self.below(words.len()))?, words.get(self.below(words.len()))?);
            (one != other).then(|| format!("\"{one}\" {operator} \"{other}\""))
        })
    }

    /// Returns words of some message with its room and thirty days around it.
    pub(crate) fn corners(&self, count: usize) -> Vec<Corner> {
        self.draw(count, |line| {
            let words: Vec<_> = plain_words(&line.text).collect();
            let word = (*words.get(self.below(words.len()))?).to_owned();
            let from = (line.micros() / DAY_MICROS - 15) * DAY_MICROS;
            Some(Corner { word, room: line.room.clone(), from, until: from + 30 * DAY_MICROS })
        })
    }

    fn draw<T>(&self, count: usize, of: impl Fn(&'a Line) -> Option<T>) -> Vec<T> {
        let lines = (0..TRIES_MAX).filter_map(|_| self.lines.get(self.below(self.lines.len())));
        lines.filter_map(of).take(count).collect()
    }

    fn below(&self, count: usize) -> usize {
        let bound = u64::try_from(count).unwrap_or(1).max(1);
        usize::try_from(self.rng.below(bound)).unwrap_or(0)
    }
}

/// Returns the words of a text that every analysis takes the same way: ASCII letters, small, more than two.
fn plain_words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.filter(|word| word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}
