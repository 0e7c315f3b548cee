//! How an order is written and read, as claims. The bytes are made here by an oracle of our own of how acts stand in the log.

use chat::Lane;
use chat::limits::ACT_BYTES_MAX;
use chat::testing::SeededRng;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;
use crate::entry::PlanDigest;
use crate::order::Named;
use crate::ranges::Stretch;
use crate::schedule::Remains;
use crate::town::{day, person, seq};

/// Returns the JSON of an act: keys in byte order, no white space.
fn json(act: &Act) -> String {
    fn value(fact: &Fact) -> Value {
        match fact {
            Fact::Text(text) => text.as_str().into(),
            Fact::Number(number) => (*number).into(),
            Fact::Flag(flag) => (*flag).into(),
            Fact::List(list) => list.iter().map(value).collect(),
            Fact::Map(facts) => Value::Object(
                facts.iter().map(|(name, fact)| (name.clone(), value(fact))).collect(),
            ),
        }
    }
    let mut object: Map<String, Value> =
        act.facts.iter().map(|(name, fact)| (name.clone(), value(fact))).collect();
    object.insert("verb".into(), act.verb.as_str().into());
    Value::Object(object).to_string()
}

/// Returns the act that JSON is, or nothing where it would have been written otherwise.
fn act_of_json(bytes: &[u8]) -> Option<Act> {
    fn fact(value: Value) -> Option<Fact> {
        Some(match value {
            Value::String(text) => Fact::Text(text),
            Value::Number(number) => Fact::Number(number.as_i64()?),
            Value::Bool(flag) => Fact::Flag(flag),
            Value::Array(list) => Fact::List(list.into_iter().map(fact).collect::<Option<_>>()?),
            Value::Object(object) => Fact::Map(facts(object)?),
            Value::Null => return None,
        })
    }
    fn facts(object: Map<String, Value>) -> Option<BTreeMap<String, Fact>> {
        object.into_iter().map(|(name, value)| Some((name, fact(value)?))).collect()
    }
    let Ok(Value::Object(mut object)) = serde_json::from_slice(bytes) else { return None };
    let Some(Value::String(verb)) = object.remove("verb") else { return None };
    let act = Act { verb, facts: facts(object)? };
    (json(&act).as_bytes() == bytes).then_some(act)
}

fn approval() -> Ground {
    Ground::Approval {
        request: seq(941),
        requester: person(1),
        approval: seq(942),
        approver: person(2),
    }
}

fn take(remains: Remains, named: Named, ranges: &str) -> Take {
    let ranges = Ranges::parse(ranges).unwrap();
    let events = ranges.numbers();
    Take { remains, named, ranges, events }
}

fn of_rule(name: &str, version: u32, takes: Vec<Take>) -> RuleTakes {
    RuleTakes { rule: RuleVersion { name: name.into(), version }, entry: seq(12), takes }
}

fn parts(rules: Vec<RuleTakes>) -> OrderParts {
    OrderParts {
        plan: PlanDigest::from_bytes([0xab; 32]),
        through: seq(940),
        drawn: day(1_000),
        judged: seq(950),
        regime: Regime::FourEyes,
        ground: approval(),
        withdrawn: 3,
        rules,
    }
}

/// Two rules, three takes.
fn example() -> Order {
    let mut within = take(Remains::Blank, Named::TalkWithin, "500..899");
    within.events = 390;
    let rules = vec![
        of_rule("chat-6y", 2, vec![take(Remains::Stub, Named::Any, "3..7,9"), within]),
        of_rule("visits", 1, vec![take(Remains::Stub, Named::Talk, "8,12..14,901")]),
    ];
    Order::checked(parts(rules)).unwrap()
}

fn refusal(rules: Vec<RuleTakes>) -> Error {
    Order::checked(parts(rules)).unwrap_err()
}

