//! The members of a zip file that a stranger was handed: every byte of it belongs to one of them or to the lists around
//! them, and those lists say what ours would say, so that every other program finds the same files.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read as _;

use zip::read::ZipFile;
use zip::{CompressionMethod, ZipArchive};

use crate::container::{DEPTH_MAX, FILES_MAX, Member, Place};
use crate::position::FileReader;
use crate::report::{ExportReport, FindingKind};

/// Lists the plain files of a zip file; everything else about it is a finding.
pub(crate) fn list_zip(
    zip: &mut ZipArchive<FileReader>,
    file: &FileReader,
    report: &mut ExportReport,
) -> BTreeMap<String, Member> {
    let mut files = BTreeMap::new();
    let mut spans = BTreeMap::new();
    for index in 0..zip.len().min(FILES_MAX) {
        let entry = match zip.by_index_raw(index) {
            Ok(entry) => entry,
            Err(error) => {
                report.find(FindingKind::Container, "", format!("member {index}: {error}"));
                continue;
            }
        };
        let name = entry.name().map_or_else(|_| format!("member {index}"), Cow::into_owned);
        let start = entry.data_start().unwrap_or(u64::MAX);
        spans.insert(entry.header_start(), start.saturating_add(entry.compressed_size()));
        let is_plain = entry.is_file() && !entry.is_symlink() && is_package_path(&name);
        match place_of(&entry, start).filter(|_| is_plain && !entry.encrypted()) {
            Some(place) => {
                if !has_plain_header(&entry, &name, file) {
                    let what =
                        "its header is not as written: packed anew? unpack and check the folder";
                    report.find(FindingKind::Container, &name, what);
                }
                let (bytes, crc) = (entry.size(), Some(entry.crc32()));
                files.insert(name, Member { bytes, crc, place });
            }
            None => report.find(
                FindingKind::FileForeign,
                &name,
                "it is no plain file of a package, stored or deflated",
            ),
        }
    }
    check_spans(zip, &spans, report);
    check_end(zip, file, report);
    files
}

fn place_of(entry: &ZipFile<'_, FileReader>, start: u64) -> Option<Place> {
    let bytes = entry.compressed_size();
    let places = [
        (CompressionMethod::Stored, Place::Stored { start, bytes }),
        (CompressionMethod::Deflated, Place::Deflated { start, bytes }),
    ];
    let place = places.into_iter().find(|(method, _)| *method == entry.compression());
    place.map(|(_, place)| place)
}

/// Returns whether the header before a member's bytes says the same as the list at the end. Programs that read a zip file
/// from its start believe the one, others the other.
fn has_plain_header(entry: &ZipFile<'_, FileReader>, name: &str, file: &FileReader) -> bool {
    let mut header = vec![0; 30 + name.len()];
    if file.from(entry.header_start()).read_exact(&mut header).is_err() {
        return false;
    }
    let method: u16 = if entry.compression() == CompressionMethod::Stored { 0 } else { 8 };
    let size = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX);
    let is_large = entry.size().max(entry.compressed_size()) >= u64::from(u32::MAX);
    let size = |bytes| if is_large { u32::MAX } else { size(bytes) };
    let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
    // Signature; then, after the version, flags, method, a fixed time and date, the CRC, both sizes and the length.
    let rest = [
        &0_u16.to_le_bytes()[..],
        &method.to_le_bytes(),
        &0_u16.to_le_bytes(),
        &0x0021_u16.to_le_bytes(),
        &entry.crc32().to_le_bytes(),
        &size(entry.compressed_size()).to_le_bytes(),
        &size(entry.size()).to_le_bytes(),
        &length.to_le_bytes(),
    ]
    .concat();
    let extra = entry.data_start().unwrap_or(0).checked_sub(entry.header_start());
    header.starts_with(b"PK\x03\x04")
        && has_plain_entry(entry, file)
        && header.get(6..28) == Some(rest.as_slice())
        && header.ends_with(name.as_bytes())
        && (is_large || extra == u64::try_from(header.len()).ok())
}

/// Returns whether a member's entry in the list at the end has no flags, the fixed time, and lies on the only disk.
fn has_plain_entry(entry: &ZipFile<'_, FileReader>, file: &FileReader) -> bool {
    let mut listed = [0; 46];
    let read = file.from(entry.central_header_start()).read_exact(&mut listed);
    read.is_ok()
        && listed.get(8..10) == Some(&[0, 0])
        && listed.get(12..16) == Some(&[0, 0, 0x21, 0])
        && listed.get(32..38) == Some(&[0; 6])
}

/// Finds bytes before, between and after the members.
fn check_spans(
    zip: &ZipArchive<FileReader>,
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
}

/// Finds a comment, bytes after the end, and names that occur twice.
fn check_end(zip: &ZipArchive<FileReader>, file: &FileReader, report: &mut ExportReport) {
    let mut end = [0; 22];
    let read = file.from(file.len().saturating_sub(22)).read_exact(&mut end);
    // Of the fields of the end, after its signature: both numbers of disks, the counts, the size and start of the list.
    let start = zip.central_directory_start();
    let list_bytes = file.len().saturating_sub(22).checked_sub(start);
    let stated = |at: usize| {
        let field = end.get(at..).and_then(|rest| rest.first_chunk::<4>());
        field.map_or(0, |field| u64::from(u32::from_le_bytes(*field)))
    };
    let is_small = zip.len() < usize::from(u16::MAX) && start < u64::from(u32::MAX);
    let count = u64::try_from(zip.len()).unwrap_or(u64::MAX);
    let is_plain = stated(4) == 0
        && stated(8) == count | count << 16
        && Some(stated(12)) == list_bytes
        && stated(16) == start;
    let is_last = read.is_ok()
        && end.starts_with(b"PK\x05\x06")
        && end.ends_with(&[0, 0])
        && (is_plain || !is_small);
    if !is_last || !zip.comment().is_empty() || zip.offset() != 0 || zip.has_duplicate_names() {
        let what = "the zip file has a comment, bytes around it, or a name twice";
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
