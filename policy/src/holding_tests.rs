//! Whole ranges against the judgement of each event in them.

use proptest::prelude::*;

use super::*;
use crate::evaluate::{Disposition, evaluate};
use crate::hold::HoldReach;
use crate::item::Lineage;
use crate::town::{Town, a_schedule, day, hold, rule, said, some_items};

fn holding(lineages: &[Lineage<'_>], knows_people: bool) -> Holding {
    let items = || lineages.iter().flat_map(Lineage::items);
    Holding {
        first: items().map(|item| item.seq).min().unwrap(),
        last: items().map(|item| item.seq).max().unwrap(),
        lane: Lane::Talk,
        events: u64::try_from(lineages.len()).unwrap(),
        earliest: items().map(|item| item.at).min().unwrap(),
        latest: items().map(|item| item.at).max().unwrap(),
        rooms: items().filter_map(|item| item.room).collect(),
        has_placeless: items().any(|item| item.room.is_none()),
        kinds: items().map(|item| item.kind).collect(),
        persons: knows_people.then(|| items().filter_map(|item| item.author).collect()),
        sources: Some(items().filter_map(|item| item.source).collect()),
        crossing: BTreeSet::new(),
    }
}

proptest! {
    #[test]
    fn a_range_is_swept_only_as_each_event_in_it_would_be_judged(
        lineages in some_items(),
        schedule in a_schedule(),
        held in proptest::option::of((0_u8..3, any::<bool>())),
        now in 0_i64..30,
        knows_people in any::<bool>(),
    ) {
        let town = Town::new();
        let hold = held.map(|(on, authored)| {
            let reach = if authored { HoldReach::Authored } else { HoldReach::Readable };
            hold(99, Some(on), reach)
        });
        let holds: Vec<_> = hold.into_iter().collect();
        let grounds = Grounds { schedule: &schedule, holds: &holds, around: &town, now: day(now) };
        let decisions = evaluate(&grounds, &lineages);
        let gone = |disposition: &Disposition| {
            let Disposition::Expired { rule, .. } = disposition else { return None };
            Some(rule.clone())
        };
        let stays = |decision: &crate::evaluate::Decision| {
            let found = decision.disposition();
            gone(found).is_none() && !matches!(found, Disposition::Review { .. })
        };
        match sweep(&grounds, &holding(&lineages, knows_people)) {
            Sweep::Keep => prop_assert!(decisions.iter().all(stays)),
            Sweep::Expired { rule } => prop_assert!(
                decisions.iter().all(|decision| gone(decision.disposition()) == Some(rule.clone()))
            ),
            Sweep::Each => {}
        }
    }
}

fn check(rules: Vec<RetentionRule>, holds: &[LegalHold], expected: &Sweep) {
    let town = Town::new();
    let schedule = crate::schedule::Schedule { rules, ..Default::default() };
    let grounds = Grounds { schedule: &schedule, holds, around: &town, now: day(20) };
    let lineages = [Lineage::of(said(1, 0, 1, 3)), Lineage::of(said(2, 1, 2, 9))];
    assert_eq!(sweep(&grounds, &holding(&lineages, true)), *expected);
}

#[test]
fn an_old_file_goes_whole_a_young_one_stays_whole_and_a_hold_asks_for_each_event() {
    let gone = rule("short", RuleAction::Delete, 5);
    let expired = Sweep::Expired { rule: gone.id.clone() };
    check(vec![gone.clone()], &[], &expired);
    check(vec![rule("long", RuleAction::Delete, 40)], &[], &Sweep::Keep);
    check(vec![rule("between", RuleAction::Delete, 14)], &[], &Sweep::Each);
    check(vec![gone.clone(), rule("kept", RuleAction::Keep, 40)], &[], &Sweep::Keep);
    check(vec![gone.clone(), rule("kept", RuleAction::Keep, 5)], &[], &expired);
    check(vec![gone], &[hold(5, None, HoldReach::Readable)], &Sweep::Each);
    check(Vec::new(), &[], &Sweep::Keep);
}
