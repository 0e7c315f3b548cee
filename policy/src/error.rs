//! Why the rules refuse something. Every refusal names the object, the fault and, where there is one, the nearest right form.

use std::collections::BTreeSet;

use chat::{EventKind, Family, Seq, Timestamp};

use crate::entry::PlanDigest;
use crate::hold::HoldId;
use crate::matter::MatterId;
use crate::order::OrderFault;
use crate::role::{Action, Role};

/// How many names are offered in place of one that nobody bears.
const NEAREST_NAMES: usize = 3;

/// The result of what this crate does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something is refused. Nothing here fails for another reason: this crate touches nothing that can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A word that names none of a list.
    #[error("{found:?} is no {what}; the nearest is {nearest:?}")]
    WordUnknown {
        /// What was asked for.
        what: &'static str,
        /// What was found, cut to 80 characters.
        found: String,
        /// The word of the list that is the fewest changes away.
        nearest: &'static str,
    },
    /// Two roles that one person may not hold.
    #[error("{one} and {other} may not be one person's; grant one of them to somebody else")]
    RolesConflict {
        /// The one.
        one: Role,
        /// The other.
        other: Role,
    },
    /// A period of nothing, of more than a hundred years, or no period.
    #[error("{found:?} is no period; the nearest is {nearest}")]
    PeriodUnfit {
        /// What was found.
        found: String,
        /// What would do.
        nearest: &'static str,
    },
    /// A name that nothing in the archive bears.
    #[error("no {what} is called {found:?}; the nearest is {nearest:?}")]
    NameUnknown {
        /// What was asked for.
        what: &'static str,
        /// The name.
        found: String,
        /// The name that is the fewest changes away; empty where there is none at all.
        nearest: String,
    },
    /// A scope that can match nothing.
    #[error(
        "the scope matches nothing: the archive has no {what} {found}; leave it out or name one that is there"
    )]
    ScopeMatchesNothing {
        /// What was asked for.
        what: &'static str,
        /// Its id.
        found: String,
    },
    /// A kind that no rule can be about.
    #[error("no rule is about {} events: versions go by the kind of the first, such as message, and officers' acts always stay", kind.word())]
    KindNotRuled {
        /// The kind.
        kind: EventKind,
    },
    /// Something that cannot name a rule.
    #[error(
        "{found:?} names no rule; use 1 to 64 small letters, digits and hyphens, such as chat-6y"
    )]
    NameUnfit {
        /// What was found, cut to 80 characters.
        found: String,
    },
    /// A rule that does not say why.
    #[error("rule {rule} has no {what}; say why the data is kept or let go")]
    ReasonMissing {
        /// The rule.
        rule: String,
        /// `purpose` or `legal_basis`.
        what: &'static str,
    },
    /// A lock on a rule that lets data go.
    #[error(
        "rule {rule} cannot be locked, since it keeps nothing; lock a rule that keeps what it must not reach"
    )]
    LockOnDeletion {
        /// The rule.
        rule: String,
    },
    /// A change that a lock forbids, whoever asks.
    #[error("rule {rule} is locked and this would keep less; the nearest it allows is {nearest}")]
    RuleLocked {
        /// The version that is locked.
        rule: String,
        /// What would do.
        nearest: String,
    },
    /// A custodian without a name or alias, or with one that names nobody at any time.
    #[error(
        "custodian {custodian:?} has an alias that names nobody; give an id, name or address and an end after its beginning"
    )]
    AliasEmpty {
        /// The custodian.
        custodian: String,
    },
    /// Two custodians are called the same at the same time, or one of them twice.
    #[error(
        "an alias of custodian {custodian:?} is one of {other:?} at the same time; end the one before the other begins"
    )]
    AliasOverlaps {
        /// The custodian.
        custodian: String,
        /// Whose alias it overlaps.
        other: String,
    },
    /// A hold names somebody whom its matter does not.
    #[error(
        "the matter has no custodian {found:?}; name them in it first; the archive knows {nearest:?}"
    )]
    CustodianUnknown {
        /// The name.
        found: String,
        /// The nearest names that the archive knows.
        nearest: Vec<String>,
    },
    /// Dates that hold no moment.
    #[error("no moment is at or after {from} and before {until}; put them in order")]
    DatesEmpty {
        /// The first.
        from: Timestamp,
        /// The first that is no more in.
        until: Timestamp,
    },
    /// A hold by a query whose answer may change.
    #[error(
        "a hold cannot go by {query:?}: what is: finds may change, and what is held may not; leave it out"
    )]
    QueryUnsteady {
        /// The query.
        query: String,
    },
    /// A query that could not be read back from the log.
    #[error(
        "a hold cannot go by {query:?}: it is too long to be recorded as understood; shorten it, or place two holds"
    )]
    QueryTooLong {
        /// The query.
        query: String,
    },
    /// An act of the docket with a fact that is missing or not what it should be.
    #[error("act {verb} has no {fact:?} that is {expected}; write it as the table of verbs says")]
    ActMalformed {
        /// The verb, cut to 80 characters.
        verb: String,
        /// The fact.
        fact: String,
        /// What it should be.
        expected: &'static str,
    },
    /// An act whose verb begins like the docket's and is not known.
    #[error("act {verb} is none that this version knows; a later version may have written it")]
    VerbUnknown {
        /// The verb, cut to 80 characters.
        verb: String,
    },
    /// An entry that could not be read back from the log as it is.
    #[error(
        "entry {verb} would not be read back from the log as it is; put names, times and kinds into the form that it uses"
    )]
    EntryUnreadable {
        /// Its verb.
        verb: String,
    },
    /// An entry of nobody.
    #[error("the entry names no officer; only a person's entry counts")]
    OfficerMissing,
    /// The roles of whoever asks do not reach so far.
    #[error("none of the officer's roles permits {action}; have somebody with such a role do it")]
    NotPermitted {
        /// What was to be done.
        action: Action,
    },
    /// It has to be asked for.
    #[error("{action} needs a second person; make a request of it")]
    NeedsApproval {
        /// What was to be done.
        action: Action,
    },
    /// A request that is not there, or was answered already.
    #[error("no request {request} is open; list those that are")]
    RequestNotOpen {
        /// The request.
        request: Seq,
    },
    /// Whoever asks never approves.
    #[error("request {request} is the officer's own; somebody else approves it")]
    OwnRequest {
        /// The request.
        request: Seq,
    },
    /// One officer alone may be declared only before anybody else has a say.
    #[error("several officers hold roles; one alone may be declared only at the beginning")]
    AlreadyFounded,
    /// A role without an end, or one that ended.
    #[error("role {role} needs an end that lies ahead; name it")]
    RoleWithoutEnd {
        /// The role.
        role: Role,
    },
    /// A rule that is not there.
    #[error("no rule is called {found:?}; list those that stand")]
    RuleUnknown {
        /// Its name.
        found: String,
    },
    /// A version that does not follow the one before.
    #[error("rule {rule} does not follow; the next version is {expected}")]
    VersionOutOfOrder {
        /// The rule with its version.
        rule: String,
        /// The version that would follow.
        expected: u32,
    },
    /// A hold that is not there, or was released already.
    #[error("no hold {hold} stands; list those that do")]
    HoldNotStanding {
        /// The hold.
        hold: HoldId,
    },
    /// A matter that is not there.
    #[error("no matter {matter} is open; list those that are")]
    MatterUnknown {
        /// The matter.
        matter: MatterId,
    },
    /// A fault that is not there.
    #[error("event {event} is no fault that stands; list those that do")]
    FaultUnknown {
        /// The event.
        event: Seq,
    },
    /// A time that the clock itself has not reached.
    #[error(
        "{asked} cannot be right: the clock says {clock}; approve what the clock says, or set it right"
    )]
    ClockAhead {
        /// The time that was to be accepted.
        asked: Timestamp,
        /// What the clock says.
        clock: Timestamp,
    },
    /// The clock is further ahead of the log than it may be.
    #[error(
        "the clock says {to}, and the log has shown {from}; have an approver say that the clock is right"
    )]
    ClockJumped {
        /// The time that is accepted.
        from: Timestamp,
        /// What the clock says.
        to: Timestamp,
    },
    /// The docket has taken more of the log than is to be judged, or less than has been recorded.
    #[error(
        "the docket stands at event {docket} and {asked} is asked about; fold the log up to there"
    )]
    DocketElsewhere {
        /// Where the docket stands.
        docket: Seq,
        /// Where it should.
        asked: Seq,
    },
    /// An event that the snapshot does not hold.
    #[error(
        "event {event} lies beyond {through}, through which the plan is judged; leave it to the next plan"
    )]
    EventBeyondPlan {
        /// The event.
        event: Seq,
        /// The last event of the snapshot.
        through: Seq,
    },
    /// An event that a plan names twice.
    #[error("the plan names event {event} twice; judge every event once")]
    EventTwice {
        /// The event.
        event: Seq,
    },
    /// A plan that names nothing.
    #[error("the plan names no event; there is nothing to destroy")]
    PlanEmpty,
    /// An entry stands in the log that the docket could not take.
    #[error(
        "event {event} could not be taken by the docket and may mean that something is kept; look at it first"
    )]
    RecordUnclear {
        /// The event.
        event: Seq,
    },
    /// A hold, rule, matter or custodian was recorded after what a plan was judged through.
    #[error(
        "event {changed} changed holds, rules or matters after {through}, through which the plan was judged; plan again"
    )]
    PlanOutdated {
        /// The entry.
        changed: Seq,
        /// The last event of the snapshot.
        through: Seq,
    },
    /// A plan that nobody approved as it is.
    #[error("plan {plan} has no approval of the last 24 hours; ask for one")]
    PlanNotApproved {
        /// Its digest.
        plan: PlanDigest,
    },
    /// A warrant whose time is over.
    #[error("the warrant for plan {plan} expired at {expired}; have the plan approved again")]
    WarrantExpired {
        /// The plan's digest.
        plan: PlanDigest,
        /// When.
        expired: Timestamp,
    },
    /// The events given as the log since a plan are not all of them.
    #[error(
        "the log since the plan has event {found} where {expected} belongs; give all of it, in order"
    )]
    TailBroken {
        /// The event that belongs there.
        expected: Seq,
        /// The event found.
        found: Seq,
    },
    /// An order of destruction that is written or stands otherwise than it should.
    #[error(transparent)]
    Order(#[from] OrderFault),
    /// An event that was handed to a plan after one that stands before it in the log.
    #[error(
        "a plan is judged from the end of the log, and event {found} came after {before}; begin again"
    )]
    OrderAscends {
        /// The event before.
        before: Seq,
        /// The event found.
        found: Seq,
    },
    /// What was recorded since touches all that a plan names.
    #[error("what was recorded since touches everything that plan {plan} names; plan again")]
    NothingLeft {
        /// The plan's digest.
        plan: PlanDigest,
    },
}

