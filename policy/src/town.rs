//! A small world for tests: three rooms in two categories, three people, two sources, and who could read what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chat::{EventKind, PersonId, RoomId, Seq, SourceId, Timestamp};
use proptest::prelude::*;
use query::{Marks, Unmarked};

use crate::custodian::{Alias, Called, Custodian};
use crate::hold::{HoldId, HoldReach, HoldScope, LegalHold};
use crate::item::{Item, Lineage, Words};
use crate::period::Period;
use crate::schedule::{
    Concerned, Remains, RetentionClock, RetentionRule, RuleAction, RuleVersion, Schedule,
};
use crate::scope::RuleScope;
use crate::surroundings::{Census, Surroundings};

pub(crate) fn day(number: i64) -> Timestamp {
    Timestamp::EPOCH.plus_micros(number * 86_400_000_000)
}

pub(crate) fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

pub(crate) fn room(number: u8) -> RoomId {
    RoomId::from_bytes([number; 16])
}

pub(crate) fn person(number: u8) -> PersonId {
    PersonId::from_bytes([number; 16])
}

pub(crate) fn source(number: u8) -> SourceId {
    SourceId::from_bytes([number; 16])
}

/// What the archive of the tests knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Town {
    /// The category that each room is in now.
    pub(crate) now: BTreeMap<RoomId, String>,
    /// Those that it ever was in.
    pub(crate) ever: BTreeSet<(RoomId, String)>,
    /// When something last happened in it.
    pub(crate) activity: BTreeMap<RoomId, Timestamp>,
    /// Who could read a room, from the first day to the last; a room that is not here keeps its readers to itself.
    pub(crate) stays: BTreeMap<RoomId, Vec<(PersonId, Timestamp, Timestamp)>>,
}

impl Town {
    /// Rooms 0 and 1 are in `trade` and `social`; room 1 was in `trade` before; room 2 is in neither, and its readers are unknown.
    pub(crate) fn new() -> Self {
        let (trade, social) = ("trade".to_owned(), "social".to_owned());
        let pairs = [(room(0), trade.clone()), (room(1), social.clone())];
        let stays = vec![(person(1), day(2), day(6)), (person(2), day(0), day(9))];
        Self {
            now: pairs.clone().into(),
            ever: pairs.into_iter().chain([(room(1), trade)]).collect(),
            activity: [(room(0), day(12)), (room(1), day(7))].into(),
            stays: [(room(0), stays), (room(1), Vec::new())].into(),
        }
    }
}

impl Surroundings for Town {
    fn is_in_category(&self, room: &RoomId, category: &str) -> bool {
        self.now.get(room).is_some_and(|found| found == category)
    }

    fn was_in_category(&self, room: &RoomId, category: &str) -> bool {
        self.ever.contains(&(*room, category.to_owned()))
    }

    fn last_activity(&self, room: &RoomId) -> Option<Timestamp> {
        self.activity.get(room).copied()
    }

    fn could_read(&self, room: &RoomId, at: Timestamp, custodian: &Custodian) -> Option<bool> {
        let is = |id: &PersonId| {
            custodian
                .aliases
                .iter()
                .any(|alias| alias.called == Called::Person(*id) && alias.holds_at(at))
        };
        let stays = self.stays.get(room)?;
        Some(stays.iter().any(|(id, from, until)| is(id) && (*from..=*until).contains(&at)))
    }

    fn marks(&self) -> &dyn Marks {
        &Unmarked
    }
}

impl Census for Town {
    fn has_room(&self, room: &RoomId) -> bool {
        room.as_bytes()[0] < 3
    }

    fn has_person(&self, person: &PersonId) -> bool {
        person.as_bytes()[0] < 3
    }

    fn has_source(&self, source: &SourceId) -> bool {
        source.as_bytes()[0] < 2
    }

    fn categories(&self) -> BTreeSet<String> {
        self.ever.iter().map(|(_, category)| category.clone()).collect()
    }

    fn nearest_names(&self, _name: &str) -> Vec<String> {
        vec!["ann".to_owned()]
    }
}

/// A message in a room by somebody on a day.
pub(crate) fn said(number: u64, in_room: u8, by: u8, on: i64) -> Item<'static> {
    Item {
        seq: seq(number),
        kind: EventKind::Message,
        at: day(on),
        room: Some(room(in_room)),
        author: Some(person(by)),
        names: vec![format!("person {by}")],
        source: Some(source(0)),
        target: None,
        words: Words::Unread,
    }
}

