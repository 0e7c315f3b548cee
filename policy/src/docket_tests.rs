//! The officers' desk, as claims: who may write what, and what the docket makes of what it should never have been given.

use chat::{Act, Fact};
use proptest::prelude::*;
use query::{Query, Zone};

use super::*;
use crate::custodian::{Alias, Custodian};
use crate::desk::{APPROVER, Desk, LEAD, RECORDS, SECURITY, hold_on};
use crate::entry::HoldPlacing;
use crate::hold::{HoldReach, HoldScope};
use crate::period::Period;
use crate::schedule::{RuleAction, RuleVersion};
use crate::town::{a_rule, day, person, room, rule, seq, source};

fn next(rule: &RetentionRule, version: u32) -> RetentionRule {
    RetentionRule { id: RuleVersion { version, ..rule.id.clone() }, ..rule.clone() }
}

#[test]
fn nobody_has_a_say_until_roles_are_granted_and_then_only_their_own() {
    let mut desk = Desk::empty();
    let kept = Entry::RuleSet(Box::new(rule("kept", RuleAction::Keep, 5)));
    assert!(matches!(desk.write(RECORDS, &kept), Err(Error::NotPermitted { .. })));
    let mut desk = Desk::staffed();
    assert!(desk.write(RECORDS, &kept).is_ok());
    for officer in [LEAD, APPROVER, SECURITY, 77] {
        let longer = Entry::RuleSet(Box::new(next(&rule("kept", RuleAction::Keep, 9), 2)));
        let answer = desk.write(officer, &longer);
        assert!(matches!(answer, Err(Error::NotPermitted { .. })), "{officer} {answer:?}");
    }
}

#[test]
fn after_the_founding_a_role_needs_a_request_and_somebody_elses_approval() {
    let mut desk = Desk::staffed();
    let grant = Entry::RoleGranted { officer: person(9), role: Role::Auditor, until: None };
    assert!(matches!(desk.write(SECURITY, &grant), Err(Error::NeedsApproval { .. })));
    assert!(desk.write(LEAD, &Entry::Requested(Box::new(grant.clone()))).is_err());
    desk.ask(SECURITY, grant).unwrap();
    assert!(desk.docket.roles_of(person(9), desk.now).unwrap().iter().eq([Role::Auditor]));
    assert!(matches!(
        desk.write(SECURITY, &Entry::SingleOfficerDeclared),
        Err(Error::AlreadyFounded)
    ));
}

#[test]
fn whoever_asks_never_approves_though_they_hold_both_roles() {
    let mut desk = Desk::staffed();
    let other = Entry::RoleGranted { officer: person(RECORDS), role: Role::Approver, until: None };
    desk.ask(SECURITY, other).unwrap();
    let gone = Entry::RuleSet(Box::new(rule("gone", RuleAction::Delete, 5)));
    let request = desk.write(RECORDS, &Entry::Requested(Box::new(gone))).unwrap();
    let own = desk.write(RECORDS, &Entry::Approved { request });
    assert_eq!(own, Err(Error::OwnRequest { request }));
    assert!(desk.write(APPROVER, &Entry::Approved { request }).is_ok());
    let again = desk.write(APPROVER, &Entry::Approved { request });
    assert_eq!(again, Err(Error::RequestNotOpen { request }));
}

#[test]
fn one_officer_alone_approves_what_they_ask_for_and_the_docket_says_so() {
    let mut desk = Desk::empty();
    desk.write(7, &Entry::SingleOfficerDeclared).unwrap();
    assert_eq!(desk.docket.regime(), Regime::SingleOfficer);
    let gone = Entry::RuleSet(Box::new(rule("gone", RuleAction::Delete, 5)));
    let request = desk.write(7, &Entry::Requested(Box::new(gone))).unwrap();
    desk.write(7, &Entry::Approved { request }).unwrap();
    assert!(desk.write(8, &Entry::Approved { request }).is_err());
}

#[test]
fn incompatible_roles_are_of_no_use_even_if_the_log_holds_them() {
    let mut desk = Desk::staffed();
    let both =
        Entry::RoleGranted { officer: person(LEAD), role: Role::OperationsAdmin, until: None };
    assert!(matches!(desk.ask(SECURITY, both), Err(Error::RolesConflict { .. })));
    desk.docket.roles.entry(person(LEAD)).or_default().insert(Role::OperationsAdmin, None);
    let answer = desk.write(LEAD, &hold_on(HoldScope::default()));
    assert!(matches!(answer, Err(Error::RolesConflict { .. })));
}

