//! What readers see of the journal: the durable, unsealed events in memory, and how far the log reaches.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat::{Recorded, Seq, Timestamp};
use parking_lot::{Condvar, Mutex, RwLock};

use super::frame::{Frame, Run};
use crate::keys::KeyId;
use crate::proof::Digest;
use crate::proof::tree::Frontier;

/// Nobody waits longer at once.
const WAIT_MAX: Duration = Duration::from_hours(1);

/// The durable events of one journal file.
#[derive(Debug, Clone)]
pub(crate) struct FileMemory {
    /// The file's number.
    pub(crate) number: u64,
    /// The id of its key in the ring.
    pub(crate) key: KeyId,
    /// Its first event.
    pub(crate) first: Seq,
    /// When it was begun.
    pub(crate) created_at: Timestamp,
    /// Whether nothing will be appended to it any more.
    pub(crate) is_complete: bool,
    /// Its salt runs in order.
    pub(crate) runs: Vec<Run>,
    /// Its frames in order.
    pub(crate) frames: Vec<Arc<Frame>>,
    /// Where its last frame ends.
    pub(crate) bytes: u64,
}

impl FileMemory {
    /// Returns the event after its last durable one.
    pub(crate) fn end(&self) -> Seq {
        self.frames.last().map_or(self.first, |frame| frame.end())
    }

    /// Returns the frame that holds an event.
    pub(crate) fn frame(&self, seq: Seq) -> Option<&Arc<Frame>> {
        let after = self.frames.partition_point(|frame| frame.first() <= seq);
        self.frames.get(after.checked_sub(1)?).filter(|frame| seq < frame.end())
    }

    /// Returns the salt run of an event.
    pub(crate) fn run(&self, seq: Seq) -> Option<&Run> {
        let after = self.runs.partition_point(|run| run.first <= seq);
        self.runs.get(after.checked_sub(1)?)
    }
}

/// The journal as readers see it, shared by the writer, the sealer and all readers.
#[derive(Debug)]
pub(crate) struct Memory {
    state: RwLock<State>,
    /// Copy of the size under the lock that waiters sleep on.
    size: Mutex<u64>,
    grown: Condvar,
    /// Bytes of complete files that wait to be sealed.
    unsealed: Mutex<u64>,
    sealed: Condvar,
}

#[derive(Debug)]
struct State {
    files: VecDeque<FileMemory>,
    frontier: Frontier,
}

impl Memory {
    /// Returns the memory of recovered files and the tree over the whole log.
    pub(crate) fn new(files: VecDeque<FileMemory>, frontier: Frontier) -> Self {
        let size = Mutex::new(frontier.size());
        let unsealed = Mutex::new(unsealed(&files));
        let state = RwLock::new(State { files, frontier });
        Self { state, size, grown: Condvar::new(), unsealed, sealed: Condvar::new() }
    }

    /// Returns how many events are durable.
    pub(crate) fn size(&self) -> u64 {
        *self.size.lock()
    }

    /// Returns the tree over all durable events.
    pub(crate) fn frontier(&self) -> Frontier {
        self.state.read().frontier.clone()
    }

    /// Begins a new file; the one before it is complete.
    pub(crate) fn begin(&self, file: FileMemory) {
        self.complete();
        self.state.write().files.push_back(file);
    }

    /// Says that nothing more is appended to the last file.
    pub(crate) fn complete(&self) {
        let mut state = self.state.write();
        if let Some(last) = state.files.back_mut() {
            last.is_complete = true;
        }
        *self.unsealed.lock() = unsealed(&state.files);
    }

    /// Returns how many bytes of complete files wait to be sealed.
    pub(crate) fn unsealed_bytes(&self) -> u64 {
        *self.unsealed.lock()
    }