impl Error {
    /// Returns the family of the error: a refusal, always.
    pub const fn family(&self) -> Family {
        Family::Refused
    }

    /// Refuses a word, with the nearest of those that would do.
    pub(crate) fn unknown_word(what: &'static str, found: &str, known: &[&'static str]) -> Self {
        let found: String = found.chars().take(80).collect();
        let nearest = known.iter().copied().min_by_key(|word| changes(&found, word)).unwrap_or("");
        Self::WordUnknown { what, found, nearest }
    }

    /// Refuses a name, with the nearest of those that would do.
    pub(crate) fn unknown_name(what: &'static str, found: &str, known: &BTreeSet<String>) -> Self {
        let found: String = found.chars().take(80).collect();
        let nearest = known.iter().min_by_key(|name| changes(&found, name)).cloned();
        Self::NameUnknown { what, found, nearest: nearest.unwrap_or_default() }
    }
}

/// Returns the few names of a list that are the fewest changes away from this one.
pub(crate) fn nearest<'n>(found: &str, known: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut names: Vec<_> = known.map(|name| (changes(found, name), name)).collect();
    names.sort_unstable();
    names.into_iter().take(NEAREST_NAMES).map(|(_, name)| name.to_owned()).collect()
}

/// Returns how many letters have to be put in, taken out or replaced to make one word the other.
fn changes(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut corner = index;
        let mut left = index + 1;
        for (cell, sought) in row.iter_mut().skip(1).zip(&other) {
            let replaced = corner + usize::from(letter != *sought);
            corner = *cell;
            left = replaced.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
