//! How a recorded event becomes the bytes that are hashed and stored, and comes back from them.
//!
//! An event is a [`Header`] and a list of [`Field`]s (proof.md §3–4). The register of field tags is here and in
//! `docs/format.md`; a tag is never reused. What this version does not know, it carries: a tag without a meaning, a known
//! tag whose value is not in the form this version would write, an id without its name. So every record decodes,
//! and encodes to the same bytes again.

use chat::{
    ChatEvent, Content, EventKind, Origin, OriginKey, Person, PersonId, Place, PlaceSeq, Recorded,
    RoomId, Seq, SourceId, Timestamp,
};

use crate::json;
use crate::proof::header::{Header, Ids, ROLE_ACTOR, ROLE_PLACE, ROLE_SOURCE, ROLE_TARGET};

/// The register of content tags.
pub mod tag {
    /// The author's name as given.
    pub const AUTHOR: u16 = 1;
    /// The source's id of the author.
    pub const AUTHOR_FOREIGN_ID: u16 = 2;
    /// The room's name as given.
    pub const PLACE: u16 = 3;
    /// The words.
    pub const TEXT: u16 = 4;
    /// The words with their formatting.
    pub const RICH_TEXT: u16 = 5;
    /// The title.
    pub const TITLE: u16 = 6;
    /// The foreign key: u32 revision, u8 form, then the key (form 0) or a u32 ordinal (form 1).
    pub const ORIGIN: u16 = 7;
    /// The foreign record.
    pub const RAW: u16 = 8;
    /// The source's id of the thread.
    pub const THREAD: u16 = 9;
    /// The author's e-mail address as given.
    pub const AUTHOR_EMAIL: u16 = 10;
    /// When the source says it was edited: i64 microseconds.
    pub const EDITED_AT: u16 = 11;
    /// The archive's remark.
    pub const REMARK: u16 = 12;
    /// Where in its input it stood.
    pub const LOCATOR: u16 = 13;
    /// What a ledger event says: a JSON object, keys in order.
    pub const ACT: u16 = 0x0010;
    /// The first attachment: a JSON object, keys in order.
    pub const ATTACHMENT_FIRST: u16 = 0x1000;
    /// The last tag an attachment can have.
    pub const ATTACHMENT_LAST: u16 = 0x1fff;
}

/// One item of content: a tag and its value, which can be withheld apart from the others.
///
/// The value is its own, or borrowed from where the event lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<V = Vec<u8>> {
    /// Its tag, never 0.
    pub tag: u16,
    /// Its value; empty and absent differ.
    pub value: V,
}

const ORIGIN_GIVEN: u8 = 0;
const ORIGIN_DERIVED: u8 = 1;
/// Bytes of an origin without a given key: revision, form, ordinal.
const ORIGIN_BYTES_MIN: usize = 9;

/// Returns the header of an event.
pub fn header(recorded: &Recorded) -> Header {
    let event = &recorded.event;
    let mut ids = Ids::default();
    if let Some(place) = &event.place {
        ids.push((ROLE_PLACE, *place.room.as_bytes()));
    }
    if let Some(actor) = &event.actor {
        ids.push((ROLE_ACTOR, *actor.id.as_bytes()));
    }
    if let Some(target) = event.target {
        ids.push((ROLE_TARGET, target_id(target)));
    }
    if let Some(origin) = &event.origin {
        ids.push((ROLE_SOURCE, *origin.source.as_bytes()));
    }
    if !event.other_ids.is_empty() {
        for id in &event.other_ids {
            ids.push(*id);
        }
        ids.sort_by_key(|(role, _)| *role);
    }
    Header {
        kind: event.kind.code(),
        seq: recorded.seq.get(),
        place_seq: recorded.place_seq.map_or(0, PlaceSeq::get),
        place_prev: recorded.place_prev.map_or(0, Seq::get),
        recorded_at: recorded.recorded_at.micros(),
        at: event.at.micros(),
        ids,
    }
}

/// Returns the fields of an event, tags strictly ascending.
pub fn fields(event: &ChatEvent) -> Vec<Field> {
    let mut fields = Vec::with_capacity(event.content.attachments.len().saturating_add(6));
    each_known_field(event, &mut |tag, value| fields.push(Field { tag, value: value.to_vec() }));
    if !event.content.other_fields.is_empty() {
        let others = event.content.other_fields.iter();
        fields.extend(others.map(|(tag, value)| Field { tag: *tag, value: value.clone() }));
        fields.sort_by_key(|field| field.tag);
    }
    fields
}

