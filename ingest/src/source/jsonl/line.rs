//! What one line means: the drafts that it becomes, or why it becomes none.

use std::collections::VecDeque;
use std::sync::Arc;

use chat::EventKind;

use super::super::fault::{Start, of_json};
use super::super::word::{Owned as _, Text};
use super::super::{
    Reading, Sourced, Unreadable, WINDOWS_1252_REMARK, admit, decode, missing_file, moment,
    unnamed, within,
};
use super::record::{File, Reaction, Record};
use crate::draft::{
    Draft, DraftFile, DraftKey, DraftPerson, DraftPlace, DraftTarget, FileContent, Locator,
    RoomKind,
};

/// Returns what one line becomes: its event, then a deletion mark and reactions where it has them; or one unreadable piece,
/// also where it says more than the limits allow.
pub fn parse_line(bytes: &[u8], locator: &Locator, reading: &Reading) -> Vec<Sourced> {
    let mut pieces = VecDeque::new();
    parse_into(bytes, locator, reading, &mut pieces);
    pieces.into()
}

/// Returns the drafts that one line becomes, not held against the limits yet; or the line, if it cannot be understood.
pub fn drafts_of_line(
    bytes: &[u8],
    locator: &Locator,
    reading: &Reading,
) -> Result<Vec<Draft>, Unreadable> {
    read_line(bytes, locator, reading, |draft, deleted, reactions| {
        unfold(*draft, deleted, reactions)
    })
}

/// Puts what one line becomes behind what is there.
pub(super) fn parse_into(
    bytes: &[u8],
    locator: &Locator,
    reading: &Reading,
    pieces: &mut VecDeque<Sourced>,
) {
    let read = read_line(bytes, locator, reading, |draft, deleted, reactions| {
        if deleted || !reactions.is_empty() {
            pieces.extend(admit_all(unfold(*draft, deleted, reactions), bytes));
        } else {
            pieces.push_back(admit(draft, bytes));
        }
    });
    if let Err(piece) = read {
        pieces.push_back(Sourced::Unreadable(piece));
    }
}

