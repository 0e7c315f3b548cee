//! A small disk that can be filled: a mount that only this test and the processes it starts can see, gone with the test.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A mounted volume of a few megabytes. A process that sleeps holds the name space in which it is mounted.
#[derive(Debug)]
pub(crate) struct Volume {
    holder: Child,
    place: tempfile::TempDir,
    is_mapped: bool,
}

impl Volume {
    /// Mounts an empty volume of so many bytes, or says by name which test goes without one.
    pub(crate) fn mount(test: &str, bytes: u64) -> Option<Self> {
        let place = tempfile::tempdir().expect("a temporary folder can be made");
        for is_mapped in [false, true] {
            if let Some(holder) = hold(place.path(), bytes, is_mapped) {
                return Some(Self { holder, place, is_mapped });
            }
        }
        println!("skipped: {test}: nothing can be mounted here");
        None
    }

    /// Returns where the volume lies for the processes of [`Self::command`].
    pub(crate) fn path(&self) -> &Path {
        self.place.path()
    }

    /// Returns where this very process finds a file of the volume. Only plain opening works there: the path leads through a
    /// link of the system that means something else once it is resolved.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        let own = self.place.path().strip_prefix("/").expect("temporary folders are absolute");
        PathBuf::from(format!("/proc/{}/root", self.holder.id())).join(own).join(name)
    }

    /// Returns a command that runs a program where the volume is mounted.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.holder.id())).arg("--mount");
        if self.is_mapped {
            command.arg("--user").arg("--preserve-credentials");
        }
        command.arg("--").arg(program).stdin(Stdio::null());
        command
    }

    /// Returns the bytes that are free.
    pub(crate) fn free_bytes(&self) -> u64 {
        let volume = rustix::fs::statvfs(self.file("")).expect("the volume is there");
        volume.f_bavail * volume.f_frsize
    }

    /// Fills the volume until only so many bytes are free; the ballast is one file.
    pub(crate) fn fill(&self, leave_bytes: u64) {
        let mut ballast =
            std::fs::File::options().create(true).append(true).open(self.file("ballast")).unwrap();
        let page = [0x5a_u8; 4096];
        while self.free_bytes() > leave_bytes {
            if let Err(error) = ballast.write_all(&page) {
                assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{error}");
                return;
            }
        }
    }

    /// Takes the ballast away.
    pub(crate) fn free(&self) {
        std::fs::remove_file(self.file("ballast")).unwrap();
    }
}

impl Drop for Volume {
    /// The mount goes with the last process in its name space.
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        self.holder.wait().ok();
    }
}

/// Starts the process that mounts the volume and waits for its end of input.
fn hold(place: &Path, bytes: u64, is_mapped: bool) -> Option<Child> {
    let mut command = Command::new("unshare");
    command.arg("--mount").args(is_mapped.then_some("--map-root-user"));
    let mount =
        format!("mount -t tmpfs -o size={bytes},mode=700 none \"$0\" && echo mounted && exec cat");
    command.args(["--propagation", "private", "sh", "-c", &mount]).arg(place);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut holder = command.spawn().ok()?;
    let mut said = String::new();
    let mut answer = BufReader::new(holder.stdout.take().expect("it is piped"));
    answer.read_line(&mut said).ok()?;
    if said.trim() == "mounted" {
        return Some(holder);
    }
    holder.wait().ok()?;
    None
}
