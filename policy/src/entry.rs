//! What officers write into the docket, and how it stands in the log: one verb each, its facts by name.
//!
//! | verb | facts (`?` may be left out) |
//! |---|---|
//! | `retention-rule-set` | `rule`, `version`, `action`, `period`, `clock`, `remains`, `purpose`, `legal_basis`, `locked`, `ceiling_events`?, `categories`?, `rooms`?, `persons`?, `kinds`?, `sources`? |
//! | `retention-rule-removed` | `rule` |
//! | `retention-occurrence` | `name`, `person` or `room`, `at` |
//! | `retention-clock-right` | `at` |
//! | `retention-fault-noted` | `event` |
//! | `hold-placed` | `reason`, `reach`, `matter`?, `asked`?, `custodians`?, `rooms`?, `categories`?, `sources`?, `from`?, `until`?, `query`? |
//! | `hold-released` | `hold`, `listed` |
//! | `matter-opened` | `name`, `reason` |
//! | `matter-member-added` | `matter`, `officer` |
//! | `matter-custodian-named` | `matter`, `name`, `aliases`: maps of `person` or `called`, `source`?, `from`?, `until`? |
//! | `role-granted` | `officer`, `role`, `until`? |
//! | `role-withdrawn` | `officer`, `role` |
//! | `single-officer-declared` | – |
//! | `destruction-planned` | `plan`, `events`, `through` |
//! | `request-made` | `proposed`: a map of another act's facts, with its verb under `act` |
//! | `approval-given` | `request` |
//! | `approval-refused` | `request`, `reason` |

use std::collections::BTreeMap;
use std::sync::Arc;

use chat::{Act, EventKind, Fact, FileId, PersonId, Seq, Timestamp};
use query::{Query, Zone};

use crate::custodian::{Alias, Called, Custodian};
use crate::error::{Error, Result};
use crate::facts::{Facts, act_within, with_all};
use crate::hold::{HoldId, HoldScope};
use crate::matter::MatterId;
use crate::role::Role;
use crate::schedule::{Concerned, RetentionRule, RuleVersion};
use crate::scope::RuleScope;

/// The digest of a plan, kept by the type of another SHA-256 for its form in text: 64 lower-case hex digits.
pub type PlanDigest = FileId;

/// What an officer writes into the docket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A new version of a rule, or the first.
    RuleSet(Box<RetentionRule>),
    /// A rule stands no more.
    RuleRemoved {
        /// Its name.
        name: Arc<str>,
    },
    /// Something that clocks count from has happened.
    Occurred {
        /// Its name, such as `left`.
        name: String,
        /// Whom or what it concerns.
        concerned: Concerned,
        /// When.
        at: Timestamp,
    },
    /// The clock is right although it jumped.
    ClockRight {
        /// The time that is accepted.
        at: Timestamp,
    },
    /// A record that the docket could not take has been looked at, and stops destruction no longer.
    FaultNoted {
        /// The event.
        event: Seq,
    },
    /// A hold begins. Its id is the sequence number of this entry.
    HoldPlaced(Box<HoldPlacing>),
    /// A hold ends, after its grace.
    HoldReleased {
        /// Which.
        hold: HoldId,
        /// How many events the officers were shown as bound by it alone.
        listed: u64,
    },
    /// A matter begins. Its id is the sequence number of the entry that gives it effect.
    MatterOpened {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// An officer works on a matter.
    MemberAdded {
        /// The matter.
        matter: MatterId,
        /// The officer.
        officer: PersonId,
    },
    /// A custodian of a matter, or further aliases of one.
    CustodianNamed {
        /// The matter.
        matter: MatterId,
        /// The custodian.
        custodian: Custodian,
    },
    /// Somebody has a role.
    RoleGranted {
        /// Who.
        officer: PersonId,
        /// The role.
        role: Role,
        /// The first moment without it.
        until: Option<Timestamp>,
    },
    /// Somebody has a role no more.
    RoleWithdrawn {
        /// Who.
        officer: PersonId,
        /// The role.
        role: Role,
    },
    /// The officer who writes this is the only one.
    SingleOfficerDeclared,
    /// A plan of destruction, by its digest.
    DestructionPlanned {
        /// The SHA-256 of the plan's canonical bytes.
        plan: PlanDigest,
        /// How many events it names.
        events: u64,
        /// The last event of the log that it was judged through.
        through: Seq,
    },
    /// Another entry that needs approval. It has no effect of its own.
    Requested(Box<Self>),
    /// A request is approved: what it proposes takes effect by this entry.
    Approved {
        /// The entry that requests.
        request: Seq,
    },
    /// A request is refused, or taken back by whoever made it.
    Refused {
        /// The entry that requests.
        request: Seq,
        /// Why.
        reason: String,
    },
}

