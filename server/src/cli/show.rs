//! `muniment show`: one event with its versions, files, proof and neighbours.

use std::fmt::Write as _;

use clap::Args;
use serde_json::Value;

use super::client::{Access, Client, target};
use super::output::word;
use super::search::head;
use super::{Globals, Output};
use crate::problem::Result;

/// Show one event.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  muniment show 4711 --context 5")]
pub(crate) struct Show {
    /// The event, by its sequence number
    seq: chat::Seq,
    /// Neighbours in the room, on either side
    #[arg(long, default_value_t = 0)]
    context: u16,
}

impl Show {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        let path = format!("/api/v1/events/{}", self.seq);
        let target = target(&path, &[("context", Some(self.context.to_string()))]);
        let client = Client::open(globals, Access::Reads).await?;
        let answer = client.get(&target).await;
        client.close().await?;
        output.result(&answer?, words)?;
        Ok(0)
    }
}

fn words(event: &Value) -> String {
    let mut text = String::new();
    let mut put = |line: String| writeln!(text, "{line}").expect("a String takes every write");
    for neighbour in event["before"].as_array().into_iter().flatten() {
        put(format!("  {}\n      {}", head(neighbour), word(neighbour, "/text")));
    }
    put(head(event));
    put(format!("    {}", word(event, "/text")));
    for name in
        ["title", "thread", "edited_at", "remark", "locator", "source", "recorded_at", "raw_text"]
    {
        let value = word(event, &format!("/{name}"));
        if !value.is_empty() {
            put(format!("    {name}: {value}"));
        }
    }
    for file in event["attachments"].as_array().into_iter().flatten() {
        put(format!("    file: {}  {}", word(file, "/name"), word(file, "/custody")));
    }
    for version in event["versions"].as_array().into_iter().flatten() {
        put(format!(
            "    version #{}  {}: {}",
            word(version, "/seq"),
            word(version, "/at"),
            word(version, "/text")
        ));
    }
    if !event["proof"].is_null() {
        put(format!(
            "    proven: in the tree of {} events, leaf {}",
            word(event, "/proof/size"),
            word(event, "/leaf")
        ));
    }
    for neighbour in event["after"].as_array().into_iter().flatten() {
        put(format!("  {}\n      {}", head(neighbour), word(neighbour, "/text")));
    }
    text
}
