//! The promise of an append: who appended waits once, until all of it is on disk or it is certain that it never will be.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::fuse::Fuse;
use crate::proof::Digest;
use crate::sync::{Mutex, Thread, current, park};

/// A part of what was promised; the promise is kept when every part of it is, and broken when one is dropped before.
#[derive(Debug)]
#[must_use = "a promise that is dropped is broken"]
pub struct Promise {
    word: Arc<Word>,
    is_kept: bool,
}

/// The other side of a [`Promise`]: the leaves of an append, once it is on disk.
#[derive(Debug)]
#[must_use = "an append is durable only when wait has returned"]
pub struct Pending {
    word: Arc<Word>,
    fuse: Arc<Fuse>,
}

#[derive(Debug)]
struct Word(Mutex<State>);

#[derive(Debug)]
struct State {
    leaves: Vec<Digest>,
    /// Parts that are not kept yet.
    open_parts: usize,
    is_broken: bool,
    /// Who waits. A thread that parks is woken by one call to the system and finds no lock taken; many wait, each for its own word.
    waiting: Option<Thread>,
}

/// Returns a promise of one part, and its other side.
pub(crate) fn promise(fuse: Arc<Fuse>) -> (Promise, Pending) {
    let state = State { leaves: Vec::new(), open_parts: 1, is_broken: false, waiting: None };
    let word = Arc::new(Word(Mutex::new(state)));
    (Promise { word: Arc::clone(&word), is_kept: false }, Pending { word, fuse })
}

impl Word {
    /// Says something, and wakes who waits if all is said.
    fn say(&self, what: impl FnOnce(&mut State)) {
        let mut state = self.0.lock();
        what(&mut state);
        let waiting = if state.is_settled() { state.waiting.take() } else { None };
        drop(state);
        if let Some(waiting) = waiting {
            waiting.unpark();
        }
    }
}

impl State {
    const fn is_settled(&self) -> bool {
        self.open_parts == 0 || self.is_broken
    }
}

impl Promise {
    /// Returns one more part of what is promised.
    pub(crate) fn another(&self) -> Self {
        self.word.say(|state| state.open_parts = state.open_parts.saturating_add(1));
        Self { word: Arc::clone(&self.word), is_kept: false }
    }

    /// Keeps this part: these leaves follow those of the parts that were kept before.
    pub(crate) fn keep(mut self, mut leaves: Vec<Digest>) {
        self.is_kept = true;
        self.word.say(|state| {
            if state.leaves.is_empty() {
                state.leaves = leaves;
            } else {
                state.leaves.append(&mut leaves);
            }
            state.open_parts = state.open_parts.saturating_sub(1);
        });
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if !self.is_kept {
            self.word.say(|state| state.is_broken = true);
        }
    }
}

impl Pending {
    /// Waits until the batch is on disk and synced, and returns the leaf of each event in order.
    ///
    /// Fails with [`Error::Stopped`] where the log has stopped, else with [`Error::Closed`] where nobody will append it.
    pub fn wait(self) -> Result<Vec<Digest>> {
        let mut state = self.word.0.lock();
        while !state.is_settled() {
            state.waiting = Some(current());
            drop(state);
            // A thread may wake for another reason; then it looks and waits again.
            park();
            state = self.word.0.lock();
        }
        if state.is_broken {
            self.fuse.check()?;
            return Err(Error::Closed);
        }
        Ok(std::mem::take(&mut state.leaves))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn a_promise_is_kept_when_every_part_is_and_the_leaves_stand_in_their_order() {
        let (promise, pending) = promise(Arc::new(Fuse::default()));
        let parts = [promise.another(), promise.another()];
        promise.keep(Vec::new());
        let waiting = std::thread::spawn(|| pending.wait());
        for (part, leaf) in parts.into_iter().zip(1..) {
            assert!(!waiting.is_finished(), "a part is open");
            part.keep(vec![[leaf; 32]; 2]);
        }
        let leaves = waiting.join().unwrap().unwrap();
        assert_eq!(leaves, [[1; 32], [1; 32], [2; 32], [2; 32]]);
    }

    #[test]
    fn a_promise_of_which_one_part_is_dropped_is_broken_and_says_why() {
        let fuse = Arc::new(Fuse::default());
        let (first, pending) = promise(Arc::clone(&fuse));
        let second = first.another();
        first.keep(vec![[1; 32]]);
        drop(second);
        assert!(matches!(pending.wait(), Err(Error::Closed)));
        let (dropped, pending) = promise(Arc::clone(&fuse));
        fuse.blow("sync the journal");
        drop(dropped);
        assert!(matches!(pending.wait(), Err(Error::Stopped { .. })));
    }
}
