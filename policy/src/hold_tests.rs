//! What holds cover, as claims.

use chat::{Recorded, testing::message};
use proptest::prelude::*;
use query::{Analysed, Zone};

use super::*;
use crate::custodian::{Alias, Called};
use crate::evaluate::{Disposition, Grounds, evaluate};
use crate::schedule::{RuleAction, Schedule};
use crate::town::{Town, day, hold, person, room, rule, said, seq, some_items, source};

fn bond(hold: &LegalHold, item: &Item<'_>) -> Option<Bond> {
    hold.bond(item, &Town::new())
}

#[test]
fn a_custodian_is_bound_by_what_they_wrote_and_by_what_they_could_read_even_in_a_room_they_left() {
    let authored = hold(1, Some(1), HoldReach::Authored);
    let readable = hold(1, Some(1), HoldReach::Readable);
    assert!(matches!(bond(&authored, &said(1, 0, 1, 3)), Some(Bond::Authored(_))));
    assert_eq!(bond(&authored, &said(1, 0, 2, 3)), None);
    assert!(matches!(bond(&readable, &said(1, 0, 2, 3)), Some(Bond::Readable(_))));
    assert!(matches!(bond(&readable, &said(1, 0, 2, 6)), Some(Bond::Readable(_))), "the last day");
    assert_eq!(bond(&readable, &said(1, 0, 2, 7)), None, "after leaving");
    assert_eq!(bond(&readable, &said(1, 1, 2, 3)), None, "never there");
    assert!(matches!(bond(&readable, &said(1, 2, 2, 3)), Some(Bond::ReadersUnknown(_))));
}

#[test]
fn the_same_address_held_by_two_people_is_each_ones_in_their_own_time() {
    let mut hold = hold(1, Some(1), HoldReach::Authored);
    hold.custodians[0].aliases =
        vec![Alias { until: Some(day(5)), ..Alias::name("Desk@Example.com") }];
    let from = |on| Item { names: vec!["desk@example.com".into()], ..said(1, 0, 2, on) };
    assert!(bond(&hold, &from(4)).is_some());
    assert_eq!(bond(&hold, &from(5)), None);
    hold.custodians[0].aliases =
        vec![Alias { source: Some(source(1)), ..Alias::name("desk@example.com") }];
    assert_eq!(bond(&hold, &from(4)), None, "another source");
}

#[test]
fn dates_hold_their_first_moment_and_not_their_last() {
    let mut hold = hold(1, None, HoldReach::Readable);
    (hold.scope.from, hold.scope.until) = (Some(day(3)), Some(day(5)));
    let days: Vec<_> = (2..7).filter(|on| bond(&hold, &said(1, 0, 1, *on)).is_some()).collect();
    assert_eq!(days, [3, 4]);
}

#[test]
fn a_room_that_was_ever_in_a_category_is_held_with_it() {
    let mut hold = hold(1, None, HoldReach::Readable);
    hold.scope.categories.insert("trade".to_owned());
    assert!(bond(&hold, &said(1, 1, 1, 3)).is_some());
    assert_eq!(bond(&hold, &said(1, 2, 1, 3)), None);
}

#[test]
fn a_query_hold_covers_all_that_is_not_read_yet_and_then_what_the_one_matcher_finds() {
    let mut hold = hold(1, None, HoldReach::Readable);
    hold.scope.rooms.insert(room(1));
    hold.scope.query = Some(Query::parse("budget", &Zone::Utc).unwrap());
    let recorded = |text| {
        let event = message(1, 1, 1, text);
        let recorded_at = event.at;
        Recorded { seq: seq(1), place_seq: None, place_prev: None, recorded_at, event }
    };
    let found = |text| {
        let recorded = recorded(text);
        let analysed = Analysed::of(&recorded, None);
        bond(&hold, &Item::of(&recorded, Words::Read(&analysed)))
    };
    assert_eq!(found("the budget"), Some(Bond::Found));
    assert_eq!(found("the weather"), None);
    let unread = recorded("the weather");
    assert_eq!(bond(&hold, &Item::of(&unread, Words::Unread)), Some(Bond::Unread));
    let elsewhere = Item { room: Some(room(2)), ..Item::of(&unread, Words::Unread) };
    assert_eq!(bond(&hold, &elsewhere), None, "outside of its coarse scope");
}

