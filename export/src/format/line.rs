//! One event as one line of canonical JSON, and back. `docs/export.md` §3 is the same in prose.
//!
//! The line is an object: members in byte order of their names, no space, integers plain, strings escaped only where
//! JSON demands it (`\"`, `\\`, `\b`, `\f`, `\n`, `\r`, `\t`, `\u00xx` for the other controls). An absent field has no
//! member. It holds everything that the leaf covers (proof.md §3–5), so a proof needs nothing else; and one event has one
//! line only, since a line that does not come out again byte for byte is refused.

mod plain;

use std::borrow::Cow;

use archive::record::{self, Field, tag};
use chat::{
    ArchiveId, ChatEvent, EventKind, Origin, OriginKey, Person, Place, PlaceSeq, Recorded, Seq,
    Timestamp,
};
use serde_json::{Map, Value};

use crate::format::hex;
use crate::format::json::{self, Object};

/// How long a line may be: every byte of the largest event written as six, and its members.
pub(crate) const LINE_BYTES_MAX: usize = 8 * chat::limits::EVENT_BYTES_MAX;

/// Returns the line of an event, without its line feed.
pub fn write(recorded: &Recorded, archive: ArchiveId) -> Vec<u8> {
    let mut line = Vec::with_capacity(LINE_BYTES);
    put(&mut line, recorded, archive);
    line
}

/// Bytes of an ordinary line.
pub(crate) const LINE_BYTES: usize = 768;

/// Writes the line of an event behind a text. The members stand in byte order of their names.
pub(crate) fn put(out: &mut Vec<u8>, recorded: &Recorded, archive: ArchiveId) {
    let event = &recorded.event;
    let content = &event.content;
    let packed = packed_fields(event);
    let mut line = Object::open(out);
    if let Some(act) = packed.iter().find(|field| field.tag == tag::ACT) {
        put_packed(line.name("act"), act);
    }
    if let Some(actor) = &event.actor {
        put_person(line.name("actor"), actor);
    }
    line.moment("at", event.at);
    let attachments = packed.iter().filter(|field| field.tag >= tag::ATTACHMENT_FIRST);
    if attachments.clone().next().is_some() {
        json::put_list(line.name("attachments"), attachments, put_packed);
    }
    if let Some(moment) = content.edited_at {
        line.moment("edited_at", moment);
    }
    put_id(line.name("id"), archive, recorded.seq);
    line.text("kind", &kind_word(event.kind));
    line.text_if("locator", content.locator.as_ref());
    if let Some(origin) = &event.origin {
        put_origin(line.name("origin"), origin);
    }
    put_others(&mut line, event);
    if let Some(place) = &event.place {
        let mut member = Object::open(line.name("place"));
        member.hex("id", place.room.as_bytes());
        member.text("name", &place.name);
        member.close();
    }
    line.number_if("place_prev", recorded.place_prev.map(Seq::get));
    line.number_if("place_seq", recorded.place_seq.map(PlaceSeq::get));
    if let Some(raw) = &content.raw {
        line.hex("raw", raw);
    }
    line.moment("recorded_at", recorded.recorded_at);
    line.text_if("remark", content.remark.as_ref());
    line.text_if("rich_text", content.rich_text.as_ref());
    line.number("seq", recorded.seq.get());
    line.number_if("target", event.target.map(Seq::get));
    line.text_if("text", content.text.as_ref());
    line.text_if("thread", content.thread.as_ref());
    line.text_if("title", content.title.as_ref());
    line.close();
}

/// Returns the fields whose values are JSON already, in the one form that the record has: the act and the attachments.
fn packed_fields(event: &ChatEvent) -> Vec<Field> {
    let content = &event.content;
    if content.act.is_none() && content.attachments.is_empty() {
        return Vec::new();
    }
    let is_packed = |tag| {
        matches!(tag, tag::ACT | tag::ATTACHMENT_FIRST..=tag::ATTACHMENT_LAST)
            && !content.other_fields.iter().any(|(other, _)| *other == tag)
    };
    let mut fields = record::fields(event);
    fields.retain(|field| is_packed(field.tag));
    fields
}

