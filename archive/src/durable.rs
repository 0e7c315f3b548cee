//! How a small file is written whole or not at all: temporary → sync → rename → sync of the folder.

use std::io;
use std::path::{Path, PathBuf};

use chat::Disk;

use crate::error::{Error, Result};

/// What the name of an unfinished file ends with. Such a file is left over from a crash and may be removed.
pub const UNFINISHED: &str = ".unfinished";

/// Writes a file whole, replacing what had its name. On return it is durable; after a crash the old one or the new one is there.
pub fn write(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<()> {
    write_with_mode(disk, path, bytes, None)
}

/// Writes a file whole that only its owner may read: it has this mode before it holds a byte.
pub fn write_secret(disk: &dyn Disk, path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    write_with_mode(disk, path, bytes, Some(mode))
}

fn write_with_mode(disk: &dyn Disk, path: &Path, bytes: &[u8], mode: Option<u32>) -> Result<()> {
    let unfinished = write_unfinished(disk, path, bytes, mode)?;
    publish(disk, &unfinished, path)
}

/// Writes and syncs a file under its unfinished name, and returns that name. What has its name stays as it is.
pub(crate) fn write_unfinished(
    disk: &dyn Disk,
    path: &Path,
    bytes: &[u8],
    mode: Option<u32>,
) -> Result<PathBuf> {
    let unfinished = unfinished(path);
    remove_if_there(disk, &unfinished)?;
    let file = disk.create(&unfinished).map_err(Error::io("create", &unfinished))?;
    if let Some(mode) = mode {
        disk.restrict(&unfinished, mode).map_err(Error::io("restrict", &unfinished))?;
    }
    file.write_all_at(0, bytes).map_err(Error::io("write", &unfinished))?;
    file.sync().map_err(Error::io("sync", &unfinished))?;
    Ok(unfinished)
}

/// Returns the name that a file has until it is finished.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(UNFINISHED);
    PathBuf::from(name)
}

/// Gives a written and synced file its name, durably.
pub fn publish(disk: &dyn Disk, unfinished: &Path, path: &Path) -> Result<()> {
    disk.rename(unfinished, path).map_err(Error::io("rename", unfinished))?;
    sync_folder_of(disk, path)
}

/// Makes the name of a file durable, or its absence.
pub fn sync_folder_of(disk: &dyn Disk, path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    // A bare name lies in the present folder, which has no name of its own here.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    disk.sync_folder(folder).map_err(Error::io("sync folder", folder))
}

/// Makes a folder and its name durable.
pub fn create_folder(disk: &dyn Disk, path: &Path) -> Result<()> {
    disk.create_folder(path).map_err(Error::io("create folder", path))?;
    disk.sync_folder(path).map_err(Error::io("sync folder", path))?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(_) => sync_folder_of(disk, path),
        None => Ok(()),
    }
}

/// Reads a file whole, or nothing if there is none. Refuses one that is larger than `bytes_max`, before it allocates.
pub fn read(disk: &dyn Disk, path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>> {
    let file = match disk.open_read(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("open", path)(error)),
    };
    let length = file.len().map_err(Error::io("measure", path))?;
    let bytes = usize::try_from(length).ok().filter(|_| length <= bytes_max);
    let Some(bytes) = bytes else {
        return Err(Error::corrupt(
            path,
            0,
            format!("{length} bytes, at most {bytes_max} expected"),
        ));
    };
    let mut content = vec![0; bytes];
    file.read_exact_at(0, &mut content).map_err(Error::io("read", path))?;
    Ok(Some(content))
}

/// Removes a file; it is no error if there is none. The absence is durable after [`sync_folder_of`].
pub fn remove_if_there(disk: &dyn Disk, path: &Path) -> Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove", path)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Returns the names in a folder, in byte order; none if there is no such folder.
pub fn list(disk: &dyn Disk, folder: &Path) -> Result<Vec<String>> {
    match disk.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(Error::io("list", folder)),
    }
}