#[test]
fn a_regulator_has_an_end_and_loses_the_role_at_it() {
    let mut desk = Desk::staffed();
    let grant = |until| Entry::RoleGranted { officer: person(9), role: Role::Regulator, until };
    assert!(desk.ask(SECURITY, grant(None)).is_err());
    desk.ask(SECURITY, grant(Some(day(1_002)))).unwrap();
    let roles = |at| desk.docket.roles_of(person(9), at).unwrap().iter().count();
    assert_eq!((roles(day(1_001)), roles(day(1_002))), (1, 0));
}

#[test]
fn t5_no_role_shortens_or_removes_a_locked_rule_by_any_door() {
    let mut desk = Desk::staffed();
    let locked = RetentionRule { is_locked: true, ..rule("finra", RuleAction::Keep, 50) };
    desk.set(locked.clone()).unwrap();
    let mut narrower = next(&locked, 2);
    narrower.scope.rooms.insert(room(0));
    let shorter = RetentionRule { period: Period::of_days(49).unwrap(), ..next(&locked, 2) };
    let doors = [
        Entry::RuleSet(Box::new(narrower)),
        Entry::RuleSet(Box::new(shorter.clone())),
        Entry::RuleSet(Box::new(RetentionRule { is_locked: false, ..next(&locked, 2) })),
        Entry::RuleRemoved { name: "finra".into() },
    ];
    for entry in doors {
        for officer in [LEAD, RECORDS, APPROVER, SECURITY] {
            assert!(desk.write(officer, &entry).is_err());
            assert!(desk.write(officer, &Entry::Requested(Box::new(entry.clone()))).is_err());
        }
        desk.force(APPROVER, entry.act());
    }
    let standing = desk.docket.schedule(desk.now).rules;
    assert_eq!(standing, [locked], "a forged record changes nothing");
    assert_eq!(desk.docket.faults().len(), 4, "and is reported");
}

#[test]
fn what_keeps_more_counts_at_once_and_what_keeps_less_after_an_approval_and_three_days() {
    let mut desk = Desk::staffed();
    let kept = rule("kept", RuleAction::Keep, 50);
    desk.set(kept.clone()).unwrap();
    let shorter = RetentionRule { period: Period::of_days(5).unwrap(), ..next(&kept, 2) };
    desk.set(shorter.clone()).unwrap();
    let days = |desk: &Desk, at| desk.docket.schedule(at).rules[0].period.days();
    assert_eq!(days(&desk, desk.now), 50);
    assert_eq!(days(&desk, desk.now.plus_micros(COOL_OFF_MICROS - 1)), 50);
    assert_eq!(days(&desk, desk.now.plus_micros(COOL_OFF_MICROS)), 5);
    let longer = RetentionRule { period: Period::of_days(60).unwrap(), ..next(&kept, 3) };
    desk.set(longer).unwrap();
    assert_eq!(days(&desk, desk.now.plus_micros(COOL_OFF_MICROS)), 60, "second thoughts");
    let skipped = desk.set(next(&kept, 9));
    assert!(matches!(skipped, Err(Error::VersionOutOfOrder { expected: 4, .. })));
}

fn matter_of(desk: &mut Desk) -> MatterId {
    let opened = Entry::MatterOpened { name: "Doe v. Roe".into(), reason: "letter".into() };
    MatterId(desk.ask(LEAD, opened).unwrap())
}

#[test]
fn a_hold_binds_from_its_entry_follows_its_custodians_and_is_never_deleted() {
    let mut desk = Desk::staffed();
    let matter = matter_of(&mut desk);
    let named = |id: u8| Entry::CustodianNamed {
        matter,
        custodian: Custodian { name: "Ann".into(), aliases: vec![Alias::person(person(id))] },
    };
    let placing = |name: &str| {
        let scope = HoldScope { custodians: [name.into()].into(), ..HoldScope::default() };
        let reason = "letter".into();
        Entry::HoldPlaced(Box::new(HoldPlacing {
            matter: Some(matter),
            scope,
            reason,
            asked: None,
        }))
    };
    let unknown = desk.write(LEAD, &placing("Ann"));
    assert!(matches!(unknown, Err(Error::CustodianUnknown { .. })));
    desk.write(LEAD, &named(1)).unwrap();
    let hold = HoldId(desk.write(RECORDS, &placing("Ann")).unwrap());
    desk.write(LEAD, &named(2)).unwrap();
    assert_eq!(desk.docket.legal_holds()[0].custodians[0].aliases.len(), 2, "it follows");
    let clash = Entry::CustodianNamed {
        matter,
        custodian: Custodian { name: "Bob".into(), aliases: vec![Alias::person(person(2))] },
    };
    assert!(matches!(desk.write(LEAD, &clash), Err(Error::AliasOverlaps { .. })));
    let release = Entry::HoldReleased { hold, listed: 12 };
    assert!(matches!(desk.write(LEAD, &release), Err(Error::NeedsApproval { .. })));
    let at = desk.ask(LEAD, release.clone()).unwrap();
    let record = &desk.docket.holds()[&hold];
    assert_eq!(record.released, Some((at, 12)));
    assert!(record.hold.binds(desk.now), "there is a grace");
    assert!(desk.ask(LEAD, release).is_err(), "released once");
}