fn put_packed(out: &mut Vec<u8>, field: &Field) {
    let is_text = std::str::from_utf8(&field.value).is_ok();
    out.extend_from_slice(if is_text { &field.value } else { b"null" });
}

/// Writes how an event is cited, quoted.
fn put_id(out: &mut Vec<u8>, archive: ArchiveId, seq: Seq) {
    out.push(b'"');
    hex::put(out, archive.as_bytes());
    out.push(b'/');
    json::put_number(out, seq.get());
    out.push(b'"');
}

fn put_person(out: &mut Vec<u8>, person: &Person) {
    let mut member = Object::open(out);
    member.text_if("email", person.email.as_ref());
    member.text_if("foreign_id", person.foreign_id.as_ref());
    member.hex("id", person.id.as_bytes());
    member.text("name", &person.name);
    member.close();
}

fn put_origin(out: &mut Vec<u8>, origin: &Origin) {
    let mut member = Object::open(out);
    match &origin.key {
        OriginKey::Given(key) => member.text("key", key),
        OriginKey::Derived { ordinal } => member.number("ordinal", u64::from(*ordinal)),
    }
    member.number("revision", u64::from(origin.revision));
    member.hex("source", origin.source.as_bytes());
    member.close();
}

/// Writes what this version has no name for.
fn put_others(line: &mut Object<'_>, event: &ChatEvent) {
    let fields = &event.content.other_fields;
    if !fields.is_empty() {
        json::put_list(line.name("other_fields"), fields.iter(), |out, (tag, value)| {
            let mut field = Object::open(out);
            field.number("tag", u64::from(*tag));
            field.hex("value", value);
            field.close();
        });
    }
    if !event.other_ids.is_empty() {
        json::put_list(line.name("other_ids"), event.other_ids.iter(), |out, (role, id)| {
            let mut member = Object::open(out);
            member.hex("id", id);
            member.number("role", u64::from(*role));
            member.close();
        });
    }
}

/// Returns the word of a kind; of one that this version does not know, its code.
pub(crate) fn kind_word(kind: EventKind) -> Cow<'static, str> {
    if matches!(kind, EventKind::Unknown(_)) {
        Cow::Owned(format!("unknown-{:04x}", kind.code()))
    } else {
        Cow::Borrowed(kind.word())
    }
}

/// Reads a line, without its line feed. Returns what is wrong in words; every line but the canonical one is refused.
///
/// Nearly every line is read in one pass by a reader that knows the members of a message alone. Whatever a reader made of a
/// line counts only if it is written as that very line again, so the quick one can refuse but not misread.
pub fn read(line: &[u8], archive: ArchiveId) -> Result<Recorded, String> {
    read_with(line, archive, &mut Vec::new())
}

/// Reads a line as [`read()`] does; `again` takes what is written of it, and serves line after line.
pub(crate) fn read_with(
    line: &[u8],
    archive: ArchiveId,
    again: &mut Vec<u8>,
) -> Result<Recorded, String> {
    let message = plain::read(line).filter(|read| {
        again.clear();
        put(again, read, archive);
        again == line
    });
    message.map_or_else(|| read_any(line, archive), Ok)
}

fn read_any(line: &[u8], archive: ArchiveId) -> Result<Recorded, String> {
    let value: Value = serde_json::from_slice(line).map_err(|error| format!("no JSON: {error}"))?;
    let Value::Object(members) = value else { return Err("no JSON object".to_owned()) };
    let recorded = parse(&Members(&members)).ok_or("a member is missing or malformed")?;
    if write(&recorded, archive) == line {
        Ok(recorded)
    } else {
        Err("not in the canonical form of any event".to_owned())
    }
}

