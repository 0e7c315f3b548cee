//! Warrants, as claims.

use chat::{Act, ChatEvent, EventKind, Place};

use super::*;
use crate::desk::{APPROVER, Desk, LEAD, RECORDS, act_of, hold_on, recorded};
use crate::docket::COOL_OFF_MICROS;
use crate::hold::HoldScope;
use crate::item::{Item, Lineage};
use crate::schedule::{RetentionRule, RuleAction};
use crate::town::{Town, day, person, room, rule, said, seq};

/// A desk with a rule that lets everything go after a day, under a ceiling or not, three days on.
fn desk(ceiling_events: Option<u64>) -> Desk {
    let mut desk = Desk::staffed();
    desk.set(RetentionRule { ceiling_events, ..rule("gone", RuleAction::Delete, 1) }).unwrap();
    desk.now = desk.now.plus_micros(COOL_OFF_MICROS);
    desk.force(LEAD, Act::new("search"));
    desk
}

/// A plan for events 1 and 2, said in rooms 0 and 1 on the third day.
fn plan(desk: &Desk) -> Plan {
    let through = desk.log.last().unwrap().seq;
    let mut drafting = desk.docket.draft(through, desk.now).unwrap();
    let lineages = [Lineage::of(said(1, 0, 1, 3)), Lineage::of(said(2, 1, 2, 3))];
    drafting.judge(&Town::new(), &lineages).unwrap();
    drafting.finish().unwrap()
}

fn approve(desk: &mut Desk, plan: &Plan) -> Result<Seq> {
    let (events, through) = (plan.events(), plan.through());
    let entry = Entry::DestructionPlanned { plan: plan.digest(), events, through };
    desk.ask(RECORDS, entry)
}

fn permit(desk: &Desk, warrant: &Warrant) -> Result<u64> {
    let through = usize::try_from(warrant.plan().through().get()).unwrap();
    let permit = desk.docket.still_permits(warrant, &desk.log[through..], desk.now)?;
    Ok(permit.shares().map(|share| share.span().events()).sum())
}

#[test]
fn without_an_approval_of_exactly_this_plan_there_is_no_warrant() {
    let mut desk = desk(None);
    let drawn = plan(&desk);
    assert!(matches!(
        desk.docket.warrant(drawn.clone(), desk.now),
        Err(Error::PlanNotApproved { .. })
    ));
    let approval = approve(&mut desk, &drawn).unwrap();
    let warrant = desk.docket.warrant(drawn.clone(), desk.now).unwrap();
    let Grounding::Approved { approval: found, approver, requester, .. } = warrant.grounding()
    else {
        panic!("{:?}", warrant.grounding())
    };
    assert_eq!((*found, *approver, *requester), (approval, person(APPROVER), person(RECORDS)));
    assert_eq!(warrant.regime(), Regime::FourEyes);
    assert_eq!(permit(&desk, &warrant), Ok(2));
    let other = plan(&desk);
    assert_ne!(other.digest(), drawn.digest(), "judged through another event");
    assert!(matches!(desk.docket.warrant(other, desk.now), Err(Error::PlanNotApproved { .. })));
}

#[test]
fn an_approval_ends_after_a_day() {
    let mut desk = desk(None);
    let drawn = plan(&desk);
    approve(&mut desk, &drawn).unwrap();
    let warrant = desk.docket.warrant(drawn.clone(), desk.now).unwrap();
    assert_eq!(warrant.expires_at(), desk.now.plus_micros(WARRANT_MICROS));
    desk.now = warrant.expires_at().plus_micros(-1);
    assert_eq!(permit(&desk, &warrant), Ok(2));
    desk.now = warrant.expires_at();
    assert!(matches!(permit(&desk, &warrant), Err(Error::WarrantExpired { .. })));
    assert!(matches!(desk.docket.warrant(drawn, desk.now), Err(Error::PlanNotApproved { .. })));
}

#[test]
fn a_rule_with_a_ceiling_needs_no_approval_below_it_and_one_above_it() {
    let below = desk(Some(2));
    let warrant = below.docket.warrant(plan(&below), below.now).unwrap();
    assert!(matches!(warrant.grounding(), Grounding::Standing(rules) if rules.len() == 1));
    let above = desk(Some(1));
    assert!(matches!(
        above.docket.warrant(plan(&above), above.now),
        Err(Error::PlanNotApproved { .. })
    ));
}

