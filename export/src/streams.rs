//! Two streams of a package side by side: events, and the proof of each.

use std::io::{self, Read};

use archive::proof::Checkpoint;
use chat::{ArchiveId, Recorded, Seq};
use sha2::{Digest as _, Sha256};

use crate::container::Container;
use crate::format::manifest::Facts;
use crate::format::{hex, line, proof};
use crate::lines::Lines;
use crate::ranges::SeqRanges;
use crate::report::{ExportReport, Finding, FindingKind};

/// Bytes of one proof: 63 hashes, and a thousand fields with their salts.
const PROOF_BYTES_MAX: usize = 1 << 20;

/// Events and proofs of a package, and the numbers that they should have.
pub(crate) struct Stream<'a> {
    pub(crate) events: &'static str,
    pub(crate) proofs: &'static str,
    pub(crate) due: &'a SeqRanges,
}

impl Stream<'_> {
    /// Opens a file of events of a package.
    pub(crate) fn lines(container: &Container, path: &str) -> io::Result<Lines<Box<dyn Read>>> {
        Lines::new(container.stream(path, u64::MAX)?, line::LINE_BYTES_MAX)
    }

    /// Reads every event, checks that it is the one that is due and that its proof holds, and hands it on. Returns how many
    /// hold.
    pub(crate) fn check(
        &self,
        container: &Container,
        facts: &Facts,
        checkpoint: &Checkpoint,
        report: &mut ExportReport,
        mut take: impl FnMut(&Recorded),
    ) -> u64 {
        let opened = Self::lines(container, self.events).and_then(|events| {
            let proofs = container.stream(self.proofs, u64::MAX)?;
            Ok((events, Lines::new(proofs, PROOF_BYTES_MAX)?))
        });
        let (mut events, mut proofs) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                report.find(FindingKind::Event, self.events, format!("it cannot be read: {error}"));
                return 0;
            }
        };
        let mut due = self.due.iter().filter(|seq| !facts.unavailable.contains(*seq)).peekable();
        let (mut row, mut held) = (0, 0);
        loop {
            row += 1;
            let mut find = |kind, file: &str, seq, what| {
                report.add(Finding { kind, file: file.to_owned(), row: Some(row), seq, what });
            };
            let recorded = match next_line(&mut events, facts.archive) {
                Ok(Some(Ok(recorded))) => Some(recorded),
                Ok(Some(Err(fault))) => {
                    find(FindingKind::Event, self.events, due.peek().copied(), fault);
                    None
                }
                Ok(None) => break,
                Err(error) => {
                    let what = format!("it cannot be read from here on: {error}");
                    find(FindingKind::Event, self.events, due.peek().copied(), what);
                    return held;
                }
            };
            let proof = proofs.next();
            let Some(recorded) = recorded else {
                due.next();
                continue;
            };
            let seq = Some(recorded.seq);
            if let Some(what) = out_of_turn(&mut due, recorded.seq) {
                find(FindingKind::Event, self.events, seq, what);
            }
            let proven = match proof {
                Ok(Some(text)) => proof::check(text, &recorded, checkpoint.size, &checkpoint.root),
                Ok(None) => Err("the proof is missing".to_owned()),
                Err(error) => Err(format!("it cannot be read: {error}")),
            };
            match proven {
                Ok(()) => held += 1,
                Err(what) => find(FindingKind::Proof, self.proofs, seq, what),
            }
            take(&recorded);
        }
        let mut find = |kind, file: &str, seq, what: &str| {
            let (file, what) = (file.to_owned(), what.to_owned());
            report.add(Finding { kind, file, row: Some(row), seq, what });
        };
        if let Some(seq) = due.next() {
            find(FindingKind::Event, self.events, Some(seq), "this event and what follows is missing");
        }
        if !matches!(proofs.next(), Ok(None)) {
            find(FindingKind::Proof, self.proofs, None, "there are proofs after the last event");
        }
        held
    }
}

/// Returns what is wrong if another event was due, and moves on to the one after this.
fn out_of_turn(
    due: &mut std::iter::Peekable<impl Iterator<Item = Seq>>,
    found: Seq,
) -> Option<String> {
    match due.peek().copied() {
        Some(next) if next == found => {
            due.next();
            None
        }
        Some(next) if next < found => {
            while due.next_if(|seq| *seq <= found).is_some() {}
            Some(format!("event {next} was due here"))
        }
        Some(next) => Some(format!("event {next} was due here; this one is foreign, doubled or out of order")),
        None => Some("no event was due here".to_owned()),
    }
}

type Read1 = Result<Recorded, String>;

fn next_line<R: Read>(lines: &mut Lines<R>, archive: ArchiveId) -> io::Result<Option<Read1>> {
    Ok(lines.next()?.map(|text| line::read(text, archive)))
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
