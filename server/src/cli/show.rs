//! `muniment show`: one event with its versions, files, proof and neighbours.

use std::fmt::Write as _;

use clap::Args;
use serde_json::Value;

use super::client::{Access, Client, target};
use super::output::{indented, one_line, word};
use super::search::head;
use super::{Globals, Output};
use crate::problem::Result;
use crate::wire::event::in_words;

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
        let answer = client.end(answer).await?;
        output.result(&answer, words)?;
        Ok(0)
    }
}

fn words(event: &Value) -> String {
    let mut text = String::new();
    let mut put = |line: String| writeln!(text, "{line}").expect("a String takes every write");
    for neighbour in event["before"].as_array().into_iter().flatten() {
        put(beside(neighbour));
    }
    put(head(event));
    put(indented(event["text"].as_str().unwrap_or_default(), "    "));
    for line in act_lines(event) {
        put(format!("    {line}"));
    }
    for name in
        ["title", "thread", "edited_at", "target", "remark", "locator", "source", "recorded_at"]
    {
        let value = word(event, &format!("/{name}"));
        if !value.is_empty() {
            put(format!("    {name}: {value}"));
        }
    }
    if let Some(raw) = event["raw_text"].as_str() {
        put("    raw_text:".to_owned());
        put(indented(raw, "      "));
    }
    for file in event["attachments"].as_array().into_iter().flatten() {
        put(format!("    file: {}  {}", word(file, "/name"), word(file, "/custody")));
    }
    for version in event["versions"].as_array().into_iter().flatten() {
        put(format!("    version #{}  {}:", word(version, "/seq"), word(version, "/at")));
        put(indented(version["text"].as_str().unwrap_or_default(), "      "));
    }
    if !event["proof"].is_null() {
        put(format!(
            "    proven: in the tree of {} events, leaf {}",
            word(event, "/proof/size"),
            word(event, "/leaf")
        ));
    }
    for neighbour in event["after"].as_array().into_iter().flatten() {
        put(beside(neighbour));
    }
    text
}

/// Returns an event that stands beside another in its room, indented.
pub(super) fn beside(neighbour: &Value) -> String {
    let text = neighbour["text"].as_str().unwrap_or_default();
    let mut said = format!("  {}\n{}", head(neighbour), indented(text, "      "));
    for line in act_lines(neighbour) {
        said.push_str("\n      ");
        said.push_str(&line);
    }
    said
}

/// Returns what a ledger event did, a line for the act and one for each fact; none for other events.
pub(super) fn act_lines(event: &Value) -> Vec<String> {
    let act = in_words(&event["act"], &event["former"]);
    act.into_iter().map(|(name, said)| one_line(&format!("{name}: {said}"))).collect()
}
