//! Plans of destruction: what would go, by which rule, and what may change that. A plan is drawn from evaluations alone and changes
//! nothing. Its canonical bytes say all of it, so that an approval of their digest is an approval of exactly this plan.

use std::collections::{BTreeMap, BTreeSet};

use chat::{RoomId, Seq, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::docket::Docket;
use crate::entry::PlanDigest;
use crate::error::{Error, Result};
use crate::evaluate::{Decision, Disposition, Grounds, decided_on, evaluate, goes_by_activity};
use crate::hold::{HoldId, LegalHold};
use crate::holding::{Holding, Sweep, sweep};
use crate::item::Lineage;
use crate::schedule::{Remains, RuleVersion, Schedule};
use crate::surroundings::Surroundings;

/// Which events a share of a plan names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// These, ascending.
    Each(Vec<Seq>),
    /// All living talk events of a range.
    Whole {
        /// The first event of the range.
        first: Seq,
        /// The last one.
        last: Seq,
        /// How many of it go.
        events: u64,
    },
}

impl Span {
    /// Returns whether the span names an event.
    pub fn holds(&self, seq: Seq) -> bool {
        match self {
            Self::Each(seqs) => seqs.binary_search(&seq).is_ok(),
            Self::Whole { first, last, .. } => (*first..=*last).contains(&seq),
        }
    }

    /// Returns how many events it names.
    pub fn events(&self) -> u64 {
        match self {
            Self::Each(seqs) => u64::try_from(seqs.len()).unwrap_or(u64::MAX),
            Self::Whole { events, .. } => *events,
        }
    }

    fn first(&self) -> Option<Seq> {
        match self {
            Self::Each(seqs) => seqs.first().copied(),
            Self::Whole { first, .. } => Some(*first),
        }
    }
}

/// Events that share one fate, and what recorded later would touch it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub(crate) rule: RuleVersion,
    pub(crate) remains: Remains,
    pub(crate) span: Span,
    pub(crate) rooms: BTreeSet<RoomId>,
    pub(crate) earliest: Timestamp,
    pub(crate) latest: Timestamp,
    pub(crate) goes_by_activity: bool,
    pub(crate) has_ledger: bool,
}

impl Share {
    /// Returns the rule that lets it go.
    pub const fn rule(&self) -> &RuleVersion {
        &self.rule
    }

    /// Returns what is left of it.
    pub const fn remains(&self) -> Remains {
        self.remains
    }

    /// Returns the events that go.
    pub const fn span(&self) -> &Span {
        &self.span
    }
}

/// What would be destroyed. Its parts are private: only [`Drafting`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub(crate) through: Seq,
    pub(crate) changed: Option<Seq>,
    pub(crate) now: Timestamp,
    pub(crate) shares: Vec<Share>,
    pub(crate) held: BTreeMap<HoldId, u64>,
}

/// A plan that is being drawn, against the docket as it stands after one event of the log.
#[derive(Debug)]
pub struct Drafting {
    schedule: Schedule,
    holds: Vec<LegalHold>,
    plan: Plan,
}

impl Docket {
    /// Begins a plan that is judged through an event of the log. The docket has to have taken every officers' act up to there and
    /// none after it. Refused while the clock is further ahead than it may be.
    pub fn draft(&self, through: Seq, clock: Timestamp) -> Result<Drafting> {
        if let Some(folded) = self.folded.filter(|folded| *folded > through) {
            return Err(Error::DocketElsewhere { docket: folded, asked: through });
        }
        let now = self.now(clock)?;
        let shares = Vec::new();
        let plan = Plan { through, changed: self.changed, now, shares, held: BTreeMap::new() };
        Ok(Drafting { schedule: self.schedule(now), holds: self.legal_holds(), plan })
    }

    /// Returns the time for a decision.
    pub(crate) fn now(&self, clock: Timestamp) -> Result<Timestamp> {
        self.time.judge(clock).map_err(|jump| Error::ClockJumped { from: jump.from, to: jump.to })
    }
}

