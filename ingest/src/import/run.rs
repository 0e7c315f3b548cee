//! One run: drafts in batches through the service, the next batch read while the one before is recorded.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use chat::{Act, Attachment, Custody, EventKind, Seq, limits};
use parking_lot::Mutex;

use super::ImportInput;
use super::coverage::Ledger;
use super::format::Plan;
use super::rehearsal::Rehearsal;
use super::report::{ImportReport, Progress, QuarantineNote};
use crate::draft::{Draft, DraftFile, FileContent, Locator};
use crate::error::{Error, Result};
use crate::files;
use crate::ingest::{Ingest, offer};
use crate::receipt::{Outcome, Verdict};
use crate::sequencer::{Input, Offer, Ticket};
use crate::source::{EventSource, Sourced, Unreadable};

/// Offers of one batch: few enough that what is prepared of them stays in the processor's cache.
const BATCH_OFFERS: usize = 1_024;
/// Bytes of one batch, roughly.
const BATCH_BYTES: usize = 4 << 20;
/// Batches that are on their way at once.
const BATCHES_MAX: usize = 3;
/// Entries of each list in a report.
const LIST_MAX: usize = 1_000;

/// What is remembered of an offer until its outcome is known.
struct Row {
    source: Option<u32>,
    unfolded: bool,
    locator: Option<Locator>,
}

/// A run in the making. Without a service it is a rehearsal.
pub(super) struct Run<'a> {
    ingest: Option<&'a Ingest>,
    progress: &'a mut dyn FnMut(Progress),
    consumed: Arc<AtomicU64>,
    ledger: Ledger,
    rehearsal: Rehearsal,
    report: ImportReport,
    batch: Vec<Offer>,
    rows: Vec<Row>,
    bytes: usize,
    on_their_way: VecDeque<(Ticket, Vec<Row>)>,
    /// Why a batch was refused, known to the sequencer before it is known here.
    refused: Arc<OnceLock<String>>,
    /// From where on what is recorded may have come with this input, if it was imported before.
    own_since: Option<Seq>,
}

