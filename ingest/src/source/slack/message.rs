//! What one Slack record means.

use std::path::Path;

use chat::{Act, EventKind, Timestamp};

use super::super::fault::of_json;
use super::super::word::Owned as _;
use super::super::{
    FORMER_REMARK, Sourced, Unreadable, WINDOWS_1252_REMARK, admit, unnamed, within,
};
use super::document::Piece;
use super::layout::{Layout, first_said};
use super::markup::plain;
use super::record::{File, Reaction, Record};
use super::words;
use crate::draft::{Draft, DraftFile, DraftKey, DraftPerson, DraftPlace, DraftTarget, FileContent};

/// The remark on a message that says more than a text may hold.
const CUT_REMARK: &str = "some words of its blocks or attachments go beyond the limit of a text; they are in the raw record";

/// Where a record stands.
pub(super) struct Scene<'a> {
    pub(super) source: &'a str,
    pub(super) layout: &'a Layout,
    pub(super) room: DraftPlace,
    pub(super) attachments: Option<&'a Path>,
}

/// Returns what one record becomes: its event and what is unfolded from it, or one unreadable piece.
pub(super) fn read(piece: &Piece, scene: &Scene<'_>) -> Vec<Sourced> {
    let raw = piece.raw();
    let parsed = serde_json::from_str::<Record<'_>>(&piece.json)
        .map_err(|fault| of_json(&fault, &piece.json, piece.start))
        .and_then(|record| scene.understand(record).map_err(|fault| piece.start.locate(&fault)));
    match parsed {
        Ok((mut drafts, says_more)) => {
            for draft in &mut drafts {
                draft.locator = Some(piece.locator.clone());
            }
            if let Some(record) = drafts.iter_mut().find(|draft| !draft.unfolded) {
                if piece.foreign.is_some() {
                    record.add_remark(WINDOWS_1252_REMARK);
                }
                if says_more || piece.foreign.is_some() {
                    record.raw = Some(raw.to_vec());
                } else {
                    record.record = Some(raw.to_vec());
                }
            }
            drafts.into_iter().map(|draft| admit(Box::new(draft), raw)).collect()
        }
        Err(reason) => vec![Sourced::Unreadable(Unreadable {
            source: Some(scene.source.to_owned()),
            raw: raw.to_vec(),
            locator: piece.locator.to_string(),
            reason,
        })],
    }
}

/// Returns the moment of a Slack timestamp: seconds, a point, six digits.
fn moment(ts: &str) -> Result<Timestamp, String> {
    let refuse = || {
        let found: String = ts.chars().take(40).collect();
        format!("found the ts {found:?}, expected seconds since 1970 such as 1516524675.000024")
    };
    let (seconds, fraction) = ts.split_once('.').unwrap_or((ts, ""));
    let digits = |text: &str| text.bytes().all(|letter| letter.is_ascii_digit());
    if seconds.is_empty() || !digits(seconds) || !digits(fraction) {
        return Err(refuse());
    }
    let six = format!("{fraction:0<6}");
    let micros: i64 = six.get(..6).and_then(|six| six.parse().ok()).ok_or_else(refuse)?;
    let whole: i64 = seconds.parse().map_err(|_| refuse())?;
    let moment = whole.checked_mul(1_000_000).map(|whole| whole.saturating_add(micros));
    moment.map(Timestamp::from_micros).filter(|moment| *moment <= Timestamp::MAX).ok_or_else(refuse)
}

/// Returns the kind that a subtype stands for (messages of all sorts have several).
fn kind_of(subtype: Option<&str>) -> EventKind {
    match subtype {
        None
        | Some(
            "thread_broadcast"
            | "reply_broadcast"
            | "bot_message"
            | "file_share"
            | "file_comment"
            | "file_mention"
            | "document_mention"
            | "assistant_app_thread"
            | "huddle_thread",
        ) => EventKind::Message,
        Some("me_message") => EventKind::Action,
        Some("channel_join" | "group_join") => EventKind::Join,
        Some("channel_leave" | "group_leave") => EventKind::Leave,
        Some("channel_topic" | "group_topic") => EventKind::Topic,
        Some("channel_name" | "group_name") => EventKind::Rename,
        Some(
            "channel_archive"
            | "group_archive"
            | "channel_unarchive"
            | "group_unarchive"
            | "channel_convert_to_private"
            | "channel_convert_to_public"
            | "channel_purpose"
            | "group_purpose",
        ) => EventKind::Room,
        Some("message_changed") => EventKind::Edit,
        Some("message_deleted" | "tombstone") => EventKind::Retract,
        Some(_) => EventKind::Other,
    }
}

