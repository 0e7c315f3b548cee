//! Orders: what stands in the log when a warranted destruction takes effect. From that event on what it names counts as gone, and a
//! hold that was recorded before it has blocked it. An order says all that a certificate needs later, and is known from the log alone.

mod act;
mod birth;
mod fault;
mod recorded;

use chat::limits::{ORDER_RANGE_BYTES_MAX, ORDER_TAKES_MAX};
use chat::{Lane, PersonId, Seq, Timestamp};

pub use act::ORDER_VERB;
pub use fault::OrderFault;
pub use recorded::RecordedOrder;

use crate::entry::PlanDigest;
use crate::error::{Error, Result};
use crate::ranges::{Ranges, Stretch};
use crate::role::Regime;
use crate::schedule::{Remains, RuleVersion, is_name};
use crate::words::words;

words! {
    /// What the ranges of a take name.
    Named, "way of naming";
    /// Exactly these events, and all of them are talk.
    Talk = "talk",
    /// Exactly these events, and some of them may be of the ledger.
    Any = "any",
    /// All talk events within that were living, and nothing of the ledger.
    TalkWithin = "talk-within",
}

/// Events that one rule lets go in one way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Take {
    /// What is left of each.
    pub remains: Remains,
    /// What the ranges name.
    pub named: Named,
    /// Where they are.
    pub ranges: Ranges,
    /// How many they are.
    pub events: u64,
}

/// One rule with all that it takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RuleTakes {
    /// The rule.
    pub rule: RuleVersion,
    /// The entry that gave this version effect.
    pub entry: Seq,
    /// What it takes, by what remains and how it is named.
    pub takes: Vec<Take>,
}

impl RuleTakes {
    /// Returns how many events the rule takes.
    pub fn events(&self) -> u64 {
        self.takes.iter().map(|take| take.events).fold(0, u64::saturating_add)
    }
}

/// What an order rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ground {
    /// Somebody approved exactly this plan.
    Approval {
        /// The request.
        request: Seq,
        /// Who asked.
        requester: PersonId,
        /// The approval.
        approval: Seq,
        /// Who approved.
        approver: PersonId,
    },
    /// Each rule was approved with a ceiling, and takes no more than that.
    Ceilings,
}

/// What an order says, before it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderParts {
    pub(crate) plan: PlanDigest,
    pub(crate) through: Seq,
    pub(crate) drawn: Timestamp,
    pub(crate) judged: Seq,
    pub(crate) regime: Regime,
    pub(crate) ground: Ground,
    pub(crate) withdrawn: u64,
    pub(crate) rules: Vec<RuleTakes>,
}

/// A destruction as it is ordered. Its parts are private: it is born of a warrant, or read from the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    parts: OrderParts,
    places: Vec<Placed>,
}

/// Which take names a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Placed {
    stretch: Stretch,
    rule: usize,
    take: usize,
}

impl Order {
    /// Returns the order that these parts make. Refused where they are not sorted, empty, overlapping, counted wrongly or too large.
    pub(crate) fn checked(parts: OrderParts) -> Result<Self> {
        let OrderParts { through, judged, rules, .. } = &parts;
        if judged < through {
            return Err(OrderFault::JudgedEarly { judged: *judged, through: *through }.into());
        }
        check_ascending("rules", rules.iter().map(|takes| &takes.rule))?;
        for of_rule in rules {
            of_rule.check()?;
        }
        check_size(rules)?;
        let places = places_of(rules)?;
        let last = places.last().map(|placed| placed.stretch.last);
        match last.filter(|last| last > through) {
            Some(event) => Err(Error::EventBeyondPlan { event, through: *through }),
            None => Ok(Self { parts, places }),
        }
    }

    /// Returns the SHA-256 of the plan that it orders.
    pub const fn plan(&self) -> PlanDigest {
        self.parts.plan
    }

    /// Returns the last event that the plan was judged through.
    pub const fn through(&self) -> Seq {
        self.parts.through
    }

    /// Returns the time that the plan was drawn for.
    pub const fn drawn(&self) -> Timestamp {
        self.parts.drawn
    }

    /// Returns the event at which the docket stood when the holds were judged: the one before the order.
    pub const fn judged(&self) -> Seq {
        self.parts.judged
    }

    /// Returns whether a second person judged.
    pub const fn regime(&self) -> Regime {
        self.parts.regime
    }

    /// Returns what it rests on.
    pub const fn ground(&self) -> Ground {
        self.parts.ground
    }

    /// Returns how many events of the plan are left alone, because something recorded since touches them.
    pub const fn withdrawn(&self) -> u64 {
        self.parts.withdrawn
    }

    /// Returns what goes, by rule.
    pub fn rules(&self) -> &[RuleTakes] {
        &self.parts.rules
    }

    /// Returns how many events go.
    pub fn events(&self) -> u64 {
        self.parts.rules.iter().map(RuleTakes::events).fold(0, u64::saturating_add)
    }