/// A hold as it is placed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HoldPlacing {
    /// The matter that it belongs to, which knows its custodians.
    pub matter: Option<MatterId>,
    /// What it covers.
    pub scope: HoldScope,
    /// Why.
    pub reason: String,
    /// The query as the officer typed it; the scope has it as it was understood.
    pub asked: Option<String>,
}

const SEQ: &str = "a sequence number";
const ID: &str = "an id of 32 hex digits";

impl Entry {
    /// Returns the act that stands in the log for the entry.
    pub fn act(&self) -> Act {
        match self {
            Self::RuleSet(rule) => rule_act(rule),
            Self::RuleRemoved { name } => Act::new("retention-rule-removed").with("rule", &**name),
            Self::Occurred { name, concerned, at } => {
                let (what, id) = match concerned {
                    Concerned::Person(id) => ("person", id.to_string()),
                    Concerned::Room(id) => ("room", id.to_string()),
                };
                let act = Act::new("retention-occurrence").with("name", name.as_str());
                act.with(what, id).with("at", at.to_string())
            }
            Self::ClockRight { at } => Act::new("retention-clock-right").with("at", at.to_string()),
            Self::FaultNoted { event } => {
                Act::new("retention-fault-noted").with("event", event.to_string())
            }
            Self::HoldPlaced(placing) => hold_act(placing),
            Self::HoldReleased { hold, listed } => {
                Act::new("hold-released").with("hold", hold.to_string()).with("listed", *listed)
            }
            Self::MatterOpened { name, reason } => Act::new("matter-opened")
                .with("name", name.as_str())
                .with("reason", reason.as_str()),
            Self::MemberAdded { matter, officer } => Act::new("matter-member-added")
                .with("matter", matter.to_string())
                .with("officer", officer.to_string()),
            Self::CustodianNamed { matter, custodian } => Act::new("matter-custodian-named")
                .with("matter", matter.to_string())
                .with("name", custodian.name.as_str())
                .with("aliases", Fact::List(custodian.aliases.iter().map(alias_fact).collect())),
            Self::RoleGranted { officer, role, until } => role_act("role-granted", *officer, *role)
                .with_some("until", until.map(|until| until.to_string())),
            Self::RoleWithdrawn { officer, role } => role_act("role-withdrawn", *officer, *role),
            Self::SingleOfficerDeclared => Act::new("single-officer-declared"),
            Self::DestructionPlanned { plan, events, through } => Act::new("destruction-planned")
                .with("plan", plan.to_string())
                .with("events", *events)
                .with("through", through.to_string()),
            Self::Requested(entry) => {
                Act::new("request-made").with("proposed", act_within(entry.act()))
            }
            Self::Approved { request } => {
                Act::new("approval-given").with("request", request.to_string())
            }
            Self::Refused { request, reason } => Act::new("approval-refused")
                .with("request", request.to_string())
                .with("reason", reason.as_str()),
        }
    }

