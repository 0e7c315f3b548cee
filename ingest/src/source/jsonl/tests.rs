//! Claims about the line format.

use std::path::PathBuf;

use chat::{EventKind, limits};

use super::*;
use crate::draft::{Draft, DraftKey, DraftTarget, FileContent, RoomKind};

const START: &str = r#""source":"s","room":"r","sender":"Ada","time":"2024-03-04T09:15:00Z""#;

fn read(input: &[u8]) -> Vec<Sourced> {
    let mut source = JsonLines::new(input, "in.jsonl", Reading::default());
    let mut all = Vec::new();
    while let Some(next) = source.next() {
        all.push(next.unwrap());
    }
    all
}

fn drafts(line: &str) -> Vec<Draft> {
    read(line.as_bytes())
        .into_iter()
        .map(|sourced| match sourced {
            Sourced::Draft(draft) => *draft,
            Sourced::Unreadable(piece) => panic!("{line}: {}", piece.reason),
        })
        .collect()
}

fn draft(members: &str) -> Draft {
    let mut all = drafts(&format!("{{{START},{members}}}"));
    assert_eq!(all.len(), 1, "{members}");
    all.remove(0)
}

fn reason(line: &str) -> String {
    match read(line.as_bytes()).as_slice() {
        [Sourced::Unreadable(piece)] => {
            assert_eq!(piece.raw, line.as_bytes());
            assert_eq!(piece.locator, "in.jsonl:1");
            piece.reason.clone()
        }
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_message_keeps_its_words_and_has_a_derived_key() {
    let draft = draft(r#""text":"Grüße, \u4e16界 \ud83d\ude42""#);
    assert_eq!(draft.text.as_deref(), Some("Grüße, 世界 🙂"));
    assert_eq!(draft.kind, EventKind::Message);
    assert_eq!(draft.key, DraftKey::Derived);
    assert_eq!(draft.at.to_string(), "2024-03-04T09:15:00.000000Z");
    assert_eq!(draft.locator.as_ref().map(ToString::to_string).as_deref(), Some("in.jsonl:1"));
    assert_eq!(draft.place.unwrap().kind, RoomKind::Room);
    assert_eq!(draft.raw, None, "the line says no more than the draft");
}

#[test]
fn every_optional_member_has_its_field() {
    let draft = draft(
        r#""text":"t","id":7,"sender_id":"u1","sender_email":"a@x","kind":"story","title":"T",
           "thread":12,"reply_to":"m0","category":"c","room_kind":"group","members":["Ada","Bo"],
           "room_id":"r1","rich_text":"<b>t</b>","edited_at":"2024-03-05T00:00:00Z","raw":{"x": 1}"#
            .replace('\n', "")
            .as_str(),
    );
    assert_eq!(draft.key, DraftKey::Given("7".into()));
    let actor = draft.actor.unwrap();
    assert_eq!((actor.foreign_id.as_deref(), actor.email.as_deref()), (Some("u1"), Some("a@x")));
    assert_eq!(draft.kind, EventKind::Story);
    assert_eq!(draft.title.as_deref(), Some("T"));
    assert_eq!(draft.thread.as_deref(), Some("12"));
    assert_eq!(draft.target, Some(DraftTarget::Key("m0".into())));
    let place = draft.place.unwrap();
    assert_eq!(place.category.as_deref(), Some("c"));
    assert_eq!(place.kind, RoomKind::Group);
    assert_eq!(place.members.unwrap().len(), 2);
    assert_eq!(draft.edited_at.unwrap().to_string(), "2024-03-05T00:00:00.000000Z");
    assert_eq!(draft.raw.as_deref(), Some(b"{\"x\": 1}".as_slice()));
}

#[test]
fn every_event_word_has_its_kind_and_a_foreign_word_is_kept_raw() {
    for word in
        ["join", "leave", "kick", "rename", "topic", "upload", "download", "history", "search"]
    {
        let draft = draft(&format!(r#""event":"{word}""#));
        assert_eq!(draft.kind.word(), word);
        assert_eq!(draft.raw, None);
    }
    let other = draft(r#""event":"levitate","text":"x""#);
    assert_eq!(other.kind, EventKind::Other);
    assert!(other.raw.unwrap().windows(8).any(|window| window == b"levitate"));
}

#[test]
fn a_line_that_says_more_than_its_fields_is_kept_raw() {
    let line = format!(r#"{{{START},"text":"t","mood":"calm"}}"#);
    assert_eq!(drafts(&line)[0].raw.as_deref(), Some(line.as_bytes()));
}

#[test]
fn an_edit_points_to_the_id_it_edits() {
    let edit = draft(r#""text":"new","id":"m2","edited_of":"m1""#);
    assert_eq!(edit.kind, EventKind::Edit);
    assert_eq!(edit.target, Some(DraftTarget::Key("m1".into())));
}

#[test]
fn a_deleted_message_keeps_its_words_and_gets_a_mark() {
    let all = drafts(&format!(r#"{{{START},"text":"gone","id":"m1","deleted":true}}"#));
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].text.as_deref(), Some("gone"));
    assert_eq!(all[1].kind, EventKind::Retract);
    assert_eq!(all[1].key, DraftKey::Given("m1/retract".into()));
    assert_eq!(all[1].target, Some(DraftTarget::Record));
    assert!(all[1].unfolded && !all[0].unfolded);
    let bare = draft(r#""id":"m1","deleted":true"#);
    assert_eq!((bare.kind, bare.target), (EventKind::Retract, Some(DraftTarget::Key("m1".into()))));
}

#[test]
fn each_sender_of_a_reaction_is_an_event_and_those_not_named_are_one() {
    let all = drafts(&format!(
        r#"{{{START},"text":"t","id":"m","reactions":[{{"value":"👍","senders":["Bo","Cy"]}},{{"value":"x"}},{{"value":"y","senders":["Bo"],"count":3}}]}}"#
    ));
    assert_eq!(all.len(), 6);
    assert_eq!(
        (all[3].key.clone(), &all[3].actor),
        (DraftKey::Given("m/reaction/x".into()), &None)
    );
    assert!(all[3].remark.as_deref().unwrap().contains("does not name"));
    assert!(all[5].remark.as_deref().unwrap().contains("counts 2 of these"), "{:?}", all[5]);
    assert_eq!(all[2].key, DraftKey::Given("m/reaction/👍/Cy".into()));
    assert_eq!(all[2].text.as_deref(), Some("👍"));
}

#[test]
fn an_attachment_is_taken_from_the_folder_of_attachments_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::File::create(folder.path().join("a.txt")).unwrap();
    let line = format!(
        r#"{{{START},"attachments":["a.txt","https://x.example/b.pdf",{{"name":"c","path":"../c","mime":"text/plain","size":3}},{{"path":"/etc/passwd"}}]}}"#
    );
    let here = Reading { attachments: Some(folder.path().to_owned()), ..Reading::default() };
    let all = parse_line(line.as_bytes(), &Locator::whole("l"), &here);
    let [Sourced::Draft(draft)] = all.as_slice() else { panic!("{all:?}") };
    let expected: PathBuf = folder.path().canonicalize().unwrap().join("a.txt");
    assert_eq!(draft.attachments[0].content, FileContent::Path(expected));
    assert_eq!(draft.attachments[1].name, "b.pdf");
    for file in &draft.attachments[1..] {
        assert!(matches!(file.content, FileContent::Missing { .. }), "{file:?}");
    }
    let FileContent::Missing { claimed_bytes, reason } = &draft.attachments[2].content else {
        panic!()
    };
    assert_eq!(*claimed_bytes, Some(3));
    assert!(reason.contains("\"../c\" leaves the folder"), "{reason}");
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let without = |member: &str| {
        let members = [
            r#""source":"s""#,
            r#""room":"r""#,
            r#""sender":"p""#,
            r#""time":"2024-03-04T09:15:00Z""#,
            r#""text":"t""#,
        ];
        let rest: Vec<_> =
            members.into_iter().filter(|m| !m.contains(&format!("{member:?}:"))).collect();
        reason(&format!("{{{}}}", rest.join(",")))
    };
    for member in ["source", "room", "sender", "time", "text"] {
        assert!(without(member).contains(&format!("{member:?}")), "{}", without(member));
    }
    assert!(reason(&format!(r#"{{{START},"text":"t","time":"x"}}"#)).contains("twice"));
    assert!(reason(&format!(r#"{{{START},"text":"t","kind":"poem"}}"#)).contains("story"));
    assert!(reason(&format!(r#"{{{START},"text":7}}"#)).contains("expected a string"));
    assert!(reason(&format!(r#"{{{START},"text":"t","room_kind":"cave"}}"#)).contains("direct"));
    assert!(reason("[]").contains("expected an object"));
    assert!(reason(&format!(r#"{{{START},"text":"\ud800"}}"#)).contains("escape"));
}

#[test]
fn an_empty_source_room_or_sender_is_refused_by_its_name() {
    for member in ["source", "room", "sender"] {
        for empty in ["", "  "] {
            let line = format!("{{{START},\"text\":\"t\"}}");
            let (at, end) =
                (line.find(&format!("{member:?}:")).unwrap(), |rest: &str| rest.find(',').unwrap());
            let rest = &line[at..];
            let line = line.replace(&rest[..end(rest)], &format!("{member:?}:{empty:?}"));
            assert_eq!(reason(&line), format!("found an empty {member:?}, expected a name"));
        }
    }
}

#[test]
fn a_line_that_is_no_json_is_named_with_its_column() {
    assert!(reason("garbage").starts_with("column 1: found 'g', expected JSON"));
    let cut = format!("{{{START},\"text\":");
    assert!(reason(&cut).contains("cut off"));
    let number = reason(&format!("{{{START},\"text\":7}}"));
    assert!(number.starts_with("column ") && !number.contains("line"), "{number}");
}

#[test]
fn a_time_without_an_offset_is_read_in_the_given_zone_or_refused_with_the_remedy() {
    let line = format!("{{{START},\"text\":\"t\"}}").replace("09:15:00Z", "09:15:00");
    assert!(reason(&line).contains("--zone"), "{}", reason(&line));
    let read = |line: &str| {
        let reading =
            Reading { zone: Some("Europe/Berlin".parse().unwrap()), ..Reading::default() };
        match parse_line(line.as_bytes(), &Locator::whole("l"), &reading).remove(0) {
            Sourced::Draft(draft) => *draft,
            Sourced::Unreadable(piece) => panic!("{}", piece.reason),
        }
    };
    let draft = read(&line);
    assert_eq!(draft.at.to_string(), "2024-03-04T08:15:00.000000Z");
    assert_eq!((draft.remark, draft.raw), (None, None));
    let twice = line.replace("2024-03-04T09:15:00", "2024-10-27T02:30:00");
    let draft = read(&twice);
    assert_eq!(draft.at.to_string(), "2024-10-27T00:30:00.000000Z");
    assert!(draft.remark.unwrap().contains("earlier"));
    assert_eq!(draft.raw.as_deref(), Some(twice.as_bytes()));
}

#[test]
fn a_leap_second_that_never_was_is_refused() {
    let line = format!("{{{START},\"text\":\"t\"}}").replace("09:15:00Z", "23:59:60Z");
    assert!(reason(&line).contains("leap second"));
    let real = drafts(&line.replace("2024-03-04", "2016-12-31"));
    assert_eq!(real[0].at.to_string(), "2016-12-31T23:59:59.999999Z");
    assert!(real[0].remark.as_deref().unwrap().contains("leap second"));
}

#[test]
fn bytes_that_are_no_utf8_are_read_as_windows_1252_and_kept() {
    let line = [b"{", START.as_bytes(), b",\"text\":\"caf\xe9 \x80\"}"].concat();
    let all = read(&line);
    let [Sourced::Draft(draft)] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(draft.text.as_deref(), Some("café €"));
    assert_eq!(draft.raw.as_deref(), Some(line.as_slice()));
    assert!(draft.remark.as_deref().unwrap().contains("windows-1252"));
}

#[test]
fn a_bad_line_does_not_stop_the_rest() {
    let good = format!("{{{START},\"text\":\"t\"}}");
    let input = format!("{good}\nnot json\n\n{good}\r\n{{\"cut\":");
    let kinds: Vec<_> =
        read(input.as_bytes()).iter().map(|s| matches!(s, Sourced::Draft(_))).collect();
    assert_eq!(kinds, [true, false, true, false]);
}

#[test]
fn an_oversized_field_is_unreadable_with_its_limit() {
    let text = "x".repeat(limits::TEXT_BYTES_MAX + 1);
    let line = format!(r#"{{{START},"text":"{text}","deleted":true}}"#);
    assert_eq!(reason(&line), "text has 1048577 bytes, the limit is 1048576");
}
