//! The report of a verification: what holds, what it rests on, and what it does not prove.

use std::path::Path;

use archive::proof::checkpoint::VerifierKey;
use archive::{Archive, VerifyReport};
use serde_json::{Value, json};

use super::imports::ImportNote;
use crate::auth::secret::hex;
use crate::problem::{Kind, Problem, Result};

/// Imports that are said in words; a report in JSON lists them all.
const IMPORTS_SAID_MAX: usize = 100;

/// What the one who asked brought along, and what the log says of its own beginnings.
#[derive(Debug, Default)]
pub(crate) struct Grounds {
    /// Whether they brought a checkpoint that was kept elsewhere.
    pub(crate) since: bool,
    /// Whether they brought the public key, and it is the archive's.
    pub(crate) key: bool,
    /// The imports that recorded anything.
    pub(crate) imports: Vec<ImportNote>,
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
        "segments": report.segments,
        "blobs": report.blobs,
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
    if grounds.since {
        statements.push(
            "the log continues the checkpoint that you supplied: nothing before it was changed, removed or added"
                .to_owned(),
        );
    }
    statements
}

fn not_proven(grounds: &Grounds) -> Vec<String> {
    let mut statements = vec!["outside witness: none, so no proof of when".to_owned()];
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

/// Verifies a package with nothing but the public key, and returns the report.
pub(crate) fn package(path: &Path, key: &str) -> Result<Value> {
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