/// Hands on each field of an event, tags strictly ascending, without a copy of the values that the event holds as they are.
pub(crate) fn each_field(event: &ChatEvent, mut take: impl FnMut(u16, &[u8])) {
    if event.content.other_fields.is_empty() {
        each_known_field(event, &mut take);
    } else {
        for Field { tag, value } in fields(event) {
            take(tag, &value);
        }
    }
}

/// Hands on the fields that this version knows, in the order of their tags.
fn each_known_field(event: &ChatEvent, take: &mut impl FnMut(u16, &[u8])) {
    let content = &event.content;
    let actor = event.actor.as_ref();
    give(take, tag::AUTHOR, actor.map(|actor| &actor.name));
    give(take, tag::AUTHOR_FOREIGN_ID, actor.and_then(|actor| actor.foreign_id.as_ref()));
    give(take, tag::PLACE, event.place.as_ref().map(|place| &place.name));
    give(take, tag::TEXT, content.text.as_ref());
    give(take, tag::RICH_TEXT, content.rich_text.as_ref());
    give(take, tag::TITLE, content.title.as_ref());
    if let Some(origin) = &event.origin {
        take(tag::ORIGIN, &encode_key(&origin.key, origin.revision));
    }
    give(take, tag::RAW, content.raw.as_ref());
    give(take, tag::THREAD, content.thread.as_ref());
    give(take, tag::AUTHOR_EMAIL, actor.and_then(|actor| actor.email.as_ref()));
    give(take, tag::EDITED_AT, content.edited_at.map(|moment| moment.micros().to_be_bytes()));
    give(take, tag::REMARK, content.remark.as_ref());
    give(take, tag::LOCATOR, content.locator.as_ref());
    give(take, tag::ACT, content.act.as_ref().map(json::encode_act));
    for (tag, attachment) in
        (tag::ATTACHMENT_FIRST..=tag::ATTACHMENT_LAST).zip(&content.attachments)
    {
        take(tag, &json::encode_attachment(attachment));
    }
}

fn give(take: &mut impl FnMut(u16, &[u8]), tag: u16, value: Option<impl AsRef<[u8]>>) {
    if let Some(value) = value {
        take(tag, value.as_ref());
    }
}

/// Returns the event of a header and its fields. Never fails: what has no meaning here is carried along.
///
/// Returns nothing only for a sequence number that no header of a log has: 0, or one past 2⁶³ − 1.
pub fn decode(header: &Header, fields: impl IntoIterator<Item = Field>) -> Option<Recorded> {
    let mut event = ChatEvent {
        origin: None,
        at: Timestamp::from_micros(header.at),
        kind: EventKind::from_code(header.kind),
        actor: None,
        place: None,
        target: None,
        other_ids: Vec::new(),
        content: Content::default(),
    };
    let mut names = Names::default();
    for field in fields {
        if let Some(field) = names.take(field) {
            take_field(&mut event.content, field);
        }
    }
    names.settle(header, &mut event);
    Some(Recorded {
        seq: Seq::new(header.seq)?,
        place_seq: PlaceSeq::new(header.place_seq),
        place_prev: Seq::new(header.place_prev),
        recorded_at: Timestamp::from_micros(header.recorded_at),
        event,
    })
}

/// The fields that make sense only together with an id of the header.
#[derive(Default)]
struct Names {
    author: Option<String>,
    author_foreign_id: Option<String>,
    author_email: Option<String>,
    place: Option<String>,
    origin: Option<(OriginKey, u32)>,
}

impl Names {
    /// Keeps a field that belongs here and hands back one that does not.
    fn take(&mut self, field: Field) -> Option<Field> {
        let slot = match field.tag {
            tag::AUTHOR => &mut self.author,
            tag::AUTHOR_FOREIGN_ID => &mut self.author_foreign_id,
            tag::AUTHOR_EMAIL => &mut self.author_email,
            tag::PLACE => &mut self.place,
            tag::ORIGIN => {
                self.origin = decode_origin(&field.value);
                return if self.origin.is_some() { None } else { Some(field) };
            }
            _ => return Some(field),
        };
        match String::from_utf8(field.value) {
            Ok(text) => {
                *slot = Some(text);
                None
            }
            Err(error) => Some(Field { tag: field.tag, value: error.into_bytes() }),
        }
    }