/// Takes an event out of its members. It need not be strict: what is not canonical does not come out again the same.
fn parse(line: &Members<'_>) -> Option<Recorded> {
    let mut event = ChatEvent {
        origin: match line.object("origin") {
            Some(origin) => Some(parse_origin(&origin)?),
            None => None,
        },
        at: line.moment("at")?,
        kind: parse_kind(line.text("kind")?)?,
        actor: match line.object("actor") {
            Some(actor) => Some(parse_person(&actor)?),
            None => None,
        },
        place: match line.object("place") {
            Some(place) => Some(Place {
                room: place.text("id")?.parse().ok()?,
                name: place.text("name")?.to_owned(),
            }),
            None => None,
        },
        target: line.number("target").and_then(Seq::new),
        other_ids: Vec::new(),
        content: chat::Content::default(),
    };
    for id in line.list("other_ids") {
        let id = Members(id.as_object()?);
        event.other_ids.push((
            id.number("role")?.try_into().ok()?,
            hex::read_array(id.text("id")?.as_bytes())?,
        ));
    }
    let base = Recorded {
        seq: Seq::new(line.number("seq")?)?,
        place_seq: line.number("place_seq").and_then(PlaceSeq::new),
        place_prev: line.number("place_prev").and_then(Seq::new),
        recorded_at: line.moment("recorded_at")?,
        event,
    };
    let mut fields = record::fields(&base.event);
    fields.extend(parse_fields(line)?);
    fields.sort_by_key(|field| field.tag);
    let recorded = record::decode(&record::header(&base), fields)?;
    Some(recorded)
}

/// Returns the fields of the content as they are hashed.
fn parse_fields(line: &Members<'_>) -> Option<Vec<Field>> {
    let texts = [
        ("text", tag::TEXT),
        ("rich_text", tag::RICH_TEXT),
        ("title", tag::TITLE),
        ("thread", tag::THREAD),
        ("remark", tag::REMARK),
        ("locator", tag::LOCATOR),
    ];
    let texts = texts.into_iter().filter_map(|(name, tag)| Some((tag, line.text(name)?)));
    let mut fields: Vec<_> =
        texts.map(|(tag, text)| Field { tag, value: text.as_bytes().to_vec() }).collect();
    if line.0.contains_key("edited_at") {
        let micros = line.moment("edited_at")?.micros();
        fields.push(Field { tag: tag::EDITED_AT, value: micros.to_be_bytes().to_vec() });
    }
    if line.0.contains_key("raw") {
        fields.push(Field { tag: tag::RAW, value: hex::read(line.text("raw")?.as_bytes())? });
    }
    if let Some(act) = line.0.get("act") {
        fields.push(Field { tag: tag::ACT, value: act.to_string().into_bytes() });
    }
    for (tag, file) in (tag::ATTACHMENT_FIRST..=tag::ATTACHMENT_LAST).zip(line.list("attachments"))
    {
        fields.push(Field { tag, value: file.to_string().into_bytes() });
    }
    for field in line.list("other_fields") {
        let field = Members(field.as_object()?);
        let tag = field.number("tag")?.try_into().ok()?;
        fields.push(Field { tag, value: hex::read(field.text("value")?.as_bytes())? });
    }
    Some(fields)
}

fn parse_person(person: &Members<'_>) -> Option<Person> {
    Some(Person {
        id: person.text("id")?.parse().ok()?,
        name: person.text("name")?.to_owned(),
        foreign_id: person.text("foreign_id").map(str::to_owned),
        email: person.text("email").map(str::to_owned),
    })
}

fn parse_origin(origin: &Members<'_>) -> Option<Origin> {
    let key = match origin.text("key") {
        Some(key) => OriginKey::Given(key.to_owned()),
        None => OriginKey::Derived { ordinal: origin.number("ordinal")?.try_into().ok()? },
    };
    Some(Origin {
        source: origin.text("source")?.parse().ok()?,
        key,
        revision: origin.number("revision")?.try_into().ok()?,
    })
}

fn parse_kind(word: &str) -> Option<EventKind> {
    match word.strip_prefix("unknown-") {
        Some(code) => u16::from_str_radix(code, 16).ok().map(EventKind::from_code),
        None => EventKind::from_word(word),
    }
}

/// The members of an object of a line.
struct Members<'a>(&'a Map<String, Value>);

