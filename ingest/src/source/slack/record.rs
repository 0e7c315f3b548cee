//! The members of a Slack message that are read; all others are known by name or make the record be kept raw.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::super::word::{Text, Word};
use super::layout::Profile;

/// One message as exported.
#[derive(Deserialize, Default)]
#[serde(default, expecting = "a message: an object in braces")]
pub(super) struct Record<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) subtype: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) ts: Option<Word<'a>>,
    #[serde(borrow)]
    pub(super) deleted_ts: Option<Word<'a>>,
    #[serde(borrow)]
    pub(super) user: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) username: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) bot_id: Option<Text<'a>>,
    pub(super) bot_profile: Option<Bot>,
    pub(super) user_profile: Option<Profile>,
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) topic: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) purpose: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) thread_ts: Option<Word<'a>>,
    #[serde(borrow)]
    pub(super) edited: Option<Edited<'a>>,
    #[serde(borrow)]
    pub(super) files: Option<Vec<File<'a>>>,
    #[serde(borrow)]
    pub(super) file: Option<File<'a>>,
    #[serde(borrow)]
    pub(super) reactions: Option<Vec<Reaction<'a>>>,
    #[serde(borrow)]
    pub(super) message: Option<Box<Self>>,
    #[serde(borrow)]
    pub(super) previous_message: Option<Box<Self>>,
    /// The comment on a file, in records of such comments.
    #[serde(borrow)]
    pub(super) comment: Option<Comment<'a>>,
    #[serde(borrow)]
    pub(super) blocks: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) attachments: Option<&'a RawValue>,
    /// Members that say more than the fields above.
    root: Option<IgnoredAny>,
    item: Option<IgnoredAny>,
    replies: Option<IgnoredAny>,
    room: Option<IgnoredAny>,
}

impl Record<'_> {
    /// Returns whether the record holds something that the event does not.
    pub(super) const fn says_more(&self) -> bool {
        self.blocks.is_some()
            || self.attachments.is_some()
            || self.comment.is_some()
            || self.root.is_some()
            || self.item.is_some()
            || self.replies.is_some()
            || self.room.is_some()
            || self.message.is_some()
            || self.previous_message.is_some()
            || self.subtype.is_some()
            || self.file.is_some()
            || self.files.is_some()
            || self.edited.is_some()
            || self.bot_id.is_some()
    }
}

#[derive(Deserialize)]
pub(super) struct Bot {
    pub(super) name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Edited<'a> {
    #[serde(borrow)]
    pub(super) ts: Option<Word<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Reaction<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow, default)]
    pub(super) users: Vec<Text<'a>>,
    pub(super) count: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Comment<'a> {
    #[serde(borrow)]
    pub(super) comment: Option<Text<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a file: an object in braces")]
pub(super) struct File<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) title: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) mimetype: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) mode: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) url_private: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) initial_comment: Option<Comment<'a>>,
    pub(super) size: Option<u64>,
}
