//! A run that another thread is writing, so that whoever records events does not wait for sorting, the disk and the filter.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use chat::Disk;

use super::filter::Filter;
use super::run::Run;
use super::window::Window;
use crate::error::Result;

type Made = Result<(Run, Filter)>;

/// The run of a full window in the making. The window itself stays where it is asked, until the run takes its place.
#[derive(Debug)]
pub(super) struct Making(Option<JoinHandle<Made>>);

impl Making {
    /// Begins to write a full window, whose every event is durable, in a thread of its own; nothing where no thread can be had.
    pub(super) fn begin(
        disk: &Arc<dyn Disk>,
        folder: &Path,
        window: &Arc<Window>,
        check: [u8; 16],
    ) -> Option<Self> {
        let (disk, folder) = (Arc::clone(disk), folder.to_owned());
        let window = Arc::clone(window);
        let write = move || Run::write(disk.as_ref(), &folder, &window, window.end(), &check);
        let thread = std::thread::Builder::new().name("origins".to_owned()).spawn(write);
        thread.ok().map(|thread| Self(Some(thread)))
    }

    /// Returns whether the run could be had without waiting.
    pub(super) fn is_done(&self) -> bool {
        self.0.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the run, durable and opened with its filter, or for why there is none. Nothing where the thread broke: what it
    /// was to write is as it was.
    pub(super) fn wait(mut self) -> Option<Made> {
        self.0.take()?.join().ok()
    }
}

impl Drop for Making {
    /// Nobody is left behind who still writes to the folder.
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            drop(thread.join());
        }
    }
}
