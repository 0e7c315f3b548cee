//! The line format (contract.md §2): one JSON object a line, a message or an event.

mod line;
mod record;

use std::collections::VecDeque;
use std::io::BufRead;
use std::sync::Arc;

use super::lines::Lines;
use super::{EventSource, Reading, Sourced, Unreadable};
use crate::draft::Locator;
use crate::error::{Error, Result};

pub use line::{drafts_of_line, parse_line};

/// Reads the line format from bytes.
#[derive(Debug)]
pub struct JsonLines<R> {
    lines: Lines<R>,
    name: Arc<str>,
    reading: Reading,
    waiting: VecDeque<Sourced>,
    ended: bool,
}

impl<R: BufRead> JsonLines<R> {
    /// Reads from here on; `name` is what locators call the input.
    pub fn new(input: R, name: impl Into<Arc<str>>, reading: Reading) -> Self {
        Self {
            lines: Lines::new(input),
            name: name.into(),
            reading,
            waiting: VecDeque::new(),
            ended: false,
        }
    }

    fn read_line(&mut self) -> Result<bool> {
        let place = Locator::line(&self.name, self.lines.number() + 1);
        let line = self.lines.read().map_err(|fault| Error::InputMalformed {
            place: place.to_string(),
            found: fault.to_string(),
            expected: "more lines, or the end of the file",
        })?;
        let Some(line) = line else { return Ok(false) };
        if line.cut {
            self.waiting.push_back(Sourced::Unreadable(Unreadable {
                source: self.reading.source.clone(),
                raw: line.bytes.to_vec(),
                locator: place.to_string(),
                reason: format!(
                    "line is longer than {} bytes; only its beginning is kept",
                    chat::limits::LINE_BYTES_MAX
                ),
            }));
        } else if !line.bytes.trim_ascii().is_empty() {
            line::parse_into(line.bytes, &place, &self.reading, &mut self.waiting);
        }
        Ok(true)
    }
}

impl<R: BufRead> EventSource for JsonLines<R> {
    fn format(&self) -> &'static str {
        "jsonl"
    }

    fn next(&mut self) -> Option<Result<Sourced>> {
        loop {
            if let Some(sourced) = self.waiting.pop_front() {
                return Some(Ok(sourced));
            }
            if self.ended {
                return None;
            }
            match self.read_line() {
                Ok(true) => {}
                Ok(false) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
