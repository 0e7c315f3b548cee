//! What the outside must offer: a clock, randomness and a disk. Production implementations fit on a page; the tests
//! have others that fail on purpose.

use std::fmt::Debug;
use std::io;
use std::path::Path;

use crate::time::Timestamp;

/// Tells the time. May be called from any thread.
pub trait Clock: Send + Sync + Debug {
    /// Returns the present moment on this clock. It may run backwards; nobody may rely on its order.
    fn now(&self) -> Timestamp;
}

/// Draws random bytes that no one can guess. May be called from any thread.
pub trait Rng: Send + Sync + Debug {
    /// Fills the slice. A failure means that no secret can be made: the caller gives up what it was doing.
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()>;
}

/// A disk that keeps what it was told to sync. May be called from any thread; callers keep to one writer a file.
///
/// A new file, a renamed one and a removed one are durable only after [`Disk::sync_folder`] of their folder.
pub trait Disk: Send + Sync + Debug {
    /// Makes a new file for reading and writing; `AlreadyExists` if the name is taken.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens an existing file for reading and writing; `NotFound` if there is none.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens an existing file for reading; `NotFound` if there is none.
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Gives a file another name in one step, replacing what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file; `NotFound` if there is none.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes a folder and those above it; no error if they are there.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Returns the names of files and folders in a folder, in byte order; `NotFound` if there is none.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
    /// Restricts a file to its owner: `mode` is the Unix permission bits.
    fn restrict(&self, path: &Path, mode: u32) -> io::Result<()>;
    /// Returns the permission bits of a file.
    fn mode(&self, path: &Path) -> io::Result<u32>;
    /// Returns how many bytes may still be written to the volume that holds this path.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
    /// Returns whether a path means to the operating system what it means here, so that a library that opens files itself may
    /// be given one. A disk that is simulated or wrapped says no.
    fn is_native(&self) -> bool {
        false
    }
    /// Takes the lock of a file, making the file if it is absent; nothing if someone else holds it. Held until dropped.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>>;
}

/// A lock that is held. Dropping it gives it back; so does the end of the process, however it ends.
pub trait DiskLock: Send + Sync + Debug {}

/// An open file. Offsets are explicit: there is no position to lose.
pub trait DiskFile: Send + Sync + Debug {
    /// Fills the slice from the offset; `UnexpectedEof` if the file ends before.
    fn read_exact_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
    /// Writes the whole slice at the offset, growing the file if need be. Not durable before [`DiskFile::sync`].
    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes everything written so far durable, the length included (`fdatasync`). Never retried: after a failure nobody knows what is on disk.
    fn sync(&self) -> io::Result<()>;
    /// Returns the length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Returns whether the file holds nothing.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|bytes| bytes == 0)
    }
    /// Cuts or grows the file to this length.
    fn set_len(&self, bytes: u64) -> io::Result<()>;
}
