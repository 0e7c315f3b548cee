//! Entries and leavings in the lists of the index: for `participant:`, whose steps a search looks up as it needs them.
//!
//! An archive may hold millions of entries, so they are not kept in memory: each is a document with a record of whose it is
//! and where, and a person's are found by the beginning of that record. Their times and places in the log are columns.

use std::sync::Arc;

use chat::{PersonId, Recorded, RoomId, Seq, Timestamp};
use query::known::Steps;
use query::{Known, Presence, Stay, Step, Turn};
use tantivy::DocSet as _;
use tantivy::index::SegmentReader;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, TERMINATED, Term};

use crate::columns::{Columns, ColumnsBySegment};
use crate::error::{Error, Result};
use crate::settled::Settle;
use crate::shared::Sight;
use crate::view::View;

/// The last byte of the record of an entry.
const ENTERED: u8 = b'+';
/// The last byte of the record of a leaving.
const LEFT: u8 = b'-';

/// Returns the record of a step: the ids of person and room, then whether it is an entry.
pub(crate) fn record(recorded: &Recorded) -> Option<Vec<u8>> {
    let (person, room, step) = Step::of(recorded)?;
    let last = if step.turn == Turn::Entered { ENTERED } else { LEFT };
    Some([person.as_bytes().as_slice(), room.as_bytes(), &[last]].concat())
}

/// Reads a record's room and turn.
fn read(record: &[u8]) -> Option<(RoomId, Turn)> {
    let (_, rest) = record.split_first_chunk::<16>()?;
    let (room, last) = rest.split_first_chunk()?;
    let turn = if last == [ENTERED] { Turn::Entered } else { Turn::Left };
    Some((RoomId::from_bytes(*room), turn))
}

/// Returns where someone of this name was when, as of the first `size` events.
pub(crate) fn presence(known: &Known, name: &str, sight: &Sight, size: u64) -> Result<Presence> {
    known.presence(name, size, &mut |person| {
        let mut steps = Steps::new();
        committed(&sight.view, person, size, &mut steps)
            .map_err(Error::engine("read who entered and left"))?;
        let recent = sight.recent.iter().filter_map(|event| event.step);
        for (_, room, step) in recent.filter(|(of, _, _)| of == person) {
            steps.entry(room).or_default().push(step);
        }
        Ok(steps)
    })
}

/// Collects the committed steps of a person among the first `size` events.
fn committed(view: &View, person: &PersonId, size: u64, steps: &mut Steps) -> tantivy::Result<()> {
    let person = person.as_bytes().as_slice();
    for segment in view.segments(size) {
        let records = segment.reader.inverted_index(view.fields.presence)?;
        let mut stream = records.terms().range().ge(person).into_stream()?;
        while stream.advance() && stream.key().starts_with(person) {
            let Some((room, turn)) = read(stream.key()) else { continue };
            let option = IndexRecordOption::Basic;
            let mut list = records.read_postings_from_terminfo(stream.value(), option)?;
            let of_room = steps.entry(room).or_default();
            while list.doc() != TERMINATED {
                let seq = segment.columns.seq(list.doc());
                let at = Timestamp::from_micros(segment.columns.at(list.doc()));
                of_room.extend(Seq::new(seq).filter(|_| seq <= size).map(|seq| Step {
                    at,
                    seq,
                    turn,
                }));
                list.advance();
            }
        }
    }
    Ok(())
}

/// The documents of rooms within stays. However many stays there are, a segment is gone through once: each room's list, and
/// in it each stay's run of documents, since a segment lies in order of time.
#[derive(Debug)]
pub(crate) struct WithinStays {
    /// Where the ids of rooms are.
    pub(crate) field: Field,
    /// For each room, its stays, the earliest first, none touching another.
    pub(crate) rooms: Vec<(RoomId, Vec<Stay>)>,
    /// The numbers of the segments.
    pub(crate) columns: Arc<ColumnsBySegment>,
}

impl Settle for WithinStays {
    fn settle(&self, reader: &SegmentReader) -> tantivy::Result<Vec<DocId>> {
        let columns = match self.columns.get(&reader.segment_id()) {
            Some(columns) => Arc::clone(columns),
            None => Arc::new(Columns::open(reader)?),
        };
        let by_room = reader.inverted_index(self.field)?;
        let mut docs = Vec::new();
        for (room, stays) in &self.rooms {
            let term = Term::from_field_bytes(self.field, room.as_bytes());
            let Some(mut list) = by_room.read_postings(&term, IndexRecordOption::Basic)? else {
                continue;
            };
            // The latest event is the first document, so the latest stay comes first.
            for stay in stays.iter().rev() {
                let first = stay.until.map_or(0, |until| columns.first_at_most(until.micros()));
                let end =
                    stay.from.map_or(columns.docs(), |from| columns.first_below(from.micros()));
                if list.doc() < first {
                    list.seek(first);
                }
                while list.doc() < end {
                    docs.push(list.doc());
                    list.advance();
                }
            }
        }
        // An event is in one room, so nothing is there twice.
        docs.sort_unstable();
        Ok(docs)
    }
}

#[cfg(test)]
mod tests {
    use chat::EventKind;

    use super::*;

    #[test]
    fn a_record_reads_back_and_other_kinds_have_none() {
        for (kind, expected) in [
            (EventKind::Join, Some(Turn::Entered)),
            (EventKind::Leave, Some(Turn::Left)),
            (EventKind::Kick, Some(Turn::Left)),
            (EventKind::Message, None),
        ] {
            let mut event = chat::testing::message(1, 7, 9, "");
            event.kind = kind;
            let recorded = Recorded {
                seq: Seq::FIRST,
                place_seq: None,
                place_prev: None,
                recorded_at: event.at,
                event,
            };
            let found = record(&recorded).and_then(|record| {
                assert!(record.starts_with(&[9; 16]));
                read(&record)
            });
            assert_eq!(found, expected.map(|turn| (RoomId::from_bytes([7; 16]), turn)));
        }
        assert_eq!(read(&[7; 20]), None);
    }
}
