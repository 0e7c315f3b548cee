//! The exact table, `csv/exact/messages.csv`: one row an event, values as they are. For machines: no guard, no cut.
//!
//! Every cell is a function of the event's canonical line, of what the package's other events say about it, and of the
//! lists in the manifest. So whoever has the package can make the table again and compare bytes.

use std::collections::BTreeMap;

use archive::proof::header::{ROLE_ACTOR, ROLE_PLACE, ROLE_SOURCE};
use chat::{
    ArchiveId, Attachment, ChatEvent, Custody, EventId, PersonId, Recorded, RoomId, SourceId,
    Timestamp,
};

use crate::format::line::kind_word;
use crate::format::readers::Readers;
use crate::format::versions::Versions;
use crate::ranges::SeqRanges;

/// The columns of both tables, in order (contract.md §5). `is_hit` follows where context was asked for.
pub const COLUMNS: [&str; 32] = [
    "record_id",
    "seq",
    "source",
    "event_type",
    "room_id",
    "room_name",
    "category",
    "thread_root",
    "sent_at_utc",
    "sent_at_local",
    "zone",
    "received_at_utc",
    "actor_id",
    "actor_name",
    "actor_email",
    "actor_kind",
    "body",
    "body_version",
    "prior_version_of",
    "edited_at",
    "deleted_at",
    "deleted_by",
    "attachment_ids",
    "attachment_names",
    "readers_at_time",
    "hold_ids",
    "policy_ids",
    "tags",
    "bates",
    "sha256",
    "leaf_index",
    "title",
];

/// The column that tells hits from context.
pub const HIT_COLUMN: &str = "is_hit";

/// What a row needs besides its event.
#[derive(Debug)]
pub(crate) struct Surroundings<'a> {
    pub(crate) archive: ArchiveId,
    pub(crate) source_names: &'a BTreeMap<SourceId, String>,
    pub(crate) room_categories: &'a BTreeMap<RoomId, String>,
    pub(crate) hits: Option<&'a SeqRanges>,
    pub(crate) versions: &'a Versions,
    pub(crate) readers: &'a Readers,
}

impl Surroundings<'_> {
    /// Returns the names of the columns.
    pub(crate) fn columns(&self) -> Vec<&'static str> {
        COLUMNS.into_iter().chain(self.hits.map(|_| HIT_COLUMN)).collect()
    }

    /// Returns the cells of an event. `line_sha256` is the hash of its canonical line, without the line feed.
    pub(crate) fn cells(&self, recorded: &Recorded, line_sha256: String) -> Vec<String> {
        let mut cells = Vec::with_capacity(COLUMNS.len() + 1);
        self.put_place(recorded, &mut cells);
        put_actor(recorded, &mut cells);
        self.put_body(recorded, &mut cells);
        put_attachments(&recorded.event.content.attachments, &mut cells);
        cells.push(self.readers.at(recorded));
        // Holds, rules, tags and page numbers: an archive of this version has none.
        cells.extend([const { String::new() }; 4]);
        cells.push(line_sha256);
        cells.push(recorded.seq.leaf_index().to_string());
        cells.push(recorded.event.content.title.clone().unwrap_or_default());
        if let Some(hits) = self.hits {
            cells.push(u8::from(hits.contains(recorded.seq)).to_string());
        }
        cells
    }

    fn put_place(&self, recorded: &Recorded, cells: &mut Vec<String>) {
        let event = &recorded.event;
        let place = event.place.as_ref();
        cells.push(self.record_id(recorded.seq));
        cells.push(recorded.seq.to_string());
        let source = event.origin.as_ref().map(|origin| origin.source);
        let source = source.or_else(|| alone(event, ROLE_SOURCE).map(SourceId::from_bytes));
        cells.push(source.map_or_else(String::new, |source| {
            let name = self.source_names.get(&source);
            name.cloned().unwrap_or_else(|| source.to_string())
        }));
        cells.push(kind_word(event.kind));
        let room = place.map(|place| place.room);
        let room = room.or_else(|| alone(event, ROLE_PLACE).map(RoomId::from_bytes));
        cells.push(room.map_or_else(String::new, |room| room.to_string()));
        cells.push(place.map_or_else(String::new, |place| place.name.clone()));
        let category = room.and_then(|room| self.room_categories.get(&room));
        cells.push(category.cloned().unwrap_or_default());
        cells.push(event.content.thread.clone().unwrap_or_default());
        cells.push(moment(event.at));
        // Sources give moments, not the sender's zone; both cells stay empty rather than guessed.
        cells.extend([const { String::new() }; 2]);
        cells.push(moment(recorded.recorded_at));
    }

    fn put_body(&self, recorded: &Recorded, cells: &mut Vec<String>) {
        let content = &recorded.event.content;
        let replaced = self.versions.replaced_by(recorded.seq);
        let retraction = self.versions.retraction(recorded.seq);
        cells.push(content.text.clone().unwrap_or_default());
        let version = self.versions.version(recorded);
        cells.push(version.map_or_else(|| "unknown".to_owned(), |number| number.to_string()));
        cells.push(replaced.map_or_else(String::new, |(seq, _)| self.record_id(seq)));
        let edited_at = content.edited_at.or(replaced.map(|(_, at)| at));
        cells.push(edited_at.map_or_else(String::new, moment));
        cells.push(retraction.map_or_else(String::new, |retraction| moment(retraction.at)));
        cells.push(retraction.map_or_else(String::new, |retraction| retraction.by.clone()));
    }

    pub(crate) fn record_id(&self, seq: chat::Seq) -> String {
        EventId { archive: self.archive, seq }.to_string()
    }
}

