//! What is asked of a search, and what it answers.

use index::{Order, Snapshot};
use query::analysis::Part;
use query::{Match, Query, Zone};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::{Actor, Event, File, Room};
use crate::api::whole_number;
use crate::auth::secret::hex;
use crate::problem::{Kind, Problem, Result};

/// A search as it arrives.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The query; an empty one finds everything.
    pub(crate) q: Option<String>,
    /// `newest`, `oldest` or `score`.
    pub(crate) order: Option<String>,
    /// Hits of a page; 0 only counts.
    #[serde(default, deserialize_with = "whole_number")]
    pub(crate) limit: Option<usize>,
    /// Events of the room to show on either side of a hit.
    #[serde(default, deserialize_with = "whole_number")]
    pub(crate) context: Option<usize>,
    /// `next` of the page before.
    pub(crate) cursor: Option<String>,
    /// An earlier snapshot's id.
    pub(crate) snapshot: Option<String>,
    /// Zone of dates in the query.
    pub(crate) zone: Option<String>,
}

/// What a search found.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Answer {
    /// The query as typed.
    pub(crate) query: String,
    /// The query as understood, dates as ranges.
    pub(crate) interpreted: String,
    /// The state that was searched.
    pub(crate) snapshot: State,
    /// All matches, exactly.
    pub(crate) count: u64,
    /// The matches of this page.
    pub(crate) hits: Vec<Hit>,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
    /// What the search could not look into.
    pub(crate) not_searched: NotSearched,
    /// How many hits of this page have been destroyed since.
    pub(crate) destroyed_since: u64,
    /// Names that nobody has, with the nearest one.
    pub(crate) warnings: Vec<String>,
    /// How long it took.
    pub(crate) took_ms: f64,
}

/// A state of the log.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct State {
    /// What to give back to search it again.
    pub(crate) id: String,
    /// Events.
    pub(crate) size: u64,
    /// Root of the tree over them.
    pub(crate) root: String,
}

/// One match.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Hit {
    /// Its place in the log.
    pub(crate) seq: u64,
    /// How it is cited.
    pub(crate) event_id: String,
    /// The word for its kind.
    pub(crate) kind: &'static str,
    /// When it happened.
    pub(crate) at: String,
    /// The name of its source.
    pub(crate) source: Option<String>,
    /// Its room.
    pub(crate) room: Option<Room>,
    /// Who did it.
    pub(crate) actor: Option<Actor>,
    /// The words.
    pub(crate) text: Option<String>,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    /// Names of its files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<String>,
    /// Its files, with what is held of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) attachments: Vec<File>,
    /// What a ledger event did: its verb and its facts by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) act: Option<Value>,
    /// Half-open ranges of code points in `text`.
    pub(crate) highlights: Vec<[usize; 2]>,
    /// Half-open ranges of code points in other parts that the match lies in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) highlights_in: Vec<InPart>,
    /// Events of the room before it, oldest first, where context was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) before: Vec<Event>,
    /// Events of the room after it, oldest first, where context was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) after: Vec<Event>,
}

/// What a match covers of a part other than the text.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct InPart {
    /// `title`, `topic` or `file`.
    pub(crate) part: &'static str,
    /// The number of the file, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<usize>,
    /// Half-open ranges of code points.
    pub(crate) ranges: Vec<[usize; 2]>,
}

/// What a search did not look into.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct NotSearched {
    /// Events with attachments whose text is not extracted.
    pub(crate) attachments_without_text: u64,
    /// Records in quarantine.
    pub(crate) quarantined: u64,
}

impl NotSearched {
    /// Returns what the API says of it.
    pub(crate) const fn of(counted: index::NotSearched) -> Self {
        let index::NotSearched { attachments_without_text, quarantined } = counted;
        Self { attachments_without_text, quarantined }
    }
}

impl Answer {
    /// Returns how many events are shown beside the hits.
    pub(crate) fn neighbours(&self) -> u64 {
        let count = self.hits.iter().map(|hit| hit.before.len() + hit.after.len()).sum::<usize>();
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

impl Hit {
    /// Returns a hit that shows this event.
    pub(crate) fn of(event: Event, matched: Match) -> Self {
        Self {
            seq: event.seq,
            event_id: event.event_id,
            kind: event.kind,
            at: event.at,
            source: event.source,
            room: event.room,
            actor: event.actor,
            text: event.text,
            title: event.title,
            files: event.attachments.iter().map(|file| file.name.clone()).collect(),
            attachments: event.attachments,
            act: event.act,
            highlights: pairs(matched.highlights),
            highlights_in: matched.elsewhere.into_iter().filter_map(InPart::of).collect(),
            before: Vec::new(),
            after: Vec::new(),
        }
    }

    /// Returns what the match covers of the title, or of the name of a file.
    pub(crate) fn covered(&self, part: &str, number: Option<usize>) -> &[[usize; 2]] {
        let found = self.highlights_in.iter().find(|one| one.part == part && one.number == number);
        found.map(|found| found.ranges.as_slice()).unwrap_or_default()
    }
}

fn pairs(ranges: Vec<(usize, usize)>) -> Vec<[usize; 2]> {
    ranges.into_iter().map(|(start, end)| [start, end]).collect()
}

impl InPart {
    fn of((part, ranges): (Part, Vec<(usize, usize)>)) -> Option<Self> {
        let (part, number) = match part {
            Part::Title => ("title", None),
            Part::Topic => ("topic", None),
            Part::FileName(number) => ("file", Some(number)),
            Part::Text => return None,
        };
        Some(Self { part, number, ranges: pairs(ranges) })
    }
}

impl State {
    /// Returns a snapshot as the API shows it.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let root = hex(&snapshot.root);
        let id = format!("{}-{}-{root}", snapshot.size, snapshot.analysis);
        Self { id, size: snapshot.size, root }
    }

    /// Reads a snapshot back from its id.
    pub(crate) fn parse(id: &str) -> Result<Snapshot> {
        let read = || {
            let mut parts = id.splitn(3, '-');
            let size = parts.next()?.parse().ok()?;
            let analysis = parts.next()?.parse().ok()?;
            let root: chat::FileId = parts.next()?.parse().ok()?;
            Some(Snapshot { size, root: *root.as_bytes(), analysis })
        };
        read().ok_or_else(|| {
            Problem::new(
                Kind::BadRequest,
                format!("{id:?} is no snapshot; give back `snapshot.id` of a search"),
            )
        })
    }
}

/// Reads a query; the problem names the column and shows an example.
pub(crate) fn parse(text: &str, zone: &str) -> Result<Query> {
    let zone = Zone::named(zone).map_err(|error| Problem::of(Kind::BadRequest, &error))?;
    Query::parse(text, &zone).map_err(|error| Problem::bad_query(&error))
}

/// Reads the word for an order.
pub(crate) fn order(word: Option<&str>) -> Result<Order> {
    match word {
        None | Some("newest") => Ok(Order::Newest),
        Some("oldest") => Ok(Order::Oldest),
        Some("score") => Ok(Order::Score),
        Some(other) => Err(Problem::new(
            Kind::BadRequest,
            format!("order {other:?} is none of newest, oldest, score"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_reads_back_from_its_id() {
        let snapshot = Snapshot { size: 12, root: [7; 32], analysis: 1 };
        assert_eq!(State::parse(&State::of(&snapshot).id).unwrap(), snapshot);
        for id in ["", "1-2", "1-2-zz", "x-1-00"] {
            assert!(State::parse(id).is_err(), "{id}");
        }
    }
}