    /// Waits until at most so many bytes of complete files wait to be sealed, or for so long. Returns whether it is so.
    pub(crate) fn wait_for_room(&self, bytes_max: u64, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout).unwrap_or_else(Instant::now);
        let mut now = self.unsealed.lock();
        while *now > bytes_max {
            if self.sealed.wait_until(&mut now, deadline).timed_out() {
                return *now <= bytes_max;
            }
        }
        true
    }

    /// Shows a frame that has become durable, and wakes who waits for it.
    pub(crate) fn grow(&self, runs: Vec<Run>, frame: Arc<Frame>, bytes: u64, frontier: Frontier) {
        let size = frontier.size();
        {
            let mut state = self.state.write();
            let file =
                state.files.back_mut().expect("the writer begins a file before it grows one");
            file.runs.extend(runs);
            file.frames.push(frame);
            file.bytes = bytes;
            state.frontier = frontier;
        }
        *self.size.lock() = size;
        self.grown.notify_all();
    }

    /// Waits until more than `size` events are durable; returns whether they are.
    pub(crate) fn wait(&self, size: u64, timeout: Duration) -> bool {
        let deadline =
            Instant::now().checked_add(timeout.min(WAIT_MAX)).unwrap_or_else(Instant::now);
        let mut now = self.size.lock();
        while *now <= size {
            if self.grown.wait_until(&mut now, deadline).timed_out() {
                return *now > size;
            }
        }
        true
    }

    /// Wakes everyone who waits, so that they see that the log has stopped.
    pub(crate) fn wake(&self) {
        self.grown.notify_all();
        self.sealed.notify_all();
    }

    /// Returns the first event that is still in memory: those before it are sealed.
    pub(crate) fn first(&self) -> Seq {
        let state = self.state.read();
        let end = Seq::new(state.frontier.size().saturating_add(1)).unwrap_or(Seq::FIRST);
        state.files.front().map_or(end, |file| file.first)
    }

    /// Returns the frame that holds an event, if it is still in memory.
    pub(crate) fn frame(&self, seq: Seq) -> Option<Arc<Frame>> {
        let state = self.state.read();
        state.file(seq)?.frame(seq).map(Arc::clone)
    }

    /// Returns an event that is still in memory.
    pub(crate) fn read(&self, seq: Seq) -> Option<Recorded> {
        self.frame(seq)?.record(seq)?.decode()
    }

    /// Returns the leaf of an event that is still in memory.
    pub(crate) fn leaf(&self, seq: Seq) -> Option<Digest> {
        let frame = self.frame(seq)?;
        let index = usize::try_from(seq.get().checked_sub(frame.first().get())?).ok()?;
        frame.leaves().get(index).copied()
    }

    /// Returns the salt run of an event that is still in memory.
    pub(crate) fn run(&self, seq: Seq) -> Option<Run> {
        self.state.read().file(seq)?.run(seq).cloned()
    }

    /// Returns the files that are complete, oldest first.
    pub(crate) fn complete_files(&self) -> Vec<FileMemory> {
        self.state.read().files.iter().take_while(|file| file.is_complete).cloned().collect()
    }

    /// Forgets a file whose events are sealed and can be read from there.
    pub(crate) fn forget(&self, number: u64) {
        let mut state = self.state.write();
        state.files.retain(|file| file.number != number);
        *self.unsealed.lock() = unsealed(&state.files);
        drop(state);
        self.sealed.notify_all();
    }

    /// Returns how many bytes the journal files have.
    pub(crate) fn bytes(&self) -> u64 {
        self.state.read().files.iter().map(|file| file.bytes).sum()
    }

    /// Returns how many journal files there are.
    pub(crate) fn file_count(&self) -> usize {
        self.state.read().files.len()
    }

    /// Returns the ids of the journal files' keys.
    pub(crate) fn keys(&self) -> Vec<KeyId> {
        self.state.read().files.iter().map(|file| file.key).collect()
    }

    /// Returns when the file now written was begun, if there is one.
    pub(crate) fn begun_at(&self) -> Option<Timestamp> {
        let state = self.state.read();
        state.files.back().filter(|file| !file.is_complete).map(|file| file.created_at)
    }
}

fn unsealed(files: &VecDeque<FileMemory>) -> u64 {
    files.iter().filter(|file| file.is_complete).map(|file| file.bytes).sum()
}

impl State {
    fn file(&self, seq: Seq) -> Option<&FileMemory> {
        let after = self.files.partition_point(|file| file.first <= seq);
        self.files.get(after.checked_sub(1)?)
    }
}
