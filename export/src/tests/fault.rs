//! A disk that fails at its n-th call: nothing ever bears the package's name unless it is whole.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use archive::disk::LocalDisk;
use chat::{Disk, DiskFile, DiskLock, Family};

use crate::tests::sample::{files, log};
use crate::{Format, Package, verify};

/// Counts down over every call that changes something, and fails once.
#[derive(Debug)]
struct FailingDisk {
    left: Arc<AtomicU64>,
}

impl FailingDisk {
    fn after(calls: u64) -> Self {
        Self { left: Arc::new(AtomicU64::new(calls)) }
    }

    fn wrap(&self, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(FailingFile { file, left: Arc::clone(&self.left) })
    }
}

fn tick(left: &AtomicU64) -> io::Result<()> {
    match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |calls| Some(calls.wrapping_sub(1)))
    {
        Ok(0) => Err(io::Error::from(io::ErrorKind::StorageFull)),
        Ok(_) | Err(_) => Ok(()),
    }
}

impl Disk for FailingDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        tick(&self.left)?;
        LocalDisk.create(path).map(|file| self.wrap(file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        LocalDisk.open(path).map(|file| self.wrap(file))
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        LocalDisk.open_read(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        tick(&self.left)?;
        LocalDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        LocalDisk.remove(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        tick(&self.left)?;
        LocalDisk.create_folder(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        tick(&self.left)?;
        LocalDisk.sync_folder(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        LocalDisk.list(path)
    }

    fn restrict(&self, path: &Path, mode: u32) -> io::Result<()> {
        LocalDisk.restrict(path, mode)
    }

    fn mode(&self, path: &Path) -> io::Result<u32> {
        LocalDisk.mode(path)
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        LocalDisk.free_bytes(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        LocalDisk.lock(path)
    }
}

#[derive(Debug)]
struct FailingFile {
    file: Box<dyn DiskFile>,
    left: Arc<AtomicU64>,
}

impl DiskFile for FailingFile {
    fn read_exact_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(offset, bytes)
    }

    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        tick(&self.left)?;
        self.file.write_all_at(offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        tick(&self.left)?;
        self.file.sync()
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }
}

#[test]
fn a_disk_that_fails_at_any_call_leaves_no_half_package() {
    let folder = tempfile::tempdir().unwrap();
    let log = log();
    let set = log.whole();
    for name in ["p", "p.zip"] {
        let out = folder.path().join(name);
        let mut calls = 0;
        loop {
            let disk = FailingDisk::after(calls);
            let Err(error) = Package::write(&set, &log, &Format::ALL, &out, &disk) else { break };
            assert_eq!(error.family(), Family::Unavailable, "{name}, call {calls}: {error}");
            // The very last call makes a name durable that a whole package bears already.
            if std::fs::symlink_metadata(&out).is_ok() {
                assert!(verify(&out, &log.verifier_key()).unwrap().ok, "{name}, call {calls}");
                break;
            }
            assert_eq!(files(folder.path()).len(), 0, "{name}, call {calls}: something is left");
            calls += 1;
        }
        assert!(calls > 40, "{calls} calls");
        std::fs::remove_dir_all(&out).or_else(|_| std::fs::remove_file(&out)).unwrap();
    }
}