fn put_actor(recorded: &Recorded, cells: &mut Vec<String>) {
    if let Some(actor) = &recorded.event.actor {
        cells.extend([
            actor.id.to_string(),
            actor.name.clone(),
            actor.email.clone().unwrap_or_default(),
            "unknown".to_owned(),
        ]);
        return;
    }
    let id = alone(&recorded.event, ROLE_ACTOR).map(PersonId::from_bytes);
    let kind = if id.is_some() { "unknown" } else { "" };
    let id = id.map_or_else(String::new, |id| id.to_string());
    cells.extend([id, String::new(), String::new(), kind.to_owned()]);
}

/// Returns an id of the header whose name is not shown.
fn alone(event: &ChatEvent, role: u8) -> Option<[u8; 16]> {
    event.other_ids.iter().find(|(at, _)| *at == role).map(|(_, id)| *id)
}

/// Ids are separated by `;`. Names may hold any character, so they stand as a JSON list.
fn put_attachments(attachments: &[Attachment], cells: &mut Vec<String>) {
    let ids = attachments.iter().map(|attachment| match &attachment.custody {
        Custody::Held { file, .. } => file.to_string(),
        Custody::Missing { .. } => "missing".to_owned(),
    });
    cells.push(ids.collect::<Vec<_>>().join(";"));
    let names: Vec<_> = attachments.iter().map(|attachment| attachment.name.as_str()).collect();
    let names = if names.is_empty() { String::new() } else { serde_json::json!(names).to_string() };
    cells.push(names);
}

/// Returns a moment with six decimals; outside of the years 1 to 9999, its microseconds.
pub(crate) fn moment(moment: Timestamp) -> String {
    if (Timestamp::MIN..=Timestamp::MAX).contains(&moment) {
        moment.to_string()
    } else {
        format!("{}us", moment.micros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat::Seq;
    use chat::testing::message;

    #[test]
    fn a_row_has_a_cell_for_every_column() {
        let hits = SeqRanges::of(&[Seq::FIRST]);
        let (sources, rooms) = (BTreeMap::new(), BTreeMap::new());
        let (versions, readers) = (Versions::default(), Readers::default());
        let surroundings = Surroundings {
            archive: ArchiveId::from_bytes([7; 16]),
            source_names: &sources,
            room_categories: &rooms,
            hits: Some(&hits),
            versions: &versions,
            readers: &readers,
        };
        let event = message(1, 2, 3, "words");
        let at = event.at;
        let mut recorded =
            Recorded { seq: Seq::FIRST, place_seq: None, place_prev: None, recorded_at: at, event };
        let columns = surroundings.columns();
        let cells = surroundings.cells(&recorded, "hash".to_owned());
        assert_eq!(cells.len(), columns.len());
        let cell = |name| &cells[columns.iter().position(|column| *column == name).unwrap()];
        assert_eq!((cell("body").as_str(), cell("is_hit").as_str()), ("words", "1"));
        assert_eq!((cell("sha256").as_str(), cell("leaf_index").as_str()), ("hash", "0"));
        assert_eq!(cell("sent_at_utc"), "2023-11-14T22:13:21.000000Z");
        (recorded.event.actor, recorded.event.place) = (None, None);
        assert_eq!(surroundings.cells(&recorded, String::new()).len(), columns.len());
    }
}
