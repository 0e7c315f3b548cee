//! What becomes of events: keep, hold, review or let go. Retain and delete are computed apart, in the order of ediscovery.md §4:
//! a hold beats everything; what keeps beats what deletes; of those that keep the longest counts; of those that delete the most
//! specific one, and among equals the one that is due first; what no rule is about is kept, and said to be unclassified.

use std::collections::BTreeSet;

use chat::{EventKind, Lane, RoomId, Seq, Timestamp};

use crate::hold::{HoldId, LegalHold};
use crate::item::{Item, Lineage};
use crate::schedule::{Remains, RetentionClock, RetentionRule, RuleAction, RuleVersion, Schedule};
use crate::scope::Membership;
use crate::surroundings::Surroundings;
use crate::trace::{Step, Trace};

/// What a decision rests on. All of it is as of one snapshot of the log.
#[derive(Clone, Copy)]
pub struct Grounds<'a> {
    /// The rules that stand.
    pub schedule: &'a Schedule,
    /// Every hold, released ones too: grace is judged here.
    pub holds: &'a [LegalHold],
    /// What the archive knows around the events.
    pub around: &'a dyn Surroundings,
    /// The time (see [`crate::moment::AcceptedTime`]).
    pub now: Timestamp,
}

impl std::fmt::Debug for Grounds<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { schedule, holds, now, .. } = self;
        out.debug_struct("Grounds")
            .field("schedule", schedule)
            .field("holds", holds)
            .field("now", now)
            .finish_non_exhaustive()
    }
}

/// What becomes of an event and of all that shares its fate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// These holds cover it, whatever the rules say.
    Held(BTreeSet<HoldId>),
    /// Rules keep it, or none lets it go yet.
    Keep {
        /// Until when, where a time is known.
        until: Option<Timestamp>,
    },
    /// It is what officers did, or something living refers to it and it may not be gone before that.
    Needed,
    /// A rule asks a person to look at it. It is kept until then.
    Review {
        /// The rule.
        rule: RuleVersion,
        /// Since when it asks.
        since: Timestamp,
    },
    /// No rule is about it. It is kept.
    Unclassified,
    /// A rule lets it go, and nothing keeps it.
    Expired {
        /// The rule.
        rule: RuleVersion,
        /// Since when.
        since: Timestamp,
        /// What is left of it.
        remains: Remains,
    },
}

/// A disposition with what it is about. Only [`evaluate`] makes one: what no evaluation let go finds no way into a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    disposition: Disposition,
    but_for_holds: bool,
    pub(crate) seqs: Vec<Seq>,
    pub(crate) rooms: BTreeSet<RoomId>,
    pub(crate) earliest: Timestamp,
    pub(crate) latest: Timestamp,
    pub(crate) goes_by_activity: bool,
    pub(crate) has_ledger: bool,
}

impl Decision {
    /// Returns what becomes of it.
    pub const fn disposition(&self) -> &Disposition {
        &self.disposition
    }

    /// Returns whether a hold is all that keeps it.
    pub const fn is_kept_by_holds_alone(&self) -> bool {
        self.but_for_holds
    }

    /// Returns whether so much of it is left that what it points to is referred to: a header that stays for an answer's sake still
    /// points to what it answers itself.
    pub(crate) const fn is_left(&self, is_needed: bool) -> bool {
        is_needed || !matches!(self.disposition, Disposition::Expired { .. })
    }

    /// Returns the events that it is about, the root first.
    pub fn seqs(&self) -> &[Seq] {
        &self.seqs
    }
}

/// Returns what becomes of each lineage, in the order given. Whatever answers something else is looked at before what it answers.
pub fn evaluate(grounds: &Grounds<'_>, lineages: &[Lineage<'_>]) -> Vec<Decision> {
    let mut order: Vec<usize> = (0..lineages.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(lineages.get(index).map(|found| found.root.seq)));
    let mut answered: BTreeSet<Seq> = BTreeSet::new();
    let mut decided: Vec<Option<Decision>> = vec![None; lineages.len()];
    for index in order {
        let (Some(lineage), Some(place)) = (lineages.get(index), decided.get_mut(index)) else {
            continue;
        };
        let is_needed =
            lineage.is_referred_to || lineage.items().any(|item| answered.contains(&item.seq));
        let decision = decided_on(grounds, lineage, is_needed);
        if decision.is_left(is_needed) {
            answered.extend(lineage.items().filter_map(|item| item.target));
        }
        *place = Some(decision);
    }
    decided.into_iter().flatten().collect()
}

/// Returns what becomes of one lineage, given whether something living refers to it.
pub(crate) fn decided_on(
    grounds: &Grounds<'_>,
    lineage: &Lineage<'_>,
    is_needed: bool,
) -> Decision {
    decide(grounds, lineage, is_needed, &mut |_| {})
}

/// Returns how the decision on one lineage comes about, step by step, given whether something living refers to it.
pub fn trace(grounds: &Grounds<'_>, lineage: &Lineage<'_>) -> Trace {
    let mut steps = Vec::new();
    let decision =
        decide(grounds, lineage, lineage.is_referred_to, &mut |step| steps.push(step.to_string()));
    Trace { seq: lineage.root.seq, steps, disposition: decision.disposition }
}

