//! The baselines of an acknowledgement: a sync of the disk alone, and the barest log that many may wait for: one
//! committer, which writes whatever waits at once, syncs once, and wakes everybody through a channel each, as ours does.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};

/// Bytes that are written with zeros before anything is measured, so that a sync has no blocks to find.
const PREPARED_BYTES: usize = 64 << 20;

/// A file whose bytes are there already, written from the start again when its end is reached.
#[derive(Debug)]
pub(crate) struct PreparedFile {
    file: File,
    end: usize,
}

impl PreparedFile {
    /// Makes the file and syncs it.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = File::create(path)?;
        file.write_all_at(&vec![0; PREPARED_BYTES], 0)?;
        file.sync_all()?;
        Ok(Self { file, end: 0 })
    }

    /// Writes bytes behind those before and syncs them.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.end + bytes.len() > PREPARED_BYTES {
            self.end = 0;
        }
        let offset = u64::try_from(self.end).unwrap_or_default();
        self.file.write_all_at(bytes, offset)?;
        self.end += bytes.len();
        self.file.sync_data()
    }
}

/// The barest log.
#[derive(Debug)]
pub(crate) struct BareLog {
    queue: Arc<Queue>,
    committer: JoinHandle<io::Result<()>>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    records: Vec<(Vec<u8>, Sender<()>)>,
    is_closed: bool,
}

impl BareLog {
    /// Starts the committer.
    pub(crate) fn start(file: PreparedFile) -> Self {
        let queue = Arc::new(Queue::default());
        let theirs = Arc::clone(&queue);
        Self { queue, committer: std::thread::spawn(move || commit(&theirs, file)) }
    }

    /// Hands a record in and waits until it is synced.
    pub(crate) fn append(&self, record: Vec<u8>) -> io::Result<()> {
        let (sender, receiver) = channel();
        self.queue.waiting.lock().records.push((record, sender));
        self.queue.filled.notify_one();
        receiver.recv().map_err(|_| io::Error::other("the committer has ended"))
    }

    /// Ends the committer; what failed in it comes out here.
    pub(crate) fn close(self) -> io::Result<()> {
        self.queue.waiting.lock().is_closed = true;
        self.queue.filled.notify_one();
        self.committer.join().unwrap_or_else(|_| Err(io::Error::other("the committer broke off")))
    }
}

fn commit(queue: &Queue, mut file: PreparedFile) -> io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        let mut waiting = queue.waiting.lock();
        while waiting.records.is_empty() {
            if waiting.is_closed {
                return Ok(());
            }
            queue.filled.wait(&mut waiting);
        }
        let records = std::mem::take(&mut waiting.records);
        drop(waiting);
        bytes.clear();
        for (record, _) in &records {
            bytes.extend_from_slice(record);
        }
        file.append(&bytes)?;
        for (_, waiter) in records {
            // Who waited may be gone; the record is synced all the same.
            waiter.send(()).ok();
        }
    }
}
