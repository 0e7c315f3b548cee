//! An officer who has things destroyed, for the tests of other members. Compiled only with the feature `testing`.
//!
//! It has no door of its own: every step is an entry that a docket admits, every event goes into the log that the test keeps, and the
//! order is the one that the docket gives out.

use std::collections::BTreeSet;

use chat::{Act, ChatEvent, Content, EventKind, Lane, Person, PersonId, Recorded, RoomId, Seq};
use chat::{SourceId, Timestamp};
use query::{Marks, Unmarked};

use crate::custodian::Custodian;
use crate::docket::{COOL_OFF_MICROS, Docket};
use crate::entry::Entry;
use crate::holding::Holding;
use crate::item::{Item, Lineage, Words};
use crate::order::RecordedOrder;
use crate::period::Period;
use crate::schedule::{Remains, RetentionClock, RetentionRule, RuleAction, RuleVersion};
use crate::scope::RuleScope;
use crate::surroundings::Surroundings;

/// Gives an event its place in the log of a test, recorded at this time, and returns it as it stands there.
pub type Record<'a> = &'a mut dyn FnMut(ChatEvent, Timestamp) -> Recorded;

/// What a test wants gone.
#[derive(Debug, Clone)]
pub enum Wish {
    /// These events of the talk.
    Talk(Vec<Seq>, Remains),
    /// These events of the ledger.
    Ledger(Vec<Seq>, Remains),
    /// All living talk between two events, both in, so many of them.
    Within(Seq, Seq, u64, Remains),
}

/// One officer alone, and the docket that follows the log of a test.
#[derive(Debug, Clone, Default)]
pub struct Officer {
    docket: Docket,
    is_ready: bool,
}

/// A world in which every event is of a room of which nothing is known.
#[derive(Debug)]
struct Nothing;

impl Surroundings for Nothing {
    fn is_in_category(&self, _: &RoomId, _: &str) -> bool {
        false
    }

    fn was_in_category(&self, _: &RoomId, _: &str) -> bool {
        false
    }

    fn last_activity(&self, _: &RoomId) -> Option<Timestamp> {
        None
    }

    fn could_read(&self, _: &RoomId, _: Timestamp, _: &Custodian) -> Option<bool> {
        None
    }

    fn marks(&self) -> &dyn Marks {
        &Unmarked
    }
}

impl Officer {
    /// Returns what the log has told so far.
    pub const fn docket(&self) -> &Docket {
        &self.docket
    }

    /// Takes the next event of the log.
    pub fn follow(&mut self, recorded: &Recorded) {
        self.docket.apply(recorded);
    }

    /// Has the events of these wishes ordered to be destroyed, and returns the order. The log ends before it with the last event that
    /// was followed.
    pub fn order(&mut self, wishes: &[Wish], record: Record<'_>) -> RecordedOrder {
        if !self.is_ready {
            self.prepare(record);
        }
        let through = self.docket.folded().expect("the log has events");
        let mut drafting = self.docket.draft(through, ready_at()).expect("a plan is begun");
        for wish in wishes {
            match wish {
                Wish::Talk(seqs, remains) => {
                    judge(&mut drafting, seqs, EventKind::Message, *remains);
                }
                Wish::Ledger(seqs, remains) => {
                    judge(&mut drafting, seqs, EventKind::Topic, *remains);
                }
                Wish::Within(first, last, events, remains) => {
                    let holding = holding((*first, *last), *events, *remains);
                    drafting.sweep(&Nothing, &holding).expect("a range is judged");
                }
            }
        }
        let plan = drafting.finish().expect("no event is named twice");
        assert!(plan.events() > 0, "the rules let go what is wished");
        let warrant = self.docket.warrant(plan, ready_at()).expect("the ceilings permit it");
        let order = self.docket.order(&warrant, &[], officer(), ready_at()).expect("it is ordered");
        let event = act_of(EventKind::Destroyed, order.act());
        let recorded = self.write(event, ready_at(), record);
        self.docket.recorded_order(&recorded).expect("what was ordered has effect")
    }

