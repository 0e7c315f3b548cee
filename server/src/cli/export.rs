//! `muniment export`: freezes a set of events, or repeats one, and writes the package.

use std::path::PathBuf;

use axum::body::Body;
use axum::http::{Method, Request, header};
use clap::{ArgGroup, Args, ValueEnum};
use serde_json::{Value, json};

use super::client::{Access, Begin, Client};
use super::output::{table, word};
use super::{Globals, Output, bundle};
use crate::problem::{Kind, Problem, Result};

const EXAMPLES: &str = "\
Examples:
  muniment export --query 'room:#fx after:2024-03' --format csv --format bundle --out case-7
  muniment export --query 'from:ada' --context day --format csv --out case-7.zip --reason 'request of 4 May'
  muniment export --set ID --format csv --out again       the same set: the same bytes
  muniment export --seqs list.txt --format bundle --out these
  muniment export --range 100..250 --format csv --out all        every event of the log, none left out
  muniment export --room '#fx' --range 1..90000 --format csv --out fx.zip
  muniment export --query invoice --for production --withhold email,raw --format csv --out theirs

Formats: csv (exact, reading, readers) and bundle (canonical events and proofs, always part of a package).
What is withheld takes with it what repeats it: act, attachments, author, email, foreign_id, locator, origin, place,
raw, remark, rich_text, text, thread, title.
Check a package anywhere: muniment verify --export case-7 --public-key KEY";

/// Freeze a set of events and write a package that proves itself.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, group(ArgGroup::new("which").required(true).args(["query", "seqs", "set", "range"])))]
pub(crate) struct Export {
    /// The events that match
    #[arg(long, allow_hyphen_values = true)]
    query: Option<String>,
    /// The events whose sequence numbers stand in a file, one a line
    #[arg(long, value_name = "FILE")]
    seqs: Option<PathBuf>,
    /// The events of an earlier set
    #[arg(long, value_name = "ID")]
    set: Option<String>,
    /// Every event from one sequence number to another, proven to be all there is
    #[arg(long, value_name = "A..B")]
    range: Option<String>,
    /// Of the range only the events of this room, by name or id
    #[arg(long, value_name = "ROOM", requires = "range")]
    room: Option<String>,
    /// Fields to keep out of every event; their commitments stay, and the rest still proves
    #[arg(long, value_name = "FIELD", value_delimiter = ',', conflicts_with = "set")]
    withhold: Vec<String>,
    /// csv or bundle; may be repeated
    #[arg(long, required = true, value_delimiter = ',')]
    format: Vec<String>,
    /// The package: a new folder, or a new file that ends in .zip
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// Events around the hits: none (default), thread, day or a number
    #[arg(long, conflicts_with = "set")]
    context: Option<String>,
    /// For whom it is: internal (default), or `production`, which leaves out query and reason
    #[arg(long = "for", value_enum, conflicts_with = "set")]
    purpose: Option<Purpose>,
    /// Why, for the log and the manifest
    #[arg(long, conflicts_with = "set")]
    reason: Option<String>,
    /// The matter it belongs to
    #[arg(long, value_name = "ID", conflicts_with = "set")]
    matter: Option<String>,
    /// Zone of dates in the query
    #[arg(long, conflicts_with = "set")]
    zone: Option<String>,
}

/// For whom a package is made.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Purpose {
    /// For the house itself
    Internal,
    /// For the other side
    Production,
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Production => "production",
        }
    }
}

impl Export {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        if let Some(query) = &self.query {
            super::check_query(query, self.zone.as_deref())?;
        }
        let body = self.body()?;
        let client = Client::open(globals, Access::Writes).await?;
        let report = fetch(&client, &body, &self.out, output).await;
        let report = client.end(report).await?;
        output.result(&report, words)?;
        let exceptions = report["exceptions"].as_u64().unwrap_or(0);
        Ok(if exceptions > 0 { super::EXIT_LOOK } else { 0 })
    }

    fn body(&self) -> Result<Value> {
        let seqs = match &self.seqs {
            Some(path) => Some(read_seqs(path)?),
            None => None,
        };
        Ok(json!({
            "query": self.query,
            "seqs": seqs,
            "set": self.set,
            "range": self.range,
            "room": self.room,
            "withhold": self.withhold,
            "formats": self.format,
            "context": self.context,
            "for": self.purpose.map(Purpose::word),
            "reason": self.reason,
            "matter": self.matter,
            "zone": self.zone,
        }))
    }
}

/// Has a package made and writes it to the user's own disk.
pub(super) async fn fetch(
    client: &Client,
    body: &Value,
    out: &std::path::Path,
    output: &Output,
) -> Result<Value> {
    let request = Request::post("/api/v1/exports")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .map_err(|error| Problem::of(Kind::Internal, &error))?;
    let report = client.job(Begin { request, work: "exporting", unit: "events" }, output).await?;
    let target = format!("/api/v1/exports/{}/package", word(&report, "/export_id"));
    let request = Request::builder()
        .method(Method::GET)
        .uri(target)
        .body(Body::empty())
        .map_err(|error| Problem::of(Kind::Internal, &error))?;
    bundle::receive(client.send(request).await?, out).await?;
    Ok(report)
}

fn read_seqs(path: &std::path::Path) -> Result<Vec<u64>> {
    let text =
        std::fs::read_to_string(path).map_err(|error| Problem::of_path("read", path, &error))?;
    let mut seqs = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let seq: chat::Seq = line.trim().parse().map_err(|error| {
            Problem::new(Kind::BadData, format!("{}, line {}: {error}", path.display(), number + 1))
        })?;
        seqs.push(seq.get());
    }
    Ok(seqs)
}

fn words(report: &Value) -> String {
    let mut rows = vec![
        vec!["set".to_owned(), word(report, "/set")],
        vec!["events".to_owned(), word(report, "/events")],
        vec!["checkpoint".to_owned(), format!("{} events", word(report, "/checkpoint/size"))],
    ];
    for format in report["formats"].as_array().into_iter().flatten() {
        rows.push(vec![
            word(format, "/format"),
            format!(
                "{} rows in {} files",
                word(format, "/rows"),
                format["files"].as_array().map_or(0, Vec::len)
            ),
        ]);
    }
    rows.push(vec!["exceptions".to_owned(), word(report, "/exceptions")]);
    rows.push(vec!["sha256".to_owned(), word(report, "/sha256")]);
    table(&["export", &word(report, "/export_id")], rows)
}
