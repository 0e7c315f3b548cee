//! The catalog: it is derived, and must count what the log holds up to its watermark.

use std::collections::HashSet;

use chat::{Family, RoomId};

use super::by_room::ByRoom;
use super::report::{FindingKind, Findings};
use super::rows::{Place, Row};
use crate::archive::Archive;
use crate::catalog::{Catalog, Counts};
use crate::fuse::whole_message;

/// How to mend a catalog that differs.
const REMEDY: &str = "close the archive and delete catalog.sqlite: it is made again";

/// What the log holds, beside what the catalog counts of it.
#[derive(Debug)]
pub(super) struct Tally {
    counts: Counts,
    whole: Held,
    rooms: ByRoom<Held>,
    /// Events whose room is not known: blanked, or not readable.
    unknown: u64,
}

/// Events that are whole, and those of which only a header is left. The catalog may have followed those before.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    whole: u64,
    stubs: u64,
}

impl Held {
    const fn add(&mut self, is_whole: bool) {
        let count = if is_whole { &mut self.whole } else { &mut self.stubs };
        *count = count.saturating_add(1);
    }

    /// Returns whether the catalog may count so many.
    const fn admits(self, count: u64, unknown: u64) -> bool {
        let most = self.whole.saturating_add(self.stubs).saturating_add(unknown);
        self.whole <= count && count <= most
    }
}

/// Compares the list of checkpoints with their notes: one that is gone is missed by nobody else.
fn compare_checkpoints(archive: &Archive, findings: &mut Findings) {
    let Ok(rows) = archive.catalog.catalog().and_then(Catalog::checkpoints) else { return };
    let disk = archive.shared.ports.disk.as_ref();
    for row in &rows {
        let what = match archive.signer.at(disk, row.size) {
            Ok(Some(note)) if note.checkpoint.root == row.root => continue,
            Ok(Some(_)) => "has another root in the catalog",
            Ok(None) => "is gone; the catalog knows of it",
            // The note itself is damaged: that is told where notes are read.
            Err(_) => continue,
        };
        let what = format!("the checkpoint of {} events {what}", row.size);
        findings.add(FindingKind::Checkpoint, what, None);
    }
}

impl Tally {
    /// Makes the catalog level with the log and takes its counts; nothing where there is none to compare.
    pub(super) fn begin(archive: &Archive, findings: &mut Findings) -> Option<Self> {
        let follower = &archive.catalog;
        if !follower.is_kept() {
            return None;
        }
        let counts = match follower.catch_up() {
            // Damage of the log is found where it is; the catalog is compared as far as it has come.
            Err(error) if error.family() != Family::Corrupt => Err(error),
            _ => follower.catalog().and_then(Catalog::counts),
        };
        match counts {
            Ok(counts) => {
                compare_checkpoints(archive, findings);
                let (whole, rooms) = (Held::default(), ByRoom::default());
                Some(Self { counts, whole, rooms, unknown: 0 })
            }
            Err(error) => {
                findings.add(FindingKind::Catalog, whole_message(&error), None);
                None
            }
        }
    }

    /// Takes the next event.
    pub(super) fn take(&mut self, row: &Row) {
        if row.seq.get() > self.counts.watermark {
            return;
        }
        match row.place {
            None => self.skip(row.seq.get()),
            Some(place) => {
                self.whole.add(row.is_whole);
                if let Place::In { room, .. } = place {
                    self.rooms.of(room).add(row.is_whole);
                }
            }
        }
    }

    /// Passes over an event of which nothing is known.
    pub(super) const fn skip(&mut self, seq: u64) {
        if seq <= self.counts.watermark {
            self.unknown = self.unknown.saturating_add(1);
        }
    }

    /// Compares.
    pub(super) fn finish(self, findings: &mut Findings) {
        let Counts { watermark, events, ref rooms } = self.counts;
        if !self.whole.admits(events, self.unknown) {
            let held = self.whole.whole;
            let what = format!(
                "the catalog counts {events} events among the first {watermark}, the log {held}; {REMEDY}"
            );
            findings.add(FindingKind::Catalog, what, None);
        }
        let found = self.rooms.iter().map(|(room, _)| RoomId::from_bytes(*room));
        let all: HashSet<RoomId> = rooms.keys().copied().chain(found).collect();
        for room in all {
            let count = rooms.get(&room).copied().unwrap_or(0);
            let held = self.rooms.get(room.as_bytes()).copied().unwrap_or_default();
            if !held.admits(count, self.unknown) {
                let held = held.whole;
                let what = format!(
                    "the catalog counts {count} events of room {room} among the first {watermark}, the log {held}; {REMEDY}"
                );
                findings.add(FindingKind::Catalog, what, None);
            }
        }
    }
}
