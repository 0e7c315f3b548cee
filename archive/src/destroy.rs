//! Execution of an order: what it names goes, from the files and from whatever follows from them here (decision 004, proof.md §9).
//!
//! The archive decides nothing. It executes an order that stands in its own log, range by range: the survivors are written as a new
//! generation with stubs or blanks for what is named, that is read back and every leaf of it proven against the tree, it takes over,
//! the old keys are destroyed under a new epoch, and the old files are removed. A crash at any moment leaves the old files, or both,
//! or the new ones; executed again, the order goes on where it was.

mod leftover;
mod living;
mod rewriting;

use chat::{EventKind, Seq};
use policy::RecordedOrder;

use crate::archive::Archive;
use crate::error::{Error, Result};

/// What one execution of an order has done; all zero where nothing was left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DestroyReport {
    /// Ranges that were written again, each of two files.
    pub ranges: u64,
    /// Events that were destroyed now.
    pub events: u64,
    /// Bytes that the files of those ranges had.
    pub bytes_before: u64,
    /// Bytes of the files that took over.
    pub bytes_after: u64,
    /// Keys that were destroyed.
    pub keys: u64,
    /// The epoch of the keys that are left; 0 if none was destroyed.
    pub epoch: u32,
}

/// What was done so far, and what was not.
#[derive(Debug, Default)]
struct Progress {
    report: DestroyReport,
    /// Whether it was stored where the rooms stand, before the first event was blanked.
    are_places_kept: bool,
    failed: u64,
    first_failure: Option<Error>,
}

impl Progress {
    fn fail(&mut self, error: Error) {
        tracing::error!(%error, "a part of an order could not be executed");
        self.failed = self.failed.saturating_add(1);
        self.first_failure.get_or_insert(error);
    }

    fn add_keys(&mut self, (keys, epoch): (u64, u32)) {
        self.report.keys = self.report.keys.saturating_add(keys);
        self.report.epoch = epoch;
    }

    fn finish(self, place: Seq) -> Result<DestroyReport> {
        let Self { report, failed, first_failure, .. } = self;
        let Some(source) = first_failure else { return Ok(report) };
        let family = source.family();
        Err(Error::OrderUnfinished { place, failed, report, family, source: Box::new(source) })
    }
}

impl Archive {
    /// Executes an order that stands in this log: on return nothing in the archive's files holds what it names, but for kept files that
    /// only such events refer to (`blobs/` is not looked at yet), and no key is left that opens what held it.
    ///
    /// Idempotent: a range in which nothing named is alive is passed over. Seals the journal first if it holds something named. One
    /// range is in memory at a time, and waits while [`Archive::verify`] reads or idle work is done. Needs as much free space as the
    /// largest range, of the reserve too: it is kept for this.
    ///
    /// Refused with [`Error::OrderForeign`] where this log has another event at its place; then nothing is changed. Where a range fails
    /// the others are still done: [`Error::OrderUnfinished`] says what was, and the order is executed again once that is mended.
    pub fn destroy(&self, order: &RecordedOrder) -> Result<DestroyReport> {
        self.shared.fuse.check()?;
        self.check_order(order)?;
        let mut progress = Progress::default();
        let is_sealed = last_named(order) <= self.sealed.size();
        match if is_sealed { Ok(()) } else { self.seal().map(drop) } {
            Ok(()) => self.destroy_ranges(order, &mut progress),
            Err(error) => progress.fail(error),
        }
        let rest = [Self::forget_abridged, Self::clear_leftover];
        for step in rest {
            let done = self.shared.fuse.check().and_then(|()| step(self, order, &mut progress));
            done.unwrap_or_else(|error| progress.fail(error));
        }
        progress.finish(order.place())
    }

    /// Returns whether nothing is left to do for an order: no event that it names is alive, and no key is left of a file that held one.
    ///
    /// Read from the footers; headers are read only where a footer does not say which events of a run its lane has. Refused as
    /// [`Archive::destroy`] is. Where damage hides what is left it is an error, or not executed.
    pub fn is_executed(&self, order: &RecordedOrder) -> Result<bool> {
        self.shared.fuse.check()?;
        self.check_order(order)?;
        let _settling = self.settling.lock();
        if last_named(order) > self.sealed.size() {
            return Ok(false);
        }
        let mut next = order.next_from(Seq::FIRST);
        while let Some(range) = next.and_then(|seq| self.sealed.range(seq)) {
            if self.is_any_alive(&range, order)? {
                return Ok(false);
            }
            next = order.next_from(range.last.next());
        }
        Ok(!self.does_abridged_hold(order)? && self.is_nothing_left_over()?)
    }

    /// Refuses an order that is not the very event that this log has at its place, durably.
    fn check_order(&self, order: &RecordedOrder) -> Result<()> {
        let place = order.place();
        let found = match self.read(place)? {
            Some(found) if found == *order.event() => return Ok(()),
            Some(found) if found.event.kind == EventKind::Destroyed => "another order".to_owned(),
            Some(found) => format!("an event of kind {:#06x}", found.event.kind.code()),
            None if place.get() > self.size() => format!("{} events and none there", self.size()),
            None => "an event that was destroyed".to_owned(),
        };
        Err(Error::OrderForeign { place, found })
    }

    /// Goes over the sealed ranges of which the order names events. Between two of them others may read or write the files.
    fn destroy_ranges(&self, order: &RecordedOrder, progress: &mut Progress) {
        let mut next = order.next_from(Seq::FIRST);
        while let Some(seq) = next {
            let _settling = self.settling.lock();
            let Some(range) = self.sealed.range(seq) else {
                let (asked, held) = (seq.get(), self.sealed.size());
                progress.fail(Error::BeyondEnd { action: "destroy an event", asked, held });
                return;
            };
            if let Err(error) = self.destroy_in(&range, order, progress) {
                progress.fail(error);
            }
            if self.shared.fuse.check().is_err() {
                return;
            }
            next = order.next_from(range.last.next());
        }
    }
}

/// Returns the last event that an order names, or may name.
fn last_named(order: &RecordedOrder) -> u64 {
    order.stretches().last().map_or(0, |stretch| stretch.last.get())
}
