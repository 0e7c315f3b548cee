//! Legal holds as live predicates: what they cover is asked of every event at every decision, so that what is said tomorrow is
//! covered as well as what was said before. A hold is known by the place in the log at which it was placed, and is never deleted.

use std::collections::BTreeSet;
use std::fmt;

use chat::{EventKind, RoomId, Seq, SourceId, Timestamp};
use query::Query;
use query::analysis::fold;

use crate::custodian::Custodian;
use crate::error::{Error, Result};
use crate::item::{Item, Words};
use crate::period::Period;
use crate::scope::{Membership, RuleScope, any_or, in_any};
use crate::surroundings::{Census, Surroundings};
use crate::words::words;

/// The days that a released hold still binds, for whoever has second thoughts.
pub const GRACE_DAYS: u32 = 30;

/// A hold: the sequence number of the event that placed it. It binds from that event on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId(pub Seq);

impl fmt::Display for HoldId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

words! {
    /// By what a custodian is bound to an event.
    HoldReach, "reach";
    /// The custodian did it.
    Authored = "authored",
    /// The custodian did it, or could read it when it happened: rooms left since are in.
    Readable = "readable",
}

/// What a hold covers: every axis that is not empty must hold, within one any value will do. All empty is everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldScope {
    /// Names of custodians of the hold's matter.
    pub custodians: BTreeSet<String>,
    /// How they are bound to events.
    pub reach: HoldReach,
    /// Rooms.
    pub rooms: BTreeSet<RoomId>,
    /// Folded names of categories; rooms that ever were in one are in.
    pub categories: BTreeSet<String>,
    /// Sources.
    pub sources: BTreeSet<SourceId>,
    /// The first moment.
    pub from: Option<Timestamp>,
    /// The first moment that is no more covered.
    pub until: Option<Timestamp>,
    /// What is sought, by the one matcher. What nobody has read yet counts as found.
    pub query: Option<Query>,
}

impl Default for HoldScope {
    fn default() -> Self {
        Self {
            custodians: BTreeSet::new(),
            reach: HoldReach::Readable,
            rooms: BTreeSet::new(),
            categories: BTreeSet::new(),
            sources: BTreeSet::new(),
            from: None,
            until: None,
            query: None,
        }
    }
}

/// A hold with everything that a decision asks of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegalHold {
    /// Which it is.
    pub id: HoldId,
    /// What it covers.
    pub scope: HoldScope,
    /// The custodians that the scope names, with all they are called by now.
    pub custodians: Vec<Custodian>,
    /// When its release was approved, if it was.
    pub released_at: Option<Timestamp>,
}

/// Why a hold covers an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bond {
    /// The event lies in its rooms, categories, sources and dates, and no more is asked.
    Scope,
    /// This custodian did it.
    Authored(String),
    /// This custodian could read it.
    Readable(String),
    /// Nobody can tell whether this custodian could read it.
    ReadersUnknown(String),
    /// The query finds it.
    Found,
    /// The query has not been asked of all that it says.
    Unread,
    /// It was never understood, so nothing can be said against it.
    Quarantined,
}

impl fmt::Display for Bond {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope => out.write_str("lies in its scope"),
            Self::Authored(name) => write!(out, "was done by {name}"),
            Self::Readable(name) => write!(out, "could be read by {name}"),
            Self::ReadersUnknown(name) => write!(out, "may have been read by {name}"),
            Self::Found => out.write_str("is found by its query"),
            Self::Unread => out.write_str("is not read yet for its query"),
            Self::Quarantined => out.write_str("is in quarantine"),
        }
    }
}

impl HoldScope {
    /// Returns whether an event lies in the rooms, categories, sources and dates: the coarse part, which needs no words and no
    /// custodian.
    fn holds_coarsely(&self, item: &Item<'_>, around: &dyn Surroundings) -> bool {
        any_or(&self.rooms, item.room.as_ref())
            && any_or(&self.sources, item.source.as_ref())
            && in_any(&self.categories, item.room.as_ref(), Membership::Ever, around)
            && self.from.is_none_or(|from| from <= item.at)
            && self.until.is_none_or(|until| item.at < until)
    }