/// Returns what reading says after a fact was replaced, put in or taken out, at the end of a path through maps and lists.
fn spoilt(path: &[&str], fact: Option<Fact>) -> Error {
    fn at<'f>(
        facts: &'f mut BTreeMap<String, Fact>,
        path: &[&str],
    ) -> &'f mut BTreeMap<String, Fact> {
        let [name, rest @ ..] = path else { return facts };
        let Some(Fact::List(list)) = facts.get_mut(*name) else { panic!("no list {name}") };
        let Some(Fact::Map(within)) = list.first_mut() else { panic!("no map in {name}") };
        at(within, rest)
    }
    let mut act = example().act();
    let (name, path) = path.split_last().unwrap();
    let facts = at(&mut act.facts, path);
    match fact {
        Some(fact) => drop(facts.insert((*name).to_owned(), fact)),
        None => drop(facts.remove(*name)),
    }
    Order::decode(&act).unwrap_err()
}

const DEEP: [&str; 2] = ["rules", "takes"];

#[test]
fn an_order_stands_in_the_log_as_these_bytes() {
    let expected = concat!(
        r#"{"approval":"942","approver":"02020202020202020202020202020202","drawn":"1972-09-27T00:00:00.000000Z","#,
        r#""ground":"approval","judged":"950","plan":"abababababababababababababababababababababababababababababababab","#,
        r#""request":"941","requester":"01010101010101010101010101010101","rules":[{"entry":"12","rule":"chat-6y","takes":["#,
        r#"{"events":6,"named":"any","ranges":"3..7,9","remains":"stub"},"#,
        r#"{"events":390,"named":"talk-within","ranges":"500..899","remains":"blank"}],"version":2},"#,
        r#"{"entry":"12","rule":"visits","takes":[{"events":5,"named":"talk","ranges":"8,12..14,901","remains":"stub"}],"version":1}],"#,
        r#""single_officer":false,"through":"940","verb":"destruction-ordered","withdrawn":3}"#,
    );
    assert_eq!(json(&example().act()), expected);
    let act = act_of_json(expected.as_bytes()).unwrap();
    assert_eq!(Order::decode(&act), Ok(example()));
}

#[test]
fn an_order_says_which_event_goes_by_which_rule_and_what_is_left() {
    let order = example();
    let of = |number, lane| {
        order.taken_by(seq(number), lane).map(|(rule, remains)| (rule.to_string(), remains))
    };
    let chat = |remains| Some(("chat-6y v2".to_owned(), remains));
    assert_eq!(of(3, Lane::Ledger), chat(Remains::Stub));
    assert_eq!(of(8, Lane::Talk), Some(("visits v1".to_owned(), Remains::Stub)));
    assert_eq!(of(500, Lane::Talk), chat(Remains::Blank));
    assert_eq!(of(500, Lane::Ledger), None, "the ledger of a stretch stays");
    assert_eq!((of(8, Lane::Ledger), of(901, Lane::Ledger)), (None, None), "named as talk");
    for absent in [1, 2, 10, 11, 15, 499, 900, 902, 951] {
        assert_eq!(of(absent, Lane::Talk), None, "{absent}");
    }
    assert_eq!((order.events(), order.withdrawn(), order.judged()), (401, 3, seq(950)));
    assert_eq!(order.ground(), approval());
}

#[test]
fn an_unknown_field_is_refused_by_its_name_wherever_it_stands() {
    for path in [&["spared"][..], &["rules", "spared"], &["rules", "takes", "spared"]] {
        let refused = spoilt(path, Some("4..9".into()));
        assert_eq!(refused, OrderFault::FieldUnknown { field: "spared".into() }.into(), "{path:?}");
    }
    let mut act = example().act();
    act.facts.insert("ground".into(), "ceilings".into());
    let of_an_approval = OrderFault::FieldUnknown { field: "approval".into() };
    assert_eq!(Order::decode(&act), Err(of_an_approval.into()));
}

