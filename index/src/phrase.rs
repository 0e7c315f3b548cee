//! Phrases with words between: the engine's own slop counts a swap as a distance, ours never swaps (see
//! [`query::Clause::Phrase`]), so positions are compared here.

use tantivy::index::SegmentReader;
use tantivy::postings::{Postings as _, SegmentPostings};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet as _, TERMINATED, Term};

use crate::settled::Settle;

/// Terms in order with at most so many other tokens between the first and the last, all together.
#[derive(Debug)]
pub(crate) struct SlopPhrase {
    /// The terms, two or more, of one field.
    pub(crate) terms: Vec<Term>,
    /// Other tokens between them at most.
    pub(crate) slop: u32,
}

impl Settle for SlopPhrase {
    fn settle(&self, reader: &SegmentReader) -> tantivy::Result<Vec<DocId>> {
        let mut lists = Vec::with_capacity(self.terms.len());
        for term in &self.terms {
            let words = reader.inverted_index(term.field())?;
            match words.read_postings(term, IndexRecordOption::WithFreqsAndPositions)? {
                Some(list) => lists.push(list),
                None => return Ok(Vec::new()),
            }
        }
        let mut positions = vec![Vec::new(); lists.len()];
        let mut docs = Vec::new();
        while let Some(doc) = meet(&mut lists) {
            for (list, positions) in lists.iter_mut().zip(&mut positions) {
                list.positions(positions);
            }
            if is_in_order(&positions, self.slop) {
                docs.push(doc);
            }
            if let Some(first) = lists.first_mut() {
                first.advance();
            }
        }
        Ok(docs)
    }
}

/// Moves the lists on to the next document that is in all of them.
fn meet(lists: &mut [SegmentPostings]) -> Option<DocId> {
    let mut target = lists.first()?.doc();
    loop {
        let mut furthest = target;
        for list in lists.iter_mut() {
            if list.doc() < target {
                list.seek(target);
            }
            furthest = furthest.max(list.doc());
        }
        if furthest == TERMINATED {
            return None;
        }
        if furthest == target {
            return Some(target);
        }
        target = furthest;
    }
}

/// Returns whether there are p₁ < p₂ < … < pₖ, one of each list, with pₖ − p₁ + 1 − k ≤ slop. For each p₁, taking the
/// nearest next position every time gives the smallest pₖ.
fn is_in_order(positions: &[Vec<u32>], slop: u32) -> bool {
    let Some((first, rest)) = positions.split_first() else { return false };
    let between = u32::try_from(rest.len()).unwrap_or(u32::MAX);
    let mut places = vec![0_usize; rest.len()];
    for &start in first {
        let mut last = start;
        for (list, place) in rest.iter().zip(&mut places) {
            // Starts ascend, so what lay before the last start's places lies before this one's.
            while list.get(*place).is_some_and(|&position| position <= last) {
                *place += 1;
            }
            let Some(&next) = list.get(*place) else { return false };
            last = next;
        }
        if (last - start).saturating_sub(between) <= slop {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(positions: &[&[u32]], slop: u32, expected: bool) {
        let lists: Vec<_> = positions.iter().map(|list| list.to_vec()).collect();
        assert_eq!(is_in_order(&lists, slop), expected, "{positions:?} ~{slop}");
    }

    #[test]
    fn words_between_count_all_together() {
        check(&[&[0], &[1]], 0, true);
        check(&[&[0], &[3]], 1, false);
        check(&[&[0], &[3]], 2, true);
        check(&[&[0], &[2], &[4]], 1, false);
        check(&[&[0], &[2], &[4]], 2, true);
    }

    #[test]
    fn order_is_never_swapped() {
        check(&[&[5], &[4]], 99, false);
        check(&[&[5], &[4, 7]], 1, true);
        check(&[&[2, 9], &[2, 9]], 5, false);
        check(&[&[2, 9], &[2, 9]], 6, true);
    }

    #[test]
    fn a_later_start_may_be_the_nearer_one() {
        check(&[&[0, 10], &[11]], 0, true);
        check(&[&[0, 1, 20], &[5, 21], &[6, 30]], 8, true);
        check(&[&[0, 1, 20], &[5, 21], &[6, 30]], 3, true);
        check(&[&[0, 1, 20], &[5, 21], &[6, 30]], 2, false);
    }
}
