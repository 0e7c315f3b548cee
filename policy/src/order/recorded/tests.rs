//! What a docket gives out as an order, as claims.

use std::collections::BTreeMap;

use chat::testing::{SeededRng, message};
use chat::{ChatEvent, Timestamp};

use super::*;
use crate::testing::{Officer, Wish};
use crate::town::seq;

/// A log, and an officer who follows it.
#[derive(Default)]
struct World {
    log: Vec<Recorded>,
    officer: Officer,
}

fn put(log: &mut Vec<Recorded>, event: ChatEvent, at: Timestamp) -> Recorded {
    let place = seq(u64::try_from(log.len()).unwrap() + 1);
    let recorded =
        Recorded { seq: place, place_seq: None, place_prev: None, recorded_at: at, event };
    log.push(recorded.clone());
    recorded
}

impl World {
    fn of(events: u64) -> Self {
        let mut world = Self::default();
        for number in 1..=events {
            let recorded = put(&mut world.log, message(number, 1, 1, "words"), Timestamp::EPOCH);
            world.officer.follow(&recorded);
        }
        world
    }

    fn order(&mut self, wishes: &[Wish]) -> RecordedOrder {
        let Self { log, officer } = self;
        officer.order(wishes, &mut |event, at| put(log, event, at))
    }
}

fn talk(numbers: &[u64], remains: Remains) -> Wish {
    Wish::Talk(numbers.iter().map(|number| seq(*number)).collect(), remains)
}

#[test]
fn an_order_is_given_out_once_the_log_was_folded_so_far_and_says_where_it_stands() {
    let mut world = World::of(9);
    let order = world.order(&[talk(&[1, 2, 5], Remains::Stub), talk(&[7], Remains::Blank)]);
    let place = world.log.last().unwrap().seq;
    assert_eq!((order.place(), order.event()), (place, world.log.last().unwrap()));
    assert_eq!(order.stretches().len(), 3);
    let remains = |number| order.takes(seq(number), Lane::Talk);
    let found: Vec<_> = (1..=9).map(remains).collect();
    let (stub, blank) = (Some(Remains::Stub), Some(Remains::Blank));
    assert_eq!(found, [stub, stub, None, None, stub, None, blank, None, None]);
    assert_eq!(order.takes(seq(1), Lane::Ledger), None);
    assert!(order.blanks() && !order.names_of(Lane::Ledger));
    assert_eq!((order.next_from(seq(3)), order.next_from(seq(8))), (Some(seq(5)), None));
    let mut behind = Docket::default();
    let refused = Error::DocketElsewhere { docket: Seq::FIRST, asked: place };
    assert_eq!(behind.recorded_order(order.event()), Err(refused));
    let (last, before) = world.log.split_last().unwrap();
    for recorded in before {
        behind.apply(recorded);
    }
    assert!(matches!(behind.recorded_order(last), Err(Error::DocketElsewhere { .. })));
    behind.apply(last);
    assert_eq!(behind.recorded_order(last), Ok(order));
}

#[test]
fn what_is_no_order_or_had_no_effect_is_not_given_out() {
    let mut world = World::of(9);
    let order = world.order(&[talk(&[1, 2], Remains::Stub)]);
    let again = put(&mut world.log, order.event().event.clone(), order.event().recorded_at);
    world.officer.follow(&again);
    let docket = world.officer.docket();
    assert!(docket.faults().contains_key(&again.seq), "a plan is ordered once");
    let mut elsewhere = order.event().clone();
    elsewhere.seq = seq(3);
    let mut other_kind = order.event().clone();
    other_kind.event.kind = EventKind::Officer;
    for recorded in [again, elsewhere, other_kind, world.log[0].clone(), world.log[9].clone()] {
        let refused = OrderFault::WithoutEffect { event: recorded.seq };
        assert_eq!(docket.recorded_order(&recorded), Err(refused.into()));
    }
}

#[test]
fn what_an_order_names_is_its_own_whatever_other_orders_name_before_and_since() {
    for seed in 0..40 {
        println!("seed {seed}");
        let rng = SeededRng::new(seed);
        let mut world = World::of(40);
        // Which order takes a number, and what it leaves.
        let mut known: BTreeMap<u64, (usize, Remains)> = BTreeMap::new();
        let mut orders = Vec::new();
        for index in 0..4 {
            let first = 1 + rng.below(30);
            let last = first + rng.below(10);
            let free: Vec<u64> = (first..=last).filter(|at| !known.contains_key(at)).collect();
            let remains = Remains::ALL[usize::try_from(rng.below(2)).unwrap()];
            if free.is_empty() {
                continue;
            }
            let wish = if rng.below(2) == 0 {
                talk(&free, remains)
            } else {
                let living = u64::try_from(free.len()).unwrap();
                Wish::Within(seq(first), seq(last), living, remains)
            };
            let order = world.order(&[wish]);
            known.extend(free.iter().map(|number| (*number, (index, remains))));
            orders.push((index, order));
        }
        let docket = world.officer.docket();
        for (index, order) in &orders {
            let again = docket.recorded_order(order.event()).unwrap();
            for number in 1..=60 {
                let expected = known.get(&number).filter(|(by, _)| by == index);
                let expected = expected.map(|(_, remains)| *remains);
                assert_eq!(again.takes(seq(number), Lane::Talk), expected, "{number}");
                let span = Stretch::one(seq(number));
                assert_eq!(again.within(span).count(), usize::from(expected.is_some()));
                let next = known.iter().find(|(at, (by, _))| **at >= number && by == index);
                assert_eq!(again.next_from(seq(number)), next.map(|(at, _)| seq(*at)));
            }
        }
    }
}

#[test]
fn of_the_ledger_an_order_names_what_it_lists_and_nothing_of_a_stretch() {
    let mut world = World::of(9);
    let whole = Wish::Within(seq(1), seq(4), 3, Remains::Stub);
    let order = world.order(&[whole, Wish::Ledger(vec![seq(6)], Remains::Stub)]);
    let found: Vec<_> =
        (1..=9).filter(|number| order.takes(seq(*number), Lane::Ledger).is_some()).collect();
    assert_eq!(found, [6]);
    assert!(order.names_of(Lane::Ledger) && order.takes(seq(4), Lane::Talk).is_some());
    assert!(!order.blanks());
}
