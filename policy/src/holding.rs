//! Whole files at once: what the archive says of a range, and whether every event in it goes, or none does, without looking at one
//! of them. It is exact where it says so; where the coarse facts do not decide, it asks for each event.

use std::collections::BTreeSet;

use chat::{EventKind, Lane, PersonId, RoomId, Seq, SourceId, Timestamp};

use crate::evaluate::Grounds;
use crate::hold::LegalHold;
use crate::schedule::{RetentionClock, RetentionRule, RuleAction, RuleVersion};
use crate::scope::{Membership, RuleScope, in_any};
use crate::surroundings::Surroundings;

/// What the archive reports of the living events in one lane of a range of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The first event of the range.
    pub first: Seq,
    /// The last one.
    pub last: Seq,
    /// Which lane of it.
    pub lane: Lane,
    /// How many living events of that lane it has.
    pub events: u64,
    /// The earliest time of an event in it, on its source's clock.
    pub earliest: Timestamp,
    /// The latest.
    pub latest: Timestamp,
    /// All rooms of its events.
    pub rooms: BTreeSet<RoomId>,
    /// Whether an event in it has no room.
    pub has_placeless: bool,
    /// All kinds of its events.
    pub kinds: BTreeSet<EventKind>,
    /// All authors, where the archive knows them without reading. Nobody missing means that each event has one of them.
    pub persons: Option<BTreeSet<PersonId>>,
    /// All sources, likewise.
    pub sources: Option<BTreeSet<SourceId>>,
    /// Events in it that share their fate with one outside, or that something outside refers to.
    pub crossing: BTreeSet<Seq>,
}

/// What becomes of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sweep {
    /// Nothing of it goes now, but for the crossing ones, which are to be judged one by one.
    Keep,
    /// All of it goes, by one rule. It needs no look at any event.
    Expired {
        /// The rule.
        rule: RuleVersion,
    },
    /// The events have to be judged one by one.
    Each,
}

/// How much of a range a scope is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Share {
    Nothing,
    Some,
    All,
}

/// Returns what becomes of a range.
pub fn sweep(grounds: &Grounds<'_>, holding: &Holding) -> Sweep {
    let about = |rule: &RetentionRule| holding.share(rule, grounds.around);
    let touching = |keeps: bool| {
        let rules = grounds.schedule.rules.iter();
        rules.filter(move |rule| (rule.action == RuleAction::Keep) == keeps)
    };
    // No clock begins before the event itself, so nothing is over before the earliest one's period is.
    let soonest = |rule: &RetentionRule| rule.period.after(holding.earliest);
    let is_kept = touching(true)
        .any(|rule| about(rule) == Share::All && soonest(rule) > grounds.now)
        || touching(false).all(|rule| about(rule) == Share::Nothing || soonest(rule) > grounds.now);
    if is_kept {
        return Sweep::Keep;
    }
    let is_over = |rule: &RetentionRule| {
        let start = holding.latest_start(rule, grounds.around);
        start.is_some_and(|start| rule.period.after(start) <= grounds.now)
    };
    let mut going = touching(false).filter(|rule| about(rule) != Share::Nothing);
    let (Some(rule), None) = (going.next(), going.next()) else { return Sweep::Each };
    let goes = holding.lane == Lane::Talk
        && holding.crossing.is_empty()
        && rule.action == RuleAction::Delete
        && about(rule) == Share::All
        && is_over(rule)
        && touching(true).all(|rule| about(rule) == Share::Nothing || is_over(rule))
        && !grounds
            .holds
            .iter()
            .any(|hold| hold.binds(grounds.now) && holding.may_be_held(hold, grounds.around));
    if goes { Sweep::Expired { rule: rule.id.clone() } } else { Sweep::Each }
}

impl Holding {
    /// Returns how much of the range a rule is about: everything and nothing are certain.
    fn share(&self, rule: &RetentionRule, around: &dyn Surroundings) -> Share {
        let membership =
            if rule.action == RuleAction::Keep { Membership::Ever } else { Membership::Now };
        let RuleScope { categories, rooms, persons, kinds, sources } = &rule.scope;
        let whole =
            |axis: Share, is_whole: bool| if is_whole { axis } else { axis.min(Share::Some) };
        let of_rooms = whole(share(rooms, &self.rooms), rooms.is_empty() || !self.has_placeless);
        let in_categories: BTreeSet<RoomId> = self
            .rooms
            .iter()
            .filter(|room| in_any(categories, Some(room), membership, around))
            .copied()
            .collect();
        let of_categories = if categories.is_empty() {
            Share::All
        } else {
            whole(share(&in_categories, &self.rooms), !self.has_placeless)
                .min(if in_categories.is_empty() { Share::Nothing } else { Share::All })
        };
        let unknown = |is_free: bool| if is_free { Share::All } else { Share::Some };
        let of_persons = self
            .persons
            .as_ref()
            .map_or(unknown(persons.is_empty()), |known| share(persons, known));
        let of_sources = self
            .sources
            .as_ref()
            .map_or(unknown(sources.is_empty()), |known| share(sources, known));
        let of_kinds = share(kinds, &self.kinds);
        let axes = [of_rooms, of_categories, of_persons, of_sources, of_kinds];
        axes.into_iter().min().unwrap_or(Share::Some)
    }

    /// Returns the latest moment at which a rule's period may have begun for an event of the range, where it is known.
    fn latest_start(&self, rule: &RetentionRule, around: &dyn Surroundings) -> Option<Timestamp> {
        match &rule.clock {
            RetentionClock::EventTime => Some(self.latest),
            RetentionClock::RoomActivity if self.has_placeless => None,
            RetentionClock::RoomActivity => {
                let last = self.rooms.iter().map(|room| around.last_activity(room));
                last.collect::<Option<Vec<_>>>()?.into_iter().chain([self.latest]).max()
            }
            RetentionClock::Named(_) => None,
        }
    }

    /// Returns whether a hold may cover an event of the range: custodians and words are not asked.
    fn may_be_held(&self, hold: &LegalHold, around: &dyn Surroundings) -> bool {
        let scope = &hold.scope;
        let meets = |room: &RoomId| {
            (scope.rooms.is_empty() || scope.rooms.contains(room))
                && in_any(&scope.categories, Some(room), Membership::Ever, around)
        };
        let is_free = scope.rooms.is_empty() && scope.categories.is_empty();
        let of_source = |known: &BTreeSet<SourceId>| share(&scope.sources, known) > Share::Nothing;
        self.kinds.contains(&EventKind::Quarantined)
            || ((is_free || self.rooms.iter().any(meets))
                && scope.from.is_none_or(|from| from <= self.latest)
                && scope.until.is_none_or(|until| self.earliest < until)
                && self.sources.as_ref().is_none_or(of_source))
    }
}

/// Returns how many of the known values an axis lets through.
fn share<T: Ord>(axis: &BTreeSet<T>, known: &BTreeSet<T>) -> Share {
    if axis.is_empty() || (!known.is_empty() && known.is_subset(axis)) {
        Share::All
    } else if axis.is_disjoint(known) {
        Share::Nothing
    } else {
        Share::Some
    }
}

#[cfg(test)]
#[path = "holding_tests.rs"]
mod tests;
