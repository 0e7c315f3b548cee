//! Verification: everything that is stored is read again from the disk and compared with what was signed.
//!
//! Every leaf of every segment and of the journal is recomputed; the tree over them is compared with the tiles, with every
//! checkpoint and with the root in memory; every room must be one dense chain; every kept file must have its hash; the catalog must count what
//! the log holds. What is wrong is
//! a [`Finding`], never an end: the rest is still verified.

mod blobs;
mod by_room;
mod catalog;
mod chains;
mod condition;
mod report;
mod rows;
mod stamps;
mod tree;

use std::collections::BTreeMap;

use chat::{FileId, Seq};

pub use report::{Finding, FindingKind, VerifyReport};

use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::proof::Checkpoint;

use catalog::Tally;
use chains::Chains;
use report::Findings;
use rows::Row;
use tree::Regrown;

/// How often the log is looked at again when a seal moves events from journal to segment meanwhile.
const ATTEMPTS_MAX: usize = 5;

impl Archive {
    /// Verifies the whole archive as it is on disk now, and that it continues `since`, a checkpoint that someone else kept.
    ///
    /// `progress` is told how many events are done. Fails only where nothing can be verified: a `since` that is not signed
    /// by this archive's key is refused, and a stopped log says so. Damage is reported in the findings.
    pub fn verify(&self, since: Option<&str>, progress: &dyn Fn(u64)) -> Result<VerifyReport> {
        self.shared.fuse.check()?;
        let since = since.map(|note| self.open_foreign(note)).transpose()?;
        let mut findings = Findings::default();
        // Files that are all read must not be replaced meanwhile.
        let _settling = self.settling.lock();
        condition::add(self, &mut findings);
        // Before the size is taken, so that the catalog is not ahead of it.
        let tally = Tally::begin(self, &mut findings);
        let (size, root) = self.head();
        let journal = self.read_journal(size, &mut findings)?;
        let mut audit = Audit {
            tree: Regrown::new(self, since, &mut findings)?,
            chains: Chains::default(),
            tally,
            files: BTreeMap::new(),
            stubs: 0,
            blanks: 0,
            next: 1,
            size,
            progress,
        };
        let segments = audit.read_segments(self, journal.first, &mut findings);
        let sealed = (&audit.chains, audit.next.saturating_sub(1));
        condition::compare_abridged(self, &mut findings);
        condition::compare_places(self, sealed, &mut findings);
        for row in journal.rows {
            audit.take(row, &mut findings);
        }
        audit.reach(size.saturating_add(1), &mut findings);
        audit.tree.finish((size, &root), &mut findings);
        if let Some(tally) = audit.tally.take() {
            tally.finish(&mut findings);
        }
        let blobs = blobs::verify(self, &audit.files, &mut findings)?;
        let stamps = stamps::verify(self, &mut findings);
        let findings = findings.into_list();
        let Audit { stubs, blanks, .. } = audit;
        let events = size;
        Ok(VerifyReport { events, stubs, blanks, segments, blobs, stamps, size, root, findings })
    }

    fn open_foreign(&self, note: &str) -> Result<Checkpoint> {
        self.public_key().open(note).map_err(|reason| Error::Refused {
            object: "the checkpoint to verify since".to_owned(),
            reason,
        })
    }
}

/// The verification of one log, event by event.
struct Audit<'a> {
    tree: Regrown,
    chains: Chains,
    /// What the catalog counts, while it is compared.
    tally: Option<Tally>,
    /// Each file that is held, with the first event that names it.
    files: BTreeMap<FileId, Seq>,
    /// Events so far of which a header is left, and of which a leaf is.
    stubs: u64,
    blanks: u64,
    /// The event that is due.
    next: u64,
    size: u64,
    progress: &'a dyn Fn(u64),
}

impl Audit<'_> {
    /// Reads all segments before an event; returns how many ranges there are.
    fn read_segments(&mut self, archive: &Archive, until: Seq, findings: &mut Findings) -> u64 {
        let mut segments = 0_u64;
        for range in archive.sealed.ranges() {
            if range.first >= until {
                break;
            }
            segments = segments.saturating_add(1);
            let rows = rows::of_range(archive, &range, findings);
            for row in rows {
                self.take(row, findings);
            }
            self.reach(range.last.get().saturating_add(1), findings);
        }
        segments
    }

    /// Takes the next event that was found; those left out before it are unknown.
    fn take(&mut self, row: Row, findings: &mut Findings) {
        if row.seq.get() < self.next || row.seq.get() > self.size {
            return;
        }
        self.reach(row.seq.get(), findings);
        self.tree.take(row.leaf, findings);
        self.chains.take(&row, findings);
        if !row.is_whole {
            let count = if row.place.is_some() { &mut self.stubs } else { &mut self.blanks };
            *count = count.saturating_add(1);
        }
        if let Some(tally) = &mut self.tally {
            tally.take(&row);
        }
        for file in row.files {
            self.files.entry(file).or_insert(row.seq);
        }
        self.next = self.next.saturating_add(1);
        self.tell();
    }

    /// Goes on to an event. What lies between could not be read: the tree's own hashes stand in for it.
    fn reach(&mut self, seq: u64, findings: &mut Findings) {
        let until = seq.min(self.size.saturating_add(1));
        let Some(first) = Seq::new(self.next).filter(|first| first.get() < until) else { return };
        let last = Seq::new(until.saturating_sub(1)).unwrap_or(first);
        findings.add_unread(first, last);
        while self.next < until {
            self.tree.skip(findings);
            self.chains.skip();
            if let Some(tally) = &mut self.tally {
                tally.skip(self.next);
            }
            self.next = self.next.saturating_add(1);
        }
        self.tell();
    }

    fn tell(&self) {
        let done = self.next.saturating_sub(1);
        if done.is_multiple_of(10_000) || done == self.size {
            (self.progress)(done);
        }
    }
}
