//! Who could read which room when, as far as the package's entries, leavings and lists of members tell; "unknown" where
//! they do not.
//!
//! The actor of an entry, a leaving or a removal is whose presence it changes. A list of members (an act that names them)
//! says that somebody belonged to a room, not since when: such a stay begins "unknown" until an entry tells. A list names
//! people by text; it is the person of the room's events in the package who alone has that name, foreign id or address.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chat::{Act, EventKind, Fact, Person, PersonId, Recorded, RoomId, Seq, Timestamp};

/// One moment of one event: equal times are told apart by the order of recording.
type Moment = (Timestamp, Seq);

/// What the events of a package say about the membership of rooms.
#[derive(Debug, Default)]
pub(crate) struct Attendance {
    names: BTreeMap<RoomId, String>,
    steps: BTreeMap<(RoomId, Timestamp, Seq), Step>,
    /// Whom a text means in a room; nothing where it could mean several.
    known: HashMap<RoomId, HashMap<String, Option<PersonId>>>,
}

#[derive(Debug)]
enum Step {
    Turn { person: PersonId, name: String, kind: EventKind },
    Listed { kind: EventKind, members: Vec<String> },
}

impl Attendance {
    /// Takes in one event of the package.
    pub(crate) fn observe(&mut self, recorded: &Recorded) {
        let event = &recorded.event;
        let Some(place) = &event.place else { return };
        self.names.entry(place.room).or_insert_with(|| place.name.clone());
        if let Some(actor) = &event.actor {
            self.learn(place.room, actor);
        }
        let kind = event.kind;
        let is_turn = matches!(kind, EventKind::Join | EventKind::Leave | EventKind::Kick);
        let step = match (&event.actor, &event.content.act) {
            (Some(actor), _) if is_turn => {
                Some(Step::Turn { person: actor.id, name: actor.name.clone(), kind })
            }
            (_, Some(act)) if matches!(kind, EventKind::Member | EventKind::Room) => {
                members(act).map(|members| Step::Listed { kind, members })
            }
            _ => None,
        };
        if let Some(step) = step {
            self.steps.insert((place.room, event.at, recorded.seq), step);
        }
    }

    fn learn(&mut self, room: RoomId, actor: &Person) {
        let words = [Some(&actor.name), actor.foreign_id.as_ref(), actor.email.as_ref()];
        let known = self.known.entry(room).or_default();
        for word in words.into_iter().flatten() {
            match known.get_mut(word) {
                Some(known) => *known = known.filter(|person| *person == actor.id),
                None => drop(known.insert(word.clone(), Some(actor.id))),
            }
        }
    }

    /// Joins entries and leavings to stays.
    pub(crate) fn settle(self) -> Readers {
        let mut readers = Readers { names: self.names, ..Readers::default() };
        let mut open: HashMap<(RoomId, Who), usize> = HashMap::new();
        for ((room, at, seq), step) in self.steps {
            let moment = (at, seq);
            match step {
                Step::Turn { person, name, kind } => {
                    readers.counts.entry(room).or_default();
                    let key = (room, Who::Person(person));
                    readers.turn((key, name), (kind, moment), &mut open);
                }
                Step::Listed { kind, members } => {
                    readers.listed.insert(room);
                    for name in members {
                        let known = self.known.get(&room).and_then(|known| known.get(&name));
                        let known = known.copied().flatten();
                        let who = known.map_or_else(|| Who::Named(name.clone()), Who::Person);
                        open.entry((room, who.clone())).or_insert_with(|| {
                            let from = Some(Edge { kind, moment: None });
                            readers.stays.push(Stay { room, who, name, from, until: None });
                            readers.stays.len() - 1
                        });
                    }
                }
            }
        }
        readers.stays.sort_by(|a, b| a.order().cmp(&b.order()));
        readers
    }
}

/// Returns the members that an act names, if it names any.
fn members(act: &Act) -> Option<Vec<String>> {
    let Fact::List(members) = act.facts.get("members")? else { return None };
    let texts = members.iter().filter_map(|member| match member {
        Fact::Text(text) => Some(text.clone()),
        Fact::Number(_) | Fact::Flag(_) | Fact::List(_) | Fact::Map(_) => None,
    });
    Some(texts.collect())
}

