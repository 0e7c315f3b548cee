//! No event is named twice, however events and ranges lie to one another.

use proptest::prelude::*;

use super::*;
use crate::town::{day, room, rule, seq};

fn share(span: Span) -> Share {
    Share {
        rule: rule("sweep", crate::schedule::RuleAction::Delete, 1).id,
        remains: Remains::Stub,
        span,
        rooms: [room(1)].into(),
        earliest: day(1),
        latest: day(2),
        goes_by_activity: false,
        has_ledger: false,
    }
}

fn a_span() -> impl Strategy<Value = Span> {
    let each = proptest::collection::btree_set(1_u64..30, 1..4);
    let whole = (1_u64..30, 1_u64..6);
    prop_oneof![
        each.prop_map(|numbers| Span::Each(numbers.into_iter().map(seq).collect())),
        whole.prop_map(|(first, events)| {
            Span::Whole { first: seq(first), last: seq(first + events - 1), events }
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn a_plan_is_refused_where_any_event_is_named_twice_and_nowhere_else(
        spans in proptest::collection::vec(a_span(), 0..5),
    ) {
        let named = |number: u64| spans.iter().filter(|span| span.holds(seq(number))).count();
        let is_twice = (1..40).any(|number| named(number) > 1);
        let mut drafting = Docket::default().draft(seq(40), day(9)).unwrap();
        drafting.plan.shares = spans.iter().cloned().map(share).collect();
        let finished = drafting.finish();
        prop_assert_eq!(finished.is_err(), is_twice, "{:?}", spans);
        match finished {
            Err(Error::EventTwice { event }) => prop_assert!((1..40).contains(&event.get())),
            Err(other) => prop_assert!(false, "{other}"),
            Ok(plan) => {
                let firsts: Vec<_> = plan.shares().iter().map(|share| share.span().first()).collect();
                prop_assert!(firsts.is_sorted());
                prop_assert_eq!(plan.events(), spans.iter().map(Span::events).sum::<u64>());
            }
        }
    }
}

/// An approval is of a digest, so the bytes behind it are written down here, number by number.
#[test]
fn the_bytes_of_a_plan_are_these_in_every_version() {
    let bytes: Vec<u8> = (1..=16).collect();
    let wide = RoomId::from_bytes(bytes.try_into().unwrap());
    let mut drafting = Docket::default().draft(seq(40), day(9)).unwrap();
    let each = Share {
        rooms: [wide].into(),
        remains: Remains::Blank,
        has_ledger: true,
        ..share(Span::Each(vec![seq(3), seq(5)]))
    };
    let whole = Span::Whole { first: seq(7), last: seq(12), events: 4 };
    let whole = Share { goes_by_activity: true, rooms: BTreeSet::new(), ..share(whole) };
    drafting.plan.shares = vec![each, whole];
    drafting.plan.held.insert(HoldId(seq(2)), 6);
    drafting.plan.changed = Some(seq(11));
    let plan = drafting.finish().unwrap();
    let bytes = plan.canonical_bytes();
    let numbers = bytes.strip_prefix(b"muniment plan v1\n").unwrap();
    let numbers: Vec<u64> =
        numbers.chunks(8).map(|chunk| u64::from_be_bytes(chunk.try_into().unwrap())).collect();
    let days = |number: u64| number * 86_400_000_000;
    let sweep = [5, u64::from(b's'), u64::from(b'w'), u64::from(b'e'), u64::from(b'e'), 112, 1];
    let first = [1, 0, 2, 3, 5, 1, 0x0102_0304_0506_0708, 0x090a_0b0c_0d0e_0f10];
    let second = [0, 1, 7, 12, 4, 0];
    let expected: Vec<u64> = [40, 11, days(9), 2]
        .into_iter()
        .chain(sweep)
        .chain(first)
        .chain([days(1), days(2), 0, 1])
        .chain(sweep)
        .chain(second)
        .chain([days(1), days(2), 1, 0])
        .chain([1, 2, 6])
        .collect();
    assert_eq!(numbers, expected);
}
