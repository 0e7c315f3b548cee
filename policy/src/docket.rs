//! The officers' state: nothing but the fold of what they wrote into the log. The same question is asked of an entry before it is
//! recorded and again when it is folded, so that there is no door beside it. An entry or order that fails the second time has no effect,
//! is reported as a fault, and stops every destruction until an approver has looked at it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chat::{Act, EventKind, PersonId, Recorded, Seq, Timestamp};

use crate::entry::Entry;
use crate::error::{Error, Result};
use crate::hold::{HoldId, LegalHold};
use crate::matter::{Matter, MatterId};
use crate::moment::AcceptedTime;
use crate::ordered::Ordered;
use crate::role::{Regime, Role, Roles};
use crate::schedule::{Concerned, RetentionRule, RuleVersion, Schedule};

/// The version of the fold. A snapshot of a docket is this and the last event that it took; one of another version is folded again.
pub const DOCKET_VERSION: u32 = 2;

/// How long after its approval a change that lets more go begins to count, in microseconds: 72 hours.
pub const COOL_OFF_MICROS: i64 = 72 * 3_600 * 1_000_000;

/// The officers' state after some event of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Docket {
    pub(crate) folded: Option<Seq>,
    pub(crate) changed: Option<Seq>,
    pub(crate) time: AcceptedTime,
    pub(crate) regime: Regime,
    pub(crate) roles: BTreeMap<PersonId, BTreeMap<Role, Option<Timestamp>>>,
    pub(crate) is_founded: bool,
    pub(crate) rules: BTreeMap<Arc<str>, Vec<Standing>>,
    pub(crate) named: BTreeMap<(String, Concerned), Timestamp>,
    pub(crate) matters: BTreeMap<MatterId, Matter>,
    pub(crate) holds: BTreeMap<HoldId, HoldRecord>,
    pub(crate) requests: BTreeMap<Seq, Request>,
    pub(crate) ordered: Ordered,
    pub(crate) faults: BTreeMap<Seq, Error>,
}

/// From when a version of a rule counts; no rule where it was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) rule: Option<RetentionRule>,
    pub(crate) from: Timestamp,
    /// The entry that gave it effect.
    pub(crate) seq: Seq,
}

/// A hold with its history. It is never deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRecord {
    /// The hold, its custodians as they are called by now.
    pub hold: LegalHold,
    /// The matter that it belongs to.
    pub matter: Option<MatterId>,
    /// Why it was placed.
    pub reason: String,
    /// Who placed it.
    pub placed_by: PersonId,
    /// When.
    pub placed_at: Timestamp,
    /// Which entry released it, and how many events the officers were shown as bound by it alone.
    pub released: Option<(Seq, u64)>,
}

/// Something that waits for an approver, or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is proposed.
    pub entry: Entry,
    /// Who asks.
    pub by: PersonId,
    /// What came of it.
    pub answer: Option<Answer>,
}

/// An answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The entry that answers.
    pub seq: Seq,
    /// Whether it approves.
    pub is_approval: bool,
    /// Who answered.
    pub by: PersonId,
    /// When it was recorded.
    pub at: Timestamp,
}

impl Docket {
    /// Takes the next event of the log. Events that are no officers' act, and acts that are none of the docket's, leave it as it is.
    /// It never fails: what it cannot take becomes a fault.
    pub fn apply(&mut self, recorded: &Recorded) {
        if self.folded.is_some_and(|folded| recorded.seq <= folded) {
            return;
        }
        self.folded = Some(recorded.seq);
        let event = &recorded.event;
        let taken = match (event.kind, &event.content.act) {
            (EventKind::Officer, Some(act)) => {
                self.time.see(recorded.recorded_at);
                self.take_act(recorded, act)
            }
            (EventKind::Destroyed, act) => {
                self.time.see(recorded.recorded_at);
                self.take_order(recorded, act.as_ref())
            }
            _ => return,
        };
        if let Err(fault) = taken {
            self.changed = Some(recorded.seq);
            self.faults.insert(recorded.seq, fault);
        }
    }

    fn take_act(&mut self, recorded: &Recorded, act: &Act) -> Result<()> {
        let Some(entry) = Entry::read(act)? else { return Ok(()) };
        let by = recorded.event.actor.as_ref().ok_or(Error::OfficerMissing)?.id;
        self.admits(&entry, by, recorded.recorded_at)?;
        // What waits, waits from the accepted time: a clock that was set back shortens no grace and no cool-off.
        let accepted = self.time.accepted();
        let at = accepted.map_or(recorded.recorded_at, |at| at.max(recorded.recorded_at));
        self.take(entry, Written { seq: recorded.seq, by, at });
        Ok(())
    }

