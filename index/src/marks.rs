//! What later events did to earlier ones. Documents of the index never change, so marks are kept beside them: for each
//! version, which event it replaced, and for each event that was taken back, the place in the log where that was done.
//!
//! An event and all that replaced it, directly or through one another, are one family: sources say of an edit which message
//! it began as, or which version it followed, and both mean the same. The latest version stands, unless any was taken back.
//! As of a snapshot, only what lies within it counts.

use std::collections::{BTreeMap, HashMap, HashSet};
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

/// What each version replaced, and what was taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// For each version, the event that it replaces, which is always an earlier one.
    replaced: BTreeMap<u64, u64>,
    /// For each event that was taken back, the first event that did so.
    retracted: BTreeMap<u64, u64>,
}

/// Marks as of a snapshot.
#[derive(Debug, Clone)]
pub(crate) struct MarksAt {
    /// Events that a later version replaced.
    pub(crate) edited: Arc<RoaringTreemap>,
    /// All versions of what was taken back.
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
        // Nothing can be done to an event that has not happened yet; without this, versions could go round in a circle.
        if target >= seq {
            return;
        }
        if kind == EventKind::Retract {
            let first = self.retracted.entry(target).or_insert(seq);
            *first = seq.min(*first);
        } else {
            self.replaced.insert(seq, target);
        }
    }

    /// Returns no marks: what a query that asks for none is given, since gathering them costs a step for each.
    pub(crate) fn none() -> MarksAt {
        static NONE: LazyLock<MarksAt> = LazyLock::new(|| Marks::default().at(0));
        NONE.clone()
    }

    /// Returns the marks that hold as of the first `size` events.
    pub(crate) fn at(&self, size: u64) -> MarksAt {
        let (mut edited, mut retracted) = (RoaringTreemap::new(), RoaringTreemap::new());
        let mut originals: HashMap<u64, u64> = HashMap::new();
        let mut latest: HashMap<u64, u64> = HashMap::new();
        // Versions come in the order of the log, so what one replaces has its original by then.
        for (&version, target) in self.replaced.range(..=size) {
            let original = *originals.get(target).unwrap_or(target);
            originals.insert(version, original);
            edited.insert(latest.insert(original, version).unwrap_or(original));
        }
        let original = |seq: &u64| *originals.get(seq).unwrap_or(seq);
        let fallen = self.retracted.iter().filter(|&(_, &by)| by <= size);
        let fallen: HashSet<u64> = fallen.map(|(target, _)| original(target)).collect();
        retracted.extend(&fallen);
        if !fallen.is_empty() {
            let versions = originals.iter().filter(|(_, original)| fallen.contains(original));
            retracted.extend(versions.map(|(version, _)| version));
        }
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

    fn seq(number: u64) -> Seq {
        Seq::new(number).unwrap()
    }

    fn bearing(marks: &Marks, size: u64, mark: Mark, of: &[u64]) -> Vec<u64> {
        let at = marks.at(size);
        of.iter().copied().filter(|&number| at.is(seq(number), mark)).collect()
    }

    #[test]
    fn a_mark_holds_from_the_event_that_made_it() {
        let mut marks = Marks::default();
        marks.note(EventKind::Edit, 3, 7);
        marks.note(EventKind::Retract, 7, 11);
        let before = marks.at(6);
        assert!(before.is(seq(3), Mark::Current) && !before.is(seq(3), Mark::Edited));
        let between = marks.at(7);
        assert!(between.is(seq(3), Mark::Edited) && between.is(seq(7), Mark::Current));
        let after = marks.at(11);
        assert!(after.is(seq(7), Mark::Retracted) && !after.is(seq(7), Mark::Current));
        assert!(after.is(seq(4), Mark::Current));
    }

    #[test]
    fn the_latest_version_stands_whichever_version_an_edit_names() {
        // 3 is edited by 7, 9 and 12: the first two name the original, the last one names the first edit.
        let edits = [(3, 7), (3, 9), (7, 12)];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let mut marks = Marks::default();
            for place in order {
                let (target, by) = edits[place];
                marks.note(EventKind::Edit, target, by);
            }
            let versions = [3, 7, 9, 12];
            for (size, edited, current) in
                [(8, vec![3], 7), (9, vec![3, 7], 9), (11, vec![3, 7], 9), (12, vec![3, 7, 9], 12)]
            {
                let within: Vec<_> = versions.into_iter().filter(|seq| *seq <= size).collect();
                assert_eq!(
                    bearing(&marks, size, Mark::Edited, &within),
                    edited,
                    "{size} {order:?}"
                );
                assert_eq!(bearing(&marks, size, Mark::Current, &within), [current], "{size}");
            }
        }
    }

    #[test]
    fn taking_back_any_version_takes_back_all_of_them() {
        for target in [3, 7, 9] {
            let mut marks = Marks::default();
            marks.note(EventKind::Retract, target, 10);
            marks.note(EventKind::Edit, 3, 9);
            marks.note(EventKind::Edit, 3, 7);
            assert!(bearing(&marks, 9, Mark::Retracted, &[3, 4, 7, 9]).is_empty());
            assert_eq!(bearing(&marks, 10, Mark::Retracted, &[3, 4, 7, 9]), [3, 7, 9]);
            assert_eq!(bearing(&marks, 10, Mark::Current, &[3, 4, 7, 9]), [4]);
        }
    }

    #[test]
    fn an_event_that_names_itself_or_a_later_one_marks_nothing() {
        let mut marks = Marks::default();
        for kind in [EventKind::Edit, EventKind::Retract] {
            marks.note(kind, 5, 5);
            marks.note(kind, 9, 6);
        }
        assert_eq!(marks, Marks::default());
    }
}
