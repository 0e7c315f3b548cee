//! A desk for tests: officers write, the log records, the docket folds.

use chat::{Act, ChatEvent, Content, EventKind, Person, PersonId, Recorded, Seq, Timestamp};

use crate::docket::Docket;
use crate::entry::{Entry, HoldPlacing};
use crate::error::Result;
use crate::hold::HoldScope;
use crate::order::Order;
use crate::role::Role;
use crate::schedule::RetentionRule;
use crate::town::{day, person, seq};
use crate::warrant::Warrant;

/// The officers of the tests.
pub(crate) const LEAD: u8 = 101;
pub(crate) const RECORDS: u8 = 102;
pub(crate) const APPROVER: u8 = 103;
pub(crate) const SECURITY: u8 = 104;

/// A log of officers' acts and the docket that follows it.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) docket: Docket,
    pub(crate) log: Vec<Recorded>,
    pub(crate) now: Timestamp,
}

/// Returns an event of the log.
pub(crate) fn recorded(at_seq: Seq, now: Timestamp, event: ChatEvent) -> Recorded {
    Recorded { seq: at_seq, place_seq: None, place_prev: None, recorded_at: now, event }
}

/// Returns an officer's act.
pub(crate) fn act_of(by: PersonId, now: Timestamp, act: Act) -> ChatEvent {
    ChatEvent {
        origin: None,
        at: now,
        kind: EventKind::Officer,
        actor: Some(Person { id: by, name: "officer".into(), foreign_id: None, email: None }),
        place: None,
        target: None,
        other_ids: Vec::new(),
        content: Content { act: Some(act), ..Content::default() },
    }
}

impl Desk {
    /// Returns a desk at day 1,000 where nobody has a role.
    pub(crate) fn empty() -> Self {
        Self { docket: Docket::default(), log: Vec::new(), now: day(1_000) }
    }

    /// Returns a desk with four officers of four roles.
    pub(crate) fn staffed() -> Self {
        let mut desk = Self::empty();
        let roles = [
            (LEAD, Role::DiscoveryLead),
            (RECORDS, Role::RecordsManager),
            (APPROVER, Role::Approver),
            (SECURITY, Role::SecurityAdmin),
        ];
        for (officer, role) in roles {
            let entry = Entry::RoleGranted { officer: person(officer), role, until: None };
            desk.write(SECURITY, &entry).unwrap();
        }
        desk
    }

    pub(crate) fn next(&self) -> Seq {
        seq(u64::try_from(self.log.len()).unwrap() + 1)
    }

    /// Records an event, whatever it is.
    pub(crate) fn record(&mut self, event: ChatEvent) -> Seq {
        let recorded = recorded(self.next(), self.now, event);
        self.docket.apply(&recorded);
        let place = recorded.seq;
        self.log.push(recorded);
        place
    }

    /// Records an act without asking whether it may be.
    pub(crate) fn force(&mut self, by: u8, act: Act) -> Seq {
        self.record(act_of(person(by), self.now, act))
    }

    /// Writes an entry, if the docket admits it.
    pub(crate) fn write(&mut self, by: u8, entry: &Entry) -> Result<Seq> {
        self.docket.admits(entry, person(by), self.now)?;
        let faults = self.docket.faults().len();
        let place = self.force(by, entry.act());
        assert!(self.docket.faults().len() <= faults, "what is admitted folds");
        Ok(place)
    }

    /// Records an order without asking whether it may stand there.
    pub(crate) fn force_order(&mut self, by: u8, order: &Order) -> Seq {
        let event = act_of(person(by), self.now, order.act());
        self.record(ChatEvent { kind: EventKind::Destroyed, ..event })
    }

    /// Returns what an officer's order of a warrant would be, now.
    pub(crate) fn draft_order(&self, by: u8, warrant: &Warrant) -> Result<Order> {
        let through = usize::try_from(warrant.plan().through().get()).unwrap();
        self.docket.order(warrant, &self.log[through..], person(by), self.now)
    }

    /// Does what the sequencer does: judges the warrant over all that came since and records the order, in one step.
    pub(crate) fn order(&mut self, by: u8, warrant: &Warrant) -> Result<Seq> {
        let order = self.draft_order(by, warrant)?;
        let faults = self.docket.faults().len();
        let place = self.force_order(by, &order);
        assert_eq!(self.docket.faults().len(), faults, "what is ordered folds");
        assert_eq!(self.docket.ordered().plan(warrant.digest()), Some(place));
        Ok(place)
    }

    /// Writes a request and has it approved.
    pub(crate) fn ask(&mut self, by: u8, entry: Entry) -> Result<Seq> {
        let request = self.write(by, &Entry::Requested(Box::new(entry)))?;
        self.write(APPROVER, &Entry::Approved { request })
    }

    /// Sets a rule: at once where that is allowed, and else by request.
    pub(crate) fn set(&mut self, rule: RetentionRule) -> Result<Seq> {
        let entry = Entry::RuleSet(Box::new(rule));
        match self.write(RECORDS, &entry) {
            Err(crate::Error::NeedsApproval { .. }) => self.ask(RECORDS, entry),
            answer => answer,
        }
    }

    /// Lets days pass, each with an act of somebody, as the days of an archive do.
    pub(crate) fn pass_days(&mut self, days: i64) {
        for _ in 0..days {
            self.now = self.now.plus_micros(86_400_000_000);
            self.force(LEAD, Act::new("search"));
        }
    }
}

/// Returns the placing of a hold.
pub(crate) fn hold_on(scope: HoldScope) -> Entry {
    let reason = "Doe v. Roe".to_owned();
    Entry::HoldPlaced(Box::new(HoldPlacing { scope, reason, ..HoldPlacing::default() }))
}
