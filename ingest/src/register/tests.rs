//! Claims about the register: what it declares, and that a fold of the declarations knows the same.

use std::sync::Arc;

use chat::testing::SeededRng;
use chat::{Place, Recorded, Seq, Timestamp};

use super::*;
use crate::draft::{DraftPerson, DraftPlace};

fn person(name: &str, id: Option<&str>, email: Option<&str>) -> DraftPerson {
    DraftPerson { name: name.into(), foreign_id: id.map(Into::into), email: email.map(Into::into) }
}

fn room(name: &str, id: Option<&str>) -> DraftPlace {
    DraftPlace {
        name: name.into(),
        foreign_id: id.map(Into::into),
        kind: RoomKind::Room,
        category: None,
        members: None,
    }
}

struct Desk {
    register: Register,
    rng: SeededRng,
    log: Vec<chat::ChatEvent>,
}

impl Desk {
    fn new() -> Self {
        Self { register: Register::default(), rng: SeededRng::new(1), log: Vec::new() }
    }

    fn with<T>(
        &mut self,
        act: impl FnOnce(&mut Register, &mut Declarations<'_>) -> T,
    ) -> (T, Vec<String>) {
        let mut new = Declarations { at: Timestamp::EPOCH, rng: &self.rng, events: Vec::new() };
        let result = act(&mut self.register, &mut new);
        let verbs = new.events.iter().map(|event| event.content.act.as_ref().unwrap().verb.clone());
        let verbs = verbs.collect();
        self.log.append(&mut new.events);
        (result, verbs)
    }

    fn resolve(&mut self, place: &DraftPlace, actor: &DraftPerson) -> (Resolved, Vec<String>) {
        let (resolved, verbs) =
            self.with(|register, new| register.resolve("s", Some(place), Some(actor), new));
        (resolved.unwrap(), verbs)
    }

    fn refold(&self) -> Self {
        let mut register = Register::default();
        for (number, event) in (1..).zip(self.log.clone()) {
            register.apply(&Recorded {
                seq: Seq::new(number).unwrap(),
                place_seq: None,
                place_prev: None,
                recorded_at: Timestamp::EPOCH,
                event,
            });
        }
        Self { register, rng: SeededRng::new(2), log: Vec::new() }
    }
}

#[test]
fn the_first_appearance_is_declared_and_the_second_is_not() {
    let mut desk = Desk::new();
    let (first, verbs) = desk.resolve(&room("r", None), &person("Ada", None, None));
    assert_eq!(verbs, ["source-declared", "room-declared", "person-declared"]);
    let (second, verbs) = desk.resolve(&room("r", None), &person("Ada", None, None));
    assert!(verbs.is_empty());
    assert_eq!(first.room.unwrap(), second.room.unwrap());
    assert_eq!(first.actor.unwrap(), second.actor.unwrap());
}

#[test]
fn a_foreign_id_holds_through_a_new_name_and_a_name_alone_does_not() {
    let mut desk = Desk::new();
    let (first, _) =
        desk.resolve(&room("old", Some("R1")), &person("Ada", Some("U1"), Some("a@x")));
    let (second, verbs) =
        desk.resolve(&room("new", Some("R1")), &person("Ada L", Some("U1"), Some("b@x")));
    assert_eq!(verbs, ["room-renamed", "person-renamed", "person-changed"]);
    assert_eq!(first.room.unwrap(), second.room.unwrap());
    assert_eq!(first.actor.unwrap(), second.actor.unwrap());
    let (_, verbs) =
        desk.resolve(&room("old", Some("R1")), &person("Ada", Some("U1"), Some("a@x")));
    assert!(verbs.is_empty(), "a name that was seen before is not recorded again");
    let (third, _) = desk.resolve(&room("new", None), &person("Ada L", None, None));
    assert_ne!(first.actor.unwrap(), third.actor.unwrap());
}

#[test]
fn changed_members_and_categories_are_declared() {
    let mut desk = Desk::new();
    let ada = person("Ada", None, None);
    desk.resolve(&room("r", None), &ada);
    let members: Arc<[String]> = vec!["Ada".to_owned(), "Bo".to_owned()].into();
    let full = DraftPlace {
        category: Some("c".into()),
        members: Some(members),
        kind: RoomKind::Group,
        ..room("r", None)
    };
    assert_eq!(desk.resolve(&full, &ada).1, ["room-changed", "members-named"]);
    assert!(desk.resolve(&full, &ada).1.is_empty());
    assert!(desk.refold().resolve(&full, &ada).1.is_empty());
}

#[test]
fn a_fold_of_the_ledger_knows_what_the_register_knew() {
    let mut desk = Desk::new();
    let named = |number: u32| {
        (
            room(&format!("r{number}"), Some("R1")),
            person(&format!("p{number}"), Some("U1"), Some("e")),
        )
    };
    for number in 0..3 {
        let (place, actor) = named(number);
        desk.resolve(&place, &actor);
    }
    desk.resolve(&room("plain", None), &person("plain", None, None));
    let mut again = desk.refold();
    for (place, actor) in [named(0), named(2), (room("plain", None), person("plain", None, None))] {
        let (before, _) = desk.resolve(&place, &actor);
        let (after, verbs) = again.resolve(&place, &actor);
        assert!(verbs.is_empty(), "{verbs:?}");
        assert_eq!(before.room, after.room);
        assert_eq!(before.actor, after.actor);
        assert_eq!(before.source, after.source);
    }
}

#[test]
fn the_language_of_a_room_is_what_most_of_its_messages_are_in() {
    fn detect(text: &str) -> Option<&'static str> {
        match text {
            "e" => Some("eng"),
            "d" => Some("deu"),
            _ => None,
        }
    }
    let mut desk = Desk::new();
    let (resolved, _) = desk.resolve(&room("r", None), &person("Ada", None, None));
    let place = Place { room: resolved.room.unwrap(), name: "r".to_owned() };
    let count = |desk: &mut Desk, text: &str| {
        desk.with(|register, new| register.count_language(&place, text, detect, new)).1
    };
    for number in 0..199 {
        let text = ["e", "e", "d", "?"][number % 4];
        assert!(count(&mut desk, text).is_empty());
    }
    assert_eq!(count(&mut desk, "e"), ["room-language"]);
    let declared = desk.log.last().unwrap().content.act.as_ref().unwrap();
    assert_eq!(declared.text("language"), Some("eng"));
    let mut again = desk.refold();
    for _ in 0..300 {
        assert!(count(&mut again, "d").is_empty(), "it is declared once");
    }
}

