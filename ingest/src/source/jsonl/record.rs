//! One line of the line format as JSON, borrowed from its bytes.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::super::word::{Text, Word};

/// The members of one line; what they mean together is decided by [`super::line`].
#[derive(Debug, Default)]
pub(super) struct Record<'a> {
    pub(super) source: Option<Text<'a>>,
    pub(super) room: Option<Text<'a>>,
    pub(super) sender: Option<Text<'a>>,
    pub(super) time: Option<Text<'a>>,
    pub(super) text: Option<Text<'a>>,
    pub(super) id: Option<Word<'a>>,
    pub(super) room_id: Option<Word<'a>>,
    pub(super) sender_id: Option<Word<'a>>,
    pub(super) sender_email: Option<Text<'a>>,
    pub(super) kind: Option<Text<'a>>,
    pub(super) event: Option<Text<'a>>,
    pub(super) title: Option<Text<'a>>,
    pub(super) rich_text: Option<Text<'a>>,
    pub(super) thread: Option<Word<'a>>,
    pub(super) reply_to: Option<Word<'a>>,
    pub(super) edited_of: Option<Word<'a>>,
    pub(super) edited_at: Option<Text<'a>>,
    pub(super) deleted: Option<bool>,
    pub(super) category: Option<Text<'a>>,
    pub(super) room_kind: Option<Text<'a>>,
    pub(super) members: Option<Vec<Text<'a>>>,
    pub(super) attachments: Option<Vec<File<'a>>>,
    pub(super) reactions: Option<Vec<Reaction<'a>>>,
    pub(super) raw: Option<&'a RawValue>,
    /// Whether the line has a member that this version does not know.
    pub(super) says_more: bool,
}

/// One reaction and who gave it.
#[derive(Debug, Deserialize)]
pub(super) struct Reaction<'a> {
    #[serde(borrow)]
    pub(super) value: Text<'a>,
    #[serde(borrow, default)]
    pub(super) senders: Vec<Text<'a>>,
    pub(super) count: Option<u64>,
}

/// One attachment: an object, or only its address or path.
#[derive(Debug, Default)]
pub(super) struct File<'a> {
    pub(super) name: Option<Text<'a>>,
    pub(super) path: Option<Text<'a>>,
    pub(super) url: Option<Text<'a>>,
    pub(super) mime: Option<Text<'a>>,
    pub(super) size: Option<u64>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Member {
    Source,
    Room,
    Sender,
    Time,
    Text,
    Id,
    RoomId,
    SenderId,
    SenderEmail,
    Kind,
    Event,
    Title,
    RichText,
    Thread,
    ReplyTo,
    EditedOf,
    EditedAt,
    Deleted,
    Category,
    RoomKind,
    Members,
    Attachments,
    Reactions,
    Raw,
    #[serde(other)]
    Foreign,
}

/// Reads a member once; `null` is as good as absent.
fn put<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    slot: &mut Option<T>,
    name: &'static str,
    map: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(A::Error::custom(format_args!("found {name:?} twice, expected it once")));
    }
    *slot = map.next_value()?;
    Ok(())
}

impl<'de> Deserialize<'de> for Record<'de> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Record<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut record = Record::default();
                while let Some(member) = map.next_key()? {
                    record.take(&member, &mut map)?;
                }
                Ok(record)
            }
        }
        input.deserialize_map(Members)
    }
}

impl<'de> Record<'de> {
    fn take<A: MapAccess<'de>>(&mut self, member: &Member, map: &mut A) -> Result<(), A::Error> {
        match member {
            Member::Source => put(&mut self.source, "source", map),
            Member::Room => put(&mut self.room, "room", map),
            Member::Sender => put(&mut self.sender, "sender", map),
            Member::Time => put(&mut self.time, "time", map),
            Member::Text => put(&mut self.text, "text", map),
            Member::Id => put(&mut self.id, "id", map),
            Member::RoomId => put(&mut self.room_id, "room_id", map),
            Member::SenderId => put(&mut self.sender_id, "sender_id", map),
            Member::SenderEmail => put(&mut self.sender_email, "sender_email", map),
            Member::Kind => put(&mut self.kind, "kind", map),
            Member::Event => put(&mut self.event, "event", map),
            Member::Title => put(&mut self.title, "title", map),
            Member::RichText => put(&mut self.rich_text, "rich_text", map),
            Member::Thread => put(&mut self.thread, "thread", map),
            Member::ReplyTo => put(&mut self.reply_to, "reply_to", map),
            Member::EditedOf => put(&mut self.edited_of, "edited_of", map),
            Member::EditedAt => put(&mut self.edited_at, "edited_at", map),
            Member::Deleted => put(&mut self.deleted, "deleted", map),
            Member::Category => put(&mut self.category, "category", map),
            Member::RoomKind => put(&mut self.room_kind, "room_kind", map),
            Member::Members => put(&mut self.members, "members", map),
            Member::Attachments => put(&mut self.attachments, "attachments", map),
            Member::Reactions => put(&mut self.reactions, "reactions", map),
            Member::Raw => put(&mut self.raw, "raw", map),
            Member::Foreign => {
                self.says_more = true;
                map.next_value::<IgnoredAny>().map(|_| ())
            }
        }
    }
}

impl<'de> Deserialize<'de> for File<'de> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Object<'a> {
            #[serde(borrow)]
            name: Option<Text<'a>>,
            #[serde(borrow)]
            path: Option<Text<'a>>,
            #[serde(borrow)]
            url: Option<Text<'a>>,
            #[serde(borrow)]
            mime: Option<Text<'a>>,
            size: Option<u64>,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = File<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an attachment: an object, or a string with its address or path")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(File::of(Text(text.into())))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(File::of(Text(text.to_owned().into())))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let input = serde::de::value::MapAccessDeserializer::new(map);
                let Object { name, path, url, mime, size } = Object::deserialize(input)?;
                Ok(File { name, path, url, mime, size })
            }
        }
        input.deserialize_any(Either)
    }
}

impl<'a> File<'a> {
    /// Takes a bare string: an address if it has a scheme, else a path.
    fn of(text: Text<'a>) -> Self {
        if text.0.contains("://") {
            Self { url: Some(text), ..Self::default() }
        } else {
            Self { path: Some(text), ..Self::default() }
        }
    }
}