#[test]
fn a_request_that_was_right_is_judged_again_when_it_is_approved() {
    let mut desk = Desk::staffed();
    desk.set(rule("kept", RuleAction::Keep, 50)).unwrap();
    let removal = Entry::Requested(Box::new(Entry::RuleRemoved { name: "kept".into() }));
    let request = desk.write(RECORDS, &removal).unwrap();
    let locked = RetentionRule { is_locked: true, ..rule("kept", RuleAction::Keep, 50) };
    desk.set(next(&locked, 2)).unwrap();
    let answer = desk.write(APPROVER, &Entry::Approved { request });
    assert!(matches!(answer, Err(Error::RuleLocked { .. })));
}

#[test]
fn a_record_that_the_docket_cannot_take_is_a_fault_until_it_was_looked_at() {
    let mut desk = Desk::staffed();
    let acts = [
        Act::new("hold-placed"),
        Act::new("hold-frozen").with("of", "a later version"),
        hold_on(HoldScope::default()).act(),
    ];
    for act in acts {
        let event = desk.force(77, act);
        assert!(desk.docket.faults().contains_key(&event));
        assert_eq!(desk.docket.changed(), Some(event));
        desk.ask(RECORDS, Entry::FaultNoted { event }).unwrap();
        assert!(desk.docket.faults().is_empty());
    }
    let before = desk.docket.changed();
    desk.force(77, Act::new("search").with("query", "budget"));
    assert_eq!(
        (desk.docket.changed(), desk.docket.faults().len()),
        (before, 0),
        "not the docket's"
    );
}

#[test]
fn t8_the_log_shows_the_time_and_a_jump_waits_for_an_approver() {
    let mut desk = Desk::staffed();
    desk.pass_days(5);
    assert_eq!(desk.docket.time().accepted(), Some(day(1_005)));
    desk.now = day(9_000);
    desk.force(LEAD, Act::new("search"));
    assert!(desk.docket.time().judge(desk.now).is_err());
    let early = Entry::ClockRight { at: day(9_001) };
    assert!(matches!(desk.ask(RECORDS, early), Err(Error::ClockAhead { .. })));
    desk.ask(RECORDS, Entry::ClockRight { at: day(9_000) }).unwrap();
    assert_eq!(desk.docket.time().judge(desk.now), Ok(day(9_000)));
}

#[test]
fn the_same_event_twice_changes_nothing() {
    let mut desk = Desk::staffed();
    desk.set(rule("kept", RuleAction::Keep, 5)).unwrap();
    let before = desk.docket.clone();
    for event in desk.log.clone() {
        desk.docket.apply(&event);
    }
    assert_eq!(desk.docket, before);
    let mut again = Docket::default();
    desk.log.iter().for_each(|event| again.apply(event));
    assert_eq!(again, before, "and the log alone makes the docket");
}

fn a_hold_scope() -> impl Strategy<Value = HoldScope> {
    let moment = || proptest::option::of((0_i64..99).prop_map(day));
    let query = proptest::option::of(proptest::sample::select(vec![
        "budget",
        "\"cash flow\"~3 -draft",
        "from:ann after:2024-03",
        "bu* OR =Ä kind:join",
    ]));
    (query, moment(), moment(), any::<bool>()).prop_map(|(query, from, until, all)| {
        let understood = query.map(|text| Query::parse(text, &Zone::Utc).unwrap().interpreted());
        HoldScope {
            custodians: ["Ann".to_owned()].into(),
            reach: if all { HoldReach::Readable } else { HoldReach::Authored },
            rooms: if all { [room(1)].into() } else { BTreeSet::new() },
            categories: ["trade".to_owned()].into(),
            sources: [source(0)].into(),
            from,
            until,
            query: understood.map(|text| Query::parse(&text, &Zone::Utc).unwrap()),
        }
    })
}

