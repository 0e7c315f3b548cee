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