    /// Reads an entry from an act, or nothing where its verb is none of the docket's. Verbs that begin like the docket's and are
    /// not known are refused: a later version may have meant to keep something by them.
    pub fn read(act: &Act) -> Result<Option<Self>> {
        let facts = Facts::of(act);
        Ok(Some(match act.verb.as_str() {
            "retention-rule-set" => Self::RuleSet(Box::new(read_rule(&facts)?)),
            "retention-rule-removed" => Self::RuleRemoved { name: facts.text("rule")?.into() },
            "retention-occurrence" => Self::Occurred {
                name: facts.text("name")?,
                concerned: match facts.value_if_any("person", ID)? {
                    Some(person) => Concerned::Person(person),
                    None => Concerned::Room(facts.value("room", ID)?),
                },
                at: facts.moment("at")?,
            },
            "retention-clock-right" => Self::ClockRight { at: facts.moment("at")? },
            "retention-fault-noted" => Self::FaultNoted { event: facts.value("event", SEQ)? },
            "hold-placed" => Self::HoldPlaced(Box::new(read_hold(&facts)?)),
            "hold-released" => Self::HoldReleased {
                hold: HoldId(facts.value("hold", SEQ)?),
                listed: facts.number("listed")?,
            },
            "matter-opened" => {
                Self::MatterOpened { name: facts.text("name")?, reason: facts.text("reason")? }
            }
            "matter-member-added" => Self::MemberAdded {
                matter: MatterId(facts.value("matter", SEQ)?),
                officer: facts.value("officer", ID)?,
            },
            "matter-custodian-named" => Self::CustodianNamed {
                matter: MatterId(facts.value("matter", SEQ)?),
                custodian: Custodian {
                    name: facts.text("name")?,
                    aliases: facts
                        .maps("aliases")?
                        .iter()
                        .map(read_alias)
                        .collect::<Result<_>>()?,
                },
            },
            "role-granted" => Self::RoleGranted {
                officer: facts.value("officer", ID)?,
                role: facts.value("role", "a role")?,
                until: facts.moment_if_any("until")?,
            },
            "role-withdrawn" => Self::RoleWithdrawn {
                officer: facts.value("officer", ID)?,
                role: facts.value("role", "a role")?,
            },
            "single-officer-declared" => Self::SingleOfficerDeclared,
            "destruction-planned" => Self::DestructionPlanned {
                plan: facts.value("plan", "64 hex digits")?,
                events: facts.number("events")?,
                through: facts.value("through", SEQ)?,
            },
            "request-made" => Self::Requested(Box::new(read_proposed(&facts)?)),
            "approval-given" => Self::Approved { request: facts.value("request", SEQ)? },
            "approval-refused" => Self::Refused {
                request: facts.value("request", SEQ)?,
                reason: facts.text("reason")?,
            },
            verb if is_of_the_docket(verb) => {
                let verb = verb.chars().take(80).collect();
                return Err(Error::VerbUnknown { verb });
            }
            _ => return Ok(None),
        }))
    }
}

/// Returns whether a verb begins like those of the docket.
fn is_of_the_docket(verb: &str) -> bool {
    let beginnings = [
        "retention-",
        "hold-",
        "matter-",
        "role-",
        "single-officer-",
        "destruction-",
        "request-",
        "approval-",
    ];
    beginnings.iter().any(|beginning| verb.starts_with(beginning))
}

/// Reads what a request proposes: an entry that is no request and no answer to one.
fn read_proposed(facts: &Facts<'_>) -> Result<Entry> {
    let act = facts.act("proposed")?;
    let nested = ["request-made", "approval-given", "approval-refused"];
    let found = if nested.contains(&act.verb.as_str()) { None } else { Entry::read(&act)? };
    found.ok_or_else(|| Error::VerbUnknown { verb: act.verb.chars().take(80).collect() })
}

fn role_act(verb: &str, officer: PersonId, role: Role) -> Act {
    Act::new(verb).with("officer", officer.to_string()).with("role", role.word())
}

fn rule_act(rule: &RetentionRule) -> Act {
    let scope = &rule.scope;
    let act = Act::new("retention-rule-set")
        .with("rule", &*rule.id.name)
        .with("version", rule.id.version)
        .with("action", rule.action.word())
        .with("period", rule.period.to_string())
        .with("clock", rule.clock.to_string())
        .with("remains", rule.remains.word())
        .with("purpose", rule.purpose.as_str())
        .with("legal_basis", rule.legal_basis.as_str())
        .with("locked", rule.is_locked)
        .with_some("ceiling_events", rule.ceiling_events);
    let act = with_all(act, "categories", &scope.categories);
    let act = with_all(act, "rooms", &scope.rooms);
    let act = with_all(act, "persons", &scope.persons);
    let act = with_all(act, "kinds", scope.kinds.iter().map(|kind: &EventKind| kind.word()));
    with_all(act, "sources", &scope.sources)
}

