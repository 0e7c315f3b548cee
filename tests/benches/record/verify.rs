//! A verification of the whole archive, beside a bare loop over as many SHA-256 of as many bytes.

use archive::record;
use chat::Seq;
use sha2::{Digest as _, Sha256};

use crate::Fault;
use crate::clock::timed;
use crate::rows::Row;
use crate::sheet::{Goal, Sheet};
use crate::stage::Stage;

pub(crate) const ROW: Row = Row {
    name: "verify",
    about: "everything that is stored, proven anew",
    only_by_name: false,
    run,
};

/// Events read at a time while the lengths are taken.
const BATCH_EVENTS: usize = 8_192;
/// Longer values are hashed as if they had this many bytes; the corpus has none.
const BYTES_MAX: usize = 64 << 10;

fn run(stage: &Stage, sheet: &mut Sheet) -> Result<(), Fault> {
    let product = stage.product()?;
    product.seal()?;
    let archive = product.archive();
    let lengths = lengths(archive)?;
    let events = archive.size();
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..stage.runs() {
        let (report, cost) = timed(|| archive.verify(None, &|_| {}));
        let report = report?;
        if let Some(finding) = report.findings.first() {
            return Err(format!("the archive does not verify: {}", finding.what).into());
        }
        ours.push(cost);
        bare.push(timed(|| hashed(&lengths)).1);
    }
    let found = sheet.rates("verify: read, decoded, hashed, compared", "events", events, &ours);
    let floor = sheet.rates("floor: the same SHA-256 calls", "events", events, &bare);
    sheet.claim(
        "beside the floor, by the processor",
        found.processor / floor.processor,
        Goal::AtLeast(0.6),
    );
    sheet.figure("SHA-256 calls", lengths.len() as f64 / events as f64, "an event");
    sheet.note("the floor runs on one core, the verification on all: compare the processor's time");
    Ok(())
}

/// Returns the length of everything that is hashed: salts, commitments, leaves and nodes of all events.
fn lengths(archive: &std::sync::Arc<archive::Archive>) -> Result<Vec<u16>, Fault> {
    let mut lengths = Vec::new();
    let mut tail = archive.tail(Seq::FIRST);
    loop {
        let batch = tail.next_batch(BATCH_EVENTS)?;
        if batch.is_empty() {
            return Ok(lengths);
        }
        for recorded in &batch {
            let fields = record::fields(&recorded.event);
            let header = record::header(recorded).encode();
            let mut put = |bytes: usize| {
                lengths.push(u16::try_from(bytes.min(BYTES_MAX - 1)).unwrap_or(u16::MAX));
            };
            // Two nodes of the tree of salts, the header's commitment, the salt of the list.
            [29, 29, 17 + header.len(), 27].into_iter().for_each(&mut put);
            for field in &fields {
                // Its salt, its commitment.
                put(27);
                put(27 + field.value.len());
            }
            // The content's commitment, the leaf, a node of the tree.
            [25 + 34 * fields.len(), 65, 65].into_iter().for_each(&mut put);
        }
    }
}

fn hashed(lengths: &[u16]) -> u8 {
    let bytes = vec![0x5a_u8; BYTES_MAX];
    let mut sum = 0_u8;
    for length in lengths {
        let digest = Sha256::digest(bytes.get(..usize::from(*length)).unwrap_or_default());
        sum ^= digest.first().copied().unwrap_or_default();
    }
    std::hint::black_box(sum)
}
