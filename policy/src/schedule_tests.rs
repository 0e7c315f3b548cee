//! Rules as they may and may not be recorded.

use chat::EventKind;
use proptest::prelude::*;

use super::*;
use crate::evaluate::{Disposition, Grounds, evaluate};
use crate::item::Lineage;
use crate::town::{Town, a_rule, a_schedule, an_item, day, person, room, rule};

fn refused(rule: RetentionRule, word: &str) {
    let refusal = rule.checked(&Town::new()).unwrap_err().to_string();
    assert!(refusal.contains(word), "{refusal}");
}

fn add(is_new: bool) {
    assert!(is_new);
}

#[test]
fn a_rule_that_can_match_nothing_is_refused_with_the_nearest_that_would() {
    let with = |change: fn(&mut RuleScope)| {
        let mut rule = rule("r", RuleAction::Keep, 5);
        change(&mut rule.scope);
        rule
    };
    refused(with(|scope| add(scope.categories.insert("Trdae".into()))), "nearest is \"trade\"");
    refused(with(|scope| add(scope.rooms.insert(room(7)))), "no room 0707");
    refused(with(|scope| add(scope.persons.insert(person(9)))), "no person 0909");
    refused(with(|scope| add(scope.kinds.insert(EventKind::Edit))), "message");
    refused(
        with(|scope| add(scope.kinds.insert(EventKind::Officer))),
        "officers' acts always stay",
    );
    let folded = with(|scope| add(scope.categories.insert("Trade".into())));
    assert!(folded.checked(&Town::new()).unwrap().scope.categories.contains("trade"));
}

#[test]
fn a_rule_says_its_name_its_purpose_and_the_law_it_rests_on() {
    let plain = || rule("r", RuleAction::Keep, 5);
    refused(RetentionRule { purpose: " ".into(), ..plain() }, "purpose");
    refused(RetentionRule { legal_basis: String::new(), ..plain() }, "legal_basis");
    refused(rule("Six Years", RuleAction::Keep, 5), "chat-6y");
    refused(RetentionRule { is_locked: true, ..rule("d", RuleAction::Delete, 5) }, "lock a rule");
}

#[test]
fn a_clock_that_does_not_exist_is_refused_with_the_nearest() {
    let refusal = "event-tme".parse::<RetentionClock>().unwrap_err().to_string();
    assert!(refusal.contains("event-time"), "{refusal}");
    for text in ["named:", "named:Left", "", "room_activity"] {
        assert!(text.parse::<RetentionClock>().is_err(), "{text}");
    }
    for clock in ["event-time", "room-activity", "named:left"] {
        assert_eq!(clock.parse::<RetentionClock>().unwrap().to_string(), clock);
    }
}

#[test]
fn t5_a_lock_lets_a_rule_grow_and_nothing_else() {
    let locked = RetentionRule { is_locked: true, ..rule("finra", RuleAction::Keep, 5) };
    let of_rooms = |rule: &RetentionRule, rooms: &[u8]| {
        let mut rule = rule.clone();
        rule.scope.rooms = rooms.iter().map(|number| room(*number)).collect();
        rule
    };
    let longer = RetentionRule { period: Period::of_days(6).unwrap(), ..locked.clone() };
    assert_eq!(longer.check_lock(&locked), Ok(()));
    assert_eq!(locked.check_lock(&of_rooms(&locked, &[0])), Ok(()), "wider");
    assert_eq!(of_rooms(&locked, &[0, 1]).check_lock(&of_rooms(&locked, &[0])), Ok(()), "wider");
    let less = [
        RetentionRule { period: Period::of_days(4).unwrap(), ..locked.clone() },
        RetentionRule { clock: RetentionClock::RoomActivity, ..longer.clone() },
        RetentionRule { action: RuleAction::Delete, ..longer.clone() },
        RetentionRule { is_locked: false, ..longer.clone() },
        of_rooms(&longer, &[0, 1, 2]),
    ];
    for rule in less {
        let refusal = rule.check_lock(&locked).unwrap_err().to_string();
        assert!(refusal.contains("5d on event-time or longer"), "{refusal}");
    }
    assert!(of_rooms(&longer, &[1]).check_lock(&of_rooms(&locked, &[0])).is_err(), "elsewhere");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn a_version_that_keeps_all_of_an_earlier_one_lets_nothing_more_go(
        schedule in a_schedule(),
        earlier in a_rule(),
        later in a_rule(),
        wider in any::<bool>(),
        free in any::<bool>(),
        item in an_item(),
        now in 0_i64..30,
    ) {
        // Most pairs of rules have nothing to do with each other: half of them are made to be alike.
        let later = if wider {
            RetentionRule {
                period: later.period.max(earlier.period),
                scope: if free { RuleScope::default() } else { earlier.scope.clone() },
                ..earlier.clone()
            }
        } else {
            later
        };
        let town = Town::new();
        let goes = |rule: RetentionRule| {
            let mut schedule = schedule.clone();
            schedule.rules.push(rule);
            let grounds = Grounds { schedule: &schedule, holds: &[], around: &town, now: day(now) };
            let decisions = evaluate(&grounds, &[Lineage::of(item.clone())]);
            matches!(decisions[0].disposition(), Disposition::Expired { .. })
        };
        let keeps_all = later.keeps_all_of(&earlier);
        prop_assert!(!keeps_all || goes(earlier) || !goes(later));
    }
}