/// Reads a line and hands on its draft, whether it is marked as deleted, and the reactions to it.
fn read_line<T>(
    bytes: &[u8],
    locator: &Locator,
    reading: &Reading,
    take: impl FnOnce(Box<Draft>, bool, &[Reaction<'_>]) -> T,
) -> Result<T, Unreadable> {
    let (text, guessed) = decode(bytes);
    let parsed = serde_json::from_str::<Record<'_>>(&text)
        .map_err(|fault| of_json(&fault, &text, Start::LINE))
        .and_then(|record| understand(record, locator, reading));
    match parsed {
        Ok(Understood { mut draft, deleted, reactions, says_more }) => {
            if guessed {
                draft.add_remark(WINDOWS_1252_REMARK);
            }
            if (says_more || guessed) && draft.raw.is_none() {
                draft.raw = Some(bytes.to_vec());
            } else if matches!(draft.key, DraftKey::Given(_)) {
                draft.record = Some(bytes.to_vec());
            }
            Ok(take(draft, deleted, &reactions))
        }
        Err(reason) => Err(Unreadable {
            source: reading.source.clone(),
            raw: bytes.to_vec(),
            locator: locator.to_string(),
            reason,
        }),
    }
}

/// Admits a record's drafts together: if one of them breaks a limit, the line is kept once, raw.
fn admit_all(drafts: Vec<Draft>, bytes: &[u8]) -> Vec<Sourced> {
    let all: Vec<_> = drafts.into_iter().map(|draft| admit(Box::new(draft), bytes)).collect();
    let refused = all.iter().position(|sourced| matches!(sourced, Sourced::Unreadable(_)));
    match refused {
        Some(at) => all.into_iter().skip(at).take(1).collect(),
        None => all,
    }
}

/// What a line says: its own event, and what it says about that event.
struct Understood<'a> {
    draft: Box<Draft>,
    deleted: bool,
    reactions: Vec<Reaction<'a>>,
    says_more: bool,
}

fn missing(member: &str) -> String {
    format!("found no {member:?}, expected a string")
}

/// Passes a name on that says something.
fn said(member: &str, name: Option<String>) -> Result<Option<String>, String> {
    if name.as_ref().is_some_and(|name| name.trim().is_empty()) {
        return Err(format!("found an empty {member:?}, expected a name"));
    }
    Ok(name)
}

fn understand<'a>(
    mut record: Record<'a>,
    locator: &Locator,
    reading: &Reading,
) -> Result<Understood<'a>, String> {
    let source = match &reading.source {
        Some(source) => source.clone(),
        None => said("source", record.source.take().owned())?.ok_or_else(|| missing("source"))?,
    };
    let time = record.time.take().ok_or_else(|| missing("time"))?;
    let (at, odd_time) = moment::read(&time.0, reading.zone)?;
    let (kind, kind_known) = kind_of(&record)?;
    let mut draft = Box::new(Draft::new(source, kind, at));
    draft.remark = odd_time.map(str::to_owned);
    draft.locator = Some(locator.clone());
    draft.key = record.id.take().owned().map_or(DraftKey::Derived, DraftKey::Given);
    draft.place = Some(place_of(&mut record)?);
    draft.actor = person_of(&mut record)?;
    if draft.actor.is_none() && record.event.is_none() {
        return Err(missing("sender"));
    }
    draft.target = match (record.edited_of.take().owned(), record.reply_to.take().owned()) {
        (Some(key), _) | (None, Some(key)) => Some(DraftTarget::Key(key)),
        (None, None) => None,
    };
    draft.title = record.title.take().owned();
    draft.rich_text = record.rich_text.take().owned();
    draft.thread = record.thread.take().owned();
    let edited_at = record.edited_at.take();
    draft.edited_at = match edited_at.map(|time| moment::read(&time.0, reading.zone)).transpose()? {
        Some((at, odd)) => {
            if let Some(odd) = odd {
                draft.add_remark(odd);
            }
            Some(at)
        }
        None => None,
    };
    draft.raw = record.raw.map(|raw| raw.get().as_bytes().to_vec());
    draft.attachments = record
        .attachments
        .take()
        .unwrap_or_default()
        .into_iter()
        .map(|file| file_of(file, reading))
        .collect();
    draft.text = record.text.take().owned();
    let deleted = record.deleted == Some(true);
    if draft.text.is_none() && record.event.is_none() && draft.attachments.is_empty() && !deleted {
        return Err(missing("text"));
    }
    let reactions = record.reactions.take().unwrap_or_default();
    // A time that was read otherwise than it stands is kept as it stands.
    let says_more = record.says_more || !kind_known || draft.remark.is_some();
    Ok(Understood { draft, deleted, reactions, says_more })
}

/// Returns the kind, and whether the source's own word for it is known.
fn kind_of(record: &Record<'_>) -> Result<(EventKind, bool), String> {
    if let Some(event) = &record.event {
        let known = match &*event.0 {
            "join" => EventKind::Join,
            "leave" => EventKind::Leave,
            "kick" => EventKind::Kick,
            "rename" => EventKind::Rename,
            "topic" => EventKind::Topic,
            "upload" => EventKind::Upload,
            "download" => EventKind::Download,
            "history" => EventKind::History,
            "search" => EventKind::Search,
            "other" => EventKind::Other,
            _ => return Ok((EventKind::Other, false)),
        };
        return Ok((known, true));
    }
    let kind = match record.kind.as_ref().map_or("message", |kind| &kind.0) {
        "message" => EventKind::Message,
        "action" => EventKind::Action,
        "story" => EventKind::Story,
        "alert" => EventKind::Alert,
        other => {
            let other: String = other.chars().take(40).collect();
            return Err(format!(
                "found the kind {other:?}, expected message, action, story or alert"
            ));
        }
    };
    let edits = record.edited_of.is_some();
    // An edit of a story is an edit; the story that it edits says what it was.
    Ok((if edits { EventKind::Edit } else { kind }, !(edits && kind != EventKind::Message)))
}

