//! The report of a verification: what holds, what it rests on, and what it does not prove.

use std::io::Read as _;
use std::path::Path;

use archive::proof::checkpoint::VerifierKey;
use archive::proof::cosignature::WitnessKey;
use archive::{Archive, KeptStamp, VerifyReport};
use serde_json::{Value, json};

use super::imports::ImportNote;
use crate::auth::secret::hex;
use crate::problem::{Kind, Problem, Result};

/// The file of a package that holds its checkpoint.
const CHECKPOINT: &str = "checkpoint.note";
/// Bytes of it.
const NOTE_BYTES_MAX: u64 = 1 << 20;
/// Imports that are said in words; a report in JSON lists them all.
const IMPORTS_SAID_MAX: usize = 100;

/// What the one who asked brought along, and what the log says of its own beginnings.
#[derive(Debug, Default)]
pub(crate) struct Grounds {
    /// Whether they brought a checkpoint that was kept elsewhere.
    pub(crate) since: bool,
    /// Whether they brought the public key, and it is the archive's.
    pub(crate) key: bool,
    /// What outside witnesses have cosigned: name, events, time.
    pub(crate) witnessed: Vec<Witnessed>,
    /// The time stamps that are kept; what is wrong with any of them is a finding.
    pub(crate) stamps: Vec<KeptStamp>,
    /// The imports that recorded anything.
    pub(crate) imports: Vec<ImportNote>,
}

/// The word of an outside witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Witnessed {
    /// Its name.
    pub(crate) name: String,
    /// Events of the checkpoint that it has cosigned.
    pub(crate) size: u64,
    /// When it did, on its own clock.
    pub(crate) at: String,
}

impl Witnessed {
    fn words(&self) -> String {
        format!(
            "outside witness {}: the log of {} events existed at {}, and continues all that the witness saw before",
            self.name, self.size, self.at
        )
    }
}

/// Returns the report on an archive.
pub(crate) fn archive(archive: &Archive, report: &VerifyReport, grounds: &Grounds) -> Value {
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "kind": finding.kind.word(),
                "what": finding.what,
                "seq_range": finding.seqs.map(|(first, last)| [first.get(), last.get()]),
            })
        })
        .collect();
    let ok = report.findings.is_empty();
    json!({
        "ok": ok,
        "events": report.events,
        "stubs": report.stubs,
        "blanks": report.blanks,
        "segments": report.segments,
        "blobs": report.blobs,
        "timestamps": report.stamps,
        "root": hex(&report.root),
        "size": report.size,
        "findings": findings,
        "proven": if ok { proven(archive, report, grounds) } else { Vec::new() },
        "not_proven": not_proven(grounds),
        "imports": grounds.imports.iter().map(ImportNote::document).collect::<Vec<_>>(),
    })
}

fn proven(archive: &Archive, report: &VerifyReport, grounds: &Grounds) -> Vec<String> {
    let supplier = if grounds.key { "you" } else { "the archive itself" };
    let mut statements = vec![format!(
        "all {} events are unchanged since signed by key {}, supplied by {supplier}",
        report.size,
        archive.public_key()
    )];
    let gone = report.stubs.saturating_add(report.blanks);
    if gone > 0 {
        statements.push(format!(
            "of these {gone} are destroyed, and the tree still covers them: {} by their header, {} by their leaf alone",
            report.stubs, report.blanks
        ));
    }
    if grounds.since {
        statements.push(
            "the log continues the checkpoint that you supplied: nothing before it was changed, removed or added"
                .to_owned(),
        );
    }
    statements.extend(grounds.witnessed.iter().map(Witnessed::words));
    // The newest that is trusted says the most; without one, the newest.
    let best = grounds.stamps.iter().max_by_key(|kept| {
        (kept.stamp.as_ref().is_ok_and(|stamp| stamp.is_trusted), kept.stamp.is_ok(), kept.size)
    });
    statements.extend(best.and_then(super::timestamp::words));
    statements
}

