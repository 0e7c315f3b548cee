//! Where a verb's words go: results to standard output, notes, progress and problems to standard error.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use anstream::ColorChoice as Colour;
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use super::Globals;
use crate::problem::{Kind, Problem, Result};

/// Between two lines of progress where standard error is no terminal.
const PROGRESS_LINE_EVERY: Duration = Duration::from_secs(10);

/// The two streams, and what was asked of them.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    colour: Colour,
}

impl Output {
    /// Returns the output that the flags ask for.
    pub(crate) fn new(globals: &Globals) -> Self {
        let colour = match globals.color {
            clap::ColorChoice::Auto => Colour::Auto,
            clap::ColorChoice::Always => Colour::Always,
            clap::ColorChoice::Never => Colour::Never,
        };
        colour.write_global();
        Self { json: globals.json, quiet: globals.quiet, colour }
    }

    /// Returns whether one JSON object is asked for.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a result line to standard output. A reader that has gone away ends the run without noise.
    pub(crate) fn line(&self, text: &str) -> Result<()> {
        let mut out = anstream::AutoStream::new(std::io::stdout(), self.colour).lock();
        match writeln!(out, "{text}") {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Problem::new(Kind::InputOutput, format!("cannot write the output: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Prints a result: the object itself with `--json`, otherwise the words made of it.
    pub(crate) fn result(&self, value: &Value, words: impl FnOnce(&Value) -> String) -> Result<()> {
        if self.json {
            return self.line(&value.to_string());
        }
        let words = words(value);
        self.line(words.trim_end_matches('\n'))
    }

    /// Prints a note to standard error, unless quiet.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Prints something that must be seen to standard error.
    pub(crate) fn say(&self, text: &str) {
        let mut out = anstream::AutoStream::new(std::io::stderr(), self.colour).lock();
        drop(writeln!(out, "{text}"));
    }

    /// Prints a problem to standard error and returns the exit code that goes with it.
    pub(crate) fn problem(&self, problem: &Problem) -> u8 {
        if self.json {
            self.say(&problem.document().to_string());
        } else {
            self.say(&format!("muniment: {}", visible(&problem.to_string())));
        }
        problem.kind.exit()
    }

    /// Returns a sign of progress for a piece of work.
    pub(crate) fn progress(&self, work: &'static str, unit: &'static str) -> Watch {
        let is_terminal = std::io::stderr().is_terminal();
        let bar = (is_terminal && !self.quiet).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(
                ProgressStyle::with_template("{msg} {human_pos} {prefix} {elapsed} {per_sec}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar.set_message(work);
            bar.set_prefix(unit);
            bar
        });
        Watch { output: self.clone(), work, unit, bar, last_line: Instant::now() }
    }
}

/// A sign of progress: a bar on a terminal, a line every ten seconds otherwise.
#[derive(Debug)]
pub(crate) struct Watch {
    output: Output,
    work: &'static str,
    unit: &'static str,
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl Watch {
    /// Shows how far the work is; a total of 0 is an unknown one.
    pub(crate) fn show(&mut self, done: u64, total: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            return;
        }
        if self.last_line.elapsed() < PROGRESS_LINE_EVERY {
            return;
        }
        self.last_line = Instant::now();
        let of = if total > 0 { format!(" of {total}") } else { String::new() };
        self.output.note(&format!("{}: {done}{of} {}", self.work, self.unit));
    }

    /// Takes the sign away.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Prints bytes to standard output as they are.
pub(crate) fn bytes(bytes: &[u8]) -> Result<()> {
    std::io::stdout().lock().write_all(bytes).map_err(|error| {
        Problem::new(Kind::InputOutput, format!("cannot write the output: {error}"))
    })
}

/// Returns a table with these headings, as wide as the terminal allows; plain columns where there is none.
pub(crate) fn table(headings: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    let preset = if std::io::stdout().is_terminal() {
        presets::UTF8_HORIZONTAL_ONLY
    } else {
        presets::NOTHING
    };
    table.load_style(preset).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(headings.to_vec());
    for row in rows {
        table.add_row(row.into_iter().map(|cell| one_line(&cell)));
    }
    table.to_string()
}

/// What a line break is shown as where words must stay on one line.
const LINE_BREAK: char = '\u{23ce}';

/// Returns foreign words with control characters made visible, so that no message can drive the terminal. Line breaks
/// stay: whoever prints the lines indents every one of them.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|character| if character == '\n' { '\n' } else { seen(character) }).collect()
}

/// Returns foreign words on one line, so that no name or title can look like a line of ours.
pub(crate) fn one_line(text: &str) -> String {
    let shown = |character: char| match character {
        '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => LINE_BREAK,
        '\t' => ' ',
        other => seen(other),
    };
    text.chars().map(shown).collect()
}

fn seen(character: char) -> char {
    match character {
        '\t' => '\t',
        '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        other if other.is_control() => '\u{fffd}',
        other => other,
    }
}

/// Returns foreign words with every line of them behind an indent.
pub(crate) fn indented(text: &str, indent: &str) -> String {
    let lines: Vec<_> = visible(text).lines().map(|line| format!("{indent}{line}")).collect();
    if lines.is_empty() { indent.to_owned() } else { lines.join("\n") }
}

/// Returns a member of an object as words on one line: strings without quotes, lists with commas, absent ones empty.
pub(crate) fn word(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None => String::new(),
        Some(value) => plain(value),
    }
}

/// Returns a value as words on one line.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => one_line(text),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => one_line(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_drives_the_terminal() {
        assert_eq!(visible("a\u{1b}[2Jb\u{202e}c\n"), "a\u{fffd}[2Jb\u{fffd}c\n");
    }

    #[test]
    fn a_name_stays_on_one_line_and_a_text_behind_its_indent() {
        let forged =
            serde_json::json!({ "name": "al\n#99  fake\u{2028}\r\u{1b}[1m", "list": ["a\nb", 2] });
        assert_eq!(word(&forged, "/name"), "al\u{23ce}#99  fake\u{23ce}\u{fffd}\u{fffd}[1m");
        assert_eq!(word(&forged, "/list"), "a\u{23ce}b, 2");
        assert_eq!(indented("one\n#2\u{7}", "    "), "    one\n    #2\u{fffd}");
        assert_eq!(indented("", "  "), "  ");
    }
}
