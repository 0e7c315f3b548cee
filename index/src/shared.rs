//! What searches and the follower share: the committed state, the tail, and what each waits for from the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use archive::Archive;
use parking_lot::{Condvar, Mutex, RwLock};
use query::Known;
use roaring::RoaringTreemap;

use crate::error::{Error, Result};
use crate::forget::Forgotten;
use crate::marks::Marks;
use crate::recent::{Recent, RecentEvent, Sources, TAIL_EVENTS_MAX};
use crate::view::View;

/// The meeting place of searches and the follower.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The log, and the folds that follow it.
    pub(crate) sources: Sources,
    /// Drawn at every opening: a cursor by relevance of an earlier one names no state of this one.
    nonce: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    view: Option<Arc<View>>,
    /// Views that cursors by relevance may still point into, oldest first.
    kept: Vec<Arc<View>>,
    recent: Recent,
    failed: Option<String>,
    closed: bool,
    wish: Wish,
    /// What is to be forgotten.
    doomed: Arc<RoaringTreemap>,
    /// What was forgotten, until whoever asked for it has been told.
    forgotten: Option<Forgotten>,
}

/// What the follower is asked to do beside following.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wish {
    /// Commit at once whatever is followed, until this many events are committed.
    pub(crate) commit_to: u64,
    /// Throw everything away and begin again.
    pub(crate) reindex: bool,
    /// Forget what is doomed, once this many events are followed.
    pub(crate) forget_through: Option<u64>,
    /// Commit and end.
    pub(crate) stop: bool,
}

/// What one search looks at: a committed state and the events after it.
#[derive(Debug)]
pub(crate) struct Sight {
    /// The committed state.
    pub(crate) view: Arc<View>,
    /// The events after it, up to the size asked for.
    pub(crate) recent: Vec<Arc<RecentEvent>>,
}

/// Views kept for cursors by relevance.
const KEPT_VIEWS: usize = 4;

impl Shared {
    /// Returns the meeting place over a log, with nothing committed yet.
    pub(crate) fn over(archive: Arc<Archive>) -> Result<Self> {
        let mut nonce = [0; 8];
        let drawn = archive.ports().rng.fill(&mut nonce);
        drawn.map_err(|source| Error::RandomnessUnavailable { source })?;
        let known: Arc<RwLock<Known>> = Arc::default();
        let sources = Sources { archive, known, marks: Arc::default() };
        let state = State {
            view: None,
            kept: Vec::new(),
            recent: Recent::default(),
            failed: None,
            closed: false,
            wish: Wish::default(),
            doomed: Arc::default(),
            forgotten: None,
        };
        let nonce = u64::from_be_bytes(nonce);
        Ok(Self { sources, nonce, state: Mutex::new(state), changed: Condvar::new() })
    }

    /// Shows a newly committed state, and drops from the tail what it holds.
    pub(crate) fn show(&self, view: View) {
        let mut state = self.state.lock();
        if state.wish.reindex {
            return;
        }
        state.recent.trim(view.watermark);
        state.view = Some(Arc::new(view));
        self.changed.notify_all();
    }

    /// Shows what is left after something was forgotten, with what was folded from it, and lets go of all that remembers it.
    ///
    /// The tail begins anew behind the state, and is folded in again with the next search.
    pub(crate) fn show_without(
        &self,
        view: View,
        marks: Marks,
        known: Known,
        forgotten: Forgotten,
    ) {
        let mut state = self.state.lock();
        state.recent.clear();
        state.recent.trim(view.watermark);
        state.kept.clear();
        *self.sources.marks.write() = marks;
        *self.sources.known.write() = known;
        // An index that is to be built again is not shown before it is.
        state.view = (!state.wish.reindex).then(|| Arc::new(view));
        state.wish.forget_through = None;
        state.doomed = Arc::default();
        state.forgotten = Some(forgotten);
        self.changed.notify_all();
    }

    /// Returns what is to be forgotten.
    pub(crate) fn doomed(&self) -> Arc<RoaringTreemap> {
        Arc::clone(&self.state.lock().doomed)
    }

    /// Has the follower forget events, and waits until it has. One asks at a time.
    pub(crate) fn forget(&self, seqs: Arc<RoaringTreemap>) -> Result<Forgotten> {
        let last = seqs.max().unwrap_or(0).min(self.sources.archive.size());
        let mut state = self.state.lock();
        (state.doomed, state.forgotten) = (seqs, None);
        state.wish.forget_through = Some(last);
        loop {
            if let Some(forgotten) = state.forgotten.take() {
                return Ok(forgotten);
            }
            if state.closed {
                return Err(Error::Closed);
            }
            if let Some(reason) = &state.failed {
                return Err(Error::FollowerStopped { reason: reason.clone() });
            }
            self.changed.wait(&mut state);
        }
    }

