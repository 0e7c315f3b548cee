//! One search: from what was asked to the hits of a page, over the committed segments and the tail alike.

use chat::Seq;
use query::{Analysed, Clause, Query as Asked, holds};
use tantivy::query::{EnableScoring, Query as _, Weight};

use crate::cursor::{Binding, Bookmark};
use crate::error::{Error, Result};
use crate::lower::{Beside, Lowering, Verify};
use crate::page::{Answer, Hit, Order, Page};
use crate::ranked::{Highest, Rank, score_of};
use crate::scope::Scope;
use crate::shared::Sight;
use crate::snapshot::Snapshot;
use crate::state::StateAt;
use crate::time_limit::TimeLimit;
use crate::view::View;
use crate::walk::Segment;
use crate::word_list::WordList;

/// A search that has found its snapshot and what to look at.
pub(crate) struct Search<'a> {
    pub(crate) asked: &'a Asked,
    pub(crate) scope: &'a Scope,
    pub(crate) snapshot: Snapshot,
    pub(crate) sight: Sight,
    /// The number by which cursors by relevance name the committed state.
    pub(crate) reader: u64,
    pub(crate) state: StateAt,
    pub(crate) verify: Verify,
}

impl Search<'_> {
    /// Gives the search a time to end in.
    pub(crate) fn within(mut self, limit: TimeLimit) -> Self {
        self.verify.limit = limit;
        self
    }

    /// Returns one page and the exact count.
    pub(crate) fn page(&self, page: &Page, bookmark: Option<&Bookmark>) -> Result<Answer> {
        let (weight, is_one_list) = self.lists(self.asked, page.order == Order::Score)?;
        let recent: Vec<_> = self.recent(self.asked).collect();
        // One more than asked for tells whether there is another page.
        let mut found = Highest::of(if page.limit == 0 { 0 } else { page.limit + 1 });
        let after = bookmark.map(|bookmark| Rank { by: bookmark.rank, seq: bookmark.seq });
        let after = if page.order == Order::Oldest { after.map(Rank::reversed) } else { after };
        if page.limit > 0 {
            offer_recent(&recent, page.order, after, &mut found);
        }
        let counted = self.walk((&*weight, is_one_list), page, after, &mut found)?;
        let count = match bookmark {
            Some(bookmark) => bookmark.count,
            None => counted.saturating_add(u64::try_from(recent.len()).unwrap_or(u64::MAX)),
        };
        let mut ranks = found.into_ranks();
        let is_more = ranks.len() > page.limit;
        ranks.truncate(page.limit);
        let next = ranks.last().filter(|_| is_more).map(|last| {
            let last = if page.order == Order::Oldest { last.reversed() } else { *last };
            let reader = if page.order == Order::Score { self.reader } else { 0 };
            let (rank, seq) = (last.by, last.seq);
            let bookmark = Bookmark { snapshot: self.snapshot, count, rank, seq, reader };
            bookmark.seal(Binding::of(self.asked, self.scope, page.order))
        });
        let hits = ranks.into_iter().filter_map(|rank| hit(rank, page.order)).collect();
        Ok(Answer { snapshot: self.snapshot, count, hits, next })
    }

    /// Returns the sequence numbers of all matches, ascending.
    pub(crate) fn seqs(&self) -> Result<Vec<Seq>> {
        let weight = self.weight(self.asked, false)?;
        let mut seqs: Vec<u64> = self.recent(self.asked).map(|rank| rank.seq).collect();
        for segment in self.sight.view.segments(self.snapshot.size) {
            self.engine(segment.each(&*weight, |seq| seqs.push(seq)))?;
        }
        seqs.sort_unstable();
        Ok(seqs.into_iter().filter_map(Seq::new).collect())
    }

    /// Returns the lists of a query within the scope.
    pub(crate) fn weight(&self, asked: &Asked, scoring: bool) -> Result<Box<dyn Weight>> {
        self.lists(asked, scoring).map(|(weight, _)| weight)
    }

    /// Returns the same, and whether they are one list, whose length is its count.
    fn lists(&self, asked: &Asked, scoring: bool) -> Result<(Box<dyn Weight>, bool)> {
        let view: &View = &self.sight.view;
        let beside = Beside { state: &self.state, verify: &self.verify };
        let query = Lowering::of(asked, view, beside, scoring).query(asked, self.scope);
        let scoring = if scoring {
            EnableScoring::enabled_from_searcher(&view.searcher)
        } else {
            EnableScoring::disabled_from_searcher(&view.searcher)
        };
        let is_one_list = query.is::<WordList>();
        Ok((self.engine(query.weight(scoring))?, is_one_list))
    }

    /// Walks over the segments and returns how many matches they hold, for a first page. Each segment is counted and
    /// walked in one go, so that what it has looked up for the one serves the other.
    fn walk(
        &self,
        (weight, is_one_list): (&dyn Weight, bool),
        page: &Page,
        after: Option<Rank>,
        found: &mut Highest,
    ) -> Result<u64> {
        let is_counting = page.cursor.is_none();
        let mut count = 0;
        let can_skip = can_skip(self.asked.root(), self.sight.view.languages.is_empty());
        let mut look = |segment: Segment<'_>| {
            let is_at_once = page.limit > 0
                && match page.order {
                    Order::Newest => is_counting && !is_one_list,
                    Order::Oldest => false,
                    Order::Score => true,
                };
            if is_counting && !is_at_once {
                count += segment.count(weight)?;
            }
            match page.order {
                _ if page.limit == 0 => {}
                Order::Newest if is_at_once => count += segment.newest_and_count(weight, found)?,
                Order::Newest => segment.newest(weight, after, found)?,
                Order::Oldest => segment.oldest(weight, after, found)?,
                Order::Score => {
                    count += segment.best(weight, (can_skip, is_counting), after, found)?;
                }
            }
            Ok(())
        };
        let visit = |segment: Segment<'_>| {
            self.verify.limit.check()?;
            self.engine(look(segment))
        };
        let mut segments = self.sight.view.segments(self.snapshot.size);
        if page.order == Order::Oldest {
            segments.rev().try_for_each(visit)?;
        } else {
            segments.try_for_each(visit)?;
        }
        Ok(count)
    }

    /// Returns the matches of the tail with their times, in order of the log.
    pub(crate) fn recent(&self, asked: &Asked) -> impl Iterator<Item = Rank> {
        let is_found = |event: &Analysed| {
            asked.covers(event.kind()) && holds(asked.root(), event, &self.state)
        };
        let events =
            self.sight.recent.iter().filter(move |event| {
                self.scope.covers(&event.bearings) && is_found(&event.analysed)
            });
        events.map(|event| {
            let analysed = &event.analysed;
            Rank { by: analysed.at().micros(), seq: analysed.seq().get() }
        })
    }

    /// Turns the engine's fault into ours, or into what a clause kept beside where that was the cause.
    pub(crate) fn engine<T>(&self, outcome: tantivy::Result<T>) -> Result<T> {
        outcome.map_err(|fault| match self.verify.faults.lock().take() {
            Some(fault) => fault,
            None => Error::EngineFailed { action: "search", source: fault },
        })
    }
}

