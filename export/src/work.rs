//! One package while it is made: evidence, files, tables, and at last the manifest.

use std::io::{self, BufWriter, Read, Write as _};
use std::path::PathBuf;

use archive::proof::{Checkpoint, Inclusion, VerifierKey};
use chat::{ArchiveId, EventKind, Family, Recorded, Seq};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::complete::{self, AbsentCounts};
use crate::error::{Error, Result};
use crate::evidence::Evidence;
use crate::format::gather::Gathered;
use crate::format::manifest::Manifest;
use crate::format::tables::{self, RowCounts};
use crate::format::{line, proof};
use crate::howto;
use crate::package::{
    ABSENT, CHECKPOINT, EVENTS, Format, HOWTO, PROOFS, PackageReport, RELATED, RELATED_PROOFS,
};
use crate::ranges::SeqRanges;
use crate::set::ExportSet;
use crate::staging::{StagedFile, Staging};
use crate::withhold::{self, Withheld, WithheldCounts, withhold};

/// Events whose lines are written at once, on all cores.
const EVENTS_AT_ONCE: usize = 1_024;
/// Of these, events whose lines are written by one core in turn, into one text.
const EVENTS_TOGETHER: usize = 128;
/// How hard the lines are compressed.
const LEVEL: i32 = 3;

/// One package while it is made.
pub(crate) struct Work<'a> {
    pub(crate) set: &'a ExportSet,
    pub(crate) evidence: &'a dyn Evidence,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) key: &'a VerifierKey,
    pub(crate) staging: Staging<'a>,
    pub(crate) gathered: Gathered,
    pub(crate) withheld: WithheldCounts,
    pub(crate) absent: AbsentCounts,
}

