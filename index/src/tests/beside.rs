//! What later events and the ledger say of events is the same in the tail, in the lists, and after the index was reopened.

use chat::testing::message;
use chat::{Act, ChatEvent, Content, EventKind, Origin, OriginKey, PersonId, SourceId};

use super::bench::{Bench, parse, seqs};
use super::corpus::seq;
use crate::Scope;

#[test]
fn one_message_has_one_current_version_in_the_tail_and_in_the_lists() {
    let mut bench = Bench::new();
    let version = |kind, number, target: Option<u64>, text: &str| ChatEvent {
        kind,
        target: target.map(seq),
        ..message(number, 1, 1, text)
    };
    bench.append(vec![
        version(EventKind::Message, 1, None, "v1 apple"),
        version(EventKind::Edit, 2, Some(1), "v2 pear"),
        version(EventKind::Edit, 3, Some(1), "v3 fig"),
        version(EventKind::Message, 4, None, "another"),
    ]);
    let before = bench.index.newest();
    for state in ["tail", "lists"] {
        assert_eq!(seqs(&bench.search("is:current")), [4, 3], "{state}");
        assert_eq!(seqs(&bench.search("is:edited")), [2, 1], "{state}");
        bench.index.catch_up().unwrap();
    }
    bench.append(vec![version(EventKind::Retract, 5, Some(1), "")]);
    for state in ["tail", "lists", "reopened"] {
        assert_eq!(seqs(&bench.search("is:retracted")), [3, 2, 1], "{state}");
        assert_eq!(seqs(&bench.search("is:current")), [4], "{state}");
        if state == "tail" {
            bench.index.catch_up().unwrap();
        } else {
            bench.reopen();
        }
    }
    let scope = Scope::of_officer();
    let then = bench.index.seqs(&parse("is:current"), &scope, &before).unwrap();
    assert_eq!(then, [seq(3), seq(4)]);
}

#[test]
fn people_and_rooms_are_found_by_every_name_that_the_ledger_knows() {
    let mut bench = Bench::new();
    let source = |number: u8| SourceId::from_bytes([number; 16]);
    let act = |kind, act: Act| ChatEvent {
        kind,
        origin: None,
        actor: None,
        place: message(1, 1, 1, "").place.filter(|_| kind == EventKind::Room),
        content: Content { act: Some(act), ..Content::default() },
        ..message(1, 1, 1, "")
    };
    let person = |number: u8, verb| {
        Act::new(verb).with("person", PersonId::from_bytes([number; 16]).to_string())
    };
    let declared = |number: u8, name: &str, id: &str| {
        let declared = person(number, "person-declared").with("source", source(1).to_string());
        act(EventKind::Identity, declared.with("name", name).with("foreign_id", id))
    };
    let also = |number: u8, names: &[&str]| {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        act(EventKind::Identity, person(number, "person-changed").with("also", names))
    };
    let room = Act::new("room-declared").with("source", source(1).to_string());
    let room = act(EventKind::Room, room.with("name", "general").with("foreign_id", "C1"));
    let said = |number: u8, of: u8, text: &str| {
        let key = OriginKey::Derived { ordinal: u64::from(number).try_into().unwrap() };
        let origin = Some(Origin { source: source(of), key, revision: 0 });
        ChatEvent { origin, ..message(u64::from(number), 1, 4, text) }
    };
    bench.append(vec![
        room,
        declared(4, "alpha", "U1"),
        also(4, &["al", "Al Pha"]),
        declared(5, "Bo Beta", "U2"),
        also(5, &["bo", "bo@x.org"]),
        said(6, 1, "ask @U2 first"),
        said(7, 2, "ask @U2 first"),
    ]);
    for state in ["tail", "lists", "reopened"] {
        for text in ["from:al", "from:\"Al Pha\"", "from:U1", "room:C1"] {
            assert_eq!(seqs(&bench.search(text)), [7, 6], "{text} in the {state}");
        }
        for text in ["to:bo", "to:\"Bo Beta\"", "to:bo@x.org"] {
            assert_eq!(
                seqs(&bench.search(text)),
                [6],
                "{text} in the {state}: U2 is another elsewhere"
            );
        }
        assert_eq!(seqs(&bench.search("to:U2")), [7, 6], "{state}");
        assert_eq!(bench.search("from:bo OR room:C2").count, 0, "{state}");
        if state == "tail" {
            bench.index.catch_up().unwrap();
        } else {
            bench.reopen();
        }
    }
}

#[test]
fn a_value_that_no_event_has_is_told_with_those_that_there_are() {
    let mut bench = Bench::new();
    let moved = |kind, number, text: &str| ChatEvent { kind, ..message(number, 1, 1, text) };
    bench.append(vec![
        moved(EventKind::Upload, 1, "budget.xlsx"),
        moved(EventKind::Download, 2, "plan.pdf"),
        moved(EventKind::Message, 3, "ask @bo"),
    ]);
    let other = |text: &str, scope: &Scope| {
        let query = parse(text);
        let query::Clause::Field(field) = query.root() else { panic!("{text} is no field") };
        bench.index.other_values(field, scope, 9).unwrap()
    };
    for state in ["tail", "lists"] {
        for text in ["file:budget.xlsx", "ext:pdf", "to:bo", "from:nobody", "room:none"] {
            assert_eq!(other(text, &Scope::of_officer()), None, "{text} in the {state}");
        }
        for (text, values) in [
            ("file:budget.xls", vec!["budget.xlsx", "plan.pdf"]),
            ("ext:doc", vec!["pdf", "xlsx"]),
            ("to:ada", vec!["bo"]),
            ("thread:one", vec![]),
        ] {
            let values = values.into_iter().map(str::to_owned).collect();
            assert_eq!(other(text, &Scope::of_officer()), Some(values), "{text} in the {state}");
            assert_eq!(other(text, &Scope::of_rooms(Vec::new())), None, "{text} in the {state}");
        }
        bench.index.catch_up().unwrap();
    }
    assert_eq!(seqs(&bench.search("has:file kind:upload OR has:file kind:download")), [2, 1]);
    assert_eq!(seqs(&bench.search("ext:xlsx")), [1]);
}
