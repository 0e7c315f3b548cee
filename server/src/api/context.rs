//! What surrounds exported events: context rows, and the events that say something about the rows.
//!
//! The log is asked by room and kind, over headers alone: what it costs grows with the rooms and days of the hits, and not
//! with the log.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::str::FromStr;

use archive::headers::Sought;
use archive::proof::Header;
use archive::proof::header::{ROLE_PLACE, ROLE_TARGET};
use chat::{EventKind, Lane, Recorded, RoomId, Seq};
use index::Scope;

use crate::problem::{Kind, Problem, Result};
use crate::wiring::Appliance;

/// Events read at a time.
const BATCH_EVENTS: usize = 8_192;
/// Neighbours on either side that may be asked for.
const NEIGHBOURS_MAX: u64 = 1_000;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Kinds that say who was in a room. Of a room's own declaration only what names members counts.
const PRESENCE: [EventKind; 5] =
    [EventKind::Join, EventKind::Leave, EventKind::Kick, EventKind::Member, EventKind::Room];
/// Kinds that change or take back an earlier event.
const CHANGES: [EventKind; 3] = [EventKind::Edit, EventKind::Retract, EventKind::Replace];

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

/// What a look around the hits gave.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// Hits and context, ascending.
    pub(super) rows: Vec<Seq>,
    /// Edits and retractions of the rows, and who entered, left or belonged to their rooms, ascending; rows are not among
    /// them.
    pub(super) related: Vec<Seq>,
}

/// Looks in the log up to `size` for what surrounds the hits.
pub(super) fn look(
    shared: &Appliance,
    scope: &Scope,
    (hits, context): (&[Seq], Context),
    size: u64,
) -> Result<Surroundings> {
    let wanted = Wanted::of(shared, hits, context)?;
    let mut rows: BTreeSet<Seq> = hits.iter().copied().collect();
    wanted.add_context(shared, context, size, &mut rows)?;
    keep_within(shared, scope, &mut rows)?;
    // The query found them within the scope: one that is destroyed meanwhile stays a row that says so.
    rows.extend(hits);
    let (Some(first), Some(until)) = (rows.first().copied(), Seq::new(size)) else {
        return Ok(Surroundings::default());
    };
    let rooms = Some(&wanted.rooms);
    let mut related: BTreeSet<Seq> = BTreeSet::new();
    let sought = Sought { rooms, kinds: Some(&PRESENCE), from: Seq::FIRST, until };
    let mut declared = Vec::new();
    each(shared, &sought, |seq, header| {
        if header.kind == EventKind::Room.code() {
            declared.push(seq);
        } else {
            related.insert(seq);
        }
    })?;
    related.extend(naming_members(shared, &declared)?);
    // An edit comes after what it edits, so one pass in order follows a chain of edits to its end.
    let from = related.first().copied().map_or(first, |earliest| earliest.min(first));
    let sought = Sought { rooms, kinds: Some(&CHANGES), from, until };
    each(shared, &sought, |seq, header| {
        if target_of(header).is_some_and(|to| rows.contains(&to) || related.contains(&to)) {
            related.insert(seq);
        }
    })?;
    keep_within(shared, scope, &mut related)?;
    let related = related.difference(&rows).copied().collect();
    Ok(Surroundings { rows: rows.into_iter().collect(), related })
}

/// Leaves out what the caller may not see: what surrounds a hit is found by room, and a scope may end within one.
fn keep_within(shared: &Appliance, scope: &Scope, seqs: &mut BTreeSet<Seq>) -> Result<()> {
    if scope.is_everything() {
        return Ok(());
    }
    let all: Vec<_> = std::mem::take(seqs).into_iter().collect();
    for chunk in all.chunks(BATCH_EVENTS) {
        let events = shared.archive.read_many(chunk)?;
        let seen = events.iter().flatten().filter(|recorded| scope.covers_event(recorded));
        seqs.extend(seen.map(|recorded| recorded.seq));
    }
    Ok(())
}

/// Goes over the headers that are sought.
fn each(shared: &Appliance, sought: &Sought<'_>, mut take: impl FnMut(Seq, &Header)) -> Result<()> {
    shared.archive.headers(sought, &mut |header| {
        if let Some(seq) = Seq::new(header.seq) {
            take(seq, header);
        }
        ControlFlow::Continue(())
    })?;
    Ok(())
}

/// Returns those declarations of rooms that name members.
fn naming_members(shared: &Appliance, declared: &[Seq]) -> Result<Vec<Seq>> {
    let mut naming = Vec::new();
    for chunk in declared.chunks(BATCH_EVENTS) {
        for recorded in shared.archive.read_many(chunk)?.into_iter().flatten() {
            let act = recorded.event.content.act.as_ref();
            if act.is_some_and(|act| act.facts.contains_key("members")) {
                naming.push(recorded.seq);
            }
        }
    }
    Ok(naming)
}

