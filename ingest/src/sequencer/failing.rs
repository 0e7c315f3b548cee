//! A disk whose syncs fail on demand, and what the sequencer does then.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use archive::{Archive, Creation, Ports, Settings as ArchiveSettings};
use chat::{Act, Disk, DiskFile, DiskLock, EventKind};

use crate::draft::{Draft, DraftKey};
use crate::ingest::Ingest;
use crate::receipt::Verdict;
use crate::settings::Settings;

#[derive(Debug)]
struct FailingDisk {
    inner: Arc<dyn Disk>,
    fails: Arc<AtomicBool>,
}

#[derive(Debug)]
struct FailingFile {
    inner: Box<dyn DiskFile>,
    fails: Arc<AtomicBool>,
}

impl FailingDisk {
    fn wrap(&self, inner: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(FailingFile { inner, fails: Arc::clone(&self.fails) })
    }
}

impl Disk for FailingDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.inner.create(path).map(|file| self.wrap(file))
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.inner.open(path).map(|file| self.wrap(file))
    }
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.inner.open_read(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.inner.create_folder(path)
    }
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.inner.sync_folder(path)
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

impl DiskFile for FailingFile {
    fn read_exact_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.inner.read_exact_at(offset, bytes)
    }
    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_all_at(offset, bytes)
    }
    fn sync(&self) -> io::Result<()> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("the device is gone"));
        }
        self.inner.sync()
    }
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.inner.set_len(bytes)
    }
}

fn message(key: &str) -> Draft {
    let mut draft = Draft::new("s", EventKind::Message, chat::Timestamp::EPOCH);
    draft.key = DraftKey::Given(key.to_owned());
    draft.text = Some(key.to_owned());
    draft
}

#[test]
fn a_failed_sync_gives_no_receipt_stops_the_service_and_a_restart_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive");
    let settings =
        ArchiveSettings { runs_upkeep: false, reserve_bytes: 0, ..ArchiveSettings::default() };
    let fails = Arc::new(AtomicBool::new(false));
    let sound = Ports::production();
    let disk: Arc<dyn Disk> =
        Arc::new(FailingDisk { inner: Arc::clone(&sound.disk), fails: Arc::clone(&fails) });
    let ports = Ports { disk, ..Ports::production() };
    let archive = Archive::create(&path, &Creation::default(), settings.clone(), ports).unwrap();
    let ingest = Ingest::open(Arc::clone(&archive), &Settings::default()).unwrap();
    ingest.accept(vec![message("kept")]).unwrap();
    fails.store(true, Ordering::SeqCst);
    assert!(ingest.accept(vec![message("lost")]).is_err());
    fails.store(false, Ordering::SeqCst);
    assert!(ingest.accept(vec![message("later")]).is_err(), "a failed sync is never retried");
    assert!(ingest.record_act(EventKind::Officer, None, Act::new("search")).is_err());
    drop(ingest.close());
    drop(archive.close());
    drop((ingest, archive));

    let archive = Archive::open(&path, settings, sound).unwrap();
    let ingest = Ingest::open(Arc::clone(&archive), &Settings::default()).unwrap();
    let outcomes = ingest.accept(vec![message("kept"), message("lost"), message("later")]).unwrap();
    assert_eq!(outcomes[0].verdict, Verdict::Duplicate, "what was acknowledged is there");
    assert_eq!(outcomes[2].verdict, Verdict::Accepted);
    let size = archive.size();
    assert!(outcomes.iter().all(|outcome| outcome.receipt.seq.get() <= size));
}
