//! Compliance XML of Lync and Skype for Business persistent chat (lync.md §4.4), read as a stream.
//!
//! Every event keeps its own element raw: it says more than the normalised event (hundredths of microseconds, the pool's
//! number of the sender). Entities are never expanded: one that XML itself does not define makes its element unreadable.

mod element;
mod instant;
mod meter;

use std::collections::VecDeque;
use std::io::BufRead;
use std::sync::Arc;

use quick_xml::escape::escape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use self::element::{Attributes, Message, attributes};
use self::meter::Meter;
use super::{EventSource, Reading, Sourced, Unreadable, admit};
use crate::draft::{Draft, DraftPlace, Locator, RoomKind};
use crate::error::{Error, Result};
use crate::replay::Names;

/// What stands before the channel in the locator of an element that could not be read.
const CHANNEL: &str = ", channel ";
/// Elements that may be open at once; the format needs five.
const DEPTH_MAX: usize = 32;

/// Reads compliance XML from bytes.
#[derive(Debug)]
pub struct LyncXml<R> {
    reader: Reader<Meter<R>>,
    buffer: Vec<u8>,
    name: Arc<str>,
    reading: Reading,
    open: Vec<String>,
    rooted: bool,
    conversation: Conversation,
    message: Option<Message>,
    ready: VecDeque<Sourced>,
    fault: Option<Error>,
    ended: bool,
}

/// What is known of the conversation that is open.
#[derive(Debug, Default)]
struct Conversation {
    source: Option<String>,
    place: Option<DraftPlace>,
    /// The first message, kept back until it is known whether the list repeats it.
    first: Option<Message>,
}

impl<R: BufRead> LyncXml<R> {
    /// Reads from here on; `name` is what locators call the input.
    pub fn new(input: R, name: impl Into<Arc<str>>, reading: Reading) -> Self {
        Self {
            reader: Reader::from_reader(Meter::new(input)),
            buffer: Vec::new(),
            name: name.into(),
            reading,
            open: Vec::new(),
            rooted: false,
            conversation: Conversation::default(),
            message: None,
            ready: VecDeque::new(),
            fault: None,
            ended: false,
        }
    }

    fn malformed(&self, found: impl std::fmt::Display, expected: &'static str) -> Error {
        let place = format!("{} at byte {}", self.name, self.reader.buffer_position());
        Error::InputMalformed { place, found: found.to_string(), expected }
    }

    /// Reads one piece of markup; returns whether there was one.
    fn step(&mut self) -> Result<bool> {
        self.buffer.clear();
        self.reader.get_mut().reset();
        let mut buffer = std::mem::take(&mut self.buffer);
        let outcome = match self.reader.read_event_into(&mut buffer) {
            Ok(event) => self.take(event),
            Err(fault) => Err(self.malformed(fault, "well-formed XML up to its last end tag")),
        };
        self.buffer = buffer;
        outcome
    }

    fn take(&mut self, event: Event<'_>) -> Result<bool> {
        match event {
            Event::Start(start) => {
                let name = start.local_name().into_inner().to_owned();
                self.opened(&start, false)?;
                self.open.push(name);
                if self.open.len() > DEPTH_MAX {
                    return Err(self.malformed("too many open elements", "at most 32"));
                }
            }
            Event::Empty(start) => {
                let name = start.local_name().into_inner().to_owned();
                self.opened(&start, true)?;
                self.closed(&name);
            }
            Event::End(end) => {
                if let Some(message) = &mut self.message {
                    message.raw_end(&end);
                }
                let name = self.open.pop().unwrap_or_default();
                self.closed(&name);
            }
            Event::Text(text) => self.raw(["", &text, ""]),
            Event::CData(data) => self.raw(["<![CDATA[", &data, "]]>"]),
            Event::Comment(words) => self.raw(["<!--", &words, "-->"]),
            Event::PI(words) => self.raw(["<?", &words, "?>"]),
            Event::GeneralRef(name) => self.raw(["&", &name, ";"]),
            Event::Eof => return self.at_end().map(|()| false),
            Event::Decl(_) | Event::DocType(_) => {}
        }
        Ok(true)
    }

    /// Keeps what stands within a message, whatever it is.
    fn raw(&mut self, pieces: [&str; 3]) {
        if let Some(message) = &mut self.message {
            for piece in pieces {
                message.raw(piece);
            }
        }
    }

    fn at_end(&mut self) -> Result<()> {
        self.flush_first();
        if !self.rooted {
            return Err(self.malformed("no element", "<Conversations>"));
        }
        match self.open.last() {
            None => Ok(()),
            Some(open) => {
                let found = format!("the end of the file within <{open}>");
                Err(self.malformed(found, "its end tag; is the file cut off?"))
            }
        }
    }

