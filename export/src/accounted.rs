//! Checks that a package which says it is complete is: what is no row is accounted for, and nothing is between.

use std::io;

use archive::proof::Checkpoint;
use chat::{Recorded, Seq};

use crate::complete::{self, AbsentCounts, Chain, Complete, Link};
use crate::container::Container;
use crate::format::manifest::{Facts, MANIFEST};
use crate::lines::Lines;
use crate::package::ABSENT;
use crate::report::{ExportReport, Finding, FindingKind};

/// Bytes of one line: a header with 255 ids, and 63 hashes.
const LINE_BYTES_MAX: usize = 64 << 10;

/// What accounts for the events of a range that are no rows.
pub(crate) struct Accounted<'a> {
    pub(crate) counts: AbsentCounts,
    chain: Option<Chain<'a>>,
}

impl<'a> Accounted<'a> {
    /// Reads and checks every event that is no row.
    pub(crate) fn check(
        facts: &'a Facts,
        (checkpoint, container): (&Checkpoint, &Container),
        report: &mut ExportReport,
    ) -> Self {
        let mut accounted = Self { counts: AbsentCounts::new(), chain: None };
        let Some(complete) = &facts.complete else {
            if container.files().contains_key(ABSENT) {
                report.find(FindingKind::Gap, ABSENT, "the manifest names no complete range");
            }
            return accounted;
        };
        if let Some(fault) = fault_of_lists(facts, complete) {
            report.find(FindingKind::Gap, MANIFEST, fault);
        }
        let read = accounted.read(facts, complete, (checkpoint, container), report);
        let chained = read.unwrap_or_else(|error| {
            report.find(FindingKind::Gap, ABSENT, format!("it cannot be read: {error}"));
            Vec::new()
        });
        accounted.chain = complete.room.map(|room| Chain::new(complete, room, chained));
        accounted
    }

    fn read(
        &mut self,
        facts: &Facts,
        complete: &Complete,
        (checkpoint, container): (&Checkpoint, &Container),
        report: &mut ExportReport,
    ) -> io::Result<Vec<(Seq, Option<Link>)>> {
        let mut lines = Lines::new(container.stream(ABSENT, u64::MAX)?, LINE_BYTES_MAX)?;
        let tree = (checkpoint.size, &checkpoint.root);
        let mut chained = Vec::new();
        let mut find = |row, seq, what| {
            let file = ABSENT.to_owned();
            report.add(Finding { kind: FindingKind::Gap, file, row: Some(row), seq, what });
        };
        let mut row = 0;
        for seq in facts.absent.iter() {
            row += 1;
            let Some(line) = lines.next()? else {
                find(row, Some(seq), "this event and what follows is missing".to_owned());
                return Ok(chained);
            };
            match complete::check(line, seq, complete, tree) {
                Ok((reason, place)) => {
                    *self.counts.entry(reason.to_owned()).or_default() += 1;
                    // Of the log its numbers are all that is needed.
                    chained.extend(complete.room.map(|_| (seq, place)));
                }
                Err(fault) => find(row, Some(seq), fault),
            }
        }
        if lines.next()?.is_some() {
            find(row + 1, None, "there are lines after the last event".to_owned());
        }
        Ok(chained)
    }

    /// Takes the next row.
    pub(crate) fn row(&mut self, recorded: &Recorded) {
        if let Some(chain) = &mut self.chain {
            chain.row(recorded);
        }
    }

    /// Ends after the last row.
    pub(crate) fn finish(self, file: &str, report: &mut ExportReport) {
        if let Some((seq, what)) = self.chain.and_then(Chain::finish) {
            let file = file.to_owned();
            report.add(Finding { kind: FindingKind::Gap, file, row: None, seq, what });
        }
    }
}

/// Returns what contradicts the range in the lists of the manifest, if something does. Nothing is unfolded.
fn fault_of_lists(facts: &Facts, complete: &Complete) -> Option<String> {
    let Facts { seqs, absent, unavailable, .. } = facts;
    let (first, last) = (complete.first, complete.last);
    let ends = |seqs: &crate::SeqRanges| seqs.ends().map_or((first, last), |ends| ends);
    let (row_first, row_last) = ends(seqs);
    if row_first < first || row_last > last {
        return Some(format!("events stand outside of the range {first}..{last}"));
    }
    let beside = [complete.before, complete.after];
    let is_beside = complete.before.is_none_or(|seq| seq < first)
        && complete.after.is_none_or(|seq| seq > last);
    let (absent_first, absent_last) = ends(absent);
    let bounds = (complete.before.unwrap_or(first), complete.after.unwrap_or(last));
    if !is_beside
        || absent_first < bounds.0
        || absent_last > bounds.1
        || !beside.iter().flatten().all(|seq| absent.contains(*seq))
    {
        return Some(format!("events stand beside the range {first}..{last} that are not said to"));
    }
    let gone = unavailable.iter().filter(|seq| seqs.contains(*seq));
    let gone = gone.take_while(|seq| absent.contains(*seq)).count();
    let rows = seqs.count().saturating_sub(u64::try_from(gone).unwrap_or(u64::MAX));
    let held = rows.saturating_add(absent.count());
    let due = last.get().saturating_sub(first.get()).saturating_add(1);
    let is_twice = || absent.iter().any(|seq| seqs.contains(seq) && !unavailable.contains(seq));
    if complete.room.is_none() && (held != due || is_twice()) {
        return Some(format!("{held} events are named of the {due} in {first}..{last}"));
    }
    None
}
