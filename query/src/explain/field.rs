//! Reasons of the clauses that speak of something other than words.

use chat::{Seq, Timestamp};

use crate::ast::{Field, Has};
use crate::error::shown;
use crate::matcher::{Analysed, Marks};

/// Returns why a field holds or does not.
pub(super) fn reason(field: &Field, matched: bool, event: &Analysed, marks: &dyn Marks) -> String {
    let names = event.names();
    match field {
        Field::From(value) if matched && !names.author.contains(value) => {
            also_known_as("author", value, &names.author)
        }
        Field::From(_) => known_as("author", &names.author),
        Field::To(value) if matched && !names.mentioned.contains(value) => {
            if event.room().is_some_and(|room| marks.is_direct_with(room, value)) {
                format!("{} is the author's partner in a room of direct messages", shown(value))
            } else {
                let mentioned = list(&names.mentioned);
                format!("the text mentions {mentioned}; {} is the same person", shown(value))
            }
        }
        Field::To(_) if names.mentioned.is_empty() => "the text mentions nobody".to_owned(),
        Field::To(_) => format!("the text mentions {}", list(&names.mentioned)),
        Field::Participant(value) => participant(value, event, marks),
        Field::Room(value) if matched && !names.room.contains(value) => {
            also_known_as("room", value, &names.room)
        }
        Field::Room(_) => known_as("room", &names.room),
        Field::Category(value) => {
            format!("the room is {} the category {}", is(matched, "in", "not in"), shown(value))
        }
        Field::Source(value) => {
            format!("the source {} {}", is(matched, "is", "is not"), shown(value))
        }
        Field::Kind(_) => format!("the event is of kind {}", event.kind().word()),
        Field::Has(has) => self::has(*has, matched).to_owned(),
        Field::File(_) => known_as("file", &names.files),
        Field::Extension(_) if names.extensions.is_empty() => {
            "no file's name has an extension".to_owned()
        }
        Field::Extension(_) => {
            format!("the extensions of its files are {}", list(&names.extensions))
        }
        Field::Language(_) => event.language().map_or_else(
            || "the language is not known".to_owned(),
            |language| format!("the language is {}", language.name()),
        ),
        Field::Thread(_) => names.thread.as_deref().map_or_else(
            || "the event is in no thread".to_owned(),
            |thread| format!("the thread is {}", shown(thread)),
        ),
        Field::Is(mark) => {
            format!("as of this snapshot it {} {}", is(matched, "is", "is not"), mark.word())
        }
        Field::Time { from, until } => time(*from, *until, event.at()),
        Field::Seqs { first, last } => seqs(*first, *last, event.seq()),
    }
}

/// Says which of the reasons for `participant:` holds: the author, a partner, or a stay in the room.
fn participant(value: &String, event: &Analysed, marks: &dyn Marks) -> String {
    let author = &event.names().author;
    if author.contains(value) {
        return known_as("author", author);
    }
    if event.person().is_some_and(|person| marks.person_is(person, value)) {
        return also_known_as("author", value, author);
    }
    let (name, at) = (shown(value), event.at());
    if event.room().is_some_and(|room| marks.is_direct_with(room, value)) {
        return format!("{name} takes part in this room of direct messages");
    }
    match event.room().and_then(|room| marks.stay(room, at, value)) {
        Some(stay) => {
            let from = stay.from.map_or_else(
                || "since a time that is not known".to_owned(),
                |from| format!("from {from}"),
            );
            let until = stay.until.map_or_else(
                || "and no leaving is recorded".to_owned(),
                |until| format!("until {until}"),
            );
            format!("{name} was in the room {from} {until}; it happened at {at}")
        }
        None => format!(
            "{name} did not write it, and nothing recorded says that they were in the room at {at}"
        ),
    }
}

const fn is(matched: bool, yes: &'static str, no: &'static str) -> &'static str {
    if matched { yes } else { no }
}

fn known_as(what: &str, names: &[String]) -> String {
    if names.is_empty() {
        format!("the event has no {what}")
    } else {
        format!("the {what} is known as {}; whole values are compared", list(names))
    }
}

/// Says that a name which the event does not bear is one that the ledger knows.
fn also_known_as(what: &str, name: &str, names: &[String]) -> String {
    format!("the {what} is known as {}, and as {} too", list(names), shown(name))
}

/// Names that an explanation repeats.
const LISTED_MAX: usize = 5;

fn list(names: &[String]) -> String {
    let shown_names: Vec<_> = names.iter().take(LISTED_MAX).map(|name| shown(name)).collect();
    let more = if names.len() > LISTED_MAX { " and others" } else { "" };
    format!("{}{more}", shown_names.join(", "))
}

const fn has(has: Has, matched: bool) -> &'static str {
    match (has, matched) {
        (Has::File, true) => "it has a file",
        (Has::File, false) => "it has no file",
        (Has::Link, true) => "its text holds a link",
        (Has::Link, false) => "its text holds no link",
        (Has::Edit, true) => "it is an edit, or its source says it was edited",
        (Has::Edit, false) => "it is no edit, and its source does not say that it was edited",
    }
}

fn time(from: Option<Timestamp>, until: Option<Timestamp>, at: Timestamp) -> String {
    let between = |early: Timestamp, late: Timestamp| late.micros().abs_diff(early.micros());
    match (from, until) {
        (Some(from), _) if at < from => {
            format!(
                "outside the range by {}: it happened at {at}, before {from}",
                length(between(at, from))
            )
        }
        (_, Some(until)) if at >= until => {
            let late = between(until, at);
            // The end is no part of the range, so an event at the end itself is late by nothing.
            let by = if late == 0 { "nothing".to_owned() } else { length(late) };
            format!(
                "outside the range by {by}: it happened at {at}, and the range ends before {until}"
            )
        }
        _ => format!("it happened at {at}"),
    }
}

/// Returns a length of time in its largest whole unit.
fn length(micros: u64) -> String {
    let units = [
        (86_400_000_000, "day"),
        (3_600_000_000, "hour"),
        (60_000_000, "minute"),
        (1_000_000, "second"),
        (1_000, "millisecond"),
    ];
    let found = units.into_iter().find(|&(unit, _)| micros >= unit);
    let (unit, name) = found.unwrap_or((1, "microsecond"));
    let count = micros / unit;
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {name}{plural}")
}

fn seqs(first: Seq, last: Seq, seq: Seq) -> String {
    if seq < first {
        format!("it is event {seq}, {} before {first}", first.get() - seq.get())
    } else if seq > last {
        format!("it is event {seq}, {} after {last}", seq.get() - last.get())
    } else {
        format!("it is event {seq}")
    }
}