/// Whose stay it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Who {
    /// Somebody of whom a list gives no more than a text.
    Named(String),
    /// A person of the log.
    Person(PersonId),
}

/// One end of a stay: what told of it, and when it was, where that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) moment: Option<Moment>,
    pub(crate) kind: EventKind,
}

/// A person's stay in a room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stay {
    pub(crate) room: RoomId,
    pub(crate) who: Who,
    pub(crate) name: String,
    /// Nothing where no entry was seen and no list names them.
    pub(crate) from: Option<Edge>,
    pub(crate) until: Option<Edge>,
}

impl Stay {
    fn order(&self) -> (RoomId, &Who, Option<Moment>, Option<Moment>) {
        let moment = |edge: Option<Edge>| edge.and_then(|edge| edge.moment);
        (self.room, &self.who, moment(self.from), moment(self.until))
    }

    /// Returns whether an entry tells since when.
    fn is_counted(&self) -> bool {
        self.from.is_some_and(|from| from.moment.is_some())
    }
}

/// The stays of a package, and how many people were surely in a room at a moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Readers {
    names: BTreeMap<RoomId, String>,
    listed: BTreeSet<RoomId>,
    stays: Vec<Stay>,
    counts: BTreeMap<RoomId, Vec<(Moment, u64)>>,
}

impl Readers {
    fn turn(
        &mut self,
        (key, name): ((RoomId, Who), String),
        (kind, moment): (EventKind, Moment),
        open: &mut HashMap<(RoomId, Who), usize>,
    ) {
        let edge = Edge { moment: Some(moment), kind };
        let (room, who) = key.clone();
        let stay = open.get(&key).copied().and_then(|at| self.stays.get_mut(at));
        let was_counted = stay.as_ref().is_some_and(|stay| stay.is_counted());
        match (kind, stay) {
            (EventKind::Join, None) => {
                open.insert(key, self.stays.len());
                self.stays.push(Stay { room, who, name, from: Some(edge), until: None });
                self.count(room, moment, true);
            }
            // The entry of somebody who was only listed tells since when.
            (EventKind::Join, Some(stay)) if !was_counted => {
                stay.from = Some(edge);
                self.count(room, moment, true);
            }
            // A second entry without a leaving between tells nothing new.
            (EventKind::Join, Some(_)) => {}
            (_, Some(stay)) => {
                stay.until = Some(edge);
                open.remove(&key);
            }
            (_, None) => {
                self.stays.push(Stay { room, who, name, from: None, until: Some(edge) });
            }
        }
        // A source may name another than the one removed, yet one reader fewer is sure.
        if kind == EventKind::Kick || (kind == EventKind::Leave && was_counted) {
            self.count(room, moment, false);
        }
    }

    fn count(&mut self, room: RoomId, moment: Moment, enters: bool) {
        let counts = self.counts.entry(room).or_default();
        let before = counts.last().map_or(0, |(_, count)| *count);
        let now = if enters { before.saturating_add(1) } else { before.saturating_sub(1) };
        counts.push((moment, now));
    }

