//! The exact table, `csv/exact/messages.csv`: one row an event, values as they are. For machines: no guard, no cut.
//!
//! Every cell is a function of the event's canonical line, of what the package's other events say about it, and of the
//! lists in the manifest. So whoever has the package can make the table again and compare bytes.

use std::collections::BTreeMap;

use archive::proof::Digest;
use archive::proof::header::{ROLE_ACTOR, ROLE_PLACE, ROLE_SOURCE};
use chat::{
    ArchiveId, Attachment, ChatEvent, Custody, PersonId, Recorded, RoomId, Seq, SourceId, Timestamp,
};

use crate::format::copies::Copies;
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
    /// What every record's id begins with.
    pub(crate) cited: String,
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

    /// Writes both rows of an event. `line_sha256` is the hash of its canonical line, without the line feed.
    pub(crate) fn put(&self, recorded: &Recorded, line_sha256: &Digest, row: &mut Copies) {
        row.clear();
        self.put_place(recorded, row);
        put_actor(recorded, row);
        self.put_body(recorded, row);
        put_attachments(&recorded.event.content.attachments, row);
        row.plain(&self.readers.at(recorded));
        // Holds, rules, tags and page numbers: an archive of this version has none.
        row.empty::<4>();
        row.plain_with(|out| hex::put(out, line_sha256));
        row.plain_with(|out| json::put_number(out, recorded.seq.leaf_index()));
        row.text(recorded.event.content.title.as_deref().unwrap_or_default());
        if let Some(hits) = self.hits {
            row.plain(if hits.contains(recorded.seq) { "1" } else { "0" });
        }
        row.finish();
    }

    fn put_place(&self, recorded: &Recorded, row: &mut Copies) {
        let event = &recorded.event;
        let place = event.place.as_ref();
        row.plain_with(|out| self.put_record_id(out, recorded.seq));
        row.plain_with(|out| json::put_number(out, recorded.seq.get()));
        let source = event.origin.as_ref().map(|origin| origin.source);
        let source = source.or_else(|| alone(event, ROLE_SOURCE).map(SourceId::from_bytes));
        match source.map(|id| (id, self.source_names.get(&id))) {
            Some((_, Some(name))) => row.text(name),
            Some((id, None)) => row.plain_with(|out| hex::put(out, id.as_bytes())),
            None => row.empty::<1>(),
        }
        row.plain(&kind_word(event.kind));
        let room = place.map(|place| place.room);
        let room = room.or_else(|| alone(event, ROLE_PLACE).map(RoomId::from_bytes));
        put_id(row, room.as_ref().map(RoomId::as_bytes));
        row.text(place.map_or("", |place| place.name.as_str()));
        let category = room.and_then(|room| self.room_categories.get(&room));
        row.text(category.map_or("", String::as_str));
        row.text(event.content.thread.as_deref().unwrap_or_default());
        put_time(row, Some(event.at));
        // Sources give moments, not the sender's zone; both cells stay empty rather than guessed.
        row.empty::<2>();
        put_time(row, Some(recorded.recorded_at));
    }

    fn put_body(&self, recorded: &Recorded, row: &mut Copies) {
        let content = &recorded.event.content;
        let replaced = self.versions.replaced_by(recorded.seq);
        let retraction = self.versions.retraction(recorded.seq);
        row.text(content.text.as_deref().unwrap_or_default());
        match self.versions.version(recorded) {
            Some(number) => row.plain_with(|out| json::put_number(out, u64::from(number))),
            None => row.plain("unknown"),
        }
        match replaced {
            Some((seq, _)) => row.plain_with(|out| self.put_record_id(out, seq)),
            None => row.empty::<1>(),
        }
        put_time(row, content.edited_at.or(replaced.map(|(_, at)| at)));
        put_time(row, retraction.map(|retraction| retraction.at));
        row.text(retraction.map_or("", |retraction| retraction.by.as_str()));
    }

    fn put_record_id(&self, out: &mut Vec<u8>, seq: Seq) {
        out.extend_from_slice(self.cited.as_bytes());
        json::put_number(out, seq.get());
    }

    pub(crate) fn record_id(&self, seq: Seq) -> String {
        format!("{}{seq}", self.cited)
    }
}

