//! What surrounds exported events: context rows, and the events that say something about the rows.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::str::FromStr;

use chat::{EventKind, Lane, Recorded, RoomId, Seq};

use crate::problem::{Kind, Problem, Result};
use crate::wiring::Appliance;

/// Events read at a time.
const BATCH_EVENTS: usize = 8_192;
/// Neighbours on either side that may be asked for.
const NEIGHBOURS_MAX: u64 = 1_000;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Which events around the hits become rows too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// None.
    Alone,
    /// All of the hit's thread.
    Thread,
    /// All of the hit's room on its day (UTC).
    Day,
    /// So many events of the room on either side.
    Neighbours(u64),
}

impl FromStr for Context {
    type Err = Problem;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "none" => Ok(Self::Alone),
            "thread" => Ok(Self::Thread),
            "day" => Ok(Self::Day),
            number => {
                let count = number.parse().ok().filter(|count| *count <= NEIGHBOURS_MAX);
                count.map(Self::Neighbours).ok_or_else(|| {
                    let detail = format!(
                        "context {word:?} is none of none, thread, day, 0 to {NEIGHBOURS_MAX}"
                    );
                    Problem::new(Kind::BadRequest, detail)
                })
            }
        }
    }
}

/// What a look through the log gave.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// Hits and context, ascending.
    pub(super) rows: Vec<Seq>,
    /// Edits and retractions of the rows, entries and leavings of their rooms, ascending; rows are not among them.
    pub(super) related: Vec<Seq>,
}

/// Looks once through the log up to `size` for what surrounds the hits.
pub(super) fn look(
    shared: &Appliance,
    hits: &[Seq],
    context: Context,
    size: u64,
) -> Result<Surroundings> {
    let wanted = Wanted::of(shared, hits, context)?;
    let mut rows: BTreeSet<Seq> = hits.iter().copied().collect();
    let mut presence = Vec::new();
    let mut changes = Vec::new();
    let mut tail = shared.archive.tail(Seq::FIRST);
    'log: loop {
        let batch = tail.next_batch(BATCH_EVENTS)?;
        if batch.is_empty() {
            break;
        }
        for recorded in &batch {
            if recorded.seq.get() > size {
                break 'log;
            }
            if recorded.lane() == Lane::Talk && wanted.is_context(recorded) {
                rows.insert(recorded.seq);
            }
            if is_presence(recorded.event.kind) && wanted.is_of_room(recorded) {
                presence.push(recorded.seq);
            }
            if is_change(recorded.event.kind) {
                changes.extend(recorded.event.target.map(|target| (target, recorded.seq)));
            }
        }
    }
    let mut related: BTreeSet<Seq> = presence.into_iter().collect();
    // An edit comes after what it edits, so one pass in order follows a chain of edits to its end.
    for (target, change) in changes {
        if rows.contains(&target) || related.contains(&target) {
            related.insert(change);
        }
    }
    let related = related.difference(&rows).copied().collect();
    Ok(Surroundings { rows: rows.into_iter().collect(), related })
}

const fn is_presence(kind: EventKind) -> bool {
    matches!(kind, EventKind::Join | EventKind::Leave | EventKind::Kick)
}

const fn is_change(kind: EventKind) -> bool {
    matches!(kind, EventKind::Edit | EventKind::Retract | EventKind::Replace)
}

/// By what an event is recognised as context of a hit.
#[derive(Debug, Default)]
struct Wanted {
    rooms: HashSet<RoomId>,
    threads: HashSet<(RoomId, String)>,
    days: HashSet<(RoomId, i64)>,
    /// Ranges of places in a room, by first place; they may overlap.
    places: HashMap<RoomId, BTreeMap<u64, u64>>,
}

impl Wanted {
    fn of(shared: &Appliance, hits: &[Seq], context: Context) -> Result<Self> {
        let mut wanted = Self::default();
        for chunk in hits.chunks(BATCH_EVENTS) {
            for recorded in shared.archive.read_many(chunk)?.iter().flatten() {
                wanted.add(recorded, context);
            }
        }
        Ok(wanted)
    }

    fn add(&mut self, recorded: &Recorded, context: Context) {
        let Some(room) = recorded.event.place.as_ref().map(|place| place.room) else { return };
        self.rooms.insert(room);
        match context {
            Context::Alone => {}
            Context::Thread => {
                if let Some(thread) = &recorded.event.content.thread {
                    self.threads.insert((room, thread.clone()));
                }
            }
            Context::Day => {
                self.days.insert((room, day_of(recorded)));
            }
            Context::Neighbours(count) => {
                if let Some(place) = recorded.place_seq.map(chat::PlaceSeq::get) {
                    let (first, last) = (place.saturating_sub(count), place.saturating_add(count));
                    let ranges = self.places.entry(room).or_default();
                    let end = ranges.entry(first).or_insert(last);
                    *end = last.max(*end);
                }
            }
        }
    }

    fn is_of_room(&self, recorded: &Recorded) -> bool {
        recorded.event.place.as_ref().is_some_and(|place| self.rooms.contains(&place.room))
    }

    fn is_context(&self, recorded: &Recorded) -> bool {
        let Some(room) = recorded.event.place.as_ref().map(|place| place.room) else {
            return false;
        };
        let in_thread = recorded.event.content.thread.as_ref().is_some_and(|thread| {
            !self.threads.is_empty() && self.threads.contains(&(room, thread.clone()))
        });
        let is_near = || {
            let place = recorded.place_seq.map(chat::PlaceSeq::get)?;
            let ranges = self.places.get(&room)?;
            // All ranges are equally long, so the last one that begins here or before reaches farthest.
            ranges.range(..=place).next_back().map(|(_, last)| *last >= place)
        };
        in_thread || self.days.contains(&(room, day_of(recorded))) || is_near() == Some(true)
    }
}

fn day_of(recorded: &Recorded) -> i64 {
    recorded.event.at.micros().div_euclid(MICROS_PER_DAY)
}
