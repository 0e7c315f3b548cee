//! A log that is judged backwards, against the same log judged at once; and what the ledger says of those who are left.

use std::sync::Arc;

use chat::{Act, ChatEvent, Content, Person, Place, Timestamp};
use proptest::prelude::*;
use query::{Query, Zone};

use super::*;
use crate::docket::{Docket, HoldRecord, Standing};
use crate::hold::{HoldReach, HoldScope, LegalHold};
use crate::schedule::{RetentionRule, RuleAction, Schedule};
use crate::scope::RuleScope;
use crate::town::{a_schedule, day, hold, person, room, rule, seq};

/// What happens in the small world: its kind, room, author, day, and how many events before it is what it refers to.
type Happening = (EventKind, u8, u8, i64, Option<u64>);

fn a_happening() -> impl Strategy<Value = Happening> {
    let kinds = vec![
        EventKind::Message,
        EventKind::Message,
        EventKind::Edit,
        EventKind::Reaction,
        EventKind::Upload,
        EventKind::Join,
        EventKind::Leave,
    ];
    let back = proptest::option::of(1_u64..6);
    (proptest::sample::select(kinds), 0_u8..3, 0_u8..3, 0_i64..12, back)
}

fn event((kind, in_room, by, on, back): &Happening, number: u64) -> ChatEvent {
    let message = chat::testing::message(number, *in_room, *by, "words");
    let target = back.and_then(|back| Seq::new(number.saturating_sub(back)));
    let actor = Person { id: person(*by), ..message.actor.clone().unwrap() };
    let place = Place { room: room(*in_room), ..message.place.clone().unwrap() };
    ChatEvent {
        kind: *kind,
        at: day(*on),
        target,
        actor: Some(actor),
        place: Some(place),
        ..message
    }
}

fn recorded(number: u64, event: ChatEvent) -> Recorded {
    Recorded { seq: seq(number), place_seq: None, place_prev: None, recorded_at: day(12), event }
}

fn log_of(events: Vec<ChatEvent>) -> Vec<Recorded> {
    (1..).zip(events).map(|(number, event)| recorded(number, event)).collect()
}

/// Returns a docket with these rules and holds, however they came about.
fn docket(schedule: Schedule, holds: Vec<LegalHold>) -> Docket {
    let mut docket = Docket { named: schedule.named, ..Docket::default() };
    for rule in schedule.rules {
        let name = Arc::clone(&rule.id.name);
        let standing = Standing { rule: Some(rule), from: Timestamp::MIN, seq: seq(1) };
        docket.rules.insert(name, vec![standing]);
    }
    for hold in holds {
        let record = HoldRecord {
            matter: None,
            reason: "claim".to_owned(),
            placed_by: person(9),
            placed_at: day(0),
            released: None,
            hold,
        };
        docket.holds.insert(record.hold.id, record);
    }
    docket
}

fn told(log: &[Recorded]) -> Chronicle {
    let mut chronicle = Chronicle::default();
    for recorded in log {
        chronicle.apply(recorded);
    }
    chronicle
}

/// Judges a log of which some events are gone.
fn judged(
    docket: &Docket,
    log: &[Recorded],
    gone: &BTreeSet<u64>,
    now: i64,
) -> Result<(Plan, Tally)> {
    let chronicle = told(log);
    let drafting = docket.draft(log.last().unwrap().seq, day(now))?;
    let mut retrospect = drafting.look_back(&chronicle)?;
    for recorded in log.iter().rev().filter(|recorded| !gone.contains(&recorded.seq.get())) {
        retrospect.take(recorded)?;
    }
    retrospect.finish()
}