    /// Returns the scope with names folded, or refuses it: an unknown room, source, category or custodian, dates that hold nothing, a
    /// query that asks for what may change (`is:`), or one whose interpreted form is too long to be read back.
    pub fn checked(mut self, census: &dyn Census, custodians: &[Custodian]) -> Result<Self> {
        let names: Vec<_> = custodians.iter().map(|custodian| custodian.name.as_str()).collect();
        for name in &self.custodians {
            if !names.contains(&name.as_str()) {
                let nearest = census.nearest_names(&fold(name));
                return Err(Error::CustodianUnknown { found: name.clone(), nearest });
            }
        }
        let coarse = RuleScope {
            categories: self.categories.clone(),
            rooms: self.rooms.clone(),
            sources: self.sources.clone(),
            ..RuleScope::default()
        };
        self.categories = coarse.checked(census)?.categories;
        if let (Some(from), Some(until)) = (self.from, self.until)
            && until <= from
        {
            return Err(Error::DatesEmpty { from, until });
        }
        self.query = self.query.as_ref().map(steady).transpose()?;
        Ok(self)
    }
}

/// Returns a query as it was understood, which is how the log keeps it, or refuses one that a hold may not go by.
pub(crate) fn steady(query: &Query) -> Result<Query> {
    if query.uses_marks() {
        return Err(Error::QueryUnsteady { query: query.text().to_owned() });
    }
    match Query::parse(&query.interpreted(), &query::Zone::Utc) {
        Ok(again) if again.root() == query.root() => Ok(again),
        Ok(_) | Err(_) => Err(Error::QueryTooLong { query: query.text().to_owned() }),
    }
}

impl LegalHold {
    /// Returns whether the hold binds at a moment: until it is released, and for [`GRACE_DAYS`] after.
    pub fn binds(&self, now: Timestamp) -> bool {
        let grace = Period::of_days(GRACE_DAYS).expect("thirty days are a period");
        self.released_at.is_none_or(|released| now < grace.after(released))
    }

    /// Returns why the hold covers an event, or nothing where it does not.
    pub fn bond(&self, item: &Item<'_>, around: &dyn Surroundings) -> Option<Bond> {
        let scope = &self.scope;
        if item.kind == EventKind::Quarantined {
            let may_be = scope.sources.is_empty()
                || item.source.is_none_or(|id| scope.sources.contains(&id));
            return may_be.then_some(Bond::Quarantined);
        }
        if !scope.holds_coarsely(item, around) {
            return None;
        }
        let person =
            if scope.custodians.is_empty() { None } else { Some(self.person(item, around)?) };
        match &scope.query {
            Some(query) => sought(query, item, around),
            None => Some(person.unwrap_or(Bond::Scope)),
        }
    }

    /// Returns how one of the custodians is bound to an event.
    fn person(&self, item: &Item<'_>, around: &dyn Surroundings) -> Option<Bond> {
        if let Some(author) = self.custodians.iter().find(|person| person.is_author_of(item)) {
            return Some(Bond::Authored(author.name.clone()));
        }
        if self.scope.reach == HoldReach::Authored {
            return None;
        }
        let room = item.room?;
        self.custodians.iter().find_map(|person| match around.could_read(&room, item.at, person) {
            Some(true) => Some(Bond::Readable(person.name.clone())),
            Some(false) => None,
            None => Some(Bond::ReadersUnknown(person.name.clone())),
        })
    }
}

/// Returns whether a query finds an event, or might.
fn sought(query: &Query, item: &Item<'_>, around: &dyn Surroundings) -> Option<Bond> {
    match item.words {
        Words::Unread => Some(Bond::Unread),
        Words::Read(analysed) => {
            query::matches(query, analysed, around.marks()).map(|_| Bond::Found)
        }
    }
}

#[cfg(test)]
#[path = "hold_tests.rs"]
mod tests;
