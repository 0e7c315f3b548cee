//! Orders where they are born and where they are folded, as claims: what is refused at the desk is refused in the log as well.

use chat::{Act, ChatEvent, EventKind, Origin, OriginKey};

use super::*;
use crate::desk::{APPROVER, Desk, LEAD, RECORDS, SECURITY, act_of, hold_on};
use crate::docket::COOL_OFF_MICROS;
use crate::entry::PlanDigest;
use crate::hold::HoldScope;
use crate::holding::Holding;
use crate::item::Lineage;
use crate::order::ORDER_VERB;
use crate::plan::Plan;
use crate::role::Role;
use crate::town::{Town, day, person, room, rule, said, seq, source};

const HOUR_MICROS: i64 = 3_600_000_000;

/// A desk with a rule that lets everything go after a day, under a ceiling or not, three days on.
fn desk(ceiling_events: Option<u64>) -> Desk {
    let mut desk = Desk::staffed();
    desk.set(RetentionRule { ceiling_events, ..rule("gone", RuleAction::Delete, 1) }).unwrap();
    desk.now = desk.now.plus_micros(COOL_OFF_MICROS);
    desk.force(LEAD, Act::new("search"));
    desk
}

/// A plan for messages that were said on the third day.
fn plan_of(desk: &Desk, numbers: &[u64]) -> Plan {
    let through = desk.log.last().unwrap().seq;
    let mut drafting = desk.docket.draft(through, desk.now).unwrap();
    let lineages: Vec<_> =
        numbers.iter().map(|number| Lineage::of(said(*number, 0, 1, 3))).collect();
    drafting.judge(&Town::new(), &lineages).unwrap();
    drafting.finish().unwrap()
}

fn warrant_of(desk: &Desk, numbers: &[u64]) -> Warrant {
    desk.docket.warrant(plan_of(desk, numbers), desk.now).unwrap()
}

/// A warrant that somebody approved.
fn approved(desk: &mut Desk, numbers: &[u64]) -> Warrant {
    let plan = plan_of(desk, numbers);
    let (events, through) = (plan.events(), plan.through());
    desk.ask(RECORDS, Entry::DestructionPlanned { plan: plan.digest(), events, through }).unwrap();
    desk.docket.warrant(plan, desk.now).unwrap()
}

/// Returns the fault that an order becomes where it is recorded although nobody judged it, and that it has no effect.
fn fault_of(desk: &Desk, by: u8, order: &Order) -> Error {
    let mut desk = desk.clone();
    let before = desk.docket.ordered().clone();
    let place = desk.force_order(by, order);
    assert_eq!(*desk.docket.ordered(), before, "what is refused has no effect");
    assert_eq!(desk.docket.changed(), Some(place), "and outdates every plan");
    desk.docket.faults().get(&place).cloned().unwrap()
}

/// Returns the order that these parts make at the next place of the log.
fn forged(desk: &Desk, mut parts: OrderParts) -> Order {
    parts.judged = desk.log.last().unwrap().seq;
    Order::checked(parts).unwrap()
}

#[test]
fn an_order_says_what_its_warrant_does_and_the_log_alone_tells_of_it() {
    let mut desk = desk(None);
    let warrant = approved(&mut desk, &[1, 2, 4]);
    desk.force(LEAD, Act::new("search"));
    let order = desk.draft_order(RECORDS, &warrant).unwrap();
    assert_eq!((order.plan(), order.through()), (warrant.digest(), warrant.plan().through()));
    assert_eq!((order.drawn(), order.judged()), (desk.now, desk.log.last().unwrap().seq));
    assert_eq!((order.events(), order.withdrawn(), order.regime()), (3, 0, Regime::FourEyes));
    let Ground::Approval { requester, approver, .. } = order.ground() else { panic!() };
    assert_eq!((requester, approver), (person(RECORDS), person(APPROVER)));
    let [of_rule] = order.rules() else { panic!("{:?}", order.rules()) };
    assert_eq!((of_rule.rule.to_string().as_str(), of_rule.takes.len()), ("gone v1", 1));
    assert_eq!(of_rule.takes[0].ranges.to_string(), "1..2,4");
    let place = desk.order(RECORDS, &warrant).unwrap();
    let mut again = Docket::default();
    desk.log.iter().for_each(|recorded| again.apply(recorded));
    assert_eq!(again, desk.docket);
    let by = |number, lane| again.ordered().by(seq(number), lane);
    assert_eq!((by(4, chat::Lane::Talk), by(3, chat::Lane::Talk)), (Some(place), None));
    assert_eq!(by(4, chat::Lane::Ledger), None);
    assert!(again.faults().is_empty());
}

