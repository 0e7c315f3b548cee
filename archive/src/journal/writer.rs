//! The committer: one thread that takes whatever waits, writes it as one frame, syncs once, and only then shows it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chat::{ArchiveId, Seq};

use super::file::{self, JournalFile};
use super::frame::{self, FileHeader, Frame, Records, Run};
use super::leaves::leaves;
use super::memory::{FileMemory, Memory};
use super::queue::{Batch, Queue, Work};
use crate::bell::Bell;
use crate::disk::Ports;
use crate::error::{Error, Result};
use crate::fuse::Fuse;
use crate::keys::Keys;
use crate::proof::tree::Frontier;

/// Full files that may wait to be sealed before the writer waits for the sealer.
const UNSEALED_FILES_MAX: u64 = 1;
/// How often the writer looks whether the sealer it waits for is still able to seal.
const SEALER_PAUSE: Duration = Duration::from_millis(200);

/// What the writer shares with the rest of the archive.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) ports: Ports,
    pub(crate) keys: Arc<Keys>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) fuse: Arc<Fuse>,
    /// Rung when a file is complete.
    pub(crate) sealing: Arc<Bell>,
    /// Rung when enough events want a checkpoint.
    pub(crate) checkpoints: Arc<Bell>,
}

/// When a journal file is full.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileBounds {
    pub(crate) bytes: u64,
    pub(crate) age_micros: i64,
}

/// The one that writes the journal.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Shared,
    archive: ArchiveId,
    folder: PathBuf,
    bounds: FileBounds,
    frontier: Frontier,
    /// Number of the next file.
    number: u64,
    open: Option<OpenFile>,
}

#[derive(Debug)]
struct OpenFile {
    file: JournalFile,
    /// The run that the next event continues, unless it starts one.
    run: Option<Run>,
}

impl Writer {
    /// Returns a writer that goes on after what was recovered. It opens a file with the first batch, never an old one again.
    pub(crate) fn new(
        shared: Shared,
        archive: ArchiveId,
        folder: PathBuf,
        bounds: FileBounds,
        number: u64,
    ) -> Self {
        let frontier = shared.memory.frontier();
        Self { shared, archive, folder, bounds, frontier, number, open: None }
    }

    /// Writes until the queue is closed and empty, or until the first failure, which blows the fuse.
    pub(crate) fn run(mut self) {
        let stop = StopOnPanic(self.shared.clone());
        while let Some(work) = self.shared.queue.take() {
            if self.work(work).is_err() {
                break;
            }
        }
        drop(stop);
    }

    /// Does one piece of work. If it fails, the fuse is blown before anyone who waits for it can wake.
    fn work(&mut self, work: Work) -> Result<()> {
        self.shared.fuse.check()?;
        match work {
            Work::Batch(Batch { first, records, replies }) => {
                let written = self.write(first, records);
                let frame = self.shared.fuse.guard(written)?;
                let mut leaves = frame.leaves().iter().copied();
                for (count, reply) in replies {
                    // Who appended may not wait for the answer; the batch is durable all the same.
                    reply.keep(leaves.by_ref().take(count).collect());
                }
            }
            Work::Finish(reply) => {
                self.complete_file();
                // Who asked may have gone away; the file is complete all the same.
                reply.send(()).ok();
            }
        }
        Ok(())
    }

    fn write(&mut self, first: Seq, records: Records) -> Result<Arc<Frame>> {
        let mut open = self.file_for(first, records.bytes())?;
        let count = u64::try_from(records.count()).expect("a usize fits in 64 bits");
        let last = first.plus(count.saturating_sub(1));
        let begun = self.begin_runs(open.file.header().first, first, last)?;
        let runs: Vec<Run> = open.run.iter().chain(&begun).cloned().collect();
        let leaves = leaves(&runs, first, &records);
        let plaintext = frame::plaintext(&begun, &records);
        let frame_count = u32::try_from(count).expect("a batch is bounded by its limits");
        open.file.append(first, frame_count, plaintext)?;
        for leaf in &leaves {
            self.frontier.append(leaf);
        }
        open.run = runs.last().cloned();
        let frame = Arc::new(Frame::new(first, records, leaves));
        let bytes = open.file.end();
        self.open = Some(open);
        self.shared.memory.grow(begun, Arc::clone(&frame), bytes, self.frontier.clone());
        self.shared.checkpoints.ring_for_size(self.frontier.size());
        Ok(frame)
    }

    /// Returns the file that takes a batch: the present one, unless it is full or old.
    fn file_for(&mut self, first: Seq, bytes: usize) -> Result<OpenFile> {
        let now = self.shared.ports.clock.now();
        if let Some(open) = self.open.take() {
            let end = open.file.end().saturating_add(file::bytes_of(bytes));
            let age = now.micros().saturating_sub(open.file.header().created_at.micros());
            // A clock that was set back must not keep a file open for ever.
            if end <= self.bounds.bytes && (0..self.bounds.age_micros).contains(&age) {
                return Ok(open);
            }
            self.complete_file();
        }
        self.wait_for_sealer()?;
        let sealer = self.shared.keys.new_file()?;
        let header = FileHeader { archive: self.archive, key: sealer.id(), first, created_at: now };
        let path = file::path_of(&self.folder, self.number);
        let file = JournalFile::create(self.shared.ports.disk.as_ref(), path, sealer, header)?;
        self.shared.memory.begin(FileMemory {
            number: self.number,
            key: header.key,
            first,
            created_at: now,
            is_complete: false,
            runs: Vec::new(),
            frames: Vec::new(),
            bytes: file.end(),
        });
        self.number = self.number.saturating_add(1);
        Ok(OpenFile { file, run: None })
    }

    /// Waits until the sealer has caught up, so that memory is bounded by what is set and not by the input.
    fn wait_for_sealer(&self) -> Result<()> {
        let bytes_max = self.bounds.bytes.saturating_mul(UNSEALED_FILES_MAX);
        while self.shared.sealing.has_listener()
            && !self.shared.memory.wait_for_room(bytes_max, SEALER_PAUSE)
        {
            // Files that a start found complete have rung no bell: without this, the first batch waits for the sealer's clock.
            self.shared.sealing.ring();
            self.shared.fuse.check()?;
        }
        Ok(())
    }

    fn complete_file(&mut self) {
        self.open = None;
        self.shared.memory.complete();
        self.shared.sealing.ring();
    }

    /// Draws the seeds of the runs that start in a batch.
    fn begin_runs(&self, file_first: Seq, first: Seq, last: Seq) -> Result<Vec<Run>> {
        let mut runs = Vec::new();
        for start in frame::run_starts(file_first, first, last) {
            let mut seeds = zeroize::Zeroizing::new([0; 32]);
            self.shared
                .ports
                .rng
                .fill(seeds.as_mut_slice())
                .map_err(|source| Error::Randomness { purpose: "the seeds of salts", source })?;
            runs.push(Run::new(start, &seeds));
        }
        Ok(runs)
    }
}

/// Wakes everybody when the writer ends, and blows the fuse if it ends by a panic.
struct StopOnPanic(Shared);

impl Drop for StopOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fuse.blow("go on after a fault of the program in the writer");
        }
        self.0.queue.abandon();
        self.0.memory.wake();
    }
}
