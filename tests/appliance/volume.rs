//! A small disk that can be filled: a mount that only this test and the processes it starts can see, gone with the test.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
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
        let mount = format!(
            "mount -t tmpfs -o size={bytes},mode=700 none \"$0\" && echo mounted && exec cat"
        );
        let words: [&OsStr; 4] =
            ["sh".as_ref(), "-c".as_ref(), mount.as_ref(), place.path().as_ref()];
        for is_mapped in [false, true] {
            if let Some((holder, _)) = hold(&words, is_mapped) {
                return Some(Self { holder, place, is_mapped });
            }
        }
        println!("skipped: {test}: nothing can be mounted here");
        None
    }

    /// Mounts the file system in an image, or says why that fails. As a system does when it starts, it has a damaged one
    /// repaired first; the second value says whether that was so.
    pub(crate) fn of_image(image: &Path) -> Result<(Self, bool), String> {
        let place = tempfile::tempdir().expect("a temporary folder can be made");
        let mount = "mount -o loop \"$0\" \"$1\" && echo mounted && exec cat
            e2fsck -fy \"$0\" >&2
            mount -o loop \"$0\" \"$1\" && echo repaired && exec cat";
        let words: [&OsStr; 5] =
            ["sh".as_ref(), "-c".as_ref(), mount.as_ref(), image.as_ref(), place.path().as_ref()];
        let (holder, said) = hold(&words, false).ok_or("it cannot be mounted")?;
        Ok((Self { holder, place, is_mapped: false }, said == "repaired"))
    }

    /// Takes over a process that holds a name space, and a place that it mounts there.
    pub(crate) fn held(holder: Child, place: tempfile::TempDir) -> Self {
        Self { holder, place, is_mapped: false }
    }

    /// Returns the process that holds the name space.
    pub(crate) fn holder(&mut self) -> &mut Child {
        &mut self.holder
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

/// Starts the process that mounts something, says so in one line, and then waits for its end of input.
pub(crate) fn hold(words: &[&OsStr], is_mapped: bool) -> Option<(Child, String)> {
    let mut command = Command::new("unshare");
    command.arg("--mount").args(is_mapped.then_some("--map-root-user"));
    command.args(["--propagation", "private"]).args(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut holder = command.spawn().ok()?;
    let said = line_of(&mut holder);
    if !said.is_empty() {
        return Some((holder, said));
    }
    holder.wait().ok()?;
    None
}

/// Reads one line of what a process says.
#[expect(clippy::unbuffered_bytes, reason = "nothing beyond the line may be read")]
pub(crate) fn line_of(child: &mut Child) -> String {
    let answer = child.stdout.as_mut().expect("it is piped");
    let bytes = answer.bytes().map_while(Result::ok).take_while(|&byte| byte != b'\n');
    String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
}