#[test]
fn a_range_that_goes_whole_is_ordered_as_a_range_and_its_ledger_stays() {
    let desk = desk(Some(9));
    let mut drafting = desk.docket.draft(desk.log.last().unwrap().seq, desk.now).unwrap();
    let holding = Holding {
        first: seq(1),
        last: seq(6),
        lane: chat::Lane::Talk,
        events: 4,
        earliest: day(1),
        latest: day(3),
        rooms: [room(0)].into(),
        has_placeless: false,
        kinds: [EventKind::Message].into(),
        persons: None,
        sources: None,
        crossing: [].into(),
    };
    drafting.sweep(&Town::new(), &holding).unwrap();
    let warrant = desk.docket.warrant(drafting.finish().unwrap(), desk.now).unwrap();
    let order = desk.draft_order(RECORDS, &warrant).unwrap();
    let take = &order.rules()[0].takes[0];
    assert_eq!((take.named, take.ranges.to_string().as_str()), (Named::TalkWithin, "1..6"));
    assert_eq!((take.events, order.ground()), (4, Ground::Ceilings));
    assert!(order.names(seq(6), chat::Lane::Talk) && !order.names(seq(6), chat::Lane::Ledger));
}

#[test]
fn t3_a_hold_before_the_order_blocks_it_and_one_after_it_comes_too_late() {
    let mut before = desk(Some(9));
    let warrant = warrant_of(&before, &[1, 2]);
    let mut after = before.clone();
    before.write(LEAD, &hold_on(HoldScope::default())).unwrap();
    let refused = before.order(RECORDS, &warrant);
    assert!(matches!(refused, Err(Error::PlanOutdated { .. })), "{refused:?}");
    assert!(before.docket.ordered().orders().is_empty());
    let place = after.order(RECORDS, &warrant).unwrap();
    after.write(LEAD, &hold_on(HoldScope::default())).unwrap();
    assert_eq!(after.docket.ordered().by(seq(1), chat::Lane::Talk), Some(place));
    assert!(after.docket.faults().is_empty());
}

#[test]
fn t3_a_hold_between_the_judging_and_the_order_makes_the_order_a_fault() {
    let mut desk = desk(Some(9));
    let warrant = warrant_of(&desk, &[1, 2]);
    let order = desk.draft_order(RECORDS, &warrant).unwrap();
    desk.write(LEAD, &hold_on(HoldScope::default())).unwrap();
    let (judged, place) = (order.judged(), desk.next());
    let misplaced = OrderFault::Misplaced { judged, place };
    assert_eq!(fault_of(&desk, RECORDS, &order), misplaced.into());
    let later = forged(&desk, order.parts);
    let outdated = Error::PlanOutdated { changed: judged.next(), through: later.through() };
    assert_eq!(fault_of(&desk, RECORDS, &later), outdated);
}

#[test]
fn an_order_that_could_not_be_taken_stops_every_other_until_somebody_has_looked_at_it() {
    let mut desk = desk(Some(9));
    let drawn = warrant_of(&desk, &[1, 2]);
    let event = desk.force_order(LEAD, &desk.draft_order(RECORDS, &drawn).unwrap());
    assert_eq!(desk.docket.ordered().by(seq(1), chat::Lane::Talk), None);
    let plan = plan_of(&desk, &[1, 2]);
    let unclear = Error::RecordUnclear { event };
    assert_eq!(desk.docket.warrant(plan.clone(), desk.now), Err(unclear.clone()));
    assert_eq!(desk.order(RECORDS, &drawn), Err(unclear));
    desk.ask(RECORDS, Entry::FaultNoted { event }).unwrap();
    assert!(matches!(desk.docket.warrant(plan, desk.now), Err(Error::PlanOutdated { .. })));
    let warrant = warrant_of(&desk, &[1, 2]);
    desk.order(RECORDS, &warrant).unwrap();
}

