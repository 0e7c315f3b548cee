//! One day's file: a JSON array whose records are taken one by one, so that a bad one does not lose its neighbours.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::fault::{Start, of_json};
use super::super::{Unreadable, decode};
use super::unreadable_file;
use crate::draft::Locator;

/// A day's file and the records found in it.
#[derive(Debug)]
pub(super) struct Document {
    name: Arc<str>,
    text: String,
    /// The file's bytes, where they are no UTF-8: each of them is one character of the text.
    foreign: Option<Vec<u8>>,
    records: std::vec::IntoIter<Range<usize>>,
    number: usize,
    /// Where the record that was taken last begins: its byte, its line, the byte at which that line begins.
    at: (usize, u64, usize),
    /// The same byte, counted in `foreign`.
    foreign_at: usize,
    rest: Option<Unreadable>,
}

/// One record of a day's file.
#[derive(Debug)]
pub(super) struct Piece {
    /// The file it stands in.
    pub(super) file: Arc<str>,
    /// File and number, from 1.
    pub(super) locator: Locator,
    /// Where it begins in the file.
    pub(super) start: Start,
    /// The record itself.
    pub(super) json: String,
    /// Its bytes, where the file was no UTF-8.
    pub(super) foreign: Option<Vec<u8>>,
}

impl Piece {
    /// Returns the record as it stands in the file.
    pub(super) fn raw(&self) -> &[u8] {
        self.foreign.as_deref().unwrap_or(self.json.as_bytes())
    }
}

impl Document {
    /// Finds the records; what stands after the last whole one is kept as one unreadable piece.
    pub(super) fn new(name: &str, bytes: Vec<u8>, fault: Option<String>) -> Self {
        let (text, foreign) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => (decode(error.as_bytes()).0.into_owned(), Some(error.into_bytes())),
        };
        let mut records = Vec::new();
        let parsed = find(&text, &mut records).map_err(|fault| of_json(&fault, &text, Start::FILE));
        let found =
            fault.or(parsed.err()).map(|fault| format!("{fault}; a day is an array of messages"));
        let end = records.last().map_or(0, |range| range.end);
        let rest = found.map(|reason| {
            let tail = match &foreign {
                None => text.as_bytes().get(end..),
                Some(bytes) => bytes.get(characters(&text, 0..end)..),
            };
            unreadable_file(name, tail.unwrap_or_default().to_vec(), reason)
        });
        let records = records.into_iter();
        let (number, at) = (0, (0, 1, 0));
        Self { name: name.into(), text, foreign, records, number, at, foreign_at: 0, rest }
    }

    /// Goes on to where a record begins.
    fn go_to(&mut self, byte: usize) -> Start {
        let (from, mut line, mut line_start) = self.at;
        for (offset, _) in self.text.get(from..byte).unwrap_or_default().match_indices('\n') {
            line += 1;
            line_start = from + offset + 1;
        }
        if self.foreign.is_some() {
            self.foreign_at += characters(&self.text, from..byte);
        }
        self.at = (byte, line, line_start);
        let before = self.text.get(line_start..byte).unwrap_or_default();
        Start { line: Some(line), column: before.chars().count() + 1 }
    }

    /// Returns the next record, at the end what could not be read of the file, then nothing.
    pub(super) fn next(&mut self) -> Option<Result<Piece, Unreadable>> {
        let Some(range) = self.records.next() else { return self.rest.take().map(Err) };
        self.number += 1;
        let start = self.go_to(range.start);
        let foreign = self.foreign.as_ref().map(|bytes| {
            let end = self.foreign_at + characters(&self.text, range.clone());
            bytes.get(self.foreign_at..end).unwrap_or_default().to_vec()
        });
        Some(Ok(Piece {
            start,
            file: Arc::clone(&self.name),
            locator: Locator::record(&self.name, self.number),
            json: self.text.get(range).unwrap_or_default().to_owned(),
            foreign,
        }))
    }
}

/// Counts the characters of a part of a text.
fn characters(text: &str, part: Range<usize>) -> usize {
    text.get(part).unwrap_or_default().chars().count()
}

/// Collects where the elements of an array stand; those before a fault stay collected.
struct Places<'t, 'r> {
    text: &'t str,
    records: &'r mut Vec<Range<usize>>,
}

impl<'de> Visitor<'de> for Places<'de, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<&'de RawValue>()? {
            let json = element.get();
            let start = json.as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
            self.records.push(start..start.saturating_add(json.len()));
        }
        Ok(())
    }
}

fn find(text: &str, records: &mut Vec<Range<usize>>) -> Result<(), serde_json::Error> {
    let mut input = serde_json::Deserializer::from_str(text);
    (&mut input).deserialize_seq(Places { text, records })?;
    input.end()
}

/// Returns the workspace id that the first message with one gives.
pub(super) fn workspace(bytes: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Team {
        team: Option<String>,
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let mut records = Vec::new();
    // Whatever could be read of a faulty file will do.
    drop(find(text, &mut records));
    records.into_iter().find_map(|range| {
        let record: Team = serde_json::from_str(text.get(range)?).ok()?;
        record.team.filter(|team| !team.is_empty())
    })
}