fn destroyed(plan: &Plan) -> BTreeSet<u64> {
    let named = |seq: &Seq| plan.shares().iter().any(|share| share.span().holds(*seq));
    (1..=plan.through().get()).filter(|number| named(&seq(*number))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn a_log_judged_backwards_has_the_plan_of_one_judged_at_once(
        happenings in proptest::collection::vec(a_happening(), 1..40),
        gone in proptest::collection::btree_set(1_u64..40, 0..6),
        schedule in a_schedule(),
        on in proptest::option::of(0_u8..3),
        is_held in any::<bool>(),
        now in 12_i64..30,
    ) {
        let events = (1..).zip(&happenings).map(|(number, happening)| event(happening, number));
        let log = log_of(events.collect());
        let holds = is_held.then(|| hold(9, on, HoldReach::Readable)).into_iter().collect();
        let docket = docket(schedule, holds);
        let (plan, tally) = judged(&docket, &log, &gone, now).unwrap();

        let living = log.iter().filter(|recorded| !gone.contains(&recorded.seq.get()));
        let items: Vec<_> = living.map(|recorded| Item::of(recorded, Words::Unread)).collect();
        let events = u64::try_from(items.len()).unwrap();
        let mut at_once = docket.draft(plan.through(), day(now)).unwrap();
        let lineages = Lineage::gather(items);
        at_once.judge(&told(&log), &lineages).unwrap();
        let at_once = at_once.finish().unwrap();
        prop_assert_eq!(destroyed(&plan), destroyed(&at_once));
        prop_assert_eq!(plan.digest(), at_once.digest());

        let Tally { expired, held, kept, needed, review, unclassified, .. } = &tally;
        let named: u64 = expired.values().chain(review.values()).sum();
        prop_assert_eq!(named + held + kept + needed + unclassified, events);
        prop_assert_eq!(tally.events, events);
        prop_assert_eq!(expired.values().sum::<u64>(), plan.events());
        prop_assert_eq!(&tally.kept_by_holds, plan.held());
    }
}

/// A rule that lets everything go after a day.
fn sweeping() -> RetentionRule {
    rule("sweep", RuleAction::Delete, 1)
}

fn schedule(rules: Vec<RetentionRule>) -> Schedule {
    Schedule { rules, ..Schedule::default() }
}

fn ledger(kind: EventKind, in_room: Option<u8>, act: Act) -> ChatEvent {
    let happening = (kind, in_room.unwrap_or(0), 0, 0, None);
    let content = Content { act: Some(act), ..Content::default() };
    let told = event(&happening, 1);
    let place = told.place.clone().filter(|_| in_room.is_some());
    ChatEvent { origin: None, actor: None, place, content, ..told }
}

/// The declarations of a source, two rooms and two people, then one message by each in a room of their own.
fn declared() -> Vec<ChatEvent> {
    let of_source = |act: Act| act.with("source", SourceId::from_bytes([1; 16]).to_string());
    let room = |number| {
        let act = of_source(Act::new("room-declared")).with("name", format!("room {number}"));
        ledger(EventKind::Room, Some(number), act)
    };
    let who = |number| {
        let act = of_source(Act::new("person-declared")).with("name", format!("who {number}"));
        ledger(EventKind::Identity, None, act.with("person", person(number).to_string()))
    };
    let source = of_source(Act::new("source-declared")).with("name", "desk");
    vec![
        ledger(EventKind::Room, None, source),
        room(1),
        room(2),
        who(1),
        who(2),
        event(&(EventKind::Message, 1, 1, 0, None), 6),
        event(&(EventKind::Message, 2, 2, 0, None), 7),
    ]
}

#[test]
fn what_the_ledger_says_goes_only_with_the_last_of_those_it_is_about() {
    let of = |rooms: &[u8]| RuleScope {
        rooms: rooms.iter().map(|number| room(*number)).collect(),
        ..RuleScope::default()
    };
    let log = log_of(declared());
    let gone = |keep: Option<RetentionRule>| {
        let docket = docket(schedule([sweeping()].into_iter().chain(keep).collect()), Vec::new());
        destroyed(&judged(&docket, &log, &BTreeSet::new(), 9).unwrap().0)
    };
    assert_eq!(gone(None), (1..=7).collect(), "nothing is left that needs a name");
    let kept = RetentionRule { scope: of(&[2]), ..rule("keep", RuleAction::Keep, 99) };
    let kinds = [EventKind::Message].into();
    let kept = RetentionRule { scope: RuleScope { kinds, ..kept.scope.clone() }, ..kept };
    // The second message stays, and so do its room, its author, and the source of both.
    assert_eq!(gone(Some(kept)), [2, 4, 6].into());
}

#[test]
fn a_source_stays_while_a_room_of_it_does_in_which_nothing_is_left() {
    let scope = RuleScope { rooms: [room(2)].into(), ..RuleScope::default() };
    let scope = RuleScope { kinds: [EventKind::Room].into(), ..scope };
    let keep = RetentionRule { scope, ..rule("keep", RuleAction::Keep, 99) };
    let docket = docket(schedule(vec![sweeping(), keep]), Vec::new());
    let (plan, tally) = judged(&docket, &log_of(declared()), &BTreeSet::new(), 9).unwrap();
    assert_eq!(destroyed(&plan), [2, 4, 5, 6, 7].into());
    assert_eq!((tally.kept, tally.needed), (1, 1));
}

#[test]
fn what_officers_did_stays_whatever_a_rule_says() {
    let mut events = declared();
    events.push(ledger(EventKind::Officer, None, Act::new("search")));
    events.push(ledger(EventKind::Destroyed, None, Act::new("destruction-ordered")));
    let docket = docket(schedule(vec![sweeping()]), Vec::new());
    let (plan, tally) = judged(&docket, &log_of(events), &BTreeSet::new(), 9).unwrap();
    assert_eq!((destroyed(&plan), tally.needed), ((1..=7).collect(), 2));
}

#[test]
fn a_ledger_event_of_which_nobody_knows_what_it_is_about_stays() {
    let mut events = declared();
    events.push(ledger(EventKind::Category, None, Act::new("category-made").with("name", "x")));
    let docket = docket(schedule(vec![sweeping()]), Vec::new());
    let (plan, _) = judged(&docket, &log_of(events), &BTreeSet::new(), 9).unwrap();
    assert!(!destroyed(&plan).contains(&8));
}

#[test]
fn a_hold_by_words_keeps_what_has_them_with_all_its_versions_and_lets_the_rest_go() {
    let mut events: Vec<_> =
        (1..=4).map(|number| event(&(EventKind::Message, 1, 1, 0, None), number)).collect();
    events.push(event(&(EventKind::Edit, 1, 1, 0, Some(3)), 5));
    events[4].content.text = Some("the invoice after all".to_owned());
    events[3].content.text = Some("Invoices!".to_owned());
    let scope = HoldScope {
        query: Some(Query::parse("invoice", &Zone::Utc).unwrap()),
        ..HoldScope::default()
    };
    let on = LegalHold { scope, ..hold(9, None, HoldReach::Readable) };
    let docket = docket(schedule(vec![sweeping()]), vec![on.clone()]);
    let (plan, tally) = judged(&docket, &log_of(events), &BTreeSet::new(), 9).unwrap();
    assert_eq!(destroyed(&plan), [1, 3].into());
    assert_eq!(tally.kept_by_holds, [(on.id, 3)].into());
}

#[test]
fn events_out_of_order_beyond_the_plan_or_of_another_chronicle_are_refused() {
    let log = log_of(declared());
    let docket = docket(schedule(vec![sweeping()]), Vec::new());
    let draft = |through| docket.draft(seq(through), day(9)).unwrap();
    let chronicle = told(&log);
    let refused = draft(6).look_back(&chronicle).unwrap_err();
    assert_eq!(refused, Error::DocketElsewhere { docket: seq(7), asked: seq(6) });
    let mut retrospect = draft(7).look_back(&chronicle).unwrap();
    let beyond = recorded(8, log[0].event.clone());
    let refused = retrospect.take(&beyond).unwrap_err();
    assert_eq!(refused, Error::EventBeyondPlan { event: seq(8), through: seq(7) });
    retrospect.take(&log[4]).unwrap();
    for index in [4, 5] {
        let found = log[index].seq;
        let refused = retrospect.take(&log[index]).unwrap_err();
        assert_eq!(refused, Error::OrderAscends { before: seq(5), found });
    }
}