    /// Declares one officer alone, and sets two rules with high ceilings: one leaves stubs, the other blanks.
    fn prepare(&mut self, record: Record<'_>) {
        let at = begun_at();
        self.enter(&Entry::SingleOfficerDeclared, at, record);
        for remains in Remains::ALL {
            let entry = Entry::Requested(Box::new(Entry::RuleSet(Box::new(rule(*remains)))));
            let request = self.enter(&entry, at, record);
            self.enter(&Entry::Approved { request }, at, record);
        }
        self.write(act_of(EventKind::Officer, Act::new("search")), ready_at(), record);
        self.is_ready = true;
    }

    fn enter(&mut self, entry: &Entry, at: Timestamp, record: Record<'_>) -> Seq {
        self.docket.admits(entry, officer(), at).expect("the entry is admitted");
        self.write(act_of(EventKind::Officer, entry.act()), at, record).seq
    }

    fn write(&mut self, event: ChatEvent, at: Timestamp, record: Record<'_>) -> Recorded {
        let recorded = record(event, at);
        self.docket.apply(&recorded);
        assert!(self.docket.faults().is_empty(), "what is admitted folds");
        recorded
    }
}

fn judge(drafting: &mut crate::plan::Drafting, seqs: &[Seq], kind: EventKind, remains: Remains) {
    let item = |seq: &Seq| Item {
        seq: *seq,
        kind,
        at: long_ago(),
        room: Some(room(remains)),
        author: None,
        names: Vec::new(),
        source: None,
        target: None,
        words: Words::Unread,
    };
    let lineages: Vec<_> = seqs.iter().map(|seq| Lineage::of(item(seq))).collect();
    drafting.judge(&Nothing, &lineages).expect("events are judged");
}

fn holding((first, last): (Seq, Seq), events: u64, remains: Remains) -> Holding {
    Holding {
        first,
        last,
        lane: Lane::Talk,
        events,
        earliest: long_ago(),
        latest: long_ago(),
        rooms: BTreeSet::from([room(remains)]),
        has_placeless: false,
        kinds: BTreeSet::from([EventKind::Message]),
        persons: None,
        sources: None::<BTreeSet<SourceId>>,
        crossing: BTreeSet::new(),
    }
}

fn rule(remains: Remains) -> RetentionRule {
    RetentionRule {
        id: RuleVersion { name: remains.word().into(), version: 1 },
        scope: RuleScope { rooms: BTreeSet::from([room(remains)]), ..RuleScope::default() },
        action: RuleAction::Delete,
        period: Period::of_days(1).expect("a day is a period"),
        clock: RetentionClock::EventTime,
        remains,
        purpose: "a test".to_owned(),
        legal_basis: "none".to_owned(),
        ceiling_events: Some(1 << 40),
        is_locked: false,
    }
}

/// The room that an event is judged as one of, so that the rule with these remains is about it.
fn room(remains: Remains) -> RoomId {
    RoomId::from_bytes([if remains == Remains::Stub { 0xe1 } else { 0xe2 }; 16])
}

fn officer() -> PersonId {
    PersonId::from_bytes([0xe0; 16])
}

fn long_ago() -> Timestamp {
    Timestamp::EPOCH.plus_micros(-90 * 86_400_000_000)
}

/// When the rules are set: soon after the time of the events that tests record.
fn begun_at() -> Timestamp {
    Timestamp::EPOCH.plus_micros(1_000_000)
}

/// When they count, and every order is given.
fn ready_at() -> Timestamp {
    begun_at().plus_micros(COOL_OFF_MICROS)
}

fn act_of(kind: EventKind, act: Act) -> ChatEvent {
    let actor = Person { id: officer(), name: "officer".into(), foreign_id: None, email: None };
    ChatEvent {
        origin: None,
        at: begun_at(),
        kind,
        actor: Some(actor),
        place: None,
        target: None,
        other_ids: Vec::new(),
        content: Content { act: Some(act), ..Content::default() },
    }
}