#[test]
fn t3_a_hold_rule_matter_or_unclear_record_after_the_plan_refuses_it_before_and_after_its_warrant()
{
    let acts: [&dyn Fn(&mut Desk) -> Seq; 4] = [
        &|desk| desk.write(LEAD, &hold_on(HoldScope::default())).unwrap(),
        &|desk| desk.set(rule("kept", RuleAction::Keep, 9)).unwrap(),
        &|desk| {
            let (name, reason) = ("Doe v. Roe".to_owned(), "letter".to_owned());
            desk.ask(LEAD, Entry::MatterOpened { name, reason }).unwrap()
        },
        &|desk| desk.force(LEAD, Act::new("hold-placed")),
    ];
    for act in acts {
        let mut desk = desk(Some(9));
        let drawn = plan(&desk);
        let warrant = desk.docket.warrant(drawn.clone(), desk.now).unwrap();
        desk.force(LEAD, Act::new("search"));
        assert_eq!(permit(&desk, &warrant), Ok(2), "a look is no change");
        act(&mut desk);
        let refusals =
            [desk.docket.warrant(drawn, desk.now).map(drop), permit(&desk, &warrant).map(drop)];
        for refusal in refusals {
            assert!(matches!(
                refusal,
                Err(Error::PlanOutdated { .. } | Error::RecordUnclear { .. })
            ));
        }
    }
}

#[test]
fn what_came_since_makes_a_plan_smaller_and_never_larger() {
    let at_home = |kind, target| {
        let event = act_of(person(1), day(3), Act::default());
        let place = Place { room: room(0), name: "room 0".into() };
        ChatEvent { kind, place: Some(place), target, ..event }
    };
    let cases = [
        (at_home(EventKind::Message, None), Ok(2)),
        (at_home(EventKind::Edit, Some(seq(1))), Ok(1)),
        (at_home(EventKind::Message, Some(seq(2))), Ok(1)),
        (at_home(EventKind::Join, None), Ok(2)),
        (at_home(EventKind::Category, None), Ok(1)),
        (at_home(EventKind::Unknown(0x8fff), None), Err(())),
        (ChatEvent { place: None, ..at_home(EventKind::Category, None) }, Err(())),
    ];
    for (event, expected) in cases {
        let mut desk = desk(Some(9));
        let warrant = desk.docket.warrant(plan(&desk), desk.now).unwrap();
        let kind = event.kind;
        desk.record(event);
        assert_eq!(permit(&desk, &warrant).map_err(drop), expected, "{}", kind.word());
    }
}

#[test]
fn a_log_with_a_gap_or_a_docket_that_lags_is_refused() {
    let mut desk = desk(Some(9));
    let warrant = desk.docket.warrant(plan(&desk), desk.now).unwrap();
    let through = usize::try_from(warrant.plan().through().get()).unwrap();
    let lagging = desk.docket.clone();
    desk.force(LEAD, Act::new("search"));
    desk.force(LEAD, Act::new("search"));
    let tail = &desk.log[through..];
    let refused = |docket: &Docket, tail: &[Recorded]| {
        docket.still_permits(&warrant, tail, desk.now).map(|_| ()).unwrap_err()
    };
    assert!(matches!(refused(&desk.docket, &tail[1..]), Error::TailBroken { .. }));
    assert!(matches!(refused(&desk.docket, &tail[..1]), Error::TailBroken { .. }));
    assert!(matches!(refused(&desk.docket, &[]), Error::TailBroken { .. }));
    assert!(matches!(refused(&lagging, tail), Error::DocketElsewhere { .. }));
    let far = recorded(seq(900), desk.now, tail[0].event.clone());
    assert!(matches!(refused(&desk.docket, &[far]), Error::TailBroken { .. }));
}

#[test]
fn t8_a_clock_that_jumped_makes_no_plan_and_no_warrant() {
    let mut desk = desk(Some(9));
    let drawn = plan(&desk);
    let through = drawn.through();
    desk.now = day(9_000);
    assert!(matches!(desk.docket.draft(through, desk.now), Err(Error::ClockJumped { .. })));
    assert!(matches!(desk.docket.warrant(drawn, desk.now), Err(Error::ClockJumped { .. })));
}

#[test]
fn a_plan_names_every_event_once_and_none_beyond_its_snapshot() {
    let desk = desk(Some(9));
    let through = desk.log.last().unwrap().seq;
    let draft = || desk.docket.draft(through, desk.now).unwrap();
    let one = || [Lineage::of(said(1, 0, 1, 3))];
    let mut twice = draft();
    twice.judge(&Town::new(), &one()).unwrap();
    twice.judge(&Town::new(), &one()).unwrap();
    assert_eq!(twice.finish(), Err(Error::EventTwice { event: seq(1) }));
    let beyond = [Lineage::of(Item { seq: through.next(), ..said(1, 0, 1, 3) })];
    assert!(matches!(draft().judge(&Town::new(), &beyond), Err(Error::EventBeyondPlan { .. })));
    let nothing = draft().finish().unwrap();
    assert_eq!(desk.docket.warrant(nothing, desk.now), Err(Error::PlanEmpty));
}
