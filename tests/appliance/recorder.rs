//! A real file system on a disk that keeps every write and every flush: `tests/faults/recorder.c`, compiled here, with a
//! loop device on the file that it shows.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::failing_disk::compiled;
use crate::support::Appliance;
use crate::volume::{Volume, hold, line_of};

/// A file system that is tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileSystem {
    /// The program that makes one, with its arguments; the image comes last.
    pub(crate) make: &'static [&'static str],
    pub(crate) bytes: u64,
}

/// The tables are made at once: a thread of the kernel would make them later, and the writes be another run's.
pub(crate) const EXT4: FileSystem = FileSystem {
    make: &["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
    bytes: 96 << 20,
};

/// It takes no less.
pub(crate) const XFS: FileSystem = FileSystem { make: &["mkfs.xfs", "-q", "-f"], bytes: 304 << 20 };

/// An appliance whose data directory lies on a recorded disk.
#[derive(Debug)]
pub(crate) struct Recorder {
    appliance: Appliance,
    folder: tempfile::TempDir,
}

/// What a recorded disk was told.
#[derive(Debug)]
pub(crate) struct Recording {
    /// The disk's content at the beginning.
    pub(crate) base: Vec<u8>,
    /// The log of the recorder.
    pub(crate) log: Vec<u8>,
}

impl Recorder {
    /// Makes a file system on a recorded disk, or says by name which test goes without it.
    pub(crate) fn start(test: &str, file_system: FileSystem) -> Option<Self> {
        static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
        let skipped = |reason: &str| println!("skipped: {test}: {reason}");
        let program = PROGRAM.get_or_init(|| compiled("recorder.c", "recorder", &[]));
        let Some(program) = program else {
            skipped("no C compiler with the kernel's headers");
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        if !make(file_system, &folder.path().join("base.img")) {
            skipped(&format!("no {}", file_system.make[0]));
            return None;
        }
        let recorded = record(program, folder.path());
        if recorded.is_none() {
            skipped("nothing can be mounted here");
        }
        recorded.map(|volume| Self { appliance: Appliance::on(volume), folder })
    }

    /// Returns the appliance.
    pub(crate) fn appliance(&mut self) -> &mut Appliance {
        &mut self.appliance
    }

    /// Returns how many writes and flushes there were so far.
    pub(crate) fn records(&mut self) -> usize {
        let holder = self.appliance.volume_mut().holder();
        holder.stdin.as_mut().expect("it is piped").write_all(b"?").unwrap();
        line_of(holder).parse().expect("the recorder answers with a number")
    }

    /// Takes the disk away and returns what it was told.
    pub(crate) fn finish(mut self) -> Recording {
        let volume = self.appliance.volume_mut();
        let place = volume.path().to_owned();
        let gone = volume.command("umount").arg(place).status().unwrap();
        assert!(gone.success(), "a process still has a file open on the disk");
        drop(volume.holder().stdin.take());
        assert!(volume.holder().wait().unwrap().success(), "the log of the recorder is cut off");
        let read = |name| std::fs::read(self.folder.path().join(name)).unwrap();
        Recording { base: read("base.img"), log: read("log") }
    }
}

fn make(file_system: FileSystem, image: &Path) -> bool {
    std::fs::File::create(image).unwrap().set_len(file_system.bytes).unwrap();
    let mut command = Command::new(file_system.make[0]);
    command.args(&file_system.make[1..]).arg(image).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Starts the recorder in a name space of its own and mounts the file system there.
fn record(program: &Path, folder: &Path) -> Option<Volume> {
    let place = tempfile::tempdir().expect("a temporary folder can be made");
    let shown = folder.join("shown");
    std::fs::create_dir(&shown).unwrap();
    let (image, log) = (folder.join("base.img"), folder.join("log"));
    let words: [&OsStr; 4] = [program.as_ref(), image.as_ref(), log.as_ref(), shown.as_ref()];
    let (holder, _) = hold(&words, false)?;
    let volume = Volume::held(holder, place);
    let mut mount = volume.command("mount");
    mount.args(["-o", "loop"]).arg(shown.join("disk")).arg(volume.path());
    mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success()).then_some(volume)
}
