//! The row `memory`: the most that an import ever has resident, in a process of its own.

use std::path::PathBuf;

use crate::Fault;
use crate::child::Child;
use crate::corpus::put;
use crate::rows::Row;
use crate::sheet::{Goal, Sheet};
use crate::stage::Stage;

pub(crate) const ROW: Row = Row {
    name: "memory",
    about: "peak memory of an import in a process of its own",
    only_by_name: false,
    run,
};

fn run(stage: &Stage, sheet: &mut Sheet) -> Result<(), Fault> {
    let corpus = stage.corpus();
    let half = stage.scratch().join("half.jsonl");
    let lines = corpus.bytes.split_inclusive(|byte| *byte == b'\n');
    let part: Vec<u8> = lines.take(corpus.lines.len() / 2).flatten().copied().collect();
    put(&half, &part)?;
    let whole = peak_megabytes(&corpus.paths)?;
    let part = peak_megabytes(std::slice::from_ref(&half))?;
    std::fs::remove_file(half)?;
    let (Some(whole), Some(part)) = (whole, part) else {
        sheet.skip("peak memory", "this system does not tell it (VmHWM)");
        return Ok(());
    };
    sheet.figure("peak, whole corpus", whole, "MB");
    sheet.figure("peak, its first half", part, "MB");
    sheet.claim("megabytes of an import", whole, Goal::AtMost(600.0));
    sheet.claim("the whole beside its half", whole / part, Goal::AtMost(1.2));
    Ok(())
}

/// Imports in a process of its own and returns the most memory that it ever had resident, where the system tells it.
fn peak_megabytes(paths: &[PathBuf]) -> Result<Option<f64>, Fault> {
    let said = Child::Import(paths.to_vec()).output()?;
    let figure = |line: &str| line.split_whitespace().nth(1)?.parse::<f64>().ok();
    let line = said.lines().find(|line| line.starts_with("VmHWM"));
    Ok(line.and_then(figure).map(|kilobytes| kilobytes / 1_024.0))
}
