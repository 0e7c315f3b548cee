//! What the docket knows of orders, against a map of single numbers, and what it takes in memory.

use std::collections::BTreeMap;

use chat::testing::SeededRng;
use proptest::prelude::*;

use super::*;
use crate::order::{Ground, OrderParts};
use crate::ranges::Ranges;
use crate::role::Regime;
use crate::schedule::{Remains, RuleVersion};
use crate::town::{day, seq};

/// What the oracle knows of one number: which order names it, and how.
type Numbers = BTreeMap<u64, (u64, Named)>;

/// Whether an order is refused, by the rule for each of its numbers.
fn is_refused(known: &Numbers, taken: &BTreeMap<u64, Named>, living: u64, through: u64) -> bool {
    let whole = |named: &Named| *named == Named::TalkWithin;
    let is_gone = |number: &u64, named: Named| {
        known.get(number).is_some_and(|(order, before)| {
            *order > through
                || named == Named::Talk
                || (named == Named::Any && *before != Named::TalkWithin)
        })
    };
    let within = taken.iter().filter(|(_, named)| whole(named));
    let left = within.filter(|(number, _)| !known.contains_key(number)).count();
    taken.iter().any(|(number, named)| is_gone(number, *named))
        || living > u64::try_from(left).unwrap()
}

/// Returns an order of one rule.
fn order_of(takes: Vec<Take>, through: Seq, plan: u8) -> Order {
    let rule = RuleVersion { name: "gone".into(), version: 1 };
    Order::checked(OrderParts {
        plan: PlanDigest::from_bytes([plan; 32]),
        through,
        drawn: day(1_000),
        judged: through,
        regime: Regime::FourEyes,
        ground: Ground::Ceilings,
        withdrawn: 0,
        rules: vec![RuleTakes { rule, entry: seq(12), takes }],
    })
    .unwrap()
}

fn order(taken: &BTreeMap<u64, Named>, living: u64, through: u64, plan: u8) -> Order {
    let each = Named::ALL.iter().filter_map(|named| {
        let numbers = taken.iter().filter(|(_, found)| *found == named);
        let stretches: Vec<_> = numbers.map(|(number, _)| Stretch::one(seq(*number))).collect();
        let ranges = Ranges::gather(stretches).unwrap();
        let is_whole = *named == Named::TalkWithin;
        let events = if is_whole { living } else { ranges.numbers() };
        (events > 0).then_some(Take { remains: Remains::Stub, named: *named, ranges, events })
    });
    order_of(each.collect(), seq(through), plan)
}

fn some_numbers() -> impl Strategy<Value = BTreeMap<u64, Named>> {
    let piece = (1_u64..50, 0_u64..12, proptest::sample::select(Named::ALL));
    proptest::collection::vec(piece, 1..6).prop_map(|pieces| {
        let numbers = |(first, more, named)| (first..=first + more).map(move |at| (at, named));
        pieces.into_iter().flat_map(numbers).collect()
    })
}

proptest! {
    #[test]
    fn what_is_ordered_is_known_as_a_map_of_single_numbers_would_know_it(
        orders in proptest::collection::vec((some_numbers(), 0_u64..9, 0_u64..6), 1..9),
    ) {
        let (mut ordered, mut known) = (Ordered::default(), Numbers::new());
        let (mut taken_in, mut place) = (BTreeSet::new(), 100);
        for (plan, (numbers, living, back)) in (1_u8..).zip(orders) {
            place += 2;
            let whole = numbers.values().filter(|named| **named == Named::TalkWithin).count();
            let whole = u64::try_from(whole).unwrap();
            let living = if whole == 0 { 0 } else { (living % whole) + 1 };
            let through = place - 1 - back;
            let order = order(&numbers, living, through, plan);
            let refused = is_refused(&known, &numbers, living, through);
            prop_assert_eq!(ordered.check(&order).is_err(), refused);
            if refused {
                continue;
            }
            ordered.take(&order, seq(place));
            taken_in.insert(seq(place));
            prop_assert!(ordered.check(&order).is_err(), "an order is taken once");
            for (number, named) in numbers {
                if named != Named::TalkWithin || !known.contains_key(&number) {
                    known.insert(number, (place, named));
                }
            }
            for number in 1..70 {
                let found = known.get(&number);
                let talk = found.map(|(order, _)| seq(*order));
                prop_assert_eq!(ordered.by(seq(number), Lane::Talk), talk);
                let ledger = found.filter(|(_, named)| *named == Named::Any);
                let ledger = ledger.map(|(order, _)| seq(*order));
                prop_assert_eq!(ordered.by(seq(number), Lane::Ledger), ledger);
            }
            let gaps = ordered.pieces.windows(2).all(|pair| {
                let [before, next] = pair else { return false };
                before.stretch.last < next.stretch.first && !before.goes_on_in(next)
            });
            prop_assert!(gaps, "stretches ascend, apart, and neighbours are joined");
        }
        prop_assert_eq!(ordered.orders(), taken_in);
    }
}

#[test]
fn what_went_before_a_plan_is_not_counted_again_and_what_went_since_refuses_it() {
    let talk: BTreeMap<u64, Named> = (4..6).map(|number| (number, Named::Talk)).collect();
    let whole: BTreeMap<u64, Named> = (1..11).map(|number| (number, Named::TalkWithin)).collect();
    let mut ordered = Ordered::default();
    ordered.take(&order(&talk, 0, 99, 1), seq(120));
    let check = |living, through| ordered.check(&order(&whole, living, through, 2));
    assert_eq!(check(8, 120), Ok(()));
    let fault = OrderFault::CountDiffers { rule: "gone v1".into(), found: 9, counted: 8 };
    assert_eq!(check(9, 120), Err(fault.into()));
    assert_eq!(check(8, 119), Err(OrderFault::AlreadyOrdered { event: seq(4) }.into()));
}

#[test]
fn ten_years_of_orders_over_ten_million_events_take_less_than_three_megabytes() {
    let (rng, seed) = (SeededRng::new(11), 11);
    let mut ordered = Ordered::default();
    let scattered: BTreeMap<u64, Named> =
        (0..40_000).map(|_| (rng.below(10_000_000) + 1, Named::Talk)).collect();
    ordered.take(&order(&scattered, 0, 10_000_000, 0), seq(10_000_001));
    for month in 0..120_u64 {
        let (first, last) = (month * 60_000 + 1, (month + 1) * 60_000);
        let ranges = Ranges::gather(vec![Stretch { first: seq(first), last: seq(last) }]).unwrap();
        let named = Named::TalkWithin;
        let take = Take { remains: Remains::Stub, named, ranges, events: 50_000 };
        let plan = u8::try_from(month + 1).unwrap();
        let through = seq(10_000_001 + month);
        let order = order_of(vec![take], through, plan);
        ordered.check(&order).unwrap();
        ordered.take(&order, through.next());
    }
    // The scattered ones part the months around them, and stay known by their own order.
    let bytes = ordered.stretches() * size_of::<Piece>();
    println!("{} stretches, {bytes} bytes, seed {seed}", ordered.stretches());
    assert_eq!(size_of::<Piece>(), 32);
    assert!(bytes < 3 << 20, "{bytes}");
    let taken = |number| ordered.by(seq(number), Lane::Talk).is_some();
    assert!((1..=7_200_000).step_by(997).all(taken));
    let beyond = (7_200_001..10_000_000).step_by(997);
    assert!(beyond.into_iter().all(|number| taken(number) == scattered.contains_key(&number)));
}
