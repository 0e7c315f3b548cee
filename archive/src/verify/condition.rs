//! Damage that is known without reading everything: what the start met, and what is derived and small.

use super::chains::Chains;
use super::report::{Finding, FindingKind, Findings};
use crate::abridged;
use crate::archive::Archive;
use crate::places::{self, Places};
use crate::segment::LaneFileState;

impl Archive {
    /// Returns the damage that is known since the start.
    pub(crate) fn known_findings(&self) -> Vec<Finding> {
        let mut findings = Findings::default();
        for range in self.sealed.ranges() {
            for lane in &range.lanes {
                if let LaneFileState::Damaged { path, fault } = lane {
                    let error = range.damage(path, fault.as_deref());
                    findings.add_error(FindingKind::File, &error);
                }
            }
        }
        add(self, &mut findings);
        findings.into_list()
    }
}

/// Adds what the start met beside the segments: those are read again by whoever verifies.
pub(super) fn add(archive: &Archive, findings: &mut Findings) {
    if let Some(path) = archive.tiles.mended() {
        let what = format!(
            "{} was damaged; the stored tree was made again from the events when the archive was opened",
            path.display()
        );
        findings.add(FindingKind::Tree, what, None);
    }
    for what in archive.signer.damaged() {
        findings.add(FindingKind::Checkpoint, what.clone(), None);
    }
    if let Some(fault) = archive.shared.keys.fault() {
        findings.add(FindingKind::File, fault, None);
    }
    if let Some(fault) = &archive.places_fault {
        let what = format!("{fault}; it was made again when the archive was opened");
        findings.add(FindingKind::File, what, None);
    }
}

/// Compares the abridged ledger with the ledger, where one is there that a start would believe.
pub(super) fn compare_abridged(archive: &Archive, findings: &mut Findings) {
    let Some(stored) = archive.abridging.read() else { return };
    // What cannot be read is told where the segments are read.
    let Ok(anew) = archive.abridging.remake(stored.size) else { return };
    if !stored.equals(&anew) {
        let path = abridged::path(archive.folder());
        let what = format!(
            "{} does not say what the ledger says; delete it while the archive is closed, and it is made again",
            path.display()
        );
        findings.add(FindingKind::File, what, None);
    }
}

/// Compares the stored places with where the rooms stand after the sealed events, `size` of them, if all could be read.
pub(super) fn compare_places(
    archive: &Archive,
    (chains, size): (&Chains, u64),
    findings: &mut Findings,
) {
    let disk = archive.shared.ports.disk.as_ref();
    match Places::read(disk, archive.folder(), archive.id()) {
        Err(error) => findings.add_error(FindingKind::File, &error),
        Ok(Some(stored)) if stored.size == size => {
            let differs = chains.heads().is_some_and(|heads| {
                heads.len() != stored.heads.len()
                    || heads.into_iter().any(|(room, seq)| {
                        stored.heads.get(&room).is_none_or(|head| head.seq.get() != seq)
                    })
            });
            if differs {
                let path = places::path(archive.folder());
                let what = format!(
                    "{} does not say where the rooms stand; delete it while the archive is closed, and it is made again",
                    path.display()
                );
                findings.add(FindingKind::File, what, None);
            }
        }
        Ok(_) => {}
    }
}
