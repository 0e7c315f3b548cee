//! An event as the API shows it.

use archive::Archive;
use chat::{Act, Attachment, Custody, EventId, Fact, Person, Place, Recorded};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::auth::secret::hex;

/// An event without what surrounds it.
#[derive(Debug, Clone, Serialize)]
#[expect(clippy::struct_field_names, reason = "event_id is the contract's name for a citation")]
pub(crate) struct Event {
    /// Its place in the log.
    pub(crate) seq: u64,
    /// How it is cited: archive and place.
    pub(crate) event_id: String,
    /// The word for its kind.
    pub(crate) kind: &'static str,
    /// When it happened, on the source's clock.
    pub(crate) at: String,
    /// When it was recorded, on the archive's clock.
    pub(crate) recorded_at: String,
    /// The name of its source.
    pub(crate) source: Option<String>,
    /// Its room.
    pub(crate) room: Option<Room>,
    /// Who did it.
    pub(crate) actor: Option<Actor>,
    /// The words.
    pub(crate) text: Option<String>,
    /// The title of a story or file.
    pub(crate) title: Option<String>,
    /// The source's id of its thread.
    pub(crate) thread: Option<String>,
    /// When the source says it was edited.
    pub(crate) edited_at: Option<String>,
    /// The archive's remark.
    pub(crate) remark: Option<String>,
    /// Where in its input it stood.
    pub(crate) locator: Option<String>,
    /// The event that it edits, retracts or answers.
    pub(crate) target: Option<u64>,
    /// Its files.
    pub(crate) attachments: Vec<File>,
    /// What a ledger event did: its verb and its facts by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) act: Option<Value>,
}

/// A room in an event.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Room {
    /// Its id.
    pub(crate) id: String,
    /// Its name as given then.
    pub(crate) name: String,
    /// The event's place in the room.
    pub(crate) place_seq: Option<u64>,
}

/// A person in an event.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Actor {
    /// The id.
    pub(crate) id: String,
    /// The name as given then.
    pub(crate) name: String,
    /// The source's id.
    pub(crate) foreign_id: Option<String>,
    /// The e-mail address as given then.
    pub(crate) email: Option<String>,
}

/// A file of an event.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct File {
    /// Its number among the files of the event, from 0.
    pub(crate) number: usize,
    /// The name as given.
    pub(crate) name: String,
    /// The media type as given.
    pub(crate) media_type: Option<String>,
    /// `held`, or `missing: ` and why.
    pub(crate) custody: String,
    /// SHA-256 of the bytes, where they are held.
    pub(crate) sha256: Option<String>,
    /// Their number, or the number that the source claimed.
    pub(crate) bytes: Option<u64>,
}

impl Event {
    /// Returns an event as the API shows it. `source` is the name of its source.
    pub(crate) fn of(archive: &Archive, recorded: &Recorded, source: Option<String>) -> Self {
        let event = &recorded.event;
        let content = &event.content;
        let place_seq = recorded.place_seq.map(chat::PlaceSeq::get);
        Self {
            seq: recorded.seq.get(),
            event_id: EventId { archive: archive.id(), seq: recorded.seq }.to_string(),
            kind: event.kind.word(),
            at: event.at.to_string(),
            recorded_at: recorded.recorded_at.to_string(),
            source,
            room: event.place.as_ref().map(|place| Room::of(place, place_seq)),
            actor: event.actor.as_ref().map(Actor::of),
            text: content.text.clone(),
            title: content.title.clone(),
            thread: content.thread.clone(),
            edited_at: content.edited_at.map(|at| at.to_string()),
            remark: content.remark.clone(),
            locator: content.locator.clone(),
            target: event.target.map(chat::Seq::get),
            attachments: content.attachments.iter().enumerate().map(File::of).collect(),
            act: content.act.as_ref().map(act),
        }
    }
}

/// Returns an act as the API shows it: one object, the verb first among its facts.
pub(crate) fn act(act: &Act) -> Value {
    let mut object = Map::new();
    object.insert("verb".to_owned(), act.verb.clone().into());
    object.extend(act.facts.iter().map(|(name, fact)| (name.clone(), self::fact(fact))));
    Value::Object(object)
}

/// Returns one fact of an act as JSON.
pub(crate) fn fact(fact: &Fact) -> Value {
    match fact {
        Fact::Text(text) => text.clone().into(),
        Fact::Number(number) => (*number).into(),
        Fact::Flag(flag) => (*flag).into(),
        Fact::List(list) => list.iter().map(self::fact).collect(),
        Fact::Map(map) => map.iter().map(|(name, fact)| (name.clone(), self::fact(fact))).collect(),
    }
}

/// Returns an act that is shown in words: the verb, then every fact by name, with what it was before where that is known.
pub(crate) fn in_words(act: &Value, former: &Value) -> Vec<(String, String)> {
    let Some(object) = act.as_object() else { return Vec::new() };
    let verb = object.get("verb").and_then(Value::as_str).unwrap_or_default();
    let mut words = vec![("act".to_owned(), verb.replace('-', " "))];
    for (name, fact) in object.iter().filter(|(name, _)| *name != "verb") {
        let said = match former.get(name) {
            Some(former) => format!("{} (before: {})", plain(fact), plain(former)),
            None => plain(fact),
        };
        words.push((name.replace('_', " "), said));
    }
    words
}

fn plain(fact: &Value) -> String {
    match fact {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => fact.to_string(),
    }
}

impl Room {
    fn of(place: &Place, place_seq: Option<u64>) -> Self {
        Self { id: place.room.to_string(), name: place.name.clone(), place_seq }
    }
}

impl Actor {
    fn of(person: &Person) -> Self {
        Self {
            id: person.id.to_string(),
            name: person.name.clone(),
            foreign_id: person.foreign_id.clone(),
            email: person.email.clone(),
        }
    }
}

impl File {
    fn of((number, attachment): (usize, &Attachment)) -> Self {
        let (custody, sha256, bytes) = match &attachment.custody {
            Custody::Held { file, bytes } => {
                ("held".to_owned(), Some(hex(file.as_bytes())), Some(*bytes))
            }
            Custody::Missing { reason, claimed_bytes } => {
                (format!("missing: {reason}"), None, *claimed_bytes)
            }
        };
        Self {
            number,
            name: attachment.name.clone(),
            media_type: attachment.media_type.clone(),
            custody,
            sha256,
            bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_shown_with_its_verb_and_every_fact() {
        let given =
            Act::new("room-renamed").with("from", "#a").with("to", "#b").with("count", 2_u32);
        let given = given.with("members", vec!["Ada".to_owned()]).with("open", true);
        assert_eq!(
            act(&given),
            serde_json::json!({
                "verb": "room-renamed", "from": "#a", "to": "#b", "count": 2,
                "members": ["Ada"], "open": true,
            })
        );
    }
    #[test]
    fn an_act_says_what_was_before_where_that_is_known() {
        let act = serde_json::json!({ "verb": "room-changed", "category": "Legal", "members": ["A", "B"] });
        let said = in_words(&act, &serde_json::json!({ "category": "Trading" }));
        let line = |name: &str, said: &str| (name.to_owned(), said.to_owned());
        assert_eq!(
            said,
            [
                line("act", "room changed"),
                line("category", "Legal (before: Trading)"),
                line("members", "A, B"),
            ]
        );
        assert!(in_words(&Value::Null, &Value::Null).is_empty());
    }
}
