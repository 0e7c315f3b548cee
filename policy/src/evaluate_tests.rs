//! What the rules say, as claims, and against an oracle that was written from the page and not from the code.

use chat::EventKind;
use proptest::prelude::*;

use super::*;
use crate::hold::HoldReach;
use crate::item::Words;
use crate::schedule::Concerned;
use crate::town::{Town, a_schedule, an_item, day, hold, person, room, rule, said, some_items};

/// ediscovery.md §4 over again: holds apart, and without a trace.
fn oracle(schedule: &Schedule, item: &Item<'_>, town: &Town, now: Timestamp) -> &'static str {
    let over = |rule: &RetentionRule| match schedule.start(&rule.clock, item, town) {
        Some(start) => rule.period.after(start),
        None => Timestamp::MAX,
    };
    let ever = |rule: &RetentionRule| rule.scope.holds(item, Membership::Ever, town);
    let is_now = |rule: &RetentionRule| rule.scope.holds(item, Membership::Now, town);
    let (keep, go): (Vec<_>, Vec<_>) =
        schedule.rules.iter().partition(|rule| rule.action == RuleAction::Keep);
    let keep: Vec<_> = keep.into_iter().filter(|rule| ever(rule)).collect();
    let go: Vec<_> = go.into_iter().filter(|rule| is_now(rule)).collect();
    let narrowest = go.iter().map(|rule| rule.scope.specificity()).max();
    let first = go.iter().filter(|rule| Some(rule.scope.specificity()) == narrowest);
    let due = first.clone().map(|rule| over(rule)).min();
    let asks =
        first.clone().any(|rule| Some(over(rule)) == due && rule.action != RuleAction::Delete);
    match due {
        _ if keep.is_empty() && go.is_empty() => "unclassified",
        _ if keep.iter().any(|rule| over(rule) > now) => "keep",
        Some(due) if due <= now => {
            if asks {
                "review"
            } else {
                "expired"
            }
        }
        _ => "keep",
    }
}

fn word(disposition: &Disposition) -> &'static str {
    match disposition {
        Disposition::Held(_) => "held",
        Disposition::Keep { .. } => "keep",
        Disposition::Needed => "needed",
        Disposition::Review { .. } => "review",
        Disposition::Unclassified => "unclassified",
        Disposition::Expired { .. } => "expired",
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn the_rules_decide_as_the_oracle_does(
        schedule in a_schedule(),
        item in an_item(),
        now in 0_i64..30,
    ) {
        let town = Town::new();
        let grounds = Grounds { schedule: &schedule, holds: &[], around: &town, now: day(now) };
        let expected = oracle(&schedule, &item, &town, day(now));
        let decisions = evaluate(&grounds, &[Lineage::of(item)]);
        prop_assert_eq!(word(decisions[0].disposition()), expected);
    }

    #[test]
    fn a_hold_takes_things_out_of_destruction_and_puts_nothing_in(
        schedule in a_schedule(),
        lineages in some_items(),
        on in proptest::option::of(0_u8..3),
        now in 0_i64..30,
    ) {
        let town = Town::new();
        let free = Grounds { schedule: &schedule, holds: &[], around: &town, now: day(now) };
        let holds = [hold(9, on, HoldReach::Readable)];
        let held = Grounds { holds: &holds, ..free };
        for (before, after) in evaluate(&free, &lineages).iter().zip(evaluate(&held, &lineages)) {
            let covered = word(after.disposition()) == "held";
            prop_assert!(covered || *before == after);
            prop_assert_eq!(
                after.is_kept_by_holds_alone(),
                covered && word(before.disposition()) == "expired"
            );
            prop_assert!(on.is_some() || covered, "a hold on everything covers everything");
        }
    }

    #[test]
    fn time_alone_never_brings_anything_back(schedule in a_schedule(), item in an_item(), now in 0_i64..30) {
        let town = Town::new();
        let lineage = [Lineage::of(item)];
        let at = |now| {
            let grounds = Grounds { schedule: &schedule, holds: &[], around: &town, now: day(now) };
            word(evaluate(&grounds, &lineage)[0].disposition())
        };
        prop_assert!(at(now) != "expired" || at(now + 1) == "expired");
    }
}

fn check(rules: Vec<RetentionRule>, item: Item<'static>, expected: &str) {
    let town = Town::new();
    let schedule = Schedule { rules, ..Schedule::default() };
    let grounds = Grounds { schedule: &schedule, holds: &[], around: &town, now: day(20) };
    let lineage = Lineage::of(item);
    let found = evaluate(&grounds, std::slice::from_ref(&lineage));
    let trace = trace(&grounds, &lineage).to_string();
    assert_eq!(word(found[0].disposition()), expected, "{trace}");
}

fn on_room(number: u8, rule: RetentionRule) -> RetentionRule {
    let mut rule = rule;
    rule.scope.rooms.insert(room(number));
    rule
}

#[test]
fn what_keeps_beats_what_deletes_and_the_longest_of_those_that_keep_counts() {
    let gone = rule("gone", RuleAction::Delete, 1);
    let item = || said(1, 0, 1, 3);
    check(vec![gone.clone()], item(), "expired");
    check(vec![gone.clone(), rule("kept", RuleAction::Keep, 30)], item(), "keep");
    let both =
        vec![gone, rule("a", RuleAction::Keep, 2), on_room(0, rule("b", RuleAction::Keep, 1))];
    check(both.clone(), item(), "expired");
    check([both, vec![rule("c", RuleAction::Keep, 30)]].concat(), item(), "keep");
}

#[test]
fn of_those_that_delete_the_specific_one_counts_and_then_the_shortest() {
    let general = rule("general", RuleAction::Delete, 1);
    check(
        vec![general.clone(), on_room(0, rule("r", RuleAction::Delete, 30))],
        said(1, 0, 1, 3),
        "keep",
    );
    check(
        vec![general.clone(), on_room(1, rule("r", RuleAction::Delete, 30))],
        said(1, 0, 1, 3),
        "expired",
    );
    check(vec![rule("long", RuleAction::Delete, 30), general], said(1, 0, 1, 3), "expired");
}

#[test]
fn what_no_rule_is_about_is_kept_and_said_to_be_unclassified() {
    check(Vec::new(), said(1, 0, 1, 3), "unclassified");
    check(vec![on_room(1, rule("r", RuleAction::Delete, 1))], said(1, 0, 1, 3), "unclassified");
}

#[test]
fn a_review_keeps_until_a_person_has_looked() {
    check(vec![rule("r", RuleAction::Review, 5)], said(1, 0, 1, 3), "review");
    check(
        vec![rule("r", RuleAction::Review, 5), rule("d", RuleAction::Delete, 5)],
        said(1, 0, 1, 3),
        "review",
    );
}

#[test]
fn moving_a_room_to_another_category_takes_it_out_of_nobodys_protection() {
    let of = |mut rule: RetentionRule| {
        rule.scope.categories.insert("trade".to_owned());
        rule
    };
    let gone = rule("gone", RuleAction::Delete, 1);
    check(vec![gone.clone(), of(rule("kept", RuleAction::Keep, 30))], said(1, 1, 1, 3), "keep");
    check(vec![of(gone)], said(1, 1, 1, 3), "unclassified");
}

#[test]
fn a_period_that_has_not_begun_is_never_over() {
    let left = |action| RetentionRule {
        clock: RetentionClock::Named("left".to_owned()),
        ..rule("leavers", action, 5)
    };
    let gone = rule("gone", RuleAction::Delete, 1);
    check(vec![left(RuleAction::Delete)], said(1, 0, 1, 3), "keep");
    check(vec![left(RuleAction::Keep), gone], said(1, 0, 1, 3), "keep");
    let town = Town::new();
    let named = [(("left".to_owned(), Concerned::Person(person(1))), day(10))].into();
    let schedule = Schedule { rules: vec![left(RuleAction::Delete)], named };
    let judged = |now, lineage: Lineage<'static>| {
        let grounds = Grounds { schedule: &schedule, holds: &[], around: &town, now: day(now) };
        word(evaluate(&grounds, &[lineage])[0].disposition())
    };
    assert_eq!(judged(14, Lineage::of(said(1, 0, 1, 3))), "keep");
    assert_eq!(judged(15, Lineage::of(said(1, 0, 1, 3))), "expired");
    assert_eq!(judged(15, Lineage::of(said(1, 0, 2, 3))), "keep");
}

