//! `muniment audit`: what officers did, newest first.

use clap::Args;
use serde_json::Value;

use super::client::{Access, Client, target};
use super::output::{one_line, word};
use super::{Globals, Output};
use crate::problem::Result;
use crate::wire::event::in_words;

const EXAMPLES: &str = "\
Examples:
  muniment audit                               the newest 100 acts
  muniment audit --since 2024-03 --actor 'Ada Lovelace'
  muniment audit --json --limit 1000 | jq -c 'select(.act.verb == \"export\") | .act'
  muniment audit --cursor 4711                 acts before event 4711

Searches, opened events, exports, imports, sign-ins, tokens: each is in the log before it is answered. Officers' acts are
found here alone, never by a search; and a look at them is an act as well. With --json, one object a line; the next page
begins at the `seq` of the last one.";

/// Show officers' acts, newest first.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Audit {
    /// First date that counts: 2024, 2024-03, 2024-03-04 or RFC 3339
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// Whose acts: the officer's or the token's name
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Acts of a page
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Where the page begins: acts before this event
    #[arg(long, value_name = "C")]
    cursor: Option<String>,
    /// Zone of the date, such as Europe/Berlin
    #[arg(long)]
    zone: Option<String>,
}

impl Audit {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        let target = target(
            "/api/v1/audit",
            &[
                ("since", self.since),
                ("actor", self.actor),
                ("limit", Some(self.limit.to_string())),
                ("cursor", self.cursor),
                ("zone", self.zone),
            ],
        );
        let client = Client::open(globals, Access::Reads).await?;
        let answer = client.get(&target).await;
        client.close().await?;
        let answer = answer?;
        for act in answer["acts"].as_array().into_iter().flatten() {
            output.line(&if output.is_json() { act.to_string() } else { words(act) })?;
        }
        let next = word(&answer, "/next");
        if !next.is_empty() {
            output.note(&format!("next page: --cursor {next}"));
        }
        Ok(0)
    }
}

/// Returns an act on one line: where in the log, when, who, what, and its facts.
fn words(act: &Value) -> String {
    let said = in_words(&act["act"], &Value::Null);
    let mut said = said.into_iter();
    let verb = said.next().map(|(_, verb)| verb).unwrap_or_default();
    let facts: Vec<_> = said.map(|(name, fact)| format!("{name}: {fact}")).collect();
    let who = word(act, "/actor/name");
    format!(
        "#{}  {}  {}  {}  {}",
        word(act, "/seq"),
        word(act, "/at"),
        if who.is_empty() { "the archive" } else { &who },
        one_line(&verb),
        one_line(&facts.join("; ")),
    )
}
