//! How an order stands in the log (decision 001): an act of an event of kind `destroyed`, each fact in one place.
//!
//! | fact | says |
//! |---|---|
//! | `plan` | the SHA-256 of the plan |
//! | `through`, `drawn` | through which event it was judged, and for what time |
//! | `judged` | the event at which the holds were judged |
//! | `single_officer` | whether nobody else judged |
//! | `ground` | `approval`, with `request`, `requester`, `approval` and `approver`, or `ceilings` |
//! | `withdrawn` | how many events of the plan are left alone |
//! | `rules` | maps of `rule`, `version`, `entry` and `takes`: maps of `remains`, `named`, `ranges` and `events` |
//!
//! Who orders, when and where are the event's own. The bytes are those of any act: keys in byte order, no white space, and what is
//! written otherwise, or says a key twice, is no act at all.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use chat::limits::{ORDER_RANGE_BYTES_MAX, ORDER_TAKES_MAX};
use chat::{Act, Fact, Timestamp};

use super::{Ground, Order, OrderFault, OrderParts, RuleTakes, Take, unfit};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::ranges::Ranges;
use crate::role::Regime;
use crate::schedule::RuleVersion;

/// The verb of an order.
pub const ORDER_VERB: &str = "destruction-ordered";

const BY_APPROVAL: &str = "approval";
const BY_CEILINGS: &str = "ceilings";
const ALWAYS: [&str; 8] =
    ["plan", "through", "drawn", "judged", "single_officer", "ground", "withdrawn", "rules"];
const APPROVED: [&str; 4] = ["request", "requester", "approval", "approver"];
const OF_RULE: [&str; 4] = ["rule", "version", "entry", "takes"];
const OF_TAKE: [&str; 4] = ["remains", "named", "ranges", "events"];

impl Order {
    /// Returns the act that stands in the log for the order.
    pub fn act(&self) -> Act {
        let OrderParts { plan, through, drawn, judged, regime, ground, withdrawn, rules } =
            &self.parts;
        let act = Act::new(ORDER_VERB)
            .with("plan", plan.to_string())
            .with("through", through.to_string())
            .with("drawn", drawn.to_string())
            .with("judged", judged.to_string())
            .with("single_officer", *regime == Regime::SingleOfficer)
            .with("withdrawn", *withdrawn)
            .with("rules", Fact::List(rules.iter().map(rule_fact).collect()));
        match ground {
            Ground::Ceilings => act.with("ground", BY_CEILINGS),
            Ground::Approval { request, requester, approval, approver } => act
                .with("ground", BY_APPROVAL)
                .with("request", request.to_string())
                .with("requester", requester.to_string())
                .with("approval", approval.to_string())
                .with("approver", approver.to_string()),
        }
    }

    /// Reads an order from an act. Refused, by name, where it is written in any other way than [`Order::act`] writes it, so that two
    /// acts never say the same and none says more than was understood.
    pub fn decode(act: &Act) -> Result<Self> {
        if act.verb != ORDER_VERB {
            return Err(Error::VerbUnknown { verb: act.verb.chars().take(80).collect() });
        }
        let facts = Facts::of(act);
        let ground = facts.text("ground")?;
        let known: Vec<&str> = match ground.as_str() {
            BY_APPROVAL => ALWAYS.into_iter().chain(APPROVED).collect(),
            BY_CEILINGS => ALWAYS.to_vec(),
            _ => return Err(unfit("ground", &ground)),
        };
        check_known(&facts, &known)?;
        let parts = OrderParts {
            plan: exact(&facts, "plan")?,
            through: exact(&facts, "through")?,
            drawn: moment(&facts, "drawn")?,
            judged: exact(&facts, "judged")?,
            regime: if facts.flag("single_officer")? {
                Regime::SingleOfficer
            } else {
                Regime::FourEyes
            },
            ground: if ground == BY_CEILINGS { Ground::Ceilings } else { read_approval(&facts)? },
            withdrawn: facts.number("withdrawn")?,
            rules: read_rules(&facts)?,
        };
        Self::checked(parts)
    }
}