#[test]
fn a_room_that_is_in_use_keeps_what_was_said_in_it_long_ago() {
    let by_room = |days| RetentionRule {
        clock: RetentionClock::RoomActivity,
        ..rule("rooms", RuleAction::Delete, days)
    };
    check(vec![by_room(7)], said(1, 0, 1, 3), "expired");
    check(vec![by_room(9)], said(1, 0, 1, 3), "keep");
    check(vec![by_room(1)], Item { room: None, ..said(1, 0, 1, 3) }, "keep");
}

fn version(number: u64, kind: EventKind, of: u64, on: i64) -> Item<'static> {
    Item { kind, target: Some(crate::town::seq(of)), ..said(number, 0, 2, on) }
}

#[test]
fn an_edit_neither_restarts_the_clock_nor_outlives_its_root() {
    let town = Town::new();
    let schedule =
        Schedule { rules: vec![rule("gone", RuleAction::Delete, 10)], ..Schedule::default() };
    let items = vec![
        said(1, 0, 1, 3),
        version(2, EventKind::Edit, 1, 12),
        version(3, EventKind::Edit, 2, 13),
        version(4, EventKind::Reaction, 3, 19),
    ];
    let lineages = Lineage::gather(items);
    assert_eq!(lineages.len(), 1);
    for (now, expected) in [(12, "keep"), (13, "expired")] {
        let grounds = Grounds { schedule: &schedule, holds: &[], around: &town, now: day(now) };
        let decisions = evaluate(&grounds, &lineages);
        assert_eq!(word(decisions[0].disposition()), expected);
        assert_eq!(decisions[0].seqs().len(), 4);
    }
}

