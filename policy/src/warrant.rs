//! Warrants: without one nothing is destroyed. A warrant is made here alone, of a plan and of the approvals that the docket holds for
//! exactly this plan; it ends after a day; and when the order is about to stand in the log it is judged once more over all that was
//! recorded since. A hold that was recorded first always wins.

use std::collections::BTreeSet;

use chat::{EventKind, Lane, PersonId, Recorded, Seq, Timestamp};

use crate::custodian::Called;
use crate::docket::Docket;
use crate::entry::{Entry, PlanDigest};
use crate::error::{Error, Result};
use crate::hold::{HoldReach, LegalHold};
use crate::plan::{Plan, Share};
use crate::role::Regime;
use crate::schedule::RuleVersion;

/// How long an approval of a plan counts, and a plan that needs none, in microseconds: 24 hours.
pub const WARRANT_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// The right to destroy what one plan names. Its parts are private, and only [`Docket::warrant`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warrant {
    plan: Plan,
    digest: PlanDigest,
    grounding: Grounding,
    expires_at: Timestamp,
    regime: Regime,
}

/// What a warrant rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grounding {
    /// Somebody approved exactly this plan.
    Approved {
        /// The request.
        request: Seq,
        /// Who asked.
        requester: PersonId,
        /// The approval.
        approval: Seq,
        /// Who approved.
        approver: PersonId,
    },
    /// Each rule was approved with a ceiling, and the plan stays under all of them: the entries that gave the rules effect.
    Standing(Vec<(RuleVersion, Seq)>),
}

/// What a warrant permits at the moment of the order: the plan, less what was touched since it was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit<'w> {
    warrant: &'w Warrant,
    withdrawn: BTreeSet<usize>,
}

impl Warrant {
    /// Returns the plan.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the digest of the plan.
    pub const fn digest(&self) -> PlanDigest {
        self.digest
    }

    /// Returns what it rests on.
    pub const fn grounding(&self) -> &Grounding {
        &self.grounding
    }

    /// Returns the first moment at which it is worth nothing.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Returns whether a second person judged. Whatever tells of the destruction says so too.
    pub const fn regime(&self) -> Regime {
        self.regime
    }
}

impl Permit<'_> {
    /// Returns what may be destroyed.
    pub fn shares(&self) -> impl Iterator<Item = &Share> {
        let all = self.warrant.plan.shares.iter().enumerate();
        all.filter(|(index, _)| !self.withdrawn.contains(index)).map(|(_, share)| share)
    }

    /// Returns how many events of the plan are left alone, because something recorded since touches them.
    pub fn withdrawn_events(&self) -> u64 {
        let shares = &self.warrant.plan.shares;
        let withdrawn = self.withdrawn.iter().filter_map(|index| shares.get(*index));
        withdrawn.map(|share| share.span.events()).sum()
    }
}

impl Docket {
    /// Makes a warrant of a plan. Refused where an entry stands in the log that could not be taken, where holds, rules or matters
    /// changed since, and where nobody approved exactly this plan within a day, unless every rule of it was approved with a ceiling
    /// that the plan stays under.
    pub fn warrant(&self, plan: Plan, clock: Timestamp) -> Result<Warrant> {
        let now = self.now(clock)?;
        self.check_unchanged(&plan)?;
        if plan.shares.is_empty() {
            return Err(Error::PlanEmpty);
        }
        let digest = plan.digest();
        let (grounding, expires_at) = self
            .approval_of(digest, &plan, now)
            .or_else(|| self.ceilings_of(&plan, now))
            .ok_or(Error::PlanNotApproved { plan: digest })?;
        Ok(Warrant { plan, digest, grounding, expires_at, regime: self.regime })
    }

