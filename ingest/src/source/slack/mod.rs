//! A Slack export, folder or zip: lists of rooms and users, and for each room a folder with one JSON file a day.
//!
//! An event's text is what a reader of Slack sees (`markup`), of all parts of the message that show words (`words`).
//! Where Slack wrote it otherwise (`<@U2>` for a person, `&amp;` for an ampersand) its markup is the rich text, so that the
//! ids of mentions stay, and the record is kept raw.

mod document;
mod layout;
mod markup;
mod message;
mod record;
mod words;

use std::collections::VecDeque;
use std::io::Read;

use self::document::{Document, Piece};
use self::layout::Layout;
use self::message::Scene;
use super::fault::Start;
use super::{EventSource, Identities, Reading, Sourced, Unreadable};
use crate::draft::Locator;
use crate::error::{Error, Result};
use crate::input::{Container, bounded_document};
use crate::replay::Names;

/// Reads a Slack export.
#[derive(Debug)]
pub struct SlackExport {
    container: Container,
    layout: Layout,
    source: String,
    reading: Reading,
    /// Members still to be read, last first.
    days: Vec<String>,
    document: Option<Document>,
    ready: VecDeque<Sourced>,
}

impl SlackExport {
    /// Returns whether these member names look like a Slack export.
    pub fn recognises(members: &[String]) -> bool {
        layout::prefix(members).is_some()
    }

    /// Returns whether the lists are there that an export cannot be read without: those of its rooms and of its users.
    pub fn has_lists(members: &[String]) -> bool {
        layout::prefix(members).is_some_and(|prefix| layout::has_users(members, &prefix))
    }

    /// Reads the lists of an export and gets ready for its days.
    pub fn open(mut container: Container, reading: Reading) -> Result<Self> {
        let members = container.members();
        let Some(prefix) = layout::prefix(&members) else {
            return Err(Error::InputUnknown {
                path: container.path().to_owned(),
                found: format!("{} files without a channels.json", members.len()),
                expected: "a Slack export with channels.json, groups.json, dms.json or mpims.json",
            });
        };
        let (layout, ready) = Layout::read(&mut container, &prefix)?;
        let found = reading.source.clone().or_else(|| layout.workspace.clone());
        let source = match found {
            Some(source) => Some(source),
            None => workspace_of_days(&mut container, &layout, &members)?,
        };
        let path = container.path().to_owned();
        let source = source.ok_or(Error::SourceUnnamed { path })?;
        let mut days: Vec<_> = members.into_iter().filter(|name| layout.is_day(name)).collect();
        days.reverse();
        Ok(Self { container, layout, source, reading, days, document: None, ready: ready.into() })
    }

    /// Returns the name of the source: the workspace's id, unless another was given.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the files of the input that hold no messages and are not read.
    pub fn passed_over(&self) -> Vec<String> {
        let members = self.container.members();
        members.into_iter().filter(|name| self.layout.is_passed_over(name)).collect()
    }

    fn open_day(&mut self, name: &str) -> Result<()> {
        let opened = self.container.open_text(name);
        let (bytes, fault) = match opened {
            Ok(Some(mut input)) => bounded_document(input.as_mut(), name)?,
            Ok(None) => (Vec::new(), Some("it is gone".to_owned())),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        self.document = Some(Document::new(name, bytes, fault));
        Ok(())
    }

    fn read_record(&mut self) -> bool {
        let Some(document) = &mut self.document else { return false };
        let Some(piece) = document.next() else {
            self.document = None;
            return true;
        };
        match piece {
            Ok(record) => {
                let scene = Scene {
                    source: &self.source,
                    layout: &self.layout,
                    room: self.layout.room_of(&record.file),
                    attachments: self.reading.attachments.as_deref(),
                };
                self.ready.extend(message::read(&record, &scene));
            }
            Err(mut piece) => {
                piece.source = Some(self.source.clone());
                self.ready.push_back(Sourced::Unreadable(piece));
            }
        }
        true
    }
}

/// Looks for the workspace's id in the messages themselves, where no list of the export gives it.
fn workspace_of_days(
    container: &mut Container,
    layout: &Layout,
    members: &[String],
) -> Result<Option<String>> {
    for name in members.iter().filter(|name| layout.is_day(name)) {
        let Some(mut input) = container.open_text(name)? else { continue };
        let (bytes, _) = bounded_document(input.as_mut(), name)?;
        let found = document::workspace(&bytes);
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

impl EventSource for SlackExport {
    fn format(&self) -> &'static str {
        "slack"
    }

    fn next(&mut self) -> Option<Result<Sourced>> {
        loop {
            if let Some(sourced) = self.ready.pop_front() {
                return Some(Ok(sourced));
            }
            if self.read_record() {
                continue;
            }
            let day = self.days.pop()?;
            if let Err(bomb) = self.open_day(&day) {
                self.days.clear();
                return Some(Err(bomb));
            }
        }
    }

    fn take_identities(&mut self) -> Identities {
        let persons = std::mem::take(&mut self.layout.identities);
        Identities { source: self.source.clone(), persons }
    }

    fn open_member(&mut self, name: &str) -> Result<Option<Box<dyn Read + '_>>> {
        self.container.open_member(name)
    }
}

/// Returns whether a locator is that of a record of a day's file.
pub(crate) fn is_record(locator: &str) -> bool {
    let number = locator.rsplit_once(".json#").map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit()))
}

/// Reads one record again that is kept in quarantine: its room is known by the folder that it stood in, people by their ids.
pub(crate) fn replay(raw: &[u8], locator: &str, names: &Names) -> Vec<Sourced> {
    let file = locator.rsplit_once('#').map_or(locator, |(file, _)| file);
    let folder = file.rsplit('/').nth(1).unwrap_or_default();
    let (json, guessed) = super::decode(raw);
    let piece = Piece {
        file: file.into(),
        locator: Locator::whole(locator),
        json: json.into_owned(),
        foreign: guessed.then(|| raw.to_vec()),
        start: Start::LINE,
    };
    let layout = Layout::of_names(names);
    let room = layout.room_named(folder);
    let scene = Scene { source: &names.source, layout: &layout, room, attachments: None };
    message::read(&piece, &scene)
}

/// Returns a whole file as an unreadable piece.
fn unreadable_file(name: &str, bytes: Vec<u8>, reason: String) -> Unreadable {
    let mut raw = bytes;
    raw.truncate(chat::limits::LINE_BYTES_MAX);
    Unreadable { source: None, raw, locator: name.to_owned(), reason }
}

#[cfg(test)]
mod tests;