#[test]
fn a_missing_field_is_refused_by_its_name_wherever_it_stands() {
    for name in ALWAYS.into_iter().chain(APPROVED).filter(|name| *name != "rules") {
        assert!(matches!(spoilt(&[name], None), Error::ActMalformed { fact, .. } if fact == name));
    }
    for name in OF_RULE.into_iter().filter(|name| *name != "takes") {
        let refused = spoilt(&["rules", name], None);
        assert!(matches!(refused, Error::ActMalformed { fact, .. } if fact == name));
    }
    for name in OF_TAKE {
        let refused = spoilt(&[&DEEP[..], &[name]].concat(), None);
        assert!(matches!(refused, Error::ActMalformed { fact, .. } if fact == name));
    }
    assert_eq!(spoilt(&["rules"], None), OrderFault::Empty { what: "rules" }.into());
    assert_eq!(spoilt(&DEEP, None), OrderFault::Empty { what: "takes" }.into());
}

#[test]
fn a_value_that_is_written_otherwise_is_refused_by_its_field() {
    let otherwise = [
        ("plan", "AB".repeat(32)),
        ("through", "0940".into()),
        ("through", "+940".into()),
        ("judged", "0".into()),
        ("drawn", "1972-09-27T00:00:00Z".into()),
        ("drawn", "1972-09-27T02:00:00.000000+02:00".into()),
        ("ground", "Approval".into()),
        ("approver", "2".repeat(31)),
        ("request", "9223372036854775808".into()),
    ];
    for (name, text) in otherwise {
        let refused = spoilt(&[name], Some(text.as_str().into()));
        assert_eq!(refused, unfit(name, &text), "{name} {text}");
    }
    assert_eq!(spoilt(&["rules", "version"], Some(0_u64.into())), unfit("version", "0"));
    assert_eq!(
        spoilt(&["rules", "version"], Some((1_u64 << 32).into())),
        unfit("version", "4294967296")
    );
    assert!(matches!(spoilt(&["rules", "rule"], Some("Chat".into())), Error::NameUnfit { .. }));
    let of_take =
        |name: &str, text: &str| spoilt(&[&DEEP[..], &[name]].concat(), Some(text.into()));
    assert_eq!(of_take("remains", "header"), unfit("remains", "header"));
    assert_eq!(of_take("named", "all"), unfit("named", "all"));
    assert_eq!(of_take("ranges", "3,4..7,9"), unfit("ranges", "4..7"));
    assert!(matches!(spoilt(&["withdrawn"], Some((-1_i64).into())), Error::ActMalformed { .. }));
    let verb = Act { verb: "destruction-undone".into(), ..example().act() };
    assert!(matches!(Order::decode(&verb), Err(Error::VerbUnknown { .. })));
}

#[test]
fn a_doubled_field_is_no_act_and_a_doubled_rule_or_take_no_order() {
    let text = json(&example().act());
    let doubled = [
        ("\"withdrawn\":3", "\"withdrawn\":3,\"withdrawn\":3"),
        ("\"events\":6", "\"events\":5,\"events\":6"),
        ("\"version\":2", "\"version\":2,\"version\":2"),
    ];
    for (once, twice) in doubled {
        assert!(text.contains(once));
        assert_eq!(act_of_json(text.replacen(once, twice, 1).as_bytes()), None, "{twice}");
    }
    let one = |ranges| take(Remains::Stub, Named::Talk, ranges);
    let rules = vec![of_rule("gone", 1, vec![one("1")]), of_rule("gone", 1, vec![one("2")])];
    assert_eq!(
        refusal(rules),
        OrderFault::Doubled { what: "rules", found: "gone v1".into() }.into()
    );
    let takes = vec![of_rule("gone", 1, vec![one("1"), one("2")])];
    assert_eq!(
        refusal(takes),
        OrderFault::Doubled { what: "takes", found: "stub talk".into() }.into()
    );
}