#[test]
fn an_approval_grounds_an_order_until_it_ends_to_the_microsecond() {
    let mut desk = desk(None);
    let warrant = approved(&mut desk, &[1]);
    desk.now = warrant.expires_at().plus_micros(-1);
    let order = desk.draft_order(RECORDS, &warrant).unwrap();
    desk.now = warrant.expires_at();
    let expired = Error::WarrantExpired { plan: warrant.digest(), expired: warrant.expires_at() };
    assert_eq!(desk.draft_order(RECORDS, &warrant), Err(expired.clone()));
    assert_eq!(fault_of(&desk, RECORDS, &order), expired);
}

#[test]
fn a_plan_under_ceilings_grounds_an_order_for_a_day_however_late_its_warrant() {
    let mut desk = desk(Some(9));
    let drawn = desk.now;
    let plan = plan_of(&desk, &[1]);
    desk.now = drawn.plus_micros(23 * HOUR_MICROS);
    let warrant = desk.docket.warrant(plan.clone(), desk.now).unwrap();
    let order = desk.draft_order(RECORDS, &warrant).unwrap();
    desk.now = drawn.plus_micros(WARRANT_MICROS);
    let expired = Error::WarrantExpired { plan: plan.digest(), expired: desk.now };
    assert_eq!(desk.draft_order(RECORDS, &warrant), Err(expired.clone()));
    assert_eq!(fault_of(&desk, RECORDS, &order), expired);
    let late = desk.docket.warrant(plan, desk.now);
    assert!(matches!(late, Err(Error::PlanNotApproved { .. })), "{late:?}");
}

#[test]
fn a_second_order_of_a_plan_is_refused_by_its_first_and_after_a_restart_too() {
    let mut desk = desk(Some(9));
    let warrant = warrant_of(&desk, &[1, 2]);
    let first = desk.draft_order(RECORDS, &warrant).unwrap();
    let place = desk.order(RECORDS, &warrant).unwrap();
    let repeated: Error = OrderFault::Repeated { plan: warrant.digest(), order: place }.into();
    assert_eq!(desk.order(RECORDS, &warrant), Err(repeated.clone()));
    let mut again = Docket::default();
    desk.log.iter().for_each(|recorded| again.apply(recorded));
    desk.docket = again;
    assert_eq!(desk.order(RECORDS, &warrant), Err(repeated.clone()));
    assert_eq!(fault_of(&desk, RECORDS, &forged(&desk, first.parts)), repeated);
}

#[test]
fn an_event_is_ordered_once_whichever_of_two_warrants_comes_first() {
    let mut desk = desk(Some(9));
    let (one, other) = (warrant_of(&desk, &[1, 2]), warrant_of(&desk, &[2, 3]));
    let apart = warrant_of(&desk, &[5]);
    let late = desk.draft_order(RECORDS, &other).unwrap();
    desk.order(RECORDS, &one).unwrap();
    let gone: Error = OrderFault::AlreadyOrdered { event: seq(2) }.into();
    assert_eq!(desk.order(RECORDS, &other), Err(gone.clone()));
    assert_eq!(fault_of(&desk, RECORDS, &forged(&desk, late.parts)), gone);
    let again = warrant_of(&desk, &[2, 3]);
    assert_eq!(
        desk.order(RECORDS, &again),
        Err(gone),
        "a plan that was drawn since knows no better"
    );
    desk.order(RECORDS, &apart).unwrap();
}

#[test]
fn t8_a_clock_set_back_behind_the_plan_orders_nothing() {
    let mut desk = desk(Some(9));
    desk.now = desk.now.plus_micros(10 * HOUR_MICROS);
    let warrant = warrant_of(&desk, &[1]);
    let order = desk.draft_order(RECORDS, &warrant).unwrap();
    let drawn = desk.now;
    desk.now = drawn.plus_micros(-HOUR_MICROS);
    let ahead: Error = OrderFault::DrawnAhead { drawn, now: desk.now }.into();
    assert_eq!(desk.draft_order(RECORDS, &warrant), Err(ahead.clone()));
    assert_eq!(fault_of(&desk, RECORDS, &order), ahead);
    desk.now = day(9_000);
    assert!(matches!(fault_of(&desk, RECORDS, &order), Error::ClockJumped { .. }));
}

