//! A package as it lies before a stranger: a folder or a zip file, neither of them trusted.
//!
//! Names never become paths outside of the package, links are not followed, and nothing is unpacked to disk: files are
//! streams, and who reads one says how much of it.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use archive::disk::LocalDisk;
use chat::Disk as _;
use flate2::read::DeflateDecoder;
use zip::ZipArchive;

use crate::error::{Error, Result};
use crate::format::manifest;
use crate::members::list_zip;
use crate::position::FileReader;
use crate::report::{ExportReport, FindingKind};

/// How deep folders may lie in a package: `csv/exact/messages.csv` has two.
pub(crate) const DEPTH_MAX: usize = 3;
/// How many files a package may have.
pub(crate) const FILES_MAX: usize = 2_000_000;

/// Files that every package has: where none of them is, there is no package.
const OWN: [&str; 3] = [manifest::MANIFEST, manifest::SIGNATURE, manifest::SUMS];

/// An opened package.
pub(crate) struct Container {
    files: BTreeMap<String, Member>,
    root: Root,
}

/// One file of a package.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    /// Its size as the container states it.
    pub(crate) bytes: u64,
    /// Its CRC-32 as a zip file states it.
    pub(crate) crc: Option<u32>,
    pub(crate) place: Place,
}

/// Where the bytes of a file are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// In a file of its own.
    Apart,
    /// In the zip file, as they are.
    Stored { start: u64, bytes: u64 },
    /// In the zip file, deflated.
    Deflated { start: u64, bytes: u64 },
}

impl Member {
    /// Returns whether the container states this size and this CRC-32, as far as it states them.
    pub(crate) fn states(&self, bytes: u64, crc: u32) -> bool {
        self.bytes == bytes && self.crc.is_none_or(|stated| stated == crc)
    }
}

enum Root {
    Folder(PathBuf),
    Zip(FileReader),
}

impl Container {
    /// Opens a package and lists its files. What is no plain file is a finding; only a path that cannot be read at all is
    /// an error.
    pub(crate) fn open(path: &Path, report: &mut ExportReport) -> Result<Self> {
        let found = std::fs::metadata(path).map_err(Error::io("open", path))?;
        if found.is_dir() {
            let folder = Self::of_folder(path, report)?;
            if !OWN.iter().any(|name| folder.files.contains_key(*name)) {
                let fault = "the folder has no manifest.json";
                return Err(Error::NotAPackage { path: path.to_owned(), fault });
            }
            return Ok(folder);
        }
        let file = LocalDisk.open_read(path).and_then(FileReader::new);
        let file = file.map_err(Error::io("open", path))?;
        match ZipArchive::new(file.clone()) {
            Ok(mut zip) => {
                let files = list_zip(&mut zip, &file, report);
                Ok(Self { files, root: Root::Zip(file) })
            }
            Err(_) if !is_zip_like(&file) => {
                let fault = "the file is no zip file";
                Err(Error::NotAPackage { path: path.to_owned(), fault })
            }
            Err(error) => {
                report.find(FindingKind::Container, "", format!("it is no zip file: {error}"));
                Ok(Self { files: BTreeMap::new(), root: Root::Zip(file) })
            }
        }
    }

    /// Opens what lies in a folder, whether it is a package already or one that is being made.
    pub(crate) fn of_folder(path: &Path, report: &mut ExportReport) -> Result<Self> {
        let mut files = BTreeMap::new();
        list_folder(path, "", &mut files, report).map_err(Error::io("list", path))?;
        Ok(Self { files, root: Root::Folder(path.to_owned()) })
    }

    /// Returns the files by name.
    pub(crate) const fn files(&self) -> &BTreeMap<String, Member> {
        &self.files
    }

    /// Reads a file from its start. The stream ends after `bytes_max` bytes, whatever the container says.
    pub(crate) fn stream(&self, path: &str, bytes_max: u64) -> io::Result<Box<dyn Read>> {
        let member = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        let part = |zip: &FileReader, start: u64, bytes: u64| {
            BufReader::with_capacity(1 << 17, zip.from(start).take(bytes))
        };
        Ok(match (&self.root, member.place) {
            (Root::Folder(folder), _) => {
                let file = LocalDisk.open_read(&folder.join(path)).and_then(FileReader::new)?;
                Box::new(BufReader::with_capacity(1 << 17, file).take(bytes_max))
            }
            (Root::Zip(zip), Place::Stored { start, bytes }) => {
                Box::new(part(zip, start, bytes).take(bytes_max))
            }
            (Root::Zip(zip), Place::Deflated { start, bytes }) => {
                Box::new(DeflateDecoder::new(part(zip, start, bytes)).take(bytes_max))
            }
            (Root::Zip(_), Place::Apart) => return Err(io::ErrorKind::NotFound.into()),
        })
    }

    /// Returns a small file whole.
    pub(crate) fn bytes(&self, path: &str, bytes_max: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let limit = bytes_max.saturating_add(1);
        let count = self.stream(path, limit)?.read_to_end(&mut bytes)?;
        if u64::try_from(count).unwrap_or(u64::MAX) > bytes_max {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is too large"));
        }
        Ok(bytes)
    }
}

/// Returns whether a file begins or ends as a zip file does, so that it may be a damaged one.
fn is_zip_like(file: &FileReader) -> bool {
    let (mut start, mut end) = ([0; 2], [0; 4]);
    let starts = file.from(0).read_exact(&mut start).is_ok() && start == *b"PK";
    let end_at = file.len().saturating_sub(22);
    starts || (file.from(end_at).read_exact(&mut end).is_ok() && end == *b"PK\x05\x06")
}

fn list_folder(
    folder: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, Member>,
    report: &mut ExportReport,
) -> io::Result<()> {
    let mut is_empty = true;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        is_empty = false;
        let Ok(name) = entry.file_name().into_string() else {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            report.find(FindingKind::FileForeign, &name, "its name is no text");
            continue;
        };
        let path = format!("{prefix}{name}");
        let found = std::fs::symlink_metadata(entry.path())?;
        let is_shallow = path.matches('/').count() < DEPTH_MAX && files.len() < FILES_MAX;
        if found.is_dir() && is_shallow {
            list_folder(&entry.path(), &format!("{path}/"), files, report)?;
        } else if found.is_file() && is_shallow {
            files.insert(path, Member { bytes: found.len(), crc: None, place: Place::Apart });
        } else {
            report.find(FindingKind::FileForeign, &path, "it is no plain file of a package");
        }
    }
    if is_empty && !prefix.is_empty() {
        report.find(FindingKind::FileForeign, prefix, "an empty folder does not belong here");
    }
    Ok(())
}