/// Returns whether the engine can pass over matches that cannot be among the best: in unions and intersections of single words
/// without stems, whose lists say the highest score of each of their blocks.
fn can_skip(clause: &Clause, is_without_stems: bool) -> bool {
    let is_word = |clause: &Clause| match clause {
        Clause::Word(_) => is_without_stems,
        Clause::Phrase { tokens, .. } => tokens.len() == 1,
        Clause::Everything
        | Clause::All(_)
        | Clause::Any(_)
        | Clause::Not(_)
        | Clause::Prefix(_)
        | Clause::Verbatim(_)
        | Clause::Field(_) => false,
    };
    match clause {
        Clause::All(clauses) | Clause::Any(clauses) => clauses.iter().all(is_word),
        Clause::Everything
        | Clause::Not(_)
        | Clause::Word(_)
        | Clause::Phrase { .. }
        | Clause::Prefix(_)
        | Clause::Verbatim(_)
        | Clause::Field(_) => is_word(clause),
    }
}

/// Puts the matches of the tail that come after `after` into `found`.
fn offer_recent(recent: &[Rank], order: Order, after: Option<Rank>, found: &mut Highest) {
    for rank in recent {
        let rank = if order == Order::Oldest { rank.reversed() } else { *rank };
        if after.is_none_or(|after| rank < after) {
            found.push(rank);
        }
    }
}

fn hit(rank: Rank, order: Order) -> Option<Hit> {
    Some(match order {
        Order::Newest => Hit { seq: Seq::new(rank.seq)?, score: None },
        Order::Oldest => Hit { seq: Seq::new(rank.reversed().seq)?, score: None },
        Order::Score => Hit { seq: Seq::new(rank.seq)?, score: Some(score_of(rank.by)) },
    })
}