    /// Takes everything away: the index begins again.
    pub(crate) fn hide(&self) {
        let mut state = self.state.lock();
        state.view = None;
        state.kept.clear();
        state.recent.clear();
        state.wish.reindex = false;
        *self.sources.marks.write() = Marks::default();
        self.changed.notify_all();
    }

    /// Reports that the follower has stopped at a fault.
    pub(crate) fn fail(&self, reason: String) {
        self.state.lock().failed = Some(reason);
        self.changed.notify_all();
    }

    /// Returns why the follower stopped, if it did.
    pub(crate) fn failure(&self) -> Option<String> {
        self.state.lock().failed.clone()
    }

    /// Returns the state that was shown last.
    pub(crate) fn view(&self) -> Option<Arc<View>> {
        self.state.lock().view.clone()
    }

    /// Returns how many events are committed.
    pub(crate) fn watermark(&self) -> u64 {
        self.state.lock().view.as_ref().map_or(0, |view| view.watermark)
    }

    /// Returns what the follower is asked to do.
    pub(crate) fn wish(&self) -> Wish {
        self.state.lock().wish
    }

    /// Asks the follower for something.
    pub(crate) fn ask(&self, change: impl FnOnce(&mut Wish)) {
        change(&mut self.state.lock().wish);
    }

    /// Asks for the index to be built again, up to at least `size` events, and takes away what is shown.
    pub(crate) fn begin_again(&self, size: u64) {
        let mut state = self.state.lock();
        state.view = None;
        state.wish.reindex = true;
        state.wish.commit_to = state.wish.commit_to.max(size);
    }

    /// Ends all waiting: no search is answered any more.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }

    /// The same while the index is built again.
    pub(crate) fn wait_for_rebuild(&self, size: u64, patience: Duration) -> Result<()> {
        self.wait_for(size, Some(patience))
    }

    /// Waits until the committed state covers `size` events, or `patience` is over.
    pub(crate) fn wait_for(&self, size: u64, patience: Option<Duration>) -> Result<()> {
        let end = patience.map(|patience| Instant::now() + patience);
        self.reach(size, end).map(drop)
    }

    fn reach(&self, size: u64, end: Option<Instant>) -> Result<parking_lot::MutexGuard<'_, State>> {
        let mut state = self.state.lock();
        loop {
            let followed = state.view.as_ref().map(|view| view.watermark);
            if state.closed {
                return Err(Error::Closed);
            }
            if followed.is_some_and(|followed| followed >= size) {
                return Ok(state);
            }
            if let Some(reason) = &state.failed {
                return Err(Error::FollowerStopped { reason: reason.clone() });
            }
            let is_over = if let Some(end) = end {
                self.changed.wait_until(&mut state, end).timed_out()
            } else {
                self.changed.wait(&mut state);
                false
            };
            if is_over {
                let followed = followed.unwrap_or(0);
                return Err(Error::Behind { followed, wanted: size });
            }
        }
    }

    /// Returns what a search of the first `size` events looks at. Waits while the index is further behind than the tail
    /// reaches.
    pub(crate) fn see(&self, size: u64, patience: Duration) -> Result<Sight> {
        let reachable = size.saturating_sub(TAIL_EVENTS_MAX);
        let mut state = self.reach(reachable, Some(Instant::now() + patience))?;
        let view = state.view.clone().ok_or(Error::Behind { followed: 0, wanted: size })?;
        state.recent.cover(size, &self.sources)?;
        let recent = state.recent.between(view.watermark, size);
        Ok(Sight { view, recent })
    }

    /// Returns the number by which cursors name a state.
    pub(crate) fn name_of(&self, view: &View) -> u64 {
        self.nonce.wrapping_add(view.generation())
    }

    /// Keeps a state for the cursors by relevance that point into it.
    pub(crate) fn keep(&self, view: &Arc<View>) {
        let mut state = self.state.lock();
        if !state.kept.iter().any(|kept| kept.generation() == view.generation()) {
            if state.kept.len() >= KEPT_VIEWS {
                state.kept.remove(0);
            }
            state.kept.push(Arc::clone(view));
        }
    }

    /// Returns the state that a cursor by relevance points into.
    pub(crate) fn kept(&self, name: u64) -> Result<Arc<View>> {
        let state = self.state.lock();
        let kept = state.kept.iter().find(|view| self.name_of(view) == name);
        kept.cloned().ok_or(Error::CursorExpired)
    }
}