fn place_of(record: &mut Record<'_>) -> Result<DraftPlace, String> {
    let kind = match &record.room_kind {
        None => RoomKind::Room,
        Some(word) => RoomKind::from_word(&word.0).ok_or_else(|| {
            let word: String = word.0.chars().take(40).collect();
            format!("found the room_kind {word:?}, expected room, direct or group")
        })?,
    };
    let members = record.members.take().map(|members| {
        members.into_iter().map(|member| member.0.into_owned()).collect::<Arc<[String]>>()
    });
    Ok(DraftPlace {
        name: said("room", record.room.take().owned())?.ok_or_else(|| missing("room"))?,
        foreign_id: record.room_id.take().owned(),
        kind,
        category: record.category.take().owned(),
        members,
    })
}

fn person_of(record: &mut Record<'_>) -> Result<Option<DraftPerson>, String> {
    let foreign_id = said("sender_id", record.sender_id.take().owned())?;
    let email = record.sender_email.take().owned();
    let name = said("sender", record.sender.take().owned())?.or_else(|| foreign_id.clone());
    Ok(name.map(|name| DraftPerson { name, foreign_id, email }))
}

fn file_of(file: File<'_>, reading: &Reading) -> DraftFile {
    let address = file.url.owned();
    let path = file.path.owned();
    let last = |path: &String| path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
    let name = file.name.owned().or_else(|| path.as_ref().or(address.as_ref()).map(last));
    let mut draft = missing_file(name.unwrap_or_default(), "");
    let local = path.as_deref().zip(reading.attachments.as_deref());
    let reason = match (&path, local) {
        (Some(_), Some((path, folder))) => match within(folder, path) {
            Ok(path) => {
                draft.content = FileContent::Path(path);
                None
            }
            Err(reason) => Some(reason),
        },
        (Some(_), None) => {
            let words = "the line names a path; give the folder that holds it with --attachments";
            Some(words.to_owned())
        }
        (None, _) => Some("the line holds an address, not the file".to_owned()),
    };
    if let Some(reason) = reason {
        draft.content = FileContent::Missing { reason, claimed_bytes: file.size };
    }
    draft.media_type = file.mime.owned();
    draft.address = address.or(path);
    draft
}

/// Returns the record's own event and, after it, what it says about that event: that it was deleted, who reacted.
fn unfold(draft: Draft, deleted: bool, reactions: &[Reaction<'_>]) -> Vec<Draft> {
    let key = |suffix: &str| match &draft.key {
        DraftKey::Given(key) => DraftKey::Given(format!("{key}/{suffix}")),
        DraftKey::Derived => DraftKey::Derived,
    };
    let follow = |kind: EventKind, key: DraftKey| {
        let mut next = Draft::new(draft.source.clone(), kind, draft.at);
        next.key = key;
        next.place.clone_from(&draft.place);
        next.locator.clone_from(&draft.locator);
        next.target = Some(DraftTarget::Record);
        next.unfolded = true;
        next
    };
    let mut after = Vec::new();
    let gone = deleted && draft.text.is_none() && draft.attachments.is_empty();
    if deleted && !gone {
        let mut mark = follow(EventKind::Retract, key("retract"));
        mark.remark =
            Some("the source marks it as deleted and does not say when or by whom".to_owned());
        after.push(mark);
    }
    for Reaction { value: Text(value), senders, count } in reactions {
        for Text(sender) in senders {
            let suffix = format!("reaction/{value}/{sender}");
            let mut reaction = follow(EventKind::Reaction, key(&suffix));
            reaction.text = Some(value.to_string());
            let name = sender.to_string();
            reaction.actor = Some(DraftPerson { name, foreign_id: None, email: None });
            after.push(reaction);
        }
        if let Some(remark) = unnamed(senders.len(), *count) {
            let mut reaction = follow(EventKind::Reaction, key(&format!("reaction/{value}")));
            reaction.text = Some(value.to_string());
            reaction.remark = Some(remark);
            after.push(reaction);
        }
    }
    let mut first = draft;
    if gone {
        // Nothing of the message is left: the line is the deletion itself, under a key of its own.
        if let DraftKey::Given(key) = &first.key {
            first.target = Some(DraftTarget::Key(key.clone()));
            first.key = DraftKey::Given(format!("{key}/retract"));
        }
        first.kind = EventKind::Retract;
    }
    after.insert(0, first);
    after
}