fn rule_fact(of_rule: &RuleTakes) -> Fact {
    let RuleTakes { rule, entry, takes } = of_rule;
    map([
        ("rule", Fact::from(&*rule.name)),
        ("version", rule.version.into()),
        ("entry", entry.to_string().into()),
        ("takes", Fact::List(takes.iter().map(take_fact).collect())),
    ])
}

fn take_fact(take: &Take) -> Fact {
    let Take { remains, named, ranges, events } = take;
    map([
        ("remains", remains.word().into()),
        ("named", named.word().into()),
        ("ranges", ranges.to_string().into()),
        ("events", (*events).into()),
    ])
}

fn map<const N: usize>(facts: [(&str, Fact); N]) -> Fact {
    Fact::Map(
        facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect::<BTreeMap<_, _>>(),
    )
}

fn read_approval(facts: &Facts<'_>) -> Result<Ground> {
    Ok(Ground::Approval {
        request: exact(facts, "request")?,
        requester: exact(facts, "requester")?,
        approval: exact(facts, "approval")?,
        approver: exact(facts, "approver")?,
    })
}

fn read_rules(facts: &Facts<'_>) -> Result<Vec<RuleTakes>> {
    // Nothing is read of a list that is too long, however little each of it says.
    let (rules, mut bytes, mut takes) = (facts.maps("rules")?, 0, 0);
    check_bound("rules", rules.len(), ORDER_TAKES_MAX)?;
    let mut read = Vec::with_capacity(rules.len());
    for rule in &rules {
        check_known(rule, &OF_RULE)?;
        let found = rule.maps("takes")?;
        takes += found.len();
        check_bound("takes", takes, ORDER_TAKES_MAX)?;
        let mut of_rule = Vec::with_capacity(found.len());
        for take in &found {
            check_known(take, &OF_TAKE)?;
            let ranges = take.text("ranges")?;
            bytes += ranges.len();
            check_bound("bytes of ranges", bytes, ORDER_RANGE_BYTES_MAX)?;
            of_rule.push(Take {
                remains: exact(take, "remains")?,
                named: exact(take, "named")?,
                ranges: Ranges::parse(&ranges)?,
                events: take.number("events")?,
            });
        }
        let version = rule.number("version")?;
        let version = u32::try_from(version).map_err(|_| unfit("version", &version.to_string()))?;
        let id = RuleVersion { name: rule.text("rule")?.into(), version };
        read.push(RuleTakes { rule: id, entry: exact(rule, "entry")?, takes: of_rule });
    }
    Ok(read)
}

fn check_bound(what: &'static str, found: usize, bound: usize) -> Result<()> {
    if found > bound { Err(OrderFault::TooLarge { what, found, bound }.into()) } else { Ok(()) }
}

/// Refuses a fact that an order does not have there.
fn check_known(facts: &Facts<'_>, known: &[&str]) -> Result<()> {
    match facts.names().find(|name| !known.contains(name)) {
        Some(field) => {
            Err(OrderFault::FieldUnknown { field: field.chars().take(80).collect() }.into())
        }
        None => Ok(()),
    }
}

/// Returns what words say, if they say it in the one way that it is written.
fn exact<T: FromStr + Display>(facts: &Facts<'_>, name: &str) -> Result<T> {
    let text = facts.text(name)?;
    let value = text.parse::<T>().ok().filter(|value| value.to_string() == text);
    value.ok_or_else(|| unfit(name, &text))
}

/// Returns a moment, likewise.
fn moment(facts: &Facts<'_>, name: &str) -> Result<Timestamp> {
    let text = facts.text(name)?;
    let moment = Timestamp::parse_rfc3339(&text).ok();
    moment.filter(|moment| moment.to_string() == text).ok_or_else(|| unfit(name, &text))
}

#[cfg(test)]
mod tests;