#[test]
fn a_small_room_is_settled_if_enough_of_it_is_in_one_language() {
    fn detect(text: &str) -> Option<&'static str> {
        (text == "e").then_some("eng")
    }
    let mut desk = Desk::new();
    let (resolved, _) = desk.resolve(&room("r", None), &person("Ada", None, None));
    let place = Place { room: resolved.room.unwrap(), name: "r".to_owned() };
    for _ in 0..9 {
        desk.with(|register, new| register.count_language(&place, "e", detect, new));
    }
    assert!(desk.with(Register::settle_languages).1.is_empty(), "nine are too few");
    desk.with(|register, new| register.count_language(&place, "e", detect, new));
    assert_eq!(desk.with(Register::settle_languages).1, ["room-language"]);
}

#[test]
fn a_listed_person_is_declared_with_every_name_and_only_once() {
    use crate::source::{Identities, Identity};
    let listed = Identities {
        source: "s".into(),
        persons: vec![
            Identity {
                person: person("alpha", Some("U1"), Some("al@x.example")),
                also: vec!["Al Pha".into(), "al".into()],
            },
            Identity { person: person("bo", Some("U2"), None), also: Vec::new() },
        ],
    };
    let mut desk = Desk::new();
    let (known, verbs) = desk.with(|register, new| register.know(&listed, new));
    known.unwrap();
    assert_eq!(verbs, ["source-declared", "person-declared", "person-changed", "person-declared"]);
    let also = desk.log[2].content.act.as_ref().unwrap().facts["also"].clone();
    assert_eq!(also, vec!["Al Pha".to_owned(), "al".to_owned()].into());
    let mut refolded = desk.refold();
    for desk in [&mut desk, &mut refolded] {
        let (known, verbs) = desk.with(|register, new| register.know(&listed, new));
        known.unwrap();
        assert!(verbs.is_empty(), "{verbs:?}");
        let (_, verbs) = desk.resolve(&room("r", None), &person("al", Some("U1"), None));
        assert_eq!(verbs, ["room-declared"], "a name from the list is no change of name");
    }
}
