//! An import: one input read to its end through the ingest service, and a report that says what became of it.
//!
//! It may be stopped at any moment and run again: what is in the archive already is recognised. Its beginning and its end
//! stand in the log as acts of kind `officer`: `import-begun` {`import_id`, `format`, `input`, `input_sha256`, `bytes`,
//! `source`?, `zone`?} and `import-ended` {`import_id`, `source`, `format`, `input_sha256`, `read`, `accepted`, `revised`, `duplicates`,
//! `quarantined`, `attachments`, `attachments_missing`, `held`, `first_seq`?, `last_seq`?, `fault`?}.

mod coverage;
mod format;
mod hash;
mod rehearsal;
mod report;
mod run;

use std::path::PathBuf;
use std::time::Instant;

use self::format::Plan;
use self::run::Run;
use crate::error::{Error, Result};
use crate::ingest::Ingest;
use crate::input::Container;
use crate::source::{Reading, Zone};

pub use self::coverage::Coverage;
pub use self::format::FormatChoice;
pub use self::report::{ImportReport, Progress, QuarantineNote};

/// What is to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportInput {
    /// A file, a folder or a zip.
    pub path: PathBuf,
    /// Its format, or that it is to be found out.
    pub format: FormatChoice,
    /// The source's name; nothing takes it from the input.
    pub source: Option<String>,
    /// The folder that copies of attached files may be taken from.
    pub attachments: Option<PathBuf>,
    /// The zone of times that have no offset; without one, records with such times are quarantined.
    pub zone: Option<Zone>,
}

impl ImportInput {
    /// Takes a path; everything else is to be found out.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { path, format: FormatChoice::Auto, source: None, attachments: None, zone: None }
    }
}

/// Imports.
#[derive(Debug, Clone, Copy)]
pub struct Import;

impl Import {
    /// Reads an input to its end, records everything in it and returns the report, when all of it is on disk, synced.
    ///
    /// An input that stops making sense is an error at the end: what came before is recorded ([`Error::ImportCutShort`]).
    pub fn run(
        ingest: &Ingest,
        input: &ImportInput,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<ImportReport> {
        let started = Instant::now();
        let (plan, reading) = prepare(input)?;
        let input_sha256 = hash::of_input(&input.path, &plan)?;
        let mut run = Run::begin(ingest, input, &plan, input_sha256, progress)?;
        let outcome = plan.read(&reading, &mut |source| run.read(source));
        let mut report = run.end(outcome)?;
        report.seconds = started.elapsed().as_secs_f64();
        Ok(report)
    }

    /// Reads an input to its end and records nothing (`--check`). The report says what would become of each record in an
    /// archive that has none of them: limits, contradictions and what cannot be understood are found, `held` stays 0.
    pub fn check(input: &ImportInput, progress: &mut dyn FnMut(Progress)) -> Result<ImportReport> {
        let started = Instant::now();
        let (plan, reading) = prepare(input)?;
        let input_sha256 = hash::of_input(&input.path, &plan)?;
        let mut run = Run::rehearse(&plan, input_sha256, progress);
        let outcome = plan.read(&reading, &mut |source| run.read(source));
        let mut report = run.end(outcome)?;
        report.seconds = started.elapsed().as_secs_f64();
        Ok(report)
    }
}

fn prepare(input: &ImportInput) -> Result<(Plan, Reading)> {
    let attachments = input.attachments.as_ref();
    if let Some(folder) = attachments.filter(|folder| !folder.is_dir()) {
        let source = std::io::Error::new(std::io::ErrorKind::NotADirectory, "it is no folder");
        return Err(Error::unreadable(folder, source));
    }
    let container = Container::open(&input.path)?;
    let plan = Plan::of(container, input.format)?;
    let reading = Reading {
        // An empty name is none: nobody could ask for it again.
        source: input.source.clone().filter(|name| !name.trim().is_empty()),
        attachments: input.attachments.clone(),
        zone: input.zone,
    };
    Ok((plan, reading))
}

#[cfg(test)]
mod tests;
