//! `muniment import`: reads a foreign chat export in.

use std::path::PathBuf;

use axum::body::Body;
use axum::http::{Request, header};
use clap::Args;
use serde_json::{Value, json};

use super::client::{Access, Begin, Client, target};
use super::output::{table, word};
use super::{Globals, Output, bundle};
use crate::problem::{Kind, Problem, Result};

const EXAMPLES: &str = "\
Examples:
  muniment import chat.jsonl.zst               format, source and compression are found inside
  muniment import slack-export.zip             a Slack export, zipped or as a folder
  muniment import month.xml --format lync-xml --attachments files/
  muniment import chat.jsonl --check           read and judge everything, record nothing
  muniment import chat.jsonl --zone Europe/Berlin   times without an offset are local times there
  cat feed.jsonl | muniment import - --source desk

A second run adds nothing. What cannot be understood is kept raw (muniment quarantine list) and the rest goes on: exit 3.
Exit 3 also where the input holds no records at all.";

/// Read a foreign chat export in.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Import {
    /// File, folder or zip; `-` for standard input
    path: PathBuf,
    /// auto, jsonl, slack or lync-xml
    #[arg(long, default_value = "auto")]
    format: String,
    /// Name of the source [default: the workspace or pool found inside]
    #[arg(long)]
    source: Option<String>,
    /// Folder that attached files are looked for in
    #[arg(long, value_name = "DIR")]
    attachments: Option<PathBuf>,
    /// Zone of times that say none, such as Europe/Paris
    #[arg(long)]
    zone: Option<String>,
    /// Read everything, record nothing
    #[arg(long)]
    check: bool,
    /// Add counts by room and day, as the source has them and as we hold them
    #[arg(long)]
    coverage: bool,
}

impl Import {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        let is_stream = self.path.as_os_str() == "-";
        if !is_stream {
            std::fs::metadata(&self.path)
                .map_err(|error| Problem::of_path("read", &self.path, &error))?;
        }
        let client = Client::open(globals, Access::Writes).await?;
        let request = if client.shared().is_some() && !is_stream {
            self.by_path()
        } else {
            self.by_stream(is_stream)
        };
        let report = match request {
            Ok(request) => {
                client.job(Begin { request, work: "importing", unit: "bytes" }, output).await
            }
            Err(problem) => Err(problem),
        };
        let report = client.end(report).await?;
        output.result(&report, words)?;
        Ok(if is_to_be_looked_at(&report) { super::EXIT_LOOK } else { 0 })
    }

    fn parameters(&self) -> Value {
        json!({
            "format": self.format,
            "source": self.source,
            "zone": self.zone,
            "check": self.check,
            "coverage": self.coverage,
        })
    }

    /// Names the path to a router in this same process, which has this user's rights and no others.
    fn by_path(&self) -> Result<Request<Body>> {
        let mut body = self.parameters();
        let absolute = |path: &PathBuf| {
            std::path::absolute(path).map_err(|error| Problem::of_path("find", path, &error))
        };
        body["path"] = json!(absolute(&self.path)?);
        body["attachments"] = json!(self.attachments.as_ref().map(absolute).transpose()?);
        Request::post("/api/v1/imports")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .map_err(|error| Problem::of(Kind::Internal, &error))
    }

    /// Streams the input to a server, which cannot and shall not read this user's files.
    fn by_stream(&self, is_stream: bool) -> Result<Request<Body>> {
        let text = |name: &str| {
            let parameters = self.parameters();
            let is_set = parameters[name] == true;
            parameters[name].as_str().or(is_set.then_some("true")).map(str::to_owned)
        };
        let name = if is_stream {
            "standard-input".to_owned()
        } else {
            let path = std::path::absolute(&self.path)
                .map_err(|error| Problem::of_path("find", &self.path, &error))?;
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let bundled = self.attachments.is_some() || (!is_stream && self.path.is_dir());
        let body = if bundled {
            bundle::stream(&self.path, self.attachments.clone(), is_stream)
        } else if is_stream {
            bundle::standard_input()
        } else {
            bundle::file(&self.path)?
        };
        let names = ["format", "source", "zone", "check", "coverage"];
        let mut parameters = vec![("name", Some(name))];
        parameters.extend(names.map(|name| (name, text(name))));
        let form = if bundled { bundle::MEDIA_TYPE } else { "application/octet-stream" };
        Request::post(target("/api/v1/imports", &parameters))
            .header(header::CONTENT_TYPE, form)
            .body(body)
            .map_err(|error| Problem::of(Kind::Internal, &error))
    }
}

/// Whether someone should look: records are in quarantine, or an input that is not empty held none at all.
fn is_to_be_looked_at(report: &Value) -> bool {
    let count = |name: &str| report[name].as_u64().unwrap_or(0);
    count("quarantined") > 0 || (count("read") == 0 && count("bytes") > 0)
}

/// Returns what the counts do not say: that nothing was found, what was not read, what is missing.
fn notes(report: &Value) -> String {
    let mut text = String::new();
    if report["read"] == 0 && report["bytes"] != 0 {
        text.push_str("\nnothing was imported: the input holds no records");
    }
    let passed_over: Vec<_> =
        report["passed_over"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !passed_over.is_empty() {
        let shown = passed_over.iter().take(10).map(|name| format!("\n  {name}"));
        let files = passed_over.len();
        text.extend([format!("\nnot read, since they are no part of the export: {files} files")]);
        text.extend(shown);
        if passed_over.len() > 10 {
            text.push_str("\n  … all of them with --json");
        }
    }
    if report["attachments_missing"].as_u64().unwrap_or(0) > 0 {
        text.push_str(
            "\nfiles are missing: import again with --attachments DIR once you have them",
        );
    }
    text
}

/// Returns the report in words.
pub(super) fn words(report: &Value) -> String {
    let names = [
        "source",
        "format",
        "files",
        "read",
        "accepted",
        "revised",
        "duplicates",
        "quarantined",
        "attachments",
        "attachments_missing",
        "first_seq",
        "last_seq",
        "seconds",
        "input_sha256",
    ];
    let rows = names
        .iter()
        .map(|name| vec![name.replace('_', " "), word(report, &format!("/{name}"))])
        .filter(|row| !row[1].is_empty())
        .collect();
    let mut text = table(&["import", &word(report, "/import_id")], rows);
    let days = report["coverage"].as_array().into_iter().flatten();
    let rows: Vec<_> = days
        .map(|day| {
            ["/room", "/day", "/source_count", "/held_count"].map(|name| word(day, name)).to_vec()
        })
        .collect();
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&table(&["room", "day", "in the source", "held"], rows));
    }
    text.push_str(&notes(report));
    for record in report["quarantine"].as_array().into_iter().flatten() {
        text.push_str("\nquarantined ");
        text.push_str(&word(record, "/locator"));
        text.push_str(": ");
        text.push_str(&word(record, "/reason"));
    }
    text
}
