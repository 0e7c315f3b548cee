//! Packs a folder into a zip file whose bytes depend on nothing but the files: fixed times, fixed order, fixed rights.

use std::io::{self, BufWriter};
use std::path::Path;
use std::rc::Rc;

use chat::{Disk, DiskFile};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::error::{Error, Result};
use crate::position::{FileReader, hash};
use crate::staging::{DiskStream, Fault, Staging, check, remove_folder};

/// Packs every file of a finished folder, by name, and returns the SHA-256 of the zip file in hex. It is synced.
pub(crate) fn pack(staging: &Staging<'_>, to: &Path, disk: &dyn Disk) -> Result<String> {
    remove_folder(to)?;
    let file = disk.create(to).map_err(Error::io("create", to))?;
    write_zip(staging, file).map_err(Error::io("write", to))?;
    let file = disk.open_read(to).and_then(FileReader::new).map_err(Error::io("open", to))?;
    Ok(hash(file).map_err(Error::io("read", to))?.sha256)
}

fn write_zip(staging: &Staging<'_>, file: Box<dyn DiskFile>) -> io::Result<()> {
    let fault = Fault::default();
    let stream = DiskStream::new(file, Rc::clone(&fault));
    let mut zip = ZipWriter::new(BufWriter::with_capacity(1 << 18, stream));
    for (path, part) in staging.files() {
        check(&fault)?;
        zip.start_file(path.as_str(), options(path, part.bytes))?;
        let mut file = staging.open(path).map_err(io::Error::other)?;
        io::copy(&mut file, &mut zip)?;
    }
    let stream = zip.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    stream.sync()
}

/// Files that are compressed already are stored as they are.
fn options(path: &str, bytes: u64) -> SimpleFileOptions {
    let is_packed = Path::new(path).extension().is_some_and(|ending| ending == "zst");
    let method = if is_packed { CompressionMethod::Stored } else { CompressionMethod::Deflated };
    SimpleFileOptions::default()
        .compression_method(method)
        .compression_level(if is_packed { None } else { Some(6) })
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
        .large_file(bytes >= u64::from(u32::MAX))
}