#[test]
fn what_is_unsorted_overlapping_empty_or_beyond_its_plan_is_refused_by_name() {
    let one = |ranges| take(Remains::Stub, Named::Talk, ranges);
    let rules = vec![of_rule("b", 1, vec![one("1")]), of_rule("a", 1, vec![one("2")])];
    assert_eq!(refusal(rules), OrderFault::Unsorted { what: "rules", found: "a v1".into() }.into());
    let takes = vec![take(Remains::Blank, Named::Talk, "1"), one("2")];
    let unsorted = OrderFault::Unsorted { what: "takes", found: "stub talk".into() };
    assert_eq!(refusal(vec![of_rule("a", 1, takes)]), unsorted.into());
    for (left, right, event) in [("1..5", "5", 5), ("2..9", "1..3,12", 2), ("4", "1..9", 4)] {
        for named in [Named::Talk, Named::TalkWithin] {
            let other = take(Remains::Blank, named, right);
            let refused = refusal(vec![of_rule("a", 1, vec![one(left), other])]);
            assert_eq!(refused, OrderFault::Overlap { event: seq(event) }.into(), "{left} {right}");
        }
    }
    assert_eq!(refusal(Vec::new()), OrderFault::Empty { what: "rules" }.into());
    assert_eq!(
        refusal(vec![of_rule("a", 1, Vec::new())]),
        OrderFault::Empty { what: "takes" }.into()
    );
    let of_nothing = Take { ranges: Ranges::default(), events: 0, ..one("1") };
    let refused = refusal(vec![of_rule("a", 1, vec![of_nothing])]);
    assert_eq!(refused, OrderFault::Empty { what: "ranges" }.into());
    let beyond = refusal(vec![of_rule("a", 1, vec![one("1,939..941")])]);
    assert_eq!(beyond, Error::EventBeyondPlan { event: seq(941), through: seq(940) });
    let early = OrderParts { judged: seq(939), ..parts(vec![of_rule("a", 1, vec![one("1")])]) };
    let fault = OrderFault::JudgedEarly { judged: seq(939), through: seq(940) };
    assert_eq!(Order::checked(early), Err(fault.into()));
}

#[test]
fn a_count_that_differs_from_the_ranges_is_refused() {
    let counted = |named, events| {
        let take = Take { events, ..take(Remains::Stub, named, "1..3,9") };
        Order::checked(parts(vec![of_rule("a", 1, vec![take])])).map(|order| order.events())
    };
    let differs =
        |found| Err(OrderFault::CountDiffers { rule: "a v1".into(), found, counted: 4 }.into());
    for named in [Named::Talk, Named::Any] {
        assert_eq!(counted(named, 4), Ok(4));
        assert_eq!((counted(named, 3), counted(named, 5)), (differs(3), differs(5)));
    }
    assert_eq!((counted(Named::TalkWithin, 1), counted(Named::TalkWithin, 4)), (Ok(1), Ok(4)));
    assert_eq!(counted(Named::TalkWithin, 0), differs(0));
    assert_eq!(counted(Named::TalkWithin, 5), differs(5));
}

/// As many takes as may be, each of a rule with the longest name, with ranges at the far end of the longest log.
fn largest(range_bytes: usize, takes: usize) -> Result<Order> {
    let top = i64::MAX.unsigned_abs() - 10_000_000;
    let mut next = top;
    let mut fill = |bytes: usize| {
        let mut stretches = vec![Stretch::one(seq(next))];
        let mut written = 19;
        while written + 20 <= bytes {
            next += 2;
            stretches.push(Stretch::one(seq(next)));
            written += 20;
        }
        next += 2;
        Ranges::gather(stretches).unwrap()
    };
    let each = range_bytes / takes;
    let rules = (0..takes).map(|index| {
        let ranges = fill(each);
        let events = ranges.numbers();
        let name = format!("{index:0>64}");
        let take = Take { remains: Remains::Blank, named: Named::TalkWithin, ranges, events };
        let rule = RuleVersion { name: name.as_str().into(), version: u32::MAX };
        RuleTakes { rule, entry: seq(top), takes: vec![take] }
    });
    let (through, judged) = (seq(i64::MAX.unsigned_abs()), seq(i64::MAX.unsigned_abs()));
    Order::checked(OrderParts { through, judged, ..parts(rules.collect()) })
}