impl<'a> Members<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_str()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_u64()
    }

    fn object(&self, name: &str) -> Option<Self> {
        self.0.get(name)?.as_object().map(Members)
    }

    fn list(&self, name: &str) -> &'a [Value] {
        self.0.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn moment(&self, name: &str) -> Option<Timestamp> {
        let value = self.0.get(name)?;
        match value.as_str() {
            Some(text) => Timestamp::parse_rfc3339(text).ok(),
            None => value.as_i64().map(Timestamp::from_micros),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use archive::proof::Header;
    use proptest::prelude::*;

    const ARCHIVE: ArchiveId = ArchiveId::from_bytes([7; 16]);

    /// Values that mean something under some tag, and values that mean nothing under any.
    fn any_value() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            chat::testing::any_text().prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..12),
            Just(br#"{"n":-3,"verb":"x\u0001","z":[true,"\"",{}]}"#.to_vec()),
            Just(br#"{"missing":"why","name":"a/b"}"#.to_vec()),
            Just(br#"{"name":"a/b","missing":"why"}"#.to_vec()),
            Just(b"null".to_vec()),
            Just([&[0, 0, 0, 1, 0][..], b"key"].concat()),
            Just(vec![0, 0, 0, 1, 1, 0, 0, 0, 9]),
        ]
    }

    proptest! {
        #[test]
        fn whatever_was_recorded_comes_back_from_its_line(
            values in proptest::collection::btree_map(
                prop_oneof![1_u16..15, Just(16), 0x1000_u16..0x1003, any::<u16>()], any_value(), 0..8),
            roles in proptest::collection::btree_map(2_u8..8, any::<[u8; 16]>(), 0..5),
            kind in prop_oneof![1_u16..20, 0x8001_u16..0x800f, any::<u16>()],
            times in any::<(i64, i64)>(),
        ) {
            let has_place = roles.contains_key(&2);
            let header = Header {
                kind,
                seq: 9,
                place_seq: if has_place { 3 } else { 0 },
                place_prev: if has_place { 4 } else { 0 },
                recorded_at: times.0,
                at: times.1,
                ids: roles.into_iter().collect(),
            };
            let fields = values.into_iter().filter(|(tag, _)| *tag != 0);
            let fields: Vec<_> = fields.map(|(tag, value)| Field { tag, value }).collect();
            let recorded = record::decode(&header, fields.clone()).unwrap();
            let line = write(&recorded, ARCHIVE);
            let back = read(&line, ARCHIVE).unwrap();
            prop_assert_eq!(record::header(&back), header);
            prop_assert_eq!(record::fields(&back.event), fields);
            prop_assert_eq!(back, recorded);
        }
    }

    #[test]
    fn one_event_has_one_line_only() {
        let event = chat::testing::message(1, 2, 3, "Grüße\n\u{7f}\u{1}\"\\/");
        let at = Timestamp::from_micros(-1);
        let place_seq = Some(PlaceSeq::FIRST);
        let recorded =
            Recorded { seq: Seq::FIRST, place_seq, place_prev: None, recorded_at: at, event };
        let line = String::from_utf8(write(&recorded, ARCHIVE)).unwrap();
        assert!(line.starts_with(r#"{"actor":{"id":"0303"#), "{line}");
        assert!(line.contains(r#""text":"Grüße\n"#) && line.contains(r#"\u0001\"\\/""#), "{line}");
        assert_eq!(read(line.as_bytes(), ARCHIVE), Ok(recorded));
        for other in [
            format!(" {line}"),
            line.replace("\":", "\": "),
            line.replacen('{', "{\"a\":1,", 1),
            line.replace("ü", "\\u00fc"),
            line.replace(".999999Z", ".999999+00:00"),
            line.replace("\"revision\":0", "\"revision\":0.0"),
            line.replace("\"seq\":1", "\"seq\":2"),
            line.replacen("\"kind\"", "\"kind\":\"edit\",\"kind\"", 1),
        ] {
            assert!(other != line && read(other.as_bytes(), ARCHIVE).is_err(), "{other}");
        }
        assert!(read(line.as_bytes(), ArchiveId::from_bytes([8; 16])).is_err());
    }
}
