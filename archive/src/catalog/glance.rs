//! What the catalog needs of an event, borrowed from where the event lies: no words are copied for it.

use chat::{Act, Attachment, EventKind, Recorded};

use crate::journal::frame::RawRecord;
use crate::proof::Header;
use crate::proof::header::{ROLE_ACTOR, ROLE_PLACE, ROLE_SOURCE};
use crate::record::{self, tag};

/// One event at a glance.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Glance<'a> {
    pub(super) seq: u64,
    pub(super) kind: EventKind,
    /// The system that it came from.
    pub(super) source: Option<[u8; 16]>,
    /// Its room and the room's name as given.
    pub(super) place: Option<([u8; 16], &'a str)>,
    pub(super) actor: Option<Actor<'a>>,
    pub(super) attachments: &'a [Attachment],
    /// What it says, where it is an act of the archive itself and did not come from a source.
    pub(super) act: Option<&'a Act>,
}

/// Who acted, as named then.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Actor<'a> {
    pub(super) id: [u8; 16],
    pub(super) name: &'a str,
    pub(super) foreign_id: Option<&'a str>,
    pub(super) email: Option<&'a str>,
}

impl<'a> Glance<'a> {
    /// Looks at an event.
    pub(super) fn of_event(recorded: &'a Recorded) -> Self {
        let event = &recorded.event;
        let source = event.origin.as_ref().map(|origin| *origin.source.as_bytes());
        let act = event.content.act.as_ref().filter(|_| source.is_none());
        Self {
            seq: recorded.seq.get(),
            kind: event.kind,
            source,
            place: event.place.as_ref().map(|place| (*place.room.as_bytes(), place.name.as_str())),
            actor: event.actor.as_ref().map(|actor| Actor {
                id: *actor.id.as_bytes(),
                name: &actor.name,
                foreign_id: actor.foreign_id.as_deref(),
                email: actor.email.as_deref(),
            }),
            attachments: &event.content.attachments,
            act,
        }
    }

    /// Looks at a record of the journal and sees what [`Self::of_event`] would of the event that it decodes to. Nothing where it
    /// has to be decoded: it has no header, or an act or files.
    pub(super) fn of_record(raw: RawRecord<'a>) -> Option<Self> {
        let header = Header::decode(raw.header).ok()?;
        let is_rare = |tag| matches!(tag, tag::ACT | tag::ATTACHMENT_FIRST..=tag::ATTACHMENT_LAST);
        if raw.fields().any(|(tag, _)| is_rare(tag)) {
            return None;
        }
        let text = |sought: u16| {
            let found = raw.fields().find(|(tag, _)| *tag == sought);
            found.and_then(|(_, value)| std::str::from_utf8(value).ok())
        };
        let origin = raw.fields().find(|(tag, _)| *tag == tag::ORIGIN);
        let is_known = origin.is_some_and(|(_, value)| record::is_origin(value));
        let named = |role, tag| header.id(role).copied().zip(text(tag));
        let actor = named(ROLE_ACTOR, tag::AUTHOR).map(|(id, name)| Actor {
            id,
            name,
            foreign_id: text(tag::AUTHOR_FOREIGN_ID),
            email: text(tag::AUTHOR_EMAIL),
        });
        Some(Self {
            seq: header.seq,
            kind: EventKind::from_code(header.kind),
            source: header.id(ROLE_SOURCE).copied().filter(|_| is_known),
            place: named(ROLE_PLACE, tag::PLACE),
            actor,
            attachments: &[],
            act: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use chat::testing::message;
    use chat::{PlaceSeq, Seq, Timestamp};

    use super::*;
    use crate::journal::frame::Records;

    #[test]
    fn a_record_shows_at_a_glance_what_its_event_does() {
        let mut events =
            vec![message(1, 1, 1, "words"), message(2, 1, 2, ""), message(3, 2, 1, "x")];
        events[1].actor = None;
        events[2].origin = None;
        if let Some(actor) = &mut events[0].actor {
            actor.email = Some("a@b.example".to_owned());
        }
        events.push(message(4, 1, 1, "in no room"));
        events[3].place = None;
        let records = (1..).zip(events).map(|(seq, event)| Recorded {
            seq: Seq::new(seq).unwrap(),
            place_seq: event.place.as_ref().and(PlaceSeq::new(1)),
            place_prev: None,
            recorded_at: Timestamp::EPOCH,
            event,
        });
        let records: Vec<_> = records.collect();
        let encoded = Records::encode(&records).unwrap();
        let raws: Vec<_> = encoded.iter().flat_map(Records::iter).collect();
        assert_eq!(raws.len(), records.len());
        for (raw, recorded) in raws.into_iter().zip(&records) {
            assert_eq!(Glance::of_record(raw), Some(Glance::of_event(recorded)));
        }
    }
}
