//! A package as it lies before a stranger: a folder or a zip file, neither of them trusted.
//!
//! Names never become paths outside of the package, links are not followed, and nothing is unpacked to disk: files are
//! streams, and who reads one says how much of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use crate::error::{Error, Result};
use crate::report::{ExportReport, FindingKind};

/// How deep folders may lie in a package: `csv/exact/messages.csv` has two.
const DEPTH_MAX: usize = 3;
/// How many files a package may have.
const FILES_MAX: usize = 2_000_000;

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
    place: Place,
}

/// Where the bytes of a file are.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// In a file of its own.
    Apart,
    /// In the zip file, as they are.
    Stored { start: u64, bytes: u64 },
    /// In the zip file, deflated.
    Deflated { start: u64, bytes: u64 },
}

enum Root {
    Folder(PathBuf),
    Zip(SharedFile),
}

impl Container {
    /// Opens a package and lists its files. What is no plain file is a finding; only a path that cannot be read at all is
    /// an error.
    pub(crate) fn open(path: &Path, report: &mut ExportReport) -> Result<Self> {
        let found = std::fs::metadata(path).map_err(Error::io("open", path))?;
        if found.is_dir() {
            let mut files = BTreeMap::new();
            list_folder(path, "", &mut files, report).map_err(Error::io("list", path))?;
            return Ok(Self { files, root: Root::Folder(path.to_owned()) });
        }
        let file = File::open(path).map_err(Error::io("open", path))?;
        let shared = SharedFile { file: Arc::new(file), end: found.len(), offset: 0 };
        match ZipArchive::new(shared.clone()) {
            Ok(mut zip) => {
                let files = list_zip(&mut zip, report);
                Ok(Self { files, root: Root::Zip(shared) })
            }
            Err(error) => {
                report.find(FindingKind::Container, "", format!("it is no zip file: {error}"));
                Ok(Self { files: BTreeMap::new(), root: Root::Zip(shared) })
            }
        }
    }

    /// Returns the files by name.
    pub(crate) const fn files(&self) -> &BTreeMap<String, Member> {
        &self.files
    }

    /// Reads a file from its start. The stream ends after `bytes_max` bytes, whatever the container says.
    pub(crate) fn stream(&self, path: &str, bytes_max: u64) -> io::Result<Box<dyn Read>> {
        let member = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        let part = |zip: &SharedFile, start: u64, bytes: u64| {
            let part = SharedFile { offset: start, ..zip.clone() };
            BufReader::with_capacity(1 << 17, part.take(bytes))
        };
        Ok(match (&self.root, member.place) {
            (Root::Folder(folder), _) => {
                let file = File::open(folder.join(path))?;
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
            files.insert(path, Member { bytes: found.len(), place: Place::Apart });
        } else {
            report.find(FindingKind::FileForeign, &path, "it is no plain file of a package");
        }
    }
    if is_empty && !prefix.is_empty() {
        report.find(FindingKind::FileForeign, prefix, "an empty folder does not belong here");
    }
    Ok(())
}

/// Lists the members of a zip file. Every byte of it must belong to one of them or to the list at its end.
fn list_zip(
    zip: &mut ZipArchive<SharedFile>,
    report: &mut ExportReport,
) -> BTreeMap<String, Member> {
    let mut files = BTreeMap::new();
    let mut spans = BTreeMap::new();
    for index in 0..zip.len().min(FILES_MAX) {
        let member = match zip.by_index_raw(index) {
            Ok(member) => member,
            Err(error) => {
                report.find(FindingKind::Container, "", format!("member {index}: {error}"));
                continue;
            }
        };
        let start = member.data_start().unwrap_or(u64::MAX);
        let bytes = member.compressed_size();
        spans.insert(member.header_start(), start.saturating_add(bytes));
        let places = [
            (CompressionMethod::Stored, Place::Stored { start, bytes }),
            (CompressionMethod::Deflated, Place::Deflated { start, bytes }),
        ];
        let place = places.into_iter().find(|(method, _)| *method == member.compression());
        let name = member.name().map_or_else(|_| format!("member {index}"), Cow::into_owned);
        let is_plain = member.is_file() && !member.is_symlink() && is_package_path(&name);
        match place.filter(|_| is_plain && !member.encrypted()) {
            Some((_, place)) => {
                files.insert(name, Member { bytes: member.size(), place });
            }
            None => report.find(
                FindingKind::FileForeign,
                &name,
                "it is no plain file of a package, stored or deflated",
            ),
        }
    }
    check_spans(zip, &spans, report);
    files
}

/// Finds bytes before, between and after the members.
fn check_spans(
    zip: &ZipArchive<SharedFile>,
    spans: &BTreeMap<u64, u64>,
    report: &mut ExportReport,
) {
    let mut due = 0;
    for (&start, &end) in spans {
        if start != due {
            let what = format!("bytes {due} to {start} of the zip file belong to no file");
            report.find(FindingKind::Container, "", what);
        }
        due = end;
    }
    if due != zip.central_directory_start() {
        let what = format!("bytes after {due} of the zip file belong to no file");
        report.find(FindingKind::Container, "", what);
    }
    if !zip.comment().is_empty() || zip.offset() != 0 || zip.has_duplicate_names() {
        let what = "the zip file has a comment, something before its first file, or a name twice";
        report.find(FindingKind::Container, "", what);
    }
}

/// Returns whether a name is one that a package can have: relative, plain parts, no tricks.
fn is_package_path(name: &str) -> bool {
    name.split('/').count() <= DEPTH_MAX
        && name.split('/').all(|part| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        })
}

/// One file that several readers share, each with its own place.
#[derive(Debug, Clone)]
struct SharedFile {
    file: Arc<File>,
    end: u64,
    offset: u64,
}

impl Read for SharedFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(bytes, self.offset)?;
        self.offset += u64::try_from(count).unwrap_or(0);
        Ok(count)
    }
}

impl Seek for SharedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, by) = match to {
            SeekFrom::Start(offset) => (offset, 0),
            SeekFrom::Current(by) => (self.offset, by),
            SeekFrom::End(by) => (self.end, by),
        };
        let offset = base.checked_add_signed(by);
        self.offset = offset.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.offset)
    }
}