    /// Joins names and ids; an id or a name that stands alone is carried verbatim.
    fn settle(self, header: &Header, event: &mut ChatEvent) {
        let mut author = self.author;
        let mut place = self.place;
        let mut origin = self.origin;
        for &(role, id) in &header.ids {
            let known = match role {
                ROLE_PLACE => place.take().map(|name| {
                    event.place = Some(Place { room: RoomId::from_bytes(id), name });
                }),
                ROLE_ACTOR => author.take().map(|name| {
                    let id = PersonId::from_bytes(id);
                    event.actor = Some(Person { id, name, foreign_id: None, email: None });
                }),
                ROLE_TARGET => target_seq(id).map(|seq| event.target = Some(seq)),
                ROLE_SOURCE => origin.take().map(|(key, revision)| {
                    let source = SourceId::from_bytes(id);
                    event.origin = Some(Origin { source, key, revision });
                }),
                _ => None,
            };
            if known.is_none() {
                event.other_ids.push((role, id));
            }
        }
        let mut foreign_id = self.author_foreign_id;
        let mut email = self.author_email;
        if let Some(actor) = &mut event.actor {
            actor.foreign_id = foreign_id.take();
            actor.email = email.take();
        }
        let mut carry = |tag, value: Option<Vec<u8>>| {
            if let Some(value) = value {
                event.content.other_fields.push((tag, value));
            }
        };
        carry(tag::AUTHOR, author.map(String::into_bytes));
        carry(tag::AUTHOR_FOREIGN_ID, foreign_id.map(String::into_bytes));
        carry(tag::AUTHOR_EMAIL, email.map(String::into_bytes));
        carry(tag::PLACE, place.map(String::into_bytes));
        carry(tag::ORIGIN, origin.map(|(key, revision)| encode_key(&key, revision)));
        event.content.other_fields.sort_by_key(|(tag, _)| *tag);
    }
}

fn take_field(content: &mut Content, field: Field) {
    let Field { tag, value } = field;
    let refused = match tag {
        tag::TEXT => take_text(&mut content.text, value),
        tag::RICH_TEXT => take_text(&mut content.rich_text, value),
        tag::TITLE => take_text(&mut content.title, value),
        tag::THREAD => take_text(&mut content.thread, value),
        tag::REMARK => take_text(&mut content.remark, value),
        tag::LOCATOR => take_text(&mut content.locator, value),
        tag::RAW => {
            content.raw = Some(value);
            None
        }
        tag::EDITED_AT => match <[u8; 8]>::try_from(value.as_slice()) {
            Ok(micros) => {
                content.edited_at = Some(Timestamp::from_micros(i64::from_be_bytes(micros)));
                None
            }
            Err(_) => Some(value),
        },
        tag::ACT => match json::decode_act(&value) {
            Some(act) => {
                content.act = Some(act);
                None
            }
            None => Some(value),
        },
        tag::ATTACHMENT_FIRST..=tag::ATTACHMENT_LAST => take_attachment(content, tag, value),
        _ => Some(value),
    };
    if let Some(value) = refused {
        content.other_fields.push((tag, value));
    }
}

/// Keeps an attachment whose tag is the next in order; a later one after a gap would come back under another tag.
fn take_attachment(content: &mut Content, tag: u16, value: Vec<u8>) -> Option<Vec<u8>> {
    let place = usize::from(tag.saturating_sub(tag::ATTACHMENT_FIRST));
    let is_next = place == content.attachments.len();
    match json::decode_attachment(&value) {
        Some(attachment) if is_next => {
            content.attachments.push(attachment);
            None
        }
        Some(_) | None => Some(value),
    }
}

fn take_text(slot: &mut Option<String>, value: Vec<u8>) -> Option<Vec<u8>> {
    match String::from_utf8(value) {
        Ok(text) => {
            *slot = Some(text);
            None
        }
        Err(error) => Some(error.into_bytes()),
    }
}

fn target_id(target: Seq) -> [u8; 16] {
    u128::from(target.get()).to_be_bytes()
}

fn target_seq(id: [u8; 16]) -> Option<Seq> {
    u64::try_from(u128::from_be_bytes(id)).ok().and_then(Seq::new)
}

fn encode_key(key: &OriginKey, revision: u32) -> Vec<u8> {
    let given_bytes = match key {
        OriginKey::Given(key) => key.len(),
        OriginKey::Derived { .. } => 0,
    };
    let mut out = Vec::with_capacity(given_bytes.saturating_add(ORIGIN_BYTES_MIN));
    out.extend_from_slice(&revision.to_be_bytes());
    match key {
        OriginKey::Given(key) => {
            out.push(ORIGIN_GIVEN);
            out.extend_from_slice(key.as_bytes());
        }
        OriginKey::Derived { ordinal } => {
            out.push(ORIGIN_DERIVED);
            out.extend_from_slice(&ordinal.to_be_bytes());
        }
    }
    out
}