    /// Returns the cell `readers_at_time`: `unknown`, or `at least` so many.
    pub(crate) fn at(&self, recorded: &Recorded) -> Cow<'static, str> {
        let Some(place) = &recorded.event.place else { return "".into() };
        let Some(counts) = self.counts.get(&place.room) else { return "unknown".into() };
        let moment = (recorded.event.at, recorded.seq);
        let after = counts.partition_point(|(at, _)| *at <= moment);
        let count =
            after.checked_sub(1).and_then(|at| counts.get(at)).map_or(0, |(_, count)| *count);
        if count == 0 { "unknown".into() } else { format!("at least {count}").into() }
    }

    /// Returns the stays, by room, person and time.
    pub(crate) fn stays(&self) -> &[Stay] {
        &self.stays
    }

    /// Returns the rooms that the package names and of whose membership it knows nothing.
    pub(crate) fn unknown_rooms(&self) -> impl Iterator<Item = (&RoomId, &str)> {
        let is_known = |room| self.counts.contains_key(room) || self.listed.contains(room);
        let unknown = self.names.iter().filter(move |(room, _)| !is_known(*room));
        unknown.map(|(room, name)| (room, name.as_str()))
    }

    /// Returns the name of a room as its first event in the package gave it.
    pub(crate) fn room_name(&self, room: &RoomId) -> &str {
        self.names.get(room).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat::testing::message;

    fn event(seq: u64, person: u8, kind: EventKind) -> Recorded {
        let mut event = message(seq, 1, person, "");
        event.kind = kind;
        Recorded {
            seq: Seq::new(seq).unwrap(),
            place_seq: None,
            place_prev: None,
            recorded_at: event.at,
            event,
        }
    }

    fn list(seq: u64, members: &[&str]) -> Recorded {
        let mut listed = event(seq, 1, EventKind::Member);
        listed.event.actor = None;
        let members: Vec<_> = members.iter().map(|member| (*member).to_owned()).collect();
        listed.event.content.act = Some(Act::new("members-named").with("members", members));
        listed
    }

    fn settle(events: &[Recorded]) -> Readers {
        let mut attendance = Attendance::default();
        for event in events {
            attendance.observe(event);
        }
        attendance.settle()
    }

    /// A name, the event that began the stay, the kind and number of the event that ended it.
    type Told<'a> = (&'a str, Option<u64>, Option<(&'a str, u64)>);

    fn stays(readers: &Readers) -> Vec<Told<'_>> {
        let seq = |edge: Edge| edge.moment.map(|(_, seq)| seq.get());
        let until = |edge: Edge| Some((edge.kind.word(), seq(edge)?));
        let stays = readers.stays().iter();
        stays.map(|s| (s.name.as_str(), s.from.and_then(seq), s.until.and_then(until))).collect()
    }

    #[test]
    fn stays_are_joined_and_what_is_not_known_stays_open() {
        let events = [
            event(1, 1, EventKind::Join),
            event(2, 2, EventKind::Leave),
            event(3, 3, EventKind::Join),
            event(4, 1, EventKind::Leave),
            event(5, 1, EventKind::Message),
        ];
        let readers = settle(&events);
        assert_eq!(
            stays(&readers),
            [
                ("Person 1", Some(1), Some(("leave", 4))),
                ("Person 2", None, Some(("leave", 2))),
                ("Person 3", Some(3), None)
            ]
        );
        assert_eq!(readers.at(&events[2]), "at least 2");
        assert_eq!(readers.at(&events[4]), "at least 1");
        assert_eq!(readers.unknown_rooms().count(), 0);
    }

    #[test]
    fn a_kick_ends_a_stay() {
        let events = [
            event(1, 1, EventKind::Join),
            event(2, 2, EventKind::Join),
            event(3, 1, EventKind::Kick),
            event(4, 3, EventKind::Kick),
        ];
        let readers = settle(&events);
        assert_eq!(
            stays(&readers),
            [
                ("Person 1", Some(1), Some(("kick", 3))),
                ("Person 2", Some(2), None),
                ("Person 3", None, Some(("kick", 4)))
            ]
        );
        assert_eq!(readers.at(&events[2]), "at least 1");
        assert_eq!(readers.at(&events[3]), "unknown", "somebody was removed");
    }

    #[test]
    fn a_list_of_members_says_that_and_not_since_when() {
        let events = [
            list(1, &["Person 1", "Person 2", "Somebody Else"]),
            event(2, 1, EventKind::Join),
            event(3, 2, EventKind::Kick),
            event(4, 4, EventKind::Message),
        ];
        let readers = settle(&events);
        assert_eq!(
            stays(&readers),
            [
                ("Somebody Else", None, None),
                ("Person 1", Some(2), None),
                ("Person 2", None, Some(("kick", 3)))
            ]
        );
        assert_eq!(readers.stays()[0].who, Who::Named("Somebody Else".to_owned()));
        assert_eq!(readers.unknown_rooms().count(), 0);
        let readers = settle(&[list(1, &["Ada"]), event(2, 4, EventKind::Message)]);
        assert_eq!(readers.at(&events[3]), "unknown", "nobody was seen to enter");
    }

    #[test]
    fn a_room_without_entries_has_unknown_readers() {
        let post = event(5, 1, EventKind::Message);
        let readers = settle(std::slice::from_ref(&post));
        assert_eq!(readers.at(&post), "unknown");
        assert_eq!(readers.unknown_rooms().count(), 1);
    }
}