fn target_of(header: &Header) -> Option<Seq> {
    let id = header.id(ROLE_TARGET)?;
    Seq::new(u64::try_from(u128::from_be_bytes(*id)).ok()?)
}

fn room_of(header: &Header) -> Option<RoomId> {
    header.id(ROLE_PLACE).map(|id| RoomId::from_bytes(*id))
}

/// By what an event is recognised as context of a hit.
#[derive(Debug, Default)]
struct Wanted {
    rooms: HashSet<RoomId>,
    threads: HashSet<(RoomId, String)>,
    days: HashSet<(RoomId, i64)>,
    /// Hits by room, with their places in it.
    places: HashMap<RoomId, BTreeMap<u64, Seq>>,
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
                self.days.insert((room, day_of(recorded.event.at.micros())));
            }
            Context::Neighbours(_) => {
                if let Some(place) = recorded.place_seq.map(chat::PlaceSeq::get) {
                    self.places.entry(room).or_default().insert(place, recorded.seq);
                }
            }
        }
    }

    /// Adds the rows around the hits.
    fn add_context(
        &self,
        shared: &Appliance,
        context: Context,
        size: u64,
        rows: &mut BTreeSet<Seq>,
    ) -> Result<()> {
        let Some(until) = Seq::new(size) else { return Ok(()) };
        match context {
            Context::Alone => Ok(()),
            Context::Day => {
                let rooms: HashSet<_> = self.days.iter().map(|(room, _)| *room).collect();
                let sought = Sought { rooms: Some(&rooms), kinds: None, from: Seq::FIRST, until };
                each(shared, &sought, |seq, header| {
                    let day = room_of(header).map(|room| (room, day_of(header.at)));
                    if header.lane() == Lane::Talk
                        && day.is_some_and(|day| self.days.contains(&day))
                    {
                        rows.insert(seq);
                    }
                })
            }
            Context::Thread => self.add_threads(shared, until, rows),
            Context::Neighbours(count) => {
                let mut places = self.places.iter();
                places.try_for_each(|(room, hits)| {
                    add_near(shared, *room, hits, (count, until), rows)
                })
            }
        }
    }

    /// Threads are content, so the events of their rooms are read, some thousand at a time.
    fn add_threads(&self, shared: &Appliance, until: Seq, rows: &mut BTreeSet<Seq>) -> Result<()> {
        let rooms: HashSet<_> = self.threads.iter().map(|(room, _)| *room).collect();
        let mut from = Seq::FIRST;
        loop {
            let sought = Sought { rooms: Some(&rooms), kinds: None, from, until };
            let mut batch = Vec::new();
            shared.archive.headers(&sought, &mut |header| {
                batch.extend(Seq::new(header.seq).filter(|_| header.lane() == Lane::Talk));
                if batch.len() < BATCH_EVENTS {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })?;
            let Some(last) = batch.last() else { return Ok(()) };
            from = last.next();
            for recorded in shared.archive.read_many(&batch)?.into_iter().flatten() {
                let Some(room) = recorded.event.place.map(|place| place.room) else { continue };
                let thread = recorded.event.content.thread;
                if thread.is_some_and(|thread| self.threads.contains(&(room, thread))) {
                    rows.insert(recorded.seq);
                }
            }
        }
    }
}

/// Adds so many neighbours on either side of each hit of a room: backwards along the room's chain, forwards along its
/// headers. Hits whose neighbourhoods touch are walked through together.
fn add_near(
    shared: &Appliance,
    room: RoomId,
    hits: &BTreeMap<u64, Seq>,
    (count, until): (u64, Seq),
    rows: &mut BTreeSet<Seq>,
) -> Result<()> {
    let rooms = HashSet::from([room]);
    let mut reached = 0;
    for (&place, &hit) in hits {
        let (first, last) =
            (place.saturating_sub(count).max(reached + 1), place.saturating_add(count));
        let mut before = hit;
        for _ in first..place {
            let Some(previous) = shared.archive.read(before)?.and_then(|event| event.place_prev)
            else {
                break;
            };
            before = previous;
        }
        let sought = Sought { rooms: Some(&rooms), kinds: None, from: before, until };
        shared.archive.headers(&sought, &mut |header| {
            if header.place_seq > last {
                return ControlFlow::Break(());
            }
            rows.extend(Seq::new(header.seq).filter(|_| header.lane() == Lane::Talk));
            ControlFlow::Continue(())
        })?;
        reached = last;
    }
    Ok(())
}

fn day_of(micros: i64) -> i64 {
    micros.div_euclid(MICROS_PER_DAY)
}
