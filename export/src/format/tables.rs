//! Every table of a package, made from its events: written when the package is made, and made again and compared when
//! it is checked. One function does both, so that they cannot mean different things.

use std::collections::BTreeSet;
use std::io;

use archive::proof::Digest;
use chat::{Attachment, Custody, FileId, Recorded};

use crate::format::cells::{RowSink, row};
use crate::format::copies::Copies;
use crate::format::csv::{Surroundings, cited, moment};
use crate::format::gather::{Files, Gathered};
use crate::format::manifest::Facts;
use crate::format::readers::{Edge, Readers, Stay, Who};
use crate::format::reading;
use crate::format::versions::Versions;

/// The exact table.
pub(crate) const EXACT: &str = "csv/exact/messages.csv";
/// The reading copy.
pub(crate) const READING: &str = "csv/reading/messages.csv";
/// Who could read which room when.
pub(crate) const READERS: &str = "csv/readers.csv";
/// Which event names which file of `attachments/`.
pub(crate) const ATTACHMENTS: &str = "attachments.csv";
/// What a person should look at.
pub(crate) const EXCEPTIONS: &str = "exceptions.csv";

/// The columns of the table of readers.
pub const READERS_COLUMNS: [&str; 10] = [
    "room_id",
    "room_name",
    "person_id",
    "person_name",
    "from_utc",
    "from_seq",
    "from_event",
    "until_utc",
    "until_seq",
    "until_event",
];
/// The columns of the table of attachments.
pub const ATTACHMENTS_COLUMNS: [&str; 10] = [
    "record_id",
    "seq",
    "attachment",
    "name",
    "media_type",
    "address",
    "state",
    "file",
    "sha256",
    "bytes",
];
/// The columns of the table of exceptions.
pub const EXCEPTIONS_COLUMNS: [&str; 6] =
    ["record_id", "seq", "attachment", "name", "fault", "reason"];

/// Where the rows go; the tables of the CSV format only where that format was asked for.
pub(crate) struct Sinks<'a> {
    pub(crate) csv: Option<CsvSinks<'a>>,
    pub(crate) attachments: &'a mut dyn RowSink,
    pub(crate) exceptions: &'a mut dyn RowSink,
}

/// Where the rows of the CSV format go.
pub(crate) struct CsvSinks<'a> {
    pub(crate) exact: &'a mut dyn RowSink,
    pub(crate) reading: &'a mut dyn RowSink,
    pub(crate) readers: &'a mut dyn RowSink,
}

/// How many rows each table got, its header not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RowCounts {
    pub(crate) events: u64,
    pub(crate) attachments: u64,
    pub(crate) exceptions: u64,
}

/// What the tables are made from besides the events themselves.
pub(crate) struct Tables<'a> {
    facts: &'a Facts,
    versions: Versions,
    readers: Readers,
    files: Files,
    present: BTreeSet<FileId>,
}

impl<'a> Tables<'a> {
    /// Settles what the first pass learned. `present` tells whether a file of `attachments/` is in the package.
    pub(crate) fn new(
        facts: &'a Facts,
        gathered: Gathered,
        present: impl Fn(&str) -> bool,
    ) -> Self {
        let holds = |seq| {
            (facts.seqs.contains(seq) || facts.related.contains(seq))
                && !facts.unavailable.contains(seq)
        };
        let files = gathered.files;
        let present = files.paths().iter().filter(|(_, path)| present(path)).map(|(file, _)| *file);
        Self {
            facts,
            versions: gathered.revisions.settle(holds),
            readers: gathered.attendance.settle(),
            present: present.collect(),
            files,
        }
    }

    /// Returns whether the same was learned of these events: who has read them from the disk asks so whether the tables
    /// were made from what lies there.
    pub(crate) fn agrees(&self, gathered: Gathered) -> bool {
        let again = Self::new(self.facts, gathered, |_| false);
        again.versions == self.versions
            && again.readers == self.readers
            && again.files.paths() == self.files.paths()
    }

