//! `muniment timestamp`: an authority's word of when a checkpoint existed (RFC 3161).

use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{Access, Client};
use super::output::{table, word};
use super::{Globals, Output};
use crate::problem::{Kind, Problem, Result};

const EXAMPLES: &str = "\
Examples:
  muniment timestamp request --out monday
  curl -H 'Content-Type: application/timestamp-query' --data-binary @monday.tsq https://tsa.example/ > monday.tsr
  muniment timestamp attach monday.tsr --authority tsa-root.pem
  muniment timestamp list
  openssl ts -verify -data monday.note -in monday.tsr -CAfile tsa-root.pem      the same by another program";

/// Bytes of a response, or of a file of certificates.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Time stamps of checkpoints by an outside authority.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum TimestampVerb {
    /// Sign a checkpoint; write its note and a request for a time stamp
    #[command(
        after_help = "Example:\n  muniment timestamp request --out monday      writes monday.note and monday.tsq"
    )]
    Request {
        /// Path of the two files, to which .note and .tsq are added; neither may exist
        #[arg(long, value_name = "PATH")]
        out: PathBuf,
    },
    /// Check an authority's response and keep it beside the checkpoint that it stamps
    #[command(
        after_help = "Example:\n  muniment timestamp attach monday.tsr --authority tsa-root.pem"
    )]
    Attach {
        /// The response (.tsr)
        response: PathBuf,
        /// Certificates in PEM; one that leads to none of them is not attached
        #[arg(long, value_name = "FILE")]
        authority: Option<PathBuf>,
    },
    /// List all time stamps that are kept, each checked again
    #[command(after_help = "Example:\n  muniment timestamp list --json | jq -r '.at'")]
    List,
}

impl TimestampVerb {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        match self {
            Self::Request { out } => request(globals, output, &out).await,
            Self::Attach { response, authority } => {
                let response = BASE64.encode(read(&response)?);
                let authorities = authority.as_deref().map(text).transpose()?;
                let client = Client::open(globals, Access::Writes).await?;
                let body = json!({ "response": response, "authorities": authorities });
                let answer = client.post("/api/v1/timestamps", &body).await;
                let answer = client.end(answer).await?;
                output.result(&answer, |answer| rows(std::slice::from_ref(answer)))?;
                Ok(0)
            }
            Self::List => {
                let client = Client::open(globals, Access::Reads).await?;
                let answer = client.get("/api/v1/timestamps").await;
                let answer = client.end(answer).await?;
                let stamps = answer["timestamps"].as_array().cloned().unwrap_or_default();
                if output.is_json() {
                    stamps.iter().try_for_each(|stamp| output.line(&stamp.to_string()))?;
                } else {
                    output.line(&rows(&stamps))?;
                }
                Ok(u8::from(stamps.iter().any(|stamp| !stamp["fault"].is_null())))
            }
        }
    }
}

async fn request(globals: &Globals, output: &Output, out: &Path) -> Result<u8> {
    let client = Client::open(globals, Access::Writes).await?;
    let answer = client.get("/api/v1/checkpoint?form=json").await;
    let answer = client.end(answer).await?;
    let query = BASE64.decode(answer["timestamp_request"].as_str().unwrap_or_default());
    let query = query.map_err(|error| Problem::of(Kind::Internal, &error))?;
    let note = answer["note"].as_str().unwrap_or_default();
    let path = |ending: &str| PathBuf::from(format!("{}{ending}", out.display()));
    let (note_path, query_path) = (path(".note"), path(".tsq"));
    create(&note_path, note.as_bytes())?;
    create(&query_path, &query)?;
    let said = json!({ "size": answer["size"], "note": note_path, "request": query_path });
    output.result(&said, |said| {
        format!(
            "{} events: {} is stamped by an answer to {}",
            word(said, "/size"),
            note_path.display(),
            query_path.display()
        )
    })?;
    Ok(0)
}

/// Writes a file of the user's own, which must not exist yet.
fn create(path: &Path, bytes: &[u8]) -> Result<()> {
    let cannot = |error: std::io::Error| {
        Problem::new(Kind::CannotCreate, format!("cannot create {}: {error}", path.display()))
    };
    let mut file = std::fs::File::create_new(path).map_err(cannot)?;
    std::io::Write::write_all(&mut file, bytes).map_err(cannot)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let fault = |error: std::io::Error| Problem::of_path("read", path, &error);
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(fault)?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(fault)?;
    Ok(bytes)
}

/// Reads a file of certificates.
pub(super) fn text(path: &Path) -> Result<String> {
    let not_text = |_| Problem::new(Kind::BadData, format!("{} is no text", path.display()));
    String::from_utf8(read(path)?).map_err(not_text)
}

fn rows(stamps: &[Value]) -> String {
    let row = |stamp: &Value| {
        let said = ["/size", "/at", "/authority", "/certificate_sha256", "/fault"];
        said.map(|name| word(stamp, name)).to_vec()
    };
    let headings = ["events", "stamped at", "authority", "SHA-256 of its certificate", "fault"];
    table(&headings, stamps.iter().map(row).collect())
}
