//! A package while it is made: a folder beside the final name, whose files are hashed as they are written and synced
//! before they count.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use chat::{Disk, DiskFile};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::format::cells::RowSink;
use crate::format::hex;
use crate::format::manifest::FilePart;
use crate::position::{FileReader, Position};

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 256 << 10;

/// The folder of a package that is being made.
pub(crate) struct Staging<'a> {
    folder: PathBuf,
    disk: &'a dyn Disk,
    files: BTreeMap<String, FilePart>,
}

impl<'a> Staging<'a> {
    /// Makes the folder, without what an interrupted run may have left under its name.
    pub(crate) fn create(disk: &'a dyn Disk, folder: PathBuf) -> Result<Self> {
        remove_folder(&folder)?;
        disk.create_folder(&folder).map_err(Error::io("create folder", &folder))?;
        Ok(Self { folder, disk, files: BTreeMap::new() })
    }

    /// Starts a file. `path` is relative, its parts joined by `/`; it is one of our own making.
    pub(crate) fn start(&self, path: &str) -> Result<StagedFile> {
        let full = self.folder.join(path);
        if let Some(parent) = full.parent() {
            self.disk.create_folder(parent).map_err(Error::io("create folder", parent))?;
        }
        let file = self.disk.create(&full).map_err(Error::io("create", &full))?;
        Ok(StagedFile {
            path: path.to_owned(),
            full,
            file,
            written: 0,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            hasher: Sha256::new(),
        })
    }

    /// Syncs a finished file and enters it in the list.
    pub(crate) fn finish(&mut self, file: StagedFile) -> Result<()> {
        let part = file.finish()?;
        self.files.insert(part.path.clone(), part);
        Ok(())
    }

    /// Writes a small file whole.
    pub(crate) fn put(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        let mut file = self.start(path)?;
        file.write_all(bytes).map_err(Error::io("write", &file.full))?;
        self.finish(file)
    }

    /// Removes a file that was started and cannot be finished, and its folder where nothing else is in it: a package has no
    /// empty folders.
    pub(crate) fn abandon(&self, file: StagedFile) -> Result<()> {
        let full = file.full.clone();
        drop(file);
        self.disk.remove(&full).map_err(Error::io("remove", &full))?;
        let Some(parent) = full.parent().filter(|parent| *parent != self.folder) else {
            return Ok(());
        };
        if self.disk.list(parent).map_err(Error::io("list", parent))?.is_empty() {
            std::fs::remove_dir(parent).map_err(Error::io("remove", parent))?;
        }
        Ok(())
    }

    /// Opens a finished file.
    pub(crate) fn open(&self, path: &str) -> Result<FileReader> {
        let full = self.folder.join(path);
        let file = self.disk.open_read(&full).and_then(FileReader::new);
        file.map_err(Error::io("open", &full))
    }

    /// Returns the finished files by name.
    pub(crate) const fn files(&self) -> &BTreeMap<String, FilePart> {
        &self.files
    }

    /// Returns the folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the names of all files durable.
    pub(crate) fn sync_folders(&self) -> Result<()> {
        let folders = self.files.keys().flat_map(|path| Path::new(path).ancestors().skip(1));
        let folders: std::collections::BTreeSet<_> = folders.collect();
        for folder in folders.iter().rev() {
            let full = self.folder.join(folder);
            self.disk.sync_folder(&full).map_err(Error::io("sync folder", &full))?;
        }
        Ok(())
    }
}

/// Removes a folder with all that is in it; it is no error if there is none. A symbolic link is removed, not followed.
pub(crate) fn remove_folder(folder: &Path) -> Result<()> {
    match std::fs::symlink_metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("look at", folder)(error)),
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(folder),
        Ok(_) => std::fs::remove_file(folder),
    }
    .map_err(Error::io("remove", folder))
}

/// A file that is being written, in order.
pub(crate) struct StagedFile {
    path: String,
    full: PathBuf,
    file: Box<dyn DiskFile>,
    written: u64,
    buffer: Vec<u8>,
    hasher: Sha256,
}

impl StagedFile {
    /// Returns the name within the package.
    pub(crate) fn full(&self) -> &Path {
        &self.full
    }

    fn finish(mut self) -> Result<FilePart> {
        self.spill().map_err(Error::io("write", &self.full))?;
        self.file.sync().map_err(Error::io("sync", &self.full))?;
        let sha256 = hex::write(&self.hasher.finalize());
        Ok(FilePart { path: self.path, bytes: self.written, sha256 })
    }

    fn spill(&mut self) -> io::Result<()> {
        self.file.write_all_at(self.written, &self.buffer)?;
        self.hasher.update(&self.buffer);
        self.written += u64::try_from(self.buffer.len()).unwrap_or(u64::MAX);
        self.buffer.clear();
        Ok(())
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.spill()?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Nothing is handed on before the buffer is full or the file finished.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl RowSink for StagedFile {
    fn row(&mut self, _seq: Option<chat::Seq>, row: &[u8]) -> io::Result<()> {
        self.write_all(row)
    }
}

/// Writes a file anywhere, as the packer of zip files needs it.
///
/// That packer must never see a write fail: it panics when it is dropped after one. So the first error is kept here, all
/// that follows goes nowhere, and whoever packs asks [`check`] before going on.
pub(crate) struct DiskStream {
    file: Box<dyn DiskFile>,
    position: Position,
    fault: Fault,
}

/// The first error of a stream, shared with the one who packs.
pub(crate) type Fault = Rc<RefCell<Option<io::Error>>>;

impl DiskStream {
    /// Starts at the beginning of a new file.
    pub(crate) fn new(file: Box<dyn DiskFile>, fault: Fault) -> Self {
        Self { file, position: Position::default(), fault }
    }

    /// Makes all that was written durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        check(&self.fault)?;
        self.file.sync()
    }
}

/// Returns the first error of a stream, if there was one.
pub(crate) fn check(fault: &Fault) -> io::Result<()> {
    let fault = fault.borrow();
    fault.as_ref().map_or(Ok(()), |first| Err(io::Error::new(first.kind(), first.to_string())))
}

impl Write for DiskStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut fault = self.fault.borrow_mut();
        if fault.is_none() {
            *fault = self.file.write_all_at(self.position.at, bytes).err();
        }
        self.position.advance(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for DiskStream {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position.seek(to)
    }
}