    /// Makes every table. `events` gives the events in order, each with the hash of its line.
    pub(crate) fn derive<'b>(
        &'b self,
        events: impl Iterator<Item = io::Result<(Recorded, Digest)>>,
        sinks: Sinks<'b>,
    ) -> io::Result<RowCounts> {
        let mut rows = self.start(sinks)?;
        for event in events {
            let (recorded, line_sha256) = event?;
            rows.take(&recorded, &line_sha256)?;
        }
        rows.finish()
    }

    /// Begins every table.
    pub(crate) fn start<'b>(&'b self, mut sinks: Sinks<'b>) -> io::Result<Rows<'b>> {
        let surroundings = Surroundings {
            cited: cited(self.facts.archive),
            source_names: &self.facts.source_names,
            room_categories: &self.facts.room_categories,
            hits: self.facts.hits.as_ref(),
            versions: &self.versions,
            readers: &self.readers,
        };
        let mut counts = RowCounts::default();
        Self::put_headers(&surroundings, &mut sinks)?;
        for seq in self.facts.unavailable.iter() {
            counts.exceptions += 1;
            let cells = [
                surroundings.record_id(seq),
                seq.to_string(),
                String::new(),
                String::new(),
                "event-unavailable".to_owned(),
                "the archive no longer holds this event; see its certificates of destruction"
                    .to_owned(),
            ];
            sinks.exceptions.row(Some(seq), &row(cells))?;
        }
        Ok(Rows { tables: self, surroundings, sinks, copies: Copies::default(), counts })
    }

    fn put_headers(surroundings: &Surroundings<'_>, sinks: &mut Sinks<'_>) -> io::Result<()> {
        if let Some(csv) = &mut sinks.csv {
            let columns = surroundings.columns();
            csv.exact.row(None, &row(&columns))?;
            let mut header = reading::BYTE_ORDER_MARK.as_bytes().to_vec();
            header.extend(row(columns.into_iter().chain(reading::FLAG_COLUMNS)));
            csv.reading.row(None, &header)?;
            csv.readers.row(None, &row(READERS_COLUMNS))?;
        }
        sinks.attachments.row(None, &row(ATTACHMENTS_COLUMNS))?;
        sinks.exceptions.row(None, &row(EXCEPTIONS_COLUMNS))
    }

    fn put_attachments(
        &self,
        surroundings: &Surroundings<'_>,
        recorded: &Recorded,
        sinks: &mut Sinks<'_>,
        counts: &mut RowCounts,
    ) -> io::Result<()> {
        let seq = recorded.seq;
        if recorded.event.content.attachments.is_empty() {
            return Ok(());
        }
        let record_id = surroundings.record_id(seq);
        for (at, attachment) in recorded.event.content.attachments.iter().enumerate() {
            let number = (at + 1).to_string();
            let state = self.state_of(attachment);
            counts.attachments += 1;
            sinks.attachments.row(
                Some(seq),
                &row([
                    record_id.as_str(),
                    &seq.to_string(),
                    &number,
                    &attachment.name,
                    attachment.media_type.as_deref().unwrap_or_default(),
                    attachment.address.as_deref().unwrap_or_default(),
                    state.word,
                    state.path,
                    &state.sha256,
                    &state.bytes,
                ]),
            )?;
            if let Some((fault, reason)) = state.exception {
                counts.exceptions += 1;
                let seq_text = seq.to_string();
                let cells = [&record_id, &seq_text, &number, &attachment.name, fault, reason];
                sinks.exceptions.row(Some(seq), &row(cells))?;
            }
        }
        Ok(())
    }

    fn state_of<'b>(&'b self, attachment: &'b Attachment) -> State<'b> {
        match &attachment.custody {
            Custody::Held { file, bytes } => {
                let held = self.present.contains(file);
                State {
                    word: if held { "held" } else { "lost" },
                    path: self.files.path(file).filter(|_| held).unwrap_or_default(),
                    sha256: file.to_string(),
                    bytes: bytes.to_string(),
                    exception: (!held).then_some(("attachment-lost", LOST)),
                }
            }
            Custody::Missing { reason, claimed_bytes } => State {
                word: "missing",
                path: "",
                sha256: String::new(),
                bytes: claimed_bytes.map_or_else(String::new, |bytes| bytes.to_string()),
                exception: Some(("attachment-missing", reason)),
            },
        }
    }

    fn put_readers(&self, sink: &mut dyn RowSink) -> io::Result<()> {
        for (room, name) in self.readers.unknown_rooms() {
            let mut cells = vec![room.to_string(), name.to_owned()];
            cells.extend(["unknown"; 8].map(str::to_owned));
            sink.row(None, &row(cells))?;
        }
        for stay in self.readers.stays() {
            sink.row(None, &row(self.stay_cells(stay)))?;
        }
        Ok(())
    }

    fn stay_cells(&self, stay: &Stay) -> [String; 10] {
        let moments = |edge: Option<Edge>, absent: &str| match edge.and_then(|edge| edge.moment) {
            Some((at, seq)) => [moment(at), seq.to_string()],
            None => [absent.to_owned(), absent.to_owned()],
        };
        let kind = |edge: Option<Edge>, absent: &str| {
            edge.map_or_else(|| absent.to_owned(), |edge| edge.kind.word().to_owned())
        };
        let [from_utc, from_seq] = moments(stay.from, "unknown");
        let [until_utc, until_seq] = moments(stay.until, "none recorded");
        [
            stay.room.to_string(),
            self.readers.room_name(&stay.room).to_owned(),
            match &stay.who {
                Who::Person(person) => person.to_string(),
                Who::Named(_) => "unknown".to_owned(),
            },
            stay.name.clone(),
            from_utc,
            from_seq,
            kind(stay.from, "unknown"),
            until_utc,
            until_seq,
            kind(stay.until, "none recorded"),
        ]
    }
}

/// The tables while their rows are made, event by event.
pub(crate) struct Rows<'a> {
    tables: &'a Tables<'a>,
    surroundings: Surroundings<'a>,
    sinks: Sinks<'a>,
    copies: Copies,
    counts: RowCounts,
}

impl Rows<'_> {
    /// Makes the rows of the next event. `line_sha256` is the hash of its line.
    pub(crate) fn take(&mut self, recorded: &Recorded, line_sha256: &Digest) -> io::Result<()> {
        self.counts.events += 1;
        if let Some(csv) = &mut self.sinks.csv {
            self.surroundings.put(recorded, line_sha256, &mut self.copies);
            csv.exact.row(Some(recorded.seq), self.copies.exact())?;
            csv.reading.row(Some(recorded.seq), self.copies.reading())?;
        }
        let Self { tables, surroundings, sinks, counts, .. } = self;
        tables.put_attachments(surroundings, recorded, sinks, counts)
    }

    /// Ends the tables after the last event, and returns how many rows each has.
    pub(crate) fn finish(mut self) -> io::Result<RowCounts> {
        if let Some(csv) = &mut self.sinks.csv {
            self.tables.put_readers(csv.readers)?;
        }
        Ok(self.counts)
    }
}

/// Why a file that the archive should hold is not in the package.
const LOST: &str =
    "the archive could not give the bytes of this file, or they were not those of its hash";

struct State<'a> {
    word: &'a str,
    path: &'a str,
    sha256: String,
    bytes: String,
    exception: Option<(&'a str, &'a str)>,
}
