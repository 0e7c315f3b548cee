//! `muniment explain`: why an event matches a query, or why not, clause by clause.

use std::fmt::Write as _;

use clap::Args;
use serde_json::Value;

use super::client::{Access, Client, target};
use super::output::word;
use super::{Globals, Output};
use crate::problem::Result;

/// Say why an event matches a query, or why not.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  muniment explain 4711 --query 'invoice before:2024-03-04'")]
pub(crate) struct Explain {
    /// The event, by its sequence number
    seq: chat::Seq,
    /// The query
    #[arg(long, allow_hyphen_values = true)]
    query: String,
    /// Zone of dates in the query
    #[arg(long)]
    zone: Option<String>,
}

impl Explain {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        super::check_query(&self.query, self.zone.as_deref())?;
        let path = format!("/api/v1/events/{}/explain", self.seq);
        let target = target(&path, &[("q", Some(self.query)), ("zone", self.zone)]);
        let client = Client::open(globals, Access::Reads).await?;
        let answer = client.get(&target).await;
        let answer = client.end(answer).await?;
        output.result(&answer, words)?;
        Ok(0)
    }
}

/// Returns the verdicts as lines.
pub(super) fn words(answer: &Value) -> String {
    let mut text = String::new();
    let verdict = if answer["matched"] == true { "matches" } else { "does not match" };
    writeln!(text, "event {} {verdict}", word(answer, "/seq")).expect("a String takes every write");
    for clause in answer["clauses"].as_array().into_iter().flatten() {
        let sign = if clause["matched"] == true { "yes" } else { "no " };
        writeln!(text, "  {sign}  {}  — {}", word(clause, "/clause"), word(clause, "/why"))
            .expect("a String takes every write");
    }
    text
}
