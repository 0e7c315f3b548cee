//! Orders that stand in the log: what an archive executes. Only a docket that has folded the log that far gives one out, so that nothing
//! is destroyed for an order that was refused, that is not recorded yet, or that nobody judged.

use chat::{EventKind, Lane, Recorded, Seq};

use super::{Named, Order, OrderFault};
use crate::docket::Docket;
use crate::error::{Error, Result};
use crate::ranges::Stretch;
use crate::schedule::Remains;

/// An order with its place in the log. Its parts are private, and only [`Docket::recorded_order`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedOrder {
    event: Recorded,
    order: Order,
    /// Where it names events, ascending and apart, without what other orders have taken of it.
    stretches: Vec<Stretch>,
}

impl Docket {
    /// Returns the order that an event of the log is. Refused where the docket has not folded the log that far, and where the event is
    /// no order, or one that had no effect.
    pub fn recorded_order(&self, recorded: &Recorded) -> Result<RecordedOrder> {
        let asked = recorded.seq;
        if self.folded < Some(asked) {
            return Err(Error::DocketElsewhere {
                docket: self.folded.unwrap_or(Seq::FIRST),
                asked,
            });
        }
        let act = recorded.event.content.act.as_ref();
        let act = act.filter(|_| recorded.event.kind == EventKind::Destroyed);
        let order = act.and_then(|act| Order::decode(act).ok());
        let order = order.filter(|order| self.ordered.plan(order.plan()) == Some(asked));
        let order = order.ok_or(OrderFault::WithoutEffect { event: asked })?;
        Ok(RecordedOrder { event: recorded.clone(), order, stretches: self.ordered.of(asked) })
    }
}

impl RecordedOrder {
    /// Returns where it stands in the log.
    pub const fn place(&self) -> Seq {
        self.event.seq
    }

    /// Returns the event that it is.
    pub const fn event(&self) -> &Recorded {
        &self.event
    }

    /// Returns what it says.
    pub const fn order(&self) -> &Order {
        &self.order
    }

    /// Returns what it leaves of an event of a lane, or nothing where it does not name it, in O(log n) of the stretches. What an order
    /// before it has taken of a stretch that goes whole is named by that one alone, whichever is executed first.
    pub fn takes(&self, seq: Seq, lane: Lane) -> Option<Remains> {
        let stretch = self.stretches.get(self.behind(seq))?;
        let (_, remains) = self.order.taken_by(seq, lane).filter(|_| stretch.first <= seq)?;
        Some(remains)
    }

    /// Returns the ranges of the log of which it names events, ascending and apart.
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// Returns what a stretch of the log shares with those ranges, ascending.
    pub fn within(&self, span: Stretch) -> impl Iterator<Item = Stretch> {
        let from = self.stretches.get(self.behind(span.first)..).unwrap_or_default().iter();
        from.map_while(move |stretch| stretch.shared(span))
    }

    /// Returns the first place at or behind another that lies in one of those ranges.
    pub fn next_from(&self, seq: Seq) -> Option<Seq> {
        self.stretches.get(self.behind(seq)).map(|stretch| stretch.first.max(seq))
    }

    /// Returns whether it may name events of a lane.
    pub fn names_of(&self, lane: Lane) -> bool {
        let mut takes = self.order.rules().iter().flat_map(|of_rule| &of_rule.takes);
        lane == Lane::Talk || takes.any(|take| take.named == Named::Any)
    }

    /// Returns whether of some events nothing but the leaf is left.
    pub fn blanks(&self) -> bool {
        let mut takes = self.order.rules().iter().flat_map(|of_rule| &of_rule.takes);
        takes.any(|take| take.remains == Remains::Blank)
    }

    /// Returns the index of the first range that does not end before an event.
    fn behind(&self, seq: Seq) -> usize {
        self.stretches.partition_point(|stretch| stretch.last < seq)
    }
}

#[cfg(test)]
mod tests;
