//! The promise that nothing on hold is destroyed, walked through in every order that a small world allows and in many that a larger
//! one does: holds, plans, warrants, orders, destruction event by event, and losses of power between any two of them. What a hold
//! covers is judged here by an oracle of its own.

use std::collections::{BTreeSet, HashSet};

use chat::testing::SeededRng;
use chat::{Act, ChatEvent, Content, EventKind, Place, Recorded, RoomId, Seq, Timestamp};

use crate::desk::{Desk, LEAD, RECORDS, act_of, hold_on};
use crate::docket::{COOL_OFF_MICROS, Docket};
use crate::entry::{Entry, HoldPlacing};
use crate::hold::{HoldId, HoldReach, HoldScope};
use crate::item::{Item, Lineage, Words};
use crate::matter::MatterId;
use crate::plan::Plan;
use crate::schedule::{RetentionRule, RuleAction};
use crate::town::{Town, day, person, room, rule};
use crate::warrant::Warrant;
use crate::{Alias, Custodian};

/// A hold as the oracle knows it.
#[derive(Debug, Clone)]
struct Told {
    id: HoldId,
    custodian: Option<u8>,
    reach: HoldReach,
    room: Option<u8>,
    released: Option<Timestamp>,
}

/// A machine with its log. What stands in `plan` and `warrant` is lost with the power.
#[derive(Debug, Clone)]
struct World {
    desk: Desk,
    town: Town,
    matter: MatterId,
    told: Vec<Told>,
    ordered: BTreeSet<Seq>,
    destroyed: BTreeSet<Seq>,
    plan: Option<Plan>,
    warrant: Option<Warrant>,
    crashes: u8,
}

/// Returns something that somebody did in a room, on a day of its source.
fn done(kind: EventKind, by: u8, place: u8, on: i64, target: Option<Seq>) -> ChatEvent {
    let place = Place { room: room(place), name: format!("room {place}") };
    let event = act_of(person(by), day(on), Act::default());
    ChatEvent { kind, place: Some(place), target, content: Content::default(), ..event }
}

impl World {
    /// Returns a world in which these messages are long expired, and a rule with or without a ceiling lets them go.
    fn of(messages: &[(u8, u8, i64)], ceiling_events: Option<u64>) -> Self {
        let mut desk = Desk::staffed();
        for (by, place, on) in messages {
            desk.record(done(EventKind::Message, *by, *place, *on, None));
        }
        let gone = RetentionRule { ceiling_events, ..rule("gone", RuleAction::Delete, 1) };
        desk.set(gone).unwrap();
        desk.now = desk.now.plus_micros(COOL_OFF_MICROS);
        let matter = Entry::MatterOpened { name: "Doe v. Roe".into(), reason: "letter".into() };
        let matter = MatterId(desk.ask(LEAD, matter).unwrap());
        for id in 0..3 {
            let aliases = vec![Alias::person(person(id))];
            let custodian = Custodian { name: format!("custodian {id}"), aliases };
            desk.write(LEAD, &Entry::CustodianNamed { matter, custodian }).unwrap();
        }
        Self {
            desk,
            town: Town::new(),
            matter,
            told: Vec::new(),
            ordered: BTreeSet::new(),
            destroyed: BTreeSet::new(),
            plan: None,
            warrant: None,
            crashes: 0,
        }
    }

    fn hold(&mut self, custodian: Option<u8>, reach: HoldReach, place: Option<u8>) {
        let scope = HoldScope {
            custodians: custodian.map(|id| format!("custodian {id}")).into_iter().collect(),
            reach,
            rooms: place.map(room).into_iter().collect(),
            ..HoldScope::default()
        };
        let Entry::HoldPlaced(placing) = hold_on(scope) else { panic!("a hold is placed") };
        let placing = HoldPlacing { matter: Some(self.matter), ..*placing };
        let id = HoldId(self.desk.write(LEAD, &Entry::HoldPlaced(Box::new(placing))).unwrap());
        self.told.push(Told { id, custodian, reach, room: place, released: None });
    }

    fn release(&mut self, index: usize) {
        let told = &mut self.told[index];
        if told.released.is_none() {
            self.desk.ask(LEAD, Entry::HoldReleased { hold: told.id, listed: 0 }).unwrap();
            told.released = Some(self.desk.now);
        }
    }

