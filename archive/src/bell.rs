//! Wakes the threads behind the writer: a journal file is complete, a checkpoint is due, or the archive closes.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// A bell that remembers that it was rung until somebody has heard it.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_rung: bool,
    is_closing: bool,
    listener: Listener,
    /// The size of the log that rings the bell when it is reached.
    size_awaited: Option<u64>,
}

/// Whether somebody hears the bell and does its work.
#[derive(Debug, Default, PartialEq, Eq)]
enum Listener {
    /// Nobody has ever waited for the bell.
    #[default]
    None,
    /// Somebody did its work the last time.
    Able,
    /// Somebody could not do its work the last time.
    Failing,
}

impl Bell {
    /// Rings.
    pub(crate) fn ring(&self) {
        self.state.lock().is_rung = true;
        self.rung.notify_all();
    }

    /// Rings if the log has reached the size that somebody awaits.
    pub(crate) fn ring_for_size(&self, size: u64) {
        let mut state = self.state.lock();
        if state.size_awaited.is_some_and(|awaited| size >= awaited) {
            state.size_awaited = None;
            state.is_rung = true;
            self.rung.notify_all();
        }
    }

    /// Says that the one who hears the bell could not do its work, or could again: nobody waits for one who cannot.
    pub(crate) fn report(&self, is_failing: bool) {
        self.state.lock().listener = if is_failing { Listener::Failing } else { Listener::Able };
    }

    /// Returns whether somebody hears the bell and does its work.
    pub(crate) fn has_listener(&self) -> bool {
        let state = self.state.lock();
        state.listener == Listener::Able && !state.is_closing
    }

    /// Returns whether the archive closes.
    pub(crate) fn is_closing(&self) -> bool {
        self.state.lock().is_closing
    }

    /// Rings for the last time.
    pub(crate) fn close(&self) {
        self.state.lock().is_closing = true;
        self.rung.notify_all();
    }

    /// Waits until the bell rings, until the log has `size_awaited` events, or for so long. Returns false when the archive closes.
    pub(crate) fn wait(&self, size_awaited: u64, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.state.lock();
        state.size_awaited = Some(size_awaited);
        if state.listener == Listener::None {
            state.listener = Listener::Able;
        }
        while !state.is_rung && !state.is_closing {
            let Some(deadline) = deadline else { break };
            if self.rung.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        state.is_rung = false;
        !state.is_closing
    }
}
