//! Two streams of a package side by side: events, and the proof of each.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::iter::Peekable;

use archive::proof::tree::KnownPath;
use archive::proof::{Checkpoint, Digest};
use chat::{ArchiveId, Recorded, Seq};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::container::Container;
use crate::format::manifest::Facts;
use crate::format::{line, proof};
use crate::lines::Lines;
use crate::ranges::SeqRanges;
use crate::report::{ExportReport, Finding, FindingKind};
use crate::withhold::{self, Withheld, WithheldCounts};

/// Bytes of one proof: 63 hashes, and a salt for each of 65,535 fields.
const PROOF_BYTES_MAX: usize = 8 << 20;

type PackageLines = Lines<Box<dyn Read>>;

/// Opens a file of events of a package.
pub(crate) fn open_events(container: &Container, path: &str) -> io::Result<PackageLines> {
    Lines::new(container.stream(path, u64::MAX)?, line::LINE_BYTES_MAX)
}

/// Lines of events that are taken at once, to be read on all cores.
const LINES_AT_ONCE: usize = 1_024;
/// Of these, lines that are read by one core in turn, since neighbours share most of their paths.
const LINES_TOGETHER: usize = 128;
/// Bytes of them and of what is taken beside them, whatever their number.
const BYTES_AT_ONCE: usize = 8 << 20;

/// The events of a file of lines, each with the SHA-256 of its line.
pub(crate) struct Events<R: Read> {
    lines: Lines<R>,
    archive: ArchiveId,
    ready: VecDeque<io::Result<(Recorded, Digest)>>,
}

impl<R: Read> Events<R> {
    /// Starts at the first line.
    pub(crate) const fn new(lines: Lines<R>, archive: ArchiveId) -> Self {
        Self { lines, archive, ready: VecDeque::new() }
    }
}

impl<R: Read> Iterator for Events<R> {
    type Item = io::Result<(Recorded, Digest)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty() {
            let (batch, end) = take_lines(&mut self.lines);
            let archive = self.archive;
            let read = |text: &Vec<u8>| {
                let recorded = line::read(text, archive)
                    .map_err(|fault| io::Error::new(io::ErrorKind::InvalidData, fault))?;
                Ok((recorded, Sha256::digest(text).into()))
            };
            self.ready = batch.par_iter().map(read).collect::<Vec<_>>().into();
            self.ready.extend(end.map(Err));
        }
        self.ready.pop_front()
    }
}

/// Takes some lines, and what ended them if it was an error.
fn take_lines<R: Read>(lines: &mut Lines<R>) -> (Vec<Vec<u8>>, Option<io::Error>) {
    let (mut batch, mut bytes) = (Vec::new(), 0_usize);
    while batch.len() < LINES_AT_ONCE && bytes < BYTES_AT_ONCE {
        match lines.next() {
            Ok(Some(line)) => {
                bytes = bytes.saturating_add(line.len());
                batch.push(line.to_vec());
            }
            Ok(None) => break,
            Err(error) => return (batch, Some(error)),
        }
    }
    (batch, None)
}

/// Some lines of events, each with its proof: all their bytes in one text, which serves batch after batch.
#[derive(Default)]
struct Pairs {
    text: Vec<u8>,
    ends: Vec<Ends>,
}

/// Where a line and its proof end in the text, or why there is no proof.
struct Ends {
    start: usize,
    event: usize,
    proof: Result<usize, String>,
}

impl Pairs {
    /// Takes the next lines and their proofs in place of those before, and returns what ended the lines if it was an error.
    ///
    /// Proofs count for the bound as events do: a stranger's proofs may be as long as the longest one.
    fn take<R: Read>(&mut self, events: &mut Lines<R>, proofs: &mut Lines<R>) -> Option<io::Error> {
        self.text.clear();
        self.ends.clear();
        while self.ends.len() < LINES_AT_ONCE && self.text.len() < BYTES_AT_ONCE {
            let start = self.text.len();
            match events.append(&mut self.text) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(error),
            }
            let event = self.text.len();
            let proof = match proofs.append(&mut self.text) {
                Ok(true) => Ok(self.text.len()),
                Ok(false) => Err("the proof is missing".to_owned()),
                Err(error) => Err(format!("it cannot be read: {error}")),
            };
            self.ends.push(Ends { start, event, proof });
        }
        None
    }

    /// Returns a line and its proof.
    fn of(&self, ends: &Ends) -> (&[u8], Result<&[u8], String>) {
        let part = |start, end| self.text.get(start..end).unwrap_or_default();
        let proof = ends.proof.as_ref().map(|end| part(ends.event, *end)).map_err(Clone::clone);
        (part(ends.start, ends.event), proof)
    }
}

