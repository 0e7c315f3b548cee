//! One `Message` or `FirstMessage` element: what it says, and its bytes.

use std::collections::BTreeMap;

use chat::{EventKind, limits};
use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;

use super::instant::Instant;
use crate::draft::{Draft, DraftFile, DraftKey, DraftPerson, DraftPlace, FileContent, Locator};

/// The attributes of an element by name, their values unescaped.
pub(super) type Attributes = BTreeMap<String, String>;

/// Reads the attributes of an element, or says which one cannot be read.
pub(super) fn attributes(start: &BytesStart<'_>) -> Result<Attributes, String> {
    let mut all = Attributes::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|fault| fault.to_string())?;
        let name = attribute.key.local_name().into_inner().to_owned();
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|fault| format!("attribute {name:?}: {fault}"))?;
        all.insert(name, value.into_owned());
    }
    Ok(all)
}

/// An element while it is being read.
#[derive(Debug)]
pub(super) struct Message {
    raw: Vec<u8>,
    cut: bool,
    position: u64,
    fault: Option<String>,
    own: Attributes,
    sender: Option<Attributes>,
    instant: Option<Instant>,
}

impl Message {
    pub(super) fn new(
        name: &str,
        start: &BytesStart<'_>,
        empty: bool,
        read: Result<Attributes, String>,
        position: u64,
    ) -> Self {
        let mut message = Self {
            raw: Vec::new(),
            cut: false,
            position,
            fault: None,
            own: Attributes::new(),
            sender: None,
            instant: None,
        };
        message.raw_start(start, empty);
        match read {
            Ok(own) => message.own = own,
            Err(fault) => message.blame(name, &fault),
        }
        message
    }

    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn raw_bytes(&self) -> &[u8] {
        &self.raw
    }

    /// Keeps bytes of the element, up to the limit of a raw record.
    pub(super) fn raw(&mut self, text: &str) {
        if self.raw.len().saturating_add(text.len()) > limits::RAW_BYTES_MAX {
            self.cut = true;
        } else {
            self.raw.extend_from_slice(text.as_bytes());
        }
    }

    fn raw_start(&mut self, start: &BytesStart<'_>, empty: bool) {
        self.raw("<");
        self.raw(start);
        self.raw(if empty { "/>" } else { ">" });
    }

    pub(super) fn raw_end(&mut self, name: &str) {
        self.raw(&format!("</{name}>"));
    }

    fn blame(&mut self, name: &str, fault: &str) {
        if self.fault.is_none() {
            self.fault = Some(format!("<{name}> cannot be read: {fault}"));
        }
    }

    /// Takes an element within this one.
    pub(super) fn child(
        &mut self,
        name: &str,
        start: &BytesStart<'_>,
        empty: bool,
        read: Result<Attributes, String>,
    ) {
        self.raw_start(start, empty);
        match (name, read) {
            (_, Err(fault)) => self.blame(name, &fault),
            ("Sender", Ok(sender)) => {
                if self.sender.replace(sender).is_some() {
                    self.blame(name, "it is there twice");
                }
            }
            ("DateTimeUTC", Ok(mut given)) => {
                let instant = Instant {
                    since1970: given.remove("since1970"),
                    string: given.remove("string"),
                    long: given.remove("long"),
                };
                if self.instant.replace(instant).is_some() {
                    self.blame(name, "it is there twice");
                }
            }
            (_, Ok(_)) => {}
        }
    }

    /// Returns whether both say the same, time included.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        self.fault.is_none()
            && other.fault.is_none()
            && self.own == other.own
            && self.sender == other.sender
            && self.instant == other.instant
    }

    /// Returns the event, or why the element is none.
    pub(super) fn into_draft(
        mut self,
        source: &str,
        place: &DraftPlace,
        locator: &Locator,
    ) -> Result<Draft, String> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if self.cut {
            return Err(format!("it is longer than {} bytes", limits::RAW_BYTES_MAX));
        }
        let instant = self.instant.ok_or("found no <DateTimeUTC>, expected one")?;
        let (at, remark) = instant.read()?;
        let kind = kind_of(self.own.get("type").map(String::as_str));
        let mut draft = Draft::new(source, kind, at);
        draft.remark = remark;
        draft.key = key_of(self.own.get("id").map(String::as_str), place);
        draft.actor = self.sender.and_then(person_of);
        draft.place = Some(place.clone());
        draft.locator = Some(locator.clone());
        draft.raw = Some(self.raw);
        let content = self.own.remove("content").unwrap_or_default();
        let is_entry = matches!(kind, EventKind::Join | EventKind::Leave);
        if matches!(kind, EventKind::Upload | EventKind::Download) {
            draft.attachments = vec![file_of(&content)];
            draft.title = Some(content);
        } else if !(is_entry && content.is_empty()) {
            draft.text = Some(content);
        }
        Ok(draft)
    }
}

fn kind_of(word: Option<&str>) -> EventKind {
    match word {
        Some("CHAT") => EventKind::Message,
        Some("JOIN") => EventKind::Join,
        Some("PART") => EventKind::Leave,
        Some("BACKCHAT") => EventKind::History,
        Some("FILEUPLOAD") => EventKind::Upload,
        Some("FILEDOWNLOAD") => EventKind::Download,
        Some(_) | None => EventKind::Other,
    }
}

/// Chat ids are counted by room; 0 is no id.
fn key_of(id: Option<&str>, place: &DraftPlace) -> DraftKey {
    match id.map(str::trim) {
        None | Some("" | "0") => DraftKey::Derived,
        Some(id) => {
            let room = place.foreign_id.as_deref().unwrap_or(&place.name);
            DraftKey::Given(format!("{room}/{id}"))
        }
    }
}

/// A person is known by the address, which is unique in a domain; the pool's own number is not unique across pools.
fn person_of(mut sender: Attributes) -> Option<DraftPerson> {
    let mut take = |name: &str| sender.remove(name).filter(|value| !value.is_empty());
    let email = take("email");
    let foreign_id = take("uri").or_else(|| email.clone()).or_else(|| take("id"));
    let name = take("UserName").or_else(|| foreign_id.clone())?;
    Some(DraftPerson { name, foreign_id, email })
}

fn file_of(name: &str) -> DraftFile {
    DraftFile {
        name: name.to_owned(),
        media_type: None,
        address: None,
        content: FileContent::Missing {
            reason: "the compliance file names the stored file, it does not hold it".to_owned(),
            claimed_bytes: None,
        },
    }
}
