//! Makes a package of a frozen set: evidence first, then the tables made from it, then the manifest that signs it all.
//!
//! It is made in a folder beside the final name and gets that name only when it is whole, synced and has passed the
//! same check that a stranger will run.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use archive::proof::{Checkpoint, VerifierKey};
use chat::{Disk, EventKind, Family, Recorded, Seq};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::evidence::Evidence;
use crate::format::gather::Gathered;
use crate::format::manifest::{self, Manifest};
use crate::format::tables::{self, CsvSinks, RowCounts, Sinks, Tables};
use crate::format::{hex, line, proof};
use crate::howto;
use crate::lines::Lines;
use crate::pack;
use crate::ranges::SeqRanges;
use crate::set::{ExportSet, Purpose, Selection};
use crate::streams::next_event;
use crate::staging::{StagedFile, Staging, remove_folder};

/// The events of the set, one canonical line each.
pub(crate) const EVENTS: &str = "events.jsonl.zst";
/// Their proofs, line by line.
pub(crate) const PROOFS: &str = "proofs.jsonl.zst";
/// Events that say something about those of the set.
pub(crate) const RELATED: &str = "related.jsonl.zst";
/// Their proofs, line by line.
pub(crate) const RELATED_PROOFS: &str = "related-proofs.jsonl.zst";
/// The signed checkpoint that every proof leads to.
pub(crate) const CHECKPOINT: &str = "checkpoint.note";
/// How to check the package, in words.
pub(crate) const HOWTO: &str = "HOWTO-VERIFY.txt";
/// How hard the lines are compressed.
const LEVEL: i32 = 3;

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
    /// On return it is durable and has passed [`verify`](crate::verify()). The same set over the same archive gives the
    /// same bytes, unless something of it was destroyed in between: then there are exceptions. After an error or a crash
    /// nothing bears the name; a later run clears what was left beside it.
    pub fn write(
        set: &ExportSet,
        evidence: &dyn Evidence,
        formats: &[Format],
        out: &Path,
        disk: &dyn Disk,
    ) -> Result<PackageReport> {
        refuse_taken(out)?;
        let (key, checkpoint) = set.selection().opened()?;
        let unfinished = beside(out, &format!(".{}.unfinished", set.id()));
        let staging = Staging::create(disk, unfinished.clone())?;
        let work = Work { set, evidence, formats, checkpoint, staging, gathered: Gathered::default() };
        let written = work.run().and_then(|(report, staging)| {
            finish(report, &staging, &key, out, disk)
        });
        if written.is_err() {
            // What is left is only beside the name, and the first error is the one to tell.
            drop(remove_folder(&unfinished));
            drop(remove_folder(&beside(out, ".unfinished")));
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

/// Packs the folder if a zip file was asked for, checks the result as a stranger would, and gives it its name.
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
        let packed = beside(out, ".unfinished");
        report.sha256 = pack::pack(staging, &packed, disk)?;
        packed
    } else {
        staging.folder().to_owned()
    };
    let checked = crate::verify(&unfinished, key)?;
    if let Some(finding) = checked.findings.first() {
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

/// One package while it is made.
struct Work<'a> {
    set: &'a ExportSet,
    evidence: &'a dyn Evidence,
    formats: &'a [Format],
    checkpoint: Checkpoint,
    staging: Staging<'a>,
    gathered: Gathered,
}

impl<'a> Work<'a> {
    fn run(mut self) -> Result<(PackageReport, Staging<'a>)> {
        let selection = self.set.selection();
        let mut unavailable = self.write_events((EVENTS, PROOFS), &selection.seqs, Gathered::take_row)?;
        if !selection.related.is_empty() {
            let names = (RELATED, RELATED_PROOFS);
            unavailable.extend(self.write_events(names, &selection.related, Gathered::take_related)?);
        }
        unavailable.sort_unstable();
        self.write_files()?;
        let mut manifest = self.manifest(&SeqRanges::of(&unavailable));
        let rows = self.write_tables(&manifest)?;
        manifest.counts.attachments = rows.attachments;
        manifest.counts.exceptions = rows.exceptions;
        reconcile(&manifest, rows)?;
        self.staging.put(CHECKPOINT, selection.checkpoint.as_bytes())?;
        self.staging.put(HOWTO, howto::text(&manifest).as_bytes())?;
        let report = self.seal(manifest)?;
        Ok((report, self.staging))
    }

    /// Writes events and proofs side by side, and returns the numbers that the archive could not give.
    fn write_events(
        &mut self,
        (events, proofs): (&str, &str),
        seqs: &[Seq],
        take: fn(&mut Gathered, &Recorded),
    ) -> Result<Vec<Seq>> {
        let archive = self.set.selection().archive;
        let mut events = Compressed::start(&self.staging, events)?;
        let mut proofs = Compressed::start(&self.staging, proofs)?;
        let mut unavailable = Vec::new();
        let mut due = seqs.iter().copied();
        for proven in self.evidence.events(seqs, self.checkpoint.size) {
            let (recorded, inclusion) = proven?;
            match skip_to(&mut due, recorded.seq) {
                Some(skipped) => unavailable.extend(skipped),
                None => {
                    let fault = "the archive gave it unasked or out of order".to_owned();
                    return Err(Error::EvidenceDiffers { seq: recorded.seq, fault });
                }
            }
            if recorded.event.kind == EventKind::Officer {
                return Err(Error::OfficersAct { seq: recorded.seq });
            }
            events.line(&line::write(&recorded, archive))?;
            proofs.line(&proof::write(&inclusion))?;
            take(&mut self.gathered, &recorded);
        }
        unavailable.extend(due);
        events.finish(&mut self.staging)?;
        proofs.finish(&mut self.staging)?;
        Ok(unavailable)
    }

    /// Copies every file that the events name. One that the archive does not hold whole stays out, and is an exception.
    fn write_files(&mut self) -> Result<()> {
        for (id, path) in self.gathered.files.paths() {
            let content = match self.evidence.file(id) {
                Err(error) if error.family() != Family::Corrupt => return Err(error),
                Err(_) | Ok(None) => continue,
                Ok(Some(content)) => content,
            };
            let mut file = self.staging.start(path)?;
            let mut source = Source { content, failed: false, hasher: Sha256::new() };
            let copied = io::copy(&mut source, &mut file);
            let is_whole = copied.is_ok() && source.hasher.finalize().as_slice() == id.as_bytes();
            if is_whole {
                self.staging.finish(file)?;
            } else if let (Err(error), false) = (copied, source.failed) {
                return Err(Error::io("write", file.full())(error));
            } else {
                self.staging.abandon(file)?;
            }
        }
        Ok(())
    }

    fn write_tables(&mut self, manifest: &Manifest) -> Result<RowCounts> {
        let facts = manifest.facts().map_err(|fault| Error::SetMalformed { fault })?;
        let gathered = std::mem::take(&mut self.gathered);
        let tables = Tables::new(&facts, gathered, |path| self.staging.files().contains_key(path));
        let archive = facts.archive;
        let events_path = self.staging.folder().join(EVENTS);
        let mut lines = Lines::new(self.staging.open(EVENTS)?, line::LINE_BYTES_MAX)
            .map_err(Error::io("read", &events_path))?;
        let events = std::iter::from_fn(|| next_event(&mut lines, archive).transpose());
        let mut attachments = self.staging.start(tables::ATTACHMENTS)?;
        let mut exceptions = self.staging.start(tables::EXCEPTIONS)?;
        let mut csv = match self.formats.contains(&Format::Csv) {
            true => Some([
                self.staging.start(tables::EXACT)?,
                self.staging.start(tables::READING)?,
                self.staging.start(tables::READERS)?,
            ]),
            false => None,
        };
        let sinks = Sinks {
            csv: csv.as_mut().map(|[exact, reading, readers]| CsvSinks { exact, reading, readers }),
            attachments: &mut attachments,
            exceptions: &mut exceptions,
        };
        let rows = tables.derive(events, sinks);
        let rows = rows.map_err(Error::io("write the tables in", self.staging.folder()))?;
        for file in csv.into_iter().flatten().chain([attachments, exceptions]) {
            self.staging.finish(file)?;
        }
        Ok(rows)
    }

    fn manifest(&self, unavailable: &SeqRanges) -> Manifest {
        let selection = self.set.selection();
        let internal = selection.purpose == Purpose::Internal;
        Manifest {
            format: manifest::FORMAT.to_owned(),
            archive_id: selection.archive.to_string(),
            public_key: selection.public_key.clone(),
            demo: selection.demo,
            purpose: selection.purpose.word().to_owned(),
            who: selection.who.clone(),
            why: selection.why.clone().filter(|_| internal),
            matter: selection.matter.clone(),
            query: selection.query.as_ref().filter(|_| internal).map(|query| manifest::Query {
                text: query.text.clone(),
                interpreted: query.interpreted.clone(),
            }),
            tool_version: selection.tool_version.clone(),
            set: frozen_part(self.set, unavailable),
            snapshot: tree_part(selection.snapshot.size, &selection.snapshot.root),
            checkpoint: tree_part(self.checkpoint.size, &self.checkpoint.root),
            counts: manifest::Counts {
                events: self.gathered.events,
                related: self.gathered.related,
                by_kind: self.gathered.by_kind.clone(),
                by_source: self.gathered.by_source(&selection.source_names),
                ..manifest::Counts::default()
            },
            not_searched: manifest::NotSearched {
                attachments_without_text: selection.not_searched.attachments_without_text,
                quarantined: selection.not_searched.quarantined,
            },
            source_names: texts(&selection.source_names),
            room_categories: texts(&selection.room_categories),
            formats: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Enters the files, signs the manifest and lists all hashes.
    fn seal(&mut self, mut manifest: Manifest) -> Result<PackageReport> {
        let counts = format_counts(&self.staging, manifest.counts.events);
        manifest.formats = counts.iter().map(format_part).collect();
        manifest.files = self.staging.files().values().cloned().collect();
        self.staging.put(manifest::MANIFEST, &manifest.to_bytes())?;
        let manifest_sha256 = self.sha256_of(manifest::MANIFEST);
        let note = self.evidence.sign(&Manifest::note_text(&manifest_sha256))?;
        self.staging.put(manifest::SIGNATURE, note.as_bytes())?;
        let sums = manifest.sums(&manifest_sha256, &self.sha256_of(manifest::SIGNATURE));
        self.staging.put(manifest::SUMS, sums.as_bytes())?;
        Ok(PackageReport {
            formats: counts,
            events: manifest.counts.events,
            exceptions: manifest.counts.exceptions,
            sha256: self.sha256_of(manifest::SUMS),
        })
    }

    fn sha256_of(&self, path: &str) -> String {
        self.staging.files().get(path).map_or_else(String::new, |file| file.sha256.clone())
    }
}

/// Takes numbers until this one, and returns those before it; nothing if it does not come.
fn skip_to(due: &mut impl Iterator<Item = Seq>, seq: Seq) -> Option<Vec<Seq>> {
    let mut skipped = Vec::new();
    for next in due {
        if next == seq {
            return Some(skipped);
        }
        skipped.push(next);
    }
    None
}

/// Refuses to finish a package whose formats do not hold the same events.
fn reconcile(manifest: &Manifest, rows: RowCounts) -> Result<()> {
    let expected = manifest.counts.events;
    if rows.events == expected {
        return Ok(());
    }
    Err(Error::CountsDisagree { format: tables::EXACT.to_owned(), expected, found: rows.events })
}

fn frozen_part(set: &ExportSet, unavailable: &SeqRanges) -> manifest::Set {
    let Selection { seqs, hits, related, context, frozen_at, .. } = set.selection();
    manifest::Set {
        id: set.id().to_string(),
        frozen_at: frozen_at.to_string(),
        context: context.clone(),
        seqs: SeqRanges::of(seqs).to_string(),
        hits: hits.as_ref().map(|hits| SeqRanges::of(hits).to_string()),
        related: SeqRanges::of(related).to_string(),
        unavailable: unavailable.to_string(),
    }
}

fn tree_part(size: u64, root: &[u8; 32]) -> manifest::Tree {
    manifest::Tree { size, root: hex::write(root) }
}

fn texts<K: ToString>(names: &BTreeMap<K, String>) -> BTreeMap<String, String> {
    names.iter().map(|(id, name)| (id.to_string(), name.clone())).collect()
}

fn format_counts(staging: &Staging<'_>, rows: u64) -> Vec<FormatCount> {
    let (csv, bundle): (Vec<_>, Vec<_>) =
        staging.files().keys().cloned().partition(|path| path.starts_with("csv/"));
    let mut counts = vec![FormatCount { format: Format::Bundle.word(), rows, files: bundle }];
    if !csv.is_empty() {
        counts.push(FormatCount { format: Format::Csv.word(), rows, files: csv });
    }
    counts
}

fn format_part(count: &FormatCount) -> manifest::FormatPart {
    manifest::FormatPart {
        format: count.format.to_owned(),
        rows: count.rows,
        files: count.files.clone(),
    }
}

/// Bytes of the archive, hashed as they pass; it remembers whether they, and not the copy, failed.
struct Source {
    content: Box<dyn Read + Send>,
    failed: bool,
    hasher: Sha256,
}

impl Read for Source {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.content.read(bytes) {
            Ok(count) => {
                self.hasher.update(bytes.get(..count).unwrap_or_default());
                Ok(count)
            }
            Err(error) => {
                self.failed = true;
                Err(error)
            }
        }
    }
}

/// A compressed file of lines that is being written.
struct Compressed {
    encoder: zstd::Encoder<'static, BufWriter<StagedFile>>,
    full: PathBuf,
}

impl Compressed {
    fn start(staging: &Staging<'_>, path: &str) -> Result<Self> {
        let file = staging.start(path)?;
        let full = file.full().to_owned();
        let start = |file| {
            let mut encoder = zstd::Encoder::new(BufWriter::new(file), LEVEL)?;
            encoder.include_checksum(true)?;
            Ok(encoder)
        };
        let encoder = start(file).map_err(Error::io("write", &full))?;
        Ok(Self { encoder, full })
    }

    fn line(&mut self, text: &str) -> Result<()> {
        let written = self.encoder.write_all(text.as_bytes());
        written.and_then(|()| self.encoder.write_all(b"\n")).map_err(Error::io("write", &self.full))
    }

    fn finish(self, staging: &mut Staging<'_>) -> Result<()> {
        let finish = || self.encoder.finish()?.into_inner().map_err(io::IntoInnerError::into_error);
        let file = finish().map_err(Error::io("write", &self.full))?;
        staging.finish(file)
    }
}
