//! A CSV export of everything, proofs and its own check included, beside the floor: the same events read from the log and
//! written as rows, and nothing else.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use archive::{Archive, Ports};
use chat::{EventKind, Seq, Timestamp};
use export::{ExportSet, Format, NotSearched, Package, Purpose, Selection, Size};

type Fault = Box<dyn std::error::Error>;

/// Events read at a time.
const BATCH_EVENTS: usize = 8_192;

/// Freezes every event that may be exported.
pub(crate) fn everything(archive: &Arc<Archive>) -> Result<ExportSet, Fault> {
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
    let disk = Ports::production().disk;
    Ok(Package::write(set, archive, &[Format::Csv], out, disk.as_ref())?.events)
}

/// Reads every event and writes a row of it: what no export of rows can do without.
pub(crate) fn floor(archive: &Arc<Archive>, out: &Path) -> Result<u64, Fault> {
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