    /// Returns the last event that the docket took.
    pub const fn folded(&self) -> Option<Seq> {
        self.folded
    }

    /// Returns the last entry that changed what is kept or let go.
    pub const fn changed(&self) -> Option<Seq> {
        self.changed
    }

    /// Returns the time by which retention judges.
    pub const fn time(&self) -> &AcceptedTime {
        &self.time
    }

    /// Returns whether a second person judges.
    pub const fn regime(&self) -> Regime {
        self.regime
    }

    /// Returns the roles that somebody may use at a moment: none where two of them may not be one person's.
    pub fn roles_of(&self, officer: PersonId, now: Timestamp) -> Result<Roles> {
        let granted = self.roles.get(&officer);
        let standing = granted.into_iter().flatten();
        let standing = standing.filter(|(_, until)| until.is_none_or(|until| now < until));
        Roles::of(standing.map(|(role, _)| *role), self.regime)
    }

    /// Returns the rules that stand at a moment.
    pub fn schedule(&self, now: Timestamp) -> Schedule {
        let standing = |versions: &Vec<Standing>| {
            let begun = versions.iter().rev().find(|version| version.from <= now);
            begun.and_then(|version| version.rule.clone())
        };
        Schedule {
            rules: self.rules.values().filter_map(standing).collect(),
            named: self.named.clone(),
        }
    }

    /// Returns the newest version of a rule, whether it counts yet or not.
    pub fn newest_rule(&self, name: &str) -> Option<&RetentionRule> {
        self.rules.get(name)?.last()?.rule.as_ref()
    }

    /// Returns every hold ever placed, released ones too.
    pub const fn holds(&self) -> &BTreeMap<HoldId, HoldRecord> {
        &self.holds
    }

    /// Returns every hold as decisions ask it.
    pub fn legal_holds(&self) -> Vec<LegalHold> {
        self.holds.values().map(|record| record.hold.clone()).collect()
    }

    /// Returns every matter.
    pub const fn matters(&self) -> &BTreeMap<MatterId, Matter> {
        &self.matters
    }

    /// Returns every request with what came of it.
    pub const fn requests(&self) -> &BTreeMap<Seq, Request> {
        &self.requests
    }

    /// Returns every plan and every event that was ordered to be destroyed.
    pub const fn ordered(&self) -> &Ordered {
        &self.ordered
    }

    /// Returns a version of a rule with what gave it effect, whether it counts by now or not.
    pub(crate) fn version(&self, id: &RuleVersion) -> Option<&Standing> {
        let is_it = |version: &&Standing| version.rule.as_ref().is_some_and(|rule| rule.id == *id);
        self.rules.get(&id.name)?.iter().find(is_it)
    }

    /// Returns the entries and orders that the docket could not take and that nobody has looked at. While there is one, nothing is destroyed.
    pub const fn faults(&self) -> &BTreeMap<Seq, Error> {
        &self.faults
    }

    /// Gives effect to an entry that is admitted.
    fn take(&mut self, entry: Entry, written: Written) {
        match entry {
            Entry::Requested(entry) => {
                let request = Request { entry: *entry, by: written.by, answer: None };
                self.requests.insert(written.seq, request);
            }
            Entry::Refused { request, .. } => self.answer(request, written, false),
            Entry::Approved { request } => {
                self.answer(request, written, true);
                let proposed = self.requests.get(&request).map(|request| request.entry.clone());
                if let Some(entry) = proposed {
                    self.take(entry, written);
                }
            }
            Entry::ClockRight { at } => self.time.approve(at),
            Entry::DestructionPlanned { .. } => {}
            Entry::RoleGranted { officer, role, until } => {
                self.roles.entry(officer).or_default().insert(role, until);
                self.found();
            }
            Entry::RoleWithdrawn { officer, role } => {
                self.roles.entry(officer).or_default().remove(&role);
            }
            Entry::SingleOfficerDeclared => {
                (self.regime, self.is_founded) = (Regime::SingleOfficer, true);
                let all = Role::ALL.iter().map(|role| (*role, None)).collect();
                self.roles.insert(written.by, all);
            }
            Entry::RuleSet(_)
            | Entry::RuleRemoved { .. }
            | Entry::Occurred { .. }
            | Entry::FaultNoted { .. }
            | Entry::HoldPlaced(_)
            | Entry::HoldReleased { .. }
            | Entry::MatterOpened { .. }
            | Entry::MemberAdded { .. }
            | Entry::CustodianNamed { .. } => {
                self.changed = Some(written.seq);
                self.change(entry, written);
            }
        }
    }

