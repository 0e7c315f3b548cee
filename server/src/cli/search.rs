//! `muniment search`: exact results, newest first.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::client::{Access, Client, target};
use super::output::{one_line, visible, word};
use super::{Globals, Output};
use crate::problem::Result;

const EXAMPLES: &str = "\
Examples:
  muniment search invoice                      a word, in any of its forms
  muniment search '\"fill at 101.25\" room:#fx'  a phrase in a room
  muniment search 'from:ada after:2024-03-01 -draft' --limit 100
  muniment search 'is:edited invoice' --count
  muniment search 'kind:join room:#fx' --order oldest

Words, \"phrases\", AND OR NOT, ( ), prefix*, =exact, and the fields from: to: room: category: source: kind: has:
file: ext: lang: thread: is: after: before: on: during: seq:  — dates as 2024, 2024-03, 2024-03-04 or RFC 3339.";

/// Find events.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Search {
    /// What to look for
    #[arg(allow_hyphen_values = true)]
    query: String,
    /// Hits a page
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Where the page begins: `next` of the page before
    #[arg(long)]
    cursor: Option<String>,
    /// Order of the hits
    #[arg(long, value_enum, default_value = "newest")]
    order: Order,
    /// Events of the room to show on either side of each hit
    #[arg(long, value_name = "N", default_value_t = 0)]
    context: usize,
    /// Print the number of matches alone
    #[arg(long)]
    count: bool,
    /// Search the state of the archive that an earlier search saw
    #[arg(long, value_name = "ID")]
    snapshot: Option<String>,
    /// Zone of dates in the query, such as Europe/Berlin
    #[arg(long)]
    zone: Option<String>,
}

/// The order of hits.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Order {
    /// Latest first
    Newest,
    /// Earliest first
    Oldest,
    /// Best match first
    Score,
}

impl Search {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        super::check_query(&self.query, self.zone.as_deref())?;
        let order = match self.order {
            Order::Newest => "newest",
            Order::Oldest => "oldest",
            Order::Score => "score",
        };
        let limit = if self.count { 0 } else { self.limit };
        let target = target(
            "/api/v1/search",
            &[
                ("q", Some(self.query)),
                ("limit", Some(limit.to_string())),
                ("order", Some(order.to_owned())),
                ("context", (self.context > 0).then(|| self.context.to_string())),
                ("cursor", self.cursor),
                ("snapshot", self.snapshot),
                ("zone", self.zone),
            ],
        );
        let client = Client::open(globals, Access::Reads).await?;
        let answer = client.get(&target).await;
        let is_alone = client.shared().is_some();
        let mut answer = client.end(answer).await?;
        if is_alone && order == "score" {
            end_here(&mut answer);
        }
        output.result(&answer, |answer| {
            warn(answer, output);
            words(answer, self.count)
        })?;
        Ok(0)
    }
}

/// Takes the cursor out of a page in best-first order: it needs the very reader of this process, which ends now.
fn end_here(answer: &mut Value) {
    if answer["next"].take().is_null() {
        return;
    }
    let why = "pages in the order of score follow one another in a running server alone (muniment serve); \
               take more at once with --limit, or another order";
    if let Some(warnings) = answer["warnings"].as_array_mut() {
        warnings.push(why.into());
    }
}

/// Says what is odd about the question, beside the answer: whoever counts alone learns of a mistyped name too.
fn warn(answer: &Value, output: &Output) {
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        output.say(&format!("note: {}", one_line(warning.as_str().unwrap_or_default())));
    }
}

fn words(answer: &Value, count_alone: bool) -> String {
    let mut text = String::new();
    let mut put = |line: String| writeln!(text, "{line}").expect("a String takes every write");
    if count_alone {
        put(word(answer, "/count"));
        return text;
    }
    for hit in answer["hits"].as_array().into_iter().flatten() {
        for near in hit["before"].as_array().into_iter().flatten() {
            put(super::show::beside(near));
        }
        put(head(hit));
        let text = hit["text"].as_str().unwrap_or_default();
        for line in visible(&marked(text, &hit["highlights"])).lines() {
            put(format!("    {}", emphasised(line)));
        }
        for line in parts(hit) {
            put(format!("    {}", emphasised(&one_line(&line))));
        }
        for line in super::show::act_lines(hit) {
            put(format!("    {line}"));
        }
        for near in hit["after"].as_array().into_iter().flatten() {
            put(super::show::beside(near));
        }
    }
    let shown = answer["hits"].as_array().map_or(0, Vec::len);
    put(format!(
        "{shown} of {} shown, as of event {}",
        word(answer, "/count"),
        word(answer, "/snapshot/size")
    ));
    let next = word(answer, "/next");
    if !next.is_empty() {
        put(format!("next page: --cursor {next}"));
    }
    text
}

/// Returns the line that says which event, when, where, who.
pub(super) fn head(event: &Value) -> String {
    format!(
        "#{}  {}  {}  {}  {}",
        word(event, "/seq"),
        word(event, "/at"),
        word(event, "/room/name"),
        word(event, "/actor/name"),
        word(event, "/kind"),
    )
}

/// Stand-ins for the escape sequences, put in before foreign control characters are made visible.
const BEGIN: char = '\u{e000}';
const END: char = '\u{e001}';

/// Returns the title and the names of the files of a hit, marked where the query matched there.
fn parts(hit: &Value) -> Vec<String> {
    let ranges = |part: &str, number: Option<u64>| {
        let mut covered = hit["highlights_in"].as_array().into_iter().flatten();
        let found = covered.find(|one| one["part"] == part && one["number"].as_u64() == number);
        found.map_or(Value::Null, |one| one["ranges"].clone())
    };
    let mut lines = Vec::new();
    if let Some(title) = hit["title"].as_str() {
        lines.push(format!("title: {}", marked(title, &ranges("title", None))));
    }
    for (number, name) in (0_u64..).zip(hit["files"].as_array().into_iter().flatten()) {
        let name = name.as_str().unwrap_or_default();
        lines.push(format!("file: {}", marked(name, &ranges("file", Some(number)))));
    }
    lines
}

/// Returns a text with its highlights marked.
fn marked(text: &str, ranges: &Value) -> String {
    let ranges: Vec<(u64, u64)> = ranges
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|range| Some((range[0].as_u64()?, range[1].as_u64()?)))
        .collect();
    let mut marked = String::with_capacity(text.len());
    for (index, character) in (0_u64..).zip(text.chars()) {
        if ranges.iter().any(|(_, end)| *end == index) {
            marked.push(END);
        }
        if ranges.iter().any(|(start, _)| *start == index) {
            marked.push(BEGIN);
        }
        if character != BEGIN && character != END {
            marked.push(character);
        }
    }
    marked.push(END);
    marked
}

fn emphasised(line: &str) -> String {
    line.replace(BEGIN, "\u{1b}[1m").replace(END, "\u{1b}[0m")
}
