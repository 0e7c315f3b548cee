//! A CSV export of everything, proofs and its own check included, beside the floor: the same events read from the log and
//! written as rows, and nothing else.

use std::collections::BTreeMap;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use archive::{Archive, Ports};
use chat::{EventKind, Seq, Timestamp};
use export::{ExportSet, Format, NotSearched, Package, Purpose, Selection, Size};

use crate::Fault;
use crate::clock::{Cost, timed, timed_by_thread};
use crate::rows::Row;
use crate::sheet::{Goal, Sheet};
use crate::stage::Stage;

pub(crate) const ROW: Row =
    Row { name: "export", about: "a package of everything as CSV", only_by_name: false, run };

/// How hard the lines of a package are compressed (docs/export.md).
const LEVEL: i32 = 3;
/// Bytes of them that are compressed at a time.
const PIECE_BYTES: u64 = 8 << 20;
/// Events read at a time.
const BATCH_EVENTS: usize = 8_192;

fn run(stage: &Stage, sheet: &mut Sheet) -> Result<(), Fault> {
    let archive = stage.product()?.archive();
    let set = everything(archive)?;
    let (floors, packages) = (stage.scratch().join("floor.csv"), stage.scratch().join("package"));
    let (mut least, mut evidence, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    let mut lines = Vec::new();
    let mut count = 0;
    for _ in 0..stage.runs() {
        let (rows, cost) = timed(|| floor(archive, &floors));
        count = rows?;
        least.push(cost);
        std::fs::remove_file(&floors)?;
        write(archive, &set, &[Format::Bundle], &packages)?;
        lines.push(compressed(&packages)?);
        std::fs::remove_dir_all(&packages)?;
        for (formats, costs) in [(&[Format::Bundle], &mut evidence), (&[Format::Csv], &mut whole)] {
            let (events, cost) = timed(|| write(archive, &set, formats, &packages));
            events?;
            costs.push(cost);
            std::fs::remove_dir_all(&packages)?;
        }
    }
    let least = sheet.rates("floor: events decoded, one table written", "rows", count, &least);
    let evidence = sheet.rates("package of evidence alone, checked", "rows", count, &evidence);
    sheet.rates("floor of the evidence: its lines compressed", "rows", count, &lines);
    let whole = sheet.rates("package with its tables, checked", "rows", count, &whole);
    // Rates are events a second, so what a part takes is the difference of their inverses.
    let tables = 1.0 / (1.0 / whole.processor - 1.0 / evidence.processor);
    sheet.figure("tables alone, written from what was read back", tables, "rows a second");
    sheet.claim("tables beside the floor", tables / least.processor, Goal::AtLeast(0.5));
    sheet.claim("package beside the floor", whole.processor / least.processor, Goal::AtLeast(0.5));
    sheet.note("rates by the processor's clock; the tables are two: exact, and made safe to read");
    Ok(())
}

/// Compresses the lines of a package's events and proofs once more, as its format asks for, and keeps nothing of it: what
/// every package with a proof a row must cost at least, besides the hashes that the row `verify` counts.
fn compressed(package: &Path) -> Result<Cost, Fault> {
    let mut whole = Cost::default();
    for name in ["events.jsonl.zst", "proofs.jsonl.zst"] {
        let mut lines = zstd::Decoder::new(std::fs::File::open(package.join(name))?)?;
        let mut encoder = zstd::Encoder::new(std::io::sink(), LEVEL)?;
        let mut piece = Vec::new();
        loop {
            piece.clear();
            if lines.by_ref().take(PIECE_BYTES).read_to_end(&mut piece)? == 0 {
                break;
            }
            let (written, cost) = timed_by_thread(|| encoder.write_all(&piece));
            written?;
            whole.processor += cost.processor;
            whole.wall += cost.wall;
        }
        encoder.finish()?;
    }
    Ok(whole)
}

/// Freezes every event that may be exported.
fn everything(archive: &Arc<Archive>) -> Result<ExportSet, Fault> {
    first(archive, usize::MAX)
}

/// Freezes the first so many of the events that may be exported.
pub(crate) fn first(archive: &Arc<Archive>, most: usize) -> Result<ExportSet, Fault> {
    let signed = archive.checkpoint()?;
    let mut seqs = Vec::new();
    let mut tail = archive.tail(Seq::FIRST);
    loop {
        let batch = tail.next_batch(BATCH_EVENTS)?;
        let within = |seq: &Seq| seq.get() <= signed.checkpoint.size;
        let shown = batch.iter().filter(|recorded| recorded.event.kind != EventKind::Officer);
        seqs.extend(shown.map(|recorded| recorded.seq).filter(within));
        if batch.is_empty() {
            break;
        }
    }
    seqs.truncate(most);
    Ok(ExportSet::freeze(Selection {
        archive: archive.id(),
        public_key: archive.public_key().to_string(),
        demo: false,
        nonce: [0; 16],
        seqs,
        hits: None,
        context: "none".to_owned(),
        related: Vec::new(),
        snapshot: Size { size: signed.checkpoint.size, root: signed.checkpoint.root },
        checkpoint: signed.note,
        query: None,
        who: "bench".to_owned(),
        why: None,
        matter: None,
        purpose: Purpose::Internal,
        frozen_at: Timestamp::from_micros(0),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        not_searched: NotSearched::default(),
        source_names: BTreeMap::new(),
        room_categories: BTreeMap::new(),
        withheld: Vec::new(),
        complete: None,
    })?)
}

/// Writes the package, and returns how many rows it has.
pub(crate) fn package(archive: &Archive, set: &ExportSet, out: &Path) -> Result<u64, Fault> {
    write(archive, set, &[Format::Csv], out)
}

fn write(archive: &Archive, set: &ExportSet, formats: &[Format], out: &Path) -> Result<u64, Fault> {
    let disk = Ports::production().disk;
    Ok(Package::write(set, archive, formats, out, disk.as_ref())?.events)
}

/// Reads every event and writes a row of it: what no export of rows can do without.
fn floor(archive: &Arc<Archive>, out: &Path) -> Result<u64, Fault> {
    let mut file = BufWriter::new(std::fs::File::create(out)?);
    let mut tail = archive.tail(Seq::FIRST);
    let mut rows = 0;
    loop {
        let batch = tail.next_batch(BATCH_EVENTS)?;
        if batch.is_empty() {
            file.into_inner()?.sync_all()?;
            return Ok(rows);
        }
        for recorded in &batch {
            let event = &recorded.event;
            let (seq, at, kind) = (recorded.seq, event.at, event.kind.word());
            let room = event.place.as_ref().map_or("", |place| place.name.as_str());
            let actor = event.actor.as_ref().map_or("", |actor| actor.name.as_str());
            let text = event.content.text.as_deref().unwrap_or_default().replace('"', "\"\"");
            let received = recorded.recorded_at;
            write!(
                file,
                "\"{seq}\",\"{kind}\",\"{room}\",\"{at}\",\"{received}\",\"{actor}\",\"{text}\"\r\n"
            )?;
            rows += 1;
        }
    }
}