    /// Returns by which rule an event of a lane goes and what is left of it, or nothing where the order does not name it. It takes
    /// O(log n) of the stretches. Of a stretch whose talk goes whole, what is of the ledger stays.
    pub fn taken_by(&self, seq: Seq, lane: Lane) -> Option<(&RuleVersion, Remains)> {
        let index = self.places.partition_point(|placed| placed.stretch.last < seq);
        let placed = self.places.get(index).filter(|placed| placed.stretch.first <= seq)?;
        let of_rule = self.parts.rules.get(placed.rule)?;
        let take = of_rule.takes.get(placed.take)?;
        let is_named = take.named == Named::Any || lane == Lane::Talk;
        is_named.then_some((&of_rule.rule, take.remains))
    }

    /// Returns whether the order names an event of a lane.
    pub fn names(&self, seq: Seq, lane: Lane) -> bool {
        self.taken_by(seq, lane).is_some()
    }
}

impl RuleTakes {
    fn check(&self) -> Result<()> {
        let Self { rule, takes, .. } = self;
        if !is_name(&rule.name) {
            return Err(Error::NameUnfit { found: rule.name.chars().take(80).collect() });
        }
        if rule.version == 0 {
            return Err(unfit("version", "0"));
        }
        check_ascending("takes", takes.iter().map(|take| (take.remains, TakeName(take.named))))?;
        takes.iter().try_for_each(|take| take.check(rule))
    }
}

impl Take {
    fn check(&self, rule: &RuleVersion) -> Result<()> {
        if self.ranges.stretches().is_empty() {
            return Err(OrderFault::Empty { what: "ranges" }.into());
        }
        let (found, counted) = (self.events, self.ranges.numbers());
        let is_right = match self.named {
            Named::Talk | Named::Any => found == counted,
            // How many of a stretch are talk and were living only the archive knows.
            Named::TalkWithin => (1..=counted).contains(&found),
        };
        let rule = rule.to_string();
        if is_right {
            Ok(())
        } else {
            Err(OrderFault::CountDiffers { rule, found, counted }.into())
        }
    }
}

/// How a take is called where it stands in the wrong place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct TakeName(Named);

/// Something that stands in a list of an order.
trait Listed: Ord {
    fn called(&self) -> String;
}

impl Listed for &RuleVersion {
    fn called(&self) -> String {
        self.to_string()
    }
}

impl Listed for (Remains, TakeName) {
    fn called(&self) -> String {
        format!("{} {}", self.0, self.1.0)
    }
}

fn check_ascending<T: Listed>(what: &'static str, list: impl Iterator<Item = T>) -> Result<()> {
    let mut before: Option<T> = None;
    for item in list {
        match before.as_ref().map(|before| before.cmp(&item)) {
            Some(std::cmp::Ordering::Equal) => {
                return Err(OrderFault::Doubled { what, found: item.called() }.into());
            }
            Some(std::cmp::Ordering::Greater) => {
                return Err(OrderFault::Unsorted { what, found: item.called() }.into());
            }
            Some(std::cmp::Ordering::Less) | None => before = Some(item),
        }
    }
    before.map(drop).ok_or_else(|| OrderFault::Empty { what }.into())
}

/// Refuses an order that would be no act of the log any more.
fn check_size(rules: &[RuleTakes]) -> Result<()> {
    let takes = || rules.iter().flat_map(|of_rule| &of_rule.takes);
    let too_large = |what, found, bound| OrderFault::TooLarge { what, found, bound };
    let found = takes().count();
    if found > ORDER_TAKES_MAX {
        return Err(too_large("takes", found, ORDER_TAKES_MAX).into());
    }
    let found = takes().map(|take| take.ranges.to_string().len()).sum();
    if found > ORDER_RANGE_BYTES_MAX {
        return Err(too_large("bytes of ranges", found, ORDER_RANGE_BYTES_MAX).into());
    }
    Ok(())
}

/// Returns all stretches, ascending. Refused where two of them share an event.
fn places_of(rules: &[RuleTakes]) -> Result<Vec<Placed>> {
    let mut places = Vec::new();
    for (rule, of_rule) in rules.iter().enumerate() {
        for (take, taken) in of_rule.takes.iter().enumerate() {
            let stretches = taken.ranges.stretches().iter();
            places.extend(stretches.map(|stretch| Placed { stretch: *stretch, rule, take }));
        }
    }
    places.sort_unstable_by_key(|placed| placed.stretch);
    let mut end: Option<Seq> = None;
    for placed in &places {
        if end.is_some_and(|end| placed.stretch.first <= end) {
            return Err(OrderFault::Overlap { event: placed.stretch.first }.into());
        }
        end = Some(placed.stretch.last);
    }
    Ok(places)
}

fn unfit(field: &str, found: &str) -> Error {
    let found = found.chars().take(80).collect();
    OrderFault::FormUnfit { field: field.to_owned(), found }.into()
}