impl Drafting {
    /// Judges lineages and takes those into the plan that go. Answers that are not among those given are to be told by
    /// [`Lineage::is_referred_to`].
    pub fn judge(
        &mut self,
        around: &dyn Surroundings,
        lineages: &[Lineage<'_>],
    ) -> Result<Vec<Decision>> {
        let through = self.plan.through;
        let mut all = lineages.iter().flat_map(Lineage::items);
        if let Some(beyond) = all.find(|item| item.seq > through) {
            return Err(Error::EventBeyondPlan { event: beyond.seq, through });
        }
        let decisions = evaluate(&self.grounds(around), lineages);
        for decision in &decisions {
            self.take(decision);
        }
        Ok(decisions)
    }

    /// Judges one lineage, given whether something living refers to it, and takes it into the plan if it goes.
    pub(crate) fn judge_one(
        &mut self,
        around: &dyn Surroundings,
        lineage: &Lineage<'_>,
        is_needed: bool,
    ) -> Decision {
        let decision = decided_on(&self.grounds(around), lineage, is_needed);
        self.take(&decision);
        decision
    }

    /// Returns the last event of the log that it is judged through.
    pub(crate) const fn through(&self) -> Seq {
        self.plan.through
    }

    /// Returns whether a hold that binds now asks for words.
    pub(crate) fn asks_for_words(&self) -> bool {
        let now = self.plan.now;
        self.holds.iter().any(|hold| hold.scope.query.is_some() && hold.binds(now))
    }

    /// Judges a whole range, and takes it into the plan if all of it goes.
    pub fn sweep(&mut self, around: &dyn Surroundings, holding: &Holding) -> Result<Sweep> {
        let through = self.plan.through;
        if holding.last > through {
            return Err(Error::EventBeyondPlan { event: holding.last, through });
        }
        let found = sweep(&self.grounds(around), holding);
        if let Sweep::Expired { rule } = &found {
            let Holding { first, last, events, .. } = *holding;
            let remains = self.schedule.rules.iter().find(|known| known.id == *rule);
            self.plan.shares.push(Share {
                rule: rule.clone(),
                remains: remains.map_or(Remains::Stub, |rule| rule.remains),
                span: Span::Whole { first, last, events },
                rooms: holding.rooms.clone(),
                earliest: holding.earliest,
                latest: holding.latest,
                goes_by_activity: goes_by_activity(&self.schedule),
                has_ledger: false,
            });
        }
        Ok(found)
    }

    /// Returns the plan, its shares by their first event. Refused where an event is named twice.
    pub fn finish(self) -> Result<Plan> {
        let mut plan = self.plan;
        plan.shares.sort_by_key(|share| share.span.first());
        let mut seen = BTreeSet::new();
        let mut end: Option<Seq> = None;
        for share in &plan.shares {
            match &share.span {
                Span::Each(seqs) => {
                    let twice =
                        |seq: &&Seq| !seen.insert(**seq) || end.is_some_and(|end| **seq <= end);
                    if let Some(event) = seqs.iter().find(twice) {
                        return Err(Error::EventTwice { event: *event });
                    }
                }
                Span::Whole { first, last, .. } => {
                    let is_taken = end.is_some_and(|end| *first <= end)
                        || seen.range(*first..=*last).next().is_some();
                    if is_taken {
                        return Err(Error::EventTwice { event: *first });
                    }
                    end = Some(*last);
                }
            }
        }
        Ok(plan)
    }

    fn grounds<'a>(&'a self, around: &'a dyn Surroundings) -> Grounds<'a> {
        Grounds { schedule: &self.schedule, holds: &self.holds, around, now: self.plan.now }
    }

    fn take(&mut self, decision: &Decision) {
        match decision.disposition() {
            Disposition::Expired { rule, remains, .. } => {
                let mut seqs = decision.seqs.clone();
                seqs.sort_unstable();
                self.plan.shares.push(Share {
                    rule: rule.clone(),
                    remains: *remains,
                    span: Span::Each(seqs),
                    rooms: decision.rooms.clone(),
                    earliest: decision.earliest,
                    latest: decision.latest,
                    goes_by_activity: decision.goes_by_activity,
                    has_ledger: decision.has_ledger,
                });
            }
            Disposition::Held(holds) if decision.is_kept_by_holds_alone() => {
                let events = u64::try_from(decision.seqs.len()).unwrap_or(u64::MAX);
                for hold in holds {
                    *self.plan.held.entry(*hold).or_default() += events;
                }
            }
            Disposition::Held(_)
            | Disposition::Keep { .. }
            | Disposition::Needed
            | Disposition::Review { .. }
            | Disposition::Unclassified => {}
        }
    }
}

impl Plan {
    /// Returns the last event of the log that it was judged through.
    pub const fn through(&self) -> Seq {
        self.through
    }

    /// Returns what it names, by the first event of each share.
    pub fn shares(&self) -> &[Share] {
        &self.shares
    }

    /// Returns how many events it names.
    pub fn events(&self) -> u64 {
        self.shares.iter().map(|share| share.span.events()).sum()
    }

    /// Returns how many events each hold alone or with others keeps that rules would let go.
    pub const fn held(&self) -> &BTreeMap<HoldId, u64> {
        &self.held
    }

    /// Returns how many events each rule lets go.
    pub fn by_rule(&self) -> BTreeMap<&RuleVersion, u64> {
        let mut counts = BTreeMap::new();
        for share in &self.shares {
            *counts.entry(&share.rule).or_default() += share.span.events();
        }
        counts
    }

    /// Returns the bytes that say all of it: a line of text, then numbers of fixed width, big-endian, every list after its length.
    /// No two plans have the same.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut out = b"muniment plan v1\n".to_vec();
        let mut number = |value: u64| out.extend(value.to_be_bytes());
        let length = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        let moment = |at: Timestamp| at.micros().cast_unsigned();
        number(self.through.get());
        number(self.changed.map_or(0, Seq::get));
        number(moment(self.now));
        number(length(self.shares.len()));
        for share in &self.shares {
            number(length(share.rule.name.len()));
            share.rule.name.bytes().for_each(|byte| number(byte.into()));
            number(share.rule.version.into());
            number(u64::from(share.remains == Remains::Blank));
            match &share.span {
                Span::Each(seqs) => {
                    number(0);
                    number(length(seqs.len()));
                    for seq in seqs {
                        number(seq.get());
                    }
                }
                Span::Whole { first, last, events } => {
                    number(1);
                    [first.get(), last.get(), *events].into_iter().for_each(&mut number);
                }
            }
            number(length(share.rooms.len()));
            for room in &share.rooms {
                let bytes = u128::from_be_bytes(*room.as_bytes());
                number(u64::try_from(bytes >> 64).unwrap_or(u64::MAX));
                number(u64::try_from(bytes & u128::from(u64::MAX)).unwrap_or(u64::MAX));
            }
            number(moment(share.earliest));
            number(moment(share.latest));
            number(u64::from(share.goes_by_activity));
            number(u64::from(share.has_ledger));
        }
        number(length(self.held.len()));
        for (hold, events) in &self.held {
            number(hold.0.get());
            number(*events);
        }
        out
    }

    /// Returns the SHA-256 of the canonical bytes.
    pub fn digest(&self) -> PlanDigest {
        PlanDigest::from_bytes(Sha256::digest(self.canonical_bytes()).into())
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
