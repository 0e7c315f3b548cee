//! What turns complete journal files into segments, by itself or when asked: sign the root, grow the stored tree, seal, show
//! the range to readers, let the journal's copy and its key go. In that order, so that at every moment every event is somewhere.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chat::{ArchiveId, Family, Lane};
use parking_lot::Mutex;

use crate::durable;
use crate::error::{Error, Result};
use crate::fuse::whole_message;
use crate::journal::file;
use crate::journal::memory::FileMemory;
use crate::journal::writer::Shared;
use crate::keys::KeyId;
use crate::places::Places;
use crate::proof::Header;
use crate::record::Field;
use crate::seal::{Harvest, PROVEN_EVERY, RunSeeds, SealPlace, Stamp, seal};
use crate::segment::{LEVEL_SEAL, Sealed, SealedRange, Slot};
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
    /// The archive's folder.
    pub(crate) home: PathBuf,
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
    /// Where rooms stand after the sealed events; nothing if damage hides it.
    pub(crate) places: Mutex<Option<Places>>,
    /// Why the last round failed, if it did.
    pub(crate) fault: Mutex<Option<String>>,
    pub(crate) round: Mutex<()>,
}

impl Sealing {
    /// Seals whatever is due, until the archive closes or the log stops.
    ///
    /// A failure that leaves the journal as it was is told in the state and tried again later. One after which nobody knows what
    /// is durable, or that says that the log is not what it was, blows the fuse.
    pub(crate) fn run(&self) {
        while self.shared.sealing.wait(u64::MAX, PAUSE) {
            let done = self.ask_for_old_file().and_then(|()| self.seal_due());
            self.shared.sealing.report(done.is_err());
            if matches!(done, Err(Error::Closed)) || self.shared.fuse.check().is_err() {
                return;
            }
        }
    }

    /// Asks the writer to complete its file if that is old. The writer rings when it has: to wait for it here could be to wait for
    /// one who waits for us.
    fn ask_for_old_file(&self) -> Result<()> {
        if self.is_file_old() {
            self.shared.queue.ask_to_finish()?;
        }
        Ok(())
    }

    /// Returns whether the file now written is so old that it is sealed whatever its size. One that was begun in the future is: a
    /// clock that was set back must not keep it open for ever.
    pub(crate) fn is_file_old(&self) -> bool {
        self.shared.memory.begun_at().is_some_and(|begun| self.is_old(begun))
    }

    fn is_old(&self, begun: chat::Timestamp) -> bool {
        let age = self.shared.ports.clock.now().micros().saturating_sub(begun.micros());
        !(0..self.seal_age_micros).contains(&age)
    }