#[test]
fn the_largest_order_is_still_an_act_and_a_larger_one_is_refused() {
    let order = largest(ORDER_RANGE_BYTES_MAX, ORDER_TAKES_MAX).unwrap();
    let bytes = json(&order.act()).len();
    assert!(bytes <= ACT_BYTES_MAX, "{bytes}");
    assert_eq!(Order::decode(&order.act()), Ok(order));
    let too_large = |order: Result<Order>| {
        let Err(Error::Order(OrderFault::TooLarge { what, .. })) = order else { panic!() };
        what
    };
    assert_eq!(too_large(largest(ORDER_RANGE_BYTES_MAX, ORDER_TAKES_MAX + 1)), "takes");
    assert_eq!(too_large(largest(ORDER_RANGE_BYTES_MAX + 40, 1)), "bytes of ranges");
}

#[test]
fn a_list_that_is_too_long_is_refused_before_it_is_read() {
    let nothing = Fact::List(vec![Fact::Map(BTreeMap::new()); ORDER_TAKES_MAX + 1]);
    for (path, what) in [(&["rules"][..], "rules"), (&DEEP[..], "takes")] {
        let refused = spoilt(path, Some(nothing.clone()));
        assert!(
            matches!(refused, Error::Order(OrderFault::TooLarge { what: found, .. }) if found == what)
        );
    }
    let long = "x".repeat(ORDER_RANGE_BYTES_MAX + 1);
    let refused = spoilt(&["rules", "takes", "ranges"], Some(long.as_str().into()));
    assert!(matches!(refused, Error::Order(OrderFault::TooLarge { what: "bytes of ranges", .. })));
}

#[test]
fn an_order_over_ten_thousand_scattered_events_of_ten_million_takes_less_than_nine_bytes_for_each()
{
    let rng = SeededRng::new(7);
    let mut places: std::collections::BTreeSet<u64> = std::collections::BTreeSet::new();
    while places.len() < 10_000 {
        places.insert(rng.below(10_000_000) + 1);
    }
    let stretches = places.iter().map(|place| Stretch::one(seq(*place))).collect();
    let ranges = Ranges::gather(stretches).unwrap();
    let (events, through) = (ranges.numbers(), seq(10_000_000));
    let taken = Take { remains: Remains::Stub, named: Named::Talk, ranges, events };
    let rules = vec![of_rule("chat-6y", 1, vec![taken])];
    let order = Order::checked(OrderParts { through, judged: through, ..parts(rules) }).unwrap();
    let bytes = json(&order.act()).len();
    println!("{bytes} bytes over {events} events, seed 7");
    assert!(bytes < 90_000, "{bytes}");
    assert!(places.iter().all(|place| order.names(seq(*place), Lane::Talk)));
}

#[test]
fn every_byte_flipped_cut_or_put_in_is_refused_or_reads_as_exactly_what_stands_there() {
    let bytes = json(&example().act()).into_bytes();
    let (mut refused, mut read) = (0, 0);
    let mut look = |spoilt: &[u8]| {
        let Some(act) = act_of_json(spoilt) else { return refused += 1 };
        match Order::decode(&act) {
            Err(_) => refused += 1,
            Ok(order) => {
                assert_ne!(order, example(), "two ways to write one order");
                assert_eq!(json(&order.act()).as_bytes(), spoilt);
                read += 1;
            }
        }
    };
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut spoilt = bytes.clone();
            spoilt[index] ^= 1 << bit;
            look(&spoilt);
        }
        look(&bytes[..index]);
        let mut spoilt = bytes.clone();
        spoilt.remove(index);
        look(&spoilt);
        for put in [b'0', b'1', b' ', b','] {
            let mut spoilt = bytes.clone();
            spoilt.insert(index, put);
            look(&spoilt);
        }
    }
    println!("{refused} refused, {read} read as another order");
    // What reads is a digit of a number, a digest, an id or a time, or a letter of a rule's name: another order, and not this one.
    assert!(refused > 10 * bytes.len() && read > 0, "{refused} {read}");
}

