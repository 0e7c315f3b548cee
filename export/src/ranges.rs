//! Lists of sequence numbers as text: `1-5,9,12-14`. Short where events lie together, and read without unfolding them.

use std::fmt;
use std::str::FromStr;

use chat::Seq;

/// Sequence numbers, strictly ascending, kept as ranges.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeqRanges {
    ranges: Vec<(Seq, Seq)>,
}

impl SeqRanges {
    /// Returns the ranges of a list that strictly ascends.
    pub fn of(seqs: &[Seq]) -> Self {
        let mut ranges: Vec<(Seq, Seq)> = Vec::new();
        for &seq in seqs {
            match ranges.last_mut() {
                Some((_, last)) if last.next() == seq => *last = seq,
                _ => ranges.push((seq, seq)),
            }
        }
        Self { ranges }
    }

    /// Returns how many numbers there are.
    pub fn count(&self) -> u64 {
        self.ranges.iter().map(|(first, last)| last.get() - first.get() + 1).sum()
    }

    /// Returns the lowest and the highest number.
    pub fn ends(&self) -> Option<(Seq, Seq)> {
        Some((self.ranges.first()?.0, self.ranges.last()?.1))
    }

    /// Returns whether a number is among them.
    pub fn contains(&self, seq: Seq) -> bool {
        let after = self.ranges.partition_point(|(first, _)| *first <= seq);
        after
            .checked_sub(1)
            .and_then(|at| self.ranges.get(at))
            .is_some_and(|(_, last)| seq <= *last)
    }

    /// Returns whether every number is among those of another list.
    pub fn is_within(&self, other: &Self) -> bool {
        self.ranges.iter().all(|(first, last)| {
            let after = other.ranges.partition_point(|(start, _)| start <= first);
            let around = after.checked_sub(1).and_then(|at| other.ranges.get(at));
            around.is_some_and(|(_, end)| last <= end)
        })
    }

    /// Returns the numbers one by one, ascending. It holds none of them.
    pub fn iter(&self) -> impl Iterator<Item = Seq> + '_ {
        self.ranges.iter().flat_map(|&(first, last)| {
            std::iter::successors(Some(first), move |&at| (at < last).then(|| at.next()))
        })
    }
}

impl fmt::Display for SeqRanges {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (first, last)) in self.ranges.iter().enumerate() {
            if at > 0 {
                out.write_str(",")?;
            }
            if first == last {
                write!(out, "{first}")?;
            } else {
                write!(out, "{first}-{last}")?;
            }
        }
        Ok(())
    }
}

/// Why a text is no list of sequence numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no ascending list of sequence numbers, such as 1-5,9")]
pub struct RangesError {
    /// The part that was found.
    pub found: String,
}

impl FromStr for SeqRanges {
    type Err = RangesError;

    /// Reads only what [`Display`](fmt::Display) writes, so that one list has one text.
    fn from_str(text: &str) -> Result<Self, RangesError> {
        let refuse = |part: &str| RangesError { found: part.chars().take(80).collect() };
        let number =
            |digits: &str| digits.parse::<Seq>().ok().filter(|seq| seq.to_string() == digits);
        let mut ranges: Vec<(Seq, Seq)> = Vec::new();
        for part in text.split(',').filter(|_| !text.is_empty()) {
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (number(first), number(last).filter(|_| first != last)),
                None => (number(part), number(part)),
            };
            let range = first.zip(last).filter(|(first, last)| first <= last);
            let range = range.filter(|(first, _)| {
                ranges.last().is_none_or(|(_, before)| before.next() < *first)
            });
            ranges.push(range.ok_or_else(|| refuse(part))?);
        }
        Ok(Self { ranges })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seqs(numbers: impl IntoIterator<Item = u64>) -> Vec<Seq> {
        numbers.into_iter().map(|number| Seq::new(number).unwrap()).collect()
    }

    #[test]
    fn neighbours_join_and_read_back() {
        let ranges = SeqRanges::of(&seqs([1, 2, 3, 9, 12, 13]));
        assert_eq!(ranges.to_string(), "1-3,9,12-13");
        assert_eq!(ranges.to_string().parse(), Ok(ranges.clone()));
        assert_eq!((ranges.count(), ranges.contains(Seq::FIRST)), (6, true));
        assert!(!ranges.contains(Seq::new(4).unwrap()));
        assert_eq!("".parse(), Ok(SeqRanges::default()));
    }

    #[test]
    fn a_list_has_one_text_only() {
        for text in [
            "0", "1,1", "2,1", "1-1", "3-1", "1,2", "1-2,3", "01", "1-", "-1", ",", "1,", " 1",
            "+1",
        ] {
            assert!(text.parse::<SeqRanges>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_huge_range_costs_nothing_to_read() {
        let ranges: SeqRanges = "1-9223372036854775807".parse().unwrap();
        assert_eq!(ranges.count(), i64::MAX.unsigned_abs());
    }

    proptest! {
        #[test]
        fn any_list_reads_back(numbers in proptest::collection::btree_set(1_u64..200, 0..60)) {
            let list = seqs(numbers);
            let ranges: SeqRanges = SeqRanges::of(&list).to_string().parse().unwrap();
            prop_assert_eq!(ranges.iter().collect::<Vec<_>>(), list);
        }
    }
}
