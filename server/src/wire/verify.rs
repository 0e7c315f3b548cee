//! The report of a verification: what holds, what it rests on, and what it does not prove.

use std::path::Path;

use archive::proof::checkpoint::VerifierKey;
use archive::{Archive, VerifyReport};
use serde_json::{Value, json};

use crate::auth::secret::hex;
use crate::problem::{Kind, Problem, Result};

/// Returns the report on an archive.
pub(crate) fn archive(archive: &Archive, report: &VerifyReport, since: bool) -> Value {
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
    let mut proven = vec![format!(
        "every stored event is the one whose leaf is in the tree of {} events, signed by key {}",
        report.size,
        archive.public_key()
    )];
    if since {
        proven.push("the archive still agrees with the checkpoint that you supplied".to_owned());
    }
    json!({
        "ok": report.findings.is_empty(),
        "events": report.events,
        "segments": report.segments,
        "blobs": report.blobs,
        "root": hex(&report.root),
        "size": report.size,
        "findings": findings,
        "proven": if report.findings.is_empty() { proven } else { Vec::new() },
        "not_proven": not_proven(since),
    })
}

fn not_proven(since: bool) -> Vec<String> {
    let mut statements = vec![
        "when: no outside witness has signed a checkpoint, so times rest on this machine's clock".to_owned(),
        "what sources said before it was recorded here: proof of imported events starts at their import".to_owned(),
    ];
    if !since {
        statements.push(
            "that the whole archive was not replaced together with its key: keep a checkpoint elsewhere and use --since"
                .to_owned(),
        );
    }
    statements
}

/// Verifies a package with nothing but the public key, and returns the report.
pub(crate) fn package(path: &Path, key: &str) -> Result<Value> {
    let key: VerifierKey = key.parse().map_err(|error| {
        Problem::new(Kind::Unproven, format!("the public key {key:?}: {error}"))
    })?;
    if !path.try_exists().map_err(|error| Problem::of_path("read", path, &error))? {
        return Err(Problem::new(
            Kind::BadRequest,
            format!("there is no package {}", path.display()),
        ));
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
        "proven": if report.ok { report.statements } else { Vec::new() },
    }))
}