    /// Returns the living talk events with their versions.
    fn lineages(&self) -> Vec<Lineage<'static>> {
        let talk = self.desk.log.iter().filter(|recorded| {
            recorded.event.kind.lane() == chat::Lane::Talk && !self.ordered.contains(&recorded.seq)
        });
        Lineage::gather(talk.map(|recorded| Item::of(recorded, Words::Unread)).collect())
    }

    fn draw(&mut self) {
        let through = self.desk.log.last().unwrap().seq;
        let mut drafting = self.desk.docket.draft(through, self.desk.now).unwrap();
        drafting.judge(&self.town, &self.lineages()).unwrap();
        self.plan = Some(drafting.finish().unwrap());
    }

    fn approve(&mut self) {
        let Some(plan) = &self.plan else { return };
        let (events, through) = (plan.events(), plan.through());
        let entry = Entry::DestructionPlanned { plan: plan.digest(), events, through };
        self.desk.ask(RECORDS, entry).unwrap();
    }

    fn warrant(&mut self) {
        self.warrant =
            self.plan.take().and_then(|plan| self.desk.docket.warrant(plan, self.desk.now).ok());
    }

    /// What the sequencer does: judge the warrant over all that came since and, if it stands, record the order. One step, because
    /// nothing else is recorded between the two.
    fn order(&mut self) {
        let Some(warrant) = self.warrant.take() else { return };
        let Ok(order) = self.desk.draft_order(RECORDS, &warrant) else { return };
        let all = self.desk.log.iter().map(|recorded| (recorded.seq, recorded.event.kind.lane()));
        let named: Vec<Seq> =
            all.filter(|(seq, lane)| order.names(*seq, *lane)).map(|(seq, _)| seq).collect();
        assert_eq!(u64::try_from(named.len()).unwrap(), order.events());
        for seq in &named {
            self.refuse_if_held(*seq);
            assert!(!self.ordered.contains(seq), "{seq} is ordered once");
        }
        self.desk.order(RECORDS, &warrant).unwrap();
        self.ordered.extend(named);
        for recorded in &self.desk.log {
            let is_ordered = self.ordered.contains(&recorded.seq);
            let lane = recorded.event.kind.lane();
            assert_eq!(self.desk.docket.ordered().by(recorded.seq, lane).is_some(), is_ordered);
        }
    }

    /// Destroys one event that was ordered. It is known from the log, so that a loss of power costs nothing but time.
    fn destroy(&mut self) {
        let next = self.ordered.difference(&self.destroyed).next().copied();
        self.destroyed.extend(next);
    }

    /// Loses the power: what is in memory goes, and the docket is folded again.
    fn crash(&mut self) {
        (self.plan, self.warrant) = (None, None);
        self.crashes += 1;
        let mut again = Docket::default();
        self.desk.log.iter().for_each(|recorded| again.apply(recorded));
        assert_eq!(again, self.desk.docket, "the log alone makes the docket");
        self.desk.docket = again;
    }

    /// The oracle: an event that goes is covered by no hold that was placed before and binds, nor is any version of it.
    fn refuse_if_held(&self, seq: Seq) {
        let of = |seq: Seq| &self.desk.log[usize::try_from(seq.get()).unwrap() - 1];
        let event = &of(seq).event;
        let thirty_days = 30 * 86_400_000_000;
        let is_version = |other: &&Recorded| other.event.target == Some(seq);
        let lineage = self.desk.log.iter().filter(is_version).chain([of(seq)]);
        for part in lineage {
            let by = part.event.actor.as_ref().unwrap().id;
            let place: RoomId = part.event.place.as_ref().unwrap().room;
            for told in &self.told {
                let is_over =
                    told.released.is_some_and(|at| self.desk.now >= at.plus_micros(thirty_days));
                let could_read = |id: u8| match self.town.stays.get(&place) {
                    None => true,
                    Some(stays) => stays.iter().any(|(who, from, until)| {
                        *who == person(id) && *from <= part.event.at && part.event.at <= *until
                    }),
                };
                let is_theirs = told.custodian.is_none_or(|id| {
                    by == person(id) || (told.reach == HoldReach::Readable && could_read(id))
                });
                let is_there = told.room.is_none_or(|number| place == room(number));
                assert!(is_over || !is_theirs || !is_there, "{told:?} held {seq}: {event:?}");
            }
        }
    }

    fn key(&self) -> String {
        let kinds: Vec<u16> = self.desk.log.iter().map(|event| event.event.kind.code()).collect();
        let told: Vec<_> = self.told.iter().map(|told| (told.id, told.custodian)).collect();
        let plan = self.plan.as_ref().map(Plan::digest);
        let warrant = self.warrant.as_ref().map(|warrant| (warrant.digest(), warrant.expires_at()));
        let Self { ordered, destroyed, crashes, .. } = self;
        format!("{kinds:?} {told:?} {plan:?} {warrant:?} {ordered:?} {destroyed:?} {crashes}")
    }
}