#[test]
fn t8_a_role_that_ended_does_not_come_back_with_a_clock_set_back() {
    let mut desk = desk(Some(9));
    let until = Some(desk.now.plus_micros(HOUR_MICROS));
    let entry = Entry::RoleGranted { officer: person(9), role: Role::RecordsManager, until };
    desk.ask(SECURITY, entry).unwrap();
    let warrant = warrant_of(&desk, &[1]);
    assert!(desk.draft_order(9, &warrant).is_ok());
    desk.now = desk.now.plus_micros(2 * HOUR_MICROS);
    desk.force(LEAD, Act::new("search"));
    desk.now = desk.now.plus_micros(-2 * HOUR_MICROS);
    let refused = Error::NotPermitted { action: Action::RunSchedule };
    assert_eq!(desk.draft_order(9, &warrant), Err(refused));
}

#[test]
fn whoever_may_not_run_the_schedule_orders_nothing_though_the_warrant_is_good() {
    let mut desk = desk(None);
    let warrant = approved(&mut desk, &[1]);
    let order = desk.draft_order(RECORDS, &warrant).unwrap();
    for by in [LEAD, APPROVER, SECURITY, 77] {
        let refused = Error::NotPermitted { action: Action::RunSchedule };
        assert_eq!(desk.draft_order(by, &warrant), Err(refused.clone()));
        assert_eq!(fault_of(&desk, by, &order), refused);
    }
}

#[test]
fn a_rule_that_begins_or_ends_between_the_plan_and_the_order_refuses_it() {
    let mut desk = desk(Some(9));
    desk.set(rule("other", RuleAction::Delete, 5)).unwrap();
    desk.now = desk.now.plus_micros(COOL_OFF_MICROS - HOUR_MICROS);
    desk.force(LEAD, Act::new("search"));
    let warrant = warrant_of(&desk, &[1]);
    let order = desk.draft_order(RECORDS, &warrant).unwrap();
    let from = desk.now.plus_micros(HOUR_MICROS);
    desk.now = from.plus_micros(-1);
    desk.draft_order(RECORDS, &warrant).unwrap();
    desk.now = from;
    let began: Error = OrderFault::RuleBegan { rule: "other".into(), from }.into();
    assert_eq!(desk.draft_order(RECORDS, &warrant), Err(began.clone()));
    assert_eq!(fault_of(&desk, RECORDS, &order), began);
}

#[test]
fn one_officer_alone_orders_and_the_order_says_so_and_may_not_say_otherwise() {
    let mut desk = Desk::empty();
    desk.write(RECORDS, &Entry::SingleOfficerDeclared).unwrap();
    let entry = Entry::RuleSet(Box::new(rule("gone", RuleAction::Delete, 1)));
    let ask = |desk: &mut Desk, entry| {
        let request = desk.write(RECORDS, &Entry::Requested(Box::new(entry))).unwrap();
        desk.write(RECORDS, &Entry::Approved { request }).unwrap()
    };
    ask(&mut desk, entry);
    desk.now = desk.now.plus_micros(COOL_OFF_MICROS);
    desk.force(RECORDS, Act::new("search"));
    let plan = plan_of(&desk, &[1]);
    let (events, through) = (plan.events(), plan.through());
    ask(&mut desk, Entry::DestructionPlanned { plan: plan.digest(), events, through });
    let warrant = desk.docket.warrant(plan, desk.now).unwrap();
    let order = desk.draft_order(RECORDS, &warrant).unwrap();
    assert_eq!(order.regime(), Regime::SingleOfficer);
    let Ground::Approval { requester, approver, .. } = order.ground() else { panic!() };
    assert_eq!(requester, approver);
    let said = forged(&desk, OrderParts { regime: Regime::FourEyes, ..order.parts });
    assert_eq!(fault_of(&desk, RECORDS, &said), differs("single_officer", &false));
    desk.order(RECORDS, &warrant).unwrap();
}