/// Returns what the ids of all records of an archive begin with.
pub(crate) fn cited(archive: ArchiveId) -> String {
    hex::write(archive.as_bytes()) + "/"
}

fn put_id(row: &mut Copies, id: Option<&[u8; 16]>) {
    match id {
        Some(id) => row.plain_with(|out| hex::put(out, id)),
        None => row.empty::<1>(),
    }
}

/// Adds a moment. One that no calendar has may begin with a sign, as a formula does.
fn put_time(row: &mut Copies, time: Option<Timestamp>) {
    match time {
        Some(time) if is_of_calendar(time) => row.plain_with(|out| json::put_moment(out, time)),
        Some(time) => row.text(&moment(time)),
        None => row.empty::<1>(),
    }
}

fn put_actor(recorded: &Recorded, row: &mut Copies) {
    let actor = recorded.event.actor.as_ref();
    let id = actor.map(|actor| actor.id);
    let id = id.or_else(|| alone(&recorded.event, ROLE_ACTOR).map(PersonId::from_bytes));
    put_id(row, id.as_ref().map(PersonId::as_bytes));
    row.text(actor.map_or("", |actor| actor.name.as_str()));
    row.text(actor.and_then(|actor| actor.email.as_deref()).unwrap_or_default());
    row.plain(if id.is_some() { "unknown" } else { "" });
}

/// Returns an id of the header whose name is not shown.
fn alone(event: &ChatEvent, role: u8) -> Option<[u8; 16]> {
    event.other_ids.iter().find(|(at, _)| *at == role).map(|(_, id)| *id)
}

/// Ids are separated by `;`. Names may hold any character, so they stand as a JSON list.
fn put_attachments(attachments: &[Attachment], row: &mut Copies) {
    if attachments.is_empty() {
        return row.empty::<2>();
    }
    row.plain_with(|out| {
        for (at, attachment) in attachments.iter().enumerate() {
            if at > 0 {
                out.push(b';');
            }
            match &attachment.custody {
                Custody::Held { file, .. } => hex::put(out, file.as_bytes()),
                Custody::Missing { .. } => out.extend_from_slice(b"missing"),
            }
        }
    });
    let mut names = Vec::new();
    json::put_list(&mut names, attachments.iter(), |out, file| json::put_text(out, &file.name));
    row.text(&String::from_utf8(names).expect("JSON of texts is text"));
}

/// Returns a moment with six decimals; outside of the years 1 to 9999, its microseconds.
pub(crate) fn moment(moment: Timestamp) -> String {
    if !is_of_calendar(moment) {
        return format!("{}us", moment.micros());
    }
    let mut text = Vec::new();
    json::put_moment(&mut text, moment);
    String::from_utf8(text).expect("digits and signs are ASCII")
}

fn is_of_calendar(moment: Timestamp) -> bool {
    (Timestamp::MIN..=Timestamp::MAX).contains(&moment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat::testing::message;

    fn cells_of(row: &Copies) -> Vec<String> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(row.exact());
        let record = reader.records().next().unwrap().unwrap();
        record.iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_row_has_a_cell_for_every_column() {
        let hits = SeqRanges::of(&[Seq::FIRST]);
        let (sources, rooms) = (BTreeMap::new(), BTreeMap::new());
        let (versions, readers) = (Versions::default(), Readers::default());
        let surroundings = Surroundings {
            cited: cited(ArchiveId::from_bytes([7; 16])),
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
        let mut row = Copies::default();
        surroundings.put(&recorded, &[0xab; 32], &mut row);
        let cells = cells_of(&row);
        assert_eq!(cells.len(), columns.len());
        let cell =
            |name| cells[columns.iter().position(|column| *column == name).unwrap()].as_str();
        assert_eq!((cell("body"), cell("is_hit")), ("words", "1"));
        assert_eq!((cell("sha256"), cell("leaf_index")), ("ab".repeat(32).as_str(), "0"));
        assert_eq!(cell("sent_at_utc"), "2023-11-14T22:13:21.000000Z");
        (recorded.event.actor, recorded.event.place) = (None, None);
        surroundings.put(&recorded, &[0; 32], &mut row);
        assert_eq!(cells_of(&row).len(), columns.len());
    }
}
