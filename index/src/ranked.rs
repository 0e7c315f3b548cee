//! The best hits so far, bounded: what a page keeps while segments and the tail are walked.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Where a hit stands in an order by time. Compares by time, then by sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Rank {
    /// Event time in microseconds, or a score's bits in their order.
    pub(crate) by: i64,
    /// Sequence number.
    pub(crate) seq: u64,
}

impl Rank {
    /// Returns the rank in the opposite order; twice gives the rank itself.
    pub(crate) const fn reversed(self) -> Self {
        Self { by: !self.by, seq: !self.seq }
    }
}

/// Keeps the highest ranks, at most so many.
#[derive(Debug)]
pub(crate) struct Highest {
    heap: BinaryHeap<Reverse<Rank>>,
    limit: usize,
}

impl Highest {
    /// Returns an empty list for so many ranks.
    pub(crate) fn of(limit: usize) -> Self {
        Self { heap: BinaryHeap::with_capacity(limit.saturating_add(1)), limit }
    }

    /// Takes a rank in if it is among the highest so far.
    pub(crate) fn push(&mut self, rank: Rank) {
        self.heap.push(Reverse(rank));
        if self.heap.len() > self.limit {
            self.heap.pop();
        }
    }

    /// Returns the lowest rank kept, once the list is full: nothing at or below it can come in any more.
    pub(crate) fn bar(&self) -> Option<Rank> {
        if self.heap.len() < self.limit { None } else { self.heap.peek().map(|lowest| lowest.0) }
    }

    /// Returns the ranks, highest first.
    pub(crate) fn into_ranks(self) -> Vec<Rank> {
        self.heap.into_sorted_vec().into_iter().map(|rank| rank.0).collect()
    }
}

/// Turns a score into a number that orders as the score does.
pub(crate) fn of_score(score: f32) -> i64 {
    let bits = score.to_bits();
    let ordered = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
    i64::from(ordered)
}

/// Turns the number of [`of_score`] back into the score.
pub(crate) fn score_of(by: i64) -> f32 {
    let ordered = u32::try_from(by).unwrap_or_default();
    f32::from_bits(if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_are_kept_in_order() {
        let mut highest = Highest::of(3);
        for (by, seq) in [(5, 1), (9, 2), (5, 7), (1, 3), (5, 4)] {
            highest.push(Rank { by, seq });
        }
        assert_eq!(highest.bar(), Some(Rank { by: 5, seq: 4 }));
        let seqs: Vec<_> = highest.into_ranks().iter().map(|rank| rank.seq).collect();
        assert_eq!(seqs, [2, 7, 4]);
    }

    #[test]
    fn a_reversed_order_is_the_opposite_one() {
        let ranks = [(i64::MIN, 1), (-1, 5), (0, 2), (0, 3), (i64::MAX, 1)];
        for pair in ranks.map(|(by, seq)| Rank { by, seq }).windows(2) {
            assert!(pair[0] < pair[1] && pair[0].reversed() > pair[1].reversed());
            assert_eq!(pair[0].reversed().reversed(), pair[0]);
        }
    }

    #[test]
    fn a_score_comes_back_and_keeps_its_order() {
        let scores = [-1.5_f32, -0.0, 0.0, 0.25, 3.5, f32::MAX];
        for pair in scores.windows(2) {
            assert!(of_score(pair[0]) < of_score(pair[1]), "{pair:?}");
        }
        for score in scores {
            assert_eq!(score_of(of_score(score)).to_bits(), score.to_bits());
        }
    }
}
