//! Which events the archive has already: a derived index of keyed fingerprints (house.md §6.6).
//!
//! The index only says where to look: every answer is confirmed by reading the record. It is rebuilt from the log where a
//! file of it is missing or damaged. On disk it takes 4.8 bytes an event, in memory 2, and 16 for each of the newest million;
//! while a run is written, in a thread of its own, 16 more for each event of it.

mod bucket;
mod filter;
mod fingerprint;
mod making;
mod run;
mod window;

use std::path::PathBuf;
use std::sync::Arc;

use archive::{Archive, durable};
use chat::{Disk, Seq};

use self::filter::{Filter, Filters, Probe};
use self::making::Making;
use self::run::Run;
use self::window::Window;
use crate::error::{Error, Result};

pub(crate) use self::fingerprint::{Fingerprint, Fingerprints};

/// Bits of a fingerprint that the index keeps: of ten million strangers, one in 7,000 is taken for a known one and looked up.
const KEPT_BITS: u32 = 36;
/// Bits of a place in a run.
const PLACE_BITS: u32 = 20;
/// Sequence numbers that one run covers, as a power of two.
const RUN_SEQS_LOG2: u32 = PLACE_BITS;
/// Sequence numbers that one run covers.
const RUN_SEQS: u64 = 1 << RUN_SEQS_LOG2;
/// Events that are read at once while the index is rebuilt.
const REBUILD_EVENTS: usize = 8_192;

/// Returns the run that a sequence number belongs to, and its place there.
fn place_of(seq: Seq) -> (u64, u32) {
    let index = seq.leaf_index();
    let place = u32::try_from(index % RUN_SEQS).expect("less than a run has");
    (index / RUN_SEQS, place)
}

/// The index of origins. One thread uses it.
#[derive(Debug)]
pub(crate) struct Origins {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    check: [u8; 16],
    /// Complete and durable, by number.
    runs: Vec<Run>,
    /// Of the runs, in their order.
    filters: Filters,
    /// Not on disk yet, by number; the last one is still growing.
    windows: Vec<Arc<Window>>,
    /// The run of the first window, while it is written.
    making: Option<Making>,
}

impl Origins {
    /// Opens the index, rebuilding from the log whatever of it is missing, damaged or of another key.
    pub(crate) fn open(archive: &Arc<Archive>, prints: &Fingerprints) -> Result<Self> {
        let disk = Arc::clone(&archive.ports().disk);
        let folder = archive.folder().join("origins");
        durable::create_folder(disk.as_ref(), &folder)
            .map_err(|source| Error::Archive { source })?;
        let check = prints.check();
        let (runs, filters, windows) = (Vec::new(), Filters::default(), Vec::new());
        let mut origins = Self { disk, folder, check, runs, filters, windows, making: None };
        let covered = origins.load(archive.size())?;
        origins.follow(archive, covered, prints)?;
        origins.finish()?;
        Ok(origins)
    }

    /// Loads the runs that are there, in order, until one is missing or not to be trusted. Returns the events covered.
    fn load(&mut self, size: u64) -> Result<u64> {
        let mut covered = 0;
        loop {
            let number = u64::try_from(self.runs.len()).unwrap_or(u64::MAX);
            let path = Run::path(&self.folder, number);
            let Some((run, filter)) = Run::open(self.disk.as_ref(), &path, number, &self.check)?
            else {
                break;
            };
            if run.end() > size {
                break;
            }
            covered = run.end();
            if run.is_complete() {
                self.keep(run, filter);
            } else {
                self.windows.push(Arc::new(run.into_window()?));
                break;
            }
        }
        Ok(covered)
    }

    /// Takes the next run, complete and durable.
    fn keep(&mut self, run: Run, filter: Filter) {
        self.runs.push(run);
        self.filters.push(filter);
    }

    /// Adds what the log has beyond what is covered.
    fn follow(
        &mut self,
        archive: &Arc<Archive>,
        covered: u64,
        prints: &Fingerprints,
    ) -> Result<()> {
        let Some(from) = Seq::new(covered.saturating_add(1)) else { return Ok(()) };
        let mut tail = archive.tail(from);
        loop {
            let events =
                tail.next_batch(REBUILD_EVENTS).map_err(|source| Error::Archive { source })?;
            let Some(last) = events.last().map(|recorded| recorded.seq) else { return Ok(()) };
            for recorded in &events {
                if let Some(print) = prints.of(&recorded.event) {
                    self.insert(print, recorded.seq);
                }
            }
            self.settle(last.get())?;
        }
    }

