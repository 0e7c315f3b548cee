//! Makes a package of a frozen set: evidence first, then the tables made from it, then the manifest that signs it all.
//!
//! It is made in a folder beside the final name and gets that name only when it is whole, synced and checked. The check has
//! two halves, and no byte goes unread: what was recorded is read back from the disk and proven as a stranger will do it,
//! while the tables are made from it; and once all is signed, every file is read back against its signed hash.

use std::io;
use std::path::{Path, PathBuf};

use archive::proof::VerifierKey;
use chat::Disk;

use crate::error::{Error, Result};
use crate::evidence::Evidence;
use crate::pack;
use crate::set::ExportSet;
use crate::staging::{Staging, remove_folder};
use crate::verify;
use crate::work::Work;

/// The events of the set, one canonical line each.
pub(crate) const EVENTS: &str = "events.jsonl.zst";
/// Their proofs, line by line.
pub(crate) const PROOFS: &str = "proofs.jsonl.zst";
/// Events that say something about those of the set.
pub(crate) const RELATED: &str = "related.jsonl.zst";
/// Their proofs, line by line.
pub(crate) const RELATED_PROOFS: &str = "related-proofs.jsonl.zst";
/// Events of a complete range that are no rows, each with its proof and the reason.
pub(crate) const ABSENT: &str = "absent.jsonl.zst";
/// The signed checkpoint that every proof leads to.
pub(crate) const CHECKPOINT: &str = "checkpoint.note";
/// How to check the package, in words.
pub(crate) const HOWTO: &str = "HOWTO-VERIFY.txt";

/// What the folder is called in which a package is made, behind the package's own name.
const UNFINISHED_FOLDER: &str = ".unfinished";
/// What the zip file is called before it is whole.
const UNFINISHED_ZIP: &str = ".unfinished.zip";

/// A format that a package can have besides the evidence itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Events and proofs as lines; every package has it.
    Bundle,
    /// The tables of contract.md §5: exact, reading, readers.
    Csv,
}

impl Format {
    /// Every format this version writes.
    pub const ALL: [Self; 2] = [Self::Bundle, Self::Csv];

    /// Returns the word used on the command line and in the manifest.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::Csv => "csv",
        }
    }

    /// Returns the format that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageReport {
    /// Each format with its rows and files.
    pub formats: Vec<FormatCount>,
    /// Events that have a row.
    pub events: u64,
    /// Rows of `exceptions.csv`: what a person should look at. Any makes the exit code 3 (contract.md §1).
    pub exceptions: u64,
    /// SHA-256 in hex: of the zip file, or of `SHA256SUMS` where the package is a folder.
    pub sha256: String,
}

/// How much of one format was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatCount {
    /// The word of the format.
    pub format: &'static str,
    /// Rows or lines, one for each event.
    pub rows: u64,
    /// Its files, in the order of their names.
    pub files: Vec<String>,
}

/// The writer of packages.
#[derive(Debug)]
pub struct Package;

impl Package {
    /// Writes a package to `out`: a zip file if the name ends in `.zip`, else a folder. Nothing may have that name yet.
    ///
    /// On return it is durable and passes [`verify`](crate::verify()). The same set over the same archive gives the
    /// same bytes, unless something of it was destroyed in between: then there are exceptions. After an error or a crash
    /// nothing bears the name; the next run for that name clears what was left beside it, so only one may be at work on it.
    pub fn write(
        set: &ExportSet,
        evidence: &dyn Evidence,
        formats: &[Format],
        out: &Path,
        disk: &dyn Disk,
    ) -> Result<PackageReport> {
        let unfinished = [UNFINISHED_FOLDER, UNFINISHED_ZIP].map(|suffix| beside(out, suffix));
        // What an interrupted run has left goes even where the name is taken: that run may have come as far as the name.
        unfinished.iter().try_for_each(|path| remove_folder(path))?;
        refuse_taken(out)?;
        let (key, checkpoint) = set.selection().opened()?;
        let [folder, _] = &unfinished;
        let staging = Staging::create(disk, folder.clone())?;
        let work = Work::new(set, evidence, (checkpoint, staging), &key);
        let written = work
            .run(formats)
            .and_then(|(report, staging)| finish(report, &staging, &key, out, disk));
        if written.is_err() {
            // What is left is only beside the name, and the first error is the one to tell.
            for path in &unfinished {
                drop(remove_folder(path));
            }
        }
        written
    }
}

/// Refuses a name that is taken; a dangling link is taken too.
fn refuse_taken(out: &Path) -> Result<()> {
    match std::fs::symlink_metadata(out) {
        Ok(_) => Err(Error::OutputExists { path: out.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("look at", out)(error)),
    }
}

fn beside(out: &Path, suffix: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Packs the folder if a zip file was asked for, reads every byte of the result back, and gives it its name.
fn finish(
    mut report: PackageReport,
    staging: &Staging<'_>,
    key: &VerifierKey,
    out: &Path,
    disk: &dyn Disk,
) -> Result<PackageReport> {
    staging.sync_folders()?;
    let is_zip = out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
    let unfinished = if is_zip {
        let packed = beside(out, UNFINISHED_ZIP);
        report.sha256 = pack::pack(staging, &packed, disk)?;
        packed
    } else {
        staging.folder().to_owned()
    };
    if let Some(finding) = verify::outside(&unfinished, key)? {
        return Err(Error::CheckFailed { finding: finding.to_string() });
    }
    refuse_taken(out)?;
    disk.rename(&unfinished, out).map_err(Error::io("rename", &unfinished))?;
    if is_zip {
        remove_folder(staging.folder())?;
    }
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    disk.sync_folder(parent).map_err(Error::io("sync folder", parent))?;
    Ok(report)
}
