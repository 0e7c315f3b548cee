//! Walks over one segment: the newest matches, the oldest, the best, or just their number.
//!
//! Documents lie in order of time, latest first. So the newest matches are the first ones, and the walk ends as soon as
//! no later document can be among them; equal times are told apart by sequence, so a run of them is always finished.

use tantivy::index::SegmentReader;
use tantivy::query::{Scorer, Weight};
use tantivy::{DocId, DocSet as _, Score, TERMINATED};

use crate::columns::Columns;
use crate::ranked::{Highest, Rank, of_score, score_of};

/// Documents of the first window of a walk from the oldest; each further window is four times as wide.
const WINDOW_DOCS: DocId = 512;

/// Matches of a segment, by the engine's estimate, up to which scoring each of them costs less than walking twice.
const SCORED_DOCS_MAX: u32 = 4_096;

/// One segment, and what of it counts.
#[derive(Debug)]
pub(crate) struct Segment<'a> {
    /// The segment itself.
    pub(crate) reader: &'a SegmentReader,
    /// Its numbers.
    pub(crate) columns: &'a Columns,
    /// Events beyond this sequence number are not in the snapshot.
    pub(crate) size: u64,
}

impl Segment<'_> {
    /// Returns whether the snapshot holds every document of the segment.
    pub(crate) fn is_whole(&self) -> bool {
        self.columns.seq_range().1 <= self.size
    }

    fn is_beyond(&self) -> bool {
        self.columns.docs() == 0 || self.columns.seq_range().0 > self.size
    }

    /// Returns the number of matches.
    pub(crate) fn count(&self, weight: &dyn Weight) -> tantivy::Result<u64> {
        if self.is_beyond() {
            return Ok(0);
        }
        if self.is_whole() {
            return weight.count(self.reader).map(u64::from);
        }
        let mut count = 0;
        self.each(weight, |_| count += 1)?;
        Ok(count)
    }

    /// Calls `sink` with the sequence number of every match, in no order of it.
    pub(crate) fn each(
        &self,
        weight: &dyn Weight,
        mut sink: impl FnMut(u64),
    ) -> tantivy::Result<()> {
        if self.is_beyond() {
            return Ok(());
        }
        weight.for_each_no_score(self.reader, &mut |docs| {
            for &doc in docs {
                let seq = self.columns.seq(doc);
                if seq <= self.size {
                    sink(seq);
                }
            }
        })
    }

    /// Puts the newest matches into `found` and returns the number of all, in one walk: what a clause has looked up for the
    /// one serves the other.
    pub(crate) fn newest_and_count(
        &self,
        weight: &dyn Weight,
        found: &mut Highest,
    ) -> tantivy::Result<u64> {
        if self.is_beyond() {
            return Ok(0);
        }
        let mut scorer = weight.scorer(self.reader, 1.0)?;
        let mut count = 0;
        let is_later =
            |doc, found: &Highest| found.bar().is_none_or(|bar| self.columns.at(doc) >= bar.by);
        let mut doc = scorer.doc();
        while doc != TERMINATED && is_later(doc, found) {
            let seq = self.columns.seq(doc);
            count += u64::from(seq <= self.size);
            self.offer(seq, Rank { by: self.columns.at(doc), seq }, None, found);
            doc = scorer.advance();
        }
        // No later one can be among the newest: the rest is counted alone.
        if self.is_whole() {
            return Ok(count + u64::from(scorer.count_including_deleted()));
        }
        while doc != TERMINATED {
            count += u64::from(self.columns.seq(doc) <= self.size);
            doc = scorer.advance();
        }
        Ok(count)
    }

    /// Puts the newest matches that rank below `after` into `found`. Ranks are (event time, sequence).
    pub(crate) fn newest(
        &self,
        weight: &dyn Weight,
        after: Option<Rank>,
        found: &mut Highest,
    ) -> tantivy::Result<()> {
        let start = after.map_or(0, |after| self.columns.first_at_most(after.by));
        let is_hopeless = |doc| found.bar().is_some_and(|bar| self.columns.at(doc) < bar.by);
        if self.is_beyond() || start >= self.columns.docs() || is_hopeless(start) {
            return Ok(());
        }
        let mut scorer = weight.scorer(self.reader, 1.0)?;
        let mut doc = scorer.doc();
        if doc < start {
            doc = scorer.seek(start);
        }
        while doc != TERMINATED {
            let by = self.columns.at(doc);
            if found.bar().is_some_and(|bar| by < bar.by) {
                return Ok(());
            }
            let seq = self.columns.seq(doc);
            self.offer(seq, Rank { by, seq }, after, found);
            doc = scorer.advance();
        }
        Ok(())
    }

    /// Puts the oldest matches that come after `after` into `found`. Ranks are those of [`Rank::reversed`].
    ///
    /// Lists of documents can only be read forwards, so the walk goes back window by window.
    pub(crate) fn oldest(
        &self,
        weight: &dyn Weight,
        after: Option<Rank>,
        found: &mut Highest,
    ) -> tantivy::Result<()> {
        if self.is_beyond() {
            return Ok(());
        }
        let docs = self.columns.docs();
        let mut end = after.map_or(docs, |after| self.columns.first_below(after.reversed().by));
        let mut width = WINDOW_DOCS;
        while end > 0 {
            let is_later = |bar: Rank| self.columns.at(end - 1) > bar.reversed().by;
            if found.bar().is_some_and(is_later) {
                return Ok(());
            }
            let start = end.saturating_sub(width);
            self.window(weight, start, end, |rank| {
                self.offer(rank.seq, rank.reversed(), after, found);
            })?;
            end = start;
            width = width.saturating_mul(4);
        }
        Ok(())
    }

    fn window(
        &self,
        weight: &dyn Weight,
        start: DocId,
        end: DocId,
        mut sink: impl FnMut(Rank),
    ) -> tantivy::Result<()> {
        let mut scorer = weight.scorer(self.reader, 1.0)?;
        let mut doc = scorer.doc();
        if doc < start {
            doc = scorer.seek(start);
        }
        while doc < end {
            sink(Rank { by: self.columns.at(doc), seq: self.columns.seq(doc) });
            doc = scorer.advance();
        }
        Ok(())
    }

    /// Puts the best matches that rank below `after` into `found`, and returns the number of all where it `is_counting`. Ranks
    /// are (score, sequence).
    ///
    /// The engine can pass over what cannot be among the best where it `can_skip`, and then a second walk has to count. Where
    /// it cannot, or where there is little to pass over, every match is scored and counted at once. The two ways may differ
    /// in the last bit of a score, so every page of a search goes the same way.
    pub(crate) fn best(
        &self,
        weight: &dyn Weight,
        (can_skip, is_counting): (bool, bool),
        after: Option<Rank>,
        found: &mut Highest,
    ) -> tantivy::Result<u64> {
        if self.is_beyond() {
            return Ok(0);
        }
        let mut scorer = weight.scorer(self.reader, 1.0)?;
        if !can_skip || scorer.size_hint() <= SCORED_DOCS_MAX {
            return Ok(self.score_all(&mut *scorer, after, found));
        }
        drop(scorer);
        let count = if is_counting { self.count(weight)? } else { 0 };
        // What scores as the lowest kept may still come in by its sequence, so the bar is set just below.
        let bar = |found: &Highest| {
            found.bar().map_or(Score::NEG_INFINITY, |bar| score_of(bar.by).next_down())
        };
        let first = bar(found);
        weight.for_each_pruning(first, self.reader, &mut |doc, score| {
            let seq = self.columns.seq(doc);
            self.offer(seq, Rank { by: of_score(score), seq }, after, found);
            bar(found)
        })?;
        Ok(count)
    }

    /// Scores every match, offers those that may be among the best, and returns their number.
    fn score_all(&self, scorer: &mut dyn Scorer, after: Option<Rank>, found: &mut Highest) -> u64 {
        let (mut count, is_whole) = (0, self.is_whole());
        let mut doc = scorer.doc();
        while doc != TERMINATED {
            let by = of_score(scorer.score());
            let is_high = found.bar().is_none_or(|bar| by >= bar.by);
            if is_high || !is_whole {
                let seq = self.columns.seq(doc);
                count += u64::from(seq <= self.size);
                self.offer(seq, Rank { by, seq }, after, found);
            } else {
                count += 1;
            }
            doc = scorer.advance();
        }
        count
    }

    fn offer(&self, seq: u64, rank: Rank, after: Option<Rank>, found: &mut Highest) {
        if seq <= self.size && after.is_none_or(|after| rank < after) {
            found.push(rank);
        }
    }
}