#[test]
fn what_an_order_says_of_its_ground_and_the_docket_does_not_is_refused_by_the_fact() {
    let mut desk = desk(None);
    let warrant = approved(&mut desk, &[1, 2]);
    let parts = desk.draft_order(RECORDS, &warrant).unwrap().parts;
    let Ground::Approval { request, requester, approval, approver } = parts.ground else {
        panic!()
    };
    let with = |ground| OrderParts { ground, ..parts.clone() };
    let of = |request, requester, approval, approver| {
        with(Ground::Approval { request, requester, approval, approver })
    };
    let mut entry = parts.clone();
    entry.rules[0].entry = seq(1);
    let mut version = parts.clone();
    version.rules[0].rule.version = 2;
    let mut blanked = parts.clone();
    blanked.rules[0].takes[0].remains = Remains::Blank;
    let mut fewer = parts.clone();
    fewer.rules[0].takes[0] =
        Take { ranges: Ranges::parse("1").unwrap(), events: 1, ..fewer.rules[0].takes[0].clone() };
    let (nobody, elsewhere) = (person(77), seq(1));
    let cases = [
        ("request", of(elsewhere, requester, approval, approver)),
        ("request", OrderParts { plan: PlanDigest::from_bytes([7; 32]), ..parts.clone() }),
        ("request", OrderParts { withdrawn: 1, ..parts.clone() }),
        ("request", OrderParts { through: parts.through.next(), ..parts.clone() }),
        ("request", fewer),
        ("requester", of(request, nobody, approval, approver)),
        ("approval", of(request, requester, elsewhere, approver)),
        ("approver", of(request, requester, approval, nobody)),
        ("entry", entry),
        ("rule", version),
        ("remains", blanked),
    ];
    for (fact, parts) in cases {
        let found = fault_of(&desk, RECORDS, &forged(&desk, parts));
        let Error::Order(OrderFault::GroundDiffers { fact: said, .. }) = &found else {
            panic!("{fact}: {found}")
        };
        assert_eq!(*said, fact);
    }
    let without = forged(&desk, with(Ground::Ceilings));
    let passed = OrderFault::CeilingPassed { rule: "gone v1".into(), found: 2 };
    assert_eq!(fault_of(&desk, RECORDS, &without), passed.into());
}

#[test]
fn a_rule_takes_without_a_second_person_as_many_events_as_its_ceiling_and_no_more() {
    let desk = desk(Some(2));
    let warrant = warrant_of(&desk, &[1, 2]);
    let mut parts = desk.draft_order(RECORDS, &warrant).unwrap().parts;
    let ranges = Ranges::parse("1..3").unwrap();
    let take = Take { ranges, events: 3, ..parts.rules[0].takes[0].clone() };
    parts.rules[0].takes[0] = take;
    let passed = OrderFault::CeilingPassed { rule: "gone v1".into(), found: 3 };
    assert_eq!(fault_of(&desk, RECORDS, &forged(&desk, parts)), passed.into());
}

#[test]
fn what_reads_as_no_order_of_the_archive_itself_is_a_fault() {
    let mut desk = desk(Some(9));
    let warrant = warrant_of(&desk, &[1]);
    let order = desk.draft_order(RECORDS, &warrant).unwrap();
    let event = act_of(person(RECORDS), desk.now, order.act());
    let good = ChatEvent { kind: EventKind::Destroyed, ..event.clone() };
    let origin = Origin { source: source(0), key: OriginKey::Given("7".into()), revision: 0 };
    let unread = ChatEvent { content: chat::Content::default(), ..good.clone() };
    let mut strange = good.clone();
    strange.content.act = Some(Act { verb: "destruction-undone".into(), ..order.act() });
    let verb = |verb: &str| Error::VerbUnknown { verb: verb.into() };
    let cases = [
        (ChatEvent { origin: Some(origin), ..good.clone() }, OrderFault::Foreign.into()),
        (unread, OrderFault::Unread.into()),
        (ChatEvent { actor: None, ..good }, Error::OfficerMissing),
        (strange, verb("destruction-undone")),
        (event, verb(ORDER_VERB)),
    ];
    for (event, fault) in cases {
        let mut desk = desk.clone();
        let place = desk.record(event);
        assert_eq!(desk.docket.faults().get(&place), Some(&fault));
        assert!(desk.docket.ordered().orders().is_empty());
    }
    desk.order(RECORDS, &warrant).unwrap();
}