/// Decides on one lineage and tells every step.
fn decide(
    grounds: &Grounds<'_>,
    lineage: &Lineage<'_>,
    is_needed: bool,
    tell: &mut dyn FnMut(Step<'_>),
) -> Decision {
    let mut by_rules = ruled(grounds, &lineage.root, tell);
    if is_needed && let Disposition::Expired { remains, .. } = &mut by_rules {
        tell(Step::ReferredTo);
        // Of what people said the header goes on to carry the answers; what the ledger says of somebody has to stay whole.
        *remains = Remains::Stub;
    }
    let needed = (is_needed && lineage.root.lane() == Lane::Ledger)
        || lineage.items().any(|item| is_record_of_officers(item.kind));
    if needed && matches!(by_rules, Disposition::Expired { .. } | Disposition::Review { .. }) {
        tell(Step::Needed);
        by_rules = Disposition::Needed;
    }
    let holds = holding(grounds, lineage, tell);
    let but_for_holds = !holds.is_empty() && matches!(by_rules, Disposition::Expired { .. });
    let disposition = if holds.is_empty() { by_rules } else { Disposition::Held(holds) };
    let times = || lineage.items().map(|item| item.at);
    Decision {
        disposition,
        but_for_holds,
        seqs: lineage.items().map(|item| item.seq).collect(),
        rooms: lineage.items().filter_map(|item| item.room).collect(),
        earliest: times().min().unwrap_or(lineage.root.at),
        latest: times().max().unwrap_or(lineage.root.at),
        goes_by_activity: goes_by_activity(grounds.schedule),
        has_ledger: lineage.items().any(|item| item.lane() == Lane::Ledger),
    }
}

/// Returns whether a kind is what officers did: it says why anything else is gone, and stays.
pub(crate) const fn is_record_of_officers(kind: EventKind) -> bool {
    matches!(kind, EventKind::Officer | EventKind::Destroyed)
}

/// Returns whether any rule counts from the last activity of a room, so that a new event in it changes what is due.
pub(crate) fn goes_by_activity(schedule: &Schedule) -> bool {
    schedule.rules.iter().any(|rule| rule.clock == RetentionClock::RoomActivity)
}

/// Returns the holds that bind now and cover any event of a lineage.
fn holding(
    grounds: &Grounds<'_>,
    lineage: &Lineage<'_>,
    tell: &mut dyn FnMut(Step<'_>),
) -> BTreeSet<HoldId> {
    let mut holds = BTreeSet::new();
    for hold in grounds.holds {
        let found = lineage
            .items()
            .find_map(|item| hold.bond(item, grounds.around).map(|bond| (item.seq, bond)));
        let Some((seq, bond)) = found else { continue };
        if hold.binds(grounds.now) {
            tell(Step::Held { hold: hold.id, seq, bond: &bond });
            holds.insert(hold.id);
        } else {
            tell(Step::HoldReleased { hold: hold.id });
        }
    }
    holds
}

/// Returns what the rules alone say of an event.
fn ruled(grounds: &Grounds<'_>, root: &Item<'_>, tell: &mut dyn FnMut(Step<'_>)) -> Disposition {
    let mut classified = false;
    let mut kept: Option<Option<Timestamp>> = None;
    let mut going: Option<(&RetentionRule, Option<Timestamp>)> = None;
    for rule in &grounds.schedule.rules {
        let membership =
            if rule.action == RuleAction::Keep { Membership::Ever } else { Membership::Now };
        if !rule.scope.holds(root, membership, grounds.around) {
            continue;
        }
        classified = true;
        let start = grounds.schedule.start(&rule.clock, root, grounds.around);
        let over = start.map(|start| rule.period.after(start));
        tell(Step::RuleMatches { rule, over });
        if rule.action == RuleAction::Keep {
            kept = Some(kept.map_or(over, |longest| later(longest, over)));
        } else if going.is_none_or(|so_far| goes_before((rule, over), so_far)) {
            going = Some((rule, over));
        }
    }
    if !classified {
        tell(Step::NoRule);
        return Disposition::Unclassified;
    }
    if let Some(until) = kept
        && until.is_none_or(|until| grounds.now < until)
    {
        tell(Step::Retained { until });
        return Disposition::Keep { until };
    }
    let Some((rule, over)) = going else {
        tell(Step::NothingDeletes);
        return Disposition::Keep { until: None };
    };
    tell(Step::Deletes { rule, over });
    match over.filter(|over| *over <= grounds.now) {
        None => Disposition::Keep { until: over },
        Some(since) if rule.action == RuleAction::Review => {
            Disposition::Review { rule: rule.id.clone(), since }
        }
        Some(since) => Disposition::Expired { rule: rule.id.clone(), since, remains: rule.remains },
    }
}

/// Returns the later of two ends, of which none is the latest.
fn later(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.zip(other).map(|(one, other)| one.max(other))
}

/// Returns whether a rule goes before another among those that delete or ask: the more specific, then the sooner over, then the
/// one that asks, then by name, so that there is always one answer.
fn goes_before(
    (rule, over): (&RetentionRule, Option<Timestamp>),
    (other, other_over): (&RetentionRule, Option<Timestamp>),
) -> bool {
    let rank = |rule: &RetentionRule, over: Option<Timestamp>| {
        let specificity = std::cmp::Reverse(rule.scope.specificity());
        let asks = rule.action != RuleAction::Review;
        (specificity, over.unwrap_or(Timestamp::from_micros(i64::MAX)), asks, rule.id.clone())
    };
    rank(rule, over) < rank(other, other_over)
}

#[cfg(test)]
#[path = "evaluate_tests.rs"]
mod tests;
