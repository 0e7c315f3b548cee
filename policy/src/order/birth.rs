//! How an order is born, and how it is judged where it stands: by one question, which is asked before it is recorded and again when
//! the log is folded. From the log alone, so that no order has an effect of which anybody could say later that nothing permitted it.

use std::collections::BTreeMap;

use chat::{Act, PersonId, Recorded, Seq, Timestamp};

use super::{Ground, Named, Order, OrderFault, OrderParts, RuleTakes, Take};
use crate::docket::Docket;
use crate::entry::Entry;
use crate::error::{Error, Result};
use crate::plan::{Share, Span};
use crate::ranges::{Ranges, Stretch};
use crate::role::{Action, Reach, Regime};
use crate::schedule::{Remains, RetentionRule, RuleAction, RuleVersion};
use crate::warrant::{Grounding, Permit, WARRANT_MICROS, Warrant};

/// Where, by whom and when an order is recorded.
#[derive(Debug, Clone, Copy)]
struct Standpoint {
    place: Seq,
    by: PersonId,
    clock: Timestamp,
}

/// Takes that are being gathered: stretches and events of each way of remaining and of naming.
type Gathering = BTreeMap<(Remains, Named), (Vec<Stretch>, u64)>;

impl Docket {
    /// Returns the order of what a warrant permits, over all that was recorded since its plan was judged, in order and without a gap.
    /// It holds at the very next place of the log and at no other: the sequencer asks for it and records it in one step, as an event
    /// of kind `destroyed` by the officer who was named here.
    ///
    /// Refused for what [`Docket::still_permits`] refuses, for an officer who may not run the schedule, where the plan or one of its
    /// events was ordered before, where rules began or ended since, and where the clock was set back behind the plan.
    pub fn order(
        &self,
        warrant: &Warrant,
        tail: &[Recorded],
        by: PersonId,
        clock: Timestamp,
    ) -> Result<Order> {
        self.ordered.check_plan(warrant.digest())?;
        let permit = self.still_permits(warrant, tail, clock)?;
        let judged = tail.last().map_or(warrant.plan().through(), |last| last.seq);
        let order = Order::checked(OrderParts {
            plan: warrant.digest(),
            through: warrant.plan().through(),
            drawn: warrant.plan().now,
            judged,
            regime: warrant.regime(),
            ground: ground_of(warrant.grounding()),
            withdrawn: permit.withdrawn_events(),
            rules: self.takes_of(&permit)?,
        })?;
        self.check_order(&order, Standpoint { place: judged.next(), by, clock })?;
        Ok(order)
    }

    /// Takes an order from the log. What is refused has no effect.
    pub(crate) fn take_order(&mut self, recorded: &Recorded, act: Option<&Act>) -> Result<()> {
        let Recorded { seq: place, recorded_at: clock, event, .. } = recorded;
        if event.origin.is_some() {
            return Err(OrderFault::Foreign.into());
        }
        let order = Order::decode(act.ok_or(OrderFault::Unread)?)?;
        let by = event.actor.as_ref().ok_or(Error::OfficerMissing)?.id;
        self.check_order(&order, Standpoint { place: *place, by, clock: *clock })?;
        self.ordered.take(&order, *place);
        Ok(())
    }

    /// Returns what a permit lets go, by rule.
    fn takes_of(&self, permit: &Permit<'_>) -> Result<Vec<RuleTakes>> {
        let mut rules: BTreeMap<&RuleVersion, Gathering> = BTreeMap::new();
        for share in permit.shares() {
            let (named, mut stretches) = stretches_of(share);
            let takes = rules.entry(share.rule()).or_default();
            let take = takes.entry((share.remains(), named)).or_default();
            take.0.append(&mut stretches);
            take.1 += share.span().events();
        }
        let of_rule = |(rule, takes): (&RuleVersion, Gathering)| {
            let unknown = || Error::RuleUnknown { found: rule.to_string() };
            let entry = self.version(rule).ok_or_else(unknown)?.seq;
            let take = |((remains, named), (stretches, events))| {
                Ok(Take { remains, named, ranges: Ranges::gather(stretches)?, events })
            };
            let takes = takes.into_iter().map(take).collect::<Result<_>>()?;
            Ok(RuleTakes { rule: rule.clone(), entry, takes })
        };
        rules.into_iter().map(of_rule).collect()
    }

