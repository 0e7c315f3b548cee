//! `muniment verify`: proves the archive anew, or an export with nothing but the package and the public key.

use std::path::PathBuf;

use axum::body::Body;
use axum::http::Request;
use clap::Args;
use serde_json::{Value, json};

use super::client::{Access, Begin, Client};
use super::output::{plain, word};
use super::{Globals, Output};
use crate::problem::{Kind, Problem, Result};

const EXAMPLES: &str = "\
Examples:
  muniment verify                                     the whole archive
  muniment verify --public-key KEY --since monday.note   what came after a checkpoint, and that nothing before it changed
  muniment verify --export case-7 --public-key KEY    a package, on any machine, without an archive

A mismatch is exit 1, and the first line begins with FAILED.";

/// Prove the archive anew, or an export.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    /// A package to verify instead: a folder or a zip
    #[arg(long, value_name = "PATH", requires = "public_key")]
    export: Option<PathBuf>,
    /// The archive's public key (`public_key` of status), from somewhere you trust: without --export, the archive's own must be it
    #[arg(long, value_name = "KEY")]
    public_key: Option<String>,
    /// The public key of a witness: its word on the package's checkpoint is looked for
    #[arg(long, value_name = "KEY", requires = "export")]
    witness: Option<String>,
    /// A checkpoint that was kept elsewhere: the archive must still agree with it
    #[arg(long, value_name = "FILE", conflicts_with = "export")]
    since: Option<PathBuf>,
    /// Certificates in PEM that you trust to stamp the time: what kept time stamps say is weighed by them
    #[arg(long, value_name = "FILE", conflicts_with = "export")]
    authority: Option<PathBuf>,
}

impl Verify {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        let report = match (&self.export, &self.public_key) {
            (Some(path), Some(key)) => {
                crate::wire::verify::package(path, key, self.witness.as_deref())
            }
            _ => self.archive(globals, output).await,
        };
        let report = match report {
            Err(problem) if matches!(problem.kind, Kind::Corrupt | Kind::Unproven) => json!({
                "ok": false, "findings": [{"kind": problem.kind.slug(), "what": problem.detail, "seq_range": null}],
            }),
            other => other?,
        };
        output.result(&report, words)?;
        Ok(u8::from(report["ok"] != true))
    }

    async fn archive(&self, globals: &Globals, output: &Output) -> Result<Value> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path).map_err(|error| Problem::of_path("read", path, &error))
        };
        let body = json!({
            "since": self.since.as_ref().map(read).transpose()?,
            "public_key": self.public_key,
            "authorities": self.authority.as_deref().map(super::timestamp::text).transpose()?,
        });
        let client = Client::open(globals, Access::Reads).await?;
        let request = Request::post("/api/v1/verifications")
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .map_err(|error| Problem::of(Kind::Internal, &error))?;
        let report = client.job(Begin { request, work: "verifying", unit: "events" }, output).await;
        client.end(report).await
    }
}

/// Returns the report in words: the verdict first, then what it rests on, then what was found.
pub(super) fn words(report: &Value) -> String {
    let mut lines = Vec::new();
    if report["ok"] == true {
        lines.push(format!("PASS  {} events", word(report, "/events")));
    } else {
        lines.push("FAILED".to_owned());
    }
    for finding in report["findings"].as_array().into_iter().flatten() {
        let range = match (finding["seq_range"][0].as_u64(), finding["seq_range"][1].as_u64()) {
            (Some(first), Some(last)) if first == last => format!("  event {first}"),
            (Some(first), Some(last)) => format!("  events {first} to {last}"),
            _ => String::new(),
        };
        lines.push(format!("{}{range}  {}", word(finding, "/kind"), word(finding, "/what")));
    }
    for statement in ["proven", "not_proven"] {
        for line in report[statement].as_array().into_iter().flatten() {
            let label = statement.replace('_', " ");
            lines.push(format!("{label}: {}", plain(line)));
        }
    }
    lines.join("\n")
}