    fn opened(&mut self, start: &BytesStart<'_>, empty: bool) -> Result<()> {
        let name = start.local_name().into_inner();
        if !self.rooted {
            if name != "Conversations" {
                return Err(self.malformed(format!("<{name}>"), "<Conversations>"));
            }
            self.rooted = true;
            return Ok(());
        }
        let read = attributes(start);
        if let Some(message) = &mut self.message {
            message.child(name, start, empty, read);
            return Ok(());
        }
        match name {
            "Conversation" => self.conversation = Conversation::default(),
            "Channel" => self.channel(read),
            "FirstMessage" | "Message" => {
                self.flush_first_before(name);
                let place = self.reader.buffer_position();
                self.message = Some(Message::new(name, start, empty, read, place));
            }
            _ => {}
        }
        Ok(())
    }

    fn channel(&mut self, read: Result<Attributes, String>) {
        // A channel that cannot be read leaves its messages without a room: each of them then says so.
        let Ok(mut read) = read else { return };
        let Some(uri) = read.remove("uri").filter(|uri| !uri.is_empty()) else { return };
        self.conversation.source = uri
            .strip_prefix("ma-chan://")
            .and_then(|rest| rest.split('/').next())
            .filter(|domain| !domain.is_empty())
            .map(str::to_lowercase);
        let name =
            read.remove("name").filter(|name| !name.is_empty()).unwrap_or_else(|| uri.clone());
        self.conversation.place = Some(DraftPlace {
            name,
            foreign_id: Some(uri),
            kind: RoomKind::Room,
            category: None,
            members: None,
        });
    }

    fn closed(&mut self, name: &str) {
        match name {
            "FirstMessage" => self.conversation.first = self.message.take(),
            "Message" => {
                let Some(message) = self.message.take() else { return };
                // The first message is a copy of the first in the list only if everything is equal, time included.
                if self.conversation.first.as_ref().is_some_and(|first| first.repeats(&message)) {
                    self.conversation.first = None;
                } else {
                    self.flush_first();
                }
                self.emit(message);
            }
            "Conversation" | "Messages" => self.flush_first(),
            _ => {}
        }
    }

    fn flush_first_before(&mut self, next: &str) {
        if next == "FirstMessage" {
            self.flush_first();
        }
    }

    fn flush_first(&mut self) {
        if let Some(first) = self.conversation.first.take() {
            self.emit(first);
        }
    }

    fn emit(&mut self, message: Message) {
        let source = self.reading.source.clone().or_else(|| self.conversation.source.clone());
        let locator = Locator::byte(&self.name, message.position());
        let raw = message.raw_bytes().to_vec();
        let channel = self.conversation.place.as_ref().and_then(|place| place.foreign_id.clone());
        let draft: Result<Draft, String> = match (&source, &self.conversation.place) {
            (Some(source), Some(place)) => message.into_draft(source, place, &locator),
            (None, Some(_)) => Err("its channel's uri names no domain; give a source".to_owned()),
            (_, None) => Err("it stands in no channel with a uri".to_owned()),
        };
        let mut piece = match draft {
            Ok(draft) => admit(Box::new(draft), &raw),
            Err(reason) => {
                let locator = locator.to_string();
                Sourced::Unreadable(Unreadable { source, raw, locator, reason })
            }
        };
        // An element does not say its channel: what is kept of it must.
        if let (Sourced::Unreadable(piece), Some(channel)) = (&mut piece, channel) {
            piece.locator.push_str(CHANNEL);
            piece.locator.push_str(&channel);
        }
        self.ready.push_back(piece);
    }
}

/// Reads one element again that is kept in quarantine; its channel stands in its locator.
pub(crate) fn replay(raw: &[u8], locator: &str, names: &Names) -> Vec<Sourced> {
    let channel = locator.rsplit_once(CHANNEL).map(|(_, channel)| channel).unwrap_or_default();
    let known = names.rooms.iter().find(|room| room.foreign_id.as_deref() == Some(channel));
    let name = known.map_or(channel, |room| room.name.as_str());
    let mut xml = format!(
        "<Conversations><Conversation><Channel uri=\"{}\" name=\"{}\"/><Messages>",
        escape(channel),
        escape(name)
    )
    .into_bytes();
    xml.extend_from_slice(raw);
    xml.extend_from_slice(b"</Messages></Conversation></Conversations>");
    let reading = Reading { source: Some(names.source.clone()), ..Reading::default() };
    let mut source = LyncXml::new(xml.as_slice(), "", reading);
    let mut pieces = Vec::new();
    while let Some(next) = source.next() {
        pieces.push(next.unwrap_or_else(|fault| {
            Sourced::Unreadable(Unreadable {
                source: None,
                raw: raw.to_vec(),
                locator: locator.to_owned(),
                reason: fault.to_string(),
            })
        }));
    }
    pieces
}

impl<R: BufRead> EventSource for LyncXml<R> {
    fn format(&self) -> &'static str {
        "lync-xml"
    }

    fn next(&mut self) -> Option<Result<Sourced>> {
        loop {
            if let Some(sourced) = self.ready.pop_front() {
                return Some(Ok(sourced));
            }
            if self.ended {
                return self.fault.take().map(Err);
            }
            match self.step() {
                Ok(true) => {}
                Ok(false) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    // What stood before the fault is whole and is not lost with it.
                    self.flush_first();
                    self.fault = Some(error);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