fn not_proven(grounds: &Grounds) -> Vec<String> {
    let mut statements = vec![match grounds.witnessed.iter().map(|word| word.size).max() {
        None => "outside witness: none, so no proof of when".to_owned(),
        Some(size) => {
            format!("when events after {size} were recorded: no witness has seen them yet")
        }
    }];
    if !grounds.key {
        statements.push(
            "that the key is the right one: give the public key that you keep with --public-key"
                .to_owned(),
        );
    }
    if !grounds.since {
        statements.push(
            "that the whole archive was not replaced together with its key: keep a checkpoint elsewhere and use --since"
                .to_owned(),
        );
    }
    let imports = grounds.imports.iter().take(IMPORTS_SAID_MAX).map(ImportNote::words);
    statements.extend(imports);
    let more = grounds.imports.len().saturating_sub(IMPORTS_SAID_MAX);
    if more > 0 {
        statements.push(format!("{more} further imports stand in --json"));
    }
    statements
}

/// Verifies a package with nothing but the public key, and returns the report. With the key of a witness, its word on the
/// package's checkpoint is looked for.
pub(crate) fn package(path: &Path, key: &str, witness: Option<&str>) -> Result<Value> {
    let mut report = proven_package(path, key)?;
    let Some(witness) = witness else { return Ok(report) };
    let witness: WitnessKey = witness.trim().parse().map_err(|error| {
        Problem::new(Kind::Unproven, format!("the witness's key {witness:?}: {error}"))
    })?;
    let said = witness.cosigned_at(&checkpoint_of(path)?).map_err(|error| {
        let detail = format!("the line of the witness {}: {error}", witness.name());
        Problem::new(Kind::Unproven, detail)
    })?;
    let (list, words) = match said.filter(|_| report["ok"] == true) {
        Some(at) => {
            let at = crate::witness::time_words(at);
            (
                "proven",
                format!(
                    "outside witness {}: the log of {} events existed at {at}",
                    witness.name(),
                    report["size"]
                ),
            )
        }
        None => (
            "not_proven",
            format!("when: the witness {} has not cosigned this checkpoint", witness.name()),
        ),
    };
    if let Some(list) = report[list].as_array_mut() {
        list.push(words.into());
    }
    Ok(report)
}

/// Returns the note of a package's checkpoint: a file of the folder, or a member of the zip.
fn checkpoint_of(path: &Path) -> Result<String> {
    let fault = |error: std::io::Error| Problem::of_path("read the checkpoint of", path, &error);
    let mut text = String::new();
    if path.is_dir() {
        let file = std::fs::File::open(path.join(CHECKPOINT)).map_err(fault)?;
        file.take(NOTE_BYTES_MAX).read_to_string(&mut text).map_err(fault)?;
        return Ok(text);
    }
    let file = std::fs::File::open(path).map_err(fault)?;
    let mut zip = zip::ZipArchive::new(file).map_err(|error| fault(error.into()))?;
    let member = zip.by_name(CHECKPOINT).map_err(|error| fault(error.into()))?;
    member.take(NOTE_BYTES_MAX).read_to_string(&mut text).map_err(fault)?;
    Ok(text)
}

fn proven_package(path: &Path, key: &str) -> Result<Value> {
    let key: VerifierKey = key.parse().map_err(|error| {
        let detail = format!(
            "{key:?} is no public key ({error}); one looks like muniment/ARCHIVE-ID+8 hex digits+base64, as `status` shows it"
        );
        Problem::new(Kind::BadRequest, detail)
    })?;
    if !path.try_exists().map_err(|error| Problem::of_path("read", path, &error))? {
        return Err(Problem::new(Kind::BadData, format!("there is no package {}", path.display())));
    }
    let report = export::verify(path, &key)?;
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| {
            let place = match finding.row {
                Some(row) => format!("{}, row {row}: ", finding.file),
                None => format!("{}: ", finding.file),
            };
            json!({
                "kind": finding.kind.word(),
                "what": format!("{place}{}", finding.what),
                "file": finding.file,
                "row": finding.row,
                "seq_range": finding.seq.map(|seq| [seq.get(), seq.get()]),
            })
        })
        .collect();
    Ok(json!({
        "ok": report.ok,
        "events": report.events,
        "findings": findings,
        "findings_omitted": report.findings_omitted,
        "set": report.set,
        "size": report.size,
        "root": report.root,
        "proven": report.proven,
        "not_proven": report.not_proven,
    }))
}
