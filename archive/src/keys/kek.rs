//! The key-encryption key: 32 bytes in a file that only its owner can read.

use std::path::Path;

use chat::Disk;

use super::{Secret, draw};
use crate::disk::Ports;
use crate::durable;
use crate::error::{Error, Result};

/// Its name in the folder `keys`, where no other file is named.
pub(super) const NAME: &str = "kek";
/// Read by its owner, by nobody else.
const MODE: u32 = 0o400;
/// Bits that let group or others in.
const EXPOSED: u32 = 0o077;
/// More than this is read of no key file.
const FILE_BYTES_MAX: u64 = 4096;

/// Draws a key and writes it durably.
pub(super) fn create(ports: &Ports, path: &Path) -> Result<Secret> {
    let key = draw(ports, "the key-encryption key")?;
    durable::write_secret(ports.disk.as_ref(), path, key.as_slice(), MODE)?;
    Ok(key)
}

/// Reads the key. A file that is missing, that others can read, or that has not 32 bytes is refused.
pub(super) fn load(disk: &dyn Disk, path: &Path) -> Result<Secret> {
    let bytes = durable::read(disk, path, FILE_BYTES_MAX)?
        .map(zeroize::Zeroizing::new)
        .ok_or_else(|| Error::KeyMissing { path: path.to_owned() })?;
    let mode = disk.mode(path).map_err(Error::io("look at", path))?;
    if mode & EXPOSED != 0 {
        return Err(Error::KeyExposed { path: path.to_owned(), mode });
    }
    let Ok(key) = <[u8; 32]>::try_from(bytes.as_slice()) else {
        let reason = format!("{} bytes, 32 expected", bytes.len());
        return Err(Error::KeyForeign { path: path.to_owned(), reason });
    };
    Ok(Secret::new(key))
}
