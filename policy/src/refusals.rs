//! What is wrong with an entry is refused, and the right one beside it is taken: claims at the edge of each rule.

use chat::Timestamp;

use crate::custodian::{Alias, Called, Custodian};
use crate::desk::{APPROVER, Desk, LEAD, RECORDS, SECURITY, hold_on};
use crate::docket::COOL_OFF_MICROS;
use crate::entry::Entry;
use crate::error::Error;
use crate::hold::HoldScope;
use crate::schedule::{Concerned, RuleAction};
use crate::town::{day, person, rule, seq, source};

#[test]
fn a_hold_needs_dates_between_which_there_is_time() {
    let mut desk = Desk::staffed();
    let between = |from: i64, until: i64| HoldScope {
        from: Some(day(from)),
        until: Some(day(until)),
        ..HoldScope::default()
    };
    for (from, until) in [(9, 8), (9, 9)] {
        let answer = desk.write(LEAD, &hold_on(between(from, until)));
        assert_eq!(answer, Err(Error::DatesEmpty { from: day(from), until: day(until) }));
    }
    desk.write(LEAD, &hold_on(between(9, 10))).unwrap();
    desk.write(LEAD, &hold_on(HoldScope { until: Some(day(1)), ..HoldScope::default() })).unwrap();
}

#[test]
fn an_occurrence_needs_a_name_a_matter_too_and_a_fault_must_be_one() {
    let mut desk = Desk::staffed();
    let occurred = |name: &str| Entry::Occurred {
        name: name.into(),
        concerned: Concerned::Person(person(1)),
        at: day(3),
    };
    assert!(matches!(desk.ask(RECORDS, occurred("")), Err(Error::NameUnfit { .. })));
    desk.ask(RECORDS, occurred("left")).unwrap();
    let opened = |name: &str| Entry::MatterOpened { name: name.into(), reason: "letter".into() };
    assert!(matches!(desk.ask(LEAD, opened("  ")), Err(Error::ReasonMissing { .. })));
    desk.ask(LEAD, opened("Doe v. Roe")).unwrap();
    let noted = desk.ask(RECORDS, Entry::FaultNoted { event: seq(1) });
    assert_eq!(noted, Err(Error::FaultUnknown { event: seq(1) }));
}

#[test]
fn a_request_is_withdrawn_by_who_asked_and_refused_by_who_may_approve_it() {
    let mut desk = Desk::staffed();
    let gone = |name: &str| {
        Entry::Requested(Box::new(Entry::RuleSet(Box::new(rule(name, RuleAction::Delete, 5)))))
    };
    let no = |request| Entry::Refused { request, reason: "not now".into() };
    let request = desk.write(RECORDS, &gone("one")).unwrap();
    for other in [LEAD, SECURITY, 77] {
        let answer = desk.write(other, &no(request));
        assert!(matches!(answer, Err(Error::NotPermitted { .. })), "{other} {answer:?}");
    }
    desk.write(RECORDS, &no(request)).unwrap();
    let request = desk.write(RECORDS, &gone("two")).unwrap();
    desk.write(APPROVER, &no(request)).unwrap();
    let late = desk.write(APPROVER, &Entry::Approved { request });
    assert_eq!(late, Err(Error::RequestNotOpen { request }));
}

#[test]
fn what_lets_go_begins_to_count_72_hours_after_its_approval_to_the_microsecond() {
    assert_eq!(COOL_OFF_MICROS, 259_200_000_000);
}

#[test]
fn the_docket_says_which_event_it_took_last() {
    let mut desk = Desk::empty();
    assert_eq!(desk.docket.folded(), None);
    desk.pass_days(3);
    assert_eq!(desk.docket.folded(), Some(seq(3)));
}

#[test]
fn an_alias_is_in_use_from_its_first_moment_to_the_last_before_its_end() {
    let alias = Alias { from: Some(day(2)), until: Some(day(5)), ..Alias::name("ann") };
    let just_before = |at: Timestamp| at.plus_micros(-1);
    let times = [just_before(day(2)), day(2), day(3), just_before(day(5)), day(5)];
    assert_eq!(times.map(|at| alias.holds_at(at)), [false, true, true, true, false]);
}

#[test]
fn aliases_overlap_where_name_source_and_a_moment_are_the_same() {
    let ann = |source, from: Option<i64>, until: Option<i64>| Alias {
        called: Called::Name("ann".into()),
        source,
        from: from.map(day),
        until: until.map(day),
    };
    let (one, two) = (Some(source(1)), Some(source(2)));
    let early = ann(one, None, Some(5));
    for (other, does) in [
        (ann(one, Some(5), None), false),
        (ann(one, Some(4), None), true),
        (ann(two, Some(4), None), false),
        (ann(None, Some(4), None), true),
        (ann(None, Some(5), None), false),
        (ann(None, None, None), true),
        (Alias { called: Called::Name("bob".into()), ..early.clone() }, false),
    ] {
        assert_eq!((early.overlaps(&other), other.overlaps(&early)), (does, does), "{other:?}");
    }
}

#[test]
fn a_custodian_needs_a_name_and_an_alias_and_each_alias_some_time() {
    let custodian = |name: &str, aliases: Vec<Alias>| Custodian { name: name.into(), aliases };
    let never = Alias { from: Some(day(4)), until: Some(day(4)), ..Alias::name("ann") };
    for wrong in [
        custodian(" ", vec![Alias::name("ann")]),
        custodian("Ann", Vec::new()),
        custodian("Ann", vec![Alias::name(" ")]),
        custodian("Ann", vec![never]),
    ] {
        assert!(matches!(wrong.checked(&[]), Err(Error::AliasEmpty { .. })));
    }
    let short = Alias { from: Some(day(4)), until: Some(day(5)), ..Alias::name("ann") };
    assert!(custodian("Ann", vec![short]).checked(&[]).is_ok());
}
