//! How far a job is: a few numbers that one thread writes and others read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is done and, where it is known, out of how much. The unit is the job's: events, or bytes of input.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress(Arc<Steps>);

#[derive(Debug, Default)]
struct Steps {
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Says how much there is in all; 0 where it is not known.
    pub(crate) fn expect(&self, total: u64) {
        self.0.total.store(total, Ordering::Relaxed);
    }

    /// Says how much is done.
    pub(crate) fn reach(&self, done: u64) {
        self.0.done.store(done, Ordering::Relaxed);
    }

    /// Returns what is done.
    pub(crate) fn done(&self) -> u64 {
        self.0.done.load(Ordering::Relaxed)
    }

    /// Returns how much there is in all; 0 where it is not known.
    pub(crate) fn total(&self) -> u64 {
        self.0.total.load(Ordering::Relaxed)
    }
}
