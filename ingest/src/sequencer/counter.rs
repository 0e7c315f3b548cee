//! The desk, at which one works at a time: the sequencer's thread, or whoever brings little himself.
//!
//! To wake a thread and to be woken by it costs more than to give one event its place. So who posts does that himself, where nothing
//! waits for the thread and nobody is at the desk: then nothing that was handed in before can be overtaken.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use archive::Promise;
use parking_lot::{Mutex, MutexGuard};

use super::desk::{Desk, Prepared};
use super::{Work, chain};
use crate::error::{Error, Result};

/// The desk, and why nobody works there any more.
#[derive(Debug)]
pub(super) struct Counter {
    /// Gone once it is closed, or no longer agrees with the log.
    desk: Mutex<Option<Desk>>,
    /// Works that were handed to the thread and are not done. Who finds none while he has the desk comes after all of them.
    waiting: AtomicUsize,
    stopped: OnceLock<String>,
}

/// Someone at the desk. Should he leave it by a fault of the program, nobody works there after him.
pub(super) struct AtDesk<'a> {
    counter: &'a Counter,
    desk: MutexGuard<'a, Option<Desk>>,
}

impl Drop for AtDesk<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            drop(self.counter.stopped.set("of a fault of the program".to_owned()));
            *self.desk = None;
        }
    }
}

impl Counter {
    pub(super) const fn new(desk: Desk) -> Self {
        Self {
            desk: Mutex::new(Some(desk)),
            waiting: AtomicUsize::new(0),
            stopped: OnceLock::new(),
        }
    }

    pub(super) fn why_stopped(&self) -> Error {
        let reason = self.stopped.get().cloned();
        Error::SequencerStopped { reason: reason.unwrap_or_else(|| "it was closed".to_owned()) }
    }

    /// Notes that work is about to be handed to the thread; fails where nobody would do it.
    pub(super) fn expect_work(&self) -> Result<()> {
        if self.stopped.get().is_some() {
            return Err(self.why_stopped());
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// Does work that was expected; nothing is returned where nobody works here any more.
    pub(super) fn serve(&self, work: Work, promise: Promise) -> Option<Result<Prepared>> {
        let mut at = AtDesk { counter: self, desk: self.desk.lock() };
        let outcome = at.take(work, promise);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        outcome
    }

    /// Comes to the desk for little work, unless someone is there or something waits for the thread.
    ///
    /// Nobody waits for the desk here: many who did would take turns at waking one another, where the thread does their works in a row.
    pub(super) fn try_come(&self) -> Option<AtDesk<'_>> {
        let at = AtDesk { counter: self, desk: self.desk.try_lock()? };
        (self.waiting.load(Ordering::SeqCst) == 0).then_some(at)
    }
}

impl AtDesk<'_> {
    /// Does little work, and leaves.
    pub(super) fn serve(mut self, work: Work, promise: Promise) -> Result<Prepared> {
        self.take(work, promise).unwrap_or_else(|| Err(self.counter.why_stopped()))
    }

    fn take(&mut self, work: Work, promise: Promise) -> Option<Result<Prepared>> {
        let desk = self.desk.as_mut()?;
        let ends = matches!(work, Work::Close);
        let outcome = desk.take(work, promise);
        let is_intact = desk.is_intact();
        if let Err(error) = &outcome
            && !is_intact
        {
            tracing::error!(%error, "the sequencer stops");
            drop(self.counter.stopped.set(chain(error)));
        }
        if ends || !is_intact {
            *self.desk = None;
        }
        Some(outcome)
    }
}