#[test]
fn a_hold_on_one_version_holds_all_of_them() {
    let town = Town::new();
    let schedule =
        Schedule { rules: vec![rule("gone", RuleAction::Delete, 1)], ..Schedule::default() };
    let lineages = Lineage::gather(vec![
        said(1, 1, 1, 3),
        Item { room: Some(room(1)), ..version(2, EventKind::Edit, 1, 4) },
    ]);
    let holds = [hold(9, Some(2), HoldReach::Authored)];
    let grounds = Grounds { schedule: &schedule, holds: &holds, around: &town, now: day(20) };
    assert_eq!(word(evaluate(&grounds, &lineages)[0].disposition()), "held");
}

#[test]
fn the_header_of_a_message_stays_while_an_answer_to_it_lives() {
    let town = Town::new();
    let blank = |days, number| RetentionRule {
        remains: Remains::Blank,
        ..on_room(number, rule(&format!("room-{number}"), RuleAction::Delete, days))
    };
    let schedule = Schedule { rules: vec![blank(1, 0), blank(90, 1)], ..Schedule::default() };
    let answer =
        |place: u8| Item { room: Some(room(place)), ..version(2, EventKind::Message, 1, 4) };
    let remains = |place| {
        let grounds = Grounds { schedule: &schedule, holds: &[], around: &town, now: day(20) };
        let lineages = [Lineage::of(said(1, 0, 1, 3)), Lineage::of(answer(place))];
        let decisions = evaluate(&grounds, &lineages);
        let Disposition::Expired { remains, .. } = decisions[0].disposition() else {
            panic!("{}", decisions[0].disposition())
        };
        *remains
    };
    assert_eq!(remains(1), Remains::Stub, "the answer lives");
    assert_eq!(remains(0), Remains::Blank, "the answer goes too");
}

#[test]
fn a_ledger_event_goes_only_when_nothing_living_refers_to_it_and_an_officers_act_never() {
    let gone = vec![rule("gone", RuleAction::Delete, 1)];
    let topic = Item { kind: EventKind::Topic, ..said(1, 0, 1, 3) };
    check(gone.clone(), topic.clone(), "expired");
    let town = Town::new();
    let schedule = Schedule { rules: gone.clone(), ..Schedule::default() };
    let grounds = Grounds { schedule: &schedule, holds: &[], around: &town, now: day(20) };
    let needed = Lineage { is_referred_to: true, ..Lineage::of(topic) };
    assert_eq!(word(evaluate(&grounds, &[needed])[0].disposition()), "needed");
    check(gone, Item { kind: EventKind::Officer, ..said(1, 0, 1, 3) }, "needed");
}

#[test]
fn every_decision_says_how_it_came_about() {
    let town = Town::new();
    let rules = vec![
        rule("chat-1d", RuleAction::Delete, 1),
        on_room(0, rule("desk-5d", RuleAction::Delete, 5)),
        rule("finra-2d", RuleAction::Keep, 2),
    ];
    let schedule = Schedule { rules, ..Schedule::default() };
    let holds = [hold(9, Some(1), HoldReach::Readable)];
    let grounds = Grounds { schedule: &schedule, holds: &holds, around: &town, now: day(20) };
    let item = Item { words: Words::Unread, ..said(7, 0, 2, 3) };
    let told = trace(&grounds, &Lineage::of(item)).to_string();
    let expected = "event 7
  rule chat-1d v1 is about it: delete after 1d of event-time, over at 1970-01-05T00:00:00.000000Z
  rule desk-5d v1 is about it: delete after 5d of event-time, over at 1970-01-09T00:00:00.000000Z
  rule finra-2d v1 is about it: keep after 2d of event-time, over at 1970-01-06T00:00:00.000000Z
  of those that delete or ask, desk-5d v1 is the most specific, due at 1970-01-09T00:00:00.000000Z
  hold 9 binds it: event 7 could be read by custodian 1
  so it is held by 9
";
    assert_eq!(told, expected);
}
