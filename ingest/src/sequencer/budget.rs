//! How many bytes may wait before the sequencer: pressure reaches whoever offers events, not the heap.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

/// The bytes that wait, and the most that may.
#[derive(Debug)]
pub(super) struct Budget {
    bytes_max: usize,
    bytes: Mutex<usize>,
    given_back: Condvar,
}

/// A share of a budget, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes_max, bytes: Mutex::new(0), given_back: Condvar::new() })
    }

    /// Takes a share, waiting until it fits. One that is larger than the whole budget waits until nothing else is there.
    pub(super) fn take(budget: &Arc<Self>, bytes: usize) -> Share {
        let mut waiting = budget.bytes.lock();
        while *waiting > 0 && waiting.saturating_add(bytes) > budget.bytes_max {
            budget.given_back.wait(&mut waiting);
        }
        *waiting = waiting.saturating_add(bytes);
        drop(waiting);
        Share { budget: Arc::clone(budget), bytes }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut waiting = self.budget.bytes.lock();
        *waiting = waiting.saturating_sub(self.bytes);
        drop(waiting);
        self.budget.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn who_does_not_fit_waits_until_a_share_is_given_back() {
        let budget = Budget::new(100);
        let first = Budget::take(&budget, 60);
        let small = Budget::take(&budget, 40);
        let (sender, receiver) = channel();
        let other = Arc::clone(&budget);
        let waiting = std::thread::spawn(move || {
            let large = Budget::take(&other, 500);
            sender.send(()).unwrap();
            drop(large);
        });
        drop(first);
        assert!(receiver.try_recv().is_err(), "the small one is still there");
        drop(small);
        receiver.recv().unwrap();
        waiting.join().unwrap();
        assert_eq!(*budget.bytes.lock(), 0);
    }
}