impl<'a> Run<'a> {
    /// Puts the beginning of a run into the log.
    pub(super) fn begin(
        ingest: &'a Ingest,
        input: &ImportInput,
        plan: &Plan,
        input_sha256: String,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Result<Self> {
        let mut run = Self::rehearse(plan, input_sha256, progress);
        let mut id = [0; 16];
        let drawn = ingest.archive().ports().rng.fill(&mut id);
        drawn.map_err(|source| Error::IdUndrawn { what: "an import", source })?;
        run.report.import_id = format!("{:032x}", u128::from_be_bytes(id));
        let name = input.path.file_name().unwrap_or(input.path.as_os_str());
        let sha256 = run.report.input_sha256.clone();
        run.own_since = ingest.ask(move |register| register.input_since(&sha256))?;
        let act = Act::new("import-begun")
            .with("import_id", run.report.import_id.as_str())
            .with("format", plan.format())
            .with("input", name.to_string_lossy().as_ref())
            .with("input_sha256", run.report.input_sha256.as_str())
            .with("bytes", run.report.bytes)
            .with_some("source", input.source.as_deref())
            .with_some("zone", input.zone.map(|zone| zone.to_string()));
        ingest.record_act(EventKind::Officer, None, act)?;
        run.ingest = Some(ingest);
        Ok(run)
    }

    /// Gets ready to read without recording.
    pub(super) fn rehearse(
        plan: &Plan,
        input_sha256: String,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Self {
        let report = ImportReport {
            format: plan.format(),
            input_sha256,
            bytes: plan.container().bytes(),
            ..ImportReport::default()
        };
        Self {
            ingest: None,
            progress,
            consumed: plan.consumed(),
            ledger: Ledger::default(),
            rehearsal: Rehearsal::default(),
            report,
            batch: Vec::new(),
            rows: Vec::new(),
            bytes: 0,
            on_their_way: VecDeque::new(),
            refused: Arc::default(),
            own_since: None,
        }
    }

    /// Reads one source to its end. Equal records are counted within it.
    pub(super) fn read(&mut self, source: &mut dyn EventSource) -> Result<()> {
        let input = Arc::new(Mutex::new(Input::beside(&self.refused).known_since(self.own_since)));
        self.report.files += 1;
        let listed = source.take_identities();
        if let Some(ingest) = self.ingest {
            ingest.know(listed)?;
        }
        let outcome = self.read_into(source, &input);
        // What came before a fault is recorded all the same.
        let flushed = self.flush(&input);
        outcome.and(flushed)
    }

    fn read_into(&mut self, source: &mut dyn EventSource, input: &Arc<Mutex<Input>>) -> Result<()> {
        while let Some(next) = source.next() {
            match next? {
                Sourced::Draft(draft) => self.take_draft(draft, source)?,
                Sourced::Unreadable(piece) => self.take_unreadable(piece)?,
            }
            if self.batch.len() >= BATCH_OFFERS || self.bytes >= BATCH_BYTES {
                self.flush(input)?;
            }
        }
        Ok(())
    }

    fn take_draft(&mut self, mut draft: Box<Draft>, source: &mut dyn EventSource) -> Result<()> {
        let of_source = self.ledger.source(&draft.source);
        if !draft.unfolded {
            self.report.read += 1;
            if let Some(place) = &draft.place {
                self.ledger.offered(of_source, &place.name, draft.at);
            }
        }
        for file in &mut draft.attachments {
            self.take_file(file, source)?;
        }
        self.bytes += draft.bytes();
        let (unfolded, locator) = (draft.unfolded, draft.locator.clone());
        let row = Row { source: Some(of_source), unfolded, locator };
        if self.ingest.is_some() {
            self.rows.push(row);
            self.batch.push(offer(draft));
        } else {
            let verdict = self.rehearsal.judge(&draft);
            self.settle(verdict, None, row);
        }
        Ok(())
    }

    /// Takes a file's bytes into the archive, if they are to be had.
    fn take_file(&mut self, file: &mut DraftFile, source: &mut dyn EventSource) -> Result<()> {
        self.report.attachments += 1;
        let missing = |reason: String| FileContent::Missing { reason, claimed_bytes: None };
        if let Some(ingest) = self.ingest {
            let archive = ingest.archive();
            let kept = match &file.content {
                FileContent::Path(path) => match File::open(path) {
                    Ok(mut content) => Some(files::keep(archive, &mut content)?),
                    Err(fault) => Some(missing(format!("its copy cannot be opened: {fault}"))),
                },
                FileContent::Member(name) => match source.open_member(name)? {
                    Some(mut content) => Some(files::keep(archive, content.as_mut())?),
                    None => Some(missing(format!("the input has no {name:?}"))),
                },
                FileContent::Bytes(bytes) => Some(files::keep(archive, &mut bytes.as_slice())?),
                FileContent::Kept { .. } | FileContent::Missing { .. } => None,
            };
            if let Some(kept) = kept {
                file.content = kept;
            }
        }
        if matches!(file.content, FileContent::Missing { .. }) {
            self.report.attachments_missing += 1;
        }
        Ok(())
    }

    fn take_unreadable(&mut self, piece: Unreadable) -> Result<()> {
        self.report.read += 1;
        self.bytes += piece.raw.len();
        let locator = Some(Locator::whole(piece.locator.as_str()));
        let row = Row { source: None, unfolded: false, locator };
        let Some(ingest) = self.ingest else {
            self.settle(Verdict::Quarantined { reason: piece.reason }, None, row);
            return Ok(());
        };
        let file = if piece.raw.len() > limits::RAW_BYTES_MAX {
            whole_piece(&piece, &files::keep(ingest.archive(), &mut piece.raw.as_slice())?)
        } else {
            None
        };
        self.rows.push(row);
        self.batch.push(Offer::Unreadable { piece: Box::new(piece), file });
        Ok(())
    }

    fn note(&mut self, note: QuarantineNote) {
        if self.report.quarantine.len() < LIST_MAX {
            self.report.quarantine.push(note);
        }
    }

    /// Hands the batch in, and waits for the oldest one where too many are on their way.
    fn flush(&mut self, input: &Arc<Mutex<Input>>) -> Result<()> {
        self.bytes = 0;
        let done = self.consumed.load(Ordering::Relaxed).min(self.report.bytes);
        let (total, records) = (self.report.bytes, self.report.read);
        (self.progress)(Progress { done, total, records });
        let rows = std::mem::take(&mut self.rows);
        let Some(ingest) = self.ingest else { return Ok(()) };
        if self.batch.is_empty() {
            return Ok(());
        }
        let ticket = ingest.offer(std::mem::take(&mut self.batch), input)?;
        self.on_their_way.push_back((ticket, rows));
        while self.on_their_way.len() > BATCHES_MAX {
            self.settle_oldest()?;
        }
        Ok(())
    }

    fn settle_oldest(&mut self) -> Result<()> {
        let Some((ticket, rows)) = self.on_their_way.pop_front() else { return Ok(()) };
        for (outcome, row) in ticket.wait()?.into_iter().zip(rows) {
            self.count(outcome, row);
        }
        Ok(())
    }

    fn count(&mut self, outcome: Outcome, row: Row) {
        let Outcome { verdict, receipt } = outcome;
        if receipt.leaf.is_some() {
            let first = self.report.first_seq.get_or_insert(receipt.seq);
            *first = (*first).min(receipt.seq);
            self.report.last_seq = self.report.last_seq.max(Some(receipt.seq));
        }
        self.settle(verdict, Some(receipt.seq), row);
    }

    /// Counts what became of a record, or in a rehearsal would.
    fn settle(&mut self, verdict: Verdict, seq: Option<Seq>, row: Row) {
        if row.unfolded {
            self.report.unfolded += u64::from(verdict == Verdict::Accepted);
            return;
        }
        match verdict {
            Verdict::Accepted => self.report.accepted += 1,
            Verdict::Revised => self.report.revised += 1,
            Verdict::Duplicate => self.report.duplicates += 1,
            Verdict::Quarantined { reason } => {
                self.report.quarantined += 1;
                let locator = row.locator.map(|at| at.to_string()).unwrap_or_default();
                self.note(QuarantineNote { seq, locator, reason });
                return;
            }
        }
        if let (Some(source), Some(seq)) = (row.source, seq) {
            self.ledger.recorded(source, seq);
        }
    }

    /// Waits for everything, reads it back and puts the end of the run into the log.
    ///
    /// A run that was stopped, by its input or by the archive, still says what it did until then.
    pub(super) fn end(mut self, outcome: Result<Vec<String>>) -> Result<ImportReport> {
        let (passed_over, mut fault) = match outcome {
            Ok(passed_over) => (passed_over, None),
            Err(fault) => (Vec::new(), Some(fault)),
        };
        while !self.on_their_way.is_empty() {
            if let Err(later) = self.settle_oldest() {
                fault.get_or_insert(later);
            }
        }
        let mut report = std::mem::take(&mut self.report);
        report.source = self.ledger.sources().join(", ");
        report.passed_over = passed_over;
        report.passed_over.truncate(LIST_MAX);
        if let Err(later) = self.close(&mut report, fault.as_ref()) {
            fault.get_or_insert(later);
        }
        report.coverage = self.ledger.into_coverage();
        match fault {
            None => Ok(report),
            Some(source) => {
                Err(Error::ImportCutShort { report: Box::new(report), source: Box::new(source) })
            }
        }
    }

    /// Reads back what was recorded and puts the end of the run into the log.
    fn close(&mut self, report: &mut ImportReport, fault: Option<&Error>) -> Result<()> {
        let Some(ingest) = self.ingest else { return Ok(()) };
        if fault.is_none() {
            ingest.settle_languages()?;
        }
        report.held = self.ledger.read_back(ingest.archive())?;
        let fault = fault.map(ToString::to_string);
        ingest.record_act(EventKind::Officer, None, report.act(fault.as_deref())).map(drop)
    }
}

/// Returns the attachment that holds all of a piece that is too long for a record.
fn whole_piece(piece: &Unreadable, kept: &FileContent) -> Option<Box<Attachment>> {
    let &FileContent::Kept { file, bytes } = kept else { return None };
    Some(Box::new(Attachment {
        name: piece.locator.chars().take(200).collect(),
        media_type: Some("application/octet-stream".to_owned()),
        address: None,
        custody: Custody::Held { file, bytes },
    }))
}