impl Scene<'_> {
    /// A key is the room's id and the ts; events that are no messages add what they are.
    fn key(&self, ts: &str, suffix: Option<&str>) -> String {
        let room = self.room.foreign_id.as_deref().unwrap_or(&self.room.name);
        match suffix {
            None => format!("{room}/{ts}"),
            Some(suffix) => format!("{room}/{ts}/{suffix}"),
        }
    }

    fn understand(&self, mut record: Record<'_>) -> Result<(Vec<Draft>, bool), String> {
        if record.kind.as_ref().is_some_and(|kind| kind.0 != "message") {
            return Err("found a record of another type, expected \"type\":\"message\"".to_owned());
        }
        let says_more = record.says_more();
        let mut all = Vec::new();
        if let Some(previous) = record.previous_message.take() {
            // The former words are an event of their own, so that they are found too.
            if let Ok(mut former) = self.event(*previous) {
                former.unfolded = true;
                former.remark = Some(FORMER_REMARK.to_owned());
                all.push(former);
            }
        }
        let reactions = record.reactions.take().unwrap_or_default();
        let draft = self.event(record)?;
        let says_more = says_more || draft.rich_text.is_some();
        all.extend(self.reactions(&draft, &reactions));
        let at = all.iter().take_while(|draft| draft.kind != EventKind::Reaction).count();
        all.insert(at, draft);
        Ok((all, says_more))
    }

    fn event(&self, mut record: Record<'_>) -> Result<Draft, String> {
        let ts = record.ts.take().owned().ok_or("found no \"ts\", expected one")?;
        let subtype = record.subtype.take().owned();
        let kind = kind_of(subtype.as_deref());
        let said = matches!(kind, EventKind::Message | EventKind::Action);
        let mut draft = Draft::new(self.source, kind, moment(&ts)?);
        draft.key = DraftKey::Given(self.key(&ts, if said { None } else { subtype.as_deref() }));
        draft.place = Some(self.room.clone());
        draft.target = self.target(&record, kind, &ts);
        draft.thread = record.thread_ts.take().owned();
        let topic = first_said([record.topic.take().owned().as_ref()]);
        draft.title = topic.map(|topic| plain(&topic, self.layout).into_owned());
        if kind == EventKind::Room || kind == EventKind::Rename {
            draft.act = Some(act_of(subtype.as_deref(), &mut record));
        }
        if let Some(mut changed) = record.message.take() {
            draft.actor = self.actor(&mut changed);
            self.fill(&mut draft, &mut changed)?;
        } else {
            self.fill(&mut draft, &mut record)?;
        }
        draft.actor = draft.actor.or_else(|| self.actor(&mut record));
        Ok(draft)
    }

    /// Gives a draft the words and files of a message.
    fn fill(&self, draft: &mut Draft, record: &mut Record<'_>) -> Result<(), String> {
        draft.edited_at = edited_at(record)?;
        if let Some(words) = words::of(record, self.layout) {
            draft.text = Some(words.text);
            draft.rich_text = words.markup;
            draft.remark = words.cut.then(|| CUT_REMARK.to_owned());
        }
        draft.attachments = self.files(record);
        Ok(())
    }

    fn target(&self, record: &Record<'_>, kind: EventKind, ts: &str) -> Option<DraftTarget> {
        let of = |ts: &str| Some(DraftTarget::Key(self.key(ts, None)));
        let deleted = record.deleted_ts.as_ref().map(|ts| &*ts.0);
        let changed = record.message.as_ref().and_then(|changed| changed.ts.as_ref());
        let thread = record.thread_ts.as_ref().map(|thread| &*thread.0);
        if kind == EventKind::Edit {
            changed.and_then(|changed| of(&changed.0))
        } else if kind == EventKind::Retract {
            // A tombstone stands where the message stood.
            of(deleted.unwrap_or(ts))
        } else if matches!(kind, EventKind::Message | EventKind::Action) {
            thread.filter(|thread| *thread != ts).and_then(of)
        } else {
            None
        }
    }

    fn actor(&self, record: &mut Record<'_>) -> Option<DraftPerson> {
        let bot_name = record.bot_profile.take().and_then(|bot| bot.name);
        let username = first_said([record.username.take().owned().as_ref(), bot_name.as_ref()]);
        let bot = first_said([record.bot_id.take().owned().as_ref()]);
        let profile = record.user_profile.take();
        let Some(id) = first_said([record.user.take().owned().as_ref()]) else {
            let name = username.clone().or_else(|| bot.clone())?;
            return Some(DraftPerson { name, foreign_id: bot, email: None });
        };
        let mut person = self.layout.person(&id);
        if let (Some(_), Some(name)) = (&bot, &username) {
            // An app posts under a name of its own choice; the account's names are known from the list.
            person.name.clone_from(name);
        } else if person.name == id {
            let own = profile.and_then(|profile| {
                first_said([profile.display_name.as_ref(), profile.real_name.as_ref()])
            });
            person.name = own.or(username).unwrap_or(id);
        }
        Some(person)
    }

    fn files(&self, record: &mut Record<'_>) -> Vec<DraftFile> {
        let several = record.files.take().unwrap_or_default();
        several.into_iter().chain(record.file.take()).map(|file| self.file(file)).collect()
    }

    fn file(&self, file: File<'_>) -> DraftFile {
        let id = file.id.owned();
        let name = first_said([file.name.owned().as_ref(), file.title.owned().as_ref()]);
        let name = name.or_else(|| id.clone()).unwrap_or_default();
        let copy = id.as_deref().and_then(|id| self.copy_of(id, &name));
        let gone =
            file.mode.is_some_and(|mode| mode.0 == "tombstone" || mode.0 == "hidden_by_limit");
        let reason = if gone {
            "the source had deleted it before the export"
        } else {
            "the export holds a link to it, not the file; give copies with --attachments"
        };
        DraftFile {
            name,
            media_type: file.mimetype.owned(),
            address: file.url_private.owned(),
            content: copy.unwrap_or(FileContent::Missing {
                reason: reason.to_owned(),
                claimed_bytes: file.size,
            }),
        }
    }

    /// Looks for a copy in the export, then in the folder of attachments, under the names that download tools give.
    fn copy_of(&self, id: &str, name: &str) -> Option<FileContent> {
        if let Some(member) = self.layout.copy_of(id) {
            return Some(FileContent::Member(member.clone()));
        }
        let folder = self.attachments?;
        let names = [
            format!("{id}/{name}"),
            format!("__uploads/{id}/{name}"),
            format!("{id}-{name}"),
            format!("{id}_{name}"),
            id.to_owned(),
        ];
        names.iter().find_map(|name| within(folder, name).ok()).map(FileContent::Path)
    }

    fn reactions(&self, draft: &Draft, reactions: &[Reaction<'_>]) -> Vec<Draft> {
        let mut all = Vec::new();
        let DraftKey::Given(key) = &draft.key else { return all };
        for given in reactions {
            let mut reaction = Draft::new(self.source, EventKind::Reaction, draft.at);
            reaction.key = DraftKey::Given(format!("{key}/reaction/{}", given.name.0));
            reaction.place = Some(self.room.clone());
            reaction.target = Some(DraftTarget::Record);
            reaction.text = Some(given.name.0.to_string());
            reaction.unfolded = true;
            for user in &given.users {
                let key = format!("{key}/reaction/{}/{}", given.name.0, user.0);
                let (key, actor) = (DraftKey::Given(key), Some(self.layout.person(&user.0)));
                all.push(Draft { key, actor, ..reaction.clone() });
            }
            if let Some(remark) = unnamed(given.users.len(), given.count) {
                reaction.remark = Some(remark);
                all.push(reaction);
            }
        }
        all
    }
}

fn edited_at(record: &Record<'_>) -> Result<Option<Timestamp>, String> {
    let ts = record.edited.as_ref().and_then(|edited| edited.ts.as_ref());
    ts.map(|ts| moment(&ts.0)).transpose()
}

/// Room life is kept in the ledger, whose events say what they are in an act.
fn act_of(subtype: Option<&str>, record: &mut Record<'_>) -> Act {
    Act::new(subtype.unwrap_or_default())
        .with_some("purpose", record.purpose.take().owned())
        .with_some("name", record.name.take().owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ts_is_exact_to_the_microsecond() {
        assert_eq!(moment("1516524675.000024").unwrap().micros(), 1_516_524_675_000_024);
        assert_eq!(moment("1516524675").unwrap().micros(), 1_516_524_675_000_000);
        for bad in ["", ".5", "-1.0", "1e9", "99999999999999999999", "999999999999.0"] {
            assert!(moment(bad).unwrap_err().contains("1516524675.000024"), "{bad}");
        }
    }
}
