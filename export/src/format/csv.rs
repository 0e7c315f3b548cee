//! The exact table, `csv/exact/messages.csv`: one row an event, values as they are. For machines: no guard, no cut.
//!
//! Every cell is a function of the event's canonical line, of what the package's other events say about it, and of the
//! lists in the manifest. So whoever has the package can make the table again and compare bytes.

use std::collections::BTreeMap;

use archive::proof::header::{ROLE_ACTOR, ROLE_PLACE, ROLE_SOURCE};
use chat::{
    ArchiveId, Attachment, ChatEvent, Custody, PersonId, Recorded, RoomId, SourceId, Timestamp,
};

use crate::format::cells::Cells;
use crate::format::line::kind_word;
use crate::format::readers::Readers;
use crate::format::versions::Versions;
use crate::format::{hex, json};
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

    /// Writes the cells of an event. `line_sha256` is the hash of its canonical line, without the line feed, in hex.
    pub(crate) fn put(&self, recorded: &Recorded, line_sha256: &str, cells: &mut Cells) {
        cells.clear();
        self.put_place(recorded, cells);
        put_actor(recorded, cells);
        self.put_body(recorded, cells);
        put_attachments(&recorded.event.content.attachments, cells);
        cells.add(&self.readers.at(recorded));
        // Holds, rules, tags and page numbers: an archive of this version has none.
        put_empty(cells, 4);
        cells.add(line_sha256);
        cells.add_with(|text| json::put_number(text, recorded.seq.leaf_index()));
        cells.add(recorded.event.content.title.as_deref().unwrap_or_default());
        if let Some(hits) = self.hits {
            cells.add(if hits.contains(recorded.seq) { "1" } else { "0" });
        }
    }

    fn put_place(&self, recorded: &Recorded, cells: &mut Cells) {
        let event = &recorded.event;
        let place = event.place.as_ref();
        cells.add_with(|text| self.put_record_id(text, recorded.seq));
        cells.add_with(|text| json::put_number(text, recorded.seq.get()));
        let source = event.origin.as_ref().map(|origin| origin.source);
        let source = source.or_else(|| alone(event, ROLE_SOURCE).map(SourceId::from_bytes));
        cells.add_with(|text| match source.map(|id| (id, self.source_names.get(&id))) {
            Some((_, Some(name))) => text.push_str(name),
            Some((id, None)) => hex::put(text, id.as_bytes()),
            None => {}
        });
        cells.add(&kind_word(event.kind));
        let room = place.map(|place| place.room);
        let room = room.or_else(|| alone(event, ROLE_PLACE).map(RoomId::from_bytes));
        put_id(cells, room.as_ref().map(RoomId::as_bytes));
        cells.add(place.map_or("", |place| place.name.as_str()));
        let category = room.and_then(|room| self.room_categories.get(&room));
        cells.add(category.map_or("", String::as_str));
        cells.add(event.content.thread.as_deref().unwrap_or_default());
        cells.add_with(|text| put_moment(text, event.at));
        // Sources give moments, not the sender's zone; both cells stay empty rather than guessed.
        put_empty(cells, 2);
        cells.add_with(|text| put_moment(text, recorded.recorded_at));
    }

    fn put_body(&self, recorded: &Recorded, cells: &mut Cells) {
        let content = &recorded.event.content;
        let replaced = self.versions.replaced_by(recorded.seq);
        let retraction = self.versions.retraction(recorded.seq);
        cells.add(content.text.as_deref().unwrap_or_default());
        cells.add_with(|text| match self.versions.version(recorded) {
            Some(number) => json::put_number(text, u64::from(number)),
            None => text.push_str("unknown"),
        });
        cells.add_with(|text| {
            if let Some((seq, _)) = replaced {
                self.put_record_id(text, seq);
            }
        });
        let edited_at = content.edited_at.or(replaced.map(|(_, at)| at));
        for time in [edited_at, retraction.map(|retraction| retraction.at)] {
            cells.add_with(|text| {
                if let Some(time) = time {
                    put_moment(text, time);
                }
            });
        }
        cells.add(retraction.map_or("", |retraction| retraction.by.as_str()));
    }

    fn put_record_id(&self, text: &mut String, seq: chat::Seq) {
        hex::put(text, self.archive.as_bytes());
        text.push('/');
        json::put_number(text, seq.get());
    }

    pub(crate) fn record_id(&self, seq: chat::Seq) -> String {
        let mut text = String::new();
        self.put_record_id(&mut text, seq);
        text
    }
}

fn put_empty(cells: &mut Cells, count: usize) {
    for _ in 0..count {
        cells.add("");
    }
}

fn put_id(cells: &mut Cells, id: Option<&[u8; 16]>) {
    cells.add_with(|text| {
        if let Some(id) = id {
            hex::put(text, id);
        }
    });
}

fn put_actor(recorded: &Recorded, cells: &mut Cells) {
    let actor = recorded.event.actor.as_ref();
    let id = actor.map(|actor| actor.id);
    let id = id.or_else(|| alone(&recorded.event, ROLE_ACTOR).map(PersonId::from_bytes));
    put_id(cells, id.as_ref().map(PersonId::as_bytes));
    cells.add(actor.map_or("", |actor| actor.name.as_str()));
    cells.add(actor.and_then(|actor| actor.email.as_deref()).unwrap_or_default());
    cells.add(if id.is_some() { "unknown" } else { "" });
}

/// Returns an id of the header whose name is not shown.
fn alone(event: &ChatEvent, role: u8) -> Option<[u8; 16]> {
    event.other_ids.iter().find(|(at, _)| *at == role).map(|(_, id)| *id)
}

/// Ids are separated by `;`. Names may hold any character, so they stand as a JSON list.
fn put_attachments(attachments: &[Attachment], cells: &mut Cells) {
    cells.add_with(|text| {
        for (at, attachment) in attachments.iter().enumerate() {
            if at > 0 {
                text.push(';');
            }
            match &attachment.custody {
                Custody::Held { file, .. } => hex::put(text, file.as_bytes()),
                Custody::Missing { .. } => text.push_str("missing"),
            }
        }
    });
    cells.add_with(|text| {
        if !attachments.is_empty() {
            json::put_list(text, attachments.iter(), |text, file| json::put_text(text, &file.name));
        }
    });
}

/// Returns a moment with six decimals; outside of the years 1 to 9999, its microseconds.
pub(crate) fn moment(moment: Timestamp) -> String {
    let mut text = String::new();
    put_moment(&mut text, moment);
    text
}

fn put_moment(text: &mut String, moment: Timestamp) {
    if (Timestamp::MIN..=Timestamp::MAX).contains(&moment) {
        json::put_moment(text, moment);
    } else {
        text.push_str(&moment.micros().to_string());
        text.push_str("us");
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
        let mut row = Cells::default();
        surroundings.put(&recorded, "hash", &mut row);
        let cells: Vec<&str> = row.iter().collect();
        assert_eq!(cells.len(), columns.len());
        let cell = |name| cells[columns.iter().position(|column| *column == name).unwrap()];
        assert_eq!((cell("body"), cell("is_hit")), ("words", "1"));
        assert_eq!((cell("sha256"), cell("leaf_index")), ("hash", "0"));
        assert_eq!(cell("sent_at_utc"), "2023-11-14T22:13:21.000000Z");
        (recorded.event.actor, recorded.event.place) = (None, None);
        surroundings.put(&recorded, "", &mut row);
        assert_eq!(row.iter().count(), columns.len());
    }
}
