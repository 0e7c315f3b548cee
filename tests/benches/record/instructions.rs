//! The row `instructions`: how many instructions the hot paths take, counted by callgrind: the figure that does not wobble.

use std::path::Path;

use crate::Fault;
use crate::child::Child;
use crate::corpus::put;
use crate::drives::{BLOCKS, MESSAGES};
use crate::rows::Row;
use crate::sheet::Sheet;
use crate::stage::Stage;

pub(crate) const ROW: Row = Row {
    name: "instructions",
    about: "instructions of the hot paths, by callgrind",
    only_by_name: false,
    run,
};

/// One path: how often it is gone in two runs, and how many units lie between them.
struct Drive {
    what: &'static str,
    name: &'static str,
    less: usize,
    more: usize,
    units: usize,
}

const DRIVES: [Drive; 8] = [
    drive("append", "append: an event, batches of 1,000", (1_000, MESSAGES)),
    drive("leaf", "leaf of an event, salts included", (0, 10_000)),
    Drive {
        what: "seal",
        name: "seal: an event of 10,000, read back",
        less: 0,
        more: 1,
        units: MESSAGES,
    },
    drive("read", "read: an event of a block not decoded yet", (0, BLOCKS)),
    drive("read", "read: an event of a decoded block", (BLOCKS, 101 * BLOCKS)),
    drive("search", "search: newest 20 of a word, counted, 10,000 messages", (20, 520)),
    drive("corner", "search: the same in a room between two days", (20, 520)),
    drive("export", "export: an event of a CSV package, proven and checked", (1_000, MESSAGES)),
];

const fn drive(what: &'static str, name: &'static str, (less, more): (usize, usize)) -> Drive {
    Drive { what, name, less, more, units: more - less }
}

fn run(stage: &Stage, sheet: &mut Sheet) -> Result<(), Fault> {
    if stage.corpus().lines.len() < MESSAGES {
        sheet.skip("instructions", "the corpus has fewer than 10,000 messages");
        return Ok(());
    }
    if !Child::is_counted() {
        sheet.skip("instructions", "valgrind is not installed");
        return Ok(());
    }
    let file = stage.scratch().join("instructions.jsonl");
    let lines = stage.corpus().bytes.split_inclusive(|byte| *byte == b'\n');
    let part: Vec<u8> = lines.take(MESSAGES).flatten().copied().collect();
    put(&file, &part)?;
    for Drive { what, name, less, more, units } in DRIVES {
        // The two runs do not disturb one another's count.
        let (many, few) = std::thread::scope(|scope| {
            let few = scope.spawn(|| counted(what, less, &file));
            (counted(what, more, &file), few.join())
        });
        let (many, few) = (many?, few.map_err(|_| "a count broke off")??);
        let between = many.saturating_sub(few);
        sheet.figure(name, between as f64 / units as f64, "instructions");
    }
    std::fs::remove_file(file)?;
    sheet.note("Each figure is the difference of two runs, divided by the units between them, so that set-up drops out. Callgrind's processor has no SHA instructions: hashes are counted as their portable form, several times what this processor takes for them. Instructions of the kernel are not counted.");
    Ok(())
}

fn counted(what: &'static str, times: usize, file: &Path) -> Result<u64, String> {
    let child = Child::Drive { what, times, file: file.to_owned() };
    // What a thread failed for crosses to the other one as words.
    child.instructions().map_err(|fault| fault.to_string())
}