impl<'a> Work<'a> {
    /// Starts with nothing written yet.
    pub(crate) fn new(
        set: &'a ExportSet,
        evidence: &'a dyn Evidence,
        (checkpoint, staging): (Checkpoint, Staging<'a>),
        key: &'a VerifierKey,
    ) -> Self {
        let (withheld, absent) = (WithheldCounts::new(), AbsentCounts::new());
        let gathered = Gathered::default();
        Self { set, evidence, checkpoint, key, staging, gathered, withheld, absent }
    }

    /// Writes every file of the package, the manifest last. Tables are made from what is read back from the disk.
    pub(crate) fn run(mut self, formats: &[Format]) -> Result<(PackageReport, Staging<'a>)> {
        let selection = self.set.selection();
        let mut unavailable =
            self.write_events((EVENTS, PROOFS), &selection.seqs, Gathered::take_row)?;
        let absent = self.write_absent(&unavailable)?;
        if !selection.related.is_empty() {
            let names = (RELATED, RELATED_PROOFS);
            unavailable.extend(self.write_events(
                names,
                &selection.related,
                Gathered::take_related,
            )?);
        }
        unavailable.sort_unstable();
        self.write_files()?;
        let mut manifest = self.manifest(&SeqRanges::of(&unavailable), &absent);
        let rows = self.write_tables(&manifest, formats)?;
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
        let selection = self.set.selection();
        let archive = selection.archive;
        let mut events = Compressed::start(&self.staging, events)?;
        let mut proofs = Compressed::start(&self.staging, proofs)?;
        let mut unavailable = Vec::new();
        let mut due = seqs.iter().copied();
        let mut proven = self.evidence.events(seqs, self.checkpoint.size);
        loop {
            let batch = proven.by_ref().take(EVENTS_AT_ONCE).collect::<Result<Vec<_>>>()?;
            if batch.is_empty() {
                break;
            }
            let fields = selection.withheld.as_slice();
            let sheets = batch.into_par_iter().chunks(EVENTS_TOGETHER);
            let sheets = sheets.map(|events| Sheet::of(events, fields, archive));
            let sheets = sheets.collect::<Result<Vec<_>>>()?;
            for (recorded, withheld) in sheets.iter().flat_map(|sheet| &sheet.shown) {
                let Some(skipped) = skip_to(&mut due, recorded.seq) else {
                    let fault = "the archive gave it unasked or out of order".to_owned();
                    return Err(Error::EvidenceDiffers { seq: recorded.seq, fault });
                };
                unavailable.extend(skipped);
                withhold::count(withheld, &mut self.withheld);
                take(&mut self.gathered, recorded);
            }
            let (events, proofs) = (&mut events, &mut proofs);
            let (events, proofs) = rayon::join(
                || sheets.iter().try_for_each(|sheet| events.put(&sheet.events)),
                || sheets.iter().try_for_each(|sheet| proofs.put(&sheet.proofs)),
            );
            events.and(proofs)?;
        }
        unavailable.extend(due);
        events.finish(&mut self.staging)?;
        proofs.finish(&mut self.staging)?;
        Ok(unavailable)
    }

    /// Writes what is left of every event of a complete range that is no row, and returns their numbers.
    fn write_absent(&mut self, unavailable: &[Seq]) -> Result<SeqRanges> {
        let Some(complete) = &self.set.selection().complete else {
            return Ok(SeqRanges::default());
        };
        let mut seqs: Vec<Seq> = complete.absent.iter().chain(unavailable).copied().collect();
        seqs.sort_unstable();
        let mut lines = Compressed::start(&self.staging, ABSENT)?;
        for seq in &seqs {
            let inclusion = self.evidence.remains(*seq, self.checkpoint.size)?;
            let (line, reason) = complete::write(inclusion, complete);
            lines.put((line + "\n").as_bytes())?;
            *self.absent.entry(reason.to_owned()).or_default() += 1;
        }
        lines.finish(&mut self.staging)?;
        Ok(SeqRanges::of(&seqs))
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
}

/// Some events as the package shows them, with their lines and those of their proofs.
struct Sheet {
    shown: Vec<(Recorded, Vec<Withheld>)>,
    events: Vec<u8>,
    proofs: Vec<u8>,
}

impl Sheet {
    fn of(
        given: Vec<(Recorded, Inclusion)>,
        fields: &[Withheld],
        archive: ArchiveId,
    ) -> Result<Self> {
        let mut sheet = Self {
            shown: Vec::with_capacity(given.len()),
            events: Vec::with_capacity(given.len() * line::LINE_BYTES),
            proofs: Vec::with_capacity(given.len() * proof::LINE_BYTES),
        };
        for (recorded, inclusion) in given {
            let seq = recorded.seq;
            if recorded.event.kind == EventKind::Officer {
                return Err(Error::OfficersAct { seq });
            }
            let (recorded, inclusion) = withhold(recorded, inclusion, fields);
            let withheld = withhold::withheld_of(&inclusion, fields)
                .map_err(|fault| Error::EvidenceDiffers { seq, fault })?;
            line::put(&mut sheet.events, &recorded, archive);
            sheet.events.push(b'\n');
            proof::put(&mut sheet.proofs, &inclusion);
            sheet.proofs.push(b'\n');
            sheet.shown.push((recorded, withheld));
        }
        Ok(sheet)
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

    /// Takes whole lines, each with its line feed. How many are taken at once does not show in what is written.
    fn put(&mut self, lines: &[u8]) -> Result<()> {
        self.encoder.write_all(lines).map_err(Error::io("write", &self.full))
    }

    fn finish(self, staging: &mut Staging<'_>) -> Result<()> {
        let finish = || self.encoder.finish()?.into_inner().map_err(io::IntoInnerError::into_error);
        let file = finish().map_err(Error::io("write", &self.full))?;
        staging.finish(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use archive::disk::LocalDisk;

    #[test]
    fn how_many_lines_are_handed_over_at_once_does_not_show_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let line = |number: u64| format!("{{\"n\":{number},\"m\":{}}}\n", number * number * 7_919);
        let whole: String = (0..200_000).map(line).collect();
        let written = [1, 7, 100_000, 300_000, usize::MAX].map(|bytes| {
            let out = folder.path().join(bytes.to_string());
            let mut staging = Staging::create(&LocalDisk, out.clone()).unwrap();
            let mut lines = Compressed::start(&staging, "lines.zst").unwrap();
            whole
                .as_bytes()
                .chunks(bytes.min(whole.len()))
                .for_each(|part| lines.put(part).unwrap());
            lines.finish(&mut staging).unwrap();
            std::fs::read(out.join("lines.zst")).unwrap()
        });
        assert!(written.iter().all(|bytes| *bytes == written[0]) && !written[0].is_empty());
    }
}
