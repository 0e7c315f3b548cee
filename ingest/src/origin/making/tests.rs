//! Claims about runs that are made while events come in, on a disk that can be held up and fails on demand.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use archive::Ports;
use chat::testing::SeededRng;
use chat::{DiskFile, DiskLock, Seq};
use parking_lot::Mutex;

use super::super::tests::{empty, find, print};
use super::super::{Fingerprint, Origins, RUN_SEQS};
use super::*;

/// Nothing fails.
const NEVER: usize = usize::MAX;

/// Which calls fail, and what holds them up.
#[derive(Debug)]
struct Whims {
    /// Whoever holds it holds up every new file.
    gate: Mutex<()>,
    /// Calls until one fails, and all after it.
    until_failure: AtomicUsize,
    /// Calls that have failed.
    failed: AtomicUsize,
}

impl Whims {
    fn call<T>(&self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let count = |left: usize| match left {
            0 | NEVER => None,
            left => Some(left - 1),
        };
        match self.until_failure.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count) {
            Err(0) => {
                self.failed.fetch_add(1, Ordering::SeqCst);
                Err(io::Error::other("the device is gone"))
            }
            Ok(_) | Err(_) => act(),
        }
    }
}

#[derive(Debug)]
struct WhimsicalDisk {
    inner: Arc<dyn Disk>,
    whims: Arc<Whims>,
}

#[derive(Debug)]
struct WhimsicalFile {
    inner: Box<dyn DiskFile>,
    whims: Arc<Whims>,
}

impl WhimsicalDisk {
    fn file(
        &self,
        open: impl FnOnce() -> io::Result<Box<dyn DiskFile>>,
    ) -> io::Result<Box<dyn DiskFile>> {
        let inner = self.whims.call(open)?;
        Ok(Box::new(WhimsicalFile { inner, whims: Arc::clone(&self.whims) }))
    }
}

impl Disk for WhimsicalDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        drop(self.whims.gate.lock());
        self.file(|| self.inner.create(path))
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.file(|| self.inner.open(path))
    }
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.file(|| self.inner.open_read(path))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.whims.call(|| self.inner.rename(from, to))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.whims.call(|| self.inner.remove(path))
    }
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.whims.call(|| self.inner.create_folder(path))
    }
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.whims.call(|| self.inner.sync_folder(path))
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.inner.list(path)
    }
    fn restrict(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.inner.restrict(path, mode)
    }
    fn mode(&self, path: &Path) -> io::Result<u32> {
        self.inner.mode(path)
    }
    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        self.inner.free_bytes(path)
    }
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        self.inner.lock(path)
    }
}

impl DiskFile for WhimsicalFile {
    fn read_exact_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.whims.call(|| self.inner.read_exact_at(offset, bytes))
    }
    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.whims.call(|| self.inner.write_all_at(offset, bytes))
    }
    fn sync(&self) -> io::Result<()> {
        self.whims.call(|| self.inner.sync())
    }
    fn len(&self) -> io::Result<u64> {
        self.whims.call(|| self.inner.len())
    }
    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.whims.call(|| self.inner.set_len(bytes))
    }
}

