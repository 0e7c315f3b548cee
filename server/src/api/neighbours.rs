//! What stands beside an event in its room, and which later events changed it.
//!
//! A room is a chain: every event names the one before it (`place_prev`). Back is a walk along it. Ahead, the index names
//! an event of the room a little further on, and the chain from there back to where we stand is exactly what lies
//! between: whatever the index left out is on it. Where the caller may not see all of the room, the chain would lead past
//! what is not theirs: then the index alone names the neighbours, on both sides, within the scope.

use std::fmt::Write as _;

use chat::{EventKind, Recorded, RoomId, Seq};
use index::{Scope, Snapshot};
use query::{Mark, Marks as _, Query, Zone};
use serde_json::{Map, Value};

use crate::problem::{Problem, Result};
use crate::wiring::Appliance;

/// Events of the log in which the first entry ahead is looked for; four times as many with each further try.
const WINDOW_EVENTS: u64 = 256;
/// Changes of one room that are read at a time.
const BATCH_EVENTS: usize = 4_096;

/// Acts that say what is new alone, and the facts of them that an earlier act of the room gave.
const CHANGES: &[(&str, &[&str])] = &[
    ("room-changed", &["category", "kind"]),
    ("members-named", &["members"]),
    ("room-language", &["language"]),
];

/// What is looked at: one state of the log, as far as the caller may see it.
pub(super) struct Vicinity<'a> {
    shared: &'a Appliance,
    scope: &'a Scope,
    snapshot: Snapshot,
}

impl<'a> Vicinity<'a> {
    /// Looks from the newest state.
    pub(super) fn of(shared: &'a Appliance, scope: &'a Scope) -> Self {
        Self { shared, scope, snapshot: shared.index.newest() }
    }

