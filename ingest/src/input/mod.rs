//! What an import is given: a file, a folder or a zip, and the files in it, each decompressed and bounded as it is read.

mod bounded;
mod directory;
mod folder;
mod salvage;
mod zipped;

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use self::bounded::Bounded;
use self::folder::Folder;
use self::salvage::Salvaged;
use self::zipped::Zipped;
use crate::error::{Error, Result};

pub(crate) use self::bounded::bounded_document;

/// The first bytes of a zip, of one without members, of zstd and of gzip.
const ZIP_MAGIC: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];
const ZSTD_MAGIC: &[u8] = b"\x28\xb5\x2f\xfd";
const GZIP_MAGIC: &[u8] = b"\x1f\x8b";

/// A file, folder or zip with named members. Names have forward slashes and never lead out of it.
#[derive(Debug)]
pub struct Container {
    path: PathBuf,
    form: Form,
    /// Bytes read from the disk so far.
    consumed: Arc<AtomicU64>,
    bytes: u64,
}

#[derive(Debug)]
enum Form {
    Single,
    Folder(Folder),
    Zip(Box<Zipped>),
    /// What is whole of a zip that is not.
    Salvaged(Salvaged),
}

impl Container {
    /// Opens what lies at the path and lists its members; names and numbers beyond the limits are refused.
    pub fn open(path: &Path) -> Result<Self> {
        let known = std::fs::metadata(path).map_err(|fault| Error::unreadable(path, fault))?;
        let form = if known.is_dir() {
            Form::Folder(Folder::open(path)?)
        } else if ZIP_MAGIC.iter().any(|magic| starts_with(path, magic).unwrap_or(false)) {
            match Zipped::open(path)? {
                Ok(zip) => Form::Zip(Box::new(zip)),
                Err(why) => Form::Salvaged(Salvaged::open(path, &why)?),
            }
        } else {
            Form::Single
        };
        let bytes = match &form {
            Form::Folder(folder) => folder.bytes(),
            Form::Single | Form::Zip(_) | Form::Salvaged(_) => known.len(),
        };
        Ok(Self { path: path.to_owned(), form, consumed: Arc::default(), bytes })
    }

    /// Returns the names of the members in byte order; a single file has one, its own name.
    pub fn members(&self) -> Vec<String> {
        match &self.form {
            Form::Single => vec![self.own_name()],
            Form::Folder(folder) => folder.members(),
            Form::Zip(zip) => zip.members(),
            Form::Salvaged(zip) => zip.members(),
        }
    }

    /// Returns whether it is one file, not a folder or zip.
    pub const fn is_single(&self) -> bool {
        matches!(self.form, Form::Single)
    }

    /// Returns what is wrong with it as a whole, though some of its members can be read.
    pub fn fault(&self) -> Option<Error> {
        match &self.form {
            Form::Salvaged(zip) => Some(zip.fault()),
            Form::Single | Form::Folder(_) | Form::Zip(_) => None,
        }
    }

    /// Returns the path that it was opened from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the bytes on disk of all that is in it.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the count of bytes read from the disk so far; it goes on while members are read.
    pub fn consumed(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.consumed)
    }

    fn own_name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// Opens a member as it is stored; nothing if there is none of this name.
    pub fn open_member(&mut self, name: &str) -> Result<Option<Box<dyn Read + '_>>> {
        let own = self.own_name();
        match &mut self.form {
            Form::Single if name == own => open_file(&self.path, &self.consumed).map(Some),
            Form::Single => Ok(None),
            Form::Folder(folder) => match folder.path_of(name) {
                Some(path) => open_file(&path, &self.consumed).map(Some),
                None => Ok(None),
            },
            Form::Zip(zip) => zip.open_member(name, &self.consumed),
            Form::Salvaged(zip) => zip.open_member(name, &self.consumed),
        }
    }

    /// Opens a member and takes off a zstd or gzip layer; what it grows to is bounded.
    pub fn open_text(&mut self, name: &str) -> Result<Option<Box<dyn Read + '_>>> {
        let path = if self.is_single() { self.path.clone() } else { self.path.join(name) };
        let Some(member) = self.open_member(name)? else { return Ok(None) };
        decompress(member, &path).map(Some)
    }
}

fn open_file(path: &Path, consumed: &Arc<AtomicU64>) -> Result<Box<dyn Read + 'static>> {
    let file = File::open(path).map_err(|fault| Error::unreadable(path, fault))?;
    Ok(Box::new(Metered { input: file, consumed: Arc::clone(consumed) }))
}

/// Counts what is read, so that progress can be shown.
#[derive(Debug)]
struct Metered {
    input: File,
    consumed: Arc<AtomicU64>,
}

impl Read for Metered {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let taken = self.input.read(out)?;
        self.consumed.fetch_add(u64::try_from(taken).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(taken)
    }
}

fn starts_with(path: &Path, magic: &[u8]) -> Result<bool> {
    let mut file = File::open(path).map_err(|fault| Error::unreadable(path, fault))?;
    let mut start = vec![0; magic.len()];
    Ok(file.read_exact(&mut start).is_ok() && start == magic)
}

/// Takes off one layer of zstd or gzip, told by the first bytes; other bytes are passed on as they are.
fn decompress<'a>(input: Box<dyn Read + 'a>, path: &Path) -> Result<Box<dyn Read + 'a>> {
    let mut input = BufReader::with_capacity(128 << 10, input);
    let start = input.fill_buf().map_err(|fault| Error::unreadable(path, fault))?;
    if start.starts_with(ZSTD_MAGIC) {
        let (packed, count) = bounded::counted(input);
        let plain = zstd::stream::read::Decoder::new(packed)
            .map_err(|fault| Error::unreadable(path, fault))?;
        return Ok(Box::new(Bounded::growing(plain, count)));
    }
    if start.starts_with(GZIP_MAGIC) {
        let (packed, count) = bounded::counted(input);
        let plain = flate2::bufread::MultiGzDecoder::new(BufReader::new(packed));
        return Ok(Box::new(Bounded::growing(plain, count)));
    }
    Ok(Box::new(input))
}

#[cfg(test)]
mod tests;