    /// Refuses an order that may not stand where it does.
    fn check_order(&self, order: &Order, at: Standpoint) -> Result<()> {
        let (judged, through, drawn) = (order.judged(), order.through(), order.drawn());
        if at.place != judged.next() {
            return Err(OrderFault::Misplaced { judged, place: at.place }.into());
        }
        if let Some(event) = self.faults.keys().next() {
            return Err(Error::RecordUnclear { event: *event });
        }
        if let Some(changed) = self.changed.filter(|changed| *changed > through) {
            return Err(Error::PlanOutdated { changed, through });
        }
        let now = self.now(at.clock)?;
        if drawn > now {
            return Err(OrderFault::DrawnAhead { drawn, now }.into());
        }
        let action = Action::RunSchedule;
        if !self.roles_of(at.by, now)?.reaches(action).contains(&Reach::Everything) {
            return Err(Error::NotPermitted { action });
        }
        if order.regime() != self.regime {
            let is_single = order.regime() == Regime::SingleOfficer;
            return Err(differs("single_officer", &is_single));
        }
        self.check_rules(order, now)?;
        let expired = self.ground_ends(order)?;
        if now >= expired {
            return Err(Error::WarrantExpired { plan: order.plan(), expired });
        }
        self.ordered.check(order)
    }

    /// Refuses an order by rules that are not those for which its plan was drawn, or that are not those of now. A rule may begin
    /// and end without an entry: on the day that it waited for.
    fn check_rules(&self, order: &Order, now: Timestamp) -> Result<()> {
        let drawn = order.drawn();
        for (name, versions) in &self.rules {
            let mut since = versions.iter().map(|version| version.from);
            if let Some(from) = since.find(|from| (drawn < *from) && (*from <= now)) {
                return Err(OrderFault::RuleBegan { rule: name.to_string(), from }.into());
            }
        }
        for of_rule in order.rules() {
            let rule = self.counted(of_rule, drawn)?;
            let beyond = of_rule.takes.iter().find(|take| take.remains > rule.remains);
            if let Some(take) = beyond {
                return Err(differs("remains", &take.remains));
            }
        }
        Ok(())
    }

    /// Returns the version of a rule that an order goes by, if that one counted when the plan was drawn, and lets something go.
    fn counted(&self, of_rule: &RuleTakes, drawn: Timestamp) -> Result<&RetentionRule> {
        let versions = self.rules.get(&of_rule.rule.name).map(Vec::as_slice).unwrap_or_default();
        let counted = versions.iter().rev().find(|version| version.from <= drawn);
        let is_it =
            |rule: &&RetentionRule| rule.id == of_rule.rule && rule.action == RuleAction::Delete;
        let rule = counted.and_then(|version| version.rule.as_ref()).filter(is_it);
        let rule = rule.ok_or_else(|| differs("rule", &of_rule.rule))?;
        let entry = of_rule.entry;
        let is_its = counted.is_some_and(|version| version.seq == entry);
        if is_its { Ok(rule) } else { Err(differs("entry", &entry)) }
    }

    /// Returns the first moment at which what an order rests on is worth nothing. Refused where the docket does not know it so.
    fn ground_ends(&self, order: &Order) -> Result<Timestamp> {
        let Ground::Approval { request, requester, approval, approver } = order.ground() else {
            return self.ceilings_end(order);
        };
        let planned = Entry::DestructionPlanned {
            plan: order.plan(),
            events: order.events().saturating_add(order.withdrawn()),
            through: order.through(),
        };
        let asked = self.requests.get(&request).filter(|asked| asked.entry == planned);
        let asked = asked.ok_or_else(|| differs("request", &request))?;
        let answer = asked.answer.filter(|answer| answer.is_approval && answer.seq == approval);
        let answer = answer.ok_or_else(|| differs("approval", &approval))?;
        if asked.by != requester {
            return Err(differs("requester", &requester));
        }
        if answer.by != approver {
            return Err(differs("approver", &approver));
        }
        Ok(answer.at.plus_micros(WARRANT_MICROS))
    }

    fn ceilings_end(&self, order: &Order) -> Result<Timestamp> {
        for of_rule in order.rules() {
            let rule = self.counted(of_rule, order.drawn())?;
            let found = of_rule.events();
            if rule.ceiling_events.is_none_or(|ceiling| found > ceiling) {
                let rule = of_rule.rule.to_string();
                return Err(OrderFault::CeilingPassed { rule, found }.into());
            }
        }
        Ok(order.drawn().plus_micros(WARRANT_MICROS))
    }
}

fn ground_of(grounding: &Grounding) -> Ground {
    match *grounding {
        Grounding::Approved { request, requester, approval, approver } => {
            Ground::Approval { request, requester, approval, approver }
        }
        Grounding::Standing(_) => Ground::Ceilings,
    }
}

fn stretches_of(share: &Share) -> (Named, Vec<Stretch>) {
    match share.span() {
        Span::Each(seqs) => {
            let named = if share.has_ledger { Named::Any } else { Named::Talk };
            (named, seqs.iter().copied().map(Stretch::one).collect())
        }
        Span::Whole { first, last, .. } => {
            (Named::TalkWithin, vec![Stretch { first: *first, last: *last }])
        }
    }
}

fn differs(fact: &'static str, found: &dyn ToString) -> Error {
    OrderFault::GroundDiffers { fact, found: found.to_string() }.into()
}

#[cfg(test)]
mod tests;
