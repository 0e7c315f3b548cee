//! One message read out of the sealed archive, beside a block of JSON lines decompressed for it.

use chat::Seq;

use crate::Fault;
use crate::clock::{Cost, timed_by_thread};
use crate::rows::Row;
use crate::sheet::{Goal, Sheet};
use crate::stage::Stage;

pub(crate) const ROW: Row =
    Row { name: "message", about: "one message read by its number", only_by_name: false, run };

/// Messages that are read, each out of a block of its own.
const READS: u64 = 500;
/// What a message may take, as `performance.md` has it.
const MICROS_MAX: f64 = 300.0;
/// Bytes of the baseline's blocks.
const BLOCK_BYTES: usize = 64 << 10;

fn run(stage: &Stage, sheet: &mut Sheet) -> Result<(), Fault> {
    let product = stage.product()?;
    product.seal()?;
    let archive = product.archive();
    let sealed = archive.sealed().size();
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    let step = (sealed / READS).max(1);
    for turn in 0..READS.min(sealed) {
        // Far apart and in no order, so that no read finds the block of the one before.
        let number = 1 + turn * 211 % READS * step % sealed;
        let seq = Seq::new(number).ok_or("events are numbered from 1")?;
        let (found, cost) = timed_by_thread(|| archive.read(seq));
        found?.ok_or("an event is missing")?;
        cold.push(cost);
        let (found, cost) = timed_by_thread(|| archive.read(seq));
        found?.ok_or("an event is missing")?;
        warm.push(cost);
    }
    let floor = decompressed(&stage.corpus().bytes)?;
    let middles = sheet.costs("out of a block that was not decoded yet", &cold);
    sheet.costs("again, the block being in the cache", &warm);
    sheet.costs("floor: 64 KiB of JSON lines, zstd -3, decompressed and found", &floor);
    sheet.claim("µs by the wall, middle", middles.wall, Goal::AtMost(MICROS_MAX));
    sheet.claim("µs of the processor, middle", middles.processor, Goal::AtMost(MICROS_MAX));
    sheet.figure("memory of cached blocks", archive.state().cached_bytes as f64, "bytes");
    Ok(())
}

/// Finds a line in the middle of each of some blocks of lines that were compressed apart.
fn decompressed(bytes: &[u8]) -> Result<Vec<Cost>, Fault> {
    let blocks: Vec<&[u8]> = bytes.chunks(BLOCK_BYTES).collect();
    let step = (blocks.len() / usize::try_from(READS)?).max(1);
    let mut costs = Vec::new();
    for block in blocks.into_iter().step_by(step) {
        let packed = zstd::bulk::compress(block, 3)?;
        let (found, cost) = timed_by_thread(|| {
            let lines = zstd::bulk::decompress(&packed, BLOCK_BYTES)?;
            let middle = lines.split(|byte| *byte == b'\n').nth(150).map(<[u8]>::to_vec);
            Ok::<_, std::io::Error>(middle)
        });
        std::hint::black_box(found?);
        costs.push(cost);
    }
    Ok(costs)
}