fn read_rule(facts: &Facts<'_>) -> Result<RetentionRule> {
    let version = u32::try_from(facts.number("version")?).unwrap_or(u32::MAX);
    Ok(RetentionRule {
        id: RuleVersion { name: facts.text("rule")?.into(), version },
        scope: RuleScope {
            categories: facts.folded("categories")?,
            rooms: facts.set("rooms")?,
            persons: facts.set("persons")?,
            kinds: facts.kinds("kinds")?,
            sources: facts.set("sources")?,
        },
        action: facts.value("action", "a rule action")?,
        period: facts.value("period", "a period")?,
        clock: facts.value("clock", "a clock")?,
        remains: facts.value("remains", "a remainder")?,
        purpose: facts.text("purpose")?,
        legal_basis: facts.text("legal_basis")?,
        ceiling_events: facts.number_if_any("ceiling_events")?,
        is_locked: facts.flag("locked")?,
    })
}

fn hold_act(placing: &HoldPlacing) -> Act {
    let scope = &placing.scope;
    let act = Act::new("hold-placed")
        .with("reason", placing.reason.as_str())
        .with("reach", scope.reach.word())
        .with_some("matter", placing.matter.map(|matter| matter.to_string()))
        .with_some("asked", placing.asked.clone())
        .with_some("from", scope.from.map(|from| from.to_string()))
        .with_some("until", scope.until.map(|until| until.to_string()))
        .with_some("query", scope.query.as_ref().map(Query::interpreted));
    let act = with_all(act, "custodians", &scope.custodians);
    let act = with_all(act, "rooms", &scope.rooms);
    let act = with_all(act, "categories", &scope.categories);
    with_all(act, "sources", &scope.sources)
}

fn read_hold(facts: &Facts<'_>) -> Result<HoldPlacing> {
    let query = facts.text_if_any("query")?.map(|text| Query::parse(text, &Zone::Utc));
    let malformed = |_| Error::ActMalformed {
        verb: "hold-placed".into(),
        fact: "query".into(),
        expected: "a query",
    };
    Ok(HoldPlacing {
        matter: facts.value_if_any("matter", SEQ)?.map(MatterId),
        scope: HoldScope {
            custodians: facts.set("custodians")?,
            reach: facts.value("reach", "authored or readable")?,
            rooms: facts.set("rooms")?,
            categories: facts.folded("categories")?,
            sources: facts.set("sources")?,
            from: facts.moment_if_any("from")?,
            until: facts.moment_if_any("until")?,
            query: query.transpose().map_err(malformed)?,
        },
        reason: facts.text("reason")?,
        asked: facts.text_if_any("asked")?.map(str::to_owned),
    })
}

fn alias_fact(alias: &Alias) -> Fact {
    let (what, called) = match &alias.called {
        Called::Person(id) => ("person", id.to_string()),
        Called::Name(name) => ("called", name.clone()),
    };
    let mut facts = BTreeMap::from([(what.to_owned(), Fact::Text(called))]);
    let others = [
        ("source", alias.source.map(|id| id.to_string())),
        ("from", alias.from.map(|from| from.to_string())),
        ("until", alias.until.map(|until| until.to_string())),
    ];
    for (name, value) in others {
        facts.extend(value.map(|value| (name.to_owned(), Fact::Text(value))));
    }
    Fact::Map(facts)
}

fn read_alias(facts: &Facts<'_>) -> Result<Alias> {
    Ok(Alias {
        called: match facts.value_if_any("person", ID)? {
            Some(person) => Called::Person(person),
            None => Called::Name(facts.text("called")?),
        },
        source: facts.value_if_any("source", ID)?,
        from: facts.moment_if_any("from")?,
        until: facts.moment_if_any("until")?,
    })
}