/// Returns whether a value is an origin in the form that this version writes.
pub(crate) fn is_origin(value: &[u8]) -> bool {
    decode_origin(value).is_some()
}

fn decode_origin(value: &[u8]) -> Option<(OriginKey, u32)> {
    let (revision, rest) = value.split_first_chunk()?;
    let (form, key) = rest.split_first()?;
    let key = match *form {
        ORIGIN_GIVEN => OriginKey::Given(std::str::from_utf8(key).ok()?.to_owned()),
        ORIGIN_DERIVED => OriginKey::Derived { ordinal: u32::from_be_bytes(key.try_into().ok()?) },
        _ => return None,
    };
    Some((key, u32::from_be_bytes(*revision)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat::{Act, Attachment, Custody, FileId};
    use proptest::prelude::*;

    fn recorded(event: ChatEvent) -> Recorded {
        Recorded {
            seq: Seq::new(7).unwrap(),
            place_seq: event.place.as_ref().and(PlaceSeq::new(2)),
            place_prev: event.place.as_ref().and(Seq::new(3)),
            recorded_at: Timestamp::from_micros(5),
            event,
        }
    }

    fn full_event() -> ChatEvent {
        let mut event = chat::testing::message(1, 2, 3, "Grüße, 世界 🙂");
        event.target = Seq::new(5);
        event.other_ids = vec![(9, [9; 16])];
        let actor = event.actor.as_mut().unwrap();
        actor.foreign_id = Some("U1".into());
        actor.email = Some(String::new());
        event.content = Content {
            text: Some(String::new()),
            rich_text: Some("<b>x</b>".into()),
            title: Some("t".into()),
            thread: Some("th".into()),
            edited_at: Some(Timestamp::from_micros(-1)),
            remark: Some("r".into()),
            locator: Some("file.jsonl:3".into()),
            raw: Some(vec![0xff, 0]),
            act: Some(Act::new("search").with("query", "q\u{0}\"\\").with("count", 3_u64)),
            attachments: vec![
                Attachment {
                    name: "a\u{202e}.txt".into(),
                    media_type: Some("text/plain".into()),
                    address: None,
                    custody: Custody::Held { file: FileId::from_bytes([8; 32]), bytes: 12 },
                },
                Attachment {
                    name: String::new(),
                    media_type: None,
                    address: Some("https://files.example/1".into()),
                    custody: Custody::Missing {
                        reason: "not in the export".into(),
                        claimed_bytes: None,
                    },
                },
            ],
            other_fields: vec![(0x0042, vec![1, 2, 3])],
        };
        event
    }

    #[test]
    fn a_full_event_reads_back_from_its_header_and_fields() {
        let original = recorded(full_event());
        let fields = fields(&original.event);
        assert!(fields.windows(2).all(|pair| pair[0].tag < pair[1].tag));
        assert_eq!(decode(&header(&original), fields), Some(original));
    }

    #[test]
    fn an_id_without_its_name_is_carried_verbatim() {
        let original = recorded(full_event());
        let header = header(&original);
        let fields: Vec<_> = fields(&original.event).into_iter().filter(|f| f.tag > 3).collect();
        let back = decode(&header, fields.clone()).unwrap();
        assert_eq!(super::header(&back), header);
        assert_eq!(super::fields(&back.event), fields);
    }

    proptest! {
        #[test]
        fn any_fields_come_back_byte_for_byte(
            values in proptest::collection::btree_map(
                prop_oneof![1_u16..=20, 0x1000_u16..=0x1003, any::<u16>().prop_filter("0 is reserved", |t| *t > 0)],
                proptest::collection::vec(any::<u8>(), 0..12),
                0..8,
            ),
            roles in proptest::collection::btree_map(2_u8..=8, any::<[u8; 16]>(), 0..5),
        ) {
            let ids: Ids = roles.into_iter().collect();
            let placed = u64::from(ids.iter().any(|(role, _)| *role == ROLE_PLACE));
            let header = Header { kind: 1, seq: 9, place_seq: placed, place_prev: 0, recorded_at: 1, at: 2, ids };
            let fields: Vec<_> = values.into_iter().map(|(tag, value)| Field { tag, value }).collect();
            let back = decode(&header, fields.clone()).unwrap();
            prop_assert_eq!(super::header(&back), header);
            prop_assert_eq!(super::fields(&back.event), fields);
        }
    }
}