fn an_entry() -> impl Strategy<Value = Entry> {
    let moment = || proptest::option::of((0_i64..99).prop_map(day));
    let alias = (0_u8..3, "[a-z@.]{1,8}", any::<bool>(), moment(), moment()).prop_map(
        |(id, name, is_person, from, until)| Alias {
            source: (id == 0).then(|| source(1)),
            from,
            until,
            ..if is_person { Alias::person(person(id)) } else { Alias::name(&name) }
        },
    );
    let number = || (1_u64..1_000).prop_map(seq);
    let plain = prop_oneof![
        a_rule().prop_map(|rule| Entry::RuleSet(Box::new(rule))),
        Just(Entry::RuleRemoved { name: "chat-6y".into() }),
        (0_u8..3, any::<bool>()).prop_map(|(id, is_room)| Entry::Occurred {
            name: "left".into(),
            concerned: if is_room {
                Concerned::Room(room(id))
            } else {
                Concerned::Person(person(id))
            },
            at: day(4),
        }),
        Just(Entry::ClockRight { at: day(9) }),
        number().prop_map(|event| Entry::FaultNoted { event }),
        (a_hold_scope(), proptest::option::of(number())).prop_map(|(scope, matter)| {
            let (reason, asked) = ("why".to_owned(), Some("budget".to_owned()));
            let matter = matter.map(MatterId);
            Entry::HoldPlaced(Box::new(HoldPlacing { matter, scope, reason, asked }))
        }),
        number().prop_map(|hold| Entry::HoldReleased { hold: HoldId(hold), listed: 3 }),
        Just(Entry::MatterOpened { name: "Doe v. Roe".into(), reason: "letter".into() }),
        (number(), 0_u8..9).prop_map(|(matter, officer)| Entry::MemberAdded {
            matter: MatterId(matter),
            officer: person(officer),
        }),
        (number(), proptest::collection::vec(alias, 0..4)).prop_map(|(matter, aliases)| {
            let custodian = Custodian { name: "Ann".into(), aliases };
            Entry::CustodianNamed { matter: MatterId(matter), custodian }
        }),
        (proptest::sample::select(Role::ALL), moment())
            .prop_map(|(role, until)| { Entry::RoleGranted { officer: person(1), role, until } }),
        Just(Entry::RoleWithdrawn { officer: person(1), role: Role::Auditor }),
        Just(Entry::SingleOfficerDeclared),
        number().prop_map(|through| Entry::DestructionPlanned {
            plan: crate::entry::PlanDigest::from_bytes([7; 32]),
            events: 9,
            through,
        }),
    ];
    let answers = prop_oneof![
        number().prop_map(|request| Entry::Approved { request }),
        number().prop_map(|request| Entry::Refused { request, reason: "no".into() }),
    ];
    prop_oneof![
        4 => plain.clone(),
        2 => plain.prop_map(|entry| Entry::Requested(Box::new(entry))),
        1 => answers,
    ]
}

fn a_fact() -> impl Strategy<Value = Fact> {
    let leaf = prop_oneof![
        "[a-z0-9:-]{0,40}".prop_map(Fact::Text),
        any::<i64>().prop_map(Fact::Number),
        any::<bool>().prop_map(Fact::Flag),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Fact::List),
            proptest::collection::btree_map("[a-z]{1,4}", inner, 0..3).prop_map(Fact::Map),
        ]
    })
}

proptest! {
    #[test]
    fn every_entry_reads_back_from_its_act(entry in an_entry()) {
        let act = entry.act();
        prop_assert_eq!(Entry::read(&act).unwrap(), Some(entry));
    }

    #[test]
    fn a_spoilt_act_is_reported_and_never_a_panic(
        entry in an_entry(),
        spoilt in proptest::collection::vec((any::<prop::sample::Index>(), proptest::option::of(a_fact())), 1..4),
        by in 100_u8..106,
    ) {
        let mut act = entry.act();
        let names: Vec<String> = act.facts.keys().cloned().collect();
        for (index, fact) in spoilt {
            let Some(name) = (!names.is_empty()).then(|| index.get(&names)) else { break };
            match fact {
                Some(fact) => drop(act.facts.insert(name.clone(), fact)),
                None => drop(act.facts.remove(name)),
            }
        }
        let mut desk = Desk::staffed();
        let before = desk.docket.clone();
        let place = desk.force(by, act);
        let after = &desk.docket;
        if after.faults().contains_key(&place) {
            prop_assert_eq!(&after.rules, &before.rules);
            prop_assert_eq!(&after.holds, &before.holds);
            prop_assert_eq!(&after.roles, &before.roles);
        }
    }
}
