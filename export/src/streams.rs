//! Two streams of a package side by side: events, and the proof of each.

use std::io::{self, Read};
use std::iter::Peekable;

use archive::proof::Checkpoint;
use chat::{ArchiveId, Recorded, Seq};
use sha2::{Digest as _, Sha256};

use crate::container::Container;
use crate::format::manifest::Facts;
use crate::format::{hex, line, proof};
use crate::lines::Lines;
use crate::ranges::SeqRanges;
use crate::report::{ExportReport, Finding, FindingKind};
use crate::withhold::WithheldCounts;

/// Bytes of one proof: 63 hashes, and a salt for each of 65,535 fields.
const PROOF_BYTES_MAX: usize = 8 << 20;

type PackageLines = Lines<Box<dyn Read>>;

/// Opens a file of events of a package.
pub(crate) fn open_events(container: &Container, path: &str) -> io::Result<PackageLines> {
    Lines::new(container.stream(path, u64::MAX)?, line::LINE_BYTES_MAX)
}

/// Reads the next event of a file of lines, and the SHA-256 of its line in hex.
pub(crate) fn next_event<R: Read>(
    lines: &mut Lines<R>,
    archive: ArchiveId,
) -> io::Result<Option<(Recorded, String)>> {
    let Some(text) = lines.next()? else { return Ok(None) };
    let fault = |fault| io::Error::new(io::ErrorKind::InvalidData, fault);
    let recorded = line::read(text, archive).map_err(fault)?;
    Ok(Some((recorded, hex::write(&Sha256::digest(text)))))
}

/// Events and proofs of a package, and the numbers that they should have.
pub(crate) struct Streams<'a> {
    pub(crate) events: &'static str,
    pub(crate) proofs: &'static str,
    pub(crate) due: &'a SeqRanges,
    pub(crate) container: &'a Container,
    pub(crate) facts: &'a Facts,
    pub(crate) checkpoint: &'a Checkpoint,
}

impl Streams<'_> {
    /// Reads every event, checks that it is the one that is due and that its proof holds, and hands it on. Returns how
    /// many hold.
    pub(crate) fn check(
        &self,
        report: &mut ExportReport,
        withheld: &mut WithheldCounts,
        mut take: impl FnMut(&Recorded),
    ) -> u64 {
        let (mut events, mut proofs) = match self.open() {
            Ok(opened) => opened,
            Err(error) => {
                report.find(FindingKind::Event, self.events, format!("it cannot be read: {error}"));
                return 0;
            }
        };
        let unavailable = &self.facts.unavailable;
        let mut due = self.due.iter().filter(|seq| !unavailable.contains(*seq)).peekable();
        let mut walk = Walk { streams: self, report, withheld, row: 0 };
        let mut held = 0;
        loop {
            walk.row += 1;
            let event =
                events.next().map(|text| text.map(|text| line::read(text, self.facts.archive)));
            match event {
                Ok(Some(event)) => {
                    held += u64::from(walk.step(event, proofs.next(), &mut due, &mut take));
                }
                Ok(None) => break,
                Err(error) => {
                    let what = format!("it cannot be read from here on: {error}");
                    walk.find_event(due.peek().copied(), what);
                    return held;
                }
            }
        }
        if let Some(seq) = due.next() {
            walk.find_event(Some(seq), "this event and what follows is missing".to_owned());
        }
        if !matches!(proofs.next(), Ok(None)) {
            walk.find_proof(None, "there are proofs after the last event".to_owned());
        }
        held
    }

    fn open(&self) -> io::Result<(PackageLines, PackageLines)> {
        let events = open_events(self.container, self.events)?;
        let proofs = Lines::new(self.container.stream(self.proofs, u64::MAX)?, PROOF_BYTES_MAX)?;
        Ok((events, proofs))
    }
}

/// Where the check of two streams is.
struct Walk<'a> {
    streams: &'a Streams<'a>,
    report: &'a mut ExportReport,
    withheld: &'a mut WithheldCounts,
    row: u64,
}

impl Walk<'_> {
    /// Checks one event with its proof, and returns whether both hold.
    fn step(
        &mut self,
        event: Result<Recorded, String>,
        proof: io::Result<Option<&[u8]>>,
        due: &mut Peekable<impl Iterator<Item = Seq>>,
        take: &mut impl FnMut(&Recorded),
    ) -> bool {
        let recorded = match event {
            Ok(recorded) => recorded,
            Err(fault) => {
                self.find_event(due.next(), fault);
                return false;
            }
        };
        let fault = out_of_turn(due, recorded.seq);
        let is_due = fault.is_none();
        if let Some(fault) = fault {
            self.find_event(Some(recorded.seq), fault);
        }
        let Checkpoint { size, root, .. } = self.streams.checkpoint;
        let proven = match proof {
            Ok(Some(text)) => {
                let named = (self.streams.facts.withheld.as_slice(), &mut *self.withheld);
                proof::check(text, &recorded, (*size, root), named)
            }
            Ok(None) => Err("the proof is missing".to_owned()),
            Err(error) => Err(format!("it cannot be read: {error}")),
        };
        take(&recorded);
        match proven {
            Ok(()) => is_due,
            Err(fault) => {
                self.find_proof(Some(recorded.seq), fault);
                false
            }
        }
    }

    fn find_event(&mut self, seq: Option<Seq>, what: String) {
        self.find(FindingKind::Event, self.streams.events, seq, what);
    }

    fn find_proof(&mut self, seq: Option<Seq>, what: String) {
        self.find(FindingKind::Proof, self.streams.proofs, seq, what);
    }

    fn find(&mut self, kind: FindingKind, file: &str, seq: Option<Seq>, what: String) {
        self.report.add(Finding { kind, file: file.to_owned(), row: Some(self.row), seq, what });
    }
}

/// Returns what is wrong if another event was due, and moves on to the one after this.
fn out_of_turn(due: &mut Peekable<impl Iterator<Item = Seq>>, found: Seq) -> Option<String> {
    match due.peek().copied() {
        Some(next) if next == found => {
            due.next();
            None
        }
        Some(next) if next < found => {
            while due.next_if(|seq| *seq <= found).is_some() {}
            Some(format!("event {next} was due here"))
        }
        Some(next) => {
            Some(format!("event {next} was due; this one is foreign, doubled or out of order"))
        }
        None => Some("no event was due here".to_owned()),
    }
}
