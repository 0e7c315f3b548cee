//! A process that is killed at its n-th call to the disk: what bears the package's name is whole, or there is nothing, and
//! the next run clears what was left.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use archive::disk::LocalDisk;
use chat::{Disk, DiskFile, DiskLock};

use crate::tests::sample::{files, log};
use crate::{Error, Format, Package, verify};

/// Copies the folder as it is before every call that changes something, and in the midst of every write: what a
/// `SIGKILL` at that moment would leave, since the system keeps what it was given.
#[derive(Debug, Clone)]
struct Watched {
    folder: PathBuf,
    graves: PathBuf,
    count: Arc<AtomicUsize>,
}

impl Watched {
    fn bury(&self) {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        copy(&self.folder, &self.graves.join(number.to_string()));
    }

    fn wrap(&self, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(WatchedFile { file, watched: self.clone() })
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

impl Disk for Watched {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.bury();
        LocalDisk.create(path).map(|file| self.wrap(file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        LocalDisk.open(path).map(|file| self.wrap(file))
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        LocalDisk.open_read(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.bury();
        LocalDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.bury();
        LocalDisk.remove(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.bury();
        LocalDisk.create_folder(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.bury();
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
struct WatchedFile {
    file: Box<dyn DiskFile>,
    watched: Watched,
}

impl DiskFile for WatchedFile {
    fn read_exact_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(offset, bytes)
    }

    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(offset, &bytes[..bytes.len() / 2])?;
        self.watched.bury();
        self.file.write_all_at(offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.watched.bury();
        self.file.sync()
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.watched.bury();
        self.file.set_len(bytes)
    }
}

#[test]
fn a_process_killed_at_any_call_leaves_a_whole_package_or_none_and_the_next_run_clears_up() {
    let log = log();
    let (set, key) = (log.whole(), log.verifier_key());
    for name in ["p", "p.zip"] {
        let home = tempfile::tempdir().unwrap();
        let (folder, graves) = (home.path().join("folder"), home.path().join("graves"));
        std::fs::create_dir(&folder).unwrap();
        let watched = Watched { folder, graves, count: Arc::default() };
        Package::write(&set, &log, &Format::ALL, &watched.folder.join(name), &watched).unwrap();
        let deaths = watched.count.load(Ordering::SeqCst);
        assert!(deaths > 40, "{name}: {deaths} deaths");
        let mut whole = 0;
        for call in 0..deaths {
            let grave = watched.graves.join(call.to_string());
            let out = grave.join(name);
            let is_there = std::fs::symlink_metadata(&out).is_ok();
            whole += usize::from(is_there);
            if is_there {
                assert!(verify(&out, &key).unwrap().ok, "{name}, call {call}");
            }
            let again = Package::write(&set, &log, &Format::ALL, &out, &LocalDisk);
            let is_refused = matches!(again, Err(Error::OutputExists { .. }));
            assert!(if is_there { is_refused } else { again.is_ok() }, "{name}, call {call}");
            let left = std::fs::read_dir(&grave).unwrap().count();
            assert_eq!(left, 1, "{name}, call {call}: {:?}", files(&grave).keys());
        }
        assert!(whole > 0 && whole < deaths, "{name}: whole after {whole} of {deaths} deaths");
    }
}
