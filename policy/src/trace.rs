//! How a decision came about, in sentences that can be read out.

use std::fmt;

use chat::{Seq, Timestamp};

use crate::evaluate::Disposition;
use crate::hold::{Bond, HoldId};
use crate::schedule::RetentionRule;

/// One step of a decision.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'a> {
    /// A rule is about the event.
    RuleMatches { rule: &'a RetentionRule, over: Option<Timestamp> },
    /// No rule is.
    NoRule,
    /// What keeps it keeps it still.
    Retained { until: Option<Timestamp> },
    /// What kept it is over, and nothing deletes it.
    NothingDeletes,
    /// Of those that delete or ask, this one counts.
    Deletes { rule: &'a RetentionRule, over: Option<Timestamp> },
    /// Something living refers to it.
    ReferredTo,
    /// It is needed whole.
    Needed,
    /// A hold binds it.
    Held { hold: HoldId, seq: Seq, bond: &'a Bond },
    /// A hold would bind it, had it not been released long ago.
    HoldReleased { hold: HoldId },
}

/// Why something becomes of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The event.
    pub seq: Seq,
    /// What was found, in order, one sentence each without its full stop.
    pub steps: Vec<String>,
    /// What follows from it.
    pub disposition: Disposition,
}

struct Over(Option<Timestamp>);

impl fmt::Display for Over {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(moment) => moment.fmt(out),
            None => out.write_str("a time not known yet"),
        }
    }
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RuleMatches { rule, over } => write!(
                out,
                "rule {} is about it: {} after {} of {}, over at {}",
                rule.id,
                rule.action,
                rule.period,
                rule.clock,
                Over(*over)
            ),
            Self::NoRule => out.write_str("no rule is about it"),
            Self::Retained { until } => {
                write!(out, "the longest that keeps it ends at {}", Over(*until))
            }
            Self::NothingDeletes => {
                out.write_str("nothing keeps it longer, and nothing deletes it")
            }
            Self::Deletes { rule, over } => write!(
                out,
                "of those that delete or ask, {} is the most specific, due at {}",
                rule.id,
                Over(*over)
            ),
            Self::ReferredTo => out.write_str("something living refers to it: its header stays"),
            Self::Needed => out.write_str("the record needs it whole"),
            Self::Held { hold, seq, bond } => {
                write!(out, "hold {hold} binds it: event {seq} {bond}")
            }
            Self::HoldReleased { hold } => {
                write!(out, "hold {hold} was released and binds no more")
            }
        }
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(holds) => {
                out.write_str("held by")?;
                holds.iter().try_for_each(|hold| write!(out, " {hold}"))
            }
            Self::Keep { until: Some(until) } => write!(out, "kept until {until}"),
            Self::Keep { until: None } => out.write_str("kept"),
            Self::Needed => out.write_str("kept, because it is needed"),
            Self::Review { rule, since } => {
                write!(out, "kept until somebody looks at it, as {rule} asks since {since}")
            }
            Self::Unclassified => out.write_str("kept, unclassified"),
            Self::Expired { rule, since, remains } => {
                write!(out, "expired by {rule} since {since}, leaving a {remains}")
            }
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "event {}", self.seq)?;
        self.steps.iter().try_for_each(|step| writeln!(out, "  {step}"))?;
        writeln!(out, "  so it is {}", self.disposition)
    }
}
