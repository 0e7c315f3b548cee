//! What later events did to earlier ones. Documents of the index never change, so marks are kept beside them: for each
//! event, the place in the log of the first event that edited it or took it back. As of a snapshot, a mark holds if that
//! place is within it.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use chat::{EventKind, Recorded, Seq};
use query::Mark;
use roaring::RoaringTreemap;
use tantivy::query::{EnableScoring, Query as _, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet as _, TERMINATED, Term};

use crate::error::{Error, Result};
use crate::schema::TARGET;
use crate::view::View;

/// The kinds that mark the event they target.
const MARKING: [EventKind; 3] = [EventKind::Edit, EventKind::Replace, EventKind::Retract];

/// For each marked event, the first event that marked it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    edited: BTreeMap<u64, u64>,
    retracted: BTreeMap<u64, u64>,
}

/// Marks as of a snapshot.
#[derive(Debug, Clone)]
pub(crate) struct MarksAt {
    /// Events that a later version replaced.
    pub(crate) edited: Arc<RoaringTreemap>,
    /// Events that were taken back.
    pub(crate) retracted: Arc<RoaringTreemap>,
    /// Both together: events that do not stand.
    pub(crate) fallen: Arc<RoaringTreemap>,
}

impl Marks {
    /// Reads the marks back from a committed state.
    pub(crate) fn read(view: &View) -> Result<Self> {
        let mut marks = Self::default();
        for kind in MARKING {
            marks.read_kind(view, kind).map_err(Error::engine("read the marks"))?;
        }
        Ok(marks)
    }

    fn read_kind(&mut self, view: &View, kind: EventKind) -> tantivy::Result<()> {
        let term = Term::from_field_bytes(view.fields.kind, kind.word().as_bytes());
        let query = TermQuery::new(term, IndexRecordOption::Basic);
        let weight = query.weight(EnableScoring::disabled_from_searcher(&view.searcher))?;
        for segment in view.segments(u64::MAX) {
            let targets = segment.reader.fast_fields().u64(TARGET)?;
            let mut scorer = weight.scorer(segment.reader, 1.0)?;
            while scorer.doc() != TERMINATED {
                if let Some(target) = targets.first(scorer.doc()) {
                    self.note(kind, target, segment.columns.seq(scorer.doc()));
                }
                scorer.advance();
            }
        }
        Ok(())
    }

    /// Takes in an event, in any order and as often as it comes.
    pub(crate) fn apply(&mut self, recorded: &Recorded) {
        if let Some(target) = recorded.event.target
            && MARKING.contains(&recorded.event.kind)
        {
            self.note(recorded.event.kind, target.get(), recorded.seq.get());
        }
    }

    fn note(&mut self, kind: EventKind, target: u64, seq: u64) {
        let marks = if kind == EventKind::Retract { &mut self.retracted } else { &mut self.edited };
        let first = marks.entry(target).or_insert(seq);
        *first = seq.min(*first);
    }

    /// Returns no marks: what a query that asks for none is given, since gathering them costs a step for each.
    pub(crate) fn none() -> MarksAt {
        static NONE: LazyLock<MarksAt> = LazyLock::new(|| Marks::default().at(0));
        NONE.clone()
    }

    /// Returns the marks that hold as of the first `size` events.
    pub(crate) fn at(&self, size: u64) -> MarksAt {
        let within = |marks: &BTreeMap<u64, u64>| -> RoaringTreemap {
            let held = marks.iter().filter(|&(&target, &by)| target <= size && by <= size);
            held.map(|(&target, _)| target).collect()
        };
        let (edited, retracted) = (within(&self.edited), within(&self.retracted));
        let fallen = Arc::new(&edited | &retracted);
        MarksAt { edited: Arc::new(edited), retracted: Arc::new(retracted), fallen }
    }
}

impl MarksAt {
    /// Returns whether the event bears the mark.
    pub(crate) fn is(&self, seq: Seq, mark: Mark) -> bool {
        match mark {
            Mark::Edited => self.edited.contains(seq.get()),
            Mark::Retracted => self.retracted.contains(seq.get()),
            Mark::Current => !self.fallen.contains(seq.get()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_holds_from_the_event_that_made_it() {
        let mut marks = Marks::default();
        marks.note(EventKind::Edit, 3, 9);
        marks.note(EventKind::Edit, 3, 7);
        marks.note(EventKind::Retract, 7, 11);
        let seq = |number| Seq::new(number).unwrap();
        let before = marks.at(6);
        assert!(before.is(seq(3), Mark::Current) && !before.is(seq(3), Mark::Edited));
        let between = marks.at(7);
        assert!(between.is(seq(3), Mark::Edited) && between.is(seq(7), Mark::Current));
        let after = marks.at(11);
        assert!(after.is(seq(7), Mark::Retracted) && !after.is(seq(7), Mark::Current));
        assert!(after.is(seq(4), Mark::Current));
    }
}
