//! What turns complete journal files into segments, by itself or when asked: sign the root, grow the stored tree, seal, show
//! the range to readers, forget the journal's copy. In that order, so that at every moment every event is somewhere.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chat::{ArchiveId, Family, Lane};
use parking_lot::Mutex;

use crate::durable;
use crate::error::{Error, Result};
use crate::journal::file;
use crate::journal::memory::FileMemory;
use crate::journal::writer::Shared;
use crate::proof::Header;
use crate::record::Field;
use crate::seal::{Harvest, RunSeeds, SealPlace, seal};
use crate::segment::{LEVEL_SEAL, Sealed, Slot};
use crate::signer::Signer;
use crate::tiles::Tiles;

/// How often the age of the journal is looked at.
const PAUSE: Duration = Duration::from_mins(1);

/// What one round of sealing has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SealReport {
    /// Ranges sealed, each into two files.
    pub segments: u64,
    /// Events in them.
    pub events: u64,
    /// Bytes of the files written.
    pub bytes: u64,
    /// Bytes of the journal files that went.
    pub journal_bytes: u64,
}

/// Seals the journal. One round at a time.
#[derive(Debug)]
pub(crate) struct Sealing {
    pub(crate) shared: Shared,
    pub(crate) archive: ArchiveId,
    /// The folder `segments`.
    pub(crate) segments: PathBuf,
    /// The folder `journal`.
    pub(crate) journal: PathBuf,
    pub(crate) sealed: Arc<Sealed>,
    pub(crate) tiles: Arc<Tiles>,
    pub(crate) signer: Arc<Signer>,
    /// Bytes of journal that make a segment.
    pub(crate) seal_bytes: u64,
    /// Age at which the journal is sealed whatever its size.
    pub(crate) seal_age_micros: i64,
    pub(crate) round: Mutex<()>,
}

impl Sealing {
    /// Seals whatever is due, until the archive closes or the log stops.
    ///
    /// A failure that leaves the journal as it was is tried again later. One that says that the log is not what it was blows
    /// the fuse.
    pub(crate) fn run(&self) {
        while self.shared.sealing.wait(u64::MAX, PAUSE) {
            let done = self.finish_old_file().and_then(|()| self.seal_due());
            self.shared.sealing.report(done.is_err());
            match done {
                Ok(_) => {}
                Err(Error::Closed) => return,
                Err(error) if error.family() == Family::Corrupt => {
                    self.shared.fuse.blow(format!("seal the journal: {error}"));
                }
                Err(error) => tracing::warn!(%error, "the journal could not be sealed; it is kept"),
            }
            if self.shared.fuse.check().is_err() {
                return;
            }
        }
    }

    fn finish_old_file(&self) -> Result<()> {
        let now = self.shared.ports.clock.now().micros();
        let begun = self.shared.memory.begun_at();
        if begun.is_some_and(|begun| now.saturating_sub(begun.micros()) >= self.seal_age_micros) {
            // The writer rings when it has: to wait for it here could be to wait for one who waits for us.
            self.shared.queue.ask_to_finish()?;
        }
        Ok(())
    }

    /// Seals the complete files if they are large or old enough to make a segment.
    fn seal_due(&self) -> Result<SealReport> {
        let files = self.shared.memory.complete_files();
        let bytes = files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.bytes));
        let now = self.shared.ports.clock.now().micros();
        let is_old = files.first().is_some_and(|oldest| {
            now.saturating_sub(oldest.created_at.micros()) >= self.seal_age_micros
        });
        // A file is complete when the next batch would not fit, so a full one has somewhat less than the bound.
        if is_old || bytes >= self.seal_bytes / 2 {
            self.seal_complete()
        } else {
            Ok(SealReport::default())
        }
    }

    /// Seals all complete journal files, several small ones into one segment.
    pub(crate) fn seal_complete(&self) -> Result<SealReport> {
        let _round = self.round.lock();
        let mut report = SealReport::default();
        let mut group: Vec<FileMemory> = Vec::new();
        let mut group_bytes = 0_u64;
        for file in self.shared.memory.complete_files() {
            if group_bytes.saturating_add(file.bytes) > self.seal_bytes && !group.is_empty() {
                self.seal_group(&std::mem::take(&mut group), &mut report)?;
                group_bytes = 0;
            }
            group_bytes = group_bytes.saturating_add(file.bytes);
            group.push(file);
        }
        self.seal_group(&group, &mut report)?;
        Ok(report)
    }

    fn seal_group(&self, files: &[FileMemory], report: &mut SealReport) -> Result<()> {
        let Some(first) = files.iter().find(|file| !file.frames.is_empty()) else {
            return self.forget(files, report);
        };
        let harvest = Harvest::collect(first.first, records(files), runs(files))?;
        let place = SealPlace {
            disk: self.shared.ports.disk.as_ref(),
            folder: &self.segments,
            keys: &self.shared.keys,
            archive: self.archive,
        };
        // A signed root must cover the right edge of the tiles before they are all there is, and the tiles must be there
        // before the segments are: so a start never has to make them again.
        self.signer.sign(place.disk, &self.shared.memory.frontier())?;
        self.tiles.append(harvest.first, &harvest.leaves)?;
        let range = seal(place, &harvest, self.shared.ports.clock.now(), LEVEL_SEAL)?;
        report.segments = report.segments.saturating_add(1);
        for reader in range.readers() {
            report.events = report.events.saturating_add(reader.footer().rows());
            report.bytes = report.bytes.saturating_add(reader.file_bytes());
        }
        self.sealed.add(range);
        self.forget(files, report)
    }

    /// Lets the journal's copy go. A file that cannot be removed is found again at the next start, and goes then.
    fn forget(&self, files: &[FileMemory], report: &mut SealReport) -> Result<()> {
        let disk = self.shared.ports.disk.as_ref();
        for file in files {
            self.shared.memory.forget(file.number);
            report.journal_bytes = report.journal_bytes.saturating_add(file.bytes);
            let path = file::path_of(&self.journal, file.number);
            durable::remove_if_there(disk, &path)?;
            durable::sync_folder_of(disk, &path)?;
        }
        Ok(())
    }
}

/// Returns the events of journal files with their leaves.
fn records(files: &[FileMemory]) -> impl Iterator<Item = (Slot, crate::proof::Digest)> {
    let frames = files.iter().flat_map(|file| &file.frames);
    frames.flat_map(|frame| {
        frame.records().zip(frame.leaves()).filter_map(|(record, leaf)| {
            // A record without a header would leave a gap, and a gap is refused.
            let header = Header::decode(record.header).ok()?;
            let fields = record.fields().map(|(tag, value)| Field { tag, value: value.to_vec() });
            Some((Slot::Live { header, fields: fields.collect() }, *leaf))
        })
    })
}

fn runs(files: &[FileMemory]) -> Vec<RunSeeds> {
    let runs = files.iter().flat_map(|file| &file.runs);
    runs.map(|run| RunSeeds {
        first: run.first,
        seeds: Lane::ALL.map(|lane| run.seed(lane).clone()),
    })
    .collect()
}
