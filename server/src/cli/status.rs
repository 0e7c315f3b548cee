//! `muniment status`: the state of the archive in one look, with what a person should look at in yellow.

use clap::Args;
use serde_json::Value;

use super::client::{Access, Client};
use super::output::word;
use super::{Globals, Output};
use crate::problem::Result;

/// Columns of a terminal that the words keep to.
const WIDTH_COLUMNS: usize = 80;
/// Columns of a row's name.
const NAME_COLUMNS: usize = 13;
const YELLOW: &str = "\u{1b}[33m";
const PLAIN: &str = "\u{1b}[0m";

const EXAMPLES: &str = "\
Examples:
  muniment status
  muniment status --json | jq .attention      what a person should look at, and why";

/// Show the state of the archive.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Status {}

impl Status {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        let client = Client::open(globals, Access::Reads).await?;
        let answer = client.get("/api/v1/status").await;
        let answer = client.end(answer).await?;
        output.result(&answer, words)?;
        Ok(0)
    }
}

/// Returns the state in words: a row for each thing, no wider than a terminal.
fn words(status: &Value) -> String {
    let mut rows: Vec<(&str, &str, String)> = Vec::new();
    if status["demo"] == true {
        rows.push(("DEMO", "demo", String::new()));
    }
    rows.push(("archive", "", word(status, "/archive_id")));
    rows.push(("public key", "", word(status, "/public_key")));
    rows.push(("data", "", word(status, "/data")));
    rows.push(("events", "", grouped(&status["events"])));
    rows.push(("checkpoint", "", checkpoint(status)));
    rows.push(("sealed", "", sealed(status)));
    rows.push(("not sealed", "", bytes(&status["sizes"]["journal_bytes"])));
    rows.push(("files", "", files(status)));
    rows.push(("index", "index", index(status)));
    if !status["catalog"]["fault"].is_null() {
        rows.push(("catalog", "catalog", word(status, "/catalog/fault")));
    }
    rows.push(("quarantine", "quarantined", grouped(&status["quarantined"])));
    rows.push(("holds", "", holds(status)));
    rows.push(("witnesses", "witnesses", witnesses(status)));
    rows.push(("officers", "single_officer", officers(status)));
    rows.push(("encrypted", "", parts(status, true)));
    rows.push(("readable", "", parts(status, false)));
    rows.push(("disk", "disk", disk(status)));
    if status["jobs_running"] != 0 {
        rows.push(("jobs", "", format!("{} at work", word(status, "/jobs_running"))));
    }
    if !status["sealing_fault"].is_null() {
        rows.push(("sealing", "sealing_fault", word(status, "/sealing_fault")));
    }
    let damaged = status["damaged"].as_array().map_or(0, Vec::len);
    if damaged > 0 {
        rows.push((
            "DAMAGED",
            "damaged",
            format!("{damaged} findings, first {}", word(status, "/damaged/0/what")),
        ));
    }
    if !status["failed"].is_null() {
        rows.push(("FAILED", "failed", word(status, "/failed")));
    }
    let rows = rows.into_iter().map(|(name, member, said)| {
        row(name, &said, status["attention"][member].as_str().filter(|_| !member.is_empty()))
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// Returns one row, folded at the width of a terminal, in yellow where there is a reason to look.
fn row(name: &str, said: &str, look: Option<&str>) -> String {
    let said = match look {
        Some(why) if said.is_empty() => why.to_owned(),
        Some(why) => format!("{said}: {why}"),
        None => said.to_owned(),
    };
    let indent = " ".repeat(NAME_COLUMNS);
    let mut lines = vec![format!("{name:<NAME_COLUMNS$}")];
    for piece in said.split(' ') {
        let line = lines.last_mut().expect("there is a first line");
        let is_new = line.chars().count() == NAME_COLUMNS;
        if !is_new && line.chars().count() + 1 + piece.chars().count() > WIDTH_COLUMNS {
            lines.push(format!("{indent}{piece}"));
        } else {
            line.push_str(if is_new { "" } else { " " });
            line.push_str(piece);
        }
    }
    let text = lines.join("\n");
    if look.is_some() { format!("{YELLOW}{text}{PLAIN}") } else { text }
}

fn checkpoint(status: &Value) -> String {
    if status["checkpoint"].is_null() {
        return "none signed yet".to_owned();
    }
    let root = word(status, "/checkpoint/root");
    let start = root.get(..16).unwrap_or(&root);
    format!("{} events, root {start}…", grouped(&status["checkpoint"]["size"]))
}

fn sealed(status: &Value) -> String {
    let sizes = &status["sizes"];
    if sizes["segments"] == 0 {
        return "nothing yet".to_owned();
    }
    let percent = status["ratio"].as_f64().unwrap_or(0.0) * 100.0;
    format!(
        "{} in {} segments, {percent:.1} % of the {} in them; last {}",
        bytes(&sizes["sealed_bytes"]),
        grouped(&sizes["segments"]),
        bytes(&sizes["raw_bytes"]),
        word(status, "/last_seal"),
    )
}

fn files(status: &Value) -> String {
    let sizes = &status["sizes"];
    format!("{}, {} on disk", grouped(&sizes["files"]), bytes(&sizes["file_bytes"]))
}

fn index(status: &Value) -> String {
    let index = &status["index"];
    let seconds = index["lag_seconds"].as_f64().unwrap_or(0.0);
    let failure = match index["failure"].as_str() {
        Some(failure) => format!("; {}", super::output::one_line(failure)),
        None => String::new(),
    };
    format!("behind by {} events, {seconds:.1} s{failure}", grouped(&index["lag_events"]))
}

fn holds(status: &Value) -> String {
    format!("{}; this version can place none", word(status, "/holds"))
}

fn witnesses(status: &Value) -> String {
    let names = status["witnesses"].as_array().into_iter().flatten();
    let said = |witness: &Value| match witness["size"].as_u64() {
        Some(_) => format!(
            "{} cosigned {} events at {}",
            word(witness, "/name"),
            grouped(&witness["size"]),
            word(witness, "/cosigned_at"),
        ),
        None => word(witness, "/name"),
    };
    let names: Vec<_> = names.map(said).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn officers(status: &Value) -> String {
    let mode = if status["single_officer"] == true { ", single-officer mode" } else { "" };
    format!("{}{mode}", word(status, "/officers"))
}

/// Returns the names of what is encrypted, or of what is not.
fn parts(status: &Value, encrypted: bool) -> String {
    let parts = status["encrypted"].as_object().into_iter().flatten();
    let named = parts.filter(|(_, value)| value.as_bool() == Some(encrypted));
    named.map(|(name, _)| name.replace('_', " ")).collect::<Vec<_>>().join(", ")
}

fn disk(status: &Value) -> String {
    let disk = &status["disk"];
    format!(
        "{} free of {}, {} of it reserved for search, export and audit",
        bytes(&disk["free_bytes"]),
        bytes(&disk["total_bytes"]),
        bytes(&disk["reserve_bytes"]),
    )
}

/// Returns a number with its thousands apart.
fn grouped(value: &Value) -> String {
    let Some(number) = value.as_u64() else { return "unknown".to_owned() };
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a number of bytes as people say it.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "three digits are shown")]
fn bytes(value: &Value) -> String {
    let Some(number) = value.as_u64() else { return "unknown".to_owned() };
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.into_iter().find(|(_, size)| number >= *size) {
        Some((unit, size)) => format!("{:.1} {unit}", number as f64 / size as f64),
        None => format!("{number} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(grouped(&json!(961_336)), "961,336");
        assert_eq!(grouped(&json!(7)), "7");
        assert_eq!(bytes(&json!(1_536)), "1.5 KiB");
        assert_eq!(bytes(&json!(3)), "3 bytes");
    }

    #[test]
    fn a_row_that_needs_a_look_is_yellow_and_no_line_is_wider_than_a_terminal() {
        let why = "no outside witness: nothing proves when; keep checkpoints elsewhere, every week";
        let text = row("witnesses", "none", Some(why));
        assert!(text.starts_with(YELLOW) && text.ends_with(PLAIN), "{text}");
        let bare = text.replace(YELLOW, "").replace(PLAIN, "");
        assert!(bare.lines().count() > 1, "{bare}");
        assert!(bare.lines().all(|line| line.chars().count() <= WIDTH_COLUMNS), "{bare}");
        assert!(!row("disk", "much", None).contains(YELLOW));
    }
}