struct Bench {
    folder: tempfile::TempDir,
    rng: SeededRng,
    whims: Arc<Whims>,
    origins: Origins,
    known: Vec<(Fingerprint, u64)>,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let whims = Arc::new(Whims {
            gate: Mutex::new(()),
            until_failure: AtomicUsize::new(NEVER),
            failed: AtomicUsize::new(0),
        });
        let inner = Ports::production().disk;
        let disk = Arc::new(WhimsicalDisk { inner, whims: Arc::clone(&whims) });
        let origins = Origins { disk, ..empty(folder.path()) };
        Self { folder, rng: SeededRng::new(seed), whims, origins, known: Vec::new() }
    }

    /// Adds a hundred events of a run, its last one among them.
    fn add(&mut self, run: u64) {
        for step in 0..100 {
            let seq = (run + 1) * RUN_SEQS - step * 7_919;
            let print = print(&self.rng);
            self.origins.insert(print, Seq::new(seq).unwrap());
            self.known.push((print, seq));
        }
    }

    /// Every event is found exactly once, and no stranger is.
    fn check(&self, origins: &Origins, size: u64, when: &str) {
        for (print, seq) in &self.known {
            let expected: Vec<_> = Some(*seq).filter(|seq| *seq <= size).into_iter().collect();
            assert_eq!(find(origins, *print), expected, "{when}, event {seq}");
        }
        for _ in 0..100 {
            assert_eq!(find(origins, print(&self.rng)), Vec::<u64>::new(), "{when}");
        }
    }

    /// What a start finds on a sound disk, and whether all of that is found there.
    fn restart(&self, size: u64, when: &str) -> u64 {
        let mut again = empty(self.folder.path());
        let covered = again.load(size).unwrap();
        self.check(&again, covered, when);
        covered
    }

    fn until_the_thread_has_ended(&self) {
        while self.origins.making.as_ref().is_some_and(|making| !making.has_ended()) {
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_full_window_answers_while_its_run_is_made_and_then_the_run_alone() {
    let mut bench = Bench::new(29);
    bench.add(0);
    let whims = Arc::clone(&bench.whims);
    let closed = whims.gate.lock();
    bench.origins.settle(RUN_SEQS).unwrap();
    assert!(bench.origins.windows.is_empty() && bench.origins.runs.is_empty());
    bench.check(&bench.origins, u64::MAX, "while the run is made");
    assert_eq!(bench.restart(RUN_SEQS, "without the run"), 0);
    bench.add(1);
    bench.origins.settle(RUN_SEQS + 1).unwrap();
    bench.check(&bench.origins, u64::MAX, "while the run is made and more comes in");
    bench.origins.forget_from(Seq::new(RUN_SEQS + 1).unwrap());
    bench.known.truncate(100);
    bench.check(&bench.origins, u64::MAX, "while the run is made and a batch is taken back");
    drop(closed);
    bench.until_the_thread_has_ended();
    bench.check(&bench.origins, u64::MAX, "when the run is written and not yet known");
    assert_eq!(bench.restart(RUN_SEQS, "with the run"), RUN_SEQS);
    bench.origins.settle(RUN_SEQS + 1).unwrap();
    assert!(bench.origins.making.is_none() && bench.origins.runs.len() == 1);
    bench.check(&bench.origins, u64::MAX, "when the run is known");
}

#[test]
fn a_second_full_window_waits_for_the_run_of_the_first() {
    let mut bench = Bench::new(31);
    bench.add(0);
    let whims = Arc::clone(&bench.whims);
    let closed = whims.gate.lock();
    bench.origins.settle(RUN_SEQS).unwrap();
    // No event of the second run has an origin.
    bench.add(2);
    bench.add(3);
    std::thread::scope(|scope| {
        let origins = &mut bench.origins;
        let waiting = scope.spawn(move || origins.settle(3 * RUN_SEQS));
        drop(closed);
        waiting.join().unwrap().unwrap();
    });
    assert_eq!(bench.origins.runs.len(), 1, "the first run is known before the next is begun");
    assert_eq!(bench.origins.making.as_ref().unwrap().window().number(), 2);
    bench.check(&bench.origins, u64::MAX, "while the third run is made");
    bench.origins.finish_run().unwrap();
    assert_eq!(bench.origins.runs.len(), 3, "a run without an origin is written with the next");
    bench.check(&bench.origins, u64::MAX, "when three runs are known");
    assert_eq!(bench.restart(3 * RUN_SEQS, "with three runs"), 3 * RUN_SEQS);
}

#[test]
fn whichever_call_of_the_disk_fails_while_a_run_is_made_it_is_told_and_no_event_is_forgotten() {
    let mut failures = 0;
    for calls in 0.. {
        let mut bench = Bench::new(37);
        bench.add(1);
        bench.whims.until_failure.store(calls, Ordering::SeqCst);
        bench.origins.settle(2 * RUN_SEQS).unwrap();
        bench.until_the_thread_has_ended();
        let failed = bench.whims.failed.load(Ordering::SeqCst);
        let when = format!("{calls} calls before the disk fails");
        // Nothing of the process is left but the files.
        assert!(bench.restart(2 * RUN_SEQS, &when).is_multiple_of(RUN_SEQS), "{when}");
        if bench.origins.settle(2 * RUN_SEQS).is_ok() {
            assert_eq!(
                (failed, bench.origins.runs.len()),
                (0, 2),
                "{when}: no failure is kept back"
            );
            break;
        }
        failures += 1;
        bench.check(&bench.origins, u64::MAX, &when);
        let again = bench.origins.settle(2 * RUN_SEQS + 1);
        assert!(again.is_err(), "{when}: each call tells of a disk that goes on failing");
        assert!(bench.origins.close(2 * RUN_SEQS).is_err(), "{when}");
        bench.check(&bench.origins, u64::MAX, &when);
        bench.whims.until_failure.store(NEVER, Ordering::SeqCst);
        bench.origins.settle(2 * RUN_SEQS + 1).unwrap();
        assert_eq!(bench.origins.runs.len(), 2, "{when}: it is made once the disk is sound");
        bench.check(&bench.origins, u64::MAX, &when);
        assert_eq!(bench.restart(2 * RUN_SEQS, &when), 2 * RUN_SEQS);
    }
    assert!(failures > 14, "{failures} calls for two runs");
}

#[test]
fn a_failure_that_nobody_was_told_of_is_told_by_closing() {
    let mut bench = Bench::new(41);
    bench.add(0);
    bench.whims.until_failure.store(3, Ordering::SeqCst);
    bench.origins.settle(RUN_SEQS).unwrap();
    assert!(bench.origins.close(RUN_SEQS).is_err());
}

#[test]
fn to_close_or_to_leave_waits_for_the_run() {
    for closes in [true, false] {
        let mut bench = Bench::new(43);
        bench.add(0);
        let whims = Arc::clone(&bench.whims);
        let closed = whims.gate.lock();
        bench.origins.settle(RUN_SEQS).unwrap();
        drop(closed);
        if closes {
            bench.origins.close(RUN_SEQS).unwrap();
        }
        bench.origins = empty(bench.folder.path());
        assert_eq!(bench.restart(RUN_SEQS, "after the end"), RUN_SEQS);
    }
}
