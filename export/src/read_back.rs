//! What was recorded, read back from the disk before it is signed: every event is proven as a stranger will do it, and the
//! tables are made from the very lines that lie there.

use archive::proof::Digest;
use chat::Recorded;

use crate::container::Container;
use crate::error::{Error, Result};
use crate::format::manifest::{Facts, Manifest};
use crate::format::tables::{self, CsvSinks, RowCounts, Sinks, Tables};
use crate::package::{EVENTS, Format};
use crate::report::{ExportReport, FindingKind};
use crate::staging::StagedFile;
use crate::verify::Check;
use crate::work::Work;

impl Work<'_> {
    /// Proves what lies on the disk and makes every table from it. Fails where anything of it does not hold.
    pub(crate) fn write_tables(
        &mut self,
        manifest: &Manifest,
        formats: &[Format],
    ) -> Result<RowCounts> {
        let facts = manifest.facts().map_err(|fault| Error::SetMalformed { fault })?;
        let gathered = std::mem::take(&mut self.gathered);
        let tables = Tables::new(&facts, gathered, |path| self.staging.files().contains_key(path));
        let mut report = ExportReport::default();
        // Listed before the tables are begun, which are no part of what is checked here.
        let container = Container::of_folder(self.staging.folder(), &mut report)?;
        let mut check = Check { container: &container, key: self.key, report };
        let mut files = Files::start(self, formats)?;
        let rows = self.make(&mut check, &tables, (&facts, manifest), &mut files)?;
        for file in files.csv.into_iter().flatten().chain([files.attachments, files.exceptions]) {
            self.staging.finish(file)?;
        }
        match check.report.findings.first() {
            Some(finding) => Err(Error::CheckFailed { finding: finding.to_string() }),
            None => Ok(rows),
        }
    }

    fn make(
        &self,
        check: &mut Check<'_>,
        tables: &Tables<'_>,
        (facts, manifest): (&Facts, &Manifest),
        files: &mut Files,
    ) -> Result<RowCounts> {
        let folder = self.staging.folder();
        let write = Error::io("write the tables in", folder);
        let mut rows = match tables.start(files.sinks()) {
            Ok(rows) => rows,
            Err(error) => return Err(write(error)),
        };
        let mut written = Ok(());
        let mut take = |recorded: &Recorded, sha256: &Digest| {
            if written.is_ok() {
                written = rows.take(recorded, sha256);
            }
        };
        let found = check.events(facts, manifest, &self.checkpoint, Some(&mut take));
        let counts = written.and_then(|()| rows.finish()).map_err(write)?;
        let staged: Vec<_> = self.staging.files().values().cloned().collect();
        check.attachments(&staged, &found);
        check.counts(manifest, facts, &found);
        if !tables.agrees(found) {
            let what = "its events read back say something else than those that were written";
            check.report.find(FindingKind::Event, EVENTS, what);
        }
        Ok(counts)
    }
}

/// The files of the tables while they are written.
struct Files {
    csv: Option<[StagedFile; 3]>,
    attachments: StagedFile,
    exceptions: StagedFile,
}

impl Files {
    fn start(work: &Work<'_>, formats: &[Format]) -> Result<Self> {
        let start = |path| work.staging.start(path);
        Ok(Self {
            attachments: start(tables::ATTACHMENTS)?,
            exceptions: start(tables::EXCEPTIONS)?,
            csv: if formats.contains(&Format::Csv) {
                Some([start(tables::EXACT)?, start(tables::READING)?, start(tables::READERS)?])
            } else {
                None
            },
        })
    }

    fn sinks(&mut self) -> Sinks<'_> {
        let Self { csv, attachments, exceptions } = self;
        Sinks {
            csv: csv.as_mut().map(|[exact, reading, readers]| CsvSinks { exact, reading, readers }),
            attachments,
            exceptions,
        }
    }
}
