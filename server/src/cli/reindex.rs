//! `muniment reindex`: builds the index anew from the archive.

use axum::body::Body;
use axum::http::Request;
use clap::Args;

use super::client::{Access, Begin, Client};
use super::output::word;
use super::{Globals, Output};
use crate::problem::{Kind, Problem, Result};

/// Build the index anew. Answers are the same afterwards; searching goes on while it is built.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  muniment reindex\n  muniment --data /srv/archive reindex --json"
)]
pub(crate) struct Reindex {}

impl Reindex {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        let client = Client::open(globals, Access::Writes).await?;
        let request = Request::post("/api/v1/reindexings")
            .body(Body::empty())
            .map_err(|error| Problem::of(Kind::Internal, &error))?;
        let begin = Begin { request, work: "indexing", unit: "events" };
        let report = client.job(begin, output).await;
        let report = client.end(report).await?;
        output.result(&report, |report| {
            format!("{} events indexed in {} s", word(report, "/events"), word(report, "/seconds"))
        })?;
        Ok(0)
    }
}