/// Events and proofs of a package, and the numbers that they should have.
pub(crate) struct Streams<'a> {
    pub(crate) events: &'static str,
    pub(crate) proofs: &'static str,
    pub(crate) due: &'a SeqRanges,
    pub(crate) container: &'a Container,
    pub(crate) facts: &'a Facts,
    pub(crate) checkpoint: &'a Checkpoint,
    /// Whether the hash of each line is wanted.
    pub(crate) hashed: bool,
}

impl Streams<'_> {
    /// Reads every event, checks that it is the one that is due and that its proof holds, and hands it on with the SHA-256
    /// of its line, zeros where that is not wanted. Returns how many hold.
    pub(crate) fn check(
        &self,
        report: &mut ExportReport,
        withheld: &mut WithheldCounts,
        mut take: impl FnMut(&Recorded, &Digest),
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
        let (mut held, mut pairs) = (0, Pairs::default());
        loop {
            let end = pairs.take(&mut events, &mut proofs);
            let is_last = pairs.ends.is_empty();
            let read = pairs.ends.par_chunks(LINES_TOGETHER).flat_map_iter(|ends| {
                let mut desk = Desk::default();
                ends.iter()
                    .map(|ends| self.read_pair(pairs.of(ends), &mut desk))
                    .collect::<Vec<_>>()
            });
            for pair in read.collect::<Vec<_>>() {
                walk.row += 1;
                held += u64::from(walk.step(pair, &mut due, &mut take));
            }
            if let Some(error) = end {
                walk.row += 1;
                let what = format!("it cannot be read from here on: {error}");
                walk.find_event(due.peek().copied(), what);
                return held;
            }
            if is_last {
                walk.row += 1;
                break;
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

    /// Reads one event and checks its proof. What it depends on is in these two lines alone; the desk saves work.
    fn read_pair(
        &self,
        (event, proof): (&[u8], Result<&[u8], String>),
        Desk { known, again }: &mut Desk,
    ) -> Pair {
        let Facts { archive, withheld, .. } = self.facts;
        let recorded = line::read_with(event, *archive, again)?;
        let Checkpoint { size, root, .. } = self.checkpoint;
        let proven =
            proof.and_then(|text| proof::check(text, &recorded, (*size, root, known), withheld));
        let sha256 = if self.hashed { Sha256::digest(event).into() } else { Digest::default() };
        Ok((recorded, sha256, proven))
    }

    fn open(&self) -> io::Result<(PackageLines, PackageLines)> {
        let events = open_events(self.container, self.events)?;
        let proofs = Lines::new(self.container.stream(self.proofs, u64::MAX)?, PROOF_BYTES_MAX)?;
        Ok((events, proofs))
    }
}

/// What one line after another is read and checked with.
#[derive(Default)]
struct Desk {
    known: KnownPath,
    again: Vec<u8>,
}

/// An event, the hash of its line where it is wanted, and the fields that its proof withholds or why that does not hold; or
/// why there is no event.
type Pair = Result<(Recorded, Digest, Result<Vec<Withheld>, String>), String>;

/// Where the check of two streams is.
struct Walk<'a> {
    streams: &'a Streams<'a>,
    report: &'a mut ExportReport,
    withheld: &'a mut WithheldCounts,
    row: u64,
}

impl Walk<'_> {
    /// Takes one event with its proof, and returns whether both hold.
    fn step(
        &mut self,
        pair: Pair,
        due: &mut Peekable<impl Iterator<Item = Seq>>,
        take: &mut impl FnMut(&Recorded, &Digest),
    ) -> bool {
        let (recorded, sha256, proven) = match pair {
            Ok(pair) => pair,
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
        take(&recorded, &sha256);
        match proven {
            Ok(fields) => {
                withhold::count(&fields, self.withheld);
                is_due
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize, bytes: usize) -> Lines<io::Cursor<Vec<u8>>> {
        let line = [vec![b'0'; bytes], b"\n".to_vec()].concat();
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        (0..count).for_each(|_| io::Write::write_all(&mut encoder, &line).unwrap());
        Lines::new(io::Cursor::new(encoder.finish().unwrap()), PROOF_BYTES_MAX).unwrap()
    }

    #[test]
    fn long_proofs_beside_short_events_are_held_few_at_a_time() {
        let (count, proof_bytes) = (40, 1 << 20);
        let (mut events, mut proofs) = (lines(count, 9), lines(count, proof_bytes));
        let (mut pairs, mut taken) = (Pairs::default(), 0);
        loop {
            assert!(pairs.take(&mut events, &mut proofs).is_none());
            if pairs.ends.is_empty() {
                break;
            }
            assert!(pairs.text.len() <= BYTES_AT_ONCE + proof_bytes + 9, "{}", pairs.text.len());
            for ends in &pairs.ends {
                let (event, proof) = pairs.of(ends);
                assert_eq!((event.len(), proof.unwrap().len()), (9, proof_bytes));
            }
            taken += pairs.ends.len();
        }
        assert_eq!(taken, count);
    }
}