fn an_order() -> impl Strategy<Value = Order> {
    let stretch = (1_u64..40, 0_u64..30, 0_usize..18, any::<prop::sample::Index>());
    let ground = prop_oneof![
        Just(Ground::Ceilings),
        (1_u64..9_999, 1_u64..9_999, any::<[u8; 16]>(), any::<[u8; 16]>()).prop_map(
            |(request, approval, one, other)| Ground::Approval {
                request: seq(request),
                requester: chat::PersonId::from_bytes(one),
                approval: seq(approval),
                approver: chat::PersonId::from_bytes(other),
            }
        ),
    ];
    let around =
        (any::<[u8; 32]>(), 0_u64..99, 0_u64..99, 0_u64..99, any::<bool>(), 0_i64..40_000_000);
    (proptest::collection::vec(stretch, 1..40), ground, around).prop_map(
        |(pieces, ground, around)| {
            let (plan, beyond, tail, withdrawn, is_single, hour) = around;
            let mut slots: BTreeMap<usize, (Vec<Stretch>, u64)> = BTreeMap::new();
            let mut end = 0;
            for (gap, more, slot, living) in pieces {
                let first = end + gap;
                end = first + more;
                let place = slots.entry(slot).or_default();
                place.0.push(Stretch { first: seq(first), last: seq(end) });
                place.1 +=
                    u64::try_from(living.index(usize::try_from(more).unwrap() + 1)).unwrap() + 1;
            }
            let mut rules: BTreeMap<usize, RuleTakes> = BTreeMap::new();
            for (slot, (stretches, living)) in slots {
                let name = ["chat-6y", "visits", "x"][slot / 6];
                let named = Named::ALL[slot % 3];
                let ranges = Ranges::gather(stretches).unwrap();
                let events = if named == Named::TalkWithin { living } else { ranges.numbers() };
                let remains = Remains::ALL[slot / 3 % 2];
                let rule = rules.entry(slot / 6).or_insert_with(|| of_rule(name, 3, Vec::new()));
                rule.takes.push(Take { remains, named, ranges, events });
            }
            let through = seq(end + beyond);
            Order::checked(OrderParts {
                plan: PlanDigest::from_bytes(plan),
                through,
                drawn: day(0).plus_micros(hour * 3_600_000_001),
                judged: through.plus(tail),
                regime: if is_single { Regime::SingleOfficer } else { Regime::FourEyes },
                ground,
                withdrawn,
                rules: rules.into_values().collect(),
            })
            .unwrap()
        },
    )
}

proptest! {
    #[test]
    fn every_order_reads_back_from_its_act_and_from_its_bytes(order in an_order()) {
        let act = order.act();
        prop_assert_eq!(Order::decode(&act), Ok(order));
        let bytes = json(&act);
        prop_assert_eq!(act_of_json(bytes.as_bytes()), Some(act));
    }

    #[test]
    fn an_order_names_what_a_walk_over_all_its_ranges_finds(order in an_order()) {
        let end = order.through().get() + 2;
        for number in 1..end {
            for lane in Lane::ALL {
                let mut found = None;
                for of_rule in order.rules() {
                    for take in &of_rule.takes {
                        let has = |stretch: &Stretch| (stretch.first.get()..=stretch.last.get()).contains(&number);
                        let is_there = take.ranges.stretches().iter().any(has);
                        if is_there && (lane == Lane::Talk || take.named == Named::Any) {
                            assert_eq!(found, None);
                            found = Some((&of_rule.rule, take.remains));
                        }
                    }
                }
                prop_assert_eq!(order.taken_by(seq(number), lane), found);
            }
        }
        prop_assert!(order.rules().iter().all(|rule| rule.events() > 0));
    }
}
