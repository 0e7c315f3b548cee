//! Which events the archive has already: a derived index of keyed fingerprints (house.md §6.6).
//!
//! The index only says where to look: every answer is confirmed by reading the record. It is rebuilt from the log where a
//! file of it is missing or damaged. On disk it takes 4.8 bytes an event, in memory 2, and 16 for each of the newest million
//! and, while their run is made on a thread of its own, for each of the million before ([`making`]).

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
use self::making::{Making, Order};
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
    /// The window that comes after the runs, full and durable, on its way to the disk. It answers until its run does.
    making: Option<Making>,
    /// Not on disk yet, by number; the last one is still growing.
    windows: Vec<Window>,
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
        let mut origins = Self { disk, folder, check, runs, filters, making: None, windows };
        let covered = origins.load(archive.size())?;
        origins.follow(archive, covered, prints)?;
        Ok(origins)
    }

    /// Loads the runs that are there, in order, until one is missing or not to be trusted. Returns the events covered.
    fn load(&mut self, size: u64) -> Result<u64> {
        let mut covered = 0;
        loop {
            let number = self.next_run();
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
                self.windows.push(run.into_window()?);
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
            let Some(last) = events.last().map(|recorded| recorded.seq) else {
                return self.finish_run();
            };
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
            self.windows.push(Window::new(number));
        }
        if let Some(window) = self.windows.last_mut() {
            window.insert(print, place);
        }
    }

    /// Forgets what was added from this event on: it never came into the log.
    pub(crate) fn forget_from(&mut self, seq: Seq) {
        let (number, place) = place_of(seq);
        self.windows.retain(|window| window.number() <= number);
        if let Some(window) = self.windows.last_mut().filter(|window| window.number() == number) {
            window.forget_from(place);
        }
    }

    /// Has the windows written that are complete and whose every event is durable, now that `size` events are.
    ///
    /// Another thread does it, one window at a time: if the next one is full before, this waits. What it could not do is told by
    /// the first call that finds it ended. From then on it is tried anew in each call, which waits for the outcome, so that nothing
    /// more comes in while the disk refuses.
    pub(crate) fn settle(&mut self, size: u64) -> Result<()> {
        if self.making.as_ref().is_some_and(Making::has_ended) {
            self.finish_run()?;
        }
        while self.windows.first().is_some_and(|window| window.end() <= size) {
            self.finish_run()?;
            let window = Arc::new(self.windows.remove(0));
            self.making = Some(Making::begin(self.order(window)));
        }
        Ok(())
    }

    /// Waits for the run that is being made, if one is. Where that fails, its window goes on answering.
    fn finish_run(&mut self) -> Result<()> {
        let Some(making) = &mut self.making else { return Ok(()) };
        let made = making.wait()?;
        self.runs.extend(made.runs);
        self.filters = made.filters;
        self.making = None;
        Ok(())
    }

    fn order(&self, window: Arc<Window>) -> Order {
        Order {
            disk: Arc::clone(&self.disk),
            folder: self.folder.clone(),
            check: self.check,
            first: self.next_run(),
            filters: self.filters.clone(),
            window,
        }
    }

    fn next_run(&self) -> u64 {
        u64::try_from(self.runs.len()).unwrap_or(u64::MAX)
    }

    /// Writes what is not on disk yet, so that the next start need not read the log. All of it must be durable.
    pub(crate) fn close(&mut self, size: u64) -> Result<()> {
        self.settle(size)?;
        self.finish_run()?;
        let Some(window) = self.windows.first() else { return Ok(()) };
        let disk = self.disk.as_ref();
        for number in self.next_run()..window.number() {
            let empty = Window::new(number);
            Run::write(disk, &self.folder, &empty, empty.end(), &self.check)?;
        }
        Run::write(disk, &self.folder, window, size, &self.check)?;
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
        let made = self.making.iter().map(Making::window);
        for window in made.chain(&self.windows) {
            window.find(print, found);
        }
    }
}

#[cfg(test)]
mod tests;