#[test]
fn what_nobody_could_read_or_understand_counts_as_held() {
    let mut hold = hold(1, Some(1), HoldReach::Authored);
    hold.scope.rooms.insert(room(1));
    let poison = Item { kind: EventKind::Quarantined, room: None, ..said(1, 0, 2, 3) };
    assert_eq!(bond(&hold, &poison), Some(Bond::Quarantined));
    let mut recorded = Recorded {
        seq: seq(1),
        place_seq: None,
        place_prev: None,
        recorded_at: day(0),
        event: message(1, 1, 1, "see the file"),
    };
    let attachment = chat::Attachment {
        name: "plan.pdf".into(),
        media_type: None,
        address: None,
        custody: chat::Custody::Missing { reason: "not in the export".into(), claimed_bytes: None },
    };
    recorded.event.content.attachments.push(attachment);
    let analysed = Analysed::of(&recorded, None);
    hold.scope.custodians.clear();
    hold.scope.query = Some(Query::parse("budget", &Zone::Utc).unwrap());
    let item = Item::of(&recorded, Words::Read(&analysed));
    assert_eq!(bond(&hold, &item), Some(Bond::Unread), "nobody read the file");
}

#[test]
fn a_released_hold_binds_for_thirty_days_more() {
    let hold = LegalHold { released_at: Some(day(100)), ..hold(1, None, HoldReach::Readable) };
    assert!(hold.binds(day(130).plus_micros(-1)));
    assert!(!hold.binds(day(130)));
}

proptest! {
    #[test]
    fn of_overlapping_holds_the_others_stay_when_one_goes(
        lineages in some_items(),
        first in proptest::option::of(0_u8..3),
        second in proptest::option::of(0_u8..3),
    ) {
        let town = Town::new();
        let schedule =
            Schedule { rules: vec![rule("gone", RuleAction::Delete, 1)], ..Schedule::default() };
        let holds = [hold(90, first, HoldReach::Readable), hold(91, second, HoldReach::Authored)];
        let decide = |holds: &[LegalHold]| {
            let grounds = Grounds { schedule: &schedule, holds, around: &town, now: day(200) };
            let decisions = evaluate(&grounds, &lineages);
            decisions.iter().map(|found| found.disposition().clone()).collect::<Vec<_>>()
        };
        let both = decide(&holds);
        let alone = [decide(&holds[..1]), decide(&holds[1..])];
        let of = |found: &Disposition| match found {
            Disposition::Held(holds) => holds.clone(),
            Disposition::Keep { .. }
            | Disposition::Needed
            | Disposition::Review { .. }
            | Disposition::Unclassified
            | Disposition::Expired { .. } => BTreeSet::new(),
        };
        for index in 0..lineages.len() {
            let union = &of(&alone[0][index]) | &of(&alone[1][index]);
            prop_assert_eq!(of(&both[index]), union);
        }
        let mut released = holds.clone();
        released[0].released_at = Some(day(0));
        prop_assert_eq!(decide(&released), decide(&holds[1..]));
    }
}

fn refused(scope: HoldScope, word: &str) {
    let ann = Custodian { name: "Ann".into(), aliases: vec![Alias::person(person(1))] };
    let refusal = scope.checked(&Town::new(), &[ann]).unwrap_err().to_string();
    assert!(refusal.contains(word), "{refusal}");
}

#[test]
fn a_hold_on_what_does_not_exist_or_may_change_is_refused_before_it_is_recorded() {
    let query = |text| Some(Query::parse(text, &Zone::Utc).unwrap());
    let plain = HoldScope::default;
    refused(HoldScope { custodians: ["Bob".into()].into(), ..plain() }, "knows [\"ann\"]");
    refused(HoldScope { rooms: [room(8)].into(), ..plain() }, "no room");
    refused(HoldScope { categories: ["tade".into()].into(), ..plain() }, "\"trade\"");
    refused(HoldScope { from: Some(day(2)), until: Some(day(2)), ..plain() }, "in order");
    refused(HoldScope { query: query("budget is:current"), ..plain() }, "may change");
    let ok = HoldScope { query: query("budget -\"cash flow\"~3 after:2024"), ..plain() };
    assert!(ok.checked(&Town::new(), &[]).is_ok());
}

#[test]
fn overlapping_aliases_are_refused() {
    let called = |name: &str, from, until| Custodian {
        name: name.to_owned(),
        aliases: vec![Alias { from, until, ..Alias::name("Desk") }],
    };
    let ann = called("Ann", None, Some(day(5)));
    assert!(called("Bob", Some(day(5)), None).checked(std::slice::from_ref(&ann)).is_ok());
    let refusal = called("Bob", Some(day(4)), None).checked(&[ann]).unwrap_err().to_string();
    assert!(refusal.contains("\"Bob\"") && refusal.contains("\"Ann\""), "{refusal}");
    let mut twice = called("Cy", None, None);
    twice.aliases.push(Alias::name("DESK"));
    assert!(twice.checked(&[]).is_err());
    assert!(called("Dee", Some(day(5)), Some(day(5))).checked(&[]).is_err(), "never");
    let nobody = Custodian { name: "Eve".into(), aliases: vec![Alias::name("")] };
    assert!(nobody.checked(&[]).is_err());
    assert_ne!(Called::Name("a".into()), Called::Person(person(1)));
}