    /// Returns what a warrant permits now, over all that was recorded since its plan was judged, in order and without a gap: the
    /// sequencer asks this with the very next place of the log in its hand, and records the order only if it is granted.
    ///
    /// Refused where a hold, rule, matter or custodian came since, or anything of the docket that could not be taken. Membership,
    /// versions, answers and activity since may only make the plan smaller: what they touch is left alone.
    pub fn still_permits<'w>(
        &self,
        warrant: &'w Warrant,
        tail: &[Recorded],
        clock: Timestamp,
    ) -> Result<Permit<'w>> {
        let Warrant { plan, digest, expires_at, .. } = warrant;
        if self.now(clock)? >= *expires_at {
            return Err(Error::WarrantExpired { plan: *digest, expired: *expires_at });
        }
        self.check_unchanged(plan)?;
        let mut expected = plan.through;
        let mut withdrawn = BTreeSet::new();
        for recorded in tail {
            expected = expected.next();
            if recorded.seq != expected {
                return Err(Error::TailBroken { expected, found: recorded.seq });
            }
            if recorded.event.kind == EventKind::Officer && Some(recorded.seq) > self.folded {
                let docket = self.folded.unwrap_or(Seq::FIRST);
                return Err(Error::DocketElsewhere { docket, asked: recorded.seq });
            }
            let touched = plan.shares.iter().enumerate();
            let touched = touched.filter(|(_, share)| self.touches(recorded, share));
            withdrawn.extend(touched.map(|(index, _)| index));
        }
        if let Some(folded) = self.folded.filter(|folded| *folded > expected) {
            return Err(Error::TailBroken { expected: expected.next(), found: folded });
        }
        if withdrawn.len() == plan.shares.len() {
            return Err(Error::NothingLeft { plan: *digest });
        }
        Ok(Permit { warrant, withdrawn })
    }

    /// Refuses a plan that was judged by another docket than this one.
    fn check_unchanged(&self, plan: &Plan) -> Result<()> {
        if let Some(event) = self.faults.keys().next() {
            return Err(Error::RecordUnclear { event: *event });
        }
        match self.changed {
            changed if changed == plan.changed => Ok(()),
            Some(changed) => Err(Error::PlanOutdated { changed, through: plan.through }),
            None => Err(Error::DocketElsewhere { docket: Seq::FIRST, asked: plan.through }),
        }
    }

    /// Returns the approval of exactly this plan, and when it ends.
    fn approval_of(
        &self,
        digest: PlanDigest,
        plan: &Plan,
        now: Timestamp,
    ) -> Option<(Grounding, Timestamp)> {
        let wanted = Entry::DestructionPlanned {
            plan: digest,
            events: plan.events(),
            through: plan.through,
        };
        let asked = self.requests.iter().filter(|(_, request)| request.entry == wanted);
        let approved = asked.filter_map(|(seq, request)| {
            let answer = request.answer.filter(|answer| answer.is_approval)?;
            let ends = answer.at.plus_micros(WARRANT_MICROS);
            let grounding = Grounding::Approved {
                request: *seq,
                requester: request.by,
                approval: answer.seq,
                approver: answer.by,
            };
            (now < ends).then_some((grounding, ends))
        });
        approved.max_by_key(|(_, ends)| *ends)
    }

    /// Returns the entries that gave the plan's rules effect, if the plan stays under the ceiling of each, and when that ends: a day
    /// after the plan was drawn, however often a warrant is made of it.
    fn ceilings_of(&self, plan: &Plan, now: Timestamp) -> Option<(Grounding, Timestamp)> {
        let ends = plan.now.plus_micros(WARRANT_MICROS);
        let standing = plan.by_rule().into_iter().map(|(id, events)| {
            let version = self.version(id)?;
            let ceiling = version.rule.as_ref()?.ceiling_events?;
            (events <= ceiling).then(|| (id.clone(), version.seq))
        });
        let standing = standing.collect::<Option<Vec<_>>>()?;
        (now < ends).then_some((Grounding::Standing(standing), ends))
    }

    /// Returns whether something recorded since may change what becomes of a share. It errs on the side of yes.
    fn touches(&self, recorded: &Recorded, share: &Share) -> bool {
        let event = &recorded.event;
        let at = event.at;
        let is_here = match &event.place {
            Some(place) => share.rooms.contains(&place.room),
            None => false,
        };
        if event.target.is_some_and(|target| share.span.holds(target)) {
            return true;
        }
        if is_here && (share.goes_by_activity || share.has_ledger) {
            return true;
        }
        let is_nowhere = event.place.is_none();
        match event.kind {
            EventKind::Officer => false,
            EventKind::Join => is_here && share.latest >= at && self.is_read_for(recorded),
            EventKind::Leave => is_here && share.earliest <= at && self.is_read_for(recorded),
            EventKind::Identity => share.has_ledger || self.goes_by_names(),
            EventKind::Room
            | EventKind::Category
            | EventKind::Rename
            | EventKind::Member
            | EventKind::Role
            | EventKind::Invitation
            | EventKind::Purge
            | EventKind::Kick => is_here || is_nowhere,
            EventKind::Message
            | EventKind::Action
            | EventKind::Story
            | EventKind::Alert
            | EventKind::Edit
            | EventKind::Retract
            | EventKind::Reaction
            | EventKind::Upload
            | EventKind::Download
            | EventKind::History
            | EventKind::Search
            | EventKind::Refused
            | EventKind::Quarantined
            | EventKind::Other
            | EventKind::Topic
            | EventKind::Replace
            | EventKind::Destroyed => share.has_ledger && is_nowhere,
            // A kind of a later version: of the ledger it may be membership, or anything else.
            EventKind::Unknown(_) | _ => event.kind.lane() == Lane::Ledger || is_here,
        }
    }

    /// Returns the holds that are placed and not released, or that bind in their grace: all that are not certainly over.
    fn binding(&self) -> impl Iterator<Item = &LegalHold> {
        let now = self.time.accepted().unwrap_or(Timestamp::MIN);
        self.holds.values().map(|record| &record.hold).filter(move |hold| hold.binds(now))
    }

    /// Returns whether somebody's coming or going may tell what a custodian could read.
    fn is_read_for(&self, recorded: &Recorded) -> bool {
        let who = recorded.event.actor.as_ref().map(|person| person.id);
        let readable = |hold: &&LegalHold| hold.scope.reach == HoldReach::Readable;
        let aliases = self
            .binding()
            .filter(readable)
            .flat_map(|hold| &hold.custodians)
            .flat_map(|custodian| &custodian.aliases);
        aliases.into_iter().any(|alias| match alias.called {
            Called::Person(id) => who.is_none_or(|who| who == id),
            Called::Name(_) => true,
        })
    }

    /// Returns whether a hold goes by what people are called, so that another name of somebody may bring more under it.
    fn goes_by_names(&self) -> bool {
        let is_name = |hold: &LegalHold| {
            let mut aliases = hold.custodians.iter().flat_map(|custodian| &custodian.aliases);
            aliases.any(|alias| matches!(alias.called, Called::Name(_)))
        };
        self.binding().any(|hold| hold.scope.query.is_some() || is_name(hold))
    }
}

#[cfg(test)]
#[path = "warrant_tests.rs"]
mod tests;
