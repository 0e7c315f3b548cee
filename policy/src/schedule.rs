//! Retention rules, and the schedule that they make up.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chat::{PersonId, RoomId, Timestamp};

use crate::error::{Error, Result};
use crate::item::Item;
use crate::period::Period;
use crate::scope::RuleScope;
use crate::surroundings::{Census, Surroundings};
use crate::words::words;

words! {
    /// What a rule does with what it is about.
    RuleAction, "rule action";
    /// Keeps it until the period is over. It beats whatever deletes.
    Keep = "keep",
    /// Lets it be destroyed once the period is over.
    Delete = "delete",
    /// Asks a person once the period is over, and keeps it until then.
    Review = "review",
}

words! {
    /// What is left of a destroyed event beside its leaf in the tree.
    Remains, "remainder";
    /// The header: when, in which room, by whom, as opaque ids (what archivists call residual metadata).
    Stub = "stub",
    /// Nothing but the leaf.
    Blank = "blank",
}

/// The name of a rule, and its version: 1 for the first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleVersion {
    /// The name that the officers gave it.
    pub name: Arc<str>,
    /// Which version of it, from 1.
    pub version: u32,
}

impl fmt::Display for RuleVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} v{}", self.name, self.version)
    }
}

/// From when a period counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RetentionClock {
    /// From the event's own time; a version's from that of the first.
    EventTime,
    /// From the last thing that happened in the room, or the event's own time if that is later.
    RoomActivity,
    /// From an occurrence of this name that concerns the author or the room, such as the day that somebody left, or the event's own
    /// time if that is later. Until it is recorded the period has not begun.
    Named(String),
}

impl fmt::Display for RetentionClock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EventTime => out.write_str("event-time"),
            Self::RoomActivity => out.write_str("room-activity"),
            Self::Named(name) => write!(out, "named:{name}"),
        }
    }
}

impl FromStr for RetentionClock {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        match word.split_once(':') {
            Some(("named", name)) if is_name(name) => Ok(Self::Named(name.to_owned())),
            _ if word == "event-time" => Ok(Self::EventTime),
            _ if word == "room-activity" => Ok(Self::RoomActivity),
            _ => {
                let known = ["event-time", "room-activity", "named:left"];
                Err(Error::unknown_word("clock", word, &known))
            }
        }
    }
}

/// Whom or what a named occurrence concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Concerned {
    /// A person.
    Person(PersonId),
    /// A room.
    Room(RoomId),
}

/// One version of a retention rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionRule {
    /// Its name and version.
    pub id: RuleVersion,
    /// What it is about.
    pub scope: RuleScope,
    /// What it does.
    pub action: RuleAction,
    /// After how long.
    pub period: Period,
    /// From when that counts.
    pub clock: RetentionClock,
    /// What is left of what it lets go.
    pub remains: Remains,
    /// Why the data is kept or not (GDPR Art. 5(1)(e), 30).
    pub purpose: String,
    /// The law or contract that it rests on.
    pub legal_basis: String,
    /// The most events that one run may destroy by it without a second person; without a number, none.
    pub ceiling_events: Option<u64>,
    /// Whether it may from now on only become longer or wider.
    pub is_locked: bool,
}

impl RetentionRule {
    /// Returns the rule as it may be recorded, or why not. The period and the clock are right by their types.
    pub fn checked(mut self, census: &dyn Census) -> Result<Self> {
        self.scope = self.scope.checked(census)?;
        self.check_form()?;
        Ok(self)
    }

    /// Refuses what is wrong whatever the archive holds.
    pub(crate) fn check_form(&self) -> Result<()> {
        if !is_name(&self.id.name) {
            return Err(Error::NameUnfit { found: self.id.name.chars().take(80).collect() });
        }
        for (what, text) in [("purpose", &self.purpose), ("legal_basis", &self.legal_basis)] {
            if text.trim().is_empty() {
                return Err(Error::ReasonMissing { rule: self.id.to_string(), what });
            }
        }
        if self.is_locked && self.action != RuleAction::Keep {
            return Err(Error::LockOnDeletion { rule: self.id.to_string() });
        }
        Ok(())
    }

    /// Returns whether this version lets nothing go that the earlier one keeps, whatever the archive holds and whatever the other
    /// rules are. A rule that keeps may grow in period and scope. One that deletes may only grow in its period: another scope could
    /// let a more general rule through. One that asks may not change at all: asking later could let an equal rule delete first.
    pub fn keeps_all_of(&self, earlier: &Self) -> bool {
        let same = self.action == earlier.action && self.clock == earlier.clock;
        let longer = self.period >= earlier.period && self.is_locked >= earlier.is_locked;
        let scope = match self.action {
            RuleAction::Keep => self.scope.covers(&earlier.scope),
            RuleAction::Delete => {
                self.scope == earlier.scope
                    && self.remains <= earlier.remains
                    && self.ceiling_events <= earlier.ceiling_events
            }
            RuleAction::Review => self.scope == earlier.scope && self.period == earlier.period,
        };
        same && longer && scope
    }

    /// Refuses a version that a locked earlier one forbids: for every role, since no role is asked (SEC 17a-4(f), T5). The lock
    /// binds what the rule means, its clock, its period as a floor and its scope as a set, not how it is written.
    pub fn check_lock(&self, earlier: &Self) -> Result<()> {
        if earlier.is_locked && !self.keeps_all_of(earlier) {
            return Err(Error::RuleLocked {
                rule: earlier.id.to_string(),
                nearest: format!(
                    "{} on {} or longer, its scope or wider",
                    earlier.period, earlier.clock
                ),
            });
        }
        Ok(())
    }
}

/// The rules that stand at one moment, and the occurrences that their clocks count from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schedule {
    /// The standing version of every rule, by name.
    pub rules: Vec<RetentionRule>,
    /// When a named occurrence happened: the latest that was ever recorded, so that a correction shortens nothing.
    pub named: BTreeMap<(String, Concerned), Timestamp>,
}

impl Schedule {
    /// Returns when a rule's period began for an event, or nothing where it has not begun.
    pub fn start(
        &self,
        clock: &RetentionClock,
        item: &Item<'_>,
        around: &dyn Surroundings,
    ) -> Option<Timestamp> {
        let began = match clock {
            RetentionClock::EventTime => item.at,
            RetentionClock::RoomActivity => around.last_activity(&item.room?)?,
            RetentionClock::Named(name) => {
                let person = item.author.map(Concerned::Person);
                let room = item.room.map(Concerned::Room);
                let when = |concerned| self.named.get(&(name.clone(), concerned)).copied();
                person.into_iter().chain(room).filter_map(when).max()?
            }
        };
        Some(began.max(item.at))
    }
}

/// Returns whether a text can name a rule or an occurrence: 1 to 64 small letters, digits and hyphens.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
