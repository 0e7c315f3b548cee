//! What was ordered to be destroyed, as the log alone tells it: every plan, and every event with the order that names it. Events are
//! kept as stretches of the log: an archive destroys whole months, and a set of ten million numbers would outweigh all else that a
//! docket holds.

use std::collections::{BTreeMap, BTreeSet};

use chat::{Lane, Seq};

use crate::entry::PlanDigest;
use crate::error::Result;
use crate::order::{Named, Order, OrderFault, RuleTakes, Take};
use crate::ranges::Stretch;

/// All plans and events that were ordered to be destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ordered {
    plans: BTreeMap<PlanDigest, Seq>,
    /// Ascending, and no two share a number.
    pieces: Vec<Piece>,
}

/// A stretch of the log of which one order names events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    stretch: Stretch,
    order: Seq,
    named: Named,
}

impl Ordered {
    /// Returns the event that ordered a plan.
    pub fn plan(&self, plan: PlanDigest) -> Option<Seq> {
        self.plans.get(&plan).copied()
    }

    /// Returns all orders, ascending.
    pub fn orders(&self) -> BTreeSet<Seq> {
        self.plans.values().copied().collect()
    }

    /// Returns the order that names an event of a lane, in O(log n) of the stretches. The ledger of a stretch whose talk went whole
    /// is named by none.
    pub fn by(&self, seq: Seq, lane: Lane) -> Option<Seq> {
        let (piece, _) = meeting(&self.pieces, Stretch::one(seq)).next()?;
        (lane == Lane::Talk || piece.named == Named::Any).then_some(piece.order)
    }

    /// Returns the stretches of which an order names events, ascending and apart: those of the same order that touch are one.
    pub(crate) fn of(&self, order: Seq) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = Vec::new();
        for piece in self.pieces.iter().filter(|piece| piece.order == order) {
            match stretches.last_mut().filter(|before| before.last.next() == piece.stretch.first) {
                Some(before) => before.last = piece.stretch.last,
                None => stretches.push(piece.stretch),
            }
        }
        stretches
    }

    /// Returns how many stretches are kept, each of them 32 bytes in memory.
    pub const fn stretches(&self) -> usize {
        self.pieces.len()
    }

    /// Refuses a plan that was ordered before.
    pub(crate) fn check_plan(&self, plan: PlanDigest) -> Result<()> {
        match self.plan(plan) {
            Some(order) => Err(OrderFault::Repeated { plan, order }.into()),
            None => Ok(()),
        }
    }

    /// Refuses an order for what is gone already, or with a count that has gone wrong since its plan was drawn.
    pub(crate) fn check(&self, order: &Order) -> Result<()> {
        self.check_plan(order.plan())?;
        let takes = order.rules().iter().flat_map(|of| of.takes.iter().map(move |take| (of, take)));
        takes.into_iter().try_for_each(|(of, take)| self.check_take(of, take, order.through()))
    }

    fn check_take(&self, of_rule: &RuleTakes, take: &Take, through: Seq) -> Result<()> {
        let mut gone = 0;
        let stretches = take.ranges.stretches().iter();
        for (piece, shared) in stretches.flat_map(|stretch| meeting(&self.pieces, *stretch)) {
            let is_gone = match take.named {
                Named::Talk => true,
                // What is of the ledger stayed when the talk around it went.
                Named::Any => piece.named != Named::TalkWithin,
                // What had gone when the plan was drawn is not among the living that it counts.
                Named::TalkWithin => false,
            };
            if is_gone || piece.order > through {
                return Err(OrderFault::AlreadyOrdered { event: shared.first }.into());
            }
            gone += shared.numbers();
        }
        let counted = take.ranges.numbers().saturating_sub(gone);
        if take.named == Named::TalkWithin && take.events > counted {
            let rule = of_rule.rule.to_string();
            return Err(OrderFault::CountDiffers { rule, found: take.events, counted }.into());
        }
        Ok(())
    }

    /// Takes in an order that stands at a place of the log. What it names exactly it is said to have taken; of a stretch that it
    /// takes whole, what no other order has taken.
    pub(crate) fn take(&mut self, order: &Order, place: Seq) {
        self.plans.insert(order.plan(), place);
        let (mut exact, mut whole) = (Vec::new(), Vec::new());
        for take in order.rules().iter().flat_map(|of_rule| &of_rule.takes) {
            let named = take.named;
            let pieces = if named == Named::TalkWithin { &mut whole } else { &mut exact };
            let stretches = take.ranges.stretches().iter();
            pieces.extend(stretches.map(|stretch| Piece {
                stretch: *stretch,
                order: place,
                named,
            }));
        }
        exact.sort_unstable_by_key(|piece| piece.stretch);
        let mut all = without(&self.pieces, &exact);
        all.extend(without(&whole, &self.pieces));
        all.extend(exact);
        // The stable sort is linear where a few runs are in order already.
        all.sort_by_key(|piece| piece.stretch);
        self.pieces.clear();
        for piece in all {
            match self.pieces.last_mut() {
                Some(before) if before.goes_on_in(&piece) => {
                    before.stretch.last = piece.stretch.last;
                }
                _ => self.pieces.push(piece),
            }
        }
    }
}

impl Piece {
    fn goes_on_in(&self, next: &Self) -> bool {
        self.stretch.last.next() == next.stretch.first
            && (self.order, self.named) == (next.order, next.named)
    }
}

/// Returns the pieces that share numbers with a stretch, and which, given pieces that ascend.
fn meeting(pieces: &[Piece], stretch: Stretch) -> impl Iterator<Item = (&Piece, Stretch)> {
    let start = pieces.partition_point(|piece| piece.stretch.last < stretch.first);
    let from = pieces.get(start..).unwrap_or_default().iter();
    from.map_while(move |piece| Some((piece, piece.stretch.shared(stretch)?)))
}

/// Returns what is left of pieces where the stretches of others are cut out.
fn without(pieces: &[Piece], others: &[Piece]) -> Vec<Piece> {
    let mut left = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let mut first = piece.stretch.first;
        let mut keep = |first: Seq, last: Seq| {
            if first <= last {
                left.push(Piece { stretch: Stretch { first, last }, ..*piece });
            }
        };
        for (_, shared) in meeting(others, piece.stretch) {
            if let Some(before) = Seq::new(shared.first.get() - 1) {
                keep(first, before);
            }
            first = shared.last.next();
        }
        keep(first, piece.stretch.last);
    }
    left
}

#[cfg(test)]
mod tests;