/// A rule over everything.
pub(crate) fn rule(name: &str, action: RuleAction, days: u32) -> RetentionRule {
    RetentionRule {
        id: RuleVersion { name: Arc::from(name), version: 1 },
        scope: RuleScope::default(),
        action,
        period: Period::of_days(days).unwrap(),
        clock: RetentionClock::EventTime,
        remains: Remains::Stub,
        purpose: "records of business".to_owned(),
        legal_basis: "17 CFR 240.17a-4".to_owned(),
        ceiling_events: None,
        is_locked: false,
    }
}

/// A hold on one person's words, or on everything where there is nobody.
pub(crate) fn hold(number: u64, on: Option<u8>, reach: HoldReach) -> LegalHold {
    let custodians: Vec<Custodian> = on
        .map(|id| Custodian {
            name: format!("custodian {id}"),
            aliases: vec![Alias::person(person(id))],
        })
        .into_iter()
        .collect();
    LegalHold {
        id: HoldId(seq(number)),
        scope: HoldScope {
            custodians: custodians.iter().map(|custodian| custodian.name.clone()).collect(),
            reach,
            ..HoldScope::default()
        },
        custodians,
        released_at: None,
    }
}

fn few<T: Ord + Clone + std::fmt::Debug + 'static>(
    values: Vec<T>,
) -> impl Strategy<Value = BTreeSet<T>> {
    prop_oneof![
        2 => Just(BTreeSet::new()),
        1 => proptest::collection::btree_set(proptest::sample::select(values), 1..3),
    ]
}

fn a_scope() -> impl Strategy<Value = RuleScope> {
    (
        few(vec!["trade".to_owned(), "social".to_owned()]),
        few(vec![room(0), room(1), room(2)]),
        few(vec![person(0), person(1), person(2)]),
        few(vec![EventKind::Message, EventKind::Join, EventKind::Upload]),
        few(vec![source(0), source(1)]),
    )
        .prop_map(|(categories, rooms, persons, kinds, sources)| RuleScope {
            categories,
            rooms,
            persons,
            kinds,
            sources,
        })
}

/// Any rule of the small world.
pub(crate) fn a_rule() -> impl Strategy<Value = RetentionRule> {
    let clock = prop_oneof![
        3 => Just(RetentionClock::EventTime),
        1 => Just(RetentionClock::RoomActivity),
        1 => Just(RetentionClock::Named("left".to_owned())),
    ];
    let action = proptest::sample::select(RuleAction::ALL);
    (a_scope(), action, 1_u32..9, clock, "[a-f]").prop_map(|(scope, action, days, clock, name)| {
        RetentionRule { scope, clock, ..rule(&name, action, days) }
    })
}

/// Any schedule of the small world.
pub(crate) fn a_schedule() -> impl Strategy<Value = Schedule> {
    let named = proptest::collection::btree_map(0_u8..3, 0_i64..9, 0..3).prop_map(|dates| {
        let left = |(id, on)| (("left".to_owned(), Concerned::Person(person(id))), day(on));
        dates.into_iter().map(left).collect()
    });
    let rules = proptest::collection::vec(a_rule(), 0..6).prop_map(|mut rules| {
        for (index, rule) in rules.iter_mut().enumerate() {
            rule.id.name = Arc::from(format!("{}{index}", rule.id.name));
        }
        rules
    });
    (rules, named).prop_map(|(rules, named)| Schedule { rules, named })
}

/// Any event of the small world.
pub(crate) fn an_item() -> impl Strategy<Value = Item<'static>> {
    let kinds = vec![EventKind::Message, EventKind::Join, EventKind::Upload];
    let kind = proptest::sample::select(kinds);
    (1_u64..40, proptest::option::of(0_u8..3), 0_u8..3, 0_u8..2, 0_i64..12, kind).prop_map(
        |(number, place, by, from, on, kind)| Item {
            room: place.map(room),
            source: Some(source(from)),
            kind,
            ..said(number, 0, by, on)
        },
    )
}

/// Some events of the small world, each a lineage of its own.
pub(crate) fn some_items() -> impl Strategy<Value = Vec<Lineage<'static>>> {
    proptest::collection::vec(an_item(), 1..8).prop_map(|items| {
        let numbered = items.into_iter().enumerate().map(|(index, item)| {
            let number = u64::try_from(index).unwrap() + 1;
            Lineage::of(Item { seq: seq(number), ..item })
        });
        numbered.collect()
    })
}