    /// Adds an event that has its place in the log.
    pub(crate) fn insert(&mut self, print: Fingerprint, seq: Seq) {
        let (number, place) = place_of(seq);
        if self.windows.last().is_none_or(|window| window.number() != number) {
            self.windows.push(Arc::new(Window::new(number)));
        }
        // Nobody else has the last one: what is being written is full.
        if let Some(window) = self.windows.last_mut() {
            Arc::make_mut(window).insert(print, place);
        }
    }

    /// Forgets what was added from this event on: it never came into the log.
    pub(crate) fn forget_from(&mut self, seq: Seq) {
        let (number, place) = place_of(seq);
        self.windows.retain(|window| window.number() <= number);
        if let Some(window) = self.windows.last_mut().filter(|window| window.number() == number) {
            Arc::make_mut(window).forget_from(place);
        }
    }

    /// Has the windows written that are complete and whose every event is durable, now that `size` events are, one after the other
    /// in another thread. Waits where a second one is complete before the first is written, so that they cannot pile up.
    ///
    /// What is being written is found in its window meanwhile. A window that could not be written stays, and is tried again.
    pub(crate) fn settle(&mut self, size: u64) -> Result<()> {
        let is_due = |window: Option<&Arc<Window>>| window.is_some_and(|one| one.end() <= size);
        loop {
            if let Some(making) = &self.making {
                if !making.is_done() && !is_due(self.windows.get(1)) {
                    return Ok(());
                }
                self.finish()?;
            }
            let Some(window) = self.windows.first().map(Arc::clone) else { return Ok(()) };
            if !is_due(Some(&window)) {
                return Ok(());
            }
            // A run without a single origin leaves no window; the runs in between stay dense all the same.
            self.fill_up(window.number())?;
            self.making = Making::begin(&self.disk, &self.folder, &window, self.check);
            if self.making.is_none() {
                self.write_here(&window)?;
            }
        }
    }

    /// Waits for the run that is being written, if one is, and puts it in the place of its window.
    fn finish(&mut self) -> Result<()> {
        let Some(making) = self.making.take() else { return Ok(()) };
        match making.wait() {
            Some(made) => self.replace_first(made?),
            None => {
                let Some(window) = self.windows.first().map(Arc::clone) else { return Ok(()) };
                self.write_here(&window)?;
            }
        }
        Ok(())
    }

    /// Writes the first window in this thread.
    fn write_here(&mut self, window: &Window) -> Result<()> {
        let end = window.end();
        let made = Run::write(self.disk.as_ref(), &self.folder, window, end, &self.check)?;
        self.replace_first(made);
        Ok(())
    }

    fn replace_first(&mut self, (run, filter): (Run, Filter)) {
        self.keep(run, filter);
        self.windows.remove(0);
    }

    /// The same as [`Origins::settle`], and waits until all of it is written.
    fn settle_whole(&mut self, size: u64) -> Result<()> {
        self.settle(size)?;
        while self.making.is_some() {
            self.finish()?;
            self.settle(size)?;
        }
        Ok(())
    }

    fn fill_up(&mut self, number: u64) -> Result<()> {
        loop {
            let next = u64::try_from(self.runs.len()).unwrap_or(u64::MAX);
            if next >= number {
                return Ok(());
            }
            let empty = Window::new(next);
            let (run, filter) =
                Run::write(self.disk.as_ref(), &self.folder, &empty, empty.end(), &self.check)?;
            self.keep(run, filter);
        }
    }

    /// Writes what is not on disk yet, so that the next start need not read the log. All of it must be durable.
    pub(crate) fn close(&mut self, size: u64) -> Result<()> {
        self.settle_whole(size)?;
        let Some(number) = self.windows.first().map(|window| window.number()) else {
            return Ok(());
        };
        self.fill_up(number)?;
        for window in self.windows.iter().take(1) {
            Run::write(self.disk.as_ref(), &self.folder, window, size, &self.check)?;
        }
        Ok(())
    }

    /// Adds, for each of these fingerprints, where an event that has it may stand according to the runs on disk.
    ///
    /// Each asks all filters in a row: the lines of memory that they are asked by do not depend on one another, so they are
    /// fetched at the same time.
    pub(crate) fn find_settled(
        &self,
        prints: &[Fingerprint],
        found: &mut Vec<(Fingerprint, Seq)>,
    ) -> Result<()> {
        let mut holders = Vec::new();
        for print in prints {
            self.filters.find(&Probe::of(print.kept()), &mut holders);
            for run in holders.drain(..).filter_map(|number| self.runs.get(number)) {
                run.find(*print, found)?;
            }
        }
        Ok(())
    }

    /// Adds where an event with this fingerprint may stand, according to what is not on disk yet.
    pub(crate) fn find_recent(&self, print: Fingerprint, found: &mut Vec<Seq>) {
        for window in &self.windows {
            window.find(print, found);
        }
    }
}

#[cfg(test)]
mod tests;