    /// Gives effect to an entry that changes what is kept or let go.
    fn change(&mut self, entry: Entry, written: Written) {
        match entry {
            Entry::RuleSet(rule) => {
                let keeps_all = self.keeps_all(&rule);
                let name = Arc::clone(&rule.id.name);
                self.stand(name, Some(*rule), keeps_all, written);
            }
            Entry::RuleRemoved { name } => self.stand(name, None, false, written),
            Entry::Occurred { name, concerned, at } => {
                let known = self.named.entry((name, concerned)).or_insert(at);
                *known = at.max(*known);
            }
            Entry::FaultNoted { event } => drop(self.faults.remove(&event)),
            Entry::HoldPlaced(placing) => {
                let id = HoldId(written.seq);
                let matter = placing.matter;
                let scope = placing.scope;
                let custodians = matter
                    .and_then(|matter| self.matters.get(&matter))
                    .map(|matter| matter.custodians.values())
                    .into_iter()
                    .flatten()
                    .filter(|custodian| scope.custodians.contains(&custodian.name))
                    .cloned()
                    .collect();
                let record = HoldRecord {
                    hold: LegalHold { id, scope, custodians, released_at: None },
                    matter,
                    reason: placing.reason,
                    placed_by: written.by,
                    placed_at: written.at,
                    released: None,
                };
                self.holds.insert(id, record);
            }
            Entry::HoldReleased { hold, listed } => {
                if let Some(record) = self.holds.get_mut(&hold) {
                    record.released = Some((written.seq, listed));
                    record.hold.released_at = Some(written.at);
                }
            }
            Entry::MatterOpened { name, reason } => {
                let id = MatterId(written.seq);
                let (members, custodians) = (BTreeSet::new(), BTreeMap::new());
                self.matters.insert(id, Matter { id, name, reason, members, custodians });
            }
            Entry::MemberAdded { matter, officer } => {
                if let Some(matter) = self.matters.get_mut(&matter) {
                    matter.members.insert(officer);
                }
            }
            Entry::CustodianNamed { matter, custodian } => self.name(matter, &custodian),
            Entry::Requested(_)
            | Entry::Approved { .. }
            | Entry::Refused { .. }
            | Entry::ClockRight { .. }
            | Entry::DestructionPlanned { .. }
            | Entry::RoleGranted { .. }
            | Entry::RoleWithdrawn { .. }
            | Entry::SingleOfficerDeclared => {}
        }
    }

    /// Notes what came of a request.
    fn answer(&mut self, request: Seq, written: Written, is_approval: bool) {
        if let Some(request) = self.requests.get_mut(&request) {
            let Written { seq, by, at } = written;
            request.answer = Some(Answer { seq, is_approval, by, at });
        }
    }

    /// Lets a version of a rule stand: at once where it keeps all that the one before keeps, and else after the cool-off; never
    /// before the one that it follows.
    fn stand(
        &mut self,
        name: Arc<str>,
        rule: Option<RetentionRule>,
        keeps_all: bool,
        written: Written,
    ) {
        let versions = self.rules.entry(name).or_default();
        let wait = if keeps_all { 0 } else { COOL_OFF_MICROS };
        let from = written.at.plus_micros(wait);
        let from = versions.last().map_or(from, |before| before.from.max(from));
        versions.push(Standing { rule, from, seq: written.seq });
    }

    /// Names a custodian, in its matter and in every hold that goes by it.
    fn name(&mut self, id: MatterId, named: &crate::custodian::Custodian) {
        let Some(matter) = self.matters.get_mut(&id) else { return };
        let Ok(custodian) = matter.with_custodian(named) else { return };
        for record in self.holds.values_mut().filter(|record| record.matter == Some(id)) {
            for known in &mut record.hold.custodians {
                if known.name == custodian.name {
                    known.clone_from(&custodian);
                }
            }
        }
        matter.custodians.insert(custodian.name.clone(), custodian);
    }

    /// Ends the founding, during which roles are granted without approval, as soon as somebody can ask for a role and somebody
    /// else approve it.
    fn found(&mut self) {
        let has = |role: Role| {
            let held = self.roles.iter().filter(move |(_, roles)| roles.contains_key(&role));
            held.map(|(officer, _)| *officer).collect::<BTreeSet<_>>()
        };
        let (asking, approving) = (has(Role::SecurityAdmin), has(Role::Approver));
        self.is_founded |= !asking.is_empty() && !approving.is_empty();
    }
}

/// Where, by whom and when an entry was written.
#[derive(Debug, Clone, Copy)]
struct Written {
    seq: Seq,
    by: PersonId,
    at: Timestamp,
}

#[cfg(test)]
#[path = "docket_tests.rs"]
mod tests;
