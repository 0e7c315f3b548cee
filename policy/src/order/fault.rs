//! What can be wrong with an order of destruction: with how it is written, and with where it stands.

use chat::{Seq, Timestamp};

use crate::entry::PlanDigest;

/// Why an order of destruction is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderFault {
    /// The event says that something was destroyed, and has no act that can be read.
    #[error("the event orders a destruction and has no act that reads as one; look at its bytes")]
    Unread,
    /// An order that a source handed in.
    #[error("the order came from a source; only the archive itself records one")]
    Foreign,
    /// A field that no order has.
    #[error(
        "an order has no field {field:?} here; a later version may have meant to spare something by it"
    )]
    FieldUnknown {
        /// Its name, cut to 80 characters.
        field: String,
    },
    /// A value that is written otherwise than an order is written.
    #[error("{found:?} is not how an order writes {field}; write it in the one way there is")]
    FormUnfit {
        /// Which field.
        field: String,
        /// What was found, cut to 80 characters.
        found: String,
    },
    /// Nothing where something belongs.
    #[error("the order has no {what}; an order of nothing is none")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
    /// Something that stands there twice.
    #[error("the order has {found} twice among its {what}; say it once")]
    Doubled {
        /// Among what.
        what: &'static str,
        /// What stands there twice.
        found: String,
    },
    /// Something before which it should not stand.
    #[error("{found} stands in the wrong place among the {what} of the order; put them in order")]
    Unsorted {
        /// Among what.
        what: &'static str,
        /// What stands in the wrong place.
        found: String,
    },
    /// An event that is named twice.
    #[error("the order names event {event} twice; every event goes by one rule")]
    Overlap {
        /// The event.
        event: Seq,
    },
    /// More than an order may hold.
    #[error("the order has {found} {what}, and at most {bound} may be; make two plans of it")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How many.
        found: usize,
        /// How many may be.
        bound: usize,
    },
    /// A number of events that its ranges do not give.
    #[error("{rule} is said to take {found} events, and its ranges have {counted}; count again")]
    CountDiffers {
        /// The rule.
        rule: String,
        /// The number that is said.
        found: u64,
        /// The number that the ranges have, or leave.
        counted: u64,
    },
    /// Holds that were judged before the plan was.
    #[error("holds were judged at {judged}, before {through}, through which the plan was")]
    JudgedEarly {
        /// Where the holds were judged.
        judged: Seq,
        /// Through which event the plan was.
        through: Seq,
    },
    /// An order that does not stand directly behind the event at which the holds were judged.
    #[error("the order stands at {place}, and the holds were judged at {judged}; judge them again")]
    Misplaced {
        /// Where the holds were judged.
        judged: Seq,
        /// Where the order stands.
        place: Seq,
    },
    /// A plan that was drawn at a time that has not come.
    #[error("the plan was drawn for {drawn}, and it is {now}; wait, or plan again")]
    DrawnAhead {
        /// The time that the plan was drawn for.
        drawn: Timestamp,
        /// The time by which retention judges.
        now: Timestamp,
    },
    /// The order says of itself what the docket does not know so.
    #[error("the order says {found} for {fact}, and the docket does not; nothing rests on it")]
    GroundDiffers {
        /// What it is about.
        fact: &'static str,
        /// What the order says.
        found: String,
    },
    /// A version of a rule began to count, or ceased to, after the plan was drawn.
    #[error("rule {rule} began or ended at {from}, after the plan was drawn; plan again")]
    RuleBegan {
        /// Its name.
        rule: String,
        /// When.
        from: Timestamp,
    },
    /// More events than a rule may take without a second person.
    #[error("rule {rule} would take {found} events without a second person; ask for approval")]
    CeilingPassed {
        /// The rule.
        rule: String,
        /// How many events.
        found: u64,
    },
    /// An event that is no order, or one that had no effect where it stands.
    #[error("event {event} orders nothing that the docket knows; hand in an order that has effect")]
    WithoutEffect {
        /// The event.
        event: Seq,
    },
    /// A plan that was ordered before.
    #[error("plan {plan} was ordered by event {order}; what it names is gone")]
    Repeated {
        /// Its digest.
        plan: PlanDigest,
        /// The event that ordered it.
        order: Seq,
    },
    /// An event that an earlier order names.
    #[error("event {event} was ordered to be destroyed before; plan again without it")]
    AlreadyOrdered {
        /// The event.
        event: Seq,
    },
}