    /// Seals the complete files if they are large or old enough to make a segment.
    pub(crate) fn seal_due(&self) -> Result<SealReport> {
        let files = self.shared.memory.complete_files();
        let bytes = files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.bytes));
        let is_old = files.first().is_some_and(|oldest| self.is_old(oldest.created_at));
        drop(files);
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
        let done = self.seal_groups();
        *self.fault.lock() = done.as_ref().err().map(|error| whole_message(error));
        if let Err(error) = &done {
            tracing::warn!(%error, "the journal could not be sealed; it is kept");
            // A name that may not be durable is no ground to remove the journal's copy, and a sync is never tried again.
            if error.is_in_doubt() || error.family() == Family::Corrupt {
                self.shared.fuse.blow(format!("seal the journal: {}", whole_message(error)));
            }
        }
        done
    }

    fn seal_groups(&self) -> Result<SealReport> {
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
        self.check_memory(files)?;
        let frames = files.iter().flat_map(|file| &file.frames);
        let count = frames.fold(0_usize, |sum, frame| sum.saturating_add(frame.leaves().len()));
        let harvest = Harvest::collect((first.first, count), records(files), &runs(files))?;
        let place = self.place();
        // A signed root must cover the right edge of the tiles before they are all there is, and the tiles must be there
        // before the segments are: so a start never has to make them again.
        self.signer.sign(place.disk, &self.shared.memory.frontier())?;
        self.tiles.append(harvest.first, &harvest.leaves)?;
        let sealed_at = self.shared.ports.clock.now();
        let proven_every = PROVEN_EVERY;
        let stamp = Stamp { sealed_at, level: LEVEL_SEAL, generation: 0, proven_every };
        let range = seal(place, &harvest, stamp)?;
        report.segments = report.segments.saturating_add(1);
        for reader in range.readers() {
            report.events = report.events.saturating_add(reader.footer().rows());
            report.bytes = report.bytes.saturating_add(reader.file_bytes());
        }
        self.store_places(&range);
        self.sealed.add(range);
        self.forget(files, report)
    }

    /// Fails if memory has changed since the leaves were computed: a restart then reads the journal from the disk.
    fn check_memory(&self, files: &[FileMemory]) -> Result<()> {
        for file in files {
            if let Some(frame) = file.frames.iter().find(|frame| !frame.is_sound()) {
                let path = file::path_of(&self.journal, file.number);
                let last = chat::Seq::new(frame.end().leaf_index());
                return Err(Error::corrupt(&path, 0, "its copy in memory has changed")
                    .with_seqs(Some(frame.first()), last));
            }
        }
        Ok(())
    }

    /// Returns where segments are written, and with what.
    pub(crate) fn place(&self) -> SealPlace<'_> {
        SealPlace {
            disk: self.shared.ports.disk.as_ref(),
            folder: &self.segments,
            keys: &self.shared.keys,
            archive: self.archive,
        }
    }

    /// Stores where the rooms stand after a new range. It is derived: a failure is told, and the next seal or start stores it.
    fn store_places(&self, range: &SealedRange) {
        if let Some(places) = self.places.lock().as_mut() {
            places.follow(range);
            let disk = self.shared.ports.disk.as_ref();
            if let Err(error) = places.write(disk, &self.home, self.archive) {
                tracing::warn!(%error, "where the rooms stand could not be stored; it is derived");
            }
        }
    }

    /// Stores durably where the rooms stand before events are blanked: the footers will not tell any more whose newest event one of
    /// them was. Refused where damage hides it.
    pub(crate) fn keep_places(&self, order: chat::Seq) -> Result<()> {
        match self.places.lock().as_ref() {
            Some(places) => places.write(self.shared.ports.disk.as_ref(), &self.home, self.archive),
            None => Err(Error::PlacesHidden { place: order }),
        }
    }

    /// Lets the journal's copy and its keys go. A file that cannot be removed is found again at the next start, and goes then.
    fn forget(&self, files: &[FileMemory], report: &mut SealReport) -> Result<()> {
        for file in files {
            self.shared.memory.forget(file.number);
            report.journal_bytes = report.journal_bytes.saturating_add(file.bytes);
        }
        let keys: Vec<KeyId> = files.iter().map(|file| file.key).collect();
        if !keys.is_empty()
            && let Err(error) = self.shared.keys.destroy(&keys)
        {
            // They go with the next destruction; the files go now, to give their space back.
            tracing::warn!(%error, "the keys of sealed journal files are still there");
            self.shared.fuse.check()?;
        }
        let disk = self.shared.ports.disk.as_ref();
        for file in files {
            let path = file::path_of(&self.journal, file.number);
            durable::remove_if_there(disk, &path)?;
            durable::sync_folder_of(disk, &path)?;
        }
        Ok(())
    }
}

/// Returns the events of journal files with their leaves; their values stay where they are.
fn records(files: &[FileMemory]) -> impl Iterator<Item = (Slot<&[u8]>, crate::proof::Digest)> {
    let frames = files.iter().flat_map(|file| &file.frames);
    frames.flat_map(|frame| {
        frame.records().zip(frame.leaves()).filter_map(|(record, leaf)| {
            // A record without a header would leave a gap, and a gap is refused.
            let header = Header::decode(record.header).ok()?;
            let fields = record.fields().map(|(tag, value)| Field { tag, value });
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