    /// Returns what is open.
    pub(super) const fn shared(&self) -> &'a Appliance {
        self.shared
    }

    /// Returns whether an event is there for the caller.
    pub(super) fn covers(&self, recorded: &Recorded) -> bool {
        self.scope.covers_event(recorded)
    }

    /// Returns up to `count` events of the room before this one, oldest first.
    pub(super) fn before(&self, recorded: &Recorded, count: usize) -> Result<Vec<Recorded>> {
        if !self.scope.is_everything() {
            return self.seen_before(recorded, count);
        }
        let mut found = Vec::new();
        let mut previous = recorded.place_prev;
        while found.len() < count {
            let Some(seq) = previous else { break };
            let Some(recorded) = self.shared.archive.read(seq)? else { break };
            previous = recorded.place_prev;
            found.push(recorded);
        }
        found.reverse();
        Ok(found)
    }

    /// Returns the same within a scope, by looking back in the index ever further.
    fn seen_before(&self, recorded: &Recorded, count: usize) -> Result<Vec<Recorded>> {
        let room = recorded.event.place.as_ref().map(|place| place.room);
        let Some(room) = room.filter(|_| count > 0) else { return Ok(Vec::new()) };
        let last = recorded.seq.get().saturating_sub(1);
        let mut window = WINDOW_EVENTS;
        loop {
            let first = last.saturating_sub(window).saturating_add(1);
            let entries = self.within(room, &kinds_shown(), first, last)?;
            if entries.len() >= count || first == 1 {
                return self.read(&entries[entries.len().saturating_sub(count)..]);
            }
            window = window.saturating_mul(4);
        }
    }

    fn read(&self, seqs: &[Seq]) -> Result<Vec<Recorded>> {
        Ok(self.shared.archive.read_many(seqs)?.into_iter().flatten().collect())
    }

    /// Returns up to `count` events of the room after this one, oldest first.
    pub(super) fn after(&self, recorded: &Recorded, count: usize) -> Result<Vec<Recorded>> {
        let room = recorded.event.place.as_ref().map(|place| place.room);
        let (Some(room), Some(most)) = (room, count.checked_sub(1)) else { return Ok(Vec::new()) };
        let kinds = kinds_shown();
        let mut window = WINDOW_EVENTS;
        let entries = loop {
            let last = recorded.seq.get().saturating_add(window).min(self.snapshot.size);
            let entries = self.find(room, &kinds, recorded.seq, last)?;
            if entries.len() >= count || last >= self.snapshot.size {
                break entries;
            }
            window = window.saturating_mul(4);
        };
        if !self.scope.is_everything() {
            return self.read(&entries[..entries.len().min(count)]);
        }
        let Some(entry) = entries.get(most).or(entries.last()) else { return Ok(Vec::new()) };
        self.between(recorded.seq, *entry, count)
    }

    /// Walks the chain back from an entry, and returns the first `count` events behind the start.
    fn between(&self, start: Seq, entry: Seq, count: usize) -> Result<Vec<Recorded>> {
        let mut found = Vec::new();
        let mut next = Some(entry);
        while let Some(seq) = next.filter(|seq| *seq > start) {
            let Some(recorded) = self.shared.archive.read(seq)? else { break };
            next = recorded.place_prev;
            if is_shown(recorded.event.kind) {
                found.push(recorded);
            }
        }
        found.reverse();
        found.truncate(count);
        Ok(found)
    }

    /// Returns the later versions of an event, at most `max`, oldest first. An event without a mark has none.
    pub(super) fn versions(&self, recorded: &Recorded, max: usize) -> Result<Vec<Recorded>> {
        let marks = self.shared.index.state_at(&self.snapshot)?;
        let is_changed = |seq: Seq| marks.is(seq, Mark::Edited) || marks.is(seq, Mark::Retracted);
        let room = recorded.event.place.as_ref().map(|place| place.room);
        let Some(room) = room.filter(|_| is_changed(recorded.seq)) else { return Ok(Vec::new()) };
        let kinds = [EventKind::Edit, EventKind::Retract, EventKind::Replace];
        let changes = self.find(room, &kinds, recorded.seq, self.snapshot.size)?;
        let mut chain = vec![recorded.seq];
        let mut later = Vec::new();
        for batch in changes.chunks(BATCH_EVENTS) {
            for change in self.shared.archive.read_many(batch)?.into_iter().flatten() {
                if later.len() == max || !chain.iter().any(|seq| is_changed(*seq)) {
                    return Ok(later);
                }
                if change.event.target.is_some_and(|target| chain.contains(&target)) {
                    chain.push(change.seq);
                    later.push(change);
                }
            }
        }
        Ok(later)
    }

    /// Returns what the facts of a room's ledger event were before it, by name. Facts that no earlier event of the room
    /// gave are absent, and so are those of an act that says both sides itself.
    pub(super) fn former(&self, recorded: &Recorded) -> Result<Map<String, Value>> {
        let mut former = Map::new();
        let content = &recorded.event.content;
        let room = recorded.event.place.as_ref().map(|place| place.room);
        let (Some(room), Some(act)) = (room, &content.act) else { return Ok(former) };
        let changed = CHANGES.iter().find(|(verb, _)| *verb == act.verb).map(|(_, facts)| *facts);
        let Some(changed) = changed else { return Ok(former) };
        let kinds = [EventKind::Room, EventKind::Member];
        let last = recorded.seq.get().saturating_sub(1);
        let mut earlier = self.within(room, &kinds, 1, last)?;
        earlier.reverse();
        let mut wanted: Vec<_> =
            changed.iter().filter(|name| act.facts.contains_key(**name)).collect();
        for batch in earlier.chunks(BATCH_EVENTS) {
            for event in self.shared.archive.read_many(batch)?.into_iter().flatten() {
                let Some(act) = event.event.content.act else { continue };
                wanted.retain(|name| match act.facts.get(**name) {
                    Some(fact) => {
                        former.insert((**name).to_owned(), crate::wire::event::fact(fact));
                        false
                    }
                    None => true,
                });
                if wanted.is_empty() {
                    return Ok(former);
                }
            }
        }
        Ok(former)
    }

    /// Returns the events of these kinds in a room, after one place in the log and up to another, ascending.
    fn find(&self, room: RoomId, kinds: &[EventKind], after: Seq, last: u64) -> Result<Vec<Seq>> {
        self.within(room, kinds, after.next().get(), last)
    }

    fn within(&self, room: RoomId, kinds: &[EventKind], first: u64, last: u64) -> Result<Vec<Seq>> {
        if first > last {
            return Ok(Vec::new());
        }
        let mut text = format!("room:{room} seq:{first}..{last} (");
        for (number, kind) in kinds.iter().enumerate() {
            let or = if number > 0 { " OR " } else { "" };
            write!(text, "{or}kind:{}", kind.word()).expect("a String takes every write");
        }
        text.push(')');
        let query = Query::parse(&text, &Zone::Utc).map_err(|error| Problem::bad_query(&error))?;
        let mut seqs = self.shared.index.seqs(&query, self.scope, &self.snapshot)?;
        seqs.sort_unstable();
        Ok(seqs)
    }
}

fn kinds_shown() -> Vec<EventKind> {
    EventKind::KNOWN.iter().copied().filter(|kind| is_shown(*kind)).collect()
}

/// An officer's act is shown by `audit` alone.
fn is_shown(kind: EventKind) -> bool {
    kind != EventKind::Officer
}
