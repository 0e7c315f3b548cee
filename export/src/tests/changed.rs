//! A disk that keeps other bytes than it was given, and an archive that gives what was never recorded: neither gets a
//! package its name.

use std::io::{self, Read};
use std::path::Path;

use archive::disk::LocalDisk;
use archive::proof::Inclusion;
use chat::{Disk, DiskFile, DiskLock, FileId, Recorded, Seq};

use crate::tests::log::Log;
use crate::tests::sample::{files, log, write};
use crate::{Error, Evidence, Format, Package, Result};

/// Turns one bit of the files whose names end so, in the middle of what is written.
#[derive(Debug)]
struct TurningDisk(String);

impl Disk for TurningDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = LocalDisk.create(path)?;
        let is_turned = path.ends_with(&self.0);
        Ok(if is_turned { Box::new(TurningFile(file)) } else { file })
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        LocalDisk.open(path)
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        LocalDisk.open_read(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        LocalDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        LocalDisk.remove(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        LocalDisk.create_folder(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
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
struct TurningFile(Box<dyn DiskFile>);

impl DiskFile for TurningFile {
    fn read_exact_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(offset, bytes)
    }

    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut turned = bytes.to_vec();
        let middle = turned.len() / 2;
        turned.get_mut(middle).into_iter().for_each(|byte| *byte ^= 1);
        self.0.write_all_at(offset, &turned)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }
}

#[test]
fn a_disk_that_changes_one_bit_of_any_file_costs_the_package_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let log = log();
    let set = log.whole();
    let sound = folder.path().join("sound");
    write(&set, &log, &sound).unwrap();
    let names = files(&sound);
    std::fs::remove_dir_all(&sound).unwrap();
    assert!(names.len() > 12, "{} files", names.len());
    for name in names.keys() {
        for out in ["p", "p.zip"] {
            let disk = TurningDisk(name.clone());
            let out = folder.path().join(out);
            let written = Package::write(&set, &log, &Format::ALL, &out, &disk);
            assert!(matches!(written, Err(Error::CheckFailed { .. })), "{name}: {written:?}");
            assert_eq!(files(folder.path()).len(), 0, "{name}: something is left");
        }
    }
    let disk = TurningDisk("p.zip.unfinished.zip".to_owned());
    let out = folder.path().join("p.zip");
    let written = Package::write(&set, &log, &Format::ALL, &out, &disk);
    assert!(matches!(written, Err(Error::CheckFailed { .. })), "{written:?}");
}

/// A log that changes the words of one event on their way out.
struct Lying(Log);

impl Evidence for Lying {
    fn events<'a>(
        &'a self,
        seqs: &'a [Seq],
        size: u64,
    ) -> Box<dyn Iterator<Item = Result<(Recorded, Inclusion)>> + 'a> {
        Box::new(self.0.events(seqs, size).map(|given| {
            let (mut recorded, inclusion) = given?;
            if recorded.seq.get() == 6 {
                recorded.event.content.text = Some("never said".to_owned());
            }
            Ok((recorded, inclusion))
        }))
    }

    fn remains(&self, seq: Seq, size: u64) -> Result<Inclusion> {
        self.0.remains(seq, size)
    }

    fn file(&self, file: &FileId) -> Result<Option<Box<dyn Read + Send>>> {
        self.0.file(file)
    }

    fn sign(&self, text: &str) -> Result<String> {
        self.0.sign(text)
    }
}

#[test]
fn words_that_were_never_recorded_cost_the_package_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let log = log();
    let set = log.whole();
    let lying = Lying(log);
    for formats in [&[Format::Bundle][..], &Format::ALL] {
        let out = folder.path().join("p");
        let written = Package::write(&set, &lying, formats, &out, &LocalDisk);
        assert!(matches!(written, Err(Error::CheckFailed { .. })), "{written:?}");
        assert_eq!(files(folder.path()).len(), 0, "something is left");
    }
}