/// Every step that may come next.
fn steps(world: &World) -> Vec<World> {
    let mut next = Vec::new();
    let mut step = |make: &dyn Fn(&mut World)| {
        let mut world = world.clone();
        make(&mut world);
        next.push(world);
    };
    let placed = |custodian| world.told.iter().any(|told| told.custodian == custodian);
    if !placed(Some(1)) {
        step(&|world| world.hold(Some(1), HoldReach::Authored, None));
    }
    if !placed(None) {
        step(&|world| world.hold(None, HoldReach::Readable, Some(1)));
    }
    step(&World::draw);
    step(&World::warrant);
    step(&World::order);
    step(&World::destroy);
    if world.crashes < 2 {
        step(&World::crash);
    }
    next
}

#[test]
#[cfg_attr(miri, ignore = "thousands of states take the interpreter hours")]
fn t3_in_every_order_of_three_events_two_holds_and_two_crashes_nothing_on_hold_is_destroyed() {
    let start = World::of(&[(1, 0, 3), (2, 1, 3), (2, 0, 4)], Some(9));
    let mut seen = HashSet::from([start.key()]);
    let mut open = vec![start];
    let (mut orders, mut ends) = (BTreeSet::new(), 0);
    while let Some(world) = open.pop() {
        orders.insert(world.ordered.clone());
        assert!(world.destroyed.is_subset(&world.ordered), "nothing goes without an order");
        ends += usize::from(world.destroyed == world.ordered && !world.ordered.is_empty());
        for next in steps(&world) {
            if seen.insert(next.key()) {
                open.push(next);
            }
        }
    }
    println!("{} states, {} sets of events ordered, {ends} ends", seen.len(), orders.len());
    // All three while no hold is placed; two with the one or the other; and one with both.
    assert!(orders.iter().any(|ordered| ordered.len() == 3));
    assert!(orders.len() >= 5, "{orders:?}");
    assert!(ends > 0);
}

fn wander(seed: u64) -> usize {
    let rng = SeededRng::new(seed);
    let pick = |bound: u64| u8::try_from(rng.below(bound)).unwrap();
    let messages: Vec<_> = (0..6).map(|_| (pick(3), pick(3), i64::from(pick(12)))).collect();
    let ceiling = (rng.below(2) == 0).then_some(9);
    let mut world = World::of(&messages, ceiling);
    for _ in 0..40 {
        match rng.below(15) {
            0 if world.told.len() < 4 => {
                let reach =
                    if rng.below(2) == 0 { HoldReach::Authored } else { HoldReach::Readable };
                let custodian = (rng.below(3) > 0).then(|| pick(3));
                world.hold(custodian, reach, (rng.below(2) == 0).then(|| pick(3)));
            }
            1 if !world.told.is_empty() => {
                let index = rng.below(u64::try_from(world.told.len()).unwrap());
                world.release(usize::try_from(index).unwrap());
            }
            2 => world.desk.pass_days(i64::from(pick(20))),
            3 => {
                // An import brings a coming or going of long ago.
                let (by, place, on) = (pick(3), pick(2), i64::from(pick(12)));
                let is_join = rng.below(2) == 0;
                let stay =
                    if is_join { (day(on), Timestamp::MAX) } else { (Timestamp::MIN, day(on)) };
                let stays = world.town.stays.entry(room(place)).or_default();
                stays.push((person(by), stay.0, stay.1));
                let kind = if is_join { EventKind::Join } else { EventKind::Leave };
                world.desk.record(done(kind, by, place, on, None));
            }
            4 => {
                let of =
                    world.desk.log.iter().filter(|found| found.event.kind == EventKind::Message);
                let living: Vec<_> =
                    of.filter(|found| !world.ordered.contains(&found.seq)).collect();
                let Some(found) = living.first() else { continue };
                let target = found.seq;
                let place = found.event.place.as_ref().unwrap().room.as_bytes()[0];
                world.desk.record(done(EventKind::Edit, pick(3), place, 12, Some(target)));
            }
            5 => world.crash(),
            6 | 7 => world.draw(),
            8 => world.approve(),
            9 | 10 => world.warrant(),
            11 | 12 => world.order(),
            _ => world.destroy(),
        }
    }
    world.ordered.len()
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of walks take the interpreter hours")]
fn on_random_walks_with_releases_imports_and_edits_nothing_on_hold_is_destroyed() {
    let runs = std::env::var("MUNIMENT_RUNS").ok().and_then(|runs| runs.parse().ok());
    let mut ordered = 0;
    for seed in 0..runs.unwrap_or(500) {
        let walked = std::panic::catch_unwind(|| wander(seed));
        ordered +=
            walked.unwrap_or_else(|_| panic!("the walk of seed {seed} destroyed what was held"));
    }
    assert!(ordered > 0, "the walks destroy something");
    println!("{ordered} events ordered to be destroyed");
}
