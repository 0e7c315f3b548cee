//! A run in the making: a thread of its own sorts a full window, writes it, reads it back and joins its filter to those before.
//!
//! Until whoever ordered it takes what was made, the window answers for its events and nothing else is changed. So it does not matter
//! at which moment the thread comes to its end, whether it fails, or whether it ends with the whole process: a run is known by its
//! whole file, and the log has what no file has.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use chat::Disk;

use super::filter::Filters;
use super::run::Run;
use super::window::Window;
use crate::error::Result;

/// What is to be made, and all that it takes.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) folder: PathBuf,
    pub(super) check: [u8; 16],
    /// The first run that is not on disk. Where no event of a run has an origin there is no window of it, but the runs stay dense.
    pub(super) first: u64,
    /// Of the runs that are on disk.
    pub(super) filters: Filters,
    pub(super) window: Arc<Window>,
}

/// What was made.
#[derive(Debug)]
pub(super) struct Made {
    /// From the first that was not on disk to that of the window.
    pub(super) runs: Vec<Run>,
    /// Of all runs, these included.
    pub(super) filters: Filters,
}

impl Order {
    fn carry_out(&self) -> Result<Made> {
        let mut made = Made { runs: Vec::new(), filters: self.filters.clone() };
        for number in self.first..self.window.number() {
            self.write(&Window::new(number), &mut made)?;
        }
        self.write(&self.window, &mut made)?;
        Ok(made)
    }

    fn write(&self, window: &Window, made: &mut Made) -> Result<()> {
        let disk = self.disk.as_ref();
        let (run, filter) = Run::write(disk, &self.folder, window, window.end(), &self.check)?;
        made.runs.push(run);
        made.filters.push(filter);
        Ok(())
    }
}

/// An order that is being carried out. To drop it waits for its thread.
#[derive(Debug)]
pub(super) struct Making {
    order: Order,
    /// Gone once it has failed, or if no thread was to be had: then whoever waits does it himself.
    thread: Option<JoinHandle<Result<Made>>>,
}

impl Making {
    pub(super) fn begin(order: Order) -> Self {
        let theirs = order.clone();
        let thread = Builder::new().name("origins".to_owned()).spawn(move || theirs.carry_out());
        Self { order, thread: thread.ok() }
    }

    pub(super) fn window(&self) -> &Window {
        &self.order.window
    }

    /// Returns whether nothing is gained by waiting.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for what is made. After a failure the next call tries anew, on the caller's thread.
    pub(super) fn wait(&mut self) -> Result<Made> {
        match self.thread.take() {
            // A fault of the program stops the sequencer, wherever it showed.
            Some(thread) => thread.join().unwrap_or_else(|fault| std::panic::resume_unwind(fault)),
            None => self.order.carry_out(),
        }
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // What was made is found at the next start. Whoever wants to know of a failure waits.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

#[cfg(test)]
mod tests;
