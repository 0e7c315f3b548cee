//! The words that are searched for: drawn from the corpus itself, by how many messages hold them.

use std::collections::{HashMap, HashSet};

use chat::testing::SeededRng;

use crate::corpus::Line;

/// Words of one class.
#[derive(Debug)]
pub(crate) struct Class {
    pub(crate) name: &'static str,
    pub(crate) words: Vec<String>,
}

/// Returns so many words of each class of performance.md §2.3: rare (5 to 50 messages), middle (0.05 to 0.5 %), frequent (2 to 20 %).
pub(crate) fn classes(lines: &[Line], count: usize) -> Vec<Class> {
    let mut held: HashMap<&str, usize> = HashMap::new();
    for line in lines {
        let words = line.text.split(|letter: char| !letter.is_ascii_alphabetic());
        let words: HashSet<_> = words.filter(|word| word.len() > 2).collect();
        for word in
            words.into_iter().filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()))
        {
            *held.entry(word).or_default() += 1;
        }
    }
    let total = lines.len();
    let class = |name, range: std::ops::RangeInclusive<usize>| {
        let mut words: Vec<_> = held
            .iter()
            .filter(|(_, messages)| range.contains(messages))
            .map(|(word, _)| *word)
            .collect();
        words.sort_unstable();
        Class { name, words: draw(&words, count) }
    };
    vec![
        class("rare", 5..=50),
        class("middle", total / 2_000..=total / 200),
        class("frequent", total / 50..=total / 5),
    ]
}

fn draw(words: &[&str], count: usize) -> Vec<String> {
    let rng = SeededRng::new(3);
    let bound = u64::try_from(words.len()).unwrap_or(1).max(1);
    let place = || usize::try_from(rng.below(bound)).unwrap_or(0);
    (0..count).filter_map(|_| words.get(place())).map(|word| (*word).to_owned()).collect()
}
